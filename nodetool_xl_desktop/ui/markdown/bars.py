"""The controls in what is drawn near to what is seen: made when they are due, moved with their leaves, and dropped."""

from __future__ import annotations

from PySide6.QtWidgets import QAbstractButton, QWidget

from nodetool_xl_desktop.ui.markdown.sheet import Sheet
from nodetool_xl_desktop.ui.markdown.shown import drop_bars, holds_focus

#: From where to where, in pixels from the top of the text.
Span = tuple[float, float]


def place_bars(view: QWidget, sheet: Sheet, near: Span, seen: Span) -> bool:
    """Have controls in all that is near, and only there.

    Of those that are not seen yet one is made at a time.

    Returns:
        whether there are more to be made.
    """
    is_left = made = False
    for shown, _, at, each, y in sheet.drawn_in(*near):
        if at in shown.bars:
            continue
        if made and not (y < seen[1] and y + each.height > seen[0]):
            is_left = True
            continue
        bar = shown.bars[at] = each.make_bar(view)
        if bar is not None:
            made = True
            for button in bar.findChildren(QAbstractButton):
                button.setFocusPolicy(view.focusPolicy())  # Tab stops in one message at a time
            bar.move(0, y)
            bar.show()
    move_bars(sheet, near)
    return is_left


def lacks_bars(sheet: Sheet, near: Span) -> bool:
    """Whether there are some to be made."""
    return any(at not in shown.bars for shown, _, at, _, _ in sheet.drawn_in(*near))


def move_bars(sheet: Sheet, near: Span) -> None:
    """Move those that there are to where their leaves are now, and drop those that are far."""
    within = {index for _, index, _, _, _ in sheet.drawn_in(*near)}
    for index in sheet.alive:
        shown = sheet.sections[index]
        if index in within or holds_focus(shown):
            base = sheet.heights.top(index)
            for at, found in shown.bars.items():
                if found is not None:
                    found.move(0, base + shown.tops[at])
        elif shown.bars:
            drop_bars(shown)
