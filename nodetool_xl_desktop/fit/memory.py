"""Memory as values: what a machine has, and what a load takes of it. Everything is in bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nodetool_xl_desktop.core.units import GIB, MIB

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

    def __add__(self, other: MemoryUse) -> MemoryUse:
        return MemoryUse(
            self.model + other.model,
            self.context + other.context,
            self.compute + other.compute,
            self.projector + other.projector,
        )


@dataclass(frozen=True, slots=True)
class Device:
    """What layers can be put onto beside the processor, as the engine sees it or as somebody plans it.

    Attributes:
        name: the engine's name for it, such as "CUDA0".
        kind: "gpu", "igpu" (it works with the machine's own memory) or "accel".
        free: what a load could take of it; None where the driver does not report it.
        total: what it has; None where the driver does not report it.
        description: the maker's name for it.
    """

    name: str
    kind: str = "gpu"
    free: int | None = None
    total: int | None = None
    description: str = ""

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Device:
        """From what the engine tells of a device (`engine.hardware.engine_devices`): 0 bytes are not reported."""
        reports = told["total"] > 0
        free, total = (told["free"], told["total"]) if reports else (None, None)
        return cls(told["name"], told["kind"], free, total, str(told["description"]))

    @property
    def largest_tensor(self) -> int | None:
        """Weights that are larger in one piece stay with the processor, in bytes; None where there is no such limit.

        Vulkan on the processor (Mesa's llvmpipe) takes 128 MiB at once (`maxStorageBufferRange`), graphics cards 4 GiB.
        """
        return _LLVMPIPE_LARGEST if "llvmpipe" in self.description else None

    @property
    def shares_host_memory(self) -> bool:
        """Whether what it takes is taken of the machine's own memory: integrated graphics, and Metal."""
        return self.kind == "igpu" or self.name.startswith(_METAL)


#: The engine calls Metal's devices gpu, although they share the memory (ggml/src/ggml-metal).
_METAL = ("MTL", "Metal")
_LLVMPIPE_LARGEST = 128 * MIB


@dataclass(frozen=True, slots=True)
class Machine:
    """What a load may take.

    Attributes:
        host: the machine's own memory.
        devices: what there is beside the processor, in the engine's order.
        margin: what should stay free of each, in bytes.
    """

    host: HostMemory
    devices: tuple[Device, ...] = ()
    margin: int = MARGIN


@dataclass(frozen=True, slots=True)
class Needs:
    """What one load takes, memory by memory.

    Attributes:
        host: of the machine's own memory, for what the processor works with.
        devices: of each device, in the order in which they were given, those that get nothing included.
        layers_on: how many layers each of these devices gets, the output layer counted as one.
        layers: how many the model has, the output layer counted as one; 0 where no devices were asked about.
    """

    host: MemoryUse
    devices: tuple[tuple[Device, MemoryUse], ...] = ()
    layers_on: tuple[int, ...] = ()
    layers: int = 0

    @property
    def only_devices(self) -> tuple[Device, ...]:
        """The devices alone."""
        return tuple(device for device, _ in self.devices)

    @property
    def all(self) -> MemoryUse:
        """Everything together, wherever it is."""
        return sum((use for _, use in self.devices), self.host)

    @property
    def total(self) -> int:
        """Everything together, in bytes."""
        return self.all.total
