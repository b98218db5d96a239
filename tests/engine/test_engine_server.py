"""One loaded model, with the real engine: what it takes, what it answers, who may ask it, and its end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from pathlib import Path

import processes
import psutil
import pytest
import scripted_worker
from engine_runs import (
    FILLER,
    GREEDY,
    OPTIONS,
    failure_of,
    finish_of,
    gather,
    loaded,
    progress_of,
    reasoning_of,
    text_of,
    until_text,
    user,
)

from nodetool_xl_desktop.core.network import engine_client
from nodetool_xl_desktop.core.units import MIB
from nodetool_xl_desktop.engine.child import GRACE_S
from nodetool_xl_desktop.engine.client import Sampling
from nodetool_xl_desktop.engine.errors import EngineError, Fault
from nodetool_xl_desktop.engine.events import PromptProgress, TextDelta
from nodetool_xl_desktop.engine.server import EngineServer
from nodetool_xl_desktop.fit.estimate import estimate, padded_context
from nodetool_xl_desktop.fit.options import LoadOptions
from nodetool_xl_desktop.gguf import read_model

pytestmark = pytest.mark.usefixtures("no_process_left")

LONG = "Write a very long story about a ship and its crew, with many chapters."
#: What issue 2 allows between Stop and an idle engine.
STOP_WITHIN_S = 1.0


# What a load is


@pytest.mark.parametrize(
    ("context_length", "batch"), [(256, 32), (1000, 128), (4096, 128), (4096, 512), (8192, 256), (8192, 2048)]
)
async def test_a_load_takes_what_the_estimate_says(starter_model: Path, context_length: int, batch: int) -> None:
    options = LoadOptions(context_length, batch=batch)
    planned = estimate(read_model(starter_model), options).host
    async with loaded(starter_model, options) as server:
        taken = server.taken
        assert server.context_length == padded_context(context_length)
    assert taken.model == pytest.approx(planned.model, abs=MIB)
    assert taken.context == pytest.approx(planned.context, abs=MIB)
    assert taken.compute == pytest.approx(planned.compute, abs=MIB)


async def test_a_load_tells_its_progress_and_ends_at_all_of_it(starter_model: Path) -> None:
    told: list[float] = []
    server = await EngineServer.start(starter_model, OPTIONS, on_progress=told.append)
    await server.stop()
    assert told[0] == 0
    assert told[-1] == 1
    assert told == sorted(told)
    assert len(told) > 2


def oom_score_adj(pid: int) -> int:
    return int(Path(f"/proc/{pid}/oom_score_adj").read_text())


async def test_the_child_stands_behind_the_window(starter_model: Path) -> None:
    async with loaded(starter_model) as server:
        child = psutil.Process(server.pid)
        assert child.ppid() == os.getpid()
        assert child.nice() == min(19, psutil.Process().nice() + 10)
        assert oom_score_adj(server.pid) == 1000
        # A Ctrl+C in the terminal goes to a whole group: this program ends the child itself.
        assert os.getpgid(server.pid) == server.pid


# Answers


async def test_an_answer_comes_in_pieces_and_ends_with_its_figures(starter_model: Path) -> None:
    async with loaded(starter_model) as server:
        events = await gather(server.stream_chat(user("Count from one to ten."), Sampling(0, max_tokens=24)))
    end = finish_of(events)
    assert len([event for event in events if isinstance(event, TextDelta)]) > 5
    assert text_of(events).strip()
    assert reasoning_of(events) == ""
    assert end.reason == "length"
    assert end.usage.completion_tokens == 24
    assert end.usage.prompt_tokens > 5
    assert end.usage.cached_tokens == 0
    assert end.speed.prompt_tokens_per_s > 0
    assert end.speed.decode_tokens_per_s > 0


async def test_an_answer_that_ends_by_itself_says_so(starter_model: Path) -> None:
    async with loaded(starter_model) as server:
        events = await gather(server.stream_chat(user("Say hi."), Sampling(0, max_tokens=200)))
    assert finish_of(events).reason == "stop"
    assert finish_of(events).usage.completion_tokens < 200


async def test_temperature_0_is_repeatable_and_a_seed_is_too(starter_model: Path) -> None:
    question = user("Tell me about the sea.")
    async with loaded(starter_model) as server:
        for sampling in (Sampling(0, max_tokens=10), Sampling(2.0, max_tokens=10, seed=7)):
            first, second = [text_of(await gather(server.stream_chat(question, sampling))) for _ in range(2)]
            assert first == second
        other = text_of(await gather(server.stream_chat(question, Sampling(2.0, max_tokens=10, seed=8))))
    assert other != second


async def test_a_long_prompt_tells_its_progress_batch_by_batch(starter_model: Path) -> None:
    async with loaded(starter_model, LoadOptions(1024, batch=32)) as server:
        events = await gather(server.stream_chat(user(FILLER * 10), Sampling(0, max_tokens=1)))
    progress = progress_of(events)
    total = finish_of(events).usage.prompt_tokens
    assert total > 150
    assert len(progress) > total // 32
    assert [each.processed for each in progress] == sorted(each.processed for each in progress)
    assert {each.total for each in progress} == {total}
    assert progress[-1].processed == total
    before_the_text = events[: [isinstance(event, TextDelta) for event in events].index(True)]
    assert all(isinstance(event, PromptProgress) for event in before_the_text)


async def test_what_was_read_before_is_not_read_again(starter_model: Path) -> None:
    question = user(FILLER * 4)
    async with loaded(starter_model) as server:
        first = await gather(server.stream_chat(question, Sampling(0, max_tokens=4)))
        chat = [*question, {"role": "assistant", "content": text_of(first)}, *user("Go on.")]
        second = finish_of(await gather(server.stream_chat(chat, Sampling(0, max_tokens=1)))).usage
    assert second.cached_tokens >= finish_of(first).usage.prompt_tokens
    assert second.cached_tokens < second.prompt_tokens


async def test_a_chat_that_is_too_long_is_told_with_both_numbers(starter_model: Path) -> None:
    async with loaded(starter_model, LoadOptions(256)) as server:
        events = await gather(server.stream_chat(user(FILLER * 40), GREEDY))
        error = failure_of(events).error
        assert isinstance(error, EngineError)
        assert error.fault is Fault.CONTEXT_OVERFLOW
        counts = [int(word.strip(",")) for word in error.why.replace(",", "").split() if word.isdigit()]
        assert counts[1] == 256
        assert counts[0] > 256 * 2
        assert "Context Length" in error.hint
        # The model is none the worse for it.
        assert text_of(await gather(server.stream_chat(user("Say hi."), Sampling(0, max_tokens=5))))


async def test_an_answer_ends_where_the_context_does(starter_model: Path) -> None:
    async with loaded(starter_model, LoadOptions(256)) as server:
        question = user(f"{FILLER * 8} {LONG}")
        end = finish_of(await gather(server.stream_chat(question, Sampling(0, repeat_penalty=1.3))))
    assert end.reason == "length"
    assert end.usage.prompt_tokens + end.usage.completion_tokens == pytest.approx(256, abs=2)


async def test_what_is_no_text_does_not_end_the_chat(starter_model: Path) -> None:
    async with loaded(starter_model) as server:
        events = await gather(server.stream_chat(user("Half a pair: \ud83d \udcff"), Sampling(0, max_tokens=4)))
    assert finish_of(events).usage.completion_tokens == 4


# Stop


async def test_stop_in_the_middle_of_an_answer_leaves_the_engine_idle_and_ready(starter_model: Path) -> None:
    async with loaded(starter_model) as server:
        answer = server.stream_chat(user(LONG), GREEDY)
        assert await until_text(answer)
        assert await _is_busy(server.pid)
        started = time.monotonic()
        await answer.aclose()
        assert time.monotonic() - started < STOP_WITHIN_S
        await asyncio.sleep(STOP_WITHIN_S)
        assert not await _is_busy(server.pid)
        events = await gather(server.stream_chat(user("Say hi."), Sampling(0, max_tokens=5)))
        assert finish_of(events).usage.completion_tokens


async def test_stop_while_the_prompt_is_read_is_felt_at_the_next_batch(starter_model: Path) -> None:
    async with loaded(starter_model, LoadOptions(8192)) as server:
        answer = server.stream_chat(user(FILLER * 300), GREEDY)
        first = await anext(answer)
        assert isinstance(first, PromptProgress)
        assert first.processed < first.total
        await answer.aclose()
        async with asyncio.timeout(4 * STOP_WITHIN_S):  # one batch takes about a second on a slow machine
            while await _is_busy(server.pid):
                pass


async def test_cancelling_the_reader_stops_the_engine_too(starter_model: Path) -> None:
    async with loaded(starter_model) as server:
        begun = asyncio.Event()

        async def read() -> None:
            async with contextlib.aclosing(server.stream_chat(user(LONG), GREEDY)) as events:
                async for _ in events:
                    begun.set()

        reader = asyncio.create_task(read())
        await begun.wait()
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader
        await asyncio.sleep(STOP_WITHIN_S)
        assert not await _is_busy(server.pid)


async def _is_busy(pid: int) -> bool:
    """Whether the child computes: more than a fifth of one core, over half a second."""
    child = psutil.Process(pid)
    before = child.cpu_times()
    await asyncio.sleep(0.5)
    after = child.cpu_times()
    return (after.user - before.user) + (after.system - before.system) > 0.1


# The end


async def test_stop_ends_the_child_and_gives_its_memory_back(starter_model: Path) -> None:
    server = await EngineServer.start(starter_model, LoadOptions(8192))
    held = psutil.Process(server.pid).memory_info().rss
    assert held > server.taken.context > 150 * MIB
    started = time.monotonic()
    await server.stop()
    assert time.monotonic() - started < GRACE_S  # it went when it was asked: nobody had to kill it
    assert not psutil.pid_exists(server.pid)
    assert await server.ended() is None
    await server.stop()  # twice is not wrong


async def test_a_child_that_does_not_hear_is_killed(starter_model: Path) -> None:
    server = await EngineServer.start(starter_model, OPTIONS, command=scripted_worker.command("deaf"))
    started = time.monotonic()
    await server.stop()
    assert GRACE_S <= time.monotonic() - started < GRACE_S + 2
    assert not psutil.pid_exists(server.pid)
    assert await server.ended() is None


async def test_cancelling_the_end_ends_the_child_all_the_same(starter_model: Path) -> None:
    server = await EngineServer.start(starter_model, OPTIONS, command=scripted_worker.command("deaf"))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await server.stop()
    assert processes.is_gone(server.pid, within_s=2)
    assert await server.ended() is None


async def test_stop_while_an_answer_streams_is_the_last_event_of_the_answer(starter_model: Path) -> None:
    async with loaded(starter_model) as server:
        answer = server.stream_chat(user(LONG), GREEDY)
        assert await until_text(answer)
        stopping = asyncio.create_task(server.stop())
        error = failure_of(await gather(answer)).error
        await stopping
        assert isinstance(error, EngineError)
        assert "ejected" in error.what
        late = await gather(server.stream_chat(user("Are you there?"), GREEDY))
        assert "ejected" in failure_of(late).error.what


async def test_a_killed_child_is_the_last_event_of_the_answer(starter_model: Path) -> None:
    async with loaded(starter_model) as server:
        answer = server.stream_chat(user(LONG), GREEDY)
        assert await until_text(answer)
        os.kill(server.pid, signal.SIGKILL)
        error = failure_of(await gather(answer)).error
        assert isinstance(error, EngineError)
        assert error.fault is Fault.KILLED
        assert "signal 9" in error.why
        assert error.hint
        assert await server.ended() is error  # one death, one story


async def test_clearing_up_behind_a_dead_child_does_not_make_it_one_that_was_asked_to_end(starter_model: Path) -> None:
    server = await EngineServer.start(starter_model, OPTIONS, command=scripted_worker.command("sound"))
    os.kill(server.pid, signal.SIGKILL)
    await asyncio.sleep(0.3)
    await server.stop()
    error = await server.ended()
    assert error is not None
    assert error.fault is Fault.KILLED


@pytest.mark.parametrize(
    ("script", "fault"), [("dies-in-the-middle", Fault.CRASHED), ("hangs-up", Fault.CONNECTION)], ids=str
)
async def test_words_before_a_fault_are_kept(starter_model: Path, script: str, fault: Fault) -> None:
    async with loaded(starter_model, command=scripted_worker.command(script)) as server:
        events = await gather(server.stream_chat(user("Count."), GREEDY))
    assert text_of(events) == "One two"
    error = failure_of(events).error
    assert isinstance(error, EngineError)
    assert error.fault is fault
    assert error.hint


async def test_a_flood_on_the_log_blocks_nothing_and_is_not_kept(starter_model: Path) -> None:
    async with loaded(starter_model, command=scripted_worker.command("talkative")) as server:
        events = await gather(server.stream_chat(user("Count."), GREEDY))
        assert text_of(events) == "".join(scripted_worker.WORDS)
        os.kill(server.pid, signal.SIGKILL)
        error = await server.ended()
    assert error is not None
    assert sum(map(len, error.log_tail)) < MIB


# Who may ask


async def test_only_who_knows_the_key_is_answered(starter_model: Path) -> None:
    async with loaded(starter_model) as server:
        key = server.endpoint.api_key
        assert len(key) >= 32
        assert key not in repr(server.endpoint)
        for wrong in (None, "wrong", key[:-1], key.swapcase()):
            async with engine_client(server.endpoint.base_url, wrong or "") as http:
                if wrong is None:
                    del http.headers["Authorization"]
                assert (await http.get("/props")).status_code == 401
                assert (await http.get("/v1/models/../../props")).status_code == 401
                assert (await http.post("/v1/chat/completions", json={"messages": user("Hi")})).status_code == 401
                assert (await http.post("/completion", json={"prompt": "Hi"})).status_code == 401
                assert (await http.post("/tokenize", json={"content": "Hi"})).status_code == 401
        async with engine_client(server.endpoint.base_url, key) as http:
            assert (await http.get("/props")).status_code == 200
            assert (await http.get("/slots")).status_code != 200  # it would show other chats


async def test_no_web_page_may_read_an_answer(starter_model: Path) -> None:
    async with loaded(starter_model) as server, engine_client(*_endpoint(server)) as http:
        for origin in ("http://evil.example", "null", "http://localhost", "file://"):
            asked = await http.get("/props", headers={"Origin": origin})
            preflight = await http.options(
                "/v1/chat/completions", headers={"Origin": origin, "Access-Control-Request-Method": "POST"}
            )
            for response in (asked, preflight):
                assert response.headers.get("access-control-allow-origin") not in (origin, "*")
                assert response.headers.get("access-control-allow-credentials") != "true"
        page = await http.get("/", headers={"Accept": "text/html"})
        assert "<html" not in page.text.lower()


async def test_only_this_machine_can_reach_it(starter_model: Path) -> None:
    async with loaded(starter_model) as server:
        listening = [
            each.laddr
            for each in psutil.Process(server.pid).net_connections(kind="all")
            if each.status == psutil.CONN_LISTEN
        ]
        assert [each.ip for each in listening] == ["127.0.0.1"]
        assert server.endpoint.base_url == f"http://127.0.0.1:{listening[0].port}"


async def test_neither_the_key_nor_the_chat_can_be_seen_from_outside(starter_model: Path) -> None:
    secret_word = "xylographer"
    async with loaded(starter_model) as server:
        key = server.endpoint.api_key
        child = psutil.Process(server.pid)
        assert all(key not in argument for argument in child.cmdline())
        assert all(key not in value for value in child.environ().values())
        await gather(server.stream_chat(user(f"What is a {secret_word}?"), Sampling(0, max_tokens=8)))
        os.kill(server.pid, signal.SIGKILL)
        error = await server.ended()
    assert error is not None
    assert len(error.log_tail) > 50
    assert "api_keys: (hidden)" in "\n".join(error.log_tail)
    assert key not in "\n".join(error.log_tail)
    assert secret_word not in "\n".join(error.log_tail)
    assert key not in str(error)


def test_the_child_does_not_look_for_modules_among_downloads(starter_model: Path, tmp_path: Path) -> None:
    """`python -m` would, and run them."""
    for name in ("json", "ctypes", "xllamacpp", "platform"):
        (tmp_path / f"{name}.py").write_text(f"raise SystemExit('{name} of the working directory was run')")
    script = (
        "import asyncio, sys; from pathlib import Path;"
        "from nodetool_xl_desktop.engine.hardware import engine_devices;"
        "print(len(asyncio.run(engine_devices())))"
    )
    done = psutil.Popen([sys.executable, "-P", "-c", script], cwd=tmp_path, stdout=-1, stderr=-1, text=True)
    out, err = done.communicate(timeout=30)
    assert done.returncode == 0, err
    assert int(out) >= 1


def _endpoint(server: EngineServer) -> tuple[str, str]:
    return server.endpoint.base_url, server.endpoint.api_key
