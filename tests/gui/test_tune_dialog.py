"""The dialog that finds the best settings: what it says as it fills, and that closing it ends the measuring."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import shiboken6
from conftest import button, until
from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QProgressBar, QPushButton

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.engine.tune import Measurement, Step, Tuned
from nodetool_xl_desktop.fit.options import LoadOptions, LoadSettings
from nodetool_xl_desktop.ui.fit.tune_dialog import TuneDialog
from nodetool_xl_desktop.ui.tasks import Tasks
from nodetool_xl_desktop.ui.theme import Theme

NOW = LoadOptions(8192, 1)
ROWS = (
    Measurement(NOW, 155.74, 40.83, 9.56),
    Measurement(replace(NOW, threads=2), 1279.96, 67.04, 5.65),
    Measurement(replace(NOW, threads=2, batch=512), error="It <could> not be loaded."),
    Measurement(replace(NOW, threads=2, flash_attention=False), 243.3, 65.7, 6.0),
)
TUNED = Tuned(LoadSettings(threads=2, batch=128), ROWS[1], ROWS, 55.8)


class Play:
    """Steps that come when the test says so.

    Attributes:
        begun: how often the measuring was begun.
        ended: whether it was closed or is over.
    """

    def __init__(self) -> None:
        self._steps: asyncio.Queue[Step | UserFacingError | None] = asyncio.Queue()
        self.begun = 0
        self.ended = False

    def say(self, *steps: Step | UserFacingError | None) -> None:
        for step in steps:
            self._steps.put_nowait(step)

    async def measure(self) -> AsyncGenerator[Step, None]:
        self.begun += 1
        try:
            while (step := await self._steps.get()) is not None:
                if isinstance(step, UserFacingError):
                    raise step
                yield step
        finally:
            await asyncio.sleep(0.05)  # an engine takes a moment to end
            self.ended = True


Open = Callable[[], tuple[TuneDialog, Play, Tasks]]


@pytest.fixture
def opened(qapp: QApplication, qtbot: Any, loop: asyncio.AbstractEventLoop) -> Iterator[Open]:
    """Opens the dialog; afterwards no task and no widget may be left."""
    theme = Theme(qapp)
    made: list[tuple[TuneDialog, Tasks]] = []

    def make() -> tuple[TuneDialog, Play, Tasks]:
        play, tasks = Play(), Tasks()
        dialog = TuneDialog(theme, tasks, "Some <Model> 1B", play.measure)
        made.append((dialog, tasks))
        dialog.open()
        return dialog, play, tasks

    yield make
    for dialog, tasks in made:
        loop.run_until_complete(tasks.cancel_all())
        if shiboken6.isValid(dialog):
            dialog.close()
            dialog.deleteLater()
    theme.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    assert not [task for task in asyncio.all_tasks(loop) if not task.done()]
    assert not [widget for widget in QApplication.topLevelWidgets() if widget.isVisible()]


def texts(dialog: TuneDialog) -> list[str]:
    return [label.text() for label in dialog.findChildren(QLabel) if label.isVisible()]


def finished(play: Play) -> None:
    play.say(*(Step(number * 6, 19, "x", row) for number, row in enumerate(ROWS)), Step(19, 19, "done", None, TUNED))
    play.say(None)


async def test_it_says_what_happens_while_it_fills(opened: Open) -> None:
    dialog, play, _ = opened()
    assert dialog.windowTitle() == "Find the best settings"
    assert any("Some <Model> 1B" in text for text in texts(dialog))
    play.say(Step(0, 19, "the settings as they are"))
    await until(lambda: "Measuring the settings as they are ..." in texts(dialog), "the first step")
    bar = dialog.findChildren(QProgressBar)[0]
    assert bar.value() == 0
    play.say(Step(7, 19, "2 threads", ROWS[0]))
    await until(lambda: "155.7" in texts(dialog), "the first row")
    assert (bar.value(), bar.maximum()) == (7, 19)
    assert {"7 of 19", "1", "128", "auto", "40.8", "as it is now"} <= set(texts(dialog))
    assert "Best" not in texts(dialog)
    assert [each.text() for each in dialog.findChildren(QPushButton) if each.isVisible()] == ["Cancel"]


async def test_the_winner_is_marked_and_can_be_used(opened: Open) -> None:
    dialog, play, _ = opened()
    chosen: list[LoadSettings] = []
    dialog.chosen.connect(chosen.append)
    finished(play)
    await until(lambda: "Best" in texts(dialog), "the result")
    seen = texts(dialog)
    assert {"Failed", "1,280.0", "off", "243.3", "Measured in 56 s."} <= set(seen)
    assert any("5.65 s" in text and "9.56 s" in text for text in seen)
    assert seen.count("Best") == 1
    assert not dialog.findChildren(QProgressBar)[0].isVisible()
    failed = next(label for label in dialog.findChildren(QLabel) if label.text() == "Failed")
    assert "It &lt;could&gt; not be loaded." in failed.toolTip()
    assert button(dialog, "Close").isEnabled()
    QTest.mouseClick(button(dialog, "Use these settings"), Qt.MouseButton.LeftButton)
    assert chosen == [TUNED.winner]
    assert not dialog.isVisible()


async def test_enter_uses_the_winner_but_throws_nothing_away_before(opened: Open) -> None:
    dialog, play, _ = opened()
    chosen: list[LoadSettings] = []
    dialog.chosen.connect(chosen.append)
    play.say(Step(0, 19, "the settings as they are"))
    await until(lambda: play.begun, "begun")
    for target in (dialog, button(dialog, "Cancel")):
        QTest.keyClick(target, Qt.Key.Key_Return)
    await asyncio.sleep(0.05)
    assert dialog.isVisible()
    assert not play.ended
    finished(play)
    await until(lambda: "Best" in texts(dialog), "the result")
    QTest.keyClick(dialog.focusWidget() or dialog, Qt.Key.Key_Return)
    assert chosen == [TUNED.winner]


@pytest.mark.parametrize("way", ["button", "escape", "window"])
async def test_closing_it_ends_the_measuring(opened: Open, way: str) -> None:
    dialog, play, tasks = opened()
    chosen: list[LoadSettings] = []
    dialog.chosen.connect(chosen.append)
    play.say(Step(0, 19, "the settings as they are"))
    await until(lambda: "Measuring the settings as they are ..." in texts(dialog), "begun")
    if way == "button":
        QTest.mouseClick(button(dialog, "Cancel"), Qt.MouseButton.LeftButton)
    elif way == "escape":
        QTest.keyClick(dialog, Qt.Key.Key_Escape)
    else:
        dialog.close()
    assert not dialog.isVisible()
    await until(lambda: play.ended, "the measuring is closed")
    assert chosen == []
    await tasks.cancel_all()


async def test_a_closed_dialog_that_is_gone_is_not_missed(opened: Open) -> None:
    """The window throws it away as soon as it is closed; the engine ends later."""
    dialog, play, _ = opened()
    dialog.finished.connect(dialog.deleteLater)
    play.say(Step(0, 19, "the settings as they are"))
    await until(lambda: play.begun, "begun")
    dialog.reject()
    await until(lambda: play.ended, "the measuring is closed")


async def test_a_failure_is_told_with_its_remedy(opened: Open) -> None:
    dialog, play, _ = opened()
    play.say(
        UserFacingError("It could not be loaded", "there is not enough memory", "Choose a smaller Context Length.")
    )
    await until(lambda: "It could not be loaded" in texts(dialog), "the failure")
    assert "There is not enough memory. Choose a smaller Context Length." in texts(dialog)
    QTest.mouseClick(button(dialog, "Close"), Qt.MouseButton.LeftButton)
    assert not dialog.isVisible()


async def test_it_begins_once_and_tells_layers_apart_where_there_are_some(opened: Open) -> None:
    dialog, play, _ = opened()
    play.say(Step(1, 19, "20 layers", ROWS[0]))
    await until(lambda: "155.7" in texts(dialog), "a row")
    assert "GPU layers" not in texts(dialog)
    play.say(Step(7, 19, "done", replace(ROWS[1], options=replace(NOW, gpu_layers=20))))
    await until(lambda: "20" in texts(dialog), "a row with layers")
    assert "GPU layers" in texts(dialog)
    dialog.open()
    await asyncio.sleep(0)
    assert play.begun == 1


async def test_nothing_better_is_said_so(opened: Open) -> None:
    dialog, play, _ = opened()
    tuned = Tuned(LoadSettings(threads=1), ROWS[0], ROWS, 12.0)
    play.say(Step(19, 19, "done", None, tuned), None)
    await until(lambda: "Best" in texts(dialog), "the result")
    assert any("Nothing was faster" in text for text in texts(dialog))
    assert "as it is now" not in texts(dialog)
