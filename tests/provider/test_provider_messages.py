"""Messages as a template can take them: for any chat and any template, and for the ones that are known to hurt."""

from __future__ import annotations

import contextlib
import itertools
import json
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from provider_chats import chats, templates

from nodetool_xl_desktop.engine.client import Template
from nodetool_xl_desktop.engine.errors import EngineError, Fault
from nodetool_xl_desktop.provider import ImagePart, Message, TextPart, ToolCall, ToolResultPart
from nodetool_xl_desktop.provider.messages import call_text, normalise

PLAIN = Template()
NO_SYSTEM = Template(system=False)
NATIVE = Template(tools=True, tool_calls=True, parallel_tool_calls=True)
ONE_CALL = Template(tools=True, tool_calls=True)

ADD = ToolCall("1", "add", {"a": 1, "b": 2})
LOOK = ToolCall("2", "look_up", {"word": "sea"})
IMAGE = ImagePart(b"pixels")
SYSTEM_ROLES = ("system", "developer")

Turns = list[dict[str, Any]]


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def assistant(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


def system(text: str) -> dict[str, Any]:
    return {"role": "system", "content": text}


def refused(messages: Sequence[Message], template: Template) -> EngineError:
    with pytest.raises(EngineError) as error:
        normalise(messages, template)
    return error.value


def normalised(messages: Sequence[Message], template: Template) -> Turns:
    """Empty where there is nothing to answer."""
    if any(message.text.strip() or results_of(message) or message.tool_calls for message in messages):
        return normalise(messages, template)
    with contextlib.suppress(EngineError):
        return normalise(messages, template)
    return []


def is_system(message: Message) -> bool:
    return message.role.strip().lower() in SYSTEM_ROLES


def texts_of(message: Message) -> list[str]:
    parts = message.content if isinstance(message.content, tuple) else (TextPart(message.text),)
    return [part.text for part in parts if isinstance(part, TextPart) and part.text.strip()]


def results_of(message: Message) -> list[str]:
    parts = message.content if isinstance(message.content, tuple) else ()
    return [part.content for part in parts if isinstance(part, ToolResultPart)]


# Any chat, any template


@given(chats, templates)
def test_roles_alternate(chat: list[Message], template: Template) -> None:
    turns = normalised(chat, template)
    roles = [turn["role"] for turn in turns]
    assert set(roles) <= {"system", "user", "assistant", "tool"}
    assert "system" not in roles[1:]
    assert template.system or "system" not in roles
    # A tool may answer twice in a row, and a model that is allowed one call a turn may call twice in a row.
    pairs = itertools.pairwise(roles)
    assert not [role for role, following in pairs if role == following and role != "tool"]


@given(chats, templates)
def test_nothing_that_was_said_is_lost_and_its_order_stays(chat: list[Message], template: Template) -> None:
    said = "\0".join(turn["content"] for turn in normalised(chat, template))
    for message in chat:
        for text in [*texts_of(message), *results_of(message)]:
            assert text in said
    at = 0
    for message in chat:
        if not is_system(message) and message.role not in ("tool", "function"):
            for text in texts_of(message):
                assert text in said[at:]
                at = said.index(text, at) + len(text)


@given(chats, templates)
def test_no_call_is_lost(chat: list[Message], template: Template) -> None:
    turns = normalised(chat, template)
    said = "\0".join(turn["content"] for turn in turns)
    native = [call["function"] for turn in turns for call in turn.get("tool_calls", ())]
    for call in (call for message in chat for call in message.tool_calls):
        as_native = {"name": call.name, "arguments": json.dumps(call.args, ensure_ascii=False)}
        assert as_native in native or call_text(call) in said


@given(chats, templates)
def test_each_call_has_its_result_behind_it(chat: list[Message], template: Template) -> None:
    """Templates, and the engine itself, refuse calls without a result and results without a call."""
    turns = normalised(chat, template)
    waiting: list[str] = []
    for turn in turns:
        if turn["role"] == "tool":
            assert turn["tool_call_id"] == waiting.pop(0)
            assert turn["name"]
            continue
        assert not waiting
        assert turn["role"] == "assistant" or "tool_calls" not in turn
        waiting = [call["id"] for call in turn.get("tool_calls", ())]
        assert all(waiting)
        assert len(waiting) <= (len(turns) if template.parallel_tool_calls else 1)
        assert template.tool_calls or not waiting
    assert not waiting


@given(chats, templates)
def test_no_turn_says_nothing(chat: list[Message], template: Template) -> None:
    """But for the last one: it is what shall be answered."""
    for turn in normalised(chat, template)[:-1]:
        assert turn["content"].strip() or "tool_calls" in turn or turn["role"] == "tool"


@given(chats, templates)
def test_a_chat_that_goes_on_keeps_its_beginning(chat: list[Message], template: Template) -> None:
    """The engine remembers a prompt by its beginning, and reads only what is new."""
    asked = [*chat, Message("user", "Question")]
    before = normalise(asked, template)
    after = normalise([*asked, Message("assistant", "Answer"), Message("user", "More")], template)
    assert after == [*before, assistant("Answer"), user("More")]


@given(chats, templates, st.text(min_size=1).filter(str.strip))
def test_more_for_the_system_text_comes_first(chat: list[Message], template: Template, more: str) -> None:
    asked = [*chat, Message("user", "Question")]
    turns = normalise(asked, template, system=more)
    where = turns[0] if template.system else next(turn for turn in turns if turn["role"] == "user")
    assert where["content"].startswith(more)


# System messages


def test_several_system_messages_become_one() -> None:
    chat = [Message("system", "A"), Message("user", "Hi"), Message("system", ""), Message("developer", "B")]
    assert normalise(chat, PLAIN) == [system("A\n\nB"), user("Hi")]
    assert normalise(chat, PLAIN, system="First") == [system("First\n\nA\n\nB"), user("Hi")]


def test_without_a_system_role_the_first_user_turn_has_it() -> None:
    chat = [Message("system", "Be brief."), Message("user", "Hi"), Message("assistant", "Yes?"), Message("user", "Go")]
    assert normalise(chat, NO_SYSTEM) == [user("Be brief.\n\nHi"), assistant("Yes?"), user("Go")]


def test_before_an_answer_that_nobody_asked_for_it_is_a_turn_of_its_own() -> None:
    chat = [Message("system", "Be brief."), Message("assistant", "Welcome!"), Message("user", "Hi")]
    assert normalise(chat, NO_SYSTEM) == [user("Be brief."), assistant("Welcome!"), user("Hi")]


def test_only_a_system_message_is_enough() -> None:
    assert normalise([Message("system", "Say hi.")], PLAIN) == [system("Say hi.")]
    assert normalise([Message("system", "Say hi.")], NO_SYSTEM) == [user("Say hi.")]


# What was left empty


@pytest.mark.parametrize(
    "chat",
    [[], [Message("system", "")], [Message("system")], [Message("assistant")], [Message("assistant", " ")]],
    ids=repr,
)
def test_nothing_to_answer_is_told(chat: list[Message]) -> None:
    error = refused(chat, PLAIN)
    assert error.fault is Fault.BAD_REQUEST
    assert "no message" in error.why


@pytest.mark.parametrize("content", [None, "", (), [TextPart("")]])
def test_an_empty_question_is_asked_as_it_is(content: Any) -> None:
    assert normalise([Message("user", content)], PLAIN) == [user("")]


def test_empty_turns_are_left_out_and_their_neighbours_joined() -> None:
    chat = [Message("user", "A"), Message("assistant", " \n"), Message("user", "B"), Message("assistant")]
    assert normalise(chat, PLAIN) == [user("A\n\nB")]


# Roles


@pytest.mark.parametrize(
    ("role", "turn"),
    [
        ("human", user("Hi")),
        ("USER ", user("Hi")),
        ("ai", assistant("Hi")),
        ("model", assistant("Hi")),
        ("Narrator", user("Narrator: Hi")),
        ("", user(": Hi")),
    ],
)
def test_roles_of_other_programs(role: str, turn: dict[str, Any]) -> None:
    assert normalise([Message(role, "Hi")], PLAIN) == [turn]


# Tools


def exchange(results: Sequence[Message], calls: Sequence[ToolCall] = (ADD, LOOK)) -> list[Message]:
    said = Message("assistant", "Let me see.", tuple(calls))
    return [Message("user", "Q"), said, *results, Message("user", "And?")]


RESULTS = [Message("tool", "3", tool_call_id="1"), Message("tool", "salt water", tool_call_id="2")]


def native(*calls: ToolCall, text: str = "") -> dict[str, Any]:
    return {
        "role": "assistant",
        "content": text,
        "tool_calls": [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": json.dumps(call.args)}}
            for call in calls
        ],
    }


def result(call: ToolCall, text: str) -> dict[str, Any]:
    return {"role": "tool", "content": text, "tool_call_id": call.id, "name": call.name}


def test_calls_and_results_stay_what_they_are_where_the_template_knows_them() -> None:
    assert normalise(exchange(RESULTS), NATIVE) == [
        user("Q"),
        native(ADD, LOOK, text="Let me see."),
        result(ADD, "3"),
        result(LOOK, "salt water"),
        user("And?"),
    ]


def test_a_template_with_one_call_a_turn_gets_each_call_with_its_own_result() -> None:
    assert normalise(exchange(RESULTS), ONE_CALL) == [
        user("Q"),
        native(ADD, text="Let me see."),
        result(ADD, "3"),
        native(LOOK),
        result(LOOK, "salt water"),
        user("And?"),
    ]


def test_a_template_without_calls_gets_words_with_name_and_result() -> None:
    """OpenAI's form of a result names the call's id alone: the name is that of the call."""
    assert normalise(exchange(RESULTS), PLAIN) == [
        user("Q"),
        assistant("Let me see.\n\nadd(a=1, b=2)\n\nlook_up(word='sea')"),
        user("Result of add: 3\n\nResult of look_up: salt water\n\nAnd?"),
    ]


@pytest.mark.parametrize("template", [NATIVE, ONE_CALL])
def test_results_in_another_order_find_their_calls(template: Template) -> None:
    assert normalise(exchange(RESULTS[::-1]), template) == normalise(exchange(RESULTS), template)


@pytest.mark.parametrize("template", [NATIVE, ONE_CALL])
def test_ids_that_begin_anew_in_each_turn_belong_to_their_own_turn(template: Template) -> None:
    second = [Message("tool", "30", tool_call_id="1"), Message("tool", "sugar", tool_call_id="2")]
    turns = normalise([*exchange(RESULTS), *exchange(second)], template)
    assert [turn["content"] for turn in turns if turn["role"] == "tool"] == ["3", "salt water", "30", "sugar"]


@pytest.mark.parametrize("template", [NATIVE, ONE_CALL])
def test_without_ids_results_belong_to_calls_in_their_order(template: Template) -> None:
    calls = [replace(ADD, id=""), replace(LOOK, id="")]
    results = [Message("tool", "3"), Message("tool", "salt water")]
    turns = normalise(exchange(results, calls), template)
    ids = ["000000001", "000000002"]
    assert [call["id"] for turn in turns for call in turn.get("tool_calls", ())] == ids
    answers = [(turn["tool_call_id"], turn["content"]) for turn in turns if turn["role"] == "tool"]
    assert answers == list(zip(ids, ["3", "salt water"], strict=True))


@pytest.mark.parametrize("template", [PLAIN, NATIVE, ONE_CALL])
def test_a_result_that_nobody_called_for_is_a_users_turn(template: Template) -> None:
    chat = [Message("tool", "3", tool_call_id="1", name="add"), Message("user", "So?")]
    assert normalise(chat, template) == [user("Result of add: 3\n\nSo?")]
    assert normalise([Message("tool", "3")], template) == [user("Result of the tool: 3")]


@pytest.mark.parametrize("template", [PLAIN, NATIVE, ONE_CALL])
def test_a_call_without_a_result_is_words(template: Template) -> None:
    """The engine refuses to go on from an answer that ends with a call."""
    call = Message("assistant", None, (ADD,))
    assert normalise([Message("user", "Q"), call], template)[-1] == assistant("add(a=1, b=2)")
    chat = [Message("user", "Q"), call, Message("user", "Never mind.")]
    assert normalise(chat, template) == [user("Q"), assistant("add(a=1, b=2)"), user("Never mind.")]


def test_of_two_calls_only_one_was_answered() -> None:
    assert normalise(exchange(RESULTS[1:]), NATIVE) == [
        user("Q"),
        native(LOOK, text="Let me see.\n\nadd(a=1, b=2)"),
        result(LOOK, "salt water"),
        user("And?"),
    ]


def test_results_in_a_users_message_come_before_what_is_said_about_them() -> None:
    parts = [TextPart("So?"), ToolResultPart("1", "add", "3")]
    chat = [Message("assistant", None, (ADD,)), Message("user", parts)]
    assert normalise(chat, NATIVE) == [native(ADD), result(ADD, "3"), user("So?")]


def test_results_as_parts_of_a_tools_message() -> None:
    parts = [ToolResultPart("1", "add", "3"), ToolResultPart("2", "look_up", "salt water")]
    assert normalise(exchange([Message("tool", parts)]), NATIVE) == normalise(exchange(RESULTS), NATIVE)


def test_an_empty_result_is_one() -> None:
    assert normalise(exchange([Message("tool", "", tool_call_id="1")], [ADD]), NATIVE)[2] == result(ADD, "")
    assert "Result of add:" in normalise(exchange([Message("tool", "", tool_call_id="1")], [ADD]), PLAIN)[-1]["content"]


@pytest.mark.parametrize("template", [PLAIN, NATIVE])
@pytest.mark.parametrize(
    ("raw", "words"), [('add(a="', 'add(a="'), ('{"a": ', 'add({"a": )')], ids=["written as text", "native"]
)
def test_a_malformed_call_is_what_the_model_wrote(template: Template, raw: str, words: str) -> None:
    broken = ToolCall("1", "add", {}, raw, "it is not complete")
    chat = exchange([Message("tool", "Bad arguments", tool_call_id="1", name="add")], [broken])
    assert normalise(chat, template) == [
        user("Q"),
        assistant(f"Let me see.\n\n{words}"),
        user("Result of add: Bad arguments\n\nAnd?"),
    ]


# Images


def test_an_image_for_a_model_without_vision_is_told() -> None:
    error = refused([Message("user", [IMAGE]), Message("user", "What is it?")], PLAIN)
    assert error.fault is Fault.BAD_REQUEST
    assert "image" in error.why
    assert "vision" in error.hint


def test_images_come_before_the_text() -> None:
    picture = {"type": "image_url", "image_url": {"url": IMAGE.url}}
    chat = [Message("user", [TextPart("What is it?"), IMAGE]), Message("user", [IMAGE])]
    told = [picture, picture, {"type": "text", "text": "What is it?"}]
    assert normalise(chat, PLAIN, vision=True) == [{"role": "user", "content": told}]
    assert normalise([Message("user", [IMAGE])], PLAIN, vision=True) == [{"role": "user", "content": [picture]}]


@pytest.mark.parametrize("template", [PLAIN, NATIVE])
def test_an_image_that_a_tool_made_is_not_lost(template: Template) -> None:
    chat = exchange([Message("tool", [TextPart("a plot"), IMAGE], tool_call_id="1")], [ADD])
    turns = normalise(chat, template, vision=True)
    (seen,) = [turn for turn in turns if not isinstance(turn["content"], str)]
    assert seen["role"] == ("tool" if template.tool_calls else "user")
    assert seen["content"][0]["image_url"]["url"] == IMAGE.url
    assert "a plot" in seen["content"][1]["text"]


@pytest.mark.parametrize("template", [PLAIN, NATIVE])
@pytest.mark.parametrize("form", ["tool's own message", "part of a turn"])
def test_an_image_that_a_tool_made_is_no_reason_to_fail_where_there_is_no_vision(template: Template, form: str) -> None:
    if form == "part of a turn":
        result = Message("tool", [ToolResultPart("1", "add", "a plot", IMAGE)])
    else:
        result = Message("tool", [TextPart("a plot"), IMAGE], tool_call_id="1")
    chat = exchange([result], [ADD])
    said = [turn["content"] for turn in normalise(chat, template) if "a plot" in turn["content"]]
    assert len(said) == 1
    assert "cannot see" in said[0]
    (seen,) = [turn for turn in normalise(chat, template, vision=True) if not isinstance(turn["content"], str)]
    assert seen["content"][0]["image_url"]["url"] == IMAGE.url


# Size


@pytest.mark.parametrize("template", [NO_SYSTEM, NATIVE])
def test_large_chats_take_no_time(template: Template) -> None:
    """A chat grows turn by turn; whatever is done for each turn must not grow with the square."""
    long = [Message("user", "x" * 1_000_000), Message("assistant", "y" * 1_000_000)] * 3
    many = [*exchange(RESULTS)] * 5_000
    start = time.process_time()
    assert sum(len(turn["content"]) for turn in normalise(long, template)) >= 6_000_000
    assert len(normalise(many, template)) > 10_000
    assert time.process_time() - start < 5


def test_the_messages_stay_as_they_were() -> None:
    chat = exchange(RESULTS)
    before = repr(chat)
    assert normalise(chat, ONE_CALL) == normalise(chat, ONE_CALL)
    assert repr(chat) == before
