"""What Markdown is read into: a flat row of leaves, each of which can be laid out, painted and dropped by itself.

There is no tree: a leaf says which quotes and items it lies in. So a list of a thousand items, or a quote around a
page of code, costs what is seen of it. Nothing here knows Qt.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

#: Stands in the text of a leaf for what is drawn and is no text: a formula, an image.
OBJECT = "\N{OBJECT REPLACEMENT CHARACTER}"


class Frame(Enum):
    """What a leaf lies in."""

    QUOTE = "quote"
    ITEM = "item"


class Gap(Enum):
    """How far a leaf stands from the one above it."""

    NONE = "none"  # it goes on with what is above it, such as a line of 20,000 letters cut into pieces
    SMALL = "small"  # an item of a tight list
    NORMAL = "normal"


@dataclass(frozen=True, slots=True)
class Run:
    """Text of one look within a leaf.

    Attributes:
        text: what is drawn; of a formula its source without its delimiters, of an image its alternative text.
        link: where it leads; empty for nowhere.
        formula: whether `text` is LaTeX; it is drawn as one object.
        image: the address of an image that is not fetched unasked; empty for none.
        small: a reference to a footnote, drawn raised.
    """

    text: str
    bold: bool = False
    italic: bool = False
    strike: bool = False
    code: bool = False
    link: str = ""
    formula: bool = False
    image: str = ""
    small: bool = False

    @property
    def shown(self) -> str:
        """It as the text of its leaf has it: one letter for a formula."""
        return OBJECT if self.formula else self.text

    @property
    def target(self) -> str:
        """Where it leads when a person follows it: an image of the web to its address, as it is not fetched."""
        return self.link or (self.image if self.image.lower().startswith(("https://", "http://")) else "")


@dataclass(frozen=True, slots=True)
class Words:
    """A paragraph, or a heading of a level from 1 to 6 (0 for a paragraph). A line break in it is a `\\n`."""

    runs: tuple[Run, ...]
    level: int = 0

    @property
    def text(self) -> str:
        """What offsets count in."""
        return "".join(run.shown for run in self.runs)


@dataclass(frozen=True, slots=True)
class Code:
    """A block of code.

    Attributes:
        text: its lines, without the line feed behind the last one.
        language: the first word behind its fence; empty for none.
        closed: whether its closing fence is there; True for indented code.
    """

    text: str
    language: str = ""
    closed: bool = True


@dataclass(frozen=True, slots=True)
class Formula:
    """LaTeX on a line of its own; `source` is without its delimiters. While it is not `closed` it is shown as text."""

    source: str
    closed: bool = True

    @property
    def text(self) -> str:
        """What offsets count in."""
        return OBJECT if self.closed else self.source


class Align(Enum):
    """Of a column."""

    LEFT = "left"
    CENTRE = "centre"
    RIGHT = "right"


@dataclass(frozen=True, slots=True)
class Table:
    """A table: rows of cells of runs; the first row is its header. A long one goes on in the next leaf without one.

    Attributes:
        rows: all as long as `aligns`.
        aligns: of the columns.
        header: whether the first row is one.
    """

    rows: tuple[tuple[tuple[Run, ...], ...], ...]
    aligns: tuple[Align, ...]
    header: bool = True

    @property
    def text(self) -> str:
        """What offsets count in: cells apart by a tab, rows by a line feed."""
        return "\n".join("\t".join("".join(run.shown for run in cell) for cell in row) for row in self.rows)


@dataclass(frozen=True, slots=True)
class Rule:
    """A line across."""

    text: str = ""


Content = Words | Code | Formula | Table | Rule


@dataclass(frozen=True, slots=True)
class Leaf:
    """One thing to draw.

    Attributes:
        content: what it is.
        frames: what it lies in, the outermost first.
        marker: what stands before it in the innermost item, on the first leaf of that item only: a bullet, `3.`, a box.
        gap: to the leaf above.
    """

    content: Content
    frames: tuple[Frame, ...] = ()
    marker: str = ""
    gap: Gap = Gap.NORMAL

    @property
    def text(self) -> str:
        """What offsets into it count in, what is found in it, and what is read aloud."""
        return self.content.text
