"""A growing text as it is read aloud: sentence by sentence as they are finished, each once, and none left out.

Nobody wants to hear a page of code letter by letter: of a block of code, a table or a formula it is said that it is
there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from nodetool_xl_desktop.core.text import visible
from nodetool_xl_desktop.core.translation import tr, trn
from nodetool_xl_desktop.markdown.leaves import OBJECT, Code, Content, Formula, Leaf, Table, Words
from nodetool_xl_desktop.markdown.page import MarkdownPage, PlainPage

#: Where no sentence ends, it is cut at a space after so many letters.
LONGEST = 400
#: So much of what was said is looked for where the text before it has changed.
_KNOWN = 40
#: A sentence ends behind one of these with a space after it; a number with a point ends none.
_CLOSING = "[\"'\u201d\u2019\u00bb)\\]*_]*"
_END = re.compile(
    rf"(?<![0-9])[.!?\u2026]+{_CLOSING}(?=\s)|[0-9]{{2,}}\.(?=\s)|[!?\u2026]+{_CLOSING}(?=\s)"
    "|[\u3002\uff01\uff1f]+[\u300d\u300f\u201d\u2019]*|\n"
)


class Spoken:
    """One run of text.

    Args:
        plain: it is no Markdown.
    """

    def __init__(self, *, plain: bool = False) -> None:
        self._page = PlainPage() if plain else MarkdownPage()
        self._section = self._leaf = 0
        self._heard = ""  # of that leaf
        self._text: tuple[str, bool] = ("", True)

    def take(self, text: str, *, more: bool) -> list[str]:
        """What is to be said now that the text is this.

        Args:
            text: all of it; what was there before stays.
            more: it still grows; else its last sentence is finished, too.
        """
        if self._text == (text, more):
            return []
        self._text = text, more
        self._page.set_text(text, is_open=more)
        while not self._page.is_done:
            self._page.advance()
        said: list[str] = []
        while self._section < len(self._page):
            is_last = self._section == len(self._page) - 1
            leaves = self._page.leaves(self._section)
            for at in range(self._leaf, len(leaves)):
                grows = more and is_last and at == len(leaves) - 1
                said += self._of(leaves[at], grows=grows)
                if grows:
                    return said
                self._leaf, self._heard = at + 1, ""
            if is_last:
                break
            self._section, self._leaf = self._section + 1, 0
        return said

    def skip(self, text: str) -> None:
        """Take all of this as said."""
        self.take(text, more=True)
        leaves = self._page.leaves(self._section) if self._section < len(self._page) else ()
        if self._leaf < len(leaves):
            self._heard = _words(leaves[self._leaf])

    def _of(self, leaf: Leaf, *, grows: bool) -> list[str]:
        content = leaf.content
        if isinstance(content, Words):
            is_whole = content.level or content.text.startswith("|")  # a table, perhaps, once its second line is there
            return [] if grows and is_whole else self._sentences(leaf, grows=grows)
        if grows or self._heard:
            return []  # something else stands where a sentence was
        return [named] if (named := _named(content)) else []

    def _sentences(self, leaf: Leaf, *, grows: bool) -> list[str]:
        text = _words(leaf)
        at = _after(self._heard, text)
        said = []
        for end in _ends(text, at, grows=grows):
            if sentence := " ".join(visible(text[at:end]).split()):
                if not at and leaf.marker.rstrip(".)").isdigit():
                    sentence = f"{leaf.marker} {sentence}"
                said.append(sentence)
            at = end
        self._heard = text[:at]
        return said


def _named(content: Content) -> str:
    """What stands for a block that nobody wants to hear letter by letter; empty for what is not said."""
    match content:
        case Code(text, language):
            lines = text.count("\n") + 1
            if not language:
                return trn("Code, {count} line", "Code, {count:,} lines", lines)
            named = visible(language[:40])
            return trn("Code, {language}, {count} line", "Code, {language}, {count:,} lines", lines, language=named)
        case Table(rows, aligns, header):
            if header:
                return tr("Table, {rows:,} by {columns:,}", rows=len(rows), columns=len(aligns))
            return trn("More of the table, {count} row", "More of the table, {count:,} rows", len(rows))
        case Formula():
            return tr("Formula")
    return ""


def _words(leaf: Leaf) -> str:
    return leaf.text.replace(OBJECT, tr("formula"))


def _ends(text: str, start: int, *, grows: bool) -> Iterator[int]:
    """Behind each sentence that is finished, from a place on."""
    while start < len(text):
        found = _END.search(text, start, start + LONGEST)
        if found is not None:
            start = found.end()
        elif len(text) - start > LONGEST:
            space = text.rfind(" ", start + LONGEST // 2, start + LONGEST)
            start = space + 1 if space >= 0 else start + LONGEST
        elif grows:
            return
        else:
            start = len(text)
        yield start


def _after(heard: str, text: str) -> int:
    """Where in a text what was heard ends; its beginning may read otherwise now, as with a mark that was closed."""
    if text.startswith(heard):
        return len(heard)
    tail = heard[-_KNOWN:]
    found = text.rfind(tail, 0, len(heard) + 2 * _KNOWN)
    return found + len(tail) if found >= 0 else min(len(heard), len(text))
