"""Starting, hearing and ending a child process.

A child is ended by asking (its standard input closes), waiting, and killing; a parent that is killed takes its
children along (worker.py asks the kernel for that on Linux, a job object does it on Windows).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil

from nodetool_xl_desktop.core.threads import in_own_thread
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.engine import wheels
from nodetool_xl_desktop.engine.errors import EngineError, Fault
from nodetool_xl_desktop.engine.in_use import InUse
from nodetool_xl_desktop.engine.log import EngineLog, diagnose
from nodetool_xl_desktop.engine.worker import ENGINE_STARTED
from nodetool_xl_desktop.fit.options import LoadOptions

#: How long a child that was asked to end may take.
GRACE_S = 3.0
#: How long the rest of the log of a child that has ended may take to arrive.
LOG_READ_WITHIN_S = 5.0
#: How often a child that is waited for is looked at. One that is stopped at two looks running stays so.
LOOK_EVERY_S = 1.0
#: An answer is one line; the devices of a large machine fit many times.
LONGEST_ANSWER = 1_000_000
#: An engine that was chosen and hangs while it starts must not hang every load with it; a large one comes from a slow
#: disk at the first time.
ENGINE_WITHIN_S = 120.0

_log = logging.getLogger(__name__)


def worker_command() -> tuple[str, ...]:
    """How this program starts its own engine child, installed or frozen into one executable."""
    if getattr(sys, "frozen", False):
        return (sys.executable, "--engine-worker")
    # -P: else Python looks for modules in the working directory first, say among somebody's downloads.
    return (sys.executable, "-P", "-m", "nodetool_xl_desktop", "--engine-worker")


def load_request(do: str, model: Path, options: LoadOptions, api_key: str, port: int = 0) -> dict[str, Any]:
    """The line that has a child load a model (`load`), or plan to (`plan`).

    Raises:
        EngineError: the engine takes names as text only, and a file system may hold others.
    """
    try:
        f"{model}{options.projector}".encode()
    except UnicodeEncodeError as error:
        raise EngineError(
            Fault.FILE,
            tr("The model could not be loaded"),
            tr("the name of its file or folder holds bytes that are no text, which the engine cannot open"),
            tr("Give the file or folder another name."),
        ) from error
    settings = {**asdict(options), "projector_on_device": options.projector_on_device}
    return {"do": do, "model": str(model), **settings, "port": port, "api_key": api_key}


class Child:
    """One engine child and its log."""

    def __init__(
        self, process: asyncio.subprocess.Process, log: EngineLog, enough: Callable[[str], bool] | None = None
    ) -> None:
        self._process = process
        self._enough = enough
        self._killed = False
        self._guards = 0
        self._guarding: asyncio.Task[None] | None = None
        self._engine_started = asyncio.Event()
        #: Whether it was killed because another program had stopped it.
        self.was_frozen = False
        self.log = log
        self._draining = asyncio.create_task(self._drain())

    @classmethod
    async def start(
        cls,
        request: dict[str, Any],
        command: Sequence[str],
        secret: str = "",
        enough: Callable[[str], bool] | None = None,
    ) -> Child:
        """Start a child and tell it what to do.

        It starts with the engine that was chosen (`InUse`); where that does not start, another child with the program's
        own takes its place. A request that names an engine itself is tried with that alone.

        It must be started from a thread that lives as long as the program: Linux ends the child with that thread.

        Args:
            request: the line that worker.py reads; the parent's process id is added.
            command: the program and its arguments.
            secret: what must not appear in the log.
            enough: is told each line of the log; at the first for which it says yes the child is killed.

        Raises:
            OSError: the process could not be started.
            EngineError: the engine that was chosen does not start, and the program has none of its own.
        """
        chosen = None if "engine" in request else await in_own_thread(InUse.look, "engine choice")
        if chosen is None:
            return await cls._spawn(request, command, secret, enough)
        child = await cls._spawn({**request, "engine": str(chosen.path)}, command, secret, enough)
        error = await child.failure_of_engine(tr("The engine {engine} does not start", engine=chosen.title))
        if error is None:
            return child
        if not await in_own_thread(wheels.is_built_in, "engine choice"):
            raise error
        InUse.fell(chosen, error)
        return await cls._spawn(request, command, secret, enough)

    @classmethod
    async def _spawn(
        cls, request: dict[str, Any], command: Sequence[str], secret: str, enough: Callable[[str], bool] | None
    ) -> Child:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            limit=LONGEST_ANSWER,
            start_new_session=True,  # a Ctrl+C in the terminal is for this program, which then ends the child itself
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        child = cls(process, EngineLog(secret), enough)
        try:
            if sys.platform == "win32":
                from nodetool_xl_desktop.engine import windows_job  # noqa: PLC0415 - ctypes of that system only

                windows_job.end_with_this_process(process.pid)
            assert process.stdin is not None
            process.stdin.write(json.dumps(request | {"parent_pid": os.getpid()}).encode() + b"\n")
            with contextlib.suppress(ConnectionError):  # it died at once: `answer` says so
                await process.stdin.drain()
        except BaseException:  # cancelled, or refused by the system: nobody holds this child
            child.kill()
            await child.wait()
            raise
        return child

    async def failure_of_engine(self, what: str, within_s: float = ENGINE_WITHIN_S) -> EngineError | None:
        """Wait until the engine that its request names has started; why not, where it has not. Then it has ended.

        Cancelled, it is killed.

        Args:
            what: the sentence that the error begins with.
            within_s: how long that may take.
        """
        started = asyncio.ensure_future(self._engine_started.wait())
        ended = asyncio.ensure_future(self._process.wait())
        try:
            async with self.guarded():
                await asyncio.wait([started, ended], timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
            is_late = not started.done() and not ended.done() and not self.was_frozen
            if is_late:
                self.kill()
            if not started.done():
                await self.wait()  # its last words
            if self._engine_started.is_set():
                return None
            return await self._why_no_engine(what, within_s if is_late else None)
        except asyncio.CancelledError:
            self.kill()
            await self.wait()
            raise
        finally:
            started.cancel()
            ended.cancel()

    async def _why_no_engine(self, what: str, late_s: float | None) -> EngineError:
        hint = tr("Use the built-in engine, or install one that was built for this machine.")
        if late_s is not None:
            why = tr("it did not start within {seconds} s", seconds=round(late_s))
            return EngineError(Fault.TIMEOUT, what, why, hint, self.log.tail)
        answer = await self.answer()
        if answer is not None and answer.get("error") == "import":
            error = EngineError.of_import(what, answer, self.log.tail)
        else:
            error = diagnose(what, self.log.tail, self.own_exit_status)
        return EngineError(error.fault, what, error.why, hint, error.log_tail)

    @property
    def has_own_process(self) -> bool:
        """Whether what the process uses is the model's alone."""
        return True

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def exit_status(self) -> int | None:
        """None while it runs; negative for a signal."""
        return self._process.returncode

    @property
    def own_exit_status(self) -> int | None:
        """How it ended by itself; None while it runs, and where it was killed from here."""
        return None if self._killed else self._process.returncode

    @property
    def is_frozen(self) -> bool:
        """Whether another program has stopped it (SIGSTOP): it lives and never answers.

        This is the one kind of silence that is a fault: a slow model is healthy.
        """
        try:
            return self.exit_status is None and psutil.Process(self.pid).status() == psutil.STATUS_STOPPED
        except psutil.Error:
            return False

    @contextlib.asynccontextmanager
    async def guarded(self) -> AsyncIterator[None]:
        """While something is awaited of it: a child that another program has stopped is killed, which ends the wait."""
        self._guards += 1
        if self._guarding is None:
            self._guarding = asyncio.create_task(self._guard())
        try:
            yield
        finally:
            self._guards -= 1
            if not self._guards:
                self._guarding.cancel()
                self._guarding = None

    def kill_frozen(self) -> None:
        """End a child that another program has stopped."""
        self.was_frozen = True
        self.kill()

    async def _guard(self) -> None:
        was = False
        while self.exit_status is None:
            frozen = self.is_frozen
            if was and frozen:
                _log.warning("Child %d was stopped by another program and is killed", self.pid)
                self.kill_frozen()
                return
            was = frozen
            await asyncio.sleep(LOOK_EVERY_S)

    async def answer(self) -> dict[str, Any] | None:
        """The child's answer, or None when it gave none that can be read.

        With no answer, or with one that tells an error, the child has ended and its whole log is read.
        """
        assert self._process.stdout is not None
        try:
            answer = json.loads(await self._process.stdout.readline())
        except (ValueError, ConnectionError):
            answer = None
        if not isinstance(answer, dict):
            await self.end()
            return None
        if "error" in answer:
            await self.end()
        return answer

    async def wait(self) -> int:
        """Wait until the child has ended and all of its log is read; returns its exit status."""
        status = await self._process.wait()
        try:  # not for ever: a process that the child itself has started may hold its log open
            await asyncio.wait([self._draining], timeout=LOG_READ_WITHIN_S)
        finally:
            self._draining.cancel()
        return status

    async def end(self, grace_s: float = GRACE_S) -> None:
        """Ask the child to end, wait, then kill it. Cancelled, it kills at once. Nothing is left when this is over."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        if self.is_frozen:  # it cannot hear
            grace_s = 0
        try:
            async with asyncio.timeout(grace_s):
                await self._process.wait()
        except TimeoutError:
            _log.warning("Child %d did not end within %.0f s, or could not hear, and is killed", self.pid, grace_s)
        finally:
            self.kill()
            await self.wait()

    def kill(self) -> None:
        """End the child without asking."""
        if self._process.returncode is None:
            self._killed = True
            with contextlib.suppress(ProcessLookupError):  # it has ended just now, which is what is wanted
                self._process.kill()

    async def _drain(self) -> None:
        """Read standard error always: a full pipe would stop the engine."""
        assert self._process.stderr is not None
        while data := await self._process.stderr.read(65_536):
            lines = self.log.feed(data)
            if ENGINE_STARTED in lines:
                self._engine_started.set()
            if self._enough is not None and any(map(self._enough, lines)):
                self.kill()
