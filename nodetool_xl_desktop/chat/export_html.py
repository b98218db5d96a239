"""A chat as one page of HTML that needs nothing else: no script, no font, pictures within; `ui` prints a PDF of it."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterator

from nodetool_xl_desktop.chat.export import ReadFile, Record, speaker, when
from nodetool_xl_desktop.chat.parts import Attachment, Part, Reasoning, Text, ToolAnswer, ToolUse
from nodetool_xl_desktop.chat.records import State

_STYLE = """
:root { color-scheme: light dark; --page: #fff; --ink: #1c1c1e; --quiet: #6b6b70; --box: #f2f2f4; }
@media (prefers-color-scheme: dark) { :root { --page: #1c1c1e; --ink: #ececee; --quiet: #9a9aa0; --box: #2a2a2d; } }
body { background: var(--page); color: var(--ink); font: 16px/1.55 system-ui, sans-serif; margin: 2rem auto;
  max-width: 46rem; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1rem; margin: 2rem 0 .4rem; } .quiet { color: var(--quiet); }
p { white-space: pre-wrap; overflow-wrap: anywhere; margin: .6rem 0; }
pre { background: var(--box); border-radius: 6px; overflow-x: auto; padding: .8rem; } img { max-width: 100%; }
.user { background: var(--box); border-radius: 10px; padding: .1rem 1rem .4rem; } .user h2 { margin-top: .8rem; }
@media print { pre { white-space: pre-wrap; } section { break-inside: avoid-page; } }
"""
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})[^\n`]*\n(.*?)(?:^ {0,3}\1[`~]*[ \t]*$|\Z)", re.DOTALL | re.MULTILINE)
#: Nothing that a model wrote can fetch anything, even where an escape were forgotten.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_PICTURES = ("image/png", "image/jpeg", "image/webp", "image/gif")


def to_html(record: Record, read_file: ReadFile | None = None) -> str:
    """What is shown of a chat as one page that needs nothing else: no script, no font, pictures within.

    Args:
        record: the chat.
        read_file: reads the pictures; None for a page without them.
    """
    title = html.escape(record.chat.title or "Chat")
    body = [f'<h1>{title}</h1>\n<p class="quiet">{when(record.chat.created_ms)}</p>']
    for message in record.shown:
        inner = "\n".join(block for part in message.parts for block in _part_as_html(part, read_file))
        if message.state is not State.COMPLETE:
            inner += f'\n<p class="quiet">({message.state.value})</p>'
        body.append(f'<section class="{message.role}">\n<h2>{html.escape(speaker(message))}</h2>\n{inner}\n</section>')
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n" + "\n".join(body) + "\n</body>\n</html>\n"
    )


def _part_as_html(part: Part, read_file: ReadFile | None) -> Iterator[str]:
    match part:
        case Text(text):
            yield from _text_as_html(text)
        case Reasoning(text):
            yield f'<details><summary class="quiet">Reasoning</summary><p>{html.escape(text.strip())}</p></details>'
        case ToolUse(name=name, arguments=arguments):
            yield f'<p class="quiet">{html.escape(name)}</p><pre>{html.escape(arguments)}</pre>'
        case ToolAnswer(name=name, text=text, error=error, sha256=sha256, media_type=media_type):
            yield f'<p class="quiet">{html.escape(name)} answered</p><pre>{html.escape(error or text)}</pre>'
            yield from _picture(sha256, media_type, name, read_file)
        case Attachment(sha256=sha256, name=name, media_type=media_type):
            yield f'<p class="quiet">Attached: {html.escape(name)}</p>'
            yield from _picture(sha256, media_type, name, read_file)


def _text_as_html(text: str) -> Iterator[str]:
    """Paragraphs, and code in its fences; the rest of Markdown stays as it was written."""
    at = 0
    for match in [*_FENCE.finditer(text), None]:
        prose = text[at : match.start() if match else len(text)]
        yield from (
            f"<p>{html.escape(paragraph)}</p>" for paragraph in re.split(r"\n{2,}", prose.strip("\n")) if paragraph
        )
        if match:
            yield f"<pre><code>{html.escape(match[2].rstrip(chr(10)))}</code></pre>"
            at = match.end()


def _picture(sha256: str, media_type: str, name: str, read_file: ReadFile | None) -> Iterator[str]:
    if sha256 and read_file and media_type in _PICTURES and (data := read_file(sha256)) is not None:
        yield f'<img alt="{html.escape(name)}" src="data:{media_type};base64,{base64.b64encode(data).decode()}">'
