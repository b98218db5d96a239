"""What a server says that it has, read page by page and bounded."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import mcp_types as types
from mcp.client import Client
from mcp.shared.exceptions import MCPError

from nodetool_xl_desktop.tools.mcp.log import ServerLog
from nodetool_xl_desktop.tools.mcp.offering import Listed, offer
from nodetool_xl_desktop.tools.mcp.reasons import one_line
from nodetool_xl_desktop.tools.mcp.states import Prompt, PromptArgument, Resource, Running

_MOST_PAGES = 50
#: Of tools, of prompts, of resources.
MOST_LISTED = 1_000
#: What a server tells a model about itself.
_LONGEST_INSTRUCTIONS = 6_000
#: A longer name cannot be one.
_LONGEST_NAME = 2_000


async def learn(name: str, client: Client, log: ServerLog) -> Running:
    """All that a server has.

    Raises:
        MCPError, pydantic.ValidationError: it did not say, or not so that it can be understood.
    """
    can = client.server_capabilities
    about = client.server_info
    tools = await _listed(client.list_tools, "tools", log) if can.tools else []
    prompts = await _if_it_says(client.list_prompts, "prompts", log) if can.prompts else []
    resources = await _if_it_says(client.list_resources, "resources", log) if can.resources else []
    offered, left_out = await asyncio.to_thread(offer, name, list(map(_tool, tools)))
    for one in left_out:
        log.note(f'Its tool "{one.name}" is not used. {one.why}')
    return Running(
        title=one_line((about.title or about.name) if about else ""),
        version=one_line(about.version if about else ""),
        instructions=(client.instructions or "")[:_LONGEST_INSTRUCTIONS],
        tools=offered,
        left_out=left_out,
        prompts=tuple(_prompt(one) for one in prompts if len(one.name) <= _LONGEST_NAME),
        resources=tuple(_resource(one) for one in resources if len(str(one.uri)) <= _LONGEST_NAME),
    )


async def _if_it_says(ask: Callable[..., Awaitable[Any]], what: str, log: ServerLog) -> list[Any]:
    """Its tools are of use also where it has promised prompts and then has none to list."""
    try:
        return await _listed(ask, what, log)
    except MCPError as error:
        if error.code in (types.CONNECTION_CLOSED, types.REQUEST_TIMEOUT):
            raise
        log.note(f"Its {what} could not be listed: {one_line(error.message)}")
        return []


async def _listed(ask: Callable[..., Awaitable[Any]], what: str, log: ServerLog) -> list[Any]:
    found: list[Any] = []
    cursor: str | None = None
    for _ in range(_MOST_PAGES):
        page = await ask(cursor=cursor)
        found += getattr(page, what)
        cursor = page.next_cursor
        if cursor is None or len(found) >= MOST_LISTED:
            break
    if len(found) > MOST_LISTED or cursor is not None:
        log.note(f"It lists more than {MOST_LISTED:,} {what}; the first of them are used.")
    return found[:MOST_LISTED]


def _tool(tool: types.Tool) -> Listed:
    annotated = tool.annotations.title if tool.annotations else None
    return Listed(tool.name, tool.title or annotated or "", tool.description or "", tool.input_schema)


def _prompt(prompt: types.Prompt) -> Prompt:
    arguments = tuple(
        PromptArgument(one.name, one_line(one.description or ""), bool(one.required)) for one in prompt.arguments or ()
    )
    return Prompt(prompt.name, one_line(prompt.title or prompt.name), one_line(prompt.description or ""), arguments)


def _resource(one: types.Resource) -> Resource:
    title, description = one_line(one.title or one.name), one_line(one.description or "")
    return Resource(str(one.uri), title, description, one_line(one.mime_type or ""), one.size)
