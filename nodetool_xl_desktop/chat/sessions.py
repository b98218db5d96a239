"""The chats that are open: the one that is looked at, and those whose answers go on behind it."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from functools import partial

from nodetool_xl_desktop.chat.session import ChatSession
from nodetool_xl_desktop.store.records import Chat, State
from nodetool_xl_desktop.store.store import Store


class Sessions:
    """Opens chats, each of them once: who looks at one sees the answer that is being written in it.

    Args:
        store: where they are kept.
        on_change: hears of each session that changed: see `ChatSession`.
        on_calls: hears of each session of which a call waits for a person, runs, or does neither any more.
    """

    def __init__(
        self,
        store: Store,
        on_change: Callable[[ChatSession], None],
        on_calls: Callable[[ChatSession], None] | None = None,
    ) -> None:
        self._store = store
        self._on_change = on_change
        self._on_calls = on_calls
        # A session lives as long as somebody looks at it, or an answer of it is being read.
        self._open: weakref.WeakValueDictionary[str, ChatSession] = weakref.WeakValueDictionary()
        self._answering: dict[str, ChatSession] = {}

    @property
    def answering(self) -> dict[str, ChatSession]:
        """Those that are being answered, by the id of their chat, the one that was asked first before the others."""
        return self._answering

    @property
    def waiting(self) -> dict[str, ChatSession]:
        """Those of which a tool call waits for a person, by the id of their chat, in the same order."""
        return {chat: session for chat, session in self._answering.items() if session.calls.waiting}

    async def open(self, chat_id: str) -> ChatSession:
        """A chat of the store.

        Raises:
            StoreError: it is not there, or cannot be read.
        """
        if (session := self._open.get(chat_id)) is not None:
            return session
        opened = await self._store.open_chat(chat_id)
        if (session := self._open.get(chat_id)) is None:  # else somebody else was as quick
            session = self._open[chat_id] = ChatSession(self._store, opened, self._changed)
            if self._on_calls is not None:
                session.calls.on_change = partial(_tell_of, weakref.ref(session), self._on_calls)
        return session

    async def new(self, folder: str | None = None) -> ChatSession:
        """A chat that was not there.

        Args:
            folder: the id of the folder that it lies in.

        Raises:
            StoreError: it could not be written.
        """
        made: Chat = await self._store.list.new(folder=folder)
        return await self.open(made.id)

    def opened(self, chat_id: str) -> ChatSession | None:
        """A chat, if it is open."""
        return self._open.get(chat_id)

    def waits_for(self, session: ChatSession) -> ChatSession | None:
        """Whose answer has to end before the engine begins with this one's; None where it has begun.

        A model answers as many chats at once as it has slots, and the others in the order in which they asked.
        """
        asked, answer = session.asked, session.answer
        if asked is None or answer is None or session.progress or answer.message.state is not State.WAITING:
            return None
        before = []
        for other in self._answering.values():
            if other is session:
                break
            if other.calls.is_busy:  # it waits for a person or a tool, and not for the model
                continue
            if other.asked is not None and other.asked.model == asked.model is not None:
                before.append(other)
        return before[len(before) - asked.slots] if len(before) >= asked.slots else None

    def _changed(self, session: ChatSession) -> None:
        if session.is_answering:
            self._answering.setdefault(session.chat.id, session)
        else:
            self._answering.pop(session.chat.id, None)
        self._on_change(session)


def _tell_of(session: weakref.ref[ChatSession], hear: Callable[[ChatSession], None]) -> None:
    """Its calls belong to a session: it must not be kept by what they tell."""
    if (alive := session()) is not None:
        hear(alive)
