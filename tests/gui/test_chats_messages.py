"""What is done to messages in the whole window, by keys and by the menus: each makes a branch, and nothing is lost."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from chat_driver import ALT, CTRL, LEFT, SHIFT, K, Person, echo, journal, sat_down
from conftest import Build, until
from PySide6.QtCore import QPoint
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from nodetool_xl_desktop.engine.client import Sampling
from nodetool_xl_desktop.engine.states import Ready
from nodetool_xl_desktop.store.records import State
from nodetool_xl_desktop.store.writing import INTERVAL_S

#: What the platform that has no screen says when a menu or a popup opens.
POPUPS = pytest.mark.qt_log_ignore("This plugin does not support (raise|grabbing the keyboard)")


async def asked(build: Build, model: Path, *questions: str, **script: object) -> Person:
    """At a chat with these questions, which were answered with themselves."""
    person = await sat_down(build, command=echo(**script))
    person.chats.titles.is_on = False
    await person.load(model)
    for question in questions:
        await person.ask(question)
        await person.answered(question)
    return person


async def edited(person: Person, message: int, text: str) -> None:
    """The editor is open on it, and says this."""
    await person.point(message)
    await person.press(K.Key_E)
    await until(lambda: person.view(message).editor is not None, "the editor")
    await person.press(K.Key_A, CTRL)
    await person.type(text)


async def menu_of(person: Person, message: int, action: str) -> None:
    """Choose from the menu of a message."""
    view = person.view(message)
    place = QPoint(5, 5)
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, place, view.mapToGlobal(place))
    await person.do(lambda: QApplication.sendEvent(view, event))
    await person.choose(action)


def stepper(person: Person, message: int) -> str:
    return person.view(message).stepper.text


async def test_an_edited_question_is_asked_as_another_version(
    build: Build, starter_model: Path, tmp_path: Path
) -> None:
    told = tmp_path / "asked"
    person = await asked(build, starter_model, "apples", "pears", journal=told)
    await edited(person, 0, "plums")
    await person.press(K.Key_Return, CTRL)
    await until(lambda: person.said[:1] == ["plums"], "the other version is shown")
    await person.answered("plums")
    assert person.said == ["plums", "plums"]
    assert [turn["content"] for turn in journal(told)[-1]["messages"]] == ["plums"]
    assert stepper(person, 0) == "2 / 2"
    await person.point(0)
    await person.press(K.Key_Left, ALT)
    await until(lambda: person.said == ["apples", "apples", "pears", "pears"], "the version before, with all below")
    assert stepper(person, 0) == "1 / 2"
    await person.press(K.Key_Right, ALT)
    await until(lambda: person.said == ["plums", "plums"], "and back")

    await edited(person, 0, "cherries")
    before = len(journal(told))
    await person.click("Save", person.view(0))
    await until(lambda: person.said == ["cherries"], "saved, and nothing asked")
    assert stepper(person, 0) == "3 / 3"
    await asyncio.sleep(0.1)
    assert len(journal(told)) == before
    view = person.view(0)
    await person.do(lambda: QTest.mouseClick(view.stepper.previous, LEFT))
    await until(lambda: person.said == ["plums", "plums"], "by the mouse as well")
    assert stepper(person, 0) == "2 / 3"


@POPUPS
async def test_regenerated_by_key_and_menu_with_another_model_and_other_sampling(
    build: Build, starter_model: Path, tmp_path: Path
) -> None:
    told, other = tmp_path / "asked", tmp_path / "Other-7B-Q4_K_M.gguf"
    other.symlink_to(starter_model)
    person = await asked(build, starter_model, "apples", journal=told)
    await person.window.models.open([other])
    await person.press(K.Key_Return, CTRL, lambda: person.window)
    await until(lambda: stepper(person, 1) == "2 / 2", "answered once more")
    await person.answered("apples")
    first = person.shown[-1].about.model
    assert [len(each["messages"]) for each in journal(told)] == [1, 1]

    await menu_of(person, 1, "Regenerate with Another Model ...")
    (title,) = [file.full_title for file in person.window.side_bar.models.files if file.path == other]
    await person.choose(title)
    await until(lambda: stepper(person, 1) == "3 / 3", "answered by the other model")
    await person.answered("apples")
    second = person.shown[-1].about.model
    assert first is not None
    assert second is not None
    assert (first.file, second.file) == (str(starter_model), str(other))
    assert person.view(1).message.author == second.name

    person.chats.asker.sampling = None
    await menu_of(person, 1, "Regenerate with Other Sampling ...")
    assert person.window.presets.panel.isVisible()
    await person.set_number("temperature", "0.3")
    await person.do(person.window.presets.panel.close_panel)
    await person.point(1)
    await person.press(K.Key_Return, CTRL)
    await until(lambda: stepper(person, 1) == "4 / 4", "answered with other sampling")
    await person.answered("apples")
    assert person.shown[-1].about.sampling["temperature"] == 0.3
    assert journal(told)[-1]["temperature"] == 0.3


@POPUPS
async def test_who_goes_to_another_chat_while_the_other_model_loads_is_answered_nothing_there(
    build: Build, starter_model: Path, tmp_path: Path
) -> None:
    told, other = tmp_path / "asked", tmp_path / "Other-7B-Q4_K_M.gguf"
    other.symlink_to(starter_model)
    person = await asked(build, starter_model, "apples", journal=told)
    await person.window.models.open([other])
    await person.new_chat()
    await person.ask("pears")
    await person.answered("pears")
    await menu_of(person, 1, "Regenerate with Another Model ...")
    (title,) = [file.full_title for file in person.window.side_bar.models.files if file.path == other]
    await person.choose(title)
    await person.open("apples")
    await until(lambda: getattr(person.parts.loader.state, "model", None) == other, "loading")
    await until(lambda: isinstance(person.parts.loader.state, Ready), "loaded")
    await asyncio.sleep(0.2)
    assert person.said == ["apples", "apples"]
    assert stepper(person, 1) == ""
    assert len(journal(told)) == 2


async def test_deleted_and_taken_back(build: Build, starter_model: Path) -> None:
    person = await asked(build, starter_model, "apples", "pears")
    await person.point(2)
    await person.press(K.Key_Delete, CTRL)
    await until(lambda: person.said == ["apples", "apples"], "gone, with its answer")
    bar = person.window.chat.undo
    await until(bar.isVisible, "the offer to take it back")
    assert bar.accessibleName() == "Message deleted"
    await person.press(K.Key_Z, CTRL)
    await until(lambda: person.said == ["apples", "apples", "pears", "pears"], "taken back")
    await person.point(2)
    await person.press(K.Key_Delete, CTRL)
    await until(lambda: person.said == ["apples", "apples"], "gone again")
    await person.new_chat()  # it can be taken back from elsewhere
    await person.click("Undo")
    await until(lambda: person.said == ["apples", "apples", "pears", "pears"], "taken back, and shown")


@POPUPS
async def test_a_fork_is_a_chat_of_its_own(build: Build, starter_model: Path) -> None:
    person = await asked(build, starter_model, "apples", "pears")
    before = person.shown_id
    await menu_of(person, 1, "Fork Chat Here")
    await until(lambda: person.shown_id not in (None, before), "the fork is shown")
    assert person.said == ["apples", "apples"]
    await until(lambda: len(person.titles) == 2, "both are listed")
    await person.ask("plums")
    await person.answered("plums")
    assert person.said == ["apples", "apples", "plums", "plums"]
    assert len((await person.store.open_chat(before or "")).shown) == 4


async def test_what_is_selected_is_quoted(build: Build, starter_model: Path) -> None:
    person = await asked(build, starter_model, "apples and pears")
    await person.write("Why?")
    await person.point(1)
    text = person.view(1).texts[0]
    text.setFocus()
    await person.press(K.Key_A, CTRL)
    await person.press(K.Key_Q, CTRL | SHIFT)
    await until(lambda: "> apples and pears" in person.composer.text, f"quoted: {person.composer.text!r}")
    assert "Why?" in person.composer.text
    assert person.composer.field.hasFocus()


async def test_an_answer_goes_on_in_its_own_message(build: Build, starter_model: Path) -> None:
    """With the real engine, which goes on where the text ends."""
    person = await sat_down(build)
    person.chats.titles.is_on = False
    await person.load(starter_model)
    person.chats.asker.sampling = Sampling(temperature=0, max_tokens=60)
    await person.ask("Count from one to thirty, in digits.")
    await person.answered()
    whole = person.said[-1]
    await person.press(K.Key_N, CTRL, lambda: person.window)
    person.chats.asker.sampling = Sampling(temperature=0, max_tokens=8)
    await person.ask("Count from one to thirty, in digits.")
    await until(lambda: person.said and person.said[-1] != whole, "the other chat")
    await person.answered()
    begun, message = person.said[-1], person.shown[-1].id
    assert person.shown[-1].state is State.CUT
    assert whole.startswith(begun)
    person.chats.asker.sampling = Sampling(temperature=0, max_tokens=24)
    await person.press(K.Key_Return, ALT, lambda: person.window)
    await until(lambda: len(person.said[-1]) > len(begun), "it goes on")
    await person.answered()
    assert person.shown[-1].id == message
    assert len(person.said) == 2
    assert person.said[-1].startswith(begun)
    assert whole.startswith(person.said[-1][: len(whole)]), (whole, person.said[-1])
    assert stepper(person, 1) == ""
    assert "user" not in person.said[-1][len(begun) :]


async def test_an_edit_that_was_not_asked_stays_a_draft_whatever_is_shown_next(
    build: Build, starter_model: Path
) -> None:
    person = await sat_down(build, command=echo())
    await person.load(starter_model)
    await person.ask("apples")
    await person.answered("apples")
    await person.press(K.Key_E, CTRL, lambda: person.window)
    await until(lambda: not isinstance(person.pane.state, Ready), "no model is loaded")
    await edited(person, 0, "plums")
    await person.press(K.Key_Return, CTRL)
    assert "Load a model first" in person.words
    await person.new_chat()
    await person.open("apples")
    await edited(person, 0, "")
    assert person.view(0).editor.text == "plums"  # type: ignore[union-attr]
    await asyncio.sleep(2 * INTERVAL_S)  # written through
    assert await person.store.edits(str(person.shown_id)) == {person.shown[0].id: "plums"}


async def test_what_was_typed_into_an_editor_is_there_at_the_next_start(build: Build, starter_model: Path) -> None:
    person = await asked(build, starter_model, "apples")
    await edited(person, 0, "plums and more")
    await person.close()
    person = await sat_down(build)
    await person.open("apples")
    await until(lambda: person.said == ["apples", "apples"], "as it was saved")
    await person.point(0)
    await person.press(K.Key_E)
    editor = person.view(0).editor
    assert editor is not None
    await until(lambda: editor.text == "plums and more", "as it was typed")
    await person.press(K.Key_Escape)
    assert person.said == ["apples", "apples"]
