"""One connection to a server, from its start to its end: the only user of the `mcp` package's client.

It is entered and left in one task, as the package's cancel scopes ask for; what others ask of it goes through the
client's own requests, which any task of the same loop may make.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import mcp_types as types
from mcp.client import Client, ClientRequestContext, IncomingMessage, Transport
from mcp.client.subscriptions import ListenNotSupportedError, SubscriptionLost
from mcp.shared.exceptions import MCPError
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import ValidationError

import nodetool_xl_desktop
from nodetool_xl_desktop.core.connections import Purpose, contacts
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.tools.call import Result
from nodetool_xl_desktop.tools.mcp import listing, reasons, results
from nodetool_xl_desktop.tools.mcp.errors import McpError
from nodetool_xl_desktop.tools.mcp.http import http
from nodetool_xl_desktop.tools.mcp.limits import Limits
from nodetool_xl_desktop.tools.mcp.log import LogKind, ServerLog
from nodetool_xl_desktop.tools.mcp.reasons import one_line
from nodetool_xl_desktop.tools.mcp.settings import Http, Settings, Stdio
from nodetool_xl_desktop.tools.mcp.states import (
    PromptMessage,
    ResourceContent,
    Running,
)
from nodetool_xl_desktop.tools.mcp.stdio import stdio
from nodetool_xl_desktop.tools.mcp.wire import Wire

#: Changes of its lists within so long are looked at together.
SETTLE_S = 0.3
#: How long the reason of its end may take to be known.
_REASON_S = 2.0
#: What is shown of what it says in one piece.
LONGEST_SAID = 1_200

Value = TypeVar("Value")

# What the package logs quotes messages, and so chats; a person finds what matters in the server's own log.
for _name in ("mcp", "client"):
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)


class Lost(McpError):
    """What was asked for was not done, as the server no longer knows this connection; it can be asked again."""


class Connection:
    """One connection.

    Args:
        name: of the server.
        settings: with their variables put in.
        log: where what happens is written down.
        check: raises a UserFacingError where the program works off line.
        limits: how long it is waited for.
        folder: what the server may know of the person's folders.
        changed: is told what the server offers, first when it answers.
    """

    def __init__(
        self,
        name: str,
        settings: Settings,
        log: ServerLog,
        check: Callable[[], None],
        limits: Limits,
        folder: Path | None,
        changed: Callable[[Running], None],
    ) -> None:
        self._name = name
        self._settings = settings
        self._log = log
        self._check = check
        self._limits = limits
        self._folder = folder
        self._changed = changed
        self._wire = Wire(log)
        self._client: Client | None = None
        self._stale = asyncio.Event()
        self._asking: set[asyncio.Task[None]] = set()
        self._hangs = ""
        self._over = asyncio.Event()
        self._ended: McpError | None = None
        #: Whether it has answered.
        self.was_ready = False

    @property
    def is_up(self) -> bool:
        """Whether it can be asked."""
        return self._client is not None and self.was_ready and not self._wire.ended.is_set()

    async def run(self) -> McpError:
        """Be connected until the server ends or is cut off; returns why. Cancelled, it ends the server."""
        raised: BaseException | None = None
        try:
            async with asyncio.timeout(self._limits.start_s) as limit, self._transport() as streams:
                await self._serve(_Given(streams), lambda: limit.reschedule(None))
        except (Exception, BaseExceptionGroup) as error:
            if isinstance(error, BaseExceptionGroup) and error.subgroup(asyncio.CancelledError):
                current = asyncio.current_task()
                if current is not None and current.cancelling():
                    raise asyncio.CancelledError from error
            raised = error
        finally:
            self._client = None
            for task in self._asking:
                task.cancel()
        self._ended = self._reason(raised)
        self._over.set()
        return self._ended

    def end(self) -> None:
        """Have `run` return."""
        self._wire.ended.set()

    async def call(self, tool: str, arguments: dict[str, Any], folder: Path | None) -> Result:
        """The result of a tool.

        Raises:
            McpError: it failed, took too long, or the server ended.
        """
        await self._show(folder)
        called = await self._ask(
            lambda client: client.call_tool(tool, arguments, read_timeout_seconds=self._limits.call_s)
        )
        try:
            result = results.result(called)
        except McpError as error:
            raise McpError(self._log.redactor.clean(error.what)) from error
        # What it was given to log in with is not the model's, which may be talked into sending it on.
        return replace(result, text=self._log.redactor.clean_for_model(result.text))

    async def prompt(self, name: str, arguments: dict[str, str]) -> tuple[PromptMessage, ...]:
        """The messages of a prompt."""
        return results.messages(await self._ask(lambda client: client.get_prompt(name, arguments or None)))

    async def resource(self, uri: str) -> tuple[ResourceContent, ...]:
        """What a resource holds."""
        return results.contents(await self._ask(lambda client: client.read_resource(uri, cache_mode="bypass")))

    def _transport(self) -> contextlib.AbstractAsyncContextManager[Any]:
        if isinstance(self._settings, Stdio):
            contacts.note(Purpose.SERVERS, tr("{name}, a program on this machine", name=self._name))
            return stdio(self._settings, self._wire)
        assert isinstance(self._settings, Http)
        return http(self._settings, self._wire, self._check)

    async def _serve(self, transport: Transport, started: Callable[[], None]) -> None:
        client = Client(
            transport,
            read_timeout_seconds=self._limits.request_s,
            list_roots_callback=self._roots,
            logging_callback=self._heard,
            message_handler=self._noticed,
            log_level="info",
            client_info=types.Implementation(name="nodetool-xl-desktop", version=nodetool_xl_desktop.__version__),
            cache=None,
        )
        async with client:
            self._client = client
            running = await listing.learn(self._name, client, self._log)
            self.was_ready = self._wire.answers = True
            started()
            self._changed(running)
            watching = [asyncio.create_task(self._follow(client)), asyncio.create_task(self._listen(client))]
            try:
                await self._wire.ended.wait()
            finally:
                self._client = None
                for task in watching:
                    task.cancel()
                await asyncio.wait(watching, timeout=1)

    async def _follow(self, client: Client) -> None:
        """What it offers has changed: look again, at most once in a while."""
        while True:
            await self._stale.wait()
            await asyncio.sleep(SETTLE_S)
            self._stale.clear()
            try:
                self._changed(await listing.learn(self._name, client, self._log))
                self._log.note("What it offers has changed.")
            except (MCPError, ValidationError) as error:
                self._log.error(f"What it offers now could not be read: {one_line(str(error))}")

    async def _listen(self, client: Client) -> None:
        """Servers of 2026 tell changes only to those who listen; older ones tell everybody."""
        if client.protocol_version not in MODERN_PROTOCOL_VERSIONS:
            return
        with contextlib.suppress(MCPError, SubscriptionLost, ListenNotSupportedError, TimeoutError, ValidationError):
            async with client.listen(
                tools_list_changed=True, prompts_list_changed=True, resources_list_changed=True
            ) as changes:
                async for _ in changes:
                    self._stale.set()

    async def _noticed(self, message: IncomingMessage) -> None:
        if isinstance(
            message,
            types.ToolListChangedNotification
            | types.PromptListChangedNotification
            | types.ResourceListChangedNotification,
        ):
            self._stale.set()

    async def _heard(self, params: types.LoggingMessageNotificationParams) -> None:
        text = params.data if isinstance(params.data, str) else repr(params.data)[:LONGEST_SAID]
        self._log.add(LogKind.PROTOCOL, f"{params.level}: {text}")

    async def _roots(self, context: ClientRequestContext) -> types.ListRootsResult:
        if self._folder is None:
            return types.ListRootsResult(roots=[])
        self._log.note(f"It asked which folder is opened, and was told: {self._folder}")
        return types.ListRootsResult(
            roots=[types.Root.model_validate({"uri": self._folder.as_uri(), "name": self._folder.name})]
        )

    async def _show(self, folder: Path | None) -> None:
        """The call comes from a chat with another folder."""
        if folder == self._folder:
            return
        self._folder = folder
        if self._client is not None and self._client.protocol_version not in MODERN_PROTOCOL_VERSIONS:
            await self._client.session.send_notification(types.RootsListChangedNotification())

    async def _ask(self, ask: Callable[[Client], Awaitable[Value]]) -> Value:
        self._check()
        if self._client is None:
            raise Lost(tr('The MCP server "{name}" has ended', name=self._name), "", tr("Look at its log."))
        try:
            return await ask(self._client)
        except asyncio.CancelledError:
            self._ask_whether_alive()
            raise
        except MCPError as error:
            if error.code == types.REQUEST_TIMEOUT:
                self._ask_whether_alive()
                raise McpError(
                    tr('The MCP server "{name}" took too long', name=self._name),
                    tr("what was asked of it was given up"),
                ) from error
            raise await self._told(error) from error
        except ValidationError as error:
            self._log.error("Its answer does not keep to the protocol.")
            raise McpError(
                tr('The answer of the MCP server "{name}" does not keep to the protocol', name=self._name)
            ) from error
        except RuntimeError as error:
            # It asks again and again for what it is refused, or sends what only another version may.
            raise McpError(
                tr('The MCP server "{name}" did not answer', name=self._name), one_line(str(error))
            ) from error

    async def _told(self, error: MCPError) -> McpError:
        if error.code == types.CONNECTION_CLOSED:
            self._wire.end_by_itself()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), _REASON_S)
            why = self._ended or self._reason(None)
            return McpError(tr('The MCP server "{name}" ended while it was asked', name=self._name), why.why, why.hint)
        if self._wire.refusal == 404 and error.code != types.METHOD_NOT_FOUND:
            self._wire.end_by_itself()
            return Lost(tr('The MCP server "{name}" has forgotten this connection', name=self._name))
        return McpError(
            self._log.redactor.clean(one_line(error.message)) or tr("The server refused, and does not say why")
        )

    def _ask_whether_alive(self) -> None:
        """A request was given up: whether only that one hangs, or all of the server."""
        if self._client is not None and not self._asking:
            task = asyncio.create_task(self._be_sure(self._client))
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)

    async def _be_sure(self, client: Client) -> None:
        request = types.ListToolsRequest() if client.server_capabilities.tools else types.ListPromptsRequest()
        try:
            await client.session.send_request(
                request, types.EmptyResult, request_read_timeout_seconds=self._limits.alive_s
            )
        except MCPError as error:
            if error.code == types.REQUEST_TIMEOUT:
                self._wire.answers = False
                self._hangs = tr("it did not answer for {alive_s:g} s", alive_s=self._limits.alive_s)
                self.end()
        except ValidationError:
            pass  # an answer

    def _reason(self, raised: BaseException | None) -> McpError:
        if self._wire.meter.fault is not None:
            return self._wire.meter.fault
        error = reasons.leaf(raised)
        if isinstance(error, McpError):
            return error
        if isinstance(error, UserFacingError):
            return McpError(error.what, error.why, error.hint)
        if isinstance(error, TimeoutError) and not self.was_ready:
            why = tr("it did not answer within {start_s:g} s", start_s=self._limits.start_s)
        else:
            why = reasons.why_ended(error, self._settings, self._wire)
        what = tr("The MCP server ended by itself") if self.was_ready else tr("The MCP server could not be started")
        if self._hangs:
            return McpError(tr("The MCP server was cut off"), self._hangs, tr("Look at its log."))
        return McpError(what, self._log.redactor.clean(why), tr("Look at its log."))


class _Given:
    """Streams that are there already, as the transport that a client takes."""

    def __init__(self, streams: Any) -> None:
        self._streams = streams

    async def __aenter__(self) -> Any:
        return self._streams

    async def __aexit__(self, *_: object) -> None:
        """Whoever made them closes them."""
