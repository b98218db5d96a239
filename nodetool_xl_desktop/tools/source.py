"""Where tools come from: what comes with the program, and each server that offers some.

A source is asked per chat, as what it offers may depend on the folder that the person opened for that chat and on the
files that they attached to it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from nodetool_xl_desktop.core.connections import Purpose
    from nodetool_xl_desktop.tools.tool import Tool


@dataclass(frozen=True, slots=True)
class Offered:
    """One tool that there is.

    The tool may have more than `tools.Tool` asks for: `asks_for(args) -> str` names what of a call a person allows,
    such as a host, so that another one is asked for again; `timeout_s` is what one call of it may take, in seconds.

    Attributes:
        tool: itself, under the name that its source gives it; `chat.toolbox` sees to names that collide.
        title: as people read it.
        source: the name of the server that has it; empty for one that comes with the program.
        asks: whether a person is asked before each call unless they allowed it.
        reaches_out: whether it uses the network or runs programs; refused while the program works off line.
        purpose: what it connects for; refused where the person does not allow that. None for nothing.
        starts_on: whether it goes on where a person switches all tools of its source on at once; one that can do harm
            is switched on by itself.
        about: what it does, as people read it; empty where what models are told has to do.
    """

    tool: Tool
    title: str
    source: str = ""
    asks: bool = True
    reaches_out: bool = False
    purpose: Purpose | None = None
    starts_on: bool = True
    about: str = ""


@dataclass(frozen=True, slots=True)
class Workspace:
    """What of the person's a chat's tools may see.

    Attributes:
        folder: the one that they opened for this chat; None for none.
        files: those that they attached, by name; each is read when it is asked for.
    """

    folder: Path | None = None
    files: Mapping[str, Callable[[], Awaitable[bytes]]] = field(default_factory=dict)


class ToolSource(Protocol):
    """Something that has tools."""

    async def offered(self, workspace: Workspace) -> Sequence[Offered]:
        """The tools that it has for a chat.

        Raises:
            UserFacingError: it has none now, and why; the tools of other sources stay.
        """
