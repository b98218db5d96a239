"""What a download costs beside plain reading: bytes a second from a server on this machine, and processor time.

Server, plain reader and queue are processes of their own. The plain reader keeps nothing and checks nothing: it is what
the network alone would give.
"""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

TESTS = Path(__file__).parent.parent
sys.path[:0] = [str(TESTS.parent), str(TESTS)]

from hub_server import HubServer, Stored
from table import Row, row, show

from nodetool_xl_desktop.hub.downloads import Downloads, State
from nodetool_xl_desktop.hub.repository import look_up

SIZE = 1 << 30
ROUNDS = 3
NAME = "big-Q4_K_M.gguf"


def rows() -> list[Row]:
    """In turns: plain reading, and the queue with its hash and its file."""
    figures: dict[str, list[dict[str, float]]] = {"plain": [], "queue": []}
    with tempfile.TemporaryDirectory() as folder:
        stored = Path(folder) / "stored"
        with stored.open("wb") as stream:
            stream.truncate(SIZE)
        with _child("serve", folder) as server:
            assert server.stdout
            url = server.stdout.readline().strip()
            for number in range(ROUNDS):
                for kind, said in figures.items():
                    with _child(kind, url, f"{folder}/{number}") as reader:
                        assert reader.stdout
                        said.append(json.loads(reader.stdout.readline()))
            assert server.stdin
            server.stdin.close()

    def of(kind: str, name: str) -> list[float]:
        return [each[name] for each in figures[kind]]

    plain = "plain reading, nothing kept"
    return [
        row("the queue, hashed and stored", "MB/s", of("queue", "mb_per_s"), "", (plain, of("plain", "mb_per_s"))),
        row("the queue: processor time", "s/GB", of("queue", "s_per_gb"), "", (plain, of("plain", "s_per_gb"))),
        row("largest gap of a loop beside it", "ms", of("queue", "late_ms"), "most below 50"),
    ]


def _child(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, __file__, *arguments]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _told(began: float, used: float) -> str:
    took, work = time.perf_counter() - began, time.process_time() - used
    return json.dumps({"mb_per_s": SIZE / took / 1e6, "s_per_gb": work / SIZE * 1e9})


def serve(folder: str) -> None:
    with HubServer({"org/repo": {NAME: Stored(Path(folder) / "stored")}}) as hub:
        hub.repositories["org/repo"][NAME].told_sha256()
        print(hub.url, flush=True)
        sys.stdin.read()


def plain(url: str, _folder: str) -> None:
    began, used = time.perf_counter(), time.process_time()
    address = f"{url}/org/repo/resolve/main/{NAME}"
    while address:
        parts = urlsplit(address)
        connection = http.client.HTTPConnection(parts.netloc)
        connection.request("GET", f"{parts.path}?{parts.query}")
        response = connection.getresponse()
        address = response.headers.get("location", "")
    while response.read(1 << 20):
        pass
    print(_told(began, used))


def queue(url: str, folder: str) -> None:
    async def fetched() -> str:
        repository = await look_up("org/repo", endpoint=url)
        home = Path(folder)
        downloads = Downloads(home / "downloads.json", lambda: home / "models")
        downloads.start()
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()

        def look() -> None:
            if downloads.all and downloads.all[0].state is State.DONE:
                loop.call_soon_threadsafe(ended.set)

        downloads.listen(look)
        ticking = asyncio.create_task(tick())
        began, used = time.perf_counter(), time.process_time()
        await downloads.add(repository, repository.files)
        await ended.wait()
        told = _told(began, used)
        ticking.cancel()
        await downloads.close()
        return json.dumps({**json.loads(told), "late_ms": max(late)})

    late = [0.0]

    async def tick() -> None:
        """As the window's loop would: how late is a timer of 10 ms in this thread?"""
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.01)
            late.append((time.perf_counter() - before) * 1000 - 10)

    print(asyncio.run(fetched()))
    with next(Path(folder).rglob("*.gguf")).open("rb") as stream:
        assert hashlib.file_digest(stream, "sha256").hexdigest() == _sha256_of_zeros()
    next(Path(folder).rglob("*.gguf")).unlink()


def _sha256_of_zeros() -> str:
    digest = hashlib.sha256()
    for _ in range(SIZE >> 20):
        digest.update(bytes(1 << 20))
    return digest.hexdigest()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        {"serve": serve, "plain": plain, "queue": queue}[sys.argv[1]](*sys.argv[2:])
    else:
        show(rows())
