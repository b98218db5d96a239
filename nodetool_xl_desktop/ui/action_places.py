"""What can be done with the thing that has the focus: its text, and the keys that it is done by.

The widgets hear these keys themselves, as what they do depends on what has the focus; texts and keys they take
from here.
"""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtGui import QKeyEvent

from nodetool_xl_desktop.core.translation import mark
from nodetool_xl_desktop.ui.action import Action, Where, by_keys, pressed


def _rows(where: Where, *rows: tuple[str, str, str]) -> tuple[Action, ...]:
    return tuple(Action(name, text, keys, where=where) for name, text, keys in rows)


ROWS: tuple[Action, ...] = (
    *_rows(
        Where.COMPOSER,
        ("composer.send", mark("Send"), "Enter"),
        ("composer.line", mark("New Line"), "Shift+Enter"),
        ("composer.recall", mark("What Was Sent Before"), "Up"),
        ("composer.messages", mark("To the Messages"), "Ctrl+Up"),
        ("composer.paste_text", mark("Paste a Long Text as Text"), "Ctrl+Shift+V"),
        ("composer.undo", mark("Undo"), "Ctrl+Z"),
    ),
    *_rows(
        Where.MESSAGE,
        ("message.previous", mark("Previous Message"), "Ctrl+Up"),
        ("message.next", mark("Next Message"), "Ctrl+Down"),
        ("message.first", mark("To the Beginning"), "Home"),
        ("message.last", mark("To the End"), "End"),
        ("message.copy", mark("Copy as Markdown"), "Ctrl+C"),
        ("message.copy_plain", mark("Copy as Plain Text"), "Ctrl+Shift+C"),
        ("message.copy_rich", mark("Copy as Rich Text"), "Ctrl+Alt+C"),
        ("message.select_all", mark("Select All"), "Ctrl+A"),
        ("message.quote", mark("Quote Selection"), "Ctrl+Shift+Q"),
        ("message.edit", mark("Edit"), "E"),
        ("message.continue", mark("Continue"), "Alt+Enter"),
        ("message.regenerate", mark("Regenerate"), "Ctrl+Enter"),
        ("message.with_model", mark("Regenerate with Another Model ..."), ""),
        ("message.with_sampling", mark("Regenerate with Other Sampling ..."), ""),
        ("message.version_before", mark("Previous Version"), "Alt+Left"),
        ("message.version_after", mark("Next Version"), "Alt+Right"),
        ("message.details", mark("How It Was Made"), "I"),
        ("message.fork", mark("Fork Chat Here"), "F"),
        ("message.delete", mark("Delete with All Below"), "Ctrl+Del"),
    ),
    *_rows(
        Where.EDITOR,
        ("editor.finish", mark("Send, or Save"), "Ctrl+Enter"),
        ("editor.close", mark("Close"), "Esc"),
    ),
    *_rows(
        Where.FOLD,
        ("fold.toggle", mark("Open or Close"), "Enter, Space"),
        ("fold.allow", mark("Allow the Call That Waits"), "Ctrl+Enter"),
    ),
    *_rows(
        Where.FIND,
        ("find.next", mark("Next Hit"), "Enter, F3"),
        ("find.previous", mark("Previous Hit"), "Shift+Enter, Shift+F3"),
        ("find.close", mark("Close"), "Esc"),
    ),
    *_rows(
        Where.CHAT,
        ("listed_chat.open", mark("Open"), "Enter"),
        ("listed_chat.rename", mark("Rename"), "F2"),
        ("listed_chat.delete", mark("Delete"), "Del"),
    ),
    *_rows(
        Where.MODEL,
        ("listed_model.load", mark("Load"), "Enter"),
        ("listed_model.rename", mark("Rename ..."), "F2"),
        ("listed_model.favourite", mark("Favourite"), "Ctrl+D"),
        ("listed_model.copy", mark("Copy Path"), "Ctrl+C"),
        ("listed_model.trash", mark("Move to Trash"), "Del"),
    ),
    *_rows(
        Where.DOWNLOAD,
        ("download.main", mark("Pause or Resume"), "Space"),
        ("download.up", mark("Move Up"), "Alt+Up"),
        ("download.down", mark("Move Down"), "Alt+Down"),
        ("download.cancel", mark("Cancel"), "Ctrl+Del"),
        ("download.load", mark("Load What Has Come"), "Enter"),
    ),
    *_rows(
        Where.ANYWHERE,
        ("anywhere.paste", mark("Open the Address, Path or Files of the Clipboard"), "Ctrl+V"),
        ("anywhere.undo", mark("Take the Last Deletion Back"), "Ctrl+Z"),
        ("anywhere.back", mark("Back, or Close"), "Esc"),
    ),
)

#: What holds instead where Ctrl+Enter sends.
_CONTROL = {"composer.send": "Ctrl+Enter", "composer.line": "Enter, Shift+Enter"}
_BY_ID = {row.id: row for row in ROWS}
_BY_KEYS = {where: by_keys(row for row in ROWS if row.where is where) for where in Where}


def action_of(name: str) -> Action:
    """The row with this id."""
    return _BY_ID[name]


def rows(*, control: bool) -> tuple[Action, ...]:
    """All of them with the keys that hold now.

    Args:
        control: whether Ctrl+Enter sends, and Enter begins a new line.
    """
    return tuple(replace(row, keys=_CONTROL[row.id]) if control and row.id in _CONTROL else row for row in ROWS)


def with_keys(name: str, text: str = "") -> str:
    """The text of an action in the menu of what has the focus, with its keys beside it.

    Args:
        name: the id of its row.
        text: says it instead of the row's, where it depends on what the menu is for.
    """
    row = action_of(name)
    return f"{text or row.name}\t{row.keys_text}"


def of_key(where: Where, event: QKeyEvent) -> str | None:
    """The id of what a key does there; None for nothing."""
    return _BY_KEYS[where].get(pressed(event))
