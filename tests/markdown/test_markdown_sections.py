"""Sections: cut where the parts read as the whole does, in any chunks, in no time that anybody notices."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_texts import MARKS, leaves_of, marked, scanned, texts, visible

from nodetool_xl_desktop.markdown.leaves import Code, Gap, Table, Words
from nodetool_xl_desktop.markdown.reading import read
from nodetool_xl_desktop.markdown.sections import LONG, Sections

QUICK = settings(max_examples=60, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
LONGER = settings(QUICK, max_examples=5_000)
#: No step may hold the window's thread for longer (issue 7).
MOST_S = 0.1


def parts_read_as_the_whole(text: str) -> None:
    sections = scanned(text)
    assert "".join(text[each.start : each.end] for each in sections) == text
    assert leaves_of(text, sections) == read(text, sections.references)


def chunks_make_no_difference(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    at_once, grown = scanned(text), scanned(text, cuts)
    assert list(at_once) == list(grown)
    assert leaves_of(text, at_once) == leaves_of(text, grown)


@QUICK
@given(marked)
def test_the_parts_read_as_the_whole(text: str) -> None:
    parts_read_as_the_whole(text)


@QUICK
@given(texts, st.data())
def test_it_makes_no_difference_in_which_chunks_a_text_came(text: str, data: st.DataObject) -> None:
    chunks_make_no_difference(text, data)


@pytest.mark.soak
@LONGER
@given(marked)
def test_the_parts_read_as_the_whole_of_many_texts(text: str) -> None:
    parts_read_as_the_whole(text)


@pytest.mark.soak
@LONGER
@given(texts, st.data())
def test_it_makes_no_difference_in_which_chunks_many_texts_came(text: str, data: st.DataObject) -> None:
    chunks_make_no_difference(text, data)


@QUICK
@given(marked, st.integers(60, 400), st.data())
def test_a_long_text_is_cut_the_same_way_in_any_chunks_and_loses_nothing(
    text: str, times: int, data: st.DataObject
) -> None:
    text = (text * times)[: 6 * LONG]
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=4)))
    sections = scanned(text)
    assert list(sections) == list(scanned(text, cuts))
    assert "".join(text[each.start : each.end] for each in sections) == text


def test_what_is_finished_does_not_change_any_more() -> None:
    text = (
        "# One\n\nTwo **three**.\n\n1. a\n2. b\n   - c\n\n```py\nx\n\ny\n```\nend [r]\n\n> q\n\n| a |\n|---|\n| 1 |\n"
    )
    sections = Sections()
    seen: list[object] = []
    for end in range(len(text) + 1):
        first = sections.update(text[:end], open=True)
        assert list(sections[:first]) == seen[:first]
        assert first >= len(seen) - 1
        seen = list(sections)
    assert len(seen) == 8


def test_another_text_begins_anew() -> None:
    sections = scanned("a\n\nb\n\nc")
    assert sections.update("a\n\nx") == 0
    assert [(each.start, each.end) for each in sections] == [(0, 3), (3, 4)]


def test_items_are_sections_with_their_numbers() -> None:
    text = "4. a\n5. b\n\n   more\n\n9. c\n"
    sections = scanned(text)
    assert [(each.lead.number, each.lead.tight) for each in sections] == [(-1, False), (5, True), (6, False)]
    leaves = leaves_of(text, sections)
    assert [leaf.marker for leaf in leaves] == ["4.", "5.", "", "6."]
    assert [leaf.gap for leaf in leaves] == [Gap.NORMAL, Gap.SMALL, Gap.NORMAL, Gap.NORMAL]


def test_a_definition_says_which_sections_refer_to_it() -> None:
    text = "See [the page] and [^n].\n\nNothing here.\n\nMore of [The  Page][].\n\n"
    sections = scanned(text)
    assert visible(leaves_of(text, sections)).startswith("See[thepage]and[^n].")
    defined = text + "[the page]: https://example.com\n\n"
    assert sections.update(defined, open=True) == 2  # the one that was the last is finished now
    assert sections.again == {0}
    noted = defined + "[^n]: A note.\n\nEnd."
    sections.update(noted)
    assert sections.again == {0}
    first, *_ = leaves_of(noted, sections)
    assert isinstance(first.content, Words)
    assert [(run.text, run.link, run.small) for run in first.content.runs] == [
        ("See ", "", False),
        ("the page", "https://example.com", False),
        (" and ", "", False),
        ("n", "", True),
        (".", "", False),
    ]


def test_a_definition_in_the_line_that_is_written_is_none_yet() -> None:
    sections = Sections()
    sections.update("[a]\n\n[a]: https://exam", open=True)
    assert not sections.references.links
    sections.update("[a]\n\n[a]: https://exam")
    assert [each["href"] for each in sections.references.links.values()] == ["https://exam"]
    assert sections.again == {0}


def test_fenced_code_is_one_section_however_long() -> None:
    code = "    x = [1]: 2\n\n# no heading\n" * 20_000
    text = f"a\n```py\n{code}```\nb\n"
    sections = scanned(text)
    assert len(sections) == 3
    leaf = leaves_of(text, sections)[1]
    assert leaf.content == Code(code.removesuffix("\n"), "py")


def test_a_long_table_goes_on_without_its_head() -> None:
    head = "| a | b |\n|:--|--:|\n"
    text = "before\n\n" + head + "".join(f"| {n} | `{n}` |\n" for n in range(3000)) + "\nafter\n"
    sections = scanned(text)
    leaves = leaves_of(text, sections)
    tables = [leaf.content for leaf in leaves if isinstance(leaf.content, Table)]
    assert len(tables) > 10
    assert [table.header for table in tables] == [True] + [False] * (len(tables) - 1)
    assert {leaf.gap for leaf in leaves[2:-1]} == {Gap.NONE}
    whole = next(leaf.content for leaf in read(text) if isinstance(leaf.content, Table))
    assert tuple(row for table in tables for row in table.rows) == whole.rows


def test_a_long_table_grows_by_a_row_at_a_time() -> None:
    text = "| a | b |\n|---|---|\n" + "| 1 | 2 |\n" * 2000
    for end in range(len(text) - 40, len(text) + 1):
        sections = Sections()
        sections.update(text[:end], open=True, budget_s=60)
        last = sections[len(sections) - 1]
        (leaf,) = read(text[last.start : end], sections.references, last.lead, open=True)
        assert isinstance(leaf.content, Table)
        assert {"".join(run.text for run in cell) for row in leaf.content.rows for cell in row} <= {"", "1", "2"}


def test_a_line_without_an_end_is_cut_between_words() -> None:
    text = "word " * 20_000
    sections = scanned(text)
    assert max(each.end - each.start for each in sections) <= LONG
    assert "".join(leaf.text for leaf in leaves_of(text, sections)).split() == text.split()


HOSTILE: dict[str, Callable[[int], str]] = {
    "one line": lambda n: "x" * n,
    "words": lambda n: "word " * (n // 5),
    "bold": lambda n: "**a " * (n // 4),
    "quotes": lambda n: "> " * (n // 2) + "a",
    "quotes on lines": lambda n: "> a\n" * (n // 4),
    "deep quotes on lines": lambda n: ("> " * 30 + "a\n") * (n // 62),
    "tables": lambda n: "| a | b |\n|---|---|\n| 1 | 2 |\n\n" * (n // 31),
    "tables without a gap": lambda n: "| a | b |\n|---|---|\n| 1 | 2 |\n" * (n // 30),
    "columns": lambda n: "|a" * (n // 6) + "|\n" + "|-" * (n // 6) + "|\n" + "|b" * (n // 6),
    "empty lines": lambda n: "\n" * n,
    "brackets": lambda n: "[" * n,
    "links without an end": lambda n: "[a](<b" * (n // 6),
    "titles without an end": lambda n: '[a](b "' * (n // 7),
    "images without an end": lambda n: "![" * (n // 2),
    "stars": lambda n: "*" * n,
    "stars and words": lambda n: "*a _b " * (n // 6),
    "backticks": lambda n: "".join("`" * each + " " for each in range(round((2 * n) ** 0.5))),
    "tags": lambda n: "<a " * (n // 3),
    "dollars": lambda n: "$a " * (n // 3),
    "formulas without an end": lambda n: "\\(" * (n // 2),
    "formulas on lines": lambda n: "\\[\n" * (n // 3),
    "lists": lambda n: "- a\n" * (n // 4),
    "deep lists": lambda n: "".join(" " * (2 * each) + "- a\n" for each in range(round(n**0.5))),
    "lists in a line": lambda n: "- " * (n // 2) + "a",
    "lazy lines": lambda n: "- a\n" + "b\n" * (n // 2),
    "headings": lambda n: "a\n=\n" * (n // 4),
    "definitions": lambda n: "".join(f"[a{each}]: /u\n" for each in range(n // 12)),
    "a title on lines": lambda n: "[a]: b '" + "a\n" * (n // 2),
    "notes": lambda n: "".join(f"[^{each}]: a\n" for each in range(n // 12)),
    "addresses": lambda n: "http://a)" * (n // 9),
    "brackets behind an address": lambda n: "http://a" + ")" * n,
    "mail": lambda n: "a@" * (n // 2),
    "fences in an item": lambda n: "- ```\n" + "  code\n" * (n // 7),
    "carriage returns": lambda n: "a\r" * (n // 2),
    "backslashes": lambda n: "\\" * n,
    "zero width and bidi": lambda n: "\u202e\u200b\u0301" * (n // 3),
    "escapes of terminals": lambda n: "\x1b[31m" * (n // 5),
    "no letters": lambda n: "\0" * n,
}


def longest_step(text: str) -> float:
    """The longest step of cutting a text and reading some of its sections, in seconds of this thread."""
    sections, longest = Sections(), 0.0

    def timed(step: Callable[[], object]) -> None:
        nonlocal longest
        start = time.thread_time()
        step()
        longest = max(longest, time.thread_time() - start)

    timed(lambda: sections.update(text, open=True))
    while not sections.done:
        timed(sections.advance)
    for index in {*range(3), len(sections) // 2, len(sections) - 1} & set(range(len(sections))):
        section = sections[index]
        for is_open in {False, index == len(sections) - 1}:
            timed(
                lambda section=section, is_open=is_open: read(  # type: ignore[misc]
                    text[section.start : section.end], sections.references, section.lead, open=is_open
                )
            )
    return longest


def is_quick(text: str) -> bool:
    """Whether no step takes too long; other work slows this machine down, so that one of three runs is enough."""
    return any(longest_step(text) < MOST_S for _ in range(3))


@pytest.mark.parametrize("name", HOSTILE)
def test_no_text_holds_the_windows_thread(name: str) -> None:
    assert is_quick(HOSTILE[name](20_000))


@pytest.mark.soak
@pytest.mark.parametrize("name", HOSTILE)
def test_no_long_text_holds_the_windows_thread(name: str) -> None:
    assert is_quick(HOSTILE[name](300_000))


@pytest.mark.soak
@settings(LONGER, max_examples=200)
@given(st.sampled_from(MARKS), st.sampled_from(MARKS), st.sampled_from(MARKS))
def test_nothing_repeated_holds_the_windows_thread(one: str, two: str, three: str) -> None:
    text = (one + two + three) * (40_000 // len(one + two + three))
    assert is_quick(text)
