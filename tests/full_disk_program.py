"""A program whose models folder is a small file system of its own, which becomes full while a file is fetched.

    unshare --mount --map-root-user python tests/full_disk_program.py HOME ENDPOINT REPOSITORY SIZE

It says what became of each step, a line each: of a disk with half the room, of one that another program fills up in the
middle, of another attempt on the full one, and of the last one, after room was made.
"""

from __future__ import annotations

import asyncio
import hashlib
import subprocess
import sys
from pathlib import Path

from download_program import BRISK

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.hub.downloads import Download, Downloads, State
from nodetool_xl_desktop.hub.repository import look_up


def mount(folder: Path, size: int, *options: str) -> None:
    # Without swap it is in memory, and its pages are whole.
    command = ["mount", "-t", "tmpfs", "-o", ",".join([f"size={size + 64 * 1024}", *options]), "none", str(folder)]
    subprocess.run(command, check=True)


async def ended(downloads: Downloads, before: UserFacingError | None = None) -> Download:
    """At the end of the attempt behind the one with that error."""
    while True:
        shown = downloads.all[0] if downloads.all else None
        if shown and (shown.state is State.DONE or (shown.state is State.FAILED and shown.error is not before)):
            return shown
        await asyncio.sleep(0.005)


async def main(home: Path, endpoint: str, repo_id: str, size: int) -> None:
    models = home / "models"
    models.mkdir()
    mount(models, size // 2)
    downloads = Downloads(home / "downloads.json", lambda: models, manner=BRISK)
    downloads.start()
    repository = await look_up(repo_id, endpoint=endpoint)
    try:
        await downloads.add(repository, repository.files)
    except UserFacingError as error:
        print(f"refused: {error}")
    mount(models, size + 1024 * 1024, "remount")
    which = await downloads.add(repository, repository.files)
    while not downloads.all or downloads.all[0].done < size // 3:  # noqa: ASYNC110
        await asyncio.sleep(0.005)
    filler = models / "filler"
    with filler.open("wb", buffering=0) as stream:
        try:
            while stream.write(bytes(65536)):
                pass
        except OSError:
            pass
    failed = await ended(downloads)
    print(f"failed: {failed.error}")
    there = {path.name for path in models.rglob("*") if path.is_file()}
    names = {file.name for file in repository.files}
    print(
        "under its name" if names & there or not {f"{name}.part" for name in names} <= there else "not under its name"
    )
    kept = downloads.all[0].done
    downloads.retry(which)
    failed = await ended(downloads, failed.error)
    print(f"failed: {failed.error}")
    filler.unlink()
    downloads.retry(which)
    done = await ended(downloads, failed.error)
    with next(models.rglob("*.gguf")).open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    print(f"kept {kept}")
    print(f"{done.state.name.lower()} {found}")
    await downloads.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])))
