"""How large the chat is drawn: in steps, by keys and by Ctrl and the wheel."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QWheelEvent

from nodetool_xl_desktop.ui.theme import Theme

#: A step of the wheel, in eighths of a degree.
WHEEL_STEP = 120
STEPS = (0.5, 0.67, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0)


def stepped(zoom: float, by: int) -> float:
    """So many steps further from a zoom, which may lie between two of them."""
    if by > 0:
        left = [step for step in STEPS if step > zoom + 0.001]
        return left[min(by, len(left)) - 1] if left else STEPS[-1]
    left = [step for step in reversed(STEPS) if step < zoom - 0.001]
    return left[min(-by, len(left)) - 1] if left and by else STEPS[0] if by else zoom


class Zoom(QObject):
    """Of the whole program.

    Args:
        theme: is told.
    """

    #: The person chose this one: keep it.
    chosen = Signal(float)

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme)
        self._theme = theme

    def step(self, by: int) -> None:
        """Larger, or smaller, by so many steps."""
        self._choose(stepped(self._theme.chosen_zoom, by))

    def reset(self) -> None:
        """As large as everything else."""
        self._choose(1.0)

    def use(self, zoom: float) -> None:
        """As it was chosen before; nothing is kept."""
        self._theme.set_zoom(zoom)

    def _choose(self, zoom: float) -> None:
        if zoom != self._theme.chosen_zoom:
            self._theme.set_zoom(zoom)
            self.chosen.emit(self._theme.chosen_zoom)


class WheelSteps:
    """Turns of the wheel as whole steps: a touch pad tells of very small ones."""

    def __init__(self) -> None:
        self._rest = 0

    def take(self, event: QWheelEvent) -> int:
        """So many steps this turn makes, with what was left over before."""
        self._rest += event.angleDelta().y()
        steps = int(self._rest / WHEEL_STEP)
        self._rest -= steps * WHEEL_STEP
        return steps
