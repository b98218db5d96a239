"""What a person chose for the whole program, on the disk and back."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from nodetool_xl_desktop.core.preferences import Preferences, PreferencesFile


def test_kept_and_read(tmp_path: Path) -> None:
    file = PreferencesFile(tmp_path / "preferences.json")
    assert file.read() == Preferences()
    for chosen in (Preferences(title_chats=False, zoom=1.5), Preferences(zoom=2.0)):
        assert file.change(**asdict(chosen)) == chosen
        assert file.read() == chosen


@pytest.mark.parametrize("said", [{"zoom": "large"}, {"zoom": None, "title_chats": 3}, {"later": 1}, {}])
def test_what_is_of_the_wrong_kind_is_as_nobody_chose_it(tmp_path: Path, said: dict[str, object]) -> None:
    path = tmp_path / "preferences.json"
    path.write_text(json.dumps(said))
    assert PreferencesFile(path).read() == Preferences()
