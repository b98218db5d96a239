"""A provider with the real engine: what an answer is, how it fails, and who shares a model."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener  # noqa: TID251 - whoever has the key may use any client

import processes
import pytest
from engine_runs import failure_of, finish_of, gather, progress_of, text_of
from gguf_writer import write_gguf
from hub_server import HubServer

from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.engine.client import Sampling
from nodetool_xl_desktop.engine.errors import EngineError, Fault
from nodetool_xl_desktop.engine.pool import Pool
from nodetool_xl_desktop.fit.options import LoadSettings
from nodetool_xl_desktop.provider import Chunk, Endpoint, ImagePart, Message, Provider, XLlamaCppProvider, get_provider

pytestmark = pytest.mark.usefixtures("no_process_left")

SMALL = LoadSettings(context_length=1024)
COUNT = [Message("user", "Count from one to twenty, in words.")]
LONG = [Message("user", "Write a very long story about a ship and its crew, with many chapters.")]
Result = TypeVar("Result")


@asynccontextmanager
async def provided(paths: Paths, endpoint: str | None = None) -> AsyncIterator[XLlamaCppProvider]:
    pool = Pool()
    try:
        yield await get_provider(Provider.XLlamaCpp, user_id="1", pool=pool, paths=paths, endpoint=endpoint)
    finally:
        await pool.close()


async def fails(answer: Awaitable[Result]) -> EngineError:
    with pytest.raises(EngineError) as error:
        await answer
    return error.value


async def slot_is_idle(provider: XLlamaCppProvider, model: Path, within_s: float) -> bool:
    """Whether the engine, which has one slot, takes the next question at once."""
    start = time.monotonic()
    await provider.generate_message([Message("user", "Hi")], model, max_tokens=1, load=SMALL)
    return time.monotonic() - start < within_s


def ask_endpoint(endpoint: Endpoint, key: str | None, path: str = "/v1/chat/completions") -> dict[str, Any]:
    """As any other program would ask: with nothing but the standard library."""
    body = json.dumps({"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 2}).encode()
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key is not None else {})}
    request = Request(endpoint.base_url + path, body, headers)
    opener = build_opener(ProxyHandler({}))
    with opener.open(request, timeout=30) as response:
        answer: dict[str, Any] = json.load(response)
    return answer


# One answer, seen in three ways


async def test_events_chunks_and_the_message_are_one_answer(starter_model: Path, paths: Paths) -> None:
    async with provided(paths) as provider:
        events = await gather(
            provider.stream(COUNT, starter_model, load=SMALL, sampling=Sampling(temperature=0, max_tokens=12))
        )
        plain = [{"role": "user", "content": COUNT[0].text}]
        chunks = [
            item async for item in provider.generate_messages(plain, starter_model, (), 12, load=SMALL, temperature=0)
        ]
        message = await provider.generate_message(COUNT, str(starter_model), max_tokens=12, load=SMALL, temperature=0)
        assert len(provider.pool.loaded) == 1
    end = finish_of(events)
    assert progress_of(events)
    assert all(isinstance(chunk, Chunk) for chunk in chunks)
    *pieces, done = chunks
    assert len(pieces) > 5
    assert not any(chunk.done for chunk in pieces)
    assert (done.done, done.content) == (True, "")
    assert text_of(events) == "".join(chunk.content for chunk in pieces) == message.content != ""
    assert end.reason == done.finish_reason == message.finish_reason == "length"
    assert end.usage.completion_tokens == done.usage.completion_tokens == message.usage.completion_tokens == 12
    assert end.usage.prompt_tokens == done.usage.prompt_tokens == message.usage.prompt_tokens > 20
    assert message.usage.cached_tokens > 0
    assert (message.role, message.tool_calls, message.reasoning) == ("assistant", (), "")


async def test_what_the_caller_says_of_sampling_reaches_the_engine(starter_model: Path, paths: Paths) -> None:
    async with provided(paths) as provider:

        async def answer(**sampling: Any) -> Message:
            return await provider.generate_message(COUNT, starter_model, max_tokens=12, load=SMALL, **sampling)

        first, second, other = [(await answer(temperature=1.5, seed=seed)).content for seed in (7, 7, 8)]
        assert first == second != other

        greedy = await answer(temperature=0)
        assert (await answer(temperature=1.9, top_k=1, seed=1)).content == greedy.content
        word = greedy.text[6:9]
        for stop in (word, (word,), [word]):
            stopped = await answer(temperature=0, stop=stop)
            assert stopped.text == greedy.text[: greedy.text.index(word)]
            assert stopped.finish_reason == "stop"

        with pytest.raises(TypeError, match="temprature"):
            await answer(temprature=1)


async def test_json_was_asked_and_json_comes(starter_model: Path, paths: Paths) -> None:
    schema = {
        "type": "object",
        "properties": {"name": {"enum": ["sea", "ship"]}, "count": {"type": "integer", "maximum": 99}},
        "required": ["name", "count"],
        "additionalProperties": False,
    }
    by_schema = {"type": "json_schema", "json_schema": {"name": "thing", "schema": schema}}
    ask = [Message("user", "Describe a thing as JSON.")]
    async with provided(paths) as provider:
        answer = await provider.generate_message(
            ask, starter_model, response_format=by_schema, load=SMALL, max_tokens=40, temperature=0
        )
        said = json.loads(answer.text)
        assert set(said) == {"name", "count"}
        assert said["name"] in ("sea", "ship")
        assert isinstance(said["count"], int)

        free = await provider.generate_message(
            ask, starter_model, response_format={"type": "json_object"}, load=SMALL, max_tokens=40, temperature=0
        )
        assert free.text.lstrip().startswith("{")
        if free.finish_reason == "stop":
            assert isinstance(json.loads(free.text), dict)

        error = await fails(
            provider.generate_message(ask, starter_model, response_format={"type": "yaml"}, load=SMALL, max_tokens=4)
        )
        assert error.fault is Fault.BAD_REQUEST
        assert "yaml" in error.why


# Failures


async def test_too_long_a_chat_names_both_numbers(starter_model: Path, paths: Paths) -> None:
    load = LoadSettings(context_length=256)
    asked = [Message("user", "word " * 400)]
    async with provided(paths) as provider:
        events = await gather(provider.stream(asked, starter_model, load=load))
        error = await fails(provider.generate_message(asked, starter_model, load=load))
        counted = await provider.count_tokens(asked, starter_model)
        huge = await fails(provider.generate_message([Message("user", "x" * 1_000_000)], starter_model, load=load))
    assert error.fault is huge.fault is Fault.CONTEXT_OVERFLOW
    assert f"{counted:,}" in error.why
    assert "256" in error.why
    assert str(failure_of(events).error) == str(error)


async def test_what_the_engine_cannot_take_is_a_bad_request_and_the_next_one_is_answered(
    starter_model: Path, paths: Paths
) -> None:
    async with provided(paths) as provider:
        for asked in ([], [Message("system", "")], [Message("user", [ImagePart(b"pixels")])]):
            error = await fails(provider.generate_message(asked, starter_model, load=SMALL))
            assert error.fault is Fault.BAD_REQUEST
            failure_of(await gather(provider.stream(asked, starter_model, load=SMALL)))
        with pytest.raises(ValueError, match="role"):
            await provider.generate_message([{"content": "Hi"}], starter_model, load=SMALL)
        with pytest.raises(ValueError, match="content"):
            await gather(provider.stream([{"role": "user", "content": 5}], starter_model, load=SMALL))
        (server,) = provider.pool.loaded
        assert await slot_is_idle(provider, starter_model, 20)
        assert provider.pool.loaded == (server,)


async def test_a_model_that_cannot_be_loaded_is_an_event_and_an_error(tmp_path: Path, paths: Paths) -> None:
    (tmp_path / "words.gguf").write_text("words")
    unknown = write_gguf(
        tmp_path / "unknown.gguf", {"general.architecture": "nonesuch"}, [("token_embd.weight", (256, 4), "F32")]
    )
    async with provided(paths) as provider:
        for model, fault in (
            (tmp_path / "words.gguf", Fault.NOT_A_MODEL),
            (tmp_path / "missing.gguf", Fault.FILE),
            ("nothing", Fault.NO_MODEL),
            (unknown, Fault.UNKNOWN_ARCHITECTURE),
        ):
            failed = failure_of(await gather(provider.stream(COUNT, model))).error
            assert isinstance(failed, EngineError)
            for attempt in (
                provider.generate_message(COUNT, model),
                provider.load(model),
                provider.endpoint(model),
            ):
                error = await fails(attempt)
                assert error.fault is failed.fault is fault
                assert str(error) == str(failed)
        assert provider.pool.loaded == ()


async def test_no_time_left_is_an_event_and_an_error(starter_model: Path, paths: Paths) -> None:
    async with provided(paths) as provider:
        for timeout_s in (0, 0.05):
            error = await fails(provider.generate_message(LONG, starter_model, load=SMALL, timeout_s=timeout_s))
            assert error.fault is Fault.TIMEOUT
        assert provider.pool.loaded == ()  # its load was cancelled

        await provider.load(starter_model, load=SMALL)
        start = time.monotonic()
        events = await gather(provider.stream(LONG, starter_model, load=SMALL, timeout_s=1))
        assert time.monotonic() - start < 6
        assert failure_of(events).error.fault is Fault.TIMEOUT  # type: ignore[attr-defined]
        assert "1 s" in failure_of(events).error.why
        assert text_of(events)
        assert await slot_is_idle(provider, starter_model, 10)


async def test_who_reads_slowly_is_not_out_of_time_while_he_thinks(starter_model: Path, paths: Paths) -> None:
    """The time-out ends the wait for the engine; it never raises inside the code that reads."""
    async with provided(paths) as provider:
        await provider.load(starter_model, load=SMALL)
        events = provider.stream(LONG, starter_model, load=SMALL, timeout_s=0.5)
        async with aclosing(events):
            await anext(events)
            await asyncio.sleep(0.8)
            rest = [event async for event in events]
        assert failure_of(rest).error.fault is Fault.TIMEOUT  # type: ignore[attr-defined]


async def test_leaving_early_frees_the_engine(starter_model: Path, paths: Paths) -> None:
    async with provided(paths) as provider:
        for _ in range(2):
            chunks = provider.generate_messages(LONG, starter_model, load=SMALL, temperature=0)
            async with aclosing(chunks):
                await anext(chunks)
            assert await slot_is_idle(provider, starter_model, 10)
        task = asyncio.create_task(provider.generate_message(LONG, starter_model, load=SMALL, temperature=0))
        await asyncio.sleep(0.5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await slot_is_idle(provider, starter_model, 10)


async def test_ejected_in_the_middle_what_came_before_stands(starter_model: Path, paths: Paths) -> None:
    async with provided(paths) as provider:
        chunks = provider.generate_messages(LONG, starter_model, load=SMALL, temperature=0)
        got = [await anext(chunks) for _ in range(3)]
        await provider.eject(starter_model)
        assert provider.pool.loaded == ()
        assert processes.children() == []
        with pytest.raises(EngineError) as error:
            got += [chunk async for chunk in chunks]
        assert error.value.fault is Fault.EJECTED
        assert all(isinstance(chunk, Chunk) and chunk.content for chunk in got)


# Sharing


async def test_two_providers_share_a_model_and_its_process(starter_model: Path, paths: Paths) -> None:
    async with provided(paths) as first:
        second = XLlamaCppProvider(first.pool, paths)
        await asyncio.gather(
            *(each.generate_message(COUNT, starter_model, max_tokens=2, load=SMALL) for each in (first, second))
        )
        assert len(processes.children()) == len(first.pool.loaded) == 1
        counted = await second.count_tokens(COUNT, starter_model)
        assert counted.exact
        await second.close()
        error = await fails(first.generate_message(COUNT, starter_model, max_tokens=2, load=SMALL))
        assert error.fault is Fault.EJECTED


async def test_four_at_once_each_with_the_whole_context(starter_model: Path, paths: Paths) -> None:
    load = LoadSettings(context_length=256, parallel=4)
    long = [Message("user", "word " * 200)]  # with four slots of 64 tokens it would not fit
    async with provided(paths) as provider:
        server = await provider.load(starter_model, load=load)
        assert server.context_length == 256
        chats = [COUNT, LONG, long, [Message("user", "Hi")]]
        asked = [provider.generate_message(chat, starter_model, max_tokens=8, load=load) for chat in chats]
        answers = await asyncio.gather(*asked)
        assert [answer.usage.completion_tokens for answer in answers][:2] == [8, 8]
        assert answers[2].usage.prompt_tokens > 200
        assert provider.pool.loaded == (server,)


async def test_the_endpoint_is_for_any_client_that_has_the_key(starter_model: Path, paths: Paths) -> None:
    async with provided(paths) as provider:
        endpoint = await provider.endpoint(starter_model, load=SMALL)
        assert endpoint == await provider.endpoint(starter_model, load=SMALL)
        assert endpoint.base_url.startswith("http://127.0.0.1:")
        assert endpoint.api_key not in repr(endpoint)
        answer = await asyncio.to_thread(ask_endpoint, endpoint, endpoint.api_key)
        assert answer["choices"][0]["message"]["role"] == "assistant"
        for key in (None, "", "wrong", endpoint.api_key[:-1]):
            with pytest.raises(HTTPError, match="401"):
                await asyncio.to_thread(ask_endpoint, endpoint, key)


async def test_the_starter_model_from_a_hub_to_its_answer(starter_model: Path, paths: Paths) -> None:
    repo = "org/SmolLM2-135M-Instruct-GGUF"
    with HubServer({repo: {starter_model.name: starter_model}}) as hub:
        async with provided(paths, endpoint=hub.url) as provider:
            assert not provider.has_tool_support(repo)
            for name in (repo, f"{repo}:Q4_1", f"{repo}/{starter_model.name}"):
                answer = await provider.generate_message(COUNT, name, max_tokens=2, load=SMALL)
                assert answer.usage.completion_tokens == 2
            assert len(provider.pool.loaded) == 1
            assert (await provider.count_tokens(COUNT, repo)).exact
            assert provider.has_tool_support(repo)
            (listed,) = await provider.get_available_language_models()
            assert listed.path == provider.pool.loaded[0].model
            await provider.eject(listed.id)
            assert provider.pool.loaded == ()
        assert hub.served == listed.size
