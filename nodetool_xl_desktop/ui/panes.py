"""From pane to pane by a key: the side bar, the page in the centre, the fit panel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from weakref import ReferenceType, ref

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QWidget
from shiboken6 import Shiboken

from nodetool_xl_desktop.ui.inputs import stops


@dataclass(frozen=True, slots=True)
class Pane:
    """One of them.

    Attributes:
        widget: all of it.
        focus: has the keys go to what is most used in it, when they were not in it before; None for what stands first.
    """

    widget: QWidget
    focus: Callable[[], object] | None = None


class Panes:
    """Those of one window. The keys go back to where they were in each of them.

    Args:
        panes: from left to right.
    """

    def __init__(self, panes: Sequence[Pane]) -> None:
        self._panes = panes
        self._left: dict[int, ReferenceType[QWidget]] = {}

    def go(self, step: int) -> None:
        """Have the keys go to the pane behind the one that has them, or to that before it (-1)."""
        focus = QApplication.focusWidget()
        now = next((at for at, pane in enumerate(self._panes) if _is_in(focus, pane)), None)
        if now is not None and focus is not None:
            self._left[now] = ref(focus)
        start = now if now is not None else (-1 if step > 0 else 0)
        for steps in range(1, len(self._panes) + 1):
            if self._enter((start + step * steps) % len(self._panes)):
                return

    def _enter(self, at: int) -> bool:
        """Whether the keys are in this pane now: one that is hidden, or has nothing for them, takes none."""
        pane = self._panes[at]
        if not pane.widget.isVisible():
            return False
        known = self._left[at]() if at in self._left else None
        if known is not None and Shiboken.isValid(known) and _takes_keys(known) and pane.widget.isAncestorOf(known):
            known.setFocus(Qt.FocusReason.TabFocusReason)
        elif pane.focus is not None:
            pane.focus()
        if not _is_in(QApplication.focusWidget(), pane):
            first = next((each for each in stops(pane.widget) if _takes_keys(each)), None)
            if first is not None:
                first.setFocus(Qt.FocusReason.TabFocusReason)
        return _is_in(QApplication.focusWidget(), pane)


def _is_in(focus: QWidget | None, pane: Pane) -> bool:
    return focus is not None and (focus is pane.widget or pane.widget.isAncestorOf(focus))


def _takes_keys(widget: QWidget) -> bool:
    return widget.isVisible() and widget.isEnabled()
