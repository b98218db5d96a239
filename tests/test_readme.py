"""What the README promises to programmers, word for word."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import processes
import pytest

README = Path(__file__).parent.parent / "README.md"


pytestmark = pytest.mark.usefixtures("no_process_left")


def output_of(section: str, starter_model: Path, tmp_path: Path) -> str:
    """What the script of this section prints; it has to end soon, and to leave nothing behind."""
    text = README.read_text(encoding="utf-8").split(f"# {section}\n")[1].split("\n##")[0]
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    script = tmp_path / "script.py"
    script.write_text(code + "print('the last line', flush=True)\n", encoding="utf-8")
    models = tmp_path / "nodetool-xl-desktop" / "models"
    models.mkdir(parents=True)
    (models / "SmolLM2-135M-Instruct.Q4_1.gguf").symlink_to(starter_model)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("XLLAMACPP_")}
    started = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment | {"XDG_DATA_HOME": str(tmp_path)},
    )
    assert started.stdout is not None
    lines = []
    for line in started.stdout:
        lines.append(line)
        if line == "the last line\n":
            break
    last = time.monotonic()
    _, errors = started.communicate(timeout=30)
    assert (started.returncode, errors) == (0, "")
    assert time.monotonic() - last < 5
    assert not processes.children()
    return "".join(lines)


def test_from_python(starter_model: Path, tmp_path: Path) -> None:
    said = output_of("From Python", starter_model, tmp_path)
    assert "completion_tokens=" in said
    assert re.search(r"^\d+ tokens$", said, re.MULTILINE)
    assert "['SmolLM2 135M Instruct Q4_1']" in said
    assert "http://127.0.0.1:" in said


def test_tools(starter_model: Path, tmp_path: Path) -> None:
    call, result, *_ = output_of("Tools", starter_model, tmp_path).splitlines()
    assert call.startswith("forced call: stock {'item': '")
    assert result == "result: 12"
