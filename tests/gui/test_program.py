"""The program as a person starts it: a process of its own, on the command line, and how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from PySide6.QtGui import QImage

PROGRAM = (sys.executable, "-m", "nodetool_xl_desktop")
LONG = "Write a very long story with many chapters."


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    homes = {name: str(tmp_path / name) for name in ("XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME")}
    return os.environ | homes


@pytest.fixture
def streaming(environment: dict[str, str], starter_model: Path) -> Iterator[subprocess.Popen[str]]:
    """The program, in the middle of an answer."""
    command = [*PROGRAM, "--offscreen", "--prompt", LONG, str(starter_model)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        program.stdout.read(1)
        yield program
        program.kill()


def children_of(program: subprocess.Popen[str]) -> list[psutil.Process]:
    children = psutil.Process(program.pid).children(recursive=True)
    assert children, "the engine runs in a child"
    return children


def test_a_prompt_and_a_picture(environment: dict[str, str], starter_model: Path, tmp_path: Path) -> None:
    """What `make run` does where there is no display."""
    picture = tmp_path / "build" / "first-run.png"
    command = [*PROGRAM, "--offscreen", "--prompt", "Say yes.", "--screenshot", str(picture), str(starter_model)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    assert done.stderr == ""
    image = QImage(str(picture))
    assert (image.width(), image.height()) == (1360, 860)
    colours = {image.pixel(x, y) for x in range(0, 1360, 40) for y in range(0, 860, 40)}
    assert len(colours) > 5, "something is drawn"


def test_a_prompt_for_a_file_that_is_no_model(environment: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "text.gguf"
    file.write_text("no model")
    command = [*PROGRAM, "--offscreen", "--prompt", "Say yes.", str(file)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "text.gguf" in done.stderr


def test_it_ends_with_its_display(environment: dict[str, str], starter_model: Path) -> None:
    """Qt answers a display that is gone with the end of its loop; what still waits must not hold the process."""
    script = """
import sys
from PySide6.QtCore import QTimer
from nodetool_xl_desktop import app
from nodetool_xl_desktop.__main__ import main
qt = app.application()
QTimer.singleShot(3000, qt, lambda: qt.exit(1))
sys.exit(main())
"""
    command = [sys.executable, "-c", script, str(starter_model)]
    lost = environment | {"QT_QPA_PLATFORM": "offscreen"}
    with subprocess.Popen(command, env=lost, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as program:
        try:
            _, said = program.communicate(timeout=20)
        finally:
            program.kill()
    assert program.returncode == 1, said
    assert "Traceback" not in said


def test_killed_it_leaves_no_child(streaming: subprocess.Popen[str]) -> None:
    children = children_of(streaming)
    streaming.kill()
    _, alive = psutil.wait_procs(children, timeout=20)
    assert not alive


def test_killed_while_it_loads_it_leaves_no_child(environment: dict[str, str], starter_model: Path) -> None:
    command = [*PROGRAM, "--offscreen", "--prompt", LONG, str(starter_model)]
    for delay_s in (0.0, 0.05, 0.15, 0.3):
        with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as program:
            process, children = psutil.Process(program.pid), []
            while not children:
                children = process.children()
            time.sleep(delay_s)
            program.kill()
        _, alive = psutil.wait_procs(children, timeout=20)
        assert not alive, f"killed {delay_s} s into a load"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_asked_to_end_it_ends_in_order(streaming: subprocess.Popen[str], number: signal.Signals) -> None:
    children = children_of(streaming)
    streaming.send_signal(number)
    assert streaming.wait(timeout=6) == 0
    assert not [child for child in children if child.is_running()]
