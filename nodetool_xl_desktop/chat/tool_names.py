"""What tools are called towards a model, and what tells that one was changed."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nodetool_xl_desktop.chat.listed import Listed
from nodetool_xl_desktop.core.translation import tr

if TYPE_CHECKING:
    from nodetool_xl_desktop.tools import Tool
    from nodetool_xl_desktop.tools.source import Offered

#: The longest name that the models' formats accept.
LONGEST = 64
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_-]+")


def fingerprint(offered: Offered) -> str:
    """What tells whether a server's tool is still the one that was allowed; empty for what comes with the program."""
    if not offered.source:
        return ""
    tool = offered.tool
    said = json.dumps([tool.name, tool.description, tool.parameters], sort_keys=True, default=str)
    return hashlib.sha256(said.encode(errors="replace")).hexdigest()[:16]


def named(offered: Sequence[Offered]) -> list[Listed]:
    """Each tool under a name that no other one has, and with what keeps it from being used.

    Built-in tools keep theirs. A server's tool whose name another one has gets the server's before its own.
    """
    from nodetool_xl_desktop.tools.checked import checked_tool  # noqa: PLC0415 - 0.1 s, which no start need wait

    counts = Counter(each.tool.name for each in offered)
    taken = {each.tool.name for each in offered if not each.source}
    out: list[Listed] = []
    for each in offered:
        name, problem = each.tool.name, ""
        if each.source and (counts[name] > 1 or name in taken):
            name = _free(_short(each.source, name), taken)
        try:
            tool = checked_tool(each.tool if name == each.tool.name else renamed(each.tool, name))
        except TypeError as error:
            tool, problem = each.tool, tr("It cannot be offered to a model: {error}", error=error)
        taken.add(name)
        out.append(Listed(name, tool, each, problem=problem))
    return out


def _short(source: str, name: str) -> str:
    """A server's name before its tool's, within what a name may be."""
    before = _NOT_IN_NAMES.sub("_", source).strip("_") or "server"
    whole = f"{before}_{name}"
    if len(whole) <= LONGEST:
        return whole
    mark = hashlib.sha256(f"{source}/{name}".encode(errors="replace")).hexdigest()[:6]
    return f"{whole[: LONGEST - 7]}_{mark}"


def _free(name: str, taken: set[str]) -> str:
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name[: LONGEST - 4]}_{number}"
    return free


def renamed(tool: Tool, name: str) -> Tool:
    """The same tool under another name."""
    from nodetool_xl_desktop.tools.tool import is_async  # noqa: PLC0415 - as in `named`

    return _RenamedAsync(tool, name) if is_async(tool) else _Renamed(tool, name)


class _Renamed:
    """What else the tool has is looked up there."""

    def __init__(self, tool: Tool, name: str) -> None:
        self._tool = tool
        self.name = name
        self.description: str = tool.description
        self.parameters: Mapping[str, Any] = tool.parameters

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self._tool, attribute)

    def __call__(self, **arguments: Any) -> Any:
        return self._tool(**arguments)


class _RenamedAsync(_Renamed):
    async def __call__(self, **arguments: Any) -> Any:
        return await self._tool(**arguments)
