"""MCP servers over streamable HTTP: a real one on loopback, through the program's own client."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from mcp_driver import HELD_UP_S, Gaps, answering, called, running, served, until

from nodetool_xl_desktop.core.network import OffLine
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.tools.mcp import Failed, Http, Limits, McpServers, Off, Running

pytestmark = pytest.mark.usefixtures("no_process_left")


def why(servers: McpServers) -> str:
    state = servers.find("Test").state
    assert isinstance(state, Failed), state
    return str(state.error)


@pytest.mark.parametrize("manner", [("json",), ("old",)])
async def test_it_is_used_as_one_over_stdio_and_not_off_line(paths: Paths, manner: tuple[str, ...]) -> None:
    off_line = OffLine()
    async with served(*manner) as (url, process), running(paths, off_line, Test=Http(url)) as servers:
        await servers.wake()
        state = servers.find("Test").state
        assert isinstance(state, Running), state
        assert (state.title, state.version) == ("Test server", "1.2.3")
        assert (await called(servers, "add", a=2, b=3)).text == "5"
        assert (await called(servers, "picture")).image is not None
        assert "Error executing tool fail" in (await called(servers, "fail")).error
        assert (await servers.resource("Test", "notes://today"))[0].text == "milk, bread"
        assert (await called(servers, "grow")).text == "grown"
        await until(lambda: "test__grown" in [one.name for one in servers.find("Test").state.tools])

        off_line.is_on = True
        try:
            assert "works off line" in (await called(servers, "pid")).error
            servers.off_line_changed()
            await until(lambda: isinstance(servers.find("Test").state, Off))
        finally:
            off_line.is_on = False
        assert process.returncode is None
        assert (await called(servers, "add", a=1, b=2)).text == "3"


async def test_its_headers_are_sent_and_what_is_wrong_is_said(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_KEY", "open-sesame-9")
    # A proxy of the environment is not for servers on this machine.
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    async with served("key", "gzip") as (url, _), running(paths, Test=Http("http://127.0.0.1:9/mcp")) as servers:
        await servers.wake()
        assert "nothing answers at http://127.0.0.1:9/mcp" in why(servers)
        await servers.change("Test", "Test", Http(url))
        await servers.wake()
        assert "HTTP status 401" in why(servers)
        await servers.change(
            "Test", "Test", Http(url.replace("/mcp", "/elsewhere"), {"Authorization": "Bearer ${TEST_KEY}"})
        )
        await servers.wake()
        assert "there is no MCP server at this address (HTTP status 404)" in why(servers)
        await servers.change("Test", "Test", Http(f"{url}?q=open-sesame-8", {"Authorization": "Bearer ${TEST_KEY}"}))
        await servers.wake()
        assert (await called(servers, "add", a=1, b=1)).text == "2"
        seen = f"{servers.find('Test').about} {servers.log('Test')}"
        assert "open-sesame" not in seen


async def test_one_that_was_restarted_is_connected_to_again(paths: Paths) -> None:
    async with contextlib.AsyncExitStack() as stack:
        url, process = await stack.enter_async_context(served("old"))
        servers = await stack.enter_async_context(running(paths, Test=Http(url)))
        await servers.wake()
        first = (await called(servers, "pid")).text
        process.kill()
        await process.wait()
        again = served("old", port=int(url.split(":")[2].split("/")[0]))
        await stack.enter_async_context(again)
        await until(lambda: not isinstance(servers.find("Test").state, Failed))
        second = await called(servers, "pid")
        assert second.text.isdigit(), second.error
        assert second.text != first


@pytest.mark.parametrize(
    ("head", "text", "expected"),
    [
        ("Content-Type: application/json", "x", "a message of more than"),
        ("Content-Type: text/event-stream", "data: xxxx", "a message of more than"),
        ("Content-Type: text/event-stream", ": still here\n\n", "more than 50 MB at once"),
        ("Content-Type: application/json", '"a",', "it sent a message of more than 100,000 values"),
        ("Content-Type: application/json\r\nContent-Encoding: gzip", "x", "keep to the protocol|connection broke"),
        ("Content-Type: text/html", "<html>", "Unexpected content type"),
    ],
)
async def test_answers_without_end_are_cut_off(paths: Paths, head: str, text: str, expected: str) -> None:
    count = 8 if "100,000" in expected else 1_000
    async with (
        answering(head, text, count) as url,
        running(paths, limits=Limits(start_s=10, request_s=10), Test=Http(url)) as servers,
        Gaps() as gaps,
    ):
        await servers.wake()
        assert any(one in why(servers) for one in expected.split("|")), why(servers)
    assert gaps.longest_s < HELD_UP_S


class HangsAtItsEnd(BaseHTTPRequestHandler):
    """A server that answers what it has to, and never the goodbye."""

    protocol_version = "HTTP/1.1"
    over = threading.Event()

    def do_POST(self) -> None:
        said = json.loads(self.rfile.read(int(self.headers["content-length"])))
        about = {"name": "x", "version": "1"}
        results = {
            "initialize": {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": about},
            "tools/list": {"tools": []},
        }
        answer = {"jsonrpc": "2.0", "id": said.get("id"), "error": {"code": -32601, "message": "no"}}
        if said["method"] in results:
            answer = {"jsonrpc": "2.0", "id": said["id"], "result": results[said["method"]]}
        body = json.dumps(answer).encode() if "id" in said else b""
        self.send_response(200 if body else 202)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Mcp-Session-Id", "a")
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        self.over.wait(30)

    def do_DELETE(self) -> None:
        self.over.wait(30)

    def log_message(self, *_: object) -> None:
        """Nothing."""


async def test_the_end_of_the_program_waits_for_no_goodbye(paths: Paths) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), HangsAtItsEnd)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        async with running(paths, Test=Http(f"http://127.0.0.1:{server.server_address[1]}/mcp")) as servers:
            await servers.wake()
            assert isinstance(servers.find("Test").state, Running)
            began = time.perf_counter()
        assert time.perf_counter() - began < 5
    finally:
        HangsAtItsEnd.over.set()
        server.shutdown()
        server.server_close()
