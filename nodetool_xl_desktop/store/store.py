"""The chats on the disk. Everything that reads or writes them goes through `Store`, and nothing of it through the
caller's thread: one thread writes, one reads, one searches, each with a connection of its own.

How a turn flows, for who builds upon this, as `chat.session` does:

1. `await store.begin_turn(chat, parent, parts, about)` writes the question, the empty answer under it, the chat's first
   title, and drops the draft that is sent, in one commit. When it returns, that is on the disk: only now is the engine
   asked.
2. `answer.add(event)` takes each event of the engine. It never waits; at most 250 ms and one commit later what it took
   is on the disk. `answer.message` is what to show meanwhile.
3. `await answer.close()` writes the whole answer, how it ended and what it took. A stop is `close(State.STOPPED)`.

To regenerate is `begin_answer` under the same question, to edit a question is `begin_turn` under the question's
parent, to edit without asking is `add_version`, to continue is `continue_answer`. Each shows the new branch; none
changes what was there. `open_chat` gives the tree (`tree.py`) and what is shown of it; the calls that change the tree
return it as it is then. If the program dies, `settle` folds what was written through into the message, as
`INTERRUPTED`, when the store is opened again.

`Store.list` is the list of chats, `Store.files` keeps attachments, `Store.presets` system prompts and sampling, and
`Store.care` is awaited in a task of its own after the start and once a day: check, backup, trash. `chat.turns` makes
what a model is sent of what is shown; `exchange.transfer` exports and imports.

What cannot be written because the disk is full stays in memory and is tried again each second; `on_problem` hears of
it, and with None that all is well again.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.store import branches, chats, copies, messages, opening, parts, search
from nodetool_xl_desktop.store import errors as store_errors
from nodetool_xl_desktop.store.attachments import Attachments
from nodetool_xl_desktop.store.care import Care
from nodetool_xl_desktop.store.chat_list import ChatList
from nodetool_xl_desktop.store.database import PATIENCE_S, Worker, in_thread, transaction
from nodetool_xl_desktop.store.errors import StoreError
from nodetool_xl_desktop.store.files import Files
from nodetool_xl_desktop.store.messages import Conversation
from nodetool_xl_desktop.store.open_answer import Desk, OpenAnswer, about_again
from nodetool_xl_desktop.store.parts import Part
from nodetool_xl_desktop.store.preset_list import PresetList
from nodetool_xl_desktop.store.records import OPEN, About, Chat, Draft, Message, Notice, State, now_ms, title_of
from nodetool_xl_desktop.store.search import Hits, Query, TitleHit
from nodetool_xl_desktop.store.tree import Tree
from nodetool_xl_desktop.store.writing import Drafts, WriteThrough

Result = TypeVar("Result")

#: How many hits one call gives where it is not told otherwise.
PAGE = 60


class Store:
    """An open store. `Store.open` makes it.

    Args:
        opened: the database, and the lock on it.
        on_problem: see `Store.open`.
    """

    def __init__(self, opened: opening.Opened, on_problem: Callable[[StoreError | None], None]) -> None:
        self._opened = opened
        self._database = opened.database
        self._writer = Worker("chats: writing", self._database, opened.patience_s)
        self._reader = Worker("chats: reading", self._database, opened.patience_s)
        self._searcher = Worker("chats: search", self._database, opened.patience_s)
        self._closing = threading.Lock()
        self._through = WriteThrough(self._writer, self._database, on_problem)
        self._drafts = Drafts(self._through)
        self.attachments = Attachments(self._database.parent / "attachments")
        self._desk = Desk(self._writer, self._through, self.attachments)
        self.files = Files(self, self.attachments)
        self.list = ChatList(self)
        self.presets = PresetList(self)
        self.care = Care(self)

    @classmethod
    async def open(
        cls,
        folder: Path,
        *,
        begin_anew: bool = False,
        on_problem: Callable[[StoreError | None], None] = lambda problem: None,
        patience_s: float = PATIENCE_S,
    ) -> Store:
        """Open the store of a folder, or make one there; then `notices` is what a person should be told.

        Args:
            folder: such as `paths.data / "chats"`.
            begin_anew: see `opening.open_store`; for a person who was shown the error and agreed.
            on_problem: is called in the loop's thread when what streams in cannot be written, and with None when it
                is again.
            patience_s: how long a write waits for another program that holds the file.

        Raises:
            StoreError: it cannot be opened, and why; nothing was changed.
        """
        loop = asyncio.get_running_loop()

        def tell(problem: StoreError | None) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(on_problem, problem)

        opened = await in_thread(
            lambda: opening.open_store(folder, begin_anew=begin_anew, patience_s=patience_s),
            unwanted=lambda opened: opened.lock.release(),
        )
        return cls(opened, tell)

    @property
    def database(self) -> Path:
        """Its file."""
        return self._database

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What a person should be told about how it was opened."""
        return tuple(self._opened.notices)

    async def close(self) -> None:
        """Write what is new, and give the store back, even if the caller is cancelled. Answers that are open stay as
        far as they came.
        """
        await in_thread(self._close)

    def _close(self) -> None:
        with self._closing:
            self._writer.submit(self._through.flush)  # what it cannot write was told when it happened
            for worker in (self._searcher, self._reader, self._writer):  # the last one empties the log beside the file
                worker.close()
            self._opened.lock.release()

    # Turns

    async def begin_turn(
        self, chat: str, parent: str | None, said: Sequence[Part], about: About
    ) -> tuple[Message, OpenAnswer]:
        """Write a question and the empty answer under it; both are on the disk when this returns.

        Args:
            chat: its id.
            parent: the message that the question follows; None at the beginning of the chat.
            said: the question.
            about: which model is asked, and how.

        Raises:
            StoreError: they could not be written: ask nothing.
        """
        question = messages.made_now(parent, "user", said)
        answer = messages.made_now(question.id, "assistant", (), State.WAITING, about)

        def work(connection: sqlite3.Connection) -> None:
            with transaction(connection):
                at = chats.key(connection, chat)
                messages.add(connection, at, question)
                messages.add(connection, at, answer)
                draft = chats.draft(connection, chat)
                if draft is not None and parts.same(draft.parts, said):  # else more was typed since
                    chats.keep_draft(connection, chat, ())
                if title := title_of(said):
                    chats.title_first(connection, chat, title)
            self._drafts.forget(chat, said)  # not before: what was not sent stays a draft

        await self._writer.write(work)
        return question, OpenAnswer(answer, self._desk)

    async def begin_answer(self, chat: str, parent: str | None, about: About) -> OpenAnswer:
        """Write an empty answer under a question that is there, beside others that it may have: regenerate.

        Raises:
            StoreError: it could not be written: ask nothing.
        """
        answer = messages.made_now(parent, "assistant", (), State.WAITING, about)
        await self.add_message(chat, answer)
        return OpenAnswer(answer, self._desk)

    async def continue_answer(self, chat: str, message: str) -> OpenAnswer:
        """Open an answer that ended, to go on at its end; what there is of it stays, whatever comes.

        Raises:
            StoreError: it is not there, or could not be written.
            RuntimeError: it is still open.
        """

        def work(connection: sqlite3.Connection) -> Message:
            held = messages.message(connection, message)
            if held.state in OPEN:
                raise RuntimeError("This answer is still being written")
            begun = replace(held, state=State.WAITING, about=about_again(held.about))
            messages.finish(connection, begun)
            branches.switch(connection, chats.key(connection, chat), message)
            return begun

        return OpenAnswer(await self._write(work), self._desk)

    async def add_version(self, chat: str, of: str, said: Sequence[Part]) -> Message:
        """Write an edited message beside the one it was made of, and show it: a new branch.

        Raises:
            StoreError: that one is not there, or it could not be written.
        """
        held = await self._reader.run(lambda connection: messages.message(connection, of))
        about = replace(held.about, more={**held.about.more, "edited_from": of})
        edited = messages.made_now(held.parent, held.role, said, about=about)
        await self.add_message(chat, edited)
        return edited

    async def add_message(self, chat: str, message: Message) -> None:
        """Write a message that is complete, and show it. For what no call above does.

        Raises:
            StoreError: it could not be written.
        """
        await self._write(lambda connection: messages.add(connection, chats.key(connection, chat), message))

    # Reading, and the tree

    async def open_chat(self, chat: str) -> Conversation:
        """A chat with what is shown of it.

        Raises:
            StoreError: it is not there, or cannot be read.
        """
        return await self._reader.run(lambda connection: messages.conversation(connection, chat))

    async def messages(self, ids: Sequence[str]) -> list[Message]:
        """Messages by id, such as those of another branch; what is not there is left out."""
        return await self._reader.run(lambda connection: messages.messages(connection, ids))

    async def switch(self, chat: str, to: str) -> Tree:
        """Show another version, or the branch of a hit; returns the tree as it is then.

        Raises:
            StoreError: the message is not there.
        """
        return await self._change_tree(chat, lambda connection, at: branches.switch(connection, at, to))

    async def delete(self, chat: str, message: str) -> Tree:
        """Delete a message with all that follows it; for 30 days it can be taken back.

        Raises:
            StoreError: it is not there.
        """
        return await self._change_tree(chat, lambda connection, at: branches.delete(connection, at, message))

    async def undo_delete(self, chat: str, message: str) -> Tree:
        """Take back the deletion of this message.

        Raises:
            StoreError: it is not there any more, or what it followed is deleted.
        """
        return await self._change_tree(chat, lambda connection, at: branches.undo_delete(connection, at, message))

    async def fork(self, chat: str, message: str) -> Chat:
        """A new chat with what led to a message, and the message.

        Raises:
            StoreError: it is not there.
        """

        def path(tree: Tree) -> list[str]:
            if not tree.is_alive(message):
                raise store_errors.missing(tr("This message"))
            return tree.path(message)

        return await copies.copied(self, chat, {"forked_from": chat, "forked_at": message}, path)

    async def duplicate(self, chat: str) -> Chat:
        """A new chat with all branches of this one.

        Raises:
            StoreError: it is not there.
        """
        return await copies.copied(self, chat, {"copy_of": chat})

    # Search

    async def search(self, query: Query, limit: int = PAGE, after: int | None = None) -> Hits:
        """What is found, newest first. Cancel the one before when more is typed: it is then not begun."""
        return await self._searcher.run(lambda connection: search.find(connection, query, limit, after))

    async def search_titles(self, text: str, limit: int = PAGE) -> list[TitleHit]:
        """The chats whose title has these words."""
        return await self._searcher.run(lambda connection: search.find_titles(connection, text, limit))

    # Drafts

    def keep_draft(self, place: str, said: Sequence[Part]) -> None:
        """Keep what is being typed: of a chat by its id, of a new one with an empty place, of another version of a
        message by that one's. Never waits.
        """
        self._drafts.keep(place, said)

    async def draft(self, place: str) -> Draft | None:
        """What was typed and not sent; also what could not be written yet."""
        if (said := self._drafts.held(place)) is not None:
            return Draft(said, now_ms()) if said else None
        return await self._reader.run(lambda connection: chats.draft(connection, place))

    async def edits(self, chat: str) -> dict[str, str]:
        """What was typed into other versions of a chat's messages and not saved, by the message."""
        return await self._reader.run(lambda connection: messages.edits(connection, chat))

    # For the other parts of the store

    async def read(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """Have something read in the thread that reads."""
        return await self._reader.run(work)

    async def write(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """Have something written in one transaction in the thread that writes; it is done even if the caller goes."""
        return await self._write(work)

    async def write_freely(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """The same without a transaction, for work that makes its own."""
        return await self._writer.write(work)

    async def _write(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        def whole(connection: sqlite3.Connection) -> Result:
            with transaction(connection):
                return work(connection)

        return await self._writer.write(whole)

    async def _change_tree(self, chat: str, change: Callable[[sqlite3.Connection, int], Tree]) -> Tree:
        return await self._write(lambda connection: change(connection, chats.key(connection, chat)))
