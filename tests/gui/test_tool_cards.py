"""Tool calls in an answer: where they stand, what a card says, and what a person decides there by keys and mouse."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import until
from PySide6.QtCore import QBuffer, QIODevice, QPoint, Qt
from PySide6.QtGui import QAccessible, QColor, QGuiApplication, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit, QMenu, QWidget
from transcript_window import QUESTION, Sight, answer, call, click, opened, press, settle

from nodetool_xl_desktop.chat.calls import Remember
from nodetool_xl_desktop.provider.tool_loop import Allow, Deny
from nodetool_xl_desktop.store.parts import Reasoning, Text, ToolAnswer
from nodetool_xl_desktop.store.records import Message, State
from nodetool_xl_desktop.store.store import Store
from nodetool_xl_desktop.ui.markdown.markdown_view import MarkdownView
from nodetool_xl_desktop.ui.tasks import Tasks
from nodetool_xl_desktop.ui.transcript.answer_body import MOST_PIECES
from nodetool_xl_desktop.ui.transcript.call_approval import ARMED_AFTER_S
from nodetool_xl_desktop.ui.transcript.code_text import CodeText

CTRL = Qt.KeyboardModifier.ControlModifier
#: What the platform that has no screen says when a menu opens.
POPUPS = pytest.mark.qt_log_ignore("This plugin does not support (raise|grabbing the keyboard)")
DONE = ToolAnswer("c1", "calculator", "5", ms=4)


@pytest.fixture
def sight(qapp: QApplication, loop: asyncio.AbstractEventLoop) -> Iterator[Sight]:
    yield from opened(qapp)


async def waiting(sight: Sight, arguments: str = '{"expression": "2 + 3"}') -> asyncio.Task[Any]:
    """A call that waits, long enough for a press to count."""
    sight.show(answer(Text("I will calculate."), call(arguments=arguments)))
    decided = sight.ask()
    await until(lambda: sight.card.approval is not None, "the card waits")
    await asyncio.sleep(ARMED_AFTER_S + 0.05)
    return decided


def codes(widget: QWidget) -> list[str]:
    return [each.toPlainText() for each in widget.findChildren(CodeText) if each.isVisible()]


# Where it stands


def test_an_answer_is_drawn_in_the_order_of_its_parts(sight: Sight) -> None:
    parts = (Reasoning("Hm."), Text("First."), call(), DONE, Text("\n\n"), call("c2"), Text("Last."))
    for count in range(1, len(parts) + 1):  # as it comes
        sight.show(answer(*parts[:count]))
        settle()
    sight.transcript.update_answer(answer(*parts, state=State.COMPLETE))
    settle()
    shown = sorted(
        (sight.top(each), type(each).__name__)
        for each in (*sight.answer.texts, *sight.answer.cards)
        if each.isVisible()
    )
    assert [kind for _, kind in shown] == ["MarkdownView", "ToolCard", "ToolCard", "MarkdownView"]
    assert [each.toPlainText() for each in sight.answer.texts if each.isVisible()] == ["First.", "Last."]
    assert [card.call_id for card in sight.answer.cards] == ["c1", "c2"]
    assert codes(sight.answer.cards[0]) == ["5"]


def test_what_is_drawn_stays_while_more_comes(sight: Sight) -> None:
    sight.show(answer(Text("First."), call(), DONE, Text("Sec")))
    settle()
    before = [*sight.answer.texts, *sight.answer.cards]
    for text in ("Second", "Second one", "Second one."):
        sight.transcript.update_answer(answer(Text("First."), call(), DONE, Text(text)))
    assert [*sight.answer.texts, *sight.answer.cards] == before
    assert sight.answer.texts[1].toPlainText() == "Second one."
    sight.transcript.update_answer(answer(Text("Another version.")))
    settle()
    assert sight.answer.cards == []
    assert [each.toPlainText() for each in sight.answer.findChildren(MarkdownView)] == ["Another version."]


def test_calls_of_one_id_each_have_their_result(sight: Sight) -> None:
    first, second = ToolAnswer("c1", "calculator", "one"), ToolAnswer("c1", "calculator", "two")
    sight.show(answer(call(), first, call(), second, state=State.COMPLETE))
    settle()
    assert [codes(card) for card in sight.answer.cards] == [["one"], ["two"]]


def test_a_result_from_elsewhere(sight: Sight) -> None:
    sight.show(Message("t", "q", "tool", (ToolAnswer("x", "weather", "4 degrees"),)))
    settle()
    assert "Tool | weather" in sight.words()
    assert codes(sight.card) == ["4 degrees"]


def test_thousands_of_parts(sight: Sight) -> None:
    """An import may have them: the last are drawn, the others when one asks."""
    parts = [part for at in range(3000) for part in (Text(f"Text {at}."), call(f"c{at}"))]
    began = time.perf_counter()
    sight.show(answer(*parts, state=State.COMPLETE))
    took = time.perf_counter() - began
    settle()
    assert len(sight.answer.cards) == MOST_PIECES // 2
    assert took < 1.0, took
    assert sight.answer.texts[-1].toPlainText() == "Text 2999."
    first = sight.answer.stops[0]
    assert isinstance(first, QWidget)
    click(first)
    settle()
    assert len(sight.answer.cards) == MOST_PIECES


# What it says

STATES = [
    ((call(),), State.STOPPED, "Stopped"),
    ((call(),), State.INTERRUPTED, "Not answered: the program ended"),
    ((call(),), State.FAILED, "Not answered"),
    ((call(),), State.COMPLETE, "No result here"),
    ((call(),), State.STREAMING, "Not started yet"),
    ((call(problem="no such tool"),), State.COMPLETE, "Not a valid call"),
    ((call(), DONE), State.COMPLETE, "4 ms"),
    ((call(), replace(DONE, ms=0)), State.COMPLETE, "Done"),
    ((call(), replace(DONE, error="It failed.", ms=1500)), State.COMPLETE, "Failed after 1.50 s"),
    ((call(), replace(DONE, error="Not allowed.", denied=True)), State.COMPLETE, "Not allowed"),
    (
        (call(), replace(DONE, error="This call was stopped by the person before it was done.", ms=0)),
        State.COMPLETE,
        "Stopped",
    ),
]


@pytest.mark.parametrize(("parts", "state", "says"), STATES, ids=[each[2] for each in STATES])
def test_how_it_stands(sight: Sight, parts: Any, state: State, says: str) -> None:
    sight.show(answer(*parts, state=state))
    settle()
    assert says in sight.words(sight.card).split(" | ")
    assert says in sight.card.accessibleName()
    assert sight.card.stop is None or not sight.card.stop.isVisible()


def test_arguments_as_lines_and_as_json(sight: Sight) -> None:
    arguments = json.dumps({"code": "a = 1\nprint(a)", "timeout_s": 10, "deep": {"a": [1, 2]}})
    sight.transcript.set_tool_titles({"calculator": "Calculator"}.__getitem__)
    sight.show(answer(call(arguments=arguments, making="rescued", raw="<call>"), DONE, state=State.COMPLETE))
    settle()
    assert "rescued | Calculator" in sight.words(sight.card)
    assert codes(sight.card) == ["5"]  # folded: the arguments stand on one line
    QTest.keyClick(sight.card.head, Qt.Key.Key_Space)
    settle()
    assert codes(sight.card) == ["a = 1\nprint(a)", "10", '{\n  "a": [\n    1,\n    2\n  ]\n}', "5"]
    click(button_of(sight.card, "Show as JSON"))
    settle()
    (raw, _) = codes(sight.card)
    assert raw.startswith('{\n  "code": "a = 1\\nprint(a)"')
    assert raw.endswith("In the answer:\n<call>")
    QTest.keyClick(sight.card.head, Qt.Key.Key_Return)
    settle()
    assert codes(sight.card) == ["5"]


def test_what_was_changed(sight: Sight) -> None:
    sight.show(answer(call(edited='{"expression": "7"}'), DONE, state=State.COMPLETE))
    settle()
    assert "changed by you" in sight.words(sight.card)
    click(sight.card.head)
    settle()
    assert codes(sight.card)[0] == "7"
    assert sight.words(sight.card).count("changed by you") == 1


@pytest.mark.parametrize("arguments", ["", "[1, 2]", "{", "[" * 5000, '"' + "x" * 2_000_000 + '"', '{"a": NaN}'])
def test_whatever_the_arguments_are(sight: Sight, arguments: str) -> None:
    began = time.perf_counter()
    sight.show(answer(call(arguments=arguments), state=State.COMPLETE))
    click(sight.card.head)
    settle()
    assert sight.card.isVisible()
    assert time.perf_counter() - began < 1.0


def test_a_long_result_is_folded_and_copied_whole(sight: Sight) -> None:
    text = "\n".join(f"line {at}" for at in range(1, 201))
    sight.show(answer(call(), replace(DONE, text=text), state=State.COMPLETE))
    settle()
    before = sight.card.height()
    assert codes(sight.card)[0].splitlines()[-1] == "line 8 …"
    click(button_of(sight.card, "Show All 200 Lines"))
    settle()
    assert codes(sight.card) == [text]
    assert sight.card.height() > 5 * before
    copy = next(each for each in sight.card.stops if each.accessibleName() == "Copy the Result")
    click(button_of(sight.card, "Show Less"))
    click(copy)
    assert QGuiApplication.clipboard().text() == text
    settle()
    assert sight.card.height() == before


def test_ten_megabytes_on_one_line(sight: Sight) -> None:
    text = "x" * 10_000_000
    sight.show(answer(call(), replace(DONE, text=text), state=State.COMPLETE))
    settle()
    began = time.perf_counter()
    click(button_of(sight.card, "Show All 10,000,000 Letters"))
    settle()
    assert time.perf_counter() - began < 1.0
    assert len(codes(sight.card)[0]) < 30_000


def test_nothing_of_a_call_is_markup(sight: Sight) -> None:
    bad = "<b>bold</b><img src='file:///etc/passwd'>"
    arguments = json.dumps({bad: bad})
    use = replace(call(arguments=arguments), name=bad, problem=bad)
    sight.show(answer(use, ToolAnswer("c1", bad, bad, error=bad), state=State.COMPLETE))
    click(sight.card.head)
    settle()
    for each in sight.card.findChildren(QLabel):
        assert each.textFormat() is Qt.TextFormat.PlainText or not each.text(), each.text()
        assert "<b>" not in each.toolTip()
    assert codes(sight.card)[-1] == bad


async def test_a_picture(sight: Sight, tmp_path: Path) -> None:
    store, tasks = await Store.open(tmp_path / "chats"), Tasks()
    image, buffer = QImage(400, 200, QImage.Format.Format_RGB32), QBuffer()
    image.fill(QColor(200, 30, 30))
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    assert image.save(buffer, "PNG")  # type: ignore[call-overload]
    kept = await store.files.add_data(bytes(buffer.data().data()), "red.png", "image/png")
    sight.transcript.set_files(store.files.read, tasks)
    opened_files: list[Any] = []
    sight.transcript.file_requested.connect(opened_files.append)
    made = replace(DONE, text="", sha256=kept.sha256, media_type="image/png")
    sight.show(answer(call(), made, state=State.COMPLETE))
    await asyncio.sleep(0.02)
    (chip,) = sight.card.files
    await until(
        lambda: QColor(chip.picture.pixel(chip.picture.width() // 2, chip.picture.height() // 2)).red() > 150,
        "the picture is shown",
        3,
    )
    click(chip)
    assert [each.sha256 for each in opened_files] == [kept.sha256]
    await tasks.cancel_all()
    await store.close()


# What a person decides


async def test_allowed_by_keyboard(sight: Sight) -> None:
    changes: list[bool] = []
    sight.transcript.waiting_changed.connect(changes.append)
    sight.show(answer(Text("I will calculate."), call()))
    await asyncio.sleep(0.02)
    sight.transcript.step(-1)  # the keys are in the chat
    decided = sight.ask()
    await until(lambda: sight.card.approval is not None, "the card waits")
    assert QApplication.focusWidget() is sight.card.approval.allow  # type: ignore[union-attr]
    assert changes == [True]
    assert "Waiting for you" in sight.words(sight.card)
    assert codes(sight.card) == ["2 + 3"]  # what is allowed is seen
    press(Qt.Key.Key_Return)  # meant for what had the focus before
    await asyncio.sleep(ARMED_AFTER_S + 0.05)
    assert not decided.done()
    press(Qt.Key.Key_Return, CTRL)
    made = await decided
    assert isinstance(made.verdict, Allow)
    assert (made.verdict.arguments, made.remember) == (None, Remember.ONCE)
    await asyncio.sleep(0)
    assert changes == [True, False]
    assert QApplication.focusWidget() is sight.answer
    assert sight.card.approval is None


async def test_the_keys_stay_where_one_writes(sight: Sight) -> None:
    elsewhere = QLineEdit(sight.window)
    elsewhere.show()
    elsewhere.setFocus()
    await waiting(sight)
    assert QApplication.focusWidget() is elsewhere
    assert sight.transcript.waits
    assert sight.transcript.go_to_waiting()
    assert QApplication.focusWidget() is sight.card.approval.allow  # type: ignore[union-attr]
    sight.calls.clear()


@POPUPS
@pytest.mark.parametrize(
    ("text", "remember"), [("Allow in This Chat", Remember.CHAT), ("Always Allow", Remember.ALWAYS)]
)
async def test_allowed_for_longer(sight: Sight, text: str, remember: Remember) -> None:
    decided = await waiting(sight)
    assert sight.card.approval is not None
    click(sight.card.approval.more)
    (menu,) = [each for each in QApplication.topLevelWidgets() if isinstance(each, QMenu) and each.isVisible()]
    next(action for action in menu.actions() if action.text() == text).trigger()
    menu.close()
    assert (await decided).remember is remember


async def test_changed_before_it_runs(sight: Sight) -> None:
    decided = await waiting(sight)
    approval = sight.card.approval
    assert approval is not None
    click(approval.edit_button)
    editor = approval.editor
    assert editor is not None
    assert editor.toPlainText() == '{\n  "expression": "2 + 3"\n}'
    editor.selectAll()
    QTest.keyClicks(editor, '{"expression": }')
    assert "This is not JSON: line 1, column 16" in sight.words(sight.card)
    press(Qt.Key.Key_Return, CTRL)
    assert not decided.done()
    press(Qt.Key.Key_Escape)
    assert approval.editor is None
    click(approval.edit_button)
    assert editor.toPlainText() == '{"expression": }'  # what was typed stays
    editor.selectAll()
    QTest.keyClicks(editor, '{"formula": "7"}')
    click(approval.allow_edited)
    await asyncio.sleep(0)
    assert not decided.done()
    assert "The arguments do not fit" in sight.words(sight.card)
    assert editor.toPlainText() == '{"formula": "7"}'
    editor.selectAll()
    QTest.keyClicks(editor, '{"expression": "7"}')
    press(Qt.Key.Key_Return, CTRL)
    verdict = (await decided).verdict
    assert isinstance(verdict, Allow)
    assert verdict.arguments == {"expression": "7"}


async def test_denied_with_a_reason(sight: Sight) -> None:
    decided = await waiting(sight)
    approval = sight.card.approval
    assert approval is not None
    click(approval.deny_button)
    press(Qt.Key.Key_Escape)
    assert not decided.done()
    press(Qt.Key.Key_Return)  # on the button that has the focus again
    QTest.keyClicks(approval.reason, "Not my files.")
    press(Qt.Key.Key_Return)
    verdict = (await decided).verdict
    assert isinstance(verdict, Deny)
    assert verdict.reason == "Not my files."


async def test_stopped_while_it_runs(sight: Sight) -> None:
    sight.show(answer(call()))
    stopped = sight.run()
    await asyncio.sleep(0.02)
    assert "Running ..." in sight.words(sight.card)
    assert "A tool is running ..." in sight.answer.figures_button.text()
    await until(lambda: "Running 1 s" in sight.words(sight.card), "the time goes on", 3)
    assert sight.card.stop is not None
    click(sight.card.stop)
    assert stopped == ["c1"]
    sight.transcript.update_answer(answer(call(), DONE))
    assert not sight.card.stop.isVisible()


async def test_what_waits_is_not_scrolled_past(sight: Sight) -> None:
    """Whatever comes below it, until it is decided; then the end is followed again."""
    head = (Text("\n\n".join(["Before."] * 30)), call())
    sight.show(answer(*head))
    decided = sight.ask()
    await until(lambda: sight.card.approval is not None, "the card waits")
    assert sight.transcript.is_following
    await asyncio.sleep(0.02)
    sight.transcript.update_answer(answer(*head, Text("\n\n".join(["After."] * 60))))
    await asyncio.sleep(0.05)
    assert 0 <= sight.top(sight.card) < 600
    sight.calls.deny("c1")
    await decided
    await asyncio.sleep(0.05)
    assert sight.transcript.is_following
    assert sight.top(sight.card) < 0


async def test_tab_goes_through_a_card(sight: Sight) -> None:
    await waiting(sight)
    sight.answer.setFocus(Qt.FocusReason.TabFocusReason)
    reached = []
    for _ in range(9):
        press(Qt.Key.Key_Tab)
        focused = QApplication.focusWidget()
        assert focused is not None
        interface = QAccessible.queryAccessibleInterface(focused)
        reached.append(interface.text(QAccessible.Text.Name))
        assert reached[-1], focused
    for name in ("Allow", "Allow for Longer", "Edit ...", "Deny ...", "Show as JSON"):
        assert name in reached, (name, reached)
    assert reached.index("Allow") < reached.index("Deny ...")
    press(Qt.Key.Key_Up, CTRL)
    assert QApplication.focusWidget() is not sight.answer  # from turn to turn, also out of a button
    sight.calls.clear()


async def test_in_the_dark_and_larger(sight: Sight) -> None:
    await waiting(sight)
    before = sight.card.findChildren(CodeText)[0].height()
    sight.theme.choose(Qt.ColorScheme.Dark)
    sight.theme.set_zoom(2.0)
    await asyncio.sleep(0.05)
    ground = QColor(sight.theme.tokens.surface)
    image = sight.card.grab().toImage()
    assert image.pixelColor(QPoint(image.width() // 2, image.height() - 4)) == ground
    assert sight.card.findChildren(CodeText)[0].height() > 1.5 * before
    sight.theme.choose(None)
    sight.calls.clear()


def button_of(widget: QWidget, text: str) -> Any:
    (found,) = [each for each in widget.findChildren(QWidget) if getattr(each, "text", str)() == text]
    return found


def test_a_question_has_no_cards(sight: Sight) -> None:
    sight.show()
    settle()
    assert sight.transcript.messages[0] is QUESTION
    assert not sight.transcript.go_to_waiting()
