"""The one factory of HTTP clients: a chat goes to this machine's engine and to nobody else."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from nodetool_xl_desktop.core.connections import Purpose
from nodetool_xl_desktop.core.network import (
    HttpClient,
    NoAnswer,
    OffLine,
    WorksOffLine,
    engine_client,
    hub_client,
    metadata_client,
    web_client,
)

PROXIES = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


@asynccontextmanager
async def listening(heard: list[bytes]) -> AsyncIterator[str]:
    """Something that answers any request, and keeps what it was asked."""
    ended: list[asyncio.Event] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        end = asyncio.Event()
        ended.append(end)
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await writer.drain()
        heard.append(await reader.read())  # the end of the connection, as it is not kept
        writer.close()
        await writer.wait_closed()
        end.set()

    server = await asyncio.start_server(answer, "127.0.0.1")
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        for end in ended:
            await end.wait()


async def test_no_proxy_ever_sees_a_chat(monkeypatch: pytest.MonkeyPatch) -> None:
    proxied: list[bytes] = []
    heard: list[bytes] = []
    async with listening(proxied) as proxy, listening(heard) as engine:
        for name in PROXIES:
            monkeypatch.setenv(name, proxy)
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        async with engine_client(engine, "key") as client:
            assert (await client.get("/props")).text == "ok"
    assert heard[0].startswith(b"GET /props HTTP/1.1")
    assert proxied == []


async def test_no_password_file_and_no_certificate_of_the_environment_is_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password other-secret\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "nowhere.pem"))
    heard: list[bytes] = []
    async with listening(heard) as engine, engine_client(engine, "key") as client:
        await client.get("/props")
    assert b"authorization: bearer key\r\n" in heard[0].lower()


async def test_a_slow_model_is_waited_for_but_not_a_port_that_nobody_opens() -> None:
    async with engine_client("http://127.0.0.1:9", "key") as client:
        assert client.timeout.read is None
        assert client.timeout.connect is not None
        assert 0 < client.timeout.connect <= 30


async def test_no_connection_is_kept() -> None:
    heard: list[bytes] = []
    async with listening(heard) as engine, engine_client(engine, "key") as client:
        for _ in range(2):
            await client.get("/props")
            async with asyncio.timeout(5):
                while heard[-1]:  # noqa: ASYNC110 - the other end tells nobody
                    await asyncio.sleep(0.005)
    # Request and end, twice: the second request came on a connection of its own.
    assert [bool(each) for each in heard] == [True, False, True, False]


@pytest.mark.parametrize("make", [partial(hub_client, Purpose.DOWNLOADS), web_client])
async def test_who_goes_off_line_ends_what_is_being_fetched(
    make: Callable[[], HttpClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
    off_line = OffLine()

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
    came = 0
    async with (
        server,
        asyncio.timeout(10),
        await asyncio.to_thread(make) as client,
        client.stream("GET", url) as answer,
    ):
        pieces = answer.aiter_raw()
        while came < 100_000:
            came += len(await anext(pieces))
        off_line.is_on = True
        with pytest.raises(WorksOffLine, match="Nothing more is taken from"):
            await anext(pieces)
    off_line.is_on = False


# The client that huggingface_hub works with


class Odd:
    """A server that keeps its connections, and answers each request on them as it is told."""

    def __init__(self, *answers: bytes | float | None) -> None:
        self.answers = list(answers)
        self.heads: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while self.answers:
                self.heads.append(await reader.readuntil(b"\r\n\r\n"))
                answer = self.answers.pop(0)
                if answer is None:  # the connection is closed without a word
                    break
                if isinstance(answer, bytes):
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(answer), answer))
                    continue
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
                while True:
                    writer.write(b"x")
                    await writer.drain()
                    await asyncio.sleep(answer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def odd(*answers: bytes | float | None) -> AsyncIterator[tuple[Odd, str]]:
    server = Odd(*answers)
    listening = await asyncio.start_server(server.serve, "127.0.0.1")
    async with listening:
        yield server, f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"


async def test_a_kept_connection_that_was_closed_is_no_fault() -> None:
    async with odd(b"one", None, b"two", None, None) as (server, address):
        with await asyncio.to_thread(metadata_client, lambda _url: True) as client:
            assert (await asyncio.to_thread(client.get, address)).text == "one"
            assert (await asyncio.to_thread(client.get, address)).text == "two"
            with pytest.raises(NoAnswer):  # twice in a row is one
                await asyncio.to_thread(client.get, address)
        assert len(server.heads) == 5


async def test_an_answer_that_does_not_end_is_left() -> None:
    async with odd(0.02) as (_, address):
        with await asyncio.to_thread(metadata_client, lambda _url: True, within_s=0.3) as client:
            begin = time.monotonic()
            with pytest.raises(NoAnswer, match="does not end"):
                await asyncio.to_thread(client.get, address, timeout=None)
            assert time.monotonic() - begin < 3


async def test_a_token_goes_only_where_it_may() -> None:
    async with odd(b"", b"") as (server, address):
        with await asyncio.to_thread(metadata_client, lambda url: url.path == "/mine") as client:
            for path in ("/mine", "/other"):
                await asyncio.to_thread(client.get, f"{address}{path}", headers={"Authorization": "Bearer x"})
        assert [b"Bearer x" in head for head in server.heads] == [True, False]
