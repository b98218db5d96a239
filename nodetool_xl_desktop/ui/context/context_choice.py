"""What to do where the next turn does not fit: asked before anything is sent, above the composer that holds it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QHideEvent, QKeyEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
)

from nodetool_xl_desktop.chat.fitting import Cut, WontFit, summary_tokens
from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.translation import number, tr, trn
from nodetool_xl_desktop.ui.context.left_out_list import LeftOutList
from nodetool_xl_desktop.ui.inputs import in_order
from nodetool_xl_desktop.ui.notice import Notice
from nodetool_xl_desktop.ui.parts import label
from nodetool_xl_desktop.ui.theme import SPACE_M, SPACE_S, Theme

LEAST_WIDTH = 340
TITLE = tr("The next turn does not fit into the context")
TITLE_ALONE = tr("Your message is too long for this context")


class ContextChoice(QFrame):
    """Says what does not fit, with figures, and what would be left out; hidden while there is nothing to choose.

    It decides nothing and sends nothing: what was typed stays in the composer until one of its signals is followed.
    """

    #: Send without the turns before this message (its id; empty for the question alone).
    dropped = Signal(str)
    #: The same with a summary in their place.
    summarise_requested = Signal(str)
    #: Load the model again with so many tokens for each chat, then send.
    reload_requested = Signal(int)
    #: Send as it is: the prompt fits, with less room for the answer.
    send_requested = Signal()
    #: Send nothing; also while a summary is being made or a model loaded.
    cancelled = Signal()
    #: Whether it takes room now, which the composer below gives.
    shown_changed = Signal(bool)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("contextChoice")
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.plan: WontFit | None = None
        self._title = label("", "strong", wrap=True)
        self._text = label("", wrap=True)
        self._problem = Notice()
        self._list_title = label("", "note", wrap=True)
        self._list = LeftOutList(theme)
        self._drop = QPushButton()
        self._summarise = QPushButton(tr("Summarise"))
        self._reload = QPushButton()
        self._send = QPushButton(tr("Send Anyway"))
        self._cancel = QPushButton(tr("Cancel"))
        self._buttons = (self._drop, self._summarise, self._reload, self._send, self._cancel)
        self._progress = QProgressBar()
        self._progress.setTextVisible(False)
        self._progress.setFixedHeight(6)
        self._connect()
        self._lay_out()
        self.hide()

    def _connect(self) -> None:
        self._drop.clicked.connect(lambda: self.dropped.emit(self._cut.begins))
        self._summarise.clicked.connect(lambda: self.summarise_requested.emit(self._cut.begins))
        self._reload.clicked.connect(self._ask_to_reload)
        self._send.clicked.connect(self.send_requested)
        self._cancel.clicked.connect(self.cancelled)
        self._cancel.setToolTip(tr("Send nothing; the message stays where it is (Esc)"))

    def _lay_out(self) -> None:
        self._rows = [QHBoxLayout() for _ in self._buttons]
        waiting = QHBoxLayout()
        waiting.addWidget(self._progress)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE_M + 2, SPACE_M, SPACE_M + 2, SPACE_M)
        layout.setSpacing(SPACE_S)
        for part in (self._title, self._text, self._list_title, self._list, self._problem):
            layout.addWidget(part)
        layout.addLayout(waiting)
        for row in self._rows:
            row.setSpacing(SPACE_S)
            layout.addLayout(row)
        for button in self._buttons:
            self._rows[0].addWidget(button)
        in_order(self._list, *self._buttons)

    @property
    def text(self) -> str:
        """Everything it says, for a screen reader and for tests."""
        parts = (self._title, self._text, self._list_title)
        said = [part.text() for part in parts if not part.isHidden()] + [self._problem.text]
        return "" if self.isHidden() else " ".join(said).strip()

    @property
    def has_keys(self) -> bool:
        """Whether the next key goes into it."""
        focused = self.window().focusWidget()
        return focused is not None and self.isAncestorOf(focused)

    def show_plan(self, plan: WontFit) -> None:
        """Ask, and take the keys: onto the list, where Enter does nothing, as it may still be pressed from sending."""
        self.plan = plan
        self._problem.hide()
        self._show_choices()
        self._show_list(plan.cut)
        self._title.setText(TITLE_ALONE if plan.cut is None else TITLE)
        self._text.setText(_figures(plan))
        self._set_waiting("")
        self.show()
        (self._list if plan.cut is not None else self._cancel).setFocus(Qt.FocusReason.OtherFocusReason)

    def show_progress(self, text: str, done: float | None = None) -> None:
        """A summary is being made, or a model loaded: only Cancel is left.

        Args:
            text: what is being done.
            done: how much of it, from 0 to 1; None where that is not known.
        """
        self._problem.hide()
        self._set_waiting(text)
        self._progress.setRange(0, 0 if done is None else 100)
        self._progress.setValue(round(100 * (done or 0)))

    def show_error(self, error: UserFacingError) -> None:
        """What was chosen could not be done: the choices are there again."""
        self._set_waiting("")
        self._problem.tell_error(error)
        self._tell()
        self._cancel.setFocus(Qt.FocusReason.OtherFocusReason)

    def clear(self) -> None:
        """There is nothing to choose any more."""
        self.plan = None
        self.hide()

    def minimumSizeHint(self) -> QSize:
        return QSize(LEAST_WIDTH, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._turn()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.shown_changed.emit(True)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.shown_changed.emit(False)

    def event(self, event: QEvent) -> bool:
        # The window has Escape as a shortcut of its own, which else would take it.
        is_escape = isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape
        if is_escape and event.type() is QEvent.Type.ShortcutOverride:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.cancelled.emit()
            return
        super().keyPressEvent(event)

    @property
    def _cut(self) -> Cut:
        assert self.plan is not None
        assert self.plan.cut is not None
        return self.plan.cut

    def _show_choices(self) -> None:
        plan = self.plan
        assert plan is not None
        cut, larger = plan.cut, plan.larger
        self._drop.setVisible(cut is not None)
        self._summarise.setVisible(cut is not None)
        if cut is not None:
            self._drop.setText(
                trn("Drop Oldest ({count} turn)", "Drop Oldest ({count:,} turns)", cut.turns)
                if cut.turns
                else tr("Drop Oldest (summary)")
            )
            self._drop.setToolTip(tr("Send without them. They stay in the chat."))
            self._summarise.setEnabled(plan.can_summarise)
            most = summary_tokens(plan.use.context or 0)
            self._summarise.setToolTip(
                tr(
                    "The model first writes a summary of at most {most:,} tokens, which is sent in their place.",
                    most=most,
                )
                if plan.can_summarise
                else tr("There is no room for a summary, either.")
            )
        self._reload.setVisible(larger is not None)
        if larger is not None:
            self._reload.setText(
                tr("Reload with {context:,} Tokens ({verdict})", context=larger.context, verdict=larger.verdict)
            )
            self._reload.setToolTip(tr("Load the model again with a larger Context Length, then send everything."))
            self._reload.setEnabled(larger.allowed)
        self._send.setVisible(plan.can_send)
        self._send.setToolTip(
            tr("{units} are left for the answer, which may be cut.", units=units.tokens(max(0, plan.use.left)))
        )

    def _show_list(self, cut: Cut | None) -> None:
        self._list_title.setVisible(cut is not None)
        self._list.setVisible(cut is not None)
        if cut is None:
            return
        exact = self.plan is not None and self.plan.use.exact
        tokens = units.tokens(cut.frees)
        frees = tokens if exact else tr("about {tokens}", tokens=tokens)
        if not cut.messages:
            says = tr("To drop or to summarise: the summary, which frees {tokens}. It stays in the chat.", tokens=frees)
        elif cut.before:
            says = trn(
                "To drop or to summarise: {count} message and the summary before it, which frees {tokens}. They "
                "stay in the chat.",
                "To drop or to summarise: {count:,} messages and the summary before them, which frees {tokens}. They "
                "stay in the chat.",
                len(cut.messages),
                tokens=frees,
            )
        else:
            says = trn(
                "To drop or to summarise: {count} message, which frees {tokens}. It stays in the chat.",
                "To drop or to summarise: {count:,} messages, which frees {tokens}. They stay in the chat.",
                len(cut.messages),
                tokens=frees,
            )
        self._list_title.setText(says)
        self._list.setAccessibleName(self._list_title.text())
        self._list.show_rows(cut.rows)

    def _set_waiting(self, text: str) -> None:
        is_waiting = bool(text)
        if is_waiting:
            self._text.setText(text)
        elif self.plan is not None:
            self._text.setText(_figures(self.plan))
        self._progress.setVisible(is_waiting)
        for button in (self._drop, self._summarise, self._reload, self._send):
            button.setVisible(not is_waiting)
        if is_waiting:
            self._list.hide()
            self._list_title.hide()
            self._cancel.setFocus(Qt.FocusReason.OtherFocusReason)
        elif self.plan is not None:
            self._show_choices()
            self._show_list(self.plan.cut)
        self._tell()
        self._turn()

    def _tell(self) -> None:
        self.setAccessibleName(self._title.text())
        self.setAccessibleDescription(f"{self._text.text()} {self._problem.text}".strip())

    def _turn(self) -> None:
        """Buttons beside each other as far as there is room for them, then in further rows that they fill."""
        room = self.width() - 2 * (SPACE_M + 2)
        rows: list[list[QPushButton]] = [[]]
        used = 0
        for button in (each for each in self._buttons if not each.isHidden()):
            width = button.sizeHint().width() + SPACE_S
            if rows[-1] and used + width - SPACE_S > room:
                rows.append([])
                used = 0
            rows[-1].append(button)
            used += width
        for row in self._rows:
            while row.takeAt(0) is not None:
                pass
        for row, buttons in zip(self._rows, rows, strict=False):
            for button in buttons:
                if len(rows) == 1 and button is self._cancel:
                    row.addStretch(1)
                row.addWidget(button)

    def _ask_to_reload(self) -> None:
        if self.plan is not None and self.plan.larger is not None:
            self.reload_requested.emit(self.plan.larger.context)


def _figures(plan: WontFit) -> str:
    """What does not fit, in figures."""
    use = plan.use
    parts = (
        (tr("system prompt {count:,}", count=use.system), use.system),
        (tr("tools {count:,}", count=use.tools), use.tools),
        (tr("history {count:,}", count=use.history), use.history),
        (tr("message {count:,}", count=use.draft), use.draft),
    )
    prompt = units.tokens(use.prompt)
    said = tr(
        "It takes {prompt} ({parts}), and {reserve:,} are kept for the answer: {missing:,} more "
        "than the {context:,} of this context.",
        prompt=prompt if use.exact else tr("about {tokens}", tokens=prompt),
        parts=", ".join(text for text, count in parts if count),
        reserve=use.reserve,
        missing=use.missing,
        context=use.context,
    )
    if plan.cut is None:
        alone = number(f"{plan.alone:,}")
        even = tr(
            "Even without all the turns before it, it takes {tokens}. Shorten it, or load with more.",
            tokens=alone if use.exact else tr("about {tokens}", tokens=alone),
        )
        return f"{said} {even}"
    return said
