"""Every example of CommonMark 0.31.2 and of GitHub's extensions through the reader, the sections and written again."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from markdown_texts import Example, closed, examples, leaves_of, scanned, texts_expected, visible

from nodetool_xl_desktop.markdown.reading import read
from nodetool_xl_desktop.markdown.writing import as_html, as_markdown, as_plain

EXAMPLES = examples()


@pytest.fixture(scope="module")
def expected() -> dict[str, str]:
    """What each example shows, without any space."""
    return {name: "".join(text.split()) for name, text in texts_expected().items()}


def test_all_examples_are_there() -> None:
    assert len(EXAMPLES) == 652 + 24


def wrong_ones(check: object) -> list[Example]:
    assert callable(check)
    return [each for each in EXAMPLES if not check(each)]


def test_no_example_loses_a_letter_of_its_text(expected: dict[str, str]) -> None:
    wrong = wrong_ones(lambda each: visible(read(each.markdown)) == expected[str(each)])
    # GitHub drops the cells beyond the last column; here they stay in the last one, with the pipe between.
    assert [str(each) for each in wrong] == [str(EXAMPLES[652 + 6])]
    (surplus,) = wrong
    assert visible(read(surplus.markdown)) == expected[str(surplus)] + "|boo"


def test_no_example_is_read_otherwise_in_sections() -> None:
    def same(each: Example) -> bool:
        sections = scanned(each.markdown)
        return leaves_of(each.markdown, sections) == read(each.markdown, sections.references)

    assert wrong_ones(same) == []


def test_each_example_is_copied_as_markdown_that_reads_back_to_its_leaves() -> None:
    def same(each: Example) -> bool:
        leaves = read(each.markdown)
        return read(as_markdown([(leaf, 0, len(leaf.text)) for leaf in leaves])) == closed(leaves)

    assert wrong_ones(same) == []


def test_no_example_copies_as_html_with_something_to_run_or_to_fetch() -> None:
    class Tags(HTMLParser):
        found: set[str]

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.found |= {tag, *(name for name, _ in attrs)}
            assert all(value is not None and not value.lower().startswith("javascript:") for _, value in attrs)

    tags = Tags()
    tags.found = set()
    for each in EXAMPLES:
        pieces = [(leaf, 0, len(leaf.text)) for leaf in read(each.markdown)]
        tags.feed(as_html(pieces))
        assert as_plain(pieces) or not visible(read(each.markdown))
    blocks = {"p", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "hr", "blockquote", "ul", "ol", "li", "div"}
    words = {"code", "em", "strong", "s", "a", "br", "table", "tr", "th", "td", "sup"}
    assert tags.found <= blocks | words | {"href", "start", "class", "align"}


@pytest.mark.soak
@pytest.mark.parametrize("is_open", [False, True])
def test_every_prefix_of_every_example_reads(*, is_open: bool) -> None:
    for each in EXAMPLES:
        for end in range(len(each.markdown) + 1):
            read(each.markdown[:end], open=is_open)


def test_some_prefixes_of_every_example_read() -> None:
    for number, each in enumerate(EXAMPLES):
        for end in range(number % 7, len(each.markdown) + 1, 7):
            read(each.markdown[:end], open=True)
