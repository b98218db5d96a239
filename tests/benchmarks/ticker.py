"""How long the window's thread did not come to what it has to do: a timer of 10 ms in it, and how late each tick is."""

from __future__ import annotations

import time

from PySide6.QtCore import QObject, Qt, QTimer

TICK_MS = 10


class Ticker(QObject):
    """A timer that notes how late it comes, in milliseconds."""

    def __init__(self) -> None:
        super().__init__()
        self._late: list[float] = []
        self._last = 0.0
        self._timer = QTimer(self, timerType=Qt.TimerType.PreciseTimer, interval=TICK_MS)
        self._timer.timeout.connect(self._tick)

    def start(self) -> None:
        self._late = []
        self._last = time.perf_counter()
        self._timer.start()

    def stop(self) -> list[float]:
        """How late they all were, sorted; what happened since the last one counts too."""
        self._tick()
        self._timer.stop()
        return sorted(self._late)

    def _tick(self) -> None:
        now = time.perf_counter()
        self._late.append(max(0.0, (now - self._last) * 1000 - TICK_MS))
        self._last = now


def p99(values: list[float]) -> float:
    """Of sorted ones."""
    return values[int(len(values) * 0.99)]
