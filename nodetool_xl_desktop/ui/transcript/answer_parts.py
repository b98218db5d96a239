"""What an answer is drawn of, in the order in which it came: runs of text, what the model thought, and its calls with
their results. Pure, and cheap to make anew thirty times a second: parts that are finished stay the same objects."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from nodetool_xl_desktop.store.parts import Part, Reasoning, Text, ToolAnswer, ToolUse


@dataclass(frozen=True, slots=True)
class TextPiece:
    """A run of text."""

    text: str


@dataclass(frozen=True, slots=True)
class ThoughtPiece:
    """A run of reasoning.

    Attributes:
        ms: how long it took; 0 where that is not known.
        tokens: how many; 0 where that is not known.
        is_last: whether nothing has come after it yet.
    """

    text: str
    ms: int
    tokens: int
    is_last: bool


@dataclass(frozen=True, slots=True)
class CallPiece:
    """A call with its result.

    Attributes:
        call: None where there is only a result, as in a chat that comes from elsewhere.
        answer: None as long as there is none.
    """

    call: ToolUse | None
    answer: ToolAnswer | None

    @property
    def id(self) -> str:
        """Of the call."""
        return self.call.id if self.call is not None else self.answer.id if self.answer is not None else ""

    @property
    def name(self) -> str:
        """The tool's."""
        return self.call.name if self.call is not None else self.answer.name if self.answer is not None else ""


Piece = TextPiece | ThoughtPiece | CallPiece


def pieces_of(parts: Sequence[Part]) -> list[Piece]:
    """What to draw of these parts.

    A run of nothing but spaces is left out, as models put line feeds between a call and what follows. A result stands
    with the first call of its id that has none yet: engines count calls anew in each round.
    """
    out: list[Piece] = []
    for part in parts:
        last = out[-1] if out else None
        match part:
            case Text(text) if isinstance(last, TextPiece):
                out[-1] = TextPiece(f"{last.text}\n\n{text}")
            case Text(text) if text and not text.isspace():
                out.append(TextPiece(text))
            case Reasoning(text, ms, tokens) if isinstance(last, ThoughtPiece):
                out[-1] = ThoughtPiece(f"{last.text}\n\n{text}", last.ms + ms, last.tokens + tokens, is_last=False)
            case Reasoning(text, ms, tokens) if text and not text.isspace():
                out.append(ThoughtPiece(text, ms, tokens, is_last=False))
            case ToolUse():
                out.append(CallPiece(part, None))
            case ToolAnswer(id=call_id):
                _answer(out, call_id, part)
            case _:  # files stand by themselves; what this version does not know is not drawn
                pass
    if out and isinstance(last := out[-1], ThoughtPiece):
        out[-1] = ThoughtPiece(last.text, last.ms, last.tokens, is_last=True)
    return out


def _answer(out: list[Piece], call_id: str, answer: ToolAnswer) -> None:
    for index, piece in enumerate(out):
        if isinstance(piece, CallPiece) and piece.call is not None and piece.answer is None and piece.id == call_id:
            out[index] = CallPiece(piece.call, answer)
            return
    out.append(CallPiece(None, answer))


def place_of_hit(texts: Iterable[str], sought: str, hit: int) -> tuple[int, int]:
    """Which of these texts a hit stands in, and which of its hits it is; beyond the last one means that.

    Args:
        texts: one after the other.
        sought: what is looked for, whatever its case.
        hit: counted from 0 through all of them.
    """
    found, place = sought.casefold(), (0, 0)
    for index, text in enumerate(texts):
        count = text.casefold().count(found) if found else 0
        if hit < count:
            return index, hit
        if count:
            place = index, count - 1
        hit -= count
    return place
