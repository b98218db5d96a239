"""Markdown, as models write it, as HTML that can do nothing: no markup of theirs, no pictures from elsewhere."""

from __future__ import annotations

import functools
import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

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
    parser = _parser()
    tokens = parser.parse(text)
    begin = 0
    for at, token in enumerate(tokens):
        if token.level == 0 and token.type in ("fence", "code_block"):
            yield from _prose(parser, tokens[begin:at])
            yield Code(token.content.removesuffix("\n"), token.info.strip().split(" ")[0])
            begin = at + 1
    yield from _prose(parser, tokens[begin:])


def _prose(parser: MarkdownIt, tokens: Sequence[Token]) -> Iterator[Prose]:
    if tokens:
        yield Prose(parser.renderer.render(tokens, parser.options, {}).strip())


@functools.cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt  # noqa: PLC0415 - 50 ms, which no start need wait for

    made = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(["table", "strikethrough"])
    made.add_render_rule("image", _picture_as_words)
    return made


def _picture_as_words(_self: Any, tokens: Sequence[Token], index: int, _options: Any, _env: Any) -> str:
    """A picture that a model only names is not fetched: what it is and where it lies is said."""
    token = tokens[index]
    return html.escape(f"{token.content or 'Picture'} ({token.attrGet('src')})")
