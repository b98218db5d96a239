"""Sources of tools that are imported when they are first needed."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import pytest

from nodetool_xl_desktop.chat.late_source import LateSource
from nodetool_xl_desktop.tools import as_tool
from nodetool_xl_desktop.tools.source import Offered, Workspace


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


class Source:
    def __init__(self, module: ModuleType) -> None:
        self.module = module

    async def offered(self, workspace: Workspace) -> Sequence[Offered]:
        return [Offered(as_tool(add), "Add")]


@pytest.fixture
def slow_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module that takes a moment to be imported."""
    name = f"late_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text("import time\ntime.sleep(0.2)\nwhere = 'here'\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    return name


async def test_it_is_made_once_for_all_who_ask_and_the_loop_goes_on_meanwhile(slow_module: str) -> None:
    made: list[Source] = []

    def make(module: ModuleType) -> Source:
        made.append(Source(module))
        return made[-1]

    late = LateSource(slow_module, make)
    assert late.made is None
    asked = asyncio.gather(late.get(), late.get(), late.offered(Workspace()))
    steps = 0
    while not asked.done():
        await asyncio.sleep(0.005)
        steps += 1
    one, other, offered = await asked
    assert steps > 5
    assert made == [one] == [other] == [late.made]
    assert one.module.where == "here"
    assert [each.title for each in offered] == ["Add"]


async def test_who_waits_no_longer_takes_it_from_nobody_else(slow_module: str) -> None:
    late = LateSource(slow_module, Source)
    one, other = asyncio.ensure_future(late.get()), asyncio.ensure_future(late.get())
    await asyncio.sleep(0.01)
    one.cancel()
    assert (await other).module is sys.modules[slow_module]
    assert one.cancelled()


async def test_nothing_is_left_of_it_where_nobody_waits_any_more_and_it_can_be_had_again(slow_module: str) -> None:
    late = LateSource(slow_module, Source)
    one = asyncio.ensure_future(late.get())
    await asyncio.sleep(0.01)
    one.cancel()
    await asyncio.wait([one])
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert late.made is None
    assert (await late.get()).module.where == "here"
