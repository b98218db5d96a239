"""A column of turns by keys: one of them at a time is where Tab stops, and the keys go from turn to turn."""

from __future__ import annotations

from PySide6.QtCore import Qt

from nodetool_xl_desktop.ui.transcript.turn_column import TurnColumn
from nodetool_xl_desktop.ui.transcript.turn_view import holds_focus


class FocusColumn(TurnColumn):
    """Has no focus itself: one of its turns has it."""

    def __init__(self) -> None:
        super().__init__()
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
            self.focus_turn(self.stop() if held is None else max(0, min(held + by, self.count - 1)))

    def focus_turn(self, index: int) -> None:
        """Have the keys go to a turn, in view."""
        self.bring(index)
        if (view := self.turn(index)) is not None:
            view.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def turns_arranged(self) -> None:
        stop = self.stop()
        for index, view in self.alive.items():
            view.set_stop(is_stop=index == stop or holds_focus(view))
