"""Access tokens: kept by a keyring and nowhere else, whatever the keyring does."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, PasswordDeleteError

from nodetool_xl_desktop.hub.errors import BadEndpoint, BadToken
from nodetool_xl_desktop.hub.tokens import SERVICE, NoKeyring, Tokens

#: Tells which programs a look for the system's keyring starts.
LOOKS = """
import sys
started = []
sys.addaudithook(lambda event, given: started.append(given[0]) if event == "subprocess.Popen" else None)
from nodetool_xl_desktop.hub.tokens import Tokens
Tokens().get("https://hub.example")
print("keyring" in sys.modules, started)
"""


def test_a_look_for_the_keyring_starts_no_program() -> None:
    """Nobody would wait for its end."""
    done = subprocess.run([sys.executable, "-c", LOOKS], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "True []\n"


HUB = "https://huggingface.co"
TOKEN = "hf_AbCdEfGhIjKlMnOpQrStUvWxYz0123"


class Drawer(KeyringBackend):
    """A keyring in memory, with the faults of real ones."""

    priority = 5  # type: ignore[assignment] # as each backend says it

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}
        self.asked = 0
        self.is_locked = False
        self.hangs = threading.Event()
        self.hangs.set()
        self.loses = False

    def get_password(self, service: str, username: str) -> str | None:
        self._answer()
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._answer()
        if not self.loses:
            self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self._answer()
        if (service, username) not in self.kept:
            raise PasswordDeleteError("not found")
        del self.kept[service, username]

    def _answer(self) -> None:
        self.asked += 1
        self.hangs.wait(20)
        if self.is_locked:
            raise KeyringLocked(f"cannot read {TOKEN}")


def test_a_token_is_kept_for_its_hub_alone() -> None:
    drawer = Drawer()
    Tokens(drawer).set(f"{HUB}/", f" {TOKEN}\n")
    assert drawer.kept == {(SERVICE, "https://huggingface.co:443"): TOKEN}
    again = Tokens(drawer)
    assert again.get("https://HuggingFace.co:443/some/path") == TOKEN
    for other in ("http://huggingface.co", "https://huggingface.co:444", "https://mirror.example", "https://hf.co"):
        assert again.get(other) is None
    again.forget(HUB)
    assert again.get(HUB) is None
    assert drawer.kept == {}
    again.forget(HUB)  # what is not there can be forgotten


def test_the_keyring_is_asked_once_for_each_hub() -> None:
    drawer = Drawer()
    tokens = Tokens(drawer)
    for _ in range(5):
        assert tokens.get(HUB) is None
    assert drawer.asked == 1
    tokens.set(HUB, TOKEN)
    before = drawer.asked
    assert tokens.get(HUB) == TOKEN
    assert drawer.asked == before


@pytest.mark.parametrize("token", ["", "  ", "two words", "a\r\nX-Evil: b", "\u20ac", "x" * 1001])
def test_what_is_no_token_is_not_kept(token: str) -> None:
    drawer = Drawer()
    with pytest.raises(BadToken, match="no access token") as caught:
        Tokens(drawer).set(HUB, token)
    assert drawer.asked == 0
    assert not token.strip() or token not in str(caught.value)


def test_what_a_keyring_holds_need_not_be_a_token() -> None:
    drawer = Drawer()
    drawer.kept[SERVICE, "https://huggingface.co:443"] = "a\r\nX-Evil: b"
    assert Tokens(drawer).get(HUB) is None


def test_no_token_for_what_is_no_hub() -> None:
    with pytest.raises(BadEndpoint):
        Tokens(Drawer()).set("ftp://example.org", TOKEN)


@pytest.mark.parametrize("fault", ["locked", "hangs", "loses"])
def test_a_keyring_that_does_not_keep_it_leaves_it_for_the_session(fault: str) -> None:
    drawer = Drawer()
    drawer.is_locked, drawer.loses = fault == "locked", fault == "loses"
    if fault == "hangs":
        drawer.hangs.clear()
    tokens = Tokens(drawer, within_s=0.1)
    begin = time.monotonic()
    with pytest.raises(NoKeyring, match=r"used until the program ends.*unlock or install a keyring") as caught:
        tokens.set(HUB, TOKEN)
    assert TOKEN not in str(caught.value) + repr(tokens)
    assert time.monotonic() - begin < 2
    assert tokens.get(HUB) == TOKEN
    assert Tokens(drawer, within_s=0.1).get(HUB) is None
    drawer.hangs.set()


def test_a_keyring_that_hangs_holds_nobody_up_for_long() -> None:
    drawer = Drawer()
    drawer.hangs.clear()
    tokens = Tokens(drawer, within_s=0.2)
    begin = time.monotonic()
    assert tokens.get(HUB) is None
    assert tokens.get(HUB) is None  # it is not asked again
    assert time.monotonic() - begin < 10
    with pytest.raises(NoKeyring, match="may still be in the keyring"):
        tokens.forget(HUB)
    drawer.hangs.set()


_RUN = """
import asyncio, logging, os, sys
sys.path.insert(0, {tests!r})
from hub_server import HubServer, Play
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.logging import set_up
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.hub.search import Hub, Query
from nodetool_xl_desktop.hub.tokens import NoKeyring, Tokens

paths = Paths.default()
set_up(paths.logs)
logging.getLogger().addHandler(logging.StreamHandler(sys.stderr))
logging.getLogger().setLevel(logging.DEBUG)

async def main():
    token = sys.stdin.read().strip()
    tokens = Tokens()
    with HubServer({{"org/repo": {{"a.gguf": b"a", "README.md": b"# words"}}}}) as server:
        try:
            tokens.set(server.url, token)
            print("kept")
        except NoKeyring as error:
            print(error)
        server.tokens.add(token)
        hub = Hub(server.url, tokens.get(server.url))
        assert hub.has_token
        repository = await hub.repository((await hub.search(Query())).found[0].repo_id)
        await hub.card(repository)
        server.tokens.clear()
        server.play("resolve", Play(status=500), Play(status=500), Play(status=500))
        for attempt in (hub.search(Query()), hub.repository("org/repo"), hub.card(repository)):
            try:
                await attempt
            except UserFacingError as error:
                logging.getLogger("nodetool_xl_desktop").exception("%s %r", error, hub)
                print(error)
            else:
                raise AssertionError("it should have failed")
        assert sum("authorization" in request.headers for request in server.requests) >= 6
        tokens.forget(server.url)

asyncio.run(main())
"""


def run(tmp_path: Path, backend: str) -> str:
    program = _RUN.format(tests=str(Path(__file__).parent.parent))
    home = {"HOME": str(tmp_path), "XDG_DATA_HOME": "", "XDG_CACHE_HOME": "", "XDG_STATE_HOME": "", "HF_DEBUG": "1"}
    ours = {"PYTHON_KEYRING_BACKEND": backend, "HF_HUB_VERBOSITY": "debug", "PYTHONPATH": str(Path(__file__).parent)}
    environment = {**os.environ, **home, **ours}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        input=TOKEN,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Request" in done.stderr  # the logs are there
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files  # the program's own log at least
    for path in files:
        assert TOKEN.encode() not in path.read_bytes(), path
    assert TOKEN not in done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("backend", ["keyring.backends.fail.Keyring", "keyring.backends.null.Keyring"])
def test_a_run_without_a_keyring_writes_the_token_nowhere(tmp_path: Path, backend: str) -> None:
    said = run(tmp_path, backend)
    assert "The token could not be kept" in said
    assert "does not know the access token" in said


def test_a_run_with_a_keyring_hands_it_over_and_writes_it_nowhere_else(tmp_path: Path) -> None:
    assert run(tmp_path, f"{Path(__file__).stem}.{Drawer.__name__}").startswith("kept\n")


def test_keyring_is_not_imported_before_it_is_needed() -> None:
    program = (
        "import sys, nodetool_xl_desktop.hub.search, nodetool_xl_desktop.hub.picks, nodetool_xl_desktop.hub.tokens\n"
        "print('keyring' in sys.modules, 'huggingface_hub' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False False"
