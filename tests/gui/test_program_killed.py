"""The program itself is killed at random moments while a person writes in its window: nothing that the window showed as
said is missing at the next start, and of what streamed in at most its last piece.
"""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import chat_stores
import pytest
from killed_writers import LOST_S, Said, kill_after, lateness
from program_writer import LOOK_S

from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.store.parts import Text
from nodetool_xl_desktop.store.store import Store

WRITER = Path(__file__).parent.parent / "program_writer.py"
#: After so many rounds a store is begun anew: what is looked at after each is all of it.
ROUNDS_EACH = 25

pytestmark = pytest.mark.usefixtures("no_process_left")


@chat_stores.rounds(5, 200)
async def test_killed_while_a_person_writes(tmp_path: Path, starter_model: Path, rounds: int) -> None:
    chance = random.Random(rounds)
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
            except AssertionError as error:
                last = [(round(each[1] - killed_s, 3), *each) for each in said if each[0] not in ("tick", "fed")]
                journal = "\n".join(map(str, last[-30:]))
                raise AssertionError(
                    f"round {number}, killed {delay_s:.3f} s after {ready or 'start'}\n{journal}"
                ) from error
            finally:
                await store.close()


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
    for message in found.values():
        numbers = [int(each) for each in message.text.split() if each.isdigit()]
        for before, later in itertools.pairwise([-1, *numbers]):
            assert later in (0, before + 1), message.text


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
