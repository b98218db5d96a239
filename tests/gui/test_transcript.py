"""The transcript: what it shows of a chat and at what cost, and what can be done with a message by keys and mouse."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import button, until
from PySide6.QtCore import QBuffer, QCoreApplication, QEvent, QIODevice, QPoint, Qt
from PySide6.QtGui import QAction, QColor, QGuiApplication, QImage, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QMainWindow, QMenu

from nodetool_xl_desktop.chat.session import Shown
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.engine.errors import EngineError, Fault
from nodetool_xl_desktop.engine.events import PromptProgress, Speed, Usage
from nodetool_xl_desktop.store import chats
from nodetool_xl_desktop.store import messages as disk
from nodetool_xl_desktop.store.parts import Attachment, Reasoning, Text
from nodetool_xl_desktop.store.records import About, Message, ModelIdentity, State
from nodetool_xl_desktop.store.store import Store
from nodetool_xl_desktop.store.tree import Versions
from nodetool_xl_desktop.ui.tasks import Tasks
from nodetool_xl_desktop.ui.theme import Theme
from nodetool_xl_desktop.ui.transcript.message_figures import Details
from nodetool_xl_desktop.ui.transcript.message_frame import MessageView
from nodetool_xl_desktop.ui.transcript.message_view import AnswerView
from nodetool_xl_desktop.ui.transcript.transcript import Transcript

MODEL = ModelIdentity("m", "Model", "/models/m.gguf", 4_900_000_000)
ABOUT = About(model=MODEL, usage=Usage(412, 318, 256), speed=Speed(310.0, 41.8), first_token_s=0.21, pieces=318)
LONG = (
    "A paragraph that is long enough to be broken into two lines in a column of this width, at least I hope so.\n\n" * 6
)
#: What the platform that has no screen says when a menu or a popup opens.
POPUPS = pytest.mark.qt_log_ignore("This plugin does not support (raise|grabbing the keyboard)")


def asked(name: str, text: str, parent: str | None = None) -> Message:
    return Message(name, parent, "user", (Text(text),))


def answered(name: str, text: str, state: State = State.COMPLETE, **about: Any) -> Message:
    return Message(name, None, "assistant", (Text(text),), state, 1, replace(ABOUT, **about))


def talk(turns: int, text: str = LONG) -> list[Message]:
    pairs = ([asked(f"q{at}", f"Question {at}?"), answered(f"a{at}", f"Answer {at}.\n\n{text}")] for at in range(turns))
    return [message for pair in pairs for message in pair]


def alone(message_id: str) -> Versions:
    return Versions((message_id,), 0)


def second_of_three(message_id: str) -> Versions:
    return Versions((f"{message_id}-1", message_id, f"{message_id}-3"), 1)


@pytest.fixture
def window(qapp: QApplication, loop: asyncio.AbstractEventLoop) -> Iterator[QMainWindow]:
    made = QMainWindow()
    made.theme = Theme(qapp)  # type: ignore[attr-defined]
    transcript = Transcript(made.theme)  # type: ignore[attr-defined]
    made.setCentralWidget(transcript)
    made.resize(780, 700)
    made.show()
    made.activateWindow()
    settle()
    yield made
    transcript.watch(None)
    made.close()
    made.deleteLater()
    made.theme.deleteLater()  # type: ignore[attr-defined]
    settle()


@pytest.fixture
def transcript(window: QMainWindow) -> Transcript:
    found = window.centralWidget()
    assert isinstance(found, Transcript)
    return found


def settle() -> None:
    for _ in range(6):
        QApplication.processEvents()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


async def calm() -> None:
    """The same on the running loop, which must not be run in itself."""
    await asyncio.sleep(0.02)


def view(transcript: Transcript, name: str) -> MessageView:
    found = [each for each in transcript.alive.values() if isinstance(each, MessageView) and each.message.id == name]
    assert len(found) == 1, f"no view of {name}"
    return found[0]


def top(transcript: Transcript, name: str) -> int:
    return view(transcript, name).mapTo(transcript.viewport(), QPoint(0, 0)).y()


def words(each: MessageView) -> str:
    labels = [label.text() for label in each.findChildren(QLabel) if label.isVisible()]
    figures = [each.figures_button.text()] if isinstance(each, AnswerView) else []
    return " | ".join([*(text.toPlainText() for text in each.texts if text.isVisible()), *labels, *figures])


def point_at(transcript: Transcript, name: str) -> MessageView:
    each = view(transcript, name)
    QTest.mouseMove(transcript.window(), transcript.mapTo(transcript.window(), QPoint(1, 1)))
    QTest.mouseMove(each, QPoint(each.width() // 2, each.height() - 10))
    settle()
    return each


def focus(transcript: Transcript, name: str) -> MessageView:
    each = view(transcript, name)
    each.setFocus(Qt.FocusReason.TabFocusReason)
    return each


def heard(signal: Any) -> list[Any]:
    said: list[Any] = []
    signal.connect(lambda *values: said.append(values[0] if len(values) == 1 else values))
    return said


def open_menu(transcript: Transcript) -> QMenu:
    menus = [each for each in QApplication.topLevelWidgets() if isinstance(each, QMenu) and each.isVisible()]
    assert len(menus) == 1
    return menus[0]


# What is shown


def test_only_what_is_new_is_drawn_anew(transcript: Transcript) -> None:
    chat = talk(3)
    transcript.show_chat(chat, alone)
    settle()
    kept, gone = view(transcript, "a2"), view(transcript, "q2")
    edited = asked("q2b", "Another question?")
    other = replace(chat[5], parts=(Text("Another answer."),))
    transcript.show_chat([*chat[:4], edited, other], alone)
    settle()
    assert view(transcript, "a2") is kept
    assert "Another answer." in words(kept)
    assert view(transcript, "q2b") is not gone
    assert [each.message.id for _, each in sorted(transcript.alive.items())][-2:] == ["q2b", "a2"]


def test_another_chat_is_shown_at_its_end_and_a_switch_where_one_is(transcript: Transcript) -> None:
    chat = talk(8)
    transcript.show_chat(chat, alone)
    settle()
    bar = transcript.verticalScrollBar()
    assert bar.value() == bar.maximum() > 1000
    transcript.go_to(6, 100)
    settle()
    before = top(transcript, "q3")
    assert before == 100
    shown = [*chat[:8], asked("q4b", "Another branch?"), answered("a4b", "Short.")]
    transcript.show_chat(shown, alone)  # another version, further below
    settle()
    assert top(transcript, "q3") == before
    transcript.show_chat(talk(3)[:2], alone)  # what stood there is deleted: nothing is above but the beginning
    settle()
    assert top(transcript, "q0") >= 0
    transcript.show_chat([asked("x", "Hello?"), *talk(5)[1:]], alone)
    settle()
    assert bar.value() == bar.maximum()


async def test_one_reads_above_while_an_answer_comes(transcript: Transcript) -> None:
    """The view stays put as soon as one scrolls up, and follows again at the end."""
    live = answered("live", "Word.", State.STREAMING)
    transcript.show_chat([*talk(4), live], alone)
    transcript.watch(lambda: (live, None, ""))
    bar = transcript.verticalScrollBar()
    await until(lambda: bar.maximum() > 500 and bar.value() == bar.maximum(), "at the end")
    bar.setValue(bar.maximum() - 300)
    before, seen = (
        bar.maximum(),
        {each.message.id: top(transcript, each.message.id) for each in transcript.alive.values()},
    )
    live = replace(live, parts=(Text("Word." + "\n\nMore." * 20),))
    await until(lambda: bar.maximum() > before + 200, "it has grown")
    assert {name: top(transcript, name) for name in seen} == seen
    bar.setValue(bar.maximum())
    before = bar.maximum()
    live = replace(live, parts=(Text("Word." + "\n\nMore." * 40),))
    await until(lambda: bar.maximum() > before + 200 and bar.value() == bar.maximum(), "it follows")
    live = replace(live, state=State.COMPLETE)
    await until(lambda: not transcript.is_watching, "an idle window draws nothing")
    assert "stopped by itself" in words(view(transcript, "live"))


def test_an_answer_on_its_way(transcript: Transcript) -> None:
    live = replace(answered("live", "", State.WAITING), parts=())
    transcript.show_chat([asked("q", "Why?"), live], alone)
    settle()
    each = view(transcript, "live")
    assert "Waiting for the first token" in words(each)
    transcript.update_answer(live, None, "Waiting: another chat is being answered by this model")
    assert "another chat is being answered" in words(each)
    transcript.update_answer(live, PromptProgress(40, 100, 0))
    assert "Reading the prompt ... 40%" in words(each)
    live = replace(live, parts=(Reasoning("Let me think."),), state=State.STREAMING)
    transcript.update_answer(live)
    assert "Let me think." in words(each)
    live = replace(live, parts=(Reasoning("Let me think."), Text("Because.")))
    transcript.update_answer(live)
    assert "Let me think." not in words(each)
    assert "Because." in words(each)
    transcript.update_answer(replace(live, state=State.INTERRUPTED))
    assert "not finished: the program ended" in words(each)
    transcript.update_answer(answered("of another chat", "x"))  # nothing that is shown


def test_a_hidden_transcript_shows_the_chat_when_it_comes(transcript: Transcript) -> None:
    transcript.hide()
    transcript.show_chat(talk(3), alone)
    assert not transcript.alive
    transcript.show()
    settle()
    assert transcript.verticalScrollBar().value() == transcript.verticalScrollBar().maximum() > 0


def test_a_line_above_what_is_still_sent(transcript: Transcript) -> None:
    transcript.show_chat(talk(2, ""), alone)
    settle()
    transcript.show_left_out("q1", "Not sent to the model from here up (2 messages, dropped)")
    settle()
    assert "Not sent to the model" in words(view(transcript, "q1"))
    assert "Not sent to the model" not in words(view(transcript, "q0"))
    transcript.show_left_out(None)
    settle()
    assert "Not sent to the model" not in words(view(transcript, "q1"))


def test_what_would_help_after_a_failure(transcript: Transcript) -> None:
    chat = [asked("q", "Why?"), answered("a", "", State.FAILED, error=UserFacingError("It failed", "no memory"))]
    loads, news, raises = (
        heard(each)
        for each in (transcript.load_requested, transcript.new_chat_requested, transcript.raise_context_requested)
    )
    transcript.show_chat(chat, alone)
    settle()
    QTest.mouseClick(button(transcript, "Load again"), Qt.MouseButton.LeftButton)
    transcript.hide_remedies()
    assert "It failed" in words(view(transcript, "a"))
    full = EngineError(Fault.CONTEXT_OVERFLOW, "The chat is too long")
    transcript.show_chat([chat[0], answered("b", "", State.FAILED, error=full)], alone)
    settle()
    QTest.mouseClick(button(transcript, "Raise the context"), Qt.MouseButton.LeftButton)
    QTest.mouseClick(button(transcript, "New chat"), Qt.MouseButton.LeftButton)
    assert (len(loads), len(news), len(raises)) == (1, 1, 1)
    transcript.show_chat([chat[0], answered("b", "", State.FAILED, error=full), asked("q2", "And now?")], alone)
    settle()
    with pytest.raises(AssertionError, match="no button"):
        button(transcript, "New chat")  # it is long ago


# Cost


async def stored(store: Store, count: int) -> str:
    """A chat with so many messages, of very different heights."""
    made, chance = await store.list.new("long"), random.Random(7)

    def fill(connection: Any) -> None:
        at, parent = chats.key(connection, made.id), None
        for number in range(count):
            text = f"Message {number} about the lighthouse.\n\n" + LONG * (number % 2) * chance.choice((0, 0, 1, 2, 5))
            message = disk.made_now(parent, ("user", "assistant")[number % 2], (Text(text),), about=ABOUT)
            disk.add(connection, at, message)
            parent = message.id

    await store.write(fill)
    return made.id


async def test_ten_thousand_messages(transcript: Transcript, tmp_path: Path) -> None:
    """Opens at once, scrolls either way without a jump, keeps few widgets, finds what was never seen."""
    store = await Store.open(tmp_path / "chats")
    opened = await store.open_chat(await stored(store, 10_000))
    ids = opened.tree.path()
    took = []
    for _ in range(3):
        transcript.clear()
        await calm()
        began = time.perf_counter()
        transcript.show_chat(Shown(ids, opened.messages.__getitem__), opened.tree.versions)
        transcript.viewport().grab()
        took.append(time.perf_counter() - began)
    assert min(took) < 0.1, took
    assert "Message 9999" in words(view(transcript, ids[-1]))
    await no_jump_while_scrolling(transcript)
    transcript.show_chat(Shown(ids, opened.messages.__getitem__), opened.tree.versions, ids[4000])
    await calm()
    assert view(transcript, ids[4000]).property("marked") == "true"
    assert 0 <= top(transcript, ids[4000]) < 100
    transcript.open_find()
    QTest.keyClicks(transcript.find_bar.field, "message 17 about")
    await until(lambda: transcript.find_bar.count == "1 of 1", "found")
    assert "Message 17 about" in words(view(transcript, ids[17]))
    await calm()
    assert len(transcript.findChildren(MessageView)) < 60
    await store.close()


async def no_jump_while_scrolling(transcript: Transcript) -> None:
    """What was in view before a step of the wheel is further down by just that step after it."""
    bar = transcript.verticalScrollBar()
    for step in [-240] * 60 + [180] * 30:
        seen = transcript.first_seen
        value = bar.value()
        bar.setValue(value + step)
        moved = transcript.top_in_view(seen.index) - seen.y
        assert moved == -step
        await calm()  # what is made ahead of the reader moves nothing
        assert transcript.top_in_view(seen.index) - seen.y == moved
        assert len(transcript.alive) < 60


# What can be done


def test_by_keys_from_turn_to_turn(transcript: Transcript) -> None:
    transcript.show_chat(talk(4), alone)
    settle()
    transcript.step(-1)
    assert view(transcript, "a3").hasFocus()
    assert view(transcript, "a3").property("ring") == "true"
    names = ["a3"]
    for key in [Qt.Key.Key_Up] * 4 + [Qt.Key.Key_Down]:
        QTest.keyClick(transcript.window().focusWidget(), key, Qt.KeyboardModifier.ControlModifier)
        focused = transcript.window().focusWidget()
        assert isinstance(focused, MessageView)
        assert -20 <= focused.mapTo(transcript.viewport(), QPoint(0, 0)).y() < transcript.viewport().height()
        names.append(focused.message.id)
    assert names == ["a3", "q3", "a2", "q2", "a1", "q2"]


def test_tab_stops_at_one_message(transcript: Transcript) -> None:
    transcript.show_chat(talk(6, ""), alone)
    settle()
    stops = [each for each in transcript.alive.values() if each.focusPolicy() & Qt.FocusPolicy.TabFocus]
    assert len(stops) == 1
    each = focus(transcript, stops[0].message.id)  # type: ignore[attr-defined]
    reached = []
    for _ in range(12):
        QTest.keyClick(QApplication.focusWidget() or transcript, Qt.Key.Key_Tab)
        focused = QApplication.focusWidget()
        reached.append(focused.accessibleName() if focused is not None else "")
    assert {"Copy as Markdown", "Edit", "More"} <= set(reached)
    assert each.message.id == "a5"  # type: ignore[attr-defined]


def test_an_editor_loses_nothing(transcript: Transcript) -> None:
    edits = heard(transcript.edit_requested)
    transcript.show_chat(talk(2, ""), alone)
    settle()
    QTest.keyClick(focus(transcript, "q1"), Qt.Key.Key_E)
    each = view(transcript, "q1")
    assert each.editor is not None
    assert each.editor.text == "Question 1?"
    QTest.keyClicks(each.editor.edit, " Really?")
    QTest.keyClick(each.editor.edit, Qt.Key.Key_Escape)
    settle()
    assert each.editor is None
    assert edits == []
    QTest.mouseClick(button(transcript, "Unsaved edit"), Qt.MouseButton.LeftButton)
    assert each.editor is not None
    assert each.editor.text == "Question 1? Really?"
    QTest.keyClick(each.editor.edit, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert edits == [("q1", "Question 1? Really?", True)]
    settle()
    assert button(transcript, "Unsaved edit").isVisible()  # until it is shown it may be that it cannot be written
    transcript.clear()
    transcript.show_chat(talk(2, ""), alone)
    settle()
    assert button(transcript, "Unsaved edit").isVisible()  # another chat is shown, and this one again
    both = ("q1", "q1b")
    transcript.show_chat(
        [*talk(1, ""), asked("q1b", "Question 1? Really?")],
        lambda each: Versions(both, both.index(each)) if each in both else alone(each),
    )
    transcript.show_chat(talk(2, ""), alone)
    settle()
    with pytest.raises(AssertionError, match="no button"):
        button(transcript, "Unsaved edit")


def test_an_answer_is_edited_without_asking(transcript: Transcript) -> None:
    edits = heard(transcript.edit_requested)
    transcript.show_chat(talk(1, ""), alone)
    settle()
    QTest.keyClick(focus(transcript, "a0"), Qt.Key.Key_E)
    editor = view(transcript, "a0").editor
    assert editor is not None
    assert not button(transcript, "Save").isEnabled()
    with pytest.raises(AssertionError, match="no button"):
        button(transcript, "Save && Send")
    QTest.keyClicks(editor.edit, "More.")
    QTest.mouseClick(button(transcript, "Discard changes"), Qt.MouseButton.LeftButton)
    assert not editor.is_changed
    editor.edit.undo()
    assert editor.is_changed
    QTest.mouseClick(button(transcript, "Save"), Qt.MouseButton.LeftButton)
    assert edits == [("a0", editor.text, False)]


def test_nothing_is_sent_while_an_answer_comes(transcript: Transcript) -> None:
    edits = heard(transcript.edit_requested)
    chat = [*talk(1, ""), asked("q1", "More?"), answered("a1", "Wor", State.STREAMING)]
    transcript.show_chat(chat, alone)
    settle()
    QTest.keyClick(focus(transcript, "q0"), Qt.Key.Key_E)
    editor = view(transcript, "q0").editor
    assert editor is not None
    QTest.keyClick(editor.edit, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert edits == []
    transcript.update_answer(answered("a1", "Word."))
    QTest.keyClick(editor.edit, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert edits == [("q0", "Question 0?", True)]


KEYS: list[tuple[str, str, Callable[[Transcript], Any]]] = [
    ("Ctrl+Return", "a0", lambda of: of.regenerate_requested),
    ("Alt+Return", "a0", lambda of: of.continue_requested),
    ("Ctrl+Delete", "q0", lambda of: of.delete_requested),
    ("F", "a0", lambda of: of.fork_requested),
]


@pytest.mark.parametrize(("keys", "name", "signal"), KEYS, ids=[each[0] for each in KEYS])
def test_a_key_for_the_message_is_not_the_windows(
    window: QMainWindow, transcript: Transcript, keys: str, name: str, signal: Callable[[Transcript], Any]
) -> None:
    """The window's own action on the same key stays for when no message has the focus."""
    elsewhere = QAction("Elsewhere", window)
    elsewhere.setShortcut(QKeySequence(keys))
    window.addAction(elsewhere)
    windows, messages = heard(elsewhere.triggered), heard(signal(transcript))
    transcript.show_chat([asked("q0", "Why?"), answered("a0", "Beca", State.CUT)], alone)
    settle()
    key = QKeySequence(keys)[0]
    QTest.keyClick(focus(transcript, name), key.key(), key.keyboardModifiers())
    assert (messages, windows) == ([name], [])


@POPUPS
def test_what_the_menu_offers(transcript: Transcript) -> None:
    wishes = {
        "Regenerate": heard(transcript.regenerate_requested),
        "Regenerate with Another Model ...": heard(transcript.regenerate_with_model_requested),
        "Regenerate with Other Sampling ...": heard(transcript.regenerate_with_sampling_requested),
        "Continue": heard(transcript.continue_requested),
        "Fork Chat Here": heard(transcript.fork_requested),
        "Delete with All Below": heard(transcript.delete_requested),
    }
    transcript.show_chat([asked("q0", "Why?"), answered("a0", "Beca", State.STOPPED)], second_of_three)
    settle()
    for text, said in wishes.items():
        point_at(transcript, "a0")
        QTest.mouseClick(actions(transcript)["More"], Qt.MouseButton.LeftButton)
        shown = open_menu(transcript)
        next(action for action in shown.actions() if action.text() == text).trigger()
        shown.close()
        settle()
        assert said == ["a0"], text
    point_at(transcript, "q0")
    QTest.mouseClick(actions(transcript)["More"], Qt.MouseButton.LeftButton)
    shown = open_menu(transcript)
    offered = {action.text() for action in shown.actions() if action.isEnabled() and action.text()}
    assert offered == {
        "Copy as Markdown", "Copy as Plain Text", "Copy as Rich Text", "Edit", "Previous Version", "Next Version",
        "Fork Chat Here", "Delete with All Below",
    }  # fmt: skip
    shown.close()


def actions(transcript: Transcript) -> dict[str, Any]:
    return {each.accessibleName(): each for each in transcript.action_bar.buttons if each.isVisible()}


def test_what_the_bar_offers(transcript: Transcript) -> None:
    chat = [asked("q0", "Why?"), answered("a0", "Beca", State.CUT), asked("q1", "So?"), answered("a1", "Yes.")]
    transcript.show_chat(chat, alone)
    settle()
    offered = {name: list(actions_of(transcript, name)) for name in ("q0", "a0", "a1")}
    again = ["Regenerate", "Regenerate with ...", "More"]
    assert offered["q0"] == ["Copy as Markdown", "Edit", "More"]
    assert offered["a0"] == ["Copy as Markdown", "Edit", "Continue", *again]
    assert offered["a1"] == ["Copy as Markdown", "Edit", *again]
    transcript.show_chat([*chat, asked("q2", "?"), replace(answered("a2", "", State.WAITING), parts=())], alone)
    settle()
    assert list(actions_of(transcript, "a0")) == ["Copy as Markdown", "Edit", "More"]
    assert list(actions_of(transcript, "a2")) == ["More"]


def actions_of(transcript: Transcript, name: str) -> dict[str, Any]:
    point_at(transcript, name)
    return actions(transcript)


def test_versions(transcript: Transcript) -> None:
    switches = heard(transcript.switch_requested)
    transcript.show_chat(talk(1, ""), second_of_three)
    settle()
    each = view(transcript, "a0")
    assert each.stepper.text == "2 / 3"
    QTest.mouseClick(each.stepper.following, Qt.MouseButton.LeftButton)
    QTest.mouseClick(each.stepper.previous, Qt.MouseButton.LeftButton)
    QTest.keyClick(focus(transcript, "q0"), Qt.Key.Key_Right, Qt.KeyboardModifier.AltModifier)
    assert switches == ["a0-3", "a0-1", "q0-3"]
    transcript.show_chat(talk(1, ""), alone)
    settle()
    assert each.stepper.text == ""
    assert view(transcript, "a0") is each


def test_the_keys_stay_at_the_place_of_another_version(transcript: Transcript) -> None:
    transcript.show_chat(talk(2, ""), second_of_three)
    settle()
    focus(transcript, "q1")
    transcript.show_chat([*talk(1, ""), asked("q1-3", "Another?"), answered("b", "Yes.")], second_of_three)
    settle()
    assert view(transcript, "q1-3").hasFocus()


def test_copy_and_quote(transcript: Transcript) -> None:
    quotes = heard(transcript.quote_requested)
    transcript.show_chat([asked("q0", "1 * 2"), answered("a0", "It is **two**, `2`.")], alone)
    settle()
    clipboard = QGuiApplication.clipboard()
    control, shift = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
    QTest.keyClick(focus(transcript, "a0"), Qt.Key.Key_C, control)
    assert clipboard.text() == "It is **two**, `2`."
    QTest.keyClick(focus(transcript, "a0"), Qt.Key.Key_C, control | shift)
    assert clipboard.text() == "It is two, 2."
    QTest.keyClick(focus(transcript, "a0"), Qt.Key.Key_Q, control | shift)
    assert quotes == []  # nothing is selected
    text, other = view(transcript, "a0").texts[0], view(transcript, "q0").texts[0]
    QTest.mouseDClick(text, Qt.MouseButton.LeftButton, pos=QPoint(5, 8))
    assert transcript.selection == "It"
    QTest.keyClick(text, Qt.Key.Key_Q, control | shift)
    assert quotes == ["It"]
    QTest.keyClick(text, Qt.Key.Key_C, control)
    assert clipboard.text() == "It"
    other.setFocus()
    QTest.keyClick(other, Qt.Key.Key_A, control)
    assert (transcript.selection, text.selection) == ("1 * 2", "")


@POPUPS
def test_how_an_answer_was_made(transcript: Transcript) -> None:
    transcript.show_chat(talk(1, ""), alone)
    settle()
    QTest.mouseClick(view(transcript, "a0").figures_button, Qt.MouseButton.LeftButton)  # type: ignore[attr-defined]
    shown = [each for each in QApplication.topLevelWidgets() if isinstance(each, Details) and each.isVisible()]
    assert len(shown) == 1
    told = [label.text() for label in shown[0].findChildren(QLabel)]
    assert {"/models/m.gguf", "256 tokens", "318 tokens, 41.8 tokens/s"} <= set(told)
    assert all(label.textFormat() is Qt.TextFormat.PlainText for label in shown[0].findChildren(QLabel))
    QTest.keyClick(shown[0], Qt.Key.Key_Escape)
    settle()
    assert not [each for each in QApplication.topLevelWidgets() if isinstance(each, Details)]


async def test_files_that_go_with_a_question(transcript: Transcript, tmp_path: Path) -> None:
    store, tasks = await Store.open(tmp_path / "chats"), Tasks()
    image, buffer = QImage(400, 200, QImage.Format.Format_RGB32), QBuffer()
    image.fill(QColor(200, 30, 30))
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    assert image.save(buffer, "PNG")
    picture = await store.files.add_data(bytes(buffer.data().data()), "red.png", "image/png")
    lost = Attachment("f" * 64, "lost.png", "image/png", 12)
    notes = await store.files.add_data(b"Notes.", "notes <b>.txt", "text/plain")
    transcript.set_files(store.files.read, tasks)
    opened = heard(transcript.file_requested)
    question = Message("q", None, "user", (picture, notes, lost, Text("What is this?")))
    transcript.show_chat([question], alone)
    await calm()
    each = view(transcript, "q")
    height = each.height()
    assert "red.png" in words(each)
    assert "notes <b>.txt | 6 bytes" in words(each)
    chips = each.files
    await until(lambda: red(chips[0].picture), "the picture is shown")
    await tasks.cancel_all()
    assert not red(chips[2].picture)
    assert each.height() == height  # nothing jumped
    QTest.mouseClick(chips[1], Qt.MouseButton.LeftButton)
    assert opened == [notes]
    await store.close()


def red(image: QImage) -> bool:
    return QColor(image.pixel(image.width() // 2, image.height() // 2)).red() > 150


# Find


def test_find(window: QMainWindow, transcript: Transcript) -> None:
    stop = QAction("Stop", window)
    stop.setShortcut("Esc")
    window.addAction(stop)
    stops = heard(stop.triggered)
    transcript.show_chat(
        [*talk(3), asked("q9", "Where is the LIGHTHOUSE?"), answered("a9", "The **light**house.")], alone
    )
    transcript.go_to(0)
    settle()
    transcript.open_find()
    bar = transcript.find_bar
    QTest.keyClicks(bar.field, "paragraph")
    assert bar.count == "1 of 18"
    QTest.keyClick(bar.field, Qt.Key.Key_Return)
    assert bar.count == "2 of 18"
    QTest.keyClick(bar.field, Qt.Key.Key_F3)
    QTest.keyClick(bar.field, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    QTest.keyClick(bar.field, Qt.Key.Key_F3, Qt.KeyboardModifier.ShiftModifier)
    QTest.keyClick(bar.field, Qt.Key.Key_F3, Qt.KeyboardModifier.ShiftModifier)
    assert bar.count == "18 of 18"  # round about
    settle()
    assert view(transcript, "a2").texts[0].marks == ["paragraph"] * 5 + ["[paragraph]"]
    assert in_view(transcript, "a2", 5)
    bar.field.clear()
    assert bar.count == ""
    QTest.keyClicks(bar.field, "lighthouse")
    assert (
        bar.count == "1 of 1"
    )  # in the answer a mark of Markdown stands between: it is looked for in what was written
    QTest.keyClicks(bar.field, "s")
    assert bar.count == "Nothing found"
    QTest.keyClick(bar.field, Qt.Key.Key_Escape)
    settle()
    assert not bar.isVisible()
    assert stops == []
    assert not view(transcript, "a9").texts[0].marks
    assert isinstance(QApplication.focusWidget(), MessageView)


def in_view(transcript: Transcript, name: str, hit: int) -> bool:
    each = view(transcript, name)
    place = each.place_of_hit(hit)
    y = each.mapTo(transcript.viewport(), place.topLeft()).y()
    return y >= 0 and y + place.height() <= transcript.viewport().height()


def test_find_follows_what_is_shown(transcript: Transcript) -> None:
    live = answered("live", "one", State.STREAMING)
    transcript.show_chat([asked("q", "one two"), live], alone)
    settle()
    transcript.open_find()
    QTest.keyClicks(transcript.find_bar.field, "one")
    assert transcript.find_bar.count == "1 of 2"
    transcript.update_answer(replace(live, parts=(Text("one, one and one"),)))
    assert transcript.find_bar.count == "1 of 4"
    transcript.show_chat([asked("q", "one two"), answered("b", "nothing")], alone)
    settle()
    assert transcript.find_bar.count == "1 of 1"


def test_another_theme(window: QMainWindow, transcript: Transcript) -> None:
    transcript.show_chat(talk(1), second_of_three)
    point_at(transcript, "a0")
    transcript.open_find()
    QTest.keyClicks(transcript.find_bar.field, "paragraph")
    theme: Theme = window.theme  # type: ignore[attr-defined]
    for scheme in (Qt.ColorScheme.Dark, Qt.ColorScheme.Light):
        theme.choose(scheme)
        settle()
        ground = QColor(theme.tokens.background)
        assert transcript.grab().toImage().pixelColor(4, 200) == ground
        text = view(transcript, "a0").texts[0]
        assert len(text.marks) == 6
        current = text.grab(text.place_of(0).adjusted(0, 0, 20, 0)).toImage()
        seen = {current.pixelColor(x, y).name() for x in range(current.width()) for y in range(current.height())}
        assert theme.tokens.warning.lower() in seen
    theme.choose(None)
