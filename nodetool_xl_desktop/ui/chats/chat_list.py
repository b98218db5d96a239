"""The chats of the list in sections by day, as a model for `chat_view`.

What a store holds of 10,000 chats without their messages is small, so all of it is kept here once it was read, page by
page: each row can be reached at once, and a chat that changes moves as one row instead of resetting the others. No step
but the first looks at each chat.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import date

from PySide6.QtCore import QAbstractListModel, QModelIndex, Qt

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.store.records import Chat
from nodetool_xl_desktop.ui.chats.chat_days import PINNED, said_time, sections
from nodetool_xl_desktop.ui.parts import tooltip
from nodetool_xl_desktop.ui.rows import Index

#: Of so many that go at once, the rows are made anew instead of one by one.
_MANY = 20
#: How much of a title a tooltip shows, in letters.
_LONGEST_TIP = 300


def title_of(chat: Chat) -> str:
    """The title of a chat, on one line; never empty."""
    return " ".join(chat.title.split()) or tr("New Chat")


class Rows:
    """Chats in their order, and where the headings stand between them. Never changed, only replaced.

    Args:
        chats: those that are pinned, then the others; of each what was touched last first.
        pinned: how many are pinned.
        today: the day that the sections are reckoned from.
    """

    def __init__(self, chats: list[Chat], pinned: int, today: date) -> None:
        self.chats, self.pinned, self.today = chats, pinned, today
        heads = [(PINNED, 0)] if pinned else []
        heads += [(name, pinned + first) for name, first in sections(chats[pinned:], today)]
        self._names = [name for name, _ in heads]
        self._firsts = [first for _, first in heads]
        self._places = [first + number for number, first in enumerate(self._firsts)]

    def __len__(self) -> int:
        return len(self.chats) + len(self._names)

    def at(self, row: int) -> str | Chat:
        """The heading or the chat of a row."""
        section = bisect_right(self._places, row) - 1
        is_heading = self._places[section] == row
        return self._names[section] if is_heading else self.chats[row - section - 1]

    def row(self, number: int) -> int:
        """The row of a chat by its number among all."""
        return number + bisect_right(self._firsts, number)

    def number(self, chat: Chat) -> int:
        """The number of a chat that is here; of another one, the number that it would have."""
        begin, end = (0, self.pinned) if chat.pinned else (self.pinned, len(self.chats))
        first = bisect_left(self.chats, -chat.touched_ms, begin, end, key=lambda each: -each.touched_ms)
        last = bisect_right(self.chats, -chat.touched_ms, first, end, key=lambda each: -each.touched_ms)
        return next((at for at in range(first, last) if self.chats[at].id == chat.id), first)

    def is_alone(self, number: int) -> bool:
        """Whether a chat is the only one of its section."""
        section = bisect_right(self._firsts, number) - 1
        ends = [*self._firsts[1:], len(self.chats)]
        return ends[section] - self._firsts[section] == 1

    def without(self, number: int) -> Rows:
        """The same without a chat."""
        chats = [*self.chats[:number], *self.chats[number + 1 :]]
        return Rows(chats, self.pinned - (number < self.pinned), self.today)

    def having(self, chat: Chat, number: int) -> Rows:
        """The same with one chat more."""
        return Rows([*self.chats[:number], chat, *self.chats[number:]], self.pinned + chat.pinned, self.today)


class ChatListModel(QAbstractListModel):
    """Chats, what was touched last first, with a heading before each section.

    Args:
        today: the day that the sections are reckoned from.
    """

    def __init__(self, today: Callable[[], date] = date.today) -> None:
        super().__init__()
        self._now = today
        self._rows = Rows([], 0, today())
        self._by_id: dict[str, Chat] = {}
        self.answering: frozenset[str] = frozenset()
        self.waiting: frozenset[str] = frozenset()
        self.shown: str | None = None

    # What is in it

    def set_chats(self, pinned: Sequence[Chat], others: Sequence[Chat]) -> None:
        """Hold these instead of what was there."""
        self.beginResetModel()
        self._by_id = {chat.id: chat for chat in pinned}
        rest = [chat for chat in others if chat.id not in self._by_id]
        self._by_id |= {chat.id: chat for chat in rest}
        self._rows = Rows([*pinned, *rest], len(pinned), self._now())
        self.endResetModel()

    def append(self, others: Iterable[Chat]) -> None:
        """Add chats that were touched before all others; those that are there already stay as they are."""
        more = [chat for chat in others if chat.id not in self._by_id]
        if more:
            rows = Rows([*self._rows.chats, *more], self._rows.pinned, self._rows.today)
            self.beginInsertRows(QModelIndex(), len(self._rows), len(rows) - 1)
            self._rows = rows
            self._by_id |= {chat.id: chat for chat in more}
            self.endInsertRows()

    def put(self, chat: Chat) -> None:
        """Hold a chat as it is now, in its place."""
        held = self.chat(chat.id)
        if held is not None and (held.touched_ms, held.pinned) == (chat.touched_ms, chat.pinned):
            self._rows.chats[self._rows.number(held)] = self._by_id[chat.id] = chat
            self._say_changed((chat.id,))
            return
        self._remove(chat.id)
        number = self._rows.number(chat)
        rows = self._rows.having(chat, number)
        row = rows.row(number)
        self.beginInsertRows(QModelIndex(), row - rows.is_alone(number), row)
        self._rows, self._by_id[chat.id] = rows, chat
        self.endInsertRows()

    def remove(self, ids: Collection[str]) -> None:
        """Hold these no longer."""
        if len(ids) > _MANY:
            gone = frozenset(ids)
            pinned, others = self._rows.chats[: self._rows.pinned], self._rows.chats[self._rows.pinned :]
            self.set_chats(*([chat for chat in some if chat.id not in gone] for some in (pinned, others)))
            return
        for chat_id in ids:
            self._remove(chat_id)

    def regroup(self) -> None:
        """Reckon the sections from the day that it is now."""
        self.beginResetModel()
        self._rows = Rows(self._rows.chats, self._rows.pinned, self._now())
        self.endResetModel()

    def show_answering(self, ids: Collection[str]) -> None:
        """Mark the chats in which an answer comes."""
        changed, self.answering = self.answering ^ frozenset(ids), frozenset(ids)
        self._say_changed(changed)

    def show_waiting(self, ids: Collection[str]) -> None:
        """Mark the chats in which a tool call waits for the person."""
        changed, self.waiting = self.waiting ^ frozenset(ids), frozenset(ids)
        self._say_changed(changed)

    def show(self, chat_id: str | None) -> None:
        """Mark the chat that is open; None for none."""
        changed, self.shown = {self.shown, chat_id}, chat_id
        self._say_changed(each for each in changed if each is not None)

    @property
    def is_of_today(self) -> bool:
        """Whether its sections are those of this day."""
        return self._rows.today == self._now()

    @property
    def chats(self) -> list[Chat]:
        """All of them, in order."""
        return list(self._rows.chats)

    def chat(self, chat_id: str) -> Chat | None:
        """The chat with this id, where it is here."""
        return self._by_id.get(chat_id)

    def at(self, index: Index) -> Chat | None:
        """The chat of a row; None for a heading."""
        row = self._rows.at(index.row()) if index.isValid() else None
        return row if isinstance(row, Chat) else None

    def index_of(self, chat_id: str) -> QModelIndex:
        """Where a chat stands; an invalid index where it does not."""
        chat = self.chat(chat_id)
        return QModelIndex() if chat is None else self.index(self._rows.row(self._rows.number(chat)))

    # Qt's side

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        return 0 if parent.isValid() else len(self._rows)

    def flags(self, index: Index) -> Qt.ItemFlag:
        if self.at(index) is None:
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEditable

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        row = self._rows.at(index.row())
        if isinstance(row, str):
            return row if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole) else None
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return title_of(row)
            case Qt.ItemDataRole.ToolTipRole:
                time = said_time(row.deleted_ms or row.touched_ms, self._rows.today)
                said = [title_of(row)[:_LONGEST_TIP]]
                said.append(
                    tr("In the trash since: {time}", time=time)
                    if row.deleted_ms
                    else tr("Last used: {time}", time=time)
                )
                said += [tr("Tags: {tags}", tags=", ".join(row.tags))] if row.tags else []
                said += [tr("A tool call waits for you")] if row.id in self.waiting else []
                return tooltip("\n".join(said))
            case Qt.ItemDataRole.AccessibleTextRole:
                said = [title_of(row), said_time(row.touched_ms, self._rows.today)]
                stand = tr("waiting for you") if row.id in self.waiting else tr("answering")
                said += [tr("pinned")] * row.pinned + [stand] * (row.id in self.answering | self.waiting)
                return ", ".join(said + [tr("open")] * (row.id == self.shown))
        return None

    def _remove(self, chat_id: str) -> None:
        chat = self.chat(chat_id)
        if chat is None:
            return
        number = self._rows.number(chat)
        row = self._rows.row(number)
        self.beginRemoveRows(QModelIndex(), row - self._rows.is_alone(number), row)
        self._rows = self._rows.without(number)
        del self._by_id[chat_id]
        self.endRemoveRows()

    def _say_changed(self, ids: Iterable[str]) -> None:
        for index in map(self.index_of, ids):
            if index.isValid():
                self.dataChanged.emit(index, index)
