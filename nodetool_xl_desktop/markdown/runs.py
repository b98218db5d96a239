"""From markdown-it's tokens of a paragraph to runs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from markdown_it.common.normalize_url import normalizeLink
from markdown_it.token import Token

from nodetool_xl_desktop.markdown.inline_rules import end_of_address
from nodetool_xl_desktop.markdown.leaves import Run

_LINK = re.compile(
    r"(?<![\w/.@+-])(?:www\.[A-Za-z0-9-][^\s<]*|[A-Za-z0-9][A-Za-z0-9._+-]{0,63}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8})"
)


def runs_of(tokens: Sequence[Token]) -> Iterator[Run]:
    """What is drawn of a paragraph; neighbours may look the same."""
    depths = {"strong": 0, "em": 0, "s": 0}
    link = ""
    for token in _joined(tokens):
        if token.nesting and token.tag in depths:
            depths[token.tag] += token.nesting
        elif token.nesting:
            link = str(token.attrGet("href") or "") if token.type == "link_open" else ""
        else:
            look = (depths["strong"] > 0, depths["em"] > 0, depths["s"] > 0)
            yield from _runs(token, look, link)


def _runs(token: Token, look: tuple[bool, bool, bool], link: str) -> Iterator[Run]:
    match token.type:
        case "code_inline":
            yield Run(token.content, *look, code=True, link=link)
        case "softbreak":
            yield Run(" ", *look, link=link)
        case "hardbreak":
            yield Run("\n", *look, link=link)
        case "formula":
            yield Run(token.content.replace("\n", " "), *look, formula=True, link=link)
        case "note_reference":
            yield Run(token.content, *look, small=True, link=link)
        case "image":
            yield Run(_plain(token), *look, image=str(token.attrGet("src") or ""), link=link)
        case _:
            yield from _text(token.content, look, link)


def _joined(tokens: Sequence[Token]) -> Iterator[Token]:
    """Neighbours that are text as one token, so that an address is seen as a whole."""
    held: Token | None = None
    for token in tokens:
        if token.type not in ("text", "text_special"):
            if held is not None:
                yield held
            held = None
            yield token
        elif held is None:
            held = token
        elif token.content:
            held = Token("text", "", 0, content=held.content + token.content)
    if held is not None:
        yield held


def merged(runs: Iterable[Run]) -> tuple[Run, ...]:
    """Neighbours of one look as one run."""
    out: list[Run] = []
    texts: list[str] = []  # of the neighbours that look like the last one
    for run in runs:
        if not run.text:
            continue
        if out and _are_alike(out[-1], run):
            texts.append(run.text)
        else:
            _join(out, texts)
            out.append(run)
            texts = [run.text]
    _join(out, texts)
    return tuple(out)


def _join(out: list[Run], texts: list[str]) -> None:
    if len(texts) > 1:
        out[-1] = replace(out[-1], text="".join(texts))


def _are_alike(one: Run, other: Run) -> bool:
    if one.formula or one.small or one.image or other.formula or other.small or other.image:
        return False
    return (
        one.bold == other.bold
        and one.italic == other.italic
        and one.strike == other.strike
        and one.code == other.code
        and one.link == other.link
    )


def _text(text: str, look: tuple[bool, bool, bool], link: str) -> Iterator[Run]:
    """Words, with the addresses in them that need no `http://`."""
    if link or ("www." not in text and "@" not in text):
        yield Run(text, *look, link=link)
        return
    at = 0
    for match in _LINK.finditer(text):
        found = end_of_address(match[0])
        if "@" in found and not found.startswith("www."):
            target = f"mailto:{found}"
        elif "." in found[4:]:
            target = normalizeLink(f"http://{found}")
        else:
            continue
        yield Run(text[at : match.start()], *look)
        yield Run(found, *look, link=target)
        at = match.start() + len(found)
    yield Run(text[at:], *look)


def _plain(image: Token) -> str:
    """The alternative text of an image, or else the name of its file."""
    alternative = "".join(
        "\n"
        if child.type == "hardbreak"
        else " "
        if child.type == "softbreak"
        else _plain(child)
        if child.type == "image"
        else child.content
        for child in image.children or ()
    )
    return alternative or str(image.attrGet("src") or "").rpartition("/")[2][:80] or "Image"
