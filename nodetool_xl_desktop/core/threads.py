"""Work that may block, in a thread: one that nobody has to wait for, or one that is waited for in any case."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import Callable
from typing import TypeVar

_Result = TypeVar("_Result")


async def in_own_thread(work: Callable[[], _Result], name: str) -> _Result:
    """Run `work` in a thread of its own, and return what it returns or raise what it raises.

    Neither a caller who is cancelled waits for it nor the end of the program: it shall change nothing that has to be
    whole. `asyncio.to_thread` has few threads, and the loop waits for each of them at its end.

    Args:
        work: sees the caller's context variables.
        name: of the thread.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[_Result] = loop.create_future()
    context = contextvars.copy_context()

    def settle(result: _Result | None, error: BaseException | None) -> None:
        if done.done():  # nobody waits any longer
            return
        if error is None:
            done.set_result(result)  # type: ignore[arg-type] # it is there where no error is
        else:
            done.set_exception(error)

    def run() -> None:
        result, error = None, None
        try:
            result = context.run(work)
        except BaseException as raised:  # noqa: BLE001 - it is raised again where `work` is awaited
            error = raised
        with contextlib.suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(settle, result, error)

    threading.Thread(target=run, name=name, daemon=True).start()
    return await done


async def to_its_end(work: Callable[[], _Result]) -> _Result:
    """Run short work on a disk. A caller who is cancelled still waits for its end: nobody closes a file in use."""
    task = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # looked at: the cancellation says enough
        raise
