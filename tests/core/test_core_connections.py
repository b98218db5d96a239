"""Each purpose has a switch of its own: with it off nobody is asked for that, and for all others as before."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
from hub_server import forget_environment

from nodetool_xl_desktop import hub
from nodetool_xl_desktop.core import settings
from nodetool_xl_desktop.core.connections import MOST_HOSTS, Contacts, Purpose, contacts
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.network import (
    HttpClient,
    OffLine,
    SwitchedOff,
    WorksOffLine,
    hub_client,
    mcp_client,
    web_client,
)
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.core.setting import Section
from nodetool_xl_desktop.core.settings_file import SettingsFile
from nodetool_xl_desktop.engine import wheel_index
from nodetool_xl_desktop.hub.address import parse_address
from nodetool_xl_desktop.hub.card import read_card
from nodetool_xl_desktop.hub.repository import HubFile, Repository
from nodetool_xl_desktop.hub.search import Hub, Query
from nodetool_xl_desktop.library.starter_download import StarterDownload
from nodetool_xl_desktop.tools.mcp import McpServers
from nodetool_xl_desktop.tools.mcp.settings import Http
from nodetool_xl_desktop.tools.source import Workspace
from nodetool_xl_desktop.tools.web_page import FetchPageTool

Attempt = Callable[[], Awaitable[object]]


@pytest.fixture
def off_line() -> Iterator[OffLine]:
    made = OffLine()
    yield made
    made.let_go()


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    forget_environment(monkeypatch)
    for name in list(os.environ):
        if name.startswith("PIP_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)


@asynccontextmanager
async def refusing(asked: list[str]) -> AsyncIterator[str]:
    """A server that has nothing, and keeps what it was asked for."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        asked.append(head.split()[1].decode())
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
        with contextlib.suppress(ConnectionError):
            await writer.drain()
            writer.close()
            await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1")
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def attempts(off_line: OffLine, address: str, paths: Paths) -> dict[str, tuple[Purpose, Attempt]]:
    """Every way in which the program connects, with what it is for."""
    file = HubFile("a-Q4_K_M.gguf", 1000, "0" * 64)
    repository = Repository("org/repo", "0" * 40, (file,), address)

    async def server() -> object:
        servers = McpServers(paths, off_line)
        try:
            await servers.load()
            if servers.find("Test") is None:
                await servers.add("Test", Http(f"{address}/mcp"))
            await servers.wake()
            return await servers.resource("Test", "notes://today")
        finally:
            await servers.close()

    async def starter() -> object:
        download = StarterDownload(paths)
        try:
            return await download.bring(lambda _progress: None)
        finally:
            await download.close()

    return {
        "search": (Purpose.HUB, lambda: Hub(address, "hf_token").search(Query("x"))),
        "repository": (Purpose.HUB, lambda: hub.look_up("org/repo", endpoint=address)),
        "card": (Purpose.HUB, lambda: read_card(repository)),
        "header": (Purpose.HUB, lambda: hub.read_remote_header(repository, file)),
        "download": (Purpose.DOWNLOADS, lambda: hub.fetch(repository, file, into=paths.models)),
        "address": (Purpose.ADDRESSES, lambda: hub.read_remote_model(parse_address(f"{address}/x.gguf", None))),
        "stamp": (Purpose.ADDRESSES, lambda: hub.read_stamp(parse_address(f"{address}/x.gguf", None))),
        "page": (Purpose.PAGES, lambda: FetchPageTool(off_line, lambda _address: True)(f"{address}/page")),
        "server": (Purpose.SERVERS, server),
        "engine": (Purpose.ENGINES, lambda: wheel_index.offers(address)),
        "starter": (Purpose.STARTER, starter),
    }


async def test_each_switch_ends_its_own_purpose_and_no_other(
    off_line: OffLine, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths.models.mkdir(parents=True)
    asked: list[str] = []
    async with refusing(asked) as address:
        monkeypatch.setenv("PIP_INDEX_URL", f"{address}/simple")
        host = address.removeprefix("http://")
        every = attempts(off_line, address, paths)
        assert {purpose for purpose, _ in every.values()} == set(Purpose)
        for switched_off in (None, *Purpose):
            if switched_off is not None:
                off_line.allow(switched_off, False)
            for name, (purpose, attempt) in every.items():
                before, noted = len(asked), times(purpose, host)
                told = await failed(attempt)
                if purpose is switched_off:
                    assert len(asked) == before, (name, asked[before:])
                    assert times(purpose, host) == noted, name
                    assert f'"{purpose.title}" is switched off' in told, (name, told)
                    assert f'Switch on "{purpose.title}" in the settings, under Privacy' in told, (name, told)
                else:
                    assert len(asked) > before, f"{name} is asked for without {switched_off}: {told}"
                    assert times(purpose, host) - noted == len(asked) - before, name
            if switched_off is not None:
                off_line.allow(switched_off, True)
        off_line.is_on = True
        before = len(asked)
        for name, (_, attempt) in every.items():
            with pytest.raises(UserFacingError, match="works off line"):
                await attempt()
            assert len(asked) == before, name


async def failed(attempt: Attempt) -> str:
    """What it says where it fails; a hub that has no card for a model is no failure."""
    try:
        await attempt()
    except UserFacingError as error:
        return str(error)
    return ""


def times(purpose: Purpose, host: str) -> int:
    return sum(contact.times for contact in contacts.of(purpose) if contact.name == host)


async def test_a_tool_that_connects_says_what_for(off_line: OffLine, paths: Paths) -> None:
    from nodetool_xl_desktop.tools.built_in import BuiltIn  # noqa: PLC0415

    by_name = {each.tool.name: each for each in await BuiltIn(off_line).offered(Workspace())}
    assert by_name["fetch_page"].purpose is Purpose.PAGES
    off_line.allow(Purpose.PAGES, False)
    off_line.check("It")
    off_line.check("It", Purpose.SERVERS)
    with pytest.raises(SwitchedOff):
        off_line.check("It", by_name["fetch_page"].purpose)


def make_mcp_client() -> HttpClient:
    return mcp_client(
        {}, on_this_machine=True, on_request=lambda: None, on_answer=lambda _status, _kind: lambda _piece: None
    )


@pytest.mark.parametrize(
    ("purpose", "make"),
    [
        (Purpose.DOWNLOADS, partial(hub_client, Purpose.DOWNLOADS)),
        (Purpose.PAGES, web_client),
        (Purpose.SERVERS, make_mcp_client),
    ],
)
async def test_what_is_being_fetched_ends_with_its_switch(
    purpose: Purpose, make: Callable[[], HttpClient], off_line: OffLine
) -> None:
    async def without_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            while True:
                writer.write(bytes(1000))
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(without_end, "127.0.0.1")
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    async with (
        server,
        asyncio.timeout(10),
        await asyncio.to_thread(make) as client,
        client.stream("GET", url) as answer,
    ):
        pieces = answer.aiter_raw()
        for other in set(Purpose) - {purpose}:
            off_line.allow(other, False)
        for _ in range(100):
            await anext(pieces)
        off_line.allow(purpose, False)
        with pytest.raises(SwitchedOff, match=r"Nothing more is taken from 127\.0\.0\.1"):
            await anext(pieces)
        with pytest.raises(SwitchedOff):
            await client.get(url)


# As they are chosen


def test_every_purpose_is_a_switch_under_privacy_that_is_kept(paths: Paths, off_line: OffLine) -> None:
    file = SettingsFile(paths.settings_file, environment={})
    for purpose in Purpose:
        assert purpose.switch in settings.SETTINGS
        assert purpose.switch.section is Section.PRIVACY
        assert purpose.switch.default is True
        off_line.hold_to(file.change({purpose.switch: False}))
        assert [each for each in Purpose if off_line.refuses(each)] == [purpose]
        with pytest.raises(SwitchedOff):
            OffLine.check_all("It", purpose)
        OffLine.check_all("It")
        off_line.hold_to(file.change({purpose.switch: None}))
        OffLine.check_all("It", purpose)
    off_line.hold_to(file.change({settings.OFF_LINE: True}))
    assert all(map(off_line.refuses, Purpose))
    with pytest.raises(WorksOffLine):
        off_line.check("It", Purpose.HUB)


# Whom it asked


def test_contacts_are_counted_with_the_last_one_first_and_are_bounded() -> None:
    known, heard = Contacts(), []
    end = known.listen(heard.append)
    for name in ("a", "b", "a"):
        known.note(Purpose.HUB, name)
    assert [(each.name, each.times) for each in known.of(Purpose.HUB)] == [("a", 2), ("b", 1)]
    assert known.of(Purpose.HUB)[0].last >= known.of(Purpose.HUB)[1].last > 1_700_000_000
    assert known.of(Purpose.PAGES) == ()
    assert heard == [Purpose.HUB] * 3
    end()
    for number in range(MOST_HOSTS + 5):
        known.note(Purpose.HUB, f"host-{number}")
    names = [each.name for each in known.of(Purpose.HUB)]
    assert names == [f"host-{number}" for number in range(MOST_HOSTS + 4, 4, -1)]
    assert len(heard) == 3


def test_contacts_are_noted_by_many_threads_at_once() -> None:
    known = Contacts()

    def note() -> None:
        for number in range(500):
            known.note(Purpose.PAGES, f"host-{number % 7}")
            known.of(Purpose.PAGES)

    threads = [threading.Thread(target=note) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(each.times for each in known.of(Purpose.PAGES)) == 2000


def test_the_size_of_a_folder(tmp_path: Path) -> None:
    from nodetool_xl_desktop.core.folder_size import folder_size  # noqa: PLC0415

    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "one").write_bytes(bytes(10))
    (tmp_path / "a" / "b" / "two").write_bytes(bytes(300))
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    link = (tmp_path / "a" / "up").lstat().st_size
    assert folder_size(tmp_path) == 310 + link
    assert folder_size(tmp_path, deep=False) == 10
    assert folder_size(tmp_path / "nowhere") == 0
