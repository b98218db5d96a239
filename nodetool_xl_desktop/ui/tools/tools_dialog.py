"""The dialog about tools: the MCP servers, and what may run without asking."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QDialog, QHBoxLayout, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.tools.mcp import McpServers
from nodetool_xl_desktop.ui.inputs import is_escape
from nodetool_xl_desktop.ui.parts import label
from nodetool_xl_desktop.ui.presets.segments import Segments
from nodetool_xl_desktop.ui.tasks import Tasks
from nodetool_xl_desktop.ui.theme import SPACE_L, SPACE_XL, Theme, scaled
from nodetool_xl_desktop.ui.tools.allowed_page import AllowedPage
from nodetool_xl_desktop.ui.tools.servers_page import ServersPage

SIZE = (780, 580)
SERVERS, ALLOWED = "servers", "allowed"


class ToolsDialog(QDialog):
    """Escape closes an open form first, then the dialog.

    Args:
        theme: the theme in force.
        tasks: where what is asked for is done.
        servers: those of the program.
        parent: the window.
    """

    #: Take something back that was allowed (an `Allowance`).
    revoke_requested = Signal(object)

    def __init__(self, theme: Theme, tasks: Tasks, servers: McpServers, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Tools"))
        self.resize(*SIZE)
        self.servers = ServersPage(theme, tasks, servers)
        self.allowed = AllowedPage()
        self._pages = QStackedWidget()
        self._choice = Segments(tr("Shown"), {SERVERS: tr("MCP Servers"), ALLOWED: tr("Allowed")})
        self._close = QPushButton(tr("Close"))
        self._lay_out()
        self._choice.chosen.connect(self.show_page)
        self._close.clicked.connect(self.accept)
        self.servers.asking.connect(lambda is_asking: self._foot.setVisible(not is_asking))
        self.allowed.revoke_requested.connect(self.revoke_requested)
        self.show_page(SERVERS)

    def show_page(self, key: str) -> None:
        """Show the servers, or what is allowed."""
        self._choice.show_choice(key)
        self._pages.setCurrentWidget(self.servers if key == SERVERS else self.allowed)

    def event(self, event: QEvent) -> bool:
        if is_escape(event):  # the window's Esc stops an answer
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.servers.isVisible() and self.servers.is_asking:
            self.servers.leave_form()
        else:
            super().keyPressEvent(event)

    def _lay_out(self) -> None:
        self._choice.setFixedWidth(scaled(300))
        self._close.setAutoDefault(False)
        head = QHBoxLayout()
        head.addWidget(label(tr("Tools"), "title"), 1)
        head.addWidget(self._choice)
        self._pages.addWidget(self.servers)
        self._pages.addWidget(self.allowed)
        self._foot = QWidget()
        foot = QHBoxLayout(self._foot)
        foot.setContentsMargins(0, 0, 0, 0)
        foot.addStretch()
        foot.addWidget(self._close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE_XL, SPACE_XL, SPACE_XL, SPACE_XL)
        layout.setSpacing(SPACE_L)
        layout.addLayout(head)
        layout.addWidget(self._pages, 1)
        layout.addWidget(self._foot)
