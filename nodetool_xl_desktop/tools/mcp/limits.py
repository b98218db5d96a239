"""How long a server is waited for, and how often it is started again."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds, all of them.

    Attributes:
        start_s: until it answers and has said what it has; its command may have to fetch it first (npx, uvx).
        request_s: for what it lists, for a prompt, for a resource.
        call_s: for a tool, where its caller does not say less.
        alive_s: for any answer, once a request was given up; else all of it hangs, and it is cut off.
        pauses_s: before each start of a server that died, as the pool's of engines; after the last it is given up.
        stable_s: a server that ran for so long has not died "again".
    """

    start_s: float = 60.0
    request_s: float = 20.0
    call_s: float = 600.0
    alive_s: float = 10.0
    pauses_s: tuple[float, ...] = (0.0, 1.0, 2.0, 4.0, 8.0, 15.0)
    stable_s: float = 60.0
