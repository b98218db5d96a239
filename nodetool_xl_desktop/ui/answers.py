"""The answers that are on their way, each a task of its own: which chat it belongs to, and how it is stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from nodetool_xl_desktop.chat.session import ChatSession
from nodetool_xl_desktop.store.parts import Part


@dataclass(slots=True, eq=False)
class Answer:
    """One answer that is on its way.

    Attributes:
        session: None until a new chat is on the disk.
        said: what is asked, until that is on the disk.
        is_new: whether the chat begins with it.
        task: asks, and reads.
    """

    session: ChatSession | None
    said: tuple[Part, ...] = ()
    is_new: bool = False
    task: asyncio.Task[None] | None = None

    def stop(self) -> None:
        """Stop it; what has come stays."""
        if self.task is not None:
            self.task.cancel()


class Answers:
    """Those of all chats."""

    def __init__(self) -> None:
        self._all: list[Answer] = []

    def __iter__(self) -> Iterator[Answer]:
        return iter(tuple(self._all))

    def __len__(self) -> int:
        return len(self._all)

    def add(self, answer: Answer, task: asyncio.Task[None], ended: Callable[[], None]) -> None:
        """One more, and what follows when it has ended."""
        answer.task = task
        self._all.append(answer)

        def end(_task: asyncio.Task[None]) -> None:
            self._all.remove(answer)
            ended()

        task.add_done_callback(end)

    def of(self, session: ChatSession | None) -> list[Answer]:
        """Those of a chat; of one that is not on the disk yet for None."""
        return [answer for answer in self._all if answer.session is session]

    def stop(self, session: ChatSession | None) -> None:
        """Stop those of a chat."""
        for answer in self.of(session):
            answer.stop()

    def stop_all(self) -> None:
        """Stop them all."""
        for answer in self:
            answer.stop()

    def stop_chats(self, chat_ids: Collection[str]) -> None:
        """Stop those of the chats with these ids."""
        for answer in self:
            if answer.session is not None and answer.session.chat.id in chat_ids:
                answer.stop()

    async def ended(self, session: ChatSession | None = None) -> None:
        """Wait until none is on its way; of one chat where that is given."""
        while tasks := [
            answer.task for answer in self._all if answer.task is not None and session in (None, answer.session)
        ]:
            await asyncio.wait(tasks)
