"""From pane to pane by F6, and what of a window's own controls is told to who cannot see them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from chat_driver import SHIFT, K, echo, sat_down
from conftest import Build, until
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import QApplication, QMenu, QPushButton, QVBoxLayout, QWidget

from nodetool_xl_desktop.ui import accessible
from nodetool_xl_desktop.ui.accessible import Disclosure
from nodetool_xl_desktop.ui.parts import label


def pane() -> str:
    """Which one has the keys."""
    above = QApplication.focusWidget()
    while above is not None and above.objectName() not in ("sideBar", "centre", "fitPanel"):
        above = above.parentWidget()
    return above.objectName() if above is not None else ""


async def test_f6_goes_from_pane_to_pane_and_back_to_where_the_keys_were(build: Build) -> None:
    person = await sat_down(build, command=echo())
    await person.do(person.composer.focus)
    went = []
    for _ in range(3):
        await person.press(K.Key_F6)
        went.append(pane())
    assert went == ["fitPanel", "sideBar", "centre"]
    assert person.composer.isAncestorOf(person.focused())
    await person.press(K.Key_F6, SHIFT)
    assert pane() == "sideBar"


async def test_f6_leaves_out_what_is_hidden_and_comes_to_other_pages(build: Build) -> None:
    person = await sat_down(build, command=echo())
    window = person.window
    await person.do(window.commands["view.side_bar"].trigger)
    await person.do(person.composer.focus)
    await person.press(K.Key_F6)
    assert pane() == "fitPanel"
    await person.press(K.Key_F6)
    assert pane() == "centre"
    await person.do(window.commands["view.side_bar"].trigger)
    await person.do(window.commands["settings.show"].trigger)
    assert pane() == "centre"
    inside = person.focused()
    assert window.settings.page.isAncestorOf(inside)
    await person.press(K.Key_F6)
    assert pane() == "sideBar", "the fit panel is away meanwhile"
    await person.press(K.Key_F6)
    assert QApplication.focusWidget() is inside


@pytest.mark.qt_log_ignore("This plugin does not support")
async def test_f10_opens_the_first_menu(build: Build) -> None:
    person = await sat_down(build, command=echo())
    await person.press(K.Key_F10)
    await until(lambda: isinstance(QApplication.activePopupWidget(), QMenu), "a menu")
    assert person.window.menuBar().activeAction() is person.window.menuBar().actions()[0]
    await person.press(K.Key_Escape, at=lambda: QApplication.activePopupWidget() or person.window)
    await until(lambda: QApplication.activePopupWidget() is None, "closed")


# What is told


class Fold(QPushButton):
    def accessible(self) -> Disclosure:
        return Disclosure(self)


@pytest.fixture
def shown(qapp: QApplication) -> Iterator[QVBoxLayout]:
    accessible.install()
    window = QWidget()
    window.show()
    yield QVBoxLayout(window)
    window.close()
    window.deleteLater()


def test_what_opens_and_closes_something_is_told_as_collapsed_or_expanded(shown: QVBoxLayout) -> None:
    fold = Fold()
    fold.setText("More")
    fold.setCheckable(True)
    shown.addWidget(fold)
    told = QAccessible.queryAccessibleInterface(fold)
    assert told.role() is QAccessible.Role.Button
    assert told.text(QAccessible.Text.Name) == "More"
    assert (told.state().expandable, told.state().collapsed, told.state().expanded) == (1, 1, 0)
    actions = told.actionInterface()
    assert actions.actionNames() == ["Press", "SetFocus"]
    actions.doAction("Press")
    assert fold.isChecked()
    assert (told.state().collapsed, told.state().expanded) == (0, 1)


def test_a_label_whose_letters_can_be_selected_has_letters(shown: QVBoxLayout) -> None:
    words, plain = label("Two 😀 three", selects=True), label("Plain")
    for each in (words, plain):
        shown.addWidget(each)
    told = QAccessible.queryAccessibleInterface(words)
    assert told.text(QAccessible.Text.Name) == "Two 😀 three"
    assert told.role() is QAccessible.Role.StaticText
    letters = told.textInterface()
    assert letters.characterCount() == 12, "as Qt counts"
    assert letters.text(7, 12) == "three"
    assert letters.text(0, -1) == "Two 😀 three"
    letters.setSelection(0, 7, 12)
    assert words.selectedText() == "three"
    words.setText("Other")
    assert letters.text(0, -1) == "Other"
    assert QAccessible.queryAccessibleInterface(plain).textInterface() is None
