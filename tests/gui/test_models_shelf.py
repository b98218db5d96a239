"""My Models of the whole program on real files: found while it watches, said of, verified, trashed and brought back."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Build, button, until
from gguf_writer import write_gguf
from PySide6.QtCore import QObject, Qt, QUrl, Slot
from PySide6.QtGui import QAction, QDesktopServices
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QMenu, QMessageBox

from nodetool_xl_desktop.app import Parts
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.lock import FileLock
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.engine.states import Ready
from nodetool_xl_desktop.library.model_file import ModelFile, Place
from nodetool_xl_desktop.library.origins import Origin, Origins
from nodetool_xl_desktop.ui.models.folders_dialog import FoldersDialog
from nodetool_xl_desktop.ui.models.library_flow import LibraryFlow
from nodetool_xl_desktop.ui.models.models_page import ModelsPage
from nodetool_xl_desktop.ui.models.models_table import ModelsTable
from nodetool_xl_desktop.ui.models.trash import bring_back, move_to_trash
from nodetool_xl_desktop.ui.notice import Notice
from nodetool_xl_desktop.ui.side_bar import Tab


@pytest.fixture(autouse=True)
def trash(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The trash of a person who has nothing but this test, and no other program's models."""
    home = tmp_path_factory.mktemp("home")
    names = ("XDG_DATA_HOME", "HOME", "HF_HUB_CACHE")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update({"XDG_DATA_HOME": str(home / "data"), "HOME": str(home), "HF_HUB_CACHE": str(home / "none")})
    (home / "data").mkdir()
    yield home / "data" / "Trash"
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def model(path: Path, name: str = "Tiny") -> Path:
    """A small file that reads as a model."""
    path.parent.mkdir(parents=True, exist_ok=True)
    header = {
        "general.architecture": "llama",
        "general.name": name,
        "general.license": "mit",
        "llama.block_count": 1,
        "llama.context_length": 4096,
        "llama.embedding_length": 64,
        "llama.feed_forward_length": 128,
        "llama.attention.head_count": 4,
        "llama.attention.head_count_kv": 4,
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.tokens": ["a", "b", "c"] * 500,
        "tokenizer.chat_template": "{% for message in messages %}{{ message['content'] }}{% endfor %}",
    }
    write_gguf(path, header, [("token_embd.weight", (64, 1500), "F16"), ("output_norm.weight", (64,), "F32")])
    return path


def page(parts: Parts) -> ModelsPage:
    return parts.window.side_bar.models


def shelf(parts: Parts) -> LibraryFlow:
    return parts.window.models.shelf


def table(parts: Parts) -> ModelsTable:
    return parts.window.models.table


def names(parts: Parts) -> list[str]:
    return [file.path.name for file in page(parts).files]


def notices(parts: Parts) -> str:
    return " | ".join(notice.text for notice in parts.window.findChildren(Notice) if notice.isVisible())


async def listed(parts: Parts, *models: Path) -> None:
    await parts.window.models.list_models()
    await until(lambda: {path.name for path in models} <= set(names(parts)), "they are listed")


async def show_table(parts: Parts) -> None:
    """As the centre of the window shows it, here as a window of its own."""
    made = table(parts)
    if made.parent() is None:
        made.resize(1300, 800)
    made.show()
    await until(made.isVisible, "the table")


async def test_what_comes_and_goes_is_seen_without_asking(parts: Parts, paths: Paths) -> None:
    first = model(paths.models / "First-1B-Q4_K_M.gguf")
    await listed(parts, first)
    page(parts).select(first)
    second = model(paths.models / "deeper" / "Second-1B-Q4_K_M.gguf")
    await until(lambda: second.name in names(parts), "the new one", within_s=10)
    assert page(parts).selected == first
    second.unlink()
    await until(lambda: second.name not in names(parts), "it is gone", within_s=10)
    assert page(parts).selected == first


async def test_a_link_to_a_listed_model_selects_that(parts: Parts, paths: Paths, tmp_path: Path) -> None:
    path = model(paths.models / "Real-1B-Q4_K_M.gguf")
    link = tmp_path / "link.gguf"
    link.symlink_to(path)
    await listed(parts, path)
    await parts.window.models.open([link])
    await until(lambda: page(parts).selected is not None, "it is selected")
    assert len(names(parts)) == 1, "one file, listed once"
    chosen = page(parts).selected
    assert chosen is not None
    assert chosen.samefile(path)


async def test_what_is_said_of_a_model_is_kept(build: Build, paths: Paths) -> None:
    parts = build()
    path = model(paths.models / "Said-1B-Q4_K_M.gguf")
    other = model(paths.models / "Zebra-1B-Q4_K_M.gguf", "other")
    await listed(parts, path, other)
    await show_table(parts)
    page(parts).select(other)
    about = table(parts).details.about
    await until(lambda: about.title.placeholderText().startswith("Zebra"), "its details")
    for edit, text in ((about.title, "My own name"), (about.tags, "fast, odd ,fast")):
        edit.setFocus()
        QTest.keyClicks(edit, text)
        QTest.keyClick(edit, Qt.Key.Key_Return)
    about.notes.setFocus()
    QTest.keyClicks(about.notes, "for letters")
    about.keep()
    page(parts).offers.favourite()
    await until(lambda: names(parts)[0] == other.name, "favourites stand first")
    await shelf(parts).sayings.kept()
    again = build(home=paths)
    await listed(again, path, other)
    said = page(again).list.known[other].file.about
    assert (said.title, said.tags, said.notes, said.favourite) == ("My own name", ("fast", "odd"), "for letters", True)
    assert page(again).list.known[other].title == "My own name"
    QTest.keyClicks(page(again).search, "letters fast")
    assert [entry.path for entry in page(again).list.shown] == [other]
    table(parts).close()


async def test_what_is_being_typed_outlives_a_scan(parts: Parts, paths: Paths) -> None:
    path = model(paths.models / "Typed-1B-Q4_K_M.gguf")
    await listed(parts, path)
    await show_table(parts)
    page(parts).select(path)
    notes = table(parts).details.about.notes
    await until(notes.isVisible, "its details")
    notes.setFocus()
    QTest.keyClicks(notes, "half a sen")
    model(paths.models / "Another-1B-Q4_K_M.gguf", "another")
    await parts.window.models.list_models()
    assert notes.toPlainText() == "half a sen"
    QTest.keyClicks(notes, "tence")
    await until(lambda: page(parts).list.known[path].file.about.notes == "half a sentence", "it is kept by itself")
    assert notes.toPlainText() == "half a sentence"
    table(parts).close()


async def test_what_was_typed_at_the_very_end_is_kept(parts: Parts, paths: Paths) -> None:
    path = model(paths.models / "Last-1B-Q4_K_M.gguf")
    await listed(parts, path)
    await show_table(parts)
    page(parts).select(path)
    about = table(parts).details.about
    await until(lambda: about.title.placeholderText().startswith("Last"), "its details")
    about.notes.setFocus()
    QTest.keyClicks(about.notes, "not a word is lost")
    await parts.shut_down()
    assert parts.library.about.of(path).notes == "not a word is lost"
    table(parts).close()


async def test_what_is_typed_while_its_file_goes_is_kept(parts: Parts, paths: Paths) -> None:
    path = model(paths.models / "Gone-1B-Q4_K_M.gguf")
    await listed(parts, path)
    await show_table(parts)
    page(parts).select(path)
    about = table(parts).details.about
    await until(lambda: about.title.placeholderText().startswith("Gone"), "its details")
    about.notes.setFocus()
    away = path.rename(path.parents[1] / "away.gguf")
    typed = ""
    while names(parts):  # never at rest
        QTest.keyClicks(about.notes, "x")
        typed += "x"
        await asyncio.sleep(0.05)
    await shelf(parts).sayings.kept()
    back = away.rename(path.with_name("Back-1B-Q4_K_M.gguf"))
    await until(lambda: names(parts) == [back.name], "it is back under another name", within_s=15)
    assert len(typed) > 5
    assert page(parts).files[0].about.notes == typed
    table(parts).close()


async def test_what_is_said_last_stays(parts: Parts, paths: Paths) -> None:
    path = model(paths.models / "Words-1B-Q4_K_M.gguf")
    await listed(parts, path)
    for number in range(30):
        shelf(parts).sayings.say(page(parts).files, {"notes": f"word {number}"})
    await shelf(parts).sayings.kept()
    assert parts.library.about.of(path).notes == "word 29"


async def test_a_model_that_vanishes_before_it_is_loaded_is_told_of(parts: Parts, paths: Paths) -> None:
    path = model(paths.models / "Vanishes-1B-Q4_K_M.gguf")
    await listed(parts, path)
    await show_table(parts)
    page(parts).select(path)
    await parts.window.models.previewed()
    path.unlink()
    await parts.window.models.load(path)
    assert not isinstance(parts.loader.state, Ready)
    await until(lambda: not names(parts), "it leaves the list", within_s=15)
    assert page(parts).selected is None
    table(parts).close()


async def test_the_whole_header_is_shown_and_searched(parts: Parts, paths: Paths) -> None:
    path = model(paths.models / "Header-1B-Q4_K_M.gguf")
    await listed(parts, path)
    await show_table(parts)
    page(parts).select(path)
    details = table(parts).details
    lines = details.header._lines
    await until(lambda: lines.all, "the header")
    said = {line.key: line.value for line in lines.all}
    assert said["tokenizer.ggml.tokens"] == "1,500 values of str"
    assert said["general.license"] == "mit"
    assert said["token_embd.weight"].startswith("F16, 64 x 1,500")
    details.show_tab(1)
    QTest.keyClicks(details.header.search, "embd 1,500")
    assert [line.key for line in lines.shown] == ["token_embd.weight"]
    details.show_tab(2)
    assert details.template.toPlainText().startswith("{% for message in messages %}")
    colours = [
        each.format.foreground().color().name() for each in details.template.document().firstBlock().layout().formats()
    ]
    assert len(set(colours)) >= 2, "Jinja has colours"
    table(parts).close()


async def test_why_a_header_cannot_be_shown_is_said_in_its_tab(parts: Parts, paths: Paths) -> None:
    path, broken = model(paths.models / "Whole-1B-Q4_K_M.gguf"), paths.models / "Broken-1B-Q4_K_M.gguf"
    broken.write_bytes(path.read_bytes()[:200])
    await listed(parts, path, broken)
    await show_table(parts)
    details = table(parts).details
    details.show_tab(1)
    for selected, is_shown in ((broken, False), (path, True), (broken, False)):
        page(parts).select(selected)
        await until(lambda shown=is_shown: (details.header.view.model().rowCount() > 10) == shown, selected.name)
        await until(lambda shown=is_shown: details.header.problem.isVisible() != shown, selected.name)
        assert details.header.search.isVisible() == is_shown
    assert broken.name in details.header.problem.text()
    table(parts).close()


async def test_to_the_trash_and_back(parts: Parts, paths: Paths, trash: Path) -> None:
    path = model(paths.models / "Trash-1B-Q4_K_M.gguf")
    content = path.read_bytes()
    await listed(parts, path)
    parts.window.side_bar.show_tab(Tab.MODELS)
    page(parts).select(path)
    page(parts).view.setFocus()
    QTest.keyClick(page(parts).view, Qt.Key.Key_Delete)
    await until(lambda: not names(parts), "it is gone from the list")
    assert not path.exists()
    assert [file.name for file in (trash / "files").iterdir()] == [path.name]
    assert page(parts).undo.isVisible()
    page(parts).undo.take_back()
    await until(lambda: page(parts).selected == path, "it is back, and selected")
    assert path.read_bytes() == content
    assert not list((trash / "files").iterdir())
    assert not list((trash / "info").iterdir())


async def test_who_leaves_the_table_can_still_take_back(parts: Parts, paths: Paths, trash: Path) -> None:
    path = model(paths.models / "Trash-1B-Q4_K_M.gguf")
    await listed(parts, path)
    parts.window.navigation.toggle_table()
    table = shelf(parts).table
    await until(table.isVisible, "the table, in the centre")
    page(parts).select(path)
    QTest.keyClick(table.view, Qt.Key.Key_Delete)
    await until(table.undo.isVisible, "it is offered where it was done")
    QTest.keyClick(table.view, Qt.Key.Key_Escape)
    await until(page(parts).undo.isVisible, "and then in the side bar, whatever page that shows")
    assert not table.undo.is_shown
    QTest.keyClick(parts.window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    await until(path.exists, "it is back")


async def test_a_loaded_model_is_ejected_before_it_is_trashed(
    parts: Parts, paths: Paths, starter_model: Path, trash: Path
) -> None:
    path = paths.models / "Loaded-135M-Q4_1.gguf"
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(starter_model, path)
    await listed(parts, path)
    await parts.window.models.load(path)
    assert isinstance(parts.loader.state, Ready)
    await until(lambda: page(parts).list.known[path].file.about.last_used > 0, "when it was used is kept")
    await shelf(parts).files.trash([page(parts).list.known[path].file])
    assert not isinstance(parts.loader.state, Ready)
    assert (trash / "files" / path.name).is_file()


async def test_what_other_programs_keep_is_explained(parts: Parts) -> None:
    for place, word in ((Place.OLLAMA, "ollama rm"), (Place.HUGGING_FACE, "hf cache")):
        with pytest.raises(UserFacingError, match=word):
            await shelf(parts).files.trash([ModelFile(Path("/nowhere/blob"), 1, place)])


async def test_all_of_a_set_goes_or_none(tmp_path: Path, trash: Path) -> None:
    first, second = tmp_path / "a-00001-of-00002.gguf", tmp_path / "a-00002-of-00002.gguf"
    first.write_text("one")
    with pytest.raises(UserFacingError, match="00002"):
        move_to_trash([first, second])
    assert first.read_text() == "one"
    second.write_text("two")
    moved = move_to_trash([first, second])
    assert not first.exists()
    first.write_text("another came")
    with pytest.raises(UserFacingError, match="another file"):
        bring_back(moved)
    assert (first.read_text(), second.read_text()) == ("another came", "two")
    assert [file.name for file in (trash / "files").iterdir()] == [first.name]


def test_what_is_being_fetched_does_not_go(tmp_path: Path, trash: Path) -> None:
    part = tmp_path / "a.gguf.part"
    part.write_text("half")
    lock = FileLock(tmp_path / "a.gguf.lock")
    assert lock.try_acquire()
    with pytest.raises(UserFacingError, match="being downloaded"):
        move_to_trash([part])
    assert part.read_text() == "half"
    lock.release()
    (moved,) = move_to_trash([part])
    assert moved.now.is_relative_to(trash)
    bring_back([moved])
    assert part.read_text() == "half"


def test_a_link_goes_alone(tmp_path: Path) -> None:
    blob, link = tmp_path / "blob", tmp_path / "link.gguf"
    blob.write_text("of all")
    link.symlink_to("blob")
    moved = move_to_trash([link])
    assert blob.read_text() == "of all"
    assert not os.path.lexists(link)
    bring_back(moved)
    assert link.readlink() == Path("blob")


def test_the_folder_of_the_trash_is_made(tmp_path: Path, trash: Path) -> None:
    """Qt makes the trash in it, and of a folder that is missing says "Bad file descriptor"."""
    path = tmp_path / "first-of-all.gguf"
    path.write_text("it")
    trash.parent.rmdir()
    (moved,) = move_to_trash([path])
    assert moved.now.is_relative_to(trash)
    assert trash.parent.stat().st_mode & 0o77 == 0


def test_why_a_file_cannot_go_is_said(tmp_path: Path, trash: Path) -> None:
    longest, plain = tmp_path / f"{'x' * 250}.gguf", tmp_path / "plain.gguf"
    for path in (longest, plain):
        path.write_text("it")
    with pytest.raises(UserFacingError, match="name is too long for the trash"):
        move_to_trash([longest])
    assert len(move_to_trash([longest.rename(tmp_path / f"{'x' * 235}.gguf")])) == 1
    shutil.rmtree(trash.parent)
    trash.parent.write_text("no folder")
    with pytest.raises(UserFacingError, match=f"{trash.parent}, which cannot be made") as told:
        move_to_trash([plain])
    assert "Bad file" not in str(told.value)
    assert plain.read_text() == "it"


async def test_verify_says_right_damaged_and_unknown(parts: Parts, paths: Paths) -> None:
    path = model(paths.models / "Verify-1B-Q4_K_M.gguf")
    await listed(parts, path)
    origins = Origins(paths)
    right = hashlib.sha256(path.read_bytes()).hexdigest()
    asked: list[Path] = []

    async def ask_hub(file: Path) -> str | None:
        asked.append(file)
        return answer

    async def said() -> str:
        dialog = shelf(parts).files.verify(page(parts).list.known[path].file)
        assert dialog is not None
        await until(dialog.notice.isVisible, "a verdict")
        dialog.close()
        return str(dialog.notice.text)

    shelf(parts).know(origins)
    assert "without an error" in await said()
    answer: str | None = right
    shelf(parts).know(origins, (), ask_hub)
    assert "right to the byte" in await said()
    answer = "0" * 64
    assert "damaged" in await said()
    assert asked == [path, path]
    origins.keep(path, Origin("org/name", "", right, path.stat().st_size))
    assert "right to the byte" in await said()
    assert asked == [path, path], "the disk knows it"


async def test_folders_are_added_left_out_and_removed(parts: Parts, paths: Paths, tmp_path: Path) -> None:
    own = model(paths.models / "Own-1B-Q4_K_M.gguf")
    added = model(tmp_path / "many models" / "Added-1B-Q4_K_M.gguf", "added")
    await listed(parts, own)
    page(parts).folders_requested.emit()
    dialog = parts.window.findChild(FoldersDialog)
    assert isinstance(dialog, FoldersDialog)
    dialog.add_folder(added.parent)
    await until(lambda: added.name in names(parts), "its models")
    assert page(parts).list.known[added].file.place is Place.ADDED
    dialog.add_folder(tmp_path / "gone")
    await until(dialog.notice.isVisible, "that one cannot be opened")
    await asyncio.sleep(0)
    switch = next(
        each
        for each in dialog.findChildren(QObject)
        if getattr(each, "accessibleName", str)() == "Look through many models"
    )
    switch.toggle()  # type: ignore[attr-defined]
    await until(lambda: added.name not in names(parts), "it is left out")
    dialog.close()
    assert added.is_file()


async def test_another_own_folder_takes_the_models_along(parts: Parts, paths: Paths, tmp_path: Path) -> None:
    path = model(paths.models / "org" / "Moved-1B-Q4_K_M.gguf")
    await listed(parts, path)
    page(parts).select(path)
    page(parts).offers.favourite()
    page(parts).folders_requested.emit()
    dialog = parts.window.findChild(FoldersDialog)
    assert isinstance(dialog, FoldersDialog)
    dialog.choose_own(tmp_path / "elsewhere")
    box = dialog.findChild(QMessageBox)
    assert isinstance(box, QMessageBox)
    QTest.mouseClick(button(box, "Move Models"), Qt.MouseButton.LeftButton)
    moved = tmp_path / "elsewhere" / "org" / path.name
    await until(lambda: moved in page(parts).list.known, "it is listed where it is now")
    assert not path.exists()
    assert page(parts).list.known[moved].file.about.favourite, "what was said of it came along"
    dialog.close()


async def test_a_move_that_was_stopped_goes_on_or_is_left(parts: Parts, paths: Paths, tmp_path: Path) -> None:
    here = model(paths.models / "org" / "Here-1B-Q4_K_M.gguf")
    parts.library.folders.set_own(tmp_path / "new", leaving=paths.models)
    await listed(parts, here)
    dialog = shelf(parts).folders.show()
    await until(dialog.leave.isVisible, "what can be done about it")
    dialog.leave.click()
    await until(lambda: not names(parts), "it is left there")
    assert here.is_file()
    assert not dialog.leave.isVisible()
    assert not dialog.notice.isVisible()
    dialog.close()
    parts.library.folders.set_own(tmp_path / "new", leaving=paths.models)
    dialog = shelf(parts).folders.show()
    await until(dialog.leave.isVisible, "once more")
    dialog.notice.remedy.click()
    there = tmp_path / "new" / "org" / here.name
    await until(lambda: there in page(parts).list.known, "it has moved")
    await until(lambda: "have moved" in dialog.notice.text, "it is told")
    assert not dialog.leave.isVisible()
    dialog.close()


async def test_a_dialog_that_is_closed_while_it_moves_stops_it(parts: Parts, paths: Paths, tmp_path: Path) -> None:
    for number in range(40):
        model(paths.models / f"Many{number}-1B-Q4_K_M.gguf", str(number))
    await listed(parts)
    dialog = shelf(parts).folders.show()
    gone: list[object] = []
    dialog.destroyed.connect(lambda *_: gone.append(None))
    dialog.moving.move_to(tmp_path / "new")
    dialog.close()
    await until(lambda: gone, "it is deleted when nothing of it runs")
    await until(lambda: len(names(parts)) == 40, "all are listed, wherever they are")
    own, left = tmp_path / "new", paths.models
    assert sum(len(list(folder.glob("*.gguf"))) for folder in (own, left)) == 40


class _Folders(QObject):
    def __init__(self) -> None:
        super().__init__()
        self.opened: list[str] = []

    @Slot(QUrl)
    def open(self, url: QUrl) -> None:
        self.opened.append(url.toLocalFile())


async def test_show_in_folder_without_a_file_manager(parts: Parts, paths: Paths) -> None:
    """There is no session bus here, so the folder itself is opened."""
    path = model(paths.models / "Where-1B-Q4_K_M.gguf")
    await listed(parts, path)
    folders = _Folders()
    QDesktopServices.setUrlHandler("file", folders, "open")  # type: ignore[arg-type] # the stub says bytes, which it refuses
    try:
        page(parts).offers.show_requested.emit(path)
        await until(lambda: folders.opened == [str(path.parent)], "its folder")
        page(parts).offers.show_requested.emit(path.with_name("gone.gguf"))
        await until(lambda: "cannot be shown" in notices(parts), "that is told")
    finally:
        QDesktopServices.unsetUrlHandler("file")


async def test_badges_of_what_is_in_sight_come_first(parts: Parts, paths: Paths) -> None:
    models = [model(paths.models / f"Many-{number}-1B-Q4_K_M.gguf", str(number)) for number in range(60)]
    parts.window.side_bar.show_tab(Tab.MODELS)
    await listed(parts, *models)
    rows = page(parts).list
    in_sight = page(parts).in_sight
    assert 5 < len(in_sight) < 60
    await until(lambda: all(path in rows.badges for path in in_sight), "those in sight")
    await asyncio.sleep(0.3)
    assert len(rows.badges) < 60, "nobody sees the others"
    page(parts).view.verticalScrollBar().setValue(page(parts).view.verticalScrollBar().maximum())
    await until(lambda: rows.shown[-1].path in rows.badges, "after a scroll")
    next(action for action in _orders(parts) if action.text() == "Best Fit").trigger()
    await until(lambda: len(rows.badges) == 60, "an order by the fit needs all")


def _orders(parts: Parts) -> list[QAction]:
    menu = page(parts).filter_button.menu()
    menu.aboutToShow.emit()
    orders = menu.actions()[0].menu()
    assert isinstance(orders, QMenu)
    return orders.actions()


async def test_no_touch_of_a_broken_file_stops_the_list(parts: Parts, paths: Paths) -> None:
    good = model(paths.models / "Good-1B-Q4_K_M.gguf")
    (paths.models / "broken.gguf").write_bytes(b"GGUF\x03\x00\x00\x00\x01")
    (paths.models / "empty.gguf").touch()
    await listed(parts, good)
    troubled = {file.path.name: file.trouble for file in page(parts).files}
    assert troubled["broken.gguf"] is not None
    assert troubled["empty.gguf"] is not None
    loads: list[Path] = []
    page(parts).load_requested.connect(loads.append)
    page(parts).select(paths.models / "broken.gguf")
    QTest.keyClick(page(parts).view, Qt.Key.Key_Return)
    assert not loads
    await until(lambda: "broken.gguf" in notices(parts) or parts.window.models.problem is not None, "why not")
    QApplication.processEvents()


async def test_renaming_asks_for_a_name(parts: Parts, paths: Paths) -> None:
    path = model(paths.models / "Rename-1B-Q4_K_M.gguf")
    await listed(parts, path)
    page(parts).select(path)
    QTest.keyClick(page(parts).view, Qt.Key.Key_F2)
    edit = parts.window.findChildren(QLineEdit)[-1]
    edit.setText("Better")
    QTest.keyClick(edit, Qt.Key.Key_Return)
    await until(lambda: page(parts).list.known[path].title == "Better", "its other name")
    assert path.is_file(), "the file keeps its own"
