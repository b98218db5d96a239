"""A real MCP server of the tests, over stdio and streamable HTTP, which does wrong on demand.

    python mcp_server.py [--http PORT] [MANNER ...]

`old` speaks as servers before 2026, `noise` writes what is no message first; over HTTP, `key` asks for a key, `gzip`
compresses, `json` answers without a stream. What servers do wrong is in small_mcp_server.py and broken_mcp_server.py.
"""

from __future__ import annotations

import asyncio
import base64
import os
import sys
from typing import Any

import mcp_types as types
from mcp.server.mcpserver import Context, Image, MCPServer
from mcp.server.runner import serve_loop
from mcp.server.stdio import stdio_server
from mcp.shared.exceptions import MCPError
from mcp_types import ImageContent, TextContent

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)

server = MCPServer("Test server", version="1.2.3", instructions="Be kind.", log_level="ERROR")


@server.tool(title="Add Two Numbers")
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@server.tool(name="with.dots/and spaces")
def odd_name(text: str) -> str:
    """A tool whose name no model may use."""
    return f"odd {text}"


@server.tool()
def picture() -> Image:
    """A picture."""
    return Image(data=PIXEL, format="png")


@server.tool()
def both() -> list[TextContent | ImageContent]:
    """A text and a picture."""
    data = base64.b64encode(PIXEL).decode()
    return [TextContent(type="text", text="look"), ImageContent(type="image", data=data, mime_type="image/png")]


@server.tool()
def fail() -> str:
    """Fails."""
    raise ValueError("the cat sat on it")


@server.tool()
def pid() -> int:
    """Its process."""
    return os.getpid()


@server.tool()
async def grow(ctx: Context) -> str:
    """Has one more tool from now on."""

    def grown() -> str:
        """A new tool."""
        return "new"

    server.add_tool(grown)
    if ctx.request_context.protocol_version and ctx.request_context.protocol_version < "2026":
        await ctx.session.send_tool_list_changed()
    else:
        await ctx.notify_tools_changed()
    return "grown"


@server.tool()
async def ask_model(ctx: Context) -> str:
    """Asks for a text of the model."""
    message = types.SamplingMessage(role="user", content=TextContent(type="text", text="hi"))
    request = types.CreateMessageRequest(params=types.CreateMessageRequestParams(messages=[message], max_tokens=5))
    await ctx.session.send_request(request, types.CreateMessageResult)
    return "it answered"


@server.tool()
async def ask_person(ctx: Context) -> str:
    """Puts a question to the person."""
    schema = {"type": "object", "properties": {}}
    params = types.ElicitRequestFormParams(message="Your password?", requested_schema=schema)
    request = types.ElicitRequest(params=params)
    await ctx.session.send_request(request, types.ElicitResult)
    return "they answered"


@server.tool()
async def roots(ctx: Context) -> str:
    """The folders that the client names."""
    listed = await ctx.session.send_request(types.ListRootsRequest(), types.ListRootsResult)
    return " ".join(str(one.uri) for one in listed.roots) or "none"


@server.prompt(title="Greet Somebody")
def greet(name: str) -> str:
    """Words of greeting."""
    return f"Greet {name} warmly."


@server.resource("notes://today", title="Notes of Today", mime_type="text/plain")
def notes() -> str:
    """Notes."""
    return "milk, bread"


@server.resource("notes://photo", mime_type="image/png")
def photo() -> bytes:
    """A photo."""
    return PIXEL


def main() -> None:
    arguments = sys.argv[1:]
    manners = [argument for argument in arguments if not argument.startswith("--") and not argument.isdigit()]
    if "noise" in manners:
        print("Listening on stdio...\n", flush=True)
    print("It begins", file=sys.stderr, flush=True)
    if "--http" in arguments:
        run_http(int(arguments[arguments.index("--http") + 1]), manners)
    elif "old" in manners:
        asyncio.run(run_old())
    else:
        server.run("stdio")


async def run_old() -> None:
    """As servers before 2026: a handshake, and what is new is refused."""
    inner = server._lowlevel_server
    inner.add_request_handler("server/discover", types.RequestParams, _refuse)
    async with stdio_server() as (read, write), inner.lifespan(inner) as state:
        await serve_loop(inner, read, write, lifespan_state=state, init_options=inner.create_initialization_options())


async def _refuse(*_: Any) -> Any:
    raise MCPError(code=types.METHOD_NOT_FOUND, message="Method not found")


def run_http(port: int, manners: list[str]) -> None:
    """Serve on loopback."""
    import uvicorn  # noqa: PLC0415
    from starlette.middleware.gzip import GZipMiddleware  # noqa: PLC0415
    from starlette.responses import PlainTextResponse  # noqa: PLC0415

    app: Any = server.streamable_http_app(json_response="json" in manners)
    if "gzip" in manners:
        app.add_middleware(GZipMiddleware, minimum_size=1)

    async def guarded(scope: Any, receive: Any, send: Any) -> None:
        headers = dict(scope.get("headers") or ())
        if scope["type"] == "http" and "key" in manners and headers.get(b"authorization") != b"Bearer open-sesame-9":
            await PlainTextResponse("who are you?", 401)(scope, receive, send)
        elif "old" in manners and headers.get(b"mcp-protocol-version", b"") > b"2026":
            await PlainTextResponse("what is that?", 400)(scope, receive, send)
        else:
            await app(scope, receive, send)

    uvicorn.run(guarded, host="127.0.0.1", port=port, log_level="info", lifespan="on", timeout_graceful_shutdown=1)


if __name__ == "__main__":
    main()
