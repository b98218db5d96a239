"""Every page and dialog of the window, as one works it without a mouse and without seeing it."""

from __future__ import annotations

import asyncio
import operator
from collections.abc import Iterator
from itertools import groupby, pairwise
from pathlib import Path

import pytest
from chat_driver import echo, sat_down
from conftest import Build, until
from hub_server import forget_environment
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QAccessible, QAccessibleInterface, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from tour import Tour, a_hub

from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.store import errors as store_errors

Role = QAccessible.Role
#: What a focused control may be: something that a screen reader has a word for.
ROLES = {
    Role.Button, Role.ButtonMenu, Role.ButtonDropDown, Role.CheckBox, Role.RadioButton, Role.Slider, Role.SpinBox,
    Role.ComboBox, Role.EditableText, Role.List, Role.ListItem, Role.Table, Role.Cell, Role.Tree, Role.TreeItem,
    Role.PageTabList, Role.PageTab, Role.Link, Role.Document, Role.MenuItem, Role.StaticText, Role.Grouping,
    Role.Switch,
}  # fmt: skip
#: Of a focus ring and what else a focus changes, in pixels.
SEEN = 24
PANES = ("sideBar", "centre", "fitPanel", "presetPanel", "toolsPopup", "palette")
#: No text of the tour has more.
LINKS = 20
#: The ring may be that of the frame around it, in pixels.
AROUND = 12


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    forget_environment(monkeypatch)


def below(interface: QAccessibleInterface) -> Iterator[QAccessibleInterface]:
    """All that is seen in it."""
    for number in range(interface.childCount()):
        child = interface.child(number)
        if child is not None and child.isValid() and not child.state().invisible:
            yield child
            yield from below(child)


def unheard(window: QWidget) -> Iterator[str]:
    """Controls without a name in words, or without a role that says what they are."""
    for each in below(QAccessible.queryAccessibleInterface(window)):
        name, description = each.text(QAccessible.Text.Name), each.text(QAccessible.Text.Description)
        if "<span" in name + description or "&amp;" in name + description:
            yield f"markup in {name!r}, {description!r}"
        if not each.state().focusable:
            continue
        label = each.relations(QAccessible.RelationFlag.Label)
        words = name or " ".join(found.text(QAccessible.Text.Name) for found, _ in label)
        if not any(letter.isalnum() for letter in words):
            yield f"no name: {each.role()} {each.object()} {words!r}"
        if each.role() not in ROLES:
            yield f"no role: {each.role()} {each.object()} {words!r}"
        if words.startswith(("True", "False")) or "None" in words:
            yield f"a value for a name: {words!r}"


def tab_stops(window: QWidget) -> list[QWidget]:
    """What Tab is to reach."""
    return [
        each
        for each in window.findChildren(QWidget)
        if each.isVisibleTo(window)
        and each.isVisible()
        and each.isEnabled()
        and each.focusPolicy() & Qt.FocusPolicy.TabFocus
        and each.focusProxy() is None
        and each.window() is window.window()
        and not each.visibleRegion().isEmpty()
    ]


def place_of(widget: QWidget) -> QRect:
    return QRect(widget.mapTo(widget.window(), QPoint(0, 0)), widget.size())


async def tabbed(window: QWidget) -> list[QWidget]:
    """Where the tab key leads, until it comes around."""
    went: list[QWidget] = []
    inside = 0
    while len(went) < 200:
        QTest.keyClick(QApplication.focusWidget() or window, Qt.Key.Key_Tab)
        await asyncio.sleep(0)
        now = QApplication.focusWidget()
        assert now is not None
        inside = inside + 1 if went and now is went[-1] else 0  # through the links of a text
        if inside == LINKS:
            return went
        if now in went[:-1]:
            return went
        if not inside:
            went.append(now)
    return went


def told(widget: QWidget) -> str:
    found = QAccessible.queryAccessibleInterface(widget)
    name = found.text(QAccessible.Text.Name) if found is not None else ""
    return f"{type(widget).__name__} {name or widget.accessibleName()!r}"


async def lost(window: QWidget) -> list[str]:
    """What the tab key does not reach, or in an order that no eye takes."""
    went = await tabbed(window)
    panes = [pane for pane, _ in groupby(went, pane_of)]
    panes = panes[1:] if len(panes) > 1 and panes[0] is panes[-1] else panes  # it began in the middle of one
    said = []
    if len(panes) != len(set(panes)):
        said.append("Tab comes twice to a pane: " + " > ".join(each.objectName() if each else "-" for each in panes))
    said += [f"Tab misses {told(each)}" for each in tab_stops(window) if each not in went]
    for before, after in pairwise(went):
        first, then = place_of(before), place_of(after)
        if before.isAncestorOf(after) or pane_of(before) is not pane_of(after):
            continue
        beside = then.top() < first.bottom() and first.top() < then.bottom()
        if after is first_of(pane_of(after), went):
            continue  # it has come around
        if (beside and then.right() <= first.left()) or then.bottom() <= first.top():
            said.append(f"Tab goes back from {told(before)} {first} to {told(after)} {then}")
    return said


def first_of(pane: QWidget | None, went: list[QWidget]) -> QWidget:
    """What stands first in a pane."""
    return min(
        (each for each in went if pane_of(each) is pane), key=lambda each: (place_of(each).top(), place_of(each).left())
    )


def pane_of(widget: QWidget) -> QWidget | None:
    """The pane of the window that it is in: the side bar, the page in the centre, the fit panel."""
    above: QWidget | None = widget
    while above is not None and above.objectName() not in PANES:
        above = above.parentWidget()
    return above


def unseen(window: QWidget, known: set[QWidget]) -> Iterator[str]:
    """Controls that look the same with and without the keys; those that are known were looked at elsewhere."""
    had_keys = QApplication.focusWidget() or window
    had_keys.clearFocus()
    for each in tab_stops(window):
        if each in known:
            continue
        each.setFocus(Qt.FocusReason.TabFocusReason)
        if QApplication.focusWidget() is not each or is_covered(each):
            continue
        known.add(each)
        place = place_of(each).adjusted(-AROUND, -AROUND, AROUND, AROUND) & window.window().rect()
        after = window.window().grab(place).toImage()
        each.clearFocus()
        before = window.window().grab(place).toImage()
        if changed(before, after) < SEEN:
            yield f"the focus is not seen: {told(each)} {changed(before, after)}"
    had_keys.setFocus()


def is_covered(widget: QWidget) -> bool:
    """Whether a panel that was opened over it hides it, until Esc closes that."""
    on_top = widget.window().childAt(place_of(widget).center())
    return on_top is None or not (on_top is widget or widget.isAncestorOf(on_top) or on_top.isAncestorOf(widget))


def changed(one: QImage, other: QImage) -> int:
    """How many pixels differ."""
    assert one.size() == other.size()
    pixels = [memoryview(image.convertToFormat(QImage.Format.Format_RGB32).constBits()).cast("B").cast("I")
              for image in (one, other)]  # fmt: skip
    return sum(map(operator.ne, *pixels))


@pytest.mark.parametrize("scheme", [Qt.ColorScheme.Light, Qt.ColorScheme.Dark], ids=["light", "dark"])
async def test_every_control_can_be_heard_reached_and_seen(
    scheme: Qt.ColorScheme, build: Build, paths: Paths, starter_model: Path, tmp_path: Path
) -> None:
    found: list[str] = []
    known: set[QWidget] = set()
    with a_hub(tmp_path) as hub:
        tour = Tour(build, paths, starter_model, hub)
        async for name, window in tour.places():
            if not known:
                tour.person.parts.theme.choose(scheme)
                await asyncio.sleep(0.2)
            if scheme is Qt.ColorScheme.Light:
                found += [f"{name}: {said}" for said in (*unheard(window), *await lost(window))]
            found += [f"{name}: {said}" for said in unseen(window, known)]
    assert not found, "\n".join(found)


async def test_the_first_start_and_chats_that_cannot_be_opened_can_be_heard_reached_and_seen(build: Build) -> None:
    person = await sat_down(build, command=echo())
    window = person.window
    await until(lambda: window.chats.store is not None, "the chats are open")
    found = [f"first start: {said}" for said in await faults(window)]
    await person.do(lambda: window.chat.tell_no_store(store_errors.not_a_store(Path("chats.db"))))
    found += [f"no chats: {said}" for said in await faults(window)]
    assert not found, "\n".join(found)


async def faults(window: QWidget) -> list[str]:
    """All that is wrong with what is shown now."""
    await asyncio.sleep(0.2)
    window.activateWindow()
    await until(lambda: QApplication.focusWidget() is not None, "the keys go somewhere")
    return [*unheard(window), *await lost(window), *unseen(window, set())]
