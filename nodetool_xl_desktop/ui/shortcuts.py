"""The dialog of all keys."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QDialog, QGridLayout, QWidget

from nodetool_xl_desktop.ui.parts import label
from nodetool_xl_desktop.ui.theme import SPACE_S, SPACE_XL

#: Keys that no menu has.
IN_THE_COMPOSER = (
    ("Enter", "Send"),
    ("Shift+Enter", "New line"),
    ("Up", "What was sent before"),
    ("Ctrl+Shift+V", "Paste a long text as text"),
    ("Ctrl+Z", "Take a deletion back"),
)
#: Of the message that has the focus.
ON_A_MESSAGE = (
    ("Ctrl+Up, Ctrl+Down", "From message to message"),
    ("E", "Edit"),
    ("Ctrl+A", "Select all"),
    ("Ctrl+C", "Copy as Markdown"),
    ("Ctrl+Shift+C", "Copy as plain text"),
    ("Ctrl+Alt+C", "Copy as rich text"),
    ("Ctrl+Shift+Q", "Quote the selection"),
    ("Alt+Left, Alt+Right", "Another version"),
    ("F", "Fork the chat here"),
    ("Ctrl+Delete", "Delete"),
    ("I", "How it was made"),
    ("Enter, Space", "Open or close what it thought, or a call"),
    ("Ctrl+Enter", "Allow the call that waits"),
    ("Home, End", "To the beginning, to the end"),
)


def show_shortcuts(actions: Iterable[QAction], parent: QWidget) -> QDialog:
    """Open it.

    Args:
        actions: those of the menus.
        parent: the window.
    """
    of_menus = [
        (action.shortcut().toString(QKeySequence.SequenceFormat.NativeText), action.text().replace("&", ""))
        for action in actions
        if not action.shortcut().isEmpty()
    ]
    dialog = QDialog(parent)
    dialog.setWindowTitle("Keyboard Shortcuts")
    grid = QGridLayout(dialog)
    grid.setContentsMargins(SPACE_XL, SPACE_XL, SPACE_XL, SPACE_XL)
    grid.setHorizontalSpacing(SPACE_XL)
    grid.setVerticalSpacing(SPACE_S)
    columns = (("In the window", of_menus), ("In the composer", IN_THE_COMPOSER), ("On a message", ON_A_MESSAGE))
    row = 0
    for column, (title, keys) in enumerate(columns):
        place, row = (0, 0) if column == 0 else (2, 0 if column == 1 else row + 1)
        grid.addWidget(label(title, "title"), row, place, 1, 2)
        for pressed, does in keys:
            row += 1
            grid.addWidget(label(pressed, "strong"), row, place)
            grid.addWidget(label(does), row, place + 1)
    dialog.finished.connect(dialog.deleteLater)
    dialog.open()
    return dialog
