"""Running a model's calls: what it is told, who is asked before, and when it ends; and calls that have to come."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest
from engine_runs import finish_of, gather, progress_of, text_of
from model_templates import LLAMA, QWEN, with_template

from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.engine.client import Template
from nodetool_xl_desktop.engine.errors import EngineError, Fault
from nodetool_xl_desktop.engine.events import (
    Event,
    Failed,
    Finished,
    ReasoningDelta,
    Speed,
    TextDelta,
    ToolAnswered,
    ToolCallRequested,
    ToolStarted,
    Usage,
)
from nodetool_xl_desktop.engine.pool import Pool
from nodetool_xl_desktop.provider import LoadSettings, Message, Sampling, ToolCall, XLlamaCppProvider, tool_loop
from nodetool_xl_desktop.provider.approval import Allow, Approve, Deny
from nodetool_xl_desktop.provider.tool_use import offer
from nodetool_xl_desktop.provider.values import ImagePart, TextPart, requested
from nodetool_xl_desktop.tools import CalculatorTool, Image, Result, as_tool

pytestmark = pytest.mark.usefixtures("no_process_left")

ASK = [Message("user", "What is 1 + 2?")]


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


TOOLS = [as_tool(add), CalculatorTool()]


def wants(number: int, name: str = "add", problem: str = "", **args: int) -> ToolCallRequested:
    return ToolCallRequested(str(number), name, json.dumps(args), f"raw {args}", problem)


class Model:
    """A model that says what it was told to, round by round; then the last round again."""

    def __init__(self, *rounds: Sequence[Event]) -> None:
        self._rounds = rounds
        self.asked: list[list[Message]] = []

    async def __call__(self, messages: Sequence[Message], number: int) -> AsyncGenerator[Event, None]:
        assert number == len(self.asked)
        self.asked.append(list(messages))
        for event in self._rounds[min(number, len(self._rounds) - 1)]:
            await asyncio.sleep(0)
            yield event
        if not isinstance(self._rounds[min(number, len(self._rounds) - 1)][-1], Failed):
            yield Finished("stop", Usage(10, 5, 1), Speed())


async def run(model: Model, approve: Approve = lambda _: True) -> list[Event]:
    return await gather(tool_loop.run(model, ASK, TOOLS, approve))


def answers(events: Sequence[Event]) -> list[tuple[str, str]]:
    return [(event.text, event.error) for event in events if isinstance(event, ToolAnswered)]


async def test_a_result_is_given_back_and_the_answer_comes() -> None:
    model = Model([TextDelta("I add. "), wants(1, a=1, b=2)], [TextDelta("It is 3.")])
    events = await run(model)
    assert answers(events) == [("3", "")]
    assert text_of(events) == "I add. It is 3."
    assert finish_of(events) == Finished("stop", Usage(20, 10, 2), Speed())
    call, result = model.asked[1][1:]
    assert (call.role, call.text) == ("assistant", "I add. ")
    assert [(each.name, each.args) for each in call.tool_calls] == [("add", {"a": 1, "b": 2})]
    assert (result.role, result.text, result.tool_call_id, result.name) == ("tool", "3", "1", "add")


async def test_nothing_runs_that_was_not_allowed() -> None:
    asked: list[ToolCall] = []

    async def approve(call: ToolCall) -> bool:
        await asyncio.sleep(0)
        asked.append(call)
        return call.args["a"] == 5

    model = Model([wants(1, a=1, b=2), wants(2, a=5, b=6)], [TextDelta("Done.")])
    events = await run(model, approve)
    assert [call.args["a"] for call in asked] == [1, 5]
    assert answers(events) == [("", "This call was not allowed."), ("11", "")]
    assert "not allowed" in model.asked[1][2].text


async def test_a_reason_reaches_the_model_and_a_refusal_of_the_program_is_nobodys_denial() -> None:
    verdicts = iter([Deny("ask me first"), Deny("It is off.", by_person=False), Allow()])
    model = Model([wants(1, a=1, b=2), wants(2, a=3, b=4), wants(3, a=5, b=6)], [TextDelta("Done.")])
    events = await run(model, lambda _: next(verdicts))
    told = [event for event in events if isinstance(event, ToolAnswered)]
    assert [(event.text, event.error, event.denied) for event in told] == [
        ("", "This call was not allowed: ask me first", True),
        ("", "It is off.", False),
        ("11", "", False),
    ]
    assert [event.id for event in events if isinstance(event, ToolStarted)] == ["3"]
    assert model.asked[1][2].text == "Error: This call was not allowed: ask me first"


async def test_what_a_person_changed_is_what_runs_and_what_the_model_is_told_that_it_called() -> None:
    model = Model([wants(1, a=1, b=2), wants(2, a=1, b=2)], [wants(3, a=1, b=3)], [TextDelta("Done.")])
    events = await run(model, lambda _: Allow({"a": 1, "b": 3}))
    assert answers(events)[:2] == [("4", ""), ("4", "")]
    assert "made before" in answers(events)[2][0]  # what the person made of it is not run twice either
    started = [json.loads(event.arguments) for event in events if isinstance(event, ToolStarted)]
    assert started == [{"a": 1, "b": 3}, {"a": 1, "b": 3}]
    assert [call.args for call in model.asked[1][1].tool_calls] == [{"a": 1, "b": 3}] * 2
    assert [call.id for call in model.asked[1][1].tool_calls] == ["1", "2"]
    assert [message.tool_call_id for message in model.asked[1][2:]] == ["1", "2"]


async def test_a_call_can_be_stopped_alone_and_the_answer_goes_on() -> None:
    running, stopped, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def wait_for_ever() -> str:
        """Wait."""
        running.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return ""

    model = Model([ToolCallRequested("1", "wait_for_ever", "{}")], [TextDelta("Then not.")])
    loop = tool_loop.run(model, ASK, [as_tool(wait_for_ever)], lambda _: Allow(stopped=stopped))
    reading = asyncio.create_task(gather(loop))
    await running.wait()
    await asyncio.sleep(0.05)
    stopped.set()
    events = await reading
    assert ended.is_set()
    answer = next(event for event in events if isinstance(event, ToolAnswered))
    assert "stopped by the person" in answer.error
    assert not answer.denied
    assert 40 <= answer.ms < 5000
    assert text_of(events) == "Then not."
    assert "stopped by the person" in model.asked[1][2].text


async def test_a_call_that_is_stopped_before_it_runs_does_not_begin() -> None:
    """What a call waits for before it runs, such as the disk, takes time in which a person can stop it."""
    began, stopped, order = asyncio.Event(), asyncio.Event(), list[str]()

    async def begin() -> str:
        """Begin."""
        began.set()
        return "done"

    async def before() -> None:
        order.append("before")
        stopped.set()

    model = Model([ToolCallRequested("1", "begin", "{}")], [TextDelta("Then not.")])
    loop = tool_loop.run(model, ASK, [as_tool(begin)], lambda _: Allow(stopped=stopped, before=before))
    events = []
    async for event in loop:
        events.append(event)
        if isinstance(event, ToolStarted):
            order.append("started")
    answer = next(event for event in events if isinstance(event, ToolAnswered))
    assert "stopped by the person" in answer.error
    assert order == ["started", "before"]
    assert not began.is_set()
    assert text_of(events) == "Then not."


async def test_a_tool_that_does_not_let_go_is_left_to_itself() -> None:
    let_go = asyncio.Event()
    running, stopped = asyncio.Event(), asyncio.Event()

    async def hold_on() -> str:
        """Hold on."""
        running.set()
        while not let_go.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await let_go.wait()
        return "late"

    model = Model([ToolCallRequested("1", "hold_on", "{}")], [TextDelta("Then not.")])
    loop = tool_loop.run(model, ASK, [as_tool(hold_on)], lambda _: Allow(stopped=stopped))
    reading = asyncio.create_task(gather(loop))
    await running.wait()
    stopped.set()
    assert text_of(await asyncio.wait_for(reading, 3 * tool_loop.LET_GO_S)) == "Then not."
    let_go.set()


async def test_nobody_is_asked_for_a_call_that_cannot_run() -> None:
    asked: list[ToolCall] = []
    model = Model([wants(1, a=1), wants(2, name="subtract", a=1)], [TextDelta("Sorry.")])
    await run(model, lambda call: asked.append(call) or True)
    assert asked == []


async def test_the_model_is_told_what_it_thought_between_its_calls() -> None:
    model = Model([ReasoningDelta("I could "), ReasoningDelta("add."), wants(1, a=1, b=2)], [TextDelta("3.")])
    await run(model)
    assert model.asked[1][1].reasoning == "I could add."  # the provider drops it unless it is asked for


async def test_bad_arguments_and_unknown_tools_are_told_to_the_model() -> None:
    model = Model([wants(1, a=1), wants(2, name="subtract", a=1)], [TextDelta("Sorry.")])
    errors = [error for _, error in answers(await run(model))]
    assert "Bad arguments" in errors[0]
    assert errors[1] == "There is no tool subtract; there are add, calculator."


async def test_a_call_that_could_not_be_read_is_never_sent_back_as_a_call() -> None:
    model = Model([wants(1, problem="it is not valid JSON")], [TextDelta("Three.")])
    events = await run(model)
    assert text_of(events) == "Three."
    told = model.asked[1][-1]
    assert told.role == "user"
    assert "not valid JSON" in told.text
    assert not [message for message in model.asked[1] if message.role == "tool"]


@pytest.mark.parametrize("problem", ["", "it is not valid JSON"])
async def test_a_call_that_is_only_repeated_is_pointed_out_once_and_then_ends_it(problem: str) -> None:
    model = Model([wants(1, a=1, b=2, problem=problem)])
    events = await run(model)
    assert finish_of(events).reason == "repeated_call"
    assert len(model.asked) == 3
    assert "made before with the same arguments" in answers(events)[1][0]


async def test_the_same_call_twice_in_one_round_is_run_once_and_answered_twice() -> None:
    runs: list[ToolCall] = []
    model = Model([wants(number, a=1, b=2) for number in range(3)], [TextDelta("Three.")])
    events = await run(model, lambda call: runs.append(call) is None)
    assert (len(runs), answers(events)) == (1, [("3", "")] * 3)
    assert finish_of(events).reason == "stop"


async def test_a_tool_that_says_nothing() -> None:
    def beep(a: int) -> None:
        """Make a sound."""

    model = Model([wants(1, name="beep", a=1)], [TextDelta("Done.")])
    events = await gather(tool_loop.run(model, ASK, [as_tool(beep)], lambda _: True))
    assert answers(events) == [("(no result)", "")]
    assert model.asked[1][-1].text == "(no result)"


async def test_a_picture_is_given_back_as_one() -> None:
    def draw(size: int) -> Image:
        """Draw a square."""
        return Image(bytes(size), "image/webp")

    model = Model([wants(1, name="draw", size=4)], [TextDelta("A square.")])
    events = await gather(tool_loop.run(model, ASK, [as_tool(draw)], lambda _: True))
    (answer,) = [event for event in events if isinstance(event, ToolAnswered)]
    assert (answer.image, answer.media_type, answer.text) == (bytes(4), "image/webp", "(a picture)")
    assert model.asked[1][-1].content == (ImagePart(bytes(4), "image/webp"),)


async def test_a_picture_comes_with_its_words() -> None:
    def draw(size: int) -> Result:
        """Draw a square."""
        return Result("A red one.", Image(bytes(size), "image/webp"))

    model = Model([wants(1, name="draw", size=4)], [TextDelta("A square.")])
    events = await gather(tool_loop.run(model, ASK, [as_tool(draw)], lambda _: True))
    (answer,) = [event for event in events if isinstance(event, ToolAnswered)]
    assert (answer.image, answer.text) == (bytes(4), "A red one.")
    assert model.asked[1][-1].content == (TextPart("A red one."), ImagePart(bytes(4), "image/webp"))


async def test_what_a_tool_says_is_shortened_also_where_it_fails() -> None:
    def fail(a: int, b: int) -> None:
        """Fail."""
        raise ValueError("x" * 1000)

    async def shorten(text: str) -> str:
        await asyncio.sleep(0)
        return text[:10]

    model = Model([wants(1, "fail", a=1, b=2)], [TextDelta("Well.")])
    events = await gather(tool_loop.run(model, ASK, [as_tool(fail)], lambda _: True, shorten))
    assert answers(events) == [("", "fail faile")]
    assert model.asked[1][-1].text == "Error: fail faile"


async def test_a_call_is_the_same_whatever_the_order_of_its_arguments() -> None:
    events = await run(Model([wants(1, a=1, b=2)], [wants(2, b=2, a=1)], [TextDelta("Three.")]))
    assert answers(events)[0] == ("3", "")
    assert "made before with the same arguments" in answers(events)[1][0]


def test_a_forced_list_and_a_forced_text_have_an_end() -> None:
    def note(lines: list[str]) -> str:
        """Note it."""
        return ""

    forced = offer([note], "required")
    assert forced is not None
    said = forced.to(Template()).request["response_format"]["json_schema"]["schema"]
    lines = said["properties"]["arguments"]["properties"]["lines"]
    assert lines["maxItems"] > 0
    assert lines["items"]["maxLength"] > lines["items"]["minLength"] > 0


async def test_it_ends_after_ten_rounds() -> None:
    model = Model(*([wants(number, a=number, b=0)] for number in range(30)))
    events = await run(model)
    assert finish_of(events).reason == "tool_rounds"
    assert len(model.asked) == tool_loop.MOST_ROUNDS == len(answers(events)) + 1


async def test_a_failure_ends_it_and_what_came_stays() -> None:
    model = Model([wants(1, a=1, b=2)], [TextDelta("It is"), Failed(EngineError(Fault.CRASHED, "It crashed"))])
    events = await run(model)
    assert text_of(events) == "It is"
    assert isinstance(events[-1], Failed)


# With the real engine


@pytest.fixture
def load() -> LoadSettings:
    return LoadSettings(context_length=2048)


@pytest.mark.parametrize("rounds", [pytest.param(2, id="2"), pytest.param(20, id="20", marks=pytest.mark.soak)])
async def test_a_forced_call_of_a_function_comes_is_run_and_is_answered(
    starter_model: Path, paths: Paths, load: LoadSettings, rounds: int
) -> None:
    pool = Pool()
    provider = XLlamaCppProvider(pool, paths)
    try:
        for seed in range(rounds):
            answer = await provider.generate_message(
                [Message("user", f"What is {seed + 3} plus {seed + 4}?")],
                starter_model,
                [add],
                150,
                tool_choice="add",
                run_tools=True,
                load=load,
                seed=seed,
            )
            call = answer.tool_calls[0]
            assert (call.name, call.making, call.problem) == ("add", "forced", "")
            assert set(call.args) == {"a", "b"}
            assert all(isinstance(value, int) for value in call.args.values())
            assert answer.text
    finally:
        await pool.close()


@pytest.mark.parametrize("rounds", [pytest.param(2, id="2"), pytest.param(20, id="20", marks=pytest.mark.soak)])
async def test_a_forced_call_of_the_calculator_is_arithmetic_and_its_result_is_in_the_next_request(
    starter_model: Path, paths: Paths, load: LoadSettings, rounds: int
) -> None:
    """What the second request holds is told by the length of its prompt, which the engine counts."""
    pool = Pool()
    provider = XLlamaCppProvider(pool, paths)
    tools = [CalculatorTool()]
    try:
        for seed in range(rounds):
            ask = Message("user", f"What is {seed + 3} times {seed + 4}? Use the calculator.")
            sampling = Sampling(max_tokens=200, seed=seed)
            events = await gather(
                provider.stream(
                    [ask],
                    starter_model,
                    tools=tools,
                    tool_choice="calculator",
                    run_tools=True,
                    load=load,
                    sampling=sampling,
                )
            )
            wanted = next(event for event in events if isinstance(event, ToolCallRequested))
            answer = next(event for event in events if isinstance(event, ToolAnswered))
            assert (wanted.name, wanted.making, wanted.problem, answer.error) == ("calculator", "forced", "", "")
            assert answer.text == CalculatorTool()(**json.loads(wanted.arguments))
            after = events[events.index(answer) :]
            assert text_of(after).strip()
            told = [Message("assistant", "", (requested(wanted),)), Message("tool", answer.text, (), wanted.id)]
            expected = await provider.count_tokens([ask, *told], starter_model, tools)
            assert expected.exact
            assert progress_of(after)[0].total == expected
    finally:
        await pool.close()


class Order:
    """A tool whose schema was written by hand, with parts that refer to others."""

    name = "order"
    description = "Orders something to eat."
    parameters: ClassVar[Any] = {
        "type": "object",
        "$defs": {
            "food": {"enum": ["soup", "bread"]},
            "dish": {
                "type": "object",
                "properties": {
                    "what": {"$ref": "#/$defs/food"},
                    "beside": {"type": "array", "items": {"$ref": "#/$defs/food"}, "maxItems": 1},
                },
                "required": ["what", "beside"],
                "additionalProperties": False,
            },
        },
        "properties": {"dish": {"$ref": "#/$defs/dish"}},
        "required": ["dish"],
        "additionalProperties": False,
    }

    def __call__(self, dish: dict[str, Any]) -> str:
        return f"{dish['what']} is coming"


@pytest.mark.parametrize("others", [[], [add]], ids=["alone", "beside-another"])
async def test_a_schema_with_references_can_be_forced(
    starter_model: Path, paths: Paths, load: LoadSettings, others: list[Any]
) -> None:
    pool = Pool()
    try:
        message = await XLlamaCppProvider(pool, paths).generate_message(
            [Message("user", "I want soup. Order it.")],
            starter_model,
            [*others, Order()],
            150,
            tool_choice="required",
            load=load,
            temperature=0,
        )
    finally:
        await pool.close()
    (call,) = message.tool_calls
    assert (call.making, call.problem) == ("forced", "")
    if call.name == "order":
        assert call.args["dish"]["what"] in ("soup", "bread")
        assert isinstance(call.args["dish"]["beside"], list)
    else:
        assert others


@pytest.mark.parametrize("template", [QWEN, LLAMA], ids=["qwen", "llama"])
async def test_a_native_model_that_writes_its_call_as_json_is_rescued(
    starter_model: Path, paths: Paths, load: LoadSettings, tmp_path: Path, template: str
) -> None:
    """The text is forced by a grammar, on a template that supports tools: it lacks the marks that the engine awaits."""
    model = with_template(starter_model, tmp_path / "native.gguf", template)
    said = {"name": {"const": "calculator"}, "arguments": {"const": {"expression": "3 * 4"}}}
    schema = {"type": "object", "properties": said, "required": list(said), "additionalProperties": False}
    pool = Pool()
    try:
        message = await XLlamaCppProvider(pool, paths).generate_message(
            [Message("user", "What is 3 times 4?")],
            model,
            [CalculatorTool()],
            80,
            {"type": "json_schema", "json_schema": {"name": "call", "schema": schema}},
            load=load,
        )
        server = pool.find(model)
        assert server is not None
        assert server.properties.template.tools
    finally:
        await pool.close()
    (call,) = message.tool_calls
    assert (call.name, call.args) == ("calculator", {"expression": "3 * 4"})
    assert (call.making, call.problem) == ("rescued", "")
    assert json.loads(call.raw) == {"name": "calculator", "arguments": {"expression": "3 * 4"}}
    assert (message.text.strip(), message.finish_reason) == ("", "tool_calls")


async def test_a_forced_call_that_is_cut_says_so(starter_model: Path, paths: Paths, load: LoadSettings) -> None:
    pool = Pool()
    try:
        stream = XLlamaCppProvider(pool, paths).stream(
            ASK, starter_model, tools=[add], tool_choice="required", load=load, sampling=Sampling(0, max_tokens=4)
        )
        *_, wanted, end = await gather(stream)  # type: ignore[arg-type]
        assert isinstance(wanted, ToolCallRequested)
        assert wanted.problem
        assert isinstance(end, Finished)
        assert end.reason == "length"
    finally:
        await pool.close()


async def test_choices(starter_model: Path, paths: Paths) -> None:
    pool = Pool()
    provider = XLlamaCppProvider(pool, paths)
    with pytest.raises(ValueError, match="'subtract', which is no tool: add"):
        provider.stream(ASK, starter_model, tools=[add], tool_choice="subtract")
    with pytest.raises(ValueError, match="no tool was given"):
        provider.stream(ASK, starter_model, tool_choice="required")
    with pytest.raises(ValueError, match="Two tools are called 'add'"):
        provider.stream(ASK, starter_model, tools=[add, CalculatorTool(), add])
    with pytest.raises(ValueError, match="no room for a response_format"):
        provider.stream(
            ASK, starter_model, tools=[add], tool_choice="required", response_format={"type": "json_object"}
        )
    await pool.close()
