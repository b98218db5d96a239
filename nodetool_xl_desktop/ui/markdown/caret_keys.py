"""Which keys move a caret through a text, as the system has them."""

from __future__ import annotations

from PySide6.QtGui import QKeyEvent, QKeySequence

from nodetool_xl_desktop.ui.markdown.moving import Move

_KEYS = {
    QKeySequence.StandardKey.MoveToPreviousChar: Move.LEFT,
    QKeySequence.StandardKey.MoveToNextChar: Move.RIGHT,
    QKeySequence.StandardKey.MoveToPreviousWord: Move.WORD_LEFT,
    QKeySequence.StandardKey.MoveToNextWord: Move.WORD_RIGHT,
    QKeySequence.StandardKey.MoveToPreviousLine: Move.UP,
    QKeySequence.StandardKey.MoveToNextLine: Move.DOWN,
    QKeySequence.StandardKey.MoveToPreviousPage: Move.PAGE_UP,
    QKeySequence.StandardKey.MoveToNextPage: Move.PAGE_DOWN,
    QKeySequence.StandardKey.MoveToStartOfLine: Move.LINE_START,
    QKeySequence.StandardKey.MoveToEndOfLine: Move.LINE_END,
    QKeySequence.StandardKey.MoveToStartOfDocument: Move.START,
    QKeySequence.StandardKey.MoveToEndOfDocument: Move.END,
}
_EXTENDING = {
    QKeySequence.StandardKey.SelectPreviousChar: Move.LEFT,
    QKeySequence.StandardKey.SelectNextChar: Move.RIGHT,
    QKeySequence.StandardKey.SelectPreviousWord: Move.WORD_LEFT,
    QKeySequence.StandardKey.SelectNextWord: Move.WORD_RIGHT,
    QKeySequence.StandardKey.SelectPreviousLine: Move.UP,
    QKeySequence.StandardKey.SelectNextLine: Move.DOWN,
    QKeySequence.StandardKey.SelectPreviousPage: Move.PAGE_UP,
    QKeySequence.StandardKey.SelectNextPage: Move.PAGE_DOWN,
    QKeySequence.StandardKey.SelectStartOfLine: Move.LINE_START,
    QKeySequence.StandardKey.SelectEndOfLine: Move.LINE_END,
    QKeySequence.StandardKey.SelectStartOfDocument: Move.START,
    QKeySequence.StandardKey.SelectEndOfDocument: Move.END,
}


def move_of(event: QKeyEvent) -> tuple[Move | None, bool]:
    """What a key does to the caret, None for nothing; and whether the selection goes along."""
    for keys, extend in ((_KEYS, False), (_EXTENDING, True)):
        for key, move in keys.items():
            if event.matches(key):
                return move, extend
    return None, False
