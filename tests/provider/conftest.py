"""Tests of the provider see nothing of this machine's settings, and leave no process behind."""

from __future__ import annotations

from pathlib import Path

import pytest
from hub_server import forget_environment

from nodetool_xl_desktop.engine.environment import VARIABLES


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    forget_environment(monkeypatch)
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    # Nothing may be asked of the real hub, whatever goes wrong: nobody listens there.
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hugging-face"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
