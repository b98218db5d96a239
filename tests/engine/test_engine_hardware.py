"""What is looked up of the machine."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import processes
import psutil
import pytest

from nodetool_xl_desktop.core.units import GIB
from nodetool_xl_desktop.engine import hardware
from nodetool_xl_desktop.fit.memory import HostMemory


def group(folder: Path, limit: str, used: int, stat: str = "", version: int = 2) -> Path:
    """A control group as the kernel shows it."""
    home = folder if version == 2 else folder / "memory"
    home.mkdir(exist_ok=True)
    names = ("memory.max", "memory.current") if version == 2 else ("memory.limit_in_bytes", "memory.usage_in_bytes")
    (home / names[0]).write_text(f"{limit}\n")
    (home / names[1]).write_text(f"{used}\n")
    (home / "memory.stat").write_text(stat)
    return folder


def test_the_memory_of_this_machine_is_plausible() -> None:
    memory = hardware.host_memory()
    assert 0 < memory.free <= memory.total <= psutil.virtual_memory().total
    assert memory.total > GIB // 2
    assert memory.others == memory.total - memory.free


@pytest.mark.parametrize("version", [1, 2])
def test_in_a_container_its_limit_counts(tmp_path: Path, version: int) -> None:
    found = hardware.host_memory(group(tmp_path, str(GIB // 4), GIB // 8, version=version))
    assert found == HostMemory(GIB // 4, GIB // 8)


@pytest.mark.parametrize("version", [1, 2])
def test_files_that_a_container_keeps_in_memory_count_as_free(tmp_path: Path, version: int) -> None:
    """A model that was read is such a file: else it would not fit a second time."""
    kept = f"anon 1000\nfile 9999999\ninactive_file {GIB // 16}\nactive_file {GIB // 32}\ntotal_active_file 5\n"
    found = hardware.host_memory(group(tmp_path, str(GIB // 4), GIB // 8, kept, version))
    assert found == HostMemory(GIB // 4, GIB // 4 - GIB // 8 + GIB // 16 + GIB // 32)


def test_a_container_that_is_full_has_nothing_free(tmp_path: Path) -> None:
    assert hardware.host_memory(group(tmp_path, str(GIB // 4), GIB)) == HostMemory(GIB // 4, 0)


@pytest.mark.parametrize("limit", ["max", str(2**63 - 4096), "", "nonsense"])
@pytest.mark.parametrize("version", [1, 2])
def test_a_container_without_a_limit_is_the_machine(tmp_path: Path, limit: str, version: int) -> None:
    found = hardware.host_memory(group(tmp_path, limit, 0, version=version))
    assert found.total == psutil.virtual_memory().total


def test_no_control_group_is_the_machine(tmp_path: Path) -> None:
    assert hardware.host_memory(tmp_path / "none").total == psutil.virtual_memory().total


def test_memory_that_comes_back_is_free_again_but_never_more_than_all() -> None:
    memory = HostMemory(total=100, free=30)
    assert memory.with_returned(20) == HostMemory(100, 50)
    assert memory.with_returned(200) == HostMemory(100, 100)


def test_the_look_at_the_machine_starts_nothing_and_says_what_it_is() -> None:
    found = hardware.look()
    assert found.system == os.uname().sysname
    assert not processes.children()
    if found.system == "Linux":
        assert found.glibc is None or found.glibc >= (2, 17)
    cores = hardware.physical_cores()
    assert cores is None or 1 <= cores <= (os.cpu_count() or 1)


async def test_who_is_cancelled_waits_for_the_programs_that_find_a_library() -> None:
    looking = asyncio.create_task(hardware.looked())
    await asyncio.sleep(0.005)  # the first of them is at work
    looking.cancel()
    await asyncio.wait([looking])
    for _ in range(50):  # nor does it start another one
        assert not processes.children()
        await asyncio.sleep(0.005)


async def test_the_engine_names_its_devices_in_a_child_that_is_gone_afterwards() -> None:
    devices = await hardware.engine_devices()
    assert not processes.children()
    assert "cpu" in [device["kind"] for device in devices]
    for device in devices:
        assert device["name"]
        assert device["description"]
        assert device["total"] >= device["free"] >= 0


async def test_devices_are_what_layers_can_be_put_onto() -> None:
    """Where no graphics stack is installed there is none, and no engine is started to say so."""
    devices = await hardware.devices()
    assert all(device.kind != "cpu" for device in devices)
    assert hardware.look().has_graphics or not devices
    assert not processes.children()
