"""Texts that a person writes anew: what stands between them stays, and so does the order of everything."""

from __future__ import annotations

import time

from hypothesis import given, settings
from hypothesis import strategies as st

from nodetool_xl_desktop.chat.editing import with_text
from nodetool_xl_desktop.store.parts import Attachment, Part, Reasoning, Text, ToolAnswer, ToolUse, text_of

THOUGHT = Reasoning("Hm.")
CALL = ToolUse("c1", "add", '{"a": 1, "b": 2}')
RESULT = ToolAnswer("c1", "add", "3")
FILE = Attachment("a" * 64, "notes.txt", "text/plain", 3)
ANSWER = (THOUGHT, Text("Let me see."), CALL, RESULT, Text("It is 3.\n\nReally."))

lines = st.lists(st.sampled_from(["", "a", "b", "It is 3.", " "]), min_size=1, max_size=5).map("\n".join)
texts = lines.filter(bool).map(Text)
between = st.sampled_from([THOUGHT, CALL, RESULT, FILE])


def test_only_what_was_changed_is_another_and_everything_stays_in_its_place() -> None:
    def edited(text: str) -> tuple[Part, ...]:
        return with_text(ANSWER, text)

    assert edited(text_of(ANSWER)) == ANSWER
    end = (CALL, RESULT, Text("It is 3.\n\nReally."))
    assert edited("Let me look.\n\nIt is 3.\n\nReally.") == (THOUGHT, Text("Let me look."), *end)
    assert edited("Let me see.\nSo.\n\nIt is 3.\n\nReally.") == (THOUGHT, Text("Let me see.\nSo."), *end)
    assert edited("It is 3.\n\nReally.") == (THOUGHT, *end)
    begin = (THOUGHT, Text("Let me see."), CALL, RESULT)
    assert edited("Let me see.\n\nIt is four.\n\nReally.") == (*begin, Text("It is four.\n\nReally."))
    assert edited("Let me see.\n\nIt is 3.\n\nReally.\n\nYes.") == (*begin, Text("It is 3.\n\nReally.\n\nYes."))
    assert edited("Let me look.\n\nIt is four.\n\nNo.")[1::3] == (Text("Let me look."), Text("It is four.\n\nNo."))
    assert edited("Three.") == (THOUGHT, CALL, RESULT, Text("Three."))


def test_a_message_of_one_text_or_none() -> None:
    assert with_text((FILE, Text("Read it.")), "Read that.") == (FILE, Text("Read that."))
    assert with_text((Text("Read it."), FILE), "Read that.") == (Text("Read that."), FILE)
    assert with_text((FILE,), "Read it.") == (FILE, Text("Read it."))
    assert with_text((FILE,), "") == (FILE,)


@given(st.lists(st.one_of(texts, between), max_size=7), lines)
@settings(max_examples=150, deadline=None)
def test_no_letter_is_lost_and_nothing_else_is_moved(said: list[Part], text: str) -> None:
    made = with_text(said, text)
    assert [part for part in made if not isinstance(part, Text)] == [
        part for part in said if not isinstance(part, Text)
    ]
    written = "".join(part.text for part in made if isinstance(part, Text))
    assert "".join(written.split()) == "".join(text.split())
    if any(isinstance(part, Text) for part in said):
        assert with_text(said, text_of(said)) == tuple(said)


def test_a_long_answer_is_divided_at_once() -> None:
    one = "\n".join(f"{number}\n" for number in range(20_000))
    other = "\n".join(f"{number} \n" for number in range(20_000))
    began_s = time.process_time()
    made = with_text((Text(one), CALL, RESULT, Text(one)), f"{other}\n\n{other}")
    assert time.process_time() - began_s < 0.5
    assert "".join(text_of(made).split()) == "".join((other + other).split())
