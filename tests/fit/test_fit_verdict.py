"""Does it fit, how tightly, and what would: the edges to the byte, and the sentence to each."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from model_shapes import LLAMA_8B, llama, metadata_only

from nodetool_xl_desktop.core.units import GIB, MIB
from nodetool_xl_desktop.fit.estimate import CONTEXT_STEP, estimate
from nodetool_xl_desktop.fit.memory import MARGIN, HostMemory, MemoryUse
from nodetool_xl_desktop.fit.options import FALLBACK_LARGEST_CONTEXT, LoadOptions
from nodetool_xl_desktop.fit.verdict import Verdict, advise, judge, largest_context
from nodetool_xl_desktop.gguf import Header

OPTIONS = LoadOptions(4096)


@pytest.fixture(scope="module")
def header(tmp_path_factory: pytest.TempPathFactory) -> Header:
    return llama(tmp_path_factory.mktemp("shapes") / "Llama-8B-Q4_K_M.gguf", LLAMA_8B)


def host(free: int) -> HostMemory:
    return HostMemory(total=max(free, 64 * GIB), free=free)


def total(header: Header, context_length: int) -> int:
    return estimate(header, replace(OPTIONS, context_length=context_length)).total


# The verdict


@pytest.mark.parametrize(
    ("left", "verdict"),
    [
        (-1, Verdict.WONT_FIT),
        (0, Verdict.TIGHT),
        (MARGIN - 1, Verdict.TIGHT),
        (MARGIN, Verdict.FITS),
        (100 * GIB, Verdict.FITS),
    ],
)
def test_the_verdict_turns_at_the_byte(left: int, verdict: Verdict) -> None:
    need = MemoryUse(model=4 * GIB, context=GIB, compute=MIB)
    assert judge(need, host(need.total + left)) is verdict


def test_every_part_counts() -> None:
    for part in ("model", "context", "compute", "projector"):
        assert judge(MemoryUse(**{part: GIB}), host(GIB - 1)) is Verdict.WONT_FIT


def test_the_words_are_those_of_the_field() -> None:
    assert [str(verdict) for verdict in Verdict] == ["Fits", "Tight", "Won't fit"]


# The largest context


@pytest.mark.parametrize("margin", [0, MARGIN])
@pytest.mark.parametrize("wanted", [256, 512, 4096, 20_224, 130_816])
def test_the_largest_context_is_the_edge(header: Header, wanted: int, margin: int) -> None:
    free = total(header, wanted) + margin
    assert largest_context(header, OPTIONS, host(free), margin) == wanted
    assert largest_context(header, OPTIONS, host(free - 1), margin) == wanted - CONTEXT_STEP
    assert judge(estimate(header, replace(OPTIONS, context_length=wanted)), host(free)) is not Verdict.WONT_FIT


@given(free=st.integers(0, 30 * GIB))
def test_one_step_more_never_fits(header: Header, free: int) -> None:
    largest = largest_context(header, OPTIONS, host(free))
    assert 0 <= largest <= 131_072
    assert largest == 0 or total(header, largest) <= free
    assert largest == 131_072 or total(header, largest + CONTEXT_STEP) > free


def test_the_model_s_own_maximum_is_the_end(header: Header) -> None:
    assert largest_context(header, OPTIONS, host(1024 * GIB)) == 131_072


@pytest.mark.parametrize("maximum", [300, 1000, 2048 + 100])
def test_a_maximum_between_two_steps_hides_no_step_below_it(tmp_path: Path, maximum: int) -> None:
    header = llama(tmp_path / "odd.gguf", {**LLAMA_8B, "context_length": maximum, "block_count": 1, "vocab_size": 256})
    below = maximum // CONTEXT_STEP * CONTEXT_STEP
    assert largest_context(header, OPTIONS, host(64 * GIB)) == maximum
    assert largest_context(header, OPTIONS, host(total(header, below))) == below
    assert largest_context(header, OPTIONS, host(total(header, 256) - 1)) == 0


def test_where_the_model_says_no_maximum_the_control_s_end_is_it(tmp_path: Path) -> None:
    shape = {key: value for key, value in LLAMA_8B.items() if key != "context_length"}
    header = llama(tmp_path / "mute.gguf", {**shape, "block_count": 1, "vocab_size": 256})
    assert largest_context(header, OPTIONS, host(64 * GIB)) == FALLBACK_LARGEST_CONTEXT
    assert largest_context(header, OPTIONS, host(total(header, 20_480))) == 20_480


def test_a_model_that_is_too_large_has_none(header: Header) -> None:
    assert largest_context(header, OPTIONS, host(header.tensor_bytes)) == 0
    assert largest_context(header, OPTIONS, host(0)) == 0


# The sentence


def test_fits_says_what_it_takes_and_what_it_leaves(header: Header) -> None:
    sentence = advise(header, OPTIONS, host(total(header, 4096) + 20 * GIB))
    assert sentence == "It takes 5.35 GiB and leaves 20.0 GiB free."


def test_tight_names_a_context_that_leaves_room(header: Header) -> None:
    sentence = advise(header, LoadOptions(8192), host(total(header, 8192) + 512 * MIB))
    assert sentence.startswith("It leaves only 512 MiB free; ")
    named = int(sentence.split("; ")[1].split()[0].replace(",", ""))
    assert named < 8192
    assert judge(estimate(header, LoadOptions(named)), host(total(header, 8192) + 512 * MIB)) is Verdict.FITS
    assert sentence.endswith("of context would leave 1.00 GiB.")


def test_tight_without_such_a_context_says_to_make_room(header: Header) -> None:
    sentence = advise(header, LoadOptions(256), host(total(header, 256) + 512 * MIB))
    assert sentence == "It leaves only 512 MiB free: close other programs to give it room."


def test_too_large_names_a_context_that_fits(header: Header) -> None:
    free = total(header, 16_384)
    sentence = advise(header, LoadOptions(65_536), host(free))
    assert sentence == "It needs 12.9 GiB, and 6.85 GiB is free; 16,384 tokens of context would fit."


def test_too_large_whatever_the_context_says_what_else_helps(header: Header) -> None:
    sentence = advise(header, OPTIONS, host(2 * GIB))
    assert sentence == (
        "It needs 5.35 GiB, and 2.00 GiB is free: choose a smaller quantization or model, or close other programs."
    )


@given(free=st.integers(0, 40 * GIB), context_length=st.integers(256, 2**27))
def test_it_is_always_one_sentence_that_agrees_with_the_verdict(header: Header, free: int, context_length: int) -> None:
    options = LoadOptions(context_length)
    sentence = advise(header, options, host(free))
    verdict = judge(estimate(header, options), host(free))
    assert sentence.startswith({"Fits": "It takes", "Tight": "It leaves only", "Won't fit": "It needs"}[verdict])
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert "-" not in sentence  # no negative number


def test_a_file_that_says_nothing_has_a_sentence_too(tmp_path: Path) -> None:
    header = metadata_only(tmp_path / "mute.gguf", {"general.architecture": "llama"})
    assert advise(header, OPTIONS, host(GIB)).startswith("It leaves only")
    assert advise(header, OPTIONS, host(0)).startswith("It needs")
