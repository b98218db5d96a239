"""What the chat store costs at full size: 10,000 chats and 1,000,000 messages, generated into a folder of their own.

    python tests/benchmarks/chats.py [--chats 10000] [--messages 1000000] [--folder DIR]

With `--folder` a store of this size is made there once and used again. The words follow Zipf's law over 60,000 made-up
ones, so that common words are in most messages and rare ones in a few; the last word of each query is typed letter by
letter. One chat holds 10,000 messages (or a tenth of all), spread over the whole time.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import json
import os
import random
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psutil
from start import with_chats
from table import Row, row, show
from table import timed as timed_here

from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.engine.events import Finished, Speed, TextDelta, Usage
from nodetool_xl_desktop.store import schema
from nodetool_xl_desktop.store.backup import unsoundness
from nodetool_xl_desktop.store.database import connect
from nodetool_xl_desktop.store.parts import Text
from nodetool_xl_desktop.store.records import About, ModelIdentity, new_id
from nodetool_xl_desktop.store.search import Query
from nodetool_xl_desktop.store.store import Store

ONSETS = ("b", "c", "d", "f", "g", "h", "k", "l", "m", "n", "p", "r", "s", "t", "v", "w", "st", "tr", "pl", "ch")
SYLLABLES = [onset + rhyme for onset in ONSETS for rhyme in ("a", "e", "i", "o", "u", "ai", "en", "or")]
MODELS = ("qwen3-4b", "llama-3.1-8b", "smollm2-135m", "gemma-3-12b", "mistral-small")
BEGIN_MS = 1_640_000_000_000
STREAMS = 8
STREAM_S = 6.0
PLAIN = "the same rows by sqlite3"


class Language:
    """Made-up words, the common ones first."""

    def __init__(self, seed: int = 1) -> None:
        self.random = random.Random(seed)
        words: set[str] = set()
        while len(words) < 60_000:
            words.add("".join(self.random.choices(SYLLABLES, k=self.random.choice((1, 2, 2, 3, 3, 4)))))
        self.words = sorted(words)
        self.random.shuffle(self.words)
        weights = [1 / (place + 2.7) for place in range(len(self.words))]
        self._said = self.random.choices(self.words, weights, k=2_000_000)

    def text(self, words: int) -> str:
        at = self.random.randrange(len(self._said) - words)
        return " ".join(self._said[at : at + words])


def messages(language: Language, chats: int, count: int) -> Iterator[tuple[Any, ...]]:
    """Rows of `message`, by key: chat 1 has the many, the others share the rest one after the other."""
    many = min(10_000, count // 10)
    each = (count - many) // (chats - 1)
    every = count // many
    time_ms, other, turns = BEGIN_MS, 2, {1: 0, 2: 0}
    for number in range(count):
        time_ms += language.random.randint(500, 180_000)
        if number % every == 0 and turns[1] < many:
            chat = 1
        else:
            if turns[other] == each and other < chats:
                other += 1
                turns[other] = 0
            chat = other
        turn = turns[chat]
        turns[chat] += 1
        key = (chat << schema.CHAT_SHIFT) + turn
        parent = key - 1 if turn else None
        answers = turn % 2 == 1
        words = int(min(language.random.lognormvariate(4.2, 0.8), 900)) if answers else language.random.randint(3, 40)
        model = MODELS[chat % len(MODELS)] if answers else ""
        about = json.dumps({"model": {"id": model, "name": model}, "finish_reason": "stop"}) if answers else "{}"
        kept = json.dumps([{"type": "text", "text": language.text(words)}])
        role = ("user", "assistant")[answers]
        yield key, time_ms, new_id(), chat, parent, role, "complete", time_ms, model, about, kept


def generate(folder: Path, chats: int, count: int) -> dict[str, float]:
    """Make a store; returns the seconds that its steps took."""
    folder.mkdir(parents=True, exist_ok=True)
    language, steps, began = Language(), {}, time.perf_counter()
    with contextlib.closing(connect(folder / "chats.sqlite3")) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = OFF")
        schema.migrate(connection, 1)
        connection.execute("BEGIN")
        connection.executemany(
            "INSERT INTO chat(key, id, title, titled_by, created_ms, touched_ms) VALUES (?, ?, ?, 'first line', 0, 0)",
            ((number, new_id(), language.text(6)) for number in range(1, chats + 1)),
        )
        connection.executemany(
            "INSERT INTO message(key, at, id, chat, parent, role, state, created_ms, model, about, parts)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            messages(language, chats, count),
        )
        connection.execute(
            "UPDATE chat SET leaf = last, touched_ms = until, created_ms = first FROM"
            " (SELECT chat AS of, max(key) AS last, max(at) AS until, min(at) AS first FROM message GROUP BY chat)"
            " WHERE of = chat.key"
        )
        connection.execute("COMMIT")
        steps["rows"] = time.perf_counter() - began
        began = time.perf_counter()
        schema.migrate(connection)
        steps["migration to the search"] = time.perf_counter() - began
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return steps


def home(folder: Path, chats: int = 10_000, count: int = 1_000_000) -> Path:
    """The program's folders with a store of this size, below a folder; made where it is not there yet."""
    tables = hashlib.sha256(repr(schema.MIGRATIONS).encode()).hexdigest()[:8]
    found = folder / f"{chats} chats, {count} messages, {tables}"
    if not (found / "complete").exists():
        shutil.rmtree(found, ignore_errors=True)
        for step, seconds in generate(Paths.below(found).chats, chats, count).items():
            print(f"generated: {step}: {seconds:.0f} s", flush=True)
        (found / "complete").touch()
    return found


async def timed(work: Callable[[], Awaitable[object]], rounds: int) -> list[float]:
    """How long each round takes, in milliseconds."""
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        await work()
        times.append((time.perf_counter() - began) * 1000)
    return times


def p95(times: list[float]) -> list[float]:
    return [sorted(times)[int(len(times) * 0.95)]]


def typed(language: Language, count: int) -> Iterator[Query]:
    """Queries as they are typed: words of every frequency, phrases, filters; each with a last word that grows."""
    choose = language.random.choice
    bands = (language.words[:60], language.words[60:600], language.words[600:6000], language.words[6000:])
    for _ in range(count):
        words = [choose(choose(bands)) for _ in range(choose((1, 1, 2, 2, 3)))]
        before, last = " ".join(words[:-1]), words[-1]
        kind = choose(("plain", "plain", "plain", "model", "role", "phrase", "dates"))
        for letters in range(2, len(last) + 1):
            text = f"{before} {last[:letters]}".strip()
            if kind == "phrase":
                yield Query(f'"{before} {last}"' if letters == len(last) else f'"{text}')
            elif kind == "model":
                yield Query(text, model=choose(MODELS))
            elif kind == "role":
                yield Query(text, role=choose(("user", "assistant")))
            elif kind == "dates":
                yield Query(text, from_ms=BEGIN_MS, before_ms=BEGIN_MS + 20_000_000_000)
            else:
                yield Query(text)


async def searching(store: Store, rounds: int) -> list[Row]:
    language = Language(2)
    times: list[float] = []
    for query in typed(language, rounds):
        times += await timed(lambda query=query: store.search(query), 1)
    titles: list[float] = []
    for query in typed(language, rounds // 4):
        titles += await timed(lambda query=query: store.search_titles(query.text), 1)
    return [
        row(f"search as typed, {len(times)} keystrokes", "ms", times),
        row("search as typed, p95", "ms", p95(times), "below 50"),
        row("titles as typed, p95", "ms", p95(titles)),
    ]


async def plainly(store: Store, query: str, *values: str) -> list[float]:
    """How long SQLite takes to hand out these rows, and Python to hold them, in milliseconds."""
    file = await store.read(lambda connection: connection.execute("PRAGMA database_list").fetchone()[2])
    with contextlib.closing(sqlite3.connect(f"{Path(file).as_uri()}?mode=ro", uri=True)) as connection:
        return timed_here(lambda: connection.execute(query, values).fetchall(), 10)


async def reading(store: Store) -> list[Row]:
    page = await store.list.page(limit=1000)
    chats = [page.chats]
    while page.after:
        page = await store.list.page(limit=1000, after=page.after)
        chats.append(page.chats)
    every = [chat for some in chats for chat in some]
    longest, size = await store.read(
        lambda connection: connection.execute(
            "SELECT c.id, count(*) FROM message m JOIN chat c ON c.key = m.chat GROUP BY c.key ORDER BY 2 DESC LIMIT 1"
        ).fetchone()
    )
    rows_of = "SELECT m.* FROM message m JOIN chat c ON c.key = m.chat WHERE c.id = ?"
    messages_of_it = await plainly(store, rows_of, longest)
    page_of_60 = await plainly(store, "SELECT * FROM chat ORDER BY touched_ms DESC LIMIT 60")
    ordinary = random.Random(3).sample(every, 30)
    deep = (await store.list.page(limit=len(every) * 9 // 10)).after
    return [
        row("list: the first page of 60", "ms", await timed(store.list.page, 50), "", (PLAIN, page_of_60)),
        row("list: a page at nine tenths", "ms", await timed(lambda: store.list.page(after=deep), 50)),
        row("list: its days", "ms", await timed(store.list.days, 20)),
        row("open one of about 100 messages", "ms", await timed(lambda: store.open_chat(ordinary.pop().id), 30)),
        row(
            f"open one of {size:,} messages",
            "ms",
            await timed(lambda: store.open_chat(longest), 10),
            "below 200",
            (PLAIN, messages_of_it),
        ),
    ]


async def writing(store: Store) -> list[Row]:
    """Turns, and eight answers at once of 50 pieces a second each."""
    chats = [await store.list.new(f"stream {number}") for number in range(STREAMS)]
    about = About(model=ModelIdentity("qwen3-4b"))
    turns: list[float] = []
    answers = []
    for chat in chats:
        began = time.perf_counter()
        answers.append((await store.begin_turn(chat.id, None, [Text("What is a lighthouse?")], about))[1])
        turns.append((time.perf_counter() - began) * 1000)
    process, adding = psutil.Process(), []
    before, io_before = process.cpu_times(), process.io_counters()

    async def stream(answer: Any) -> None:
        end = time.monotonic() + STREAM_S
        while time.monotonic() < end:
            began = time.perf_counter()
            answer.add(TextDelta(" lighthouse"))
            adding.append((time.perf_counter() - began) * 1e6)
            await asyncio.sleep(0.02)

    await asyncio.gather(*(stream(answer) for answer in answers))
    after, io_after = process.cpu_times(), process.io_counters()
    used = (after.user + after.system - before.user - before.system) / STREAM_S * 100
    written = (io_after.write_bytes - io_before.write_bytes) / STREAM_S / 1000
    closing: list[float] = []
    for answer in answers:
        answer.add(Finished("stop", Usage(), Speed()))
        closing += await timed(answer.close, 1)
    return [
        row("a turn on the disk (question, answer, title)", "ms", turns),
        row("8 streams: what one piece costs its caller", "us", adding),
        row("8 streams, 400 pieces/s: processor, all of it", "%", [used]),
        row("8 streams, 400 pieces/s: written", "kB/s", [written]),
        row("an answer closed and indexed", "ms", closing),
    ]


async def opening(folder: Path) -> list[Row]:
    async def once(where: Path) -> None:
        await (await Store.open(where)).close()

    full = await timed(lambda: once(folder), 7)
    with tempfile.TemporaryDirectory() as empty:
        await once(Path(empty) / "chats")
        bare = await timed(lambda: once(Path(empty) / "chats"), 7)
    return [
        row("open and close the store", "ms", full),
        row("the same of an empty one", "ms", bare),
        *await reading_cold(folder),
    ]


async def reading_cold(folder: Path) -> list[Row]:
    """As after a start of the machine, where the system can forget what it has read of a file."""
    if not hasattr(os, "posix_fadvise"):
        return []
    times: list[float] = []
    for _ in range(5):
        store = await Store.open(folder)
        (longest,) = await store.read(
            lambda connection: connection.execute("SELECT id FROM chat ORDER BY key LIMIT 1").fetchone()
        )
        await store.close()
        with (folder / "chats.sqlite3").open("rb") as stream:
            os.fsync(stream.fileno())
            os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        store = await Store.open(folder)
        times += await timed(partial(store.open_chat, longest), 1)
        await store.close()
    return [row("open the longest chat, nothing of it in memory", "ms", times)]


async def measure(folder: Path, rounds: int = 300) -> list[Row]:
    """Every figure of a store that is there."""
    rows = await opening(folder)
    store = await Store.open(folder)
    try:
        rows += await reading(store)
        rows += await searching(store, rounds)
        rows += await writing(store)
        began = time.perf_counter()
        backup = await store.care.back_up()
        rows.append(row("a backup", "s", [time.perf_counter() - began]))
        backup.path.unlink()
        began = time.perf_counter()
        assert not unsoundness(folder / "chats.sqlite3")
        rows.append(row("the check of all pages", "s", [time.perf_counter() - began]))
    finally:
        await store.close()
    return rows


def rows() -> list[Row]:
    """The store at full size, alone and at a start of the program. It is generated, or was by an earlier run where
    `NTXL_BENCH_CHATS` names a folder for it.
    """
    with contextlib.ExitStack() as stack:
        given = os.environ.get("NTXL_BENCH_CHATS")
        full = home(Path(given or stack.enter_context(tempfile.TemporaryDirectory())))
        return with_chats(full) + asyncio.run(measure(Paths.below(full).chats))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--chats", type=int, default=10_000)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    with contextlib.ExitStack() as stack:
        where = given.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder = Paths.below(home(where, given.chats, given.messages)).chats
        size = (folder / "chats.sqlite3").stat().st_size / 1e6
        load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
        print(
            f"{given.chats:,} chats, {given.messages:,} messages, {size:,.0f} MB; load before: {load:.1f}", flush=True
        )
        show(asyncio.run(measure(folder, given.rounds)))


if __name__ == "__main__":
    main()
