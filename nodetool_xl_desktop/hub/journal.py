"""The file that the queue of downloads survives a restart in, whenever the program ends and however."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.json_file import JsonFile
from nodetool_xl_desktop.core.lock import FileLock
from nodetool_xl_desktop.core.threads import to_its_end
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.hub.entry import Entry
from nodetool_xl_desktop.hub.repository import HubFile, Repository
from nodetool_xl_desktop.hub.standing import Limits, State
from nodetool_xl_desktop.hub.told import count

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Kept:
    """What the journal holds.

    Attributes:
        entries: in the order of the queue.
        limits: what was chosen.
        verified: files that were checked: path to size in bytes, time of change in ns, and SHA-256.
    """

    entries: list[Entry] = field(default_factory=list)
    limits: Limits = field(default_factory=Limits)
    verified: dict[str, tuple[int, int, str]] = field(default_factory=dict)


class Journal:
    """The file that the queue is kept in. It says what is wanted; how much has come, the parts themselves tell.

    It belongs to one loop. Of two programs one has it; a lock beside it says which.

    Args:
        path: the file.
        content: makes what it shall hold by then.
    """

    def __init__(self, path: Path, content: Callable[[], dict[str, Any]]) -> None:
        self._file = JsonFile(path, tr("The list of downloads"))
        self._lock = FileLock(path.with_name(f"{path.name}.lock"))
        self._content = content
        self._is_dirty = False
        self._writing: asyncio.Task[None] | None = None

    async def take(self) -> Kept:
        """Make it ours, and read it.

        Raises:
            UserFacingError: another program has it, or it cannot be read.
        """
        if not await to_its_end(self._locked):
            why = tr("another program that is open has this folder, and downloads into it")
            raise UserFacingError(tr("Nothing can be downloaded here"), why, tr("Use that one, or close it"))
        try:
            kept = await to_its_end(lambda: self._file.read(_parsed)) or Kept()
        except BaseException:
            await to_its_end(self._lock.release)
            raise
        kept.entries = [entry for entry in kept.entries if _has_targets(entry)]
        return kept

    def write_soon(self) -> None:
        """Something is otherwise than before."""
        self._is_dirty = True
        if not self._writing:
            self._writing = asyncio.create_task(self._write())

    async def written(self) -> None:
        """Have all on the disk."""
        self.write_soon()
        if self._writing:
            await asyncio.shield(self._writing)

    async def leave(self) -> None:
        """Have all on the disk, and let another program have it."""
        await self.written()
        await to_its_end(lambda: self._lock.release(remove=True))

    async def _write(self) -> None:
        while self._is_dirty:
            self._is_dirty = False
            content = self._content()
            try:
                await to_its_end(lambda content=content: self._file.write(content))  # type: ignore[misc]
            except UserFacingError as error:  # a full disk: the next change tries again
                _log.warning("%s", error)
        self._writing = None

    def _locked(self) -> bool:
        try:
            self._file.path.parent.mkdir(parents=True, exist_ok=True)
            return self._lock.try_acquire()
        except OSError as error:
            _log.warning("The downloads cannot be locked, and run all the same: %s", error)
            return True


def _has_targets(entry: Entry) -> bool:
    """A hand may have edited the file: what is no name for a file is none from there either."""
    if "\0" in str(entry.folder):
        return False
    try:
        return bool(entry.targets)
    except UserFacingError:
        return False


def as_json(entries: Iterable[Entry], limits: Limits, verified: dict[str, tuple[int, int, str]]) -> dict[str, Any]:
    """What the journal will hold."""
    return {
        "version": 1,
        "limits": {"bytes_per_s": limits.bytes_per_s, "at_once": limits.at_once},
        "downloads": [_entry_as_json(entry) for entry in entries],
        "verified": {path: list(stamp) for path, stamp in verified.items()},
    }


def _entry_as_json(entry: Entry) -> dict[str, Any]:
    error = entry.error if entry.state is State.FAILED else None
    stays = entry.state in (State.FAILED, State.DONE) or (entry.state is State.PAUSED and not entry.is_held)
    return {
        "id": entry.id,
        "repo_id": entry.repository.repo_id,
        "commit": entry.repository.commit,
        "endpoint": entry.repository.endpoint,
        "files": [{"path": file.path, "size": file.size, "sha256": file.sha256} for file in entry.files],
        "folder": str(entry.folder),
        "state": (entry.state if stays else State.WAITING).name,
        "error": None if error is None else [error.what, error.why, error.hint],
        "finished": entry.finished,
        "there": None if entry.there is None else sorted(entry.there),
        "given_up": entry.is_given_up,
        "resting": entry.is_resting,
    }


def _parsed(content: Any) -> Kept:
    limits = content["limits"]
    return Kept(
        entries=[_entry(each) for each in content["downloads"]],
        limits=Limits(_whole_or_none(limits["bytes_per_s"]), max(1, int(limits["at_once"]))),
        verified={
            str(path): (int(size), int(changed), str(sha256))
            for path, (size, changed, sha256) in content["verified"].items()
        },
    )


def _entry(told: Any) -> Entry:
    files = tuple(
        HubFile(str(file["path"]), _size(file["size"]), None if file["sha256"] is None else str(file["sha256"]))
        for file in told["files"]
    )
    error, state = told["error"], State[told["state"]]
    return Entry(
        id=str(told["id"]),
        repository=Repository(str(told["repo_id"]), str(told["commit"]), files, str(told["endpoint"])),
        folder=Path(told["folder"]),
        # Only this program runs any, and it has not begun.
        state=State.WAITING if state in (State.RUNNING, State.CHECKING) else state,
        error=None if error is None else UserFacingError(*map(str, error)),
        finished=float(told["finished"]),
        there=None if told["there"] is None else frozenset(map(str, told["there"])),
        is_given_up=bool(told["given_up"]),
        is_resting=state is State.PAUSED and told.get("resting") is True,
    )


def _size(value: Any) -> int:
    size = count(value)
    if size is None:
        raise ValueError(f"no size of a file: {value!r}")
    return size


def _whole_or_none(value: Any) -> int | None:
    return None if value is None else max(1, int(value))
