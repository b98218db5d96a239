"""Which engine the children of this process start with.

The choice is a file in the data folder, read anew for each child, so that a switch takes effect with the next load. An
engine that did not start is not tried again by this process, unless a person chooses it anew: the program's own takes
its place, and whoever listens is told. As with the off-line switch it is the process that this holds for: a child that
is started anywhere in it must not fall over the same engine again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.engine.engines import Engines, Installed
from nodetool_xl_desktop.engine.errors import EngineError

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Fallen:
    """An engine that was chosen and did not start.

    Attributes:
        engine: which one.
        error: why.
    """

    engine: Installed
    error: EngineError


class InUse:
    """What this process knows of the engine that was chosen."""

    _fallen: ClassVar[dict[str, Fallen]] = {}
    _listeners: ClassVar[list[Callable[[Fallen], None]]] = []

    @classmethod
    def look(cls) -> Installed | None:
        """The engine that a child starts with now; None for the program's own. It reads the disk."""
        try:
            chosen = Engines(Paths.default().engines).chosen()
        except UserFacingError as error:
            _log.warning("The program's own engine is used: %s", error)
            return None
        return None if chosen is None or chosen.name in cls._fallen else chosen

    @classmethod
    def fell(cls, engine: Installed, error: EngineError) -> None:
        """It did not start: this process uses the program's own from now on."""
        is_new = engine.name not in cls._fallen
        cls._fallen[engine.name] = fallen = Fallen(engine, error)
        if is_new:
            _log.warning("The engine %s does not start, and the program's own takes its place: %s", engine.name, error)
            for listener in list(cls._listeners):
                listener(fallen)

    @classmethod
    def why_not(cls, engine: Installed) -> EngineError | None:
        """Why this process does not use an engine that is chosen; None where nothing is known against it."""
        fallen = cls._fallen.get(engine.name)
        return fallen.error if fallen is not None else None

    @classmethod
    def forgive(cls, engine: Installed) -> None:
        """A person wants it again, and it has just been tried."""
        cls._fallen.pop(engine.name, None)

    @classmethod
    def listen(cls, listener: Callable[[Fallen], None]) -> None:
        """Have `listener` told of an engine that did not start, once, in the thread that started the child."""
        cls._listeners.append(listener)

    @classmethod
    def unlisten(cls, listener: Callable[[Fallen], None]) -> None:
        """Tell it no more."""
        if listener in cls._listeners:
            cls._listeners.remove(listener)
