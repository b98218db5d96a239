"""Bringing a file here: it continues after a dropped connection or a restart, is checked, and is never half there.

How its bytes arrive is `receiving`'s.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from nodetool_xl_desktop.core.connections import Purpose
from nodetool_xl_desktop.core.lock import FileLock
from nodetool_xl_desktop.core.threads import to_its_end
from nodetool_xl_desktop.hub.errors import (
    Damaged,
    HubError,
    NoRoom,
    NotStored,
    require_network,
)
from nodetool_xl_desktop.hub.flow import Flow, require_free
from nodetool_xl_desktop.hub.part import Part
from nodetool_xl_desktop.hub.receiving import PIECE, OnProgress, Receiving
from nodetool_xl_desktop.hub.repository import HubFile, Repository
from nodetool_xl_desktop.hub.targets import make_below, require_inside, target_path, target_paths
from nodetool_xl_desktop.hub.transfer import (
    PATIENCE,
    Patience,
)

#: Seconds between two looks at a file that somebody else is fetching.
_LOOK_S = 0.2
#: EFBIG: a file system with a bound on the size of one file (FAT: 4 GiB) says it so.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


async def fetch(
    repository: Repository,
    file: HubFile,
    *,
    into: Path,
    on_progress: OnProgress = lambda _done, _total: None,
    token: str | None = None,
    patience: Patience = PATIENCE,
    flow: Flow | None = None,
) -> Path:
    """Bring one file into `target_path(into, ...)`, and return that path; at once where it is there already.

    What has come stays when this is cancelled or fails, and the next call continues there (it is hashed again first,
    and counts as progress). What came damaged is set aside and fetched once more by itself. Of two calls for one file,
    in whatever processes, the second waits for the first.

    Args:
        repository: where the file is.
        file: one of the repository's.
        into: the models folder, which is there: it is not made, as it may be on a disk that was taken away.
        on_progress: gets the bytes that are there and the bytes of the whole.
        token: sent to the hub itself and to no other host.
        patience: how long a broken connection is put up with.
        flow: what is shared with other downloads; None for one that is alone.

    Raises:
        HubError: `BadName`, `NotFound`, `Gated`, `BadToken`, `Unreachable`, `BadAnswer`, `Interrupted`, `Damaged`,
            `NoRoom` or `NotStored`.
    """
    target = target_path(into, repository.repo_id, file)
    part = Part(target, repository, file)
    try:
        if not await to_its_end(part.is_whole):
            require_network(Purpose.DOWNLOADS)
            await to_its_end(lambda: require_inside(into, target))
            await to_its_end(part.require_free_name)
            await to_its_end(lambda: make_below(into, target, file.name))
            async with _turn(part, lambda: on_progress(part.position, file.size)):
                if not await to_its_end(part.is_whole):  # somebody else may have brought it meanwhile
                    await _twice(Receiving(repository, file, part, on_progress, token, patience, flow or Flow()))
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
    flow: Flow | None = None,
) -> tuple[Path, ...]:
    """Bring all files of a model, one after the other; `on_progress` counts them together.

    As `fetch` otherwise, with one more look at the disk: before the first byte there must be room for all of them.
    """
    total = sum(file.size for file in files)
    targets = target_paths(into, repository, files)
    parts = [Part(target, repository, file) for target, file in zip(targets, files, strict=True)]
    name = files[0].name if files else repository.repo_id
    heeded = flow or Flow()
    await to_its_end(lambda: require_room_for_all(name, into, parts, heeded))
    have = await to_its_end(lambda: [part.there() for part in parts])
    paths = []
    for number, file in enumerate(files):

        def report(done: int, _size: int, number: int = number) -> None:
            have[number] = done
            on_progress(sum(have), total)

        path = await fetch(repository, file, into=into, on_progress=report, token=token, patience=patience, flow=heeded)
        paths.append(path)
    return tuple(paths)


def require_room_for_all(name: str, folder: Path, parts: Sequence[Part], flow: Flow) -> None:
    """Raises `NoRoom` where not all of these will fit. What was set aside of them goes where its room is needed."""
    needed = sum(part.size - part.there() for part in parts)
    try:
        require_free(name, folder, needed, flow)
    except NoRoom:
        if not sum(part.make_room() for part in parts):
            raise
        require_free(name, folder, needed, flow)


async def _twice(download: Receiving) -> None:
    """A file that came damaged is fetched from the start once more: most often something between was at fault."""
    try:
        await download.run()
    except Damaged:
        download.begin_anew()
        await download.run()


@asynccontextmanager
async def _turn(part: Part, report: Callable[[], None]) -> AsyncIterator[None]:
    """Hold the lock on the file; while another holds it, report what that one has brought."""
    lock = FileLock(part.target.with_name(f"{part.target.name}.lock"))
    try:
        while not await to_its_end(lock.try_acquire):
            part.position = await to_its_end(part.size_on_disk)
            report()
            await asyncio.sleep(_LOOK_S)
        part.position = 0
        yield
    finally:
        # Once the file is there, whoever gets the lock finds it and does nothing more.
        await to_its_end(lambda: lock.release(remove=part.is_whole() or not part.size_on_disk()))


__all__ = [
    "PIECE",
    "HubError",
    "OnProgress",
    "Patience",
    "fetch",
    "fetch_all",
    "target_path",
    "target_paths",
]
