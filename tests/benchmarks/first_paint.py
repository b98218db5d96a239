"""Prints the seconds from a given time of day to the first paint of the program's window, with My Models listed, and to
the first page of its chats.

    python tests/benchmarks/first_paint.py TIME [HOME]

With `HOME` the program's folders are there, and else they are empty.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

gc.disable()  # as the program does

from nodetool_xl_desktop.ui import unread_sources

unread_sources.leave_unread()

from PySide6.QtCore import QEvent, QObject

from nodetool_xl_desktop import app
from nodetool_xl_desktop.core import logging as core_logging
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.engine import hardware, wheels
from nodetool_xl_desktop.engine.pool import Pool


class Painted(QObject):
    """Waits for the first paint of the window it watches."""

    def __init__(self) -> None:
        super().__init__()
        self.done = asyncio.Event()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.Paint:
            self.done.set()  # the waiting task goes on when everything is painted
        return super().eventFilter(watched, event)


async def main(started: float, home: Path) -> None:
    paths = Paths.below(home)
    core_logging.set_up(paths.logs)
    parts = app.build(paths, Pool(), None if wheels.is_installed(paths.engines) else wheels.recommend(hardware.look()))
    painted = Painted()
    parts.window.installEventFilter(painted)
    has_chats = paths.chats.exists()
    listed = asyncio.create_task(parts.window.models.list_models())
    parts.window.show()
    await asyncio.wait([listed])
    await painted.done.wait()
    painted_s = time.time() - started
    chats = parts.window.side_bar.chats.view.model()
    while parts.window.chats.store is None or (has_chats and not chats.rowCount()):  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0.002)
    print(painted_s, time.time() - started)
    await parts.shut_down()


with tempfile.TemporaryDirectory() as folder, contextlib.closing(app.event_loop(app.application())) as loop:
    loop.run_until_complete(main(float(sys.argv[1]), Path(sys.argv[2] if len(sys.argv) > 2 else folder)))
