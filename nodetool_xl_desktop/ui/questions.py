"""From what a person set for a chat to a question that can be asked there: presets, tools, room in the context; and the
chat itself, where it begins with the question.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from nodetool_xl_desktop.chat.asker import Asker
from nodetool_xl_desktop.chat.session import Asked, ChatSession
from nodetool_xl_desktop.chat.sessions import Sessions
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.engine.server import EngineServer
from nodetool_xl_desktop.store.parts import Part
from nodetool_xl_desktop.store.records import Message
from nodetool_xl_desktop.store.store import Store
from nodetool_xl_desktop.ui.context.context_flow import ContextFlow
from nodetool_xl_desktop.ui.presets.preset_flow import PresetFlow


class Questions:
    """Makes them ready.

    Args:
        asker: asks the model.
        presets: how it is asked.
        context: sees to it that what is asked fits.
    """

    def __init__(self, asker: Asker, presets: PresetFlow, context: ContextFlow) -> None:
        self._asker = asker
        self._presets = presets
        self._context = context

    async def asked(
        self,
        store: Store,
        session: ChatSession | None,
        shown: Sequence[Message],
        said: Sequence[Part],
        server: EngineServer,
        is_shown: Callable[[], bool],
        again: Callable[[], None],
    ) -> Asked | None:
        """The loaded model with what is set for a chat; None where it is not asked: the person called it off as it
        would not fit, or went on to another chat, and what was typed is a draft in this one.

        Args:
            store: has the presets and files.
            session: the chat; None for one that is not on the disk yet.
            shown: what comes before the question.
            said: the question; with nothing the last one of `shown`.
            server: the model.
            is_shown: whether the person still looks at the chat.
            again: asks once more, after the model was loaded with a larger context.

        Raises:
            UserFacingError: what is set cannot be read, or cannot be used.
        """
        await self._presets.saved()
        new = self._presets.values_for_new_chat() if session is None else None
        chat_id = session.chat.id if session is not None else ""
        how = await self._asker.how(store, server, chat_id, new)
        offer = await self._asker.offer(store, how, chat_id, shown, said)
        if not is_shown():
            return None
        more = await self._context.make_room(shown, said, how, offer, again)
        return None if more is None else self._asker.asked(server, how, more, offer)

    async def new_chat(
        self, sessions: Sessions, folder: str | None, tell: Callable[[UserFacingError], None]
    ) -> ChatSession:
        """The chat that begins with the question, with what was set and chosen for it before it was on the disk.

        Args:
            sessions: opens it.
            folder: the id of the one that it lies in.
            tell: hears what could not be kept; it holds all the same, until the program ends.

        Raises:
            StoreError: it could not be written.
        """
        session = await sessions.new(folder)
        await self._presets.keep_for_new_chat(session.chat.id)
        try:
            await self._asker.toolbox.adopt(session.chat.id)
        except UserFacingError as error:
            tell(error)
        return session
