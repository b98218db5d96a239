"""Blocks of layers that keep a state instead of a cache: Mamba, gated delta nets, short convolutions, RWKV."""

from __future__ import annotations

from collections.abc import Iterator

from shapes.shape import Keys, Named


def mamba(keys: Keys, layer: int) -> Iterator[Named]:
    """Mamba 1."""
    inner, state, rank = keys("ssm.inner_size"), keys("ssm.state_size"), keys("ssm.time_step_rank")
    yield "ssm_in.weight", (keys.width, 2 * inner)
    yield "ssm_conv1d.weight", (keys("ssm.conv_kernel"), inner)
    yield "ssm_conv1d.bias", (inner,)
    yield "ssm_x.weight", (inner, rank + 2 * state)
    yield "ssm_dt.weight", (rank, inner)
    yield "ssm_dt.bias", (inner,)
    yield "ssm_a", (state, inner)
    yield "ssm_d", (inner,)
    yield "ssm_out.weight", (inner, keys.width)


def jamba_norms(keys: Keys, layer: int) -> Iterator[Named]:
    """The norms that Jamba adds to Mamba."""
    yield "ssm_dt_norm.weight", (keys("ssm.time_step_rank"),)
    yield "ssm_b_norm.weight", (keys("ssm.state_size"),)
    yield "ssm_c_norm.weight", (keys("ssm.state_size"),)


def mamba2(keys: Keys, layer: int) -> Iterator[Named]:
    """Mamba 2; `ssm.time_step_rank` is its number of heads."""
    inner, heads, groups = keys("ssm.inner_size"), keys("ssm.time_step_rank"), keys("ssm.group_count")
    convolved = inner + 2 * groups * keys("ssm.state_size")
    yield "ssm_in.weight", (keys.width, inner + convolved + heads)
    yield "ssm_conv1d.weight", (keys("ssm.conv_kernel"), convolved)
    yield "ssm_conv1d.bias", (convolved,)
    yield "ssm_dt.bias", (heads,)
    yield "ssm_a", (1, heads)
    yield "ssm_d", (1, heads)
    yield "ssm_norm.weight", (inner // groups, groups)
    yield "ssm_out.weight", (inner, keys.width)


def delta_net(keys: Keys, layer: int) -> Iterator[Named]:
    """Qwen3-Next's linear attention; the state's size is that of a head."""
    size, heads = keys("ssm.state_size"), keys("ssm.time_step_rank")
    key, value = size * keys("ssm.group_count"), size * heads
    yield "attn_qkv.weight", (keys.width, 2 * key + value)
    yield "attn_gate.weight", (keys.width, value)
    yield "ssm_conv1d.weight", (keys("ssm.conv_kernel"), 2 * key + value)
    yield "ssm_dt.bias", (heads,)
    yield "ssm_a", (heads,)
    yield "ssm_ba.weight", (keys.width, 2 * heads)
    yield "ssm_norm.weight", (size,)
    yield "ssm_out.weight", (value, keys.width)


def short_convolution(keys: Keys, layer: int) -> Iterator[Named]:
    """LFM 2."""
    yield "shortconv.conv.weight", (keys("shortconv.l_cache"), keys.width)
    yield "shortconv.in_proj.weight", (keys.width, 3 * keys.width)
    yield "shortconv.out_proj.weight", (keys.width, keys.width)


def rwkv7(keys: Keys, layer: int) -> Iterator[Named]:
    """RWKV 7."""
    width, inner = keys.width, keys("feed_forward_length")
    ranks = {
        "w": keys("attention.decay_lora_rank"),
        "a": keys("attention.iclr_lora_rank"),
        "v": keys("attention.value_residual_mix_lora_rank" if layer else "attention.iclr_lora_rank"),
    }
    for name in ("attn_norm", "attn_norm_2", "time_mix_ln"):
        yield f"{name}.weight", (width,)
        yield f"{name}.bias", (width,)
    for name, rank in ranks.items():
        yield f"time_mix_{name}0.weight", (width,)
        yield f"time_mix_{name}1.weight", (width, rank)
        yield f"time_mix_{name}2.weight", (rank, width)
    yield "time_mix_g1.weight", (width, keys("attention.gate_lora_rank"))
    yield "time_mix_g2.weight", (keys("attention.gate_lora_rank"), width)
    yield "time_mix_lerp_fused.weight", (width, 1, 1, 6)
    for name in ("k_k", "k_a", "r_k"):
        yield f"time_mix_{name}.weight", (width,)
    for name in ("key", "value", "receptance", "output"):
        yield f"time_mix_{name}.weight", (width, width)
    yield "channel_mix_lerp_k.weight", (width, 1, 1)
    yield "channel_mix_key.weight", (width, inner)
    yield "channel_mix_value.weight", (inner, width)
