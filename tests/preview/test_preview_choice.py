"""What a person chooses, over what was found and what the machine has."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from model_shapes import LLAMA_8B, llama

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.units import GIB
from nodetool_xl_desktop.fit.estimate import estimate
from nodetool_xl_desktop.fit.memory import Device, HostMemory, Machine
from nodetool_xl_desktop.fit.options import LoadSettings
from nodetool_xl_desktop.library.settings import Kept
from nodetool_xl_desktop.preview.choice import Choice
from nodetool_xl_desktop.preview.report import Preview

HOST = HostMemory(64 * GIB, 48 * GIB)
CARD = Device("CUDA0", "gpu", 4 * GIB, 4 * GIB)
ALONE, WITH_CARD = Machine(HOST), Machine(HOST, (CARD,))


@pytest.fixture(scope="module")
def preview(tmp_path_factory: pytest.TempPathFactory) -> Preview:
    return Preview(llama(tmp_path_factory.mktemp("shapes") / "Llama-8B-Q4_K_M.gguf", LLAMA_8B))


@pytest.fixture
def choice(preview: Preview) -> Choice:
    return Choice.of(preview, Kept(), 8)


def test_nothing_said_is_the_default_with_all_layers_that_fit(choice: Choice) -> None:
    assert not choice.is_changed
    assert choice.has_auto_layers
    assert choice.options(ALONE) == choice.defaults
    options = choice.options(WITH_CARD)
    for layers, fits in ((options.gpu_layers, True), (options.gpu_layers + 1, False)):
        ((_, use),) = estimate(choice.preview.header, replace(options, gpu_layers=layers), (CARD,)).devices
        assert (4 * GIB - use.total >= GIB) is fits


def test_layers_are_chosen_and_given_back(choice: Choice) -> None:
    chosen = choice.change(gpu_layers=7)
    assert chosen.options(WITH_CARD).gpu_layers == 7
    assert chosen.options(ALONE).gpu_layers == 0, "there is nothing to put them onto"
    assert chosen.change(gpu_layers=0).kept.chosen.gpu_layers == 0, "none is a choice, too"
    assert chosen.change(gpu_layers=None).options(WITH_CARD) == choice.options(WITH_CARD)


def test_what_is_loaded_keeps_its_layers_until_something_else_changes(choice: Choice) -> None:
    loaded = choice.options(WITH_CARD)
    more = Machine(HOST, (replace(CARD, free=5 * GIB, total=5 * GIB),))
    assert choice.options(more).gpu_layers > loaded.gpu_layers
    assert choice.options(more, loaded) == loaded
    other = choice.change(context_length=1024)
    assert other.options(more, loaded) == other.options(more)


def test_what_is_so_anyway_is_no_choice(choice: Choice) -> None:
    assert choice.change(context_length=4096).is_changed
    assert not choice.change(context_length=4096).change(context_length=8192).is_changed
    assert not choice.change(batch=64, threads=2).reset().is_changed


def test_what_tune_found_stays_below_the_choice(preview: Preview) -> None:
    found = LoadSettings(threads=3, batch=256, gpu_layers=4)
    choice = Choice.of(preview, Kept(found, LoadSettings(threads=5)), 8)
    assert not choice.has_auto_layers
    options = choice.options(WITH_CARD)
    assert (options.threads, options.batch, options.gpu_layers) == (5, 256, 4)
    assert choice.reset().options(WITH_CARD).threads == 3


def test_the_last_of_two_that_cannot_be_together_wins(choice: Choice) -> None:
    quantised = choice.change(kv_type_v="q4_0")
    off = quantised.change(flash_attention=False)
    assert (off.options(ALONE).flash_attention, off.options(ALONE).kv_type_v) == (False, "f16")
    assert "q4_0 needs flash attention" in off.note
    again = off.change(kv_type_k="q8_0", kv_type_v="q8_0")
    assert (again.options(ALONE).flash_attention, again.options(ALONE).kv_type_v) == (None, "q8_0")
    assert "on auto" in again.note
    assert not again.change(batch=64).note, "told once"


def test_flash_attention_that_is_settled_is_turned_on_instead_of_auto(preview: Preview) -> None:
    choice = Choice.of(preview, Kept(LoadSettings(flash_attention=False)), 8)
    assert not choice.can_flash_be_auto
    assert choice.change(kv_type_v="q8_0").options(ALONE).flash_attention is True


def test_a_kept_choice_that_can_no_longer_be_is_let_go(preview: Preview) -> None:
    kept = Kept(LoadSettings(flash_attention=False), LoadSettings(kv_type_v="q8_0", context_length=1024))
    options = Choice.of(preview, kept, 8).options(ALONE)
    assert (options.kv_type_v, options.context_length) == ("f16", 1024)
    with pytest.raises(UserFacingError, match="flash attention"):
        Choice.of(preview, Kept(LoadSettings(flash_attention=False, kv_type_v="q8_0")), 8)


def test_a_remedy_changes_what_it_names_and_no_more(choice: Choice) -> None:
    tight = Machine(HostMemory(64 * GIB, 5 * GIB))
    report = choice.preview.report(choice.options(tight), tight.host)
    for remedy in report.remedies:
        applied = choice.apply(remedy.options, tight)
        assert applied.options(tight) == remedy.options
        assert applied.reset().options(tight) == choice.options(tight)


def test_types_that_the_heads_cannot_have_are_not_offered(tmp_path: Path) -> None:
    odd = LLAMA_8B | {"block_count": 1, "embedding_length": 1280, "attention.head_count_kv": 32}  # 40 numbers a head
    choice = Choice.of(Preview(llama(tmp_path / "odd.gguf", odd)), Kept(), 8)
    assert choice.kv_types == ("f32", "f16", "bf16")
    assert choice.basic_kv_types == ("f16",)


def test_experts(preview: Preview, tmp_path: Path) -> None:
    assert Choice.of(preview, Kept(), 8).layers_with_experts == 0
    mixture = llama(tmp_path / "moe.gguf", LLAMA_8B, {"llama.expert_count": 8})
    assert Choice.of(Preview(mixture), Kept(), 8).layers_with_experts == 32
