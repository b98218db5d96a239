"""What can befall a model, in each phase of its life: whoever waits is told soon and in a typed way, the next request
is answered, and no process is left.

Faults: Stop, a time-out, a connection that drops, a child that is killed (SIGKILL) or stopped (SIGSTOP).
Phases: starting, prompt, decoding, idle, ending. Stop while a model starts, and an answer whose model is ejected, stand
in test_engine_pool.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import random
import shlex
import signal
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import endless_model
import processes
import psutil
import pytest
import scripted_worker
from engine_runs import FILLER, OPTIONS, failure_of, finish_of, gather, progress_of, text_of, until_text, user

from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.engine.child import GRACE_S, worker_command
from nodetool_xl_desktop.engine.client import Sampling
from nodetool_xl_desktop.engine.entry import BackOff
from nodetool_xl_desktop.engine.errors import EngineError, Fault
from nodetool_xl_desktop.engine.events import Event, Failed, Finished, PromptProgress
from nodetool_xl_desktop.engine.pool import Pool
from nodetool_xl_desktop.fit.options import LoadSettings
from nodetool_xl_desktop.provider import XLlamaCppProvider

pytestmark = pytest.mark.usefixtures("no_process_left")

#: What issue 3 allows.
WITHIN_S = 5.0
SIGNALS = {signal.SIGKILL: Fault.KILLED, signal.SIGSTOP: Fault.FROZEN}
both_signals = pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
#: Reading it takes many seconds on any machine without a graphics card.
LONG_PROMPT = user(FILLER * 180)
LONG_ANSWER = user("Write a very long story about a ship and its crew, with many chapters.")
LOAD = LoadSettings(context_length=4096, cache_ram_mib=0)
SHORT = Sampling(0, max_tokens=3)


class Engine:
    """A pool with the provider in front of it, and one model."""

    def __init__(self, model: Path, folder: Path, command: Sequence[str] | None, is_alone: bool) -> None:
        self.model = model
        self.is_alone = is_alone
        self.pool = Pool(command=command, back_off=BackOff((0.0,)))
        self.provider = XLlamaCppProvider(self.pool, Paths.below(folder / "home"))

    def ask(
        self, messages: Any, sampling: Sampling | None = None, timeout_s: float | None = None
    ) -> AsyncGenerator[Event, None]:
        return self.provider.stream(messages, self.model, load=LOAD, sampling=sampling, timeout_s=timeout_s)

    async def answer(self, phase: str, timeout_s: float | None = None) -> AsyncGenerator[Event, None]:
        """An answer that has come to this phase, "prompt" or "decoding"."""
        if phase == "decoding":
            events = self.ask(LONG_ANSWER, Sampling(0), timeout_s)
            await until_text(events)
            return events
        events = self.ask(LONG_PROMPT, Sampling(0), timeout_s)
        async for event in events:
            assert isinstance(event, PromptProgress), event
            if 0 < event.processed < event.total:
                return events
        raise AssertionError("the prompt was read too soon")

    @property
    def pid(self) -> int:
        (server,) = self.pool.loaded
        return server.pid

    async def works(self) -> None:
        """The next request is answered, by the one child there is."""
        assert finish_of(await gather(self.ask(user("Say hi."), SHORT))).usage.completion_tokens
        children = [child.pid for child in processes.children()]
        assert children == [self.pid] if self.is_alone else self.pid in children


@contextlib.asynccontextmanager
async def engine(
    model: Path, folder: Path, command: Sequence[str] | None = None, *, is_alone: bool = True
) -> AsyncIterator[Engine]:
    """The real engine, or this command; afterwards nothing is left."""
    tasks = asyncio.all_tasks()
    made = Engine(model, folder, command, is_alone)
    try:
        yield made
    finally:
        await within(made.pool.close())
    await asyncio.sleep(0.01)
    if is_alone:
        assert not processes.children()
        assert asyncio.all_tasks() <= tasks


def first(folder: Path, script: str, *arguments: str) -> tuple[str, ...]:
    """A command that plays this script once, and is the real engine from then on."""
    flag = shlex.quote(str(folder / "played"))
    played, real = shlex.join(scripted_worker.command(script, *arguments)), shlex.join(worker_command())
    return ("sh", "-c", f"if [ -e {flag} ]; then exec {real}; else touch {flag}; exec {played}; fi")


async def within(outcome: Awaitable[Any]) -> Any:
    """What comes out of it, as soon as the issue wants it."""
    async with asyncio.timeout(WITHIN_S):
        return await outcome


def fault_of(events: Sequence[Event]) -> Fault:
    error = failure_of(events).error
    assert isinstance(error, EngineError)
    assert error.what
    assert error.hint
    return error.fault


async def raised(loading: Awaitable[Any]) -> Fault:
    with pytest.raises(EngineError) as error:
        await within(loading)
    return error.value.fault


async def lease(pool: Pool, model: Path) -> None:
    async with pool.lease(model, OPTIONS):
        pass


async def until(condition: Callable[[], object], within_s: float = 10) -> None:
    """Wait until it is so."""
    for _ in range(round(within_s * 100)):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come to be")


async def until_stopped(pid: int) -> None:
    await until(lambda: psutil.Process(pid).status() == psutil.STATUS_STOPPED)


# Starting


@pytest.fixture
def endless(tmp_path: Path) -> Path:
    return endless_model.make(tmp_path)


async def usable_again(pool: Pool, model: Path) -> None:
    """After the endless model, which no provider can read, a real one is answered."""
    async with pool.lease(model, OPTIONS) as server:
        assert finish_of(await gather(server.stream_chat(user("Hi"), SHORT)))
        assert [child.pid for child in processes.children()] == [server.pid]


@both_signals
async def test_a_child_that_is_killed_or_stopped_while_it_loads(
    starter_model: Path, endless: Path, tmp_path: Path, number: signal.Signals
) -> None:
    async with engine(starter_model, tmp_path) as made:
        loading = asyncio.create_task(raised(lease(made.pool, endless)))
        pid = await asyncio.to_thread(endless_model.wait_until_read)
        os.kill(pid, number)
        assert await within(loading) is SIGNALS[number]
        assert processes.is_gone(pid, within_s=0)
        await usable_again(made.pool, starter_model)


@both_signals
async def test_a_child_that_is_killed_or_stopped_before_it_does_anything(
    starter_model: Path, tmp_path: Path, number: signal.Signals
) -> None:
    async with engine(starter_model, tmp_path) as made:
        loading = asyncio.create_task(raised(lease(made.pool, starter_model)))
        await until(processes.children)
        os.kill(processes.children()[0].pid, number)
        assert await within(loading) is SIGNALS[number]
        await made.works()


async def test_stop_or_a_time_out_of_a_request_that_waits_for_its_model(starter_model: Path, tmp_path: Path) -> None:
    async with engine(starter_model, tmp_path, scripted_worker.command("starts-when", str(tmp_path))) as made:
        assert fault_of(await within(gather(made.ask(user("Hi"), timeout_s=0.5)))) is Fault.TIMEOUT
        await until(lambda: not processes.children(), WITHIN_S)
        reader = asyncio.create_task(gather(made.ask(user("Hi"))))
        await until(processes.children)
        await asyncio.sleep(0.1)
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await within(reader)
        (tmp_path / starter_model.name).touch()
        assert text_of(await gather(made.ask(user("Count.")))) == "".join(scripted_worker.WORDS)


# Silence, and a reader's own time


async def test_a_slow_reader_is_not_interrupted_by_its_own_time_out(starter_model: Path, tmp_path: Path) -> None:
    """The time runs while it is waited for, and is told at the next step."""
    async with engine(starter_model, tmp_path) as made:
        await made.works()
        answer = made.ask(LONG_ANSWER, Sampling(0), timeout_s=0.5)
        read = 0
        async for event in answer:
            read += 1
            if read <= 2:
                await asyncio.sleep(0.6)  # the reader's own time: nothing is thrown into it
            last = event
        assert read > 2
        assert isinstance(last, Failed)
        assert fault_of([last]) is Fault.TIMEOUT


async def test_a_child_that_is_stopped_for_a_moment_goes_on(starter_model: Path, tmp_path: Path) -> None:
    async with engine(starter_model, tmp_path) as made:
        await made.works()
        asking = asyncio.create_task(gather(made.ask(LONG_ANSWER, Sampling(0, max_tokens=150))))
        await asyncio.sleep(0.7)
        pid = made.pid
        os.kill(pid, signal.SIGSTOP)
        await until_stopped(pid)
        await asyncio.sleep(0.6)  # it is looked at once a second, so once meanwhile
        os.kill(pid, signal.SIGCONT)
        assert finish_of(await asking).usage.completion_tokens == 150
        assert made.pid == pid


# Idle


async def test_a_child_that_is_killed_while_it_waits(starter_model: Path, tmp_path: Path) -> None:
    async with engine(starter_model, tmp_path) as made:
        await made.works()
        os.kill(made.pid, signal.SIGKILL)
        await until(lambda: not made.pool.loaded, WITHIN_S)  # it is noticed though nobody asks
        assert not processes.children()
        await made.works()
        os.kill(made.pid, signal.SIGKILL)  # and now nobody has a chance to notice it
        events = await gather(made.ask(user("Say hi."), SHORT))
        assert isinstance(events[-1], Finished) or fault_of(events) is Fault.KILLED


async def test_a_child_that_is_stopped_while_it_waits_holds_nobody_up(starter_model: Path, tmp_path: Path) -> None:
    async def stop(made: Engine) -> int:
        pid = made.pid
        os.kill(pid, signal.SIGSTOP)
        await until_stopped(pid)
        return pid

    async with engine(starter_model, tmp_path) as made:
        await made.works()
        stopped = await stop(made)
        await made.works()  # a request gets another one
        assert made.pid != stopped
        stopped = await stop(made)
        started = time.monotonic()
        await within(made.provider.eject(starter_model))
        assert time.monotonic() - started < GRACE_S  # it cannot hear that it should end
        assert processes.is_gone(stopped, within_s=0)
        await made.works()
        stopped = await stop(made)
        assert await raised(made.provider.count_tokens(user("Hello"), starter_model)) is Fault.FROZEN
        assert await asyncio.to_thread(processes.is_gone, stopped, WITHIN_S)


# A dropped connection, silence, and what befalls one that ends


async def test_what_takes_its_time(starter_model: Path, tmp_path: Path) -> None:
    """All at once, as each of them waits for seconds."""

    def folder(name: str) -> Path:
        (tmp_path / name).mkdir()
        return tmp_path / name

    async with asyncio.TaskGroup() as group:
        for case in (
            drops(starter_model, folder("starting"), "", "hangs-up-early", "starting"),
            drops(starter_model, folder("prompt"), "", "hangs-up-early", "prompt"),
            drops(starter_model, folder("decoding"), "One two", "hangs-up"),
            listens_no_more(starter_model, folder("idle")),
            silence_is_no_fault(starter_model, folder("silence")),
            killed_or_stopped_while_it_ends(starter_model, folder("killed"), signal.SIGKILL),
            killed_or_stopped_while_it_ends(starter_model, folder("stopped"), signal.SIGSTOP),
            giving_up_while_it_ends(starter_model, folder("given-up")),
        ):
            group.create_task(case)
    assert not processes.children()


async def drops(starter_model: Path, tmp_path: Path, said: str, *script: str) -> None:
    async with engine(starter_model, tmp_path, first(tmp_path, *script), is_alone=False) as made:
        events = await within(gather(made.ask(user("Count."))))
        assert text_of(events) == said
        assert fault_of(events) is Fault.CONNECTION
        if made.pool.loaded:  # it lives on, and may well answer the next one: nobody ends it for a dropped connection
            await within(made.pool.eject())
        await made.works()


async def listens_no_more(starter_model: Path, tmp_path: Path) -> None:
    """The connection is refused while the process lives."""
    async with engine(starter_model, tmp_path, first(tmp_path, "closes-its-port"), is_alone=False) as made:
        assert text_of(await gather(made.ask(user("Count.")))) == "".join(scripted_worker.WORDS)
        assert fault_of(await within(gather(made.ask(user("Count."))))) is Fault.CONNECTION
        await made.works()  # nobody has to eject it first


async def silence_is_no_fault(starter_model: Path, tmp_path: Path) -> None:
    file = tmp_path / "go-on"
    async with engine(starter_model, tmp_path, scripted_worker.command("pauses", str(file)), is_alone=False) as made:
        asking = asyncio.create_task(gather(made.ask(user("Count."))))
        await asyncio.sleep(6)
        assert not asking.done()
        file.touch()
        events = await within(asking)
        assert text_of(events) == "".join(scripted_worker.WORDS)
        assert isinstance(events[-1], Finished)


async def deaf(made: Engine) -> tuple[int, asyncio.Task[None]]:
    """A child that ends only when it is killed, and the eject that has just begun."""
    await made.provider.load(made.model, load=LOAD)
    pid = made.pid
    ejecting = asyncio.create_task(made.provider.eject(made.model))
    await until(lambda: not made.pool.loaded)
    assert not processes.is_gone(pid, within_s=0)
    return pid, ejecting


async def killed_or_stopped_while_it_ends(starter_model: Path, tmp_path: Path, number: signal.Signals) -> None:
    async with engine(starter_model, tmp_path, first(tmp_path, "deaf"), is_alone=False) as made:
        pid, ejecting = await deaf(made)
        os.kill(pid, number)
        await within(ejecting)
        assert processes.is_gone(pid, within_s=0)
        await made.works()


async def giving_up_while_it_ends(starter_model: Path, tmp_path: Path) -> None:
    """Who ejected it waits no longer, and a request for its memory runs out of time; it ends all the same."""
    async with engine(starter_model, tmp_path, first(tmp_path, "deaf"), is_alone=False) as made:
        pid, ejecting = await deaf(made)
        ejecting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await within(ejecting)
        assert fault_of(await within(gather(made.ask(user("Hi"), SHORT, timeout_s=0.3)))) is Fault.TIMEOUT
        assert not processes.is_gone(pid, within_s=0)
        assert await asyncio.to_thread(processes.is_gone, pid, WITHIN_S)
        await made.works()


# Prompt and decoding, all of it


FAULTS = [signal.SIGKILL, signal.SIGSTOP, "stop", "time-out"]


@pytest.mark.parametrize("rounds", [pytest.param(1, id="1"), pytest.param(8, id="8", marks=pytest.mark.soak)])
async def test_whatever_befalls_an_answer_the_next_one_comes_and_nothing_grows(
    starter_model: Path, tmp_path: Path, rounds: int
) -> None:
    """Each fault in the prompt and in the decoding; of 8 rounds that is 64 times."""
    parent = psutil.Process()
    matrix = [(fault, phase) for fault in FAULTS for phase in ("prompt", "decoding")] * rounds
    random.Random(3).shuffle(matrix)

    def holdings() -> tuple[int, int, int]:
        gc.collect()
        return parent.num_fds(), parent.num_threads(), len(asyncio.all_tasks())

    async with engine(starter_model, tmp_path) as made:
        await asyncio.gather(*(asyncio.to_thread(time.sleep, 0.05) for _ in range(40)))  # as many threads as it keeps
        await made.works()
        before = holdings()
        for fault, phase in matrix:
            await befall(made, fault, phase)
        await made.works()
        after = holdings()
    assert [later <= earlier for later, earlier in zip(after, before, strict=True)] == [True] * 3, (before, after)


async def befall(made: Engine, fault: signal.Signals | str, phase: str) -> None:
    if fault == "time-out":
        await made.works()
        pid = made.pid
        messages = LONG_PROMPT if phase == "prompt" else LONG_ANSWER
        events = await within(gather(made.ask(messages, Sampling(0), timeout_s=1)))
        assert fault_of(events) is Fault.TIMEOUT
        assert bool(text_of(events)) == (phase == "decoding")
        assert progress_of(events)
        assert made.pid == pid
        return
    answer = await made.answer(phase)
    pid = made.pid
    if fault == "stop":
        await within(answer.aclose())
        assert [event async for event in answer] == []  # a clean end
        await within(made.works())  # the engine has stopped: it is free for the next one
        assert made.pid == pid
        return
    assert isinstance(fault, signal.Signals)
    os.kill(pid, fault)
    assert fault_of(await within(gather(answer))) is SIGNALS[fault]
    assert processes.is_gone(pid, within_s=1)
