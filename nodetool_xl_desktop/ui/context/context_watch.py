"""Keeps the gauge at what would be sent now, without a count for each key that is pressed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from PySide6.QtCore import QObject, QTimer

from nodetool_xl_desktop.chat.context import ContextUse
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.ui.context.context_gauge import ContextGauge
from nodetool_xl_desktop.ui.tasks import Tasks

#: How long changes are gathered before the next count begins, in milliseconds.
GATHERED_MS = 150


class ContextWatch(QObject):
    """Counts again when told that something changed: one count at a time, and the last change always counted.

    Args:
        tasks: where it counts.
        gauge: what shows it.
        count: counts what would be sent now, as it stands when it is called; None where there is nothing to count:
            then there is no gauge either.
    """

    def __init__(
        self, tasks: Tasks, gauge: ContextGauge, count: Callable[[], Coroutine[Any, Any, ContextUse | None]]
    ) -> None:
        super().__init__(gauge)
        self._tasks = tasks
        self._gauge = gauge
        self._count = count
        self._counting: asyncio.Task[None] | None = None
        self._has_more = False
        self._subject = 0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(GATHERED_MS)
        self._timer.timeout.connect(self._begin)

    def look_again(self, *, now: bool = False) -> None:
        """Something changed: what is typed, what is shown, the model, or how it is asked.

        Args:
            now: another chat or model: what is shown is wrong, and is not kept while the new one is counted.
        """
        if now:
            self._subject += 1
            self._gauge.show_use(None)
            self._timer.start(0)
        elif not self._timer.isActive():  # not started anew: who types without a pause would see nothing
            self._timer.start(GATHERED_MS)

    def _begin(self) -> None:
        if self._counting is not None and not self._counting.done():
            self._has_more = True
            return
        self._counting = self._tasks.start(self._show(self._subject))
        self._counting.add_done_callback(lambda _task: self._again())

    async def _show(self, subject: int) -> None:
        use = None
        try:
            use = await self._count()
            is_nothing = use is None
        except UserFacingError:  # what is wrong with it is told when it is sent
            is_nothing = False
        if subject == self._subject:
            self._gauge.show_use(use)
            self._gauge.setVisible(not is_nothing)

    def _again(self) -> None:
        if self._has_more:
            self._has_more = False
            self._timer.start(0)
