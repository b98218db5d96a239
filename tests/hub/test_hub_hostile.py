"""Servers that mean harm: answers that do not end or grow, ways into this machine's own network, tokens sent back."""

from __future__ import annotations

import asyncio
import contextlib
import socket  # noqa: TID251 - a server that keeps to no protocol
import threading
import tracemalloc
import zlib
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
from huggingface_hub import close_session

from nodetool_xl_desktop.core.network import require_outward
from nodetool_xl_desktop.core.units import MIB
from nodetool_xl_desktop.hub.card import read_card
from nodetool_xl_desktop.hub.download import fetch
from nodetool_xl_desktop.hub.errors import HubError
from nodetool_xl_desktop.hub.header import read_remote_header
from nodetool_xl_desktop.hub.repository import HubFile, Repository, look_up
from nodetool_xl_desktop.hub.transfer import Patience

FILE = HubFile("m-Q4_K_M.gguf", MIB, "0" * 64)
IMPATIENT = Patience(stall_s=0.3, pauses_s=(0.01,))
TOKEN = "s3cr3t-word"
REDIRECT = b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\n"
#: Gets what was asked, and says what is answered; bytes by bytes where it is a list of them that does not end.
Answer = Callable[[str], Iterator[bytes]]


@contextmanager
def a_server(answer: Answer, asked: list[str] | None = None) -> Iterator[str]:
    """A server that answers each request with whatever `answer` says, until nobody listens any longer."""
    ending = threading.Event()

    def serve(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(10)
            question = b""
            while b"\r\n\r\n" not in question:
                question += connection.recv(65536) or b"\r\n\r\n"
            (asked if asked is not None else []).append(question.decode())
            for piece in answer(question.decode()):
                if ending.is_set():
                    return
                connection.sendall(piece)

    def listen() -> None:
        with contextlib.suppress(OSError):
            while True:
                workers.append(threading.Thread(target=serve, args=(listener.accept()[0],)))
                workers[-1].start()

    workers: list[threading.Thread] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listening = threading.Thread(target=listen)
        listening.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            ending.set()
            listener.shutdown(socket.SHUT_RDWR)
    for thread in (listening, *workers):
        thread.join()


def repository(endpoint: str) -> Repository:
    return Repository("org/repo", "abcdef", (FILE,), endpoint)


def questions(folder: Path) -> list[Callable[[Repository], Awaitable[object]]]:
    """All ways to ask a server for a file."""
    return [
        lambda known: fetch(known, FILE, into=folder, token=TOKEN, patience=IMPATIENT),
        lambda known: read_remote_header(known, FILE, token=TOKEN, patience=IMPATIENT),
        lambda known: read_card(known, token=TOKEN, patience=IMPATIENT),
    ]


async def look_up_again(known: Repository) -> Repository:
    return await look_up(known.repo_id, endpoint=known.endpoint, token=TOKEN)


def endless(_asked: str) -> Iterator[bytes]:
    yield REDIRECT + b"\r\n"
    for _ in range(400):
        yield bytes(MIB)


def bomb(_asked: str) -> Iterator[bytes]:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    yield REDIRECT + b"Content-Encoding: gzip\r\n\r\n"
    piece = packer.compress(bytes(4 * MIB)) + packer.flush(zlib.Z_FULL_FLUSH)
    for _ in range(100):
        yield piece


@pytest.mark.parametrize("answer", [endless, bomb])
async def test_what_a_server_sends_on_with_takes_no_memory(tmp_path: Path, answer: Answer) -> None:
    with a_server(answer) as url:
        for ask in questions(tmp_path):
            tracemalloc.start()
            try:
                with pytest.raises(HubError):
                    await ask(repository(url))
                assert tracemalloc.get_traced_memory()[1] < 48 * MIB
            finally:
                tracemalloc.stop()


def letter_by_letter(_asked: str) -> Iterator[bytes]:
    yield b"HTTP/1.1 206 Partial Content\r\nX-Slow: "
    while True:
        threading.Event().wait(0.05)
        yield b"x"


def byte_by_byte(_asked: str) -> Iterator[bytes]:
    told = f"Content-Range: bytes 0-{MIB - 1}/{MIB}\r\nContent-Length: {MIB}\r\n\r\n"
    yield b"HTTP/1.1 206 Partial Content\r\n" + told.encode()
    for letter in b"GGUF\3" + bytes(3) + bytes(4000):
        threading.Event().wait(0.05)
        yield bytes([letter])


async def test_an_answer_that_never_begins_is_a_dropped_connection(tmp_path: Path) -> None:
    with a_server(letter_by_letter) as url:
        for ask in questions(tmp_path):
            async with asyncio.timeout(10):
                with pytest.raises(HubError, match="no answer came for a while"):
                    await ask(repository(url))


async def test_a_header_that_trickles_in_is_not_waited_for_for_ever() -> None:
    with a_server(byte_by_byte) as url:
        async with asyncio.timeout(10):
            with pytest.raises(HubError, match="almost nothing came"):
                await read_remote_header(repository(url), FILE, patience=IMPATIENT)


async def test_a_range_of_more_digits_than_any_number_has(tmp_path: Path) -> None:
    def answer(_asked: str) -> Iterator[bytes]:
        yield b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes %b-1/%d\r\n" % (b"9" * 5000, MIB)
        yield b"Content-Length: 4\r\n\r\nGGUF"

    with a_server(answer) as url, pytest.raises(HubError):
        await fetch(repository(url), FILE, into=tmp_path, patience=IMPATIENT)


def token_of(asked: str) -> bytes:
    return asked.partition("Bearer ")[2].partition("\r")[0].encode()


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 403 No\r\nX-Error-Message: %b may not see this\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 403 No\r\nX-Error-Message: " + b"no, " * 48 + b"%b\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 %b\r\n\r\n",
    ],
    ids=["in words", "where words are cut off", "as a status"],
)
async def test_a_token_that_is_sent_back_stands_in_no_message(tmp_path: Path, head: bytes) -> None:
    asked: list[str] = []

    def answer(question: str) -> Iterator[bytes]:
        yield head % token_of(question)

    with a_server(answer, asked) as url:
        for ask in (*questions(tmp_path), look_up_again):
            with pytest.raises(HubError) as caught:
                await ask(repository(url))
            assert not any(part in str(caught.value) for part in (TOKEN, TOKEN[:5]))
    assert asked
    assert all(TOKEN in question for question in asked)


@pytest.mark.parametrize("inside", ["127.0.0.1", "[::1]", "169.254.169.254", "192.168.0.1", "[::ffff:10.0.0.1]"])
def test_no_server_of_the_open_network_sends_on_into_ours(inside: str) -> None:
    with pytest.raises(httpx2.RequestError, match="its own network"):
        require_outward(httpx2.URL("https://9.9.9.9/a"), httpx2.URL(f"http://{inside}/b"))
    require_outward(httpx2.URL("http://10.1.1.1/a"), httpx2.URL(f"http://{inside}/b"))  # a hub of ours may
    require_outward(httpx2.URL("https://9.9.9.9/a"), httpx2.URL("https://1.1.1.1/b"))


async def test_so_nothing_is_asked_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy plays the open network."""
    victim: list[str] = []

    def harmless(_asked: str) -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

    with a_server(harmless, victim) as inside:

        def answer(_asked: str) -> Iterator[bytes]:
            yield b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: %b/admin\r\n\r\n" % inside.encode()

        with a_server(answer) as proxy:
            monkeypatch.setenv("http_proxy", proxy)
            monkeypatch.setenv("no_proxy", "127.0.0.1")
            close_session()  # it knows the proxies of before
            for ask in (*questions(tmp_path), look_up_again):
                with pytest.raises(HubError, match="its own network"):
                    await ask(repository("http://hub.example"))
            close_session()
    assert victim == []
