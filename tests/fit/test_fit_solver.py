"""What would fit: each answer does, a step more does not, and none of them takes long."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from model_shapes import LLAMA_8B, llama, metadata_only

from nodetool_xl_desktop.core.units import GIB, MIB
from nodetool_xl_desktop.fit.estimate import CONTEXT_STEP, estimate
from nodetool_xl_desktop.fit.memory import MARGIN, Device, HostMemory, Machine
from nodetool_xl_desktop.fit.options import FALLBACK_LARGEST_CONTEXT, LoadOptions
from nodetool_xl_desktop.fit.solver import (
    Remedy,
    best_build,
    can_be_kept_as,
    largest_context,
    offload,
    remedies,
)
from nodetool_xl_desktop.fit.verdict import Verdict, judge
from nodetool_xl_desktop.gguf import Header

OPTIONS = LoadOptions(4096, batch=512)
LLVMPIPE = Device("Vulkan0", "gpu", 2 * GIB, 2 * GIB, "llvmpipe (LLVM 15.0.6, 256 bits)")


@pytest.fixture(scope="module")
def header(tmp_path_factory: pytest.TempPathFactory) -> Header:
    return llama(tmp_path_factory.mktemp("shapes") / "Llama-8B-Q4_K_M.gguf", LLAMA_8B)


def machine(free: int, *cards: int | None, margin: int = MARGIN) -> Machine:
    """With so many bytes free, and cards of so many MiB."""
    sizes = [None if size is None else size * MIB for size in cards]
    devices = tuple(Device(f"GPU{place}", "gpu", size, size) for place, size in enumerate(sizes))
    return Machine(HostMemory(max(free, 64 * GIB), free), devices, margin)


def total(header: Header, context_length: int) -> int:
    return estimate(header, replace(OPTIONS, context_length=context_length)).total


def verdict_of(header: Header, options: LoadOptions, there: Machine) -> Verdict:
    return judge(estimate(header, options, there.devices), there.host, there.margin)


def offered(header: Header, options: LoadOptions, there: Machine, builds: tuple[Built, ...] = ()) -> tuple[Remedy, ...]:
    return remedies(header, options, there, estimate(header, options, there.devices), builds)


# The largest context


@pytest.mark.parametrize("margin", [0, MARGIN])
@pytest.mark.parametrize("wanted", [256, 512, 4096, 20_224, 130_816])
def test_the_largest_context_is_the_edge(header: Header, wanted: int, margin: int) -> None:
    free = total(header, wanted) + margin
    assert largest_context(header, OPTIONS, machine(free), margin) == wanted
    assert largest_context(header, OPTIONS, machine(free - 1), margin) == wanted - CONTEXT_STEP
    assert verdict_of(header, replace(OPTIONS, context_length=wanted), machine(free)) is not Verdict.WONT_FIT


@given(free=st.integers(0, 30 * GIB))
def test_one_step_more_never_fits(header: Header, free: int) -> None:
    largest = largest_context(header, OPTIONS, machine(free))
    assert 0 <= largest <= 131_072
    assert largest == 0 or total(header, largest) <= free
    assert largest == 131_072 or total(header, largest + CONTEXT_STEP) > free


def test_the_model_s_own_maximum_is_the_end(header: Header) -> None:
    assert largest_context(header, OPTIONS, machine(1024 * GIB)) == 131_072


@pytest.mark.parametrize("maximum", [300, 1000, 2048 + 100])
def test_a_maximum_between_two_steps_hides_no_step_below_it(tmp_path: Path, maximum: int) -> None:
    header = llama(tmp_path / "odd.gguf", {**LLAMA_8B, "context_length": maximum, "block_count": 1, "vocab_size": 256})
    below = maximum // CONTEXT_STEP * CONTEXT_STEP
    assert largest_context(header, OPTIONS, machine(64 * GIB)) == maximum
    assert largest_context(header, OPTIONS, machine(total(header, below))) == below
    assert largest_context(header, OPTIONS, machine(total(header, 256) - 1)) == 0


def test_where_the_model_says_no_maximum_the_control_s_end_is_it(tmp_path: Path) -> None:
    shape = {key: value for key, value in LLAMA_8B.items() if key != "context_length"}
    header = llama(tmp_path / "mute.gguf", {**shape, "block_count": 1, "vocab_size": 256})
    assert largest_context(header, OPTIONS, machine(64 * GIB)) == FALLBACK_LARGEST_CONTEXT
    assert largest_context(header, OPTIONS, machine(total(header, 20_480))) == 20_480


def test_a_model_that_is_too_large_has_none(header: Header) -> None:
    assert largest_context(header, OPTIONS, machine(header.tensor_bytes)) == 0
    assert largest_context(header, OPTIONS, machine(0)) == 0


@pytest.mark.parametrize("layers", [10, 33])
def test_on_a_device_the_tighter_memory_decides(header: Header, layers: int) -> None:
    there = machine(8 * GIB, 6000)
    asked = replace(OPTIONS, gpu_layers=layers)
    largest = largest_context(header, asked, there)
    assert verdict_of(header, replace(asked, context_length=largest), there) is not Verdict.WONT_FIT
    assert verdict_of(header, replace(asked, context_length=largest + CONTEXT_STEP), there) is Verdict.WONT_FIT
    assert largest < largest_context(header, asked, machine(64 * GIB, 64_000))


# The most layers


def fits_on_devices(header: Header, options: LoadOptions, there: Machine) -> bool:
    needs = estimate(header, options, there.devices)
    return all(
        (device.free or 0) - use.total >= (there.margin if use.model else 0)
        for device, use in needs.devices
        if use.total
    )


@pytest.mark.parametrize("margin", [0, MARGIN])
@pytest.mark.parametrize(
    "cards",
    [(2048,), (3000,), (4096,), (2048, 2048), (1500, 3000), (1500, 1800, 2000), (100, 4096), (4096, 100), (None, 4096)],
    ids=str,
)
def test_one_layer_more_would_not_fit_and_this_one_does(
    header: Header, cards: tuple[int | None, ...], margin: int
) -> None:
    there = machine(64 * GIB, *cards, margin=margin)
    found = offload(header, OPTIONS, there)
    assert 0 < found.gpu_layers < 33
    assert fits_on_devices(header, found, there)
    assert not fits_on_devices(header, replace(found, gpu_layers=found.gpu_layers + 1), there)


def test_on_the_measured_device_13_layers_fit(header: Header) -> None:
    there = Machine(HostMemory(64 * GIB, 64 * GIB), (LLVMPIPE,), margin=0)
    assert offload(header, OPTIONS, there).gpu_layers == 13


def test_all_of_them_where_there_is_room(header: Header) -> None:
    for cards in ((8192,), (100, 8192), (8192, 100), (None, 8192), (4096, 4096)):
        found = offload(header, OPTIONS, machine(64 * GIB, *cards))
        assert found.gpu_layers == 33
        assert verdict_of(header, found, machine(64 * GIB, *cards)) is Verdict.FITS


@pytest.mark.parametrize("cards", [(), (None,), (None, None), (0,), (100,), (1024,), (100, 100)], ids=str)
def test_none_where_no_device_can_take_one(header: Header, cards: tuple[int | None, ...]) -> None:
    found = offload(header, replace(OPTIONS, gpu_layers=7), machine(64 * GIB, *cards))
    assert found == replace(OPTIONS, gpu_layers=0)


def test_a_device_that_is_left_out_is_named_to_the_engine(header: Header) -> None:
    for cards, place in (((100, 8192), 0), ((8192, None), 1)):
        found = offload(header, OPTIONS, machine(64 * GIB, *cards))
        assert found.shares[place] == 0
        assert found.shares[1 - place] > 0
        assert estimate(header, found, machine(0, *cards).devices).layers_on[place] == 0
    assert offload(header, OPTIONS, machine(64 * GIB, 8192, 8192)).tensor_split == ""


@given(cards=st.lists(st.one_of(st.none(), st.integers(0, 9000)), max_size=3), context=st.integers(256, 131_072))
def test_what_is_found_always_fits(header: Header, cards: list[int | None], context: int) -> None:
    there = machine(64 * GIB, *cards)
    found = offload(header, replace(OPTIONS, context_length=context), there)
    assert 0 <= found.gpu_layers <= 33
    assert found.gpu_layers == 0 or fits_on_devices(header, found, there)


# Remedies


def test_each_remedy_does_what_it_says(header: Header) -> None:
    asked = LoadOptions(32_768, gpu_layers=33)
    for there, wanted in (
        (machine(64 * GIB, 7 * 1024), Verdict.TIGHT),  # they fit, with or without the margin
        (machine(7 * GIB), Verdict.TIGHT),
        (machine(total(header, 32_768) + 100 * MIB), Verdict.FITS),  # it was tight
    ):
        found = offered(header, asked, there)
        assert found
        assert len({remedy.says for remedy in found}) == len(found)
        for remedy in found:
            assert remedy.options != asked
            assert verdict_of(header, remedy.options, there) in (wanted, Verdict.FITS, Verdict.PARTLY)


def test_a_smaller_cache_that_makes_it_fit(header: Header) -> None:
    there = machine(total(header, 32_768) - GIB)
    first = offered(header, LoadOptions(32_768), there)[0]
    assert (first.kind, first.says) == ("kv_type", "32,768 tokens fit if the KV cache is q8_0")
    assert (first.options.kv_type_k, first.options.kv_type_v) == ("q8_0", "q8_0")
    kinds = [remedy.kind for remedy in offered(header, LoadOptions(32_768), there)]
    assert kinds == ["kv_type", "context", "kv_type"]


def test_where_only_the_smallest_cache_makes_it_fit(header: Header) -> None:
    q8, q4 = (estimate(header, LoadOptions(65_536, kv_type_k=kind, kv_type_v=kind)).total for kind in ("q8_0", "q4_0"))
    found = offered(header, LoadOptions(65_536), machine((q8 + q4) // 2))
    assert [remedy.says.split()[-1] for remedy in found if remedy.kind == "kv_type"] == ["q4_0"]


def test_a_smaller_cache_turns_flash_attention_on_where_it_was_off(header: Header) -> None:
    asked = LoadOptions(32_768, flash_attention=False)
    there = machine(estimate(header, asked).total - GIB)
    (first, *_) = [remedy for remedy in offered(header, asked, there) if remedy.kind == "kv_type"]
    assert first.options.conflict == ""
    kept = LoadOptions(32_768, flash_attention=True)
    (first, *_) = offered(header, kept, machine(total(header, 32_768) - GIB))
    assert first.options.flash_attention is True


@pytest.mark.parametrize(
    ("shape", "possible"),
    [
        ({}, True),
        ({"attention.key_length": 80}, False),
        ({"attention.value_length": 80}, False),
        ({"attention.key_length": 192, "attention.value_length": 128}, True),
        ({"embedding_length": 3200}, False),
        ({"attention.head_count": 0}, False),
    ],
)
def test_heads_that_are_no_whole_blocks_cannot_be_kept_smaller(
    tmp_path: Path, shape: dict[str, int], possible: bool
) -> None:
    keys = {**LLAMA_8B, "block_count": 2, **shape}
    metadata = {"general.architecture": "llama", **{f"llama.{key}": value for key, value in keys.items()}}
    header = metadata_only(tmp_path / "heads.gguf", metadata)
    assert can_be_kept_as(header, "q8_0") is can_be_kept_as(header, "q4_0") is possible
    assert can_be_kept_as(header, "f16")


def test_fewer_layers_come_first_where_a_device_is_too_small(header: Header) -> None:
    there = machine(64 * GIB, 4096)
    asked = replace(OPTIONS, gpu_layers=33)
    first = offered(header, asked, there)[0]
    assert first.kind == "gpu_layers"
    assert first.says == f"{first.options.gpu_layers} of 33 layers on GPU0 would fit"
    assert not fits_on_devices(header, replace(first.options, gpu_layers=first.options.gpu_layers + 1), there)


def test_the_processor_alone_is_a_remedy_too(header: Header) -> None:
    there = machine(64 * GIB, 200)
    (first, *_) = offered(header, replace(OPTIONS, gpu_layers=20), there)
    assert (first.options.gpu_layers, first.says) == (0, "the processor alone would fit")


def test_more_layers_are_a_remedy_of_a_load_that_fits(header: Header) -> None:
    for layers in (0, 5):
        (only,) = offered(header, replace(OPTIONS, gpu_layers=layers), machine(64 * GIB, 8192))
        assert (only.kind, only.says) == ("gpu_layers", "all 33 layers on GPU0 would fit")
    assert offered(header, replace(OPTIONS, gpu_layers=33), machine(64 * GIB, 8192)) == ()
    assert offered(header, OPTIONS, machine(64 * GIB)) == ()


@pytest.mark.parametrize("asked", [256, 4096])
def test_a_context_that_is_no_use_is_not_offered(header: Header, asked: int) -> None:
    there = machine(estimate(header, LoadOptions(768, kv_type_k="q4_0", kv_type_v="q4_0")).total)
    kinds = {remedy.kind for remedy in offered(header, LoadOptions(asked, kv_type_v="q4_0", kv_type_k="q4_0"), there)}
    assert "context" not in kinds


# Other builds


@dataclass(frozen=True)
class Built:
    quantization: str
    size: int


BUILDS = (Built("Q8_0", 8 * GIB), Built("Q2_K", 3 * GIB), Built("Q4_K_M", 5 * GIB), Built("Q3_K_S", 4 * GIB))


@pytest.mark.parametrize(
    ("free", "best"), [(64.0, "Q8_0"), (7.0, "Q4_K_M"), (5.8, "Q3_K_S"), (4.7, "Q2_K"), (3.7, "Q2_K"), (3.0, None)]
)
def test_the_largest_build_that_leaves_the_margin_else_that_fits(header: Header, free: float, best: str | None) -> None:
    found = best_build(header, OPTIONS, machine(round(free * GIB)), BUILDS)
    assert (found.quantization if found else None) == best


def test_a_smaller_build_is_the_last_remedy(header: Header) -> None:
    (only,) = offered(header, OPTIONS, machine(round(4.9 * GIB)), BUILDS)
    assert (only.kind, only.build, only.says) == ("build", "Q2_K", "Q2_K (3.2 GB) would fit")
    assert only.options == OPTIONS
    assert offered(header, OPTIONS, machine(3 * GIB), BUILDS) == ()
    assert offered(header, OPTIONS, machine(64 * GIB), BUILDS) == ()


def test_another_build_lies_on_the_devices_as_this_one_does(header: Header) -> None:
    there = machine(64 * GIB, 4096, margin=0)
    found = best_build(header, replace(OPTIONS, gpu_layers=33), there, BUILDS)
    assert found is not None
    assert found.quantization == "Q2_K"


# How long


def test_each_answer_takes_less_than_5_ms_for_60_layers(tmp_path: Path) -> None:
    header = llama(tmp_path / "60.gguf", {**LLAMA_8B, "block_count": 60})
    there = machine(8 * GIB, 4096, 6000)
    asked = LoadOptions(65_536, gpu_layers=61)
    for question in (
        lambda: largest_context(header, asked, there),
        lambda: offload(header, asked, there),
        lambda: best_build(header, asked, there, BUILDS),
    ):
        question()
        took = []
        for _ in range(5):
            started = time.process_time()
            question()
            took.append(time.process_time() - started)
        assert min(took) < 0.005
