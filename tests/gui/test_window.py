"""The whole way in the real window, with the real engine: drop, preview, load, chat, stop, eject; and every fault."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from conftest import Build, button, drop, until
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QSpinBox, QTextEdit

from nodetool_xl_desktop.app import Parts
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.engine.child import worker_command
from nodetool_xl_desktop.engine.client import Sampling
from nodetool_xl_desktop.engine.states import Broken, Empty, Ready, Starting
from nodetool_xl_desktop.store.records import State
from nodetool_xl_desktop.ui.notice import Notice
from nodetool_xl_desktop.ui.side_bar import Tab
from nodetool_xl_desktop.ui.transcript.message_figures import FiguresLine
from nodetool_xl_desktop.ui.transcript.message_view import AnswerView

LONG = "Write a very long story about a ship and its crew, with many chapters."


def click(parts: Parts, text: str) -> None:
    QTest.mouseClick(button(parts.window, text), Qt.MouseButton.LeftButton)


def composer(parts: Parts) -> QTextEdit:
    return parts.window.chat.composer.findChildren(QTextEdit)[0]


def ask(parts: Parts, text: str) -> None:
    """Type and send, as a person does."""
    parts.window.chats.asker.sampling = Sampling(temperature=0, max_tokens=2000 if text == LONG else 40)
    QTest.keyClicks(composer(parts), text)
    QTest.keyClick(composer(parts), Qt.Key.Key_Return)


def notices(parts: Parts) -> str:
    return " | ".join(notice.text for notice in parts.window.findChildren(Notice) if notice.isVisible())


async def drop_and_load(parts: Parts, model: Path) -> int:
    """Returns the child's process id."""
    drop(parts.window, model)
    await until(lambda: parts.window.fit_panel.report is not None, "a preview")
    click(parts, "Load")
    await until(lambda: isinstance(parts.loader.state, Ready | Broken), "loaded")
    assert isinstance(parts.loader.state, Ready), parts.loader.state
    return parts.loader.state.server.pid


async def first_words(parts: Parts) -> None:
    await until(lambda: parts.window.chats.shown and parts.window.chats.shown[-1].text, "the first words")


async def test_drop_preview_load_chat_stop_eject(parts: Parts, starter_model: Path) -> None:
    drop(parts.window, starter_model)
    await until(lambda: parts.window.fit_panel.report is not None, "a preview")
    report = parts.window.fit_panel.report
    assert report is not None
    assert report.header.quantization == "Q4_1"
    assert report.need.total > 200 * 2**20
    assert parts.window.side_bar.models.selected == starter_model
    assert parts.window.side_bar.tab is Tab.MODELS

    click(parts, "Load")
    await until(lambda: isinstance(parts.loader.state, Ready), "loaded")
    state = parts.loader.state
    assert isinstance(state, Ready)
    child = psutil.Process(state.server.pid)
    assert child.memory_info().rss > report.need.host.context

    ask(parts, LONG)
    await first_words(parts)
    view = parts.window.findChildren(AnswerView)[0]
    lengths = set()
    while len(lengths) < 5:
        await asyncio.sleep(0.05)
        lengths.add(len(view._text.toPlainText()))
        assert parts.window.chats.shown[-1].is_open, "the answer must be long enough to be watched"

    stopped_at = time.perf_counter()
    click(parts, "Stop")
    await until(lambda: not parts.window.chats.is_answering, "stopped", within_s=1.0)
    assert time.perf_counter() - stopped_at < 1.0
    answer = parts.window.chats.shown[-1]
    assert answer.state is State.STOPPED
    assert answer.text.strip()
    figures = " ".join(line.text() for line in view.findChildren(FiguresLine))
    assert re.search(r"tokens/s.*first token.*about \d+ tokens.*stopped by you", figures), figures
    await until(lambda: child.cpu_percent(0.2) < 20, "the engine is idle again", within_s=5)

    click(parts, "Eject")
    await until(lambda: isinstance(parts.loader.state, Empty), "ejected", within_s=5)
    assert not child.is_running(), "the process, and with it all its memory, is given back"


async def test_keys_alone(parts: Parts, starter_model: Path) -> None:
    """A line break, sending, stopping, a new chat: without a mouse."""
    await drop_and_load(parts, starter_model)
    parts.window.chats.asker.sampling = Sampling(temperature=0, max_tokens=2000)
    QTest.keyClicks(composer(parts), "One")
    QTest.keyClick(composer(parts), Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    QTest.keyClicks(composer(parts), LONG)
    assert composer(parts).toPlainText() == f"One\n{LONG}"
    QTest.keyClick(composer(parts), Qt.Key.Key_Return)
    await first_words(parts)
    assert composer(parts).toPlainText() == ""
    QTest.keyClick(parts.window, Qt.Key.Key_Escape)
    await until(lambda: not parts.window.chats.is_answering, "stopped")
    assert parts.window.chats.shown[-1].state is State.STOPPED
    QTest.keyClick(parts.window, Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier)
    await until(lambda: not parts.window.chats.shown, "a new chat")
    assert not parts.window.chat.transcript.isVisible()
    QTest.keyClick(parts.window, Qt.Key.Key_E, Qt.KeyboardModifier.ControlModifier)
    await until(lambda: isinstance(parts.loader.state, Empty), "ejected", within_s=5)


async def test_a_second_question_has_the_first_in_mind(parts: Parts, starter_model: Path) -> None:
    await drop_and_load(parts, starter_model)
    for question in ("Say yes.", "Say no."):
        ask(parts, question)
        await parts.window.chats.answered()
    first, second = (message for message in parts.window.chats.shown if message.role == "assistant")
    assert second.about.usage.prompt_tokens > first.about.usage.prompt_tokens + first.about.usage.completion_tokens
    assert second.about.usage.cached_tokens > 0


async def test_killed_while_it_streams(parts: Parts, starter_model: Path) -> None:
    pid = await drop_and_load(parts, starter_model)
    ask(parts, LONG)
    await first_words(parts)
    os.kill(pid, signal.SIGKILL)
    await until(lambda: not parts.window.chats.is_answering, "the answer ended", within_s=5)
    answer = parts.window.chats.shown[-1]
    assert answer.state is State.FAILED
    assert answer.text.strip(), "what was written stays"
    view = parts.window.findChildren(AnswerView)[0]
    first = answer.text.split()[0].strip("*#")
    await until(lambda: first in view._text.toPlainText(), "what was written is drawn")
    await until(lambda: isinstance(parts.loader.state, Broken), "the window knows")
    await until(lambda: "The engine ended" in notices(parts), "it says so")
    assert "signal 9" in notices(parts)

    click(parts, "Load again")
    await until(lambda: isinstance(parts.loader.state, Ready), "loaded again")
    ask(parts, "Say yes.")
    await parts.window.chats.answered()
    assert parts.window.chats.shown[-1].state in (State.COMPLETE, State.CUT)


async def test_killed_while_idle(parts: Parts, starter_model: Path) -> None:
    pid = await drop_and_load(parts, starter_model)
    os.kill(pid, signal.SIGKILL)
    await until(lambda: isinstance(parts.loader.state, Broken), "the window notices by itself")
    await until(lambda: "The engine ended" in notices(parts), "it says so")


async def test_cancel_a_load(parts: Parts, starter_model: Path) -> None:
    drop(parts.window, starter_model)
    await until(lambda: parts.window.fit_panel.report is not None, "a preview")
    click(parts, "Load")
    await until(lambda: isinstance(parts.loader.state, Starting), "loading")
    await asyncio.sleep(0.1)
    click(parts, "Cancel")
    await until(lambda: isinstance(parts.loader.state, Empty), "cancelled")
    assert not psutil.Process().children()
    assert button(parts.window, "Load").isEnabled()


async def test_a_message_before_a_load_loads_first(parts: Parts, starter_model: Path) -> None:
    drop(parts.window, starter_model)
    await until(lambda: parts.window.fit_panel.report is not None, "a preview")
    ask(parts, "Say yes.")
    await until(lambda: len(parts.window.chats.shown) == 2, "loaded and sent")
    await parts.window.chats.answered()
    assert parts.window.chats.shown[-1].state in (State.COMPLETE, State.CUT)


async def test_a_message_is_kept_when_the_load_fails(build: Build, starter_model: Path) -> None:
    """Too little memory, played by a limit on the child."""
    parts = build(["prlimit", "--as=400000000", *worker_command()])
    drop(parts.window, starter_model)
    await until(lambda: parts.window.fit_panel.report is not None, "a preview")
    ask(parts, "Say yes.")
    await until(lambda: isinstance(parts.loader.state, Broken), "failed")
    assert composer(parts).toPlainText() == "Say yes."
    assert "could not be loaded" in notices(parts)
    assert "memory" in notices(parts)
    assert "smaller Context Length" in notices(parts)


async def test_double_click_loads(parts: Parts, starter_model: Path) -> None:
    drop(parts.window, starter_model)
    await until(lambda: parts.window.fit_panel.report is not None, "a preview")
    view = parts.window.side_bar.models.view
    place = view.visualRect(view.currentIndex()).center()
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=place)
    QTest.mouseDClick(view.viewport(), Qt.MouseButton.LeftButton, pos=place)
    await until(lambda: isinstance(parts.loader.state, Ready), "loaded")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "It is empty"),
        (b"no model at all, a text", "not a GGUF model"),
        (b"GGUF\x03\x00\x00\x00\x01", "not complete"),
    ],
)
async def test_a_file_that_is_no_model(parts: Parts, tmp_path: Path, content: bytes, words: str) -> None:
    file = tmp_path / "odd.gguf"
    file.write_bytes(content)
    drop(parts.window, file)
    await until(lambda: "odd.gguf" in notices(parts), "an explanation")
    assert words in notices(parts)
    assert parts.window.side_bar.models.selected is None, "it is not listed"


async def test_an_architecture_that_the_engine_does_not_know(parts: Parts, tmp_path: Path, starter_model: Path) -> None:
    content = await asyncio.to_thread(starter_model.read_bytes)
    at = content.index(b"llama", content.index(b"general.architecture"))
    file = tmp_path / "future.gguf"
    # The keys of the header keep their old prefix: the preview knows less, the engine nothing.
    await asyncio.to_thread(file.write_bytes, content[:at] + b"zzama" + content[at + 5 :])
    drop(parts.window, file)
    await until(lambda: parts.window.fit_panel.report is not None, "a preview")
    click(parts, "Load")
    await until(lambda: isinstance(parts.loader.state, Broken), "failed")
    assert "does not know the architecture 'zzama'" in notices(parts)


async def test_the_figures_follow_the_context_at_once(parts: Parts, starter_model: Path) -> None:
    drop(parts.window, starter_model)
    await until(lambda: parts.window.fit_panel.report is not None, "a preview")
    before = parts.window.fit_panel.report
    number = parts.window.fit_panel.findChildren(QSpinBox)[0]
    number.selectAll()
    QTest.keyClicks(number, "4096")
    QTest.keyClick(number, Qt.Key.Key_Return)
    after = parts.window.fit_panel.report
    assert before is not None
    assert after is not None
    assert after.need.host.context * 2 == before.need.host.context
    assert "92 MiB" in " ".join(size.text() for size in parts.window.fit_panel.findChildren(QLabel))


async def test_what_was_opened_is_still_there_next_time(build: Build, starter_model: Path) -> None:
    first = build()
    drop(first.window, starter_model)
    await until(lambda: first.window.side_bar.models.selected == starter_model, "listed")
    second = build()
    await second.window.models.list_models()
    assert [file.path for file in second.window.side_bar.models.files] == [starter_model]


async def test_closing_while_it_loads_and_while_it_streams(build: Build, tmp_path: Path, starter_model: Path) -> None:
    """The `build` fixture then looks for what is left."""
    loading = build()
    drop(loading.window, starter_model)
    await until(lambda: loading.window.fit_panel.report is not None, "a preview")
    click(loading, "Load")
    await asyncio.sleep(0.2)
    streaming = build(home=Paths.below(tmp_path / "another"))
    await drop_and_load(streaming, starter_model)
    ask(streaming, LONG)
    await first_words(streaming)
    for parts in (loading, streaming):
        parts.window.close()
        await parts.shut_down()
    assert streaming.window.chats.shown[-1].state is State.STOPPED


async def test_the_view_menu_says_what_is_shown_however_it_came(parts: Parts) -> None:
    window = parts.window
    (menu,) = [action.menu() for action in window.menuBar().actions() if action.text() == "&View"]
    offers = {action.text(): action for action in menu.actions()}

    def checked() -> list[str]:
        menu.aboutToShow.emit()
        return [text for text, action in offers.items() if action.isChecked()]

    assert checked() == ["&Side Bar", "&Fit Panel"]
    offers["&Side Bar"].trigger()
    assert checked() == ["&Fit Panel"]
    offers["&Models"].trigger()
    assert window.side_bar.isVisible()
    assert checked() == ["&Side Bar", "&Fit Panel"], "the page of models brought it"


async def test_a_page_is_made_when_it_is_first_shown(build: Build) -> None:
    """The first picture waits for no page that nobody sees; each is then wired as if it had always been there."""
    window = build().window
    window.show()
    assert window.centre.count() == 1
    window.navigation.toggle_table()
    assert window.centre.page is window.models.table
    window.models.table.closed.emit()
    assert window.centre.page is window.chat
    window.navigation.show_downloads()
    assert window.centre.page is window.hub.downloads.page
    window.hub.downloads.page.closed.emit()
    window.navigation.show_tab(Tab.DISCOVER)
    assert window.side_bar.discover.isVisible()
    assert window.centre.page is window.hub.page
    assert window.centre.count() == 4


def test_no_page_is_imported_before_it_is_shown() -> None:
    late = "ui.discover.repository_page ui.discover.search_page ui.downloads.downloads_page ui.models.models_table"
    code = "import sys, nodetool_xl_desktop.app\nprint(*(each for each in sys.modules if 'nodetool_xl' in each))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    imported = {name.removeprefix("nodetool_xl_desktop.") for name in done.stdout.split()}
    assert "ui.main_window" in imported
    assert not imported & set(late.split())
