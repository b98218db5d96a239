"""One conversation: how an answer gets into it, and what of it the engine is sent."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import signal
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

import pytest
import scripted_worker
from engine_runs import OPTIONS, asks, gather, loaded, until_text

from nodetool_xl_desktop.chat.session import ChatSession, Message, Outcome
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

pytestmark = pytest.mark.usefixtures("no_process_left")

FINISHED = Finished("stop", Usage(12, 3, 4), Speed(100.0, 30.0))
BROKEN = EngineError(Fault.CRASHED, "The engine ended", "it crashed")
LONG = "Write a very long story about a ship and its crew, with many chapters."
Turn = tuple[str, str]


class Script:
    """A loaded model that says what it was told to: one list of events for each question."""

    def __init__(self, *answers: Sequence[Event]) -> None:
        self._answers = list(answers)
        self.asked: list[list[Turn]] = []
        self.left_early = 0

    async def __call__(self, messages: Sequence[values.Message]) -> AsyncGenerator[Event, None]:
        self.asked.append([(message.role, message.text) for message in messages])
        try:
            for event in self._answers.pop(0):
                await asyncio.sleep(0)
                yield event
        except (GeneratorExit, asyncio.CancelledError):
            self.left_early += 1
            raise


def says(*words: str) -> list[Event]:
    return [*map(TextDelta, words), FINISHED]


async def tell(chat: ChatSession, server: Script, text: str) -> Message:
    """Ask, read the whole answer, and return it."""
    await gather(chat.send(text, server))
    return chat.messages[-1]


# How an answer comes to be


async def test_an_answer_grows_while_it_streams() -> None:
    chat, seen = ChatSession(), []
    server = Script([PromptProgress(5, 12, 4), ReasoningDelta("Hm."), TextDelta("Hel"), TextDelta("lo."), FINISHED])
    events = chat.send("Hi", server, author="Tiny")
    question, answer = chat.messages  # both are there before anything is awaited
    assert (answer.outcome, answer.is_open) == (Outcome.WAITING, True)
    async for _ in events:
        seen.append((answer.outcome, answer.reasoning, answer.text, answer.first_token_s is not None))
    assert seen == [
        (Outcome.WAITING, "", "", False),
        (Outcome.STREAMING, "Hm.", "", True),
        (Outcome.STREAMING, "Hm.", "Hel", True),
        (Outcome.STREAMING, "Hm.", "Hello.", True),
        (Outcome.COMPLETE, "Hm.", "Hello.", True),
    ]
    assert (question.role, question.text, question.outcome) == ("user", "Hi", Outcome.COMPLETE)
    assert (answer.role, answer.author, answer.error) == ("assistant", "Tiny", None)
    assert answer.progress == PromptProgress(5, 12, 4)
    assert (answer.usage, answer.speed) == (FINISHED.usage, FINISHED.speed)
    assert not answer.is_open


async def test_an_answer_that_reached_its_limit_is_cut() -> None:
    answer = await tell(ChatSession(), Script([TextDelta("One"), Finished("length", Usage(), Speed())]), "Count")
    assert answer.outcome is Outcome.CUT


async def test_an_answer_of_no_words_is_complete() -> None:
    answer = await tell(ChatSession(), Script([FINISHED]), "Hi")
    assert (answer.outcome, answer.text, answer.first_token_s) == (Outcome.COMPLETE, "", None)


async def test_a_failure_keeps_what_came_before_it() -> None:
    answer = await tell(ChatSession(), Script([TextDelta("Half an"), Failed(BROKEN)]), "Hi")
    assert (answer.outcome, answer.text, answer.error) == (Outcome.FAILED, "Half an", BROKEN)


async def test_closing_the_answer_stops_the_engine_and_keeps_the_text() -> None:
    chat, server = ChatSession(), Script(says("One", " two", " three"))
    events = chat.send("Count", server)
    assert await until_text(events, 2) == "One two"
    await events.aclose()
    answer = chat.messages[-1]
    assert (answer.outcome, answer.text, answer.error) == (Outcome.STOPPED, "One two", None)
    assert server.left_early == 1


async def test_cancelling_the_reader_stops_too() -> None:
    chat, server = ChatSession(), Script(says(*("word " for _ in range(1000))))
    begun = asyncio.Event()

    async def read() -> None:
        async with contextlib.aclosing(chat.send("Go", server)) as events:
            async for _ in events:
                begun.set()

    reader = asyncio.create_task(read())
    await begun.wait()
    assert chat.messages[-1].is_open
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    assert chat.messages[-1].outcome is Outcome.STOPPED
    assert chat.messages[-1].text
    assert server.left_early == 1


async def test_an_answer_that_nobody_ever_read_is_settled() -> None:
    chat, server = ChatSession(), Script(says("One"))
    await chat.send("Count", server).aclose()
    chat.settle()
    assert chat.messages[-1].outcome is Outcome.STOPPED
    assert server.asked == []
    chat.settle()
    assert [message.outcome for message in chat.messages] == [Outcome.COMPLETE, Outcome.STOPPED]


# What the engine is sent


async def test_the_whole_chat_is_sent_with_the_system_prompt_first() -> None:
    chat, server = ChatSession("Be brief."), Script(says("Hello."), says("Fine."))
    await tell(chat, server, "Hi")
    await tell(chat, server, "How are you?")
    assert server.asked == [
        [("system", "Be brief."), ("user", "Hi")],
        [("system", "Be brief."), ("user", "Hi"), ("assistant", "Hello."), ("user", "How are you?")],
    ]
    assert [message.role for message in chat.messages] == ["system", "user", "assistant", "user", "assistant"]


async def test_without_a_system_prompt_there_is_none() -> None:
    server = Script(says("Hello."))
    await tell(ChatSession(""), server, "Hi")
    assert server.asked == [[("user", "Hi")]]


async def test_what_was_stopped_or_failed_is_sent_as_far_as_it_came() -> None:
    chat = ChatSession()
    server = Script(says("One", " two"), [TextDelta("Half"), Failed(BROKEN)], says("Yes."))
    stopped = chat.send("First", server)
    await until_text(stopped, 1)
    await stopped.aclose()
    await tell(chat, server, "Second")
    await tell(chat, server, "Third")
    assert server.asked[-1] == [
        ("user", "First"),
        ("assistant", "One"),
        ("user", "Second"),
        ("assistant", "Half"),
        ("user", "Third"),
    ]


async def test_a_question_that_was_never_answered_is_not_sent_again_but_stays_in_the_chat() -> None:
    chat = ChatSession("Be brief.")
    server = Script([Failed(BROKEN)], [ReasoningDelta("Hm."), Failed(BROKEN)], says("Yes."), says("Good."))
    for text in ("Lost", "Lost too", "Heard", "Last"):
        await tell(chat, server, text)
    assert server.asked[2] == [("system", "Be brief."), ("user", "Heard")]
    assert server.asked[3] == [("system", "Be brief."), ("user", "Heard"), ("assistant", "Yes."), ("user", "Last")]
    questions = [message.text for message in chat.messages if message.role == "user"]
    assert questions == ["Lost", "Lost too", "Heard", "Last"]
    assert sum(message.outcome is Outcome.FAILED for message in chat.messages) == 2


async def test_no_history_ever_has_two_turns_of_one_side_together() -> None:
    """Whatever became of the answers: many chat templates refuse such a chat."""
    endings: list[Sequence[Event]] = [
        says("Yes."),
        [Failed(BROKEN)],
        [FINISHED],
        [TextDelta("Half"), Failed(BROKEN)],
        [ReasoningDelta("Hm."), FINISHED],
    ]
    for start, stride in itertools.product(range(5), range(1, 5)):
        order = [endings[(start + step * stride) % 5] for step in range(6)]
        chat, server = ChatSession("Be brief."), Script(*order)
        for number in range(len(order)):
            await tell(chat, server, f"Question {number}")
        for number, asked in enumerate(server.asked):
            roles = [role for role, _ in asked]
            assert roles == ["system", *(["user", "assistant"] * len(roles))[: len(roles) - 1]]
            assert asked[-1] == ("user", f"Question {number}")


# With the real engine


async def test_a_chat_with_the_real_engine(starter_model: Path) -> None:
    chat = ChatSession("You only ever answer in French.")
    async with loaded(starter_model) as server:
        await gather(chat.send("Say good morning.", asks(server, Sampling(0, max_tokens=12))))
        await gather(chat.send("And again.", asks(server, Sampling(0, max_tokens=12))))
    system, _, first, _, second = chat.messages
    assert system.role == "system"
    for answer in (first, second):
        assert answer.outcome in (Outcome.COMPLETE, Outcome.CUT)
        assert answer.text.strip()
        assert answer.first_token_s
        assert answer.speed.decode_tokens_per_s > 0
    assert second.usage.cached_tokens > first.usage.prompt_tokens / 2


async def test_the_system_prompt_reaches_the_real_engine(starter_model: Path) -> None:
    async with loaded(starter_model) as server:
        lengths = []
        for system in ("", "You are a pirate, and you speak like one, whatever you are asked about."):
            chat = ChatSession(system)
            await gather(chat.send("Hi", asks(server, Sampling(0, max_tokens=1))))
            lengths.append(chat.messages[-1].usage.prompt_tokens)
    assert lengths[0] != lengths[1]


async def test_a_killed_engine_keeps_the_text_and_the_chat_goes_on_with_the_next_one(starter_model: Path) -> None:
    chat = ChatSession()
    async with loaded(starter_model) as server:
        events = chat.send(LONG, asks(server, Sampling(0)))
        so_far = await until_text(events, 5)
        os.kill(server.pid, signal.SIGKILL)
        rest = await gather(events)
        answer = chat.messages[-1]
        assert answer.outcome is Outcome.FAILED
        assert answer.text.startswith(so_far)
        assert isinstance(answer.error, EngineError)
        assert answer.error.fault is Fault.KILLED
        assert isinstance(rest[-1], Failed)
    async with loaded(starter_model) as server:
        await gather(chat.send("Go on.", asks(server, Sampling(0, max_tokens=3))))
    assert chat.messages[-1].outcome is Outcome.CUT
    assert chat.messages[1].text.startswith(so_far)


async def test_a_chat_that_is_too_long_says_so_and_a_shorter_question_is_answered(starter_model: Path) -> None:
    chat = ChatSession()
    async with loaded(starter_model, LoadOptions(256)) as server:
        await gather(chat.send("word " * 1000, asks(server)))
        failed = chat.messages[-1]
        assert isinstance(failed.error, EngineError)
        assert failed.error.fault is Fault.CONTEXT_OVERFLOW
        await gather(chat.send("Hi", asks(server, Sampling(0, max_tokens=3))))
    assert chat.messages[-1].outcome is Outcome.CUT


async def test_letters_that_break_lines_elsewhere_arrive_whole(tmp_path: Path) -> None:
    chat = ChatSession()
    async with loaded(tmp_path / "any.gguf", OPTIONS, scripted_worker.command("sound")) as server:
        await gather(chat.send("Count.", asks(server)))
    assert chat.messages[-1].text == "".join(scripted_worker.WORDS)
    assert "\u2028" in chat.messages[-1].text
