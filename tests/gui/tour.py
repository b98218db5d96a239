"""A walk through the whole window: each of its pages, panels and dialogs, one after the other, with something in them.

What has to be so everywhere is looked at on the way: names and roles, the order of the tab key, where one sees them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from chat_driver import K, Person, echo, sat_down
from conftest import Build, until
from discover_desk import SMALL
from hub_server import HubServer, Play, Stored
from model_shapes import LLAMA_8B, llama
from PySide6.QtWidgets import QApplication, QDialog, QWidget

from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.hub.repository import look_up

REPOSITORY = "org/Small-GGUF"
CARD = b"# Small\n\nA model with a [page](https://example.org/small) and a table.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"
ANSWER = "A line with `code` and a [link](https://example.org/).\n\n```python\nprint(1)\n```\n\nThe end."


def a_hub(folder: Path) -> HubServer:
    """A hub with one repository."""
    llama(folder / "small.gguf", SMALL)
    model = (folder / "small.gguf").read_bytes()
    card = Stored(CARD, large=False)
    files = {"Small-Q4_K_M.gguf": model, "Small-Q8_0.gguf": model + bytes(100_000), "README.md": card}
    return HubServer({REPOSITORY: files})


class Tour:
    """Walks through a window.

    Args:
        build: makes it.
        paths: its folders.
        model: is loaded; the engine says again what it is asked.
        hub: is searched.
    """

    def __init__(self, build: Build, paths: Paths, model: Path, hub: HubServer) -> None:
        self._build, self._paths, self._model, self._hub = build, paths, model, hub
        self.person: Person

    async def places(self) -> AsyncIterator[tuple[str, QWidget]]:
        """Each place with the window or dialog that it is in, while it is shown."""
        await self._sit_down()
        for walk in (self._chat, self._panels, self._models, self._discover, self._downloads, self._dialogs):
            async for place in walk():
                await self._settle(place[1])
                yield place

    async def _sit_down(self) -> None:
        for number, name in enumerate(("First", "Second")):
            self._paths.models.mkdir(parents=True, exist_ok=True)
            llama(self._paths.models / f"{name}-8B-Q4_K_M.gguf", {**LLAMA_8B, "block_count": 8 + number})
        (self._paths.models / "broken.gguf").write_bytes(b"GGUF\x03\0\0\0garbage")
        self.person = await sat_down(self._build, home=self._paths, command=echo())
        self.window.hub.use_endpoint(self._hub.url)
        await self.person.load(self._model)

    @property
    def window(self) -> Any:
        """The program's window."""
        return self.person.window

    async def _settle(self, window: QWidget) -> None:
        """What has just come is laid out and painted, and has the keys."""
        await asyncio.sleep(0.15)
        window.activateWindow()
        await until(lambda: QApplication.focusWidget() is not None, "the keys go somewhere", 5)

    async def _act(self, name: str) -> None:
        """Do what a row of the table of actions does."""
        await self.person.do(self.window.commands[name].trigger)

    async def _chat(self) -> AsyncIterator[tuple[str, QWidget]]:
        person, window = self.person, self.window
        await self._act("view.chats")
        yield "an empty chat", window
        for text in (ANSWER, "Two"):
            await person.do(person.composer.focus)
            await person.do(lambda text=text: person.composer.field.put(text))
            await person.press(K.Key_Return)
            await person.answered()
        yield "a chat", window
        await person.point(1)
        yield "a message with its actions", window
        await person.press(K.Key_E, at=lambda: window.chat.transcript.message_views[0])
        yield "the editor of a message", window
        await person.press(K.Key_Escape)
        await person.do(window.context.gauge.click)
        yield "what fills the context", window
        await person.press(K.Key_Escape)
        await self._act("chat.find")
        await person.type("line")
        yield "find in the chat", window
        await person.do(window.chat.transcript.find_bar.close_bar)
        await self._act("chat.search")
        await person.type("line")
        await asyncio.sleep(0.5)
        yield "search in all chats", window
        await person.press(K.Key_Escape)

    async def _panels(self) -> AsyncIterator[tuple[str, QWidget]]:
        window = self.window
        await self._act("chat.preset")
        yield "the preset panel", window
        await self._act("chat.preset")
        await self.person.click("Advanced", window.fit_panel)
        yield "the fit panel with all settings", window
        await self._act("tools.show")
        await asyncio.sleep(0.3)
        yield "the tools of the chat", window
        await self.person.do(window.tools.popup.close_popup)
        await self._act("help.palette")
        yield "the command palette", window.commands.palette
        await self.person.do(window.commands.palette.close_palette)

    async def _models(self) -> AsyncIterator[tuple[str, QWidget]]:
        window = self.window
        await self._act("view.models")
        await until(lambda: len(window.side_bar.models.files) > 2, "models are listed")
        yield "My Models", window
        await self._act("view.table")
        window.side_bar.models.selection.choose(window.side_bar.models.files[0].path)
        for number in range(3):
            await self.person.do(lambda number=number: window.models.table.details.show_tab(number))
            yield f"the table, details {number}", window
        await self._act("view.table")

    async def _discover(self) -> AsyncIterator[tuple[str, QWidget]]:
        window = self.window
        await self._act("view.discover")
        await until(lambda: window.hub.search.view.results.rows, "something is listed")
        await asyncio.sleep(0.5)
        yield "Discover", window
        await self.person.do(lambda: window.hub.discover.open_place(REPOSITORY))
        await until(lambda: window.hub.page.offers.rows, "the repository")
        await asyncio.sleep(0.5)
        yield "a repository", window

    async def _downloads(self) -> AsyncIterator[tuple[str, QWidget]]:
        window, downloads = self.window, self.person.parts.downloads
        self._hub.always["bytes"] = Play(bytes_per_s=20_000)
        repository = await look_up(REPOSITORY, endpoint=self._hub.url)
        await downloads.add(repository, repository.files[:1])
        await self._act("view.downloads")
        await until(window.hub.downloads.foot.button.isVisible, "a download")
        yield "Downloads", window
        for each in downloads.all:
            downloads.pause(each.id)
        yield "Downloads, paused", window
        await self._act("view.chats")
        await self._act("settings.show")
        await asyncio.sleep(0.3)
        yield "Settings", window
        await self._act("engine.show")
        await asyncio.sleep(0.3)
        yield "Settings, Engine", window
        await self._act("privacy.show")
        await asyncio.sleep(0.3)
        yield "Settings, Privacy", window
        await self._act("view.chats")

    async def _dialogs(self) -> AsyncIterator[tuple[str, QWidget]]:
        window = self.window
        first = next(file for file in window.side_bar.models.files if file.trouble is None)
        opened: dict[str, Callable[[], object]] = {
            "Keyboard Shortcuts": window.commands["help.keys"].trigger,
            "Open Address": window.commands["file.address"].trigger,
            "Model Folders": window.commands["model.folders"].trigger,
            "Manage Tools": window.commands["tools.manage"].trigger,
            "Insert a Prompt": window.commands["tools.prompt"].trigger,
            "Doctor": window.commands["help.doctor"].trigger,
            "Report a Problem": window.commands["help.report"].trigger,
            "About": window.commands["help.about"].trigger,
            "Export": window.commands["chat.export"].trigger,
            "Verify": lambda: window.side_bar.models.offers.verify_requested.emit(first),
            "Access Token": lambda: window.hub.discover.tokens.ask(REPOSITORY),
            "Hub": window.side_bar.discover.hub_requested.emit,
            "Tune": window.fit_panel.tune_requested.emit,
        }
        for name, open_it in opened.items():
            await self.person.do(open_it)
            await until(lambda: _over(window) is not window, f"the dialog {name}")
            await asyncio.sleep(0.2)
            dialog = _over(window)
            yield f"the dialog {name}", dialog
            await self.person.do(dialog.reject if isinstance(dialog, QDialog) else dialog.close)
            await until(lambda: _over(window) is window, f"{name} is closed")


def _over(window: QWidget) -> QWidget:
    """What lies over the window; the window itself where there is nothing."""
    over = [each for each in QApplication.topLevelWidgets() if each.isVisible() and each is not window]
    return over[-1] if over else window
