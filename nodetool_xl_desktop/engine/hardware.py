"""What this machine has, looked up without starting a driver: memory, cores, and which graphics stacks are installed.

A broken driver can take a process down, so nothing here loads one; what the engine itself sees is asked in a child
(`engine_devices`).
"""

from __future__ import annotations

import ctypes.util
import platform
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from nodetool_xl_desktop.engine.child import Child, worker_command
from nodetool_xl_desktop.engine.errors import EngineError, Fault
from nodetool_xl_desktop.engine.log import diagnose
from nodetool_xl_desktop.fit.memory import HostMemory

#: A control group without a limit says "max", or (version 1) a number near 2**63.
_CGROUP_LIMITS = (
    (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")),
    (
        Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
        Path("/sys/fs/cgroup/memory/memory.usage_in_bytes"),
    ),
)


@dataclass(frozen=True, slots=True)
class Hardware:
    """What decides which engine fits.

    Attributes:
        system: "Linux", "Windows" or "Darwin".
        cuda: the highest CUDA version that the NVIDIA driver says it can run, None without a driver.
        rocm: the version of the installed ROCm, None without.
        vulkan: whether a Vulkan loader is there with a graphics card to drive.
        glibc: the C library's version on Linux, None elsewhere.
    """

    system: str
    cuda: tuple[int, int] | None = None
    rocm: tuple[int, int] | None = None
    vulkan: bool = False
    glibc: tuple[int, int] | None = None


def host_memory() -> HostMemory:
    """The machine's memory now; inside a container, what the container may take."""
    memory = psutil.virtual_memory()
    total, free = int(memory.total), int(memory.available)
    for limit_file, used_file in _CGROUP_LIMITS:
        limit, used = _number(limit_file), _number(used_file)
        if limit is not None and used is not None and limit < total:
            return HostMemory(limit, max(0, min(free, limit - used)))
    return HostMemory(total, free)


def physical_cores() -> int | None:
    """Cores without hyper-threads, or None where the system does not say."""
    cores = psutil.cpu_count(logical=False)
    return int(cores) if cores else None


def look() -> Hardware:
    """What this machine has."""
    system = platform.system()
    if system == "Darwin":
        return Hardware(system)
    graphics = system == "Windows" or any(Path("/dev/dri").glob("renderD*"))
    loader = ctypes.util.find_library("vulkan-1" if system == "Windows" else "vulkan")
    return Hardware(
        system=system,
        cuda=_cuda_version(system),
        rocm=_version(_text(Path("/opt/rocm/.info/version"))),
        vulkan=graphics and loader is not None,
        glibc=_version(platform.libc_ver()[1]) if system == "Linux" else None,
    )


async def engine_devices() -> list[dict[str, Any]]:
    """The devices as the engine sees them, asked in a throw-away child.

    Raises:
        EngineError: no engine is installed, or it does not start.
    """
    what = "The engine does not start"
    child = await Child.start({"do": "devices"}, worker_command())
    try:
        answer = await child.answer()
    finally:
        child.kill()
        status = await child.wait()
    if answer is None:
        raise diagnose(what, child.log.tail, status)
    if "error" in answer:
        missing = "No module named" in answer["text"]
        raise EngineError(
            Fault.ENGINE_MISSING if missing else Fault.LIBRARY_MISSING,
            "No engine is installed" if missing else what,
            "" if missing else answer["text"],
            "Install the one that fits this machine." if missing else "Install the library that it names.",
            child.log.tail,
        )
    devices: list[dict[str, Any]] = answer["devices"]
    return devices


def _cuda_version(system: str) -> tuple[int, int] | None:
    """The CUDA version of the installed NVIDIA driver, from its major version.

    NVIDIA's release notes: drivers of the 570 branch run CUDA 12.8, of 580 13.0, of 595 13.2.
    """
    if system == "Windows":
        return (12, 8) if ctypes.util.find_library("nvcuda") else None
    driver = re.search(r"Kernel Module\s+(?:for \S+\s+)?(\d+)\.", _text(Path("/proc/driver/nvidia/version")))
    if driver is None:
        return None
    major = int(driver[1])
    return next((cuda for least, cuda in ((595, (13, 2)), (580, (13, 0)), (570, (12, 8))) if major >= least), (12, 0))


def _version(text: str) -> tuple[int, int] | None:
    match = re.search(r"(\d+)\.(\d+)", text)
    return (int(match[1]), int(match[2])) if match else None


def _number(file: Path) -> int | None:
    text = _text(file).strip()
    return int(text) if text.isdigit() else None


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def python() -> str:
    """The interpreter that a pip command must name to reach this installation."""
    return sys.executable
