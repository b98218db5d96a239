"""How a chat is asked, and what it is called, in the whole window: presets, and titles by the model."""

from __future__ import annotations

import asyncio
from pathlib import Path

from chat_driver import CTRL, NO, K, Person, echo, journal, sat_down
from conftest import Build, until

from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.store.presets import Scope
from nodetool_xl_desktop.store.records import TitledBy
from nodetool_xl_desktop.store.store import Store


async def test_what_is_set_for_a_chat_is_what_it_is_asked_with(
    build: Build, starter_model: Path, tmp_path: Path
) -> None:
    told = tmp_path / "asked"
    person = await sat_down(build, command=echo(journal=told))
    person.chats.titles.is_on = False
    await person.load(starter_model)
    person.chats.asker.sampling = None
    await person.press(K.Key_P, CTRL, lambda: person.window)
    panel = person.window.presets.panel
    await until(panel.isVisible, "the panel")
    await person.set_prompt("Speak like a pirate.")
    await person.set_number("temperature", "0")
    await person.press(K.Key_Escape)
    assert not panel.isVisible()
    await person.ask("apples")
    await person.answered("apples")
    first = person.shown_id
    assert first is not None

    def said() -> tuple[object, ...]:
        body = journal(told)[-1]
        return (*[(turn["role"], turn["content"]) for turn in body["messages"]], body.get("temperature"))

    assert said() == (("system", "Speak like a pirate."), ("user", "apples"), 0)
    about = person.shown[-1].about.sampling
    assert (about["system_prompt"], about["temperature"]) == ("Speak like a pirate.", 0)
    kept = await person.store.presets.settings(first, "any")
    assert {name: (each.value, each.source.scope) for name, each in kept.items()} == {
        "system_prompt": ("Speak like a pirate.", Scope.CHAT),
        "temperature": (0, Scope.CHAT),
    }

    await person.new_chat()  # which has none of that
    await person.ask("pears")
    await person.answered("pears")
    assert said() == (("user", "pears"), None)
    assert "system_prompt" not in person.shown[-1].about.sampling

    await person.open("apples")
    await person.press(K.Key_P, CTRL, lambda: person.window)
    await person.set_number("temperature", "0.5")
    await person.press(K.Key_Escape)
    await person.ask("plums")
    await person.answered("plums")
    assert said()[0] == ("system", "Speak like a pirate.")
    assert said()[-1] == 0.5, "what was changed a moment before holds"


async def test_what_is_set_last_of_all_is_kept(build: Build, starter_model: Path, paths: Paths) -> None:
    person = await sat_down(build, command=echo())
    person.chats.titles.is_on = False
    await person.load(starter_model)
    await person.ask("apples")
    await person.answered("apples")
    chat = person.shown_id
    await person.press(K.Key_P, CTRL, lambda: person.window)
    await until(person.window.presets.panel.isVisible, "the panel")
    await person.set_number("temperature", "0.5")
    await person.close()  # before a moment has passed
    store = await Store.open(paths.chats)
    assert chat is not None
    kept = await store.presets.settings(chat, "any")
    await store.close()
    assert kept["temperature"].value == 0.5


# Titles


async def titled(build: Build, model: Path, **script: object) -> Person:
    person = await sat_down(build, command=echo(title="A Walk on Foot", **script))
    await person.load(model, parallel=2)
    return person


def asked_for_titles(file: Path) -> list[str]:
    """The first question of each chat that a title was asked for."""
    return [each["messages"][0]["content"] for each in journal(file) if "a title" in each["messages"][-1]["content"]]


async def test_the_model_gives_a_title_once_when_it_is_idle(build: Build, starter_model: Path, tmp_path: Path) -> None:
    told = tmp_path / "asked"
    person = await titled(build, starter_model, journal=told)
    await person.ask("apples")
    await until(lambda: person.titles == ["apples"], "its first line at once")
    await person.answered()
    await until(lambda: person.titles == ["A Walk on Foot"], "a short one when it is idle")
    assert person.window.windowTitle() == "A Walk on Foot - NodeTool XL Desktop"
    assert person.chats.session is not None
    assert person.chats.session.chat.titled_by is TitledBy.MODEL
    await person.ask("pears")
    await person.answered("pears")
    await asyncio.sleep(1.5)
    assert asked_for_titles(told) == ["apples"]


async def test_no_title_is_asked_for_while_a_chat_is_answered(
    build: Build, starter_model: Path, tmp_path: Path
) -> None:
    told, gate = tmp_path / "asked", tmp_path / "gate"
    gate.touch()
    person = await titled(build, starter_model, journal=told, gate=gate)
    await person.ask("apples")
    await person.answered("apples")
    gate.unlink()
    await person.new_chat()
    await person.ask("pears")
    await asyncio.sleep(1.6)
    assert person.chats.is_answering
    assert asked_for_titles(told) == []
    gate.touch()
    await person.chats.answered()
    await until(lambda: person.titles == ["A Walk on Foot"] * 2, "both, once it is idle")
    assert sorted(asked_for_titles(told)) == ["apples", "pears"]


async def test_a_title_of_a_person_stays(build: Build, starter_model: Path, tmp_path: Path) -> None:
    told = tmp_path / "asked"
    person = await titled(build, starter_model, journal=told)
    await person.ask("apples")
    await person.answered("apples")
    await person.press(K.Key_1, CTRL, lambda: person.window)
    await until(lambda: person.titles == ["apples"], "it is listed")
    await person.press(K.Key_F2, NO, lambda: person.browser.view)
    await until(lambda: person.browser.view.is_editing, "the title can be typed")
    await person.press(K.Key_A, CTRL)
    await person.type("Mine")
    await person.press(K.Key_Return)
    await until(lambda: person.titles == ["Mine"], "renamed")
    await until(lambda: person.window.windowTitle().startswith("Mine"), "the window says it")
    await asyncio.sleep(1.5)
    assert person.titles == ["Mine"]
    assert (await person.store.list.chat(person.shown_id or "")).title == "Mine"


async def test_titles_by_the_model_can_be_turned_off(build: Build, starter_model: Path, tmp_path: Path) -> None:
    told = tmp_path / "asked"
    person = await titled(build, starter_model, journal=told)
    action = person.window.commands["chat.titles"]
    assert action.isChecked()
    await person.do(action.trigger)
    await person.ask("apples")
    await person.answered("apples")
    await asyncio.sleep(1.5)
    assert asked_for_titles(told) == []
    await person.close()
    again = await sat_down(build)
    await until(lambda: not again.window.commands["chat.titles"].isChecked(), "it is remembered")
    assert not again.chats.titles.is_on
