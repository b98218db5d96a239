"""What an action of the program is, as a value: the tables of them (`actions`, `action_places`) feed the menus, the
command palette, the list of keys and the widgets that hear keys, so that none of them can say what is not so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from PySide6.QtCore import QKeyCombination, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence

from nodetool_xl_desktop.core.translation import mark, tr

if TYPE_CHECKING:
    from nodetool_xl_desktop.ui.main_window import MainWindow

_PAD = Qt.KeyboardModifier.KeypadModifier


class Where(Enum):
    """Where the keys of an action hold, as the list of keys calls it."""

    WINDOW = mark("In the window")
    COMPOSER = mark("In the composer")
    MESSAGE = mark("On a message")
    EDITOR = mark("In the editor of a message")
    FOLD = mark("On a thought or a tool call")
    FIND = mark("In the find bar")
    CHAT = mark("On a chat of the list")
    MODEL = mark("On a model")
    DOWNLOAD = mark("On a download")
    ANYWHERE = mark("Outside of a text")


class Menu(Enum):
    """The menus of the window, in their order, as they are called."""

    FILE = mark("&File")
    CHAT = mark("&Chat")
    MODEL = mark("&Model")
    VIEW = mark("&View")
    TOOLS = mark("&Tools")
    HELP = mark("&Help")


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that a person can do.

    Attributes:
        id: names it in the program: what it is about, and what it does there.
        text: as a menu has it, marked for translation; `&` stands before its key in the menu.
        keys: as `QKeySequence` reads them, with a comma and a space between several; the first one is shown.
        does: what it does; None where the widget that has the focus hears the keys itself.
        menu: the menu that it stands in; None for none.
        begins_group: whether a line stands above it in its menu.
        is_enabled: whether it can be done now; None for always.
        is_checked: whether it holds now, of one that is switched; None for one that is not.
        text_now: its text, where that depends on what is so now.
        where: its keys hold.
        role: what macOS should take it for: "quit", "settings" or "about".
    """

    id: str
    text: str
    keys: str = ""
    does: Callable[[MainWindow], object] | None = None
    menu: Menu | None = None
    begins_group: bool = False
    is_enabled: Callable[[MainWindow], bool] | None = None
    is_checked: Callable[[MainWindow], bool] | None = None
    text_now: Callable[[MainWindow], str] | None = None
    where: Where = Where.WINDOW
    role: str = ""

    @property
    def sequences(self) -> list[QKeySequence]:
        """Its keys; of Enter both that a keyboard has."""
        written = self.keys.split(", ") if self.keys else []
        return [QKeySequence(each.replace("Enter", name)) for each in written for name in _names(each)]

    @property
    def keys_text(self) -> str:
        """The keys that are shown of it, as this system writes them; empty for none."""
        return native(self.keys.split(", ")[0])

    @property
    def all_keys_text(self) -> str:
        """All of its keys, as this system writes them."""
        return ", ".join(native(each) for each in self.keys.split(", "))

    @property
    def name(self) -> str:
        """Its text without the mark of its key."""
        return unmarked(tr(self.text))

    @property
    def tip(self) -> str:
        """Its name with its keys, for a tooltip."""
        return tr("{name} ({keys})", name=self.name, keys=self.keys_text) if self.keys else self.name


def _names(keys: str) -> tuple[str, ...]:
    return ("Enter", "Return") if "Enter" in keys else ("",)


def native(keys: str) -> str:
    """Keys as this system writes them: "Ctrl+N" is "⌘N" on macOS."""
    return QKeySequence(keys).toString(QKeySequence.SequenceFormat.NativeText)


def unmarked(text: str) -> str:
    """A text of a menu without the marks of its keys."""
    return text.replace("&&", "\0").replace("&", "").replace("\0", "&")


def by_keys(rows: Iterable[Action]) -> dict[QKeySequence, str]:
    """The ids of actions by each of their keys."""
    return {sequence: row.id for row in rows for sequence in row.sequences}


def pressed(event: QKeyEvent) -> QKeySequence:
    """What was pressed, as `by_keys` has it."""
    return QKeySequence(QKeyCombination(event.modifiers() & ~_PAD, Qt.Key(event.key())))
