"""A model in the calling process, for scripts that want just one process (`isolation="thread"`).

It has the seam of `engine.child.Child`, and costs what a child was made to save (measured of xllamacpp 2026.10):

- The whole load holds the interpreter's lock: every other Python thread stands still, an event loop and a window too.
- A model that aborts the engine, or a driver that crashes, takes the whole program along.
- A load cannot be cancelled; who cancels it waits until it is over.
- The engine's log stays silent, so that a load that fails has a reason only where the file's header shows it, and
  what was taken is not known.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.engine import worker
from nodetool_xl_desktop.engine.errors import EngineError, Fault
from nodetool_xl_desktop.engine.log import EngineLog
from nodetool_xl_desktop.gguf import GgufError, read_model

SILENT = -1
#: A server that is destroyed before its threads have begun waits for them for ever, with the lock held.
SETTLE_S = 1.0


class InProcess:
    """One engine in this process."""

    has_own_process = False
    was_frozen = False
    is_frozen = False
    own_exit_status = None

    def __init__(self, request: dict[str, Any]) -> None:
        self.log = EngineLog()
        self._request = request
        self._server: Any = None
        self._loading: asyncio.Future[Any] | None = None
        self._loaded_at = 0.0
        self._ended = asyncio.Event()

    @property
    def pid(self) -> int:
        """This process."""
        return os.getpid()

    @property
    def exit_status(self) -> int | None:
        """None while the model is loaded."""
        return 0 if self._ended.is_set() else None

    async def answer(self) -> dict[str, Any] | None:
        """Load, and say where it listens or why it does not, as a child would."""
        loop = asyncio.get_running_loop()
        self._loading = loop.run_in_executor(None, partial(worker.load, self._request, SILENT))
        try:
            self._server = await asyncio.shield(self._loading)
        except ImportError as error:
            return {"error": "import", "missing": error.name == "xllamacpp", "text": str(error)}
        except RuntimeError as error:
            raise self._reason() from error
        finally:
            self._loaded_at = loop.time()
        return {"address": self._server.listening_address}

    async def wait(self) -> int:
        """Wait until the model was taken out of memory."""
        await self._ended.wait()
        return 0

    async def end(self) -> None:
        """Take the model out of memory."""
        self.kill()
        await self.wait()

    def kill(self) -> None:
        """The same, soon: a load has to come to its end first."""
        if self._loading is None or self._loading.done():
            self._release()
        else:
            self._loading.add_done_callback(self._loaded_for_nobody)

    def kill_frozen(self) -> None:
        """Nothing: whoever could ask for it stands still as well."""

    @contextlib.asynccontextmanager
    async def guarded(self) -> AsyncIterator[None]:
        """Nothing to guard: who would look stands still as well."""
        yield

    def _loaded_for_nobody(self, loading: asyncio.Future[Any]) -> None:
        self._loaded_at = asyncio.get_running_loop().time()
        if not loading.cancelled() and loading.exception() is None:
            self._server = loading.result()
        self._release()

    def _release(self) -> None:
        # The destructor ends the engine's threads: 25 ms for a small model, with the lock held.
        loop = asyncio.get_running_loop()
        loop.call_at(self._loaded_at + SETTLE_S if self._server is not None else 0.0, self._drop)

    def _drop(self) -> None:
        self._loading = self._server = None
        self._ended.set()

    def _reason(self) -> EngineError:
        """What the file shows of the cause: the engine raises the same words for every one."""
        model = Path(self._request["model"])
        what = tr("{name} could not be loaded", name=model.name)
        try:
            read_model(model)
        except GgufError as error:
            return EngineError.of_file(what, error)
        why = tr("the engine does not say why where it runs in the calling process")
        return EngineError(Fault.UNKNOWN, what, why, tr('Load it with isolation="process" to read the reason.'))
