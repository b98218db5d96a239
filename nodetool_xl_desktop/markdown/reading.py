"""A section of Markdown read into leaves.

Raw HTML is text. Nothing is ever dropped: what is nested too deep, or written to take long, is shown as it was written.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from typing import Any

from nodetool_xl_desktop.markdown.leaves import Leaf


@dataclass(frozen=True, slots=True)
class References:
    """What other places of a text define.

    Attributes:
        links: by their normalised label, as markdown-it keeps them.
        notes: the labels of footnotes, in any of these.
    """

    links: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[Container[str], ...] = ()


@dataclass(frozen=True, slots=True)
class Lead:
    """What the reader of a section has to know of what stands before it.

    Attributes:
        number: of its first item, where it goes on with the numbered list before it; -1 where it does not.
        tight: whether it goes on with the list before it without an empty line between.
        table: what the columns of the table are called and how they are aligned, where it goes on with rows: the two
            lines of its head.
        words: whether it goes on with a paragraph, so that nothing at its start begins a block.
    """

    number: int = -1
    tight: bool = False
    table: str = ""
    words: bool = False


FRESH = Lead()
NONE = References()


def read(text: str, references: References = NONE, lead: Lead = FRESH, *, open: bool = False) -> tuple[Leaf, ...]:  # noqa: A002
    """Read one section.

    Args:
        text: the section, or a whole text.
        references: what the whole text defines; its own definitions hold as well.
        lead: what stands before it, as `Sections` says.
        open: whether more will follow at its end: what is half-finished is then read as what it will most likely be.
    """
    # markdown-it takes some time to load: not before there is something to read.
    from nodetool_xl_desktop.markdown.leaf_reader import read_leaves  # noqa: PLC0415

    return read_leaves(text, references, lead, is_open=open)


def warm_up() -> None:
    """Load what reading needs, so that the first text does not wait for it; from any thread."""
    read("a")
