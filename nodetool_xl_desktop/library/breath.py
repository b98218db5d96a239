"""Long loops of Python in a thread beside the window's, which wants the interpreter in between."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

#: Items of a millisecond or less, after which the interpreter is given away for a moment. By itself Python gives it
#: away after 5 ms, and the window asks for it several times until it has painted.
_ITEMS = 64
_PAUSE_S = 0.0001
Item = TypeVar("Item")


def never() -> bool:
    """Nobody wants it to stop."""
    return False


def breathing(items: Iterable[Item]) -> Iterator[Item]:
    """The same items, with a pause now and then."""
    for number, item in enumerate(items, 1):
        yield item
        if number % _ITEMS == 0:
            time.sleep(_PAUSE_S)
