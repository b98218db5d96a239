"""The real window on the program's own loop, and a look behind it when a test is over."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QPushButton, QWidget

from nodetool_xl_desktop import app
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.engine.client import Sampling
from nodetool_xl_desktop.engine.pool import Pool
from nodetool_xl_desktop.engine.wheels import Wheel


@pytest.fixture(scope="session")
def qapp() -> QApplication:
    return app.application()


@pytest.fixture(scope="session")
def loop(qapp: QApplication) -> Iterator[asyncio.AbstractEventLoop]:
    loop = app.event_loop(qapp)
    with contextlib.closing(loop):
        yield loop


@pytest.fixture
def run_coroutine(loop: asyncio.AbstractEventLoop) -> Any:
    return loop.run_until_complete


Build = Callable[..., app.Parts]


@pytest.fixture
def build(qtbot: Any, paths: Paths, loop: asyncio.AbstractEventLoop) -> Iterator[Build]:
    """Makes windows; afterwards nothing of them may be left: no child, no task, no widget."""
    made: list[app.Parts] = []

    def make(command: Sequence[str] | None = None, missing_engine: Wheel | None = None, **sources: Any) -> app.Parts:
        parts = app.build(paths, Pool(command=command), missing_engine, **sources)
        made.append(parts)
        # The same words every time, and few: most tests want an answer, not a story.
        parts.window.chat.sampling = Sampling(temperature=0, max_tokens=40)
        parts.window.show()
        return parts

    yield make
    for parts in made:
        loop.run_until_complete(parts.shut_down())
        parts.window.close()
        parts.window.deleteLater()
        parts.theme.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    assert not [child for child in psutil.Process().children(recursive=True) if child.is_running()]
    assert not [task for task in asyncio.all_tasks(loop) if not task.done()]
    assert not [widget for widget in QApplication.topLevelWidgets() if widget.isVisible()]


@pytest.fixture
def parts(build: Build) -> app.Parts:
    return build()


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
