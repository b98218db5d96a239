"""What would fit: bisections over the estimate, fast enough for every step of a slider.

Each answer is the edge of what the estimate says: a step more would not fit. The engine's own plan (`engine.dry_run`)
has the last word on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.translation import in_a_row, tr, trn
from nodetool_xl_desktop.fit.estimate import CONTEXT_STEP, estimate
from nodetool_xl_desktop.fit.memory import Device, Machine, MemoryUse, Needs
from nodetool_xl_desktop.fit.options import QUANTIZED_KV_TYPES, LoadOptions, largest_context_length
from nodetool_xl_desktop.fit.placement import used
from nodetool_xl_desktop.fit.verdict import Verdict, judge, leaves, taken
from nodetool_xl_desktop.gguf import Header

#: A chat with less is over after a few turns: a smaller model is the better advice then.
USEFUL_CONTEXT_LENGTH = 1024
#: What the cache is offered as, the more exact first. Both share a scale among as many numbers.
SMALLER_KV_TYPES = ("q8_0", "q4_0")
_KV_BLOCK = 32


class Build(Protocol):
    """A build of the same model that there is: one of `hub.choice`, or of a folder."""

    @property
    def quantization(self) -> str:
        """Such as "Q4_K_M"."""

    @property
    def size(self) -> int:
        """Of its files, in bytes."""


_Build = TypeVar("_Build", bound=Build)


@dataclass(frozen=True, slots=True)
class Remedy:
    """One change that makes a load fit; applying it is taking its options (or fetching its build).

    Attributes:
        kind: "gpu_layers", "kv_type", "projector", "context" or "build": which control it turns.
        options: how the model would be loaded.
        says: a part of a sentence with numbers, such as "16,384 tokens of context would fit".
        build: the quantization to fetch instead; empty for this one.
    """

    kind: str
    options: LoadOptions
    says: str
    build: str = ""


def needs(
    header: Header, options: LoadOptions, devices: Sequence[Device] = (), projector: Header | None = None
) -> Needs:
    """What a load takes, with its projector where the options have one.

    Args:
        header: the model's.
        options: how it would be loaded.
        devices: what there is beside the processor.
        projector: the one that the options name.
    """
    return estimate(header, options, devices, projector=projector if options.projector else None)


def largest_context(
    header: Header, options: LoadOptions, machine: Machine, margin: int = 0, projector: Header | None = None
) -> int:
    """The largest context that leaves `margin` bytes free everywhere, in tokens and at most what can be asked for.

    0 where not even the smallest context fits. The projector is the one that the options name.
    """
    ceiling = largest_context_length(header.context_length_max)

    def fits(context_length: int) -> bool:
        asked = replace(options, context_length=context_length)
        return leaves(needs(header, asked, machine.devices, projector), machine, margin)

    if fits(ceiling):
        return ceiling
    steps = -(-ceiling // CONTEXT_STEP)
    return _most(steps, lambda step: fits(step * CONTEXT_STEP)) * CONTEXT_STEP


def offload(
    header: Header,
    options: LoadOptions,
    machine: Machine,
    margin: int | None = None,
    projector: Header | None = None,
) -> LoadOptions:
    """These options with the most GPU layers with which every device keeps `margin` free (None: the machine's own).

    The engine's own shares are kept where they take all layers, or as many as others do. Else `tensor_split` shares by
    what is free beside the margin, without the smallest devices where they are too small for a single layer, and
    without such as do not report their memory. The projector is the one that the options name.
    """
    margin = machine.margin if margin is None else margin
    cards = [machine.devices[place] for place in used(machine.devices)]
    room = [max(0, (card.free or 0) - margin) // units.MIB for card in cards]
    best = replace(options, gpu_layers=0, tensor_split="")
    splits = [""] if all(card.free for card in cards) and cards else []
    for _ in range(len(cards) if len(cards) > 1 else 0):
        if any(room):
            splits.append(",".join(map(str, room)))
            room[room.index(min(filter(None, room)))] = 0
    for split in splits:
        found, is_all = _most_layers(header, replace(options, tensor_split=split), machine, margin, projector)
        best = found if found.gpu_layers > best.gpu_layers else best
        if is_all:
            break
    return best


def _most_layers(
    header: Header, options: LoadOptions, machine: Machine, margin: int, projector: Header | None
) -> tuple[LoadOptions, bool]:
    """With the most layers for these shares, and whether these are all."""

    def with_layers(layers: int) -> Needs:
        return needs(header, replace(options, gpu_layers=layers), machine.devices, projector)

    def fits(layers: int) -> bool:
        return all(
            memory.left >= (margin if memory.keeps_margin else 0)
            for memory in taken(with_layers(layers), machine.host)
            if memory.name
        )

    most = with_layers(0).layers
    layers = most if fits(most) else _most(most, fits)
    return replace(options, gpu_layers=layers), layers == most


def _most(high: int, fits: Callable[[int], bool]) -> int:
    """The largest number that fits, where those above do not, and `high` neither; 0 where 1 does not fit."""
    low = 0
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def best_build(
    header: Header,
    options: LoadOptions,
    machine: Machine,
    builds: Iterable[_Build],
    projector: Header | None = None,
) -> _Build | None:
    """The largest build that leaves the margin free; where none does the largest that fits at all, None without one."""
    need = needs(header, options, machine.devices, projector)
    ranked = sorted(builds, key=lambda build: build.size, reverse=True)
    for margin in (machine.margin, 0):
        for build in ranked:
            if leaves(_of_build(need, build.size), machine, margin):
                return build
    return None


def _of_build(need: Needs, size: int) -> Needs:
    """What another build takes: its weights lie as these do, and all else is the same."""
    weights = need.all.model

    def scaled(use: MemoryUse) -> MemoryUse:
        return replace(use, model=size * use.model // weights if weights else 0)

    devices = tuple((device, scaled(use)) for device, use in need.devices)
    rest = size - sum(use.model for _, use in devices)
    return replace(need, host=replace(need.host, model=rest), devices=devices)


@dataclass(frozen=True, slots=True)
class _Load:
    """What remedies are looked for: a model, the projector that its options name, and the machine for them."""

    header: Header
    options: LoadOptions
    machine: Machine
    projector: Header | None

    def needs(self, options: LoadOptions) -> Needs:
        return needs(self.header, options, self.machine.devices, self.projector)

    def fits(self, options: LoadOptions, margin: int) -> bool:
        return leaves(self.needs(options), self.machine, margin)


def remedies(
    header: Header,
    options: LoadOptions,
    machine: Machine,
    need: Needs,
    builds: Iterable[Build] = (),
    projector: Header | None = None,
) -> tuple[Remedy, ...]:
    """Single changes for the better, the least painful first.

    Of a load that does not fit they make one that does; of a tight one, one that leaves the margin free; of one that
    fits, one with more layers on the devices. Fewer GPU layers cost speed only; a cache of 8 bits costs next to
    nothing; who has no pictures loses nothing without the projector; less context and coarser numbers cost what the
    chat is about.

    Args:
        header: the model's.
        options: how it would be loaded.
        machine: what there is.
        need: what the load takes with these options.
        builds: other quantizations of the same model that there are.
        projector: the one that the options name.
    """
    load = _Load(header, options, machine, projector)
    verdict = judge(need, machine.host, machine.margin)
    if verdict in (Verdict.FITS, Verdict.PARTLY):
        return tuple(_with_more_layers(load))
    margin = machine.margin if verdict is Verdict.TIGHT else 0
    exact, coarse = (_with_kv_type(load, margin, kind) for kind in SMALLER_KV_TYPES)
    found = [
        *_with_layers(load, margin),
        *exact,
        *_without_projector(load, margin),
        *_with_context(load, margin),
        *coarse,
    ]
    smaller = [each for each in builds if each.size < header.tensor_bytes]
    build = best_build(header, options, machine, smaller, projector)
    if build is not None:
        size = units.file_size(build.size)
        says = tr("{quantization} ({size}) would fit", quantization=build.quantization, size=size)
        found.append(Remedy("build", options, says, build.quantization))
    return tuple(found)


def _with_more_layers(load: _Load) -> Iterator[Remedy]:
    machine = load.machine
    if not used(machine.devices):
        return
    changed = offload(load.header, load.options, machine, projector=load.projector)
    if changed.gpu_layers > load.options.gpu_layers and load.fits(changed, machine.margin):
        yield Remedy("gpu_layers", changed, _layers_would(load.needs(changed), 0))


def _with_layers(load: _Load, margin: int) -> Iterator[Remedy]:
    if not used(load.machine.devices):
        return
    changed = offload(load.header, load.options, load.machine, margin, load.projector)
    if changed == load.options or not load.fits(changed, margin):
        return
    if changed.gpu_layers:
        says = _layers_would(load.needs(changed), margin)
    elif margin:
        says = tr("the processor alone would leave {left}", left=units.memory(margin))
    else:
        says = tr("the processor alone would fit")
    yield Remedy("gpu_layers", changed, says)


def _layers_would(need: Needs, margin: int) -> str:
    """How many layers would be on devices, and on which."""
    on = sum(need.layers_on)
    names = [device.name for device, layers in zip(need.only_devices, need.layers_on, strict=True) if layers]
    said = {"on": on, "devices": in_a_row(names), "left": units.memory(margin)}
    if on == need.layers and margin:
        return trn(
            "all {count} layer on {devices} would leave {left}",
            "all {count} layers on {devices} would leave {left}",
            on,
            **said,
        )
    if on == need.layers:
        return trn("all {count} layer on {devices} would fit", "all {count} layers on {devices} would fit", on, **said)
    if margin:
        return trn(
            "{on} of {count} layer on {devices} would leave {left}",
            "{on} of {count} layers on {devices} would leave {left}",
            need.layers,
            **said,
        )
    return trn(
        "{on} of {count} layer on {devices} would fit",
        "{on} of {count} layers on {devices} would fit",
        need.layers,
        **said,
    )


def _with_kv_type(load: _Load, margin: int, kind: str) -> Iterator[Remedy]:
    options = load.options
    flash = None if options.flash_attention is False else options.flash_attention
    changed = replace(options, kv_type_k=kind, kv_type_v=kind, flash_attention=flash)
    if can_be_kept_as(load.header, kind) and load.fits(changed, margin):
        said = {"kind": kind, "left": units.memory(margin)}
        says = (
            trn(
                "{count} token would leave {left} if the KV cache is {kind}",
                "{count:,} tokens would leave {left} if the KV cache is {kind}",
                options.context_length,
                **said,
            )
            if margin
            else trn(
                "{count} token fits if the KV cache is {kind}",
                "{count:,} tokens fit if the KV cache is {kind}",
                options.context_length,
                **said,
            )
        )
        yield Remedy("kv_type", changed, says)


def _without_projector(load: _Load, margin: int) -> Iterator[Remedy]:
    changed = replace(load.options, projector="")
    if load.options.projector and load.fits(changed, margin):
        takes = units.memory(load.needs(load.options).all.projector)
        left = units.memory(margin)
        says = (
            tr("without Vision, which takes {taken}, it would leave {left}", taken=takes, left=left)
            if margin
            else tr("without Vision, which takes {taken}, it would fit", taken=takes)
        )
        yield Remedy("projector", changed, says)


def _with_context(load: _Load, margin: int) -> Iterator[Remedy]:
    options = load.options
    largest = largest_context(load.header, options, load.machine, margin, load.projector)
    if min(USEFUL_CONTEXT_LENGTH, options.context_length) <= largest < options.context_length:
        changed = replace(options, context_length=largest)
        left = units.memory(margin)
        says = (
            trn(
                "{count} token of context would leave {left}",
                "{count:,} tokens of context would leave {left}",
                largest,
                left=left,
            )
            if margin
            else trn("{count} token of context would fit", "{count:,} tokens of context would fit", largest)
        )
        yield Remedy("context", changed, says)


def can_be_kept_as(header: Header, kind: str) -> bool:
    """Whether the engine takes this type for the caches of this model: heads have to be made of whole blocks.

    Source: `llama_init_from_model` of llama.cpp's src/llama-context.cpp.
    """
    if kind not in QUANTIZED_KV_TYPES:
        return True
    heads = header.get_ints("attention.head_count", header.block_count, 0)
    lengths = {header.get_int("embedding_length", 0) // most if (most := max(heads, default=0)) > 0 else 0}
    told = {header.get_int(f"attention.{part}_length", 0) for part in ("key", "value")}
    return all(length > 0 and length % _KV_BLOCK == 0 for length in (told if all(told) else told - {0} | lengths))
