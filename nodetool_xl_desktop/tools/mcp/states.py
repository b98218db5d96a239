"""What a server goes through, and what it offers, as values that can be watched.

They are the program's own, so that the `mcp` package need not be imported (0.5 s) to speak of a server.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nodetool_xl_desktop.tools.mcp.errors import McpError
from nodetool_xl_desktop.tools.tool import Image


@dataclass(frozen=True, slots=True)
class ToolInfo:
    """A tool of a server.

    Attributes:
        name: what the model calls it.
        own_name: what the server calls it.
        title: as people read it.
        description: for the model.
        parameters: the JSON Schema of its arguments, as the model gets it.
    """

    name: str
    own_name: str
    title: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A tool of a server that no model can be offered, and why."""

    name: str
    why: str


@dataclass(frozen=True, slots=True)
class PromptArgument:
    """What a prompt asks for."""

    name: str
    description: str = ""
    required: bool = False


@dataclass(frozen=True, slots=True)
class Prompt:
    """Words that a server has ready for a person."""

    name: str
    title: str
    description: str = ""
    arguments: tuple[PromptArgument, ...] = ()


@dataclass(frozen=True, slots=True)
class PromptMessage:
    """One message of a prompt: its text, or a picture."""

    role: str
    text: str = ""
    image: Image | None = None


@dataclass(frozen=True, slots=True)
class Resource:
    """Something that a server lets read.

    Attributes:
        size: in bytes; None where the server does not say.
    """

    uri: str
    title: str
    description: str = ""
    mime_type: str = ""
    size: int | None = None


@dataclass(frozen=True, slots=True)
class ResourceContent:
    """What was read: text, or `data` where it is none."""

    uri: str
    mime_type: str
    text: str = ""
    data: bytes | None = None


@dataclass(frozen=True, slots=True)
class Off:
    """It does not run, and nothing is wrong; `why` is for a person, and may be empty."""

    why: str = ""


@dataclass(frozen=True, slots=True)
class Starting:
    """It is on its way."""


@dataclass(frozen=True, slots=True)
class Running:
    """It answers.

    Attributes:
        title: what it calls itself; may be empty.
        version: of its program; may be empty.
        instructions: what it says about itself, for a model.
        tools: those that a model can be offered.
        left_out: those that none can.
    """

    title: str = ""
    version: str = ""
    instructions: str = ""
    tools: tuple[ToolInfo, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    prompts: tuple[Prompt, ...] = ()
    resources: tuple[Resource, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Restarting:
    """It ended by itself, and is started again in `after_s` seconds."""

    why: str
    after_s: float


@dataclass(frozen=True, slots=True)
class Failed:
    """It could not be started, ended too often, or was cut off."""

    error: McpError


State = Off | Starting | Running | Restarting | Failed
