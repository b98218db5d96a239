"""Whether an engine starts here: asked in a throw-away child, before anybody relies on it."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.engine.child import ENGINE_WITHIN_S, Child, load_request, worker_command
from nodetool_xl_desktop.engine.engines import Installed
from nodetool_xl_desktop.engine.errors import EngineError, Fault
from nodetool_xl_desktop.engine.log import diagnose
from nodetool_xl_desktop.fit.memory import Device
from nodetool_xl_desktop.fit.options import LoadOptions

#: A driver that hangs must not hang the question with it.
DEVICES_WITHIN_S = 60.0


@dataclass(frozen=True, slots=True)
class Tried:
    """What an engine says of itself.

    Attributes:
        version: its own.
        devices: what it computes on, the processor among them.
    """

    version: str
    devices: tuple[Device, ...]


async def try_engine(engine: Installed | None, *, within_s: float = ENGINE_WITHIN_S) -> Tried:
    """Start an engine, have it take every setting of a load, and ask what it computes on. Cancelling kills the child.

    Args:
        engine: the one to try; None for the program's own.
        within_s: how long its start may take.

    Raises:
        EngineError: it does not start, or is none for this program; with the last lines of its log.
    """
    name = engine.title if engine is not None else tr("that is built in")
    what = tr("The engine {engine} does not start", engine=name)
    request = {
        **load_request("try", Path(), LoadOptions(), secrets.token_urlsafe()),
        "engine": str(engine.path) if engine is not None else "",
    }
    try:
        child = await Child.start(request, worker_command())
    except OSError as error:
        raise EngineError.of_start(what, error) from error
    try:
        if engine is not None and (failure := await child.failure_of_engine(what, within_s)) is not None:
            raise failure
        async with asyncio.timeout(DEVICES_WITHIN_S), child.guarded():
            answer = await child.answer()
    except TimeoutError as error:
        why = tr("it did not name its devices within {seconds} s", seconds=round(DEVICES_WITHIN_S))
        hint = tr("Look at the driver of the graphics card, then try again.")
        raise EngineError(Fault.TIMEOUT, what, why, hint, child.log.tail) from error
    finally:
        await child.end()
    if answer is not None and answer.get("error") == "import":
        raise EngineError.of_import(what, answer, child.log.tail)
    if answer is None or "devices" not in answer:
        raise diagnose(what, child.log.tail, child.own_exit_status)
    return _told(answer)


def _told(answer: dict[str, Any]) -> Tried:
    return Tried(str(answer["version"]), tuple(Device.of(device) for device in answer["devices"]))
