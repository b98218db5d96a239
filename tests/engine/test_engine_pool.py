"""Models that are shared: started once, kept while somebody needs them, and ended for time, for room or when asked."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import endless_model
import processes
import psutil
import pytest
import scripted_worker
from engine_runs import GREEDY, OPTIONS, failure_of, finish_of, gather, text_of, until_text, user
from gguf_writer import write_gguf
from model_shapes import metadata_only

from nodetool_xl_desktop.core.network import engine_client
from nodetool_xl_desktop.core.units import GIB, MIB
from nodetool_xl_desktop.engine.client import Sampling
from nodetool_xl_desktop.engine.entry import BackOff, Key
from nodetool_xl_desktop.engine.errors import EngineError, Fault
from nodetool_xl_desktop.engine.pool import Pool
from nodetool_xl_desktop.engine.server import EngineServer
from nodetool_xl_desktop.engine.states import Broken, Empty, Ending, Ready, Starting, State
from nodetool_xl_desktop.fit.estimate import estimate
from nodetool_xl_desktop.fit.memory import MARGIN, HostMemory
from nodetool_xl_desktop.fit.options import LoadOptions
from nodetool_xl_desktop.gguf import Header, read_model

pytestmark = pytest.mark.usefixtures("no_process_left")

SOUND = scripted_worker.command("sound")
WEIGHS = scripted_worker.command("weighs")
#: A program that the system kills as soon as it starts.
KILLED_AT_ONCE = ("sh", "-c", "kill -9 $$")
SHORT = Sampling(0, max_tokens=4)
LONG = user("Write a very long story about a ship and its crew.")
PLENTY = HostMemory(64 * GIB, 64 * GIB)


async def until(condition: Callable[[], object], within_s: float = 10) -> None:
    """Wait until it is so."""
    for _ in range(round(within_s * 100)):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come to be")


class Watched(Pool):
    """A pool whose states are written down."""

    def __init__(self, command: tuple[str, ...] | None = SOUND, **settings: Any) -> None:
        super().__init__(command=command, **settings)
        self.seen: list[tuple[Key, State]] = []
        self.listen(lambda key, state: self.seen.append((key, state)))

    def kinds(self, model: Path | None = None) -> list[type[State]]:
        """The kinds of the states of one model, or of all, in order; progress within one load counts once."""
        kinds = [type(state) for key, state in self.seen if model in (None, key.model)]
        return [kind for kind, before in zip(kinds, [None, *kinds], strict=False) if kind is not before]

    def last(self, kind: type[State]) -> State:
        return next(state for _, state in reversed(self.seen) if isinstance(state, kind))

    async def until(self, kind: type[State], model: Path | None = None, within_s: float = 10) -> None:
        """Wait until this is the last news."""
        await until(lambda: self.kinds(model)[-1:] == [kind], within_s)

    @property
    def pids(self) -> list[int]:
        return [server.pid for server in self.loaded]


#: Whoever waits for a restart would wait longer than any test.
NEVER_AGAIN = BackOff((100.0,))


def timers() -> list[asyncio.TimerHandle]:
    """What this loop is going to do by the clock."""
    scheduled = asyncio.get_running_loop()._scheduled  # type: ignore[attr-defined] # it has no public face
    return [timer for timer in scheduled if not timer.cancelled()]


@contextlib.asynccontextmanager
async def pooled(command: tuple[str, ...] | None = SOUND, **settings: Any) -> AsyncIterator[Watched]:
    """A pool that is closed afterwards, and has then left nothing: no process, no task, no timer."""
    tasks, before = asyncio.all_tasks(), len(timers())
    pool = Watched(command, **settings)
    try:
        yield pool
    finally:
        await pool.close()
    await asyncio.sleep(0.01)
    assert not processes.children()
    assert not pool.loaded
    assert asyncio.all_tasks() <= tasks
    assert len(timers()) <= before
    for state in dict(pool.seen).values():
        assert isinstance(state, Empty | Broken), "nobody is left with a state that is over"


async def use(pool: Pool, model: Path, options: LoadOptions = OPTIONS, header: Header | None = None) -> EngineServer:
    """A request that is over at once."""
    async with pool.lease(model, options, header) as server:
        return server


async def fault_of(loading: Awaitable[Any]) -> Fault:
    with pytest.raises(EngineError) as raised:
        await loading
    assert raised.value.why or raised.value.hint
    return raised.value.fault


async def kill(pool: Watched, pid: int) -> None:
    """End a child that waits for requests, and wait until the pool has noticed."""
    os.kill(pid, signal.SIGKILL)
    await pool.until(Broken)


# Shared


async def test_first_requests_at_once_start_one_child(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    async with pooled(scripted_worker.command("journaled", str(journal))) as pool:
        servers = await asyncio.gather(*(use(pool, tmp_path / "a.gguf") for _ in range(8)))
        assert {id(server) for server in servers} == {id(servers[0])}
        assert await use(pool, tmp_path / "a.gguf") is servers[0]  # and it is used again
        assert journal.read_text().split() == [str(servers[0].pid)]
        assert pool.kinds() == [Starting, Ready]
        assert pool.loaded == (servers[0],)


async def test_another_file_or_other_options_are_another_child(tmp_path: Path) -> None:
    first, second = tmp_path / "a.gguf", tmp_path / "b.gguf"
    async with pooled() as pool:
        loads = [(first, OPTIONS), (first, LoadOptions(512)), (first, LoadOptions(1024, parallel=2)), (second, OPTIONS)]
        servers = await asyncio.gather(*(use(pool, *load) for load in loads))
        assert len(set(pool.pids)) == len(processes.children()) == 4
        assert [(server.model, server.options) for server in servers] == loads
        await use(pool, first, LoadOptions(512))
        assert pool.loaded[-1] is servers[1]  # the one that was used last
        assert pool.find(first) is servers[1]
        assert pool.find(second) is servers[3]
        assert pool.find(tmp_path / "c.gguf") is None


async def test_answers_of_two_models_run_side_by_side(starter_model: Path) -> None:
    async with pooled(None) as pool:

        async def ask(options: LoadOptions) -> str:
            async with pool.lease(starter_model, options) as server:
                return text_of(await gather(server.stream_chat(user("Count to five."), Sampling(0, max_tokens=4))))

        first, second, third = await asyncio.gather(ask(OPTIONS), ask(LoadOptions(512)), ask(OPTIONS))
        assert first == second == third != ""
        assert len(pool.pids) == 2


# Time


async def test_a_model_that_nobody_uses_ends_after_its_time(tmp_path: Path) -> None:
    async with pooled(idle_timeout_s=0.3) as pool:
        used, warmed = tmp_path / "used.gguf", tmp_path / "warmed.gguf"
        await use(pool, used)
        await pool.load(warmed, OPTIONS)  # loaded before anybody asks: it may wait as long
        assert len(processes.children()) == 2
        await pool.until(Empty, used)
        await pool.until(Empty, warmed)
        assert pool.kinds(used) == pool.kinds(warmed) == [Starting, Ready, Ending, Empty]
        assert not processes.children()
        await use(pool, used)  # and is there again when it is wanted


async def test_without_a_time_it_stays_for_ever(tmp_path: Path) -> None:
    async with pooled(idle_timeout_s=0) as pool:
        before = len(timers())
        await use(pool, tmp_path / "a.gguf")
        await asyncio.sleep(0.5)
        assert len(pool.loaded) == 1
        assert len(timers()) <= before


async def test_while_it_is_used_its_time_does_not_run(tmp_path: Path) -> None:
    async with pooled(idle_timeout_s=0.3) as pool:
        async with pool.lease(tmp_path / "a.gguf", OPTIONS) as server:
            await use(pool, tmp_path / "a.gguf")  # somebody else comes and goes
            await asyncio.sleep(0.5)
            assert pool.loaded == (server,)
        for _ in range(4):  # each use begins its time anew
            await asyncio.sleep(0.12)
            assert await use(pool, tmp_path / "a.gguf") is server
        await pool.until(Empty)


async def test_a_model_that_a_person_loaded_stays(tmp_path: Path) -> None:
    async with pooled(idle_timeout_s=0.2) as pool:
        await use(pool, tmp_path / "a.gguf")
        pinned = await pool.load(tmp_path / "a.gguf", OPTIONS, pinned=True)  # it was there already, and unpinned
        await use(pool, tmp_path / "a.gguf")
        await asyncio.sleep(0.6)
        assert pool.loaded == (pinned,)
        await pool.eject(tmp_path / "a.gguf")
        assert not pool.loaded


async def test_a_model_that_a_person_loaded_ends_after_the_time_that_they_chose(tmp_path: Path) -> None:
    model = tmp_path / "a.gguf"
    async with pooled(idle_timeout_s=0) as pool:
        pinned = await pool.load(model, OPTIONS, pinned=True)
        pool.keep_pinned(60)
        async with pool.lease(model, OPTIONS):
            pool.keep_pinned(0.3)  # it is used: its time does not run
            await asyncio.sleep(0.5)
            assert pool.loaded == (pinned,)
        await pool.until(Empty, model)
        assert not processes.children()
        await pool.load(model, OPTIONS, pinned=True)
        pool.keep_pinned(0)  # while its time runs
        await asyncio.sleep(0.6)
        assert len(pool.loaded) == 1


async def test_a_client_of_the_endpoint_keeps_it_loaded(starter_model: Path) -> None:
    async with pooled(None, idle_timeout_s=0.7) as pool:
        server = await use(pool, starter_model)
        end = time.monotonic() + 1.6
        async with engine_client(server.endpoint.base_url, server.endpoint.api_key) as http:
            while time.monotonic() < end:
                answer = await http.post("/completion", json={"prompt": "The sea", "n_predict": 16})
                assert answer.status_code == 200
                await asyncio.sleep(0.2)
        assert pool.loaded == (server,)
        await pool.until(Empty)  # an engine that waits uses no time


@pytest.mark.parametrize("end", ["eject", "crash"])
async def test_who_still_holds_what_is_gone_does_not_end_what_came_after(tmp_path: Path, end: str) -> None:
    model = tmp_path / "a.gguf"
    async with pooled(idle_timeout_s=0.3) as pool:
        async with pool.lease(model, OPTIONS) as gone:
            if end == "eject":
                await pool.eject(model)
            else:
                await kill(pool, gone.pid)
        async with pool.lease(model, OPTIONS) as server:
            await asyncio.sleep(0.5)
            assert pool.loaded == (server,)
            assert pool.kinds()[-1] is Ready


# Room


def weighing(path: Path, mebibytes: int) -> Header:
    """A model whose need is this, as its header says: no layers, so no context, and next to no buffers."""
    header = read_model(
        write_gguf(path, {"general.architecture": "llama"}, [("a", (MIB // 4, mebibytes), "F32")]),
    )
    assert estimate(header, LoadOptions(1)).total == pytest.approx(mebibytes * MIB, abs=MIB)
    return header


def free_beside_the_margin(mebibytes: int) -> Callable[[], HostMemory]:
    """A machine with so much free memory that a model may take."""
    return lambda: HostMemory(64 * GIB, MARGIN + mebibytes * MIB)


class Room:
    """Idle models of these sizes, the first one used longest ago, on a machine with so much room left."""

    def __init__(self, folder: Path, pool: Watched) -> None:
        self.folder = folder
        self.pool = pool

    async def fill(self, **sizes: int) -> None:
        for name, size in sizes.items():
            await use(self.pool, self.folder / name, LoadOptions(size))
        for server in self.pool.loaded:  # Python itself takes some
            assert 0 <= server.held() - server.options.context_length * MIB < 30 * MIB

    async def load(self, size: int, name: str = "new") -> None:
        model = self.folder / name
        await use(self.pool, model, LoadOptions(1), weighing(model, size))

    @property
    def names(self) -> set[str]:
        return {server.model.name for server in self.pool.loaded}


@contextlib.asynccontextmanager
async def room_of(folder: Path, free_mib: int, command: tuple[str, ...] = WEIGHS, **sizes: int) -> AsyncIterator[Room]:
    async with pooled(command, memory=free_beside_the_margin(free_mib)) as pool:
        room = Room(folder, pool)
        await room.fill(**sizes)
        yield room


@pytest.mark.parametrize(
    ("free_mib", "need", "stay"),
    [
        pytest.param(500, 400, {"old", "middle", "young"}, id="it fits beside them"),
        pytest.param(350, 400, {"middle", "young"}, id="the oldest is enough"),
        pytest.param(200, 400, {"young"}, id="two are needed"),
        pytest.param(80, 400, set(), id="all are needed"),
    ],
)
async def test_the_least_recently_used_make_room_and_no_more_of_them_than_needed(
    tmp_path: Path, free_mib: int, need: int, stay: set[str]
) -> None:
    async with room_of(tmp_path, free_mib, old=100, middle=130, young=120) as room:
        await room.load(need)
        assert room.names == stay | {"new"}
        assert len(processes.children()) == len(stay) + 1


async def test_use_decides_who_is_oldest_and_not_the_load(tmp_path: Path) -> None:
    async with room_of(tmp_path, 350, first=100, second=100) as room:
        await use(room.pool, tmp_path / "first", LoadOptions(100))
        await room.load(400)
        assert room.names == {"first", "new"}


async def test_one_that_would_not_help_stays_beside_a_larger_one(tmp_path: Path) -> None:
    async with room_of(tmp_path, 250, small=20, large=200) as room:
        await room.load(400)
        assert room.names == {"small", "new"}


async def test_nobody_goes_where_that_would_not_be_enough(tmp_path: Path) -> None:
    async with room_of(tmp_path, 0, old=50, young=60) as room:
        await room.load(2000)  # more than is free, the margin and all of theirs together
        assert room.names == {"old", "young", "new"}


async def test_nobody_goes_for_a_tight_fit_that_stays_tight(tmp_path: Path) -> None:
    """It fits without the margin, and ending them all would not give it the margin either."""
    async with room_of(tmp_path, 0, old=50, young=60) as room:
        await room.load(500)
        assert room.names == {"old", "young", "new"}


async def test_for_a_tight_fit_the_least_recently_used_goes(tmp_path: Path) -> None:
    """One of them makes it possible at all, and all of them together would not give it the margin."""
    async with room_of(tmp_path, 0, old=80, middle=80, young=80) as room:
        await room.load(1024 + 60)
        assert room.names == {"middle", "young", "new"}


async def test_who_is_used_or_pinned_never_makes_room(tmp_path: Path) -> None:
    async with room_of(tmp_path, 100, used=150, pinned=150) as room:
        await room.pool.load(tmp_path / "pinned", LoadOptions(150), pinned=True)
        async with room.pool.lease(tmp_path / "used", LoadOptions(150)):
            await room.load(200)
            assert room.names == {"used", "pinned", "new"}


async def test_what_is_just_starting_is_counted_as_taken(tmp_path: Path) -> None:
    waits = scripted_worker.command("starts-when", str(tmp_path / "go"))
    (tmp_path / "go").mkdir()
    for name in ("idle", "new"):
        (tmp_path / "go" / name).touch()
    async with pooled(waits, memory=free_beside_the_margin(300)) as pool:
        room = Room(tmp_path, pool)
        await use(pool, tmp_path / "idle")
        starting = asyncio.create_task(room.load(290, "starting"))
        await until(lambda: len(processes.children()) == 2)  # its room is decided
        await room.load(12)  # alone it would fit; beside the one that is starting it takes what is idle
        assert room.names == {"new"}
        (tmp_path / "go" / "starting").touch()
        await starting
        assert room.names == {"new", "starting"}


async def test_two_at_once_do_not_count_on_the_same_memory(tmp_path: Path) -> None:
    async with room_of(tmp_path, 200, idle=100) as room:
        await asyncio.gather(room.load(150, "one"), room.load(150, "other"))
        assert room.names == {"one", "other"}


async def test_without_a_header_nobody_goes(tmp_path: Path) -> None:
    async with room_of(tmp_path, 0, idle=50) as room:
        await use(room.pool, tmp_path / "unknown", LoadOptions(1))
        assert room.names == {"idle", "unknown"}


async def test_the_real_engine_makes_room_for_itself(starter_model: Path) -> None:
    header = read_model(starter_model)
    need = estimate(header, LoadOptions(512)).total
    memory = PLENTY
    async with pooled(None, memory=lambda: memory) as pool:
        old = await use(pool, starter_model, LoadOptions(4096), header)
        context = old.taken.context
        assert old.held() > context  # its cache is its own; the weights are a mapped file's
        memory = HostMemory(64 * GIB, need + MARGIN - context)
        new = await use(pool, starter_model, LoadOptions(512), header)
        assert pool.loaded == (new,)
        assert processes.is_gone(old.pid, within_s=0)


async def test_a_header_with_impossible_numbers_is_a_failed_load(tmp_path: Path) -> None:
    model = tmp_path / "odd.gguf"
    header = metadata_only(model, {"general.architecture": "llama", "llama.attention.head_count": -4})
    async with pooled(None) as pool:
        assert await fault_of(use(pool, model, OPTIONS, header)) is Fault.NOT_A_MODEL
        assert pool.kinds() == [Starting, Broken]


# Waiting, and giving up


async def test_who_gives_up_leaves_the_load_to_the_others(tmp_path: Path) -> None:
    async with pooled(scripted_worker.command("starts-when", str(tmp_path))) as pool:
        waiting = [asyncio.create_task(use(pool, tmp_path / "a.gguf")) for _ in range(3)]
        await pool.until(Starting)
        for gone in waiting[:2]:
            gone.cancel()
            with pytest.raises(asyncio.CancelledError):
                await gone
        (tmp_path / "a.gguf").touch()
        assert await waiting[2] in pool.loaded
        assert pool.kinds() == [Starting, Ready]


async def test_the_last_who_gives_up_ends_the_load(tmp_path: Path) -> None:
    model = endless_model.make(tmp_path)
    async with pooled(None) as pool:
        waiting = [asyncio.create_task(use(pool, model)) for _ in range(3)]
        pid = await asyncio.to_thread(endless_model.wait_until_read)
        for gone in waiting:
            assert not processes.is_gone(pid, within_s=0)
            gone.cancel()
            with pytest.raises(asyncio.CancelledError):
                await gone
        await pool.until(Empty, within_s=5)
        assert pool.kinds() == [Starting, Ending, Empty]
        assert processes.is_gone(pid, within_s=0)


async def test_who_comes_while_a_load_is_given_up_gets_a_load_of_its_own(tmp_path: Path) -> None:
    async with pooled(scripted_worker.command("starts-when", str(tmp_path))) as pool:
        first = asyncio.create_task(use(pool, tmp_path / "a.gguf"))
        await pool.until(Starting)
        first.cancel()
        await asyncio.sleep(0)  # it has given up, and its child is ending
        second = asyncio.create_task(use(pool, tmp_path / "a.gguf"))
        (tmp_path / "a.gguf").touch()
        assert await second in pool.loaded
        assert pool.kinds()[-1] is Ready
        assert len(processes.children()) == 1


async def test_an_eject_ends_a_load_for_all_who_wait(tmp_path: Path) -> None:
    model = endless_model.make(tmp_path)
    async with pooled(None) as pool:
        waiting = [asyncio.create_task(fault_of(use(pool, model))) for _ in range(3)]
        pid = await asyncio.to_thread(endless_model.wait_until_read)
        await pool.eject(model)
        assert processes.is_gone(pid, within_s=0)
        assert await asyncio.gather(*waiting) == [Fault.EJECTED] * 3
        assert pool.kinds() == [Starting, Ending, Empty]


async def test_an_eject_ends_an_answer_and_the_next_request_loads_again(starter_model: Path) -> None:
    async with pooled(None) as pool:
        async with pool.lease(starter_model, OPTIONS) as server:
            answer = server.stream_chat(LONG, GREEDY)
            await until_text(answer)
            _, events = await asyncio.gather(pool.eject(starter_model), gather(answer))
            error = failure_of(events).error
            assert isinstance(error, EngineError)
            assert error.fault is Fault.EJECTED
            assert not processes.children()
        assert pool.kinds() == [Starting, Ready, Ending, Empty]
        again = await use(pool, starter_model)
        assert finish_of(await gather(again.stream_chat(user("Hi"), SHORT)))


async def test_an_eject_ends_what_was_named_and_nothing_else(tmp_path: Path) -> None:
    first, second = tmp_path / "a.gguf", tmp_path / "b.gguf"
    async with pooled() as pool:
        for model, options in ((first, OPTIONS), (first, LoadOptions(512)), (second, OPTIONS)):
            await use(pool, model, options)
        await pool.eject(first, LoadOptions(512))
        assert [(server.model, server.options) for server in pool.loaded] == [(first, OPTIONS), (second, OPTIONS)]
        await pool.eject(first)
        assert [server.model for server in pool.loaded] == [second]
        await pool.eject(tmp_path / "c.gguf")  # nothing to end is no fault
        await pool.eject()
        assert not pool.loaded


async def test_a_closed_pool_loads_nothing(tmp_path: Path) -> None:
    async with pooled(scripted_worker.command("starts-when", str(tmp_path))) as pool:
        (tmp_path / "a.gguf").touch()
        await use(pool, tmp_path / "a.gguf")
        waiting = asyncio.create_task(fault_of(use(pool, tmp_path / "b.gguf")))
        await pool.until(Starting)
        await asyncio.gather(pool.close(), pool.close())
        assert pool.is_closed
        assert not processes.children()
        assert await waiting is Fault.EJECTED
        assert await fault_of(use(pool, tmp_path / "a.gguf")) is Fault.EJECTED
        assert await fault_of(pool.load(tmp_path / "a.gguf", OPTIONS, pinned=True)) is Fault.EJECTED


@pytest.mark.parametrize("rounds", [pytest.param(40, id="40"), pytest.param(800, id="800", marks=pytest.mark.soak)])
async def test_whoever_comes_and_goes_in_whatever_order_leaves_nothing(tmp_path: Path, rounds: int) -> None:
    """Requests, cancels and ejects at any moment. Whoever is not cancelled or ejected gets a server that lives."""
    chance, faults = random.Random(5), set[Fault]()

    async def request(pool: Pool) -> None:
        await asyncio.sleep(chance.random() * rounds / 25)
        model, give_up_s = tmp_path / f"{chance.randrange(3)}.gguf", chance.choice([0.0, 0.02, 0.1, 0.2, 9.0])
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(give_up_s):
                try:
                    async with pool.lease(model, OPTIONS) as server:
                        assert psutil.pid_exists(server.pid)
                        await asyncio.sleep(0.05)
                except EngineError as error:
                    faults.add(error.fault)
        if chance.random() < 0.2:
            await pool.eject(model)

    async with pooled(idle_timeout_s=0.05) as pool:
        await asyncio.gather(*(request(pool) for _ in range(rounds)))
    assert faults <= {Fault.EJECTED}


# Crashes


async def test_a_model_that_died_is_started_again_at_once(tmp_path: Path) -> None:
    async with pooled() as pool:
        first = await use(pool, tmp_path / "a.gguf")
        await kill(pool, first.pid)
        broken = pool.last(Broken)
        assert isinstance(broken, Broken)
        assert broken.error.fault is Fault.KILLED
        assert not pool.loaded
        second = await use(pool, tmp_path / "a.gguf")
        assert second.pid != first.pid
        assert pool.kinds() == [Starting, Ready, Broken, Starting, Ready]


async def test_who_saw_it_die_finds_a_new_one(tmp_path: Path) -> None:
    """The answer fails a moment before the pool has buried the child: who asks again at once must not get that one."""
    file = tmp_path / "never"
    async with pooled(scripted_worker.command("pauses", str(file))) as pool:
        for number in range(5):
            model = tmp_path / f"{number}.gguf"
            async with pool.lease(model, OPTIONS) as server:
                answer = server.stream_chat(user("Count."), GREEDY)
                await until_text(answer, deltas=2)
                os.kill(server.pid, signal.SIGKILL)
                error = failure_of(await gather(answer)).error
                assert isinstance(error, EngineError)
                assert error.fault is Fault.KILLED
            assert (await use(pool, model)).pid != server.pid


async def test_the_more_often_it_dies_the_longer_is_the_wait(tmp_path: Path) -> None:
    assert BackOff().pauses_s[:3] == (0.0, 1.0, 2.0)
    assert max(BackOff().pauses_s) <= 15
    async with pooled(back_off=BackOff((0.0, 0.3, 0.5, 0.5, 100.0))) as pool:
        waited = []
        for _ in range(5):
            started = time.monotonic()
            server = await use(pool, tmp_path / "a.gguf")
            waited.append(time.monotonic() - started)
            await kill(pool, server.pid)
        async with asyncio.timeout(10):
            await use(pool, tmp_path / "a.gguf", LoadOptions(512))  # each model has its own count
    least = [0.0, 0.0, 0.3, 0.5, 0.5]
    assert [waited >= least for waited, least in zip(waited, least, strict=True)] == [True] * 5


async def test_a_load_that_dies_counts_too_and_a_file_that_is_no_model_does_not(tmp_path: Path) -> None:
    async with pooled(KILLED_AT_ONCE, back_off=BackOff((0.0, 1.0))) as pool:
        started = time.monotonic()
        for _ in range(3):
            assert await fault_of(use(pool, tmp_path / "a.gguf")) is Fault.KILLED
        assert time.monotonic() - started >= 1
    (tmp_path / "noise.gguf").write_bytes(b"GGUFnoise")
    async with pooled(None, back_off=NEVER_AGAIN) as pool:
        for _ in range(2):
            assert await fault_of(use(pool, tmp_path / "noise.gguf")) is Fault.NOT_A_MODEL


async def test_what_a_person_loads_does_not_wait(tmp_path: Path) -> None:
    async with pooled(back_off=NEVER_AGAIN) as pool:
        await kill(pool, (await use(pool, tmp_path / "a.gguf")).pid)
        async with asyncio.timeout(10):
            await pool.load(tmp_path / "a.gguf", OPTIONS, pinned=True)


async def test_what_a_person_loads_does_not_wait_for_one_who_waits(tmp_path: Path) -> None:
    async with pooled(back_off=NEVER_AGAIN) as pool:
        await kill(pool, (await use(pool, tmp_path / "a.gguf")).pid)
        waiting = asyncio.create_task(use(pool, tmp_path / "a.gguf"))
        await pool.until(Starting)
        async with asyncio.timeout(10):
            server = await pool.load(tmp_path / "a.gguf", OPTIONS, pinned=True)
        assert await waiting is server


async def test_who_waits_for_a_restart_can_give_up(tmp_path: Path) -> None:
    async with pooled(back_off=NEVER_AGAIN) as pool:
        await kill(pool, (await use(pool, tmp_path / "a.gguf")).pid)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await use(pool, tmp_path / "a.gguf")
        await pool.until(Empty)
        waiting = asyncio.create_task(fault_of(use(pool, tmp_path / "a.gguf")))
        await pool.until(Starting)
        await pool.eject()
        assert await waiting is Fault.EJECTED


async def test_a_model_that_lived_long_is_not_one_that_always_dies(tmp_path: Path) -> None:
    assert BackOff().settled_s == 60
    async with pooled(back_off=BackOff((0.0, 0.0, 100.0), settled_s=0.2)) as pool:
        for lives_s in (0.0, 0.0, 0.3, 0.0, 0.3):
            async with asyncio.timeout(10):
                server = await use(pool, tmp_path / "a.gguf")
            await asyncio.sleep(lives_s)
            await kill(pool, server.pid)
        for _ in range(2):  # two more, and it is one
            await kill(pool, (await use(pool, tmp_path / "a.gguf")).pid)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await use(pool, tmp_path / "a.gguf")


async def test_a_stopped_child_is_replaced_for_all_who_ask(tmp_path: Path) -> None:
    async with pooled() as pool:
        stopped = await use(pool, tmp_path / "a.gguf")
        os.kill(stopped.pid, signal.SIGSTOP)
        await until(lambda: stopped.is_frozen)
        async with asyncio.timeout(5):
            servers = await asyncio.gather(*(use(pool, tmp_path / "a.gguf") for _ in range(4)))
        assert {server.pid for server in servers} == set(pool.pids)
        assert stopped.pid not in pool.pids
        broken = pool.last(Broken)
        assert isinstance(broken, Broken)
        assert broken.error.fault is Fault.FROZEN


# States


async def test_the_states_come_in_order_and_can_be_left(tmp_path: Path) -> None:
    model = tmp_path / "a.gguf"
    async with pooled() as pool:
        heard: list[State] = []

        def listener(key: Key, state: State) -> None:
            assert key == Key(model, OPTIONS)
            heard.append(state)

        pool.listen(listener)
        server = await use(pool, model)
        await pool.eject()
        assert heard[0] == Starting(model, 0.0)
        progress = [state.progress for state in heard if isinstance(state, Starting)]
        assert progress == sorted(progress)
        assert heard[-4:] == [Starting(model, 1.0), Ready(server), Ending(model), Empty()]
        pool.unlisten(listener)
        await use(pool, model)
        assert heard[-1] == Empty()


def raises(_: Key, state: State) -> None:
    raise ValueError(f"a bug with {type(state).__name__}")


async def test_a_listener_that_raises_breaks_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    model = tmp_path / "a.gguf"
    async with pooled(idle_timeout_s=0.3) as pool:
        pool.listen(raises)
        heard: list[State] = []
        pool.listen(lambda _, state: heard.append(state))  # the others hear of it all the same
        server = await use(pool, model)
        os.kill(server.pid, signal.SIGKILL)
        await pool.until(Broken)
        await use(pool, model)
        await pool.eject()
        assert not processes.children()
        await use(pool, model)
        await pool.until(Empty)  # of time
        assert [type(state) for state in heard] == [type(state) for _, state in pool.seen]
    assert {f"a bug with {kind.__name__}" in caplog.text for kind in (Starting, Ready, Ending, Empty, Broken)} == {True}


async def test_a_listener_may_ask_for_the_next_thing(tmp_path: Path) -> None:
    async with pooled() as pool:
        follow: list[asyncio.Task[None]] = []

        def listener(key: Key, state: State) -> None:
            if isinstance(state, Ready):
                follow.append(asyncio.create_task(pool.eject(key.model)))

        pool.listen(listener)
        await use(pool, tmp_path / "a.gguf")
        await asyncio.gather(*follow)
        assert pool.kinds() == [Starting, Ready, Ending, Empty]


async def test_an_eject_between_two_requests_loses_nobodys_child(tmp_path: Path) -> None:
    """The first one, which was ejected, leaves only when the second has the key."""
    model = tmp_path / "model.gguf"
    pool = Pool(command=scripted_worker.command("sound"))
    first = asyncio.create_task(pool.load(model, OPTIONS))
    await asyncio.sleep(0)
    ejecting = asyncio.create_task(pool.eject(model))
    await asyncio.sleep(0)
    second = asyncio.create_task(pool.load(model, OPTIONS))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait([first, ejecting])
    server = await second
    assert pool.loaded == (server,)
    await pool.close()
    assert not processes.children()


async def test_what_a_person_loaded_stays_loaded_after_a_restart(tmp_path: Path) -> None:
    model = tmp_path / "model.gguf"
    pool = Pool(command=scripted_worker.command("sound"), idle_timeout_s=0.2)
    killed = (await pool.load(model, OPTIONS, pinned=True)).pid
    processes.end(killed)
    while pool.loaded and pool.loaded[0].pid == killed:  # noqa: ASYNC110 - it is a process that is waited for
        await asyncio.sleep(0.01)
    async with pool.lease(model, OPTIONS):
        pass
    await asyncio.sleep(0.6)
    assert pool.loaded
    await pool.eject(model)
    async with pool.lease(model, OPTIONS):
        pass
    async with asyncio.timeout(5):
        while pool.loaded:  # noqa: ASYNC110 - as above: it is nobody's any more, and times out
            await asyncio.sleep(0.02)
    await pool.close()


async def test_a_model_that_works_for_its_endpoint_makes_no_room(tmp_path: Path) -> None:
    """Nobody holds a lease of it, and it is the oldest; that it works is seen by its processor time."""
    works = scripted_worker.command("weighs-and-works")
    async with room_of(tmp_path, 350, works, working=100, idle=100) as room:
        await room.load(400)
        assert room.names == {"working", "new"}
