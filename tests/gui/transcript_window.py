"""A transcript in a window of its own, with messages and real tool calls, for tests of what is drawn in an answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QCoreApplication, QEvent, QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QMainWindow

from nodetool_xl_desktop.chat.calls import Calls, Decision
from nodetool_xl_desktop.engine.events import Speed, ToolStarted, Usage
from nodetool_xl_desktop.store.parts import Part, Text, ToolUse
from nodetool_xl_desktop.store.records import About, Message, ModelIdentity, State
from nodetool_xl_desktop.store.tree import Versions
from nodetool_xl_desktop.tools import CalculatorTool
from nodetool_xl_desktop.ui.markdown.markdown_view import MarkdownView
from nodetool_xl_desktop.ui.theme import Theme
from nodetool_xl_desktop.ui.transcript.message_view import AnswerView
from nodetool_xl_desktop.ui.transcript.tool_card import ToolCard
from nodetool_xl_desktop.ui.transcript.transcript import Transcript

ABOUT = About(
    model=ModelIdentity("m", "Model", "/models/m.gguf", 4_900_000_000),
    usage=Usage(412, 318, 256),
    speed=Speed(310.0, 41.8),
    first_token_s=0.21,
    pieces=318,
)
QUESTION = Message("q", None, "user", (Text("Why?"),))


def answer(*parts: Part, state: State = State.STREAMING, name: str = "a", **about: Any) -> Message:
    return Message(name, "q", "assistant", parts, state, 1, replace(ABOUT, **about))


def call(name: str = "c1", arguments: str = '{"expression": "2 + 3"}', **more: Any) -> ToolUse:
    return ToolUse(name, "calculator", arguments, **more)


def alone(message_id: str) -> Versions:
    return Versions((message_id,), 0)


def settle() -> None:
    for _ in range(6):
        QApplication.processEvents()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def settle_all(view: MarkdownView) -> None:
    """Until a long text is cut to its end, however many turns this machine takes for that."""
    deadline = time.monotonic() + 60
    while not view._page.is_done:
        assert time.monotonic() < deadline, "it is still being cut"
        settle()
    settle()


class Sight:
    """The window, and what a person sees in it."""

    def __init__(self, qapp: QApplication) -> None:
        self.theme = Theme(qapp)
        self.window = QMainWindow()
        self.transcript = Transcript(self.theme)
        self.window.setCentralWidget(self.transcript)
        self.window.resize(780, 700)
        self.window.show()
        self.window.activateWindow()
        self.calls = Calls()
        self.calls.on_change = self.transcript.calls_changed
        self.transcript.set_calls(self.calls)
        self._deciding: list[asyncio.Task[Decision]] = []

    def show(self, *messages: Message) -> None:
        self.transcript.show_chat([QUESTION, *messages], alone)

    def close(self) -> None:
        self.transcript.watch(None)
        self.window.close()
        self.window.deleteLater()
        self.theme.deleteLater()
        settle()

    @property
    def answer(self) -> AnswerView:
        (view,) = [view for view in self.transcript.alive.values() if isinstance(view, AnswerView)]
        return view

    @property
    def card(self) -> ToolCard:
        (card,) = self.answer.cards
        return card

    def words(self, widget: Any = None) -> str:
        labels = (widget or self.answer).findChildren(QLabel)
        return " | ".join(label.text() for label in labels if label.isVisible() and label.text())

    def top(self, widget: Any) -> int:
        return int(widget.mapTo(self.transcript.viewport(), QPoint(0, 0)).y())

    def ask(self, call_id: str = "c1") -> asyncio.Task[Decision]:
        """A call waits for the person from now on, as the tool loop has it wait."""
        task = asyncio.get_running_loop().create_task(self.calls.decision(call_id, CalculatorTool()))
        self._deciding.append(task)
        return task

    def run(self, call_id: str = "c1") -> list[str]:
        """A call runs from now on; what is returned has its id once it was stopped."""
        stopped: list[str] = []
        self.calls.can_stop(call_id, lambda: stopped.append(call_id))
        self.calls.note(ToolStarted(call_id))
        return stopped


def opened(qapp: QApplication) -> Iterator[Sight]:
    sight = Sight(qapp)
    settle()
    yield sight
    sight.close()


def click(widget: Any) -> None:
    QTest.mouseClick(widget, Qt.MouseButton.LeftButton)


def press(key: Qt.Key, held: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    """Press a key where the keys go."""
    focused = QApplication.focusWidget()
    assert focused is not None
    QTest.keyClick(focused, key, held)


def shown_parts(texts: Sequence[str]) -> tuple[Part, ...]:
    return tuple(Text(text) for text in texts)
