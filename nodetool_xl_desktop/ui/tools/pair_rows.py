"""Names with values that may be secrets, such as an environment: typed row by row, and not shown unless one asks."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPushButton, QToolButton, QVBoxLayout, QWidget

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.ui.inputs import LineField, in_order
from nodetool_xl_desktop.ui.parts import field, label, set_tip
from nodetool_xl_desktop.ui.theme import SPACE_S, SPACE_XS, Theme


class PairRows(QWidget):
    """Rows of a name and a value.

    Args:
        theme: the theme in force.
        title: what they are, such as "Environment".
        name: what one name is, such as "Variable".
        add: what adding one is, such as "Add a variable".
    """

    #: A row came, or went.
    changed = Signal()

    def __init__(self, theme: Theme, title: str, name: str, add: str) -> None:
        super().__init__()
        self._theme = theme
        self._name = name
        self._rows: list[_Row] = []
        self._are_shown = False
        self._add = QPushButton(tr("Add"))
        self._show = QPushButton(tr("Show Values"))
        for button, words in (
            (self._add, add),
            (self._show, tr("They may be secrets")),
        ):
            button.setProperty("kind", "quiet")
            button.setAutoDefault(False)
            button.setAccessibleName(f"{title}: {button.text()}")
            set_tip(button, words)
        self._add.clicked.connect(self._add_empty)
        self._show.clicked.connect(self._toggle)
        head = QHBoxLayout()
        head.setSpacing(SPACE_S + SPACE_XS)
        head.addWidget(label(title, "strong"))
        head.addStretch()
        head.addWidget(self._show)
        head.addWidget(self._add)
        self._body = QVBoxLayout()
        self._body.setSpacing(SPACE_XS)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_XS)
        layout.addLayout(head)
        layout.addLayout(self._body)
        self._refresh()

    @property
    def pairs(self) -> dict[str, str]:
        """What was typed; rows without a name are left out."""
        return {row.name.text().strip(): row.value.text() for row in self._rows if row.name.text().strip()}

    @property
    def buttons(self) -> tuple[QPushButton, QPushButton]:
        """In the order of the tab key; the rows come behind them."""
        return (self._show, self._add)

    def show_pairs(self, pairs: Mapping[str, str]) -> None:
        """Begin with these, their values hidden."""
        for row in list(self._rows):
            self._remove(row)
        self._are_shown = False
        for name, value in pairs.items():
            self._insert(name, value)
        self._refresh()

    def _add_empty(self) -> None:
        row = self._insert("", "")
        self._refresh()
        row.name.setFocus()

    def _insert(self, name: str, value: str) -> _Row:
        row = _Row(self._theme, self._name, name, value)
        self._body.addWidget(row)
        row.remove.clicked.connect(lambda: self._remove_by_hand(row))
        in_order(self._rows[-1].remove if self._rows else self._add, row.name, row.value, row.remove)
        self._rows.append(row)
        return row

    def _remove_by_hand(self, row: _Row) -> None:
        self._remove(row)
        self._add.setFocus()
        self._refresh()

    def _remove(self, row: _Row) -> None:
        self._rows.remove(row)
        self._body.removeWidget(row)
        row.hide()
        row.deleteLater()

    def _toggle(self) -> None:
        self._are_shown = not self._are_shown
        self._refresh()

    def _refresh(self) -> None:
        echo = QLineEdit.EchoMode.Normal if self._are_shown else QLineEdit.EchoMode.Password
        for row in self._rows:
            row.value.setEchoMode(echo)
        self._show.setText(tr("Hide Values") if self._are_shown else tr("Show Values"))
        self._show.setVisible(bool(self._rows))
        self.changed.emit()


class _Row(QWidget):
    """One name with its value."""

    def __init__(self, theme: Theme, what: str, name: str, value: str) -> None:
        super().__init__()
        self._theme = theme
        self.name, self.value, self.remove = (
            _line(name, what),
            _line(value, tr("Value of {name}", name=what)),
            QToolButton(),
        )
        self.name.setPlaceholderText(what)
        self.value.setPlaceholderText(tr("Value"))
        self.remove.setProperty("kind", "icon")
        self.remove.setAccessibleName(tr("Remove {name}", name=name) if name else tr("Remove this row"))
        set_tip(self.remove, tr("Remove"))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_S)
        layout.addWidget(field(self.name), 2)
        layout.addWidget(field(self.value), 3)
        layout.addWidget(self.remove)
        theme.changed.connect(self._draw)
        self._draw()

    def _draw(self) -> None:
        self.remove.setIcon(self._theme.icon("x"))


def _line(text: str, name: str) -> QLineEdit:
    made = LineField(text)
    made.setProperty("kind", "value")
    made.setFrame(False)
    made.setAccessibleName(name)
    return made


def line_field(name: str, hint: str = "") -> QLineEdit:
    """A line to type in; it needs a `field` around it."""
    made = _line("", name)
    made.setPlaceholderText(hint)
    return made
