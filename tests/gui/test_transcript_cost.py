"""What keeps a transcript cheap: what is new is painted, formulas are drawn elsewhere, cycles collected here."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Iterator
from operator import sub

import psutil
import pytest
from conftest import Build, until
from leaf_page import leaf, words
from PySide6.QtCore import QEvent, QObject
from PySide6.QtGui import QGuiApplication, QImage, QPaintEvent
from PySide6.QtWidgets import QApplication, QMainWindow

from nodetool_xl_desktop.markdown.leaves import Formula, Run
from nodetool_xl_desktop.store.parts import Text
from nodetool_xl_desktop.store.records import Message, State
from nodetool_xl_desktop.store.tree import Versions
from nodetool_xl_desktop.ui import collector
from nodetool_xl_desktop.ui.leaf.drawing import draw
from nodetool_xl_desktop.ui.leaf.formula import Drawn, formulas_of
from nodetool_xl_desktop.ui.theme import Theme
from nodetool_xl_desktop.ui.transcript.transcript import Transcript

RGB = QImage.Format.Format_RGB32
#: By so much a colour differs, of 255, where a shape was painted in two pieces.
VISIBLE = 40
QUIET = pytest.mark.qt_log_ignore("This plugin does not support")


class Painted(QObject):
    """Adds up what is painted of a widget, in pixels."""

    area = 0

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QPaintEvent):
            self.area += sum(each.width() * each.height() for each in event.region())
        return super().eventFilter(watched, event)


@pytest.fixture
def theme(qapp: QApplication) -> Iterator[Theme]:
    made = Theme(qapp)
    yield made
    made.deleteLater()


def differs(window: QMainWindow) -> list[int]:
    """The rows in which what is on the screen is not what is painted when all is painted anew."""
    shown = QGuiApplication.primaryScreen().grabWindow(window.winId()).toImage().convertToFormat(RGB)
    fresh = window.grab().toImage().convertToFormat(RGB)
    assert shown.size() == fresh.size()
    one, other, wide = bytes(shown.constBits()), bytes(fresh.constBits()), shown.bytesPerLine()
    pairs = ((one[at : at + wide], other[at : at + wide]) for at in range(0, len(one), wide))
    return [row for row, (a, b) in enumerate(pairs) if a != b and max(map(abs, map(sub, a, b))) > VISIBLE]


@QUIET
async def test_an_answer_that_scrolls_is_painted_at_its_end_only(theme: Theme) -> None:
    window, transcript, painted = QMainWindow(), Transcript(theme), Painted()
    window.setCentralWidget(transcript)
    window.resize(900, 800)
    window.show()
    question = Message("q", None, "user", (Text("Tell me all."),))

    def answer(lines: int) -> Message:
        text = "".join(f"A line of an answer, the {number}. of many.\n\n" for number in range(lines))
        return Message("a", "q", "assistant", (Text(text),), State.STREAMING)

    transcript.show_chat([question, answer(60)], lambda each: Versions((each,), 0))
    await asyncio.sleep(0.2)
    view = transcript.message_views[-1].texts[0]
    view.installEventFilter(painted)
    bar = transcript.verticalScrollBar()
    for lines in range(61, 69):
        before, painted.area = bar.value(), 0
        transcript.update_answer(answer(lines))
        await asyncio.sleep(0.1)
        assert bar.value() == bar.maximum() > before
        assert 0 < painted.area < view.width() * 200
        assert not differs(window)
    # Of what comes at the end the height is guessed right, and it is painted before it is laid out.
    text = answer(60).text + "| hour | wind |\n|:-----|-----:|\n| 4 | 31 |\n\n"
    for end in ("", "$$\\", "$$\\int_0^7 x^2 dx$$\n\n", "$$\\int_0^7 x^2 dx$$\n\n## Part"):
        transcript.update_answer(Message("a", "q", "assistant", (Text(text + end),), State.STREAMING))
        window.repaint()
        await asyncio.sleep(0.15)
        assert not differs(window), end
    window.close()
    window.deleteLater()


@QUIET
async def test_a_formula_has_its_place_before_it_is_drawn(theme: Theme) -> None:
    for content in (Formula(r"\sum_{k=1}^7 \frac{k}{731}"), words(Run(r"a^2 + b^2 = 731", formula=True))):
        changes: list[int] = []
        drawn = draw(leaf(content), theme, on_change=lambda changes=changes: changes.append(1))  # type: ignore[misc]
        drawn.lay_out(600)
        before = drawn.height
        assert not drawn.is_settled
        await until(lambda changes=changes: changes, "it is drawn")  # type: ignore[misc]
        assert drawn.is_settled
        assert drawn.height == pytest.approx(before, abs=6)


@QUIET
async def test_formulas_are_drawn_by_a_child_that_may_die(theme: Theme) -> None:
    formulas = formulas_of(theme)

    async def found(source: str) -> object:
        await until(lambda: formulas.find(source, inline=True) is not None, "it is drawn")
        return formulas.find(source, inline=True)

    assert isinstance(await found("x_{731}"), Drawn)
    (child,) = psutil.Process().children()
    child.kill()
    child.wait()
    await found("x_{732}")
    assert isinstance(await found("x_{733}"), Drawn)
    formulas.close()
    assert not psutil.Process().children()
    assert isinstance(await found("x_{734}"), Drawn)


class Ring:
    """Holds itself."""

    def __init__(self) -> None:
        self.itself = self


async def test_cycles_are_collected_by_the_window_and_by_nobody_else(build: Build) -> None:
    gc.enable()  # as it is when the program starts
    parts = build()
    assert not gc.isenabled()
    ring = Ring()
    gone = weakref.ref(ring)
    del ring
    held = [Ring() for _ in range(2 * collector.YOUNG)]
    await until(lambda: gone() is None, "it is collected", 5)
    assert len(held) == 2 * collector.YOUNG
    await parts.shut_down()
    assert gc.isenabled()
