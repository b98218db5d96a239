"""Mixtures of experts that attend in every layer."""

from __future__ import annotations

from shapes.blocks import (
    attention,
    experts,
    feed_forward,
    latent_attention,
    leading_dense,
    next_token_heads,
    norms,
    shared_expert,
)
from shapes.dense import sizes
from shapes.shape import Block, Shape

_DEEPSEEK_FEED = [norms("ffn_norm"), leading_dense([feed_forward()], [experts(), shared_expert()])]
_DEEPSEEK_V3_FEED = [norms("ffn_norm"), leading_dense([feed_forward()], [experts(router_bias=True), shared_expert()])]
_DEEPSEEK_V2_LITE = {
    **sizes(163_840, 2048, 27, 10_944, 16, 1, rope__dimension_count=64),
    "leading_dense_block_count": 1,
    "expert_feed_forward_length": 1408,
    "expert_count": 64,
    "expert_used_count": 6,
    "expert_shared_count": 2,
    "attention.kv_lora_rank": 512,
    "rope.scaling.type": "yarn",
    "rope.scaling.factor": 40.0,
    "rope.scaling.original_context_length": 4096,
}
_LATENT = {
    "attention.key_length": 576,
    "attention.value_length": 512,
    "attention.key_length_mla": 192,
    "attention.value_length_mla": 128,
}


def _gpt_oss(name: str, billions: float, layers: int, count: int) -> Shape:
    keys = {
        **sizes(131_072, 2880, layers, 2880, 64, 8, attention__sliding_window=128),
        "attention.key_length": 64,
        "attention.value_length": 64,
        "expert_feed_forward_length": 2880,
        "expert_count": count,
        "expert_used_count": 4,
        "rope.scaling.type": "yarn",
        "rope.scaling.factor": 32.0,
        "rope.scaling.original_context_length": 4096,
    }
    blocks: list[Block] = [
        norms("attn_norm", "post_attention_norm"),
        attention(bias=True, out_bias=True, sinks=True),
        experts(bias=True),
    ]
    return Shape(name, billions, "gpt-oss", 201_088, keys, blocks, "MXFP4_MOE")


MIXTURES = (
    Shape(
        "mixtral-8x7b",
        46.7,
        "llama",
        32_000,
        sizes(32_768, 4096, 32, 14_336, 32, 8, expert_count=8, expert_used_count=2),
        [norms("attn_norm"), attention(), norms("ffn_norm"), experts(length="feed_forward_length")],
    ),
    Shape(
        "llama-4-scout",
        107.8,
        "llama4",
        202_048,
        {
            **sizes(10_485_760, 5120, 48, 16_384, 40, 8, rope__dimension_count=128),
            "attention.key_length": 128,
            "attention.value_length": 128,
            "expert_feed_forward_length": 8192,
            "expert_count": 16,
            "expert_used_count": 1,
            "interleave_moe_layer_step": 1,
        },
        [norms("attn_norm"), attention(), norms("ffn_norm"), experts(), shared_expert()],
        outside=[("rope_freqs.weight", (64,))],
    ),
    Shape(
        "qwen3-30b-a3b",
        30.5,
        "qwen3moe",
        151_936,
        {
            **sizes(40_960, 2048, 48, 6144, 32, 4),
            "attention.key_length": 128,
            "attention.value_length": 128,
            "expert_feed_forward_length": 768,
            "expert_count": 128,
            "expert_used_count": 8,
        },
        [norms("attn_norm"), attention(head_norm=True), norms("ffn_norm"), experts()],
    ),
    Shape(
        "deepseek-v2-lite",
        15.7,
        "deepseek2",
        102_400,
        {**_DEEPSEEK_V2_LITE, **_LATENT},
        [norms("attn_norm"), latent_attention(), *_DEEPSEEK_FEED],
    ),
    # The same in the layout of 2024: nothing is known to be latent, so whole keys and values are kept.
    Shape(
        "deepseek-v2-lite-2024",
        15.7,
        "deepseek2",
        102_400,
        {
            **_DEEPSEEK_V2_LITE,
            "attention.head_count_kv": 16,
            "attention.key_length": 192,
            "attention.value_length": 128,
        },
        [norms("attn_norm"), latent_attention(split=False), *_DEEPSEEK_FEED],
        "IQ4_XS",
    ),
    Shape(
        "deepseek-v3",
        671.0,
        "deepseek2",
        129_280,
        {
            **sizes(163_840, 7168, 61, 18_432, 128, 1, rope__dimension_count=64),
            **_LATENT,
            "leading_dense_block_count": 3,
            "expert_feed_forward_length": 2048,
            "expert_count": 256,
            "expert_used_count": 8,
            "expert_shared_count": 1,
            "expert_group_count": 8,
            "expert_group_used_count": 4,
            "expert_gating_func": 2,
            "expert_weights_norm": True,
            "expert_weights_scale": 2.5,
            "attention.q_lora_rank": 1536,
            "attention.kv_lora_rank": 512,
            "rope.scaling.type": "yarn",
            "rope.scaling.factor": 40.0,
            "rope.scaling.original_context_length": 4096,
        },
        [norms("attn_norm"), latent_attention(), *_DEEPSEEK_V3_FEED],
    ),
    Shape(
        "glm-4.5-air",
        109.2,  # with the layer that predicts the token after next
        "glm4moe",
        151_552,
        {
            **sizes(131_072, 4096, 47, 10_944, 96, 8, rope__dimension_count=64),
            "attention.key_length": 128,
            "attention.value_length": 128,
            "leading_dense_block_count": 1,
            "expert_feed_forward_length": 1408,
            "expert_count": 128,
            "expert_used_count": 8,
            "expert_shared_count": 1,
            "expert_gating_func": 2,
            "nextn_predict_layers": 1,
        },
        [
            norms("attn_norm", "post_attention_norm"),
            attention(bias=True),
            leading_dense([feed_forward()], [experts(router_bias=True), shared_expert()]),
            next_token_heads,
        ],
    ),
    _gpt_oss("gpt-oss-20b", 20.9, 24, 32),
    _gpt_oss("gpt-oss-120b", 116.8, 36, 128),
)
