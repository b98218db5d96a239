"""Errors that nobody caught: logged without what they quote, from wherever they come."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from nodetool_xl_desktop.core.logging import log_file, tail
from nodetool_xl_desktop.core.uncaught import LEFT_OUT, message, place, told

SECRET = "meet me at the old mill at nine"

PROGRAM = """
import gc, sys, threading
from pathlib import Path
from nodetool_xl_desktop.core import uncaught
from nodetool_xl_desktop.core.logging import set_up

set_up(Path(sys.argv[1]))
SECRET = sys.argv[3]
heard = []
with uncaught.heard_by(lambda what, error: heard.append((what, type(error).__name__))):
    exec(sys.argv[2])
print(heard)
"""


def run(folder: Path, action: str) -> tuple[str, str]:
    """What was heard, and the log."""
    command = [sys.executable, "-c", PROGRAM, str(folder), action, SECRET]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    return done.stdout, log_file(folder).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("action", "heard"),
    [
        ("sys.excepthook(ValueError, ValueError(SECRET), None)", "('Uncaught', 'ValueError')"),
        (
            "t = threading.Thread(target=lambda: {}[SECRET]); t.start(); t.join()",
            "('A thread failed', 'KeyError')",
        ),
        (
            "class Left:\n  def __del__(self): raise RuntimeError(SECRET)\nleft = Left(); del left; gc.collect()",
            "('Something failed while it was cleared away', 'RuntimeError')",
        ),
    ],
)
def test_each_is_logged_and_heard_without_its_words(tmp_path: Path, action: str, heard: str) -> None:
    said, log = run(tmp_path, action)
    assert heard in said
    assert "CRITICAL nodetool_xl_desktop: " in log
    assert LEFT_OUT in log
    assert "old mill" not in log


def test_what_comes_again_and_again_is_counted(tmp_path: Path) -> None:
    fail = "  try: {}[1]\n  except KeyError as e: uncaught.tell('Painting', e)"
    again = f"for _ in range(150):\n{fail}"
    said, log = run(tmp_path, again)
    assert said.count("Painting") == 150
    assert log.count("Traceback") == 1
    assert [int(found) for found in re.findall(r"for the (\d+)th time", log)] == [10, 100]


def test_an_error_is_told_with_all_that_led_to_it_and_nothing_it_quotes() -> None:
    def chained() -> None:
        try:
            raise ValueError(SECRET)
        except ValueError as error:
            raise ExceptionGroup(
                SECRET, [KeyError(SECRET), AttributeError("'X' object has no attribute 'y'")]
            ) from error

    with pytest.raises(ExceptionGroup) as raised:
        chained()
    lines = told(raised.value)
    assert "old mill" not in lines
    assert lines.splitlines()[0] == "Traceback (most recent call last):"
    assert f"ValueError: {LEFT_OUT}" in lines
    assert f"  KeyError: {LEFT_OUT}" in lines
    assert "  AttributeError: 'X' object has no attribute 'y'" in lines
    assert place(raised.value).startswith("test_core_uncaught.py, line ")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            FileNotFoundError(2, "No such file or directory", f"/home/me/{SECRET}"),
            "[Errno 2] No such file or directory",
        ),
        (RuntimeError("Internal C++ object (PySide6.QtWidgets.QLabel) already deleted."), None),
        (RuntimeError(f"dictionary changed size during iteration {SECRET}"), LEFT_OUT),
        (TypeError("f() missing 1 required positional argument: 'x'"), None),
        (TypeError(SECRET), LEFT_OUT),
        (IndexError("list index out of range"), None),
        (UnicodeDecodeError("utf-8", SECRET.encode(), 0, 1, "invalid"), LEFT_OUT),
        (AssertionError(), ""),
    ],
)
def test_only_what_python_itself_says_is_told(error: Exception, said: str | None) -> None:
    assert message(error) == (str(error) if said is None else said)


def test_two_processes_share_the_log_and_it_stays_small(tmp_path: Path) -> None:
    each = """
import logging, sys
from pathlib import Path
from nodetool_xl_desktop.core.logging import set_up
set_up(Path(sys.argv[1]))
for number in range(2000):
    logging.getLogger("nodetool_xl_desktop.x").info("%s %d %s", sys.argv[2], number, "x" * 1000)
"""
    running = [
        subprocess.Popen([sys.executable, "-c", each, str(tmp_path), name], stderr=subprocess.PIPE, text=True)
        for name in ("one", "two")
    ]
    assert [program.communicate(timeout=60)[1] for program in running] == ["", ""]
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == [log_file(tmp_path).name + end for end in ("", ".1", ".2")]
    assert sum(file.stat().st_size for file in files) < 3_300_000
    for file in files:
        for line in file.read_text(encoding="utf-8").splitlines():
            assert re.fullmatch(r"\S+ \S+ INFO nodetool_xl_desktop\.x: (one|two) \d+ x{1000}", line), line[:80]
    assert len(tail(tmp_path, 60)) == 60
