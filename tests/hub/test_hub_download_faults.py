"""A large file through every fault: right to the byte or not under its name, and next to nothing fetched twice.

In full, 300 MB each, with `pytest -m soak -s`, which prints the figures; in the ordinary run 12 MB, with fewer faults.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hub_server import HubServer, Play

from nodetool_xl_desktop.core.units import MIB
from nodetool_xl_desktop.hub.downloads import Downloads, Manner, State
from nodetool_xl_desktop.hub.repository import look_up
from nodetool_xl_desktop.hub.transfer import Patience

PROGRAM = Path(__file__).parent.parent / "download_program.py"
NAME = "big-Q4_K_M.gguf"
TWICE_MOST = 8 * MIB
BRISK = Manner(Patience(stall_s=0.5, pauses_s=(0.01, 0.02, 0.05)), retries_s=(0.05,) * 20)


@dataclass(frozen=True)
class Size:
    """How large the file is, and how many faults of a kind are played."""

    size: int
    faults: int


SAMPLE, WHOLE = Size(12 * MIB + 345, 4), Size(300_000_000, 20)


@pytest.fixture(params=[SAMPLE, pytest.param(WHOLE, marks=pytest.mark.soak)], ids=["12 MB", "300 MB"])
def big(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Big]:
    with Big(request.param, tmp_path) as made:
        yield made


class Big:
    """A hub with one large file, and a home to fetch it into."""

    def __init__(self, size: Size, home: Path) -> None:
        content = b"".join(map(random.Random(11).randbytes, [*(size.size // MIB * [MIB]), size.size % MIB]))
        self.size, self.faults, self.home = size.size, size.faults, home / "home"
        self.sha256 = hashlib.sha256(content).hexdigest()
        self.stored = home / "stored.gguf"
        home.mkdir(exist_ok=True)
        self.stored.write_bytes(content)
        self.hub = HubServer({"org/repo": {NAME: self.stored}})
        self.chance = random.Random()

    def __enter__(self) -> Big:
        self.home.mkdir(parents=True)
        self.hub.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.hub.__exit__()
        self.stored.unlink()
        self.target.unlink(missing_ok=True)

    @property
    def target(self) -> Path:
        return self.home / "models" / "org" / "repo" / NAME

    def is_right(self) -> bool:
        with self.target.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest() == self.sha256

    def right_or_not_there(self) -> None:
        assert not self.target.exists() or self.is_right()

    def drops(self) -> list[Play]:
        """So many places at which connections end, the largest distance last, so that each is reached."""
        places = sorted(self.chance.sample(range(1, self.size), self.faults))
        return [Play(drop_after=after - before) for before, after in zip([0, *places], places, strict=False)]

    async def fetched(self, manner: Manner = BRISK) -> None:
        """Through the queue, to its end."""
        downloads = Downloads(self.home / "downloads.json", lambda: self.home / "models", manner=manner)
        downloads.start()
        try:
            repository = await look_up("org/repo", endpoint=self.hub.url)
            which = await downloads.add(repository, repository.files)
            while (shown := next(each for each in downloads.all if each.id == which)).state is not State.DONE:
                assert shown.state is not State.FAILED, str(shown.error)
                self.right_or_not_there()
                await asyncio.sleep(0.01)
        finally:
            await downloads.close()

    def judge(self, kind: str, faults: int, began: float) -> None:
        twice = self.hub.served - self.size
        print(
            f"\n{kind}: {self.size / 1e6:.0f} MB, {faults} faults, {time.monotonic() - began:.1f} s, fetched twice "
            f"{twice / MIB:.2f} MiB, {twice / MIB / max(faults, 1):.2f} MiB for each"
        )
        assert self.is_right()
        assert {path.name for path in self.target.parent.iterdir()} == {NAME}
        assert twice <= TWICE_MOST * faults


async def test_connections_that_drop_at_random_bytes(big: Big) -> None:
    began = time.monotonic()
    big.hub.play("bytes", *big.drops())
    await big.fetched()
    assert len(big.hub.at("bytes")) == big.faults + 1
    big.judge("dropped connections", big.faults, began)


async def test_servers_that_answer_with_errors(big: Big) -> None:
    began = time.monotonic()
    statuses = (500, 502, 503, 504, 429)
    for drop in big.drops():
        big.hub.play("bytes", drop, Play(status=big.chance.choice((500, 502, 503, 403))))
        big.hub.play("resolve", Play(), Play(status=big.chance.choice(statuses)))
    await big.fetched()
    big.judge("errors of the server", 3 * big.faults, began)


async def test_connections_that_fall_silent(big: Big) -> None:
    began = time.monotonic()
    faults = max(3, big.faults // 4)
    for drop in big.drops()[:faults]:
        big.hub.play("bytes", Play(stall_after=drop.drop_after))
    await big.fetched()
    big.judge("stalls", faults, began)


async def test_a_wrong_hash(big: Big) -> None:
    """One byte is another one: all of it has to come again, and only then it gets the name."""
    began = time.monotonic()
    wrong = bytearray(big.stored.read_bytes())
    wrong[big.chance.randrange(len(wrong))] ^= 1
    # With its mark: to hash so much before the first byte takes longer than this patience.
    big.hub.play("bytes", Play(content=bytes(wrong), etag=f'"{hashlib.sha256(wrong).hexdigest()}"'))
    await big.fetched()
    assert big.is_right()
    assert {path.name for path in big.target.parent.iterdir()} == {NAME}
    twice = (big.hub.served - big.size) / MIB
    print(f"\nwrong hash: {big.size / 1e6:.0f} MB, {time.monotonic() - began:.1f} s, fetched twice {twice:.2f} MiB")
    assert big.hub.served == 2 * big.size


async def test_a_program_that_is_killed_at_random_moments(big: Big) -> None:
    """A real program, and SIGKILL. In the end the last one brings the rest."""
    began = time.monotonic()
    kills = 0
    for _ in range(big.faults):
        big.hub.always["bytes"] = Play(bytes_per_s=big.size * big.chance.choice((0.1, 0.2, 0.5)))
        if await _run_and_kill(big, big.chance.uniform(0.0, 0.5)):
            kills += 1
        big.right_or_not_there()
    big.hub.always.clear()
    assert (await _run(big))[-1] == b"done"
    assert kills >= big.faults // 2
    big.judge("kills", kills, began)


async def test_a_program_that_is_killed_while_it_reads_slower_than_the_server_sends(big: Big) -> None:
    """What the system has taken in ahead is lost with the program: there must not be much of it."""
    began = time.monotonic()
    kills = 3
    for _ in range(kills):
        process = await _started(big, big.size // 20)
        assert process.stdout
        assert await process.stdout.readline() == b"ready\n"
        await asyncio.sleep(1.0)
        process.kill()
        assert b"done" not in await process.stdout.read()
        await process.wait()
        big.right_or_not_there()
    assert (await _run(big))[-1] == b"done"
    big.judge("kills while the server is ahead", kills, began)


@pytest.mark.soak
async def test_a_stall_is_noticed_within_30_seconds(tmp_path: Path) -> None:
    """With the patience that people get: silence, and less than 1 kB/s."""
    for kind in ("stall_after", "trickle_after"):
        with Big(SAMPLE, tmp_path / kind) as big:
            big.hub.play("bytes", Play(**{kind: 5 * MIB}))
            began = time.monotonic()
            await big.fetched(Manner())
            print(f"\n{kind}: noticed and through after {time.monotonic() - began:.1f} s")
            assert time.monotonic() - began < 30 + 2
            assert big.is_right()


async def _started(big: Big, bytes_per_s: int | None = None) -> asyncio.subprocess.Process:
    command = [sys.executable, str(PROGRAM), str(big.home), big.hub.url, "org/repo", str(bytes_per_s or "")]
    environment = {**os.environ, "PYTHONPATH": str(PROGRAM.parent.parent)}
    return await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, env=environment)


async def _run_and_kill(big: Big, after_s: float) -> bool:
    """Whether it was killed before it was done. Half of them die before the queue is ready."""
    process = await _started(big)
    assert process.stdout
    if big.chance.random() < 0.8:
        assert await process.stdout.readline() == b"ready\n"
    await asyncio.sleep(after_s)
    if process.returncode is None:
        process.kill()
    left = await process.stdout.read()
    await process.wait()
    return b"done" not in left


async def _run(big: Big) -> list[bytes]:
    process = await _started(big)
    out, _ = await process.communicate()
    return out.splitlines()


async def test_a_disk_that_becomes_full(big: Big) -> None:
    """A real file system of half the file's size, in a mount namespace of its own where this system grants one."""
    began = time.monotonic()
    big.hub.always["bytes"] = Play(bytes_per_s=big.size / 2)
    script = Path(__file__).parent.parent / "full_disk_program.py"
    command = ["unshare", "--mount", "--map-root-user", sys.executable, str(script)]
    environment = {**os.environ, "PYTHONPATH": str(script.parent.parent)}
    arguments = [str(big.home), big.hub.url, "org/repo", str(big.size)]
    process = await asyncio.create_subprocess_exec(*command, *arguments, stdout=subprocess.PIPE, env=environment)
    out, _ = await process.communicate()
    said = out.decode().splitlines()
    assert process.returncode == 0, said
    assert said[0].startswith("refused: There is not enough room for"), said
    assert said[1].startswith(("failed: The disk became full", "failed: There is not enough room any longer")), said
    assert "What has come stays" in said[1]
    assert said[2] == "not under its name", said
    assert said[3].startswith("failed: There is not enough room for"), said
    assert said[-1] == f"done {big.sha256}", said
    twice = big.hub.served - big.size
    print(
        f"\nfull disk: {big.size / 1e6:.0f} MB, 2 faults, {time.monotonic() - began:.1f} s, fetched twice "
        f"{twice / MIB:.2f} MiB"
    )
    assert twice <= 2 * TWICE_MOST
