"""The dialog of all keys."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QDialog, QFrame, QGridLayout, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.ui.parts import label
from nodetool_xl_desktop.ui.theme import SPACE_L, SPACE_S, SPACE_XL

#: Keys that no menu has.
IN_THE_COMPOSER = (
    ("Enter", tr("Send")),
    ("Shift+Enter", tr("New line")),
    (tr("Up"), tr("What was sent before")),
    ("Ctrl+Shift+V", tr("Paste a long text as text")),
    ("Ctrl+Z", tr("Take a deletion back")),
)
#: Of the message that has the focus.
ON_A_MESSAGE = (
    (tr("Ctrl+Up, Ctrl+Down"), tr("From message to message")),
    ("E", tr("Edit")),
    ("Ctrl+A", tr("Select all")),
    ("Ctrl+C", tr("Copy as Markdown")),
    ("Ctrl+Shift+C", tr("Copy as plain text")),
    ("Ctrl+Alt+C", tr("Copy as rich text")),
    ("Ctrl+Shift+Q", tr("Quote the selection")),
    (tr("Alt+Left, Alt+Right"), tr("Another version")),
    ("F", tr("Fork the chat here")),
    ("Ctrl+Delete", tr("Delete")),
    ("I", tr("How it was made")),
    (tr("Enter, Space"), tr("Open or close what it thought, or a call")),
    ("Ctrl+Enter", tr("Allow the call that waits")),
    (tr("Home, End"), tr("To the beginning, to the end")),
)
#: Of the model that is selected in My Models.
ON_A_MODEL = (
    ("Enter", tr("Load")),
    ("F2", tr("Rename")),
    ("Ctrl+D", tr("Favourite")),
    ("Ctrl+C", tr("Copy its path")),
    (tr("Delete"), tr("Move to the trash")),
    ("Ctrl+Z", tr("Bring it back")),
)
#: Of the download that has the focus.
ON_A_DOWNLOAD = (
    (tr("Space"), tr("Pause or resume")),
    (tr("Alt+Up, Alt+Down"), tr("Earlier, later")),
    ("Ctrl+Delete", tr("Cancel")),
    ("Enter", tr("Load what has come")),
)
#: Outside of any text.
ANYWHERE = (
    ("Ctrl+V", tr("Open the address, path or files of the clipboard")),
    ("Esc", tr("Back, or close")),
)

#: From this width of the window on there is room for three columns, in device-independent pixels.
THREE_FROM = 1340

Keys = Sequence[tuple[str, str]]


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
    columns: list[tuple[tuple[str, Keys], ...]] = [
        ((tr("In the window"), of_menus),),
        ((tr("In the composer"), IN_THE_COMPOSER), (tr("On a message"), ON_A_MESSAGE)),
        ((tr("On a model"), ON_A_MODEL), (tr("On a download"), ON_A_DOWNLOAD), (tr("Outside of a text"), ANYWHERE)),
    ]
    if parent.width() < THREE_FROM:
        columns = [columns[0], columns[1] + columns[2]]
    dialog = QDialog(parent)
    dialog.setWindowTitle(tr("Keyboard Shortcuts"))
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # the arrow keys scroll it
    area.setAccessibleName(tr("Keyboard Shortcuts"))
    inside = QWidget()
    row = QHBoxLayout(inside)
    row.setContentsMargins(SPACE_XL, SPACE_XL, SPACE_XL, SPACE_XL)
    row.setSpacing(SPACE_XL * 2)
    for sections in columns:
        row.addLayout(_column(sections))
    area.setWidget(inside)
    layout = QVBoxLayout(dialog)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.addWidget(area)
    dialog.ensurePolished()
    room = parent.size() - QSize(SPACE_XL * 2, SPACE_XL * 2)
    bar = area.verticalScrollBar().sizeHint().width()
    dialog.resize((inside.sizeHint() + QSize(bar, 2)).boundedTo(room))
    dialog.finished.connect(dialog.deleteLater)
    dialog.open()
    return dialog


def _column(sections: Sequence[tuple[str, Keys]]) -> QGridLayout:
    """Some sections below each other: on the left what is pressed, on the right what it does."""
    grid = QGridLayout()
    grid.setHorizontalSpacing(SPACE_L)
    grid.setVerticalSpacing(SPACE_S)
    at = 0
    for title, keys in sections:
        if at:
            grid.setRowMinimumHeight(at, SPACE_S)
            at += 1
        grid.addWidget(label(title, "title"), at, 0, 1, 2)
        for number, (pressed, does) in enumerate(keys, start=at + 1):
            grid.addWidget(label(pressed, "strong"), number, 0)
            grid.addWidget(label(does), number, 1)
        at += len(keys) + 1
    grid.setRowStretch(at, 1)
    return grid
