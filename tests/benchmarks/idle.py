"""What the program takes while nobody does anything: the real one, in a process and folders of its own, with no model.

Beside it, at the same time, a bare window of Qt. The memory is what the process alone holds (USS), and what the system
counts for it (RSS), which has in it what it shares with others. Pages of libraries that another process has mapped as
well, such as another PySide6, are not in the USS: with any of those running it is too small.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
from start import BARE
from table import Row, row

HERE = Path(__file__).parent
SETTLED_S = float(os.environ.get("NTXL_BENCH_SETTLED_S", "15"))
#: In so many parts of so many seconds.
PARTS, PART_S = 6, float(os.environ.get("NTXL_BENCH_IDLE_S", "60")) / 6


@dataclass(frozen=True)
class Taken:
    """Up to now: processor seconds, and how often its threads were woken."""

    processor_s: float
    woken: int


@contextlib.contextmanager
def running(command: list[str], home: Path) -> Iterator[psutil.Process]:
    """A program with all of its folders below one."""
    folders = {f"XDG_{kind}_HOME": str(home / kind.lower()) for kind in ("DATA", "CACHE", "CONFIG", "STATE")}
    places = {**folders, "HOME": str(home), "NTXL_LANGUAGE": "en", "QT_QPA_PLATFORM": "offscreen"}
    process = subprocess.Popen(command, env={**os.environ, **places}, cwd=home)
    try:
        yield psutil.Process(process.pid)
        if process.poll() is not None:
            raise RuntimeError(f"{command} ended by itself")
    finally:
        process.terminate()
        process.wait()


def taken(process: psutil.Process) -> Taken:
    """To the nanosecond where the system says so; by the system's ticks of 10 ms it would be a matter of luck."""
    woken = 0
    used = sum(process.cpu_times()[:2])
    tasks = Path(f"/proc/{process.pid}/task")
    if tasks.exists():
        woken = sum(psutil.Process(int(task.name)).num_ctx_switches().voluntary for task in tasks.iterdir())
        with contextlib.suppress(OSError, IndexError):
            used = sum(int((task / "schedstat").read_text().split()[0]) for task in tasks.iterdir()) / 1e9
    return Taken(used, woken)


def rows() -> list[Row]:
    """After 15 s, over 60 s."""
    ours = [sys.executable, "-m", "nodetool_xl_desktop", "--offscreen"]
    bare = [sys.executable, str(HERE / "bare_window.py")]
    uss: list[float] = []
    rss: list[float] = []
    for command in (bare, ours):  # not at once: what both map is in neither's USS
        with tempfile.TemporaryDirectory() as home, running(command, Path(home)) as process:
            time.sleep(SETTLED_S)
            memory = process.memory_full_info()
            uss.append(memory.uss / 2**20)
            rss.append(memory.rss / 2**20)
    with (
        tempfile.TemporaryDirectory() as home,
        tempfile.TemporaryDirectory() as other,
        running(ours, Path(home)) as program,
        running(bare, Path(other)) as window,
    ):
        time.sleep(SETTLED_S)
        used, idle, wakes = _over_a_minute(program, window)
        children = len(program.children(recursive=True))
    return [
        row("memory without a model, of the process alone (USS)", "MiB", uss[1:], "below 160", (BARE, uss[:1])),
        row("memory without a model, with what is shared (RSS)", "MiB", rss[1:], "below 160", (BARE, rss[:1])),
        row("processor while idle", "% of a core", used, "below 0.2", (BARE, idle)),
        row("threads woken while idle", "a second", wakes),
        row("children while idle", "processes", [children], "at most 0"),
    ]


def _over_a_minute(program: psutil.Process, window: psutil.Process) -> tuple[list[float], list[float], list[float]]:
    used, idle, wakes = [], [], []
    for _ in range(PARTS):
        began, before, other = time.monotonic(), taken(program), taken(window)
        time.sleep(PART_S)
        after, then = taken(program), taken(window)
        took = time.monotonic() - began
        used.append((after.processor_s - before.processor_s) / took * 100)
        idle.append((then.processor_s - other.processor_s) / took * 100)
        wakes.append((after.woken - before.woken) / took)
    return used, idle, wakes
