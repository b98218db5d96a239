"""A page of the web as text that reads well: what it says, without what is around it.

It works on whatever the web holds, so it is run in a child with limits (`child`): a page of 1.5 MB of nested elements
takes the parser three minutes. selectolax parses as browsers do (HTML5, in C: 37 ms for 2.1 MB of usual HTML), where
Python's own html.parser leaves each mistake of a page to its caller.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit

from selectolax.lexbor import LexborHTMLParser

#: What a page is never read for.
_LEFT_OUT = frozenset(
    {
        "script", "style", "noscript", "template", "svg", "math", "canvas", "iframe", "object", "embed", "video",
        "audio", "map", "select", "option", "button", "input", "textarea", "dialog", "head", "nav", "footer",
        "aside",
    }
)  # fmt: skip
_BLOCKS = frozenset(
    {
        "address", "article", "blockquote", "body", "dd", "details", "div", "dl", "dt", "fieldset", "figcaption",
        "figure", "form", "header", "hgroup", "hr", "li", "main", "ol", "p", "pre", "section", "summary", "table",
        "tr", "ul", "h1", "h2", "h3", "h4", "h5", "h6",
    }
)  # fmt: skip
_HEADINGS = {f"h{level}": "#" * level for level in range(1, 7)}
#: Where the page itself stands, where it says so; the first that holds enough is taken.
_MAIN = ("main", "article", "[role=main]", "#content", "#main")
_ENOUGH = 250  # characters
_MOST_LINKS = 60
_MOST = 800_000  # characters of a text: 50 answers
_SPACE = re.compile(r"[^\S\n]+")
_BLANK = re.compile(r"\n{3,}")


def readable(html: str, address: str) -> dict[str, Any]:
    """The text of a page.

    Args:
        html: the page.
        address: where it is from; its links are told from there on.

    Returns:
        `title`; `text`, with `#` before headings, `-` before items of lists and ` | ` between cells; and `links`, as
        `text: address`, each address once.
    """
    tree = LexborHTMLParser(html)
    title = tree.css_first("title")
    body = tree.body
    told = {"title": " ".join(title.text().split())[:300] if title else "", "text": "", "links": []}
    if body is None:
        return told
    for place in _MAIN:
        found = tree.css_first(place)
        if found is not None and len(found.text()) >= _ENOUGH:
            page = _Page(_base(tree, address))
            page.walk(found)
            if len(page.text()) >= _ENOUGH:
                return told | {"text": page.text(), "links": page.links()}
    page = _Page(_base(tree, address))
    page.walk(body)
    return told | {"text": page.text(), "links": page.links()}


def _base(tree: LexborHTMLParser, address: str) -> str:
    base = tree.css_first("base[href]")
    return _joined(address, base.attributes.get("href") or "") if base else address


def _joined(base: str, reference: str) -> str:
    try:
        return urljoin(base, reference.strip())
    except ValueError:  # brackets that do not match
        return ""


@dataclass(slots=True)
class _Page:
    """The text as it comes together."""

    base: str
    _parts: list[str] = field(default_factory=list)
    _links: dict[str, str] = field(default_factory=dict)
    _verbatim: int = 0

    def walk(self, start: Any) -> None:
        """All below an element, without recursion: pages may be nested as deeply as they like."""
        waiting: list[tuple[Any, bool]] = [(start, False)]
        while waiting:
            node, is_left = waiting.pop()
            tag = node.tag
            if is_left:
                self._leave(tag)
                continue
            if tag == "-text":
                self._say(node.text_content or "")
                continue
            if tag in _LEFT_OUT or tag.startswith(("-", "!", "_")) or _is_hidden(node):
                continue
            self._enter(tag, node)
            waiting.append((node, True))
            waiting += [(child, False) for child in reversed(_children(node))]

    def text(self) -> str:
        """What was said so far."""
        lines = "".join(self._parts).split("\n")
        return _BLANK.sub("\n\n", "\n".join(line.rstrip(" |") for line in lines)).strip("\n")[:_MOST]

    def links(self) -> list[str]:
        """The addresses that were linked, each with the words of its first link."""
        return [f"{words}: {address}" for address, words in self._links.items()]

    def _enter(self, tag: str, node: Any) -> None:
        if tag in _BLOCKS:
            self._parts.append("\n" if tag in ("li", "tr", "dd", "dt") else "\n\n")
        if tag in _HEADINGS:
            self._parts.append(f"{_HEADINGS[tag]} ")
        elif tag == "li":
            self._parts.append("- ")
        elif tag == "br":
            self._parts.append("\n")
        elif tag == "pre":
            self._verbatim += 1
            self._parts.append("```\n")
        elif tag == "img" and (words := " ".join((node.attributes.get("alt") or "").split())):
            self._parts.append(f"[picture: {words[:200]}]")
        elif tag == "a":
            self._link(node)

    def _leave(self, tag: str) -> None:
        if tag == "pre":
            self._verbatim -= 1
            self._parts.append("\n```")
        if tag in ("td", "th"):
            self._parts.append(" | ")
        elif tag in _BLOCKS:
            self._parts.append("\n" if tag in ("li", "tr", "dd", "dt") else "\n\n")

    def _say(self, text: str) -> None:
        if self._verbatim:
            self._parts.append(text)
            return
        words = _SPACE.sub(" ", text.replace("\n", " "))
        if self._parts and self._parts[-1].endswith(("\n", " ")):
            words = words.lstrip(" ")
        if words:
            self._parts.append(words)

    def _link(self, node: Any) -> None:
        if len(self._links) >= _MOST_LINKS:
            return
        address = _joined(self.base, node.attributes.get("href") or "").partition("#")[0]
        words = " ".join(node.text().split())[:100]
        if words and address.startswith(("http://", "https://")) and address != self.base and _has_host(address):
            self._links.setdefault(address, words)


def _children(node: Any) -> list[Any]:
    found = []
    at = node.child
    while at is not None:
        found.append(at)
        at = at.next
    return found


def _is_hidden(node: Any) -> bool:
    attributes = node.attributes
    style = (attributes.get("style") or "").replace(" ", "").lower()
    return "hidden" in attributes or attributes.get("aria-hidden") == "true" or "display:none" in style


def _has_host(address: str) -> bool:
    try:
        return bool(urlsplit(address).hostname) and len(address) < 500
    except ValueError:
        return False
