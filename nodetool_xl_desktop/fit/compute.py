"""The buffer that a batch is computed in: the engine's graph, laid out as the engine lays it out.

No short formula holds, as the size depends on which tensor fits into the gap of which other; so the graph of one batch
is gone through, with its sizes alone. A model's layers repeat themselves: only as many are gone through as differ.

Source: `llama_context::sched_reserve` and `graph_reserve` of llama.cpp's src/llama-context.cpp, which reserve the
buffer for one full batch; `build_inp_embd` and the like of src/llama-graph.cpp for what goes into the graph.
"""

from __future__ import annotations

from typing import NamedTuple

from nodetool_xl_desktop.fit import mixers, recurrent, rwkv
from nodetool_xl_desktop.fit.altup import Altup, OwnEmbeddings
from nodetool_xl_desktop.fit.anatomy import Anatomy, anatomy
from nodetool_xl_desktop.fit.architectures import Mixer, Parallel
from nodetool_xl_desktop.fit.feed_forward import feed_forward
from nodetool_xl_desktop.fit.graph import INDEX_BYTES, Batch, Graph, State, Widths
from nodetool_xl_desktop.fit.keys import F32_BYTES
from nodetool_xl_desktop.fit.layers import room
from nodetool_xl_desktop.fit.options import QUANTIZED_KV_TYPES, LoadOptions
from nodetool_xl_desktop.fit.packing import Block
from nodetool_xl_desktop.fit.widths import Course, course
from nodetool_xl_desktop.gguf import Header

INTEGER_BYTES = 4
#: The side of the smallest matrix that quantised keys and values are turned with; their lengths have to divide by it.
FIRST_TURN = 64
#: Sizes of buffers that are kept for each header.
KEPT = 256


class Buffers(NamedTuple):
    """What the engine takes to compute a batch on the processor alone, in bytes.

    Attributes:
        graph: the buffer of the batch ("compute buffer" in the engine's log).
        result: where its results are handed out ("output buffer"): one row of the vocabulary for each chat.
    """

    graph: int
    result: int


def compute(header: Header, options: LoadOptions) -> int:
    """What the engine takes to compute a batch, with everything on the processor, in bytes.

    Raises:
        Malformed: the header says what no model says.
    """
    return sum(buffers(header, options))


def buffers(header: Header, options: LoadOptions) -> Buffers:
    """As `compute`, part by part."""
    body = anatomy(header)
    result = body.vocabulary * F32_BYTES * options.parallel  # `output_reserve`
    batch = _batch(body, options)
    kept = header.once(_kept)
    if batch not in kept:
        if len(kept) >= KEPT:
            kept.clear()
        kept[batch] = _peak(body, course(header), batch, result)
    return Buffers(kept[batch], result)


def _kept(_: Header) -> dict[Batch, int]:
    return {}


def _peak(body: Anatomy, way: Course, batch: Batch, result: int) -> int:
    graph = Graph(batch, body.embedding)
    hidden = _layers(graph, body, way, _inputs(graph, body))
    graph.give(hidden)
    if not body.traits.encoder:
        graph.take(result)
    return graph.packing.peak


def _batch(body: Anatomy, options: LoadOptions) -> Batch:
    space = room(body, options)
    chats = options.parallel
    key, value = _lengths(body)
    return Batch(
        tokens=-(-space.tokens // chats) * chats,
        chats=chats,
        cells=space.cells,
        windowed=space.windowed,
        flash=options.flash_attention is not False and body.traits.flash,
        turned_keys=options.kv_type_k in QUANTIZED_KV_TYPES and key > 0 and key % FIRST_TURN == 0,
        turned_values=options.kv_type_v in QUANTIZED_KV_TYPES and value > 0 and value % FIRST_TURN == 0,
    )


def _lengths(body: Anatomy) -> tuple[int, int]:
    """Of a key and of a value of one head, in numbers; 0 where there are none."""
    for block in body.blocks:
        if block.keys and block.kv_heads:
            return block.keys // block.kv_heads, block.values // block.kv_heads
    return 0, 0


def _inputs(graph: Graph, body: Anatomy) -> Block:
    """What the batch brings along, and the embeddings of its tokens.

    There are three ways for these (words, images, both mixed), and the tensors of all of them are laid out. Where
    several embeddings of an image go in, those of words are as wide.
    """
    tokens, width = graph.tokens, graph.embedding * (1 + body.stacked)
    words, mixed_words = graph.take(tokens * INTEGER_BYTES), graph.take(tokens * INTEGER_BYTES)
    graph.rows(width)
    slots = graph.take(tokens * INDEX_BYTES)
    mixed = graph.rows(width)
    graph.take(tokens * INTEGER_BYTES)  # positions
    if body.traits.encoder:
        for _ in range(2 if body.window else 1):
            graph.mask(tokens)
    elif any(block.keys for block in body.blocks):
        for cells in (graph.batch.cells, graph.batch.windowed) if body.window else (graph.batch.cells,):
            _cache_inputs(graph, body, cells)
    embedded = graph.rows(graph.embedding)
    graph.give(words)
    other = graph.rows(graph.embedding)
    graph.give(mixed_words)
    if body.stacked:
        graph.rows(width)  # stays for the first layers, and a view of it goes on
        graph.give(embedded)
        looked_up, other = other, graph.rows(width)
        graph.give(looked_up)
    graph.rows(width)
    graph.give(mixed, other, slots)
    if body.stacked:
        return graph.take(0)
    if "position_embd" in body.tensors:
        graph.give(graph.rows(graph.embedding))
    return embedded


def _cache_inputs(graph: Graph, body: Anatomy, cells: int) -> None:
    """Where in a cache the batch goes, which token sees what of it, and what quantised keys and values are turned with.

    Without flash attention the values are kept the other way round, and the place of each number is told.
    """
    places = graph.tokens * INDEX_BYTES
    graph.take(places)
    graph.take(places if graph.batch.flash else places * max(body.widest_value, 1))
    graph.mask(cells)
    if graph.batch.turned_keys:
        side = FIRST_TURN
        while _lengths(body)[0] % (2 * side) == 0:
            side *= 2
        graph.take(side * side * F32_BYTES)
    if graph.batch.turned_values:
        graph.take(FIRST_TURN * FIRST_TURN * F32_BYTES)


def _layers(graph: Graph, body: Anatomy, way: Course, hidden: Block) -> Block:
    """All layers: from the embeddings to what comes out of the last one."""
    per_layer = body.tensors.get("per_layer_token_embd")
    if per_layer is not None and per_layer.shape and "altup_proj" in body.tensors:
        altup = Altup(graph, hidden, per_layer.shape[0], len(body.blocks))
        for widths in way.widths:
            altup.layer(widths)
        return altup.hidden
    own = OwnEmbeddings(graph, per_layer.shape[0], len(body.blocks)) if per_layer and per_layer.shape else None
    for place, widths in enumerate(way.widths):
        if widths.mixers == (Mixer.RWKV7,):
            hidden = rwkv.layer(graph, way.state, widths, hidden, place == 0)
        elif body.traits.post_norm:
            hidden = _encoding_layer(graph, widths, hidden)
        else:
            hidden = _layer(graph, body, way.state, widths, hidden)
        if own is not None:
            own.add()
    return hidden


def _layer(graph: Graph, body: Anatomy, state: State, widths: Widths, hidden: Block) -> Block:
    """One layer: from what goes into it to what comes out of it."""
    if widths.mixers == (Mixer.NONE,):
        return _fed_forward(graph, widths, hidden)
    normed = graph.rows(graph.embedding) if widths.normed else None
    if body.traits.parallel is Parallel.NONE or normed is None:
        added = _mixed(graph, body, state, widths, normed)
        graph.give(hidden)
        return _fed_forward(graph, widths, added)
    return _side_by_side(graph, body, widths, hidden, normed)


def _side_by_side(graph: Graph, body: Anatomy, widths: Widths, hidden: Block, normed: Block) -> Block:
    """A layer whose attention and feed-forward work on the same input."""
    parallel, windows = body.traits.parallel, body.window > 0
    own_norm = parallel is Parallel.OWN_NORM
    found = mixers.attention(graph, widths, normed if own_norm else None, windows)
    if parallel is Parallel.ATTENTION:
        found = mixers.projected(graph, widths, found)
    out = feed_forward(graph, widths, graph.rows(graph.embedding) if own_norm else normed)
    graph.give(hidden)
    if parallel is not Parallel.ATTENTION:
        found = mixers.projected(graph, widths, found)
    if out is None:
        return found
    if parallel is Parallel.ATTENTION:
        found, out = out, found
    graph.give(found)
    return out


#: Recurrent layers that are nothing else.
_RECURRENT = {
    Mixer.MAMBA: recurrent.mamba,
    Mixer.DELTA: recurrent.delta_net,
    Mixer.SHORTCONV: recurrent.short_convolution,
}


def _mixed(graph: Graph, body: Anatomy, state: State, widths: Widths, normed: Block | None) -> Block:
    """What the layer's mixer gives; it is added to the layer's input in place."""
    kind = widths.mixers[0]
    if kind not in (Mixer.ATTENTION, Mixer.LATENT) and normed is None:
        normed = graph.rows(graph.embedding)
    if normed is not None and kind in _RECURRENT:
        return _RECURRENT[kind](graph, state, normed)
    if normed is not None and kind is Mixer.MAMBA2:
        return recurrent.mamba2(graph, state, normed)[0]
    if kind is Mixer.LATENT:
        found = mixers.latent(graph, widths, normed)
    elif body.traits.encoder:
        found = mixers.encoding(graph, widths, normed)
    else:
        found = mixers.attention(graph, widths, normed, body.window > 0)
    if len(widths.mixers) == 1:
        return mixers.projected(graph, widths, found)
    out, beside = recurrent.mamba2(graph, state, graph.rows(graph.embedding), found)
    graph.give(out)
    return beside or out


def _fed_forward(graph: Graph, widths: Widths, hidden: Block) -> Block:
    if not widths.inner and not widths.experts:
        return hidden
    out = feed_forward(graph, widths, graph.rows(graph.embedding) if widths.feed_normed else None)
    graph.give(hidden)
    return out or hidden


def _encoding_layer(graph: Graph, widths: Widths, hidden: Block) -> Block:
    """A layer of BERT: what attention and the feed-forward give is added, then normed, which takes a row anew."""
    found = mixers.encoding(graph, widths, None)
    added = graph.rows(graph.embedding)
    graph.give(found, hidden)
    hidden = graph.rows(graph.embedding)
    graph.give(added)
    out = feed_forward(graph, widths, None)
    graph.give(hidden)
    hidden = graph.rows(graph.embedding)
    if out is not None:
        graph.give(out)
    return hidden
