"""The page of the settings with real keys: found, changed, reset, and what each does in the window at once."""

from __future__ import annotations

import asyncio
import tomllib
from pathlib import Path
from typing import Any

import pytest
from chat_driver import CTRL, LEFT, NO, SHIFT, K, Person, echo, sat_down
from conftest import Build, until
from model_shapes import LLAMA_8B, llama
from PySide6.QtCore import QUrl
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QCheckBox, QComboBox, QLabel, QLineEdit, QSpinBox, QWidget

from nodetool_xl_desktop.core import settings
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.core.setting import Origin, Section, Setting
from nodetool_xl_desktop.core.settings_file import SettingsFile
from nodetool_xl_desktop.core.units import GIB
from nodetool_xl_desktop.fit.verdict import Verdict
from nodetool_xl_desktop.ui.engine.engine_page import EnginePage
from nodetool_xl_desktop.ui.settings.setting_row import SettingRow
from nodetool_xl_desktop.ui.settings.settings_page import SettingsPage
from nodetool_xl_desktop.ui.shortcuts import Shortcuts
from nodetool_xl_desktop.ui.theme import DARK, LIGHT


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """The language of the tests is said by a variable; here a person chooses."""
    for setting in settings.SETTINGS:
        if setting.variable and setting is not settings.LANGUAGE:
            monkeypatch.delenv(setting.variable, raising=False)


def kept(paths: Paths) -> dict[str, Any]:
    try:
        return tomllib.loads(paths.settings_file.read_text())
    except FileNotFoundError:
        return {}


def held(paths: Paths, setting: Setting[Any]) -> object:
    """What the file says for it."""
    said = kept(paths)
    return (said.get(setting.table, {}) if setting.table else said).get(setting.name)


async def at_settings(build: Build, **build_args: Any) -> tuple[Person, SettingsPage]:
    """A person who has pressed the keys of the settings."""
    person = await sat_down(build, **build_args)
    await person.press(K.Key_Comma, CTRL, lambda: person.window)
    page = person.window.settings.page
    await until(lambda: person.window.centre.page is page and page.search.hasFocus(), "the page")
    return person, page


def shown(page: SettingsPage) -> list[Setting[Any]]:
    return [setting for setting, row in page.rows.items() if row.isVisible()]


async def look_for(person: Person, page: SettingsPage, words: str) -> None:
    page.search.setFocus()
    page.search.selectAll()
    await person.type(words)


async def go_to(person: Person, page: SettingsPage, setting: Setting[Any]) -> SettingRow:
    """Find it by its key, and go to it by the arrow key."""
    page.search.setFocus()
    page.search.setText(setting.key)
    await person.press(K.Key_Down)
    row = page.rows[setting]
    assert row.control.keys.hasFocus()
    return row


# Finding


async def test_opened_and_closed_by_keys(build: Build) -> None:
    person, page = await at_settings(build)
    assert page.section is Section.GENERAL
    assert {setting.section for setting in shown(page)} == {Section.GENERAL}
    assert person.window.fit_panel.isHidden()
    await person.press(K.Key_Escape)
    assert person.window.centre.page is person.pane
    assert not person.window.fit_panel.isHidden()


async def test_search(build: Build) -> None:
    person, page = await at_settings(build)
    for words, found in (
        ("kv CACHE", [settings.KV_CACHE]),  # by its title
        ("wheel", [settings.ZOOM]),  # by what it is about
        ("eject_after", [settings.EJECT_AFTER]),  # by its key
        ("xllamacpp_n_threads", [settings.THREADS]),  # by its variable
        ("ctrl+enter", [settings.SEND_WITH]),  # by what can be chosen
        ("privacy endpoint", [settings.ENDPOINT]),  # by its section, too
        ("zzz", []),
    ):
        await look_for(person, page, words)
        assert shown(page) == found
        assert not page.sections.key
    assert page.search.hasFocus()
    await person.press(K.Key_Escape)
    assert not page.search.text()
    assert page.sections.key == "GENERAL"
    assert {setting.section for setting in shown(page)} == {Section.GENERAL}
    assert person.window.centre.page is page


async def test_sections_by_the_arrow_keys(build: Build) -> None:
    person, page = await at_settings(build)
    page.sections.setFocus()
    seen = []
    for _ in page.sections.items:
        seen.append(page.section)
        expected = [setting for setting in page.rows if setting.section is page.section]
        assert shown(page) == expected
        await person.press(K.Key_Down)
    assert seen == list(Section)
    engine = page.findChild(EnginePage)
    assert engine is not None
    assert engine.isHidden()


async def test_every_control_is_reached_by_tab_and_has_a_name(build: Build) -> None:
    person, page = await at_settings(build)
    person.window.resize(1024, 640)
    await look_for(person, page, "a")  # in all of them
    rows = shown(page)
    assert len(rows) > 8
    reached: list[QWidget] = []
    for _ in range(60):
        await person.press(K.Key_Tab)
        focused = person.focused()
        if focused in reached:
            break
        reached.append(focused)
        seen = focused.visibleRegion().boundingRect()
        assert seen.height() >= focused.height() - 1, f"{focused.accessibleName()} is scrolled to"
    for setting in rows:
        keys = page.rows[setting].control.keys
        if keys.isEnabled():
            assert keys in reached, setting.key
            assert keys.accessibleName() == setting.title
            assert keys.accessibleDescription() == setting.about
    await person.press(K.Key_Tab, SHIFT)
    assert all(row.width() <= page.width() for row in page.rows.values())


# Changing


async def turn(person: Person, row: SettingRow) -> object:
    """Another value, by keys; returns it."""
    setting, keys = row.setting, row.control.keys
    match keys:
        case QCheckBox():
            await person.press(K.Key_Space)
            return not setting.default
        case QComboBox():
            await person.press(K.Key_Down)
            choices = list(setting.choices)
            return choices[choices.index(setting.default) + 1]
        case QSpinBox():
            await person.press(K.Key_Up)
            step = 0.1 if isinstance(setting.default, float) else 1
            return pytest.approx(setting.default + step)
        case QLineEdit():
            await person.type("https://hub.example/x/")
            await person.press(K.Key_Return)
            return "https://hub.example/x"
    raise AssertionError(setting.key)


async def is_held(paths: Paths, setting: Setting[Any], value: object) -> None:
    await until(lambda: held(paths, setting) == value, f"{setting.key} is {value!r} in the file")


async def test_each_is_changed_kept_and_reset_by_keys(build: Build, paths: Paths) -> None:
    person, page = await at_settings(build)
    chosen = person.window.chosen
    for setting, row in page.rows.items():
        if setting is settings.LANGUAGE:  # the tests say theirs by its variable
            assert not row.control.keys.isEnabled()
            assert row.origin == "Set by NTXL_LANGUAGE"
            continue
        await go_to(person, page, setting)
        assert row.origin == "Default"
        assert row.reset.isHidden()
        value = await turn(person, row)
        assert chosen.now[setting] == value, "it holds at once"
        assert row.origin == "settings.toml"
        await is_held(paths, setting, value)
        row.reset.setFocus()
        await person.press(K.Key_Space)
        assert chosen.now[setting] == setting.default
        assert row.control.keys.hasFocus(), "the button is gone"
        await is_held(paths, setting, None)
        assert row.origin == "Default"


async def test_a_value_that_is_none_is_told_where_it_was_typed(build: Build, paths: Paths) -> None:
    person, page = await at_settings(build)
    row = await go_to(person, page, settings.ENDPOINT)
    await person.type("ftp://hub")
    await person.press(K.Key_Return)
    assert "begins with http" in row.problem
    assert person.window.chosen.now[settings.ENDPOINT] == ""
    await person.press(K.Key_Escape)
    assert not row.problem
    assert person.window.centre.page is page, "Esc took back what was typed"
    assert held(paths, settings.ENDPOINT) is None


async def test_the_environment_says_otherwise(build: Build, paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NTXL_OFF_LINE", "yes")
    person, page = await at_settings(build)
    await until(lambda: person.window.tools.is_off_line, "the environment is heard")
    row = page.rows[settings.OFF_LINE]
    await look_for(person, page, settings.OFF_LINE.key)
    assert not row.control.keys.isEnabled()
    assert row.origin == "Set by NTXL_OFF_LINE"
    assert row.reset.isHidden()
    await person.do(person.window.commands["file.offline"].trigger)
    assert person.window.tools.is_off_line, "it stays"
    assert "NTXL_OFF_LINE" in person.window.problem.text
    assert not paths.settings_file.exists()


async def test_a_file_that_cannot_be_read(build: Build, paths: Paths) -> None:
    paths.data.mkdir(parents=True, exist_ok=True)
    paths.settings_file.write_text("[chats\ntitles = false\n")
    person, page = await at_settings(build)
    await until(lambda: "line 1" in page.notice.text, "what is wrong with it")
    row = await go_to(person, page, settings.TITLES)
    await person.press(K.Key_Space)
    await until(lambda: row.origin == "Not saved", "that it is not kept")
    assert person.window.chats.titles.is_on is False, "it holds as long as the program runs"
    assert paths.settings_file.read_text() == "[chats\ntitles = false\n"
    opened: list[QUrl] = []

    def open_url(url: QUrl) -> bool:
        opened.append(url)
        return True

    person.window.settings.open_url = open_url
    await person.do(page.notice.remedy.click)
    await until(lambda: opened, "an editor")
    assert opened == [QUrl.fromLocalFile(str(paths.settings_file))]
    paths.settings_file.write_text("[chats]\ntitles = true\n[appearance]\nzoom = 1.5\n")
    await person.press(K.Key_Escape, at=lambda: page.sections)
    await person.press(K.Key_Comma, CTRL, lambda: person.window)
    await until(page.notice.isHidden, "it is read again")
    assert person.parts.theme.chosen_zoom == 1.5


async def test_what_is_told_of_the_file_goes_when_it_is_mended(build: Build, paths: Paths) -> None:
    paths.data.mkdir(parents=True, exist_ok=True)
    paths.settings_file.write_text("[chats]\ntitels = true\nstrange = 1\n")
    person = await sat_down(build)
    pane, window = person.pane, person.window
    await until(lambda: pane.problem is not None, "what is wrong with it, below the chat")
    told = pane.problem
    assert told is not None
    assert told.explanation.startswith("settings.toml, line 2: "), "the file is called as it is written"

    paths.settings_file.write_text("[chats]\nstrange = 1\n")
    window.chosen.look_again()
    await until(lambda: pane.problem is not told, "the other one is told alone")
    assert pane.problem is not None
    assert "titels" not in pane.problem.why
    assert "strange" in pane.problem.why

    await person.press(K.Key_Comma, CTRL, lambda: window)
    page = window.settings.page
    await until(lambda: window.centre.page is page, "the settings")
    paths.settings_file.write_text("[chats]\nodd = 1\n")
    window.chosen.look_again()
    await until(lambda: "odd" in window.problem.text, "told over the page")
    assert pane.problem is None, "and no longer below the chat"
    paths.settings_file.write_text("[chats]\n")
    window.chosen.look_again()
    await until(lambda: not window.problem.text, "it is mended")
    assert page.notice.isHidden()


async def test_what_is_told_over_the_settings_takes_no_more_room_than_its_words(build: Build, paths: Paths) -> None:
    paths.data.mkdir(parents=True, exist_ok=True)
    paths.settings_file.write_text("[chats]\nstrange = 1\n")
    person = await sat_down(build)
    person.window.resize(1280, 900)
    await person.press(K.Key_Comma, CTRL, lambda: person.window)
    page = person.window.settings.page
    await until(page.notice.isVisible, "told")
    await until(lambda: 0 < page.notice.height() < 100, "two lines, however few rows the page has")


async def test_what_else_was_told_stays_when_the_file_is_mended(build: Build, paths: Paths) -> None:
    paths.data.mkdir(parents=True, exist_ok=True)
    paths.settings_file.write_text("[chats\n")
    person = await sat_down(build)
    await until(lambda: person.pane.problem is not None, "what is wrong with it")
    other = UserFacingError("Something else could not be done")
    person.pane.tell_problem(other)
    paths.settings_file.write_text("[chats]\n")
    person.window.chosen.look_again()
    await until(lambda: not person.window.chosen.now.problems, "it is read again")
    await asyncio.sleep(0.05)
    assert person.pane.problem is other


async def test_what_an_editor_changes_is_seen(build: Build, paths: Paths) -> None:
    person, page = await at_settings(build)
    other = QWidget()
    other.show()
    other.activateWindow()
    await until(lambda: QApplication.activeWindow() is other, "another program")
    SettingsFile(paths.settings_file).change({settings.ZOOM: 2.0, settings.TITLES: False})
    other.close()
    person.window.activateWindow()
    await until(lambda: person.parts.theme.chosen_zoom == 2.0, "what the editor wrote")
    assert page.rows[settings.TITLES].origin == "settings.toml"
    assert person.window.commands["chat.titles"].isChecked() is False


async def test_open_makes_the_file(build: Build, paths: Paths) -> None:
    person, page = await at_settings(build)
    opened: list[QUrl] = []

    def open_url(url: QUrl) -> bool:
        opened.append(url)
        return False

    person.window.settings.open_url = open_url
    assert not paths.settings_file.exists()
    await person.do(lambda: QTest.mouseClick(page.open_button, LEFT))
    await until(lambda: opened, "an editor")
    assert "# titles = true" in paths.settings_file.read_text()
    await until(lambda: str(paths.settings_file) in person.window.problem.text, "no program for it: where it is")


# What they do


async def test_the_theme(build: Build) -> None:
    person, page = await at_settings(build)
    assert person.parts.theme.tokens == LIGHT
    row = await go_to(person, page, settings.THEME)
    for tokens in (LIGHT, DARK):
        await person.press(K.Key_Down)
        assert person.parts.theme.tokens == tokens
    assert row.control.keys.currentText() == "Dark"  # type: ignore[attr-defined]


async def test_a_theme_that_was_chosen_before_is_there_at_the_first_paint(build: Build, paths: Paths) -> None:
    SettingsFile(paths.settings_file).change({settings.THEME: "dark"})
    parts = build()
    assert parts.theme.tokens == DARK
    await until(lambda: parts.window.chosen.now.origin(settings.THEME) is Origin.FILE, "it is read")
    assert parts.theme.tokens == DARK


async def test_the_menu_and_the_page_say_the_same(build: Build) -> None:
    person, page = await at_settings(build)
    row = await go_to(person, page, settings.TITLES)
    await person.do(person.window.commands["chat.titles"].trigger)
    assert person.window.chats.titles.is_on is False
    assert not row.control.keys.isChecked()  # type: ignore[attr-defined]
    await person.press(K.Key_Plus, CTRL, lambda: person.window)
    assert page.rows[settings.ZOOM].control.keys.value() == 110  # type: ignore[attr-defined]


async def listed_keys(person: Person, name: str) -> list[str]:
    """The keys of an action, as the list of keys shows them."""
    await person.do(person.window.commands["help.keys"].trigger)
    (dialog,) = person.window.findChildren(Shortcuts)
    lines = [line for section in dialog.sections for line in section.lines if line.row.name == name]
    found = [each.text() for each in lines[0].widget.findChildren(QLabel) if each.objectName() == "keyCap"]
    await person.do(dialog.close)
    await until(lambda: not person.window.findChildren(Shortcuts), "closed")
    return found


async def test_what_is_chosen_last_of_all_is_kept(build: Build, paths: Paths) -> None:
    person = await sat_down(build)
    person.window.chosen.choose(settings.ZOOM, 1.5)
    await person.close()
    assert SettingsFile(paths.settings_file).read()[settings.ZOOM] == 1.5


async def test_the_list_of_keys_says_what_sends_now(build: Build, paths: Paths) -> None:
    SettingsFile(paths.settings_file).change({settings.SEND_WITH: "ctrl+enter"})
    person = await sat_down(build)
    await until(lambda: person.window.chosen.now[settings.SEND_WITH] == "ctrl+enter", "it is read")
    assert await listed_keys(person, "Send") == ["Ctrl+Enter"]
    assert await listed_keys(person, "New Line") == ["Enter", "Shift+Enter"]
    person.window.chosen.reset(settings.SEND_WITH)
    assert await listed_keys(person, "Send") == ["Enter"]


async def test_sending_with_ctrl_enter(build: Build, paths: Paths, tmp_path: Path) -> None:
    SettingsFile(paths.settings_file).change({settings.SEND_WITH: "ctrl+enter"})
    person = await sat_down(build, command=echo())
    await until(lambda: person.window.chosen.now[settings.SEND_WITH] == "ctrl+enter", "it is read")
    sent: list[object] = []
    person.composer.send_requested.connect(sent.append)
    await person.write("one")
    await person.press(K.Key_Return)
    await person.type("two")
    assert person.composer.text == "one\ntwo"
    assert not sent
    await person.press(K.Key_Return, CTRL)
    assert len(sent) == 1
    person.window.chosen.reset(settings.SEND_WITH)
    await person.press(K.Key_Return, NO)
    assert len(sent) == 2


async def test_how_models_are_loaded(build: Build, paths: Paths, tmp_path: Path) -> None:
    """Shown for the selected model at once, and no longer context than it was made for."""
    large, small = tmp_path / "large.gguf", tmp_path / "small.gguf"
    llama(large, LLAMA_8B, {"general.name": "Large"})
    llama(small, {**LLAMA_8B, "context_length": 2048}, {"general.name": "Small"})
    person, page = await at_settings(build)
    models = person.window.models
    await models.open([large])
    await models.previewed()

    def options() -> Any:
        report = person.window.fit_panel.report
        return report.options if report is not None else None

    assert options().context_length == 8192
    row = await go_to(person, page, settings.CONTEXT_LENGTH)
    await person.type("16384")
    await person.press(K.Key_Return)
    await until(lambda: options().context_length == 16384, "the selected model")
    person.window.chosen.choose(settings.KV_CACHE, "q8_0")
    person.window.chosen.choose(settings.THREADS, 3)
    await until(lambda: (options().kv_type_k, options().kv_type_v, options().threads) == ("q8_0", "q8_0", 3), "all")
    await models.open([small])
    await models.previewed()
    assert options().context_length == 2048
    choice = person.window.fit_panel.choice
    assert choice is not None
    assert not choice.is_changed, "nobody chose it for this model"
    assert row.origin == "settings.toml"


async def test_memory_to_keep_free(build: Build, tmp_path: Path) -> None:
    model = tmp_path / "m.gguf"
    llama(model, {**LLAMA_8B, "block_count": 2}, {"general.name": "Small"})
    person, page = await at_settings(build)
    await person.window.models.open([model])
    await person.window.models.previewed()
    panel = person.window.fit_panel

    def verdict() -> Verdict | None:
        return panel.report.verdict if panel.report is not None else None

    assert verdict() is Verdict.FITS
    await go_to(person, page, settings.KEPT_FREE)
    await person.type("1048576")
    await person.press(K.Key_Return)
    assert panel.machine.margin == 1024 * GIB
    await until(lambda: verdict() is Verdict.TIGHT, "it is judged by it")


async def test_many_changes_at_once_end_with_the_last(build: Build, paths: Paths) -> None:
    person, page = await at_settings(build)
    row = await go_to(person, page, settings.EJECT_AFTER)
    for _ in range(30):
        await person.press(K.Key_Up)
    assert person.window.chosen.now[settings.EJECT_AFTER] == 30
    await until(lambda: held(paths, settings.EJECT_AFTER) == 30, "the last one")
    await asyncio.sleep(0.05)
    assert row.control.keys.value() == 30  # type: ignore[attr-defined]
    assert held(paths, settings.EJECT_AFTER) == 30
