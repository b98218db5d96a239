"""The half of `fit --exact` that starts the engine: apart, so that an estimate does not wait for its modules."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

from nodetool_xl_desktop.engine import dry_run
from nodetool_xl_desktop.engine.dry_run import Plan
from nodetool_xl_desktop.engine.hardware import engine_devices, host_memory
from nodetool_xl_desktop.engine.offload import decide
from nodetool_xl_desktop.fit.memory import Device
from nodetool_xl_desktop.fit.options import LoadOptions
from nodetool_xl_desktop.preview.report import FitReport, Preview

#: Has the engine plan a load of one model.
Planner = Callable[[LoadOptions], Awaitable[Plan]]


def plan_of_file(path: Path) -> Planner:
    """Plans for a file of this disk."""
    return lambda options: dry_run.plan(path, options)


async def planned(preview: Preview, options: LoadOptions, is_open: bool, margin: int, plan: Planner) -> FitReport:
    """The report with the engine's own figures.

    Args:
        preview: of the model.
        options: how it would be loaded.
        is_open: whether its GPU layers are still to be found.
        margin: what should stay free of each memory, in bytes.
        plan: has the engine plan it.

    Raises:
        EngineError: there is no engine, or it refuses to plan this.
    """
    found, there = None, await engine_devices()
    if is_open:
        found = await decide(preview.header, options, there, plan, margin)
        options = replace(options, gpu_layers=found.gpu_layers)
    answer = (found and found.plan) or await plan(options)
    needs = answer.needs(list(map(Device.of, there)))
    return preview.report(options, host_memory(), margin=margin, planned=needs)
