"""Tools in the stream: calls that the engine knows as such, calls that a model writes as text, and malformed ones."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import scripted_worker
from engine_runs import finish_of, gather, text_of

from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.engine.errors import EngineError, Fault
from nodetool_xl_desktop.engine.events import Event, Failed, TextDelta, ToolCallRequested
from nodetool_xl_desktop.engine.pool import Pool
from nodetool_xl_desktop.provider import (
    Chunk,
    ImagePart,
    LoadSettings,
    Message,
    ToolCall,
    ToolResultPart,
    XLlamaCppProvider,
)
from nodetool_xl_desktop.tools import CalculatorTool, Image

pytestmark = pytest.mark.usefixtures("no_process_left")

NATIVE = {
    "supports_system_role": True,
    "supports_tools": True,
    "supports_tool_calls": True,
    "supports_parallel_tool_calls": True,
}
ASK = [Message("user", "What is 1 + 2?")]


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


TOOLS = [add, CalculatorTool()]
CALL = "add(a=1, b=2)"


@asynccontextmanager
async def playing(starter_model: Path, paths: Paths, **script: Any) -> AsyncIterator[XLlamaCppProvider]:
    pool = Pool(command=scripted_worker.command("answers", json.dumps(script)))
    try:
        yield XLlamaCppProvider(pool, paths)
    finally:
        await pool.close()


def text(*pieces: str) -> list[dict[str, Any]]:
    return [{"content": piece} for piece in pieces]


def piece(index: int = 0, call_id: str = "", name: str = "", arguments: str = "") -> dict[str, Any]:
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value}
    return {"tool_calls": [{"index": index, **({"id": call_id} if call_id else {}), "function": function}]}


async def answered(provider: XLlamaCppProvider, model: Path, tools: Sequence[Any] = TOOLS) -> list[Chunk | ToolCall]:
    return [item async for item in provider.generate_messages(ASK, model, tools)]


async def drain(items: AsyncIterator[Chunk | ToolCall], into: list[Chunk | ToolCall]) -> None:
    async for item in items:
        into.append(item)


def calls_of(items: Sequence[Chunk | ToolCall]) -> list[ToolCall]:
    return [item for item in items if isinstance(item, ToolCall)]


def said(items: Sequence[Chunk | ToolCall]) -> str:
    return "".join(item.content for item in items if isinstance(item, Chunk))


def end_of(items: Sequence[Chunk | ToolCall]) -> Chunk:
    *before, last = items
    assert isinstance(last, Chunk)
    assert last.done
    assert not [item for item in before if isinstance(item, Chunk) and item.done]
    return last


def requests_in(journal: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in journal.read_text().splitlines()]


# Calls that the engine knows


async def test_native_calls_in_pieces_arrive_whole(starter_model: Path, paths: Paths) -> None:
    deltas = [
        *text("Let ", "me see."),
        piece(0, "abc", "add", '{"a": 1'),
        piece(1, "def", "add"),
        piece(0, arguments=', "b": 2}'),
        piece(1, arguments='{"a": 3, "b": 4}'),
    ]
    async with playing(starter_model, paths, caps=NATIVE, deltas=deltas, reason="tool_calls") as provider:
        items = await answered(provider, starter_model)
        message = await provider.generate_message(ASK, starter_model, TOOLS)
    assert calls_of(items) == [ToolCall("abc", "add", {"a": 1, "b": 2}), ToolCall("def", "add", {"a": 3, "b": 4})]
    assert said(items) == message.content == "Let me see."
    assert end_of(items).finish_reason == message.finish_reason == "tool_calls"
    assert list(message.tool_calls) == calls_of(items)


@pytest.mark.parametrize(
    "arguments", ['{"a": 1, ', "[1, 2]", "5", "[" * 100_000], ids=["cut", "list", "number", "deep"]
)
async def test_native_arguments_that_are_no_object_become_a_problem(
    starter_model: Path, paths: Paths, arguments: str
) -> None:
    deltas = [piece(0, "abc", "add", arguments)]
    async with playing(starter_model, paths, caps=NATIVE, deltas=deltas, reason="tool_calls") as provider:
        (call,) = calls_of(await answered(provider, starter_model))
    assert (call.id, call.name, call.args, call.raw) == ("abc", "add", {}, arguments)
    assert "JSON" in call.problem


async def test_a_call_without_arguments_has_none(starter_model: Path, paths: Paths) -> None:
    async with playing(starter_model, paths, caps=NATIVE, deltas=[piece(0, "abc", "add")]) as provider:
        assert calls_of(await answered(provider, starter_model)) == [ToolCall("abc", "add")]


async def test_a_native_call_reaches_whoever_gave_no_tools(starter_model: Path, paths: Paths) -> None:
    async with playing(starter_model, paths, caps=NATIVE, deltas=[piece(0, "abc", "add", "{}")]) as provider:
        assert calls_of(await answered(provider, starter_model, ())) == [ToolCall("abc", "add")]


# Calls that a model writes as text


@pytest.mark.parametrize("caps", [{}, NATIVE], ids=["emulated", "rescued"])
@pytest.mark.parametrize(
    "written",
    [
        CALL,
        '<tool_call>\n{"name": "add", "arguments": {"a": 1, "b": 2}}\n</tool_call>',
        '{"name": "add", "parameters": {"a": "1", "b": 2}}',
    ],
    ids=["python", "tagged", "json"],
)
@pytest.mark.parametrize("size", [1, 1000])
async def test_a_call_as_text_arrives_whole_and_the_text_around_it_is_kept(
    starter_model: Path, paths: Paths, caps: dict[str, bool], written: str, size: int
) -> None:
    whole = f"Let me see.\n\n{written}\n\nThat is what I do."
    deltas = text(*(whole[at : at + size] for at in range(0, len(whole), size)))
    async with playing(starter_model, paths, caps=caps, deltas=deltas) as provider:
        items = await answered(provider, starter_model)
    (call,) = calls_of(items)
    assert (call.name, call.args, call.problem) == ("add", {"a": 1, "b": 2}, "")
    assert written in call.raw
    assert "add" not in said(items)
    where = items.index(call)
    assert said(items[:where]).strip() == "Let me see."
    assert said(items[where:]).strip() == "That is what I do."
    assert end_of(items).finish_reason == "tool_calls"
    assert end_of(items).usage.completion_tokens == 3


async def test_several_calls_as_text_have_names_of_their_own(starter_model: Path, paths: Paths) -> None:
    """Nine letters and digits, as the templates of Mistral want it."""
    deltas = text(f"{CALL}\n", f"{CALL}\n", "calculator(expression='1+2')")
    async with playing(starter_model, paths, deltas=deltas) as provider:
        message = await provider.generate_message(ASK, starter_model, TOOLS)
    assert [call.name for call in message.tool_calls] == ["add", "add", "calculator"]
    ids = [call.id for call in message.tool_calls]
    assert len(set(ids)) == 3
    assert all(len(each) == 9 and each.isalnum() for each in ids)
    assert message.finish_reason == "tool_calls"
    assert not message.text.strip()


async def test_a_malformed_call_becomes_a_problem_and_loses_nothing(starter_model: Path, paths: Paths) -> None:
    written = '<tool_call>{"name": "add", "arguments": {"a": 1, "b": }}</tool_call>'
    async with playing(starter_model, paths, deltas=text("So: ", written, " done")) as provider:
        items = await answered(provider, starter_model)
    (call,) = calls_of(items)
    assert call.problem
    assert call.name == "add"
    assert "".join(item.raw if isinstance(item, ToolCall) else item.content for item in items) == f"So: {written} done"


async def test_wrong_arguments_become_a_problem(starter_model: Path, paths: Paths) -> None:
    async with playing(starter_model, paths, deltas=text("add(a=1, c='x')")) as provider:
        (call,) = calls_of(await answered(provider, starter_model))
    assert call.problem
    assert "add(a=1, c='x')" in call.raw


async def test_without_tools_a_call_as_text_is_text(starter_model: Path, paths: Paths) -> None:
    async with playing(starter_model, paths, deltas=text(CALL)) as provider:
        items = await answered(provider, starter_model, ())
    assert calls_of(items) == []
    assert said(items) == CALL
    assert end_of(items).finish_reason == "stop"


async def test_an_answer_that_was_cut_is_cut_though_it_called(starter_model: Path, paths: Paths) -> None:
    async with playing(starter_model, paths, deltas=text(f"{CALL}\nand th"), reason="length") as provider:
        items = await answered(provider, starter_model)
    assert len(calls_of(items)) == 1
    assert end_of(items).finish_reason == "length"


@pytest.mark.parametrize("end", ["stop", "crash"])
async def test_what_was_held_back_as_a_beginning_comes_before_the_end(
    starter_model: Path, paths: Paths, end: str
) -> None:
    """Text that might have become a call is not lost when the engine dies, and comes before what ends the answer."""
    async with playing(starter_model, paths, deltas=text("Well.\n", "add"), reason=end) as provider:
        events: list[Event] = await gather(provider.stream(ASK, starter_model, tools=TOOLS))
    assert text_of(events) == "Well.\nadd"
    assert isinstance(events[-1], Failed) == (end == "crash")


async def test_held_back_text_comes_before_a_native_call(starter_model: Path, paths: Paths) -> None:
    deltas = [*text("Well.\n", "add"), piece(0, "abc", "add", '{"a": 1, "b": 2}')]
    async with playing(starter_model, paths, caps=NATIVE, deltas=deltas, reason="tool_calls") as provider:
        events = await gather(provider.stream(ASK, starter_model, tools=TOOLS))
    finish_of(events)
    (call,) = [event for event in events if isinstance(event, ToolCallRequested)]
    assert text_of(events[: events.index(call)]) == "Well.\nadd"


async def test_after_a_crash_what_came_before_stands(starter_model: Path, paths: Paths) -> None:
    got: list[Chunk | ToolCall] = []
    async with playing(starter_model, paths, deltas=text("Let me see.\n", f"{CALL}\n"), reason="crash") as provider:
        items = provider.generate_messages(ASK, starter_model, TOOLS)
        with pytest.raises(EngineError):
            await drain(items, got)
    assert said(got).strip() == "Let me see."
    assert [call.name for call in calls_of(got)] == ["add"]


# What the engine is told


async def test_a_template_that_knows_tools_gets_definitions(starter_model: Path, paths: Paths, tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    async with playing(starter_model, paths, caps=NATIVE, deltas=text("3"), journal=str(journal)) as provider:
        await answered(provider, starter_model)
    (request,) = requests_in(journal)
    assert [tool["function"]["name"] for tool in request["tools"]] == ["add", "calculator"]
    assert set(request["tools"][0]["function"]["parameters"]["properties"]) == {"a", "b"}
    assert request["messages"] == [{"role": "user", "content": "What is 1 + 2?"}]


@pytest.mark.parametrize("caps", [{}, NATIVE], ids=["emulated", "rescued"])
@pytest.mark.parametrize("vision", [True, False])
async def test_a_picture_that_a_tool_returns_is_seen_by_a_model_with_vision(
    starter_model: Path, paths: Paths, tmp_path: Path, caps: dict[str, bool], vision: bool
) -> None:
    """The scripted model calls in each round; the loop ends it."""

    def draw(size: int) -> Image:
        """Draw a square."""
        return Image(bytes(size))

    script = {"caps": caps, "vision": vision, "deltas": text("draw(size=4)"), "journal": str(tmp_path / "journal")}
    async with playing(starter_model, paths, **script) as provider:
        items = [item async for item in provider.generate_messages(ASK, starter_model, [draw], run_tools=True)]
    assert next(part.image for part in items if isinstance(part, ToolResultPart)) == ImagePart(bytes(4))
    told = json.dumps(requests_in(tmp_path / "journal")[1]["messages"])
    assert (ImagePart(bytes(4)).url in told) == vision
    assert ("cannot see" in told) != vision


async def test_any_other_template_gets_them_in_words(starter_model: Path, paths: Paths, tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    async with playing(starter_model, paths, deltas=text("3"), journal=str(journal)) as provider:
        await answered(provider, starter_model)
        await answered(provider, starter_model, ())
    request, without = requests_in(journal)
    assert "tools" not in request
    system, asked = request["messages"]
    assert system["role"] == "system"
    assert "def add(a: int, b: int)" in system["content"]
    assert "Add two numbers." in system["content"]
    assert "def calculator(" in system["content"]
    assert asked == without["messages"][0]


async def test_a_rescued_call_can_be_answered(starter_model: Path, paths: Paths, tmp_path: Path) -> None:
    """What came as text goes back as the call that it was, where the template knows calls."""
    journal = tmp_path / "journal"
    async with playing(starter_model, paths, caps=NATIVE, deltas=text(CALL), journal=str(journal)) as provider:
        message = await provider.generate_message(ASK, starter_model, TOOLS)
        (call,) = message.tool_calls
        result = Message("tool", "3", tool_call_id=call.id, name=call.name)
        await provider.generate_message([*ASK, message, result], starter_model, TOOLS)
    _, calling, told = requests_in(journal)[1]["messages"]
    assert calling["tool_calls"][0]["id"] == told["tool_call_id"] == call.id
    assert json.loads(calling["tool_calls"][0]["function"]["arguments"]) == {"a": 1, "b": 2}
    assert told == {"role": "tool", "content": "3", "tool_call_id": call.id, "name": "add"}


@pytest.mark.parametrize("tool", [5, lambda: None, "add"])
async def test_what_is_no_tool_is_a_type_error(starter_model: Path, paths: Paths, tool: Any) -> None:
    async with playing(starter_model, paths, deltas=[]) as provider:
        with pytest.raises(TypeError):
            await provider.generate_message(ASK, starter_model, [tool])


async def test_what_is_held_back_when_its_time_is_up_is_told(starter_model: Path, paths: Paths) -> None:
    """It might have become a call; what was written stays."""
    async with playing(starter_model, paths, deltas=text("I will. ", "\nadd(a=1, "), reason="silence") as provider:
        await provider.load(starter_model)
        events = await gather(provider.stream(ASK, starter_model, tools=TOOLS, timeout_s=1.0))
    assert isinstance(events[-1], Failed)
    assert isinstance(events[-1].error, EngineError)
    assert events[-1].error.fault is Fault.TIMEOUT
    raws = [event.raw for event in events if isinstance(event, ToolCallRequested)]
    assert text_of(events) + "".join(raws) == "I will. \nadd(a=1, "


# What a review found


@pytest.mark.parametrize("held", ["add(a=1, ", CALL, '{"name": "add", "arguments": {"a": 1', "plain"])
@pytest.mark.parametrize("run_tools", [False, True])
async def test_an_answer_can_be_left_while_a_call_is_held_back(
    starter_model: Path, paths: Paths, held: str, run_tools: bool
) -> None:
    async with playing(starter_model, paths, deltas=text("I will. ", f"\n{held}"), reason="silence") as provider:
        stream = provider.stream(ASK, starter_model, tools=TOOLS, run_tools=run_tools)
        async for event in stream:
            if isinstance(event, TextDelta):
                break
        async with asyncio.timeout(5):
            await stream.aclose()


@pytest.mark.parametrize("caps", [{}, NATIVE], ids=["emulated", "native"])
async def test_after_a_named_call_the_other_tools_are_there(
    starter_model: Path, paths: Paths, tmp_path: Path, caps: dict[str, bool]
) -> None:
    call = json.dumps({"name": "add", "arguments": {"a": 1, "b": 2}})
    script = {"caps": caps, "deltas": text(call), "journal": str(tmp_path / "journal")}
    async with playing(starter_model, paths, **script) as provider:
        await provider.generate_message(ASK, starter_model, TOOLS, run_tools=True, tool_choice="add")
    first, second, *_ = requests_in(tmp_path / "journal")
    assert "calculator" not in json.dumps(first)
    assert "calculator" in json.dumps(second)


async def test_a_malformed_call_does_not_part_another_one_from_its_result(
    starter_model: Path, paths: Paths, tmp_path: Path
) -> None:
    script = {"caps": NATIVE, "deltas": text(f"add(a=x)\n{CALL}\n"), "journal": str(tmp_path / "journal")}
    async with playing(starter_model, paths, **script) as provider:
        await provider.generate_message(ASK, starter_model, TOOLS, run_tools=True)
    second = requests_in(tmp_path / "journal")[1]["messages"]
    assert [turn["role"] for turn in second] == ["user", "assistant", "tool", "user"]


async def test_a_result_that_would_fill_the_context_is_cut(starter_model: Path, paths: Paths) -> None:
    def read() -> str:
        """Read a book."""
        return "日本7ü" * 5_000

    pool = Pool()
    try:
        items = XLlamaCppProvider(pool, paths).generate_messages(
            [Message("user", "Read.")],
            starter_model,
            [read],
            30,
            tool_choice="read",
            run_tools=True,
            load=LoadSettings(context_length=1024),
            temperature=0,
        )
        (result, *_) = [item async for item in items if isinstance(item, ToolResultPart)]
    finally:
        await pool.close()
    assert "cut: about 512 of " in result.content
    assert len(result.content) < 1024


async def test_a_forced_call_that_is_cut_at_once_is_told(starter_model: Path, paths: Paths) -> None:
    pool = Pool()
    try:
        message = await XLlamaCppProvider(pool, paths).generate_message(
            ASK, starter_model, TOOLS, 1, tool_choice="add", load=LoadSettings(context_length=512)
        )
    finally:
        await pool.close()
    (call,) = message.tool_calls
    assert (call.name, call.making, message.finish_reason) == ("add", "forced", "length")
    assert call.problem


@pytest.mark.parametrize(
    ("choice", "error"),
    [
        (5, TypeError),
        (["add"], TypeError),
        ({"function": "add"}, TypeError),
        ({}, TypeError),
        ({"type": "function", "function": {"name": "auto"}}, ValueError),
    ],
)
async def test_a_choice_of_no_known_kind_is_refused_at_once(
    starter_model: Path, paths: Paths, choice: Any, error: type[Exception]
) -> None:
    async with playing(starter_model, paths, deltas=text("Hi")) as provider:
        with pytest.raises(error, match="tool_choice"):
            provider.stream(ASK, starter_model, tools=TOOLS, tool_choice=choice)
        assert (await provider.generate_message(ASK, starter_model, TOOLS, tool_choice=None)).text == "Hi"
