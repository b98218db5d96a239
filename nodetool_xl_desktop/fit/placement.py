"""Which layers of a model go where, and what each memory takes for it.

The engine puts the last `gpu_layers` layers onto the devices, the output layer counted as the very last one, in their
order and in proportion to what is free of each; the token embeddings stay with the processor. The caches of a layer lie
where the layer lies.

Sources, of llama.cpp: `llama_model_base::load_tensors` of src/llama-model.cpp (`get_layer_buft_list`) for the layers,
`llama_prepare_model_devices` of src/llama.cpp for which devices are used at all.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from nodetool_xl_desktop.fit.layers import Layout
from nodetool_xl_desktop.fit.memory import Device, MemoryUse, Needs
from nodetool_xl_desktop.fit.options import LoadOptions

#: The engine takes no more (`llama_max_devices` of llama.cpp's src/llama.cpp).
MOST_DEVICES = 16
_FLOAT = struct.Struct("f")


class ComputeOf(Protocol):
    """Compute buffers of a load: of the host and of each device, in bytes.

    Args:
        counts: how many layers each of the used devices gets, the output layer counted as one.
        everything: whether the processor is left with the token embeddings only.
    """

    def __call__(self, counts: Sequence[int], everything: bool) -> tuple[int, tuple[int, ...]]: ...


@dataclass(frozen=True, slots=True)
class Beside:
    """What is loaded beside a model, in bytes: adapters, whose layers lie with the model's, and a projector."""

    loras: int = 0
    projector: int = 0


def used(devices: Sequence[Device]) -> tuple[int, ...]:
    """The places of those devices that the engine puts layers onto: integrated graphics only where there are no others.

    What only accelerates the processor (BLAS) has no memory for layers.
    """
    cards = tuple(place for place, device in enumerate(devices) if device.kind == "gpu")
    return (cards or tuple(place for place, device in enumerate(devices) if device.kind == "igpu"))[:MOST_DEVICES]


def share_out(layers: int, devices: Sequence[Device], shares: Sequence[int] = ()) -> tuple[int, ...]:
    """How many of so many layers each device gets: a stretch as long as its share, which is that of what is free.

    A device that does not report its memory gets nothing while another one does. (Without `shares` the engine would
    take the machine's own memory for its share.)

    Args:
        layers: that go onto devices.
        devices: those that are used.
        shares: instead of what is free of each; a device that is not named gets none.
    """
    weights = [float(share) for share in (*shares, *[0] * len(devices))[: len(devices)]]
    if not sum(weights):
        weights = [float(device.free or 0) for device in devices]
    if not sum(weights):
        weights = [1.0] * len(devices)
    together, ends = 0.0, []
    for weight in weights:
        together = _float32(together + weight)
        ends.append(together)
    counts: list[int] = []
    for end in ends:
        # The first layer whose place among them, from 0 to 1, is not below this device's end belongs to the next one.
        share = _float32(end / together)
        first = min(layers, max(0, math.floor(share * layers) - 1))
        while first < layers and _float32(first / layers) < share:
            first += 1
        counts.append(first - sum(counts))
    return tuple(counts)


def spread(
    layout: Layout, options: LoadOptions, devices: Sequence[Device], compute: ComputeOf, beside: Beside
) -> Needs:
    """What a load takes of each memory.

    Args:
        layout: what each layer takes.
        options: of the load. More `gpu_layers` than there are is all of them.
        devices: in the engine's order.
        compute: the compute buffers.
        beside: what is loaded beside the model.
    """
    places = used(devices)
    if not places:
        use = MemoryUse(layout.model, layout.context, compute((), everything=False)[0], beside.projector)
        return _with_loras(Needs(use, tuple((device, MemoryUse()) for device in devices)), beside.loras)
    offloaded, cpu_moe = min(options.gpu_layers, layout.layers), options.cpu_moe
    counts = share_out(offloaded, [devices[place] for place in places], options.shares)
    host_compute, buffers = compute(counts, everything=offloaded == layout.layers and not cpu_moe)
    first = layout.layers - offloaded
    host = _stretch(layout, 0, first) + MemoryUse(model=layout.input, compute=host_compute)
    uses, layers_on = [MemoryUse()] * len(devices), [0] * len(devices)
    for place, count, buffer in zip(places, counts, buffers, strict=True):
        whole = _stretch(layout, first, first + count)
        left = _left_behind(layout, first, first + count, devices[place], cpu_moe)
        host += MemoryUse(model=left)
        uses[place] = MemoryUse(whole.model - left, whole.context, buffer)
        if count and first + count == layout.layers:
            uses[place] += MemoryUse(model=_copy_of_embeddings(layout, devices[place]))
        layers_on[place] = count
        first += count
    if options.projector_on_device:  # `mmproj_use_gpu`: on the first, whatever is on it
        uses[places[0]] += MemoryUse(projector=beside.projector)
    else:
        host += MemoryUse(projector=beside.projector)
    together = tuple(zip(devices, uses, strict=True))
    return _with_loras(Needs(host, together, tuple(layers_on), layout.layers), beside.loras)


def _stretch(layout: Layout, first: int, end: int) -> MemoryUse:
    """Weights and caches of the layers from `first` to before `end`."""
    layers = layout.repeating[first:end]
    output = layout.output if first < layout.layers == end else 0
    return MemoryUse(sum(layer.model for layer in layers) + output, sum(layer.context for layer in layers))


def _left_behind(layout: Layout, first: int, end: int, device: Device, cpu_moe: int) -> int:
    """What the processor keeps of the weights of layers that are on a device: experts, and what is too large."""
    experts = sum(layer.experts for layer in layout.repeating[first : min(end, cpu_moe)])
    too_large = first < layout.layers == end and _is_too_large(layout.output, device)
    return experts + (layout.output if too_large else 0)


def _copy_of_embeddings(layout: Layout, device: Device) -> int:
    """Where the token embeddings serve as output matrix, the device of the output layer gets a copy of them."""
    return 0 if _is_too_large(layout.tied, device) else layout.tied


def _is_too_large(size: int, device: Device) -> bool:
    return device.largest_tensor is not None and size > device.largest_tensor


def _with_loras(needs: Needs, size: int) -> Needs:
    """The weights of adapters lie beside the layers that they adapt."""
    weights = needs.all.model
    if not size or not weights:
        return replace(needs, host=needs.host + MemoryUse(model=size))
    rest, devices = size, []
    for device, use in needs.devices:
        share = size * use.model // weights
        rest -= share
        devices.append((device, use + MemoryUse(model=share)))
    return replace(needs, host=needs.host + MemoryUse(model=rest), devices=tuple(devices))


def _float32(number: float) -> float:
    """As the engine reckons shares."""
    rounded: float = _FLOAT.unpack(_FLOAT.pack(number))[0]
    return rounded
