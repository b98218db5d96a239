"""The graphs of how the tokens of a layer learn of each other: attention (recurrent ones are in `recurrent`).

Sources, of llama.cpp: `build_attn` and `build_attn_mha` of src/llama-graph.cpp, src/models/deepseek2.cpp.
"""

from __future__ import annotations

from nodetool_xl_desktop.fit.architectures import Mixer
from nodetool_xl_desktop.fit.graph import F16_BYTES, Graph, Widths
from nodetool_xl_desktop.fit.packing import Block


def attention(graph: Graph, widths: Widths, normed: Block | None, windows: bool) -> Block:
    """What attention gives, before the output matrix.

    Args:
        graph: is laid out further.
        widths: of the layer.
        normed: what goes into it, and is not needed afterwards; None keeps what goes in.
        windows: the model has sliding windows, which changes the order.
    """
    gate = None
    if widths.fused:
        queries, *given = _fused(graph, widths, normed)
    else:
        if widths.gate:
            gate = graph.rows(widths.queries + widths.gate)
        queries = _queries(graph, widths, gate)
        given = _keys_and_values(graph, widths, windows)
        if normed is not None:
            graph.give(normed)
    graph.give(*given)
    out = _attend(graph, widths, queries, widths.attended)
    if gate is None:
        return out
    opened = graph.rows(widths.gate)
    graph.give(gate, out)
    return opened


def _keys_and_values(graph: Graph, widths: Widths, windows: bool) -> list[Block]:
    """What goes into the cache of a layer that has one; with windows the keys come first."""
    if not widths.stores:
        return []
    order = [(widths.values, False, graph.batch.turned_values), (widths.keys, widths.turned, graph.batch.turned_keys)]
    if windows:
        order.reverse()
    return [_turned(graph, width, turned, again) for width, turned, again in order]


def projected(graph: Graph, widths: Widths, found: Block) -> Block:
    """What attention has found, as wide as the model."""
    if graph.batch.turned_values and Mixer.ATTENTION in widths.mixers:
        turned = graph.rows(widths.attended)
        graph.give(found)
        found = turned
    out = graph.rows(graph.embedding)
    graph.give(found)
    return out


def encoding(graph: Graph, widths: Widths, normed: Block | None) -> Block:
    """Attention of a model that keeps no context: over the tokens of the batch (`build_attn_inp_no_cache`)."""
    if widths.fused:
        queries, *given = _fused(graph, widths, normed)
    else:
        queries = _turned(graph, widths.queries, widths.turned, False)
        given = [_turned(graph, widths.keys, widths.turned, False), graph.rows(widths.values)]
        if normed is not None:
            graph.give(normed)
    if graph.batch.flash:
        halves = [graph.take(width * graph.tokens * F16_BYTES) for width in (widths.keys, widths.values)]
        graph.give(*given)
        out = graph.rows(widths.attended)
        graph.give(queries, *halves)
        return out
    scores = graph.rows(widths.heads * graph.tokens)
    turned = graph.rows(widths.values)
    graph.give(queries, *given)
    return _weighted(graph, scores, widths.attended, turned)


def latent(graph: Graph, widths: Widths, normed: Block | None) -> Block:
    """DeepSeek's attention: on the compressed context itself, or on keys and values made of it."""
    heads, compressed, rotary = widths.heads, widths.latent, widths.rotary
    if widths.latent_queries:
        small = graph.rows(widths.latent_queries)
        queries = graph.rows(widths.queries)
        graph.give(small)
    else:
        queries = graph.rows(widths.queries)
    if not widths.absorbed:
        return _expanded(graph, widths, normed, queries)
    absorbed = graph.rows(heads * compressed)
    places = graph.rows(heads * rotary)
    graph.give(queries)
    queries = graph.rows(heads * (compressed + rotary))
    graph.give(absorbed, places)
    both = graph.rows(compressed + rotary)
    if normed is not None:
        graph.give(normed)
    context = graph.rows(compressed)
    place = graph.rows(rotary)
    graph.give(both)
    keys = graph.rows(compressed + rotary)
    graph.give(context, place, keys)
    small = _attend(graph, widths, queries, heads * compressed, copied=False)
    out = graph.rows(widths.attended)
    graph.give(small)
    copied = graph.rows(widths.attended)
    graph.give(out)
    return copied


def _expanded(graph: Graph, widths: Widths, normed: Block | None, queries: Block) -> Block:
    """Latent attention in the older form of a file, which keeps whole keys and values."""
    turned = graph.rows(widths.queries)
    graph.give(queries)
    both = graph.rows(widths.latent + widths.rotary)
    if normed is not None:
        graph.give(normed)
    context = graph.rows(widths.latent)
    pairs = graph.rows(widths.queries - widths.heads * widths.rotary + widths.attended)
    graph.give(context)
    values = graph.rows(widths.attended)
    place = graph.rows(widths.rotary)
    graph.give(both)
    places = graph.rows(widths.heads * widths.rotary)
    graph.give(place)
    keys = graph.rows(widths.queries)
    graph.give(pairs, places, keys, values)
    return _attend(graph, widths, turned, widths.attended)


def _turned(graph: Graph, width: int, *times: bool) -> Block:
    """A row of queries, keys or values; each time that it is turned it is written anew."""
    block = graph.rows(width)
    for again in times:
        if again:
            anew = graph.rows(width)
            graph.give(block)
            block = anew
    return block


def _queries(graph: Graph, widths: Widths, gate: Block | None) -> Block:
    """The queries; with a gate they are a view of what both come from."""
    return _turned(graph, widths.queries, widths.turned and gate is None, graph.batch.turned_keys)


def _fused(graph: Graph, widths: Widths, normed: Block | None) -> list[Block]:
    """Queries, then keys and values where they are written anew, then the one row that they are views of.

    Queries that are not turned stay views of it: the row is as long there as they are.
    """
    keys, values = graph.batch.turned_keys, graph.batch.turned_values
    source = graph.rows(widths.queries + widths.keys + widths.values)
    if normed is not None:
        graph.give(normed)
    if not widths.turned and not keys:
        return [source] + ([graph.rows(widths.values)] if values else [])
    written = [_turned(graph, widths.queries, widths.turned and keys)]
    if values:
        written.append(graph.rows(widths.values))
    return [*written, _turned(graph, widths.keys, widths.turned and keys), source]


def _attend(graph: Graph, widths: Widths, queries: Block, attended: int, copied: bool = True) -> Block:
    """From queries to what they find in the cache."""
    if graph.batch.flash:
        out = graph.rows(attended)
        graph.give(queries)
        return out
    scores = graph.rows(widths.heads * (graph.batch.windowed if widths.windowed else graph.batch.cells))
    graph.give(queries)
    return _weighted(graph, scores, attended) if copied else _found(graph, scores, attended)


def _found(graph: Graph, scores: Block, attended: int) -> Block:
    found = graph.rows(attended)
    graph.give(scores)
    return found


def _weighted(graph: Graph, scores: Block, attended: int, *given: Block) -> Block:
    found = _found(graph, scores, attended)
    graph.give(*given)
    out = graph.rows(attended)
    graph.give(found)
    return out
