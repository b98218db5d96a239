"""Tools in the whole window: switched on, asked for, decided on by keys, and what the model makes of the result."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from chat_driver import CTRL, NO, SHIFT, K, Person, echo, journal, sat_down
from conftest import Build, until

from nodetool_xl_desktop.core.network import OffLine
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.store.parts import Part, ToolAnswer, ToolUse
from nodetool_xl_desktop.store.records import State
from nodetool_xl_desktop.tools.mcp import Running, Stdio
from nodetool_xl_desktop.tools.python import RunPythonTool
from nodetool_xl_desktop.ui.transcript.call_approval import ARMED_AFTER_S
from nodetool_xl_desktop.ui.transcript.message_view import AnswerView
from nodetool_xl_desktop.ui.transcript.tool_card import ToolCard

CAPS = {"supports_system_role": True, "supports_tools": True, "supports_tool_calls": True}
SERVER = Path(__file__).parent.parent / "mcp_server.py"
LIST = '!list_folder {"name": ""}'


def caps(**script: Any) -> tuple[str, ...]:
    return echo(caps=CAPS, **script)


async def switch_on(person: Person, *names: str) -> None:
    """By keys alone."""
    popup = person.window.tools.popup
    await until(person.composer.tools.isVisible, "the tools are counted")
    await person.press(K.Key_T, CTRL | SHIFT, lambda: person.window)
    await until(popup.isVisible, "the list is open")
    for name in names:
        await person.press(K.Key_Home)
        places = [each.row.name for each in popup.switches]
        for _ in range(places.index(name)):
            await person.press(K.Key_Down)
        if not popup.switch(name).isChecked():
            await person.press(K.Key_Space)
        await until(lambda name=name: popup.switch(name).row.is_on, f"{name} is on")  # type: ignore[misc]
    await person.press(K.Key_Escape)


def fruit(folder: Path) -> Path:
    """A folder with a file in it."""
    made = folder / "fruit"
    (made / "docs").mkdir(parents=True)
    for where in (made, made / "docs"):
        (where / "plums.txt").write_text("icebox")
    return made


async def with_folder(person: Person, folder: Path) -> None:
    """What there is for a folder goes on with it."""
    await until(person.composer.tools.isVisible, "the tools are counted")
    person.window.tools.open_folder(folder)
    await until(lambda: person.composer.tools.text().endswith("3"), "its tools are on")


async def waiting(person: Person) -> ToolCard:
    """The card of the call that waits, in view."""
    await until(lambda: person.transcript.waits, "a call waits")
    await until(lambda: card(person) is not None, "its card is there")
    found = card(person)
    assert found is not None
    assert found.approval is not None
    return found


def card(person: Person) -> ToolCard | None:
    view = person.view(-1)
    return view.waiting if isinstance(view, AnswerView) else None


def of_last(person: Person) -> tuple[Part, ...]:
    return person.shown[-1].parts


def call_of(person: Person) -> ToolUse:
    return next(part for part in of_last(person) if isinstance(part, ToolUse))


def answer_of(person: Person) -> ToolAnswer:
    return next(part for part in of_last(person) if isinstance(part, ToolAnswer))


async def allow_by_keys(person: Person) -> None:
    """Ctrl+Up goes from the composer to the answer, Ctrl+Enter allows."""
    await person.do(person.composer.focus)
    await person.press(K.Key_Up, CTRL)
    await until(lambda: not person.composer.field.hasFocus(), "the answer has the keys")
    await until_armed()
    await person.press(K.Key_Return, CTRL)


async def until_armed() -> None:
    """A press that comes too soon was meant for something else."""
    await asyncio.sleep(ARMED_AFTER_S + 0.05)


async def test_a_tool_that_asks_for_nothing_runs_and_its_result_is_used(
    build: Build, starter_model: Path, tmp_path: Path
) -> None:
    told = tmp_path / "asked"
    person = await sat_down(build, command=caps(journal=told))
    person.chats.titles.is_on = False
    await person.load(starter_model)
    await switch_on(person, "calculator")
    assert person.composer.tools.text() == "Tools · 1"
    assert person.composer.field.hasFocus()
    await person.ask('!calculator {"expression": "6*7"}')
    await person.answered()
    assert answer_of(person).text == "42"
    assert person.said[-1].endswith("42")
    assert [tool["function"]["name"] for tool in journal(told)[0]["tools"]] == ["calculator"]
    await person.new_chat()  # in which none is on
    await until(lambda: person.composer.tools.text() == "Tools", "none is on there")
    await person.ask("apples")
    await person.answered("apples")
    assert not journal(told)[-1].get("tools")


async def test_a_call_waits_is_allowed_by_keys_and_its_result_is_used(
    build: Build, starter_model: Path, tmp_path: Path
) -> None:
    person = await sat_down(build, command=caps())
    await person.load(starter_model)
    await with_folder(person, fruit(tmp_path))
    await person.ask(LIST)
    shown = await waiting(person)
    assert not any(isinstance(part, ToolAnswer) for part in of_last(person))  # nothing ran unasked
    assert "List Folders" in shown.accessibleName()
    await allow_by_keys(person)
    await person.answered()
    assert "plums.txt" in answer_of(person).text
    assert "plums.txt" in person.said[-1]
    assert not person.transcript.waits


async def test_a_call_is_denied_and_the_model_reads_why(build: Build, starter_model: Path, tmp_path: Path) -> None:
    told = tmp_path / "asked"
    person = await sat_down(build, command=caps(journal=told))
    await person.load(starter_model)
    await with_folder(person, fruit(tmp_path))
    await person.ask(LIST)
    shown = await waiting(person)
    approval = shown.approval
    assert approval is not None
    await person.do(approval.deny_button.click)
    await person.type("Not that folder.")
    await person.press(K.Key_Return)
    await person.answered()
    assert answer_of(person).denied
    results = [turn for turn in journal(told)[1]["messages"] if turn["role"] == "tool"]
    assert "Not that folder." in json.dumps(results)
    assert "plums" not in json.dumps(results)


async def test_a_call_is_edited_and_runs_so(build: Build, starter_model: Path, tmp_path: Path) -> None:
    person = await sat_down(build, command=caps())
    await person.load(starter_model)
    folder = fruit(tmp_path)
    await with_folder(person, folder)
    (folder / "inner").mkdir()
    (folder / "inner" / "figs.txt").write_text("x")
    await person.ask(LIST)
    shown = await waiting(person)
    approval = shown.approval
    assert approval is not None
    await person.do(approval.open_editor)
    assert approval.editor is not None
    await person.press(K.Key_A, CTRL)
    await person.type('{"name": "inner"')
    await person.press(K.Key_Return, CTRL)
    assert person.transcript.waits  # that is no JSON: it waits on, and says so
    assert "JSON" in approval.problem.text()
    await person.type("}")
    await person.press(K.Key_Return, CTRL)
    await person.answered()
    assert json.loads(call_of(person).edited) == {"name": "inner"}
    assert "figs.txt" in answer_of(person).text
    assert "plums.txt" not in answer_of(person).text


async def test_a_call_that_runs_is_stopped_and_the_model_goes_on(
    build: Build, starter_model: Path, tmp_path: Path
) -> None:
    person = await sat_down(build, command=caps())
    await person.load(starter_model)
    await switch_on(person, "run_python")
    assert person.window.tools.popup.switch("run_python").row.warning == RunPythonTool(OffLine()).caution
    await person.ask('!run_python {"code": "while True: pass"}')
    shown = await waiting(person)
    await allow_by_keys(person)
    await until(lambda: not shown.stop.isHidden(), "it runs")
    await person.do(shown.stop.click)
    await person.answered()
    assert "stopped by the person" in answer_of(person).error
    assert person.shown[-1].state is State.COMPLETE


async def test_escape_ends_the_answer_whose_call_waits(build: Build, starter_model: Path, tmp_path: Path) -> None:
    person = await sat_down(build, command=caps())
    await person.load(starter_model)
    await with_folder(person, fruit(tmp_path))
    await person.ask(LIST)
    await waiting(person)
    await person.press(K.Key_Escape, NO, lambda: person.window)
    await person.answered()
    assert person.shown[-1].state is State.STOPPED
    assert not any(isinstance(part, ToolAnswer) for part in of_last(person))
    assert not person.transcript.waits
    await person.ask("apples")  # the chat goes on
    await person.answered("apples")


async def test_a_chat_that_waits_says_so_while_another_is_shown(
    build: Build, starter_model: Path, tmp_path: Path
) -> None:
    person = await sat_down(build, command=caps())
    person.chats.titles.is_on = False
    await person.load(starter_model)
    await with_folder(person, fruit(tmp_path))
    await person.ask(LIST)
    await waiting(person)
    (first,) = person.titles
    await person.new_chat()
    assert not person.transcript.waits
    assert person.answering == {first}
    await person.ask("apples")  # a call that waits holds no other chat up
    await until(lambda: person.said[-1:] == ["apples"], "the other chat is answered")
    await person.open(first)
    await waiting(person)
    await allow_by_keys(person)
    await person.answered()
    assert "plums.txt" in person.said[-1]


async def test_the_program_is_closed_while_a_call_waits_and_nothing_is_lost(
    build: Build, starter_model: Path, tmp_path: Path, paths: Paths
) -> None:
    person = await sat_down(build, command=caps(), home=paths)
    person.chats.titles.is_on = False
    await person.load(starter_model)
    await with_folder(person, fruit(tmp_path))
    await person.ask(LIST)
    await waiting(person)
    (title,) = person.titles
    await person.close()
    again = await sat_down(build, command=caps(), home=paths)
    again.chats.titles.is_on = False
    await again.open(title)
    assert [part.name for part in of_last(again) if isinstance(part, ToolUse)] == ["list_folder"]
    assert not any(isinstance(part, ToolAnswer) for part in of_last(again))
    assert not again.transcript.waits
    await until(lambda: again.composer.tools.text().endswith("3"), "the chat has its tools and its folder again")
    await again.load(starter_model)
    await again.press(K.Key_Return, CTRL, lambda: again.window)  # regenerate
    await waiting(again)
    await allow_by_keys(again)
    await again.answered()
    assert "plums.txt" in again.said[-1]


@pytest.mark.qt_log_ignore("This plugin does not support (raise|grabbing the keyboard)")  # of menus
async def test_what_is_allowed_in_a_chat_is_not_asked_again_in_it(
    build: Build, starter_model: Path, tmp_path: Path
) -> None:
    person = await sat_down(build, command=caps())
    person.chats.titles.is_on = False
    await person.load(starter_model)
    await with_folder(person, fruit(tmp_path))
    await person.ask(LIST)
    shown = await waiting(person)
    approval = shown.approval
    assert approval is not None
    await until_armed()
    await person.do(approval.more.click)
    await person.choose("Allow in This Chat")
    await person.answered()
    await until(
        lambda: person.window.tools.popup.switch("list_folder").row.standing == "allowed in this chat",
        "the list says so",
    )
    await person.ask(LIST)
    await person.answered()
    assert "plums.txt" in person.said[-1]


async def test_off_line_a_tool_that_reaches_out_is_refused(build: Build, starter_model: Path, tmp_path: Path) -> None:
    told = tmp_path / "asked"
    person = await sat_down(build, command=caps(journal=told))
    await person.load(starter_model)
    await switch_on(person, "fetch_page")
    person.window.commands["file.offline"].trigger()
    try:
        await person.ask('!fetch_page {"url": "http://example.org"}')
        await person.answered()
        assert "off line" in answer_of(person).error
        assert not person.transcript.waits
    finally:
        person.window.commands["file.offline"].trigger()


async def test_a_forced_call_of_the_real_model_is_approved_by_keys(
    build: Build, starter_model: Path, tmp_path: Path
) -> None:
    person = await sat_down(build)
    person.chats.titles.is_on = False
    await person.load(starter_model, context_length=2048)
    await with_folder(person, fruit(tmp_path))
    person.chats.asker.tool_choice = "list_folder"
    await person.ask("Which files are in the folder?")
    shown = await waiting(person)
    assert "forced" in person.words
    assert shown.stand is not None
    await allow_by_keys(person)
    await person.answered()
    call = call_of(person)
    assert (call.name, call.making, call.problem) == ("list_folder", "forced", "")
    assert "plums.txt" in answer_of(person).text
    assert "6 bytes" in answer_of(person).text
    assert "6 bytes" in person.said[-1], person.said  # what it has of the result


async def test_a_forced_call_of_a_real_server_is_approved_by_keys(
    build: Build, starter_model: Path, tmp_path: Path
) -> None:
    del tmp_path
    person = await sat_down(build)
    person.chats.titles.is_on = False
    await person.load(starter_model, context_length=2048)
    await until(person.composer.tools.isVisible, "the tools are counted")
    servers = person.parts.servers.made
    assert servers is not None
    await servers.add("numbers", Stdio(sys.executable, (str(SERVER),)))
    await servers.wake(["numbers"])
    assert isinstance(servers.servers[0].state, Running)
    popup = person.window.tools.popup
    await until(
        lambda: [each for each in popup.switches if each.row.title == "Add Two Numbers"], "its tools are listed"
    )
    (name,) = [each.row.name for each in popup.switches if each.row.title == "Add Two Numbers"]
    await switch_on(person, name)
    person.chats.asker.tool_choice = name
    uses = []
    for question, one, other in (("Compute 100 + 20.", 100, 20), ("Add 20 and 22.", 20, 22)):
        await person.ask(question)
        shown = await waiting(person)
        assert "Add Two Numbers" in shown.accessibleName()
        approval = shown.approval
        assert approval is not None
        await person.do(approval.open_editor)
        await person.press(K.Key_A, CTRL)
        await person.type(json.dumps({"a": one, "b": other}))  # so small a model would add what it likes
        await person.press(K.Key_Return, CTRL)
        await person.answered()
        assert str(one + other) in answer_of(person).text
        uses.append(str(one + other) in person.said[-1])
        if uses[-1]:
            break
        await person.new_chat()
        await switch_on(person, name)
    assert any(uses)  # so small a model does not each time
