"""Jan's models: `<data>/llamacpp/models/<id>/model.yml` says which file it is, which lies beside it or anywhere."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

from nodetool_xl_desktop.core.text import one_line
from nodetool_xl_desktop.library.strangers import LONGEST_NAME, PlacedModel, is_file, text_of

FILE_NAME = "model.yml"
#: An id is made of a repository's name and a file's, so that its folders lie in one another.
_DEPTH = 4
MOST_MODELS = 10_000
_LINE = re.compile(r"^([A-Za-z_][\w-]*):[ \t]+(\S.*?)[ \t]*\r?$", re.M)


def models(folder: Path) -> Iterator[PlacedModel]:
    """The models that Jan knows by name, and whose files are there."""
    for number, above in enumerate(_folders(folder, 0)):
        if number >= MOST_MODELS:
            return
        said = values(text_of(above / FILE_NAME))
        path = _path(folder, said.get("model_path", ""))
        if path is not None:
            projector = _path(folder, said.get("mmproj_path", ""))
            # The id: its `name` is the same, or the title that an older version gave it.
            name = one_line(said.get("name", "") or above.relative_to(folder).as_posix(), LONGEST_NAME)
            yield PlacedModel(path, name, (projector,) if projector else ())


def sha256_of(path: Path) -> str:
    """The hash that the model.yml beside a file gives it; empty where it gives none."""
    said = values(text_of(path.parent / FILE_NAME))
    for key in ("model", "mmproj"):
        if said.get(f"{key}_path", "").replace("\\", "/").rpartition("/")[2] == path.name:
            digest = said.get(f"{key}_sha256", "").lower()
            return digest if re.fullmatch(r"[0-9a-f]{64}", digest, re.A) else ""
    return ""


def values(text: str) -> dict[str, str]:
    """The plain values at the top level of such a file, which is all that is needed of YAML.

    A parser for all of it would be one more thing that a stranger's file could harm.
    """
    return {key: _scalar(value) for key, value in _LINE.findall(text)}


def _scalar(value: str) -> str:
    if value.startswith('"'):
        try:
            said, _ = json.JSONDecoder().raw_decode(value)
        except ValueError:
            return ""
        return str(said)
    if quoted := re.match(r"'((?:[^']|'')*)'", value):
        return quoted[1].replace("''", "'")
    return re.split(r"\s#", value, maxsplit=1)[0].rstrip()


def _path(folder: Path, said: str) -> Path | None:
    """A file that is there: absolute where a person gave Jan a file of their own, or else below Jan's data folder."""
    if not said:
        return None
    data = folder.parent.parent if folder.parent.name == "llamacpp" else folder.parent
    path = Path(said)
    if not path.is_absolute():
        path = Path(os.path.normpath(data / said))
        if not path.is_relative_to(data):
            return None
    return path if path.suffix.lower() == ".gguf" and is_file(path) else None


def _folders(folder: Path, depth: int) -> Iterator[Path]:
    """Those with a model.yml; links to folders are not followed, so that none goes round."""
    try:
        with os.scandir(folder) as listing:
            inside = sorted(listing, key=lambda entry: entry.name)
    except OSError:
        return
    if any(entry.name == FILE_NAME for entry in inside):
        yield folder
    elif depth < _DEPTH:
        for entry in inside:
            if entry.is_dir(follow_symlinks=False):
                yield from _folders(folder / entry.name, depth + 1)
