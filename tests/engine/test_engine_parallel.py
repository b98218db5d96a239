"""Chats side by side on one model: each slot has the whole context that was asked for."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from engine_runs import FILLER, finish_of, gather, loaded, text_of, user

from nodetool_xl_desktop.core.units import MIB
from nodetool_xl_desktop.engine.client import Sampling
from nodetool_xl_desktop.fit.estimate import estimate, padded_context
from nodetool_xl_desktop.fit.options import LoadOptions
from nodetool_xl_desktop.gguf import read_model

pytestmark = pytest.mark.usefixtures("no_process_left")


@pytest.mark.parametrize(("parallel", "context_length"), [(2, 500), (4, 256)])
async def test_each_chat_has_the_whole_context(starter_model: Path, parallel: int, context_length: int) -> None:
    options = LoadOptions(context_length, parallel=parallel)
    async with loaded(starter_model, options) as server:
        assert server.context_length == padded_context(context_length)
        planned = estimate(read_model(starter_model), options).host
        assert server.taken.context == pytest.approx(planned.context, abs=MIB)
        # Longer than an even share of the context would be.
        asked = user(f"{FILLER * (context_length // 26)} Go on.")
        events = await gather(server.stream_chat(asked, Sampling(0, max_tokens=4)))
        assert context_length / parallel < finish_of(events).usage.prompt_tokens < context_length
        assert finish_of(events).usage.completion_tokens


async def test_four_at_once_answer_as_one_alone(starter_model: Path) -> None:
    questions = ["Count from one to ten.", "Say hi.", "Name three colours.", "What is the capital of France?"]
    async with loaded(starter_model, LoadOptions(512, parallel=4)) as server:

        async def ask(question: str) -> str:
            events = await gather(server.stream_chat(user(question), Sampling(0, max_tokens=12)))
            assert finish_of(events).usage.completion_tokens
            return text_of(events)

        alone = [await ask(question) for question in questions]
        assert len(set(alone)) == 4
        # Computed together the last bits differ, and with them, now and then, a late word; the first ones do not.
        for told, expected in zip(await asyncio.gather(*map(ask, questions)), alone, strict=True):
            assert told.split()[:2] == expected.split()[:2]


async def test_more_requests_than_slots_wait_for_their_turn(starter_model: Path) -> None:
    async with loaded(starter_model, LoadOptions(512, parallel=2)) as server:
        asks = [gather(server.stream_chat(user(f"Say {word}."), Sampling(0, max_tokens=4))) for word in "abcde"]
        assert all(finish_of(events).usage.completion_tokens for events in await asyncio.gather(*asks))
