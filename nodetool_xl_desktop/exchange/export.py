"""Chats as files that other programs and people can read: JSON, which round-trips, Markdown and HTML.

The JSON, version 1, is one object:

    {"format": "nodetool-xl-desktop chats", "version": 1, "exported_ms": ...,
     "chats": [{"id", "title", "titled_by", "created_ms", "touched_ms", "pinned", "archived", "folder": [names],
                "tags": [...], "leaf": id of the last message that is shown, "more": {...},
                "messages": [{"id", "parent": id or null, "role", "state", "created_ms", "parts": [...],
                              "about": {...}}, ...]}, ...],
     "presets": [{"scope", "subject", "name", "system_prompt", "sampling": {...}}, ...],
     "files": {sha256: base64 of the bytes, ...}}

Times are milliseconds since 1970 in UTC. A message follows its parent; messages with one parent are versions of each
other, or branches. The parts are those of `parts.py`: `text` and `reasoning` with their text, `tool_call` and
`tool_result` with their call's id, `attachment` with the hash of a file; other kinds are kept as they are. What is
empty or false may be left out.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TextIO

from nodetool_xl_desktop.core.translation import tr, trn
from nodetool_xl_desktop.store import about_json, parts, presets
from nodetool_xl_desktop.store.parts import Attachment, Part, Reasoning, Text, ToolAnswer, ToolUse
from nodetool_xl_desktop.store.presets import Preset
from nodetool_xl_desktop.store.records import OPEN, ROLES, Chat, Message, State, TitledBy, now_ms
from nodetool_xl_desktop.store.tree import Node, Tree

FORMAT = "nodetool-xl-desktop chats"
VERSION = 1

#: Reads a file by its hash; None where it is not there.
ReadFile = Callable[[str], bytes | None]


@dataclass(frozen=True, slots=True)
class Record:
    """A whole chat: all of its living messages, each after its parent, and the names of its folders from the top."""

    chat: Chat
    messages: tuple[Message, ...]
    folder: tuple[str, ...] = ()

    @property
    def tree(self) -> Tree:
        """The tree of its messages.

        Raises:
            ValueError: it is no valid one.
        """
        return Tree((Node(message.id, message.parent) for message in self.messages), self.chat.leaf)

    @property
    def shown(self) -> list[Message]:
        """What is shown of it, from the beginning."""
        by_id = {message.id: message for message in self.messages}
        return [by_id[each] for each in self.tree.path()]


# JSON


def write_json(
    out: TextIO, records: Iterable[Record], kept: Iterable[Preset] = (), read_file: ReadFile | None = None
) -> None:
    """Write chats, presets and the files that the chats refer to; one chat is in memory at a time.

    Raises:
        OSError: the disk refused.
    """
    out.write(f'{{"format": "{FORMAT}", "version": {VERSION}, "exported_ms": {now_ms()},\n"chats": [')
    wanted: set[str] = set()
    for number, record in enumerate(records):
        out.write(",\n" if number else "\n")
        out.write(parts.dumps(as_json(record)))
        wanted |= {sha256 for message in record.messages for sha256 in parts.files_in(message.parts)}
    out.write(f'\n],\n"presets": {parts.dumps([presets.as_json(preset) for preset in kept])},\n"files": {{')
    written = 0
    for sha256 in sorted(wanted):
        if read_file is not None and (data := read_file(sha256)) is not None:
            out.write(f'{"," if written else ""}\n"{sha256}": "{base64.b64encode(data).decode()}"')
            written += 1
    out.write("\n}}\n")


def as_json(record: Record) -> dict[str, Any]:
    """One chat as an object of JSON."""
    chat = record.chat
    said: dict[str, Any] = {
        "id": chat.id,
        "title": chat.title,
        "titled_by": chat.titled_by.value,
        "created_ms": chat.created_ms,
        "touched_ms": chat.touched_ms,
        "pinned": chat.pinned,
        "archived": chat.archived,
        "folder": list(record.folder),
        "tags": list(chat.tags),
        "leaf": chat.leaf,
        "more": dict(chat.more),
    }
    said = {name: value for name, value in said.items() if value not in (None, "", False, [], {})}
    return said | {"messages": [_message_as_json(message) for message in record.messages]}


def of_json(said: Mapping[str, Any]) -> Record:
    """One chat from an object of JSON; whether it is a sound one, `imports_sound` says.

    Raises:
        ValueError, LookupError, TypeError, OverflowError: it is none.
    """
    messages = tuple(_message_of_json(each) for each in said["messages"])
    folder, tags = said.get("folder", ()), said.get("tags", ())
    if (
        not (isinstance(folder, Sequence) and isinstance(tags, Sequence))
        or isinstance(folder, str)
        or isinstance(tags, str)
    ):
        raise ValueError("its folder or its tags are no list")
    chat = Chat(
        str(said["id"]),
        str(said.get("title", "")),
        TitledBy(said.get("titled_by", "")),
        int(said["created_ms"]),
        int(said["touched_ms"]),
        bool(said.get("pinned")),
        bool(said.get("archived")),
        tags=tuple(sorted(str(tag) for tag in tags)),
        leaf=said.get("leaf"),
        more=dict(said.get("more", {})),
    )
    return Record(chat, messages, tuple(str(name) for name in folder))


def _message_as_json(message: Message) -> dict[str, Any]:
    about = about_json.as_json(message.about)
    return {
        "id": message.id,
        "parent": message.parent,
        "role": message.role,
        "state": message.state.value,
        "created_ms": message.created_ms,
        "parts": [parts.as_json(part) for part in message.parts],
    } | ({"about": about} if about else {})


def _message_of_json(said: Mapping[str, Any]) -> Message:
    role, state = said["role"], State(said.get("state", State.COMPLETE))
    if role not in ROLES:
        raise ValueError(f"no role: {role}")
    return Message(
        str(said["id"]),
        said.get("parent"),
        role,
        tuple(parts.of_json(part) for part in said["parts"]),
        State.STOPPED if state in OPEN else state,  # who wrote it did not hear its end
        int(said["created_ms"]),
        about_json.of_json(said.get("about", {})),
    )


# Markdown

_SPEAKERS = {"user": tr("You"), "system": tr("System"), "tool": tr("Tool")}


def speaker(message: Message) -> str:
    """Who speaks, as a heading says it."""
    model = message.about.model
    if message.role == "assistant":
        return (model.name or model.id) if model else tr("Assistant")
    return _SPEAKERS[message.role]


def markdown(record: Record) -> str:
    """What is shown of a chat, as Markdown."""
    title = _line(record.chat.title) or tr("Chat")
    blocks = [f"# {title}", f"*{when(record.chat.created_ms)}*"]
    if missing := left_out(record):
        blocks.append(f"*{missing}*")
    for message in record.shown:
        blocks.append(f"## {_line(speaker(message))}")
        blocks += [block for part in message.parts if (block := _part_as_markdown(part))]
        if message.state is not State.COMPLETE:
            blocks.append(f"*({message.state.value})*")
    return "\n\n".join(blocks) + "\n"


def left_out(record: Record) -> str:
    """What of a chat is not shown, in words; empty where all of it is."""
    hidden = len(record.messages) - len(record.tree.path())
    if not hidden:
        return ""
    return trn(
        "What is shown of the chat; {count} message of other versions left out",
        "What is shown of the chat; {count:,} messages of other versions left out",
        hidden,
    )


def _part_as_markdown(part: Part) -> str:
    match part:
        case Text(text):
            return text.strip("\n")
        case Reasoning(text):
            return "\n".join(f"> {line}".rstrip() for line in text.strip().splitlines())
        case ToolUse(name=name):
            return f"{called(part, f'**{_line(name)}**')}\n\n{_fenced(*called_with(part))}"
        case ToolAnswer(name=name, text=text, error=error):
            return f"{became(part, f'**{_line(name)}**')}\n\n{_fenced(error or text)}"
        case Attachment(name=name, media_type=media_type):
            attached = tr("Attached: {name} ({type})", name=_line(name), type=media_type)
            return f"*{attached}*"
        case _:
            return ""


def called(call: ToolUse, name: str) -> str:
    """That a tool was called, and where it ran with something else than the model wrote; `name` as it is shown."""
    if call.edited:
        return tr("{tool} called, with arguments that the person changed", tool=name)
    return tr("{tool} called", tool=name)


def called_with(call: ToolUse) -> tuple[str, str]:
    """What a call ran with, or what the model wrote where that is none; and its language."""
    if call.problem and call.raw:
        return call.raw, ""
    return call.edited or call.arguments, "json"


def became(answer: ToolAnswer, name: str) -> str:
    """What became of a call of a tool, with its name as it is shown."""
    if answer.denied:
        return tr("{tool} was not allowed", tool=name)
    return tr("{tool} failed", tool=name) if answer.error else tr("{tool} answered", tool=name)


def _fenced(text: str, language: str = "") -> str:
    """In a fence that is longer than any in the text."""
    fence = "`" * max([3, *(len(run) + 1 for run in re.findall("`+", text))])
    return f"{fence}{language}\n{text}\n{fence}"


def _line(text: str) -> str:
    return " ".join(text.split())


def when(time_ms: int) -> str:
    """A time, as people everywhere read it."""
    return f"{datetime.fromtimestamp(time_ms / 1000, UTC):%Y-%m-%d %H:%M} UTC"
