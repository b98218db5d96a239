"""What a message is made of: an ordered list of parts, kept as JSON.

A kind that this version does not know (a later one wrote it, or an import) is carried along as it is, so that new
features need no new table and lose nothing in an older program.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import groupby
from typing import Any, ClassVar

from nodetool_xl_desktop.engine.events import (
    Event,
    Failed,
    Finished,
    Making,
    PromptProgress,
    ReasoningDelta,
    TextDelta,
    ToolAnswered,
    ToolCallRequested,
    ToolStarted,
)


@dataclass(frozen=True, slots=True)
class Text:
    """What was typed, or answered."""

    kind: ClassVar = "text"
    text: str


@dataclass(frozen=True, slots=True)
class Reasoning:
    """What the model thought before it answered.

    Attributes:
        ms: how long that took, in milliseconds; 0 where it is not known.
        tokens: how many it were; 0 where it is not known.
    """

    kind: ClassVar = "reasoning"
    text: str
    ms: int = 0
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class ToolUse:
    """A tool that the model wanted called; the fields are those of `engine.events.ToolCallRequested`.

    Attributes:
        edited: the arguments that it ran with, as a JSON object, where a person changed them; empty where nobody did.
    """

    kind: ClassVar = "tool_call"
    id: str
    name: str
    arguments: str
    raw: str = ""
    problem: str = ""
    making: Making = "native"
    edited: str = ""


@dataclass(frozen=True, slots=True)
class ToolAnswer:
    """What a tool answered.

    Attributes:
        id: of the call.
        name: the tool's.
        text: the result as the model read it.
        error: why there is none; empty where there is one.
        sha256: of the file, where the result is a picture; empty else.
        media_type: of that file.
        denied: whether a person did not allow the call.
        ms: how long it ran, in milliseconds; 0 where it is not known.
    """

    kind: ClassVar = "tool_result"
    id: str
    name: str
    text: str
    error: str = ""
    sha256: str = ""
    media_type: str = ""
    denied: bool = False
    ms: int = 0


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with the message; it lies in the store's folder under its hash.

    Attributes:
        sha256: of its bytes, 64 hexadecimal digits.
        name: as the person knows it.
        media_type: such as `image/png` or `text/plain`.
        size: in bytes.
        text: what of it the search should find; empty for none.
    """

    kind: ClassVar = "attachment"
    sha256: str
    name: str
    media_type: str
    size: int
    text: str = ""


@dataclass(frozen=True, slots=True)
class Other:
    """A part of a kind that this version does not know, as its JSON says it."""

    data: Mapping[str, Any] = field(default_factory=dict)


Part = Text | Reasoning | ToolUse | ToolAnswer | Attachment | Other

_KINDS: dict[str, Any] = {kind.kind: kind for kind in (Text, Reasoning, ToolUse, ToolAnswer, Attachment)}
_FIELDS = {name: frozenset(kind.__dataclass_fields__) for name, kind in _KINDS.items()}
#: What each field may hold, by kind and name.
TYPES: dict[str, dict[str, type]] = {
    name: {each.name: {"int": int, "bool": bool}.get(str(each.type), str) for each in fields(kind)}
    for name, kind in _KINDS.items()
}

#: Scripts that are written without spaces: each of their letters is a word to the search.
_UNSPACED = re.compile(
    "([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff])"
)
#: Stands between such letters in the index, where it separates words and cannot be seen.
SEPARATOR = "\u200b"
#: What a snippet is marked with, and what therefore may not stand in the text that is indexed.
MARK_BEGIN, MARK_END = "\x02", "\x03"
_NOT_INDEXED = re.compile(f"[\0{MARK_BEGIN}{MARK_END}]")
#: How much of one message the search knows, in letters: each hit is read through once more for its snippet.
INDEXED = 1_000_000


def as_json(part: Part) -> Mapping[str, Any]:
    """One part as an object of JSON; fields that say nothing are left out."""
    if isinstance(part, Other):
        return part.data
    if isinstance(part, Text):
        return {"type": part.kind, "text": part.text}
    said = ((each.name, getattr(part, each.name), each.default) for each in fields(part))
    return {"type": part.kind, **{name: value for name, value, default in said if value != default}}


def of_json(data: Any) -> Part:
    """One part from an object of JSON; what is of no known kind, or lacks a field, is kept as `Other`."""
    if not isinstance(data, Mapping):
        return Other({"type": "unknown", "value": data})
    kind = data.get("type")
    if kind == "text" and isinstance(text := data.get("text"), str):  # nearly all of them
        return Text(text)
    if not isinstance(kind, str) or (made := _KINDS.get(kind)) is None:
        return Other(data)
    try:
        part: Part = made(**{name: value for name, value in data.items() if name in _FIELDS[kind]})
    except TypeError:
        return Other(data)
    return part if all(isinstance(getattr(part, name), of) for name, of in TYPES[kind].items()) else Other(data)


def dumps(value: Any) -> str:
    """JSON as the database can keep it: short, and any half of a surrogate pair as its escape."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:  # a name of a file that is no UTF-8
        return json.dumps(value, separators=(",", ":"))
    return text


def encode(parts: Iterable[Part]) -> str:
    """Parts as the JSON that is kept."""
    return dumps([as_json(part) for part in parts])


def decode(text: str) -> tuple[Part, ...]:
    """Parts from the JSON that is kept."""
    return tuple([of_json(data) for data in json.loads(text)])


def clean(text: str) -> str:
    """A short text as a column of the database can keep it: no NUL, and no half of a surrogate pair."""
    return text.replace("\0", " ").encode("utf-8", "replace").decode()


def joined(parts: Sequence[Part]) -> tuple[Part, ...]:
    """The same with each run of text, and each run of reasoning, as one part, whose time and tokens are those of all.

    A call that comes once more with what a person changed in it takes the place of what it was.
    """
    out: list[Part] = []
    for kind, run in groupby(parts, type):
        if kind is Text:
            out.append(Text("".join([part.text for part in run if isinstance(part, Text)])))
        elif kind is Reasoning:
            out.append(_as_one([part for part in run if isinstance(part, Reasoning)]))
        else:
            for part in run:
                at = place_of(out, part.id) if isinstance(part, ToolUse) and part.edited else None
                if at is not None and _is_edit(part, out[at]):
                    out[at] = part
                else:
                    out.append(part)
    return tuple(out)


def place_of(parts: Sequence[Part], call_id: str) -> int | None:
    """Where among these parts a call stands; the last one, where an import has two of one id."""
    places = (at for at in range(len(parts) - 1, -1, -1))
    return next((at for at in places if isinstance(part := parts[at], ToolUse) and part.id == call_id), None)


def _is_edit(part: Part, of: Part) -> bool:
    """Whether a call is another one with what a person changed in it."""
    return isinstance(part, ToolUse) and isinstance(of, ToolUse) and replace(of, edited=part.edited) == part


def _as_one(run: Sequence[Reasoning]) -> Reasoning:
    text = "".join([part.text for part in run])
    return Reasoning(text, sum([part.ms for part in run]), sum([part.tokens for part in run]))


def same(one: Iterable[Part], other: Iterable[Part]) -> bool:
    """Whether two drafts are the same one: that of an attachment has no text yet, or it is still being read."""
    return _without_texts(one) == _without_texts(other)


def _without_texts(parts: Iterable[Part]) -> list[Part]:
    return [replace(part, text="") if isinstance(part, Attachment) else part for part in parts]


def text_of(parts: Iterable[Part]) -> str:
    """The text alone, part by part."""
    return "\n\n".join(part.text for part in parts if isinstance(part, Text))


def of_event(event: Event) -> Part | None:
    """What an event of the engine adds to an answer; None where it adds nothing. A piece of reasoning counts as one
    token, as which the engine sends it."""
    match event:
        case TextDelta(text):
            return Text(text)
        case ReasoningDelta(text):
            return Reasoning(text, tokens=1)
        case ToolCallRequested(id, name, arguments, raw, problem, making):
            return ToolUse(id, name, arguments, raw, problem, making)
        case ToolAnswered(id, name, text, error, image, media_type, denied, ms):
            sha256 = hashlib.sha256(image).hexdigest() if image else ""
            return ToolAnswer(id, name, text, error, sha256, media_type, denied, ms)
        case PromptProgress() | ToolStarted() | Finished() | Failed():
            return None


def files_in(parts: Iterable[Part]) -> set[str]:
    """The hashes of the files that these parts refer to."""
    return {part.sha256 for part in parts if isinstance(part, Attachment | ToolAnswer) and part.sha256}


# What the index of the search holds. The triggers of the database call these two on what a message was and on what it
# becomes, so what they make of a given text may never change without a migration that builds the index anew. (`edited`
# came later without one: no version wrote it before it was read here.)


def spoken(kept: str) -> str:
    """The text of a message as the search reads it, from the JSON that is kept."""
    return _indexed(part["text"] for part in json.loads(kept) if part.get("type") == "text")


def aside(kept: str) -> str:
    """The same of all else: reasoning, calls and their results, names and text of files."""
    return _indexed(
        str(part[name])
        for part in json.loads(kept)
        if part.get("type") != "text"
        for name in ("name", "text", "arguments", "edited", "error")
        if part.get(name)
    )


def split_words(text: str) -> str:
    """A separator after each letter of a script that is written without spaces."""
    return text if text.isascii() else _UNSPACED.sub(f"\\1{SEPARATOR}", text)


def _indexed(texts: Iterable[str]) -> str:
    whole = _NOT_INDEXED.sub(" ", "\n".join(texts)[:INDEXED])
    return split_words(whole.encode("utf-8", "replace").decode())
