"""The engine's word beside the estimate: when it confirms, when it corrects, and on which devices."""

from __future__ import annotations

from pathlib import Path

import pytest
from model_shapes import LLAMA_8B, llama

from nodetool_xl_desktop.core.units import GIB, MIB
from nodetool_xl_desktop.engine.dry_run import DevicePlan, HostPlan, Plan
from nodetool_xl_desktop.engine.errors import EngineError, Fault
from nodetool_xl_desktop.fit.estimate import estimate
from nodetool_xl_desktop.fit.memory import Device, MemoryUse
from nodetool_xl_desktop.fit.options import LoadOptions
from nodetool_xl_desktop.gguf import Header
from nodetool_xl_desktop.preview.confirm import Word, ask

OPTIONS = LoadOptions(4096, gpu_layers=13)
CARD = Device("CUDA0", "gpu", 2 * GIB, 3 * GIB, "NVIDIA A2")


@pytest.fixture(scope="module")
def header(tmp_path_factory: pytest.TempPathFactory) -> Header:
    return llama(tmp_path_factory.mktemp("shapes") / "Llama-8B-Q4_K_M.gguf", LLAMA_8B)


def planned(header: Header, on_device: int = 0, on_host: int = 0, name: str = "CUDA0") -> Plan:
    """As the estimate says, in whole MiB; with so many bytes more."""
    need = estimate(header, OPTIONS, (CARD,))
    use, host = need.devices[0][1], need.host
    row = DevicePlan(name, "A2", 3 * GIB, GIB, whole(use.model + on_device), whole(use.context), whole(use.compute))
    return Plan((row,), (HostPlan("Host", MemoryUse(whole(host.model + on_host), host.context, whole(host.compute))),))


def whole(size: int) -> int:
    return size // MIB * MIB


def test_what_is_rounded_down_is_confirmed_and_told_exactly(header: Header) -> None:
    word = Word(header, OPTIONS, planned(header))
    assert word.confirms((CARD,))
    exact = estimate(header, OPTIONS, (CARD,))
    said = word.needs((CARD,))
    assert said is not None
    assert (said.host, said.devices) == (exact.host, exact.devices)


@pytest.mark.parametrize(("more", "confirmed"), [(15 * MIB, True), (-17 * MIB, True), (120 * MIB, False)])
def test_a_memory_counts_by_itself(header: Header, more: int, confirmed: bool) -> None:
    """1 % of 1.9 GiB on the device is 19 MiB; of the host's 4 GiB 40 MiB."""
    for plan in (planned(header, on_device=more), planned(header, on_host=more)):
        word = Word(header, OPTIONS, plan)
        assert word.confirms((CARD,)) is confirmed
        said = word.needs((CARD,))
        assert said is not None
        assert said.total == pytest.approx(estimate(header, OPTIONS, (CARD,)).total + more, abs=3 * MIB)


def test_what_is_free_was_looked_up_here(header: Header) -> None:
    word = Word(header, OPTIONS, planned(header))
    said = word.needs((CARD, Device("CUDA1", "gpu", GIB, GIB)))
    assert said is not None
    assert said.only_devices[0] is CARD
    assert said.devices[1][1] == MemoryUse(), "the engine would put nothing there"


def test_a_device_that_only_the_engine_names_is_shown_as_well(header: Header) -> None:
    said = Word(header, OPTIONS, planned(header, name="ROCm0")).needs((CARD,))
    assert said is not None
    assert [device.name for device in said.only_devices] == ["CUDA0", "ROCm0"]
    assert said.devices[1][1].total > GIB


async def test_asking(header: Header) -> None:
    asked: list[tuple[Path, LoadOptions]] = []

    async def plan(path: Path, options: LoadOptions) -> Plan:
        asked.append((path, options))
        return planned(header)

    word = await ask(header, OPTIONS, plan)
    assert asked == [(header.path, OPTIONS)]
    assert word.is_on(header, OPTIONS)
    assert not word.is_on(header, LoadOptions(512))


async def test_a_plan_that_cannot_be_made_is_a_word(header: Header) -> None:
    async def plan(_path: Path, _options: LoadOptions) -> Plan:
        raise EngineError(Fault.UNKNOWN_ARCHITECTURE, "It could not be planned", "this engine does not know it")

    word = await ask(header, OPTIONS, plan)
    assert (word.plan, word.why_not) == (None, "this engine does not know it")
    assert word.needs((CARD,)) is None
    assert not word.confirms((CARD,))
