"""What the toolbox and the servers say, as the list of tools shows it."""

from __future__ import annotations

from collections.abc import Sequence

from nodetool_xl_desktop.chat.calls import Remember
from nodetool_xl_desktop.chat.permissions import Grant
from nodetool_xl_desktop.chat.toolbox import Listed, Tools
from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.connections import Purpose
from nodetool_xl_desktop.core.network import OffLine
from nodetool_xl_desktop.core.translation import tr, trn
from nodetool_xl_desktop.tools.mcp import McpServers, Server
from nodetool_xl_desktop.tools.source import Offered
from nodetool_xl_desktop.ui.tools import server_values
from nodetool_xl_desktop.ui.tools.tool_values import Allowance, SourceRows, ToolRow, ToolsShown

OFF_LINE = tr("off line")
NOT_ALLOWED = tr("switched off under Privacy")


def shown(tools: Tools, servers: McpServers, *, off_line: OffLine, tokens: int | None, exact: bool) -> ToolsShown:
    """All of it.

    Args:
        tools: what the toolbox has for the chat.
        servers: those of the program.
        off_line: the person's switches.
        tokens: what the definitions take of the context; None where that is not known.
        exact: whether the loaded model counted that.
    """
    by_source: dict[str, list[Listed]] = {}
    for listed in tools.all:
        by_source.setdefault(listed.offered.source, []).append(listed)
    built_in = SourceRows(rows=tuple(row(each, off_line=off_line) for each in by_source.get("", ())))
    enabled = [server for server in servers.servers if server.enabled or server.problem]
    may_speak = bool(enabled) and not off_line.refuses(Purpose.SERVERS)
    count = sum(listed.is_on for listed in tools.all)
    cost = "" if not tokens or not count else units.tokens(tokens)
    cost = tr("about {tokens}", tokens=cost) if cost and not exact else cost
    return ToolsShown(
        sources=(built_in, *(_of_server(each, by_source.get(each.name, ()), off_line) for each in enabled)),
        folder=tools.folder,
        tokens=cost,
        is_default=tools.is_default,
        off_line=off_line.is_on,
        has_prompts=may_speak,
        has_resources=may_speak,
        problem="\n".join(map(str, filter(None, [*tools.problems, servers.problem]))),
    )


def row(listed: Listed, *, off_line: OffLine) -> ToolRow:
    """One tool."""
    offered = listed.offered
    return ToolRow(
        name=listed.name,
        title=" ".join(offered.title.split()) or listed.name,
        description=" ".join((offered.about or listed.tool.description).split()),
        is_on=listed.is_on,
        asks=offered.asks,
        allowed=_allowed_words(listed),
        problem=listed.problem or _refused(offered, off_line),
        warning="" if offered.source else getattr(offered.tool, "caution", ""),
        reaches_out=offered.reaches_out,
    )


def allowances(grants: Sequence[Grant], tools: Sequence[Listed], chat_id: str | None = None) -> list[Allowance]:
    """What may run unasked, called as people call it: in a chat, or (None) everywhere."""
    titles = {listed.key: listed.offered.title for listed in tools}
    return [
        Allowance(each.tool, each.subject, titles.get(each.tool, each.name), each.source, chat_id) for each in grants
    ]


def _of_server(server: Server, listed: Sequence[Listed], off_line: OffLine) -> SourceRows:
    rows = tuple(row(each, off_line=off_line) for each in listed)
    if off_line.refuses(Purpose.SERVERS):
        words = OFF_LINE if off_line.is_on else NOT_ALLOWED
    else:
        words = server_values.state_words(server)
    return SourceRows(server.name, server_values.dot_of(server), words, rows)


def _refused(offered: Offered, off_line: OffLine) -> str:
    if off_line.is_on and offered.reaches_out:
        return OFF_LINE
    return NOT_ALLOWED if offered.purpose is not None and off_line.refuses(offered.purpose) else ""


def _allowed_words(listed: Listed) -> str:
    if listed.allowed is None:
        return ""
    if len(listed.subjects) == 1:
        return tr("allowed for {subjects}", subjects=listed.subjects[0])
    if listed.subjects:
        return trn("allowed for {count}", "allowed for {count}", len(listed.subjects))
    return tr("always allowed") if listed.allowed is Remember.ALWAYS else tr("allowed in this chat")
