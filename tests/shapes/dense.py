"""Models whose layers all compute everything: attention and a feed-forward part."""

from __future__ import annotations

from typing import Any

from shapes.blocks import attention, feed_forward, norms
from shapes.gemma3n import GEMMA_3N
from shapes.shape import Shape

_RMS = {"attention.layer_norm_rms_epsilon": 1e-5}
_LLAMA = [norms("attn_norm"), attention(), norms("ffn_norm"), feed_forward()]
_QWEN2 = [norms("attn_norm"), attention(bias=True), norms("ffn_norm"), feed_forward()]
_HEAD_NORMS = [norms("attn_norm"), attention(head_norm=True), norms("ffn_norm"), feed_forward()]
_FUSED = [norms("attn_norm"), attention(fused=True), norms("ffn_norm"), feed_forward(gate="fused")]
_GEMMA2 = [norms("attn_norm", "post_attention_norm", "ffn_norm", "post_ffw_norm"), attention(), feed_forward()]
_GEMMA3 = [
    norms("attn_norm", "post_attention_norm", "ffn_norm", "post_ffw_norm"),
    attention(head_norm=True),
    feed_forward(),
]
_GLM4 = [
    norms("attn_norm", "post_attention_norm", "ffn_norm", "post_ffw_norm"),
    attention(bias=True),
    feed_forward(gate="fused"),
]
_COMMAND = [norms("attn_norm"), attention(), feed_forward()]


def sizes(context: int, width: int, layers: int, inner: int, heads: int, kv_heads: int, **more: Any) -> dict[str, Any]:
    """The keys that every model with attention has; `more`: further ones, with "__" in place of the dots."""
    return {
        "context_length": context,
        "embedding_length": width,
        "block_count": layers,
        "feed_forward_length": inner,
        "attention.head_count": heads,
        "attention.head_count_kv": kv_heads,
        **_RMS,
        **{key.replace("__", "."): value for key, value in more.items()},
    }


def _head(size: int) -> dict[str, int]:
    return {"attention.key_length": size, "attention.value_length": size}


DENSE = (
    # Llama and its kin
    Shape("llama-2-7b", 6.74, "llama", 32_000, sizes(4096, 4096, 32, 11_008, 32, 32), _LLAMA, "Q4_0", words="spm"),
    Shape("llama-3-8b", 8.03, "llama", 128_256, sizes(8192, 4096, 32, 14_336, 32, 8), _LLAMA),
    Shape(
        "llama-3.1-70b",
        70.6,
        "llama",
        128_256,
        sizes(131_072, 8192, 80, 28_672, 64, 8),
        _LLAMA,
        outside=[("rope_freqs.weight", (64,))],
        parts=3,
    ),
    Shape(
        "llama-3.2-1b",
        1.24,
        "llama",
        128_256,
        {**sizes(131_072, 2048, 16, 8192, 32, 8), **_head(64)},
        _LLAMA,
        "Q8_0",
        tied=True,
        outside=[("rope_freqs.weight", (32,))],
    ),
    # Its sliding window of 4096 is not in its GGUF: llama.cpp's "llama" architecture knows none.
    Shape("mistral-7b-v0.1", 7.24, "llama", 32_000, sizes(32_768, 4096, 32, 14_336, 32, 8), _LLAMA, "Q5_K_M"),
    # Heads of 128, though 5120 / 32 is 160.
    Shape(
        "mistral-nemo-12b",
        12.2,
        "llama",
        131_072,
        {**sizes(1_024_000, 5120, 40, 14_336, 32, 8), **_head(128)},
        _LLAMA,
        "Q6_K",
    ),
    Shape(
        "smollm2-135m", 0.135, "llama", 49_152, sizes(8192, 576, 30, 1536, 9, 3), _LLAMA, "Q8_0", tied=True, words="bpe"
    ),
    Shape("smollm2-1.7b", 1.71, "llama", 49_152, sizes(8192, 2048, 24, 8192, 32, 32), _LLAMA, tied=True),
    # Qwen
    Shape("qwen2-0.5b", 0.494, "qwen2", 151_936, sizes(32_768, 896, 24, 4864, 14, 2), _QWEN2, tied=True),
    Shape("qwen2.5-7b", 7.62, "qwen2", 152_064, sizes(32_768, 3584, 28, 18_944, 28, 4), _QWEN2),
    Shape("qwen2.5-32b", 32.8, "qwen2", 152_064, sizes(32_768, 5120, 64, 27_648, 40, 8), _QWEN2, "IQ4_XS"),
    Shape(
        "qwen3-8b",
        8.19,
        "qwen3",
        151_936,
        {**sizes(40_960, 4096, 36, 12_288, 32, 8), **_head(128)},
        _HEAD_NORMS,
        words="bpe",
    ),
    # Gemma
    Shape(
        "gemma-2b",
        2.51,
        "gemma",
        256_000,
        {**sizes(8192, 2048, 18, 16_384, 8, 1), **_head(256)},
        _LLAMA,
        "Q8_0",
        tied=True,
    ),
    Shape(
        "gemma-2-9b",
        9.24,
        "gemma2",
        256_000,
        {
            **sizes(8192, 3584, 42, 14_336, 16, 8, attention__sliding_window=4096),
            **_head(256),
            "attn_logit_softcapping": 50.0,
            "final_logit_softcapping": 30.0,
        },
        _GEMMA2,
        tied=True,
    ),
    Shape(
        "gemma-3-270m",
        0.268,
        "gemma3",
        262_144,
        {**sizes(32_768, 640, 18, 2048, 4, 1, attention__sliding_window=512), **_head(256)},
        _GEMMA3,
        "F16",
        tied=True,
    ),
    Shape(
        "gemma-3-4b",
        3.88,
        "gemma3",
        262_144,
        {**sizes(131_072, 2560, 34, 10_240, 8, 4, attention__sliding_window=1024), **_head(256)},
        _GEMMA3,
        tied=True,
        words="spm",
    ),
    Shape(
        "gemma-3-27b",
        27.0,
        "gemma3",
        262_144,
        {**sizes(131_072, 5376, 62, 21_504, 32, 16, attention__sliding_window=1024), **_head(128)},
        _GEMMA3,
        "Q4_0",
        tied=True,
    ),
    GEMMA_3N,
    # Phi: the engine leaves its sliding window alone.
    Shape(
        "phi-3-mini-4k",
        3.82,
        "phi3",
        32_064,
        sizes(4096, 3072, 32, 8192, 32, 32, rope__dimension_count=96, attention__sliding_window=2047),
        _FUSED,
    ),
    Shape(
        "phi-4",
        14.7,
        "phi3",
        100_352,
        sizes(16_384, 5120, 40, 17_920, 40, 10, rope__dimension_count=128, attention__sliding_window=0),
        _FUSED,
    ),
    # GLM, Command R, Granite
    Shape(
        "glm-4-9b-0414",
        9.40,
        "glm4",
        151_552,
        {**sizes(32_768, 4096, 40, 13_696, 32, 2, rope__dimension_count=64), **_head(128)},
        _GLM4,
    ),
    Shape(
        "command-r-35b",
        35.0,
        "command-r",
        256_000,
        sizes(131_072, 8192, 40, 22_528, 64, 64, attention__layer_norm_epsilon=1e-5, logit_scale=0.0625),
        _COMMAND,
        tied=True,
    ),
    Shape(
        "command-r7b",
        8.03,
        "cohere2",
        256_000,
        sizes(
            132_096,  # UNSURE: as its configuration of December 2024 has it
            4096,
            32,
            14_336,
            32,
            8,
            attention__layer_norm_epsilon=1e-5,
            attention__sliding_window=4096,
            logit_scale=0.25,
            rope__dimension_count=128,
        ),
        _COMMAND,
        tied=True,
    ),
    Shape(
        "granite-3.1-8b",
        8.17,
        "granite",
        49_155,
        sizes(131_072, 4096, 40, 12_800, 32, 8, logit_scale=16.0),
        _LLAMA,
        "Q4_K_S",
        tied=True,
    ),
    # Embedders: they see a whole text at once and keep nothing.
    Shape(
        "bge-small-en-v1.5",
        0.0332,
        "bert",
        30_522,
        sizes(512, 384, 12, 1536, 12, 12, attention__layer_norm_epsilon=1e-12, attention__causal=False, pooling_type=2),
        [
            attention(bias=True, out_bias=True),
            norms("attn_output_norm", "layer_output_norm", bias=True),
            feed_forward(gate="none", bias=True),
        ],
        "F16",
        tied=True,
        outside=[
            ("token_types.weight", (384, 2)),
            ("position_embd.weight", (384, 512)),
            ("token_embd_norm.weight", (384,)),
            ("token_embd_norm.bias", (384,)),
        ],
        output_norm="",
        general={"tokenizer.ggml.token_type_count": 2},
    ),
    Shape(
        "nomic-embed-text-v1.5",
        0.137,
        "nomic-bert",
        30_522,
        sizes(
            2048, 768, 12, 3072, 12, 12, attention__layer_norm_epsilon=1e-12, attention__causal=False, pooling_type=1
        ),
        [
            attention(fused=True),
            norms("attn_output_norm", "layer_output_norm", bias=True),
            feed_forward(),
        ],
        "Q8_0",
        tied=True,
        outside=[
            ("token_types.weight", (768, 2)),
            ("token_embd_norm.weight", (768,)),
            ("token_embd_norm.bias", (768,)),
        ],
        output_norm="",
        general={"tokenizer.ggml.token_type_count": 2},
    ),
)
