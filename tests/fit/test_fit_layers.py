"""What each layer takes: against the engine's own plans (in brackets MiB of its log) and sums by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from model_shapes import LLAMA_8B, llama, metadata_only
from shapes import by_name, write

from nodetool_xl_desktop.core.units import MIB
from nodetool_xl_desktop.fit.layers import Layout, lay_out, padded_context, row_bytes
from nodetool_xl_desktop.fit.options import LoadOptions
from nodetool_xl_desktop.fit.repack import is_repacked, repacked_bytes
from nodetool_xl_desktop.gguf import Header, Malformed, TensorInfo, read_model


def layout_of(folder: Path, name: str, options: LoadOptions) -> Layout:
    return lay_out(read_model(write(folder, by_name(name))), options)


def small(folder: Path, architecture: str, **keys: Any) -> Header:
    """Four layers of any architecture, without weights: 8 heads of 16 numbers, 2 of keys and values."""
    told = {
        "block_count": 4,
        "embedding_length": 128,
        "attention.head_count": 8,
        "attention.head_count_kv": 2,
        **{key.replace("__", "."): value for key, value in keys.items()},
    }
    wanted = {f"{architecture}.{key}": value for key, value in told.items() if value is not None}
    return metadata_only(folder / "small.gguf", {"general.architecture": architecture, **wanted})


def contexts(header: Header, options: LoadOptions) -> list[int]:
    return [layer.context for layer in lay_out(header, options).repeating]


#: Of one token in one layer of `small`, in f16: 2 heads of keys and 2 of values, each of 16 numbers.
TOKEN = (2 + 2) * 16 * 2


# Held against the engine's own plans


@pytest.mark.parametrize(
    ("name", "options", "mebibytes"),
    [
        ("llama-3-8b", LoadOptions(32_768), 4096.0),  # grouped queries
        ("llama-3-8b", LoadOptions(8192, kv_type_k="q8_0", kv_type_v="q8_0"), 544.0),
        ("llama-3-8b", LoadOptions(8192, kv_type_k="q8_0", kv_type_v="q4_0"), 272.0 + 144.0),
        ("gemma-2b", LoadOptions(4096, batch=512), 72.0),  # one head of keys for all
        ("deepseek-v3", LoadOptions(4096, batch=512), 274.5),  # latent, K alone
        ("deepseek-v2-lite-2024", LoadOptions(4096, batch=512), 1080.0),  # latent, in the older form of a file
        ("gemma-2-9b", LoadOptions(4096, batch=512), 1344.0),  # each second layer has a window of 4,096
        ("gemma-3-27b", LoadOptions(32_768, batch=2048, ubatch=2048), 2560.0 + 1248.0),  # five of six
        ("gemma-3n-e4b", LoadOptions(4096, batch=512), 64.0),  # 20 of 35 layers have a cache
        ("gpt-oss-20b", LoadOptions(32_768, batch=2048, ubatch=2048), 768.0 + 54.0),
        ("llama-4-scout", LoadOptions(32_768, batch=2048, ubatch=2048), 1536.0 + 1440.0),  # chunks of 8,192
        ("glm-4.5-air", LoadOptions(4096, batch=512), 736.0),  # 46 layers; the 47th only drafts
        ("mamba2-2.7b", LoadOptions(4096, batch=512), 163.94),
        ("rwkv7-2.9b", LoadOptions(4096, batch=512), 20.62),
        ("lfm2-1.2b", LoadOptions(4096, batch=512), 48.0 + 0.16),
        ("falcon-h1-7b", LoadOptions(4096, batch=512), 176.0 + 133.8),  # both in each layer
        ("granite-4.0-h-tiny", LoadOptions(4096, batch=512), 32.0 + 55.37),
        ("jamba-mini-52b", LoadOptions(4096, batch=512), 64.0 + 16.62),
        ("qwen3-next-80b-a3b", LoadOptions(4096, batch=512), 96.0 + 75.38),  # three of four are delta nets
        ("bge-small-en-v1.5", LoadOptions(512), 0.0),  # reads, and keeps nothing
    ],
)
def test_a_context_is_what_the_engine_plans(tmp_path: Path, name: str, options: LoadOptions, mebibytes: float) -> None:
    assert layout_of(tmp_path, name, options).context / MIB == pytest.approx(mebibytes, abs=0.06)


def test_the_weights_lie_where_the_engine_puts_them(tmp_path: Path) -> None:
    header = llama(tmp_path / "llama.gguf", LLAMA_8B)
    layout = lay_out(header, LoadOptions())
    sizes = {tensor.name: tensor.size for tensor in header.tensors}
    assert layout.input == sizes["token_embd.weight"]
    assert layout.output == sizes["output.weight"] + sizes["output_norm.weight"]
    assert {layer.model for layer in layout.repeating} == {sum(s for n, s in sizes.items() if n.startswith("blk.0."))}
    assert layout.model == header.tensor_bytes
    assert (layout.tied, layout.tied_on_host, layout.layers) == (0, 0, 33)


def test_experts_are_counted_within_their_layers(tmp_path: Path) -> None:
    header = read_model(write(tmp_path, by_name("mixtral-8x7b")))
    layer = lay_out(header, LoadOptions()).repeating[3]
    experts = sum(t.size for t in header.tensors if t.name.startswith("blk.3.") and "_exps." in t.name)
    assert layer.experts == experts
    assert 0.9 * layer.model < layer.experts < layer.model


def test_layers_that_only_draft_take_nothing(tmp_path: Path) -> None:
    header = read_model(write(tmp_path, by_name("glm-4.5-air")))
    layout = lay_out(header, LoadOptions())
    assert len(layout.repeating) == 46
    assert layout.layers == 48  # as the engine counts them
    assert layout.model == pytest.approx((28_567 + 38_608) * MIB, abs=2 * MIB)
    assert layout.model < header.tensor_bytes - 1024 * MIB


# Tied output


def test_tied_embeddings_are_copied_where_the_output_is_elsewhere(tmp_path: Path) -> None:
    layout = layout_of(tmp_path, "gemma-2-9b", LoadOptions())
    assert layout.tied == layout.input
    assert layout.tied_on_host == 0
    assert layout_of(tmp_path, "bge-small-en-v1.5", LoadOptions()).tied == 0  # it has no output matrix


def test_gemma_3n_is_planned_with_a_copy_of_its_embeddings(tmp_path: Path) -> None:
    layout = layout_of(tmp_path, "gemma-3n-e4b", LoadOptions())
    assert layout.tied_on_host == layout.tied
    assert layout.model == pytest.approx((3243 + 1791) * MIB, abs=2 * MIB)


# Sums by hand


@pytest.mark.parametrize("kv_type", ["f32", "f16", "bf16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0", "iq4_nl"])
def test_each_type_of_cache_has_its_size(kv_type: str) -> None:
    bits = {
        "f32": 32,
        "f16": 16,
        "bf16": 16,
        "q8_0": 8.5,
        "q5_1": 6,
        "q5_0": 5.5,
        "q4_1": 5,
        "q4_0": 4.5,
        "iq4_nl": 4.5,
    }
    assert row_bytes(kv_type, 1024) == 128 * bits[kv_type]


@pytest.mark.parametrize(("asked", "given"), [(1, 256), (256, 256), (257, 512), (200_000, 200_192)])
def test_the_engine_rounds_a_context_up(asked: int, given: int) -> None:
    assert padded_context(asked) == given


@pytest.mark.parametrize(
    ("architecture", "keys", "windowed"),
    [
        ("gpt-oss", {"attention__sliding_window": 256}, [True, False, True, False]),
        ("gemma3", {"attention__sliding_window": 256, "block_count": 6}, [True] * 5 + [False]),
        ("gemma3", {"block_count": 6}, [False] * 6),
        ("gemma3", {"attention__sliding_window": 256, "attention__sliding_window_pattern": 2}, [True, False] * 2),
        ("cohere2moe", {"attention__sliding_window": 256}, [False, True, True, True]),
        (
            "gpt-oss",
            {"attention__sliding_window": 256, "attention__sliding_window_pattern": [False, True, True, False]},
            [False, True, True, False],
        ),
        ("llama", {"attention__sliding_window": 256}, [False] * 4),  # Mistral's; the engine does not look at it
        ("phi3", {"attention__sliding_window": 256}, [False] * 4),
        ("llama4", {"attention__sliding_window": 0}, [False] * 4),
    ],
)
def test_a_window_is_kept_in_the_layers_that_have_one(
    tmp_path: Path, architecture: str, keys: dict[str, Any], windowed: list[bool]
) -> None:
    header = small(tmp_path, architecture, **keys)
    options = LoadOptions(16_384, batch=512)
    assert contexts(header, options) == [TOKEN * (768 if window else 16_384) for window in windowed]
    assert set(contexts(header, LoadOptions(16_384, batch=512, swa_full=True))) == {TOKEN * 16_384}
    assert set(contexts(header, LoadOptions(512, batch=512))) == {TOKEN * 512}  # never more than the context


def test_chats_have_a_cache_each_or_share_one(tmp_path: Path) -> None:
    header = small(tmp_path, "gpt-oss", attention__sliding_window=256)
    apart = contexts(header, LoadOptions(8192, batch=512, parallel=3))
    assert apart == [3 * TOKEN * 768, 3 * TOKEN * 8192] * 2
    shared = contexts(header, LoadOptions(8192, batch=512, parallel=3, kv_unified=True))
    assert shared == [TOKEN * 1280, TOKEN * 8192] * 2  # 3 windows and one batch


def test_a_state_does_not_grow_with_the_context_but_with_the_chats(tmp_path: Path) -> None:
    state = {"ssm__conv_kernel": 4, "ssm__inner_size": 256, "ssm__state_size": 16, "ssm__group_count": 1}
    header = small(tmp_path, "granitehybrid", attention__head_count_kv=[0, 0, 2, 0], **state)
    kept = (3 * (256 + 2 * 16) + 256 * 16) * 4
    assert contexts(header, LoadOptions(256)) == [kept, kept, TOKEN * 256, kept]
    assert contexts(header, LoadOptions(8192, parallel=2)) == [2 * kept, 2 * kept, 2 * TOKEN * 8192, 2 * kept]
    # A state is never quantised.
    assert contexts(header, LoadOptions(256, kv_type_k="q4_0", kv_type_v="q4_0"))[0] == kept


def test_without_flash_attention_values_are_as_wide_as_the_widest(tmp_path: Path) -> None:
    header = small(tmp_path, "llama", attention__head_count_kv=[1, 1, 4, 1])
    assert contexts(header, LoadOptions(256))[0] == 256 * (1 + 1) * 16 * 2
    assert contexts(header, LoadOptions(256, flash_attention=False))[0] == 256 * (1 + 4) * 16 * 2


# Headers that say what cannot be


@pytest.mark.parametrize("count", [513 * 2, 2**31 - 1, 2**63])
def test_more_layers_than_there_can_be_take_no_memory(tmp_path: Path, count: int) -> None:
    header = metadata_only(tmp_path / "many.gguf", {"general.architecture": "llama", "llama.block_count": count})
    with pytest.raises(Malformed, match="layers"):
        lay_out(header, LoadOptions())


# Repacked weights


@pytest.mark.parametrize(
    ("type_id", "shape", "avx2", "neon"),
    [
        (12, (4096, 4096), True, True),  # Q4_K
        (2, (4096, 4096), True, True),  # Q4_0
        (39, (2880, 2880, 32), True, True),  # MXFP4 of experts
        (14, (4096, 4096), False, True),  # Q6_K
        (8, (4096, 4096), False, True),  # Q8_0
        (8, (4096, 4100), False, True),  # a multiple of 4
        (12, (4096, 4100), False, False),
        (1, (4096, 4096), False, False),  # F16
        (12, (4096,), False, False),
    ],
)
def test_which_weights_are_repacked(type_id: int, shape: tuple[int, ...], avx2: bool, neon: bool) -> None:
    name = "blk.0.ffn_up_exps.weight" if len(shape) == 3 else "blk.0.ffn_up.weight"
    tensor = TensorInfo(name, shape, type_id, 0, 1)
    assert (is_repacked(tensor, "avx2"), is_repacked(tensor, "neon"), is_repacked(tensor, "")) == (avx2, neon, False)


@pytest.mark.parametrize(
    ("name", "mebibytes"), [("llama-3-8b", 3204), ("gpt-oss-20b", 9682), ("llama-2-7b", 3474), ("gemma-2b", 0)]
)
def test_what_is_repacked_is_what_the_engine_plans(tmp_path: Path, name: str, mebibytes: int) -> None:
    tensors = read_model(write(tmp_path, by_name(name))).tensors
    assert int(repacked_bytes(tensors, "avx2") / MIB) == mebibytes
