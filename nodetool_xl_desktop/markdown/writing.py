"""What is selected, as text for other programs: plain, as Markdown that reads back to the same leaves, and as HTML."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from nodetool_xl_desktop.markdown.leaves import Code, Content, Formula, Frame, Gap, Leaf, Rule, Run, Table, Words
from nodetool_xl_desktop.markdown.markers import Marker
from nodetool_xl_desktop.markdown.writing_html import to_html
from nodetool_xl_desktop.markdown.writing_markdown import formula_block, formula_words, to_markdown

#: A leaf and what of it is selected, as offsets in its text.
Piece = tuple[Leaf, int, int]


def as_plain(pieces: Iterable[Piece]) -> str:
    """The text as it is read: lists with their markers, tables with tabs, formulas as their source."""
    out: list[str] = []
    for leaf in selected(pieces):
        if out:
            out.append(
                {Gap.NONE: "\n" if isinstance(leaf.content, Table) else "", Gap.SMALL: "\n"}.get(leaf.gap, "\n\n")
            )
        depth = sum(frame is Frame.ITEM for frame in leaf.frames)
        indent = "  " * max(depth - 1, 0)
        first = Marker.read(leaf.marker).plain if leaf.marker else "  " * bool(depth)
        text = _plain(leaf.content)
        rest = indent + " " * len(first)
        lines = text.split("\n") if depth else [text]
        out.append("\n".join([(indent + first + lines[0]), *(rest + line if line else "" for line in lines[1:])]))
    return "".join(out)


def as_markdown(pieces: Iterable[Piece]) -> str:
    """Markdown that reads back to what is selected."""
    return to_markdown(selected(pieces))


def as_html(pieces: Iterable[Piece]) -> str:
    """HTML without scripts, styles or anything that is fetched; images are links to them."""
    return to_html(selected(pieces))


def selected(pieces: Iterable[Piece]) -> list[Leaf]:
    """The leaves with only what is selected of them; a marker belongs to the first letter."""
    out: list[Leaf] = []
    for leaf, start, end in pieces:
        whole = start <= 0 and end >= len(leaf.text)
        if not whole and start >= end:
            continue
        content = leaf.content if whole else _clipped(leaf.content, max(start, 0), end)
        out.append(replace(leaf, content=content, marker=leaf.marker if start <= 0 else ""))
    return out


def clip_runs(runs: Sequence[Run], start: int, end: int) -> tuple[Run, ...]:
    """The part of runs between two offsets; a formula is there or not."""
    out, at = [], 0
    for run in runs:
        width = len(run.shown)
        first, last = max(start - at, 0), min(end - at, width)
        if first < last:
            out.append(run if run.formula else replace(run, text=run.text[first:last]))
        at += width
    return tuple(out)


def _clipped(content: Content, start: int, end: int) -> Content:
    match content:
        case Words():
            return replace(content, runs=clip_runs(content.runs, start, end))
        case Code():
            return replace(content, text=content.text[start:end])
        case Table():
            return _clipped_table(content, start, end)
        case Formula() if not content.closed:
            return replace(content, source=content.source[start:end])
    return content


def _clipped_table(table: Table, start: int, end: int) -> Content:
    """The rows that are touched; of a part of one cell, only its words."""
    rows, at, header = [], 0, False
    for number, row in enumerate(table.rows):
        cells, begin = [], at
        for cell in row:
            width = sum(len(run.shown) for run in cell)
            if at <= start and end <= at + width:
                return Words(clip_runs(cell, start - at, end - at))
            cells.append(clip_runs(cell, start - at, end - at))
            at += width + 1
        if begin < end and at > start + 1:
            rows.append(tuple(cells))
            header = header or (number == 0 and table.header)
    return replace(table, rows=tuple(rows), header=header)


def _plain(content: Content) -> str:
    match content:
        case Words():
            return "".join(formula_words(run.text) if run.formula else run.text for run in content.runs)
        case Formula():
            return formula_block(content.source) if content.closed else content.source
        case Table():
            return "\n".join("\t".join(_plain(Words(cell)).replace("\n", " ") for cell in row) for row in content.rows)
        case Rule():
            return "---"
    return content.text
