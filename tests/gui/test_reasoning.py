"""What a model thought before it answered: open while it comes, closed after, and from then on as a person wants it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel
from transcript_window import Sight, answer, call, click, opened, press, settle

from nodetool_xl_desktop.store.parts import Reasoning, Text, ToolAnswer
from nodetool_xl_desktop.store.records import State
from nodetool_xl_desktop.ui.transcript.answer_parts import ThoughtPiece
from nodetool_xl_desktop.ui.transcript.message_view import AnswerView
from nodetool_xl_desktop.ui.transcript.reasoning_fold import ReasoningFold, thought

THOUGHT = Reasoning("I should think.", 12_000, 340)


@pytest.fixture
def sight(qapp: QApplication, loop: asyncio.AbstractEventLoop) -> Iterator[Sight]:
    yield from opened(qapp)


def folds(sight: Sight) -> list[ReasoningFold]:
    return [each for each in sight.answer.findChildren(ReasoningFold) if each.isVisible()]


def is_read(fold: ReasoningFold) -> bool:
    return fold.head.is_open and any(text.isVisible() and text.toPlainText() for text in fold.texts)


def test_open_while_it_comes_and_closed_after(sight: Sight) -> None:
    sight.show(answer(Reasoning("I sh")))
    settle()
    (fold,) = folds(sight)
    assert is_read(fold)
    assert "Thinking ..." in sight.words(fold)
    sight.transcript.update_answer(answer(Reasoning("I should think.")))
    assert fold.texts[0].toPlainText() == "I should think."
    sight.transcript.update_answer(answer(THOUGHT, Text("So.")))
    settle()
    assert not is_read(fold)
    assert sight.words(fold) == "Thought for 12 s, 340 tokens"
    assert fold.head.accessibleName() == "Thought for 12 s, 340 tokens"
    assert fold.height() < 50


@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Space, None])
def test_opened_by_keys_and_mouse(sight: Sight, key: Qt.Key | None) -> None:
    sight.show(answer(THOUGHT, Text("So."), state=State.COMPLETE))
    settle()
    (fold,) = folds(sight)
    assert not fold.texts  # what is closed is not laid out
    for is_open in (True, False, True):
        if key is None:
            click(fold.head)
        else:
            QTest.keyClick(fold.head, key)
        settle()
        assert is_read(fold) is is_open
        state = QAccessible.queryAccessibleInterface(fold.head).state()
        assert (bool(state.expanded), bool(state.collapsed)) == (is_open, not is_open)
    assert fold.texts[0].toPlainText() == "I should think."


def test_what_the_person_chose_stays(sight: Sight) -> None:
    sight.show(answer(Reasoning("I sh")))
    settle()
    (fold,) = folds(sight)
    click(fold.head)
    sight.transcript.update_answer(answer(Reasoning("I should")))
    assert not is_read(fold)
    click(fold.head)
    sight.transcript.update_answer(answer(THOUGHT, Text("So.")))
    sight.transcript.update_answer(answer(THOUGHT, Text("So."), state=State.COMPLETE))
    assert is_read(fold)
    assert fold.texts[0].toPlainText() == "I should think."


def test_it_stays_open_where_one_comes_back_from_far_away(sight: Sight) -> None:
    chat = [answer(THOUGHT, call(), Text("So.\n\n" * 60), state=State.COMPLETE, name=f"a{at}") for at in range(12)]
    sight.show(*chat)
    sight.transcript.go_to(1)
    settle()
    first = sight.transcript.turn(1)
    assert isinstance(first, AnswerView)
    click(first.findChildren(ReasoningFold)[0].head)
    click(first.cards[0].head)
    sight.transcript.focus_turn(12)
    sight.transcript.follow()
    settle()
    assert 1 not in sight.transcript.alive
    sight.transcript.go_to(1)
    settle()
    again = sight.transcript.turn(1)
    assert isinstance(again, AnswerView)
    assert again is not first
    assert is_read(again.findChildren(ReasoningFold)[0])
    assert again.cards[0].head.is_open


def test_it_does_not_close_under_who_reads_it(sight: Sight) -> None:
    long = Reasoning("\n\n".join(["I should think."] * 80))
    sight.show(answer(long))
    settle()
    bar = sight.transcript.verticalScrollBar()
    bar.setValue(bar.maximum() - 300)
    before = bar.value()
    sight.transcript.update_answer(answer(long, Text("So.")))
    settle()
    assert is_read(folds(sight)[0])
    assert bar.value() == before


def test_each_run_has_its_place(sight: Sight) -> None:
    done = ToolAnswer("c1", "calculator", "5")
    sight.show(answer(THOUGHT, call(), done, Reasoning("And now?", 900, 3), Text("So."), state=State.COMPLETE))
    settle()
    first, second = folds(sight)
    assert sight.top(first) < sight.top(sight.card) < sight.top(second)
    assert sight.words(second) == "Thought for 0.9 s, 3 tokens"


def test_by_keys_from_the_answer(sight: Sight) -> None:
    sight.show(answer(THOUGHT, Text("So."), state=State.COMPLETE))
    settle()
    sight.transcript.step(-1)
    press(Qt.Key.Key_Tab)
    (fold,) = folds(sight)
    assert QApplication.focusWidget() is fold.head
    assert fold.head.property("ring") == "true"
    press(Qt.Key.Key_Space)
    assert is_read(fold)


def test_it_is_no_markup(sight: Sight) -> None:
    sight.show(answer(Reasoning("<b>I</b> **think**."), state=State.STREAMING))
    settle()
    (fold,) = folds(sight)
    assert fold.texts[0].toPlainText() == "<b>I</b> **think**."
    assert all(each.textFormat() is Qt.TextFormat.PlainText for each in fold.findChildren(QLabel) if each.text())


@pytest.mark.parametrize(
    ("ms", "tokens", "says"),
    [(0, 0, "Thought"), (0, 1, "Thought, 1 token"), (400, 0, "Thought for 0.4 s"),
     (200_000, 4000, "Thought for 3 min 20 s, 4,000 tokens")],
)  # fmt: skip
def test_only_what_is_known_is_said(ms: int, tokens: int, says: str) -> None:
    assert thought(ThoughtPiece("x", ms, tokens, is_last=False), is_open=False) == says
