"""What a setting is changed with: by its kind a check box, a list, a number or a text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QWidget

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.setting import Setting
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.ui.inputs import Check, Combo, LineField, NumberField, is_escape
from nodetool_xl_desktop.ui.parts import field, label
from nodetool_xl_desktop.ui.theme import Theme, scaled

#: Of all that stand in a frame, so that they stand below each other.
WIDTH = 208
#: And no wider than that, however large the letters are.
MOST_WIDTH = 340
#: Makes of what was typed the value that is kept; raises a UserFacingError.
Reading = Callable[[str], str]


class SettingControl(QObject):
    """The control of one setting.

    Attributes:
        widget: what stands in the row.
        keys: what in it the keys go to.
    """

    #: The person chose this value.
    chosen = Signal(object)
    #: What was typed cannot be used: why; empty where it can.
    refused = Signal(str)

    def __init__(self, setting: Setting[Any], widget: QWidget, keys: QWidget) -> None:
        super().__init__()
        self.setting = setting
        self.widget = widget
        self.keys = keys
        keys.setAccessibleName(tr(setting.title))
        keys.setAccessibleDescription(tr(setting.about))

    def show_value(self, value: Any) -> None:
        """Show what holds, and tell nobody."""
        raise NotImplementedError


def control_of(theme: Theme, setting: Setting[Any], read: Reading | None = None) -> SettingControl:
    """The control for a setting.

    Args:
        theme: the theme in force.
        setting: that.
        read: for a text.
    """
    if isinstance(setting.default, bool):
        return _YesNo(theme, setting)
    if setting.choices:
        return _Choice(theme, setting)
    if isinstance(setting.default, str):
        return _Text(setting, read)
    return _Number(setting)


class _YesNo(SettingControl):
    def __init__(self, theme: Theme, setting: Setting[Any]) -> None:
        self._box = Check(theme, "")
        super().__init__(setting, self._box, self._box)
        self._box.toggled.connect(self.chosen.emit)

    def show_value(self, value: Any) -> None:
        self._box.show_value(bool(value))


class _Choice(SettingControl):
    def __init__(self, theme: Theme, setting: Setting[Any]) -> None:
        self._combo = Combo(theme, tr(setting.title))
        frame = field(self._combo)
        frame.setFixedWidth(min(scaled(WIDTH), MOST_WIDTH))
        super().__init__(setting, frame, self._combo)
        self._values: dict[str, str] = {}  # by their words
        self._combo.activated.connect(lambda _row: self.chosen.emit(self._values[self._combo.value]))

    def show_value(self, value: Any) -> None:
        choices = {tr(words): choice for choice, words in self.setting.choices.items()}
        if value not in choices.values():  # such as a language with its region
            choices[value] = value
        self._values = choices
        words = next(each for each, choice in choices.items() if choice == value)
        self._combo.show_values({each: each for each in choices}, words)


class _Number(SettingControl):
    """A whole number, or a share in per cent."""

    def __init__(self, setting: Setting[Any]) -> None:
        self._scale = 100 if isinstance(setting.default, float) else 1
        self._field = NumberField(tr(setting.title))
        self._field.setRange(round(setting.least * self._scale), round(setting.most * self._scale))
        self._field.setSingleStep(10 if self._scale > 1 else 1)
        if setting.special:
            self._field.setSpecialValueText(tr(setting.special))
        unit = "%" if self._scale > 1 else tr(setting.unit)
        self._unit = label(unit, "note")
        frame = field(self._field, self._unit)
        frame.setFixedWidth(min(scaled(WIDTH), MOST_WIDTH))
        super().__init__(setting, frame, self._field)
        self._field.valueChanged.connect(self._choose)

    def _choose(self, value: int) -> None:
        self._show_unit()
        self.chosen.emit(value / self._scale if self._scale > 1 else value)

    def show_value(self, value: Any) -> None:
        self._field.show_value(round(value * self._scale))
        self._show_unit()

    def _show_unit(self) -> None:
        is_named = bool(self.setting.special) and self._field.value() == self._field.minimum()
        self._unit.setVisible(bool(self._unit.text()) and not is_named)


class _Line(LineField):
    """One line; Esc takes back what was typed since it was shown."""

    def __init__(self) -> None:
        super().__init__()
        self.shown = ""

    def event(self, event: QEvent) -> bool:
        if is_escape(event) and self.text() != self.shown:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.text() != self.shown:
            self.setText(self.shown)
        else:
            super().keyPressEvent(event)


class _Text(SettingControl):
    def __init__(self, setting: Setting[Any], read: Reading | None) -> None:
        self._read = read
        self._line = _Line()
        self._line.setProperty("kind", "value")
        self._line.setPlaceholderText(tr(setting.placeholder))
        frame = field(self._line)
        frame.setFixedWidth(min(scaled(WIDTH), MOST_WIDTH))
        super().__init__(setting, frame, self._line)
        self._line.editingFinished.connect(self._finish)
        self._line.textChanged.connect(lambda _text: self.refused.emit(""))

    def _finish(self) -> None:
        text = self._line.text().strip()
        if text == self._line.shown:
            return
        try:
            value = self._read(text) if self._read is not None and text else self.setting.checked(text)
        except UserFacingError as error:
            self.refused.emit(error.explanation)
        except ValueError as error:
            self.refused.emit(str(error))
        else:
            self.chosen.emit(value)

    def show_value(self, value: Any) -> None:
        if value == self._line.shown and self._line.hasFocus():  # what is typed and not yet finished stays
            return
        self._line.shown = value
        if self._line.text() != value:
            self._line.setText(value)
            self._line.setCursorPosition(0)
