"""A tool that was looked through once is taken at once; what is no tool is refused each time."""

from __future__ import annotations

import time
from typing import Any

import pytest

from nodetool_xl_desktop.tools import CalculatorTool
from nodetool_xl_desktop.tools.checked import checked_tool


class Large:
    """A tool with many fields."""

    name = "large"
    description = "Takes much."

    def __init__(self, kind: Any) -> None:
        inside = {f"f{number}": {"type": kind} for number in range(300)}
        self.parameters = {"type": "object", "properties": inside}

    def __call__(self, **_arguments: Any) -> None:
        """Does nothing."""


def test_it_is_looked_through_once() -> None:
    began = time.perf_counter()
    first = Large("string")
    assert checked_tool(first) is first
    once = time.perf_counter() - began
    again = [Large("string") for _ in range(10)]
    began = time.perf_counter()
    assert all(checked_tool(each) is each for each in again)
    assert time.perf_counter() - began < once


@pytest.mark.parametrize("kind", ["no kind", {1}, 7])
def test_what_is_no_schema_is_refused_each_time(kind: Any) -> None:
    for _ in range(2):
        with pytest.raises(TypeError, match="no JSON Schema"):
            checked_tool(Large(kind))


def test_a_function_and_a_class() -> None:
    def add(a: int) -> int:
        """Add."""
        return a

    assert checked_tool(add).name == "add"
    with pytest.raises(TypeError, match="is a class"):
        checked_tool(CalculatorTool)
