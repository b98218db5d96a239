"""Devices as `fit --device` takes them: a machine that is not this one, in words."""

from __future__ import annotations

import math
import re

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.core.units import GIB
from nodetool_xl_desktop.fit.memory import Device

FORM = "NAME:FREE_GIB[:TOTAL_GIB]"
#: No card comes near it.
_MOST_GIB = 1_000_000
_NAME = re.compile(r"[^\s:][^:]{0,63}")
_NOT_REPORTED = "?"


def planned_device(said: str) -> Device:
    """A device from `NAME:FREE_GIB[:TOTAL_GIB]`, such as "CUDA0:22.5:24"; "?" for memory that it does not report.

    Raises:
        ValueError: it is not of that form; the message says in what.
    """
    name, *sizes = said.split(":")
    if not 1 <= len(sizes) <= 2:
        raise ValueError(tr("{said!r} is not of the form {form}", said=said, form=FORM))
    if not (_NAME.fullmatch(name) and name.isprintable()):
        raise ValueError(tr("{name!r} is no name of a device", name=name))
    free = None if sizes[0] == _NOT_REPORTED else gibibytes(sizes[0])
    total = gibibytes(sizes[1]) if len(sizes) > 1 else free
    if free is not None and total is not None and free > total:
        raise ValueError(tr("{said!r} has more free than there is in all", said=said))
    return Device(name, "gpu", free, total)


def gibibytes(said: str) -> int:
    """A number of GiB in bytes.

    Raises:
        ValueError: it is no such number.
    """
    try:
        number = float(said)
    except ValueError:
        raise ValueError(tr("{said!r} is not a number of GiB", said=said)) from None
    if not (math.isfinite(number) and 0 <= number <= _MOST_GIB):
        raise ValueError(tr("{said} is not between 0 and {most:,} GiB", said=said, most=_MOST_GIB))
    return round(number * GIB)
