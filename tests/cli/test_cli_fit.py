"""`fit MODEL`: what a load would take, from the header alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from command_line import command, environment, failure_of, run
from gguf_writer import write_gguf, write_split_set
from model_shapes import LLAMA_8B, llama

KEYS = {
    *("model", "options", "devices", "host", "total_bytes", "verdict", "advice"),
    *("warnings", "source", "seconds"),
}


def fit_json(home: Path, model: Path, *arguments: str) -> dict[str, Any]:
    done = run(home, "fit", model, "--json", *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    report: dict[str, Any] = json.loads(done.stdout)
    assert set(report) == KEYS
    return report


def test_the_text_says_it_in_words(tmp_path: Path, starter_model: Path) -> None:
    done = run(tmp_path, "fit", starter_model, "--context", "4096")
    assert (done.returncode, done.stderr) == (0, "")
    for words in ("Q4_1", "135M", "98 MB", "4,096 tokens", "Model ", "Context", "Compute", "92 MiB", "90 MiB"):
        assert words in done.stdout
    assert not list(tmp_path.iterdir())


def test_the_object_is_what_is_documented(tmp_path: Path, starter_model: Path) -> None:
    report = fit_json(tmp_path, starter_model, "--context", "4096")
    assert report["model"]["path"] == str(starter_model)
    assert report["options"]["context_length"] == 4096
    assert report["devices"] == []
    host = report["host"]
    assert host["context"] == 90 * 2**20
    assert host["self"] == report["total_bytes"] == host["model"] + host["context"] + host["compute"]
    assert 0 < host["free"] <= host["total"]
    assert report["verdict"] in ("Fits", "Tight", "Won't fit")
    assert report["advice"].endswith(".")
    assert report["warnings"] == []
    assert report["source"] == "estimate"
    assert 0 < report["seconds"] < 10


def test_without_a_context_it_is_the_default(tmp_path: Path, starter_model: Path) -> None:
    assert fit_json(tmp_path, starter_model)["options"]["context_length"] == 8192


def test_a_model_that_is_far_too_large_is_an_answer_and_no_failure(tmp_path: Path) -> None:
    llama(tmp_path / "Huge-8B-Q4_K_M.gguf", {**LLAMA_8B, "block_count": 900, "context_length": 2**20})
    report = fit_json(tmp_path, tmp_path / "Huge-8B-Q4_K_M.gguf", "--context", "1000000")
    assert report["verdict"] == "Won't fit"
    assert report["total_bytes"] > 2**41
    done = run(tmp_path, "fit", tmp_path / "Huge-8B-Q4_K_M.gguf")
    assert done.returncode == 0
    assert "Won't fit" in done.stdout


def test_a_context_above_the_maximum_is_planned_as_asked_with_a_warning(tmp_path: Path, starter_model: Path) -> None:
    report = fit_json(tmp_path, starter_model, "--context", "16384")
    assert report["options"]["context_length"] == 16_384
    assert report["host"]["context"] == 360 * 2**20
    (warning,) = report["warnings"]
    assert "8,192 tokens" in warning
    assert "8,192 tokens" in run(tmp_path, "fit", starter_model, "--context", "16384").stdout


def test_any_part_of_a_split_model_will_do(tmp_path: Path) -> None:
    tensors = [(f"blk.{layer}.attn_q.weight", (256, 256), "Q4_K") for layer in range(4)]
    parts = write_split_set(tmp_path, "big", {"general.architecture": "llama"}, tensors, 2)
    reports = [fit_json(tmp_path, part) for part in parts]
    assert reports[0]["model"] == reports[1]["model"]
    parts[0].unlink()
    assert "big-00001-of-00002.gguf" in failure_of(run(tmp_path, "fit", parts[1]))


@pytest.mark.parametrize(
    ("content", "word"),
    [(None, "no such file"), (b"", "empty"), (b"<html>", "web page"), (b"GGUF\x03\0\0\0", "header")],
)
def test_a_file_that_is_no_model(tmp_path: Path, content: bytes | None, word: str) -> None:
    if content is not None:
        (tmp_path / "bad.gguf").write_bytes(content)
    for more in ((), ("--json",)):
        done = run(tmp_path, "fit", tmp_path / "bad.gguf", *more)
        assert word in failure_of(done)
        assert done.stdout == ""


def test_a_name_with_any_letters_can_be_printed_anywhere(tmp_path: Path) -> None:
    metadata = {"general.architecture": "llama", "general.name": "\u6a21\u578b \U0001f600 \x1b[2J"}
    model = tmp_path / os.fsdecode(b"caf\xe9 \xff.gguf")
    write_gguf(model, metadata, [("a", (256,), "F32")])
    for encoding in ("ascii", "latin-1", "utf-8"):
        done = run(tmp_path, "fit", model, more={"PYTHONIOENCODING": encoding}, encoding=encoding)
        assert (done.returncode, done.stderr) == (0, "")
        assert "\x1b" not in done.stdout
        assert json.loads(run(tmp_path, "fit", model, "--json", more={"PYTHONIOENCODING": encoding}).stdout)


def test_it_starts_neither_the_engine_nor_the_window_nor_a_client(tmp_path: Path, starter_model: Path) -> None:
    script = (
        "import sys; from nodetool_xl_desktop.__main__ import main; status = main(sys.argv[1:]);"
        "print(*sorted(module.split('.')[0] for module in sys.modules), file=sys.stderr); sys.exit(status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "fit", str(starter_model)],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0
    loaded = set(done.stderr.split())
    assert "nodetool_xl_desktop" in loaded
    assert loaded.isdisjoint({"xllamacpp", "PySide6", "qasync", "qtawesome", "httpx2", "huggingface_hub", "tiktoken"})


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_a_reader_that_has_seen_enough_is_no_failure(tmp_path: Path, starter_model: Path, more: tuple[str]) -> None:
    arguments = command("fit", starter_model, *more)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(arguments, env=environment(tmp_path), **pipes) as process:
        assert process.stdout is not None
        process.stdout.close()  # long before it prints
        assert process.wait(20) == 0
        assert process.stderr is not None
        assert process.stderr.read() == b""


def test_a_full_disk_is_told(tmp_path: Path, starter_model: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = run(tmp_path, "fit", starter_model, capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert "space" in failure_of(done)


def test_a_closed_output_is_no_crash(tmp_path: Path, starter_model: Path) -> None:
    line = '"$@" >&-; echo $?'
    done = subprocess.run(
        ["sh", "-c", line, "sh", *command("fit", starter_model)],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("0\n", "")
