"""What a person calls a device: the engine's "CUDA0" is the maker's "NVIDIA GeForce RTX 4070", in short "RTX 4070"."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from nodetool_xl_desktop.fit.memory import Device

#: Words of makers that do not tell one card from another.
_NOISE = re.compile(r"\b(?:NVIDIA|GeForce|AMD|Advanced Micro Devices,? Inc\.?|Intel|Corporation|Graphics)\b|\([^)]*\)")


def titles(devices: Sequence[Device]) -> tuple[str, ...]:
    """A short name for each; where several are alike, the engine's name tells them apart."""
    short = [_short(device) or device.name for device in devices]
    often = Counter(short)
    return tuple(
        f"{device.name} · {name}" if often[name] > 1 and name != device.name else name
        for device, name in zip(devices, short, strict=True)
    )


def in_words(text: str, devices: Sequence[Device]) -> str:
    """The text with the engine's names of devices in place of which people's stand; alike ones keep the engine's."""
    short = [_short(device) for device in devices]
    often = Counter(short)
    for device, name in zip(devices, short, strict=True):
        if name and often[name] == 1:
            text = name.join(re.split(rf"\b{re.escape(device.name)}\b", text))
    return text


def _short(device: Device) -> str:
    return " ".join(_NOISE.sub(" ", device.description).split())
