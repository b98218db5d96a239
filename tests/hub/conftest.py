"""Tests of a hub see nothing of this machine's settings."""

from __future__ import annotations

from pathlib import Path

import pytest
from hub_server import forget_environment


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    forget_environment(monkeypatch)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
