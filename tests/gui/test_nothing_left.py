"""What a test of the window leaves behind is not there for the next one."""

from __future__ import annotations

import shiboken6
from conftest import nothing_left
from PySide6.QtWidgets import QApplication, QLabel, QWidget

from nodetool_xl_desktop.ui.theme import Theme


def test_windows_and_themes_of_a_test_go_with_it(qapp: QApplication) -> None:
    there, owner = QWidget(), QWidget()
    with nothing_left(qapp):
        left, theme, inside = QWidget(), Theme(qapp), QLabel(owner)
        below = QLabel(left)
    assert not any(shiboken6.isValid(each) for each in (left, theme, below))
    assert all(shiboken6.isValid(each) for each in (there, owner, inside))
