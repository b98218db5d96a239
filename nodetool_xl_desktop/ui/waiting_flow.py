"""Tool calls that wait for the person in chats that are not shown: the list marks those chats, and a notice above the
composer leads to them. The call in the chat that is shown is told of by its own card.
"""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication

from nodetool_xl_desktop.chat.session import ChatSession
from nodetool_xl_desktop.core.translation import tr, trn
from nodetool_xl_desktop.ui.chat_flow import ChatFlow
from nodetool_xl_desktop.ui.chats.chat_browser import ChatBrowser
from nodetool_xl_desktop.ui.chats.chat_list import title_of
from nodetool_xl_desktop.ui.notice import Notice
from nodetool_xl_desktop.ui.words import shortened

#: A call that waits blinks in the task bar for so long, in milliseconds; 0 until the window is looked at.
_UNTIL_SEEN = 0


class WaitingFlow(QObject):
    """Keeps the marks and the notice as the calls are.

    Args:
        listed: marks the chats.
        chats: whose calls they are.

    Attributes:
        notice: leads to the chat that waits longest of those that are not shown.
    """

    def __init__(self, listed: ChatBrowser, chats: ChatFlow) -> None:
        super().__init__(chats)
        self._listed = listed
        self._chats = chats
        self._known: frozenset[str] = frozenset()
        self._first: ChatSession | None = None
        self.notice = Notice()
        self.notice.remedy_requested.connect(self._go)
        chats.pane.above_composer.addWidget(self.notice)
        for signal in (chats.calls_changed, chats.answer_ended, chats.shown_changed, chats.chat_changed):
            signal.connect(self._look)

    def _look(self) -> None:
        waiting = self._chats.waiting
        self._listed.show_waiting(waiting)
        if waiting.keys() - self._known:
            QApplication.alert(self._chats.pane.window(), _UNTIL_SEEN)  # nothing where the window is active
        self._known = frozenset(waiting)
        others = [session for session in waiting.values() if session is not self._chats.session]
        self._first = others[0] if others else None
        if self._first is None:
            self.notice.hide()
            return
        title, more = shortened(title_of(self._first.chat)), len(others) - 1
        what = (
            trn(
                "A tool call waits for you in “{title}”, and {count} more.",
                "A tool call waits for you in “{title}”, and {count} more.",
                more,
                title=title,
            )
            if more
            else tr("A tool call waits for you in “{title}”.", title=title)
        )
        self.notice.tell(what, tone="plain", remedy=tr("Go There"))

    def _go(self) -> None:
        if self._first is not None:
            self._chats.open(self._first.chat.id)
