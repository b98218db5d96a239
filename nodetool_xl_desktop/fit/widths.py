"""How wide each layer of a model is, from its weights; where a header has none of them, from its keys."""

from __future__ import annotations

from dataclasses import dataclass

from nodetool_xl_desktop.fit.anatomy import Anatomy, Block, anatomy
from nodetool_xl_desktop.fit.architectures import Mixer, Turned
from nodetool_xl_desktop.fit.graph import State, Widths
from nodetool_xl_desktop.fit.keys import F32_BYTES, number, numbers
from nodetool_xl_desktop.gguf import Header


@dataclass(frozen=True, slots=True)
class Course:
    """What of a model's layers has to be laid out, so that nothing wider comes after it.

    Attributes:
        widths: of these layers, in order.
        state: of its recurrent layers.
    """

    widths: tuple[Widths, ...]
    state: State


def course(header: Header) -> Course:
    """The layers that tell how large the buffer of the whole model is: each kind, after each kind that it follows.

    A layer is laid out into the gaps that the one before it left, so where the same two follow each other again, the
    buffer does not grow any more.

    Raises:
        Malformed: the header says what no model says.
    """
    return header.once(_course)


def _course(header: Header) -> Course:
    body = anatomy(header)
    seen: dict[tuple[Widths | None, Widths], int] = {}
    kept = []
    before = None
    keys = _Keys.of(header)
    for layer, block in enumerate(body.blocks):
        widths = _widths(keys, body, block, layer)
        if seen.get((before, widths), 0) < 1:
            kept.append(widths)
        seen[before, widths] = seen.get((before, widths), 0) + 1
        before = widths
    return Course(tuple(kept), _state(header))


@dataclass(frozen=True, slots=True)
class _Keys:
    """What the keys of a header say about widths."""

    key: int
    value: int
    latent_key: int
    latent_value: int
    latent: int
    rotary: int
    inner: tuple[int, ...]
    used: tuple[int, ...]
    experts: int
    expert_inner: int
    turned: Turned

    @classmethod
    def of(cls, header: Header) -> _Keys:
        heads = numbers(header, "attention.head_count")
        share = number(header, "embedding_length") // heads[0] if heads and heads[0] else 0
        key = number(header, "attention.key_length", share)
        value = number(header, "attention.value_length", share)
        traits = anatomy(header).traits
        told = header.metadata.get(f"{header.architecture}.rope.scaling.finetuned")
        return cls(
            key=key,
            value=value,
            latent_key=number(header, "attention.key_length_mla", key),
            latent_value=number(header, "attention.value_length_mla", value),
            latent=number(header, "attention.kv_lora_rank"),
            rotary=number(header, "rope.dimension_count", key),
            inner=numbers(header, "feed_forward_length"),
            used=numbers(header, "expert_used_count"),
            experts=number(header, "expert_count"),
            expert_inner=max(numbers(header, "expert_feed_forward_length"), default=0),
            turned=Turned.NONE if header.architecture == "granitehybrid" and told is False else traits.turned,
        )


def _rows(block: Block, name: str) -> int:
    """How many numbers a matrix makes of a token; 0 where there is none."""
    tensor = block.tensors.get(name)
    return tensor.shape[1] if tensor is not None and len(tensor.shape) > 1 else 0


def _widths(keys: _Keys, body: Anatomy, block: Block, layer: int) -> Widths:
    latent = Mixer.LATENT in block.mixers
    absorbed = latent and "attn_k_b" in block.tensors
    key, value = (keys.latent_key, keys.latent_value) if latent else (keys.key, keys.value)
    fused = _rows(block, "attn_qkv") > 0 and Mixer.ATTENTION in block.mixers
    queries = block.heads * key
    asked = _rows(block, "attn_q")
    used = keys.used[layer] if layer < len(keys.used) else 0
    experts = _rows(block, "ffn_gate_inp") or (keys.experts if not block.tensors else 0)
    joined_experts = _rows(block, "ffn_gate_up_exps")
    expert_inner = joined_experts // 2 or _rows(block, "ffn_up_exps") or keys.expert_inner
    inner = _rows(block, "ffn_up") or (keys.inner[layer] if not block.tensors else 0)
    down = block.tensors.get("ffn_down")
    joined = down is not None and bool(down.shape) and inner == 2 * down.shape[0]
    return Widths(
        mixers=block.mixers,
        windowed=block.windowed,
        stores=block.keys > 0,
        heads=block.heads,
        queries=queries,
        keys=_rows(block, "attn_k") or block.kv_heads * key,
        values=_rows(block, "attn_v") or block.kv_heads * value,
        attended=block.heads * value,
        fused=fused,
        turned=_turned(keys.turned, block, layer),
        normed=not block.tensors or "attn_norm" in block.tensors,
        feed_normed=not block.tensors or "attn_norm" in block.tensors or "ffn_norm" in block.tensors,
        gate=queries if asked == 2 * queries else 0,
        latent=keys.latent,
        latent_queries=_rows(block, "attn_q_a"),
        rotary=keys.rotary,
        absorbed=absorbed,
        inner=inner // 2 if joined else inner,
        gated="ffn_gate" in block.tensors or not block.tensors,
        joined=joined,
        experts=experts if used and expert_inner else 0,
        used=used,
        expert_inner=expert_inner,
        experts_gated="ffn_gate_exps" in block.tensors or not block.tensors,
        experts_joined=joined_experts > 0,
        shared_inner=_rows(block, "ffn_up_shexp"),
        biased="exp_probs_b.bias" in block.tensors or "exp_probs_b" in block.tensors,
        weighed_first=body.traits.weighs_first,
    )


def _turned(turned: Turned, block: Block, layer: int) -> bool:
    """Whether queries and keys are written anew: turned by their position, or normed."""
    if "attn_q_norm" in block.tensors or turned is Turned.ALL:
        return True
    return (turned is Turned.WINDOWED and block.windowed) or (turned is Turned.FOURTH and (layer + 1) % 4 != 0)


def _state(header: Header) -> State:
    inner, size = number(header, "ssm.inner_size"), number(header, "ssm.state_size")
    groups = number(header, "ssm.group_count")
    kernel = number(header, "ssm.conv_kernel")
    embedding = number(header, "embedding_length")
    kept = max(kernel - 1, 0) * (inner + 2 * groups * size)
    state = inner * size
    if head := number(header, "wkv.head_size"):
        kept, state = 2 * embedding, embedding * head
    elif short := number(header, "shortconv.l_cache"):
        kept, state = embedding * (short - 1), 0
    return State(
        inner=inner,
        size=size,
        groups=groups,
        heads=number(header, "ssm.time_step_rank"),
        kernel=kernel,
        step_rank=number(header, "ssm.time_step_rank"),
        kept=kept * F32_BYTES,
        state=state * F32_BYTES,
        normed=any("ssm_norm" in block.tensors for block in anatomy(header).blocks),
        repeats_keys=anatomy(header).traits.repeats_keys,
    )
