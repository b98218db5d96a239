"""What can be done where the next turn does not fit: which of the oldest turns to leave out, or how large a context."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from nodetool_xl_desktop.chat.context import LEAST_ANSWER, ContextUse, Meter, Request, divided, reserve_of
from nodetool_xl_desktop.chat.turns import LeftOut, as_left_out
from nodetool_xl_desktop.provider import values
from nodetool_xl_desktop.store.records import Message

#: What a summary may have, in tokens: as many, at most an eighth of the context.
SUMMARY = 512
#: So many messages are counted one by one; of more, each is told its share by its length.
COUNTED_ONE_BY_ONE = 100
#: Contexts are offered in such steps, in tokens: the first number up to which the second is the step.
_STEPS = ((16_384, 1024), (65_536, 4096), (2**40, 16_384))
_FINEST_STEP = 256
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that would not be sent any more.

    Attributes:
        message: it; None for the summary of what was left out before.
        tokens: what it says, in tokens, without what the template writes around it.
        exact: whether the loaded model counted it by itself.
    """

    message: Message | None
    tokens: int
    exact: bool


@dataclass(frozen=True, slots=True)
class Cut:
    """The oldest turns, which would be left out: whole exchanges, each a question with what was answered to it.

    Attributes:
        at: how many messages of what is shown come before the first one that is still sent.
        begins: the id of that one; empty for the question that is to be asked.
        turns: how many exchanges are left out by it.
        rows: what they are, the oldest first.
        frees: how many tokens fewer the prompt has.
        before: the summary of what was left out before, which goes with them.
    """

    at: int
    begins: str
    turns: int
    rows: tuple[Row, ...]
    frees: int
    before: str = ""

    def kept(self, summary: str = "") -> dict[str, Any]:
        """What the answer keeps of it under `turns.CONTEXT`, with what is sent in place of these turns."""
        return as_left_out(self.at, self.begins, summary)

    @property
    def messages(self) -> list[Message]:
        """The messages among the rows."""
        return [row.message for row in self.rows if row.message is not None]


@dataclass(frozen=True, slots=True)
class Larger:
    """A context that would do.

    Attributes:
        context: in tokens.
        verdict: whether the machine has room for it, in words.
        allowed: whether it can be tried.
    """

    context: int
    verdict: str
    allowed: bool


#: What the machine says to a context: the verdict, and whether it can be tried.
Judge = Callable[[int], tuple[str, bool]]


@dataclass(frozen=True, slots=True)
class Fits:
    """It can be sent."""

    use: ContextUse


@dataclass(frozen=True, slots=True)
class WontFit:
    """It cannot be sent without a choice.

    Attributes:
        use: what it takes.
        alone: what the question takes with the system prompt and the tools alone, in tokens.
        cut: what to leave out; None where it would not fit even without all the turns before.
        can_summarise: whether a summary fits in their place.
        larger: a larger context; None where the model was made for none that would do.
    """

    use: ContextUse
    alone: int
    cut: Cut | None
    can_summarise: bool
    larger: Larger | None

    @property
    def can_send(self) -> bool:
        """Whether the prompt itself fits, with less room for the answer than should be."""
        return self.use.left >= LEAST_ANSWER


def summary_tokens(context: int) -> int:
    """How long a summary may be, in tokens."""
    return min(SUMMARY, context // 8)


async def plan(
    meter: Meter, request: Request, largest: int | None = None, judge: Judge | None = None
) -> Fits | WontFit:
    """Whether the next turn fits, counted as the engine will count it, and what can be done where it does not.

    Args:
        meter: of this chat.
        request: what is to be asked.
        largest: the context that the model was made for, in tokens; None where nobody knows.
        judge: what the machine says to a larger one; without it none is offered.

    Raises:
        EngineError: the loaded model refuses the messages, or ended meanwhile.
    """
    use = await meter.whole(request)
    if not use.missing or use.context is None:
        return Fits(use)
    search = _Search(meter, request, use)
    room = use.context - use.reserve
    alone = (await search.rest(len(search.exchanges)))[1]
    spare = summary_tokens(use.context)
    number = await search.fewest(room - spare) if alone <= room - spare else None
    can_summarise = number is not None
    if number is None and alone <= room:
        number = await search.fewest(room)
    cut = None if number is None else await search.cut(number)
    if cut is not None and not cut.messages:
        can_summarise = False  # there is nothing beside an older summary
    return WontFit(use, alone, cut, can_summarise, _larger(request, use, largest, judge))


class _Search:
    """Looks for the fewest of the oldest exchanges without which the prompt fits."""

    def __init__(self, meter: Meter, request: Request, use: ContextUse) -> None:
        self._meter = meter
        self._request = request
        self._use = use
        before, question = divided(request)
        self._before = list(before)
        self._shown = [*self._before, *question]
        self._known: dict[int, tuple[int, int]] = {}
        first = use.left_out.at if use.left_out else 0
        self._first = min(first, len(self._before))
        self.exchanges = _exchanges(self._before, self._first)

    @property
    def summary(self) -> str:
        """What stands for what was left out before."""
        return self._use.left_out.summary if self._use.left_out else ""

    async def rest(self, number: int) -> tuple[int, int]:
        """Where the first message that is sent stands without so many exchanges, and what the prompt then takes."""
        if number not in self._known:
            at = self.exchanges[number] if number < len(self.exchanges) else len(self._before)
            gone = LeftOut(at, "", at) if at else None
            self._known[number] = at, (await self._meter.prompt(self._request, self._shown, gone)).tokens
        return self._known[number]

    async def fewest(self, room: int) -> int:
        """How many exchanges have to go for the prompt to take at most this; all of them are known to be enough.

        From the end of the chat backwards, so that no prompt is counted that is much longer than what fits.
        """
        least, most = 0 if self.summary else 1, len(self.exchanges)
        kept = 1
        while most - kept > least and (await self.rest(most - kept))[1] <= room:
            kept *= 2
        low, high = max(least, most - kept), max(least, most - kept // 2)
        while low < high:
            middle = (low + high) // 2
            if (await self.rest(middle))[1] <= room:
                high = middle
            else:
                low = middle + 1
        return low

    async def cut(self, number: int) -> Cut:
        """What goes without so many exchanges."""
        at, rest = await self.rest(number)
        gone = [message for message in self._before[self._first : at] if message.role != "system"]
        begins = self._before[at].id if at < len(self._before) else "" if self._request.said else self._shown[at].id
        rows = await self._rows(gone, self._use.prompt - rest)
        return Cut(at, begins, number, tuple(rows), self._use.prompt - rest, self.summary)

    async def _rows(self, gone: Sequence[Message], frees: int) -> list[Row]:
        rows = [Row(None, await self._meter.size(self.summary), self._use.exact)] if self.summary else []
        if len(gone) <= COUNTED_ONE_BY_ONE:
            sizes = await _some_at_once([self._size(message) for message in gone])
            return rows + [Row(message, size, self._use.exact) for message, size in zip(gone, sizes, strict=True)]
        lengths = [sum(len(getattr(part, "text", "")) for part in message.parts) for message in gone]
        whole = max(1, sum(lengths))
        shares = (frees * length // whole for length in lengths)
        return rows + [Row(message, share, False) for message, share in zip(gone, shares, strict=True)]

    async def _size(self, message: Message) -> int:
        turns = await self._meter.turns([message], None)
        return await self._meter.size("\n\n".join(map(written, turns)))


def written(turn: values.Message) -> str:
    """All that a turn says, as text."""
    calls = "\n".join(f"{call.name}({call.args})" for call in turn.tool_calls)
    return "\n\n".join(text for text in (turn.text, calls) if text)


async def _some_at_once(work: Sequence[Awaitable[int]]) -> list[int]:
    turn = asyncio.Semaphore(_AT_ONCE)

    async def wait(each: Awaitable[int]) -> int:
        async with turn:
            return await each

    return await asyncio.gather(*map(wait, work))


def _exchanges(before: Sequence[Message], first: int) -> list[int]:
    """Where each exchange begins: at its question, and the first one at the first message that is sent."""
    places = [at for at in range(first, len(before)) if before[at].role != "system"]
    return [at for at in places if at == places[0] or before[at].role == "user"]


def _larger(request: Request, use: ContextUse, largest: int | None, judge: Judge | None) -> Larger | None:
    """The smallest sensible context: with room for a further turn where the machine has it, else for this one."""
    if judge is None or use.context is None:
        return None
    found: Larger | None = None
    for step_of, spare in ((_step, True), (lambda _context: _FINEST_STEP, False)):
        context = _context_for(use.prompt, request.max_tokens, use.context, step_of, spare)
        if largest is not None and context > largest:
            if largest <= use.context or use.prompt + reserve_of(largest, request.max_tokens) > largest:
                return found
            context = largest
        verdict, allowed = judge(context)
        if allowed:
            return Larger(context, verdict, True)
        found = Larger(context, verdict, False)
    return found


def _context_for(prompt: int, max_tokens: int | None, held: int, step_of: Callable[[int], int], has_spare: bool) -> int:
    context = held
    while True:
        context = (context // step_of(context) + 1) * step_of(context)
        spare = min(1024, context // 8) if has_spare else 0
        if prompt + reserve_of(context, max_tokens) + spare <= context:
            return context


def _step(context: int) -> int:
    return next(step for most, step in _STEPS if context < most)
