"""The letters of the system: the window takes their family and their size, also while it runs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from chat_driver import echo, sat_down
from conftest import Build, until
from PySide6.QtGui import QFont, QFontMetrics
from PySide6.QtWidgets import (
    QApplication,
    QLabel,
    QPushButton,
    QRadioButton,
    QStyle,
    QStyleOptionButton,
    QStyleOptionSlider,
    QTabBar,
    QWidget,
)

from nodetool_xl_desktop.ui.inputs import Check, Combo, LineField, MarkedSlider, NumberField
from nodetool_xl_desktop.ui.leaf.look import look_of
from nodetool_xl_desktop.ui.page_head import icon_button
from nodetool_xl_desktop.ui.theme import Theme, scaled


@pytest.fixture
def letters(qapp: QApplication) -> Iterator[QFont]:
    """The system's, and those again afterwards."""
    before = QFont(qapp.font())
    yield QFont(before)
    qapp.setFont(before)


async def test_panels_and_answers_grow_with_the_letters_of_the_system(
    build: Build, starter_model: object, letters: QFont
) -> None:
    person = await sat_down(build, command=echo())
    await person.load(starter_model)  # type: ignore[arg-type]
    await person.ask("One")
    await person.answered()
    window, theme = person.window, person.window.theme
    button = next(each for each in window.findChildren(QPushButton) if each.isVisible() and each.text())
    note = next(each for each in window.findChildren(QLabel) if each.isVisible() and each.property("kind") == "note")
    before = button.fontInfo().pixelSize(), note.fontInfo().pixelSize(), person.view(1).texts[0].height()
    assert before[0] in (12, 13)
    assert look_of(theme).body.pixelSize() == 14
    assert theme.zoom == 1
    widths = window.side_bar.width(), window.fit_panel.width()
    number = window.fit_panel.findChild(NumberField)
    assert number is not None
    assert (*widths, number.height()) == (264, 316, 20)

    letters.setPointSizeF(14)  # at 96 dots per inch, 18.7 pixels
    QApplication.setFont(letters)
    await until(lambda: button.fontInfo().pixelSize() > before[0], "larger letters")
    assert button.fontInfo().pixelSize() == pytest.approx(before[0] * 19 / 13, abs=1)
    assert note.fontInfo().pixelSize() == pytest.approx(12 * 19 / 13, abs=1)
    assert look_of(theme).body.pixelSize() == pytest.approx(14 * 19 / 13, abs=1)
    assert scaled(34) == round(34 * 19 / 13)
    await until(lambda: number.height() == scaled(20) > QFontMetrics(number.font()).height(), "a higher field")
    shares = round(0.3 * window.width()), round(0.31 * window.width())
    assert window.side_bar.width() == min(scaled(264), shares[0]) > widths[0]
    assert window.fit_panel.width() == min(scaled(316), shares[1]) > widths[1]
    await until(lambda: person.view(1).texts[0].height() > 1.2 * before[2], "a higher answer")

    window.zoom.step(1)
    assert theme.chosen_zoom == pytest.approx(1.1), "a step of what a person chose"
    window.zoom.reset()
    letters.setFamily("monospace")
    QApplication.setFont(letters)
    await until(lambda: look_of(theme).body.families() == ["monospace"], "another family")


@pytest.mark.parametrize("points", [18, 24])
async def test_all_tabs_of_the_side_bar_are_read_in_letters_of_any_size(
    build: Build, letters: QFont, points: int
) -> None:
    window = build().window
    window.resize(1024, 640)
    letters.setPointSizeF(points)
    QApplication.setFont(letters)
    tabs = window.side_bar.findChild(QTabBar)
    assert tabs is not None
    await until(lambda: tabs.fontInfo().pixelSize() > 13, "larger letters of the tabs, too")
    metrics = QFontMetrics(tabs.font())
    for at in range(tabs.count()):
        assert metrics.horizontalAdvance(tabs.tabText(at)) <= tabs.tabRect(at).width()
    assert sum(tabs.tabRect(at).width() for at in range(tabs.count())) <= tabs.width()


def test_what_stands_in_a_frame_is_as_high_as_its_letters(qapp: QApplication, letters: QFont) -> None:
    theme = Theme(qapp, "light")
    kinds: list[QWidget] = [NumberField("a number"), Combo(theme, "a choice"), LineField()]
    assert [(each.sizeHint().height(), each.minimumSizeHint().height()) for each in kinds] == [(20, 20)] * 3
    letters.setPointSizeF(18)
    QApplication.setFont(letters)
    assert [(each.sizeHint().height(), each.minimumSizeHint().height()) for each in kinds] == [(37, 37)] * 3
    for each in kinds:
        each.ensurePolished()
        assert QFontMetrics(each.font()).height() <= 37


def test_what_stands_beside_words_is_as_large_as_they_are_also_while_they_change(
    qapp: QApplication, letters: QFont
) -> None:
    theme = Theme(qapp, "light")
    usual, larger, check = QPushButton("Send"), icon_button("Close"), Check(theme, "Yes")
    radio, slider = QRadioButton("One"), MarkedSlider(theme)
    for each in (usual, larger, check, radio, slider):
        each.ensurePolished()

    def sizes() -> list[int]:
        box, dot, bar = QStyleOptionButton(), QStyleOptionButton(), QStyleOptionSlider()
        check.initStyleOption(box)
        radio.initStyleOption(dot)
        slider.initStyleOption(bar)
        part, style = QStyle.SubElement, qapp.style()
        handle = QStyle.ComplexControl.CC_Slider, bar, QStyle.SubControl.SC_SliderHandle
        return [
            usual.iconSize().width(),
            larger.iconSize().width(),
            check.style().subElementRect(part.SE_CheckBoxIndicator, box, check).width(),
            radio.style().subElementRect(part.SE_RadioButtonIndicator, dot, radio).width(),
            style.subControlRect(*handle, slider).width(),
        ]

    before = sizes()
    assert before == [16, 18, 16, 14, 16]
    letters.setPointSizeF(18)  # at 96 dots per inch, 24 pixels
    QApplication.setFont(letters)
    grown = [now / then for now, then in zip(sizes(), before, strict=True)]
    assert grown == pytest.approx([24 / 13] * 5, rel=0.13)  # their borders do not grow
    letters.setPointSizeF(9.75)
    QApplication.setFont(letters)
    assert sizes() == before
