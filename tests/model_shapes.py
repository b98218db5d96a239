"""Headers of models of any size, as files with holes: what the engine would plan a load from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gguf_writer import Tensor, write_gguf

from nodetool_xl_desktop.gguf import Header, read_model

#: A Llama of 8B, as `engine-facts.md` has it: Q4_K, but attn_v, ffn_down and output Q6_K, norms F32.
LLAMA_8B = {
    "block_count": 32,
    "context_length": 131_072,
    "embedding_length": 4096,
    "feed_forward_length": 14_336,
    "attention.head_count": 32,
    "attention.head_count_kv": 8,
    "vocab_size": 128_256,
}


def llama(path: Path, shape: dict[str, Any], more: dict[str, Any] | None = None) -> Header:
    """Write a dense Llama of this shape, with a chat template; returns its header."""
    metadata = {
        "general.architecture": "llama",
        "general.name": "A Llama",
        "tokenizer.chat_template": "{{ messages }}",
        **{f"llama.{key}": value for key, value in shape.items()},
    }
    return read_model(write_gguf(path, {**metadata, **(more or {})}, _tensors(shape)))


def metadata_only(path: Path, metadata: dict[str, Any]) -> Header:
    """Write a model of one small tensor with any metadata; returns its header."""
    return read_model(write_gguf(path, metadata, [("token_embd.weight", (256, 4), "Q4_K")]))


def _tensors(shape: dict[str, Any]) -> list[Tensor]:
    width, inner, words = shape["embedding_length"], shape["feed_forward_length"], shape["vocab_size"]
    kv_width = width // shape["attention.head_count"] * shape["attention.head_count_kv"]
    tensors: list[Tensor] = [
        ("token_embd.weight", (width, words), "Q4_K"),
        ("output.weight", (width, words), "Q6_K"),
        ("output_norm.weight", (width,), "F32"),
    ]
    for layer in range(shape["block_count"]):
        tensors += [
            (f"blk.{layer}.attn_norm.weight", (width,), "F32"),
            (f"blk.{layer}.ffn_norm.weight", (width,), "F32"),
            (f"blk.{layer}.attn_q.weight", (width, width), "Q4_K"),
            (f"blk.{layer}.attn_k.weight", (width, kv_width), "Q4_K"),
            (f"blk.{layer}.attn_v.weight", (width, kv_width), "Q6_K"),
            (f"blk.{layer}.attn_output.weight", (width, width), "Q4_K"),
            (f"blk.{layer}.ffn_gate.weight", (width, inner), "Q4_K"),
            (f"blk.{layer}.ffn_up.weight", (width, inner), "Q4_K"),
            (f"blk.{layer}.ffn_down.weight", (inner, width), "Q6_K"),
        ]
    return tensors
