"""A text that is still written: what is seen of it at each letter."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from markdown_texts import runs_of, texts, visible

from nodetool_xl_desktop.markdown.leaves import Code, Formula, Run, Table, Words
from nodetool_xl_desktop.markdown.reading import read


def seen(text: str) -> list[str]:
    """What is seen of the last leaf of each prefix, one after the other, without what stays the same."""
    out: list[str] = []
    for end in range(len(text) + 1):
        leaves = read(text[:end], open=True)
        shown = " / ".join(leaf.marker + leaf.text for leaf in leaves)
        if not out or shown != out[-1]:
            out.append(shown)
    return out


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("**bo** c", ["", "b", "bo", "bo ", "bo c"]),
        ("a `b` c", ["", "a", "a ", "a b", "a b ", "a b c"]),
        ("[ab](http://c) d", ["", "a", "ab", "ab ", "ab d"]),
        ("![ab](http://c) d", ["", "a", "ab", "ab ", "ab d"]),
        ("~~a~~ b", ["", "a", "a ", "a b"]),
        ("- a\n- b", ["", "•a", "•a / •b"]),
        ("1. a\n2. b", ["", "1.a", "1.a / 2.b"]),
        ("- [x] a", ["", "☑a"]),
        ("# a", ["", "a"]),
        ("> a", ["", "a"]),
        ("a\n---", ["", "a"]),
        ("a\n\n- - -\n", ["", "a", "a / "]),
        ("```py\nx\n```", ["", "x"]),
        ("| a | b |\n|---|---|\n| c | d |", ["", "a", "a\tb", "a\tb\nc\t", "a\tb\nc\td"]),
    ],
)
def test_marks_are_not_seen_while_they_are_written(text: str, steps: list[str]) -> None:
    found = seen(text)
    assert [each for each in found if each not in steps] == []
    assert [step for step in steps if step.strip() and step.strip() not in [each.strip() for each in found]] == []


def test_what_is_open_looks_as_it_will() -> None:
    (leaf,) = read("a **b *c", open=True)
    assert list(runs_of(leaf)) == [Run("a "), Run("b ", bold=True), Run("c", bold=True, italic=True)]
    (leaf,) = read("| a | b", open=True)
    assert isinstance(leaf.content, Table)
    (leaf,) = read("```py\nx = 1", open=True)
    assert leaf.content == Code("x = 1", "py", closed=False)
    (leaf,) = read("$$\nx^2", open=True)
    assert leaf.content == Formula("x^2", closed=False)
    (leaf,) = read("a $x^2 *", open=True)
    assert list(runs_of(leaf)) == [Run("a $x^2 *")]


def test_a_heading_below_its_words_is_one_only_once_its_line_is_written() -> None:
    for text in ("a\n-", "a\n--", "a\n=", "a\n---"):
        (leaf,) = read(text, open=True)
        assert leaf.content == Words((Run("a"),))
    (leaf,) = read("a\n---\n", open=True)
    assert leaf.content == Words((Run("a"),), level=2)


def test_the_language_of_code_is_not_named_letter_by_letter() -> None:
    languages = {
        leaf.content.language
        for end in range(12)
        for leaf in read("```python\nx"[:end], open=True)
        if isinstance(leaf.content, Code)
    }
    assert languages == {"", "python"}


@settings(max_examples=150, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(texts)
def test_any_prefix_of_any_text_reads(text: str) -> None:
    for end in range(0, len(text) + 1, 3):
        visible(read(text[:end], open=True))


@pytest.mark.soak
@settings(max_examples=2_000, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(texts)
def test_every_prefix_of_many_texts_reads(text: str) -> None:
    for end in range(len(text) + 1):
        visible(read(text[:end], open=True))
