"""Models that keep states: all of their layers, or most of them."""

from __future__ import annotations

from collections.abc import Iterator

from shapes.blocks import attention, experts, feed_forward, has_attention, norms, shared_expert, where
from shapes.dense import sizes
from shapes.shape import Keys, Named, Shape
from shapes.states import delta_net, jamba_norms, mamba, mamba2, rwkv7, short_convolution


def _at(layers: int, attending: set[int], heads: int) -> list[int]:
    """KV heads a layer: none where the layer keeps a state."""
    return [heads if layer in attending else 0 for layer in range(layers)]


def _unnamed_norm(keys: Keys, layer: int) -> Iterator[Named]:
    """Falcon H1's, whose name has no ".weight" in its files."""
    yield "ffn_norm", (keys.width,)


def _mamba_sizes(width: int, layers: int) -> dict[str, float]:
    return {
        "context_length": 2**20,
        "embedding_length": width,
        "block_count": layers,
        "feed_forward_length": 0,
        "attention.head_count": 0,
        "attention.layer_norm_rms_epsilon": 1e-5,
        "ssm.conv_kernel": 4,
        "ssm.inner_size": 2 * width,
    }


RECURRENT = (
    Shape(
        "mamba-130m",
        0.129,
        "mamba",
        50_280,
        {**_mamba_sizes(768, 24), "ssm.state_size": 16, "ssm.time_step_rank": 48},
        [norms("attn_norm"), mamba],
        "Q8_0",
        tied=True,
    ),
    Shape(
        "mamba2-2.7b",
        2.70,
        "mamba2",
        50_288,
        {**_mamba_sizes(2560, 64), "ssm.state_size": 128, "ssm.time_step_rank": 80, "ssm.group_count": 1},
        [norms("attn_norm"), mamba2],
        tied=True,
    ),
    Shape(
        "rwkv7-2.9b",
        2.95,
        "rwkv7",
        65_536,
        {
            "context_length": 2**20,
            "embedding_length": 2560,
            "block_count": 32,
            "feed_forward_length": 10_240,
            "attention.head_count": 0,
            "attention.layer_norm_epsilon": 1e-5,
            "wkv.head_size": 64,
            "attention.decay_lora_rank": 96,
            "attention.iclr_lora_rank": 96,
            "attention.value_residual_mix_lora_rank": 64,
            "attention.gate_lora_rank": 320,
        },
        [rwkv7],
        outside=[
            ("token_embd_norm.weight", (2560,)),
            ("token_embd_norm.bias", (2560,)),
            ("output_norm.bias", (2560,)),
        ],
    ),
    # Mamba 2 and attention in the same layer
    Shape(
        "falcon-h1-7b",
        7.59,
        "falcon-h1",
        130_049,
        {
            **sizes(262_144, 3072, 44, 12_288, 12, 2),
            "attention.key_length": 128,
            "attention.value_length": 128,
            "ssm.conv_kernel": 4,
            "ssm.inner_size": 3072,
            "ssm.state_size": 256,
            "ssm.time_step_rank": 24,
            "ssm.group_count": 1,
        },
        [norms("attn_norm"), mamba2, attention(), _unnamed_norm, feed_forward()],
    ),
    # Now one, now the other
    Shape(
        "granite-4.0-h-tiny",
        6.94,
        "granitehybrid",
        100_352,
        {
            **sizes(2**20, 1536, 40, 512, 12, 4, expert_count=64, expert_used_count=6, logit_scale=6.0),
            "attention.head_count_kv": _at(40, {5, 15, 25, 35}, 4),
            "expert_shared_feed_forward_length": 1024,
            "rope.scaling.finetuned": False,
            "ssm.conv_kernel": 4,
            "ssm.inner_size": 3072,
            "ssm.state_size": 128,
            "ssm.time_step_rank": 48,
            "ssm.group_count": 1,
        },
        [
            norms("attn_norm"),
            where(has_attention, [attention()], [mamba2]),
            norms("ffn_norm"),
            experts(length="feed_forward_length"),
            shared_expert(),
        ],
        tied=True,
    ),
    Shape(
        "jamba-mini-52b",
        51.6,
        "jamba",
        65_536,
        {
            **sizes(262_144, 4096, 32, 14_336, 32, 8, expert_count=16, expert_used_count=2),
            "attention.head_count_kv": _at(32, {4, 12, 20, 28}, 8),
            "ssm.conv_kernel": 4,
            "ssm.inner_size": 8192,
            "ssm.state_size": 16,
            "ssm.time_step_rank": 256,
        },
        [
            norms("attn_norm"),
            where(has_attention, [attention()], [mamba, jamba_norms]),
            norms("ffn_norm"),
            where(lambda keys, layer: layer % 2 == 1, [experts(length="feed_forward_length")], [feed_forward()]),
        ],
    ),
    Shape(
        "lfm2-1.2b",
        1.17,
        "lfm2",
        65_536,
        {
            **sizes(128_000, 2048, 16, 8192, 32, 8, shortconv__l_cache=3),
            "attention.head_count_kv": _at(16, {2, 5, 8, 10, 12, 14}, 8),
        },
        [
            norms("attn_norm"),
            where(has_attention, [attention(head_norm=True)], [short_convolution]),
            norms("ffn_norm"),
            feed_forward(),
        ],
        tied=True,
        output_norm="token_embd_norm",  # llama.cpp's OUTPUT_NORM_LFM2
    ),
    Shape(
        "qwen3-next-80b-a3b",
        79.7,
        "qwen3next",
        151_936,
        {
            **sizes(262_144, 2048, 48, 5120, 16, 2, rope__dimension_count=64),
            "attention.key_length": 256,
            "attention.value_length": 256,
            "full_attention_interval": 4,
            "expert_feed_forward_length": 512,
            "expert_shared_feed_forward_length": 512,
            "expert_count": 512,
            "expert_used_count": 10,
            "ssm.conv_kernel": 4,
            "ssm.inner_size": 4096,
            "ssm.state_size": 128,
            "ssm.time_step_rank": 32,
            "ssm.group_count": 16,
        },
        [
            norms("attn_norm", "post_attention_norm"),
            where(lambda keys, layer: layer % 4 == 3, [attention(gated=True, head_norm=True)], [delta_net]),
            experts(),
            shared_expert(gated=True),
        ],
    ),
)
