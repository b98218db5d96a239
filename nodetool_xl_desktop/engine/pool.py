"""Loaded models, cached by file and options: started once, shared, ended when nobody needs them or room is needed.

A pool belongs to one event loop. What it holds are child processes; `close` ends them, and so does the end of this
process, however it comes.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import get_args

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.engine.entry import BackOff, Crashes, Entry, Key
from nodetool_xl_desktop.engine.errors import EngineError, Fault
from nodetool_xl_desktop.engine.hardware import host_memory
from nodetool_xl_desktop.engine.server import EngineServer, Isolation
from nodetool_xl_desktop.engine.states import Broken, Empty, Ending, Ready, Starting, State
from nodetool_xl_desktop.fit.estimate import estimate
from nodetool_xl_desktop.fit.memory import HostMemory, MemoryUse, Needs
from nodetool_xl_desktop.fit.options import LoadOptions
from nodetool_xl_desktop.fit.room import to_give_way
from nodetool_xl_desktop.fit.verdict import Verdict, judge
from nodetool_xl_desktop.gguf import GgufError, Header

IDLE_TIMEOUT_S = 15 * 60.0
#: An engine that used less processor time than this since it was last looked at has answered nobody.
IDLE_PROCESSOR_S = 0.05
#: How long one that may make room is looked at, in seconds; one that works takes more than a tenth of it.
LOOK_S = 0.1
#: So much of a failed engine's log goes into the program's own.
LOGGED_LINES = 40

_CRASHES = (Fault.KILLED, Fault.CRASHED, Fault.ABORTED, Fault.ILLEGAL_INSTRUCTION, Fault.FROZEN)

_log = logging.getLogger(__name__)


class Pool:
    """Holds loaded models.

    Args:
        idle_timeout_s: how long a model that nobody uses stays loaded; 0 keeps it for ever.
        memory: looks at the machine's memory when room may be needed.
        command: what to start as the engine child instead of this program's own worker.
        isolation: "process" runs each model in a child; for "thread" see `engine.in_process`.
        back_off: when a model that ended by itself is started again.
    """

    def __init__(
        self,
        *,
        idle_timeout_s: float = IDLE_TIMEOUT_S,
        memory: Callable[[], HostMemory] = host_memory,
        command: Sequence[str] | None = None,
        isolation: Isolation = "process",
        back_off: BackOff | None = None,
    ) -> None:
        if not idle_timeout_s >= 0:
            raise ValueError(f"idle_timeout_s is {idle_timeout_s!r}; it takes seconds, and 0 for never")
        if isolation not in get_args(Isolation):
            raise ValueError(f"isolation is {isolation!r}; it takes {' or '.join(get_args(Isolation))}")
        self._idle_timeout_s = idle_timeout_s
        self._memory = memory
        self._command = command
        self._isolation = isolation
        self._back_off = back_off or BackOff()
        self._entries: dict[Key, Entry] = {}
        self._crashes: dict[Key, Crashes] = {}
        self._pinned_timeout_s = 0.0
        self._pinned: set[Key] = set()  # what a person wants loaded, also while it is restarted
        self._ending: set[asyncio.Task[None]] = set()
        self._listeners: list[Callable[[Key, State], None]] = []
        self._room = asyncio.Lock()
        self._closed = False

    # What is there

    def listen(self, listener: Callable[[Key, State], None]) -> None:
        """Have `listener` told of each new state of each model, on the loop's thread."""
        self._listeners.append(listener)

    def unlisten(self, listener: Callable[[Key, State], None]) -> None:
        """Tell it no more."""
        self._listeners.remove(listener)

    @property
    def is_closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    @property
    def loaded(self) -> tuple[EngineServer, ...]:
        """The models that are ready, the least recently used first."""
        ready = sorted(self._entries.values(), key=lambda entry: entry.used_at)
        return tuple(entry.server for entry in ready if entry.server is not None)

    def find(self, model: Path) -> EngineServer | None:
        """The model with this file that is ready and was used last, whatever its options; None where there is none."""
        return next((server for server in reversed(self.loaded) if server.model == model), None)

    def gpu_layers(self, model: Path, options: LoadOptions) -> int | None:
        """The layers on a graphics card with which this model is loaded or on its way, its options being these else.

        None where it is not.
        """
        for key in self._entries:
            if key.model == model and replace(key.options, gpu_layers=options.gpu_layers) == options:
                return key.options.gpu_layers
        return None

    # What is asked for

    @contextlib.asynccontextmanager
    async def lease(
        self, model: Path, options: LoadOptions, header: Header | None = None, projector: Header | None = None
    ) -> AsyncIterator[EngineServer]:
        """Use a model, loading it first where it is not there; while it is used it is neither timed out nor evicted.

        Requests at once for one model start it once. Cancelling the last one that waits for a load cancels the load.
        A model that ended by itself is started again, after a pause that grows with each end.

        Args:
            model: a `.gguf` file (of a split set: its first part).
            options: how to load it.
            header: of that file; what it takes is reckoned from it, so that others can make room.
            projector: of the projector that the options name; likewise.

        Raises:
            EngineError: it could not be loaded, or was ejected meanwhile.
        """
        entry = await self._enter(Key(model, options), header, projector)
        try:
            yield await self._server(entry)
        finally:
            self._leave(entry)

    async def load(
        self,
        model: Path,
        options: LoadOptions,
        header: Header | None = None,
        projector: Header | None = None,
        *,
        pinned: bool = False,
    ) -> EngineServer:
        """Load a model before it is used.

        Args:
            model: as in `lease`.
            options: as in `lease`.
            header: as in `lease`.
            projector: as in `lease`.
            pinned: a person wants it: it is loaded at once, however often it has crashed, and stays until `eject`.

        Raises:
            EngineError: as in `lease`.
        """
        key = Key(model, options)
        if pinned:
            self._crashes.pop(key, None)
            self._pinned.add(key)
            if (waiting := self._entries.get(key)) is not None:
                waiting.at_once.set()
                waiting.pinned = True
        async with self.lease(model, options, header, projector) as server:
            return server

    def keep_pinned(self, idle_s: float) -> None:
        """Have what a person wants loaded stay until nobody has used it for so many seconds; 0 keeps it for ever."""
        self._pinned_timeout_s = idle_s
        for entry in self._entries.values():
            if entry.pinned and not entry.users:
                if entry.expiry is not None:
                    entry.expiry.cancel()
                self._look_later(entry)

    async def eject(self, model: Path | None = None, options: LoadOptions | None = None) -> None:
        """End a model and the answers that it gives, or cancel its load; nothing of it is left when this returns.

        Args:
            model: its file; None ends every model.
            options: only the one that was loaded so; None ends it however it was loaded.
        """

        def meant(key: Key) -> bool:
            return (model is None or key.model == model) and (options is None or key.options == options)

        self._pinned = {key for key in self._pinned if not meant(key)}
        for entry in [entry for key, entry in self._entries.items() if meant(key)]:
            self._end_soon(entry)
        while self._ending:
            await asyncio.wait(self._ending)

    async def close(self) -> None:
        """End everything; the pool loads nothing any more."""
        self._closed = True
        await self.eject()

    # From a request to a server

    async def _enter(self, key: Key, header: Header | None, projector: Header | None) -> Entry:
        """The entry of this key, with one more user."""
        entry = self._entries.get(key)
        if entry is not None and entry.server is not None and entry.watching is not None:
            if entry.server.is_frozen:
                entry.server.kill_frozen()
            if entry.server.is_lost:  # just now, and it is not buried yet
                await asyncio.wait([entry.watching])
            entry = self._entries.get(key)
        if self._closed:
            why = tr("its pool was closed, by `close` or with the event loop that it belonged to")
            hint = tr("Ask `get_provider` for another one, in the loop that runs now.")
            raise EngineError(Fault.EJECTED, tr("{name} could not be loaded", name=key.model.name), why, hint)
        if entry is None:
            size = header.total_size + (projector.total_size if projector else 0) if header else None
            entry = Entry(key, _need(header, key.options, projector), size, pinned=key in self._pinned)
            self._entries[key] = entry
        entry.users += 1
        if entry.expiry is not None:
            entry.expiry.cancel()
        return entry

    def _leave(self, entry: Entry) -> None:
        entry.users -= 1
        entry.used_at = time.monotonic()
        if entry.users:
            return
        if entry.server is not None:
            self._look_later(entry)
        elif entry.starting is not None and not entry.starting.done():
            self._end_soon(entry)  # nobody waits for it any longer

    async def _server(self, entry: Entry) -> EngineServer:
        if entry.server is not None:
            return entry.server
        if entry.starting is None:
            self._tell(entry.key, Starting(entry.key.model))
            entry.starting = asyncio.create_task(self._start(entry))
            # Where everybody who waited has gone, nobody asks how it ended.
            entry.starting.add_done_callback(lambda task: task.cancelled() or task.exception())
        await asyncio.wait([entry.starting])
        if entry.starting.cancelled():
            raise EngineError(Fault.EJECTED, tr("The load was cancelled"), hint=tr("Load the model again to go on."))
        return entry.starting.result()

    async def _start(self, entry: Entry) -> EngineServer:
        key = entry.key
        try:
            if (crashes := self._crashes.get(key)) is not None:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(entry.at_once.wait(), crashes.wait_s(self._back_off))
            async with self._room:  # one after the other, or two would count on the same memory
                await self._make_room(entry)
                entry.has_room = True
            server = await EngineServer.start(
                key.model,
                key.options,
                on_progress=lambda progress: self._progressed(entry, progress),
                command=self._command,
                file_bytes=entry.file_bytes,
                isolation=self._isolation,
            )
        except EngineError as error:
            self._broke(entry, error)
            raise
        except OSError as error:  # the child itself could not be started
            _log.exception("No child process")
            broken = _no_child(key.model, error)
            self._broke(entry, broken)
            raise broken from error
        except BaseException:  # cancelled, or a bug: either way it is not there
            if self._forget(entry):
                self._tell(key, Empty())
            raise
        entry.server = server
        entry.ready_at = entry.used_at = time.monotonic()
        entry.watching = asyncio.create_task(self._watch(entry, server))  # before anybody is told, and may raise
        self._tell(key, Ready(server))
        return server

    def _progressed(self, entry: Entry, progress: float) -> None:
        entry.progress = progress
        if self._has(entry):
            self._tell(entry.key, Starting(entry.key.model, progress))

    async def _watch(self, entry: Entry, server: EngineServer) -> None:
        """Notice when the engine ends by itself."""
        error = await server.ended()
        if error is None:
            return
        with contextlib.suppress(OSError):
            await server.stop()
        self._broke(entry, error)

    # Making room

    async def _make_room(self, entry: Entry) -> None:
        """End idle models, the least recently used first, where fit says that their memory is enough for this one."""
        while self._ending:  # what they hold is about to be free
            await asyncio.wait(self._ending)
        if not entry.need.total:
            return
        host = self._free(await asyncio.to_thread(self._memory), entry)
        if judge(entry.need, host) is Verdict.FITS:
            return
        idle = await self._unused()
        for place in to_give_way(entry.need, host, [_held(other) for other in idle]):
            _log.info("%s is ejected to make room for %s", idle[place].key.model.name, entry.key.model.name)
            self._end_soon(idle[place])
        while self._ending:
            await asyncio.wait(self._ending)

    async def _unused(self) -> list[Entry]:
        """Models that nobody uses, the least recently used first; what works just now does so for its endpoint."""
        worked = {key: entry.server.processor_s() for key, entry in self._entries.items() if entry.server}
        await asyncio.sleep(LOOK_S)
        idle = [
            entry
            for key, entry in self._entries.items()
            if entry.is_idle and entry.server and entry.server.processor_s() - worked.get(key, 0.0) < LOOK_S / 10
        ]
        return sorted(idle, key=lambda entry: entry.used_at)

    def _free(self, host: HostMemory, entry: Entry) -> HostMemory:
        """The memory without what models that are just starting are still going to take."""
        coming = sum(
            round(other.need.total * (1 - other.progress))
            for other in self._entries.values()
            if other is not entry and other.has_room and other.server is None
        )
        return HostMemory(host.total, max(0, host.free - coming))

    # The end

    def _look_later(self, entry: Entry) -> None:
        """See after the idle time whether somebody has used the model meanwhile, through its endpoint too."""
        idle_s = self._idle_s(entry)
        if not idle_s or entry.server is None or not self._has(entry):
            return
        loop = asyncio.get_running_loop()
        entry.expiry = loop.call_later(idle_s, self._look, entry, entry.server.processor_s())

    def _idle_s(self, entry: Entry) -> float:
        return self._pinned_timeout_s if entry.pinned else self._idle_timeout_s

    def _look(self, entry: Entry, processor_s: float) -> None:
        if entry.users or entry.server is None or not self._has(entry):
            return
        if entry.server.processor_s() - processor_s > IDLE_PROCESSOR_S:
            self._look_later(entry)
            return
        _log.info("%s was not used for %.0f s and is ejected", entry.key.model.name, self._idle_s(entry))
        self._pinned.discard(entry.key)
        self._end_soon(entry)

    def _end_soon(self, entry: Entry) -> None:
        """Take a model out of the pool at once; its process ends beside everything else."""
        if not self._has(entry):  # it is ending already, and its key may be another one's by now
            return
        del self._entries[entry.key]
        self._tell(entry.key, Ending(entry.key.model))
        task = asyncio.create_task(self._end(entry))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _end(self, entry: Entry) -> None:
        if entry.expiry is not None:
            entry.expiry.cancel()
        if entry.starting is not None:
            entry.starting.cancel()
            await asyncio.wait([entry.starting])
        if entry.server is not None:
            try:
                await entry.server.stop()
            finally:
                if entry.watching is not None:
                    await asyncio.wait([entry.watching])
        if entry.key not in self._entries:
            self._tell(entry.key, Empty())

    def _broke(self, entry: Entry, error: EngineError) -> None:
        """A model could not be loaded, or ended by itself."""
        _log.warning("%s\n%s", error, "\n".join(error.log_tail[-LOGGED_LINES:]))
        if error.fault in _CRASHES:
            now = time.monotonic()
            crashes = self._crashes.setdefault(entry.key, Crashes())
            settled = entry.server is not None and now - entry.ready_at > self._back_off.settled_s
            crashes.count = 1 if settled else crashes.count + 1
            crashes.last = now
        if self._forget(entry):
            self._tell(entry.key, Broken(entry.key.model, error))

    def _forget(self, entry: Entry) -> bool:
        """Take an entry out; returns whether it was still there."""
        if entry.expiry is not None:
            entry.expiry.cancel()
        if not self._has(entry):
            return False
        del self._entries[entry.key]
        return True

    def _has(self, entry: Entry) -> bool:
        """Whether it is still there; its key may be another one's by now."""
        return self._entries.get(entry.key) is entry

    def _tell(self, key: Key, state: State) -> None:
        for listener in tuple(self._listeners):
            try:
                listener(key, state)
            except Exception:  # noqa: BLE001 - its bug must not keep a child from being started, watched or ended
                _log.exception("A listener of the pool failed")


def _need(header: Header | None, options: LoadOptions, projector: Header | None) -> Needs:
    if header is None:
        return Needs(MemoryUse())
    try:
        return estimate(header, options, projector=projector)
    except GgufError:  # the engine refuses such a header too, and that is told as every failed load is
        return Needs(MemoryUse())


def _held(entry: Entry) -> int:
    return entry.server.held() if entry.server is not None else 0


def _no_child(model: Path, error: OSError) -> EngineError:
    return EngineError(
        Fault.UNKNOWN,
        tr("{name} could not be loaded", name=model.name),
        tr("no process could be started for it: {strerror}", strerror=error.strerror or error),
        tr("Close other programs and try again."),
    )
