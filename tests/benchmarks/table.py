"""A figure: its median, its spread, what it aims at, and what it is measured against.

The machine changes from run to run, so what holds is mostly the ratio to a reference that was measured in turns with
it, in the same run: that is what is kept and compared.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

#: Of these units more is better.
MORE_IS_BETTER = ("tokens/s", "MB/s", "gain")


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of some measurements, the quarters around it, and the ends."""

    median: float
    low: float
    high: float
    least: float
    most: float


@dataclass(frozen=True, slots=True)
class Reference:
    """What a figure was measured against, and how many times as much the figure is."""

    name: str
    median: float
    ratio: Spread


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    name: str
    unit: str
    value: Spread
    aim: str = ""
    reference: Reference | None = None

    @property
    def median(self) -> float:
        return self.value.median

    @property
    def least(self) -> float:
        return self.value.least

    @property
    def most(self) -> float:
        return self.value.most


def spread(values: Sequence[float]) -> Spread:
    """How these measurements lie; of three or fewer the quarters are the ends."""
    low, high = min(values), max(values)
    if len(values) > 3:
        low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return Spread(statistics.median(values), low, high, min(values), max(values))


def row(
    name: str, unit: str, values: Sequence[float], aim: str = "", against: tuple[str, Sequence[float]] | None = None
) -> Row:
    """The line of these measurements.

    Args:
        name: what was measured.
        unit: its unit.
        values: the measurements.
        aim: what the median should be, as `below 160`, `at most 16`, `at least 0.97`; with ` of it`, what the ratio
            should be; with `most ` before it, what no measurement should be beyond.
        against: what they are measured against: its name, and its measurements, in turns with these or another number.
    """
    reference = None
    if against is not None:
        called, others = against
        middle = statistics.median(others)
        pairs = len(others) == len(values) and all(others)
        ratios = [a / b for a, b in zip(values, others, strict=True)] if pairs else [a / (middle or 1) for a in values]
        reference = Reference(called, middle, spread(ratios))
    return Row(name, unit, spread(values), aim, reference)


def misses(one: Row) -> bool:
    """Whether the median is not what it should be."""
    if not one.aim:
        return False
    of_it = one.aim.endswith(" of it") and one.reference is not None
    of = one.reference.ratio if of_it and one.reference is not None else one.value
    aim = one.aim.removesuffix(" of it")
    figure = of.most if aim.startswith("most ") else of.median
    limit = float(aim.split()[-1])
    return figure < limit if "at least" in aim else figure > limit


def lines(rows: Sequence[Row]) -> list[str]:
    """The table, with what misses its aim marked."""
    said = [f"{'':<70}{'median':>9}{'least':>9}{'most':>9}  {'unit':<9}{'times':>8}  aim"]
    for one in rows:
        figures = "".join(f"{value:>9.3g}" for value in (one.median, one.least, one.most))
        times = f"{one.reference.ratio.median:>8.3g}" if one.reference else f"{'':>8}"
        said.append(f"{one.name:<70}{figures}  {one.unit:<9}{times}  {one.aim}{' (missed)' if misses(one) else ''}")
        if one.reference:
            said.append(f"    against {one.reference.name}: {one.reference.median:.3g} {one.unit}")
    return [line.rstrip() for line in said]


def show(rows: Sequence[Row]) -> None:
    """Print the table."""
    print("\n".join(lines(rows)))


def timed(work: Callable[[], object], rounds: int) -> list[float]:
    """How long each of so many rounds took, in milliseconds."""
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        times.append((time.perf_counter() - started) * 1000)
    return times
