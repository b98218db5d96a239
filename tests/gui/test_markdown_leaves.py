"""Leaves of Markdown as they are drawn: where letters stand, what buttons do, what is hostile, and what it costs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import until
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from leaf_page import MARGIN, PYTHON, TABLE, Page, cell, leaf, words
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QGuiApplication, QImage, QPainter
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QMessageBox, QToolButton

from nodetool_xl_desktop.markdown.leaves import Align, Code, Formula, Frame, Leaf, Run, Table
from nodetool_xl_desktop.ui.leaf import highlighting
from nodetool_xl_desktop.ui.leaf.code_rows import LONGEST, Rows, columns_of
from nodetool_xl_desktop.ui.leaf.drawing import FramedLeaf, draw
from nodetool_xl_desktop.ui.leaf.drawn import Kept, Mark
from nodetool_xl_desktop.ui.leaf.formula import Drawn, NotDrawn, formulas_of
from nodetool_xl_desktop.ui.leaf.highlighting import Highlighter, is_loaded, load_lexer
from nodetool_xl_desktop.ui.leaf.odd_letters import visible
from nodetool_xl_desktop.ui.theme import DARK, LIGHT, Theme, Tokens

WIDTH = 480
Pages = Callable[..., Page]


@pytest.fixture(scope="module")
def theme(qapp: QApplication) -> Theme:
    return Theme(qapp)


@pytest.fixture
def pages(theme: Theme) -> Iterator[Pages]:
    """Shows leaves, and takes them away again."""
    made: list[Page] = []

    def show(*leaves: Leaf) -> Page:
        page = Page(theme, leaves, WIDTH)
        made.append(page)
        page.show()
        return page

    yield show
    for page in made:
        page.drop()


def laid(theme: Theme, shown: Leaf, width: float = WIDTH) -> FramedLeaf:
    """A leaf laid out."""
    made = draw(shown, theme)
    made.lay_out(width)
    return made


def picture(drawn: FramedLeaf, chosen: tuple[int, int] | None = None, marks: tuple[Mark, ...] = ()) -> QImage:
    """What a leaf looks like."""
    made = QImage(WIDTH, max(1, int(min(drawn.height, 2000))), QImage.Format.Format_RGB32)
    made.fill(QColor(LIGHT.background))
    painter = QPainter(made)
    drawn.paint(painter, QRectF(made.rect()), chosen, marks)
    painter.end()
    return made


def colors(image: QImage, where: QRectF | None = None) -> set[str]:
    """The colours in a picture, or in a part of it."""
    part = where.toAlignedRect() if where is not None else image.rect()
    return {
        image.pixelColor(x, y).name()
        for x in range(part.left(), part.right())
        for y in range(part.top(), part.bottom())
    }


def tool(page: Page, text: str) -> QToolButton:
    """The button of a block that says so."""
    found = [each for each in page.findChildren(QToolButton) if each.text() == text and not each.isHidden()]
    assert len(found) == 1, [each.text() for each in page.findChildren(QToolButton)]
    return found[0]


# Where letters stand

TEXTS = (
    leaf(words("Plain words that are long enough to be wrapped once or twice in the width that there is for them.")),
    leaf(words("one ", Run("code", code=True), " two ", Run("bold", bold=True), "\nafter a break \U0001f600 an emoji")),
    leaf(words(Run("alternative", image="https://x"), " after an image"), Frame.QUOTE, Frame.ITEM, marker="3."),
    leaf(Code("def a():\n\treturn '\U0001f600x'\n\nend", "python")),
    leaf(TABLE),
    leaf(Formula("x^2", closed=False)),
)


@pytest.mark.parametrize("shown", TEXTS, ids=lambda each: type(each.content).__name__)
def test_a_caret_stands_where_its_letter_is_hit(theme: Theme, shown: Leaf) -> None:
    drawn, text = laid(theme, shown), shown.text
    for offset, letter in enumerate(text):
        if letter in " \t\n" or text[offset - 1 : offset] in (" ", "\n") or letter == "\ufffc":
            continue  # where a line is wrapped, or a cell ends, one place belongs to two offsets
        rect = drawn.rect_of(offset)
        assert drawn.offset_at(QPointF(rect.left() + 0.6, rect.center().y())) == offset, (offset, letter)
        assert rect.top() >= 0
        assert rect.bottom() <= drawn.height + 1


def test_what_is_chosen_and_found_is_marked(theme: Theme) -> None:
    for shown in (leaf(words("some words here")), leaf(Code("some words here")), leaf(Code("a\n\nb"))):
        drawn = laid(theme, shown)
        plain = picture(drawn)
        assert LIGHT.accent.lower() not in colors(plain)
        assert LIGHT.accent.lower() in colors(picture(drawn, chosen=(0, 3)))
        assert LIGHT.warning.lower() in colors(picture(drawn, marks=(Mark(0, 3, current=True),)))
        assert picture(drawn, marks=(Mark(0, 3),)) not in (plain, picture(drawn, marks=(Mark(0, 3, current=True),)))


def test_links_lead_where_they_stand(theme: Theme) -> None:
    shown = leaf(words("see ", Run("this", link="https://example.org/a"), " and that"), Frame.ITEM, marker="•")
    drawn = laid(theme, shown)
    inside = drawn.rect_of(5).center() + QPointF(3, 0)
    assert drawn.link_at(inside) == "https://example.org/a"
    assert drawn.tip_at(inside) == "https://example.org/a"
    for away in (drawn.rect_of(1).center(), drawn.rect_of(10).center(), QPointF(WIDTH - 3, 10), QPointF(3, 10)):
        assert drawn.link_at(away) == ""


def test_an_image_is_its_words_and_tells_its_address(theme: Theme) -> None:
    for address in ("https://example.org/leak.png", "file:///etc/passwd", "data:image/svg+xml,<svg/>"):
        drawn = laid(theme, leaf(words(Run("the orbit", image=address))))
        place = drawn.rect_of(3).center()
        assert drawn.tip_at(place).startswith(f"Not fetched: {address}")
        assert drawn.link_at(place) == (address if address.startswith("https:") else "")  # opened when it is clicked
        assert ("A click" in drawn.tip_at(place)) == address.startswith("https:")
        assert LIGHT.code.lower() in colors(picture(drawn))


def test_words_from_the_right_have_their_marker_there(theme: Theme) -> None:
    muted = LIGHT.muted.lower()
    left = laid(theme, leaf(words("an item"), Frame.ITEM, marker="•"))
    right = laid(theme, leaf(words("بند في قائمة"), Frame.ITEM, marker="•"))
    half = QRectF(0, 0, WIDTH / 2, left.height)
    assert muted in colors(picture(left), half)
    assert muted not in colors(picture(right), half)
    assert muted in colors(picture(right), half.translated(WIDTH / 2, 0))


# Growing

GROWING = (
    [
        leaf(words("Some words", Run(text, bold=True)))
        for text in ("", " and", " and more of them, so that it wraps here")
    ],
    [leaf(words("# ", text), Frame.QUOTE) for text in ("a", "ab \u202e", "ab \u202e c")],
    [
        leaf(Code(text, "python", closed=False))
        for text in ("", "def", 'def a():\n    """x', 'def a():\n    """x\ny"""')
    ],
    [
        leaf(Code(text, "json", closed=False))
        for text in ("{", '{"a":', '{"a": 1,\n "b": [tr', '{"a": 1,\n "b": [true]}')
    ],
    [
        leaf(Code(text, "c", closed=False))
        for text in ("int a;\n/* x\n", "int a;\n/* x\ny */", "int a;\n/* x\ny */ int b;")
    ],
    [
        leaf(Code(text, "c", closed=is_closed))
        for text, is_closed in (
            ("int a; /* ", False),
            ("int a; /* x\n */ int b;", False),
            ("int a; /* x\n */ int b;", True),
        )
    ],
    [
        leaf(Table(TABLE.rows[:2] + rest, TABLE.aligns))
        for rest in ((), TABLE.rows[2:], TABLE.rows[2:] + TABLE.rows[1:])
    ],
    [leaf(Formula(text, closed=False)) for text in ("x", "x^", "x^2")],
)


@pytest.mark.parametrize("steps", GROWING, ids=lambda steps: type(steps[0].content).__name__)
async def test_what_grew_looks_like_what_was_drawn_at_once(theme: Theme, steps: list[Leaf]) -> None:
    theme.choose(Qt.ColorScheme.Light)
    grown, whole = laid(theme, steps[0]), laid(theme, steps[-1])
    for step in steps[1:]:
        picture(grown)
        assert grown.grow(step)
    await until(lambda: grown.is_settled and whole.is_settled, "formulas and colours are there")
    assert grown.leaf == steps[-1]
    assert grown.height == whole.height
    assert picture(grown) == picture(whole)
    theme.choose(None)


def test_what_is_another_is_not_grown(theme: Theme) -> None:
    drawn = laid(theme, leaf(words("a"), Frame.ITEM, marker="1."))
    before = picture(drawn)
    for other in (leaf(words("ab")), leaf(words("ab", level=1), Frame.ITEM, marker="1."), leaf(Code("a"))):
        assert not drawn.grow(other)
    assert picture(drawn) == before


# Code


async def test_code_is_copied_and_says_so(pages: Pages) -> None:
    page = pages(leaf(Code("first\n\u202esecond", "python")))
    copy = tool(page, "Copy")
    assert copy.accessibleName() == "Copy the code"
    copy.setFocus()
    QTest.keyClick(copy, Qt.Key.Key_Space)
    assert QGuiApplication.clipboard().text() == "first\n\u202esecond"
    assert copy.text() == "Copied"
    await until(lambda: copy.text() == "Copy", "it says Copy again")


async def test_code_is_saved_where_one_says(pages: Pages, tmp_path: Path) -> None:
    load_lexer("python")
    page = pages(leaf(Code("print('ä')", "python")))
    for name, is_there in (("kept.py", True), ("no/folder.py", False)):
        QTest.mouseClick(tool(page, "Save"), Qt.MouseButton.LeftButton)
        dialog = page.findChild(QFileDialog)
        assert dialog is not None
        assert dialog.defaultSuffix() == "py"
        file = tmp_path / name
        dialog.fileSelected.emit(str(file))
        dialog.close()
        if is_there:
            says = "print('ä')\n"
            await until(lambda file=file, says=says: file.exists() and file.read_text("utf-8") == says, "it is written")
        else:
            await until(lambda: page.findChild(QMessageBox), "it says that it was not saved")
            box = page.findChild(QMessageBox)
            assert box is not None
            assert box.text() == "The file was not saved"
            assert str(file) in box.informativeText()
            box.close()
        await until(lambda: page.findChild(QFileDialog) is None, "the dialog is gone")


def test_long_lines_scroll_and_wrap(pages: Pages) -> None:
    page = pages(leaf(Code("short", "text")), leaf(Code("word " * 60, "text")))
    drawn = page.drawn[1]
    before, height = picture(drawn), drawn.height
    assert len([each for each in page.findChildren(QToolButton) if each.text() == "Wrap" and each.isVisible()]) == 1
    wrap = tool(page, "Wrap")
    wrap.setFocus()
    QTest.keyClick(wrap, Qt.Key.Key_Right)
    assert drawn.kept.scrolled > 0
    assert picture(drawn) != before
    QTest.keyClick(wrap, Qt.Key.Key_Left)
    assert picture(drawn) == before
    assert drawn.scroll(1e9)
    assert not drawn.scroll(10)
    assert drawn.rect_of(299).right() <= WIDTH
    QTest.keyClick(wrap, Qt.Key.Key_Space)
    assert drawn.height > height
    assert drawn.kept == Kept(wrapped=True)
    assert not drawn.scroll(10)
    assert all(drawn.rect_of(offset).right() <= WIDTH for offset in range(300))


def test_long_code_is_folded_until_one_wants_all(pages: Pages) -> None:
    text = "\n".join(f"line {number}" for number in range(213))
    page = pages(leaf(Code(text, "text")), leaf(words("below")))
    drawn, top = page.drawn[0], page.tops[1]
    fold = tool(page, "Show all 213 lines")
    fold.setFocus()
    QTest.keyClick(fold, Qt.Key.Key_Space)
    assert drawn.height > 213 * 18
    assert page.tops[1] > top
    assert fold.text() == "Show Less"
    again = draw(drawn.leaf, page.theme, kept=drawn.kept)
    again.lay_out(WIDTH)
    assert again.height == drawn.height
    QTest.keyClick(fold, Qt.Key.Key_Space)
    assert page.tops[1] == top
    assert drawn.reveal(text.index("line 200"))
    assert drawn.rect_of(text.index("line 200")).bottom() < drawn.height


def test_code_that_comes_is_not_folded_under_the_eyes(theme: Theme) -> None:
    text = "\n".join(str(number) for number in range(100))
    drawn = laid(theme, leaf(Code(text, "text", closed=False)))
    height = drawn.height
    assert drawn.grow(leaf(Code(text, "text")))
    assert drawn.height > height


def test_the_bar_lets_the_text_through(pages: Pages) -> None:
    page = pages(leaf(Code(PYTHON, "python"), Frame.ITEM, marker="1."))
    bar, drawn = page.bars[0], page.drawn[0]
    assert bar is not None
    assert bar.height() == drawn.height
    middle = QPoint(MARGIN, page.tops[0]) + drawn.rect_of(60).center().toPoint()
    assert page.childAt(middle) is None
    copy = tool(page, "Copy")
    assert page.childAt(copy.mapTo(page, copy.rect().center())) is copy
    assert "python" in bar.accessibleName()


# Colours


def luminance(color: str) -> float:
    """Relative luminance, WCAG 2.2."""
    parts = [
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in QColor(color).getRgbF()[:3]
    ]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


@pytest.mark.parametrize("tokens", [LIGHT, DARK], ids=["light", "dark"])
def test_code_can_be_read(tokens: Tokens) -> None:
    roles = {role for _token, role in highlighting.ROLES} | {"text", "muted"}
    for role in roles:
        light, dark = sorted((luminance(getattr(tokens, role)), luminance(tokens.code)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, role


def spans(shown: Highlighter, text: str) -> list[tuple[str, str]]:
    return [(text[start:end], role) for start, end, role in shown.spans(0, len(text))]


def finish(shown: Highlighter, text: str) -> list[tuple[str, str]]:
    while not shown.work(len(text), 1.0):
        pass
    return spans(shown, text)


def test_however_many_languages_are_named_the_latest_stay_known() -> None:
    """A block looks again and again until its language is known: it must not be forgotten before that."""
    for at in range(600):
        load_lexer(f"made up {at}")
    assert all(is_loaded(f"made up {at}") for at in range(300, 600))
    assert not is_loaded("made up 0")
    assert load_lexer("python") is not None


def test_what_is_coloured() -> None:
    lexer = load_lexer("python")
    assert lexer is not None
    found = finish(Highlighter(lexer, PYTHON), PYTHON)
    for piece in (("def", "code_keyword"), ("light_seconds", "code_name"), ("299_792.458", "code_number")):
        assert piece in found
    assert ("# 1.28 s", "code_comment") in found
    assert load_lexer("no such language") is None
    assert load_lexer("x" * 1000) is None
    json = load_lexer("json")
    assert json is not None
    assert ("1", "code_number") in finish(Highlighter(json, '{"a":\n 1}'), '{"a":\n 1}')


LANGUAGES = {
    "python": PYTHON + "\n'''a\nb'''\nx = 1\n",
    "c": "/* one\n two */ int main(void) {\n  return 0; // x\n}\n",
    "html": "<p class='a'>\n<script>let x = 1;</script>\n<!-- a\nb -->",
    "json": '{"a": [1,\n true, "x"]}\n',
    "bash": 'for x in *; do\n  echo "$x" # y\ndone\n',
}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(language=st.sampled_from(sorted(LANGUAGES)), cuts=st.lists(st.integers(0, 150), max_size=12))
def test_colours_that_came_in_pieces(language: str, cuts: list[int]) -> None:
    lexer, text = load_lexer(language), LANGUAGES[language]
    assert lexer is not None
    grown = Highlighter(lexer, "")
    for cut in sorted(min(cut, len(text)) for cut in cuts):
        grown.grow(text[:cut])
        finish(grown, text[:cut])
    grown.grow(text)
    assert finish(grown, text) == finish(Highlighter(lexer, text), text)


@pytest.mark.parametrize("text", ["(" * 20_000, "a," * 10_000, " \n" * 10_000, "/*" * 10_000, '"\\' * 10_000])
@pytest.mark.parametrize("language", ["python", "cpp", "html", "console", "json", "html+php", "javascript"])
def test_no_lexer_holds_the_window(language: str, text: str) -> None:
    lexer = load_lexer(language)
    assert lexer is not None
    shown, longest = Highlighter(lexer, text), 0.0
    for _slice in range(60):
        begun = time.thread_time()
        is_done = shown.work(len(text), 0.004)
        longest = max(longest, time.thread_time() - begun)
        if is_done:
            break
    assert longest < 0.1


async def test_a_page_gets_its_colours_by_itself(pages: Pages, theme: Theme) -> None:
    theme.choose(Qt.ColorScheme.Light)
    page = pages(leaf(Code("def a(): pass", "python")))
    await until(lambda: page.is_ready, "it is coloured")
    bold = page.picture(4)
    assert LIGHT.code_keyword.lower() in colors(bold, QRectF(4 * MARGIN, 4 * (MARGIN + 40), 400, 80))
    theme.choose(None)


# Formulas


async def test_formulas_are_drawn_in_the_colour_of_the_text(pages: Pages, theme: Theme) -> None:
    for scheme, tokens in ((Qt.ColorScheme.Light, LIGHT), (Qt.ColorScheme.Dark, DARK)):
        theme.choose(scheme)
        page = pages(leaf(Formula(r"\frac{a}{b}")), leaf(words(Run("x+1", formula=True))))
        await until(lambda page=page: page.is_ready, "they are drawn")  # type: ignore[misc]
        assert tokens.text.lower() in colors(page.picture(2))
        assert page.drawn[0].tip_at(QPointF(WIDTH / 2, 10)) == r"\frac{a}{b}"
        assert page.drawn[1].tip_at(QPointF(3, 10)) == "x+1"
    theme.choose(None)


HOSTILE = {
    r"\frac{1}{" * 30 + "x" + "}" * 30: "too long to draw",
    "{" * 900 + "}" * 900: "cannot be drawn",
    "a" * 3000: "longer than 2,000 letters",
    r"\def\x{\x\x}\x": "cannot be drawn",
    r"\rule{100000em}{100000em}": "too large to draw",
    r"\frac{a": "cannot be drawn",
    "中": "has no “中”",
    "<!ENTITY a SYSTEM 'file:///etc/passwd'>&a;": "cannot be drawn",
}


@pytest.mark.parametrize("source", HOSTILE, ids=lambda source: source[:12])
async def test_what_cannot_be_drawn_says_why(theme: Theme, source: str) -> None:
    formulas = formulas_of(theme)
    begun = time.thread_time()
    formulas.find(source, inline=False)
    assert time.thread_time() - begun < 0.1
    await until(lambda: formulas.find(source, inline=False) is not None, "it is given up", 10)
    found = formulas.find(source, inline=False)
    if isinstance(found, Drawn):
        assert "ENTITY" in source  # as text
        return
    assert isinstance(found, NotDrawn)
    assert HOSTILE[source] in found.reason
    assert found.reason in formulas.tip(source, inline=False)
    drawn = laid(theme, leaf(Formula(source)))
    picture(drawn)
    assert found.reason in drawn.tip_at(QPointF(10, 10))


# Tables


def test_a_wide_table_scrolls_and_a_narrow_one_does_not(theme: Theme) -> None:
    wide = leaf(Table((tuple(cell(f"column {number}") for number in range(30)),), (Align.LEFT,) * 30))
    drawn = laid(theme, wide)
    before = picture(drawn)
    assert drawn.scroll(200)
    assert picture(drawn) != before
    assert not drawn.reveal(len(wide.text) - 1)
    assert 0 < drawn.rect_of(len(wide.text) - 1).left() < WIDTH
    assert not laid(theme, leaf(TABLE)).scroll(200)


def test_a_table_that_goes_on_keeps_its_columns(theme: Theme) -> None:
    rest = leaf(Table((tuple(cell(each) for each in "abc"),), TABLE.aligns, header=False))
    first, alone = laid(theme, leaf(TABLE)), laid(theme, rest)
    goes_on = draw(rest, theme, head=leaf(TABLE))
    goes_on.lay_out(WIDTH)
    right = TABLE_TEXT.index("384,400 km") + len("384,400 km")
    assert goes_on.rect_of(3).left() == pytest.approx(first.rect_of(right).left(), abs=1)
    assert alone.rect_of(3).left() != pytest.approx(first.rect_of(right).left(), abs=1)


TABLE_TEXT = TABLE.text


def test_strange_tables(theme: Theme) -> None:
    for strange in (
        Table((), ()),
        Table(((),), ()),
        Table(((cell(""),),), (Align.LEFT,)),
        Table((((), ()), ((), ())), (Align.LEFT, Align.RIGHT)),
        Table(((cell("x" * 5000), cell("")),), (Align.LEFT, Align.CENTRE)),
    ):
        drawn = laid(theme, leaf(strange))
        picture(drawn)
        for offset in range(0, len(strange.text) + 1, 97):
            drawn.rect_of(offset)
        drawn.offset_at(QPointF(100, 5))
        drawn.link_at(QPointF(100, 5))
        drawn.tip_at(QPointF(100, 5))


# What is hostile


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=60), code=st.booleans())
def test_any_letters_can_be_drawn(theme: Theme, text: str, code: bool) -> None:
    shown, places = visible(text, code=code)
    assert len(shown) == len(text)
    assert all(shown[place] != text[place] for place in places)
    for each in (leaf(words(Run(text, code=code))), leaf(Code(text)), leaf(Table(((cell(text),),), (Align.LEFT,)))):
        drawn = laid(theme, each, 90)
        picture(drawn)
        for offset in range(len(each.text) + 1):
            rect = drawn.rect_of(offset)
            assert 0 <= drawn.offset_at(rect.center()) <= len(each.text)
            drawn.tip_at(rect.center())


def test_letters_that_deceive_are_seen(theme: Theme) -> None:
    for text, name in (("\u202e", "RIGHT-TO-LEFT OVERRIDE"), ("\x1b", "Escape"), ("\U000e0041", "TAG LATIN CAPITAL")):
        drawn = laid(theme, leaf(words("a", text, "b")))
        found = drawn.rect_of(1)
        assert drawn.rect_of(2).left() > found.left() + 3
        assert name in drawn.tip_at(found.center() + QPointF(3, 0))
        assert LIGHT.warning_soft.lower() in colors(picture(drawn))
    assert visible("\u2067a\u200bb")[1] == []
    assert visible("\u2067a\u200bb", code=True)[1] == [0, 2]
    family = "\U0001f468\u200d\U0001f469"
    assert visible(family, code=True) == (family, [])


COSTLY = {
    "code of 20,000 lines": leaf(Code("    value = compute(1, 'text')  # comment\n" * 20_000, "python")),
    "code of 10 MB": leaf(Code("x y\n" * 2_500_000, "python")),
    "a line of 1 MB": leaf(Code("x" * 1_000_000, "python")),
    "a paragraph of 16,000 letters": leaf(words("word " * 3_200)),
    "a word of 16,000 letters": leaf(words("x" * 16_000)),
    "10,000 cells": leaf(
        Table(tuple(tuple(cell(f"{row}") for _ in range(10)) for row in range(1000)), (Align.LEFT,) * 10)
    ),
    "100,000 quotes": leaf(words("x"), *((Frame.QUOTE,) * 100_000)),
}


@pytest.mark.parametrize("name", COSTLY)
def test_nothing_holds_the_window(theme: Theme, name: str) -> None:
    def once() -> float:
        begun = time.thread_time()
        drawn = laid(theme, COSTLY[name])
        picture(drawn)
        return time.thread_time() - begun

    assert min(once() for _try in range(3)) < 0.1


@given(text=st.text(alphabet="ab \t\n\u4e2d\u0301", max_size=300), columns=st.integers(0, 30), cut=st.integers(0, 300))
def test_rows_are_the_whole_text(text: str, columns: int, cut: int) -> None:
    rows, grown = Rows(text, columns), Rows(text[:cut], columns)
    grown.grow(text)
    assert (grown.starts, grown.ends, grown.lines) == (rows.starts, rows.ends, rows.lines)
    assert "".join(text[start:end] for start, end in zip(rows.starts, rows.ends, strict=True)) == text.replace("\n", "")
    assert rows.lines == text.count("\n") + 1
    for start, end in zip(rows.starts, rows.ends, strict=True):
        assert end - start <= LONGEST
        if columns > 4:
            assert columns_of(text[start:end].rstrip()) <= columns or end - start == 1


@pytest.mark.parametrize("count", [60, pytest.param(300, marks=pytest.mark.soak)])
async def test_many_formulas_in_one_paragraph(theme: Theme, count: int) -> None:
    """Each is drawn once, the paragraph is laid out for all of them together, and the first hundreds are drawn."""
    changes: list[float] = []
    many = leaf(words(*(Run(f"x_{{{number}}}", formula=True) for number in range(count)), " $"))
    drawn = draw(many, theme, on_change=lambda: changes.append(time.thread_time()))
    drawn.lay_out(WIDTH)
    begun = time.thread_time()
    picture(drawn)
    assert time.thread_time() - begun < 0.1
    await until(lambda: drawn.is_settled, "they are drawn")
    assert 1 <= len(changes) < 40
    begun = time.thread_time()
    picture(drawn)
    assert time.thread_time() - begun < 0.1
    assert drawn.tip_at(drawn.rect_of(0).center() + QPointF(2, 0)) == "x_{0}"
    assert drawn.tip_at(drawn.rect_of(count - 1).center() + QPointF(2, 0)) == f"x_{{{count - 1}}}"
