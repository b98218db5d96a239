"""`fit MODEL|URL`: what a load would take, from the header alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from command_line import command, environment, failure_of, run
from gguf_writer import write_gguf, write_split_set
from hub_server import HubServer, Stored
from model_shapes import LLAMA_8B, llama
from shapes.tiny_projectors import write_tiny

from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.core.units import GIB, MIB
from nodetool_xl_desktop.fit.options import LoadSettings
from nodetool_xl_desktop.library.settings import ModelSettings

KEYS = {
    *("model", "options", "devices", "host", "total_bytes", "verdict", "advice"),
    *("warnings", "source", "seconds"),
}
#: What the engine needs of a header beside its shape.
PLANNABLE = {"tokenizer.ggml.model": "no_vocab", "llama.attention.layer_norm_rms_epsilon": 1e-5}


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


def test_a_projector_beside_the_model_counts_unless_it_is_left_out(tmp_path: Path, starter_model: Path) -> None:
    model = tmp_path / "models" / "Starter-Q4_K_M.gguf"
    model.parent.mkdir()
    model.symlink_to(starter_model)
    projector = write_tiny(model.with_name("mmproj-F16.gguf"))
    sees, blind = (fit_json(tmp_path, model, *more) for more in ((), ("--no-vision",)))
    assert (sees["options"]["projector"], blind["options"]["projector"]) == (str(projector), "")
    assert sees["total_bytes"] - blind["total_bytes"] == sees["host"]["projector"] > 2**20


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


# Names and addresses


def test_a_name_of_my_models(tmp_path: Path) -> None:
    models = tmp_path / "data" / "nodetool-xl-desktop" / "models"
    models.mkdir(parents=True)
    llama(models / "Small-Llama-Q4_K_M.gguf", {**LLAMA_8B, "block_count": 1, "vocab_size": 256})
    for name in ("Small Llama", "small-llama-q4_k_m", "Small Llama Q4_K_M"):
        assert fit_json(tmp_path, Path(name))["model"]["path"] == str(models / "Small-Llama-Q4_K_M.gguf")
    assert "no such file" in failure_of(run(tmp_path, "fit", "Large Llama"))


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubServer]:
    builds = {}
    for kind, size in (("Q2_K", 3), ("Q4_K_M", 5), ("Q8_0", 9)):
        header = llama(tmp_path / f"Llama-8B-{kind}.gguf", LLAMA_8B, PLANNABLE)
        with header.path.open("r+b") as file:
            file.truncate(size * GIB)
        builds[header.path.name] = Stored(header.path, sha256="0" * 64)
    with HubServer({"org/repo": builds}) as server:
        yield server


def of_hub(hub: HubServer) -> dict[str, str]:
    return {"HF_ENDPOINT": hub.url, **{f"{kind}_proxy": "" for kind in ("http", "https", "all")}}


@pytest.mark.parametrize("page", ["resolve", "blob"])
def test_a_model_behind_an_address(tmp_path: Path, hub: HubServer, page: str) -> None:
    address = f"{hub.url}/org/repo/{page}/main/Llama-8B-Q4_K_M.gguf"
    done = run(tmp_path, "fit", address, "--context", "4096", "--json", more=of_hub(hub))
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads(done.stdout)
    assert set(report) == KEYS
    assert report["model"]["path"] == address
    assert report["host"]["context"] == 512 * MIB
    assert hub.served < 8 * MIB
    assert not list(tmp_path.glob("data/*"))


def test_of_a_repository_the_build_that_would_fit_is_named(tmp_path: Path, hub: HubServer) -> None:
    address = f"{hub.url}/org/repo/resolve/main/Llama-8B-Q4_K_M.gguf"
    done = run(
        tmp_path, "fit", address, "--context", "512", "--gpu-layers", "33", "--device", "CUDA0:4.4", "--margin", "0",
        more=of_hub(hub),
    )  # fmt: skip
    assert done.returncode == 0
    assert "Won't fit" in done.stdout
    assert "Q2_K (3.2 GB) would fit" in done.stdout


def test_an_address_without_a_model(tmp_path: Path, hub: HubServer) -> None:
    for address in (f"{hub.url}/org/repo/resolve/main/gone.gguf", f"{hub.url}/other/repo/resolve/main/x.gguf"):
        failure_of(run(tmp_path, "fit", address, more=of_hub(hub)))


def test_the_engine_plans_a_model_behind_an_address(tmp_path: Path, hub: HubServer) -> None:
    address = f"{hub.url}/org/repo/resolve/main/Llama-8B-Q4_K_M.gguf"
    done = run(tmp_path, "fit", address, "--context", "4096", "--batch", "512", "--exact", "--json", more=of_hub(hub))
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads(done.stdout)
    assert (report["source"], report["host"]["context"]) == ("engine", 512 * MIB)
    assert report["host"]["model"] == pytest.approx(4932 * MIB, abs=2 * MIB)
    assert not [path for path in tmp_path.rglob("*") if "cache" in path.parts and path.is_file()]


# The engine's own word


def test_the_engine_s_plan(tmp_path: Path, starter_model: Path) -> None:
    report = fit_json(tmp_path, starter_model, "--context", "4096", "--exact")
    assert report["source"] == "engine"
    assert (report["host"]["model"], report["host"]["context"]) == (92 * MIB, 90 * MIB)
    assert report["devices"] == []
    done = run(tmp_path, "fit", starter_model, "--context", "4096", "--exact", "--kv-type", "q8_0")
    assert (done.returncode, done.stderr) == (0, "")
    assert "(planned by the engine)" in done.stdout
    assert "a KV cache in q8_0" in done.stdout
    assert "47 MiB" in done.stdout  # 47.8, which the engine tells rounded down


def test_where_the_engine_refuses_the_estimate_stays(tmp_path: Path) -> None:
    metadata = {"general.architecture": "zzama", "zzama.context_length": 4096, "zzama.block_count": 1}
    model = write_gguf(tmp_path / "new.gguf", metadata, [("token_embd.weight", (256, 4), "Q4_K")])
    done = run(tmp_path, "fit", model, "--exact", "--json")
    assert "zzama" in failure_of(done)
    report = json.loads(done.stdout)
    assert report["source"] == "estimate"
    assert report["total_bytes"] > 0


# Planned devices


def planned(home: Path, model: Path, *arguments: str) -> dict[str, Any]:
    return fit_json(home, model, "--context", "4096", "--batch", "2048", *arguments)


@pytest.fixture
def llama_8b(tmp_path: Path) -> Path:
    return llama(tmp_path / "Llama-8B-Q4_K_M.gguf", LLAMA_8B).path


def test_each_device_has_its_row(tmp_path: Path, llama_8b: Path) -> None:
    report = planned(tmp_path, llama_8b, "--device", "CUDA0:3:4", "--device", "CUDA1:5")
    assert report["options"]["gpu_layers"] == 33
    for device, name, free, total in zip(
        report["devices"], ("CUDA0", "CUDA1"), (3 * GIB, 5 * GIB), (4 * GIB, 5 * GIB), strict=True
    ):
        assert set(device) == {"name", "kind", "total", "free", "model", "context", "compute", "projector", "self"}
        assert (device["name"], device["kind"], device["free"], device["total"]) == (name, "gpu", free, total)
        assert device["self"] == sum(device[part] for part in ("model", "context", "compute", "projector"))
        assert device["free"] - device["self"] >= GIB
    assert report["total_bytes"] == report["host"]["self"] + sum(device["self"] for device in report["devices"])
    assert report["verdict"] == "Fits"
    assert report["source"] == "estimate"


@pytest.mark.parametrize("margin", ["0", "1", "0.25"])
def test_one_layer_more_would_not_fit_and_this_one_does(tmp_path: Path, llama_8b: Path, margin: str) -> None:
    device = ("--device", "CUDA0:3", "--margin", margin)
    found = planned(tmp_path, llama_8b, *device, "--gpu-layers", "auto")
    layers = found["options"]["gpu_layers"]
    assert 0 < layers < 33
    assert found["verdict"] == "Partly on CPU"
    assert found["devices"][0]["self"] <= 3 * GIB - float(margin) * GIB
    more = planned(tmp_path, llama_8b, *device, "--gpu-layers", str(layers + 1))
    assert more["devices"][0]["self"] > 3 * GIB - float(margin) * GIB
    assert more["verdict"] == ("Won't fit" if margin == "0" else "Tight")


def test_a_device_that_is_too_small_for_a_layer_gets_none(tmp_path: Path, llama_8b: Path) -> None:
    for small in ("CUDA0:0.1", "CUDA0:?"):
        report = planned(tmp_path, llama_8b, "--device", small, "--device", "CUDA1:8")
        assert [device["self"] > 0 for device in report["devices"]] == [False, True]
        assert report["options"]["tensor_split"].startswith("0,")
        assert report["options"]["gpu_layers"] == 33
        assert report["verdict"] == "Fits"


def test_memory_that_is_not_reported_is_said_to_be(tmp_path: Path, llama_8b: Path) -> None:
    report = planned(tmp_path, llama_8b, "--device", "Vulkan0:?")
    assert (report["devices"][0]["free"], report["devices"][0]["total"]) == (None, None)
    assert report["options"]["gpu_layers"] == 0
    assert any("Vulkan0 does not report its memory" in warning for warning in report["warnings"])
    asked = planned(tmp_path, llama_8b, "--device", "Vulkan0:?", "--gpu-layers", "20")
    assert asked["devices"][0]["self"] > 2 * GIB
    assert "not reported" in run(tmp_path, "fit", llama_8b, "--device", "Vulkan0:?").stdout


def test_layers_without_a_device_are_the_processor_s(tmp_path: Path, llama_8b: Path) -> None:
    report = planned(tmp_path, llama_8b, "--gpu-layers", "12")
    assert report["devices"] == []
    assert any("--device" in warning for warning in report["warnings"])
    assert report["host"] == planned(tmp_path, llama_8b)["host"] | {"free": report["host"]["free"]}
    assert planned(tmp_path, llama_8b, "--gpu-layers", "auto")["options"]["gpu_layers"] == 0


def test_layers_of_the_environment_are_for_devices(tmp_path: Path, llama_8b: Path) -> None:
    more = {"XLLAMACPP_N_GPU_LAYERS": "7"}
    for arguments, layers in (
        ((), 0),
        (("--device", "CUDA0:8"), 7),
        (("--device", "CUDA0:8", "--gpu-layers", "auto"), 33),
        (("--device", "CUDA0:8", "--gpu-layers", "3"), 3),
    ):
        done = run(tmp_path, "fit", llama_8b, "--json", *arguments, more=more)
        assert json.loads(done.stdout)["options"]["gpu_layers"] == layers


def test_the_text_has_a_column_for_each_memory(tmp_path: Path, llama_8b: Path) -> None:
    done = run(tmp_path, "fit", llama_8b, "--device", "A card:3", "--device", "CUDA1:3", "--parallel", "2")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    (head,) = [place for place, line in enumerate(lines) if line.split() == ["Memory", "A", "card", "CUDA1"]]
    assert len({len(line) for line in lines[head : head + 6]}) == 1
    assert "2 chats each" in done.stdout
    assert "layers (" in done.stdout
    assert lines[1].startswith("Partly on CPU: It takes ")


def test_other_settings_are_counted_and_told(tmp_path: Path, starter_model: Path) -> None:
    plain = fit_json(tmp_path, starter_model, "--context", "4096")["host"]["context"]
    for arguments, context, setting in (
        (("--parallel", "3"), 3 * plain, ("parallel", 3)),
        (("--kv-type", "q8_0"), plain * 34 // 64, ("kv_type_k", "q8_0")),
        (("--kv-type", "q4_0"), plain * 18 // 64, ("kv_type_v", "q4_0")),
        (("--batch", "4096"), plain, ("ubatch", 512)),
    ):
        report = fit_json(tmp_path, starter_model, "--context", "4096", *arguments)
        assert report["host"]["context"] == context
        assert report["options"][setting[0]] == setting[1]


# Wrong use


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--device", "CUDA0"), "NAME:FREE_GIB[:TOTAL_GIB]"),
        (("--device", ""), "NAME:FREE_GIB[:TOTAL_GIB]"),
        (("--device", "A:1:2:3"), "NAME:FREE_GIB[:TOTAL_GIB]"),
        (("--device", ":4"), "no name of a device"),
        (("--device", "\n:4"), "no name of a device"),
        (("--device", "A:-4"), "not between 0 and"),
        (("--device", "A:nan"), "not between 0 and"),
        (("--device", "A:1e300"), "not between 0 and"),
        (("--device", "A:lots"), "not a number of GiB"),
        (("--device", "A:8:4"), "more free than there is"),
        (("--device", "A:4", "--device", "A:4"), "the same name"),
        (("--device", "A:4", "--exact"), "--exact"),
        (("--kv-type", "q8"), "invalid choice"),
        (("--kv-type", "F16"), "invalid choice"),
        (("--gpu-layers", "-1"), "not between 0 and"),
        (("--gpu-layers", "all"), "not a whole number"),
        (("--parallel", "0"), "not between 1 and"),
        (("--parallel", "257"), "not between 1 and"),
        (("--batch", "0"), "not between 1 and"),
        (("--context", "255"), "less than 256"),
        (("--margin", "-1"), "not between 0 and"),
        (("--margin", "x"), "not a number of GiB"),
    ],
    ids=str,
)
def test_wrong_use_is_told_and_ends_with_2(
    tmp_path: Path, starter_model: Path, arguments: tuple[str, ...], words: str
) -> None:
    done = run(tmp_path, "fit", starter_model, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr


def test_a_small_cache_without_flash_attention_cannot_be(tmp_path: Path, starter_model: Path) -> None:
    paths = replace(Paths.below(tmp_path), data=tmp_path / "data" / "nodetool-xl-desktop")
    ModelSettings(paths).keep(starter_model, LoadSettings(flash_attention=False), {})
    assert "flash attention" in failure_of(run(tmp_path, "fit", starter_model, "--kv-type", "q4_0"))
    assert fit_json(tmp_path, starter_model, "--kv-type", "bf16")["options"]["flash_attention"] == "off"


def test_what_is_kept_for_this_machine_s_devices_says_nothing_of_others(tmp_path: Path, llama_8b: Path) -> None:
    paths = replace(Paths.below(tmp_path), data=tmp_path / "data" / "nodetool-xl-desktop")
    ModelSettings(paths).choose(llama_8b, LoadSettings(gpu_layers=5, tensor_split="0,1", context_length=2048))
    report = fit_json(tmp_path, llama_8b, "--device", "A:24", "--device", "B:24")
    assert report["options"]["context_length"] == 2048
    assert report["options"]["gpu_layers"] == 33
    assert all(device["self"] > 0 for device in report["devices"])
