"""The program's own window, off screen, in which somebody writes chats until it is killed.

    python tests/program_writer.py HOME MODEL SEED

It types, sends, edits, regenerates, goes on, renames, deletes and switches through the window, against an engine that
counts and calls a tool; calls it allows, changes, denies, stops, or lets wait. What each call that ran was about stands
in HOME/ran, a line each, written as the first thing that the call does. What the window holds to be so it says, as
`chat_writer.py` does: each line of its output is one JSON list, a word, the time of `time.monotonic`, and what belongs
to it, in one write to the pipe.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ["QT_QPA_PLATFORM"] = "offscreen"

import counting_engine
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

from nodetool_xl_desktop import app
from nodetool_xl_desktop.chat.calls import Remember, Standing
from nodetool_xl_desktop.chat.session import ChatSession
from nodetool_xl_desktop.chat.toolbox import NEW_CHAT, Toolbox
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.engine.pool import Pool
from nodetool_xl_desktop.store.parts import ToolAnswer, ToolUse, as_json
from nodetool_xl_desktop.store.records import OPEN, Message
from nodetool_xl_desktop.tools import as_tool
from nodetool_xl_desktop.tools.source import Offered, Workspace

#: How often it looks at what the window holds, in seconds.
LOOK_S = 0.01
ACTIONS = ("send", "send", "send", "new", "type", "edit", "ask instead", "again", "on", "rename", "delete", "switch")
#: The same where a call waits or runs.
DECISIONS = (*ACTIONS, *3 * ("allow", "change", "deny", "stop"))


def say(word: str, *about: Any) -> None:
    os.write(1, (json.dumps([word, time.monotonic(), *about]) + "\n").encode())


async def press(widget: QWidget, key: Qt.Key, held: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    """Press a key, and wait until the window has heard of it. Qt then looks for other events too, which must not happen
    in the middle of a task.
    """
    pressed = asyncio.Event()

    def do() -> None:
        QTest.keyClick(widget, key, held)
        pressed.set()

    asyncio.get_running_loop().call_soon(do)
    await pressed.wait()


class Marking:
    """Has one tool, which leaves a mark outside of the program."""

    def __init__(self, ran: Path) -> None:
        self._ran = ran

    async def offered(self, workspace: Workspace) -> Sequence[Offered]:
        async def mark(about: str) -> str:
            """Mark something.

            Args:
                about: what.
            """
            with self._ran.open("a") as file:
                print(about, file=file, flush=True)
            await asyncio.sleep(random.choice((0.0, 0.05, 0.5)))
            return f"marked {about}"

        return [Offered(as_tool(mark), "Mark")]


class Watcher:
    """Says what the chats that were shown hold: that, a person has seen."""

    def __init__(self, parts: app.Parts) -> None:
        self._chats = parts.window.chats
        self._sessions: dict[str, ChatSession] = {}
        self._told: dict[str, int] = {}
        self._told_parts: set[tuple[str, str]] = set()
        self._open: set[str] = set()
        self._gone: set[str] = set()

    async def watch(self) -> None:
        while True:
            if (shown := self._chats.session) is not None and shown.chat.id not in self._sessions:
                self._sessions[shown.chat.id] = shown
                say("chat", shown.chat.id)
            for session in self._sessions.values():
                self._look(session)
            say("tick")
            await asyncio.sleep(LOOK_S)

    def _look(self, session: ChatSession) -> None:
        for node in session.tree:
            if node.id not in self._told or node.id in self._open:
                self._tell(session.chat.id, session.message(node.id))
            if node.deleted_with is not None and node.id not in self._gone:
                self._gone.add(node.id)
                say("deleted", node.id)

    def _tell(self, chat: str, message: Message) -> None:
        counted = len(message.text.split())
        if message.id not in self._told:
            say("message", chat, message.id, message.role, "" if message.state in OPEN else message.text)
        if message.role == "assistant" and counted != self._told.get(message.id):
            say("fed", message.id, counted)
        for part in message.parts:
            if isinstance(part, ToolUse | ToolAnswer):
                said = json.dumps(as_json(part))
                if (message.id, said) not in self._told_parts:
                    self._told_parts.add((message.id, said))
                    say("part", message.id, said)
        self._told[message.id] = counted
        if message.state in OPEN:
            self._open.add(message.id)
        elif message.id in self._open:
            self._open.discard(message.id)
            say("closed", message.id, counted)


class Writer:
    """Does to the window what a person does."""

    def __init__(self, parts: app.Parts, seed: int) -> None:
        self._window = parts.window
        self._chats = parts.window.chats
        self._transcript = parts.window.chat.transcript
        self._chance = random.Random(seed)

    async def write(self) -> None:
        while True:
            text = f"question {self._chance.random()}"
            shown = self._chats.session
            is_busy = bool(self._chats.waiting) or (shown is not None and shown.calls.is_busy)
            await self._do(self._chance.choice(DECISIONS if is_busy else ACTIONS), text)
            await asyncio.sleep(self._chance.choice((0.0, 0.01, 0.05, 0.3)))

    async def _do(self, action: str, text: str) -> None:
        composer, session = self._window.chat.composer, self._chats.session
        shown = [message for message in self._chats.shown if message.state not in OPEN]
        which = self._chance.choice(shown).id if shown else ""
        match action:
            case "type":
                composer.set_text(text)
                say("typed", session.chat.id if session is not None else "", text)
            case "send" if session is None or not session.is_answering:
                say("sending", session.chat.id if session is not None else "")
                composer.set_text(text)
                await press(composer.field, Qt.Key.Key_Return)
            case "new":
                await press(self._window, Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier)
            case "allow" | "change" | "deny":
                self._decide(action, text)
            case "stop" if session is not None and session.answer is not None:
                for part in session.answer.message.parts:
                    live = session.calls.live(part.id) if isinstance(part, ToolUse) else None
                    if live is not None and live.standing is Standing.RUNNING:
                        session.calls.stop(part.id)
            case "rename" if session is not None:
                await self._rename(session.chat.id, text)
            case "switch":
                await self._switch()
            case _ if session is not None and which and (action != "on" or session.message(which).role == "assistant"):
                self._change(action, which, f"{text} ")

    def _decide(self, action: str, text: str) -> None:
        """On the first call that waits, whether its chat is shown or not."""
        for session in self._chats.waiting.values():
            waits = session.calls.waiting[0]
            if action == "allow":
                remember = self._chance.choice((Remember.ONCE, Remember.ONCE, Remember.CHAT))
                session.calls.allow(waits, remember=remember)
            elif action == "change":
                session.calls.allow(waits, json.dumps({"about": f"changed {text}"}))
            else:
                session.calls.deny(waits, text)
            return

    def _change(self, action: str, which: str, text: str) -> None:
        match action:
            case "edit":
                self._transcript.edit_requested.emit(which, text, False)
            case "ask instead":
                self._transcript.edit_requested.emit(which, text, True)
            case "again":
                self._transcript.regenerate_requested.emit(which)
            case "on":
                self._transcript.continue_requested.emit(which)
            case "delete":
                self._transcript.delete_requested.emit(which)

    async def _rename(self, chat: str, title: str) -> None:
        store, view = self._chats.store, self._window.side_bar.chats.view
        assert store is not None
        if view.chats.chat(chat) is None:
            return
        say("renaming", chat, title)
        view.delegate.renamed.emit(chat, title)
        while (await store.list.chat(chat)).title != title:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.005)
        say("renamed", chat, title)

    async def _switch(self) -> None:
        """Another chat, or another version of what is shown."""
        store, session = self._chats.store, self._chats.session
        assert store is not None
        if session is not None and self._chance.random() < 0.5:
            alive = [node.id for node in session.tree if node.deleted_with is None]
            if alive and not session.is_answering:
                self._transcript.switch_requested.emit(self._chance.choice(alive))
            return
        if chats := (await store.list.page(limit=20)).chats:
            self._window.side_bar.chats.chat_selected.emit(self._chance.choice(chats).id)


async def main(home: Path, model: Path, seed: int) -> None:
    parts = app.build(Paths.below(home), Pool(command=counting_engine.command()))
    parts.window.show()
    while parts.window.chats.store is None:  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0.005)
    watching = asyncio.create_task(Watcher(parts).watch())
    say("opened", [notice.what for notice in parts.window.chats.store.notices])
    toolbox = parts.window.chats.asker.toolbox = Toolbox([Marking(home / "ran")], home / "permissions")
    toolbox.use(parts.window.chats.store.list)
    await toolbox.set_on(NEW_CHAT, "/mark", True)
    await toolbox.make_default(NEW_CHAT)
    await parts.window.models.open_soon([model])
    await parts.window.models.load()
    say("ready")
    writing = asyncio.create_task(Writer(parts, seed).write())
    done, _ = await asyncio.wait([watching, writing], return_when=asyncio.FIRST_COMPLETED)
    for each in done:  # neither ends but by an error
        say("failed", repr(each.exception()))


if __name__ == "__main__":
    with contextlib.closing(app.event_loop(app.application())) as loop:
        loop.set_exception_handler(
            lambda _loop, context: say("failed", str(context))
        )  # a bug, in the program's own words
        loop.run_until_complete(main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])))
