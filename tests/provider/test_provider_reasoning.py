"""Reasoning in tags that the engine does not know: taken out at the beginning of an answer, and nowhere else."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

import pytest
import scripted_worker
from engine_runs import gather, reasoning_of, text_of
from hypothesis import given
from hypothesis import strategies as st
from model_templates import with_template

from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.engine.events import (
    Event,
    Finished,
    Speed,
    TextDelta,
    ToolAnswered,
    ToolCallRequested,
    Usage,
)
from nodetool_xl_desktop.engine.pool import Pool
from nodetool_xl_desktop.provider import Message, Sampling, XLlamaCppProvider
from nodetool_xl_desktop.provider.reasoning import TAGS, Splitter, opened_by, split
from nodetool_xl_desktop.tools import CalculatorTool

pytestmark = pytest.mark.usefixtures("no_process_left")

FINISHED = Finished("stop", Usage(), Speed())
HARMONY = "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>Yes."
ASK = [Message("user", "Is it?")]


def said(pieces: Sequence[str], close: str = "") -> tuple[str, str]:
    """The reasoning and the answer."""
    splitter = Splitter(close)
    events = [event for piece in pieces for event in splitter.feed(piece)] + splitter.finish()
    return reasoning_of(events), text_of(events)


@pytest.mark.parametrize(("tag", "close"), TAGS.items())
@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_every_tag_is_known_however_it_is_cut(tag: str, close: str, size: int) -> None:
    whole = f"\n{tag.upper() if tag.startswith('[') else tag}\nIs 1 < 2? <b>{close}\n\nYes, {tag}1{close}."
    pieces = [whole[at : at + size] for at in range(0, len(whole), size)]
    assert said(pieces) == ("\nIs 1 < 2? <b>", f"Yes, {tag}1{close}.")


@pytest.mark.parametrize(
    "answer",
    [
        "Use <think> to think.</think>",
        "```\n<think>code</think>\n```",
        "`<think>` opens it.",
        "A</think>B",
        "<thinks>No.",
        "<",
        "  \n ",
        "<|channel|>commentary",
        " " * 300 + "<think>too late",
        "",
    ],
)
def test_what_is_no_reasoning_stays_as_it_is(answer: str) -> None:
    assert said(list(answer)) == said([answer]) == ("", answer)


@pytest.mark.parametrize(
    ("answer", "close", "expected"),
    [
        ("<think>cut", "", ("cut", "")),  # no end
        ("<think>cut</thi", "", ("cut</thi", "")),
        ("<think></think>\n\n", "", ("", "")),
        ("Hm.</think>Yes.", "</think>", ("Hm.", "Yes.")),  # the prompt opened it
        ("Hm.", "</think>", ("Hm.", "")),
        ("<think>a</think>\n<think>b</think>c", "", ("ab", "c")),
        (HARMONY, "", ("Hm.", "Yes.")),
    ],
)
def test_ends_that_are_missing_or_come_twice(answer: str, close: str, expected: tuple[str, str]) -> None:
    assert said([answer], close) == said(list(answer), close) == expected


@given(st.lists(st.sampled_from(["<think>", "</think>", "<thi", "nk>", "\n", " ", "a", "[THINK]", "[/THINK]", "`"])))
def test_cuts_change_nothing_and_nothing_is_lost(pieces: list[str]) -> None:
    whole = "".join(pieces)
    assert said(pieces) == said([whole]) == said(list(whole))
    thought, text = said(pieces)
    bare = "".join((thought + text).split())
    for tag in ("<think>", "</think>", "[THINK]", "[/THINK]"):
        whole, bare = whole.replace(tag, ""), bare.replace(tag, "")
    if not any(piece in ("<thi", "nk>") for piece in pieces):
        assert bare == "".join(whole.split())


def test_which_prompts_open_reasoning() -> None:
    assert opened_by("<|Assistant|><think>\n") == "</think>"
    assert opened_by("<think>\n\n</think>\n\n") == ""
    assert opened_by("assistant\n") == ""


async def test_a_call_inside_reasoning_is_not_one() -> None:
    async def events() -> AsyncGenerator[Event, None]:
        yield TextDelta("<thinking>I could call ")
        yield ToolCallRequested("1", "calculator", '{"expression": "1"}')
        yield FINISHED

    found = await gather(split(events()))
    call = next(event for event in found if isinstance(event, ToolCallRequested))
    assert "inside the reasoning" in call.problem
    assert call.raw == 'calculator({"expression": "1"})'


async def test_what_is_held_back_comes_when_the_answer_is_cancelled() -> None:
    async def events() -> AsyncGenerator[Event, None]:
        yield TextDelta("<thi")
        await asyncio.Event().wait()

    found: list[Event] = []

    async def read() -> None:
        async for event in split(events()):
            found.append(event)

    reading = asyncio.create_task(read())
    await asyncio.sleep(0.01)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert found == [TextDelta("<thi")]


async def test_tool_syntax_inside_reasoning_is_never_run(starter_model: Path, paths: Paths) -> None:
    call = '<tool_call>{"name": "calculator", "arguments": {"expression": "1+1"}}</tool_call>'
    deltas = [{"content": f"<thinking>I might {call}"}, {"content": "</thinking>No need."}]
    pool = Pool(command=scripted_worker.command("answers", json.dumps({"deltas": deltas})))
    stream = XLlamaCppProvider(pool, paths).stream(ASK, starter_model, tools=[CalculatorTool()], run_tools=True)
    events = [event async for event in stream]
    await pool.close()
    assert reasoning_of(events) == f"I might {call}"
    assert text_of(events) == "No need."
    assert not any(isinstance(event, ToolCallRequested | ToolAnswered) for event in events)


#: A template that opens reasoning with a tag of its own, which the engine therefore does not take out.
OPENS = """\
{%- for message in messages -%}
{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\\n<thinking>\\n' }}{%- endif -%}
"""
#: The same with the tag that it knows, as it is closed in the template.
KNOWN = OPENS.replace("<thinking>", "<think>").replace("message.content +", "message.content.split('</think>')[-1] +")


@pytest.mark.parametrize(("template", "close"), [(OPENS, "</thinking>"), (KNOWN, "</think>")])
async def test_the_engine_and_this_divide_the_work(
    starter_model: Path, tmp_path: Path, paths: Paths, template: str, close: str
) -> None:
    """The real engine, with an answer that a grammar dictates, and its own reading of it."""
    model = with_template(starter_model, tmp_path / "opens.gguf", template)
    pool = Pool()
    provider = XLlamaCppProvider(pool, paths)
    server = await provider.load(model)
    begins = server.properties.begins
    turns = [{"role": "user", "content": "Is it?"}]
    dictated = Sampling(temperature=0, grammar=f"root ::= {json.dumps(f'Hm.{close}Yes.')}")
    events = await gather(split(server.stream_chat(turns, dictated), opened_by(begins)))
    await pool.close()
    assert bool(begins) == (close == "</thinking>")
    assert reasoning_of(events).strip() == "Hm."
    assert text_of(events) == "Yes."
