"""What is painted by hand in the rows of lists stands on the other side where the window goes from right to left."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QColor, QFont, QGuiApplication, QImage, QPainter

from nodetool_xl_desktop.ui.rows import mirrored, paint_heading, paint_line
from nodetool_xl_desktop.ui.theme import LIGHT

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
