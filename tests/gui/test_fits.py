"""Nothing in a window of 1024 x 640 is cut off or lies on something else, in another language and at another scale."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QHBoxLayout, QPushButton

from nodetool_xl_desktop.ui.discover.fitting import FittingDialog
from nodetool_xl_desktop.ui.parts import label

PROGRAM = Path(__file__).with_name("fits_program.py")
ROOT = Path(__file__).parents[2]
#: What the program says when it went through all that it knows, once for each size of letters.
LOOKED = "# looked at 18 places"


def cut_off(tmp_path: Path, model: Path, *args: str, **environment: str) -> list[str]:
    """What a program of its own finds in each page and dialog."""
    home = tmp_path / "fits"
    done = subprocess.run(
        [sys.executable, str(PROGRAM), str(home), str(model), *args],
        env={
            **os.environ,
            "QT_QPA_PLATFORM": "offscreen",
            "PYTHONPATH": str(ROOT),
            "HF_HUB_OFFLINE": "1",
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    lines = done.stdout.splitlines()
    assert lines.count(LOOKED) == max(1, len(args) - 1), lines
    return [line for line in lines if line != LOOKED]


def test_nothing_is_cut_off_in_english(tmp_path: Path, starter_model: Path) -> None:
    assert cut_off(tmp_path, starter_model, "--points", "0", "18", NTXL_LANGUAGE="en") == []


def test_nothing_is_cut_off_in_german(tmp_path: Path, starter_model: Path) -> None:
    assert cut_off(tmp_path, starter_model, "--points", "0", "18", NTXL_LANGUAGE="de") == []


def test_a_dialog_of_one_width_has_room_for_its_buttons(qapp: QApplication) -> None:
    dialog, button = FittingDialog("A dialog", 60, None), QPushButton("Use the one that stands above")
    layout = QHBoxLayout(dialog)
    layout.addWidget(label("What it is about", wrap=True))
    layout.addWidget(button)
    dialog.show()
    assert button.width() >= button.sizeHint().width() > 60
    dialog.close()


def test_nothing_is_cut_off_where_all_texts_are_a_third_longer(tmp_path: Path, starter_model: Path) -> None:
    assert cut_off(tmp_path, starter_model, "--points", "0", "14", NTXL_LANGUAGE="xx") == []


@pytest.mark.soak
@pytest.mark.parametrize("language", ["en", "de"])
def test_nothing_is_cut_off_in_letters_between_these(tmp_path: Path, starter_model: Path, language: str) -> None:
    assert cut_off(tmp_path, starter_model, "--points", "11", "14", "16", NTXL_LANGUAGE=language) == []


@pytest.mark.soak
def test_nothing_is_cut_off_at_twice_the_scale(tmp_path: Path, starter_model: Path) -> None:
    assert cut_off(tmp_path, starter_model, NTXL_LANGUAGE="en", QT_SCALE_FACTOR="2") == []
