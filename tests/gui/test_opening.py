"""What is dropped, pasted, typed or asked for by the system: what it is, what is said of it, and where it goes."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import until
from PySide6.QtCore import QMimeData, Qt, QUrl
from PySide6.QtGui import QFileOpenEvent, QGuiApplication
from PySide6.QtNetwork import QLocalSocket
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QMainWindow, QPushButton, QVBoxLayout, QWidget

from nodetool_xl_desktop.core.instance import Instance
from nodetool_xl_desktop.ui.drop_overlay import DropOverlay, dropped_files
from nodetool_xl_desktop.ui.one_program import LONGEST, FrontDoor, Handed, come_forward
from nodetool_xl_desktop.ui.open_address import look
from nodetool_xl_desktop.ui.opening import Application, Opening, meant_by
from nodetool_xl_desktop.ui.tasks import Tasks
from nodetool_xl_desktop.ui.theme import Theme

REPO = "https://huggingface.co/org/repo-GGUF"


class Desk:
    """A window with a field and a button, and what was to be done."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tasks = Tasks()
        self.window = QMainWindow()
        self.window.resize(900, 600)
        body = QWidget()
        self.field, self.button = QLineEdit(), QPushButton("Not a text")
        layout = QVBoxLayout(body)
        layout.addWidget(self.field)
        layout.addWidget(self.button)
        self.window.setCentralWidget(body)
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        self.theme = Theme(application)
        self.overlay = DropOverlay(self.theme, self.window, self.tasks)
        self.opening = Opening(self.window, self.overlay, self.tasks)
        self.told: list[tuple[str, Any]] = []
        for name in ("models_opened", "folders_dropped", "files_dropped", "place_dropped"):
            signal = getattr(self.opening, name)
            signal.connect(lambda what, name=name: self.told.append((name, what)))

    def file(self, name: str, content: bytes = b"GGUF") -> Path:
        path = self.folder / name
        path.write_bytes(content)
        return path


@pytest.fixture
def desk(qapp: QApplication, loop: asyncio.AbstractEventLoop, tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    loop.run_until_complete(desk.tasks.cancel_all())
    QGuiApplication.clipboard().clear()
    desk.window.close()
    desk.window.deleteLater()


def mime(*paths: Path, text: str = "", raw: bytes = b"") -> QMimeData:
    data = QMimeData()
    if paths:
        data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    if raw:
        data.setData("text/uri-list", raw)
    if text:
        data.setText(text)
    return data


async def test_a_drop_goes_where_each_thing_belongs(desk: Desk) -> None:
    (folder := desk.folder / "many").mkdir()
    (named_so := desk.folder / "folder.gguf").mkdir()
    model, text = desk.file("a.gguf"), desk.file("b.txt")
    assert desk.opening.hover(data := mime(model, folder, text, named_so))
    await until(lambda: "add a and 2 folders to My Models, and attach b.txt" in desk.overlay.text, "it says so")
    assert desk.opening.take(data)
    await until(lambda: len(desk.told) == 3, "all is told")
    assert desk.told == [
        ("folders_dropped", [named_so, folder]),
        ("models_opened", [model]),
        ("files_dropped", [text]),
    ]


async def test_a_name_that_is_no_utf8_comes_through(desk: Desk) -> None:
    odd = desk.file("no-\udcff-utf8 100% #1.gguf")
    data = mime(raw=b"# a comment\r\nfile://" + b"/".join(map(quoted, os.fsencode(odd).split(b"/"))) + b"\r\n")
    assert dropped_files(data) == [odd]
    assert desk.opening.hover(data)
    assert "\udcff" not in desk.overlay.text
    assert desk.opening.take(data)
    await until(lambda: desk.told, "it is told")
    assert desk.told == [("models_opened", [odd])]


def quoted(name: bytes) -> bytes:
    return b"".join(b"%%%02X" % each for each in name)


@pytest.mark.parametrize(
    "text", [REPO, f"{REPO}/blob/main/a-Q4_K_M.gguf", "hf.co/org/repo-GGUF:Q4_K_M", "org/repo:Q8_0"]
)
async def test_an_address_as_text_or_as_a_link(desk: Desk, text: str) -> None:
    assert desk.opening.hover(mime(text=text))
    assert desk.overlay.text.startswith("Drop to open ")
    assert desk.opening.take(mime(text=text))
    await until(lambda: desk.told == [("place_dropped", text)], "it is told")
    if "://" in text:
        desk.told.clear()
        assert desk.opening.take(mime(raw=f"{text}\r\n".encode()))
        await until(lambda: desk.told == [("place_dropped", text)], "the link is told")


@pytest.mark.parametrize(
    "text", ["", "hello", "two\nlines", "https://example.com/news", "x" * 5000, "\0", "http://[", "a/b/c/d e"]
)
async def test_what_is_only_a_text_is_left_alone(desk: Desk, text: str) -> None:
    assert not desk.opening.hover(mime(text=text))
    assert not desk.opening.take(mime(text=text))
    assert desk.overlay.text == ""
    assert desk.told == []


async def test_what_could_be_a_text_is_asked_about(desk: Desk) -> None:
    """And so is a path where nothing lies."""
    desk.window.show()
    for text, words in (("and/or", "The repository and/or"), (str(desk.folder / "gone.gguf"), "There is no such file")):
        assert desk.opening.take(mime(text=text))
        await until(lambda: desk.opening.dialog is not None, "the dialog is open")
        dialog = desk.opening.dialog
        assert dialog is not None
        assert dialog.edit.text() == text
        await until(lambda dialog=dialog, words=words: dialog.words.startswith(words), "it says what it is")
        QTest.keyClick(dialog, Qt.Key.Key_Escape)
        assert desk.opening.dialog is None
    assert desk.told == []


async def test_pasting_outside_of_a_text_opens(desk: Desk) -> None:
    desk.window.show()
    desk.window.activateWindow()
    await until(desk.window.isActiveWindow, "the window has the keys")
    QGuiApplication.clipboard().setText(REPO)
    desk.field.setFocus()
    QTest.keyClick(desk.field, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    assert desk.field.text() == REPO
    assert desk.told == []
    desk.button.setFocus()
    QTest.keyClick(desk.button, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    await until(lambda: desk.told == [("place_dropped", REPO)], "it is opened")
    desk.told.clear()
    QGuiApplication.clipboard().setMimeData(mime(model := desk.file("a.gguf")))
    QTest.keyClick(desk.button, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    await until(lambda: desk.told == [("models_opened", [model])], "the file is opened")


async def test_the_dialog_says_what_it_is_and_opens_it(desk: Desk) -> None:
    desk.window.show()
    model = desk.file("a.gguf", b"GGUF" + bytes(4_000_000))
    dialog = desk.opening.ask_address()
    assert desk.opening.ask_address() is dialog, "one at a time"
    assert not dialog.open_button.isEnabled()
    assert dialog.words.startswith("A file or a folder of this machine")
    QTest.keyClicks(dialog.edit, str(model))
    await until(lambda: dialog.words == "A model file, 4 MB.", dialog.words)
    assert dialog.edit.accessibleDescription() == dialog.words
    QTest.keyClick(dialog.edit, Qt.Key.Key_Return)
    await until(lambda: desk.told == [("models_opened", [model])], "it is opened")
    assert desk.opening.dialog is None


async def test_enter_waits_for_no_rest_and_opens_once(desk: Desk) -> None:
    desk.window.show()
    dialog = desk.opening.ask_address()
    QTest.keyClicks(dialog.edit, "org/repo")
    QTest.keyClick(dialog.edit, Qt.Key.Key_Return)
    await until(lambda: desk.told, "it is opened")
    await asyncio.sleep(0.3)
    assert desk.told == [("place_dropped", "org/repo")]


async def test_enter_on_nothing_keeps_the_dialog_open(desk: Desk) -> None:
    desk.window.show()
    dialog = desk.opening.ask_address("/nowhere/at/all")
    QTest.keyClick(dialog.edit, Qt.Key.Key_Return)
    await until(lambda: dialog.words == "There is no such file or folder on this machine.", dialog.words)
    assert not dialog.isHidden()
    assert not dialog.open_button.isEnabled()
    assert desk.told == []


@pytest.mark.parametrize(
    ("text", "words", "opens"),
    [
        ("", "", False),
        ("org/repo", "The repository org/repo on huggingface.co.", True),
        ("org/repo:Q4_K_M", "The repository org/repo on huggingface.co, and in it Q4_K_M.", True),
        (f"{REPO}/blob/main/in/a.gguf", "A model of org/repo-GGUF on huggingface.co: in/a.gguf.", True),
        ("https://u:secret@example.com/a.gguf", "a.gguf on example.com.", True),
        ("https://example.com/a", "a on example.com. Its name does not end in .gguf: it may be no model.", True),
        ("/dev/null", "This is neither a file nor a folder.", False),
        ("/nowhere", "There is no such file or folder on this machine.", False),
        ("/" + "x" * 300, "It cannot be opened: File name too long.", False),
    ],
)
def test_what_a_text_names(text: str, words: str, opens: bool) -> None:
    found = look(text)
    assert (found.words, found.named is not None) == (words, opens)


def test_what_lies_here_goes_before_a_repository(tmp_path: Path, qapp: QApplication) -> None:
    before = Path.cwd()
    (tmp_path / "org" / "repo").mkdir(parents=True)
    (tmp_path / " 'quoted' .gguf").write_bytes(b"GGUF")
    os.chdir(tmp_path)
    try:
        assert look("org/repo").named == tmp_path / "org" / "repo"
        assert look(" 'quoted' .gguf").named == tmp_path / " 'quoted' .gguf"
        assert meant_by("org/repo") is not None
    finally:
        os.chdir(before)


async def test_the_system_asks_to_open_a_file(qapp: QApplication, tmp_path: Path) -> None:
    assert isinstance(qapp, Application)
    asked: list[object] = []
    qapp.file_asked.connect(asked.append)
    try:
        QApplication.sendEvent(qapp, QFileOpenEvent(QUrl.fromLocalFile(str(tmp_path / "a.gguf"))))
        QApplication.sendEvent(qapp, QFileOpenEvent(QUrl(REPO)))
    finally:
        qapp.file_asked.disconnect(asked.append)
    assert asked == [tmp_path / "a.gguf", REPO]


async def test_a_window_that_was_put_away_comes_back(desk: Desk) -> None:
    desk.window.showMinimized()
    come_forward(desk.window, "a-token")
    assert not desk.window.isMinimized()
    assert desk.window.isVisible()
    assert "XDG_ACTIVATION_TOKEN" not in os.environ, "it is not for our children"


class Caller:
    """Speaks to the door without blocking the loop that it is on."""

    def __init__(self, address: str) -> None:
        self.socket = QLocalSocket()
        self.socket.connectToServer(address)

    async def say(self, *pieces: bytes) -> Any:
        for piece in pieces:
            self.socket.write(piece)
            await asyncio.sleep(0.01)
        await until(self.socket.canReadLine, "it answers")
        return json.loads(bytes(self.socket.readLine().data()))


async def test_the_door_understands_what_is_meant_for_it_alone(tmp_path: Path) -> None:
    instance = Instance(tmp_path)
    assert instance.try_begin()
    door, asked = FrontDoor(instance), list[Handed]()
    door.asked.connect(asked.append)
    await door.open()
    try:
        broken = (b"\n", b"{\n", b"[]\n", b"null\n", b'{"open": [["run", "x"]]}\n', b'{"open": [["path", 5]]}\n',
                  b'{"open": [["path", "a\\u0000b"]]}\n', b"\xff\n", b"[" * 100_000 + b"\n")  # fmt: skip
        for line in broken:
            assert await Caller(door.address).say(line) == {"taken": False}, line[:40]
        assert await Caller(door.address).say(b"x" * (LONGEST + 1)) == {"taken": False}
        silent = Caller(door.address)
        handed = Handed((tmp_path / "no-\udcff.gguf", "org/repo"), "token")
        line = handed.to_line()
        assert await Caller(door.address).say(line[:5], line[5:20], line[20:]) == {"taken": True}
        assert asked == [handed]
        silent.socket.abort()
        bad_token = json.dumps({"open": [], "token": "a\0b"}).encode() + b"\n"
        assert await Caller(door.address).say(bad_token) == {"taken": True}
        assert asked[-1] == Handed()
    finally:
        door.close()
        instance.end()
    assert door.address == ""


async def test_who_has_not_the_folder_leaves_the_door_alone(tmp_path: Path) -> None:
    one, other = Instance(tmp_path), Instance(tmp_path)
    assert one.try_begin()
    first, second = FrontDoor(one), FrontDoor(other)
    await first.open()
    await second.open()
    second.close()
    assert second.address == ""
    assert await Caller(first.address).say(Handed().to_line()) == {"taken": True}
    first.close()
    one.end()
