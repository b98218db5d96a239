"""The pieces of a transcript: heights of what was never seen, hits in slices, Markdown as plain text, figures."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime

import pytest
from conftest import button
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QDate, QLocale, QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication, QPushButton, QWidget
from transcript_window import Sight, alone, click, opened, press, settle
from transcript_window import answer as answer_of

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.engine.events import PromptProgress, Speed, Usage
from nodetool_xl_desktop.store.parts import Other, Part, Reasoning, Text, ToolAnswer, ToolUse
from nodetool_xl_desktop.store.records import About, Message, ModelIdentity, State, now_ms
from nodetool_xl_desktop.ui.markdown.copied import Source, plain_text
from nodetool_xl_desktop.ui.markdown.heights import Heights
from nodetool_xl_desktop.ui.transcript.answer_parts import CallPiece, Piece, pieces_of, place_of_hit
from nodetool_xl_desktop.ui.transcript.day_line import DayLine, day_words, words_above
from nodetool_xl_desktop.ui.transcript.find_hits import Hits
from nodetool_xl_desktop.ui.transcript.message_figures import ReadingPace, doing, facts, figures
from nodetool_xl_desktop.ui.zoom import Zoom, stepped


@settings(max_examples=200, deadline=None)
@given(
    heights=st.lists(st.integers(1, 50), min_size=1, max_size=40),
    changes=st.lists(st.tuples(st.integers(0, 39), st.integers(1, 90), st.integers(-5, 2500))),
)
def test_heights_are_where_the_sums_say(heights: list[int], changes: list[tuple[int, int, int]]) -> None:
    known = Heights(heights)
    for number, height, y in changes:
        index = number % len(heights)
        assert known.set(index, height) == (heights[index] != height)
        heights[index] = height
        tops = [sum(heights[:at]) for at in range(len(heights) + 1)]
        assert [known.top(at) for at in (index, len(heights))] == [tops[index], tops[-1]]
        assert known.total == tops[-1]
        assert known.at(y) == max(0, sum(top <= y for top in tops[:-1]) - 1)


def said(*texts: str) -> list[Message]:
    return [Message(str(number), None, "user", (Text(text),)) for number, text in enumerate(texts)]


@settings(max_examples=200, deadline=None)
@given(
    texts=st.lists(st.text("abAB ", max_size=12), max_size=8),
    sought=st.text("abAB", max_size=3),
    start=st.integers(0, 9),
)
def test_hits_are_found_in_whatever_slices(texts: list[str], sought: str, start: int) -> None:
    messages = said(*texts)
    shorter = Hits(messages, sought[:1], start)
    while not shorter.look(0):
        pass
    hits = Hits(messages, sought, start, shorter)
    while not hits.look(0):
        pass
    true = [
        (at, nth) for at, text in enumerate(texts) for nth in range(text.lower().count(sought.lower()) if sought else 0)
    ]
    assert [hits.at(number) for number in range(hits.total)] == true
    assert [hits.number_of(*each) for each in true] == list(range(len(true)))
    if true:
        assert hits.at(hits.number_from(start)) == next((each for each in true if each[0] >= start), true[0])


def test_a_message_that_changed_is_counted_anew() -> None:
    messages = said("one", "two one", "three")
    hits = Hits(messages, "ONE", 0)
    assert hits.look(1)
    assert hits.total == 2
    messages[2] = said("", "", "one one")[2]
    hits.look_again(2)
    assert hits.total == 4
    assert hits.at(3) == (2, 1)
    assert hits.clamped(2, 5) == (2, 1)
    assert hits.clamped(0, 0) == (0, 0)


def test_markdown_as_it_is_read(qapp: QApplication) -> None:
    text = (
        "# Title\n\nSome **bold** `code`.\n\n1. one\n2. two\n   - inner\n\n"
        "```python\nx = 1\ny = 2\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\nEnd."
    )
    assert plain_text([Source(text, is_plain=False)]) == (
        "Title\n\nSome bold code.\n\n1. one\n2. two\n  - inner\n\nx = 1\ny = 2\n\na\tb\n1\t2\n\nEnd."
    )
    assert plain_text([Source("", is_plain=False)]) == ""


ABOUT = About(
    model=ModelIdentity("m", "Model", "/models/m.gguf", 4_900_000_000),
    options={"context_length": 8192, "flash_attention": "auto", "mmap": True},
    sampling={"temperature": 0.7, "stop": ["a"], "system_prompt": "Be brief.", "later": 3},
    usage=Usage(412, 318, 256),
    speed=Speed(310.0, 41.8),
    first_token_s=0.21,
    finish_reason="stop",
    more={"continued": 1},
)


def answer(state: State, about: About = ABOUT) -> Message:
    return Message("a", "q", "assistant", (Text("Answer."),), state, 1, about)


def test_the_line_of_figures() -> None:
    before = "41.8 tokens/s   first token 0.21 s   318 tokens   prompt 412 tokens, 256 cached   "
    assert figures(answer(State.COMPLETE)) == before + "stopped by itself"
    assert figures(answer(State.CUT)) == before + "reached the limit of tokens"
    assert figures(answer(State.STOPPED)) == before + "stopped by you"
    assert figures(answer(State.INTERRUPTED)) == before + "not finished: the program ended"
    assert figures(answer(State.FAILED, About(pieces=3, first_token_s=1.0, last_token_s=2.0))).split("   ") == [
        "2.0 tokens/s", "first token 1.00 s", "about 3 tokens in 2.00 s", "not finished",
    ]  # fmt: skip
    assert figures(answer(State.COMPLETE, About(finish_reason="tool_rounds"))) == "ended: tool rounds"


@pytest.mark.parametrize(
    ("progress", "note", "says"),
    [
        (None, "", "Waiting for the first token ..."),
        (PromptProgress(58, 100, 30), "", "Reading the prompt ... 40%"),
        (PromptProgress(100, 100, 30), "", "Reading the prompt ... 100%"),
        (None, "Waiting: another chat is answered", "Waiting: another chat is answered"),
    ],
)  # fmt: skip
def test_what_is_said_while_nothing_has_come(progress: PromptProgress | None, note: str, says: str) -> None:
    assert doing(answer(State.WAITING), progress, note) == says
    assert doing(answer(State.STREAMING), progress, note) == "Answering ..."


def test_what_a_tool_answered_is_read_as_well() -> None:
    result = replace(answer(State.STREAMING), parts=(ToolUse("c", "tool", "{}"), ToolAnswer("c", "tool", "ok")))
    assert doing(result, PromptProgress(58, 100, 30), "Waiting") == "Reading the prompt ... 40%"
    assert doing(result, PromptProgress(100, 100, 30)) == "Answering ..."


def test_how_long_the_prompt_still_takes() -> None:
    """By what was read so far, without what was remembered; anew for each request; and calmly."""
    pace = ReadingPace()
    assert pace.left_s(None) is None
    assert pace.left_s(PromptProgress(1000, 9000, 1000), 10.0) is None
    assert pace.left_s(PromptProgress(2000, 9000, 1000), 11.0) == pytest.approx(7.0)
    assert pace.left_s(PromptProgress(2000, 9000, 1000), 12.0) == pytest.approx(6.0)  # time goes on between two of them
    assert pace.left_s(PromptProgress(9000, 9000, 1000), 18.0) == 0
    assert pace.left_s(PromptProgress(0, 500, 0), 20.0) is None
    waiting = answer(State.WAITING)
    told = [doing(waiting, PromptProgress(10, 100, 0), "", left) for left in (None, 1.4, 7.2, 14.0, 43.0, 200.0)]
    assert [each.removeprefix("Reading the prompt ... 10%") for each in told] == [
        "", "", ", about 7 s left", ", about 14 s left", ", about 45 s left", ", about 3 min 20 s left",
    ]  # fmt: skip


TODAY = QDate(2026, 11, 23)


def ms_of(*when: int) -> int:
    return int(datetime(*when).timestamp() * 1000)  # type: ignore[arg-type] # by the reader's clock


@pytest.mark.parametrize(
    ("at", "before", "says"),
    [
        (ms_of(2026, 11, 23, 9), None, ""),  # a chat of today needs no line above it
        (ms_of(2026, 11, 22, 23, 59), None, "Yesterday"),
        (ms_of(2026, 11, 23, 0, 1), ms_of(2026, 11, 22, 23, 59), "Today"),
        (ms_of(2026, 11, 22, 9), ms_of(2026, 11, 22, 8), ""),
        (ms_of(2026, 11, 3, 9), ms_of(2026, 11, 2, 8), "Tuesday, 3 November 2026"),
        (0, ms_of(2026, 11, 2, 8), ""),  # nobody knows when
        (ms_of(2026, 11, 2, 8), 1, ""),
        (10**18, None, ""),
    ],
)
def test_the_line_of_a_day(at: int, before: int | None, says: str) -> None:
    said = words_above(at, before, TODAY)
    assert said == says or (says.startswith("Tuesday") and said == day_words(QDate(2026, 11, 3), TODAY))
    assert day_words(QDate(2026, 11, 3), TODAY, QLocale.c()) == "Tuesday, 3 November 2026"


@pytest.fixture
def sight(qapp: QApplication, loop: asyncio.AbstractEventLoop) -> Iterator[Sight]:
    yield from opened(qapp)


def test_days_in_a_chat(sight: Sight) -> None:
    now, day_ms = now_ms(), 86_400_000
    times = (now - day_ms, now - day_ms + 1, now, now)
    messages = [
        Message(f"m{at}", None, ("user", "assistant")[at % 2], (Text("Words."),), created_ms=ms)
        for at, ms in enumerate(times)
    ]
    sight.transcript.show_chat(messages, alone)
    settle()
    lines = [line.text for line in sight.transcript.findChildren(DayLine) if line.isVisible()]
    assert lines == ["Yesterday", "Today"]
    sight.transcript.show_chat(messages[2:], alone)
    settle()
    assert not [line for line in sight.transcript.findChildren(DayLine) if line.isVisible()]


def test_back_to_the_end(sight: Sight) -> None:
    long = "\n\n".join(["Words."] * 60)
    live = answer_of(Text(long))
    sight.show(live)
    settle()
    button, bar = sight.transcript.end_button, sight.transcript.verticalScrollBar()
    assert not button.isVisible()
    bar.setValue(bar.maximum() - 400)
    settle()
    assert button.isVisible()
    assert (button.has_new, button.accessibleName()) == (False, "To the End")
    assert button.geometry().bottom() <= sight.transcript.height()
    sight.transcript.update_answer(answer_of(Text(f"{long}\n\nMore.")))
    assert button.has_new
    assert "something new" in button.accessibleName()
    click(button)
    settle()
    assert sight.transcript.is_following
    assert not button.isVisible()
    assert not button.has_new
    bar.setValue(0)
    sight.show(live, Message("q2", "a", "user", (Text("More?"),)))
    settle()
    assert button.has_new
    sight.transcript.step(-1)
    press(Qt.Key.Key_End)
    assert sight.transcript.is_following


def test_larger_and_smaller(sight: Sight) -> None:
    zoom, chosen = Zoom(sight.theme), list[float]()
    zoom.chosen.connect(chosen.append)
    sight.transcript.zoom_requested.connect(zoom.step)
    sight.window.resize(1400, 700)
    sight.show(answer_of(Text("Words."), state=State.COMPLETE))
    settle()
    width = sight.answer.width()
    for way in (120, 60, 60, -120):
        turn_wheel(sight.transcript.viewport(), way)
    settle()
    assert chosen == [1.1, 1.25, 1.1]
    assert sight.answer.width() > width * 1.05
    zoom.reset()
    settle()
    assert sight.answer.width() == width
    zoom.use(2.0)
    assert chosen == [1.1, 1.25, 1.1, 1.0]
    sight.theme.set_zoom(1.0)


def turn_wheel(widget: QWidget, way: int) -> None:
    place = QPointF(widget.rect().center())
    event = QWheelEvent(
        place, widget.mapToGlobal(place), QPoint(), QPoint(0, way), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.ControlModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(widget, event)


def test_steps_of_the_zoom() -> None:
    assert [stepped(1.0, by) for by in (1, -1, 3, 99, -99, 0)] == [1.1, 0.9, 1.5, 3.0, 0.5, 1.0]
    assert [stepped(1.17, by) for by in (1, -1)] == [1.25, 1.1]
    assert (stepped(3.0, 1), stepped(0.5, -1)) == (3.0, 0.5)


def test_a_model_can_be_chosen_after_a_failure(sight: Sight) -> None:
    wanted: list[bool] = []
    sight.transcript.choose_model_requested.connect(lambda: wanted.append(True))
    sight.show(answer_of(state=State.FAILED, error=UserFacingError("It failed", "no memory")))
    settle()
    click(button(sight.transcript, "Choose another model"))
    assert wanted == [True]
    sight.transcript.hide_remedies()
    assert not [each for each in sight.answer.findChildren(QPushButton) if each.isVisible() and "model" in each.text()]


@given(
    kinds=st.lists(st.sampled_from("trcas "), max_size=30),
    ids=st.lists(st.sampled_from(["1", "2", ""]), min_size=30, max_size=30),
)
def test_no_part_of_an_answer_is_lost(kinds: list[str], ids: list[str]) -> None:
    """Each text, thought, call and result is drawn once, in order; a result with a call of its id, or alone."""
    made: dict[str, Callable[[int], Part]] = {
        "t": lambda at: Text(f"t{at}"),
        "r": lambda at: Reasoning(f"r{at}", 1, 2),
        "c": lambda at: ToolUse(ids[at], "tool", f"c{at}"),
        "a": lambda at: ToolAnswer(ids[at], "tool", f"a{at}"),
        "s": lambda at: Text("\n\n"),
        " ": lambda at: Other({"type": "later"}),
    }
    pieces = pieces_of([made[kind](at) for at, kind in enumerate(kinds)])
    said = " ".join(_said(piece) for piece in pieces)
    for at, kind in enumerate(kinds):
        if kind in "trca":
            assert said.split().count(f"{kind}{at}") == 1
    order = [word for word in said.split() if word[0] in "trc"]
    assert order == [f"{kind}{at}" for at, kind in enumerate(kinds) if kind in "trc"]
    for piece in pieces:
        if isinstance(piece, CallPiece) and piece.call is not None and piece.answer is not None:
            assert piece.call.id == piece.answer.id


def _said(piece: Piece) -> str:
    if not isinstance(piece, CallPiece):
        return piece.text
    call, result = piece.call, piece.answer
    return f"{call.arguments if call else ''} {result.text if result else ''}"


def test_a_hit_stands_in_one_of_the_texts() -> None:
    texts = ["One, one.", "none", "Two. ONE"]
    assert [place_of_hit(texts, "one", hit) for hit in (0, 1, 2, 3, 9)] == [(0, 0), (0, 1), (1, 0), (2, 0), (2, 0)]
    assert place_of_hit([], "one", 0) == (0, 0)


def test_hits_in_an_answer_of_several_texts(sight: Sight) -> None:
    use, done = ToolUse("c", "tool", "{}"), ToolAnswer("c", "tool", "ok")
    parts = (Text("one and one" + "\n\nmore" * 60), use, done, Text("at last one"))
    sight.show(answer_of(*parts, state=State.COMPLETE))
    settle()
    first = sight.answer.texts[0]
    sight.answer.mark_hits("one", 2)
    assert sight.answer.place_of_hit(2).top() > sight.answer.cards[0].y()
    sight.answer.mark_hits("one", 1)
    assert sight.answer.place_of_hit(1).top() < first.height()


def test_the_facts_of_an_answer() -> None:
    told = {name: dict(rows) for name, rows in facts(answer(State.COMPLETE))}
    assert told["Model"] == {"Name": "Model", "File": "/models/m.gguf", "Size": "4.9 GB"}
    assert told["Loaded With"] == {"Context Length": "8,192", "Flash Attention": "auto", "Memory-Mapped": "on"}
    assert told["Asked With"] == {
        "Temperature": "0.7",
        "Stop Strings": "'a'",
        "later": "3",
        "System Prompt": "Be brief.",
    }
    assert told["Answer"]["Cached of It"] == "256 tokens"
    assert told["Answer"]["Continued"] == "once"
    assert list(told["Asked With"])[-1] == "System Prompt"  # it may be long
