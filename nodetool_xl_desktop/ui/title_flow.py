"""Titles for chats, asked of the model while it has nothing else to do."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial

from nodetool_xl_desktop.chat import titles
from nodetool_xl_desktop.chat.asker import Asker
from nodetool_xl_desktop.chat.session import ChatSession
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.engine.server import EngineServer
from nodetool_xl_desktop.store.records import Message, State, TitledBy
from nodetool_xl_desktop.store.store import Store
from nodetool_xl_desktop.ui.tasks import Tasks

_log = logging.getLogger(__name__)

#: So long the model has had nothing to do before it is asked for a title, in seconds.
IDLE_S = 1.0


class TitleFlow:
    """Asks for the title of a chat that was answered for the first time.

    A chat that was answered while others were, or whose title was being asked for when the next question came, waits
    until the model has nothing else to do.

    Args:
        tasks: where it is asked.
        asker: asks the model.
        on_titled: hears of a chat that has a new title.

    Attributes:
        is_on: whether titles are asked for at all.
    """

    def __init__(self, tasks: Tasks, asker: Asker, on_titled: Callable[[ChatSession], None]) -> None:
        self._tasks = tasks
        self._asker = asker
        self._on_titled = on_titled
        self._asking: asyncio.Task[None] | None = None
        self._untitled: dict[str, ChatSession] = {}
        self.is_on = True

    def answered(self, session: ChatSession) -> None:
        """A chat has an answer more."""
        shown = session.shown
        if self.is_on and _is_untitled(session) and len(shown) == 2 and _is_whole(shown[1]):
            self._untitled[session.chat.id] = session

    def ask(self, store: Store, server: EngineServer) -> None:
        """No answer is on its way; call `stop` as soon as one is."""
        self.stop()
        if self._untitled:
            self._asking = self._tasks.start(self._title_all(store, server))

    def stop(self) -> None:
        """The model has something better to do."""
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None

    async def _title_all(self, store: Store, server: EngineServer) -> None:
        await asyncio.sleep(IDLE_S)
        for chat_id, session in list(self._untitled.items()):
            if self.is_on and _is_untitled(session):
                await self._title(store, session, server)
            del self._untitled[chat_id]  # not before: it may have been stopped, and is then asked for again

    async def _title(self, store: Store, session: ChatSession, server: EngineServer) -> None:
        shown = session.shown
        system = str(shown[-1].about.sampling.get("system_prompt", "")) if len(shown) else ""
        turns = titles.turns_with(system, session.turns())
        try:
            title = await titles.ask_title(turns, partial(self._asker.stream, server, titles.SAMPLING))
            if title and await store.list.rename(session.chat.id, title, TitledBy.MODEL):
                await session.refresh()
                self._on_titled(session)
        except UserFacingError as error:
            _log.warning("%s", error)  # it has its first line for a title


def _is_untitled(session: ChatSession) -> bool:
    return session.chat.titled_by in (TitledBy.NOBODY, TitledBy.FIRST_LINE)


def _is_whole(answer: Message) -> bool:
    return answer.role == "assistant" and answer.state in (State.COMPLETE, State.CUT) and bool(answer.text)
