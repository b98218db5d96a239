"""Where models are looked for: the program's own folder, those that a person added, and what other programs hold."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.library.model_file import Place


@dataclass(frozen=True, slots=True)
class Root:
    """One folder that is looked through, with all that lies below it.

    Attributes:
        path: absolute.
        place: whose it is.
        is_on: whether it is looked through; a person may leave another program's models out.
        is_there: whether the folder exists and can be opened.
    """

    path: Path
    place: Place
    is_on: bool = True
    is_there: bool = True


class ModelFolders:
    """The choice of them, in one small JSON file. Its methods touch the disk, and may block.

    Args:
        paths: the program's folders.
        home: of the user, below which other programs are looked for; None for the real one.
    """

    def __init__(self, paths: Paths, home: Path | None = None) -> None:
        self._paths = paths
        self._home = home

    @property
    def own(self) -> Path:
        """The program's own folder: where downloads go."""
        return self._paths.models

    def roots(self) -> tuple[Root, ...]:
        """All of them: the own one, the added ones, then those of other programs that are there."""
        return (Root(self.own, Place.OWN),)
