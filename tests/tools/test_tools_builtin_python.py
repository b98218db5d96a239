"""Python that a model wrote runs in a child that can do little, takes little, and is gone afterwards."""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket  # noqa: TID251 - another program's, which must not be reached
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest

from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.network import OffLine
from nodetool_xl_desktop.tools import Result, call, child
from nodetool_xl_desktop.tools.confined import Limits
from nodetool_xl_desktop.tools.python import RunPythonTool

QUICK = Limits(wall_s=5.0, cpu_s=1)


def folders() -> set[Path]:
    return set(Path(tempfile.gettempdir()).glob("nodetool-xl-*"))


async def run(code: str, limits: Limits = QUICK) -> Result:
    before = folders()
    result = await call(RunPythonTool(OffLine(), limits), {"code": code})
    assert folders() <= before, "a folder was left"
    return result


@pytest.mark.parametrize(
    ("code", "printed"),
    [
        ("6 * 7", "42"),
        ("print('a')\nx = 1\nx + 1", "a\n2"),
        ("```python\nprint(1)\n```", "1"),
        ("x = 3", "(the program ended and printed nothing; use print)"),
        ("None", "(the program ended and printed nothing; use print)"),
        ("import sys\nprint('x')\nsys.exit(3)", "x"),
        ("import statistics\nstatistics.mean([1, 2, 6])", "3"),
        ("print('caf\\xe9 \\U0001f600 \\ud800')", "caf\xe9 \U0001f600 \\ud800"),
        ("def f(n):\n    return n and f(n - 1)\nf(10)", "0"),
        ("import threading\nt = threading.Thread(target=print, args=(7,))\nt.start()\nt.join()", "7"),
        ("import asyncio\nasyncio.run(asyncio.sleep(0, 5))", "5"),
        ("open('a', 'w').write('bc')\nprint(open('a').read())", "bc"),
        ("__name__", "'__main__'"),
        ("import shutil\nopen('a', 'w').write('b')\nshutil.copy2('a', 'c')\nprint(open('c').read())", "b"),
    ],
)
async def test_it_says_what_the_program_came_to(code: str, printed: str) -> None:
    assert await run(code) == Result(printed)


async def test_a_fault_is_told_with_the_lines_of_the_program_only() -> None:
    told = (await run("def f():\n    return {}['key']\n\nprint('before')\nf()")).text
    assert told.startswith("before\nTraceback (most recent call last):\n")
    assert told.endswith("KeyError: 'key'")
    assert "File \"<python>\", line 2, in f\n    return {}['key']" in told
    assert "child.py" not in told
    assert "SyntaxError" in (await run("x ==")).text
    assert (await run("input()")).text.endswith("EOFError: EOF when reading a line")


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("import socket\nsocket.socket()", "PermissionError"),
        ("import socket\nsocket.create_connection(('127.0.0.1', 9))", "PermissionError"),
        ("import urllib.request\nurllib.request.urlopen('http://127.0.0.1:9/')", "Operation not permitted"),
        ("import os\nos.fork()", "PermissionError"),
        ("import subprocess\nsubprocess.run(['true'])", "PermissionError"),
        ("import os\nos.system('true') and print('refused')", "refused"),
        ("import os\nos.execv('/bin/true', ['true'])", "PermissionError"),
        ("import os\nos.kill(os.getppid(), 9)", "PermissionError"),
        ("import os\nos.listdir('/proc')", "PermissionError"),
        ("open('/etc/passwd')", "PermissionError"),
        ("import os\nos.chown('.', 1, 1)", "PermissionError"),
        ("import socket\nprint(socket.socketpair()[0].fileno() > 0)", "True"),
        ("import socket\nsocket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)", "PermissionError"),
        ("import socket\nsocket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)", "PermissionError"),
        ("import fcntl, os\nfcntl.fcntl(os.pipe()[0], 8, os.getppid())", "PermissionError"),
        ("import fcntl, os\nfcntl.fcntl(os.pipe()[0], 10, 9)", "PermissionError"),
        ("import fcntl, os\nprint(fcntl.fcntl(os.pipe()[0], fcntl.F_GETFL))", "0"),
        ("import ctypes\nprint(ctypes.CDLL(None).prctl(1, 0, 0, 0, 0))", "-1"),
        ("import os\nos.sched_setaffinity(os.getppid(), {0})", "PermissionError"),
        ("import ctypes\nprint(ctypes.CDLL(None).msgget(0, 0o1600))", "-1"),
        ("import ctypes\nprint(ctypes.CDLL(None).inotify_add_watch(ctypes.CDLL(None).inotify_init(), b'/', 2))", "-1"),
        ("import os\nos.listdir(os.path.dirname(os.getcwd()))", "PermissionError"),
        ("open('../evil', 'w')", "PermissionError"),
        ("open('big', 'wb').write(bytes(30_000_000))", "File too large"),
        ("bytes(3_000_000_000)", "MemoryError"),
        ("[open('a', 'w') for _ in range(100)]", "Too many open files"),
        ("import resource\nresource.setrlimit(resource.RLIMIT_CPU, (99, 99))", "ValueError"),
    ],
)
@pytest.mark.skipif(sys.platform != "linux", reason="what else keeps it is said of Linux only")
async def test_it_reaches_nothing_but_itself(code: str, error: str) -> None:
    assert error in (await run(code)).text


@pytest.mark.skipif(sys.platform != "linux", reason="files are shut off on Linux only")
async def test_no_file_of_the_person_is_seen(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("word")
    for code in (f"open({str(secret)!r}).read()", f"import os\nos.symlink({str(secret)!r}, 'l')\nopen('l').read()"):
        told = (await run(code)).text
        assert "PermissionError" in told
        assert "word" not in told.replace("password", "")
    await run(f"import os\nos.remove({str(secret)!r})")
    assert secret.read_text() == "word"
    before = secret.stat()
    await run(f"import os\nos.chmod({str(secret)!r}, 0o777)\nos.utime({str(secret)!r}, (1, 1))")
    await run(f"import os\nos.setxattr({str(secret)!r}, 'user.mark', b'x')")
    assert secret.stat() == before
    assert not os.listxattr(secret)


@pytest.mark.skipif(sys.platform != "linux", reason="what else keeps it is said of Linux only")
async def test_no_other_program_hears_of_it(tmp_path: Path) -> None:
    place = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as others:
        others.bind(place)
        others.setblocking(False)
        for kind in ("STREAM", "DGRAM"):
            await run(f"import socket\nsocket.socketpair(type=socket.SOCK_{kind})[0].sendto(b'x', {place!r})")
        with pytest.raises(BlockingIOError):
            others.recv(10)


#: Where Linux says them: arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h.
HEADERS = (Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"), Path("/usr/include/asm-generic/unistd.h"))


@pytest.mark.skipif(not all(map(Path.exists, HEADERS)), reason="the headers of Linux are not there")
def test_the_numbers_are_those_of_linux() -> None:
    known = {**child._REFUSED, **child._PRETENDED} | {name: said[0] for name, said in child._REFUSED_WITH.items()}
    known |= {"socketpair": child._SOCKETPAIR, "clone3": child._CLONE3, "clone": child._CLONE}
    known |= {"tgkill": child._TGKILL, "prlimit64": child._PRLIMIT}
    for column, header in enumerate(HEADERS):
        said = dict(re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", header.read_text()))
        newest = max(int(number) for name, number in said.items() if name != "syscalls")
        ours = {name: numbers[column] for name, numbers in known.items() if numbers[column] <= newest}
        assert ours == {name: int(said.get(name, -1)) for name in ours}


async def test_it_ends_when_it_fills_the_disk() -> None:
    began = time.perf_counter()
    many = "n = 0\nwhile True:\n    open(str(n), 'wb').write(bytes({}))\n    n += 1"
    limits = Limits(wall_s=20.0, cpu_s=15, folder_size=20 * units.MIB)
    told = "it filled its folder with more than 20 MiB, or too many files"
    assert told in (await run(many.format(1_000_000), limits)).error
    assert told in (await run(many.format(0), limits)).error
    assert time.perf_counter() - began < 15


async def test_nothing_of_the_environment_goes_along(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "secret")
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    told = (await run("import os, sys\nprint(dict(os.environ), sys.path)")).text
    assert "secret" not in told
    assert "/somewhere" not in told


async def test_it_ends_when_its_time_is_up() -> None:
    began = time.perf_counter()
    result = await run("print('began', flush=True)\nimport time\ntime.sleep(60)", Limits(wall_s=0.5, cpu_s=1))
    assert result.error == "The program was ended: it took longer than 0.5 s. What it printed last: began."
    assert "1 s of processor time" in (await run("while True: pass")).error
    assert time.perf_counter() - began < 5


async def test_it_ends_when_it_prints_without_end_and_long_output_is_cut() -> None:
    assert "printed without end" in (await run("while True: print('z' * 1000)")).error
    told = (await run("print('a' * 20000, 'b' * 20000)")).text
    assert told.startswith("aaa")
    assert told.endswith("bbb")
    assert "characters left out" in told
    assert len(told) < 16_000


async def test_a_crash_of_it_is_told() -> None:
    assert "SIGSEGV" in (await run("import ctypes\nctypes.string_at(0)")).error


async def test_whatever_it_makes_is_removed(tmp_path: Path) -> None:
    await run("import os\nfor _ in range(2100):\n    os.mkdir('d')\n    os.chdir('d')")
    await run(
        "import os\nos.makedirs('a/b')\nopen('a/b/c', 'w')\n"
        "for at in ('a/b', 'a', '.'):\n    os.fchmod(os.open(at, os.O_RDONLY), 0)"
    )
    kept = tmp_path / "kept"
    kept.write_text("kept")
    await run(f"import os\nos.symlink({str(tmp_path)!r}, 'folder')\nos.mkfifo('pipe')")
    assert kept.read_text() == "kept"


async def test_who_stops_it_kills_it() -> None:
    running = asyncio.create_task(
        call(RunPythonTool(OffLine(), Limits(30, 5)), {"code": "import time\ntime.sleep(30)"})
    )
    me = psutil.Process()
    async with asyncio.timeout(5):
        while not (children := me.children()):  # noqa: ASYNC110 - the system tells nobody
            await asyncio.sleep(0.01)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert not psutil.wait_procs(children, timeout=20)[1]


async def test_while_off_line_nothing_is_run() -> None:
    off_line = OffLine(is_on=True)
    tool = RunPythonTool(off_line, QUICK)
    result = await call(tool, {"code": "open('/tmp/nodetool-ran', 'w')"})
    assert result.error.startswith("The Python program was not run: the program works off line.")
    assert not psutil.Process().children()
    off_line.is_on = False
    assert (await call(tool, {"code": "1"})).text == "1"


@pytest.mark.skipif(sys.platform != "linux", reason="what the text says differs")
def test_a_person_is_told_what_it_may() -> None:
    caution = RunPythonTool(OffLine()).caution
    assert "20 s" in caution
    assert "1.00 GiB" in caution
    assert "Landlock" in caution


def test_the_program_itself_is_the_child_where_it_is_frozen() -> None:
    request = {"do": "run", "code": "6 * 7", "folder": "", "cpu_s": 2, "memory": units.GIB, "file_size": 0}
    done = subprocess.run(
        [sys.executable, "-m", "nodetool_xl_desktop", "--tool-child"],
        input=json.dumps(request | {"parent_pid": os.getpid()}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "42\n"), done.stderr
