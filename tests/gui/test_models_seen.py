"""What a person sees of My Models in the whole window: beside the table, after a folder was dropped, of what failed."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Build, drop, until
from gguf_writer import write_gguf
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QWidget

from nodetool_xl_desktop.app import Parts
from nodetool_xl_desktop.core import translation
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.library.model_file import ModelFile, Place, Trouble
from nodetool_xl_desktop.ui.centre import BESIDE_TABLE_FROM
from nodetool_xl_desktop.ui.models.columns import trouble_of
from nodetool_xl_desktop.ui.side_bar import Tab


def model(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_gguf(path, {"general.architecture": "llama", "general.name": path.stem}, [("a.weight", (64,), "F32")])
    return path


def seen(window: QWidget) -> str:
    return "\n".join(each.text() for each in window.findChildren(QLabel) if each.isVisible())


def undo_words(parts: Parts) -> str:
    bar = parts.window.side_bar.models.undo
    return "" if bar.isHidden() else bar.accessibleName()


async def test_the_fit_panel_leaves_a_narrow_table_its_room(build: Build) -> None:
    window = build().window
    centre, panel, table = window.centre, window.fit_panel, window.models.table
    window.resize(1360, 860)
    window.navigation.toggle_table()
    assert centre.page is table
    window.activateWindow()
    await until(table.view.hasFocus, "the keys are there")
    assert not panel.isVisible()
    centre.toggle_fit_panel()  # but it comes where a person asks for it
    assert panel.isVisible()
    centre.toggle_fit_panel()
    assert not panel.isVisible()
    window.resize(BESIDE_TABLE_FROM, 860)
    await until(panel.isVisible, "there is room for both")
    window.resize(1360, 860)
    await until(lambda: not panel.isVisible(), "there is none")
    QTest.keyClick(table.view, Qt.Key.Key_Escape)
    assert window.chat.isVisible()
    assert panel.isVisible(), "it was not put away for good"


async def test_a_dropped_folder_says_what_was_in_it_and_can_be_taken_back(
    build: Build, paths: Paths, tmp_path: Path
) -> None:
    parts = build()
    window = parts.window
    model(tmp_path / "many" / "One.gguf")
    model(tmp_path / "many" / "deep" / "Two.gguf")
    (tmp_path / "none").mkdir()
    drop(window, tmp_path / "many")
    await until(lambda: undo_words(parts) == "many added: 2 models", "it says how many")
    assert window.side_bar.tab is Tab.MODELS
    window.side_bar.models.undo.take_back()
    await until(lambda: not window.side_bar.models.files, "they are not listed any more")
    assert (tmp_path / "many" / "One.gguf").exists()
    drop(window, tmp_path / "none")
    await until(lambda: undo_words(parts) == "none added: no models in it", "it says that there are none")


async def test_what_could_not_be_opened_is_told_where_the_fit_panel_is_away(build: Build, tmp_path: Path) -> None:
    window = build().window
    window.navigation.show_downloads()
    (broken := tmp_path / "broken.gguf").write_bytes(b"no model")
    drop(window, broken)
    await until(lambda: "broken.gguf" in seen(window), "it is told")


def test_a_trouble_does_not_say_the_name_again() -> None:
    def said(what: str, name: str = "a is b.gguf") -> str:
        path = Path("/models") / name
        return trouble_of(ModelFile(path, 1, Place.OWN, (path,), modified_ns=0, trouble=Trouble(what, "why", "hint")))

    assert said("a is b.gguf is not complete") == "Not complete"
    assert said("a is b.gguf cannot be read") == "Cannot be read"
    assert said("a.gguf is not complete", "a.gguf.part") == "Not complete"
    assert said("Still coming") == "Still coming"
    assert said("a is b.gguf is damaged by something") == "a is b.gguf is damaged by something"
    assert said("a is b.gguf is one of 1,200 parts, and not all of them are here").startswith("One of 1,200 parts")


@pytest.mark.parametrize("code", ["de", translation.PSEUDO])
def test_a_trouble_does_not_say_the_name_again_in_another_language(code: str) -> None:
    path, before = Path("/models/a (1).gguf"), translation.language()
    translation.use(code)
    try:
        what = translation.tr("{path} is not complete", path=path.name)
        trouble = Trouble(what, "why", "hint")
        said = trouble_of(ModelFile(path, 1, Place.OWN, (path,), modified_ns=0, trouble=trouble))
        assert said == translation.tr("Not complete") != "Not complete"
    finally:
        translation.use(before)
