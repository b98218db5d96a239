"""A model in the calling process: each test is a script of its own, as it may hang or take its process along."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time
from pathlib import Path

import endless_model
import processes
import psutil
import pytest

pytestmark = pytest.mark.usefixtures("no_process_left")

#: What comes before each script.
PREFACE = """
import asyncio, contextlib, sys, time
from pathlib import Path
import psutil
from nodetool_xl_desktop.engine.client import Sampling
from nodetool_xl_desktop.engine.errors import EngineError
from nodetool_xl_desktop.engine.events import Finished, TextDelta
from nodetool_xl_desktop.engine.pool import Pool
from nodetool_xl_desktop.fit.options import LoadOptions

MODEL = Path(sys.argv[1])
OPTIONS = LoadOptions(4096)

def held():
    memory = psutil.Process().memory_info()
    return (memory.rss - memory.shared) / 2**20

async def answer(server):
    events = server.stream_chat([{"role": "user", "content": "Say hi."}], Sampling(0, max_tokens=5))
    async with contextlib.aclosing(events):
        told = [event async for event in events]
    assert isinstance(told[-1], Finished), told[-1]
    return "".join(event.text for event in told if isinstance(event, TextDelta))
"""


def start(script: str, model: Path) -> subprocess.Popen[str]:
    source = PREFACE + textwrap.dedent(script) + "\nasyncio.run(main())\nprint('over', time.time(), flush=True)\n"
    command = [sys.executable, "-P", "-W", "error", "-W", "ignore::ResourceWarning", "-c", source, str(model)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def run(script: str, model: Path, *, leaves_noise: bool = False, within_s: float = 60) -> str:
    """Run a script to its end; what it printed. It is sound, says nothing on standard error, and then ends soon."""
    process = start(script, model)
    try:
        out, err = process.communicate(timeout=within_s)
    finally:
        processes.end(process.pid)
    assert process.returncode == 0, (process.returncode, err[-3000:])
    assert err == "" or leaves_noise
    said, _, over = out.rpartition("over ")
    assert time.time() - float(over) < 5
    return said


def test_a_model_comes_and_goes_and_comes_again(starter_model: Path) -> None:
    """Ending it gives its memory back; of 90 MiB of context something like the whole."""
    said = run(
        """
        async def main():
            pool = Pool(isolation="thread")
            sizes = []
            for _ in range(3):
                async with pool.lease(MODEL, OPTIONS) as server:
                    assert server.context_length == 4096
                    assert server.endpoint.base_url.startswith("http://127.0.0.1:")
                    print(repr(await answer(server)))
                    assert await server.count_tokens([{"role": "user", "content": "Say hi."}]) > 3
                loaded = held()
                await pool.eject()
                sizes.append((loaded, held()))
                assert not pool.loaded
            assert not psutil.Process().children()
            assert all(loaded - after > 60 for loaded, after in sizes), sizes
            assert sizes[2][1] - sizes[0][1] < 30, sizes
            await pool.close()
        """,
        starter_model,
    )
    assert len(set(said.split("\n"))) == 2  # the same answer each time, and the end of the last line


@pytest.mark.parametrize(("content", "fault"), [(b"", "truncated"), (b"GGUFnoise" * 99, "not a model"), (None, "file")])
def test_a_file_that_is_no_model_is_a_typed_error(
    starter_model: Path, tmp_path: Path, content: bytes | None, fault: str
) -> None:
    model = tmp_path / "noise.gguf"
    if content is not None:
        model.write_bytes(content)
    script = f"""
        async def main():
            pool = Pool(isolation="thread")
            try:
                await pool.load(MODEL, OPTIONS)
            except EngineError as error:
                print(error.fault.value, bool(error.why), bool(error.hint))
            async with pool.lease(Path({str(starter_model)!r}), OPTIONS) as server:
                await answer(server)
        """
    assert run(script, model).strip() == f"{fault} True True"


def test_cancelling_a_load_waits_for_its_end_and_leaves_nothing(starter_model: Path) -> None:
    run(
        """
        async def main():
            pool = Pool(isolation="thread")
            loading = asyncio.create_task(pool.load(MODEL, OPTIONS))
            await asyncio.sleep(0.05)
            loading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await loading
            async with asyncio.timeout(20):
                await pool.eject()
                assert not pool.loaded
                await answer(await pool.load(MODEL, OPTIONS))
                await pool.close()
        """,
        starter_model,
    )


def test_stop_in_an_answer_and_eject_in_another(starter_model: Path) -> None:
    said = run(
        """
        async def main():
            pool = Pool(isolation="thread")
            long = [{"role": "user", "content": "Write a very long story."}]
            async with pool.lease(MODEL, OPTIONS) as server:
                events = server.stream_chat(long, Sampling(0))
                await anext(events)
                await events.aclose()
                await answer(server)
                events = server.stream_chat(long, Sampling(0))
                await anext(events)
                ejecting = asyncio.create_task(pool.eject())
                *_, last = [event async for event in events]
                print(last.error.fault.value)
                await ejecting
            await answer(await pool.load(MODEL, OPTIONS))
            await pool.close()
        """,
        starter_model,
    )
    assert said.strip() == "ejected"


@pytest.mark.parametrize("isolation", ["thread", "process"])
@pytest.mark.parametrize("state", ["loaded", "loading", "answering"])
def test_a_script_that_closes_nothing_ends_all_the_same(starter_model: Path, isolation: str, state: str) -> None:
    script = f"""
        async def main():
            pool = Pool(isolation={isolation!r})
            task = asyncio.create_task(pool.load(MODEL, OPTIONS))
            if {state!r} == "loading":
                await asyncio.sleep(0.05)
                return
            server = await task
            await answer(server)
            if {state!r} == "answering":
                global events
                events = server.stream_chat([{{"role": "user", "content": "Write a long story."}}], Sampling(0))
                await anext(events)
            global kept
            kept = pool
        """
    # What is left in its middle: asyncio closes generators all at once, and says that some still ran; anyio says that
    # an attempt to connect was given up before it began. Python 3.12 says that a pipe outlived its loop.
    says_pipe = isolation == "process" and sys.version_info >= (3, 12)
    run(script, starter_model, leaves_noise=says_pipe or state != "loaded")


def test_a_load_that_never_ends_ends_with_its_process(tmp_path: Path) -> None:
    process = start(
        "async def main(): await Pool(isolation='thread').load(MODEL, OPTIONS)", endless_model.make(tmp_path)
    )
    try:
        endless_model.wait_until_read()
        assert psutil.Process(process.pid).children() == []
        process.terminate()
        assert process.wait(5) != 0
    finally:
        processes.end(process.pid)
        process.communicate()
