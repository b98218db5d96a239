"""The one model that the window talks to, as a state that can be watched: a person's view of the pool.

Nothing here waits for the window and the window waits for nothing here: it is told of each new state.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path

from nodetool_xl_desktop.engine.entry import Key
from nodetool_xl_desktop.engine.errors import EngineError
from nodetool_xl_desktop.engine.pool import Pool
from nodetool_xl_desktop.engine.states import Empty, Ready, Starting, State
from nodetool_xl_desktop.fit.options import LoadOptions
from nodetool_xl_desktop.gguf import Header


class Loader:
    """Keeps at most one model of the pool loaded, for as long as the person wants it.

    Args:
        pool: what loads and holds models.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._listeners: list[Callable[[State], None]] = []
        self._state: State = Empty()
        self._turn = asyncio.Lock()
        self._wanted: Key | None = None
        pool.listen(self._heard)

    @property
    def state(self) -> State:
        """What is the case now."""
        return self._state

    def listen(self, listener: Callable[[State], None]) -> None:
        """Have `listener` told of each new state, on the event loop's thread."""
        self._listeners.append(listener)

    def holds(self, model: Path, options: LoadOptions) -> bool:
        """Whether just this is loaded, or on its way."""
        return self._wanted == Key(model, options) and isinstance(self._state, Starting | Ready)

    def keep(self, idle_s: float) -> None:
        """Have a loaded model stay until nobody has used it for so many seconds; 0 keeps it until it is ejected."""
        self._pool.keep_pinned(idle_s)

    async def load(
        self, model: Path, options: LoadOptions, header: Header | None = None, projector: Header | None = None
    ) -> None:
        """Load a model in place of whatever is there; returns when it is ready, failed or was cancelled.

        A failure is a state (`Broken`), not an exception. Of several calls at once the last one wins; one that asks for
        what is loaded or on its way already changes nothing.

        Args:
            model: a `.gguf` file (of a split set: its first part).
            options: how to load it.
            header: of that file, for the progress and for what it takes.
            projector: of the projector that the options name; likewise.
        """
        async with self._turn:
            if not self.holds(model, options):
                await self._clear()
                self._wanted = Key(model, options)
        with contextlib.suppress(EngineError):  # it is a state
            await self._pool.load(model, options, header, projector, pinned=True)
            if self._wanted != Key(model, options):  # given up before the pool had heard of it
                await self._pool.eject(model, options)

    async def eject(self) -> None:
        """End the loaded model, or the load that is on its way; nothing is left when this returns."""
        async with self._turn:
            await self._clear()

    async def _clear(self) -> None:
        if self._wanted is not None:
            await self._pool.eject(self._wanted.model, self._wanted.options)
        self._wanted = None
        if not isinstance(self._state, Empty):
            self._set(Empty())

    def _heard(self, key: Key, state: State) -> None:
        if key == self._wanted:
            self._set(state)

    def _set(self, state: State) -> None:
        self._state = state
        for listener in tuple(self._listeners):
            listener(state)
