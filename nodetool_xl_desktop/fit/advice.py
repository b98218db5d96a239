"""From a verdict to one sentence with numbers: what it means here, or what to change."""

from __future__ import annotations

from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.translation import tr, trn
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
        left = units.memory(short.left)
        if short.name:
            says = tr("It leaves only {left} free on {device}", left=left, device=short.name)
        else:
            says = tr("It leaves only {left} free", left=left)
        return _with(remedies, says) or tr("{sentence}: close other programs to give it room.", sentence=says)
    if verdict is Verdict.WONT_FIT:
        short = tightest(need, machine.host)
        takes, free = units.memory(short.taken), units.memory(short.free)
        if short.name:
            says = tr("It needs {needed} on {device}, and {free} is free", needed=takes, device=short.name, free=free)
        else:
            says = tr("It needs {needed}, and {free} is free", needed=takes, free=free)
        return _with(remedies, says) or tr(
            "{sentence}: choose a smaller quantization or model, or close other programs.", sentence=says
        )
    says = _fits(need, machine)
    return _with(remedies, says) or tr("{sentence}.", sentence=says)


def _with(remedies: tuple[Remedy, ...], says: str) -> str:
    """What is said, and the best remedy; empty where there is none."""
    return tr("{sentence}; {remedy}.", sentence=says, remedy=remedies[0].says) if remedies else ""


def _fits(need: Needs, machine: Machine) -> str:
    """What a load takes that fits."""
    memories = taken(need, machine.host)
    left = units.memory(min(memory.left for memory in memories))
    on, host = sum(need.layers_on), units.memory(need.host.total)
    if len(memories) == 1 and not on:
        return tr("It takes {taken} and leaves {left} free", taken=units.memory(memories[0].taken), left=left)
    used = [(device.name, use.total) for device, use in need.devices if use.total]
    parts = [tr("{size} of {device}", size=units.memory(size), device=name) for name, size in used]
    if len(used) > 2:  # the bars, or the table, have each of them
        size = units.memory(sum(size for _, size in used))
        parts = [trn("{size} of {count} device", "{size} of {count} devices", len(used), size=size)]
    of_devices = ", ".join(parts)
    if on == need.layers:
        return _all_on_devices(of_devices, host, left)
    if on:
        layers = trn("{on} of {count} layer", "{on} of {count} layers", need.layers, on=on)
        if of_devices:
            return tr(
                "It takes {devices} and {host} of memory, with {layers} on the GPU",
                devices=of_devices,
                host=host,
                layers=layers,
            )
        return tr("It takes {host} of memory, with {layers} on the GPU", host=host, layers=layers)
    if of_devices:
        return tr("It takes {devices} and {host} of memory, with no layer on the GPU", devices=of_devices, host=host)
    return tr("It takes {host} of memory, with no layer on the GPU", host=host)


def _all_on_devices(of_devices: str, host: str, left: str) -> str:
    if of_devices:
        return tr(
            "It takes {devices} and {host} of memory, and leaves at least {left} free of each",
            devices=of_devices,
            host=host,
            left=left,
        )
    return tr("It takes {host} of memory, and leaves at least {left} free of each", host=host, left=left)
