"""Does it fit, and how tightly: the edges to the byte, each memory by itself."""

from __future__ import annotations

import pytest

from nodetool_xl_desktop.core.units import GIB, MIB
from nodetool_xl_desktop.fit.memory import MARGIN, Device, HostMemory, MemoryUse, Needs
from nodetool_xl_desktop.fit.verdict import Verdict, judge, tightest


def host(free: int) -> HostMemory:
    return HostMemory(total=max(free, 64 * GIB), free=free)


# The machine's own memory


@pytest.mark.parametrize(
    ("left", "verdict"),
    [
        (-1, Verdict.WONT_FIT),
        (0, Verdict.TIGHT),
        (MARGIN - 1, Verdict.TIGHT),
        (MARGIN, Verdict.FITS),
        (100 * GIB, Verdict.FITS),
    ],
)
def test_the_verdict_turns_at_the_byte(left: int, verdict: Verdict) -> None:
    need = Needs(MemoryUse(model=4 * GIB, context=GIB, compute=MIB))
    assert judge(need, host(need.total + left)) is verdict


def test_every_part_counts() -> None:
    for part in ("model", "context", "compute", "projector"):
        assert judge(Needs(MemoryUse(**{part: GIB})), host(GIB - 1)) is Verdict.WONT_FIT


def test_the_words_are_those_of_the_field() -> None:
    assert [str(verdict) for verdict in Verdict] == ["Fits", "Tight", "Partly on CPU", "Won't fit"]


# Beside a device


def on_a_device(
    use: MemoryUse, left: int | None, *, layers_on: int = 33, kind: str = "gpu", name: str = "GPU0"
) -> Needs:
    device = Device(name, kind, None if left is None else use.total + left, 64 * GIB)
    return Needs(MemoryUse(GIB), ((device, use),), (layers_on,), 33)


@pytest.mark.parametrize(
    ("host_left", "left", "verdict"),
    [
        (MARGIN, MARGIN, Verdict.FITS),
        (MARGIN, MARGIN - 1, Verdict.TIGHT),
        (MARGIN - 1, MARGIN, Verdict.TIGHT),
        (MARGIN, -1, Verdict.WONT_FIT),
        (-1, MARGIN, Verdict.WONT_FIT),
        (0, -1, Verdict.WONT_FIT),
    ],
)
def test_each_memory_is_judged_by_itself(host_left: int, left: int, verdict: Verdict) -> None:
    need = on_a_device(MemoryUse(model=4 * GIB, context=GIB), left)
    assert judge(need, host(GIB + host_left)) is verdict


def test_the_margin_can_be_set() -> None:
    need = on_a_device(MemoryUse(4 * GIB), 100 * MIB)
    assert judge(need, host(64 * GIB), 100 * MIB) is Verdict.FITS
    assert judge(need, host(64 * GIB), 100 * MIB + 1) is Verdict.TIGHT


@pytest.mark.parametrize(("layers_on", "verdict"), [(0, Verdict.FITS), (1, Verdict.PARTLY), (33, Verdict.FITS)])
def test_partly_is_neither_all_nor_nothing(layers_on: int, verdict: Verdict) -> None:
    assert judge(on_a_device(MemoryUse(GIB), MARGIN, layers_on=layers_on), host(64 * GIB)) is verdict


def test_partly_is_said_only_of_what_fits() -> None:
    for left, verdict in ((MARGIN - 1, Verdict.TIGHT), (-1, Verdict.WONT_FIT)):
        assert judge(on_a_device(MemoryUse(GIB), left, layers_on=5), host(64 * GIB)) is verdict


@pytest.mark.parametrize(("kind", "name"), [("igpu", "Vulkan0"), ("gpu", "MTL0")])
def test_memory_that_is_shared_is_counted_once(kind: str, name: str) -> None:
    need = on_a_device(MemoryUse(4 * GIB), 20 * GIB, kind=kind, name=name)
    assert judge(need, host(5 * GIB + MARGIN)) is Verdict.FITS
    assert judge(need, host(5 * GIB + MARGIN - 1)) is Verdict.TIGHT
    assert judge(need, host(5 * GIB - 1)) is Verdict.WONT_FIT
    assert tightest(need, host(5 * GIB - 1)).taken == 5 * GIB
    assert judge(on_a_device(MemoryUse(4 * GIB), 20 * GIB), host(GIB + MARGIN)) is Verdict.FITS  # a card has its own


def test_what_shared_memory_may_be_used_for_is_a_limit_too() -> None:
    need = on_a_device(MemoryUse(4 * GIB), -1, kind="igpu")
    assert judge(need, host(64 * GIB)) is Verdict.WONT_FIT


def test_a_device_that_does_not_report_its_memory_cannot_be_judged() -> None:
    assert judge(on_a_device(MemoryUse(400 * GIB), None), host(64 * GIB)) is Verdict.FITS


def test_a_device_without_layers_needs_no_margin_but_what_it_takes() -> None:
    batch = MemoryUse(compute=100 * MIB)
    assert judge(on_a_device(batch, 0, layers_on=0), host(64 * GIB)) is Verdict.FITS
    assert judge(on_a_device(batch, -1, layers_on=0), host(64 * GIB)) is Verdict.WONT_FIT
    assert judge(on_a_device(MemoryUse(), -MIB, layers_on=0), host(64 * GIB)) is Verdict.FITS  # it takes nothing
