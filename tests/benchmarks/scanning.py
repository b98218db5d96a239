"""2,000 models in 40 folders: the library alone against a plain walk, and the whole window while it scans them."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from pathlib import Path

import library
from table import Row, row
from ticker import Ticker

from nodetool_xl_desktop import app
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.engine.pool import Pool

ROUNDS = 3


async def rows() -> list[Row]:
    with tempfile.TemporaryDirectory() as home:
        paths = Paths.below(Path(home))
        library.make(paths.models, 2000, 40)
        found = await library.measure(Path(home))
        walked = [library.walk(paths.models) for _ in range(5)]
        ticker, took, gaps, idle = Ticker(), {"first": [], "second": []}, {"first": [], "second": []}, []
        for _ in range(ROUNDS):
            shutil.rmtree(paths.cache, ignore_errors=True)
            parts = app.build(paths, Pool(), user_home=Path(home))
            parts.window.show()
            parts.window.centre.show_table()
            await asyncio.sleep(3)  # what follows the first paint is not a scan's
            ticker.start()
            await asyncio.sleep(1)
            idle.append(ticker.stop()[-1])
            for name in ("first", "second"):
                ticker.start()
                started = time.perf_counter()
                await parts.window.models.list_models()
                took[name].append(time.perf_counter() - started)
                gaps[name].append(ticker.stop()[-1])
            parts.window.hide()
            await parts.shut_down()
    plain, nothing = (library.PLAIN, walked), ("the largest with nothing to do", idle)
    for name, aim in (("first", ""), ("second", "at most 1")):
        found += [
            row(f"2,000 models in the window: {name} scan", "s", took[name], aim, plain),
            row(f"largest gap of the window while scanning: {name} scan", "ms", gaps[name], "most below 50", nothing),
        ]
    return found
