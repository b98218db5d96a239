"""Engines that run: the real one from a wheel answers, and one that does not start costs nobody more than a notice."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import command_line
import engine_wheels
import pytest
from engine_runs import GREEDY, OPTIONS, text_of, user

from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.engine import dry_run, hardware
from nodetool_xl_desktop.engine.engines import Engines, Installed
from nodetool_xl_desktop.engine.errors import EngineError, Fault
from nodetool_xl_desktop.engine.in_use import Fallen, InUse
from nodetool_xl_desktop.engine.pool import Pool
from nodetool_xl_desktop.engine.trial import try_engine
from nodetool_xl_desktop.engine.wheel_file import look_into

pytestmark = pytest.mark.usefixtures("no_process_left")


@pytest.fixture
def engines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engines:
    """Those of this user, who is here for this test alone."""
    for kind in ("DATA", "STATE", "CONFIG", "CACHE"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / "home" / kind.lower()))
    return Engines(Paths.default().engines)


@pytest.fixture(scope="session")
def real_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The engine that is installed here, which says in its log that it is this one."""
    said = "import sys; sys.stderr.write('from the wheel\\n')"
    return engine_wheels.real(tmp_path_factory.mktemp("wheel"), before=said)


def scripted(engines: Engines, tmp_path: Path, code: str) -> Installed:
    """An engine that does this when it is started; each is another one."""
    code = f"{code}\n# {tmp_path}"
    return engines.install(look_into(engine_wheels.scripted(tmp_path / "scripted", code)), "the test")


def code_of(pid: int) -> str:
    """The files whose code a process runs."""
    return Path(f"/proc/{pid}/maps").read_text()


@pytest.fixture
def fallen() -> Iterator[list[Fallen]]:
    """What listeners are told."""
    told: list[Fallen] = []
    InUse.listen(told.append)
    yield told
    InUse.unlisten(told.append)


async def test_the_real_engine_from_a_wheel_loads_and_answers(
    engines: Engines, real_wheel: Path, starter_model: Path, fallen: list[Fallen]
) -> None:
    engine = engines.install(look_into(real_wheel), "a file")
    tried = await try_engine(engine)
    assert tried.version == (await try_engine(None)).version
    assert [device.kind for device in tried.devices] == ["cpu"]
    engines.choose(engine)
    pool = Pool()
    try:
        server = await pool.load(starter_model, OPTIONS)
        maps = code_of(server.pid)
        assert str(engine.path) in maps  # it is the code of the wheel that runs
        answer = [event async for event in server.stream_chat(user("Say hello."), GREEDY)]
        assert text_of(answer).strip()
        # Chosen anew, what is loaded stays as it is; the next load has the other one.
        engines.choose(None)
        assert (await pool.load(starter_model, OPTIONS)).pid == server.pid
        await pool.eject()
        other = await pool.load(starter_model, OPTIONS)
        assert str(engine.path) not in code_of(other.pid)
    finally:
        await pool.close()
    assert not fallen


async def test_a_plan_is_made_by_the_engine_that_is_chosen(
    engines: Engines, real_wheel: Path, starter_model: Path
) -> None:
    runs = dry_run.DryRuns()
    own = await runs.plan(starter_model, OPTIONS)
    engines.choose(engines.install(look_into(real_wheel), "a file"))
    again = await runs.plan(starter_model, OPTIONS)
    assert again == own
    assert again is not own  # another engine has planned it


@pytest.mark.parametrize(
    ("code", "fault", "words"),
    [
        ("import os; os.abort()", Fault.ABORTED, "signal 6"),
        ("import os; os.kill(os.getpid(), 11)", Fault.CRASHED, "signal 11"),
        ("import os; os.kill(os.getpid(), 4)", Fault.ILLEGAL_INSTRUCTION, "lacks an instruction"),
        ("raise ImportError('libcudart.so.12: cannot open')", Fault.LIBRARY_MISSING, "libcudart.so.12"),
        ("raise RuntimeError('no card')", Fault.LIBRARY_MISSING, "RuntimeError: no card"),
        ("import nodriver", Fault.LIBRARY_MISSING, "No module named 'nodriver'"),
        ("this is no Python", Fault.LIBRARY_MISSING, "SyntaxError"),
        ("raise SystemExit(3)", Fault.UNKNOWN, "status 3"),
        ("CommonParams = 7", Fault.LIBRARY_MISSING, "too old or too new"),
    ],
)
async def test_an_engine_that_does_not_start_says_why(
    engines: Engines, tmp_path: Path, code: str, fault: Fault, words: str
) -> None:
    with pytest.raises(EngineError) as failed:
        await try_engine(scripted(engines, tmp_path, code))
    assert failed.value.fault is fault
    assert words in str(failed.value)
    assert failed.value.what == f"The engine {engine_wheels.VERSION} does not start"


async def test_one_that_hangs_is_ended(engines: Engines, tmp_path: Path) -> None:
    engine = scripted(engines, tmp_path, "import sys, time; sys.stderr.write('driver ...\\n'); time.sleep(60)")
    began = time.monotonic()
    with pytest.raises(EngineError, match="within 1 s") as failed:
        await try_engine(engine, within_s=1)
    assert time.monotonic() - began < 5
    assert failed.value.log_tail == ("driver ...",)


async def test_a_trial_that_nobody_waits_for_leaves_no_child(engines: Engines, tmp_path: Path) -> None:
    trial = asyncio.create_task(try_engine(scripted(engines, tmp_path, "import time; time.sleep(60)")))
    await asyncio.sleep(0.3)
    trial.cancel()
    with pytest.raises(asyncio.CancelledError):
        await trial


COUNTED = "open({place!r}, 'a').write('x'); import os; os.abort()"


async def test_one_that_starts_no_longer_gives_way_once(
    engines: Engines, tmp_path: Path, starter_model: Path, fallen: list[Fallen]
) -> None:
    starts = tmp_path / "starts"
    engine = scripted(engines, tmp_path, COUNTED.format(place=str(starts)))
    engines.choose(engine)
    pool = Pool()
    try:
        server = await pool.load(starter_model, OPTIONS)
        answer = [event async for event in server.stream_chat(user("Say hello."), GREEDY)]
        assert text_of(answer).strip()
    finally:
        await pool.close()
    assert [device["kind"] for device in await hardware.engine_devices()] == ["cpu"]
    await dry_run.plan(starter_model, OPTIONS)
    assert starts.read_text() == "x"  # never again in this process
    assert [each.engine for each in fallen] == [engine]
    assert "signal 6" in fallen[0].error.why
    assert engines.chosen() == engine  # another start of the program tries it again
    # A person wants it again.
    InUse.forgive(engine)
    await hardware.engine_devices()
    assert starts.read_text() == "xx"


async def test_a_command_goes_on_with_its_own_engine_and_says_so(
    engines: Engines, tmp_path: Path, starter_model: Path
) -> None:
    engines.choose(scripted(engines, tmp_path, "raise RuntimeError('no card')"))
    asked = ("ask", starter_model, "Say hello.", "--max-tokens", "5")
    done = await asyncio.to_thread(command_line.run, tmp_path / "home", *asked)
    assert done.returncode == 0
    assert done.stdout.strip()
    assert done.stderr.count("does not start") == 1
    assert "RuntimeError: no card" in done.stderr


async def test_doctor_says_which_engine_runs_and_from_where(engines: Engines, tmp_path: Path, real_wheel: Path) -> None:
    def doctor() -> dict[str, object]:
        done = command_line.run(tmp_path / "home", "doctor", "--json")
        found: dict[str, object] = json.loads(done.stdout)
        return found

    own = (await asyncio.to_thread(doctor))["engine"]
    assert isinstance(own, dict)
    assert own["runs"] == "the program's own"
    assert Path(own["from"]).name == "xllamacpp"
    engine = engines.install(look_into(real_wheel), "a file")
    engines.choose(engine)
    chosen = (await asyncio.to_thread(doctor))["engine"]
    assert isinstance(chosen, dict)
    assert (chosen["runs"], chosen["from"]) == (engine_wheels.VERSION, str(engine.folder))
    bad = scripted(engines, tmp_path, "import os; os.abort()")
    engines.choose(bad)
    found = await asyncio.to_thread(doctor)
    assert isinstance(found["engine"], dict)
    assert found["engine"]["runs"] == "the program's own"
    problems = found["problems"]
    assert isinstance(problems, list)
    assert any("does not start" in problem["problem"] and "built-in" in problem["remedy"] for problem in problems)


def test_the_window_does_not_import_it(engines: Engines) -> None:
    code = "import sys, nodetool_xl_desktop.app; sys.exit('xllamacpp' in sys.modules)"
    assert os.spawnv(os.P_WAIT, command_line.command()[0], [command_line.command()[0], "-c", code]) == 0
