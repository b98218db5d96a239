"""An answer that is being written: it takes the engine's events, and what came is soon on the disk."""

from __future__ import annotations

import hashlib
import sqlite3
import threading
import time
from dataclasses import dataclass, replace

from nodetool_xl_desktop.engine.events import (
    Event,
    Failed,
    Finished,
    PromptProgress,
    ToolAnswered,
    ToolCallRequested,
    ToolStarted,
)
from nodetool_xl_desktop.store import messages, parts
from nodetool_xl_desktop.store.attachments import Attachments
from nodetool_xl_desktop.store.database import Worker
from nodetool_xl_desktop.store.errors import StoreError
from nodetool_xl_desktop.store.parts import Part, Reasoning, ToolUse
from nodetool_xl_desktop.store.records import About, Message, State
from nodetool_xl_desktop.store.writing import Work, WriteThrough


@dataclass(frozen=True, slots=True)
class Desk:
    """What an open answer is written with."""

    worker: Worker
    through: WriteThrough
    attachments: Attachments


class OpenAnswer:
    """One answer from its first piece to its end. `Store.begin_turn` and its like make it.

    Args:
        message: as it stands on the disk.
        desk: what it is written with.
    """

    def __init__(self, message: Message, desk: Desk) -> None:
        self._begun = message
        self._desk = desk
        self._lock = threading.Lock()
        self._said: list[Part] = list(message.parts)
        self._joined = len(self._said)  # how many of them are joined already
        self._new: list[Part] = []
        self._taken: list[Part] = []
        self._files: dict[str, bytes] = {}  # by hash, until they are on the disk
        self._number = 0
        self._state = State.WAITING
        self._about = message.about
        self._ended = False
        self._closed = False  # its end was taken to be written
        self._kept = False  # its end is on the disk
        self._asked_s = time.perf_counter()
        self._called_s: float | None = None  # since when a person or a tool is waited for
        self._thinks_since_s: float | None = None  # when this run of reasoning began
        self._thought_ms = 0  # of this run

    @property
    def id(self) -> str:
        """Of the message."""
        return self._begun.id

    @property
    def message(self) -> Message:
        """The message as it is now, whatever of it is on the disk already."""
        with self._lock:
            return self._message()

    def add(self, event: Event) -> None:
        """Take what the engine says; from any thread, and never waiting for the disk.

        Raises:
            RuntimeError: it was closed.
        """
        part = parts.of_event(event)
        with self._lock:
            if self._ended:
                raise RuntimeError("This answer was closed")
            self._note(event)
            if isinstance(event, ToolStarted):
                part = self._edit(event)
            if part is None:
                return
            if isinstance(event, ToolAnswered) and event.image:
                self._files[hashlib.sha256(event.image).hexdigest()] = event.image
            part = self._timed(part)
            if not isinstance(event, ToolStarted):
                self._said.append(part)
            self._new.append(part)
        self._desk.through.news(self)

    async def kept(self) -> None:
        """Wait until what came so far is on the disk.

        Raises:
            StoreError: it could not be written. It is tried again as long as the store is open.
        """
        self._desk.through.news(self)
        await self._desk.worker.write(self._desk.through.flush)

    async def close(self, state: State | None = None) -> Message:
        """End it, and return the message when the whole of it is on the disk.

        Args:
            state: what became of it; else what the events said, and stopped where they said nothing.

        Raises:
            StoreError: it could not be written. It is tried again as long as the store is open.
        """
        with self._lock:
            if not self._ended:
                self._state = state or (self._state if self._state not in _UNDECIDED else State.STOPPED)
                self._ended = True
            done = self._message()
        self._desk.through.news(self)
        try:
            await self._desk.worker.write(self._desk.through.flush)
        except StoreError:
            if not self._kept:  # else it was another answer that could not be written
                raise
        return done

    def take(self) -> Work | None:
        """For `WriteThrough`."""
        with self._lock:
            if self._closed:
                return None
            if self._ended:
                self._closed = True
                done, files = self._message(), dict(self._files)
                return lambda connection: self._finish(connection, done, files)
            if not self._new:
                return None
            self._taken, self._new = self._new, []
            self._number += 1
            number, taken, files = self._number, parts.joined(self._taken), dict(self._files)
        return lambda connection: self._write(connection, number, taken, files)

    def took(self, *, written: bool) -> None:
        """For `WriteThrough`."""
        with self._lock:
            if not written:
                if self._taken:  # under the same number: a disk may have kept what it said that it refused
                    self._number -= 1
                self._new = self._taken + self._new
                self._closed = False
            else:
                self._kept = self._closed
                self._drop_kept_files()
            self._taken = []

    def _drop_kept_files(self) -> None:
        """Those that what is still to be written does not name are on the disk."""
        needed = parts.files_in(self._new)
        self._files = {sha256: data for sha256, data in self._files.items() if sha256 in needed}

    def _note(self, event: Event) -> None:
        match event:
            case PromptProgress() | ToolStarted():
                return
            case ToolAnswered():  # nothing that the model said, nor time that it took
                now_s = time.perf_counter()
                self._asked_s += now_s - (self._called_s or now_s)
                self._called_s = now_s
            case Finished(reason, usage, speed):
                self._state = State.CUT if reason == "length" else State.COMPLETE
                self._about = replace(self._about, usage=usage, speed=speed, finish_reason=reason)
            case Failed(error):
                self._state = State.FAILED
                self._about = replace(self._about, error=error)
            case _:
                self._called_s = time.perf_counter() if isinstance(event, ToolCallRequested) else None
                elapsed_s = time.perf_counter() - self._asked_s
                first_s = self._about.first_token_s
                if self._state is State.WAITING:
                    self._state, first_s = State.STREAMING, elapsed_s
                self._about = replace(
                    self._about, pieces=self._about.pieces + 1, first_token_s=first_s, last_token_s=elapsed_s
                )

    def _edit(self, started: ToolStarted) -> ToolUse | None:
        """Note what a person changed in a call; returns it as it is now, None where they changed nothing."""
        at = parts.place_of(self._said, started.id) if started.arguments else None
        call = None if at is None else self._said[at]
        if at is None or not isinstance(call, ToolUse):
            return None
        edited = self._said[at] = replace(call, edited=started.arguments)
        return edited

    def _timed(self, part: Part) -> Part:
        """A piece of reasoning with its share of the time from the first piece of its run to the last one."""
        if not isinstance(part, Reasoning):
            self._thinks_since_s, self._thought_ms = None, 0
            return part
        now_s = time.perf_counter()
        if self._thinks_since_s is None:
            self._thinks_since_s = now_s
        before_ms, self._thought_ms = self._thought_ms, round((now_s - self._thinks_since_s) * 1000)
        return replace(part, ms=self._thought_ms - before_ms)

    def _message(self) -> Message:
        """Joined only from where the last call left off: a long answer is looked at thirty times a second."""
        if self._joined < len(self._said):
            since = max(0, self._joined - 1)
            self._said[since:] = parts.joined(self._said[since:])
            self._joined = len(self._said)
        return replace(self._begun, parts=tuple(self._said), state=self._state, about=self._about)

    def _write(
        self, connection: sqlite3.Connection, number: int, said: tuple[Part, ...], files: dict[str, bytes]
    ) -> None:
        for data in files.values():
            self._desk.attachments.add(connection, data)
        messages.write_tail(connection, self.id, number, said)

    def _finish(self, connection: sqlite3.Connection, done: Message, files: dict[str, bytes]) -> None:
        for data in files.values():
            self._desk.attachments.add(connection, data)
        messages.finish(connection, done)


#: States that an answer has until its end is known.
_UNDECIDED = (State.WAITING, State.STREAMING)


def about_again(about: About) -> About:
    """What is known of an answer that goes on: what it took is counted anew, and that it went on is noted."""
    more = {**about.more, "continued": int(about.more.get("continued", 0)) + 1}
    return replace(about, error=None, finish_reason="", first_token_s=None, pieces=0, last_token_s=0.0, more=more)
