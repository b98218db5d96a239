"""A store that cannot be opened, and files, in the whole window: it says what is wrong, and nothing is overwritten."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import tempfile
from pathlib import Path

from chat_driver import CTRL, SHIFT, K, Person, echo, journal, sat_down
from conftest import Build, drop, until
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDialog, QLineEdit, QPlainTextEdit, QPushButton, QRadioButton

from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.engine.states import Ready
from nodetool_xl_desktop.exchange import transfer
from nodetool_xl_desktop.store.errors import StoreError
from nodetool_xl_desktop.store.parts import Attachment
from nodetool_xl_desktop.ui.composer.attachment_viewer import AttachmentViewer
from nodetool_xl_desktop.ui.exchange.export_dialog import ExportDialog
from nodetool_xl_desktop.ui.exchange.import_dialog import ImportDialog
from nodetool_xl_desktop.ui.notice import Notice
from nodetool_xl_desktop.ui.transcript.message_files import FileChip


def database(paths: Paths) -> Path:
    return paths.chats / "chats.sqlite3"


def files_of(paths: Paths) -> dict[str, bytes]:
    return {str(each.relative_to(paths.chats)): each.read_bytes() for each in paths.chats.rglob("*") if each.is_file()}


async def broken(build: Build, paths: Paths) -> Person:
    """At a window whose store is a file that is none."""
    paths.chats.mkdir(parents=True)
    database(paths).write_bytes(b"SQLite format 3\0" + b"nothing of that kind " * 1000)
    person = Person(build(echo()))
    await until(person.pane.store_problem.isVisible, "it says that it cannot be opened")
    return person


async def test_a_broken_store_is_told_and_models_load_all_the_same(
    build: Build, paths: Paths, starter_model: Path
) -> None:
    person = await broken(build, paths)
    was = database(paths).read_bytes()
    assert "damaged" in person.words or "not a" in person.words, person.words
    await person.load(starter_model)
    assert isinstance(person.parts.loader.state, Ready)
    assert person.pane.store_problem.isVisible()
    await person.click("Try Again")
    await until(lambda: person.window.store_flow._is_opening, "it tries")
    await until(lambda: not person.window.store_flow._is_opening, "it tried")
    assert person.pane.store_problem.isVisible()
    assert database(paths).read_bytes() == was, "nothing is overwritten"
    database(paths).unlink()
    await person.click("Try Again")
    await person.opened()
    assert not person.pane.store_problem.isVisible()
    await person.ask("apples")
    await person.answered("apples")


async def test_a_new_store_is_begun_and_the_old_file_is_kept(build: Build, paths: Paths, starter_model: Path) -> None:
    person = await broken(build, paths)
    was = database(paths).read_bytes()
    await person.click("Begin a New Store")
    await person.opened()
    assert not person.pane.store_problem.isVisible()
    assert any("kept" in text for text in person.pane.banners.texts), person.pane.banners.texts
    assert was in files_of(paths).values(), sorted(files_of(paths))
    await person.load(starter_model)
    await person.ask("apples")
    await person.answered("apples")
    await until(lambda: person.titles == ["apples"], "it is listed")


async def test_going_on_without_saving(build: Build, paths: Paths, starter_model: Path) -> None:
    person = await broken(build, paths)
    was = files_of(paths)
    await person.click("Go On Without Saving")
    await person.opened()
    assert person.pane.banners.texts
    assert "not kept" in person.pane.banners.texts[0]
    await person.load(starter_model)
    await person.ask("apples")
    await person.answered("apples")
    await person.close()
    assert files_of(paths) == was
    again = Person(build())
    await until(again.pane.store_problem.isVisible, "the same at the next start")


async def test_no_room_for_temporary_files_is_told_and_can_be_tried_again(
    build: Build, paths: Paths, tmp_path: Path
) -> None:
    person = await broken(build, paths)
    problems: list[StoreError] = []
    person.window.store_flow.failed.connect(problems.append)
    usual, tempfile.tempdir = tempfile.tempdir, str(tmp_path / "gone")
    try:
        await person.click("Go On Without Saving")
        await until(lambda: problems, "told")
    finally:
        tempfile.tempdir = usual
    assert person.pane.store_problem.isVisible()
    await person.click("Go On Without Saving")
    await person.opened()


async def test_what_was_typed_before_is_sent_once_there_is_a_store(
    build: Build, paths: Paths, starter_model: Path
) -> None:
    person = await broken(build, paths)
    await person.load(starter_model)
    await person.ask("apples")
    await asyncio.sleep(0.2)
    assert person.said == []
    assert person.composer.text == "apples"
    await person.click("Go On Without Saving")
    await person.opened()
    await asyncio.sleep(0.2)
    if person.composer.text:  # a person may have to press Enter again, and has lost nothing
        await person.do(person.composer.focus)
        await person.press(K.Key_Return)
    await until(lambda: len(person.said) == 2, "sent")
    await person.answered("apples")
    assert len(person.said) == 2


async def test_a_second_window_on_the_same_chats(build: Build, starter_model: Path) -> None:
    first = await sat_down(build)
    second = Person(build(echo()))
    await until(second.pane.store_problem.isVisible, "it says that they are in use")
    assert "another window" in second.words.lower() or "in use" in second.words.lower(), second.words
    await second.click("Go On Without Saving")
    await second.opened()
    assert "not kept" in second.pane.banners.texts[0]
    await second.load(starter_model)
    await second.ask("apples")
    await second.answered("apples")
    await asyncio.sleep(0.3)
    assert await transfer.ids_of_all(first.store) == [], "nothing of it is in the other's chats"
    assert first.titles == []


async def test_a_store_of_a_newer_version_is_left_as_it_is(build: Build, paths: Paths, starter_model: Path) -> None:
    first = await sat_down(build, command=echo())
    await first.load(starter_model)
    await first.ask("apples")
    await first.answered("apples")
    await first.close()
    connection = sqlite3.connect(database(paths))
    connection.execute("PRAGMA user_version = 999")
    connection.commit()
    connection.close()
    was = database(paths).read_bytes()
    second = Person(build(echo()))
    await until(second.pane.store_problem.isVisible, "it says why")
    assert "newer" in second.words, second.words
    buttons = [each.text() for each in second.pane.store_problem.findChildren(QPushButton) if each.isVisible()]
    assert buttons == ["Try Again", "Go On Without Saving"]
    await second.click("Go On Without Saving")
    await second.opened()
    await second.load(starter_model)
    await second.ask("pears")
    await second.answered("pears")
    await second.close()
    assert database(paths).read_bytes() == was


# Files


async def test_a_text_file_that_is_dropped_goes_to_the_model(build: Build, starter_model: Path, tmp_path: Path) -> None:
    told, note = tmp_path / "asked", tmp_path / "note.txt"
    note.write_text("The password is walrus.\n")
    person = await sat_down(build, command=echo(journal=told))
    person.chats.titles.is_on = False
    await person.load(starter_model)
    await person.do(lambda: drop(person.window, note))
    await until(lambda: person.composer.parts, "attached")
    await person.ask("What is it?")
    await until(lambda: len(person.said) == 2, "sent")
    await person.chats.answered()
    (sent,) = journal(told)[0]["messages"]
    assert "The password is walrus." in str(sent["content"])
    assert "note.txt" in str(sent["content"])
    assert "What is it?" in str(sent["content"])
    (part,) = person.shown[0].attachments
    assert isinstance(part, Attachment)
    assert part.name == "note.txt"
    assert person.composer.parts == ()
    note.unlink()
    await person.close()
    again = await sat_down(build, command=echo(journal=told))
    again.chats.titles.is_on = False
    await again.load(starter_model)
    await again.open("What is it?")
    (chip,) = again.window.chat.transcript.findChildren(FileChip)
    await again.do(lambda: QTest.mouseClick(chip, Qt.MouseButton.LeftButton))
    viewer = await dialog(again, AttachmentViewer)
    assert [each.toPlainText() for each in viewer.findChildren(QPlainTextEdit)] == ["The password is walrus.\n"]
    assert [each.text() for each in viewer.findChildren(QPushButton)] == ["Close"]
    await again.do(viewer.accept)
    await again.do(again.window.activateWindow)  # without a screen there is no manager of windows that does it
    await again.ask("And now?")
    await until(lambda: len(again.said) == 4, "sent")
    await again.chats.answered()
    assert "The password is walrus." in str(journal(told)[-1]["messages"][0]["content"]), "it is kept with the chat"


async def test_a_model_and_a_text_dropped_together(build: Build, starter_model: Path, tmp_path: Path) -> None:
    note = tmp_path / "note.txt"
    note.write_text("walrus")
    person = await sat_down(build)
    await person.do(lambda: drop(person.window, starter_model, note))
    await until(lambda: person.window.side_bar.models.selected == starter_model, "the model is listed")
    await until(lambda: [getattr(part, "name", "") for part in person.composer.parts] == ["note.txt"], "attached")


async def dialog(person: Person, kind: type[QDialog]) -> QDialog:
    def shown() -> list[QDialog]:
        return [each for each in person.window.findChildren(kind) if each.isVisible()]

    await until(shown, f"{kind.__name__} is shown")
    return shown()[-1]


async def test_a_chat_goes_into_a_file_and_is_known_when_it_comes_back(
    build: Build, starter_model: Path, tmp_path: Path
) -> None:
    target = tmp_path / "out.json"
    person = await sat_down(build, command=echo())
    person.chats.titles.is_on = False
    await person.load(starter_model)
    for text in ("pears", "apples"):
        await person.new_chat()
        await person.ask(text)
        await person.answered(text)
    await person.press(K.Key_E, CTRL | SHIFT, lambda: person.window)
    export = await dialog(person, ExportDialog)
    (radio,) = [each for each in export.findChildren(QRadioButton) if "JSON" in each.text()]
    await person.do(radio.setFocus)
    await person.press(K.Key_Space)
    field = export.findChild(QLineEdit)
    await person.do(field.setFocus)
    await person.do(field.selectAll)
    await person.do(lambda: QTest.keyClicks(field, str(target)))
    await person.click("Export", export)
    await until(target.exists, "written")
    await until(lambda: export.findChild(Notice).text, "it says so")
    await person.do(export.close)
    text = target.read_text("utf-8")
    assert "apples" in text
    assert "pears" not in text, "the shown chat alone"
    person.window.exports.import_files([target])
    coming = await dialog(person, ImportDialog)
    await until(lambda: "already" in coming.findChild(Notice).text, "it is here already")
    await person.do(coming.close)
    assert sorted(person.titles) == ["apples", "pears"]
    # Under an id that an old chat had, it gets nothing of what was allowed there.
    toolbox = person.chats.asker.toolbox
    await toolbox.open_folder("old-one", tmp_path)
    (chat,) = json.loads(text)["chats"]
    for number, message in enumerate(chat["messages"]):
        text = text.replace(message["id"], f"m-{number}")
    target.write_text(text.replace(chat["id"], "old-one"), "utf-8")
    person.window.exports.import_files([target])
    coming = await dialog(person, ImportDialog)
    await until(lambda: len(person.titles) == 3, "it came in")
    async with asyncio.timeout(5):
        while (await toolbox.offered("old-one")).folder is not None:  # noqa: ASYNC110 - the disk tells nobody
            await asyncio.sleep(0.02)
    await person.do(coming.close)
