"""`make check` holds the rule of the house: each breach, planted alone into a copy of the tree, breaks it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LAYERS = "Imports go down or stay in their room BROKEN"
QT = "Qt and qasync stay in ui, app and __main__ BROKEN"
TEXT = "The transcript draws texts, a text draws leaves; never the other way BROKEN"
ENGINE = "xllamacpp is imported by engine/worker.py only BROKEN"
STORE = "SQLite is for the chats (store, exchange) and the index of models (library) BROKEN"
NETWORK = "nodetool_xl_desktop.core.network makes every HTTP client"
NESTED_LOOP = "A dialog's own event loop strands the program's tasks"
DIALOG = "from PySide6.QtWidgets import QDialog\n\nQDialog().exec()"
FILE_DIALOG = "from PySide6.QtWidgets import QFileDialog\n\nQFileDialog.getOpenFileName()"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of all that `make check` looks at, but the tests."""
    copy = tmp_path_factory.mktemp("house")
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, copy)
    package = "nodetool_xl_desktop"
    shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


def check(house: Path) -> subprocess.CompletedProcess[str]:
    """`make check` with the tools that run this test, less the types: no breach below concerns them."""
    inherited = ("MAKE", "MFLAGS")  # of the `make test` around this
    environment = {name: value for name, value in os.environ.items() if not name.startswith(inherited)}
    command = ["make", "check", f"BIN={Path(sys.executable).parent}", "-o", "set-up-tests", "-o", "mypy"]
    return subprocess.run(command, cwd=house, env=environment, capture_output=True, text=True, check=False)


def test_the_house_as_it_stands_passes(house: Path) -> None:
    done = check(house)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("room", "breach", "rule"),
    [
        pytest.param("core", "from nodetool_xl_desktop import ui", LAYERS, id="up"),
        pytest.param("gguf", "from nodetool_xl_desktop import engine", LAYERS, id="up-past-a-floor"),
        pytest.param("engine", "from nodetool_xl_desktop import library", LAYERS, id="sideways"),
        pytest.param("library", "from nodetool_xl_desktop import engine", LAYERS, id="sideways-back"),
        pytest.param("chat", "from nodetool_xl_desktop import preview", LAYERS, id="sideways-above"),
        pytest.param("cli", "from nodetool_xl_desktop import ui", LAYERS, id="sideways-on-top"),
        pytest.param(".", "from nodetool_xl_desktop import core", "breach", id="a-room-without-a-floor"),
        pytest.param("engine", "import PySide6.QtCore", QT, id="qt-below-the-window"),
        pytest.param("chat", "import qasync", QT, id="qasync-below-the-window"),
        pytest.param("markdown", "import PySide6.QtGui", QT, id="qt-in-the-reading-of-markdown"),
        pytest.param("ui/leaf", "from nodetool_xl_desktop.ui import markdown", TEXT, id="a-leaf-that-knows-its-text"),
        pytest.param("engine", "import xllamacpp", ENGINE, id="engine-outside-its-worker"),
        pytest.param("ui", "import xllamacpp", ENGINE, id="engine-in-the-window"),
        pytest.param("ui", "import sqlite3", STORE, id="the-disk-past-the-store"),
        pytest.param("engine", "import httpx2\n\nhttpx2.AsyncClient()", NETWORK, id="http-client"),
        pytest.param("library", "import urllib.request", NETWORK, id="urllib"),
        pytest.param("preview", "import socket", "makes every connection", id="socket"),
        pytest.param("ui", DIALOG, NESTED_LOOP, id="dialog-exec"),
        pytest.param("ui", FILE_DIALOG, NESTED_LOOP, id="dialog-function"),
    ],
)
def test_a_planted_breach_breaks_it(house: Path, room: str, breach: str, rule: str) -> None:
    planted = house / "nodetool_xl_desktop" / room / "breach.py"
    source = breach if "\n" in breach else f"{breach}  # noqa: F401"
    planted.write_text(f'"""A breach."""\n\n{source}\n')
    try:
        done = check(house)
    finally:
        planted.unlink()
    assert done.returncode != 0, f"{breach!r} in {room} passed"
    assert rule in done.stdout + done.stderr
