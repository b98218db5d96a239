"""Where models are looked for: the program's own folder, those that a person added, and what other programs hold."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.json_file import JsonFile
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.library.model_file import Place
from nodetool_xl_desktop.library.places import Surroundings, folders_of_others

FILE_NAME = "folders.json"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Root:
    """One folder that is looked through, with all that lies below it.

    Attributes:
        path: absolute.
        place: whose it is.
        is_on: whether it is looked through; a person may leave another program's models out.
        is_there: whether the folder exists and can be opened.
        without: real paths of folders below it that are roots themselves, on or off: they are not walked with this one.
    """

    path: Path
    place: Place
    is_on: bool = True
    is_there: bool = True
    without: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class _Chosen:
    """What the file says.

    Attributes:
        own: None for the folder that the program has by itself.
        is_mount: the own folder is where a disk is mounted: without the disk there is an empty folder in its place.
        added: in the order in which they came.
        off: names of places, and paths of added folders.
        leaving: the own folder before this one, while its models are still to be moved.
    """

    own: Path | None = None
    is_mount: bool = False
    added: tuple[Path, ...] = ()
    off: frozenset[str] = field(default_factory=frozenset)
    leaving: Path | None = None

    @classmethod
    def of_json(cls, said: Any) -> _Chosen:
        """What is of the wrong kind is as nobody chose it."""
        if not isinstance(said, dict):
            raise TypeError("it does not hold a choice of folders")
        return cls(
            own=_path_in(said.get("own")),
            is_mount=said.get("is_mount") is True,
            added=tuple(path for entry in _list_in(said.get("added")) if (path := _path_in(entry))),
            off=frozenset(entry for entry in _list_in(said.get("off")) if isinstance(entry, str)),
            leaving=_path_in(said.get("leaving")),
        )

    def to_json(self) -> object:
        return {
            "own": str(self.own) if self.own else None,
            "is_mount": self.is_mount,
            "added": [str(path) for path in self.added],
            "off": sorted(self.off),
            "leaving": str(self.leaving) if self.leaving else None,
        }


class ModelFolders:
    """The choice of them, in one small JSON file. Its methods touch the disk, and may block.

    Args:
        paths: the program's folders.
        home: of the user, below which other programs are looked for, whatever the variables say; None for the real
            one, with them; or all that tells where programs keep their files.
    """

    def __init__(self, paths: Paths, home: Path | Surroundings | None = None) -> None:
        self._paths = paths
        self._home = home
        self._file = JsonFile(paths.data / FILE_NAME, tr("The list of model folders"))
        self._last = _Chosen()

    @property
    def own(self) -> Path:
        """The program's own folder: where downloads go. It may be missing, with the disk that it is on."""
        return self._chosen().own or self._paths.models

    def own_for_writing(self) -> Path:
        """The same, made where it is missing.

        Raises:
            UserFacingError: its disk is not there, or nothing can be written into it.
        """
        chosen = self._chosen()
        own = chosen.own or self._paths.models
        if chosen.own and not _is_there(chosen.own, mounted=chosen.is_mount):
            raise UserFacingError(
                tr("The models folder is not there"),
                tr("{own} is missing, or the disk that it is on", own=own),
                tr("Connect the disk, or choose another models folder."),
            )
        _check_writable(own)
        return own

    def set_own(self, path: Path | None, *, leaving: Path | None = None) -> Path:
        """Choose another own folder; what lies in the old one stays there, and is not looked for any more.

        `moving.move_models` takes it along.

        Args:
            path: it is made where it is missing. None for the folder that the program has by itself.
            leaving: with which a move begins, in the same write: the old folder is at no moment one that nobody knows.

        Returns:
            The folder.

        Raises:
            UserFacingError: nothing can be written into it, or the choice could not be saved.
        """
        own = absolute(path) if path else self._paths.models
        _check_writable(own)
        is_default = _real(own) == _real(self._paths.models)
        added = None if is_default else own

        def change(chosen: _Chosen) -> _Chosen:
            return replace(
                chosen,
                own=added,
                is_mount=bool(added) and os.path.ismount(own),
                added=tuple(other for other in chosen.added if _real(other) != _real(own)),
                leaving=leaving or _other_than(own, chosen.leaving),
            )

        self._change(change)
        return own

    @property
    def added(self) -> tuple[Path, ...]:
        """What a person added, in that order."""
        return self._chosen().added

    def add(self, path: Path) -> Path:
        """Look through another folder too; returns its absolute path.

        Raises:
            UserFacingError: it is no folder, cannot be opened, is looked through already, or could not be saved.
        """
        path = absolute(path)
        _check_readable(path)
        for root in self.roots():
            if _real(root.path) == _real(path) and (root.is_on or root.place is not Place.ADDED):
                whose = {
                    Place.OWN: tr("it is the program's own models folder"),
                    Place.ADDED: tr("it is added already"),
                }
                hint = "" if root.is_on else tr("It is switched off: switch it on.")
                raise UserFacingError(
                    tr("{name} could not be added", name=path.name or path),
                    whose.get(root.place) or tr("it is a folder of {program}", program=tr(root.place.value)),
                    hint or tr("Its models are in the list."),
                )
        self._change(
            lambda chosen: replace(
                chosen,
                added=(*(other for other in chosen.added if other != path), path),
                off=chosen.off - {str(path)},
            )
        )
        return path

    def remove(self, path: Path) -> None:
        """Look through an added folder no longer; the folder itself stays.

        Raises:
            UserFacingError: the choice could not be saved.
        """
        self._change(
            lambda chosen: replace(
                chosen,
                added=tuple(other for other in chosen.added if other != path),
                off=chosen.off - {str(path)},
            )
        )

    def set_on(self, which: Path | Place, is_on: bool) -> None:
        """Look through an added folder, or all folders of another program, or leave them out.

        Raises:
            UserFacingError: the choice could not be saved.
        """
        name = which.value if isinstance(which, Place) else str(which)
        self._change(lambda chosen: replace(chosen, off=chosen.off - {name} if is_on else chosen.off | {name}))

    @property
    def leaving(self) -> Path | None:
        """The old own folder, while its models are still to be moved: it is looked through too."""
        return self._chosen().leaving

    def end_leaving(self) -> None:
        """Remember that a move has ended; for `moving`.

        Raises:
            UserFacingError: the choice could not be saved.
        """
        self._change(lambda chosen: replace(chosen, leaving=None))

    def roots(self) -> tuple[Root, ...]:
        """All of them: the own one, the added ones, then those of other programs that are there; each folder once.

        Where one lies in another, both are named: the outer one is `without` the inner one.
        """
        chosen = self._chosen()
        own = chosen.own or self._paths.models
        found = [Root(own, Place.OWN, is_there=_is_there(own, mounted=chosen.is_mount))]
        if chosen.leaving:
            found.append(Root(chosen.leaving, Place.OWN, is_there=_is_there(chosen.leaving)))
        for path in chosen.added:
            found.append(Root(path, Place.ADDED, str(path) not in chosen.off, _is_there(path)))
        for place, path in folders_of_others(self._surroundings()):
            found.append(Root(path, place, place.value not in chosen.off))
        once = {_real(root.path): root for root in reversed(found)}  # the first of two counts
        return tuple(
            replace(root, without=_inside(real, once)) for root in found if once[real := _real(root.path)] is root
        )

    def _surroundings(self) -> Surroundings:
        if isinstance(self._home, Surroundings):
            return self._home
        real = Surroundings.real()
        # The absolute folders of services are the machine's, not this home's.
        return replace(real, environ={}, home=self._home, system=self._home) if self._home else real

    def _chosen(self) -> _Chosen:
        """What was chosen; while the disk refuses to say it, what was known last."""
        try:
            self._last = self._file.read(_Chosen.of_json) or _Chosen()
        except UserFacingError as error:
            _log.warning("%s", error)
        return self._last

    def _change(self, change: Callable[[_Chosen], _Chosen]) -> None:
        self._last = self._file.change(
            _Chosen.of_json, lambda held: change(held or _Chosen()), to_json=lambda chosen: chosen.to_json()
        )


def absolute(path: Path) -> Path:
    """A folder as a person may have typed it."""
    try:
        return path.expanduser().absolute()
    except RuntimeError:  # the home of nobody
        return path.absolute()


def _path_in(said: object) -> Path | None:
    return path if isinstance(said, str) and "\0" not in said and (path := Path(said)).is_absolute() else None


def _list_in(said: object) -> list[Any]:
    return said if isinstance(said, list) else []


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))


def _other_than(own: Path, leaving: Path | None) -> Path | None:
    """Who goes back to the folder that was being left is there."""
    return leaving if leaving and _real(leaving) != _real(own) else None


def _inside(outer: Path, reals: dict[Path, Root]) -> tuple[Path, ...]:
    return tuple(sorted(real for real in reals if real != outer and real.is_relative_to(outer)))


def _is_there(path: Path, *, mounted: bool = False) -> bool:
    """Whether a folder can be looked through; `mounted`: as what it was, not as the empty folder under it."""
    if mounted and not os.path.ismount(path):
        return False
    return os.path.isdir(path) and os.access(path, os.R_OK | os.X_OK)  # noqa: PTH112


def _check_readable(path: Path) -> None:
    try:
        with os.scandir(path):
            return
    except NotADirectoryError as error:
        raise UserFacingError(
            tr("{name} could not be added", name=path.name), tr("it is a file"), tr("Open it, or add its folder.")
        ) from error
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise UserFacingError(tr("{name} could not be added", name=path.name or path), f"{why} ({path})") from error


def _check_writable(folder: Path) -> None:
    """Make a folder where it is missing, and write into it: only that tells what a disk lets one do."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder, prefix=".trying-") as trial:
            trial.write(b"0")
            trial.flush()
    except FileExistsError as error:
        raise UserFacingError(
            tr("The models folder cannot be used"), tr("{folder} is a file", folder=folder), tr("Choose a folder.")
        ) from error
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise UserFacingError(
            tr("The models folder cannot be used"), f"{why} ({folder})", tr("Choose a folder that you can write into.")
        ) from error
