"""What stands between a transport and the client of the `mcp` package: it bounds, and it notes for a person.

The package answers what a server asks of us by itself (it refuses sampling and questions to the person, as no such
callback is given to it); here that is written down. And the schemas of results are taken away, which it would check
each result against: with regular expressions of the server's, which may take hours, and hold Python's one lock.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any

import mcp_types as types
from anyio.streams.memory import MemoryObjectSendStream
from mcp.shared.message import SessionMessage

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.tools.mcp.bounds import Meter
from nodetool_xl_desktop.tools.mcp.log import LogKind, ServerLog

#: An empty line ends an event; one whose end is split between two pieces ends with the next.
_EVENT_END = re.compile(rb"\r?\n\r?\n|\r\r")
#: How much of what is no message the log shows.
_SHOWN = 200
_REFUSED = {
    "sampling/createMessage": "It asked to have a text written by the model. That is refused.",
    "elicitation/create": "It asked to put a question to you. That is refused; put what it needs into its settings.",
}


class Wire:
    """Judges what comes in over one connection."""

    def __init__(self, log: ServerLog) -> None:
        self.log = log
        self.meter = Meter()
        #: Set once nothing can come any longer.
        self.ended = asyncio.Event()
        #: Whether it was the server that ended it.
        self.by_itself = False
        #: Whether the server answers; else it is not given the time to end.
        self.answers = False
        #: Of the process, where it ended by itself and there is one.
        self.exit_status: int | None = None
        #: The last answer of an HTTP server that was no success.
        self.refusal = 0

    @property
    def is_cut_off(self) -> bool:
        """Whether the server does what it should not, or nothing: it is not given the time to end."""
        return not self.answers or self.meter.fault is not None

    def end_by_itself(self) -> None:
        """The server has ended."""
        if not self.ended.is_set():
            self.by_itself = True
            self.ended.set()

    async def take_line(self, line: bytes, to: MemoryObjectSendStream[SessionMessage | Exception]) -> None:
        """One line of a server's standard output.

        Raises:
            CutOff: it has sent too much.
        """
        if not line.strip():
            self.meter.count_garbage()
            return
        self.meter.check_message(line)
        try:
            message = types.jsonrpc_message_adapter.validate_json(line, by_name=False)
        except ValueError:
            self.log.add(
                LogKind.PROTOCOL, tr("This is no message: {line}", line=line[:_SHOWN].decode(errors="replace"))
            )
            self.meter.count_garbage()
            return
        await to.send(self.pass_on(SessionMessage(message)))

    def take_answer(self, status: int, content_type: str) -> Callable[[bytes], None]:
        """The head of an answer over HTTP; what is returned takes its body, piece by piece, and b"" at its end.

        Raises (what is returned):
            CutOff: it has sent too much.
        """
        self.refusal = status if status >= 400 else 0
        if self.refusal:
            self.log.note(f"It answered with HTTP status {status}.")
        events = content_type.startswith("text/event-stream")
        parts: list[bytes] = []

        def take(piece: bytes) -> None:
            self.meter.count_bytes(len(piece))
            parts.append(piece)
            if not piece or (events and _EVENT_END.search(piece)):
                # What one piece ends need not be looked at event by event: together they are no longer than may be.
                self.meter.check_message(b"".join(parts))
                parts.clear()
            else:
                self.meter.check_size(sum(map(len, parts)) if len(parts) < 64 else _packed(parts))

        return take

    def pass_on(self, message: SessionMessage) -> SessionMessage:
        """One message as the client may have it.

        Raises:
            CutOff: too many.
        """
        self.meter.count_message()
        inner = message.message
        if isinstance(inner, types.JSONRPCRequest) and (refused := _REFUSED.get(inner.method)):
            self.log.note(refused)
        if isinstance(inner, types.JSONRPCResponse):
            _without_result_schemas(inner.result)
        return message


def _packed(parts: list[bytes]) -> int:
    """Make one piece of many, so that counting them stays cheap; returns its length."""
    parts[:] = [b"".join(parts)]
    return len(parts[0])


def _without_result_schemas(result: Any) -> None:
    tools = result.get("tools") if isinstance(result, dict) else None
    for tool in tools if isinstance(tools, list) else ():
        if isinstance(tool, dict):
            tool.pop("outputSchema", None)
