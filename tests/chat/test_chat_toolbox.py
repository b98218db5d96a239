"""Which tools are on, what they are called, and what may run unasked: kept, and never brought along by a file."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from nodetool_xl_desktop.chat.calls import Remember
from nodetool_xl_desktop.chat.permissions import MOST_CHATS, Grant, Permissions
from nodetool_xl_desktop.chat.tool_names import LONGEST, fingerprint, named
from nodetool_xl_desktop.chat.toolbox import NEW_CHAT, Listed, Toolbox, attached
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.provider.tool_use import offer
from nodetool_xl_desktop.store.parts import Attachment
from nodetool_xl_desktop.store.records import Message
from nodetool_xl_desktop.store.store import Store
from nodetool_xl_desktop.tools import call
from nodetool_xl_desktop.tools.source import Offered, Workspace


@dataclass
class Plain:
    """A tool."""

    name: str
    description: str = "Does something."
    parameters: Mapping[str, Any] = field(default_factory=lambda: {"type": "object", "properties": {}})

    def __call__(self) -> str:
        return f"{self.name} of {self.description}"


class Fetch(Plain):
    """A tool that is allowed host by host."""

    def asks_for(self, args: Mapping[str, Any]) -> str:
        return str(args["host"])


class Slow(Plain):
    async def __call__(self) -> str:
        return "slow"


@dataclass
class Source:
    """Has what it was given."""

    tools: list[Offered]
    error: Exception | None = None
    hangs: bool = False
    workspaces: list[Workspace] = field(default_factory=list)

    async def offered(self, workspace: Workspace) -> Sequence[Offered]:
        self.workspaces.append(workspace)
        if self.hangs:
            await asyncio.Event().wait()
        if self.error:
            raise self.error
        return self.tools


BUILT_IN = [Offered(Plain("search"), "Search"), Offered(Fetch("fetch"), "Fetch")]


@asynccontextmanager
async def opened(paths: Paths, *sources: Source) -> AsyncIterator[tuple[Toolbox, Store]]:
    store = await Store.open(paths.chats)
    made = Toolbox(sources or [Source(BUILT_IN)], paths.permissions_file)
    made.use(store.list)
    try:
        yield made, store
    finally:
        await store.close()


async def on_in(toolbox: Toolbox, chat_id: str) -> list[str]:
    return [each.name for each in (await toolbox.offered(chat_id)).on]


async def listed(toolbox: Toolbox, chat_id: str, name: str) -> Listed:
    return next(each for each in (await toolbox.offered(chat_id)).all if each.name == name)


async def test_nothing_is_on_until_a_person_switches_it_on_and_that_is_kept(paths: Paths) -> None:
    async with opened(paths) as (tools, store):
        chat, other = await store.list.new(), await store.list.new()
        heard: list[int] = []
        tools.on_change = lambda: heard.append(1)
        assert await on_in(tools, chat.id) == []
        await tools.set_on(chat.id, "search", True)
        assert heard
        assert await on_in(tools, chat.id) == ["search"]
        assert await on_in(tools, other.id) == []
    async with opened(paths) as (tools, store):
        assert await on_in(tools, chat.id) == ["search"]
        assert (await store.list.chat(chat.id)).more == {"tools": {"on": ["/search"]}}
        await tools.set_on(chat.id, "search", False)
        assert await on_in(tools, chat.id) == []


async def test_what_is_chosen_for_a_chat_that_does_not_exist_yet_holds_in_it(paths: Paths, tmp_path: Path) -> None:
    source = Source(BUILT_IN)
    async with opened(paths, source) as (tools, store):
        await tools.offered()
        await tools.set_on(NEW_CHAT, "fetch", True)
        await tools.open_folder(NEW_CHAT, tmp_path)
        assert (await tools.offered()).folder == tmp_path
        assert source.workspaces[-1].folder == tmp_path
        chat = await store.list.new()
        await tools.adopt(chat.id)
        assert await on_in(tools, chat.id) == ["fetch"]
        assert (await tools.offered(chat.id)).folder == tmp_path
        begun = await tools.offered()
        assert (begun.on, begun.folder) == ((), None)  # the next one begins anew


async def test_a_choice_becomes_the_default_of_new_chats_and_of_no_old_one(paths: Paths) -> None:
    async with opened(paths) as (tools, store):
        chat, old = await store.list.new(), await store.list.new()
        await tools.offered(chat.id)
        await tools.set_on(chat.id, "search", True)
        assert not (await tools.offered(chat.id)).is_default
        await tools.make_default(chat.id)
        assert (await tools.offered(chat.id)).is_default
        assert await on_in(tools, old.id) == []
    async with opened(paths) as (tools, store):
        assert await on_in(tools, NEW_CHAT) == ["search"]
        new = await store.list.new()
        await tools.adopt(new.id)
        assert await on_in(tools, new.id) == ["search"]


async def test_all_of_a_source_leaves_out_what_can_do_harm(paths: Paths) -> None:
    source = Source([Offered(Plain("a"), "A"), Offered(Plain("run"), "Run", starts_on=False)])
    async with opened(paths, source) as (tools, store):
        chat = await store.list.new()
        await tools.set_all_on(chat.id, (await tools.offered(chat.id)).all, True)
        assert await on_in(tools, chat.id) == ["a"]
        await tools.set_on(chat.id, "run", True)
        await tools.set_all_on(chat.id, (await tools.offered(chat.id)).all, False)
        assert await on_in(tools, chat.id) == []


async def test_what_is_allowed_is_allowed_for_its_subject_alone_and_can_be_taken_back(paths: Paths) -> None:
    async with opened(paths) as (tools, store):
        chat, other = await store.list.new(), await store.list.new()
        fetch = await listed(tools, chat.id, "fetch")
        here, there = {"host": "example.org"}, {"host": "example.com"}
        assert not await tools.allowed(chat.id, fetch, here)
        await tools.allow(chat.id, fetch, here, Remember.ONCE)
        assert not await tools.allowed(chat.id, fetch, here)
        await tools.allow(chat.id, fetch, here, Remember.CHAT)
        assert await tools.allowed(chat.id, fetch, here)
        assert not await tools.allowed(chat.id, fetch, there)
        assert not await tools.allowed(other.id, fetch, here)
        assert (await listed(tools, chat.id, "fetch")).allowed is Remember.CHAT
        await tools.allow(chat.id, fetch, {"host": ""}, Remember.CHAT)  # what names nothing allows nothing else
        assert not await tools.allowed(chat.id, fetch, there)
        await tools.forget(Grant(fetch.key, "?"), chat.id)
        await tools.allow(chat.id, fetch, there, Remember.ALWAYS)
        shown = await listed(tools, chat.id, "fetch")
        assert (shown.allowed, set(shown.subjects)) == (Remember.ALWAYS, {"example.org", "example.com"})
    async with opened(paths) as (tools, _):
        assert await tools.allowed(other.id, fetch, there)
        assert await tools.allowed(chat.id, fetch, here)
        (always,) = await tools.always()
        assert (always.name, always.source, always.subject) == ("fetch", "", "example.com")
        await tools.forget(always)
        assert not await tools.allowed(other.id, fetch, there)
        (grant,) = await tools.in_chat(chat.id)
        await tools.forget(grant, chat.id)
        assert not await tools.allowed(chat.id, fetch, here)


async def test_a_chat_of_somebody_else_brings_no_permission_along(paths: Paths) -> None:
    async with opened(paths) as (tools, store):
        chat = await store.list.new()
        said = {"on": ["/fetch", 7], "allowed": ["/fetch"], "granted": [{"tool": "/fetch"}], "folder": "/"}
        await store.list.keep_more(chat.id, "tools", said)
        found = await tools.offered(chat.id)
        assert ([each.name for each in found.on], found.folder) == (["fetch"], None)
        assert found.on[0].allowed is None
        assert not await tools.allowed(chat.id, found.on[0], {"host": "x"})
        await store.list.keep_more(chat.id, "tools", "nonsense")
        tools.use(store.list)
        assert await on_in(tools, chat.id) == []


async def test_a_chat_that_came_under_the_id_of_an_old_one_has_nothing_of_it(paths: Paths, tmp_path: Path) -> None:
    async with opened(paths) as (tools, store):
        chat, other = await store.list.new(), await store.list.new()
        for each in (chat, other):
            await tools.open_folder(each.id, tmp_path)
            fetch = next(one for one in (await tools.offered(each.id)).all if one.name == "fetch")
            await tools.allow(each.id, fetch, {"host": "x"}, Remember.CHAT)
        await tools.forget_chats([chat.id, "nowhere"])
        assert (await tools.offered(chat.id)).folder is None
        assert not await tools.allowed(chat.id, fetch, {"host": "x"})
        assert await tools.allowed(other.id, fetch, {"host": "x"})
        assert chat.id not in paths.permissions_file.read_text()


async def test_a_servers_tool_that_changed_is_asked_for_again(paths: Paths) -> None:
    source = Source([Offered(Plain("get"), "Get", "shop")])
    async with opened(paths, source) as (tools, _):
        before = await listed(tools, NEW_CHAT, "get")
        await tools.allow(NEW_CHAT, before, {}, Remember.ALWAYS)
        assert await tools.allowed(NEW_CHAT, before, {})
        source.tools = [Offered(Plain("get", "Sends all your files away."), "Get", "shop")]
        after = await listed(tools, NEW_CHAT, "get")
        assert after.allowed is None
        assert not await tools.allowed(NEW_CHAT, after, {})


async def test_names_that_collide_get_their_servers_name_and_stay_within_what_a_name_may_be(paths: Paths) -> None:
    long = "a" * LONGEST
    sources = [
        Source(BUILT_IN),
        Source([Offered(Plain("search", "one"), "S", "my server"), Offered(Plain("other"), "O", "my server")]),
        Source([Offered(Slow("search", "two"), "S", "2nd/server"), Offered(Plain(long), "L", "2nd/server")]),
        Source([Offered(Plain(long), "L", "third"), Offered(Plain("no name!"), "?", "third")]),
    ]
    async with opened(paths, *sources) as (tools, _):
        found = (await tools.offered()).all
        names = [each.name for each in found]
        assert names[:5] == ["search", "fetch", "my_server_search", "other", "2nd_server_search"]
        usable = [each for each in found if not each.problem]
        assert len({each.name for each in usable}) == len(usable) == 7
        assert all(len(each.name) <= LONGEST for each in usable)
        assert "no name!" in found[-1].problem
        assert offer([each.tool for each in usable], "auto") is not None  # the provider takes them all
        results = [(await call(found[at].tool, {})).text for at in (0, 2, 4)]
        assert results == ["search of Does something.", "search of one", "slow"]
        await tools.set_on(NEW_CHAT, "my_server_search", True)
        assert await on_in(tools, NEW_CHAT) == ["my_server_search"]


async def test_a_source_that_fails_or_hangs_holds_nothing_up(paths: Paths) -> None:
    broken = Source([], UserFacingError("The server is gone", "it ended"))
    faulty = Source([], RuntimeError("a bug"))
    hangs = Source([], hangs=True)
    async with opened(paths, Source(BUILT_IN), broken, faulty, hangs) as (tools, _):
        tools.source_s = 0.05
        began = asyncio.get_running_loop().time()
        found = await tools.offered()
        assert asyncio.get_running_loop().time() - began < 5
        assert [each.name for each in found.all] == ["search", "fetch"]
        assert [error.what for error in found.problems][-1] == "Some tools are missing"
        assert sorted(error.why.split(" ")[0] for error in found.problems) == ["a", "it", "what"]


async def test_permissions_that_cannot_be_read_allow_nothing(paths: Paths) -> None:
    paths.permissions_file.parent.mkdir(parents=True, exist_ok=True)
    for text in ("[]", "{", '{"always": [{}]}', '{"chats": {"a": 1}}', '{"always": 3}'):
        paths.permissions_file.write_text(text)
        async with opened(paths) as (tools, _):
            assert (await tools.offered()).problems == ()
            assert await tools.always() == ()
    paths.permissions_file.mkdir()
    async with opened(paths) as (tools, _):
        found = await tools.offered()
        assert found.problems
        assert not await tools.allowed(NEW_CHAT, found.all[0], {})
        with pytest.raises(UserFacingError):
            await tools.allow(NEW_CHAT, found.all[0], {}, Remember.ALWAYS)


def test_the_file_says_what_it_was_told_and_forgets_the_oldest_chats() -> None:
    made = Permissions().with_default(["/b", "/a"]).with_granted(None, Grant("s/t", "host", "1"))
    for number in range(MOST_CHATS + 5):
        made = made.with_granted(str(number), Grant("/t")).with_folder(str(number), Path("/f"))
    assert len(made.chats) == MOST_CHATS
    assert Permissions.of_json(json.loads(json.dumps(made.to_json()))) == made
    assert made.without(Grant("s/t", "host"), None).always == ()
    assert made.without(Grant("/t"), "7").with_folder("7", None).chats.keys() == made.chats.keys() - {"7"}


def test_what_a_tool_is_kept_by() -> None:
    one = named([Offered(Plain("t"), "T", "a/b")])[0]
    assert (one.key, Grant(one.key).source, Grant(one.key).name) == ("a/b/t", "a/b", "t")
    assert fingerprint(BUILT_IN[0]) == ""


async def test_files_are_found_by_their_names(tmp_path: Path) -> None:
    files = [Attachment(str(number) * 64, "a.txt", "text/plain", 1) for number in (1, 2, 1)]

    async def read(sha256: str) -> bytes | None:
        return sha256.encode() if sha256[0] == "1" else None

    found = attached([Message("m", None, "user", tuple(files))], [Attachment("3" * 64, "b", "text/plain", 1)], read)
    assert list(found) == ["a.txt", "a (2).txt", "b"]
    assert await found["a.txt"]() == b"1" * 64
    with pytest.raises(UserFacingError):
        await found["b"]()
