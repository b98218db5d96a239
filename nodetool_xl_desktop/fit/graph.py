"""What the engine computes a batch in, tensor by tensor: the state of one graph while it is laid out.

The graphs themselves are in `mixers` (how the tokens of a layer learn of each other) and `feed_forward`; they follow
the order of the nodes in llama.cpp's src/models and src/llama-graph.cpp. Operations that work in place take nothing, so
they do not appear: adding, multiplying, scaling, RMS norms, softmax and rotary positions, but only where what they work
on is a tensor of its own and not a view of one (`ggml_gallocr_allocate_node` of ggml/src/ggml-alloc.c).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from nodetool_xl_desktop.fit.architectures import Mixer
from nodetool_xl_desktop.fit.keys import F32_BYTES
from nodetool_xl_desktop.fit.packing import Block, Packing

F16_BYTES = 2
INDEX_BYTES = 8


class Widths(NamedTuple):
    """The widths of one layer, in numbers a token; layers with equal ones have equal graphs.

    Attributes:
        mixers: how its tokens learn of each other.
        windowed: it sees a sliding window of the context.
        stores: it keeps keys and values of its own.
        heads: of its queries.
        queries, keys, values: of all heads together.
        attended: what attention gives, of all heads together.
        fused: queries, keys and values come from one matrix.
        turned: queries and keys are normed or turned by their position, so each is written anew.
        normed, feed_normed: what goes into the mixer, and into the feed-forward, is normed first.
        gate: beside the queries, for what attention gives.
        latent: of the compressed context of latent attention.
        latent_queries: of compressed queries; 0 where they are not.
        rotary: the part of a latent key that tells the position, of one head.
        absorbed: latent attention works on the compressed context itself.
        inner: of the feed-forward.
        gated: two matrices lead into the feed-forward; with `joined` they are one.
        joined: see `gated`.
        experts: how many there are, 0 where there are none.
        used: how many of them work on a token.
        expert_inner: of the feed-forward of an expert.
        experts_gated, experts_joined: as for the feed-forward.
        shared_inner: of the experts that always work.
        biased: experts are chosen by other numbers than they are weighted by.
        weighed_first: what goes into an expert is weighted, instead of what comes out of it.
    """

    mixers: tuple[Mixer, ...]
    windowed: bool
    stores: bool
    heads: int
    queries: int
    keys: int
    values: int
    attended: int
    fused: bool
    turned: bool
    normed: bool
    feed_normed: bool
    gate: int
    latent: int
    latent_queries: int
    rotary: int
    absorbed: bool
    inner: int
    gated: bool
    joined: bool
    experts: int
    used: int
    expert_inner: int
    experts_gated: bool
    experts_joined: bool
    shared_inner: int
    biased: bool
    weighed_first: bool


@dataclass(frozen=True, slots=True)
class State:
    """The widths of recurrent layers, of which a model has one kind.

    Attributes:
        inner: of what the state works on.
        size: numbers that it keeps for each of those.
        groups: that share what goes in and comes out of it.
        heads: of it.
        kernel: tokens that its convolution looks at.
        step_rank: of the matrix that says how fast it forgets (Mamba 1).
        kept: bytes that a layer keeps of each chat, the convolution's part.
        state: bytes that a layer keeps of each chat, the state itself.
        normed: what comes out of it is normed (Mamba 2).
        repeats_keys: heads that share keys get a copy each (delta nets).
    """

    inner: int
    size: int
    groups: int
    heads: int
    kernel: int
    step_rank: int
    kept: int
    state: int
    normed: bool
    repeats_keys: bool

    @property
    def convolved(self) -> int:
        """The width of what goes through the convolution."""
        return self.inner + 2 * self.groups * self.size


class Batch(NamedTuple):
    """What the size of a graph depends on beside the model.

    Attributes:
        tokens: of the batch.
        chats: that have tokens in it.
        cells: of the cache of the whole context.
        windowed: of the cache of a sliding window.
        flash: attention is computed without the matrix of scores.
        turned_keys, turned_values: what goes into the cache is turned first, as it is quantised there.
    """

    tokens: int
    chats: int
    cells: int
    windowed: int
    flash: bool
    turned_keys: bool
    turned_values: bool


class Graph:
    """One graph while it is laid out in one buffer.

    Args:
        batch: what it is for.
        embedding: the width of the model.

    Attributes:
        take: places a tensor of so many bytes in the buffer.
        give: tells that tensors are not needed any more.
    """

    __slots__ = ("_row", "batch", "embedding", "give", "packing", "take", "tokens")

    def __init__(self, batch: Batch, embedding: int) -> None:
        self.packing = Packing()
        self.take = self.packing.take
        self.give = self.packing.give
        self.batch = batch
        self.tokens = batch.tokens
        self.embedding = embedding
        self._row = batch.tokens * F32_BYTES

    def rows(self, width: int) -> Block:
        """A tensor of so many F32 a token."""
        return self.take(width * self._row)

    def bytes_of(self, width: int) -> int:
        """What such a tensor takes, in bytes."""
        return width * self._row

    def mask(self, cells: int) -> Block:
        """Which token sees which cell of a cache (`build_attn_inp_kq_mask` of src/llama-graph.cpp)."""
        return self.take(cells * self.tokens * (F16_BYTES if self.batch.flash else F32_BYTES))
