"""What `pseudo_program.py` goes through that no action of the table opens: menus of places, a hub with a repository and
a download that runs, a message in its editor and with its figures, and what cannot be opened.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

from gguf_writer import write_gguf
from hub_server import HubServer, Play, Stored
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QWidget

from nodetool_xl_desktop.ui.main_window import MainWindow
from nodetool_xl_desktop.ui.side_bar import Tab
from nodetool_xl_desktop.ui.transcript.message_frame import MessageView

REPOSITORY, GATED = "hub/4321", "hub/8765"
#: Gets the name of a place, and looks at all that is there.
Look = Callable[[str], None]


def hub_in(folder: Path) -> HubServer:
    """A hub with one model, and one that wants a token."""
    (folder / "hub").mkdir(parents=True, exist_ok=True)
    model = write_gguf(
        folder / "hub" / "4321-Q8_0.gguf",
        {"general.architecture": "llama", "general.name": "4321"},
        [("a.weight", (1 << 20,), "F32")],
    )
    files: Mapping[str, Path | Stored] = {model.name: model, "README.md": Stored(b"# 4321\n", large=False)}
    hub = HubServer({REPOSITORY: files, GATED: {model.name: model}})
    hub.gated.add(GATED)
    return hub


async def go_through(window: MainWindow, hub: HubServer, folder: Path, look: Look) -> None:
    """All of them but `message`."""
    await menus(window, look)
    await at_the_hub(window, hub, look)
    await errors(window, folder, look)


async def message(window: MainWindow, look: Look) -> None:
    """Its menu, its figures and its editor, by their keys; the window shows a chat with one answer."""
    (*_, view) = window.chat.transcript.findChildren(MessageView)
    await opened_menu(view, "the menu of a message", look)
    for key, name in ((Qt.Key.Key_I, "the figures of an answer"), (Qt.Key.Key_E, "the editor of a message")):
        view.setFocus(Qt.FocusReason.TabFocusReason)
        before = shown(window)
        await pressed(view, key)
        assert shown(window) != before, f"{name} did not open"
        look(name)
        await pressed(QApplication.focusWidget() or view, Qt.Key.Key_Escape)


async def menus(window: MainWindow, look: Look) -> None:
    """Of each list."""
    side = window.side_bar
    for tab, view, name in (
        (Tab.CHATS, side.chats.view, "the menu of a chat"),
        (Tab.MODELS, side.models.view, "the menu of a model"),
    ):
        window.navigation.show_tab(tab)
        await asyncio.sleep(0.2)
        rows = [view.model().index(row, 0) for row in range(view.model().rowCount())]
        index = next(each for each in rows if each.flags() & Qt.ItemFlag.ItemIsSelectable)
        view.setCurrentIndex(index)
        await opened_menu(view, name, look, view.visualRect(index).center())


async def at_the_hub(window: MainWindow, hub: HubServer, look: Look) -> None:
    """A repository, one that is refused, a download while it runs, and both dialogs."""
    window.navigation.show_tab(Tab.DISCOVER)
    discover = window.hub.discover
    discover.open_repository(GATED)
    await until(lambda: bool(hub.at("api")), "the hub is asked")
    await asyncio.sleep(0.3)
    look("a gated repository")
    discover.open_repository(REPOSITORY)
    await until(lambda: bool(window.hub.page.offers.rows), "the files of the repository")
    await asyncio.sleep(0.3)
    look("a repository")
    hub.always["bytes"] = Play(bytes_per_s=100_000)
    window.hub.page.offers.rows[0].action.click()
    window.navigation.show_downloads()
    await until(lambda: bool(window.hub.downloads.page.list.rows), "the download")
    await asyncio.sleep(0.8)
    look("a download that runs")
    for asked, name in (
        (window.hub.search.token_requested, "the token dialog"),
        (window.hub.search.hub_requested, "the hub dialog"),
    ):
        asked.emit()
        await asyncio.sleep(0.1)
        dialog = QApplication.activeModalWidget()
        assert dialog is not None, name
        look(name)
        dialog.close()
        await asyncio.sleep(0.05)


async def errors(window: MainWindow, folder: Path, look: Look) -> None:
    """Of a file that is no model."""
    broken = folder / "4321.gguf"
    broken.write_bytes(b"GGUF" + bytes(64))
    window.models.open_soon([broken])
    await asyncio.sleep(0.5)
    look("a broken model")


async def opened_menu(view: QWidget, name: str, look: Look, place: QPoint | None = None) -> None:
    """Ask for the menu of a widget as a press of the right button does."""
    target, place = getattr(view, "viewport", lambda: view)(), place or QPoint(12, 12)
    reason = QContextMenuEvent.Reason.Mouse
    QApplication.postEvent(target, QContextMenuEvent(reason, place, target.mapToGlobal(place)))
    await asyncio.sleep(0.1)
    popup = QApplication.activePopupWidget()
    assert isinstance(popup, QMenu), f"{name} did not open"
    look(name)
    popup.close()


async def pressed(widget: QWidget, key: Qt.Key) -> None:
    """Outside of any task, as Qt looks for other events meanwhile."""
    asyncio.get_running_loop().call_soon(QTest.keyClick, widget, key)
    await asyncio.sleep(0.15)


def shown(window: QWidget) -> set[int]:
    """Which widgets are seen now."""
    tops = [window, *(each for each in QApplication.topLevelWidgets() if each is not window)]
    return {id(each) for top in tops for each in (top, *top.findChildren(QWidget)) if each.isVisible()}


async def until(holds: Callable[[], bool], what: str) -> None:
    for _ in range(200):
        if holds():
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"{what} did not come")
