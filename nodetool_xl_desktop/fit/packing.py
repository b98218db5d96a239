"""How the engine packs what a batch is computed in: the size of a compute buffer, from the sizes of its tensors alone.

A tensor takes the smallest gap that it fits into, else the end of the buffer; what is no longer needed becomes a gap.
So the buffer is larger than what is ever needed at once, by amounts that only the order of the tensors tells.

Source: `ggml_dyn_tallocr_alloc` and `ggml_dyn_tallocr_free_bytes` of llama.cpp's ggml/src/ggml-alloc.c.
"""

from __future__ import annotations

from bisect import bisect_left

#: `TENSOR_ALIGNMENT` of ggml/src/ggml-impl.h, for buffers of the processor.
ALIGNMENT = 64

#: Where a tensor lies and how large it is, both in bytes.
Block = tuple[int, int]


class Packing:
    """One buffer while a graph is laid out in it.

    Attributes:
        peak: bytes that the buffer has needed so far.
    """

    __slots__ = ("_end", "_gaps", "peak")

    def __init__(self) -> None:
        self.peak = 0
        self._end = 0
        self._gaps: list[Block] = []  # (offset, size) by offset, none at the end of the buffer

    def take(self, size: int) -> Block:
        """Place a tensor of `size` bytes."""
        size = max(-(-size // ALIGNMENT), 1) * ALIGNMENT
        gaps = self._gaps
        best = -1
        best_size = 0
        for place, gap in enumerate(gaps):
            # Of gaps of the same size the engine takes the last one.
            if gap[1] >= size and (best < 0 or gap[1] <= best_size):
                best, best_size = place, gap[1]
        if best < 0:
            offset = self._end
            self._end = end = offset + size
            self.peak = max(self.peak, end)
            return offset, size
        offset = gaps[best][0]
        if best_size == size:
            del gaps[best]
        else:
            gaps[best] = (offset + size, best_size - size)
        return offset, size

    def give(self, *blocks: Block) -> None:
        """What these tensors held is free again."""
        gaps = self._gaps
        for block in blocks:
            place = bisect_left(gaps, block)
            offset, end = block[0], sum(block)
            if place < len(gaps) and gaps[place][0] == end:
                end += gaps[place][1]
                del gaps[place]
            if place:
                before, length = gaps[place - 1]
                if before + length == offset:
                    offset = before
                    place -= 1
                    del gaps[place]
            if end == self._end:
                self._end = offset
            else:
                gaps.insert(place, (offset, end - offset))
