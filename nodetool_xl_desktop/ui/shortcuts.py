"""The list of all keys, made from the tables of actions: searched by what an action is called, or by its keys."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.ui.action import Action, Where, native, unmarked
from nodetool_xl_desktop.ui.parts import label
from nodetool_xl_desktop.ui.theme import SPACE_L, SPACE_M, SPACE_S, SPACE_XL, SPACE_XS

#: From this width of the window on there is room for three columns, in device-independent pixels.
THREE_FROM = 1240
_SCROLLS = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)


@dataclass(frozen=True, slots=True)
class _Line:
    """One action in the list."""

    row: Action
    widget: QWidget
    searched: str


class _Section(QWidget):
    """The actions of a menu, or of a place where keys hold."""

    def __init__(self, title: str, rows: Sequence[Action]) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, SPACE_L)
        column.setSpacing(SPACE_XS)
        column.addWidget(label(title, "title"))
        self.lines = [_Line(row, _line(row), f"{title} {row.name} {row.all_keys_text}".casefold()) for row in rows]
        for line in self.lines:
            column.addWidget(line.widget)

    def show_with(self, words: Sequence[str]) -> bool:
        """Show the actions that have all of these words; returns whether there is one."""
        found = [line for line in self.lines if all(word in line.searched for word in words)]
        for line in self.lines:
            line.widget.setVisible(line in found)
        self.setVisible(bool(found))
        return bool(found)


class Shortcuts(QDialog):
    """The list.

    Args:
        rows: the actions; those without keys are left out.
        parent: the window.
    """

    def __init__(self, rows: Iterable[Action], parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Keyboard Shortcuts"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.sections = _sections([row for row in rows if row.keys])
        self.field = QLineEdit()
        self.field.setObjectName("search")
        self.field.setPlaceholderText(tr("Search by name or by keys"))
        self.field.setAccessibleName(tr("Search the keyboard shortcuts"))
        self.field.setClearButtonEnabled(True)
        self.field.textChanged.connect(self._find)
        self._nothing = label(tr("No key does that."), "note")
        self._nothing.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self._nothing.hide()
        self._area = QScrollArea()
        self._lay_out(3 if parent.width() >= THREE_FROM else 2)
        self._fit(parent)
        self.field.setFocus()

    def _lay_out(self, columns: int) -> None:
        inside = QWidget()
        beside = QHBoxLayout(inside)
        beside.setContentsMargins(SPACE_XL, SPACE_S, SPACE_XL, 0)
        beside.setSpacing(SPACE_XL * 2)
        for sections in _columns(self.sections, columns):
            column = QVBoxLayout()
            for section in sections:
                column.addWidget(section)
            column.addStretch()
            beside.addLayout(column, 1)
        self._area.setWidgetResizable(True)
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the field passes on the keys that scroll it
        self._area.setAccessibleName(tr("Keyboard Shortcuts"))
        self._area.setWidget(inside)
        top = QVBoxLayout()
        top.setContentsMargins(SPACE_XL, SPACE_L, SPACE_XL, SPACE_S)
        top.setSpacing(SPACE_M)
        top.addWidget(self.field)
        top.addWidget(self._nothing)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(top)
        layout.addWidget(self._area, 1)

    def _fit(self, window: QWidget) -> None:
        """As large as all of it, where the window is; what is found later leaves the size as it is."""
        self.ensurePolished()
        room = window.size() - QSize(SPACE_XL * 2, SPACE_XL * 2)
        inside = self._area.widget()
        assert inside is not None
        bar = self._area.verticalScrollBar().sizeHint().width()
        self.resize((inside.sizeHint() + QSize(bar, self.field.sizeHint().height() + SPACE_XL * 2)).boundedTo(room))

    def _find(self, text: str) -> None:
        words = text.casefold().split()
        found = [section.show_with(words) for section in self.sections]
        self._nothing.setVisible(not any(found))
        self._area.verticalScrollBar().setValue(0)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in _SCROLLS:
            QApplication.sendEvent(self._area.verticalScrollBar(), event)
        else:
            super().keyPressEvent(event)


def _sections(rows: Sequence[Action]) -> list[_Section]:
    """Those of the window by their menus, the others by where they hold."""
    made: dict[str, list[Action]] = {}
    for row in rows:
        by_menu = row.where is Where.WINDOW and row.menu is not None
        title = unmarked(tr(row.menu.value)) if by_menu and row.menu is not None else tr(row.where.value)
        made.setdefault(title, []).append(row)
    return [_Section(title, of) for title, of in made.items()]


def _columns(sections: Sequence[_Section], count: int) -> list[list[_Section]]:
    """Sections in their order, in columns that are about as long as each other."""
    heights = [len(section.lines) + 2 for section in sections]
    made: list[list[_Section]] = [[] for _ in range(count)]
    reached = 0
    for section, height in zip(sections, heights, strict=True):
        at = (reached + height / 2) * count / sum(heights)
        made[min(count - 1, int(at))].append(section)
        reached += height
    return made


def _line(row: Action) -> QWidget:
    """What it is called, and its keys on the right."""
    made = QWidget()
    beside = QHBoxLayout(made)
    beside.setContentsMargins(0, 0, 0, 0)
    beside.setSpacing(SPACE_XS)
    name = label(row.name)
    name.setAccessibleDescription(row.all_keys_text)
    beside.addWidget(name, 1)
    beside.addSpacing(SPACE_M)
    for keys in row.keys.split(", "):
        beside.addWidget(_key(native(keys)))
    return made


def _key(text: str) -> QLabel:
    made = label(text)
    made.setObjectName("keyCap")
    return made
