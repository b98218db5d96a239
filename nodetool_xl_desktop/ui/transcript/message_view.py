"""One turn of a chat, drawn: what the person said as a bubble, what the model said as text with its figures below."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QRect, Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.engine.errors import EngineError, Fault
from nodetool_xl_desktop.engine.events import PromptProgress
from nodetool_xl_desktop.store.records import Message
from nodetool_xl_desktop.ui.markdown.markdown_view import MarkdownView
from nodetool_xl_desktop.ui.notice import Notice
from nodetool_xl_desktop.ui.parts import label
from nodetool_xl_desktop.ui.theme import SPACE_M, SPACE_S, SPACE_XS, scaled
from nodetool_xl_desktop.ui.transcript.answer_body import AnswerBody
from nodetool_xl_desktop.ui.transcript.answer_parts import place_of_hit
from nodetool_xl_desktop.ui.transcript.call_words import Stand
from nodetool_xl_desktop.ui.transcript.message_actions import BAR_HEIGHT
from nodetool_xl_desktop.ui.transcript.message_figures import Details, FiguresLine, ReadingPace, doing, figures
from nodetool_xl_desktop.ui.transcript.message_files import FileChip, FileChips
from nodetool_xl_desktop.ui.transcript.message_frame import MessageView, Place
from nodetool_xl_desktop.ui.transcript.turn_view import RING

if TYPE_CHECKING:
    from nodetool_xl_desktop.ui.transcript.tool_card import ToolCard

BUBBLE_WIDTH = 560
#: Between the pieces of an answer.
BETWEEN = SPACE_S + 2
LOAD_AGAIN, NEW_CHAT, RAISE_CONTEXT = tr("Load again"), tr("New chat"), tr("Raise the context")
CHOOSE_MODEL = tr("Choose another model")
#: Who speaks, where no model does.
_SPEAKERS = {"system": tr("System prompt"), "tool": tr("Tool"), "assistant": tr("Answer")}


class QuestionView(MessageView):
    """What the person said, on the right."""

    def __init__(self, message: Message, place: Place) -> None:
        super().__init__(message, place, plain=True)
        self.setAccessibleName(tr("You"))
        self._add_text(self._text, tr("Your message"))
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
        self.foot.addStrut(scaled(BAR_HEIGHT))
        self._rows.addLayout(self.foot)
        place.theme.changed.connect(self._fit_bubble)
        self.show_message(message)

    _unsaved_place = 1

    def show_message(self, message: Message, progress: PromptProgress | None = None, note: str = "") -> None:
        self.message = message
        self._text.set_text(message.text)
        self._bubble.setVisible(bool(message.text))
        self._fit_bubble()

    def _fit_bubble(self) -> None:
        most = round(BUBBLE_WIDTH * max(1.0, self.place.theme.zoom))
        self._bubble.setMaximumWidth(min(most, self._text.wish_width(most) + 2 * (SPACE_M + 2) + 2))

    def bar_place(self, width: int) -> QPoint:
        foot, stepper = self.foot.geometry(), self.stepper
        right = foot.right() + 1 if stepper.isHidden() else stepper.geometry().left() - SPACE_S
        return QPoint(right - width, foot.bottom() + 1 - scaled(BAR_HEIGHT))

    def settle(self) -> None:
        for widget in (self._bubble, self._row, self._editor):
            if widget is not None and (layout := widget.layout()) is not None:
                layout.activate()

    def _body(self) -> QWidget:
        return self._row


class AnswerView(MessageView):
    """What the model said and did, as far as it is: text, what it thought, and its calls, in the order they came."""

    #: The model is to be loaded again.
    load_requested = Signal()
    new_chat_requested = Signal()
    raise_context_requested = Signal()
    choose_model_requested = Signal()

    def __init__(self, message: Message, place: Place, *, is_last: bool = True) -> None:
        super().__init__(message, place, plain=False)
        author = message.author or _SPEAKERS.get(message.role, "")
        self.setAccessibleName(tr("Answer of {author}", author=author) if message.author else author)
        self._is_last = is_last
        self._pace = ReadingPace()
        self._add_text(self._text, tr("Answer"))
        self._figures = FiguresLine()
        self._figures.clicked.connect(self.show_details)
        self._notice: Notice | None = None
        self.foot.addWidget(self._figures)
        self.foot.addWidget(self.stepper)
        self.foot.addStretch(1)
        self.foot.addStrut(scaled(BAR_HEIGHT))
        self._rows.setSpacing(BETWEEN)
        by = label(author, "author")
        self._rows.addWidget(by)
        self._rows.addWidget(self._text)
        self._rows.addLayout(self.foot)
        self._body_of = AnswerBody(self._rows, self._text, by, place, self)
        self._body_of.text_made.connect(self._add_text)
        self._body_of.text_dropped.connect(self._drop_text)
        self._body_of.file_opened.connect(self.file_opened)
        self._body_of.stops_changed.connect(self._stops_changed)
        self._body_of.focus_left.connect(self._take_focus)
        self.show_message(message)

    _unsaved_place = 2

    @property
    def figures_button(self) -> QPushButton:
        """The line of figures, which opens the details."""
        return self._figures

    @property
    def cards(self) -> list[ToolCard]:
        """Its tool calls."""
        return self._body_of.cards

    @property
    def waiting(self) -> ToolCard | None:
        """The first call that waits for the person."""
        return next((card for card in self.cards if card.approval is not None), None)

    @property
    def files(self) -> Sequence[FileChip]:
        return (*self._body_of.files, *super().files)

    @property
    def stops(self) -> Sequence[QWidget]:
        remedies = self._notice.findChildren(QPushButton) if self._notice is not None else ()
        return (*self._body_of.stops, *super().files, *remedies, self._figures)

    def show_message(self, message: Message, progress: PromptProgress | None = None, note: str = "") -> None:
        self.message = message
        self._body_of.show_message(message)
        self._show_files(message)
        is_answer = message.role == "assistant"
        if message.is_open and (stand := self._stand_of_calls()):
            words = stand
        elif message.is_open:
            words = doing(message, progress, note, self._pace.left_s(progress))
        else:
            words = figures(message) if is_answer else ""
        if words != self._figures.text():
            self._figures.setText(words)
            self._figures.setToolTip("" if message.is_open else tr("How this answer was made"))
            self._figures.setAccessibleName(words.replace("   ", ", "))
        self._figures.setEnabled(not message.is_open and is_answer)
        self._show_error(message.about.error if not message.is_open else None)

    def _show_files(self, message: Message) -> None:
        """What goes along with it, as in a chat that comes from elsewhere."""
        if self._files is None and message.attachments:
            self._files = FileChips(message.attachments, self.place.theme, self.place.thumbnails, on_the_right=False)
            self._files.opened.connect(self.file_opened)
            self._rows.insertWidget(self._rows.indexOf(self.foot), self._files)

    def _stand_of_calls(self) -> str:
        """What the answer waits for, where it waits for a call."""
        card = self.cards[-1] if self.cards else None
        if self.waiting is not None:
            return tr("Waiting for you to decide on a tool call")
        return tr("A tool is running ...") if card is not None and card.stand is Stand.RUNNING else ""

    def bar_covers(self, left: int | None) -> None:
        self._figures.show_up_to(None if left is None else left - SPACE_S - self._figures.x())

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
            self._begin_anew.hide()

    def mark_hits(self, sought: str, current: int | None) -> None:
        texts = self._body_of.texts
        at, nth = -1, 0
        if current is not None:
            skipped = self._body_of.skipped_texts
            at, nth = place_of_hit([*skipped, *(text for _, text in texts)], sought, current)
            at -= len(skipped)
        self._hit = (at, nth)
        drawn = 0
        for index, (view, _) in enumerate(texts):
            marked = view.mark(sought, nth if index == at else None)
            drawn += marked if index == at else 0
        if current is not None and not drawn:
            self.mark()

    #: Which run of text the marked hit stands in, and which of its hits it is.
    _hit = (-1, 0)

    def place_of_hit(self, hit: int) -> QRect:
        texts, (at, nth) = self._body_of.texts, self._hit
        if not 0 <= at < len(texts):
            return self.rect()
        view = texts[at][0]
        found = view.place_of(nth)
        return found.translated(view.mapTo(self, QPoint(0, 0))) if found.isValid() else self.rect()

    def settle(self) -> None:
        self._body_of.settle()
        if self._notice is not None:
            self._notice.fit(self.width() - 2 * RING)
        for widget in (self._notice, self._editor):
            if widget is not None and (layout := widget.layout()) is not None:
                layout.activate()

    def _show_body(self, *, is_shown: bool) -> None:
        self._body_of.show_texts(is_shown=is_shown)

    def rank_of(self, view: MarkdownView) -> int | None:
        return self._body_of.rank_of(view)

    def _drop_text(self, view: MarkdownView) -> None:
        if view in self.texts:
            self.texts.remove(view)
        self.text_dropped.emit(view)

    def _stops_changed(self) -> None:
        for below in (self._notice, self._figures, self.stepper):  # a screen reader comes to what is uppermost last
            if below is not None:
                below.raise_()
        for widget in self.stops:
            widget.setFocusPolicy(self.focusPolicy())
        self.stops_changed.emit()

    def _take_focus(self) -> None:
        """A call that had the focus waits no longer: the keys go to the next one, or to the whole answer."""
        card = self.waiting
        if card is not None:
            card.focus_allow()
        else:
            self.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _show_error(self, error: UserFacingError | None) -> None:
        if error is None:
            if self._notice is not None:
                self._notice.hide()
            return
        remedies = _remedies(error) if self._is_last else []
        if self._notice is None:
            self._notice = Notice()
            self._notice.remedy_requested.connect(lambda: self._help(_remedies(self.message.about.error)[0]))
            self._rows.insertWidget(self._rows.indexOf(self.foot), self._notice)
            self._begin_anew = QPushButton()
            self._begin_anew.setProperty("kind", "link")
            self._begin_anew.clicked.connect(lambda: self._help(_remedies(self.message.about.error)[1]))
            corner = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop
            self._notice.buttons.addWidget(self._begin_anew, 0, corner)
            self._notice.buttons.setAlignment(self._notice.remedy, corner)
            self._notice.buttons.addStretch(1)
        self._notice.tell_error(error, remedy=remedies[0] if remedies else "")
        self._begin_anew.setText(remedies[1] if len(remedies) > 1 else "")
        self._begin_anew.setVisible(len(remedies) > 1)

    def _help(self, remedy: str) -> None:
        {
            LOAD_AGAIN: self.load_requested,
            RAISE_CONTEXT: self.raise_context_requested,
            NEW_CHAT: self.new_chat_requested,
            CHOOSE_MODEL: self.choose_model_requested,
        }[remedy].emit()

    def show_details(self) -> None:
        """All that is known of how it was made."""
        Details(self.message, self).open_at(self._figures)


def _remedies(error: UserFacingError | None) -> list[str]:
    """What would help after this failure, as the words of buttons; empty where no button does."""
    fault = error.fault if isinstance(error, EngineError) else None
    if fault is Fault.CONTEXT_OVERFLOW:
        return [RAISE_CONTEXT, NEW_CHAT]
    return [] if fault in (Fault.BAD_REQUEST, Fault.CONNECTION) else [LOAD_AGAIN, CHOOSE_MODEL]
