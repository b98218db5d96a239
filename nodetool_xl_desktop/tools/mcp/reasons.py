"""Why a connection ended, in words for a person."""

from __future__ import annotations

import httpx2
import mcp_types as types
from mcp.shared.exceptions import MCPError
from pydantic import ValidationError

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.tools import text_files
from nodetool_xl_desktop.tools.mcp.settings import Settings, Stdio
from nodetool_xl_desktop.tools.mcp.wire import Wire

#: Of what a server says.
_LONGEST = 600
_LAST_WORDS = 300


def one_line(text: str) -> str:
    """What a server says, as part of a sentence of ours."""
    return text_files.one_line(text[: _LONGEST * 5])[:_LONGEST]


def leaf(error: BaseException | None) -> BaseException | None:
    """What the groups of a task group hold."""
    while isinstance(error, BaseExceptionGroup) and error.exceptions:
        error = error.exceptions[0]
    return error


def why_ended(error: BaseException | None, settings: Settings, wire: Wire) -> str:
    """The cause, as a sentence without its beginning and end; may hold secrets that a server printed."""
    if wire.exit_status is not None or (isinstance(settings, Stdio) and wire.ended.is_set()):
        return _program_ended(wire)
    if wire.refusal:
        return _refusal(wire.refusal)
    if isinstance(error, httpx2.ConnectError):
        return tr("nothing answers at {about}", about=settings.about)
    if isinstance(error, MCPError) and error.code != types.CONNECTION_CLOSED:
        return tr("it said: {message}", message=one_line(error.message))
    if isinstance(error, ValidationError | RuntimeError):
        return tr("what it said does not keep to the protocol")
    return (
        tr("the connection broke ({name})", name=type(error).__name__)
        if error is not None
        else tr("the connection was closed")
    )


def _program_ended(wire: Wire) -> str:
    status, words = wire.exit_status, wire.log.last_words[:_LAST_WORDS]
    if status is None:
        how = tr("its program ended")
    elif status < 0:
        how = tr("its program ended (signal {signal})", signal=-status)
    else:
        how = tr("its program ended (exit status {status})", status=status)
    return tr("{ended}; the last that it said was: {words}", ended=how, words=words) if words else how


def _refusal(status: int) -> str:
    if status in (401, 403):
        return tr("it refused us (HTTP status {status}): the headers of its settings may need a key", status=status)
    if status in (404, 405):
        return tr("there is no MCP server at this address (HTTP status {status})", status=status)
    return tr("it answered with HTTP status {status}", status=status)
