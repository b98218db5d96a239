"""A chat as one page of HTML that needs nothing else: no script, no font, pictures within.

`blocks` says what a message is made of; the page here is written from it, and so is the PDF that `ui` prints.
"""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterator
from dataclasses import dataclass

from nodetool_xl_desktop.core.translation import language, tr
from nodetool_xl_desktop.exchange import export_markup
from nodetool_xl_desktop.exchange.export import (
    ReadFile,
    Record,
    became,
    called,
    called_with,
    left_out,
    speaker,
    when,
)
from nodetool_xl_desktop.exchange.export_markup import Code, Prose
from nodetool_xl_desktop.store.parts import Attachment, Part, Reasoning, Text, ToolAnswer, ToolUse
from nodetool_xl_desktop.store.records import Message, State

#: The page stands alone, so its colours stand here: those of the window (`ui/theme.py`), and white where it is printed.
_STYLE = """
:root { color-scheme: light dark; --page: #fbfaf8; --ink: #23211d; --quiet: #6b6760; --box: #f3f1ed; --code: #f6f4f0;
  --line: #e4e1da; --accent: #2f6f5e; }
@media (prefers-color-scheme: dark) { :root { --page: #171614; --ink: #ece9e2; --quiet: #a29d93; --box: #24221f;
  --code: #1f1e1b; --line: #34322e; --accent: #6db8a2; } }
@media print { :root { --page: #fff; --ink: #000; --quiet: #555; --box: #f3f1ed; --code: #f6f4f0; --line: #d8d5ce;
  --accent: #2f6f5e; } }
* { box-sizing: border-box; }
body { background: var(--page); color: var(--ink); font: 16px/1.6 system-ui, -apple-system, "Segoe UI", sans-serif;
  margin: 3rem auto; max-width: 46rem; padding: 0 1.25rem; overflow-wrap: break-word; }
header { border-bottom: 1px solid var(--line); margin-bottom: 2rem; padding-bottom: 1rem; }
header h1 { font-size: 1.6rem; line-height: 1.3; margin: 0; }
.quiet { color: var(--quiet); font-size: .875rem; margin: .4rem 0; }
section { margin: 0 0 2rem; } section > h2 { font-size: .9rem; margin: 0 0 .35rem; }
section.user { background: var(--box); border-radius: 12px; margin-left: 12%; padding: .8rem 1.1rem; }
h1, h2, h3, h4, h5, h6 { break-after: avoid; line-height: 1.35; }
.said h1 { font-size: 1.3rem; } .said h2 { font-size: 1.15rem; } .said h3, .said h4 { font-size: 1rem; }
p { margin: .6rem 0; } p.plain { white-space: pre-wrap; } a { color: var(--accent); }
blockquote { border-left: 3px solid var(--line); color: var(--quiet); margin: .6rem 0; padding-left: 1rem; }
code { background: var(--code); border: 1px solid var(--line); border-radius: 5px; font-size: .85em;
  padding: .1em .3em; } code, pre { font-family: ui-monospace, "SF Mono", Consolas, monospace; }
pre { background: var(--code); border: 1px solid var(--line); border-radius: 10px; font-size: .85rem; line-height: 1.5;
  margin: .7rem 0; overflow-x: auto; padding: .8rem 1rem; } pre code { all: unset; }
.code > .quiet { margin: .7rem 0 -.4rem; }
table { border-collapse: collapse; display: block; margin: .7rem 0; overflow-x: auto; }
th, td { border: 1px solid var(--line); padding: .3rem .7rem; text-align: left; } th { background: var(--box); }
hr { border: 0; border-top: 1px solid var(--line); } img { border-radius: 10px; max-width: 100%; }
details { border: 1px solid var(--line); border-radius: 10px; margin: .7rem 0; padding: .4rem .9rem; }
summary { cursor: pointer; }
@media print { body { font-size: 11pt; margin: 0; max-width: none; } pre { white-space: pre-wrap; }
  section.user { margin-left: 0; } img { break-inside: avoid; } }
"""
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})([^\n`]*)\n(.*?)(?:^ {0,3}\1[`~]*[ \t]*$|\Z)", re.DOTALL | re.MULTILINE)
#: Nothing that a model wrote can fetch anything, even where an escape were forgotten.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_PICTURES = ("image/png", "image/jpeg", "image/webp", "image/gif")


@dataclass(frozen=True, slots=True)
class Thought:
    """What a model thought; a page folds it."""

    text: str


@dataclass(frozen=True, slots=True)
class Note:
    """A line beside what was said, such as the name of a tool."""

    text: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that goes with a message."""

    data: bytes
    media_type: str
    name: str


Block = Prose | Code | Thought | Note | Picture


def blocks(message: Message, read_file: ReadFile | None = None) -> Iterator[Block]:
    """What a message is made of, from its beginning.

    Args:
        message: the message.
        read_file: reads the pictures; None for none.
    """
    for part in message.parts:
        yield from _of_part(part, message.role == "assistant", read_file)
    if message.state is not State.COMPLETE:
        error = message.about.error
        yield Note(f"({message.state.value})" if error is None else f"({message.state.value}: {error})")


def subtitle(record: Record) -> str:
    """The line under the title: when, how much, and what of the chat is not in it."""
    return " · ".join(filter(None, (when(record.chat.created_ms), left_out(record))))


def to_html(record: Record, read_file: ReadFile | None = None) -> str:
    """What is shown of a chat as one page that needs nothing else: no script, no font, pictures within.

    Args:
        record: the chat.
        read_file: reads the pictures; None for a page without them.
    """
    title = html.escape(record.chat.title or tr("Chat"))
    body = [f'<header>\n<h1>{title}</h1>\n<p class="quiet">{html.escape(subtitle(record))}</p>\n</header>']
    for message in record.shown:
        inner = "\n".join(_as_html(block) for block in blocks(message, read_file))
        name = html.escape(speaker(message))
        body.append(
            f'<section class="{message.role}">\n<h2>{name}</h2>\n<div class="said">\n{inner}\n</div>\n</section>'
        )
    return (
        f'<!DOCTYPE html>\n<html lang="{language()}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n" + "\n".join(body) + "\n</body>\n</html>\n"
    )


def _of_part(part: Part, in_markdown: bool, read_file: ReadFile | None) -> Iterator[Block]:
    match part:
        case Text(text):
            is_markdown = in_markdown and len(text) <= export_markup.LONGEST
            yield from export_markup.blocks(text) if is_markdown else _plain(text)
        case Reasoning(text):
            yield Thought(text.strip())
        case ToolUse(name=name):
            yield Note(called(part, name))
            yield Code(*called_with(part))
        case ToolAnswer(name=name, text=text, error=error, sha256=sha256, media_type=media_type):
            yield Note(became(part, name))
            yield Code(error or text)
            yield from _picture(sha256, media_type, name, read_file)
        case Attachment(sha256=sha256, name=name, media_type=media_type):
            yield Note(tr("Attached: {name}", name=name))
            yield from _picture(sha256, media_type, name, read_file)


def _plain(text: str) -> Iterator[Prose | Code]:
    """What a person typed: paragraphs, and code in its fences; the rest stays as it was written."""
    at = 0
    for match in [*_FENCE.finditer(text), None]:
        prose = text[at : match.start() if match else len(text)]
        for paragraph in re.split(r"\n{2,}", prose.strip("\n")):
            if paragraph:
                yield Prose(f'<p class="plain">{html.escape(paragraph)}</p>')
        if match:
            yield Code(match[3].rstrip("\n"), match[2].strip())
            at = match.end()


def _picture(sha256: str, media_type: str, name: str, read_file: ReadFile | None) -> Iterator[Picture]:
    if sha256 and read_file and media_type in _PICTURES and (data := read_file(sha256)) is not None:
        yield Picture(data, media_type, name)


def _as_html(block: Block) -> str:
    match block:
        case Prose(text):
            return text
        case Code(text, language):
            name = f'<p class="quiet">{html.escape(language)}</p>\n' if language else ""
            return f'<div class="code">{name}<pre><code>{html.escape(text)}</code></pre></div>'
        case Thought(text):
            head, said = html.escape(tr("Reasoning")), f'<p class="plain quiet">{html.escape(text)}</p>'
            return f'<details><summary class="quiet">{head}</summary>{said}</details>'
        case Note(text):
            return f'<p class="quiet">{html.escape(text)}</p>'
        case Picture(data, media_type, name):
            source = f"data:{media_type};base64,{base64.b64encode(data).decode()}"
            return f'<p><img alt="{html.escape(name)}" src="{source}"></p>'
