"""A text as it is drawn: the same whatever the pieces were, safe, and at a cost that does not grow with it."""

from __future__ import annotations

import asyncio
import gc
import http.server
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import until
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QCoreApplication, QEvent, QPoint, Qt, QUrl
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMainWindow, QMessageBox, QPushButton, QScrollArea, QVBoxLayout, QWidget

from nodetool_xl_desktop.markdown.leaves import Leaf
from nodetool_xl_desktop.markdown.page import PlainPage
from nodetool_xl_desktop.store.parts import Text
from nodetool_xl_desktop.store.records import Message, State
from nodetool_xl_desktop.store.tree import Versions
from nodetool_xl_desktop.ui.markdown.heights import Heights
from nodetool_xl_desktop.ui.markdown.links import Links, Way, way_of
from nodetool_xl_desktop.ui.markdown.markdown_view import MarkdownView
from nodetool_xl_desktop.ui.markdown.sheet_view import SHOWN_LETTERS
from nodetool_xl_desktop.ui.theme import Theme
from nodetool_xl_desktop.ui.transcript.transcript import Transcript

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
#: What Qt says where there is no screen.
QUIET = pytest.mark.qt_log_ignore("This plugin does not support")
#: The window's thread is never held longer, in seconds of its own work: other programs may hold it longer still.
LONGEST_S = 0.15


@pytest.fixture(scope="module")
def theme(qapp: QApplication) -> Theme:
    return Theme(qapp)


@pytest.fixture
def shown(qapp: QApplication) -> Iterator[Callable[..., QScrollArea]]:
    """Shows a view in something that scrolls."""
    areas: list[QScrollArea] = []

    def show(*views: QWidget, width: int = 700, height: int = 600) -> QScrollArea:
        area, body = QScrollArea(), QWidget()
        rows = QVBoxLayout(body)
        for view in views:
            rows.addWidget(view)
        rows.addStretch(1)
        area.setWidget(body)
        area.setWidgetResizable(True)
        area.resize(width, height)
        area.show()
        areas.append(area)
        settle()
        return area

    yield show
    for area in areas:
        area.close()
        area.deleteLater()
    settle()


def settle() -> None:
    for _ in range(4):
        QApplication.processEvents()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def lines_of(view: MarkdownView) -> int:
    """Rows of pixels in which something is drawn."""
    image = view.grab().toImage()
    ground = QColor(image.pixel(0, image.height() - 1))
    return sum(
        any(QColor(image.pixel(x, y)) != ground for x in range(0, image.width(), 3)) for y in range(image.height())
    )


# What is shown


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.integers(0, len(ANSWER)), max_size=20))
def test_the_pieces_make_no_difference(theme: Theme, shown: Callable[..., QScrollArea], cuts: list[int]) -> None:
    whole, grown = MarkdownView(theme), MarkdownView(theme)
    area = shown(whole, grown)
    whole.set_text(ANSWER)
    grown.set_open(is_open=True)
    for cut in sorted(cuts):
        grown.set_text(ANSWER[:cut])
    grown.set_text(ANSWER)
    grown.set_open(is_open=False)
    settle()
    assert grown.toPlainText() == whole.toPlainText()
    assert grown.height() == whole.height()
    assert drawn(grown) == drawn(whole)
    area.close()


def drawn(view: MarkdownView) -> list[Leaf]:
    return [each.leaf for shown in view._sheet.sections for each in shown.drawn]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(alphabet="ab #*_`~-|>[]()!\n1.$\\", max_size=200))
def test_any_text_can_be_drawn(theme: Theme, text: str) -> None:
    view = MarkdownView(theme)
    view.setAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen)
    view.show()
    view.set_open(is_open=True)
    for end in range(0, len(text), 7):
        view.set_text(text[:end])
    view.set_text(text)
    view.set_open(is_open=False)
    has_names = any(mark in text for mark in ("[", "```", "~~~", "\\"))  # targets and languages are not drawn
    assert set("ab") & set(text) <= set(view.toPlainText()) or has_names
    view.close()
    view.deleteLater()


def test_a_question_is_drawn_as_it_was_typed(theme: Theme, shown: Callable[..., QScrollArea]) -> None:
    view = MarkdownView(theme, plain=True)
    shown(view)
    view.set_text("1 * 2 * 3\n# no title\n<b>")
    three = view.height()
    assert view.toPlainText() == "1 * 2 * 3\n# no title\n<b>"
    view.set_text("1 * 2 * 3")
    assert view.height() == pytest.approx(three / 3, abs=2)


@given(text=st.text(alphabet="a\n ", max_size=40), times=st.integers(1, 400))
def test_plain_text_is_cut_without_losing_anything(text: str, times: int) -> None:
    page, whole = PlainPage(), text * times
    for end in (len(whole) // 3, len(whole) // 2, len(whole)):
        page.set_text(whole[:end], is_open=True)
    spans = page._spans
    between = [whole[before[1] : after[0]] for before, after in itertools.pairwise(spans)]
    assert set(between) <= {"\n", ""}
    assert "".join(page.source(at) + (between[at] if at < len(between) else "") for at in range(len(page))) == whole


def test_another_theme_and_zoom_redraw(theme: Theme, shown: Callable[..., QScrollArea]) -> None:
    view = MarkdownView(theme)
    area = shown(view)
    view.set_text(ANSWER)
    before, height = view.toPlainText(), view.height()
    theme.choose(Qt.ColorScheme.Dark)
    settle()
    image = view.grab().toImage()
    light = sum(image.pixelColor(x, 20).lightness() > 200 for x in range(200))
    assert light > 10  # the letters of the title
    theme.set_zoom(2.0)
    settle()
    assert view.height() > 1.6 * height
    theme.set_zoom(1.0)
    theme.choose(None)
    settle()
    assert (view.toPlainText(), view.height()) == (before, height)
    area.close()


def test_what_is_said_aside_is_quiet(theme: Theme, shown: Callable[..., QScrollArea]) -> None:
    usual, aside = MarkdownView(theme, plain=True), MarkdownView(theme, plain=True)
    aside.setProperty("kind", "note")
    shown(usual, aside)
    usual.set_text("Words.")
    aside.set_text("Words.")
    assert aside.height() < usual.height()
    assert darkest(aside) > darkest(usual)


def darkest(view: MarkdownView) -> int:
    image = view.grab().toImage()
    return min(image.pixelColor(x, y).lightness() for x in range(60) for y in range(image.height()))


def test_a_bar_stands_at_the_end_while_more_comes(theme: Theme, shown: Callable[..., QScrollArea]) -> None:
    view = MarkdownView(theme)
    shown(view)
    view.set_open(is_open=True)
    view.set_text("Some words")
    assert accents(view, theme) > 5
    view.set_open(is_open=False)
    assert accents(view, theme) == 0


def accents(view: MarkdownView, theme: Theme) -> int:
    image = view.grab().toImage()
    places = ((x, y) for x in range(image.width()) for y in range(image.height()))
    return sum(image.pixelColor(x, y).name() == theme.tokens.accent.lower() for x, y in places)


# What is far from what is seen


def long_text(paragraphs: int) -> str:
    return "\n\n".join(f"Paragraph {at}: " + "words that go on " * (at % 17 + 5) for at in range(paragraphs))


def test_only_what_is_near_is_laid_out(theme: Theme, shown: Callable[..., QScrollArea]) -> None:
    view = MarkdownView(theme)
    area = shown(view)
    view.set_text(long_text(2000))
    settle()
    assert len(view._sheet.alive) < 60
    assert view.height() > 60_000
    area.verticalScrollBar().setValue(area.verticalScrollBar().maximum() // 2)
    settle()
    view.look()
    settle()
    assert len(view._sheet.alive) < 200
    assert lines_of_port(area) > 100


def lines_of_port(area: QScrollArea) -> int:
    image = area.viewport().grab().toImage()
    ground = image.pixel(2, 2)
    return sum(any(image.pixel(x, y) != ground for x in range(20, image.width(), 5)) for y in range(image.height()))


def test_what_is_measured_above_does_not_move_what_is_read(window: QMainWindow, transcript: Transcript) -> None:
    """Inside one long message: from its middle upwards, where everything was only estimated."""
    transcript.show_chat([Message("a", None, "assistant", (Text(long_text(1500)),))], alone)
    settle()
    bar, view = transcript.verticalScrollBar(), transcript.message_views[0].texts[0]
    bar.setValue(bar.maximum() // 2)
    settle()
    for _ in range(40):
        place = view.place_at(top_of(view, transcript))
        before = view.mapTo(transcript.viewport(), view.rect_of(place).topLeft().toPoint()).y()
        bar.setValue(bar.value() - 120)
        settle()
        after = view.mapTo(transcript.viewport(), view.rect_of(place).topLeft().toPoint()).y()
        assert after - before == pytest.approx(120, abs=2)


def top_of(view: MarkdownView, transcript: Transcript) -> QPoint:
    return view.mapFromGlobal(transcript.viewport().mapToGlobal(QPoint(120, 150)))


def test_a_hit_deep_in_a_long_message_is_brought_into_view(window: QMainWindow, transcript: Transcript) -> None:
    text = (
        long_text(1500).replace("Paragraph 900:", "Paragraph lighthouse 900:") + "\n\n```\nthe lighthouse in code\n```"
    )
    transcript.show_chat([Message("a", None, "assistant", (Text(text),))], alone)
    settle()
    view = transcript.message_views[0].texts[0]
    while not view._page.is_done:
        settle()
    transcript.open_find()
    QTest.keyClicks(transcript.find_bar.field, "lighthouse")
    for hit in (0, 1):
        settle()
        assert transcript.find_bar.count == f"{hit + 1} of 2"
        y = view.mapTo(transcript.viewport(), view.place_of(hit).topLeft()).y()
        assert 0 <= y < transcript.viewport().height()
        assert "[lighthouse]" in view.marks
        QTest.keyClick(transcript.find_bar.field, Qt.Key.Key_Return)


def test_heights_that_are_replaced() -> None:
    heights = Heights([10, 20, 30])
    assert heights.total == 60
    heights.replace(1, [5, 5, 5])
    assert (heights.total, heights.top(3), len(heights)) == (25, 20, 4)
    heights.replace(0, [])
    assert heights.total == 0
    heights.replace(0, [7])
    assert (heights.total, heights.at(100)) == (7, 0)


def test_a_very_large_text_shows_its_beginning(theme: Theme, shown: Callable[..., QScrollArea]) -> None:
    view = MarkdownView(theme)
    shown(view)
    text = ("words " * 4000 + "\n\n") * 60
    view.set_text(text)
    while not view._page.is_done:
        settle()
    shown_first = len(view._sheet)
    buttons = {each.text(): each for each in view.findChildren(QPushButton) if each.isVisible()}
    assert {"Show More", "Save as File ..."} <= set(buttons)
    assert f"{len(text) - SHOWN_LETTERS:,} of {len(text):,} letters" in view._more._words.text()
    QTest.mouseClick(buttons["Show More"], Qt.MouseButton.LeftButton)
    while not view._page.is_done:
        settle()
    assert len(view._sheet) > shown_first
    assert not buttons["Show More"].isVisible()


def test_the_controls_of_code_are_reached_by_keys(window: QMainWindow, transcript: Transcript) -> None:
    text = "Before.\n\n```python\nx = 1\n```\n\nBetween.\n\n```\ny\n```"
    transcript.show_chat([Message("a", None, "assistant", (Text(text),))], alone)
    settle()
    message = transcript.message_views[0]
    message.setFocus(Qt.FocusReason.TabFocusReason)
    settle()
    names = []
    for _ in range(6):
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
        names.append(QApplication.focusWidget().accessibleName())
    assert names[0] == "Answer"
    assert sum("Copy" in name for name in names) >= 2, names


# Hostile texts, in the real transcript


@pytest.fixture
def window(qapp: QApplication, loop: asyncio.AbstractEventLoop) -> Iterator[QMainWindow]:
    made = QMainWindow()
    made.theme = Theme(qapp)  # type: ignore[attr-defined]
    made.setCentralWidget(Transcript(made.theme))  # type: ignore[attr-defined]
    made.resize(780, 700)
    made.show()
    made.activateWindow()
    settle()
    yield made
    made.centralWidget().watch(None)
    made.close()
    made.deleteLater()
    made.theme.deleteLater()  # type: ignore[attr-defined]
    settle()


@pytest.fixture
def transcript(window: QMainWindow) -> Transcript:
    found = window.centralWidget()
    assert isinstance(found, Transcript)
    return found


def alone(message_id: str) -> Versions:
    return Versions((message_id,), 0)


HOSTILE: dict[str, Callable[[], str]] = {
    "10 MB on one line": lambda: "a" * 10_000_000,
    "10 MB of words on one line": lambda: "word " * 2_000_000,
    "100,000 quotes": lambda: "> " * 100_000 + "deep",
    "100,000 quotes on lines": lambda: "".join(">" * (at % 3000) + " a\n" for at in range(0, 3000, 20)),
    "10,000 tables": lambda: "| a | b |\n|---|---|\n| 1 | 2 |\n\n" * 10_000,
    "deep lists": lambda: "".join(" " * at + "- a\n" for at in range(2000)),
    "brackets": lambda: "[" * 50_000 + "](" * 10_000,
    "stars": lambda: "*a **b " * 30_000,
    "ticks": lambda: "".join("`" * (at % 500) + " a " for at in range(3000)),
    "unseen and turned letters": lambda: "a\u200b\u202e\u2066b\u200d\u2069 " * 30_000,
    "escapes of a terminal": lambda: "\x1b[31mred\x1b]0;title\x07 " * 20_000,
    "code": lambda: "```python\n" + "x = (1, 'a', [2])  # note\n" * 30_000 + "```\n",
    "formulas": lambda: "$$" + "\\frac{" * 3000 + "}" * 3000 + "$$\n\n" + "$x_1$ " * 5000,
    "an svg": lambda: "<svg onload='alert(1)'><script>1</script></svg>\n\n" * 3000,
    "empty lines": lambda: "\n" * 100_000 + "end",
}


@pytest.mark.usefixtures("frozen")
@pytest.mark.parametrize("name", HOSTILE)
async def test_no_text_holds_up_the_window(transcript: Transcript, name: str) -> None:
    text = HOSTILE[name]()
    worst = await held_up(transcript, text)
    for _ in range(3):  # what is loaded at its first use counts once, and other programs share the machine's caches
        if worst >= LONGEST_S:
            worst = min(worst, await held_up(transcript, text))
    assert worst < LONGEST_S, f"{worst * 1000:.0f} ms"


async def held_up(transcript: Transcript, text: str) -> float:
    """For how long the window's thread works at once while this text is shown and scrolled, in seconds."""
    gaps: list[float] = []
    question = Message("q", None, "user", (Text("And?"),))
    answer = Message("a", "q", "assistant", (Text(text),), State.COMPLETE)
    transcript.show_chat([question], alone)
    await asyncio.sleep(0.05)
    ticking = asyncio.get_event_loop().create_task(tick(gaps))
    await asyncio.sleep(0.02)
    transcript.show_chat([question, answer], alone)
    await asyncio.sleep(0.05)
    view = transcript.message_views[-1].texts[0]
    try:
        await until(lambda: view._page.is_done, "it is cut", 20)
    except AssertionError:
        ticking.cancel()
        raise
    bar = transcript.verticalScrollBar()
    for share in (0.5, 0.9, 0.1, 1.0):
        bar.setValue(round(bar.maximum() * share))
        await asyncio.sleep(0.02)
    ticking.cancel()
    await asyncio.sleep(0)
    assert view.height() > 10
    return max(gaps)


@pytest.fixture
def frozen() -> Iterator[None]:
    """What the tests before left is not looked through again by the collector of cycles while time is taken."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


async def tick(gaps: list[float]) -> None:
    last = time.thread_time()
    while True:
        await asyncio.sleep(0.001)
        now = time.thread_time()
        gaps.append(now - last)
        last = now


def test_nothing_is_fetched(theme: Theme, tmp_path: Path, httpserver_port: int, requests: list[str]) -> None:
    """Neither a file of this machine nor an address: an image in an answer could carry the chat away."""
    picture = tmp_path / "picture.png"
    picture.write_bytes(b"not even looked at")
    view = MarkdownView(theme)
    view.set_text(
        f"![a](file://{picture}) ![b](http://127.0.0.1:{httpserver_port}/leak) <img src='http://127.0.0.1:{httpserver_port}/x'>"
    )
    view.show()
    settle()
    view.grab()
    view.hide()
    assert requests == []


def test_raw_html_is_text(theme: Theme) -> None:
    view = MarkdownView(theme)
    view.set_text("before <b>tag</b> <script>alert(1)</script> after")
    assert "<script>" in view.toPlainText()
    assert "<b>tag</b>" in view.toPlainText()


# Links


@pytest.mark.parametrize(
    ("link", "way"),
    [
        ("https://example.org/a?b=c", Way.OPEN),
        ("HTTP://example.org", Way.OPEN),
        ("http:///no-host", Way.NEVER),
        ("javascript:alert(1)", Way.NEVER),
        ("JaVaScRiPt:alert(1)", Way.NEVER),
        ("java\nscript:alert(1)", Way.NEVER),
        ("java%0ascript:alert(1)", Way.NEVER),
        ("\x01javascript:alert(1)", Way.NEVER),
        ("vbscript:x", Way.NEVER),
        ("data:text/html,<script>", Way.NEVER),
        ("/etc/passwd", Way.NEVER),
        ("file:///etc/passwd", Way.ASK),
        ("mailto:a@example.org", Way.ASK),
        ("steam://run/1", Way.ASK),
    ],
)
def test_how_a_link_is_followed(link: str, way: Way) -> None:
    assert way_of(link) is way


@QUIET
def test_a_link_is_opened_by_mouse_and_keys(window: QMainWindow, transcript: Transcript) -> None:
    opened: list[str] = []
    transcript.links = replaced(transcript, opened)
    text = "See [this page](https://example.org/x), or [write](mailto:a@example.org), or [that](javascript:alert(1))."
    transcript.show_chat([Message("a", None, "assistant", (Text(text),))], alone)
    settle()
    view = transcript.message_views[0].texts[0]
    pointed: list[str] = []
    transcript.link_pointed.connect(pointed.append)
    place = view.rect_of(view.place_at(QPoint(0, 8))._replace(offset=7)).center().toPoint()
    QTest.mouseMove(view, place)
    assert pointed == ["https://example.org/x"]
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=place)
    assert opened == ["https://example.org/x"]
    view.setFocus()
    QTest.keyClick(view, Qt.Key.Key_Tab)
    QTest.keyClick(view, Qt.Key.Key_Return)
    assert opened == ["https://example.org/x"] * 2
    QTest.keyClick(view, Qt.Key.Key_Tab)
    assert pointed[-1] == "mailto:a@example.org"
    QTest.keyClick(view, Qt.Key.Key_Return)
    assert "mailto:a@example.org" in dialog().text()
    QTest.keyClick(dialog(), Qt.Key.Key_Escape)
    settle()
    assert len(opened) == 2
    view.setFocus()
    QTest.keyClick(view, Qt.Key.Key_Tab)
    QTest.keyClick(view, Qt.Key.Key_Tab)
    QTest.keyClick(view, Qt.Key.Key_Tab)
    assert not view.hasFocus()  # what would run something is no link: Tab goes on


@QUIET
def test_what_asks_and_what_never_opens(window: QMainWindow, transcript: Transcript) -> None:
    opened: list[str] = []
    links = replaced(transcript, opened)
    links.follow("file:///etc/passwd")
    box = dialog()
    assert "/etc/passwd" in box.text()
    assert box.textFormat() is Qt.TextFormat.PlainText
    QTest.keyClick(box, Qt.Key.Key_Escape)
    settle()
    links.follow("javascript:alert(1)")
    assert "not opened" in dialog().text()
    QTest.keyClick(dialog(), Qt.Key.Key_Escape)
    settle()
    assert opened == []
    links.follow("mailto:a@example.org")
    QTest.mouseClick(next(each for each in dialog().buttons() if each.text() == "Open"), Qt.MouseButton.LeftButton)
    settle()
    assert opened == ["mailto:a@example.org"]


def replaced(transcript: Transcript, opened: list[str]) -> Links:
    """The system is asked for nothing: what it would be asked for is noted."""
    return Links(transcript, lambda url: opened.append(QUrl(url).toString()))


def dialog() -> QMessageBox:
    found = [each for each in QApplication.topLevelWidgets() if isinstance(each, QMessageBox) and each.isVisible()]
    assert len(found) == 1
    return found[0]


@pytest.fixture
def requests() -> list[str]:
    return []


@pytest.fixture
def httpserver_port(requests: list[str]) -> Any:
    """A real server that notes who asks."""

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
