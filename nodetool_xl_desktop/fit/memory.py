"""Memory as values: what a machine has, and what a load takes of it. Everything is in bytes."""

from __future__ import annotations

from dataclasses import dataclass

from nodetool_xl_desktop.core.units import GIB

#: What should stay free beside a loaded model, so that the machine does not start to swap.
MARGIN = GIB


@dataclass(frozen=True, slots=True)
class HostMemory:
    """The machine's own memory at one moment.

    Attributes:
        total: what is built in, or what this program's control group may take, whichever is less.
        free: what a new process could take without swapping (caches that can be dropped count as free).
    """

    total: int
    free: int

    @property
    def others(self) -> int:
        """What other programs hold."""
        return max(0, self.total - self.free)

    def with_returned(self, size: int) -> HostMemory:
        """This memory once `size` bytes of a loaded model are given back."""
        return HostMemory(self.total, min(self.total, self.free + size))


@dataclass(frozen=True, slots=True)
class MemoryUse:
    """What one load takes of one memory.

    Attributes:
        model: the weights.
        context: the KV cache.
        compute: the buffers that a batch is computed in.
        projector: a vision or audio projector beside the model.
    """

    model: int = 0
    context: int = 0
    compute: int = 0
    projector: int = 0

    @property
    def total(self) -> int:
        """Everything together."""
        return self.model + self.context + self.compute + self.projector
