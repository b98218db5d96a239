"""What the program connects for: the one table of it, and whom it has really asked since it began.

There is no telemetry: beside what `Purpose` lists, the program connects to nothing but its own engine on this machine.
Each line is a switch of the settings; `core.network` has every client hold to them, and notes here whom it asks.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum

from nodetool_xl_desktop.core import settings
from nodetool_xl_desktop.core.setting import Setting
from nodetool_xl_desktop.core.translation import tr

#: Hosts that are remembered for one purpose; a model may ask for pages of any number of them.
MOST_HOSTS = 100


class Purpose(Enum):
    """What a connection is made for. Its value is the person's switch, whose words say what is sent, to whom and when.

    Each is listed under Privacy in the settings.
    """

    HUB = settings.NET_HUB
    DOWNLOADS = settings.NET_DOWNLOADS
    ADDRESSES = settings.NET_ADDRESSES
    PAGES = settings.NET_PAGES
    SERVERS = settings.NET_SERVERS
    ENGINES = settings.NET_ENGINES
    STARTER = settings.NET_STARTER

    @property
    def switch(self) -> Setting[bool]:
        """The setting that allows it."""
        return self.value

    @property
    def title(self) -> str:
        """As people read it."""
        return tr(self.value.title)


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody who was asked.

    Attributes:
        name: the host, with its port where it has one of its own; or a program of this machine that may connect by
            itself.
        times: how often.
        last: when the last time was, in seconds since 1970.
    """

    name: str
    times: int
    last: float


class Contacts:
    """Whom the program has asked for what, since it began: in memory, in no file. It may be used from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[Purpose, dict[str, Contact]] = {purpose: {} for purpose in Purpose}
        self._hears: list[Callable[[Purpose], object]] = []

    def note(self, purpose: Purpose, name: str) -> None:
        """Somebody is asked now."""
        now = time.time()
        with self._lock:
            known = self._known[purpose]
            before = known.pop(name, None)
            known[name] = Contact(name, 1, now) if before is None else replace(before, times=before.times + 1, last=now)
            if len(known) > MOST_HOSTS:
                del known[next(iter(known))]  # asked longest ago
            hears = tuple(self._hears)
        for hear in hears:
            hear(purpose)

    def of(self, purpose: Purpose) -> tuple[Contact, ...]:
        """Who was asked for it, the last one first."""
        with self._lock:
            return tuple(reversed(self._known[purpose].values()))

    def listen(self, hear: Callable[[Purpose], object]) -> Callable[[], None]:
        """Have `hear` called, on the thread that asks, each time that somebody is; returns what ends that."""
        with self._lock:
            self._hears.append(hear)

        def end() -> None:
            with self._lock:
                self._hears.remove(hear)

        return end


#: Those of this process.
contacts = Contacts()
