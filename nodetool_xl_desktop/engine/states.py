"""What a model goes through, as values that can be watched."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nodetool_xl_desktop.engine.errors import EngineError
from nodetool_xl_desktop.engine.server import EngineServer


@dataclass(frozen=True, slots=True)
class Empty:
    """Nothing is loaded."""


@dataclass(frozen=True, slots=True)
class Starting:
    """A model is on its way into memory; `progress` goes from 0 to 1."""

    model: Path
    progress: float = 0.0


@dataclass(frozen=True, slots=True)
class Ready:
    """A model answers."""

    server: EngineServer

    @property
    def model(self) -> Path:
        """Its file."""
        return self.server.model


@dataclass(frozen=True, slots=True)
class Broken:
    """A model could not be loaded, or its engine ended by itself."""

    model: Path
    error: EngineError


@dataclass(frozen=True, slots=True)
class Ending:
    """A model is on its way out of memory."""

    model: Path


State = Empty | Starting | Ready | Broken | Ending
