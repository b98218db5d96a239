"""Eight chats that are answered at once through their sessions, into one store: nothing is lost, nothing mixed up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from pathlib import Path

import chat_stores

from nodetool_xl_desktop.chat.session import Asked, ChatSession
from nodetool_xl_desktop.chat.sessions import Sessions
from nodetool_xl_desktop.engine.events import Event, Finished, ReasoningDelta, Speed, TextDelta, Usage
from nodetool_xl_desktop.provider import values
from nodetool_xl_desktop.store.parts import Text
from nodetool_xl_desktop.store.records import State
from nodetool_xl_desktop.store.store import Store

CHATS, TURNS, PIECES = 8, 4, 80


def counting(name: str, heard: list[list[str]]) -> Callable[[Sequence[values.Message]], AsyncGenerator[Event, None]]:
    """A model that answers with a name and numbers, and keeps what it was sent."""

    async def ask(messages: Sequence[values.Message]) -> AsyncGenerator[Event, None]:
        heard.append([message.text for message in messages])
        yield ReasoningDelta(f"{name} thinks")
        for number in range(PIECES):
            yield TextDelta(f"{name}.{number} ")
            await asyncio.sleep(0.003)
        yield Finished("stop", Usage(1, PIECES, 0), Speed(1.0, 1.0))

    return ask


def answer_of(name: str) -> str:
    return "".join(f"{name}.{number} " for number in range(PIECES))


async def converse(session: ChatSession, name: str) -> None:
    """Some turns, of which one is stopped and goes on, one is asked again, and one is asked in other words."""
    for turn in range(TURNS):
        heard: list[list[str]] = []
        asked = Asked(counting(f"{name}/{turn}", heard))
        sending = asyncio.ensure_future(session.send([Text(f"{name} asks {turn}")], asked))
        if turn == 1:
            await asyncio.sleep(0.1)
            sending.cancel()
            await asyncio.wait([sending])
            await session.continue_answer(session.shown[-1].id, asked)
        else:
            await sending
        if turn == 2:
            await session.regenerate(session.shown[-1].id, asked)
        if turn == 3:
            await session.ask_instead(session.shown[-2].id, [Text(f"{name} asks in other words")], asked)
        assert {text.split("/")[0].split(" asks")[0] for sent in heard for text in sent} == {name}


async def test_eight_chats_are_answered_at_once(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "chats")
    sessions = Sessions(store, lambda session: None)
    opened = [await sessions.new() for _ in range(CHATS)]
    await asyncio.gather(*(converse(session, f"chat{number}") for number, session in enumerate(opened)))
    assert not sessions.answering
    held = {session.chat.id: list(session.shown) for session in opened}
    every = {session.chat.id: [session.message(node.id) for node in session.tree] for session in opened}
    await store.close()
    store = await Store.open(tmp_path / "chats")
    assert await store.read(chat_stores.problem) == ""
    for number, (chat, shown) in enumerate(held.items()):
        again = await store.open_chat(chat)
        again.tree.check()
        assert again.shown == shown
        assert [again.messages[node.id] for node in again.tree] == every[chat]
        name = f"chat{number}"
        questions = [message.text for message in again.messages.values() if message.role == "user"]
        assert questions == [*(f"{name} asks {turn}" for turn in range(TURNS)), f"{name} asks in other words"]
        answers = [message for message in again.messages.values() if message.role == "assistant"]
        assert {message.state for message in answers} == {State.COMPLETE}
        assert [message.reasoning for message in answers[:1]] == [f"{name}/0 thinks"]
        whole = [answer_of(f"{name}/{turn}") for turn in (0, 2, 2, 3, 3)]
        stopped = answers.pop(1)
        assert [message.text for message in answers] == whole
        begun, _, rest = stopped.text.partition(f"\n\n{name}/1.0 ")
        assert answer_of(f"{name}/1").startswith(begun)
        assert f"{name}/1.0 {rest}" == answer_of(f"{name}/1")
    await store.close()
