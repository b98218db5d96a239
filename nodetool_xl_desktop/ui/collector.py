"""Python's collector of cycles, where and when it disturbs nobody.

By itself it runs in whichever thread makes objects, and takes Qt's objects down there, which must not be: a timer is
stopped in its own thread only. A full run holds the window 60 ms. So it runs here: often for what is young, rarely for
all, and then while no answer streams in.
"""

from __future__ import annotations

import gc
from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer

#: How often is looked, in milliseconds.
EVERY_MS = 1000
#: So many more objects than at the last look are worth a run.
YOUNG = 2000
#: After so many runs over what is young all is looked through, as soon as nothing streams; and after so many anyway.
RUNS, MOST_RUNS = 30, 600


class Collector(QObject):
    """Collects cycles from now on, in the thread that it is made in, and never those that are there already.

    Args:
        is_quiet: whether the window may be held for a moment.
    """

    def __init__(self, is_quiet: Callable[[], bool]) -> None:
        super().__init__()
        self._is_quiet = is_quiet
        self._runs = 0
        self._was_on = gc.isenabled()
        gc.disable()
        gc.freeze()  # modules, and the window: they stay
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._look)
        self._timer.start(EVERY_MS)

    def close(self) -> None:
        """Leave it to Python again."""
        self._timer.stop()
        gc.unfreeze()
        if self._was_on:
            gc.enable()

    def _look(self) -> None:
        if gc.get_count()[0] < YOUNG:
            return
        self._runs += 1
        if self._runs > MOST_RUNS or (self._runs > RUNS and self._is_quiet()):
            self._runs = 0
            gc.collect()
        else:
            gc.collect(1)
