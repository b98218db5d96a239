"""Tells when something below the model folders has changed, as the system reports it: nothing is looked through for it.

`watchfiles` has a thread that sleeps between looks at what the system reported (4 a second, of microseconds each); a
thread of ours hears it, so that no event loop needs to know of it. Folders that are missing are waited for in the
nearest folder that is there, and on Linux the kernel tells when a disk is mounted or unmounted.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import select
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.library.folders import Root

#: How long nothing may change before it is told, in seconds. Longer than two steps: so often watchfiles tells of a file
#: that goes on growing.
QUIET_S = 0.75
#: What goes on changing (a model that is copied for minutes) is told so often.
LONGEST_S = 10.0
#: Between looks at what the system reported, in milliseconds.
_STEP_MS = 250
#: After a name that watchfiles cannot express, before it is started anew.
_AGAIN_S = 1.0
#: The notes that downloads keep beside what is coming, and what is written for a moment: no list shows them.
_UNSEEN = re.compile(r"^\.(?:saving|trying|fetching)-|\.(?:json|new|lock|metadata|db|db-wal|db-shm)$", re.I)
#: What is still coming. That it is there counts; that it grows does not.
_COMING = re.compile(
    r"^(?:downloading_|incomplete-)|\.(?:part|partial|incomplete|download|crdownload|downloadinprogress|moving|tmp)$|-partial(-\d+)?$",
    re.I,
)
_MOUNTS = "/proc/self/mountinfo"
_log = logging.getLogger(__name__)


class CannotWatch(UserFacingError):
    """The system has no room for another watch; the list is then looked through when a person comes back to it."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is to be watched.

    Attributes:
        there: the roots that are there, each with its device: another one when a disk came or went.
        above: for each missing root the nearest folder that is there.
        missing: those roots.
    """

    there: tuple[tuple[Path, int], ...]
    above: frozenset[Path]
    missing: tuple[Path, ...]


async def changes(roots: Sequence[Root], stop: asyncio.Event) -> AsyncIterator[frozenset[Path]]:
    """What changed below the folders, each time that nothing more has changed for `QUIET_S`.

    What changes before the first `anext` is not told, so look through the folders after it was asked for. Bursts are
    told as one; what does not rest is told every 10 s. A folder that is missing is told when it comes.

    Args:
        roots: those that are off are left out. Where other ones are wanted, end this and ask anew.
        stop: ends it, within a quarter of a second for its threads.

    Yields:
        The paths; a root itself where all below it may have changed, or where it came or went.

    Raises:
        CannotWatch: the system's limit is reached.
    """
    paths = tuple(root.path for root in roots if root.is_on and _is_expressible(root.path))
    heard: asyncio.Queue[frozenset[Path] | CannotWatch | None] = asyncio.Queue()  # None: its end
    loop = asyncio.get_running_loop()

    def hear(what: frozenset[Path] | CannotWatch) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens any more
            loop.call_soon_threadsafe(heard.put_nowait, what)

    ended: asyncio.Task[Any] = asyncio.ensure_future(stop.wait())
    ended.add_done_callback(lambda _: heard.put_nowait(None))
    mounts = _Mounts(lambda: hear(frozenset()))
    ears = contextlib.ExitStack()
    try:
        plan = await asyncio.to_thread(_planned, paths)
        _listen(plan, hear, ears)
        while not stop.is_set():
            batch = await _batch(heard)
            fresh = await asyncio.to_thread(_planned, paths)
            if fresh != plan:
                ears.close()
                batch |= _came_or_went(plan, fresh)
                plan = fresh
                _listen(plan, hear, ears)  # before it is told, so that nothing comes between
            if batch and not stop.is_set():
                yield batch
    finally:
        ended.cancel()
        ears.close()
        mounts.close()


async def _batch(heard: asyncio.Queue[frozenset[Path] | CannotWatch | None]) -> frozenset[Path]:
    """All that is heard until it is quiet, or over. No timer runs before there is anything."""
    loop = asyncio.get_running_loop()
    batch: frozenset[Path] = frozenset()
    latest: float | None = None
    while True:
        patience = None if latest is None else min(QUIET_S, latest - loop.time())
        if patience is not None and patience <= 0:
            return batch
        try:
            async with asyncio.timeout(patience):
                what = await heard.get()
        except TimeoutError:
            return batch
        if what is None:
            return batch
        if isinstance(what, CannotWatch):
            raise what
        batch |= what
        latest = latest or loop.time() + LONGEST_S


def _listen(plan: _Plan, hear: Callable[[frozenset[Path] | CannotWatch], None], ears: contextlib.ExitStack) -> None:
    if plan.there:
        ears.callback(_Ear([path for path, _ in plan.there], hear, recursive=True).close)
    if plan.above:

        def hint(what: frozenset[Path] | CannotWatch) -> None:
            """Only that a missing root may have come: what else changes in a folder above it is nobody's business."""
            if isinstance(what, CannotWatch):
                hear(what)
            elif any(root.is_relative_to(path) for path in what for root in plan.missing):
                hear(frozenset())

        ears.callback(_Ear(sorted(plan.above), hint, recursive=False).close)


def _planned(paths: Sequence[Path]) -> _Plan:
    """Touches the disk."""
    there, above, missing = [], set(), []
    for path in paths:
        try:
            device = path.stat().st_dev if path.is_dir() else None
        except OSError:
            device = None
        if device is not None:
            there.append((path, device))
        else:
            missing.append(path)
            above.add(next(folder for folder in path.parents if os.path.isdir(folder) or folder == folder.parent))  # noqa: PTH112
    return _Plan(tuple(there), frozenset(above), tuple(missing))


def _came_or_went(before: _Plan, now: _Plan) -> frozenset[Path]:
    return frozenset(path for path, _ in set(before.there) ^ set(now.there))


class _Ear:
    """A thread that hears of changes in folders, until it is closed.

    Args:
        paths: of folders that are there.
        hear: called in that thread.
        recursive: whether with all that is below them.
    """

    def __init__(
        self, paths: Sequence[Path], hear: Callable[[frozenset[Path] | CannotWatch], None], *, recursive: bool
    ) -> None:
        self._paths = list(paths)
        self._hear = hear
        self._recursive = recursive
        self._stop = threading.Event()
        # Not a daemon: one that comes back from Rust while Python ends takes the process down.
        threading.Thread(target=self._listen, name="watch folders").start()

    def close(self) -> None:
        """Does not wait for the thread, which ends within a step."""
        self._stop.set()

    def _listen(self) -> None:
        import watchfiles  # noqa: PLC0415 - only where something is watched

        # WORKAROUND: past closed folders, watchfiles 1.3 passes over the system's limit too, and says nothing.
        past_closed = False
        while not self._stop.is_set():
            began = time.monotonic()
            try:
                for batch in watchfiles.watch(
                    *self._paths,
                    watch_filter=_matters,
                    step=_STEP_MS,
                    debounce=int(LONGEST_S * 1000),
                    rust_timeout=0,
                    stop_event=self._stop,
                    force_polling=False,
                    recursive=self._recursive,
                    ignore_permission_denied=past_closed,
                ):
                    self._hear(frozenset(Path(path) for _, path in batch))
            except RuntimeError as error:  # WatchfilesRustInternalError
                if time.monotonic() - began < _STEP_MS / 1000:  # it did not even begin: no more watchers are allowed
                    self._hear(_cannot(error))
                    return
                # A name that is no UTF-8, or more changes than the system can tell: anything may have changed.
                _log.info("Watching starts anew: %s", error)
                self._hear(frozenset(self._paths))
                self._stop.wait(_AGAIN_S)
            except FileNotFoundError:  # it went just now: what to watch is planned anew
                self._hear(frozenset(self._paths))
                self._stop.wait(_AGAIN_S)
            except PermissionError as error:
                if past_closed:
                    self._hear(_cannot(error))
                    return
                past_closed = True
            except OSError as error:
                self._hear(_cannot(error))
                return


class _Mounts:
    """Calls back from a thread of its own whenever a disk was mounted or unmounted; only on Linux."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._wake = -1
        if sys.platform == "linux" and os.access(_MOUNTS, os.R_OK):
            with contextlib.suppress(OSError):  # no descriptor is left: then only asking helps
                waiting, self._wake = os.pipe()
                threading.Thread(target=self._wait, args=(waiting,), name="watch disks").start()

    def close(self) -> None:
        """Ends the thread; does not wait for it."""
        wake, self._wake = self._wake, -1
        if wake >= 0:
            os.close(wake)

    def _wait(self, waiting: int) -> None:
        try:
            with open(_MOUNTS, "rb") as mounts:  # noqa: PTH123 - a name of the kernel's
                poll = select.poll()
                poll.register(mounts, select.POLLPRI | select.POLLERR)
                poll.register(waiting, select.POLLIN | select.POLLHUP)
                while waiting not in {descriptor for descriptor, _ in poll.poll()}:
                    self._changed()
        except OSError as error:
            _log.info("Disks are not watched: %s", error)
        finally:
            os.close(waiting)


def _matters(change: int, path: str) -> bool:
    import watchfiles  # noqa: PLC0415

    name = re.split(r"[/\\]", path)[-1]
    if _UNSEEN.search(name):
        return False
    return change != watchfiles.Change.modified or not _COMING.search(name)


def _is_expressible(path: Path) -> bool:
    """watchfiles takes paths as UTF-8 only."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        _log.warning("%r is no UTF-8, and not watched", str(path))
        return False
    return True


def _cannot(error: Exception) -> CannotWatch:
    _log.warning("The model folders are not watched: %s", error)
    if sys.platform == "linux":
        hint = tr(
            "The list is made anew whenever you come back to the window. The limits are fs.inotify.max_user_watches "
            "and fs.inotify.max_user_instances."
        )
    else:
        hint = tr("The list is made anew whenever you come back to the window.")
    return CannotWatch(tr("The model folders are not watched"), tr("the system lets no more folders be watched"), hint)
