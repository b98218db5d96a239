"""What is kept of a run (`packaging/figures.json`, and as a table for people `packaging/figures.md`), and what became
worse since.

A figure is compared by its ratio to the reference where it has one, as the machine is another one each time; else by
itself. Worse means by more than a tenth, and beyond the spread of both runs: their middle halves do not meet.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
from table import MORE_IS_BETTER, Reference, Row, Spread, misses

from nodetool_xl_desktop import __version__

ROOT = Path(__file__).resolve().parents[2]
LAST = ROOT / "build" / "bench.json"
KEPT = ROOT / "packaging" / "figures.json"
KEPT_TABLE = ROOT / "packaging" / "figures.md"
WORSE = 0.1
VERSIONS = ("PySide6-Essentials", "qasync", "xllamacpp")


@dataclass
class Run:
    """One run: where, when, of what, and its figures by the part that they are of."""

    machine: str
    commit: str
    when: str
    versions: dict[str, str]
    load: float
    parts: dict[str, list[Row]] = field(default_factory=dict)


def here() -> Run:
    """A run that begins now."""
    memory = psutil.virtual_memory().total / 2**30
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors, {memory:.0f} GiB"
    found = {name: version(name) for name in VERSIONS}
    found = {"nodetool-xl-desktop": __version__, "Python": platform.python_version(), **found}
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    return Run(machine, _commit(), f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC", found, round(load, 1))


def _commit() -> str:
    told = subprocess.run(
        ["git", "-C", ROOT, "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    )
    return told.stdout.strip()


def write(run: Run, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(asdict(run), indent=1) + "\n", encoding="utf-8")


def read(file: Path) -> Run | None:
    """A run that was written; None where there is none."""
    if not file.exists():
        return None
    told: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    parts = {part: list(map(as_row, rows)) for part, rows in told.pop("parts").items()}
    return Run(**told, parts=parts)


def as_row(told: dict[str, Any]) -> Row:
    reference = told["reference"]
    if reference is not None:
        reference = Reference(reference["name"], reference["median"], Spread(**reference["ratio"]))
    return Row(told["name"], told["unit"], Spread(**told["value"]), told["aim"], reference)


def keep(run: Run) -> None:
    """Keep the parts that were run, beside those that were kept before."""
    before = read(KEPT)
    parts = {**(before.parts if before else {}), **run.parts}
    write(Run(**{**vars(run), "parts": parts}), KEPT)
    KEPT_TABLE.write_text(as_markdown(Run(**{**vars(run), "parts": parts})), encoding="utf-8")


def worse(run: Run, before: Run | None) -> list[str]:
    """What became worse, a line each."""
    if before is None:
        return []
    known = {(part, one.name): one for part, rows in before.parts.items() for one in rows}
    said = []
    for part, rows in run.parts.items():
        for one in rows:
            other = known.get((part, one.name))
            if other is not None and other.unit == one.unit and (line := _worse(one, other)):
                said.append(f"{part}: {line}")
    return said


def _worse(now: Row, before: Row) -> str:
    by_ratio = now.reference is not None and before.reference is not None
    a = now.reference.ratio if by_ratio and now.reference else now.value
    b = before.reference.ratio if by_ratio and before.reference else before.value
    grows = now.unit in MORE_IS_BETTER
    if grows:
        is_worse = a.median < b.median * (1 - WORSE) and a.high < b.low
    else:
        is_worse = a.median > b.median * (1 + WORSE) and a.low > b.high
    if not is_worse:
        return ""
    change = f"{a.median / b.median - 1:+.0%}" if b.median else "from nothing"
    unit = "times " + now.reference.name if by_ratio and now.reference else now.unit
    return f"{now.name}: {b.median:.3g} -> {a.median:.3g} {unit} ({change})"


def as_markdown(run: Run) -> str:
    """The table for people."""
    versions = ", ".join(f"{name} {number}" for name, number in run.versions.items())
    said = [
        "# Figures",
        "",
        "What `make bench KEEP=1` kept last. The times are those of one machine; what holds elsewhere is the ratio to",
        "the reference, which was measured in the same run.",
        "",
        f"{run.machine}; {versions}; commit {run.commit}; {run.when}; load before it {run.load}.",
    ]
    for part, rows in run.parts.items():
        said += ["", f"## {part}", "", "| | median | least | most | unit | aim | times | the reference |"]
        said.append("|---|---:|---:|---:|---|---|---:|---|")
        for one in rows:
            figures = " | ".join(f"{value:.3g}" for value in (one.median, one.least, one.most))
            aim = f"{one.aim} (missed)" if misses(one) else one.aim
            against = f"{one.reference.ratio.median:.3g} | {one.reference.name}" if one.reference else " | "
            said.append(f"| {one.name} | {figures} | {one.unit} | {aim} | {against} |")
    return "\n".join(said) + "\n"


def told(rows: Sequence[Row]) -> str:
    """Rows as JSON, from one process to another."""
    return json.dumps([asdict(one) for one in rows])
