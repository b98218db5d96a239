"""Pages: what a section goes on with."""

from __future__ import annotations

from nodetool_xl_desktop.markdown.leaves import Leaf, Table
from nodetool_xl_desktop.markdown.page import MarkdownPage, head_of


class Counted(MarkdownPage):
    """Counts the sections that are read."""

    def __init__(self) -> None:
        super().__init__()
        self.read = 0

    def leaves(self, index: int) -> tuple[Leaf, ...]:
        self.read += 1
        return super().leaves(index)


def test_the_head_of_a_long_table_is_found_without_reading_all_of_it() -> None:
    page = Counted()
    rows = "".join(f"| {number} | ${number}^2$ |\n" for number in range(3000))
    page.set_text(f"Before.\n\n| a | b |\n|---|---|\n{rows}\nBehind.", is_open=False)
    while not page.is_done:
        page.advance()
    pieces = [(index, leaves) for index in range(len(page)) if (leaves := page.leaves(index))]
    tables = [(index, leaves) for index, leaves in pieces if isinstance(leaves[0].content, Table)]
    assert len(tables) > 10
    index, leaves = tables[-1]
    page.read = 0
    head = head_of(page, index, leaves, 0)
    assert head is not None
    assert isinstance(head.content, Table)
    assert head.content.header
    assert head.text.startswith("a\tb")
    assert page.read == 1
