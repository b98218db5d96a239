"""What a test wants to know about processes: whether one is gone, and whether any stayed behind."""

from __future__ import annotations

import time

import psutil


def is_gone(pid: int, within_s: float) -> bool:
    """Whether the process ends within this time; one that only waits to be buried has ended."""
    deadline = time.monotonic() + within_s
    while _runs(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def children() -> list[psutil.Process]:
    """The processes that this one started and that still run."""
    return [child for child in psutil.Process().children(recursive=True) if _runs(child.pid)]


def end(pid: int) -> None:
    """Kill a process that a failed test left behind, so that it cannot spoil the next one."""
    try:
        psutil.Process(pid).kill()
    except psutil.NoSuchProcess:
        return
    is_gone(pid, 5)


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
