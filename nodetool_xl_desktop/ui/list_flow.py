"""What happens between the list of chats, the chat that is shown, and the store under both."""

from __future__ import annotations

from PySide6.QtCore import QObject

from nodetool_xl_desktop.ui.chat_flow import ChatFlow
from nodetool_xl_desktop.ui.chats.chat_browser import ChatBrowser
from nodetool_xl_desktop.ui.exchange.export_flow import ExportFlow
from nodetool_xl_desktop.ui.store_flow import StoreFlow
from nodetool_xl_desktop.ui.waiting_flow import WaitingFlow


class ListFlow(QObject):
    """Answers the wishes of the list, and has it show what became of its chats.

    Args:
        listed: the list.
        chats: which of them is shown.
        exports: chats as files.
        store: opens the store.
    """

    def __init__(self, listed: ChatBrowser, chats: ChatFlow, exports: ExportFlow, store: StoreFlow) -> None:
        super().__init__(chats)
        self._listed = listed
        self._chats = chats
        listed.chat_selected.connect(chats.open)
        listed.hit_selected.connect(chats.open)
        listed.new_requested.connect(chats.new_chat)
        listed.chat_gone.connect(chats.left)
        listed.chat_renamed.connect(chats.renamed)
        listed.export_requested.connect(exports.export)
        exports.imported.connect(lambda _ids: listed.reload())
        chats.folder = lambda: listed.folder
        chats.shown_changed.connect(lambda chat: listed.set_current(chat or None))
        chats.chat_changed.connect(self._changed)
        chats.answer_ended.connect(self._show_answering)
        store.opened.connect(listed.set_store)
        store.opened.connect(exports.set_store)
        store.failed.connect(lambda error: listed.show_problem(error.what))
        self._tell_of(store)
        WaitingFlow(listed, chats)

    def _tell_of(self, store: StoreFlow) -> None:
        """What is wrong with the store is told above the chat, or in its place."""
        pane = self._chats.pane
        store.failed.connect(pane.tell_no_store)
        store.unsaved.connect(pane.banners.tell_unsaved)
        store.noticed.connect(pane.banners.tell_notices)
        store.problem.connect(pane.banners.tell_problem)
        pane.store_problem.retry_requested.connect(store.start)
        pane.store_problem.begin_anew_requested.connect(lambda: store.start(begin_anew=True))
        pane.store_problem.unsaved_requested.connect(store.go_on_unsaved)

    def _changed(self, chat: str) -> None:
        self._listed.touched(chat)
        self._show_answering()

    def _show_answering(self) -> None:
        self._listed.show_answering(self._chats.answering)
