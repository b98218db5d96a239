"""A conversation of ChatGPT's export. Its tree is kept; hidden messages are left out, and so are its files: the export
names them, but not so that each is surely found.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from nodetool_xl_desktop.exchange.export import Record
from nodetool_xl_desktop.exchange.imports_found import made_id
from nodetool_xl_desktop.store.parts import Other, Part, Reasoning, Text, ToolAnswer, ToolUse
from nodetool_xl_desktop.store.records import ROLES, About, Chat, Message, ModelIdentity, Role, TitledBy, now_ms


def read(said: Mapping[str, Any]) -> Record:
    """Its `mapping` is a tree by id; nodes without a message, and hidden ones, are stepped over.

    Raises:
        imports_found.BROKEN: it is not as ChatGPT writes it.
    """
    nodes: Mapping[str, Mapping[str, Any]] = said["mapping"]
    created_ms = _ms(said.get("create_time")) or now_ms()
    conversation = str(said.get("conversation_id") or said.get("id") or "")
    name = conversation or json.dumps(said, sort_keys=True)
    ids = {node: made_id("ChatGPT", name, node) for node in nodes}
    held: dict[str | None, str | None] = {None: None}  # a node, and the nearest one at or above it that is kept
    messages: list[Message] = []
    for node in _parents_first(nodes):
        parent = nodes[node].get("parent")
        above = held[parent] if parent in nodes else None
        if (message := _message(nodes[node], above and ids[above], ids[node], created_ms)) is None:
            held[node] = above
        else:
            messages.append(message)
            held[node] = node
    last = held.get(said.get("current_node"))
    title = str(said.get("title") or "")
    chat = Chat(
        made_id("ChatGPT", name),
        title,
        TitledBy.PERSON if title else TitledBy.NOBODY,
        created_ms,
        _ms(said.get("update_time")) or created_ms,
        archived=said.get("is_archived") is True,
        leaf=ids[last] if last else messages[-1].id if messages else None,
        more={"imported_from": "ChatGPT", "conversation": conversation},
    )
    return Record(chat, tuple(messages))


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
    if len(seen) < len(nodes):
        raise ValueError("some of its messages hang on nothing")


def _message(node: Mapping[str, Any], parent: str | None, made: str, created_ms: int) -> Message | None:
    said = node.get("message")
    if not said or (said.get("metadata") or {}).get("is_visually_hidden_from_conversation"):
        return None
    role: Role = next((role for role in ROLES if role == said["author"]["role"]), "user")
    kept = tuple(_parts(said, role))
    if not kept:
        return None
    model = str((said.get("metadata") or {}).get("model_slug") or "")
    about = About(model=ModelIdentity(model, model)) if model and role == "assistant" else About()
    return Message(made, parent, role, kept, created_ms=_ms(said.get("create_time")) or created_ms, about=about)


def _parts(said: Mapping[str, Any], role: Role) -> Iterator[Part]:
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
        for part in content["parts"] or ():
            if isinstance(part, str):
                if part:
                    yield _spoken(said, role, part)
            elif isinstance(part, Mapping):
                yield _named(said, role, part)
    elif text := str(content.get("text") or content.get("result") or ""):
        yield _spoken(said, role, text)


def _named(said: Mapping[str, Any], role: Role, part: Mapping[str, Any]) -> Part:
    match part:
        case {"content_type": "audio_transcription", "text": str(text)} if text:  # what was said aloud, in words
            return _spoken(said, role, text)
    return Other({"type": "chatgpt", "content": dict(part)})  # a picture, or a voice: the export only names it


def _spoken(said: Mapping[str, Any], role: Role, text: str) -> Part:
    if role == "tool":
        return ToolAnswer(str(said.get("id", "")), str(said["author"].get("name") or "tool"), text)
    return Text(text)


def _ms(seconds: object) -> int:
    return int(float(seconds) * 1000) if isinstance(seconds, int | float) else 0
