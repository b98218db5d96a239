"""Calls of tools: whatever a tool does, a result comes back, in time, and of a length that was said."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import enum
import threading
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import date
from types import SimpleNamespace
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.tools import CalculatorTool, Image, Result, as_tool, call
from nodetool_xl_desktop.tools.arguments import fit


class Colour(enum.Enum):
    RED = "red"


@dataclass
class Point:
    x: int
    y: float = 2.0


def echo(value: Any) -> Any:
    """Give it back."""
    return value


def takes(
    *,
    text: str = "",
    count: int = 0,
    share: float = 0.0,
    on: bool = False,
    items: list[int] = [],  # noqa: B006
    point: Point | None = None,
    unit: Literal["celsius", "kelvin"] = "celsius",
    either: int | str = 0,
    pair: tuple[int, str] = (0, ""),
) -> str:
    """Say what came."""
    return repr((text, count, share, on, items, point, unit, either, pair))


TAKES = as_tool(takes)


def returning(value: Any) -> Any:
    def give() -> Any:
        """Give it."""
        return value

    return as_tool(give)


# Arguments


@pytest.mark.parametrize(
    ("given_args", "taken"),
    [
        ({"count": "5"}, {"count": 5}),
        ({"count": " -5 "}, {"count": -5}),
        ({"count": 5.0}, {"count": 5}),
        ({"count": "5.0"}, {"count": 5}),
        ({"share": "2.5"}, {"share": 2.5}),
        ({"share": "1e3"}, {"share": 1000.0}),
        ({"share": 2}, {"share": 2}),
        ({"on": "True"}, {"on": True}),
        ({"on": "false"}, {"on": False}),
        ({"text": 5}, {"text": "5"}),
        ({"text": 2.5}, {"text": "2.5"}),
        ({"items": "[1, 2]"}, {"items": [1, 2]}),
        ({"items": ["1", 2.0]}, {"items": [1, 2]}),
        ({"point": {"x": "1"}}, {"point": {"x": 1}}),
        ({"point": '{"x": 1}'}, {"point": {"x": 1}}),
        ({"point": None}, {"point": None}),
        ({"point": "null"}, {"point": None}),
        ({"unit": "Kelvin"}, {"unit": "kelvin"}),
        ({"either": "5"}, {"either": "5"}),
        ({"either": 5}, {"either": 5}),
        ({"pair": ["1", 2]}, {"pair": [1, "2"]}),
        ({"count": None}, {}),
    ],
)
def test_what_has_one_reading_is_mended(given_args: dict[str, Any], taken: dict[str, Any]) -> None:
    fitted = fit(TAKES, given_args)
    assert fitted.problem == ""
    assert fitted.args == taken
    assert {name: type(value) for name, value in fitted.args.items()} == {
        name: type(value) for name, value in taken.items()
    }


@pytest.mark.parametrize(
    ("given_args", "problem"),
    [
        ({"count": "five"}, 'the argument `count` is "five", expected integer'),
        ({"count": 5.5}, "the argument `count` is 5.5, expected integer"),
        ({"count": True}, "the argument `count` is true, expected integer"),
        ({"count": "9" * 301}, f'the argument `count` is "{"9" * 59}..., expected integer'),
        ({"on": "yes"}, 'the argument `on` is "yes", expected boolean'),
        ({"on": 1}, "the argument `on` is 1, expected boolean"),
        ({"text": True}, "the argument `text` is true, expected string"),
        ({"items": [1, "x"]}, 'the argument `items[1]` is "x", expected integer'),
        ({"items": 5}, "the argument `items` is 5, expected array"),
        ({"point": {"y": 1}}, 'the argument `point` is {"y": 1}, expected with `x`'),
        ({"unit": "rankine"}, 'the argument `unit` is "rankine", expected one of "celsius", "kelvin"'),
        ({"either": [1]}, "the argument `either` is [1], expected integer or string"),
        (
            {"colour": "red"},
            "takes has no argument `colour`; it takes "
            "`text`, `count`, `share`, `on`, `items`, `point`, `unit`, `either`, `pair`",
        ),
    ],
)
async def test_what_does_not_fit_names_the_argument_and_what_was_expected(
    given_args: dict[str, Any], problem: str
) -> None:
    assert fit(TAKES, given_args).problem == problem
    assert await call(TAKES, given_args) == Result(error=f"Bad arguments: {problem}.")


def test_a_missing_argument_is_named_and_a_wrong_name_comes_first() -> None:
    assert fit(CalculatorTool(), {}).problem == "the argument `expression` is missing"
    problem = fit(CalculatorTool(), {"expr": "1"}).problem
    assert problem == "calculator has no argument `expr`; it takes `expression`"


def test_the_arguments_given_are_left_as_they_were() -> None:
    given_args = {"items": ["1"], "point": {"x": "1"}}
    fit(TAKES, given_args)
    assert given_args == {"items": ["1"], "point": {"x": "1"}}


# Letters of its own: to make any, Hypothesis first writes a table of Unicode, and takes seconds for it.
TEXT = st.text(alphabet='0123456789 .-+eE truefalsn{}[]:,"xyé\0', max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*TAKES.parameters["properties"], "other"]), JSON))
def test_any_arguments_fit_or_have_a_problem_and_fitting_twice_changes_nothing(given_args: dict[str, Any]) -> None:
    once = fit(TAKES, given_args)
    assert fit(TAKES, once.args) == once or "nan" in repr(once)


class Referring(CalculatorTool):
    def __init__(self, reference: str) -> None:
        super().__init__()
        self.parameters = {  # type: ignore[misc]
            "type": "object",
            "properties": {"expression": {"$ref": reference}},
            "$defs": {"number": {"type": "integer"}, "self": {"$ref": "#/$defs/self"}},
        }


def test_references_are_followed_inside_the_schema_and_nowhere_else() -> None:
    assert fit(Referring("#/$defs/number"), {"expression": "5"}).args == {"expression": 5}
    for reference in ("#/$defs/other", "http://localhost.invalid/schema.json"):
        assert "refers to what it does not have" in fit(Referring(reference), {"expression": "5"}).problem
    assert fit(Referring("#/$defs/self"), {"expression": "5"}).problem != ""


# Results


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("as it is", "as it is"),
        (None, "(no result)"),
        (5, "5"),
        ({"a": [1, 2.5, None, True]}, '{"a": [1, 2.5, null, true]}'),
        ("grün", "grün"),
        (["grün"], '["grün"]'),
        (Point(1), '{"x": 1, "y": 2.0}'),
        ([Colour.RED], '["red"]'),
        (date(2026, 2, 1), '"2026-02-01"'),
        ({3}, "[3]"),
        ((1, 2), "[1, 2]"),
    ],
)
async def test_a_result_is_text_or_json(value: Any, text: str) -> None:
    assert await call(returning(value), {}) == Result(text)


async def test_an_argument_that_became_a_dataclass_comes_back_whole() -> None:
    def give(point: Point) -> Point:
        """Give it back."""
        return point

    assert await call(as_tool(give), {"point": {"x": 1}}) == Result('{"x": 1, "y": 2.0}')


async def test_a_result_may_be_an_image() -> None:
    image = Image(b"\x89PNG", "image/png")
    assert await call(returning(image), {}) == Result(image=image)


async def test_a_result_that_json_cannot_hold_is_an_error() -> None:
    circle: list[Any] = []
    circle.append(circle)
    for value in (object(), circle, {(1, 2): 3}, (one for one in ())):
        result = await call(returning(value), {})
        assert (result.text, result.image) == ("", None)
        assert result.error.startswith(f"Its result is a {type(value).__name__}, which cannot be written as JSON")


async def test_a_long_result_is_cut_and_says_so() -> None:
    assert (await call(returning("x" * 20_000), {})).text == "x" * 20_000
    result = await call(returning("x" * 53_112), {})
    assert result.text == "x" * 20_000 + "... (cut: 20,000 of 53,112 characters)"
    assert (await call(returning([1] * 10), {}, most_characters=4)).text == "[1, ... (cut: 4 of 30 characters)"


# Faults


def failing(error: BaseException) -> Any:
    def fail() -> None:
        """Fail."""
        raise error

    return as_tool(fail)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("a bad value"), "fail failed: ValueError: a bad value"),
        (KeyError(), "fail failed: KeyError"),
        (TimeoutError("its own"), "fail failed: TimeoutError: its own"),
        (UserFacingError("It is closed", "of the hour", "Come back"), "It is closed: of the hour. Come back."),
        (StopIteration(), "fail failed: RuntimeError: it ended with StopIteration"),
        (SystemExit(3), "fail failed: RuntimeError: it ended with SystemExit"),
    ],
)
async def test_what_a_tool_raises_is_its_result(error: BaseException, text: str) -> None:
    assert await call(failing(error), {}) == Result(error=text)


async def test_what_an_async_tool_raises_is_its_result_too() -> None:
    async def fail() -> None:
        """Fail."""
        await asyncio.sleep(0)
        raise ValueError("x" * 100)

    result = await call(as_tool(fail), {}, most_characters=30)
    assert result.error == "fail failed: ValueError: xxxxx... (cut: 30 of 125 characters)"


async def test_what_was_said_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"):
        await call(failing(ValueError("secret")), {})
    assert "ValueError" in caplog.text
    assert "secret" not in caplog.text


# Time


async def test_a_sync_tool_runs_beside_the_loop() -> None:
    def where() -> str:
        """Say where."""
        return threading.current_thread().name

    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    ticking = asyncio.create_task(tick())
    assert (await call(as_tool(where), {})).text == "tool"
    assert await call(as_tool(slow_sleep), {}, timeout_s=5) == Result("(no result)")
    ticking.cancel()
    assert ticks >= 5


def slow_sleep(seconds: float = 0.2) -> None:
    """Take a while."""
    time.sleep(seconds)


async def test_a_sync_tool_is_given_up_at_its_limit() -> None:
    began = time.monotonic()
    result = await call(as_tool(slow_sleep), {"seconds": 3}, timeout_s=0.1)
    assert result == Result(error="slow_sleep took longer than 0.1 s and was given up.")
    assert time.monotonic() - began < 2


def test_the_loop_does_not_wait_for_a_sync_tool_at_its_end() -> None:
    began = time.monotonic()
    asyncio.run(call(as_tool(slow_sleep), {"seconds": 10}, timeout_s=0.05))  # type: ignore[arg-type]
    assert time.monotonic() - began < 5


async def test_an_async_tool_is_cancelled_at_its_limit() -> None:
    ended: list[str] = []

    async def wait() -> None:
        """Wait."""
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    assert (await call(as_tool(wait), {}, timeout_s=0.05)).error.startswith("wait took longer than 0.05 s")
    assert ended == ["cancelled"]


async def test_the_coroutine_of_a_sync_function_is_waited_for_too() -> None:
    async def later(text: str) -> str:
        await asyncio.sleep(0)
        return text

    def hand_over(text: str) -> Awaitable[str]:
        """Hand it over."""
        return later(text)

    assert await call(as_tool(hand_over), {"text": "there"}) == Result("there")


async def test_an_async_object_is_cancelled_with_its_caller() -> None:
    class Waiting(CalculatorTool):
        began = asyncio.Event()
        ended = False

        async def __call__(self, expression: str) -> str:  # type: ignore[override]
            self.began.set()
            try:
                await asyncio.sleep(60)
            finally:
                Waiting.ended = True
            return ""

    task = asyncio.create_task(call(Waiting(), {"expression": "1"}))
    await Waiting.began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert Waiting.ended


async def test_the_caller_of_a_sync_tool_is_cancelled_at_once_and_the_thread_ends_in_peace() -> None:
    gate, done = threading.Event(), threading.Event()
    faults: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, fault: faults.append(fault))

    def wait() -> None:
        """Wait."""
        gate.wait(10)
        done.set()

    task = asyncio.create_task(call(as_tool(wait), {}))
    await asyncio.sleep(0.05)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert task.cancelled()
    gate.set()
    assert await asyncio.to_thread(done.wait, 5)
    await asyncio.sleep(0.05)
    assert faults == []


class Mute(Exception):
    def __str__(self) -> str:
        raise ValueError


@pytest.mark.parametrize(
    ("error", "text"),
    [(Mute(), "Mute"), (SystemExit(3), "SystemExit"), (asyncio.CancelledError(), "CancelledError")],
    ids=["no message", "exit", "cancelled"],
)
async def test_whatever_an_async_tool_raises_the_conversation_goes_on(error: BaseException, text: str) -> None:
    async def fail() -> None:
        """Fail."""
        raise error

    result = await call(as_tool(fail), {})
    assert text in result.error


async def test_what_is_known_of_the_caller_is_known_in_the_thread_of_a_tool() -> None:
    who: contextvars.ContextVar[str] = contextvars.ContextVar("who")
    who.set("me")

    def ask() -> str:
        """Ask."""
        return who.get("nobody")

    assert (await call(as_tool(ask), {})).text == "me"


def test_a_class_is_no_tool_and_neither_is_a_half_one() -> None:
    with pytest.raises(TypeError, match=r"such as CalculatorTool\(\)"):
        as_tool(CalculatorTool)
    for changed in ({"parameters": None}, {"description": None}, {"name": 5}):
        half = SimpleNamespace(name="half", description="Half a tool.", parameters={"type": "object"})
        vars(half).update(changed)
        with pytest.raises(TypeError):
            as_tool(type("Half", (), {**vars(half), "__call__": lambda self: ""})())


@pytest.mark.parametrize("reference", ["#/$defs/gone", "#name", "https://example.org/schema", "#/properties/a/enum/7"])
def test_a_schema_that_refers_to_nothing_is_refused_at_once(reference: str) -> None:
    schema = {"type": "object", "properties": {"a": {"enum": [1]}, "b": {"$ref": reference}}}
    tool = type("T", (), {"name": "t", "description": "T.", "parameters": schema, "__call__": lambda self: ""})()
    with pytest.raises(TypeError, match="t: its parameters refer to"):
        as_tool(tool)


async def test_no_result_ends_the_turn_that_it_stands_in() -> None:
    marks = ["<|im_end|>", "<|eot_id|>", "<\uff5cAssistant\uff5c>", "</s>", "<end_of_turn>", "[/INST]"]

    def page(fails: bool = False) -> str:
        """Reads a page."""
        if fails:
            raise UserFacingError(marks[0])
        return " ".join(marks)

    read = (await call(as_tool(page), {})).text
    assert not any(mark in read for mark in marks)
    assert read.replace("\u200b", "") == " ".join(marks), "and it reads as it did"
    assert marks[0] not in (await call(as_tool(page), {"fails": True})).error

    def code() -> str:
        """Reads code."""
        return "a <| b |> c; x[0] <span> list<str>"

    assert (await call(as_tool(code), {})).text == code()
