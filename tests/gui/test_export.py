"""Chats into files and back through the window: what is asked, what is said, and that nothing waits or is lost."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import button, until
from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt, QTimer, QUrl, Slot
from PySide6.QtGui import QDesktopServices, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QFileDialog,
    QLabel,
    QLineEdit,
    QMessageBox,
    QProgressBar,
    QPushButton,
    QRadioButton,
    QTextEdit,
    QWidget,
)

from nodetool_xl_desktop.engine.events import TextDelta
from nodetool_xl_desktop.exchange import transfer
from nodetool_xl_desktop.exchange.progress import Progress
from nodetool_xl_desktop.store.parts import Text
from nodetool_xl_desktop.store.records import About, ModelIdentity, State
from nodetool_xl_desktop.store.store import Store
from nodetool_xl_desktop.ui.exchange import pdf
from nodetool_xl_desktop.ui.exchange.export_dialog import ExportDialog
from nodetool_xl_desktop.ui.exchange.export_flow import ExportFlow
from nodetool_xl_desktop.ui.exchange.import_dialog import ImportDialog
from nodetool_xl_desktop.ui.notice import Notice
from nodetool_xl_desktop.ui.tasks import Tasks
from nodetool_xl_desktop.ui.theme import Theme

ANSWER = "The **moon** is far:\n\n```python\nprint(1 < 2)\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\nThat is all."
ABOUT = About(model=ModelIdentity("llama", "Llama <8B>"))


class Desk:
    """A window with the flow on it, and its store."""

    def __init__(self, theme: Theme, folder: Path) -> None:
        self.folder = folder
        self.window = QWidget()
        self.window.resize(900, 700)
        self.window.show()
        self.tasks = Tasks()
        self.flow = ExportFlow(self.window, self.tasks, theme)
        self.store: Store | None = None

    async def open(self) -> Store:
        self.store = await Store.open(self.folder / "chats")
        self.flow.set_store(self.store)
        return self.store

    async def chat(self, title: str, turns: int = 1) -> str:
        assert self.store is not None
        chat, last = await self.store.list.new(title), None
        for _ in range(turns):
            _, answer = await self.store.begin_turn(chat.id, last, [Text("How far\nis it?")], ABOUT)
            answer.add(TextDelta(ANSWER))
            await answer.close(State.COMPLETE)
            last = answer.message.id
        return chat.id

    async def dialog(self, kind: type[QDialog] = ExportDialog) -> QDialog:
        def shown() -> list[QDialog]:
            return [each for each in self.window.findChildren(kind) if each.isVisible()]

        await until(shown, f"{kind.__name__} is shown")
        return shown()[-1]

    async def close(self) -> None:
        await self.tasks.cancel_all()
        if self.store is not None:
            await self.store.close()


@pytest.fixture
def desk(qapp: QApplication, qtbot: Any, loop: asyncio.AbstractEventLoop, tmp_path: Path) -> Iterator[Desk]:
    theme = Theme(qapp)
    made = Desk(theme, tmp_path)
    yield made
    loop.run_until_complete(made.close())
    made.window.close()
    made.window.deleteLater()
    theme.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    assert not [task for task in asyncio.all_tasks(loop) if not task.done()]


def choose(dialog: QDialog, format_: str, target: Path) -> None:
    """By key and mouse, as a person does."""
    (radio,) = [each for each in dialog.findChildren(QRadioButton) if each.text() == format_]
    radio.setFocus()
    QTest.keyClick(radio, Qt.Key.Key_Space)
    assert radio.isChecked()
    field = dialog.findChild(QLineEdit)
    field.selectAll()
    QTest.keyClicks(field, str(target))


def press(dialog: QDialog, text: str) -> None:
    QTest.mouseClick(button(dialog, text), Qt.MouseButton.LeftButton)


def said(dialog: QDialog) -> str:
    return dialog.findChild(Notice).text


def pages(data: bytes) -> int:
    return data.count(b"/Type /Page\n")


@pytest.mark.parametrize(("format_", "ending"), [("Markdown", "md"), ("HTML", "html"), ("PDF", "pdf")])
async def test_several_chats_go_into_a_folder_each_with_its_name(desk: Desk, format_: str, ending: str) -> None:
    await desk.open()
    for title in ("Moon", "Moon", "A/B: c?"):
        await desk.chat(title)
    out = desk.folder / "out"
    desk.flow.export()
    dialog = await desk.dialog()
    assert "Export All 3 Chats" in [each.text() for each in dialog.findChildren(QLabel)]
    choose(dialog, format_, out)
    press(dialog, "Export")
    await until(lambda: "were exported" in said(dialog), "it is done")
    assert said(dialog) == f"3 chats were exported {out}"
    names = sorted(each.name for each in await asyncio.to_thread(lambda: list(out.iterdir())))
    assert names == [f"A B c.{ending}", f"Moon 2.{ending}", f"Moon.{ending}"]
    assert (out / f"Moon.{ending}").stat().st_size > 150
    assert not button(dialog, "Export").isEnabled(), "once more would write all of it again"
    dialog.close()


async def test_the_formats_say_what_they_hold(desk: Desk) -> None:
    await desk.open()
    chat = await desk.chat("Moon")
    out = desk.folder / "out"
    written = {}
    for format_, ending in (("Markdown", "md"), ("HTML", "html"), ("PDF", "pdf"), ("JSON", "json")):
        desk.flow.export([chat])
        dialog = await desk.dialog()
        choose(dialog, format_, out / f"a.{ending}")
        press(dialog, "Export")
        await until(lambda at=dialog: "was exported" in said(at), "it is done")
        dialog.close()
        written[format_] = (out / f"a.{ending}").read_bytes()
    assert b"## Llama <8B>\n\nThe **moon** is far:" in written["Markdown"]
    assert b"<strong>moon</strong>" in written["HTML"]
    assert written["PDF"].startswith(b"%PDF-")
    assert pages(written["PDF"]) == 1
    assert json.loads(written["JSON"])["chats"][0]["title"] == "Moon"


async def test_the_name_follows_the_format_and_enter_exports(desk: Desk) -> None:
    await desk.open()
    chat = await desk.chat("Moon: how <b>far</b>?")
    desk.flow.export([chat])
    dialog = await desk.dialog()
    field = dialog.findChild(QLineEdit)
    assert Path(field.text()).name == "Moon how b far b.md"
    radio = dialog.focusWidget()
    assert isinstance(radio, QRadioButton)
    for ending in ("html", "pdf", "json"):
        QTest.keyClick(dialog.focusWidget(), Qt.Key.Key_Down)
        assert Path(field.text()).suffix == f".{ending}"
    assert "All versions" in " ".join(each.text() for each in dialog.findChildren(QLabel))
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, str(desk.folder / "by enter.json"))
    QTest.keyClick(field, Qt.Key.Key_Return)
    await until(lambda: "was exported" in said(dialog), "it is done")
    assert (desk.folder / "by enter.json").exists()
    dialog.close()


@pytest.mark.parametrize(("format_", "ending"), [("Markdown", "md"), ("PDF", "pdf"), ("JSON", "json")])
async def test_a_file_that_is_there_is_replaced_only_when_asked(desk: Desk, format_: str, ending: str) -> None:
    await desk.open()
    chat = await desk.chat("Moon")
    mine = desk.folder / f"mine.{ending}"
    mine.write_text("mine")
    desk.flow.export([chat])
    dialog = await desk.dialog()
    choose(dialog, format_, mine)
    press(dialog, "Export")
    await until(lambda: "is there already" in said(dialog), "it is asked")
    assert mine.read_text() == "mine"
    QTest.keyClicks(dialog.findChild(QLineEdit), "x")
    assert button(dialog, "Export"), "another name: nothing to replace"
    QTest.keyClick(dialog.findChild(QLineEdit), Qt.Key.Key_Backspace)
    press(dialog, "Export")
    await until(lambda: "is there already" in said(dialog), "it is asked again")
    press(dialog, "Replace")
    await until(lambda: "was exported" in said(dialog), "it is done")
    assert mine.read_bytes() != b"mine"
    dialog.close()


async def test_what_cannot_be_written_is_told_and_can_be_mended(desk: Desk) -> None:
    await desk.open()
    chat = await desk.chat("Moon")
    (desk.folder / "a file").write_text("")
    desk.flow.export([chat])
    dialog = await desk.dialog()
    choose(dialog, "HTML", desk.folder / "a file" / "moon.html")
    press(dialog, "Export")
    await until(lambda: "could not be written" in said(dialog), "it is told")
    choose(dialog, "HTML", desk.folder / "moon.html")
    assert not said(dialog)
    press(dialog, "Export")
    await until(lambda: "was exported" in said(dialog), "it is done")
    dialog.close()


class Folders(QObject):
    """What the system is asked to show."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[str] = []

    @Slot(QUrl)
    def show(self, url: QUrl) -> None:
        self.shown.append(url.toLocalFile())


async def test_the_folder_is_shown_and_offered_again(desk: Desk) -> None:
    await desk.open()
    chat = await desk.chat("Moon")
    folders = Folders()
    desk.flow.export([chat])
    dialog = await desk.dialog()
    choose(dialog, "Markdown", desk.folder / "notes" / "moon.md")
    press(dialog, "Export")
    await until(lambda: "was exported" in said(dialog), "it is done")
    QDesktopServices.setUrlHandler("file", folders, "show")
    press(dialog, "Show in Folder")
    QDesktopServices.unsetUrlHandler("file")
    assert folders.shown == [str(desk.folder / "notes")]
    dialog.close()
    desk.flow.export([chat])
    dialog = await desk.dialog()
    assert Path(dialog.findChild(QLineEdit).text()).parent == desk.folder / "notes"
    dialog.close()


async def test_where_to_can_be_chosen(desk: Desk) -> None:
    await desk.open()
    chat = await desk.chat("Moon")
    desk.flow.export([chat])
    dialog = await desk.dialog()
    press(dialog, "Choose ...")
    files = dialog.findChild(QFileDialog)
    files.setDirectory(str(desk.folder))
    files.selectFile("chosen.md")
    QTest.keyClick(files, Qt.Key.Key_Return)
    await until(lambda: Path(dialog.findChild(QLineEdit).text()) == desk.folder / "chosen.md", "it was chosen")
    dialog.close()


@pytest.mark.parametrize("format_", ["HTML", "PDF"])
async def test_a_thousand_chats_tell_how_far_they_are_and_can_be_cancelled(desk: Desk, format_: str) -> None:
    store = await desk.open()
    file = desk.folder / "many.json"
    await desk.chat("Moon", turns=3)
    await transfer.export_json(store, file)
    (one,) = json.loads(file.read_text(encoding="utf-8"))["chats"]
    many = [json.loads(json.dumps(one).replace(one["id"][:8], f"{number:08x}")) for number in range(999)]
    file.write_text(json.dumps({"format": "nodetool-xl-desktop chats", "version": 1, "chats": many}), encoding="utf-8")
    assert len((await transfer.import_file(store, file)).chats) == 999
    out = desk.folder / "out"
    desk.flow.export()
    dialog = await desk.dialog()
    choose(dialog, format_, out)
    press(dialog, "Export")
    bar = dialog.findChild(QProgressBar)
    await until(lambda: bar.isVisible() and bar.maximum() == 1000 and bar.value() > 5, "it goes on")
    press(dialog, "Cancel")
    await until(lambda: "It was cancelled" in said(dialog), "it ended")
    count = len(await asyncio.to_thread(lambda: list(out.iterdir())))
    assert 5 <= count < 1000
    assert said(dialog) == f"It was cancelled {count:,} of 1,000 chats were written to {out}."
    dialog.close()


async def test_a_dialog_that_is_closed_while_it_writes_ends_that(desk: Desk) -> None:
    await desk.open()
    chat = await desk.chat("Moon", turns=60)
    desk.flow.export([chat])
    dialog = await desk.dialog()
    choose(dialog, "PDF", desk.folder / "moon.pdf")
    press(dialog, "Export")
    await until(dialog.findChild(QProgressBar).isVisible, "it began")
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    await until(lambda: not desk.window.findChildren(ExportDialog), "it is gone")
    await asyncio.sleep(0.3)
    assert not (desk.folder / "moon.pdf").exists()


async def test_the_window_goes_on_while_a_long_chat_is_printed(desk: Desk) -> None:
    store = await desk.open()
    chat = await desk.chat("Moon", turns=100)
    printed = await transfer.printed(store, chat)
    ticks = 0

    def tick() -> None:
        nonlocal ticks
        ticks += 1

    timer = QTimer()
    timer.timeout.connect(tick)
    timer.start(1)
    data = await pdf.to_pdf(printed, Progress())
    timer.stop()
    assert pages(data) > 20
    assert ticks > 20, "each slice gives the window its turn"


async def test_a_picture_is_printed_and_a_broken_one_is_named(desk: Desk) -> None:
    store = await desk.open()
    picture = QImage(2000, 500, QImage.Format.Format_RGB32)
    picture.fill(Qt.GlobalColor.darkCyan)
    assert picture.save(str(desk.folder / "sea.png"))
    chat = await store.list.new("Sea")
    good = await store.files.add(desk.folder / "sea.png")
    broken = await store.files.add_data(b"no picture", "broken.png", "image/png")
    await store.begin_turn(chat.id, None, [good, broken], ABOUT)
    data = await pdf.to_pdf(await transfer.printed(store, chat.id), Progress())
    assert data.count(b"/Subtype /Image") == 1
    cancelled = Progress()
    cancelled.cancel()
    assert await pdf.to_pdf(await transfer.printed(store, chat.id), cancelled) == b""


async def test_without_chats_there_is_nothing_to_export(desk: Desk) -> None:
    await desk.open()
    desk.flow.export()
    dialog = await desk.dialog()
    assert "There are no chats yet" in said(dialog)
    assert not button(dialog, "Export").isEnabled()
    dialog.close()


async def test_before_the_chats_are_open_it_says_so(desk: Desk) -> None:
    for ask in (desk.flow.export, desk.flow.import_):
        ask()
        box = desk.window.findChild(QMessageBox)
        assert box.text() == "The chats are not open yet"
        box.close()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


# Import


def lm_studio(text: str) -> str:
    user = {"type": "singleStep", "role": "user", "content": [{"type": "text", "text": text}]}
    return json.dumps({"name": text, "createdAt": 5, "messages": [{"versions": [user], "currentlySelected": 0}]})


async def test_files_are_chosen_and_what_came_in_is_said(desk: Desk) -> None:
    store = await desk.open()
    came: list[str] = []
    desk.flow.imported.connect(came.extend)
    for name in ("one", "two"):
        (desk.folder / f"{name}.conversation.json").write_text(lm_studio(name))
    desk.flow.import_()
    files = desk.window.findChild(QFileDialog)
    files.setDirectory(str(desk.folder))
    files.findChild(QLineEdit).setText('"one.conversation.json" "two.conversation.json"')
    QTest.keyClick(files, Qt.Key.Key_Return)
    dialog = await desk.dialog(ImportDialog)
    await until(lambda: said(dialog), "it is done")
    assert said(dialog).startswith("2 chats from LM Studio came in They are in the list")
    assert sorted(each.title for each in (await store.list.page()).chats) == ["one", "two"]
    assert sorted(came) == sorted(each.id for each in (await store.list.page()).chats)
    QTest.keyClick(dialog.focusWidget(), Qt.Key.Key_Return)
    assert not dialog.isVisible()


async def test_what_was_here_and_what_cannot_come_is_named(desk: Desk) -> None:
    store = await desk.open()
    chat = await desk.chat("Moon & <b>sea</b>")
    file = desk.folder / "chats.json"
    await transfer.export_json(store, file, [chat])
    said_in_file = json.loads(file.read_text(encoding="utf-8"))
    said_in_file["chats"].append({"title": "Broken <i>one</i>"})
    file.write_text(json.dumps(said_in_file), encoding="utf-8")
    desk.flow.import_files([file])
    dialog = await desk.dialog(ImportDialog)
    await until(lambda: said(dialog), "it is done")
    assert said(dialog) == "No chat came in 1 chat was here already, and did not change. 1 left out: see below."
    details = dialog.findChild(QTextEdit).toPlainText()
    assert details == "Broken <i>one</i>: it has no 'messages'\nMoon & <b>sea</b>: was here already"
    dialog.close()
    desk.flow.import_files([desk.folder / "gone.json"])
    dialog = await desk.dialog(ImportDialog)
    await until(lambda: said(dialog), "it is done")
    assert said(dialog) == "gone.json cannot be read No such file or directory. Choose another file."
    dialog.close()


async def test_an_import_can_be_cancelled_and_what_came_stays(desk: Desk) -> None:
    store = await desk.open()
    said_one = {
        "id": "m",
        "parent": None,
        "role": "user",
        "created_ms": 5,
        "parts": [{"type": "text", "text": "x" * 9000}],
    }
    chats = [
        {"id": f"c{n}", "created_ms": 5, "touched_ms": 5, "leaf": f"m{n}", "messages": [said_one | {"id": f"m{n}"}]}
        for n in range(4000)
    ]
    file = desk.folder / "many.json"
    file.write_text(json.dumps({"format": "nodetool-xl-desktop chats", "version": 1, "chats": chats}))
    desk.flow.import_files([file])
    dialog = await desk.dialog(ImportDialog)
    await until(lambda: dialog.findChild(QProgressBar).value() > 0, "it goes on")
    press(dialog, "Cancel")
    await until(lambda: said(dialog), "it ended")
    assert said(dialog).startswith("It was cancelled: ")
    here = len(await transfer.ids_of_all(store))
    assert here < 4000
    if here:
        assert f"{here:,} chat" in said(dialog)
    assert [each for each in dialog.findChildren(QPushButton) if each.text() == "Close"]
    dialog.close()
