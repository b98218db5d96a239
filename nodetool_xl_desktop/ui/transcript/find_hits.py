"""Where a text stands in the messages of a chat, looked for in slices so that a long chat never holds up the window."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Iterable, Sequence

from nodetool_xl_desktop.store.records import Message


class Hits:
    """Counts the places message by message, beginning with the one that is seen; whatever the case of the letters.

    Args:
        messages: what is looked through; each is asked for when its turn comes.
        sought: what is looked for; nothing is found for an empty text.
        start: the message to begin with.
        before: the hits of a shorter beginning of `sought` in the same messages, if all of them were found.
    """

    def __init__(self, messages: Sequence[Message], sought: str, start: int, before: Hits | None = None) -> None:
        self._messages = messages
        self._sought = sought.casefold()
        self._folded: dict[int, str] = {} if before is None else before._folded
        count = len(messages) if self._sought else 0
        self.is_done = not count
        order: Iterable[int] = [*range(start, count), *range(min(start, count))]
        if before is not None and before.is_done and before._sought and self._sought.startswith(before._sought):
            order = [index for index in order if index in before._counts]
        self._order = iter(order)
        self._counts: dict[int, int] = {}
        self._indices: list[int] = []

    def look(self, within_s: float) -> bool:
        """Look on for about so long; returns whether all was looked at."""
        end = time.perf_counter() + within_s
        for index in self._order:
            self._count(index)
            if time.perf_counter() > end:
                break
        else:
            self.is_done = True
        self._indices = sorted(self._counts)
        return self.is_done

    def look_again(self, index: int) -> None:
        """A message says something else now."""
        self._folded.pop(index, None)
        self._counts.pop(index, None)
        self._count(index)
        self._indices = sorted(self._counts)

    @property
    def total(self) -> int:
        """So many were found yet."""
        return sum(self._counts.values())

    def at(self, number: int) -> tuple[int, int]:
        """The message of a hit, and which of its hits it is; both counted from 0, as `number` is."""
        for index in self._indices:
            if number < self._counts[index]:
                return index, number
            number -= self._counts[index]
        raise IndexError(number)

    def number_of(self, index: int, hit: int) -> int:
        """The number of a hit, as `at` takes it."""
        return sum(self._counts[each] for each in self._indices[: bisect_left(self._indices, index)]) + hit

    def clamped(self, index: int, hit: int) -> tuple[int, int] | None:
        """The same hit, or the last one that is left in this message; None where none is."""
        left = self._counts.get(index, 0)
        return (index, min(hit, left - 1)) if left else None

    def number_from(self, index: int) -> int:
        """The first hit in this message or behind it; behind the last one, the first of all."""
        place = bisect_left(self._indices, index)
        return self.number_of(index, 0) if place < len(self._indices) else 0

    def _count(self, index: int) -> None:
        if (text := self._folded.get(index)) is None:
            text = self._folded[index] = self._messages[index].text.casefold()
        if found := text.count(self._sought):
            self._counts[index] = found
