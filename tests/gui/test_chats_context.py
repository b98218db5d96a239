"""A chat that fills its context, in the whole window: what does not fit is told before it is sent, and chosen about."""

from __future__ import annotations

import asyncio
from pathlib import Path

from chat_driver import CTRL, K, Person, echo, journal, sat_down
from conftest import Build, until
from PySide6.QtWidgets import QLabel, QPushButton

from nodetool_xl_desktop.chat.asker import NO_TOOLS
from nodetool_xl_desktop.chat.asking import Asking
from nodetool_xl_desktop.chat.turns import CONTEXT
from nodetool_xl_desktop.engine.client import Sampling
from nodetool_xl_desktop.engine.states import Ready
from nodetool_xl_desktop.store.parts import Text
from nodetool_xl_desktop.ui.transcript.message_frame import MessageView

#: So many tokens each question has, and each answer, for the engine that counts words.
WORDS = 40


def question(number: int) -> str:
    return " ".join([f"q{number}"] * WORDS)


async def filled(build: Build, model: Path, told: Path) -> Person:
    """At a chat of three turns of 80 tokens in a context of 256, for the fourth of which there is no room."""
    person = await sat_down(build, command=echo(journal=told))
    person.chats.titles.is_on = False
    await person.load(model, context_length=256)
    for number in range(3):
        await person.ask(question(number))
        await person.answered(question(number))
    assert not person.window.context.choice.isVisible()
    await person.ask(question(3))
    await until(person.window.context.choice.isVisible, "the choice")
    return person


def choices(person: Person) -> list[str]:
    return [each.text() for each in person.window.context.choice.findChildren(QPushButton) if each.isVisible()]


def line(person: Person) -> dict[int, str]:
    """What the transcript says above its messages, by their place."""
    found = {}
    for view in person.transcript.findChildren(MessageView):
        if (label := view.findChild(QLabel, "leftOut")) is not None and label.text():
            found[[message.id for message in person.shown].index(view.message.id)] = label.text()
    return found


async def test_nothing_is_sent_before_it_was_chosen_and_cancel_keeps_the_text(
    build: Build, starter_model: Path, tmp_path: Path
) -> None:
    told = tmp_path / "asked"
    person = await filled(build, starter_model, told)
    choice = person.window.context.choice
    assert "does not fit into the context" in choice.text
    assert "256" in choice.text
    assert [text.split(" ")[0] for text in choices(person)] == ["Drop", "Summarise", "Reload", "Cancel"]
    assert len(journal(told)) == 3
    assert person.composer.text == question(3)
    await person.press(K.Key_Escape)
    await until(lambda: not choice.isVisible(), "cancelled by a key")
    await until(lambda: not person.chats.is_answering, "nothing is on its way")
    assert person.composer.text == question(3)
    assert person.composer.field.hasFocus()
    await person.press(K.Key_Return)
    await until(choice.isVisible, "asked again")
    await person.click("Cancel", choice)
    await until(lambda: not choice.isVisible(), "cancelled by the mouse")
    assert len(journal(told)) == 3
    assert len(person.said) == 6
    await person.press(K.Key_Return)
    await until(choice.isVisible, "asked once more")
    await person.new_chat()
    await until(lambda: not choice.isVisible(), "it was about the other chat")
    await person.open(question(0)[:79] + "…")
    assert person.composer.text == question(3), "it is a draft there"


async def test_who_went_on_while_it_was_counted_is_not_asked(build: Build, starter_model: Path, tmp_path: Path) -> None:
    """The choice would stand in another chat than the one that it is about."""
    person = await filled(build, starter_model, tmp_path / "asked")
    context, said = person.window.context, (Text(question(3)),)
    await person.press(K.Key_Escape)
    await until(lambda: not person.chats.is_answering, "nothing is on its way")
    counting = asyncio.ensure_future(context.make_room(person.shown, said, Asking(), NO_TOOLS, lambda: None))
    await asyncio.sleep(0)
    await person.new_chat()
    async with asyncio.timeout(10):
        assert await counting is None
    assert not context.choice.isVisible()


async def test_the_keys_stay_in_the_list_when_the_choice_goes(
    build: Build, starter_model: Path, tmp_path: Path
) -> None:
    person = await filled(build, starter_model, tmp_path / "asked")

    def go_on() -> None:
        person.chats.new_chat()
        person.browser.view.setFocus()

    await person.do(go_on)
    await until(lambda: not person.window.context.choice.isVisible(), "it was about the other chat")
    await asyncio.sleep(0.05)
    assert person.browser.view.hasFocus()


async def test_dropped_turns_are_not_sent_and_the_chat_says_so(
    build: Build, starter_model: Path, tmp_path: Path
) -> None:
    told = tmp_path / "asked"
    person = await filled(build, starter_model, told)
    cut = person.window.context.choice.plan.cut  # type: ignore[union-attr]
    assert cut is not None
    (drop,) = [text for text in choices(person) if text.startswith("Drop Oldest")]
    assert drop == f"Drop Oldest ({cut.turns} turn{'s' if cut.turns > 1 else ''})"
    await person.click(drop)
    await person.answered(question(3))
    sent = [turn["content"] for turn in journal(told)[-1]["messages"]]
    assert sent == [question(each) for each in range(cut.turns, 3) for _ in range(2)] + [question(3)]
    assert len(person.said) == 8, "all of it is still in the chat"
    assert person.composer.text == ""
    await until(lambda: line(person), "a line in the transcript")
    assert line(person) == {2 * cut.turns: f"Not sent to the model from here up ({2 * cut.turns} messages, dropped)"}
    await person.new_chat()
    assert line(person) == {}
    await person.open(question(0)[:79] + "…")
    await until(lambda: line(person), "the line is there again")


async def test_reloaded_with_more_it_is_sent_by_itself(build: Build, starter_model: Path, tmp_path: Path) -> None:
    told = tmp_path / "asked"
    person = await filled(build, starter_model, told)
    plan = person.window.context.choice.plan
    assert plan is not None
    assert plan.larger is not None
    (reload,) = [text for text in choices(person) if text.startswith("Reload with")]
    assert f"{plan.larger.context:,} Tokens" in reload
    await person.click(reload)
    await until(lambda: len(person.said) == 8, "loaded, and sent")
    await person.answered(question(3))
    state = person.parts.loader.state
    assert isinstance(state, Ready)
    assert state.server.context_length == plan.larger.context
    assert len(journal(told)[-1]["messages"]) == 7
    assert person.composer.text == ""
    assert line(person) == {}


async def test_what_was_typed_meanwhile_is_not_sent_by_a_reload(
    build: Build, starter_model: Path, tmp_path: Path
) -> None:
    person = await filled(build, starter_model, tmp_path / "asked")
    (reload,) = [text for text in choices(person) if text.startswith("Reload with")]
    await person.click(reload)
    await person.new_chat()
    await until(
        lambda: isinstance(person.parts.loader.state, Ready) and person.parts.loader.state.server.context_length > 256,
        "loaded",
    )
    await asyncio.sleep(0.3)
    assert person.chats.session is None, "nothing was sent from another chat"
    assert len(journal(tmp_path / "asked")) == 3
    await person.open(question(0)[:79] + "…")
    assert person.composer.text == question(3)
    assert len(person.said) == 6


async def test_the_oldest_turns_are_summarised_by_the_model(build: Build, starter_model: Path) -> None:
    """With the real engine, whose answers are cut at 40 tokens."""
    person = await sat_down(build)
    person.chats.titles.is_on = False
    await person.load(starter_model, context_length=256)
    person.chats.asker.sampling = Sampling(temperature=0, max_tokens=40)
    choice = person.window.context.choice
    for number in range(8):
        await person.ask(f"Tell me one fact about the number {number}.")
        await until(lambda: choice.isVisible() or person.chats.is_answering, "asked")
        await until(lambda: choice.isVisible() or not person.chats.is_answering, "answered, or full")
        if choice.isVisible():
            break
    assert choice.isVisible(), "it never was full"
    before = len(person.said)
    assert person.chats.session is not None
    await person.click("Summarise", choice)
    await until(lambda: len(person.said) == before + 2, "summarised, and sent")
    await person.answered()
    about = person.shown[-1].about
    summary = about.more[CONTEXT]["summary"]
    assert summary.strip()
    assert about.usage.prompt_tokens + 40 <= 256
    await until(lambda: any("summarised" in text for text in line(person).values()), "the chat says so")


async def test_a_draft_of_another_chat_is_not_sent_by_a_reload(
    build: Build, starter_model: Path, tmp_path: Path
) -> None:
    told = tmp_path / "asked"
    person = await filled(build, starter_model, told)
    await person.press(K.Key_Escape)
    await person.new_chat()
    await person.ask("pears")
    await person.answered("pears")
    await person.write("not yet")
    await person.open(question(0)[:79] + "…")
    await person.do(person.composer.focus)
    await person.press(K.Key_Return)
    await until(person.window.context.choice.isVisible, "the choice")
    (reload,) = [text for text in choices(person) if text.startswith("Reload with")]
    await person.click(reload)
    await person.open("pears")
    await until(
        lambda: isinstance(person.parts.loader.state, Ready) and person.parts.loader.state.server.context_length > 256,
        "loaded",
    )
    await asyncio.sleep(0.3)
    assert person.composer.text == "not yet"
    assert person.said == ["pears", "pears"]
    assert len(journal(told)) == 4


async def test_a_regeneration_that_does_not_fit_is_not_done_in_another_chat(
    build: Build, starter_model: Path, tmp_path: Path
) -> None:
    told = tmp_path / "asked"
    person = await filled(build, starter_model, told)
    choice = person.window.context.choice
    await person.press(K.Key_Escape)
    await person.do(lambda: person.composer.set_text(""))
    await person.new_chat()
    await person.ask("pears")
    await person.answered("pears")
    await person.open(question(0)[:79] + "…")
    person.chats.asker.sampling = Sampling(temperature=0, max_tokens=120)  # more than is left beside the prompt
    await person.press(K.Key_Return, CTRL, lambda: person.window)
    await until(choice.isVisible, "the choice, to regenerate the last answer")
    assert person.composer.text == ""
    (reload,) = [text for text in choices(person) if text.startswith("Reload with")]
    await person.click(reload)
    await person.open("pears")
    await until(
        lambda: isinstance(person.parts.loader.state, Ready) and person.parts.loader.state.server.context_length > 256,
        "loaded",
    )
    await asyncio.sleep(0.3)
    assert len(journal(told)) == 4
    assert person.said == ["pears", "pears"]
    await person.open(question(0)[:79] + "…")
    await person.press(K.Key_Return, CTRL, lambda: person.window)
    await until(lambda: person.view(5).stepper.text == "2 / 2", "there it is regenerated")
    await person.answered(question(2))


async def test_a_question_too_long_alone_says_so_and_stays(build: Build, starter_model: Path, tmp_path: Path) -> None:
    told = tmp_path / "asked"
    person = await sat_down(build, command=echo(journal=told))
    await person.load(starter_model, context_length=256)
    text = "word " * 300 + "end"
    await person.do(lambda: person.composer.set_text(text))
    await person.do(person.composer.focus)
    await person.press(K.Key_Return)
    await until(person.window.context.choice.isVisible, "the choice")
    assert "too long for this context" in person.window.context.choice.text
    assert [each.split(" ")[0] for each in choices(person)] == ["Reload", "Cancel"]
    await person.press(K.Key_Escape)
    await until(lambda: not person.window.context.choice.isVisible(), "called off")
    assert person.composer.text == text
    assert person.said == []
    assert journal(told) == []
    assert person.titles == [], "no chat was begun by it"


async def test_nothing_is_counted_where_nothing_was_written(build: Build, starter_model: Path) -> None:
    person = await sat_down(build, command=echo())
    gauge = person.window.context.gauge
    await asyncio.sleep(0.3)  # longer than what is typed is gathered, and counted
    assert not gauge.isVisible()
    assert not gauge.text_shown
    person.pane.composer.set_text("Why is the sky blue?")
    await until(gauge.isVisible, "the figure of what is typed")
    assert gauge.text_shown.startswith("about ")
    person.pane.composer.set_text("")
    await until(lambda: not gauge.isVisible(), "nothing again")
    await person.load(starter_model)
    await until(lambda: gauge.isVisible() and bool(gauge.text_shown), "what its template takes of the context")
    assert " of " in gauge.text_shown
