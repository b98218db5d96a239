"""The other end of `header_child`: hands it paths, hears what their headers say, and outlives whatever it meets.

A file that ends the process, or that holds it for long (a disk that is gone), is named as the reason; the rest goes on
in a new one.
"""

from __future__ import annotations

import contextlib
import json
import logging
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import NamedTuple

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.gguf.errors import file_name
from nodetool_xl_desktop.library.facts import from_json
from nodetool_xl_desktop.library.model_file import Facts, Trouble

#: How long one file may take. The slowest sound header takes 0.3 s from a warm disk.
LONGEST_S = 30.0
#: Paths that are on their way at once: while one is read the next one waits, and both fit into a pipe.
_AHEAD = 2
#: How often it is asked whether to stop.
_LOOK_EVERY_S = 0.1
_log = logging.getLogger(__name__)


class Read(NamedTuple):
    """What one file says; `lasts` where it says the same until it changes."""

    path: Path
    said: Facts | Trouble
    lasts: bool


def scan_command() -> tuple[str, ...]:
    """How this program starts the process, installed or frozen into one executable."""
    if getattr(sys, "frozen", False):
        return (sys.executable, "--scan-child")
    return (sys.executable, "-P", "-m", "nodetool_xl_desktop.library.header_child")


class HeaderReader:
    """Reads headers, one call of `read` at a time.

    Args:
        command: starts the process.
        longest_s: how long one file may take, in seconds.
    """

    def __init__(self, command: Sequence[str] | None = None, longest_s: float = LONGEST_S) -> None:
        self._command = tuple(command or scan_command())
        self._longest_s = longest_s
        self._process: subprocess.Popen[bytes] | None = None
        self._lines: SimpleQueue[bytes] = SimpleQueue()
        self._reason = ""

    def read(self, paths: Iterable[Path], stop: Callable[[], bool]) -> Iterator[Read]:
        """What each file says, in their order; ends early where `stop` says yes, or no process can be had."""
        waiting = deque(paths)
        asked: deque[Path] = deque()
        try:
            while waiting or asked:
                if self._process is None and not self._start(stop):
                    return
                while waiting and len(asked) < _AHEAD and self._ask(waiting[0]):
                    asked.append(waiting.popleft())
                line = self._line(stop)
                if line is None:
                    return
                path = asked.popleft() if asked else waiting.popleft()
                if line:
                    yield _understood(path, line)
                    continue
                self._end()
                waiting.extendleft(reversed(asked))
                asked.clear()
                yield _fatal(path, self._reason)
        finally:
            self._end()

    def _start(self, stop: Callable[[], bool]) -> bool:
        """Whether there is one now. It says hello, so that what does not work at all is blamed on no file."""
        try:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as error:
            _log.warning("Headers cannot be read: %s", error.strerror)
            return False
        self._lines = SimpleQueue()
        threading.Thread(target=_hear, args=(self._process, self._lines), daemon=True, name="headers").start()
        hello = self._line(stop)
        if hello == b"":
            _log.warning("The process that reads headers cannot be used")
        return bool(hello)

    def _ask(self, path: Path) -> bool:
        """Whether it could be told: it may just have ended, which its silence says."""
        assert self._process is not None
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(str(path)).encode() + b"\n")
            self._process.stdin.flush()
        except OSError:
            return False
        return True

    def _line(self, stop: Callable[[], bool]) -> bytes | None:
        """The next answer; empty where it has ended or says nothing for too long, None where nobody wants it."""
        until = time.monotonic() + self._longest_s
        while not stop():
            try:
                line = self._lines.get(timeout=_LOOK_EVERY_S)
            except Empty:
                if time.monotonic() < until:
                    continue
                self._reason = tr("it was not read within {longest_s:.0f} seconds", longest_s=self._longest_s)
                return b""
            self._reason = tr("reading it ended the process that did")
            return line
        return None

    def _end(self) -> None:
        """End the process, and wait for that as long as the system lets it."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):  # it hangs in a disk that is gone
            process.wait(timeout=1.0)
        if process.stdin is not None:
            with contextlib.suppress(OSError):  # what was not written yet
                process.stdin.close()


def _hear(process: subprocess.Popen[bytes], lines: SimpleQueue[bytes]) -> None:
    """On a thread of its own, as pipes cannot be waited for with a bound on every system; the end is an empty line."""
    assert process.stdout is not None
    with process.stdout as stream:
        for line in stream:
            lines.put(line)
    lines.put(b"")


def _understood(path: Path, line: bytes) -> Read:
    answer = json.loads(line)
    return Read(path, from_json(answer["said"]), answer["lasts"])


def _fatal(path: Path, why: str) -> Read:
    hint = tr("Check the disk that it is on, or download it again.")
    return Read(path, Trouble(tr("{path} cannot be read", path=file_name(path)), why, hint), lasts=False)
