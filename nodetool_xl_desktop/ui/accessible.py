"""What assistive technology is told of widgets that we draw ourselves; of all others Qt tells it.

Nothing of this is made while no accessibility client asks.
"""

from __future__ import annotations

from typing import Any, Protocol, cast, runtime_checkable
from weakref import ref

from PySide6.QtCore import QObject, QPoint, QRect
from PySide6.QtGui import (
    QAccessible,
    QAccessibleActionInterface,
    QAccessibleInterface,
    QAccessibleStateChangeEvent,
    QAccessibleTextInterface,
)
from PySide6.QtWidgets import QAbstractButton, QAccessibleWidget, QLabel, QWidget
from shiboken6 import Shiboken

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.ui import aloud

#: WORKAROUND: PySide 6.11 makes a pointer of what `interface_cast` returns, also of None, and Qt crashes: this is none.
_NOTHING = Shiboken.VoidPtr(0)


@runtime_checkable
class Told(Protocol):
    """A widget that says itself what it is."""

    def accessible(self) -> QAccessibleInterface:
        """What it is told as; asked once."""


class Accessible(QAccessibleWidget):
    """A widget with a role of ours, and perhaps with a text.

    Args:
        widget: it.
        role: what it is.
        text: what it says, letter by letter.
    """

    def __init__(self, widget: QWidget, role: QAccessible.Role, text: QAccessibleTextInterface | None = None) -> None:
        super().__init__(widget, role)
        self._text = text

    def interface_cast(self, kind: QAccessible.InterfaceType) -> Any:
        """One of its other sides."""
        if kind is QAccessible.InterfaceType.TextInterface and self._text is not None:
            return self._text
        return super().interface_cast(kind) or _NOTHING


class _Press(QAccessibleActionInterface):
    """What one may ask a button to do.

    Args:
        button: it.
    """

    def __init__(self, button: QAbstractButton) -> None:
        super().__init__()
        self._of = ref(button)  # what PySide made for Qt it keeps longer than the button lives

    def actionNames(self) -> list[str]:
        """Press it, or have the keys go there."""
        return [self.pressAction(), self.setFocusAction()]

    def doAction(self, name: str) -> None:
        """Do one of these."""
        if (button := self._of()) is None:
            return
        if name == self.pressAction():
            button.click()
        else:
            button.setFocus()

    def keyBindingsForAction(self, name: str) -> list[str]:
        """None of its own."""
        del name
        return []


class Disclosure(Accessible):
    """A button that opens and closes what stands below it: collapsed or expanded, which is more than checked or not.

    Args:
        button: is checked while that is open; calls `tell_opened` when it is not as before.
    """

    def __init__(self, button: QAbstractButton) -> None:
        super().__init__(button, QAccessible.Role.Button)
        self._button = ref(button)
        self._press = _Press(button)

    def interface_cast(self, kind: QAccessible.InterfaceType) -> Any:
        """One of its other sides."""
        return self._press if kind is QAccessible.InterfaceType.ActionInterface else super().interface_cast(kind)

    def state(self) -> QAccessible.State:
        """Whether it is open."""
        state, button = super().state(), self._button()
        state.expandable = True
        state.expanded = button is not None and button.isChecked()
        state.collapsed = not state.expanded
        return state

    def text(self, kind: QAccessible.Text) -> str:
        """Its name: that for screen readers, or else what stands on it."""
        button = self._button()
        if kind is QAccessible.Text.Name and button is not None:
            return button.accessibleName() or button.text()
        return str(super().text(kind))


class _Letters(QAccessibleTextInterface):
    """The text of a label, letter by letter as Qt counts them.

    Args:
        label: letters of it can be selected.
    """

    def __init__(self, label: QLabel) -> None:
        super().__init__()
        self._of = ref(label)  # what PySide made for Qt it keeps longer than the label lives

    @property
    def _units(self) -> bytes:
        label = self._of()
        return label.text().encode("utf-16-le", "surrogatepass") if label is not None else b""

    # What Qt asks

    def characterCount(self) -> int:
        return len(self._units) // 2

    def text(self, start: int, end: int) -> str:
        units = self._units
        return units[2 * max(0, start) : len(units) if end < 0 else 2 * end].decode("utf-16-le", "replace")

    def cursorPosition(self) -> int:
        label = self._of()
        return max(0, label.selectionStart()) if label is not None else 0

    def characterRect(self, offset: int) -> QRect:
        """That of the whole text: Qt tells of no letter of a label where it stands."""
        del offset
        label = self._of()
        return QRect(label.mapToGlobal(QPoint(0, 0)), label.size()) if label is not None else QRect()

    def offsetAtPoint(self, point: QPoint) -> int:
        del point
        return 0

    def selectionCount(self) -> int:
        return 0  # which it is, PySide has no way to say (see `accessible_text`)

    # What Qt asks for

    def setCursorPosition(self, position: int) -> None:
        self.addSelection(position, position)

    def addSelection(self, start: int, end: int) -> None:
        label = self._of()
        if label is not None:
            label.setSelection(start, end - start)

    def setSelection(self, index: int, start: int, end: int) -> None:
        del index
        self.addSelection(start, end)

    def removeSelection(self, index: int) -> None:
        del index
        self.addSelection(0, 0)

    def scrollToSubstring(self, start: int, end: int) -> None:
        """All of it is seen, or none."""


class LabelAccessible(Accessible):
    """A label of which letters can be selected. Qt tells of changes of such a text without offering it."""

    def __init__(self, label: QLabel) -> None:
        super().__init__(label, QAccessible.Role.StaticText, _Letters(label))
        self._label = ref(label)

    def state(self) -> QAccessible.State:
        """Read-only."""
        state = super().state()
        state.readOnly = state.selectableText = True
        return state

    def text(self, kind: QAccessible.Text) -> str:
        """Its name: that for screen readers, or else what stands on it."""
        label = self._label()
        if kind is QAccessible.Text.Name and label is not None:
            return label.accessibleName() or label.text()
        return str(super().text(kind))


def tell_opened(button: QAbstractButton) -> None:
    """Tell whoever listens that a `Disclosure` has opened or closed.

    In words where the person did it: Qt (6.11) passes no such change of a state on to AT-SPI.
    """
    if aloud.is_heard():
        changed = QAccessible.State()
        changed.expanded = changed.collapsed = True
        QAccessible.updateAccessibility(QAccessibleStateChangeEvent(button, changed))
        if button.hasFocus():
            aloud.say(button, tr("unfolded") if button.isChecked() else tr("folded"))


def install() -> None:
    """Have Qt ask here first; once, for the whole program."""
    QAccessible.installFactory(_made)


def _made(key: str, about: QObject | None) -> QAccessibleInterface | None:
    """What Qt asks for each class that an object is of, the most special one first, until it is given something."""
    if isinstance(about, QWidget) and key == type(about).__name__ and isinstance(about, Told):
        return about.accessible()
    return cast("QAccessibleInterface | None", None)
