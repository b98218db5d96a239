"""How many layers go onto the graphics cards when nobody named a number: as many as the engine's own plan leaves room
for.

The engine can fit a load by itself, but does nothing through xllamacpp; and its figures decide here all the same: each
candidate is a dry run (0.2 to 0.6 s), found by bisection, so that six or seven of them do for a model of 33 layers.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.translation import in_a_row, tr, trn
from nodetool_xl_desktop.engine.dry_run import DevicePlan, Plan
from nodetool_xl_desktop.engine.errors import EngineError
from nodetool_xl_desktop.fit.memory import MARGIN
from nodetool_xl_desktop.fit.options import LoadOptions
from nodetool_xl_desktop.gguf import Header

#: The kinds of `hardware.engine_devices` that hold layers.
GRAPHICS = ("gpu", "igpu")


@dataclass(frozen=True, slots=True)
class Offload:
    """How many layers go onto the graphics cards, and why.

    Attributes:
        gpu_layers: for `LoadOptions`; the output layer counts as one.
        why: one sentence with numbers, for a person.
        plan: what the engine plans for so many; None where nothing was planned.
    """

    gpu_layers: int
    why: str
    plan: Plan | None = None


async def decide(
    header: Header,
    options: LoadOptions,
    devices: Sequence[Mapping[str, Any]],
    dry_run: Callable[[LoadOptions], Awaitable[Plan]],
    margin: int = MARGIN,
    held: Mapping[str, int] | None = None,
) -> Offload:
    """Find the most layers with which every graphics card keeps the margin free.

    Args:
        header: the model's.
        options: of the load; `gpu_layers` is what is looked for.
        devices: what the engine sees, as `hardware.engine_devices`.
        dry_run: has the engine plan a load of this model. A plan that fails counts as one that does not fit.
        margin: what each card has to keep free, in bytes.
        held: what our own children hold of each card, in bytes by the engine's name of it. It counts also where the
            driver does not see it.
    """
    cards = {device["name"]: str(device["description"]) for device in devices if device["kind"] in GRAPHICS}
    if not cards:
        return Offload(0, tr("No layers on a graphics card: the engine sees none."))
    search = _Search(options, dry_run, _Room(cards, margin, held or {}))
    most = header.block_count + 1
    if await search.fits(most):
        return search.found(most, most)
    if search.plans[most] is None and not await search.fits(0) and search.plans[0] is None:
        return Offload(
            0, tr("No layers on a graphics card, as no load can be planned: {why_not}.", why_not=search.why_not)
        )
    low, high = 0, most  # low fits, or is nothing; high does not
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if await search.fits(middle) else (low, middle)
    if low == 0:
        await search.fits(0)  # the load that it will be is planned as well
    return search.found(low, most)


@dataclass(frozen=True, slots=True)
class _Room:
    """The graphics cards and what they have left.

    Attributes:
        cards: what each is called, by the engine's name of it.
        margin: what each has to keep free, in bytes.
        held: what our own children hold of each, in bytes.
    """

    cards: Mapping[str, str]
    margin: int
    held: Mapping[str, int]

    def free(self, device: DevicePlan) -> int:
        """What a load could take, in bytes.

        Some drivers tell what is free, others always all that there is: what our children hold is gone either way, but
        is taken off only once.
        """
        return max(0, min(device.free, device.total - self.held.get(device.name, 0)))

    def fits(self, plan: Plan) -> bool:
        """Whether each card that the plan uses keeps the margin."""
        return all(self.free(device) - device.taken >= self.margin for device in plan.devices if device.taken)

    def told(self, device: DevicePlan) -> str:
        """Such as "7.10 GiB of the 8.00 GiB free on NVIDIA A2, 922 MiB is left"."""
        free = self.free(device)
        taken, left = units.memory(device.taken), units.memory(free - device.taken)
        return tr(
            "{taken} of the {free} free on {device}, {left} is left",
            taken=taken,
            free=units.memory(free),
            device=self.name(device),
            left=left,
        )

    def name(self, device: DevicePlan) -> str:
        """What a person calls it."""
        return self.cards.get(device.name, device.description)


class _Search:
    """The candidates that were planned."""

    def __init__(self, options: LoadOptions, dry_run: Callable[[LoadOptions], Awaitable[Plan]], room: _Room) -> None:
        self._options = options
        self._dry_run = dry_run
        self._room = room
        self.plans: dict[int, Plan | None] = {}
        self.why_not = ""

    async def fits(self, layers: int) -> bool:
        """Whether so many layers leave the margin on each card; planned once."""
        if layers not in self.plans:
            try:
                self.plans[layers] = await self._dry_run(replace(self._options, gpu_layers=layers))
            except EngineError as error:
                self.plans[layers] = None
                self.why_not = error.why or error.what
        plan = self.plans[layers]
        return plan is not None and self._room.fits(plan)

    def found(self, layers: int, most: int) -> Offload:
        """The end of the search, with its reason."""
        plan = self.plans.get(layers)
        used = [device for device in plan.devices if device.taken] if plan is not None else []
        if layers == 0:
            return Offload(
                0, trn("0 of {count} layer: {why}.", "0 of {count} layers: {why}.", most, why=self._why_none()), plan
            )
        if not used:
            why = tr("the engine would put nothing on {cards}", cards=in_a_row(self._room.cards.values()))
            return Offload(0, trn("0 of {count} layer: {why}.", "0 of {count} layers: {why}.", most, why=why), plan)
        told = "; ".join(map(self._room.told, used))
        if layers == most:
            return Offload(
                layers, trn("All {count} layer: {where}.", "All {count} layers: {where}.", most, where=told), plan
            )
        says = trn("{on} of {count} layer: {where}.", "{on} of {count} layers: {where}.", most, on=layers, where=told)
        return Offload(layers, says, plan)

    def _why_none(self) -> str:
        """Why not even one layer goes onto a card: what one would need, where it was planned."""
        one = self.plans.get(1)
        short = [each for each in (one.devices if one else ()) if self._short(each)]
        if not short:
            return self.why_not or tr("not even one leaves enough room on the graphics cards")
        return "; ".join(
            tr(
                "one would take {taken} of the {free} free on {device}, and {margin} has to stay free",
                taken=units.memory(each.taken),
                free=units.memory(self._room.free(each)),
                device=self._room.name(each),
                margin=units.memory(self._room.margin),
            )
            for each in short
        )

    def _short(self, device: DevicePlan) -> bool:
        return bool(device.taken) and self._room.free(device) - device.taken < self._room.margin
