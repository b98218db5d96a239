"""One turn of a chat, drawn: what the person said as a bubble, what the model said as text with its figures below."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QFontMetrics, QGuiApplication
from PySide6.QtWidgets import QFrame, QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from nodetool_xl_desktop.chat.session import Message, Outcome
from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.engine.errors import EngineError, Fault
from nodetool_xl_desktop.ui.markdown_view import MarkdownView
from nodetool_xl_desktop.ui.notice import Notice
from nodetool_xl_desktop.ui.parts import label
from nodetool_xl_desktop.ui.theme import SPACE_M, SPACE_S, SPACE_XS, Theme

BUBBLE_WIDTH = 560
LOAD_AGAIN, NEW_CHAT = "Load again", "New chat"
ENDINGS = {
    Outcome.COMPLETE: "stopped by itself",
    Outcome.CUT: "reached the limit of tokens",
    Outcome.STOPPED: "stopped by you",
    Outcome.FAILED: "not finished",
}


def figures(message: Message) -> str:
    """The line below an answer."""
    if message.outcome is Outcome.WAITING:
        progress = message.progress
        if progress is None or not progress.total:
            return "Waiting for the first token ..."
        done = (progress.processed + progress.cached) / progress.total if progress.processed < progress.total else 1
        return f"Reading the prompt ... {min(1.0, done):.0%}"
    if message.outcome is Outcome.STREAMING:
        return "Answering ..."
    parts = []
    if message.tokens_per_s:
        parts.append(f"{message.tokens_per_s:.1f} tokens/s")
    if message.first_token_s is not None:
        parts.append(f"first token {units.seconds(message.first_token_s)}")
    if message.usage.completion_tokens:
        parts.append(units.tokens(message.usage.completion_tokens))
    elif message.pieces:
        parts.append(f"about {units.tokens(message.pieces)}")
    return "   ".join([*parts, ENDINGS[message.outcome]])


class QuestionView(QWidget):
    """What the person said, on the right."""

    def __init__(self, message: Message, theme: Theme) -> None:
        super().__init__()
        self.setAccessibleName("You")
        self._text = MarkdownView(theme, plain=True)
        self._text.setAccessibleName("Your message")
        self._text.set_text(message.text)
        bubble = QFrame()
        bubble.setObjectName("bubble")
        inside = QVBoxLayout(bubble)
        inside.setContentsMargins(SPACE_M + 2, SPACE_M - 2, SPACE_M + 2, SPACE_S)
        inside.addWidget(self._text)
        self._text.ensurePolished()
        metrics = QFontMetrics(self._text.font())
        widest = max((metrics.horizontalAdvance(line) for line in message.text.splitlines()), default=0)
        bubble.setMaximumWidth(min(BUBBLE_WIDTH, widest + 2 * (SPACE_M + 2) + 2))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addStretch(1)
        layout.addWidget(bubble, 1000)  # as wide as its text, or as there is room


class AnswerView(QWidget):
    """What the model said; `refresh` shows how far it is."""

    #: The model is to be loaded again.
    load_requested = Signal()
    new_chat_requested = Signal()

    def __init__(self, message: Message, theme: Theme) -> None:
        super().__init__()
        self.message = message
        self.setAccessibleName(f"Answer of {message.author}")
        self._reasoning = MarkdownView(theme, plain=True)
        self._reasoning.setProperty("kind", "note")
        self._reasoning.setAccessibleName("Reasoning")
        self._text = MarkdownView(theme)
        self._text.setAccessibleName("Answer")
        self._figures = label("", "note")
        self._notice = Notice()
        self._notice.remedy_requested.connect(self._remedy_pressed)
        self._copy = QToolButton()
        self._copy.setProperty("kind", "quiet")
        self._copy.setText("Copy")
        self._copy.setToolTip("Copy the answer as Markdown")
        self._copy.setAccessibleName("Copy the answer")
        self._copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(message.text))
        foot = QHBoxLayout()
        foot.addWidget(self._figures)
        foot.addStretch()
        foot.addWidget(self._copy)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_S)
        layout.addWidget(label(message.author, "author"))
        layout.addWidget(self._reasoning)
        layout.addWidget(self._text)
        layout.addWidget(self._notice)
        layout.addLayout(foot)
        layout.addSpacing(SPACE_XS)
        self.refresh()

    def refresh(self) -> None:
        """Show what the message is now."""
        message = self.message
        self._reasoning.set_text(message.reasoning)
        self._reasoning.setVisible(bool(message.reasoning))
        self._text.set_text(message.text)
        self._text.setVisible(bool(message.text))
        self._figures.setText(figures(message))
        self._copy.setVisible(bool(message.text) and not message.is_open)
        if message.error is not None:
            self._notice.tell_error(message.error, remedy=_remedy(message.error))

    def _remedy_pressed(self) -> None:
        if _remedy(self.message.error) == LOAD_AGAIN:
            self.load_requested.emit()
        else:
            self.new_chat_requested.emit()

    def hide_remedy(self) -> None:
        """What the notice offered is no longer what would help."""
        if self.message.error is not None and _remedy(self.message.error) == LOAD_AGAIN:
            self._notice.tell_error(self.message.error)


def _remedy(error: UserFacingError | None) -> str:
    """What would help after this failure, as the words of a button; empty where no button does."""
    fault = error.fault if isinstance(error, EngineError) else None
    if fault is Fault.CONTEXT_OVERFLOW:
        return NEW_CHAT
    return "" if fault in (Fault.BAD_REQUEST, Fault.CONNECTION) else LOAD_AGAIN
