"""The program is ended by a fault in compiled code: what the next start says, and what a report of it holds."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

PROGRAM = (sys.executable, "-m", "nodetool_xl_desktop")
#: Starts the program, has a person look at what it says of its last end, opens the report, and closes the window.
LOOKS = """
import json, sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from nodetool_xl_desktop import app
from nodetool_xl_desktop.__main__ import main
from nodetool_xl_desktop.ui.main_window import MainWindow
from nodetool_xl_desktop.ui.report.report_dialog import ReportDialog

qt = app.application()
said = {}

def window():
    return next(each for each in QApplication.topLevelWidgets() if isinstance(each, MainWindow))

def look():
    notice = window().help.notice
    said["notice"] = notice.text
    if notice.isVisible():
        notice.remedy.click()
        QTimer.singleShot(1500, read)
    else:
        window().close()

def read():
    dialog = window().findChild(ReportDialog)
    said["report"] = dialog.view.toPlainText()
    dialog.reject()
    window().close()

QTimer.singleShot(2500, look)
status = main([])
print(json.dumps(said))
sys.exit(status)
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    home = tmp_path / "anna.karenina"
    homes = {
        name: str(home / name) for name in ("XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME")
    }
    return os.environ | homes | {"HOME": str(home), "QT_QPA_PLATFORM": "offscreen"}


def log_folder(environment: dict[str, str]) -> Path:
    return Path(environment["XDG_STATE_HOME"]) / "nodetool-xl-desktop" / "log"


def looks(environment: dict[str, str]) -> dict[str, Any]:
    command = [sys.executable, "-c", LOOKS]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return said


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals there")
def test_the_start_after_a_crash_tells_it_once(environment: dict[str, str]) -> None:
    with subprocess.Popen([*PROGRAM, "--offscreen"], env=environment, stderr=subprocess.PIPE) as program:
        now = log_folder(environment) / "crash-now.txt"
        until = time.monotonic() + 30
        while not now.exists() and time.monotonic() < until:
            time.sleep(0.05)
        time.sleep(1.5)  # the window is there
        program.send_signal(signal.SIGSEGV)
        assert program.wait(30) == -signal.SIGSEGV
    assert "Segmentation fault" in now.read_text(encoding="utf-8")

    said = looks(environment)
    assert said["notice"].startswith("The program ended unexpectedly the last time.")
    assert "Where the program was when it was ended:" in said["report"]
    assert "Segmentation fault" in said["report"]
    assert "app.py" in said["report"]
    assert "karenina" not in said["report"]

    assert looks(environment) == {"notice": ""}, "it is told once"
    assert not now.exists(), "a proper end leaves nothing"
