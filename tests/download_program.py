"""A program that runs the queue of downloads until it is killed.

    python tests/download_program.py HOME ENDPOINT REPOSITORY [BYTES_PER_S]

It asks for all files of the repository, as one download, unless the queue knows it already, and says what has come: a
line with the bytes for each change, and at the end "done" or "failed".
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from nodetool_xl_desktop.hub.downloads import Downloads, Limits, Manner, State
from nodetool_xl_desktop.hub.repository import look_up
from nodetool_xl_desktop.hub.transfer import Patience

BRISK = Manner(Patience(stall_s=1.0, pauses_s=(0.01, 0.1, 0.1)), retries_s=(0.1,) * 50)


async def main(home: Path, endpoint: str, repo_id: str, bytes_per_s: int | None) -> None:
    downloads = Downloads(home / "downloads.json", lambda: home / "models", manner=BRISK)
    downloads.start()
    downloads.limits = Limits(bytes_per_s)
    repository = await look_up(repo_id, endpoint=endpoint)
    which = await downloads.add(repository, repository.files)
    print("ready", flush=True)
    told = -1
    while (shown := next(each for each in downloads.all if each.id == which)).state not in (State.DONE, State.FAILED):
        if shown.done != told:
            told = shown.done
            print(told, flush=True)
        await asyncio.sleep(0.005)
    print("done" if shown.state is State.DONE else f"failed {shown.error}", flush=True)
    await downloads.close()


if __name__ == "__main__":
    limit = int(sys.argv[4]) if sys.argv[4:] and sys.argv[4] else None
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], limit))
