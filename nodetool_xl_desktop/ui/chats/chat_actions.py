"""What can be done with the chats that are selected in the list: the menu, and how it gets into the store."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from functools import partial

from PySide6.QtCore import QObject, QPoint, Qt, Signal
from PySide6.QtWidgets import QMenu

from nodetool_xl_desktop.core.translation import tr, trn
from nodetool_xl_desktop.store.records import Chat
from nodetool_xl_desktop.store.store import Store
from nodetool_xl_desktop.ui.action_places import with_keys
from nodetool_xl_desktop.ui.chats.chat_feed import ChatFeed, Work
from nodetool_xl_desktop.ui.chats.chat_places import PlaceButton, ask_name, nested
from nodetool_xl_desktop.ui.chats.chat_view import ChatView
from nodetool_xl_desktop.ui.parts import caption

_INDENT = "    "


class ChatActions(QObject):
    """The menu of the list, and its keys.

    Args:
        feed: keeps the list as the store is.
        view: the list.
        places: knows the folders and tags there are.
    """

    #: Open this chat.
    opened = Signal(str)
    export_requested = Signal(list)
    #: These chats went to the trash.
    deleted = Signal(list)
    #: A chat has another title, which is on the disk: the id.
    renamed = Signal(str)
    #: These came back from there, as their deletion was undone.
    brought_back = Signal(list)
    #: What was done, and what (a callable) takes it back.
    undo_offered = Signal(str, object)

    def __init__(self, feed: ChatFeed, view: ChatView, places: PlaceButton) -> None:
        super().__init__(view)
        self._feed, self._view, self._places = feed, view, places
        view.menu_requested.connect(self._show_menu)
        view.delete_requested.connect(self.delete)
        view.delegate.renamed.connect(self._rename)
        places.new_folder_requested.connect(lambda *folder: self._keep_folders(self._add_folder, *folder))
        places.rename_folder_requested.connect(lambda *folder: self._keep_folders(self._rename_folder, *folder))
        places.remove_folder_requested.connect(lambda folder: self._keep_folders(self._remove_folder, folder))

    @property
    def menu(self) -> QMenu | None:
        """The menu that is open."""
        return next((each for each in self._view.findChildren(QMenu) if each.isVisible()), None)

    def delete(self) -> None:
        """Put what is selected into the trash."""
        if not self._places.shown.trash:
            self._do(self._delete)

    def restore(self) -> None:
        """Take what is selected out of the trash."""
        if self._places.shown.trash:
            self._do(self._restore)

    # The menu

    def _show_menu(self, place: QPoint) -> None:
        menu = QMenu(self._view)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._fill(menu, self._view.selected)
        menu.popup(place)

    def _fill(self, menu: QMenu, chats: list[Chat]) -> None:
        def add(text: str, work: Callable[[], object]) -> None:
            menu.addAction(text).triggered.connect(lambda _checked=False: work())

        if self._places.shown.trash:
            add(tr("Restore"), self.restore)
            return
        ids = [chat.id for chat in chats]
        if len(chats) == 1:
            add(with_keys("listed_chat.open"), lambda: self.opened.emit(ids[0]))
            add(with_keys("listed_chat.rename"), self._view.rename)
        pinned, archived = all(chat.pinned for chat in chats), all(chat.archived for chat in chats)
        add(tr("Unpin") if pinned else tr("Pin"), lambda: self._do(partial(self._pin, pinned=not pinned)))
        self._fill_folders(menu.addMenu(tr("Move to Folder")), chats)
        self._fill_tags(menu.addMenu(tr("Tags")), chats)
        menu.addSeparator()
        add(
            tr("Unarchive") if archived else tr("Archive"),
            lambda: self._do(partial(self._archive, archived=not archived)),
        )
        add(tr("Duplicate"), lambda: self._do(self._duplicate))
        add(tr("Export ..."), lambda: self.export_requested.emit(ids))
        menu.addSeparator()
        add(with_keys("listed_chat.delete"), self.delete)

    def _fill_folders(self, menu: QMenu, chats: list[Chat]) -> None:
        def add(text: str, folder: str | None) -> None:
            action = menu.addAction(text)
            action.setCheckable(True)
            action.setChecked(all(chat.folder == folder for chat in chats))
            action.triggered.connect(lambda: self._do(partial(self._move, folder=folder)))

        add(tr("No Folder"), None)
        for depth, folder in nested(self._places.folders):
            add(f"{_INDENT * depth}{caption(folder.name)}", folder.id)
        menu.addSeparator()
        new = menu.addAction(tr("New Folder ..."))
        new.triggered.connect(
            lambda: self._places.ask_new_folder(
                lambda name: self._do(partial(self._move_to_new, name=name), chats),
            )
        )

    def _fill_tags(self, menu: QMenu, chats: list[Chat]) -> None:
        for tag in self._places.tags:
            action = menu.addAction(caption(tag))
            action.setCheckable(True)
            held = all(tag in chat.tags for chat in chats)
            action.setChecked(held)
            action.triggered.connect(
                lambda _checked, tag=tag, held=held: self._do(partial(self._tag, tag=tag, held=not held))
            )
        if self._places.tags:
            menu.addSeparator()
        new = menu.addAction(tr("New Tag ..."))
        new.triggered.connect(
            lambda: ask_name(
                self._view.window(),
                tr("New Tag"),
                "",
                lambda tag: self._do(partial(self._tag, tag=tag, held=True), chats),
            )
        )

    # What it does

    def _do(self, work: Callable[[Store, list[Chat]], Work], chats: Iterable[Chat] | None = None) -> None:
        these = list(self._view.selected if chats is None else chats)
        if self._feed.store is not None and these:
            self._feed.run(work(self._feed.store, these))

    async def _changed(self, chats: list[Chat], change: Callable[[list[str]], Awaitable[None]]) -> None:
        ids = [chat.id for chat in chats]
        await change(ids)
        await self._feed.refresh(ids)

    def _rename(self, chat_id: str, title: str) -> None:
        async def work(store: Store, chats: list[Chat]) -> None:
            await self._changed(chats, partial(self._give_title, store, title))
            self.renamed.emit(chat_id)

        if (chat := self._view.chats.chat(chat_id)) is not None:
            self._view.chats.put(replace(chat, title=title))  # what was typed stays, while it is on its way
            self._do(work, [chat])

    async def _give_title(self, store: Store, title: str, ids: list[str]) -> None:
        await store.list.rename(ids[0], title)

    async def _pin(self, store: Store, chats: list[Chat], *, pinned: bool) -> None:
        await self._changed(chats, lambda ids: store.list.pin(ids, pinned))

    async def _move(self, store: Store, chats: list[Chat], *, folder: str | None) -> None:
        await self._changed(chats, lambda ids: store.list.move(ids, folder))

    async def _move_to_new(self, store: Store, chats: list[Chat], *, name: str) -> None:
        folder = await store.list.add_folder(name)
        await self._move(store, chats, folder=folder.id)

    async def _tag(self, store: Store, chats: list[Chat], *, tag: str, held: bool) -> None:
        for chat in chats:
            await store.list.tag(chat.id, {*chat.tags, tag} if held else {*chat.tags} - {tag})
        await self._feed.refresh([chat.id for chat in chats])

    async def _duplicate(self, store: Store, chats: list[Chat]) -> None:
        made = [await store.duplicate(chat.id) for chat in chats]
        await self._feed.refresh([chat.id for chat in made])
        if len(made) == 1:
            self.opened.emit(made[0].id)

    async def _archive(self, store: Store, chats: list[Chat], *, archived: bool) -> None:
        await self._changed(chats, lambda ids: store.list.archive(ids, archived))
        said = (
            trn("Chat archived", "{count:,} chats archived", len(chats))
            if archived
            else trn("Chat unarchived", "{count:,} chats unarchived", len(chats))
        )
        back = partial(self._changed, chats, lambda ids: store.list.archive(ids, not archived))
        self.undo_offered.emit(said, lambda: self._feed.run(back()))

    async def _delete(self, store: Store, chats: list[Chat]) -> None:
        after = self._view.neighbour(chats)
        await self._changed(chats, store.list.delete)
        if after is not None:
            self._view.go_to(after)
        self.deleted.emit([chat.id for chat in chats])
        back = partial(self._bring_back, store, chats)
        self.undo_offered.emit(
            trn("Chat deleted", "{count:,} chats deleted", len(chats)), lambda: self._feed.run(back())
        )

    async def _bring_back(self, store: Store, chats: list[Chat]) -> None:
        await self._changed(chats, store.list.restore)
        self._view.select(chat.id for chat in chats)
        self.brought_back.emit([chat.id for chat in chats])

    async def _restore(self, store: Store, chats: list[Chat]) -> None:
        await self._changed(chats, store.list.restore)
        back = partial(self._changed, chats, store.list.delete)
        self.undo_offered.emit(
            trn("Chat restored", "{count:,} chats restored", len(chats)), lambda: self._feed.run(back())
        )

    # Folders

    def _keep_folders(self, work: Callable[..., Work], *folder: str | None) -> None:
        if self._feed.store is not None:
            self._feed.run(work(self._feed.store, *folder))

    async def _add_folder(self, store: Store, name: str, parent: str | None) -> None:
        await store.list.add_folder(name, parent)
        await self._feed.refresh([])

    async def _rename_folder(self, store: Store, folder: str, name: str) -> None:
        await store.list.rename_folder(folder, name)
        await self._feed.refresh([])

    async def _remove_folder(self, store: Store, folder: str) -> None:
        await store.list.remove_folder(folder)
        await self._feed.reload()
