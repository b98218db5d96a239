"""What a person sees of a chat, and must not be deceived by: cards of calls, notices, the place that is read."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from conftest import until
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QFontMetrics, QGuiApplication
from PySide6.QtWidgets import QApplication, QLabel, QPushButton
from transcript_window import Sight, answer, call, opened, press, settle

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.markdown.page import Place
from nodetool_xl_desktop.store.parts import Reasoning, Text, ToolAnswer
from nodetool_xl_desktop.store.records import State
from nodetool_xl_desktop.ui.leaf.formula import Drawn, formulas_of
from nodetool_xl_desktop.ui.notice import Notice
from nodetool_xl_desktop.ui.parts import GivingLabel
from nodetool_xl_desktop.ui.transcript.call_approval import EDITED
from nodetool_xl_desktop.ui.transcript.call_words import MOST_ROWS, MOST_VALUE, indented, rows_of, summary_of
from nodetool_xl_desktop.ui.transcript.code_text import CodeText
from nodetool_xl_desktop.ui.transcript.message_actions import Do, menu

CTRL = Qt.KeyboardModifier.ControlModifier
TURNED = "\u202eexe.txt\u202c"
PROSE = "\n\n".join(f"Paragraph {number}. " + "The quick brown fox jumps. " * 12 for number in range(60))


@pytest.fixture
def sight(qapp: QApplication, loop: asyncio.AbstractEventLoop) -> Iterator[Sight]:
    for made in opened(qapp):
        yield made
        for deciding in made._deciding:
            deciding.cancel()
        loop.run_until_complete(asyncio.sleep(0))


async def wait_for_card(sight: Sight, arguments: str) -> None:
    sight.show(answer(call(arguments=arguments)))
    sight.ask()
    await until(lambda: sight.card.approval is not None, "the card waits")
    settle()


# What is allowed is what is shown


async def test_letters_that_turn_a_line_around_are_seen_before_it_is_allowed(sight: Sight) -> None:
    await wait_for_card(sight, f'{{"{TURNED}": "rm {TURNED}"}}')
    assert not any("\u202e" in words.text() for words in sight.card.head.findChildren(QLabel))
    (value,) = [each for each in sight.card.findChildren(CodeText) if each.isVisible()]
    assert value.toPlainText() == "rm □exe.txt□"
    value.setFocus()
    press(Qt.Key.Key_A, CTRL)
    press(Qt.Key.Key_C, CTRL)
    assert QGuiApplication.clipboard().text() == f"rm {TURNED}"  # as it was written
    assert sight.card.approval is not None
    sight.card.approval.open_editor()
    assert sight.card.approval.editor is not None
    assert '"rm \\u202eexe.txt\\u202c"' in sight.card.approval.editor.toPlainText()


def test_letters_that_deceive_in_what_is_said_of_a_call() -> None:
    assert "\u202e" not in summary_of(f'{{"a": "{TURNED}"}}')
    assert indented('{"a": "\U0001f389\u202e"}') == '{\n  "a": "\U0001f389\\u202e"\n}'


def test_what_a_tool_said_has_its_lines(sight: Sight) -> None:
    sight.show(answer(call(), ToolAnswer("c1", "calculator", "one\r\n\x1b[31mtwo"), state=State.COMPLETE))
    settle()
    (shown,) = [each for each in sight.card.findChildren(CodeText) if each.isVisible()]
    assert shown.toPlainText() == "one\n␛[31mtwo"


def test_no_argument_is_left_out_unsaid() -> None:
    many = "{" + ", ".join(f'"a{number}": 1' for number in range(MOST_ROWS + 1)) + "}"
    assert rows_of(many) is None  # then all of the JSON is shown
    assert rows_of(f'{{"code": "{"x" * (MOST_VALUE + 1)}"}}') is None
    rows = rows_of('{"name": "", "blank": " "}')
    assert rows is not None
    assert [row.value for row in rows] == ['""', '" "']


async def test_arguments_too_long_for_an_editor_are_not_put_into_one(sight: Sight) -> None:
    """400,000 letters on one line held the window up for ten seconds."""
    await wait_for_card(sight, f'{{"code": "{"x" * EDITED}"}}')
    approval = sight.card.approval
    assert approval is not None
    assert not approval.edit_button.isEnabled()
    assert "too much" in approval.edit_button.accessibleDescription()
    approval.open_editor()
    assert approval.editor is None


async def test_the_editor_of_arguments_is_as_large_as_the_chat(sight: Sight) -> None:
    sight.theme.set_zoom(2.0)
    settle()
    await wait_for_card(sight, '{"expression": "2 + 3"}')
    assert sight.card.approval is not None
    sight.card.approval.open_editor()
    settle()
    editor = sight.card.approval.editor
    assert editor is not None
    (value,) = [each for each in sight.card.findChildren(CodeText) if each.accessibleName() == "expression"]
    assert editor.document().defaultFont().pixelSize() == value.document().defaultFont().pixelSize() == 25
    assert editor.height() >= 3 * QFontMetrics(editor.document().defaultFont()).lineSpacing()


async def test_a_narrow_card_says_what_is_called(sight: Sight) -> None:
    await wait_for_card(sight, '{"expression": "2 + 3"}')
    assert "native" in sight.words()
    sight.theme.set_zoom(2.0)
    sight.window.resize(500, 600)
    settle()
    await until(lambda: "native" not in sight.words(), "how it was made gives way")
    (title,), approval = sight.card.head.findChildren(GivingLabel), sight.card.approval
    assert title.width() >= title.sizeHint().width()
    assert approval is not None
    assert "Allow this call?" not in sight.words()
    assert approval.allow.width() >= approval.allow.sizeHint().width()


async def test_the_keys_are_somewhere_when_a_call_was_stopped(sight: Sight) -> None:
    sight.show(answer(call()))
    sight.run()
    await until(lambda: sight.card.stop is not None and sight.card.stop.isVisible(), "it runs")
    assert sight.card.stop is not None
    sight.answer.setFocus(Qt.FocusReason.TabFocusReason)  # its actions are offered now
    settle()
    sight.card.stop.setFocus(Qt.FocusReason.TabFocusReason)
    sight.transcript.update_answer(answer(call(), ToolAnswer("c1", "calculator", "", error="stopped by the person")))
    settle()
    assert sight.answer.hasFocus()


# The place that is read


def test_the_place_stays_while_the_zoom_changes(sight: Sight) -> None:
    sight.show(answer(Text(PROSE), state=State.COMPLETE))
    settle()
    bar = sight.transcript.verticalScrollBar()
    bar.setValue(bar.maximum() // 2)
    settle()
    place = sight.answer.texts[0].place_at(sight.answer.texts[0].mapFrom(sight.transcript.viewport(), QPoint(40, 2)))
    for zoom in (1.1, 1.25, 1.5, 1.75, 1.5, 1.25, 1.1, 1.0):
        sight.theme.set_zoom(zoom)
        settle()
        view = sight.answer.texts[0]
        now = view.place_at(view.mapFrom(sight.transcript.viewport(), QPoint(40, 2)))
        assert (now.section, now.leaf) == (place.section, place.leaf), zoom


def test_a_hit_does_not_stand_behind_the_button_to_the_end(sight: Sight) -> None:
    sight.show(answer(Text(PROSE), state=State.COMPLETE))
    settle()
    sight.transcript.verticalScrollBar().setValue(0)
    settle()
    button = sight.transcript.end_button
    for sought in ("Paragraph 3.", "Paragraph 5.", "Paragraph 30."):
        sight.transcript.open_find()
        sight.transcript.find_bar.field.setText(sought)
        settle()
        sight.transcript.show_hit(1, 0)
        settle()
        hit = sight.answer.place_of_hit(0).translated(0, sight.top(sight.answer))
        assert button.isVisible()
        assert hit.top() >= 0
        assert hit.bottom() < button.y(), sought


def test_the_ring_of_a_message_is_seen_beside_the_scroll_bar(sight: Sight) -> None:
    sight.window.resize(400, 500)
    sight.show(answer(Text(PROSE), state=State.COMPLETE))
    settle()
    assert sight.transcript.verticalScrollBar().isVisible()
    right = sight.answer.mapTo(sight.transcript.viewport(), QPoint(sight.answer.width(), 0)).x()
    assert right <= sight.transcript.viewport().width()


# Keys, labels, notices


def test_ctrl_a_on_a_message_takes_the_chat(sight: Sight) -> None:
    sight.show(answer(Text("It is **so**."), state=State.COMPLETE))
    settle()
    sight.answer.setFocus(Qt.FocusReason.TabFocusReason)
    press(Qt.Key.Key_A, CTRL)
    assert sight.transcript.selection == "Why?\n\nIt is so."
    press(Qt.Key.Key_C, CTRL)
    data = QGuiApplication.clipboard().mimeData()
    assert data.text() == "Why?\n\nIt is so."
    assert "<strong>so</strong>" in data.html()
    assert "**so**" in bytes(data.data("text/markdown").data()).decode()


def test_the_menu_says_what_is_copied(sight: Sight) -> None:
    chosen: list[Do] = []
    for can, says in (({Do.COPY, Do.QUOTE}, "Copy Selection"), ({Do.COPY}, "Copy as Markdown")):
        made = menu(sight.window, can, chosen.append)
        assert made.actions()[0].text() == says
        made.deleteLater()


def test_thinking_of_no_time_tells_none(sight: Sight) -> None:
    sight.show(answer(Reasoning("Hm.", ms=4, tokens=2), Text("So."), state=State.COMPLETE))
    settle()
    assert "Thought, 2 tokens" in sight.words()


def test_a_notice_in_a_narrow_window_has_its_buttons_below(sight: Sight) -> None:
    error = UserFacingError("The engine ended", "It was ended by the system, as happens.", "Load it again.")
    sight.show(answer(Text("Words"), state=State.FAILED, error=error))
    for width, is_below in ((780, False), (400, True), (780, False)):
        sight.window.resize(width, 500)
        settle()
        (notice,) = [each for each in sight.answer.findChildren(Notice) if each.isVisible()]
        button = next(each for each in notice.findChildren(QPushButton) if each.isVisible())
        words = notice.findChildren(QLabel)[1]
        assert (button.y() >= words.geometry().bottom()) is is_below, width
        assert words.width() > width // 3


# Tables that come


async def test_a_formula_in_a_table_that_comes_does_not_push_its_columns(sight: Sight) -> None:
    """Its source is wider than what is drawn of it, and was shown until it was closed."""
    head = "| degree | name | polynomial | remark |\n|---|---|---|---|\n"
    formula = "\\frac{1}{2}(3x^2-1) + \\frac{1}{2}(3x^2-1)"
    row = f"| 2 | quadrupole | ${formula}$ | even |\n"
    last = Place(0, 0, "degree\tname\tpolynomial\tremark".index("remark"))

    async def left() -> float:
        (view,) = sight.answer.texts
        await until(lambda: formulas_of(sight.theme).find(formula, inline=True) is not None, "the formula is drawn")
        await asyncio.sleep(0.05)
        settle()
        return view.rect_of(last).left()

    sight.show(answer(Text(head + row), state=State.COMPLETE, name="whole"))
    whole = await left()
    lefts = []
    for end in range(len(head) + 20, len(head + row) + 1):
        sight.show(answer(Text((head + row)[:end])))
        settle()
        lefts.append(sight.answer.texts[0].rect_of(last).left())
    assert max(lefts) <= whole + 1
    assert await left() == pytest.approx(whole, abs=1)


async def test_nothing_of_a_wide_formula_is_missing_unsaid(sight: Sight) -> None:
    sight.window.resize(400, 500)
    wide = "+".join("abcdefghijklmnopqrstuvwxy") * 2
    pictures = []
    for name, formula in (("short", wide), ("long", f"{wide} + z")):
        sight.show(answer(Text(f"${formula}$"), state=State.COMPLETE, name=name))
        await until(lambda: isinstance(formulas_of(sight.theme).find(formula, inline=True), Drawn), "it is drawn")  # noqa: B023 - at once
        await asyncio.sleep(0.05)
        settle()
        pictures.append(sight.answer.texts[0].grab().toImage())
    assert pictures[0] != pictures[1]  # its end is seen
    sight.show(answer(Text(f"$${wide}$$"), state=State.COMPLETE, name="display"))
    await until(lambda: isinstance(formulas_of(sight.theme).find(wide, inline=False), Drawn), "it is drawn")
    await asyncio.sleep(0.05)
    settle()
    (view,) = sight.answer.texts
    shown = view.grab().toImage()
    bar = shown.pixelColor(10, shown.height() - 2)
    assert bar.name() == sight.theme.tokens.others.lower()  # that there is more, and where
