"""The panel of the system prompt and of sampling: for this chat, this model or all chats, each value with where it
comes from.

It lies over the window below its button, and leaves the rest of the window as usable as it was. It shows a `PresetDesk`
and emits what is wanted; `preset_flow.py` keeps it.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QToolButton, QVBoxLayout, QWidget

from nodetool_xl_desktop.chat.preset_desk import PresetDesk
from nodetool_xl_desktop.chat.sampling_values import (
    NUMBERS,
    RESPONSE_FORMAT,
    SEND_REASONING,
    STOP,
    SYSTEM_PROMPT,
)
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.store.presets import Scope
from nodetool_xl_desktop.ui.content_scroll import ContentScroll
from nodetool_xl_desktop.ui.inputs import in_order
from nodetool_xl_desktop.ui.notice import Notice, Tone
from nodetool_xl_desktop.ui.parts import label
from nodetool_xl_desktop.ui.presets.choice_row import ReasoningRow
from nodetool_xl_desktop.ui.presets.preset_chooser import PresetChooser
from nodetool_xl_desktop.ui.presets.segments import Segments
from nodetool_xl_desktop.ui.presets.text_rows import FormatRow, PromptRow, StopRow
from nodetool_xl_desktop.ui.presets.value_rows import NumberRow, ValueRow
from nodetool_xl_desktop.ui.theme import SPACE_L, SPACE_M, SPACE_S, SPACE_XS, Theme, wide

WIDTH = 440
LEAST_HEIGHT = 160
RADIUS = 12
SCOPES = {Scope.CHAT: tr("This Chat"), Scope.MODEL: tr("This Model"), Scope.GLOBAL: tr("All Chats")}


class PresetPanel(QFrame):
    """Shows what is set for one scope.

    Args:
        theme: the theme in force.
        button: opens and closes it; it lies below this.
    """

    #: Show another scope, by its value.
    scope_requested = Signal(str)
    #: Set this value, by its name, for the scope that is shown; None gives it back to the next one.
    set_requested = Signal(str, object)
    #: It was opened, or closed.
    toggled = Signal(bool)

    def __init__(self, theme: Theme, button: QPushButton) -> None:
        super().__init__(button)  # until it is opened, and the button has a window
        self.setObjectName("presetPanel")
        self.setAccessibleName(tr("Preset"))
        self.hide()
        self._theme = theme
        self._button = button
        self._scopes = Segments(tr("Set for"), {scope.value: title for scope, title in SCOPES.items()})
        self._about_scope = label("", "note", wrap=True)
        self._waiting = label(tr("The chats are being opened ..."), "note")
        self.chooser = PresetChooser(theme)
        self._remedy: Callable[[], None] = lambda: None
        self.notice = Notice()
        self._prompt = PromptRow(theme)
        self._rows: dict[str, ValueRow] = {
            SYSTEM_PROMPT: self._prompt,
            **{number.name: NumberRow(theme, number) for number in NUMBERS},
            STOP: StopRow(theme),
            SEND_REASONING: ReasoningRow(theme),
            RESPONSE_FORMAT: FormatRow(theme),
        }
        self._unknown = label("", "note", wrap=True)
        self._close = QToolButton()
        self._lay_out()
        self._connect()
        self._show_icons()

    # What is shown

    def row(self, name: str) -> ValueRow:
        """The row of a value."""
        return self._rows[name]

    @property
    def tokens(self) -> str:
        """What the system prompt costs, in words."""
        return self._prompt.count.text()

    def show_desk(self, desk: PresetDesk, model_title: str, *, ready: bool, anew: bool) -> None:
        """Show what is set.

        Args:
            desk: what is set.
            model_title: the model's name as people know it.
            ready: whether the chats were opened; until then there is nothing to show.
            anew: also in place of what is typed and cannot be used.
        """
        self._waiting.setVisible(not ready)
        for part in (self._scroll, self.chooser, self._line):
            part.setVisible(ready)
        self._scopes.setEnabled(ready)
        self._scopes.button(Scope.MODEL.value).setEnabled(bool(desk.model))
        self._scopes.show_choice(desk.scope.value)
        self._about_scope.setText(_about(desk.scope, model_title))
        self.chooser.show_presets(desk.named, desk.shown_name)
        for name, row in self._rows.items():
            row.show_row(desk.row(name), anew=anew)
        unknown = ", ".join(desk.unknown)
        self._unknown.setText(tr("Kept, but not used here: {unknown}", unknown=unknown))
        self._unknown.setVisible(bool(unknown))

    def show_tokens(self, text: str) -> None:
        """What the system prompt costs, in words."""
        self._prompt.count.setText(text)

    def tell(
        self,
        what: str,
        text: str = "",
        remedy: str = "",
        work: Callable[[], None] = lambda: None,
        *,
        tone: Tone = "plain",
    ) -> None:
        """Say what happened, with a button that does something about it."""
        self._remedy = work
        self.notice.tell(what, text, tone=tone, remedy=remedy)

    def tell_error(self, error: UserFacingError, remedy: str, work: Callable[[], None]) -> None:
        """Say what could not be done."""
        self._remedy = work
        self.notice.tell_error(error, remedy=remedy)

    def open(self) -> None:
        """Show the panel, and give it the keys."""
        window = self._button.window()
        if self.parent() is not window:
            self.setParent(window)
            window.installEventFilter(self)
        self.show()
        self.raise_()
        self._place()
        self._scopes.focus_choice()
        self.toggled.emit(True)

    def close_panel(self) -> None:
        """Hide it; the keys go back to the button if they were here."""
        focus = self.window().focusWidget()
        had_keys = focus is not None and self.isAncestorOf(focus)
        if had_keys:
            self._button.setFocus()  # what was being typed is taken by this
        self.hide()
        self.notice.hide()
        self.toggled.emit(False)

    def toggle(self) -> None:
        """Open it, or close it."""
        if self.isVisible():
            self.close_panel()
        else:
            self.open()

    # How it is made

    def _lay_out(self) -> None:
        self._close.setProperty("kind", "icon")
        self._close.setAccessibleName(tr("Close the preset panel"))
        self._close.setToolTip(tr("Close (Esc)"))
        head = QHBoxLayout()
        head.addWidget(label(tr("System Prompt and Sampling"), "title", wrap=True), 1)
        head.addWidget(self._close)
        body = QWidget()
        body.setObjectName("presetBody")
        rows = QVBoxLayout(body)
        rows.setContentsMargins(SPACE_L, SPACE_M, SPACE_L, SPACE_L)
        rows.setSpacing(SPACE_M)
        for part in (*self._rows.values(), self._unknown):
            rows.addWidget(part)
        self._scroll = ContentScroll(body)
        top = QVBoxLayout()
        top.setContentsMargins(SPACE_L, SPACE_M, SPACE_L, SPACE_M)
        top.setSpacing(SPACE_S)
        top.addLayout(head)
        top.addWidget(self._scopes)
        top.addWidget(self._about_scope)
        top.addWidget(self._waiting)
        top.addWidget(self.chooser)
        top.addWidget(self.notice)  # in sight, however far the values are scrolled
        self._line = QFrame()
        self._line.setObjectName("hairline")
        self._line.setFixedHeight(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(1, 1, 1, RADIUS)  # nothing is drawn over the round corners
        layout.setSpacing(0)
        layout.addLayout(top)
        layout.addWidget(self._line)
        layout.addWidget(self._scroll)
        layout.addStretch()

    def _connect(self) -> None:
        self._button.clicked.connect(self.toggle)
        self._close.clicked.connect(self.close_panel)
        self._scopes.chosen.connect(self.scope_requested)
        self.notice.remedy_requested.connect(self._do_remedy)
        for name, row in self._rows.items():
            row.set_requested.connect(lambda value, name=name: self.set_requested.emit(name, value))
        form = self._rows[RESPONSE_FORMAT]
        assert isinstance(form, FormatRow)
        form.field_opened.connect(lambda: self._scroll.reveal(form.edit))
        inputs = [widget for row in self._rows.values() for widget in row.inputs]
        in_order(self._close, *self._scopes.inputs, *self.chooser.inputs, *inputs)
        self._theme.changed.connect(self._show_icons)

    def _do_remedy(self) -> None:
        self._remedy()

    def _show_icons(self) -> None:
        self._close.setIcon(self._theme.icon("x"))

    def _place(self) -> None:
        """Below the button, its right edge under the button's, as high as its content where there is room."""
        window = self._button.window()
        corner = self._button.mapTo(window, QPoint(self._button.width(), self._button.height()))
        top = corner.y() + SPACE_XS + 2
        width = min(wide(WIDTH), window.width() - 2 * SPACE_S)
        left = max(SPACE_S, min(corner.x(), window.width() - SPACE_S) - width)
        self.setFixedWidth(width)
        wanted = max(self.heightForWidth(width), self.sizeHint().height())
        room = max(LEAST_HEIGHT, window.height() - top - SPACE_M)
        self.setGeometry(left, top, width, min(wanted, room))

    # Qt's events

    def event(self, event: QEvent) -> bool:
        # The window's own Esc stops an answer: while the keys are here, it closes this panel instead.
        if event.type() is QEvent.Type.ShortcutOverride and _is_escape(event):
            event.accept()
            return True
        handled = super().event(event)
        if event.type() is QEvent.Type.LayoutRequest and self.isVisible():
            self._place()
        return handled

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if _is_escape(event):
            self.close_panel()
        else:
            super().keyPressEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.Resize and self.isVisible():
            self._place()
        return super().eventFilter(watched, event)


def _is_escape(event: QEvent) -> bool:
    return isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape


def _about(scope: Scope, model_title: str) -> str:
    match scope:
        case Scope.CHAT:
            return tr("For this chat only.")
        case Scope.MODEL:
            return tr(
                "For every chat with {model_title}, unless the chat says otherwise.", model_title=_short(model_title)
            )
    return tr("For every chat, unless its model or the chat says otherwise.")


def _short(title: str) -> str:
    return title if len(title) <= 32 else f"{title[:31].rstrip()}…"
