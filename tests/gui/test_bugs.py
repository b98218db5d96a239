"""Errors that nobody expected, as a person sees them; the doctor, the report and the rest of the Help menu."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from chat_driver import K, Person, echo
from conftest import Build, until
from PySide6.QtCore import QTimer, qWarning
from PySide6.QtWidgets import QApplication, QDialog, QPlainTextEdit, QWidget

from nodetool_xl_desktop.app import Parts
from nodetool_xl_desktop.core import logging as program_log
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.ui.report.about_dialog import AboutDialog
from nodetool_xl_desktop.ui.report.doctor_dialog import DoctorDialog
from nodetool_xl_desktop.ui.report.report_dialog import ReportDialog

SECRET = "meet me at the old mill at nine"


@pytest.fixture(autouse=True)
def log(paths: Paths) -> object:
    """The program's log, as `app.run` sets it up, and none of it afterwards."""
    import logging  # noqa: PLC0415
    import sys  # noqa: PLC0415

    root = logging.getLogger("nodetool_xl_desktop")
    hooks, before, level = (sys.excepthook, threading.excepthook, sys.unraisablehook), list(root.handlers), root.level
    program_log.set_up(paths.logs)
    yield
    for handler in root.handlers[:]:
        if handler not in before:
            root.removeHandler(handler)
            handler.close()
    root.setLevel(level)
    sys.excepthook, threading.excepthook, sys.unraisablehook = hooks


def log_text(paths: Paths) -> str:
    return program_log.log_file(paths.logs).read_text(encoding="utf-8")


def dialogs(parts: Parts, kind: type[QDialog] = ReportDialog) -> list[QDialog]:
    return [each for each in parts.window.findChildren(kind) if each.isVisible()]


async def one(parts: Parts, kind: type[QDialog] = ReportDialog) -> QDialog:
    await until(lambda: dialogs(parts, kind), "the dialog")
    assert len(dialogs(parts, kind)) == 1
    return dialogs(parts, kind)[0]


def in_a_task() -> None:
    async def fail() -> None:
        raise KeyError(SECRET)

    asyncio.get_running_loop().create_task(fail()).add_done_callback(
        lambda task: task.get_loop().call_exception_handler({"message": "A task failed", "exception": task.exception()})
    )


def in_a_callback() -> None:
    def fail() -> None:
        raise LookupError(SECRET)

    asyncio.get_running_loop().call_soon(fail)


def in_a_slot() -> None:
    def fail() -> None:
        raise ValueError(SECRET)

    QTimer.singleShot(0, fail)


def in_a_thread() -> None:
    def fail() -> None:
        raise RuntimeError(SECRET)

    threading.Thread(target=fail).start()


class _Left:
    def __del__(self) -> None:
        raise OSError(5, SECRET)


def while_cleared_away() -> None:
    left = _Left()
    del left
    gc.collect()


@pytest.mark.parametrize("fail", [in_a_task, in_a_callback, in_a_slot, in_a_thread])
async def test_an_error_from_anywhere_is_told_once(build: Build, paths: Paths, fail: Callable[[], None]) -> None:
    parts = build()
    with parts.window.help.bugs.heard(asyncio.get_running_loop()):
        fail()
        dialog = await one(parts)
        assert isinstance(dialog, ReportDialog)
        await until(dialog.copy.isEnabled, "the report is written")
        assert dialog.copy.hasFocus()
        fail()
        while_cleared_away()
        await until(lambda: "There were 3 errors so far." in texts(dialog), "the count, and no second dialog")
        assert len(dialogs(parts)) == 1
        await Person(parts).press(K.Key_Return, at=lambda: dialog.copy)
        said = QApplication.clipboard().text()
        assert said == dialog.view.toPlainText()
        assert SECRET not in said
        assert "What happened:" in said
        assert "test_bugs.py, line " in said
        await Person(parts).press(K.Key_Escape, at=lambda: dialog)
        await until(lambda: not dialogs(parts), "closed by Esc")
        fail()
        await asyncio.sleep(0.2)
        assert not dialogs(parts), "the same error does not come back"
    assert SECRET not in log_text(paths)
    assert "CRITICAL nodetool_xl_desktop: " in log_text(paths)


def texts(dialog: QWidget) -> list[str]:
    return [each.text() for each in dialog.findChildren(QWidget) if hasattr(each, "text") and each.isVisible()]


async def test_what_qt_complains_of_goes_to_the_log(build: Build, paths: Paths) -> None:
    parts = build()
    with parts.window.help.bugs.heard(asyncio.get_running_loop()):
        qWarning("Something about a font")
        assert "WARNING nodetool_xl_desktop.qt: Something about a font" in log_text(paths)
        assert not dialogs(parts)


async def test_what_is_said_in_a_chat_is_in_no_log_and_in_no_report(
    build: Build, paths: Paths, tmp_path: Path, starter_model: Path
) -> None:
    parts = build(echo())
    person = Person(parts)
    file = tmp_path / "Letter to my sister.md"
    file.write_text("Nobody but you may ever read this line.")
    with parts.window.help.bugs.heard(asyncio.get_running_loop()):
        await person.load(starter_model)
        parts.window.chat.composer.attach([file])
        await until(lambda: parts.window.chat.composer.parts, "attached")
        await person.ask(SECRET)
        await until(
            lambda: parts.window.chats.shown and parts.window.chats.shown[-1].state.value in ("complete", "cut"),
            "answered",
        )
        in_a_task()
        dialog = await one(parts)
        assert isinstance(dialog, ReportDialog)
        await until(dialog.copy.isEnabled, "the report is written")
        said = dialog.view.toPlainText()
        dialog.reject()
    for words in ("old mill", "Nobody but you", "sister"):
        assert words not in said
        assert words not in log_text(paths)
    assert "Model: llama, Q4_1, " in said


async def test_a_problem_is_reported_without_an_error(build: Build) -> None:
    parts = build()
    parts.window.commands["help.report"].trigger()
    dialog = await one(parts)
    assert isinstance(dialog, ReportDialog)
    await until(dialog.copy.isEnabled, "the report is written")
    said = dialog.view.toPlainText()
    assert said.startswith("NodeTool XL Desktop ")
    assert "What happened:" not in said
    dialog.reject()


async def test_a_report_is_closed_before_it_is_written(build: Build) -> None:
    """The `build` fixture then looks for tasks that failed."""
    parts = build()
    parts.window.commands["help.report"].trigger()
    (dialog,) = dialogs(parts)
    dialog.reject()
    await until(lambda: not dialogs(parts), "closed")
    await asyncio.sleep(0.3)  # it would be written by then


async def test_an_error_while_the_program_ends_opens_no_dialog(build: Build, paths: Paths) -> None:
    def fail() -> None:
        raise ValueError(SECRET)

    parts = build()
    with parts.window.help.bugs.heard(asyncio.get_running_loop()):
        parts.window.hide()
        QTimer.singleShot(0, fail)
        await until(lambda: "CRITICAL" in log_text(paths), "it is logged")
        await asyncio.sleep(0.1)
        assert not dialogs(parts)


async def test_about_that_is_asked_for_twice_comes_once(build: Build) -> None:
    parts = build()
    for _ in range(2):
        parts.window.commands["help.about"].trigger()
    dialog = await one(parts, AboutDialog)
    await asyncio.sleep(0.3)
    assert dialogs(parts, AboutDialog) == [dialog]
    dialog.reject()


async def test_the_doctor_looks_and_is_copied(build: Build) -> None:
    parts = build()
    parts.window.commands["help.doctor"].trigger()
    dialog = await one(parts, DoctorDialog)
    assert isinstance(dialog, DoctorDialog)
    assert not dialog.copy.isEnabled()
    await until(dialog.copy.isEnabled, "it has looked")
    said = dialog.findChildren(QPlainTextEdit)[0].toPlainText()
    assert "xllamacpp" in said
    assert "Device: CPU" in said
    dialog.copy.click()
    assert QApplication.clipboard().text() == said
    await Person(parts).press(K.Key_Escape, at=lambda: dialog)
    await until(lambda: not dialogs(parts, DoctorDialog), "closed")


async def test_the_doctor_is_closed_while_it_looks(build: Build) -> None:
    """The `build` fixture then looks for the child."""
    parts = build()
    parts.window.commands["help.doctor"].trigger()
    dialog = await one(parts, DoctorDialog)
    await asyncio.sleep(0.05)
    dialog.reject()
    await until(lambda: not dialogs(parts, DoctorDialog), "closed")


async def test_about_is_closed_while_it_looks(build: Build) -> None:
    """The `build` fixture then looks for tasks that failed."""
    parts = build()
    parts.window.commands["help.about"].trigger()
    dialog = await one(parts, AboutDialog)
    dialog.reject()
    await until(lambda: not dialogs(parts, AboutDialog), "closed")
    await asyncio.sleep(0.3)  # the licences are read by then


async def test_about_names_version_engine_folders_and_licences(build: Build, paths: Paths) -> None:
    parts = build()
    parts.window.commands["help.about"].trigger()
    dialog = await one(parts, AboutDialog)
    assert isinstance(dialog, AboutDialog)
    await until(lambda: "PySide6" in dialog.licences.toPlainText(), "the libraries")
    assert str(paths.data) in texts(dialog)
    assert any(each.startswith("xllamacpp ") for each in texts(dialog))
    assert all(len(line.split("  ", 1)) == 2 for line in dialog.licences.toPlainText().splitlines())
    dialog.reject()
