"""The table of actions against the window: what its menus hold, when each can be done, and what its keys really do."""

from __future__ import annotations

from pathlib import Path

import pytest
from chat_driver import ALT, CTRL, SHIFT, K, Person, echo, sat_down
from conftest import Build, until
from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QApplication, QFileDialog, QLabel, QMenu, QWidget

from nodetool_xl_desktop.app import Parts
from nodetool_xl_desktop.core import settings
from nodetool_xl_desktop.engine.states import Ready, Starting
from nodetool_xl_desktop.ui.action import Menu, Where, unmarked
from nodetool_xl_desktop.ui.actions import ALL, ROWS, action_of
from nodetool_xl_desktop.ui.shortcuts import Shortcuts
from nodetool_xl_desktop.ui.side_bar import Tab

CTRL_SHIFT = CTRL | SHIFT


# The table


def test_each_action_has_a_name_of_its_own_and_says_how_it_is_done() -> None:
    assert len({row.id for row in ALL}) == len(ALL)
    for row in ALL:
        assert row.name.strip(), row.id
        assert (row.does is not None) == (row.where is Where.WINDOW), f"{row.id}: a widget hears what a window does not"
    assert all(row.menu is not None for row in ROWS)
    assert {row.menu for row in ROWS} == set(Menu)


@pytest.mark.parametrize("where", Where, ids=lambda where: where.name)
def test_no_key_does_two_things_in_one_place(where: Where) -> None:
    keys = [sequence.toString() for row in ALL if row.where is where for sequence in row.sequences]
    assert all(keys), "each is a key that Qt knows"
    assert sorted(set(keys)) == sorted(keys)


def test_nothing_is_destroyed_by_one_key_alone() -> None:
    """But where a bar offers to take it back: a chat and a model go to a trash."""
    plain = {row.id for row in ALL for keys in row.keys.split(", ") if keys in ("Del", "Backspace")}
    assert plain == {"listed_chat.delete", "listed_model.trash"}
    assert action_of("file.close").keys == "Ctrl+W"
    assert action_of("file.quit").keys == "Ctrl+Q"


def test_the_keys_that_people_expect() -> None:
    expected = {
        "chat.new": "Ctrl+N", "file.open": "Ctrl+O", "model.choose": "Ctrl+L", "chat.search": "Ctrl+K",
        "chat.find": "Ctrl+F", "view.side_bar": "Ctrl+B", "settings.show": "Ctrl+,", "help.keys": "Ctrl+/",
        "help.palette": "Ctrl+Shift+P", "chat.stop": "Esc", "chat.regenerate": "Ctrl+Enter",
        "chat.continue": "Alt+Enter", "view.larger": "Ctrl++", "view.smaller": "Ctrl+-",
    }  # fmt: skip
    assert {name: action_of(name).keys.split(", ")[0] for name in expected} == expected


# The menus


def menus(parts: Parts) -> list[QMenu]:
    made = [action.menu() for action in parts.window.menuBar().actions()]
    assert all(isinstance(each, QMenu) for each in made)
    return [each for each in made if isinstance(each, QMenu)]


def marked(text: str) -> str:
    """The letter behind the `&` of a text."""
    at = text.replace("&&", "  ").find("&")
    return text[at + 1].casefold() if at >= 0 else ""


async def test_the_menus_hold_the_table_and_each_letter_of_one_does_one_thing(parts: Parts) -> None:
    titles = [menu.title() for menu in menus(parts)]
    assert titles == [menu.value for menu in Menu]
    assert len({marked(title) for title in titles}) == len(titles)
    for menu, value in zip(menus(parts), Menu, strict=True):
        texts = [action.text() for action in menu.actions() if not action.isSeparator()]
        assert [unmarked(text) for text in texts] == [row.name for row in ROWS if row.menu is value]
        letters = [marked(text) for text in texts]
        assert all(letters), f"each can be reached by a letter: {texts}"
        assert len(set(letters)) == len(letters), f"{menu.title()}: {texts}"


async def test_each_action_of_the_window_has_the_keys_of_its_row(parts: Parts) -> None:
    for row in ROWS:
        made = parts.window.commands[row.id]
        assert made.shortcuts() == row.sequences, row.id
        assert made.isCheckable() == (row.is_checked is not None), row.id
        assert made.shortcutContext() is Qt.ShortcutContext.WindowShortcut


async def test_the_button_for_more_has_the_menu_of_the_chat(parts: Parts) -> None:
    assert parts.window.chat.more.menu() is menus(parts)[1]


# When it can be done


def possible(person: Person, *names: str) -> set[str]:
    return {name for name in names if person.window.commands[name].isEnabled()}


ASKING = ("chat.stop", "chat.regenerate", "chat.continue", "chat.find", "chat.export")
LOADING = ("model.load", "model.eject", "model.tune")


async def test_what_can_be_done_follows_what_happens(build: Build, starter_model: Path, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    person = await sat_down(build, command=echo(gate=gate))
    commands = person.window.commands
    await until(lambda: possible(person, "chat.import", "chat.export_all", "tools.manage"), "all is there")
    assert possible(person, *ASKING, *LOADING) == set()
    await person.window.models.open([starter_model])
    await until(lambda: possible(person, *LOADING) == {"model.load", "model.tune"}, "a model is selected")
    await person.press(K.Key_L, CTRL_SHIFT, lambda: person.window)
    await until(lambda: isinstance(person.pane.state, Starting), "it is loaded")
    await until(lambda: possible(person, *LOADING) == {"model.eject"}, "and that can be cancelled")
    assert commands["model.eject"].text() == "&Cancel Loading"
    await until(lambda: isinstance(person.pane.state, Ready), "loaded")
    await until(lambda: commands["model.eject"].text() == "&Eject", "it can be ejected")
    assert possible(person, *LOADING) == {"model.eject", "model.tune"}, "it is loaded just so"
    assert possible(person, *ASKING) == set()
    await person.ask("apples and pears")
    await until(lambda: possible(person, *ASKING) == {"chat.stop", "chat.find", "chat.export"}, "it is answered")
    await person.press(K.Key_Escape)
    await until(lambda: "chat.stop" not in possible(person, *ASKING), "stopped")
    assert possible(person, *ASKING) == set(ASKING) - {"chat.stop"}
    await person.press(K.Key_2, CTRL, lambda: person.window)
    await person.press(K.Key_J, CTRL_SHIFT, lambda: person.window)
    await until(lambda: "chat.find" not in possible(person, *ASKING), "the downloads lie over the chat")
    await person.new_chat()
    await until(lambda: possible(person, *ASKING) == set(), "nothing was said in it")
    await person.press(K.Key_E, CTRL, lambda: person.window)
    await until(lambda: "model.eject" not in possible(person, *LOADING), "it is ejected")
    gate.touch()


class Looks(QObject):
    """Counts how often the actions look at what can be done."""

    def __init__(self, person: Person) -> None:
        super().__init__()
        self.count = 0
        person.window.commands.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        self.count += event.type() >= QEvent.Type.User
        return False


async def test_an_answer_that_streams_has_them_looked_at_a_few_times_and_not_for_each_token(
    build: Build, starter_model: Path
) -> None:
    person = await sat_down(build, command=echo(times=300, pace_s=0.003))
    await person.load(starter_model)
    looks = Looks(person)
    await person.ask("apples")
    await person.answered()
    assert len(person.said[-1].split()) == 300
    assert 2 <= looks.count <= 12, "when it is asked, begins and ends"


# What the keys do


async def test_the_keys_of_the_window(build: Build, starter_model: Path) -> None:
    person = await sat_down(build, command=echo())
    window, side_bar = person.window, person.window.side_bar

    async def press(key: Qt.Key, held: Qt.KeyboardModifier) -> None:
        await person.press(key, held, lambda: window)

    await press(K.Key_2, CTRL)
    assert side_bar.tab is Tab.MODELS
    await press(K.Key_3, CTRL)
    assert side_bar.tab is Tab.DISCOVER
    await press(K.Key_K, CTRL)
    assert side_bar.tab is Tab.CHATS
    assert QApplication.focusWidget() is person.browser._field
    await press(K.Key_B, CTRL)
    assert side_bar.isHidden()
    await press(K.Key_B, CTRL)
    assert not side_bar.isHidden()
    await press(K.Key_B, CTRL_SHIFT)
    assert window.fit_panel.isHidden()
    await press(K.Key_B, CTRL_SHIFT)
    await press(K.Key_Plus, CTRL)
    await press(K.Key_Equal, CTRL)
    assert window.theme.zoom == 1.25
    await press(K.Key_Minus, CTRL)
    assert window.theme.zoom == 1.1
    await press(K.Key_0, CTRL)
    assert window.theme.zoom == 1.0
    await press(K.Key_T, CTRL_SHIFT)
    await until(window.tools.popup.isVisible, "the tools")
    await person.press(K.Key_Escape)
    await press(K.Key_P, CTRL)
    assert window.presets.panel.isVisible()
    await person.press(K.Key_Escape)
    await press(K.Key_O, CTRL)
    dialog = await shown_dialog(window, QFileDialog)
    dialog.close()
    window.activateWindow()  # as the window manager does
    await press(K.Key_Comma, CTRL)
    await until(lambda: window.centre.page is not window.chat, "the settings")
    await press(K.Key_N, CTRL)
    assert window.centre.page is window.chat
    assert person.composer.field.hasFocus()
    await press(K.Key_Slash, CTRL)
    (await shown_dialog(window, Shortcuts)).close()


async def shown_dialog(window: QWidget, kind: type[QWidget]) -> QWidget:
    def shown() -> list[QWidget]:
        return [each for each in window.findChildren(kind) if each.isVisible()]

    await until(shown, "a dialog")
    return shown()[0]


async def test_regenerate_and_continue_by_keys_from_the_composer(build: Build, starter_model: Path) -> None:
    person = await sat_down(build, command=echo())
    await person.load(starter_model)
    await person.ask("apples")
    await person.answered("apples")
    for key in (K.Key_Return, K.Key_Enter):
        before = person.shown[-1].id
        await until(person.window.commands["chat.regenerate"].isEnabled, "it can be answered again")
        assert person.composer.field.hasFocus()
        await person.press(key, CTRL)
        await until(lambda before=before: person.shown[-1].id != before, "another answer")
        await person.answered("apples")
    before = person.shown[-1].id
    await until(person.window.commands["chat.continue"].isEnabled, "it can go on")
    await person.press(K.Key_Return, ALT)
    await until(lambda: person.said[-1] != "apples", "it goes on")
    await person.answered()
    assert person.shown[-1].id == before


async def test_titles_and_off_line_are_switched_and_kept(build: Build) -> None:
    person = await sat_down(build)
    titles, off_line = (person.window.commands[name] for name in ("chat.titles", "file.offline"))
    await until(titles.isChecked, "the default")
    assert not off_line.isChecked()
    await person.do(titles.trigger)
    await person.do(off_line.trigger)
    await until(lambda: off_line.isChecked() and not titles.isChecked(), "switched")
    assert person.window.tools.is_off_line
    kept = person.window.chosen.now
    assert (kept[settings.TITLES], kept[settings.OFF_LINE]) == (False, True)
    await person.do(off_line.trigger)
    await until(lambda: not off_line.isChecked(), "and back")
    await person.close()
    again = await sat_down(build)
    await until(lambda: not again.window.commands["chat.titles"].isChecked(), "it was kept")


# The list of keys


def lines(dialog: QWidget) -> list[str]:
    """What is seen of the list, from the top of each column."""
    return [label.text() for label in dialog.findChildren(QLabel) if label.isVisible()]


@pytest.mark.parametrize("size", [(1360, 860), (1024, 640)], ids=str)
async def test_the_list_of_keys_has_them_all_and_is_searched(build: Build, size: tuple[int, int]) -> None:
    person = await sat_down(build)
    window = person.window
    window.resize(*size)
    await person.press(K.Key_Slash, CTRL, lambda: window)
    dialog = await shown_dialog(window, Shortcuts)
    assert isinstance(dialog, Shortcuts)
    assert dialog.width() <= size[0]
    assert dialog.height() <= size[1]
    seen = lines(dialog)
    for row in ALL:
        assert (row.name in seen) >= bool(row.keys), row.id
    assert QKeySequence("Ctrl+Shift+P").toString(QKeySequence.SequenceFormat.NativeText) in seen
    assert dialog._area.horizontalScrollBar().maximum() == 0
    await until(lambda: QApplication.focusWidget() is dialog.field, "the search has the keys")
    await person.press(K.Key_PageDown)
    assert dialog._area.verticalScrollBar().value() > 0
    await person.type("command pal")
    assert lines(dialog) == ["Help", "Command Palette", "Ctrl+Shift+P"]
    dialog.field.clear()
    await person.type("ctrl+shift+p")
    assert "Command Palette" in lines(dialog)
    dialog.field.clear()
    await person.type("xyzzy")
    assert lines(dialog) == ["No key does that."]
    await person.press(K.Key_Escape)
    await until(lambda: not window.findChildren(Shortcuts), "it is gone")
    window.activateWindow()  # as the window manager does
    await until(person.composer.field.hasFocus, "the keys are where they were")
