"""The tool calls of the chat that is shown that wait for a person: kept in view, reached by keys, told of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import QObject, QPoint, Signal
from PySide6.QtWidgets import QApplication, QLineEdit, QPlainTextEdit, QTextEdit, QWidget

from nodetool_xl_desktop.ui.transcript.call_desk import CallDesk, CallsOfChat
from nodetool_xl_desktop.ui.transcript.message_view import AnswerView
from nodetool_xl_desktop.ui.transcript.turn_view import TurnView

if TYPE_CHECKING:
    from nodetool_xl_desktop.ui.transcript.tool_card import ToolCard


class _Chat(Protocol):
    """What it needs of the transcript."""

    @property
    def alive(self) -> Mapping[int, TurnView]: ...

    @property
    def count(self) -> int: ...

    @property
    def is_following(self) -> bool: ...

    def follow(self) -> None: ...

    def index_of(self, view: TurnView) -> int: ...

    def top_in_view(self, index: int) -> int: ...

    def turn_changed(self, view: TurnView) -> None: ...

    def bring(self, index: int, top: int = 0, height: int | None = None) -> None: ...

    def bring_widget(self, widget: QWidget, of: TurnView) -> None: ...

    def isAncestorOf(self, child: QWidget, /) -> bool: ...


class WaitingCalls(QObject):
    """Of one transcript.

    Args:
        chat: the transcript.

    Attributes:
        desk: the way from the cards to the calls.
    """

    #: A call waits for the person, or none does any longer.
    changed = Signal(bool)

    def __init__(self, chat: _Chat, parent: QObject) -> None:
        super().__init__(parent)
        self.desk = CallDesk()
        self._chat = chat
        self._waiting: tuple[str, ...] = ()
        self._is_held = False  # the end is not followed, as a call that waits would leave the view

    @property
    def any(self) -> bool:
        """Whether one waits."""
        return bool(self._waiting)

    def use(self, calls: CallsOfChat | None) -> None:
        """Those of the chat that is shown from now on."""
        self.desk.calls = calls
        self.redraw()

    def redraw(self) -> None:
        """A call waits, runs, or does neither any more."""
        for view in list(self._chat.alive.values()):
            if isinstance(view, AnswerView) and view.cards and view.message.is_open:
                view.show_message(view.message)
                self._chat.turn_changed(view)
        self.look()

    def look(self) -> None:
        """Something is drawn anew: see which of them wait now."""
        waiting = self.desk.calls.waiting if self.desk.calls is not None else ()
        if waiting == self._waiting:
            return
        before, self._waiting = self._waiting, waiting
        self.keep_in_view()
        if set(waiting) - set(before):
            self._offer_keys()
        if bool(waiting) != bool(before):
            self.changed.emit(bool(waiting))

    def keep_in_view(self) -> None:
        """Scroll no further than to one that waits; to the end again when none does."""
        found = self._first() if self._waiting else None
        if found is not None:
            view, card = found
            top = self._chat.top_in_view(self._chat.index_of(view)) + card.mapTo(view, QPoint(0, 0)).y()
            if self._chat.is_following and top < 0:
                self._is_held = True
                self._chat.bring_widget(card, view)
        elif self._is_held:
            self._is_held = False
            self._chat.follow()

    def let_go(self) -> None:
        """The person went to the end."""
        self._is_held = False

    def go_to_first(self) -> bool:
        """Bring the first one into view, with the keys on Allow; False where none waits."""
        found = self._first()
        if found is None and self._waiting and self._chat.count:
            self._chat.bring(self._chat.count - 1)  # calls are of the last answer
            found = self._first()
        if found is None:
            return False
        view, card = found
        self._chat.bring_widget(card, view)
        card.focus_allow()
        return True

    def _first(self) -> tuple[AnswerView, ToolCard] | None:
        """The first one that is drawn, with its answer."""
        for _, view in sorted(self._chat.alive.items()):
            if isinstance(view, AnswerView) and (card := view.waiting) is not None:
                return view, card
        return None

    def _offer_keys(self) -> None:
        """Have the keys go to Allow where they are in the chat already, and nobody writes there."""
        focused, found = QApplication.focusWidget(), self._first()
        if focused is None or found is None or not self._chat.isAncestorOf(focused):
            return
        writes = isinstance(focused, QLineEdit | QPlainTextEdit) or (
            isinstance(focused, QTextEdit) and not focused.isReadOnly()
        )
        if not writes:
            found[1].focus_allow()
