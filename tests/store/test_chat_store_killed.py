"""The program is killed at random moments while chats stream, are edited, renamed and migrated."""

from __future__ import annotations

import asyncio
import random
import shutil
import subprocess
import sys
from pathlib import Path

import chat_stores
import pytest
from chat_writer import PACE_S
from killed_writers import LOST_S, Said, kill_after, lateness

from nodetool_xl_desktop.store import schema
from nodetool_xl_desktop.store.records import State
from nodetool_xl_desktop.store.store import Store

WRITER = Path(__file__).parent.parent / "chat_writer.py"


async def check(store: Store, said: Said, killed_s: float) -> None:
    """Everything that was said to be on the disk is there."""
    assert not store.notices
    assert await store.read(chat_stores.problem) == ""
    allowed_s = LOST_S + lateness(said, killed_s, PACE_S)
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


def assert_last(found: str, chat: str, said: Said, wish: str, done: str) -> None:
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
            ready = "ready" if from_ready else ""
            said, killed_s = await kill_after(delay_s, WRITER, home / "chats", number, ready=ready)
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
            delay_s = chance.uniform(0.7, 1.6)
            said, killed_s = await kill_after(delay_s, WRITER, home / "chats", number, "stream", ready="ready")
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
            await kill_after(chance.uniform(0.25, 1.5), WRITER, folder, number)
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
