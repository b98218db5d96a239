"""Where less motion is wanted, nothing moves by itself: as a person chose, or as the desktop says."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import until
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication, QProgressBar

from nodetool_xl_desktop.ui.motion import FULL, LESS, SYSTEM, Motion, is_wanted, show_busy
from nodetool_xl_desktop.ui.tasks import Tasks


@pytest.fixture
def motion(qapp: QApplication) -> Iterator[Motion]:
    made = Motion(QObject(qapp), Tasks())
    yield made
    made.choose(FULL)
    made.parent().deleteLater()


@pytest.fixture
def desktop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The program that a desktop brings to ask for its settings, which answers what stands in this file."""
    said = tmp_path / "said"
    program = tmp_path / "gsettings"
    program.write_text(f'#!/bin/sh\n[ "$*" = "get org.gnome.desktop.interface enable-animations" ] && cat "{said}"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    return said


async def test_a_person_chooses(motion: Motion) -> None:
    blinks = QApplication.cursorFlashTime()
    assert is_wanted()
    motion.choose(LESS)
    assert not is_wanted()
    assert QApplication.cursorFlashTime() == 0
    bar = QProgressBar()
    show_busy(bar)
    assert (bar.minimum(), bar.maximum(), bar.value()) == (0, 1, 0)
    motion.choose(FULL)
    assert is_wanted()
    assert QApplication.cursorFlashTime() == blinks
    show_busy(bar)
    assert (bar.minimum(), bar.maximum()) == (0, 0), "it runs to and fro"


def write(file: Path, text: str) -> None:
    file.write_text(text)


async def test_the_desktop_is_asked(motion: Motion, desktop: Path) -> None:
    write(desktop, "false\n")
    motion.choose(SYSTEM)
    await until(lambda: not is_wanted(), "less motion")
    write(desktop, "true\n")
    motion.choose(SYSTEM)
    await until(is_wanted, "motion again")
