"""The window with a real model: the largest gap of its thread while it loads, streams and searches, and how many tokens
a second come through it, in turns with the bare engine.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path

import chats
import provider
from provider import model
from PySide6.QtTest import QTest
from table import Row, row
from ticker import Ticker

from nodetool_xl_desktop import app
from nodetool_xl_desktop.chat.turns import CONTEXT, as_left_out
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.engine.client import Sampling
from nodetool_xl_desktop.engine.events import Event, TextDelta
from nodetool_xl_desktop.engine.pool import Pool
from nodetool_xl_desktop.engine.states import Ready
from nodetool_xl_desktop.store.parts import Text
from nodetool_xl_desktop.store.records import About, State
from nodetool_xl_desktop.store.store import Store
from nodetool_xl_desktop.ui.chats.search_field import SearchField

PAIRS = 8
TOKENS = 160
PROMPT = "Tell a long story about a lighthouse keeper who finds a message in a bottle."
#: Of about 600 tokens.
LONG_ANSWER = "\n\n".join(
    f"{number}. The **keeper** read `line {number}` of the letter, and the sea went on as it had for years, grey and "
    "patient, while the lamp turned above him and the gulls slept on the rail."
    for number in range(1, 14)
)
ROUNDS = 5
NOTHING = "the largest with nothing to do"


async def rows() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        home = chats.home(Path(folder), 1000, 50_000)
        parts = app.build(Paths.below(home), Pool(), user_home=home)
        parts.window.show()
        await asyncio.sleep(3)  # what follows the first paint
        found = await gaps(parts) + await speed(parts)
        assert parts.window.chats.store is not None
        found += await speed(parts, await long_chat(parts.window.chats.store))
        parts.window.hide()
        await parts.shut_down()
    return found


async def gaps(parts: app.Parts) -> list[Row]:
    """The largest of each round."""
    ticker, idle, searching, loading, streaming = Ticker(), [], [], [], []
    for _ in range(ROUNDS):
        ticker.start()
        await asyncio.sleep(2)
        idle.append(ticker.stop()[-1])
    field = parts.window.side_bar.chats.findChild(SearchField)
    words = chats.Language(2).words
    assert field is not None
    for turn in range(ROUNDS):
        ticker.start()
        for letter in f"{words[turn]} {words[100 * turn + 100]}":
            QTest.keyClicks(field, letter)
            await asyncio.sleep(0.1)
        await asyncio.sleep(0.5)
        searching.append(ticker.stop()[-1])
        field.clear()
        await asyncio.sleep(0.5)
    await parts.window.models.open_soon([model()])
    for turn in range(ROUNDS):
        ticker.start()
        await parts.window.models.load()
        await asyncio.sleep(0.1)  # the window shows that it is ready
        loading.append(ticker.stop()[-1])
        if turn < ROUNDS - 1:
            await parts.loader.eject()
    parts.window.chats.asker.sampling = Sampling(temperature=0, max_tokens=200)
    for _ in range(ROUNDS):
        parts.window.chats.new_chat()
        await asyncio.sleep(0.3)
        ticker.start()
        parts.window.chats.send(PROMPT)
        await parts.window.chats.answered()
        streaming.append(ticker.stop()[-1])
    aim, idle_gap = "most below 50", (NOTHING, idle)
    return [
        row("largest gap of the window with nothing to do", "ms", idle, aim),
        row("largest gap of the window while loading", "ms", loading, aim, idle_gap),
        row("largest gap of the window while streaming 200 tokens", "ms", streaming, aim, idle_gap),
        row("largest gap of the window while searching 50,000 messages", "ms", searching, aim, idle_gap),
    ]


async def speed(parts: app.Parts, chat: str = "") -> list[Row]:
    """Tokens a second as they arrive: in the window, and asked bare over HTTP by a process of its own, in turns.

    Args:
        parts: the program.
        chat: the chat that is asked in; empty for a new one each time.
    """
    assert isinstance(parts.loader.state, Ready)
    endpoint = parts.loader.state.server.endpoint
    messages = [{"role": "user", "content": PROMPT}]
    window: list[float] = []
    bare: list[float] = []
    for pair in range(PAIRS):
        for way in (0, 1) if pair % 2 else (1, 0):
            if way:
                window.append(await in_window(parts, chat))
            else:
                bare.append((await provider.over_http(endpoint, messages, TOKENS))["tokens_per_s"])
    where = "50,000 tokens above" if chat else "empty chat"
    against = ("the bare engine over HTTP", bare)
    return [row(f"decode in the window, {where}", "tokens/s", window, "at least 0.97 of it", against)]


async def long_chat(store: Store) -> str:
    """A chat of 50,000 tokens, of which the model is sent nothing but the last turn: its id."""
    chat = await store.list.new()
    parent, turns = None, 84
    for turn in range(turns + 1):
        text = "Hello." if turn == turns else LONG_ANSWER
        more = {CONTEXT: as_left_out(2 * turns)} if turn == turns else {}
        _, answer = await store.begin_turn(chat.id, parent, (Text("Tell me more."),), About(more=more))
        answer.add(TextDelta(text))
        parent = (await answer.close(State.COMPLETE)).id
    return chat.id


async def in_window(parts: app.Parts, chat: str) -> float:
    arrivals: list[float] = []

    def note(event: Event) -> None:
        if isinstance(event, TextDelta):
            arrivals.append(time.perf_counter())

    flow = parts.window.chats
    if chat:
        flow.open(chat)
    else:
        flow.new_chat()
    # What is waited for is on the screen.
    while (flow.session.chat.id if flow.session is not None else "") != chat:  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    flow.asker.on_event = note
    flow.asker.sampling = Sampling(temperature=0, max_tokens=TOKENS)
    flow.send(PROMPT)
    await flow.answered()
    if chat and flow.session is not None:  # the next one is asked with as little before it
        await flow.session.delete(flow.shown[-2].id)
    return (len(arrivals) - 1) / (arrivals[-1] - arrivals[0])
