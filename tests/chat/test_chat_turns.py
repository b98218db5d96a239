"""What is kept of a chat as what a model is sent."""

from __future__ import annotations

import pytest

from nodetool_xl_desktop.chat.turns import as_turns
from nodetool_xl_desktop.engine.client import Template
from nodetool_xl_desktop.provider import values
from nodetool_xl_desktop.provider.messages import normalise
from nodetool_xl_desktop.store.parts import Attachment, Part, Reasoning, Text, ToolAnswer, ToolUse
from nodetool_xl_desktop.store.records import Message, Role, State


def said(role: Role, *parts: Part) -> Message:
    return Message("m", None, role, parts)


def test_an_answer_with_tools_is_sent_round_by_round() -> None:
    turns = as_turns(
        [
            said("system", Text("Be brief.")),
            said("user", Text("6 * 7?")),
            said(
                "assistant",
                *(Reasoning("hm"), Text("Let me see."), ToolUse("c1", "calculator", '{"expression": "6*7"}')),
                *(ToolAnswer("c1", "calculator", "42"), ToolUse("c2", "clock", "{}")),
                *(ToolAnswer("c2", "clock", "", "no clock"), Text("42."), ToolUse("c3", "clock", "{}")),
            ),
            said("user", Text("Thanks")),
        ]
    )
    calculator = values.ToolCall("c1", "calculator", {"expression": "6*7"})
    assert turns == [
        values.Message("system", "Be brief."),
        values.Message("user", "6 * 7?"),
        values.Message("assistant", "Let me see.", tool_calls=(calculator,), reasoning="hm"),
        values.Message("tool", "42", tool_call_id="c1", name="calculator"),
        values.Message("assistant", "", tool_calls=(values.ToolCall("c2", "clock"),)),
        values.Message("tool", "Error: no clock", tool_call_id="c2", name="clock"),
        values.Message("assistant", "42."),
        values.Message("user", "Thanks"),
    ]


def test_a_call_is_sent_as_it_was_run_or_refused() -> None:
    turns = as_turns(
        [
            said(
                "assistant",
                *(ToolUse("c1", "calculator", '{"expression": "6*7"}', edited='{"expression": "6*8"}'),),
                *(ToolUse("c2", "calculator", "{", "calculator(", "it has no end"), ToolUse("c3", "clock", "{}")),
                *(ToolAnswer("c1", "calculator", "48"), ToolAnswer("c2", "calculator", "", "It has no end.")),
                ToolAnswer("c3", "clock", "", "This call was not allowed: later", denied=True),
            )
        ]
    )
    assert [call.args for call in turns[0].tool_calls] == [{"expression": "6*8"}, {}, {}]
    assert [(turn.role, turn.text) for turn in turns[1:]] == [
        ("tool", "48"),
        ("tool", "Error: This call was not allowed: later"),
        ("user", "Error: It has no end."),  # what could not be read is no call
    ]


def test_a_question_whose_answer_failed_is_left_out() -> None:
    failed = Message("a", "q", "assistant", (Reasoning("..."),), State.FAILED)
    assert as_turns([said("user", Text("one")), failed, said("user", Text("two"))]) == [values.Message("user", "two")]


@pytest.mark.parametrize("state", [State.STOPPED, State.COMPLETE, State.INTERRUPTED])
def test_a_question_that_was_stopped_is_sent_with_the_next_one(state: State) -> None:
    """What a person said is never left out in silence."""
    turns = as_turns([said("user", Text("one")), Message("a", "q", "assistant", (), state), said("user", Text("two"))])
    assert turns == [values.Message("user", "one"), values.Message("user", "two")]
    assert normalise(turns, Template()) == [{"role": "user", "content": "one\n\ntwo"}]


def test_files_go_along() -> None:
    held = {"a": b"png", "b": "a n\u00f6te".encode()}
    message = said(
        "user",
        Text("See:"),
        Attachment("a", "x.png", "image/png", 3),
        Attachment("b", "n.txt", "text/plain", 6),
        Attachment("c", "gone.txt", "text/plain", 6),
    )
    (turn,) = as_turns([message], held.get)
    assert turn.content == (
        values.TextPart("See:"),
        values.ImagePart(b"png", "image/png"),
        values.TextPart("\n\nn.txt:\n\n```\na n\u00f6te\n```\n\n"),
    )
