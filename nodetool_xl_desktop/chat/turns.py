"""What is kept of a chat as what a model is sent, and what of it is left out as it no longer fits.

What is left out stays in the chat. The answer that was the first to be asked for without it says so in
`about.more["context"]`, and what follows that answer inherits it, until a later answer says something else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from nodetool_xl_desktop.chat.quoting import quoted
from nodetool_xl_desktop.core.translation import trn
from nodetool_xl_desktop.provider import values
from nodetool_xl_desktop.store.parts import Attachment, Reasoning, Text, ToolAnswer, ToolUse
from nodetool_xl_desktop.store.records import Message, State

#: Reads a file by its hash; None where it is not there any more.
ReadFile = Callable[[str], bytes | None]
#: Where an answer says in `about.more` what was left out when it was asked for.
CONTEXT = "context"
#: Stands before a summary. It goes into the system message, which every template can take (`provider.messages`).
_SUMMARISED = "What was said before, as a summary:"


def _no_file(sha256: str) -> bytes | None:
    return None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What of a chat is not sent to the model. System messages always are.

    Attributes:
        at: the place in what is shown of the first message that is sent.
        begins: its id; empty where nothing but the next question is sent.
        count: how many messages before it are not sent.
        summary: what is sent in their place; empty for nothing.
    """

    at: int
    begins: str
    count: int
    summary: str = ""

    @property
    def text(self) -> str:
        """It in words: "12 messages, summarised"."""
        if self.summary:
            return trn("{count} message, summarised", "{count:,} messages, summarised", self.count)
        return trn("{count} message, dropped", "{count:,} messages, dropped", self.count)


def as_left_out(at: int, begins: str = "", summary: str = "") -> dict[str, Any]:
    """What an answer keeps under `CONTEXT`.

    Args:
        at: how many messages before it on its branch are not sent, system messages counted too. It says the same as
            `begins`, and also in a copy of the chat, whose messages have other ids. 0 sends everything again.
        begins: the id of the first message that is sent; empty for the question of the answer that keeps this.
        summary: what is sent in their place.
    """
    return {"begins": begins, "messages": at, **({"summary": summary} if summary else {})}


def left_out(shown: Sequence[Message]) -> LeftOut | None:
    """What of these messages is not sent, as the last answer says that says something of it; None for nothing."""
    for place in range(len(shown) - 1, -1, -1):
        said = shown[place].about.more.get(CONTEXT)
        if isinstance(said, Mapping):
            return _left_out(shown, place, said)
    return None


def _left_out(shown: Sequence[Message], place: int, said: Mapping[str, Any]) -> LeftOut | None:
    """What the message at a place of these says; another program may have written that."""
    begins, count = said.get("begins"), said.get("messages")
    at = next((here for here in range(place + 1) if shown[here].id == begins), None) if begins else None
    if at is None:
        at = count if isinstance(count, int) and 0 <= count <= place else 0
    summary = said.get("summary")
    dropped = sum(shown[here].role != "system" for here in range(at))
    return LeftOut(at, shown[at].id, dropped, summary if isinstance(summary, str) else "") if dropped else None


@dataclass(slots=True)
class _Round:
    """What a model said up to the answers of its tools."""

    content: list[values.Part] = field(default_factory=list)
    calls: list[values.ToolCall] = field(default_factory=list)
    answers: list[values.Message] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    answered: set[str] = field(default_factory=set)
    unread: set[str] = field(default_factory=set)  # calls that could not be read


def as_turns(shown: Iterable[Message], read_file: ReadFile = _no_file) -> list[values.Message]:
    """Messages for `provider.stream`, oldest first, without what is left out. May read files, and block.

    Reasoning goes along in `values.Message.reasoning`; the provider sends it only where it is told to. A call goes as
    it was run, which is not as the model made it where a person changed it. A turn without content is left out, and so
    is the question of an answer that failed before its first word, as that question is sent anew. One that was stopped
    stands beside the next one: the provider makes one turn of them (`provider.messages.normalise`).

    Args:
        shown: what is shown of the chat.
        read_file: gives the bytes of attachments; those that are not there are left out.
    """
    messages = list(shown)
    return as_turns_without(messages, left_out(messages), read_file)


def as_turns_without(
    shown: Sequence[Message], left: LeftOut | None, read_file: ReadFile = _no_file
) -> list[values.Message]:
    """The same with something else left out than the messages say; None leaves nothing out."""
    sent = shown if left is None else [*(each for each in shown[: left.at] if each.role == "system"), *shown[left.at :]]
    turns: list[values.Message] = []
    if left is not None and left.summary:
        turns.append(values.Message("system", f"{_SUMMARISED}\n\n{left.summary}"))
    for message in sent:
        made = list(_turns_of(message, read_file))
        if not made and message.role == "assistant" and message.state is State.FAILED and turns:
            if turns[-1].role == "user":  # it was given back to the person, who sends it anew
                turns.pop()
            continue
        turns += made
    return turns


def says_nothing(message: Message) -> bool:
    """Whether a model is sent nothing of it: at most it thought, or made calls that have no results."""
    return next(_turns_of(message, _no_file), None) is None


def _turns_of(message: Message, read_file: ReadFile) -> Iterator[values.Message]:
    at = _Round()
    for part in message.parts:
        if at.answers and not isinstance(part, ToolAnswer):
            yield from _said(message, at)
            at = _Round()
        match part:
            case Text(text):
                at.content.append(values.TextPart(text))
            case Attachment():
                at.content += _attached(part, read_file)
            case Reasoning(text):
                at.reasoning.append(text)
            case ToolUse(id):
                at.calls.append(_call(part))
                at.unread |= {id} if part.problem else set()
            case ToolAnswer(id, name, text, error):  # as the tool loop told it
                said = f"Error: {error}" if error else text
                unread = id in at.unread
                turn = values.Message("user", said) if unread else values.Message("tool", said, (), id, name)
                at.answers.append(turn)
                at.answered.add(id)
    yield from _said(message, at)


def _said(message: Message, at: _Round) -> Iterator[values.Message]:
    calls = tuple(call for call in at.calls if call.id in at.answered)  # a call without its answer is refused
    plain = all(isinstance(part, values.TextPart) for part in at.content)
    text = "".join(part.text for part in at.content if isinstance(part, values.TextPart))
    if text or calls or not plain:
        thought = "\n\n".join(at.reasoning)
        yield values.Message(message.role, text if plain else at.content, tool_calls=calls, reasoning=thought)
    yield from sorted(at.answers, key=lambda answer: answer.role != "tool")


def _call(part: ToolUse) -> values.ToolCall:
    call = values.with_arguments(values.ToolCall(part.id, part.name), part.edited or part.arguments)
    return replace(call, raw=part.raw or call.raw, problem=part.problem or call.problem)


def _attached(part: Attachment, read_file: ReadFile) -> Iterator[values.Part]:
    data = read_file(part.sha256)
    if data is None:
        return
    if part.media_type.startswith("image/"):
        yield values.ImagePart(data, part.media_type)
    else:
        yield values.TextPart(f"\n\n{quoted(part.name, data.decode('utf-8', 'replace'))}\n\n")
