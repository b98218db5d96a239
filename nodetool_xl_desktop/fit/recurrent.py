"""The graphs of layers that keep a state instead of a context.

Sources, of llama.cpp: src/models/mamba-base.cpp, delta-net-base.cpp with qwen3next.cpp, lfm2.cpp.
"""

from __future__ import annotations

from nodetool_xl_desktop.fit.graph import Graph, State
from nodetool_xl_desktop.fit.packing import Block


def mamba(graph: Graph, state: State, normed: Block) -> Block:
    """Mamba 1: what the layer adds to its input (`build_mamba_layer`)."""
    inner = state.inner
    both = graph.rows(2 * inner)
    graph.give(normed)
    convolved = _convolved(graph, state, inner, None)
    small = graph.rows(state.step_rank + 2 * state.size)
    steps = graph.rows(state.step_rank)
    wide = graph.rows(inner)
    graph.give(steps)
    scanned = graph.take(graph.bytes_of(inner) + state.state * graph.batch.chats)
    graph.give(wide, small)
    gate = graph.rows(inner)
    graph.give(both, scanned)  # what was convolved is multiplied and added to in place
    active = graph.rows(inner)
    graph.give(gate, convolved)
    out = graph.rows(graph.embedding)
    graph.give(active)
    return out


def mamba2(graph: Graph, state: State, normed: Block, found: Block | None = None) -> tuple[Block, Block | None]:
    """Mamba 2: what the layer adds to its input (`build_mamba2_layer`).

    Args:
        graph: is laid out further.
        state: of the layer.
        normed: what goes into it, and is not needed afterwards.
        found: what attention beside it has found, which is projected on the way, and is given back as it is then.
    """
    inner = state.inner
    both = graph.rows(inner + state.convolved + state.heads)
    graph.give(normed)
    convolved = _convolved(graph, state, state.convolved, None)
    steps = graph.rows(state.heads)
    scanned = graph.take(graph.bytes_of(inner) + state.state * graph.batch.chats)
    graph.give(steps)
    beside = None
    if found is not None:
        beside = graph.rows(graph.embedding)
        graph.give(found)
    gate = graph.rows(inner)
    graph.give(both)
    added = graph.rows(inner)
    graph.give(convolved, scanned)
    active = graph.rows(inner)
    graph.give(gate, added)
    if state.normed:
        normed = graph.rows(inner)
        graph.give(active)
        active = normed
    out = graph.rows(graph.embedding)
    graph.give(active)
    return out, beside


def delta_net(graph: Graph, state: State, normed: Block) -> Block:
    """A gated delta net: what the layer adds to its input (`build_layer_attn_linear` of src/models/qwen3next.cpp)."""
    keys = state.groups * state.size
    wide_keys = state.heads * state.size if state.repeats_keys else keys
    before = graph.take(state.kept * graph.batch.chats)
    mixed = graph.rows(state.convolved)
    longer = graph.take(graph.bytes_of(state.convolved) + state.kept * graph.batch.chats)
    graph.give(before, mixed)
    kept = graph.take(state.state * graph.batch.chats)
    convolved = graph.rows(state.convolved)
    graph.give(longer)
    spread = [_spread(graph, keys, wide_keys) for _ in range(2)]
    small = graph.rows(4 * state.heads)
    found = graph.take(graph.bytes_of(state.inner) + state.state * graph.batch.chats)
    graph.give(*spread, convolved, kept, small)
    evened = graph.rows(state.inner)
    graph.give(found)
    gate = graph.rows(state.inner)
    graph.give(normed)
    active = graph.rows(state.inner)
    graph.give(gate, active)
    out = graph.rows(graph.embedding)
    graph.give(evened)
    return out


def _spread(graph: Graph, width: int, wide: int) -> Block:
    """Queries or keys of a delta net, normed, and repeated where several heads share them."""
    block = graph.rows(width)
    if wide == width:
        return block
    repeated = graph.rows(wide)
    graph.give(block)
    return repeated


def short_convolution(graph: Graph, state: State, normed: Block) -> Block:
    """LFM2's convolution: what the layer adds to its input (`build_shortconv_block`)."""
    width = graph.embedding
    parts = graph.rows(3 * width)
    graph.give(normed)
    product = graph.rows(width)
    longer = graph.take(graph.bytes_of(width) + state.kept * graph.batch.chats)
    graph.give(product)
    convolved = graph.rows(width)
    graph.give(longer, parts)
    out = graph.rows(width)
    graph.give(convolved)
    return out


def _convolved(graph: Graph, state: State, width: int, source: Block | None) -> Block:
    """A convolution over the tokens, with those before the batch in front."""
    longer = graph.take(graph.bytes_of(width) + state.kept * graph.batch.chats)
    if source is not None:
        graph.give(source)
    out = graph.rows(width)
    graph.give(longer)
    return out
