"""Where each of many things stands, one below the other, while only those that were seen have ever been measured."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence

from nodetool_xl_desktop.core.translation import tr


class Heights:
    """Heights in pixels, and the places that follow from them.

    Args:
        heights: one for each thing, estimated or measured.
    """

    def __init__(self, heights: Sequence[int] = ()) -> None:
        self._heights = list(heights)
        self._tops = [0] * len(self._heights)
        self._known = min(1, len(self._heights))  # so many of the tops are right: only the last one grows, mostly

    def __len__(self) -> int:
        return len(self._heights)

    def __getitem__(self, index: int) -> int:
        return self._heights[index]

    def set(self, index: int, height: int) -> bool:
        """One was measured; returns whether it is another height than was known."""
        if self._heights[index] == height:
            return False
        self._heights[index] = height
        self._known = min(self._known, index + 1)
        return True

    def replace(self, start: int, heights: Iterable[int]) -> None:
        """Have these stand from there on, in place of all that stood there."""
        del self._heights[start:]
        del self._tops[start:]
        self._heights.extend(heights)
        self._tops.extend([0] * (len(self._heights) - start))
        self._known = min(max(self._known, 1), start, len(self._heights)) or min(1, len(self._heights))

    def top(self, index: int) -> int:
        """Where one begins; of one behind the last, where the last ends."""
        if index == len(self):
            return self.total
        for at in range(self._known, index + 1):
            self._tops[at] = self._tops[at - 1] + self._heights[at - 1]
        self._known = max(self._known, index + 1)
        return self._tops[index]

    @property
    def total(self) -> int:
        """Of all of them."""
        return self.top(len(self) - 1) + self._heights[-1] if self._heights else 0

    def at(self, y: int) -> int:
        """The one at a place; the first or the last one outside.

        Raises:
            IndexError: there is none at all.
        """
        if not self._heights:
            raise IndexError(tr("Nothing stands here"))
        self.top(len(self) - 1)
        return max(0, bisect_right(self._tops, y) - 1)
