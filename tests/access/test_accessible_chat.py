"""A person who sees nothing loads a model and holds a chat: the real program, its real engine, on a screen of its own,
heard and worked by the accessibility bus alone.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from accessible_desktop import Desktop, desktop, listening
from accessible_tree import Bus, Node, until
from model_shapes import LLAMA_8B, llama

STARTER = "SmolLM2"
#: A load takes a second here, an answer two; a machine that does other things takes longer.
LONG_S = 60.0
#: Then a person has heard enough, and presses Stop.
LONGEST_ANSWER_S = 6.0
#: The last that is heard of an answer.
ENDS = re.compile(r"(Answer complete|Answer stopped|The answer was cut: the limit of tokens is reached)\.$")
#: What is heard in place of what nobody wants to hear letter by letter.
BLOCK = re.compile(r"Code, (?:[^ ]+, )?[\d,]+ lines?|Table, [\d,]+ by [\d,]+|More of the table, [\d,]+ rows?|Formula")


@pytest.fixture
def desk(tmp_path: Path, no_process_left: None) -> Iterator[Desktop]:
    with desktop(tmp_path / "home") as desk:
        yield desk


@pytest.fixture
def models(tmp_path: Path, starter_model: Path) -> Path:
    """My Models: the starter model, and before it one that cannot be loaded and that the program selects itself."""
    folder = tmp_path / "home" / "share" / "nodetool-xl-desktop" / "models"
    folder.mkdir(parents=True)
    llama(folder / "Aaa-8B-Q4_K_M.gguf", LLAMA_8B)
    (folder / starter_model.name).symlink_to(starter_model)
    return folder


def test_a_model_is_loaded_and_a_chat_held_by_ear(desk: Desktop, models: Path, tmp_path: Path) -> None:
    with listening(desk) as bus, desk.program() as program:
        bus.listen("object:announcement", "object:text-changed")
        window = bus.program(program.pid).find("frame")
        select(window, STARTER)
        load(window)
        first = ask(window, "What is the capital of France?", answers=1)
        assert first
        assert_heard(announced(bus, answers=1), first)
        second = ask(window, "And of Italy? Answer in one sentence.", answers=2)
        assert second
        assert second != first
        assert_heard(announced(bus, answers=2), second)
        assert_title_is_told(bus, program.pid)
        assert_folds(window.find("push button", "Advanced"))
    logs = list((tmp_path / "home").rglob("*.log"))
    assert logs, "the program writes one"
    assert not [path for path in logs if "invalid interface" in path.read_text(encoding="utf-8")]


def assert_folds(button: Node) -> None:
    """What opens something says whether it is open."""
    assert "collapsed" in button.states
    button.do()
    until(lambda: "expanded" in button.states, "it is open", LONG_S)
    assert "collapsed" not in button.states


def select(window: Node, name: str) -> None:
    """Find a model in My Models and select it; the panel beside it then is about this one."""
    window.find("page tab", "Models").do()
    models = window.find("table", "My Models")
    row = models.find("cell", name, within_s=LONG_S)
    assert "selected" not in row.states
    models.select_alone(row)
    assert [each.name for each in models.all("cell") if "selected" in each.states] == [row.name]
    fit = window.find("panel", "Will it fit?")
    fit.find("label", name)


def load(window: Node) -> None:
    """Press Load, and wait until the state says that the model answers."""
    button = window.find("panel", "Will it fit?").find("push button", "Load")
    until(lambda: "sensitive" in button.states, "Load can be pressed", LONG_S)
    button.do()
    window.find("label", "Ready", within_s=LONG_S)
    until(lambda: "loaded" in window.find("table", "My Models").find("cell", STARTER).name, "the list says so", LONG_S)


def ask(window: Node, text: str, answers: int) -> str:
    """Write a message, send it, wait for the answer's end; returns what is read of the answer."""
    field = window.find("text", "Message")
    field.write(text)
    assert field.text == text
    send = window.find("push button", "Send")
    until(lambda: "sensitive" in send.states, "Send can be pressed", LONG_S)
    send.do()
    until(lambda: not field.text, "the message is sent", LONG_S)

    stop_at = time.monotonic() + LONGEST_ANSWER_S

    def ended() -> Node | None:
        """The last answer, once it says how it was made."""
        found = window.all("list item", "Answer of ")
        if time.monotonic() > stop_at:  # a small model may go on until the context is full
            for stop in window.all("push button", "Stop"):
                stop.do()
        is_whole = len(found) == answers and any("tokens/s" in each.name for each in found[-1].all("push button"))
        return found[-1] if is_whole else None

    answer = until(ended, f"answer {answers} has ended", LONG_S, window.told)
    return next(each.text for each in answer.below() if each.name == "Answer" and each.text)


def announced(bus: Bus, answers: int) -> str:
    """What was said of the last of so many answers, once its end was."""

    def ended() -> str:
        said: list[str] = [""]
        for event in bus.heard():
            if event.kind == "Announcement":
                said[-1] = f"{said[-1]} {event.value}".strip()
                said += [""] if ENDS.search(said[-1]) else []
        assert len(said) <= answers + 1, said
        return said[answers - 1] if len(said) == answers + 1 else ""

    return until(ended, f"the end of answer {answers} is said", LONG_S, lambda: str(bus.heard()))


def assert_heard(said: str, text: str) -> None:
    """Every sentence once, in their order; of a block only that it is there."""
    pieces = [letters(piece) for piece in BLOCK.split(ENDS.sub("", said))]
    if len(pieces) == 1:
        assert pieces[0] == letters(text)
    at = 0
    for piece in pieces:
        found = letters(text).find(piece, at)
        assert found >= 0, (piece, text)
        at = found + len(piece)


def letters(text: str) -> str:
    """What is left where nobody looks at marks and spaces."""
    return "".join(letter for letter in text if letter.isalnum())


def assert_title_is_told(bus: Bus, pid: int) -> None:
    """The window is called after the chat, as one hears when one comes back to it."""
    window = bus.program(pid).find("frame")
    until(lambda: window.name != "NodeTool XL Desktop", "the window has the chat's name", LONG_S)
