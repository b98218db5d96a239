"""A page is fetched as it was allowed, from where it may be, in bounded size and time; nothing else is connected to."""

from __future__ import annotations

import asyncio
import gzip
import socketserver
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address

import pytest
from hub_server import forget_environment

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.network import IPAddress, OffLine
from nodetool_xl_desktop.tools import call
from nodetool_xl_desktop.tools.confined import Limits
from nodetool_xl_desktop.tools.web_page import MOST_BYTES, READING, FetchPageTool

PAGE = """<!doctype html><html><head><title>Tides  of the
North Sea</title><style>p{color:red}</style></head><body><nav><a href="/">Home</a> Menu</nav>
<main><h1>Tides</h1><p>High water is at <b>6:12</b>, says the <a href="/table#today">table</a> and
<a href="https://other.example/x">another</a>.</p><script>alert("no")</script><p hidden>unseen</p>
<ul><li>one<li>two</ul><table><tr><th>Port<th>Time</tr><tr><td>Emden<td>6:12</tr></table>
<pre>a   b
  c</pre><p>{filling}</p></main><footer>Imprint</footer></body></html>""".replace("{filling}", "word " * 80)


class Site:
    """A server on loopback: what it answers, by path, and what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, Mapping[str, str], bytes]] = {}
        self.asked: list[tuple[str, Mapping[str, str]]] = []
        self.connections = 0
        self.stall = threading.Event()
        site = self

        class Handler(BaseHTTPRequestHandler):
            def setup(self) -> None:
                site.connections += 1
                super().setup()

            def do_GET(self) -> None:
                site.asked.append((self.path, dict(self.headers)))
                status, headers, body = site.answers.get(self.path, (404, {}, b""))
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                if body == b"stall":
                    site.stall.wait(10)
                try:
                    self.wfile.write(body)
                except OSError:
                    return

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def put(self, path: str, body: str | bytes, kind: str = "text/html; charset=utf-8", **headers: str) -> str:
        data = body.encode() if isinstance(body, str) else body
        self.answers[path] = (200, {"Content-Type": kind, **{k.replace("_", "-"): v for k, v in headers.items()}}, data)
        return self.url(path)

    def url(self, path: str, host: str = "site.example") -> str:
        return f"http://{host}:{self.port}{path}"


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    forget_environment(monkeypatch)
    made = Site()
    yield made
    made.stall.set()
    made.server.shutdown()
    made.server.server_close()


async def here(_host: str, _port: int) -> Sequence[IPAddress]:
    return [ip_address("127.0.0.1")]


def tool(off_line: OffLine | None = None, limits: Limits = READING) -> FetchPageTool:
    """A tool for which loopback is the open network."""
    return FetchPageTool(off_line or OffLine(), lambda _address: True, here, limits)


async def test_a_page_is_told_as_text_that_reads_well(site: Site) -> None:
    url = site.put("/tides", PAGE)
    text = await tool()(url)
    assert text.startswith(
        "Title: Tides of the North Sea\n\n# Tides\n\nHigh water is at 6:12, says the table and another."
    )
    assert "- one\n" in text
    assert "Port | Time\n" in text
    assert "a   b\n  c" in text
    assert not any(word in text for word in ("alert", "color", "unseen", "Menu", "Imprint"))
    assert text.endswith(f"Links:\ntable: {site.url('/table')}\nanother: https://other.example/x")


async def test_it_says_who_asks_and_nothing_of_the_person(site: Site) -> None:
    site.answers["/"] = (302, {"Location": "/next", "Set-Cookie": "id=1; Path=/"}, b"")
    site.put("/next", "<p>here", Set_Cookie="id=2; Path=/")
    fetch = tool()
    assert await fetch(site.url("/")) == "here"
    await fetch(site.url("/next"))
    assert [path for path, _ in site.asked] == ["/", "/next", "/next"]
    for _, headers in site.asked:
        assert headers["Host"] == f"site.example:{site.port}"
        assert headers["User-Agent"].startswith("NodeTool-XL-Desktop/")
        assert {name.lower() for name in headers} <= {"host", "user-agent", "accept", "accept-encoding", "connection"}


@pytest.mark.parametrize(
    "location", ["http://elsewhere.example/", "//elsewhere.example/x", "http://127.0.0.1/", "http://site.example/"]
)
async def test_another_host_is_not_gone_to_unasked(site: Site, location: str) -> None:
    site.answers["/"] = (301, {"Location": location}, b"")
    told = await tool()(site.url("/"))
    assert "which was not fetched" in told
    assert site.connections == 1


async def test_a_circle_of_redirects_ends(site: Site) -> None:
    site.answers["/"] = (302, {"Location": "/"}, b"")
    with pytest.raises(UserFacingError, match="sends on more than"):
        await tool()(site.url("/"))


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "[::1]", "127.1", "2130706433", "0x7f000001", "0", "[::ffff:127.0.0.1]", "[::]"],
)
async def test_this_machine_is_not_connected_to(site: Site, host: str) -> None:
    site.put("/", "secret")
    with pytest.raises(UserFacingError, match=r"on this machine or in the network|no such host|no address"):
        await FetchPageTool(OffLine())(site.url("/", host))
    assert site.connections == 0


async def test_it_is_the_address_that_was_looked_at_that_is_connected_to(site: Site) -> None:
    site.put("/", "<p>looked at")
    answers = iter([["127.0.0.1"], ["127.0.0.2"]])
    looked_at: list[str] = []

    async def changing(_host: str, _port: int) -> list[IPAddress]:
        return [ip_address(each) for each in next(answers)]

    def may_reach(address: IPAddress) -> bool:
        looked_at.append(str(address))
        return True

    assert await FetchPageTool(OffLine(), may_reach, changing)(site.url("/")) == "looked at"
    assert looked_at == ["127.0.0.1"]


async def test_the_host_that_is_looked_up_is_the_one_that_was_allowed(site: Site) -> None:
    asked: list[str] = []

    async def resolve(host: str, _port: int) -> list[IPAddress]:
        asked.append(host)
        return [ip_address("127.0.0.1")]

    site.put("/", "<p>here")
    fetch = FetchPageTool(OffLine(), lambda _: True, resolve)
    for name in ("fa\xdf.example", "XN--fa-hia.example"):
        assert await fetch(site.url("/", name)) == "here"
    # Python's resolver makes "fass.example" of the name in letters, which is another host.
    assert set(asked) == {"xn--fa-hia.example"}
    assert fetch.asks_for({"url": site.url("/", "fa\xdf.example")}) == f"xn--fa-hia.example:{site.port}"


async def test_a_name_that_leads_here_as_well_is_refused(site: Site) -> None:
    async def both(_host: str, _port: int) -> list[IPAddress]:
        return [ip_address("93.184.215.14"), ip_address("127.0.0.1")]

    with pytest.raises(UserFacingError, match="on this machine"):
        await FetchPageTool(OffLine(), resolve=both)(site.url("/"))
    assert site.connections == 0


async def test_the_name_is_what_tls_asks_for() -> None:
    hello: list[bytes] = []

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            hello.append(self.request.recv(4096))

    with socketserver.TCPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        with pytest.raises(UserFacingError, match="could not be fetched"):
            await tool()(f"https://site.example:{server.server_address[1]}/")
    assert b"site.example" in hello[0]


async def test_while_off_line_nothing_is_connected_to(site: Site) -> None:
    off_line = OffLine()
    fetch = tool(off_line=off_line)
    url = site.put("/", "<p>here")
    off_line.is_on = True
    result = await call(fetch, {"url": url})
    assert "works off line" in result.error
    assert site.connections == 0
    off_line.is_on = False
    assert (await call(fetch, {"url": url})).text == "here"


async def test_no_proxy_is_used_and_none_is_gone_around(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://user:secret@127.0.0.1:{site.port}")
    with pytest.raises(UserFacingError, match="through a proxy"):
        await tool()(site.put("/", "here"))
    monkeypatch.setenv("no_proxy", "site.example")
    assert await tool()(site.url("/")) == "here"


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("file:///etc/passwd", "only http and https"),
        ("ftp://site.example/", "only http and https"),
        ("javascript:alert(1)", "no address of a page|no such host"),
        ("http://", "no address of a page"),
        ("", "no address of a page"),
        ("http://name:word@site.example/", "a name or a password"),
        ("http://[::1", "no address of a page"),
        ("http://site.example:99999/", "no address of a page"),
        ("http://a" + "b" * 3000, "too long"),
        ("http://site.example\r\nX: y/", "no address of a page"),
    ],
)
async def test_what_is_no_address_is_refused(url: str, why: str) -> None:
    result = await call(tool(), {"url": url})
    assert result.error
    assert any(each in result.error for each in why.split("|")), result.error


def test_a_person_is_asked_for_the_host() -> None:
    fetch = FetchPageTool(OffLine())
    assert fetch.asks_for({"url": "https://Example.ORG/a?b=c"}) == "example.org"
    assert fetch.asks_for({"url": "http://example.org:80/"}) == "example.org"
    assert fetch.asks_for({"url": "http://example.org.:8080/"}) == "example.org:8080"
    assert (
        fetch.asks_for({"url": "https://b\N{LATIN SMALL LETTER U WITH DIAERESIS}cher.example"})
        == "xn--bcher-kva.example"
    )
    for nothing in ({}, {"url": ""}, {"url": "file:///x"}, {"url": 3}):
        assert fetch.asks_for(nothing) in ("no address", "3")


async def test_long_pages_come_in_parts(site: Site) -> None:
    url = site.put("/long", "\n".join(f"line {number}" for number in range(5000)), "text/plain")
    parts = [(await call(tool(), {"url": url, "part": part})).text for part in (1, 2, 3, 4)]
    assert "line 0\n" in parts[0]
    assert parts[0].endswith("part 1 of 4; for more: part=2)")
    assert parts[3].endswith("line 4999\n" + f"({url}, part 4 of 4)")
    assert "4 parts" in (await call(tool(), {"url": url, "part": 5})).error


async def test_a_page_without_end_is_cut(site: Site) -> None:
    url = site.put("/huge", b"x" * (MOST_BYTES + 5_000_000), "text/plain")
    told = await tool()(url, 197)
    assert told.count("x") < 20_000
    assert "the rest was not fetched" in told


async def test_a_page_that_unpacks_without_end_is_cut(site: Site) -> None:
    packed = gzip.compress(b"x" * 60_000_000, 1)
    url = site.put("/bomb", packed, "text/plain", Content_Encoding="gzip")
    began = time.perf_counter()
    assert "part 1 of" in await tool()(url)
    assert time.perf_counter() - began < 5
    packed = site.put("/packed", gzip.compress(b"<p>packed"), Content_Encoding="gzip")
    assert await tool()(packed) == "packed"
    assert "not asked for" in (await call(tool(), {"url": site.put("/br", b"x", Content_Encoding="br")})).error
    assert (
        "could not be fetched"
        in (await call(tool(), {"url": site.put("/no", b"no gzip at all", Content_Encoding="gzip")})).error
    )


async def test_a_hostile_page_takes_the_child_along_and_nothing_else(site: Site) -> None:
    url = site.put("/deep", "<div>" * 400_000)
    turns = 0

    async def live() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0.01)
            turns += 1

    living = asyncio.create_task(live())
    began = time.perf_counter()
    result = await call(tool(limits=Limits(5, cpu_s=1)), {"url": url})
    took = time.perf_counter() - began
    living.cancel()
    assert "too much time or memory" in result.error
    assert took < 6
    assert turns > took * 30  # of 100 a second


@pytest.mark.parametrize(
    ("body", "kind", "text"),
    [
        ("<p>caf\N{LATIN SMALL LETTER E WITH ACUTE}".encode("latin-1"), "text/html; charset=ISO-8859-1", "caf\xe9"),
        ('<meta charset="windows-1251"><p>\N{CYRILLIC SMALL LETTER A}'.encode("cp1251"), "text/html", "\u0430"),
        ("\ufeff<p>wide".encode("utf-16-le"), "text/html", "wide"),
        (b"<p>x", "text/html; charset=zip", "x"),
        (b'{"a": 1}', "application/json", '{"a": 1}'),
        (b"<html><p>untold", "", "untold"),
        (b"", "text/html", "(no text)"),
    ],
)
async def test_a_page_is_read_in_its_encoding(site: Site, body: bytes, kind: str, text: str) -> None:
    assert await tool()(site.put("/", body, kind)) == text


@pytest.mark.parametrize(
    ("body", "kind", "why"),
    [
        (b"\x89PNG", "image/png", "it is image/png, no text"),
        (b"%PDF-1.7", "application/pdf", "application/pdf"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "text/html", "a picture"),
        (b"\x00\x01\x02" * 100, "text/plain", "no text"),
    ],
)
async def test_what_is_no_text_is_refused(site: Site, body: bytes, kind: str, why: str) -> None:
    assert why in (await call(tool(), {"url": site.put("/", body, kind)})).error


async def test_a_server_that_is_not_there_or_refuses_is_told(site: Site) -> None:
    assert "status 404" in (await call(tool(), {"url": site.url("/nowhere")})).error
    assert "could not be fetched" in (await call(tool(), {"url": "http://site.example:9/"})).error


async def test_a_fetch_that_is_stopped_leaves_nothing(site: Site) -> None:
    url = site.put("/slow", b"stall")
    fetching = asyncio.create_task(tool()(url))
    async with asyncio.timeout(5):
        while not site.asked:  # noqa: ASYNC110 - a thread tells
            await asyncio.sleep(0.01)
    fetching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await fetching
