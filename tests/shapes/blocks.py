"""What the layers of a transformer are made of; each function gives a block for a `Shape`."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from shapes.shape import Block, Keys, Named


def norms(*names: str, bias: bool = False) -> Block:
    """Norms over the width, by the names that they have in the file ("attn_norm", ...)."""

    def block(keys: Keys, layer: int) -> Iterator[Named]:
        for name in names:
            yield f"{name}.weight", (keys.width,)
            if bias:
                yield f"{name}.bias", (keys.width,)

    return block


def attention(
    *,
    fused: bool = False,
    bias: bool = False,
    out_bias: bool = False,
    head_norm: bool = False,
    gated: bool = False,
    sinks: bool = False,
) -> Block:
    """Queries, keys and values with heads in groups.

    Args:
        fused: the three are one matrix.
        head_norm: queries and keys are normed head by head.
        gated: a gate beside the queries, as Qwen3-Next has it.
        sinks: a number a head that takes attention away, as gpt-oss has it.
    """

    def block(keys: Keys, layer: int) -> Iterator[Named]:
        heads, kv_heads = keys.heads(layer), keys.kv_heads(layer)
        query, out = heads * keys.key_size() * (2 if gated else 1), heads * keys.value_size()
        key, value = kv_heads * keys.key_size(), kv_heads * keys.value_size()
        parts = {"qkv": query + key + value} if fused else {"q": query, "k": key, "v": value}
        for name, length in parts.items():
            yield f"attn_{name}.weight", (keys.width, length)
            if bias:
                yield f"attn_{name}.bias", (length,)
        yield "attn_output.weight", (out, keys.width)
        if out_bias:
            yield "attn_output.bias", (keys.width,)
        if head_norm:
            yield "attn_q_norm.weight", (keys.key_size(),)
            yield "attn_k_norm.weight", (keys.key_size(),)
        if sinks:
            yield "attn_sinks.weight", (heads,)

    return block


def latent_attention(*, split: bool = True) -> Block:
    """DeepSeek's latent attention (MLA); `split`: the layout since 2025, with `kv_b` as `k_b` and `v_b`."""

    def block(keys: Keys, layer: int) -> Iterator[Named]:
        heads, latent = keys.heads(), keys("attention.kv_lora_rank")
        whole = keys("attention.key_length_mla") if split else keys.key_size()
        value = keys("attention.value_length_mla") if split else keys.value_size()
        turned = keys("rope.dimension_count")
        if rank := keys("attention.q_lora_rank", default=0):
            yield "attn_q_a_norm.weight", (rank,)
            yield "attn_q_a.weight", (keys.width, rank)
            yield "attn_q_b.weight", (rank, heads * whole)
        else:
            yield "attn_q.weight", (keys.width, heads * whole)
        yield "attn_kv_a_norm.weight", (latent,)
        yield "attn_kv_a_mqa.weight", (keys.width, latent + turned)
        if split:
            yield "attn_k_b.weight", (whole - turned, latent, heads)
            yield "attn_v_b.weight", (latent, value, heads)
        else:
            yield "attn_kv_b.weight", (latent, heads * (whole - turned + value))
        yield "attn_output.weight", (heads * value, keys.width)

    return block


def feed_forward(*, gate: str = "own", bias: bool = False) -> Block:
    """The dense feed-forward part.

    Args:
        gate: "own" matrix, "fused" with the one upwards (of twice the length), or "none".
    """

    def block(keys: Keys, layer: int) -> Iterator[Named]:
        inner = keys("feed_forward_length", layer)
        if gate == "own":
            yield "ffn_gate.weight", (keys.width, inner)
        up = inner * 2 if gate == "fused" else inner
        yield "ffn_up.weight", (keys.width, up)
        yield "ffn_down.weight", (inner, keys.width)
        if bias:
            yield "ffn_up.bias", (up,)
            yield "ffn_down.bias", (keys.width,)

    return block


def experts(*, length: str = "expert_feed_forward_length", bias: bool = False, router_bias: bool = False) -> Block:
    """The experts of a mixture and their router; `length`: the key of an expert's feed-forward length."""

    def block(keys: Keys, layer: int) -> Iterator[Named]:
        inner, count = keys(length, layer), keys("expert_count")
        yield "ffn_gate_inp.weight", (keys.width, count)
        if bias:
            yield "ffn_gate_inp.bias", (count,)
        if router_bias:
            yield "exp_probs_b.bias", (count,)
        for name in ("gate", "up"):
            yield f"ffn_{name}_exps.weight", (keys.width, inner, count)
            if bias:
                yield f"ffn_{name}_exps.bias", (inner, count)
        yield "ffn_down_exps.weight", (inner, keys.width, count)
        if bias:
            yield "ffn_down_exps.bias", (keys.width, count)

    return block


def shared_expert(*, gated: bool = False) -> Block:
    """The expert that is always asked; its length from its own key, or so many of the others."""

    def block(keys: Keys, layer: int) -> Iterator[Named]:
        each = keys("expert_feed_forward_length", layer, 0) * keys("expert_shared_count", default=1)
        inner = keys("expert_shared_feed_forward_length", default=each)
        if gated:
            yield "ffn_gate_inp_shexp.weight", (keys.width,)
        yield "ffn_gate_shexp.weight", (keys.width, inner)
        yield "ffn_up_shexp.weight", (keys.width, inner)
        yield "ffn_down_shexp.weight", (inner, keys.width)

    return block


def where(test: Callable[[Keys, int], bool], these: list[Block], otherwise: list[Block]) -> Block:
    """`these` blocks in the layers that pass the test, the others `otherwise`."""

    def block(keys: Keys, layer: int) -> Iterator[Named]:
        for part in these if test(keys, layer) else otherwise:
            yield from part(keys, layer)

    return block


def leading_dense(dense: list[Block], mixture: list[Block]) -> Block:
    """The first layers dense, as many as the header says, the others a mixture."""
    return where(lambda keys, layer: layer < keys("leading_dense_block_count"), dense, mixture)


def has_attention(keys: Keys, layer: int) -> bool:
    """Whether this layer of a hybrid attends: its number of KV heads is not 0."""
    return keys.kv_heads(layer) > 0


def next_token_heads(keys: Keys, layer: int) -> Iterator[Named]:
    """What the layers have beside the rest that predict further tokens (GLM 4.5, DeepSeek V3)."""
    if layer >= keys.main_layers:
        yield "nextn.eh_proj.weight", (2 * keys.width, keys.width)
        yield "nextn.enorm.weight", (keys.width,)
        yield "nextn.hnorm.weight", (keys.width,)
        yield "nextn.shared_head_norm.weight", (keys.width,)
