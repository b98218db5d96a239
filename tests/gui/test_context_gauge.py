"""How full the context is, and the choice where the next turn does not fit: as seen, read aloud, and used by keys."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from conftest import button, until
from PySide6.QtCore import QCoreApplication, QEvent, QPoint, Qt
from PySide6.QtGui import QAccessible, QAction, QColor, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QLabel,
    QListView,
    QMainWindow,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from nodetool_xl_desktop.chat.context import ContextUse, Meter, Request
from nodetool_xl_desktop.chat.fitting import WontFit, plan
from nodetool_xl_desktop.chat.turns import CONTEXT, LeftOut, as_left_out
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.fit.verdict import Verdict
from nodetool_xl_desktop.provider import values
from nodetool_xl_desktop.provider.tokens import estimate
from nodetool_xl_desktop.store.parts import Text
from nodetool_xl_desktop.store.records import About, Message, new_id
from nodetool_xl_desktop.ui.composer.composer import MessageEdit
from nodetool_xl_desktop.ui.context.context_bar import ContextBar
from nodetool_xl_desktop.ui.context.context_choice import ContextChoice
from nodetool_xl_desktop.ui.context.context_gauge import ContextGauge
from nodetool_xl_desktop.ui.context.context_watch import ContextWatch
from nodetool_xl_desktop.ui.tasks import Tasks
from nodetool_xl_desktop.ui.theme import Theme

USE = ContextUse(system=310, tools=420, history=1450, draft=360, context=8192, reserve=1024, exact=True)
FILLER = "The quick brown fox jumps over the lazy dog, and then it rests beside the river. "


class Window(QMainWindow):
    """A window with the program's own Escape, and something else to click at."""

    def __init__(self) -> None:
        super().__init__()
        self.stops = 0
        stop = QAction("Stop", self, shortcut=QKeySequence("Esc"))
        stop.triggered.connect(self._stopped)
        self.addAction(stop)
        middle = QWidget()
        self.column = QVBoxLayout(middle)
        self.other = QLabel("elsewhere")
        self.column.addWidget(self.other, 1)
        self.setCentralWidget(middle)
        self.resize(760, 640)

    def _stopped(self) -> None:
        self.stops += 1


@pytest.fixture
def theme(qapp: QApplication) -> Iterator[Theme]:
    made = Theme(qapp)
    yield made
    made.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture
def window(theme: Theme, qtbot: Any) -> Window:
    made = Window()
    qtbot.addWidget(made)
    made.show()
    return made


def put(window: Window, widget: Any) -> Any:
    window.column.addWidget(widget)
    window.activateWindow()
    QApplication.processEvents()
    return widget


def accessible(widget: QWidget) -> tuple[str, str]:
    interface = QAccessible.queryAccessibleInterface(widget)
    return interface.text(QAccessible.Text.Name), interface.text(QAccessible.Text.Description)


def shown(parent: QWidget) -> list[str]:
    return [each.text() for each in parent.findChildren(QLabel) if each.isVisible() and each.text()]


def nearest(theme: Theme, color: str) -> str:
    """Which of the tones that a text can have comes nearest to a colour."""
    wanted = QColor(color)

    def far(token: str) -> int:
        tone = QColor(getattr(theme.tokens, token))
        return sum(abs(one - other) for one, other in zip(tone.getRgb(), wanted.getRgb(), strict=True))

    return min(("text", "muted", "warning", "bad"), key=far)


def inked(theme: Theme, text: QLabel) -> str:
    """The tone that a text is really drawn in: that of the pixel that is farthest from its ground."""
    image = text.grab().toImage()
    ground = image.pixelColor(0, 0).getRgb()
    pixels = [image.pixelColor(x, y) for x in range(image.width()) for y in range(image.height())]
    far = max(pixels, key=lambda pixel: sum(abs(a - b) for a, b in zip(pixel.getRgb(), ground, strict=True)))
    return nearest(theme, far.name())


async def estimated(messages: Sequence[values.Message], *, tools: Sequence[Any] = ()) -> values.TokenCount:
    return values.TokenCount(estimate(messages), exact=True)


def chat(number: int, answer: str = FILLER * 3) -> list[Message]:
    made: list[Message] = []
    for at in range(number):
        for role, text in (("user", f"Question <b>{at}</b>?\nmore"), ("assistant", answer)):
            made.append(Message(new_id(), made[-1].id if made else None, role, (Text(text),)))  # type: ignore[arg-type]
    return made


async def a_plan(
    messages: Sequence[Message], said: str = "And?", judge: Callable[[int], tuple[str, bool]] | None = None
) -> WontFit:
    planned = await plan(Meter(estimated), Request(messages, (Text(said),), "Be brief.", context=1024), 8192, judge)
    assert isinstance(planned, WontFit)
    return planned


# The gauge


async def test_the_gauge_says_how_full_the_context_is(window: Window, theme: Theme) -> None:
    gauge = put(window, ContextGauge(theme))
    assert accessible(gauge) == ("Context", "Not counted yet.")
    gauge.show_use(USE)
    assert gauge.text_shown == "2,540 of 8,192"
    name, said = accessible(gauge)
    assert name == "Context"
    assert said.startswith("2,540 of 8,192 tokens. At least 1,024 are kept for the answer.")
    gauge.show_use(replace(USE, exact=False))
    assert gauge.text_shown == "about 2,540 of 8,192"
    assert "Estimated" in accessible(gauge)[1]
    gauge.show_use(replace(USE, context=None, exact=False))
    assert gauge.text_shown == "about 2,540 tokens"
    assert accessible(gauge)[1].startswith("about 2,540 tokens. ")
    assert "No model is loaded" in accessible(gauge)[1]
    gauge.show_use(replace(USE, left_out=LeftOut(4, "x", 4, "short")))
    assert "Not sent to the model: 4 messages, summarised." in accessible(gauge)[1]


async def test_nothing_moves_while_one_types(window: Window, theme: Theme) -> None:
    gauge = put(window, ContextGauge(theme))
    places = set()
    for history in (0, 8, 99, 1111, 5000):  # up to where it is tight, which puts a mark before the bar
        gauge.show_use(replace(USE, system=1, tools=0, history=history, draft=0))
        assert gauge.verdict_shown is Verdict.FITS
        QApplication.processEvents()
        bar = gauge.findChild(ContextBar, options=Qt.FindChildOption.FindDirectChildrenOnly)
        places.add((gauge.width(), bar.mapTo(gauge, QPoint(0, 0)).x()))
    assert len(places) == 1


async def test_tight_and_too_much_are_told_by_a_mark_and_by_colour(window: Window, theme: Theme) -> None:
    gauge = put(window, ContextGauge(theme))
    for scheme in (Qt.ColorScheme.Light, Qt.ColorScheme.Dark):
        theme.choose(scheme)
        for history, verdict, token, words in (
            (1450, Verdict.FITS, "muted", "At least 1,024"),
            (5800, Verdict.TIGHT, "warning", "getting tight"),
            (6800, Verdict.WONT_FIT, "bad", "1,024 are kept for the answer, and 302 are left"),
            (9800, Verdict.WONT_FIT, "bad", "2,698 tokens too many"),
        ):
            gauge.show_use(replace(USE, history=history))
            QApplication.processEvents()
            assert gauge.verdict_shown is verdict
            mark, figures = gauge.findChildren(QLabel, options=Qt.FindChildOption.FindDirectChildrenOnly)
            assert inked(theme, figures) == token
            assert mark.isVisible() == (verdict is not Verdict.FITS)
            assert words in accessible(gauge)[1]


async def test_the_parts_can_be_told_apart_without_colour(window: Window, theme: Theme) -> None:
    bar = ContextBar(theme, 14)
    put(window, bar)
    bar.setFixedWidth(400)
    bar.show_use(ContextUse(2000, 2000, 2000, 1000, 8000, 500, True))
    QApplication.processEvents()
    grey = bar.grab().toImage()
    ratio = grey.devicePixelRatio()
    patterns = []
    for middle in (50, 150, 250, 325, 360):
        columns = range(round((middle - 8) * ratio), round((middle + 8) * ratio))
        values_there = [[grey.pixelColor(x, y).lightness() for x in columns] for y in range(3, 11)]
        flat = len({value for row in values_there for value in row}) == 1
        upright = all(row == values_there[0] for row in values_there)
        patterns.append("flat" if flat else "upright" if upright else "slanted")
    assert patterns == ["flat", "upright", "flat", "slanted", "flat"]  # the last is what is free


async def test_the_list_opens_by_keys_and_by_the_mouse(window: Window, theme: Theme) -> None:
    gauge = put(window, ContextGauge(theme))
    QTest.mouseClick(gauge, Qt.MouseButton.LeftButton)
    assert gauge.popup is None  # nothing was counted yet
    gauge.show_use(replace(USE, slots=2))
    gauge.setFocus()
    for key in (Qt.Key.Key_Return, Qt.Key.Key_Space, Qt.Key.Key_Enter):
        QTest.keyClick(gauge, key)
        assert gauge.popup is not None
        assert gauge.popup.hasFocus()
        QTest.keyClick(gauge.popup, Qt.Key.Key_Escape)
        assert gauge.popup is None
        assert gauge.hasFocus()
    assert window.stops == 0  # an answer that comes is not stopped by that
    QTest.mouseClick(gauge, Qt.MouseButton.LeftButton)
    assert gauge.popup is not None
    rows = shown(gauge.popup)
    for name, figure in (
        ("System prompt and template", "310"),
        ("Tools", "420"),
        ("History", "1,450"),
        ("Your message", "360"),
        ("Left for the answer", "5,652"),
        ("Context of one chat", "8,192"),
    ):
        assert rows[rows.index(name) + 1] == figure
    assert "The model answers 2 chats side by side, which have 8,192 tokens each." in rows[-1]
    assert "History: 1,450" in accessible(gauge.popup)[1]
    place = gauge.popup.geometry()
    assert window.rect().contains(place)
    assert place.bottom() < gauge.mapTo(window, QPoint(0, 0)).y()
    gauge.show_use(replace(USE, exact=False))
    assert "about 1,450" in shown(gauge.popup)
    QTest.mouseClick(gauge, Qt.MouseButton.LeftButton)
    assert gauge.popup is None
    QTest.mouseClick(gauge, Qt.MouseButton.LeftButton)
    QTest.mouseClick(window.other, Qt.MouseButton.LeftButton)
    assert gauge.popup is None


# Watching what is typed


async def test_the_gauge_follows_what_is_typed_without_a_count_for_each_key(window: Window, theme: Theme) -> None:
    edit, gauge, tasks = put(window, MessageEdit()), put(window, ContextGauge(theme)), Tasks()
    history, counts = chat(20), 0
    meter = Meter(estimated)

    async def count() -> ContextUse:
        nonlocal counts
        counts += 1
        return await meter.use(Request(history, [Text(edit.toPlainText())], context=8192))

    watch = ContextWatch(tasks, gauge, count)
    edit.textChanged.connect(watch.look_again)
    watch.look_again(now=True)
    await until(lambda: gauge.text_shown, "the first count")
    empty = gauge.text_shown
    edit.setFocus()
    for _ in range(30):
        QTest.keyClicks(edit, "fox ")
        await asyncio.sleep(0.01)
    whole = await meter.use(Request(history, [Text(edit.toPlainText())], context=8192))
    await until(lambda: gauge.text_shown == f"{whole.prompt:,} of 8,192", "the last key is counted, too")
    assert gauge.text_shown != empty
    assert whole.draft > 25
    assert counts < 10
    await tasks.cancel_all()


async def test_a_count_of_another_chat_is_never_shown(window: Window, theme: Theme) -> None:
    gauge, tasks = put(window, ContextGauge(theme)), Tasks()
    begun: list[asyncio.Event] = []

    async def count() -> ContextUse:
        begun.append(asyncio.Event())
        number = len(begun)
        await begun[-1].wait()
        return replace(USE, draft=number)

    watch = ContextWatch(tasks, gauge, count)
    watch.look_again(now=True)
    await until(lambda: len(begun) == 1, "the first count began")
    watch.look_again(now=True)  # another chat
    await asyncio.sleep(0.05)
    assert len(begun) == 1  # one at a time
    begun[0].set()
    await until(lambda: len(begun) == 2, "the second count began")
    assert gauge.text_shown == ""
    begun[1].set()
    await until(lambda: gauge.text_shown == "2,182 of 8,192", "the second count")
    await tasks.cancel_all()


async def test_what_cannot_be_counted_is_not_shown_as_a_figure(window: Window, theme: Theme) -> None:
    gauge, tasks = put(window, ContextGauge(theme)), Tasks()
    gauge.show_use(USE)

    async def count() -> ContextUse:
        raise UserFacingError("The engine ended", "it crashed")

    ContextWatch(tasks, gauge, count).look_again()
    await until(lambda: not gauge.text_shown, "no figure")
    assert accessible(gauge)[1] == "Not counted yet."
    await tasks.cancel_all()


# The choice


def heard(choice: ContextChoice) -> list[tuple[Any, ...]]:
    said: list[tuple[Any, ...]] = []
    choice.dropped.connect(lambda begins: said.append(("drop", begins)))
    choice.summarise_requested.connect(lambda begins: said.append(("summarise", begins)))
    choice.reload_requested.connect(lambda context: said.append(("reload", context)))
    choice.send_requested.connect(lambda: said.append(("send",)))
    choice.cancelled.connect(lambda: said.append(("cancel",)))
    return said


async def test_the_choice_says_what_would_be_left_out(window: Window, theme: Theme) -> None:
    choice = put(window, ContextChoice(theme))
    assert not choice.isVisible()
    messages = chat(20)
    planned = await a_plan(messages, judge=lambda context: ("Fits", True))
    assert planned.cut is not None
    assert planned.larger is not None
    choice.show_plan(planned)
    use, cut = planned.use, planned.cut
    assert "does not fit into the context" in choice.text
    assert f"It takes {use.prompt:,} tokens" in choice.text
    assert f"{use.missing:,} more than the 1,024 of this context" in choice.text
    assert f"{2 * cut.turns} messages, which frees {cut.frees:,} tokens" in choice.text
    rows = choice.findChild(QListView).model()
    assert rows.rowCount() == 2 * cut.turns
    for at, row in enumerate(cut.rows):
        said = rows.index(at, 0).data(Qt.ItemDataRole.AccessibleTextRole)
        first = f"You: Question <b>{at // 2}</b>?" if at % 2 == 0 else "Model: The quick brown fox"
        assert said.startswith(first)
        assert said.endswith(f", {row.tokens:,} tokens")
    # What is not listed is still sent: the list ends where the rest begins.
    assert messages[len(cut.rows)].id == cut.begins
    button(choice, f"Drop Oldest ({cut.turns} turns)")
    button(choice, "Summarise")
    button(choice, f"Reload with {planned.larger.context:,} Tokens (Fits)")
    assert choice.accessibleDescription() in choice.text


async def test_the_choice_by_keys_alone(window: Window, theme: Theme) -> None:
    choice = put(window, ContextChoice(theme))
    said = heard(choice)
    planned = await a_plan(chat(20), judge=lambda context: ("Tight", True))
    assert planned.cut is not None
    assert planned.larger is not None
    choice.show_plan(planned)
    listed = choice.findChild(QListView)
    assert listed.hasFocus()
    QTest.keyClick(listed, Qt.Key.Key_Return)  # Enter is still held down from sending
    assert said == []
    QTest.keyClick(listed, Qt.Key.Key_End)
    assert listed.currentIndex().row() == len(planned.cut.rows) - 1
    begins, context = planned.cut.begins, planned.larger.context
    for expected in (("drop", begins), ("summarise", begins), ("reload", context), ("cancel",)):
        QTest.keyClick(window.focusWidget(), Qt.Key.Key_Tab)
        QTest.keyClick(window.focusWidget(), Qt.Key.Key_Space)
        assert said.pop() == expected
        assert said == []
    for at in (listed, button(choice, "Summarise"), button(choice, "Cancel")):
        at.setFocus()
        QTest.keyClick(at, Qt.Key.Key_Escape)
        assert said.pop() == ("cancel",)
    assert window.stops == 0


async def test_what_cannot_be_done_cannot_be_chosen(window: Window, theme: Theme) -> None:
    choice = put(window, ContextChoice(theme))
    said = heard(choice)
    planned = await a_plan(chat(2), FILLER * 60, judge=lambda context: ("Won't fit", False))
    assert planned.larger is not None
    choice.show_plan(planned)
    assert "Your message is too long for this context" in choice.text
    assert f"it takes {planned.alone:,}" in choice.text
    reload = button(choice, f"Reload with {planned.larger.context:,} Tokens (Won't fit)")
    assert not reload.isEnabled()
    seen = [each.text() for each in choice.findChildren(QPushButton) if each.isVisible()]
    assert seen == [reload.text(), "Cancel"]
    assert button(choice, "Cancel").hasFocus()
    nearly = await a_plan([], FILLER * 45)
    choice.show_plan(nearly)
    QTest.mouseClick(button(choice, "Send Anyway"), Qt.MouseButton.LeftButton)
    assert said == [("send",)]
    choice.clear()
    assert choice.text == ""


async def test_a_summary_of_before_is_part_of_what_goes(window: Window, theme: Theme) -> None:
    choice = put(window, ContextChoice(theme))
    messages = chat(14)
    messages[5] = replace(messages[5], about=About(more={CONTEXT: as_left_out(4, summary="It began with a bear.")}))
    choice.show_plan(await a_plan(messages))
    rows = choice.findChild(QListView).model()
    assert rows.index(0, 0).data(Qt.ItemDataRole.AccessibleTextRole).startswith("Summary: of what was left out before")
    assert "and the summary before them" in choice.text


async def test_in_the_smallest_window_every_button_can_be_pressed_and_the_chat_is_still_seen(
    window: Window, theme: Theme
) -> None:
    holder = put(window, QWidget())
    QVBoxLayout(holder).setContentsMargins(0, 0, 0, 0)
    choice = ContextChoice(theme)
    holder.layout().addWidget(choice)
    small: list[bool] = []
    choice.shown_changed.connect(small.append)
    planned = await a_plan(chat(20), judge=lambda context: ("Fits", True))
    for width, rows in ((404, 2), (710, 1)):  # the chat of the smallest window, and of the usual one
        holder.setFixedWidth(width)
        choice.show_plan(planned)
        await until(lambda: choice.height() == choice.heightForWidth(choice.width()), "it has its height")
        seen = [each for each in choice.findChildren(QPushButton) if each.isVisible()]
        assert len(seen) == 4
        assert len({each.y() for each in seen}) == rows
        assert all(choice.contentsRect().contains(each.geometry()) for each in seen)
        assert all(each.width() >= each.sizeHint().width() for each in seen)
        places = [each.geometry() for each in seen]
        assert not any(one.intersects(other) for at, one in enumerate(places) for other in places[:at])
        assert choice.height() <= 310
    choice.clear()
    assert small == [True, False]


async def test_while_it_is_done_there_is_only_cancel_and_a_failure_brings_the_choice_back(
    window: Window, theme: Theme
) -> None:
    choice = put(window, ContextChoice(theme))
    said = heard(choice)
    planned = await a_plan(chat(20))
    choice.show_plan(planned)
    choice.show_progress("Summarising the oldest turns ...", 0.4)
    assert [each.text() for each in choice.findChildren(QPushButton) if each.isVisible()] == ["Cancel"]
    assert choice.findChild(QProgressBar).value() == 40
    assert choice.accessibleDescription() == "Summarising the oldest turns ..."
    QTest.keyClick(window.focusWidget(), Qt.Key.Key_Escape)
    assert said == [("cancel",)]
    choice.show_error(UserFacingError("The summary could not be made", "the model had nothing to say", "Drop them."))
    assert "The summary could not be made The model had nothing to say. Drop them." in choice.text
    assert button(choice, "Summarise").isEnabled()
    assert choice.findChild(QListView).isVisible()
    choice.show_plan(planned)
    assert "could not be made" not in choice.text


@pytest.mark.parametrize("width", [360, 480, 760, 1400])
async def test_nothing_of_the_choice_is_cut_off(window: Window, theme: Theme, width: int) -> None:
    choice = put(window, ContextChoice(theme))
    planned = await a_plan(chat(20, "word" * 300), judge=lambda context: ("Partly on CPU", True))
    choice.show_plan(planned)
    window.resize(width, 700)
    await until(lambda: window.width() == width, "resized")
    QApplication.processEvents()
    for each in choice.findChildren(QPushButton):
        if each.isVisible():
            assert choice.rect().contains(each.geometry()), each.text()
            assert each.width() >= each.minimumSizeHint().width(), each.text()
    for each in choice.findChildren(QLabel):
        if each.isVisible():
            assert each.height() >= each.heightForWidth(each.width()), each.text()
