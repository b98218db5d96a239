"""The log of an MCP server: what it wrote, and what the program did with it; it follows the end while one is there."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication, QTextCursor
from PySide6.QtWidgets import QHBoxLayout, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from nodetool_xl_desktop.core.translation import tr, trn
from nodetool_xl_desktop.tools.mcp import LogKind, LogLine
from nodetool_xl_desktop.ui.parts import field, label
from nodetool_xl_desktop.ui.theme import SPACE_S

#: More new lines than that are laid out faster with all the others.
MOST_APPENDED = 8
#: As many as a server's log keeps.
MOST_LINES = 1_000
_MARKS = {LogKind.NOTE: "·", LogKind.ERROR: "!", LogKind.STDERR: " ", LogKind.PROTOCOL: ">"}


def line_text(line: LogLine) -> str:
    """ "12:03:45 ! It ended with status 1"."""
    return f"{line.at:%H:%M:%S} {_MARKS[line.kind]} {line.text}"


class ServerLogView(QWidget):
    """Shows the lines of one log, and copies them."""

    #: They were copied.
    copied = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._lines: tuple[str, ...] = ()
        self._view = QPlainTextEdit()
        self._view.setProperty("kind", "log")
        self._view.setReadOnly(True)
        self._view.setUndoRedoEnabled(False)
        self._view.setTabChangesFocus(True)
        self._view.setMaximumBlockCount(MOST_LINES)
        self._view.setLineWrapMode(QPlainTextEdit.LineWrapMode.WidgetWidth)
        self._view.setAccessibleName(tr("Log of the server"))
        self._view.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self._copy = QPushButton(tr("Copy"))
        self._copy.setAutoDefault(False)
        self._copy.clicked.connect(self._copy_all)
        row = QHBoxLayout()
        row.addWidget(
            label(
                trn(
                    "The last {count} line; secrets are left out.",
                    "The last {count:,} lines; secrets are left out.",
                    MOST_LINES,
                ),
                "note",
            ),
            1,
        )
        row.addWidget(self._copy)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_S)
        layout.addWidget(field(self._view), 1)
        layout.addLayout(row)
        self.show_lines(())

    @property
    def text(self) -> str:
        """All that it shows."""
        return self._view.toPlainText()

    @property
    def inputs(self) -> tuple[QWidget, ...]:
        """In the order of the tab key."""
        return (self._view, self._copy)

    def show_lines(self, lines: Sequence[LogLine]) -> None:
        """Show these; only what is new is laid out."""
        texts = tuple(map(line_text, lines))
        if texts == self._lines:
            return
        new = _after(self._lines, texts)
        self._lines = texts
        bar = self._view.verticalScrollBar()
        follows, before = bar.value() >= bar.maximum() - 4, bar.value()
        if new is None or len(new) > MOST_APPENDED:  # each of them is laid out by itself
            self._view.setPlainText("\n".join(texts))
        else:
            for text in new:
                self._view.appendPlainText(text)
        self._copy.setEnabled(bool(texts))
        if follows:
            self._view.moveCursor(QTextCursor.MoveOperation.End)
            bar.setValue(bar.maximum())
        else:
            bar.setValue(before)

    def _copy_all(self) -> None:
        QGuiApplication.clipboard().setText("\n".join(self._lines))
        self.copied.emit()


def _after(old: tuple[str, ...], new: tuple[str, ...]) -> tuple[str, ...] | None:
    """What came behind the old lines, whose oldest may be gone; None where that cannot be said."""
    if not old or not new:
        return None
    for start, each in enumerate(old):
        if each == new[0] and old[start:] == new[: len(old) - start]:
            return new[len(old) - start :]
    return None
