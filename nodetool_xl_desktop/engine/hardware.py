"""What this machine has, looked up without starting a driver: memory, cores, and which graphics stacks are installed.

A broken driver can take a process down, so nothing here loads one; what the engine itself sees is asked in a child
(`engine_devices`).
"""

from __future__ import annotations

import asyncio
import ctypes.util
import platform
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from nodetool_xl_desktop.core.threads import to_its_end
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.engine.child import Child, worker_command
from nodetool_xl_desktop.engine.errors import EngineError, Fault
from nodetool_xl_desktop.engine.log import diagnose
from nodetool_xl_desktop.fit.memory import Device, HostMemory

CONTROL_GROUP = Path("/sys/fs/cgroup")
#: Limit and use of a control group, version 2 and 1. Without a limit it says "max", or a number near 2**63.
_GROUP_FILES = (
    ("memory.max", "memory.current"),
    ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
)
#: What of that use are caches of files, which the kernel drops when the memory is wanted.
_GROUP_CACHE = re.compile(r"^(?:in)?active_file (\d+)$", re.MULTILINE)
#: A driver that hangs must not hang the question with it.
DEVICES_WITHIN_S = 60.0


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

    @property
    def has_graphics(self) -> bool:
        """Whether an engine could find a graphics card here."""
        return self.system == "Darwin" or bool(self.cuda or self.rocm or self.vulkan)


def host_memory(group: Path = CONTROL_GROUP) -> HostMemory:
    """The machine's memory now; inside a container, what the container may take.

    Args:
        group: where the control group of a container is mounted.
    """
    memory = psutil.virtual_memory()
    total, free = int(memory.total), int(memory.available)
    for limit_file, used_file in _GROUP_FILES:
        limit, used = _number(group / limit_file), _number(group / used_file)
        if limit is not None and used is not None and limit < total:
            cached = sum(map(int, _GROUP_CACHE.findall(_text((group / used_file).with_name("memory.stat")))))
            return HostMemory(limit, max(0, min(free, limit - max(0, used - cached))))
    return HostMemory(total, free)


def physical_cores() -> int | None:
    """Cores without hyper-threads, or None where the system does not say."""
    cores = psutil.cpu_count(logical=False)
    return int(cores) if cores else None


def look() -> Hardware:
    """What this machine has. Blocks: finding a library starts programs."""
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


async def looked() -> Hardware:
    """The same, for who has a loop. Who is cancelled waits for the programs that it started."""
    return await to_its_end(look)


async def engine_devices() -> list[dict[str, Any]]:
    """The devices as the engine sees them, asked in a throw-away child.

    Raises:
        EngineError: no engine is installed, or it does not start.
    """
    what = tr("The engine does not start")
    try:
        child = await Child.start({"do": "devices"}, worker_command())
    except OSError as error:
        raise EngineError.of_start(what, error) from error
    try:
        async with asyncio.timeout(DEVICES_WITHIN_S):
            answer = await child.answer()
    except TimeoutError as error:
        why = tr("it did not name its devices within {devices_within_s:.0f} s", devices_within_s=DEVICES_WITHIN_S)
        hint = tr("Look at the driver of the graphics card, then try again.")
        raise EngineError(Fault.UNKNOWN, what, why, hint, child.log.tail) from error
    finally:
        await child.end()
    if answer is None or "error" in answer:
        if answer is not None and answer["error"] == "import":
            raise EngineError.of_import(what, answer, child.log.tail)
        raise diagnose(what, child.log.tail, child.own_exit_status)
    devices: list[dict[str, Any]] = answer["devices"]
    return devices


async def devices() -> tuple[Device, ...]:
    """What layers can be put onto beside the processor, with what is free of it now.

    None where no graphics stack is installed; then no child is started for it either.

    Raises:
        EngineError: as `engine_devices`.
    """
    if not (await looked()).has_graphics:
        return ()
    return tuple(Device.of(told) for told in await engine_devices() if told["kind"] != "cpu")


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
