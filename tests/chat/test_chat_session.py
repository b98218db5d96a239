"""One open chat: how an answer gets into it, what of it the engine is sent, and what of it is on the disk."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import signal
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import pytest
import scripted_worker
from engine_runs import OPTIONS, asks, loaded

from nodetool_xl_desktop.chat.session import Ask, Asked, ChatSession
from nodetool_xl_desktop.chat.sessions import Sessions
from nodetool_xl_desktop.engine.client import Sampling
from nodetool_xl_desktop.engine.errors import EngineError, Fault
from nodetool_xl_desktop.engine.events import (
    Event,
    Failed,
    Finished,
    PromptProgress,
    ReasoningDelta,
    Speed,
    TextDelta,
    Usage,
)
from nodetool_xl_desktop.fit.options import LoadOptions
from nodetool_xl_desktop.provider import values
from nodetool_xl_desktop.store.errors import StoreError
from nodetool_xl_desktop.store.parts import Text
from nodetool_xl_desktop.store.records import About, Message, ModelIdentity, State
from nodetool_xl_desktop.store.store import Store

pytestmark = pytest.mark.usefixtures("no_process_left")

FINISHED = Finished("stop", Usage(12, 3, 4), Speed(100.0, 30.0))
BROKEN = EngineError(Fault.CRASHED, "The engine ended", "it crashed")
LONG = "Write a very long story about a ship and its crew, with many chapters."
TINY = About(ModelIdentity("tiny", "Tiny"))
Turn = tuple[str, str]


class Script:
    """A loaded model that says what it was told to: one list of events for each question."""

    def __init__(self, *answers: Sequence[Event]) -> None:
        self._answers = list(answers)
        self.asked: list[list[Turn]] = []
        self.left_early = 0
        self.gate: asyncio.Event | None = None  # waited for before the last event

    async def __call__(self, messages: Sequence[values.Message]) -> AsyncGenerator[Event, None]:
        self.asked.append([(message.role, message.text) for message in messages])
        try:
            answer = self._answers.pop(0)
            for number, event in enumerate(answer):
                if self.gate is not None and number == len(answer) - 1:
                    await self.gate.wait()
                await asyncio.sleep(0)
                yield event
        except (GeneratorExit, asyncio.CancelledError):
            self.left_early += 1
            raise


def says(*words: str) -> list[Event]:
    return [*map(TextDelta, words), FINISHED]


async def silent(_messages: Sequence[values.Message]) -> AsyncGenerator[Event, None]:
    """A model that never says anything."""
    await asyncio.Event().wait()
    yield FINISHED


class Room:
    """A store with one chat in it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.changes = 0
        self.sessions = Sessions(store, self._changed)

    def _changed(self, _session: ChatSession) -> None:
        self.changes += 1

    async def kept(self, chat: ChatSession) -> list[Message]:
        """What is on the disk of what is shown."""
        return (await self.store.open_chat(chat.chat.id)).shown


@contextlib.asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Room]:
    store = await Store.open(folder / "chats")
    try:
        yield Room(store)
    finally:
        await store.close()


def said(text: str) -> tuple[Text, ...]:
    return (Text(text),)


async def tell(chat: ChatSession, ask: Ask, text: str, system: str = "") -> Message:
    """Ask, read the whole answer, and return it."""
    return await chat.send(said(text), Asked(ask, TINY, system))


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0.002)


# How an answer comes to be


async def test_an_answer_grows_while_it_streams(tmp_path: Path) -> None:
    server = Script([PromptProgress(5, 12, 4), ReasoningDelta("Hm."), TextDelta("Hel"), TextDelta("lo."), FINISHED])
    server.gate = asyncio.Event()
    async with opened(tmp_path) as room:
        chat = await room.sessions.new()
        telling = asyncio.create_task(tell(chat, server, "Hi"))
        await until(lambda: chat.answer and chat.answer.message.text == "Hello.")
        question, answer = chat.shown
        assert (answer.state, answer.reasoning, answer.is_open) == (State.STREAMING, "Hm.", True)
        assert chat.progress == PromptProgress(5, 12, 4)
        assert (await room.kept(chat))[0].text == "Hi"
        server.gate.set()
        answer = await telling
        assert (question.role, question.text, question.state) == ("user", "Hi", State.COMPLETE)
        assert (answer.role, answer.author, answer.about.error) == ("assistant", "Tiny", None)
        assert (answer.about.usage, answer.about.speed) == (FINISHED.usage, FINISHED.speed)
        assert (answer.state, answer.is_open, chat.is_answering, chat.answer) == (State.COMPLETE, False, False, None)
        assert await room.kept(chat) == list(chat.shown) == [question, answer]


async def test_the_question_is_on_the_disk_before_the_engine_is_asked(tmp_path: Path) -> None:
    async with opened(tmp_path) as room:
        chat = await room.sessions.new()
        seen: list[list[tuple[str, State]]] = []

        async def look(_messages: Sequence[values.Message]) -> AsyncGenerator[Event, None]:
            seen.append([(message.text, message.state) for message in await room.kept(chat)])
            yield FINISHED

        await tell(chat, look, "Hi")
        assert seen == [[("Hi", State.COMPLETE), ("", State.WAITING)]]


@pytest.mark.parametrize(
    ("events", "state", "text"),
    [
        ([TextDelta("One"), Finished("length", Usage(), Speed())], State.CUT, "One"),
        ([FINISHED], State.COMPLETE, ""),
        ([TextDelta("Half an"), Failed(BROKEN)], State.FAILED, "Half an"),
        ([], State.STOPPED, ""),
    ],
)
async def test_how_an_answer_ends(tmp_path: Path, events: list[Event], state: State, text: str) -> None:
    async with opened(tmp_path) as room:
        chat = await room.sessions.new()
        answer = await tell(chat, Script(events), "Hi")
        assert (answer.state, answer.text) == (state, text)
        assert answer.about.error is (BROKEN if state is State.FAILED else None)
        assert (await room.kept(chat))[-1].state is state


async def test_to_cancel_stops_the_engine_and_keeps_the_text(tmp_path: Path) -> None:
    server = Script(says("One", " two", " three"))
    server.gate = asyncio.Event()
    async with opened(tmp_path) as room:
        chat = await room.sessions.new()
        telling = asyncio.create_task(tell(chat, server, "Count"))
        await until(lambda: chat.answer and chat.answer.message.text == "One two three")
        telling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await telling
        assert server.left_early == 1
        kept = (await room.kept(chat))[-1]
        assert (kept.state, kept.text, kept.about.error) == (State.STOPPED, "One two three", None)
        assert chat.shown[-1] == kept
        assert not chat.is_answering


@pytest.mark.parametrize("steps", range(12))
async def test_cancelled_at_any_step_nothing_stays_open(tmp_path: Path, steps: int) -> None:
    """Also while the question is being written: what is on the disk then is what is shown."""
    async with opened(tmp_path) as room:
        chat = await room.sessions.new()
        telling = asyncio.create_task(tell(chat, silent, "Hi"))
        for _ in range(steps):
            await asyncio.sleep(0)
        telling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await telling
        kept = await room.kept(chat)
        assert kept == list(chat.shown)
        assert [(message.text, message.state) for message in kept] in (
            [],
            [("Hi", State.COMPLETE), ("", State.STOPPED)],
        )
        assert not chat.is_answering
        assert not room.sessions.answering


@pytest.mark.parametrize("between", range(0, 12, 2))
@pytest.mark.parametrize("is_begun", [True, False])
async def test_cancelled_twice_nothing_stays_open(tmp_path: Path, between: int, is_begun: bool) -> None:
    """Esc twice, or Esc and the end of the program: the second comes while what the first stopped is written."""
    async with opened(tmp_path) as room:
        chat = await room.sessions.new()
        telling = asyncio.create_task(tell(chat, Script([TextDelta("Half"), *[PromptProgress(1, 2, 0)] * 999]), "Hi"))
        if is_begun:
            await until(lambda: chat.answer and chat.answer.message.text)
        else:
            await asyncio.sleep(0)
        for _ in range(2):
            telling.cancel()
            for _ in range(between):
                await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await telling
        assert (chat.answer, chat.is_answering, dict(room.sessions.answering)) == (None, False, {})
        assert list(chat.shown) == await room.kept(chat)
        assert all(not message.is_open for message in chat.shown)


@pytest.mark.parametrize("steps", range(1, 8))
async def test_a_change_that_is_cancelled_is_shown_as_it_was_written(tmp_path: Path, steps: int) -> None:
    async with opened(tmp_path) as room:
        chat = await room.sessions.new()
        server = Script(says("A"), says("B"))
        first = await tell(chat, server, "Q")
        await chat.regenerate(first.id, Asked(server, TINY))
        question = chat.shown[0].id
        changes: list[Callable[[], Coroutine[Any, Any, object]]] = [
            lambda: chat.switch(first.id),
            lambda: chat.delete(first.id),
            lambda: chat.edit(question, said("Q2")),
        ]
        for change in changes:
            changing = asyncio.ensure_future(change())
            for _ in range(steps):
                await asyncio.sleep(0)
            changing.cancel()
            await asyncio.wait([changing])
            assert list(chat.shown) == await room.kept(chat)


async def test_a_fault_of_the_program_is_told_as_one_and_kept(tmp_path: Path) -> None:
    async def broken(_messages: Sequence[values.Message]) -> AsyncGenerator[Event, None]:
        yield TextDelta("Half")
        raise ZeroDivisionError

    async with opened(tmp_path) as room:
        chat = await room.sessions.new()
        with pytest.raises(ZeroDivisionError):
            await tell(chat, broken, "Hi")
        kept = (await room.kept(chat))[-1]
        assert (kept.state, kept.text) == (State.FAILED, "Half")
        assert "fault of this program" in str(kept.about.error)


async def test_one_answer_at_a_time(tmp_path: Path) -> None:
    async with opened(tmp_path) as room:
        chat = await room.sessions.new()
        telling = asyncio.create_task(tell(chat, silent, "Hi"))
        await until(lambda: chat.answer)
        with pytest.raises(RuntimeError):
            await tell(chat, silent, "And?")
        telling.cancel()
        await asyncio.wait([telling])
        assert [message.text for message in await room.kept(chat)] == ["Hi", ""]


async def test_what_cannot_be_written_is_not_asked(tmp_path: Path) -> None:
    server = Script(says("Hello."))
    async with opened(tmp_path) as room:
        chat = await room.sessions.new()
    with pytest.raises(StoreError):
        await tell(chat, server, "Hi")
    assert server.asked == []
    assert not list(chat.shown)
    assert not chat.is_answering


# Branches


async def test_regenerate_edit_and_continue_keep_what_was_there(tmp_path: Path) -> None:
    server = Script(says("A"), says("B"), says("C"), says(" and more"), says("D"))
    async with opened(tmp_path) as room:
        chat = await room.sessions.new()
        first = await tell(chat, server, "Q")
        second = await chat.regenerate(first.id, Asked(server, TINY))
        assert chat.tree.versions(second.id).ids == (first.id, second.id)
        edited = await chat.ask_instead(chat.shown[0].id, said("Q2"), Asked(server, TINY))
        assert [message.text for message in chat.shown] == ["Q2", "C"]
        await chat.continue_answer(edited.id, Asked(server, TINY))
        assert [message.text for message in chat.shown] == ["Q2", "C and more"]
        alone = await chat.edit(chat.shown[0].id, said("Q3"))
        assert [message.text for message in chat.shown] == ["Q3"]
        await chat.regenerate(alone.id, Asked(server, TINY))
        assert [message.text for message in chat.shown] == ["Q3", "D"]
        assert server.asked == [
            [("user", "Q")],
            [("user", "Q")],
            [("user", "Q2")],
            [("user", "Q2"), ("assistant", "C")],
            [("user", "Q3")],
        ]
        await chat.switch(first.id)
        assert [message.text for message in chat.shown] == ["Q", "A"]
        await chat.delete(first.id)
        assert [message.text for message in chat.shown] == ["Q", "B"]
        await chat.undo_delete(first.id)
        assert [message.text for message in chat.shown] == ["Q", "A"]
        assert await room.kept(chat) == list(chat.shown)


async def test_an_answer_goes_on_behind_another_chat(tmp_path: Path) -> None:
    server = Script(says("One", " two"))
    server.gate = asyncio.Event()
    async with opened(tmp_path) as room:
        chat = await room.sessions.new()
        chat_id = chat.chat.id
        telling = asyncio.create_task(tell(chat, server, "Count"))
        await until(lambda: chat.answer and chat.answer.message.text)
        assert list(room.sessions.answering) == [chat_id]
        seen = await room.sessions.open(chat_id)
        assert seen.is_answering
        server.gate.set()
        await telling
        assert seen.shown[-1].text == "One two"
        assert not room.sessions.answering


@pytest.mark.parametrize("slots", [1, 2])
async def test_who_waits_for_whom(tmp_path: Path, slots: int) -> None:
    model = Path("model.gguf")
    async with opened(tmp_path) as room:
        tasks, chats = [], []
        for number in range(3):
            chats.append(await room.sessions.new())
            asked = Asked(silent, TINY, model=model, slots=slots)
            tasks.append(asyncio.create_task(chats[-1].send(said(str(number)), asked)))
            await until(lambda: chats[-1].answer)
        waits = [room.sessions.waits_for(chat) for chat in chats]
        assert waits == ([None, chats[0], chats[1]] if slots == 1 else [None, None, chats[0]])
        tasks[0].cancel()
        await asyncio.wait(tasks[:1])
        waits = [room.sessions.waits_for(chat) for chat in chats]
        assert waits == ([None, None, chats[1]] if slots == 1 else [None, None, None])
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


# What the engine is sent


async def test_the_whole_chat_is_sent_with_the_system_prompt_first(tmp_path: Path) -> None:
    server = Script(says("Hello."), says("Fine."))
    async with opened(tmp_path) as room:
        chat = await room.sessions.new()
        await tell(chat, server, "Hi", "Be brief.")
        await tell(chat, server, "How are you?", "Be brief.")
    assert server.asked == [
        [("system", "Be brief."), ("user", "Hi")],
        [("system", "Be brief."), ("user", "Hi"), ("assistant", "Hello."), ("user", "How are you?")],
    ]
    assert [message.role for message in chat.shown] == ["user", "assistant", "user", "assistant"]


async def test_a_file_that_is_gone_is_told_instead_of_left_out(tmp_path: Path) -> None:
    server = Script(says("Never."))
    async with opened(tmp_path) as room:
        chat = await room.sessions.new()
        file = await room.store.files.add_data(b"some text", "a.txt", "text/plain")
        for each in (tmp_path / "chats" / "attachments").rglob("*"):
            if each.is_file():
                each.unlink()
        answer = await chat.send([Text("See:"), file], Asked(server, TINY))
        assert answer.state is State.FAILED
        assert answer.about.error is not None
        assert server.asked == []


async def test_no_question_is_lost_and_none_is_sent_twice(tmp_path: Path) -> None:
    """Whatever became of the answers: a question is sent along, unless its answer failed before its first word."""
    endings: list[Sequence[Event]] = [
        says("Yes."),
        [Failed(BROKEN)],
        [FINISHED],
        [TextDelta("Half"), Failed(BROKEN)],
        [ReasoningDelta("Hm."), FINISHED],
    ]
    async with opened(tmp_path) as room:
        for start, stride in itertools.product(range(5), range(1, 5)):
            order = [(start + step * stride) % 5 for step in range(6)]
            chat, server = await room.sessions.new(), Script(*(endings[each] for each in order))
            for number in range(len(order)):
                await tell(chat, server, f"Question {number}", "Be brief.")
            for number, asked in enumerate(server.asked):
                sent = [text for role, text in asked if role == "user"]
                assert sent == [f"Question {at}" for at in range(number + 1) if at == number or order[at] != 1]
            assert [message.text for message in chat.shown if message.role == "user"] == [
                f"Question {number}" for number in range(6)
            ]


# With the real engine


async def test_a_chat_with_the_real_engine(tmp_path: Path, starter_model: Path) -> None:
    async with opened(tmp_path) as room, loaded(starter_model) as server:
        chat = await room.sessions.new()
        ask = asks(server, Sampling(0, max_tokens=12))
        first = await tell(chat, ask, "Say good morning.", "You only ever answer in French.")
        second = await tell(chat, ask, "And again.", "You only ever answer in French.")
        for answer in (first, second):
            assert answer.state in (State.COMPLETE, State.CUT)
            assert answer.text.strip()
            assert answer.about.first_token_s
            assert answer.about.speed.decode_tokens_per_s > 0
        assert second.about.usage.cached_tokens > first.about.usage.prompt_tokens / 2


async def test_an_answer_of_the_real_engine_goes_on_where_it_was_cut(tmp_path: Path, starter_model: Path) -> None:
    """Together they are what the model would have said at once."""
    async with opened(tmp_path) as room, loaded(starter_model) as server:
        chat = await room.sessions.new()
        cut = await tell(chat, asks(server, Sampling(0, max_tokens=8)), "Count from one to ten, in words.")
        assert cut.state is State.CUT
        whole = await chat.continue_answer(cut.id, Asked(asks(server, Sampling(0, max_tokens=8)), TINY))
        at_once = await chat.regenerate(cut.id, Asked(asks(server, Sampling(0, max_tokens=16)), TINY))
        assert len(whole.text) > len(cut.text)
        assert whole.text == at_once.text


async def test_a_killed_engine_keeps_the_text_and_the_chat_goes_on_with_the_next_one(
    tmp_path: Path, starter_model: Path
) -> None:
    async with opened(tmp_path) as room:
        chat = await room.sessions.new()
        async with loaded(starter_model) as server:
            telling = asyncio.create_task(tell(chat, asks(server, Sampling(0)), LONG))
            await until(lambda: chat.answer and len(chat.answer.message.text) > 20)
            assert chat.answer is not None
            so_far = chat.answer.message.text
            os.kill(server.pid, signal.SIGKILL)
            answer = await telling
            assert answer.state is State.FAILED
            assert answer.text.startswith(so_far)
            assert isinstance(answer.about.error, EngineError)
            assert answer.about.error.fault is Fault.KILLED
        async with loaded(starter_model) as server:
            after = await tell(chat, asks(server, Sampling(0, max_tokens=3)), "Go on.")
        assert after.state is State.CUT
        assert chat.shown[1].text.startswith(so_far)


async def test_a_chat_that_is_too_long_says_so_and_a_shorter_question_is_answered(
    tmp_path: Path, starter_model: Path
) -> None:
    async with opened(tmp_path) as room, loaded(starter_model, LoadOptions(256)) as server:
        chat = await room.sessions.new()
        failed = await tell(chat, asks(server), "word " * 1000)
        assert isinstance(failed.about.error, EngineError)
        assert failed.about.error.fault is Fault.CONTEXT_OVERFLOW
        answer = await tell(chat, asks(server, Sampling(0, max_tokens=3)), "Hi")
        assert answer.state is State.CUT


async def test_letters_that_break_lines_elsewhere_arrive_whole(tmp_path: Path) -> None:
    async with (
        opened(tmp_path) as room,
        loaded(tmp_path / "any.gguf", OPTIONS, scripted_worker.command("sound")) as server,
    ):
        chat = await room.sessions.new()
        answer = await tell(chat, asks(server), "Count.")
        assert answer.text == "".join(scripted_worker.WORDS)
        assert (await room.kept(chat))[-1].text == answer.text
