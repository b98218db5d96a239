"""What can go wrong with a load: each a typed error with a reason and a remedy, and no process left."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import socket
import sys
from pathlib import Path
from typing import Any

import endless_model
import processes
import pytest
import scripted_worker
from engine_runs import OPTIONS, gather, loaded, text_of, user
from gguf_writer import write_gguf

from nodetool_xl_desktop.engine.child import Child, worker_command
from nodetool_xl_desktop.engine.client import Sampling
from nodetool_xl_desktop.engine.errors import EngineError, Fault
from nodetool_xl_desktop.engine.server import EngineServer
from nodetool_xl_desktop.fit.options import LoadOptions
from nodetool_xl_desktop.gguf import read_model

pytestmark = pytest.mark.usefixtures("no_process_left")


async def fault_of(model: Path, command: tuple[str, ...] | None = None, port: int = 0) -> EngineError:
    """The error of a load that fails; whole, and with no process behind it."""
    with pytest.raises(EngineError) as raised:
        await EngineServer.start(model, OPTIONS, command=command, port=port)
    error = raised.value
    assert not processes.children()
    assert model.name in error.what
    assert error.why.strip()
    assert error.hint
    assert "\n" not in str(error)
    return error


def changed(model: Path, folder: Path, old: bytes, new: bytes) -> Path:
    """A copy of a model with other words in its header."""
    assert len(old) == len(new)
    copy = Path(shutil.copy(model, folder / "changed.gguf"))
    with copy.open("r+b") as file:
        head = file.read(4096)
        assert old in head
        file.seek(0)
        file.write(head.replace(old, new))
    return copy


# Files


def cut(model: Path, folder: Path, size: int) -> Path:
    """The beginning of a model."""
    with model.open("rb") as file:
        (folder / "cut.gguf").write_bytes(file.read(size))
    return folder / "cut.gguf"


async def test_a_file_that_was_cut_short(starter_model: Path, tmp_path: Path) -> None:
    error = await fault_of(cut(starter_model, tmp_path, 50_000_000))
    assert error.fault is Fault.TRUNCATED
    assert any("not within the file bounds" in line for line in error.log_tail)


async def test_a_file_that_was_cut_short_in_its_header(starter_model: Path, tmp_path: Path) -> None:
    half = cut(starter_model, tmp_path, read_model(starter_model).data_offset // 2)
    assert (await fault_of(half)).fault is Fault.NOT_A_MODEL


async def test_an_architecture_that_the_engine_does_not_know(starter_model: Path, tmp_path: Path) -> None:
    error = await fault_of(changed(starter_model, tmp_path, b"llama", b"zzama"))
    assert error.fault is Fault.UNKNOWN_ARCHITECTURE
    assert "'zzama'" in error.why
    assert "xllamacpp" in error.hint


@pytest.mark.parametrize(("type_id", "hint"), [(99, "newer engine"), (4, "another quantization")])
async def test_a_tensor_type_that_the_engine_does_not_know(tmp_path: Path, type_id: int, hint: str) -> None:
    tensors = [("token_embd.weight", (256, 4), "Q4_K"), ("blk.0.odd.weight", (256, 4), type_id)]
    error = await fault_of(write_gguf(tmp_path / "odd.gguf", {"general.architecture": "llama"}, tensors))
    assert error.fault is Fault.UNKNOWN_TENSOR_TYPE
    assert f"the type {type_id} of the tensor 'blk.0.odd.weight'" in error.why
    assert hint in error.hint


@pytest.mark.parametrize("type_id", [-1, 1_000_000_000])
async def test_a_number_that_is_no_tensor_type_is_damage(tmp_path: Path, type_id: int) -> None:
    model = write_gguf(tmp_path / "odd.gguf", {"general.architecture": "llama"}, [("a", (256,), type_id)])
    assert (await fault_of(model)).fault is Fault.NOT_A_MODEL


async def test_a_header_that_lacks_something(starter_model: Path, tmp_path: Path) -> None:
    error = await fault_of(changed(starter_model, tmp_path, b"llama.block_count", b"llama.block_cound"))
    assert error.fault is Fault.NOT_A_MODEL
    assert "llama.block_count" in error.why


async def test_a_header_without_its_tensors(tmp_path: Path) -> None:
    model = write_gguf(tmp_path / "bare.gguf", {"general.architecture": "llama"}, [("a", (256,), "F32")])
    assert (await fault_of(model)).fault is Fault.NOT_A_MODEL


@pytest.mark.parametrize("size", [0, 3, 5_000])
async def test_a_file_that_is_no_model(tmp_path: Path, size: int) -> None:
    model = tmp_path / "noise.gguf"
    model.write_bytes(random.Random(size).randbytes(size))
    assert (await fault_of(model)).fault is Fault.NOT_A_MODEL


async def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    error = await fault_of(tmp_path / "moved.gguf")
    assert error.fault is Fault.FILE
    assert "No such file" in error.why


async def test_a_name_that_is_no_text(starter_model: Path, tmp_path: Path) -> None:
    model = tmp_path / os.fsdecode(b"caf\xe9.gguf")
    model.symlink_to(starter_model)
    with pytest.raises(EngineError) as raised:
        await EngineServer.start(model, OPTIONS)
    assert raised.value.fault is Fault.FILE
    assert "name" in raised.value.why
    str(raised.value).encode()  # it can be printed anywhere


async def test_a_name_of_any_letters_is_none(starter_model: Path, tmp_path: Path) -> None:
    model = tmp_path / "na\u00efve \u6a21\u578b \U0001f600 'it''s' \u2028 out of memory.gguf"
    model.symlink_to(starter_model)
    async with loaded(model) as server:
        assert text_of(await gather(server.stream_chat(user("Say hi."), Sampling(0, max_tokens=3))))
        os.kill(server.pid, signal.SIGKILL)
        error = await server.ended()
    assert error is not None
    assert error.fault is Fault.KILLED  # and not for the words in the name of the file


# The machine


@pytest.mark.parametrize("megabytes", [100, 150, 300, 400, 440, 460])
async def test_too_little_memory(starter_model: Path, megabytes: int) -> None:
    """Played with an address space of this size: at some the engine says so, at others it aborts."""
    limit = ("prlimit", f"--as={megabytes * 1_000_000}", *worker_command())
    with pytest.raises(EngineError) as raised:
        await EngineServer.start(starter_model, LoadOptions(4096), command=limit)
    error = raised.value
    assert error.fault is Fault.OUT_OF_MEMORY, "\n".join(error.log_tail)
    assert "memory" in error.why
    assert "Context Length" in error.hint
    assert not any("gdb" in line.lower() for line in error.log_tail)


async def test_a_port_that_is_taken(starter_model: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        error = await fault_of(starter_model, port=port)
    assert error.fault is Fault.PORT
    assert str(port) in error.why


async def test_a_port_that_is_free_is_used(starter_model: Path) -> None:
    with socket.socket() as once:
        once.bind(("127.0.0.1", 0))
        port = once.getsockname()[1]
    server = await EngineServer.start(starter_model, OPTIONS, port=port)
    await server.stop()
    assert server.endpoint.base_url == f"http://127.0.0.1:{port}"


# The child


async def test_a_child_that_is_killed_while_it_loads(tmp_path: Path) -> None:
    loading = asyncio.create_task(fault_of(endless_model.make(tmp_path)))
    os.kill(await asyncio.to_thread(endless_model.wait_until_read), signal.SIGKILL)
    error = await loading
    assert error.fault is Fault.KILLED
    assert "signal 9" in error.why


async def test_cancelling_a_load_leaves_nothing(tmp_path: Path) -> None:
    told: list[float] = []
    model = endless_model.make(tmp_path)
    loading = asyncio.create_task(EngineServer.start(model, OPTIONS, on_progress=told.append))
    await asyncio.to_thread(endless_model.wait_until_read)
    count = len(told)
    await asyncio.sleep(0.5)
    assert len(told) > count  # the progress is told to the end, of a file without a size, too
    assert max(told) < 1
    await cancel(loading)


@pytest.mark.parametrize("turns", range(0, 12, 2))
async def test_cancelling_a_start_at_any_moment_leaves_nothing(tmp_path: Path, turns: int) -> None:
    loading = asyncio.create_task(EngineServer.start(endless_model.make(tmp_path), OPTIONS))
    for _ in range(turns):
        await asyncio.sleep(0)
    await cancel(loading)


async def test_cancelling_the_end_of_a_child_leaves_nothing() -> None:
    """As the end of the program does with a look at the devices that has its answer already."""
    child = await Child.start({"do": "load"}, scripted_worker.command("deaf"))
    assert await child.answer() is not None
    ending = asyncio.create_task(child.end())
    await asyncio.sleep(0.05)
    await cancel(ending)
    assert child.exit_status is not None  # it was waited for, and not only killed


async def cancel(loading: asyncio.Task[Any]) -> None:
    loading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await loading
    assert not processes.children()


async def test_children_that_do_not_do_as_they_should(starter_model: Path) -> None:
    """All at once, as each of them gets its time to end."""
    scripts = {
        "garbage": Fault.UNKNOWN,
        "number": Fault.UNKNOWN,
        "mute": Fault.UNKNOWN,
        "stuck": Fault.UNKNOWN,
        "foreign": Fault.CONNECTION,
        "closed": Fault.CONNECTION,
    }
    starts = [EngineServer.start(starter_model, OPTIONS, command=scripted_worker.command(each)) for each in scripts]
    for error, fault in zip(await asyncio.gather(*starts, return_exceptions=True), scripts.values(), strict=True):
        assert isinstance(error, EngineError)
        assert error.fault is fault
        assert error.why
        assert error.hint
        assert "another program" not in error.why  # it was killed from here, and nobody else did it


@pytest.mark.parametrize("status", [0, 1, 3])
async def test_a_child_that_ends_without_a_word(starter_model: Path, status: int) -> None:
    error = await fault_of(starter_model, scripted_worker.command("silent", str(status)))
    assert error.fault is Fault.UNKNOWN
    assert f"status {status}" in error.why
    assert "said nothing" in error.why


async def test_the_last_words_of_a_child_are_told(starter_model: Path) -> None:
    error = await fault_of(starter_model, scripted_worker.command("last-words", "Flux capacitor exhausted"))
    assert error.fault is Fault.UNKNOWN
    assert "Flux capacitor exhausted" in error.why
    assert error.log_tail == ("Flux capacitor exhausted",)


async def test_a_program_that_is_not_there(starter_model: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await EngineServer.start(starter_model, OPTIONS, command=("/no/such/program",))


async def test_a_child_whose_input_cannot_be_written_is_not_left_behind() -> None:
    with pytest.raises(TypeError):  # a set is no JSON
        await Child.start({"do": {1, 2}}, scripted_worker.command("deaf"))
    assert not processes.children()


# The engine itself


def worker_with(prelude: str) -> tuple[str, ...]:
    """The real worker, in an interpreter where something was done first."""
    return (sys.executable, "-c", f"{prelude}; from nodetool_xl_desktop.engine import worker; worker.main()")


def worker_with_engine(folder: Path, source: str) -> tuple[str, ...]:
    """The real worker, with this in place of the engine."""
    (folder / "xllamacpp.py").write_text(source)
    return worker_with(f"import sys; sys.path.insert(0, {str(folder)!r})")


async def test_no_engine_is_installed(starter_model: Path) -> None:
    error = await fault_of(starter_model, worker_with("import sys; sys.modules['xllamacpp'] = None"))
    assert error.fault is Fault.ENGINE_MISSING
    assert "no engine is installed" in error.why
    assert "doctor" in error.hint


@pytest.mark.parametrize(
    "failure", ["import no_such_module", "raise ImportError('libcudart.so.12: cannot open shared object file')"]
)
async def test_an_engine_that_lacks_a_library(starter_model: Path, tmp_path: Path, failure: str) -> None:
    error = await fault_of(starter_model, worker_with_engine(tmp_path, failure))
    assert error.fault is Fault.LIBRARY_MISSING
    assert "no_such_module" in error.why or "libcudart.so.12" in error.why


@pytest.mark.parametrize(
    ("end", "fault"),
    [
        ("os.kill(os.getpid(), signal.SIGILL)", Fault.ILLEGAL_INSTRUCTION),
        ("os.kill(os.getpid(), signal.SIGSEGV)", Fault.CRASHED),
        ("os.abort()", Fault.ABORTED),
        ("raise MemoryError('std::bad_alloc')", Fault.OUT_OF_MEMORY),
        ("raise ValueError('surprise')", Fault.UNKNOWN),
    ],
)
async def test_an_engine_that_crashes_at_once(starter_model: Path, tmp_path: Path, end: str, fault: Fault) -> None:
    error = await fault_of(starter_model, worker_with_engine(tmp_path, f"import os, signal\n{end}"))
    assert error.fault is fault


async def test_what_an_engine_logs_at_its_very_end_is_read_too(starter_model: Path, tmp_path: Path) -> None:
    """It logs from a thread of its own, which writes its last lines when the process ends in the ordinary way."""
    late = (
        "import atexit, os\n"
        "def __getattr__(name): return CommonParams()\n"
        "class CommonParams:\n"
        "    def __getattr__(self, name): return self.__dict__.setdefault(name, CommonParams())\n"
        "    def __getitem__(self, name): return name\n"
        "class Server:\n"
        "    def __init__(self, params):\n"
        "        atexit.register(os.write, 2, b\"E load: unknown model architecture: 'late'\\n\")\n"
        "        raise RuntimeError('Failed to init server, please check the input params.')\n"
    )
    error = await fault_of(starter_model, worker_with_engine(tmp_path, late))
    assert error.fault is Fault.UNKNOWN_ARCHITECTURE


async def test_a_sandbox_that_hides_oom_score_adj_is_no_fault(starter_model: Path) -> None:
    hidden = (
        "import pathlib; true = pathlib.Path.write_text\n"
        "def write(path, *rest, **more):\n"
        "    if 'oom' in str(path): raise PermissionError(13, 'Permission denied')\n"
        "    return true(path, *rest, **more)\n"
        "pathlib.Path.write_text = write\n"
    )
    async with loaded(starter_model, command=(sys.executable, "-c", hidden + worker_with("pass")[2])) as server:
        assert text_of(await gather(server.stream_chat(user("Say hi."), Sampling(0, max_tokens=3))))
