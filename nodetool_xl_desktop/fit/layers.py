"""What each layer of a model takes: its weights, and what it keeps of the context.

Sources, of llama.cpp: src/llama-kv-cache.cpp and src/llama-kv-cache-iswa.cpp for the caches,
src/llama-memory-recurrent.cpp for the states, `llama_context::llama_context` of src/llama-context.cpp for how many
tokens there is room for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from nodetool_xl_desktop.fit.anatomy import Anatomy, anatomy
from nodetool_xl_desktop.fit.options import LoadOptions
from nodetool_xl_desktop.gguf import TENSOR_TYPES, Header

#: The engine rounds a context up to a multiple of this (`GGML_PAD(n_ctx, 256)`; 200,000 becomes 200,192).
CONTEXT_STEP = 256

_STORAGE = {storage.name.lower(): storage for storage in TENSOR_TYPES.values()}


class Layer(NamedTuple):
    """What one layer takes, in bytes.

    Attributes:
        model: its weights, those of the experts included.
        experts: the weights of its experts.
        context: its caches and states, for all chats.
    """

    model: int
    experts: int
    context: int


@dataclass(frozen=True, slots=True)
class Layout:
    """What a model takes, layer by layer, in bytes.

    Attributes:
        input: token embeddings and the like, which stay with the processor.
        repeating: the layers, in order.
        output: the output matrix and what belongs to it.
        tied: what a copy of the token embeddings takes, where they serve as output matrix: one is made on the device
            of the output layer. 0 where they do not.
        tied_on_host: what such a copy takes where the output layer stays with the processor: there it is only made of
            weights that are repacked.
        layers: how many layers can go onto devices, the output layer counted as one (draft layers too).
    """

    input: int
    repeating: tuple[Layer, ...]
    output: int
    tied: int
    tied_on_host: int
    layers: int

    @property
    def model(self) -> int:
        """All weights, with everything on the processor."""
        return self.input + sum(layer.model for layer in self.repeating) + self.output + self.tied_on_host

    @property
    def context(self) -> int:
        """All caches and states."""
        return sum(layer.context for layer in self.repeating)


class Room(NamedTuple):
    """For how many tokens there is room in the caches of a load.

    Attributes:
        cells: of a cache of the whole context.
        windowed: of a cache of a sliding window.
        streams: how many caches of these there are, side by side.
        chats: how many states.
        tokens: that are computed at once.
    """

    cells: int
    windowed: int
    streams: int
    chats: int
    tokens: int


def padded_context(context_length: int) -> int:
    """The context that the engine really allocates, in tokens."""
    return -(-context_length // CONTEXT_STEP) * CONTEXT_STEP


def room(body: Anatomy, options: LoadOptions) -> Room:
    """For how many tokens the engine makes room.

    A window's cache holds the window (of all chats, where they share it) and one batch, rounded up, and never more
    than the whole context (`llama_kv_cache_iswa`).
    """
    shared = options.kv_unified
    asked = options.context_length * (1 if shared else options.parallel)
    cells = padded_context(options.context_length)
    tokens = min(padded_context(asked) if body.traits.encoder else asked, options.physical_batch)
    window = body.window * (options.parallel if shared else 1) + tokens
    windowed = cells if options.swa_full else padded_context(min(cells, window))
    return Room(cells, windowed, 1 if shared else options.parallel, options.parallel, tokens)


def row_bytes(kv_type: str, width: int) -> int:
    """What a row of so many numbers takes in this type, by the engine's name for it."""
    storage = _STORAGE[kv_type]
    return -(-width // storage.block_elements) * storage.block_bytes


def lay_out(header: Header, options: LoadOptions) -> Layout:
    """What each layer takes with these options.

    Raises:
        Malformed: the header says what no model says.
    """
    body = anatomy(header)
    space = room(body, options)
    # Without flash attention values are kept the other way round, each as wide as the widest ([TAG_V_CACHE_VARIABLE]).
    even = body.widest_value if options.flash_attention is False else 0
    rows: dict[tuple[int, int], int] = {}
    repeating = []
    for block in body.blocks:
        context = block.state * space.chats
        if block.keys:
            width = block.keys, max(block.values, even) if block.values else 0
            if width not in rows:
                rows[width] = row_bytes(options.kv_type_k, width[0]) + row_bytes(options.kv_type_v, width[1])
            context += rows[width] * (space.windowed if block.windowed else space.cells) * space.streams
        repeating.append(Layer(block.model, block.experts, context))
    return Layout(
        input=body.input,
        repeating=tuple(repeating),
        output=body.output,
        tied=body.tied,
        tied_on_host=body.tied if body.tied_is_repacked else 0,
        layers=body.blocks_all + 1,
    )
