"""An error that a person reads: one line, whole sentences, and names as they are."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import pytest

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.engine.errors import EngineError, Fault
from nodetool_xl_desktop.gguf import Unreadable


@pytest.mark.parametrize(
    ("parts", "line"),
    [
        (("It broke",), "It broke."),
        (("It broke", "the disk is full"), "It broke: the disk is full."),
        (("It broke", "", "Try again"), "It broke. Try again."),
        (("It broke", "the disk is full", "Make room"), "It broke: the disk is full. Make room."),
        (("It broke", "it says: no!", "Try again."), "It broke: it says: no! Try again."),
        (("It broke", "two\nlines\tof \r\n reason", "And\nhint"), "It broke: two lines of reason. And hint."),
        (("model.gguf cannot be read", "it is empty"), "model.gguf cannot be read: it is empty."),
        (("It broke", "see ../models/..x"), "It broke: see ../models/..x."),
        (("It broke", "what is ...", ""), "It broke: what is ..."),
        (("It broke", "", "Type `make starter`"), "It broke. Type `make starter`"),
    ],
)
def test_it_is_told_on_one_line(parts: tuple[str, ...], line: str) -> None:
    assert str(UserFacingError(*parts)) == line


def test_its_explanation_is_sentences() -> None:
    assert UserFacingError("It broke", "the disk is full", "Make room").explanation == "The disk is full. Make room."
    assert UserFacingError("It broke").explanation == ""


def test_it_can_be_copied_to_another_process() -> None:
    for error in (UserFacingError("a", "b", "c"), Unreadable.because(Path("x.gguf"), FileNotFoundError())):
        assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_an_engine_s_error_keeps_its_kind_and_its_log() -> None:
    error = EngineError(Fault.PORT, "a", "b", "c", ("one", "two"))
    for twin in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert str(twin) == "a: b. c."
        assert (twin.fault, twin.log_tail) == (Fault.PORT, ("one", "two"))


@pytest.mark.parametrize(
    ("why", "begins"),
    [
        ("settings.toml, line 3: chats.titels is no setting", "settings.toml, line 3"),
        ("models/a.gguf is empty", "models/a.gguf is empty"),
        ("chats.titels is no setting", "chats.titels is no setting"),
        ("file:///x was refused", "file:///x was"),
        ("it is empty", "It is empty"),
        ("no: it is full", "No: it is full"),
        (" ", " "),
    ],
)
def test_a_name_at_the_beginning_is_told_as_it_is_written(why: str, begins: str) -> None:
    assert UserFacingError("It broke", why).explanation.startswith(begins)
