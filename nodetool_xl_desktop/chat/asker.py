"""From the model that is loaded and what a person set to a question that can be asked, and what is kept of it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from nodetool_xl_desktop.chat.asking import Asking, asking
from nodetool_xl_desktop.chat.calls import Calls, Remember
from nodetool_xl_desktop.chat.listed import Listed
from nodetool_xl_desktop.chat.session import Ask, Asked
from nodetool_xl_desktop.chat.toolbox import Toolbox, attached
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.engine.client import Sampling
from nodetool_xl_desktop.engine.events import Event, EventStream
from nodetool_xl_desktop.engine.server import EngineServer
from nodetool_xl_desktop.fit.options import LoadSettings
from nodetool_xl_desktop.gguf.names import read_name
from nodetool_xl_desktop.library.model_file import title
from nodetool_xl_desktop.provider import XLlamaCppProvider, values
from nodetool_xl_desktop.provider.approval import Allow, Approve, Deny, Verdict
from nodetool_xl_desktop.store.parts import Part
from nodetool_xl_desktop.store.presets import Preset, resolve
from nodetool_xl_desktop.store.records import About, Message, ModelIdentity
from nodetool_xl_desktop.store.store import Store

if TYPE_CHECKING:
    from nodetool_xl_desktop.core.connections import Purpose
    from nodetool_xl_desktop.provider.tool_use import ToolChoice

#: Where an answer says in `about.more` which tools were offered for it.
TOOLS = "tools"

_log = logging.getLogger(__name__)


class Net(Protocol):
    """What is needed of `core.network.OffLine`."""

    def check(self, what: str, purpose: Purpose | None = None) -> None:
        """Raises `UserFacingError` where the program works off line, or the purpose is switched off."""


@dataclass(frozen=True, slots=True)
class Offer:
    """The tools that are offered for one answer.

    Attributes:
        on: those that are on in the chat.
        tool_choice: as in `provider.stream`.
    """

    on: tuple[Listed, ...] = ()
    tool_choice: ToolChoice = "auto"


NO_TOOLS = Offer()


def identity(model: Path) -> ModelIdentity:
    """A model file as it is kept with what it answered, and as presets and the search tell models apart."""
    return ModelIdentity(read_name(model.name).stem, title(model), str(model))


class Asker:
    """Asks the model that is loaded.

    Args:
        provider: what answers.
        toolbox: what tools there are.
        net: refuses what would reach out while the program works off line; None refuses nothing.

    Attributes:
        toolbox: which of them are on, and what is allowed.
        sampling: asked with instead of what the presets say, where it is not None.
        tool_choice: as in `provider.stream`; a tool's name or "required" forces the first call of each answer.
        on_event: hears every event of every answer, as it comes.
    """

    def __init__(self, provider: XLlamaCppProvider, toolbox: Toolbox, net: Net | None = None) -> None:
        self._provider = provider
        self.toolbox = toolbox
        self._net = net
        self.sampling: Sampling | None = None
        self.tool_choice: ToolChoice = "auto"
        self.on_event: Callable[[Event], None] | None = None

    async def how(self, store: Store, server: EngineServer, chat_id: str, new: Preset | None = None) -> Asking:
        """How the model that is loaded is asked in a chat.

        Args:
            store: keeps the presets.
            server: the model that is loaded.
            chat_id: empty for a chat that does not exist yet.
            new: what was set for that one.

        Raises:
            UserFacingError: the presets cannot be read, or one of them cannot be used.
        """
        if self.sampling is not None:
            return Asking(sampling=self.sampling)
        settings = await store.presets.settings(chat_id, identity(server.model).id)
        return asking(settings | resolve([new] if new is not None else []))

    async def offer(
        self, store: Store, how: Asking, chat_id: str, shown: Sequence[Message] = (), said: Sequence[Part] = ()
    ) -> Offer:
        """The tools that are on in a chat; none where the answer has to keep to a form, which leaves no room for calls.

        Args:
            store: has the files that were attached.
            how: it is asked.
            chat_id: empty for a chat that does not exist yet.
            shown: of it.
            said: what is about to be asked.
        """
        if not how.takes_tools or not await self.toolbox.has_on(chat_id):
            return NO_TOOLS
        files = await asyncio.to_thread(attached, shown, said, store.files.read)
        return Offer((await self.toolbox.offered(chat_id, files)).on, self.tool_choice)

    def asked(self, server: EngineServer, how: Asking, more: Mapping[str, Any], offer: Offer = NO_TOOLS) -> Asked:
        """Who is asked, and what is kept of that.

        Args:
            server: the model that is loaded.
            how: it is asked.
            more: what else is kept with the answer.
            offer: the tools that it may call.
        """
        if offer.on:
            more = {**more, TOOLS: [listed.name for listed in offer.on]}
        about = About(identity(server.model), asdict(server.options), how.to_json(), more=more)
        plain = partial(
            self.stream,
            server,
            how.sampling,
            response_format=how.response_format,
            send_reasoning=how.send_reasoning,
        )

        def with_calls(calls: Calls) -> Ask:
            return partial(plain, offer=offer, approve=self._approve(calls, offer))

        bound = with_calls if offer.on else None
        return Asked(plain, about, how.system, server.model, server.options.parallel, bound)

    def counter(self, server: EngineServer) -> Callable[[str], Awaitable[values.TokenCount]]:
        """Counts the tokens of a text by itself, as a model counts them."""

        async def count(text: str) -> values.TokenCount:
            whole, empty = [
                await self._provider.count_tokens([values.Message("user", each)], server.model) for each in (text, "")
            ]
            return values.TokenCount(whole - empty, exact=whole.exact)

        return count

    def stream(
        self,
        server: EngineServer,
        sampling: Sampling,
        messages: Sequence[values.Message],
        response_format: Mapping[str, Any] | None = None,
        *,
        send_reasoning: bool = False,
        offer: Offer = NO_TOOLS,
        approve: Approve | None = None,
    ) -> EventStream:
        """Ask the model that is loaded, as it is loaded, and no other; without tools unless some are offered."""
        events = self._provider.stream(
            messages,
            server.model,
            tools=[listed.tool for listed in offer.on],
            tool_choice=offer.tool_choice if offer.on else "auto",
            run_tools=bool(offer.on),
            approve=approve,
            send_reasoning=send_reasoning,
            load=LoadSettings.of(server.options),
            sampling=sampling,
            response_format=response_format,
        )
        return events if self.on_event is None else _heard(events, self.on_event)

    def _approve(self, calls: Calls, offer: Offer) -> Approve:
        """Who decides on the calls of one answer: what the person allowed, else the person."""
        listed = {each.name: each for each in offer.on}
        toolbox = self.toolbox

        async def approve(call: values.ToolCall) -> Verdict:
            tool = listed[call.name]
            if refusal := self._refusal(tool):
                return Deny(refusal, by_person=False)
            edited: Mapping[str, Any] | None = None
            if not await toolbox.allowed(calls.chat_id, tool, call.args):
                decision = await calls.decision(call.id, tool.tool)
                if isinstance(decision.verdict, Deny):
                    return decision.verdict
                edited = decision.verdict.arguments
                args = call.args if edited is None else edited
                await _remember(toolbox, calls.chat_id, tool, args, decision.remember)
                if refusal := self._refusal(tool):  # they may have gone off line meanwhile
                    return Deny(refusal, by_person=False)
            stopped = asyncio.Event()
            calls.can_stop(call.id, stopped.set)
            return Allow(edited, stopped, partial(calls.written, call.id))

        return approve

    def _refusal(self, tool: Listed) -> str:
        """Why a tool may not run now, whoever allows it; empty where it may."""
        if self._net is None or not tool.offered.reaches_out:
            return ""
        try:
            self._net.check(tr("{title} cannot be used", title=tool.offered.title), tool.offered.purpose)
        except UserFacingError as error:
            return str(error)
        return ""


async def _remember(toolbox: Toolbox, chat_id: str, tool: Listed, args: Mapping[str, Any], remember: Remember) -> None:
    """Keep what a person allowed. Where the disk refuses, it holds until the program ends: the call goes on."""
    try:
        await toolbox.allow(chat_id, tool, args, remember)
    except UserFacingError as error:
        _log.warning("%s", error)


async def _heard(events: EventStream, hear: Callable[[Event], None]) -> AsyncGenerator[Event, None]:
    """The same events, told to somebody as well."""
    async with contextlib.aclosing(events):
        async for event in events:
            hear(event)
            yield event
