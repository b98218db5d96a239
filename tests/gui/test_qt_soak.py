"""The toolkit survives 100,000 void calls and signals in one process.

PySide6 6.12.0 on Python 3.10 and 3.11 loses a reference to None (or True) with each of them, and the
process aborts after some thousands ("deallocating None"). pyproject.toml keeps that version out; this
tells when another one does it.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

SOAK = """
import sys
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QApplication, QLabel, QPushButton

ROUNDS = int(sys.argv[1])

class Source(QObject):
    said = Signal(str)
    switched = Signal(bool)

application = QApplication([])
label, button, source, heard = QLabel(), QPushButton(), Source(), []
source.said.connect(label.setText)
source.said.connect(heard.append)
source.switched.connect(button.setEnabled)
lost = [sys.getrefcount(None), sys.getrefcount(True)]
for turn in range(ROUNDS):
    label.setText("void")
    button.setEnabled(True)
    source.said.emit("word")
    source.switched.emit(turn % 2 == 0)
lost[0] -= sys.getrefcount(None)
lost[1] -= sys.getrefcount(True)
assert len(heard) == ROUNDS and label.text() == "word"
print(*lost)
"""


@pytest.mark.parametrize(
    "rounds", [pytest.param(25_000, id="100,000"), pytest.param(1_000_000, id="4,000,000", marks=pytest.mark.soak)]
)
def test_no_reference_is_lost_by_void_calls_and_signals(rounds: int) -> None:
    """A round is two calls and two signals."""
    environment = os.environ | {"QT_QPA_PLATFORM": "offscreen"}
    command = [sys.executable, "-c", SOAK, str(rounds)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    if sys.version_info >= (3, 12):
        return  # None and True are immortal there, and their counts mean nothing
    lost_of_none, lost_of_true = map(int, done.stdout.split())
    assert abs(lost_of_none) < 100, f"{lost_of_none:,} references to None were lost"
    assert abs(lost_of_true) < 100, f"{lost_of_true:,} references to True were lost"
