"""What a reader of a long text is owed: what they look at stays where it is, what they look for is found, what they
do not look at costs nothing."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import until
from PySide6.QtCore import QEvent, QObject, QPoint, QRect, Qt
from PySide6.QtGui import QAccessible, QGuiApplication, QHelpEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QMessageBox, QPushButton, QToolTip
from transcript_window import Sight, alone, answer, opened, settle, settle_all

from nodetool_xl_desktop.markdown.page import Place
from nodetool_xl_desktop.store.parts import Text
from nodetool_xl_desktop.store.records import Message, State
from nodetool_xl_desktop.ui.markdown import clipboard
from nodetool_xl_desktop.ui.markdown.copied import Source
from nodetool_xl_desktop.ui.markdown.markdown_view import MarkdownView

#: What the platform that has no screen says when a dialog opens.
DIALOGS = pytest.mark.qt_log_ignore("This plugin does not support")


@pytest.fixture
def sight(qapp: QApplication, loop: asyncio.AbstractEventLoop) -> Iterator[Sight]:
    yield from opened(qapp)


def paragraphs(count: int) -> str:
    return "\n\n".join(f"Paragraph {at}: " + "words that go on " * (at % 17 + 5) for at in range(count))


def read_place(sight: Sight, y: int = 150) -> tuple[MarkdownView, Place]:
    """Where the reader looks: so many pixels below the top."""
    view = sight.answer.texts[0]
    return view, view.place_at(view.mapFromGlobal(sight.transcript.viewport().mapToGlobal(QPoint(120, y))))


def height_of(sight: Sight, view: MarkdownView, place: Place) -> int:
    return view.mapTo(sight.transcript.viewport(), view.rect_of(place).topLeft().toPoint()).y()


# What is looked at stays


@pytest.mark.parametrize(
    ("head", "line"),
    [
        ("Code:\n\n```python\n", "x_{} = compute({}, 'words')  # a note\n"),
        ("```\n", "x\n"),
        ("| a | b |\n|---|---|\n", "| {} | words of {} |\n"),
        ("", "> quoted words {} and more of them\n"),
        ("", "words {} and more "),
        ("", "- item {}\n"),
    ],
)
def test_one_reads_within_what_is_being_written(sight: Sight, head: str, line: str) -> None:
    """The open section is drawn anew with each piece, and is measured anew: nothing of it moves."""
    text = head + "".join(line.format(at, at) for at in range(600))
    sight.show(answer(Text(text)))
    settle()
    bar = sight.transcript.verticalScrollBar()
    bar.setValue(bar.maximum() // 2)
    settle()
    view, place = read_place(sight)
    before, height = height_of(sight, view, place), view.height()
    for at in range(25):
        text += line.format(at, at)
        sight.transcript.update_answer(answer(Text(text)))
        settle()
        assert height_of(sight, view, place) == before
    assert view.height() > height
    sight.transcript.update_answer(answer(Text(text), state=State.COMPLETE))
    settle()
    assert height_of(sight, view, place) == before


@pytest.mark.parametrize("is_open", [False, True])
def test_zoom_width_and_theme_keep_the_place_within_a_message(sight: Sight, *, is_open: bool) -> None:
    state = State.STREAMING if is_open else State.COMPLETE
    sight.show(answer(Text(paragraphs(400)), state=state))
    settle()
    bar = sight.transcript.verticalScrollBar()
    bar.setValue(bar.maximum() // 2)
    settle()
    for zoom in (1.5, 2.0, 0.8, 1.0):
        view, place = read_place(sight, 2)
        sight.theme.set_zoom(zoom)
        settle()
        assert abs(height_of(sight, view, place)) < 60 * max(1.0, zoom), zoom
        assert drawn_in_port(sight) > 0.9
    for width in (500, 900, 780):
        view, place = read_place(sight, 2)
        sight.window.resize(width, 700)
        settle()
        assert abs(height_of(sight, view, place)) < 80, width
        assert drawn_in_port(sight) > 0.9
    view, place = read_place(sight)
    before = height_of(sight, view, place)
    for scheme in (Qt.ColorScheme.Dark, None):
        sight.theme.choose(scheme)
        settle()
        assert height_of(sight, view, place) == before


def drawn_in_port(sight: Sight) -> float:
    """The share of the heights of 40 pixels in which something is drawn."""
    image = sight.transcript.viewport().grab().toImage()
    ground, rows = image.pixel(2, 2), range(0, image.height() - 40, 40)
    full = sum(
        any(image.pixel(x, y + dy) != ground for dy in range(0, 40, 3) for x in range(60, image.width() - 60, 7))
        for y in rows
    )
    return full / len(rows)


# What is looked for is found


async def test_find_in_a_text_that_is_still_being_cut(sight: Sight) -> None:
    """The hit stands where nothing has been read yet: one is brought there as soon as it has been."""
    text = paragraphs(4000)
    text = text.replace("Paragraph 20:", "Paragraph beacon 20:").replace("Paragraph 3900:", "Paragraph beacon 3900:")
    sight.show(answer(Text(text), state=State.COMPLETE))
    view = sight.answer.texts[0]
    assert not view._page.is_done
    sight.transcript.open_find()
    field = sight.transcript.find_bar.field
    QTest.keyClicks(field, "beacon")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert sight.transcript.find_bar.count in ("2 of 2", "2 of 2+")  # it may still be looking
    assert not view._page.is_done, "it was cut before it was looked for"
    await until(lambda: view._page.is_done, "it is cut")
    await until(lambda: sight.transcript.find_bar.count == "2 of 2", "it has looked through all of it")
    await until(lambda: view.marks.count("[beacon]") == 1, "the hit is marked")
    await asyncio.sleep(0.1)
    found = view.place_of(1)
    y = view.mapTo(sight.transcript.viewport(), found.topLeft()).y()
    assert 0 <= y < sight.transcript.viewport().height()
    leaves = view._sheet.leaves(view.place_at(found.center()).section)
    assert any("beacon 3900:" in leaf.text for leaf in leaves)


# What is pointed at says what it is


@pytest.mark.parametrize(
    ("text", "tip"),
    [
        ("[a page](https://example.org/x?y=1)", "https://example.org/x?y=1"),
        ("[turned](https://example.org/\u202egpj.exe)", "https://example.org/%E2%80%AEgpj.exe"),
        ("![a tower](https://example.org/t.png)", "Not fetched: https://example.org/t.png"),
        ("| a |\n|---|\n| [cell](mailto:a@example.org) |", "mailto:a@example.org"),
        ("nothing at all", ""),
    ],
)
@DIALOGS
def test_the_tool_tip_of_a_link(sight: Sight, text: str, tip: str) -> None:
    sight.show(answer(Text(text), state=State.COMPLETE))
    settle()
    view = sight.answer.texts[0]
    (leaf,) = view._sheet.leaves(0)
    offset = leaf.text.find("cell") if "cell" in leaf.text else 0
    place = view.rect_of(Place(0, 0, offset + 1)).center().toPoint()
    QToolTip.hideText()
    QApplication.sendEvent(view, QHelpEvent(QEvent.Type.ToolTip, place, view.mapToGlobal(place)))
    shown = QToolTip.text() if QToolTip.isVisible() else ""
    QToolTip.hideText()
    assert (tip in shown) if tip else shown == ""


# What is too large can be kept


@DIALOGS
async def test_a_text_that_is_too_large_is_saved_whole(sight: Sight, tmp_path: Path) -> None:
    text = ("words " * 4000 + "\n\n") * 60 + "the end\ud800"
    sight.show(answer(Text(text), state=State.COMPLETE))
    view = sight.answer.texts[0]
    await until(lambda: view._page.is_done, "it is cut")
    file = tmp_path / "all of it.md"
    save_as(view, file)
    await until(file.exists, "it is written")
    await until(lambda: "Saved as all of it.md." in sight.words(), "it says so")
    assert file.read_text(encoding="utf-8") == text.replace("\ud800", "?")
    save_as(view, tmp_path / "no such folder" / "x.md")
    await until(lambda: sight.window.findChild(QMessageBox), "it says so")
    box = sight.window.findChild(QMessageBox)
    assert isinstance(box, QMessageBox)
    assert box.text() == "The file was not saved"
    box.close()


@DIALOGS
async def test_a_view_that_goes_while_it_is_saved_is_no_error(sight: Sight, tmp_path: Path) -> None:
    text = ("words " * 4000 + "\n\n") * 60
    sight.show(answer(Text(text), state=State.COMPLETE))
    view = sight.answer.texts[0]
    await until(lambda: view._page.is_done, "it is cut")
    file, failed = tmp_path / "kept.md", []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: failed.append(context))
    save_as(view, file)
    sight.transcript.show_chat([], alone)
    await until(lambda: file.exists() and file.stat().st_size == len(text), "it is written")
    await asyncio.sleep(0.05)
    gc.collect()
    asyncio.get_running_loop().set_exception_handler(None)
    assert failed == []


def save_as(view: MarkdownView, file: Path) -> None:
    button = next(each for each in view.findChildren(QPushButton) if each.text() == "Save as File ...")
    button.click()

    (dialog,) = (each for each in view.window().findChildren(QFileDialog) if each.isVisible())
    dialog.fileSelected.emit(str(file))
    dialog.close()


def test_code_that_is_higher_than_a_widget_can_be_says_so(sight: Sight) -> None:
    """Qt's layouts know no more than 524,287 pixels: what is below is not shown, and that is said."""
    text = "Code:\n\n```\n" + "".join(f"line {at}\n" for at in range(30_000))
    sight.show(answer(Text(text)))
    view = sight.answer.texts[0]
    settle_all(view)
    assert view._sheet.height > 524_287
    assert view.height() < 524_287
    sight.transcript.follow()
    settle()
    button = next(each for each in view.findChildren(QPushButton) if each.text() == "Save as File ...")
    assert button.isVisible()
    assert 0 <= sight.top(button) < sight.transcript.viewport().height()
    assert "too long to be shown in full" in sight.words()
    foot = button.parentWidget()
    below = view.grab(QRect(0, foot.y(), view.width(), foot.height())).toImage()
    assert len({below.pixel(x, 1) for x in range(below.width())}) == 1  # nothing of the code stands behind it


# What is not looked at costs nothing


def test_an_open_answer_out_of_view_is_only_noted(sight: Sight) -> None:
    """Nothing of it is laid out or painted while one reads far above."""
    earlier = [Message(f"e{at}", None, "assistant", (Text(paragraphs(40)),)) for at in range(12)]
    text = "First words.\n\n" + paragraphs(30)
    sight.transcript.show_chat([*earlier, answer(Text(text))], alone)
    settle()
    sight.transcript.verticalScrollBar().setValue(0)
    settle()
    assert all(view.message.id != "a" for view in sight.transcript.message_views)
    seen = sight.transcript.first_seen
    painted = Paints()
    sight.transcript.viewport().installEventFilter(painted)
    for at in range(30):
        text += f"More {at}. "
        sight.transcript.update_answer(answer(Text(text)))
        settle()
    sight.transcript.viewport().removeEventFilter(painted)
    assert painted.times <= 1  # the button to the end says that there is more
    assert sight.transcript.first_seen == seen
    assert all(view.message.id != "a" for view in sight.transcript.message_views)
    sight.transcript.follow()
    settle()
    assert "More 29." in sight.transcript.message_views[-1].texts[0].toPlainText()


def test_the_end_of_an_open_answer_out_of_view_is_not_laid_out(sight: Sight) -> None:
    """One reads the beginning of the very answer that is being written."""
    text = paragraphs(300)
    sight.show(answer(Text(text)))
    settle()
    sight.transcript.verticalScrollBar().setValue(0)
    settle()
    view = sight.answer.texts[0]
    near = set(view._sheet.alive)
    assert len(view._sheet) - 1 not in near
    height = view.height()
    for at in range(30):
        text += f"More {at} of it. " * 20
        sight.transcript.update_answer(answer(Text(text)))
        settle()
        assert set(view._sheet.alive) <= near
    assert view.height() > height  # the scroll bar knows of it


# What assistive technology is told


def test_what_a_screen_reader_finds_when_an_answer_has_ended(sight: Sight) -> None:
    sight.show(answer(Text("Some ")))
    settle()
    message, view = (QAccessible.queryAccessibleInterface(each) for each in (sight.answer, sight.answer.texts[0]))
    description = QAccessible.Text.Description
    assert not message.text(description)  # not with every word
    sight.transcript.update_answer(answer(Text("Some words.")))
    assert not message.text(description)
    assert view.textInterface().text(0, -1) == "Some words."
    sight.transcript.update_answer(answer(Text("Some words. The end."), state=State.COMPLETE))
    settle()
    assert message.text(description) == "Some words. The end."
    assert view.textInterface().text(0, -1) == "Some words. The end."
    assert view.text(QAccessible.Text.Name) == "Answer"


# What is left behind


async def test_the_latest_copy_is_the_one_that_stays(loop: asyncio.AbstractEventLoop, qapp: QApplication) -> None:
    """A large one is read in a thread, and may be ready after a small one that was asked for later."""
    large = Source("Large words. " * 60_000, is_plain=False)
    clipboard.put([large])
    clipboard.put([Source("Small.", is_plain=False)])
    assert QGuiApplication.clipboard().text() == "Small."
    await asyncio.sleep(0.05)
    await until(lambda: not clipboard.is_busy(), "nothing is being read")
    await asyncio.sleep(0.05)
    assert QGuiApplication.clipboard().text() == "Small."


async def test_a_dropped_text_is_gone_with_all_that_it_drew(sight: Sight) -> None:
    """Formulas and colours that come late find nobody."""
    text = "".join(
        f"Formula {at}: $x^{{{at}}} + \\frac{{1}}{{y_{{{at}}}}}$\n\n```python\nx = {at}\n```\n\n" for at in range(30)
    )
    sight.show(answer(Text(text), state=State.COMPLETE))
    settle()
    view = sight.answer.texts[0]
    leaves = [weakref.ref(each) for shown in view._sheet.sections for each in shown.drawn]
    assert leaves
    del view
    sight.transcript.show_chat([], alone)
    settle()
    assert [each() for each in leaves if each() is not None] == []  # without the collector of cycles
    await asyncio.sleep(0.3)  # what was asked for is ready meanwhile


class Paints(QObject):
    """Counts them."""

    def __init__(self) -> None:
        super().__init__()
        self.times = 0

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        self.times += event.type() is QEvent.Type.Paint
        return False
