"""What all turns of a chat have in common, drawn: versions, the editor in place, a mark, the focus, the line above."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from PySide6.QtCore import QPoint, QRect, Qt, QTimer, Signal
from PySide6.QtGui import QAccessibleInterface, QContextMenuEvent, QEnterEvent, QFocusEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.engine.events import PromptProgress
from nodetool_xl_desktop.store.records import Message
from nodetool_xl_desktop.store.tree import Versions
from nodetool_xl_desktop.ui.markdown.markdown_view import MarkdownView
from nodetool_xl_desktop.ui.parts import label, restyle
from nodetool_xl_desktop.ui.theme import SPACE_M, SPACE_S, Theme, scaled, zoomed
from nodetool_xl_desktop.ui.transcript.call_desk import CallDesk
from nodetool_xl_desktop.ui.transcript.day_line import DayLine
from nodetool_xl_desktop.ui.transcript.message_actions import BAR_HEIGHT
from nodetool_xl_desktop.ui.transcript.message_editor import MessageEditor
from nodetool_xl_desktop.ui.transcript.message_files import FileChip, FileChips, Thumbnails
from nodetool_xl_desktop.ui.transcript.turn_view import RING, TurnView
from nodetool_xl_desktop.ui.transcript.version_stepper import VersionStepper

#: How long a hit of the search is marked.
MARKED_MS = 2500
_BY_KEYS = (
    Qt.FocusReason.TabFocusReason,
    Qt.FocusReason.BacktabFocusReason,
    Qt.FocusReason.ShortcutFocusReason,
)


@dataclass(frozen=True, slots=True)
class Place:
    """What a view needs of where it stands.

    Attributes:
        theme: the theme in force.
        thumbnails: reads its pictures.
        calls: the way to the tool calls of the chat.
        is_followed: whether the reader is at the end of the chat.
        folds: what a person opened or closed, by message and number of the piece; a view far away is made anew.
    """

    theme: Theme
    thumbnails: Thumbnails
    calls: CallDesk = field(default_factory=CallDesk)
    is_followed: Callable[[], bool] = lambda: True
    folds: dict[tuple[str, int], bool] = field(default_factory=dict)


class MessageView(TurnView):
    """What questions and answers have in common: versions, an editor in place, a mark, the focus."""

    switch_requested = Signal(str)
    #: The message's text as it was edited, and whether to ask with it.
    save_requested = Signal(str, bool)
    #: What is typed in the editor has changed, or the editor was closed.
    draft_changed = Signal()
    edit_requested = Signal()
    menu_requested = Signal(QPoint)
    file_opened = Signal(object)
    #: The mouse is over it, or the focus is in it.
    pointed = Signal()
    #: Some of the text in this `MarkdownView` is selected.
    selected = Signal(object)
    #: What Tab goes through in it is something else now.
    stops_changed = Signal()
    #: This `MarkdownView` has come.
    text_made = Signal(object)
    #: This `MarkdownView` goes.
    text_dropped = Signal(object)
    #: A hit that could not be shown yet can be shown now.
    hit_ready = Signal()
    #: A link in it is to be followed (its target).
    link_activated = Signal(str)
    #: The mouse or the keys are at a link (its target), or no longer at one (an empty text).
    link_pointed = Signal(str)

    def __init__(self, message: Message, place: Place, *, plain: bool) -> None:
        super().__init__()
        self.message = message
        self.place = place
        self.setObjectName("turn")
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.stepper = VersionStepper(place.theme)
        self.stepper.switch_requested.connect(self.switch_requested)
        self._text = MarkdownView(place.theme, plain=plain)
        self.texts: list[MarkdownView] = []
        self._editor: MessageEditor | None = None
        self._left_out: QLabel | None = None
        self._day: DayLine | None = None
        self._files: FileChips | None = None
        self._unsaved: QPushButton | None = None
        self._marks = QTimer(self)
        self._marks.setSingleShot(True)
        self._marks.setInterval(MARKED_MS)
        self._marks.timeout.connect(lambda: restyle(self, "marked", "false"))
        self._rows = QVBoxLayout(self)
        self._rows.setContentsMargins(RING, RING // 2, RING, RING // 2)
        self._rows.setSpacing(SPACE_S)
        self.foot = QHBoxLayout()
        self.foot.setSpacing(SPACE_S)
        self._zoom = 1.0
        place.theme.changed.connect(self._zoom_changed)
        self._zoom_changed()

    def accessible(self) -> QAccessibleInterface:
        """What a screen reader is told of it: an item of a list, with who said it and when."""
        from nodetool_xl_desktop.ui.transcript.accessible_turns import TurnAccessible  # noqa: PLC0415 - once one asks

        return TurnAccessible(self)

    def _add_text(self, view: MarkdownView, name: str) -> None:
        view.setAccessibleName(name)
        view.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        view.selectionChanged.connect(lambda: self.selected.emit(view))
        view.growing.connect(self._text_growing)
        view.shifted.connect(self._text_shifted)
        view.hit_ready.connect(self.hit_ready)
        view.link_activated.connect(self.link_activated)
        view.link_pointed.connect(self.link_pointed)
        self.texts.append(view)
        self.text_made.emit(view)

    def _text_growing(self, by: int) -> None:
        if self.column is not None:
            self.column.turn_growing(self, by)

    def _text_shifted(self, by: int) -> None:
        if self.column is not None:
            self.column.shift(self, by)

    def rank_of(self, view: MarkdownView) -> int | None:
        """Which of the message's texts this is, from top to bottom, by a number that stays; None for none of them."""
        return 0 if view is self._text else None

    def look(self) -> bool:
        looked = [text.look() for text in self.texts]  # each of them
        return any(looked)

    def _zoom_changed(self) -> None:
        if self.place.theme.zoom != self._zoom:
            self._zoom = self.place.theme.zoom
            self.setStyleSheet(zoomed(self._zoom))

    # What it shows

    def show_message(self, message: Message, progress: PromptProgress | None = None, note: str = "") -> None:
        """Show what the message is now.

        Args:
            progress: how far the engine is in reading, while it is.
            note: said while nothing has come.
        """
        raise NotImplementedError

    def show_versions(self, versions: Versions | None) -> None:
        """Step through these."""
        if versions != self.stepper.versions:
            self.stepper.show_versions(versions)

    def show_left_out(self, text: str) -> None:
        """Draw a line above, with this; none for an empty text."""
        if self._left_out is None and text:
            self._left_out = label("", "note", wrap=True)
            self._left_out.setObjectName("leftOut")
            self._left_out.setAlignment(Qt.AlignmentFlag.AlignCenter)
            self._rows.insertWidget(0 if self._day is None else 1, self._left_out)
        if self._left_out is not None:
            self._left_out.setText(text)
            self._left_out.setVisible(bool(text))

    def show_day(self, text: str) -> None:
        """Draw a line above that says which day begins here; none for an empty text."""
        if self._day is None and text:
            self._day = DayLine()
            self._rows.insertWidget(0, self._day)
        if self._day is not None and text != self._day.text:
            self._day.say(text)

    def set_stop(self, *, is_stop: bool) -> None:
        wish = Qt.FocusPolicy.StrongFocus if is_stop else Qt.FocusPolicy.ClickFocus
        if self.focusPolicy() is not wish:
            for widget in (self, *self.stops):
                widget.setFocusPolicy(wish)

    def mark(self) -> None:
        """Mark it for a moment."""
        restyle(self, "marked", "true")
        self._marks.start()

    def bar_place(self, width: int) -> QPoint:
        """Where a bar of this width belongs."""
        foot = self.foot.geometry()
        return QPoint(foot.right() + 1 - width, foot.bottom() + 1 - scaled(BAR_HEIGHT))

    def bar_covers(self, left: int | None) -> None:
        """The bar covers what is in its row from here on to the right; None where it is not here."""

    def place_of_hit(self, hit: int) -> QRect:
        """Where a hit stands in it; the whole of it where none is drawn."""
        found = self._text.place_of(hit)
        return found.translated(self._text.mapTo(self, QPoint(0, 0))) if found.isValid() else self.rect()

    def mark_hits(self, sought: str, current: int | None) -> None:
        """Mark what is sought, one of it more strongly."""
        drawn = self._text.mark(sought, current)
        if current is not None and not drawn:  # it stands in what Markdown does not show, such as an address
            self.mark()

    @property
    def files(self) -> Sequence[FileChip]:
        """The chips of the files that go with it."""
        return self._files.chips if self._files is not None else ()

    @property
    def stops(self) -> Sequence[QWidget]:
        """Where Tab goes in it, in order."""
        return (*(each for text in self.texts for each in text.stops), *self.files)

    # The editor

    @property
    def editor(self) -> MessageEditor | None:
        """The open one."""
        return self._editor

    def open_editor(self, draft: str, *, answering: bool) -> None:
        """Edit the message in its place."""
        if self._editor is None:
            self._editor = MessageEditor(self.message.text, draft, asks=self.message.role == "user")
            self._editor.save_requested.connect(self.save_requested)
            self._editor.close_requested.connect(self.close_editor)
            self._editor.edit.textChanged.connect(self.draft_changed)
            self._editor.cursor_moved.connect(self._bring_cursor)
            self._show_body(is_shown=False)
            self._rows.insertWidget(self._rows.indexOf(self._body()), self._editor)
            self._editor.show()
            self._foot_hidden(hidden=True)
            self.stops_changed.emit()
        self._editor.allow_asking(allowed=not answering)

    def close_editor(self) -> None:
        """Show the message again."""
        if self._editor is None:
            return
        had_focus = self._editor.edit.hasFocus() or self._editor.isAncestorOf(self.focusWidget() or self)
        self._rows.removeWidget(self._editor)
        self._editor.hide()
        self._editor.deleteLater()
        self._editor = None
        self._show_body(is_shown=True)
        self._foot_hidden(hidden=False)
        self.draft_changed.emit()
        if had_focus:
            self.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def show_unsaved(self, *, unsaved: bool) -> None:
        """Say that something was typed and not saved."""
        if self._unsaved is None and unsaved:
            self._unsaved = QPushButton(tr("Unsaved edit"))
            self._unsaved.setProperty("kind", "quiet")
            self._unsaved.setToolTip(tr("What was typed and not saved: open it again"))
            self._unsaved.clicked.connect(self.edit_requested)
            self.foot.insertWidget(self._unsaved_place, self._unsaved)
        if self._unsaved is not None:
            self._unsaved.setVisible(unsaved and self._editor is None)

    #: Where in the foot that stands.
    _unsaved_place = 0

    def _body(self) -> QWidget:
        """Where the editor stands."""
        return self._text

    def _show_body(self, *, is_shown: bool) -> None:
        """What the editor stands in place of comes, or goes."""
        self._body().setVisible(is_shown)

    def _foot_hidden(self, *, hidden: bool) -> None:
        self.stepper.setVisible(not hidden and bool(self.stepper.versions and self.stepper.versions.count > 1))

    def _bring_cursor(self) -> None:
        if self._editor is not None and self.column is not None and self._editor.edit.hasFocus():
            cursor = self._editor.edit.cursorRect()
            top = self._editor.edit.mapTo(self, cursor.topLeft()).y()
            self.column.bring(self.column.index_of(self), top, cursor.height())

    # Qt's events

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        self.pointed.emit()
        by_keys = event.reason() is QContextMenuEvent.Reason.Keyboard
        self.menu_requested.emit(self.mapToGlobal(QPoint(SPACE_M, SPACE_M)) if by_keys else event.globalPos())

    def enterEvent(self, event: QEnterEvent) -> None:
        super().enterEvent(event)
        self.pointed.emit()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        restyle(self, "ring", "true" if event.reason() in _BY_KEYS else "false")
        self.pointed.emit()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if event.reason() is not Qt.FocusReason.PopupFocusReason:
            restyle(self, "ring", "false")
