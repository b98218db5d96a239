"""The chat store as it is used: turns, eight at once, drafts, the list, the trash, files, presets."""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import chat_stores
import pytest
from chat_stores import QWEN, said
from hypothesis import given
from hypothesis import strategies as st

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.engine.events import (
    Event,
    Failed,
    Finished,
    PromptProgress,
    ReasoningDelta,
    Speed,
    TextDelta,
    ToolAnswered,
    ToolCallRequested,
    ToolStarted,
    Usage,
)
from nodetool_xl_desktop.store import parts, records, search
from nodetool_xl_desktop.store.attachments import UNUSED_MS
from nodetool_xl_desktop.store.chats import TRASH_MS, Shown
from nodetool_xl_desktop.store.errors import StoreError, StoreFault
from nodetool_xl_desktop.store.parts import Attachment, Other, Reasoning, Text, ToolAnswer, ToolUse
from nodetool_xl_desktop.store.presets import Preset, Scope
from nodetool_xl_desktop.store.records import About, ModelIdentity, State, TitledBy
from nodetool_xl_desktop.store.search import Query
from nodetool_xl_desktop.store.store import Store
from nodetool_xl_desktop.store.writing import INTERVAL_S

PICTURE = b"\x89PNG, or nearly"
EVENTS: list[Event] = [
    PromptProgress(10, 20, 5),
    ReasoningDelta("I should "),
    ReasoningDelta("calculate."),
    TextDelta("Let me see. "),
    ToolCallRequested("c1", "calculator", '{"expression": "6 * 7"}', "<tool_call>", "", "rescued"),
    ToolAnswered("c1", "calculator", "42"),
    ToolCallRequested("c2", "plot", "{}"),
    ToolAnswered("c2", "plot", "a picture", "", PICTURE, "image/png"),
    TextDelta("It is "),
    TextDelta("42. \N{GRINNING FACE} \udcff"),
    Finished("stop", Usage(20, 9, 5), Speed(100.0, 30.0)),
]
ANSWER = (
    Reasoning("I should calculate.", tokens=2),
    Text("Let me see. "),
    ToolUse("c1", "calculator", '{"expression": "6 * 7"}', "<tool_call>", "", "rescued"),
    ToolAnswer("c1", "calculator", "42"),
    ToolUse("c2", "plot", "{}"),
    ToolAnswer("c2", "plot", "a picture", "", hashlib.sha256(PICTURE).hexdigest(), "image/png"),
    Text("It is 42. \N{GRINNING FACE} \udcff"),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "chats"


async def test_a_turn_is_kept_with_all_of_its_parts(folder: Path) -> None:
    store = await Store.open(folder)
    chat = await store.list.new()
    file = Attachment("0" * 64, "n.txt", "text/plain", 3)
    store.keep_draft(chat.id, [file, Text("\n  What is 6 times 7?\nShow it.")])
    asked = [replace(file, text="of it"), Text("\n  What is 6 times 7?\nShow it.")]
    question, answer = await store.begin_turn(chat.id, None, asked, QWEN)
    assert await store.draft(chat.id) is None
    for event in EVENTS:
        answer.add(event)
    done = await answer.close()
    assert tuple(replace(part, ms=0) if isinstance(part, Reasoning) else part for part in done.parts) == ANSWER
    assert done.state is State.COMPLETE
    assert done.about.usage == Usage(20, 9, 5)
    assert done.about.pieces == 7
    with pytest.raises(RuntimeError):
        answer.add(TextDelta("more"))
    await store.close()
    store = await Store.open(folder)
    opened = await store.open_chat(chat.id)
    assert opened.shown == [question, done]
    assert opened.chat.title == "What is 6 times 7?"
    assert opened.chat.titled_by is TitledBy.FIRST_LINE
    assert await store.files.read(hashlib.sha256(PICTURE).hexdigest()) == PICTURE
    await store.close()


@pytest.mark.parametrize(
    ("last", "state"),
    [
        (Finished("length", Usage(), Speed()), State.CUT),
        (Failed(UserFacingError("It broke", "too hot", "Wait.")), State.FAILED),
        (TextDelta("and"), State.STOPPED),
    ],
)
async def test_how_an_answer_ended_is_kept(folder: Path, last: Event, state: State) -> None:
    store = await Store.open(folder)
    chat = await store.list.new()
    _, answer = await store.begin_turn(chat.id, None, [Text("?")], QWEN)
    answer.add(TextDelta("Well "))
    answer.add(last)
    done = await answer.close()
    (held,) = await store.messages([answer.id])
    assert done.state is held.state is state
    assert str(held.about.error or "") == ("It broke: too hot. Wait." if state is State.FAILED else "")
    await store.close()


async def test_what_a_person_changed_in_a_call_is_not_lost_with_the_program(folder: Path) -> None:
    store = await Store.open(folder)
    chat = await store.list.new()
    _, answer = await store.begin_turn(chat.id, None, [Text("?")], QWEN)
    changed = '{"a": 7, "why": "a lighthouse"}'
    called = [ToolCallRequested("c1", "add", '{"a": 1}'), ToolCallRequested("c2", "add", '{"a": 2}')]
    for event in (*called, ToolStarted("c1", changed), ToolAnswered("c1", "add", "7", ms=12), ToolStarted("c2")):
        answer.add(event)
        await asyncio.sleep(0.3)  # each is written by itself
    expected = (
        ToolUse("c1", "add", '{"a": 1}', edited=changed),
        ToolUse("c2", "add", '{"a": 2}'),
        ToolAnswer("c1", "add", "7", ms=12),
    )
    assert answer.message.parts == expected
    await store.close()  # the program ends while the second one runs
    store = await Store.open(folder)
    assert (await store.open_chat(chat.id)).shown[-1].parts == expected
    assert [hit.message for hit in (await store.search(Query("lighthouse"))).hits] == [answer.id]
    await store.close()


def test_reasoning_that_is_joined_keeps_its_time_and_tokens() -> None:
    pieces = [Reasoning("a", 0, 1), Reasoning("b", 20, 1), Text("c"), Reasoning("d", 5, 3)]
    whole = (Reasoning("ab", 20, 2), Text("c"), Reasoning("d", 5, 3))
    assert parts.joined(pieces) == parts.joined(whole) == whole
    assert parts.decode(parts.encode(whole)) == whole
    assert parts.decode('[{"type":"reasoning","text":"old"}]') == (Reasoning("old"),)
    assert parts.encode([Reasoning("old")]) == '[{"type":"reasoning","text":"old"}]'
    assert isinstance(parts.decode('[{"type":"reasoning","text":"x","ms":"long"}]')[0], Other)


async def test_what_was_open_is_interrupted_at_the_next_start(folder: Path) -> None:
    store = await Store.open(folder)
    chat = await store.list.new()
    _, answer = await store.begin_turn(chat.id, None, [Text("?")], QWEN)
    for event in EVENTS[:-1]:
        answer.add(event)
        await asyncio.sleep(0.06)
    await store.close()  # the program ends, and nobody closed the answer
    store = await Store.open(folder)
    (held,) = await store.messages([answer.id])
    thought, *rest = held.parts
    assert isinstance(thought, Reasoning)
    assert 50 <= thought.ms < 5000  # from its first piece to its last one, 60 ms apart
    assert (replace(thought, ms=0), *rest) == ANSWER
    assert held.state is State.INTERRUPTED
    assert (await store.search(Query("42"))).hits[0].message == answer.id
    assert await store.read(chat_stores.problem) == ""
    await store.close()


async def test_a_chat_is_opened_in_the_middle_of_an_answer(folder: Path) -> None:
    store = await Store.open(folder)
    chat = await store.list.new()
    _, answer = await store.begin_turn(chat.id, None, [Text("?")], QWEN)
    answer.add(TextDelta("one "))
    answer.add(TextDelta("two"))
    await asyncio.sleep(2 * INTERVAL_S)
    assert (await store.open_chat(chat.id)).shown[1].text == "one two"
    assert (await store.messages([answer.id]))[0].text == "one two"
    copy = await store.open_chat((await store.duplicate(chat.id)).id)
    assert [each.text for each in copy.shown] == ["?", "one two"]
    await answer.close()
    await store.close()


async def test_eight_chats_stream_at_once(folder: Path) -> None:
    store = await Store.open(folder)
    statements: list[str] = []
    await store.write_freely(lambda connection: connection.set_trace_callback(statements.append))
    began = time.monotonic()

    async def stream(number: int) -> tuple[str, str]:
        chat = await store.list.new(f"chat {number}")
        parent = None
        for turn in range(3):
            _, answer = await store.begin_turn(chat.id, parent, [Text(f"{number} asks {turn}")], QWEN)
            for piece in range(120):
                answer.add(TextDelta(f"{number}.{turn}.{piece} "))
                await asyncio.sleep(0.004)
            await answer.close()
            parent = answer.id
        return chat.id, "".join(f"{number}.{turn}.{piece} " for turn in range(3) for piece in range(120))

    streamed = await asyncio.gather(*(stream(number) for number in range(8)))
    for number, (chat, text) in enumerate(streamed):
        shown = (await store.open_chat(chat)).shown
        assert "".join(message.text for message in shown if message.role == "assistant") == text
        assert [message.text for message in shown if message.role == "user"] == [f"{number} asks {t}" for t in range(3)]
    assert await store.read(chat_stores.problem) == ""
    streamed_for_s = time.monotonic() - began
    turns_and_chats = 8 * (1 + 3 * 2)
    assert statements.count("COMMIT") <= turns_and_chats + streamed_for_s / INTERVAL_S + 2, "eight cost what one does"
    await store.close()


async def test_drafts_are_written_by_themselves(folder: Path) -> None:
    store = await Store.open(folder)
    chat = await store.list.new()
    for letters in range(1, 30):
        store.keep_draft(chat.id, [Text("x" * letters)])
        store.keep_draft("", [Text("new" * letters)])
    await asyncio.sleep(3 * INTERVAL_S)
    assert await store.read(lambda c: c.execute("SELECT count(*) FROM draft").fetchone()) == (2,)
    await store.close()
    store = await Store.open(folder)
    draft = await store.draft(chat.id)
    assert draft is not None
    assert draft.parts == (Text("x" * 29),)
    store.keep_draft("", [])
    assert await store.draft("") is None
    await store.list.delete([chat.id])
    await store.care.empty_trash(records.now_ms() + 1)
    assert await store.draft(chat.id) is None
    await store.close()


# The list


async def test_the_list_comes_in_pages(folder: Path) -> None:
    store = await Store.open(folder)
    made = [(await store.list.new(f"chat {number}")).id for number in range(25)]
    found: list[str] = []
    page = await store.list.page(limit=10)
    while True:
        found += [chat.id for chat in page.chats]
        if page.after is None:
            break
        page = await store.list.page(limit=10, after=page.after)
    assert found == made[::-1]
    assert await store.list.days() == [(datetime.now().astimezone().date(), 25)]
    await store.close()


async def test_folders_tags_pins_and_the_archive(folder: Path) -> None:
    store = await Store.open(folder)
    one, two, three = [(await store.list.new(title)).id for title in ("one", "two", "three")]
    work = await store.list.add_folder("Work")
    inner = await store.list.add_folder("Client", work.id)
    await store.list.rename_folder(inner.id, "Clients")
    await store.list.move([one, two], inner.id)
    await store.list.pin([two])
    await store.list.archive([three])
    await store.list.tag(one, ["b", "a", "a", ""])

    async def titles(shown: Shown) -> list[str]:
        return [chat.title for chat in (await store.list.page(shown)).chats]

    assert await titles(Shown()) == ["two", "one"]
    assert await titles(Shown(archived=True)) == ["three"]
    assert await titles(Shown(pinned=True)) == ["two"]
    assert await titles(Shown(folder=inner.id, pinned=False)) == ["one"]
    assert await titles(Shown(tag="a")) == ["one"]
    assert (await store.list.chat(one)).tags == ("a", "b")
    assert await store.list.tags() == [("a", 1), ("b", 1)]
    assert [each.name for each in await store.list.folders()] == ["Clients", "Work"]
    await store.list.remove_folder(inner.id)
    assert (await store.list.chat(one)).folder is None
    with pytest.raises(StoreError) as caught:
        await store.list.move([one], inner.id)
    assert caught.value.fault is StoreFault.MISSING
    await store.close()


async def test_a_persons_title_is_not_overwritten(folder: Path) -> None:
    store = await Store.open(folder)
    chat, *_ = await said(store, "First line")
    assert await store.list.rename(chat, "A model's", TitledBy.MODEL)
    assert await store.list.rename(chat, "Mine")
    assert not await store.list.rename(chat, "A model's again", TitledBy.MODEL)
    assert (await store.list.chat(chat)).title == "Mine"
    assert [hit.title.text for hit in await store.search_titles("min")] == ["Mine"]
    assert not await store.search_titles("model")
    await store.close()


async def test_the_trash_keeps_chats_and_messages_for_thirty_days(folder: Path) -> None:
    store = await Store.open(folder)
    chat, _, _ = await said(store, "A lighthouse", "a tower")
    other, asked, answer = await said(store, "Another lighthouse", "another tower")
    await store.list.delete([chat])
    await store.delete(other, answer)
    assert [hit.message for hit in (await store.search(Query("lighthouse tower"))).hits] == []
    assert [hit.message for hit in (await store.search(Query("lighthouse"))).hits] == [asked]
    assert [each.id for each in (await store.list.page(Shown(trash=True))).chats] == [chat]
    await store.care.empty_trash()
    await store.list.restore([chat])
    await store.undo_delete(other, answer)
    assert len((await store.search(Query("tower"))).hits) == 2
    await store.list.delete([chat])
    await store.delete(other, answer)
    await store.care.empty_trash(records.now_ms() + TRASH_MS)
    with pytest.raises(StoreError) as caught:
        await store.open_chat(chat)
    assert caught.value.fault is StoreFault.MISSING
    assert [each.id for each in (await store.open_chat(other)).shown] == [asked]
    assert await store.read(chat_stores.problem) == ""
    await store.close()


async def test_a_long_chat_is_removed_in_pieces(folder: Path) -> None:
    chat_stores.make_version(folder / "chats.sqlite3", 1, chats=1, each=1500)
    store = await Store.open(folder)
    (chat,) = (await store.list.page()).chats
    await store.delete(chat.id, (await store.open_chat(chat.id)).tree.path()[3])
    await store.care.empty_trash(records.now_ms() + 1)
    assert len((await store.open_chat(chat.id)).tree) == 3
    await store.list.delete([chat.id])
    await store.care.empty_trash(records.now_ms() + 1)
    assert await store.read(lambda c: c.execute("SELECT count(*) FROM message").fetchone()) == (0,)
    await store.close()


# Search


async def test_search(folder: Path) -> None:
    store = await Store.open(folder)
    llama = About(model=ModelIdentity("llama"))
    one, asked, answered = await said(store, "Où est le phare?", "The lighthouse stands on a rock, far out.")
    await asyncio.sleep(0.005)  # the store counts milliseconds: the second chat is later
    two, _, other = await said(store, "A rock band", "They play far from any lighthouse keeper.", llama)

    async def found(text: str, **filters: Any) -> set[str]:
        return {hit.message for hit in (await store.search(Query(text, **filters))).hits}

    assert await found("lighthouse") == {answered, other}
    assert await found("LIGHTHOUSE ro") == {answered}
    assert await found("ou phare") == {asked}
    assert await found('"far out"') == {answered}
    assert await found('"far from any lighthouse"') == {other}
    assert await found('"from far"') == set()
    assert await found("light") == {answered, other}
    assert await found("light", as_typed=False) == await found("light ") == set()
    assert await found("lighthouse", model="llama") == {other}
    assert await found("rock", role="assistant") == {answered}
    assert await found("rock", role="user", model="llama") == set()
    assert await found("rock", chat=one) == {answered}
    between = (await store.list.chat(two)).created_ms
    assert await found("lighthouse", before_ms=between) == {answered}
    assert await found("lighthouse", from_ms=between) == {other}
    hit = (await store.search(Query("keep", chat=two))).hits[0]
    assert [hit.snippet.text[begin:end] for begin, end in hit.snippet.marks] == ["keeper"]
    assert (hit.chat, hit.title, hit.model) == (two, "A rock band", "llama")
    first = await store.search(Query("lighthouse"), limit=1)
    second = await store.search(Query("lighthouse"), limit=1, after=first.after)
    assert [hit.message for hit in (*first.hits, *second.hits)] == [other, answered]
    assert second.after is None
    await store.close()


async def test_search_finds_in_scripts_without_spaces_and_beside_the_text(folder: Path) -> None:
    store = await Store.open(folder)
    chat = await store.list.new()
    text = "私は灯台が好きです。灯台は高い。"
    question, answer = await store.begin_turn(
        chat.id, None, [Text(text), Attachment("0" * 64, "harbour.txt", "text/plain", 3, "seagulls")], QWEN
    )
    for event in EVENTS:
        answer.add(event)
    await answer.close()
    for query in ("灯台", "台は高", '"灯台が好き"', "harbour", "seagull"):
        (hit,) = (await store.search(Query(query))).hits
        assert hit.message == question.id
        assert hit.snippet.marks
        assert "\u200b" not in hit.snippet.text
    for query in ("calculat", '"6 * 7"', "picture"):
        assert [hit.message for hit in (await store.search(Query(query))).hits] == [answer.id]
    await store.close()


NO_WORDS = [
    *("", " ", '"', '""', "*", "AND", "a AND", "NOT near", "(", "text:tower", "NEAR(a b)", "^a", "-", "\0", "'", ";"),
    *("ǂruser", "\x02\x03"),
]


async def test_whatever_is_typed_is_searched_for_and_never_a_command(folder: Path) -> None:
    store = await Store.open(folder)
    await said(store, "AND or NOT near", "tower*")
    for text in NO_WORDS:
        await store.search(Query(text))
        await store.search_titles(text)
    assert (await store.search(Query("and OR not"))).hits
    assert (await store.search(Query("tower*"))).hits
    assert not (await store.search(Query("ǂruser"))).hits
    await store.close()


@given(st.lists(st.text(max_size=20), max_size=4))
def test_any_text_makes_a_query(texts: list[str]) -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE VIRTUAL TABLE found USING fts5(text)")
    query = search.words(" ".join(texts), as_typed=True)
    if query:
        connection.execute("SELECT * FROM found WHERE found MATCH ?", (query,)).fetchall()
    connection.close()


# Files and presets


async def test_a_file_is_kept_once_and_removed_when_nothing_needs_it(folder: Path, tmp_path: Path) -> None:
    store = await Store.open(folder)
    source = tmp_path / "notes.txt"
    source.write_bytes(b"the same")
    first = await store.files.add(source)
    second = await store.files.add_data(b"the same", "again.txt", "text/plain")
    assert (first.name, first.media_type, first.size) == ("notes.txt", "text/plain", 8)
    assert first.sha256 == second.sha256
    held = store.attachments.path(first.sha256)
    assert held.read_bytes() == b"the same"
    chat = await store.list.new()
    question, _ = await store.begin_turn(chat.id, None, [Text("see"), first], QWEN)
    drafted = await store.files.add_data(b"in a draft", "d.txt", "text/plain")
    store.keep_draft("", [drafted])
    loose = await store.files.add_data(b"nobody needs this", "n.txt", "text/plain")
    await store.draft("")

    async def collect_later() -> int:
        """As it is some days later."""
        await store.care.collect()
        await store.write(lambda c: c.execute("UPDATE file SET unused_ms = unused_ms - ?", (UNUSED_MS + 1000,)))
        return await store.care.collect()

    assert await store.care.collect() == 0
    assert await collect_later() == 1
    with pytest.raises(StoreError) as caught:
        await store.files.read(loose.sha256)
    assert caught.value.fault is StoreFault.MISSING
    assert await store.files.read(drafted.sha256) == b"in a draft"
    assert await store.files.read(first.sha256) == b"the same"
    await store.delete(chat.id, question.id)
    await store.care.empty_trash(records.now_ms() + 1)
    assert await collect_later() == 1
    assert not held.exists()
    await store.close()


async def test_the_nearest_preset_says_what_is_asked(folder: Path) -> None:
    store = await Store.open(folder)
    chat = (await store.list.new()).id
    await store.presets.keep(Preset(Scope.GLOBAL, system_prompt="Be kind.", sampling={"temperature": 0.8, "top_k": 40}))
    await store.presets.keep(Preset(Scope.MODEL, "qwen3-4b", sampling={"temperature": 0.6}))
    await store.presets.keep(Preset(Scope.MODEL, "llama", sampling={"temperature": 0.1}))
    mine = await store.presets.keep(Preset(Scope.CHAT, chat, system_prompt="", sampling={"stop": ["END"]}))
    await store.presets.keep(Preset(Scope.NAMED, name="Pirate", system_prompt="Arr.", sampling={"seed": 1}))
    settings = await store.presets.settings(chat, "qwen3-4b")
    assert {name: (each.value, each.source.scope) for name, each in settings.items()} == {
        "system_prompt": ("", Scope.CHAT),
        "temperature": (0.6, Scope.MODEL),
        "top_k": (40, Scope.GLOBAL),
        "stop": (["END"], Scope.CHAT),
    }
    again = await store.presets.keep(Preset(Scope.CHAT, chat, sampling={"stop": []}))
    assert again.id == mine.id
    assert len(await store.presets.every()) == 5
    await store.presets.remove(again.id)
    assert "stop" not in await store.presets.settings(chat, "qwen3-4b")
    await store.close()


# Values


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
PART = (
    st.builds(Text, st.text())
    | st.builds(Reasoning, st.text())
    | st.builds(ToolUse, st.text(), st.text(), st.text())
    | st.builds(ToolAnswer, st.text(), st.text(), st.text(), st.text())
    | st.builds(Attachment, st.text(), st.text(), st.text(), st.integers(0, 2**40))
    | st.builds(Other, st.dictionaries(st.text(), JSON).map(lambda data: {**data, "type": "of tomorrow"}))
)


@given(st.lists(PART))
def test_parts_survive_their_json(given_parts: list[parts.Part]) -> None:
    kept = parts.encode(given_parts)
    kept.encode()
    assert parts.decode(kept) == tuple(given_parts)
    assert isinstance(parts.spoken(kept) + parts.aside(kept), str)
    joined = parts.joined(given_parts)
    assert parts.joined(joined) == joined
    assert parts.joined([*joined[:1], *given_parts[len(given_parts) :]]) == joined[:1]


@given(JSON)
def test_any_json_is_some_part(data: Any) -> None:
    kept = parts.dumps([data])
    assert parts.decode(parts.encode(parts.decode(kept))) == parts.decode(kept)


def test_ids_are_ordered_by_time() -> None:
    ids = []
    for _ in range(5):
        ids.append(records.new_id())
        time.sleep(0.002)
    assert ids == sorted(ids)
    assert len({*ids}) == 5
    assert all(each[14] == "7" and each[19] in "89ab" for each in ids)
