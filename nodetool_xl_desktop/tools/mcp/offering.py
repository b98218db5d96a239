"""A server's tools as a model can be offered them.

A server may call a tool anything and describe its arguments by any schema. What cannot be used so is mended where that
changes nothing of substance, else the tool is left out, and a person is told why. Nothing a server says of a tool
(that it only reads, say) makes the program ask less before it is called.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.tools.mcp.settings import plain_name
from nodetool_xl_desktop.tools.mcp.states import LeftOut, ToolInfo
from nodetool_xl_desktop.tools.text_files import one_line
from nodetool_xl_desktop.tools.tool import as_tool

#: Of one server. More fill the context of any model.
MOST_TOOLS = 300
LONGEST_DESCRIPTION = 4_000
LONGEST_TITLE = 120
#: Steps of a schema, each reference followed: beyond it, checking one call would take seconds.
_MOST_STEPS = 5_000
_LONGEST_NAME = 64
_PLAIN = re.compile(r"[A-Za-z0-9_-]+")
#: What a schema says with a regular expression is left to the server: one may take hours, and hold Python's one lock.
_EXPRESSIONS = ("pattern", "patternProperties")
_BY_NAME = ("properties", "$defs", "definitions", "dependentSchemas")
#: Keys whose value is no schema.
_VALUES = ("enum", "const", "default", "examples", "required", "dependentRequired")


@dataclass(frozen=True, slots=True)
class Listed:
    """A tool as its server lists it."""

    name: str
    title: str
    description: str
    schema: Any


def offer(server: str, listed: Iterable[Listed]) -> tuple[tuple[ToolInfo, ...], tuple[LeftOut, ...]]:
    """Those that a model can be offered, and those that none can."""
    tools: dict[str, ToolInfo] = {}
    left_out: list[LeftOut] = []
    for tool in listed:
        try:
            info = _info(server, tool)
        except (TypeError, ValueError, RecursionError) as error:
            left_out.append(LeftOut(tool.name[:LONGEST_TITLE], _why(error)))
            continue
        if info.name in tools:
            left_out.append(LeftOut(tool.name[:LONGEST_TITLE], tr("Another tool of this server has the same name.")))
        elif len(tools) >= MOST_TOOLS:
            left_out.append(
                LeftOut(
                    tool.name[:LONGEST_TITLE],
                    tr("Only the first {most_tools} tools of a server are used.", most_tools=MOST_TOOLS),
                )
            )
        else:
            tools[info.name] = info
    return tuple(tools.values()), tuple(left_out)


def tool_name(server: str, tool: str) -> str:
    """What a model calls it: of letters, digits, `_` and `-`, at most 64; the same in every session, no other's.

    The server's name is part of it, so that what a person has allowed one server no other can get by a name.
    """
    prefix = plain_name(server)
    name = f"{prefix}__{tool}"
    if _PLAIN.fullmatch(tool) and _PLAIN.fullmatch(prefix) and "__" not in prefix and len(name) <= _LONGEST_NAME:
        return name
    mark = hashlib.sha256(f"{prefix}\0{tool}".encode(errors="surrogatepass")).hexdigest()[:8]
    plain = re.sub(r"[^A-Za-z0-9-]+", "_", f"{prefix[:24]}__{tool}")
    return f"{plain[: _LONGEST_NAME - 9]}_{mark}"


def _info(server: str, tool: Listed) -> ToolInfo:
    if not tool.name or len(tool.name) > 1_000:
        raise ValueError("It has no name that can be used.")
    parameters = usable_schema(tool.schema)
    description = _cut(tool.description.strip() or tool.title or tool.name, LONGEST_DESCRIPTION)
    name = tool_name(server, tool.name)
    title = _cut(one_line(tool.title[: LONGEST_TITLE * 9]) or one_line(tool.name) or name, LONGEST_TITLE)
    info = ToolInfo(name, tool.name, title, description, parameters)
    as_tool(Described(info.name, description, parameters))
    return info


@dataclass(frozen=True, slots=True)
class Described:
    """The outside of a tool, as `as_tool` judges it."""

    name: str
    description: str
    parameters: Mapping[str, Any]

    def __call__(self, **_arguments: Any) -> None:
        """Never called."""


def usable_schema(schema: Any) -> dict[str, Any]:
    """A schema of arguments as models and our own check can take it.

    Raises:
        ValueError: it cannot be used; the message is a sentence for a person.
    """
    if not isinstance(schema, dict):
        raise ValueError("The schema of its arguments is none.")
    made = _without_expressions(schema)
    assert isinstance(made, dict)
    made.pop("$schema", None)
    if made.setdefault("type", "object") == ["object"]:
        made["type"] = "object"
    if made["type"] != "object":
        raise ValueError("The schema of its arguments is not of type object.")
    if not isinstance(made.setdefault("properties", {}), dict):
        raise ValueError("The properties of its schema are none.")
    _Steps(made).walk(made, ())
    return made


def _without_expressions(schema: Any) -> Any:
    """A copy without regular expressions; the model reads of them in the description."""
    if isinstance(schema, list):
        return [_without_expressions(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made: dict[str, Any] = {}
    for key, value in schema.items():
        if key in _BY_NAME and isinstance(value, dict):
            made[key] = {name: _without_expressions(one) for name, one in value.items()}
        elif key in _VALUES:
            made[key] = json.loads(json.dumps(value))
        elif key not in _EXPRESSIONS:
            made[key] = _without_expressions(value)
    pattern = schema.get("pattern")
    if isinstance(pattern, str) and len(pattern) <= 200:
        said = made.get("description", "")
        made["description"] = f"{said} (matches {pattern})".strip() if isinstance(said, str) else f"matches {pattern}"
    return made


class _Steps:
    """Counts what it takes to check one value; references that lead to themselves at the same place have no end."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._taken = 0

    def walk(self, part: Any, here: tuple[str, ...], entered: frozenset[str] = frozenset()) -> None:
        """One schema; `here` are the references followed without going into the value, `entered` all of them."""
        self._taken += 1
        if self._taken > _MOST_STEPS:
            raise ValueError(tr("The schema of its arguments is too involved."))
        if isinstance(part, list):
            for one in part:
                self.walk(one, here, entered)
        if not isinstance(part, dict):
            return
        reference = part.get("$ref", part.get("$dynamicRef"))
        if isinstance(reference, str):
            self._follow(reference, here, entered)
        for key, value in part.items():
            if key in ("allOf", "anyOf", "oneOf", "not", "if", "then", "else"):
                self.walk(value, here, entered)
            elif key in ("$defs", "definitions"):
                continue  # counted where they are used
            elif key in _BY_NAME and isinstance(value, dict):
                self.walk(list(value.values()), (), entered)
            elif key not in _VALUES:
                self.walk(value, (), entered)

    def _follow(self, reference: str, here: tuple[str, ...], entered: frozenset[str]) -> None:
        if reference in here:
            raise ValueError(tr("The schema of its arguments refers to itself without end."))
        if reference in entered:
            return  # a tree: as deep as the value is
        at: Any = self._root
        for step in reference.split("/")[1:]:
            at = at.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(at, dict) else None
        self.walk(at, (*here, reference), entered | {reference})


def _why(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return tr("The schema of its arguments is nested too deeply.")
    text = _cut(" ".join(str(error).split()), 200)
    return text if text.endswith((".", "...")) else f"{text}."


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 3]}..."
