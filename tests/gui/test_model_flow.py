"""Wishes that come at the wrong moment: twice, too early, for another model, or for a file that is gone."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import psutil
from conftest import button, drop, until
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QSpinBox

from nodetool_xl_desktop.app import Parts
from nodetool_xl_desktop.engine.client import Sampling
from nodetool_xl_desktop.engine.states import Broken, Ready, Starting, State
from nodetool_xl_desktop.store import records
from nodetool_xl_desktop.ui.notice import Notice


def notices(parts: Parts) -> str:
    return " | ".join(notice.text for notice in parts.window.findChildren(Notice) if notice.isVisible())


def server_pid(parts: Parts) -> int:
    assert isinstance(parts.loader.state, Ready), parts.loader.state
    return parts.loader.state.server.pid


async def shown(parts: Parts, model: Path) -> None:
    def is_shown() -> bool:
        report = parts.window.fit_panel.report
        return report is not None and model in report.header.files

    drop(parts.window, model)
    await until(is_shown, f"a preview of {model.name}")


def copy_of(model: Path, path: Path) -> Path:
    """Another model: the same file under another name."""
    path.symlink_to(model)
    return path


async def test_writing_while_it_loads_does_not_start_it_again(parts: Parts, starter_model: Path) -> None:
    await shown(parts, starter_model)
    states: list[State] = []
    parts.loader.listen(states.append)
    parts.window.models.load_soon(None)
    await until(lambda: isinstance(parts.loader.state, Starting), "loading")
    parts.window.chat.composer.set_text("Say yes.")
    for _ in range(3):
        QTest.keyClick(parts.window.chat.composer.field, Qt.Key.Key_Return)
        parts.window.fit_panel.request_load()
        await asyncio.sleep(0.05)
    await until(lambda: len(parts.window.chats.shown) == 2, "sent once it is loaded")
    await parts.window.chats.answered()
    assert [type(state).__name__ for state in states if not isinstance(state, Starting)] == ["Ready"]
    assert parts.window.chats.shown[-1].state in (records.State.COMPLETE, records.State.CUT)


async def test_choosing_what_is_loaded_changes_nothing(parts: Parts, starter_model: Path) -> None:
    await shown(parts, starter_model)
    await parts.window.models.load()
    pid = server_pid(parts)
    await parts.window.models.load(starter_model)
    parts.window.fit_panel.request_load()
    await asyncio.sleep(0.1)
    assert server_pid(parts) == pid


async def test_the_model_that_was_chosen_last_is_loaded(parts: Parts, starter_model: Path, tmp_path: Path) -> None:
    other = copy_of(starter_model, tmp_path / "Other-7B-Q4_K_M.gguf")
    await shown(parts, starter_model)
    await shown(parts, other)
    parts.window.models.load_soon(starter_model)
    parts.window.models.load_soon(other)
    await until(
        lambda: isinstance(parts.loader.state, Ready) and parts.loader.state.model == other, "the last one loaded"
    )
    assert len(psutil.Process().children()) == 1
    assert parts.window.side_bar.models.selected == other


async def test_a_bad_file_beside_a_listed_model(parts: Parts, starter_model: Path, tmp_path: Path) -> None:
    """The error stays to be read, and what was chosen for the shown model stays too."""
    await shown(parts, starter_model)
    parts.window.fit_panel._context.set_value(1024)
    bad = tmp_path / "bad.gguf"
    bad.write_text("no model")
    await parts.window.models.open([bad])
    await asyncio.sleep(0.2)
    assert "bad.gguf is not a GGUF model" in notices(parts)
    assert parts.window.side_bar.models.selected == starter_model
    assert parts.window.fit_panel.options.context_length == 1024
    await parts.window.models.open([bad, starter_model])
    assert "bad.gguf is not a GGUF model" in notices(parts), "one of two files was no model"


async def test_why_a_load_failed_is_told_after_an_answer_failed(
    parts: Parts, starter_model: Path, tmp_path: Path
) -> None:
    model = tmp_path / "model.gguf"
    model.write_bytes(starter_model.read_bytes())  # noqa: ASYNC240
    await shown(parts, model)
    await parts.window.models.load()
    parts.window.chats.asker.sampling = Sampling(temperature=0, max_tokens=2000)
    parts.window.chats.send("Write a very long story with many chapters.")
    await until(lambda: parts.window.chats.shown and parts.window.chats.shown[-1].text, "the first words")
    os.kill(server_pid(parts), signal.SIGKILL)
    await until(lambda: isinstance(parts.loader.state, Broken) and not parts.window.chats.is_answering, "it ended")
    await until(lambda: "The engine ended" in notices(parts), "it says so")
    assert notices(parts).count("The engine ended") == 1, "told once, where it happened"
    os.truncate(model, 50_000_000)
    button(parts.window.fit_panel, "Load").click()
    await until(
        lambda: isinstance(parts.loader.state, Broken) and "model.gguf" in parts.loader.state.error.what, "it failed"
    )
    assert "The file is shorter than its header says" in notices(parts)


async def test_a_question_that_is_too_long_can_be_mended(parts: Parts, starter_model: Path) -> None:
    """It is told before it is sent; shorter, it is sent."""
    await shown(parts, starter_model)
    parts.window.fit_panel._context.set_value(256)
    await parts.window.models.load()
    question, choice = "word " * 600, parts.window.context.choice
    composer = parts.window.chat.composer
    composer.set_text(question)
    QTest.keyClick(composer.field, Qt.Key.Key_Return)
    await until(choice.isVisible, "what can be done")
    assert "Your message is too long for this context" in choice.text
    assert "of this context" in choice.text
    assert "256" in choice.text
    button(choice, "Cancel").click()
    await until(lambda: not parts.window.chats.is_answering, "nothing was sent")
    assert composer.text == question
    assert not parts.window.chats.shown
    composer.set_text("Say yes.")
    QTest.keyClick(composer.field, Qt.Key.Key_Return)
    await until(lambda: len(parts.window.chats.shown) == 2, "sent")
    await parts.window.chats.answered()
    assert parts.window.chats.shown[-1].state in (records.State.COMPLETE, records.State.CUT)


async def test_a_typed_context_is_what_is_loaded(parts: Parts, starter_model: Path) -> None:
    await shown(parts, starter_model)
    number = parts.window.fit_panel.findChildren(QSpinBox)[0]
    number.selectAll()
    QTest.keyClicks(number, "999999")
    QTest.keyClick(number, Qt.Key.Key_Return)
    assert number.value() == 8192, "too much becomes the most"
    number.selectAll()
    QTest.keyClicks(number, "2048")
    await parts.window.models.load()
    state = parts.loader.state
    assert isinstance(state, Ready)
    assert state.server.context_length == 2048


async def test_a_message_without_a_model(parts: Parts) -> None:
    parts.window.chat.composer.set_text("Hello?")
    QTest.keyClick(parts.window.chat.composer.field, Qt.Key.Key_Return)
    hint = parts.window.chat.composer._told.hint
    await until(lambda: "Choose a model first" in hint.text(), "what to do")
    assert parts.window.chat.composer.text == "Hello?"


async def test_a_file_that_vanishes(parts: Parts, starter_model: Path, tmp_path: Path) -> None:
    model = copy_of(starter_model, tmp_path / "gone.gguf")
    await shown(parts, model)
    model.unlink()
    await parts.window.models.load()
    assert isinstance(parts.loader.state, Broken)
    assert "could not be opened" in notices(parts)
    await parts.window.models.list_models()
    assert parts.window.side_bar.models.selected is None
    assert "No model is selected" in notices(parts)


async def test_removing_and_names_with_marks(parts: Parts, starter_model: Path, tmp_path: Path) -> None:
    model = copy_of(starter_model, tmp_path / "R&D <b>model-Q4_1.gguf")
    await shown(parts, model)
    assert parts.window.chat.pill.text() == "R&&D <b>model  ▾"
    await parts.window.models._remove(model)
    assert parts.window.fit_panel.report is None
    assert model.exists()
