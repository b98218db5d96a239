"""The tools that servers had when they last ran, so that a chat can offer them before their server is started."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nodetool_xl_desktop.core.json_file import JsonFile
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.tools.mcp.offering import Listed, offer
from nodetool_xl_desktop.tools.mcp.settings import Settings
from nodetool_xl_desktop.tools.mcp.states import ToolInfo

Known = Mapping[str, tuple[str, tuple[ToolInfo, ...]]]


class KnownTools:
    """The file. Its methods touch the disk, and may block; losing it costs a start of each server.

    Args:
        path: where it is.
    """

    def __init__(self, path: Path) -> None:
        self._file = JsonFile(path, tr("The list of the tools of MCP servers"))

    def read(self) -> dict[str, tuple[str, tuple[ToolInfo, ...]]]:
        """By server: what its settings said of it then, and its tools."""
        return self._file.read(_parse) or {}

    def write(self, known: Known) -> None:
        """Keep them."""
        self._file.write(
            {
                name: {"about": about, "tools": [_written(tool) for tool in tools]}
                for name, (about, tools) in known.items()
            }
        )


def about(settings: Settings) -> str:
    """What has to be the same for its tools to be: the command or the address, without secrets."""
    return settings.about


def _written(tool: ToolInfo) -> dict[str, Any]:
    return {
        "name": tool.own_name,
        "title": tool.title,
        "description": tool.description,
        "schema": dict(tool.parameters),
    }


def _parse(content: Any) -> dict[str, tuple[str, tuple[ToolInfo, ...]]]:
    known = {}
    for name, kept in content.items():
        listed = [Listed(one["name"], one["title"], one["description"], one["schema"]) for one in kept["tools"]]
        known[str(name)] = (str(kept["about"]), offer(str(name), listed)[0])
    return known
