"""Changes below the model folders are told soon, in bursts, and for nearly nothing."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from nodetool_xl_desktop.library.folders import Root
from nodetool_xl_desktop.library.model_file import Place
from nodetool_xl_desktop.library.watch import changes

#: For the watch to be set up, which nothing tells.
BEGIN_S = 0.6
LONG_S = 10.0


class Told:
    """What was told so far."""

    def __init__(self) -> None:
        self.batches: list[frozenset[Path]] = []
        self.came = asyncio.Event()

    @property
    def paths(self) -> set[Path]:
        return {path for batch in self.batches for path in batch}

    async def until(self, path: Path) -> None:
        async with asyncio.timeout(LONG_S):
            while path not in self.paths:
                self.came.clear()
                await self.came.wait()

    def forget(self) -> None:
        self.batches.clear()


@contextlib.asynccontextmanager
async def watching(*roots: Path, off: tuple[Path, ...] = ()) -> AsyncIterator[Told]:
    told, stop = Told(), asyncio.Event()

    async def read() -> None:
        every = [Root(path, Place.ADDED) for path in roots] + [Root(path, Place.OLLAMA, is_on=False) for path in off]
        async for batch in changes(every, stop):
            told.batches.append(batch)
            told.came.set()

    before = set(threading.enumerate())
    reader = asyncio.create_task(read())
    await asyncio.sleep(BEGIN_S)
    try:
        yield told
    finally:
        stop.set()
        async with asyncio.timeout(LONG_S):
            await reader
        for thread in set(threading.enumerate()) - before:
            if thread.name.startswith("watch"):
                thread.join(LONG_S)
                assert not thread.is_alive()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "models").mkdir()
    return tmp_path / "models"


async def test_what_comes_and_goes_is_told(folder: Path) -> None:
    async with watching(folder) as told:
        (folder / "new folder").mkdir()
        await told.until(folder / "new folder")
        name = folder / "new folder" / "m\n\U0001f999 del.gguf"
        name.write_bytes(b"GGUF")
        await told.until(name)
        told.forget()
        name.rename(folder / "renamed.gguf")
        await told.until(folder / "renamed.gguf")
        assert name in told.paths
        told.forget()
        (folder / "renamed.gguf").unlink()
        await told.until(folder / "renamed.gguf")


async def test_a_burst_is_told_once(folder: Path) -> None:
    async with watching(folder) as told:
        for number in range(300):
            (folder / f"{number}.gguf").write_bytes(b"GGUF")
        await told.until(folder / "299.gguf")
        await asyncio.sleep(1)
        assert len(told.batches) == 1
        assert len(told.paths) == 300


async def test_what_grows_is_told_when_it_rests(folder: Path) -> None:
    async with watching(folder) as told:
        with (folder / "copied.gguf").open("wb") as stream:
            for _ in range(20):
                stream.write(b"x" * 1000)
                stream.flush()
                await asyncio.sleep(0.1)
            assert told.batches == []
        await told.until(folder / "copied.gguf")


async def test_downloads_that_grow_are_not_told(folder: Path) -> None:
    names = ["m.gguf.part", "m.gguf.incomplete", "downloading_m.gguf", "incomplete-m.gguf", "sha256-ab-partial-3"]
    with contextlib.ExitStack() as open_files:
        streams = [open_files.enter_context((folder / name).open("wb")) for name in names]
        async with watching(folder) as told:
            for number in range(12):
                for stream in streams:
                    stream.write(b"x" * 1000)
                    stream.flush()
                fresh = folder / "m.gguf.part.json.new"
                fresh.write_text(str(number))
                fresh.replace(folder / "m.gguf.part.json")
                await asyncio.sleep(0.1)
            await asyncio.sleep(1)
            assert told.batches == []
            for name in names:
                (folder / name).rename(folder / f"{name} done.gguf")
                await told.until(folder / f"{name} done.gguf")


async def test_reading_is_no_change(folder: Path) -> None:
    (folder / "m.gguf").write_bytes(b"GGUF" * 1000)
    async with watching(folder) as told:
        assert (folder / "m.gguf").read_bytes()
        assert os.listdir(folder) == ["m.gguf"]  # noqa: PTH208
        await asyncio.sleep(1)
        assert told.batches == []


async def test_a_name_that_is_no_utf_8_ends_nothing(folder: Path) -> None:
    async with watching(folder) as told:
        (folder / os.fsdecode(b"caf\xe9.gguf")).write_bytes(b"GGUF")
        await told.until(folder)
        await asyncio.sleep(1.5)
        (folder / "after.gguf").write_bytes(b"GGUF")
        await told.until(folder / "after.gguf")


async def test_folders_come_and_go(tmp_path: Path, folder: Path) -> None:
    missing = tmp_path / "not" / "yet" / "there"
    async with watching(folder, missing) as told:
        (tmp_path / "something else").write_bytes(b"")
        missing.mkdir(parents=True)
        await told.until(missing)
        assert told.paths == {missing}
        (missing / "m.gguf").write_bytes(b"GGUF")
        await told.until(missing / "m.gguf")
        shutil.rmtree(folder)
        await told.until(folder)
        told.forget()
        os.mkdir(folder)  # noqa: PTH102
        await told.until(folder)
        (folder / "again.gguf").write_bytes(b"GGUF")
        await told.until(folder / "again.gguf")


async def test_what_is_off_or_cannot_be_named_is_not_watched(tmp_path: Path, folder: Path) -> None:
    odd = tmp_path / os.fsdecode(b"caf\xe9")
    odd.mkdir()
    on = tmp_path / "on"
    on.mkdir()
    async with watching(on, odd, off=(folder,)) as told:
        (folder / "m.gguf").write_bytes(b"GGUF")
        (odd / "m.gguf").write_bytes(b"GGUF")
        (on / "m.gguf").write_bytes(b"GGUF")
        await told.until(on / "m.gguf")
        assert told.paths == {on / "m.gguf"}


async def test_idle_it_takes_next_to_nothing(folder: Path, tmp_path: Path) -> None:
    async with watching(folder, tmp_path / "missing"):
        await asyncio.sleep(0.5)
        before = time.process_time()
        await asyncio.sleep(3)
        assert time.process_time() - before < 0.05  # more than ten times what it takes


async def test_a_reader_that_is_cancelled_leaves_nothing(folder: Path) -> None:
    tasks, threads = asyncio.all_tasks(), set(threading.enumerate())

    async def read() -> None:
        async for _ in changes([Root(folder, Place.ADDED)], asyncio.Event()):
            pass

    reader = asyncio.create_task(read())
    await asyncio.sleep(BEGIN_S)
    assert [thread for thread in set(threading.enumerate()) - threads if thread.name.startswith("watch")]
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    await asyncio.sleep(0.5)
    assert asyncio.all_tasks() == tasks
    assert not [thread for thread in set(threading.enumerate()) - threads if thread.name.startswith("watch")]


LIMITED = """
import asyncio, resource, os, sys
from pathlib import Path
import watchfiles
from nodetool_xl_desktop.library.folders import Root
from nodetool_xl_desktop.library.model_file import Place
from nodetool_xl_desktop.library.watch import CannotWatch, changes

async def main():
    await asyncio.to_thread(os.getpid)  # the thread is there, as in the program
    spare = os.dup(0), os.dup(0)
    used = max(map(int, os.listdir("/proc/self/fd")))
    os.close(spare[0]), os.close(spare[1])
    resource.setrlimit(resource.RLIMIT_NOFILE, (used, used))
    try:
        async for batch in changes([Root(Path(sys.argv[1]), Place.ADDED)], asyncio.Event()):
            print(batch)
    except CannotWatch as error:
        print(error)

asyncio.run(main())
"""


def test_no_more_watches_is_told_once(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, folder], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(
        "The model folders are not watched: the system lets no more folders be watched. The list"
    )
    assert len(done.stdout.splitlines()) == 1
