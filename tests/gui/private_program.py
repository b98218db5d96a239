"""The whole program with the interpreter's own audit for a witness: started, a chat held, left alone, closed.

    python private_program.py FOLDER MODEL SECONDS

It prints one JSON object: what was connected to or asked for over IP in this process, the port of the engine, and the
far ends of all connections of this process and its children, as the system had them at several moments.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

_SEEN: list[tuple[str, str, int]] = []
_EVENTS = ("socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "socket.gethostbyname")


def _watch(event: str, args: tuple[Any, ...]) -> None:
    if event not in _EVENTS:
        return
    told = args if event.startswith("socket.get") else args[1]
    if isinstance(told, tuple):  # a text is the path of a socket in this machine
        _SEEN.append((event, str(told[0]), int(told[1] or 0) if len(told) > 1 else 0))


sys.addaudithook(_watch)

import psutil  # noqa: E402 - nothing is imported before it is watched

from nodetool_xl_desktop import app  # noqa: E402
from nodetool_xl_desktop.core.connections import Purpose, contacts  # noqa: E402
from nodetool_xl_desktop.core.paths import Paths  # noqa: E402
from nodetool_xl_desktop.engine.client import Sampling  # noqa: E402
from nodetool_xl_desktop.engine.pool import Pool  # noqa: E402
from nodetool_xl_desktop.engine.states import Ready  # noqa: E402


def _far_ends() -> set[tuple[str, int]]:
    """Of this process, and of the engine, whose own connections no audit of Python sees."""
    here = psutil.Process()
    found = set()
    for process in (here, *here.children(recursive=True)):
        for connection in process.net_connections(kind="inet"):
            if connection.raddr:
                found.add((str(connection.raddr.ip), int(connection.raddr.port)))
    return found


async def _lived(folder: Path, model: Path, idle_s: float) -> dict[str, Any]:
    parts = app.build(Paths.below(folder), Pool(), user_home=folder / "user")
    window, far = parts.window, set[tuple[str, int]]()
    window.show()
    await asyncio.sleep(0.5)
    await window.models.open([model])
    await window.models.load()
    state = parts.loader.state
    assert isinstance(state, Ready), state
    port = int(state.server.endpoint.base_url.rpartition(":")[2])
    window.chats.asker.sampling = Sampling(temperature=0, max_tokens=24)
    window.chats.send("Say a word.")
    answered = asyncio.ensure_future(window.chats.answered())
    while not answered.done():
        far |= _far_ends()
        await asyncio.sleep(0.02)
    assert window.chats.session is not None
    window.commands["privacy.show"].trigger()
    for _ in range(10):
        await asyncio.sleep(idle_s / 10)
        far |= _far_ends()
    noted = sum(len(contacts.of(purpose)) for purpose in Purpose)
    turns = len(window.chats.session.shown)
    window.close()
    await parts.shut_down()
    return {"engine": port, "seen": _SEEN, "far": sorted(far), "noted": noted, "turns": turns}


def main() -> None:
    """Live, and tell. What fails ends the process with all of its threads."""
    folder, model, idle_s = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])
    loop = app.event_loop(app.application())
    try:
        told = loop.run_until_complete(_lived(folder, model, idle_s))
    except BaseException:  # noqa: BLE001 - whatever it was, nothing of this process may go on
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
    loop.close()
    print(json.dumps(told))


main()
