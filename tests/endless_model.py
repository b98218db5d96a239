"""A model that never comes to an end: the engine waits for it in the middle of its load, for as long as a test likes.

It is a pipe that nobody writes. The engine opens it with the interpreter's lock held, so that no Python runs in the
child meanwhile.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import processes

#: A child that has not reached its engine yet has fewer; the engine's HTTP server alone has more.
THREADS_OF_PYTHON = 3


def make(folder: Path) -> Path:
    """The file to load."""
    model = folder / "endless.gguf"
    os.mkfifo(model)
    return model


def wait_until_read(within_s: float = 20) -> int:
    """Wait until a child of this process, or a child's child, hangs in its load; returns its process id."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        for child in processes.children():
            if child.num_threads() > THREADS_OF_PYTHON:
                time.sleep(0.3)  # from there to the model it is some milliseconds
                return child.pid
        time.sleep(0.01)
    raise AssertionError("the engine did not come to its model")
