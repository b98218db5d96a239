"""One download as the queue holds it, and how fast it is."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from dataclasses import dataclass, field, replace
from pathlib import Path

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.hub.download import target_paths
from nodetool_xl_desktop.hub.part import Part
from nodetool_xl_desktop.hub.repository import HubFile, Repository
from nodetool_xl_desktop.hub.standing import Download, State

#: Over which time a speed is told, and how often it is looked at, in seconds.
_PACE_S = 5.0
_STEP_S = 0.25
#: Below this a speed is a guess.
_LEAST_S = 0.5


class Pace:
    """How fast bytes came in the last seconds. Times are those of the loop."""

    def __init__(self) -> None:
        self._came = 0
        self._marks: deque[tuple[float, int]] = deque()

    def begin(self, now: float) -> None:
        """Nothing has come yet."""
        self._came = 0
        self._marks = deque([(now, 0)])

    def note(self, now: float, size: int) -> None:
        """So many more bytes have come."""
        self._came += size
        if not self._marks or now - self._marks[-1][0] >= _STEP_S:
            self._marks.append((now, self._came))
        while len(self._marks) > 2 and now - self._marks[1][0] >= _PACE_S:
            self._marks.popleft()

    def speed(self, now: float) -> float:
        """Bytes a second."""
        while len(self._marks) > 1 and now - self._marks[0][0] > _PACE_S:
            self._marks.popleft()
        if not self._marks:
            return 0.0
        since, before = self._marks[0]
        return (self._came - before) / max(now - since, _LEAST_S)


@dataclass(slots=True, eq=False)
class Entry:
    """A download. All of it belongs to the queue's loop.

    Attributes:
        id: its name in the queue.
        repository: where it comes from; `files` are those that were chosen, and no others.
        folder: the models folder that it goes into; another one only where what has come of it was moved (`follow`).
        state: where it stands.
        there: the files that were there before, which it has not brought; None before its first attempt.
        is_given_up: it is only here until what has come of it is removed.
        is_held: it is paused because the program works off line, not because somebody paused it.
        is_resting: it is paused while the models folder moves, and goes on afterwards.
        retry_at: when it is tried again after a fault, in the loop's time; None where there was none.
        failures: attempts in a row that brought nothing.
        turn: which of those that run began first.
    """

    id: str
    repository: Repository
    folder: Path
    state: State = State.WAITING
    done: int = 0
    error: UserFacingError | None = None
    finished: float = 0.0
    there: frozenset[str] | None = None
    is_given_up: bool = False
    is_held: bool = False
    is_resting: bool = False
    retry_at: float | None = None
    failures: int = 0
    done_at_failure: int = 0
    turn: int = 0
    task: asyncio.Task[None] | None = None
    pace: Pace = field(default_factory=Pace)

    @property
    def files(self) -> tuple[HubFile, ...]:
        """What is fetched."""
        return self.repository.files

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    @property
    def targets(self) -> tuple[Path, ...]:
        """Where the files go. Raises `BadName`."""
        return target_paths(self.folder, self.repository, self.files)

    @property
    def parts(self) -> tuple[Part, ...]:
        """The files on their way."""
        return tuple(Part(target, self.repository, file) for target, file in zip(self.targets, self.files, strict=True))

    @property
    def is_active(self) -> bool:
        """Whether bytes are coming, or being checked."""
        return self.state in (State.RUNNING, State.CHECKING)

    @property
    def is_open(self) -> bool:
        """Whether it will go on by itself."""
        return self.state is State.WAITING or self.is_active or self.is_held

    def on_disk(self) -> int:
        """Bytes of it that are there. It touches the disk."""
        return sum(part.there() for part in self.parts)

    def have_folder(self) -> None:
        """Make the models folder where it is missing; whether it can be used the first attempt tells."""
        with contextlib.suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)

    def is_emptied(self) -> bool:
        """Whether the models folder is gone, or nothing lies in it, as where its disk was mounted. It touches the
        disk.
        """
        return not self.folder.is_dir() or not any(self.folder.iterdir())

    def is_in_one_place(self, own: Path) -> bool:
        """Whether all that has come lies in one models folder after a move that was cut off: it goes on in that one.

        Args:
            own: the folder that the move led to. It touches the disk.
        """
        self.follow(self.folder, own)
        if self.folder == own:
            return True
        moved = replace(self, folder=own)
        return not any(part.is_whole() or part.size_on_disk() for part in moved.parts)

    def follow(self, source: Path, target: Path) -> None:
        """Go to another models folder, unless something of it still lies in the one before. It touches the disk."""
        if self.folder != source or any(part.is_whole() or part.size_on_disk() for part in self.parts):
            return
        before = self.targets
        self.folder = target
        if self.there is not None:
            self.there = frozenset(
                str(new) for old, new in zip(before, self.targets, strict=True) if str(old) in self.there
            )

    def shown(self, now: float) -> Download:
        """As others see it at this moment of the loop's time."""
        speed = self.pace.speed(now) if self.is_active else 0.0
        return Download(
            id=self.id,
            repo_id=self.repository.repo_id,
            endpoint=self.repository.endpoint,
            files=self.files,
            state=self.state,
            done=self.done,
            size=self.size,
            speed=speed,
            left_s=(self.size - self.done) / speed if speed >= 1 else None,
            retry_in_s=None if self.retry_at is None else max(0.0, self.retry_at - now),
            error=self.error,
            path=self.targets[0] if self.state is State.DONE and self.files else None,
            finished=self.finished,
            commit=self.repository.commit,
        )
