"""A conversation of LM Studio: `*.conversation.json`. It keeps versions for each place of a chat, not a tree: what
follows is put under the version that is selected. Attached files are left out, as they lie elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from nodetool_xl_desktop.exchange.export import Record
from nodetool_xl_desktop.exchange.imports_found import made_id
from nodetool_xl_desktop.store import parts
from nodetool_xl_desktop.store.parts import Other, Part, Reasoning, Text
from nodetool_xl_desktop.store.records import ROLES, About, Chat, Message, ModelIdentity, Role, TitledBy, now_ms


def read(said: Mapping[str, Any], name: str) -> Record:
    """One conversation.

    Args:
        said: its JSON.
        name: of its file, which is its title where it has no other.

    Raises:
        imports_found.BROKEN: it is not as LM Studio writes it.
    """
    created_ms = int(said.get("createdAt") or now_ms())
    chat_id = made_id("LM Studio", said.get("createdAt"), name)
    messages: list[Message] = []
    parent = None
    if prompt := str(said.get("systemPrompt") or ""):
        messages.append(_message(chat_id, 0, None, "system", (Text(prompt),), created_ms))
        parent = messages[-1].id
    for number, place in enumerate(said["messages"], 1):
        versions = [_version(chat_id, number, version, parent, created_ms) for version in place["versions"]]
        selected = versions[int(place.get("currentlySelected") or 0)]
        kept = {version.id: version for version in versions if version.parts or version is selected}
        messages += kept.values()  # two versions may say the same
        parent = selected.id
    title = str(said.get("name") or name)
    touched_ms = max(int(said.get(key) or 0) for key in ("userLastMessagedAt", "assistantLastMessagedAt"))
    chat = Chat(
        chat_id,
        title,
        TitledBy.PERSON if title else TitledBy.NOBODY,
        created_ms,
        touched_ms or created_ms,
        bool(said.get("pinned")),
        leaf=parent,
        more={"imported_from": "LM Studio"},
    )
    return Record(chat, tuple(messages))


def _message(
    chat: str, number: int, parent: str | None, role: Role, kept: tuple[Part, ...], created_ms: int
) -> Message:
    return Message(made_id(chat, number, role, parts.encode(kept)), parent, role, kept, created_ms=created_ms)


def _version(chat: str, number: int, said: Mapping[str, Any], parent: str | None, created_ms: int) -> Message:
    role: Role = next((role for role in ROLES if role == said["role"]), "user")
    kept: list[Part] = []
    about = About()
    model = str((said.get("senderInfo") or {}).get("senderName") or "")
    for step in said.get("steps") or [{"type": "contentBlock", "content": said.get("content") or ()}]:
        if step.get("type") == "contentBlock":
            thinks = (step.get("style") or {}).get("type") == "thinking"
            kept += [part for content in step["content"] for part in _part(content, thinks=thinks)]
            info = step.get("genInfo") or {}
            model = model or str(info.get("identifier") or "")
            if stats := info.get("stats"):
                about = replace(about, more={"lm_studio": stats}, finish_reason=str(stats.get("stopReason") or ""))
    if role == "assistant" and model:
        about = replace(about, model=ModelIdentity(model, model))
    return replace(_message(chat, number, parent, role, tuple(kept), created_ms), about=about)


def _part(content: Mapping[str, Any], *, thinks: bool) -> Iterator[Part]:
    match content:
        case {"type": "text", "text": str(text)}:
            if text:
                yield Reasoning(text) if thinks else Text(text)
        case {"type": str()}:  # a file, or a call of a tool: kept as it is said
            yield Other({**content, "type": f"lm_studio_{content['type']}"})
