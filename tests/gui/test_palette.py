"""The command palette in the real window: what it offers, finds and does, how it is gone through, how fast it is."""

from __future__ import annotations

import random
import time
from functools import partial
from pathlib import Path

import pytest
from chat_driver import CTRL, SHIFT, K, Person, echo, sat_down
from conftest import Build, until
from model_files import model_files
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit
from shiboken6 import Shiboken

from nodetool_xl_desktop.core import settings
from nodetool_xl_desktop.engine.states import Ready
from nodetool_xl_desktop.store.records import Chat, TitledBy
from nodetool_xl_desktop.ui.palette.entries import Entry
from nodetool_xl_desktop.ui.palette.matching import Fit, fit
from nodetool_xl_desktop.ui.palette.palette import Palette
from nodetool_xl_desktop.ui.palette.palette_list import said

CTRL_SHIFT = CTRL | SHIFT
#: A frame of the screen, in milliseconds: what is typed is seen in the next one.
FRAME_MS = 16


@pytest.mark.parametrize(
    ("typed", "name", "how"),
    [
        ("new c", "new chat", Fit.BEGINS),
        ("ch n", "new chat", Fit.WORDS),
        ("chat", "new chat", Fit.WORDS),
        ("nc", "new chat", Fit.INITIALS),
        ("hat", "new chat", Fit.HOLDS),
        ("rgnt", "regenerate", Fit.LETTERS),
        ("mdtab", "models as table", Fit.LETTERS),
        ("etareneger", "regenerate", None),
        ("gnt", "regenerate", None),
        ("new chats", "new chat", None),
    ],
)
def test_how_a_name_answers(typed: str, name: str, how: Fit | None) -> None:
    assert fit(typed.split(), name) is how


def test_of_chats_letters_in_their_order_are_not_enough() -> None:
    assert fit(["mnlght"], "moon light", by_letters=False) is None
    assert fit(["ight", "oon"], "moon light", by_letters=False) is Fit.HOLDS


# In the window


async def opened(person: Person) -> Palette:
    await person.press(K.Key_P, CTRL_SHIFT, lambda: person.window)
    palette = person.window.commands.palette
    await until(palette.field.hasFocus, "the palette has the keys")
    return palette


def offered(palette: Palette) -> list[str]:
    return [entry.text for entry in palette.view.lines.entries]


def chosen(palette: Palette) -> str:
    entry = palette.view.chosen
    return entry.text if entry is not None else ""


def entry_of(palette: Palette, text: str) -> Entry:
    (found,) = [entry for entry in palette.view.lines.entries if entry.text == text]
    return found


async def test_it_offers_everything_and_does_what_is_chosen(build: Build) -> None:
    person = await sat_down(build)
    await person.write("half a sentence")
    palette = await opened(person)
    assert len(offered(palette)) == len(list(person.window.commands))
    assert offered(palette)[0] == "Open Model ..."
    await person.type("side b")
    assert offered(palette) == ["Side Bar"]
    assert entry_of(palette, "Side Bar").note == "View"
    assert entry_of(palette, "Side Bar").keys == "Ctrl+B"
    await person.press(K.Key_Return)
    assert person.window.side_bar.isHidden()
    assert not palette.isVisible()
    assert person.composer.field.hasFocus(), "the keys are where they were"
    assert person.composer.text == "half a sentence"


async def test_it_is_gone_through_by_keys(build: Build) -> None:
    person = await sat_down(build)
    palette = await opened(person)
    names = offered(palette)
    for key, reached in (
        (K.Key_Down, 1), (K.Key_Up, 0), (K.Key_Up, len(names) - 1), (K.Key_Down, 0), (K.Key_PageDown, 10),
        (K.Key_PageUp, 0), (K.Key_PageUp, 0), (K.Key_Tab, 1), (K.Key_Backtab, 0),
    ):  # fmt: skip
        await person.press(key)
        assert chosen(palette) == names[reached], key
        assert palette.field.hasFocus()
    for _ in range(9):
        await person.press(K.Key_PageDown)
    assert chosen(palette) == names[-1]
    assert palette.view.viewport().rect().contains(palette.view.visualRect(palette.view.currentIndex()))
    await person.press(K.Key_Escape)
    assert not palette.isVisible()
    assert person.composer.field.hasFocus()


async def test_it_goes_by_its_own_keys_by_escape_and_when_the_keys_go_elsewhere(build: Build) -> None:
    person = await sat_down(build)
    palette = await opened(person)
    await person.press(K.Key_P, CTRL_SHIFT)
    assert not palette.isVisible()
    palette = await opened(person)
    await person.do(lambda: QTest.mouseClick(person.browser._field, Qt.MouseButton.LeftButton))
    assert not palette.isVisible()
    assert person.browser._field.hasFocus(), "a click elsewhere is where the keys go"
    palette = await opened(person)
    await person.press(K.Key_N, CTRL)
    assert not palette.isVisible()
    assert person.composer.field.hasFocus()


async def test_what_had_the_keys_may_be_gone_when_it_closes(build: Build) -> None:
    person = await sat_down(build)
    passing = QLineEdit(person.window.centralWidget())
    passing.show()
    passing.setFocus()
    palette = await opened(person)
    Shiboken.delete(passing)  # as an answer or another chat does with what stands in a message
    await person.type("side b")
    await person.press(K.Key_Return)
    assert not palette.isVisible()
    assert person.window.side_bar.isHidden()


async def test_what_cannot_be_done_is_grey_and_is_not_done(build: Build) -> None:
    person = await sat_down(build)
    palette = await opened(person)
    await person.type("regener")
    entry = entry_of(palette, "Regenerate")
    assert (entry.is_enabled, entry.note) == (False, "Chat")
    assert said(entry) == "Regenerate, Chat, Ctrl+Enter, not possible now"
    await person.press(K.Key_Return)
    assert palette.isVisible(), "nothing was done, and one sees why"
    palette.field.clear()
    await person.type("xyzzy")
    assert offered(palette) == []
    assert "Nothing is called so." in person.words
    await person.press(K.Key_Down)
    await person.press(K.Key_Return)
    assert palette.isVisible()


async def test_what_was_used_last_comes_first_and_is_kept(build: Build) -> None:
    person = await sat_down(build)
    for typed in ("zoom in", "actual size"):
        await opened(person)
        await person.type(typed)
        await person.press(K.Key_Return)
    palette = await opened(person)
    assert offered(palette)[:2] == ["Actual Size", "Zoom In"]
    await person.type("zoom")
    assert offered(palette)[:2] == ["Zoom In", "Zoom Out"]
    await person.press(K.Key_Escape)
    file = person.window.chosen.file.path
    await until(lambda: "view.actual_size view.larger" in file.read_text("utf-8"), "it is on the disk")
    await person.close()
    again = await sat_down(build)
    await until(lambda: again.window.chosen.now[settings.LAST_COMMANDS], "read")
    assert offered(await opened(again))[:2] == ["Actual Size", "Zoom In"]


async def test_it_goes_to_a_chat_and_loads_a_model(build: Build, starter_model: Path) -> None:
    person = await sat_down(build, command=echo())
    await person.load(starter_model)
    await person.ask("apples & <b>pears</b>")
    await person.answered()
    await person.new_chat()
    palette = await opened(person)
    await person.type("pears")
    assert offered(palette) == ["apples & <b>pears</b>"]
    assert palette.view.lines.entries[0].note == "Go to Chat"
    await person.press(K.Key_Return)
    await until(lambda: person.said, "the chat is shown")
    await person.press(K.Key_E, CTRL, lambda: person.window)
    await until(lambda: not isinstance(person.pane.state, Ready), "no model is loaded")
    palette = await opened(person)
    await person.type("load smol")
    assert chosen(palette).startswith("Load SmolLM2 135M")
    await person.press(K.Key_Return)
    await until(lambda: isinstance(person.pane.state, Ready), "it is loaded")


async def test_load_model_offers_models_alone(build: Build, starter_model: Path) -> None:
    person = await sat_down(build, command=echo())
    await person.window.models.open([starter_model])
    await person.press(K.Key_L, CTRL, lambda: person.window)
    palette = person.window.commands.palette
    await until(palette.field.hasFocus, "the palette has the keys")
    assert palette.field.placeholderText() == "Load which model?"
    assert chosen(palette).startswith("Load SmolLM2 135M")
    assert offered(palette)[1:] == ["Open Model ...", "Open Address ...", "Discover"]
    await person.press(K.Key_Return)
    await until(lambda: isinstance(person.pane.state, Ready), "it is loaded")
    await person.do(lambda: QTest.mouseClick(person.pane.pill, Qt.MouseButton.LeftButton))
    assert palette.isVisible(), "the button of the model opens the same"
    await person.press(K.Key_Escape)


async def test_a_screen_reader_is_told_of_each_line(build: Build) -> None:
    person = await sat_down(build)
    palette = await opened(person)
    role = Qt.ItemDataRole.AccessibleTextRole
    assert palette.view.lines.index(0).data(role) == "Open Model ..., File, Ctrl+O"
    assert palette.field.accessibleName() == "What do you want to do?"
    assert palette.accessibleName() == "Command Palette"
    assert palette.view.accessibleName() == "What can be done"


@pytest.mark.parametrize("size", [(1360, 860), (1024, 640)], ids=str)
async def test_it_lies_within_the_window_and_stays_while_one_types(build: Build, size: tuple[int, int]) -> None:
    person = await sat_down(build)
    person.window.resize(*size)
    palette = await opened(person)
    place = palette.geometry()
    assert person.window.rect().contains(place)
    assert abs(place.center().x() - person.window.rect().center().x()) <= 1
    await person.type("zoom")
    assert palette.geometry() == place
    person.window.resize(size[0] + 100, size[1])
    assert abs(palette.geometry().center().x() - person.window.rect().center().x()) <= 1


WORDS = ("moon", "light", "recipe", "python", "script", "letter", "budget", "garden", "history", "weather")


def chats(count: int) -> list[Chat]:
    chance = random.Random(1)
    return [
        Chat(f"c{number}", " ".join(chance.sample(WORDS, 4)), TitledBy.PERSON, 1, count - number)
        for number in range(count)
    ]


async def test_a_key_is_seen_within_a_frame_among_ten_thousand_chats(build: Build) -> None:
    person = await sat_down(build)
    window = person.window
    window.side_bar.chats.view.chats.set_chats([], chats(10_000))
    window.side_bar.models.show_models(model_files(500))
    palette = await opened(person)
    took: list[float] = []

    def key(letter: str) -> None:
        begun = time.thread_time()  # what this thread does, and not what else the machine does meanwhile
        QTest.keyClick(palette.field, letter)
        palette.view.viewport().repaint()
        took.append((time.thread_time() - begun) * 1000)

    for typed in ("moon light", "load", "xyzzy", "rgnt"):
        palette.field.clear()
        for letter in typed:
            await person.do(partial(key, letter))
    print(f"a key until it is painted: at most {max(took):.1f} ms, in the middle {sorted(took)[len(took) // 2]:.1f} ms")
    assert max(took) < FRAME_MS
    assert QApplication.focusWidget() is palette.field
