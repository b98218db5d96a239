"""What the window says of the chats on the disk, and taking back what was deleted."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import button, until
from PySide6.QtCore import QCoreApplication, QEvent, QPointF, Qt
from PySide6.QtGui import QEnterEvent, QShortcut
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit, QPushButton, QTextEdit, QToolButton, QVBoxLayout, QWidget

from nodetool_xl_desktop.store import errors as store_errors
from nodetool_xl_desktop.store.errors import StoreError
from nodetool_xl_desktop.store.records import Notice
from nodetool_xl_desktop.store.store import Store
from nodetool_xl_desktop.ui.inputs import NumberField
from nodetool_xl_desktop.ui.store_problem import StoreBanners, StoreProblem
from nodetool_xl_desktop.ui.theme import Theme
from nodetool_xl_desktop.ui.undo_bar import UndoBar

WHERE = Path("/somewhere/chats/chats.sqlite3")


@pytest.fixture
def theme(qapp: QApplication, qtbot: Any) -> Iterator[Theme]:
    made = Theme(qapp)
    yield made
    made.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def texts(widget: QWidget) -> str:
    return " ".join(each.text() for each in widget.findChildren(QLabel) if each.isVisible())


def buttons(widget: QWidget) -> list[str]:
    return [each.text() for each in widget.findChildren(QPushButton) if each.isVisible()]


@pytest.mark.parametrize(
    ("error", "can_begin_anew"),
    [
        (store_errors.damaged(WHERE, "row <5> missing"), True),
        (store_errors.not_a_store(WHERE), True),
        (store_errors.too_new(WHERE, 9, 1), False),
        (store_errors.in_use(WHERE), False),
        (store_errors.read_only(WHERE, "Permission denied"), False),
        (store_errors.full(WHERE), False),
    ],
)
def test_what_is_wrong_and_what_can_be_done(theme: Theme, qtbot: Any, error: StoreError, can_begin_anew: bool) -> None:
    problem = StoreProblem(theme)
    qtbot.addWidget(problem)
    problem.tell(error)
    problem.show()
    shown = texts(problem)
    assert error.what in shown
    assert error.why[1:] in shown
    assert error.hint[1:] in shown
    assert ("Begin a New Store" in buttons(problem)) is can_begin_anew
    assert ("chats.damaged-" in shown) is can_begin_anew
    assert {"Try Again", "Go On Without Saving"} <= set(buttons(problem))


def test_each_button_asks_once_until_it_is_told_again(theme: Theme, qtbot: Any) -> None:
    problem = StoreProblem(theme)
    qtbot.addWidget(problem)
    problem.show()
    asked: list[str] = []
    problem.retry_requested.connect(lambda: asked.append("retry"))
    problem.begin_anew_requested.connect(lambda: asked.append("anew"))
    problem.unsaved_requested.connect(lambda: asked.append("unsaved"))
    for text in ("Try Again", "Begin a New Store", "Go On Without Saving"):
        problem.tell(store_errors.not_a_store(WHERE))
        for _ in range(2):
            QTest.keyClick(button(problem, text), Qt.Key.Key_Space)
    assert asked == ["retry", "anew", "unsaved"]


async def test_a_real_store_that_is_none_is_begun_anew_and_the_old_file_named(
    theme: Theme, qtbot: Any, tmp_path: Path
) -> None:
    (tmp_path / "chats").mkdir()
    (tmp_path / "chats" / "chats.sqlite3").write_text("a letter to a friend")
    problem, banners = StoreProblem(theme), StoreBanners(theme)
    for widget in (problem, banners):
        qtbot.addWidget(widget)
    problem.show()
    with pytest.raises(StoreError) as caught:
        await Store.open(tmp_path / "chats")
    problem.tell(caught.value)
    agreed: list[bool] = []
    problem.begin_anew_requested.connect(lambda: agreed.append(True))
    QTest.mouseClick(button(problem, "Begin a New Store"), Qt.MouseButton.LeftButton)
    assert agreed
    store = await Store.open(tmp_path / "chats", begin_anew=True)
    banners.tell_notices(store.notices)
    (said,) = banners.texts
    kept = Path(said[said.index("The old file is kept: ") + 22 :].rstrip("."))
    assert await asyncio.to_thread(kept.read_text) == "a letter to a friend"
    await store.close()


def test_banners_come_and_go(theme: Theme, qtbot: Any) -> None:
    banners = StoreBanners(theme)
    qtbot.addWidget(banners)
    assert banners.isHidden()
    one, two = Notice("One", "because <b>so</b>", "Do it"), Notice("Two")
    banners.tell_notices([one, two])
    banners.tell_notices([one])
    banners.show()
    assert banners.texts == ["One Because <b>so</b>. Do it.", "Two"], "each once"
    banners.tell_problem(store_errors.full(WHERE))
    assert "tried again each second" in banners.texts[0]
    banners.tell_unsaved()
    assert banners.texts[0].startswith("Chats of this session are not kept")
    assert len(banners.texts) == 4
    banners.tell_problem(None)
    banners.tell_unsaved(False)
    assert banners.texts == ["One Because <b>so</b>. Do it.", "Two"]
    for left in (["Two"], []):
        dismiss = next(each for each in banners.findChildren(QToolButton) if each.isVisible())
        dismiss.setFocus()
        QTest.keyClick(dismiss, Qt.Key.Key_Space)
        assert banners.texts == left
    assert banners.isHidden()


# Taking back


class Area:
    """A chat with a composer, in a window, and the bar over it."""

    def __init__(self, theme: Theme, stays_ms: int) -> None:
        self.window = QWidget()
        self.window.resize(700, 400)
        self.chat = QWidget()
        self.text, self.line = QTextEdit(), QLineEdit()
        for outer, inner in ((self.window, [self.chat]), (self.chat, [self.text, self.line])):
            self.layout = QVBoxLayout(outer)
            for widget in inner:
                self.layout.addWidget(widget)
        self.bar = UndoBar(theme, self.chat, stays_ms=stays_ms)
        self.window.show()
        self.taken_back: list[str] = []

    def offer(self, what: str = "Message deleted") -> None:
        self.bar.offer(what, lambda: self.taken_back.append(what))


def area(theme: Theme, qtbot: Any, stays_ms: int = 10_000) -> Area:
    made = Area(theme, stays_ms)
    qtbot.addWidget(made.window)
    assert QTest.qWaitForWindowActive(made.window)
    return made


def test_the_button_takes_back_once(theme: Theme, qtbot: Any) -> None:
    at = area(theme, qtbot)
    assert at.bar.isHidden()
    at.offer("first")
    at.offer("second")
    assert at.bar.isVisible()
    assert at.chat.rect().contains(at.bar.geometry())
    undo = button(at.bar, "Undo")
    assert undo.accessibleName() == "second. Undo"
    undo.setFocus()
    QTest.keyClick(undo, Qt.Key.Key_Space)
    at.bar.take_back()
    assert at.taken_back == ["second"]
    assert at.bar.isHidden()


def test_it_stays_at_the_bottom_in_the_middle(theme: Theme, qtbot: Any) -> None:
    at = area(theme, qtbot)
    at.offer()
    for width in (700, 400):
        at.window.resize(width, 300)
        QApplication.processEvents()
        place = at.bar.geometry()
        assert abs(place.center().x() - at.chat.rect().center().x()) <= 1
        assert 0 < at.chat.height() - place.bottom() < 40
        assert place.left() >= 0


@pytest.mark.parametrize("where", ["text", "line"])
def test_the_key_takes_back_unless_the_text_has_something_of_its_own(theme: Theme, qtbot: Any, where: str) -> None:
    at = area(theme, qtbot)
    field: Any = getattr(at, where)
    field.setFocus()
    at.offer()
    QTest.keyClicks(field, "typed")
    QTest.keyClick(field, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert at.taken_back == []
    assert "typed" not in (field.toPlainText() if where == "text" else field.text())
    QTest.keyClick(field, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert at.taken_back == ["Message deleted"]
    QTest.keyClick(field, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert at.taken_back == ["Message deleted"], "once"


def test_a_number_that_is_being_typed_has_the_key_too(theme: Theme, qtbot: Any) -> None:
    at = area(theme, qtbot)
    number = NumberField("Number")
    number.setMaximum(10_000)
    number.setValue(512)
    at.layout.addWidget(number)
    number.show()
    number.setFocus()
    assert number.hasFocus()
    QTest.keyClick(number, Qt.Key.Key_End)
    at.offer()
    QTest.keyClicks(number, "7")
    QTest.keyClick(number, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert (at.taken_back, number.text()) == ([], "512")
    QTest.keyClick(number, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert at.taken_back == ["Message deleted"]


def test_it_is_handed_to_a_bar_that_is_seen_for_the_rest_of_its_time(theme: Theme, qtbot: Any) -> None:
    at = area(theme, qtbot, stays_ms=60_000)
    page = QWidget(at.window)
    other = UndoBar(theme, page)
    at.offer("first")
    at.bar.hand_to(other)
    assert at.bar.is_shown, "nobody would see it there"
    page.show()
    at.bar.hand_to(other)
    assert (at.bar.is_shown, other.is_shown) == (False, True)
    assert other.accessibleName() == "first"
    QTest.keyClick(at.text, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert at.taken_back == ["first"]
    at.bar.hand_to(other)
    assert not other.is_shown, "there is nothing to hand over"


def test_of_two_bars_the_key_is_for_what_was_done_last(theme: Theme, qtbot: Any) -> None:
    at = area(theme, qtbot)
    other = UndoBar(theme, at.window)
    at.offer("first")
    other.offer("second", lambda: at.taken_back.append("second"))
    QTest.keyClick(at.text, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert at.taken_back == ["second"]
    assert at.bar.isVisible()
    at.offer("third")
    QTest.keyClick(at.text, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert at.taken_back == ["second", "third"]


@pytest.mark.parametrize("gone", ["taken back", "dismissed"])
def test_after_the_last_one_the_key_is_for_the_one_before_that_is_still_offered(
    theme: Theme, qtbot: Any, gone: str
) -> None:
    at = area(theme, qtbot)
    other = UndoBar(theme, at.window)
    at.offer("first")
    other.offer("second", lambda: at.taken_back.append("second"))
    if gone == "taken back":
        QTest.keyClick(at.text, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    else:
        QTest.mouseClick(other.findChild(QToolButton), Qt.MouseButton.LeftButton)
    QTest.keyClick(at.text, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert at.taken_back == [*(["second"] if gone == "taken back" else []), "first"]
    assert at.bar.isHidden()
    assert other.isHidden()


def test_the_key_is_for_a_bar_that_is_seen(theme: Theme, qtbot: Any) -> None:
    at = area(theme, qtbot)
    page = QWidget(at.window)
    page.show()
    other = UndoBar(theme, page)
    at.offer("seen")
    other.offer("not seen", lambda: at.taken_back.append("not seen"))
    page.hide()
    QTest.keyClick(at.text, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert at.taken_back == ["seen"]
    QTest.keyClick(at.text, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert at.taken_back == ["seen"], "nobody sees what that would take back"
    page.show()
    QTest.keyClick(at.text, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert at.taken_back == ["seen", "not seen"]


def test_escape_and_dismiss_forget_it(theme: Theme, qtbot: Any) -> None:
    at = area(theme, qtbot)
    stopped = []
    stop = QShortcut(Qt.Key.Key_Escape, at.window)  # the window's own Esc, which stops an answer
    stop.activated.connect(lambda: stopped.append(True))
    at.offer()
    button(at.bar, "Undo").setFocus()
    QTest.keyClick(button(at.bar, "Undo"), Qt.Key.Key_Escape)
    assert at.bar.isHidden()
    assert not stopped
    at.offer()
    QTest.mouseClick(at.bar.findChild(QToolButton), Qt.MouseButton.LeftButton)
    assert at.bar.isHidden()
    assert at.taken_back == []


async def test_it_goes_by_itself_and_waits_while_somebody_is_at_it(theme: Theme, qtbot: Any) -> None:
    at = area(theme, qtbot, stays_ms=80)
    at.text.setFocus()
    at.offer()
    await until(at.bar.isHidden, "it goes", 5)
    at.offer()
    button(at.bar, "Undo").setFocus()
    await asyncio.sleep(0.3)
    assert at.bar.isVisible(), "the keys are in it"
    at.text.setFocus()
    await until(at.bar.isHidden, "it goes a while after", 8)
    assert at.taken_back == []
    at.offer()
    middle = QPointF(at.bar.rect().center())
    at.bar.setAttribute(Qt.WidgetAttribute.WA_UnderMouse)  # what the system's own event does before Qt sends this one
    QApplication.sendEvent(at.bar, QEnterEvent(middle, middle, middle))
    await asyncio.sleep(0.3)
    assert at.bar.isVisible(), "the mouse is over it"
    at.bar.setAttribute(Qt.WidgetAttribute.WA_UnderMouse, False)
    QApplication.sendEvent(at.bar, QEvent(QEvent.Type.Leave))
    await until(at.bar.isHidden, "it goes a while after", 8)
