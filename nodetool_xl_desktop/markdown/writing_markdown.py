"""Leaves written as Markdown again."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from nodetool_xl_desktop.markdown.formula_marks import dollars_end
from nodetool_xl_desktop.markdown.leaves import (
    OBJECT,
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

_INLINE = re.compile(r"[\\`*\]<$]|~(?=~)|(?<=~)~|(?<![^\W_])_|_(?![^\W_])|&(?=#?\w+;)|!(?=\[|\Z)")
_LINE_START = re.compile(r"(?m)^([ \t]*)(?:([-+=#>|:])|(\d{1,9})([.)])(?=[ \t]|$))")
_HEADING_END = re.compile(r"(#+[ \t]*)$")
_TICKS = re.compile(r"`+")
_ADDRESS = re.compile(r"(?i)(https?|ftp)(?=://)|\bwww(?=\.)|@(?=[a-z0-9])")
#: Stands before the address of a link among the marks that are open.
_LINK = "]"
#: How many runs it looks ahead for which mark lasts longer.
MOST_NESTED = 20
_RULES = {Align.LEFT: "---", Align.CENTRE: ":-:", Align.RIGHT: "--:"}


def to_markdown(leaves: Sequence[Leaf]) -> str:
    """Markdown of leaves, which end with a line feed where there are any."""
    writer = _Writer()
    for leaf in leaves:
        writer.add(leaf)
    return writer.text()


class _Writer:
    def __init__(self) -> None:
        self._out: list[str] = []
        self._stack: list[tuple[Frame, str]] = []  # what is open, and what it puts before each line

    def text(self) -> str:
        return "".join(self._out) + ("\n" if self._out else "")

    def add(self, leaf: Leaf) -> None:
        """Write one more leaf."""
        lines = list(_lines(leaf.content))
        if leaf.gap is Gap.NONE and self._out:
            if isinstance(leaf.content, Words):
                self._out.append("\n".join(lines))
                return
            if isinstance(leaf.content, Table):
                lines = list(_rows(leaf.content))
        kept = self._kept(leaf)
        del self._stack[kept:]
        around = "".join(before for _, before in self._stack)
        if self._out:
            self._out.append("\n")
            if leaf.gap is Gap.NORMAL:
                self._out.append(around.rstrip() + "\n")
        first = around + self._opened(leaf, kept)
        before = "".join(each for _, each in self._stack)
        self._out.append(first + lines[0] if lines[0] or first.endswith("] ") else first.rstrip())
        self._out.extend("\n" + (before + line if line else before.rstrip()) for line in lines[1:])

    def _kept(self, leaf: Leaf) -> int:
        """How much of what is open stays open."""
        limit = len(leaf.frames)
        if leaf.marker:
            limit = len(leaf.frames) - 1 - leaf.frames[::-1].index(Frame.ITEM)
        kept = 0
        while kept < min(limit, len(self._stack)) and self._stack[kept][0] is leaf.frames[kept]:
            kept += 1
        return kept

    def _opened(self, leaf: Leaf, kept: int) -> str:
        """Open what the leaf lies in besides, and say how its first line begins."""
        first = ""
        last_item = len(leaf.frames) - 1 - leaf.frames[::-1].index(Frame.ITEM) if leaf.marker else -1
        for index in range(kept, len(leaf.frames)):
            if leaf.frames[index] is Frame.QUOTE:
                begin = then = "> "
            elif index == last_item:
                marker = Marker.read(leaf.marker)
                then = "    " if marker.note else " " * len(marker.before)
                begin = marker.before + marker.box
            else:
                begin = then = ""  # what is selected begins within the item
            self._stack.append((leaf.frames[index], then))
            first += begin
        return first


def _lines(content: Content) -> Iterator[str]:
    match content:
        case Words(level=0):
            yield from _guarded(_kept_spaces(content.runs)).split("\n")
        case Words():
            yield from _heading(content)
        case Code():
            fence = "`" * max(3, *(len(run) + 1 for run in _TICKS.findall(content.text)), 3)
            yield fence + content.language
            if content.text:
                yield from content.text.split("\n")
            yield fence
        case Formula(closed=True):
            yield from formula_block(content.source).split("\n")
        case Formula():
            yield from content.source.split("\n")
        case Table():
            rows = list(_rows(content))
            yield rows[0] if content.header else "|" + " |" * len(content.aligns)
            yield "|" + "|".join(_RULES[align] for align in content.aligns) + "|"
            yield from rows[1:] if content.header else rows
        case Rule():
            yield "***"


def _heading(content: Words) -> Iterator[str]:
    text = _kept_spaces(content.runs)
    if "\n" in text:
        yield from _guarded(text).split("\n")
        yield "===" if content.level == 1 else "---"
    else:
        yield "#" * content.level + " " + _HEADING_END.sub(lambda match: "\\" + match[1], text)


def _kept_spaces(runs: Sequence[Run]) -> str:
    """Words whose spaces at both ends are letters, so that they are not taken away."""
    text = runs_to_markdown(runs)
    bare = text.strip()
    if bare == text or not bare:
        return "".join(f"&#{ord(letter)};" for letter in text) if not bare else text
    start = text[: len(text) - len(text.lstrip())]
    end = text[len(text.rstrip()) :]
    return "".join(f"&#{ord(x)};" for x in start) + bare + "".join(f"&#{ord(x)};" for x in end)


def _guarded(text: str) -> str:
    """A paragraph whose lines begin nothing else."""
    return _LINE_START.sub(lambda m: f"{m[1]}\\{m[2]}" if m[2] else f"{m[1]}{m[3]}\\{m[4]}", text)


def _rows(table: Table) -> Iterator[str]:
    for row in table.rows:
        cells = (runs_to_markdown(cell).replace("|", "\\|").replace("\\\n", "<br>").replace("\n", " ") for cell in row)
        yield "| " + " | ".join(cells) + " |"


def formula_block(source: str) -> str:
    """A formula on lines of its own, with its delimiters."""
    return f"\\[\n{source}\n\\]" if "$$" in source else f"$$\n{source}\n$$"


def formula_words(source: str) -> str:
    """A formula within words, with its delimiters."""
    whole = f"${source}$"
    return whole if dollars_end(whole, 0) == (len(whole), 1) else f"\\({source}\\)"


def runs_to_markdown(runs: Iterable[Run]) -> str:
    """Words with their marks."""
    out: list[str] = []
    open_marks: list[str] = []  # the outermost first; a link by its address behind `_LINK`
    listed = list(runs)
    for index, run in enumerate(listed):
        alone = _stands_alone(listed, index)
        wanted = [mark for mark in _marks(run) if not (alone and mark.startswith(_LINK))]
        while any(mark not in wanted for mark in open_marks):
            out.append(_closing(open_marks.pop()))
        fresh = [mark for mark in wanted if mark not in open_marks]
        for mark in sorted(fresh, key=lambda mark: -_extent(mark, listed, index)):
            open_marks.append(mark)
            out.append("[" if mark.startswith(_LINK) else mark)
        if alone:
            out.append(f"<{run.text}>" if "://" in run.text else run.text)
        else:
            out.append(_formula(listed, index) if run.formula else _run(run))
    out.extend(_closing(mark) for mark in reversed(open_marks))
    return "".join(out)


def _formula(runs: Sequence[Run], index: int) -> str:
    """A formula, with brackets where a dollar would not be one beside its neighbours."""
    before = runs[index - 1].shown[-1:] if index else ""
    after = runs[index + 1].shown[:1] if index + 1 < len(runs) else ""
    near = {before, after} & {OBJECT, "$"} or before.isalnum() or after.isalnum() or before == "\\"
    return f"\\({runs[index].text}\\)" if near else formula_words(runs[index].text)


def _marks(run: Run) -> list[str]:
    marks = (("~~", run.strike), ("**", run.bold), ("*", run.italic), (_LINK + run.link, run.link != ""))
    return [mark for mark, on in marks if on]


def _extent(mark: str, runs: Sequence[Run], index: int) -> int:
    """For how many runs from here on it is wanted: what lasts longer is opened first."""
    end = index
    while end < len(runs) and end < index + MOST_NESTED and mark in _marks(runs[end]):
        end += 1
    return end - index


def _closing(mark: str) -> str:
    return f"]({_target(mark[1:])})" if mark.startswith(_LINK) else mark


def _stands_alone(runs: Sequence[Run], index: int) -> bool:
    """Whether a link is an address that is one without any marks."""
    run = runs[index]
    following = runs[index + 1].link if index + 1 < len(runs) else ""
    return (
        following != run.link
        and not run.code
        and not run.image
        and _is_bare(run.text)
        and run.link == _target_of(run.text)
    )


def _is_bare(text: str) -> bool:
    return re.fullmatch(r"https?://[^\s<>]+|www\.[\w./-]*[\w/]|[\w.]+@[\w-]+(?:\.[\w-]+)+", text) is not None


def _target_of(text: str) -> str:
    if text.startswith("www."):
        return f"http://{text}"
    return text if "://" in text else f"mailto:{text}"


def _run(run: Run) -> str:
    if run.small:
        return f"[^{run.text}]"
    if run.image:
        return f"![{_escaped(run.text, linked=True)}]({_target(run.image)})"
    if run.code:
        fence = "`" * (max((len(ticks) for ticks in _TICKS.findall(run.text)), default=0) + 1)
        pad = " " if run.text[:1] in "` " or run.text[-1:] in "` " else ""
        if not run.text.strip(" "):
            pad = ""
        return f"{fence}{pad}{run.text}{pad}{fence}"
    return _escaped(run.text, linked=run.link != "")


def _escaped(text: str, *, linked: bool = False) -> str:
    r"""Words that mark nothing. A bracket is never written as `\[`, which may begin a formula."""
    text = _INLINE.sub(lambda match: "\\" + match[0], text)
    text = text.replace("[", "&#91;").replace("\\]", "&#93;") if linked else _ADDRESS.sub(_broken, text)
    return text.replace("\n", "\\\n")


def _broken(match: re.Match[str]) -> str:
    """An address that was no link, so that it is none again."""
    found = match[0]
    return f"&#{ord(found[0])};{found[1:]}"


def _target(address: str) -> str:
    address = re.sub(r"&(?=#?\w+;)", "&amp;", address)
    if re.search(r"[\s()<>\\]", address) or not address:
        return "<" + re.sub(r"([<>\\])", r"\\\1", address.replace("\n", "%0A")) + ">"
    return address
