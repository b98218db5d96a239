"""What a person does to messages that are there: edited, answered again, continued, deleted, forked, another version.

Nothing is overwritten by any of it: each makes a branch beside the others, or shows another one.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QCursor
from PySide6.QtWidgets import QMenu

from nodetool_xl_desktop.chat.editing import with_text
from nodetool_xl_desktop.chat.session import Asked, ChatSession
from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.store.parts import Attachment
from nodetool_xl_desktop.store.records import Message
from nodetool_xl_desktop.ui.chat_flow import ChatFlow
from nodetool_xl_desktop.ui.composer.attachment_reading import to_look_at
from nodetool_xl_desktop.ui.composer.attachment_viewer import SIZE, AttachmentViewer
from nodetool_xl_desktop.ui.model_flow import ModelFlow
from nodetool_xl_desktop.ui.parts import caption
from nodetool_xl_desktop.ui.undo_bar import UndoBar


class BranchFlow(QObject):
    """Answers the wishes of the transcript.

    Args:
        chats: whose chat is shown.
        undo: offers to take back a deletion.
        models: offers models to answer instead.
    """

    #: A message is to be answered with other sampling, which has to be set first.
    sampling_wanted = Signal()

    def __init__(self, chats: ChatFlow, undo: UndoBar, models: ModelFlow) -> None:
        super().__init__(chats)
        self._chats = chats
        self._undo = undo
        self._models = models
        transcript = chats.pane.transcript
        transcript.edit_requested.connect(self._edit)
        transcript.regenerate_requested.connect(self.regenerate)
        transcript.regenerate_with_model_requested.connect(self._answer_with)
        transcript.regenerate_with_sampling_requested.connect(lambda _message: self.sampling_wanted.emit())
        transcript.file_requested.connect(lambda file: chats.do(self._show_file(file)))
        transcript.continue_requested.connect(self._continue)
        transcript.switch_requested.connect(lambda to: chats.change(lambda session: session.switch(to)))
        transcript.delete_requested.connect(lambda message: chats.change(self._deleting(message)))
        transcript.fork_requested.connect(lambda message: chats.change(self._forking(message)))
        transcript.quote_requested.connect(chats.pane.composer.quote)

    def regenerate(self, message: str) -> None:
        """Have a question answered once more, by the loaded model and with what the presets say now.

        Args:
            message: the question, or an answer to it; nothing happens where another chat is shown by now.
        """
        session = self._chats.session
        if session is None or message not in session.tree:
            return

        async def work(session: ChatSession, asked: Asked) -> Message:
            return await session.regenerate(message, asked)

        question = message if session.message(message).role == "user" else session.tree[message].parent
        self._chats.ask(session.up_to(question) if question is not None else (), (), work)

    def _answer_with(self, message: str) -> None:
        """Offer the models, and have a message answered by the one that is chosen."""
        session = self._chats.session
        menu = QMenu(self._chats.pane)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)

        def regenerate() -> None:
            if self._chats.session is session:  # else they went on to another chat while it was loaded
                self.regenerate(message)

        def add(name: str, work: Callable[[], object]) -> None:
            menu.addAction(caption(name)).triggered.connect(lambda _checked=False: work())

        self._models.fill(add, regenerate)
        menu.popup(QCursor.pos())

    async def _show_file(self, file: Attachment) -> None:
        """Show what was sent along."""
        assert self._chats.store is not None
        text, picture = await to_look_at(self._chats.store, file, 2 * SIZE[0])
        facts = units.file_size(file.size)
        AttachmentViewer(file.name, facts, text, picture, self._chats.pane.window(), is_sent=True).open()

    @property
    def can_regenerate_last(self) -> bool:
        """Whether something was said, and nothing is being answered."""
        return bool(self._chats.shown) and not self._chats.can_stop

    @property
    def can_continue_last(self) -> bool:
        """Whether there is an answer that could go on."""
        return self.can_regenerate_last and self._chats.shown[-1].role == "assistant"

    def regenerate_last(self) -> None:
        """The same for the last message that is shown."""
        if self._chats.shown:
            self.regenerate(self._chats.shown[-1].id)

    def continue_last(self) -> None:
        """Have the last answer go on at its end."""
        if self._chats.shown and self._chats.shown[-1].role == "assistant":
            self._continue(self._chats.shown[-1].id)

    def _continue(self, message: str) -> None:
        shown = self._chats.session
        if shown is None:
            return

        async def work(session: ChatSession, asked: Asked) -> Message:
            return await session.continue_answer(message, asked)

        self._chats.ask(shown.up_to(message), (), work)

    def _edit(self, message: str, text: str, ask: bool) -> None:
        session = self._chats.session
        if session is None:
            return
        said = with_text(session.message(message).parts, text)
        if not ask:
            self._chats.change(lambda shown: shown.edit(message, said))
            return

        async def work(shown: ChatSession, asked: Asked) -> Message:
            return await shown.ask_instead(message, said, asked)

        self._chats.ask(session.up_to(message)[:-1], said, work)

    def _deleting(self, message: str) -> Callable[[ChatSession], Coroutine[Any, Any, None]]:
        async def delete(session: ChatSession) -> None:
            if session.answer is not None and session.answer.id in session.tree.below(message):
                await self._chats.stopped(session)
            await session.delete(message)
            self._undo.offer(tr("Message deleted"), lambda: self._take_back(session, message))

        return delete

    def _take_back(self, session: ChatSession, message: str) -> None:
        if session is not self._chats.session:
            self._chats.open(session.chat.id)
        self._chats.do(session.undo_delete(message))

    def _forking(self, message: str) -> Callable[[ChatSession], Coroutine[Any, Any, None]]:
        async def fork(session: ChatSession) -> None:
            assert self._chats.store is not None
            made = await self._chats.store.fork(session.chat.id, message)
            self._chats.chat_changed.emit(made.id)
            self._chats.open(made.id)

        return fork
