"""The one model that the window talks to: loading, ready, failed or ending, as a state that can be watched.

Nothing here waits for the window and the window waits for nothing here: it is told of each new state.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from nodetool_xl_desktop.engine.errors import EngineError, Fault
from nodetool_xl_desktop.engine.server import EngineServer
from nodetool_xl_desktop.fit.options import LoadOptions

#: So much of a failed engine's log goes into the program's own.
LOGGED_LINES = 40

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Empty:
    """Nothing is loaded."""


@dataclass(frozen=True, slots=True)
class Starting:
    """A model is on its way into memory; `progress` goes from 0 to 1."""

    model: Path
    progress: float = 0.0


@dataclass(frozen=True, slots=True)
class Ready:
    """A model answers."""

    server: EngineServer

    @property
    def model(self) -> Path:
        """Its file."""
        return self.server.model


@dataclass(frozen=True, slots=True)
class Broken:
    """A model could not be loaded, or its engine ended by itself."""

    model: Path
    error: EngineError


@dataclass(frozen=True, slots=True)
class Ending:
    """A model is on its way out of memory."""

    model: Path


State = Empty | Starting | Ready | Broken | Ending


class Loader:
    """Holds at most one loaded model.

    Args:
        command: what to start as the engine child instead of this program's own worker.
    """

    def __init__(self, command: Sequence[str] | None = None) -> None:
        self._command = command
        self._listeners: list[Callable[[State], None]] = []
        self._state: State = Empty()
        self._turn = asyncio.Lock()
        self._wanted: tuple[Path, LoadOptions] | None = None
        self._loading: asyncio.Task[None] | None = None
        self._watching: asyncio.Task[None] | None = None

    @property
    def state(self) -> State:
        """What is the case now."""
        return self._state

    def listen(self, listener: Callable[[State], None]) -> None:
        """Have `listener` told of each new state, on the event loop's thread."""
        self._listeners.append(listener)

    def holds(self, model: Path, options: LoadOptions) -> bool:
        """Whether just this is loaded, or on its way."""
        return self._wanted == (model, options) and isinstance(self._state, Starting | Ready)

    async def load(self, model: Path, options: LoadOptions, file_bytes: int | None = None) -> None:
        """Load a model in place of whatever is there; returns when it is ready, failed or was cancelled.

        A failure is a state (`Broken`), not an exception. Of several calls at once the last one wins; one that asks for
        what is loaded or on its way already changes nothing.

        Args:
            model: a `.gguf` file (of a split set: its first part).
            options: how to load it.
            file_bytes: the size of all its files, for the progress.
        """
        async with self._turn:
            if not self.holds(model, options):
                await self._clear()
                self._wanted = (model, options)
                self._set(Starting(model))
                self._loading = asyncio.create_task(self._start(model, options, file_bytes))
            loading = self._loading
        assert loading is not None
        await asyncio.wait([loading])
        if not loading.cancelled() and (bug := loading.exception()) is not None:
            if loading is self._loading:
                self._set(Empty())
            raise bug

    async def eject(self) -> None:
        """End the loaded model, or the load that is on its way; nothing is left when this returns."""
        async with self._turn:
            await self._clear()

    async def _clear(self) -> None:
        if self._loading is not None and isinstance(self._state, Starting):
            self._loading.cancel()
            self._set(Ending(self._state.model))
            await asyncio.wait([self._loading])
        if isinstance(self._state, Ready):
            server = self._state.server
            self._set(Ending(server.model))
            try:
                await server.stop()
            finally:
                self._set(Empty())
        if self._watching is not None:
            await asyncio.wait([self._watching])
            self._watching = None
        if not isinstance(self._state, Empty):
            self._set(Empty())

    async def _start(self, model: Path, options: LoadOptions, file_bytes: int | None) -> None:
        try:
            server = await EngineServer.start(
                model,
                options,
                on_progress=lambda progress: self._set(Starting(model, progress)),
                command=self._command,
                file_bytes=file_bytes,
            )
        except EngineError as error:
            _note(error)
            self._set(Broken(model, error))
        except OSError as error:  # the child itself could not be started
            _log.exception("No child process")
            self._set(Broken(model, _no_child(model, error)))
        else:
            self._watching = asyncio.create_task(self._watch(server))  # before anybody is told, and may raise
            self._set(Ready(server))

    async def _watch(self, server: EngineServer) -> None:
        """Notice when the engine ends by itself."""
        error = await server.ended()
        if error is None:
            return
        _note(error)
        with contextlib.suppress(OSError):
            await server.stop()
        if self._state == Ready(server):
            self._set(Broken(server.model, error))

    def _set(self, state: State) -> None:
        if isinstance(self._state, Ending) and isinstance(state, Starting):
            return  # a last word of the load that is being cancelled
        self._state = state
        for listener in tuple(self._listeners):
            listener(state)


def _note(error: EngineError) -> None:
    """Keep what a bug report needs."""
    _log.warning("%s\n%s", error, "\n".join(error.log_tail[-LOGGED_LINES:]))


def _no_child(model: Path, error: OSError) -> EngineError:
    return EngineError(
        Fault.UNKNOWN,
        f"{model.name} could not be loaded",
        f"no process could be started for it: {error.strerror or error}",
        "Close other programs and try again.",
    )
