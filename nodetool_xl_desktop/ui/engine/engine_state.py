"""What the page of the engine shows, as a value."""

from __future__ import annotations

from dataclasses import dataclass

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.engine.engines import Installed
from nodetool_xl_desktop.engine.wheels import Wheel


@dataclass(frozen=True, slots=True)
class EngineState:
    """What the page shows.

    Attributes:
        built_in: the version of the program's own engine; empty where it has none.
        installed: those of the data folder.
        chosen: the one that shall run; None for the program's own.
        runs: the one that does.
        why_not: why another one runs than was chosen.
        wheel: the build that suits this machine.
    """

    built_in: str = ""
    installed: tuple[Installed, ...] = ()
    chosen: Installed | None = None
    runs: Installed | None = None
    why_not: UserFacingError | None = None
    wheel: Wheel | None = None

    @property
    def suits(self) -> bool:
        """Whether what runs is the build that suits this machine, as far as that can be told."""
        if self.wheel is None or not self.wheel.build:
            return self.runs is None
        return self.runs is not None and self.runs.build.lower() == self.wheel.build.lower()
