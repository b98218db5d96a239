"""What a batch is computed in: against the engine's own plans, and how it follows the options."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from timeit import repeat

import pytest
from model_shapes import metadata_only
from shapes import by_name, write
from shapes.projectors import PROJECTORS, write_projector

from nodetool_xl_desktop.core.units import KIB, MIB
from nodetool_xl_desktop.fit.architectures import ARCHITECTURES, UNTRIED
from nodetool_xl_desktop.fit.compute import buffers, compute
from nodetool_xl_desktop.fit.estimate import caveats, estimate
from nodetool_xl_desktop.fit.options import LoadOptions
from nodetool_xl_desktop.fit.packing import Packing
from nodetool_xl_desktop.fit.projector import projector_bytes
from nodetool_xl_desktop.gguf import Header, read_model


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("compute")


@cache
def header_of(folder: Path, name: str) -> Header:
    return read_model(write(folder, by_name(name)))


PLAIN = LoadOptions(4096, batch=512)
LARGE = LoadOptions(32_768, batch=2048, ubatch=2048)
SCORES = LoadOptions(4096, batch=512, flash_attention=False)
QUANTIZED = LoadOptions(8192, batch=512, kv_type_k="q8_0", kv_type_v="q8_0")


@pytest.mark.parametrize(
    ("name", "options", "mebibytes"),
    [
        ("llama-3-8b", PLAIN, 128.02),
        ("llama-3-8b", LARGE, 624.07),
        ("llama-3-8b", SCORES, 316.01),  # one number for each token, head and cell
        ("llama-3-8b", QUANTIZED, 132.28),  # keys and values are turned first
        ("llama-2-7b", PLAIN, 108.52),
        ("smollm2-135m", PLAIN, 18.64),
        ("phi-3-mini-4k", LARGE, 440.07),  # queries, keys and values of one matrix
        ("gemma-2b", PLAIN, 120.02),
        ("gemma-2-9b", SCORES, 211.01),
        ("gemma-3-27b", PLAIN, 184.52),
        ("gemma-3n-e4b", LARGE, 758.12),  # four versions of each token
        ("command-r-35b", PLAIN, 216.02),  # attention and feed-forward side by side
        ("command-r7b", PLAIN, 140.03),  # and layers that do not turn their queries
        ("mixtral-8x7b", PLAIN, 212.02),
        ("gpt-oss-20b", PLAIN, 100.52),
        ("llama-4-scout", PLAIN, 116.03),  # experts whose input is weighted
        ("qwen3-30b-a3b", LARGE, 480.07),
        ("glm-4.5-air", PLAIN, 174.02),  # and experts that always work
        ("deepseek-v3", PLAIN, 410.02),
        ("deepseek-v3", SCORES, 1438.01),
        ("deepseek-v2-lite-2024", PLAIN, 88.02),
        ("mamba-130m", PLAIN, 22.62),
        ("mamba2-2.7b", PLAIN, 79.23),
        ("rwkv7-2.9b", PLAIN, 100.63),
        ("lfm2-1.2b", PLAIN, 72.02),
        ("falcon-h1-7b", PLAIN, 106.02),
        ("granite-4.0-h-tiny", PLAIN, 55.02),
        ("jamba-mini-52b", PLAIN, 212.02),
        ("qwen3-next-80b-a3b", PLAIN, 94.02),
        ("bge-small-en-v1.5", LoadOptions(512, batch=512), 7.26),
        ("nomic-embed-text-v1.5", LoadOptions(2048, batch=2048, ubatch=2048), 110.02),
    ],
)
def test_a_buffer_is_what_the_engine_plans(folder: Path, name: str, options: LoadOptions, mebibytes: float) -> None:
    assert buffers(header_of(folder, name), options).graph / MIB == pytest.approx(mebibytes, rel=0.01)


@pytest.mark.parametrize(
    ("options", "mebibytes"),
    [
        (LoadOptions(8192, batch=512, parallel=4), 132.02),
        (LoadOptions(4096 * 4, batch=512, parallel=4, kv_unified=True), 140.02),
        (LoadOptions(2048, batch=128, parallel=2, flash_attention=False), 46.0),
        (LoadOptions(1000, batch=100), 24.42),
    ],
    ids=str,
)
def test_chats_share_the_batch(folder: Path, options: LoadOptions, mebibytes: float) -> None:
    """The engine's plans for a Llama of 8B."""
    assert buffers(header_of(folder, "llama-3-8b"), options).graph / MIB == pytest.approx(mebibytes, rel=0.01)


def test_each_chat_gets_a_row_of_results(folder: Path) -> None:
    header = header_of(folder, "llama-3-8b")
    one, four = (buffers(header, LoadOptions(4096, batch=512, parallel=chats)).result for chats in (1, 4))
    assert one == 128_256 * 4
    assert four == 4 * one
    assert compute(header, PLAIN) == sum(buffers(header, PLAIN))


def test_no_more_is_computed_at_once_than_the_context_holds(folder: Path) -> None:
    header = header_of(folder, "llama-3-8b")
    assert compute(header, LoadOptions(256, batch=2048)) == compute(header, LoadOptions(256, batch=256))
    assert compute(header, LoadOptions(8192, batch=2048, ubatch=128)) == compute(header, LoadOptions(8192, batch=128))


@pytest.mark.parametrize("name", ["llama-3-8b", "gemma-3-27b", "qwen3-next-80b-a3b", "deepseek-v3"])
def test_more_context_never_takes_less(folder: Path, name: str) -> None:
    header = header_of(folder, name)
    for flash in (None, False):
        sizes = [
            compute(header, LoadOptions(size, batch=512, flash_attention=flash)) for size in range(512, 40_000, 777)
        ]
        assert sizes == sorted(sizes)


@pytest.mark.parametrize("architecture", sorted(ARCHITECTURES))
def test_every_architecture_can_be_reckoned_from_its_keys_alone(tmp_path: Path, architecture: str) -> None:
    keys = {
        "block_count": 4,
        "embedding_length": 256,
        "feed_forward_length": 512,
        "attention.head_count": 8,
        "attention.head_count_kv": 2,
        "attention.sliding_window": 128,
        "ssm.conv_kernel": 4,
        "ssm.inner_size": 512,
        "ssm.state_size": 16,
        "ssm.time_step_rank": 8,
        "wkv.head_size": 64,
        "shortconv.l_cache": 3,
    }
    told = {f"{architecture}.{key}": value for key, value in keys.items()}
    header = metadata_only(tmp_path / "any.gguf", {"general.architecture": architecture, **told})
    need = estimate(header, LoadOptions(1024, batch=128)).host
    assert need.compute > 5 * 256 * 4 * 128
    assert need.context > 0 or ARCHITECTURES[architecture].encoder


def test_what_was_not_tried_is_said(tmp_path: Path) -> None:
    assert set(ARCHITECTURES) > UNTRIED
    assert {"llama", "gemma3n", "deepseek2", "qwen3next", "granitehybrid"}.isdisjoint(UNTRIED)
    for name in ("llama", *UNTRIED):
        header = metadata_only(tmp_path / "any.gguf", {"general.architecture": name})
        assert [f"({name})" in caveat for caveat in caveats(header)] == [True] * (name in UNTRIED)


@pytest.mark.parametrize(
    ("name", "flash", "mebibytes"),
    [
        ("llava-1.5-7b", None, 620.42),
        ("llava-1.5-7b", False, 629.5),
        ("gemma-3-4b", None, 931.75),
        ("gemma-3-4b", False, 1942.5),
        ("qwen2-vl-7b", None, 1557.03),
        ("qwen2-vl-7b", False, 5888.22),
    ],
)
def test_a_projector_is_what_the_engine_plans(tmp_path: Path, name: str, flash: bool | None, mebibytes: float) -> None:
    """Its weights, and the image that it is warmed up with ("memory usage of mmproj" in the engine's log)."""
    (projector,) = (each for each in PROJECTORS if each.name == name)
    header = read_model(write_projector(tmp_path, projector))
    assert projector_bytes(header, LoadOptions(flash_attention=flash)) / MIB == pytest.approx(mebibytes, rel=0.011)


def test_a_projector_that_says_nothing_takes_its_weights(tmp_path: Path) -> None:
    header = metadata_only(tmp_path / "mute.gguf", {"general.architecture": "clip"})
    assert projector_bytes(header, LoadOptions()) == sum(tensor.size for tensor in header.tensors)


def test_sixty_layers_take_less_than_a_millisecond(folder: Path) -> None:
    """Measured 0.1 ms on an idle machine; a slider asks at every step, so no context is asked twice here."""
    header = header_of(folder, "deepseek-v3")
    lengths = iter(range(1024, 10**9, 256))
    best = min(repeat(lambda: estimate(header, LoadOptions(next(lengths))), number=20, repeat=10)) / 20
    assert best < 0.001


# How tensors are packed


def test_a_tensor_takes_the_smallest_gap_that_it_fits_into() -> None:
    packing = Packing()
    wide, _, narrow, _ = (packing.take(size * KIB) for size in (8, 1, 4, 1))
    packing.give(wide, narrow)
    assert packing.take(3 * KIB)[0] == narrow[0]
    assert packing.take(6 * KIB)[0] == wide[0]
    assert packing.peak == 14 * KIB


def test_of_equal_gaps_it_takes_the_last() -> None:
    packing = Packing()
    first, _, second, _ = (packing.take(KIB) for _ in range(4))
    packing.give(first, second)
    assert packing.take(KIB) == second


def test_gaps_beside_each_other_become_one() -> None:
    packing = Packing()
    first, second, third, _ = (packing.take(KIB) for _ in range(4))
    packing.give(first, third)
    packing.give(second)
    assert packing.take(3 * KIB)[0] == 0
    assert packing.peak == 4 * KIB


def test_what_is_free_at_the_end_is_no_gap() -> None:
    packing = Packing()
    first, second = packing.take(KIB), packing.take(KIB)
    packing.give(second, first)
    assert packing.take(5 * KIB)[0] == 0
    assert packing.peak == 5 * KIB


def test_tensors_begin_at_multiples_of_64_bytes() -> None:
    packing = Packing()
    packing.take(1)
    assert packing.take(65) == (64, 128)
    assert packing.peak == 192
