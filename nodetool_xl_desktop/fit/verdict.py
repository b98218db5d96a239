"""From figures to a word: does it fit, and how tightly."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from nodetool_xl_desktop.core.translation import mark
from nodetool_xl_desktop.fit.memory import MARGIN, HostMemory, Machine, Needs


class Verdict(StrEnum):
    """The field's words, the same on every surface of the program."""

    FITS = mark("Fits")
    TIGHT = mark("Tight")
    PARTLY = mark("Partly on CPU")
    WONT_FIT = mark("Won't fit")


@dataclass(frozen=True, slots=True)
class Taken:
    """What a load takes of one memory.

    Attributes:
        name: the engine's name of a device; empty for the machine's own memory.
        taken: bytes.
        free: bytes, before the load.
        keeps_margin: whether it is tight with less than the margin left. A device without layers, which only helps with
            large batches, is not.
    """

    name: str
    taken: int
    free: int
    keeps_margin: bool = True

    @property
    def left(self) -> int:
        """What stays free; below zero what is missing."""
        return self.free - self.taken


def taken(need: Needs, host: HostMemory) -> tuple[Taken, ...]:
    """Each memory that a load takes something of: the machine's own first, then the devices that report what is free.

    What a device takes that works with the machine's own memory is counted there, too.
    """
    shared = sum(use.total for device, use in need.devices if device.shares_host_memory)
    devices = [
        Taken(device.name, use.total, device.free, keeps_margin=bool(use.model or use.context))
        for device, use in need.devices
        if use.total and device.free is not None
    ]
    return (Taken("", need.host.total + shared, host.free), *devices)


def tightest(need: Needs, host: HostMemory) -> Taken:
    """The memory of which the most is missing, or of those that keep the margin the least stays free."""
    memories = [memory for memory in taken(need, host) if memory.keeps_margin or memory.left < 0]
    return min(memories, key=lambda memory: memory.left)


def is_split(need: Needs) -> bool:
    """Whether some layers are on devices and others on the processor."""
    return 0 < sum(need.layers_on) < need.layers


def judge(need: Needs, host: HostMemory, margin: int = MARGIN) -> Verdict:
    """The verdict on a load, each memory by itself.

    Fits leaves the margin free everywhere, Tight somewhere less than that, Won't fit asks for more than is free.
    Partly on CPU fits, but with layers that the processor works on.
    """
    left = tightest(need, host).left
    if left < 0:
        return Verdict.WONT_FIT
    if left < margin:
        return Verdict.TIGHT
    return Verdict.PARTLY if is_split(need) else Verdict.FITS


def leaves(need: Needs, machine: Machine, margin: int) -> bool:
    """Whether so much stays free of each memory."""
    return tightest(need, machine.host).left >= margin
