"""Any Markdown through the view: each prefix is drawn, and at the end it looks the same however it came."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from markdown_texts import Example, examples, marked, texts, texts_expected
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QScrollArea, QVBoxLayout, QWidget

from nodetool_xl_desktop.markdown.leaves import Leaf
from nodetool_xl_desktop.ui.markdown.markdown_view import MarkdownView
from nodetool_xl_desktop.ui.theme import Theme

FAST = settings(
    max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), phases=(Phase.explicit, Phase.generate)
)
MANY = settings(max_examples=1500, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def theme(qapp: QApplication) -> Iterator[Theme]:
    made = Theme(qapp)
    yield made
    made.deleteLater()


@pytest.fixture(scope="module")
def area(qapp: QApplication) -> Iterator[QScrollArea]:
    """What a view is seen through."""
    area, body = QScrollArea(), QWidget()
    QVBoxLayout(body)
    area.setWidget(body)
    area.setWidgetResizable(True)
    area.resize(520, 900)
    area.show()
    yield area
    area.close()
    area.deleteLater()


def settle() -> None:
    for _ in range(3):
        QApplication.processEvents()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def fresh(theme: Theme, area: QScrollArea) -> MarkdownView:
    """A view that is alone in the area."""
    rows = area.widget().layout()
    assert isinstance(rows, QVBoxLayout)
    while (item := rows.takeAt(0)) is not None:
        if item.widget() is not None:
            item.widget().deleteLater()
    view = MarkdownView(theme)
    rows.addWidget(view)
    rows.addStretch(1)
    settle()
    return view


def looked_at(view: MarkdownView, area: QScrollArea) -> tuple[list[Leaf], list[int], list[QImage]]:
    """What is drawn of all of it: its leaves, the height of each section, and pictures from top to bottom."""
    until(lambda: view._page.is_done)
    bar = area.verticalScrollBar()
    leaves: list[Leaf] = []
    for way in ("measure", "look"):
        pictures = []
        y = 0
        while True:
            bar.setValue(y)
            view.look()
            settle()
            until(lambda: all(each.is_settled for shown in view._sheet.sections for each in shown.drawn))  # type: ignore[attr-defined]
            pictures.append(area.viewport().grab().toImage())
            if y >= bar.maximum():
                break
            y += 4 * area.viewport().height() // 5
        if way == "look":
            leaves = [leaf for at in range(len(view._sheet)) for leaf in view._sheet.leaves(at)]
            assert all(shown.is_measured for shown in view._sheet.sections)
    return leaves, [view._sheet.heights[at] for at in range(len(view._sheet))], pictures


def until(condition: object, within_s: float = 10.0) -> None:
    assert callable(condition)
    end = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end
        settle()


def same_however_it_came(text: str, cuts: Sequence[int], theme: Theme, area: QScrollArea) -> None:
    grown = fresh(theme, area)
    grown.set_open(is_open=True)
    for at, cut in enumerate(sorted(cuts)):
        grown.set_text(text[:cut])
        if at % 3 == 0:  # else the next piece comes before this one was painted
            grown.look()
            settle()
            grown.grab()
    grown.set_text(text)
    grown.set_open(is_open=False)
    came = looked_at(grown, area)
    copied = grown.toPlainText()
    whole = fresh(theme, area)
    whole.set_text(text)
    at_once = looked_at(whole, area)
    assert came[0] == at_once[0]
    assert came[1] == at_once[1]
    assert copied == whole.toPlainText()
    assert came[2] == at_once[2], "it looks other"


def cuts_of(text: str) -> st.SearchStrategy[list[int]]:
    return st.lists(st.integers(0, len(text)), max_size=12)


def test_a_heading_that_has_ended_is_no_longer_half_finished(theme: Theme, area: QScrollArea) -> None:
    same_however_it_came("## The **half\nwords", [14], theme, area)


@FAST
@given(text=texts, data=st.data())
def test_it_looks_the_same_however_it_came(theme: Theme, area: QScrollArea, text: str, data: st.DataObject) -> None:
    same_however_it_came(text, data.draw(cuts_of(text)), theme, area)


@pytest.mark.soak
@MANY
@given(text=texts, data=st.data())
def test_many_texts_look_the_same_however_they_came(
    theme: Theme, area: QScrollArea, text: str, data: st.DataObject
) -> None:
    same_however_it_came(text, data.draw(cuts_of(text)), theme, area)


LONG = "".join(
    f"## Part {at}\n\nWords of [part {at}][p{at % 7}] {'and more ' * 20} with `code`, **bold** and $x_{{{at}}}$.\n\n"
    f"```python\nx = {at}\n"
    + "y = 2\n" * (at % 9)
    + f"```\n\n{at}. one\n{at + 1}. two\n\n| a | b |\n|---|---|\n| {at} | c |\n\n"
    for at in range(18)
) + "".join(f"[p{at}]: https://example.org/{at}\n" for at in range(7))


@settings(FAST, max_examples=1)
@given(text=st.just(LONG), cuts=st.lists(st.integers(0, len(LONG)), min_size=8, max_size=20))
def test_a_long_text_looks_the_same_however_it_came(
    theme: Theme, area: QScrollArea, text: str, cuts: list[int]
) -> None:
    """Longer than what is laid out at once, and with definitions at its end that change what was drawn."""
    assert len(text) > 6000
    same_however_it_came(text, cuts, theme, area)


@FAST
@example("| a |\n|---|\n| **b")
@example("1. a\n   - $x^{")
@example("> > ```py\n> > x = '")
@given(text=st.one_of(marked, texts))
def test_each_prefix_of_any_text_is_drawn(theme: Theme, area: QScrollArea, text: str) -> None:
    view = fresh(theme, area)
    view.set_open(is_open=True)
    for end in range(len(text) + 1):
        view.set_text(text[:end])
        if end % 5 == 0 or end == len(text):
            view.grab()
    for shown in view._sheet.sections:
        assert shown.is_measured
        assert [each.leaf for each in shown.drawn] == list(shown.leaves or ())


# The specifications


EXAMPLES = examples()


def wrong_ones(theme: Theme, area: QScrollArea, these: Sequence[Example]) -> list[str]:
    """The examples of which something is not drawn, or is not found in what was drawn."""
    expected, view, wrong = texts_expected(), fresh(theme, area), []
    for each in these:
        view.set_text(each.markdown)
        picture = view.grab().toImage()
        drawn = [leaf.leaf for shown in view._sheet.sections for leaf in shown.drawn]
        read = view.toPlainText()
        at, lost = 0, []
        for word in expected[str(each)].split():
            found = read.find(word, at)
            if found < 0:
                lost.append(word)
            else:
                at = found + len(word)
        is_seen = len({picture.pixel(x, y) for y in range(picture.height()) for x in range(0, picture.width(), 2)}) > 1
        if lost or is_seen != bool(drawn):
            wrong.append(f"{each}: {lost or 'not seen'}")
    return wrong


def test_some_examples_of_the_specifications_are_drawn(theme: Theme, area: QScrollArea) -> None:
    assert wrong_ones(theme, area, EXAMPLES[::6]) == []


@pytest.mark.soak
def test_every_example_of_the_specifications_is_drawn(theme: Theme, area: QScrollArea) -> None:
    assert len(EXAMPLES) == 676
    assert wrong_ones(theme, area, EXAMPLES) == []
