"""What of the context the next turn takes, part by part, and what can be done where it does not fit.

The engine counts whole prompts only, its template around them. So a part is what the prompt grows by when it is added:
first the system prompt with an empty question (the template's own words count here), then the tools, then the history,
then what is typed. The parts add up to the prompt by construction; only the draft is counted by itself, so that typing
costs no second count of the history, and `Meter.plan`, which decides, counts it in its place.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from nodetool_xl_desktop.chat.turns import LeftOut, as_turns_without, left_out
from nodetool_xl_desktop.fit.verdict import Verdict
from nodetool_xl_desktop.provider import values
from nodetool_xl_desktop.provider.tokens import TOKENS_PER_IMAGE, estimate
from nodetool_xl_desktop.store.parts import Attachment, Part
from nodetool_xl_desktop.store.records import Message

if TYPE_CHECKING:
    from nodetool_xl_desktop.provider.tool_use import AnyTool

#: What is kept free for an answer without a limit of its own: as many tokens, at most a quarter of the context.
RESERVE = 1024
#: A prompt of more characters than that, and than so many for each token of the context, is estimated also where the
#: model is loaded: to count 785,000 tokens took the engine 6 s (measured with the starter model).
_FAR_BEYOND, _FAR_BEYOND_EACH = 200_000, 16
#: With less room than that, in tokens, an answer is not worth asking for.
LEAST_ANSWER = 64
_EMPTY = values.Message("user", "")


class Count(Protocol):
    """Counts the tokens of a prompt: `provider.count_tokens` with the model."""

    def __call__(
        self, messages: Sequence[values.Message], *, tools: Sequence[AnyTool] = (), send_reasoning: bool = False
    ) -> Awaitable[values.TokenCount]: ...


#: Reads a file of the store by its hash: `store.files.read`.
ReadAttachment = Callable[[str], Awaitable[bytes | None]]


async def no_attachment(sha256: str) -> bytes | None:
    """Reads nothing."""
    return None


@dataclass(frozen=True, slots=True)
class Request:
    """How the next turn will be asked.

    Attributes:
        shown: what is shown of the chat, up to what is asked.
        said: the question, as it stands in the composer; with nothing in it the last question of `shown` is asked.
        system: the system prompt in force.
        tools: what the model may call.
        max_tokens: the longest answer, where a person set it.
        context: what one chat gets of the context, in tokens; None where that is not known.
        slots: how many chats the model answers side by side.
        shared: whether those share the context, instead of having as much each.
        model: what tells one load of a model from another, such as its server; None while none is loaded.
        send_reasoning: whether the model is told what it thought before earlier answers.
    """

    shown: Sequence[Message]
    said: Sequence[Part] = ()
    system: str = ""
    tools: Sequence[AnyTool] = ()
    max_tokens: int | None = None
    context: int | None = None
    slots: int = 1
    shared: bool = False
    model: Hashable = None
    send_reasoning: bool = False


@dataclass(frozen=True, slots=True)
class ContextUse:
    """What the next prompt takes of the context, in tokens.

    Attributes:
        system: the system prompt, and what the template writes around everything.
        tools: their descriptions.
        history: the turns before, with the summary of those that are left out.
        draft: the question.
        reserve: what is kept free for the answer.
        exact: whether the model itself counted; else a tokenizer of another one estimated it.
        has_images: whether there are pictures, which nobody can count before they are sent.
        is_far_beyond: whether it is estimated as it is so much longer than the context.
        left_out: what of the chat is not sent.
    """

    system: int
    tools: int
    history: int
    draft: int
    context: int | None
    reserve: int
    exact: bool
    has_images: bool = False
    is_far_beyond: bool = False
    slots: int = 1
    shared: bool = False
    left_out: LeftOut | None = None

    @property
    def prompt(self) -> int:
        """All that is sent."""
        return self.system + self.tools + self.history + self.draft

    @property
    def left(self) -> int:
        """What is left for the answer; below zero what is missing for the prompt itself."""
        return (self.context or 0) - self.prompt

    @property
    def missing(self) -> int:
        """By how much the prompt and the room for an answer are more than there is."""
        return 0 if self.context is None else max(0, self.reserve - self.left)

    @property
    def verdict(self) -> Verdict:
        """Whether the next turn fits; it is tight where one more of a usual length would not."""
        if self.missing:
            return Verdict.WONT_FIT
        margin = min(self.reserve // 2, (self.context or 0) // 8)
        return Verdict.TIGHT if self.context is not None and self.left < self.reserve + margin else Verdict.FITS


def reserve_of(context: int | None, max_tokens: int | None = None) -> int:
    """What is kept free for an answer, in tokens.

    That is its limit where it has one, but at most half of the context, or a generous limit would leave no room for a
    question; else 1,024, but at most a quarter of the context.
    """
    if max_tokens:
        return max_tokens if context is None else min(max_tokens, context // 2)
    return RESERVE if context is None else min(RESERVE, context // 4)


@dataclass(frozen=True, slots=True)
class Counted:
    """A count with how good it is.

    Attributes:
        exact: whether the loaded model counted, what it could.
        has_images: whether pictures were guessed.
        is_far_beyond: whether it is so much longer than the context that nobody need know it exactly.
    """

    tokens: int
    exact: bool
    has_images: bool = False
    is_far_beyond: bool = False


@dataclass(frozen=True, slots=True)
class _Base:
    """What does not change while one types."""

    key: tuple[object, ...]
    empty: Counted  # an empty question alone
    bare: Counted  # with the system prompt
    equipped: Counted  # with the tools, too
    whole: Counted  # with the history, too
    left: LeftOut | None
    joins: bool  # whether the history ends with a question, of which the next one becomes a part


class Meter:
    """Counts prompts of one chat; what does not change while one types is counted once for each leaf of its tree.

    Args:
        count: counts a prompt.
        read: reads attached files.
    """

    def __init__(self, count: Count, read: ReadAttachment = no_attachment) -> None:
        self._count = count
        self._read = read
        self._base: _Base | None = None
        self._is_exact = False  # what the last count was
        self._files: dict[str, bytes | None] = {}  # those of the last prompt

    def forget(self) -> None:
        """Count everything anew: something changed that `Request` does not tell."""
        self._base = None

    async def use(self, request: Request) -> ContextUse:
        """What the next turn would take, with what is typed so far.

        Raises:
            EngineError: the loaded model refuses the messages, or ended meanwhile.
        """
        base = await self._counted_base(request, request.shown)
        if base.joins and request.said and not _is_too_much(base, request):
            return await self.whole(request)  # both are one turn, so that they are counted together
        draft = await self._draft(request.said, base)
        if draft.exact != base.whole.exact:  # the model was loaded or ejected meanwhile
            self.forget()
            base = await self._counted_base(request, request.shown)
            draft = await self._draft(request.said, base)
        return _use(request, base, draft.tokens, draft)

    async def whole(self, request: Request) -> ContextUse:
        """The same with the question counted in its place; with nothing typed, the last question of what is shown.

        Raises: as `use`.
        """
        before, question = divided(request)
        base = await self._counted_base(request, before)
        if request.said and _is_too_much(base, request):
            return await self.use(request)
        counted = await self.prompt(request, [*before, *question], base.left)
        return _use(request, base, max(0, counted.tokens - base.whole.tokens), counted)

    async def prompt(self, request: Request, messages: Sequence[Message], left: LeftOut | None) -> Counted:
        """Count the whole prompt that these messages make, whatever the chat says is left out.

        Raises: as `use`.
        """
        turns = [*_system(request), *await self.turns(messages, left)]
        return await self.count(turns, request.tools, request.context, send_reasoning=request.send_reasoning)

    async def turns(self, messages: Sequence[Message], left: LeftOut | None) -> list[values.Message]:
        """What a model is sent of these messages, pictures without their data."""
        files: dict[str, bytes | None] = {}
        for part in (part for message in messages[left.at if left else 0 :] for part in message.parts):
            if isinstance(part, Attachment) and part.sha256 not in files:
                files[part.sha256] = await self._file(part)
        self._files = files
        return await asyncio.to_thread(as_turns_without, messages, left, files.get)

    async def count(
        self,
        turns: Sequence[values.Message],
        tools: Sequence[AnyTool] = (),
        context: int | None = None,
        *,
        send_reasoning: bool = False,
    ) -> Counted:
        """Count a prompt. Pictures, which the engine would count as a word, are taken for the least that they make."""
        plain, images = [], 0
        for turn in turns:
            text, held = _without_images(turn)
            plain.append(text)
            images += held
        length = sum(len(turn.text) + (len(turn.reasoning) if send_reasoning else 0) for turn in plain)
        if context is not None and length > max(_FAR_BEYOND, _FAR_BEYOND_EACH * context):
            said = plain if send_reasoning else [replace(turn, reasoning="") for turn in plain]
            guessed = await asyncio.to_thread(estimate, said)
            return Counted(guessed + images * TOKENS_PER_IMAGE, self._is_exact, images > 0, is_far_beyond=True)
        more = {"send_reasoning": True} if send_reasoning else {}
        counted = await self._count(plain, tools=tools, **more)
        self._is_exact = counted.exact
        return Counted(counted + images * TOKENS_PER_IMAGE, counted.exact, images > 0)

    async def size(self, text: str) -> int:
        """The tokens of a text by itself, without the template around it."""
        empty = self._base.empty if self._base is not None else await self.count([_EMPTY])
        return max(0, (await self.count([values.Message("user", text)])).tokens - empty.tokens)

    async def _file(self, part: Attachment) -> bytes | None:
        if part.media_type.startswith("image/"):
            return b""
        return self._files[part.sha256] if part.sha256 in self._files else await self._read(part.sha256)

    async def _draft(self, said: Sequence[Part], base: _Base) -> Counted:
        turns = await self.turns([question_of(said)], None) if said else []
        if not turns:
            return Counted(0, base.whole.exact)
        counted = await self.count(turns)
        return replace(counted, tokens=max(0, counted.tokens - base.empty.tokens))

    async def _counted_base(self, request: Request, before: Sequence[Message]) -> _Base:
        """All but the question, counted if it was not yet."""
        last = before[-1] if len(before) else None
        asked = (request.model, request.system, request.send_reasoning, *map(_key, request.tools))
        key = (*asked, len(request.shown), request.shown[-1] if len(request.shown) else None, len(before), last)
        if self._base is not None and self._base.key == key:
            return self._base
        left = await asyncio.to_thread(left_out, request.shown)  # it makes each message of its JSON
        history = await self.turns(before, left)
        own = await self.turns([each for each in before if each.role == "system"], None)
        system = [*_system(request), *own]
        empty = await self.count([_EMPTY])
        bare = await self.count([*system, _EMPTY]) if system else empty
        equipped = await self.count([*system, _EMPTY], request.tools) if request.tools else bare
        turns = [*_system(request), *history, _EMPTY]
        also = request.send_reasoning
        counted = await self.count(turns, request.tools, request.context, send_reasoning=also) if history else None
        whole = counted or equipped
        joins = bool(history) and history[-1].role == "user"
        self._base = _Base(key, empty, bare, equipped, whole, left, joins)
        return self._base


def _key(tool: AnyTool) -> Hashable:
    """What makes two tools the same to a prompt; sources make new ones each time they are asked."""
    said = [getattr(tool, name, None) for name in ("name", "description", "parameters")]
    return id(tool) if said[-1] is None else json.dumps(said, sort_keys=True, default=str)


def _is_too_much(base: _Base, request: Request) -> bool:
    """Whether it does not fit whatever the question is."""
    return request.context is not None and base.whole.tokens > request.context


def question_of(said: Sequence[Part]) -> Message:
    """A question that is not in the chat yet."""
    return Message("", None, "user", tuple(said))


def divided(request: Request) -> tuple[Sequence[Message], Sequence[Message]]:
    """What comes before the question, and the question, with what there is of its answer."""
    if request.said:
        return request.shown, (question_of(request.said),)
    asked = (at for at in range(len(request.shown) - 1, -1, -1) if request.shown[at].role == "user")
    at = next(asked, 0)
    return request.shown[:at], request.shown[at:]


def _system(request: Request) -> list[values.Message]:
    return [values.Message("system", request.system)] if request.system else []


def _without_images(turn: values.Message) -> tuple[values.Message, int]:
    if not isinstance(turn.content, tuple):
        return turn, 0
    kept = [part for part in turn.content if not isinstance(part, values.ImagePart)]
    return replace(turn, content=kept), len(turn.content) - len(kept)


def _use(request: Request, base: _Base, question: int, last: Counted) -> ContextUse:
    """What all of it adds up to. A part is never below nothing: what a template saves elsewhere counts as system."""
    has_images = base.whole.has_images or last.has_images
    is_far_beyond = base.whole.is_far_beyond or last.is_far_beyond
    tools = max(0, base.equipped.tokens - base.bare.tokens)
    history = max(0, base.whole.tokens - base.equipped.tokens)
    return ContextUse(
        system=max(0, base.whole.tokens - tools - history),
        tools=tools,
        history=history,
        draft=question,
        context=request.context,
        reserve=reserve_of(request.context, request.max_tokens),
        exact=base.whole.exact and last.exact and not (has_images or is_far_beyond),
        has_images=has_images,
        is_far_beyond=is_far_beyond,
        slots=request.slots,
        shared=request.shared,
        left_out=base.left,
    )
