"""Searching all chats: what is found while one types, and the filters above it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from PySide6.QtCore import QModelIndex, Qt, QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.store.records import Role
from nodetool_xl_desktop.store.search import Hit, Query, TitleHit
from nodetool_xl_desktop.store.store import Store
from nodetool_xl_desktop.ui.chats.chat_hits import HitView, More
from nodetool_xl_desktop.ui.chats.search_field import FilterButton, SearchField
from nodetool_xl_desktop.ui.tasks import Tasks
from nodetool_xl_desktop.ui.theme import SPACE_M, SPACE_S, SPACE_XS, Theme
from nodetool_xl_desktop.ui.words import empty_words, shortened

#: How long one waits for the next letter.
REST_MS = 60
ROLES: dict[str, Role | None] = {tr("Anyone"): None, tr("You"): "user", tr("Model"): "assistant"}
#: By how many days a search goes back, today among them.
DAYS: dict[str, int | None] = {
    tr("Any Time"): None,
    tr("Today"): 1,
    tr("Last 7 Days"): 7,
    tr("Last 30 Days"): 30,
}
ANY_MODEL = tr("Any Model")


@dataclass(frozen=True, slots=True)
class _Found:
    query: Query
    after: int | None


class SearchPage(QWidget):
    """What is found, under the filters.

    Args:
        theme: the theme in force.
        tasks: runs the searches.
        field: where the words are typed.
    """

    #: A title was chosen: open this chat.
    chat_selected = Signal(str)
    #: A message was chosen: open its chat (the first id) at it (the second one).
    hit_selected = Signal(str, str)
    #: The chats could not be searched; a `UserFacingError`.
    failed = Signal(object)
    #: Down was pressed where nothing is searched for.
    left = Signal()
    #: There is something to search for, or not any more.
    searching = Signal(bool)

    def __init__(self, theme: Theme, tasks: Tasks, field: SearchField) -> None:
        super().__init__()
        self._tasks, self._field = tasks, field
        self._store: Store | None = None
        self._models: dict[str, str | None] = {}
        self._task: asyncio.Task[None] | None = None
        self._found: _Found | None = None
        self._then: Callable[[], object] | None = None
        self._loading = False
        self._was_searching = False
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST_MS)
        self._rest.timeout.connect(self._search)
        self._role = FilterButton(tr("Said by"), list(ROLES))
        self._model = FilterButton(tr("Model"), [ANY_MODEL])
        self._days = FilterButton(tr("When"), list(DAYS))
        self.view = HitView(theme)
        self._nothing = empty_words()
        self._lay_out()
        self._connect()

    def set_store(self, store: Store) -> None:
        """Search this one from now on."""
        self._store = store
        if self.text:
            self._begin()

    @property
    def text(self) -> str:
        """What is searched for; empty for nothing."""
        return self._field.text().strip()

    def query(self) -> Query:
        """What is searched for, as a store takes it."""
        days = DAYS[self._days.value]
        first = datetime.combine(date.today() - timedelta(days=days - 1), datetime.min.time()) if days else None
        return Query(
            self._field.text(),
            self._models.get(self._model.value) if self._model.is_set else None,
            ROLES[self._role.value],
            from_ms=int(first.timestamp() * 1000) if first else None,
        )

    def _lay_out(self) -> None:
        filters = QHBoxLayout()
        filters.setSpacing(SPACE_XS)
        for button in (self._role, self._model, self._days):
            filters.addWidget(button)
        filters.addStretch()
        self._pages = QStackedWidget()
        self._pages.addWidget(self.view)
        self._pages.addWidget(self._nothing)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE_M, 0, 0, 0)
        layout.setSpacing(SPACE_S)
        layout.addLayout(filters)
        layout.addWidget(self._pages, 1)

    def _connect(self) -> None:
        self._field.textChanged.connect(self._typed)
        self._field.down_pressed.connect(self._enter)
        self._field.enter_pressed.connect(self._choose_first)
        for button in (self._role, self._model, self._days):
            button.changed.connect(self._search)
        self.view.chosen.connect(self._choose)
        self.view.left_upwards.connect(lambda: self._field.setFocus(Qt.FocusReason.ShortcutFocusReason))
        self.view.near_end.connect(self._search_on)
        self.view.escaped.connect(self._give_up)

    # Searching

    def _typed(self) -> None:
        self._then = None
        if not self.text:
            self._stop()
        elif not self._was_searching:
            self._begin()
        else:
            self._rest.start()

    def _begin(self) -> None:
        self._was_searching = True
        if self._store is not None:
            self._tasks.start(self._learn_models(self._store))
        self._nothing.setText("")
        self._pages.setCurrentIndex(1)
        self.searching.emit(True)
        self._rest.start()

    def _stop(self) -> None:
        self._rest.stop()
        self._cancel()
        self._was_searching, self._found = False, None
        self.view.hits.show((), ())
        for button, value in ((self._role, tr("Anyone")), (self._model, ANY_MODEL), (self._days, tr("Any Time"))):
            button.blockSignals(True)
            button.choose(value)
            button.blockSignals(False)
        self.searching.emit(False)

    def _search(self) -> None:
        self._rest.stop()
        self._cancel()
        if self._store is not None and self.text:
            self._task = self._tasks.start(self._find(self._store, self.query()))

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()
        self._task, self._loading = None, False

    async def _find(self, store: Store, query: Query) -> None:
        try:
            filtered = replace(query, text="") != Query("")
            titles = [] if filtered else await store.search_titles(query.text)
            hits = await store.search(query)
        except UserFacingError as error:
            self.failed.emit(error)
            return
        self._found = _Found(query, hits.after)
        self.view.hits.show(titles, hits.hits)
        self.view.scrollToTop()
        if not titles and not hits.hits:
            self._nothing.setText(tr("Nothing found for “{text}”", text=shortened(query.text, 60)))
        self._pages.setCurrentIndex(0 if titles or hits.hits else 1)
        then, self._then = self._then, None
        if then is not None:
            then()

    def _search_on(self) -> None:
        if self._store is None or self._found is None or self._found.after is None or self._loading:
            return
        if self._rest.isActive():  # something else is searched for in a moment
            return
        self._loading = True
        self._task = self._tasks.start(self._find_more(self._store, self._found))

    async def _find_more(self, store: Store, found: _Found) -> None:
        try:
            hits = await store.search(found.query, after=found.after)
        except UserFacingError as error:
            self._found = replace(found, after=None)
            self.failed.emit(error)
        else:
            self._found = replace(found, after=hits.after)
            self.view.hits.append(hits.hits)
        self._loading = False

    async def _learn_models(self, store: Store) -> None:
        try:
            models = await store.list.models()
        except UserFacingError as error:
            self.failed.emit(error)
            return
        self.view.hits.models = dict(models)
        names = [name for _, name in models]
        self._models = {name if names.count(name) == 1 else f"{name} ({model})": model for model, name in models}
        self._model.offer([ANY_MODEL, *self._models])

    # Choosing

    def _enter(self) -> None:
        if self._was_searching:
            self._when_found(self.view.enter)
        else:
            self.left.emit()

    def _when_found(self, work: Callable[[], object]) -> None:
        """Do this with what is found for what is typed now, not with what was found before."""
        if self._rest.isActive():
            self._search()
        if self._task is None or self._task.done() or self._loading:
            work()
        else:
            self._then = work

    def _give_up(self) -> None:
        self._field.clear()
        self._field.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _choose_first(self) -> None:
        if self._was_searching:
            self._when_found(self._open_first)

    def _open_first(self) -> None:
        first = self.view.hits.first()
        if first.isValid():
            self.view.setCurrentIndex(first)
            self._choose(first)

    def _choose(self, index: QModelIndex) -> None:
        match self.view.hits.at(index):
            case Hit(chat=chat, message=message):
                self.hit_selected.emit(chat, message)
            case TitleHit(chat=chat):
                self.chat_selected.emit(chat)
            case More():
                self.view.hits.show_all_titles()
                self.view.setCurrentIndex(self.view.hits.index(index.row()))
