"""The composer: what is typed, pasted, attached and sent, with a real store, by keys and by mouse."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import button, until
from PySide6.QtCore import QCoreApplication, QEvent, QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QAccessible, QColor, QGuiApplication, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QLineEdit, QPlainTextEdit, QVBoxLayout, QWidget

from nodetool_xl_desktop.chat.attaching import LONG_PASTE, MOST_TEXT
from nodetool_xl_desktop.provider.values import TokenCount
from nodetool_xl_desktop.store.parts import Attachment, Other, Part, Text
from nodetool_xl_desktop.store.store import Store
from nodetool_xl_desktop.ui.composer.attachment_chips import Chip
from nodetool_xl_desktop.ui.composer.attachment_tray import MOST_FILES
from nodetool_xl_desktop.ui.composer.attachment_viewer import AttachmentViewer
from nodetool_xl_desktop.ui.composer.composer import Composer
from nodetool_xl_desktop.ui.drop_overlay import DropOverlay, split_drop
from nodetool_xl_desktop.ui.tasks import Tasks
from nodetool_xl_desktop.ui.theme import Theme

LONG = "A line that says something.\n" * 200


class Desk:
    """A composer in a window, with what it emitted."""

    def __init__(self, theme: Theme, folder: Path) -> None:
        self.folder = folder
        self.tasks = Tasks()
        self.window = QWidget()
        self.before = QLineEdit(self.window)
        self.composer = Composer(theme, self.tasks)
        self.after = QLineEdit()
        layout = QVBoxLayout(self.window)
        for widget in (self.before, self.composer, self.after):
            layout.addWidget(widget)
        self.window.resize(720, 420)
        self.window.show()
        self.edit = self.composer.field
        self.sent: list[tuple[Part, ...]] = []
        self.drafts: list[tuple[Part, ...]] = []
        self.composer.send_requested.connect(self.sent.append)
        self.composer.draft_changed.connect(self.drafts.append)
        self.store: Store | None = None
        self.edit.setFocus()

    async def open(self) -> Store:
        self.store = await Store.open(self.folder / "chats")
        self.composer.set_store(self.store)
        return self.store

    @property
    def chips(self) -> list[Chip]:
        return self.composer._tray.area.chips

    @property
    def chip_texts(self) -> list[str]:
        return [chip.text for chip in self.chips]

    @property
    def hint(self) -> str:
        return self.composer._told.hint.text()

    @property
    def notice(self) -> str:
        return self.composer._told.notice.text

    async def counted(self, number: int) -> None:
        """So many chips, each with what it costs."""
        await until(lambda: sum("token" in text for text in self.chip_texts) == number, f"counted: {self.chip_texts}")

    def file(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def picture(self, name: str = "cat.png", width: int = 300, height: int = 200) -> Path:
        image = QImage(width, height, QImage.Format.Format_RGB32)
        image.fill(QColor("#336699"))
        assert image.save(str(self.folder / name))
        return self.folder / name

    def key(self, key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        QTest.keyClick(QApplication.focusWidget() or self.edit, key, modifier)

    def paste(self, data: str | list[Path] | QImage, key: Qt.KeyboardModifier | None = None) -> None:
        mime = QMimeData()
        if isinstance(data, str):
            mime.setText(data)
        elif isinstance(data, QImage):
            mime.setImageData(data)
        else:
            mime.setUrls([QUrl.fromLocalFile(str(path)) for path in data])
        QGuiApplication.clipboard().setMimeData(mime)
        self.key(Qt.Key.Key_V, key or Qt.KeyboardModifier.ControlModifier)

    async def end(self) -> None:
        await self.tasks.cancel_all()
        if self.store is not None:
            await self.store.close()


@pytest.fixture
def desk(qtbot: Any, qapp: QApplication, tmp_path: Path, loop: asyncio.AbstractEventLoop) -> Iterator[Desk]:
    theme = Theme(qapp)
    made = Desk(theme, tmp_path)
    made.window.activateWindow()
    yield made
    QGuiApplication.clipboard().clear()  # Qt crashes at its end over data that Python made
    loop.run_until_complete(made.end())
    made.window.close()
    made.window.deleteLater()
    theme.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    assert not [task for task in asyncio.all_tasks(loop) if not task.done()]


# Typing and sending


async def test_enter_sends_what_is_typed_and_keeps_it_until_it_is_cleared(desk: Desk) -> None:
    QTest.keyClicks(desk.edit, "One")
    desk.key(Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    QTest.keyClicks(desk.edit, "two")
    assert desk.composer.can_send
    desk.key(Qt.Key.Key_Return)
    assert desk.sent == [(Text("One\ntwo"),)]
    assert desk.composer.text == "One\ntwo"
    assert desk.composer.parts == (Text("One\ntwo"),)
    desk.composer.clear()
    assert desk.composer.text == ""
    assert not desk.composer.can_send


async def test_nothing_and_blanks_are_not_sent(desk: Desk) -> None:
    send = button(desk.composer, "Send")
    assert not send.isEnabled()
    QTest.keyClicks(desk.edit, "   ")
    desk.key(Qt.Key.Key_Return)
    assert not send.isEnabled()
    assert desk.sent == []


async def test_each_change_is_a_draft_and_showing_one_is_none(desk: Desk) -> None:
    QTest.keyClicks(desk.edit, "Hi")
    assert desk.drafts == [(Text("H"),), (Text("Hi"),)]
    desk.composer.set_draft((Text("Other\N{NO-BREAK SPACE}chat"), Other({"type": "later"})), "b")
    assert len(desk.drafts) == 2
    assert desk.composer.text == "Other\N{NO-BREAK SPACE}chat"
    desk.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert desk.composer.text.startswith("Other"), "what was typed in another chat does not come back here"
    desk.key(Qt.Key.Key_Return)
    assert desk.sent == [(Other({"type": "later"}), Text("Other\N{NO-BREAK SPACE}chat"))]
    desk.composer.clear()
    assert len(desk.drafts) == 2


async def test_while_an_answer_comes_one_types_on_and_enter_says_why_it_does_not_send(desk: Desk) -> None:
    desk.composer.set_answering(True)
    QTest.keyClicks(desk.edit, "Next")
    desk.key(Qt.Key.Key_Return)
    assert desk.sent == []
    assert "An answer is being written" in desk.hint
    desk.composer.set_answering(False)
    assert desk.hint == ""
    desk.key(Qt.Key.Key_Return)
    assert desk.sent == [(Text("Next"),)]


async def test_the_field_grows_with_the_text_up_to_a_bound(desk: Desk) -> None:
    heights = [desk.edit.height()]
    for _ in range(30):
        QTest.keyClicks(desk.edit, "line")
        desk.key(Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
        heights.append(desk.edit.height())
    assert heights == sorted(heights)
    assert heights[-1] == 220 > heights[0]
    desk.composer.set_small(True)
    assert desk.edit.height() == heights[0], "something above it needs the room"
    assert desk.edit.cursorRect().bottom() <= desk.edit.viewport().height(), "what is typed is in sight"
    desk.key(Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    assert desk.edit.height() == heights[0]
    desk.composer.set_small(False)
    assert desk.edit.height() == heights[-1]


# What was sent before


async def test_up_brings_back_what_was_sent_and_loses_no_draft(desk: Desk) -> None:
    desk.composer.set_history(["first", "second\nwith a line", "third"])
    desk.key(Qt.Key.Key_Up)
    assert desk.composer.text == "third"
    desk.key(Qt.Key.Key_Up)
    assert desk.composer.text == "second\nwith a line"
    desk.key(Qt.Key.Key_Up)
    assert desk.composer.text == "second\nwith a line", "the cursor goes to the first line before"
    desk.key(Qt.Key.Key_Up)
    assert desk.composer.text == "first"
    desk.key(Qt.Key.Key_Up)
    assert desk.composer.text == "first", "there is nothing before it"
    desk.key(Qt.Key.Key_Down)
    assert desk.composer.text == "second\nwith a line"
    desk.key(Qt.Key.Key_Down)
    assert desk.composer.text == "third"
    desk.key(Qt.Key.Key_Down)
    assert desk.composer.text == ""
    desk.key(Qt.Key.Key_Up)
    QTest.keyClicks(desk.edit, "!")
    desk.key(Qt.Key.Key_Up)
    assert desk.composer.text == "third!", "what was changed is a draft, and stays"
    desk.composer.set_draft(())
    QTest.keyClicks(desk.edit, "draft")
    desk.key(Qt.Key.Key_Up)
    desk.key(Qt.Key.Key_Down)
    assert desk.composer.text == "draft"


# Long pastes


async def test_a_long_paste_becomes_a_chip_and_ctrl_z_makes_it_text(desk: Desk) -> None:
    await desk.open()
    QTest.keyClicks(desk.edit, "See: ")
    desk.paste(LONG)
    await desk.counted(1)
    assert desk.chip_texts[0].startswith(f"{'Pasted text'} | {len(LONG):,} characters · about ")
    assert desk.composer.text == "See: "
    assert "Paste as text" in button(desk.composer, "Paste as text").text()
    desk.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert desk.chips == []
    assert desk.composer.text == f"See: {LONG}"
    desk.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert desk.composer.text == "See: "


async def test_a_paste_just_short_enough_is_typed(desk: Desk) -> None:
    desk.paste("x" * LONG_PASTE)
    assert desk.composer.text == "x" * LONG_PASTE
    assert desk.chips == []


async def test_the_link_and_ctrl_shift_v_paste_as_text(desk: Desk) -> None:
    await desk.open()
    desk.paste(LONG)
    QTest.keyClicks(desk.edit, "after")
    QTest.mouseClick(button(desk.composer, "Paste as text"), Qt.MouseButton.LeftButton)
    assert (desk.composer.text, desk.chips) == (f"after{LONG}", [])
    desk.composer.clear()
    desk.paste(LONG, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    assert (desk.composer.text, desk.chips) == (LONG, [])


async def test_a_chip_is_looked_at_and_put_into_the_message(desk: Desk) -> None:
    await desk.open()
    desk.paste(LONG)
    await desk.counted(1)
    QTest.mouseClick(desk.chips[0], Qt.MouseButton.LeftButton, pos=QPoint(60, 20))
    await until(lambda: desk.window.findChildren(AttachmentViewer), "the viewer")
    viewer = desk.window.findChildren(AttachmentViewer)[0]
    view = viewer.findChildren(QPlainTextEdit)[0]
    assert view.toPlainText() == LONG
    assert view.isReadOnly()
    QTest.mouseClick(button(viewer, "Put into the message"), Qt.MouseButton.LeftButton)
    assert (desk.composer.text, desk.chips) == (LONG, [])
    assert desk.drafts[-1] == (Text(LONG),)


async def test_a_chip_is_removed_in_the_viewer(desk: Desk) -> None:
    await desk.open()
    desk.composer.attach([desk.file("a.py", "print()\n")])
    await desk.counted(1)
    desk.chips[0].setFocus()
    desk.key(Qt.Key.Key_Return)
    await until(lambda: desk.window.findChildren(AttachmentViewer), "the viewer")
    QTest.mouseClick(button(desk.window.findChildren(AttachmentViewer)[0], "Remove"), Qt.MouseButton.LeftButton)
    assert desk.chips == []
    assert "Removed a.py" in desk.hint


# Files


async def test_files_are_read_kept_counted_and_sent_in_their_order(desk: Desk) -> None:
    store = await desk.open()
    paths = [desk.file(f"{number}.py", f"print({number})\n" * (40 - number * 3)) for number in range(10)]
    desk.composer.attach(paths)
    assert all("reading" in text for text in desk.chip_texts)
    await desk.counted(10)
    QTest.keyClicks(desk.edit, "Explain.")
    desk.key(Qt.Key.Key_Return)
    (sent,) = desk.sent
    assert [part.name for part in sent[:-1] if isinstance(part, Attachment)] == [path.name for path in paths]
    assert sent[-1] == Text("Explain.")
    for part, path in zip(sent, paths, strict=False):
        assert isinstance(part, Attachment)
        assert part.text == path.read_text(), "the search finds what it says"
        assert await store.files.read(part.sha256) == path.read_bytes()
    assert all(isinstance(part, Text) or not part.text for part in desk.drafts[-1]), "a draft is small"


async def test_send_waits_for_what_is_read_and_for_the_store(desk: Desk) -> None:
    desk.composer.attach([desk.file("a.txt", "alpha")])
    QTest.keyClicks(desk.edit, "Read it.")
    desk.key(Qt.Key.Key_Return)
    assert desk.sent == []
    assert "as soon as it is read" in desk.hint
    await desk.open()
    await until(lambda: desk.sent, "sent")
    assert [type(part) for part in desk.sent[0]] == [Attachment, Text]
    await desk.counted(1)
    assert len(desk.sent) == 1


async def test_what_waits_is_not_sent_without_a_file_that_failed(desk: Desk) -> None:
    desk.composer.attach([desk.file("a.txt", "alpha"), desk.folder / "gone.txt"])
    desk.key(Qt.Key.Key_Return)
    await desk.open()
    await until(lambda: desk.notice, "told")
    await desk.counted(1)
    assert "gone.txt was not attached" in desk.notice
    assert desk.sent == []


async def test_what_waits_is_not_sent_after_a_file_was_removed_or_more_was_typed(desk: Desk) -> None:
    desk.composer.attach([desk.file("a.txt", "alpha"), desk.file("b.txt", "beta")])
    desk.key(Qt.Key.Key_Return)
    desk.chips[0].setFocus()
    desk.key(Qt.Key.Key_Delete)
    await desk.open()
    await desk.counted(1)
    assert desk.sent == []
    desk.composer.attach([desk.file("c.txt", "gamma")])
    desk.edit.setFocus()
    desk.key(Qt.Key.Key_Return)
    QTest.keyClicks(desk.edit, "wait")
    await desk.counted(2)
    assert desk.sent == []


async def test_the_focus_of_the_composer_is_the_field_s(desk: Desk) -> None:
    desk.after.setFocus()
    desk.composer.setFocus()
    QTest.keyClicks(QApplication.focusWidget(), "typed")
    assert desk.composer.text == "typed"


async def test_one_file_goes_along_once(desk: Desk) -> None:
    await desk.open()
    one, same = desk.file("one.txt", "same"), desk.file("copy.txt", "same")
    desk.composer.attach([one, one])
    await desk.counted(1)
    desk.composer.attach([one])
    assert desk.hint == "one.txt is attached already."
    desk.composer.attach([same])
    await until(lambda: desk.hint == "copy.txt is attached already.", "told")
    assert len(desk.chips) == 1


async def test_files_are_pasted(desk: Desk) -> None:
    await desk.open()
    desk.paste([desk.file("a.txt", "alpha"), desk.file("b.txt", "beta")])
    await desk.counted(2)
    assert desk.composer.text == ""


async def test_files_are_chosen_in_a_dialog(desk: Desk) -> None:
    await desk.open()
    desk.file("a.txt", "alpha")
    QTest.mouseClick(button(desk.composer, "Attach"), Qt.MouseButton.LeftButton)
    dialog = desk.window.findChildren(QFileDialog)[0]
    assert dialog.fileMode() is QFileDialog.FileMode.ExistingFiles
    dialog.setDirectory(str(desk.folder))
    name = dialog.findChildren(QLineEdit)[0]
    name.setText(str(desk.folder / "a.txt"))
    QTest.keyClick(name, Qt.Key.Key_Return)
    await desk.counted(1)


async def test_by_keys_alone(desk: Desk) -> None:
    await desk.open()
    desk.composer.attach([desk.file(name, name) for name in ("a.txt", "b.txt", "c.txt")])
    await desk.counted(3)
    desk.before.setFocus()
    seen = []
    for _ in range(7):
        desk.key(Qt.Key.Key_Tab)
        focused = QApplication.focusWidget()
        seen.append(getattr(focused, "text", None) if isinstance(focused, Chip) else type(focused).__name__)
    assert [str(each).partition(" |")[0] for each in seen] == [
        *("a.txt", "b.txt", "c.txt"), "MessageEdit", "QPushButton", "QPushButton", "QLineEdit",
    ]  # fmt: skip
    desk.chips[0].setFocus()
    desk.key(Qt.Key.Key_Right)
    assert desk.chips[1].hasFocus()
    desk.key(Qt.Key.Key_Delete)
    assert [text.partition(" ")[0] for text in desk.chip_texts] == ["a.txt", "c.txt"]
    assert desk.chips[1].hasFocus(), "the next one"
    QTest.mouseClick(button(desk.composer, "Undo"), Qt.MouseButton.LeftButton)
    await desk.counted(3)
    assert [text.partition(" ")[0] for text in desk.chip_texts] == ["a.txt", "b.txt", "c.txt"]
    assert desk.edit.hasFocus()
    desk.chips[2].setFocus()
    desk.key(Qt.Key.Key_Right)
    assert desk.edit.hasFocus()
    desk.chips[2].setFocus()
    desk.key(Qt.Key.Key_Delete)
    assert desk.chips[1].hasFocus(), "the one before it, where it was the last"


async def test_a_chip_is_removed_by_the_mouse(desk: Desk) -> None:
    await desk.open()
    desk.composer.attach([desk.file("a.txt", "alpha")])
    await desk.counted(1)
    QTest.mouseClick(desk.chips[0]._remove, Qt.MouseButton.LeftButton)
    assert desk.chips == []
    assert desk.drafts[-1] == ()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("report.pdf", b"%PDF-1.7\n1 0 obj", "PDF document"),
        ("letter.docx", b"PK\x03\x04\x14\0\6\0", "Word document"),
        ("table.xlsx", b"PK\x03\x04\x14\0\6\0", ".csv"),
        ("all.zip", b"PK\x03\x04\x14\0\6\0", "Unpack it"),
        ("cat.webp", b"RIFF\0\0\0\0WEBPVP8 ", "PNG or JPEG"),
        ("song.mp3", b"ID3\4\0\0\0", "sound"),
        ("noise", bytes(range(256)), "no text, and no picture"),
        ("empty.txt", b"", "is empty"),
        ("model.gguf", b"GGUF\3\0\0\0", "Open Model (Ctrl+O)"),
        ("large.log", b"a" * (MOST_TEXT + 1), "at most 2 MB"),
        ("broken.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "damaged or not complete"),
    ],
)
async def test_what_cannot_go_along_is_refused_in_words(desk: Desk, name: str, content: bytes, words: str) -> None:
    await desk.open()
    desk.composer.set_vision(True)
    desk.composer.attach([desk.file(name, content)])
    await until(lambda: desk.notice, "refused")
    assert desk.notice.startswith(f"{name} was not attached")
    assert words in desk.notice
    assert desk.chips == []
    QTest.mouseClick(button(desk.composer, "OK"), Qt.MouseButton.LeftButton)
    assert desk.notice == ""


async def test_a_folder_is_refused_and_several_refusals_are_one(desk: Desk) -> None:
    await desk.open()
    (desk.folder / "src").mkdir()
    desk.composer.attach([desk.folder / "src", desk.file("a.txt", "alpha"), desk.folder / "gone.txt"])
    await desk.counted(1)
    await until(lambda: "2 files were not attached" in desk.notice, "both")
    assert "src: it is a folder." in desk.notice
    assert "gone.txt: no such file" in desk.notice


async def test_more_files_than_a_message_takes(desk: Desk) -> None:
    await desk.open()
    desk.composer.attach([desk.file(f"{number}.txt", str(number)) for number in range(MOST_FILES + 2)])
    await desk.counted(MOST_FILES)
    await until(lambda: not desk.chips[-1].visibleRegion().isEmpty(), "the last one is seen")
    desk.chips[0].setFocus()
    assert not desk.chips[0].visibleRegion().isEmpty()
    assert desk.chips[-1].visibleRegion().isEmpty()
    assert f"at most {MOST_FILES} files" in desk.notice


async def test_texts_in_other_encodings(desk: Desk) -> None:
    store = await desk.open()
    text = "Größe: 5 €\r\n"
    paths = [
        desk.file("utf16.txt", text.encode("utf-16")),
        desk.file("bom.txt", f"{text}bom".encode("utf-8-sig")),
        desk.file("drawing.svg", "<svg/>"),
    ]
    desk.composer.attach(paths)
    await desk.counted(3)
    kept = [await store.files.read(part.sha256) for part in desk.composer.parts if isinstance(part, Attachment)]
    assert kept == [text.encode(), f"{text}bom".encode(), b"<svg/>"]
    assert not any(part.media_type.startswith("image/") for part in desk.composer.parts if isinstance(part, Attachment))
    desk.composer.attach([desk.file("old.txt", f"{text}old".encode("cp1252"))])
    await desk.counted(4)
    assert "old.txt was read as" in desk.hint


# Pictures


async def test_a_picture_needs_a_model_that_can_see(desk: Desk) -> None:
    await desk.open()
    desk.composer.attach([desk.picture()])
    await until(lambda: desk.notice, "refused")
    assert "it needs a model with vision, and its mmproj" in desk.notice
    desk.composer.set_vision(True)
    assert desk.notice == ""
    desk.composer.attach([desk.picture()])
    await desk.counted(1)
    assert desk.chip_texts == ["cat.png | 300 \N{MULTIPLICATION SIGN} 200 · at least 256 tokens"]
    assert desk.chips[0]._icon.pixmap().size().width() == 32
    desk.composer.set_vision(False)
    assert "the model cannot see it" in desk.chip_texts[0]
    desk.key(Qt.Key.Key_Return)
    assert desk.sent == []
    assert "cannot see pictures" in desk.notice
    desk.composer.set_vision(True)
    desk.key(Qt.Key.Key_Return)
    (part,) = desk.sent[0]
    assert isinstance(part, Attachment)
    assert part.media_type == "image/png"


async def test_a_screenshot_is_pasted(desk: Desk) -> None:
    store = await desk.open()
    desk.composer.set_vision(True)
    image = QImage(40, 30, QImage.Format.Format_RGB32)
    image.fill(QColor("red"))
    desk.paste(image)
    await desk.counted(1)
    (part,) = desk.composer.parts
    assert isinstance(part, Attachment)
    assert QImage.fromData(await store.files.read(part.sha256)).size() == image.size()


# Drafts


async def test_a_draft_with_attachments_comes_back(desk: Desk) -> None:
    await desk.open()
    desk.composer.set_vision(True)
    desk.composer.attach([desk.file("a.py", "print()\n"), desk.picture()])
    desk.paste(LONG)
    QTest.keyClicks(desk.edit, "text")
    await desk.counted(3)
    kept, before = desk.drafts[-1], desk.chip_texts
    sent = desk.composer.parts
    desk.composer.set_draft((Text("other"),), "b")
    assert desk.chips == []
    desk.composer.set_draft(kept, "a")
    assert desk.composer.text == "text"
    await desk.counted(3)
    assert desk.chip_texts == before
    assert desk.composer.parts == sent, "with what the search finds"
    assert desk.drafts[-1] == kept, "showing a draft changes none"


async def test_what_is_read_after_the_chat_was_left_is_handed_on(desk: Desk) -> None:
    late: list[tuple[str, Attachment]] = []
    desk.composer.attached_late.connect(lambda place, part: late.append((place, part)))
    desk.composer.set_draft((), "a")
    desk.composer.attach([desk.file("a.txt", "alpha")])
    desk.composer.set_draft((), "b")
    await desk.open()
    await until(lambda: late, "handed on")
    assert (late[0][0], late[0][1].name) == ("a", "a.txt")
    assert desk.chips == []


async def test_what_is_read_after_one_came_back_stands_there(desk: Desk) -> None:
    late: list[str] = []
    desk.composer.attached_late.connect(lambda place, _part: late.append(place))
    desk.composer.set_draft((), "a")
    desk.composer.attach([desk.file("a.txt", "alpha")])
    desk.composer.set_draft((), "b")
    desk.composer.set_draft((Text("Read it."),), "a")
    await desk.open()
    await desk.counted(1)
    assert desk.chip_texts[0].startswith("a.txt")
    assert [type(part) for part in desk.drafts[-1]] == [Attachment, Text]
    assert late == []


async def test_a_draft_moves_with_its_chat(desk: Desk) -> None:
    """A new chat has an id from its first message on: what was attached before belongs to it."""
    late: list[str] = []
    desk.composer.attached_late.connect(lambda place, _part: late.append(place))
    desk.composer.attach([desk.file("a.txt", "alpha")])
    desk.composer.move_draft("made")
    desk.composer.set_draft((), "b")
    await desk.open()
    await until(lambda: late, "handed on")
    assert late == ["made"]


async def test_what_is_attached_while_the_message_is_sent_stays(desk: Desk) -> None:
    """It was not in what was sent, and is in what is sent next."""
    QTest.keyClicks(desk.edit, "First")
    desk.key(Qt.Key.Key_Return)
    desk.composer.attach([desk.file("a.txt", "alpha")])
    assert desk.composer.parts == desk.sent[0], "it is not read yet"
    desk.composer.clear()
    await desk.open()
    await desk.counted(1)
    assert [type(part) for part in desk.composer.parts] == [Attachment]
    desk.composer.clear()
    assert desk.chips == []


async def test_a_file_that_is_gone_from_the_store_is_told(desk: Desk) -> None:
    await desk.open()
    desk.composer.set_draft((Attachment("0" * 64, "lost.txt", "text/plain", 3), Text("text")), "a")
    await until(lambda: desk.notice, "told")
    assert desk.chips == []
    assert desk.composer.text == "text"


# The rest


async def test_tokens_are_counted_by_the_model_that_is_loaded(desk: Desk) -> None:
    await desk.open()
    asked: list[str] = []

    async def count(text: str) -> TokenCount:
        asked.append(text)
        return TokenCount(1234, exact=True)

    counter: Callable[[str], Awaitable[TokenCount]] = count
    desk.composer.attach([desk.file("a.py", "print()\n")])
    await desk.counted(1)
    assert "about" in desk.chip_texts[0]
    desk.composer.set_counter(counter)
    await until(lambda: desk.chip_texts == ["a.py | 8 bytes · 1,234 tokens"], "counted again")
    assert asked == ["a.py:\n\n```python\nprint()\n```"], "as it is sent"


async def test_a_quotation_is_put_where_the_cursor_is(desk: Desk) -> None:
    desk.before.setFocus()
    desk.composer.quote("one\n\ntwo\n")
    assert desk.composer.text == "> one\n>\n> two\n\n"
    assert desk.edit.hasFocus()
    QTest.keyClicks(desk.edit, "Why?")
    desk.composer.quote("three")
    assert desk.composer.text == "> one\n>\n> two\n\nWhy?\n\n> three\n\n"


async def test_a_gauge_stands_before_send(desk: Desk) -> None:
    gauge = QLineEdit()
    desk.composer.add_gauge(gauge)
    await until(lambda: gauge.isVisible() and gauge.width(), "laid out")
    send = button(desk.composer, "Send")
    assert gauge.geometry().right() < send.geometry().left()
    desk.edit.setText("x")
    for _ in range(2):
        desk.key(Qt.Key.Key_Tab)
    assert gauge.hasFocus()


async def test_every_control_has_a_name_and_follows_the_theme(desk: Desk) -> None:
    await desk.open()
    desk.composer.attach([desk.file("a & <b>.txt", "alpha")])
    await desk.counted(1)
    for widget in desk.composer.findChildren(QWidget):
        if widget.focusPolicy() is not Qt.FocusPolicy.NoFocus and widget.isVisible():
            interface = QAccessible.queryAccessibleInterface(widget)
            assert interface is not None
            assert interface.text(QAccessible.Text.Name).strip(), type(widget)
    light = desk.composer.grab().toImage()
    desk.composer._theme.choose(Qt.ColorScheme.Dark)
    dark = desk.composer.grab().toImage()
    assert light.pixelColor(300, 20).lightness() > 200
    assert dark.pixelColor(300, 20).lightness() < 60


async def test_what_a_drop_will_do(desk: Desk) -> None:
    (desk.folder / "src").mkdir()
    overlay = DropOverlay(desk.composer._theme, desk.window, desk.tasks)

    def hover(*names: str) -> None:
        mime = QMimeData()
        mime.setUrls([QUrl.fromLocalFile(str(desk.folder / name)) for name in names])
        overlay.show_for(*split_drop(mime))

    hover("Qwen3-4B-Q4_K_M.gguf")
    assert overlay.text.startswith("Drop to add Qwen3")
    hover("a.txt")
    assert overlay.text.startswith("Drop to attach a.txt to your message")
    hover("A.GGUF", "b.gguf", "a.txt", "b.py", "c.md")
    assert overlay.text.startswith("Drop to add 2 models to My Models, and attach 3 files")
    hover("src")
    await until(lambda: overlay.text.startswith("Drop to add src to My Models | Models in it, and in folders"), "told")
    hover("a.txt", "src")
    await until(lambda: overlay.text.startswith("Drop to add src to My Models, and attach a.txt"), "told")
