"""What the tools' widgets show, as plain values: they know neither the toolbox nor a server."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from nodetool_xl_desktop.core.translation import tr


class Dot(StrEnum):
    """How a source of tools is, as the token that colours its dot."""

    OFF = "others"
    STARTING = "warning"
    RUNNING = "accent"
    FAILED = "bad"


@dataclass(frozen=True, slots=True)
class ToolRow:
    """One tool.

    Attributes:
        name: what the model calls it; unique.
        title: what people call it.
        description: what it does; its first line is shown.
        is_on: whether it is on in this chat.
        asks: whether a person is asked before each call.
        allowed: what was allowed, in words: "allowed in this chat"; empty where nothing was.
        problem: why it cannot be used now; empty where it can.
        warning: what to think of while it is on; empty for nothing.
        reaches_out: whether it uses the network, or runs programs.
    """

    name: str
    title: str
    description: str = ""
    is_on: bool = False
    asks: bool = True
    allowed: str = ""
    problem: str = ""
    warning: str = ""
    reaches_out: bool = False

    @property
    def standing(self) -> str:
        """What happens before it runs, in a few words."""
        if self.problem:
            return self.problem
        if self.allowed:
            return self.allowed
        return tr("asks before it runs") if self.asks else tr("runs unasked")


@dataclass(frozen=True, slots=True)
class SourceRows:
    """The tools of one source.

    Attributes:
        name: of the MCP server; empty for those that are built in.
        dot: how the server is; None for what is always there.
        note: the same in words, or why it has no tools.
        rows: its tools.
    """

    name: str = ""
    dot: Dot | None = None
    note: str = ""
    rows: tuple[ToolRow, ...] = ()

    @property
    def title(self) -> str:
        """Its heading."""
        return self.name or tr("Built in")


@dataclass(frozen=True, slots=True)
class ToolsShown:
    """All that the popover shows.

    Attributes:
        sources: what there is, built-in tools first.
        folder: what was opened for this chat.
        tokens: what the definitions of those that are on cost, in words; empty where that is not known.
        is_default: whether new chats begin with just these.
        off_line: whether the program works off line.
        has_prompts: whether a server offers prompts.
        has_resources: whether a server offers resources.
        problem: what could not be read; empty for nothing.
    """

    sources: tuple[SourceRows, ...] = ()
    folder: Path | None = None
    tokens: str = ""
    is_default: bool = True
    off_line: bool = False
    has_prompts: bool = False
    has_resources: bool = False
    problem: str = ""

    @property
    def rows(self) -> tuple[ToolRow, ...]:
        """All tools."""
        return tuple(row for source in self.sources for row in source.rows)

    @property
    def count(self) -> int:
        """How many are on."""
        return sum(row.is_on for row in self.rows)


@dataclass(frozen=True, slots=True)
class Allowance:
    """Something that may run unasked.

    Attributes:
        name: of the tool, as the toolbox knows it.
        subject: what it was allowed for, such as a host; empty for everything.
        title: what people call the tool.
        source: the MCP server that it is of; empty for those that are built in.
        chat_id: where alone that holds; None for everywhere.
    """

    name: str
    subject: str
    title: str
    source: str = ""
    chat_id: str | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """A tool, a prompt or a resource of a server, in a list.

    Attributes:
        title: what people call it.
        description: what it is; may be empty.
        problem: why it cannot be used; empty where it can.
        dot: how it is, where that can be said with a colour.
        key: what it is known by; empty where nobody chooses it.
    """

    title: str
    description: str = ""
    problem: str = ""
    dot: Dot | None = None
    key: str = ""

    @property
    def second(self) -> str:
        """Its second line."""
        return self.problem or " ".join(self.description[:400].split())


@dataclass(frozen=True, slots=True)
class ServerShown:
    """One MCP server in the dialog.

    Attributes:
        name: its own.
        dot: how it is.
        state: the same in words.
        command: what is started, or asked; secrets left out.
        is_running: whether it can be stopped (else started).
        is_enabled: whether it may be started.
        what: what went wrong, where something did.
        why: why, and what to do about it.
        tools: what it offers.
        prompts: the same.
        resources: the same.
    """

    name: str
    dot: Dot = Dot.OFF
    state: str = ""
    command: str = ""
    is_running: bool = False
    is_enabled: bool = True
    what: str = ""
    why: str = ""
    tools: tuple[Item, ...] = ()
    prompts: tuple[Item, ...] = ()
    resources: tuple[Item, ...] = ()
