"""A person at the whole window: what they press, type and see of chats."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import scripted_worker
from conftest import Build, button, until
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QMenu, QWidget

from nodetool_xl_desktop.app import Parts
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.engine.states import Ready
from nodetool_xl_desktop.store.records import Message
from nodetool_xl_desktop.store.store import Store
from nodetool_xl_desktop.ui.notice import Notice
from nodetool_xl_desktop.ui.presets.text_rows import TextRow
from nodetool_xl_desktop.ui.presets.value_rows import NumberRow
from nodetool_xl_desktop.ui.transcript.message_frame import MessageView

K = Qt.Key
NO, CTRL, SHIFT, ALT = (
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.AltModifier,
)
LEFT = Qt.MouseButton.LeftButton


def echo(**script: Any) -> tuple[str, ...]:
    """An engine that says again what it was asked: see `scripted_worker.echoes`."""
    return scripted_worker.command("echoes", json.dumps(script, default=str))


@dataclass
class Person:
    """Sits at a window that the `build` fixture made."""

    parts: Parts

    def __post_init__(self) -> None:
        self.window = self.parts.window
        self.chats = self.window.chats
        self.pane = self.window.chat
        self.composer = self.window.chat.composer
        self.transcript = self.window.chat.transcript
        self.browser = self.window.side_bar.chats
        self.window.activateWindow()

    # What they do. Qt looks for other events while it plays a key, which must not happen in the middle of a task.

    async def do(self, work: Callable[[], object]) -> None:
        done = asyncio.get_running_loop().create_future()

        def doing() -> None:
            try:
                work()
            except BaseException as error:  # noqa: BLE001 - it is raised by who waits
                done.set_exception(error)
            else:
                done.set_result(None)

        asyncio.get_running_loop().call_soon(doing)
        await done

    async def press(self, key: Qt.Key, held: Qt.KeyboardModifier = NO, at: Callable[[], QWidget] | None = None) -> None:
        """Press a key where the keys go, or in a widget."""
        where = at or self.focused
        await self.do(lambda: QTest.keyClick(where(), key, held))

    def focused(self) -> QWidget:
        return QApplication.focusWidget() or self.window

    async def type(self, text: str) -> None:
        await self.do(lambda: QTest.keyClicks(self.focused(), text))

    async def write(self, text: str) -> None:
        """Type into the composer."""
        await self.do(self.composer.focus)
        await self.type(text)

    async def ask(self, text: str) -> None:
        await self.write(text)
        await self.press(K.Key_Return)

    async def click(self, text: str, within: QWidget | None = None) -> None:
        await self.do(lambda: QTest.mouseClick(button(within or self.window, text), LEFT))

    async def open(self, title: str) -> None:
        """Click on a chat of the list."""
        await until(lambda: title in self.titles, f"{title!r} is listed, in {self.titles}")
        view = self.browser.view
        (chat,) = [chat for chat in view.chats.chats if chat.title == title]
        place = view.visualRect(view.index_of(chat.id)).center()
        await self.do(lambda: QTest.mouseClick(view.viewport(), LEFT, pos=place))
        await until(lambda: self.shown_id == chat.id, f"{title!r} is open")

    async def new_chat(self) -> None:
        await self.press(K.Key_N, CTRL, lambda: self.window)
        await until(lambda: self.chats.session is None, "a new chat")

    async def point(self, message: int) -> None:
        """Give the keys to a message."""
        view = self.view(message)
        await self.do(lambda: QTest.mouseClick(view, LEFT, pos=QPoint(3, 3)))
        await self.do(lambda: view.setFocus(Qt.FocusReason.TabFocusReason))

    async def choose(self, text: str) -> None:
        """An action of the menu that is open now."""
        menu = await self.menu()
        (action,) = [each for each in menu.actions() if each.text().replace("&", "").split("\t")[0] == text]
        await self.do(action.trigger)
        await self.do(menu.close)

    async def menu(self) -> QMenu:
        def shown() -> list[QMenu]:
            return [each for each in QApplication.topLevelWidgets() if isinstance(each, QMenu) and each.isVisible()]

        await until(shown, "a menu")
        return shown()[-1]

    async def load(self, model: Path, **options: Any) -> None:
        """Open a model and load it, with these options of the fit panel."""
        await self.window.models.open([model])
        if options:
            self.window.fit_panel._change(options)
        await self.window.models.load()
        assert isinstance(self.parts.loader.state, Ready), self.parts.loader.state

    async def set_number(self, name: str, text: str) -> None:
        """Set a value in the preset panel."""
        row = self.window.presets.panel.row(name)
        assert isinstance(row, NumberRow)
        await self.do(row.field.setFocus)
        await self.do(row.field.selectAll)
        await self.type(text)
        await self.press(K.Key_Return)

    async def set_prompt(self, text: str) -> None:
        """Set the system prompt in the preset panel."""
        row = self.window.presets.panel.row("system_prompt")
        assert isinstance(row, TextRow)
        await self.do(row.edit.setFocus)
        await self.press(K.Key_A, CTRL)
        await self.type(text)

    async def close(self) -> None:
        """Close the window, and end the program."""
        self.window.close()
        await self.parts.shut_down()

    # What they see

    def view(self, message: int) -> MessageView:
        view = self.transcript.turn(message if message >= 0 else len(self.said) + message)
        assert isinstance(view, MessageView)
        return view

    @property
    def shown_id(self) -> str | None:
        return self.chats.session.chat.id if self.chats.session is not None else None

    @property
    def shown(self) -> list[Message]:
        return list(self.chats.shown)

    @property
    def said(self) -> list[str]:
        """The texts of the chat that is shown."""
        return [message.text for message in self.chats.shown]

    @property
    def titles(self) -> list[str]:
        """Those in the list, the latest first."""
        return [chat.title for chat in self.browser.view.chats.chats]

    @property
    def answering(self) -> set[str]:
        """The titles that are marked in the list."""
        model = self.browser.view.chats
        return {chat.title for chat in model.chats if chat.id in model.answering}

    @property
    def notices(self) -> str:
        return " | ".join(each.text for each in self.window.findChildren(Notice) if each.isVisible())

    @property
    def words(self) -> str:
        """All that labels say."""
        return " | ".join(each.text() for each in self.window.findChildren(QLabel) if each.isVisible())

    @property
    def store(self) -> Store:
        assert self.chats.store is not None
        return self.chats.store

    async def opened(self) -> None:
        await until(lambda: self.chats.store is not None and self.browser._feed.is_loaded, "the store is open")

    async def answered(self, text: str | None = None) -> None:
        """Wait for an answer, with this text."""
        await until(lambda: self.chats.session is not None or self.pane.problem, "asked")
        await self.chats.answered()
        if text is not None:
            assert self.said[-1] == text, (self.said, self.notices)


async def sat_down(build: Build, *, home: Paths | None = None, command: Any = None, **sources: Any) -> Person:
    """A person at a new window whose chats are open."""
    person = Person(build(command, **({"home": home} if home is not None else {}), **sources))
    await person.opened()
    return person


def journal(file: Path) -> list[dict[str, Any]]:
    """What an echoing engine was asked."""
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()] if file.exists() else []
