"""Two programs on one data folder, as processes of their own: one has the window, and the other hands over what it was
asked to open, whatever happens to the first.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
from gguf_writer import write_gguf

from nodetool_xl_desktop.core.instance import Instance, Running
from nodetool_xl_desktop.core.paths import APP_NAME, Paths

PROGRAM = (sys.executable, "-m", "nodetool_xl_desktop")
#: Hands over with little patience, and says what came of it.
IMPATIENT = """
import sys
from pathlib import Path
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.instance import Instance
from nodetool_xl_desktop.ui.one_program import Patience, hand_over
instance = Instance(Path(sys.argv[1]))
assert not instance.try_begin()
try:
    print(hand_over(instance, [Path(name) for name in sys.argv[2:]], Patience(start_s=0.5, answer_s=0.5)))
except UserFacingError as error:
    print(error)
"""


def until(condition: Callable[[], Any], what: str, within_s: float = 60.0) -> None:
    end = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end, f"not within {within_s} s: {what}"
        time.sleep(0.05)


class Home:
    """The folders of one person, and the programs that are started on them."""

    def __init__(self, folder: Path, runtime: Path | None) -> None:
        self.folder = folder
        names = ("XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "HOME")
        self.environment = os.environ | {name: str(folder / "home" / name) for name in names}
        self.environment.pop("XDG_RUNTIME_DIR", None)
        if runtime is not None:
            self.environment["XDG_RUNTIME_DIR"] = str(runtime)
        data = Path(self.environment["XDG_DATA_HOME"]) / APP_NAME
        self.paths = Paths(data, folder / "logs", folder / "cache")
        self.started: list[subprocess.Popen[str]] = []

    def start(self, *arguments: object, cwd: Path | None = None) -> subprocess.Popen[str]:
        program = subprocess.Popen(
            [*PROGRAM, "--offscreen", *map(os.fsencode, map(str, arguments))],
            env=self.environment,
            cwd=cwd,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.started.append(program)
        return program

    def run(self, *arguments: object, cwd: Path | None = None) -> str:
        """Start one that ends by itself with status 0 and nothing on standard error; returns its output."""
        program = self.start(*arguments, cwd=cwd)
        said, wrong = program.communicate(timeout=60)
        assert (program.returncode, wrong) == (0, ""), arguments
        return said

    def open(self, *arguments: object) -> subprocess.Popen[str]:
        """Start one that has the window, and wait until it listens."""
        program = self.start(*arguments)
        until(lambda: self.running == program.pid, "it listens")
        return program

    @property
    def running(self) -> int:
        """The process that listens; 0 for none."""
        running = Instance(self.paths.data).running()
        return running.process if running.address else 0

    @property
    def listed(self) -> set[Path]:
        """The files that were opened."""
        try:
            return {Path(name) for name in json.loads(self.paths.library_file.read_bytes())["models"]}
        except FileNotFoundError:
            return set()

    def model(self, name: str) -> Path:
        """A file that is a model, as far as opening it goes."""
        path = self.folder / "files" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return write_gguf(path, {"general.architecture": "llama"})

    def close(self, program: subprocess.Popen[str]) -> None:
        """End it as Ctrl+C does."""
        program.send_signal(signal.SIGINT)
        assert program.communicate(timeout=30) == ("", "")
        assert program.returncode == 0

    def end(self) -> None:
        for program in self.started:
            program.kill()
            program.communicate()


@pytest.fixture
def runtime() -> Iterator[Path]:
    """Short, as the name of a socket has to be."""
    folder = Path(tempfile.mkdtemp(prefix="run-"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def home(tmp_path: Path, runtime: Path) -> Iterator[Home]:
    home = Home(tmp_path, runtime)
    yield home
    home.end()


def test_the_second_hands_its_files_over_and_ends(home: Home) -> None:
    """Also a relative path, a name that is no UTF-8, and one with everything that a name may hold."""
    first = home.open()
    plain = home.model("plain.gguf")
    odd = home.model("no-utf8-\udcff.gguf")
    worse = home.model("a 'b' \"c\" 100% #1 ?x=1\nnext line\u202e \N{ROCKET}.gguf")
    began = time.monotonic()
    assert home.run("plain.gguf", cwd=plain.parent) == ""
    took_s = time.monotonic() - began
    home.run(odd, worse)
    until(lambda: home.listed == {plain, odd, worse}, "all are listed")
    assert first.poll() is None
    assert home.running == first.pid
    print(f"handed over within {took_s:.2f} s")


def test_with_nothing_to_open_the_first_comes_forward_alone(home: Home) -> None:
    first = home.open()
    home.run()
    assert first.poll() is None
    assert home.listed == set()
    home.close(first)
    left = {each.name for each in home.paths.data.iterdir()}
    assert not {"program.lock", "program.json", ".program.json.new"} & left, "nothing of it stays"


def test_whoever_was_killed_holds_nobody_up(home: Home, runtime: Path) -> None:
    first = home.open()
    assert list(runtime.iterdir())
    first.kill()
    first.wait()
    assert home.running == first.pid, "what it wrote is still there"
    second = home.open(model := home.model("a.gguf"))
    until(lambda: home.listed == {model}, "it opened its own file")
    (socket,) = _ours(runtime)
    assert stat.S_ISSOCK(socket.stat().st_mode)
    home.run(other := home.model("b.gguf"))
    until(lambda: home.listed == {model, other}, "it takes what is handed over")
    home.close(second)
    assert not _ours(runtime)


def _ours(runtime: Path) -> list[Path]:
    """What this program left there; others are asked how the system is set, and may leave something of theirs."""
    return list(runtime.glob("nodetool-xl-desktop*"))


@pytest.mark.parametrize("count", [5, pytest.param(20, marks=pytest.mark.soak)])
def test_many_started_at_once_are_one_window(home: Home, count: int) -> None:
    models = [home.model(f"{number}.gguf") for number in range(count)]
    programs = [home.start(model) for model in models]
    until(lambda: sum(program.poll() is None for program in programs) == 1, "all but one have ended", 110)
    (window,) = [program for program in programs if program.poll() is None]
    assert {program.returncode for program in programs} == {None, 0}
    assert home.running == window.pid
    until(lambda: home.listed == set(models), "every file is opened")
    home.close(window)


def test_a_stopped_one_is_told_of_and_no_second_window_opens(home: Home) -> None:
    first = home.open()
    model = home.model("a.gguf")
    first.send_signal(signal.SIGSTOP)
    said = impatient(home, model)
    assert said == (
        "The window was not opened: another NodeTool XL Desktop is open, but does not answer "
        f"(process {first.pid}). Close that one, or end its process, then try again."
    )
    first.send_signal(signal.SIGCONT)
    home.run(model)
    until(lambda: home.listed == {model}, "it goes on")


def test_one_that_is_only_starting_is_waited_for_so_long(home: Home) -> None:
    instance = Instance(home.paths.data)
    assert instance.try_begin()
    said = impatient(home)
    instance.end()
    assert f"has this data folder, and cannot be reached (process {os.getpid()})" in said


def impatient(home: Home, *models: Path) -> str:
    command = [sys.executable, "-c", IMPATIENT, str(home.paths.data), *map(str, models)]
    done = subprocess.run(command, env=home.environment, capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr == ""
    return done.stdout.strip()


@pytest.mark.parametrize("rounds", [2, pytest.param(40, marks=pytest.mark.soak)])
def test_the_first_ends_while_the_second_comes(home: Home, rounds: int) -> None:
    """At any moment: the second is either heard, or the next one with the window; it never fails."""
    chance, became = random.Random(rounds), set[str]()
    window = home.open()
    for number in range(rounds):
        model = home.model(f"{number}.gguf")
        second = home.start(model)
        time.sleep(chance.uniform(0.0, 0.6))
        window.send_signal(signal.SIGINT)
        assert window.communicate(timeout=30) == ("", "")
        until(partial(has_ended_or_listens, home, second), "one of both has it")
        if second.poll() is None:
            became.add("the window")
            until(partial(is_listed, home, model), "it is opened")
            window = second
        else:
            became.add("heard")
            assert second.returncode == 0
            window = home.open()
    assert became


def has_ended_or_listens(home: Home, program: subprocess.Popen[str]) -> bool:
    return program.poll() is not None or home.running == program.pid


def is_listed(home: Home, model: Path) -> bool:
    return model in home.listed


def test_a_script_works_beside_the_window(home: Home, starter_model: Path) -> None:
    """A picture, an answer, a command: none is handed anything, and none hands anything over."""
    first = home.open()
    picture = home.folder / "picture.png"
    home.run("--screenshot", picture)
    assert picture.is_file()
    command = [*PROGRAM, "ask", str(starter_model), "Say yes.", "--max-tokens", "3"]
    done = subprocess.run(command, env=home.environment, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert home.running == first.pid
    assert not psutil.Process(first.pid).children(recursive=True), "the window loaded nothing"
    home.run(model := home.model("a.gguf"))
    until(lambda: model in home.listed, "the window still takes what is handed over")


def test_other_data_folders_are_other_windows(home: Home, tmp_path: Path, runtime: Path) -> None:
    first = home.open()
    other = Home(tmp_path / "other", runtime)
    try:
        second = other.open()
        other.run(model := other.model("a.gguf"))
        until(lambda: other.listed == {model}, "it goes to its own window")
        assert home.listed == set()
        assert (first.poll(), second.poll()) == (None, None)
    finally:
        other.end()


@pytest.mark.parametrize("where", ["beside", "elsewhere"])
def test_without_a_folder_for_sockets(tmp_path: Path, where: str) -> None:
    """It lies in the data folder, or where that has too long a name, in one that is made for it."""
    folder = Path(tempfile.mkdtemp(prefix="h-")) if where == "beside" else tmp_path / ("x" * 60)
    home = Home(folder, None)
    try:
        first = home.open()
        address = Path(Instance(home.paths.data).running().address)
        assert (address.parent == home.paths.data) is (where == "beside")
        assert stat.S_IMODE(address.stat().st_mode) & 0o077 == 0, "nobody else can reach it"
        home.run(model := home.model("a.gguf"))
        until(lambda: home.listed == {model}, "it is found")
        home.close(first)
        assert not address.exists()
        assert address.parent.exists() is (where == "beside")
    finally:
        home.end()
        if where == "beside":
            shutil.rmtree(folder)


@pytest.mark.parametrize("times", [5, pytest.param(100, marks=pytest.mark.soak)])
def test_the_window_and_another_write_at_once(home: Home, times: int) -> None:
    """The window lists what is handed over, while another program lists something as well: nothing is lost."""
    writer = (
        "import sys\n"
        "from pathlib import Path\n"
        "from nodetool_xl_desktop.core.paths import Paths\n"
        "from nodetool_xl_desktop.library.models import ModelLibrary\n"
        "library = ModelLibrary(Paths.below(Path(sys.argv[1])))\n"
        "[library.add(Path(name)) for name in sys.argv[2:]]\n"
    )
    home.open()
    below = home.paths.data.parent / "root"
    below.mkdir()
    (below / "data").symlink_to(home.paths.data)
    theirs = [home.model(f"theirs-{number}.gguf") for number in range(times)]
    ours = [home.model(f"ours-{number}.gguf") for number in range(times)]
    command = [sys.executable, "-c", writer, str(below), *map(str, theirs)]
    with subprocess.Popen(command, env=home.environment) as other:
        for model in ours:
            home.run(model)
        assert other.wait(timeout=60) == 0
    until(lambda: home.listed == {*theirs, *ours}, "all are listed")


def test_an_instance_is_taken_once(tmp_path: Path) -> None:
    one, other = Instance(tmp_path / "data"), Instance(tmp_path / "data")
    assert other.running() == Running()
    assert one.try_begin()
    assert not other.try_begin()
    one.announce("somewhere")
    assert other.running() == Running(os.getpid(), "somewhere")
    other.announce("elsewhere")
    other.end()
    assert other.running() == Running(os.getpid(), "somewhere"), "who has it not says and ends nothing"
    one.end()
    one.end()
    assert other.running() == Running()
    assert other.try_begin()
    other.end()
    assert not list((tmp_path / "data").iterdir())


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"process": "x"}', b'{"process": {}, "address": 5}', b"\xff"])
def test_what_stands_in_the_note_may_be_anything(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "program.json").write_bytes(content)
    assert Instance(tmp_path).running() == Running()


def test_where_nothing_can_be_locked_the_program_starts(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("no folder")
    instance = Instance(tmp_path / "data")
    assert instance.try_begin()
    instance.announce("somewhere")
    instance.end()
