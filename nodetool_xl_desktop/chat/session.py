"""One open chat: its messages, and the one way an answer gets into them.

What is asked is on the disk before the engine hears of it, and what comes back is written through while it comes. An
answer that is stopped or that fails stays as far as it came, is sent along with the next question, and is never
removed.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar, overload

from nodetool_xl_desktop.chat.calls import Calls
from nodetool_xl_desktop.chat.turns import as_turns
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.engine.events import EventStream, Failed, PromptProgress
from nodetool_xl_desktop.provider import values
from nodetool_xl_desktop.provider.stream import Stream
from nodetool_xl_desktop.store.errors import StoreError
from nodetool_xl_desktop.store.messages import Conversation
from nodetool_xl_desktop.store.open_answer import OpenAnswer
from nodetool_xl_desktop.store.parts import Attachment, Part
from nodetool_xl_desktop.store.records import NOTHING_KNOWN, About, Message, State
from nodetool_xl_desktop.store.store import Store
from nodetool_xl_desktop.store.tree import Tree

#: Asks a model to go on from these messages: `provider.stream`, with the model and all that is asked of it.
Ask = Callable[[Sequence[values.Message]], EventStream]

Result = TypeVar("Result")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Asked:
    """Who is asked, and how.

    Attributes:
        ask: asks the model.
        about: what is kept of it with the answer.
        system: the system prompt; empty for none.
        model: the file that answers; None where nothing else is answered by it at the same time.
        slots: how many answers that model gives at the same time.
        with_calls: where tools are offered, makes `ask` for a chat whose calls these are.
    """

    ask: Ask
    about: About = NOTHING_KNOWN
    system: str = ""
    model: Path | None = None
    slots: int = 1
    with_calls: Callable[[Calls], Ask] | None = None


class Shown(Sequence[Message]):
    """What is shown of a chat, from the beginning; each message is made when it is looked at."""

    def __init__(self, ids: Sequence[str], message: Callable[[str], Message]) -> None:
        self.ids = ids
        self._message = message

    def __len__(self) -> int:
        return len(self.ids)

    @overload
    def __getitem__(self, at: int) -> Message: ...

    @overload
    def __getitem__(self, at: slice) -> Shown: ...

    def __getitem__(self, at: int | slice) -> Message | Shown:
        if isinstance(at, slice):
            return Shown(self.ids[at], self._message)
        return self._message(self.ids[at])

    def __iter__(self) -> Iterator[Message]:
        return map(self._message, self.ids)


class ChatSession:
    """A chat of the store, opened. `Sessions` makes it.

    Args:
        store: where it is kept.
        opened: as it is kept.
        on_change: hears that a message was added, or that others are shown; not of each piece of an answer.

    Attributes:
        chat: what is known of it without its messages.
        tree: all of its messages by id.
        answer: the one that is being written; None while none is.
        asked: who is being asked, while an answer is being written.
        progress: how far the engine is in reading the prompt.
        calls: those of the answer that is being written which wait for a person, or run.
    """

    def __init__(self, store: Store, opened: Conversation, on_change: Callable[[ChatSession], None]) -> None:
        self._store = store
        self._messages = opened.messages
        self._on_change = on_change
        self._is_taken = False
        self.chat = opened.chat
        self.tree: Tree = opened.tree
        self.answer: OpenAnswer | None = None
        self.asked: Asked | None = None
        self.progress: PromptProgress | None = None
        self.calls = Calls(opened.chat.id)

    @property
    def shown(self) -> Shown:
        """What is shown, from the beginning; the answer that is being written is as it is now."""
        return self.up_to(None)

    def up_to(self, message_id: str | None) -> Shown:
        """What leads to a message, with it; to the end of what is shown for None.

        Raises:
            KeyError: it is not there.
        """
        return Shown(self.tree.path(message_id), self.message)

    def message(self, message_id: str) -> Message:
        """One of its messages, as it is now.

        Raises:
            KeyError: it is not there.
        """
        if self.answer is not None and self.answer.id == message_id:
            return self.answer.message
        return self._messages[message_id]

    @property
    def is_answering(self) -> bool:
        """Whether an answer is being written, or is about to be."""
        return self._is_taken

    # Answers. Each of these returns the answer as it ended; to cancel it stops the engine, and keeps what has come.

    async def send(self, said: Sequence[Part], asked: Asked) -> Message:
        """Write a question at the end of what is shown, and have it answered.

        Raises:
            StoreError: the question could not be written; nothing was asked.
            RuntimeError: an answer is still being written.
        """
        return await self._ask_after(self.tree.leaf, said, asked)

    async def ask_instead(self, of: str, said: Sequence[Part], asked: Asked) -> Message:
        """Write an edited question beside the one it was made of, as a new branch, and have it answered.

        Raises: as `send`.
        """
        return await self._ask_after(self.tree[of].parent, said, asked)

    async def regenerate(self, answer: str, asked: Asked) -> Message:
        """Have a question answered once more, beside the answers that it has.

        Args:
            answer: one of those, or the question where it has none.
            asked: who is asked.

        Raises: as `send`.
        """
        question = answer if self.message(answer).role == "user" else self.tree[answer].parent

        async def begin() -> OpenAnswer:
            made = await self._store.begin_answer(self.chat.id, question, asked.about)
            self._add(made.message)
            return made

        return await self._answered(begin(), asked)

    async def continue_answer(self, answer: str, asked: Asked) -> Message:
        """Have an answer go on at its end.

        Raises: as `send`.
        """

        async def begin() -> OpenAnswer:
            made = await self._store.continue_answer(self.chat.id, answer)
            self.tree.switch(answer)
            return made

        return await self._answered(begin(), asked)

    # Changes of the tree. What the store did is what is shown, even if the caller was cancelled meanwhile.

    async def edit(self, of: str, said: Sequence[Part]) -> Message:
        """Write an edited message beside the one it was made of, and show it; nothing is asked.

        Raises:
            StoreError: it could not be written.
        """

        async def add() -> Message:
            made = await self._store.add_version(self.chat.id, of, said)
            self._add(made)
            self._tell()
            return made

        return await _whole(add())

    async def switch(self, to: str) -> None:
        """Show the branch of another message.

        Raises:
            StoreError: it is not there.
        """
        await self._change(self._store.switch(self.chat.id, to))

    async def delete(self, message: str) -> None:
        """Delete a message with all that follows it; for 30 days it can be taken back.

        Raises:
            StoreError: it is not there.
        """
        await self._change(self._store.delete(self.chat.id, message))

    async def undo_delete(self, message: str) -> None:
        """Take back a deletion.

        Raises:
            StoreError: it is not there any more.
        """
        await self._change(self._store.undo_delete(self.chat.id, message))

    async def refresh(self) -> None:
        """Look again at what is known of the chat without its messages: its title, its folder.

        Raises:
            StoreError: it is not there any more.
        """
        self.chat = await self._store.list.chat(self.chat.id)
        self._tell()

    def turns(self, said: Sequence[Part] = ()) -> list[values.Message]:
        """What a model would be sent of it now, without files; for counting."""
        more = [Message("", None, "user", tuple(said))] if said else []
        return as_turns([*self.shown, *more])

    async def _change(self, change: Coroutine[Any, Any, Tree]) -> None:
        async def take() -> None:
            self.tree = await change
            self._tell()

        await _whole(take())

    async def _ask_after(self, parent: str | None, said: Sequence[Part], asked: Asked) -> Message:
        async def begin() -> OpenAnswer:
            question, made = await self._store.begin_turn(self.chat.id, parent, said, asked.about)
            self._add(question)
            self._add(made.message)
            return made

        return await self._answered(begin(), asked)

    async def _answered(self, begin: Coroutine[Any, Any, OpenAnswer], asked: Asked) -> Message:
        if self._is_taken:
            begin.close()
            raise RuntimeError("An answer of this chat is still being written")
        self._is_taken = True
        try:
            begun = asyncio.ensure_future(begin)
            try:
                await asyncio.wait([begun])
            except asyncio.CancelledError:  # it is on the disk all the same, and was stopped before its first word
                with contextlib.suppress(StoreError):
                    await _whole(self._end(begun))
                raise
            answer = begun.result()
            self.answer, self.asked, self.progress = answer, asked, None
            try:
                self._tell()
                await self._read(answer, asked)
            finally:
                await _whole(self._end(begun))
        finally:
            self._is_taken, self.asked = False, None
            self._tell()
        return self.message(answer.id)

    async def _end(self, begun: asyncio.Future[OpenAnswer]) -> None:
        """End an answer; what was written of it is what is shown."""
        try:
            self._messages.put(await _close(await begun))
        finally:
            self.answer = None

    async def _read(self, answer: OpenAnswer, asked: Asked) -> None:
        """Take what the engine says; an error for a person becomes the answer's, a bug is raised."""
        try:
            self.calls.keep = answer.kept
            ask = asked.ask if asked.with_calls is None else asked.with_calls(self.calls)
            events = ask(await self._sent(asked.system, answer.id))
            try:
                async with contextlib.aclosing(events):
                    async for event in events:
                        if isinstance(event, PromptProgress):
                            self.progress = event
                        answer.add(event)
                        self.calls.note(event)  # behind it: who looks then sees what became of the call
            except asyncio.CancelledError:
                for event in events.left() if isinstance(events, Stream) else ():
                    answer.add(event)
                raise
        except UserFacingError as error:
            answer.add(Failed(error))
        except Exception as error:  # it was not stopped by the person
            fault = UserFacingError(
                tr("The answer ended in the middle"), tr("a fault of this program: {error!r}", error=error)
            )
            answer.add(Failed(fault))
            raise
        finally:
            self.calls.clear()

    async def _sent(self, system: str, to: str) -> list[values.Message]:
        """What leads to an answer as the model is sent it, files among it."""
        said = [self.message(each) for each in self.tree.path(to)]
        hashes = {part.sha256 for message in said for part in message.parts if isinstance(part, Attachment)}
        files = {sha256: await self._store.files.read(sha256) for sha256 in sorted(hashes)}
        turns = as_turns(said, files.get)
        return [values.Message("system", system), *turns] if system else turns

    def _add(self, message: Message) -> None:
        self._messages.put(message)
        self.tree.add(message.id, message.parent)

    def _tell(self) -> None:
        self._on_change(self)


async def _close(answer: OpenAnswer) -> Message:
    """End an answer; what cannot be written stays in memory and is tried again, which the store tells of itself."""
    try:
        return await answer.close()
    except StoreError as error:
        _log.warning("Kept in memory: %s", error)
        return replace(answer.message, state=State.STOPPED) if answer.message.state in _NOT_ENDED else answer.message


_NOT_ENDED = (State.WAITING, State.STREAMING)


async def _whole(work: Coroutine[Any, Any, Result]) -> Result:
    """Do work to its end, also where the caller is cancelled, who then hears of that afterwards instead of its result:
    what the result is for belongs into the work."""
    task = asyncio.ensure_future(work)
    cancelled = False
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            cancelled = True
    if cancelled and not task.cancelled() and task.exception() is None:
        raise asyncio.CancelledError
    return task.result()
