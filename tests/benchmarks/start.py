"""From starting the process to the first painted window, in turns with a bare window of Qt."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from table import Row, row

HERE = Path(__file__).parent
ROUNDS = 10
BARE, IMPORT = "a bare PySide6 window", "importing PySide6 alone"


def seconds(script: str, *before: str, after: tuple[str, ...] = ()) -> list[float]:
    """What a program says of its own start, in seconds."""
    command = [sys.executable, str(HERE / script), *before, str(time.time()), *after]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return list(map(float, done.stdout.split()))


def rows() -> list[Row]:
    """Without chats; My Models is listed, and empty."""
    seconds("first_paint.py")  # what is on the disk is in memory from now on
    ours, bare, imported, stored = [], [], [], []
    for _ in range(ROUNDS):
        painted, opened = seconds("first_paint.py")
        ours.append(painted)
        stored.append(opened)
        bare += seconds("bare_window.py")
        imported += seconds("bare_window.py", "import")
    return [
        row("start to first paint", "s", ours, "below 1.2", (BARE, bare)),
        row("start to first paint, beside an import", "s", ours, "", (IMPORT, imported)),
        row("start to an open store", "s", stored, "", (BARE, bare)),
        row("start of a bare PySide6 window", "s", bare, "", (IMPORT, imported)),
    ]


def with_chats(home: Path) -> list[Row]:
    """With very many chats in the program's folders, in turns with none."""
    none: list[float] = []
    many: list[float] = []
    listed: list[float] = []
    for number in range(8):
        (bare, _), (full, shown) = seconds("first_paint.py"), seconds("first_paint.py", after=(str(home),))
        if number:  # the first ones fill the disk cache
            none.append(bare)
            many.append(full)
            listed.append(shown)
    return [
        row("start to first paint, 10,000 chats", "s", many, "below 1.2 of it", ("without chats", none)),
        row("start to the list of chats, 10,000", "s", listed, "", ("to the first paint without chats", none)),
    ]
