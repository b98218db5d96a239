"""My Models in the side bar and as a table: search, order, filters, selection, and what stays through a new scan."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import button, until
from model_files import badges, model_files
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QHBoxLayout, QLabel, QMenu, QWidget

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.fit.verdict import Verdict
from nodetool_xl_desktop.library.model_file import About, Capability, ModelFile, Place
from nodetool_xl_desktop.ui.models.entries import folded, natural, path_text
from nodetool_xl_desktop.ui.models.filters import Column, Filter, Order
from nodetool_xl_desktop.ui.models.models_page import ModelsPage
from nodetool_xl_desktop.ui.models.models_table import ModelsTable
from nodetool_xl_desktop.ui.parts import ElidedLabel
from nodetool_xl_desktop.ui.theme import Theme

COUNT = 400


class Shelf:
    """The page and the table beside each other."""

    def __init__(self, theme: Theme) -> None:
        self.window = QWidget()
        self.page = ModelsPage(theme)
        self.page.setFixedWidth(264)
        self.table = ModelsTable(theme, self.page)
        line = QHBoxLayout(self.window)
        line.addWidget(self.page)
        line.addWidget(self.table, 1)
        self.window.resize(1360, 800)
        self.window.show()
        self.files = model_files(COUNT)
        self.page.show_models(self.files)
        QApplication.processEvents()

    @property
    def shown(self) -> list[ModelFile]:
        return [entry.file for entry in self.page.list.shown]

    @property
    def said(self) -> list[str]:
        """The labels that are seen on the page."""
        return [label.text() for label in self.page.findChildren(QLabel) if label.isVisible()]

    def top(self) -> Path:
        return self.page.list.entry(self.page.view.indexAt(QPoint(2, 2))).path


@pytest.fixture
def theme(qapp: QApplication) -> Iterator[Theme]:
    made = Theme(qapp)
    yield made
    made.deleteLater()


@pytest.fixture
def shelf(qtbot: Any, theme: Theme) -> Iterator[Shelf]:
    made = Shelf(theme)
    yield made
    made.window.close()
    made.window.deleteLater()


async def test_typing_finds_by_everything_that_is_known(shelf: Shelf) -> None:
    searched: dict[str, Callable[[ModelFile], bool]] = {
        "qwen3": lambda file: "Qwen3" in file.path.name,
        "QWEN2 q8_0": lambda file: "wen2" in repr(file.facts).lower() and "Q8_0" in file.path.name,
        "folder17": lambda file: file.path.parent.name == "folder17",
        "exact": lambda file: "exact" in file.about.notes,
        "work gemma": lambda file: "work" in file.about.tags and "gemma" in file.path.name,
        "ollama": lambda file: file.place is Place.OLLAMA,
        "apache vision": lambda file: Capability.VISION in file.capabilities,
    }
    for words, passes in searched.items():
        QTest.keyClicks(shelf.page.search, words)
        assert shelf.shown == [file for file in shelf.files if passes(file)], words
        assert shelf.shown
        assert shelf.table.search.text() == words, "both search for the same"
        assert f"{len(shelf.shown)} of {COUNT}" in shelf.said
        QTest.keyClick(shelf.page.search, Qt.Key.Key_Escape)
    assert len(shelf.shown) == COUNT
    QTest.keyClicks(shelf.page.search, "no such model")
    assert not shelf.shown
    assert "No model matches." in shelf.said
    QTest.mouseClick(button(shelf.page, "Clear"), Qt.MouseButton.LeftButton)
    assert len(shelf.shown) == COUNT
    assert "No model matches." not in shelf.said


async def test_a_search_follows_accents_and_other_scripts() -> None:
    assert folded("Façade ÜBER") == "facade uber"
    assert folded("Straße") == folded("STRASSE")
    assert sorted(("Qwen 14B", "Qwen 4B", "alpha", "Qwen"), key=natural) == ["alpha", "Qwen", "Qwen 4B", "Qwen 14B"]
    assert natural("9" * 5000), "no number is so long"


async def test_the_selection_and_the_place_outlive_a_new_scan(shelf: Shelf) -> None:
    heard: list[Path] = []
    shelf.page.model_selected.connect(heard.append)
    chosen = shelf.files[200].path
    shelf.page.select(chosen)
    QApplication.processEvents()
    assert heard == [chosen]
    before, place = shelf.top(), shelf.page.view.visualRect(shelf.page.view.currentIndex()).top()
    assert before != shelf.files[0].path
    new = [replace(file, path=file.path.with_name(f"A{number}.gguf")) for number, file in enumerate(shelf.files[:7])]
    shelf.page.show_models([*new, *shelf.files])
    QApplication.processEvents()
    assert shelf.page.selected == chosen
    assert shelf.page.view.currentIndex().row() == 207
    assert (shelf.top(), shelf.page.view.visualRect(shelf.page.view.currentIndex()).top()) == (before, place)
    assert heard == [chosen], "nothing was selected anew"
    shelf.page.show_models([file for file in shelf.files if file.path != chosen])
    assert shelf.page.selected is None


async def test_a_filter_hides_the_selected_model_and_does_not_forget_it(shelf: Shelf) -> None:
    chosen = next(file for file in shelf.files if "Qwen3" in file.path.name)
    shelf.page.select(chosen.path)
    QTest.keyClicks(shelf.page.search, "gemma")
    assert shelf.page.selected == chosen.path
    assert not shelf.page.view.currentIndex().isValid()
    shelf.page.clear_filters()
    assert shelf.page.list.file(shelf.page.view.currentIndex()) == chosen
    QTest.keyClicks(shelf.page.search, "gemma")
    shelf.page.select(chosen.path)  # it was dropped on the window
    assert shelf.page.list.filter == Filter(), "or what was opened would not be seen"


async def test_one_click_on_a_header_sorts_both(shelf: Shelf) -> None:
    header = shelf.table.view.horizontalHeader()

    def click(column: Column) -> None:
        place = QPoint(header.sectionViewportPosition(column) + 20, 10)
        QTest.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=place)

    click(Column.SIZE)
    sizes = [file.size for file in shelf.shown]
    assert sizes == sorted(sizes, reverse=True)
    click(Column.SIZE)
    assert [file.size for file in shelf.shown] == sorted(sizes)
    assert header.isSortIndicatorShown()
    click(Column.SIZE)
    assert shelf.shown == shelf.files, "the library's own order"
    click(Column.PARAMETERS)
    known = [file.facts.n_params for file in shelf.shown if file.facts]
    assert known == sorted(known, reverse=True)
    assert [file.facts for file in shelf.shown[len(known) :]] == [None] * (COUNT - len(known)), "what is not known last"
    click(Column.PARAMETERS)
    assert shelf.shown[-1].facts is None, "also the other way round"
    for column in Column:
        shelf.page.list.set_order(Order(column))
        assert len(shelf.shown) == COUNT


@pytest.mark.qt_log_ignore("raise", "grabbing the keyboard", "propagateSizeHints")
async def test_the_filter_menu_is_worked_by_keys(shelf: Shelf) -> None:
    shelf.page.list.set_badges(badges(shelf.files))
    button = shelf.page.filter_button
    menu = button.menu()
    button.setFocus()
    menu.popup(button.mapToGlobal(QPoint(0, 20)))
    await until(menu.isVisible, "the menu")
    titles = {action.text().partition("\t")[0]: action for action in menu.actions()}
    favourites = sum(file.about.favourite for file in shelf.files)
    assert titles["Favourites"].text().endswith(f"\t{favourites}")
    menu.setActiveAction(titles["Favourites"])
    QTest.keyClick(menu, Qt.Key.Key_Space)
    assert menu.isVisible(), "more can be chosen"
    assert len(shelf.shown) == favourites
    assert "Favourites" in shelf.table._status.text()
    QTest.keyClick(menu, Qt.Key.Key_Space)
    assert len(shelf.shown) == COUNT
    fits = titles["Fit"].menu()
    assert isinstance(fits, QMenu)
    next(action for action in fits.actions() if action.text() == Verdict.FITS.value).trigger()
    assert {shelf.page.list.badges[file.path].verdict for file in shelf.shown} == {Verdict.FITS}
    menu.close()


@pytest.mark.parametrize(
    ("chosen", "passes"),
    [
        (Filter(troubled=True), lambda file: file.trouble is not None),
        (Filter(duplicates=True), lambda file: bool(file.same_as)),
        (Filter(tags=frozenset({"work"})), lambda file: "work" in file.about.tags),
        (Filter(places=frozenset({Place.OWN, Place.OLLAMA})), lambda file: file.place in (Place.OWN, Place.OLLAMA)),
        (Filter(architectures=frozenset({"qwen2"})), lambda file: file.facts and file.facts.architecture == "qwen2"),
        (
            Filter(capabilities=frozenset({Capability.TOOLS, Capability.VISION})),
            lambda file: {Capability.TOOLS, Capability.VISION} <= file.capabilities,
        ),
    ],
)
async def test_each_filter_leaves_what_it_says(shelf: Shelf, chosen: Filter, passes: Any) -> None:
    shelf.page.list.set_filter(chosen)
    wanted = [file for file in shelf.files if passes(file)]
    assert shelf.shown == wanted
    assert 0 < len(wanted) < COUNT
    assert button(shelf.page, "Clear").isVisible()


async def test_several_are_selected_in_both(shelf: Shelf) -> None:
    view = shelf.table.view
    shelf.page.select(shelf.files[2].path)
    view.setFocus()
    for _ in range(3):
        QTest.keyClick(view, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    chosen = shelf.files[2:6]
    assert shelf.page.selection.files == chosen
    assert {index.row() for index in shelf.page.view.selectedIndexes()} == {2, 3, 4, 5}
    QTest.keyClick(view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == "\n".join(str(file.path) for file in chosen)
    QGuiApplication.clipboard().clear()
    said: list[Any] = []
    shelf.page.offers.about_requested.connect(lambda files, what: said.append((files, what)))
    QTest.keyClick(view, Qt.Key.Key_D, Qt.KeyboardModifier.ControlModifier)
    assert said == [(chosen, {"favourite": True})], "one of them was one already"
    loads: list[Path] = []
    shelf.page.load_requested.connect(loads.append)
    QTest.keyClick(view, Qt.Key.Key_Return)
    assert loads == [chosen[0].path]


async def test_keys_of_the_cards_go_to_both_ends(shelf: Shelf) -> None:
    shelf.page.select(shelf.files[5].path)
    QTest.keyClick(shelf.page.view, Qt.Key.Key_End)
    assert shelf.page.selected == shelf.files[-1].path
    QTest.keyClick(shelf.page.view, Qt.Key.Key_Home)
    assert shelf.page.selected == shelf.files[0].path
    QTest.keyClicks(shelf.page.search, "gemma")
    QTest.keyClick(shelf.page.search, Qt.Key.Key_Down)
    assert shelf.page.view.hasFocus()
    assert shelf.page.selected == shelf.shown[0].path


async def test_a_drag_of_a_column_is_told_once_it_rests(shelf: Shelf) -> None:
    told: list[None] = []
    view = shelf.table.view
    await asyncio.sleep(0.5)  # what laying it out has changed
    view.columns_changed.connect(lambda: told.append(None))
    for width in range(90, 140):
        view.horizontalHeader().resizeSection(Column.SIZE, width)
    assert told == []
    await asyncio.sleep(0.6)
    assert len(told) == 1


async def test_a_list_that_nobody_watches_says_so(shelf: Shelf) -> None:
    says = next(each for each in shelf.page.findChildren(ElidedLabel) if "models" in each.text())
    shelf.page.show_unwatched(UserFacingError("The model folders are not watched", "no watch is left"))
    assert says.text().endswith("models, not watched")
    assert "no watch is left" in says.toolTip()
    shelf.page.show_unwatched(None)
    assert says.text().endswith("models")


async def test_columns_are_chosen_and_kept(shelf: Shelf, theme: Theme) -> None:
    view = shelf.table.view
    assert view.isColumnHidden(Column.LICENCE)
    menu = QMenu()
    view.fill_columns(menu)
    next(action for action in menu.actions() if action.text() == "Licence").trigger()
    next(action for action in menu.actions() if action.text() == "Context").trigger()
    other = ModelsTable(theme, shelf.page)
    other.view.use_columns(view.columns)
    assert not other.view.isColumnHidden(Column.LICENCE)
    assert other.view.isColumnHidden(Column.CONTEXT)
    assert other.view.columns == view.columns
    for state in ("no state at all", "AAAA/wAAAAAAAAABAAAAAQAAAAgB", "-NAME:0 -TOMORROW:80 SIZE:", "-Fit:104"):
        other.view.use_columns(state)
        assert other.view.columns == view.columns, state
    other.deleteLater()
    menu.deleteLater()


async def test_columns_are_kept_by_name(shelf: Shelf) -> None:
    """What another version kept says nothing of a column that only this one has."""
    view, header = shelf.table.view, shelf.table.view.horizontalHeader()
    view.use_columns("NAME:0 SIZE:140 -FIT:0 TAGS:120 SIZES:7")
    shown = [Column(header.logicalIndex(place)) for place in range(header.count())]
    assert shown[:4] == [Column.NAME, Column.SIZE, Column.FIT, Column.TAGS]
    assert view.isColumnHidden(Column.FIT)
    assert not view.isColumnHidden(Column.PLACE)
    assert view.isColumnHidden(Column.LICENCE)
    assert header.sectionSize(Column.SIZE) == 140
    view.show_column(Column.FIT, True)
    assert header.sectionSize(Column.FIT) > 56


async def test_the_fit_is_seen_beside_the_name_in_a_narrow_table(shelf: Shelf) -> None:
    shelf.window.resize(760, 600)
    view = shelf.table.view
    await until(lambda: view.viewport().width() < 560, "a narrow table")
    left = view.horizontalHeader().sectionViewportPosition(Column.FIT)
    assert left + view.horizontalHeader().sectionSize(Column.FIT) <= view.viewport().width()


async def test_an_adapter_that_is_not_loaded_is_told(shelf: Shelf) -> None:
    told = replace(shelf.files[0], place=Place.OLLAMA, adapters=(Path("/ollama/blobs/sha256-ab"),), trouble=None)
    shelf.page.show_models([told, *shelf.files[1:]])
    for entry, count in ((shelf.page.list.known[told.path], 1), (shelf.page.list.known[shelf.files[1].path], 0)):
        shelf.table.details.show_entry(entry, None)
        QApplication.processEvents()
        said = [each.text() for each in shelf.table.details.about.findChildren(QLabel) if not each.isHidden()]
        assert sum("It is not loaded here" in text and "Ollama" in text for text in said) == count
        assert ("Adapter" in said) == bool(count)


async def test_odd_names_are_one_line_each(shelf: Shelf) -> None:
    odd = [
        "a\nb\u202egguf.exe",
        "\N{GRINNING FACE} model",
        os.fsdecode(b"bad\xff\xfename"),
        "x" * 250,
        "<b>bold</b> & more",
        "\N{HEBREW LETTER ALEF}" * 60,
    ]
    files = [
        ModelFile(Path("/models") / f"{name}.gguf", 10**9, Place.OWN, about=About(notes=name, tags=(name[:30],)))
        for name in odd
    ]
    shelf.page.show_models(files)
    shelf.page.select(files[0].path)
    for file in files:
        entry = shelf.page.list.known[file.path]
        assert "\n" not in entry.title
        assert "\u202e" not in entry.title
        path_text(file.path).encode()
        shelf.table.details.show_entry(entry, None)
        assert not shelf.window.grab().isNull()
    tip = str(shelf.page.list.index_of(files[4].path).data(Qt.ItemDataRole.ToolTipRole))
    assert "<b>" not in tip
    QTest.keyClicks(shelf.page.search, "bold more")
    assert shelf.shown == [files[4]]


async def test_both_themes_draw_all_of_it(shelf: Shelf, theme: Theme) -> None:
    shelf.page.list.set_badges(badges(shelf.files))
    shelf.page.show_loaded(shelf.files[1].path)
    shelf.page.select(shelf.files[3].path)
    pictures = set()
    for scheme in (Qt.ColorScheme.Light, Qt.ColorScheme.Dark):
        theme.choose(scheme)
        QApplication.processEvents()
        for widget in (shelf.page.view, shelf.table.view):
            pictures.add(widget.grab().toImage().pixelColor(5, 5).name())
    assert len(pictures) >= 2, "the ground follows the theme"


@pytest.mark.parametrize("count", [2000])
async def test_a_key_is_searched_for_before_the_next_frame(theme: Theme, qtbot: Any, count: int) -> None:
    """An issue names this bound (16 ms); `make bench` measures it with the painting. Here: the processor time of the
    window's thread, so that a busy machine does not fail it."""
    page = ModelsPage(theme)
    qtbot.addWidget(page)
    page.show_models(model_files(count))
    page.show()
    QApplication.processEvents()
    took = []
    for words in ("qwen q4 work", "zzz"):
        for letter in words:
            began = time.thread_time()
            QTest.keyClicks(page.search, letter)
            QApplication.processEvents()
            took.append((time.thread_time() - began) * 1000)
        page.search.clear()
        QApplication.processEvents()
    assert sorted(took)[len(took) // 2] < 16, took
