"""From figures to words: does it fit, how tightly, and what would."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.fit.estimate import CONTEXT_STEP, estimate
from nodetool_xl_desktop.fit.memory import MARGIN, HostMemory, MemoryUse
from nodetool_xl_desktop.fit.options import LoadOptions, largest_context_length
from nodetool_xl_desktop.gguf import Header

#: A chat with less is over after a few turns: a smaller model is the better advice then.
USEFUL_CONTEXT_LENGTH = 1024


class Verdict(StrEnum):
    """The field's words, the same on every surface of the program."""

    FITS = "Fits"
    TIGHT = "Tight"
    WONT_FIT = "Won't fit"


def judge(need: MemoryUse, host: HostMemory, margin: int = MARGIN) -> Verdict:
    """Fits leaves the margin free, Tight less than that, Won't fit asks for more than is free."""
    left = host.free - need.total
    if left < 0:
        return Verdict.WONT_FIT
    return Verdict.FITS if left >= margin else Verdict.TIGHT


def largest_context(header: Header, options: LoadOptions, host: HostMemory, margin: int = 0) -> int:
    """The largest context that leaves `margin` bytes free, in tokens and at most what can be asked for.

    A bisection over the estimate (some twenty calls, well below a millisecond). 0 where not even the smallest
    context fits.
    """
    ceiling = largest_context_length(header.context_length_max)

    def fits(context_length: int) -> bool:
        need = estimate(header, replace(options, context_length=context_length))
        return need.total + margin <= host.free

    if fits(ceiling):
        return ceiling
    low, high = 0, -(-ceiling // CONTEXT_STEP)  # in steps: low fits (or is nothing), high does not
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle * CONTEXT_STEP) else (low, middle)
    return low * CONTEXT_STEP


def advise(header: Header, options: LoadOptions, host: HostMemory, margin: int = MARGIN) -> str:
    """One sentence with numbers: what the verdict means here, or what to change."""
    need = estimate(header, options)
    verdict = judge(need, host, margin)
    if verdict is Verdict.FITS:
        return f"It takes {units.memory(need.total)} and leaves {units.memory(host.free - need.total)} free."
    roomy = largest_context(header, options, host, margin)
    if verdict is Verdict.TIGHT:
        left = units.memory(host.free - need.total)
        if 0 < roomy < options.context_length:
            return f"It leaves only {left} free; {units.tokens(roomy)} of context would leave {units.memory(margin)}."
        return f"It leaves only {left} free: close other programs to give it room."
    largest = largest_context(header, options, host)
    short = f"It needs {units.memory(need.total)}, and {units.memory(host.free)} is free"
    if largest >= min(USEFUL_CONTEXT_LENGTH, options.context_length):
        return f"{short}; {units.tokens(largest)} of context would fit."
    return f"{short}: choose a smaller quantization or model, or close other programs."
