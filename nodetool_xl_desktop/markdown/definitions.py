"""What a text defines for other places of it: the targets of links, and footnotes; and who refers to them."""

from __future__ import annotations

import re
from collections import ChainMap, defaultdict
from collections.abc import Iterable
from typing import Any

from nodetool_xl_desktop.markdown.reading import References

_LABEL = re.compile(r"\[((?:[^\[\]\\]|\\.){1,300}+)\]", re.DOTALL)
_FENCED = re.compile(r"\s*(?:`{3}|~{3})")

_Found = tuple[dict[str, Any], set[str]]


class Definitions:
    """Of one text, section by section. The first definition of a label is the one that holds."""

    def __init__(self) -> None:
        self._links: dict[str, Any] = {}
        self._notes: set[str] = set()
        self._open: _Found = ({}, set())
        self._users: dict[str, set[int]] = defaultdict(set)
        self.references = References(self._links, (self._notes,))

    def close(self, text: str, start: int, end: int, index: int) -> set[str]:
        """Take what a finished section defines and refers to.

        Returns:
            the labels that are defined now and were not; those of footnotes begin with `^`.
        """
        if text.find("[", start, end) < 0:
            return set()
        from markdown_it.common.utils import normalizeReference  # noqa: PLC0415 - as in `reading`

        section = text[start:end]
        if _FENCED.match(section):
            return set()
        for match in _LABEL.finditer(section):
            label = match[1]
            self._users[label if label.startswith("^") else normalizeReference(label)].add(index)
        links, notes = _defined(section)
        known, noted = self._open
        arrived = {each for each, to in links.items() if each not in self._links and known.get(each) != to}
        arrived |= {f"^{each}" for each in notes - self._notes - noted}
        for label, target in links.items():
            self._links.setdefault(label, target)
        self._notes |= notes
        return arrived

    def open(self, text: str, start: int, end: int) -> set[str]:
        """Take what the open section defines up to now, which may be something else the next time.

        Returns:
            the labels that are defined otherwise than before.
        """
        found: _Found = ({}, set())
        if end > start and text.find("]:", start, end) >= 0 and not _FENCED.match(text, start, end):
            found = _defined(text[start:end])
        if found == self._open:
            return set()
        before, self._open = self._open, found
        self._refer()
        links = {
            label
            for label in before[0].keys() | found[0].keys()
            if label not in self._links and before[0].get(label) != found[0].get(label)
        }
        return links | {f"^{label}" for label in (before[1] ^ found[1]) - self._notes}

    def users(self, labels: Iterable[str]) -> set[int]:
        """The finished sections that refer to them."""
        return {index for label in labels for index in self._users.get(label, ())}

    def _refer(self) -> None:
        links, notes = self._open
        self.references = References(
            ChainMap(self._links, links) if links else self._links, (self._notes, notes) if notes else (self._notes,)
        )


def _defined(section: str) -> _Found:
    if "]:" not in section:
        return {}, set()
    from nodetool_xl_desktop.markdown.leaf_reader import blocks  # noqa: PLC0415 - as in `reading`

    env: dict[str, Any] = {}
    blocks(section.replace("\r\n", "\n").replace("\r", "\n"), env)
    links = {label: {"title": each["title"], "href": each["href"]} for label, each in env.get("references", {}).items()}
    return links, set(env.get("defined", ()))
