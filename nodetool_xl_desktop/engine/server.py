"""One loaded model: a child, its address, and its end."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import httpx2
import psutil

from nodetool_xl_desktop.core import network
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.engine import client
from nodetool_xl_desktop.engine.child import Child, load_request, worker_command
from nodetool_xl_desktop.engine.errors import EngineError, Fault
from nodetool_xl_desktop.engine.events import Event, Failed
from nodetool_xl_desktop.engine.in_process import InProcess
from nodetool_xl_desktop.engine.log import diagnose
from nodetool_xl_desktop.fit.memory import MemoryUse
from nodetool_xl_desktop.fit.options import LoadOptions

#: A connection that broke is seen before the death of the child that broke it.
DEATH_SEEN_WITHIN_S = 2.0
PROGRESS_EVERY_S = 0.1

#: Where a model runs: in a child process, or in the calling one.
Isolation = Literal["process", "thread"]


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
        properties: what the engine says of the model.
        taken: what the engine says that it took, in bytes.
        pid: the child's process id.
        endpoint: its address and secret.
    """

    def __init__(
        self,
        child: Child | InProcess,
        endpoint: Endpoint,
        model: Path,
        options: LoadOptions,
        properties: client.Properties,
    ) -> None:
        self._child = child
        self._http = network.engine_client(endpoint.base_url, endpoint.api_key)
        self._stopping = False
        self._death: EngineError | None = None
        self.endpoint = endpoint
        self.model = model
        self.options = options
        self.properties = properties

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
        isolation: Isolation = "process",
    ) -> EngineServer:
        """Load a model in a new child; returns when it answers. Cancelling kills the child.

        Args:
            model: a `.gguf` file (of a split set: its first part).
            options: how to load it.
            on_progress: called with 0.0 to 1.0 while it loads.
            command: what to start instead of this program's own worker.
            port: the loopback port, 0 for any free one.
            file_bytes: the size of all of the model's files, for the progress; None looks at `model` alone.
            isolation: "thread" loads it into this process instead (see `engine.in_process` for what that costs).

        Raises:
            EngineError: it could not be loaded; kind, reason and hint say why.
        """
        key = secrets.token_urlsafe(32)
        request = load_request("load", model, options, key, port)
        child: Child | InProcess
        if isolation == "thread":
            child = InProcess(request)
        else:
            child = await Child.start(request, command or worker_command(), secret=key)
        try:
            progress = asyncio.create_task(_report_progress(child, model, file_bytes, on_progress))
            try:
                async with child.guarded():
                    address = await _address(child, model)
                    properties = await _properties(address, key)
            finally:
                progress.cancel()
        except httpx2.HTTPError as error:
            raise await _unheard(child, model, error) from error
        except BaseException:  # cancelled, or failed: either way no child may stay behind
            child.kill()
            await child.wait()
            raise
        on_progress(1.0)
        return cls(child, Endpoint(address, key), model, options, properties)

    @property
    def context_length(self) -> int:
        """What one chat really gets, in tokens, as the engine says it."""
        return self.properties.context_length

    @property
    def taken(self) -> MemoryUse:
        """What the engine says that it took, in bytes."""
        return self._child.log.taken

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._child.pid

    @property
    def is_frozen(self) -> bool:
        """Whether another program has stopped the child, so that it can never answer."""
        return self._child.is_frozen

    @property
    def is_lost(self) -> bool:
        """Whether the child has ended, or is just being killed as it could never answer; `ended` tells why."""
        return self._death is not None or self._child.was_frozen or self._child.exit_status is not None

    def kill_frozen(self) -> None:
        """End a child that another program has stopped; `ended` then tells why."""
        self._child.kill_frozen()

    def processor_s(self) -> float:
        """The processor time that the child has used so far, in seconds: what it does for clients of its endpoint, too.

        0 where it has ended, and where it runs in the calling process, which does more than that.
        """
        if not self._child.has_own_process:
            return 0.0
        try:
            times = psutil.Process(self.pid).cpu_times()
        except psutil.Error:
            return 0.0
        return float(times.user + times.system)

    def held(self) -> int:
        """What ending the child would give back now, in bytes: its memory without the pages of files it has mapped.

        Those count as free on Linux, as they can be dropped; elsewhere they do not, and are counted here. Not known,
        and 0, where it runs in the calling process.
        """
        if not self._child.has_own_process:
            return 0
        try:
            memory = psutil.Process(self.pid).memory_info()
        except psutil.Error:
            return 0
        return int(memory.rss - getattr(memory, "shared", 0))

    async def stream_chat(
        self, messages: Sequence[Mapping[str, Any]], sampling: client.Sampling, **more: Any
    ) -> AsyncGenerator[Event, None]:
        """Ask for one answer; the last event is `Finished` or `Failed`, a death of the child included.

        Closing the iterator stops the engine within one batch.

        Args:
            messages: `{"role": ..., "content": ...}`, oldest first.
            sampling: how to choose tokens.
            more: what else goes into the request (`tools`, `response_format`, ...).
        """
        answer = client.stream_chat(self._http, messages, sampling, **more)
        async with self._child.guarded(), contextlib.aclosing(answer):
            try:
                async for event in answer:
                    yield event
            except (httpx2.HTTPError, RuntimeError) as error:
                # RuntimeError: the client was closed by `stop` while this answer ran.
                yield Failed(await self._broken(error))

    async def count_tokens(self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]] = ()) -> int:
        """The tokens that these messages make of a prompt, with the template around them.

        Raises:
            EngineError: the engine refuses them, or has ended.
        """
        async with self._child.guarded():
            try:
                return await client.count_tokens(self._http, messages, tools)
            except (httpx2.HTTPError, RuntimeError) as error:
                raise await self._broken(error) from error

    async def ended(self) -> EngineError | None:
        """Wait until the child has ended; an error, the same for all who ask, unless `stop` asked for it."""
        status = await self._child.wait()
        if self._death is None and not self._stopping:
            self._death = _death(tr("The engine ended"), self._child, status)
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
        if self._stopping:  # its end may take longer than one waits for a death
            return EngineError(Fault.EJECTED, tr("The model was ejected"), hint=tr("Load it to go on."))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DEATH_SEEN_WITHIN_S):
                death = await self.ended()
            if death is not None:
                return death
            return EngineError(Fault.EJECTED, tr("The model was ejected"), hint=tr("Load it to go on."))
        if _is_refused(error):  # it lives and does not listen: nobody can use it, and it is loaded again when asked
            self._death = EngineError(
                Fault.CONNECTION,
                tr("The connection to the engine broke"),
                tr("its process lives, but no longer takes requests, and was ended"),
                tr("Load the model again."),
                self._child.log.tail,
            )
            self._child.kill()
            return self._death
        return EngineError(
            Fault.CONNECTION,
            tr("The connection to the engine broke"),
            str(error) or repr(error),
            tr("Send the message again; load the model again if that does not help."),
            self._child.log.tail,
        )


def _is_refused(error: BaseException | None) -> bool:
    """Whether nobody listens there; an error of a connection is wrapped several times."""
    connecting = isinstance(error, httpx2.ConnectError)
    while error is not None and not isinstance(error, ConnectionError):
        error = error.__cause__ or error.__context__
    return connecting and error is not None


async def _address(child: Child | InProcess, model: Path) -> str:
    """Where the loaded model listens."""
    what = tr("{name} could not be loaded", name=model.name)
    answer = await child.answer()
    if answer is not None and answer.get("error") == "import":
        raise EngineError.of_import(what, answer, child.log.tail)
    if answer is None or "address" not in answer:
        # A status of 1 is the worker's own report of a failure that the log explains.
        status = child.own_exit_status
        raise _death(what, child, None if status == 1 and answer else status)
    return str(answer["address"])


def _death(what: str, child: Child | InProcess, status: int | None) -> EngineError:
    """Why a child is no more."""
    if child.was_frozen:
        why = tr("another program had stopped its process (SIGSTOP), so that it could never answer, and it was ended")
        return EngineError(Fault.FROZEN, what, why, tr("Load the model again."), child.log.tail)
    return diagnose(what, child.log.tail, status)


async def _properties(address: str, key: str) -> client.Properties:
    """What the engine says of the model that it has loaded."""
    async with network.engine_client(address, key) as http:
        return await client.properties(http)


async def _unheard(child: Child | InProcess, model: Path, error: httpx2.HTTPError) -> EngineError:
    """Why a model that was loaded does not answer; its child is ended."""
    try:
        async with asyncio.timeout(DEATH_SEEN_WITHIN_S):
            await child.wait()
    except TimeoutError:
        return EngineError(
            Fault.CONNECTION,
            tr("{name} was loaded but does not answer", name=model.name),
            str(error),
            tr("Look at what a firewall or sandbox allows on this machine."),
            child.log.tail,
        )
    finally:
        child.kill()
        await child.wait()
    return _death(tr("{name} could not be loaded", name=model.name), child, child.own_exit_status)


async def _report_progress(
    child: Child | InProcess, model: Path, file_bytes: int | None, on_progress: Callable[[float], None]
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
