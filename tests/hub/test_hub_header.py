"""A header read where the model lies: only the head of the file travels."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from gguf_writer import write_gguf, write_split_set
from hub_server import HubServer, Play, Stored
from model_shapes import LLAMA_8B, llama

from nodetool_xl_desktop.core.units import GIB, MIB
from nodetool_xl_desktop.fit.estimate import estimate
from nodetool_xl_desktop.fit.options import LoadOptions
from nodetool_xl_desktop.gguf import NotGguf, Truncated, read_model
from nodetool_xl_desktop.hub.choice import candidates, choose, needs
from nodetool_xl_desktop.hub.errors import Gated, Interrupted, Unreachable
from nodetool_xl_desktop.hub.header import read_remote_header
from nodetool_xl_desktop.hub.repository import HubFile, Repository, look_up
from nodetool_xl_desktop.hub.transfer import Patience

NAME = "Llama-8B-Q4_K_M.gguf"
BRISK = Patience(stall_s=0.5, pauses_s=(0.01, 0.01))


def a_hub(path: Path) -> HubServer:
    return HubServer({"org/repo": {NAME: Stored(path, sha256="0" * 64)}})


async def looked_up(hub: HubServer) -> tuple[Repository, HubFile]:
    repository = await look_up("org/repo", endpoint=hub.url)
    return repository, repository.files[0]


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """5 GB, all but its header a hole, with a vocabulary of 6 MB."""
    words = {"tokenizer.ggml.tokens": [f"word {number} {'x' * 40}" for number in range(100_000)]}
    llama(tmp_path / NAME, LLAMA_8B, words)
    return tmp_path / NAME


async def test_only_the_head_of_a_large_file_is_read(large: Path) -> None:
    here = read_model(large)
    assert here.file_size > 4 * GIB
    assert here.header_bytes > 5 * MIB
    with a_hub(large) as hub:
        there = await read_remote_header(*await looked_up(hub))
        assert (there.metadata, there.tensors, there.file_size) == (here.metadata, here.tensors, here.file_size)
        assert here.header_bytes <= hub.served < here.header_bytes + 4 * MIB
        assert len(hub.at("bytes")) <= 6


async def test_from_a_repository_to_a_choice(large: Path) -> None:
    sizes = {"Q4_K_M": 5, "Q8_0": 9, "F16": 16}
    options = LoadOptions(context_length=4096)
    with a_hub(large) as hub:
        repository, file = await looked_up(hub)
        header = await read_remote_header(repository, file)
        there = candidates([HubFile(f"Llama-8B-{name}.gguf", size * GIB) for name, size in sizes.items()])
        context = estimate(header, options).host.context
        assert choose(there, needs(header, options), 10 * GIB + context + 200 * MIB).candidate.quantization == "Q8_0"
        assert choose(there, needs(header, options), 10 * GIB + context).candidate.quantization == "Q4_K_M"


async def test_faults_that_pass(large: Path) -> None:
    with a_hub(large) as hub:
        repository, file = await looked_up(hub)
        hub.play("bytes", Play(drop_after=1000), Play(stall_after=9), Play(), Play(status=503), Play(ignore_range=True))
        header = await read_remote_header(repository, file, patience=BRISK)
        assert header == read_model(large) or header.tensors == read_model(large).tensors
        assert hub.served < 40 * MIB  # a server without ranges is left as soon as there is enough
        hub.always["bytes"] = Play(drop_after=1000)
        with pytest.raises(Interrupted, match=r"header of .* could not be read"):
            await read_remote_header(repository, file, patience=BRISK)


async def test_off_line_and_gated(large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with a_hub(large) as hub:
        hub.gated = {"org/repo"}
        repository, file = await looked_up(hub)
        with pytest.raises(Gated):
            await read_remote_header(repository, file)
        assert (await read_remote_header(repository, file, token="good-token")).architecture == "llama"
        assert all("good-token" not in str(request.headers) for request in hub.at("bytes"))
    with pytest.raises(Unreachable):
        await read_remote_header(repository, file)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(Unreachable, match="HF_HUB_OFFLINE"):
        await read_remote_header(repository, file)


async def test_what_is_no_model(tmp_path: Path) -> None:
    with HubServer({"org/repo": {NAME: b"PK\x03\x04" * 1000, "z.gguf": b"GGUF\x03\0\0\0"}}) as hub:
        repository, file = await looked_up(hub)
        with pytest.raises(NotGguf):
            await read_remote_header(repository, file)
        with pytest.raises(Truncated):
            await read_remote_header(repository, repository.files[1])


async def test_the_first_part_of_a_set_says_what_an_estimate_asks_for(tmp_path: Path) -> None:
    shape = {"general.architecture": "llama", "llama.block_count": 2, "llama.embedding_length": 64}
    tensors = [(f"blk.{number}.x", (256, 8), "Q4_K") for number in range(4)]
    paths = write_split_set(tmp_path, "M-Q4_K_M", shape, tensors, 2)
    with HubServer({"org/repo": {path.name: path for path in paths}}) as hub:
        repository = await look_up("org/repo", endpoint=hub.url)
        (candidate,) = candidates(repository.files)
        header = await read_remote_header(repository, candidate.files[0])
        assert header.split_count == 2
        options = LoadOptions(context_length=512)
        whole = estimate(read_model(paths[0]), options).host
        padding = candidate.size - whole.model
        assert 0 < padding < 2000
        assert needs(header, options)(candidate) == whole.total + padding


async def test_cancelling_ends_at_once_and_leaves_no_thread_waiting(tmp_path: Path) -> None:
    path = write_gguf(tmp_path / NAME, {"general.architecture": "llama"}, [("a", (256, 8), "Q4_K")])
    loop = asyncio.get_running_loop()
    with a_hub(path) as hub:
        repository, file = await looked_up(hub)
        hub.play("bytes", Play(stall_after=10))
        patience = Patience(pauses_s=(20.0,))
        task = asyncio.create_task(read_remote_header(repository, file, patience=patience))
        await hub.has_served(1)
        begin = loop.time()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(loop.shutdown_default_executor(), 5)
        assert loop.time() - begin < 5
