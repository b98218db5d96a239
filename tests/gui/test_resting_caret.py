"""The caret stops blinking when nobody types, stays in sight, and blinks again with the next key."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget

from nodetool_xl_desktop import app
from nodetool_xl_desktop.ui.resting_caret import RestingCaret


class Paints(QObject):
    """Counts how often a widget is painted."""

    def __init__(self, watched: QWidget) -> None:
        super().__init__(watched)
        self.count = 0
        watched.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        self.count += event.type() is QEvent.Type.Paint
        return super().eventFilter(watched, event)


@pytest.fixture
def fields(qtbot: object) -> Iterator[tuple[QLineEdit, QLineEdit]]:
    window = QWidget()
    column = QVBoxLayout(window)
    first, second = QLineEdit(), QLineEdit()
    column.addWidget(first)
    column.addWidget(second)
    window.show()
    window.activateWindow()
    first.setFocus()
    yield first, second
    window.close()
    window.deleteLater()


async def test_the_caret_rests_and_wakes(fields: tuple[QLineEdit, QLineEdit]) -> None:
    first, second = fields
    hints = app.application().styleHints()
    usual = hints.cursorFlashTime()
    assert usual > 0
    caret = RestingCaret(app.application(), after_ms=100)
    try:
        QTest.keyClicks(first, "a")
        await asyncio.sleep(0.3)
        assert hints.cursorFlashTime() == 0
        painted = Paints(first)
        await asyncio.sleep(usual * 1.2 / 1000)
        assert painted.count == 0  # nothing wakes the window
        QTest.keyClicks(first, "b")
        assert hints.cursorFlashTime() == usual
        await asyncio.sleep(0.3)
        assert hints.cursorFlashTime() == 0
        QTest.mouseClick(second, Qt.MouseButton.LeftButton)  # another field
        assert second.hasFocus()
        assert hints.cursorFlashTime() == usual
        await asyncio.sleep(0.3)
        assert hints.cursorFlashTime() == 0
    finally:
        caret.close()
    assert hints.cursorFlashTime() == usual  # and the system's again


async def test_where_the_system_has_no_blinking_there_is_none(fields: tuple[QLineEdit, QLineEdit]) -> None:
    hints = app.application().styleHints()
    hints.setCursorFlashTime(0)
    caret = RestingCaret(app.application(), after_ms=50)
    try:
        QTest.keyClicks(fields[0], "a")
        await asyncio.sleep(0.2)
        QTest.keyClicks(fields[0], "b")
        assert hints.cursorFlashTime() == 0
    finally:
        caret.close()
        hints.setCursorFlashTime(-1)


def test_what_is_collected_takes_nothing_of_qt_along() -> None:
    """PySide deletes Qt's own hints where they are collected in this order; the next theme crashed then."""
    script = """
import gc
from nodetool_xl_desktop import app
from nodetool_xl_desktop.ui.resting_caret import RestingCaret
from nodetool_xl_desktop.ui.theme import Theme
application = app.application()
gc.disable()
for _ in range(3):
    caret = RestingCaret(application)
    gc.collect(0)  # it is older now than what the theme asks Qt for
    theme = Theme(application)
    caret.close()
    caret.itself = caret
    del caret
    gc.collect()
    theme.apply()
"""
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 0, ended.stderr
