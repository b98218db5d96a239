"""The command line as a whole: versions, help, doctor, and wrong use."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import processes
import pytest
from command_line import PROGRAM, command, environment, run

from nodetool_xl_desktop import __version__

pytestmark = pytest.mark.usefixtures("no_process_left")


def test_version(tmp_path: Path) -> None:
    done = run(tmp_path, "--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{PROGRAM} {__version__}\n", "")


def test_the_installed_command_is_the_same_program(tmp_path: Path) -> None:
    installed = Path(command()[0]).with_name(PROGRAM)
    done = subprocess.run([installed, "--version"], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == f"{PROGRAM} {__version__}\n"


@pytest.mark.parametrize("arguments", [("--help",), ("ask", "--help"), ("fit", "--help"), ("doctor", "-h")])
def test_help_needs_nothing_and_names_everything(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = run(tmp_path, *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    named = {
        "--help": ("ask MODEL PROMPT", "fit MODEL", "doctor", "--offscreen", "--prompt", "--screenshot", "--version"),
        "ask": ("MODEL", "PROMPT", "--system", "--max-tokens", "--temperature", "--context", "--json"),
        "fit": ("MODEL", "--context", "--json"),
        "doctor": ("--json",),
    }
    for word in named[arguments[0]]:
        assert word in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--no-such-option",), "--no-such-option"),
        (("ask",), "MODEL"),
        (("ask", "model.gguf"), "PROMPT"),
        (("ask", "model.gguf", ""), "empty"),
        (("ask", "model.gguf", " \n"), "empty"),
        (("ask", "model.gguf", "Hi", "and more"), "and more"),
        (("ask", "model.gguf", "Hi", "--max-tokens", "0"), "0 is not between"),
        (("ask", "model.gguf", "Hi", "--max-tokens", "many"), "'many' is not a whole number"),
        (("ask", "model.gguf", "Hi", "--max-tokens", "4294967296"), "4,294,967,296"),
        (("ask", "model.gguf", "Hi", "--temperature", "-1"), "-1 is not between"),
        (("ask", "model.gguf", "Hi", "--temperature", "nan"), "nan"),
        (("ask", "model.gguf", "Hi", "--temperature", "hot"), "'hot' is not a number"),
        (("ask", "model.gguf", "Hi", "--context", "255"), "255 is less than 256"),
        (("fit",), "MODEL"),
        (("fit", "model.gguf", "--context", "1.5"), "'1.5' is not a whole number"),
        (("fit", "model.gguf", "--context", "999999999999"), "999,999,999,999"),
        (("doctor", "now"), "now"),
    ],
)
def test_wrong_use_is_explained_with_status_2(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    done = run(tmp_path, *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("usage: ")
    assert words in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


# doctor


def test_doctor_tells_versions_devices_and_paths(tmp_path: Path) -> None:
    done = run(tmp_path, "doctor", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert found["versions"][PROGRAM] == __version__
    assert all(found["versions"][name] for name in ("Python", "xllamacpp", "PySide6-Essentials", "httpx2"))
    assert "cpu" in [device["kind"] for device in found["devices"]]
    assert 0 < found["memory"]["free"] <= found["memory"]["total"]
    assert found["paths"]
    assert all(Path(path).is_relative_to(tmp_path) for path in found["paths"].values())
    assert "pip install" in found["engine"]["command"]
    assert all(set(problem) == {"problem", "remedy"} for problem in found["problems"])
    assert not processes.children()


def test_doctor_in_words(tmp_path: Path) -> None:
    done = run(tmp_path, "doctor")
    assert (done.returncode, done.stderr) == (0, "")
    for words in ("Python", "xllamacpp", "Memory", "Device: CPU", "Starter model", "pip install"):
        assert words in done.stdout


@pytest.mark.parametrize(
    ("failure", "problem", "remedy"),
    [
        ("ModuleNotFoundError(\"No module named 'xllamacpp'\", name='xllamacpp')", "no engine", "pip install"),
        ("ImportError('libcudart.so.12: cannot open')", "libcudart.so.12", "library"),
        ("SystemExit(3)", "status 3", "doctor"),
    ],
)
def test_doctor_names_what_is_wrong_with_the_engine(tmp_path: Path, failure: str, problem: str, remedy: str) -> None:
    (tmp_path / "xllamacpp.py").write_text(f"raise {failure}")
    done = run(tmp_path, "doctor", "--json", more={"PYTHONPATH": str(tmp_path)})
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert found["devices"] == []
    (told,) = [each for each in found["problems"] if "engine" in each["problem"]]
    assert problem in told["problem"]
    assert remedy in told["remedy"]
    assert f"Remedy: {told['remedy']}" in run(tmp_path, "doctor", more={"PYTHONPATH": str(tmp_path)}).stdout


def test_doctor_says_where_it_cannot_write(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file in place of the folder")
    found = json.loads(run(tmp_path, "doctor", "--json").stdout)
    (told,) = [each for each in found["problems"] if "written" in each["problem"]]
    assert str(tmp_path / "data") in told["problem"]


@pytest.mark.parametrize("arguments", [("doctor",), ("--version",), ("--help",)])
def test_a_reader_that_has_seen_enough_is_no_failure(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command(*arguments), env=environment(tmp_path), **pipes) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait(30) == 0
        assert process.stderr is not None
        assert process.stderr.read() == b""
