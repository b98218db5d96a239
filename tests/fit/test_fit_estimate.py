"""What a load will take: held against what the engine itself plans (docs: engine-facts.md) and against hand sums."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from gguf_writer import Typed
from model_shapes import LLAMA_8B, llama, metadata_only

from nodetool_xl_desktop.core.units import KIB, MIB
from nodetool_xl_desktop.fit.estimate import caveats, estimate, padded_context
from nodetool_xl_desktop.fit.memory import MemoryUse
from nodetool_xl_desktop.fit.options import (
    DEFAULT_CONTEXT_LENGTH,
    FALLBACK_LARGEST_CONTEXT,
    LARGEST_CONTEXT_LENGTH,
    SMALLEST_CONTEXT_LENGTH,
    LoadOptions,
    default_context_length,
    default_threads,
    largest_context_length,
)
from nodetool_xl_desktop.gguf import Header, Malformed, read_model


@pytest.fixture(scope="module")
def llama_8b(tmp_path_factory: pytest.TempPathFactory) -> Header:
    return llama(tmp_path_factory.mktemp("shapes") / "Llama-8B-Q4_K_M.gguf", LLAMA_8B)


def shape(folder: Path, **changes: Any) -> Header:
    keys = {"block_count": 4, "embedding_length": 64, "attention.head_count": 8, "feed_forward_length": 100, **changes}
    wanted = {f"llama.{key}": value for key, value in keys.items() if value is not None}
    return metadata_only(folder / "shape.gguf", {"general.architecture": "llama", **wanted})


def context_bytes_per_token(header: Header) -> float:
    return estimate(header, LoadOptions(256)).host.context / 256


# Held against the engine's own plan


def test_a_llama_of_8b_is_what_the_engine_plans(llama_8b: Header) -> None:
    need = estimate(llama_8b, LoadOptions(4096, batch=512)).host
    assert need.context == 512 * MIB
    assert need.compute == pytest.approx(128 * MIB, abs=MIB)
    assert need.model == pytest.approx((2268 + 2664) * MIB, rel=0.001)  # its plan: mapped and repacked
    assert need.total == need.model + need.context + need.compute


def test_the_starter_model_is_what_the_engine_plans(starter_model: Path) -> None:
    header = read_model(starter_model)
    need = estimate(header, LoadOptions(4096, batch=512)).host
    assert need.model == pytest.approx(92.10 * MIB, abs=MIB / 100)
    assert need.context == 90 * MIB
    assert need.compute == pytest.approx(18.64 * MIB, abs=MIB)
    assert estimate(header, LoadOptions(4096, batch=128)).host.compute == pytest.approx(4.66 * MIB, abs=MIB)


# Held against sums by hand


def test_a_token_takes_its_keys_and_values_in_every_layer(tmp_path: Path) -> None:
    # 4 layers x 2 KV heads x (8 + 8) numbers x 2 bytes
    assert context_bytes_per_token(shape(tmp_path, **{"attention.head_count_kv": 2})) == 4 * 2 * (8 + 8) * 2


def test_without_kv_heads_every_head_has_its_own(tmp_path: Path) -> None:
    assert context_bytes_per_token(shape(tmp_path)) == 4 * 8 * (8 + 8) * 2


def test_told_lengths_of_keys_and_values_go_before_reckoned_ones(tmp_path: Path) -> None:
    told = {"attention.key_length": 24, "attention.value_length": 16, "attention.head_count_kv": 2}
    assert context_bytes_per_token(shape(tmp_path, **told)) == 4 * 2 * (24 + 16) * 2


def test_layers_may_differ(tmp_path: Path) -> None:
    told = {"attention.head_count_kv": [1, 0, 2, 8], "feed_forward_length": [10, 900, 20, 30]}
    header = shape(tmp_path, **told)
    assert context_bytes_per_token(header) == (1 + 0 + 2 + 8) * (8 + 8) * 2


@pytest.mark.parametrize(
    ("asked", "given"), [(1, 256), (256, 256), (257, 512), (1000, 1024), (4096, 4096), (200_000, 200_192)]
)
def test_the_engine_rounds_a_context_up(tmp_path: Path, asked: int, given: int) -> None:
    assert padded_context(asked) == given
    header = shape(tmp_path)
    assert estimate(header, LoadOptions(asked)).host.context == context_bytes_per_token(header) * given


def test_a_batch_is_never_larger_than_the_context(tmp_path: Path) -> None:
    header = shape(tmp_path)
    assert estimate(header, LoadOptions(256, batch=2048)) == estimate(header, LoadOptions(256, batch=256))


def test_more_context_never_takes_less(llama_8b: Header) -> None:
    totals = [estimate(llama_8b, LoadOptions(length)).total for length in range(1, 20_000, 97)]
    assert totals == sorted(totals)


def test_a_file_that_says_nothing_takes_its_weights(tmp_path: Path) -> None:
    header = metadata_only(tmp_path / "mute.gguf", {"general.architecture": "llama"})
    need = estimate(header, LoadOptions(4096, batch=128)).host
    assert need == MemoryUse(model=header.tensor_bytes, compute=need.compute)
    assert 0 < need.compute < MIB


# Headers that say what cannot be


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("attention.head_count", -8),
        ("attention.head_count_kv", -1),
        ("attention.head_count_kv", Typed("i32", [1, 1, -1, 1])),
        ("attention.head_count_kv", [1, 1, 1]),
        ("attention.head_count_kv", ["1", "1", "1", "1"]),
        ("attention.key_length", -64),
        ("attention.value_length", -64),
        ("embedding_length", -4096),
        ("feed_forward_length", -1),
        ("feed_forward_length", [1] * 5),
        ("expert_used_count", -1),
        ("expert_feed_forward_length", -1),
        ("block_count", 2000),
    ],
)
def test_a_header_that_says_what_cannot_be_is_damaged(tmp_path: Path, key: str, value: Any) -> None:
    header = shape(tmp_path, **{key: value})
    with pytest.raises(Malformed):
        estimate(header, LoadOptions())


def test_numbers_beyond_measure_are_only_large(tmp_path: Path) -> None:
    most = Typed("u64", 2**64 - 1)
    header = shape(tmp_path, **{"embedding_length": most, "attention.key_length": most, "feed_forward_length": most})
    assert estimate(header, LoadOptions()).total > 2**80


# What the formulas do not know


@pytest.mark.parametrize(
    ("key", "word"),
    [
        ("attention.sliding_window", "sliding window"),
        ("ssm.state_size", "recurrent"),
        ("wkv.head_size", "recurrent"),
        ("block_count", "as a Llama"),
    ],
)
def test_what_is_not_known_of_an_architecture_is_said(tmp_path: Path, key: str, word: str) -> None:
    metadata = {"general.architecture": "novelty", "novelty.block_count": 4, f"novelty.{key}": 4}
    header = metadata_only(tmp_path / "novelty.gguf", metadata)
    (caveat,) = caveats(header)
    assert word in caveat
    assert "(novelty)" in caveat
    assert estimate(header, LoadOptions()).total > 0


def test_a_plain_llama_needs_no_caveat(llama_8b: Header, starter_model: Path) -> None:
    assert caveats(llama_8b) == []
    assert caveats(read_model(starter_model)) == []


# Options


@pytest.mark.parametrize(
    ("model_has", "default", "largest"),
    [
        (None, DEFAULT_CONTEXT_LENGTH, FALLBACK_LARGEST_CONTEXT),
        (2048, 2048, 2048),
        (8192, 8192, 8192),
        (131_072, DEFAULT_CONTEXT_LENGTH, 131_072),
        (1, SMALLEST_CONTEXT_LENGTH, SMALLEST_CONTEXT_LENGTH),
        (2**64 - 1, DEFAULT_CONTEXT_LENGTH, LARGEST_CONTEXT_LENGTH),
    ],
)
def test_what_is_offered_follows_the_model(model_has: int | None, default: int, largest: int) -> None:
    assert default_context_length(model_has) == default
    assert largest_context_length(model_has) == largest


@pytest.mark.parametrize(("cores", "threads"), [(None, 1), (1, 1), (2, 1), (4, 3), (16, 15)])
def test_one_core_stays_free(cores: int | None, threads: int) -> None:
    assert default_threads(cores) == threads


def test_the_options_are_told_whole() -> None:
    assert LoadOptions(4096, threads=3, batch=64, cpu_moe=2).to_json() == {
        "context_length": 4096,
        "threads": 3,
        "batch": 64,
        "ubatch": 64,
        "gpu_layers": 0,
        "kv_type_k": "f16",
        "kv_type_v": "f16",
        "flash_attention": "auto",
        "parallel": 1,
        "cache_ram_mib": 0,
        "mmap": True,
        "mlock": False,
        "swa_full": False,
        "kv_unified": False,
        "cpu_moe": 2,
        "tensor_split": "",
        "projector": "",
    }


def test_an_8b_model_at_its_largest_takes_sixteen_gibibytes_of_context(llama_8b: Header) -> None:
    assert estimate(llama_8b, LoadOptions(131_072)).host.context == 16 * 1024 * MIB
    assert context_bytes_per_token(llama_8b) == 128 * KIB
