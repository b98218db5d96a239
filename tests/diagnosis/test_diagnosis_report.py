"""A report holds nothing of the person who gives it away."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from nodetool_xl_desktop import __version__
from nodetool_xl_desktop.core import settings
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.core.setting import Setting
from nodetool_xl_desktop.core.settings_file import SettingsFile
from nodetool_xl_desktop.diagnosis.report import Facts, report, without_names

#: Sets a log up as the program does, and writes what a report must not hold, by every way into it.
PROGRAM = """
import logging, sys
from pathlib import Path
from nodetool_xl_desktop.core import uncaught
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.logging import set_up

set_up(Path(sys.argv[1]))
log = logging.getLogger("nodetool_xl_desktop.room")
home = str(Path.home())
log.info("%s/models/Qwen3-8B-Q4_K_M.gguf is taken by its name", home)
log.warning("%s", UserFacingError("It could not be written", f"{home}/Documents/Our divorce, a talk.md is full"))
log.warning("The hub said: Authorization: Bearer hf_AbCdEfGhIjKlMnOpQrSt and token=abc123def456")
log.warning("https://anna:hunter2@hub.example/x?sig=0123456789&user=anna is not asked")
log.warning("In /mnt/anna.karenina/models and C:\\\\Users\\\\anna\\\\x and /home/anna/y nothing is found")
log.warning("Two lines\\nI never told anybody that I am ill\\n  File is what I called it")
try:
    raise ValueError("Dear diary, my PIN is 4711")
except ValueError as error:
    uncaught.tell("A task failed", error)
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "anna.karenina"
    home.mkdir()
    for name, value in (("HOME", str(home)), ("USER", "anna"), ("LOGNAME", "anna")):
        monkeypatch.setenv(name, value)
    return home


def test_nothing_of_the_person_is_in_it(home: Path, tmp_path: Path) -> None:
    paths = Paths.below(home / "program")
    subprocess.run([sys.executable, "-c", PROGRAM, str(paths.logs)], check=True, timeout=30, env=os.environ)
    chosen: dict[Setting[Any], Any] = {settings.ENDPOINT: "https://anna:hunter2@hub.example", settings.ZOOM: 1.5}
    SettingsFile(paths.settings_file).change(chosen)
    values = SettingsFile(paths.settings_file, environment={}).read()
    crash = f'Fatal Python error: Segmentation fault\n\nThread 0x1:\n  File "{home}/venv/x.py", line 3 in run'
    facts = Facts("6.11, xcb", "xllamacpp 1.0", ["CUDA0 (24 GiB)"], "llama, Q4_K_M", values)
    said = report(paths, facts, "A task failed: ValueError (room.py, line 3)", crash)

    for planted in (
        "anna",
        "karenina",
        "divorce",
        "hf_AbC",
        "abc123",
        "hunter2",
        "0123456789",
        "ill",
        "diary",
        "4711",
        "called it",
    ):
        assert planted not in said.replace("still", "").replace("will", ""), planted
    assert str(home) not in said

    lines = said.splitlines()
    assert lines[0] == f"NodeTool XL Desktop {__version__}"
    assert "Devices: CUDA0 (24 GiB)" in lines
    assert "Engine: xllamacpp 1.0" in lines
    assert "appearance.zoom = 1.5 (file)" in lines
    assert "privacy.endpoint = [removed] (file)" in lines
    assert '  File "~/venv/x.py", line 3 in run' in lines
    assert any("~/models/Qwen3-8B-Q4_K_M.gguf is taken by its name" in line for line in lines)
    assert any("Authorization: " in line and "[removed]" in line for line in lines)
    assert "ValueError: (its message is left out, as it may quote a text)" in lines
    assert any(line.endswith("room: Two lines") for line in lines)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("hf_AbCdEfGhIjKlMnOpQrSt", "[removed]"),
        ("api_key=sk-123456 end", "api_key=[removed] end"),
        ("Bearer abcdef.ghi-jkl", "[removed]"),
        ("https://x.example/a?b=c d", "https://x.example/a[removed] d"),
        ("/home/somebody/x and /Users/some body/y", "/home/[removed]/x and /Users/[removed]/y"),
        ("C:\\Users\\somebody\\x", "C:\\Users\\[removed]\\x"),
        ("anna's model, Annabel", "[removed]'s model, Annabel"),
        ("/mnt/chats/About us.md", "/mnt/chats/[removed].md"),
        ("1,234,567 of 2.5 GB in 3 s, Q4_K_M, llama.cpp b4711", "1,234,567 of 2.5 GB in 3 s, Q4_K_M, llama.cpp b4711"),
        ("/models/Llama-3.1-8B-Instruct-Q4_K_M.gguf", "/models/Llama-3.1-8B-Instruct-Q4_K_M.gguf"),
    ],
)
def test_what_is_a_persons_is_removed_and_the_rest_stays(home: Path, text: str, told: str) -> None:
    assert without_names(text) == told


def test_without_a_log_there_is_a_report_all_the_same(home: Path, tmp_path: Path) -> None:
    said = report(Paths.below(tmp_path / "nowhere"), Facts())
    assert said.startswith("NodeTool XL Desktop ")
    assert said.splitlines()[-1] == "The last lines of the log (0):"
    assert not logging.getLogger("nodetool_xl_desktop").handlers[1:]
