"""Which files are models, which of them is taken, and what a person asked for by name."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from model_shapes import LLAMA_8B, llama

from nodetool_xl_desktop.core.units import GIB
from nodetool_xl_desktop.fit.estimate import estimate
from nodetool_xl_desktop.fit.memory import MARGIN
from nodetool_xl_desktop.fit.options import LoadOptions
from nodetool_xl_desktop.fit.verdict import Verdict
from nodetool_xl_desktop.gguf.names import read_name
from nodetool_xl_desktop.hub.choice import (
    Candidate,
    Reference,
    candidates,
    choose,
    needs,
    parse_reference,
    pick,
)
from nodetool_xl_desktop.hub.errors import BadName, NotFound
from nodetool_xl_desktop.hub.repository import HubFile


def files(**sizes: int) -> list[HubFile]:
    """Q4_K_M=5 is a file of that quantization and as many GiB."""
    return [HubFile(f"Llama-8B-{name}.gguf", size * GIB) for name, size in sizes.items()]


def found(**sizes: int) -> tuple[Candidate, ...]:
    return candidates(files(**sizes))


def size(candidate: Candidate) -> int:
    return candidate.size


LLAMA = found(Q2_K=3, Q4_K_M=5, Q6_K=7, Q8_0=9, F16=16)


# What there is


def test_projectors_matrices_and_other_files_are_no_candidates() -> None:
    names = [
        "mmproj-model-f16.gguf",
        "Model-mmproj-Q8_0.gguf",
        "MMPROJ.gguf",
        "imatrix.gguf",
        "Model.imatrix.gguf",
        "imatrix_unsloth.gguf",
        "README.md",
        "model.gguf.txt",
        "Model-imatrix-Q4_K_M.gguf",
        "Model-Q5_K_M-imat.gguf",
        "plain.gguf",
    ]
    paths = [candidate.path for candidate in candidates([HubFile(name, 1) for name in names])]
    assert paths == ["Model-Q5_K_M-imat.gguf", "Model-imatrix-Q4_K_M.gguf", "plain.gguf"]


@pytest.mark.parametrize(
    ("path", "quantization", "bits"),
    [
        ("Model-Q4_K_M.gguf", "Q4_K_M", 4),
        ("model.q8_0.GGUF", "Q8_0", 8),
        ("Model-UD-IQ2_XXS.gguf", "IQ2_XXS", 2),
        ("bitnet-TQ2_0.gguf", "TQ2_0", 2),
        ("gpt-oss-20b-mxfp4.gguf", "MXFP4", 4),
        ("gpt-oss-MXFP4_MOE.gguf", "MXFP4_MOE", 4),
        ("model-bf16.gguf", "BF16", 16),
        ("model-fp16.gguf", "FP16", 16),
        ("model-F32.gguf", "F32", 32),
        ("Q5_K_M.gguf", "Q5_K_M", 5),
        ("Q6_K/model.gguf", "Q6_K", 6),
        ("UD-Q3_K_XL/model.gguf", "Q3_K_XL", 3),
        ("Q4_K_M/Model-Q5_K_S.gguf", "Q5_K_S", 5),
        ("model.gguf", "", None),
        ("my-models/model.gguf", "", None),
    ],
)
def test_the_quantization_that_a_name_says(path: str, quantization: str, bits: int | None) -> None:
    (candidate,) = candidates([HubFile(path, 1)])
    assert (candidate.quantization, candidate.bits) == (quantization, bits)


def test_a_split_set_is_one_candidate_in_its_order() -> None:
    parts = [HubFile(f"Q8_0/Big-Q8_0-{number:05d}-of-00003.gguf", number) for number in (3, 1, 2)]
    (candidate,) = candidates(parts)
    assert candidate.files == (parts[1], parts[2], parts[0])
    assert candidate.path == "Q8_0/Big-Q8_0-00001-of-00003.gguf"
    assert candidate.size == 6
    assert candidate.quantization == "Q8_0"


def test_a_set_in_a_folder_that_is_named_for_it() -> None:
    (candidate,) = candidates([HubFile(f"Q4_K_M/model-0000{number}-of-00002.gguf", 1) for number in (1, 2)])
    assert candidate.quantization == "Q4_K_M"


def test_a_set_that_is_not_whole_is_no_candidate() -> None:
    for numbers in ((1, 3), (2, 3), (1, 2), (1, 2, 4)):
        assert candidates([HubFile(f"B-{number:05d}-of-00003.gguf", 1) for number in numbers]) == ()


def test_sets_of_one_name_in_two_folders_or_of_two_lengths_are_kept_apart() -> None:
    names = [f"{folder}/M-Q4_0-0000{number}-of-00002.gguf" for folder in ("a", "b") for number in (1, 2)]
    names += ["a/M-Q4_0-00001-of-00001.gguf", "a/M-Q4_0.gguf"]
    assert [len(candidate.files) for candidate in candidates([HubFile(name, 1) for name in names])] == [1, 1, 2, 2]


def test_the_smallest_comes_first() -> None:
    assert [candidate.quantization for candidate in LLAMA] == ["Q2_K", "Q4_K_M", "Q6_K", "Q8_0", "F16"]


# What is taken


@pytest.mark.parametrize(
    ("free", "quantization", "verdict"),
    [
        (100 * GIB, "Q8_0", Verdict.FITS),
        (9 * GIB + MARGIN, "Q8_0", Verdict.FITS),
        (9 * GIB + MARGIN - 1, "Q6_K", Verdict.FITS),
        (3 * GIB + MARGIN, "Q2_K", Verdict.FITS),
        (3 * GIB + MARGIN - 1, "Q2_K", Verdict.TIGHT),
        (3 * GIB, "Q2_K", Verdict.TIGHT),
        (3 * GIB - 1, "Q2_K", Verdict.WONT_FIT),
        (0, "Q2_K", Verdict.WONT_FIT),
    ],
)
def test_the_best_that_leaves_the_margin(free: int, quantization: str, verdict: Verdict) -> None:
    choice = choose(LLAMA, size, free)
    assert (choice.candidate.quantization, choice.verdict) == (quantization, verdict)
    assert choice.need == choice.candidate.size


def test_where_none_leaves_the_margin_the_smallest_is_taken_though_a_larger_one_would_go_in() -> None:
    choice = choose(found(Q4_0=10, Q4_1=11), size, 11 * GIB)
    assert (choice.candidate.quantization, choice.verdict) == ("Q4_0", Verdict.FITS)
    choice = choose(found(Q4_0=10, Q4_1=11), size, 11 * GIB - 1)
    assert (choice.candidate.quantization, choice.verdict) == ("Q4_0", Verdict.TIGHT)


def test_full_precision_only_where_there_are_no_8_bits() -> None:
    free = 1000 * GIB
    assert choose(found(Q4_K_M=5, BF16=16, F32=32), size, free).candidate.quantization == "F32"
    assert choose(found(F16=16), size, free).candidate.quantization == "F16"
    assert choose(found(Q8_K_XL=10, Q8_0=9, BF16=16), size, free).candidate.quantization == "Q8_K_XL"
    # Never above it, also where the one of 8 bits is too large.
    assert choose(found(Q8_0=20, F16=16), size, 18 * GIB).candidate.quantization == "Q8_0"


def test_a_file_that_says_no_quantization_counts_by_its_size() -> None:
    plain = [*files(Q8_0=9), HubFile("Llama.gguf", 12 * GIB)]
    assert choose(candidates(plain), size, 100 * GIB).candidate.path == "Llama.gguf"


def test_nothing_to_choose_from() -> None:
    with pytest.raises(NotFound, match="nothing to load"):
        choose((), size, GIB)
    with pytest.raises(NotFound, match="nothing to load"):
        pick((), quantization="Q4_K_M")


@given(
    sizes=st.lists(st.integers(1, 60), min_size=1, max_size=8, unique=True),
    free=st.integers(0, 64).map(lambda number: number * GIB),
)
def test_nothing_better_was_there(sizes: list[int], free: int) -> None:
    there = candidates([HubFile(f"M-Q{number % 7 + 1}_{number}.gguf", number * GIB) for number in sizes])
    choice = choose(there, size, free)
    fitting = [number * GIB for number in sizes if number * GIB + MARGIN <= free]
    assert choice.candidate.size == (max(fitting) if fitting else min(sizes) * GIB)
    assert (choice.verdict is Verdict.FITS) == bool(fitting)


def test_what_a_build_needs_is_its_own_weights_beside_one_context(tmp_path: Path) -> None:
    header = llama(tmp_path / "Llama-8B-Q4_K_M.gguf", LLAMA_8B)
    options = LoadOptions(context_length=8192)
    use = estimate(header, options).host
    need = needs(header, options)
    assert need(LLAMA[3]) == 9 * GIB + use.context + use.compute
    assert needs(header, LoadOptions(context_length=16_384))(LLAMA[3]) > need(LLAMA[3])


# What was asked for


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("org/repo", Reference("org/repo")),
        (" org/repo:q4_k_m ", Reference("org/repo", "q4_k_m")),
        ("org/repo/model.gguf", Reference("org/repo", file="model.gguf")),
        ("org/repo/sub/folder/Model.GGUF", Reference("org/repo", file="sub/folder/Model.GGUF")),
    ],
)
def test_a_model_as_people_write_it(text: str, reference: Reference) -> None:
    assert parse_reference(text) == reference


@pytest.mark.parametrize(
    "text", ["", "repo", "org/", "/repo", "org/repo:", "org/repo/readme.md", "org/repo:Q4/m.gguf", "org/:Q4_0"]
)
def test_what_is_no_reference(text: str) -> None:
    with pytest.raises(BadName, match="no name of a model"):
        parse_reference(text)


def test_by_quantization_in_any_case() -> None:
    assert pick(LLAMA, quantization="q6_k").quantization == "Q6_K"
    with pytest.raises(NotFound, match="There is no Q5_K_M of this model: there are Q2_K, Q4_K_M, Q6_K, Q8_0, F16"):
        pick(LLAMA, quantization="Q5_K_M")


def test_of_two_builds_of_one_quantization_the_one_that_is_called_so() -> None:
    both = candidates([HubFile("M-UD-Q4_K_XL.gguf", 1), HubFile("M-Q4_K_XL.gguf", 2)])
    assert pick(both, quantization="UD-Q4_K_XL").path == "M-UD-Q4_K_XL.gguf"
    assert pick(both, quantization="Q4_K_XL").path == "M-Q4_K_XL.gguf"
    only = candidates([HubFile("M-UD-Q4_K_XL.gguf", 1)])
    assert pick(only, quantization="Q4_K_XL").path == "M-UD-Q4_K_XL.gguf"


def test_by_the_name_of_a_file_and_of_any_part_of_a_set() -> None:
    there = candidates(
        [
            *(HubFile(f"big/B-Q8_0-0000{number}-of-00002.gguf", 1) for number in (1, 2)),
            HubFile("x/M.gguf", 1),
            HubFile("M.gguf", 2),
        ]
    )
    assert pick(there, file="b-q8_0-00002-of-00002.gguf").path == "big/B-Q8_0-00001-of-00002.gguf"
    assert pick(there, file="m.gguf").path == "M.gguf"
    assert pick(there, file="x/M.gguf").path == "x/M.gguf"
    with pytest.raises(NotFound, match=r"no model other\.gguf.*x/M\.gguf"):
        pick(there, file="other.gguf")


# Names


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("DeepSeek-V3-Q4_K_M-00001-of-00009.gguf", ("DeepSeek-V3", "Q4_K_M", 1, 9)),
        ("Midnight-Miqu-70B-v1.5.i1-Q4_K_S.gguf", ("Midnight-Miqu-70B-v1.5", "Q4_K_S", 1, 1)),
        ("Q4_0.gguf", ("Q4_0", "", 1, 1)),
        ("Qwen2-7B.GGUF", ("Qwen2-7B", "", 1, 1)),
        ("mistral-7b-instruct-v0.2.Q5_K_M.gguf", ("mistral-7b-instruct-v0.2", "Q5_K_M", 1, 1)),
        ("", ("", "", 1, 1)),
    ],
)
def test_a_name_taken_apart(name: str, told: tuple[str, str, int, int]) -> None:
    assert read_name(name) == told
