"""A chat with tool calls beside others, and among what else is done to messages: the list and a notice say that a call
waits, an edited answer keeps its order, one that failed behind a result is not asked for twice.
"""

from __future__ import annotations

import json
from pathlib import Path

import scripted_worker
from chat_driver import sat_down
from conftest import Build, until
from PySide6.QtCore import Qt
from test_tools_asked import CAPS, LIST, allow_by_keys, answer_of, caps, fruit, switch_on, waiting, with_folder

from nodetool_xl_desktop.store.parts import Text

WAITS = "A tool call waits for you in"


async def test_a_chat_that_is_not_shown_says_that_its_call_waits(
    build: Build, starter_model: Path, tmp_path: Path
) -> None:
    person = await sat_down(build, command=caps())
    person.chats.titles.is_on = False
    await person.load(starter_model)
    await with_folder(person, fruit(tmp_path))
    await person.ask(LIST)
    await waiting(person)
    assert person.chats.session is not None
    chat, model = person.chats.session.chat.id, person.browser.view.chats
    await until(lambda: chat in model.waiting, "the list marks it")
    assert WAITS not in person.notices  # the card says it
    marked = person.browser.view.grab().toImage()
    await person.new_chat()
    await until(lambda: f"{WAITS} “!list_folder" in person.notices, "a notice says it")
    said = str(person.browser.view.index_of(chat).data(Qt.ItemDataRole.AccessibleTextRole))
    assert "waiting for you" in said
    assert "answering" not in said
    await person.click("Go There", person.pane)
    await waiting(person)
    assert WAITS not in person.notices
    await allow_by_keys(person)
    await person.answered()
    assert "plums.txt" in answer_of(person).text
    await until(lambda: not model.waiting, "it waits no longer")
    assert person.browser.view.grab().toImage() != marked


async def test_an_edited_answer_keeps_its_calls_where_they_were(
    build: Build, starter_model: Path, tmp_path: Path
) -> None:
    person = await sat_down(build, command=caps())
    person.chats.titles.is_on = False
    await person.load(starter_model)
    await with_folder(person, fruit(tmp_path))
    await person.ask(LIST)
    await waiting(person)
    await allow_by_keys(person)
    await person.answered()
    before = person.shown[-1]
    kinds = [type(part) for part in before.parts]
    assert kinds[-1] is Text
    person.transcript.edit_requested.emit(before.id, f"{before.text}\nBehind it.", False)
    await until(lambda: person.shown[-1].id != before.id, "there is another version")
    assert [type(part) for part in person.shown[-1].parts] == kinds
    assert person.shown[-1].parts[:-1] == before.parts[:-1]


async def test_a_question_whose_answer_failed_behind_a_result_is_not_given_back(
    build: Build, starter_model: Path
) -> None:
    function = {"name": "calculator", "arguments": '{"expression": "6*7"}'}
    rounds = [[{"tool_calls": [{"index": 0, "id": "c1", "function": function}]}], []]
    script = {"rounds": rounds, "reasons": ["stop", "crash"], "caps": CAPS}
    person = await sat_down(build, command=scripted_worker.command("answers", json.dumps(script)))
    person.chats.titles.is_on = False
    await person.load(starter_model)
    await switch_on(person, "calculator")
    await person.ask("6 * 7?")
    await until(lambda: person.shown and person.shown[-1].about.error, "the engine ended", 20)
    await person.chats.answered()
    assert answer_of(person).text == "42"
    assert not person.composer.parts  # the model is sent it with the result
