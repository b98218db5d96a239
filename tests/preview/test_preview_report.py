"""What if I loaded this: from a file to a report, for sound files and for those that somebody made up."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from gguf_writer import Typed, gguf_header, write_gguf, write_split_set
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from model_shapes import LLAMA_8B, llama, metadata_only

from nodetool_xl_desktop.core.units import GIB, MIB
from nodetool_xl_desktop.fit.memory import Device, HostMemory, MemoryUse, Needs
from nodetool_xl_desktop.fit.options import LARGEST_CONTEXT_LENGTH, LoadOptions, LoadSettings
from nodetool_xl_desktop.fit.verdict import Verdict, judge
from nodetool_xl_desktop.gguf import GgufError, Malformed, MissingSplit, NotGguf, Truncated, Unreadable
from nodetool_xl_desktop.preview.report import FitReport, Preview

HOST = HostMemory(total=16 * GIB, free=8 * GIB)


def report_of(path: Path, context_length: int | None = None) -> FitReport:
    preview = Preview.inspect(path)
    options = LoadSettings(threads=2).options(preview.header.context_length_max, 2)
    if context_length is not None:
        options = LoadOptions(context_length, threads=2)
    return preview.report(options, HOST)


# A sound model


def test_the_starter_model(starter_model: Path) -> None:
    report = report_of(starter_model)
    assert report.verdict is Verdict.FITS
    assert report.options.context_length == 8192
    assert report.need.host.context == 180 * MIB
    assert report.largest_context == 8192
    assert report.warnings == ()
    assert report.header.quantization == "Q4_1"


def test_the_object_of_the_command_line_is_whole_and_adds_up(starter_model: Path) -> None:
    told = json.loads(json.dumps(report_of(starter_model, 4096).to_json(seconds=0.25)))
    assert set(told) == {
        *("model", "options", "devices", "host", "total_bytes", "verdict", "advice"),
        *("warnings", "source", "seconds"),
    }
    assert told["model"] == {
        "path": str(starter_model),
        "name": "SmolLM2 135M Instruct",
        "architecture": "llama",
        "quantization": "Q4_1",
        "parameters": 134_515_008,
        "file_bytes": starter_model.stat().st_size,
        "context_length_max": 8192,
    }
    assert told["options"]["context_length"] == 4096
    assert told["devices"] == []
    host = told["host"]
    assert host["total"] == HOST.total
    assert host["free"] == HOST.free
    assert host["self"] == host["model"] + host["context"] + host["compute"] + host["projector"] == told["total_bytes"]
    assert host["context"] == 90 * MIB
    assert told["verdict"] == "Fits"
    assert told["source"] == "estimate"
    assert told["seconds"] == 0.25


def test_a_split_model_is_previewed_by_any_of_its_parts(tmp_path: Path) -> None:
    tensors = [(f"blk.{layer}.attn_q.weight", (256, 256), "Q4_K") for layer in range(6)]
    metadata = {"general.architecture": "llama", "llama.context_length": 4096, "tokenizer.chat_template": "x"}
    parts = write_split_set(tmp_path, "big", metadata, tensors, 3)
    reports = [report_of(part) for part in parts]
    assert len({report.need.total for report in reports}) == 1
    assert all(report.header.files == tuple(parts) for report in reports)
    assert reports[2].warnings == ()
    assert reports[0].to_json(0)["model"]["file_bytes"] == sum(part.stat().st_size for part in parts)


def test_one_header_serves_every_step_of_a_slider(tmp_path: Path) -> None:
    llama(tmp_path / "Llama-8B.gguf", LLAMA_8B)
    preview = Preview.inspect(tmp_path / "Llama-8B.gguf")
    (tmp_path / "Llama-8B.gguf").unlink()  # it is not read again
    reports = [preview.report(LoadOptions(length), HOST) for length in range(256, 131_072, 4096)]
    assert {report.verdict for report in reports} == {Verdict.FITS, Verdict.TIGHT, Verdict.WONT_FIT}
    assert all(report.verdict is judge(report.need, HOST) for report in reports)
    assert len({report.largest_context for report in reports}) == 1


def test_a_plan_of_the_engine_goes_before_the_estimate(starter_model: Path) -> None:
    preview, options = Preview.inspect(starter_model), LoadOptions(4096, gpu_layers=20)
    card = Device("CUDA0", "gpu", 2 * GIB, 2 * GIB)
    planned = Needs(MemoryUse(GIB, MIB, MIB), ((card, MemoryUse(GIB, MIB, MIB)),))
    report = preview.report(options, HOST, planned=planned)
    assert (report.source, report.need.host, report.need.devices) == ("engine", planned.host, planned.devices)
    assert report.verdict is Verdict.TIGHT
    assert "on CUDA0" in report.advice
    assert report.need.layers_on == (20,)  # the engine's table does not say
    told = report.to_json(0.1)
    assert told["source"] == "engine"
    assert told["devices"][0]["self"] == GIB + 2 * MIB
    assert preview.report(options, HOST, planned=Needs(MemoryUse(GIB))).need.devices == ()


def test_each_remedy_is_on_the_report_the_named_one_first(tmp_path: Path) -> None:
    preview = Preview(llama(tmp_path / "Llama-8B.gguf", LLAMA_8B))
    report = preview.report(LoadOptions(65_536), HOST)
    assert report.verdict is Verdict.WONT_FIT
    assert report.remedies[0].says in report.advice
    for remedy in report.remedies:
        assert preview.report(remedy.options, HOST).verdict is not Verdict.WONT_FIT
    assert preview.report(LoadOptions(4096), HOST).remedies == ()


# Warnings


def test_a_model_without_a_chat_template_is_said_to_be_one(tmp_path: Path) -> None:
    metadata_only(tmp_path / "base.gguf", {"general.architecture": "llama", "llama.context_length": 8192})
    (warning,) = report_of(tmp_path / "base.gguf").warnings
    assert "no chat template" in warning
    assert "ChatML" in warning


def test_a_context_beyond_the_model_s_maximum_is_planned_as_asked_and_warned_of(starter_model: Path) -> None:
    report = report_of(starter_model, 32_768)
    assert report.options.context_length == 32_768
    assert report.need.host.context == 720 * MIB
    (warning,) = report.warnings
    assert "8,192 tokens" in warning
    assert report_of(starter_model, 8192).warnings == ()


@pytest.mark.parametrize(
    ("metadata", "kind"),
    [
        ({"general.architecture": "clip"}, "projector"),
        ({"general.architecture": "llama", "general.type": "adapter"}, "adapter"),
        ({"general.architecture": "llama", "general.type": "imatrix"}, "imatrix"),
    ],
)
def test_a_companion_of_a_model_is_said_to_be_one(tmp_path: Path, metadata: dict[str, Any], kind: str) -> None:
    metadata_only(tmp_path / "companion.gguf", metadata)
    (warning,) = report_of(tmp_path / "companion.gguf").warnings
    assert kind in warning
    assert "no model" in warning


def test_what_the_estimate_does_not_know_is_a_warning(tmp_path: Path) -> None:
    more = {"general.architecture": "novelty", "novelty.attention.sliding_window": 1024}
    llama(tmp_path / "swa.gguf", {**LLAMA_8B, "block_count": 1, "vocab_size": 256}, more)
    (warning,) = report_of(tmp_path / "swa.gguf").warnings
    assert "sliding window" in warning


def test_a_cache_that_the_engine_refuses_is_said_to_be_one(tmp_path: Path) -> None:
    odd = {**LLAMA_8B, "block_count": 1, "vocab_size": 256}
    preview = Preview(llama(tmp_path / "odd.gguf", odd, {"llama.attention.key_length": 80}))
    (warning,) = preview.report(LoadOptions(4096, kv_type_k="q5_1", kv_type_v="q5_1"), HOST).warnings
    assert "q5_1" in warning
    assert preview.report(LoadOptions(4096, kv_type_k="bf16"), HOST).warnings == ()


# Files that cannot be previewed


def test_what_is_wrong_with_a_file_is_told_at_once(tmp_path: Path, starter_model: Path) -> None:
    cut = tmp_path / "cut.gguf"
    with starter_model.open("rb") as file:
        cut.write_bytes(file.read(5_000_000))
    page = tmp_path / "page.gguf"
    page.write_bytes(b"<!DOCTYPE html>" + b" " * 100)
    part = write_split_set(tmp_path, "alone", {"general.architecture": "llama"}, [("a", (256,), "F32")] * 1, 2)[0]
    (tmp_path / "alone-00002-of-00002.gguf").unlink()
    for path, kind in [
        (cut, Truncated),
        (page, NotGguf),
        (part, MissingSplit),
        (tmp_path / "gone.gguf", Unreadable),
        (tmp_path, Unreadable),
    ]:
        with pytest.raises(kind) as raised:
            Preview.inspect(path)
        assert path.name in raised.value.what
        assert raised.value.hint


@pytest.mark.parametrize(
    "metadata",
    [
        {"llama.block_count": 5000},
        {"llama.block_count": 4, "llama.attention.head_count_kv": [1, 2]},
        {"llama.block_count": 4, "llama.feed_forward_length": "wide"},
        {"llama.embedding_length": -1},
        {"llama.attention.key_length": Typed("i64", -(2**63))},
    ],
    ids=str,
)
def test_a_header_that_no_report_can_be_made_of_is_told_at_inspection(tmp_path: Path, metadata: dict[str, Any]) -> None:
    write_gguf(tmp_path / "odd.gguf", {"general.architecture": "llama", **metadata}, [("a", (256,), "F32")])
    with pytest.raises(Malformed) as raised:
        Preview.inspect(tmp_path / "odd.gguf")
    assert "odd.gguf" in raised.value.what


@pytest.mark.parametrize("largest", [1, 100, 255, 2**31, 2**32, 2**64 - 1])
def test_a_maximum_that_cannot_be_is_kept_in_bounds(tmp_path: Path, largest: int) -> None:
    more = {"llama.context_length": Typed("u64", largest)}
    llama(tmp_path / "odd.gguf", {**LLAMA_8B, "block_count": 1, "vocab_size": 256}, more)
    preview = Preview.inspect(tmp_path / "odd.gguf")
    assert 256 <= preview.largest_context <= LARGEST_CONTEXT_LENGTH
    options = LoadSettings(threads=1).options(preview.header.context_length_max, 2)
    assert 256 <= options.context_length <= preview.largest_context
    assert preview.report(options, HOST).largest_context <= preview.largest_context


# Any header at all

NUMBERS = st.one_of(
    st.integers(-5, 5000),
    st.sampled_from([0, 1, 2**31 - 1, -(2**31), 2**32 - 1, 2**63 - 1, -(2**63), 2**64 - 1]),
)
VALUES = st.one_of(
    NUMBERS,
    st.floats(width=32),
    st.booleans(),
    st.text(max_size=5),
    st.lists(st.integers(0, 5000), max_size=6),
    st.lists(st.integers(-(2**31), 2**31 - 1), max_size=6).map(lambda values: Typed("i32", values)),
    st.lists(st.text(max_size=3), max_size=3),
)
ARCHITECTURES = st.sampled_from(["llama", "gemma3", "mamba", "clip", "", "a" * 70, "lla\nma", "\u2028", "\x1b[2J"])
SUFFIXES = (
    *("block_count", "context_length", "embedding_length", "feed_forward_length", "vocab_size"),
    *("attention.head_count", "attention.head_count_kv", "attention.key_length", "attention.value_length"),
    *("expert_used_count", "expert_feed_forward_length", "attention.sliding_window", "attention.kv_lora_rank"),
    *("ssm.state_size", "wkv.head_size"),
)
GENERAL = st.sampled_from(["general.name", "general.type", "general.file_type", "tokenizer.chat_template"])


@st.composite
def headers(draw: st.DrawFn) -> bytes:
    """A header that is sound as a file; what it says is anything."""
    architecture = draw(ARCHITECTURES)
    metadata: dict[str, Any] = {"general.architecture": architecture}
    for suffix in draw(st.sets(st.sampled_from(SUFFIXES))):
        metadata[f"{architecture}.{suffix}"] = draw(VALUES)
    for key in draw(st.sets(GENERAL, max_size=3)):
        metadata[key] = draw(VALUES)
    return gguf_header(metadata, [("a", (256,), "F32")] if draw(st.booleans()) else [])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(header=headers(), free=st.integers(0, 64 * GIB), context_length=st.integers(256, LARGEST_CONTEXT_LENGTH))
def test_any_header_gives_a_sane_report_or_is_refused_at_inspection(
    tmp_path: Path, header: bytes, free: int, context_length: int
) -> None:
    path = tmp_path / "any.gguf"
    path.write_bytes(header + bytes(1024))
    try:
        preview = Preview.inspect(path)
    except GgufError:
        return
    host = HostMemory(total=64 * GIB, free=free)
    for options in (LoadSettings(threads=2).options(preview.header.context_length_max, 2), LoadOptions(context_length)):
        report = preview.report(options, host)
        need = report.need
        assert min(need.host.model, need.host.context, need.host.compute) >= 0
        assert 0 <= report.largest_context <= preview.largest_context <= LARGEST_CONTEXT_LENGTH
        assert report.verdict is judge(need, host)
        for words in (report.advice, report.header.name, *report.warnings):
            assert words.isprintable()  # on one line, and no command to a terminal
        told = json.loads(json.dumps(report.to_json(0.1), allow_nan=False))
        assert told["total_bytes"] == need.total
        assert math.isfinite(told["seconds"])
