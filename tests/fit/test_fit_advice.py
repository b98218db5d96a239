"""One sentence with numbers, to each verdict."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from model_shapes import LLAMA_8B, llama, metadata_only

from nodetool_xl_desktop.core.units import GIB, MIB
from nodetool_xl_desktop.fit.advice import advise
from nodetool_xl_desktop.fit.estimate import estimate
from nodetool_xl_desktop.fit.memory import Device, HostMemory, Machine
from nodetool_xl_desktop.fit.options import LoadOptions
from nodetool_xl_desktop.fit.solver import offload, remedies
from nodetool_xl_desktop.fit.verdict import judge
from nodetool_xl_desktop.gguf import Header

OPTIONS = LoadOptions(4096)
SMALL = {"kv_type_k": "q4_0", "kv_type_v": "q4_0"}


@pytest.fixture(scope="module")
def header(tmp_path_factory: pytest.TempPathFactory) -> Header:
    return llama(tmp_path_factory.mktemp("shapes") / "Llama-8B-Q4_K_M.gguf", LLAMA_8B)


def machine(free: int, *cards: int) -> Machine:
    devices = tuple(Device(f"GPU{place}", "gpu", size * MIB, size * MIB) for place, size in enumerate(cards))
    return Machine(HostMemory(max(free, 64 * GIB), free), devices)


def total(header: Header, options: LoadOptions) -> int:
    return estimate(header, options).total


def told(header: Header, options: LoadOptions, there: Machine) -> str:
    need = estimate(header, options, there.devices)
    return advise(need, there, remedies(header, options, there, need))


def test_fits_says_what_it_takes_and_what_it_leaves(header: Header) -> None:
    sentence = told(header, OPTIONS, machine(total(header, OPTIONS) + 20 * GIB))
    assert sentence == "It takes 5.35 GiB and leaves 20.0 GiB free."


def test_tight_names_what_leaves_room(header: Header) -> None:
    there = machine(total(header, LoadOptions(8192)) + 700 * MIB)
    assert told(header, LoadOptions(8192), there) == (
        "It leaves only 700 MiB free; 8,192 tokens would leave 1.00 GiB if the KV cache is q8_0."
    )


def test_tight_names_a_context_where_the_cache_is_small_already(header: Header) -> None:
    asked = LoadOptions(65_536, **SMALL)
    sentence = told(header, asked, machine(total(header, asked) + 512 * MIB))
    assert sentence.startswith("It leaves only 512 MiB free; ")
    assert sentence.endswith(" tokens of context would leave 1.00 GiB.")


def test_tight_without_a_remedy_says_to_make_room(header: Header) -> None:
    sentence = told(header, LoadOptions(256), machine(total(header, LoadOptions(256)) + 512 * MIB))
    assert sentence == "It leaves only 512 MiB free: close other programs to give it room."


def test_too_large_names_what_would_fit(header: Header) -> None:
    free = total(header, LoadOptions(40_960))
    assert told(header, LoadOptions(65_536), machine(free)) == (
        "It needs 12.9 GiB, and 9.86 GiB is free; 65,536 tokens fit if the KV cache is q8_0."
    )
    free = total(header, LoadOptions(16_384))
    sentence = told(header, LoadOptions(65_536), machine(free))
    assert sentence == "It needs 12.9 GiB, and 6.85 GiB is free; 16,384 tokens of context would fit."


def test_too_large_whatever_is_changed_says_what_else_helps(header: Header) -> None:
    assert told(header, OPTIONS, machine(2 * GIB)) == (
        "It needs 5.35 GiB, and 2.00 GiB is free: choose a smaller quantization or model, or close other programs."
    )


# With devices


def test_all_on_a_device(header: Header) -> None:
    sentence = told(header, replace(OPTIONS, gpu_layers=33), machine(64 * GIB, 8192))
    assert sentence.startswith("It takes 5.0")
    assert " of GPU0 and " in sentence
    assert sentence.endswith(" of memory, and leaves at least 2.93 GiB free of each.")


def test_partly_names_the_layers_and_how_many_more_there_could_be(header: Header) -> None:
    there = machine(64 * GIB, 8192)
    sentence = told(header, replace(OPTIONS, gpu_layers=13), there)
    assert sentence.endswith(", with 13 of 33 layers on the GPU; all 33 layers on GPU0 would fit.")
    there = machine(64 * GIB, 4096, 4096)
    most = offload(header, OPTIONS, machine(64 * GIB, 2048, 2048))
    sentence = told(header, most, machine(64 * GIB, 2048, 2048))
    assert f", with {most.gpu_layers} of 33 layers on the GPU." in sentence
    assert sentence.count(" of GPU") == 2
    assert told(header, OPTIONS, there).endswith("with no layer on the GPU; all 33 layers on GPU0 and GPU1 would fit.")


def test_a_device_that_is_too_small_is_named(header: Header) -> None:
    sentence = told(header, replace(OPTIONS, gpu_layers=33), machine(64 * GIB, 8192, 100))
    assert "GPU1" not in sentence  # it gets no layer
    sentence = told(header, replace(OPTIONS, gpu_layers=33), machine(64 * GIB, 100, 8192))
    assert sentence.startswith("It needs ")
    assert " on GPU0, and 100 MiB is free; all 33 layers on GPU1 would fit." in sentence


# Whatever it is


@given(
    free=st.integers(0, 40 * GIB),
    context_length=st.integers(256, 2**27),
    cards=st.lists(st.integers(0, 30_000), max_size=2),
    layers=st.integers(0, 33),
)
def test_it_is_always_one_sentence_that_agrees_with_the_verdict(
    header: Header, free: int, context_length: int, cards: list[int], layers: int
) -> None:
    options, there = LoadOptions(context_length, gpu_layers=layers), machine(free, *cards)
    sentence = told(header, options, there)
    verdict = judge(estimate(header, options, there.devices), there.host)
    opening = {"Tight": "It leaves only", "Won't fit": "It needs"}.get(verdict.value, "It takes")
    assert sentence.startswith(opening)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert "-" not in sentence  # no negative number


def test_a_file_that_says_nothing_has_a_sentence_too(tmp_path: Path) -> None:
    header = metadata_only(tmp_path / "mute.gguf", {"general.architecture": "llama"})
    assert told(header, OPTIONS, machine(GIB)).startswith("It leaves only")
    assert told(header, OPTIONS, machine(0)).startswith("It needs")
