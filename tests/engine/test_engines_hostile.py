"""A wheel from a server that breaks the rules, into a folder where something is in the way, beside another program."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import engine_wheels
import hub_server
import pytest

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.engine import wheel_index
from nodetool_xl_desktop.engine.wheel_file import WheelName

PART = 50_000
Answer = Callable[[BaseHTTPRequestHandler], None]


class Server:
    """Answers as it is told, one request after the other; the last answer is for all that come later."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str]] = []
        served = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                served.asked.append((self.headers.get("Range", ""), self.headers.get("If-Range", "")))
                (served.answers.pop(0) if len(served.answers) > 1 else served.answers[0])(self)

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        self.root = f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def answer(status: int, body: bytes, **headers: str) -> Answer:
    def send(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        request.wfile.write(body)

    return send


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    hub_server.forget_environment(monkeypatch)


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    return engine_wheels.bulky(tmp_path / "made", 100)


@pytest.fixture
def body(wheel: Path) -> bytes:
    return wheel.read_bytes()


@pytest.fixture
def coming(tmp_path: Path) -> Path:
    return tmp_path / "engines" / ".coming"


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    made: list[Server] = []

    def begin(*answers: Answer) -> Server:
        made.append(Server(*answers))
        return made[-1]

    yield begin
    for server in made:
        server.close()


def offer_of(server: Server, wheel: Path, *, sha256: str = "") -> wheel_index.Offer:
    return wheel_index.Offer(WheelName.of(wheel.name), f"{server.root}/{wheel.name}", server.root, sha256)


async def fetch(offer: wheel_index.Offer, coming: Path) -> bytes:
    folder = coming.parent.parent
    file = await wheel_index.fetch(offer, coming, folder, lambda _done, _size: None, pauses_s=(0.0, 0.0, 0.0))
    return file.read_bytes()


def nothing_left(coming: Path) -> bool:
    return not coming.exists()


def put_in_the_way(coming: Path, name: str, kind: str) -> Path:
    """A folder, or a link to somebody's file, which is returned."""
    coming.mkdir(parents=True)
    other = coming.parent / "other"
    other.write_bytes(b"of somebody")
    if kind == "folder":
        (coming / name / "inside").mkdir(parents=True)
    else:
        (coming / name).symlink_to(other)
    return other


def rest(body: bytes, begin: int, end: int | None = None) -> dict[str, str]:
    """What the head of an answer with a range says."""
    end = len(body) if end is None else end
    return {
        "Content_Length": str(end - begin),
        "Content_Range": f"bytes {begin}-{end - 1}/{len(body)}",
        "ETag": '"one"',
    }


def cut(body: bytes) -> Answer:
    """The first part, of more."""
    return answer(200, body[:PART], Content_Length=str(len(body)), ETag='"one"')


async def test_a_range_that_ends_before_the_file_is_not_the_whole(
    serve: Callable[..., Server], wheel: Path, body: bytes, coming: Path
) -> None:
    """A server may send less of a range than it was asked for; what it says of the whole counts."""
    short = answer(206, body[PART : PART + 1000], **rest(body, PART, PART + 1000))
    server = serve(cut(body), short, answer(206, body[PART + 1000 :], **rest(body, PART + 1000)))
    assert await fetch(offer_of(server, wheel), coming) == body
    assert [asked for asked, _ in server.asked] == ["", f"bytes={PART}-", f"bytes={PART + 1000}-"]


async def test_a_range_that_nobody_asked_for_is_taken_from_the_beginning(
    serve: Callable[..., Server], wheel: Path, body: bytes, coming: Path
) -> None:
    server = serve(answer(206, body, **rest(body, 0)))
    assert await fetch(offer_of(server, wheel), coming) == body


@pytest.mark.parametrize("said", ["bytes 7-99/100", "bytes */100", "nonsense", ""])
async def test_a_server_that_always_sends_another_part_comes_to_an_end(
    serve: Callable[..., Server], wheel: Path, body: bytes, coming: Path, said: str
) -> None:
    server = serve(answer(206, body[7:99], Content_Length="92", Content_Range=said))
    with pytest.raises(UserFacingError, match="sent another part of the file than was asked for"):
        await fetch(offer_of(server, wheel), coming)
    assert len(server.asked) == 4
    assert nothing_left(coming)


async def test_where_the_page_says_what_the_file_is_each_server_of_a_mirror_may_mark_it_as_it_likes(
    serve: Callable[..., Server], wheel: Path, body: bytes, coming: Path
) -> None:
    """Else nothing large ever came over a bad connection: each attempt asked another of them."""

    def mirror(request: BaseHTTPRequestHandler) -> None:
        mark = f'"{len(server.asked)}"'
        if request.headers.get("If-Range", mark) != mark or not request.headers.get("Range"):
            answer(200, body[:PART], Content_Length=str(len(body)), ETag=mark)(request)
        else:
            begin = int(request.headers["Range"].removeprefix("bytes=").rstrip("-"))
            answer(206, body[begin:], **{**rest(body, begin), "ETag": mark})(request)

    server = serve(mirror)
    assert await fetch(offer_of(server, wheel, sha256=hashlib.sha256(body).hexdigest()), coming) == body
    assert [asked for asked, _ in server.asked] == ["", f"bytes={PART}-"]


async def test_who_is_sent_on_over_an_open_line_does_not_go_there(
    serve: Callable[..., Server], wheel: Path, coming: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Encrypted at both ends is not enough: on the way between, anybody could have named the other end."""
    open_line = serve(answer(302, b"", Location=f"https://elsewhere.example/{wheel.name}", Content_Length="0"))
    monkeypatch.setenv("http_proxy", open_line.root)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    first = serve(answer(302, b"", Location=f"http://between.example/{wheel.name}", Content_Length="0"))
    with pytest.raises(UserFacingError, match="it is not encrypted"):
        await fetch(offer_of(first, wheel), coming)
    assert not open_line.asked
    assert nothing_left(coming)


@pytest.mark.parametrize("ending", [".part", ".part.json"])
@pytest.mark.parametrize("kind", ["folder", "link"])
async def test_what_lies_in_the_way_is_not_written_to(
    serve: Callable[..., Server], wheel: Path, body: bytes, coming: Path, ending: str, kind: str
) -> None:
    other = put_in_the_way(coming, f"{wheel.name}{ending}", kind)
    server = serve(answer(200, body, Content_Length=str(len(body)), ETag='"one"'))
    assert await fetch(offer_of(server, wheel), coming) == body
    assert other.read_bytes() == b"of somebody"
    assert nothing_left(coming)


async def test_a_part_that_became_a_link_is_not_gone_on_with(
    serve: Callable[..., Server], wheel: Path, body: bytes, coming: Path
) -> None:
    server = serve(cut(body), answer(404, b""), answer(200, body, Content_Length=str(len(body))))
    with pytest.raises(UserFacingError, match="404"):
        await fetch(offer_of(server, wheel), coming)
    part, other = coming / f"{wheel.name}.part", coming.parent / "other"
    part.rename(other)
    part.symlink_to(other)
    assert await fetch(offer_of(server, wheel), coming) == body
    assert other.stat().st_size == PART
    assert server.asked[-1] == ("", "")


async def test_of_two_who_fetch_the_same_the_second_is_told(
    serve: Callable[..., Server], wheel: Path, body: bytes, coming: Path
) -> None:
    """Else both write to the one part, and to what the first has already looked at and given its name."""
    go_on, begun = threading.Event(), threading.Event()

    def held(request: BaseHTTPRequestHandler) -> None:
        answer(200, body[:PART], Content_Length=str(len(body)), ETag='"one"')(request)
        request.wfile.flush()
        begun.set()
        go_on.wait(30)
        request.wfile.write(body[PART:])

    server = serve(held)
    first = asyncio.create_task(fetch(offer_of(server, wheel), coming))
    try:
        await asyncio.to_thread(begun.wait, 30)
        with pytest.raises(UserFacingError, match="another program is fetching it"):
            await fetch(offer_of(server, wheel), coming)
        assert len(server.asked) == 1
        second = asyncio.create_task(fetch(offer_of(server, wheel), coming))
        await asyncio.sleep(0.2)  # it waits
    finally:
        go_on.set()
        assert await first == body
    assert await second == body, "who waits finds it free, and its folder gone"
    assert nothing_left(coming)


async def test_what_cannot_be_gone_on_with_does_not_stay(
    serve: Callable[..., Server], wheel: Path, body: bytes, coming: Path
) -> None:
    """Neither a hash nor a mark tells what it is a part of: it would only fill the disk."""
    server = serve(answer(200, body[:PART], Content_Length=str(len(body))), answer(404, b""))
    with pytest.raises(UserFacingError, match="404"):
        await fetch(offer_of(server, wheel), coming)
    assert nothing_left(coming)
