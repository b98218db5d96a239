"""The list of tools over the window: which of them the model may call in this chat, and what that costs.

It lies above its button and is no window itself: those are placed and given the keys by the system, as it likes.
"""

from __future__ import annotations

from itertools import pairwise

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, Signal
from PySide6.QtGui import QHideEvent, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QApplication, QFrame, QHBoxLayout, QVBoxLayout, QWidget

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.ui.content_scroll import ContentScroll
from nodetool_xl_desktop.ui.inputs import is_escape
from nodetool_xl_desktop.ui.notice import Notice
from nodetool_xl_desktop.ui.parts import figure, label
from nodetool_xl_desktop.ui.theme import SPACE_M, SPACE_S, SPACE_XS, Theme, scaled, wide
from nodetool_xl_desktop.ui.tools.folder_row import FolderRow
from nodetool_xl_desktop.ui.tools.source_head import SourceHead, quiet_button
from nodetool_xl_desktop.ui.tools.tool_switch import ToolSwitch
from nodetool_xl_desktop.ui.tools.tool_values import ToolsShown

WIDTH, LEAST_HEIGHT, MOST_HEIGHT = 430, 200, 620
#: Of the window, that stays free: the menus.
TOP = 28
#: Of the content, for the scroll bar to lie in.
SCROLL_BAR = 10


class ToolsPopup(QFrame):
    """Opened and closed by its button; also closed by Escape, and by a click elsewhere.

    Args:
        theme: the theme in force.
        button: it lies above this, and gives the keys back to it.
    """

    #: Switch a tool on, or off.
    switched = Signal(str, bool)
    #: Switch all tools of a source on, or off; empty for those that are built in.
    all_switched = Signal(str, bool)
    default_requested = Signal()
    manage_requested = Signal()
    prompt_requested = Signal()
    resource_requested = Signal()
    choose_folder_requested = Signal()
    close_folder_requested = Signal()
    #: It was opened, or closed.
    toggled = Signal(bool)

    def __init__(self, theme: Theme, button: QWidget) -> None:
        super().__init__(button)  # until it is opened, and the button has a window
        self.setObjectName("toolsPopup")
        self.setAccessibleName(tr("Tools in this chat"))
        self.hide()
        self._theme = theme
        self._button = button
        self._came_from: QWidget | None = None
        self._shown: ToolsShown | None = None
        self._heads: dict[str, SourceHead] = {}
        self.switches: list[ToolSwitch] = []
        self._lay_out()
        self._connect()

    # What is shown

    def show_tools(self, shown: ToolsShown) -> None:
        """Show this; the keys stay on the tool that has them."""
        names = [(source.name, row.name) for source in shown.sources for row in source.rows]
        if self._shown is None or names != self._names(self._shown) or len(shown.sources) != len(self._shown.sources):
            self._fill(shown)
        for switch, row in zip(self.switches, shown.rows, strict=True):
            if switch.row != row:
                switch.show_row(row)
        for source in shown.sources:
            self._heads[source.name].show_source(source)
        self._shown = shown
        self._tokens.setText(shown.tokens)
        self._folder.show_folder(shown.folder)
        self._default.setVisible(not shown.is_default)
        self._prompt.setVisible(shown.has_prompts)
        self._resource.setVisible(shown.has_resources)
        off_line = tr("The program works off line: what reaches out is refused (File menu, Work Off Line).")
        self._about.setText(
            off_line if shown.off_line else tr("You are asked before a call runs, unless it says otherwise here.")
        )
        if shown.problem:
            self.notice.tell(tr("Some tools cannot be shown"), shown.problem, tone="bad")
        else:
            self.notice.hide()
        self._place_soon()

    def switch(self, name: str) -> ToolSwitch:
        """That of a tool, by the name that the model calls it."""
        return next(each for each in self.switches if each.row.name == name)

    @property
    def shown(self) -> ToolsShown | None:
        """What it shows."""
        return self._shown

    @property
    def about(self) -> str:
        """What it says of all of them."""
        return self._about.text()

    @property
    def folder_text(self) -> str:
        """The name of the folder that it shows; empty for none."""
        return self._folder.text

    # Opening and closing

    def open(self) -> None:
        """Show it, and give it the keys."""
        window = self._button.window()
        if self.parent() is not window:
            self.setParent(window)
            window.installEventFilter(self)
        self._came_from = window.focusWidget()
        self.show()
        self.raise_()
        self._place()
        first = next((each for each in self.switches if each.row.is_on), None) or next(iter(self.switches), None)
        (first or self._manage).setFocus(Qt.FocusReason.TabFocusReason)
        application = QApplication.instance()
        if application is not None:
            application.installEventFilter(self)
        self.toggled.emit(True)

    def close_popup(self) -> None:
        """Hide it; the keys go back to where they were."""
        if self.isHidden():
            return
        focus = self.window().focusWidget()
        had_keys = focus is not None and (focus is self or self.isAncestorOf(focus))
        back = self._came_from if self._came_from is not None and self._came_from.isVisible() else self._button
        if had_keys:
            back.setFocus(Qt.FocusReason.PopupFocusReason)
        self.hide()
        self.toggled.emit(False)

    def toggle(self) -> None:
        """Open it, or close it."""
        if self.isVisible():
            self.close_popup()
        else:
            self.open()

    # How it is made

    def _lay_out(self) -> None:
        self._tokens = figure("", "note")
        self._about = label("", "note", wrap=True)
        self.notice = Notice()
        head = QHBoxLayout()
        head.addWidget(label(tr("Tools in This Chat"), "title"), 1)
        head.addWidget(self._tokens)
        top = QVBoxLayout()
        top.setContentsMargins(SPACE_M + 2, SPACE_M, SPACE_M + 2, SPACE_S + 2)
        top.setSpacing(SPACE_XS)
        for part in (head, self._about, self.notice):
            top.addLayout(part) if isinstance(part, QHBoxLayout) else top.addWidget(part)
        body = QWidget()
        body.setObjectName("toolsBody")
        self._rows = QVBoxLayout(body)
        self._rows.setContentsMargins(0, SPACE_XS, SCROLL_BAR, SPACE_S)
        self._rows.setSpacing(0)
        self._scroll = ContentScroll(body)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(1, 1, 1, SPACE_XS)  # nothing is drawn over the round corners
        layout.setSpacing(0)
        layout.addLayout(top)
        layout.addWidget(_hairline())
        layout.addWidget(self._scroll)
        layout.addWidget(_hairline())
        layout.addLayout(self._lay_out_foot())
        layout.addStretch()

    def _lay_out_foot(self) -> QVBoxLayout:
        self._folder = FolderRow(self._theme)
        self._default = quiet_button(
            tr("Use These for New Chats"), tr("New chats begin with the tools that are on here")
        )
        self._prompt = quiet_button(tr("Insert a Prompt ..."), tr("Put a prompt of a server into the message"))
        self._resource = quiet_button(
            tr("Attach a Resource ..."), tr("Have what a server holds go along with the message")
        )
        self._manage = quiet_button(tr("Manage Tools ..."), tr("MCP servers, and what was allowed"))
        links = QHBoxLayout()
        links.setSpacing(SPACE_M)
        links.addWidget(self._prompt)
        links.addWidget(self._resource)
        links.addStretch()
        links.addWidget(self._manage)
        upper = QHBoxLayout()
        upper.setSpacing(SPACE_M)
        upper.addWidget(self._folder, 1)
        upper.addWidget(self._default)
        foot = QVBoxLayout()
        foot.setContentsMargins(SPACE_M + 2, SPACE_S + 2, SPACE_M + 2, SPACE_S)
        foot.setSpacing(SPACE_S)
        foot.addLayout(upper)
        foot.addLayout(links)
        return foot

    def _connect(self) -> None:
        self._folder.choose_requested.connect(self.choose_folder_requested)
        self._folder.close_requested.connect(self.close_folder_requested)
        self._default.clicked.connect(self._ask_default)
        for button, wish in (
            (self._manage, self.manage_requested),
            (self._prompt, self.prompt_requested),
            (self._resource, self.resource_requested),
        ):
            button.clicked.connect(self.close_popup)  # what opens stands above it
            button.clicked.connect(wish)

    def _ask_default(self) -> None:
        self._manage.setFocus(Qt.FocusReason.TabFocusReason)  # the button goes, and the keys would go anywhere
        self.default_requested.emit()

    @staticmethod
    def _names(shown: ToolsShown) -> list[tuple[str, str]]:
        return [(source.name, row.name) for source in shown.sources for row in source.rows]

    def _fill(self, shown: ToolsShown) -> None:
        """Other tools than before: make their rows anew."""
        had_keys = next((each.row.name for each in self.switches if each.hasFocus()), "")
        while (item := self._rows.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        self.switches, self._heads = [], {}
        order: list[QWidget] = []
        for source in shown.sources:
            head = self._heads[source.name] = SourceHead(self._theme)
            head.all_switched.connect(lambda is_on, name=source.name: self.all_switched.emit(name, is_on))
            self._rows.addWidget(head)
            order += head.inputs
            for row in source.rows:
                switch = ToolSwitch(self._theme, row)
                switch.switched.connect(self.switched)
                switch.moved.connect(lambda by, at=switch: self._move(at, by))
                self.switches.append(switch)
                order.append(switch)
                self._rows.addWidget(switch)
        if not shown.rows:
            self._rows.addWidget(_nothing())
        self._rows.addStretch()  # or the rows would share what is left
        last: list[QWidget] = [*self._folder.inputs, self._default, self._prompt, self._resource, self._manage]
        for before, after in pairwise([*order, *last]):
            QWidget.setTabOrder(before, after)
        if had_keys:
            again = next((each for each in self.switches if each.row.name == had_keys), None)
            (again or self._manage).setFocus(Qt.FocusReason.TabFocusReason)

    def _move(self, at: ToolSwitch, by: int) -> None:
        """Give the keys to the tool that is so many further; the first and the last keep them."""
        place = min(len(self.switches) - 1, max(0, self.switches.index(at) + by))
        self.switches[place].setFocus(Qt.FocusReason.TabFocusReason)
        self._scroll.ensureWidgetVisible(self.switches[place], 0, SPACE_M)

    def _place_soon(self) -> None:
        if self.isVisible():
            self._place()

    def _place(self) -> None:
        """Above the button, its left edge over the button's, as high as its content where there is room."""
        window = self._button.window()
        corner = self._button.mapTo(window, QPoint(0, 0))
        width = min(wide(WIDTH), window.width() - 2 * SPACE_S)
        self.setFixedWidth(width)
        layout = self.layout()
        wanted = max(self.heightForWidth(width), layout.totalSizeHint().height() if layout else 0)
        room = max(LEAST_HEIGHT, corner.y() - SPACE_XS - SPACE_M - TOP)
        height = min(wanted, room, scaled(MOST_HEIGHT))
        left = max(SPACE_S, min(corner.x(), window.width() - width - SPACE_S))
        self.setGeometry(left, max(SPACE_S, corner.y() - height - SPACE_XS - 2), width, height)

    # Qt's events

    def event(self, event: QEvent) -> bool:
        # The window's own Esc stops an answer: while the keys are here, it closes this instead.
        if is_escape(event):
            event.accept()
            return True
        handled = super().event(event)
        if event.type() is QEvent.Type.LayoutRequest and self.isVisible():
            self._place()
        return handled

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.close_popup()
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        event.accept()  # not what lies below

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        application = QApplication.instance()
        if application is not None:
            application.removeEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.MouseButtonPress and isinstance(watched, QWidget):
            inside = watched is self or self.isAncestorOf(watched) or watched is self._button
            if self.isVisible() and not inside and watched.window() is self.window():
                self.hide()
                self.toggled.emit(False)
        if event.type() is QEvent.Type.Resize and watched is self.parentWidget() and self.isVisible():
            self._place()
        return False


def _hairline() -> QFrame:
    made = QFrame()
    made.setObjectName("hairline")
    made.setFixedHeight(1)
    return made


def _nothing() -> QWidget:
    made = label(tr("There are no tools here."), "note")
    made.setContentsMargins(SPACE_M, SPACE_S, SPACE_M, SPACE_S)
    return made
