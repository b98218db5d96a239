"""An answer on its way to whoever reads it.

It is read by a task of its own, so that a reader may leave in the middle, by `break` or by ending the program, without
closing anything: the task is cancelled, and closes what it reads in order. (Asynchronous generators that are left open
are closed by the loop in no order, which fails where one reads another.)
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from typing import Generic, TypeVar

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.engine.events import Event, Failed, ReasoningDelta, TextDelta, ToolCallRequested

Item = TypeVar("Item")
Other = TypeVar("Other")
#: What waits for the reader: events, and at the end None or the bug that ended it.
_Queue = asyncio.Queue[Event | BaseException | None]


class Stream(Generic[Item]):
    """Read it with `async for`.

    The engine stops within one batch when this is closed, or when nothing refers to it any more.

    Text may come ahead of its reader; behind a tool call nothing happens before the reader asks for more.

    Args:
        events: the answer.
        view: what the reader gets of an event; None leaves it out. What it raises ends the stream.
        failed: tells an error of a person's kind as the one that `Failed` carries.
        timeout_s: how long the answer may take from the first read, in seconds; None waits for ever.
        too_late: the error of an answer that took longer.
    """

    def __init__(
        self,
        events: AsyncGenerator[Event, None],
        view: Callable[[Event], Item | None],
        *,
        failed: Callable[[UserFacingError], UserFacingError],
        timeout_s: float | None = None,
        too_late: UserFacingError,
    ) -> None:
        self._reading: asyncio.Task[None] | None = None  # first: `__del__` looks at it, whatever else fails here
        self._events = events
        self._view = view
        self._failed = failed
        self._timeout_s = timeout_s
        self._too_late = too_late
        self._queue: _Queue = asyncio.Queue()
        self._taken = False
        self._ended = False

    def seen_as(self, view: Callable[[Event], Other | None]) -> Stream[Other]:
        """The same answer, not yet begun, with another view of its events; it takes the place of this one."""
        return Stream(self._events, view, failed=self._failed, timeout_s=self._timeout_s, too_late=self._too_late)

    def __aiter__(self) -> Stream[Item]:
        """Itself."""
        return self

    async def __anext__(self) -> Item:
        """The next item."""
        while not self._ended:
            event = await self._next()
            if event is None or isinstance(event, BaseException):
                self._ended = True
                if event is not None:
                    raise event
                break
            try:
                item = self._view(event)
            except BaseException:
                await self.aclose()
                raise
            if item is not None:
                return item
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """End it, and the engine's work for it; nothing is left when this returns."""
        self._ended = True
        self._queue.put_nowait(None)  # for another task that reads it just now
        if self._reading is None:
            await self._events.aclose()
        else:
            self._reading.cancel()
            await asyncio.wait([self._reading])

    def left(self) -> list[Event]:
        """What was said and not read, after `aclose`: such as words that were held back as they might become a call."""
        said: list[Event] = []
        while not self._queue.empty():
            event = self._queue.get_nowait()
            if isinstance(event, TextDelta | ReasoningDelta | ToolCallRequested):
                said.append(event)
        return said

    def __del__(self) -> None:
        """Somebody left it in the middle; the collector may run in any thread."""
        if self._reading is not None and not self._reading.done():
            with contextlib.suppress(RuntimeError):  # the loop is closed
                self._reading.get_loop().call_soon_threadsafe(self._reading.cancel)

    async def _next(self) -> Event | BaseException | None:
        if self._reading is None:
            # The task knows nothing of this object, which else would never be left by everybody.
            reading = _read(self._events, self._queue, self._timeout_s, self._failed, self._too_late)
            self._reading = asyncio.create_task(reading)
        if self._taken:
            self._queue.task_done()  # the reader comes for more
        self._taken = False
        event = await self._queue.get()
        self._taken = True
        return event


async def _read(
    events: AsyncGenerator[Event, None],
    queue: _Queue,
    timeout_s: float | None,
    failed: Callable[[UserFacingError], UserFacingError],
    too_late: UserFacingError,
) -> None:
    end: BaseException | None = None
    task = asyncio.current_task()
    try:
        async with asyncio.timeout(timeout_s) as limit, contextlib.aclosing(events):
            async for event in events:
                queue.put_nowait(event)
                # Cancelled: what was held back comes out on the way to the end, and nobody may read it any more.
                if isinstance(event, ToolCallRequested) and not (task and task.cancelling()):
                    await queue.join()
    except UserFacingError as error:
        queue.put_nowait(Failed(failed(error)))
    except TimeoutError as error:
        if limit.expired():
            queue.put_nowait(Failed(too_late))
        else:
            end = error
    except Exception as error:  # noqa: BLE001 - a bug is raised where the answer is read
        end = error
    finally:
        queue.put_nowait(end)
