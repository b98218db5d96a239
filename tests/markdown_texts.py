"""What the tests of Markdown share: the examples of the specifications, texts to be made up, and ways to read them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from pathlib import Path

from hypothesis import strategies as st
from markdown_it import MarkdownIt

from nodetool_xl_desktop.markdown.leaves import Code, Formula, Leaf, Run, Table, Words
from nodetool_xl_desktop.markdown.reading import read
from nodetool_xl_desktop.markdown.sections import Sections

FILES = ("commonmark-0.31.2.json", "gfm-0.29-extensions.json")


@dataclass(frozen=True)
class Example:
    file: str
    number: int
    markdown: str
    html: str

    def __str__(self) -> str:
        return f"{self.file} {self.number}: {self.markdown!r}"


def examples() -> list[Example]:
    """All of both specifications."""
    return [
        Example(name, each["example"], each["markdown"], each["html"])
        for name in FILES
        for each in json.loads((Path(__file__).parent / "markdown" / name).read_text(encoding="utf-8"))
    ]


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.text = ""

    def handle_data(self, data: str) -> None:
        self.text += data


def text_of(html: str) -> str:
    """What is read of HTML."""
    parser = _Text()
    parser.feed(html)
    parser.close()
    return parser.text


def texts_expected() -> dict[str, str]:
    """What each example shows: as its specification says, or, where it has raw HTML, which is text here, as
    markdown-it reads it as text."""
    as_text = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    as_html = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    shown = {}
    for each in examples():
        text = as_text.render(each.markdown)
        shown[str(each)] = text_of(each.html if text == as_html.render(each.markdown) else text)
    return shown


MARKS = [
    *("a", "b c", "x", "- ", "* ", "+ ", "1. ", "2. ", "10. ", "3) ", "# ", "## x", "---", "***", "===", "-", "="),
    *("```", "~~~", "```py", "> ", ">", "    ", "  ", " ", "\t", "$$", "\\[", "\\]", "$$x$$", "$y$", "\\(z\\)"),
    *("| a | b |", "|---|---|", "| 1 |", "[a]: /u", "[a]", "[^1]: n", "[^1]", "'t'", "<div>", "<!--", "**", "_", "~~"),
    *("`", "\\", "www.a.b", "http://a.b/c", "d@e.fg", "- [ ] t", "![i](u)", "[l](u)", "\n", "\n\n", "\n\n\n", "\r\n"),
]
#: Texts that are mostly marks, where every rule meets every other one.
marked = st.lists(st.one_of(st.sampled_from(MARKS), st.just("\n"), st.just("\n")), max_size=25).map("".join)
#: And with anything else between.
texts = st.one_of(marked, st.lists(st.one_of(marked, st.text(max_size=5)), max_size=6).map("".join))


def scanned(text: str, cuts: Sequence[int] = ()) -> Sections:
    """The sections of a text that arrived in pieces, which end at these places."""
    sections = Sections()
    for cut in cuts:
        sections.update(text[:cut], open=True)
    sections.update(text)
    while not sections.done:
        sections.advance()
    return sections


def leaves_of(text: str, sections: Sections) -> tuple[Leaf, ...]:
    """The leaves of all sections."""
    return tuple(
        leaf
        for section in sections
        for leaf in read(text[section.start : section.end], sections.references, section.lead)
    )


def runs_of(leaf: Leaf) -> Iterator[Run]:
    """All runs of a leaf, of a table those of its cells."""
    if isinstance(leaf.content, Words):
        yield from leaf.content.runs
    elif isinstance(leaf.content, Table):
        for row in leaf.content.rows:
            for cell in row:
                yield from cell


def visible(leaves: Sequence[Leaf]) -> str:
    """What is read of leaves, without any space and without images."""
    out = []
    for leaf in leaves:
        if isinstance(leaf.content, Words | Table):
            out.append("".join(run.text for run in runs_of(leaf) if not run.image))
        else:
            out.append(leaf.content.source if isinstance(leaf.content, Formula) else leaf.content.text)
    return "".join("".join(out).split())


def closed(leaves: Sequence[Leaf]) -> tuple[Leaf, ...]:
    """The leaves with all fences closed."""
    return tuple(
        replace(leaf, content=replace(leaf.content, closed=True)) if isinstance(leaf.content, Code) else leaf
        for leaf in leaves
    )
