"""Programs that write chats and are killed: what they said until then, and how late they were."""

from __future__ import annotations

import asyncio
import itertools
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

#: The lines of a writer: a word, the time of `time.monotonic`, and what belongs to it.
Said = list[list[Any]]

#: What may be missing of a stream, in seconds.
LOST_S = 0.3


async def kill_after(delay_s: float, program: Path, *arguments: object, ready: str = "") -> tuple[Said, float]:
    """Have a writer write, and kill it so many seconds after its start, or after it said that it is ready.

    Returns what it said, and when it was killed.
    """
    writer = await asyncio.create_subprocess_exec(
        sys.executable, str(program), *map(str, arguments), stdout=subprocess.PIPE
    )
    assert writer.stdout is not None
    lines: list[bytes] = []
    while ready and not (lines and lines[-1].startswith(f'["{ready}"'.encode())):
        assert not writer.stdout.at_eof(), lines
        lines.append(await writer.stdout.readline())
    reading = asyncio.create_task(writer.stdout.read())
    await asyncio.sleep(delay_s)
    assert writer.returncode is None, lines
    killed_s = time.monotonic()
    writer.kill()
    lines.append(await reading)
    await writer.wait()
    return [json.loads(line) for line in b"".join(lines).splitlines()], killed_s


def lateness(said: Said, killed_s: float, pace_s: float) -> float:
    """How late a writer itself was at its end, in seconds: on a busy machine it is not run for a while.

    Args:
        said: what it said.
        killed_s: when it was killed.
        pace_s: how often it says something.
    """
    times = [each[1] for each in said if each[1] > killed_s - 2 * LOST_S]
    gaps = [later - earlier for earlier, later in itertools.pairwise([*times, killed_s])]
    return max([0.0, *(gap - pace_s for gap in gaps)])
