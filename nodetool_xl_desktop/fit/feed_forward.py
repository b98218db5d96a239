"""The graphs of feed-forwards (`build_ffn` and `build_moe_ffn` of llama.cpp's src/llama-graph.cpp)."""

from __future__ import annotations

from nodetool_xl_desktop.fit.graph import Graph, Widths
from nodetool_xl_desktop.fit.packing import Block


def feed_forward(graph: Graph, widths: Widths, normed: Block | None) -> Block | None:
    """What a layer's feed-forward gives, from what it gets; None where the layer has none.

    Args:
        graph: is laid out further.
        widths: of the layer.
        normed: what goes into it, and is not needed afterwards; None keeps what goes in.
    """
    if widths.experts:
        return _experts(graph, widths, normed)
    if widths.inner:
        return _dense(graph, widths.inner, widths.gated, widths.joined, normed)
    if normed is not None:
        graph.give(normed)
    return None


def _dense(graph: Graph, inner: int, gated: bool, joined: bool, normed: Block | None) -> Block:
    if joined:
        both = graph.rows(2 * inner)
        _give(graph, normed)
        active = graph.rows(inner)
        graph.give(both)
    elif gated:
        gate, up = graph.rows(inner), graph.rows(inner)
        _give(graph, normed)
        active = graph.rows(inner)
        graph.give(gate, up)
    else:
        active = graph.rows(inner)
        _give(graph, normed)
    out = graph.rows(graph.embedding)
    graph.give(active)
    return out


def _experts(graph: Graph, widths: Widths, normed: Block | None) -> Block:
    """As many feed-forwards a token as experts work on it; then those that always work."""
    used = widths.used
    order, weights = _chosen(graph, widths)
    repeated = graph.rows(used * graph.embedding) if widths.weighed_first else None
    gates = _gates(graph, widths)
    if repeated:
        graph.give(repeated)
    if not widths.shared_inner:
        _give(graph, normed)
    if widths.experts_gated or widths.experts_joined:
        active = graph.rows(used * widths.expert_inner)
        graph.give(*gates)
    else:
        (active,) = gates
    down = graph.rows(used * graph.embedding)
    graph.give(active, order, weights)
    out = graph.rows(graph.embedding)
    graph.give(down)
    if widths.shared_inner:
        graph.give(_dense(graph, widths.shared_inner, gated=True, joined=False, normed=normed))
    return out


def _chosen(graph: Graph, widths: Widths) -> tuple[Block, Block]:
    """Which experts work on a token, and by how much."""
    probabilities = graph.rows(widths.experts)
    chosen_by = graph.rows(widths.experts) if widths.biased else None
    order = graph.rows(widths.experts)
    if chosen_by:
        graph.give(chosen_by)
    weights = graph.rows(widths.used)
    graph.give(probabilities)
    return order, weights


def _gates(graph: Graph, widths: Widths) -> list[Block]:
    """What leads into the experts: one matrix or two."""
    inner = widths.used * widths.expert_inner
    if widths.experts_joined:
        return [graph.rows(2 * inner)]
    return [graph.rows(inner) for _ in range(2 if widths.experts_gated else 1)]


def _give(graph: Graph, block: Block | None) -> None:
    if block is not None:
        graph.give(block)
