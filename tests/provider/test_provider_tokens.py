"""Counting before a model is loaded: an estimate that says that it is one."""

from __future__ import annotations

import time
from pathlib import Path

import processes
import pytest
from hypothesis import given
from provider_chats import chats

from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.engine.pool import Pool
from nodetool_xl_desktop.provider import ImagePart, Message, ToolCall, ToolResultPart, XLlamaCppProvider
from nodetool_xl_desktop.provider.tokens import estimate
from nodetool_xl_desktop.tools import CalculatorTool

#: What the starter model itself counts of these texts, its template included (SmolLM2, with its default system text).
COUNTED = {
    "Hi": 31,
    "The quick brown fox jumps over the lazy dog, and then it rests beside the river. " * 20: 391,
    "def add(a: int, b: int) -> int:\n    return a + b\n" * 20: 430,
}


async def test_without_a_loaded_model_it_is_an_estimate_and_loads_nothing(starter_model: Path, paths: Paths) -> None:
    pool = Pool()
    provider = XLlamaCppProvider(pool, paths)
    for model in (starter_model, str(starter_model), "not/here", "nothing", ""):
        count = await provider.count_tokens([Message("user", "Hi")], model)
        assert not count.exact
        assert 4 <= count < 20
    with_tools = await provider.count_tokens([Message("user", "Hi")], starter_model, [CalculatorTool()])
    assert with_tools > 50 + count
    assert await provider.count_tokens([{"role": "user", "content": "Hi"}], starter_model) == count
    assert pool.loaded == ()
    assert processes.children() == []
    assert not paths.models.exists()


@pytest.mark.parametrize(("text", "counted"), COUNTED.items(), ids=["short", "prose", "code"])
def test_english_and_code_come_out_about_right(text: str, counted: int) -> None:
    assert counted / 2 - 20 < estimate([Message("user", text)]) < counted * 1.5


def test_no_message_is_nearly_nothing() -> None:
    assert estimate([]) < 10
    assert not estimate([]).exact
    assert estimate([Message("user", "")]) < 10


def test_everything_in_a_message_counts() -> None:
    words = "several words of some length, which all are tokens"
    least = estimate([Message("user", words)])
    nothing = estimate([Message("user")])
    assert estimate([Message("tool", [ToolResultPart("1", "add", words)])]) >= least
    assert estimate([Message("assistant", None, (ToolCall("1", "add", {"a": words}),))]) > least
    assert estimate([Message("user", [ImagePart(b"pixels")])]) > nothing + 100
    assert estimate([Message("user", words)] * 10) > 8 * least


@given(chats)
def test_any_chat_can_be_counted_and_more_is_never_less(chat: list[Message]) -> None:
    assert 0 < estimate(chat) <= estimate([*chat, Message("user", "more")])


@pytest.mark.parametrize("text", ["a", " ", "\n", "aZ", "1", "漢", "\ud800", "\U0001f600", "<|endoftext|>"])
def test_a_megabyte_takes_no_time(text: str) -> None:
    """A tokenizer's time may grow with the square of a run without a break."""
    estimate([Message("user", "the table is read at the first use")])
    start = time.process_time()
    assert estimate([Message("user", text * (1_000_000 // len(text)))]) > 5_000
    assert time.process_time() - start < 2
