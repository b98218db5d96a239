"""The program itself is killed at random moments while a person writes in its window: nothing that the window showed as
said is missing at the next start, and of what streamed in at most its last piece. Calls of tools wait, run, are changed
and denied meanwhile: what ran is known, whenever the program was killed, and nothing of it runs once more.
"""

from __future__ import annotations

import itertools
import json
import random
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import chat_stores
import pytest
from killed_writers import LOST_S, Said, kill_after, lateness
from program_writer import LOOK_S

from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.store.parts import Text, ToolAnswer, ToolUse, as_json
from nodetool_xl_desktop.store.records import OPEN
from nodetool_xl_desktop.store.store import Store

WRITER = Path(__file__).parent.parent / "program_writer.py"
#: After so many rounds a store is begun anew: what is looked at after each is all of it.
ROUNDS_EACH = 25

pytestmark = pytest.mark.usefixtures("no_process_left")


@chat_stores.rounds(5, 200)
async def test_killed_while_a_person_writes(tmp_path: Path, starter_model: Path, rounds: int) -> None:
    chance = random.Random(rounds)
    calls: Counter[str] = Counter()
    with chat_stores.quick_folder(tmp_path) as home:
        for number in range(rounds):
            here = home / str(number // ROUNDS_EACH)
            ready = "" if number % 5 == 4 else "ready"
            delay_s = chance.uniform(0.0, 1.5)
            said, killed_s = await kill_after(delay_s, WRITER, here, starter_model, number, ready=ready)
            store = await Store.open(Paths.below(here).chats)
            try:
                assert not store.notices
                assert await store.read(chat_stores.problem) == ""
                await check_messages(store, said, killed_s)
                await check_chats(store, said, killed_s)
                calls.update(await check_calls(store, lines(here / "ran")))
            except AssertionError as error:
                last = [(round(each[1] - killed_s, 3), *each) for each in said if each[0] not in ("tick", "fed")]
                journal = "\n".join(map(str, last[-30:]))
                raise AssertionError(
                    f"round {number}, killed {delay_s:.3f} s after {ready or 'start'}\n{journal}"
                ) from error
            finally:
                await store.close()
    if rounds > ROUNDS_EACH:  # a sample may miss one of them
        assert calls.keys() == {"waiting", "running", "denied", "changed", "answered"}
    assert calls


async def check_messages(store: Store, said: Said, killed_s: float) -> None:
    """Every message that the window showed is there, and each answer as far as it was to be seen 0.3 s before."""
    assert not [each[2] for each in said if each[0] == "failed"]
    shown = {each[3]: each[5] for each in said if each[0] == "message"}
    found = {message.id: message for message in await store.messages(list(shown))}
    assert set(found) == set(shown), "a message that was shown"
    for message_id, text in shown.items():
        assert found[message_id].text.startswith(text)
    due_s = killed_s - LOST_S - lateness(said, killed_s, LOOK_S)
    for word, time_s, *about in said:
        if word == "closed" or (word == "fed" and time_s < due_s):
            message_id, counted = about
            words = found[message_id].text.split()
            assert len(words) >= counted, f"{word} {killed_s - time_s:.3f} s before: {len(words)} of {counted}"
    for word, time_s, *about in said:
        if word == "part" and time_s < due_s:
            message_id, part = about[0], json.loads(about[1])
            assert any(is_kept(part, as_json(each)) for each in found[message_id].parts), part
    for message in found.values():
        assert message.state not in OPEN
        numbers = [int(each) for each in message.text.split() if each.isdigit()]
        for before, later in itertools.pairwise([-1, *numbers]):
            assert later in (0, before + 1), message.text


def is_kept(shown: Mapping[str, Any], kept: Mapping[str, Any]) -> bool:
    """Whether a part is there; of a call a person may have changed something since it was shown."""
    return kept == shown or (shown["type"] == "tool_call" and {**shown, "edited": kept.get("edited", "")} == kept)


def lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []


async def check_calls(store: Store, began: list[str]) -> Counter[str]:
    """Whatever began to run stands in a chat and ran once, and what was denied never did; returns what became of the
    calls.
    """
    assert len(set(began)) == len(began)
    known, became = set[str](), Counter[str]()
    for chat in (await store.list.page(limit=1000)).chats:
        for message in (await store.open_chat(chat.id)).messages.values():
            answers = {part.id: part for part in message.parts if isinstance(part, ToolAnswer)}
            for part in message.parts:
                if isinstance(part, ToolUse):
                    about = json.loads(part.edited or part.arguments)["about"]
                    known.add(about)
                    answer = answers.get(part.id)
                    if answer is None:
                        became["running" if about in began else "waiting"] += 1
                        continue
                    became["denied" if answer.denied else "changed" if part.edited else "answered"] += 1
                    assert (about in began) is not answer.denied
    assert set(began) <= known
    return became


async def check_chats(store: Store, said: Said, killed_s: float) -> None:
    """The tree of each chat is sound, and what was done to it is done; the drafts are those that were typed last."""
    deleted = {each[2] for each in said if each[0] == "deleted"}
    for chat in {each[2] for each in said if each[0] == "chat"}:
        opened = await store.open_chat(chat)
        opened.tree.check()
        assert not any(opened.tree.is_alive(message) for message in deleted if message in opened.tree)
        titles = [each[3] for each in said if each[0] in ("renaming", "renamed") and each[2] == chat]
        if len(titles) > 1:
            assert opened.chat.title in titles[-2:]
    due_s = killed_s - LOST_S - lateness(said, killed_s, LOOK_S)
    for place in {each[2] for each in said if each[0] == "typed"}:
        word, time_s, *about = [each for each in said if each[0] in ("typed", "sending") and each[2] == place][-1]
        if word == "typed" and time_s < due_s:
            draft = await store.draft(place)
            assert draft is not None
            assert draft.parts == (Text(about[1]),)
