"""A server elsewhere: the package's streamable HTTP over the program's own HTTP client, bounded and watched."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._stream_protocols import ReadStream, WriteStream
from mcp.shared.message import SessionMessage

from nodetool_xl_desktop.core import network
from nodetool_xl_desktop.tools.mcp.bounds import LONGEST_MESSAGE
from nodetool_xl_desktop.tools.mcp.errors import CutOff
from nodetool_xl_desktop.tools.mcp.settings import Http
from nodetool_xl_desktop.tools.mcp.wire import Wire

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@asynccontextmanager
async def http(
    settings: Http, wire: Wire, check: Callable[[], None]
) -> AsyncIterator[tuple[MemoryObjectReceiveStream[SessionMessage | Exception], WriteStream[SessionMessage]]]:
    """The transport: the two streams that the client of the `mcp` package speaks over.

    Args:
        settings: where it is.
        wire: judges what comes.
        check: is called before each request, and raises where the program works off line.
    """

    client = await asyncio.to_thread(
        network.mcp_client,
        settings.headers,
        on_this_machine=urlsplit(settings.url).hostname in _LOOPBACK,
        on_request=check,
        on_answer=wire.take_answer,
    )
    incoming, reader = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    async with (
        client,
        streamable_http_client(settings.url, http_client=client, max_sse_event_size=LONGEST_MESSAGE) as (inner, writer),
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(_pass_on, inner, incoming, wire)
        try:
            yield reader, writer
        finally:
            tasks.cancel_scope.cancel()
            incoming.close()
            reader.close()


async def _pass_on(
    inner: ReadStream[SessionMessage | Exception],
    to: MemoryObjectSendStream[SessionMessage | Exception],
    wire: Wire,
) -> None:
    try:
        async for message in inner:
            if isinstance(message, Exception):
                wire.log.error(f"What it sent could not be read: {type(message).__name__}")
                wire.meter.count_garbage()
                continue
            await to.send(wire.pass_on(message))
    except (anyio.BrokenResourceError, anyio.ClosedResourceError, CutOff):
        pass  # we are ending, or have to: the meter says why
    finally:
        to.close()
        wire.end_by_itself()
