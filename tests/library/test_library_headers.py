"""The process that reads headers: it outlives every file, or says which one ended it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import hostile_headers
import processes
import psutil
import pytest
from gguf_writer import write_gguf

from nodetool_xl_desktop.core.units import GIB
from nodetool_xl_desktop.library.header_child import HELLO
from nodetool_xl_desktop.library.headers import HeaderReader, Read, scan_command
from nodetool_xl_desktop.library.model_file import Facts, Trouble
from nodetool_xl_desktop.library.walk import never

pytestmark = pytest.mark.usefixtures("no_process_left")
#: Answers as the real one does, but for files that are called "crash" and "hang".
PLAYS = """
import json, os, signal, sys, time
from pathlib import Path
from nodetool_xl_desktop.library.header_child import HELLO, answer
sys.stdout.buffer.write(HELLO); sys.stdout.flush()
for line in sys.stdin:
    path = Path(json.loads(line))
    if "crash" in path.name:
        os.kill(os.getpid(), signal.SIGSEGV)
    if "hang" in path.name:
        time.sleep(1000)
    print(json.dumps(answer(path)), flush=True)
"""


def model(path: Path) -> Path:
    tensors = [("token_embd.weight", (256, 64), "F32")]
    return write_gguf(path, {"general.architecture": "llama"}, tensors)


def read(paths: list[Path], **how: object) -> list[Read]:
    return list(HeaderReader(**how).read(paths, never))  # type: ignore[arg-type]


def test_it_reads_in_order_and_leaves_no_process(tmp_path: Path) -> None:
    paths = [model(tmp_path / f"{number}.gguf") for number in range(20)]
    found = read([*paths, tmp_path / "gone.gguf", tmp_path])
    assert [each.path for each in found] == [*paths, tmp_path / "gone.gguf", tmp_path]
    assert all(isinstance(each.said, Facts) and each.lasts for each in found[:20])
    gone, folder = found[20:]
    assert isinstance(gone.said, Trouble)
    assert isinstance(folder.said, Trouble)
    assert not gone.lasts
    assert not folder.lasts
    assert processes.children() == []


def test_a_file_that_ends_the_process_is_named_and_the_rest_is_read(tmp_path: Path) -> None:
    names = ("a", "crash", "crash-2", "b", "hang", "c", "crash-3", "crash-4", "crash-5", "d", "crash-6")
    paths = [model(tmp_path / f"{name}.gguf") for name in names]
    found = read(paths, command=[sys.executable, "-c", PLAYS], longest_s=1.0)
    assert [each.path for each in found] == paths
    for each in found:
        if each.path.name[0] in "abcd" and "crash" not in each.path.name:
            assert isinstance(each.said, Facts)
        else:
            assert isinstance(each.said, Trouble)
            assert not each.lasts
            assert each.said.why == (
                "it was not read within 1 seconds"
                if "hang" in each.path.name
                else "reading it ended the process that did"
            )


@pytest.mark.parametrize("command", [["/no/such/program"], [sys.executable, "-c", "raise SystemExit(1)"]])
def test_where_no_process_can_be_had_no_file_is_blamed(tmp_path: Path, command: list[str]) -> None:
    paths = [model(tmp_path / f"{number}.gguf") for number in range(3)]
    assert read(paths, command=command) == []


def test_it_stands_back_and_cannot_take_the_memory_of_the_machine(tmp_path: Path) -> None:
    with subprocess.Popen(scan_command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == HELLO
        child = psutil.Process(process.pid)
        assert child.nice() == min(os.nice(0) + 10, 19)
        assert child.rlimit(psutil.RLIMIT_AS)[0] == GIB
        process.send_signal(signal.SIGINT)  # Ctrl+C is for the program
        time.sleep(0.1)
        assert child.is_running()
        process.stdin.close()
        assert process.wait(5) == 0


@pytest.mark.parametrize("count", [60, pytest.param(3000, marks=pytest.mark.soak)])
def test_hostile_headers_are_told_or_read(tmp_path: Path, count: int) -> None:
    paths = []
    for number in range(count):
        content, size = hostile_headers.hostile(number)
        paths.append(tmp_path / f"{number}.gguf")
        paths[-1].write_bytes(content)
        os.truncate(paths[-1], min(size, 2**40))  # no file system has room for what some of them say
    found = read(paths)
    assert [each.path for each in found] == paths
    for each in found:
        assert isinstance(each.said, Facts) or (each.said.what and each.said.why)
        assert not (isinstance(each.said, Trouble) and "ended the process" in each.said.why)
