"""One turn of a chat, drawn: what the person said as a bubble, what the model said as text with its figures below."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Signal
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.engine.errors import EngineError, Fault
from nodetool_xl_desktop.engine.events import PromptProgress
from nodetool_xl_desktop.store.records import Message
from nodetool_xl_desktop.ui.notice import Notice
from nodetool_xl_desktop.ui.parts import label
from nodetool_xl_desktop.ui.theme import SPACE_M, SPACE_S, SPACE_XS
from nodetool_xl_desktop.ui.transcript.markdown_view import MarkdownView
from nodetool_xl_desktop.ui.transcript.message_actions import BAR_HEIGHT
from nodetool_xl_desktop.ui.transcript.message_figures import Details, FiguresLine, doing, figures
from nodetool_xl_desktop.ui.transcript.message_files import FileChips
from nodetool_xl_desktop.ui.transcript.message_frame import MessageView, Place

BUBBLE_WIDTH = 560
#: The bubble is as wide as the widest of so many lines.
LINES_LOOKED_AT = 200
LOAD_AGAIN, NEW_CHAT, RAISE_CONTEXT = "Load again", "New chat", "Raise the context"
#: Who speaks, where no model does.
_SPEAKERS = {"system": "System prompt", "tool": "Tool", "assistant": "Answer"}


class QuestionView(MessageView):
    """What the person said, on the right."""

    def __init__(self, message: Message, place: Place) -> None:
        super().__init__(message, place, plain=True)
        self.setAccessibleName("You")
        self._add_text(self._text, "Your message")
        self._bubble = QFrame()
        self._bubble.setObjectName("bubble")
        inside = QVBoxLayout(self._bubble)
        inside.setContentsMargins(SPACE_M + 2, SPACE_M - 2, SPACE_M + 2, SPACE_S)
        inside.addWidget(self._text)
        self._row = QWidget()
        row = QHBoxLayout(self._row)
        row.setContentsMargins(0, 0, 0, 0)
        row.addStretch(1)
        row.addWidget(self._bubble, 1000)  # as wide as its text, or as there is room
        self.foot.addStretch(1)
        self.foot.addWidget(self.stepper)
        self.foot.addSpacing(0)
        if message.attachments:
            self._files = FileChips(message.attachments, place.theme, place.thumbnails)
            self._files.opened.connect(self.file_opened)
            self._rows.addWidget(self._files)
        self._rows.addWidget(self._row)
        self._rows.setSpacing(SPACE_XS)
        self.foot.addStrut(BAR_HEIGHT)
        self._rows.addLayout(self.foot)
        self.show_message(message)

    _unsaved_place = 1

    def show_message(self, message: Message, progress: PromptProgress | None = None, note: str = "") -> None:
        self.message = message
        self._text.set_text(message.text)
        self._bubble.setVisible(bool(message.text))
        self._text.ensurePolished()
        metrics = QFontMetrics(self._text.font())
        widest = max(
            (metrics.horizontalAdvance(line) for line in message.text.splitlines()[:LINES_LOOKED_AT]), default=0
        )
        self._bubble.setMaximumWidth(min(BUBBLE_WIDTH, widest + 2 * (SPACE_M + 2) + 2))

    def bar_place(self, width: int) -> QPoint:
        foot, stepper = self.foot.geometry(), self.stepper
        right = foot.right() + 1 if stepper.isHidden() else stepper.geometry().left() - SPACE_S
        return QPoint(right - width, foot.bottom() + 1 - BAR_HEIGHT)

    def settle(self) -> None:
        for widget in (self._bubble, self._row, self._editor):
            if widget is not None and (layout := widget.layout()) is not None:
                layout.activate()

    def _body(self) -> QWidget:
        return self._row


class AnswerView(MessageView):
    """What the model said, as far as it is."""

    #: The model is to be loaded again.
    load_requested = Signal()
    new_chat_requested = Signal()
    raise_context_requested = Signal()

    def __init__(self, message: Message, place: Place, *, is_last: bool = True) -> None:
        super().__init__(message, place, plain=False)
        author = message.author or _SPEAKERS.get(message.role, "")
        self.setAccessibleName(f"Answer of {author}" if message.author else author)
        self._is_last = is_last
        self._reasoning: MarkdownView | None = None
        self._add_text(self._text, "Answer")
        self._figures = FiguresLine()
        self._figures.clicked.connect(self.show_details)
        self._notice: Notice | None = None
        self.foot.addWidget(self._figures)
        self.foot.addWidget(self.stepper)
        self.foot.addStretch(1)
        self.foot.addStrut(BAR_HEIGHT)
        self._rows.addWidget(label(author, "author"))
        self._rows.addWidget(self._text)
        self._rows.addLayout(self.foot)
        self.show_message(message)

    _unsaved_place = 2

    @property
    def figures_button(self) -> QPushButton:
        """The line of figures, which opens the details."""
        return self._figures

    def show_message(self, message: Message, progress: PromptProgress | None = None, note: str = "") -> None:
        self.message = message
        self._show_reasoning(message.reasoning)
        text = message.text
        self._text.set_text(text)
        self._text.setVisible(bool(text) and self._editor is None)
        is_answer = message.role == "assistant"
        words = doing(message, progress, note) if message.is_open else figures(message) if is_answer else ""
        if words != self._figures.text():
            self._figures.setText(words)
            self._figures.setToolTip("" if message.is_open else "How this answer was made")
            self._figures.setAccessibleName(words.replace("   ", ", "))
        self._figures.setEnabled(not message.is_open)
        self._show_error(message.about.error if not message.is_open else None)

    def show_is_last(self, is_last: bool) -> None:
        """Whether nothing follows; only then it is offered to mend what failed."""
        if is_last != self._is_last:
            self._is_last = is_last
            self._show_error(self.message.about.error if not self.message.is_open else None)

    def hide_remedy(self) -> None:
        """What the notice offered is no longer what would help."""
        error = self.message.about.error
        if self._notice is not None and error is not None and _remedies(error)[:1] == [LOAD_AGAIN]:
            self._notice.tell_error(error)

    def settle(self) -> None:
        for widget in (self._notice, self._editor):
            if widget is not None and (layout := widget.layout()) is not None:
                layout.activate()

    def _show_reasoning(self, text: str) -> None:
        if not text:
            return
        if self._reasoning is None:
            self._reasoning = MarkdownView(self.place.theme, plain=True)
            self._reasoning.setProperty("kind", "note")
            self._add_text(self._reasoning, "Reasoning")
            self._rows.insertWidget(self._rows.indexOf(self._text), self._reasoning)
            self._reasoning.show()  # at once: the layout would do so later, and its height be taken for nothing
        self._reasoning.set_text(text)

    def _show_error(self, error: UserFacingError | None) -> None:
        if error is None:
            if self._notice is not None:
                self._notice.hide()
            return
        remedies = _remedies(error) if self._is_last else []
        if self._notice is None:
            self._notice = Notice()
            self._notice.remedy_requested.connect(lambda: self._help(_remedies(self.message.about.error)[0]))
            self._rows.insertWidget(self._rows.indexOf(self._text) + 1, self._notice)
            self._begin_anew = QPushButton(NEW_CHAT)
            self._begin_anew.setProperty("kind", "link")
            self._begin_anew.clicked.connect(self.new_chat_requested)
            self._notice.buttons.addWidget(self._begin_anew)
        self._notice.tell_error(error, remedy=remedies[0] if remedies else "")
        self._begin_anew.setVisible(NEW_CHAT in remedies)

    def _help(self, remedy: str) -> None:
        (self.load_requested if remedy == LOAD_AGAIN else self.raise_context_requested).emit()

    def show_details(self) -> None:
        """All that is known of how it was made."""
        Details(self.message, self).open_at(self._figures)


def _remedies(error: UserFacingError | None) -> list[str]:
    """What would help after this failure, as the words of buttons; empty where no button does."""
    fault = error.fault if isinstance(error, EngineError) else None
    if fault is Fault.CONTEXT_OVERFLOW:
        return [RAISE_CONTEXT, NEW_CHAT]
    return [] if fault in (Fault.BAD_REQUEST, Fault.CONNECTION) else [LOAD_AGAIN]
