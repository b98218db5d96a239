"""Good models to begin with, chosen by hand, so that there is something to choose from without any network."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from nodetool_xl_desktop.core.paths import resource
from nodetool_xl_desktop.core.units import GIB

FILE_NAME = "picks.json"


@dataclass(frozen=True, slots=True)
class Pick:
    """One good model. Its figures are about right; the hub says what they are.

    Attributes:
        repo_id: of a repository of GGUF files, `organisation/name`.
        quantization: of the file to take.
        title: its name as people say it.
        n_params: how many parameters it has.
        size: of the file, in bytes.
        licence: its short name.
        task: what it is taken for: "Small and quick", "General", "Coding", "Reasoning", "Vision" or "Embedding".
        about: the same in one line. Both are English, and have a translation: `tr(pick.about)`.
        capabilities: by the names of `library.model_file.Capability`.
        least_memory: what a machine should have for it in all, in bytes, with a context of 8,192 tokens.
    """

    repo_id: str
    quantization: str
    title: str
    n_params: int
    size: int
    licence: str
    task: str
    about: str
    capabilities: tuple[str, ...]
    least_memory: int


def picks(path: Path | None = None) -> tuple[Pick, ...]:
    """All of them, by task and then the smallest first. It reads a small file (22 entries).

    Args:
        path: another file than the one that the program brings.
    """
    content = json.loads((path or resource(FILE_NAME)).read_text(encoding="utf-8"))
    return tuple(_pick(entry) for entry in content["models"])


def _pick(entry: dict[str, object]) -> Pick:
    told = dict(entry)
    least, capabilities = told.pop("least_memory_gib"), told.pop("capabilities")
    assert isinstance(least, int)
    assert isinstance(capabilities, list)
    return Pick(**told, capabilities=tuple(capabilities), least_memory=least * GIB)  # type: ignore[arg-type]
