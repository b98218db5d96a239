"""A program that writes chats until it is killed. It says what it was told is on the disk, and when it fed what.

    python tests/chat_writer.py FOLDER SEED [stream]

With `stream` it does nothing but stream one answer that does not end, so that nothing else brings it to the disk. Each
line of its output is one JSON list: a word, the time of `time.monotonic`, and what belongs to it. A line is one write
to the pipe, so that none is half there.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
import time
from pathlib import Path
from typing import Any

from nodetool_xl_desktop.engine.events import Finished, Speed, TextDelta, Usage
from nodetool_xl_desktop.store.parts import Text
from nodetool_xl_desktop.store.records import About, ModelIdentity
from nodetool_xl_desktop.store.store import Store

ABOUT = About(model=ModelIdentity("a-model"))
#: Between two pieces, in seconds.
PACE_S = 0.005


def say(word: str, *about: Any) -> None:
    os.write(1, (json.dumps([word, time.monotonic(), *about]) + "\n").encode())


async def stream(store: Store, chat: str, parent: str | None, text: str, pieces: int) -> str:
    """One turn; returns the answer's id."""
    question, answer = await store.begin_turn(chat, parent, [Text(text)], ABOUT)
    say("turn", chat, question.id, text, answer.id)
    for number in range(pieces):
        answer.add(TextDelta(f"{number} "))
        say("fed", answer.id, number)
        await asyncio.sleep(PACE_S)
    answer.add(Finished("stop", Usage(), Speed()))
    await answer.close()
    say("closed", answer.id, pieces)
    return answer.id


async def one_chat(store: Store, chance: random.Random) -> None:
    chat = (await store.list.new()).id
    say("chat", chat)
    last = None
    while True:
        text = f"question {chance.random()}"
        match chance.choice(("stream", "stream", "rename", "edit", "delete", "draft", "tag")):
            case "stream":
                last = await stream(store, chat, last, text, chance.randint(1, 150))
            case "rename":
                say("renaming", chat, text)
                await store.list.rename(chat, text)
                say("renamed", chat, text)
            case "edit" if last is not None:
                last = (await store.add_version(chat, last, [Text(text)])).id
                say("edited", last, text)
            case "delete" if last is not None:
                gone, last = last, (await store.delete(chat, last)).leaf
                say("deleted", gone)
            case "draft":
                store.keep_draft(chat, [Text(text)])
                say("draft", chat, text)
            case "tag":
                say("tagging", chat, text)
                await store.list.tag(chat, [text])
                say("tagged", chat, text)


async def main(folder: Path, seed: int, *, only_stream: bool) -> None:
    store = await Store.open(folder)
    say("ready", [notice.what for notice in store.notices])
    if only_stream:
        chat = (await store.list.new()).id
        say("chat", chat)
        await stream(store, chat, None, "an endless question", 1_000_000)
    chance = random.Random(seed)
    await asyncio.gather(*(one_chat(store, random.Random(chance.random())) for _ in range(3)))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), only_stream=sys.argv[3:] == ["stream"]))
