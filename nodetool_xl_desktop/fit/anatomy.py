"""What a header says of each layer, in the form that the estimate reckons with; worked out once for each header.

Sources, of llama.cpp: `load_tensors` of src/llama-model.cpp and `LLM_TENSOR_INFOS` of src/llama-arch.cpp.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nodetool_xl_desktop.fit import keys
from nodetool_xl_desktop.fit.architectures import Mixer, Traits, traits_of
from nodetool_xl_desktop.fit.repack import is_repacked
from nodetool_xl_desktop.gguf import Header, TensorInfo

#: `TENSOR_ALIGNMENT` of ggml/src/ggml-impl.h: each tensor of a buffer begins at a multiple of it.
TENSOR_ALIGNMENT = 64
#: Behind "blk.N.", the weights of experts, of which a token uses a few.
_EXPERTS = ("ffn_up_exps", "ffn_gate_exps", "ffn_down_exps", "ffn_gate_up_exps", "ffn_up_chexps", "ffn_gate_chexps")
#: What stays with the processor whatever the options are (`LLM_TENSOR_LAYER_INPUT` of src/llama-arch.cpp).
_INPUT = ("token_embd.weight", "position_embd.weight", "token_types.weight", "per_layer_token_embd.weight")
#: Not of a layer by its name, but placed with the first (`LLM_TENSOR_LAYER_REPEATING` there).
_FIRST = ("token_embd_norm", "rope_freqs", "rope_factors", "per_layer_model_proj", "per_layer_proj_norm")

Tensors = Mapping[str, TensorInfo]

_ATTENDING = frozenset({Mixer.ATTENTION, Mixer.LATENT})
_STATELESS = _ATTENDING | {Mixer.NONE}


@dataclass(frozen=True, slots=True)
class Block:
    """One layer.

    Attributes:
        model: bytes of its weights, those of the experts included.
        experts: bytes of the weights of its experts.
        keys: numbers that its cache keeps of each token as keys; 0 where it has no cache of its own.
        values: the same for values; 0 also where they are made of the keys (latent attention).
        windowed: it sees a sliding window of the context.
        state: bytes that it keeps of each chat, however long that is.
        mixers: how its tokens learn of each other; several work side by side.
        tensors: its weights by name, without "blk.N." and ".weight"; biases keep their ".bias".
        heads: of its queries.
        kv_heads: of its keys and values.
    """

    model: int
    experts: int
    keys: int
    values: int
    windowed: bool
    state: int
    mixers: tuple[Mixer, ...]
    tensors: Tensors
    heads: int
    kv_heads: int


@dataclass(frozen=True, slots=True)
class Anatomy:
    """A model, layer by layer. Sizes are in bytes.

    Attributes:
        traits: of its architecture.
        input: weights that stay with the processor.
        blocks: its layers; those that are only there for speculative decoding are left out.
        blocks_all: how many layers there are with those; layers on a device are counted by it.
        output: the output matrix and what belongs to it.
        tied: what a second copy of the token embeddings takes that serve as output matrix; 0 where they do not.
        tied_is_repacked: the processor makes that second copy itself.
        window: of its windowed layers, in tokens; 0 where there are none.
        widest_value: numbers of the widest value of a token in any layer.
        embedding: its width.
        stacked: how many more embeddings of an image go into its first layers, one into each (deepstack).
        vocabulary: how many tokens it knows.
        tensors: weights of no layer, by name.
    """

    traits: Traits
    input: int
    blocks: tuple[Block, ...]
    blocks_all: int
    output: int
    tied: int
    tied_is_repacked: bool
    window: int
    widest_value: int
    embedding: int
    stacked: int
    vocabulary: int
    tensors: Tensors


def anatomy(header: Header) -> Anatomy:
    """What this header says, layer by layer.

    Raises:
        Malformed: it says what no model says.
    """
    return header.once(_anatomy)


def padded(size: int) -> int:
    """The bytes that a tensor of this size takes in a buffer."""
    return -(-size // TENSOR_ALIGNMENT) * TENSOR_ALIGNMENT


def _anatomy(header: Header) -> Anatomy:
    traits = traits_of(header.architecture)
    keys.numbers(header, "feed_forward_length")  # raises where there are more layers than there can be
    of_layers, others = _by_layer(header.tensors, keys.layers(header))
    window, windowed = keys.windows(header, traits.window)
    blocks = _blocks(header, traits, of_layers, windowed)
    embeddings = None if traits.encoder or "output" in others else others.get("token_embd")
    return Anatomy(
        traits=traits,
        input=sum(padded(tensor.size) for tensor in others.values() if tensor.name in _INPUT),
        blocks=blocks,
        blocks_all=header.block_count,
        output=sum(padded(tensor.size) for tensor in others.values() if tensor.name not in _INPUT),
        tied=padded(embeddings.size) if embeddings else 0,
        tied_is_repacked=embeddings is not None and (traits.copies_embeddings or is_repacked(embeddings)),
        window=window,
        widest_value=max((block.values for block in blocks), default=0),
        embedding=keys.number(header, "embedding_length"),
        stacked=keys.number(header, "n_deepstack_layers"),
        vocabulary=_vocabulary(header, others),
        tensors=others,
    )


def _blocks(
    header: Header, traits: Traits, of_layers: Sequence[Tensors], windowed: Sequence[bool]
) -> tuple[Block, ...]:
    """All layers but those that are only there for drafts."""
    heads = keys.numbers(header, "attention.head_count")
    missing = keys.is_missing(header, "attention.head_count_kv")
    kv_heads = heads if missing else keys.numbers(header, "attention.head_count_kv")
    recurrent = keys.recurrent(header, traits, kv_heads)
    caching, state = keys.caching_layers(header, traits), keys.state_bytes(header)
    cache = keys.CacheWidths.of(header, heads)
    count = header.block_count
    drafting = keys.number(header, "nextn_predict_layers")
    blocks = []
    for layer in range(count - drafting if drafting < count else count):  # one of nothing but draft layers runs them
        mixers = keys.mixers(traits, recurrent[layer], kv_heads[layer])
        stores = not _ATTENDING.isdisjoint(mixers) and not traits.encoder and layer < caching
        width = cache.of_layer(kv_heads[layer], windowed[layer]) if stores else (0, 0)
        tensors = of_layers[layer]
        blocks.append(
            Block(
                model=sum(padded(tensor.size) for tensor in tensors.values()),
                experts=sum(padded(tensor.size) for name, tensor in tensors.items() if name.startswith(_EXPERTS)),
                keys=width[0],
                values=width[1],
                windowed=windowed[layer],
                state=state if not _STATELESS.issuperset(mixers) else 0,
                mixers=mixers,
                tensors=tensors,
                heads=heads[layer],
                kv_heads=kv_heads[layer],
            )
        )
    return tuple(blocks)


def _by_layer(tensors: Sequence[TensorInfo], count: int) -> tuple[list[dict[str, TensorInfo]], dict[str, TensorInfo]]:
    """The weights of each layer, and those of none; what only stands before the first layer is counted with it."""
    layers: list[dict[str, TensorInfo]] = [{} for _ in range(count)]
    others: dict[str, TensorInfo] = {}
    for tensor in tensors:
        name = tensor.name.removesuffix(".weight")
        if name.startswith("blk."):
            place, _, rest = name[4:].partition(".")
            if place.isdecimal() and int(place) < count:
                layers[int(place)][rest] = tensor
                continue
        if name.startswith(_FIRST) and count:
            layers[0][name] = tensor
        else:
            others[name] = tensor
    return layers, others


def _vocabulary(header: Header, others: Tensors) -> int:
    output = others.get("output") or others.get("token_embd")
    if output is not None and len(output.shape) > 1:
        return output.shape[1]
    return header.vocab_size or 0
