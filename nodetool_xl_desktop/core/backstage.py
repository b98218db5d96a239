"""A thread with an event loop of its own, for what must not pass through the window's.

There MCP servers are spoken to (the package that does parses whole messages, and takes 0.5 s to import), and downloads
run (hundreds of megabytes a second). Child processes started here are fine, as the thread lives as long as the program.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

Value = TypeVar("Value")


class Backstage:
    """The thread; it is started when it is first used.

    Args:
        name: the thread's, as a debugger shows it.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    async def do(self, work: Callable[[], Coroutine[Any, Any, Value]]) -> Value:
        """Run a coroutine there and await it here; cancelled here, it is cancelled there."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work(), self._running_loop()))

    def tell(self, work: Callable[[], None]) -> None:
        """Call something there, soon."""
        self._running_loop().call_soon_threadsafe(work)

    async def close(self) -> None:
        """End the thread; what is still asked of it is cancelled."""
        if self._loop is None or self._thread is None:
            return
        loop, thread = self._loop, self._thread
        self._loop = self._thread = None
        loop.call_soon_threadsafe(loop.stop)
        await asyncio.to_thread(thread.join)

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.SelectorEventLoop() if not hasattr(asyncio, "ProactorEventLoop") else _proactor()
            self._thread = threading.Thread(target=_run, args=(self._loop,), name=self._name, daemon=True)
            self._thread.start()
        return self._loop


def _proactor() -> asyncio.AbstractEventLoop:
    """Windows: the one kind of loop there that starts processes."""
    loop: asyncio.AbstractEventLoop = asyncio.ProactorEventLoop()  # type: ignore[attr-defined]
    return loop


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
    finally:
        loop.close()
