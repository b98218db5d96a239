"""What a person, or a rule, says of a call before it runs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from nodetool_xl_desktop.provider.values import ToolCall


@dataclass(frozen=True, slots=True)
class Allow:
    """A call may run.

    Attributes:
        arguments: what it runs with instead of what the model wrote, by name; None where nobody changed that.
        stopped: when this is set, the call is stopped, the model hears so, and goes on.
        before: is awaited when its `ToolStarted` was told, before it runs.
    """

    arguments: Mapping[str, Any] | None = None
    stopped: asyncio.Event | None = None
    before: Callable[[], Awaitable[None]] | None = None


@dataclass(frozen=True, slots=True)
class Deny:
    """A call may not run.

    Attributes:
        reason: for the model; may be empty.
        by_person: whether a person decided so; else `reason` is what the program says.
    """

    reason: str = ""
    by_person: bool = True


Verdict = bool | Allow | Deny
#: Asks a person, or a rule, whether a call may run.
Approve = Callable[[ToolCall], Verdict | Awaitable[Verdict]]
