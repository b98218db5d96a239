"""Pictures of a page with every element, compared with those that were looked at and kept.

`NTXL_NEW_PICTURES=1 make test` (or `pytest tests/gui/test_markdown_pictures.py` with it) draws the kept ones anew: open
them, and keep them only if they are right. Where one differs, the new one and the difference lie in the folder that the
failure names.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import until
from leaf_page import ABOVE, BELOW, Page
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QImage, QPainter
from PySide6.QtWidgets import QApplication

from nodetool_xl_desktop.ui.theme import LIGHT, Theme

HERE = Path(__file__).parent
PICTURES = HERE / "pictures"
#: Both pictures are looked at in squares of so many of Qt's pixels, so that a machine's way to smooth letters is none.
SQUARE = 4
#: How much a square may differ in brightness and in its hue, of 255: letters drawn elsewhere by 3 pixels differ by 40
#: and more in brightness; how letters are smoothed changes no hue.
BRIGHTNESS, HUE = 26, 12
PARTS = {"above": ABOVE, "below": BELOW}
SCHEMES = {"light": Qt.ColorScheme.Light, "dark": Qt.ColorScheme.Dark}


@pytest.fixture
def theme(qapp: QApplication) -> Iterator[Theme]:
    """With the fonts of the tests, whichever the machine has."""
    fonts = [QFontDatabase.addApplicationFont(str(file)) for file in sorted((HERE / "fonts").glob("*.ttf"))]
    before = QFont(qapp.font())
    letters = QFont(before)  # of the usual size
    letters.setFamily("Picture Sans")
    qapp.setFont(letters)
    made = Theme(qapp)
    made.code_families = ("Picture Mono",)
    yield made
    made.choose(None)
    qapp.setFont(before)
    for font in fonts:
        QFontDatabase.removeApplicationFont(font)


def squares(picture: QImage, ratio: float) -> QImage:
    """A picture as the mean colours of its squares."""
    side = SQUARE * ratio
    wide, high = round(picture.width() / side), round(picture.height() / side)
    smooth = Qt.TransformationMode.SmoothTransformation
    small = picture.scaled(wide, high, Qt.AspectRatioMode.IgnoreAspectRatio, smooth)
    return small.convertToFormat(QImage.Format.Format_RGB888)


def differing(drawn: QImage, kept: QImage, ratio: float) -> list[QRect]:
    """The squares in which two pictures of one size differ, in Qt's pixels."""
    new, old, found = squares(drawn, ratio), squares(kept, ratio), []
    for y in range(new.height()):
        row, other = bytes(new.constScanLine(y)), bytes(old.constScanLine(y))
        for x in range(new.width()):
            red, green, blue = (row[3 * x + each] - other[3 * x + each] for each in range(3))
            hue = max(abs(red - green), abs(blue - green), abs(red - blue))
            if abs(red + green + blue) / 3 > BRIGHTNESS or hue > HUE:
                found.append(QRect(x * SQUARE, y * SQUARE, SQUARE, SQUARE))
    return found


def compare(drawn: QImage, name: str, ratio: float, folder: Path) -> None:
    """Hold a picture against the kept one, or keep it."""
    file = PICTURES / f"{name}.png"
    if os.environ.get("NTXL_NEW_PICTURES"):
        assert drawn.save(str(file), "PNG", 0)
        return
    kept = QImage(str(file))
    assert drawn.save(str(folder / f"{name}.png"))
    assert not kept.isNull(), f"no kept picture {file}; the new one is {folder / name}.png"
    assert drawn.size() == kept.size(), f"of another size than {file}: {folder / name}.png"
    if where := differing(drawn, kept, ratio):
        painter = QPainter(drawn)
        painter.setPen(QColor("red"))
        painter.drawRects(where)
        painter.end()
        drawn.save(str(folder / f"{name}-where.png"))
        raise AssertionError(f"{len(where)} squares differ from {file}, marked red in {folder / name}-where.png")


async def drawn_page(theme: Theme, part: str, scheme: str) -> Page:
    """A part of the page with its colours and formulas."""
    theme.choose(SCHEMES[scheme])
    page = Page(theme, PARTS[part])
    page.setAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen)
    page.show()
    page.setFocus()
    await until(lambda: page.is_ready, "its formulas are drawn and its code is coloured")
    return page


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("ratio", [1.0, 2.0])
async def test_every_element(theme: Theme, tmp_path: Path, part: str, scheme: str, ratio: float) -> None:
    page = await drawn_page(theme, part, scheme)
    try:
        compare(page.picture(ratio), f"{part}-{scheme}-{ratio * 100:.0f}", ratio, tmp_path)
    finally:
        page.drop()


async def test_what_the_comparison_finds(theme: Theme) -> None:
    """Another colour of a word, a shift by 3 pixels, and a missing element are seen; a picture equals itself."""
    page = await drawn_page(theme, "above", "light")
    try:
        picture = page.picture()
    finally:
        page.drop()
    assert not differing(picture, picture, 1.0)
    for across, down in ((3, 0), (0, 3)):
        moved = QImage(picture)
        painter = QPainter(moved)
        painter.drawImage(QPoint(across, down), picture)
        painter.end()
        assert len(differing(moved, picture, 1.0)) > 100
    theme.tokens = replace(LIGHT, code_keyword=LIGHT.code_string)
    page = Page(theme, ABOVE)
    try:
        await until(lambda: page.is_ready, "it is drawn in another colour")
        assert differing(page.picture(), picture, 1.0)
    finally:
        page.drop()
    missing = QImage(picture)
    painter = QPainter(missing)
    painter.fillRect(QRect(16, 60, 20, 20), QColor(LIGHT.background))
    painter.end()
    assert differing(missing, picture, 1.0)
