"""What a load will take, reckoned from the header alone.

Pure arithmetic: a few microseconds, so that a slider can call it at every step. It covers what runs on the processor
(the engine plans one memory there, `Host`); figures in brackets are the engine's own plan for the same load.

Sources: `llama_kv_cache` and `llama_context::graph_reserve` of llama.cpp (in xllamacpp's source distribution) for what
is allocated; the constants of the compute buffer were fitted to the engine's plan and meet it for a Llama of 135M
(18.64 MiB at 4,096 tokens and batch 512; 4.66 at batch 128) and one of 8B (128 MiB at 4,096 and 512).
"""

from __future__ import annotations

from dataclasses import dataclass

from nodetool_xl_desktop.fit.memory import MemoryUse
from nodetool_xl_desktop.fit.options import LoadOptions
from nodetool_xl_desktop.gguf import Header, Malformed
from nodetool_xl_desktop.gguf.errors import shown

F16_BYTES = 2
F32_BYTES = 4
#: The engine rounds a context up to a multiple of this (`GGML_PAD(n_ctx, 256)`; 200,000 becomes 200,192).
CONTEXT_STEP = 256

#: Keys (behind the architecture's name) of what the formulas below do not know yet, and what to say about each.
_UNKNOWN_TRAITS = {
    "attention.sliding_window": "its sliding window is counted as full attention, so it may take less",
    "attention.kv_lora_rank": "its compressed (latent) attention is counted as full attention, so it may take less",
    "ssm.state_size": "its recurrent state is not counted, so the context is an approximation",
    "wkv.head_size": "its recurrent state is not counted, so the context is an approximation",
}


@dataclass(frozen=True, slots=True)
class _Shape:
    """The widths of a layer, in elements; of layers that differ the widest."""

    embedding: int
    feed_forward: int
    heads: int
    kv_heads: int
    key_length: int
    value_length: int

    @classmethod
    def of(cls, header: Header) -> _Shape:
        embedding = _number(header, "embedding_length")
        heads = max(1, _number(header, "attention.head_count", 1))
        return cls(
            embedding=embedding,
            feed_forward=max(_layer_numbers(header, "feed_forward_length"), default=0),
            heads=heads,
            kv_heads=max(_layer_numbers(header, "attention.head_count_kv", heads), default=0),
            key_length=_number(header, "attention.key_length", embedding // heads),
            value_length=_number(header, "attention.value_length", embedding // heads),
        )

    @property
    def queries(self) -> int:
        return self.heads * self.key_length

    @property
    def keys(self) -> int:
        return self.kv_heads * self.key_length

    @property
    def values(self) -> int:
        return self.kv_heads * self.value_length


def padded_context(context_length: int) -> int:
    """The context that the engine really allocates, in tokens."""
    return -(-context_length // CONTEXT_STEP) * CONTEXT_STEP


def context_bytes_per_token(header: Header) -> int:
    """Bytes of KV cache that one token takes over all layers, both caches in f16.

    Per layer: KV heads x (length of a key + length of a value) x 2 bytes.
    """
    shape = _Shape.of(header)
    kv_heads = _layer_numbers(header, "attention.head_count_kv", shape.heads)
    return sum(kv_heads) * (shape.key_length + shape.value_length) * F16_BYTES


def compute_bytes(header: Header, options: LoadOptions) -> int:
    """The buffers that one batch is computed in, and the one for its result.

    Per token of a batch, with flash attention: the widest moment of a layer (three rows of the feed-forward width and
    five of the embedding width, in F32) and one row of the attention mask (F16, as long as the context). Without it
    the mask is F32, and where that is wider, one row of scores for each head stands beside what they are made of. The
    result is one row of the vocabulary in F32 for each chat.
    """
    shape = _Shape.of(header)
    experts = _number(header, "expert_used_count") * _number(header, "expert_feed_forward_length")
    row = (3 * max(shape.feed_forward, experts) + 5 * shape.embedding) * F32_BYTES
    context = padded_context(options.context_length)
    if options.flash_attention is False:
        plain = row + (context + shape.keys + shape.values) * F32_BYTES
        scores = (context * (shape.heads + 1) + 5 * shape.embedding + shape.queries + shape.keys) * F32_BYTES
        token = max(plain, scores)
    else:
        token = row + context * F16_BYTES
    tokens = min(options.batch, options.context_length * options.parallel)
    return tokens * token + (header.vocab_size or 0) * F32_BYTES * options.parallel


def estimate(header: Header, options: LoadOptions) -> MemoryUse:
    """What the engine will take of the machine's memory for this model with these options.

    Raises:
        Malformed: the header says what no model says, whatever the options are.
    """
    return MemoryUse(
        model=header.tensor_bytes,
        context=context_bytes_per_token(header) * padded_context(options.context_length) * options.parallel,
        compute=compute_bytes(header, options),
    )


def caveats(header: Header) -> list[str]:
    """What the estimate does not know about this architecture; empty where the formulas hold."""
    return [
        f"The estimate is rough for this architecture ({shown(header.architecture)}): {text}."
        for key, text in _UNKNOWN_TRAITS.items()
        if header.get_int(key, 0) > 0
    ]


def _number(header: Header, suffix: str, default: int = 0) -> int:
    return _checked(header, suffix, (header.get_int(suffix, default),))[0]


def _layer_numbers(header: Header, suffix: str, default: int = 0) -> tuple[int, ...]:
    return _checked(header, suffix, header.get_ints(suffix, header.block_count, default))


def _checked(header: Header, suffix: str, values: tuple[int, ...]) -> tuple[int, ...]:
    """Counts and lengths are never negative (the engine refuses the type that could say so)."""
    least = min(values, default=0)
    if least < 0:
        raise Malformed.because(header.path, f"it says that {shown(header.architecture)}.{suffix} is {least:,}")
    return values
