"""One loaded model: a child, its address, and its end."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import psutil

from nodetool_xl_desktop.core import network
from nodetool_xl_desktop.engine import client
from nodetool_xl_desktop.engine.child import Child, worker_command
from nodetool_xl_desktop.engine.errors import EngineError, Fault
from nodetool_xl_desktop.engine.events import Event, Failed
from nodetool_xl_desktop.engine.log import diagnose
from nodetool_xl_desktop.fit.memory import MemoryUse
from nodetool_xl_desktop.fit.options import LoadOptions

#: A connection that broke is seen before the death of the child that broke it.
DEATH_SEEN_WITHIN_S = 2.0
PROGRESS_EVERY_S = 0.1


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a model answers any OpenAI-compatible client of this machine.

    Attributes:
        base_url: `http://127.0.0.1:PORT`.
        api_key: the secret that every request needs; it is not shown when this is printed.
    """

    base_url: str
    api_key: str = field(repr=False)


class EngineServer:
    """A model that is loaded and answers. Made by `start`, ended by `stop`.

    Attributes:
        model: the file.
        options: what was asked for.
        context_length: what one chat really gets, in tokens, as the engine says it.
        taken: what the engine says that it took, in bytes.
        pid: the child's process id.
        endpoint: its address and secret.
    """

    def __init__(
        self, child: Child, endpoint: Endpoint, model: Path, options: LoadOptions, context_length: int
    ) -> None:
        self._child = child
        self._http = network.engine_client(endpoint.base_url, endpoint.api_key)
        self._stopping = False
        self._death: EngineError | None = None
        self.endpoint = endpoint
        self.model = model
        self.options = options
        self.context_length = context_length

    @classmethod
    async def start(
        cls,
        model: Path,
        options: LoadOptions,
        *,
        on_progress: Callable[[float], None] = lambda _: None,
        command: Sequence[str] | None = None,
        port: int = 0,
        file_bytes: int | None = None,
    ) -> EngineServer:
        """Load a model in a new child; returns when it answers. Cancelling kills the child.

        Args:
            model: a `.gguf` file (of a split set: its first part).
            options: how to load it.
            on_progress: called with 0.0 to 1.0 while it loads.
            command: what to start instead of this program's own worker.
            port: the loopback port, 0 for any free one.
            file_bytes: the size of all of the model's files, for the progress; None looks at `model` alone.

        Raises:
            EngineError: it could not be loaded; kind, reason and hint say why.
        """
        _check_name(model)
        key = secrets.token_urlsafe(32)
        request = {
            "do": "load",
            "model": str(model),
            "context_length": options.context_length,
            "batch": options.batch,
            "threads": options.threads,
            "gpu_layers": options.gpu_layers,
            "port": port,
            "api_key": key,
        }
        child = await Child.start(request, command or worker_command(), secret=key)
        try:
            progress = asyncio.create_task(_report_progress(child, model, file_bytes, on_progress))
            try:
                address = await _address(child, model)
            finally:
                progress.cancel()
            context_length = await _context_length(address, key)
        except httpx2.HTTPError as error:
            raise await _unheard(child, model, error) from error
        except BaseException:  # cancelled, or failed: either way no child may stay behind
            child.kill()
            await child.wait()
            raise
        on_progress(1.0)
        return cls(child, Endpoint(address, key), model, options, context_length)

    @property
    def taken(self) -> MemoryUse:
        """What the engine says that it took, in bytes."""
        return self._child.log.taken

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._child.pid

    def held(self) -> int:
        """What ending the child would give back now, in bytes: its memory without the pages of files it has mapped.

        Those count as free on Linux, as they can be dropped; elsewhere they do not, and are counted here.
        """
        try:
            memory = psutil.Process(self.pid).memory_info()
        except psutil.Error:
            return 0
        return int(memory.rss - getattr(memory, "shared", 0))

    async def stream_chat(
        self, messages: Sequence[Mapping[str, str]], sampling: client.Sampling
    ) -> AsyncGenerator[Event, None]:
        """Ask for one answer; the last event is `Finished` or `Failed`, a death of the child included.

        Closing the iterator stops the engine within one batch.
        """
        answer = client.stream_chat(self._http, messages, sampling)
        async with contextlib.aclosing(answer):
            try:
                async for event in answer:
                    yield event
            except (httpx2.HTTPError, RuntimeError) as error:
                # RuntimeError: the client was closed by `stop` while this answer ran.
                yield Failed(await self._broken(error))

    async def ended(self) -> EngineError | None:
        """Wait until the child has ended; an error, the same for all who ask, unless `stop` asked for it."""
        status = await self._child.wait()
        if self._death is None and not self._stopping:
            self._death = diagnose("The engine ended", self._child.log.tail, status)
        return self._death

    async def stop(self) -> None:
        """End the child and give its memory back: ask, wait, kill."""
        # A child that has died already died by itself, whoever clears up after it.
        self._stopping = self._stopping or self._child.exit_status is None
        try:
            await self._http.aclose()
        finally:
            await self._child.end()

    async def _broken(self, error: Exception) -> EngineError:
        """Why a connection to the child broke."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DEATH_SEEN_WITHIN_S):
                death = await self.ended()
            if death is not None:
                return death
            return EngineError(Fault.KILLED, "The model was ejected", hint="Load it to go on.")
        return EngineError(
            Fault.CONNECTION,
            "The connection to the engine broke",
            f"{error}",
            "Send the message again; load the model again if that does not help.",
            self._child.log.tail,
        )


def _check_name(model: Path) -> None:
    """The engine takes names as text only; a file system may hold others."""
    try:
        str(model).encode()
    except UnicodeEncodeError as error:
        raise EngineError(
            Fault.FILE,
            "The model could not be loaded",
            "the name of its file or folder holds bytes that are no text, which the engine cannot open",
            "Give the file or folder another name.",
        ) from error


async def _address(child: Child, model: Path) -> str:
    """Where the loaded model listens."""
    what = f"{model.name} could not be loaded"
    answer = await child.answer()
    if answer is not None and answer.get("error") == "import":
        raise EngineError.of_import(what, answer, child.log.tail)
    if answer is None or "address" not in answer:
        # A status of 1 is the worker's own report of a failure that the log explains.
        status = child.own_exit_status
        raise diagnose(what, child.log.tail, None if status == 1 and answer else status)
    return str(answer["address"])


async def _context_length(address: str, key: str) -> int:
    """What one chat gets, in tokens, as the engine says it."""
    try:
        async with network.engine_client(address, key) as http:
            properties = (await http.get("/props")).raise_for_status().json()
            return int(properties["default_generation_settings"]["n_ctx"])
    except (httpx2.InvalidURL, ValueError, LookupError, TypeError) as error:
        raise httpx2.RemoteProtocolError(f"its first answer cannot be understood: {error!r}") from error


async def _unheard(child: Child, model: Path, error: httpx2.HTTPError) -> EngineError:
    """Why a model that was loaded does not answer; its child is ended."""
    try:
        async with asyncio.timeout(DEATH_SEEN_WITHIN_S):
            await child.wait()
    except TimeoutError:
        return EngineError(
            Fault.CONNECTION,
            f"{model.name} was loaded but does not answer",
            str(error),
            "Look at what a firewall or sandbox allows on this machine.",
            child.log.tail,
        )
    finally:
        child.kill()
        await child.wait()
    return diagnose(f"{model.name} could not be loaded", child.log.tail, child.own_exit_status)


async def _report_progress(
    child: Child, model: Path, file_bytes: int | None, on_progress: Callable[[float], None]
) -> None:
    """Tell how much of the file is in memory: the engine itself has no word for its progress."""
    try:
        process = psutil.Process(child.pid)
        size = file_bytes or (await asyncio.to_thread(model.stat)).st_size
        while not child.log.tail:  # until the engine speaks, the child only fetches its own code
            on_progress(0.0)
            await asyncio.sleep(PROGRESS_EVERY_S)
        base, most = process.memory_info().rss, 0.0
        while True:
            most = max(most, min(0.99, (process.memory_info().rss - base) / max(size, 1)))
            on_progress(most)
            await asyncio.sleep(PROGRESS_EVERY_S)
    except (psutil.Error, OSError):
        return  # it has ended, which `_address` reports
