"""What the toolbox and the servers say, as the list of tools shows it."""

from __future__ import annotations

from collections.abc import Sequence

from nodetool_xl_desktop.chat.calls import Remember
from nodetool_xl_desktop.chat.permissions import Grant
from nodetool_xl_desktop.chat.toolbox import Listed, Tools
from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.tools.mcp import McpServers, Server
from nodetool_xl_desktop.ui.tools import server_values
from nodetool_xl_desktop.ui.tools.tool_values import Allowance, SourceRows, ToolRow, ToolsShown

OFF_LINE = tr("off line")


def shown(tools: Tools, servers: McpServers, *, off_line: bool, tokens: int | None, exact: bool) -> ToolsShown:
    """All of it.

    Args:
        tools: what the toolbox has for the chat.
        servers: those of the program.
        off_line: whether the program works off line.
        tokens: what the definitions take of the context; None where that is not known.
        exact: whether the loaded model counted that.
    """
    by_source: dict[str, list[Listed]] = {}
    for listed in tools.all:
        by_source.setdefault(listed.offered.source, []).append(listed)
    built_in = SourceRows(rows=tuple(row(each, off_line=off_line) for each in by_source.get("", ())))
    enabled = [server for server in servers.servers if server.enabled or server.problem]
    count = sum(listed.is_on for listed in tools.all)
    cost = "" if not tokens or not count else f"{'' if exact else 'about '}{units.tokens(tokens)}"
    return ToolsShown(
        sources=(built_in, *(_of_server(each, by_source.get(each.name, ()), off_line) for each in enabled)),
        folder=tools.folder,
        tokens=cost,
        is_default=tools.is_default,
        off_line=off_line,
        has_prompts=bool(enabled) and not off_line,
        has_resources=bool(enabled) and not off_line,
        problem="\n".join(map(str, filter(None, [*tools.problems, servers.problem]))),
    )


def row(listed: Listed, *, off_line: bool) -> ToolRow:
    """One tool."""
    offered = listed.offered
    return ToolRow(
        name=listed.name,
        title=" ".join(offered.title.split()) or listed.name,
        description=" ".join(listed.tool.description.split()),
        is_on=listed.is_on,
        asks=offered.asks,
        allowed=_allowed_words(listed),
        problem=listed.problem or (OFF_LINE if off_line and offered.reaches_out else ""),
        warning="" if offered.source else getattr(offered.tool, "caution", ""),
        reaches_out=offered.reaches_out,
    )


def allowances(grants: Sequence[Grant], tools: Sequence[Listed], chat_id: str | None = None) -> list[Allowance]:
    """What may run unasked, called as people call it: in a chat, or (None) everywhere."""
    titles = {listed.key: listed.offered.title for listed in tools}
    return [
        Allowance(each.tool, each.subject, titles.get(each.tool, each.name), each.source, chat_id) for each in grants
    ]


def _of_server(server: Server, listed: Sequence[Listed], off_line: bool) -> SourceRows:
    rows = tuple(row(each, off_line=off_line) for each in listed)
    words = OFF_LINE if off_line else server_values.state_words(server)
    return SourceRows(server.name, server_values.dot_of(server), words, rows)


def _allowed_words(listed: Listed) -> str:
    if listed.allowed is None:
        return ""
    if len(listed.subjects) == 1:
        return tr("allowed for {subjects}", subjects=listed.subjects[0])
    if listed.subjects:
        return tr("allowed for {count}", count=len(listed.subjects))
    return tr("always allowed") if listed.allowed is Remember.ALWAYS else tr("allowed in this chat")
