"""The compute buffers of a load that is spread over devices, from that of a load on the processor alone.

Fitted to the engine's plans for a Llama of 8B on one to three devices (tests/fit/test_fit_placement.py has them), and
held against those for 43 models of all kinds: within 64 MiB or 10 %, save for LFM2 with some of its layers on a device,
Qwen3-Next with its experts on the processor, and Gemma 3n and Jamba on two devices, which take more.
Sources: `llama_context::sched_reserve` and `graph_get_cb` of llama.cpp's src/llama-context.cpp,
`ggml_backend_sched_backend_id_from_cur` of ggml/src/ggml-backend.cpp.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nodetool_xl_desktop.fit.anatomy import anatomy
from nodetool_xl_desktop.fit.compute import compute
from nodetool_xl_desktop.fit.graph import F16_BYTES
from nodetool_xl_desktop.fit.keys import F32_BYTES
from nodetool_xl_desktop.fit.layers import Layout, room
from nodetool_xl_desktop.fit.options import LoadOptions
from nodetool_xl_desktop.gguf import Header

#: How often the inputs are kept where the next batch starts while this one is on its way (`GGML_SCHED_MAX_COPIES`).
COPIES = 4
#: How much of a buffer is in use while its largest matrix is multiplied with: fitted to the plans of 43 models, of
#: which it is 0.5 to 0.9.
BESIDE_A_MATRIX = 0.6


@dataclass(frozen=True, slots=True)
class _Parts:
    """What a compute buffer is made of, in bytes.

    Attributes:
        whole: the buffer of a load on the processor alone.
        row: one row of the embedding width for each token that is computed at once.
        mask: the masks of the attention.
    """

    whole: int
    row: int
    mask: int

    @classmethod
    def of(cls, header: Header, options: LoadOptions) -> _Parts:
        body = anatomy(header)
        space = room(body, options)
        cells = space.cells + (space.windowed if body.window else 0)
        if body.traits.encoder:
            cells = space.tokens
        number = F32_BYTES if options.flash_attention is False else F16_BYTES
        return cls(compute(header, options), space.tokens * body.embedding * F32_BYTES, space.tokens * cells * number)

    @property
    def first(self) -> int:
        """Of a device that the embeddings come to."""
        return max(0, self.whole - self.row)

    @property
    def later(self) -> int:
        """Of a device that goes on with what another one, or the processor, has begun."""
        return max(0, self.whole - 3 * self.row)

    @property
    def host(self) -> int:
        """What brings the batch to the devices."""
        return 4 * self.row + self.mask


def split_compute(
    header: Header, options: LoadOptions, layout: Layout, counts: Sequence[int], everything: bool
) -> tuple[int, tuple[int, ...]]:
    """The compute buffers of the host, and of each device that is used, in bytes.

    Args:
        header: the model's.
        options: of the load.
        layout: what each layer takes.
        counts: how many layers each of the used devices gets, the output layer counted as one.
        everything: whether the processor is left with the token embeddings only.
    """
    parts = _Parts.of(header, options)
    if not counts:
        return parts.whole, ()
    if everything:
        return _with_everything(parts, counts)
    later = tuple(parts.later if count else 0 for count in counts)
    if options.keeps_off_first_device:
        return parts.whole, later
    # The first device works on the large matrices of the processor's layers, too, whatever is on it (`offload_op`).
    return parts.host, (_with_copies(header, layout, parts), *later[1:])


def _with_everything(parts: _Parts, counts: Sequence[int]) -> tuple[int, tuple[int, ...]]:
    """Several devices work like a pipeline: each keeps its inputs for the batches that are on their way."""
    more = COPIES - 1 if len(counts) > 1 else 0
    begins = next(place for place, count in enumerate(counts) if count)
    devices = [
        (parts.first + more * (4 * parts.row + parts.mask))
        if place == begins
        else (parts.later + more * (3 * parts.row + parts.mask))
        for place in range(len(counts))
    ]
    buffers = tuple(buffer if count else 0 for buffer, count in zip(devices, counts, strict=True))
    return parts.host + more * (2 * parts.row + parts.mask), buffers


def _with_copies(header: Header, layout: Layout, parts: _Parts) -> int:
    """The first device's buffer where layers stay with the processor.

    Of such a layer it holds one matrix at a time, beside what that is multiplied with, or the caches.
    """
    weights = header.once(_largest_matrix) + round(BESIDE_A_MATRIX * parts.whole)
    caches = max((layer.context for layer in layout.repeating), default=0) + 5 * parts.row + parts.mask
    return max(parts.whole, weights, caches)


def _largest_matrix(header: Header) -> int:
    return max((tensor.size for block in anatomy(header).blocks for tensor in block.tensors.values()), default=0)
