"""What a screen reader says of the window: names and descriptions in words, in the order in which one reads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from chat_driver import CTRL, SHIFT, K, echo, sat_down
from conftest import Build, until
from PySide6.QtGui import QAccessible, QAccessibleInterface

from nodetool_xl_desktop.ui.transcript.message_frame import MessageView


def below(interface: QAccessibleInterface) -> Iterator[QAccessibleInterface]:
    """All that is seen in it."""
    for number in range(interface.childCount()):
        child = interface.child(number)
        if child is not None and child.isValid() and not child.state().invisible:
            yield child
            yield from below(child)


async def test_no_markup_is_said_and_every_control_has_a_name(build: Build, starter_model: Path) -> None:
    person = await sat_down(build, command=echo())
    await person.load(starter_model)
    await person.ask("One")
    await person.answered()
    await person.point(1)
    window = QAccessible.queryAccessibleInterface(person.window)
    seen = 0
    for each in below(window):
        said = each.text(QAccessible.Text.Name), each.text(QAccessible.Text.Description)
        assert "<span" not in " ".join(said), said
        if each.state().focusable:
            seen += 1
            named = said[0] or each.relations(QAccessible.RelationFlag.Label)
            assert named, f"{each.role()} {each.object()}"
    assert seen > 20


async def test_tab_and_a_screen_reader_go_through_the_chat_from_the_top(build: Build, starter_model: Path) -> None:
    person = await sat_down(build, command=echo())
    await person.load(starter_model)
    for text in ("One", "Two", "Three"):
        await person.ask(text)
        await person.answered()
    first = person.shown_id
    await person.new_chat()
    assert first is not None
    await person.do(lambda: person.chats.open(first))
    await until(lambda: len(person.said) == 6, "six messages")
    chat = QAccessible.queryAccessibleInterface(person.transcript)
    heard = [each.object().message.text for each in below(chat) if isinstance(each.object(), MessageView)]
    assert len(heard) > 2
    assert heard == person.said[-len(heard) :]

    await person.do(person.pane.more.setFocus)
    await person.press(K.Key_Tab)
    last = person.view(-1)
    assert person.focused() is last
    went = []
    while person.focused() is not person.composer.field:
        went.append(person.focused())
        assert len(went) < 20
        await person.press(K.Key_Tab)
    assert went[-len(person.transcript.action_bar.buttons) :] == person.transcript.action_bar.buttons
    await person.press(K.Key_Up, CTRL)
    await person.press(K.Key_Up, CTRL)
    assert person.focused() is person.view(4)
    await person.press(K.Key_Backtab, SHIFT)
    assert person.focused() is person.pane.more
    await person.do(person.view(4).setFocus)
    await person.do(person.transcript.action_bar.buttons[0].setFocus)
    await person.press(K.Key_Up, CTRL)
    assert person.focused() is person.view(3), "also from its buttons"
    await person.press(K.Key_Down, CTRL)
    await person.press(K.Key_Down, CTRL)
    await person.press(K.Key_Down, CTRL)
    assert person.focused() is person.composer.field
