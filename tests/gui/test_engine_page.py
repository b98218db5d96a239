"""The page of the engine in the settings: real clicks and keys, real wheels, a real server, real trials."""

from __future__ import annotations

from pathlib import Path

import engine_wheels
import hub_server
import pytest
from conftest import Build, button, until
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMessageBox, QWidget
from wheel_server import WheelServer

from nodetool_xl_desktop import app
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.engine import hardware, wheels
from nodetool_xl_desktop.engine.engines import Engines, Installed
from nodetool_xl_desktop.engine.hardware import Hardware
from nodetool_xl_desktop.engine.wheel_file import look_into
from nodetool_xl_desktop.engine.wheels import Wheel
from nodetool_xl_desktop.ui.engine.engine_page import EnginePage
from nodetool_xl_desktop.ui.engine.engine_row import EngineRow
from nodetool_xl_desktop.ui.engine.engine_state import EngineState
from nodetool_xl_desktop.ui.engine.install_dialog import InstallDialog

HASH = "SHA-256"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    """This user's folders, which the engine's children look at, too."""
    hub_server.forget_environment(monkeypatch)
    for kind in ("DATA", "STATE", "CONFIG", "CACHE"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / "home" / kind.lower()))
    return Paths.default()


@pytest.fixture
def engines(home: Paths) -> Engines:
    return Engines(home.engines)


@pytest.fixture
def window(build: Build, home: Paths) -> app.Parts:
    return build(home=home)


@pytest.fixture(scope="session")
def real_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return engine_wheels.real(tmp_path_factory.mktemp("wheel"))


def bad(engines: Engines, tmp_path: Path, version: str = "1.0") -> Installed:
    """An engine that does not start; each is another one."""
    code = f"raise RuntimeError('no card')  # {tmp_path}"
    return engines.install(look_into(engine_wheels.scripted(tmp_path / "bad", code, version)), "the test")


async def opened(parts: app.Parts) -> EnginePage:
    """The page, by its menu, once the engine has said what it computes on."""
    parts.window.commands["engine.show"].trigger()
    page = parts.window.engine.page
    await until(lambda: page.isVisible() and says(page, "It computes on"), "the page says what it computes on")
    return page


async def offered(parts: app.Parts, page: EnginePage, server: WheelServer) -> InstallDialog:
    """The dialog, once it has looked at the server's index and offers what it found."""
    click(page.from_address)
    dialog = dialog_of(parts)
    dialog.edit.setText(server.index)
    click(dialog.go)
    await until(lambda: dialog.go.text() == "Download", "it asks")
    return dialog


def says(widget: QWidget, text: str) -> bool:
    """Whether this is read somewhere in it now."""
    return any(text in str(each.property("text") or "") for each in widget.findChildren(QWidget) if each.isVisible())


def click(widget: QWidget) -> None:
    assert widget.isVisible()
    assert widget.isEnabled()
    QTest.mouseClick(widget, Qt.MouseButton.LeftButton)


def press(widget: QWidget, key: Qt.Key = Qt.Key.Key_Space) -> None:
    """By the keys alone, where the focus may go."""
    widget.setFocus(Qt.FocusReason.TabFocusReason)
    QTest.keyClick(widget, key)


def row_of(page: EnginePage, engine: Installed | None) -> EngineRow:
    return next(row for row in page.rows if row.engine == engine)


def dialog_of(parts: app.Parts) -> InstallDialog:
    dialog = parts.window.engine.dialog
    assert dialog is not None
    return dialog


async def test_it_shows_the_own_engine_and_what_it_computes_on(window: app.Parts) -> None:
    page = await opened(window)
    assert [row.engine for row in page.rows] == [None]
    assert page.rows[0].use.isHidden()
    assert page.rows[0].remove.isHidden()
    assert says(page, "Built In")
    assert says(page, "It computes on the processor")
    assert says(page, wheels.recommend(hardware.look()).title)


async def test_from_a_file_after_asking_and_back_again(
    window: app.Parts, engines: Engines, real_wheel: Path, starter_model: Path
) -> None:
    page = await opened(window)
    window.window.engine.install_from_file(real_wheel)
    dialog = dialog_of(window)
    await until(lambda: dialog.go.text() == "Install" and dialog.go.isVisible(), "it asks")
    wheel = look_into(real_wheel)
    for fact in (wheel.name.file, wheel.name.version, wheel.name.tag, str(real_wheel), wheel.sha256):
        assert fact in dialog.facts.text.replace("\N{ZERO WIDTH SPACE}", "")
    assert engines.installed() == ()
    assert dialog.focusWidget() is dialog.go
    press(dialog.go, Qt.Key.Key_Return)
    await until(lambda: says(dialog, "It Works"), "it was tried")
    (made,) = engines.installed()
    assert engines.chosen() == made
    click(dialog.cancel)
    await until(lambda: page.state.runs == made and says(page, "CPU"), "the page shows it")
    assert row_of(page, made).use.isHidden()
    # It answers.
    await window.window.models.open([starter_model])
    await window.window.models.load()
    server = window.pool.loaded[0]
    assert str(made.path) in Path(f"/proc/{server.pid}/maps").read_text()  # noqa: ASYNC240 - not of a disk
    # And back, by the keys.
    press(row_of(page, None).use)
    await until(lambda: page.state.runs is None, "its own engine is used again")
    assert engines.chosen() is None
    assert window.pool.loaded == (server,)  # what is loaded stays


async def test_one_that_does_not_start_is_refused_and_gone(window: app.Parts, engines: Engines, tmp_path: Path) -> None:
    await opened(window)
    code = "import os, sys; sys.stderr.write('looking for a card\\n'); sys.stderr.flush(); os.abort()"
    window.window.engine.install_from_file(engine_wheels.scripted(tmp_path / "bad", code))
    dialog = dialog_of(window)
    await until(lambda: dialog.go.text() == "Install" and dialog.go.isVisible(), "it asks")
    click(dialog.go)
    await until(dialog.notice.isVisible, "it says why")
    assert "does not start" in dialog.notice.text
    assert "signal 6" in dialog.notice.text
    assert says(dialog, "looking for a card")  # its last words
    assert engines.installed() == ()
    assert engines.chosen() is None
    click(dialog.cancel)
    assert window.window.engine.dialog is None


async def test_what_is_no_engine_is_refused_before_it_asks(window: app.Parts, engines: Engines, tmp_path: Path) -> None:
    await opened(window)
    wheel = engine_wheels.wheel(tmp_path, {"xllamacpp/__init__.py": b""}, tag="cp311-cp311-win_amd64")
    window.window.engine.install_from_file(wheel)
    dialog = dialog_of(window)
    await until(dialog.notice.isVisible, "it says why")
    assert "does not fit this machine" in dialog.notice.text
    assert not dialog.go.isVisible()
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert window.window.engine.dialog is None
    assert not engines.folder.exists()


async def test_from_an_address(window: app.Parts, engines: Engines, real_wheel: Path, tmp_path: Path) -> None:
    page = await opened(window)
    older = engine_wheels.scripted(tmp_path / "older", "x = 1", version="2026.1.1")
    with WheelServer([older, real_wheel], "json") as server:
        click(page.from_address)
        dialog = dialog_of(window)
        assert dialog.focusWidget() is dialog.edit
        assert not dialog.go.isEnabled()
        QTest.keyClicks(dialog.edit, server.index)
        assert not server.asked  # not while one types
        QTest.keyClick(dialog.edit, Qt.Key.Key_Return)
        await until(lambda: dialog.go.text() == "Download", "it asks whether to download")
        assert server.sha256(real_wheel) in dialog.facts.text
        assert dialog.versions.value == real_wheel.name
        assert not [path for path in server.asked if path.startswith("/files")]
        click(dialog.go)
        await until(lambda: dialog.go.text() == "Install" and dialog.go.isVisible(), "it asks whether to install")
        assert "It is the one that the page says." in dialog.facts.text
        click(dialog.go)
        await until(lambda: says(dialog, "It Works"), "it was tried")
        assert (chosen := engines.chosen()) is not None
        assert chosen.source.startswith(server.root)
        await until(lambda: not list(engines.folder.glob(".*")), "what was fetched is gone")
        click(dialog.cancel)


async def test_a_wrong_hash_is_refused_and_another_address_can_be_named(
    window: app.Parts, engines: Engines, tmp_path: Path
) -> None:
    page = await opened(window)
    wheel = engine_wheels.scripted(tmp_path / "w", "x = 1")
    with WheelServer([wheel], hashes={wheel.name: "0" * 64}) as server:
        dialog = await offered(window, page, server)
        click(dialog.go)
        await until(dialog.notice.isVisible, "it says why")
    assert "0" * 64 in dialog.notice.text
    assert dialog.edit.isVisible()
    assert dialog.go.text() == "Look"
    assert list(engines.folder.iterdir()) == []
    QTest.keyClick(dialog, Qt.Key.Key_Escape)


async def test_a_download_that_was_cancelled_goes_on_the_next_time(
    window: app.Parts, engines: Engines, real_wheel: Path
) -> None:
    page = await opened(window)
    with WheelServer([real_wheel], hold=2_000_000) as server:
        dialog = await offered(window, page, server)
        click(dialog.go)
        await until(lambda: says(dialog, " of 37 MB"), "it shows how far it is")
        assert sorted(each.name.split("-")[0] for each in engines.folder.iterdir()) == [".coming", ".incoming"]
        click(dialog.cancel)
        await until(lambda: list(engines.folder.iterdir()) == [engines.coming], "what has come is left, and no more")
        assert window.window.engine.dialog is None
        (came,) = [each.stat().st_size for each in engines.coming.glob("*.whl.part")]
        server.hold = None
        server.go_on.set()
        dialog = await offered(window, page, server)
        click(dialog.go)
        await until(lambda: dialog.go.text() == "Install" and dialog.go.isVisible(), "it asks whether to install")
        assert server.wanted[1:] == [(f"bytes={came}-", "")]
        assert "It is the one that the page says." in dialog.facts.text
        click(dialog.cancel)
        await until(lambda: list(engines.folder.iterdir()) == [], "nothing is left")


async def test_off_line_it_says_so(window: app.Parts) -> None:
    page = await opened(window)
    if not window.window.tools.is_off_line:
        window.window.commands["file.offline"].trigger()
    with WheelServer([]) as server:
        click(page.from_address)
        dialog = dialog_of(window)
        dialog.edit.setText(server.index)
        click(dialog.go)
        await until(dialog.notice.isVisible, "it says why")
        assert "works off line" in dialog.notice.text
        assert not server.asked
    dialog.reject()


async def test_one_that_starts_no_longer_gives_way_with_a_way_back(
    build: Build, home: Paths, engines: Engines, tmp_path: Path, starter_model: Path
) -> None:
    engine = bad(engines, tmp_path)
    engines.choose(engine)
    parts = build(home=home)
    await parts.window.models.open([starter_model])
    await parts.window.models.load()
    assert parts.pool.loaded  # by its own engine
    notice = parts.window.engine.notice
    assert notice.isVisible()
    assert "The engine 1.0 does not start" in notice.text
    assert "no card" in notice.text
    click(button(notice, "Dismiss"))
    page = await opened(parts)
    assert page.state.runs is None
    assert "no card" in page.notice.text
    # It can be tried again, and says why it is not used.
    click(row_of(page, engine).use)
    await until(lambda: "no card" in parts.window.problem.text, "it says why")
    assert engines.chosen() == engine
    click(button(page, "Use the Built-in Engine"))
    await until(page.notice.isHidden, "it is settled")
    assert engines.chosen() is None


async def test_the_way_back_is_above_every_page(
    build: Build, home: Paths, engines: Engines, tmp_path: Path, starter_model: Path
) -> None:
    engines.choose(bad(engines, tmp_path))
    parts = build(home=home)
    await parts.window.models.open([starter_model])
    await parts.window.models.load()
    press(button(parts.window.engine.notice, "Use the Built-in Engine"))
    await until(parts.window.engine.notice.isHidden, "it is settled")
    assert engines.chosen() is None


async def test_one_is_removed_after_asking(window: app.Parts, engines: Engines, tmp_path: Path) -> None:
    first, second = bad(engines, tmp_path, "1.0"), bad(engines, tmp_path, "2.0")
    page = await opened(window)
    assert {row.engine for row in page.rows} == {None, first, second}
    for answer, there in (("Cancel", 2), ("Remove Engine", 1)):
        click(row_of(page, first).remove)
        (box,) = [each for each in window.window.findChildren(QMessageBox) if each.isVisible()]
        assert "1.0" in box.text()
        click(button(box, answer))
        await until(lambda there=there: len(engines.installed()) == there, "it was done as said")
    await until(lambda: {row.engine for row in page.rows} == {None, second}, "the page shows it")


def test_what_would_suit_is_offered_where_it_does_not_run(qtbot: object, qapp: QApplication, tmp_path: Path) -> None:
    page = EnginePage()
    asked: list[str] = []
    page.address_requested.connect(asked.append)
    page.show()
    card = wheels.recommend(Hardware("Linux", cuda=(12, 8), glibc=(2, 39)))
    page.show_state(EngineState(built_in="1.0", wheel=card))
    assert says(page, "NVIDIA CUDA")
    click(page.install)
    assert asked == [card.index]
    there = Installed(
        tmp_path / "one", "x.whl", "1.0+cu128", "cu128", "any", "ab", 1, "here", "2026-01-01T00:00:00+00:00"
    )
    page.show_state(EngineState(built_in="1.0", installed=(there,), chosen=there, runs=there, wheel=card))
    assert not page.install.isVisible()
    assert says(page, "is the one that suits it")
    # Nothing at all: the line to type.
    page.show_state(EngineState(wheel=Wheel("", "CPU", "no card")))
    assert says(page, "pip install")
    page.deleteLater()
