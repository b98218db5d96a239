"""Off line no code path connects: the interpreter's own audit is the witness, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

_PROGRAM = """
import asyncio, sys
seen = []
def watch(event, args):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "socket.sendmsg"):
        seen.append((event, args[1:] if event == "socket.connect" else args))
sys.addaudithook(watch)

from pathlib import Path
from huggingface_hub import HfApi
from nodetool_xl_desktop import hub
from nodetool_xl_desktop.hub import session
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.network import OffLine, metadata_client
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.core.units import GIB
from nodetool_xl_desktop.fit.memory import HostMemory, Machine
from nodetool_xl_desktop.hub.card import read_card
from nodetool_xl_desktop.hub.downloads import Downloads
from nodetool_xl_desktop.hub.picks import picks
from nodetool_xl_desktop.hub.repository import HubFile, Repository
from nodetool_xl_desktop.hub.search import Hub, Query, Results
from nodetool_xl_desktop.hub.tokens import Tokens
from nodetool_xl_desktop.preview.remote import RemoteModels, inspect
from nodetool_xl_desktop.preview.verdicts import judge_exactly, judged
from nodetool_xl_desktop.tools import call
from nodetool_xl_desktop.tools.mcp import McpServers
from nodetool_xl_desktop.tools.mcp.settings import Http

END = sys.argv[1]
here = Path(sys.argv[2])
file = HubFile("a-Q4_K_M.gguf", 1000, "0" * 64)
repository = Repository("org/repo", "0" * 40, (file,), END)
machine = Machine(HostMemory(8 * GIB, 8 * GIB))

async def all_of(verdicts):
    return [each async for each in verdicts]

def attempts(off_line):
    remote = RemoteModels(here / "headers", endpoint=END)
    hub_ = Hub(END, "hf_token")
    yield "search", lambda: hub_.search(Query("x"))
    yield "next page", lambda: Results(hub_, Query()).next()
    yield "repository", lambda: hub_.repository("org/repo")
    yield "card", lambda: hub_.card(repository)
    yield "card alone", lambda: read_card(repository, token="hf_token")
    yield "look up", lambda: hub.look_up("org/repo", endpoint=END)
    yield "header", lambda: hub.read_remote_header(repository, file)
    yield "model", lambda: hub.read_remote_model(hub.parse_address(f"{END}/x.gguf"))
    yield "stamp", lambda: hub.read_stamp(hub.parse_address(f"{END}/x.gguf"))
    yield "file", lambda: hub.fetch(repository, file, into=here / "models")
    yield "set", lambda: hub.fetch_all(repository, (file,), into=here / "models")
    yield "inspect", lambda: inspect(f"{END}/x.gguf")
    yield "plan's model", lambda: remote.inspect_file(repository, file)
    yield "verdicts", lambda: all_of(judged(remote, repository, machine))
    yield "exact verdict", lambda: judge_exactly(remote, repository, hub.candidates((file,))[0], machine)

async def main():
    off_line = OffLine(is_on=True)
    for name, attempt in attempts(off_line):
        try:
            await attempt()
        except UserFacingError as error:
            assert "works off line" in str(error), (name, error)
        else:
            raise AssertionError(name)
    session.install()
    api = HfApi(endpoint=END)
    for library in (lambda: api.model_info("org/repo"), lambda: list(api.list_models()), lambda: api.whoami("hf_x"),
                    lambda: metadata_client(lambda url: True)):
        try:
            library()
        except UserFacingError as error:
            assert "works off line" in str(error), error
        else:
            raise AssertionError("huggingface_hub was let through")
    assert picks()
    assert Tokens().get(END) is None

    downloads = Downloads(here / "downloads.json", lambda: here / "models")
    downloads.start()
    await downloads.add(repository, (file,))
    await asyncio.sleep(0.5)
    assert not any(each.done for each in downloads.all)
    await downloads.close()

    servers = McpServers(Paths.default(), off_line)
    await servers.load()
    await servers.add("Test", Http(f"{END}/mcp"))
    await servers.wake()
    await servers.close()

    ours = [each for each in seen if not is_own(each)]
    assert not ours, ours

    off_line.is_on = False
    for name, attempt in attempts(off_line):
        before = len(seen)
        task = asyncio.ensure_future(attempt())
        while not task.done() and len(seen) == before:
            await asyncio.sleep(0.005)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert len(seen) > before, f"{name}: the watch does not see, or nothing is asked"
    print("nothing was connected")

def is_own(each):
    # A pair of sockets in the machine, with which an event loop is woken, connects to nothing.
    return isinstance(each[1], (str, bytes))

asyncio.run(main())
"""


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:9"])
def test_no_code_path_connects(tmp_path: Path, endpoint: str) -> None:
    home = {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    keyring = {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, endpoint, str(tmp_path)],
        env={**os.environ, **home, **keyring},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout == "nothing was connected\n", done.stderr
