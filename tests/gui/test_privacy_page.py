"""The section Privacy with real clicks and keys: each switch does what it says, and the rows tell who was asked."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chat_driver import LEFT, K, Person, sat_down
from conftest import Build, until
from hub_server import HubServer, forget_environment
from PySide6.QtCore import QObject, QUrl
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QWidget

from nodetool_xl_desktop import hub
from nodetool_xl_desktop.core import settings
from nodetool_xl_desktop.core.connections import Purpose, contacts
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.network import OffLine, SwitchedOff
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.core.setting import Section
from nodetool_xl_desktop.core.settings_file import SettingsFile
from nodetool_xl_desktop.hub.errors import Unreachable
from nodetool_xl_desktop.hub.tokens import Tokens
from nodetool_xl_desktop.ui.parts import ElidedLabel
from nodetool_xl_desktop.ui.settings.privacy_flow import PrivacyFlow
from nodetool_xl_desktop.ui.settings.privacy_page import PrivacyPage
from nodetool_xl_desktop.ui.settings.settings_page import SettingsPage
from nodetool_xl_desktop.ui.tasks import Tasks
from nodetool_xl_desktop.ui.theme import DARK, LIGHT

FILES = {"org/model": {"model-Q4_K_M.gguf": b"GGUF" + bytes(100)}}
NONE = "None since the program began"


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    forget_environment(monkeypatch)
    for setting in settings.SETTINGS:
        if setting.variable and setting is not settings.LANGUAGE:
            monkeypatch.delenv(setting.variable, raising=False)


@pytest.fixture
def server() -> Iterator[HubServer]:
    with HubServer(FILES) as made:
        yield made


async def at_privacy(build: Build) -> tuple[Person, SettingsPage, PrivacyPage]:
    """A person who has opened the section from its menu, with all of its sizes worked out."""
    person = await sat_down(build)
    await person.do(person.window.commands["privacy.show"].trigger)
    page, inside = person.window.settings.page, person.window.privacy.page
    await until(lambda: page.isVisible() and inside.isVisible(), "the section")
    await until(lambda: all(row.amount for row in inside.rows), "the sizes")
    return person, page, inside


def kept(paths: Paths) -> dict[str, object]:
    held: dict[str, object] = tomllib.loads(paths.settings_file.read_text()).get("privacy", {})
    return held


# The switches


async def test_each_purpose_has_a_row_that_says_whom_it_asked(build: Build) -> None:
    for purpose in Purpose:
        contacts.note(purpose, f"{purpose.name.lower()}.example.org")
    _, page, _ = await at_privacy(build)
    assert page.section is Section.PRIVACY
    shown = [setting for setting, row in page.rows.items() if row.isVisible()]
    assert shown[0] is settings.OFF_LINE
    assert [each for each in shown if each in {purpose.switch for purpose in Purpose}] == [p.switch for p in Purpose]
    for purpose in Purpose:
        assert f"{purpose.name.lower()}.example.org: " in page.rows[purpose.switch].told
    assert not page.rows[settings.OFF_LINE].told


async def test_a_click_switches_a_purpose_off_at_once_and_is_kept(
    build: Build, server: HubServer, paths: Paths, tmp_path: Path
) -> None:
    person, page, _ = await at_privacy(build)
    repository = await hub.look_up("org/model", endpoint=server.url)
    row = page.rows[settings.NET_HUB]
    await person.do(lambda: QTest.mouseClick(row.control.keys, LEFT))
    asked = len(server.requests)
    with pytest.raises(Unreachable, match='"Discover Models" is switched off') as raised:
        await hub.look_up("org/model", endpoint=server.url)
    assert raised.value.hint == 'Switch on "Discover Models" in the settings, under Privacy'
    assert len(server.requests) == asked
    assert (await hub.fetch(repository, repository.files[0], into=tmp_path)).exists()  # the others go on
    await until(lambda: paths.settings_file.exists() and kept(paths) == {"hub": False}, "it is kept")
    assert row.origin == "settings.toml"
    await person.do(lambda: QTest.mouseClick(row.reset, LEFT))
    assert (await hub.look_up("org/model", endpoint=server.url)).repo_id == "org/model"


async def test_the_switches_by_keys_and_work_off_line_over_all(build: Build) -> None:
    person, page, _ = await at_privacy(build)
    box = page.rows[settings.NET_PAGES].control.keys
    await person.do(box.setFocus)
    await person.press(K.Key_Space)
    with pytest.raises(SwitchedOff):
        OffLine.check_all("It", Purpose.PAGES)
    OffLine.check_all("It", Purpose.HUB)
    await person.press(K.Key_Space)
    OffLine.check_all("It", Purpose.PAGES)
    await person.do(page.rows[settings.OFF_LINE].control.keys.setFocus)
    await person.press(K.Key_Space)
    assert all(map(person.parts.off_line.refuses, Purpose))
    assert person.window.tools.is_off_line
    await person.press(K.Key_Space)
    assert not any(map(person.parts.off_line.refuses, Purpose))


async def test_what_was_chosen_holds_before_the_window_is_seen(build: Build, paths: Paths) -> None:
    SettingsFile(paths.settings_file).change({settings.NET_SERVERS: False, settings.NET_DOWNLOADS: False})
    person = await sat_down(build)
    refused = [purpose for purpose in Purpose if person.parts.off_line.refuses(purpose)]
    assert refused == [Purpose.DOWNLOADS, Purpose.SERVERS]


async def test_a_tool_says_that_it_is_switched_off(build: Build) -> None:
    person, page, _ = await at_privacy(build)
    await person.do(lambda: QTest.mouseClick(page.rows[settings.NET_PAGES].control.keys, LEFT))
    popup = person.window.tools.popup
    await person.press(K.Key_Escape)
    await person.do(person.window.tools.open)
    await until(popup.isVisible, "the list of tools")
    await until(lambda: popup.switch("fetch_page").row.problem == "switched off under Privacy", "it says why not")
    assert not popup.switch("calculator").row.problem
    await person.press(K.Key_Escape)


# Whom it asked


async def test_a_row_tells_of_a_request_as_it_is_made(build: Build, server: HubServer, tmp_path: Path) -> None:
    person, page, _ = await at_privacy(build)
    host = server.url.removeprefix("http://")
    repository = await hub.look_up("org/model", endpoint=server.url)
    row = page.rows[settings.NET_HUB]
    await until(lambda: row.told.startswith(f"{host}: once, at "), row.told)
    await hub.fetch(repository, repository.files[0], into=tmp_path)
    downloads = page.rows[settings.NET_DOWNLOADS]
    await until(lambda: host in downloads.told, downloads.told)
    await hub.look_up("org/model", endpoint=server.url)
    await until(lambda: row.told.startswith(f"{host}: 2 times, last at "), row.told)
    await person.press(K.Key_Escape)
    assert person.window.centre.page is person.pane
    await hub.look_up("org/model", endpoint=server.url)  # nobody looks
    await asyncio.sleep(0.4)
    assert "2 times" in row.told
    await person.do(person.window.commands["privacy.show"].trigger)
    await until(lambda: "3 times" in row.told, row.told)


async def test_a_name_from_elsewhere_is_one_line_and_no_markup(build: Build) -> None:
    contacts.note(Purpose.ADDRESSES, "<b>bold</b>\n\u202eevil" + "x" * 5000)
    _, page, _ = await at_privacy(build)
    row = page.rows[settings.NET_ADDRESSES]
    assert row.told.startswith("<b>bold</b> evil")
    assert "\n" not in row.told
    assert len(row.told) < 250
    (told,) = [each for each in row.findChildren(ElidedLabel) if each.text() == row.told]
    assert told.width() <= row.width()


# Where data lies


async def test_folders_with_their_sizes_and_the_way_there(build: Build, paths: Paths) -> None:
    paths.models.mkdir(parents=True)
    (paths.models / "a.gguf").write_bytes(bytes(2_000_000))
    person, _, inside = await at_privacy(build)
    rows = {row.kept.name: row for row in inside.rows}
    assert [rows[name].folder for name in ("Chats", "Models", "Engines", "Settings", "Logs", "Cache")] == [
        paths.chats, paths.models, paths.engines, paths.data, paths.logs, paths.cache
    ]  # fmt: skip
    assert rows["Models"].amount == "2 MB"
    assert rows["Engines"].amount == "empty"
    assert rows["Chats"].amount not in ("", "empty")  # the store is there
    opened: list[QUrl] = []
    person.window.privacy.open_url = lambda url: bool(opened.append(url)) or True
    await person.do(lambda: QTest.mouseClick(rows["Models"].open, LEFT))
    await until(lambda: opened == [QUrl.fromLocalFile(str(paths.models))], str(opened))
    await person.do(rows["Engines"].open.setFocus)
    await person.press(K.Key_Space)
    await until(lambda: "nothing was kept in it yet" in person.window.problem.text, person.window.problem.text)
    assert len(opened) == 1


async def test_the_keyring_is_asked_on_demand_only(build: Build) -> None:
    person, _, inside = await at_privacy(build)
    assert inside.keyring == "Not asked for huggingface.co since the program began"
    await person.do(inside.look.setFocus)
    await person.press(K.Key_Space)
    await until(lambda: inside.keyring == "No token for huggingface.co", inside.keyring)
    assert not inside.look.isEnabled()


async def test_a_token_is_told_by_its_host_and_never_itself(qtbot: Any, paths: Paths) -> None:
    class Known:
        """A keyring of the test's own."""

        def get_password(self, service: str, username: str) -> str | None:
            return "hf_secret" if "huggingface.co" in username else None

        def set_password(self, service: str, username: str, password: str) -> None:
            raise AssertionError("nothing is kept")

        def delete_password(self, service: str, username: str) -> None:
            raise AssertionError("nothing is forgotten")

    told: list[UserFacingError] = []
    parent = QObject()
    flow = PrivacyFlow(
        tasks=Tasks(),
        paths=paths,
        models=lambda: paths.models,
        tokens=Tokens(Known()),
        endpoint=lambda: "https://huggingface.co",
        tell=told.append,
        parent=parent,
    )
    inside = flow.page
    qtbot.addWidget(inside)
    inside.show()
    await until(lambda: all(row.amount for row in inside.rows), "the sizes")
    asyncio.get_running_loop().call_soon(lambda: QTest.mouseClick(inside.look, LEFT))
    await until(lambda: inside.keyring == "Token for huggingface.co", inside.keyring)
    assert not told
    assert not any("hf_secret" in str(each.property("text")) for each in inside.findChildren(QWidget))


# All of it


async def test_every_control_has_a_name_and_is_reached_by_tab(build: Build) -> None:
    person, page, inside = await at_privacy(build)
    person.window.resize(1024, 640)
    page.search.setFocus()
    reached: list[QWidget] = []
    for _ in range(60):
        await person.press(K.Key_Tab)
        if (focused := person.focused()) in reached:
            break
        reached.append(focused)
    wanted = [page.rows[purpose.switch].control.keys for purpose in Purpose]
    wanted += [*(row.open for row in inside.rows), inside.look]
    assert [each for each in reached if each in wanted] == wanted
    names = [each.accessibleName() or (each.text() if isinstance(each, QAbstractButton) else "") for each in wanted]
    assert all(names)
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("tokens", [LIGHT, DARK])
async def test_it_fits_into_the_smallest_window(build: Build, tokens: object) -> None:
    person, page, inside = await at_privacy(build)
    person.parts.theme.use("light" if tokens is LIGHT else "dark")
    person.window.resize(1024, 640)
    await asyncio.sleep(0.1)
    right = page._scroll.viewport().width()
    for each in page._scroll.widget().findChildren(QWidget):
        if each.isVisible():
            assert each.mapTo(page._scroll.widget(), each.rect().bottomRight()).x() <= right, each
    for row in inside.rows:
        assert row.open.width() >= row.open.sizeHint().width()
