"""The tool calls of one chat that wait for a person, or run: how the window decides on them, and how it sees them.

A call waits as long as the person likes: no limit of time runs meanwhile, and the model is free for other chats, as it
is asked anew with the result.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.engine.events import Event, Failed, Finished, ToolAnswered, ToolStarted
from nodetool_xl_desktop.provider.approval import Allow, Deny

if TYPE_CHECKING:
    from nodetool_xl_desktop.tools import Tool

_log = logging.getLogger(__name__)


class Standing(StrEnum):
    """Where a call is that has no answer yet."""

    WAITING = "waiting"  # for a person
    RUNNING = "running"


class Remember(StrEnum):
    """How far an approval reaches."""

    ONCE = "once"
    CHAT = "chat"  # this tool, in this chat
    ALWAYS = "always"  # this tool, everywhere


@dataclass(frozen=True, slots=True)
class Live:
    """A call that has no answer yet.

    Attributes:
        standing: whether it waits or runs.
        since_s: from when on, as `time.monotonic` says it.
    """

    standing: Standing
    since_s: float


class ToolArgumentsError(UserFacingError):
    """What was typed as the arguments of a call does not fit the tool."""

    def __init__(self, why: str) -> None:
        super().__init__(
            tr("The arguments do not fit"), why, tr("Change them, or leave the call as the model made it.")
        )


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided on a call.

    Attributes:
        verdict: as the tool loop takes it.
        remember: how far it reaches, where it was allowed.
    """

    verdict: Allow | Deny
    remember: Remember = Remember.ONCE


@dataclass(slots=True)
class _Waiting:
    tool: Tool
    decided: asyncio.Future[Decision]


class Calls:
    """`ChatSession.calls`. All of it belongs to the loop's thread.

    Args:
        chat_id: whose calls they are.

    Attributes:
        on_change: hears that a call waits, runs, or does neither any more.
        keep: brings what came of the answer so far onto the disk.
    """

    def __init__(self, chat_id: str = "") -> None:
        self.chat_id = chat_id
        self.on_change: Callable[[], None] = _nobody
        self.keep: Callable[[], Awaitable[None]] | None = None
        self._live: dict[str, Live] = {}
        self._waiting: dict[str, _Waiting] = {}
        self._stop: dict[str, Callable[[], None]] = {}
        self._started: dict[str, asyncio.Event] = {}

    def live(self, call_id: str) -> Live | None:
        """How it stands with a call that has no answer yet; None for any other."""
        return self._live.get(call_id)

    @property
    def waiting(self) -> tuple[str, ...]:
        """The calls that wait for a person, the first one first."""
        return tuple(self._waiting)

    @property
    def is_busy(self) -> bool:
        """Whether any call waits or runs."""
        return bool(self._live)

    def allow(self, call_id: str, arguments: str | None = None, remember: Remember = Remember.ONCE) -> None:
        """Let a call run that waits; nothing for one that does not wait any more.

        Args:
            call_id: of the call.
            arguments: what it runs with instead of what the model wrote, as a JSON object.
            remember: how far it reaches.

        Raises:
            ToolArgumentsError: the arguments do not fit the tool; the call waits on.
        """
        if (waits := self._waiting.get(call_id)) is None:
            return
        edited = None if arguments is None else fitting(waits.tool, arguments)
        self._decide(call_id, Decision(Allow(edited), remember))

    def deny(self, call_id: str, reason: str = "") -> None:
        """Do not let a call run that waits; the model hears the reason, and goes on."""
        self._decide(call_id, Decision(Deny(reason.strip())))

    def stop(self, call_id: str) -> None:
        """Stop a call that runs: the model hears that the person stopped it, and goes on. A call that waits is denied;
        for any other nothing happens."""
        if call_id in self._waiting:
            self.deny(call_id)
        elif (stop := self._stop.get(call_id)) is not None:
            stop()

    # For who asks the model

    async def decision(self, call_id: str, tool: Tool) -> Decision:
        """Wait for the person. Cancelling it ends the wait."""
        waits = self._waiting[call_id] = _Waiting(tool, asyncio.get_running_loop().create_future())
        self._live[call_id] = Live(Standing.WAITING, time.monotonic())
        self.on_change()
        try:
            decision = await waits.decided
        except asyncio.CancelledError:
            self._live.pop(call_id, None)
            raise
        finally:
            self._waiting.pop(call_id, None)
        self.on_change()
        return decision

    async def written(self, call_id: str) -> None:
        """Wait until a call that started is on the disk as it will run: what it did would be known to nobody if the
        program were killed. A disk that refuses holds no call up, as the store tells of that and tries again."""
        await self._started.setdefault(call_id, asyncio.Event()).wait()
        try:
            if self.keep is not None:
                await self.keep()
        except UserFacingError as error:
            _log.warning("A call runs that is in memory alone: %s", error)

    def can_stop(self, call_id: str, stop: Callable[[], None]) -> None:
        """How a call that is about to run can be stopped."""
        self._stop[call_id] = stop

    def note(self, event: Event) -> None:
        """Take what happens in the answer."""
        match event:
            case ToolStarted(id):
                self._started.setdefault(id, asyncio.Event()).set()
                self._live[id] = Live(Standing.RUNNING, time.monotonic())
            case ToolAnswered(id):
                self._live.pop(id, None)
                self._stop.pop(id, None)
                self._started.pop(id, None)
            case Finished() | Failed():
                self.clear()
                return
            case _:
                return
        self.on_change()

    def clear(self) -> None:
        """The answer is at its end, however: nothing of it waits or runs any more."""
        had = bool(self._live)
        self._live.clear()
        self._stop.clear()
        self._started.clear()
        for waits in self._waiting.values():
            waits.decided.cancel()
        self._waiting.clear()
        if had:
            self.on_change()

    def _decide(self, call_id: str, decision: Decision) -> None:
        waits = self._waiting.pop(call_id, None)
        if waits is None or waits.decided.done():
            return
        # At once, and not when the loop comes to it: nobody should see it wait any longer.
        if isinstance(decision.verdict, Allow):
            self._live[call_id] = Live(Standing.RUNNING, time.monotonic())
        else:
            self._live.pop(call_id, None)
        waits.decided.set_result(decision)


def fitting(tool: Tool, arguments: str) -> Mapping[str, Any]:
    """What a person typed as the arguments of a tool.

    Raises:
        ToolArgumentsError: it is no JSON object, or the tool does not take it.
    """
    from nodetool_xl_desktop.tools.arguments import fit  # noqa: PLC0415 - 0.1 s, which no start need wait

    try:
        said = json.loads(arguments or "{}")
    except (ValueError, RecursionError) as error:
        raise ToolArgumentsError(tr("they are no JSON: {error}", error=error)) from error
    if not isinstance(said, dict):
        raise ToolArgumentsError(tr("they are no JSON object, such as {}"))
    fitted = fit(tool, said)
    if fitted.problem:
        raise ToolArgumentsError(fitted.problem)
    return fitted.args


def _nobody() -> None:
    """Hears nothing."""
