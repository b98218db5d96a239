"""The chat store as an attacker meets it: callers that are cancelled, several at once, clocks that go back, messages of
one moment, very long ones, other programs, readers that stay, files and backups."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import subprocess
import sys
import threading
import time
from datetime import UTC, timedelta
from pathlib import Path

import chat_stores
import pytest
from chat_stores import QWEN, said

from nodetool_xl_desktop.engine.events import TextDelta
from nodetool_xl_desktop.store import chats, messages, records
from nodetool_xl_desktop.store.attachments import UNUSED_MS
from nodetool_xl_desktop.store.database import LOG_BYTES
from nodetool_xl_desktop.store.errors import StoreError, StoreFault
from nodetool_xl_desktop.store.parts import Text
from nodetool_xl_desktop.store.records import Message, State
from nodetool_xl_desktop.store.search import Query
from nodetool_xl_desktop.store.store import Store
from nodetool_xl_desktop.store.writing import INTERVAL_S


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "chats"


def test_the_store_is_opened_without_an_http_client() -> None:
    """It is opened while the first window is painted."""
    program = "import sys; from nodetool_xl_desktop.store import store; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not {"httpx2", "PySide6", "nodetool_xl_desktop.hub"} & set(done.stdout.split())


async def test_what_is_typed_after_sending_is_no_part_of_what_was_sent(folder: Path) -> None:
    store = await Store.open(folder)
    chat, other = [await store.list.new() for _ in range(2)]
    _, answer = await store.begin_turn(other.id, None, [Text("?")], QWEN)
    store.keep_draft(chat.id, [Text("What is a lighthouse?")])
    held = threading.Event()
    busy = asyncio.ensure_future(store.write_freely(lambda connection: held.wait(10)))
    closing = asyncio.ensure_future(answer.close())  # it brings all that is new to the disk before the turn is
    sending = asyncio.ensure_future(store.begin_turn(chat.id, None, [Text("What is a lighthouse?")], QWEN))
    await asyncio.sleep(0.05)
    store.keep_draft(chat.id, [Text("And a foghorn")])
    held.set()
    await asyncio.gather(busy, closing, sending)
    draft = await store.draft(chat.id)
    assert draft is not None
    assert draft.parts == (Text("And a foghorn"),)
    await store.close()
    store = await Store.open(folder)
    assert await store.draft(chat.id) is not None
    await store.close()


async def test_a_draft_is_read_also_while_the_disk_is_busy(folder: Path) -> None:
    store = await Store.open(folder)
    chat = await store.list.new()
    held = threading.Event()
    busy = asyncio.ensure_future(store.write_freely(lambda connection: held.wait(10)))
    store.keep_draft(chat.id, [Text("unsent")])
    async with asyncio.timeout(1):
        draft = await store.draft(chat.id)
    assert draft is not None
    assert draft.parts == (Text("unsent"),)
    held.set()
    await busy
    await store.close()


async def test_what_streams_is_written_while_others_write_without_a_pause(folder: Path) -> None:
    """An import, say: the one who came first comes first."""
    store = await Store.open(folder)
    chat = await store.list.new()
    _, answer = await store.begin_turn(chat.id, None, [Text("?")], QWEN)
    answer.add(TextDelta("one"))
    await asyncio.sleep(2 * INTERVAL_S)
    answer.add(TextDelta(" two"))
    end, order = time.monotonic() + 4 * INTERVAL_S, []

    def work(connection: sqlite3.Connection) -> None:
        """It is never the last one in the queue."""
        order.append(connection.execute("SELECT count(*) FROM tail").fetchone()[0])
        time.sleep(0.02)

    works = [store.write_freely(work) for _ in range(int(4 * INTERVAL_S / 0.02) + 20)]
    await asyncio.gather(*works)
    assert time.monotonic() > end
    assert order[len(order) // 2] == 2, "the news waited for all of the others"
    await answer.close()
    await store.close()


async def test_an_opening_that_nobody_waits_for_gives_the_store_back(folder: Path) -> None:
    for delay_s in (0.0, 0.001, 0.005, 0.02):
        opening = asyncio.ensure_future(Store.open(folder))
        await asyncio.sleep(delay_s)
        opening.cancel()
        await asyncio.wait([opening])
        if not opening.cancelled():
            await opening.result().close()
        async with asyncio.timeout(5):
            await (await opened_when_free(folder)).close()


async def opened_when_free(folder: Path) -> Store:
    while True:
        with contextlib.suppress(StoreError):
            return await Store.open(folder)
        await asyncio.sleep(0.01)


async def test_a_close_that_nobody_waits_for_closes_all_the_same(folder: Path) -> None:
    store = await Store.open(folder)
    chat = await store.list.new()
    _, answer = await store.begin_turn(chat.id, None, [Text("?")], QWEN)
    answer.add(TextDelta("kept"))
    closing = asyncio.ensure_future(store.close())
    await asyncio.sleep(0)
    closing.cancel()
    await asyncio.wait([closing])
    await store.close()  # once more does nothing
    with pytest.raises(StoreError) as caught:
        await store.list.new()
    assert caught.value.fault is StoreFault.CLOSED
    store = await Store.open(folder)
    assert (await store.messages([answer.id]))[0].text == "kept"
    await store.close()


async def test_a_cancelled_turn_is_on_the_disk_or_was_never_begun(folder: Path) -> None:
    store = await Store.open(folder)
    chat = await store.list.new()
    for number in range(20):
        asking = asyncio.ensure_future(store.begin_turn(chat.id, None, [Text(f"{number}")], QWEN))
        await asyncio.sleep(number * 0.0003)
        asking.cancel()
        await asyncio.wait([asking])
    opened = await store.open_chat(chat.id)
    opened.tree.check()
    assert {len(opened.tree.below(each.id)) for each in opened.tree if each.parent is None} <= {2}
    await store.close()


async def test_the_clock_goes_back_and_the_trash_is_emptied_all_the_same(folder: Path) -> None:
    store = await Store.open(folder)
    chat, asked, answered = await said(store, "A lighthouse", "a tower")
    later_ms = records.now_ms() + 10**11
    follows = Message(records.new_id(), answered, "user", (Text("of the future"),), created_ms=later_ms)
    await store.add_message(chat, follows)
    _, answer = await store.begin_turn(chat, follows.id, [Text("lighthouse, now")], QWEN)
    await answer.close(State.COMPLETE)
    hits = (await store.search(Query("lighthouse"))).hits
    assert [hit.message for hit in hits][-1] == asked, "what follows is newer than what it follows"
    await store.delete(chat, follows.id)
    await store.write(lambda c: c.execute("UPDATE message SET deleted_ms = ? WHERE deleted_ms > 0", (later_ms,)))
    await store.delete(chat, answered)
    await store.care.empty_trash(later_ms - 1)
    assert len((await store.open_chat(chat)).tree) == 5
    await store.care.empty_trash(later_ms + 1)
    assert [each.id for each in (await store.open_chat(chat)).tree] == [asked]
    assert await store.read(chat_stores.problem) == ""
    await store.close()


async def test_messages_of_one_moment_are_all_found(folder: Path) -> None:
    """An import without times: all of them are of the same millisecond."""
    store = await Store.open(folder)
    made = [await store.list.new() for _ in range(3)]

    def work(connection: sqlite3.Connection) -> None:
        for chat in made:
            at, parent = chats.key(connection, chat.id), None
            for number in range(1500):
                message = Message(records.new_id(), parent, "user", (Text(f"word{number}"),))
                messages.add(connection, at, message)
                parent = message.id

    began = time.monotonic()
    await store.write(work)
    assert time.monotonic() - began < 20
    assert len((await store.search(Query("word7", as_typed=False))).hits) == 3
    assert await store.read(chat_stores.problem) == ""
    await store.close()


async def test_an_answer_to_a_chat_that_was_removed_meets_no_other(folder: Path) -> None:
    store = await Store.open(folder)
    chat = await store.list.new()
    _, answer = await store.begin_turn(chat.id, None, [Text("?")], QWEN)
    await store.list.delete([chat.id])
    await store.care.empty_trash(records.now_ms() + 1)
    other, asked, answered = await said(store, "Another", "chat")
    answer.add(TextDelta("to nobody"))
    await asyncio.sleep(2 * INTERVAL_S)
    await answer.close()
    assert [each.text for each in await store.messages([asked, answered])] == ["Another", "chat"]
    assert len((await store.open_chat(other)).tree) == 2
    assert await store.read(chat_stores.problem) == ""
    await store.close()


async def test_two_loops_use_one_store(folder: Path) -> None:
    store = await Store.open(folder)
    chat = await store.list.new()

    def elsewhere() -> str:
        return asyncio.run(_one_turn(store, chat.id, "elsewhere"))

    ids = await asyncio.gather(*(asyncio.to_thread(elsewhere) for _ in range(3)), _one_turn(store, chat.id, "here"))
    found = await store.messages(ids)
    assert sorted(each.text for each in found) == ["elsewhere", "elsewhere", "elsewhere", "here"]
    (await store.open_chat(chat.id)).tree.check()
    await store.close()


async def _one_turn(store: Store, chat: str, text: str) -> str:
    _, answer = await store.begin_turn(chat, None, [Text(text)], QWEN)
    answer.add(TextDelta(text))
    await answer.close()
    return answer.id


async def test_a_very_long_message(folder: Path) -> None:
    store = await Store.open(folder)
    text = "lighthouse \0 \udcff " + "word " * 4_000_000 + "foghorn"
    chat, asked, _ = await said(store, text, "short")
    assert (await store.open_chat(chat)).shown[0].text == text
    began = time.monotonic()
    assert [hit.message for hit in (await store.search(Query("lighthouse"))).hits] == [asked]
    assert time.monotonic() - began < 2
    assert not (await store.search(Query("foghorn"))).hits, "all of it would be read through for each hit"
    assert len((await store.list.chat(chat)).title) <= records.LONGEST_TITLE
    await store.close()


async def test_a_database_viewer_can_read_and_change_no_message(folder: Path) -> None:
    store = await Store.open(folder)
    _, asked, _ = await said(store, "A lighthouse", "a tower")
    with contextlib.closing(sqlite3.connect(store.database, isolation_level=None)) as viewer:
        assert viewer.execute("SELECT count(*) FROM message").fetchone() == (2,)
        with pytest.raises(sqlite3.OperationalError, match="no such function"):
            viewer.execute("UPDATE message SET parts = '[]'")
        with pytest.raises(sqlite3.OperationalError, match="no such function"):
            viewer.execute("DELETE FROM message")
    assert [hit.message for hit in (await store.search(Query("lighthouse"))).hits] == [asked]
    await store.close()


async def test_a_long_reader_holds_nothing_up_and_the_log_is_emptied_after_it(folder: Path) -> None:
    store = await Store.open(folder)
    chat, *_ = await said(store, "A lighthouse", "a tower")
    log = store.database.with_name(store.database.name + "-wal")
    with contextlib.closing(sqlite3.connect(store.database, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM message").fetchone()
        for _ in range(30):
            await store.add_version(chat, (await store.open_chat(chat)).tree.path()[0], [Text("word " * 200_000)])
        assert log.stat().st_size > LOG_BYTES
        assert reader.execute("SELECT count(*) FROM message").fetchone() == (2,)
    for _ in range(3):
        await store.add_version(chat, (await store.open_chat(chat)).tree.path()[0], [Text("a word")])
    assert log.stat().st_size <= LOG_BYTES
    await store.close()
    assert not log.exists()


async def test_a_long_copy_lets_others_write_in_between(folder: Path) -> None:
    chat_stores.make_version(folder / "chats.sqlite3", 1, chats=1, each=2000)
    store = await Store.open(folder)
    (chat,) = (await store.list.page()).chats
    served = 0
    copying = asyncio.ensure_future(store.duplicate(chat.id))
    while not copying.done():
        await store.write(lambda connection: None)
        served += 1
    assert served >= 10
    copy = await store.open_chat((await copying).id)
    assert [each.text for each in copy.shown] == [each.text for each in (await store.open_chat(chat.id)).shown]
    assert await store.read(chat_stores.problem) == ""
    await store.close()


async def test_a_copy_that_is_not_finished_is_in_the_trash(folder: Path) -> None:
    chat_stores.make_version(folder / "chats.sqlite3", 1, chats=1, each=2000)
    store = await Store.open(folder)
    (chat,) = (await store.list.page()).chats
    copying = asyncio.ensure_future(store.duplicate(chat.id))
    while await store.read(lambda c: c.execute("SELECT count(*) FROM message").fetchone()[0]) < 2200:
        assert not copying.done()
    copying.cancel()
    await asyncio.wait([copying])
    assert [each.id for each in (await store.list.page()).chats] == [chat.id]
    assert len((await store.list.page(chats.Shown(trash=True))).chats) == 1
    assert {hit.chat for hit in (await store.search(Query("word7"))).hits} == {chat.id}
    await store.care.empty_trash(records.now_ms() + 1)
    assert await store.read(lambda c: c.execute("SELECT count(*) FROM message").fetchone()) == (2000,)
    await store.close()


# Files that a backup still needs


async def test_a_file_stays_as_long_as_a_backup_refers_to_it(folder: Path) -> None:
    store = await Store.open(folder)
    attachment = await store.files.add_data(b"a picture", "p.png", "image/png")
    chat = await store.list.new()
    await store.begin_turn(chat.id, None, [Text("see"), attachment], QWEN)
    old = await store.care.back_up()
    await store.list.delete([chat.id])
    await store.care.empty_trash(records.now_ms() + 1)
    await store.care.collect()
    made = old.made.astimezone(UTC) - timedelta(days=20)
    old.path.rename(old.path.with_name(f"chats-{made:%Y%m%d-%H%M%S-%f}-v{old.version}.sqlite3"))
    made_ms = int(made.timestamp() * 1000)
    await backdate(store, made_ms + 1000)
    assert await store.care.collect() == 0, "when the backup was made it was needed"
    await backdate(store, made_ms - 1000)
    assert await store.care.collect() == 1
    await store.close()


async def backdate(store: Store, unused_ms: int) -> None:
    await store.write(lambda connection: connection.execute("UPDATE file SET unused_ms = ?", (unused_ms,)))


async def test_a_file_that_was_never_noted_is_removed_when_its_time_is_up(folder: Path) -> None:
    store = await Store.open(folder)
    sha256, _ = store.attachments.put(b"the program ended before a message came")
    used, _ = store.attachments.put(b"a message that was brought back refers to it")
    _, asked, _ = await said(store, "see")
    await store.write(
        lambda c: c.execute(
            "INSERT INTO file_use(message, sha256) SELECT key, ? FROM message WHERE id = ?", (used, asked)
        )
    )
    left = store.attachments.folder / ".adding-x" / "file"
    left.parent.mkdir()
    left.write_bytes(b"half")
    for path in (store.attachments.path(sha256), store.attachments.path(used), left):
        os.utime(path, (1, 1))
    assert await store.care.collect() == 0
    assert not left.parent.exists()
    await store.write(lambda c: c.execute("UPDATE file SET unused_ms = unused_ms - ?", (UNUSED_MS + 1000,)))
    assert await store.care.collect() == 1
    assert not store.attachments.path(sha256).exists()
    assert store.attachments.path(used).exists()
    await store.close()
