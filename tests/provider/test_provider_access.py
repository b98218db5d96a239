"""Scripts that use a provider and close nothing: each ends soon after its last line, and leaves no process behind."""

from __future__ import annotations

import asyncio
import gc
import os
import re
import signal
import subprocess
import sys
import textwrap
import time
import weakref
from collections.abc import Callable
from pathlib import Path

import command_line
import processes
import pytest

from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.engine.pool import Pool
from nodetool_xl_desktop.provider import Provider, get_provider

#: What issue 3 allows between the last line of a script and its end.
ENDS_WITHIN_S = 5.0
#: What Python says of things that were left lying about.
LITTER = ("never awaited", "was destroyed", "Exception ignored", "never retrieved", "ResourceWarning", "unclosed")

BEGINNING = """\
import asyncio, sys
from nodetool_xl_desktop.provider import LoadSettings, Message, Provider, get_provider

MODEL = sys.argv[1]
SMALL = LoadSettings(context_length=512)
HI = [Message("user", "Write a long story.")]

def told():
    print("last line", flush=True)

async def answered(tokens=2):
    provider = await get_provider(Provider.XLlamaCpp, user_id="1")
    message = await provider.generate_message(HI, MODEL, max_tokens=tokens, load=SMALL)
    assert message.usage.completion_tokens == tokens
    print("child", provider.pool.loaded[0].pid, flush=True)
    return provider

"""
SCRIPTS = {
    "plain": """
        async def main():
            await answered()
            told()

        asyncio.run(main())
        """,
    "closed": """
        async def main():
            for _ in range(2):
                await (await answered()).close()
            told()

        asyncio.run(main())
        """,
    "iterator left open": """
        async def main():
            provider = await answered()
            chunks = provider.generate_messages(HI, MODEL, load=SMALL)
            await anext(chunks)
            told()

        asyncio.run(main())
        """,
    "load still under way": """
        async def main():
            provider = await get_provider()
            load = asyncio.create_task(provider.load(MODEL, load=SMALL))
            while not (children := __import__("psutil").Process().children()):
                await asyncio.sleep(0.01)
            print("child", children[0].pid, flush=True)
            told()

        asyncio.run(main())
        """,
    "two loops": """
        async def main():
            await answered()

        asyncio.run(main())
        asyncio.run(main())
        told()
        """,
    "a loop of its own that is never closed": """
        loop = asyncio.new_event_loop()
        loop.run_until_complete(answered())
        told()
        """,
    "sys.exit": """
        async def main():
            await answered()
            told()
            sys.exit(7)

        asyncio.run(main())
        """,
    "raises": """
        async def main():
            await answered()
            told()
            raise RuntimeError("on purpose")

        asyncio.run(main())
        """,
    "waits for ever": """
        async def main():
            provider = await answered()
            told()
            async for _ in provider.generate_messages(HI, MODEL, load=SMALL):
                pass
            await asyncio.sleep(600)

        asyncio.run(main())
        """,
}
#: What Python itself complains of: the loop; pipes of a
#: killed child whose end the loop no longer read.
NOISY = ("a loop of its own that is never closed", "load still under way")
STATUS = {"sys.exit": 7, "raises": 1}


def run(
    name: str, model: Path, home: Path, meanwhile: Callable[[subprocess.Popen[str]], None] | None = None
) -> tuple[int, str, list[int]]:
    """Run a script; its status, its standard error, and the children that it had. It has to end in time."""
    source = BEGINNING + textwrap.dedent(SCRIPTS[name])
    process = subprocess.Popen(
        [sys.executable, "-X", "dev", "-c", source, str(model)],
        env=command_line.environment(home),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    children = []
    try:
        assert process.stdout is not None
        for line in process.stdout:
            word, _, pid = line.partition(" ")
            if word == "last":
                break
            children.append(int(pid))
        ends = time.monotonic() + ENDS_WITHIN_S
        if meanwhile is not None:
            meanwhile(process)
        _, errors = process.communicate(timeout=max(0.0, ends - time.monotonic()))
        # What took more than 0.1 s is told in this mode, too: on a busy machine the start of a process does.
        slow = re.compile(r"^Executing <.* took [\d.]+ seconds\n", re.MULTILINE)
        errors = slow.sub("", errors)
        assert children, errors
        assert all(processes.is_gone(pid, max(0.0, ends - time.monotonic())) for pid in children)
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
        for pid in children:
            processes.end(pid)
    return process.returncode, errors, children


@pytest.mark.parametrize("name", [name for name in SCRIPTS if name != "waits for ever"])
def test_a_script_ends_and_leaves_nothing(starter_model: Path, tmp_path: Path, name: str) -> None:
    status, errors, children = run(name, starter_model, tmp_path)
    assert status == STATUS.get(name, 0), errors
    if name == "raises":
        assert errors.rstrip().endswith("RuntimeError: on purpose")
    elif name in NOISY:
        return
    else:
        assert errors == ""
    assert not [word for word in LITTER if word in errors]
    assert len(children) == (2 if name in ("two loops", "closed") else 1)


def test_a_script_that_is_interrupted_leaves_nothing(starter_model: Path, tmp_path: Path) -> None:
    status, errors, _ = run(
        "waits for ever", starter_model, tmp_path, lambda script: os.kill(script.pid, signal.SIGINT)
    )
    assert status == -signal.SIGINT
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert not [word for word in LITTER if word in errors]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_script_that_is_killed_leaves_nothing(starter_model: Path, tmp_path: Path, number: signal.Signals) -> None:
    status, _, _ = run("waits for ever", starter_model, tmp_path, lambda script: os.kill(script.pid, number))
    assert status == -number


# Which pool


def test_who_asks_in_one_loop_shares_a_pool_and_it_is_closed_with_the_loop(paths: Paths) -> None:
    async def pools() -> list[Pool]:
        first, second = await get_provider(paths=paths), await get_provider("xllamacpp", "2", paths=paths)
        own = Pool()
        third = await get_provider(pool=own, paths=paths)
        assert third.pool is own
        return [first.pool, second.pool, own]

    first, second, own = asyncio.run(pools())
    other, _, _ = asyncio.run(pools())
    assert first is second is not other
    assert first.is_closed
    assert not own.is_closed


def test_a_pool_that_was_closed_is_replaced(paths: Paths, caplog: pytest.LogCaptureFixture) -> None:
    async def pools() -> list[Pool]:
        made = []
        for _ in range(3):
            provider = await get_provider(paths=paths)
            made.append(provider.pool)
            await provider.close()
            del provider
            gc.collect()  # a task that nobody holds would say that it was destroyed
        return made

    assert len(set(asyncio.run(pools()))) == 3
    gc.collect()
    assert not caplog.records


def test_a_loop_that_has_ended_is_let_go(paths: Paths) -> None:
    async def provided() -> weakref.ref[asyncio.AbstractEventLoop]:
        await get_provider(paths=paths)
        return weakref.ref(asyncio.get_running_loop())

    ended = asyncio.run(provided())
    gc.collect()
    assert ended() is None


async def test_another_provider_is_refused(paths: Paths) -> None:
    for name in ("ollama", "", None):
        with pytest.raises(ValueError, match="not a valid Provider"):
            await get_provider(name, paths=paths)  # type: ignore[arg-type]
    assert (await get_provider(Provider.XLlamaCpp, pool=Pool(), paths=paths)).pool.loaded == ()
