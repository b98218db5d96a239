"""Downloads of the program itself, as a process: killed at any moment, and while another one hands things over."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psutil
import pytest
from gguf_writer import Tensor, gguf_header
from hub_server import _ENVIRONMENT, HubServer, Play
from test_scan_smoothness import FILES, write_models
from test_two_programs import Home, home, runtime, until

from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.core.units import MIB
from nodetool_xl_desktop.hub.downloads import Downloads, State
from nodetool_xl_desktop.hub.repository import look_up
from nodetool_xl_desktop.library.models import ModelLibrary
from nodetool_xl_desktop.store.store import Store

__all__ = ["home", "runtime"]
REPOSITORY = "org/Many-GGUF"
TWICE_MOST = 8 * MIB
#: The window's program that loads and asks at once, and ends when it is answered.
ANSWERING = """
import sys
from pathlib import Path
from nodetool_xl_desktop import app
from nodetool_xl_desktop.core.instance import Instance
from nodetool_xl_desktop.core.paths import Paths
instance = Instance(Paths.default().data)
assert instance.try_begin()
sys.exit(app.run([Path(sys.argv[1])], instance, prompt="Tell a story about a river.", screenshot=None))
"""


def a_model(size: int, seed: int) -> bytes:
    """A model file of about this size that is like no other."""
    tensors: list[Tensor] = [("token_embd.weight", (256, size // 1024), "F32")]
    header = gguf_header({"general.architecture": "llama", "general.name": f"Model {seed}"}, tensors)
    return header + random.Random(seed).randbytes(size // 1024 * 1024)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class Queued:
    """A hub with these models, and a home whose queue holds them all.

    Attributes:
        targets: where each will lie, with its hash.
    """

    def __init__(self, home: Home, hub: HubServer) -> None:
        for name in _ENVIRONMENT:
            home.environment.pop(name, None)
        home.environment["HF_ENDPOINT"] = hub.url
        home.environment["QT_QPA_PLATFORM"] = "offscreen"
        self.hub, self.home = hub, home
        folder = home.paths.models / REPOSITORY
        self.targets = {folder / name: file.told_sha256() for name, file in hub.repositories[REPOSITORY].items()}
        self.size = sum(file.size for file in hub.repositories[REPOSITORY].values())
        asyncio.run(self._fill())

    async def _fill(self) -> None:
        self.hub.always["resolve"] = Play(status=503)
        repository = await look_up(REPOSITORY, endpoint=self.hub.url)
        downloads = Downloads(self.home.paths.downloads_file, lambda: self.home.paths.models)
        for file in repository.files:
            await downloads.add(repository, [file])
        await downloads.close()
        self.hub.always.clear()

    def states(self) -> set[str]:
        return {each["state"] for each in json.loads(self.home.paths.downloads_file.read_bytes())["downloads"]}

    def here(self) -> set[Path]:
        """Those that have their name; each is right to the byte."""
        found = {path for path in self.targets if path.exists()}
        for path in found:
            assert sha256(path.read_bytes()) == self.targets[path], path
        return found

    def come(self) -> int:
        """One more program brings the rest; then all is in My Models, and nothing else in the folder.

        Returns how many models there are.
        """
        self.hub.always.clear()
        program = self.home.open()
        until(lambda: self.states() == {State.DONE.name}, "all is done")
        self.home.close(program)
        assert self.here() == set(self.targets)
        left = {path for path in self.home.paths.models.rglob("*") if path.is_file() and REPOSITORY in str(path)}
        assert left == set(self.targets)
        listed = {file.path: file for file in ModelLibrary(self.home.paths, self.home.folder / "user").scan()}
        assert set(self.targets) <= set(listed)
        assert all(listed[path].facts is not None for path in self.targets)
        return len(listed)


@pytest.mark.parametrize("kills", [2, pytest.param(40, marks=pytest.mark.soak)])
def test_killed_at_any_moment(home: Home, kills: int) -> None:
    chance, began = random.Random(), time.monotonic()
    sizes = [chance.choice((1, 3, 6, 12)) * MIB for _ in range(2 * kills)]
    files = {f"Model-{seed}-Q8_0.gguf": a_model(size, seed) for seed, size in enumerate(sizes)}
    cut_off, named = 0, set[Path]()
    with HubServer({REPOSITORY: files}) as hub:
        queued = Queued(home, hub)
        for number in range(kills):
            hub.always["bytes"] = Play(bytes_per_s=chance.choice((2, 4, 8)) * MIB)
            before = hub.served
            program = home.start()
            if number % 4:  # else also before the queue is read
                until(partial(has_served, hub, before + 1), "it goes on")
            time.sleep(chance.uniform(0.0, 1.5))
            assert program.poll() is None
            program.kill()
            program.communicate()
            cut_off += hub.served > before
            now = queued.here()
            assert named <= now, "what was here stays"
            named = now
        twice_before = hub.served
        queued.come()
        twice = hub.served - queued.size
        print(
            f"\n{kills} kills, {cut_off} of them while bytes came, {len(named)} of {len(files)} files had come before "
            f"the last start, {queued.size / 1e6:.0f} MB, {twice_before / 1e6:.0f} MB of them before, "
            f"fetched twice {twice / MIB:.2f} MiB, {time.monotonic() - began:.0f} s"
        )
        assert cut_off
        assert twice <= TWICE_MOST * cut_off


def has_served(hub: HubServer, size: int) -> bool:
    return hub.served >= size


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with HubServer({REPOSITORY: {"One-Q8_0.gguf": a_model(12 * MIB, 1)}, "org/Other-GGUF": {"b.gguf": b"GGUF"}}) as hub:
        yield hub


def has_engine(program: int) -> bool:
    for child in psutil.Process(program).children():
        with contextlib.suppress(psutil.NoSuchProcess):  # other children come and go
            if "--engine-worker" in child.cmdline():
                return True
    return False


@pytest.mark.parametrize("files", [200, pytest.param(FILES, marks=pytest.mark.soak)])
def test_two_programs_while_much_happens(home: Home, hub: HubServer, starter_model: Path, files: int) -> None:
    """The first fetches, scans and answers at once; the second hands over and ends, then so does the first."""
    queued = Queued(home, hub)
    hub.always["bytes"] = Play(bytes_per_s=MIB / 16)  # it is not done before the answer is
    write_models(home.paths.models, files)
    first = subprocess.Popen(
        [sys.executable, "-c", ANSWERING, str(starter_model)],
        env=home.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    home.started.append(first)
    until(lambda: home.running == first.pid, "it listens")
    until(lambda: hub.served, "it fetches")
    until(lambda: has_engine(first.pid), "a model")
    handed = [home.model(f"{number}.gguf") for number in range(2)]
    home.run(*handed, f"{hub.url}/org/Other-GGUF")
    assert first.poll() is None, "it still answers"
    until(lambda: any("org/Other-GGUF" in request.path for request in hub.at("api")), "it is shown")
    assert first.stdout is not None
    begun = first.stdout.read(1)  # of the answer
    first.send_signal(signal.SIGINT)
    assert first.communicate(timeout=60)[1] == ""
    assert first.returncode == 0
    assert home.listed == {starter_model, *handed}
    assert queued.states() == {State.WAITING.name}
    assert queued.here() == set()
    (kept,) = asyncio.run(answers(home.paths))
    assert begun
    assert kept.startswith(begun.strip())
    fetched = hub.served
    assert queued.come() > files
    assert hub.served - queued.size <= TWICE_MOST
    print(f"\n{fetched / 1e6:.0f} MB of {queued.size / 1e6:.0f} before, {len(kept.split())} words of an answer")


async def answers(paths: Paths) -> list[str]:
    """What models said in the chats of a home, where nothing was wrong with them."""
    store = await Store.open(paths.chats)
    try:
        assert not store.notices
        (chat,) = (await store.list.page(limit=10)).chats
        return [each.text.strip() for each in (await store.open_chat(chat.id)).messages.values() if each.role != "user"]
    finally:
        await store.close()
