"""The queue of downloads, as it runs on a loop of its own: which one runs, what becomes of a fault, what is kept.

`downloads.Downloads` is the way to it from other threads.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.threads import to_its_end
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.hub.download import fetch_all
from nodetool_xl_desktop.hub.entry import Entry
from nodetool_xl_desktop.hub.errors import BadName, Interrupted, Unreachable
from nodetool_xl_desktop.hub.flow import Faucet, require_free
from nodetool_xl_desktop.hub.journal import Journal, as_json
from nodetool_xl_desktop.hub.kept_files import EntryFlow, Verified, remove_all
from nodetool_xl_desktop.hub.manner import Manner, disk_sorted, found, off_line
from nodetool_xl_desktop.hub.repository import HubFile, Repository
from nodetool_xl_desktop.hub.standing import Download, Limits, State
from nodetool_xl_desktop.hub.transfer import jittered

#: Progress is told at most so often, and while something runs or waits for a moment it is looked at so often.
_TOLD_S = 0.25
_BEAT_S = 1.0
#: Downloads that are done and stay in the list; the oldest ones go.
_MOST_DONE = 100
_log = logging.getLogger(__name__)


class Queue:
    """All downloads. Its methods belong to one loop; what it shows is replaced as a whole, and may be read anywhere.

    Args:
        journal: the file that it is kept in.
        folder: the models folder for what is added; may block.
        token: from an endpoint to its token; may block.
        manner: how faults are put up with.
        on_change: is called on the loop after a change.
    """

    def __init__(
        self,
        journal: Path,
        folder: Callable[[], Path],
        token: Callable[[str], str | None],
        manner: Manner,
        on_change: Callable[[], None],
    ) -> None:
        self.shown: tuple[Download, ...] = ()
        self.limits = Limits()
        self.refusal: UserFacingError | None = None  # why it cannot be used
        self._journal = Journal(journal, lambda: as_json(self._entries, self.limits, self._verified.known))
        self._folder = folder
        self._token = token
        self._manner = manner
        self._on_change = on_change
        self._entries: list[Entry] = []
        self._verified = Verified()
        self._faucet = Faucet()
        self._turns = 0
        self._opened = asyncio.Event()
        self._adding = asyncio.Lock()
        self._is_closed = False
        self._removing: set[asyncio.Task[None]] = set()
        self._told_at = 0.0
        self._telling: asyncio.TimerHandle | None = None
        self._beating: asyncio.TimerHandle | None = None

    # From its start to its end

    async def open(self) -> None:
        """Read the journal, and go on with what was not done."""
        try:
            await self._take_over()
        finally:
            self._on_change()
            self._opened.set()  # else whoever adds one, and the end of the program, would wait for ever

    async def when_open(self, work: Callable[[], None]) -> None:
        """Do something once the journal is read; what comes first is done first."""
        await self._opened.wait()
        if not self.refusal and not self._is_closed:
            work()
            self._settled()

    async def close(self) -> None:
        """Stop all; what has come stays, and the next program goes on with it."""
        await self._opened.wait()
        self._is_closed = True
        for timer in (self._telling, self._beating):
            if timer:
                timer.cancel()
        tasks = [entry.task for entry in self._entries if entry.task]
        for task in tasks:
            task.cancel()
        if tasks or self._removing:
            await asyncio.wait([*tasks, *self._removing])
        if not self.refusal:
            await self._journal.leave()

    async def _take_over(self) -> None:
        """Make the journal ours, unless another program has it or it cannot be read."""
        try:
            kept = await self._journal.take()
        except UserFacingError as error:
            self.refusal = error
            return
        self.refusal = None
        self._entries, self.limits = kept.entries, kept.limits
        self._faucet.bytes_per_s = self.limits.bytes_per_s
        self._verified = Verified(kept.verified)
        for entry in self._entries:
            entry.done = entry.size if entry.state is State.DONE else await to_its_end(partial(found, entry))
        for entry in [entry for entry in self._entries if entry.is_given_up]:
            self._remove(entry)
        for entry in [entry for entry in self._living if entry.is_resting]:
            await self._wake(entry)
        self._settled()

    async def _wake(self, entry: Entry) -> None:
        """A move of the models folder was cut off by the end of the program, and had made this one rest. It goes on
        where all that has come of it lies; what lies in both folders waits until the move goes on.
        """
        try:
            own = await to_its_end(self._folder)
            if await to_its_end(partial(entry.is_in_one_place, own)):
                entry.done = await to_its_end(entry.on_disk)
                self._go_on(entry)
        except (UserFacingError, OSError) as error:
            _log.warning("%s stays paused: %s", entry.files[0].name, error)

    # What a person wants

    async def add(self, repository: Repository, files: Sequence[HubFile]) -> str:
        """Put a model at the end of the queue, and have that on the disk; returns its id.

        Raises:
            UserFacingError: as `downloads.Downloads.add`.
        """
        await self._opened.wait()
        async with self._adding:  # one after the other, so that none is there twice
            return await self._add(repository, files)

    async def _add(self, repository: Repository, files: Sequence[HubFile]) -> str:
        if self.refusal:
            await self._take_over()
        if self.refusal:
            raise self.refusal
        chosen = replace(repository, files=tuple(files))
        entry = Entry(secrets.token_hex(8), chosen, await to_its_end(self._folder))
        targets = entry.targets
        if not targets:
            raise BadName(
                tr("Nothing was chosen"),
                tr("no file of {repo_id} was named", repo_id=repository.repo_id),
                tr("Choose a file"),
            )
        if known := next((each for each in self._living if each.targets == targets), None):
            if known.state is not State.DONE:
                self._go_on(known)
                self._settled()
                return known.id
            self._entries.remove(known)
        flow = EntryFlow(self._faucet, entry, self._entries, lambda each: each.is_open)
        with disk_sorted(entry):
            await to_its_end(entry.have_folder)
            entry.done = await to_its_end(entry.on_disk)
            await to_its_end(lambda: require_free(entry.files[0].name, entry.folder, entry.size - entry.done, flow))
        self._entries.append(entry)
        self._settled()
        await self._journal.written()
        return entry.id

    def pause(self, entry_id: str) -> None:
        """What runs or waits waits until it is resumed."""
        for entry in self._with(entry_id):
            if entry.is_open or entry.is_resting:
                self._stop(entry, State.PAUSED)

    def resume(self, entry_id: str) -> None:
        """What is paused, has failed or waits for its next attempt may begin at once."""
        for entry in self._with(entry_id):
            if not entry.is_active and entry.state is not State.DONE:
                self._go_on(entry)

    def pause_all(self) -> None:
        """As `pause`, for all."""
        for entry in self._living:
            self.pause(entry.id)

    def resume_all(self) -> None:
        """What is paused goes on; what has failed stays."""
        for entry in self._living:
            if entry.state is State.PAUSED:
                self._go_on(entry)

    async def rest(self) -> tuple[str, ...] | None:
        """Pause what would go on by itself, and wait until nothing of ours writes; returns which ones those were, or
        None where another program runs the downloads of this folder.
        """
        await self._opened.wait()
        if self.refusal:
            return None
        resting = [entry for entry in self._living if entry.is_open or entry.is_resting]
        for entry in resting:
            self._stop(entry, State.PAUSED)
            entry.is_resting = True
        self._settled()
        if tasks := [entry.task for entry in self._entries if entry.task]:
            await asyncio.wait(tasks)
        return tuple(entry.id for entry in resting)

    async def follow(self, source: Path, target: Path, rested: Sequence[str]) -> None:
        """What was moved from one models folder to another goes on there, and what was made to rest goes on."""
        for entry in tuple(self._entries):
            with contextlib.suppress(OSError):  # a disk that is gone: nothing was moved from there
                await to_its_end(partial(entry.follow, source, target))
        for entry in self._living:
            if entry.id in rested and entry.is_resting:  # else somebody has paused it meanwhile
                self._go_on(entry)
        self._settled()
        await self._journal.written()

    def cancel(self, entry_id: str) -> None:
        """Take it out of the list; what has come of it is removed, unless it was done."""
        for entry in self._with(entry_id):
            if entry.state is State.DONE:
                self._entries.remove(entry)
            else:
                entry.is_given_up = True
                self._stop(entry, State.PAUSED)
                self._remove(entry)

    def move(self, entry_id: str, to: int) -> None:
        """Put it at this place of the list, from 0 on."""
        for entry in self._with(entry_id):
            rest = [each for each in self._living if each is not entry]
            rest.insert(max(0, min(to, len(rest))), entry)
            self._entries = [*rest, *(each for each in self._entries if each.is_given_up)]

    def clear_finished(self) -> None:
        """Take what is done out of the list; the files stay."""
        self._entries = [entry for entry in self._entries if entry.state is not State.DONE]

    def set_limits(self, limits: Limits) -> None:
        """How much may come, and how many at once, from now on."""
        rate = None if limits.bytes_per_s is None else max(1, limits.bytes_per_s)
        self.limits = Limits(rate, max(1, limits.at_once))
        self._faucet.bytes_per_s = rate

    # Which one runs

    @property
    def _living(self) -> list[Entry]:
        return [entry for entry in self._entries if not entry.is_given_up]

    def _with(self, entry_id: str) -> list[Entry]:
        return [entry for entry in self._living if entry.id == entry_id]

    def _go_on(self, entry: Entry) -> None:
        if not entry.is_active:
            entry.state, entry.error, entry.retry_at, entry.failures = State.WAITING, None, None, 0
            entry.is_held = entry.is_resting = False

    def _stop(self, entry: Entry, state: State, error: UserFacingError | None = None) -> None:
        entry.state, entry.error, entry.retry_at = state, error, None
        entry.is_held = entry.is_resting = False
        if entry.task:
            entry.task.cancel()

    def _pump(self) -> None:
        """Start what may run, and stop what may not any longer."""
        if self._is_closed:
            return
        if error := off_line():
            for entry in self._living:
                if entry.is_active or entry.state is State.WAITING:
                    self._stop(entry, State.PAUSED, error)
                    entry.is_held = True
            return
        for entry in self._living:
            if entry.is_held:
                self._go_on(entry)
        active = [entry for entry in self._living if entry.is_active]
        for entry in active[self.limits.at_once :]:
            self._stop(entry, State.WAITING)
        free = self.limits.at_once - len(active)
        now = asyncio.get_running_loop().time()
        for entry in self._living:
            may_run = entry.state is State.WAITING and not entry.task and (entry.retry_at or 0) <= now
            if may_run and free > 0:
                free -= 1
                self._run(entry)

    def _run(self, entry: Entry) -> None:
        self._turns += 1
        entry.turn, entry.state, entry.error, entry.retry_at = self._turns, State.RUNNING, None, None
        entry.done_at_failure = max(entry.done_at_failure, entry.done)
        entry.pace.begin(asyncio.get_running_loop().time())
        entry.task = asyncio.create_task(self._attempt(entry))
        entry.task.add_done_callback(lambda task: self._ended(entry, task))

    async def _attempt(self, entry: Entry) -> None:
        with disk_sorted(entry):
            await self._fetch(entry)

    async def _fetch(self, entry: Entry) -> None:
        if entry.there is None:
            parts = entry.parts
            whole = await to_its_end(lambda: [part.target for part in parts if part.is_whole()])
            entry.there = frozenset(map(str, whole))
            await self._journal.written()
        if await to_its_end(entry.is_emptied):
            await to_its_end(self._folder)  # which says so where its disk is gone
        flow = EntryFlow(self._faucet, entry, self._entries, lambda each: each.turn < entry.turn and each.is_active)
        flow.on_change, flow.verified = self._changed, self._verified
        for part, file in zip(entry.parts, entry.files, strict=True):
            await self._verified.check(part, file, flow)
        token = await to_its_end(lambda: self._token(entry.repository.endpoint))

        def report(done: int, _total: int) -> None:
            if entry.state is State.RUNNING and done > entry.done:
                entry.pace.note(asyncio.get_running_loop().time(), done - entry.done)
            entry.done = done
            self._changed()

        await fetch_all(
            entry.repository,
            entry.files,
            into=entry.folder,
            on_progress=report,
            token=token,
            patience=self._manner.patience,
            flow=flow,
        )

    def _ended(self, entry: Entry, task: asyncio.Task[None]) -> None:
        entry.task = None
        error = None if task.cancelled() else task.exception()
        if not task.cancelled() and not entry.is_given_up:
            if error is None:
                self._done(entry)
            elif entry.is_active:  # else somebody paused it in that very moment
                self._failed(entry, error)
        self._settled()

    def _done(self, entry: Entry) -> None:
        entry.state, entry.error, entry.done, entry.finished = State.DONE, None, entry.size, time.time()
        done = [each for each in self._entries if each.state is State.DONE]
        for old in sorted(done, key=lambda each: each.finished)[:-_MOST_DONE]:
            self._entries.remove(old)

    def _failed(self, entry: Entry, error: BaseException) -> None:
        """A fault that may pass is waited out, behind those that can run meanwhile."""
        if not isinstance(error, UserFacingError):
            _log.error("A download has failed", exc_info=error)
            error = UserFacingError(
                tr("{name} could not be fetched", name=entry.files[0].name), repr(error), tr("Try again")
            )
        entry.failures = 0 if entry.done > entry.done_at_failure else entry.failures
        entry.error, entry.state = error, State.FAILED
        if isinstance(error, Interrupted | Unreachable) and entry.failures < len(self._manner.retries_s):
            pause_s = jittered(self._manner.retries_s[entry.failures])
            entry.state, entry.retry_at = State.WAITING, asyncio.get_running_loop().time() + pause_s
            entry.failures += 1

    def _remove(self, entry: Entry) -> None:
        """Remove what has come of one that was given up; the journal forgets it only then."""

        async def work() -> None:
            if entry.task:
                await asyncio.wait([entry.task])
            others = {target for each in self._living for target in each.targets}
            await to_its_end(lambda: remove_all(entry, others))
            self._entries.remove(entry)
            self._settled()

        self._keep(work())

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._removing.add(task)
        task.add_done_callback(self._removing.discard)

    # What is kept, and told

    def _settled(self) -> None:
        """Something is otherwise than before: go by it, keep it and tell it."""
        self._pump()
        if not self.refusal:
            self._journal.write_soon()
        self._tell()
        self._beat()

    def _changed(self) -> None:
        """Bytes have come."""
        loop = asyncio.get_running_loop()
        if not self._telling and not self._is_closed:
            self._telling = loop.call_at(self._told_at + _TOLD_S, self._tell)

    def _tell(self) -> None:
        if self._telling:
            self._telling.cancel()
            self._telling = None
        self._told_at = asyncio.get_running_loop().time()
        self.shown = tuple(entry.shown(self._told_at) for entry in self._living)
        self._on_change()

    def _beat(self) -> None:
        """While something runs, or waits for a moment or for the network: look again each second."""
        if self._beating is None and not self._is_closed and any(entry.is_open for entry in self._living):
            self._beating = asyncio.get_running_loop().call_later(_BEAT_S, self._look_again)

    def _look_again(self) -> None:
        self._beating = None
        before = [entry.state for entry in self._entries]
        self._pump()
        if before != [entry.state for entry in self._entries]:
            self._journal.write_soon()
        self._tell()
        self._beat()
