"""What is painted by hand in the rows of lists stands on the other side where the window goes from right to left."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QColor, QFont, QGuiApplication, QImage, QPainter
from PySide6.QtWidgets import QApplication, QWidget

from nodetool_xl_desktop.chat.context import ContextUse
from nodetool_xl_desktop.fit.memory import MemoryUse
from nodetool_xl_desktop.ui.context.context_bar import ContextBar
from nodetool_xl_desktop.ui.fit.memory_bar import MemoryBar
from nodetool_xl_desktop.ui.inputs import Combo, MarkedSlider
from nodetool_xl_desktop.ui.rows import mirrored, paint_heading, paint_line
from nodetool_xl_desktop.ui.theme import LIGHT, Theme

ROW = QRect(0, 0, 200, 24)
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


@pytest.fixture
def right_to_left() -> Iterator[None]:
    before = QGuiApplication.layoutDirection()
    QGuiApplication.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    yield
    QGuiApplication.setLayoutDirection(before)


def inked() -> tuple[QImage, QPainter]:
    image = QImage(ROW.size(), QImage.Format.Format_RGB32)
    image.fill(QColor("white"))
    return image, QPainter(image)


def ends(image: QImage) -> tuple[int, int]:
    """The first and the last column with a letter."""
    white = QColor("white").rgb()
    seen = [x for x in range(image.width()) if any(image.pixel(x, y) != white for y in range(image.height()))]
    return seen[0], seen[-1]


def painted(edge: Qt.AlignmentFlag | None = None) -> tuple[int, int]:
    image, painter = inked()
    place = ROW.adjusted(0, 0, -60, 0)  # something else stands at the end of the row
    if edge is None:
        paint_line(painter, place, "SmolLM2", "#000000", QFont(), row=ROW)
    else:
        paint_line(painter, ROW, "Fits", "#000000", QFont(), edge)
    painter.end()
    return ends(image)


@pytest.mark.usefixtures("right_to_left")
def test_what_begins_a_row_is_on_its_right() -> None:
    first, last = painted()
    assert first > 60
    assert last > 190


@pytest.mark.usefixtures("right_to_left")
def test_what_ends_a_row_is_on_its_left() -> None:
    first, last = painted(RIGHT)
    assert first < 10
    assert last < 100


@pytest.mark.usefixtures("right_to_left")
def test_a_heading_is_on_the_right() -> None:
    image, painter = inked()
    paint_heading(painter, LIGHT, ROW, "Today")
    painter.end()
    assert ends(image)[1] > 185
    assert mirrored(QRect(190, 2, 10, 10), ROW) == QRect(0, 2, 10, 10)


def test_from_left_to_right_nothing_is_mirrored() -> None:
    assert painted()[0] < 10
    assert painted(RIGHT)[1] > 190
    assert mirrored(QRect(190, 2, 10, 10), ROW) == QRect(190, 2, 10, 10)


# Bars, and what is set by them


@pytest.fixture
def theme(qapp: QApplication) -> Theme:
    return Theme(qapp, "light")


def columns_of(widget: QWidget, color: str) -> list[int]:
    """In which columns of a picture of it, 200 pixels wide, there is a pixel of just this colour."""
    widget.resize(200, max(14, widget.sizeHint().height()))
    image = widget.grab().toImage().scaledToWidth(200)
    wanted = QColor(color).rgb()
    return [x for x in range(200) if any(image.pixel(x, y) == wanted for y in range(image.height()))]


def ends_in(image: QImage) -> tuple[int, int]:
    """The first and the last column in which something is on its ground."""
    ground = image.pixel(image.width() - 1, 0)
    seen = [x for x in range(image.width()) if any(image.pixel(x, y) != ground for y in range(image.height()))]
    return seen[0], seen[-1]


def memory(theme: Theme, total: int) -> MemoryBar:
    bar = MemoryBar(theme)
    bar.show_use("CPU", total, 20, MemoryUse(model=60))
    return bar


def test_the_memory_bar_fills_from_the_left(theme: Theme) -> None:
    assert columns_of(memory(theme, 100), LIGHT.others)[-1] < 45
    assert columns_of(memory(theme, 100), LIGHT.line)[0] > 150  # what is free
    assert 95 <= columns_of(memory(theme, 40), LIGHT.bad)[0] <= 101


@pytest.mark.usefixtures("right_to_left")
def test_the_memory_bar_fills_from_the_right(theme: Theme) -> None:
    assert columns_of(memory(theme, 100), LIGHT.others)[0] > 155
    assert columns_of(memory(theme, 100), LIGHT.line)[-1] < 50
    seen = columns_of(memory(theme, 40), LIGHT.others)
    assert not seen or seen[0] > 145  # the first part, and not what is beyond the end


@pytest.mark.usefixtures("right_to_left")
def test_the_context_bar_fills_from_the_right(theme: Theme) -> None:
    bar = ContextBar(theme, 14)
    bar.show_use(ContextUse(0, 0, 0, 1000, 10_000, 1000, exact=True))
    assert columns_of(bar, LIGHT.line)[-1] < 190
    assert columns_of(bar, LIGHT.line)[0] < 10


@pytest.mark.usefixtures("right_to_left")
def test_the_mark_of_a_slider_is_where_its_handle_would_be(theme: Theme) -> None:
    slider = MarkedSlider(theme)
    slider.setRange(0, 100)
    slider.set_mark(90)
    assert columns_of(slider, LIGHT.warning)[-1] < 40


@pytest.mark.usefixtures("right_to_left")
def test_what_is_chosen_is_left_of_its_field_and_its_caret_before_it(theme: Theme) -> None:
    combo = Combo(theme, "KV Cache")
    combo.show_values({"f16": "f16"}, "f16")
    combo.resize(200, 20)
    first, last = ends_in(combo.grab().toImage())
    assert first < 12, "the caret"
    assert last < 100
