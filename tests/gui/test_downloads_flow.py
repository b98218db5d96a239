"""Downloads in the window, over the real queue and a real hub on this machine: what is seen, told and asked for."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from conftest import button, until
from hub_server import HubServer, Play, forget_environment
from PySide6.QtCore import QCoreApplication, QEvent, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QHBoxLayout, QLabel, QWidget
from test_downloads_page import BROKE, download

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.hub.downloads import Downloads, Manner
from nodetool_xl_desktop.hub.repository import look_up
from nodetool_xl_desktop.hub.standing import Download, Limits, State
from nodetool_xl_desktop.hub.transfer import Patience
from nodetool_xl_desktop.ui.downloads.download_row import DownloadRow
from nodetool_xl_desktop.ui.downloads.downloads_flow import LOOK_MS, DownloadsFlow, Queue, free_bytes
from nodetool_xl_desktop.ui.tasks import Tasks
from nodetool_xl_desktop.ui.theme import Theme

LEFT = Qt.MouseButton.LeftButton
ALT = Qt.KeyboardModifier.AltModifier
ONE, TWO, THREE = (f"Model-{number}B-Q4_K_M.gguf" for number in (1, 2, 3))
SIZE = 1_000_000
SLOW = Play(bytes_per_s=400_000)
BRISK = Manner(Patience(stall_s=0.5, pauses_s=()), retries_s=())
WAITS = Manner(Patience(stall_s=0.5, pauses_s=()), retries_s=(20.0,))
#: What Qt says of a tray where its platform draws no screen.
NO_TRAY_HERE = pytest.mark.qt_log_ignore("systemTrayWindowChanged", extend=True)


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    forget_environment(monkeypatch)


@dataclass
class Desk:
    """A window with the foot on the left and the page beside it, as the program has them."""

    window: QWidget
    flow: DownloadsFlow
    downloads: Queue
    tasks: Tasks
    heard: list[object] = field(default_factory=list)
    told: list[UserFacingError] = field(default_factory=list)

    async def seen(self, what: str, condition: Callable[[], object]) -> None:
        await until(condition, what, 20)

    def row(self, name: str) -> DownloadRow:
        return next(row for row in self.flow.page.list.rows if row.download.name == name)

    @property
    def words(self) -> list[str]:
        """All that the rows say."""
        rows = self.flow.page.list.rows
        return [each.text() for row in rows for each in row.findChildren(QLabel) if each.isVisible()]

    def state(self, name: str) -> State | None:
        return next((each.state for each in self.downloads.all if each.name == name), None)


@asynccontextmanager
async def at_desk(downloads: Queue, folder: Path, *, has_tray: bool = False) -> AsyncIterator[Desk]:
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    theme, tasks = Theme(application), Tasks()
    told: list[UserFacingError] = []
    flow = DownloadsFlow(theme, tasks, downloads, told.append, folder=lambda: folder, has_tray=lambda: has_tray)
    window = QWidget()
    window.resize(1000, 700)
    row = QHBoxLayout(window)
    row.addWidget(flow.foot)
    row.addWidget(flow.page, 1)
    desk = Desk(window, flow, downloads, tasks, told=told)
    flow.finished.connect(lambda each: desk.heard.append(("finished", each.name)))
    flow.load_requested.connect(lambda path: desk.heard.append(("load", path)))
    flow.show_requested.connect(lambda path: desk.heard.append(("show", path)))
    flow.page_requested.connect(lambda: desk.heard.append("page"))
    flow.window_requested.connect(lambda: desk.heard.append("window"))
    flow.quit_requested.connect(lambda: desk.heard.append("quit"))
    window.show()
    flow.start()
    try:
        yield desk
    finally:
        flow.close()
        await tasks.cancel_all()
        window.close()
        window.deleteLater()
        flow.deleteLater()
        theme.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@asynccontextmanager
async def downloading(
    tmp_path: Path, hub: HubServer, *names: str, manner: Manner = BRISK, has_tray: bool = False
) -> AsyncIterator[Desk]:
    """The real queue with these in it."""
    folder = tmp_path / "models"
    downloads = Downloads(tmp_path / "downloads.json", lambda: folder, manner=manner)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(downloads.close)
        desk = await stack.enter_async_context(at_desk(downloads, tmp_path / "models", has_tray=has_tray))
        downloads.start()
        if names:
            repository = await look_up("org/repo", endpoint=hub.url)
            files = {file.name: file for file in repository.files}
            for name in names:
                await downloads.add(repository, [files[name]])
        yield desk


def a_hub() -> HubServer:
    return HubServer({"org/repo": {name: os.urandom(SIZE) for name in (ONE, TWO, THREE)}})


async def test_a_download_is_seen_from_its_beginning_to_load(tmp_path: Path) -> None:
    with a_hub() as hub:
        hub.always["bytes"] = SLOW
        async with downloading(tmp_path, hub, ONE) as desk:
            await desk.seen("it runs", lambda: "Downloading" in desk.words)
            await desk.seen("a speed", lambda: any(each.endswith("/s") for each in desk.words))
            await desk.seen("the foot", lambda: desk.flow.foot.words.startswith("1 download · "))
            assert "free on the disk of the models folder" in " ".join(
                each.text() for each in desk.flow.page.findChildren(QLabel)
            )
            hub.always["bytes"] = Play()
            await desk.seen("it is done", lambda: desk.heard)
            await desk.seen("the row says so", desk.row(ONE).buttons.load.isVisible)
            assert desk.heard == [("finished", ONE)]
            assert desk.flow.foot.words == ""
            QTest.mouseClick(button(desk.window, "Load"), LEFT)
            path = next(each.path for each in desk.downloads.all)
            assert path is not None
            assert path.stat().st_size == SIZE
            QTest.mouseClick(button(desk.window, "Show in My Models"), LEFT)
            assert desk.heard[1:] == [("load", path), ("show", path)]
            QTest.mouseClick(button(desk.window, "Clear Finished"), LEFT)
            await desk.seen("nothing is left", lambda: not desk.flow.page.list.rows)
            assert path.exists()


async def test_pause_resume_and_cancel_by_keys(tmp_path: Path) -> None:
    with a_hub() as hub:
        hub.always["bytes"] = SLOW
        async with downloading(tmp_path, hub, ONE) as desk:
            await desk.seen("it runs", lambda: "Downloading" in desk.words)
            row = desk.row(ONE)
            row.setFocus()
            QTest.keyClick(row, Qt.Key.Key_Space)
            await desk.seen("it is paused", lambda: "Paused" in desk.words)
            assert desk.flow.foot.words.startswith("Paused · ")
            assert row.hasFocus()
            QTest.keyClick(row, Qt.Key.Key_Space)
            await desk.seen("it goes on", lambda: "Downloading" in desk.words)
            assert desk.row(ONE) is row
            QTest.keyClick(row, Qt.Key.Key_Delete, Qt.KeyboardModifier.ControlModifier)
            await desk.seen("it is gone", lambda: desk.words == [] and desk.flow.foot.words == "")
            await desk.seen("what came is removed", lambda: not list((tmp_path / "models").rglob("*.part")))
            assert desk.heard == []


async def test_the_order_is_changed_by_keys_and_the_queue_follows(tmp_path: Path) -> None:
    with a_hub() as hub:
        hub.always["bytes"] = SLOW
        async with downloading(tmp_path, hub, ONE, TWO, THREE) as desk:
            await desk.seen("three rows", lambda: len(desk.flow.page.list.rows) == 3)
            desk.row(THREE).setFocus()
            QTest.keyClick(desk.row(THREE), Qt.Key.Key_Up, ALT)
            await desk.seen("it rose", lambda: [each.name for each in desk.downloads.all] == [ONE, THREE, TWO])
            shown = lambda: [row.download.name for row in desk.flow.page.list.rows]  # noqa: E731
            await desk.seen("it is shown so", lambda: shown() == [ONE, THREE, TWO])
            assert desk.row(THREE).hasFocus()


async def test_a_fault_is_told_with_its_remedy_and_the_attempt_is_counted_down(tmp_path: Path) -> None:
    with a_hub() as hub:
        hub.always["bytes"] = Play(status=503)
        async with downloading(tmp_path, hub, ONE, manner=WAITS) as desk:
            await desk.seen("it waits", lambda: any(each.startswith("Next attempt in") for each in desk.words))
            first = next(each for each in desk.words if each.startswith("Next"))
            await desk.seen("it counts", lambda: first not in desk.words)
            hub.always["bytes"] = Play()
            QTest.mouseClick(button(desk.row(ONE), "Try Now"), LEFT)
            await desk.seen("it is done", lambda: desk.heard == [("finished", ONE)])


async def test_what_failed_can_be_tried_again(tmp_path: Path) -> None:
    with a_hub() as hub:
        hub.always["resolve"] = Play(status=404, error_code="EntryNotFound")
        async with downloading(tmp_path, hub, ONE) as desk:
            await desk.seen("it failed", lambda: desk.flow.foot.words == "Download failed")
            assert "Failed" in desk.words
            hub.always["resolve"] = Play()
            QTest.mouseClick(button(desk.row(ONE), "Retry"), LEFT)
            await desk.seen("it is done", lambda: desk.heard == [("finished", ONE)])


async def test_all_are_paused_and_limited_from_the_page(tmp_path: Path) -> None:
    with a_hub() as hub:
        hub.always["bytes"] = SLOW
        async with downloading(tmp_path, hub, ONE, TWO) as desk:
            await desk.seen("both are there", lambda: len(desk.flow.page.list.rows) == 2)
            bar = desk.flow.page.limits
            bar.at_once.setFocus()
            bar.at_once.selectAll()
            QTest.keyClicks(bar.at_once, "2")
            QTest.keyClick(bar.at_once, Qt.Key.Key_Return)
            await desk.seen("both run", lambda: [desk.state(ONE), desk.state(TWO)] == [State.RUNNING] * 2)
            assert desk.downloads.limits == Limits(None, 2)
            QTest.mouseClick(button(desk.window, "Pause All"), LEFT)
            await desk.seen("both are paused", lambda: [desk.state(ONE), desk.state(TWO)] == [State.PAUSED] * 2)
            await desk.seen("they can go on", lambda: desk.flow.page.all_button.text() == "Resume All")
            hub.always["bytes"] = Play()
            QTest.mouseClick(button(desk.window, "Resume All"), LEFT)
            await desk.seen("both are done", lambda: len(desk.heard) == 2)


async def test_a_hidden_page_costs_nothing_and_the_notice_tells(tmp_path: Path) -> None:
    with a_hub() as hub:
        hub.always["bytes"] = SLOW
        async with downloading(tmp_path, hub) as desk:
            desk.flow.page.hide()
            repository = await look_up("org/repo", endpoint=hub.url)
            assert isinstance(desk.downloads, Downloads)
            await desk.downloads.add(repository, repository.files[:1])
            await desk.seen("the foot moves", lambda: desk.flow.foot.words not in ("", "1 download · 0 %"))
            assert desk.flow.page.list.rows == []
            QTest.mouseClick(desk.flow.foot.button, LEFT)
            assert desk.heard == ["page"]
            hub.always["bytes"] = Play()
            await desk.seen("the notice", desk.flow.foot.notice.isVisible)
            assert desk.flow.foot.notice.text == "Model 1B Q4_K_M Downloaded"
            QTest.mouseClick(button(desk.flow.foot, "Load"), LEFT)
            assert desk.heard[1:] == [("finished", ONE), ("load", desk.downloads.all[0].path)]
            assert desk.flow.foot.isHidden()
            desk.flow.page.show()
            await desk.seen("the row", lambda: len(desk.flow.page.list.rows) == 1)


async def test_what_was_done_on_another_day_is_no_news(tmp_path: Path) -> None:
    with a_hub() as hub:
        async with downloading(tmp_path, hub, ONE) as desk:
            await desk.seen("it is done", lambda: desk.heard)
        async with downloading(tmp_path, hub) as desk:
            await desk.seen("it is listed", lambda: len(desk.flow.page.list.rows) == 1)
            await asyncio.sleep(2 * LOOK_MS / 1000)
            assert desk.heard == []
            assert desk.flow.foot.isHidden()


async def test_where_another_program_has_the_queue_the_page_says_so(tmp_path: Path) -> None:
    with HubServer({}) as hub:
        async with downloading(tmp_path, hub) as first:
            await first.seen("the first one has the queue", lambda: list(tmp_path.glob("downloads.json*")))
            second = Downloads(tmp_path / "downloads.json", lambda: tmp_path / "models")
            async with at_desk(second, tmp_path) as desk:
                second.start()
                labels = desk.flow.page.findChildren(QLabel)
                said = {"Nothing can be downloaded here"}
                await desk.seen("it is said", lambda: said <= {each.text() for each in labels if each.isVisible()})
                assert any(each.text().startswith("Another program that is open has this folder") for each in labels)
            await second.close()


@NO_TRAY_HERE
async def test_the_tray_shows_while_something_runs_and_its_menu_works(tmp_path: Path) -> None:
    with a_hub() as hub:
        hub.always["bytes"] = SLOW
        async with downloading(tmp_path, hub, has_tray=True) as desk:
            tray = desk.flow.tray
            assert tray.icon is None  # nothing is made before it is needed
            repository = await look_up("org/repo", endpoint=hub.url)
            assert isinstance(desk.downloads, Downloads)
            await desk.downloads.add(repository, repository.files[:1])
            await desk.seen("the icon", lambda: tray.icon is not None and tray.icon.isVisible())
            assert tray.icon is not None
            assert "1 download · " in tray.icon.toolTip()
            before = tray.icon.icon().cacheKey()
            await desk.seen("the ring closes", lambda: tray.icon and tray.icon.icon().cacheKey() != before)
            actions = {action.text(): action for action in tray.icon.contextMenu().actions()}
            assert list(actions) == ["Show", "Pause All", "Quit"]
            actions["Show"].trigger()
            actions["Quit"].trigger()
            assert desk.heard == ["window", "page", "quit"]
            actions["Pause All"].trigger()
            await desk.seen("it is paused", lambda: desk.state(ONE) is State.PAUSED)
            await desk.seen("the icon is gone", lambda: tray.icon is not None and not tray.icon.isVisible())


# What a queue says and how often


class Loud:
    """A queue that says what it is told to say, from a thread, and counts how often it is looked at."""

    def __init__(self, *downloads: Download) -> None:
        self.now = downloads
        self.looks = 0
        self.limits = Limits()
        self.refusal: UserFacingError | None = None
        self._callbacks: list[Callable[[], None]] = []

    @property
    def all(self) -> tuple[Download, ...]:
        self.looks += 1
        return self.now

    def listen(self, callback: Callable[[], None]) -> None:
        self._callbacks.append(callback)

    def say(self, *downloads: Download) -> None:
        self.now = downloads
        for callback in self._callbacks:
            callback()

    def refuse(self, *_: object) -> None:
        raise BROKE

    pause = resume = cancel = retry = refuse
    move = pause_all = resume_all = clear_finished = refuse


async def test_thousands_of_changes_are_few_looks(tmp_path: Path) -> None:
    queue = Loud()
    async with at_desk(queue, tmp_path) as desk:
        await asyncio.sleep(2 * LOOK_MS / 1000)
        begun, looks = time.monotonic(), queue.looks

        def talk() -> None:
            for number in range(20_000):
                queue.say(download(1, State.RUNNING, 1000 + number, size=100_000, speed=1e6))

        thread = threading.Thread(target=talk)
        thread.start()
        await desk.seen("the last one is shown", lambda: "21 kB of 100 kB" in desk.words)
        thread.join()
        took_s = time.monotonic() - begun
        assert queue.looks - looks <= took_s * 1000 / LOOK_MS + 2


async def test_nothing_is_looked_at_while_nothing_happens(tmp_path: Path) -> None:
    queue = Loud(download(1, State.PAUSED, 5), download(2, State.FAILED, error=BROKE))
    async with at_desk(queue, tmp_path) as desk:
        await desk.seen("the rows", lambda: len(desk.flow.page.list.rows) == 2)
        await asyncio.sleep(2 * LOOK_MS / 1000)
        looks = queue.looks
        await asyncio.sleep(1.3)
        assert queue.looks == looks
        assert not [timer for timer in desk.flow.findChildren(QTimer) if timer.isActive()]


async def test_what_is_refused_is_told(tmp_path: Path) -> None:
    async with at_desk(Loud(download(1, State.RUNNING)), tmp_path) as desk:
        await desk.seen("the row", lambda: desk.flow.page.list.rows)
        QTest.mouseClick(desk.flow.page.list.rows[0].buttons.main, LEFT)
        assert desk.told == [BROKE]


@NO_TRAY_HERE
async def test_who_is_elsewhere_is_told_by_the_system(tmp_path: Path) -> None:
    queue = Loud(download(1, State.RUNNING))
    async with at_desk(queue, tmp_path, has_tray=True) as desk:
        await desk.seen("the row", lambda: desk.flow.page.list.rows)
        desk.window.hide()
        await desk.seen("no window is active", lambda: QApplication.activeWindow() is None)
        queue.say(replace(queue.now[0], state=State.DONE, path=Path("/m.gguf"), finished=time.time()))
        await desk.seen("it is told", lambda: desk.heard == [("finished", ONE)])
        icon = desk.flow.tray.icon
        assert icon is not None
        assert icon.isVisible() is icon.supportsMessages()  # it stays for what it told
        if icon.supportsMessages():
            icon.messageClicked.emit()
            assert desk.heard[1:] == ["window", "page"]


# The disk


def test_the_room_of_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    there = free_bytes(tmp_path)
    assert there is not None
    assert abs((free_bytes(tmp_path / "not" / "yet") or 0) - there) < 10**9
    file = tmp_path / "file"
    file.write_bytes(b"")
    assert free_bytes(file / "below") is not None
