"""Which layers go where: held against what the engine planned for such devices (`engine-facts.md`, and see below)."""

from __future__ import annotations

from pathlib import Path

import pytest
from gguf_writer import write_gguf
from hypothesis import given
from hypothesis import strategies as st
from model_shapes import LLAMA_8B, llama

from nodetool_xl_desktop.core.units import GIB, MIB
from nodetool_xl_desktop.fit.estimate import estimate
from nodetool_xl_desktop.fit.memory import Device, MemoryUse, Needs
from nodetool_xl_desktop.fit.options import LoadOptions
from nodetool_xl_desktop.fit.placement import share_out, used
from nodetool_xl_desktop.gguf import Header, read_model

LAYER = 132.47 * MIB  # of weights; and 16 MiB of cache at 4,096 tokens
LLVMPIPE = Device("Vulkan0", "gpu", 2 * GIB, 2 * GIB, "llvmpipe (LLVM 15.0.6, 256 bits)")


@pytest.fixture(scope="module")
def header(tmp_path_factory: pytest.TempPathFactory) -> Header:
    return llama(tmp_path_factory.mktemp("shapes") / "Llama-8B-Q4_K_M.gguf", LLAMA_8B)


def cards(*mebibytes: int | None) -> list[Device]:
    sizes = [None if size is None else size * MIB for size in mebibytes]
    return [Device(f"GPU{place}", "gpu", size, size) for place, size in enumerate(sizes)]


def planned(
    header: Header, devices: list[Device], layers: int, *, tensor_split: str = "", batch: int = 512, context: int = 4096
) -> Needs:
    options = LoadOptions(context, batch=batch, gpu_layers=layers, tensor_split=tensor_split)
    return estimate(header, options, devices)


# What the engine planned


@pytest.mark.parametrize(
    ("layers", "mebibytes"),
    [(4, 577), (8, 1171), (10, 1468), (12, 1765), (13, 1913), (14, 2062), (33, 4872)],
)
def test_the_measured_rows_of_a_device_of_2_gib(header: Header, layers: int, mebibytes: int) -> None:
    need = planned(header, [LLVMPIPE], layers)
    ((device, use),) = need.devices
    assert device is LLVMPIPE
    assert use.total == pytest.approx(mebibytes * MIB, rel=0.03)
    assert need.layers_on == (layers,)
    assert need.layers == 33


def test_all_layers_on_that_device_part_by_part(header: Header) -> None:
    need = planned(header, [LLVMPIPE], 33)
    use = need.devices[0][1]
    assert use.model == pytest.approx(4240 * MIB, rel=0.001)  # its output matrix is too large for that driver
    assert use.context == 512 * MIB
    assert use.compute == pytest.approx(120 * MIB, abs=MIB)
    assert need.host.total == pytest.approx(728 * MIB, abs=2 * MIB)


#: Planned by llama.cpp itself (of xllamacpp 2026.10.11549) over devices that a patched backend plays: free memory of
#: each in MiB, layers, shares; then model, context, compute of each device and of the host in MiB.
SPLITS = [
    ((4096,), 0, "", [(0, 0, 131)], (4932, 512, 36)),
    ((4096,), 1, "", [(410, 0, 131)], (4521, 512, 36)),
    ((4096,), 14, "", [(2133, 208, 131)], (2799, 304, 36)),
    ((4096,), 32, "", [(4518, 496, 131)], (414, 16, 36)),
    ((4096,), 33, "", [(4650, 512, 120)], (281, 0, 36)),
    ((4096, 4096), 1, "", [(410, 0, 131), (0, 0, 0)], (4521, 512, 36)),
    ((2048, 6144), 4, "", [(132, 16, 131), (675, 32, 104)], (4124, 464, 36)),
    ((2048, 6144), 14, "", [(530, 64, 131), (1603, 144, 104)], (2799, 304, 36)),
    ((2048, 6144), 33, "", [(1192, 144, 228), (3458, 368, 188)], (281, 0, 96)),
    ((4096, 4096), 33, "", [(2252, 272, 228), (2398, 240, 188)], (281, 0, 96)),
    ((100, 8192), 33, "", [(132, 16, 228), (4518, 496, 188)], (281, 0, 96)),
    ((8192, 100), 33, "", [(4650, 512, 228), (0, 0, 0)], (281, 0, 96)),
    ((100, 8192), 33, "0,7168", [(0, 0, 0), (4650, 512, 228)], (281, 0, 96)),
    ((1500, 6000), 31, "0,4976", [(0, 0, 0), (4385, 480, 104)], (546, 32, 128)),
    ((2048, 8192), 14, "0,5", [(0, 0, 0), (2133, 208, 104)], (2799, 304, 128)),
    ((4096, 1024, 8192), 33, "", [(1457, 176, 228), (265, 32, 188), (2928, 304, 188)], (281, 0, 96)),
    ((8192, 4000, 3000), 33, "5,0,8", [(1722, 208, 228), (0, 0, 0), (2928, 304, 188)], (281, 0, 96)),
    ((8192, 4000, 3000), 14, "5,0,9", [(662, 80, 131), (0, 0, 0), (1470, 128, 104)], (2799, 304, 36)),
]


@pytest.mark.parametrize(("free", "layers", "shares", "devices", "host"), SPLITS, ids=str)
def test_what_the_engine_plans_for_these_devices(
    header: Header,
    free: tuple[int, ...],
    layers: int,
    shares: str,
    devices: list[tuple[int, int, int]],
    host: tuple[int, int, int],
) -> None:
    need = planned(header, cards(*free), layers, tensor_split=shares)
    for use, (model, context, compute) in zip(
        [*(use for _, use in need.devices), need.host], [*devices, host], strict=True
    ):
        assert use.model == pytest.approx(model * MIB, abs=2 * MIB)  # the plan is told in whole MiB
        assert use.context == context * MIB
        assert use.compute == pytest.approx(compute * MIB, abs=13 * MIB)


@pytest.mark.parametrize(
    ("context", "batch", "layers", "device", "host"),
    [
        (512, 128, 33, 29, 8),
        (4096, 128, 14, 71, 9),
        (4096, 2048, 14, 512, 144),
        (4096, 2048, 33, 480, 144),
        (32_768, 512, 14, 200, 64),
        (32_768, 512, 33, 148, 64),
        (131_072, 128, 14, 554, 40),
        (131_072, 512, 33, 244, 160),
    ],
)
def test_compute_follows_the_context_and_the_batch(
    header: Header, context: int, batch: int, layers: int, device: int, host: int
) -> None:
    options = LoadOptions(context, batch=batch, ubatch=batch, gpu_layers=layers)
    need = estimate(header, options, cards(8192))
    assert need.devices[0][1].compute == pytest.approx(device * MIB, rel=0.1, abs=13 * MIB)
    assert need.host.compute == pytest.approx(host * MIB, rel=0.1, abs=13 * MIB)


# What holds for any split


@given(
    layers=st.integers(0, 50),
    free=st.lists(st.one_of(st.none(), st.integers(0, 100_000)), max_size=5),
    moe=st.integers(0, 40),
)
def test_nothing_is_lost_and_nothing_is_counted_twice(
    header: Header, layers: int, free: list[int | None], moe: int
) -> None:
    options = LoadOptions(4096, gpu_layers=layers, cpu_moe=moe)
    need, alone = estimate(header, options, cards(*free)), estimate(header, options).host
    assert need.all.model == alone.model
    assert need.all.context == alone.context
    assert sum(need.layers_on) == (min(layers, 33) if free else 0)
    assert [device for device, _ in need.devices] == cards(*free)
    assert min(min(use.model, use.context, use.compute) for use in (need.host, *(use for _, use in need.devices))) >= 0
    assert need.total == need.host.total + sum(use.total for _, use in need.devices)


def test_a_layer_more_moves_a_layer(header: Header) -> None:
    for layers in range(2, 32):
        fewer, more = (planned(header, cards(8192), count) for count in (layers, layers + 1))
        assert more.devices[0][1].model - fewer.devices[0][1].model == pytest.approx(LAYER, rel=0.001)
        assert more.devices[0][1].context - fewer.devices[0][1].context == 16 * MIB
        assert fewer.host.model - more.host.model == pytest.approx(LAYER, rel=0.001)


def test_more_layers_than_there_are_is_all(header: Header) -> None:
    assert planned(header, cards(8192), 100) == planned(header, cards(8192), 33)


def test_without_a_device_everything_is_the_host_s(header: Header) -> None:
    assert planned(header, [], 33) == planned(header, [], 0)
    assert planned(header, [], 33).devices == ()


def test_token_embeddings_that_serve_as_output_are_copied(tmp_path: Path) -> None:
    shape = {"block_count": 1, "embedding_length": 256, "attention.head_count": 4, "vocab_size": 1024}
    metadata = {"general.architecture": "llama", **{f"llama.{key}": value for key, value in shape.items()}}
    tensors = [("token_embd.weight", (256, 1024), "Q8_0"), ("blk.0.attn_q.weight", (256, 256), "Q8_0")]
    tied = read_model(write_gguf(tmp_path / "tied.gguf", metadata, tensors))
    embeddings = 256 * 1024 // 32 * 34
    need = planned(tied, cards(1024), 1)
    assert need.devices[0][1].model == need.host.model - 256 * 256 // 32 * 34 == embeddings
    assert planned(tied, cards(1024), 0).all.model == tied.tensor_bytes


def test_adapters_lie_with_the_layers_and_a_projector_on_the_first_device(header: Header, tmp_path: Path) -> None:
    beside = llama(tmp_path / "lora.gguf", {**LLAMA_8B, "block_count": 1, "vocab_size": 256})
    size = beside.tensor_bytes
    options = LoadOptions(4096, gpu_layers=14)
    plain = estimate(header, options, cards(8192))
    with_lora = estimate(header, options, cards(8192), loras=[beside, beside])
    assert with_lora.total - plain.total == 2 * size
    assert 0 < with_lora.devices[0][1].model - plain.devices[0][1].model < 2 * size
    alone = estimate(header, options, loras=[beside])
    assert alone.host.model == estimate(header, options).host.model + size
    with_projector = estimate(header, options, cards(8192, 8192), projector=beside)
    assert [use.projector for _, use in with_projector.devices] == [size, 0]
    assert estimate(header, options, projector=beside).host.projector == size


# Which devices


def test_integrated_graphics_are_used_only_where_there_are_no_others() -> None:
    card, other, part = Device("CUDA0"), Device("CUDA1"), Device("Vulkan0", "igpu")
    blas = Device("BLAS", "accel")
    assert used([part, card, blas, other]) == (1, 3)
    assert used([blas, part]) == (1,)
    assert used([blas]) == used([]) == ()


def test_what_is_not_used_gets_nothing(header: Header) -> None:
    devices = [Device("Vulkan0", "igpu", 8 * GIB), Device("CUDA0", "gpu", 8 * GIB), Device("BLAS", "accel")]
    need = planned(header, devices, 33)
    assert need.layers_on == (0, 33, 0)
    assert [use.total > 0 for _, use in need.devices] == [False, True, False]
    assert planned(header, [Device("BLAS", "accel")], 33).devices[0][1] == MemoryUse()
    assert planned(header, [Device("BLAS", "accel")], 33).host == planned(header, [], 33).host


@pytest.mark.parametrize(
    ("layers", "free", "shares", "counts"),
    [
        (33, (4096, 4096), (), (17, 16)),
        (33, (4096, 1024, 8192), (), (11, 2, 20)),
        (32, (1, 1), (), (16, 16)),
        (3, (1, 1, 1), (), (1, 1, 1)),
        (1, (1, 9999), (), (1, 0)),
        (14, (1, 1), (5, 9), (5, 9)),
        (14, (1, 1), (0, 9), (0, 14)),
        (14, (1, 1, 1), (3,), (14, 0, 0)),
        (14, (1, 1), (0, 0), (7, 7)),
        (10, (None, 4096), (), (0, 10)),
        (10, (None, None), (), (5, 5)),
        (10, (0, 0), (), (5, 5)),
        (0, (4096,), (), (0,)),
    ],
)
def test_layers_are_shared_by_what_is_free(
    layers: int, free: tuple[int | None, ...], shares: tuple[int, ...], counts: tuple[int, ...]
) -> None:
    assert share_out(layers, cards(*free), shares) == counts


@given(layers=st.integers(0, 1025), free=st.lists(st.integers(0, 2**48), min_size=1, max_size=16))
def test_shares_add_up_and_follow_the_engine_s_rule(layers: int, free: list[int]) -> None:
    counts = share_out(layers, [Device(str(place), "gpu", size) for place, size in enumerate(free)])
    assert sum(counts) == layers
    assert min(counts) >= 0
    if sum(free):
        for size, count in zip(free, counts, strict=True):
            assert abs(count - layers * size / sum(free)) <= 1.01
