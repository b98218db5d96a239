"""Answers as Markdown: the same whatever the pieces were, safe, and cheap at the end of a long text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from nodetool_xl_desktop.ui.theme import Theme
from nodetool_xl_desktop.ui.transcript.markdown_blocks import Fence, block_ends
from nodetool_xl_desktop.ui.transcript.markdown_view import MarkdownView

ANSWER = """\
# Title

First paragraph with **bold**, *italic* and `code`.

1. One
2. Two
   - inner

```python
def add(a, b):

    return a + b
```

| a | b |
|---|---|
| 1 | 2 |

The end, with half **bold
"""


@pytest.fixture(scope="module")
def theme(qapp: QApplication) -> Theme:
    return Theme(qapp)


def words(view: MarkdownView) -> str:
    return view.document().toPlainText()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.integers(0, len(ANSWER)), max_size=30))
def test_the_pieces_make_no_difference(theme: Theme, cuts: list[int]) -> None:
    whole, grown = MarkdownView(theme), MarkdownView(theme)
    whole.set_text(ANSWER)
    for cut in sorted(cuts):
        grown.set_text(ANSWER[:cut])
    grown.set_text(ANSWER)
    assert words(grown) == words(whole)
    assert grown.document().blockCount() == whole.document().blockCount()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(alphabet="ab #*_`~-|>[]()!\n1.", max_size=200))
def test_any_text_can_be_drawn(theme: Theme, text: str) -> None:
    view = MarkdownView(theme)
    for end in range(0, len(text), 7):
        view.set_text(text[:end])
    view.set_text(text)
    # What names a link's target, or the language of a fence, is not drawn.
    has_names = any(mark in text for mark in ("[", "```", "~~~"))
    assert set("ab") & set(text) <= set(words(view)) or has_names


def test_where_blocks_end() -> None:
    assert block_ends("Text.\n\nMore.\n \n", 0) == [7, 15]
    fenced = "```python\nx = 1\n\ny = 2\n"
    assert block_ends(fenced, 0) == []
    assert block_ends(fenced + "```\nAfter", 0) == [len(fenced + "```\n")]
    assert block_ends("Before:\n" + fenced, 0) == [len("Before:\n")]
    assert block_ends("```no fence``` here\n\n", 0) == [21]


def test_fenced_code() -> None:
    assert Fence.read("```python\nx = 1\n\n```\n") == Fence("python", "x = 1\n", closed=True)
    assert Fence.read("~~~\n```\nx") == Fence("", "```\nx", closed=False)
    assert Fence.read("text\n```\n") is None


def test_paragraphs_are_apart_and_code_stands_on_its_ground(theme: Theme) -> None:
    view = MarkdownView(theme)
    view.set_text("One.\n\nTwo.\n\n> said\n\n```\ncode\n```\n")
    one = view.document().begin()
    two = one.next()
    quote = two.next()
    assert (one.text(), two.text(), quote.text()) == ("One.", "Two.", "said")
    assert two.blockFormat().topMargin() > 0
    assert quote.blockFormat().leftMargin() > 0
    assert len(view.document().rootFrame().childFrames()) == 1


def test_nothing_is_fetched(theme: Theme, tmp_path: Path, httpserver_port: int, requests: list[str]) -> None:
    """Neither a file of this machine nor an address: an image in an answer could carry the chat away."""
    picture = tmp_path / "picture.png"
    picture.write_bytes(b"not even looked at")
    view = MarkdownView(theme)
    view.set_text(
        f"![a](file://{picture}) ![b](http://127.0.0.1:{httpserver_port}/leak) <img src='http://127.0.0.1:{httpserver_port}/x'>"
    )
    view.show()
    QApplication.processEvents()
    view.hide()
    assert requests == []


def test_raw_html_is_text(theme: Theme) -> None:
    view = MarkdownView(theme)
    view.set_text("before <b>tag</b> <script>alert(1)</script> after")
    assert "<script>" in words(view)
    assert "<b>tag</b>" in words(view)


def test_a_question_is_drawn_as_it_was_typed(theme: Theme) -> None:
    view = MarkdownView(theme, plain=True)
    view.set_text("1 * 2 * 3\n# no title\n<b>")
    assert words(view) == "1 * 2 * 3\n# no title\n<b>"


def test_another_theme_redraws(theme: Theme) -> None:
    view = MarkdownView(theme)
    view.set_text(ANSWER)
    before = words(view)
    theme.choose(Qt.ColorScheme.Dark)
    assert words(view) == before
    theme.choose(None)


@pytest.fixture
def requests() -> list[str]:
    return []


@pytest.fixture
def httpserver_port(requests: list[str]) -> Any:
    """A real server that notes who asks."""
    import http.server  # noqa: PLC0415
    import threading  # noqa: PLC0415

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            requests.append(self.path)
            self.send_response(404)
            self.end_headers()

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()
