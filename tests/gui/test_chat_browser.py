"""The list of chats and the search, with real keys and a real store."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import button, until
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QCoreApplication, QEvent, QPoint, QRect, Qt
from PySide6.QtGui import QAccessible, QAction, QColor, QContextMenuEvent, QFont, QImage, QPainter
from PySide6.QtTest import QAbstractItemModelTester, QTest
from PySide6.QtWidgets import QApplication, QInputDialog, QLabel, QLineEdit, QMenu, QMessageBox, QPushButton, QWidget

from nodetool_xl_desktop import app
from nodetool_xl_desktop.engine.events import TextDelta
from nodetool_xl_desktop.library.model_file import ModelFile, Place
from nodetool_xl_desktop.store.chats import Shown
from nodetool_xl_desktop.store.parts import Text
from nodetool_xl_desktop.store.records import About, Chat, ModelIdentity, State, TitledBy
from nodetool_xl_desktop.store.store import Store
from nodetool_xl_desktop.ui.chats.chat_browser import ChatBrowser
from nodetool_xl_desktop.ui.chats.chat_list import ChatListModel
from nodetool_xl_desktop.ui.chats.chat_places import PlaceButton
from nodetool_xl_desktop.ui.discover.search_page import SearchPage
from nodetool_xl_desktop.ui.models.models_page import ModelsPage
from nodetool_xl_desktop.ui.rows import paint_line
from nodetool_xl_desktop.ui.side_bar import SideBar, Tab
from nodetool_xl_desktop.ui.tasks import Tasks
from nodetool_xl_desktop.ui.theme import LIGHT, Theme

Key = Qt.Key
NO = Qt.KeyboardModifier.NoModifier
CTRL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
TODAY = date(2026, 6, 17)


@dataclass
class Bar:
    """The side bar, what it told, and the store that it shows."""

    bar: SideBar
    store: Store
    day: list[date]

    def __post_init__(self) -> None:
        self.chats = self.bar.chats
        self.view = self.chats.view
        self.opened: list[str] = []
        self.hits: list[tuple[str, str]] = []
        self.gone: list[list[str]] = []
        self.chats.chat_selected.connect(self.opened.append)
        self.chats.hit_selected.connect(lambda *hit: self.hits.append(hit))
        self.chats.chat_gone.connect(self.gone.append)

    async def show(self) -> None:
        self.chats.set_store(self.store)
        await until(lambda: self.chats._feed.is_loaded, "loaded")

    async def made(self, *titles: str, days: int = 0) -> list[str]:
        """Chats that were touched so many days ago, the first of them last."""
        ids = []
        for number, title in enumerate(titles):
            chat = await self.store.list.new(title)
            ids.append(chat.id)
            await self.set_time(chat.id, days, -number)
        return ids

    async def set_time(self, chat: str, days: int, seconds: int = 0) -> None:
        noon = datetime(TODAY.year, TODAY.month, TODAY.day, 12) - timedelta(days=days) + timedelta(seconds=seconds)
        at = int(noon.timestamp() * 1000)
        await self.store.write(
            lambda connection: connection.execute("UPDATE chat SET touched_ms = ? WHERE id = ?", (at, chat))
        )

    @property
    def rows(self) -> list[str]:
        """What is listed; headings with a `#`."""
        model = self.view.chats
        indexes = [model.index(row) for row in range(model.rowCount())]
        return [("" if model.at(index) else "# ") + str(index.data()) for index in indexes]

    @property
    def selected(self) -> list[str]:
        return [chat.title for chat in self.view.selected]

    def place(self, title: str) -> QPoint:
        """Where a chat is in the view."""
        model = self.view.chats
        row = next(row for row in range(model.rowCount()) if model.index(row).data() == title)
        return self.view.visualRect(self.view.model().index(row, 0)).center()

    def click(self, title: str, modifier: Qt.KeyboardModifier = NO) -> None:
        QTest.mouseClick(self.view.viewport(), Qt.MouseButton.LeftButton, modifier, self.place(title))

    def press(self, key: Qt.Key, modifier: Qt.KeyboardModifier = NO) -> None:
        QTest.keyClick(QApplication.focusWidget() or self.view, key, modifier)

    def field(self) -> QLineEdit:
        return self.chats.findChild(QLineEdit, "search")

    def found(self) -> list[str]:
        hits = self.chats._search.view.hits
        return [str(hits.index(row).data()) for row in range(hits.rowCount())]

    def type(self, text: str) -> None:
        self.field().setFocus()
        self.field().selectAll()
        QTest.keyClicks(self.field(), text)

    def words(self) -> str:
        return " | ".join(
            label.text() for label in self.chats.findChildren(QLabel) if label.isVisible() and label.text()
        )

    def menu(self, *path: str) -> None:
        """Choose from the menu of what is selected, as a right click opens it."""
        view = self.view
        place = view.visualRect(view.index_of(view.selected[0].id)).center()
        QApplication.sendEvent(
            view.viewport(),
            QContextMenuEvent(QContextMenuEvent.Reason.Mouse, place, view.viewport().mapToGlobal(place)),
        )
        pick(self.chats._actions.menu, *path)

    def go(self, *path: str) -> None:
        """Choose which chats are shown."""
        menu = self.chats._places.menu()
        menu.aboutToShow.emit()
        pick(menu, *path)


def pick(menu: QMenu | None, *path: str) -> None:
    """Choose an entry, and close the menu."""
    assert menu is not None
    for text in path:
        action = next((each for each in menu.actions() if each.text().strip().split("\t")[0] == text), None)
        assert action is not None, f"no {text!r} among {[each.text() for each in menu.actions()]}"
        if (inner := action.menu()) is not None:
            assert isinstance(inner, QMenu)
            menu_above, menu = menu, inner
            menu_above.setActiveAction(action)
        else:
            assert action.isEnabled()
            action.trigger()
    for open_menu in QApplication.topLevelWidgets():
        if isinstance(open_menu, QMenu):
            open_menu.close()


@pytest.fixture
def made(qtbot: Any, tmp_path: Path, loop: asyncio.AbstractEventLoop) -> Iterator[Bar]:
    tasks, theme, day = Tasks(), Theme(app.application()), [TODAY]
    store = loop.run_until_complete(Store.open(tmp_path / "chats"))
    bar = SideBar(ChatBrowser(theme, tasks, lambda: day[0]), ModelsPage(theme), lambda: SearchPage(theme), QWidget())
    bar.resize(264, 700)
    bar.show()
    bar.activateWindow()
    yield Bar(bar, store, day)
    loop.run_until_complete(tasks.cancel_all())
    loop.run_until_complete(store.close())
    bar.close()
    bar.deleteLater()
    theme.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    assert not [widget for widget in QApplication.topLevelWidgets() if widget.isVisible()]


# The list


async def test_the_list_is_grouped_by_day(made: Bar) -> None:
    for title, days in (
        *(("now", 0), ("before", 1), ("a week ago", 7), ("older", 8), ("in May", 20), ("last year", 300)),
        *(("pinned", 40), ("from the future", -3)),
    ):
        (chat,) = await made.made(title, days=days)
        if title == "pinned":
            await made.store.list.pin([chat])
    await made.show()
    assert made.rows == [
        *("# Pinned", "pinned", "# Today", "from the future", "now", "# Yesterday", "before"),
        *("# Last Week", "a week ago", "# June", "older", "# May", "in May", "# August 2025", "last year"),
    ]


async def test_all_of_many_chats_are_there(made: Bar) -> None:
    """More than one page of each size; the last one is a key press away."""
    count = 2_500
    await made.store.write(
        lambda connection: connection.executemany(
            "INSERT INTO chat(id, title, created_ms, touched_ms) VALUES (?, ?, 0, ?)",
            [(f"id-{number}", f"Chat {number}", 1_700_000_000_000 + number // 3) for number in range(count)],
        )
    )
    await made.show()
    await until(lambda: len(made.view.chats.chats) == count, "all of them")
    assert [chat.title for chat in made.view.chats.chats] == [f"Chat {number}" for number in reversed(range(count))]
    made.view.setFocus()
    made.press(Key.Key_End)
    assert made.selected == ["Chat 0"]
    assert made.view.viewport().rect().contains(made.place("Chat 0"))


async def test_a_chat_that_is_touched_moves_up_and_the_view_stays(made: Bar) -> None:
    titles = [f"Chat {number}" for number in range(100)]
    ids = await made.made(*titles, days=1)
    await made.show()
    made.chats.set_current(ids[50])
    made.view.select([ids[50], ids[52]])
    bar = made.view.verticalScrollBar()
    await until(lambda: bar.maximum() > 2_000, "laid out")
    bar.setValue(made.view.chats.index_of(ids[48]).row() * 34 + 11)
    before = made.place("Chat 49").y()
    assert before == 34 - 11 + 16
    await made.set_time(ids[90], 0)
    made.chats.touched(ids[90])
    await until(lambda: made.rows[1] == "Chat 90", "moved up, under a heading of its own")
    assert made.rows[0] == "# Today"
    assert made.place("Chat 49").y() == before
    assert made.selected == ["Chat 50", "Chat 52"]
    await made.set_time(ids[48], 0, 5)  # the first one in sight itself
    made.chats.touched(ids[48])
    await until(lambda: made.rows[1] == "Chat 48", "moved up")
    assert made.place("Chat 49").y() == before
    await made.made("Another")
    made.chats.reload()
    await until(lambda: "Another" in made.rows, "looked at again")
    assert made.place("Chat 49").y() == before
    assert made.selected == ["Chat 50", "Chat 52"]
    assert len(made.rows) == 103  # two headings


async def test_a_new_chat_that_is_open_is_selected_as_soon_as_it_is_there(made: Bar) -> None:
    await made.made("one", "two", days=1)
    await made.show()
    chat = await made.store.list.new("three")
    made.chats.set_current(chat.id)
    made.chats.touched(chat.id)
    await until(lambda: made.selected == ["three"], "selected")
    await made.store.list.delete([chat.id])
    made.chats.touched(chat.id)
    await until(lambda: "three" not in made.rows, "gone")


async def test_a_click_opens_and_the_arrows_only_choose(made: Bar) -> None:
    ids = await made.made("one", "two", "three")
    await made.show()
    made.click("one")
    made.press(Key.Key_Down)
    made.click("three", CTRL)
    assert (len(made.opened), made.selected) == (1, ["two", "three"])
    assert made.opened[0] == ids[0]
    made.press(Key.Key_Up)
    made.press(Key.Key_Return)
    assert made.opened[1] == ids[1]
    made.press(Key.Key_Up)
    made.press(Key.Key_Up)
    made.press(Key.Key_Up)
    assert made.selected == ["one"], "a heading is passed over"


async def test_chats_that_answer_are_marked(made: Bar) -> None:
    ids = await made.made("one", "two")
    await made.show()
    before = made.view.grab().toImage()
    made.chats.show_answering({ids[1]})
    after = made.view.grab().toImage()
    changed = [y for y in range(before.height()) if line(before, y) != line(after, y)]
    place = made.place("two").y()
    assert changed
    assert all(abs(y - place) < 17 for y in changed)
    assert "answering" in str(made.view.chats.index_of(ids[1]).data(Qt.ItemDataRole.AccessibleTextRole))
    made.chats.show_answering(set())
    assert made.view.grab().toImage() == before


def line(image: QImage, y: int) -> list[int]:
    return [image.pixel(x, y) for x in range(image.width())]


async def test_a_new_day_begins(made: Bar) -> None:
    await made.made("one")
    await made.show()
    made.day[0] = TODAY + timedelta(days=1)
    made.chats._midnight.timeout.emit()
    assert made.rows == ["# Yesterday", "one"]


async def test_an_odd_title_stays_on_its_line_and_is_no_markup(made: Bar) -> None:
    await made.made("<b>bold</b>\nand\ta second line", "")
    await made.show()
    assert made.rows[1:] == ["<b>bold</b> and a second line", "New Chat"]
    tip = str(made.view.chats.index(1).data(Qt.ItemDataRole.ToolTipRole))
    assert "&lt;b&gt;bold" in tip
    assert "Today, 12:00" in tip


@settings(deadline=None)  # other programs share this machine
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(-400, 3), st.booleans(), st.booleans()), max_size=40))
def test_the_rows_are_right_whatever_changes(steps: list[tuple[int, int, bool, bool]]) -> None:
    """Step by step as if it had been made anew; Qt's own tester looks at every signal on the way."""
    app.application()
    model, held = ChatListModel(lambda: TODAY), {}
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Warning)
    noon = int(datetime(TODAY.year, TODAY.month, TODAY.day, 12).timestamp() * 1000)
    for name, days, pinned, gone in steps:
        chat = Chat(str(name), "", TitledBy.NOBODY, 0, noon + days * 86_400_000 + name % 3, pinned)
        if gone:
            held.pop(chat.id, None)
            model.remove([chat.id])
        else:
            held[chat.id] = chat
            model.put(chat)
        fresh = ChatListModel(lambda: TODAY)
        newest = sorted(held.values(), key=lambda each: -each.touched_ms)
        fresh.set_chats([each for each in newest if each.pinned], [each for each in newest if not each.pinned])
        assert times(model) == times(fresh)
        assert {each.id: each for each in model.chats} == held
        assert all(model.at(model.index_of(each)) is held[each] for each in held)
    tester.deleteLater()


def times(model: ChatListModel) -> list[str | int]:
    """Headings and times: chats of the same moment may stand in any order."""
    indexes = [model.index(row) for row in range(model.rowCount())]
    return [str(index.data()) if (chat := model.at(index)) is None else chat.touched_ms for index in indexes]


# What can be done with them


async def test_rename_in_place(made: Bar) -> None:
    ids = await made.made("one", "two")
    await made.show()
    made.view.setFocus()
    made.click("one")
    made.press(Key.Key_F2)
    editor = made.view.viewport().findChild(QLineEdit)
    assert editor.hasFocus()
    assert editor.selectedText() == "one"
    QTest.keyClicks(editor, "something else")
    await made.set_time(ids[1], 0, 60)
    made.chats.touched(ids[1])  # a row that moves does not take away what is typed
    await made.made("made elsewhere", days=3)
    made.chats.reload()
    await asyncio.sleep(0.1)
    assert editor.text() == "something else"
    assert made.rows[1] == "one"
    QTest.keyClick(editor, Key.Key_Return)
    await until(lambda: made.rows[1:3] == ["two", "something else"], "renamed, and moved now")
    await until(lambda: made.rows[3:] == ["# Last Week", "made elsewhere"], "read again")
    assert (await made.store.list.chat(ids[0])).title == "something else"
    made.press(Key.Key_F2)
    editor = made.view.viewport().findChild(QLineEdit)
    QTest.keyClicks(editor, "no")
    QTest.keyClick(editor, Key.Key_Escape)
    await asyncio.sleep(0.05)
    assert made.rows[1:3] == ["two", "something else"]


async def test_delete_can_be_taken_back(made: Bar) -> None:
    ids = await made.made("one", "two", "three", "four")
    await made.show()
    made.chats.set_current(ids[1])
    made.view.setFocus()
    made.click("two")
    made.click("three", SHIFT)
    made.press(Key.Key_Delete)
    await until(lambda: made.rows[1:] == ["one", "four"], "gone")
    assert made.gone[0] == [ids[1], ids[2]]
    assert made.selected == ["four"], "the keys go on where they were"
    assert (await made.store.list.page(Shown(trash=True, archived=None))).chats[0].title == "two"
    assert "2 chats deleted" in texts(made.bar)
    made.press(Key.Key_Z, CTRL)
    await until(lambda: made.rows[1:] == ["one", "two", "three", "four"], "back")
    assert made.selected == ["two", "three"]
    assert not (await made.store.list.page(Shown(trash=True, archived=None))).chats
    made.click("one")
    made.press(Key.Key_Delete)
    await until(lambda: "Chat deleted" in texts(made.bar), "told")
    made.type("two")
    await until(lambda: len(made.found()) == 2, "searched meanwhile")
    undo = button(made.bar, "Undo")
    assert made.bar.childAt(undo.mapTo(made.bar, undo.rect().center())) is undo, "it lies over what is found"
    QTest.mouseClick(undo, Qt.MouseButton.LeftButton)
    made.field().clear()
    await until(lambda: made.rows[1:] == ["one", "two", "three", "four"], "back again")
    assert "deleted" not in texts(made.bar)


async def test_it_is_offered_and_has_its_key_in_every_tab(made: Bar) -> None:
    await made.made("one", "two")
    await made.show()
    for tab in (Tab.MODELS, Tab.DISCOVER):
        made.bar.show_tab(Tab.CHATS)
        made.click("two")
        made.press(Key.Key_Delete)
        await until(lambda: made.rows[1:] == ["one"], "gone")
        undo = button(made.bar, "Undo")
        made.press(Key.Key_Tab)
        assert undo.hasFocus(), "next behind the list"
        made.bar.show_tab(tab)
        assert "Chat deleted" in texts(made.bar)
        assert made.bar.childAt(undo.mapTo(made.bar, undo.rect().center())) is undo, "it lies over the page"
        search = made.bar.models.search if tab is Tab.MODELS else made.bar.discover.field
        search.setFocus()
        QTest.keyClicks(search, "x")
        made.press(Key.Key_Z, CTRL)
        assert search.text() == "", "what was typed goes first"
        assert made.rows[1:] == ["one"]
        made.press(Key.Key_Z, CTRL)
        await until(lambda: made.rows[1:] == ["one", "two"], "back")
        assert "deleted" not in texts(made.bar)


def texts(widget: QWidget) -> str:
    return " | ".join(label.text() for label in widget.findChildren(QLabel) if label.isVisible())


@pytest.mark.qt_log_ignore("This plugin does not support")  # raising a menu, where there is no screen
async def test_the_menu(made: Bar) -> None:
    ids = await made.made("one", "two", "three")
    await made.show()
    exported: list[list[str]] = []
    made.chats.export_requested.connect(exported.append)
    made.view.select(ids[1:])
    made.menu("Pin")
    await until(lambda: made.rows == ["# Pinned", "two", "three", "# Today", "one"], "pinned")
    made.menu("Unpin")
    await until(lambda: made.rows == ["# Today", "one", "two", "three"], "unpinned")
    made.menu("Export ...")
    assert exported == [ids[1:]]
    made.menu("Archive")
    await until(lambda: made.rows == ["# Today", "one"], "archived")
    QTest.mouseClick(button(made.bar, "Undo"), Qt.MouseButton.LeftButton)
    await until(lambda: made.rows == ["# Today", "one", "two", "three"], "taken back")
    made.view.select(ids[:1])
    made.menu("Duplicate")
    await until(lambda: len(made.opened) == 1, "the copy is opened")
    assert made.rows.count("one") == 2
    assert made.opened[0] not in ids
    made.menu("Rename")
    assert made.view.is_editing


@pytest.mark.qt_log_ignore("This plugin does not support")  # raising a menu, where there is no screen
async def test_folders(made: Bar) -> None:
    ids = await made.made("one", "two", "three")
    await made.show()
    made.view.select(ids[:2])
    made.menu("Move to Folder", "New Folder ...")
    say(made.bar, "Work")
    await until(lambda: len(made.chats._places.folders) == 1, "a folder")
    made.go("Work")
    await until(lambda: made.rows == ["# Today", "one", "two"], "what is in it")
    folder = made.chats.folder
    assert folder is not None
    made.go("New Folder in This One ...")
    say(made.bar, "Inner")
    await until(lambda: len(made.chats._places.folders) == 2, "another one")
    made.view.select(ids[:1])
    made.menu("Move to Folder", "Inner")
    await until(lambda: made.rows == ["# Today", "two"], "moved on")
    made.go("Rename Folder ...")
    say(made.bar, "Office & <b>home</b>")
    places = made.chats.findChild(PlaceButton)
    await until(lambda: places.text() == "Office && <b>home</b>", "renamed")
    made.go("Remove Folder ...")
    box = made.bar.findChild(QMessageBox)
    assert "Office & <b>home</b>" in box.text()
    QTest.mouseClick(button(box, "Remove Folder"), Qt.MouseButton.LeftButton)
    await until(lambda: made.rows == ["# Today", "one", "two", "three"], "all chats again")
    assert [place.name for place in await made.store.list.folders()] == ["Inner"]
    assert made.chats.folder is None


def say(bar: SideBar, name: str) -> None:
    """Answer what is asked."""
    (dialog,) = [each for each in bar.findChildren(QInputDialog) if each.isVisible()]
    line = dialog.findChild(QLineEdit)
    line.selectAll()
    QTest.keyClicks(line, name)
    QTest.keyClick(line, Key.Key_Return)


@pytest.mark.qt_log_ignore("This plugin does not support")  # raising a menu, where there is no screen
async def test_tags_the_archive_and_the_trash(made: Bar) -> None:
    ids = await made.made("one", "two", "three")
    await made.store.list.tag(ids[2], ["stars"])
    await made.store.list.archive(ids[1:2])
    await made.show()
    made.view.select([ids[0], ids[2]])
    made.menu("Tags", "stars")
    await until(lambda: all(chat.tags == ("stars",) for chat in made.view.chats.chats), "tagged")
    made.menu("Tags", "New Tag ...")
    say(made.bar, "moon")
    await until(lambda: all(chat.tags == ("moon", "stars") for chat in made.view.chats.chats), "another tag")
    made.view.select(ids[:1])
    made.menu("Tags", "stars")
    await until(lambda: tags(made, "one") == ("moon",), "not any more")
    made.go("stars")
    await until(lambda: made.rows == ["# Today", "three"], "those with a tag")
    made.go("Archived")
    await until(lambda: made.rows == ["# Today", "two"], "the archive")
    made.view.select(ids[1:2])
    made.menu("Unarchive")
    await until(lambda: "Nothing is archived." in made.words(), "empty")
    await made.store.list.delete(ids[:1])
    made.go("Trash")
    await until(lambda: made.rows == ["# Today", "one"], "the trash")
    made.click("one")
    made.press(Key.Key_Return)
    made.press(Key.Key_Delete)
    await asyncio.sleep(0.05)
    assert (made.opened, made.gone) == ([], [])
    assert "deleted" not in texts(made.bar)
    assert "It is in the trash" in texts(made.chats)
    made.menu("Restore")
    await until(lambda: "The trash is empty" in made.words(), "restored")
    assert "It is in the trash" not in texts(made.chats)
    await made.store.list.delete(ids[:1])
    made.go("Archived")
    made.go("Trash")
    await until(lambda: made.rows == ["# Today", "one"], "the trash")
    made.click("one")
    restore = next(each for each in made.chats.findChildren(QPushButton) if each.text() == "Restore")
    QTest.mouseClick(restore, Qt.MouseButton.LeftButton)
    await until(lambda: "The trash is empty" in made.words(), "restored by the button")
    assert "It is in the trash" not in texts(made.chats)
    made.go("All Chats")
    await until(lambda: made.rows == ["# Today", "one", "two", "three"], "all chats")


def tags(made: Bar, title: str) -> tuple[str, ...]:
    return next(chat.tags for chat in made.view.chats.chats if chat.title == title)


# The search


async def said(made: Bar, chat: str, question: str, answer: str, model: str = "Qwen3 4B") -> tuple[str, str]:
    """A turn; returns the ids of the question and of the answer."""
    about = About(model=ModelIdentity(f"id of {model}", model))
    asked, opened = await made.store.begin_turn(chat, None, [Text(question)], about)
    opened.add(TextDelta(answer))
    await opened.close(State.COMPLETE)
    return asked.id, opened.message.id


async def test_search_as_one_types(made: Bar) -> None:
    ids = await made.made("The moon and the sea", "Other things")
    asked, answered = await said(made, ids[1], "How far is the moon?", "The moonlight takes 1.28 seconds.")
    await made.show()
    made.chats.focus_search()
    assert made.field().hasFocus()
    made.type("moon")
    await until(lambda: len(made.found()) == 5, "found")
    titles, first, messages, answer, question = made.found()
    assert (titles, first, messages) == ("Titles", "The moon and the sea", "Messages")
    assert answer.startswith("Other things: The moonlight takes")
    assert "Qwen3 4B" in answer
    assert question.startswith("Other things: How far is the moon?, You")
    made.press(Key.Key_Down)
    made.press(Key.Key_Down)
    made.press(Key.Key_Return)
    assert made.hits[0] == (ids[1], answered)
    made.press(Key.Key_Down)
    made.press(Key.Key_Return)
    assert made.hits[1] == (ids[1], asked)
    made.press(Key.Key_Home)
    made.press(Key.Key_Return)
    assert made.opened[0] == ids[0]
    made.press(Key.Key_Up)
    assert made.field().hasFocus()
    made.press(Key.Key_Return)
    assert len(made.opened) == 2, "Enter in the field opens the first"
    stop, stopped = QAction(made.bar), []
    stop.setShortcut(Key.Key_Escape)
    stop.triggered.connect(lambda: stopped.append(True))
    made.bar.addAction(stop)
    made.press(Key.Key_Down)
    made.press(Key.Key_Escape)
    assert made.field().text() == ""
    made.type("moon")
    made.press(Key.Key_Escape)
    assert made.field().text() == ""
    assert not stopped, "the window's Esc is for answers, not for a search"
    made.press(Key.Key_Escape)
    assert stopped
    assert made.field().hasFocus()
    assert made.view.isVisible()
    made.press(Key.Key_Down)
    assert made.view.hasFocus()


async def test_enter_is_for_what_is_typed_and_not_for_what_was_found_before(made: Bar) -> None:
    ids = await made.made("moon", "lighthouse")
    await made.show()
    made.type("moon")
    await until(lambda: len(made.found()) == 2, "found")
    made.type("lighthouse")
    made.press(Key.Key_Return)
    await until(lambda: made.opened, "opened")
    assert made.opened == [ids[1]]
    made.type("moon")
    made.press(Key.Key_Down)
    await until(lambda: not made.field().hasFocus(), "in what is found")
    made.press(Key.Key_Return)
    assert made.opened == [ids[1], ids[0]]


async def test_the_hit_is_marked(made: Bar) -> None:
    """Painted in the theme's accent, at the beginning of what is shown even where it stands far behind."""
    ids = await made.made("Other things")
    await said(made, ids[0], "one two three four five six seven eight nine ten eleven lighthouse <b>twelve</b>", "No.")
    await made.show()
    made.type("lighthouse")
    await until(lambda: len(made.found()) == 2, "found")
    view = made.chats._search.view
    place = view.visualRect(view.hits.index(1))
    image = view.viewport().grab(place).toImage()
    soft = QColor(LIGHT.accent_soft).rgb()
    marked = [y for y in range(image.height()) if soft in line(image, y)]
    assert marked
    assert max(marked) < 8 + 20 + 17 + 4, "in the first line of the snippet"


async def test_the_filters(made: Bar) -> None:
    ids = await made.made("The moon", "Other things")
    await said(made, ids[0], "moon one", "moon two", "Qwen3 4B")
    await said(made, ids[1], "moon three", "moon four", "Llama 3.1 8B")
    old = int((datetime.now() - timedelta(days=10)).timestamp() * 1000)
    await made.show()
    made.type("moon")
    await until(lambda: len(made.found()) == 7, "found")
    search = made.chats._search
    assert [action.text() for action in search._model.menu().actions()] == ["Any Model", "Llama 3.1 8B", "Qwen3 4B"]
    pick(search._role.menu(), "You")
    await until(lambda: len(made.found()) == 3, "what I said")
    assert all("You" in row for row in made.found()[1:])
    pick(search._role.menu(), "Model")
    await until(lambda: all("You" not in row for row in made.found()), "what models said")
    pick(search._model.menu(), "Llama 3.1 8B")
    await until(lambda: len(made.found()) == 2, "what this one said")
    assert "moon four" in made.found()[1]
    pick(search._days.menu(), "Today")
    assert search.query().from_ms == int(datetime.combine(date.today(), datetime.min.time()).timestamp() * 1000)
    assert search.query().from_ms > old
    made.press(Key.Key_Escape)
    made.type("moon")
    await until(lambda: len(made.found()) == 7, "a new search filters nothing")


async def test_nothing_is_found_and_then_something(made: Bar) -> None:
    ids = await made.made("one")
    await said(made, ids[0], "lighthouse", "lighthouse")
    await made.show()
    made.type("ligx")
    await until(lambda: "Nothing found for “ligx”" in made.words(), "told")
    made.press(Key.Key_Backspace)
    QTest.keyClicks(made.field(), "hthouse")
    await until(lambda: len(made.found()) == 3, "what was typed last is what is shown")
    assert "Nothing" not in made.words()


async def test_more_is_found_as_one_scrolls(made: Bar) -> None:
    (chat,) = await made.made("one")
    parent: str | None = None
    count = 150
    for number in range(count // 2):
        _, opened = await made.store.begin_turn(chat, parent, [Text(f"lighthouse {number}")], About())
        opened.add(TextDelta("a lighthouse"))
        await opened.close(State.COMPLETE)
        parent = opened.message.id
    await made.show()
    made.type("lighthouse")
    await until(lambda: len(made.found()) == 61, "the first page")
    made.press(Key.Key_Down)
    for _ in range(5):
        made.press(Key.Key_End)
        await asyncio.sleep(0.05)
    await until(lambda: len(made.found()) == count + 1, "all of them")
    assert len(set(made.found())) == count // 2 + 2, "none twice: each question, one text of all answers, the heading"


async def test_many_titles_leave_room_for_messages(made: Bar) -> None:
    ids = await made.made(*(f"moon {number}" for number in range(9)))
    await said(made, ids[0], "the moon", "no")
    await made.show()
    made.type("moon")
    await until(lambda: len(made.found()) == 9, "found")
    assert made.found()[6] == "4 More Titles"
    for _ in range(6):
        made.press(Key.Key_Down)
    made.press(Key.Key_Return)
    assert len(made.found()) == 12
    assert made.chats._search.view.currentIndex().data() == made.found()[6]


# States


async def test_what_it_says_while_there_is_nothing(made: Bar) -> None:
    await until(lambda: "Opening the chats" in made.words(), "no store yet")
    await made.show()
    assert "No chats yet" in made.words()
    made.chats.show_problem("The chats cannot be opened.")
    assert made.words() == "The chats cannot be opened."
    made.chats.set_store(made.store)
    await until(lambda: "No chats yet" in made.words(), "opened after all")
    await made.made("one")
    made.chats.reload()
    await until(made.view.isVisible, "the list")


@pytest.mark.qt_log_ignore("This plugin does not support")  # raising a menu, where there is no screen
async def test_an_error_is_told_at_the_foot(made: Bar, tmp_path: Path) -> None:
    ids = await made.made("one")
    await made.show()
    await made.store.close()
    made.view.select(ids)
    made.menu("Pin")
    await until(lambda: "The chats are closed" in texts(made.chats), "told")
    assert made.rows == ["# Today", "one"]
    QTest.mouseClick(button(made.chats, "Dismiss"), Qt.MouseButton.LeftButton)
    assert "closed" not in texts(made.chats)
    made.chats.set_store(await Store.open(tmp_path / "other"))
    await until(lambda: "No chats yet" in made.words(), "another store")
    await made.chats._feed.store.close()


async def test_everything_has_a_name_and_can_be_reached(made: Bar) -> None:
    await made.made("one")
    await made.show()
    made.type("x")
    for _ in range(2):
        for widget in made.bar.findChildren(QWidget):
            if widget.isVisible() and widget.focusPolicy() is not Qt.FocusPolicy.NoFocus:
                interface = QAccessible.queryAccessibleInterface(widget)
                assert interface is not None
                assert interface.text(QAccessible.Text.Name).strip(), type(widget).__name__
        made.field().clear()
    reached, named = [], []
    made.field().setFocus()
    for _ in range(6):
        made.press(Key.Key_Tab)
        reached.append(type(QApplication.focusWidget()).__name__)
        named.append(QApplication.focusWidget().accessibleName())
    assert reached[:3] == ["QPushButton", "PlaceButton", "ChatView"]
    assert "Side bar" in named, "the tabs"


# The bar


async def test_the_tabs(made: Bar, tmp_path: Path) -> None:
    bar = made.bar
    assert bar.tab is Tab.CHATS
    bar.show_tab(Tab.MODELS)
    assert bar.models.isVisible()
    assert not bar.chats.isVisible()
    bar.show_tab(Tab.CHATS)
    model = ModelFile(tmp_path / "a.gguf", 1000, Place.OPENED)
    bar.models.show_models([model], model.path)
    assert bar.tab is Tab.CHATS, "a list that was read again takes nobody away"
    bar.show_tab(Tab.MODELS)
    loads: list[Path] = []
    bar.models.load_requested.connect(loads.append)
    bar.focus_page()
    made.press(Key.Key_Return)
    assert loads == [model.path]


@pytest.mark.parametrize(("letter", "dots_are_left"), [("א", True), ("H", False)])
def test_what_is_left_out_of_a_title_is_at_its_end_in_any_script(
    qapp: QApplication, letter: str, dots_are_left: bool
) -> None:
    image = QImage(200, 30, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.white)
    painter = QPainter(image)
    painter.setLayoutDirection(Qt.LayoutDirection.LeftToRight)  # as a view has it
    paint_line(painter, QRect(0, 0, 200, 30), letter * 100, "#000000", QFont(qapp.font()))
    painter.end()
    columns = [x for x in range(200) if any(image.pixelColor(x, y).lightness() < 200 for y in range(30))]

    def highest(x: int) -> int:
        return next(y for y in range(30) if image.pixelColor(x, y).lightness() < 200)

    left, right = highest(columns[0]), highest(columns[-1])
    assert (left > right) is dots_are_left, (left, right)
