"""No telemetry: a whole life of the program connects to nothing but its own engine, as the interpreter itself tells."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

_PROGRAM = Path(__file__).with_name("private_program.py")


@pytest.mark.parametrize("idle_s", [3.0, pytest.param(60.0, marks=pytest.mark.soak)])
def test_a_whole_life_connects_to_its_own_engine_alone(tmp_path: Path, starter_model: Path, idle_s: float) -> None:
    home = {"HOME": str(tmp_path), **{f"XDG_{kind}_HOME": str(tmp_path / kind) for kind in ("DATA", "CONFIG", "CACHE")}}
    keyring = {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
    done = subprocess.run(
        [sys.executable, str(_PROGRAM), str(tmp_path), str(starter_model), str(idle_s)],
        env={**os.environ, **home, **keyring, "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["turns"] == 2  # the question and its answer
    own = ("127.0.0.1", told["engine"])
    asked = {(host, port) for _, host, port in told["seen"]}
    assert own in asked, "the watch does not see"
    assert asked == {own}, told["seen"]
    # The far end of what the engine has taken is this process, at any port.
    assert {host for host, _ in told["far"]} == {"127.0.0.1"}, told["far"]
    assert told["noted"] == 0
