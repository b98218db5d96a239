"""Markdown, as models write it, as HTML that can do nothing: read as the window reads it, so that a page says what was
seen, without markup of a model's own and without pictures from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from nodetool_xl_desktop.markdown import leaves
from nodetool_xl_desktop.markdown.page import read_page
from nodetool_xl_desktop.markdown.writing_html import to_html

#: Of a longer text, in letters, only the paragraphs and the code are told apart: it is a file rather than an answer.
LONGEST = 400_000


@dataclass(frozen=True, slots=True)
class Prose:
    """HTML of paragraphs, lists, headings, tables and the like."""

    html: str


@dataclass(frozen=True, slots=True)
class Code:
    """A block of code, and the language that its fence names."""

    text: str
    language: str = ""


def blocks(text: str) -> Iterator[Prose | Code]:
    """What a text in Markdown is made of, from its beginning; code within a list or a quotation stays in its prose."""
    page = read_page(text)
    read = (leaf for section in range(len(page)) for leaf in page.leaves(section))
    for is_code, run in groupby(read, _is_block_of_code):
        if is_code:
            yield from (Code(each.content.text, _language(each)) for each in run)
        else:
            yield Prose(to_html(list(run)).strip())


def _is_block_of_code(leaf: leaves.Leaf) -> bool:
    return isinstance(leaf.content, leaves.Code) and not leaf.frames


def _language(leaf: leaves.Leaf) -> str:
    return leaf.content.language if isinstance(leaf.content, leaves.Code) else ""
