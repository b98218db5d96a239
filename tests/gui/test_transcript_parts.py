"""The pieces of a transcript: heights of what was never seen, hits in slices, Markdown as plain text, figures."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtWidgets import QApplication

from nodetool_xl_desktop.engine.events import PromptProgress, Speed, Usage
from nodetool_xl_desktop.store.parts import Text
from nodetool_xl_desktop.store.records import About, Message, ModelIdentity, State
from nodetool_xl_desktop.ui.transcript.find_hits import Hits
from nodetool_xl_desktop.ui.transcript.markdown_text import plain_text
from nodetool_xl_desktop.ui.transcript.message_figures import doing, facts, figures
from nodetool_xl_desktop.ui.transcript.turn_heights import Heights


@settings(max_examples=200, deadline=None)
@given(
    heights=st.lists(st.integers(1, 50), min_size=1, max_size=40),
    changes=st.lists(st.tuples(st.integers(0, 39), st.integers(1, 90), st.integers(-5, 2500))),
)
def test_heights_are_where_the_sums_say(heights: list[int], changes: list[tuple[int, int, int]]) -> None:
    known = Heights(heights)
    for number, height, y in changes:
        index = number % len(heights)
        assert known.set(index, height) == (heights[index] != height)
        heights[index] = height
        tops = [sum(heights[:at]) for at in range(len(heights) + 1)]
        assert [known.top(at) for at in (index, len(heights))] == [tops[index], tops[-1]]
        assert known.total == tops[-1]
        assert known.at(y) == max(0, sum(top <= y for top in tops[:-1]) - 1)


def said(*texts: str) -> list[Message]:
    return [Message(str(number), None, "user", (Text(text),)) for number, text in enumerate(texts)]


@settings(max_examples=200, deadline=None)
@given(
    texts=st.lists(st.text("abAB ", max_size=12), max_size=8),
    sought=st.text("abAB", max_size=3),
    start=st.integers(0, 9),
)
def test_hits_are_found_in_whatever_slices(texts: list[str], sought: str, start: int) -> None:
    messages = said(*texts)
    shorter = Hits(messages, sought[:1], start)
    while not shorter.look(0):
        pass
    hits = Hits(messages, sought, start, shorter)
    while not hits.look(0):
        pass
    true = [
        (at, nth) for at, text in enumerate(texts) for nth in range(text.lower().count(sought.lower()) if sought else 0)
    ]
    assert [hits.at(number) for number in range(hits.total)] == true
    assert [hits.number_of(*each) for each in true] == list(range(len(true)))
    if true:
        assert hits.at(hits.number_from(start)) == next((each for each in true if each[0] >= start), true[0])


def test_a_message_that_changed_is_counted_anew() -> None:
    messages = said("one", "two one", "three")
    hits = Hits(messages, "ONE", 0)
    assert hits.look(1)
    assert hits.total == 2
    messages[2] = said("", "", "one one")[2]
    hits.look_again(2)
    assert hits.total == 4
    assert hits.at(3) == (2, 1)
    assert hits.clamped(2, 5) == (2, 1)
    assert hits.clamped(0, 0) == (0, 0)


def test_markdown_as_it_is_read(qapp: QApplication) -> None:
    text = (
        "# Title\n\nSome **bold** `code`.\n\n1. one\n2. two\n   - inner\n\n"
        "```python\nx = 1\ny = 2\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\nEnd."
    )
    assert plain_text(text) == (
        "Title\n\nSome bold code.\n\n1. one\n2. two\n  - inner\n\nx = 1\ny = 2\n\na\tb\n1\t2\n\nEnd."
    )
    assert plain_text("") == ""


ABOUT = About(
    model=ModelIdentity("m", "Model", "/models/m.gguf", 4_900_000_000),
    options={"context_length": 8192, "flash_attention": "auto", "mmap": True},
    sampling={"temperature": 0.7, "stop": ["a"], "system_prompt": "Be brief.", "later": 3},
    usage=Usage(412, 318, 256),
    speed=Speed(310.0, 41.8),
    first_token_s=0.21,
    finish_reason="stop",
    more={"continued": 1},
)


def answer(state: State, about: About = ABOUT) -> Message:
    return Message("a", "q", "assistant", (Text("Answer."),), state, 1, about)


def test_the_line_of_figures() -> None:
    before = "41.8 tokens/s   first token 0.21 s   318 tokens   256 cached   "
    assert figures(answer(State.COMPLETE)) == before + "stopped by itself"
    assert figures(answer(State.CUT)) == before + "reached the limit of tokens"
    assert figures(answer(State.STOPPED)) == before + "stopped by you"
    assert figures(answer(State.INTERRUPTED)) == before + "not finished: the program ended"
    assert figures(answer(State.FAILED, About(pieces=3, first_token_s=1.0, last_token_s=2.0))).split("   ") == [
        "2.0 tokens/s", "first token 1.00 s", "about 3 tokens", "not finished",
    ]  # fmt: skip
    assert figures(answer(State.COMPLETE, About(finish_reason="tool_rounds"))) == "ended: tool rounds"


@pytest.mark.parametrize(
    ("progress", "note", "says"),
    [
        (None, "", "Waiting for the first token ..."),
        (PromptProgress(10, 100, 30), "", "Reading the prompt ... 40%"),
        (PromptProgress(100, 100, 30), "", "Reading the prompt ... 100%"),
        (None, "Waiting: another chat is answered", "Waiting: another chat is answered"),
    ],
)  # fmt: skip
def test_what_is_said_while_nothing_has_come(progress: PromptProgress | None, note: str, says: str) -> None:
    assert doing(answer(State.WAITING), progress, note) == says
    assert doing(answer(State.STREAMING), progress, note) == "Answering ..."


def test_the_facts_of_an_answer() -> None:
    told = {name: dict(rows) for name, rows in facts(answer(State.COMPLETE))}
    assert told["Model"] == {"Name": "Model", "File": "/models/m.gguf", "Size": "4.9 GB"}
    assert told["Loaded With"] == {"Context Length": "8,192", "Flash Attention": "auto", "Memory-Mapped": "on"}
    assert told["Asked With"] == {
        "Temperature": "0.7",
        "Stop Strings": "'a'",
        "later": "3",
        "System Prompt": "Be brief.",
    }
    assert told["Answer"]["Cached of It"] == "256 tokens"
    assert told["Answer"]["Continued"] == "once"
    assert list(told["Asked With"])[-1] == "System Prompt"  # it may be long
