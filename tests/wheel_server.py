"""An index of wheels on this machine's loopback, as pip knows them: a page of links, or the same as JSON."""

from __future__ import annotations

import hashlib
import html
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import quote

Form = Literal["html", "json", "page"]
PROJECT = "/simple/xllamacpp/"


@dataclass
class WheelServer:
    """Serves these wheels.

    Attributes:
        wheels: their files.
        form: how the index speaks: "html" (PEP 503) and "json" (PEP 691) below /simple/, "page" as links on /page.
        hashes: what it says of a file instead of its right hash; "" says nothing.
        about: more of a link of the HTML form, by the name of its file.
        hold: after so many bytes of a wheel it waits until `go_on` is set.
        cut: it sends so many bytes of a wheel, and closes the connection; of a list, the next answers one each, None
            for all of it.
        fail: the statuses that the next answers with a wheel have instead, one each; 0 for none.
        ranges: whether it sends the rest of a wheel where that is asked for.
        etag: its mark of all wheels; "" for none.
        heeds: whether it sends all where `If-Range` names another mark, as it should.
        asked: the paths of all requests.
        wanted: of those of wheels, what `Range` and `If-Range` said.
    """

    wheels: list[Path]
    form: Form = "html"
    hashes: dict[str, str] = field(default_factory=dict)
    about: dict[str, str] = field(default_factory=dict)
    hold: int | None = None
    cut: int | list[int | None] | None = None
    fail: list[int] = field(default_factory=list)
    ranges: bool = True
    etag: str = ""
    heeds: bool = True
    asked: list[str] = field(default_factory=list)
    wanted: list[tuple[str, str]] = field(default_factory=list)
    go_on: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        served = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                served.answer(self)

            def log_message(self, *args: Any) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.go_on.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def index(self) -> str:
        """What a person names."""
        return f"{self.root}/page" if self.form == "page" else f"{self.root}/simple"

    def sha256(self, wheel: Path) -> str:
        return self.hashes.get(wheel.name, hashlib.sha256(wheel.read_bytes()).hexdigest())

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        self.asked.append(request.path)
        wheel = next((each for each in self.wheels if request.path == f"/files/{quote(each.name)}"), None)
        if wheel is not None:
            self._send_wheel(request, wheel.read_bytes())
        elif self.form == "json" and request.path == PROJECT:
            self._send(request, self._json(), "application/vnd.pypi.simple.v1+json")
        elif request.path == {"html": PROJECT, "page": "/page"}.get(self.form):
            self._send(request, self._html(), "text/html")
        else:
            request.send_error(404)

    def _html(self) -> bytes:
        links = ['<a href="https://elsewhere.example/xllamacpp-1.0.tar.gz">source</a>', '<a name="no-link">']
        for wheel in self.wheels:
            said = self.sha256(wheel)
            href = f"/files/{quote(wheel.name)}" + (f"#sha256={said}" if said else "")
            links.append(f'<a href="{html.escape(href)}" {self.about.get(wheel.name, "")}>{wheel.name}</a><br>')
        return f"<!DOCTYPE html><html><body>{''.join(links)}</body></html>".encode()

    def _json(self) -> bytes:
        files: list[dict[str, Any]] = [{"url": 7}] if not self.wheels else []
        for wheel in self.wheels:
            said = self.sha256(wheel)
            hashes = {"sha256": said} if said else {}
            url = f"../../files/{quote(wheel.name)}"
            files.append({"filename": wheel.name, "url": url, "hashes": hashes, "size": wheel.stat().st_size})
        return json.dumps({"meta": {"api-version": "1.0"}, "name": "xllamacpp", "files": files}).encode()

    def _send(self, request: BaseHTTPRequestHandler, body: bytes, kind: str) -> None:
        request.send_response(200)
        request.send_header("Content-Type", kind)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    def _send_wheel(self, request: BaseHTTPRequestHandler, body: bytes) -> None:
        asked, mark = request.headers.get("Range", ""), request.headers.get("If-Range", "")
        self.wanted.append((asked, mark))
        if self.fail and (status := self.fail.pop(0)):
            request.send_error(status)
            return
        begin = int(asked.removeprefix("bytes=").rstrip("-") or 0) if self.ranges else 0
        if mark and mark != self.etag and self.heeds:
            begin = 0
        if begin >= len(body):
            request.send_error(416)
            return
        request.send_response(206 if begin else 200)
        request.send_header("Content-Length", str(len(body) - begin))
        if begin:
            request.send_header("Content-Range", f"bytes {begin}-{len(body) - 1}/{len(body)}")
        if self.etag:
            request.send_header("ETag", self.etag)
        request.end_headers()
        cut = (self.cut.pop(0) if self.cut else None) if isinstance(self.cut, list) else self.cut
        stop = cut if cut is not None else self.hold
        rest = body[begin:]
        request.wfile.write(rest if stop is None else rest[:stop])
        if self.hold is not None:
            self.go_on.wait(30)
            request.wfile.write(rest[self.hold :])
