"""What happens to chats between the list, the pane and the store: one is opened, answered, changed, left.

Answers belong to their chat and not to what is on the screen: showing another chat stops nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial
from typing import Any

from PySide6.QtCore import QObject, Signal

from nodetool_xl_desktop.chat.asker import Asker
from nodetool_xl_desktop.chat.session import Asked, ChatSession
from nodetool_xl_desktop.chat.sessions import Sessions
from nodetool_xl_desktop.chat.turns import says_nothing
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.engine.events import PromptProgress
from nodetool_xl_desktop.engine.server import EngineServer
from nodetool_xl_desktop.engine.states import Ready, State
from nodetool_xl_desktop.store.errors import StoreError
from nodetool_xl_desktop.store.parts import Part, Text, same
from nodetool_xl_desktop.store.records import Message, TitledBy
from nodetool_xl_desktop.store.store import Store
from nodetool_xl_desktop.ui.actions import action_of
from nodetool_xl_desktop.ui.answers import Answer, Answers
from nodetool_xl_desktop.ui.chat_pane import ChatPane
from nodetool_xl_desktop.ui.context.context_flow import ContextFlow
from nodetool_xl_desktop.ui.drafts import NEW, Drafts
from nodetool_xl_desktop.ui.new_draft import NewDraft
from nodetool_xl_desktop.ui.presets.preset_flow import PresetFlow
from nodetool_xl_desktop.ui.questions import Questions
from nodetool_xl_desktop.ui.tasks import Tasks
from nodetool_xl_desktop.ui.title_flow import TitleFlow

#: So many messages are looked through for what Up brings back in the composer.
RECALLED = 200

#: Has something of a chat answered.
Asking = Callable[[ChatSession, Asked], Coroutine[Any, Any, Message]]


class ChatFlow(QObject):
    """Answers the wishes of the composer, the transcript and the list of chats.

    Args:
        pane: shows the chat.
        tasks: where answers run.
        asker: asks the model.
        presets: how it is asked.
        context: sees to it that what is asked fits.

    Attributes:
        store: where chats are kept; None until it is open.
        session: the chat that is shown; None for one in which nothing was said yet.
    """

    #: A message was sent while no model was loaded: load one, then call `send_written`.
    model_needed = Signal()
    #: Something is asked in some chat.
    asked = Signal()
    #: An answer is complete, stopped or failed.
    answer_ended = Signal()
    #: Another chat is shown: its id, empty for one in which nothing was said yet.
    shown_changed = Signal(str)
    #: Something that the list of chats shows is another: the id.
    chat_changed = Signal(str)
    #: In some chat a tool call waits for the person, runs, or does neither any more.
    calls_changed = Signal()

    def __init__(self, pane: ChatPane, tasks: Tasks, asker: Asker, presets: PresetFlow, context: ContextFlow) -> None:
        super().__init__(pane)
        self.pane = pane
        self._tasks = tasks
        self.asker = asker
        self._presets = presets
        self._context = context
        self._answers = Answers()
        self._drafts = Drafts()
        self._new_draft = NewDraft(self._drafts, pane.composer, lambda: self.session is None, self.do)
        self._questions = Questions(asker, presets, context)
        self._opening: asyncio.Task[None] | None = None
        self._is_open = asyncio.Event()
        self._sessions: Sessions | None = None
        self.store: Store | None = None
        self.session: ChatSession | None = None
        #: The folder that a new chat lies in.
        self.folder: Callable[[], str | None] = lambda: None
        self.titles = TitleFlow(tasks, asker, lambda session: self.chat_changed.emit(session.chat.id))
        composer = pane.composer
        composer.send_requested.connect(self.send)
        composer.stop_requested.connect(self.stop)
        composer.draft_changed.connect(self._keep_draft)
        composer.attached_late.connect(lambda place, part: self.do(self._drafts.add(place, part)))
        pane.transcript.new_chat_requested.connect(self.ask_anew)
        pane.transcript.editor_changed.connect(self._drafts.keep_edit)

    async def use(self, store: Store) -> None:
        """Keep chats here from now on."""
        self.store = self._drafts.store = store
        self._sessions = Sessions(store, self._changed, self._calls_changed)
        self.pane.use(store)
        self._presets.set_store(store)
        self._context.use_store(store)
        self.asker.toolbox.use(store.list)
        self._is_open.set()
        if self.session is None:
            self._new_draft.show()

    # What is shown

    def show_state(self, state: State) -> None:
        """A model is loading, ready, failed or ending."""
        composer = self.pane.composer
        server = state.server if isinstance(state, Ready) else None
        composer.set_vision(server is not None and server.properties.vision)
        composer.set_counter(self.asker.counter(server) if server is not None else None)
        self._context.show_for(self.session)

    def new_chat(self) -> None:
        """Begin another chat; it is on the disk with its first message. The one that was shown goes on."""
        self._begin(())
        self.pane.composer.setFocus()

    def ask_anew(self) -> None:
        """Begin another chat with what stands in the composer, which the chat that is shown has no room for."""
        self._begin(self.pane.composer.parts)
        self.pane.composer.setFocus()

    def open(self, chat_id: str, at: str | None = None) -> None:
        """Show a chat, at its end or at one of its messages."""
        self._open_soon(self._open(chat_id, at))

    def left(self, chat_ids: Sequence[str]) -> None:
        """These chats are in the trash now: none of them is shown, nor answered any longer."""
        self._answers.stop_chats(chat_ids)
        if self.session is not None and self.session.chat.id in chat_ids:
            self._begin(())  # the keys stay in the list

    def renamed(self, chat_id: str) -> None:
        """This chat was given another title by the person."""
        if self._sessions is not None and (session := self._sessions.opened(chat_id)) is not None:
            self.do(session.refresh())

    @property
    def shown(self) -> Sequence[Message]:
        """What is shown of the chat."""
        return self.session.shown if self.session is not None else ()

    @property
    def answering(self) -> set[str]:
        """The chats that are being answered."""
        return set(self._sessions.answering) if self._sessions is not None else set()

    @property
    def waiting(self) -> Mapping[str, ChatSession]:
        """The chats in which a tool call waits for the person, by their ids."""
        return self._sessions.waiting if self._sessions is not None else {}

    def _open_soon(self, work: Coroutine[Any, Any, None]) -> None:
        """The last one that was wanted wins."""
        if self._opening is not None:
            self._opening.cancel()
        self._opening = self._tasks.start(work)

    async def _open(self, chat_id: str, at: str | None) -> None:
        await self._is_open.wait()
        assert self._sessions is not None
        try:
            session = await self._sessions.open(chat_id)
            if at is not None and at not in session.tree.path():
                await session.switch(at)
        except StoreError as error:
            self.pane.tell_problem(error)
            return
        await self._show(session, at)

    def _begin(self, carried: Sequence[Part]) -> None:
        """Show a chat in which nothing was said yet, at once: what is typed from now on is its."""
        self._put(None, carried)
        if self._opening is not None:  # another chat was about to be shown
            self._opening.cancel()
        self._new_draft.show()

    async def _show(self, session: ChatSession, at: str | None) -> None:
        assert self.store is not None
        said, edits = tuple[Part, ...](), dict[str, str]()
        try:
            said, edits = await self._drafts.of(session.chat.id), await self.store.edits(session.chat.id)
        except StoreError as error:
            self.pane.tell_problem(error)
        self._put(session, said, at)
        self.pane.transcript.show_edits(edits)

    def _put(self, session: ChatSession | None, said: Sequence[Part], at: str | None = None) -> None:
        self.session = session
        self.pane.composer.set_draft(said, self._place)
        self.pane.show_session(session, at)
        self.pane.transcript.set_calls(session.calls if session is not None else None)
        self._context.show_for(session)
        self._show_history()
        self._watch()
        self.shown_changed.emit(self._place)

    @property
    def _place(self) -> str:
        return self.session.chat.id if self.session is not None else NEW

    def _keep_draft(self, said: Sequence[Part]) -> None:
        if self.session is None:
            self._new_draft.keep(said)
        else:
            self._drafts.keep(self._place, said)

    # Answers

    @property
    def is_answering(self) -> bool:
        """Whether any answer is on its way."""
        return bool(self._answers)

    def send(self, said: str | Sequence[Part]) -> None:
        """Send a message to the loaded model, or ask for a model first."""
        parts: tuple[Part, ...] = (Text(said),) if isinstance(said, str) else tuple(said)
        if self._answers.of(self.session):
            return
        if isinstance(self.pane.state, Ready):
            self._start(Answer(self.session, parts, self.session is None), self._send)
        else:
            self.model_needed.emit()

    def send_written(self) -> None:
        """Send what stands in the composer, if a model is loaded."""
        if isinstance(self.pane.state, Ready) and (parts := self.pane.composer.parts):
            self.send(parts)

    @property
    def can_stop(self) -> bool:
        """Whether an answer is on its way in the chat that is shown."""
        return bool(self._answers.of(self.session))

    def stop(self) -> None:
        """Stop the answer of the chat that is shown; what has come stays."""
        self._answers.stop(self.session)

    def stop_all(self) -> None:
        """Stop every answer."""
        self.titles.stop()
        self._answers.stop_all()

    async def answered(self) -> None:
        """Wait until no answer is on its way."""
        await self._answers.ended()

    def _start(self, answer: Answer, work: Callable[[Answer, EngineServer], Coroutine[Any, Any, None]]) -> None:
        state = self.pane.state
        assert isinstance(state, Ready)
        self.titles.stop()
        task = self._tasks.start(work(answer, state.server), self.pane.tell_problem)
        self._answers.add(answer, task, lambda: self._ended(answer, state.server))
        self.asked.emit()

    async def _send(self, answer: Answer, server: EngineServer) -> None:
        if not self._is_open.is_set():
            self.pane.composer.set_hint(tr("It is sent as soon as the chats are open."))
            await self._is_open.wait()
            self.pane.composer.set_hint("")
        assert self.store is not None
        assert self._sessions is not None
        session = answer.session
        shown = session.shown if session is not None else ()
        is_shown, again = partial(self._is_shown, session), partial(self._send_again, session, answer.said)
        asked = await self._questions.asked(self.store, session, shown, answer.said, server, is_shown, again)
        if asked is None:
            return
        if session is None:
            session = await self._questions.new_chat(self._sessions, self.folder(), self.pane.tell_problem)
            answer.session = session
            if self.session is None:
                self.session = session
                self.pane.transcript.set_calls(session.calls)
                self.pane.composer.move_draft(session.chat.id)
                self._context.show_for(session)
                self.shown_changed.emit(session.chat.id)
        await session.send(answer.said, asked)

    def _is_shown(self, session: ChatSession | None) -> bool:
        return self.session is session

    def _send_again(self, session: ChatSession | None, said: Sequence[Part]) -> None:
        """Send what stands in the composer, unless the person went on to something else."""
        if self.session is session and same(self.pane.composer.parts, said):
            self.send(said)

    def ask(self, shown: Sequence[Message], said: tuple[Part, ...], work: Asking) -> None:
        """Have something of the chat that is shown answered by the loaded model.

        Args:
            shown: what comes before it.
            said: what is asked; with nothing the last question of `shown`.
            work: has it answered.
        """
        session = self.session
        if session is None or self._answers.of(session):
            return
        if not isinstance(self.pane.state, Ready):
            keys = action_of("model.choose").keys_text
            self.pane.composer.set_hint(tr("Load a model first ({keys}).", keys=keys))
            return

        def again() -> None:
            if self.session is session:  # else they went on to another chat
                self.ask(shown, said, work)

        async def answered(_answer: Answer, server: EngineServer) -> None:
            assert self.store is not None
            is_shown = partial(self._is_shown, session)
            asked = await self._questions.asked(self.store, session, shown, said, server, is_shown, again)
            if asked is not None:
                await work(session, asked)

        self._start(Answer(session), answered)

    def change(self, change: Callable[[ChatSession], Coroutine[Any, Any, object]]) -> None:
        """Change something of the chat that is shown; what goes wrong is told."""
        if self.session is not None:
            self.do(change(self.session))

    def do(self, work: Coroutine[Any, Any, object]) -> None:
        """Do something to a chat beside everything else; what goes wrong is told."""
        self._tasks.start(work, self.pane.tell_problem)

    async def stopped(self, session: ChatSession) -> None:
        """Stop the answer of a chat, and wait until it has stopped."""
        self._answers.stop(session)
        await self._answers.ended(session)

    def _ended(self, answer: Answer, server: EngineServer) -> None:
        session = answer.session
        if session is not None:
            self.chat_changed.emit(session.chat.id)
            if session is self.session:
                told = self.pane.problem
                self._take_back(session)
                self.pane.show_session(session)
                if told is not None:  # why it was not sent
                    self.pane.tell_problem(told)
            self.titles.answered(session)
        if not self._answers and self.store is not None and server is _loaded(self.pane):
            self.titles.ask(self.store, server)
        self.answer_ended.emit()

    def _take_back(self, session: ChatSession) -> None:
        """A question of whose answer nothing came can be mended and sent again."""
        last = session.shown[-1] if len(session.shown) else None
        if last is None or last.about.error is None or not says_nothing(last) or self.pane.composer.parts:
            return
        if (question := session.tree[last.id].parent) is not None:
            self.pane.composer.set_draft(session.message(question).parts, self._place)

    def _changed(self, session: ChatSession) -> None:
        """A session has a message more, shows others, or its answer ended."""
        for answer in self._answers:
            if answer.session is session and answer.said and session.answer is not None:
                self._sent(answer)
        self.chat_changed.emit(session.chat.id)
        if session is self.session:
            self.pane.show_session(session)
            self._context.look_again()
            self._watch()

    def _calls_changed(self, session: ChatSession) -> None:
        """A call waits for the person, runs, or does neither any more."""
        if session is self.session:
            self.pane.transcript.calls_changed()
            self._context.look_again()  # what a tool answered is part of the next prompt
        self.calls_changed.emit()

    def _sent(self, answer: Answer) -> None:
        """A question is on the disk: it leaves the composer, and what was typed since stays there."""
        composer, said = self.pane.composer, answer.said
        answer.said = ()
        if answer.session is not None and answer.session.chat.titled_by is TitledBy.NOBODY:
            self.do(answer.session.refresh())  # it has its first line for a title now
        if answer.session is self.session:
            if same(composer.parts, said):
                composer.clear()
            else:
                self._keep_draft(composer.parts)
            self._show_history()
        if answer.is_new:
            self.do(self._drafts.drop_new(said))

    def _show_history(self) -> None:
        """What Up brings back."""
        recent = self.shown[-RECALLED:]
        self.pane.composer.set_history([message.text for message in recent if message.role == "user"])

    def _watch(self) -> None:
        """Have the transcript draw the answer that is being written, if one is."""
        session = self.session
        self.pane.transcript.watch(partial(self._look, session) if session is not None and session.answer else None)

    def _look(self, session: ChatSession) -> tuple[Message, PromptProgress | None, str]:
        assert self._sessions is not None
        before = self._sessions.waits_for(session)
        note = tr("Waiting for the answer in “{title}” ...", title=before.chat.title) if before is not None else ""
        message = session.answer.message if session.answer is not None else session.shown[-1]
        return message, session.progress, note


def _loaded(pane: ChatPane) -> EngineServer | None:
    return pane.state.server if isinstance(pane.state, Ready) else None
