"""What is selected in some texts, as the clipboard takes it: plain text, rich text and Markdown, all at once."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from PySide6.QtCore import QMimeData

from nodetool_xl_desktop.markdown import writing
from nodetool_xl_desktop.markdown.page import Page, Place, read_page
from nodetool_xl_desktop.markdown.writing import Piece

#: At the start of every text, and behind the end of each.
START, END = Place(0, 0, 0), Place(1 << 40, 0, 0)


@dataclass(frozen=True, slots=True)
class Source:
    """A text, or some of it.

    Attributes:
        text: the whole of it.
        is_plain: whether it is drawn as it was typed.
        page: it as it is read already; None to read it anew, which may be done in any thread.
        first, last: what of it is meant; None for its end.
    """

    text: str
    is_plain: bool
    page: Page | None = None
    first: Place = START
    last: Place | None = None

    def since(self, first: Place) -> Source:
        """The same from a place on."""
        return replace(self, first=first)

    def until(self, last: Place) -> Source:
        """The same up to a place."""
        return replace(self, last=last)

    @property
    def is_whole(self) -> bool:
        """Whether all of it is meant."""
        if self.first != START:
            return False
        return self.last is None or self.last.section >= (len(self.page) if self.page is not None else END.section)

    @property
    def letters(self) -> int:
        """About how many letters are meant; at most so many as there are."""
        if self.page is None or self.last is None or self.last.section >= len(self.page):
            return len(self.text)
        sections = range(self.first.section, self.last.section + 1)
        return sum(len(self.page.source(index)) for index in sections)

    def pieces(self) -> Iterator[Piece]:
        """The leaves that are meant, and what of each."""
        page = self.page if self.page is not None else read_page(self.text, is_plain=self.is_plain)
        end = len(page) if self.last is None else min(len(page), self.last.section + 1)
        for section in range(self.first.section, end):
            for at, leaf in enumerate(page.leaves(section)):
                here, length = (section, at), len(leaf.text)
                if here < self.first[:2] or (self.last is not None and here > self.last[:2]):
                    continue
                start = min(length, self.first.offset) if here == self.first[:2] else 0
                stop = min(length, self.last.offset) if self.last is not None and here == self.last[:2] else length
                if start < stop or not length:
                    yield leaf, start, stop


def plain_text(sources: Sequence[Source]) -> str:
    """As it is read, without marks."""
    return _joined([_plain(each, _pieces(each)) for each in sources])


def markdown(sources: Sequence[Source]) -> str:
    """As Markdown that is read to the same; of a whole text what was written."""
    return _joined([_markdown(each, () if each.is_whole else _pieces(each)) for each in sources])


def _pieces(source: Source) -> Sequence[Piece]:
    return () if source.is_plain and source.is_whole else list(source.pieces())


def _raw(source: Source, pieces: Sequence[Piece]) -> str:
    """Of a text that is drawn as it was typed."""
    return source.text if source.is_whole else "\n".join(leaf.text[start:stop] for leaf, start, stop in pieces)


def _plain(source: Source, pieces: Sequence[Piece]) -> str:
    return _raw(source, pieces) if source.is_plain else writing.as_plain(pieces)


def _markdown(source: Source, pieces: Sequence[Piece]) -> str:
    if source.is_whole:
        return source.text
    return _raw(source, pieces) if source.is_plain else writing.as_markdown(pieces)


def _rich(source: Source, pieces: Sequence[Piece]) -> str:
    """As HTML, in which nothing runs and nothing is fetched."""
    if not source.is_plain:
        return writing.as_html(pieces)
    return f"<p>{html.escape(_raw(source, pieces)).replace(chr(10), '<br>')}</p>"


def _joined(texts: Sequence[str]) -> str:
    return "\n\n".join(text for text in texts if text)


@dataclass(frozen=True, slots=True)
class Copied:
    """The three forms of a copy."""

    plain: str
    rich: str
    markdown: str

    @classmethod
    def of(cls, sources: Sequence[Source]) -> Copied:
        """Read these; may take long, and may be done in any thread where the sources have no page."""
        read = [(each, _pieces(each)) for each in sources]
        return cls(
            _joined([_plain(*each) for each in read]),
            "".join(_rich(*each) for each in read),
            _joined([_markdown(*each) for each in read]),
        )

    def mime(self) -> QMimeData:
        """As the clipboard takes it."""
        data = QMimeData()
        data.setText(self.plain)
        data.setHtml(self.rich)
        data.setData("text/markdown", self.markdown.encode("utf-8", "replace"))
        return data
