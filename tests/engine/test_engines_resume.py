"""A wheel of the engine whose connection breaks, or that is cancelled: the next attempt goes on where it was."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import engine_wheels
import hub_server
import pytest
from wheel_server import WheelServer

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.index_part import STALE_S, sweep
from nodetool_xl_desktop.engine import wheel_index
from nodetool_xl_desktop.engine.wheel_file import WheelRefused

SOON = (0.0, 0.0, 0.0)
PART = 100_000


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    hub_server.forget_environment(monkeypatch)


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    return engine_wheels.bulky(tmp_path / "made", 320)


@pytest.fixture
def coming(tmp_path: Path) -> Path:
    return tmp_path / "engines" / ".coming"


async def offer_of(server: WheelServer) -> wheel_index.Offer:
    return (await wheel_index.offers(server.index))[0]


async def fetch(offer: wheel_index.Offer, coming: Path, told: list[int] | None = None) -> bytes:
    """What came, under its own name."""

    def progress(done: int, _size: int | None) -> None:
        if told is not None:
            told.append(done)

    wheel = await wheel_index.fetch(offer, coming, coming.parent.parent, progress, pauses_s=SOON)
    assert wheel.name == offer.name.file
    return content(wheel)


async def broken_off(server: WheelServer, coming: Path) -> wheel_index.Offer:
    """The first part of it has come, and then the server had it no longer."""
    offer = await offer_of(server)
    server.cut, server.fail = [PART], [0, 404]
    with pytest.raises(UserFacingError, match="answers with status 404"):
        await fetch(offer, coming)
    assert parts(coming) == {f"{offer.name.file}.part": PART}
    server.wanted.clear()
    return offer


def content(path: Path) -> bytes:
    return path.read_bytes()


def parts(coming: Path) -> dict[str, int]:
    """The part files there, with their sizes."""
    return {path.name: path.stat().st_size for path in coming.glob("*.part")} if coming.exists() else {}


def left(coming: Path) -> list[str]:
    """What is beside the engines."""
    return [path.name for path in coming.parent.iterdir()]


def part_is(coming: Path, wheel: Path, content: bytes) -> None:
    """Have other bytes there than came."""
    (coming / f"{wheel.name}.part").write_bytes(content)


async def test_a_connection_that_breaks_is_taken_up_where_it_was(wheel: Path, coming: Path) -> None:
    with WheelServer([wheel], cut=[PART, PART]) as server:
        told: list[int] = []
        fetched = await fetch(await offer_of(server), coming, told)
        assert fetched == content(wheel)
        assert [asked for asked, _ in server.wanted] == ["", f"bytes={PART}-", f"bytes={2 * PART}-"]
        assert told == sorted(told), "what has come counts"
    assert left(coming) == [], "nothing is left"


async def test_what_has_come_is_gone_on_with_the_next_time(wheel: Path, coming: Path) -> None:
    with WheelServer([wheel]) as server:
        offer = await broken_off(server, coming)
        told: list[int] = []
        assert await fetch(offer, coming, told) == content(wheel)
        assert server.wanted == [(f"bytes={PART}-", "")]
        assert told[0] == PART


async def test_one_that_was_cancelled_goes_on_the_next_time(wheel: Path, coming: Path) -> None:
    with WheelServer([wheel], hold=PART) as server:
        offer = await offer_of(server)
        told: list[int] = []
        task = asyncio.create_task(fetch(offer, coming, told))
        while not told or told[-1] < PART:  # noqa: ASYNC110 - told in pieces
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        server.hold = None
        server.go_on.set()
        assert await fetch(offer, coming) == content(wheel)
        assert server.wanted[1:] == [(f"bytes={PART}-", "")]


async def test_a_server_that_is_busy_is_asked_again(wheel: Path, coming: Path) -> None:
    with WheelServer([wheel], cut=[PART], fail=[503, 503]) as server:
        assert await fetch(await offer_of(server), coming) == content(wheel)
        assert len(server.wanted) == 4


async def test_one_that_stays_busy_is_told_and_what_has_come_stays(wheel: Path, coming: Path) -> None:
    with WheelServer([wheel]) as server:
        offer = await broken_off(server, coming)
        server.fail = [503] * 4
        with pytest.raises(UserFacingError, match=r"127\.0\.0\.1 answers with status 503") as raised:
            await fetch(offer, coming)
        assert "goes on where it was" in raised.value.hint
        assert len(server.wanted) == 4, "not for ever"
        assert parts(coming) == {f"{wheel.name}.part": PART}


async def test_a_server_without_ranges_sends_all_of_it_anew(wheel: Path, coming: Path) -> None:
    with WheelServer([wheel], ranges=False, cut=[PART, 2 * PART]) as server:
        assert await fetch(await offer_of(server), coming) == content(wheel)
        assert len(server.wanted) == 3


async def test_one_without_ranges_that_always_breaks_comes_to_an_end(wheel: Path, coming: Path) -> None:
    with WheelServer([wheel], ranges=False, cut=PART) as server:
        with pytest.raises(UserFacingError, match="cannot be reached"):
            await fetch(await offer_of(server), coming)
        assert len(server.wanted) == 4


def another(wheel: Path) -> None:
    """Another file of the same name and size takes its place, as a wheel that was built anew."""
    body = bytearray(wheel.read_bytes())
    body[:PART] = bytes(PART)
    wheel.write_bytes(body)


async def test_of_another_file_that_the_page_says_nothing_old_is_used(wheel: Path, coming: Path) -> None:
    with WheelServer([wheel], hashes={}) as server:
        await broken_off(server, coming)
        another(wheel)
        assert await fetch(await offer_of(server), coming) == content(wheel)
        assert server.wanted == [("", "")]


@pytest.mark.parametrize("heeds", [True, False])
async def test_without_a_hash_the_mark_of_the_server_tells_another_file(
    wheel: Path, coming: Path, *, heeds: bool
) -> None:
    with WheelServer([wheel], hashes={wheel.name: ""}, etag='"one"', heeds=heeds) as server:
        offer = await broken_off(server, coming)
        another(wheel)
        server.etag = '"two"'
        assert await fetch(offer, coming) == content(wheel)
        assert server.wanted[0] == (f"bytes={PART}-", '"one"')


async def test_without_a_hash_the_same_file_goes_on(wheel: Path, coming: Path) -> None:
    with WheelServer([wheel], hashes={wheel.name: ""}, etag='"one"') as server:
        offer = await broken_off(server, coming)
        assert await fetch(offer, coming) == content(wheel)
        assert server.wanted == [(f"bytes={PART}-", '"one"')]


@pytest.mark.parametrize("etag", ["", 'W/"weak"'])
async def test_without_hash_and_mark_it_begins_anew(wheel: Path, coming: Path, etag: str) -> None:
    with WheelServer([wheel], hashes={wheel.name: ""}, etag=etag, cut=[PART]) as server:
        assert await fetch(await offer_of(server), coming) == content(wheel)
        assert server.wanted == [("", ""), ("", "")]


async def test_pieces_that_do_not_fit_are_fetched_once_more_in_one(wheel: Path, coming: Path) -> None:
    """The server sent another file first, or the disk lost some of it."""
    with WheelServer([wheel]) as server:
        offer = await broken_off(server, coming)
        part_is(coming, wheel, bytes(PART))
        assert await fetch(offer, coming) == content(wheel)
        assert [asked for asked, _ in server.wanted] == [f"bytes={PART}-", ""]


async def test_all_of_it_may_be_here_already(wheel: Path, coming: Path) -> None:
    with WheelServer([wheel]) as server:
        offer = await broken_off(server, coming)
        part_is(coming, wheel, content(wheel))
        assert await fetch(offer, coming) == content(wheel)
        assert len(server.wanted) == 1
        offer = await broken_off(server, coming)
        part_is(coming, wheel, bytes(len(content(wheel))))
        assert await fetch(offer, coming) == content(wheel)
        assert len(server.wanted) == 2, "what is as long, and another file, is forgotten"


async def test_a_wrong_one_is_refused_and_nothing_of_it_stays(wheel: Path, coming: Path) -> None:
    with WheelServer([wheel], hashes={wheel.name: "ab" * 32}, cut=[PART, None, PART]) as server:
        with pytest.raises(WheelRefused, match=f"and the page says {'ab' * 32}"):
            await fetch(await offer_of(server), coming)
        rest = f"bytes={PART}-"
        assert [asked for asked, _ in server.wanted] == ["", rest, "", rest], "twice, and not for ever"
    assert left(coming) == []


async def test_what_nobody_goes_on_with_is_swept(wheel: Path, coming: Path) -> None:
    with WheelServer([wheel]) as server:
        await broken_off(server, coming)
        sweep(coming)
        assert parts(coming) == {f"{wheel.name}.part": PART}
        long_ago = time.time() - STALE_S - 60
        os.utime(coming / f"{wheel.name}.part", (long_ago, long_ago))
        sweep(coming)
    assert left(coming) == []
