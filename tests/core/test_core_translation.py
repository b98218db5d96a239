from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from nodetool_xl_desktop.core import translation
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.core.translation import mark, tr, trn

ASK = "from nodetool_xl_desktop.core import translation; print(translation.language())"


@pytest.fixture(autouse=True)
def english_again() -> Iterator[None]:
    yield
    translation.use(translation.ENGLISH)


def language_of(home: Path, **variables: str) -> str:
    """What a new process chooses."""
    names = ("NTXL_LANGUAGE", "LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG", "XDG_DATA_HOME")
    usual = {name: value for name, value in os.environ.items() if name not in names}
    said = subprocess.run(
        [sys.executable, "-c", ASK],
        env={**usual, "XDG_DATA_HOME": str(home), **variables},
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    return said.stdout.strip()


def test_a_text_is_filled_in() -> None:
    assert tr("{count:,} files in {folder}", count=12345, folder="{x}") == "12,345 files in {x}"
    assert tr("{said!r}: {share:.1%}", said="a", share=0.125) == "'a': 12.5%"
    assert tr("braces {} stay without values") == "braces {} stay without values"
    assert tr("") == ""
    assert mark("any") == "any"
    assert [trn("{count} file", "{count:,} files", count) for count in (0, 1, 2000)] == [
        "0 files",
        "1 file",
        "2,000 files",
    ]


def test_numbers_are_written_as_the_language_does() -> None:
    translation.use("de_AT.UTF-8")
    assert translation.language() == "de"
    assert tr("{count:,} x {size:.2f} x {name}", count=12345, size=1.5, name="a,b.c") == "12.345 x 1,50 x a,b.c"
    assert translation.number("1,234.5") == "1.234,5"
    translation.use("en")
    assert translation.number("1,234.5") == "1,234.5"


def test_the_pseudo_language_marks_and_lengthens_what_is_translated() -> None:
    translation.use(translation.PSEUDO)
    said = tr("Load {name} now", name="model.gguf")
    assert said.startswith("[Lóád model.gguf ñów~")
    assert said.endswith("~]")
    assert trn("{count} file", "{count:,} files", 1) != trn("{count} file", "{count:,} files", 2)
    assert "{ód" in tr("{odd")
    assert not translation.is_right_to_left()
    translation.use(translation.PSEUDO_RTL)
    assert translation.is_right_to_left()


@pytest.mark.parametrize(
    ("variables", "language"),
    [
        ({}, "en"),
        ({"LANG": "de_CH.UTF-8"}, "de"),
        ({"LANG": "fr_FR.UTF-8"}, "en"),
        ({"LANGUAGE": "de:en", "LANG": "en_GB.UTF-8"}, "de"),
        ({"LANG": "de_DE.UTF-8", "NTXL_LANGUAGE": "en"}, "en"),
        ({"NTXL_LANGUAGE": "xx-rtl"}, "xx-rtl"),
    ],
)
def test_a_process_speaks_as_it_is_told(variables: dict[str, str], language: str, tmp_path: Path) -> None:
    assert language_of(tmp_path, **variables) == language


@pytest.mark.parametrize(
    ("settings", "language"),
    [('language = "de"', "de"), ('language = "tlh"', "en"), ("language = 7", "en"), ("language = [", "en"), ("", "en")],
)
def test_the_settings_come_before_the_system(settings: str, language: str, tmp_path: Path) -> None:
    folder = tmp_path / Paths.default().data.name
    folder.mkdir()
    (folder / "settings.toml").write_text(settings, "utf-8")
    assert language_of(tmp_path) == language
    if language == "de":
        assert language_of(tmp_path, NTXL_LANGUAGE="en") == "en"
