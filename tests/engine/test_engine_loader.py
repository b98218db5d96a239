"""The one loaded model as a state: what it goes through, whatever is asked of it and in whatever order."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from pathlib import Path

import endless_model
import processes
import pytest
import scripted_worker
from engine_runs import GREEDY, OPTIONS, failure_of, gather, until_text, user

from nodetool_xl_desktop.engine.errors import Fault
from nodetool_xl_desktop.engine.loader import Loader
from nodetool_xl_desktop.engine.pool import Pool
from nodetool_xl_desktop.engine.states import Broken, Empty, Ending, Ready, Starting, State
from nodetool_xl_desktop.fit.options import LoadOptions

pytestmark = pytest.mark.usefixtures("no_process_left")

SOUND = scripted_worker.command("sound")


class Watched(Loader):
    """A loader whose states are written down."""

    def __init__(self, command: tuple[str, ...] | None = None) -> None:
        super().__init__(Pool(command=command))
        self.seen: list[State] = []
        self.listen(self.seen.append)

    @property
    def kinds(self) -> list[type[State]]:
        """The kinds of the states, in order; progress within one load counts once."""
        kinds = [type(state) for state in self.seen]
        return [kind for kind, before in zip(kinds, [None, *kinds], strict=False) if kind is not before]

    async def until(self, kind: type[State], within_s: float = 20) -> State:
        reached = asyncio.Event()
        self.listen(lambda state: reached.set() if isinstance(state, kind) else None)
        if not isinstance(self.state, kind):
            async with asyncio.timeout(within_s):
                await reached.wait()
        return self.state


async def test_a_model_comes_and_goes(starter_model: Path) -> None:
    loader = Watched()
    assert loader.state == Empty()
    await loader.load(starter_model, OPTIONS)
    ready = loader.state
    assert isinstance(ready, Ready)
    assert ready.model == starter_model
    assert ready.server.context_length == OPTIONS.context_length
    assert loader.seen[0] == Starting(starter_model)
    assert loader.seen[-2] == Starting(starter_model, 1.0)
    assert len(processes.children()) == 1
    await loader.eject()
    assert loader.kinds == [Starting, Ready, Ending, Empty]
    assert not processes.children()
    await loader.eject()  # nothing to end is no fault, and no news
    assert loader.kinds == [Starting, Ready, Ending, Empty]


async def test_another_load_takes_the_place_of_the_first(starter_model: Path) -> None:
    loader = Watched()
    await loader.load(starter_model, OPTIONS)
    await loader.load(starter_model, LoadOptions(512))
    assert isinstance(loader.state, Ready)
    assert loader.state.server.context_length == 512
    assert loader.kinds == [Starting, Ready, Ending, Empty, Starting, Ready]
    assert [child.pid for child in processes.children()] == [loader.state.server.pid]
    await loader.eject()


async def test_asking_for_what_is_there_or_on_its_way_changes_nothing(tmp_path: Path) -> None:
    loader, model = Watched(SOUND), tmp_path / "model.gguf"
    await asyncio.gather(loader.load(model, OPTIONS), loader.load(model, OPTIONS))
    assert isinstance(loader.state, Ready)
    assert loader.holds(model, OPTIONS)
    assert not loader.holds(model, LoadOptions(512))
    pid = loader.state.server.pid
    await loader.load(model, OPTIONS)
    assert loader.kinds == [Starting, Ready]
    assert [child.pid for child in processes.children()] == [pid]
    os.kill(pid, signal.SIGKILL)
    await loader.until(Broken)
    assert not loader.holds(model, OPTIONS)
    await loader.load(model, OPTIONS)  # what broke is loaded anew
    assert loader.kinds == [Starting, Ready, Broken, Empty, Starting, Ready]
    await loader.eject()
    assert not loader.holds(model, OPTIONS)


async def test_a_load_that_fails_is_a_state_and_the_next_one_works(tmp_path: Path, starter_model: Path) -> None:
    loader = Watched()
    (tmp_path / "noise.gguf").write_bytes(b"GGUFnoise")
    await loader.load(tmp_path / "noise.gguf", OPTIONS)
    broken = loader.state
    assert isinstance(broken, Broken)
    assert broken.model == tmp_path / "noise.gguf"
    assert broken.error.fault is Fault.NOT_A_MODEL
    await loader.load(starter_model, OPTIONS)
    assert isinstance(loader.state, Ready)
    assert loader.kinds == [Starting, Broken, Empty, Starting, Ready]
    await loader.eject()


async def test_a_child_that_cannot_be_started_is_a_state(starter_model: Path) -> None:
    loader = Watched(("/no/such/program",))
    await loader.load(starter_model, OPTIONS)
    assert isinstance(loader.state, Broken)
    assert "no process could be started" in loader.state.error.why
    await loader.eject()
    assert loader.state == Empty()


async def test_a_load_can_be_cancelled(tmp_path: Path) -> None:
    loader = Watched()
    loading = asyncio.create_task(loader.load(endless_model.make(tmp_path), OPTIONS))
    await asyncio.to_thread(endless_model.wait_until_read)
    assert isinstance(loader.state, Starting)
    await loader.eject()
    await loading
    assert loader.kinds == [Starting, Ending, Empty]
    assert not processes.children()


async def test_a_load_gives_way_to_another_one(tmp_path: Path, starter_model: Path) -> None:
    loader = Watched()
    first = asyncio.create_task(loader.load(endless_model.make(tmp_path), OPTIONS))
    await asyncio.to_thread(endless_model.wait_until_read)
    await loader.load(starter_model, OPTIONS)
    await first
    assert isinstance(loader.state, Ready)
    assert loader.state.model == starter_model
    assert loader.kinds == [Starting, Ending, Empty, Starting, Ready]
    assert len(processes.children()) == 1
    await loader.eject()


async def test_an_engine_that_dies_is_noticed_and_buried(starter_model: Path, caplog: pytest.LogCaptureFixture) -> None:
    loader = Watched()
    await loader.load(starter_model, OPTIONS)
    assert isinstance(loader.state, Ready)
    with caplog.at_level(logging.WARNING, "nodetool_xl_desktop"):
        os.kill(loader.state.server.pid, signal.SIGKILL)
        broken = await loader.until(Broken)
    assert isinstance(broken, Broken)
    assert broken.model == starter_model
    assert broken.error.fault is Fault.KILLED
    assert "signal 9" in caplog.text
    assert "model loaded" in caplog.text  # the end of the engine's log is in the program's, for a bug report
    assert loader.kinds == [Starting, Ready, Broken]
    await loader.load(starter_model, OPTIONS)
    assert loader.kinds == [Starting, Ready, Broken, Empty, Starting, Ready]
    await loader.eject()


async def test_an_answer_fails_before_the_model_is_called_broken_or_just_after(starter_model: Path) -> None:
    loader = Watched()
    await loader.load(starter_model, OPTIONS)
    assert isinstance(loader.state, Ready)
    answer = loader.state.server.stream_chat(user("Write a very long story."), GREEDY)
    await until_text(answer)
    os.kill(loader.state.server.pid, signal.SIGKILL)
    error = failure_of(await gather(answer)).error
    broken = await loader.until(Broken)
    assert isinstance(broken, Broken)
    assert str(broken.error) == str(error)
    await loader.eject()
    assert loader.state == Empty()


async def test_ejecting_while_an_answer_streams_ends_the_answer(starter_model: Path) -> None:
    loader = Watched()
    await loader.load(starter_model, OPTIONS)
    assert isinstance(loader.state, Ready)
    answer = loader.state.server.stream_chat(user("Write a very long story."), GREEDY)
    await until_text(answer)
    _, events = await asyncio.gather(loader.eject(), gather(answer))
    assert "ejected" in failure_of(events).error.what
    assert loader.kinds == [Starting, Ready, Ending, Empty]


# Many calls at once: a person who clicks about


async def test_of_many_loads_at_once_one_is_left(tmp_path: Path) -> None:
    loader = Watched(SOUND)
    models = [tmp_path / f"{number}.gguf" for number in range(5)]
    await asyncio.gather(*(loader.load(model, OPTIONS) for model in models))
    assert isinstance(loader.state, Ready)
    assert loader.state.model == models[-1]
    assert [child.pid for child in processes.children()] == [loader.state.server.pid]
    await loader.eject()
    assert not processes.children()


async def test_loads_that_replace_a_loaded_model_at_once_leave_one(tmp_path: Path) -> None:
    loader = Watched(SOUND)
    await loader.load(tmp_path / "first.gguf", OPTIONS)
    await asyncio.gather(*(loader.load(tmp_path / f"{number}.gguf", OPTIONS) for number in range(3)))
    assert isinstance(loader.state, Ready)
    assert [child.pid for child in processes.children()] == [loader.state.server.pid]
    await loader.eject()
    assert not processes.children()


@pytest.mark.parametrize("order", ["load eject", "eject load", "load eject load", "load load eject", "eject eject"])
@pytest.mark.parametrize("loaded_before", [False, True])
async def test_loads_and_ejects_in_any_order_end_as_the_last_one_says(
    tmp_path: Path, order: str, loaded_before: bool
) -> None:
    loader = Watched(SOUND)
    if loaded_before:
        await loader.load(tmp_path / "first.gguf", OPTIONS)
    calls = [
        loader.load(tmp_path / f"{number}.gguf", OPTIONS) if name == "load" else loader.eject()
        for number, name in enumerate(order.split())
    ]
    await asyncio.gather(*calls)
    assert isinstance(loader.state, Ready if order.endswith("load") else Empty)
    assert len(processes.children()) == order.endswith("load")
    await loader.eject()
    assert loader.state == Empty()
    assert not processes.children()


@pytest.mark.parametrize("delay_s", [0.0, 0.02, 0.05, 0.08, 0.11, 0.14])
async def test_an_eject_at_any_moment_of_a_load_leaves_nothing(tmp_path: Path, delay_s: float) -> None:
    loader = Watched(SOUND)
    loading = asyncio.create_task(loader.load(tmp_path / "model.gguf", OPTIONS))
    await asyncio.sleep(delay_s)
    await loader.eject()
    await loading
    assert loader.state == Empty()
    assert not processes.children()


async def test_a_death_while_it_is_ejected_is_no_fault(tmp_path: Path) -> None:
    for _ in range(3):
        loader = Watched(scripted_worker.command("deaf"))
        await loader.load(tmp_path / "model.gguf", OPTIONS)
        assert isinstance(loader.state, Ready)
        pid = loader.state.server.pid
        ejecting = asyncio.create_task(loader.eject())
        await asyncio.sleep(0)
        os.kill(pid, signal.SIGKILL)
        await ejecting
        assert loader.kinds == [Starting, Ready, Ending, Empty]


async def test_an_eject_that_is_cancelled_leaves_nothing_either(tmp_path: Path) -> None:
    loader = Watched(scripted_worker.command("deaf"))
    await loader.load(tmp_path / "model.gguf", OPTIONS)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await loader.eject()
    await loader.eject()
    assert loader.state == Empty()
    assert not processes.children()


async def test_a_bug_is_told_and_the_loader_can_be_used_again(starter_model: Path) -> None:
    loader = Watched(("program", 5))  # type: ignore[arg-type] # no command at all
    for _ in range(2):
        with pytest.raises(TypeError):
            await loader.load(starter_model, OPTIONS)
        assert loader.state == Empty()
