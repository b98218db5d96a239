"""The queue of downloads: order, limits, faults, a restart, and what is left on the disk."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import random
import shutil
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hub_server import HubServer, Play, Stored

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.network import OffLine
from nodetool_xl_desktop.core.units import MIB
from nodetool_xl_desktop.hub.downloads import Download, Downloads, Limits, Manner, State
from nodetool_xl_desktop.hub.errors import BadName, NoRoom
from nodetool_xl_desktop.hub.repository import HubFile, Repository, look_up
from nodetool_xl_desktop.hub.transfer import Patience

CONTENT = random.Random(3).randbytes(3 * MIB + 77)
OTHER = random.Random(4).randbytes(len(CONTENT))
NAMES = [f"{letter}-Q4_K_M.gguf" for letter in "abc"]
A, B, C = NAMES
BRISK = Manner(Patience(stall_s=0.4, pauses_s=(0.01, 0.02)), retries_s=(0.05, 0.1, 0.1))
#: Nothing is tried again by itself.
ONCE = Manner(Patience(stall_s=0.4, pauses_s=()), retries_s=())
SLOW = Play(bytes_per_s=2 * MIB)


def a_hub() -> HubServer:
    return HubServer({"org/repo": dict.fromkeys(NAMES, CONTENT)})


@asynccontextmanager
async def queue(home: Path, manner: Manner = BRISK, token: str | None = None) -> AsyncIterator[Downloads]:
    downloads = Downloads(home / "downloads.json", lambda: home / "models", lambda _endpoint: token, manner)
    downloads.start()
    try:
        yield downloads
    finally:
        await downloads.close()


async def until(holds: Callable[[], object], within_s: float = 15) -> None:
    async with asyncio.timeout(within_s):
        while not holds():  # noqa: ASYNC110 - the queue runs in another thread
            await asyncio.sleep(0.005)


def seen(downloads: Downloads, download_id: str) -> Download:
    return next(each for each in downloads.all if each.id == download_id)


async def reached(downloads: Downloads, download_id: str, state: State) -> Download:
    await until(lambda: any(each.id == download_id and each.state is state for each in downloads.all))
    return seen(downloads, download_id)


async def added(downloads: Downloads, hub: HubServer, *names: str) -> str:
    repository = await look_up("org/repo", endpoint=hub.url)
    return await downloads.add(repository, [file for file in repository.files if file.name in names])


def files_of(home: Path) -> set[str]:
    return {path.name for path in (home / "models").rglob("*") if path.is_file()}


def target(home: Path, name: str = A) -> Path:
    return home / "models" / "org" / "repo" / name


async def test_a_download_comes_and_is_told(tmp_path: Path) -> None:
    threads = set()
    with a_hub() as hub:
        async with queue(tmp_path) as downloads:
            downloads.listen(lambda: threads.add(threading.current_thread().name))
            which = await added(downloads, hub, A)
            done = await reached(downloads, which, State.DONE)
        assert target(tmp_path).read_bytes() == CONTENT
        assert files_of(tmp_path) == {A}
        assert (done.done, done.size, done.path) == (len(CONTENT), len(CONTENT), target(tmp_path))
        assert (done.name, done.repo_id, done.endpoint, done.error) == (A, "org/repo", hub.url, None)
        assert abs(done.finished - time.time()) < 60
        assert hub.served == len(CONTENT)
        assert threads == {"downloads"}
        assert not [thread for thread in threading.enumerate() if thread.name == "downloads"]


async def test_one_after_the_other_in_order_and_moved(tmp_path: Path) -> None:
    with a_hub() as hub:
        hub.always["bytes"] = Play(bytes_per_s=10 * MIB)
        async with queue(tmp_path) as downloads:
            ids = [await added(downloads, hub, name) for name in NAMES]
            await reached(downloads, ids[0], State.RUNNING)
            downloads.move(ids[2], 0)
            await until(lambda: [each.id for each in downloads.all] == [ids[2], ids[0], ids[1]])
            most = 0
            while seen(downloads, ids[1]).state is not State.DONE:
                most = max(most, sum(each.state is State.RUNNING for each in downloads.all))
                await asyncio.sleep(0.01)
            assert most == 1
            finished = sorted(downloads.all, key=lambda each: each.finished)
            assert [each.id for each in finished] == [ids[0], ids[2], ids[1]]
            downloads.clear_finished()
            await until(lambda: not downloads.all)
        assert files_of(tmp_path) == set(NAMES)


async def test_how_many_at_once_may_change_while_they_run(tmp_path: Path) -> None:
    def running(downloads: Downloads) -> list[str]:
        return [each.id for each in downloads.all if each.state is State.RUNNING]

    with a_hub() as hub:
        hub.always["bytes"] = SLOW
        async with queue(tmp_path) as downloads:
            downloads.limits = Limits(at_once=2)
            assert downloads.limits.at_once == 2
            ids = [await added(downloads, hub, name) for name in NAMES]
            await until(lambda: running(downloads) == ids[:2])
            downloads.limits = Limits(at_once=3)
            await until(lambda: running(downloads) == ids)
            downloads.limits = Limits(at_once=1)
            await until(lambda: running(downloads) == ids[:1])
            assert seen(downloads, ids[2]).state is State.WAITING
        async with queue(tmp_path) as downloads:
            await until(lambda: len(downloads.all) == 3)
            assert downloads.limits == Limits(at_once=1)


async def test_pause_resume_and_a_restart_fetch_nothing_twice(tmp_path: Path) -> None:
    with a_hub() as hub:
        hub.always["bytes"] = SLOW
        async with queue(tmp_path) as downloads:
            which = await added(downloads, hub, A)
            await until(lambda: seen(downloads, which).done >= MIB)
            downloads.pause(which)
            paused = await reached(downloads, which, State.PAUSED)
            assert (paused.speed, paused.left_s) == (0, None)
            await asyncio.sleep(0.3)
            assert seen(downloads, which).done < len(CONTENT)
            downloads.resume(which)
            await reached(downloads, which, State.RUNNING)
            before = seen(downloads, which).done
            assert before >= MIB
            await until(lambda: seen(downloads, which).done > before)
        kept = json.loads((tmp_path / "downloads.json").read_text())["downloads"]
        assert [each["state"] for each in kept] == ["WAITING"]
        hub.always.clear()
        async with queue(tmp_path) as downloads:
            await until(lambda: downloads.all)
            assert downloads.all[0].done >= MIB
            await reached(downloads, which, State.DONE)
        assert target(tmp_path).read_bytes() == CONTENT
        assert hub.served - len(CONTENT) <= 2 * MIB  # what was on the way at the two breaks
        async with queue(tmp_path) as downloads:
            await until(lambda: downloads.all)
            assert downloads.all[0].state is State.DONE
            assert downloads.all[0].path == target(tmp_path)


async def test_what_has_come_goes_on_in_the_folder_that_it_was_moved_to(tmp_path: Path) -> None:
    new = tmp_path / "elsewhere"
    with a_hub() as hub:
        async with queue(tmp_path) as downloads:
            done = await added(downloads, hub, B)
            await reached(downloads, done, State.DONE)
            hub.always["bytes"] = SLOW
            which, waits = await added(downloads, hub, A), await added(downloads, hub, C)
            paused = await added(downloads, hub, A, B)
            downloads.pause(paused)
            await until(lambda: seen(downloads, which).done >= MIB)
            rested = await downloads.rest()
            assert rested is not None
            assert {which, waits} <= set(rested)
            assert paused not in rested
            size = target(tmp_path).with_name(f"{A}.part").stat().st_size
            await asyncio.sleep(0.2)
            assert target(tmp_path).with_name(f"{A}.part").stat().st_size == size, "nothing writes any more"
            (tmp_path / "models").rename(new)
            hub.always.clear()
            await downloads.follow(tmp_path / "models", new, rested)
            finished = [await reached(downloads, each, State.DONE) for each in (which, waits)]
            assert [each.path for each in finished] == [new / "org" / "repo" / name for name in (A, C)]
            assert seen(downloads, done).path == new / "org" / "repo" / B
            assert seen(downloads, paused).state is State.PAUSED
            downloads.cancel(paused)
            await until(lambda: len(downloads.all) == 3)
    assert {path.name: path.read_bytes() for path in new.rglob("*") if path.is_file()} == dict.fromkeys(NAMES, CONTENT)
    assert hub.served - 3 * len(CONTENT) <= 2 * MIB
    assert not (tmp_path / "models").exists()


async def test_what_a_move_made_rest_goes_on_after_a_restart(tmp_path: Path) -> None:
    """The program ends in the middle of the move: one is in the new folder, one lies in both, two are paused."""
    new, chosen = tmp_path / "new", [tmp_path / "models"]

    @asynccontextmanager
    async def started() -> AsyncIterator[Downloads]:
        downloads = Downloads(tmp_path / "downloads.json", lambda: chosen[0], manner=BRISK)
        downloads.start()
        try:
            yield downloads
        finally:
            await downloads.close()

    with HubServer({"org/repo": dict.fromkeys([*NAMES, "y.gguf", "z.gguf"], CONTENT)}) as hub:
        hub.always["bytes"] = SLOW
        async with started() as downloads:
            downloads.limits = Limits(None, 4)
            whole = await look_up("org/repo", endpoint=hub.url)
            wanted = [(A,), (B, "y.gguf"), (C,), ("z.gguf",)]
            ids = [await downloads.add(whole, [each for each in whole.files if each.name in names]) for names in wanted]
            await until(lambda: all(seen(downloads, each).done >= MIB / 2 for each in ids))
            downloads.pause(ids[3])
            rested = await downloads.rest()
            assert rested is not None
            assert ids[3] not in rested
            downloads.pause(ids[2])  # a person's word holds
            await reached(downloads, ids[2], State.PAUSED)
            chosen[0] = new
            for name in (f"{A}.part", f"{A}.part.json", f"{B}.part", f"{B}.part.json"):
                (new / "org" / "repo").mkdir(parents=True, exist_ok=True)
                target(tmp_path).with_name(name).rename(new / "org" / "repo" / name)
            target(tmp_path, "y.gguf").write_bytes(CONTENT)
        hub.always.clear()
        async with started() as downloads:
            assert (await reached(downloads, ids[0], State.DONE)).path == new / "org" / "repo" / A
            assert [seen(downloads, each).state for each in ids[1:]] == 3 * [State.PAUSED]
            both = await downloads.rest()
            assert both == (ids[1],), "the move goes on with it"
            target(tmp_path, "y.gguf").rename(new / "org" / "repo" / "y.gguf")
            await downloads.follow(tmp_path / "models", new, both)
            assert (await reached(downloads, ids[1], State.DONE)).path == new / "org" / "repo" / B
    assert (new / "org" / "repo" / B).read_bytes() == CONTENT


async def test_a_disk_that_is_taken_away_is_told_and_nothing_is_written_in_its_place(tmp_path: Path) -> None:
    models, away = tmp_path / "models", tmp_path / "away"

    def folder() -> Path:
        if not (models / "mounted").exists():
            raise UserFacingError("The models folder is not there", "its disk is missing", "Connect the disk.")
        return models

    models.mkdir()
    (models / "mounted").touch()
    with a_hub() as hub:
        hub.always["bytes"] = SLOW
        downloads = Downloads(tmp_path / "downloads.json", folder, manner=ONCE)
        try:
            which = await added(downloads, hub, A)
            await until(lambda: seen(downloads, which).done >= MIB)
            downloads.pause(which)
            await reached(downloads, which, State.PAUSED)
            for is_mount in (False, True):
                models.rename(away)
                if is_mount:  # the empty folder that it was mounted on
                    models.mkdir()
                downloads.resume(which)
                failed = await reached(downloads, which, State.FAILED)
                assert failed.error is not None
                assert failed.error.what == "The models folder is not there"
                assert not list(models.iterdir() if is_mount else models.parent.glob("models"))
                if is_mount:
                    models.rmdir()
                away.rename(models)
                downloads.pause(which)
            hub.always.clear()
            downloads.resume(which)
            await reached(downloads, which, State.DONE)
        finally:
            await downloads.close()
    assert target(tmp_path).read_bytes() == CONTENT
    assert hub.served - len(CONTENT) <= 2 * MIB


async def test_pausing_all_lasts_over_a_restart(tmp_path: Path) -> None:
    with a_hub() as hub:
        hub.always["bytes"] = SLOW
        async with queue(tmp_path) as downloads:
            for name in NAMES:
                await added(downloads, hub, name)
            downloads.pause_all()
            await until(lambda: [each.state for each in downloads.all] == 3 * [State.PAUSED])
        hub.always.clear()
        async with queue(tmp_path) as downloads:
            await until(lambda: [each.state for each in downloads.all] == 3 * [State.PAUSED])
            downloads.resume_all()
            await until(lambda: [each.state for each in downloads.all] == 3 * [State.DONE])
        assert files_of(tmp_path) == set(NAMES)


async def test_cancelling_leaves_nothing_of_it_and_nothing_else_out(tmp_path: Path) -> None:
    with a_hub() as hub:
        async with queue(tmp_path) as downloads:
            mine = target(tmp_path, C)
            mine.parent.mkdir(parents=True)
            mine.write_bytes(CONTENT)  # here before
            hub.play("bytes", Play(), Play(bytes_per_s=2 * MIB))
            which = await added(downloads, hub, *NAMES)
            await until(lambda: seen(downloads, which).done > 2 * len(CONTENT) + MIB)
            assert target(tmp_path, A).exists()
            downloads.cancel(which)
            await until(lambda: not downloads.all)
            await until(lambda: files_of(tmp_path) == {C})
            which = await added(downloads, hub, A)
            await reached(downloads, which, State.DONE)
            downloads.cancel(which)  # it is done: only the list forgets it
            await until(lambda: not downloads.all)
            which = await added(downloads, hub, B)
            hub.play("bytes", Play(stall_after=MIB))
        assert files_of(tmp_path) >= {A, C}


async def test_a_model_that_is_here_needs_no_network_and_one_that_only_looks_so_is_not_taken(tmp_path: Path) -> None:
    file = HubFile(A, len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
    repository = Repository("org/repo", "a" * 40, (file,), "http://127.0.0.1:9")
    target(tmp_path).parent.mkdir(parents=True)
    target(tmp_path).write_bytes(CONTENT)
    async with queue(tmp_path, ONCE) as downloads:
        which = await downloads.add(repository, [file])
        await reached(downloads, which, State.DONE)
        assert await downloads.add(repository, [file]) != which  # asked for again: looked at again
        await until(lambda: [each.state for each in downloads.all] == [State.DONE])
        target(tmp_path).write_bytes(OTHER)
        which = await downloads.add(repository, [file])
        failed = await reached(downloads, which, State.FAILED)
        assert failed.error is not None
        assert "is not what the server has" in failed.error.what
        assert target(tmp_path).read_bytes() == OTHER


async def test_the_same_model_is_not_there_twice(tmp_path: Path) -> None:
    with a_hub() as hub:
        hub.always["bytes"] = SLOW
        async with queue(tmp_path) as downloads:
            which = await added(downloads, hub, A)
            downloads.pause(which)
            await reached(downloads, which, State.PAUSED)
            assert await added(downloads, hub, A) == which
            await reached(downloads, which, State.RUNNING)
            assert len(downloads.all) == 1


async def test_a_fault_that_passes_is_waited_out_while_others_go_on(tmp_path: Path) -> None:
    manner = Manner(Patience(stall_s=0.4, pauses_s=()), retries_s=(1.0, 1.0))
    with a_hub() as hub:
        hub.play("resolve", Play(status=503))
        async with queue(tmp_path, manner) as downloads:
            first, second = [await added(downloads, hub, name) for name in (A, B)]
            await reached(downloads, second, State.DONE)
            waiting = seen(downloads, first)
            assert waiting.state is State.WAITING
            assert waiting.error is not None
            assert "503" in waiting.error.why
            assert waiting.retry_in_s is not None
            assert 0 < waiting.retry_in_s <= 1.25
            assert (await reached(downloads, first, State.DONE)).error is None


async def test_a_fault_that_stays_ends_and_can_be_retried(tmp_path: Path) -> None:
    with a_hub() as hub:
        hub.always["resolve"] = Play(status=500)
        async with queue(tmp_path) as downloads:
            which = await added(downloads, hub, A)
            failed = await reached(downloads, which, State.FAILED)
            assert failed.error is not None
            assert "500" in failed.error.why
            assert len(hub.at("resolve")) == 3 * 4  # each of four attempts is three
        async with queue(tmp_path) as downloads:  # that, too, is kept
            failed = await reached(downloads, which, State.FAILED)
            assert failed.error is not None
            assert "500" in failed.error.why
            hub.always.clear()
            downloads.retry(which)
            await reached(downloads, which, State.DONE)


async def test_a_refusal_is_told_and_a_token_helps(tmp_path: Path) -> None:
    with a_hub() as hub:
        hub.gated = {"org/repo"}
        async with queue(tmp_path) as downloads:
            which = await added(downloads, hub, A)
            failed = await reached(downloads, which, State.FAILED)
            assert failed.error is not None
            assert "not open to everyone" in failed.error.what
        async with queue(tmp_path, token="good-token") as downloads:
            await reached(downloads, which, State.FAILED)
            downloads.retry(which)
            await reached(downloads, which, State.DONE)
        assert all("good-token" not in str(request.headers) for request in hub.at("bytes"))
        for name in ("downloads.json",):
            assert "good-token" not in (tmp_path / name).read_text()


async def test_the_token_of_one_hub_is_not_asked_for_another(tmp_path: Path) -> None:
    with a_hub() as hub, a_hub() as mirror:
        tokens = {hub.url: "good-token"}
        downloads = Downloads(tmp_path / "downloads.json", lambda: tmp_path / "models", tokens.get, BRISK)
        downloads.start()
        try:
            ids = [await added(downloads, each, name) for each, name in ((hub, A), (mirror, B))]
            for which in ids:
                await reached(downloads, which, State.DONE)
        finally:
            await downloads.close()
        assert [each.headers.get("authorization") for each in hub.at("resolve")] == ["Bearer good-token"]
        assert all("authorization" not in each.headers for each in [*mirror.requests, *hub.at("bytes")])


async def test_off_line_pauses_with_that_reason_and_goes_on_by_itself(tmp_path: Path) -> None:
    switch = OffLine()
    with a_hub() as hub:
        hub.always["bytes"] = SLOW
        async with queue(tmp_path) as downloads:
            first, second = [await added(downloads, hub, name) for name in (A, B)]
            await until(lambda: seen(downloads, first).done > MIB // 2)
            downloads.pause(second)
            await reached(downloads, second, State.PAUSED)
            switch.is_on = True
            paused = await reached(downloads, first, State.PAUSED)
            assert paused.error is not None
            assert "works off line" in paused.error.why
            asked = len(hub.requests)
            await asyncio.sleep(1.2)
            assert len(hub.requests) == asked
            switch.is_on = False
            await reached(downloads, first, State.DONE)
            assert seen(downloads, second).state is State.PAUSED  # a person paused that one
        assert target(tmp_path).read_bytes() == CONTENT


async def test_limits_that_are_chosen_before_the_start_hold(tmp_path: Path) -> None:
    with a_hub() as hub:
        hub.always["bytes"] = SLOW
        downloads = Downloads(tmp_path / "downloads.json", lambda: tmp_path / "models", manner=BRISK)
        downloads.limits = Limits(at_once=2)
        try:
            for name in (A, B):
                await added(downloads, hub, name)
            await until(lambda: [each.state for each in downloads.all] == 2 * [State.RUNNING])
        finally:
            await downloads.close()


async def test_the_limit_of_bandwidth_holds_for_all_together_and_may_change(tmp_path: Path) -> None:
    with a_hub() as hub:
        async with queue(tmp_path) as downloads:
            downloads.limits = Limits(bytes_per_s=MIB, at_once=2)
            begin = time.monotonic()
            ids = [await added(downloads, hub, name) for name in (A, B)]
            await until(lambda: sum(each.done for each in downloads.all) >= 2 * MIB)
            assert 1.2 < time.monotonic() - begin < 4
            speed = sum(each.speed for each in downloads.all)
            assert 0.5 * MIB < speed < 1.6 * MIB
            left = seen(downloads, ids[0]).left_s
            assert left is not None
            assert 0 < left < 30
            downloads.limits = Limits(bytes_per_s=None, at_once=2)
            begin = time.monotonic()
            for which in ids:
                await reached(downloads, which, State.DONE)
            assert time.monotonic() - begin < 2.5
        assert hub.served == 2 * len(CONTENT)


async def test_a_low_limit_is_smooth(tmp_path: Path) -> None:
    """At 100 kB/s bytes come all the time, and not a megabyte each ten seconds."""
    with a_hub() as hub:
        async with queue(tmp_path) as downloads:
            downloads.limits = Limits(bytes_per_s=100_000)
            which = await added(downloads, hub, A)
            await until(lambda: seen(downloads, which).done)
            steps = []
            for _ in range(4):
                before = seen(downloads, which).done
                await asyncio.sleep(0.8)
                steps.append(seen(downloads, which).done - before)
            assert all(0 < step < 200_000 for step in steps), steps
            assert 40_000 < sum(steps) / 3.2 < 140_000


async def test_progress_is_told_at_most_four_times_a_second(tmp_path: Path) -> None:
    times: list[float] = []
    with a_hub() as hub:
        hub.always["bytes"] = SLOW
        async with queue(tmp_path) as downloads:
            downloads.limits = Limits(at_once=3)
            ids = [await added(downloads, hub, name) for name in NAMES]
            await until(lambda: all(seen(downloads, which).done for which in ids))
            stop = downloads.listen(lambda: times.append(time.monotonic()))
            await asyncio.sleep(1)
            stop()
            told = len(times)
            await asyncio.sleep(0.5)
            assert len(times) == told
        assert 2 <= told <= 5 + 1  # and the look of each second


async def test_what_does_not_fit_beside_the_others_is_refused_at_once(tmp_path: Path) -> None:
    with a_hub() as hub:
        repository = await look_up("org/repo", endpoint=hub.url)
        async with queue(tmp_path) as downloads:
            with pytest.raises(NoRoom, match="not enough room"):
                await downloads.add(repository, [HubFile("huge.gguf", 10**18)])
            with pytest.raises(BadName):
                await downloads.add(repository, [HubFile("../m.gguf", 5)])
            with pytest.raises(BadName, match="one name"):
                await downloads.add(repository, [HubFile("m.gguf", 5), HubFile("M.gguf", 5)])
            assert downloads.all == ()


async def test_two_that_fit_alone_and_not_together(tmp_path: Path) -> None:
    """The first one waits for a server that is down, and its room is spoken for all the same."""
    size = shutil.disk_usage(tmp_path).free * 6 // 10
    one, two = HubFile("one.gguf", size, "0" * 64), HubFile("two.gguf", size, "1" * 64)
    repository = Repository("org/repo", "a" * 40, (one, two), "http://127.0.0.1:9")
    async with queue(tmp_path, Manner(Patience(pauses_s=()), retries_s=(60.0,))) as downloads:
        with pytest.raises(NoRoom):
            await downloads.add(repository, [one, two])
        first = await downloads.add(repository, [one])
        with pytest.raises(NoRoom):
            await downloads.add(repository, [two])
        await until(lambda: seen(downloads, first).retry_in_s is not None)
        downloads.cancel(first)
        await until(lambda: not downloads.all)
        assert await downloads.add(repository, [two])


async def test_a_models_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file")
    with a_hub() as hub:
        async with queue(tmp_path) as downloads:
            failed = await reached(downloads, await added(downloads, hub, A), State.FAILED)
            assert failed.error is not None
            assert "could not be stored" in failed.error.what


async def test_any_order_of_commands_ends_well(tmp_path: Path) -> None:
    chance = random.Random()
    seed = chance.randrange(10**9)
    chance.seed(seed)
    print("seed", seed)
    with a_hub() as hub:
        hub.always["bytes"] = Play(bytes_per_s=4 * MIB)
        async with queue(tmp_path) as downloads:
            for _ in range(120):
                which = chance.choice(downloads.all).id if downloads.all else ""
                match chance.choice(("add", "pause", "resume", "cancel", "move", "all", "limits", "clear", "fault")):
                    case "add":
                        await added(downloads, hub, *chance.sample(NAMES, chance.randint(1, 3)))
                    case "pause":
                        downloads.pause(which)
                    case "resume":
                        downloads.resume(which)
                    case "cancel":
                        downloads.cancel(which)
                    case "move":
                        downloads.move(which, chance.randrange(4))
                    case "all":
                        chance.choice((downloads.pause_all, downloads.resume_all))()
                    case "limits":
                        rate = chance.choice((None, 10 * MIB, 100 * MIB))
                        downloads.limits = Limits(rate, chance.randint(1, 3))
                    case "clear":
                        downloads.clear_finished()
                    case "fault":
                        hub.play("bytes", Play(drop_after=chance.randrange(MIB)))
                for path in (tmp_path / "models").rglob("*.gguf"):
                    with contextlib.suppress(FileNotFoundError):  # it was given up in that moment
                        assert path.read_bytes() == CONTENT
                await asyncio.sleep(chance.choice((0, 0.001, 0.02, 0.05)))
            hub.always.clear()
            downloads.limits = Limits(at_once=2)
            ids = {await added(downloads, hub, name) for name in NAMES}
            downloads.resume_all()
            for each in downloads.all:
                downloads.retry(each.id)
            await until(lambda: ids <= {each.id for each in downloads.all if each.state is State.DONE})
            await until(lambda: all(each.state is State.DONE for each in downloads.all))
        assert files_of(tmp_path) == set(NAMES)


async def test_wrong_bytes_are_set_aside_and_fetched_once_more(tmp_path: Path) -> None:
    with a_hub() as hub:
        hub.play("bytes", Play(content=OTHER))
        async with queue(tmp_path) as downloads:
            which = await added(downloads, hub, A)
            await reached(downloads, which, State.DONE)
            assert target(tmp_path).read_bytes() == CONTENT
            assert files_of(tmp_path) == {A}
            hub.play("bytes", Play(content=OTHER), Play(content=OTHER))
            which = await added(downloads, hub, B)
            failed = await reached(downloads, which, State.FAILED)
            assert failed.error is not None
            assert "came damaged" in failed.error.what
            assert f"{B}.damaged" in failed.error.hint
            assert files_of(tmp_path) - {f"{B}.lock"} == {A, f"{B}.damaged"}
            downloads.cancel(which)
            await until(lambda: files_of(tmp_path) == {A})


async def test_of_two_programs_on_one_folder_one_runs_the_downloads(tmp_path: Path) -> None:
    with a_hub() as hub:
        hub.always["bytes"] = SLOW
        async with queue(tmp_path) as second:
            pass
        first = Downloads(tmp_path / "downloads.json", lambda: tmp_path / "models", manner=BRISK)
        first.start()
        which = await added(first, hub, A)
        async with queue(tmp_path) as second:
            with pytest.raises(UserFacingError, match="another program"):
                await added(second, hub, B)
            second.pause_all()
            assert second.all == ()
            journal = (tmp_path / "downloads.json").read_text()
            assert which in journal
            await first.close()
            hub.always.clear()
            await added(second, hub, B)  # the first one has ended
            await until(lambda: [each.state for each in second.all] == 2 * [State.DONE])
        assert files_of(tmp_path) == {A, B}


HUGE = b'{"version": 1, "limits": {"bytes_per_s": null, "at_once": 1e999}, "downloads": [], "verified": {}}'


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"downloads": 5}', b"\xff", b'{"version": 1}', HUGE])
async def test_a_journal_that_says_nonsense_is_set_aside(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "downloads.json").write_bytes(content)
    with a_hub() as hub:
        async with queue(tmp_path) as downloads:
            await reached(downloads, await added(downloads, hub, A), State.DONE)
    assert (tmp_path / "downloads.unreadable.json").read_bytes() == content


async def test_a_journal_that_was_edited_cannot_lead_out_of_the_folder(tmp_path: Path) -> None:
    with a_hub() as hub:
        async with queue(tmp_path) as downloads:
            await reached(downloads, await added(downloads, hub, A), State.DONE)
        journal = tmp_path / "downloads.json"
        told = json.loads(journal.read_text())
        told["downloads"][0] |= {"state": "WAITING", "given_up": True}
        told["downloads"][0]["files"][0]["path"] = "../../../../victim"
        journal.write_text(json.dumps(told))
        (tmp_path / "victim").write_bytes(b"mine")
        async with queue(tmp_path) as downloads:
            await added(downloads, hub, B)
            assert [each.name for each in downloads.all] == [B]
    assert (tmp_path / "victim").read_bytes() == b"mine"


@pytest.mark.parametrize(
    "edit",
    [{"state": "RUNNING"}, {"folder": "LOOP/models"}, {"folder": "LOOP/models", "given_up": True}, {"folder": "a\0b"}],
    ids=["it says that it runs", "its folder is no folder", "which is to be emptied", "or no name of one"],
)
async def test_a_journal_that_was_edited_holds_up_nothing_else(tmp_path: Path, edit: dict[str, object]) -> None:
    (tmp_path / "loop").symlink_to("loop")
    with a_hub() as hub:
        async with queue(tmp_path, ONCE) as downloads:
            downloads.pause(await added(downloads, hub, A))
            await until(lambda: downloads.all and not downloads.all[0].speed)
        journal = tmp_path / "downloads.json"
        told = json.loads(journal.read_text())
        told["downloads"][0] |= edit
        told["downloads"][0]["endpoint"] = "http://127.0.0.1:1"
        journal.write_text(json.dumps(told).replace("LOOP", str(tmp_path / "loop")))
        async with asyncio.timeout(10), queue(tmp_path, ONCE) as downloads:
            await reached(downloads, await added(downloads, hub, B), State.DONE)


async def test_a_model_that_is_asked_for_twice_in_one_moment_is_there_once(tmp_path: Path) -> None:
    with a_hub() as hub:
        hub.always["bytes"] = SLOW
        async with queue(tmp_path) as downloads:
            first, second = await asyncio.gather(added(downloads, hub, A), added(downloads, hub, A))
            assert first == second
            assert len(downloads.all) == 1


async def test_nothing_runs_on_while_nothing_is_to_do(tmp_path: Path) -> None:
    """No timer beats where all is done or paused."""
    told: list[float] = []
    with a_hub() as hub:
        hub.put("org/repo", "d.gguf", Stored(CONTENT))
        async with queue(tmp_path) as downloads:
            await reached(downloads, await added(downloads, hub, A), State.DONE)
            hub.always["bytes"] = SLOW
            which = await added(downloads, hub, B)
            downloads.pause(which)
            await reached(downloads, which, State.PAUSED)
            await asyncio.sleep(1.2)
            downloads.listen(lambda: told.append(time.monotonic()))
            used = time.process_time()
            await asyncio.sleep(1.5)
            assert told == []
            assert time.process_time() - used < 0.2
