"""System prompts and sampling: kept under a name, for all chats, for a model, or for one chat.

The nearest one that says something about a value wins: the chat's own, then the model's, then the one for all.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.store import parts
from nodetool_xl_desktop.store.database import rows
from nodetool_xl_desktop.store.records import new_id, now_ms


class Scope(StrEnum):
    """What a preset is for."""

    NAMED = "named"  # for nothing until it is chosen
    GLOBAL = "global"
    MODEL = "model"
    CHAT = "chat"


#: The farthest first.
ORDER = (Scope.GLOBAL, Scope.MODEL, Scope.CHAT)
#: What each is for, in words.
PLACES = {Scope.GLOBAL: tr("all chats"), Scope.MODEL: tr("this model"), Scope.CHAT: tr("this chat")}


@dataclass(frozen=True, slots=True)
class Preset:
    """A system prompt and sampling.

    Attributes:
        scope: what it is for.
        subject: the model's or the chat's id; empty else.
        name: as the person calls it; only one with the scope `NAMED` has one.
        system_prompt: None where it says nothing of it; an empty one asks for none.
        sampling: the values that it says something of, by name: `temperature`, `top_k`, `stop`, `response_format`, ...
            (`sampling_values.TITLES`). Other names are kept, and not used.
        id: a UUID; empty until it is kept.
    """

    scope: Scope
    subject: str = ""
    name: str = ""
    system_prompt: str | None = None
    sampling: Mapping[str, Any] = field(default_factory=dict)
    id: str = ""

    @property
    def values(self) -> dict[str, Any]:
        """All that it says, by name, the system prompt among it."""
        prompt = {} if self.system_prompt is None else {"system_prompt": self.system_prompt}
        return {**prompt, **self.sampling}


@dataclass(frozen=True, slots=True)
class Setting:
    """A value, and which preset it comes from."""

    value: Any
    source: Preset


def resolve(presets: Iterable[Preset]) -> dict[str, Setting]:
    """Each value by its name, `system_prompt` among them, from the nearest preset that says something of it."""
    found: dict[str, Setting] = {}
    for preset in sorted((each for each in presets if each.scope in ORDER), key=lambda each: ORDER.index(each.scope)):
        found |= {name: Setting(value, preset) for name, value in preset.values.items()}
    return found


def as_json(preset: Preset) -> dict[str, Any]:
    """A preset as an object of JSON, to be exported."""
    said: dict[str, Any] = {"scope": preset.scope.value, "sampling": dict(preset.sampling)}
    said |= {"subject": preset.subject} if preset.subject else {}
    said |= {"name": preset.name} if preset.name else {}
    return said if preset.system_prompt is None else said | {"system_prompt": preset.system_prompt}


def of_json(said: Mapping[str, Any]) -> Preset:
    """A preset from an object of JSON.

    Raises:
        ValueError, LookupError, TypeError: it is none.
    """
    prompt = said.get("system_prompt")
    if not (prompt is None or isinstance(prompt, str)):
        raise ValueError("the system prompt is no text")
    return Preset(
        Scope(said["scope"]), str(said.get("subject", "")), str(said.get("name", "")), prompt, dict(said["sampling"])
    )


def keep(connection: sqlite3.Connection, preset: Preset) -> Preset:
    """Keep a preset in place of the one with its id, or of its scope, subject and name; returns it with its id.

    Where it is for all chats, a model or a chat, it is the only one that is, and has no name.
    """
    preset = preset if preset.scope is Scope.NAMED else replace(preset, name="")
    body = {"system_prompt": preset.system_prompt, "sampling": dict(preset.sampling)}
    if preset.id:
        connection.execute("DELETE FROM preset WHERE id = ?", (preset.id,))
    (preset_id,) = connection.execute(
        "INSERT INTO preset(id, scope, subject, name, body, changed_ms) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT(scope, subject, name) DO UPDATE SET body = excluded.body, changed_ms = excluded.changed_ms"
        " RETURNING id",
        (
            *(preset.id or new_id(), preset.scope, parts.clean(preset.subject), parts.clean(preset.name)),
            *(parts.dumps(body), now_ms()),
        ),
    ).fetchone()
    return replace(preset, id=preset_id)


def settle(connection: sqlite3.Connection, preset: Preset) -> None:
    """Keep what is set for all chats, a model or a chat; where that is nothing any more, forget it."""
    if preset.values:
        keep(connection, replace(preset, id=""))
    else:
        connection.execute(
            "DELETE FROM preset WHERE scope = ? AND subject = ?", (preset.scope, parts.clean(preset.subject))
        )


def remove(connection: sqlite3.Connection, preset_id: str) -> None:
    """Forget a preset."""
    connection.execute("DELETE FROM preset WHERE id = ?", (preset_id,))


def copy_of_chat(connection: sqlite3.Connection, chat: str, to: str) -> None:
    """Give a copy of a chat the system prompt and the sampling of that chat."""
    for body in rows(connection, "SELECT body FROM preset WHERE scope = 'chat' AND subject = ?", chat):
        connection.execute(
            "INSERT INTO preset(id, scope, subject, body, changed_ms) VALUES (?, 'chat', ?, ?, ?)",
            (new_id(), to, *body, now_ms()),
        )


def every(connection: sqlite3.Connection) -> list[Preset]:
    """All of them, by name."""
    return _read(connection, "1")


def named(connection: sqlite3.Connection) -> list[Preset]:
    """Those that can be chosen, by name."""
    return _read(connection, "scope = 'named'")


def for_chat(connection: sqlite3.Connection, chat: str, model: str) -> list[Preset]:
    """Those that say something about a chat with a model; for `resolve`."""
    return _read(
        connection,
        "scope = 'global' OR scope = 'model' AND subject = ? OR scope = 'chat' AND subject = ?",
        parts.clean(model),
        chat,
    )


def _read(connection: sqlite3.Connection, where: str, *values: str) -> list[Preset]:
    found = rows(connection, f"SELECT id, scope, subject, name, body FROM preset WHERE {where} ORDER BY name", *values)
    presets = []
    for preset_id, scope, subject, name, body in found:
        said = json.loads(body)
        presets.append(
            Preset(Scope(scope), subject, name, said.get("system_prompt"), said.get("sampling", {}), preset_id)
        )
    return presets
