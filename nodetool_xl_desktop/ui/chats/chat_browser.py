"""The page of the side bar that lists, finds and keeps chats."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import date, datetime, timedelta
from typing import cast

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QPushButton, QStackedLayout, QVBoxLayout, QWidget

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.store.chats import Shown
from nodetool_xl_desktop.store.store import Store
from nodetool_xl_desktop.ui.chats.chat_actions import ChatActions
from nodetool_xl_desktop.ui.chats.chat_feed import ChatFeed
from nodetool_xl_desktop.ui.chats.chat_places import PlaceButton
from nodetool_xl_desktop.ui.chats.chat_search import SearchPage
from nodetool_xl_desktop.ui.chats.chat_view import ChatView
from nodetool_xl_desktop.ui.chats.search_field import SearchField
from nodetool_xl_desktop.ui.inputs import in_order
from nodetool_xl_desktop.ui.notice import Notice
from nodetool_xl_desktop.ui.tasks import Tasks
from nodetool_xl_desktop.ui.theme import SPACE_M, SPACE_S, SPACE_XS, Theme
from nodetool_xl_desktop.ui.undo_bar import UndoBar
from nodetool_xl_desktop.ui.words import empty_words

#: An opening that is quicker than this, in milliseconds, is not talked about.
_PATIENCE_MS = 300


class ChatBrowser(QWidget):
    """Lists the chats of a store and searches them. It changes the store by itself, and says what others must know.

    Args:
        theme: the theme in force.
        tasks: runs what it asks of the store.
        today: the day that the sections are reckoned from.
    """

    #: Open this chat.
    chat_selected = Signal(str)
    #: Open the chat with the first id at the message with the second one.
    hit_selected = Signal(str, str)
    new_requested = Signal()
    #: Write the chats with these ids into a file.
    export_requested = Signal(list)
    #: The chat with this id has another title.
    chat_renamed = Signal(str)
    #: The chats with these ids went to the trash; the one that is open may be among them.
    chat_gone = Signal(list)

    def __init__(self, theme: Theme, tasks: Tasks, today: Callable[[], date] = date.today) -> None:
        super().__init__()
        self._problem = ""
        self._remedy: Callable[[], None] | None = None
        self._field = SearchField(theme)
        self._new = QPushButton(tr("New"))
        self._new.setAccessibleName(tr("New chat"))
        self._places = PlaceButton(theme)
        self.view = ChatView(theme, today)
        self._search = SearchPage(theme, tasks, self._field)
        self._words = empty_words()
        self._notice = Notice()
        cast("QBoxLayout", self._notice.layout()).setDirection(QBoxLayout.Direction.TopToBottom)  # the bar is narrow
        self._list = QWidget()
        self._body = QWidget()
        self._pages = QStackedLayout(self._body)
        self.undo = UndoBar(theme, self, rises=SPACE_XS)
        self._feed = ChatFeed(tasks, self.view, self._places)
        self._actions = ChatActions(self._feed, self.view, self._places)
        self._midnight = QTimer(self)
        self._midnight.setSingleShot(True)
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.start(_PATIENCE_MS)
        self._lay_out()
        self._connect()
        self._show_page()
        self._wait_for_midnight()

    def set_store(self, store: Store) -> None:
        """Show the chats of this store from now on."""
        self._problem = ""
        self._feed.set_store(store)
        self._search.set_store(store)

    def show_problem(self, text: str) -> None:
        """Say why there are no chats to show; until `set_store`."""
        self._problem = text
        self._show_page()

    def set_current(self, chat_id: str | None) -> None:
        """Mark the chat that is open; None for one that is not on the disk yet."""
        self.view.show_chat(chat_id)

    def show_answering(self, ids: Collection[str]) -> None:
        """Mark the chats in which an answer comes."""
        self.view.chats.show_answering(ids)

    def show_waiting(self, ids: Collection[str]) -> None:
        """Mark the chats in which a tool call waits for the person."""
        self.view.chats.show_waiting(ids)

    def touched(self, chat_id: str) -> None:
        """Something was said in this chat, or it is new, renamed, forked: look at it again."""
        self._feed.run(self._feed.refresh([chat_id]))

    def reload(self) -> None:
        """Look at all chats again, such as after an import. What is in sight stays."""
        self._feed.run(self._feed.reload())

    def focus_search(self) -> None:
        """Have the keys go to the search."""
        self._field.setFocus()
        self._field.selectAll()

    @property
    def folder(self) -> str | None:
        """The id of the folder that is shown, for a new chat to lie in; None outside of any."""
        return self._places.shown.folder

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(SPACE_S)
        head.setContentsMargins(SPACE_M, 0, SPACE_M, 0)  # the lists' own margin holds their scroll bars
        head.addWidget(self._field, 1)
        head.addWidget(self._new)
        where = QHBoxLayout()
        where.addWidget(self._places)
        where.addStretch()
        lists = QVBoxLayout()
        lists.setSpacing(0)
        lists.addLayout(where)
        lists.addWidget(self.view, 1)
        lists.setContentsMargins(SPACE_M, 0, 0, 0)
        self._list.setLayout(lists)
        lists.addWidget(self._words, 1)
        self._pages.addWidget(self._list)
        self._pages.addWidget(self._search)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_S)
        layout.addLayout(head)
        layout.addWidget(self._body, 1)
        foot = QVBoxLayout()
        foot.setContentsMargins(SPACE_M, 0, SPACE_M, 0)
        foot.addWidget(self._notice)
        layout.addLayout(foot)
        in_order(self._field, self._new, self._places, self.view)

    def _connect(self) -> None:
        self._new.clicked.connect(self.new_requested)
        self.view.opened.connect(self._open)
        self._actions.opened.connect(self.chat_selected)
        self._actions.export_requested.connect(self.export_requested)
        self._actions.renamed.connect(self.chat_renamed)
        self._actions.deleted.connect(self.chat_gone)
        self._actions.brought_back.connect(self._brought_back)
        self._actions.undo_offered.connect(self.undo.offer)
        self._search.chat_selected.connect(self.chat_selected)
        self._search.hit_selected.connect(self.hit_selected)
        self._search.searching.connect(lambda _on: self._show_page())
        self._search.left.connect(self._enter_list)
        self._feed.changed.connect(self._show_page)
        for failed in (self._feed.failed, self._search.failed):
            failed.connect(self._tell)
        self._notice.remedy_requested.connect(self._do_remedy)
        self._places.chosen.connect(self._drop_hint)
        self._actions.undo_offered.connect(self._drop_hint)
        self._patience.timeout.connect(self._show_page)
        self._midnight.timeout.connect(self._day_began)

    def _show_page(self) -> None:
        """The search while one searches, else the list, or why it is empty."""
        self._pages.setCurrentWidget(self._search if self._search.text and not self._problem else self._list)
        if self._problem:
            words = self._problem
        elif not self._feed.is_loaded:
            words = "" if self._patience.isActive() else tr("Opening the chats ...")
        else:
            words = "" if self.view.chats.rowCount() else _nothing_in(self._places.shown)
        self._words.setText(words)
        has_list = self._feed.is_loaded and not self._problem
        self.view.setVisible(has_list and not words)
        self._words.setVisible(not self.view.isVisibleTo(self._list))
        self._places.setVisible(has_list)

    def _open(self, chat_id: str) -> None:
        if not self._places.shown.trash:
            self.chat_selected.emit(chat_id)
            return
        self._notice.tell(tr("It is in the trash"), tr("Restore it to read it."), tone="plain", remedy=tr("Restore"))
        self._remedy = self._actions.restore

    def _brought_back(self, ids: list[str]) -> None:
        if self.view.chats.shown is None and len(ids) == 1:
            self.chat_selected.emit(ids[0])

    def _enter_list(self) -> None:
        self.view.setFocus()

    def _tell(self, error: UserFacingError) -> None:
        self._notice.tell_error(error, remedy=tr("Dismiss"))
        self._remedy = None

    def _do_remedy(self) -> None:
        remedy, self._remedy = self._remedy, None
        self._notice.hide()
        if remedy is not None:
            remedy()

    def _drop_hint(self, *_done: object) -> None:
        """What the trash said goes with it; an error stays until it was read."""
        if self._remedy is not None:
            self._remedy = None
            self._notice.hide()

    def _wait_for_midnight(self) -> None:
        midnight = datetime.combine(date.today() + timedelta(days=1), datetime.min.time())
        self._midnight.start(int((midnight - datetime.now()).total_seconds() * 1000) + 1000)

    def _day_began(self) -> None:
        self._feed.regroup()
        self._wait_for_midnight()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._feed.regroup()


def _nothing_in(shown: Shown) -> str:
    if shown.trash:
        return tr("The trash is empty.\nWhat is deleted stays here for 30 days.")
    if shown.archived:
        return tr("Nothing is archived.")
    if shown.folder is not None:
        return tr("No chats in this folder yet.")
    return tr("No chats yet.\nWhat you send is kept here.") if shown.tag is None else tr("No chats with this tag.")
