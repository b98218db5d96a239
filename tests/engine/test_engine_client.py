"""Reading a stream of events: from a small server on loopback that sends exactly these bytes."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Sequence

import httpx2
import pytest
from engine_runs import failure_of, finish_of, gather, progress_of, reasoning_of, text_of, user

from nodetool_xl_desktop.core.network import engine_client
from nodetool_xl_desktop.engine.client import Sampling, stream_chat
from nodetool_xl_desktop.engine.errors import EngineError, Fault
from nodetool_xl_desktop.engine.events import Event, Failed, Finished, PromptProgress, Speed, Usage

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
DONE = b"data: [DONE]\n\n"


def chunk(value: object) -> bytes:
    return b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\n\n"


def says(text: str) -> bytes:
    return chunk({"choices": [{"delta": {"content": text}, "finish_reason": None}]})


def refuses(status: str, body: bytes, kind: str = "application/json") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body


@contextlib.asynccontextmanager
async def serving(pieces: Sequence[bytes], heard: list[bytes] | None = None) -> AsyncIterator[str]:
    """Send these bytes, each piece by itself, to whoever asks."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
        body = await reader.readexactly(length)
        if heard is not None:
            heard.extend((head, body))
        with contextlib.suppress(ConnectionError):
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0)
            writer.close()
            await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1")
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def ask(*pieces: bytes, heard: list[bytes] | None = None, sampling: Sampling | None = None) -> list[Event]:
    async with serving(pieces, heard) as address, engine_client(address, "key") as client:
        return await gather(stream_chat(client, user("Hello\u2028there"), sampling or Sampling()))


# Sound streams


@pytest.mark.parametrize(
    "letter", ["\u2028", "\u2029", "\u0085", "\x0b", "\x0c", "\x1c", "\r", "\n", "\u0000"], ids=repr
)
async def test_a_letter_that_some_call_a_line_end_breaks_nothing(letter: str) -> None:
    events = await ask(HEAD, says(f"before{letter}"), says(f"{letter}after"), DONE)
    assert text_of(events) == f"before{letter}{letter}after"
    assert finish_of(events).reason == "stop"


async def test_pieces_of_any_size_give_the_same_events() -> None:
    stream = HEAD + says("na\u00efve ") + says("\U0001f600") + chunk({"choices": [{"delta": {}}]}) + DONE
    for size in (1, 2, 3, 7, len(stream)):
        events = await ask(*[stream[start : start + size] for start in range(0, len(stream), size)])
        assert text_of(events) == "na\u00efve \U0001f600"
        assert isinstance(events[-1], Finished)


async def test_line_ends_of_two_letters_and_comments_are_read_too() -> None:
    events = await ask(HEAD, b": a comment\r\n\r\n", says("word").replace(b"\n", b"\r\n"), b"data:[DONE]\r\n\r\n")
    assert text_of(events) == "word"
    assert finish_of(events).reason == "stop"


async def test_reasoning_progress_usage_and_timings_come_out_as_they_are() -> None:
    events = await ask(
        HEAD,
        chunk({"choices": [], "prompt_progress": {"total": 40, "cache": 8, "processed": 24, "time_ms": 3}}),
        chunk({"choices": [{"delta": {"role": "assistant", "content": None}}]}),
        chunk({"choices": [{"delta": {"reasoning_content": "Hm."}}]}),
        says("Yes."),
        chunk({"choices": [{"delta": {}, "finish_reason": "length"}]}),
        chunk(
            {
                "choices": [],
                "usage": {
                    "prompt_tokens": 40,
                    "completion_tokens": 3,
                    "prompt_tokens_details": {"cached_tokens": 8},
                },
                "timings": {"prompt_per_second": 120.5, "predicted_per_second": 33.25},
            }
        ),
        DONE,
    )
    assert progress_of(events) == [PromptProgress(processed=24, total=40, cached=8)]
    assert reasoning_of(events) == "Hm."
    assert text_of(events) == "Yes."
    assert events[-1] == Finished("length", Usage(40, 3, 8), Speed(120.5, 33.25))


async def test_an_answer_without_figures_is_an_answer() -> None:
    speechless = chunk({"choices": [{"delta": {}}], "usage": None, "timings": {"prompt_per_second": None}})
    assert await ask(HEAD, speechless, DONE) == [Finished("stop", Usage(), Speed())]


async def test_the_request_says_what_was_asked() -> None:
    heard: list[bytes] = []
    await ask(HEAD, DONE, heard=heard, sampling=Sampling(temperature=0, max_tokens=5, repeat_penalty=None))
    head, body = heard
    assert head.startswith(b"POST /v1/chat/completions HTTP/1.1\r\n")
    assert b"authorization: bearer key" in head.lower()
    assert b"content-type: application/json" in head.lower()
    assert json.loads(body) == {
        "messages": [{"role": "user", "content": "Hello\u2028there"}],
        "stream": True,
        "stream_options": {"include_usage": True},
        "return_progress": True,
        "temperature": 0,
        "max_tokens": 5,
    }


# Faults


async def test_a_stream_that_ends_early_is_no_answer() -> None:
    async with serving([HEAD, says("Half an ans")]) as address, engine_client(address, "key") as client:
        answer = stream_chat(client, user("Hello"), Sampling())
        assert text_of([await anext(answer)]) == "Half an ans"
        with pytest.raises(httpx2.RemoteProtocolError, match="ended before"):
            await anext(answer)


@pytest.mark.parametrize(
    "noise", [b"data: {half a js\n\n", b"data: 5\n\n", b"data: null\n\n", b"data: \xff\xfe\n\n", b"data:\n\n"]
)
async def test_noise_in_the_stream_is_a_broken_connection(noise: bytes) -> None:
    with pytest.raises(httpx2.RemoteProtocolError, match="no event") as raised:
        await ask(HEAD, says("secret words"), noise, DONE)
    assert "half" not in str(raised.value)


@pytest.mark.parametrize("form", ["data", "error"])
async def test_an_error_in_the_middle_is_the_last_event(form: str) -> None:
    error = b'{"error": {"code": 500, "message": "the KV cache\\nis full", "type": "server_error"}}'
    events = await ask(HEAD, says("One"), form.encode() + b": " + error + b"\n\n", says("two"), DONE)
    assert text_of(events) == "One"
    failed = failure_of(events)
    assert "the KV cache is full" in str(failed.error)


async def test_an_overflow_names_both_numbers() -> None:
    body = {
        "error": {
            "code": 400,
            "type": "exceed_context_size_error",
            "message": "",
            "n_prompt_tokens": 5123,
            "n_ctx": 4096,
        }
    }
    (event,) = await ask(refuses("400 Bad Request", json.dumps(body).encode()))
    assert isinstance(event, Failed)
    assert isinstance(event.error, EngineError)
    assert event.error.fault is Fault.CONTEXT_OVERFLOW
    assert "5,123" in event.error.why
    assert "4,096" in event.error.why


@pytest.mark.parametrize(
    ("status", "body", "word"),
    [
        ("400 Bad Request", b'{"error": {"message": "no such role", "type": "invalid_request_error"}}', "no such role"),
        ("401 Unauthorized", b'{"error": {"message": "Invalid API Key"}}', "Invalid API Key"),
        ("500 Oops", b'{"error": "just words"}', "500"),
        ("500 Oops", b"[1, 2]", "500"),
        ("502 Bad Gateway", b"<html>\n<h1>Bad gateway</h1></html>", "502"),
        ("404 Not Found", b"", "404"),
        ("500 Oops", b"\xff\xfe\x00", "500"),
    ],
)
async def test_a_refusal_is_one_event_with_its_reason(status: str, body: bytes, word: str) -> None:
    (event,) = await ask(refuses(status, body))
    assert isinstance(event, Failed)
    assert isinstance(event.error, EngineError)
    assert event.error.fault is Fault.BAD_REQUEST
    assert word in str(event.error)
    assert "<" not in str(event.error)
    assert "\n" not in str(event.error)
    assert event.error.hint


async def test_nobody_there_is_a_transport_error() -> None:
    async with serving([]) as address:
        pass
    async with engine_client(address, "key") as client:
        with pytest.raises(httpx2.TransportError):
            await gather(stream_chat(client, user("Hello"), Sampling()))


async def test_leaving_the_answer_closes_the_connection() -> None:
    left = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(HEAD + says("word"))
        while await reader.read(65_536):
            pass
        left.set()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1")
    async with server, engine_client(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", "key") as client:
        answer = stream_chat(client, user("Hello"), Sampling())
        await anext(answer)
        await answer.aclose()
        async with asyncio.timeout(5):
            await left.wait()
