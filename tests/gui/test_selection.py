"""What is selected over the messages of a chat, by mouse and by keys, and what of it is copied."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator

import pytest
from conftest import until
from PySide6.QtCore import QCoreApplication, QEvent, QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMainWindow, QWidget

from nodetool_xl_desktop.store.parts import Text
from nodetool_xl_desktop.store.records import Message, State
from nodetool_xl_desktop.store.tree import Versions
from nodetool_xl_desktop.ui.markdown.markdown_view import MarkdownView
from nodetool_xl_desktop.ui.theme import Theme
from nodetool_xl_desktop.ui.transcript.transcript import Transcript

CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
NONE, LEFT = Qt.KeyboardModifier.NoModifier, Qt.MouseButton.LeftButton


def asked(name: str, text: str) -> Message:
    return Message(name, None, "user", (Text(text),))


def answered(name: str, text: str, state: State = State.COMPLETE) -> Message:
    return Message(name, None, "assistant", (Text(text),), state)


def alone(message_id: str) -> Versions:
    return Versions((message_id,), 0)


TALK = [
    asked("q0", "First question?"),
    answered("a0", "It is **two**, `2`.\n\n- one\n- two\n\nAnd [more](https://example.org)."),
    asked("q1", "Second question?"),
    answered("a1", "The end of it."),
]


@pytest.fixture
def window(qapp: QApplication, loop: asyncio.AbstractEventLoop) -> Iterator[QMainWindow]:
    made = QMainWindow()
    theme = Theme(qapp)
    made.setCentralWidget(Transcript(theme))
    made.resize(780, 700)
    made.show()
    made.activateWindow()
    settle()
    yield made
    made.centralWidget().watch(None)
    made.close()
    made.deleteLater()
    theme.deleteLater()
    settle()


@pytest.fixture
def transcript(window: QMainWindow) -> Transcript:
    found = window.centralWidget()
    assert isinstance(found, Transcript)
    return found


def settle() -> None:
    for _ in range(6):
        QApplication.processEvents()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def text_of(transcript: Transcript, name: str) -> MarkdownView:
    return next(view.texts[0] for view in transcript.message_views if view.message.id == name)


def point(view: MarkdownView, offset: int, leaf: int = 0, section: int = 0) -> QPoint:
    """Where the caret before this letter stands."""
    place = view.place_at(QPoint(0, 0))._replace(section=section, leaf=leaf, offset=offset)
    return view.rect_of(place).center().toPoint()


def drag(start: QWidget, begin: QPoint, end: QWidget, to: QPoint, modifier: Qt.KeyboardModifier = NONE) -> None:
    """As Qt sends it: the view in which the mouse went down gets all of it."""
    QTest.mousePress(start, LEFT, modifier, begin)
    there = start.mapFromGlobal(end.mapToGlobal(to))
    for share in (0.3, 0.7, 1.0):
        move(start, begin + (there - begin) * share)
    QTest.mouseRelease(start, LEFT, modifier, there)


def move(view: QWidget, to: QPoint) -> None:
    from PySide6.QtCore import QPointF  # noqa: PLC0415
    from PySide6.QtGui import QMouseEvent  # noqa: PLC0415

    everywhere = QPointF(view.mapToGlobal(to))
    QApplication.sendEvent(
        view, QMouseEvent(QEvent.Type.MouseMove, QPointF(to), everywhere, Qt.MouseButton.NoButton, LEFT, NONE)
    )


def show(transcript: Transcript, messages: list[Message]) -> None:
    transcript.show_chat(messages, alone)
    transcript.go_to(0)
    settle()


def test_a_drag_over_messages(transcript: Transcript) -> None:
    show(transcript, TALK)
    first, last = text_of(transcript, "q0"), text_of(transcript, "a1")
    drag(first, point(first, 6), last, point(last, 7))
    assert transcript.selection == (
        "question?\n\nIt is two, 2.\n\n- one\n- two\n\nAnd more.\n\nSecond question?\n\nThe end"
    )
    QTest.keyClick(first, Qt.Key.Key_C, CONTROL)
    data = QGuiApplication.clipboard().mimeData()
    assert data.text() == transcript.selection
    assert "<strong>two</strong>" in data.html()
    assert "<script" not in data.html()
    markdown = bytes(data.data("text/markdown").data()).decode()
    assert "**two**" in markdown
    assert "[more](https://example.org)" in markdown
    drag(last, point(last, 7), first, point(first, 6))  # upwards
    assert transcript.selection.startswith("question?\n\nIt is")
    assert transcript.selection.endswith("The end")
    QTest.mouseClick(last, LEFT, NONE, point(last, 2))
    assert transcript.selection == ""


def test_words_paragraphs_and_more(transcript: Transcript) -> None:
    show(transcript, TALK)
    text = text_of(transcript, "a0")
    QTest.mouseDClick(text, LEFT, NONE, point(text, 7))
    assert transcript.selection == "two"
    QTest.mouseClick(text, LEFT, SHIFT, point(text, 3))
    assert transcript.selection == "is two"
    QTest.mouseClick(text, LEFT, NONE, point(text, 1))
    settle()
    QTest.mouseDClick(text, LEFT, NONE, point(text, 1))
    QTest.mousePress(text, LEFT, NONE, point(text, 1))
    QTest.mouseRelease(text, LEFT, NONE, point(text, 1))
    assert transcript.selection == "It is two, 2."
    other = text_of(transcript, "a1")
    QTest.mouseClick(other, LEFT, SHIFT, point(other, 3))
    assert transcript.selection.endswith("Second question?\n\nThe")


def test_keys_go_through_the_messages(transcript: Transcript) -> None:
    show(transcript, TALK)
    text = text_of(transcript, "q0")
    text.setFocus()
    QTest.keyClick(text, Qt.Key.Key_Home, CONTROL)
    for _ in range(2):
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Right, CONTROL | SHIFT)
    assert transcript.selection == "First question"
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_End, SHIFT)
    assert transcript.selection == "First question?"
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Right, SHIFT)
    for _ in range(2):
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Right, SHIFT)
    assert transcript.selection == "First question?\n\nIt"
    assert QApplication.focusWidget() is text_of(transcript, "a0")
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Left)
    assert transcript.selection == ""
    for _ in range(30):
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Down)
    assert QApplication.focusWidget() is text_of(transcript, "a1")
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Up, SHIFT)
    assert transcript.selection == "Second question?"


def test_ctrl_a_takes_the_message_and_then_the_chat(transcript: Transcript) -> None:
    show(transcript, TALK)
    text = text_of(transcript, "a1")
    text.setFocus()
    QTest.keyClick(text, Qt.Key.Key_A, CONTROL)
    assert transcript.selection == "The end of it."
    QTest.keyClick(text, Qt.Key.Key_A, CONTROL)
    assert transcript.selection.startswith("First question?\n\nIt is two")
    assert transcript.selection.endswith("The end of it.")


def test_it_stays_while_text_comes_and_views_go(transcript: Transcript) -> None:
    many = [
        message
        for at in range(60)
        for message in (asked(f"q{at}", f"Question {at}?"), answered(f"a{at}", f"Answer {at}. " + "Words. " * 80))
    ]
    live = answered("live", "It begins", State.STREAMING)
    show(transcript, [*many, live])
    text = text_of(transcript, "q0")
    drag(text, point(text, 0), text_of(transcript, "q1"), point(text_of(transcript, "q1"), 8))
    before = transcript.selection
    assert before.startswith("Question 0?")
    assert before.endswith("Question")
    transcript.follow()
    text_of(transcript, "live").setFocus()  # what has the keys stays
    transcript.verticalScrollBar().setValue(transcript.verticalScrollBar().maximum() - 100)
    settle()
    assert "q0" not in [view.message.id for view in transcript.message_views]
    transcript.update_answer(answered("live", "It begins and goes on.", State.STREAMING))
    settle()
    assert transcript.selection == before
    transcript.go_to(0)
    settle()
    again = text_of(transcript, "q0")
    assert again is not text
    assert again.selection == "Question 0?"
    transcript.show_chat(many[2:], alone)  # what it began in is gone
    assert transcript.selection == ""


def test_it_grows_with_the_text_that_is_selected(transcript: Transcript) -> None:
    live = answered("live", "It begins", State.STREAMING)
    show(transcript, [asked("q", "Why?"), live])
    text = text_of(transcript, "live")
    drag(text, point(text, 0), text, point(text, 5))
    transcript.update_answer(answered("live", "It begins and\n\n1. goes on", State.STREAMING))
    assert transcript.selection == "It be"


async def test_beyond_an_edge_it_scrolls(transcript: Transcript) -> None:
    many = [answered(f"a{at}", f"Answer {at}. " + "Words. " * 80) for at in range(30)]
    transcript.show_chat(many, alone)
    transcript.go_to(0)
    await asyncio.sleep(0.05)
    text = text_of(transcript, "a0")
    bar = transcript.verticalScrollBar()
    QTest.mousePress(text, LEFT, NONE, point(text, 0))
    port = transcript.viewport()
    below = text.mapFromGlobal(port.mapToGlobal(QPoint(300, port.height() + 60)))
    move(text, below)
    await until(lambda: bar.value() > 1500, "it has scrolled", 10)
    QTest.mouseRelease(text, LEFT, NONE, below)
    value = bar.value()
    await asyncio.sleep(0.1)
    assert bar.value() == value
    assert "Answer 5." in transcript.selection


def test_a_large_selection_is_copied_beside_the_window(transcript: Transcript, loop: asyncio.AbstractEventLoop) -> None:
    many = [answered(f"a{at}", f"Answer {at}. " + "**Words** here. " * 400) for at in range(12)]
    show(transcript, many)
    text = text_of(transcript, "a0")
    text.setFocus()
    QGuiApplication.clipboard().setText("before")

    async def copy() -> None:
        for _ in range(2):
            QTest.keyClick(text, Qt.Key.Key_A, CONTROL)
        QTest.keyClick(text, Qt.Key.Key_C, CONTROL)
        await until(lambda: QGuiApplication.clipboard().text() != "before", "it is copied", 20)

    loop.run_until_complete(copy())
    assert QGuiApplication.clipboard().text().count("Words here.") == 12 * 400


def test_a_program_that_has_copied_ends_in_order() -> None:
    """The clipboard outlives Python: what Python made of it may not stay there."""
    script = """
from PySide6.QtCore import QMimeData
from nodetool_xl_desktop import app
from nodetool_xl_desktop.ui.markdown import clipboard
qt = app.application()
data = QMimeData()
data.setHtml("<b>rich</b>")
data.setText("plain")
qt.clipboard().setMimeData(data)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
