"""The graph of a layer of RWKV 7 (src/models/rwkv7-base.cpp and rwkv7.cpp of llama.cpp).

Its relatives are reckoned as if they were one: RWKV 6, and the versions with the feed-forward of another architecture.
"""

from __future__ import annotations

from nodetool_xl_desktop.fit.graph import Graph, State, Widths
from nodetool_xl_desktop.fit.packing import Block


def layer(graph: Graph, state: State, widths: Widths, hidden: Block, first: bool) -> Block:
    """From what goes into a layer to what comes out of it."""
    width = graph.embedding
    shifts, kept = graph.take(state.kept * graph.batch.chats), graph.take(state.state * graph.batch.chats)
    if first:  # the embeddings are normed once
        normed = graph.rows(width)
        graph.give(hidden)
        hidden = normed
    normed = graph.rows(width)
    mixed = _time_mix(graph, state, normed, kept, first)
    added = graph.rows(width)
    graph.give(mixed, hidden)
    channel = graph.rows(width)
    graph.give(normed, shifts)
    shifted = graph.rows(width)
    changed = graph.rows(width)
    graph.give(shifted, channel)
    inner = graph.rows(widths.inner)
    graph.give(changed)
    out = graph.rows(width)
    graph.give(inner, added)
    return out


def _time_mix(graph: Graph, state: State, normed: Block, kept: Block, first: bool) -> Block:
    """What a layer's time mix gives; the values of the first layer stay, as the others mix them into theirs."""
    width = graph.embedding
    shifted = graph.rows(width)
    six = graph.rows(6 * width)
    graph.give(shifted)
    receptance, decay, key, rate = (graph.rows(width) for _ in range(4))
    scaled = graph.rows(width)
    replaced = graph.rows(width)
    graph.give(scaled)
    value = graph.rows(width)
    if not first:
        difference, share = graph.rows(width), graph.rows(width)
        graph.give(share, difference)
    evened = graph.rows(width)
    graph.give(key)
    opposite = graph.rows(width)
    graph.give(rate)
    found = graph.take(graph.bytes_of(width) + state.state * graph.batch.chats)
    graph.give(decay, opposite, evened, kept)
    evened = graph.rows(width)
    graph.give(found)
    out = graph.rows(width)
    graph.give(evened)
    product = graph.rows(width)
    graph.give(replaced, receptance, product)
    weighted = graph.rows(width)
    if not first:
        graph.give(value)
    graph.give(weighted)
    gate = graph.rows(width)
    graph.give(six, gate)
    mixed = graph.rows(width)
    graph.give(out)
    return mixed
