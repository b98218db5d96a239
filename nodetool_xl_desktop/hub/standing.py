"""What a download has come to, as values: for whoever shows it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.translation import mark
from nodetool_xl_desktop.hub.repository import HubFile


class State(StrEnum):
    """Where a download stands; the value is what a list calls it."""

    WAITING = mark("Waiting")
    RUNNING = mark("Downloading")
    CHECKING = mark("Checking")
    PAUSED = mark("Paused")
    FAILED = mark("Failed")
    DONE = mark("Done")


@dataclass(frozen=True, slots=True)
class Download:
    """One model on its way here, at one moment.

    Attributes:
        id: its name in the queue.
        repo_id: `organisation/name`.
        endpoint: the hub it comes from, without a slash at its end.
        files: what is fetched: one file, or all parts of a set, and a projector where that was chosen.
        state: where it stands.
        done: bytes that are there.
        size: bytes of all files.
        speed: bytes a second, over the last seconds; 0 while nothing comes.
        left_s: seconds to its end at that speed; None where that cannot be said.
        retry_in_s: seconds until the next attempt after a fault that may pass; None otherwise.
        error: why it failed; also the fault that is being waited out.
        path: the first file at its final place, once it is there.
        finished: when, in seconds since 1970; 0 before.
        commit: of the repository.
    """

    id: str
    repo_id: str
    endpoint: str
    files: tuple[HubFile, ...]
    state: State
    done: int
    size: int
    speed: float = 0.0
    left_s: float | None = None
    retry_in_s: float | None = None
    error: UserFacingError | None = None
    path: Path | None = None
    finished: float = 0.0
    commit: str = ""

    @property
    def name(self) -> str:
        """What a list calls it: the first file's name without its folders."""
        return self.files[0].name if self.files else self.repo_id


@dataclass(frozen=True, slots=True)
class Limits:
    """What downloads may take.

    Attributes:
        bytes_per_s: of all together; None for no limit.
        at_once: how many run beside each other.
    """

    bytes_per_s: int | None = None
    at_once: int = 1
