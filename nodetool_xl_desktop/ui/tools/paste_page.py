"""Servers from JSON, as their own pages and other programs give it."""

from __future__ import annotations

from collections.abc import Collection

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from nodetool_xl_desktop.core.translation import tr, trn
from nodetool_xl_desktop.tools.mcp import Found, SettingsError, name_problem, read_settings
from nodetool_xl_desktop.ui.parts import field, label, problem_label
from nodetool_xl_desktop.ui.theme import SPACE_M, SPACE_S, Theme
from nodetool_xl_desktop.ui.tools.item_list import ItemList
from nodetool_xl_desktop.ui.tools.tool_values import Item

REST_MS = 250
EXAMPLE = """{
  "mcpServers": {
    "files": {
      "command": "npx",
      "args": ["-y", "@modelcontextprotocol/server-filesystem", "/home/me/Documents"]
    }
  }
}"""


class PastePage(QWidget):
    """Says what it finds in a text while one types, and adds it when one asks.

    Args:
        theme: the theme in force.
    """

    #: Add these (a tuple of `Found`), all of which can be used.
    given = Signal(object)
    #: None after all.
    left = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._others: tuple[str, ...] = ()
        self._found: tuple[Found, ...] = ()
        self._edit = QPlainTextEdit()
        self._edit.setProperty("kind", "code")
        self._edit.setAccessibleName(tr("JSON of the servers"))
        self._edit.setPlaceholderText(EXAMPLE)
        self._edit.setTabChangesFocus(True)
        self._list = ItemList(theme, tr("Servers in this text"))
        self._list.setMaximumHeight(150)
        self._problem = problem_label()
        self._add = QPushButton(tr("Add"))
        self._add.setProperty("kind", "primary")
        self._cancel = QPushButton(tr("Cancel"))
        self._add.setAutoDefault(False)
        self._cancel.setAutoDefault(False)
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST_MS)
        self._rest.timeout.connect(self._look)
        self._lay_out()
        self._edit.textChanged.connect(self._rest.start)
        self._add.clicked.connect(self._give)
        self._cancel.clicked.connect(self.left)

    def ask(self, others: Collection[str]) -> None:
        """Begin anew, and give the field the keys.

        Args:
            others: names that are taken.
        """
        self._others = tuple(others)
        self._edit.clear()
        self._look()
        self._edit.setFocus()

    def tell(self, problem: str) -> None:
        """Say what is wrong; empty for nothing."""
        self._problem.setText(problem)
        self._problem.setVisible(bool(problem))

    @property
    def problem(self) -> str:
        """What is said to be wrong."""
        return self._problem.text() if not self._problem.isHidden() else ""

    @property
    def _usable(self) -> tuple[Found, ...]:
        return tuple(found for found in self._found if not self._wrong(found))

    def _wrong(self, found: Found) -> str:
        return found.problem or name_problem(found.name, self._others)

    def _look(self) -> None:
        text = self._edit.toPlainText()
        self._found, problem = (), ""
        if text.strip():
            try:
                self._found = read_settings(text)
            except SettingsError as error:
                problem = str(error)
        self.tell(problem)
        self._list.show_items([_item(found, self._wrong(found)) for found in self._found])
        self._list.setVisible(bool(self._found))
        count = len(self._usable)
        self._add.setEnabled(bool(count))
        self._add.setText(trn("Add {count} Server", "Add {count} Servers", count) if count > 1 else tr("Add"))

    def _give(self) -> None:
        self._rest.stop()
        self._look()  # what was typed a moment ago
        if self._usable:
            self.given.emit(self._usable)

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        buttons.setSpacing(SPACE_S)
        buttons.addStretch()
        buttons.addWidget(self._cancel)
        buttons.addWidget(self._add)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_M)
        layout.addWidget(label(tr("Paste JSON"), "title"))
        words = tr("What a server's own page gives, or the settings of another program: “mcpServers” with its servers.")
        layout.addWidget(label(words, "note", wrap=True))
        layout.addWidget(field(self._edit), 1)
        layout.addWidget(self._list)
        layout.addWidget(self._problem)
        layout.addLayout(buttons)


def _item(found: Found, problem: str) -> Item:
    return Item(found.name, found.settings.about if found.settings is not None else "", problem)
