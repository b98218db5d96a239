"""`ask MODEL PROMPT`, as a person types it."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import processes
import pytest
from command_line import command, environment, failure_of, run

pytestmark = pytest.mark.usefixtures("no_process_left")

LONG = "Write a very long story about a ship and its crew, with many chapters."


def ask(home: Path, model: Path, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return run(home, "ask", model, *arguments, **options)


def ask_for_json(home: Path, model: Path, *arguments: str) -> dict[str, Any]:
    done = ask(home, model, *arguments, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    (line,) = done.stdout.splitlines()
    answer: dict[str, Any] = json.loads(line)
    return answer


# Answers


def test_the_answer_goes_to_standard_output_and_nothing_else_does(tmp_path: Path, starter_model: Path) -> None:
    done = ask(tmp_path, starter_model, "What is a ship?", "--max-tokens", "6", "--temperature", "0")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("\n")
    assert len(done.stdout.split()) > 3
    again = ask(tmp_path, starter_model, "What is a ship?", "--max-tokens", "6", "--temperature", "0")
    assert again.stdout == done.stdout
    assert not list(tmp_path.iterdir())  # it leaves nothing behind


def test_the_answer_streams(tmp_path: Path, starter_model: Path) -> None:
    arguments = command("ask", starter_model, LONG, "--max-tokens", "24")
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, env=environment(tmp_path)) as process:
        assert process.stdout is not None
        pieces = []
        while piece := os.read(process.stdout.fileno(), 65_536):
            pieces.append(piece)
    assert process.returncode == 0
    assert len(pieces) > 10


def test_the_object_has_what_is_documented(tmp_path: Path, starter_model: Path) -> None:
    answer = ask_for_json(
        tmp_path, starter_model, "Count from one to twenty.", "--max-tokens", "9", "--temperature", "0"
    )
    assert set(answer) == {"text", "finish_reason", "usage", "timings"}
    assert answer["text"].strip()
    assert answer["finish_reason"] == "length"
    usage = answer["usage"]
    assert set(usage) == {"prompt_tokens", "completion_tokens", "cached_tokens"}
    assert usage["completion_tokens"] == 9
    assert usage["prompt_tokens"] > 9
    assert usage["cached_tokens"] == 0
    timings = answer["timings"]
    assert set(timings) == {"load_s", "ttft_s", "prompt_tokens_per_s", "decode_tokens_per_s"}
    assert all(value > 0 for value in timings.values())
    assert timings["ttft_s"] < timings["load_s"] + 30


def test_an_answer_that_ends_by_itself_says_stop(tmp_path: Path, starter_model: Path) -> None:
    answer = ask_for_json(tmp_path, starter_model, "Say hi.", "--temperature", "0")
    assert answer["finish_reason"] == "stop"


def test_a_system_prompt_is_sent(tmp_path: Path, starter_model: Path) -> None:
    system = "You are a pirate. " * 20
    answer = ask_for_json(tmp_path, starter_model, "Hi", "--system", system, "--max-tokens", "2")
    assert answer["usage"]["prompt_tokens"] > 80


def test_a_prompt_that_is_no_text_is_answered_all_the_same(tmp_path: Path, starter_model: Path) -> None:
    done = ask(tmp_path, starter_model, os.fsdecode(b"Say \xff hi."), "--max-tokens", "3")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_context_above_the_maximum_is_loaded_as_asked_with_a_warning(tmp_path: Path, starter_model: Path) -> None:
    done = ask(tmp_path, starter_model, "Hi", "--max-tokens", "2", "--context", "10240")
    assert done.returncode == 0
    assert done.stdout.strip()
    (warning,) = done.stderr.splitlines()
    assert "8,192 tokens" in warning


# Tools

SUM = ["What is 12 times 17?", "--tools", "calculator", "--tool-choice", "calculator", "--temperature", "0"]


def test_calls_and_results_go_to_standard_error_and_the_answer_to_standard_output(
    tmp_path: Path, starter_model: Path
) -> None:
    done = ask(tmp_path, starter_model, *SUM, "--yes", "--max-tokens", "60")
    assert done.returncode == 0
    assert done.stderr.splitlines()[:2] == ["Call (forced): calculator(expression='12 * 17')", "Result: 204"]
    assert done.stdout.strip()
    assert done.stdout.endswith("\n")
    assert "(forced)" not in done.stdout


def test_the_object_has_every_call(tmp_path: Path, starter_model: Path) -> None:
    both = [word.replace("calculator", "calculator,clock") if at == 2 else word for at, word in enumerate(SUM)]
    done = ask(tmp_path, starter_model, *both, "--yes", "--max-tokens", "60", "--json")
    assert done.returncode == 0
    answer = json.loads(done.stdout)
    assert answer["text"].strip()
    first = answer["calls"][0]
    assert first.pop("id")
    assert json.loads(first.pop("raw")) == {"name": "calculator", "arguments": {"expression": "12 * 17"}}
    assert first == {
        "name": "calculator",
        "arguments": {"expression": "12 * 17"},
        "making": "forced",
        "result": "204",
    }


def test_nothing_is_run_where_nobody_can_be_asked(tmp_path: Path, starter_model: Path) -> None:
    done = ask(tmp_path, starter_model, *SUM, "--max-tokens", "60", stdin=subprocess.DEVNULL)
    assert done.returncode == 0
    call, why, error, *_ = done.stderr.splitlines()
    assert "calculator(" in call
    assert "--yes" in why
    assert "not allowed" in error
    assert done.stdout.strip()


def read_until(terminal: int, words: str) -> None:
    """Read what the terminal shows until it shows these words."""
    shown = b""
    while words.encode() not in shown:
        piece = os.read(terminal, 4096)
        assert piece, shown
        shown += piece


@contextlib.contextmanager
def asked(home: Path, model: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A program that asks on a terminal whether a call may run, and the other end of that terminal."""
    master, slave = pty.openpty()
    arguments = command("ask", model, *SUM, "--max-tokens", "60")
    pipes = {"stdin": slave, "stdout": subprocess.PIPE, "stderr": slave}
    with subprocess.Popen(arguments, env=environment(home), start_new_session=True, **pipes) as process:
        os.close(slave)
        os.write(master, b"y\n")  # typed before there was a question: no answer to it
        read_until(master, "[N]o: ")
        yield process, master
    os.close(master)


@pytest.mark.parametrize(
    ("reply", "shown"),
    [(b"y\n", "Result: 204"), (b"a\n", "Result: 204"), (b"\n", "not allowed"), (b"\x04", "not allowed")],
    ids=["yes", "all", "no", "end"],
)
def test_a_person_is_asked_before_a_call(tmp_path: Path, starter_model: Path, reply: bytes, shown: str) -> None:
    with asked(tmp_path, starter_model) as (process, terminal):
        time.sleep(0.3)
        assert process.poll() is None
        os.write(terminal, reply)
        read_until(terminal, shown)
        assert process.stdout is not None
        assert process.stdout.read().strip()
        assert process.wait(30) == 0


def test_ctrl_c_is_heard_while_a_person_is_asked(tmp_path: Path, starter_model: Path) -> None:
    with asked(tmp_path, starter_model) as (process, _):
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(10) == 130


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--tools", "calculator,knife"], "no tool 'knife'; there are calculator, clock"),
        (["--tools", ""], "no tool ''"),
        (["--yes"], "--tools"),
        (["--tools", "clock", "--tool-choice", "calculator"], "'calculator' is none of auto, required, clock"),
    ],
)
def test_wrong_use_of_tools(tmp_path: Path, starter_model: Path, arguments: list[str], word: str) -> None:
    done = ask(tmp_path, starter_model, "Hi", *arguments)
    assert done.returncode == 2
    assert word in done.stderr


# Failures


def test_a_prompt_that_is_longer_than_the_context(tmp_path: Path, starter_model: Path) -> None:
    line = failure_of(ask(tmp_path, starter_model, "word " * 1000, "--context", "256"))
    assert "no longer fits" in line
    assert "256" in line
    assert "Context Length" in line


def test_a_failed_answer_is_an_object_too(tmp_path: Path, starter_model: Path) -> None:
    done = ask(tmp_path, starter_model, "word " * 1000, "--context", "256", "--json")
    failure_of(done)
    answer = json.loads(done.stdout)
    assert answer["finish_reason"] == "error"
    assert answer["text"] == ""


def test_files_that_cannot_be_loaded(tmp_path: Path, starter_model: Path) -> None:
    with starter_model.open("rb") as file:
        head = file.read(4096)
        rest = file.read()
    files = {
        "gone.gguf": (None, "no such file"),
        "page.gguf": (b"<!DOCTYPE html>" + b" " * 100, "web page"),
        "noise.gguf": (b"\x07" * 1000, "not a GGUF"),
        "empty.gguf": (b"", "empty"),
        "cut.gguf": ((head + rest)[:5_000_000], "5,000,000"),
        "strange.gguf": (head.replace(b"llama", b"zzama") + rest, "'zzama'"),
    }
    for name, (content, word) in files.items():
        if content is not None:
            (tmp_path / name).write_bytes(content)
        done = ask(tmp_path / "home", tmp_path / name, "Hi")
        line = failure_of(done)
        assert name in line
        assert word in line
        assert done.stdout == ""


def test_too_little_memory(tmp_path: Path, starter_model: Path) -> None:
    """Played with a small address space, which the engine's process inherits."""
    limited = ["prlimit", "--as=700000000", *command("ask", starter_model, "Hi", "--context", "100000")]
    done = subprocess.run(limited, env=environment(tmp_path), capture_output=True, text=True, timeout=60, check=False)
    line = failure_of(done)  # one line, though there would be a warning of that context, too
    assert "memory" in line
    assert "Context Length" in line


def test_no_engine(tmp_path: Path, starter_model: Path) -> None:
    (tmp_path / "xllamacpp.py").write_text("raise ModuleNotFoundError('No module named xllamacpp', name='xllamacpp')")
    line = failure_of(ask(tmp_path, starter_model, "Hi", more={"PYTHONPATH": str(tmp_path)}))
    assert "no engine is installed" in line
    assert "doctor" in line


def test_modules_in_the_working_directory_are_not_run(tmp_path: Path, starter_model: Path) -> None:
    for name in ("json", "xllamacpp", "nodetool_xl_desktop"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('this was run')")
    options = {"cwd": tmp_path, "more": {"PYTHONSAFEPATH": "1"}}  # as the installed command has it
    done = ask(tmp_path, starter_model, "Hi", "--max-tokens", "2", **options)
    assert (done.returncode, done.stderr) == (0, "")


# Interruptions


def begun(home: Path, model: Path) -> subprocess.Popen[bytes]:
    """A long answer, of which the first words have come."""
    arguments = command("ask", model, LONG)
    process = subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(home), start_new_session=True
    )
    assert process.stdout is not None
    assert process.stdout.read(5)
    return process


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM)])
def test_ctrl_c_and_a_polite_end_leave_no_engine(
    tmp_path: Path, starter_model: Path, number: signal.Signals, status: int
) -> None:
    with begun(tmp_path, starter_model) as process:
        assert len(processes.children()) == 2
        os.kill(process.pid, number)
        assert process.wait(10) == status
        assert all(processes.is_gone(child.pid, 5) for child in processes.children())
        assert process.stderr is not None
        assert process.stderr.read() == b""


@pytest.mark.parametrize("delay_s", [0.0, 0.15])
def test_ctrl_c_while_it_loads_leaves_no_engine(tmp_path: Path, starter_model: Path, delay_s: float) -> None:
    arguments = command("ask", starter_model, LONG)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(arguments, env=environment(tmp_path), start_new_session=True, **pipes) as process:
        deadline = time.monotonic() + 20
        while len(processes.children()) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.005)
        time.sleep(delay_s)
        os.kill(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=10)
    assert process.returncode == 130
    assert err == b""


def test_a_kill_leaves_no_engine(tmp_path: Path, starter_model: Path) -> None:
    with begun(tmp_path, starter_model) as process:
        engines = [child.pid for child in processes.children() if child.pid != process.pid]
        assert len(engines) == 1
        process.kill()
        process.wait(5)
        gone = processes.is_gone(engines[0], 5)
        processes.end(engines[0])
        assert gone


def test_a_reader_that_has_seen_enough_is_no_failure(tmp_path: Path, starter_model: Path) -> None:
    with begun(tmp_path, starter_model) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait(20) == 0
        assert process.stderr is not None
        assert process.stderr.read() == b""


def test_the_terminal_shows_that_it_loads_and_is_clean_afterwards(tmp_path: Path, starter_model: Path) -> None:
    for model, end in ((starter_model, b""), (tmp_path / "strange.gguf", b"could not be loaded")):
        if end:
            model.write_bytes(starter_model.read_bytes().replace(b"llama", b"zzama", 1))
        master, slave = pty.openpty()
        arguments = command("ask", model, "Hi", "--max-tokens", "2")
        with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=slave, env=environment(tmp_path)) as process:
            os.close(slave)
            shown = b""
            try:
                while piece := os.read(master, 65_536):
                    shown += piece
            except OSError:  # Linux's way to say that the other end is closed
                pass
            os.close(master)
            assert process.wait(20) == (1 if end else 0)
        loading, _, after = shown.rpartition(b"\r\x1b[K")
        assert b"Loading ... " in loading
        assert end in after
        assert b"Loading" not in after
