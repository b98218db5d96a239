"""Further sizes of known models, which the formulas were not made with: what is said of these is said of new ones."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from shapes.blocks import (
    attention,
    experts,
    feed_forward,
    leading_dense,
    next_token_heads,
    norms,
    shared_expert,
    where,
)
from shapes.dense import DENSE, sizes
from shapes.gemma3n import gemma_3n
from shapes.mixtures import MIXTURES
from shapes.recurrent import RECURRENT
from shapes.shape import Shape

_KNOWN = {shape.name: shape for shape in (*DENSE, *MIXTURES, *RECURRENT)}


def _like(known: str, name: str, billions: float, vocabulary: int, keys: dict[str, Any], **more: Any) -> Shape:
    """A model of the same kind in another size."""
    shape = _KNOWN[known]
    return replace(
        shape, name=name, billions=billions, vocabulary=vocabulary, keys={**shape.keys, **keys}, words="none", **more
    )


OTHER_SIZES = (
    _like("qwen3-8b", "qwen3-0.6b", 0.596, 151_936, sizes(40_960, 1024, 28, 3072, 16, 8), tied=True, file_type="Q8_0"),
    _like(
        "llama-3.2-1b",
        "llama-3.2-3b",
        3.21,
        128_256,
        {**sizes(131_072, 3072, 28, 8192, 24, 8), "attention.key_length": 128, "attention.value_length": 128},
        file_type="IQ4_XS",
        outside=[("rope_freqs.weight", (64,))],
    ),
    _like("mistral-nemo-12b", "mistral-small-24b", 23.6, 131_072, sizes(32_768, 5120, 40, 32_768, 32, 8)),
    _like("mixtral-8x7b", "mixtral-8x22b", 140.6, 32_768, sizes(65_536, 6144, 56, 16_384, 48, 8)),
    _like("gemma-3-4b", "gemma-3-12b", 11.8, 262_144, sizes(131_072, 3840, 48, 15_360, 16, 8)),
    _like(
        "gemma-2-9b",
        "gemma-2-27b",
        27.2,
        256_000,
        {**sizes(8192, 4608, 46, 36_864, 32, 16), "attention.key_length": 128, "attention.value_length": 128},
    ),
    _like(
        "qwen3-30b-a3b",
        "qwen3-235b-a22b",
        235.1,
        151_936,
        {**sizes(40_960, 4096, 94, 12_288, 64, 4), "expert_feed_forward_length": 1536},
    ),
    _like(
        "command-r7b",
        "command-a-111b",
        111.1,
        256_000,
        sizes(131_072, 12_288, 64, 36_864, 96, 8, attention__layer_norm_epsilon=1e-5),
    ),
    _like(
        "deepseek-v3",
        "kimi-k2-1t",
        1026.4,
        163_840,
        {
            "context_length": 131_072,
            "leading_dense_block_count": 1,
            "expert_count": 384,
            "expert_group_count": 1,
            "expert_group_used_count": 1,
            "attention.head_count": 64,
        },
    ),
    _like(
        "deepseek-v3",
        "deepseek-v2-236b",
        235.7,
        102_400,
        {
            **sizes(163_840, 5120, 60, 12_288, 128, 1),
            "leading_dense_block_count": 1,
            "expert_feed_forward_length": 1536,
            "expert_count": 160,
            "expert_used_count": 6,
            "expert_shared_count": 2,
            "expert_group_count": 8,
            "expert_group_used_count": 3,
        },
        blocks=_KNOWN["deepseek-v2-lite"].blocks,
    ),
    _like(
        "glm-4.5-air",
        "glm-4.5-355b",
        356.8,
        151_552,
        {
            **sizes(131_072, 5120, 93, 12_288, 96, 8),
            "leading_dense_block_count": 3,
            "expert_feed_forward_length": 1536,
            "expert_count": 160,
        },
        blocks=[
            norms("attn_norm", "post_attention_norm"),
            attention(bias=True, head_norm=True),
            leading_dense([feed_forward()], [experts(router_bias=True), shared_expert()]),
            next_token_heads,
        ],
    ),
    _like(
        "llama-4-scout",
        "llama-4-maverick",
        400.7,
        202_048,
        {"context_length": 1_048_576, "expert_count": 128, "interleave_moe_layer_step": 2},
        blocks=[
            norms("attn_norm"),
            attention(),
            norms("ffn_norm"),
            where(lambda keys, layer: layer % 2 == 1, [experts(), shared_expert()], [feed_forward()]),
        ],
    ),
    gemma_3n("gemma-3n-e2b", 4.46, layers=30, inner=8192, shared=10),
    _like(
        "falcon-h1-7b",
        "falcon-h1-0.5b",
        0.521,
        32_784,
        {
            **sizes(16_384, 1024, 36, 2048, 8, 2),
            "attention.key_length": 64,
            "attention.value_length": 64,
            "ssm.inner_size": 1536,
            "ssm.state_size": 128,
            "ssm.time_step_rank": 24,
        },
        file_type="Q8_0",
    ),
    _like(
        "granite-4.0-h-tiny",
        "granite-4.0-h-small",
        32.2,
        100_352,
        {
            "embedding_length": 4096,
            "feed_forward_length": 768,
            "attention.head_count": 32,
            "attention.head_count_kv": [8 if layer in (5, 15, 25, 35) else 0 for layer in range(40)],
            "expert_count": 72,
            "expert_used_count": 10,
            "expert_shared_feed_forward_length": 1536,
            "ssm.inner_size": 8192,
            "ssm.time_step_rank": 128,
        },
    ),
    _like(
        "mamba2-2.7b",
        "codestral-mamba-7b",
        7.29,
        32_768,
        {"embedding_length": 4096, "ssm.inner_size": 8192, "ssm.time_step_rank": 128, "ssm.group_count": 8},
        tied=False,
    ),
    _like(
        "rwkv7-2.9b",
        "rwkv7-0.4b",
        0.451,
        65_536,
        {
            "embedding_length": 1024,
            "block_count": 24,
            "feed_forward_length": 4096,
            "attention.decay_lora_rank": 64,
            "attention.iclr_lora_rank": 64,
            "attention.value_residual_mix_lora_rank": 32,
            "attention.gate_lora_rank": 128,
        },
        outside=[("token_embd_norm.weight", (1024,)), ("token_embd_norm.bias", (1024,)), ("output_norm.bias", (1024,))],
    ),
    _like(
        "lfm2-1.2b",
        "lfm2-350m",
        0.354,
        65_536,
        {"embedding_length": 1024, "feed_forward_length": 4608, "attention.head_count": 16},
    ),
    _like(
        "bge-small-en-v1.5",
        "bge-m3",
        0.567,
        250_002,
        {**sizes(8192, 1024, 24, 4096, 16, 16), "attention.layer_norm_epsilon": 1e-5},
        outside=[
            ("token_types.weight", (1024, 1)),
            ("position_embd.weight", (1024, 8192)),
            ("token_embd_norm.weight", (1024,)),
            ("token_embd_norm.bias", (1024,)),
        ],
        general={"tokenizer.ggml.token_type_count": 1},
    ),
)
