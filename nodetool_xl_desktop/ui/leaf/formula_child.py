"""The process that draws formulas: started at the first one, ended when none comes for long, begun anew if it dies."""

from __future__ import annotations

import contextlib
import json
import logging
import subprocess
import sys
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.markdown.formula_drawing import LARGEST, TOO_LONG

_log = logging.getLogger(__name__)

#: Seconds without a formula after which it ends.
IDLE_S = 60.0
#: An answer is one line.
_LONGEST_ANSWER = 2 * LARGEST


def formula_command() -> tuple[str, ...]:
    """How this program starts it, installed or frozen into one executable."""
    if getattr(sys, "frozen", False):
        return (sys.executable, "--formula-child")
    return (sys.executable, "-P", "-m", "nodetool_xl_desktop", "--formula-child")


class FormulaChild:
    """Asks it, one formula after another, on a thread that does nothing but wait.

    Args:
        answered: hears of a source, whether it is inline, and what `formula_drawing.serve` says of it; on that thread.
    """

    def __init__(self, answered: Callable[[str, bool, dict[str, Any]], None]) -> None:
        self._answered = answered
        self._asked: SimpleQueue[tuple[str, bool]] = SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._generation = 0

    def ask(self, source: str, *, inline: bool) -> None:
        """Have a formula drawn."""
        with self._lock:
            self._asked.put((source, inline))
            if self._thread is None:
                work = self._work
                self._thread = threading.Thread(target=work, args=(self._generation,), daemon=True, name="formulas")
                self._thread.start()

    def end(self) -> None:
        """End the process; what was asked for is not drawn. It begins anew with the next formula."""
        with self._lock:
            self._generation += 1
            thread, self._thread = self._thread, None
            queue, self._asked = self._asked, SimpleQueue()
            queue.put(("", True))  # wakes the thread
            if self._process is not None:
                self._process.kill()
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _work(self, generation: int) -> None:
        queue = self._asked
        try:
            while True:
                try:
                    source, inline = queue.get(timeout=IDLE_S)
                except Empty:
                    if self._is_idle(queue):
                        return
                    continue
                answer = self._one(source, inline, generation)
                if self._generation != generation:
                    return
                self._answered(source, inline, answer)
        finally:
            if self._generation != generation:  # else it has been stopped, and another thread may have begun
                self._stop()

    def _is_idle(self, queue: SimpleQueue[tuple[str, bool]]) -> bool:
        """End the process where nothing is asked for; whether that was so."""
        with self._lock:
            if not queue.empty():
                return False
            self._thread = None
            process, self._process = self._process, None
        _end(process)
        return True

    def _one(self, source: str, inline: bool, generation: int) -> dict[str, Any]:
        process = self._started(generation)
        if process is None or process.stdin is None or process.stdout is None:
            return {"reason": tr("It cannot be drawn: no process could be started for it.")}
        try:
            process.stdin.write(json.dumps([source, inline]).encode() + b"\n")
            process.stdin.flush()
            line = process.stdout.readline(_LONGEST_ANSWER)
        except OSError:
            line = b""
        if line.endswith(b"\n"):
            answer: dict[str, Any] = json.loads(line)
            return answer
        self._stop()
        return {"reason": TOO_LONG}

    def _started(self, generation: int) -> subprocess.Popen[bytes] | None:
        with self._lock:
            if self._generation != generation:
                return None
            if self._process is None:
                pipe, nothing = subprocess.PIPE, subprocess.DEVNULL
                flags = getattr(subprocess, "CREATE_NO_WINDOW", 0)
                try:
                    self._process = subprocess.Popen(
                        formula_command(), stdin=pipe, stdout=pipe, stderr=nothing, creationflags=flags
                    )
                except OSError as error:
                    _log.warning("Formulas cannot be drawn: %s", error.strerror)
            return self._process

    def _stop(self) -> None:
        with self._lock:
            process, self._process = self._process, None
        _end(process)


def _end(process: subprocess.Popen[bytes] | None) -> None:
    """End the process, and wait for that."""
    if process is None:
        return
    process.kill()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):  # what was not written yet
                pipe.close()
    process.wait()
