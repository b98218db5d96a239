"""Which projector goes with a model, what it changes of a load, where it lies, and what leaving it out would save."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from model_shapes import LLAMA_8B, llama
from shapes.projectors import PROJECTORS, write_projector
from shapes.tiny_projectors import write_tiny

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.units import GIB
from nodetool_xl_desktop.fit.estimate import estimate
from nodetool_xl_desktop.fit.memory import Device, HostMemory, Machine
from nodetool_xl_desktop.fit.options import LoadOptions, LoadSettings
from nodetool_xl_desktop.fit.projector import pick, seeing, sees
from nodetool_xl_desktop.fit.solver import largest_context, offload, remedies
from nodetool_xl_desktop.fit.verdict import Verdict, judge
from nodetool_xl_desktop.gguf import Header, read_model

OPTIONS = LoadOptions(4096)
CARDS = tuple(Device(f"CUDA{number}", "gpu", 8 * GIB, 8 * GIB) for number in range(2))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Header:
    return llama(tmp_path_factory.mktemp("shapes") / "Llama-8B-Q4_K_M.gguf", LLAMA_8B)


@pytest.fixture(scope="module")
def projector(tmp_path_factory: pytest.TempPathFactory) -> Header:
    """Of LLaVA 1.5, 0.6 GiB."""
    return read_model(write_projector(tmp_path_factory.mktemp("shapes"), PROJECTORS[0]))


def test_the_likeliest_unless_somebody_names_another(tmp_path: Path) -> None:
    first, second = (read_model(write_tiny(tmp_path / f"mmproj-{name}.gguf")) for name in ("F16", "F32"))
    beside = (first, second)
    assert pick(None, beside) is first
    assert pick("", beside) is None
    assert pick(str(second.path), beside) is second
    assert pick("mmproj-F32.gguf", beside) is second
    assert pick("/moved/from/mmproj-F32.gguf", beside) is second
    assert pick("C:\\moved\\mmproj-F32.gguf", beside) is second
    assert pick("/gone/mmproj-BF16.gguf", beside) is first
    assert pick(None, ()) is None


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({}, True),
        ({"clip.has_audio_encoder": True}, True),
        ({"clip.has_vision_encoder": False, "clip.has_audio_encoder": True}, False),
        ({"general.architecture": "llama", "general.type": "model"}, False),
    ],
)
def test_what_sees(tmp_path: Path, metadata: dict[str, Any], expected: bool) -> None:
    assert sees(read_model(write_tiny(tmp_path / "mmproj.gguf", more=metadata))) is expected


@pytest.mark.parametrize(("kind", "batch"), [("mlp", 64), ("gemma3", 512)])
def test_an_image_that_is_looked_at_all_at_once_needs_a_batch_for_it(tmp_path: Path, kind: str, batch: int) -> None:
    header = read_model(write_tiny(tmp_path / "mmproj.gguf", kind=kind))
    options = seeing(LoadOptions(batch=64, ubatch=64), header)
    assert (options.projector, options.batch, options.ubatch) == (str(header.path), batch, batch)
    assert seeing(options, None) == replace(options, projector="")


def test_it_lies_on_the_first_device_unless_that_is_to_get_nothing(model: Header, projector: Header) -> None:
    for options, on_device in (
        (replace(OPTIONS, gpu_layers=10), True),
        (replace(OPTIONS, gpu_layers=10, tensor_split="0,1"), False),
        (OPTIONS, False),
    ):
        need = estimate(model, options, CARDS, projector=projector)
        (first, second) = (use.projector for _, use in need.devices)
        assert (first > 0, second, need.host.projector > 0) == (on_device, 0, not on_device)


def test_it_leaves_less_room_for_layers_and_context(model: Header, projector: Header) -> None:
    with_it = seeing(OPTIONS, projector)
    there = Machine(HostMemory(64 * GIB, 40 * GIB), (Device("CUDA0", "gpu", 4 * GIB, 4 * GIB),))
    fewer = offload(model, with_it, there, projector=projector)
    assert 0 < fewer.gpu_layers < offload(model, OPTIONS, there).gpu_layers
    ((_, use),) = estimate(model, fewer, there.devices, projector=projector).devices
    assert 4 * GIB - use.total >= there.margin
    alone = Machine(HostMemory(64 * GIB, 8 * GIB))
    assert 0 < largest_context(model, with_it, alone, projector=projector) < largest_context(model, OPTIONS, alone)
    assert largest_context(model, OPTIONS, alone, projector=projector) == largest_context(model, OPTIONS, alone)


def test_without_it_a_load_may_fit(model: Header, projector: Header) -> None:
    options = seeing(LoadOptions(512), projector)
    need = estimate(model, options, projector=projector)
    there = Machine(HostMemory(64 * GIB, need.total - need.all.projector // 2))
    (found,) = (each for each in remedies(model, options, there, need, projector=projector) if each.kind == "projector")
    assert found.options == replace(options, projector="")
    assert found.says.startswith("without Vision, which takes 6")
    assert judge(estimate(model, found.options), there.host, 0) is not Verdict.WONT_FIT
    tight = Machine(HostMemory(64 * GIB, need.total - need.all.projector))
    assert any("without" in each.says for each in remedies(model, options, tight, need, projector=projector))
    none = Machine(HostMemory(64 * GIB, need.total - need.all.projector - 1))
    assert not any(each.kind == "projector" for each in remedies(model, options, none, need, projector=projector))
    assert not any(each.kind == "projector" for each in remedies(model, LoadOptions(512), there, need))


def test_a_projector_is_named_as_text() -> None:
    assert LoadSettings(projector="").over(LoadSettings(projector="a.gguf")).projector == ""
    assert LoadSettings().over(LoadSettings(projector="a.gguf")).options(None, 4).projector == "a.gguf"
    with pytest.raises(UserFacingError) as error:
        LoadSettings(projector=Path("a.gguf"))  # type: ignore[arg-type]
    assert "projector" in error.value.why
