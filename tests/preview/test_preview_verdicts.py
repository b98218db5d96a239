"""Verdicts on the files of a repository from one header, held against each file's own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from gguf_writer import write_gguf
from hub_server import HubServer, Stored, forget_environment
from model_shapes import LLAMA_8B

from nodetool_xl_desktop.core.units import GIB, MIB
from nodetool_xl_desktop.fit.memory import Device, HostMemory, Machine
from nodetool_xl_desktop.fit.verdict import Verdict
from nodetool_xl_desktop.gguf import GgufError
from nodetool_xl_desktop.hub.choice import candidates, projectors
from nodetool_xl_desktop.hub.errors import Gated, Unreachable
from nodetool_xl_desktop.hub.repository import HubFile, Repository, look_up
from nodetool_xl_desktop.hub.transfer import Patience
from nodetool_xl_desktop.preview.remote import RemoteModels
from nodetool_xl_desktop.preview.verdicts import FileVerdict, best, judge_exactly, judged

REPO = "org/Llama-8B-GGUF"
BRISK = Patience(stall_s=1.0, pauses_s=(0.01,))
#: By the quantization of a file the types of its matrices, the more exact ones second.
TYPES = {
    "Q2_K": ("Q2_K", "Q4_K"),
    "Q4_K_M": ("Q4_K", "Q6_K"),
    "Q6_K": ("Q6_K", "Q6_K"),
    "Q8_0": ("Q8_0", "Q8_0"),
    "F16": ("F16", "F16"),
}


def build(path: Path, quantization: str) -> Path:
    """A Llama of 8B in these types, as a file with a hole for its weights."""
    usual, exact = TYPES[quantization]
    width, inner, words = LLAMA_8B["embedding_length"], LLAMA_8B["feed_forward_length"], LLAMA_8B["vocab_size"]
    tensors = [("token_embd.weight", (width, words), usual), ("output.weight", (width, words), exact)]
    tensors.append(("output_norm.weight", (width,), "F32"))
    for layer in range(LLAMA_8B["block_count"]):
        block = f"blk.{layer}."
        tensors += [(f"{block}{name}.weight", (width,), "F32") for name in ("attn_norm", "ffn_norm")]
        tensors += [(f"{block}{name}.weight", (width, width), usual) for name in ("attn_q", "attn_output")]
        tensors += [(f"{block}attn_k.weight", (width, 1024), usual), (f"{block}attn_v.weight", (width, 1024), exact)]
        tensors += [(f"{block}{name}.weight", (width, inner), usual) for name in ("ffn_gate", "ffn_up")]
        tensors.append((f"{block}ffn_down.weight", (inner, width), exact))
    metadata = {
        "general.architecture": "llama",
        "tokenizer.chat_template": "{{ messages }}",
        **{f"llama.{key}": value for key, value in LLAMA_8B.items()},
    }
    return write_gguf(path, metadata, tensors)


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    forget_environment(monkeypatch)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    folder = tmp_path_factory.mktemp("builds")
    return {name: build(folder / f"Llama-8B-{name}.gguf", name) for name in TYPES}


@pytest.fixture
def server(files: Mapping[str, Path]) -> Iterator[HubServer]:
    stored = {path.name: Stored(path, sha256="0" * 64) for path in files.values()}
    with HubServer({REPO: {**stored, "mmproj-F16.gguf": Stored(bytes(MIB)), "README.md": b"# words"}}) as hub:
        yield hub


@pytest.fixture
def remote(tmp_path: Path) -> RemoteModels:
    return RemoteModels(tmp_path / "headers", patience=BRISK)


def machine(gib: float, *devices: Device) -> Machine:
    return Machine(HostMemory(64 * GIB, int(gib * GIB)), devices)


async def all_of(remote: RemoteModels, repository: Repository, on: Machine) -> dict[str, FileVerdict]:
    verdicts = judged(remote, repository, on, physical_cores=4)
    return {each.candidate.quantization: each async for each in verdicts}


async def test_one_header_tells_of_all(server: HubServer, remote: RemoteModels) -> None:
    repository = await look_up(REPO, endpoint=server.url)
    found = await all_of(remote, repository, machine(8))
    assert list(found) == ["Q2_K", "Q4_K_M", "Q6_K", "Q8_0", "F16"]
    assert [each.verdict.value for each in found.values()] == ["Fits", "Fits", "Tight", "Won't fit", "Won't fit"]
    assert [name for name, each in found.items() if each.is_best] == ["Q4_K_M"]
    assert [name for name, each in found.items() if each.is_exact] == ["Q2_K"]
    assert found["Q4_K_M"].badge_says.startswith("Fits: ")
    assert "8,192 tokens" in found["Q4_K_M"].badge_says
    assert {request.path.split("?")[0].rpartition("/")[2] for request in server.at("bytes")} == {"Llama-8B-Q2_K.gguf"}
    asked = len(server.requests)
    assert await all_of(remote, repository, machine(8)) == found  # the header of a commit is read once
    assert len(server.requests) == asked


@pytest.mark.parametrize(
    "on",
    [
        machine(6),
        machine(8),
        machine(40),
        machine(12, Device("CUDA0", "gpu", 6 * GIB, 8 * GIB)),
        machine(24, Device("CUDA0", "gpu", 16 * GIB, 16 * GIB)),
    ],
    ids=["6 GB", "8 GB", "40 GB", "6 GB card", "16 GB card"],
)
async def test_a_build_s_own_header_says_the_same(server: HubServer, remote: RemoteModels, on: Machine) -> None:
    """Scaled from another build's header, the need is within 3 % of what the build's own says; so is the verdict."""
    repository = await look_up(REPO, endpoint=server.url)
    rough = await all_of(remote, repository, on)
    for candidate in candidates(repository.files):
        exact = await judge_exactly(remote, repository, candidate, on, physical_cores=4)
        told = rough[candidate.quantization]
        assert exact.is_exact
        assert abs(told.need - exact.need) < 0.03 * exact.need, (candidate.quantization, told.need, exact.need)
        assert told.verdict is exact.verdict, candidate.quantization


async def test_the_best_on_each_machine(server: HubServer, remote: RemoteModels) -> None:
    repository = await look_up(REPO, endpoint=server.url)
    for on, name in (
        (machine(2), None),
        (machine(5.2), "Q2_K"),
        (machine(8), "Q4_K_M"),
        (machine(12), "Q8_0"),
        (machine(60), "Q8_0"),  # nobody notices what F16 is better
        (machine(32, Device("CUDA0", "gpu", 16 * GIB, 16 * GIB)), "Q8_0"),
        # Two bits would fit the card as a whole; four bits with some layers on the processor are better.
        (machine(32, Device("CUDA0", "gpu", int(5.5 * GIB), 8 * GIB)), "Q4_K_M"),
    ):
        found = await all_of(remote, repository, on)
        assert [each.candidate.quantization for each in found.values() if each.is_best] == ([name] if name else []), on


async def test_a_projector_counts(server: HubServer, remote: RemoteModels) -> None:
    repository = await look_up(REPO, endpoint=server.url)
    assert [file.name for file in projectors(repository.files)] == ["mmproj-F16.gguf"]
    projector = HubFile("mmproj-F16.gguf", 2 * GIB)
    card = machine(32, Device("CUDA0", "gpu", 8 * GIB, 8 * GIB))
    q4 = candidates(repository.files)[1]
    for on in (machine(16), card):
        alone = await judge_exactly(remote, repository, q4, on, physical_cores=4)
        beside = await judge_exactly(remote, repository, q4, on, physical_cores=4, projector=projector)
        assert alone.verdict is Verdict.FITS
        if on is card:
            assert beside.verdict is Verdict.PARTLY  # it takes its place on the card
        assert 1.5 * GIB < beside.need - alone.need < 2.5 * GIB


async def test_many_builds_do_not_hold_up_the_loop(server: HubServer, remote: RemoteModels) -> None:
    repository = await look_up(REPO, endpoint=server.url)
    small = candidates(repository.files)[0].files[0]
    many = [HubFile(f"more/L-{number}-Q{number % 7 + 2}_K.gguf", small.size + number * MIB) for number in range(2000)]
    crowded = Repository(REPO, repository.commit, (small, *many), repository.endpoint)
    late, done = 0.0, False

    async def tick() -> None:
        nonlocal late
        while not done:
            begin = time.perf_counter()
            await asyncio.sleep(0.01)
            late = max(late, time.perf_counter() - begin - 0.01)

    ticking = asyncio.create_task(tick())
    found = [each async for each in judged(remote, crowded, machine(8))]
    done = True
    await ticking
    assert len(found) == 300
    assert sum(each.is_best for each in found) == 1
    assert late < 0.5  # a slip of Python's threads on a busy machine; all of it would take some seconds


async def test_what_is_beside_the_builds_is_not_taken_for_one(server: HubServer, remote: RemoteModels) -> None:
    """A draft model of 50 MB lies beside: the header that tells of all is not its."""
    repository = await look_up(REPO, endpoint=server.url)
    draft = HubFile("MTP/mtp-Llama-Q8_0.gguf", 50 * MIB)
    found = [
        each
        async for each in judged(
            remote, Repository(REPO, repository.commit, (*repository.files, draft), server.url), machine(1)
        )
    ]
    assert [each.is_exact for each in found] == [False, True, False, False, False, False]
    assert not any(each.is_best for each in found)


async def test_what_cannot_be_judged_says_why(server: HubServer, remote: RemoteModels, tmp_path: Path) -> None:
    repository = await look_up(REPO, endpoint=server.url)
    server.gated = {REPO}
    with pytest.raises(Gated):
        await all_of(remote, repository, machine(8))
    verdicts = judged(remote, repository, machine(8), token="good-token")
    assert len([each async for each in verdicts]) == 5
    server.put("org/broken", "a-Q4_0.gguf", b"no model" * 100)
    with pytest.raises(GgufError):
        await all_of(remote, await look_up("org/broken", endpoint=server.url), machine(8))
    empty = Repository("org/empty", "0" * 40, (), server.url)
    assert await all_of(remote, empty, machine(8)) == {}
    gone = Repository(REPO, repository.commit, repository.files, "http://127.0.0.1:9")
    with pytest.raises(Unreachable):
        await all_of(remote, gone, machine(8))


def test_the_best_of_none_is_none() -> None:
    assert best([]) is None


def test_the_projector_to_take() -> None:
    names = ("mmproj-F32.gguf", "mmproj-BF16.gguf", "mmproj-F16.gguf", "mmproj-Model-7B-f16.gguf", "Model-Q4_K_M.gguf")
    files = [HubFile(name, 100 if "F32" in name else 50 - place) for place, name in enumerate(names)]
    assert [file.name for file in projectors(files)] == [names[3], names[2], names[1], names[0]]
    assert projectors([*files, HubFile("x/mmproj-a-Q8_0.gguf", 999)])[0].path == "x/mmproj-a-Q8_0.gguf"
