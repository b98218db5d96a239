"""The middle of the window: the model on top, the chat, and the composer below."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QPushButton,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from nodetool_xl_desktop.chat.session import ChatSession
from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.engine.client import Sampling
from nodetool_xl_desktop.engine.events import Event
from nodetool_xl_desktop.engine.states import Broken, Empty, Ending, Ready, Starting, State
from nodetool_xl_desktop.fit.options import LoadSettings
from nodetool_xl_desktop.library.models import title
from nodetool_xl_desktop.provider import XLlamaCppProvider
from nodetool_xl_desktop.ui.composer import Composer
from nodetool_xl_desktop.ui.notice import Notice
from nodetool_xl_desktop.ui.parts import caption, label
from nodetool_xl_desktop.ui.tasks import Tasks
from nodetool_xl_desktop.ui.theme import SPACE_L, SPACE_M, SPACE_S, SPACE_XL, Theme
from nodetool_xl_desktop.ui.transcript import COLUMN_WIDTH, Transcript
from nodetool_xl_desktop.ui.welcome import Welcome

DOTS = {Ready: "accent", Starting: "warning", Ending: "warning", Broken: "bad", Empty: "others"}


class ChatPane(QWidget):
    """Shows one chat and asks the loaded model.

    Args:
        theme: the theme in force.
        tasks: where answers run.
        provider: what answers.
    """

    #: A message was sent while no model was loaded: load one, then call `send`.
    model_needed = Signal(str)
    #: Load this model (None: the selected one).
    load_requested = Signal(object)
    open_requested = Signal()
    new_chat_requested = Signal()
    #: An answer is complete, stopped or failed.
    answer_ended = Signal()

    def __init__(self, theme: Theme, tasks: Tasks, provider: XLlamaCppProvider) -> None:
        super().__init__()
        self._theme = theme
        self._tasks = tasks
        self._provider = provider
        self._answer: asyncio.Task[None] | None = None
        self._state: State = Empty()
        self._selected = ""
        self.session = ChatSession()
        self.sampling = Sampling()
        #: Called with every event of an answer, as it comes.
        self.on_event: Callable[[Event], None] = lambda _: None
        self.transcript = Transcript(theme)
        self.transcript.load_requested.connect(self._load_again)
        self.transcript.new_chat_requested.connect(self.new_chat_requested)
        self.composer = Composer(theme)
        self.composer.send_requested.connect(self.send)
        self.composer.stop_requested.connect(self.stop)
        self.welcome = Welcome()
        self.welcome.load_requested.connect(lambda: self.load_requested.emit(None))
        self.welcome.open_requested.connect(self.open_requested)
        self.pill = QToolButton()
        self._lay_out()
        theme.changed.connect(self._refresh)
        self._refresh()

    def _lay_out(self) -> None:
        self._status = label("", "note")
        self._new = QPushButton("New chat")
        self._new.clicked.connect(self.new_chat_requested)
        self.pill.setObjectName("modelPill")
        self.pill.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.pill.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.pill.setToolTip("Choose a model (Ctrl+L)")
        top = QFrame()
        top.setObjectName("topBar")
        bar = QHBoxLayout(top)
        bar.setContentsMargins(SPACE_L, SPACE_S, SPACE_L, SPACE_S)
        bar.setSpacing(SPACE_S + 2)
        bar.addWidget(self.pill)
        bar.addWidget(self._status, 1)
        bar.addWidget(self._new)
        self._pages = QStackedWidget()
        self._pages.addWidget(self.welcome)
        self._pages.addWidget(self.transcript)
        self._problem = Notice()
        self._problem.remedy_requested.connect(self._load_again)
        foot = QWidget()
        column = QVBoxLayout()
        column.setSpacing(SPACE_S)
        column.addWidget(self._problem)
        column.addWidget(self.composer)
        holder = QWidget()
        holder.setMaximumWidth(COLUMN_WIDTH + 2 * SPACE_L)
        holder.setLayout(column)
        column.setContentsMargins(0, 0, 0, 0)
        row = QHBoxLayout(foot)
        row.setContentsMargins(SPACE_XL, 0, SPACE_XL, SPACE_M + 4)
        row.addStretch(1)
        row.addWidget(holder, 1000)
        row.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(top)
        layout.addWidget(self._pages, 1)
        layout.addWidget(foot)

    @property
    def is_answering(self) -> bool:
        """Whether an answer is on its way."""
        return self._answer is not None and not self._answer.done()

    def show_state(self, state: State) -> None:
        """A model is loading, ready, failed or ending."""
        self._state = state
        if isinstance(state, Ready):
            self.transcript.hide_remedies()
        self.composer.set_hint("")
        self._refresh_problem()
        self._refresh()

    def show_selected(self, name: str) -> None:
        """The model that a load would take; empty for none."""
        self._selected = name
        self._refresh()

    def send(self, text: str) -> None:
        """Send a message to the loaded model, or ask for a model first."""
        if not self.send_if_ready(text) and not self.is_answering:
            self.model_needed.emit(text)

    def send_if_ready(self, text: str) -> bool:
        """Send a message if a model is loaded and has nothing else to answer; returns whether it was sent."""
        if self.is_answering or not isinstance(self._state, Ready):
            return False
        session, server = self.session, self._state.server
        ask = partial(
            self._provider.stream,
            model=server.model,
            load=LoadSettings.of(server.options),  # the one that is loaded, and no other
            sampling=self.sampling,
        )
        events = session.send(text, ask, author=title(server.model))
        self.composer.clear()  # not before the session has it
        self.composer.set_answering(True)
        for message in session.messages[-2:]:
            self.transcript.add(message)
        self._refresh()
        self._answer = self._tasks.start(self._read(events))
        self._answer.add_done_callback(lambda _task: self._ended(session))
        return True

    def stop(self) -> None:
        """Stop the answer that is on its way; what has come stays."""
        if self._answer is not None:
            self._answer.cancel()

    async def answered(self) -> None:
        """Wait until the answer that is on its way is complete, stopped or failed."""
        if self._answer is not None:
            await asyncio.wait([self._answer])

    def new_chat(self) -> None:
        """Begin anew."""
        self.stop()
        self.session = ChatSession()
        self.transcript.clear()
        self._refresh_problem()
        self._refresh()
        self.composer.setFocus()

    async def _read(self, events: AsyncGenerator[Event, None]) -> None:
        async with contextlib.aclosing(events):
            async for event in events:
                self.on_event(event)

    def _ended(self, session: ChatSession) -> None:
        """The answer is complete, failed, or was stopped, perhaps before its first step."""
        session.settle()
        self.transcript.refresh()
        self.composer.set_answering(False)
        question, answer = session.messages[-2:]
        if answer.error is not None and not answer.text and not self.composer.text:
            self.composer.set_text(question.text)  # nothing came of it: it can be mended and sent again
        self._refresh_problem()
        self.answer_ended.emit()

    def _refresh_problem(self) -> None:
        """Say why the model is not loaded, unless the last answer says it already."""
        state = self._state
        told = self.session.messages[-1].error if self.session.messages else None
        if isinstance(state, Broken) and state.error is not told and not self.is_answering:
            self._problem.tell_error(state.error, remedy="Load again")
        else:
            self._problem.hide()

    def _load_again(self) -> None:
        """The model that broke, whatever is selected."""
        self.load_requested.emit(self._state.model if isinstance(self._state, Broken) else None)

    def _refresh(self) -> None:
        state = self._state
        named = state.model if isinstance(state, Starting | Ready | Broken | Ending) else None
        self.pill.setAccessibleName("Model")
        self.pill.setText(f"{caption(title(named) if named else self._selected or 'Choose a model')}  ▾")
        self.pill.setIcon(self._theme.icon("circle-fill", DOTS[type(state)]))
        self._new.setIcon(self._theme.icon("plus"))
        self._status.setText(self._status_text(state))
        empty = not any(message.role != "system" for message in self.session.messages)
        self._pages.setCurrentWidget(self.welcome if empty else self.transcript)
        self.welcome.show_state(state, self._selected)

    @staticmethod
    def _status_text(state: State) -> str:
        match state:
            case Starting():
                return f"Loading ... {state.progress:.0%}"
            case Ready():
                return f"Ready · {units.tokens(state.server.context_length)}"
            case Ending():
                return "Ejecting ..."
        return "Not loaded"
