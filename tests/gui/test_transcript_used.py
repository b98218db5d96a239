"""Whatever a person does while answers come, in any order: nothing breaks, and what is drawn is what was written."""

from __future__ import annotations

import asyncio
import gc
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QToolButton
from transcript_window import QUESTION, Sight, alone, answer, opened, settle

from nodetool_xl_desktop.store.parts import Reasoning, Text
from nodetool_xl_desktop.store.records import Message, State
from nodetool_xl_desktop.ui.markdown.markdown_view import MarkdownView

WRITTEN = (
    *("words and more ", "**bold", "** ", "`code` ", "\n\n", "\n", "```python\n", "x = 1\n", "```\n", "- item\n"),
    *(
        "1. one\n",
        "| a | b |\n|---|---|\n",
        "| 1 | $x$ |\n",
        "> quote\n",
        "$x^2$ ",
        "$$\n\\frac{a}{b}\n$$\n",
        "# Head\n",
    ),
    *(
        "[a][d] ",
        "[d]: http://e.org\n",
        "[^1] ",
        "[^1]: note\n",
        "![i](u) ",
        "\U0001f600 ",
        "\u0627\u0644\u0639 ",
        "---\n",
    ),
    *(
        "\u4e2d\u6587\u5b57 " * 10,
        "- [x] t\n",
        "\\(x\\)",
        "<b>",
        "\r\n",
        "x" * 3000,
        "long line " * 200,
        "para\n\n" * 30,
    ),
    "def f(): pass\n" * 20,
)
MOVES = (Qt.Key.Key_Down, Qt.Key.Key_Right, Qt.Key.Key_End, Qt.Key.Key_Home, Qt.Key.Key_PageDown, Qt.Key.Key_Tab)


@pytest.fixture
def sight(qapp: QApplication, loop: asyncio.AbstractEventLoop) -> Iterator[Sight]:
    yield from opened(qapp)


class Person:
    """Does one thing after another, by chance."""

    def __init__(self, sight: Sight, seed: int) -> None:
        self.sight = sight
        self.chance = random.Random(seed)
        self.messages: list[Message] = [QUESTION]
        self.open: Message | None = None
        self.text = ""
        self.count = 0
        self.done: list[str] = []
        often = [self.grows] * 8 + [self.scrolls] * 2 + [self.waits] * 2
        self.things: list[Callable[[], None]] = [
            *often, self.ends, self.asks, self.zooms, self.changes_theme, self.resizes, self.drags, self.selects_all,
            self.finds, self.stops_finding, self.changes_chat, self.goes_by_keys, self.hides, self.presses,
            self.regenerates,
        ]  # fmt: skip

    def act(self) -> None:
        thing = self.chance.choice(self.things)
        self.done.append(thing.__name__)
        thing()

    @property
    def views(self) -> list[MarkdownView]:
        return [text for view in self.sight.transcript.message_views for text in view.texts if text.isVisible()]

    def show(self) -> None:
        self.sight.transcript.show_chat([*self.messages, *([self.open] if self.open else [])], alone)

    def grows(self) -> None:
        if self.open is None:
            self.count += 1
            self.text, self.open = "", answer(name=f"a{self.count}")
            self.show()
        self.text += "".join(self.chance.choices(WRITTEN, k=self.chance.randint(1, 6)))
        thoughts = (Reasoning("Hm. " * len(self.text)),) if self.count % 3 == 0 else ()
        self.open = replace(self.open, parts=(*thoughts, Text(self.text)))
        self.sight.transcript.update_answer(self.open)

    def ends(self) -> None:
        if self.open is not None:
            ended = replace(self.open, state=State.COMPLETE)
            self.sight.transcript.update_answer(ended)
            self.messages, self.open = [*self.messages[-10:], ended], None
            self.show()

    def regenerates(self) -> None:
        if self.open is not None:
            self.text = "# Another\n\n" + self.text[len(self.text) // 2 :]
            self.open = replace(self.open, parts=(Text(self.text),))
            self.sight.transcript.update_answer(self.open)

    def asks(self) -> None:
        if self.open is None:
            self.count += 1
            words = Text("Ask " * self.chance.randint(1, 400))
            self.messages.append(Message(f"q{self.count}", None, "user", (words,)))
            self.show()

    def changes_chat(self) -> None:
        self.sight.transcript.show_chat([], alone)
        self.show()

    def scrolls(self) -> None:
        bar = self.sight.transcript.verticalScrollBar()
        bar.setValue(self.chance.randint(0, bar.maximum()))

    def waits(self) -> None:
        settle()

    def zooms(self) -> None:
        self.sight.theme.set_zoom(self.chance.choice((0.8, 1.0, 1.5, 2.0)))

    def changes_theme(self) -> None:
        self.sight.theme.choose(self.chance.choice((Qt.ColorScheme.Dark, None)))

    def resizes(self) -> None:
        self.sight.window.resize(self.chance.randint(300, 1200), self.chance.randint(200, 900))

    def hides(self) -> None:
        self.sight.window.hide()
        settle()
        self.sight.window.show()

    def drags(self) -> None:
        if self.views:
            one, other = self.chance.choices(self.views, k=2)
            selecting = self.sight.transcript.selecting
            QTest.mousePress(one, Qt.MouseButton.LeftButton, pos=self.place_in(one))
            selecting.drag(other.mapToGlobal(self.place_in(other)))
            selecting.release()
            assert len(selecting.text) <= 40 * sum(len(each.text) + 100 for each in self.messages) + 40 * len(self.text)

    def place_in(self, view: MarkdownView) -> QPoint:
        return QPoint(self.chance.randint(0, 200), self.chance.randint(0, view.height() - 1))

    def selects_all(self) -> None:
        self.sight.transcript.selecting.select_all(None)

    def finds(self) -> None:
        self.sight.transcript.open_find()
        field = self.sight.transcript.find_bar.field
        field.setText(self.chance.choice(("words", "x", "item", "=", "note")))
        QTest.keyClick(field, Qt.Key.Key_Return)

    def stops_finding(self) -> None:
        self.sight.transcript.find_bar.close_bar()

    def goes_by_keys(self) -> None:
        if self.views:
            self.chance.choice(self.views).setFocus()
            for key in self.chance.choices(MOVES, k=5):
                held = Qt.KeyboardModifier.ShiftModifier if self.chance.random() < 0.3 else Qt.KeyboardModifier(0)
                if (focused := QApplication.focusWidget()) is not None:
                    QTest.keyClick(focused, key, held)

    def presses(self) -> None:
        buttons = [each for each in self.sight.transcript.findChildren(QToolButton) if each.isVisible()]
        of_code = [each for each in buttons if each.text() in ("Wrap", "Copy") or each.text().startswith("Show")]
        if of_code:
            self.chance.choice(of_code).click()

    def looks(self) -> None:
        """What is drawn now is what the texts say."""
        self.show()
        end = time.monotonic() + 10
        while time.monotonic() < end and not all(each._page.is_done for each in self.views):
            settle()
        for _ in range(10):
            settle()
        says = {message.id: message.text for message in [*self.messages, *([self.open] if self.open else [])]}
        for message in self.sight.transcript.message_views:
            assert "".join(each.text for each in message.texts[-1:]) == says[message.message.id]
        for view in self.views:
            sheet = view._sheet
            assert view.height() >= sheet.height - 1
            for at, shown in enumerate(sheet.sections):
                if shown.drawn:
                    assert [each.leaf for each in shown.drawn] == list(sheet.page.leaves(at))


def used(sight: Sight, seed: int, times: int) -> None:
    person = Person(sight, seed)
    try:
        for _ in range(times):
            person.act()
        person.looks()
    except BaseException:
        print(f"seed {seed}: ... {' '.join(person.done[-10:])}")
        raise
    finally:
        sight.theme.set_zoom(1.0)
        sight.theme.choose(None)
    sight.transcript.show_chat([], alone)
    settle()
    gc.collect()


@pytest.mark.parametrize("seed", range(3))
def test_any_use(sight: Sight, seed: int) -> None:
    used(sight, seed, 120)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 120))
def test_much_use(sight: Sight, seed: int) -> None:
    used(sight, seed, 1000)
