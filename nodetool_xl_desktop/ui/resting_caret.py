"""Lets the caret stop blinking when nobody has typed for a while, as other desktops do: each blink is a repaint of the
field, twice a second for as long as the window is open, and most of what the program takes while it idles.
"""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from nodetool_xl_desktop.ui.theme import style_hints

#: After so long without a move of the caret, in milliseconds.
AFTER_MS = 10_000
#: As the system wants it.
USUAL = -1


class RestingCaret(QObject):
    """Holds the caret of whatever field has the focus still, and in sight, until it is moved again.

    Args:
        after_ms: after how long without a move, in milliseconds.
    """

    def __init__(self, application: QApplication, after_ms: int = AFTER_MS) -> None:
        super().__init__()
        self._hints = style_hints()
        self._rests = self._is_closed = False
        self._rest = QTimer(self, singleShot=True, interval=after_ms)
        self._rest.timeout.connect(self._hold)
        # A blink does not move it. Both speak of keys, clicks and fields alike, without a look at every event.
        QGuiApplication.inputMethod().cursorRectangleChanged.connect(self._moved)
        application.focusObjectChanged.connect(self._moved)

    def close(self) -> None:
        """Leave it to the system again; more than once does nothing."""
        if self._is_closed:
            return
        self._is_closed = True
        QGuiApplication.inputMethod().cursorRectangleChanged.disconnect(self._moved)
        QGuiApplication.instance().focusObjectChanged.disconnect(self._moved)  # type: ignore[union-attr]
        self._rest.stop()
        self._wake()

    def _moved(self) -> None:
        self._wake()
        self._rest.start()

    def _hold(self) -> None:
        if self._hints.cursorFlashTime() > 0:  # else it does not blink on this system
            self._rests = True
            self._hints.setCursorFlashTime(0)

    def _wake(self) -> None:
        if self._rests:
            self._rests = False
            self._hints.setCursorFlashTime(USUAL)
