"""The real window on the program's own loop, and a look behind it when a test is over."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from collections.abc import Callable, Coroutine, Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest
from hub_server import HubServer
from PySide6.QtCore import QCoreApplication, QEvent, QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QPushButton, QWidget

from nodetool_xl_desktop import app
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.engine.client import Sampling
from nodetool_xl_desktop.engine.pool import Pool
from nodetool_xl_desktop.engine.wheels import Wheel
from nodetool_xl_desktop.ui.leaf import formula
from nodetool_xl_desktop.ui.theme import Theme

#: So many new objects are worth a look for garbage, which takes 50 ms.
MUCH_GARBAGE = 20_000


@pytest.fixture(scope="session")
def qapp() -> QApplication:
    return app.application()


@pytest.fixture(scope="session")
def loop(qapp: QApplication) -> Iterator[asyncio.AbstractEventLoop]:
    loop = app.event_loop(qapp)
    with contextlib.closing(loop):
        yield loop


@pytest.fixture(autouse=True)
def current(loop: asyncio.AbstractEventLoop) -> None:
    """A test that ran in this process before may have used `asyncio.run`, which leaves none behind."""
    asyncio.set_event_loop(loop)


@pytest.fixture
def to_show() -> list[QWidget]:
    """Windows that are shown when the test begins: what they start then needs the loop to run."""
    return []


@pytest.fixture
def built() -> list[app.Parts]:
    """What `build` made."""
    return []


@pytest.fixture
def run_coroutine(loop: asyncio.AbstractEventLoop, to_show: list[QWidget], built: list[app.Parts]) -> Any:
    async def begun(coroutine: Coroutine[Any, Any, None]) -> None:
        for window in to_show:
            window.show()
        try:
            await coroutine
        finally:  # before pytest-qt plays Qt's events, and tasks with them, while no loop runs
            for parts in built:
                await parts.shut_down()

    return lambda coroutine: loop.run_until_complete(begun(coroutine))


@pytest.fixture(autouse=True)
def garbage(current: None) -> Iterator[None]:
    """As in the program (`ui.collector`): collected in the window's thread, and not in the middle of Qt's work, where
    destroying what another test left has crashed.
    """
    gc.disable()
    yield
    if gc.get_count()[0] > MUCH_GARBAGE:
        gc.collect()


@contextlib.contextmanager
def nothing_left(qapp: QApplication) -> Iterator[None]:
    """Windows and themes that are made meanwhile go at the end, if nobody owns them: each theme that comes later styles
    all windows that are there (half a second for a thousand widgets), and each that is left follows the system.
    """
    known = {*_windows(), *_themes(qapp)}
    yield
    for each in {*_windows(), *_themes(qapp)} - known:
        each.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def _windows() -> list[QWidget]:
    return [each for each in QApplication.topLevelWidgets() if each.parent() is None]


def _themes(qapp: QApplication) -> list[Theme]:
    return qapp.findChildren(Theme, options=Qt.FindChildOption.FindDirectChildrenOnly)


@pytest.fixture(autouse=True)
def own_windows(qapp: QApplication, current: None) -> Iterator[None]:
    """No test has the windows of another one."""
    with nothing_left(qapp):
        yield


@pytest.fixture(autouse=True)
def formulas_end() -> Iterator[None]:
    """What draws formulas is the program's, which ends it; a test of a view alone has no program."""
    yield
    formula.close_all()


Build = Callable[..., app.Parts]


@pytest.fixture
def build(
    qtbot: Any, paths: Paths, loop: asyncio.AbstractEventLoop, to_show: list[QWidget], built: list[app.Parts]
) -> Iterator[Build]:
    """Makes windows; no task of them may fail, and afterwards nothing of them may be left: no child, no task, no
    widget.
    """
    failed: list[dict[str, Any]] = []

    def tell(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        failed.append(context)
        loop.default_exception_handler(context)

    loop.set_exception_handler(tell)

    def make(
        command: Sequence[str] | None = None,
        missing_engine: Wheel | None = None,
        home: Paths = paths,
        **sources: Any,
    ) -> app.Parts:
        parts = app.build(home, Pool(command=command), missing_engine, user_home=home.data.parent / "user", **sources)
        built.append(parts)
        # The same words every time, and few: most tests want an answer, not a story.
        parts.window.chats.asker.sampling = Sampling(temperature=0, max_tokens=40)
        if loop.is_running():
            parts.window.show()
        else:
            to_show.append(parts.window)
        return parts

    yield make
    for parts in built:
        loop.run_until_complete(parts.shut_down())
    loop.set_exception_handler(None)
    for parts in built:
        parts.window.close()
        parts.window.deleteLater()
        parts.theme.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    assert not failed
    assert not [child for child in psutil.Process().children(recursive=True) if child.is_running()]
    assert not [task for task in asyncio.all_tasks(loop) if not task.done()]
    assert not [widget for widget in QApplication.topLevelWidgets() if widget.isVisible()]


@pytest.fixture
def parts(build: Build) -> app.Parts:
    return build()


@pytest.fixture
def desk(
    qapp: QApplication, hub: HubServer, paths: Paths, loop: asyncio.AbstractEventLoop, built: list[Any]
) -> Iterator[Any]:
    """Discover over the `hub` of a file of tests, where that has no other desk; no task of it may fail."""
    from discover_desk import Desk, forget  # noqa: PLC0415 - it imports this file

    made = Desk(hub, paths, Theme(qapp))
    built.append(made)  # shut down while the loop still runs
    failed: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda loop, context: (failed.append(context), loop.default_exception_handler(context)))
    yield made
    forget(made, loop)
    loop.set_exception_handler(None)
    assert not failed


async def until(condition: Callable[[], object], what: str, within_s: float = 30.0) -> None:
    """Wait on the program's own loop until something is so."""
    try:
        async with asyncio.timeout(within_s):
            while not condition():  # noqa: ASYNC110 - what is waited for is on the screen, and tells nobody
                await asyncio.sleep(0.005)
    except TimeoutError:
        raise AssertionError(f"not within {within_s} s: {what}") from None


def drop(window: QWidget, *files: Path) -> None:
    """What the system sends when files are dragged in and dropped."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(file)) for file in files])
    place = window.rect().center()
    copy, left, none = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    entered = QDragEnterEvent(place, copy, data, left, none)
    QApplication.sendEvent(window, entered)
    assert entered.isAccepted()
    QApplication.sendEvent(window, QDropEvent(QPointF(place), copy, data, left, none))


def button(parent: QWidget, text: str) -> QPushButton:
    """The button that says so and can be seen."""
    found = [each for each in parent.findChildren(QPushButton) if each.text() == text and each.isVisible()]
    seen = [each.text() for each in parent.findChildren(QPushButton) if each.isVisible()]
    assert len(found) == 1, f"no button {text!r} among {seen}"
    return found[0]
