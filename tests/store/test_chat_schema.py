"""The migrations of the chat store: from every earlier version, with a backup before."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sqlite3
from pathlib import Path

import chat_stores
import pytest

from nodetool_xl_desktop.store import schema
from nodetool_xl_desktop.store.backup import KEPT, Backups, unsoundness
from nodetool_xl_desktop.store.database import connect
from nodetool_xl_desktop.store.parts import Text
from nodetool_xl_desktop.store.presets import Preset, Scope
from nodetool_xl_desktop.store.records import About
from nodetool_xl_desktop.store.search import Query
from nodetool_xl_desktop.store.store import Store


@pytest.mark.parametrize("version", range(1, schema.LATEST + 1))
async def test_a_store_of_an_earlier_version_is_brought_up(tmp_path: Path, version: int) -> None:
    folder = tmp_path / "chats"
    said = chat_stores.make_version(folder / "chats.sqlite3", version)
    store = await Store.open(folder)
    assert not store.notices
    assert await store.read(schema.version) == schema.LATEST
    assert await store.read(chat_stores.problem) == ""
    assert [(each.id, each.text) for each in await store.messages([uuid for uuid, _ in said])] == said
    assert len((await store.search(Query("word7 lighthouse"))).hits) == 5
    assert len(await store.search_titles("number 3")) == 1
    (first, *_) = (await store.list.page()).chats
    opened = await store.open_chat(first.id)
    assert len(opened.shown) == 20
    await store.begin_turn(first.id, opened.tree.leaf, [Text("and on")], About())
    await store.presets.keep(Preset(Scope.GLOBAL, sampling={"top_k": 1}))
    backups = Backups(folder / "backups").every()
    assert [backup.version for backup in backups] == ([version] if version < schema.LATEST else [])
    for backup in backups:
        assert chat_stores.version_of(backup.path) == version
    await store.close()


async def test_a_migration_that_fails_leaves_the_version_before(tmp_path: Path) -> None:
    database = tmp_path / "chats.sqlite3"
    said = chat_stores.make_version(database, 1)
    with contextlib.closing(connect(database)) as connection:
        connection.execute("CREATE TABLE preset (taken INTEGER)")  # the third migration makes one too
        with pytest.raises(sqlite3.OperationalError, match="already exists"):
            schema.migrate(connection)
        assert schema.version(connection) == 2
        assert not connection.in_transaction
        assert chat_stores.problem(connection) == ""
        connection.execute("DROP TABLE preset")
        schema.migrate(connection)
        assert schema.version(connection) == schema.LATEST
        assert connection.execute("SELECT count(*) FROM message").fetchone() == (len(said),)


# Backups


async def test_one_backup_a_day_and_seven_in_all(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "chats")
    await store.list.new("a chat")
    assert await store.care.back_up_daily() is not None
    assert await store.care.back_up_daily() is None
    made = [await store.care.back_up() for _ in range(KEPT + 2)]
    backups = Backups(tmp_path / "chats" / "backups")
    assert [backup.path for backup in backups.every()] == [backup.path for backup in made[: -KEPT - 1 : -1]]
    (tmp_path / "chats" / "backups" / "notes.txt").write_text("not a backup")
    for backup in backups.every():
        assert unsoundness(backup.path) == ""
        assert not list(backup.path.parent.glob("*-wal"))
    await store.close()


async def test_a_backup_while_it_streams_is_one_moment(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "chats")
    chat, parent = await store.list.new(), None
    for number in range(30):
        question, _ = await store.begin_turn(chat.id, parent, [Text(f"{number} " + "word " * 3000)], About())
        parent = question.id
    backup = await store.care.back_up()
    await store.begin_turn(chat.id, parent, [Text("later")], About())
    assert chat_stores.problem_of(backup.path) == ""
    with contextlib.closing(connect(backup.path)) as connection:
        assert connection.execute("SELECT count(*) FROM message").fetchone() == (60,)
    await store.close()


async def test_backups_of_a_day_to_come_take_no_ones_place(tmp_path: Path) -> None:
    """The clock was wrong for a while."""
    store = await Store.open(tmp_path / "chats")
    await store.list.new("a chat")
    backups = Backups(tmp_path / "chats" / "backups")
    for number in range(KEPT):
        made = (await store.care.back_up()).path
        made.rename(made.with_name(f"chats-209901{number + 10}-120000-000000-v{schema.LATEST}.sqlite3"))
    now = await store.care.back_up_daily()
    assert now is not None
    assert backups.every()[0].path == now.path
    assert now.path.exists()
    assert len(backups.every()) == KEPT
    assert await store.care.back_up_daily() is None
    await store.close()


async def test_what_a_killed_backup_left_is_removed(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "chats")
    folder = tmp_path / "chats" / "backups"
    folder.mkdir()
    for name in ("chats-20260101-000000-000000-v3.part", "chats-20260101-000000-000000-v3.part-journal"):
        (folder / name).write_bytes(b"half")
    await asyncio.gather(*(store.care.back_up() for _ in range(3)))
    assert [path.suffix for path in folder.iterdir()] == [".sqlite3"] * 3
    await store.close()


async def test_a_backup_does_not_take_the_last_room(tmp_path: Path) -> None:
    """The database is as large as what is free, with nothing in most of it. The chats are told to be fine; they are."""
    folder = tmp_path / "chats"
    store = await Store.open(folder)
    await store.list.new("a chat")
    await store.close()
    os.truncate(folder / "chats.sqlite3", shutil.disk_usage(folder).free)
    store = await Store.open(folder)
    (notice,) = await store.care.all()
    assert "not backed up" in notice.what
    assert "themselves are saved" in notice.hint
    assert not list((folder / "backups").iterdir())
    await store.list.new("another chat")
    assert [chat.title for chat in (await store.list.page()).chats] == ["another chat", "a chat"]
    await store.close()
