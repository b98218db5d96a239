"""Which build of the engine fits which machine, and the command that installs it.

xllamacpp is published for CPU and Metal on the ordinary package index and for graphics cards on indexes of its own
(its README, "Installation", release 2026.10; the `cu124` of older texts is gone).
"""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.engine.engines import Engines

if TYPE_CHECKING:
    from nodetool_xl_desktop.engine.hardware import Hardware  # which starts children, which look here

WHEEL_INDEX = "https://xorbitsai.github.io/xllamacpp/whl"
#: CUDA and ROCm builds need this C library.
LEAST_GLIBC = (2, 35)


@dataclass(frozen=True, slots=True)
class Wheel:
    """One build of the engine.

    Attributes:
        build: its folder below the wheel index; empty for the ordinary package index.
        title: what it runs on.
        why: why it is the one for this machine, a short clause.
    """

    build: str
    title: str
    why: str

    @property
    def index(self) -> str:
        """The address of the wheels of this build; empty for the ordinary package index."""
        return f"{WHEEL_INDEX}/{self.build}" if self.build else ""

    @property
    def command(self) -> str:
        """The line to type. It replaces an engine that is there. What is frozen into one executable has no pip."""
        if getattr(sys, "frozen", False):
            if not self.build:
                return tr("The engine that is built in is the right one.")
            return tr("In the window: Settings, Engine, Install from Address: {address}", address=self.index)
        program = f'"{sys.executable}"' if " " in sys.executable else sys.executable  # pip must reach this installation
        if not self.build:
            return f"{program} -m pip install --upgrade xllamacpp"
        return f"{program} -m pip install --force-reinstall xllamacpp --index-url {WHEEL_INDEX}/{self.build}"


def is_built_in() -> bool:
    """Whether the program has an engine of its own, without importing it. It reads the disk."""
    return importlib.util.find_spec("xllamacpp") is not None


def is_installed(engines: Path) -> bool:
    """Whether an engine is there: the program's own, or one that was chosen. It reads the disk.

    Args:
        engines: `Paths.engines`.
    """
    if is_built_in():
        return True
    try:
        return Engines(engines).chosen() is not None
    except UserFacingError:
        return False


def recommend(hardware: Hardware) -> Wheel:
    """The build that fits this machine best and will start on it."""
    old_libc = hardware.glibc is not None and hardware.glibc < LEAST_GLIBC
    if hardware.system == "Darwin":
        return Wheel("", tr("Apple Metal and CPU"), tr("macOS builds use the graphics processor by themselves"))
    if hardware.cuda and hardware.cuda >= (12, 8) and not old_libc:
        build = "cu132" if hardware.cuda >= (13, 2) else "cu128"
        return Wheel(build, "NVIDIA CUDA", tr("an NVIDIA driver is installed"))
    if hardware.rocm and not old_libc:
        build = "rocm-7.2.4" if hardware.rocm >= (7, 0) else "rocm-6.4.1"
        return Wheel(build, "AMD ROCm", tr("ROCm is installed"))
    if hardware.vulkan:
        return Wheel("vulkan", tr("Vulkan (AMD, Intel, NVIDIA)"), tr("a graphics card with Vulkan is there"))
    if hardware.cuda or hardware.rocm:
        if old_libc:
            why = tr("the graphics card would need glibc 2.35")
        else:
            why = tr("the graphics card would need a newer driver")
        return Wheel("", "CPU", why)
    return Wheel("", "CPU", tr("no graphics card that the engine could use was found"))
