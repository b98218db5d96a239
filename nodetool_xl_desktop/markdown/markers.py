"""What stands before an item, read from `Leaf.marker`."""

from __future__ import annotations

import re
from dataclasses import dataclass

BULLET = "\N{BULLET}"
OPEN_BOX = "\N{BALLOT BOX}"
DONE_BOX = "\N{BALLOT BOX WITH CHECK}"

_NUMBER = re.compile(r"(\d+)([.)])")


@dataclass(frozen=True, slots=True)
class Marker:
    """A bullet, a number, a box, or the label of a footnote.

    Attributes:
        number: -1 for none.
        delimiter: behind the number, `.` or `)`.
        checked: of a box; None for no box.
        note: the label of a footnote; empty for none.
    """

    number: int = -1
    delimiter: str = "."
    checked: bool | None = None
    note: str = ""

    @classmethod
    def read(cls, text: str) -> Marker:
        """From a leaf."""
        if text.startswith("[") and text.endswith("]"):
            return cls(note=text[1:-1])
        checked = True if DONE_BOX in text else False if OPEN_BOX in text else None
        match = _NUMBER.match(text)
        return cls(int(match[1]), match[2], checked) if match else cls(checked=checked)

    @property
    def shown(self) -> str:
        """As a leaf has it."""
        if self.note:
            return f"[{self.note}]"
        box = {None: "", True: DONE_BOX, False: OPEN_BOX}[self.checked]
        if self.number < 0:
            return box or BULLET
        return f"{self.number}{self.delimiter}" + (f" {box}" if box else "")

    @property
    def before(self) -> str:
        """What Markdown writes before the item, without its box; what follows is indented by as much."""
        if self.note:
            return f"[^{self.note}]: "
        return "- " if self.number < 0 else f"{self.number}{self.delimiter} "

    @property
    def box(self) -> str:
        """The box as Markdown writes it; empty for none."""
        return {None: "", True: "[x] ", False: "[ ] "}[self.checked]

    @property
    def plain(self) -> str:
        """As plain text has it."""
        return f"[{self.note}] " if self.note else self.before + self.box
