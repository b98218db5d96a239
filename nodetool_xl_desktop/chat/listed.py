"""What there is of tools for a chat, as values: for the window, and for who asks the model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nodetool_xl_desktop.chat.calls import Remember
from nodetool_xl_desktop.core.errors import UserFacingError

if TYPE_CHECKING:
    from nodetool_xl_desktop.tools import Tool
    from nodetool_xl_desktop.tools.source import Offered


@dataclass(frozen=True, slots=True)
class Listed:
    """One tool, as it stands with it in a chat.

    Attributes:
        name: as the model is told it; unique among all.
        tool: what is called, under that name.
        offered: as its source offers it.
        is_on: whether the model is told of it in this chat.
        allowed: how far it may run unasked; None where a person is asked, or where it asks for nothing.
        subjects: for what alone that was allowed, such as hosts; empty for everything.
        problem: why it cannot be used; empty where it can.
    """

    name: str
    tool: Tool
    offered: Offered
    is_on: bool = False
    allowed: Remember | None = None
    subjects: tuple[str, ...] = ()
    problem: str = ""

    @property
    def key(self) -> str:
        """What it is kept by: another source's tool of the same name is another one."""
        return f"{self.offered.source}/{self.offered.tool.name}"


@dataclass(frozen=True, slots=True)
class Tools:
    """What there is for a chat.

    Attributes:
        all: every tool, in the order of the sources.
        problems: why a source has none now.
        folder: the one that the person opened for this chat.
        is_default: whether new chats begin with what is on here.
    """

    all: tuple[Listed, ...] = ()
    problems: tuple[UserFacingError, ...] = ()
    folder: Path | None = None
    is_default: bool = True

    @property
    def on(self) -> tuple[Listed, ...]:
        """Those that the model is told of."""
        return tuple(each for each in self.all if each.is_on and not each.problem)
