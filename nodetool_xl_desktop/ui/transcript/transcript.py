"""The turns of a chat, one below the other, in a column that is easy to read, and what a person can do with each.

It decides nothing: what is wanted of a message leaves as a signal, and the chat as it is then comes back by
`show_chat`. Of that only what is another is drawn anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QDate, QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QKeyEvent, QResizeEvent, QShowEvent, QWheelEvent
from PySide6.QtWidgets import QWidget

from nodetool_xl_desktop.chat.session import Shown
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.engine.events import PromptProgress
from nodetool_xl_desktop.store.records import Message
from nodetool_xl_desktop.store.tree import Versions
from nodetool_xl_desktop.ui import aloud
from nodetool_xl_desktop.ui.markdown.links import Links
from nodetool_xl_desktop.ui.markdown.text_selection import TextSelection
from nodetool_xl_desktop.ui.tasks import Tasks
from nodetool_xl_desktop.ui.theme import SPACE_M, SPACE_S, SPACE_XL, Theme, scaled
from nodetool_xl_desktop.ui.transcript.announcer import Announcer
from nodetool_xl_desktop.ui.transcript.call_desk import CallsOfChat
from nodetool_xl_desktop.ui.transcript.chat_texts import ChatTexts
from nodetool_xl_desktop.ui.transcript.day_line import Midnight, words_above
from nodetool_xl_desktop.ui.transcript.end_button import HEIGHT as BUTTON_HEIGHT
from nodetool_xl_desktop.ui.transcript.end_button import EndButton
from nodetool_xl_desktop.ui.transcript.find_bar import FindBar
from nodetool_xl_desktop.ui.transcript.find_in_chat import FindInChat
from nodetool_xl_desktop.ui.transcript.message_actions import ActionBar, Do
from nodetool_xl_desktop.ui.transcript.message_desk import MessageDesk
from nodetool_xl_desktop.ui.transcript.message_files import ReadFile, Thumbnails
from nodetool_xl_desktop.ui.transcript.message_frame import MessageView, Place
from nodetool_xl_desktop.ui.transcript.message_view import AnswerView, QuestionView
from nodetool_xl_desktop.ui.transcript.reading_place import ReadingPlace, anchor_among, is_same_chat
from nodetool_xl_desktop.ui.transcript.turn_column import COLUMN_WIDTH, NEAR, Anchor
from nodetool_xl_desktop.ui.transcript.turn_focus import FocusColumn
from nodetool_xl_desktop.ui.transcript.turn_view import RING, TurnView, holds_focus
from nodetool_xl_desktop.ui.transcript.waiting_calls import WaitingCalls
from nodetool_xl_desktop.ui.zoom import WheelSteps

if TYPE_CHECKING:
    from nodetool_xl_desktop.ui.transcript.tool_card import ToolCard

__all__ = ["COLUMN_WIDTH", "Transcript"]

#: An answer is drawn at most this often, however fast its tokens come.
FRAME_MS = 33
#: What a turn is taken for until it was seen, in pixels; the scroll bar needs a guess.
UNSEEN_QUESTION, UNSEEN_ANSWER = 90, 260

#: An answer as it is now, how far the engine is in reading, and what to say while nothing has come.
Take = Callable[[], tuple[Message, PromptProgress | None, str]]


class Transcript(FocusColumn):
    """Follows the end while the reader is there, and stays put as soon as they scroll up."""

    #: Keep this text (str) as another version of a message (its id); and whether to ask with it (bool).
    edit_requested = Signal(str, str, bool)
    #: Each of these tells the id of a message; `switch_requested` that of the version to show.
    regenerate_requested = Signal(str)
    regenerate_with_model_requested = Signal(str)
    regenerate_with_sampling_requested = Signal(str)
    continue_requested = Signal(str)
    delete_requested = Signal(str)
    fork_requested = Signal(str)
    switch_requested = Signal(str)
    #: Put this, as it was selected, into the composer.
    quote_requested = Signal(str)
    #: What is typed into the editor of a message (its id), or nothing any more (an empty text).
    editor_changed = Signal(str, str)
    #: The mouse or the keys are at a link (its target), or no longer at one (an empty text).
    link_pointed = Signal(str)
    #: Show this `Attachment`.
    file_requested = Signal(object)
    #: What would help after a failed answer was pressed.
    load_requested = Signal()
    new_chat_requested = Signal()
    raise_context_requested = Signal()
    choose_model_requested = Signal()
    #: A call waits for the person, or none does any longer.
    waiting_changed = Signal(bool)
    #: Larger, or smaller, by so many steps.
    zoom_requested = Signal(int)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("transcript")
        self.setAccessibleName(tr("Chat"))
        self._theme = theme
        self._thumbnails = Thumbnails()
        self._calls = WaitingCalls(self, self)
        self._calls.changed.connect(self.waiting_changed)
        self._place_of_views = Place(theme, self._thumbnails, self._calls.desk, lambda: self.is_following)
        folds = self._place_of_views.folds
        self.announcer = Announcer(
            self, self._calls.desk, lambda message, piece: folds.get((message, piece), False), aloud.is_heard
        )
        self.announcer.said.connect(lambda words, at_once: aloud.say(self, words, at_once=at_once))
        self._messages: Sequence[Message] = ()
        self._ids: list[str] = []
        self._now: dict[str, Message] = {}  # those that were drawn since as they are now
        self._at: dict[str, int] = {}
        self._versions: Callable[[str], Versions] | None = None
        self._take: Take | None = None
        self._left_out: tuple[str | None, str] = (None, "")
        self._texts = ChatTexts(self)
        self.selecting = TextSelection(self._texts, self)
        self.links = Links(self)
        self._desk = MessageDesk(theme, self._body, self)
        self._desk.wanted.connect(self._wanted_of)
        self._desk.quoted.connect(self.quote_requested)
        self._desk.edited.connect(self.edit_requested)
        self._desk.drafted.connect(self.editor_changed)
        self.find_bar = FindBar(theme, self)
        self._finder = FindInChat(self.find_bar, self)
        self.find_bar.closed.connect(self._find_closed)
        self._frames = QTimer(self)
        self._frames.setInterval(FRAME_MS)
        self._frames.timeout.connect(self.refresh)
        self.end_button = EndButton(theme, self)
        self.end_button.clicked.connect(self._to_the_end)
        self._wheel = WheelSteps()
        self._midnight = Midnight(self)
        self._midnight.passed.connect(self._dress_all)
        self._zoom = theme.zoom
        self._reading = ReadingPlace(self)
        theme.changed.connect(self._theme_changed)

    # What is shown

    def set_files(self, read_file: ReadFile, tasks: Tasks) -> None:
        """Read pictures that go with messages so: `store.files.read`."""
        self._thumbnails.use(read_file, tasks)

    def set_calls(self, calls: CallsOfChat | None) -> None:
        """The tool calls of the chat that is shown from now on: `ChatSession.calls`; None for none."""
        self._calls.use(calls)

    def set_tool_titles(self, title: Callable[[str], str]) -> None:
        """How people call the tool that a model calls so."""
        self._calls.desk.title = title

    def calls_changed(self) -> None:
        """A call of the chat that is shown waits, runs, or does neither any more: `Calls.on_change`."""
        self._calls.redraw()

    @property
    def waits(self) -> bool:
        """Whether a call of the chat that is shown waits for the person."""
        return self._calls.any

    def go_to_waiting(self) -> bool:
        """Bring the first call that waits into view, with the keys on Allow; False where none waits."""
        return self._calls.go_to_first()

    def show_chat(
        self, messages: Sequence[Message], versions: Callable[[str], Versions], at: str | None = None
    ) -> None:
        """Show these messages of a chat; what of them is shown already stays as it is, where it is.

        Args:
            messages: from the beginning; each is asked for when it is first seen.
            versions: those at the place of a message, by its id.
            at: a message to go to, which is marked for a moment; else another chat is shown at its end.
        """
        ids = list(messages.ids) if isinstance(messages, Shown) else [message.id for message in messages]
        places = {each: index for index, each in enumerate(ids)}
        anchor = self._next_anchor(ids, places, versions, messages)
        heights = [
            self.height_of(self._at[each]) if each in self._at else (UNSEEN_QUESTION, UNSEEN_ANSWER)[index % 2]
            for index, each in enumerate(ids)
        ]
        views = self._kept_views(messages, places)
        held = self.focused
        gone = held is not None and self._ids[held] not in places
        has_more = bool(self._ids) and ids[: len(self._ids)] == self._ids and len(ids) > len(self._ids)
        self._messages, self._ids, self._at, self._versions, self._now = messages, ids, places, versions, {}
        if (told := places.get(self.announcer.message)) is None:
            self.announcer.be_quiet()
        elif not (ended := self._message(told)).is_open:
            self.announcer.hear(ended)  # it may have ended since it was last drawn
        self._desk.messages_changed(versions)
        self.set_turns(heights, views, anchor)
        for index, view in views.items():
            self._dress(view, index)
        if held is not None and gone and ids:
            self.focus_turn(min(held, len(ids) - 1))  # such as another version: the keys stay at its place
        self._finder.chat_changed()
        self.selecting.texts_changed()
        if anchor is not None and has_more:
            self.end_button.show_new(has_new=True)
        self._calls.look()
        if at is not None and at in places:
            self.go_to_message(at)

    def show_edits(self, edits: Mapping[str, str]) -> None:
        """Offer what was typed into editors and not saved, by message."""
        self._desk.show_drafts(edits)
        self._dress_all()

    def go_to_message(self, message_id: str) -> None:
        """Bring a message to the top and mark it for a moment."""
        index = self._at[message_id]
        self.go_to(index)
        view = self.turn(index)
        if isinstance(view, MessageView):
            view.mark()

    def watch(self, take: Take | None) -> None:
        """Draw an answer as it grows, until it is no longer open; None for none.

        Args:
            take: gives it as it is now; asked at most 30 times a second.
        """
        self._take = take
        if take is None:
            self._frames.stop()
        else:
            self._frames.start()
            self.refresh()

    def refresh(self) -> None:
        """Draw what has come; stops by itself when the answer is complete."""
        if self._take is None:
            return
        message, progress, note = self._take()
        if not message.is_open:
            self.watch(None)
        self.update_answer(message, progress, note)

    def update_answer(self, message: Message, progress: PromptProgress | None = None, note: str = "") -> None:
        """Draw one message as it is now; nothing where it is not among those that are shown.

        Args:
            progress: how far the engine is in reading the prompt.
            note: said while nothing has come, such as that another chat is answered first.
        """
        index = self._at.get(message.id)
        if index is None:
            return
        self._now[message.id] = message
        self.announcer.hear(message)
        view = self.alive.get(index)
        if isinstance(view, MessageView):
            was_open = view.message.is_open
            height = self.height_of(index)
            view.show_message(message, progress, note)
            self.turn_changed(view)
            if self.height_of(index) > height and not self.is_following:
                self.end_button.show_new(has_new=True)
                self._place_end_button()
            if was_open and not message.is_open:
                self._dress_all()  # more can be done with each of them now
                self._desk.place_bar()
        elif not self.is_following:
            self.end_button.show_new(has_new=True)
        self._calls.look()
        if self._finder.is_open:
            self._finder.message_changed(index)

    def show_left_out(self, message_id: str | None, text: str = "") -> None:
        """Draw a line above a message, with this text; None for no line."""
        self._left_out = (message_id, text)
        for view in self._message_views():
            view.show_left_out(text if view.message.id == message_id else "")

    def clear(self) -> None:
        """Show nothing."""
        self.watch(None)
        self.show_left_out(None)
        self.set_calls(None)
        self.show_chat((), _no_versions)
        self.find_bar.close_bar()

    def hide_remedies(self) -> None:
        """A model is loaded again: the offers to do so go."""
        for view in self._message_views():
            if isinstance(view, AnswerView):
                view.hide_remedy()

    def open_find(self) -> None:
        """Find in this chat: what is selected, or what is typed then."""
        self.find_bar.open_bar(self.selection if "\n" not in self.selection else "")

    @property
    def selection(self) -> str:
        """What is selected in it."""
        return self._desk.selection

    @property
    def message_views(self) -> Sequence[MessageView]:
        """The messages that are drawn now, from the top."""
        return [view for _, view in sorted(self.alive.items()) if isinstance(view, MessageView)]

    def place_in_chat(self, message: str) -> int | None:
        """Where a message stands; None where it is not shown."""
        return self._at.get(message)

    @property
    def is_watching(self) -> bool:
        """Whether an answer is drawn as it grows."""
        return self._take is not None

    @property
    def action_bar(self) -> ActionBar:
        """The buttons of the message that one points at."""
        return self._desk.bar

    @property
    def is_answering(self) -> bool:
        """Whether an answer of this chat is being written."""
        return bool(self._messages) and self._message(len(self._ids) - 1).is_open

    # For FindInChat

    @property
    def messages(self) -> Sequence[Message]:
        """Those that are shown."""
        return Shown(self._ids, lambda message_id: self._message(self._at[message_id]))

    @property
    def first_seen_index(self) -> int:
        """The topmost message of which something is seen; 0 where there is none."""
        return self.first_seen.index if self._ids else 0

    def mark_hits(self, sought: str, current: tuple[int, int] | None) -> None:
        """Mark what is sought wherever it is seen, one hit of one message more strongly."""
        for index, view in self.alive.items():
            if isinstance(view, MessageView):
                view.mark_hits(sought, current[1] if current is not None and current[0] == index else None)

    def show_hit(self, index: int, hit: int) -> None:
        """Bring a hit into view."""
        view = self.turn(index)
        if isinstance(view, MessageView):
            view.mark_hits(self._finder.text, hit)
            for _ in range(2):  # what stands around it in a long text is measured when one is there
                place = view.place_of_hit(hit)
                self.turn_changed(view)  # it may be higher since, or by what was unfolded
                self.bring(index, place.top(), min(place.height(), self.viewport().height() // 2))

    # Turns

    def bring(self, index: int, top: int = 0, height: int | None = None) -> None:
        """Bring a turn, or a piece of it, into view, and not behind the button that goes to the end."""
        if height is not None and not self.end_button.isHidden():
            height += scaled(BUTTON_HEIGHT)
        super().bring(index, top, height)

    def make_turn(self, index: int) -> TurnView:
        message = self._message(index)
        if message.role == "user":
            view: MessageView = QuestionView(message, self._place_of_views)
        else:
            answer = AnswerView(message, self._place_of_views, is_last=index == len(self._ids) - 1)
            answer.load_requested.connect(self.load_requested)
            answer.new_chat_requested.connect(self.new_chat_requested)
            answer.raise_context_requested.connect(self.raise_context_requested)
            answer.choose_model_requested.connect(self.choose_model_requested)
            view = answer
        view.switch_requested.connect(self.switch_requested)
        view.pointed.connect(self.order_keys)
        view.stops_changed.connect(self.order_keys)
        view.file_opened.connect(self.file_requested)
        view.hit_ready.connect(self._finder.go_again)
        view.link_activated.connect(self._follow_link)
        view.link_pointed.connect(self.link_pointed)
        self._desk.take(view)
        self._dress(view, index)
        if self._finder.text:
            at = self._finder.current
            view.mark_hits(self._finder.text, at[1] if at is not None and at[0] == index else None)
        return view

    def _follow_link(self, link: str) -> None:
        self.links.follow(link)

    def ground(self) -> QColor:
        return QColor(self._theme.tokens.background)

    def turns_arranged(self) -> None:
        super().turns_arranged()
        self._desk.place_bar()
        self._calls.keep_in_view()
        self._place_end_button()

    def key_order(self, view: TurnView) -> tuple[QWidget, ...]:
        inside = view.stops if isinstance(view, MessageView) else ()
        if isinstance(view, MessageView) and view.editor is not None:
            inside = (*view.editor.stops, *inside)
        return (self.find_bar.last, view, *inside, *self._desk.bar.every_button, self.end_button)

    def turn_dropped(self, view: TurnView) -> None:
        self._desk.forget(view)

    def _dress_all(self) -> None:
        for index, view in self.alive.items():
            self._dress(view, index)

    def _dress(self, view: TurnView, index: int) -> None:
        """Show on a view what is not the message itself."""
        if not isinstance(view, MessageView):
            return
        message_id = view.message.id
        view.show_versions(self._versions(message_id) if self._versions is not None else None)
        before_ms = self._message(index - 1).created_ms if index else None
        view.show_day(words_above(view.message.created_ms, before_ms, QDate.currentDate()))
        view.show_left_out(self._left_out[1] if self._left_out[0] == message_id else "")
        self._desk.dress(view)
        if isinstance(view, AnswerView):
            view.show_is_last(index == len(self._ids) - 1)

    def _message(self, index: int) -> Message:
        return self._now.get(self._ids[index]) or self._messages[index]

    def _message_views(self) -> list[MessageView]:
        return [view for view in self.alive.values() if isinstance(view, MessageView)]

    def _kept_views(self, messages: Sequence[Message], places: dict[str, int]) -> dict[int, MessageView]:
        """The present views that stay, at their new places; one whose message says something else shows that."""
        kept = {}
        for view in self._message_views():
            index = places.get(view.message.id)
            if index is None:
                continue
            now = messages[index]
            if now is not view.message and now != view.message:
                view.show_message(now)
            kept[index] = view
        return kept

    def _next_anchor(
        self,
        ids: Sequence[str],
        places: dict[str, int],
        versions: Callable[[str], Versions],
        messages: Sequence[Message],
    ) -> Anchor | None:
        """Where to stand in other messages: of the same chat where one stood, of another one at the end."""
        if not self._ids or not ids or self.is_following:
            return None
        asked = ids[-1] not in self._at and messages[len(ids) - 1].is_open
        if asked or not is_same_chat(self._ids, ids, versions):
            return None
        return anchor_among(self._ids, ids, places, self.first_seen, self.top_in_view)

    # What a person does

    @property
    def focused(self) -> int | None:
        view = self._desk.pointed
        return self.index_of(view) if view is not None and holds_focus(self._desk.bar) else super().focused

    def _wanted_of(self, do: Do, message_id: str) -> None:
        {
            Do.REGENERATE: self.regenerate_requested,
            Do.WITH_MODEL: self.regenerate_with_model_requested,
            Do.WITH_SAMPLING: self.regenerate_with_sampling_requested,
            Do.CONTINUE: self.continue_requested,
            Do.FORK: self.fork_requested,
            Do.DELETE: self.delete_requested,
        }[do].emit(message_id)

    # What lies over the chat

    def _place_end_button(self) -> None:
        bar = self.verticalScrollBar()
        away = not self.is_following and bar.maximum() - bar.value() > NEAR
        if not away:
            self.end_button.show_new(has_new=False)
            if self.end_button.hasFocus() and (view := self.alive.get(self.stop())) is not None:
                view.setFocus(Qt.FocusReason.OtherFocusReason)  # where it is: nothing moves
        self.end_button.setVisible(away and bool(self._ids))
        if away:
            self.end_button.place(self.viewport().width(), self.height())

    def _to_the_beginning(self) -> None:
        self.verticalScrollBar().setValue(0)

    def _to_the_end(self) -> None:
        self._calls.let_go()
        self.follow()

    def _column(self) -> tuple[int, int]:
        """As wide as as many letters as ever."""
        beside = SPACE_XL + 2  # so that the ring of the focus is seen beside the scroll bar
        text = min(round(COLUMN_WIDTH * max(1.0, self._theme.zoom)), self.width() - 2 * beside)
        return (self.width() - text) // 2 - RING, text + 2 * RING

    def _theme_changed(self) -> None:
        if self._theme.zoom != self._zoom:
            self._zoom = self._theme.zoom
            self._reading.hold()
            QTimer.singleShot(0, self, self._remeasure)  # once everything in it is drawn so

    def _remeasure(self) -> None:
        for view in list(self.alive.values()):
            self._measure(view)
        self._arrange()
        self._reading.go_back()

    def _of_key(self, event: QKeyEvent) -> Callable[[], None] | None:
        """What a key does here; None for nothing."""
        control = event.modifiers() == Qt.KeyboardModifier.ControlModifier
        match event.key():
            case Qt.Key.Key_Up | Qt.Key.Key_Down | Qt.Key.Key_A as key if control:
                return {
                    Qt.Key.Key_Up: partial(self.step, -1),
                    Qt.Key.Key_Down: partial(self.step, 1),
                    Qt.Key.Key_A: partial(self.selecting.select_all, None),
                }[Qt.Key(key)]
            case Qt.Key.Key_F3 if self._finder.is_open:
                back = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
                return lambda: self._finder.step(-1 if back else 1)
            case Qt.Key.Key_Escape if self._finder.is_open:
                return self.find_bar.close_bar
            case Qt.Key.Key_Home | Qt.Key.Key_End if not event.modifiers():
                return self._to_the_beginning if event.key() == Qt.Key.Key_Home else self._to_the_end
            case Qt.Key.Key_Return | Qt.Key.Key_Enter if control and (card := self._card_of_keys()) is not None:
                return card.press_allow
        return self._desk.of_key(event)

    # Qt's events

    def event(self, event: QEvent) -> bool:
        if event.type() is not QEvent.Type.ShortcutOverride or not isinstance(event, QKeyEvent):
            return super().event(event)
        event.setAccepted(self._of_key(event) is not None)  # else the window's own shortcut would take it
        return True

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if (work := self._of_key(event)) is not None:
            work()
        else:
            super().keyPressEvent(event)

    def _card_of_keys(self) -> ToolCard | None:
        """The call that waits in the message that the keys are for."""
        view = self._desk.pointed
        held = isinstance(view, AnswerView) and (holds_focus(view) or holds_focus(self._desk.bar))
        return view.waiting if held and isinstance(view, AnswerView) else None

    def wheelEvent(self, event: QWheelEvent) -> None:
        if not event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            super().wheelEvent(event)
            return
        if steps := self._wheel.take(event):
            self.zoom_requested.emit(steps)
        event.accept()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._midnight.wait()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.find_bar.move(max(SPACE_S, self.viewport().width() - self.find_bar.width() - SPACE_M), SPACE_S)

    def _find_closed(self) -> None:
        at = self.stop()
        if self._ids and (view := self.turn(at)) is not None:
            view.setFocus(Qt.FocusReason.OtherFocusReason)


def _no_versions(message_id: str) -> Versions:
    return Versions((message_id,), 0)
