"""A verdict on every model of a list, from headers that are read once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from model_shapes import LLAMA_8B, llama

from nodetool_xl_desktop.core.units import GIB
from nodetool_xl_desktop.fit.memory import Device, HostMemory, Machine
from nodetool_xl_desktop.fit.options import LoadSettings
from nodetool_xl_desktop.fit.verdict import Verdict
from nodetool_xl_desktop.gguf import HeaderCache
from nodetool_xl_desktop.library.settings import Kept
from nodetool_xl_desktop.preview.badges import Badges


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return llama(tmp_path / "Llama-8B-Q4_K_M.gguf", LLAMA_8B).path


def machine(free: int, *devices: Device) -> Machine:
    return Machine(HostMemory(64 * GIB, free), devices)


def test_each_verdict(model: Path) -> None:
    badges = Badges(lambda _path: Kept(), 8, HeaderCache().read)
    card = Device("CUDA0", "gpu", 4 * GIB, 4 * GIB)
    for there, verdict in (
        (machine(32 * GIB), Verdict.FITS),
        (machine(6 * GIB), Verdict.TIGHT),
        (machine(2 * GIB), Verdict.WONT_FIT),
        (machine(32 * GIB, card), Verdict.PARTLY),
    ):
        badge = badges.judge(model, there)
        assert badge is not None
        assert badge.verdict is verdict
        assert badge.says.startswith(f"{verdict.value}: ")
        assert "with 8,192 tokens" in badge.says


def test_it_is_of_the_settings_that_are_kept(model: Path) -> None:
    badges = Badges(lambda _path: Kept(chosen=LoadSettings(context_length=131_072)), 8, HeaderCache().read)
    badge = badges.judge(model, machine(16 * GIB))
    assert badge is not None
    assert badge.verdict is Verdict.WONT_FIT


def test_what_is_no_model_has_none(tmp_path: Path, model: Path) -> None:
    badges = Badges(lambda _path: Kept(), 8, HeaderCache().read)
    text = tmp_path / "text.gguf"
    text.write_text("no model")
    assert badges.judge(text, machine(GIB)) is None
    assert badges.judge(tmp_path / "gone.gguf", machine(GIB)) is None


def test_a_header_is_read_anew_when_the_file_is_another(model: Path) -> None:
    badges = Badges(lambda _path: Kept(), 8, HeaderCache().read)
    first = badges.judge(model, machine(32 * GIB))
    llama(model, LLAMA_8B | {"block_count": 16})
    second = badges.judge(model, machine(32 * GIB))
    assert first is not None
    assert second is not None
    assert first != second
    before = model.stat()
    model.write_bytes(b"\0" * before.st_size)  # its data is a hole: same size, and the time is put back
    os.utime(model, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert badges.judge(model, machine(32 * GIB)) == second, "nothing was read"
