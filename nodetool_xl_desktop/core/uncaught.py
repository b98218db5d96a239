"""What nobody expected: errors that no part of the program caught, told without what they quote.

The message of an error may hold whatever it stumbled over, such as a line of a chat. Only messages that Python makes
itself are told; of others the kind, and where it happened, which is what mends a bug.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import threading
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

#: Hears of each: what it happened in, and the error.
Hear = Callable[[str, BaseException], object]

LEFT_OUT = "(its message is left out, as it may quote a text)"
#: Of errors whose message names only what stands in the source.
_PLAIN = (AttributeError, NameError, ImportError, IndexError, ZeroDivisionError, RecursionError, StopIteration)
#: Other messages that Python and its libraries make without what was at hand.
_KNOWN = re.compile(
    r"Internal C\+\+ object \(.{1,80}\) already deleted\."
    r"|(dictionary|Set|deque) (changed size|mutated) during iteration"
    r"|.{1,80}(object is not (callable|iterable|subscriptable|an iterator)|has no len\(\))"
    r"|[\w.]{1,80}\(\) (missing|takes|got an unexpected) .{1,120}"
    r"|(no running event loop|Event loop is closed|cannot schedule new futures after shutdown|can't start new thread)"
    r"|not enough values to unpack .{1,60}|too many values to unpack .{1,60}"
)
_log = logging.getLogger("nodetool_xl_desktop")


def install() -> None:
    """Log every error that nobody catches, in all threads, and print it as before."""
    sys.excepthook = _main
    threading.excepthook = _thread
    sys.unraisablehook = _unraisable


@contextmanager
def heard_by(hear: Hear) -> Iterator[None]:
    """As `install`, and somebody hears of each, in the thread in which it happened."""
    before = sys.excepthook, threading.excepthook, sys.unraisablehook
    _listeners.append(hear)
    install()
    try:
        yield
    finally:
        _listeners.remove(hear)
        sys.excepthook, threading.excepthook, sys.unraisablehook = before


_listeners: list[Hear] = []
_counts: Counter[str] = Counter()


def tell(what: str, error: BaseException) -> None:
    """Log an error that nobody expected, and have it heard.

    What comes again and again from one place, as from what is painted, is logged in full once and counted then.

    Args:
        what: it happened in, as "A task failed"; no text of a person.
        error: that.
    """
    at = f"{kind(error)} {place(error)}"
    _counts[at] += 1
    if _counts[at] == 1:
        _log.critical("%s", what, exc_info=(type(error), error, error.__traceback__))
    elif str(_counts[at]).strip("0") == "1":  # 10, 100, ...
        _log.critical("%s: %s, for the %dth time", what, at, _counts[at])
    for hear in tuple(_listeners):
        hear(what, error)


def told(error: BaseException) -> str:
    """An error with the places it came through, and all that led to it, in lines; nothing in it quotes a text."""
    return "\n".join(_lines(error, set()))


def message(error: BaseException) -> str:
    """What may be told of an error's own words."""
    words = " ".join(str(error).split())
    if isinstance(error, OSError) and error.errno:
        return f"[Errno {error.errno}] {os.strerror(error.errno)}"
    if not words or (isinstance(error, _PLAIN) and len(words) <= 200) or _KNOWN.fullmatch(words):
        return words
    return LEFT_OUT


def place(error: BaseException) -> str:
    """Where it was raised, as "chat_flow.py, line 12": in this program, where any of it took part; may be empty."""
    frames = list(traceback.walk_tb(error.__traceback__))
    ours = [each for each in frames if "nodetool_xl_desktop" in each[0].f_code.co_filename] or frames
    if not ours:
        return ""
    frame, line = ours[-1]
    return f"{Path(frame.f_code.co_filename).name}, line {line}"


def kind(error: BaseException) -> str:
    """The name of an error's class, with its module where that is not Python's own."""
    its = type(error)
    return its.__qualname__ if its.__module__ == "builtins" else f"{its.__module__}.{its.__qualname__}"


def _lines(error: BaseException, seen: set[int]) -> Iterator[str]:
    if id(error) in seen:
        return
    seen.add(id(error))
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None:
        yield from _lines(before, seen)
        yield "" if error.__cause__ is None else "The above exception was the direct cause of this one:"
    if error.__traceback__ is not None:
        yield "Traceback (most recent call last):"
        yield from "".join(traceback.format_tb(error.__traceback__)).rstrip("\n").splitlines()
    said = message(error)
    yield f"{kind(error)}: {said}" if said else kind(error)
    if isinstance(error, BaseExceptionGroup):
        for member in error.exceptions:
            yield from (f"  {line}" for line in _lines(member, seen))


def _main(its: type[BaseException], error: BaseException, where: TracebackType | None) -> None:
    if not issubclass(its, KeyboardInterrupt):
        tell("Uncaught", error)
    sys.__excepthook__(its, error, where)


def _thread(said: threading.ExceptHookArgs) -> None:
    if said.exc_value is None or issubclass(said.exc_type, SystemExit):
        return
    tell("A thread failed", said.exc_value)
    threading.__excepthook__(said)


def _unraisable(said: sys.UnraisableHookArgs) -> None:
    if said.exc_value is not None:
        tell("Something failed while it was cleared away", said.exc_value)
    sys.__unraisablehook__(said)
