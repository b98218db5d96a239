"""Small files that other programs wrote, read so that none of them can do harm: bounded, and never an error."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: A manifest has a kilobyte or two.
LARGEST = 1 << 20
LONGEST_NAME = 200
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PlacedModel:
    """A model as another program names it.

    Attributes:
        path: its file, which is there; its name may end in anything.
        name: on one line, such as "llama3.2:3b"; empty where the program says none.
        projectors: files that are there, the likeliest first.
        adapters: what the program lays over it (LoRA), which loading `path` alone leaves out.
    """

    path: Path
    name: str
    projectors: tuple[Path, ...] = ()
    adapters: tuple[Path, ...] = ()


def text_of(path: Path) -> str:
    """A file's text; empty where there is none, it cannot be read, or it is larger than anything these programs write.

    Bytes that are no UTF-8 are kept as Python keeps them in file names.
    """
    try:
        if not path.is_file():  # a pipe would be waited for
            return ""
        with path.open("rb") as stream:
            content = stream.read(LARGEST + 1)
    except (OSError, ValueError):  # ValueError: a zero byte in what was read as a path
        return ""
    if len(content) > LARGEST:
        _log.warning("%s is larger than it can be, and passed over", path)
        return ""
    return content.decode("utf-8-sig", errors="surrogateescape")


def json_of(path: Path) -> dict[str, Any]:
    """The JSON object in a file; empty where there is none that can be read."""
    text = text_of(path)
    if not text:
        return {}
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        _log.info("%s is no JSON, and passed over", path)
        return {}
    return content if isinstance(content, dict) else {}


def is_file(path: Path) -> bool:
    """Whether it is a file that can be looked at; never fails."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False
