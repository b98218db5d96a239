"""Every colour can be told from what it is drawn on, in both themes: by the formula of WCAG 2.2 (1.4.3 and 1.4.11)."""

from __future__ import annotations

import re
from dataclasses import fields

import pytest
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication

from nodetool_xl_desktop.ui import theme
from nodetool_xl_desktop.ui.leaf.look import HIT_ALPHA, look_of
from nodetool_xl_desktop.ui.theme import DARK, LIGHT, Theme, Tokens

TEXT, SHAPE, FAINT = 4.5, 3.0, 2.5
GROUNDS = "background surface sunken"
#: What is drawn on what, and the contrast that it needs. Text that is pressed or pointed at stands on a soft ground.
DRAWN: tuple[tuple[str, str, float], ...] = (
    ("text", f"{GROUNDS} code accent_soft warning_soft bad_soft line", TEXT),
    ("muted", f"{GROUNDS} code accent_soft", TEXT),
    ("accent", f"{GROUNDS} code accent_soft", TEXT),
    ("warning", f"{GROUNDS} code warning_soft", TEXT),
    ("bad", f"{GROUNDS} code bad_soft", TEXT),
    ("on_accent", "accent model warning", TEXT),  # buttons, those that are pointed at, and the hit one is at
    ("code_keyword code_string code_number code_comment code_name code_type", f"{GROUNDS} code", TEXT),
    ("accent", f"{GROUNDS} line", SHAPE),  # the ring of the focus, the hand of a slider, how far it is
    ("edge", GROUNDS, SHAPE),  # fields and scroll bars
    ("muted", GROUNDS, SHAPE),  # boxes to check
    ("model context compute", GROUNDS, SHAPE),  # the bars of memory, and their legend
    ("muted", "line", FAINT),  # a button that cannot be pressed is exempt, but should be read
    ("edge", "sunken", FAINT),  # the same of the segments
)
#: Rules of the style sheet with a colour and a ground of their own that are no text that one reads.
EXEMPT = re.compile(r":disabled|::handle|::indicator|::groove|::chunk|sub-page")


def linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4


def luminance(color: QColor) -> float:
    red, green, blue = (linear(each) for each in (color.redF(), color.greenF(), color.blueF()))
    return float(0.2126 * red + 0.7152 * green + 0.0722 * blue)


def contrast(one: QColor, other: QColor) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def over(color: QColor, ground: QColor) -> QColor:
    """What is seen of a colour that lets its ground through."""
    share = color.alphaF()
    mixed = (
        above * share + below * (1 - share)
        for above, below in zip(color.getRgbF()[:3], ground.getRgbF()[:3], strict=True)  # type: ignore[index]
    )
    return QColor.fromRgbF(*mixed)


def test_the_formula_is_the_one_of_wcag() -> None:
    assert contrast(QColor("#000000"), QColor("#FFFFFF")) == pytest.approx(21)
    assert contrast(QColor("#777777"), QColor("#FFFFFF")) == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("tokens", [LIGHT, DARK], ids=["light", "dark"])
def test_what_is_drawn_is_told_from_what_it_is_drawn_on(tokens: Tokens) -> None:
    short = [
        f"{ink} on {ground}: {found:.2f} of {least}"
        for inks, grounds, least in DRAWN
        for ink in inks.split()
        for ground in grounds.split()
        if (found := contrast(QColor(getattr(tokens, ink)), QColor(getattr(tokens, ground)))) < least
    ]
    assert not short
    named = {name for inks, grounds, _ in DRAWN for name in f"{inks} {grounds}".split()}
    assert {field.name for field in fields(Tokens)} - named == {"others"}, "which is told apart by its legend"


@pytest.mark.parametrize("tokens", [LIGHT, DARK], ids=["light", "dark"])
def test_every_rule_of_the_style_sheet_with_ink_and_ground_can_be_read(tokens: Tokens) -> None:
    names = {getattr(tokens, field.name).lower(): field.name for field in fields(Tokens)}
    seen, short = 0, []
    for selector, body in re.findall(r"([^{}]+)\{([^{}]*)\}", theme._style_sheet(tokens)):
        ink = re.search(r"(?<![-\w])color: (#\w{6})", body)
        ground = re.search(r"(?<![-\w])background: (#\w{6})", body)
        if ink and ground and not EXEMPT.search(selector):
            seen += 1
            found = contrast(QColor(ink[1]), QColor(ground[1]))
            if found < TEXT:
                short.append(f"{selector.strip()}: {names[ink[1].lower()]} {found:.2f}")
    assert not short
    assert seen >= 12


@pytest.mark.parametrize("tokens", [LIGHT, DARK], ids=["light", "dark"])
def test_hits_and_what_is_selected_can_be_read(qapp: QApplication, tokens: Tokens) -> None:
    made = Theme(qapp)
    made.tokens = tokens
    look = look_of(made)
    for ground in ("background", "sunken", "code", "surface"):
        below = QColor(getattr(tokens, ground))
        for kind in (look.mark(current=False), look.mark(current=True), look.chosen(), look.odd()):
            seen = over(kind.background().color(), below)
            assert contrast(kind.foreground().color(), seen) >= TEXT
    assert look.mark(current=False).background().color().alpha() == HIT_ALPHA
    made.deleteLater()


@pytest.mark.parametrize("tokens", [LIGHT, DARK], ids=["light", "dark"])
def test_qt_draws_with_the_same_colours(tokens: Tokens) -> None:
    palette, role = theme._palette(tokens), QPalette.ColorRole
    for ink, ground in (
        (role.WindowText, role.Window),
        (role.Text, role.Base),
        (role.Text, role.AlternateBase),
        (role.ButtonText, role.Button),
        (role.PlaceholderText, role.Base),
        (role.HighlightedText, role.Highlight),
        (role.ToolTipText, role.ToolTipBase),
        (role.Link, role.Base),
    ):
        assert contrast(palette.color(ink), palette.color(ground)) >= TEXT, ink


def test_a_palette_of_high_contrast_is_taken_as_it_is() -> None:
    system = QPalette()
    for role, color in (
        (QPalette.ColorRole.Window, "#000000"),
        (QPalette.ColorRole.WindowText, "#ffffff"),
        (QPalette.ColorRole.Highlight, "#00ffff"),
        (QPalette.ColorRole.HighlightedText, "#000001"),
    ):
        system.setColor(role, QColor(color))
    tokens = theme._from_palette(system)
    assert {tokens.background, tokens.surface, tokens.code} == {"#000000"}
    assert {tokens.text, tokens.line, tokens.edge, tokens.code_name, tokens.bad} == {"#ffffff"}
    assert (tokens.accent, tokens.on_accent) == ("#00ffff", "#000001")
