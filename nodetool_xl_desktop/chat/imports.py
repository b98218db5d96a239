"""Chats of other programs, and our own export, from their files.

- Ours: the JSON of `export.py`.
- ChatGPT: `conversations.json`, or the archive that holds it. Its tree is kept. Hidden messages are left out, and so
  are its files: the export names them, but not so that each is surely found.
- LM Studio: `*.conversation.json`. It keeps versions for each place of a chat, not a tree: what follows is put under
  the version that is selected. Attached files are left out, as they lie elsewhere.
- GPT4All: `gpt4all-*.chat`, a binary format without a description (`imports_gpt4all.py`).

Each conversation stands for itself: one that cannot be read is counted and named, and the others come in.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from nodetool_xl_desktop.chat import export, imports_gpt4all
from nodetool_xl_desktop.chat.export import Record
from nodetool_xl_desktop.chat.parts import Other, Part, Reasoning, Text, ToolAnswer, ToolUse
from nodetool_xl_desktop.chat.presets import Preset
from nodetool_xl_desktop.chat.records import (
    ROLES,
    About,
    Chat,
    Message,
    ModelIdentity,
    Role,
    TitledBy,
    new_id,
    now_ms,
)
from nodetool_xl_desktop.chat.store_errors import StoreError, StoreFault

#: What of a file is read at most, in bytes: it is in memory as a whole.
LARGEST = 4 * 2**30


@dataclass(slots=True)
class Found:
    """What a file holds.

    Attributes:
        source: whose format it is.
        skipped: the titles of conversations that could not be read.
    """

    source: str
    records: list[Record] = field(default_factory=list)
    presets: list[Preset] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)


def read(path: Path) -> Found:
    """What a file holds.

    Raises:
        StoreError: it is of no known format.
        OSError: it cannot be read.
    """
    if path.stat().st_size > LARGEST:
        raise _unknown(path, "it is too large to be an export")
    with path.open("rb") as stream:
        begin = stream.read(4)
    try:
        if begin == imports_gpt4all.MAGIC:
            record = imports_gpt4all.read(path.read_bytes())
            return Found("GPT4All", [record])
        if begin == b"PK\x03\x04":
            with zipfile.ZipFile(path) as archive:
                if archive.getinfo("conversations.json").file_size > LARGEST:
                    raise ValueError("it is too large to be an export")
                said = json.loads(archive.read("conversations.json"))
        else:
            said = json.loads(path.read_bytes())
        return _of_json(said, path)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, zipfile.BadZipFile) as error:
        raise _unknown(path, str(error)) from error


def _of_json(said: Any, path: Path) -> Found:
    match said:
        case {"format": export.FORMAT}:
            records, presets, files = export.read_json(said)
            return Found("this program", records, presets, files)
        case [{"mapping": _}, *_]:
            return _each("ChatGPT", said, _of_chatgpt)
        case {"mapping": _}:
            return _each("ChatGPT", [said], _of_chatgpt)
        case {"messages": [{"versions": _}, *_]}:
            name = path.name.removesuffix(".conversation.json")
            return _each("LM Studio", [said], lambda chat: _of_lm_studio(chat, name))
    raise ValueError("it is no export of this program, of ChatGPT, of LM Studio or of GPT4All")


def _each(source: str, chats: Sequence[Mapping[str, Any]], read_one: Callable[[Mapping[str, Any]], Record]) -> Found:
    found = Found(source)
    for chat in chats:
        try:
            record = read_one(chat)
            record.tree.check()
        except (ValueError, LookupError, TypeError, AttributeError):
            found.skipped.append(str(chat.get("title") or chat.get("name") or "without a title"))
        else:
            if record.messages:
                found.records.append(record)
    return found


# ChatGPT


def _of_chatgpt(said: Mapping[str, Any]) -> Record:
    """Its `mapping` is a tree by id; nodes without a message, and hidden ones, are stepped over."""
    nodes: Mapping[str, Mapping[str, Any]] = said["mapping"]
    created_ms = _ms(said.get("create_time")) or now_ms()
    ids = {node: new_id() for node in nodes}
    held: dict[str | None, str | None] = {None: None}  # a node, and the nearest one at or above it that is kept
    messages: list[Message] = []
    for node in _parents_first(nodes):
        above = held[nodes[node].get("parent")]
        if (message := _chatgpt_message(nodes[node], above and ids[above], ids[node], created_ms)) is None:
            held[node] = above
        else:
            messages.append(message)
            held[node] = node
    current = said.get("current_node")
    last = held.get(current) if current in held else None
    leaf = ids[last] if last else None
    title = str(said.get("title") or "")
    more = {"imported_from": "ChatGPT", "conversation": str(said.get("conversation_id") or said.get("id") or "")}
    touched_ms = _ms(said.get("update_time")) or created_ms
    return _record(Chat(new_id(), title, _titled(title), created_ms, touched_ms, leaf=leaf, more=more), messages)


def _parents_first(nodes: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Every node once, in the order of its children's lists; a node whose parent is not there is a beginning."""
    todo = [node for node, held in reversed(list(nodes.items())) if held.get("parent") not in nodes]
    seen: set[str] = set()
    while todo:
        node = todo.pop()
        if node in seen:
            raise ValueError("its messages go round in a circle")
        seen.add(node)
        yield node
        todo.extend(child for child in reversed(nodes[node].get("children") or ()) if child in nodes)


def _chatgpt_message(node: Mapping[str, Any], parent: str | None, made: str, created_ms: int) -> Message | None:
    said = node.get("message")
    if not said or (said.get("metadata") or {}).get("is_visually_hidden_from_conversation"):
        return None
    role = _role(said["author"]["role"])
    kept = tuple(_chatgpt_parts(said, role))
    if not kept:
        return None
    model = (said.get("metadata") or {}).get("model_slug") or ""
    about = About(model=ModelIdentity(model, model)) if model and role == "assistant" else About()
    return Message(made, parent, role, kept, created_ms=_ms(said.get("create_time")) or created_ms, about=about)


def _chatgpt_parts(said: Mapping[str, Any], role: Role) -> Iterator[Part]:
    content = said.get("content") or {}
    kind = content.get("content_type")
    if kind == "thoughts":
        for thought in content.get("thoughts") or ():
            if text := "\n\n".join(str(thought[key]) for key in ("summary", "content") if thought.get(key)):
                yield Reasoning(text)
    elif kind == "reasoning_recap":
        return
    elif kind == "code" and said.get("recipient", "all") != "all":
        yield ToolUse(str(said.get("id", "")), str(said["recipient"]), str(content.get("text", "")))
    elif "parts" in content:
        for part in content["parts"]:
            if isinstance(part, str):
                if part:
                    yield _spoken(said, role, part)
            elif isinstance(part, Mapping):  # a picture, or a voice: the export only names it
                yield Other({"type": "chatgpt", "content": dict(part)})
    elif text := str(content.get("text") or content.get("result") or ""):
        yield _spoken(said, role, text)


def _spoken(said: Mapping[str, Any], role: Role, text: str) -> Part:
    if role == "tool":
        return ToolAnswer(str(said.get("id", "")), str(said["author"].get("name") or "tool"), text)
    return Text(text)


# LM Studio


def _of_lm_studio(said: Mapping[str, Any], name: str) -> Record:
    created_ms = int(said.get("createdAt") or now_ms())
    messages: list[Message] = []
    parent = None
    if prompt := str(said.get("systemPrompt") or ""):
        messages.append(Message(new_id(), None, "system", (Text(prompt),), created_ms=created_ms))
        parent = messages[-1].id
    for place in said["messages"]:
        versions = [_lm_studio_message(version, parent, created_ms) for version in place["versions"]]
        selected = versions[int(place.get("currentlySelected") or 0)]
        messages += [version for version in versions if version.parts or version is selected]
        parent = selected.id
    title = str(said.get("name") or name)
    touched_ms = max(int(said.get(key) or 0) for key in ("userLastMessagedAt", "assistantLastMessagedAt")) or created_ms
    more = {"imported_from": "LM Studio"}
    pinned = bool(said.get("pinned"))
    return _record(
        Chat(new_id(), title, _titled(title), created_ms, touched_ms, pinned, leaf=parent, more=more), messages
    )


def _lm_studio_message(said: Mapping[str, Any], parent: str | None, created_ms: int) -> Message:
    role = _role(said["role"])
    kept: list[Part] = []
    about = About()
    model = str((said.get("senderInfo") or {}).get("senderName") or "")
    for step in said.get("steps") or [{"type": "contentBlock", "content": said.get("content") or ()}]:
        if step.get("type") == "contentBlock":
            thinks = (step.get("style") or {}).get("type") == "thinking"
            kept += [part for content in step["content"] for part in _lm_studio_part(content, thinks=thinks)]
            info = step.get("genInfo") or {}
            model = model or str(info.get("identifier") or "")
            if stats := info.get("stats"):
                about = replace(about, more={"lm_studio": stats}, finish_reason=str(stats.get("stopReason") or ""))
    if role == "assistant" and model:
        about = replace(about, model=ModelIdentity(model, model))
    return Message(new_id(), parent, role, tuple(kept), created_ms=created_ms, about=about)


def _lm_studio_part(content: Mapping[str, Any], *, thinks: bool) -> Iterator[Part]:
    match content:
        case {"type": "text", "text": str(text)}:
            if text:
                yield Reasoning(text) if thinks else Text(text)
        case {"type": str()}:  # a file, or a call of a tool: kept as it is said
            yield Other({**content, "type": f"lm_studio_{content['type']}"})


# What all share


def _record(chat: Chat, messages: Iterable[Message]) -> Record:
    """With what is shown ending in the last message where the file does not say it."""
    kept = tuple(messages)
    return Record(chat if chat.leaf or not kept else replace(chat, leaf=kept[-1].id), kept)


def _role(said: str) -> Role:
    return next((role for role in ROLES if role == said), "user")


def _titled(title: str) -> TitledBy:
    return TitledBy.PERSON if title else TitledBy.NOBODY


def _ms(seconds: object) -> int:
    return int(float(seconds) * 1000) if isinstance(seconds, int | float) else 0


def _unknown(path: Path, why: str) -> StoreError:
    return StoreError(
        StoreFault.FOREIGN,
        f"{path.name} cannot be imported",
        why,
        "Choose an export of this program, ChatGPT's conversations.json, LM Studio's *.conversation.json or"
        " GPT4All's *.chat.",
    )
