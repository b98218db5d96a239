"""Small files of the program's own that several programs change at once, and that nothing makes half."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nodetool_xl_desktop.chat.permissions import Grant, PermissionsFile
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.json_file import JsonFile
from nodetool_xl_desktop.core.lock import FileLock, locked
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.fit.memory import MemoryUse
from nodetool_xl_desktop.fit.options import LoadOptions, LoadSettings
from nodetool_xl_desktop.library.loads import LoadRecords, key
from nodetool_xl_desktop.library.settings import ModelSettings
from nodetool_xl_desktop.tools.mcp.settings_file import SettingsFile

WHAT = "The list"
OTHER_THREADS = 4


def names(content: Any) -> list[str]:
    return [str(name) for name in content["names"]]


def as_json(held: list[str]) -> object:
    return {"names": held}


def add(file: JsonFile, name: str) -> list[str]:
    return file.change(names, lambda held: [*(held or []), name], as_json)


def left_beside(folder: Path) -> set[str]:
    return {each.name for each in folder.iterdir()}


@pytest.fixture
def file(tmp_path: Path) -> JsonFile:
    return JsonFile(tmp_path / "data" / "list.json", WHAT, patience_s=0.3)


#: Writes as the program does, from a process of its own: what writes, the folder, who, and how often.
WRITER = """
import asyncio, sys
from pathlib import Path
from nodetool_xl_desktop.chat.permissions import Grant, PermissionsFile
from nodetool_xl_desktop.core.json_file import JsonFile
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.fit.memory import MemoryUse
from nodetool_xl_desktop.fit.options import LoadOptions, LoadSettings
from nodetool_xl_desktop.library.loads import LoadRecords
from nodetool_xl_desktop.library.settings import ModelSettings
from nodetool_xl_desktop.tools.mcp.settings_file import SettingsFile

kind, folder, who, times = sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
paths = Paths.below(folder)
plain = JsonFile(folder / "list.json", "The list")
settings, loads = ModelSettings(paths, "here"), LoadRecords(paths, "here")
permissions, servers = PermissionsFile(paths.permissions_file), SettingsFile(paths.mcp_file)
runner = asyncio.Runner()

def model(name):
    file = folder / f"{name}.gguf"
    file.touch()
    return file

def write(name):
    match kind:
        case "plain":
            plain.change(lambda said: said["names"], lambda held: [*(held or []), name], lambda held: {"names": held})
        case "settings":
            settings.keep(model(name), LoadSettings(threads=2), {})
        case "loads":
            loads.keep(model(name), LoadOptions(), MemoryUse())
        case "permissions":
            runner.run(permissions.change(lambda held: held.with_granted(None, Grant(name))))
        case "servers":
            servers.change(lambda held: held | {name: {"command": "x"}})

print("ready", flush=True)
sys.stdin.readline()
for number in range(times):
    write(f"{who}-{number}")
    print(number, flush=True)
"""


class Writers:
    """Real processes that write the same file at once."""

    def __init__(self) -> None:
        self._running: list[subprocess.Popen[str]] = []

    def start(self, kind: str, folder: Path, who: str, times: int) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", WRITER, kind, str(folder), who, str(times)]
        writer = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._running.append(writer)
        return writer

    def go(self, *writers: subprocess.Popen[str]) -> None:
        for writer in writers:
            assert writer.stdout is not None
            assert writer.stdin is not None
            assert writer.stdout.readline() == "ready\n"
        for writer in writers:
            assert writer.stdin is not None
            writer.stdin.write("go\n")
            writer.stdin.flush()

    def end(self) -> None:
        for writer in self._running:
            writer.kill()
            writer.communicate()


@pytest.fixture
def writers() -> Iterator[Writers]:
    writers = Writers()
    yield writers
    writers.end()


def held_by(kind: str, folder: Path) -> set[str]:
    """The names that are kept there now."""
    paths = Paths.below(folder)
    match kind:
        case "plain":
            return set(JsonFile(folder / "list.json", WHAT).read(names) or [])
        case "settings":
            settings = ModelSettings(paths, "here")
            return {each.stem for each in folder.glob("*.gguf") if settings.for_model(each) == LoadSettings(threads=2)}
        case "loads":
            loads = LoadRecords(paths, "here")
            return {each.stem for each in folder.glob("*.gguf") if loads.taken(each) == {key(LoadOptions()): 0}}
        case "permissions":
            return {grant.tool for grant in asyncio.run(PermissionsFile(paths.permissions_file).read()).always}
        case _:
            return set(SettingsFile(paths.mcp_file).read())


@pytest.mark.parametrize("kind", ["plain", "settings", "loads", "permissions", "servers"])
def test_two_programs_that_write_lose_nothing(tmp_path: Path, writers: Writers, kind: str) -> None:
    times = 200 if kind == "plain" else 50
    both = [writers.start(kind, tmp_path, who, times) for who in ("one", "other")]
    writers.go(*both)
    for writer in both:
        said, _ = writer.communicate(timeout=60)
        assert writer.returncode == 0
        assert len(said.split()) == times
    assert held_by(kind, tmp_path) == {f"{who}-{number}" for who in ("one", "other") for number in range(times)}
    assert not [name for folder in (tmp_path, tmp_path / "data") if folder.exists() for name in left_beside(folder)
                if "lock" in name or "saving" in name]  # fmt: skip


@pytest.mark.parametrize("rounds", [3, pytest.param(100, marks=pytest.mark.soak)])
def test_killed_while_they_write(tmp_path: Path, writers: Writers, rounds: int) -> None:
    """What a program said that it had written is there, whatever it was doing when it was killed, and the next one
    waits for nobody.
    """
    chance, known = random.Random(rounds), set[str]()
    for number in range(rounds):
        both = [writers.start("plain", tmp_path, f"{number}-{who}", 100_000) for who in ("one", "other")]
        writers.go(*both)
        time.sleep(chance.uniform(0.02, 0.3))
        for writer in both:
            writer.send_signal(signal.SIGKILL)
        for who, writer in zip(("one", "other"), both, strict=True):
            said, _ = writer.communicate()
            known |= {f"{number}-{who}-{each}" for each in said.splitlines() if each}
        began = time.monotonic()
        assert "after" in add(JsonFile(tmp_path / "list.json", WHAT), "after")
        assert time.monotonic() - began < 2
        assert known <= held_by("plain", tmp_path)
    assert len(known) >= rounds, "they came to write"
    assert not list(tmp_path.glob("*.unreadable.json"))
    assert not list(tmp_path.glob(".saving-*/list.json")), "what was half-written is swept away"


def test_threads_of_one_program_wait_for_each_other(file: JsonFile) -> None:
    def write(who: int) -> None:
        for number in range(20):
            add(JsonFile(file.path, WHAT), f"{who}-{number}")

    threads = [threading.Thread(target=write, args=(who,)) for who in range(OTHER_THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    held = file.read(names) or []
    assert len(held) == len(set(held)) == OTHER_THREADS * 20


def test_what_a_change_returns_is_what_it_holds(file: JsonFile) -> None:
    assert add(file, "a") == ["a"]
    assert add(file, "b") == ["a", "b"]
    assert file.read(names) == ["a", "b"]
    assert left_beside(file.path.parent) == {"list.json"}


def test_what_stays_the_same_is_not_written(file: JsonFile) -> None:
    add(file, "a")
    os.utime(file.path, ns=(5, 5))
    assert file.change(names, lambda held: held or [], as_json) == ["a"]
    assert file.path.stat().st_mtime_ns == 5


def test_a_change_in_place_is_written(file: JsonFile) -> None:
    def grow(held: list[str] | None) -> list[str]:
        assert held is not None
        held.append("b")
        return held

    add(file, "a")
    file.change(names, grow, as_json)
    assert file.read(names) == ["a", "b"]


def test_a_change_that_fails_changes_nothing_and_holds_nothing(file: JsonFile) -> None:
    def fail(_held: list[str] | None) -> list[str]:
        raise FileNotFoundError("a fault of whoever changes it")

    add(file, "a")
    with pytest.raises(FileNotFoundError):
        file.change(names, fail, as_json)
    assert add(file, "b") == ["a", "b"]


def test_who_holds_it_too_long_is_told_of(file: JsonFile) -> None:
    add(file, "a")
    with (
        locked(file.path.with_name(".list.json.lock")),
        pytest.raises(UserFacingError, match="could not be saved: another program has held it too long"),
    ):
        add(file, "b")
    assert file.read(names) == ["a"]
    assert add(file, "b") == ["a", "b"]


def test_what_is_no_list_is_set_aside_once(file: JsonFile) -> None:
    file.path.parent.mkdir()
    file.path.write_text("a hand was here")
    assert add(file, "a") == ["a"]
    assert file.path.with_suffix(".unreadable.json").read_text() == "a hand was here"
    assert left_beside(file.path.parent) == {"list.json", "list.unreadable.json"}
    file.path.write_text("and once more")
    assert add(file, "b") == ["b"]
    assert file.path.with_suffix(".unreadable.json").read_text() == "a hand was here"
    assert file.path.with_suffix(".unreadable2.json").read_text() == "and once more"


def test_a_reader_does_not_set_aside_what_has_been_mended(file: JsonFile) -> None:
    """It saw what a hand had spoiled; until it has the lock, another program has written a good one."""
    add(file, "a")
    file.path.write_text("{")
    with locked(file.path.with_name(".list.json.lock")):
        reader_saw: list[object] = []
        reader = threading.Thread(target=lambda: reader_saw.append(JsonFile(file.path, WHAT).read(names)))
        reader.start()
        time.sleep(0.1)
        file.write(as_json(["mended"]))
    reader.join()
    assert reader_saw == [["mended"]]
    assert left_beside(file.path.parent) == {"list.json"}


def test_where_no_lock_can_be_made_nothing_is_written(file: JsonFile) -> None:
    add(file, "a")
    file.path.with_name(".list.json.lock").mkdir()
    with pytest.raises(UserFacingError, match="could not be saved"):
        add(file, "b")
    assert file.read(names) == ["a"]


def test_a_lock_that_was_removed_holds_nobody(tmp_path: Path) -> None:
    """Who removes its file gives it back: of those who opened the old file and those who make a new one, one has it."""
    path = tmp_path / "x.lock"
    inside, most = [0], [0]

    def use() -> None:
        for _ in range(100):
            lock = FileLock(path)
            assert lock.acquire()
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            time.sleep(0)
            inside[0] -= 1
            lock.release(remove=True)

    threads = [threading.Thread(target=use) for _ in range(OTHER_THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]
    assert left_beside(tmp_path) == set()


async def test_what_could_not_be_written_is_written_with_the_next(tmp_path: Path) -> None:
    """And what another program has allowed meanwhile stays."""
    path = tmp_path / "data" / "tool-permissions.json"
    ours, others = PermissionsFile(path), PermissionsFile(path)
    await ours.read()
    path.parent.write_text("no folder")
    with pytest.raises(UserFacingError):
        await ours.change(lambda held: held.with_granted(None, Grant("refused")))
    assert [grant.tool for grant in (await ours.read()).always] == ["refused"]
    path.parent.unlink()
    await others.change(lambda held: held.with_granted(None, Grant("theirs")))
    await ours.change(lambda held: held.with_granted(None, Grant("ours")))
    for file in (ours, PermissionsFile(path)):
        assert {grant.tool for grant in (await file.read()).always} == {"refused", "theirs", "ours"}


def test_a_model_is_forgotten_once(tmp_path: Path) -> None:
    model, paths = tmp_path / "m.gguf", Paths.below(tmp_path)
    model.touch()
    ModelSettings(paths).keep(model, LoadSettings(threads=2), {})
    LoadRecords(paths).keep(model, LoadOptions(), MemoryUse())
    assert ModelSettings(paths).forget(model)
    assert not ModelSettings(paths).forget(model)
