"""Which loaded models give way to another one: the fewest, the least recently used first."""

from __future__ import annotations

from collections.abc import Sequence

from nodetool_xl_desktop.fit.memory import HostMemory, Needs
from nodetool_xl_desktop.fit.verdict import Verdict, judge


def to_give_way(need: Needs, host: HostMemory, held: Sequence[int]) -> list[int]:
    """Which of these models to end, as their places in `held`.

    None where ending all of them would not be enough: the load itself then says what is missing. Where it would be
    enough only without the margin, no more than that takes.

    Args:
        need: what the other one takes.
        host: the memory as it is.
        held: what ending each of them gives back, in bytes; the least recently used first.
    """

    def reached(ends: Sequence[int]) -> Verdict:
        return judge(need, host.with_returned(sum(held[place] for place in ends)))

    best = reached(range(len(held)))
    if best is Verdict.WONT_FIT:
        return []
    ends: list[int] = []
    while reached(ends) is not best:
        ends.append(len(ends))
    # One that was chosen early may not be needed beside a larger one that was chosen later.
    for place in ends[:-1]:
        rest = [other for other in ends if other != place]
        if reached(rest) is best:
            ends = rest
    return ends
