"""Further architectures, which the formulas were not made with: what is said of these is said of new ones."""

from __future__ import annotations

from collections.abc import Iterator

from shapes.blocks import attention, experts, feed_forward, norms
from shapes.dense import sizes
from shapes.shape import Keys, Named, Shape
from shapes.states import mamba2

_LAYER_NORM = {"attention.layer_norm_epsilon": 1e-5}


def _wide_head_norms(keys: Keys, layer: int) -> Iterator[Named]:
    """Queries and keys normed as a whole instead of head by head."""
    yield "attn_q_norm.weight", (keys.heads() * keys.key_size(),)
    yield "attn_k_norm.weight", (keys.kv_heads() * keys.key_size(),)


def _bias(width: int) -> list[Named]:
    return [("output_norm.bias", (width,))]


#: Nemotron Nano v2: M a Mamba 2 layer, - a feed-forward one, * attention.
_NANO = "M-M-M-MM-M-M-M*-M-M-M*-M-M-M-M*-M-M-M-M*-M-MM-M-M-M-M-M-"


def _nano(keys: Keys, layer: int) -> Iterator[Named]:
    kinds = {"M": mamba2, "-": feed_forward(gate="none"), "*": attention()}
    yield from kinds[_NANO[layer]](keys, layer)


OTHER_KINDS = (
    Shape(
        "gpt2",
        0.124,
        "gpt2",
        50_257,
        {**sizes(1024, 768, 12, 3072, 12, 12), **_LAYER_NORM},
        [
            norms("attn_norm", "ffn_norm", bias=True),
            attention(fused=True, bias=True, out_bias=True),
            feed_forward(gate="none", bias=True),
        ],
        "F16",
        tied=True,
        outside=[("position_embd.weight", (768, 1024)), *_bias(768)],
    ),
    Shape(
        "falcon-7b",
        7.22,
        "falcon",
        65_024,
        {**sizes(2048, 4544, 32, 18_176, 71, 1), **_LAYER_NORM},
        [norms("attn_norm", bias=True), attention(fused=True), feed_forward(gate="none")],
        "Q8_0",
        outside=_bias(4544),
    ),
    Shape(
        "phi-2",
        2.78,
        "phi2",
        51_200,
        {**sizes(2048, 2560, 32, 10_240, 32, 32, rope__dimension_count=32), **_LAYER_NORM},
        [
            norms("attn_norm", bias=True),
            attention(fused=True, bias=True, out_bias=True),
            feed_forward(gate="none", bias=True),
        ],
        outside=[*_bias(2560), ("output.bias", (51_200,))],
    ),
    Shape(
        "starcoder2-3b",
        3.03,
        "starcoder2",
        49_152,
        {**sizes(16_384, 3072, 30, 12_288, 24, 2), **_LAYER_NORM},
        [
            norms("attn_norm", "ffn_norm", bias=True),
            attention(bias=True, out_bias=True),
            feed_forward(gate="none", bias=True),
        ],
        tied=True,
        outside=_bias(3072),
    ),
    Shape(
        "stablelm-2-1.6b",
        1.64,
        "stablelm",
        100_352,
        {**sizes(4096, 2048, 24, 5632, 32, 32, rope__dimension_count=16), **_LAYER_NORM},
        [norms("attn_norm", "ffn_norm", bias=True), attention(bias=True), feed_forward()],
        outside=_bias(2048),
    ),
    Shape(
        "smollm3-3b",
        3.08,
        "smollm3",
        128_256,
        sizes(65_536, 2048, 36, 11_008, 16, 4),
        [norms("attn_norm", "ffn_norm"), attention(), feed_forward()],
        tied=True,
    ),
    Shape(
        "internlm2-7b",
        7.74,
        "internlm2",
        92_544,
        sizes(32_768, 4096, 32, 14_336, 32, 8),
        [norms("attn_norm", "ffn_norm"), attention(), feed_forward()],
    ),
    Shape(
        "seed-oss-36b",
        36.2,
        "seed_oss",
        155_136,
        {**sizes(524_288, 5120, 64, 27_648, 80, 8), "attention.key_length": 128, "attention.value_length": 128},
        [norms("attn_norm", "post_attention_norm"), attention(bias=True), feed_forward()],
    ),
    Shape(
        "olmo2-7b",
        7.30,
        "olmo2",
        100_352,
        sizes(4096, 4096, 32, 11_008, 32, 32),
        [attention(), _wide_head_norms, norms("post_attention_norm", "post_ffw_norm"), feed_forward()],
    ),
    Shape(
        "exaone-4-32b",
        32.0,
        "exaone4",
        102_400,
        {
            **sizes(131_072, 5120, 64, 27_392, 40, 8, attention__sliding_window=4096),
            "attention.sliding_window_pattern": [layer % 4 < 3 for layer in range(64)],
        },
        [attention(head_norm=True), norms("post_attention_norm", "post_ffw_norm"), feed_forward()],
    ),
    Shape(
        "olmoe-1b-7b",
        6.92,
        "olmoe",
        50_304,
        sizes(4096, 2048, 16, 1024, 16, 16, expert_count=64, expert_used_count=8),
        [norms("attn_norm", "ffn_norm"), attention(), _wide_head_norms, experts(length="feed_forward_length")],
    ),
    Shape(
        "phi-3.5-moe",
        41.9,
        "phimoe",
        32_064,
        sizes(131_072, 4096, 32, 6400, 32, 8, expert_count=16, expert_used_count=2, rope__dimension_count=128),
        [
            norms("attn_norm", "ffn_norm", bias=True),
            attention(bias=True, out_bias=True),
            experts(length="feed_forward_length"),
        ],
        outside=[
            *_bias(4096),
            ("output.bias", (32_064,)),
            ("rope_factors_long.weight", (64,)),
            ("rope_factors_short.weight", (64,)),
        ],
    ),
    Shape(
        "minimax-m2",
        228.7,
        "minimax-m2",
        200_064,
        {
            **sizes(196_608, 3072, 62, 1536, 48, 8, expert_count=256, expert_used_count=8, rope__dimension_count=64),
            "attention.key_length": 128,
            "attention.value_length": 128,
            "expert_feed_forward_length": 1536,
            "expert_gating_func": 2,
        },
        [norms("attn_norm", "ffn_norm"), attention(), _wide_head_norms, experts(router_bias=True)],
    ),
    Shape(
        "nemotron-nano-9b-v2",
        8.89,
        "nemotron_h",
        131_072,
        {
            **sizes(131_072, 4480, 56, 0, 40, 0),
            "feed_forward_length": [15_680 if kind == "-" else 0 for kind in _NANO],
            "attention.head_count_kv": [8 if kind == "*" else 0 for kind in _NANO],
            "attention.key_length": 128,
            "attention.value_length": 128,
            **_LAYER_NORM,
            "ssm.conv_kernel": 4,
            "ssm.inner_size": 10_240,
            "ssm.state_size": 128,
            "ssm.time_step_rank": 128,
            "ssm.group_count": 8,
        },
        [norms("attn_norm"), _nano],
    ),
    Shape(
        "embeddinggemma-300m",
        0.303,
        "gemma-embedding",
        262_144,
        {
            **sizes(2048, 768, 24, 1152, 3, 1, attention__sliding_window=512, pooling_type=1),
            "attention.key_length": 256,
            "attention.value_length": 256,
            "attention.causal": False,
        },
        [
            norms("attn_norm", "post_attention_norm", "ffn_norm", "post_ffw_norm"),
            attention(head_norm=True),
            feed_forward(),
        ],
        "Q8_0",
        tied=True,
    ),
)
