"""What Gemma has beside its layers: embeddings of a token for each layer, and in Gemma 3n four versions of the token.

Sources: src/models/gemma3n.cpp and gemma4.cpp of llama.cpp.
"""

from __future__ import annotations

from nodetool_xl_desktop.fit import mixers
from nodetool_xl_desktop.fit.graph import Graph, Widths
from nodetool_xl_desktop.fit.packing import Block

#: `n_altup` of llama.cpp's src/llama-hparams.h.
VERSIONS = 4


class OwnEmbeddings:
    """Embeddings of a token that each layer has for itself, and adds at its end (Gemma 4).

    Args:
        graph: is laid out further.
        width: of the embeddings of all layers together.
        layers: of the whole model.
    """

    def __init__(self, graph: Graph, width: int, layers: int) -> None:
        self._graph = graph
        self._width = width
        self._small = width // max(layers, 1)
        self._selected = graph.rows(width)
        self._embedded: Block | None = graph.rows(graph.embedding)

    def add(self) -> None:
        """Lay out the end of a layer; with the first one they are made of the token's embeddings."""
        graph = self._graph
        small = graph.rows(self._small)
        if self._embedded is not None:
            project(graph, self._width, self._embedded, self._selected)
            self._embedded = None
        graph.give(small, graph.rows(graph.embedding))


def project(graph: Graph, width: int, embedded: Block, selected: Block) -> None:
    """The embeddings for all layers, of those of the token and of what was looked up; they stay to the last layer."""
    projected = graph.rows(width)
    graph.give(embedded)
    normed = graph.rows(width)
    graph.give(projected, selected)
    graph.rows(width)
    graph.give(normed)


class Altup:
    """Layers of Gemma 3n, one after the other.

    Args:
        graph: is laid out further.
        hidden: the embeddings of the batch.
        per_layer: how wide the embeddings of all layers together are.
        layers: of the whole model.
    """

    def __init__(self, graph: Graph, hidden: Block, per_layer: int, layers: int) -> None:
        self._graph = graph
        self._embedded: Block | None = hidden
        self._per_layer = per_layer
        self._small = per_layer // max(layers, 1)
        looked_up = graph.rows(per_layer)
        self._selected = graph.rows(per_layer)
        graph.give(looked_up)
        width = graph.embedding
        repeated = graph.rows((VERSIONS - 1) * width)
        projected = graph.rows((VERSIONS - 1) * width)
        graph.give(repeated)
        graph.give(graph.rows(width))
        scaled = graph.rows((VERSIONS - 1) * width)
        graph.give(projected)
        self.hidden = graph.rows(VERSIONS * width)
        graph.give(scaled)

    def layer(self, widths: Widths) -> None:
        """Lay out the next layer."""
        graph, width = self._graph, self._graph.embedding
        predictions = self._predict()
        normed = graph.rows(width)
        found = mixers.attention(graph, widths, None, windows=True)
        attended = mixers.projected(graph, widths, found)
        small = graph.rows(width)
        graph.give(normed, small)
        normed = graph.rows(width)
        up, gate = graph.rows(widths.inner), graph.rows(widths.inner)
        graph.give(normed)
        graph.give(graph.rows(widths.inner), gate)  # of which the largest are kept
        down = graph.rows(width)
        graph.give(up, attended)
        self._correct(predictions, down)

    def _predict(self) -> Block:
        graph, width = self._graph, self._graph.embedding
        turned = graph.rows(VERSIONS * width)
        graph.give(graph.rows(width))
        product = graph.rows(VERSIONS * width)
        graph.give(turned)
        predictions = graph.rows(VERSIONS * width)
        graph.give(product, self.hidden)
        return predictions

    def _correct(self, predictions: Block, down: Block) -> None:
        graph, width = self._graph, self._graph.embedding
        new = graph.rows(width)
        corrected = graph.rows(VERSIONS * width)
        graph.give(new, down, predictions)
        first = graph.rows(width)
        small = graph.rows(self._small)
        graph.give(first)
        if self._embedded is not None:
            project(graph, self._per_layer, self._embedded, self._selected)
            self._embedded = None
        first = graph.rows(width)
        graph.give(small)
        others = graph.rows((VERSIONS - 1) * width)
        graph.give(first)
        self.hidden = graph.rows(VERSIONS * width)
        graph.give(corrected, others)
