"""What several tests of the chat store need: stores of earlier versions, and whether one is sound."""

from __future__ import annotations

import contextlib
import os
import random
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nodetool_xl_desktop.engine.events import TextDelta
from nodetool_xl_desktop.store import schema
from nodetool_xl_desktop.store.database import connect
from nodetool_xl_desktop.store.parts import Text
from nodetool_xl_desktop.store.records import About, ModelIdentity, State, new_id
from nodetool_xl_desktop.store.store import Store

QWEN = About(model=ModelIdentity("qwen3-4b", "Qwen3 4B", "/models/q.gguf", 4096), sampling={"temperature": 0.7})

NOT_INDEXED = "SELECT at FROM message_words"
INDEXED = 'SELECT rowid FROM message_index WHERE message_index MATCH \'"ǂruser" OR "ǂrassistant" OR "ǂrsystem"\''


def problem(connection: sqlite3.Connection) -> str:
    """What is wrong with a database, each page, reference and word of the index looked at; empty for nothing."""
    pages = [said for (said,) in connection.execute("PRAGMA integrity_check") if said != "ok"]
    references = connection.execute("PRAGMA foreign_key_check").fetchall()
    indexed = {key for (key,) in connection.execute(INDEXED)}
    kept = {key for (key,) in connection.execute(NOT_INDEXED)}
    return "; ".join(str(each) for each in (pages, references, sorted(indexed ^ kept)) if each)


def problem_of(database: Path) -> str:
    with contextlib.closing(connect(database)) as connection:
        return problem(connection)


def make_version(database: Path, version: int, chats: int = 5, each: int = 20) -> list[tuple[str, str]]:
    """A store of an earlier version; returns the id and the text of each message."""
    database.parent.mkdir(parents=True, exist_ok=True)
    said: list[tuple[str, str]] = []
    chance = random.Random(version)
    with contextlib.closing(connect(database)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        schema.migrate(connection, version)
        connection.execute("BEGIN")
        time_ms = 1_700_000_000_000
        for chat in range(1, chats + 1):
            connection.execute(
                "INSERT INTO chat(key, id, title, titled_by, created_ms, touched_ms) VALUES (?, ?, ?, 'person', ?, ?)",
                (chat, new_id(), f"Chat number {chat}", time_ms, time_ms),
            )
            parent = None
            for number in range(each):
                time_ms += 1000
                key = (chat << schema.CHAT_SHIFT) + number
                said.append((new_id(), f"word{number} lighthouse {chance.random()}"))
                connection.execute(
                    "INSERT INTO message(key, at, id, chat, parent, role, state, created_ms, parts)"
                    " VALUES (?, ?, ?, ?, ?, ?, 'complete', ?, json_array(json_object('type', 'text', 'text', ?)))",
                    (
                        *(key, time_ms, said[-1][0], chat, parent),
                        *(("user", "assistant")[number % 2], time_ms, said[-1][1]),
                    ),
                )
                parent = key
            connection.execute("UPDATE chat SET leaf = ? WHERE key = ?", (parent, chat))
        connection.execute("COMMIT")
    return said


async def said(store: Store, question: str, answer: str = "", about: About = QWEN) -> tuple[str, str, str]:
    """A chat of one turn; returns its id, the question's and the answer's."""
    chat = await store.list.new()
    asked, open_answer = await store.begin_turn(chat.id, None, [Text(question)], about)
    open_answer.add(TextDelta(answer))
    await open_answer.close(State.COMPLETE)
    return chat.id, asked.id, open_answer.id


@contextlib.contextmanager
def quick_folder(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where the system has one: what is tested is a process that dies, not a disk that is slow."""
    if Path("/dev/shm").is_dir() and os.access("/dev/shm", os.W_OK):
        with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
            yield Path(folder)
    else:
        yield tmp_path


def rounds(few: int, many: int) -> Any:
    """A test's parameter `rounds`: few in `make test`, many in `make soak`."""
    return pytest.mark.parametrize("rounds", [few, pytest.param(many, marks=pytest.mark.soak)])


def version_of(database: Path) -> int:
    with contextlib.closing(sqlite3.connect(database)) as connection:
        return schema.version(connection)
