"""Chats in the whole window: they are there at the next start, two are answered at once, and nothing typed is lost."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from pathlib import Path

from chat_driver import CTRL, K, Person, echo, journal, sat_down
from conftest import Build, until
from PySide6.QtTest import QTest

from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.engine.states import Ready
from nodetool_xl_desktop.store.records import State
from nodetool_xl_desktop.ui.side_bar import Tab
from nodetool_xl_desktop.ui.transcript.message_figures import FiguresLine


async def test_a_chat_is_there_at_the_next_start(build: Build, starter_model: Path) -> None:
    person = await sat_down(build)
    await person.load(starter_model)
    await person.ask("Say yes.")
    await person.answered()
    question, answer = person.said
    assert question == "Say yes."
    assert answer
    await until(lambda: person.titles == ["Say yes."], "its first line is its title")
    assert person.window.windowTitle() == "Say yes. - NodeTool XL Desktop"
    await person.close()

    again = await sat_down(build)
    assert again.window.windowTitle() == "NodeTool XL Desktop"
    assert again.said == []
    await again.open("Say yes.")
    assert again.said == [question, answer]
    assert again.shown[-1].state in (State.COMPLETE, State.CUT)
    assert again.shown[-1].about.usage.completion_tokens > 0
    assert again.window.windowTitle() == "Say yes. - NodeTool XL Desktop"
    assert again.transcript.isVisible()


async def test_a_chat_offers_the_model_that_answered_in_it(build: Build, starter_model: Path, tmp_path: Path) -> None:
    other = tmp_path / "Other-7B-Q4_K_M.gguf"
    shutil.copyfile(starter_model, other)  # a link to it would be the same model
    person = await sat_down(build, command=echo())
    person.chats.titles.is_on = False
    await person.load(starter_model)
    await person.ask("apples")
    await person.answered("apples")
    assert "answered here last" not in person.notices
    await person.press(K.Key_E, CTRL, lambda: person.window)
    await until(lambda: "SmolLM2 135M Instruct answered here last" in person.notices, "it is not loaded any more")
    await person.load(other)
    await until(lambda: "Other 7B would answer now" in person.notices, "another one is loaded")
    await person.new_chat()
    assert "answered here last" not in person.notices, "nobody answered here yet"
    await person.open("apples")
    await until(lambda: "answered here last" in person.notices, "as before")
    await person.click("Load It")
    await until(lambda: isinstance(state := person.chats.pane.state, Ready) and state.model == starter_model, "loaded")
    assert "answered here last" not in person.notices


def figures(person: Person) -> str:
    """What stands below the last answer that is drawn."""
    lines = [line.text() for line in person.transcript.findChildren(FiguresLine) if line.isVisible()]
    return lines[-1] if lines else ""


async def two_chats(person: Person) -> None:
    """Ask in two, one behind the other."""
    await person.ask("apples apples apples")
    await until(lambda: person.said[1:] and person.said[1], "the first words")
    await person.new_chat()
    assert person.composer.text == ""
    await person.ask("pears pears pears")
    await until(lambda: person.said[:1] == ["pears pears pears"] and len(person.said) == 2, "the second was asked")


async def test_with_one_slot_the_second_chat_waits_and_says_for_whom(
    build: Build, starter_model: Path, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    person = await sat_down(build, command=echo(gate=gate, times=20))
    await person.load(starter_model, parallel=1)
    await two_chats(person)
    await until(
        lambda: "Waiting for the answer in “apples apples apples”" in figures(person),
        "it says that it waits, and for whom",
    )
    assert person.shown[-1].state is State.WAITING
    await until(lambda: person.answering == {"apples apples apples", "pears pears pears"}, "both are marked")
    await person.open("apples apples apples")
    assert person.shown[-1].state is State.STREAMING
    gate.touch()
    await person.chats.answered()
    assert person.said[1] == " ".join(["apples"] * 60)
    await person.open("pears pears pears")
    assert person.said[1] == " ".join(["pears"] * 60)
    assert person.shown[-1].state is State.COMPLETE
    await until(lambda: person.answering == set(), "none is marked any more")


async def test_with_two_slots_both_are_answered_at_once_and_unmixed(
    build: Build, starter_model: Path, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    person = await sat_down(build, command=echo(gate=gate, times=20, pace_s=0.002))
    await person.load(starter_model, parallel=2)
    await two_chats(person)
    await until(lambda: person.shown[-1].state is State.STREAMING, "the second one has begun as well")
    gate.touch()
    for _ in range(3):  # to look at another chat stops none
        await person.open("apples apples apples")
        await person.open("pears pears pears")
    await person.chats.answered()
    assert person.said[1] == " ".join(["pears"] * 60)
    await person.open("apples apples apples")
    assert person.said[1] == " ".join(["apples"] * 60)
    assert {message.state for message in person.shown} == {State.COMPLETE}


async def test_the_answer_that_is_shown_is_the_one_that_stops(
    build: Build, starter_model: Path, tmp_path: Path
) -> None:
    person = await sat_down(build, command=echo(gate=tmp_path / "gate"))
    await person.load(starter_model, parallel=2)
    await two_chats(person)
    await until(lambda: person.said[-1] != "", "the first words")
    await person.press(K.Key_Escape)
    await until(lambda: person.shown[-1].state is State.STOPPED, "stopped")
    assert person.said[-1] == "pears"
    await until(lambda: person.answering == {"apples apples apples"}, "the other one goes on")


async def test_a_chat_that_is_deleted_is_answered_no_longer(build: Build, starter_model: Path, tmp_path: Path) -> None:
    person = await sat_down(build, command=echo(gate=tmp_path / "gate"))
    await person.load(starter_model)
    await person.ask("apples apples")
    await until(lambda: person.said[1:] == ["apples"], "the first word")
    deleted = person.shown_id
    await person.press(K.Key_1, CTRL)
    await until(person.browser.view.hasFocus, "the keys are in the list")
    await until(lambda: [chat.id for chat in person.browser.view.selected] == [deleted], "it is selected")
    await person.press(K.Key_Delete)
    await until(lambda: not person.chats.is_answering, "stopped")
    await until(lambda: person.titles == [], "it is gone")
    assert person.chats.session is None
    assert person.composer.text == ""
    await person.press(K.Key_Z, CTRL)
    await until(lambda: person.said == ["apples apples", "apples"], "it is back, and shown")
    assert person.shown[-1].state is State.STOPPED


async def test_the_program_ends_while_two_chats_are_answered(build: Build, starter_model: Path, tmp_path: Path) -> None:
    person = await sat_down(build, command=echo(gate=tmp_path / "gate"))
    await person.load(starter_model, parallel=2)
    await two_chats(person)
    await until(lambda: person.said[-1] != "", "the first words")
    await person.close()
    again = await sat_down(build)
    for text in ("apples", "pears"):
        await again.open(f"{text} {text} {text}")
        assert again.said == [f"{text} {text} {text}", text]
        assert again.shown[-1].state is State.STOPPED


async def test_the_program_ends_while_its_chats_are_being_opened(build: Build) -> None:
    """The `build` fixture then looks for what is left."""
    for _ in range(3):
        person = Person(build())
        await asyncio.sleep(0)
        assert person.chats.store is None
        await person.close()
    await sat_down(build)


async def test_each_chat_keeps_what_is_typed_in_it(build: Build, starter_model: Path) -> None:
    person = await sat_down(build, command=echo())
    await person.load(starter_model)
    await person.ask("apples")
    await person.answered("apples")
    await person.write("more of apples")
    await person.new_chat()
    assert person.composer.text == ""
    await person.ask("pears")
    await person.answered("pears")
    await person.write("more of pears")
    await person.new_chat()
    await person.write("of something else")
    await person.open("apples")
    assert person.composer.text == "more of apples"
    await person.open("pears")
    assert person.composer.text == "more of pears"
    await person.close()

    again = await sat_down(build)
    await until(lambda: again.composer.text == "of something else", "what was typed for a new chat")
    await again.open("apples")
    assert again.composer.text == "more of apples"
    await again.open("pears")
    assert again.composer.text == "more of pears"
    await again.new_chat()
    await until(lambda: again.composer.text == "of something else", "what was typed for a new chat, once more")


async def test_what_is_typed_before_the_store_is_open_is_kept(build: Build) -> None:
    first = Person(build())
    QTest.keyClicks(first.composer.field, "early")
    assert first.chats.store is None, "the store must not be open yet"
    await first.opened()
    assert first.composer.text == "early"
    await first.close()
    second = Person(build())
    QTest.keyClicks(second.composer.field, "earlier")
    assert second.chats.store is None
    await second.opened()
    await until(lambda: second.composer.text != "earlier", "both are there")
    assert second.composer.text.split() == ["early", "earlier"], second.composer.text


async def test_a_question_that_cannot_be_written_stays_where_it_was_typed(
    build: Build, starter_model: Path, paths: Paths, tmp_path: Path
) -> None:
    asked = tmp_path / "asked"
    person = await sat_down(build, command=echo(journal=asked))
    person.chats.titles.is_on = False
    await person.load(starter_model)
    await person.store.write_freely(lambda connection: connection.execute("PRAGMA busy_timeout = 300"))
    holder = sqlite3.connect(paths.chats / "chats.sqlite3", isolation_level=None)
    try:
        for known in (False, True):
            holder.execute("BEGIN IMMEDIATE")
            await person.ask(f"apples {known}")
            await until(lambda: "could not be saved" in person.notices, "it says why")
            await until(lambda: not person.chats.is_answering, "it gave up")
            assert person.composer.text == f"apples {known}"
            assert "could not be saved" in person.notices, "it stands there until the next thing is done"
            assert len(person.said) == 2 * known, "nothing is shown as said that is not on the disk"
            holder.execute("ROLLBACK")
            assert [said["messages"][-1]["content"] for said in journal(asked)] == ["apples False"] * known
            await person.press(K.Key_Return, at=lambda: person.composer.field)
            await until(lambda known=known: len(person.said) == 2 + 2 * known, "sent")
            await person.answered(f"apples {known}")
            assert person.composer.text == ""
            assert "could not be saved" not in person.notices
    finally:
        holder.close()


async def test_the_search_opens_a_chat_at_the_message(build: Build, starter_model: Path) -> None:
    person = await sat_down(build, command=echo())
    await person.load(starter_model)
    await person.ask("first question")
    await person.answered()
    for number in range(12):
        await person.ask(f"filler {number} " * 40)
        await person.answered()
    await person.ask("a walrus and nothing else")
    await person.answered()
    await person.new_chat()
    await person.ask("pears")
    await person.answered()
    await person.press(K.Key_K, CTRL)
    await person.type("filler 3")
    hits = person.browser._search.view
    await until(lambda: hits.hits.rowCount() > 0, "found")
    await asyncio.sleep(0.2)
    await person.press(K.Key_Down)
    await person.press(K.Key_Return)
    await until(lambda: "first question" in person.said, "the chat is open")
    seen = person.transcript.first_seen_index
    marked = [at for at in range(len(person.said)) if person.transcript.alive.get(at) is not None]
    marked = [at for at in marked if person.view(at).property("marked") == "true"]
    assert len(marked) == 1, (seen, marked)
    assert person.said[marked[0]].startswith("filler 3 ")
    assert seen in (marked[0] - 1, marked[0])


async def test_find_in_the_chat_and_the_tabs_by_keys(build: Build, starter_model: Path) -> None:
    person = await sat_down(build, command=echo())
    await person.load(starter_model)
    await person.ask("plum pear plum")
    await person.answered()
    await person.press(K.Key_F, CTRL)
    await until(person.transcript.find_bar.isVisible, "the bar")
    await person.type("plum")
    await until(lambda: "4" in person.transcript.find_bar.count, f"counted {person.transcript.find_bar.count}")
    await person.press(K.Key_Return)
    await person.press(K.Key_Escape)
    assert not person.transcript.find_bar.isVisible()
    await person.press(K.Key_2, CTRL)
    assert person.window.side_bar.tab is Tab.MODELS
    await until(person.window.side_bar.models.view.hasFocus, "the keys are in the models")
    await person.press(K.Key_1, CTRL)
    assert person.window.side_bar.tab is Tab.CHATS
    await until(person.browser.view.hasFocus, "the keys are in the chats")
    await person.press(K.Key_N, CTRL)
    await until(lambda: person.chats.session is None, "a new chat")
    assert person.composer.field.hasFocus()
    assert person.window.windowTitle() == "NodeTool XL Desktop"
