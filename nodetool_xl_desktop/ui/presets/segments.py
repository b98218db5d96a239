"""A switch between a few things of which one is shown: all of them can be seen, one is pressed."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QFrame, QHBoxLayout, QSizePolicy, QToolButton, QWidget


class Segments(QFrame):
    """The switch.

    Args:
        name: what a screen reader calls it.
        choices: what each is called, by its key.
    """

    #: Another one was chosen, by its key; `show_choice` says nothing.
    chosen = Signal(str)

    def __init__(self, name: str, choices: Mapping[str, str]) -> None:
        super().__init__()
        self.setObjectName("segments")
        self.setAccessibleName(name)
        self._group = QButtonGroup(self)
        self._buttons: dict[str, QToolButton] = {}
        row = QHBoxLayout(self)
        row.setContentsMargins(2, 2, 2, 2)
        row.setSpacing(2)
        for key, text in choices.items():
            button = self._buttons[key] = QToolButton()
            button.setProperty("kind", "segment")
            button.setText(text)
            button.setAccessibleName(f"{name}: {text}")
            button.setCheckable(True)
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            button.clicked.connect(lambda _checked=False, key=key: self.chosen.emit(key))
            self._group.addButton(button)
            row.addWidget(button, 1)

    @property
    def inputs(self) -> tuple[QWidget, ...]:
        """What the tab key goes through."""
        return tuple(self._buttons.values())

    def button(self, key: str) -> QToolButton:
        """One of them."""
        return self._buttons[key]

    def show_choice(self, key: str) -> None:
        """Show which one is chosen, and tell nobody."""
        self._buttons[key].setChecked(True)

    def focus_choice(self) -> None:
        """Have the keys go to the one that is chosen."""
        checked = self._group.checkedButton()
        if checked is not None:
            checked.setFocus()
