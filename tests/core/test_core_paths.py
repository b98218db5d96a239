"""Where the program keeps its files."""

from __future__ import annotations

from pathlib import Path

import pytest

from nodetool_xl_desktop.core.paths import Paths


def test_everything_lies_below_one_root_where_one_is_given(tmp_path: Path) -> None:
    paths = Paths.below(tmp_path)
    for path in (paths.data, paths.logs, paths.cache, paths.models, paths.headers, paths.library_file):
        assert path.is_relative_to(tmp_path)
    assert not list(tmp_path.iterdir())  # nothing is made before it is needed


def test_the_user_s_own_folders_are_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    paths = Paths.default()
    assert paths.headers == tmp_path / "cache" / "nodetool-xl-desktop" / "headers"
    assert paths.models == tmp_path / "data" / "nodetool-xl-desktop" / "models"
    assert paths.logs.is_relative_to(tmp_path / "state" / "nodetool-xl-desktop")
