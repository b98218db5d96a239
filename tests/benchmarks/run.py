"""`make bench`: what this program costs on the machine it runs on, each figure against a reference of the same run.

    python tests/benchmarks/run.py [--only start,idle] [--keep]

Prints one table, writes one file (`build/bench.json`), and says what became worse since the run that is kept in
`packaging/figures.json`. Nothing here passes or fails. Each part runs in a process of its own, so that none stands in
the way of another; one that breaks is told, and the others go on.

`NTXL_BENCH_CHATS` names a folder in which the generated chats are kept for the next run (2 GB); else they are made
anew, which takes about a minute. `NTXL_BENCH_IDLE_S` makes the minute of idling shorter.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import inspect
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ["NTXL_LANGUAGE"] = "en"

import kept
from table import Row, show

#: What is measured, by the module that does it: those that people feel first.
PARTS = {
    "start": "start",
    "idle": "idle",
    "window": "window",
    "scan": "scanning",
    "preview": "preview",
    "store": "chats",
    "transcript": "transcript",
    "models": "model_list",
    "tools": "tools",
    "downloads": "downloads",
    "provider": "provider",
    "estimates": "estimates",
}


def measured(part: str) -> list[Row]:
    """The rows of a part, in this process; those that are coroutines are run on the program's own loop."""
    rows = importlib.import_module(PARTS[part]).rows
    if not inspect.iscoroutinefunction(rows):
        return list(rows())
    from nodetool_xl_desktop import app  # noqa: PLC0415 - Qt, which the others do without

    with contextlib.closing(app.event_loop(app.application())) as loop:
        return list(loop.run_until_complete(rows()))


def apart(part: str) -> list[Row] | None:
    """The rows of a part, from a process of its own; None where it broke."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.json"
        done = subprocess.run([sys.executable, __file__, "--part", part, str(file)], check=False)
        return list(map(kept.as_row, json.loads(file.read_text(encoding="utf-8")))) if done.returncode == 0 else None


def names(text: str) -> list[str]:
    """Parts, as they are named on the command line."""
    given = [name for name in text.replace(",", " ").split() if name]
    if unknown := set(given) - set(PARTS):
        raise argparse.ArgumentTypeError(f"no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    return given or list(PARTS)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what the program costs on this machine.")
    parser.add_argument("--only", type=names, default=list(PARTS), metavar="PART,...", help=", ".join(PARTS))
    parser.add_argument("--keep", action="store_true", help="keep these figures in packaging/, for later runs")
    parser.add_argument("--part", nargs=2, metavar=("PART", "FILE"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.part:
        part, file = given.part
        Path(file).write_text(kept.told(measured(part)), encoding="utf-8")
        return
    run, broken = kept.here(), []
    print(f"{run.machine}; {', '.join(map(' '.join, run.versions.items()))}; commit {run.commit}", flush=True)
    for part in given.only:
        began = time.monotonic()
        print(f"Measuring {part} ...", flush=True)
        if (rows := apart(part)) is None:
            broken.append(part)
        else:
            run.parts[part] = rows
            print(f"Measuring {part}: {time.monotonic() - began:.0f} s", flush=True)
    print()
    show([one for rows in run.parts.values() for one in rows])
    worse = kept.worse(run, kept.read(kept.KEPT))
    print(
        "\nWorse by more than 10 % than what is kept, beyond the spread of both runs:" if worse else "\nNothing worse."
    )
    for line in worse:
        print(f"  {line}")
    if broken:
        print(f"\nBroke, see above: {', '.join(broken)}")
    kept.write(run, kept.LAST)
    if given.keep:
        kept.keep(run)
        print(f"\nKept: {kept.KEPT.relative_to(kept.ROOT)}, {kept.KEPT_TABLE.relative_to(kept.ROOT)}")


if __name__ == "__main__":
    main()
