"""The preset panel with a real store: by mouse and by keys, what is set, where it comes from, and what is told."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
from conftest import until
from PySide6.QtCore import QCoreApplication, QEvent, QPoint, Qt
from PySide6.QtGui import QAccessible, QAction, QColor, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QLabel, QMainWindow, QPushButton, QTextEdit, QWidget

from nodetool_xl_desktop.chat import answer_format
from nodetool_xl_desktop.chat.asking import asking
from nodetool_xl_desktop.provider.values import TokenCount
from nodetool_xl_desktop.store.presets import Preset, Scope
from nodetool_xl_desktop.store.store import Store
from nodetool_xl_desktop.ui.presets.choice_row import ReasoningRow
from nodetool_xl_desktop.ui.presets.preset_button import PresetButton
from nodetool_xl_desktop.ui.presets.preset_flow import PresetFlow
from nodetool_xl_desktop.ui.presets.preset_panel import PresetPanel
from nodetool_xl_desktop.ui.presets.text_rows import FormatRow, StopRow, TextRow
from nodetool_xl_desktop.ui.presets.value_rows import NumberRow
from nodetool_xl_desktop.ui.tasks import Tasks
from nodetool_xl_desktop.ui.theme import Theme

MODEL = "smollm2"
LEFT = Qt.MouseButton.LeftButton
K = Qt.Key


@dataclass
class Desk:
    """A window with the button in its corner, as the program has it."""

    window: QMainWindow
    theme: Theme
    tasks: Tasks
    button: PresetButton
    flow: PresetFlow
    other: QTextEdit
    stops: list[bool] = field(default_factory=list)
    store: Store | None = None
    chat: str = ""

    @property
    def panel(self) -> PresetPanel:
        return self.flow.panel

    def number(self, name: str) -> NumberRow:
        return cast("NumberRow", self.panel.row(name))

    def text(self, name: str) -> TextRow:
        return cast("TextRow", self.panel.row(name))

    @property
    def form(self) -> FormatRow:
        return cast("FormatRow", self.panel.row("response_format"))

    def type(self, name: str, text: str, then: Qt.Key = K.Key_Return) -> None:
        """Type a number in place of what stands there."""
        edit = self.number(name).field
        edit.setFocus()
        edit.selectAll()
        QTest.keyClick(edit, K.Key_Delete)
        QTest.keyClicks(edit, text)
        QTest.keyClick(edit, then)

    def press(self, text: str) -> None:
        found = [each for each in self.panel.findChildren(QPushButton) if each.text() == text and each.isVisible()]
        assert len(found) == 1, text
        QTest.mouseClick(found[0], LEFT)

    def scope(self, scope: Scope) -> None:
        QTest.mouseClick(self.panel._scopes.button(scope.value), LEFT)

    def pick(self, name: str) -> None:
        """Choose a preset by the arrow keys, which choose all that lie in between as well."""
        combo = self.panel.chooser.combo
        combo.setFocus()
        for _ in range(combo.count()):
            if (steps := combo.findData(name) - combo.currentIndex()) != 0:
                QTest.keyClick(combo, K.Key_Down if steps > 0 else K.Key_Up)
        assert combo.value == name

    def menu(self, text: str) -> None:
        self.panel.chooser.actions_by_text[text].trigger()

    async def kept(self) -> dict[str, Any]:
        """What the store says that this chat is asked with."""
        await self.flow.saved()
        assert self.store is not None
        return {name: each.value for name, each in (await self.store.presets.settings(self.chat, MODEL)).items()}


@pytest.fixture
def desk(qapp: QApplication, qtbot: Any, loop: asyncio.AbstractEventLoop, tmp_path: Path) -> Iterator[Desk]:
    """A window whose chats are not opened yet; afterwards nothing of it may be left."""
    theme, tasks, window = Theme(qapp), Tasks(), QMainWindow()
    window.resize(1100, 860)
    button, other = PresetButton(theme), QTextEdit()
    window.setCentralWidget(other)
    button.setParent(window)
    button.setGeometry(900, 8, 180, 34)
    made = Desk(window, theme, tasks, button, PresetFlow(theme, tasks, button), other)
    stop = QAction("Stop", window)
    stop.setShortcut(QKeySequence("Esc"))
    stop.triggered.connect(lambda: made.stops.append(True))
    window.addAction(stop)
    window.show()
    window.activateWindow()
    yield made

    async def end() -> None:
        await made.flow.saved()
        await tasks.cancel_all()
        if made.store is not None:
            await made.store.close()

    loop.run_until_complete(end())
    window.close()
    window.deleteLater()
    theme.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    assert not [task for task in asyncio.all_tasks(loop) if not task.done()]
    assert not [widget for widget in QApplication.topLevelWidgets() if widget.isVisible()]


async def opened(desk: Desk, tmp_path: Path, *presets: Preset) -> Desk:
    """The same with a chat that is on the disk, and the panel open."""
    desk.store = await Store.open(tmp_path / "chats")
    desk.chat = (await desk.store.list.new()).id
    for preset in presets:
        await desk.store.presets.keep(preset)
    desk.flow.show_for(desk.chat, MODEL, "SmolLM2 135M")
    desk.flow.set_store(desk.store)
    heard: list[bool] = []
    desk.flow.changed.connect(lambda: heard.append(True))
    await until(lambda: heard, "what is set was read")
    QTest.mouseClick(desk.button, LEFT)
    assert desk.panel.isVisible()
    return desk


GLOBAL = Preset(Scope.GLOBAL, system_prompt="Be brief.", sampling={"top_k": 60, "stop": ["THE END"]})
OF_MODEL = Preset(Scope.MODEL, MODEL, sampling={"temperature": 0.6})
PIRATE = Preset(Scope.NAMED, name="Pirate", system_prompt="Arr.", sampling={"temperature": 0.9})


def seen(widget: QWidget) -> list[str]:
    return [each.text() for each in widget.findChildren(QLabel) if each.isVisible()]


# Opening and closing


async def test_until_the_chats_are_open_it_says_so(desk: Desk, tmp_path: Path) -> None:
    QTest.mouseClick(desk.button, LEFT)
    assert "The chats are being opened ..." in seen(desk.panel)
    assert not desk.number("temperature").isVisible()
    desk.store = await Store.open(tmp_path / "chats")
    desk.flow.set_store(desk.store)
    await until(lambda: desk.number("temperature").isVisible(), "the values")
    assert "The chats are being opened ..." not in seen(desk.panel)


async def test_escape_closes_it_and_stops_nothing(desk: Desk, tmp_path: Path) -> None:
    await opened(desk, tmp_path)
    for inside in (desk.number("top_p").field, desk.text("system_prompt").edit, desk.panel.chooser.combo):
        desk.panel.open()
        inside.setFocus()
        QTest.keyClick(inside, K.Key_Escape)
        assert not desk.panel.isVisible(), inside
        assert desk.window.focusWidget() is desk.button
    assert not desk.stops
    desk.panel.open()
    desk.other.setFocus()
    QTest.keyClick(desk.other, K.Key_Escape)
    assert desk.stops, "the window's own Esc works as long as the keys are elsewhere"
    assert desk.panel.isVisible(), "and the panel leaves the rest of the window as it is"
    QTest.mouseClick(desk.button, LEFT)
    assert not desk.panel.isVisible()


@pytest.mark.parametrize("size", [(1360, 860), (1024, 640), (420, 400)])
async def test_it_lies_in_the_window_below_its_button(desk: Desk, tmp_path: Path, size: tuple[int, int]) -> None:
    await opened(desk, tmp_path)
    desk.window.resize(*size)
    desk.button.move(size[0] - 200, 8)
    await until(lambda: desk.window.rect().contains(desk.panel.geometry()), "inside the window")
    assert desk.panel.y() >= desk.button.geometry().bottom()
    row = desk.form
    row.combo.setFocus()
    desk.panel._scroll.ensureWidgetVisible(row.combo)
    await asyncio.sleep(0.05)
    assert desk.panel.rect().contains(row.combo.mapTo(desk.panel, row.combo.rect().center()))
    assert desk.panel._scroll.widget().width() <= desk.panel.width(), "nothing is cut off on the right"


async def test_the_tab_key_goes_through_all_of_it(desk: Desk, tmp_path: Path) -> None:
    await opened(desk, tmp_path, GLOBAL, OF_MODEL)
    desk.other.setTabChangesFocus(True)  # as the texts of the window do: the close button is come to from there
    names: list[str] = []
    for _ in range(40):
        focus = desk.window.focusWidget()
        assert focus is not None
        if desk.panel.isAncestorOf(focus):
            names.append(focus.accessibleName())
        QTest.keyClick(focus, K.Key_Tab)
    order = ["Set for: This Chat", "Preset", "More for presets", "System Prompt", "Temperature, slider", "Temperature"]
    places = [names.index(name) for name in [*order, "Seed", "Stop Strings", "Answer Format", "Close the preset panel"]]
    assert places == sorted(places), names


async def test_every_control_has_a_name_and_what_is_written_is_no_markup(desk: Desk, tmp_path: Path) -> None:
    odd = Preset(Scope.NAMED, name="<b>&x</b>", sampling={"<i>odd</i>": 1})
    await opened(desk, tmp_path, odd, Preset(Scope.GLOBAL, sampling={"<i>odd</i>": 1}))
    desk.scope(Scope.GLOBAL)
    for widget in desk.panel.findChildren(QWidget):
        if widget.focusPolicy() is not Qt.FocusPolicy.NoFocus and widget.isVisible():
            interface = QAccessible.queryAccessibleInterface(widget)
            assert interface is None or interface.text(QAccessible.Text.Name).strip(), widget
    for shown in desk.panel.findChildren(QLabel):
        assert shown.textFormat() is Qt.TextFormat.PlainText, shown.text()
    assert "Kept, but not used here: <i>odd</i>" in seen(desk.panel)
    assert desk.button.text() == "Preset: <b>&&x</b>"


# Values


async def test_each_value_says_where_it_comes_from(desk: Desk, tmp_path: Path) -> None:
    await opened(desk, tmp_path, GLOBAL, OF_MODEL)
    for name, shown, whence in (
        ("temperature", "0.6", "from this model"),
        ("top_k", "60", "from all chats"),
        ("top_p", "0.95", "engine's default"),
        ("repeat_penalty", "1.1", "this program's default"),
        ("max_tokens", "no limit", "engine's default"),
    ):
        row = desk.number(name)
        assert (row.field.text(), row.field.placeholderText().strip()) == ("", shown), name
        assert whence in seen(row), name
        assert not row.reset.isVisible()
    prompt = desk.text("system_prompt")
    assert (prompt.edit.toPlainText(), prompt.edit.placeholderText()) == ("", "Be brief.")
    assert desk.text("stop").edit.placeholderText() == "THE END"


async def test_a_number_is_typed(desk: Desk, tmp_path: Path) -> None:
    await opened(desk, tmp_path, OF_MODEL)
    heard: list[bool] = []
    desk.flow.changed.connect(lambda: heard.append(True))
    desk.type("temperature", "1,3")
    assert heard
    assert desk.number("temperature").field.text() == "1.3"
    assert "set for this chat" in seen(desk.number("temperature"))
    assert desk.button.text() == "Preset: Custom"
    desk.type("seed", "42", then=K.Key_Tab)
    desk.type("max_tokens", "no limit")
    assert await desk.kept() == {"temperature": 1.3, "seed": 42, "max_tokens": -1}
    asked = asking(desk.flow.settings).sampling
    assert (asked.temperature, asked.seed, asked.max_tokens) == (1.3, 42, None)
    desk.type("temperature", "")
    assert await desk.kept() == {"temperature": 0.6, "seed": 42, "max_tokens": -1}


async def test_a_number_is_slid_and_stepped_by_keys_and_by_the_mouse(desk: Desk, tmp_path: Path) -> None:
    await opened(desk, tmp_path)
    row = desk.number("temperature")
    row.slider.setFocus()
    QTest.keyClick(row.slider, K.Key_Right)
    assert row.field.text() == "0.85"
    QTest.keyClick(row.slider, K.Key_Home)
    assert row.field.text() == "0"
    QTest.mouseClick(row.slider, LEFT, pos=QPoint(row.slider.width() - 3, row.slider.height() // 2))
    assert float(row.field.text()) > 0
    row.field.setFocus()
    QTest.keyClick(row.field, K.Key_Up)
    stepped = float(row.field.text())
    assert row.slider.value() == round(stepped / 0.05)
    seed = desk.number("seed")
    assert not seed.slider.isVisible()
    QTest.keyClick(seed.field, K.Key_Up)
    assert seed.field.text() == "0"
    assert await desk.kept() == {"temperature": stepped, "seed": 0}


async def test_what_is_out_of_range_is_told_and_not_kept(desk: Desk, tmp_path: Path) -> None:
    await opened(desk, tmp_path)
    row = desk.number("top_p")
    desk.type("top_p", "1.2")
    assert row.problem == "Top P is 1.2; it has to be a number from 0 to 1. Still used: 0.95."
    assert row.field.text() == "1.2", "what was typed can be mended"
    desk.type("temperature", "warm")
    assert "Temperature is 'warm'" in desk.number("temperature").problem
    assert row.problem, "another value changes nothing about it"
    assert await desk.kept() == {}
    desk.type("top_p", "0.2")
    assert not row.problem
    assert await desk.kept() == {"top_p": 0.2}
    desk.type("top_p", "7")
    assert "Still used: 0.2." in row.problem
    QTest.keyClick(row.field, K.Key_Escape)
    desk.panel.open()
    assert (row.problem, row.field.text()) == ("", "0.2"), "opened again, it shows what is used"
    QTest.mouseClick(row.reset, LEFT)
    assert await desk.kept() == {}


async def test_a_value_is_given_back(desk: Desk, tmp_path: Path) -> None:
    own = Preset(Scope.CHAT, "", sampling={})
    await opened(desk, tmp_path, OF_MODEL, own)
    desk.type("temperature", "1.5")
    row = desk.number("temperature")
    assert "0.6" in row.reset.toolTip()
    row.reset.setFocus()
    QTest.keyClick(row.reset, K.Key_Space)
    assert (row.field.text(), row.field.placeholderText().strip()) == ("", "0.6")
    assert desk.window.focusWidget() is row.field, "the keys stay in the row when the button goes"
    assert await desk.kept() == {"temperature": 0.6}


async def test_a_system_prompt_is_written_and_counted(desk: Desk, tmp_path: Path) -> None:
    await opened(desk, tmp_path, GLOBAL)
    edit = desk.text("system_prompt").edit
    await until(lambda: desk.panel.tokens.startswith("about "), "the tokens of the one that is inherited")
    edit.setFocus()
    QTest.keyClicks(edit, "You are a pirate. ")
    QTest.keyClick(edit, K.Key_Return)
    assert edit.toPlainText() == "You are a pirate. \n", "what is typed stays as it is typed"
    await until(lambda: desk.panel.tokens not in ("", "about 4 tokens"), "counted again")
    assert (await desk.kept())["system_prompt"] == "You are a pirate. \n"
    QTest.keyClick(edit, K.Key_A, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClick(edit, K.Key_Delete)
    assert (await desk.kept())["system_prompt"] == "", "emptied, it says: none here"
    assert edit.placeholderText() == "No system prompt."
    await until(lambda: desk.panel.tokens == "", "nothing costs nothing")
    QTest.mouseClick(desk.text("system_prompt").reset, LEFT)
    assert (await desk.kept())["system_prompt"] == "Be brief."
    assert edit.placeholderText() == "Be brief."


async def test_tokens_are_exact_where_the_model_counts_them(
    desk: Desk, tmp_path: Path, qapp: QApplication, loop: asyncio.AbstractEventLoop
) -> None:
    async def count(text: str) -> TokenCount:
        return TokenCount(len(text.split()), exact=True)

    button = PresetButton(desk.theme)
    button.setParent(desk.window)
    button.show()
    desk.flow = PresetFlow(desk.theme, desk.tasks, button, count)
    desk.button = button
    await opened(desk, tmp_path, GLOBAL)
    await until(lambda: desk.panel.tokens == "2 tokens", "the exact count")


async def test_stop_strings_are_lines(desk: Desk, tmp_path: Path) -> None:
    await opened(desk, tmp_path)
    edit = desk.text("stop").edit
    edit.setFocus()
    QTest.keyClicks(edit, "THE END")
    QTest.keyClick(edit, K.Key_Return)
    assert edit.toPlainText() == "THE END\n", "the line that is still empty stays"
    QTest.keyClicks(edit, r"\n\nUser: \\n")
    assert (await desk.kept())["stop"] == ["THE END", "\n\nUser: \\n"]
    row = cast("StopRow", desk.text("stop"))
    assert row.to_text(["THE END", "\n\nUser: \\n"]) == edit.toPlainText()
    QTest.keyClick(edit, K.Key_A, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClick(edit, K.Key_Delete)
    assert await desk.kept() == {}


async def test_in_a_low_window_the_field_for_a_grammar_comes_into_sight(desk: Desk, tmp_path: Path) -> None:
    desk.window.resize(1024, 640)
    await opened(desk, tmp_path)
    form = desk.form
    form.combo.setFocus()
    form.combo.setCurrentIndex(form.combo.count() - 1)
    assert form.edit.isVisible()

    def is_seen() -> bool:
        return bool(form.edit.visibleRegion().boundingRect().height() == form.edit.height())

    await until(is_seen, "all of the field is in sight")


async def test_a_schema_and_a_grammar_are_used_once_they_can_be(desk: Desk, tmp_path: Path) -> None:
    await opened(desk, tmp_path)
    form = desk.form
    form.combo.setFocus()
    QTest.keyClick(form.combo, K.Key_Down)
    assert (await desk.kept())["response_format"] == {"type": "json_object"}
    assert not form.edit.isVisible()
    QTest.keyClick(form.combo, K.Key_Down)
    assert form.edit.isVisible()
    first = (await desk.kept())["response_format"]
    assert first["type"] == "json_schema", "it begins with one that can be used"
    form.edit.setFocus()
    QTest.keyClick(form.edit, K.Key_A, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClicks(form.edit, '{"type": "array"')
    await until(lambda: form.problem, "it is told")
    assert form.problem.startswith("Not used yet: line 1: this is no JSON")
    assert (await desk.kept())["response_format"] == first
    QTest.keyClicks(form.edit, "}")
    await until(lambda: not form.problem, "it can be used")
    assert (await desk.kept())["response_format"] == answer_format.of_schema({"type": "array"})
    assert form.edit.toPlainText() == '{"type": "array"}', "it stays as it was typed"
    form.combo.setFocus()
    QTest.keyClick(form.combo, K.Key_Down)
    form.edit.setFocus()
    QTest.keyClick(form.edit, K.Key_End, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClicks(form.edit, " | maybe")
    QTest.keyClick(form.edit, K.Key_Tab)
    assert "there is no rule `maybe`" in form.problem, "leaving it is enough"
    QTest.mouseClick(form.reset, LEFT)
    assert await desk.kept() == {}
    assert (form.combo.value, form.problem) == ("Any text", "")


# Scopes


async def test_a_scope_is_chosen_and_set(desk: Desk, tmp_path: Path) -> None:
    await opened(desk, tmp_path)
    desk.scope(Scope.MODEL)
    assert any("SmolLM2 135M" in text for text in seen(desk.panel))
    desk.type("temperature", "0.3")
    desk.scope(Scope.GLOBAL)
    desk.type("temperature", "0.4")
    assert "set for all chats · this model has its own" in seen(desk.number("temperature"))
    desk.scope(Scope.CHAT)
    assert "from this model" in seen(desk.number("temperature"))
    assert await desk.kept() == {"temperature": 0.3}
    assert desk.store is not None
    assert {(each.scope, each.subject) for each in await desk.store.presets.every()} == {
        (Scope.MODEL, MODEL),
        (Scope.GLOBAL, ""),
    }
    desk.flow.show_for(desk.chat, "", "")
    await until(lambda: not desk.panel._scopes.button("model").isEnabled(), "without a model there is nothing to set")
    assert "from all chats" in seen(desk.number("temperature"))


async def test_what_is_set_before_the_chat_exists_waits_for_it(desk: Desk, tmp_path: Path) -> None:
    await opened(desk, tmp_path)
    assert desk.store is not None
    desk.flow.show_for(None, MODEL, "SmolLM2 135M")
    await asyncio.sleep(0.1)
    desk.type("temperature", "0.1")
    await desk.flow.saved()
    assert await desk.store.presets.every() == []
    assert desk.flow.values_for_new_chat() == Preset(Scope.CHAT, sampling={"temperature": 0.1})
    assert asking(desk.flow.settings).sampling.temperature == 0.1
    desk.flow.show_for(desk.chat, MODEL, "SmolLM2 135M")
    await until(lambda: desk.number("temperature").field.text() == "", "another chat does not have it")
    desk.flow.show_for(None, MODEL, "SmolLM2 135M")
    await until(lambda: desk.number("temperature").field.text() == "0.1", "it is still there")
    new = (await desk.store.list.new()).id
    await desk.flow.keep_for_new_chat(new)
    assert desk.flow.values_for_new_chat() is None
    desk.flow.show_for(new, MODEL, "SmolLM2 135M")
    desk.chat = new
    assert await desk.kept() == {"temperature": 0.1}


# Presets by name


async def test_a_starting_preset_is_chosen(desk: Desk, tmp_path: Path) -> None:
    await opened(desk, tmp_path)
    desk.pick("Precise")
    assert desk.button.text() == "Preset: Precise"
    assert (await desk.kept())["temperature"] == 0.2
    assert not desk.panel.notice.text, "nothing was lost"
    actions = desk.panel.chooser.actions_by_text
    assert [text for text, action in actions.items() if not action.isEnabled()] == ["Rename ...", "Delete"]
    desk.menu("Save As ...")
    row = desk.panel.chooser.name_row
    assert row.edit.hasFocus()
    QTest.keyClicks(row.edit, "precise")
    QTest.keyClick(row.edit, K.Key_Return)
    assert "“precise” comes with the program. Give it another name." in seen(desk.panel)
    QTest.keyClick(row.edit, K.Key_Escape)
    assert not row.isVisible()
    assert desk.panel.isVisible(), "Esc closes the one thing alone"
    desk.pick("Default")
    assert await desk.kept() == {}


async def test_what_was_set_by_hand_comes_back_after_any_choice(desk: Desk, tmp_path: Path) -> None:
    await opened(desk, tmp_path, PIRATE)
    edit = desk.text("system_prompt").edit
    edit.setFocus()
    QTest.keyClicks(edit, "My own words.")
    desk.type("temperature", "1.9")
    before = await desk.kept()
    desk.pick("Precise")
    assert (await desk.kept())["system_prompt"] == "My own words.", "a preset without a prompt costs none"
    desk.pick("Pirate")
    assert await desk.kept() == {"system_prompt": "Arr.", "temperature": 0.9}
    desk.pick("Default")
    assert await desk.kept() == {}
    desk.press("Undo")
    assert await desk.kept() == before
    assert edit.toPlainText() == "My own words."
    assert desk.button.text() == "Preset: Custom"


async def test_a_preset_is_saved_renamed_deleted_and_brought_back(desk: Desk, tmp_path: Path) -> None:
    await opened(desk, tmp_path)
    assert desk.store is not None
    desk.type("temperature", "1.4")
    row = desk.panel.chooser.name_row

    async def name(text: str, said: str) -> None:
        QTest.keyClicks(row.edit, text)
        QTest.keyClick(row.edit, K.Key_Return)
        await until(lambda: desk.button.text() == f"Preset: {said}", said)

    async def named() -> list[str]:
        assert desk.store is not None
        return [f"{each.name} {each.sampling['temperature']}" for each in await desk.store.presets.named()]

    desk.menu("Save As ...")
    await name("Parrot", "Parrot")
    assert await named() == ["Parrot 1.4"]
    desk.type("temperature", "1.5")
    assert desk.button.text() == "Preset: Custom"
    desk.menu("Save As ...")
    QTest.keyClicks(row.edit, "parrot")
    assert row.button.text() == "Replace"
    QTest.keyClick(row.edit, K.Key_Return)
    await until(lambda: desk.button.text() == "Preset: parrot", "it was replaced")
    assert await named() == ["parrot 1.5"]
    desk.menu("Rename ...")
    await name("Macaw", "Macaw")
    assert await named() == ["Macaw 1.5"]
    desk.menu("Delete")
    await until(lambda: desk.button.text() == "Preset: Custom", "it was deleted")
    assert await named() == []
    assert await desk.kept() == {"temperature": 1.5}, "what it set stays"
    desk.press("Undo")
    await until(lambda: desk.button.text() == "Preset: Macaw", "it was brought back")
    assert await named() == ["Macaw 1.5"]


async def test_a_preset_goes_into_a_file_and_comes_back(desk: Desk, tmp_path: Path) -> None:
    await opened(desk, tmp_path, PIRATE)
    desk.pick("Pirate")
    desk.menu("Export ...")
    dialog = desk.window.findChildren(QFileDialog)[0]
    assert dialog.selectedFiles()[0].endswith("Pirate.json")
    file = tmp_path / "mine.json"
    dialog.selectFile(str(file))
    dialog.accept()
    await until(lambda: "was exported" in desk.panel.notice.text, "exported")
    assert json.loads(file.read_text())["sampling"] == {"temperature": 0.9}
    desk.menu("Import ...")
    dialog = desk.window.findChildren(QFileDialog)[-1]
    dialog.selectFile(str(file))
    dialog.accept()
    await until(lambda: "was imported" in desk.panel.notice.text, "imported")
    assert desk.store is not None
    assert [each.name for each in await desk.store.presets.named()] == ["Pirate", "Pirate (2)"]
    desk.scope(Scope.MODEL)
    desk.flow.named.import_file(file)
    await until(lambda: "was imported" in desk.panel.notice.text, "imported again")
    desk.press("Use It Here")
    assert await desk.kept() == {"system_prompt": "Arr.", "temperature": 0.9}
    assert len(await desk.store.presets.around(desk.chat, MODEL)) == 2


async def test_a_file_that_cannot_be_used_is_told(desk: Desk, tmp_path: Path) -> None:
    await opened(desk, tmp_path)
    file = tmp_path / "hot.json"
    file.write_text('{"format": "nodetool-xl-desktop preset", "version": 1, "sampling": {"temperature": "hot"}}')
    desk.flow.named.import_file(file)
    await until(lambda: desk.panel.notice.text, "told")
    assert "hot.json cannot be imported" in desk.panel.notice.text
    assert "Temperature is 'hot'; it has to be a number from 0 to 5." in desk.panel.notice.text
    assert desk.store is not None
    assert await desk.store.presets.named() == []
    desk.flow.named.export_file(tmp_path / "hot.json" / "no folder")
    await until(lambda: "The preset could not be saved" in desk.panel.notice.text, "told")


# Writing


async def test_what_could_not_be_written_is_told_and_written_later(desk: Desk, tmp_path: Path) -> None:
    desk.store = await Store.open(tmp_path / "chats", patience_s=0.1)
    desk.chat = (await desk.store.list.new()).id
    desk.flow.show_for(desk.chat, MODEL, "SmolLM2 135M")
    desk.flow.set_store(desk.store)
    QTest.mouseClick(desk.button, LEFT)
    await until(lambda: desk.number("top_k").isVisible(), "the values")
    await asyncio.sleep(0.1)
    other = sqlite3.connect(desk.store.database, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        desk.type("top_k", "7")
        await until(lambda: desk.panel.notice.text, "told")
        assert "Another program holds the file" in desk.panel.notice.text
        assert desk.number("top_k").field.text() == "7"
        assert asking(desk.flow.settings).sampling.top_k == 7
    finally:
        other.close()
    desk.press("Try Again")
    assert await desk.kept() == {"top_k": 7}


async def test_what_is_typed_is_written_by_itself(desk: Desk, tmp_path: Path) -> None:
    await opened(desk, tmp_path)
    assert desk.store is not None
    desk.type("top_k", "7")
    edit = desk.text("system_prompt").edit
    edit.setFocus()
    QTest.keyClicks(edit, "Hm.")
    await asyncio.sleep(0.5)
    (kept,) = await desk.store.presets.around(desk.chat, MODEL)
    assert (kept.system_prompt, dict(kept.sampling)) == ("Hm.", {"top_k": 7})
    QTest.keyClicks(edit, " Yes.")
    QTest.keyClick(edit, K.Key_Escape)
    await until(lambda: not desk.flow._desk.unsaved(), "closed, it is written at once")
    (kept,) = await desk.store.presets.around(desk.chat, MODEL)
    assert kept.system_prompt == "Hm. Yes."


async def test_reasoning_is_sent_back_only_where_that_is_chosen(desk: Desk, tmp_path: Path) -> None:
    await opened(desk, tmp_path)
    row = cast("ReasoningRow", desk.panel.row("send_reasoning"))
    assert (row.combo.value, row.reset.isVisible()) == ("Left out", False)
    row.combo.setFocus()
    QTest.keyClick(row.combo, K.Key_Down)
    assert row.combo.value == "Sent back"
    assert await desk.kept() == {"send_reasoning": True}
    assert desk.store is not None
    assert asking(await desk.store.presets.settings(desk.chat, MODEL)).send_reasoning
    assert row.reset.toolTip() == "Reset: Left out"
    QTest.mouseClick(row.reset, LEFT)
    assert (row.combo.value, await desk.kept()) == ("Left out", {})


async def test_it_follows_the_theme(desk: Desk, tmp_path: Path) -> None:
    await opened(desk, tmp_path)
    for scheme in (Qt.ColorScheme.Dark, Qt.ColorScheme.Light):
        desk.theme.choose(scheme)
        image = desk.panel.grab().toImage()
        assert image.pixelColor(8, 30) == QColor(desk.theme.tokens.surface)
        assert image.pixelColor(6, image.height() - 40) == QColor(desk.theme.tokens.surface)
