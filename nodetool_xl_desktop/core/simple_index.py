"""What a page of a package index lists, in both of the forms that there are; `index_page` fetches it.

The forms are PEP 503 (HTML) and PEP 691 (JSON). Of what a page says, only what has the right kind is believed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

#: Both forms, the first one rather.
ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1, */*;q=0.01"
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Link:
    """A file that a page lists.

    Attributes:
        address: as it stands there, perhaps relative to the page.
        sha256: 64 digits in lower case; empty where the page says none.
        size: bytes; None where the page does not say.
        is_yanked: whether it was taken back.
        requires_python: a specifier of versions; empty for any.
    """

    address: str
    sha256: str = ""
    size: int | None = None
    is_yanked: bool = False
    requires_python: str = ""


def links(kind: str, body: bytes) -> Iterator[Link]:
    """All files that a page lists; of a page that is neither form, none.

    Args:
        kind: its Content-Type.
        body: all of it.
    """
    text = body.decode("utf-8", errors="replace")
    return _of_json(text) if "json" in kind else _of_html(text)


def _of_json(text: str) -> Iterator[Link]:
    try:
        for file in json.loads(text)["files"]:
            size, requires = file.get("size"), file.get("requires-python")
            yield Link(
                str(file["url"]),
                _sha256((file.get("hashes") or {}).get("sha256")),
                size if isinstance(size, int) and size >= 0 else None,
                file.get("yanked") not in (None, False),
                requires if isinstance(requires, str) else "",
            )
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return


def _of_html(text: str) -> Iterator[Link]:
    reader = _Anchors()
    reader.feed(text)
    for attributes in reader.found:
        address, _, fragment = (attributes.get("href") or "").partition("#")
        said = fragment.removeprefix("sha256=") if fragment.startswith("sha256=") else ""
        requires = attributes.get("data-requires-python") or ""
        yield Link(address, _sha256(said), None, "data-yanked" in attributes, requires)


def _sha256(said: Any) -> str:
    digits = str(said or "").lower()
    return digits if _SHA256.fullmatch(digits) else ""


class _Anchors(HTMLParser):
    """The attributes of all links."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[dict[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found.append(dict(attrs))
