"""Which day a piece of a chat is of: the words, and the line between two days."""

from __future__ import annotations

from datetime import datetime

from PySide6.QtCore import QDate, QDateTime, QLocale, QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSizePolicy, QWidget

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.ui.parts import label
from nodetool_xl_desktop.ui.theme import SPACE_M, SPACE_XS

DAY_MS = 86_400_000


def day_of(created_ms: int) -> QDate | None:
    """The day of a time, here; None where nobody knows it, which imports tell as the beginning of time."""
    if created_ms < DAY_MS:
        return None
    try:
        at = datetime.fromtimestamp(created_ms / 1000)  # the day where the reader is
    except (OverflowError, ValueError, OSError):  # an import may say anything
        return None
    return QDate(at.year, at.month, at.day)


def day_words(day: QDate, today: QDate, locale: QLocale | None = None) -> str:
    """A day as it is told: "Today", "Yesterday", or the long form of the system's locale."""
    if day == today:
        return tr("Today")
    if day == today.addDays(-1):
        return tr("Yesterday")
    return (locale or QLocale()).toString(day, QLocale.FormatType.LongFormat)


def words_above(created_ms: int, before_ms: int | None, today: QDate) -> str:
    """What the line above a message says; empty for none.

    Args:
        created_ms: of the message.
        before_ms: of the one above it; None where it is the first one, which needs no line where it is of today.
        today: the day that it is.
    """
    day = day_of(created_ms)
    if day is None:
        return ""
    before = today if before_ms is None else day_of(before_ms)
    return "" if before is None or before == day else day_words(day, today)


class DayLine(QWidget):
    """A hairline with the day in its middle."""

    def __init__(self) -> None:
        super().__init__()
        self._words = label("", "note")
        self._words.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, SPACE_XS, 0, SPACE_M)
        row.setSpacing(SPACE_M)
        row.addWidget(_hairline(), 1)
        row.addWidget(self._words, 0, Qt.AlignmentFlag.AlignCenter)
        row.addWidget(_hairline(), 1)

    @property
    def text(self) -> str:
        """What it says; empty where it is not shown."""
        return self._words.text()

    def say(self, text: str) -> None:
        """Say this; nothing is drawn for an empty text."""
        self._words.setText(text)
        self.setAccessibleName(text)
        self.setVisible(bool(text))


def _hairline() -> QFrame:
    made = QFrame()
    made.setObjectName("hairline")
    made.setFixedHeight(1)
    return made


class Midnight(QObject):
    """Tells that another day has begun, so that what was today is yesterday then."""

    passed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._tell)

    def wait(self) -> None:
        """Wait for the next one."""
        next_day = QDate.currentDate().addDays(1).startOfDay()
        self._timer.start(max(0, QDateTime.currentDateTime().msecsTo(next_day)) + 1000)

    def _tell(self) -> None:
        self.passed.emit()
        self.wait()
