"""Bringing a file here: it continues after a dropped connection or a restart, is checked, and is never half there.

The loop does nothing but move bytes between the connection and a buffer; disk and hash work in threads.
"""

from __future__ import annotations

import asyncio
import errno
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import TypeVar

import httpx2

from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.lock import FileLock
from nodetool_xl_desktop.core.network import HttpClient
from nodetool_xl_desktop.hub.errors import (
    BadName,
    HubError,
    Interrupted,
    NoRoom,
    NotStored,
    Unreachable,
    require_network,
)
from nodetool_xl_desktop.hub.part import Part
from nodetool_xl_desktop.hub.repository import HubFile, Repository
from nodetool_xl_desktop.hub.transfer import PATIENCE, Dropped, Patience, authorization, connected, first_byte, opened

#: What is written in one go. Smaller pieces cost more for the way into a thread than for the work there.
PIECE = units.MIB
#: Seconds between two looks at a file that somebody else is fetching.
_LOOK_S = 0.2
#: EFBIG: a file system with a bound on the size of one file (FAT: 4 GiB) says it so.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
#: Names that are devices on Windows, whatever comes after their first dot.
_DEVICES = {"con", "prn", "aux", "nul", *(f"{name}{number}" for name in ("com", "lpt") for number in range(1, 10))}

#: Called on the loop with the bytes that are there and the bytes of the whole, once a piece at most.
OnProgress = Callable[[int, int], None]
Result = TypeVar("Result")


def target_path(models: Path, repo_id: str, file: HubFile) -> Path:
    """Where a file of a repository lies below the models folder: `<models>/<org>/<repo>/<file>`.

    Raises:
        BadName: the name, which a server chose, would lead out of that folder or could not be written everywhere.
    """
    segments = [*repo_id.split("/"), *file.path.split("/")]
    if not all(_is_harmless(segment) for segment in segments):
        why = "it would be written outside its folder, or is no name that every system can write"
        raise BadName(f"{file.path!a} is no name for a file", why, "Choose another repository")
    return models.joinpath(*segments)


async def fetch(
    repository: Repository,
    file: HubFile,
    *,
    into: Path,
    on_progress: OnProgress = lambda _done, _total: None,
    token: str | None = None,
    patience: Patience = PATIENCE,
) -> Path:
    """Bring one file into `target_path(into, ...)`, and return that path; at once where it is there already.

    What has come stays when this is cancelled or fails, and the next call continues there (it is hashed again first,
    and counts as progress). Of two calls for one file, in whatever processes, the second waits for the first.

    Args:
        repository: where the file is.
        file: one of the repository's.
        into: the models folder.
        on_progress: gets the bytes that are there and the bytes of the whole.
        token: sent to the hub itself and to no other host.
        patience: how long a broken connection is put up with.

    Raises:
        HubError: `BadName`, `NotFound`, `Gated`, `BadToken`, `Unreachable`, `BadAnswer`, `Interrupted`, `Damaged`,
            `NoRoom` or `NotStored`.
    """
    target = target_path(into, repository.repo_id, file)
    part = Part(target, repository, file)
    try:
        if not await in_thread(part.is_whole):
            require_network()
            await in_thread(lambda: target.parent.mkdir(parents=True, exist_ok=True))
            async with _turn(part, lambda: on_progress(part.position, file.size)):
                if not await in_thread(part.is_whole):  # somebody else may have brought it meanwhile
                    await _Download(repository, file, part, on_progress, token, patience).run()
    except OSError as error:
        if error.errno in _FULL:
            raise NoRoom.suddenly(file.name, str(target.parent)) from error
        raise NotStored.because(file.name, error) from error
    on_progress(file.size, file.size)
    return target


async def fetch_all(
    repository: Repository,
    files: Sequence[HubFile],
    *,
    into: Path,
    on_progress: OnProgress = lambda _done, _total: None,
    token: str | None = None,
    patience: Patience = PATIENCE,
) -> tuple[Path, ...]:
    """Bring all files of a model, one after the other; `on_progress` counts them together.

    As `fetch` otherwise, with one more look at the disk: before the first byte there must be room for all of them.
    """
    total = sum(file.size for file in files)
    parts = [Part(target_path(into, repository.repo_id, file), repository, file) for file in files]
    name = files[0].name if files else repository.repo_id
    await in_thread(lambda: _require_room(name, into, sum(map(_missing, parts))))
    paths = []
    before = 0
    for file in files:
        counted = before

        def report(done: int, _size: int, counted: int = counted) -> None:
            on_progress(counted + done, total)

        paths.append(await fetch(repository, file, into=into, on_progress=report, token=token, patience=patience))
        before += file.size
    return tuple(paths)


class _Download:
    """One file, from what is there of it to the whole."""

    def __init__(
        self,
        repository: Repository,
        file: HubFile,
        part: Part,
        on_progress: OnProgress,
        token: str | None,
        patience: Patience,
    ) -> None:
        self._repository = repository
        self._file = file
        self._part = part
        self._on_progress = on_progress
        self._token = token
        self._patience = patience

    async def run(self) -> None:
        part = self._part
        try:
            await in_thread(part.open)
            await in_thread(lambda: _require_room(self._file.name, part.target.parent, part.missing()))
            while await in_thread(part.count_next):
                self._report()
            if part.position < self._file.size:
                async with connected(self._repository.host, self._patience) as client:
                    await self._receive(client)
            await in_thread(part.finish)
        finally:
            await in_thread(part.close)

    async def _receive(self, client: HttpClient) -> None:
        """Connect until all has come. Raises `HubError` where that has no end."""
        part = self._part
        begin, failures = part.position, 0
        while part.position < self._file.size:
            before = part.position
            try:
                await self._one_connection(client)
            except Dropped as fault:
                failures = 0 if part.position - before >= PIECE else failures
                if not fault.connected and part.position == begin:  # off line from the start: no use to wait
                    raise Unreachable.because(self._repository.host, fault.why) from fault
                if failures == len(self._patience.pauses_s):
                    arrived = f"{units.file_size(part.position)} of {units.file_size(self._file.size)}"
                    raise Interrupted.of(self._file.name, fault.why, arrived) from fault
                await asyncio.sleep(max(self._patience.pauses_s[failures], fault.pause_s))
                failures += 1

    async def _one_connection(self, client: HttpClient) -> None:
        part = self._part
        headers = authorization(self._token)
        if part.position:
            headers["Range"] = f"bytes={part.position}-"
            # With a hash the end will tell; a mark would only differ between two servers of the same content.
            if part.etag and not self._file.sha256:
                headers["If-Range"] = part.etag
        async with opened(client, self._repository, self._file, headers) as response:
            start = first_byte(response)
            if start != part.position:
                await in_thread(part.start_over)
                if start:
                    raise Dropped("the server sent another part of the file than was asked for")
            await self._compare_etag(_strong_etag(response))
            await self._pour(response)
        if part.position < self._file.size:
            raise Dropped("the connection ended too early")

    async def _compare_etag(self, etag: str) -> None:
        """Never continue with another content than the one that was begun, where no hash would tell it at the end."""
        part = self._part
        changed = part.position and part.etag and etag != part.etag and not self._file.sha256
        if changed:
            await in_thread(part.start_over)
        await in_thread(lambda: part.note_etag(etag))
        if changed:
            raise Dropped("the file on the server has changed")

    async def _pour(self, response: httpx2.Response) -> None:
        """Write what comes, and nothing behind the end of the file; what came before a fault is written too."""
        room = self._file.size - self._part.position
        buffer = bytearray()
        try:
            async with aclosing(response.aiter_raw()) as blocks:
                async for block in blocks:
                    buffer += block[:room]
                    room -= min(room, len(block))
                    if len(buffer) >= PIECE:
                        piece, buffer = buffer, bytearray()
                        await self._write(piece)
                    if not room:
                        break
        finally:
            if buffer:
                await self._write(buffer)

    async def _write(self, piece: bytearray) -> None:
        await in_thread(lambda: self._part.write(piece))
        self._report()

    def _report(self) -> None:
        self._on_progress(self._part.position, self._file.size)


async def in_thread(work: Callable[[], Result]) -> Result:
    """Run short work on the disk. A caller who is cancelled still waits for its end: nobody closes a file in use."""
    task = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # looked at: the cancellation says enough
        raise


@asynccontextmanager
async def _turn(part: Part, report: Callable[[], None]) -> AsyncIterator[None]:
    """Hold the lock on the file; while another holds it, report what that one has brought."""
    lock = FileLock(part.target.with_name(f"{part.target.name}.lock"))
    try:
        while not await in_thread(lock.try_acquire):
            part.position = await in_thread(part.size_on_disk)
            report()
            await asyncio.sleep(_LOOK_S)
        part.position = 0
        yield
    finally:
        # Once the file is there, whoever gets the lock finds it and does nothing more.
        await in_thread(lambda: lock.release(remove=part.is_whole()))


def _missing(part: Part) -> int:
    return 0 if part.is_whole() else part.missing()


def _require_room(name: str, folder: Path, needed: int) -> None:
    while not folder.exists():  # it is made when the first file comes
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise NoRoom.needed(name, units.file_size(needed), units.file_size(free), str(folder))


def _strong_etag(response: httpx2.Response) -> str:
    etag: str = response.headers.get("etag", "")
    return "" if etag.startswith("W/") else etag


def _is_harmless(segment: str) -> bool:
    """Whether it names one file or folder on every system, and nothing else."""
    if not segment or segment != segment.strip() or segment.endswith(".") or not segment.isprintable():
        return False
    device = segment.partition(".")[0].lower() in _DEVICES
    return not device and not any(letter in '\\:*?"<>|' for letter in segment)


__all__ = ["HubError", "OnProgress", "Patience", "fetch", "fetch_all", "target_path"]
