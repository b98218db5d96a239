"""A column of turns by keys: one of them at a time is where Tab stops, and the keys go from turn to turn."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QWidget

from nodetool_xl_desktop.ui.inputs import in_order
from nodetool_xl_desktop.ui.transcript.turn_column import TurnColumn
from nodetool_xl_desktop.ui.transcript.turn_view import TurnView, holds_focus


class FocusColumn(TurnColumn):
    """Has no focus itself: one of its turns has it."""

    #: The keys are to go to what stands below the last turn.
    left_downwards = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._in_order: tuple[QWidget, ...] = ()
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    @property
    def focused(self) -> int | None:
        """The turn that the keys go to."""
        return next((index for index, view in self.alive.items() if holds_focus(view)), None)

    def stop(self) -> int:
        """Where Tab enters: the last turn that is in view."""
        room = self.viewport().height()
        return max((index for index in self.alive if self.top_in_view(index) < room), default=self.count - 1)

    def step(self, by: int) -> None:
        """Put the focus on the turn so many further; where none has it, on the one where Tab enters."""
        if self.count:
            held = self.focused
            if held is not None and held + by >= self.count:
                self.left_downwards.emit()
                return
            self.focus_turn(self.stop() if held is None else max(0, min(held + by, self.count - 1)))

    def focus_turn(self, index: int) -> None:
        """Have the keys go to a turn, in view."""
        self.bring(index)
        if (view := self.turn(index)) is not None:
            view.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def turns_arranged(self) -> None:
        self.order_keys()

    def order_keys(self) -> None:
        """Have Tab stop at one turn, and come to it from what is above it: Qt puts what is made late at the end."""
        held = self.focused
        at = self.stop() if held is None else held
        for index, each in self.alive.items():
            each.set_stop(is_stop=index == at)
        view = self.alive.get(at)
        if view is not None and (order := self.key_order(view)) != self._in_order:
            self._in_order = order
            in_order(*order)

    def key_order(self, view: TurnView) -> tuple[QWidget, ...]:
        """What Tab goes through around a turn; a subclass knows."""
        return (view,)
