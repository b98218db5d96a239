"""Calling a tool: whatever it does, a `Result` comes back, in bounded time and of bounded length.

A fault of a tool is an answer for the model, which may then do better; it never ends the conversation. What tools say
is English in every language of the window, as models read it; the card of the call shows the person the same text.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import inspect
import logging
import re
import threading
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.tools import schema
from nodetool_xl_desktop.tools.arguments import fit
from nodetool_xl_desktop.tools.tool import Image, Tool, is_async

#: What a call may take, in seconds, where the caller says nothing else.
TIMEOUT_S = 30.0
#: What a model gets to read of a result: about 5,000 tokens of English.
MOST_CHARACTERS = 20_000
#: The words that templates put around turns. The engine takes them for that wherever they stand: a page with one in it
#: could go on as the person.
_MARKS = re.compile(
    r"<\|[^|<>\s]{1,40}\|>|<\uff5c[^\uff5c<>\s]{1,40}\uff5c>|</?s>|<(?:bos|eos|pad|unk)>|</?(?:start|end)_of_\w{1,20}>"
    r"|\[/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_RESULTS|TOOL_CALLS|TOOL_CONTENT)\]"
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Result:
    """What a call came to.

    Attributes:
        text: the result as the model reads it: text as it is, anything else as JSON; "" beside an image or an error.
        image: the result, where it is a picture.
        error: why there is no result, for the model and for the person; "" where there is one.
    """

    text: str = ""
    image: Image | None = None
    error: str = ""


async def call(
    tool: Tool, args: Mapping[str, Any], *, timeout_s: float = TIMEOUT_S, most_characters: int = MOST_CHARACTERS
) -> Result:
    """Check `args`, call `tool` with them, and return what came of it; cancelling this cancels the call.

    A sync tool runs in a thread, which goes on by itself where its time is up or the caller is cancelled: Python cannot
    stop a thread. An async tool is cancelled.
    """
    fitted = fit(tool, args)
    if fitted.problem:
        return Result(error=_cut(f"Bad arguments: {fitted.problem}.", most_characters))
    try:
        async with asyncio.timeout(timeout_s) as limit:
            return _result(await _run(tool, fitted.args), most_characters)
    except TimeoutError as error:
        if limit.expired():
            return Result(error=f"{tool.name} took longer than {timeout_s:g} s and was given up.")
        return _failed(tool, error, most_characters)
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        return _failed(tool, error, most_characters)  # something that the tool waited for was cancelled, not the call
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a tool raises is told to the model
        return _failed(tool, error, most_characters)


async def _run(tool: Tool, args: dict[str, Any]) -> Any:
    if is_async(tool):
        return await tool(**args)
    value = await _in_thread(lambda: tool(**args))
    return await value if inspect.isawaitable(value) else value


async def _in_thread(work: Callable[[], Any]) -> Any:
    """Run `work` in a thread of its own that nobody waits for.

    `asyncio.to_thread` has few threads, and the loop waits for each of them at its end: for ever where a tool hangs.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Any] = loop.create_future()

    def settle(value: Any, error: BaseException | None) -> None:
        if future.done():  # nobody waits any longer
            _discard(value)
        elif error is None:
            future.set_result(value)
        else:
            future.set_exception(error)

    def run() -> None:
        value, error = None, None
        try:
            value = work()
        except Exception as raised:  # noqa: BLE001 - it is raised again where `work` is awaited
            error = raised
        except BaseException as raised:  # noqa: BLE001 - sys.exit() in a tool ends the call, not the program
            error = RuntimeError(f"it ended with {type(raised).__name__}")
        if isinstance(error, StopIteration):  # a future cannot carry it
            error = RuntimeError("it ended with StopIteration")
        with contextlib.suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(settle, value, error)

    context = contextvars.copy_context()
    threading.Thread(target=lambda: context.run(run), daemon=True, name="tool").start()
    return await future


def _discard(value: Awaitable[Any] | Any) -> None:
    """A coroutine that nobody awaits any longer warns unless it is closed."""
    if inspect.iscoroutine(value):
        value.close()


def _result(value: Any, most_characters: int) -> Result:
    if isinstance(value, Result):
        return replace(value, text=_cut(value.text, most_characters), error=_cut(value.error, most_characters))
    if isinstance(value, Image):
        return Result(image=value)
    if value is None:
        return Result("(no result)")
    if isinstance(value, str):
        return Result(_cut(value, most_characters))
    try:
        text = schema.to_json(value)
    except (TypeError, ValueError) as error:
        kind = type(value).__name__
        return Result(error=_cut(f"Its result is a {kind}, which cannot be written as JSON: {error}.", most_characters))
    return Result(_cut(text, most_characters))


def _failed(tool: Tool, error: BaseException, most_characters: int) -> Result:
    # What a tool was given, and so what its message says, is the person's: it is not logged.
    _log.info("Tool %s raised %s", tool.name, type(error).__name__)
    if isinstance(error, UserFacingError):
        text = str(error)
    elif isinstance(error, msgspec.ValidationError):
        text = f"Bad arguments: {error}"
    else:
        text = f"{tool.name} failed: {type(error).__name__}: {_message(error)}".removesuffix(": ")
    return Result(error=_cut(text, most_characters))


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as fault:  # noqa: BLE001 - the tool's own code, too
        return f"(its message cannot be read: {type(fault).__name__})"


def _cut(text: str, most: int) -> str:
    if len(text) <= most:
        return _without_marks(text)
    return f"{_without_marks(text[:most])}... (cut: {most:,} of {len(text):,} characters)"


def _without_marks(text: str) -> str:
    """The same to read, with nothing in it that the engine takes for the beginning or the end of a turn."""
    return _MARKS.sub(lambda mark: f"{mark[0][0]}\u200b{mark[0][1:]}", text)
