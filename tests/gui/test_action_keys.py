"""What each key of `action_places` does, pressed on the real thing: the list of keys says nothing that is not so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from chat_driver import Person, echo, sat_down
from conftest import Build, until
from PySide6.QtCore import QKeyCombination, Qt
from PySide6.QtGui import QGuiApplication, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QPlainTextEdit, QTextEdit, QWidget

from nodetool_xl_desktop.hub.repository import HubFile
from nodetool_xl_desktop.hub.standing import Download, State
from nodetool_xl_desktop.ui.action import Where
from nodetool_xl_desktop.ui.action_places import ROWS, action_of
from nodetool_xl_desktop.ui.downloads.downloads_page import DownloadsPage
from nodetool_xl_desktop.ui.downloads.row_buttons import Wish
from nodetool_xl_desktop.ui.side_bar import Tab
from nodetool_xl_desktop.ui.theme import Theme
from nodetool_xl_desktop.ui.transcript.message_actions import Do, menu
from nodetool_xl_desktop.ui.transcript.message_figures import Details


def combination(keys: str) -> QKeyCombination:
    return QKeySequence(keys)[0]


async def press(person: Person, name: str, at: Callable[[], QWidget] | None = None, number: int = 0) -> None:
    """The keys of a row, where the keys go."""
    keys = combination(action_of(name).keys.split(", ")[number])
    await person.press(keys.key(), keys.keyboardModifiers(), at)


def names(where: Where) -> set[str]:
    return {row.id for row in ROWS if row.where is where and row.keys}


def clipboard() -> str:
    return QGuiApplication.clipboard().text()


async def test_the_keys_in_the_composer(build: Build, starter_model: Path) -> None:
    person = await sat_down(build, command=echo())
    await person.load(starter_model)
    field = person.composer.field
    await person.write("one")
    await press(person, "composer.line")
    await person.type("two")
    assert field.text == "one\ntwo"
    await press(person, "composer.send")
    await person.answered("one\ntwo".replace("\n", " "))
    assert field.text == ""
    await press(person, "composer.recall")
    assert field.text == "one\ntwo"
    await press(person, "composer.undo")
    assert field.text == ""
    QGuiApplication.clipboard().setText("a line\n" * 2000)
    await press(person, "composer.paste_text")
    assert field.text.startswith("a line\n"), "as text, and not as a file"
    assert person.composer.parts[0].__class__.__name__ == "Text"
    await person.do(person.composer.clear)
    await press(person, "composer.messages")
    await until(lambda: person.view(1).hasFocus(), "the last message has the keys")


async def test_the_keys_on_a_message(build: Build, starter_model: Path) -> None:
    person = await sat_down(build, command=echo())
    await person.load(starter_model)
    await person.ask("apples **ripe**")
    await person.answered()
    await person.point(1)
    await press(person, "message.previous")
    assert person.view(0).hasFocus()
    await press(person, "message.next")
    assert person.view(1).hasFocus()
    for name, wanted in (("copy", "apples **ripe**"), ("copy_plain", "apples ripe"), ("copy_rich", "apples ripe")):
        QGuiApplication.clipboard().clear()
        await press(person, f"message.{name}")
        assert clipboard().strip() == wanted, name
    await press(person, "message.select_all")
    await press(person, "message.quote")
    assert person.composer.text.startswith("> apples")
    await person.do(person.composer.clear)
    await person.point(1)
    await press(person, "message.regenerate")
    await until(lambda: person.chats.can_stop, "it is asked again")
    await person.answered()
    await person.point(1)
    after = person.shown[1].id
    await press(person, "message.version_before")
    await until(lambda: person.shown[1].id != after, "the version before")
    await person.point(1)
    await press(person, "message.version_after")
    await until(lambda: person.shown[1].id == after, "the version after")
    await person.point(0)
    await press(person, "message.edit")
    await until(lambda: getattr(person.view(0), "editor", None) is not None, "it is edited")
    await press(person, "editor.close")
    await person.point(1)
    first = person.shown_id
    await press(person, "message.fork")
    await until(lambda: person.shown_id not in (None, first), "another chat")
    await person.point(1)
    await press(person, "message.delete")
    await until(lambda: len(person.said) == 1, "it is deleted")
    await press(person, "anywhere.undo", lambda: person.view(0))
    await until(lambda: len(person.said) == 2, "it is taken back")


def test_the_menu_of_a_message_shows_the_keys_of_the_table(qapp: QApplication) -> None:
    parent = QWidget()
    made = menu(parent, set(Do) - {Do.QUOTE}, lambda _do: None)
    by_text = {action.text(): action.shortcuts() for action in made.actions()}
    for do in Do:
        assert by_text[do.row.name] == do.row.sequences
    parent.deleteLater()


async def test_the_keys_on_a_chat_and_on_a_model_of_the_lists(build: Build, starter_model: Path) -> None:
    person = await sat_down(build, command=echo())
    await person.load(starter_model)
    await person.ask("apples")
    await person.answered()
    await until(lambda: person.titles, "it is listed")
    view = person.browser.view
    await person.do(lambda: person.window.navigation.show_tab(Tab.CHATS))
    await person.new_chat()
    await person.do(view.setFocus)
    await person.press(Qt.Key.Key_Home)
    await press(person, "listed_chat.open")
    await until(lambda: person.said, "it is shown")
    await person.do(view.setFocus)
    await press(person, "listed_chat.rename")
    await until(lambda: isinstance(QApplication.focusWidget(), QLineEdit), "its title is edited")
    await person.press(Qt.Key.Key_Escape)
    await person.do(view.setFocus)
    await press(person, "listed_chat.delete")
    await until(lambda: not person.titles, "it is in the trash")
    await press(person, "anywhere.undo", lambda: person.window)
    await until(lambda: person.titles, "it is taken back")


@pytest.mark.qt_log_ignore("This plugin does not support (raise|grabbing the keyboard)")  # of what pops up
async def test_the_keys_of_a_chat_that_is_long(build: Build, starter_model: Path) -> None:
    person = await sat_down(build, command=echo(reasons=["stop", "length"]))
    person.chats.titles.is_on = False
    await person.load(starter_model)
    for number in range(2):
        await person.ask(f"apples {number} " + "and more of them " * 150)
        await person.answered()
    bar = person.transcript.verticalScrollBar()
    await person.point(3)
    await press(person, "message.first")
    await until(lambda: bar.value() == 0, "the beginning")
    await press(person, "message.last")
    await until(lambda: bar.value() == bar.maximum() > 0, "the end")
    await person.point(3)
    await press(person, "message.details")
    await until(lambda: [each for each in person.window.findChildren(Details) if each.isVisible()], "how it was made")
    await person.press(Qt.Key.Key_Escape)
    await until(lambda: not [each for each in person.window.findChildren(Details) if each.isVisible()], "closed")
    await person.point(3)
    length = len(person.said[3])
    await press(person, "message.continue")
    await until(lambda: len(person.said[3]) > length, "it goes on")
    await person.answered()
    await person.point(2)
    await press(person, "message.edit")
    await until(lambda: isinstance(QApplication.focusWidget(), QPlainTextEdit | QTextEdit), "it is edited")
    await person.type("x")
    await press(person, "editor.finish")
    await until(lambda: "x" in person.said[2][-2:], "it is asked so")
    await person.answered()


async def test_the_keys_in_the_find_bar(build: Build, starter_model: Path) -> None:
    person = await sat_down(build, command=echo())
    await person.load(starter_model)
    await person.ask("plum and plum")
    await person.answered()
    bar = person.transcript.find_bar
    await person.do(person.window.commands["chat.find"].trigger)
    await until(bar.field.hasFocus, "the find bar")
    await person.type("plum")
    await until(lambda: bar.count == "1 of 4", "found")
    for name, number, wanted in (("next", 0, 2), ("next", 1, 3), ("previous", 0, 2), ("previous", 1, 1)):
        await press(person, f"find.{name}", number=number)
        assert bar.count == f"{wanted} of 4", (name, number)
    await press(person, "find.close")
    assert not bar.isVisible()


async def test_the_keys_outside_of_a_text(build: Build, starter_model: Path, tmp_path: Path) -> None:
    person = await sat_down(build, command=echo())
    await person.load(starter_model)
    await person.ask("apples")
    await person.answered()
    window = person.window
    await person.do(window.navigation.show_settings)
    assert window.centre.page is window.settings.page
    await press(person, "anywhere.back", lambda: window.settings.page)
    assert window.centre.page is window.chat
    other = tmp_path / "Other-Q4_1.gguf"
    other.symlink_to(starter_model)
    QGuiApplication.clipboard().setText(str(other))
    await person.point(1)
    await press(person, "anywhere.paste")
    await until(lambda: window.side_bar.models.selected == other, "what the clipboard names is opened")


async def test_the_keys_on_a_model_of_the_list(build: Build, starter_model: Path) -> None:
    person = await sat_down(build, command=echo())
    await person.window.models.open([starter_model])
    page = person.window.side_bar.models
    await person.do(page.view.setFocus)
    heard: list[str] = []
    page.load_requested.connect(lambda _model: heard.append("load"))
    await press(person, "listed_model.copy")
    assert clipboard() == str(starter_model)
    await press(person, "listed_model.favourite")
    await until(lambda: page.files[0].about.favourite, "a favourite")
    await press(person, "listed_model.load")
    await until(lambda: "load" in heard, "it is loaded")
    await person.do(page.view.setFocus)
    await press(person, "listed_model.rename")
    await until(lambda: isinstance(QApplication.focusWidget(), QLineEdit), "its name is asked for")
    await person.press(Qt.Key.Key_Escape)


async def test_the_keys_on_a_download(qapp: QApplication, qtbot: object) -> None:
    theme = Theme(qapp)
    page = DownloadsPage(theme)
    heard: list[object] = []
    page.list.wished.connect(lambda wish, key: heard.append((wish, key)))
    page.list.moved.connect(lambda key, to: heard.append((key, to)))
    page.list.show_downloads([_download(number) for number in range(3)])
    page.resize(800, 600)
    page.show()
    row = page.list.rows[1]
    page.activateWindow()
    await until(page.isActiveWindow, "the window has the keys")
    row.setFocus()
    for name in ("download.main", "download.up", "download.down", "download.cancel"):
        keys = combination(action_of(name).keys)
        QTest.keyClick(row, keys.key(), keys.keyboardModifiers())
    assert heard == [(Wish.PAUSE, "d1"), ("d1", "d0"), ("d1", "d2"), (Wish.CANCEL, "d1")]
    heard.clear()
    page.list.show_downloads([_download(1, State.DONE)])
    page.list.rows[0].setFocus()
    QTest.keyClick(page.list.rows[0], combination(action_of("download.load").keys).key())
    assert heard == [(Wish.LOAD, "d1")]
    page.close()
    page.deleteLater()
    theme.deleteLater()


def _download(number: int, state: State = State.WAITING) -> Download:
    file = HubFile(f"Model-{number}.gguf", 1000)
    path = Path(file.path) if state is State.DONE else None
    done = file.size if path is not None else 0
    return Download(f"d{number}", "org/repo", "https://hub.example", (file,), state, done, 1000, path=path)
