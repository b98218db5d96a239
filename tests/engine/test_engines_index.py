"""Wheels of the engine on a server, in each form in which servers list them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import engine_wheels
import hub_server
import pytest
from wheel_server import Form, WheelServer

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.network import OffLine, WorksOffLine
from nodetool_xl_desktop.engine import wheel_index
from nodetool_xl_desktop.engine.wheel_file import WheelRefused

SOON = (0.0, 0.0, 0.0)
CODE = {"xllamacpp/__init__.py": b"x = 1\n" * 50_000}


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    hub_server.forget_environment(monkeypatch)


@pytest.fixture
def wheels(tmp_path: Path) -> list[Path]:
    """Two that fit, the older one first, and one for another system, which is newer."""
    made = tmp_path / "made"
    return [
        engine_wheels.wheel(made, CODE, version="2026.9.1"),
        engine_wheels.wheel(made, CODE, version="2026.10.1+cu128"),
        engine_wheels.wheel(made, CODE, version="2026.11.1", tag="cp311-cp311-win_amd64"),
    ]


def nothing(_done: int, _size: int | None) -> None:
    """Progress that nobody looks at."""


@pytest.mark.parametrize("form", ["html", "json", "page"])
async def test_the_newest_that_fits_comes_first_and_is_what_it_says(
    wheels: list[Path], tmp_path: Path, form: Form
) -> None:
    with WheelServer(wheels, form) as server:
        older, newest = wheels[0], wheels[1]
        found = await wheel_index.offers(server.index)
        assert [offer.name.file for offer in found] == [newest.name, older.name]
        assert found[0].sha256 == server.sha256(newest)
        assert found[0].size == (newest.stat().st_size if form == "json" else None)
        told: list[tuple[int, int | None]] = []
        fetched = await wheel_index.fetch(
            found[0], tmp_path / "coming", tmp_path, lambda done, size: told.append((done, size))
        )
        assert fetched.read_bytes() == newest.read_bytes()
        assert told[-1] == (newest.stat().st_size, newest.stat().st_size)
        assert [path for path in server.asked if path.startswith("/files")] == [
            f"/files/{newest.name}".replace("+", "%2B")
        ]


async def test_the_page_of_the_project_and_the_wheel_itself_can_be_named(wheels: list[Path]) -> None:
    with WheelServer(wheels) as server:
        assert len(await wheel_index.offers(f"{server.index}/xllamacpp/")) == 2
        (one,) = await wheel_index.offers(f" {server.root}/files/{wheels[0].name} ")
        assert (one.name.version, one.sha256) == ("2026.9.1", "")


@pytest.mark.parametrize("form", ["html", "json"])
async def test_another_file_than_the_page_says_is_refused(wheels: list[Path], tmp_path: Path, form: Form) -> None:
    with WheelServer(wheels[:1], form, hashes={wheels[0].name: "ab" * 32}) as server:
        (offer,) = await wheel_index.offers(server.index)
        with pytest.raises(WheelRefused, match=f"and the page says {'ab' * 32}"):
            await wheel_index.fetch(offer, tmp_path / "coming", tmp_path, nothing)


async def test_without_a_hash_there_is_none_to_hold_it_against(wheels: list[Path], tmp_path: Path) -> None:
    with WheelServer(wheels[:1], hashes={wheels[0].name: ""}) as server:
        (offer,) = await wheel_index.offers(server.index)
        assert offer.sha256 == ""
        assert (await wheel_index.fetch(offer, tmp_path / "coming", tmp_path, nothing)).exists()


@pytest.mark.parametrize("about", ["data-yanked", 'data-requires-python="&lt;3"'])
async def test_what_is_withdrawn_or_for_another_python_is_left_out(wheels: list[Path], about: str) -> None:
    with WheelServer(wheels, about={wheels[1].name: about}) as server:
        assert [offer.name.file for offer in await wheel_index.offers(server.index)] == [wheels[0].name]


async def test_where_nothing_fits_it_says_for_what_they_are(wheels: list[Path]) -> None:
    with WheelServer(wheels[2:]) as server, pytest.raises(WheelRefused, match="built for cp311-cp311-win_amd64"):
        await wheel_index.offers(server.index)


@pytest.mark.parametrize("form", ["html", "json", "page"])
async def test_a_page_without_engines_says_so(form: Form) -> None:
    with WheelServer([], form) as server, pytest.raises(UserFacingError, match="no engine"):
        await wheel_index.offers(server.index)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("", "no address"),
        ("engines", "no address"),
        ("ftp://example.org/x", "no address"),
        ("https://", "no address"),
        ("http://example.org/simple", "not encrypted"),
        ("http://example.org/xllamacpp-1.0-py3-none-any.whl", "not encrypted"),
    ],
)
async def test_an_address_that_nothing_may_come_from(address: str, words: str) -> None:
    with pytest.raises(UserFacingError, match=words):
        await wheel_index.offers(address)


async def test_a_server_that_is_not_there(wheels: list[Path], tmp_path: Path) -> None:
    with WheelServer(wheels) as server:
        offer = (await wheel_index.offers(server.index))[0]
        with pytest.raises(UserFacingError, match="there is no such page"):
            await wheel_index.offers(f"{server.root}/nowhere")
    with pytest.raises(UserFacingError, match="cannot be reached"):
        await wheel_index.offers(server.index)
    with pytest.raises(UserFacingError, match="cannot be reached"):
        await wheel_index.fetch(offer, tmp_path / "coming", tmp_path, nothing)


async def test_a_connection_that_breaks(wheels: list[Path], tmp_path: Path) -> None:
    with WheelServer(wheels, cut=500) as server:
        offer = (await wheel_index.offers(server.index))[0]
        with pytest.raises(UserFacingError, match="cannot be reached"):
            await wheel_index.fetch(offer, tmp_path / "coming", tmp_path, nothing, pauses_s=SOON)


async def test_off_line_nothing_is_asked(wheels: list[Path], tmp_path: Path) -> None:
    switch = OffLine()
    with WheelServer(wheels, hold=500) as server:
        offer = (await wheel_index.offers(server.index))[0]
        asked = len(server.asked)
        fetching = asyncio.create_task(wheel_index.fetch(offer, tmp_path / "coming", tmp_path, nothing))
        while len(server.asked) == asked:  # noqa: ASYNC110 - a server in a thread tells nobody
            await asyncio.sleep(0.01)
        switch.is_on = True
        try:
            server.go_on.set()
            with pytest.raises(WorksOffLine):
                await fetching
            with pytest.raises(WorksOffLine, match="No engine is fetched"):
                await wheel_index.offers(server.index)
            assert len(server.asked) == asked + 1
        finally:
            switch.is_on = False
