"""From a verdict to one sentence with numbers: what it means here, or what to change."""

from __future__ import annotations

from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.fit.memory import Machine, Needs
from nodetool_xl_desktop.fit.solver import Remedy
from nodetool_xl_desktop.fit.verdict import Verdict, judge, taken, tightest


def advise(need: Needs, machine: Machine, remedies: tuple[Remedy, ...]) -> str:
    """One sentence.

    Args:
        need: what the load takes.
        machine: what there is.
        remedies: what would leave the margin free (where the verdict is Tight), or would fit (where it does not), or
            would put more onto the devices, the best first.
    """
    verdict = judge(need, machine.host, machine.margin)
    if verdict is Verdict.TIGHT:
        short = tightest(need, machine.host)
        left = f"It leaves only {units.memory(short.left)} free{_on(short.name)}"
        return f"{left}; {remedies[0].says}." if remedies else f"{left}: close other programs to give it room."
    if verdict is Verdict.WONT_FIT:
        short = tightest(need, machine.host)
        lack = f"It needs {units.memory(short.taken)}{_on(short.name)}, and {units.memory(short.free)} is free"
        if remedies:
            return f"{lack}; {remedies[0].says}."
        return f"{lack}: choose a smaller quantization or model, or close other programs."
    return f"{_fits(need, machine)}{f'; {remedies[0].says}' if remedies else ''}."


def _fits(need: Needs, machine: Machine) -> str:
    """What a load takes that fits."""
    memories = taken(need, machine.host)
    left = units.memory(min(memory.left for memory in memories))
    if len(memories) == 1 and not sum(need.layers_on):
        return f"It takes {units.memory(memories[0].taken)} and leaves {left} free"
    used = [(device.name, use.total) for device, use in need.devices if use.total]
    parts = [f"{units.memory(size)} of {name}" for name, size in used]
    if len(used) > 2:  # the bars, or the table, have each of them
        parts = [f"{units.memory(sum(size for _, size in used))} of {len(used)} devices"]
    takes = f"It takes {' and '.join([', '.join(parts)] * bool(parts) + [units.memory(need.host.total)])} of memory"
    on = sum(need.layers_on)
    if on < need.layers:
        return f"{takes}, with {f'{on} of {need.layers} layers' if on else 'no layer'} on the GPU"
    return f"{takes}, and leaves at least {left} free of each"


def _on(name: str) -> str:
    return f" on {name}" if name else ""
