"""What brings the chats of a store into the list, and keeps the list as the store is."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.store.chats import Page, Shown
from nodetool_xl_desktop.store.errors import StoreError, StoreFault
from nodetool_xl_desktop.store.records import Chat
from nodetool_xl_desktop.store.store import Store
from nodetool_xl_desktop.ui.chats.chat_places import PlaceButton
from nodetool_xl_desktop.ui.chats.chat_view import ChatView
from nodetool_xl_desktop.ui.tasks import Tasks

Work = Coroutine[Any, Any, None]
#: How many chats are read before the list is shown, and how many at once behind it.
FIRST, NEXT = 60, 1000
#: How long the rest waits, in seconds: what is there is painted first.
PAUSE_S = 0.05
#: Of more chats than that, the list is read anew instead of one after the other.
_MANY = 20


class ChatFeed(QObject):
    """Reads the list, in the order in which it was asked to: what is read first is shown first.

    Args:
        tasks: runs what is asked of the store.
        view: shows the chats.
        places: says which, and is told the folders and tags.
    """

    #: Other chats are listed, or none.
    changed = Signal()
    #: It could not be done; a `UserFacingError`.
    failed = Signal(object)

    def __init__(self, tasks: Tasks, view: ChatView, places: PlaceButton) -> None:
        super().__init__(view)
        self.store: Store | None = None
        self.is_loaded = False
        self._tasks, self._view, self._places = tasks, view, places
        self._lock = asyncio.Lock()
        self._loading: asyncio.Task[None] | None = None
        self._late: set[str] = set()
        self._reload_is_late = False
        places.chosen.connect(lambda _shown: self._load_anew())
        # Later: the view still counts as editing while it is told that it is not any more.
        view.delegate.closeEditor.connect(lambda *_: QTimer.singleShot(0, self, self._catch_up))

    def set_store(self, store: Store) -> None:
        """Show the chats of this store from now on."""
        self.store, self.is_loaded = store, False
        self._view.chats.set_chats((), ())
        self._load_anew()

    def run(self, work: Work) -> None:
        """Run this; an error in it is told."""

        async def told() -> None:
            try:
                await work
            except UserFacingError as error:
                self.failed.emit(error)

        task = self._tasks.start(told())
        task.add_done_callback(lambda _task: work.close())  # the program may end before it has begun

    async def refresh(self, ids: Sequence[str]) -> None:
        """Look at these chats again, and at the folders and tags.

        Raises:
            StoreError: they cannot be read.
        """
        store = self.store
        if store is None:
            return
        if len(ids) > _MANY:
            await self.reload()
            return
        async with self._lock:
            await self._look_at_places(store)
            for chat_id in ids:
                if self._view.is_editing:  # a row that moves would take the title that is being written along
                    self._late.add(chat_id)
                else:
                    self._put(chat_id, await _chat(store, chat_id))
        self.changed.emit()

    async def reload(self) -> None:
        """Look at all chats again; what is in sight and what is selected stays.

        Raises:
            StoreError: they cannot be read.
        """
        store = self.store
        if store is None:
            return
        async with self._lock:
            pinned, page = await self._begin(store)
            others = list(page.chats)
            while page.after is not None:
                page = await store.list.page(_unpinned(self._places.shown), NEXT, page.after)
                others += page.chats
            if self._view.is_editing:
                self._reload_is_late = True
            else:
                with self._view.keeping_place():
                    self._view.chats.set_chats(pinned, others)
        self.changed.emit()

    def regroup(self) -> None:
        """Another day has begun: reckon the sections from it."""
        if not self._view.chats.is_of_today and not self._view.is_editing:
            with self._view.keeping_place():
                self._view.chats.regroup()

    def _load_anew(self) -> None:
        """Show another list than before: its beginning as soon as that is there."""
        if self._loading is not None:
            self._loading.cancel()
        if self.store is not None:
            self._loading = self._tasks.start(self._load(self.store))

    async def _load(self, store: Store) -> None:
        shown = self._places.shown
        try:
            async with self._lock:
                pinned, page = await self._begin(store)
                self._view.chats.set_chats(pinned, page.chats)
                self._view.scrollToTop()
                self._view.select_shown()
                self.is_loaded = True
                self.changed.emit()
                if page.after is not None:
                    await asyncio.sleep(PAUSE_S)
                while page.after is not None:
                    page = await store.list.page(_unpinned(shown), NEXT, page.after)
                    self._view.chats.append(page.chats)
                self._view.select_shown()
        except UserFacingError as error:
            self.failed.emit(error)

    async def _begin(self, store: Store) -> tuple[tuple[Chat, ...], Page]:
        """What is pinned, and the first of what is not; in the trash nothing is."""
        await self._look_at_places(store)
        shown = self._places.shown
        pinned = () if shown.trash else (await store.list.page(replace(shown, pinned=True), NEXT)).chats
        return pinned, await store.list.page(_unpinned(shown), FIRST)

    async def _look_at_places(self, store: Store) -> None:
        self._places.show_places(await store.list.folders(), [tag for tag, _ in await store.list.tags()])

    def _put(self, chat_id: str, chat: Chat | None) -> None:
        with self._view.keeping_place(apart_from=(chat_id,)):
            if chat is not None and self._places.shown.holds(chat):
                self._view.chats.put(chat)
            else:
                self._view.chats.remove((chat_id,))
        self._view.select_shown()

    def _catch_up(self) -> None:
        if self._view.is_editing:
            return
        late, self._late = sorted(self._late), set()
        again, self._reload_is_late = self._reload_is_late, False
        if again:
            self.run(self.reload())
        elif late:
            self.run(self.refresh(late))


def _unpinned(shown: Shown) -> Shown:
    return shown if shown.trash else replace(shown, pinned=False)


async def _chat(store: Store, chat_id: str) -> Chat | None:
    """A chat as it is now; None where it is not there any more."""
    try:
        return await store.list.chat(chat_id)
    except StoreError as error:
        if error.fault is StoreFault.MISSING:
            return None
        raise
