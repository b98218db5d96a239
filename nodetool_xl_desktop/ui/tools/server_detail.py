"""One MCP server: how it is, what it offers, its log, and what can be done with it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.tools.mcp import LogLine
from nodetool_xl_desktop.ui.notice import Notice
from nodetool_xl_desktop.ui.parts import ElidedLabel, set_tip
from nodetool_xl_desktop.ui.presets.segments import Segments
from nodetool_xl_desktop.ui.theme import SPACE_M, SPACE_S, SPACE_XS, Theme, scaled
from nodetool_xl_desktop.ui.tools.item_list import ItemList
from nodetool_xl_desktop.ui.tools.server_log import ServerLogView
from nodetool_xl_desktop.ui.tools.tool_values import ServerShown
from nodetool_xl_desktop.ui.words import empty_words

TOOLS, PROMPTS, RESOURCES, LOG = "tools", "prompts", "resources", "log"
_TITLES = {TOOLS: tr("Tools"), PROMPTS: tr("Prompts"), RESOURCES: tr("Resources"), LOG: tr("Log")}
#: What is said where there is nothing of a kind: while the server runs, and while it does not.
_NOTHING = {
    TOOLS: (tr("It offers no tools."), tr("Start it to see its tools.")),
    PROMPTS: (tr("It offers no prompts."), tr("Start it to see its prompts.")),
    RESOURCES: (tr("It offers no resources."), tr("Start it to see its resources.")),
}


class ServerDetail(QWidget):
    """Shows a `ServerShown`, and emits what is wanted of it.

    Args:
        theme: the theme in force.
    """

    start_requested = Signal()
    stop_requested = Signal()
    edit_requested = Signal()
    remove_requested = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._shown: ServerShown | None = None
        self._dot = QLabel()
        self._name, self._state, self._command = ElidedLabel("title"), ElidedLabel("note"), ElidedLabel("note")
        self._run, self._edit, self._remove = QPushButton(), QPushButton(tr("Edit ...")), QPushButton(tr("Remove"))
        self._notice = Notice()
        self._notice.remedy.setAutoDefault(False)
        self._gap = QWidget()
        self._gap.setFixedHeight(SPACE_XS)
        self._choice = Segments(tr("Shown of the server"), _TITLES)
        self._pages = QStackedWidget()
        self._lists = {key: ItemList(theme, _TITLES[key]) for key in (TOOLS, PROMPTS, RESOURCES)}
        self._nothing = empty_words()
        self._log = ServerLogView()
        self._lay_out()
        self._connect()

    @property
    def log(self) -> ServerLogView:
        """Its log."""
        return self._log

    @property
    def run(self) -> QPushButton:
        """Starts it, or stops it."""
        return self._run

    def list(self, key: str) -> ItemList:
        """Its tools, prompts or resources."""
        return self._lists[key]

    def show_page(self, key: str) -> None:
        """Show its tools, prompts, resources or log."""
        self._page = key
        self._choice.show_choice(key)
        self._show_pages()

    def show_server(self, shown: ServerShown) -> None:
        """Show it as it is now."""
        if shown == self._shown:
            return
        if self._shown is None or self._shown.name != shown.name:
            self._page = LOG if shown.what and not shown.tools else TOOLS
            self._choice.show_choice(self._page)
        self._shown = shown
        for part, text in ((self._name, shown.name), (self._state, shown.state), (self._command, shown.command)):
            part.setText(text)
            set_tip(part, text)
        self._run.setText(tr("Stop") if shown.is_running else tr("Start"))
        self._run.setEnabled(not shown.what or shown.what != "Its settings cannot be used")
        if shown.what:
            self._notice.tell(shown.what, shown.why, tone="bad")
        else:
            self._notice.hide()
        self._gap.setVisible(bool(shown.what))
        for key, items in ((TOOLS, shown.tools), (PROMPTS, shown.prompts), (RESOURCES, shown.resources)):
            self._lists[key].show_items(items)
            self._choice.button(key).setText(f"{_TITLES[key]} {len(items)}" if items else _TITLES[key])
        self._show_pages()
        self._draw()

    def show_log(self, lines: Sequence[LogLine]) -> None:
        """Show what its log says now."""
        self._log.show_lines(lines)

    def _show_pages(self) -> None:
        if self._page == LOG:
            self._pages.setCurrentWidget(self._log)
        elif self._lists[self._page].items:
            self._pages.setCurrentWidget(self._lists[self._page])
        else:
            running = self._shown is not None and self._shown.is_running
            offers_none, start_it = _NOTHING[self._page]
            self._nothing.setText(offers_none if running else start_it)
            self._pages.setCurrentWidget(self._nothing)

    def _draw(self) -> None:
        self._dot.setFixedWidth(scaled(12))
        if self._shown is not None:
            self._dot.setPixmap(self._theme.icon("circle-fill", self._shown.dot.value).pixmap(*2 * (scaled(12),)))
            self._run.setIcon(self._theme.icon("stop" if self._shown.is_running else "play"))
        self._edit.setIcon(self._theme.icon("pencil-simple"))
        self._remove.setIcon(self._theme.icon("trash"))

    # How it is made

    def _lay_out(self) -> None:
        self._page = TOOLS
        self._choice.show_choice(TOOLS)
        title = QHBoxLayout()
        title.setSpacing(SPACE_S)
        title.addWidget(self._dot)
        title.addWidget(self._name, 1)
        buttons = QHBoxLayout()
        buttons.setSpacing(SPACE_S)
        for button in (self._run, self._edit, self._remove):
            button.setAutoDefault(False)
            buttons.addWidget(button)
        buttons.addStretch()
        for page in (*self._lists.values(), self._nothing, self._log):
            self._pages.addWidget(page)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_XS)
        layout.addLayout(title)
        layout.addWidget(self._state)
        layout.addWidget(self._command)
        layout.addSpacing(SPACE_S)
        layout.addLayout(buttons)
        layout.addSpacing(SPACE_S)
        layout.addWidget(self._notice)
        layout.addWidget(self._gap)
        layout.addWidget(self._choice)
        layout.addSpacing(SPACE_M - SPACE_XS)
        layout.addWidget(self._pages, 1)

    def _connect(self) -> None:
        self._run.clicked.connect(self._run_pressed)
        self._edit.clicked.connect(self.edit_requested)
        self._remove.clicked.connect(self.remove_requested)
        self._choice.chosen.connect(self.show_page)
        self._theme.changed.connect(self._draw)
        self._draw()

    def _run_pressed(self) -> None:
        if self._shown is not None and self._shown.is_running:
            self.stop_requested.emit()
        else:
            self.start_requested.emit()
