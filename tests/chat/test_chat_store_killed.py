"""The program is killed at random moments while chats stream, are edited, renamed and migrated."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import chat_stores
import pytest
from chat_writer import PACE_S

from nodetool_xl_desktop.chat import schema
from nodetool_xl_desktop.chat.records import State
from nodetool_xl_desktop.chat.store import Store

WRITER = Path(__file__).parent.parent / "chat_writer.py"
#: What may be missing of a stream, in seconds.
LOST_S = 0.3


async def kill_after(
    folder: Path, seed: int, delay_s: float, *arguments: str, from_ready: bool
) -> tuple[list[list[Any]], float]:
    """Have the writer write, and kill it; returns what it said, and when it was killed."""
    writer = await asyncio.create_subprocess_exec(
        sys.executable, str(WRITER), str(folder), str(seed), *arguments, stdout=subprocess.PIPE
    )
    assert writer.stdout is not None
    lines: list[bytes] = []
    if from_ready:
        lines.append(await writer.stdout.readline())
    reading = asyncio.create_task(writer.stdout.read())
    await asyncio.sleep(delay_s)
    assert writer.returncode is None, lines
    killed_s = time.monotonic()
    writer.kill()
    lines.append(await reading)
    await writer.wait()
    return [json.loads(line) for line in b"".join(lines).splitlines()], killed_s


def lateness(said: list[list[Any]], killed_s: float) -> float:
    """How late the writer itself was at its end, in seconds: on a busy machine it is not run for a while."""
    times = [each[1] for each in said if each[1] > killed_s - 2 * LOST_S]
    gaps = [later - earlier for earlier, later in itertools.pairwise([*times, killed_s])]
    return max([0.0, *(gap - PACE_S for gap in gaps)])


async def check(store: Store, said: list[list[Any]], killed_s: float) -> None:
    """Everything that was said to be on the disk is there."""
    assert not store.notices
    assert await store.read(chat_stores.problem) == ""
    allowed_s = LOST_S + lateness(said, killed_s)
    edited = {each[2]: each[3] for each in said if each[0] == "edited"}
    turns = [each[2:] for each in said if each[0] == "turn"]
    fed: dict[str, list[float]] = {}
    for each in said:
        if each[0] == "fed":
            fed.setdefault(each[2], []).append(each[1])
    closed = {each[2]: each[3] for each in said if each[0] == "closed"}
    deleted = {each[2] for each in said if each[0] == "deleted"}
    found = {
        each.id: each for each in await store.messages([*edited, *(uuid for turn in turns for uuid in turn[1::2])])
    }
    for uuid, text in edited.items():
        assert found[uuid].text == text
    for _, question, text, answer in turns:
        assert found[question].text == text
        pieces = found[answer].text.split()
        assert pieces == [str(number) for number in range(len(pieces))]
        if answer in closed:
            assert len(pieces) == closed[answer]
            assert found[answer].state is State.COMPLETE
        else:
            due = sum(time_s < killed_s - allowed_s for time_s in fed.get(answer, []))
            assert due <= len(pieces) <= len(fed.get(answer, [])) + 1, f"{allowed_s} s: {len(pieces)} of {due}"
    for chat in {each[2] for each in said if each[0] == "chat"}:
        opened = await store.open_chat(chat)
        opened.tree.check()
        assert not any(opened.tree.is_alive(uuid) for uuid in deleted if uuid in opened.tree)
        assert_last(opened.chat.title, chat, said, "renaming", "renamed")
        assert_last("".join(opened.chat.tags), chat, said, "tagging", "tagged")


def assert_last(found: str, chat: str, said: list[list[Any]], wish: str, done: str) -> None:
    """What is there is what was acknowledged last; or what was asked for after that, and may have happened or not."""
    mine = [each for each in said if each[0] in (wish, done) and each[2] == chat]
    if len(mine) > 1:
        assert found in (mine[-1][3], mine[-2][3])


@chat_stores.rounds(8, 200)
async def test_killed_while_it_writes(tmp_path: Path, rounds: int) -> None:
    chance = random.Random(rounds)
    with chat_stores.quick_folder(tmp_path) as home:
        for number in range(rounds):
            from_ready = number % 5 != 0
            delay_s = chance.uniform(0.0, 1.2 if from_ready else 1.0)
            said, killed_s = await kill_after(home / "chats", number, delay_s, from_ready=from_ready)
            store = await Store.open(home / "chats")
            try:
                await check(store, said, killed_s)
            except AssertionError as error:
                raise AssertionError(f"round {number}, killed after {delay_s:.3f} s") from error
            finally:
                await store.close()


@chat_stores.rounds(5, 60)
async def test_killed_in_the_middle_of_one_long_answer(tmp_path: Path, rounds: int) -> None:
    """Nothing else is written meanwhile, which would bring the answer to the disk along with it."""
    chance = random.Random(rounds)
    with chat_stores.quick_folder(tmp_path) as home:
        for number in range(rounds):
            said, killed_s = await kill_after(
                home / "chats", number, chance.uniform(0.7, 1.6), "stream", from_ready=True
            )
            store = await Store.open(home / "chats")
            await check(store, said, killed_s)
            await store.close()


@chat_stores.rounds(4, 60)
async def test_killed_while_it_migrates(tmp_path: Path, rounds: int) -> None:
    chance = random.Random(rounds)
    with chat_stores.quick_folder(tmp_path) as home:
        kept = chat_stores.make_version(home / "old" / "chats.sqlite3", 1, chats=60, each=400)
        versions: set[int] = set()
        for number in range(rounds):
            folder = home / f"round {number}"
            shutil.copytree(home / "old", folder)
            await kill_after(folder, number, chance.uniform(0.25, 1.5), from_ready=False)
            with_version = chat_stores.version_of(folder / "chats.sqlite3")
            versions.add(with_version)
            store = await Store.open(folder)
            assert await store.read(schema.version) == schema.LATEST
            assert await store.read(chat_stores.problem) == ""
            assert [(each.id, each.text) for each in await store.messages([uuid for uuid, _ in kept])] == kept
            await store.close()
            shutil.rmtree(folder)
        assert versions <= {1, 2, 3}


@pytest.mark.usefixtures("no_process_left")
async def test_a_second_program_is_refused(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "chats")
    second = await asyncio.create_subprocess_exec(
        sys.executable, str(WRITER), str(tmp_path / "chats"), "1", stderr=subprocess.PIPE
    )
    _, said = await second.communicate()
    assert b"another window of this program has them open" in said
    await store.close()
