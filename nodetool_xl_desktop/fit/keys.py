"""What the keys of a header say of each layer: numbers, windows, which layers are recurrent, and what they keep.

Sources, of llama.cpp: `load_hparams` and `load_swa_pattern` of src/llama-model.cpp for keys and their defaults,
src/llama-hparams.cpp for the widths of caches and states.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from nodetool_xl_desktop.core.translation import tr, trn
from nodetool_xl_desktop.fit.architectures import Mixer, Recurrent, Traits, Window
from nodetool_xl_desktop.gguf import Header, Malformed
from nodetool_xl_desktop.gguf.errors import shown
from nodetool_xl_desktop.gguf.header import MAX_KEPT_ELEMENTS

F32_BYTES = 4


def number(header: Header, suffix: str, default: int = 0) -> int:
    """The number under "<architecture>.<suffix>", never negative: the engine refuses the type that could say so."""
    return _checked(header, suffix, (header.get_int(suffix, default),))[0]


def numbers(header: Header, suffix: str, default: int = 0) -> tuple[int, ...]:
    """One number a layer, never negative."""
    return _checked(header, suffix, header.get_ints(suffix, header.block_count, default))


def layers(header: Header) -> int:
    """How many layers there are: a number that something may be made for each of."""
    count = header.block_count
    if count > MAX_KEPT_ELEMENTS:
        raise Malformed.because(
            header.path, trn("it says that it has {count} layer", "it says that it has {count:,} layers", count)
        )
    return count


def _checked(header: Header, suffix: str, values: tuple[int, ...]) -> tuple[int, ...]:
    least = min(values, default=0)
    if least < 0:
        raise Malformed.because(
            header.path,
            tr(
                "it says that {architecture}.{suffix} is {least:,}",
                architecture=shown(header.architecture),
                suffix=suffix,
                least=least,
            ),
        )
    return values


def is_missing(header: Header, suffix: str) -> bool:
    """Whether the header says nothing under "<architecture>.<suffix>"."""
    return f"{header.architecture}.{suffix}" not in header.metadata


@dataclass(frozen=True, slots=True)
class CacheWidths:
    """Lengths of a key and of a value, in numbers (`n_embd_k_gqa`, `n_embd_v_gqa` of src/llama-hparams.cpp)."""

    key: int
    value: int
    windowed_key: int
    windowed_value: int
    latent: bool

    @classmethod
    def of(cls, header: Header, heads: Sequence[int]) -> CacheWidths:
        """Those that this header tells."""
        share = number(header, "embedding_length") // heads[0] if heads and heads[0] else 0
        key = number(header, "attention.key_length", share)
        value = number(header, "attention.value_length", share)
        return cls(
            key=key,
            value=value,
            windowed_key=number(header, "attention.key_length_swa", key),
            windowed_value=number(header, "attention.value_length_swa", value),
            latent=min(number(header, "attention.key_length_mla"), number(header, "attention.value_length_mla")) > 0,
        )

    def of_layer(self, kv_heads: int, windowed: bool) -> tuple[int, int]:
        """Of keys and values of all heads of one layer, in numbers."""
        key, value = (self.windowed_key, self.windowed_value) if windowed else (self.key, self.value)
        return kv_heads * key, 0 if self.latent else kv_heads * value


def windows(header: Header, window: Window | None) -> tuple[int, list[bool]]:
    """The size of the sliding window, and which layers look through it (`set_swa_pattern`, src/llama-hparams.cpp)."""
    count = header.block_count
    told = number(header, "attention.sliding_window")
    named = not is_missing(header, "attention.sliding_window")
    if header.architecture in ("lfm2", "lfm2moe") and told:
        return told, [True] * count
    if window is None or (window.told and not told) or (window.fixed and named and not told):
        return 0, [False] * count
    size = window.size if window.fixed else told or window.size
    pattern = header.metadata.get(f"{header.architecture}.attention.sliding_window_pattern")
    if isinstance(pattern, tuple) and len(pattern) == count:
        return size, [bool(item) for item in pattern]
    every = pattern if isinstance(pattern, int) and not isinstance(pattern, bool) else window.every
    if every <= 0:
        return size, [every == 0] * count
    full = 0 if window.everything_first else every - 1
    return size, [layer % every != full for layer in range(count)]


def recurrent(header: Header, traits: Traits, kv_heads: Sequence[int]) -> list[bool]:
    """Which layers keep a state of fixed size."""
    count = header.block_count
    match traits.recurrent:
        case Recurrent.ALL | Recurrent.BESIDE:
            return [True] * count
        case Recurrent.HEADLESS:
            return [heads == 0 for heads in kv_heads]
        case Recurrent.BARE:
            inner = numbers(header, "feed_forward_length")
            return [heads == 0 and width == 0 for heads, width in zip(kv_heads, inner, strict=True)]
        case Recurrent.INTERVAL:
            told = header.metadata.get(f"{header.architecture}.attention.recurrent_layers")
            if isinstance(told, tuple) and len(told) == count:
                return [bool(item) for item in told]
            interval = max(1, number(header, "full_attention_interval", traits.interval))
            return [(layer + 1) % interval != 0 for layer in range(count)]
        case _:
            return [False] * count


def mixers(traits: Traits, is_recurrent: bool, kv_heads: int) -> tuple[Mixer, ...]:
    """How the tokens of one layer learn of each other."""
    attention = Mixer.LATENT if traits.latent else Mixer.ATTENTION
    if traits.recurrent is Recurrent.BESIDE:
        return attention, traits.state
    if is_recurrent:
        return (traits.state,)
    # Layers of Nemotron-H that are only a feed-forward, and of Deci that have lost their attention.
    return (attention,) if kv_heads else (Mixer.NONE,)


def caching_layers(header: Header, traits: Traits) -> int:
    """How many layers, from the first, have a cache of their own."""
    if header.architecture == "gemma4":
        return header.block_count - number(header, "attention.shared_kv_layers")
    return header.block_count if traits.caching_layers is None else traits.caching_layers


def state_bytes(header: Header) -> int:
    """Bytes of state that a recurrent layer keeps of one chat, in F32 (`n_embd_r` and `n_embd_s`)."""
    embedding = number(header, "embedding_length")
    if head := number(header, "wkv.head_size"):
        return embedding * (number(header, "token_shift_count", 2) + head) * F32_BYTES
    if short := number(header, "shortconv.l_cache"):
        return embedding * (short - 1) * F32_BYTES
    kernel = number(header, "ssm.conv_kernel")
    if head := number(header, "kda.head_dim"):
        heads = max(numbers(header, "attention.head_count"), default=0)
        return prod((3, kernel - 1 if kernel else 3, heads, head)) * F32_BYTES + head * head * heads * F32_BYTES
    inner, size = number(header, "ssm.inner_size"), number(header, "ssm.state_size")
    rows = inner + 2 * number(header, "ssm.group_count") * size
    return (max(kernel - 1, 0) * rows + size * inner) * F32_BYTES
