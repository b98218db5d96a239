"""What can be wrong with the disk, each played for real: the program starts, or says exactly why not, and nothing that
was there is overwritten."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, timedelta
from pathlib import Path

import chat_stores
import pytest

from nodetool_xl_desktop.engine.events import TextDelta
from nodetool_xl_desktop.store import opening, schema
from nodetool_xl_desktop.store.backup import Backups
from nodetool_xl_desktop.store.database import damage_flag
from nodetool_xl_desktop.store.errors import StoreError, StoreFault
from nodetool_xl_desktop.store.parts import Text
from nodetool_xl_desktop.store.presets import Preset, Scope
from nodetool_xl_desktop.store.records import About, Notice, State
from nodetool_xl_desktop.store.search import Query
from nodetool_xl_desktop.store.store import Store

OPENER = Path(__file__).parent.parent / "chat_opener.py"
PAGE = 4096


def files(folder: Path) -> dict[str, bytes]:
    """Every file below, but for the lock, an empty log, and what SQLite keeps in shared memory."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and path.suffix != ".lock"
        and not path.name.endswith("-shm")
        and not (path.name.endswith("-wal") and path.stat().st_size == 0)
    }


async def filled(folder: Path, turns: int = 60) -> list[str]:
    """A closed store with one chat; returns what was asked."""
    store = await Store.open(folder)
    chat, parent = await store.list.new(), None
    for number in range(turns):
        said = [Text(f"question {number} " + "word " * 200)]
        _, answer = await store.begin_turn(chat.id, parent, said, About())
        answer.add(TextDelta(f"answer {number} " + "reply " * 200))
        await answer.close(State.COMPLETE)
        parent = answer.id
    await store.close()
    return [f"question {number}" for number in range(turns)]


async def asked(store: Store) -> list[str]:
    """What was asked in every chat of a store."""
    found: list[str] = []
    for chat in (await store.list.page(limit=1000)).chats:
        shown = (await store.open_chat(chat.id)).messages.values()
        found += [" ".join(message.text.split()[:2]) for message in shown if message.role == "user"]
    return found


def spoil(database: Path, *, at: float = 0.5, pages: int = 3) -> bytes:
    """Overwrite some pages of a database; returns what it holds then."""
    data = bytearray(database.read_bytes())
    begin = int(len(data) / PAGE * at) * PAGE
    data[begin : begin + pages * PAGE] = b"\xa5" * (pages * PAGE)
    database.write_bytes(data)
    return bytes(data)


@contextlib.contextmanager
def refused(fault: StoreFault, *words: str) -> Iterator[None]:
    """It is refused for this, in words that a person can act on."""
    with pytest.raises(StoreError) as caught:
        yield
    error = caught.value
    assert error.fault is fault
    assert error.what
    assert error.hint
    for word in words:
        assert word in str(error)


# The disk is full


async def test_a_full_disk_keeps_what_streams_in_memory_until_there_is_room(tmp_path: Path) -> None:
    problems: list[StoreError | None] = []
    store = await Store.open(tmp_path / "chats", on_problem=problems.append)
    chat = await store.list.new()
    _, answer = await store.begin_turn(chat.id, None, [Text("Tell a long story")], About())
    await store.write_freely(limit_pages(2))
    for number in range(400):
        answer.add(TextDelta(f"{number} " + "a long word of the story " * 20))
        await asyncio.sleep(0.002)
    await until(lambda: bool(problems))
    assert problems[0] is not None
    assert problems[0].fault is StoreFault.FULL
    assert "room" in problems[0].hint
    assert answer.message.text.startswith("0 a long word")
    store.keep_draft(chat.id, [Text("unsent")])
    with refused(StoreFault.FULL, "full"):
        await store.begin_turn(chat.id, answer.id, [Text("x" * 100_000)], About())
    with refused(StoreFault.FULL, "full"):
        await answer.close()
    await store.write_freely(limit_pages(10_000))
    await until(lambda: problems[-1] is None)
    await store.close()
    again = await Store.open(tmp_path / "chats")
    (held,) = await again.messages([answer.id])
    assert held.text == answer.message.text
    assert held.state is State.STOPPED
    draft = await again.draft(chat.id)
    assert draft is not None
    assert draft.parts == (Text("unsent"),)
    assert await again.read(chat_stores.problem) == ""
    await again.close()


async def test_a_file_that_may_not_grow_is_told_too(tmp_path: Path) -> None:
    """The system refuses a write as it does on a disk with a quota: not as a full one, but with its own words."""
    resource = pytest.importorskip("resource")
    before = await filled(tmp_path / "chats", 20)
    store = await Store.open(tmp_path / "chats")
    chat = await store.list.new()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
    try:
        with pytest.raises(StoreError) as caught:
            await store.begin_turn(chat.id, None, [Text("word " * 100_000)], About())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.fault in (StoreFault.FULL, StoreFault.DISK)
    assert (await store.open_chat(chat.id)).shown == []
    await store.begin_turn(chat.id, None, [Text("It works again")], About())
    assert [each for each in await asked(store) if each != "It works"] == before
    await store.close()


def limit_pages(more: int) -> Callable[[sqlite3.Connection], object]:
    """As many pages as there are, and some more: the database's own limit of what the disk has room for."""
    return lambda connection: connection.execute(
        f"PRAGMA max_page_count = {connection.execute('PRAGMA page_count').fetchone()[0] + more}"
    ).fetchall()


async def until(what: Callable[[], bool], within_s: float = 15.0) -> None:
    deadline = time.monotonic() + within_s
    while not what():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


async def test_what_cannot_be_written_holds_nothing_else_up(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "chats")
    chats = [await store.list.new() for _ in range(2)]
    large, small = [(await store.begin_turn(chat.id, None, [Text("?")], About()))[1] for chat in chats]
    limit = await store.write_freely(lambda c: c.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 20_000))
    large.add(TextDelta("x" * 30_000))
    small.add(TextDelta("y"))
    store.keep_draft("", [Text("z")])
    await small.close(State.COMPLETE)
    assert (await store.messages([small.id]))[0].text == "y"
    with refused(StoreFault.DISK, "too large"):
        await large.close()
    assert await store.read(lambda c: c.execute("SELECT count(*) FROM draft").fetchone()) == (1,)
    await store.write_freely(lambda c: c.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, limit))
    await large.close()
    assert (await store.messages([large.id]))[0].text == "x" * 30_000
    await store.close()


# A folder that may not be written


async def opened_by_another(folder: Path, *arguments: str) -> dict[str, str]:
    opener = await asyncio.create_subprocess_exec(
        sys.executable, str(OPENER), str(folder), *arguments, stdout=subprocess.PIPE
    )
    said, _ = await opener.communicate()
    found: dict[str, str] = json.loads(said)
    return found


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such folder")
@pytest.mark.parametrize("which", ["store", "parent"])
async def test_a_read_only_folder(which: str) -> None:
    with tempfile.TemporaryDirectory() as home:  # not tmp_path: nobody else may walk through that
        os.chmod(home, 0o755)  # noqa: PTH101
        folder = Path(home) / "chats"
        if which == "store":
            await filled(folder, 2)
            (folder / "chats.lock").chmod(0o666)
            folder.chmod(0o555)
            (folder / "chats.sqlite3").chmod(0o444)
        before = files(Path(home))
        said = await opened_by_another(folder, "nobody")
        assert said["fault"] == StoreFault.READ_ONLY
        assert str(folder) in said["why"] + said["hint"]
        assert "may be written" in said["hint"]
        assert files(Path(home)) == before
        folder.exists() and folder.chmod(0o755)


# Another program


async def test_a_database_that_another_program_locks(tmp_path: Path) -> None:
    before = await filled(tmp_path / "chats", 3)
    database = tmp_path / "chats" / "chats.sqlite3"
    holder = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None); c.execute('BEGIN IMMEDIATE');"
        "print('locked', flush=True); sys.stdin.read()",
        str(database),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdout is not None
    await holder.stdout.readline()
    with refused(StoreFault.LOCKED, "another program holds", str(database)):
        await Store.open(tmp_path / "chats", patience_s=0.2)
    holder.kill()
    await holder.communicate()
    store = await Store.open(tmp_path / "chats")
    assert await asked(store) == before
    await store.close()


async def test_a_write_waits_for_another_program_and_then_says_so(tmp_path: Path) -> None:
    problems: list[StoreError | None] = []
    store = await Store.open(tmp_path / "chats", patience_s=0.2, on_problem=problems.append)
    chat = await store.list.new()
    _, answer = await store.begin_turn(chat.id, None, [Text("Hello")], About())
    with contextlib.closing(sqlite3.connect(store.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        answer.add(TextDelta("Hi"))
        with refused(StoreFault.LOCKED, "another program"):
            await store.list.rename(chat.id, "No")
        await until(lambda: bool(problems))
        other.execute("ROLLBACK")
    await until(lambda: problems[-1] is None)
    done = await answer.close()
    assert (await store.messages([answer.id])) == [done]
    await store.close()


async def test_the_same_store_is_not_opened_twice(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "chats")
    assert (await opened_by_another(tmp_path / "chats"))["fault"] == StoreFault.IN_USE
    with refused(StoreFault.IN_USE, "another window"):
        await Store.open(tmp_path / "chats")
    await store.close()
    assert (await opened_by_another(tmp_path / "chats"))["fault"] == ""


# What stands there is damaged, or something else


async def test_a_damaged_page_falls_back_to_the_newest_sound_backup(tmp_path: Path) -> None:
    folder = tmp_path / "chats"
    before = await filled(folder, 40)
    store = await Store.open(folder)
    old = await store.care.back_up()
    await store.close()
    await filled(folder, 40)  # a second chat, that is in no backup but the next
    store = await Store.open(folder)
    newest = await store.care.back_up()
    await store.close()
    spoil(newest.path)
    spoilt = spoil(folder / "chats.sqlite3", at=0.6)
    store = await Store.open(folder)
    (notice,) = store.notices
    assert "damaged" in notice.what
    assert f"{old.made:%Y-%m-%d %H:%M}" in notice.why
    (aside,) = folder.glob("chats.damaged-*.sqlite3")
    assert str(aside) in notice.hint
    assert aside.read_bytes() == spoilt
    assert set(before) <= set(await asked(store))
    assert await store.read(chat_stores.problem) == ""
    await store.close()
    assert not (await reopened(folder)), "it is told once"


async def reopened(folder: Path) -> tuple[Notice, ...]:
    store = await Store.open(folder)
    await store.close()
    return store.notices


async def test_what_is_newer_than_the_backup_is_read_out_of_the_damaged_file(tmp_path: Path) -> None:
    folder = tmp_path / "chats"
    await filled(folder, 30)
    store = await Store.open(folder)
    await store.care.back_up()
    chat = await store.list.new("since the backup")
    question, answer = await store.begin_turn(chat.id, None, [Text("A lighthouse, since the backup")], About())
    answer.add(TextDelta("It is a tower."))
    await answer.close(State.COMPLETE)
    await store.close()
    spoil_free_of_messages(folder / "chats.sqlite3")
    store = await Store.open(folder)
    assert len(store.notices) == 1
    assert "2 newer messages" in store.notices[0].why
    opened = await store.open_chat(chat.id)
    assert [each.text for each in opened.shown] == ["A lighthouse, since the backup", "It is a tower."]
    assert [hit.message for hit in (await store.search(Query("lighthouse"))).hits] == [question.id]
    assert await store.read(chat_stores.problem) == ""
    await store.close()


async def test_drafts_and_presets_are_read_out_of_it_too_and_nonsense_is_left(tmp_path: Path) -> None:
    folder = tmp_path / "chats"
    await filled(folder, 10)
    store = await Store.open(folder)
    await store.care.back_up()
    chat = await store.list.new("since the backup")
    turns = []
    for number in range(4):
        parent = turns[-1][1].id if turns else None
        turns.append(await store.begin_turn(chat.id, parent, [Text(f"new {number}")], About()))
        await turns[-1][1].close(State.COMPLETE)
    await store.delete(chat.id, turns[3][0].id)
    store.keep_draft(chat.id, [Text("unsent")])
    await store.presets.keep(Preset(Scope.GLOBAL, sampling={"top_k": 7}))
    await store.close()
    with contextlib.closing(sqlite3.connect(folder / "chats.sqlite3", isolation_level=None)) as connection:
        for name in ("spoken", "aside"):
            connection.create_function(name, 1, lambda kept: "")
        for column, value in (("parts", "no JSON"), ("state", "asleep"), ("about", "[]")):
            which = turns[("parts", "state", "about").index(column)][1].id
            connection.execute(f"UPDATE message SET {column} = ? WHERE id = ?", (value, which))
    spoil_free_of_messages(folder / "chats.sqlite3")
    store = await Store.open(folder)
    assert len(store.notices) == 1
    opened = await store.open_chat(chat.id)
    assert {each.text for each in opened.messages.values() if each.role == "user"} == {f"new {n}" for n in range(4)}
    assert not opened.tree.is_alive(turns[3][0].id)
    draft = await store.draft(chat.id)
    assert draft is not None
    assert draft.parts == (Text("unsent"),)
    assert [each.sampling for each in await store.presets.every()] == [{"top_k": 7}]
    assert await store.read(chat_stores.problem) == ""
    await store.close()


async def test_a_fall_back_that_does_not_come_to_its_end_is_begun_again(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    folder = tmp_path / "chats"
    before = await filled(folder, 40)
    store = await Store.open(folder)
    await store.care.back_up()
    await store.close()
    spoilt = spoil(folder / "chats.sqlite3", at=0.6)
    (folder / "chats.restoring").write_bytes(b"the program was killed here")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(StoreError):
            await Store.open(folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (folder / "chats.sqlite3").read_bytes() == spoilt, "what is damaged stays until something took its place"
    assert not list(folder.glob("chats.damaged-*"))
    store = await Store.open(folder)
    assert "backup" in store.notices[0].why
    assert await asked(store) == before
    assert not (folder / "chats.restoring").exists()
    await store.close()


def spoil_free_of_messages(database: Path) -> None:
    """Overwrite a page of an index, so that the database is damaged and each message can still be read."""
    with contextlib.closing(sqlite3.connect(database)) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'message_parent'").fetchone()
    data = bytearray(database.read_bytes())
    data[(page - 1) * PAGE : page * PAGE] = b"\xa5" * PAGE
    database.write_bytes(data)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        pytest.param(b"Dear diary,\n" * 1000, StoreFault.NOT_A_STORE, id="a text"),
        pytest.param(bytes(100_000), StoreFault.NOT_A_STORE, id="nothing but NULs, as after a power cut"),
        pytest.param(b"SQLite format 3\0" + b"\xa5" * 50_000, StoreFault.DAMAGED, id="a begun database"),
    ],
)
async def test_what_is_no_database_stays_as_it_is(tmp_path: Path, content: bytes, fault: StoreFault) -> None:
    folder = tmp_path / "chats"
    folder.mkdir()
    database = folder / "chats.sqlite3"
    database.write_bytes(content)
    before = files(folder)
    with refused(fault, str(database), "no sound backup"):
        await Store.open(folder)
    assert files(folder) == before
    store = await Store.open(folder, begin_anew=True)
    assert "no backup" in store.notices[0].why
    assert [aside.read_bytes() for aside in folder.glob("chats.damaged-*.sqlite3")] == [content]
    await store.list.new()
    await store.close()


@pytest.mark.parametrize("content", [b"", bytes(100_000), None], ids=["empty", "NULs", "gone"])
async def test_what_is_lost_comes_from_the_backup(tmp_path: Path, content: bytes | None) -> None:
    folder = tmp_path / "chats"
    before = await filled(folder, 5)
    store = await Store.open(folder)
    await store.care.back_up()
    await store.close()
    (folder / "chats.sqlite3").unlink()
    if content is not None:
        (folder / "chats.sqlite3").write_bytes(content)
    store = await Store.open(folder)
    assert len(store.notices) == 1
    assert await asked(store) == before
    await store.close()


async def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "chats"
    folder.mkdir()
    with contextlib.closing(sqlite3.connect(folder / "chats.sqlite3")) as connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")
    before = files(folder)
    with refused(StoreFault.NOT_A_STORE, "not a store of this program"):
        await Store.open(folder)
    assert files(folder) == before


async def test_what_only_the_log_beside_it_holds_is_there(tmp_path: Path) -> None:
    """As after a power cut: the database, and the log of what was committed since; nothing was tidied up."""
    folder, cut = tmp_path / "chats", tmp_path / "cut"
    store = await Store.open(folder)
    chat = await store.list.new()
    question, _ = await store.begin_turn(chat.id, None, [Text("committed")], About())
    cut.mkdir()
    for name in ("chats.sqlite3", "chats.sqlite3-wal"):
        (cut / name).write_bytes((folder / name).read_bytes())
    await store.close()
    store = await Store.open(cut)
    assert [each.state for each in await store.messages([question.id])] == [State.COMPLETE]
    assert len((await store.open_chat(chat.id)).shown) == 2
    assert not store.notices
    await store.close()


async def test_a_commit_is_on_the_disk_when_it_returns(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "chats")
    asked_for = {"synchronous": 2, "journal_mode": "wal", "foreign_keys": 1, "fullfsync": 1}
    for name, value in asked_for.items():
        found = await store.write_freely(lambda connection, name=name: connection.execute(f"PRAGMA {name}").fetchone())
        assert found == (value,)
    await store.close()


async def test_a_store_of_a_newer_version(tmp_path: Path) -> None:
    folder = tmp_path / "chats"
    await filled(folder, 2)
    with contextlib.closing(sqlite3.connect(folder / "chats.sqlite3")) as connection:
        connection.execute(f"PRAGMA user_version = {schema.LATEST + 1}")
    before = files(folder)
    with refused(StoreFault.TOO_NEW, f"version {schema.LATEST + 1}", f"up to {schema.LATEST}"):
        await Store.open(folder)
    with refused(StoreFault.TOO_NEW):
        await Store.open(folder, begin_anew=True)
    assert files(folder) == before


@pytest.mark.parametrize("is_backed_up_today", [False, True])
async def test_a_large_store_is_looked_through_while_it_is_used(tmp_path: Path, is_backed_up_today: bool) -> None:
    folder = tmp_path / "chats"
    chat_stores.make_version(folder / "chats.sqlite3", schema.LATEST, chats=2, each=700)
    with contextlib.closing(chat_stores.connect(folder / "chats.sqlite3")) as connection:
        connection.execute("UPDATE message SET about = json_object('padding', hex(zeroblob(25000)))")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert (folder / "chats.sqlite3").stat().st_size > opening.CHECKED_AT_ONCE
    store = await Store.open(folder)
    await store.care.back_up()
    await store.close()
    if not is_backed_up_today:  # then it is the backup that finds it
        yesterday(folder)
    spoil_free_of_messages(folder / "chats.sqlite3")
    store = await Store.open(folder)
    assert not store.notices
    (notice,) = await store.care.all()
    assert "Start the program again" in notice.hint
    assert len(Backups(folder / "backups").every()) == 1, "what is damaged takes no backup's place"
    await store.close()
    store = await Store.open(folder)
    assert "backup" in store.notices[0].why
    assert await store.care.all() == []
    await store.close()


async def test_a_large_store_that_is_damaged_before_a_migration_is_mended_at_the_next_start(tmp_path: Path) -> None:
    folder = tmp_path / "chats"
    said = chat_stores.make_version(folder / "chats.sqlite3", 1, chats=2, each=700)
    with contextlib.closing(chat_stores.connect(folder / "chats.sqlite3")) as connection:
        connection.execute("UPDATE message SET about = json_object('padding', hex(zeroblob(25000)))")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    spoil_free_of_messages(folder / "chats.sqlite3")
    with refused(StoreFault.DAMAGED, "Start the program again"):
        await Store.open(folder)
    with refused(StoreFault.DAMAGED, "Begin anew"):
        await Store.open(folder)
    store = await Store.open(folder, begin_anew=True)
    assert [(each.id, each.text) for each in await store.messages([uuid for uuid, _ in said])] == said
    assert await store.read(chat_stores.problem) == ""
    await store.close()


def yesterday(folder: Path) -> None:
    """The newest backup is of the day before."""
    (backup,) = Backups(folder / "backups").every()
    made = backup.made.astimezone(UTC) - timedelta(days=1)
    backup.path.rename(backup.path.with_name(f"chats-{made:%Y%m%d-%H%M%S-%f}-v{backup.version}.sqlite3"))


async def test_a_damaged_search_is_built_anew(tmp_path: Path) -> None:
    folder = tmp_path / "chats"
    await filled(folder, 60)
    with contextlib.closing(sqlite3.connect(folder / "chats.sqlite3")) as connection:
        connection.execute("DELETE FROM message_index_data WHERE id > 10 AND rowid % 2")
        connection.commit()
    store = await Store.open(folder)
    assert not store.notices
    with refused(StoreFault.DAMAGED, "damaged"):
        for word in ("question", "word", "reply", "answer", "questi", "repl"):
            await store.search(Query(word))
    await store.close()
    store = await Store.open(folder)
    (notice,) = store.notices
    assert "search" in notice.what
    assert len((await store.search(Query("question 7"))).hits) == 1
    assert await store.read(chat_stores.problem) == ""
    await store.close()


async def test_damage_that_is_met_while_it_is_used_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "chats"
    await filled(folder, 60)
    store = await Store.open(folder)
    (chat,) = (await store.list.page()).chats
    with contextlib.closing(sqlite3.connect(store.database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with store.database.open("r+b") as stream:
        for page in range(8, stream.seek(0, os.SEEK_END) // PAGE):
            stream.seek(page * PAGE)
            stream.write(b"\xa5" * PAGE)
    with refused(StoreFault.DAMAGED, "damaged", "backup"):
        await store.open_chat(chat.id)
    await store.close()
    assert damage_flag(store.database).exists()
