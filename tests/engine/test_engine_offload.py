"""How many layers go onto a graphics card: decided by plans, with what the engine planned for a device of 2 GiB."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import scripted_worker
from model_shapes import LLAMA_8B, llama

from nodetool_xl_desktop.core.units import GIB, MIB
from nodetool_xl_desktop.engine import dry_run
from nodetool_xl_desktop.engine.dry_run import DevicePlan, HostPlan, Plan
from nodetool_xl_desktop.engine.errors import EngineError, Fault
from nodetool_xl_desktop.engine.offload import Offload, decide
from nodetool_xl_desktop.fit.memory import MemoryUse
from nodetool_xl_desktop.fit.options import LoadOptions
from nodetool_xl_desktop.gguf import Header

pytestmark = pytest.mark.usefixtures("no_process_left")

CARD = {"name": "Vulkan0", "description": "NVIDIA A2", "kind": "gpu", "free": 0, "total": 0}
PROCESSOR = {"name": "CPU", "description": "Some Processor", "kind": "cpu", "free": 0, "total": 0}
OPTIONS = LoadOptions(4096)


@pytest.fixture
def header(tmp_path: Path) -> Header:
    return llama(tmp_path / "llama.gguf", LLAMA_8B)


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "journal"


async def decided(header: Header, journal: Path, *more: int, **rest: Any) -> tuple[Offload, list[int]]:
    """What is decided over scripted children, and the layers that were planned for it."""
    command = scripted_worker.command("planned", str(journal), *map(str, more))

    async def planned(options: LoadOptions) -> Plan:
        return await dry_run.plan(header.path, options, command=command)

    found = await decide(header, OPTIONS, [PROCESSOR, CARD], planned, **rest)
    return found, layers_in(journal)


def layers_in(journal: Path) -> list[int]:
    return [int(line) for line in journal.read_text().split()]


# With children that log what the engine planned


@pytest.mark.parametrize(
    ("margin", "layers", "why"),
    [
        (0, 13, "13 of 33 layers: 1.87 GiB of the 2.00 GiB free on NVIDIA A2, 135 MiB is left."),
        (135 * MIB, 13, "13 of 33 layers: 1.87 GiB of the 2.00 GiB free on NVIDIA A2, 135 MiB is left."),
        (136 * MIB, 12, "12 of 33 layers: 1.72 GiB of the 2.00 GiB free on NVIDIA A2, 283 MiB is left."),
        (580 * MIB, 10, "10 of 33 layers: 1.43 GiB of the 2.00 GiB free on NVIDIA A2, 580 MiB is left."),
        (GIB, 7, "7 of 33 layers: 1022 MiB of the 2.00 GiB free on NVIDIA A2, 1.00 GiB is left."),
    ],
)
async def test_the_most_layers_that_leave_the_margin(
    header: Header, journal: Path, margin: int, layers: int, why: str
) -> None:
    found, planned = await decided(header, journal, margin=margin)
    assert (found.gpu_layers, found.why) == (layers, why)
    assert planned[0] == 33
    assert layers in planned  # the end is confirmed
    assert len(planned) <= 7
    assert found.plan is not None
    assert found.plan.devices[0].taken == scripted_worker.interpolated(layers) * MIB


async def test_what_others_hold_is_not_free(header: Header, journal: Path) -> None:
    found, _ = await decided(header, journal, 1200, margin=0)
    assert found.gpu_layers == 8
    assert "1.14 GiB of the 1.17 GiB free" in found.why


@pytest.mark.parametrize(
    ("free_mib", "held_mib", "layers"),
    [
        (2048, 283, 12),  # the driver does not see what our children hold
        (1765, 283, 12),  # it does, and it is not taken off twice
        (1468, 283, 10),  # others hold some, too
        (2048, 4000, 0),
    ],
)
async def test_what_our_own_children_hold_is_taken_off_once(
    header: Header, journal: Path, free_mib: int, held_mib: int, layers: int
) -> None:
    held = {"Vulkan0": held_mib * MIB, "Vulkan1": 10 * GIB}
    assert (await decided(header, journal, free_mib, margin=0, held=held))[0].gpu_layers == layers


async def test_not_one_layer(header: Header, journal: Path) -> None:
    found, planned = await decided(header, journal, 1100)
    assert found.gpu_layers == 0
    assert found.why == (
        "0 of 33 layers: one would take 144 MiB of the 1.07 GiB free on NVIDIA A2, and 1.00 GiB has to stay free."
    )
    assert found.plan is not None
    assert 0 in planned  # as that is the load it will be


async def test_a_plan_that_fails_is_one_that_does_not_fit(header: Header, journal: Path) -> None:
    found, planned = await decided(header, journal, 2048, 9, margin=0)
    assert found.gpu_layers == 9
    assert planned[:2] == [33, 0]


async def test_no_plan_with_any_layer(header: Header, journal: Path) -> None:
    found, planned = await decided(header, journal, 2048, 0)
    assert found.gpu_layers == 0
    assert found.plan is not None
    assert planned == [33, 0, 16, 8, 4, 2, 1]
    assert found.why == "0 of 33 layers: it aborted itself (signal 6)."


async def test_no_plan_at_all(header: Header, journal: Path) -> None:
    found, planned = await decided(header, journal, 2048, -1)
    assert planned == [33, 0]  # and no more of them: no number of layers can help
    assert (found.gpu_layers, found.plan) == (0, None)
    assert "it aborted itself (signal 6)." in found.why


# With plans that are given


def giving(*rows: Callable[[int], tuple[int, int]]) -> tuple[Callable[[LoadOptions], Awaitable[Plan]], list[int]]:
    """Plans for one device a row: of the layers, what is free and what is taken, in MiB; and what was asked."""
    asked: list[int] = []

    async def planned(options: LoadOptions) -> Plan:
        assert options.context_length == OPTIONS.context_length
        asked.append(options.gpu_layers)
        devices = []
        for number, row in enumerate(rows):
            free, taken = row(options.gpu_layers)
            devices.append(DevicePlan(f"CUDA{number}", "Card", 8 * GIB, free * MIB, taken * MIB, 0, 0))
        return Plan(tuple(devices), (HostPlan("Host", MemoryUse(MIB)),))

    return planned, asked


def cards(count: int, kind: str = "gpu") -> list[dict[str, Any]]:
    return [{**CARD, "name": f"CUDA{number}", "description": f"Card {number}", "kind": kind} for number in range(count)]


@pytest.mark.parametrize("devices", [[], [PROCESSOR], [{**CARD, "kind": "accel"}]])
async def test_without_a_graphics_card_nothing_is_asked(header: Header, devices: list[dict[str, Any]]) -> None:
    planned, asked = giving()
    found = await decide(header, OPTIONS, devices, planned)
    assert (found.gpu_layers, found.plan, asked) == (0, None, [])
    assert found.why


@pytest.mark.parametrize("kind", ["gpu", "igpu"])
async def test_all_layers_take_one_plan(header: Header, kind: str) -> None:
    planned, asked = giving(lambda layers: (8000, 100 * layers))
    found = await decide(header, OPTIONS, cards(1, kind), planned)
    assert (found.gpu_layers, asked) == (33, [33])
    assert found.why == "All 33 layers: 3.22 GiB of the 7.81 GiB free on Card 0, 4.59 GiB is left."


@pytest.mark.parametrize("fitting", range(34))
async def test_every_end_is_found(header: Header, fitting: int) -> None:
    planned, asked = giving(lambda layers: (8000, 100 + layers if layers <= fitting else 9000))
    found = await decide(header, OPTIONS, cards(1), planned)
    assert found.gpu_layers == fitting
    assert fitting in asked
    assert len(asked) == len(set(asked)) <= 7


async def test_the_margin_is_left_on_each_card(header: Header) -> None:
    planned, _ = giving(lambda layers: (8000, 50 * layers), lambda layers: (2000, 50 * layers))
    found = await decide(header, OPTIONS, cards(2), planned)
    assert found.gpu_layers == (2000 - 1024) // 50
    assert found.why == (
        "19 of 33 layers: 950 MiB of the 7.81 GiB free on Card 0, 6.88 GiB is left; "
        "950 MiB of the 1.95 GiB free on Card 1, 1.03 GiB is left."
    )


async def test_a_card_that_is_full_and_not_used_is_no_hindrance(header: Header) -> None:
    planned, _ = giving(lambda layers: (8000, 50 * layers), lambda _: (10, 0))
    found = await decide(header, OPTIONS, cards(2), planned)
    assert found.gpu_layers == 33
    assert "Card 1" not in found.why


async def test_a_card_that_the_engine_leaves_aside_gets_none(header: Header) -> None:
    planned, asked = giving()
    found = await decide(header, OPTIONS, cards(1), planned)
    assert (found.gpu_layers, asked) == (0, [33])
    assert "nothing on Card 0" in found.why


async def test_a_card_that_is_taken_even_without_layers(header: Header) -> None:
    planned, _ = giving(lambda _: (1000, 300))
    found = await decide(header, OPTIONS, cards(1), planned)
    assert found.gpu_layers == 0
    assert "300 MiB of the 1000 MiB free" in found.why


async def test_a_bug_is_no_plan_that_fails(header: Header) -> None:
    async def broken(_: LoadOptions) -> Plan:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await decide(header, OPTIONS, cards(1), broken)


async def test_the_last_failure_is_told(header: Header) -> None:
    async def failing(_: LoadOptions) -> Plan:
        raise EngineError(Fault.NOT_A_MODEL, "It could not be planned", "the file is not a GGUF model")

    found = await decide(header, OPTIONS, cards(1), failing)
    assert found.why == "No layers on a graphics card, as no load can be planned: the file is not a GGUF model."
