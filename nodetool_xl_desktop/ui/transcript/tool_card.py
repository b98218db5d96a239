"""A tool call where it happened: what was called and with what, how it stands, what a person decides, what came of it.

Nothing that a model or a tool wrote is markup here, and nothing runs but by a press in here or what the person allowed
before.
"""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QLabel, QVBoxLayout, QWidget

from nodetool_xl_desktop.chat.calls import Remember
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.store.records import Message
from nodetool_xl_desktop.ui.leaf.odd_letters import visible
from nodetool_xl_desktop.ui.markdown.markdown_view import MarkdownView
from nodetool_xl_desktop.ui.parts import ElidedLabel, GivingLabel, caption, figure, label, restyle, set_tip
from nodetool_xl_desktop.ui.theme import SPACE_M, SPACE_S, Theme, scaled
from nodetool_xl_desktop.ui.transcript.answer_parts import CallPiece
from nodetool_xl_desktop.ui.transcript.call_approval import Approval
from nodetool_xl_desktop.ui.transcript.call_arguments import ArgumentsView
from nodetool_xl_desktop.ui.transcript.call_desk import CallDesk
from nodetool_xl_desktop.ui.transcript.call_result import ResultView
from nodetool_xl_desktop.ui.transcript.call_words import (
    MAKINGS,
    Stand,
    indented,
    ran_with,
    stand_of,
    summary_of,
    words_of,
)
from nodetool_xl_desktop.ui.transcript.fold import CARET, FoldHead, TurnButton
from nodetool_xl_desktop.ui.transcript.message_files import FileChip, Thumbnails
from nodetool_xl_desktop.ui.transcript.turn_view import holds_focus

ICON = 14
SECOND_MS = 1000
LONGEST_TITLE = 48


class ToolCard(QFrame):
    """One call, with its result.

    Args:
        theme: the theme in force.
        desk: the way to the calls of the chat.
        thumbnails: reads pictures.
        wish: whether the arguments are shown, as the person chose before; None where they did not.
    """

    file_opened = Signal(object)
    #: It had the focus in what went: the keys are to go somewhere.
    focus_left = Signal()
    #: What Tab goes through is something else now.
    stops_changed = Signal()

    def __init__(self, theme: Theme, desk: CallDesk, thumbnails: Thumbnails, wish: bool | None = None) -> None:
        super().__init__()
        self.setObjectName("toolCard")
        self._theme, self._desk, self._thumbnails = theme, desk, thumbnails
        self._piece: CallPiece | None = None
        self._message: Message | None = None
        self.stand: Stand | None = None
        self._wish = wish
        self._arguments: ArgumentsView | None = None
        self._approval: Approval | None = None
        self._result: ResultView | None = None
        self.stop: TurnButton | None = None
        self._make_head()
        self._rows = QVBoxLayout(self)
        self._rows.setContentsMargins(1, 1, 1, 1)
        self._rows.setSpacing(0)
        self._rows.addWidget(self.head)
        self._seconds = QTimer(self)
        self._seconds.setInterval(SECOND_MS)
        self._seconds.timeout.connect(self._tick)
        theme.changed.connect(self._draw)

    def _make_head(self) -> None:
        self.head = FoldHead(self._theme)
        self.head.wished.connect(self._wished)
        self._making = label("")
        self._making.setProperty("pill", "quiet")
        self._title = GivingLabel("strong")
        self._summary = ElidedLabel("note")
        self._icon = QLabel()
        self._words = figure()
        row = self.head.row
        row.addWidget(self._making, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self._title, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self._summary, 1)
        row.addWidget(self._icon)
        row.addWidget(self._words)

    # What it shows

    @property
    def call_id(self) -> str:
        """Of the call."""
        return self._piece.id if self._piece is not None else ""

    @property
    def approval(self) -> Approval | None:
        """The buttons, while it waits."""
        return self._approval if self.stand is Stand.WAITING else None

    @property
    def stops(self) -> tuple[QWidget, ...]:
        """Where Tab goes, in order; while it waits, to the buttons first."""
        decide = self._approval.stops if self._approval is not None else ()
        arguments = self._arguments.stops if self._arguments is not None else ()
        result = self._result.stops if self._result is not None else ()
        stop = (self.stop,) if self.stop is not None else ()
        return (*decide, self.head, *stop, *arguments, *result, *self.files)

    @property
    def texts(self) -> tuple[MarkdownView, ...]:
        """What is drawn as Markdown in it: nothing."""
        return ()

    @property
    def files(self) -> tuple[FileChip, ...]:
        """The pictures in it."""
        return self._result.files if self._result is not None else ()

    def show_piece(self, piece: CallPiece, message: Message) -> None:
        """Show it as it stands in this message now; cheap where nothing is another."""
        stand = stand_of(piece, message, self._desk.live(piece.id))
        if piece == self._piece and stand is self.stand and stand is not Stand.RUNNING:
            return
        before = self.stand
        is_new = self._piece is None or piece.call != self._piece.call
        self._piece, self._message, self.stand = piece, message, stand
        if is_new:
            self._show_call(piece)
            self._show_arguments()
        if stand is not before:
            self._show_stand(before)
        self._show_words()
        if piece.answer is not None:
            if self._result is None:
                self._result = ResultView(self._theme, self._thumbnails)
                self._result.file_opened.connect(self.file_opened)
                self._rows.addWidget(self._result)
                self._result.show()
                self.stops_changed.emit()
            self._result.show_answer(piece.answer)
        self._say()

    def press_allow(self) -> None:
        """Allow it, as it is or as it was changed; nothing where it does not wait."""
        if self.approval is not None:
            self.approval.press_allow()

    def focus_allow(self) -> None:
        """Have the keys go to the default button."""
        if self.approval is not None and self.approval.editor is None:
            self.approval.allow.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def settle(self) -> None:
        """Have the layouts done, the inner ones first."""
        for part in (self._arguments, self._approval, self._result):
            if part is not None:
                part.settle()
        self._rows.activate()

    def _show_call(self, piece: CallPiece) -> None:
        call = piece.call
        title = visible(" ".join((self._desk.title(piece.name) or tr("Tool")).split()), code=True)[0]
        self._title.setText(caption(title, LONGEST_TITLE).replace("&&", "&"))
        set_tip(self._title, visible(piece.name[:1000], code=True)[0])
        if call is not None:
            self._making.setText(tr(call.making))
            set_tip(self._making, MAKINGS[call.making])
        if self._arguments is not None and call is not None:
            self._arguments.show_call(call)

    def _show_stand(self, before: Stand | None) -> None:
        stand = self.stand
        assert stand is not None
        left = self.stop is not None and self.stop.hasFocus() and stand is not Stand.RUNNING
        self._show_stop(is_shown=stand is Stand.RUNNING)
        restyle(self, "waits", "true" if stand is Stand.WAITING else "false")
        if stand is Stand.RUNNING:
            self._seconds.start()
        else:
            self._seconds.stop()
        self._draw()
        if stand is Stand.WAITING:
            self._begin_approval()
        elif self._approval is not None and before is Stand.WAITING:
            left = left or holds_focus(self._approval)
            self._approval.hide()
        self._show_arguments()
        if left:
            self.focus_left.emit()

    def _show_stop(self, *, is_shown: bool) -> None:
        if self.stop is None and is_shown:
            self.stop = TurnButton(tr("Stop"))
            self.stop.setProperty("small", "true")
            set_tip(self.stop, tr("End it; the model goes on without its result"))
            self.stop.clicked.connect(lambda: self._desk.stop(self.call_id))
            self.head.row.addWidget(self.stop)
            self.stops_changed.emit()
        if self.stop is not None:
            self.stop.setVisible(is_shown)

    def _begin_approval(self) -> None:
        piece = self._piece
        assert piece is not None
        if self._approval is None:
            self._approval = Approval(self._theme)
            self._approval.allowed.connect(self._allow)
            self._approval.denied.connect(lambda reason: self._desk.deny(self.call_id, reason))
            self._approval.editing.connect(lambda _is: self._show_arguments())
            self._approval.typed.connect(self._keep_draft)
            self._rows.insertWidget(1 if self._arguments is None else 2, self._approval)
            if self._result is not None:
                self._result.raise_()
        arguments = indented(piece.call.arguments) if piece.call is not None else "{}"
        self._approval.begin(arguments, self._desk.drafts.get(piece.id, ""))
        self._approval.show()
        self.stops_changed.emit()

    def _show_arguments(self) -> None:
        """While it waits they are seen: nobody should allow what they have not read. After, where one asks."""
        piece = self._piece
        if piece is None or piece.call is None:
            return
        is_open = self._wish if self._wish is not None else self.stand is Stand.WAITING
        edits = self._approval is not None and self.approval is not None and self._approval.editor is not None
        self.head.show_open(is_open=is_open)
        changed = tr("changed by you: ") if piece.call.edited else ""
        self._summary.setText("" if is_open else f"{changed}{summary_of(ran_with(piece.call))}")
        if is_open and self._arguments is None:
            self._arguments = ArgumentsView(self._theme)
            self._rows.insertWidget(1, self._arguments)
            self._arguments.lower()  # a screen reader goes from the undermost to the uppermost
            self.head.lower()
            self._arguments.show_call(piece.call)
            self.stops_changed.emit()
        if self._arguments is not None:
            self._arguments.setVisible(is_open and not edits)

    def _show_words(self) -> None:
        assert self.stand is not None
        assert self._piece is not None
        assert self._message is not None
        running_s = self._desk.running_s(self.call_id) if self.stand is Stand.RUNNING else None
        self._words.setText(words_of(self.stand, self._piece, self._message, running_s))
        self._fit_head()

    def _fit_head(self) -> None:
        """Where there is no room for all of it, how it was made gives way to what is called."""
        beside = [each for each in (self._title, self._icon, self._words, self.stop) if each and not each.isHidden()]
        room = (
            self.width() - 2 * (SPACE_M + 1) - scaled(CARET) - sum(SPACE_S + each.sizeHint().width() for each in beside)
        )
        is_call = self._piece is not None and self._piece.call is not None
        self._making.setVisible(is_call and self._making.sizeHint().width() + SPACE_S <= room)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_head()

    def _tick(self) -> None:
        if not self.visibleRegion().isEmpty():
            self._show_words()

    def _say(self) -> None:
        """What a screen reader hears of it."""
        name = tr("Tool call {title}, {words}", title=self._title.text(), words=self._words.text())
        if name != self.accessibleName():
            self.setAccessibleName(name)
            self.head.setAccessibleName(f"{name}. {self._summary.text()}".rstrip(". "))

    def _draw(self) -> None:
        if self.stand is None:
            return
        _, role, icon = self.stand.value
        restyle(self._words, "tone", role)
        self._icon.setVisible(bool(icon))
        if icon:
            size = QSize(scaled(ICON), scaled(ICON))
            self._icon.setFixedSize(size)
            self._icon.setPixmap(self._theme.icon(icon, role).pixmap(size))

    # What a person does

    def _wished(self, wish: bool) -> None:
        self._wish = wish
        self._show_arguments()

    def _keep_draft(self, text: str) -> None:
        if text:
            self._desk.drafts[self.call_id] = text
        else:
            self._desk.drafts.pop(self.call_id, None)

    def _allow(self, arguments: str | None, remember: Remember) -> None:
        problem = self._desk.allow(self.call_id, arguments, remember)
        if problem is not None and self._approval is not None:
            self._approval.tell(f"{problem.what}: {problem.why or problem.hint}".rstrip(": "))
