"""What if I downloaded this: models on servers of every kind, good and bad, over real sockets."""

from __future__ import annotations

import asyncio
import os
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import processes
import pytest
from gguf_writer import write_gguf, write_split_set
from hub_server import HubServer, Play, Stored, forget_environment
from model_shapes import LLAMA_8B, llama
from shapes import by_name, write

from nodetool_xl_desktop.core.units import GIB, KIB, MIB
from nodetool_xl_desktop.engine import dry_run
from nodetool_xl_desktop.engine.errors import EngineError, Fault
from nodetool_xl_desktop.fit.memory import HostMemory
from nodetool_xl_desktop.fit.options import LoadOptions
from nodetool_xl_desktop.gguf import Malformed, NotGguf, Truncated, read_model
from nodetool_xl_desktop.hub.errors import (
    BadAnswer,
    Gated,
    Interrupted,
    NotFound,
    NotStored,
    TooLong,
    Unreachable,
)
from nodetool_xl_desktop.hub.transfer import Patience
from nodetool_xl_desktop.preview import remote
from nodetool_xl_desktop.preview.remote import RemoteModels
from nodetool_xl_desktop.preview.report import Preview

pytestmark = pytest.mark.usefixtures("no_process_left")

NAME = "Llama-8B-Q4_K_M.gguf"
HOST = HostMemory(total=64 * GIB, free=32 * GIB)
OPTIONS = LoadOptions(4096, batch=512)
#: What the engine needs of a header beside its shape.
PLANNABLE = {"tokenizer.ggml.model": "no_vocab", "llama.attention.layer_norm_rms_epsilon": 1e-5}
MOST_FETCHED = 64_000_000
BRISK = Patience(stall_s=0.5, pauses_s=(0.01, 0.01))


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    forget_environment(monkeypatch)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Where headers are laid out; nothing is left in it."""
    yield tmp_path / "cache" / "headers"
    assert is_empty(tmp_path / "cache" / "headers")


@pytest.fixture
def models(folder: Path) -> RemoteModels:
    return RemoteModels(folder, patience=BRISK)


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A model of 5 GB with a header of 6 MB, on this disk."""
    words = {"tokenizer.ggml.tokens": [f"word {number} {'x' * 40}" for number in range(100_000)]}
    llama(tmp_path / NAME, LLAMA_8B, {**PLANNABLE, **words})
    return tmp_path / NAME


def serving(*paths: Path, cdn: bool = True) -> HubServer:
    return HubServer({"org/repo": {path.name: Stored(path, sha256="0" * 64) for path in paths}}, cdn=cdn)


def plain(hub: HubServer, name: str = NAME) -> str:
    """The address of a file on a server that is no hub."""
    return f"{hub.cdn_url}/cdn/org/repo/file/{name}"


def page(hub: HubServer, name: str = NAME, kind: str = "blob") -> str:
    return f"{hub.url}/org/repo/{kind}/main/{name}"


def is_empty(folder: Path) -> bool:
    return not list(folder.glob("*"))


def told(preview: Preview) -> dict[str, Any]:
    """A report, without what tells where the model lies and how long it took."""
    report = preview.report(OPTIONS, HOST).to_json(0)
    del report["model"]["path"]
    return report


def small(path: Path, **more: Any) -> Path:
    """A model of 128 KB, which is fetched in one piece."""
    metadata = {"general.architecture": "llama", "llama.block_count": 1, "llama.embedding_length": 256, **more}
    return write_gguf(path, metadata, [("token_embd.weight", (256, 1024), "Q4_K")])


# The same as for a file


@pytest.mark.parametrize("kind", ["plain", "blob", "resolve"])
async def test_the_preview_is_that_of_the_file(here: Path, models: RemoteModels, kind: str) -> None:
    with serving(here) as hub:
        there = RemoteModels(Path("unused"), endpoint=hub.url)
        preview = await there.inspect(plain(hub) if kind == "plain" else page(hub, kind=kind))
        assert told(preview) == told(Preview.inspect(here))
        assert preview.header.path == Path(NAME)
        assert preview.title == Preview.inspect(here).title
        assert preview.header.header_bytes <= hub.served < preview.header.header_bytes + 4 * MIB


async def test_one_look_without_a_session(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(here) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        preview = await remote.inspect(f"https://huggingface.co/org/repo/blob/main/{NAME}")
        assert told(preview) == told(Preview.inspect(here))


async def test_the_engine_plans_it_as_it_plans_the_file(here: Path, models: RemoteModels, folder: Path) -> None:
    with serving(here) as hub:
        for address in (plain(hub), f"{plain(hub)}?copy=1"):
            assert await models.plan(address, OPTIONS) == await dry_run.plan(here, OPTIONS)
        assert hub.served < 20 * MIB
        assert is_empty(folder)


async def test_a_model_of_400_gb_takes_no_room(tmp_path: Path, models: RemoteModels) -> None:
    shape = {**LLAMA_8B, "block_count": 96, "embedding_length": 16_384, "feed_forward_length": 53_248}
    path = tmp_path / NAME
    size = llama(path, {**shape, "attention.head_count": 128}, PLANNABLE).total_size
    assert size > 150e9
    header = read_model(path)
    os.truncate(path, 400 * 10**9)
    with serving(path) as hub:
        begin = time.perf_counter()
        async with models.laid_out(plain(hub)) as sparse:
            status = os.stat(sparse)  # noqa: PTH116
            assert status.st_size == 400 * 10**9
            assert status.st_blocks * 512 < 4 * MIB
            assert read_model(sparse).tensors == header.tensors
        assert not sparse.parent.exists()
        plan = await models.plan(plain(hub), OPTIONS)
        print(f"{time.perf_counter() - begin:.2f} s")
        assert plan.host.model == pytest.approx(header.tensor_bytes, rel=0.01)
        assert hub.served < 2 * MIB


# Sets


@pytest.fixture
def parts(tmp_path: Path) -> list[Path]:
    """A Llama of 8B in 5 files."""
    header = llama(tmp_path / "whole.gguf", LLAMA_8B, PLANNABLE)
    tensors = [(tensor.name, tensor.shape, tensor.type_name) for tensor in header.tensors]
    return write_split_set(tmp_path, "Llama-8B-Q4_K_M", dict(header.metadata), tensors, 5)


@pytest.mark.parametrize("opened", [0, 1, 4])
async def test_all_parts_of_a_set_are_read(parts: list[Path], models: RemoteModels, opened: int) -> None:
    with serving(*parts) as hub:
        preview = await models.inspect(plain(hub, parts[opened].name))
        assert told(preview) == told(Preview.inspect(parts[0]))
        assert preview.header.tensors == read_model(parts[0]).tensors
        assert preview.header.files == tuple(Path(part.name) for part in parts)
        assert len(hub.requests) == 5
        assert hub.served < 2 * MIB + 5 * 32 * KIB
        assert await models.plan(plain(hub, parts[opened].name), OPTIONS) == await dry_run.plan(parts[0], OPTIONS)
        assert len(hub.requests) == 5  # what was inspected is what is planned


async def test_a_set_without_one_of_its_parts(parts: list[Path], models: RemoteModels) -> None:
    with serving(*parts[:2], *parts[3:]) as hub:
        there = RemoteModels(Path("unused"), endpoint=hub.url, patience=BRISK)
        for session, address in ((models, plain(hub, parts[0].name)), (there, page(hub, parts[0].name))):
            with pytest.raises(NotFound, match=r"00003-of-00005\.gguf could not be found"):
                await session.inspect(address)


async def test_a_set_of_parts_that_do_not_belong_together(parts: list[Path], models: RemoteModels) -> None:
    parts[3].unlink()
    parts[3].symlink_to(parts[2])
    words = "by its name it is part 4 of 5, but it says part 3 of 5"
    with serving(*parts) as hub, pytest.raises(Malformed, match=words):
        await models.inspect(plain(hub, parts[0].name))


# Servers


@pytest.mark.parametrize("measured", [True, False])
async def test_a_server_without_ranges_is_left_as_soon_as_there_is_enough(
    here: Path, models: RemoteModels, measured: bool
) -> None:
    with serving(here) as hub:
        hub.always["bytes"] = Play(ignore_range=True, unmeasured=not measured)
        preview = await models.inspect(plain(hub))
        assert told(preview) == {**told(Preview.inspect(here)), "model": told(preview)["model"]}
        assert preview.header.total_size == pytest.approx(read_model(here).total_size, abs=64)
        assert len(hub.requests) == 1
        assert hub.served < MOST_FETCHED


@pytest.mark.parametrize("size", [None, 700])
async def test_a_small_file_whose_size_nobody_tells(tmp_path: Path, models: RemoteModels, size: int | None) -> None:
    path = small(tmp_path / NAME)
    if size is not None:
        os.truncate(path, size)  # the connection was cut, and nothing tells it but the header
    with serving(path) as hub:
        hub.always["bytes"] = Play(ignore_range=True, unmeasured=True)
        if size is None:
            assert told(await models.inspect(plain(hub))) == told(Preview.inspect(path))
        else:
            with pytest.raises(Truncated, match="it ends after 700 of"):
                await models.inspect(plain(hub))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_followed(here: Path, models: RemoteModels, status: int) -> None:
    with serving(here) as hub:
        steps = [Play(status=status, headers={"Location": f"{plain(hub)}?step={number}"}) for number in range(3)]
        hub.play("bytes", *steps)
        assert told(await models.inspect(plain(hub))) == told(Preview.inspect(here))
        asked = [request.path.partition("?")[2] for request in hub.requests]
        assert asked[:4] == ["", "step=0", "step=1", "step=2"]


async def test_an_address_that_was_sent_on_to_may_expire(here: Path, models: RemoteModels) -> None:
    with serving(here) as hub:
        there = RemoteModels(Path("unused"), endpoint=hub.url, patience=BRISK)
        hub.play("bytes", Play(), Play(status=403))
        assert told(await there.inspect(page(hub))) == told(Preview.inspect(here))
        assert len(hub.at("resolve")) == 2


@pytest.mark.parametrize("target", ["itself", "file:///etc/passwd", "http://127.0.0.1:9/a.gguf", "http://[::1"])
async def test_redirects_that_lead_nowhere(here: Path, models: RemoteModels, target: str) -> None:
    with serving(here) as hub:
        location = plain(hub) if target == "itself" else target
        hub.always["bytes"] = Play(status=302, headers={"Location": location})
        with pytest.raises((BadAnswer, Interrupted, Unreachable)):
            await models.inspect(plain(hub))


async def test_the_token_goes_to_the_hub_alone(here: Path, models: RemoteModels) -> None:
    with serving(here) as hub:
        hub.private = {"org/repo"}
        there = RemoteModels(Path("unused"), endpoint=hub.url, token="good-token")
        assert told(await there.inspect(page(hub))) == told(Preview.inspect(here))
        assert all(request.headers["authorization"] == "Bearer good-token" for request in hub.at("resolve"))
        await there.inspect(f"{plain(hub)}?elsewhere=1")
        assert len(hub.at("bytes")) >= 4
        assert not any("authorization" in request.headers for request in hub.at("bytes"))
        with pytest.raises(NotFound):
            await RemoteModels(Path("unused"), endpoint=hub.url).inspect(page(hub))


@pytest.mark.parametrize(
    ("play", "error", "words"),
    [
        (Play(status=401), Gated, "not open to everyone"),
        (Play(status=403), Gated, "not open to everyone"),
        (Play(status=404), NotFound, "could not be found"),
        (Play(status=410), NotFound, "could not be found"),
        (Play(status=400), BadAnswer, "status 400"),
        (Play(status=418), BadAnswer, "status 418"),
        (Play(status=204), BadAnswer, "status 204"),
        (Play(status=416), BadAnswer, "status 416"),
        (Play(status=408), Interrupted, "status 408"),
        (Play(status=429), Interrupted, "status 429"),
        (Play(status=429, headers={"Retry-After": "9" * 5000}), Interrupted, "status 429"),
        (Play(status=500), Interrupted, "status 500"),
        (Play(status=503, headers={"Retry-After": "0"}), Interrupted, "status 503"),
        (Play(drop_after=0), Interrupted, "could not be read"),
        (Play(drop_after=1000), Interrupted, "could not be read"),
        (Play(drop_after=1000, ignore_range=True), Interrupted, "could not be read"),
        (Play(stall_after=1000), Interrupted, "nothing came for a while"),
        (Play(content_range=""), BadAnswer, "without saying which"),
        (Play(content_range="bytes */5"), BadAnswer, "without saying which"),
        (Play(content_range="bytes 5-9/4"), BadAnswer, "says that it sent"),
        (Play(content_range="bytes 5-9/400"), BadAnswer, "says that it sent"),
        (Play(content_range="bytes 9-5/400"), BadAnswer, "says that it sent"),
        (Play(content_range=f"bytes 0-99/{'9' * 5000}"), BadAnswer, "without saying which"),
        (Play(content_range=f"bytes 0-{2**62}/{2**62 + 1}"), BadAnswer, "without saying which"),
        (Play(content_range="items 0-99/100"), BadAnswer, "without saying which"),
        (Play(content_range="bytes 0-99/100"), Truncated, "it ends after 100 bytes"),
        (Play(content_range="bytes 0-9999999/10000000"), BadAnswer, "should have 10000000 bytes, and it says 147680"),
        (Play(content_length="-1"), Interrupted, "could not be read"),
        (Play(content_length="many"), Interrupted, "could not be read"),
        (Play(content_length="1000"), Interrupted, "could not be read"),
        (Play(content_length="9" * 15, ignore_range=True), Interrupted, "could not be read"),
        (Play(content_length="100", ignore_range=True), Truncated, "it ends after 100 bytes"),
        (Play(headers={"Content-Encoding": "gzip"}), BadAnswer, "compressed"),
        (Play(content=b""), Truncated, r"it is empty \(0 bytes\)"),
        (Play(content=b"", ignore_range=True), Truncated, r"it is empty \(0 bytes\)"),
        (Play(content=b"", ignore_range=True, unmeasured=True), Truncated, r"it is empty \(0 bytes\)"),
        (Play(content=b"<!doctype html>" * 99), NotGguf, "a web page"),
        (Play(content=b"GGUF\x03\0\0\0"), Truncated, "it ends after 8 bytes"),
    ],
)
async def test_servers_that_do_as_they_should_not(
    tmp_path: Path, models: RemoteModels, play: Play, error: type[Exception], words: str
) -> None:
    with serving(small(tmp_path / NAME)) as hub:
        hub.always["bytes"] = play
        begin = time.perf_counter()
        with pytest.raises(error, match=words) as caught:
            await models.inspect(plain(hub))
        assert time.perf_counter() - begin < 10
        assert str(caught.value).isprintable()
        assert hub.served < 2 * MIB


@pytest.mark.parametrize(
    "play",
    [
        Play(content_range="bytes 0-147999/*"),
        Play(drop_after=70_000),
    ],
)
async def test_wrong_lengths_that_do_no_harm(tmp_path: Path, models: RemoteModels, play: Play) -> None:
    words = {"tokenizer.ggml.tokens": ["x" * 60] * 1000}
    path = small(tmp_path / NAME, **words)
    expected = told(Preview.inspect(path))
    with serving(path) as hub:
        hub.play("bytes", play)
        got = told(await models.inspect(plain(hub)))
    assert got == {**expected, "model": {**expected["model"], "file_bytes": got["model"]["file_bytes"]}}


async def test_a_connection_that_breaks_again_and_again_but_goes_on(here: Path, models: RemoteModels) -> None:
    with serving(here) as hub:
        hub.always["bytes"] = Play(drop_after=MIB + 1)
        assert told(await models.inspect(plain(hub))) == told(Preview.inspect(here))
        assert hub.served < 10 * MIB


async def test_a_file_that_is_replaced_meanwhile(here: Path, models: RemoteModels) -> None:
    with serving(here) as hub:
        for second in (Play(etag='"another"'), Play(content_range=f"bytes {MIB}-{2 * MIB}/{3 * MIB}")):
            hub.play("bytes", Play(), second)
            with pytest.raises(BadAnswer, match=r"another file|should have"):
                await models.inspect(plain(hub))


async def test_crumbs_are_not_waited_for(here: Path, models: RemoteModels) -> None:
    size = read_model(here).total_size
    with serving(here) as hub:
        told_ranges = [f"bytes {at}-{at}/{size}" for at in range(100)]
        hub.play("bytes", *(Play(content_range=each, content_length="1") for each in told_ranges))
        with pytest.raises(BadAnswer, match="it handed out only 64 bytes in 64 answers"):
            await models.inspect(plain(hub))


async def test_a_port_that_nobody_listens_on(models: RemoteModels) -> None:
    with pytest.raises(Unreachable, match="could not be reached"):
        await models.inspect("http://127.0.0.1:9/a.gguf")


async def test_off_line_by_choice(here: Path, models: RemoteModels, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with serving(here) as hub:
        with pytest.raises(Unreachable, match="HF_HUB_OFFLINE"):
            await RemoteModels(Path("unused"), endpoint=hub.url).inspect(page(hub))
        assert hub.requests == []
        assert told(await models.inspect(plain(hub))) == told(Preview.inspect(here))  # no hub is asked


# How much


async def test_the_header_of_a_large_vocabulary_is_a_few_requests(tmp_path: Path, models: RemoteModels) -> None:
    """262,144 tokens with scores and types, and 515,000 merges, as Gemma 3 has them, over a line of 30 ms."""
    words = [f"▁t{number}" for number in range(262_144)]
    merges = [f"a{number} b{number}" for number in range(515_000)]
    more = {"tokens": words, "scores": [0.5] * 262_144, "token_type": [1] * 262_144, "merges": merges}
    llama(tmp_path / NAME, LLAMA_8B, {f"tokenizer.ggml.{key}": value for key, value in more.items()})
    header_bytes = read_model(tmp_path / NAME).header_bytes
    with serving(tmp_path / NAME) as hub:
        hub.latency_s = 0.03
        there = RemoteModels(Path("unused"), endpoint=hub.url)
        begin = time.perf_counter()
        await there.inspect(page(hub))
        seconds = time.perf_counter() - begin
        print(f"{header_bytes:,} bytes of header: {len(hub.requests)} requests, {hub.served:,} bytes, {seconds:.2f} s")
        assert len(hub.at("bytes")) <= 3
        assert len(hub.at("resolve")) == 1
        assert hub.served < header_bytes + 8 * MIB


@pytest.mark.parametrize("ignore_range", [False, True])
async def test_never_more_than_64_mb_are_fetched(tmp_path: Path, models: RemoteModels, ignore_range: bool) -> None:
    endless = {"tokenizer.ggml.tokens": ["x" * 100_000] * 900}
    llama(tmp_path / NAME, LLAMA_8B, endless)
    assert read_model(tmp_path / NAME).header_bytes > 90e6
    with serving(tmp_path / NAME) as hub:
        hub.always["bytes"] = Play(ignore_range=ignore_range)
        with pytest.raises(TooLong, match="does not end within the 56 MB") as caught:
            await models.inspect(plain(hub))
        assert "Download the file" in caught.value.hint
        assert 50e6 < hub.served < MOST_FETCHED


async def test_a_server_without_ranges_that_breaks_is_not_asked_for_more_either(
    tmp_path: Path, models: RemoteModels
) -> None:
    llama(tmp_path / NAME, LLAMA_8B, {"tokenizer.ggml.tokens": ["x" * 100_000] * 400})
    with serving(tmp_path / NAME) as hub:
        hub.always["bytes"] = Play(ignore_range=True, drop_after=30_000_000)
        with pytest.raises((TooLong, Interrupted)):
            await models.inspect(plain(hub))
        assert hub.served < MOST_FETCHED


# What is kept


async def test_who_asks_again_costs_one_byte(here: Path, models: RemoteModels) -> None:
    with serving(here) as hub:
        first = await models.inspect(plain(hub))
        served = hub.served
        assert (await models.inspect(plain(hub))).header is first.header
        assert hub.served == served + 1


@pytest.mark.parametrize("etag", ["", None])
async def test_a_file_that_was_replaced_is_read_again(tmp_path: Path, models: RemoteModels, etag: str | None) -> None:
    with serving(small(tmp_path / NAME)) as hub:
        hub.always["bytes"] = Play(etag=etag)  # with none, the size tells
        assert (await models.inspect(plain(hub))).header.block_count == 1
        hub.put("org/repo", NAME, small(tmp_path / "other.gguf", **{"llama.block_count": 2, "general.name": "x" * 999}))
        assert (await models.inspect(plain(hub))).header.block_count == 2


# What is hostile


async def test_a_header_that_has_the_engine_take_all_memory(tmp_path: Path, models: RemoteModels) -> None:
    # 32 nodes of the graph for each of 9,000 tensors, and 20 KB for each node; without the limit it would be planned.
    shape = by_name("qwen3-next-80b-a3b")
    path = write(tmp_path, replace(shape, name=NAME.removesuffix(".gguf"), keys={**shape.keys, "block_count": 512}))
    assert path.name == NAME
    with serving(tmp_path / NAME) as hub:
        preview = await models.inspect(plain(hub))
        assert preview.report(OPTIONS, HOST).need.total > 0
        begin = time.perf_counter()
        with pytest.raises(
            EngineError, match=r"Llama-8B-Q4_K_M.gguf could not be planned.*more than 2.50 GiB"
        ) as caught:
            await models.plan(plain(hub), OPTIONS)
        print(f"{time.perf_counter() - begin:.2f} s")
        assert caught.value.fault is Fault.OUT_OF_MEMORY
        assert "made to do harm" in caught.value.hint


async def test_a_header_that_the_engine_takes_too_long_over(here: Path, models: RemoteModels) -> None:
    with serving(here) as hub:
        await models.inspect(plain(hub))
        with pytest.raises(EngineError, match="made to do harm") as caught:
            await models.plan(plain(hub), OPTIONS, within_s=0.01)
        assert caught.value.fault is Fault.TIMEOUT


async def test_what_the_engine_cannot_plan(tmp_path: Path, models: RemoteModels) -> None:
    with serving(small(tmp_path / NAME)) as hub:
        with pytest.raises(EngineError, match="the header lacks") as caught:
            await models.plan(plain(hub), OPTIONS)
        assert NAME in str(caught.value)


async def test_what_no_preview_can_be_made_of_is_shown_to_no_engine(tmp_path: Path, folder: Path) -> None:
    models = RemoteModels(folder, command=("/no/such/program",))
    with serving(small(tmp_path / NAME, **{"llama.attention.head_count": -5})) as hub:
        for ask in (models.inspect(plain(hub)), models.plan(plain(hub), OPTIONS)):
            with pytest.raises(Malformed):
                await ask


async def test_names_that_a_server_chose_lead_nowhere(here: Path, models: RemoteModels, folder: Path) -> None:
    with serving(here) as hub:
        hub.put("org/repo", "../../escape.gguf", Stored(here, sha256="0" * 64))
        async with models.laid_out(plain(hub, "..%2F..%2Fescape.gguf")) as path:
            assert path.parent.parent == folder
            assert path.name == "model.gguf"


# Where headers are laid out


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Files of this process may have so many bytes, as on a file system that has such a bound."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_disk_that_cannot_hold_so_large_a_file(here: Path, models: RemoteModels) -> None:
    with serving(here) as hub:
        await models.inspect(plain(hub))
        with largest_file(4 * GIB - 1), pytest.raises(NotStored, match=r"cannot hold a file of 5\.\d GB"):
            await models.plan(plain(hub), OPTIONS)


async def test_a_folder_that_cannot_be_written(here: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with serving(here) as hub, pytest.raises(NotStored):
        await RemoteModels(tmp_path / "file" / "headers").plan(plain(hub), OPTIONS)


async def test_what_a_killed_process_left_is_swept(here: Path, models: RemoteModels, folder: Path) -> None:
    gone = await asyncio.create_subprocess_exec(sys.executable, "-c", "")
    await gone.wait()
    left, kept = folder / f"header-{gone.pid}-abc", folder / f"header-{os.getppid()}-abc"
    left.mkdir(parents=True)
    kept.mkdir()
    (left / "model.gguf").write_bytes(b"GGUF")
    with serving(here) as hub:
        async with models.laid_out(plain(hub)):
            assert not left.exists()
            assert kept.exists()
    kept.rmdir()


# Cancelling


@pytest.mark.parametrize("sent", [0, 1000, 3 * MIB])
async def test_cancelling_a_look_ends_it_at_once(here: Path, models: RemoteModels, sent: int) -> None:
    loop = asyncio.get_running_loop()
    with serving(here) as hub:
        hub.always["bytes"] = Play(stall_after=sent)
        patient = RemoteModels(Path("unused"), patience=Patience(stall_s=60))
        looking = asyncio.create_task(patient.inspect(plain(hub)))
        await hub.has_served(min(sent, MIB))
        await asyncio.sleep(0.05)
        begin = loop.time()
        looking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await looking
        await asyncio.wait_for(loop.shutdown_default_executor(), 5)  # no thread waits for bytes
        assert loop.time() - begin < 2


@pytest.mark.parametrize("turns", [0, 1, 2, 4, 8, 16, 24])
async def test_cancelling_a_plan_leaves_nothing(here: Path, models: RemoteModels, folder: Path, turns: int) -> None:
    with serving(here) as hub:
        await models.inspect(plain(hub))
        planning = asyncio.create_task(models.plan(plain(hub), OPTIONS))
        for _ in range(turns):
            await asyncio.sleep(0.005)
        planning.cancel()
        await asyncio.wait([planning])
        assert not processes.children()
        assert is_empty(folder)
