"""Answers as models write them: each call found with its arguments, nothing else taken for one, in any chunks.

`corpus/calls.jsonl` and `corpus/prose.jsonl` have one answer a line: who wrote it (a model's family: by hand, in the
form that is documented for it; "starter model, run": really written by it, see `corpus/run_starter.py`), its text, the
tools that were offered, and what a person takes it for. A call with `problem` is one that cannot be run as it is.
"""

from __future__ import annotations

import json
import random
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nodetool_xl_desktop.tools import as_tool
from nodetool_xl_desktop.tools.text_calls import FoundCall, TextCalls

CORPUS = Path(__file__).parent / "corpus"
RUN = "starter model, run"
CHUNKINGS = 5

Line = dict[str, Any]
Parts = list[str | FoundCall]


class Described:
    """A tool of `tools.json`, which is never called."""

    def __init__(self, entry: Line) -> None:
        self.name: str = entry["name"]
        self.description: str = entry["description"]
        self.parameters: Line = entry["parameters"]

    def __call__(self, **arguments: Any) -> str:
        return ""


def lines(name: str) -> list[Line]:
    # Not splitlines(): an answer may have a line separator of Unicode within it.
    return [json.loads(line) for line in (CORPUS / name).read_text(encoding="utf-8").split("\n") if line]


TOOLS = {entry["name"]: as_tool(Described(entry)) for entry in json.loads((CORPUS / "tools.json").read_text("utf-8"))}
CALLS = lines("calls.jsonl")
PROSE = lines("prose.jsonl")


def read(line: Line, chunks: list[str]) -> Parts:
    stream = TextCalls([TOOLS[name] for name in line["tools"]])
    return [part for chunk in chunks for part in stream.feed(chunk)] + stream.finish()


def prose(parts: Parts) -> str:
    return "".join(part for part in parts if isinstance(part, str))


def calls(parts: Parts) -> list[Line]:
    found = [part for part in parts if isinstance(part, FoundCall)]
    return [{"name": one.name, "args": one.args, **({"problem": True} if one.problem else {})} for one in found]


def chunkings(text: str) -> list[list[str]]:
    """The whole of it, character by character, and in chunks as they come."""
    chosen = random.Random(text)  # the same ones in each run
    ways = [[text], list(text)]
    for _ in range(CHUNKINGS):
        longest, chunks, at = chosen.choice((3, 8, 40)), [], 0
        while at < len(text):
            size = chosen.randint(1, longest)
            chunks.append(text[at : at + size])
            at += size
        ways.append(chunks)
    return ways


def test_the_corpus_is_large_enough() -> None:
    assert len({line["text"] for line in CALLS}) >= 150
    assert len({line["text"] for line in PROSE}) >= 100
    assert sum(line["source"] == RUN for line in CALLS) >= 30
    assert sum(line["source"] == RUN for line in PROSE) >= 30
    assert all(line["calls"] for line in CALLS)
    assert {name for line in CALLS for name in line["tools"]} == set(TOOLS)


@pytest.mark.parametrize("line", CALLS, ids=lambda line: line["source"])
def test_each_call_is_found_and_the_rest_is_left(line: Line) -> None:
    for chunks in chunkings(line["text"]):
        parts = read(line, chunks)
        assert calls(parts) == line["calls"]
        assert prose(parts) == line["left"]
        assert "".join(part if isinstance(part, str) else part.raw for part in parts) == line["text"]


@pytest.mark.parametrize("line", PROSE, ids=lambda line: line["source"])
def test_nothing_is_found_in_prose(line: Line) -> None:
    for chunks in chunkings(line["text"]):
        parts = read(line, chunks)
        assert calls(parts) == []
        assert prose(parts) == line["text"]


@pytest.mark.parametrize("line", CALLS, ids=lambda line: line["source"])
def test_nothing_of_a_call_is_ever_shown(line: Line) -> None:
    stream = TextCalls([TOOLS[name] for name in line["tools"]])
    shown = ""
    for char in line["text"]:
        shown += prose(stream.feed(char))
        assert line["left"].startswith(shown)


MARKS = [
    "calculator",
    "clock\n",
    "\n",
    ">>>",
    "\n>>>",
    "[ARGS]",
    "[CALL_ID]a1",
    "{",
    '{"expression": ',
    '"2+2"}',
    "{}",
    "}",
    "]",
    ": ```json\n",
    "```",
    "[",
    '{"tool_calls": [',
    '"thought": "so", ',
    '{"tool_name": "calculator", "parameters": {"expression": "1"}}',
    '{"name": "clock", "arguments": {}}',
    '{"log": ',
    ", ",
    '"x": 1',
    "<tool_call>",
    "</tool_call>",
    "<|recipient|>",
    "<|content|>",
    "to=functions.clock",
    "<|message|>",
    "clock.call(",
    "calculator(x='",
    "')",
    " words ",
]


@given(st.lists(st.sampled_from(MARKS), max_size=12), st.integers(1, 9))
@settings(max_examples=400, deadline=None)
def test_any_mixture_of_marks_comes_out_the_same_and_whole(pieces: list[str], size: int) -> None:
    text = "".join(pieces)
    line = {"tools": ["calculator", "clock"]}
    parts = read(line, [text[at : at + size] for at in range(0, len(text), size)])
    assert "".join(part if isinstance(part, str) else part.raw for part in parts) == text
    assert (calls(parts), prose(parts)) == (calls(read(line, [text])), prose(read(line, [text])))


HOSTILE = [
    "calculator\n{",
    'calculator{"expression": ',
    "calculator\n",
    '>>>calculator\n{"expression": [',
    ">>>",
    "a: ```json\n",
    "a ```",
    "[TOOL_CALLS]calculator[CALL_ID]",
    "[CALL_ID]a",
    '{"tool_calls": [',
    '{"thought": "',
    '{"tool_calls": [{"name": "clock", "arguments": {}}, ',
    '<tool_call>{"name": "clock"}, "',
    "calculator(x='",
    "clock.call(",
    "<|recipient|>calculator\n<|content|>{",
    '"a": {',
]


def seconds(text: str) -> float:
    began = time.process_time()
    read({"tools": ["calculator", "clock"]}, [text[at : at + 1000] for at in range(0, len(text), 1000)])
    return time.process_time() - began


@pytest.mark.parametrize("unit", HOSTILE)
def test_time_grows_with_the_length_and_no_faster(unit: str) -> None:
    small, large = unit * (10_000 // len(unit)), unit * (80_000 // len(unit))
    assert seconds(large) < max(0.3, 3 * 8 * seconds(small))
