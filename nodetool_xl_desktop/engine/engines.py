"""The engines in the program's data folder, and which of them runs.

    engines/<name>/engine.json     what it is and where it came from
    engines/<name>/wheel/          what was in its wheel; the engine child puts it before its own path
    engines/current.json           the name of the one that runs; without it the program's own does
    engines/.coming/<wheel>.part   what has come of a wheel, for the next attempt to go on with (`core.index_part`)

A folder appears by a rename, when all of it is written; what was begun and not finished is swept away. Everything here
touches the disk, and may block.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.json_file import JsonFile
from nodetool_xl_desktop.core.text import one_line
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.core.units import MIB, file_size

if TYPE_CHECKING:
    from nodetool_xl_desktop.engine.wheel_file import WheelFile

#: Room that stays free on the disk when an engine is unpacked.
MARGIN = 256 * MIB
_MANIFEST = "engine.json"
_WHEEL = "wheel"
_PACKAGE = "xllamacpp"
#: What is being written, or removed: the process that does it, and a number that nobody else has.
_UNFINISHED = re.compile(r"\.(?:incoming|removed)-(\d+)-[0-9a-f]+")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,120}")


@dataclass(frozen=True, slots=True)
class Installed:
    """One engine in the data folder.

    Attributes:
        folder: where it lies.
        file: the name of its wheel.
        version: of the engine.
        build: what it computes on ("cu128", "vulkan"); empty where nothing told.
        tag: what its wheel was built for.
        sha256: of the wheel.
        size: bytes of the wheel.
        source: where the wheel came from: a path, or an address.
        installed: when, in UTC, as ISO 8601.
    """

    folder: Path
    file: str
    version: str
    build: str
    tag: str
    sha256: str
    size: int
    source: str
    installed: str

    @property
    def name(self) -> str:
        """What it is called in `current.json`."""
        return self.folder.name

    @property
    def path(self) -> Path:
        """What the engine child puts before its own path."""
        return self.folder / _WHEEL

    @property
    def title(self) -> str:
        """Version and build, on one line."""
        return ", ".join(part for part in (self.short_version, one_line(self.build, 40)) if part)

    @property
    def short_version(self) -> str:
        """The version without the build behind its `+`, where that says the same as `build`; on one line."""
        version, _, local = self.version.partition("+")
        return one_line(version if local.lower() == self.build.lower() else self.version, 60)


class Engines:
    """The folder of engines.

    Args:
        folder: `Paths.engines`; it is made when the first is installed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        #: Where wheels lie while they are fetched.
        self.coming = folder / ".coming"
        self._choice = JsonFile(folder / "current.json", tr("The choice of the engine"))

    def installed(self) -> tuple[Installed, ...]:
        """All that are whole, the newest first.

        Raises:
            UserFacingError: the disk refused.
        """
        try:
            folders = [each for each in self.folder.iterdir() if _NAME.fullmatch(each.name) and each.is_dir()]
        except (FileNotFoundError, NotADirectoryError):
            return ()
        except OSError as error:
            raise _refused(tr("The engines cannot be listed"), self.folder, error) from error
        found = [each for folder in folders if (each := _read(folder)) is not None]
        return tuple(sorted(found, key=lambda each: each.installed, reverse=True))

    def chosen(self) -> Installed | None:
        """The one that runs; None for the program's own, also where the chosen one is not there any longer.

        Raises:
            UserFacingError: the disk refused.
        """
        name = self._choice.read(_choice)
        return _read(self.folder / name) if name else None

    def choose(self, engine: Installed | None) -> None:
        """Have this one run from the next load on; None for the program's own.

        Raises:
            UserFacingError: the disk refused.
        """
        self._choice.write({"current": engine.name if engine is not None else None})

    def install(
        self, wheel: WheelFile, source: str, progress: Callable[[int, int], None] = lambda _done, _all: None
    ) -> Installed:
        """Unpack a wheel into a folder of its own. It is not chosen by that.

        Args:
            wheel: as it was looked into, and shown.
            source: where it came from, for people.
            progress: is told bytes done and of how many; what it raises ends the work, and nothing is left.

        Raises:
            WheelRefused: the wheel is not what it should be.
            UserFacingError: the disk refused; nothing is left.
        """
        from nodetool_xl_desktop.engine.wheel_file import WheelRefused, sha256_of, unpack  # noqa: PLC0415 - seldom

        there = next((each for each in self.installed() if each.sha256 == wheel.sha256), None)
        if there is not None:
            return there
        what = tr("The engine could not be installed")
        try:
            with self.workplace() as beside:
                self._require_room(wheel, what)
                unpack(wheel, beside / _WHEEL, progress)
                # What was shown and agreed to is what is installed.
                if sha256_of(wheel.path) != wheel.sha256:
                    why = tr("the file was changed meanwhile")
                    raise WheelRefused(what, why, tr("Choose it again."))
                made = Installed(
                    folder=self.folder / _folder_name(wheel),
                    file=wheel.path.name,
                    version=wheel.name.version,
                    build=wheel.build,
                    tag=wheel.name.tag,
                    sha256=wheel.sha256,
                    size=wheel.size,
                    source=source,
                    installed=datetime.now(UTC).isoformat(timespec="seconds"),
                )
                _write(beside, made)
                if made.folder.exists():  # one that is not whole
                    shutil.rmtree(made.folder)
                beside.rename(made.folder)
                return made
        except OSError as error:
            raise _refused(what, self.folder, error) from error

    def remove(self, engine: Installed) -> None:
        """Delete an engine; where it was chosen, the program's own runs again.

        Raises:
            UserFacingError: the disk refused, as Windows does while a model runs with it.
        """
        chosen = self._choice.read(_choice)
        if chosen == engine.name:
            self.choose(None)
        going = self.folder / f".removed-{os.getpid()}-{secrets.token_hex(4)}"
        try:
            engine.folder.rename(going)
        except FileNotFoundError:
            return
        except OSError as error:
            if chosen == engine.name:
                self.choose(engine)
            what = tr("{engine} could not be removed", engine=engine.title)
            raise _refused(
                what, engine.folder, error, tr("Eject the models that run with it, then try again.")
            ) from error
        shutil.rmtree(going, ignore_errors=True)  # what is left of it is swept later

    @contextlib.contextmanager
    def workplace(self) -> Iterator[Path]:
        """A folder beside the engines for what is not finished; it is gone afterwards, unless it was renamed.

        Raises:
            OSError: it cannot be made.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self._sweep()
        beside = self.folder / f".incoming-{os.getpid()}-{secrets.token_hex(4)}"
        beside.mkdir()
        try:
            yield beside
        finally:
            shutil.rmtree(beside, ignore_errors=True)

    def _require_room(self, wheel: WheelFile, what: str) -> None:
        free = shutil.disk_usage(self.folder).free
        if free < wheel.unpacked + MARGIN:
            why = tr(
                "it takes {needs}, and {free} are free on the disk of {folder}",
                needs=file_size(wheel.unpacked),
                free=file_size(free),
                folder=self.folder,
            )
            raise UserFacingError(what, why, tr("Make room on that disk."))

    def _sweep(self) -> None:
        """Remove what a program that was killed has left."""
        for left in self.folder.iterdir():
            whose = _UNFINISHED.fullmatch(left.name)
            if whose and not psutil.pid_exists(int(whose[1])):
                shutil.rmtree(left, ignore_errors=True)


def _folder_name(wheel: WheelFile) -> str:
    parts = (wheel.name.version, wheel.build, wheel.sha256[:12])
    return re.sub(r"[^A-Za-z0-9._+-]", "-", "-".join(part for part in parts if part))[:120]


def _choice(said: Any) -> str | None:
    name = said["current"]
    if name is not None and not (isinstance(name, str) and _NAME.fullmatch(name)):
        raise ValueError(name)
    return name


def _read(folder: Path) -> Installed | None:
    """The engine in this folder; None where it is none, or not whole."""
    try:
        said = json.loads((folder / _MANIFEST).read_text("utf-8"))
        texts = {name: said[name] for name in ("file", "version", "build", "tag", "sha256", "source", "installed")}
        if not all(isinstance(text, str) for text in texts.values()):
            return None
        whole = (folder / _WHEEL / _PACKAGE / "__init__.py").is_file()
        return Installed(folder, **texts, size=int(said["size"])) if whole else None
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _write(folder: Path, engine: Installed) -> None:
    """Write the manifest, and have the whole folder on the disk before its name says that it is there."""
    said = {name: value for name, value in asdict(engine).items() if name != "folder"}
    (folder / _MANIFEST).write_text(json.dumps(said, indent=1), "utf-8")
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            with file.open("rb+") as stream:
                os.fsync(stream.fileno())


def _refused(what: str, folder: Path, error: OSError, hint: str = "") -> UserFacingError:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    why = tr("{reason} ({path})", reason=error.strerror or str(error), path=error.filename or folder)
    return UserFacingError(what, why, hint or (tr("Make room on that disk.") if full else tr("Look at the disk.")))
