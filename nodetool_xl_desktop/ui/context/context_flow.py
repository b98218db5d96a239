"""Whether the next turn fits: the gauge while one types, and the choice before something is sent that does not.

Nothing is ever cut in silence: what is not sent any more was chosen here, and is told in the chat.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject

from nodetool_xl_desktop.chat.asker import NO_TOOLS, Asker, Offer
from nodetool_xl_desktop.chat.asking import Asking, asking
from nodetool_xl_desktop.chat.context import ContextUse, Meter, Request, no_attachment
from nodetool_xl_desktop.chat.fitting import Cut, Judge, WontFit, plan
from nodetool_xl_desktop.chat.session import ChatSession
from nodetool_xl_desktop.chat.summary import Progress, summarise
from nodetool_xl_desktop.chat.turns import CONTEXT
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.engine.client import Sampling
from nodetool_xl_desktop.engine.events import EventStream
from nodetool_xl_desktop.engine.server import EngineServer
from nodetool_xl_desktop.engine.states import Ready
from nodetool_xl_desktop.provider import XLlamaCppProvider, values
from nodetool_xl_desktop.store.parts import Part
from nodetool_xl_desktop.store.records import Message
from nodetool_xl_desktop.store.store import Store
from nodetool_xl_desktop.ui.chat_pane import ChatPane
from nodetool_xl_desktop.ui.context.context_choice import ContextChoice
from nodetool_xl_desktop.ui.context.context_gauge import ContextGauge
from nodetool_xl_desktop.ui.context.context_watch import ContextWatch
from nodetool_xl_desktop.ui.presets.preset_flow import PresetFlow
from nodetool_xl_desktop.ui.tasks import Tasks
from nodetool_xl_desktop.ui.theme import Theme

_log = logging.getLogger(__name__)

#: What a person may choose where a turn does not fit.
DROP, SUMMARISE, RELOAD, SEND, CANCEL = "drop", "summarise", "reload", "send", ""


@dataclass(frozen=True, slots=True)
class Machine:
    """What the window knows of loading the model that is loaded with another context.

    Attributes:
        look: gives the context that a model was made for, in tokens, and what the machine says to one; None where that
            is not known.
        reload: has the model loaded with another context, and then does the third.
    """

    look: Callable[[Path], tuple[int | None, Judge] | None]
    reload: Callable[[Path, int, Callable[[], None]], object]


class ContextFlow(QObject):
    """Counts, shows, and asks.

    Args:
        theme: the theme in force.
        tasks: where it counts.
        pane: shows the gauge and the choice.
        provider: counts.
        asker: has turns summarised.
        presets: the system prompt and the limit of an answer.
    """

    def __init__(
        self,
        theme: Theme,
        tasks: Tasks,
        pane: ChatPane,
        provider: XLlamaCppProvider,
        asker: Asker,
        presets: PresetFlow,
    ) -> None:
        super().__init__(pane)
        self._tasks = tasks
        self._pane = pane
        self._provider = provider
        self._asker = asker
        self._presets = presets
        self._session: ChatSession | None = None
        self._meters: tuple[object, Meter] | None = None
        self._chosen: asyncio.Future[str] | None = None
        self._machine: Machine | None = None
        self._store: Store | None = None
        self.gauge = ContextGauge(theme)
        self.gauge.hide()  # until there is something to count
        self.choice = ContextChoice(theme)
        self._watch = ContextWatch(tasks, self.gauge, self._count)
        pane.composer.add_gauge(self.gauge)
        pane.composer.narrow_changed.connect(self.gauge.set_narrow)
        pane.above_composer.addWidget(self.choice)
        pane.composer.draft_changed.connect(lambda _parts: self._watch.look_again())
        presets.changed.connect(self._watch.look_again)
        self.choice.dropped.connect(lambda _begins: self._choose(DROP))
        self.choice.summarise_requested.connect(lambda _begins: self._choose(SUMMARISE))
        self.choice.reload_requested.connect(lambda _context: self._choose(RELOAD))
        self.choice.send_requested.connect(lambda: self._choose(SEND))
        self.choice.shown_changed.connect(pane.composer.set_small)
        self.choice.cancelled.connect(lambda: self._choose(CANCEL))

    def show_for(self, session: ChatSession | None) -> None:
        """Another chat is shown, or another model is loaded."""
        if session is not self._session:
            self._choose(CANCEL)
        self._session = session
        self._meters = None
        self._watch.look_again(now=True)

    def look_again(self) -> None:
        """The chat that is shown has another message, or shows others."""
        self._watch.look_again()

    def use(self, machine: Machine) -> None:
        """Ask this what larger contexts there could be."""
        self._machine = machine

    def use_store(self, store: Store) -> None:
        """Chats are kept here, and the files that go with them."""
        self._store = store
        self._meters = None

    async def make_room(
        self, shown: Sequence[Message], said: Sequence[Part], how: Asking, offer: Offer, again: Callable[[], None]
    ) -> Mapping[str, Any] | None:
        """See to it that a question fits; returns what is to be kept with its answer, None where it is not sent now.

        Who went on to another chat while it was counted is not asked there: it is not sent then.

        Args:
            shown: of the chat that is shown, up to what is asked.
            said: the question; with nothing the last one of `shown`.
            how: how it will be asked.
            offer: the tools that will be offered.
            again: asks once more, after the model was loaded with a larger context.
        """
        state, session = self._pane.state, self._session
        if not isinstance(state, Ready):
            return None
        model = state.server.model
        looked = self._machine.look(model) if self._machine is not None else None
        try:
            found = await plan(self._meter(), self._request(shown, said, how, offer), *(looked or (None, None)))
        except UserFacingError as error:  # what the model refuses to count it refuses to answer, and says why
            _log.info("Not counted: %s", error)
            return {}
        if not isinstance(found, WontFit):
            return {}
        return await self._chosen_of(found, state.server, again) if session is self._session else None

    async def _chosen_of(
        self, found: WontFit, server: EngineServer, again: Callable[[], None]
    ) -> Mapping[str, Any] | None:
        """Ask, and do what is chosen; returns what `make_room` does."""
        self.choice.show_plan(found)
        try:
            choice = await self._choice()
            while choice == SUMMARISE and found.cut is not None:
                more, choice = await self._summarised(found.cut, server)
                if more is not None:
                    return more
        finally:
            if self.choice.has_keys:  # else they went on to the list, or wherever
                self._pane.composer.setFocus()
            self.choice.clear()
        if choice == DROP and found.cut is not None:
            return {CONTEXT: found.cut.kept()}
        if choice == RELOAD and found.larger is not None and self._machine is not None:
            self._machine.reload(server.model, found.larger.context, again)
        return {} if choice == SEND else None

    async def _summarised(self, cut: Cut, server: EngineServer) -> tuple[Mapping[str, Any] | None, str]:
        """Have turns summarised; returns what is to be kept, or what was chosen instead: nothing, or another way."""
        text = tr("Summarising the oldest turns ...")
        self.choice.show_progress(text)

        def ask(messages: Sequence[values.Message], most: int) -> EventStream:
            return self._asker.stream(server, Sampling(temperature=0, max_tokens=most), messages)

        def tell(progress: Progress) -> None:
            self.choice.show_progress(text, progress.done / max(1, progress.whole))

        summing = asyncio.ensure_future(summarise(cut, self._meter(), ask, server.context_length, tell))
        choosing = asyncio.ensure_future(self._choice())
        try:
            await asyncio.wait([summing, choosing], return_when=asyncio.FIRST_COMPLETED)
            if not summing.done():
                return None, await choosing
            return {CONTEXT: cut.kept(summing.result())}, ""
        except UserFacingError as error:
            self.choice.show_error(error)
            return None, await choosing
        finally:
            for task in (summing, choosing):
                task.cancel()
            await asyncio.wait([summing, choosing])

    async def _choice(self) -> str:
        """What is chosen next."""
        self._chosen = asyncio.get_running_loop().create_future()
        try:
            return await self._chosen
        finally:
            self._chosen = None

    def _choose(self, choice: str) -> None:
        if self._chosen is not None and not self._chosen.done():
            self._chosen.set_result(choice)

    async def _count(self) -> ContextUse | None:
        shown = self._session.shown if self._session is not None else ()
        try:
            how = asking(self._presets.settings)
        except UserFacingError:  # told when something is sent
            how = Asking()
        session = self._session
        said = self._pane.composer.parts
        chat_id = session.chat.id if session is not None else ""
        offer = await self._asker.offer(self._store, how, chat_id, shown, said) if self._store is not None else NO_TOOLS
        if session is not self._session:
            return None
        request, meter = self._request(shown, said, how, offer), self._meter()
        if not (request.shown or request.said or request.system or request.context):
            return None  # the few tokens of a template around nothing would be a riddle
        answering = session is not None and session.is_answering and not request.said
        use = await (meter.whole(request) if answering else meter.use(request))
        if session is self._session:
            left = use.left_out
            text = tr("Not sent to the model from here up ({text})", text=left.text) if left is not None else ""
            self._pane.transcript.show_left_out(left.begins if left is not None else None, text)
        return use

    def _request(self, shown: Sequence[Message], said: Sequence[Part], how: Asking, offer: Offer) -> Request:
        state = self._pane.state
        asked = Request(
            shown,
            said,
            how.system,
            tools=tuple(listed.tool for listed in offer.on),
            max_tokens=how.sampling.max_tokens,
            send_reasoning=how.send_reasoning,
        )
        if not isinstance(state, Ready):
            return asked
        server = state.server
        return replace(
            asked,
            context=server.context_length,
            slots=server.options.parallel,
            shared=server.options.kv_unified,
            model=server,
        )

    def _meter(self) -> Meter:
        """The one of the chat that is shown, with the model that is loaded."""
        state = self._pane.state
        server = state.server if isinstance(state, Ready) else None
        model = server.model if server is not None else Path()
        key = (self._session, server)
        if self._meters is None or self._meters[0] != key:
            read = self._store.files.read if self._store is not None else no_attachment
            self._meters = (key, Meter(partial(self._provider.count_tokens, model=model), read))
        return self._meters[1]
