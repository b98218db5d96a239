"""Any sequence of what people do to a chat, on a real store: what is on the disk is what the tree says, nothing that
was said is changed, and an export gives it back."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from nodetool_xl_desktop.engine.errors import EngineError, Fault
from nodetool_xl_desktop.engine.events import Failed, Finished, ReasoningDelta, Speed, TextDelta, Usage
from nodetool_xl_desktop.exchange import transfer
from nodetool_xl_desktop.store.errors import StoreError
from nodetool_xl_desktop.store.parts import Text
from nodetool_xl_desktop.store.presets import Preset, Scope
from nodetool_xl_desktop.store.records import About, ModelIdentity, State
from nodetool_xl_desktop.store.search import Query
from nodetool_xl_desktop.store.store import Store
from nodetool_xl_desktop.store.tree import Tree

Result = TypeVar("Result")
PICK = st.integers(0, 10**6)
#: Not a NUL by itself: what a person types has none. Halves of surrogate pairs are: a file's name may hold them.
WORDS = st.text(max_size=12)
ABOUT = About(model=ModelIdentity("qwen3-4b", "Qwen3 4B"), sampling={"temperature": 0.7})


class StoredBranches(RuleBasedStateMachine):
    """One chat in a store of its own, and beside it the tree and the texts as they have to be."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.tree = Tree()
        self.texts: dict[str, str] = {}
        self.deleted: list[str] = []

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        return self.runner.run(work)

    @initialize()
    def open(self) -> None:
        self.store = self.run(Store.open(Path(self.folder.name) / "chats"))
        self.chat = self.run(self.store.list.new()).id

    def teardown(self) -> None:
        self.run(self.store.close())
        self.runner.close()
        self.folder.cleanup()

    @property
    def alive(self) -> list[str]:
        return [node.id for node in self.tree if self.tree.is_alive(node.id)]

    def pick(self, number: int) -> str:
        return self.alive[number % len(self.alive)]

    @rule(question=WORDS, pieces=st.lists(WORDS, max_size=4))
    def ask(self, question: str, pieces: list[str]) -> None:
        asked, answer = self.run(self.store.begin_turn(self.chat, self.tree.leaf, [Text(question)], ABOUT))
        self.tree.add(asked.id, self.tree.leaf)
        self.tree.add(answer.id, asked.id)
        answer.add(ReasoningDelta("hm"))
        for piece in pieces:
            answer.add(TextDelta(piece))
        answer.add(Finished("stop", Usage(1, 2, 3), Speed(4.0, 5.0)))
        done = self.run(answer.close())
        assert done.state is State.COMPLETE
        self.texts |= {asked.id: question, answer.id: "".join(pieces)}

    @precondition(lambda self: self.alive)
    @rule(pick=PICK, piece=WORDS)
    def regenerate(self, pick: int, piece: str) -> None:
        parent = self.tree[self.pick(pick)].parent
        answer = self.run(self.store.begin_answer(self.chat, parent, ABOUT))
        answer.add(TextDelta(piece))
        assert self.run(answer.close()).state is State.STOPPED
        self.tree.add(answer.id, parent)
        self.texts[answer.id] = piece

    @precondition(lambda self: self.alive)
    @rule(pick=PICK, text=WORDS)
    def edit(self, pick: int, text: str) -> None:
        of = self.pick(pick)
        edited = self.run(self.store.add_version(self.chat, of, [Text(text)]))
        assert edited.about.more["edited_from"] == of
        self.tree.add(edited.id, self.tree[of].parent)
        self.texts[edited.id] = text

    @precondition(lambda self: self.alive)
    @rule(pick=PICK, piece=WORDS)
    def go_on(self, pick: int, piece: str) -> None:
        of = self.pick(pick)
        answer = self.run(self.store.continue_answer(self.chat, of))
        answer.add(TextDelta(piece))
        self.run(answer.close(State.COMPLETE))
        self.tree.switch(of)
        self.texts[of] += piece

    @precondition(lambda self: self.alive)
    @rule(pick=PICK)
    def delete(self, pick: int) -> None:
        which = self.pick(pick)
        self.tree.delete(which)
        self.deleted.append(which)
        assert self.run(self.store.delete(self.chat, which)).leaf == self.tree.leaf

    @precondition(lambda self: self.deleted)
    @rule()
    def undo(self) -> None:
        which = self.deleted.pop()
        try:
            self.tree.undo(which)
        except ValueError:
            with pytest.raises(StoreError):
                self.run(self.store.undo_delete(self.chat, which))
        else:
            assert self.run(self.store.undo_delete(self.chat, which)).leaf == self.tree.leaf

    @precondition(lambda self: self.alive)
    @rule(pick=PICK)
    def switch(self, pick: int) -> None:
        to = self.pick(pick)
        self.tree.switch(to)
        assert self.run(self.store.switch(self.chat, to)).leaf == self.tree.leaf

    @precondition(lambda self: self.alive)
    @rule(pick=PICK)
    def fork(self, pick: int) -> None:
        at = self.pick(pick)
        forked = self.run(self.store.open_chat(self.run(self.store.fork(self.chat, at)).id))
        assert [each.text for each in forked.shown] == [self.texts[each] for each in self.tree.path(at)]
        assert not set(forked.messages) & set(self.texts)

    @precondition(lambda self: self.alive)
    @rule()
    def export_and_import(self) -> None:
        file = Path(self.folder.name) / "export.json"
        assert self.run(transfer.export_json(self.store, file, [self.chat])) == 1
        (copy,) = self.run(transfer.import_file(self.store, file)).chats
        ours, theirs = (
            self.run(self.store.read(lambda c, chat=chat: transfer.record(c, chat))) for chat in (self.chat, copy)
        )
        assert shape(ours) == shape(theirs)

    @rule()
    def duplicate(self) -> None:
        copy = self.run(self.store.duplicate(self.chat)).id
        ours, theirs = (
            self.run(self.store.read(lambda c, chat=chat: transfer.record(c, chat))) for chat in (self.chat, copy)
        )
        assert shape(ours) == shape(theirs)

    @rule()
    def start_again(self) -> None:
        self.run(self.store.close())
        self.store = self.run(Store.open(Path(self.folder.name) / "chats"))
        assert not self.store.notices

    @invariant()
    def the_disk_says_the_same(self) -> None:
        if not hasattr(self, "store"):
            return
        found = self.run(self.store.open_chat(self.chat))
        found.tree.check()
        assert list(found.tree) == list(self.tree)
        assert found.tree.leaf == self.tree.leaf
        assert [each.id for each in found.shown] == self.tree.path()
        assert {each: message.text for each, message in found.messages.items()} == self.texts
        every = self.run(self.store.messages(list(self.texts)))
        assert {each.id: each.text for each in every} == self.texts
        assert self.run(self.store.read(index_problem)) == ""


def index_problem(connection: Any) -> str:
    """What is wrong with the index of the search, or with a reference; the index is compared with every message."""
    wrong = connection.execute("PRAGMA foreign_key_check").fetchall()
    found = connection.execute(
        'SELECT rowid FROM message_index WHERE message_index MATCH \'"ǂruser" OR "ǂrassistant"\''
    )
    indexed = {row[0] for row in found}
    alive = {row[0] for row in connection.execute("SELECT at FROM message_words")}
    return str(wrong or (indexed ^ alive) or "")


def shape(record: transfer.Record) -> Any:
    """A chat without its ids: each message with the place of its parent."""
    place = {message.id: number for number, message in enumerate(record.messages)}
    return (
        record.chat.title,
        None if record.chat.leaf is None else place[record.chat.leaf],
        [
            (message.parent and place[message.parent], message.role, message.parts, message.state, message.created_ms)
            for message in record.messages
        ],
        [message.about.more.get("continued") for message in record.messages],
    )


LIMITS: dict[str, Any] = {"deadline": None, "suppress_health_check": list(HealthCheck)}
TestStoredBranches = StoredBranches.TestCase
TestStoredBranches.settings = settings(max_examples=12, stateful_step_count=20, **LIMITS)


@pytest.mark.soak
class TestManyStoredBranches(StoredBranches.TestCase):
    settings = settings(max_examples=300, stateful_step_count=40, **LIMITS)


async def test_a_fork_and_its_search_are_apart(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "chats")
    chat = await store.list.new()
    asked, answer = await store.begin_turn(chat.id, None, [Text("lighthouse")], ABOUT)
    answer.add(TextDelta("It is a tower."))
    await answer.close()
    forked = await store.fork(chat.id, asked.id)
    assert {hit.chat for hit in (await store.search(Query("lighthouse"))).hits} == {chat.id, forked.id}
    await store.delete(forked.id, (await store.open_chat(forked.id)).tree.path()[0])
    assert {hit.chat for hit in (await store.search(Query("lighthouse"))).hits} == {chat.id}
    await store.close()


async def test_a_copy_is_asked_as_its_original(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "chats")
    chat = await store.list.new()
    preset = Preset(Scope.CHAT, chat.id, system_prompt="Be brief.", sampling={"temperature": 0.2})
    await store.presets.keep(preset)
    question, answer = await store.begin_turn(chat.id, None, [Text("Hi")], ABOUT)
    await answer.close()
    for copy in (await store.duplicate(chat.id), await store.fork(chat.id, question.id)):
        asked = await store.presets.settings(copy.id, "")
        assert {name: setting.value for name, setting in asked.items()} == {
            "system_prompt": "Be brief.",
            "temperature": 0.2,
        }
    await store.close()


async def test_why_an_answer_failed_is_known_after_a_restart(tmp_path: Path) -> None:
    """By its kind, too: what helps is offered by that."""
    store = await Store.open(tmp_path / "chats")
    chat = await store.list.new()
    error = EngineError(Fault.CONTEXT_OVERFLOW, "It no longer fits", "it is long", "Load with more.")
    _, answer = await store.begin_turn(chat.id, None, [Text("Hi")], About(model=ModelIdentity("", "Nameless")))
    answer.add(Failed(error))
    await answer.close()
    await store.close()
    store = await Store.open(tmp_path / "chats")
    kept = (await store.open_chat(chat.id)).shown[-1]
    assert isinstance(kept.about.error, EngineError)
    assert (kept.about.error.fault, str(kept.about.error)) == (Fault.CONTEXT_OVERFLOW, str(error))
    assert kept.about.model == ModelIdentity("", "Nameless")
    await store.close()
