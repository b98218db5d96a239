"""The real command, as a process of its own, with folders of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

PROGRAM = "nodetool-xl-desktop"


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "nodetool_xl_desktop", *map(str, arguments)]


def environment(home: Path, **more: str) -> dict[str, str]:
    """What a person's shell would hand over; everything that is written goes below `home`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "XDG_"))}
    folders = {f"XDG_{kind}_HOME": str(home / kind.lower()) for kind in ("DATA", "STATE", "CONFIG", "CACHE")}
    return {**kept, **folders, "HOME": str(home), **more}


def run(
    home: Path, *arguments: str | Path, more: dict[str, str] | None = None, **options: Any
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    settings = {"capture_output": True, "text": True, "encoding": "utf-8", "timeout": 60, **options}
    return subprocess.run(command(*arguments), env=environment(home, **(more or {})), check=False, **settings)


def failure_of(done: subprocess.CompletedProcess[str]) -> str:
    """The one line on standard error of a command that could not do what was asked."""
    assert done.returncode == 1, (done.returncode, done.stdout, done.stderr)
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"{PROGRAM}: ")
    return line.removeprefix(f"{PROGRAM}: ")
