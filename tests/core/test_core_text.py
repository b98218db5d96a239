"""Texts of unknown origin are shown on one line, without what cannot be seen, and are not looked at for long."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodetool_xl_desktop.core.text import LONGEST, one_line, visible


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("as it is", "as it is"),
        ("two\r\nlines,\ttabs  and   spaces ", "two lines, tabs and spaces"),
        ("turned \u202egnp.exe", "turned gnp.exe"),
        ("half \ud83d of one", "half \N{REPLACEMENT CHARACTER} of one"),
        ("\U0001f468\u200d\U0001f469 two", "\U0001f468\u200d\U0001f469 two"),
        ("\x00\x1b\u200b", ""),
    ],
)
def test_one_line_has_what_can_be_seen(text: str, line: str) -> None:
    assert one_line(text) == line


def test_what_is_too_long_ends_in_an_ellipsis() -> None:
    assert one_line("abcd", 4) == "abcd"
    assert one_line("abc de", 4) == "abc…"
    assert one_line("abc  de", 5) == "abc…", "no space before the ellipsis"
    assert one_line("a" * (LONGEST + 1)).endswith("a…")


def test_a_text_without_end_is_not_read_to_its_end() -> None:
    endless = "\n" * 50_000_000 + "end"
    began = time.process_time()
    assert one_line(endless) == "…"
    assert time.process_time() - began < 0.1


@given(st.text(st.characters()), st.integers(1, 30))
def test_any_text_is_a_short_line_that_can_be_written(text: str, longest: int) -> None:
    line = one_line(text, longest)
    assert len(line) <= longest
    assert len(visible(text)) == len(text)
    assert one_line(line, longest) == line
    assert (line + visible(text)).encode().decode() == line + visible(text), "no halves of letters"
    assert len(line.splitlines()) <= 1
