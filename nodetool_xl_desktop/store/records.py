"""The values of the chat store: chats, messages, and what an answer was made with. They know nothing of databases."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.engine.events import Speed, Usage
from nodetool_xl_desktop.store.parts import Attachment, Part, Reasoning, text_of

Role = Literal["system", "user", "assistant", "tool"]
ROLES: tuple[Role, ...] = ("system", "user", "assistant", "tool")

#: The longest title that is made of a first line, in letters.
LONGEST_TITLE = 80


class State(StrEnum):
    """How far a message is; the database keeps these words."""

    WAITING = "waiting"  # sent; nothing has come back yet
    STREAMING = "streaming"
    COMPLETE = "complete"
    CUT = "cut"  # the limit of tokens was reached
    STOPPED = "stopped"  # by the person
    FAILED = "failed"
    INTERRUPTED = "interrupted"  # not finished: the program ended


#: Of an answer of which more may come.
OPEN = (State.WAITING, State.STREAMING)


class TitledBy(StrEnum):
    """Who gave a chat its title; a later one of these is not overwritten by an earlier one."""

    NOBODY = ""
    FIRST_LINE = "first line"
    MODEL = "model"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """Which model answered.

    Attributes:
        id: what tells models apart, and what the search filters by.
        name: as people say it.
        file: where it was.
        size: of that file, in bytes.
        digest: of that file, where it is known.
    """

    id: str
    name: str = ""
    file: str = ""
    size: int = 0
    digest: str = ""


@dataclass(frozen=True, slots=True)
class About:
    """What a message was made with, and what it took.

    Attributes:
        model: who answered; None for what a person wrote.
        options: what the model was loaded with.
        sampling: what it was asked with, the system prompt among it.
        usage: in tokens.
        speed: in tokens per second.
        first_token_s: seconds from asking to the first piece.
        last_token_s: the same to the last one, without those in which a person or a tool was waited for.
        pieces: in how many pieces it came.
        finish_reason: the engine's word.
        error: what, why and what to do, where it failed.
        more: what else there is to know of it, such as `edited_from`, an import's origin, or a later version's fields.
    """

    model: ModelIdentity | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    sampling: Mapping[str, Any] = field(default_factory=dict)
    usage: Usage = field(default_factory=Usage)
    speed: Speed = field(default_factory=Speed)
    first_token_s: float | None = None
    last_token_s: float = 0.0
    pieces: int = 0
    finish_reason: str = ""
    error: UserFacingError | None = None
    more: Mapping[str, Any] = field(default_factory=dict)


NOTHING_KNOWN = About()


@dataclass(frozen=True, slots=True)
class Message:
    """One turn, as it is kept.

    Attributes:
        id: a UUID.
        parent: the id of the message before it; None at the beginning.
        role: who speaks.
        parts: what it is made of, in order.
        state: how far it is.
        created_ms: when, in milliseconds since 1970 in UTC.
    """

    id: str
    parent: str | None
    role: Role
    parts: tuple[Part, ...]
    state: State = State.COMPLETE
    created_ms: int = 0
    about: About = NOTHING_KNOWN

    @property
    def text(self) -> str:
        """Its text alone."""
        return text_of(self.parts)

    @property
    def reasoning(self) -> str:
        """What the model thought before it answered; empty for nothing."""
        return "\n\n".join(part.text for part in self.parts if isinstance(part, Reasoning))

    @property
    def attachments(self) -> tuple[Attachment, ...]:
        """The files that go with it."""
        return tuple(part for part in self.parts if isinstance(part, Attachment))

    @property
    def author(self) -> str:
        """The name of the model that answered; empty where none did."""
        model = self.about.model
        return (model.name or model.id) if model is not None else ""

    @property
    def is_open(self) -> bool:
        """Whether more of it may come."""
        return self.state in OPEN

    @property
    def tokens_per_s(self) -> float:
        """The engine's own measurement; of an answer that was cut off, what could be seen of it; 0 for neither."""
        about = self.about
        if about.speed.decode_tokens_per_s or about.first_token_s is None or about.pieces < 2:
            return about.speed.decode_tokens_per_s
        return (about.pieces - 1) / max(about.last_token_s - about.first_token_s, 1e-6)


@dataclass(frozen=True, slots=True)
class Chat:
    """What is known of a chat without its messages.

    Attributes:
        id: a UUID.
        touched_ms: when something was last said in it; the list is ordered by it.
        folder: the id of its folder; None for none.
        deleted_ms: when it went to the trash; None where it did not.
        leaf: the id of the last message of the branch that is shown; None while there is none.
        more: what else a later version or an import keeps, such as `forked_from`.
    """

    id: str
    title: str
    titled_by: TitledBy
    created_ms: int
    touched_ms: int
    pinned: bool = False
    archived: bool = False
    folder: str | None = None
    tags: tuple[str, ...] = ()
    deleted_ms: int | None = None
    leaf: str | None = None
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of chats; `parent` is the id of the one it lies in."""

    id: str
    name: str
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """What was typed and not sent yet."""

    parts: tuple[Part, ...]
    saved_ms: int


@dataclass(frozen=True, slots=True)
class Notice:
    """Something about the store that a person should be told, such as that a backup was fallen back to."""

    what: str
    why: str = ""
    hint: str = ""


def now_ms() -> int:
    """The time, in milliseconds since 1970 in UTC."""
    return time.time_ns() // 1_000_000


def new_id() -> str:
    """A UUID of version 7: ordered by time, so that a new row lands beside the last one in each index."""
    number = (now_ms() & 0xFFFFFFFFFFFF) << 80 | secrets.randbits(80)
    number = number & ~(0xF << 76) | 7 << 76
    number = number & ~(0x3 << 62) | 2 << 62
    digits = f"{number:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def title_of(parts: Sequence[Part]) -> str:
    """A title for a chat that begins with these parts: the first line that says something, or a file's name."""
    lines = (" ".join(line.split()) for line in text_of(parts).splitlines())
    first = next((line for line in lines if line), "")
    if not first:
        first = next((part.name for part in parts if hasattr(part, "name")), "")
    return first if len(first) <= LONGEST_TITLE else f"{first[: LONGEST_TITLE - 1].rstrip()}…"
