"""`tune MODEL`, as a person types it. The engine's speeds are played (tests/scripted_engine), but for Ctrl+C."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import processes
import psutil
import pytest
from command_line import command, environment, failure_of, run

from nodetool_xl_desktop.engine.hardware import physical_cores
from nodetool_xl_desktop.fit.options import default_threads

pytestmark = pytest.mark.usefixtures("no_process_left")

SCRIPTED = Path(__file__).parents[1] / "scripted_engine"
#: What wins, whatever cores this machine has: a batch of 512 without flash attention.
RULES = [
    {"batch": 512, "flash": False, "prompt": 1234.56, "decode": 70},
    {"batch": 512, "prompt": 400, "decode": 60},
    {"flash": False, "fail": "something broke"},
    {"prompt": 200, "decode": 40},
]


def played(rules: list[dict[str, Any]]) -> dict[str, str]:
    return {"PYTHONPATH": str(SCRIPTED), "PLAYED": json.dumps(rules)}


def tune(
    home: Path, model: Path, *arguments: str, rules: list[dict[str, Any]] | None = None
) -> subprocess.CompletedProcess[str]:
    return run(home, "tune", model, *arguments, more=played(rules or RULES))


def kept(home: Path) -> dict[str, Any]:
    """The settings of each model by its path."""
    (file,) = home.rglob("model-settings.json")
    (models,) = json.loads(file.read_text())["machines"].values()
    return {path: entry["settings"] for path, entry in models.items()}


def test_the_table_has_a_winner_which_is_kept(tmp_path: Path, starter_model: Path) -> None:
    done = tune(tmp_path, starter_model)
    assert (done.returncode, done.stderr) == (0, "")
    head, _, columns, *rows, _, last = done.stdout.splitlines()
    assert "SmolLM2 135M Instruct" in head
    assert columns.split("  ")[0] == "Threads"
    (best,) = (row for row in rows if "best" in row)
    threads = default_threads(physical_cores())
    assert best.split() == [str(threads), "512", "off", "1,234.6", "70.0", "4.1", "s", "best"]
    assert all(row.index("auto" if "auto" in row else "off") + 4 >= columns.index("Prompt") - 2 for row in rows)
    assert len({row[: columns.index("Usual turn") + len("Usual turn")].rstrip()[-2:] for row in rows}) == 1  # aligned
    assert f"{threads} thread" in last
    assert f"tune --forget {starter_model}" in last
    assert kept(tmp_path) == {str(starter_model): {"threads": threads, "batch": 512, "flash_attention": False}}

    done = tune(tmp_path, starter_model, "--forget")
    assert (done.returncode, done.stdout) == (0, "The settings of SmolLM2 135M Instruct are forgotten.\n")
    assert kept_nothing(tmp_path)
    done = tune(tmp_path, starter_model, "--forget")
    assert (done.returncode, done.stdout) == (0, "Nothing is kept for SmolLM2 135M Instruct.\n")


def test_the_object_has_every_row(tmp_path: Path, starter_model: Path) -> None:
    rules = [{"flash": False, "fail": "something broke"}, {"prompt": 200, "decode": 40}]
    done = tune(tmp_path, starter_model, "--json", "--context", "2048", rules=rules)
    assert (done.returncode, done.stderr) == (0, "")
    answer = json.loads(done.stdout)
    assert set(answer) == {"winner", "rows", "seconds"}
    threads = default_threads(physical_cores())
    assert answer["winner"] == {"threads": threads, "batch": 128, "flash_attention": None, "gpu_layers": None}
    first, *_, last = answer["rows"]
    assert first == {
        "threads": threads, "batch": 128, "flash_attention": None, "gpu_layers": 0, "winner": True, "error": "",
        "prompt_tokens_per_s": 200, "decode_tokens_per_s": 40, "turn_s": 512 / 200 + 256 / 40,
    }  # fmt: skip
    assert (last["flash_attention"], last["turn_s"], last["winner"]) == (False, None, False)
    assert "could not be loaded" in last["error"]
    assert kept(tmp_path) == {str(starter_model): {"threads": threads, "batch": 128}}


def test_a_candidate_that_fails_is_explained_below_the_table(tmp_path: Path, starter_model: Path) -> None:
    done = tune(tmp_path, starter_model, rules=[{"flash": False, "fail": "something broke"}, {"prompt": 200}])
    assert done.returncode == 0
    assert "failed" in done.stdout
    assert "flash attention off could not be measured: " in done.stdout


def test_what_cannot_be_tuned_is_told_in_one_line_and_nothing_is_kept(tmp_path: Path, starter_model: Path) -> None:
    page = tmp_path / "page.gguf"
    page.write_text("<!DOCTYPE html>" + " " * 100)
    assert "web page" in failure_of(tune(tmp_path / "home", page))
    assert "no such file" in failure_of(tune(tmp_path / "home", tmp_path / "gone.gguf"))
    done = tune(tmp_path / "home", starter_model, rules=[{"fail": "something broke"}])
    assert "could not be loaded" in failure_of(done)
    assert done.stdout == ""
    assert kept_nothing(tmp_path)


def test_a_winner_that_cannot_be_kept_is_shown_all_the_same(tmp_path: Path, starter_model: Path) -> None:
    (tmp_path / "data").write_text("a file in place of the folder")
    done = tune(tmp_path, starter_model)
    assert "could not be saved" in failure_of(done)
    assert "best" in done.stdout


@pytest.mark.parametrize("models", [1, 2])
def test_ctrl_c_leaves_nothing_behind_and_keeps_nothing(tmp_path: Path, starter_model: Path, models: int) -> None:
    arguments = command("tune", starter_model)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(arguments, env=environment(tmp_path), start_new_session=True, **pipes) as process:
        deadline = time.monotonic() + 60
        while len(psutil.Process(process.pid).children()) < models:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        time.sleep(0.5)
        os.kill(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (130, b"", b"")
    assert not processes.children()
    assert kept_nothing(tmp_path)


def test_a_terminal_sees_what_is_measured_and_is_clean_afterwards(tmp_path: Path, starter_model: Path) -> None:
    master, slave = pty.openpty()
    variables = environment(tmp_path, **played(RULES))
    arguments = command("tune", starter_model)
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=slave, env=variables) as process:
        os.close(slave)
        shown = b""
        try:
            while piece := os.read(master, 65_536):
                shown += piece
        except OSError:  # Linux's way to say that the other end is closed
            pass
        os.close(master)
        assert process.wait(20) == 0
    assert b"Measuring the settings as they are (0 of " in shown
    assert b"Measuring batches of 512 tokens (" in shown
    assert shown.endswith(b"\r\x1b[K")


def test_help_names_everything(tmp_path: Path) -> None:
    done = run(tmp_path, "tune", "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert all(word in done.stdout for word in ("MODEL", "--context", "--json", "--forget"))
    assert "tune MODEL" in run(tmp_path, "--help").stdout


def kept_nothing(home: Path) -> bool:
    return not [file for file in home.rglob("model-settings.json") if json.loads(file.read_text())["machines"]]
