"""What a pool knows of one model, and of its crashes."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path

from nodetool_xl_desktop.engine.server import EngineServer
from nodetool_xl_desktop.fit.memory import Needs
from nodetool_xl_desktop.fit.options import LoadOptions


@dataclass(frozen=True, slots=True)
class BackOff:
    """When a model that ended by itself is started again.

    Attributes:
        pauses_s: before each start, in seconds: none the first time, then more and more, the last one from then on.
        settled_s: a model that lived so long is not one that always crashes: its count starts again.
    """

    pauses_s: tuple[float, ...] = (0.0, 1.0, 2.0, 4.0, 8.0, 15.0)
    settled_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Key:
    """What a loaded model is known by: the same file with other options is another one."""

    model: Path
    options: LoadOptions


@dataclass(slots=True, eq=False)
class Entry:
    """One model of the pool, from its first request to its end.

    Attributes:
        need: what fit says that it takes; nothing where its header is not known.
        users: requests that wait for it or use it.
        pinned: a person loaded it: it stays until it is ejected.
        has_room: room was made for it, and its load is taking it.
        at_once: a person wants it, so that its start no longer waits because it has crashed before.
    """

    key: Key
    need: Needs
    file_bytes: int | None
    users: int = 0
    pinned: bool = False
    has_room: bool = False
    starting: asyncio.Task[EngineServer] | None = None
    progress: float = 0.0
    server: EngineServer | None = None
    watching: asyncio.Task[None] | None = None
    at_once: asyncio.Event = field(default_factory=asyncio.Event)
    ready_at: float = 0.0
    used_at: float = 0.0
    expiry: asyncio.TimerHandle | None = None

    @property
    def is_idle(self) -> bool:
        """Whether it may be ended to make room, or for its age."""
        return self.server is not None and not self.users and not self.pinned


@dataclass(slots=True)
class Crashes:
    """How often a model has ended by itself in a row, and when it last did."""

    count: int = 0
    last: float = 0.0

    def wait_s(self, back_off: BackOff) -> float:
        """How long a new start still has to wait."""
        pauses = back_off.pauses_s
        pause = pauses[min(self.count, len(pauses)) - 1] if self.count else 0.0
        return max(0.0, self.last + pause - time.monotonic())
