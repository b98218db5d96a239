"""A program that is killed leaves no engine behind: not a loaded one, and not one in the middle of its load."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import endless_model
import processes
import psutil
import pytest

from nodetool_xl_desktop.engine.child import worker_command

#: What issue 2 allows.
GONE_WITHIN_S = 5.0

#: A program that loads a model and says so; it never ends by itself.
PROGRAM = """
import asyncio, sys
from pathlib import Path
from nodetool_xl_desktop.engine.server import EngineServer
from nodetool_xl_desktop.fit.options import LoadOptions

async def main():
    server = await EngineServer.start(Path(sys.argv[1]), LoadOptions(1024))
    print("ready", flush=True)
    if "busy" in sys.argv:
        from nodetool_xl_desktop.engine.client import Sampling
        question = [{"role": "user", "content": "Write a very long story."}]
        async for event in server.stream_chat(question, Sampling()):
            print("word", flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


@contextmanager
def program(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """The program of these tests, ended with its children whatever happens."""
    command = [sys.executable, "-c", PROGRAM, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        family = []
        try:
            yield process
        finally:
            if process.poll() is None:
                family = psutil.Process(process.pid).children(recursive=True)
                process.kill()
            for child in family:
                processes.end(child.pid)


def only_child(pid: int, within_s: float = 20) -> int:
    """The engine of this program, as soon as there is one."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        for child in psutil.Process(pid).children():
            return child.pid
        time.sleep(0.002)
    raise AssertionError("no child was started")


def check_that_a_kill_takes_the_engine_along(process: subprocess.Popen[str], engine: int) -> None:
    assert psutil.pid_exists(engine)
    os.kill(process.pid, signal.SIGKILL)
    gone = processes.is_gone(engine, GONE_WITHIN_S)
    processes.end(engine)
    assert gone


@pytest.mark.parametrize("state", ["idle", "busy"])
def test_a_loaded_engine_ends_with_its_program(starter_model: Path, state: str) -> None:
    with program(str(starter_model), state) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        if state == "busy":
            assert process.stdout.readline() == "word\n"
        check_that_a_kill_takes_the_engine_along(process, only_child(process.pid))


def test_an_engine_in_the_middle_of_its_load_ends_with_its_program(tmp_path: Path) -> None:
    """No Python runs in the child meanwhile: only the kernel can end it."""
    with program(str(endless_model.make(tmp_path))) as process:
        engine = endless_model.wait_until_read()
        assert psutil.Process(engine).ppid() == process.pid
        check_that_a_kill_takes_the_engine_along(process, engine)


@pytest.mark.parametrize("delay_s", [0, 0.01, 0.03, 0.1])
def test_an_engine_that_has_just_been_started_ends_with_its_program(starter_model: Path, delay_s: float) -> None:
    """Before it could ask the kernel for that."""
    with program(str(starter_model)) as process:
        engine = only_child(process.pid)
        time.sleep(delay_s)
        check_that_a_kill_takes_the_engine_along(process, engine)


@pytest.mark.parametrize("request_line", ['{"do": "devices", "parent_pid": 1}\n', ""])
def test_an_engine_whose_program_died_before_it_could_speak_does_nothing(request_line: str) -> None:
    """Its parent is another process by then; or it left no request at all."""
    done = subprocess.run(
        worker_command(), input=request_line, capture_output=True, text=True, timeout=GONE_WITHIN_S, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_an_engine_ends_when_its_program_is_asked_to(starter_model: Path) -> None:
    with program(str(starter_model)) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        engine = only_child(process.pid)
        process.terminate()
        assert process.wait(5) == -signal.SIGTERM
        assert processes.is_gone(engine, GONE_WITHIN_S)
