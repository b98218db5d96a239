"""What the list of chats and the search say without a window: which chats a place holds, which models answered."""

from __future__ import annotations

from itertools import product
from pathlib import Path

from nodetool_xl_desktop.store.chats import Shown
from nodetool_xl_desktop.store.parts import Text
from nodetool_xl_desktop.store.records import About, ModelIdentity, State
from nodetool_xl_desktop.store.store import Store


async def test_a_place_holds_what_it_lists(tmp_path: Path) -> None:
    """`Shown.holds` and the database agree on every kind of chat."""
    store = await Store.open(tmp_path)
    folder = await store.list.add_folder("Work")
    kinds = list(product((False, True), repeat=5))
    for pinned, archived, deleted, filed, tagged in kinds:
        chat = await store.list.new("chat", folder.id if filed else None)
        await store.list.pin([chat.id], pinned)
        await store.list.archive([chat.id], archived)
        await store.list.tag(chat.id, ["tag", "other"] if tagged else ["other"])
        if deleted:
            await store.list.delete([chat.id])
    places = [
        Shown(where, tag, pinned, archived, trash)
        for where, tag, pinned, archived, trash in product(
            (None, folder.id), (None, "tag", "none"), (None, False, True), (None, False, True), (False, True)
        )
    ]
    both = [Shown(archived=None), Shown(archived=None, trash=True)]
    every = [chat for shown in both for chat in (await store.list.page(shown, 100)).chats]
    assert len(every) == len(kinds)
    for shown in places:
        listed = {chat.id for chat in (await store.list.page(shown, 100)).chats}
        assert listed == {chat.id for chat in every if shown.holds(chat)}, shown
    await store.close()


async def test_the_models_that_answered(tmp_path: Path) -> None:
    store = await Store.open(tmp_path)
    assert await store.list.models() == []
    chat = await store.list.new("chat")
    for model in (
        ModelIdentity("b", "Zebra"),
        ModelIdentity("a", "an old name"),
        ModelIdentity("a", "Ape ǂm <b>"),
        ModelIdentity("ǂm モデル"),
    ):
        _, answer = await store.begin_turn(chat.id, None, [Text("?")], About(model=model))
        await answer.close(State.COMPLETE)
    assert await store.list.models() == [("a", "Ape ǂm <b>"), ("b", "Zebra"), ("ǂm モデル", "ǂm モデル")]
    assert await store.list.models() == await store.list.models(), "asked again on the same connection"
    await store.close()
