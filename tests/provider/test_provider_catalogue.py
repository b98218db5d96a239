"""From a model's name to its file: on this disk, in the Hugging Face cache, or on a hub that plays one."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from gguf_writer import write_gguf, write_split_set
from hub_server import HubServer, Play

from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.engine.errors import EngineError, Fault
from nodetool_xl_desktop.engine.pool import Pool
from nodetool_xl_desktop.fit.options import LoadSettings
from nodetool_xl_desktop.library.models import ModelLibrary
from nodetool_xl_desktop.provider import LanguageModel, XLlamaCppProvider

REPO = "ggml-org/Tiny-GGUF"
LLAMA = {
    "general.architecture": "llama",
    "llama.block_count": 1,
    "llama.context_length": 2048,
    "llama.embedding_length": 256,
    "llama.feed_forward_length": 256,
    "llama.attention.head_count": 4,
    "tokenizer.chat_template": "{{ messages }}",
}
TENSORS = [("token_embd.weight", (256, 64), "F32"), ("output.weight", (256, 64), "F32")]

#: Finds the file of a model as a load would, and fetches it where it is on no disk.
Find = Callable[[str | Path], Path]


@pytest.fixture
def provider(paths: Paths) -> XLlamaCppProvider:
    return XLlamaCppProvider(Pool(), paths)


@pytest.fixture
def find(provider: XLlamaCppProvider) -> Find:
    return lambda model: asyncio.run(provider.prepare(model, LoadSettings())).path


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    with HubServer({}) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        yield server


def model(path: Path, rows: int = 64) -> Path:
    """A file that is a model; more rows make it larger."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_gguf(path, LLAMA, [("token_embd.weight", (256, rows), "F32")])


def content(tmp_path: Path, rows: int = 64) -> bytes:
    return model(tmp_path / "content.gguf", rows).read_bytes()


def in_cache(repo_id: str, *names: str) -> list[Path]:
    """As huggingface_hub lays it out: links into `blobs`."""
    repository = Path(os.environ["HF_HUB_CACHE"]) / f"models--{repo_id.replace('/', '--')}"
    paths = []
    for size, name in enumerate(names, 1):
        path = repository / "snapshots" / ("a" * 40) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(model(repository / "blobs" / name.replace("/", "-"), 64 * size))
        paths.append(path)
    return paths


def refused(find: Find, name: str | Path) -> EngineError:
    with pytest.raises(EngineError) as error:
        find(name)
    return error.value


def listed(provider: XLlamaCppProvider) -> list[LanguageModel]:
    return asyncio.run(provider.get_available_language_models())


# Files


def test_a_path_is_a_model(find: Find, tmp_path: Path) -> None:
    path = model(tmp_path / "some model.gguf")
    assert find(path) == find(str(path)) == path


def test_a_relative_path_counts_from_here(find: Find, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = model(tmp_path / "here" / "org" / "a.gguf")
    monkeypatch.chdir(tmp_path / "here")
    assert find("org/a.gguf") == find("./org/a.gguf") == find(Path("org/a.gguf")) == path


def test_a_tilde_is_the_home_folder(find: Find) -> None:
    path = model(Path.home() / "models" / "a.gguf")
    assert find("~/models/a.gguf") == path


def test_a_folder_of_that_name_does_not_hide_a_repository(
    find: Find, paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = model(paths.models / REPO / "tiny-Q8_0.gguf")
    (tmp_path / "here" / REPO).mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    assert find(REPO) == path


@pytest.mark.parametrize("name", ["tiny-Q8_0.gguf", "tiny-Q8_0", "TINY-q8_0.GGUF", "tiny", "tiny Q8_0"])
def test_a_model_of_my_models_by_its_name(find: Find, paths: Paths, name: str) -> None:
    path = model(paths.models / "tiny-Q8_0.gguf")
    model(paths.models / "other-Q8_0.gguf")
    assert find(name) == path


def test_a_model_that_was_opened_once_by_its_name(find: Find, paths: Paths, tmp_path: Path) -> None:
    path = ModelLibrary(paths).add(model(tmp_path / "elsewhere" / "mine.gguf"))
    assert find("mine.gguf") == path


@pytest.mark.parametrize(
    "name", ["", " ", "nothing", "nothing.gguf", "./a/b", "../x", "a\\b", "a/b:", "x" * 5000, "a\0b", "\ud800", "."]
)
def test_a_name_that_nothing_has(find: Find, name: str) -> None:
    error = refused(find, name)
    assert error.fault is Fault.NO_MODEL
    assert "My Models" in error.why
    assert "org/repo" in error.hint


@pytest.mark.parametrize("name", ["missing.gguf", "folder.gguf", "bad\0name.gguf"])
def test_a_path_that_leads_nowhere_is_told_by_its_name(find: Find, tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.gguf").mkdir()
    error = refused(find, tmp_path / name)
    assert error.fault is Fault.FILE
    assert "gguf" in error.what


def test_what_is_no_model_is_told(find: Find, tmp_path: Path) -> None:
    (tmp_path / "a.gguf").write_text("words")
    assert refused(find, tmp_path / "a.gguf").fault is Fault.NOT_A_MODEL


def test_a_header_is_read_again_when_its_file_has_changed(provider: XLlamaCppProvider, tmp_path: Path) -> None:
    path = tmp_path / "a.gguf"

    async def context_length() -> int:
        return (await provider.prepare(path, LoadSettings())).options.context_length

    for told in (1024, 2048):
        write_gguf(path, {**LLAMA, "llama.context_length": told}, TENSORS[:1])
        os.utime(path, (told, told))
        assert asyncio.run(context_length()) == told


def test_any_part_of_a_split_set_is_the_set(find: Find, tmp_path: Path) -> None:
    parts = write_split_set(tmp_path, "set-Q8_0", LLAMA, TENSORS, 2)
    assert find(parts[0]) == find(parts[1]) == parts[0]


# Repositories that are here


def test_a_repository_in_the_models_folder(find: Find, paths: Paths) -> None:
    small = model(paths.models / REPO / "tiny-Q2_K.gguf")
    large = model(paths.models / REPO / "tiny-Q8_0.gguf", 128)
    model(paths.models / "ggml-org" / "Other-GGUF" / "tiny-Q8_0.gguf")
    assert find(REPO) == find(f"{REPO}:Q8_0") == find(f"{REPO}:q8_0") == large
    assert find(f"{REPO}:Q2_K") == find(f"{REPO}/tiny-Q2_K.gguf") == small


def test_a_repository_in_the_hugging_face_cache(find: Find) -> None:
    small, large = in_cache(REPO, "tiny-Q2_K.gguf", "tiny-Q8_0.gguf")
    assert find(REPO) == find(f"{REPO}:Q8_0") == large
    assert find(f"{REPO}:Q2_K") == find(f"{REPO}/tiny-Q2_K.gguf") == small


def test_a_file_whose_name_ends_as_anothers_is_another(find: Find, paths: Paths) -> None:
    """A repository may hold `model.gguf` and `big-model.gguf`."""
    for folder in (paths.models / REPO, Path(os.environ["HF_HUB_CACHE"]) / "models--a--b" / "snapshots" / "c"):
        big, plain = model(folder / "big-model.gguf", 128), model(folder / "model.gguf")
        name = REPO if folder.is_relative_to(paths.models) else "a/b"
        assert find(f"{name}/model.gguf") == plain
        assert find(f"{name}/big-model.gguf") == big


def test_two_folders_with_files_of_one_name(find: Find, provider: XLlamaCppProvider) -> None:
    low, high = in_cache(REPO, "Q2_K/tiny.gguf", "Q8_0/tiny.gguf")
    assert find(f"{REPO}:Q2_K") == find(f"{REPO}/Q2_K/tiny.gguf") == low
    assert find(f"{REPO}:Q8_0") == find(f"{REPO}/Q8_0/tiny.gguf") == high
    assert [each.id for each in listed(provider)] == [f"{REPO}/Q2_K/tiny.gguf", f"{REPO}/Q8_0/tiny.gguf"]


def test_what_was_fetched_comes_before_the_cache(find: Find, paths: Paths) -> None:
    in_cache(REPO, "tiny-Q8_0.gguf", "tiny-F16.gguf")
    own = model(paths.models / REPO / "tiny-Q8_0.gguf")
    assert find(REPO) == find(f"{REPO}:Q8_0") == own
    assert find(f"{REPO}:F16").name == "tiny-F16.gguf"


# The list


def test_everything_that_is_here_is_listed_and_each_id_is_a_model(
    provider: XLlamaCppProvider, find: Find, paths: Paths, tmp_path: Path
) -> None:
    (paths.models / "some" / "folder").mkdir(parents=True)
    (paths.models / "org" / "half").mkdir(parents=True)
    (paths.models / "org" / "half" / "tiny-Q8_0.gguf.part").write_bytes(b"GGUF")
    split = write_split_set(paths.models, "set-Q8_0", LLAMA, TENSORS, 2)
    expected = {
        ModelLibrary(paths).add(model(tmp_path / "opened.gguf")),
        model(paths.models / "own-Q8_0.gguf"),
        split[0],
        model(paths.models / REPO / "fetched-Q8_0.gguf"),
        model(paths.models / REPO / "deeper" / "fetched-Q2_K.gguf"),
        *in_cache("org/cached", "cached-Q8_0.gguf", "sub/cached-Q2_K.gguf"),
        *in_cache("old-model-without-organisation", "old-Q8_0.gguf"),
    }
    in_cache("org/vision", "mmproj-F16.gguf")
    found = listed(provider)
    assert {each.path for each in found} == expected
    assert len(found) == len(expected)
    for each in found:
        assert find(each.id) == each.path
        assert each.size == each.path.stat().st_size
        assert each.name
        assert provider.has_tool_support(each.id)
    assert len({each.id for each in found}) == len(found)


def test_a_model_that_was_fetched_and_is_cached_too_is_two_files_with_an_id_each(
    provider: XLlamaCppProvider, find: Find, paths: Paths
) -> None:
    (cached,) = in_cache(REPO, "tiny-Q8_0.gguf")
    own = model(paths.models / REPO / "tiny-Q8_0.gguf")
    assert {find(each.id) for each in listed(provider)} == {own, cached}
    assert find(REPO) == own


def test_what_is_known_to_be_no_model_is_not_offered(
    provider: XLlamaCppProvider, find: Find, paths: Paths, tmp_path: Path
) -> None:
    good = model(paths.models / "good-Q8_0.gguf")
    write_gguf(paths.models / "short-Q8_0.gguf", LLAMA, TENSORS, truncate_to=20_000)
    write_gguf(paths.models / "mmproj-F16.gguf", {"general.architecture": "clip"}, TENSORS)
    write_split_set(paths.models, "set-Q8_0", LLAMA, TENSORS, 2)[1].unlink()
    assert {each.path.name for each in listed(provider)} == {"good-Q8_0.gguf", "short-Q8_0.gguf"}
    ModelLibrary(paths, tmp_path / "home").scan()  # now it is known that one is broken
    assert [each.path for each in listed(provider)] == [good]
    assert refused(find, "short-Q8_0.gguf").fault is Fault.TRUNCATED


def test_a_cached_model_that_was_opened_is_offered_once(provider: XLlamaCppProvider, paths: Paths) -> None:
    (cached,) = in_cache(REPO, "tiny-Q8_0.gguf")
    ModelLibrary(paths).add(cached)
    ModelLibrary(paths).add(cached.resolve())
    assert [(each.id, each.path) for each in listed(provider)] == [(f"{REPO}/tiny-Q8_0.gguf", cached)]


def test_an_empty_machine_has_no_models(provider: XLlamaCppProvider) -> None:
    assert listed(provider) == []


def test_what_cannot_chat_has_no_tools(provider: XLlamaCppProvider, tmp_path: Path, hub: HubServer) -> None:
    projector = write_gguf(tmp_path / "mmproj.gguf", {"general.architecture": "clip"}, TENSORS)
    (tmp_path / "words.gguf").write_text("words")
    hub.put(REPO, "tiny-Q8_0.gguf", content(tmp_path))
    for name in (projector, tmp_path / "words.gguf", tmp_path / "missing.gguf", "nothing", REPO):
        assert not provider.has_tool_support(name)
    assert hub.requests == []


# From a hub


def test_a_model_is_fetched_once(find: Find, paths: Paths, hub: HubServer, tmp_path: Path) -> None:
    hub.put(REPO, "tiny-Q8_0.gguf", content(tmp_path))
    path = paths.models / REPO / "tiny-Q8_0.gguf"
    assert find(REPO) == path
    asked = len(hub.requests)
    assert hub.served == path.stat().st_size
    assert find(REPO) == find(f"{REPO}:Q8_0") == find(f"{REPO}/tiny-Q8_0.gguf") == path
    assert len(hub.requests) == asked


def test_without_network_what_was_fetched_is_there(
    find: Find, hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.put(REPO, "tiny-Q8_0.gguf", content(tmp_path))
    path = find(REPO)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert find(REPO) == path


def test_a_dropped_download_goes_on_where_it_ended(find: Find, hub: HubServer, tmp_path: Path) -> None:
    whole = content(tmp_path, 4096)
    hub.put(REPO, "tiny-Q8_0.gguf", whole)
    hub.play("bytes", Play(drop_after=2_500_000))
    assert find(REPO).read_bytes() == whole
    first, second = hub.at("bytes")
    assert "range" not in first.headers
    assert second.headers["range"].startswith("bytes=")
    assert hub.served < len(whole) + 1_000_000


def test_two_who_ask_at_once_fetch_once(provider: XLlamaCppProvider, hub: HubServer, tmp_path: Path) -> None:
    hub.put(REPO, "tiny-Q8_0.gguf", content(tmp_path, 1024))

    async def both() -> set[Path]:
        prepared = await asyncio.gather(*(provider.prepare(REPO, LoadSettings()) for _ in range(2)))
        return {each.path for each in prepared}

    (path,) = asyncio.run(both())
    assert hub.served == path.stat().st_size


def test_progress_is_told_while_it_is_fetched(provider: XLlamaCppProvider, hub: HubServer, tmp_path: Path) -> None:
    hub.put(REPO, "tiny-Q8_0.gguf", content(tmp_path, 4096))
    told: list[tuple[int, int]] = []
    path = asyncio.run(provider.prepare(REPO, LoadSettings(), lambda *now: told.append(now))).path
    assert {total for _, total in told} == {path.stat().st_size}
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1][0] == told[-1][1]


BUILDS = {"tiny-Q2_K.gguf": 64, "tiny-Q8_0.gguf": 128, "tiny-F16.gguf": 256, "mmproj-F16.gguf": 64}


def test_the_best_quantization_that_fits_is_fetched(find: Find, hub: HubServer, tmp_path: Path) -> None:
    """8 bits where they fit: more would cost twice as much for nothing that one could notice."""
    for name, rows in BUILDS.items():
        hub.put(REPO, name, content(tmp_path, rows))
    assert find(REPO).name == "tiny-Q8_0.gguf"


def test_where_memory_is_short_a_smaller_one_is_fetched(
    provider: XLlamaCppProvider, hub: HubServer, tmp_path: Path
) -> None:
    """A context that takes all memory by itself leaves room for none, and then the smallest is tried."""
    for name, rows in BUILDS.items():
        hub.put(REPO, name, content(tmp_path, rows))
    prepared = asyncio.run(provider.prepare(REPO, LoadSettings(context_length=2**27, gpu_layers=0)))
    assert prepared.path.name == "tiny-Q2_K.gguf"


@pytest.mark.parametrize(("name", "fetched"), [(":F16", "tiny-F16.gguf"), ("/tiny-Q2_K.gguf", "tiny-Q2_K.gguf")])
def test_what_is_named_is_fetched(find: Find, hub: HubServer, tmp_path: Path, name: str, fetched: str) -> None:
    for build, rows in BUILDS.items():
        hub.put(REPO, build, content(tmp_path, rows))
    assert find(REPO + name).name == fetched
    # Another build of it is on the hub still, though one is here.
    assert find(f"{REPO}:Q8_0").name == "tiny-Q8_0.gguf"


def test_a_split_set_is_fetched_whole(find: Find, hub: HubServer, tmp_path: Path) -> None:
    for part in write_split_set(tmp_path, "tiny-Q8_0", LLAMA, TENSORS, 2):
        hub.put(REPO, part.name, part)
    path = find(REPO)
    assert path.name == "tiny-Q8_0-00001-of-00002.gguf"
    assert len(list(path.parent.glob("*.gguf"))) == 2


def test_of_a_split_set_the_part_that_is_missing_is_fetched(
    find: Find, paths: Paths, hub: HubServer, tmp_path: Path
) -> None:
    for part in write_split_set(tmp_path, "tiny-Q8_0", LLAMA, TENSORS, 2):
        hub.put(REPO, part.name, part)
    path = find(REPO)
    second = path.with_name("tiny-Q8_0-00002-of-00002.gguf")
    second.unlink()
    before = hub.served
    assert find(REPO) == path
    assert hub.served - before == second.stat().st_size


# What a hub may say


@pytest.mark.parametrize("name", [REPO, f"{REPO}:Q8_0", f"{REPO}/tiny.gguf"])
def test_a_repository_that_is_not_there(find: Find, hub: HubServer, name: str) -> None:
    error = refused(find, name)
    assert error.fault is Fault.NO_MODEL
    assert REPO in str(error)


@pytest.mark.parametrize("name", [":Q4_K_M", "/other.gguf"])
def test_a_build_that_is_not_there_names_those_that_are(find: Find, hub: HubServer, tmp_path: Path, name: str) -> None:
    hub.put(REPO, "tiny-Q8_0.gguf", content(tmp_path))
    error = refused(find, REPO + name)
    assert error.fault is Fault.NO_MODEL
    assert "Q8_0" in error.why


def test_a_repository_without_models(find: Find, hub: HubServer) -> None:
    hub.put(REPO, "model.safetensors", b"weights")
    assert refused(find, REPO).fault is Fault.NO_MODEL


def test_off_line_it_says_so(find: Find) -> None:
    error = refused(find, REPO)  # HF_ENDPOINT names an address where nobody listens
    assert error.fault is Fault.DOWNLOAD
    assert "could not be reached" in error.what
    assert "network" in error.hint


def test_told_to_stay_off_line_it_asks_nobody(find: Find, hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    error = refused(find, REPO)
    assert error.fault is Fault.DOWNLOAD
    assert "HF_HUB_OFFLINE" in error.why
    assert hub.requests == []


def test_a_token_opens_a_private_repository(paths: Paths, hub: HubServer, tmp_path: Path) -> None:
    hub.put(REPO, "tiny-Q8_0.gguf", content(tmp_path))
    hub.private.add(REPO)
    for token, opens in ((None, False), ("good-token", True)):
        provider = XLlamaCppProvider(Pool(), paths, endpoint=hub.url, token=token)
        prepared = provider.prepare(REPO, LoadSettings())
        if opens:
            assert asyncio.run(prepared).path.is_file()
        else:
            with pytest.raises(EngineError, match="token"):
                asyncio.run(prepared)


def test_a_file_that_is_no_model_is_not_loaded(find: Find, hub: HubServer) -> None:
    hub.put(REPO, "tiny-Q8_0.gguf", b"words")
    assert refused(find, REPO).fault is Fault.NOT_A_MODEL


def test_the_endpoint_of_the_caller_comes_before_the_environments(
    paths: Paths, hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.put(REPO, "tiny-Q8_0.gguf", content(tmp_path))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    provider = XLlamaCppProvider(Pool(), paths, endpoint=hub.url)
    assert asyncio.run(provider.prepare(REPO, LoadSettings())).path.is_file()
