"""What the palette offers: the actions of the window, the models that could be loaded, the chats that are listed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from nodetool_xl_desktop.core.text import one_line
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.ui.action import unmarked
from nodetool_xl_desktop.ui.palette.matching import Fit, fit

if TYPE_CHECKING:
    from nodetool_xl_desktop.store.records import Chat
    from nodetool_xl_desktop.ui.main_window import MainWindow

#: Of chats and of models, so many are offered for one search: who has more of them types a letter more.
MOST = 30
#: Where the model that is wanted is not listed.
_OTHER_WAYS = ("file.open", "file.address", "view.discover")
#: Nobody tells apart what comes after so many letters.
LONGEST = 200


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the palette.

    Attributes:
        id: by which it is known when it was used before; empty where that is not kept.
        text: what is done.
        note: the menu that it is in, or what it is.
        run: does it.
        keys: by which it is done, as this system writes them; empty for none.
        is_enabled: whether it can be done now.
        searched: the folded text that it is found by.
    """

    id: str
    text: str
    note: str
    run: Callable[[], object]
    keys: str = ""
    is_enabled: bool = True
    searched: str = field(default="", compare=False)


class Offers:
    """What a window offers at one time.

    Args:
        window: that one.
        models_only: leaves out all that loads no model.
    """

    def __init__(self, window: MainWindow, *, models_only: bool = False) -> None:
        self._window = window
        self._models_only = models_only
        wanted = _OTHER_WAYS if models_only else [row.id for row in window.commands]
        self._actions = list(_actions(window, wanted))
        self._models = list(_models(window))  # what was used last comes first
        self._chats: Sequence[Chat] = () if models_only else window.side_bar.chats.view.chats.chats

    def all(self, recent: Sequence[str]) -> list[Entry]:
        """What is offered before anything is typed: what was used last comes first, then the order of the menus."""
        if self._models_only:
            return [*self._models, *self._actions]
        order = {name: place for place, name in enumerate(recent)}
        return sorted(self._actions, key=lambda entry: order.get(entry.id, len(order)))

    def find(self, typed: str, recent: Sequence[str]) -> list[Entry]:
        """What answers to what was typed, the best first."""
        words = typed[:LONGEST].casefold().split()
        if not words:
            return self.all(recent)
        order = {name: place for place, name in enumerate(recent)}
        found = [
            *_found(words, self._actions),
            *islice(_found(words, self._models), MOST),
            *islice(_found_chats(words, self._chats, self._window), MOST),
        ]
        found.sort(key=lambda each: (each[0], order.get(each[1].id, len(order))))  # stable: of one kind as they came
        return [entry for _, entry in found]


def _found(words: Sequence[str], entries: Iterable[Entry]) -> Iterator[tuple[Fit, Entry]]:
    for entry in entries:
        if (how := fit(words, entry.searched)) is not None:
            yield how, entry


def _found_chats(words: Sequence[str], chats: Iterable[Chat], window: MainWindow) -> Iterator[tuple[Fit, Entry]]:
    """Not by letters in their order: of thousands of titles half would answer. Where an action answers, it goes before
    a chat that happens to begin so."""
    for chat in chats:
        if (how := fit(words, chat.title.casefold(), by_letters=False)) is not None:
            text = one_line(chat.title)[:LONGEST] or tr("Untitled")
            yield max(how, Fit.WORDS), Entry("", text, tr("Go to Chat"), partial(window.chats.open, chat.id))


def _actions(window: MainWindow, ids: Iterable[str]) -> Iterator[Entry]:
    window.commands.look()
    for row in map(window.commands.row, ids):
        made = window.commands[row.id]
        text = unmarked(made.text())
        menu = unmarked(tr(row.menu.value)) if row.menu is not None else ""
        searched = f"{text} {menu}".casefold()
        yield Entry(row.id, text, menu, made.trigger, row.keys_text, made.isEnabled(), searched)


def _models(window: MainWindow) -> Iterator[Entry]:
    for file in sorted(window.side_bar.models.files, key=lambda file: file.about.last_used or 0, reverse=True):
        name = one_line(file.full_title)[:LONGEST]
        load = partial(window.models.load_soon, file.path)
        text = tr("Load {model}", model=name)
        yield Entry("", text, tr("Model"), load, is_enabled=file.trouble is None, searched=text.casefold())
