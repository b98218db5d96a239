"""Whether a file is what it should be: its SHA-256, and what this disk knows of the one that it should have."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.core.units import MIB
from nodetool_xl_desktop.library import jan, ollama
from nodetool_xl_desktop.library.origins import Origins
from nodetool_xl_desktop.library.pace import Paced
from nodetool_xl_desktop.library.strangers import text_of

#: Read and hashed in one go; both let other threads run meanwhile.
_STEP = 8 * MIB
_SHA256 = re.compile(r"[0-9a-f]{64}", re.A)


class Stopped(Exception):
    """A person stopped it."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a file should be.

    Attributes:
        sha256: 64 hexadecimal digits.
        said_by: who says so, as a person knows it: "Ollama".
        size: in bytes; None where only the hash is known.
    """

    sha256: str
    said_by: str
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Verified:
    """What was found of one file.

    Attributes:
        path: the file.
        sha256: of what it holds.
        size: of what it holds, in bytes.
        expected: what it should be; None where nobody on this disk knows, so that a hub has to be asked.
    """

    path: Path
    sha256: str
    size: int
    expected: Expected | None

    @property
    def is_right(self) -> bool | None:
        """Whether it is right to the byte; None where that is not known."""
        return None if self.expected is None else self.sha256 == self.expected.sha256


def verify(
    files: Sequence[Path],
    origins: Origins,
    on_progress: Callable[[int, int], None] | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> list[Verified]:
    """Read all files of a model, and hold them against what they should be. Blocks for minutes: call it in a thread.

    Args:
        files: of one model, in their order.
        origins: of what the program downloaded.
        on_progress: gets the bytes that are read, and how many there are; 20 times a second at most, in this thread.
        stop: asked after each 8 MiB.

    Raises:
        Stopped: `stop` said so.
        UserFacingError: a file cannot be read.
    """
    total = sum(_size(path) for path in files)
    paced = Paced(on_progress)
    found, before = [], 0
    for path in files:

        def told(done: int, _size: int, before: int = before) -> None:
            paced(min(before + done, total), total)

        sha256, size = _hashed(path, told, stop)
        found.append(Verified(path, sha256, size, expected(path, origins)))
        before += size
    return found


def sha256(
    path: Path, on_progress: Callable[[int, int], None] | None = None, stop: Callable[[], bool] = lambda: False
) -> str:
    """The SHA-256 of a file, as `verify`.

    Raises:
        Stopped: `stop` said so.
        UserFacingError: it cannot be read.
    """
    return _hashed(path, Paced(on_progress), stop)[0]


def expected(path: Path, origins: Origins) -> Expected | None:
    """What a file should be, as far as this disk knows it: from its download, or from the program that holds it."""
    origin = origins.of(path)
    if origin and origin.sha256:
        return Expected(origin.sha256, origin.repo_id or tr("its download"), origin.size)
    if digest := _hub_blob(path):
        return Expected(digest, tr("the Hugging Face cache"))
    if digest := ollama.sha256_of(path) or ollama.sha256_of(_target(path)):
        return Expected(digest, "Ollama")
    if digest := jan.sha256_of(path):
        return Expected(digest, "Jan")
    if digest := _beside(path):
        return Expected(digest, tr("the Hugging Face download"))
    return None


def _hashed(path: Path, on_progress: Callable[[int, int], None], stop: Callable[[], bool]) -> tuple[str, int]:
    digest = hashlib.sha256()
    done, total = 0, _size(path)
    buffer = memoryview(bytearray(_STEP))
    try:
        with path.open("rb", buffering=0) as stream:
            while not stop():
                count = stream.readinto(buffer)
                if not count:
                    return digest.hexdigest(), done
                digest.update(buffer[:count])
                done += count
                on_progress(done, max(total, done))
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    raise Stopped


def _size(path: Path) -> int:
    try:
        if not path.is_file():  # a pipe would be waited for
            raise UserFacingError(tr("{name} cannot be verified", name=path.name), tr("it is gone, or no file"))
        return path.stat().st_size
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> UserFacingError:
    why = getattr(error, "strerror", None) or str(error)
    return UserFacingError(
        tr("{name} cannot be verified", name=path.name),
        tr("it cannot be read: {why}", why=why),
        tr("Look at the disk."),
    )


def _target(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError, ValueError):  # RuntimeError: links that go round
        return path


def _hub_blob(path: Path) -> str:
    """The name of the blob that a snapshot of the Hugging Face cache links to. Small files are named otherwise."""
    target = _target(path)
    is_blob = target.parent.name == "blobs" and target.parent.parent.name.startswith("models--")
    return target.name if is_blob and _SHA256.fullmatch(target.name) else ""


def _beside(path: Path) -> str:
    """What huggingface_hub keeps of a file that was downloaded to a folder of its own: commit, hash, time, a line each.

    It lies in `.cache/huggingface/download` of the folder that a person named, which is the file's or one above.
    """
    for folder in list(path.absolute().parents)[:4]:
        beside = folder / ".cache" / "huggingface" / "download" / path.absolute().relative_to(folder)
        lines = text_of(beside.with_name(f"{beside.name}.metadata")).split()
        if len(lines) > 1 and _SHA256.fullmatch(lines[1]):
            return lines[1]
    return ""
