"""A figure: its median, its spread, and what it aims at."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    name: str
    unit: str
    median: float
    least: float
    most: float
    aim: str = ""


def row(name: str, unit: str, values: list[float], aim: str = "") -> Row:
    """The line of these measurements."""
    return Row(name, unit, statistics.median(values), min(values), max(values), aim)


def timed(work: Callable[[], object], rounds: int) -> list[float]:
    """How long each of so many rounds took, in milliseconds."""
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        times.append((time.perf_counter() - started) * 1000)
    return times
