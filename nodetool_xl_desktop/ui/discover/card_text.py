"""The text of a model card without its HTML: cards are Markdown that is full of it, and nothing here draws HTML."""

from __future__ import annotations

import re
from functools import partial

_FENCE = re.compile(r"\s{0,3}(`{3,}|~{3,})")
_GAP = re.compile(r"\n{3,}")
#: Tags of HTML, and nothing else in angle brackets: <think> and <|im_start|> are what a card is about.
_NAMES = (
    "a|abbr|audio|b|blockquote|br|button|caption|center|code|dd|del|details|div|dl|dt|em|figcaption|figure|font|footer"
    "|h[1-6]|header|hr|i|iframe|img|ins|kbd|li|main|mark|nav|ol|p|picture|pre|s|section|small|source|span|strong|sub"
    "|summary|sup|table|tbody|td|tfoot|th|thead|tr|u|ul|video"
)
_TAG = re.compile(rf"<(/?)({_NAMES})(\s[^<>]{{0,4000}})?/?>", re.IGNORECASE)
_VALUE = r"""\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))"""
_HREF, _SRC, _ALT = (re.compile(rf"(?:^|\s){name}{_VALUE}", re.IGNORECASE) for name in ("href", "src", "alt"))
_AROUND = {"b": "**", "strong": "**", "summary": "**", "em": "*", "i": "*", "code": "`", "kbd": "`"}
_ON_ITS_LINE = {"li": "\n- ", "hr": "\n\n---\n\n", "br": "\n", "tr": "\n"}
_BLOCKS = re.compile(
    "blockquote|center|dd|details|div|dl|dt|figcaption|figure|footer|header|main|nav|ol|p|pre|section|table|ul"
)


def readable(card: str) -> str:
    """The card with its HTML as Markdown, or left out where Markdown has nothing for it; code stays as it is."""
    pieces: list[str] = []
    for is_code, text in _parts(card):
        pieces.append(text if is_code else _GAP.sub("\n\n", _without_tags(_without_comments(text))))
    return "".join(pieces)


def _parts(card: str) -> list[tuple[bool, str]]:
    """The card cut into fenced code, and what is between."""
    parts: list[tuple[bool, list[str]]] = [(False, [])]
    fence = ""
    for line in card.splitlines(keepends=True):
        found = _FENCE.match(line)
        if fence:
            parts[-1][1].append(line)
            if found is not None and found[1].startswith(fence) and not line[found.end() :].strip("`~ \t\n"):
                fence = ""
                parts.append((False, []))
        elif found is not None:
            fence = found[1]
            parts.append((True, [line]))
        else:
            parts[-1][1].append(line)
    return [(is_code, "".join(lines)) for is_code, lines in parts]


def _without_comments(text: str) -> str:
    kept, at = [], 0
    while (start := text.find("<!--", at)) >= 0 and (end := text.find("-->", start + 4)) >= 0:
        kept.append(text[at:start])
        at = end + 3
    return "".join(kept) + text[at:]


def _without_tags(text: str) -> str:
    if _TAG.search(text) is None:
        return text
    links: list[str] = []
    lines = []
    for line in text.split("\n"):
        in_table = line.lstrip().startswith("|")
        made = _TAG.sub(partial(_markdown, links=links, in_table=in_table), line)
        # What was indented in HTML is no code.
        lines.append(made if made == line else "\n".join(each.strip(" \t") for each in made.split("\n")))
    return "\n".join(lines)


def _markdown(tag: re.Match[str], links: list[str], *, in_table: bool) -> str:
    """What stands for a tag; `links` are the addresses of those <a> that are open."""
    is_end, name, said = bool(tag[1]), tag[2].lower(), tag[3] or ""
    if name == "img":
        return _image(said)
    if name == "a":
        return _link(said, links, is_end=is_end)
    if name in _AROUND:
        return _AROUND[name]
    stands = _on_its_line(name, is_end=is_end)
    return " " if stands and in_table else stands


def _on_its_line(name: str, *, is_end: bool) -> str:
    """What stands for a tag that is no letters' own."""
    if name[0] == "h" and name[1:].isdigit():
        return "\n\n" if is_end else f"\n\n{'#' * int(name[1:])} "
    if _BLOCKS.fullmatch(name):
        return "\n\n"
    if name in ("td", "th"):
        return " "
    return "" if is_end else _ON_ITS_LINE.get(name, "")


def _image(said: str) -> str:
    source = _attribute(_SRC, said).replace(" ", "%20")
    return f"![{_attribute(_ALT, said) or source.rpartition('/')[2]}]({source})" if source else ""


def _link(said: str, links: list[str], *, is_end: bool) -> str:
    if not is_end:
        links.append(_attribute(_HREF, said).replace(" ", "%20"))
        return "[" if links[-1] else ""
    target = links.pop() if links else ""
    return f"]({target})" if target else ""


def _attribute(pattern: re.Pattern[str], said: str) -> str:
    found = pattern.search(said)
    value = next((each for each in found.groups() if each), "") if found is not None else ""
    return " ".join(value.split()).replace("[", "(").replace("]", ")")
