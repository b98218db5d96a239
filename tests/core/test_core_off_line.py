"""While the program works off line it connects to its own engine and to nothing else, whoever asks."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from ipaddress import ip_address

import pytest
from hub_server import HubServer, forget_environment

from nodetool_xl_desktop import hub
from nodetool_xl_desktop.core.connections import Purpose
from nodetool_xl_desktop.core.network import (
    OffLine,
    WorksOffLine,
    engine_client,
    hub_client,
    is_public,
    web_client,
)
from nodetool_xl_desktop.hub.address import parse_address
from nodetool_xl_desktop.hub.errors import Unreachable

FILES = {"org/model": {"model-Q4_K_M.gguf": b"GGUF" + bytes(100)}}


@asynccontextmanager
async def counting() -> AsyncIterator[tuple[str, list[int]]]:
    """Something that answers, and counts who connects."""
    connections: list[int] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(1)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1")
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", connections


async def test_the_factories_refuse_and_the_engine_is_reached() -> None:
    off_line = OffLine(is_on=True)
    async with counting() as (address, connections):
        for factory in (partial(hub_client, Purpose.HUB), web_client):
            with pytest.raises(WorksOffLine, match="works off line"):
                factory()
        assert not connections
        async with engine_client(address, "key") as client:
            assert (await client.get("/props")).text == "ok"
        assert len(connections) == 1
    off_line.is_on = False


async def test_a_client_that_was_made_before_asks_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    forget_environment(monkeypatch)
    off_line = OffLine()
    async with counting() as (address, connections), hub_client(Purpose.HUB) as hub_, web_client() as web:
        for client in (hub_, web):
            assert (await client.get(address)).text == "ok"
        off_line.is_on = True
        for client in (hub_, web):
            with pytest.raises(WorksOffLine):
                await client.get(address)
        off_line.is_on = False
        assert len(connections) == 2
        assert (await hub_.get(address)).text == "ok"


async def test_no_way_to_a_hub_connects(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    forget_environment(monkeypatch)
    with HubServer(FILES) as server:
        repository = await hub.look_up("org/model", endpoint=server.url)
        file = repository.files[0]
        asked = len(server.requests)
        off_line = OffLine(is_on=True)
        elsewhere = parse_address(f"{server.cdn_url}/x.gguf", None)
        for attempt in (
            hub.look_up("org/model", endpoint=server.url),
            hub.fetch(repository, file, into=tmp_path),
            hub.fetch_all(repository, (file,), into=tmp_path),
            hub.read_remote_header(repository, file),
            hub.read_remote_model(elsewhere),
            hub.read_stamp(elsewhere),
        ):
            with pytest.raises(Unreachable, match="works off line"):
                await attempt
        assert len(server.requests) == asked
        off_line.is_on = False
        assert (await hub.fetch(repository, file, into=tmp_path)).exists()


def test_a_switch_that_is_gone_holds_nobody_up() -> None:
    off_line = OffLine(is_on=True)
    with pytest.raises(WorksOffLine, match="The page: the program works off line"):
        off_line.check("The page")
    other = OffLine()
    other.check("The page")
    with pytest.raises(WorksOffLine):
        OffLine.check_all("Anything")
    del off_line
    gc.collect()
    OffLine.check_all("Anything")


_WATCHED = """
import asyncio, sys
seen = []
def watch(event, args):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        seen.append((event, args[1:] if event == "socket.connect" else args))
sys.addaudithook(watch)
from nodetool_xl_desktop import hub
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.network import OffLine
from nodetool_xl_desktop.hub.address import parse_address
from nodetool_xl_desktop.tools import call
from nodetool_xl_desktop.tools.built_in import BuiltIn
from nodetool_xl_desktop.tools.source import Workspace

async def main():
    off_line = OffLine(is_on=True)
    for offered in await BuiltIn(off_line).offered(Workspace()):
        if offered.reaches_out:
            result = await call(offered.tool, {"url": "https://example.org/"} if offered.tool.name == "fetch_page"
                                else {"code": "import socket; socket.create_connection(('192.0.2.1', 80))"})
            assert "works off line" in result.error, result
    for attempt in (hub.look_up("org/model"), hub.read_stamp(parse_address("https://example.org/x.gguf", None))):
        try:
            await attempt
        except UserFacingError as error:
            assert "works off line" in str(error), error
        else:
            raise AssertionError("it was asked")
    off_line.is_on = False
    before = len(seen)
    assert before == 0, seen
    assert (await call([each.tool for each in await BuiltIn(off_line).offered(Workspace())
                        if each.tool.name == "fetch_page"][0], {"url": "http://127.0.0.1:9/"})).error
    assert seen, "the watch does not see"
    print("nothing was connected")

asyncio.run(main())
"""


def test_no_socket_of_the_process_is_connected() -> None:
    done = subprocess.run([sys.executable, "-c", _WATCHED], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "nothing was connected\n", done.stderr


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1", True),
        ("::ffff:8.8.8.8", True),
        ("64:ff9b::808:808", True),
        ("127.0.0.1", False),
        ("127.255.0.1", False),
        ("0.0.0.0", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("240.0.0.1", False),
        ("::", False),
        ("::1", False),
        ("::127.0.0.1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("2002:7f00:1::", False),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b:1::a00:1", False),
        ("2001:0:1::1", False),
        ("fe80::1", False),
        ("fe80::1%eth0", False),
        ("fc00::1", False),
        ("fec0::1", False),
        ("ff02::1", False),
    ],
)
def test_which_addresses_are_of_the_open_network(address: str, public: bool) -> None:
    assert is_public(ip_address(address)) is public
