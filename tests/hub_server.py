"""A model hub on this machine's loopback: the protocol as huggingface_hub and our downloads speak it, and its faults.

    with HubServer({"org/repo": {"model-Q4_K_M.gguf": b"GGUF..."}}) as hub:
        await look_up("org/repo", endpoint=hub.url)

Like the real one, it sends the requests for a file on to a second server (the "CDN"), on another port; `cdn=False` has
it serve the bytes itself. What it was asked stands in `hub.requests`, and how many bytes of files it sent in
`hub.served`.

Its list of models (/api/models, see `hub_search`) is made of the repositories and comes in pages; what `hub.about` says
of each is told as well ("downloads", "likes", "lastModified", "gguf", "tags", "cardData": the hub's own names).

Faults are played at four stages: "search" (that list), "api" (the metadata of one repository), "resolve" (the request
for a file) and "bytes" (its body, at the CDN). `hub.play("bytes", Play(drop_after=1000), Play(status=503))` plays one
each for the next two requests there; `hub.always["bytes"] = Play(...)` for every one without its own.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import re
import socket  # noqa: TID251 - for the name of an option
import sys
import threading
import time
from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, BinaryIO, Self
from urllib.parse import quote, unquote, urlsplit

import pytest
from hub_search import BadRequest, listed

_BLOCK = 256 * 1024
_API = re.compile(r"/api/models/([^/]+/[^/]+)(?:/(revision|tree)/([^/]+)(/.*)?)?")
_RESOLVE = re.compile(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)")
_ENVIRONMENT = (
    "HF_ENDPOINT",
    "HF_TOKEN",
    "HF_HOME",
    "HF_HUB_CACHE",
    "HUGGINGFACE_HUB_CACHE",
    "HF_HUB_OFFLINE",
    "TRANSFORMERS_OFFLINE",
    *(f"{kind}_proxy" for kind in ("http", "https", "all", "no")),
    *(f"{kind}_PROXY" for kind in ("HTTP", "HTTPS", "ALL", "NO")),
)


def forget_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of this machine's settings reaches a test of a hub."""
    for name in _ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)


@dataclass
class Stored:
    """A file of a repository: its content, or a path to it.

    `sha256` spares the hashing of a huge file, or tells a wrong one; `large=False` is a file whose hash the hub does
    not tell.
    """

    content: bytes | Path
    sha256: str | None = None
    large: bool = True

    @property
    def size(self) -> int:
        return len(self.content) if isinstance(self.content, bytes) else self.content.stat().st_size

    def told_sha256(self) -> str:
        if self.sha256 is None:
            with self.open() as stream:
                self.sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        return self.sha256

    def open(self) -> BinaryIO:
        return io.BytesIO(self.content) if isinstance(self.content, bytes) else self.content.open("rb")


@dataclass(frozen=True)
class Play:
    """What one answer does otherwise than it should."""

    status: int = 0
    error_code: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""  # with a status, and at the stage "api"
    drop_after: int | None = None  # bytes of this answer, then the connection ends
    stall_after: int | None = None  # bytes of this answer, then nothing more comes
    trickle_after: int | None = None  # bytes of this answer, then single ones, some each second
    bytes_per_s: float | None = None
    ignore_range: bool = False
    unmeasured: bool = False  # without Content-Length: the end of the connection is the end of the body
    content: bytes | None = None  # other bytes than those that were announced
    etag: str | None = None
    content_range: str | None = None  # told with a range, or nothing where it is empty
    content_length: str | None = None  # told in place of the true one


@dataclass
class Request:
    """What came in, and how many bytes of a file went out for it."""

    stage: str
    method: str
    path: str
    headers: dict[str, str]  # names in lower case
    sent: int = 0


class HubServer:
    """The hub and its CDN, from `with` to its end."""

    def __init__(self, repositories: Mapping[str, Mapping[str, bytes | Path | Stored]], *, cdn: bool = True) -> None:
        self.repositories = {
            repo_id: {name: _stored(content) for name, content in files.items()}
            for repo_id, files in repositories.items()
        }
        self.requests: list[Request] = []
        self.about: dict[str, dict[str, Any]] = defaultdict(dict)
        self.link = ""  # where the link to a next page leads, where that is not here
        self.gated: set[str] = set()  # listed for everyone, handed out for a token
        self.private: set[str] = set()
        self.tokens = {"good-token"}
        self.always: dict[str, Play] = {}
        self.accidents: list[BaseException] = []
        self.ending = threading.Event()
        self.latency_s = 0.0  # before each answer
        self._plays: dict[str, deque[Play]] = defaultdict(deque)
        self._servers = [_Server(("127.0.0.1", 0), partial(_Handler, self, role)) for role in ("hub", "cdn")]
        for server in self._servers:
            server.hub = self
        self.url, self.cdn_url = (f"http://127.0.0.1:{server.server_address[1]}" for server in self._servers)
        self.uses_cdn = cdn

    def __enter__(self) -> Self:
        for server in self._servers:
            threading.Thread(target=partial(server.serve_forever, 0.02), daemon=True, name="hub").start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ending.set()
        for server in self._servers:
            server.shutdown()
            server.server_close()
        assert not self.accidents, self.accidents

    def play(self, stage: str, *plays: Play) -> None:
        """Have the next requests at `stage` answered so, one each."""
        self._plays[stage].extend(plays)

    def next_play(self, stage: str) -> Play:
        plays = self._plays[stage]
        return plays.popleft() if plays else self.always.get(stage, Play())

    def put(self, repo_id: str, name: str, content: bytes | Path | Stored) -> None:
        """Add a file, or replace one; the repository's commit is another one then."""
        self.repositories.setdefault(repo_id, {})[name] = _stored(content)

    def commit(self, repo_id: str) -> str:
        names = [(name, file.size, file.told_sha256()) for name, file in self.repositories[repo_id].items()]
        return hashlib.sha1(repr((repo_id, names)).encode()).hexdigest()

    @property
    def served(self) -> int:
        """Bytes of files that were sent, of all requests together."""
        return sum(request.sent for request in self.requests)

    async def has_served(self, size: int) -> None:
        """Wait until so many bytes of files were sent."""
        while self.served < size:  # noqa: ASYNC110 - the bytes are sent in threads
            await asyncio.sleep(0.005)

    def at(self, stage: str) -> list[Request]:
        return [request for request in self.requests if request.stage == stage]


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # joined at the end, so that no socket is left to the garbage collector
    hub: HubServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        error = sys.exception()
        if error and not isinstance(error, ConnectionError):  # the other end went away
            self.hub.accidents.append(error)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, hub: HubServer, role: str, *args: Any) -> None:
        self.hub = hub
        self.role = role
        super().__init__(*args)

    def setup(self) -> None:
        # What waits here was not sent, and is not to count as sent.
        self.request.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BLOCK)
        super().setup()

    def log_message(self, *_: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        self.close_connection = True
        self.hub.ending.wait(self.hub.latency_s)
        path = unquote(urlsplit(self.path).path)
        if self.role == "cdn":
            repo_id, _, name = path.removeprefix("/cdn/").partition("/file/")
            self._serve_bytes(repo_id, name)
        elif path == "/api/models":
            self._serve_search()
        elif found := _API.fullmatch(path):
            self._serve_api(found)
        elif found := _RESOLVE.fullmatch(path):
            self._serve_resolve(*found.groups())
        else:
            self._refuse(self._note("unknown"), 404, "")

    def _note(self, stage: str) -> Request:
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(stage, self.command, self.path, headers)
        self.hub.requests.append(request)
        return request

    # The metadata

    def _serve_search(self) -> None:
        request, play = self._note("search"), self.hub.next_play("search")
        if play.status or play.body:
            self._send(play.status or 200, {**_error(play.error_code), **play.headers}, play.body)
            return
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token and token not in self.hub.tokens:
            self._refuse(request, 401, "", "Invalid credentials in Authorization header")
            return
        models = [self._info(repo_id) for repo_id in self.hub.repositories if token or repo_id not in self.hub.private]
        try:
            entries, following = listed(models, urlsplit(self.path).query)
        except BadRequest as error:
            self._refuse(request, 400, "", str(error))
            return
        link = {"Link": f'<{self.hub.link or self.hub.url}/api/models?{following}>; rel="next"'} if following else {}
        self._send(200, {"Content-Type": "application/json", **link}, json.dumps(entries).encode())

    def _serve_api(self, found: re.Match[str]) -> None:
        request, play = self._note("api"), self.hub.next_play("api")
        repo_id, kind, revision = found[1], found[2], found[3]
        if play.status or play.body:
            self._send(play.status or 200, {**_error(play.error_code), **play.headers}, play.body)
        elif self._may_see(request, repo_id, revision):
            entries = self._tree(repo_id) if kind == "tree" else self._info(repo_id)
            self._send(200, {"Content-Type": "application/json"}, json.dumps(entries).encode())

    def _info(self, repo_id: str) -> dict[str, Any]:
        siblings = []
        for name, file in self.hub.repositories[repo_id].items():
            large = {"sha256": file.told_sha256(), "size": file.size, "pointerSize": 135} if file.large else None
            sibling = {"rfilename": name, "size": file.size, "blobId": "0" * 40}
            siblings.append({**sibling, "lfs": large} if large else sibling)
        gated = "manual" if repo_id in self.hub.gated else False
        told = {"id": repo_id, "modelId": repo_id, "private": repo_id in self.hub.private, "gated": gated}
        rest = {"sha": self.hub.commit(repo_id), "tags": ["gguf"], "downloads": 0, "siblings": siblings}
        return {**told, **rest, **self.hub.about[repo_id]}

    def _tree(self, repo_id: str) -> list[dict[str, Any]]:
        entries = []
        for name, file in self.hub.repositories[repo_id].items():
            entry: dict[str, Any] = {"type": "file", "path": name, "size": file.size, "oid": "0" * 40}
            if file.large:
                entry["lfs"] = {"oid": file.told_sha256(), "size": file.size, "pointerSize": 135}
            entries.append(entry)
        return entries

    def _may_see(self, request: Request, repo_id: str, revision: str | None) -> bool:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        known = token in self.hub.tokens
        if token and not known:
            self._refuse(request, 401, "", "Invalid credentials in Authorization header")
        elif repo_id not in self.hub.repositories or (repo_id in self.hub.private and not known):
            self._refuse(request, 404 if known else 401, "RepoNotFound", "Repository not found")
        elif revision not in (None, "main", self.hub.commit(repo_id)):
            self._refuse(request, 404, "RevisionNotFound", "Invalid rev id")
        else:
            return True
        return False

    # The files

    def _serve_resolve(self, repo_id: str, revision: str, name: str) -> None:
        request, play = self._note("resolve"), self.hub.next_play("resolve")
        if play.status:
            self._send(play.status, {**_error(play.error_code), **play.headers}, play.body)
            return
        if not self._may_see(request, repo_id, revision):
            return
        known = request.headers.get("authorization", "").removeprefix("Bearer ") in self.hub.tokens
        if repo_id in self.hub.gated and not known:
            self._refuse(request, 401, "GatedRepo", f"Access to model {repo_id} is restricted.")
        elif name not in self.hub.repositories[repo_id]:
            self._refuse(request, 404, "EntryNotFound", "Entry not found")
        elif self.hub.uses_cdn:
            file = self.hub.repositories[repo_id][name]
            linked = {"X-Repo-Commit": self.hub.commit(repo_id), "X-Linked-Size": str(file.size)}
            linked["X-Linked-ETag"] = f'"{file.told_sha256()}"'
            linked["Location"] = f"{self.hub.cdn_url}/cdn/{quote(repo_id)}/file/{quote(name)}?signature=x"
            self._send(302, linked, b"Found")
        else:
            self._serve_bytes(repo_id, name)

    def _serve_bytes(self, repo_id: str, name: str) -> None:
        request, play = self._note("bytes"), self.hub.next_play("bytes")
        if play.status:
            self._send(play.status, {**_error(play.error_code), **play.headers}, play.body)
            return
        if name not in self.hub.repositories[repo_id]:
            self._refuse(request, 404, "")
            return
        file = self.hub.repositories[repo_id][name]
        if play.content is not None:
            file = Stored(play.content)
        etag = play.etag if play.etag is not None else f'"{file.told_sha256()}"'
        start, end, status = self._range(request, play, file.size, etag)
        headers = {"Accept-Ranges": "bytes", **({"ETag": etag} if etag else {}), **play.headers}
        if status == 416:
            self._send(416, {"Content-Range": f"bytes */{file.size}"}, b"")
            return
        if status == 206:
            told = f"bytes {start}-{end - 1}/{file.size}" if play.content_range is None else play.content_range
            headers |= {"Content-Range": told} if told else {}
        length = str(end - start) if play.content_length is None else play.content_length
        self._head(status, headers if play.unmeasured else {**headers, "Content-Length": length})
        if self.command == "GET":
            self._pour(request, play, file, start, end)

    def _range(self, request: Request, play: Play, size: int, etag: str) -> tuple[int, int, int]:
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("range", ""))
        if not asked or play.ignore_range or request.headers.get("if-range", etag) != etag:
            return 0, size, 200
        start = int(asked[1])
        end = min(int(asked[2]) + 1, size) if asked[2] else size
        return (start, end, 206) if start < size else (0, 0, 416)

    def _pour(self, request: Request, play: Play, file: Stored, start: int, end: int) -> None:
        stops = [stop for stop in (play.drop_after, play.stall_after, play.trickle_after) if stop is not None]
        left = min([end - start, *stops])
        # The system's buffers would take megabytes that nobody reads.
        block = _BLOCK if play.bytes_per_s is None else 4096
        with file.open() as stream:
            stream.seek(start)
            while left and not self.hub.ending.is_set():
                piece = stream.read(min(block, left))
                request.sent += len(piece)  # before it goes: who has it may look at once
                try:
                    self.wfile.write(piece)
                except OSError:
                    request.sent -= len(piece)
                    raise
                left -= len(piece)
                if play.bytes_per_s:
                    self.hub.ending.wait(len(piece) / play.bytes_per_s)
            if play.trickle_after is not None:
                self._trickle(request, stream)
        if play.stall_after is not None:
            self._wait_for_the_end()

    def _trickle(self, request: Request, stream: BinaryIO) -> None:
        while (piece := stream.read(1)) and not self.hub.ending.wait(0.05):
            self.wfile.write(piece)
            request.sent += 1

    def _wait_for_the_end(self) -> None:
        """Say nothing until the other end goes away or the test is over."""
        self.connection.setblocking(False)
        until = time.monotonic() + 60
        while not self.hub.ending.wait(0.01) and time.monotonic() < until:
            try:
                if not self.connection.recv(1):
                    return
            except BlockingIOError:
                pass

    # Answers

    def _refuse(self, request: Request, status: int, code: str, message: str = "") -> None:
        self._send(status, _error(code, message), json.dumps({"error": message}).encode())

    def _send(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self._head(status, {**headers, "Content-Length": str(len(body))})
        if self.command == "GET":
            self.wfile.write(body)

    def _head(self, status: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()


def _stored(content: bytes | Path | Stored) -> Stored:
    return content if isinstance(content, Stored) else Stored(content)


def _error(code: str, message: str = "") -> dict[str, str]:
    told = {"X-Error-Code": code, "X-Error-Message": message}
    return {name: value for name, value in told.items() if value}
