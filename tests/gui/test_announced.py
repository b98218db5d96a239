"""What people hear of an answer that comes, and what a screen reader finds in the messages of a chat."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest
from conftest import until
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAccessible, QAccessibleInterface
from PySide6.QtWidgets import QApplication
from transcript_window import Sight, answer, call, opened, press, settle, settle_all

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.store.parts import Reasoning, Text, ToolAnswer
from nodetool_xl_desktop.store.records import Message, State
from nodetool_xl_desktop.ui.markdown.accessible_text import MOST_LETTERS
from nodetool_xl_desktop.ui.transcript.announcer import MOST_LETTERS as MOST_AT_ONCE


@pytest.fixture
def sight(qapp: QApplication) -> Iterator[Sight]:
    QAccessible.setActive(True)
    yield from opened(qapp)
    QAccessible.setActive(False)


@pytest.fixture
def heard(sight: Sight) -> list[tuple[str, bool]]:
    said: list[tuple[str, bool]] = []
    sight.transcript.announcer.said.connect(lambda words, at_once: said.append((words, at_once)))
    return said


def comes(sight: Sight, *messages: Message) -> None:
    for message in messages:
        sight.transcript.update_answer(message)


def words(heard: list[tuple[str, bool]]) -> str:
    return " ".join(said for said, _ in heard)


async def test_an_answer_is_heard_by_sentences_with_its_end(sight: Sight, heard: list[tuple[str, bool]]) -> None:
    text = "First **one**. Second one! And\n\n```python\na\nb\n```\n\nthe rest"
    sight.show(answer())
    for end in range(0, len(text), 3):
        comes(sight, answer(Text(text[:end])))
        if end == 18:
            assert [said for said, _ in heard] == ["First one."], "as soon as it is finished"
    comes(sight, answer(Text(text), state=State.COMPLETE))
    await until(lambda: words(heard).endswith("complete."), "the end")
    assert words(heard) == "First one. Second one! And Code, python, 2 lines the rest Answer complete."
    assert not any(at_once for _, at_once in heard)
    assert len(heard) == 2, "what comes within a moment is said together"


async def test_reasoning_is_thinking_unless_it_is_opened(sight: Sight, heard: list[tuple[str, bool]]) -> None:
    sight.show(answer())
    comes(sight, answer(Reasoning("I wonder. Perhaps", 10, 3)))
    comes(sight, answer(Reasoning("I wonder. Perhaps so. Or", 10, 3), Text("No")))
    comes(sight, answer(Reasoning("I wonder. Perhaps so. Or", 10, 3), Text("No"), state=State.STOPPED))
    await until(lambda: words(heard).endswith("stopped."), "the end")
    assert words(heard) == "Thinking No Answer stopped."
    heard.clear()
    sight.show(answer(name="b"))
    comes(sight, answer(Reasoning("I", 10, 3), name="b"))
    settle()
    head = sight.answer.stops[0]
    head.click()  # type: ignore[attr-defined] # closed
    head.click()  # type: ignore[attr-defined] # and opened by the person
    comes(sight, answer(Reasoning("I wonder. Perhaps", 10, 3), name="b"))
    comes(sight, answer(Reasoning("I wonder. Perhaps", 10, 3), Text("No"), name="b", state=State.COMPLETE))
    await until(lambda: words(heard).endswith("complete."), "the end")
    assert words(heard) == "Thinking I wonder. Perhaps No Answer complete."


async def test_a_call_that_waits_is_heard_at_once(sight: Sight, heard: list[tuple[str, bool]]) -> None:
    sight.transcript.set_tool_titles(lambda name: name.title())
    sight.show(answer())
    comes(sight, answer(Text("I count. "), call()))
    task = sight.ask()
    await asyncio.sleep(0)
    for _ in range(3):
        comes(sight, answer(Text("I count. "), call()))
    assert heard == [("I count.", False), ("Tool call Calculator, Waiting for you", True)]
    task.cancel()
    done = (Text("I count. "), call(), ToolAnswer("c1", "calculator", "5", ms=40), Text("Five."))
    comes(sight, answer(*done), answer(*done, state=State.COMPLETE))
    await until(lambda: words(heard).endswith("complete."), "the end")
    assert words(heard[2:]) == "Tool call Calculator, 40 ms Five. Answer complete."


async def test_a_failure_is_heard_and_a_long_text_comes_in_pieces(sight: Sight, heard: list[tuple[str, bool]]) -> None:
    sight.show(answer())
    text = " ".join(f"Sentence {number} is here." for number in range(60))
    comes(sight, answer())
    failed = answer(Text(text), state=State.FAILED, error=UserFacingError("The engine ended", "Killed.", "Load again."))
    comes(sight, failed)
    await until(lambda: "failed" in words(heard), "the end")
    assert words(heard) == f"{text} The answer failed: The engine ended"
    assert len(heard) > 2
    assert max(len(said) for said, _ in heard) <= MOST_AT_ONCE


async def test_another_chat_is_quiet_and_an_answer_goes_on_where_it_was(
    sight: Sight, heard: list[tuple[str, bool]]
) -> None:
    old = "Old sentence. " * 40
    sight.show(answer(Text(old), state=State.COMPLETE))
    comes(sight, answer(Text(old)), answer(Text(f"{old}New sentence. Ne")))
    assert words(heard) == "New sentence."
    comes(sight, answer(Text(f"{old}New sentence. Newer. ")))
    sight.show(answer(name="elsewhere", state=State.COMPLETE))
    await asyncio.sleep(1)
    assert words(heard) == "New sentence."


async def test_what_is_still_to_be_said_is_said_though_the_chat_is_drawn_anew(
    sight: Sight, heard: list[tuple[str, bool]]
) -> None:
    sight.show(answer())
    comes(sight, answer(Text("One. Two")), answer(Text("One. Two. Three")))
    ended = answer(Text("One. Two. Three."), state=State.COMPLETE)
    sight.show(ended)  # the end came before it was drawn once more
    sight.show(ended)
    following = answer(name="b")
    sight.show(ended, following)
    comes(sight, following, answer(Text("Four. "), name="b"), answer(Text("Four. "), name="b", state=State.COMPLETE))
    await until(lambda: words(heard).count("complete.") == 2, "both ends")
    assert words(heard) == "One. Two. Three. Answer complete. Four. Answer complete."


async def test_an_answer_that_is_continued_is_not_said_again(sight: Sight, heard: list[tuple[str, bool]]) -> None:
    sight.show(answer())
    comes(sight, answer(Text("One. Two")), answer(Text("One. Two"), state=State.STOPPED))
    comes(sight, answer(Text("One. Two")), answer(Text("One. Two more. Thr")))
    comes(sight, answer(Text("One. Two more. Three."), state=State.COMPLETE))
    await until(lambda: words(heard).endswith("complete."), "the end")
    assert words(heard) == "One. Two Answer stopped. more. Three. Answer complete."


async def test_while_nobody_listens_nothing_is_done(sight: Sight, heard: list[tuple[str, bool]]) -> None:
    QAccessible.setActive(False)
    sight.show(answer())
    comes(sight, answer(Text("One. Two. ")), answer(Text("One. Two. "), state=State.COMPLETE))
    await asyncio.sleep(0.05)
    assert not heard
    assert not sight.transcript.announcer.message


def found(interface: QAccessibleInterface, role: QAccessible.Role) -> list[QAccessibleInterface]:
    out = [interface] if interface.role() is role else []
    for number in range(interface.childCount()):
        child = interface.child(number)
        if child is not None and child.isValid() and not child.state().invisible:
            out += found(child, role)
    return out


def test_messages_are_items_with_who_and_when_and_their_texts_have_letters(sight: Sight) -> None:
    said = answer(Text("# One\n\nTwo 😀 **three**\n\n2. four"), state=State.COMPLETE)
    sight.show(replace(said, created_ms=1_700_000_000_000))
    settle()
    chat = QAccessible.queryAccessibleInterface(sight.transcript)
    (messages,) = found(chat, QAccessible.Role.List)
    question, item = found(messages, QAccessible.Role.ListItem)
    assert question.text(QAccessible.Text.Name) == "You"
    assert item.text(QAccessible.Text.Name).startswith("Answer of Model, ")
    assert item.text(QAccessible.Text.Description) == "One Two 😀 three 2. four"
    (text,) = found(item, QAccessible.Role.EditableText)
    assert text.state().readOnly
    assert text.state().focusable
    letters = text.textInterface()
    assert letters.text(0, -1) == "One\nTwo 😀 three\n2. four"
    assert letters.characterCount() == len("One\nTwo 😀 three\n2. four") + 1, "as Qt counts"
    assert letters.text(11, 16) == "three"
    rect = letters.characterRect(11)
    assert 4 <= rect.width() <= 30
    assert 10 <= rect.height() <= 60
    assert letters.offsetAtPoint(QPoint(rect.left() + 1, rect.center().y())) == 11
    assert letters.selectionCount() == 0


def test_a_reader_moves_the_caret_and_hears_where_the_keys_take_it(sight: Sight) -> None:
    sight.show(answer(Text("One two\n\nthree four"), state=State.COMPLETE))
    settle()
    view = sight.answer.texts[0]
    letters = QAccessible.queryAccessibleInterface(view).textInterface()
    letters.setCursorPosition(8)
    assert view.hasFocus()
    assert letters.cursorPosition() == 8
    press(Qt.Key.Key_Right)
    assert letters.cursorPosition() == 9
    press(Qt.Key.Key_Home)
    press(Qt.Key.Key_Up)
    press(Qt.Key.Key_Right)
    assert letters.cursorPosition() == 1
    press(Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert view.selection == "n"
    letters.setSelection(0, 4, 13)
    assert view.selection.split() == ["two", "three"]
    letters.removeSelection(0)
    assert not view.has_selection


def test_a_long_text_is_bounded_and_what_is_far_has_no_place(sight: Sight) -> None:
    sight.show(answer(Text("\n\n".join(f"Paragraph {n} of many." for n in range(4000))), state=State.COMPLETE))
    settle_all(sight.answer.texts[0])
    letters = QAccessible.queryAccessibleInterface(sight.answer.texts[0]).textInterface()
    assert MOST_LETTERS <= letters.characterCount() < MOST_LETTERS + 5000
    assert letters.characterRect(letters.characterCount() // 2).isEmpty()
    letters.scrollToSubstring(letters.characterCount() // 2, letters.characterCount() // 2 + 1)
    settle()
    assert not letters.characterRect(letters.characterCount() // 2).isEmpty()
