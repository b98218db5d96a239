"""What is kept of a file by its path follows the file when the program itself has moved it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol, TypeVar

Entry = TypeVar("Entry")


class Follower(Protocol):
    """Keeps something by the paths of models."""

    def follow(self, source: Path, target: Path) -> None:
        """Follow the files that were moved from one folder to another, both absolute.

        Which ones, the disk tells: those that are not below the first any more, and are below the second. So it may be
        called again at any time, and after a move that was killed.

        Raises:
            UserFacingError: it could not be saved.
        """


def followed(kept: Mapping[str, Entry], source: Path, target: Path) -> dict[str, Entry]:
    """The same, by the paths where the files lie now. What is kept of the new path already goes before."""
    names = {name: _now(name, source, target) for name in kept}
    stayed = {name for name, now in names.items() if now == name}
    return {now: kept[name] for name, now in names.items() if now == name or now not in stayed}


def _now(name: str, source: Path, target: Path) -> str:
    path = Path(name)
    if not path.is_relative_to(source) or os.path.lexists(path):
        return name
    new = target / path.relative_to(source)
    return str(new) if os.path.lexists(new) else name
