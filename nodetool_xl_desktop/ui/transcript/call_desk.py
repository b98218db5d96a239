"""The way from the cards of a chat to its tool calls: what they ask of `ChatSession.calls`, and the names of tools."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from nodetool_xl_desktop.chat.calls import Live, Remember
from nodetool_xl_desktop.core.errors import UserFacingError


class CallsOfChat(Protocol):
    """What is needed of `chat.calls.Calls`."""

    @property
    def waiting(self) -> tuple[str, ...]: ...

    def live(self, call_id: str) -> Live | None: ...

    def allow(self, call_id: str, arguments: str | None = None, remember: Remember = Remember.ONCE) -> None: ...

    def deny(self, call_id: str, reason: str = "") -> None: ...

    def stop(self, call_id: str) -> None: ...


class CallDesk:
    """Of one transcript, whichever chat it shows.

    Attributes:
        calls: those of the chat that is shown; None while none is.
        title: how people call the tool of this name.
        drafts: arguments that were typed and not sent, by call.
    """

    def __init__(self) -> None:
        self.calls: CallsOfChat | None = None
        self.title: Callable[[str], str] = lambda name: name
        self.drafts: dict[str, str] = {}

    def live(self, call_id: str) -> Live | None:
        """How it stands with a call that has no answer yet; None for any other."""
        return self.calls.live(call_id) if self.calls is not None else None

    def running_s(self, call_id: str) -> float | None:
        """How long it runs, or waits, in seconds."""
        live = self.live(call_id)
        return max(0.0, time.monotonic() - live.since_s) if live is not None else None

    def allow(self, call_id: str, arguments: str | None, remember: Remember) -> UserFacingError | None:
        """Let it run; returns what is wrong with the arguments."""
        if self.calls is None:
            return None
        try:
            self.calls.allow(call_id, arguments, remember)
        except UserFacingError as error:
            return error
        self.drafts.pop(call_id, None)
        return None

    def deny(self, call_id: str, reason: str) -> None:
        """Do not let it run; the model hears why."""
        if self.calls is not None:
            self.drafts.pop(call_id, None)
            self.calls.deny(call_id, reason)

    def stop(self, call_id: str) -> None:
        """End it while it runs; the model goes on without its result."""
        if self.calls is not None:
            self.calls.stop(call_id)
