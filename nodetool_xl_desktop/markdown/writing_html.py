"""Leaves written as HTML for other programs: no scripts, no styles, nothing that is fetched."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from nodetool_xl_desktop.markdown.leaves import (
    Align,
    Code,
    Content,
    Formula,
    Frame,
    Gap,
    Leaf,
    Rule,
    Run,
    Table,
    Words,
)
from nodetool_xl_desktop.markdown.markers import Marker
from nodetool_xl_desktop.markdown.writing_markdown import formula_block, formula_words

#: Other addresses are written as text only.
SCHEMES = ("http://", "https://", "mailto:")


def to_html(leaves: Sequence[Leaf]) -> str:
    """HTML of leaves, as the inside of a body."""
    out: list[str] = []
    stack: list[tuple[Frame, str]] = []  # what is open, and what closes it
    for leaf in leaves:
        _enter(out, stack, leaf)
        if isinstance(leaf.content, Table) and leaf.gap is Gap.NONE and out and out[-1] == "</table>\n":
            out.pop()
            out.append(_rows(leaf.content) + "</table>\n")
        else:
            out.append(_item(leaf.content) if leaf.marker else _content(leaf.content))
            if isinstance(leaf.content, Table):
                out.append("</table>\n")
    out.extend(closing for _, closing in reversed(stack))
    return "".join(out)


def _enter(out: list[str], stack: list[tuple[Frame, str]], leaf: Leaf) -> None:
    """Close and open what the leaf lies in."""
    frames = leaf.frames
    item = len(frames) - 1 - frames[::-1].index(Frame.ITEM) if leaf.marker else len(frames)
    kept = 0
    while kept < min(item, len(frames), len(stack)) and stack[kept][0] is frames[kept]:
        kept += 1
    marker = Marker.read(leaf.marker)
    ordered = marker.number >= 0
    listing = "ol" if ordered else "ul"
    goes_on = bool(leaf.marker) and kept == item < len(stack) and stack[item][1] == f"</li></{listing}>\n"
    while len(stack) > kept + goes_on:
        out.append(stack.pop()[1])
    if goes_on:
        stack.pop()
    for index in range(kept, len(frames)):
        if frames[index] is Frame.QUOTE:
            out.append("<blockquote>\n")
            stack.append((Frame.QUOTE, "</blockquote>\n"))
        elif index != item:
            out.append("<div>")
            stack.append((Frame.ITEM, "</div>\n"))
        else:
            start = f' start="{marker.number}"' if ordered and marker.number != 1 else ""
            out.append("</li><li>" if goes_on else f"<{listing}{start}><li>")
            stack.append((Frame.ITEM, f"</li></{listing}>\n"))
            if marker.note or marker.checked is not None:
                out.append(escape(f"[{marker.note}] " if marker.note else marker.shown.split()[-1] + " "))


def _item(content: Content) -> str:
    """What an item begins with: words without a paragraph of their own stand beside their marker and their box."""
    if isinstance(content, Words) and not content.level:
        return _runs(content.runs) + "\n"
    return _content(content)


def _content(content: Content) -> str:
    match content:
        case Words(level=0):
            return f"<p>{_runs(content.runs)}</p>\n"
        case Words():
            return f"<h{content.level}>{_runs(content.runs)}</h{content.level}>\n"
        case Code():
            language = f' class="language-{escape(content.language)}"' if content.language else ""
            return f"<pre><code{language}>{escape(content.text)}\n</code></pre>\n"
        case Formula():
            return f"<p>{escape(formula_block(content.source) if content.closed else content.source)}</p>\n"
        case Table():
            return "<table>\n" + _rows(content)
        case Rule():
            return "<hr>\n"


def _rows(table: Table) -> str:
    out = []
    for number, row in enumerate(table.rows):
        tag = "th" if table.header and number == 0 else "td"
        cells = (f"<{tag}{_align(align)}>{_runs(cell)}</{tag}>" for cell, align in zip(row, table.aligns, strict=True))
        out.append(f"<tr>{''.join(cells)}</tr>\n")
    return "".join(out)


def _align(align: Align) -> str:
    return {Align.LEFT: "", Align.CENTRE: ' align="center"', Align.RIGHT: ' align="right"'}[align]


def _runs(runs: Iterable[Run]) -> str:
    return "".join(_run(run) for run in runs)


def _run(run: Run) -> str:
    text = escape(formula_words(run.text) if run.formula else run.text).replace("\n", "<br>\n")
    for tag, on in (
        ("code", run.code),
        ("sup", run.small),
        ("em", run.italic),
        ("strong", run.bold),
        ("s", run.strike),
    ):
        if on:
            text = f"<{tag}>{text}</{tag}>"
    link = run.link or run.image
    if link.lower().startswith(SCHEMES):
        text = f'<a href="{escape(link)}">{text}</a>'
    return text
