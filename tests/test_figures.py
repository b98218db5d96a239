"""What `make bench` says of two runs: worse only where it is by more than a tenth, beyond the spread of both."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent / "benchmarks"))

import kept
import table


def run(*rows: table.Row) -> kept.Run:
    made = kept.here()
    made.parts["part"] = list(rows)
    return made


@pytest.mark.parametrize(
    ("before", "now", "unit", "is_worse"),
    [
        ([1.0, 1.0, 1.0], [1.2, 1.2, 1.2], "s", True),
        ([1.0, 1.0, 1.0], [1.05, 1.05, 1.05], "s", False),  # less than a tenth
        ([0.5, 1.0, 1.5], [0.6, 1.2, 1.8], "s", False),  # within the spread
        ([1.0, 1.0, 1.0], [0.5, 0.5, 0.5], "s", False),  # better
        ([50.0, 50.0], [40.0, 40.0], "tokens/s", True),
        ([50.0, 50.0], [60.0, 60.0], "tokens/s", False),
    ],
)
def test_worse(before: list[float], now: list[float], unit: str, is_worse: bool) -> None:
    said = kept.worse(run(table.row("figure", unit, now)), run(table.row("figure", unit, before)))
    assert bool(said) is is_worse


def test_the_ratio_counts_where_there_is_a_reference() -> None:
    def measured(ours: float, bare: float) -> kept.Run:
        return run(table.row("figure", "s", [ours] * 4, "", ("bare", [bare] * 4)))

    assert not kept.worse(measured(2.0, 1.0), measured(1.0, 0.5))  # a slower machine
    assert kept.worse(measured(1.0, 0.4), measured(1.0, 0.5)) == ["part: figure: 2 -> 2.5 times bare (+25%)"]


def test_a_run_is_read_as_it_was_written(tmp_path: Path) -> None:
    made = run(table.row("figure", "s", [1.0, 2.0], "below 3", ("bare", [1.0, 1.0])), table.row("other", "MiB", [5]))
    kept.write(made, tmp_path / "run.json")
    assert kept.read(tmp_path / "run.json") == made
    assert kept.read(tmp_path / "none.json") is None
    assert "| figure | 1.5 | 1 | 2 | s | below 3 | 1.5 | bare |" in kept.as_markdown(made)


@pytest.mark.parametrize(
    ("aim", "misses"),
    [
        ("", False),
        ("below 3", False),
        ("below 1", True),
        ("most below 3", True),
        ("at least 3", True),
        ("at most 2 of it", False),
        ("at least 0.97 of it", True),
    ],
)
def test_aims(aim: str, misses: bool) -> None:
    assert table.misses(table.row("figure", "s", [1.0, 2.0, 4.0], aim, ("twice", [4.0, 4.0, 4.0]))) is misses
