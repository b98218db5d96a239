"""Bringing a file here: every accident, and that what lies under its name is right to the byte."""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from pathlib import Path

import pytest
from hub_server import HubServer, Play, Stored

from nodetool_xl_desktop.core.lock import FileLock
from nodetool_xl_desktop.core.threads import to_its_end
from nodetool_xl_desktop.core.units import MIB
from nodetool_xl_desktop.hub.download import PIECE, fetch, fetch_all, target_path, target_paths
from nodetool_xl_desktop.hub.errors import (
    BadAnswer,
    BadName,
    Damaged,
    Gated,
    HubError,
    Interrupted,
    NoRoom,
    NotFound,
    NotStored,
    Unreachable,
)
from nodetool_xl_desktop.hub.part import this_run
from nodetool_xl_desktop.hub.repository import HubFile, Repository, look_up
from nodetool_xl_desktop.hub.transfer import PATIENCE, Patience

CONTENT = random.Random(7).randbytes(5 * MIB + 321)
OTHER = random.Random(8).randbytes(len(CONTENT))
NAME = "m-Q4_K_M.gguf"
#: As many attempts as usual, without the pauses.
BRISK = Patience(stall_s=0.3, pauses_s=(0.01, 0.01, 0.01))
ONCE = Patience(stall_s=0.3, pauses_s=())


@contextmanager
def a_hub(content: bytes | Stored = CONTENT, *, cdn: bool = True) -> Iterator[HubServer]:
    with HubServer({"org/repo": {NAME: content}}, cdn=cdn) as hub:
        yield hub


async def looked_up(hub: HubServer) -> tuple[Repository, HubFile]:
    repository = await look_up("org/repo", endpoint=hub.url)
    return repository, repository.files[0]


async def brought(hub: HubServer, into: Path, patience: Patience = BRISK) -> Path:
    repository, file = await looked_up(hub)
    into.mkdir(exist_ok=True)  # noqa: ASYNC240 - a test
    return await fetch(repository, file, into=into, patience=patience)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file()}


# As it should be


@pytest.mark.parametrize("cdn", [True, False])
async def test_a_file_comes_whole_with_progress_and_leaves_nothing_beside_it(tmp_path: Path, cdn: bool) -> None:
    told: list[tuple[int, int]] = []
    with a_hub(cdn=cdn) as hub:
        repository, file = await looked_up(hub)
        path = await fetch(repository, file, into=tmp_path, on_progress=lambda *each: told.append(each))
        assert path == tmp_path / "org" / "repo" / NAME
        assert path.read_bytes() == CONTENT
        assert names(tmp_path) == {NAME}
        assert hub.served == len(CONTENT)
        assert [total for _, total in told] == [len(CONTENT)] * len(told)
        assert sorted(told) == told
        assert told[-1][0] == len(CONTENT)
        assert len(told) > 4


async def test_what_is_there_is_not_fetched_again_and_needs_no_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with a_hub() as hub:
        repository, file = await looked_up(hub)
        path = await fetch(repository, file, into=tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert await fetch(repository, file, into=tmp_path) == path


async def test_an_empty_file(tmp_path: Path) -> None:
    with a_hub(b"") as hub:
        assert (await brought(hub, tmp_path)).read_bytes() == b""


async def test_a_file_whose_name_has_to_be_quoted(tmp_path: Path) -> None:
    name = "a folder/100% m\u00f6del #1?=&+.gguf".replace("?", "")
    with HubServer({"org/repo": {name: CONTENT}}) as hub:
        path = await brought(hub, tmp_path)
    assert path == tmp_path / "org" / "repo" / name
    assert path.read_bytes() == CONTENT


async def test_a_split_set_comes_part_by_part_and_counts_as_one(tmp_path: Path) -> None:
    parts = {f"b-0000{number}-of-00003.gguf": bytes([number]) * (MIB + number) for number in (1, 2, 3)}
    told: list[tuple[int, int]] = []
    with HubServer({"org/repo": parts}) as hub:
        repository = await look_up("org/repo", endpoint=hub.url)
        paths = await fetch_all(
            repository, repository.files, into=tmp_path, on_progress=lambda *each: told.append(each), patience=BRISK
        )
        assert [path.read_bytes() for path in paths] == list(parts.values())
        assert hub.served == 3 * MIB + 6
        assert sorted(told) == told
        assert told[-1] == (3 * MIB + 6, 3 * MIB + 6)
        assert {total for _, total in told} == {3 * MIB + 6}
        await fetch_all(repository, repository.files, into=tmp_path)
        assert hub.served == 3 * MIB + 6


# Dropped connections


@pytest.mark.parametrize("cdn", [True, False])
async def test_after_a_drop_only_the_rest_is_sent(tmp_path: Path, cdn: bool) -> None:
    with a_hub(cdn=cdn) as hub:
        hub.play("bytes", Play(drop_after=3 * MIB + 5), Play(drop_after=MIB))
        assert (await brought(hub, tmp_path)).read_bytes() == CONTENT
        assert hub.served == len(CONTENT)
        ranges = [request.headers.get("range") for request in hub.at("bytes")]
        assert ranges == [None, f"bytes={3 * MIB + 5}-", f"bytes={4 * MIB + 5}-"]


async def test_the_next_call_continues_where_the_last_one_was_cut_off(tmp_path: Path) -> None:
    with a_hub() as hub:
        hub.play("bytes", Play(drop_after=2 * MIB + 1))
        with pytest.raises(Interrupted, match=r"interrupted at 2 MB of 5 MB.*What has come stays") as caught:
            await brought(hub, tmp_path, ONCE)
        assert "continues there" in caught.value.hint
        assert names(tmp_path) == {f"{NAME}{end}" for end in (".part", ".part.json", ".lock")}
        told: list[int] = []
        repository, file = await looked_up(hub)
        path = await fetch(repository, file, into=tmp_path, on_progress=lambda done, _: told.append(done))
        assert path.read_bytes() == CONTENT
        assert told[0] == 2 * MIB + 1
        assert hub.served == len(CONTENT)
        assert names(tmp_path) == {NAME}


async def test_a_process_that_is_killed_loses_nothing(tmp_path: Path) -> None:
    """A real process, killed in the middle: its lock goes with it, what it had written stays."""
    program = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from nodetool_xl_desktop.hub.download import fetch\n"
        "from nodetool_xl_desktop.hub.repository import look_up\n"
        "async def main():\n"
        "    repository = await look_up('org/repo', endpoint=sys.argv[1])\n"
        "    report = lambda done, total: print(done, flush=True)\n"
        "    await fetch(repository, repository.files[0], into=Path(sys.argv[2]), on_progress=report)\n"
        "asyncio.run(main())\n"
    )
    with a_hub() as hub:
        hub.play("bytes", Play(stall_after=3 * MIB))
        command = [sys.executable, "-c", program, hub.url, str(tmp_path)]
        child = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
        assert child.stdout
        while int(await child.stdout.readline()) < 2 * MIB:
            pass
        child.kill()
        await child.wait()
        kept = (tmp_path / "org" / "repo" / f"{NAME}.part").stat().st_size
        assert kept >= 2 * MIB
        assert (await brought(hub, tmp_path)).read_bytes() == CONTENT
        assert hub.at("bytes")[1].sent == len(CONTENT) - kept


async def test_silence_is_a_dropped_connection(tmp_path: Path) -> None:
    with a_hub() as hub:
        hub.play("bytes", Play(stall_after=MIB), Play(stall_after=0))
        assert (await brought(hub, tmp_path)).read_bytes() == CONTENT
        assert hub.served == len(CONTENT)
        assert len(hub.at("bytes")) == 3
        hub.put("org/repo", NAME, OTHER)
        hub.always["bytes"] = Play(stall_after=0)
        with pytest.raises(Interrupted, match="nothing came for a while"):
            await brought(hub, tmp_path / "else", Patience(stall_s=0.1, pauses_s=(0.01,)))


async def test_a_trickle_is_a_dropped_connection(tmp_path: Path) -> None:
    """Below 1 kB/s it is never quite silent, and never done."""
    with a_hub() as hub:
        hub.play("bytes", Play(trickle_after=MIB))
        begin = time.monotonic()
        assert (await brought(hub, tmp_path, Patience(stall_s=1.0, pauses_s=(0.01,)))).read_bytes() == CONTENT
        assert 0.8 < time.monotonic() - begin < 5
        assert len(hub.at("bytes")) == 2
        assert hub.served - len(CONTENT) <= 3  # single bytes that were on the way


async def test_slow_is_not_silent(tmp_path: Path) -> None:
    with a_hub(CONTENT[:40_000]) as hub:
        hub.play("bytes", Play(bytes_per_s=50_000))
        assert (await brought(hub, tmp_path, ONCE)).read_bytes() == CONTENT[:40_000]


async def test_attempts_that_bring_something_never_run_out(tmp_path: Path) -> None:
    with a_hub() as hub:
        hub.always["bytes"] = Play(drop_after=PIECE)
        assert (await brought(hub, tmp_path, Patience(stall_s=1, pauses_s=(0.01,)))).read_bytes() == CONTENT
        assert hub.served == len(CONTENT)
        hub.always["bytes"] = Play(drop_after=PIECE // 4)
        with pytest.raises(Interrupted):
            await brought(hub, tmp_path / "else", Patience(stall_s=1, pauses_s=(0.01,)))
        assert len(hub.at("bytes")) == 6 + 2


@pytest.mark.parametrize(
    ("stage", "play"),
    [
        ("resolve", Play(status=500)),
        ("resolve", Play(status=503)),
        ("resolve", Play(status=429)),
        ("bytes", Play(status=502)),
        ("bytes", Play(status=403)),  # a signed address that has expired
    ],
)
async def test_a_passing_refusal_is_tried_again(tmp_path: Path, stage: str, play: Play) -> None:
    with a_hub() as hub:
        hub.play(stage, play)
        assert (await brought(hub, tmp_path)).read_bytes() == CONTENT
        hub.always[stage] = play
        with pytest.raises(Interrupted, match=f"status {play.status}"):
            await brought(hub, tmp_path / "else")


async def test_the_pause_that_a_server_asks_for_is_kept(tmp_path: Path) -> None:
    with a_hub() as hub:
        hub.play("resolve", Play(status=429, headers={"Retry-After": "1"}))
        begin = asyncio.get_running_loop().time()
        await brought(hub, tmp_path)
        assert asyncio.get_running_loop().time() - begin >= 1


async def test_so_is_one_that_is_given_as_a_date(tmp_path: Path) -> None:
    with a_hub() as hub:
        until = formatdate(time.time() + 3, usegmt=True)
        hub.play("resolve", Play(status=503, headers={"Retry-After": until}), Play(status=503))
        hub.play("bytes", Play(status=503, headers={"Retry-After": "tomorrow"}))
        begin = asyncio.get_running_loop().time()
        await brought(hub, tmp_path)
        assert 1.5 < asyncio.get_running_loop().time() - begin < 10


def test_pauses_differ_a_little_from_one_to_the_next() -> None:
    pauses = {PATIENCE.pause_s(1) for _ in range(50)}
    assert len(pauses) > 40
    assert all(1.5 <= pause <= 2.5 for pause in pauses)


# Servers that do not keep to the rules


async def test_a_server_that_compresses_all_the_same_is_refused(tmp_path: Path) -> None:
    with a_hub(Stored(CONTENT, large=False)) as hub:
        hub.play("bytes", Play(headers={"Content-Encoding": "gzip"}))
        with pytest.raises(BadAnswer, match="compressed"):
            await brought(hub, tmp_path)
        assert names(tmp_path) & {NAME} == set()


async def test_a_server_that_ignores_ranges_sends_all_of_it_once_more(tmp_path: Path) -> None:
    with a_hub() as hub:
        hub.play("bytes", Play(drop_after=2 * MIB), Play(ignore_range=True))
        assert (await brought(hub, tmp_path)).read_bytes() == CONTENT
        assert hub.served == len(CONTENT) + 2 * MIB


@pytest.mark.parametrize(
    "play",
    [
        Play(ignore_range=True, drop_after=MIB),
        Play(unmeasured=True, ignore_range=True, content=b"<html>Sign in to this network</html>"),
        Play(content_range=f"bytes {4 * MIB}-{len(CONTENT) - 1}/{len(CONTENT)}", drop_after=MIB // 2),
    ],
    ids=["no ranges for once", "a page of the hotel", "a range further on"],
)
async def test_one_wrong_answer_costs_nothing_of_what_has_come(tmp_path: Path, play: Play) -> None:
    with a_hub() as hub:
        hub.play("bytes", Play(drop_after=3 * MIB), play)
        with pytest.raises(Interrupted):
            await brought(hub, tmp_path, Patience(stall_s=1, pauses_s=(0.01,)))
        assert (tmp_path / "org" / "repo" / f"{NAME}.part").stat().st_size == 3 * MIB
        assert (await brought(hub, tmp_path)).read_bytes() == CONTENT
        assert [request.headers.get("range") for request in hub.at("bytes")][1:] == [f"bytes={3 * MIB}-"] * 2


async def test_a_range_that_begins_elsewhere_is_not_glued_on(tmp_path: Path) -> None:
    elsewhere = {"Content-Range": f"bytes 5-{len(CONTENT) - 1}/{len(CONTENT)}"}
    with a_hub() as hub:
        hub.play("bytes", Play(drop_after=MIB), Play(status=206, headers=elsewhere, body=CONTENT[5:]))
        assert (await brought(hub, tmp_path)).read_bytes() == CONTENT
    with a_hub(Stored(CONTENT, large=False)) as hub:  # no hash would tell that it goes on with other bytes
        hub.play("bytes", Play(drop_after=MIB), Play(status=206, headers=elsewhere, body=OTHER[5:]))
        assert (await brought(hub, tmp_path / "unhashed")).read_bytes() == CONTENT


async def test_an_answer_about_another_size_is_refused_before_it_is_read(tmp_path: Path) -> None:
    with a_hub() as hub:
        hub.play("bytes", Play(content=CONTENT + b"more"))
        with pytest.raises(BadAnswer, match=r"should have .* bytes"):
            await brought(hub, tmp_path)
        assert names(tmp_path) & {NAME} == set()
        hub.play("bytes", Play(drop_after=MIB), Play(content=CONTENT[:-1]))
        with pytest.raises(BadAnswer, match=r"should have .* bytes"):
            await brought(hub, tmp_path)
        hub.play("bytes", Play(status=206, body=b"no Content-Range"))
        with pytest.raises(BadAnswer, match="it says nothing"):
            await brought(hub, tmp_path)


async def test_a_body_without_a_length_is_read_to_the_end_of_the_file_and_no_further(tmp_path: Path) -> None:
    with a_hub() as hub:
        more = CONTENT + b"more"
        hub.play("bytes", Play(unmeasured=True, drop_after=MIB), Play(unmeasured=True, content=more))
        repository, file = await looked_up(hub)
        told: list[int] = []
        # The second answer is about a longer file, and says so.
        with pytest.raises(BadAnswer):
            await fetch(repository, file, into=tmp_path, patience=BRISK)
        hub.play("bytes", Play(unmeasured=True, ignore_range=True, content=more, stall_after=len(more)))
        path = await fetch(
            repository, file, into=tmp_path, on_progress=lambda done, _: told.append(done), patience=ONCE
        )
        assert path.read_bytes() == CONTENT
        assert max(told) == len(CONTENT)
        assert len(hub.at("bytes")) == 3


async def test_wrong_bytes_are_set_aside_and_never_get_the_name(tmp_path: Path) -> None:
    with a_hub() as hub:
        hub.play("bytes", Play(content=OTHER), Play(content=OTHER))
        with pytest.raises(Damaged, match=r"came damaged: its SHA-256 should be .*set aside as .*\.damaged") as caught:
            await brought(hub, tmp_path)
        assert hashlib.sha256(CONTENT).hexdigest() in caught.value.why
        assert len(hub.at("bytes")) == 2  # it was fetched once more by itself
        assert names(tmp_path) == {f"{NAME}.damaged"}
        assert (tmp_path / "org" / "repo" / f"{NAME}.damaged").read_bytes() == OTHER
        assert (await brought(hub, tmp_path)).read_bytes() == CONTENT
        assert names(tmp_path) == {NAME}


async def test_a_part_that_was_changed_on_the_disk_is_found_out_and_fetched_anew(tmp_path: Path) -> None:
    with a_hub() as hub:
        hub.play("bytes", Play(drop_after=2 * MIB))
        with pytest.raises(Interrupted):
            await brought(hub, tmp_path, ONCE)
        part = tmp_path / "org" / "repo" / f"{NAME}.part"
        part.write_bytes(b"\0" * part.stat().st_size)
        assert (await brought(hub, tmp_path)).read_bytes() == CONTENT
        assert [request.sent for request in hub.at("bytes")][2:] == [len(CONTENT)]


async def test_after_a_power_cut_only_what_was_synced_is_believed(tmp_path: Path) -> None:
    """Played: the note is of another run of the system, and what was not synced is zeros."""
    with a_hub() as hub:
        hub.play("bytes", Play(drop_after=3 * MIB))
        with pytest.raises(Interrupted):
            await brought(hub, tmp_path, ONCE)
        part = tmp_path / "org" / "repo" / f"{NAME}.part"
        note = part.with_name(f"{NAME}.part.json")
        told = json.loads(note.read_text())
        assert (told["synced"], told["run"]) == (3 * MIB, this_run())
        note.write_text(json.dumps({**told, "synced": 2 * MIB, "run": "the run before"}))
        with part.open("r+b") as stream:
            stream.seek(2 * MIB)
            stream.write(bytes(MIB))
        assert (await brought(hub, tmp_path)).read_bytes() == CONTENT
        assert hub.served == len(CONTENT) + MIB


# Two different files


async def test_a_file_that_changed_between_two_attempts_starts_over(tmp_path: Path) -> None:
    with a_hub() as hub:
        hub.play("bytes", Play(drop_after=3 * MIB))
        with pytest.raises(Interrupted):
            await brought(hub, tmp_path, ONCE)
        hub.put("org/repo", NAME, OTHER)
        assert (await brought(hub, tmp_path)).read_bytes() == OTHER
        assert hub.at("bytes")[1].headers.get("range") is None


async def test_the_same_content_at_another_commit_is_continued(tmp_path: Path) -> None:
    with a_hub() as hub:
        hub.play("bytes", Play(drop_after=3 * MIB))
        with pytest.raises(Interrupted):
            await brought(hub, tmp_path, ONCE)
        hub.put("org/repo", "README.md", b"new words")
        assert (await brought(hub, tmp_path)).read_bytes() == CONTENT
        assert hub.served == len(CONTENT)


@pytest.mark.parametrize("obeys", [True, False])
async def test_without_a_hash_the_server_s_mark_tells_a_change(tmp_path: Path, obeys: bool) -> None:
    """`obeys`: whether the server takes notice of If-Range, or sends a range of the new content all the same."""
    with a_hub(Stored(CONTENT, large=False)) as hub:
        repository, file = await looked_up(hub)
        assert file.sha256 is None
        hub.play("bytes", Play(drop_after=3 * MIB, content=OTHER))
        if not obeys:
            told = {"ETag": '"new"', "Content-Range": f"bytes {3 * MIB}-{len(CONTENT) - 1}/{len(CONTENT)}"}
            hub.play("bytes", Play(status=206, headers=told, body=CONTENT[3 * MIB :]))
        path = await fetch(repository, file, into=tmp_path, patience=BRISK)
        assert path.read_bytes() == CONTENT
        assert hub.at("bytes")[1].headers["if-range"] == f'"{hashlib.sha256(OTHER).hexdigest()}"'


async def test_without_a_hash_the_commit_tells_two_files_apart(tmp_path: Path) -> None:
    with a_hub(Stored(CONTENT, large=False)) as hub:
        hub.play("bytes", Play(drop_after=3 * MIB, etag=""))
        with pytest.raises(Interrupted):
            await brought(hub, tmp_path, ONCE)
        hub.put("org/repo", NAME, Stored(OTHER, large=False))
        assert (await brought(hub, tmp_path)).read_bytes() == OTHER


@pytest.mark.parametrize(
    "note", [b"", b"{", b"[]", b"null", b"\xff", b'{"of": {}}', b'{"of": {"sha256": "x", "size": 5}}']
)
async def test_a_part_of_which_nothing_is_known_is_not_used(tmp_path: Path, note: bytes) -> None:
    folder = tmp_path / "org" / "repo"
    folder.mkdir(parents=True)
    (folder / f"{NAME}.part").write_bytes(OTHER[:MIB])
    (folder / f"{NAME}.part.json").write_bytes(note)
    with a_hub() as hub:
        assert (await brought(hub, tmp_path)).read_bytes() == CONTENT
        assert hub.at("bytes")[0].headers.get("range") is None


async def test_a_part_that_is_whole_or_too_long(tmp_path: Path) -> None:
    folder = tmp_path / "org" / "repo"
    folder.mkdir(parents=True)
    identity = {"sha256": hashlib.sha256(CONTENT).hexdigest(), "size": len(CONTENT)}
    with a_hub() as hub:
        for more, served in ((b"", 0), (b"x", len(CONTENT))):
            (folder / f"{NAME}.part").write_bytes(CONTENT + more)
            (folder / f"{NAME}.part.json").write_text(json.dumps({"of": identity}))
            path = await brought(hub, tmp_path)
            assert path.read_bytes() == CONTENT
            assert hub.served == served
            path.unlink()


async def test_a_file_of_another_size_under_that_name_is_never_replaced(tmp_path: Path) -> None:
    target = tmp_path / "org" / "repo" / NAME
    target.parent.mkdir(parents=True)
    target.write_bytes(b"mine")
    with a_hub() as hub:
        with pytest.raises(Damaged, match="its size is another one"):
            await brought(hub, tmp_path)
        assert hub.served == 0
        assert target.read_bytes() == b"mine"
        target.unlink()

        def came(done: int, _total: int) -> None:
            if done and not target.exists():
                target.write_bytes(b"mine too")

        repository, file = await looked_up(hub)
        with pytest.raises(NotStored):
            await fetch(repository, file, into=tmp_path, on_progress=came)
    assert target.read_bytes() == b"mine too"
    assert target.with_name(f"{NAME}.part").read_bytes() == CONTENT


# Refusals


@pytest.mark.parametrize(
    ("play", "kind"),
    [
        (Play(status=401, error_code="GatedRepo"), Gated),
        (Play(status=403, error_code="GatedRepo"), Gated),
        (Play(status=404, error_code="EntryNotFound"), NotFound),
        (Play(status=400), BadAnswer),
        (Play(status=302, headers={"Location": "ftp://127.0.0.1/x"}), BadAnswer),
    ],
)
async def test_a_final_refusal_is_told_at_once(tmp_path: Path, play: Play, kind: type[HubError]) -> None:
    with a_hub() as hub:
        hub.play("resolve", play)
        with pytest.raises(kind):
            await brought(hub, tmp_path)
        assert len(hub.at("resolve")) == 1


async def test_a_gated_model_comes_with_a_token(tmp_path: Path) -> None:
    with a_hub() as hub:
        hub.gated = {"org/repo"}
        repository, file = await looked_up(hub)
        with pytest.raises(Gated, match="Accept its terms"):
            await fetch(repository, file, into=tmp_path)
        path = await fetch(repository, file, into=tmp_path, token="good-token")
        assert path.read_bytes() == CONTENT


async def test_the_token_reaches_the_hub_and_nobody_else(tmp_path: Path) -> None:
    with a_hub() as hub, HubServer({"org/repo": {NAME: CONTENT}}, cdn=False) as stranger:
        repository, file = await looked_up(hub)
        away = f"{stranger.url}/org/repo/resolve/main/{NAME}"
        hub.play("bytes", Play(drop_after=MIB), Play(status=302, headers={"Location": away}))
        path = await fetch(repository, file, into=tmp_path, token="good-token", patience=BRISK)
        assert path.read_bytes() == CONTENT
        assert [request.headers.get("authorization") for request in hub.at("resolve")] == ["Bearer good-token"] * 2
        beyond = [*hub.at("bytes"), *stranger.requests]
        assert len(beyond) == 4
        assert all("good-token" not in str(request.headers) for request in beyond)
        assert stranger.at("bytes")[0].headers["range"] == f"bytes={MIB}-"


async def test_the_token_does_not_come_back_over_a_stranger(tmp_path: Path) -> None:
    """Sent away and back again: what a stranger sends to the hub is not sent in the user's name."""
    with a_hub() as hub:
        repository, file = await looked_up(hub)
        back = f"{hub.url}/org/repo/resolve/main/{NAME}"
        hub.play("bytes", Play(status=302, headers={"Location": back}))
        await fetch(repository, file, into=tmp_path, token="good-token", patience=BRISK)
        told = [request.headers.get("authorization") for request in hub.at("resolve")]
        assert told == ["Bearer good-token", None]


async def test_off_line_is_told_at_once_and_keeps_the_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with a_hub() as hub:
        repository, file = await looked_up(hub)
        hub.play("bytes", Play(drop_after=MIB))
        with pytest.raises(Interrupted):
            await fetch(repository, file, into=tmp_path, patience=ONCE)
    async with asyncio.timeout(5):  # no pauses
        with pytest.raises(Unreachable, match="works without network"):
            await fetch(repository, file, into=tmp_path, patience=Patience(pauses_s=(60.0,)))
    assert (tmp_path / "org" / "repo" / f"{NAME}.part").stat().st_size == MIB
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(Unreachable, match="HF_HUB_OFFLINE"):
        await fetch(repository, file, into=tmp_path)


@pytest.mark.parametrize("setting", [{"SSL_CERT_FILE": "none.pem"}, {"ALL_PROXY": "nonsense://x"}])
async def test_an_environment_that_allows_no_connection_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: dict[str, str]
) -> None:
    with a_hub() as hub:
        repository, file = await looked_up(hub)
        for name, value in setting.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(Unreachable, match="no connection can be made"):
            await fetch(repository, file, into=tmp_path)


# The disk


async def test_too_small_a_disk_is_told_before_the_first_byte(tmp_path: Path) -> None:
    huge = HubFile(NAME, 10**18)
    with a_hub() as hub:
        repository, file = await looked_up(hub)
        with pytest.raises(NoRoom, match=r"not enough room .* still to come, and .* free in"):
            await fetch(repository, huge, into=tmp_path)
        with pytest.raises(NoRoom, match="not enough room"):
            await fetch_all(repository, [file, huge], into=tmp_path / "not" / "there" / "yet")
        assert hub.at("resolve") == []
        assert not (tmp_path / "not").exists()


async def test_a_disk_that_is_full_in_the_middle_keeps_what_has_come(tmp_path: Path) -> None:
    """The system refuses for real: no file may grow beyond two and a half pieces."""
    with a_hub() as hub:
        repository, file = await looked_up(hub)
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (5 * MIB // 2, hard))
        try:
            with pytest.raises(NoRoom, match="became full") as caught:
                await fetch(repository, file, into=tmp_path)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert "What has come stays" in caught.value.hint
        assert (tmp_path / "org" / "repo" / f"{NAME}.part").stat().st_size == 5 * MIB // 2
        await fetch(repository, file, into=tmp_path)
        assert hub.at("bytes")[-1].sent == len(CONTENT) - 5 * MIB // 2


async def test_a_full_device(tmp_path: Path) -> None:
    """/dev/full answers every write with ENOSPC."""
    folder = tmp_path / "org" / "repo"
    folder.mkdir(parents=True)
    (folder / f"{NAME}.part").symlink_to("/dev/full")
    identity = {"sha256": hashlib.sha256(CONTENT).hexdigest(), "size": len(CONTENT)}
    (folder / f"{NAME}.part.json").write_text(json.dumps({"of": identity}))
    with a_hub() as hub, pytest.raises(NoRoom, match="became full"):
        await brought(hub, tmp_path)


async def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "org").write_text("a file in place of the folder")
    with a_hub() as hub, pytest.raises(NotStored, match="could not be stored"):
        await brought(hub, tmp_path)


async def test_the_models_folder_itself_is_not_made(tmp_path: Path) -> None:
    """Where its disk was taken away it would be made on another one, and fill that."""
    with a_hub() as hub:
        repository, file = await looked_up(hub)
        with pytest.raises(NotStored, match="models is not there, or the disk") as told:
            await fetch(repository, file, into=tmp_path / "disk" / "models")
    assert "Connect the disk" in told.value.hint
    assert not (tmp_path / "disk").exists()


@pytest.mark.parametrize(
    "path",
    [
        "../m.gguf",
        "a/../../m.gguf",
        "/etc/m.gguf",
        "C:/m.gguf",
        "C:m.gguf",
        "a\\..\\m.gguf",
        "..\\m.gguf",
        "a//m.gguf",
        "./m.gguf",
        "m.gguf/",
        "",
        "a /m.gguf",
        "a./m.gguf",
        "m.gguf:stream",
        "nul.gguf",
        "CON/m.gguf",
        "m\n.gguf",
        "m\0.gguf",
        "m\u202e.gguf",
        "m?.gguf",
        "m" * 300 + ".gguf",
        "\u00e4" * 130 + ".gguf",
        "m\udc80.gguf",
        "COM1.part.gguf",
        "lpt9/m.gguf",
        "com\u00b9.gguf",
        "CONOUT$",
        "...",
        "~/../m.gguf",
        "\\\\server\\share\\m.gguf",
    ],
)
async def test_a_name_that_leads_out_of_the_folder_is_refused(tmp_path: Path, path: str) -> None:
    file = HubFile(path, 5)
    with pytest.raises(BadName, match="no name for a file"):
        target_path(tmp_path, "org/repo", file)
    repository = Repository("org/repo", "a" * 40, (file,), "http://127.0.0.1:9")
    for bring in (fetch(repository, file, into=tmp_path), fetch_all(repository, [file], into=tmp_path)):
        with pytest.raises(BadName):
            await bring
    assert names(tmp_path) == set()


@pytest.mark.parametrize("repo_id", ["../..", "org/..", "/etc", "a\\b/c"])
def test_so_is_the_name_of_a_repository(tmp_path: Path, repo_id: str) -> None:
    with pytest.raises(BadName):
        target_path(tmp_path, repo_id, HubFile("m.gguf", 5))


async def test_a_link_inside_the_models_folder_that_leads_out_of_it_is_not_followed(tmp_path: Path) -> None:
    models, outside = tmp_path / "models", tmp_path / "outside"
    models.mkdir()
    outside.mkdir()
    with a_hub() as hub:
        (models / "org").symlink_to(outside)
        with pytest.raises(BadName, match="outside the models folder"):
            await brought(hub, models)
        assert names(outside) == set()
        (models / "org").unlink()
        (models / "org").mkdir()
        (models / "org" / "repo").symlink_to("../../outside")
        with pytest.raises(BadName, match="outside the models folder"):
            await brought(hub, models)
        assert names(outside) == set()
        (tmp_path / "moved").symlink_to(models)  # the folder itself may be one
        (models / "org" / "repo").unlink()
        assert (await brought(hub, tmp_path / "moved")).read_bytes() == CONTENT


def test_nor_are_two_that_write_a_letter_in_two_ways(tmp_path: Path) -> None:
    files = tuple(HubFile(name, 5) for name in ("caf\u00e9.gguf", "cafe\u0301.gguf"))
    with pytest.raises(BadName, match="how a letter is written"):
        target_paths(tmp_path, Repository("org/repo", "a" * 40, files, "http://127.0.0.1:9"), files)


async def test_two_names_that_differ_in_case_only_are_not_fetched_into_one(tmp_path: Path) -> None:
    with HubServer({"org/repo": {"m.gguf": CONTENT, "M.gguf": OTHER}}) as hub:
        repository = await look_up("org/repo", endpoint=hub.url)
        with pytest.raises(BadName, match="upper and lower case"):
            await fetch_all(repository, repository.files, into=tmp_path)
        assert names(tmp_path) == set()


# Cancelling, and two at once


async def test_cancelling_stops_at_once_and_keeps_the_part(tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()
    with a_hub() as hub:
        hub.play("bytes", Play(stall_after=3 * MIB + 7))
        task = asyncio.create_task(brought(hub, tmp_path, Patience()))
        await hub.has_served(3 * MIB + 7)
        await asyncio.sleep(0.3)
        begin = loop.time()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert loop.time() - begin < 5  # and not the 30 s of a stall
        kept = (tmp_path / "org" / "repo" / f"{NAME}.part").stat().st_size
        assert kept >= 2 * MIB
        assert (await brought(hub, tmp_path)).read_bytes() == CONTENT
        assert hub.at("bytes")[1].sent == len(CONTENT) - kept


@pytest.mark.parametrize("after_s", [0, 0.001, 0.003, 0.01, 0.02, 0.04, 0.08])
async def test_cancelling_at_any_moment_leaves_what_can_be_continued(tmp_path: Path, after_s: float) -> None:
    with a_hub() as hub:
        repository, file = await looked_up(hub)
        task = asyncio.create_task(fetch(repository, file, into=tmp_path, patience=BRISK))
        await asyncio.sleep(after_s)
        task.cancel()
        await asyncio.wait([task])
        path = await fetch(repository, file, into=tmp_path, patience=BRISK)
        assert path.read_bytes() == CONTENT
        assert names(tmp_path) == {NAME}


async def test_work_on_the_disk_is_over_before_a_cancellation_goes_on() -> None:
    over = []
    task = asyncio.create_task(to_its_end(lambda: over.append(time.sleep(0.2))))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert over


async def test_two_tasks_fetch_one_file_once(tmp_path: Path) -> None:
    told: list[int] = []
    with a_hub() as hub:
        repository, file = await looked_up(hub)
        hub.play("bytes", Play(bytes_per_s=8 * MIB))
        first = asyncio.create_task(fetch(repository, file, into=tmp_path))
        await hub.has_served(1)
        second = asyncio.create_task(
            fetch(repository, file, into=tmp_path, on_progress=lambda done, _: told.append(done))
        )
        assert await first == await second
        assert (await first).read_bytes() == CONTENT
        assert hub.served == len(CONTENT)
        assert names(tmp_path) == {NAME}
        assert told[-1] == len(CONTENT)
        assert len(told) > 1  # the one that waits tells what the other one brings


async def test_the_second_goes_on_where_the_first_gave_up(tmp_path: Path) -> None:
    with a_hub() as hub:
        hub.play("bytes", Play(stall_after=2 * MIB))
        first = asyncio.create_task(brought(hub, tmp_path, Patience()))
        await hub.has_served(2 * MIB)
        second = asyncio.create_task(brought(hub, tmp_path))
        await asyncio.sleep(0.3)
        assert len(hub.at("bytes")) == 1
        first.cancel()
        assert (await second).read_bytes() == CONTENT
        assert hub.served <= len(CONTENT) + 2 * MIB, "what the first had not read when it was ended comes again"


async def test_another_process_is_waited_for(tmp_path: Path) -> None:
    folder = tmp_path / "org" / "repo"
    folder.mkdir(parents=True)
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from nodetool_xl_desktop.core.lock import FileLock\n"
        "print(FileLock(Path(sys.argv[1])).try_acquire(), flush=True)\n"
        "sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", program, str(folder / f"{NAME}.lock")]
    holder = await asyncio.create_subprocess_exec(*command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdout
    assert await holder.stdout.readline() == b"True\n"
    with a_hub() as hub:
        repository, file = await looked_up(hub)
        task = asyncio.create_task(fetch(repository, file, into=tmp_path))
        await asyncio.sleep(0.3)
        assert hub.at("resolve") == []
        holder.kill()
        await holder.wait()
        assert (await task).read_bytes() == CONTENT


def test_the_lock_is_given_back(tmp_path: Path) -> None:
    one, two = FileLock(tmp_path / "x.lock"), FileLock(tmp_path / "x.lock")
    assert one.try_acquire()
    assert not two.try_acquire()
    one.release()
    one.release()
    assert two.try_acquire()
    two.release(remove=True)
    assert names(tmp_path) == set()
