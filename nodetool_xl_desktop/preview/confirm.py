"""The second voice: the engine's own word on a load that was estimated, and whether the two agree."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from nodetool_xl_desktop.core.units import MIB
from nodetool_xl_desktop.engine.dry_run import Plan
from nodetool_xl_desktop.engine.errors import EngineError
from nodetool_xl_desktop.fit.memory import Device, MemoryUse, Needs
from nodetool_xl_desktop.fit.options import LoadOptions
from nodetool_xl_desktop.fit.solver import needs
from nodetool_xl_desktop.gguf import Header

#: The engine confirms an estimate that is as near to its own plan, of each memory: the larger of the two counts.
SAME_WITHIN_SHARE = 0.01
SAME_WITHIN_BYTES = 16 * MIB

#: Has the engine plan a load: `engine.dry_run.DryRuns.plan`.
Planner = Callable[[Path, LoadOptions], Awaitable[Plan]]


@dataclass(frozen=True, slots=True)
class Word:
    """What the engine says of one load.

    Attributes:
        header: of the model.
        options: how it would be loaded.
        plan: what it would take; None where the engine cannot plan it.
        why_not: the reason of that.
        projector: of the one that the options load beside the model.
    """

    header: Header
    options: LoadOptions
    plan: Plan | None = None
    why_not: str = ""
    projector: Header | None = None

    def is_on(self, header: Header, options: LoadOptions) -> bool:
        """Whether it is about this load."""
        return self.header is header and self.options == options

    def needs(self, devices: Sequence[Device]) -> Needs | None:
        """What the load takes of these devices; one that the engine names beside them follows. None without a plan.

        The engine tells whole MiB, rounded down: where the estimate is one of those that it means, that is more exact.
        """
        if self.plan is None:
            return None
        said = self._said(self.plan, devices)
        meant = needs(self.header, self.options, said.only_devices, self.projector)
        uses = [_refined(use, of, 1) for use, of in zip(_uses(said), _uses(meant), strict=True)]
        host = _refined(said.host, meant.host, len(self.plan.host_rows))
        return Needs(host, tuple(zip(said.only_devices, uses, strict=True)))

    def confirms(self, devices: Sequence[Device]) -> bool:
        """Whether the estimate says the same, as near as a person cares."""
        if self.plan is None:
            return False
        said = self._said(self.plan, devices)
        estimated = needs(self.header, self.options, said.only_devices, self.projector)
        pairs = [(said.host, estimated.host), *zip(_uses(said), _uses(estimated), strict=True)]
        return all(_is_same(one.total, other.total) for one, other in pairs)

    @staticmethod
    def _said(plan: Plan, devices: Sequence[Device]) -> Needs:
        said = plan.needs(devices)
        uses = {device.name: use for device, use in said.devices}
        known = {device.name for device in devices}
        return Needs(
            said.host,
            (
                *((device, uses.get(device.name, MemoryUse())) for device in devices),
                *((device, use) for device, use in said.devices if device.name not in known),
            ),
        )


async def ask(header: Header, options: LoadOptions, plan: Planner, projector: Header | None = None) -> Word:
    """Have the engine plan a load; a plan that it cannot make is a word as well."""
    try:
        return Word(header, options, await plan(header.files[0].absolute(), options), projector=projector)
    except EngineError as error:
        return Word(header, options, why_not=error.why or error.what, projector=projector)


def _uses(needs: Needs) -> list[MemoryUse]:
    return [use for _, use in needs.devices]


def _refined(said: MemoryUse, estimated: MemoryUse, rows: int) -> MemoryUse:
    """What was said in so many rows of whole MiB, with the parts of the estimate that round to the same."""

    def part(name: str) -> int:
        told: int = getattr(said, name)
        exact: int = getattr(estimated, name)
        return exact if 0 <= exact - told < rows * MIB else told

    return MemoryUse(part("model"), part("context"), part("compute"), part("projector"))


def _is_same(said: int, estimated: int) -> bool:
    return abs(said - estimated) <= max(SAME_WITHIN_BYTES, SAME_WITHIN_SHARE * said)
