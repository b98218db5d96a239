"""One setting on the page: what it is, what it is set to, who says so, and the way back."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QPushButton, QWidget

from nodetool_xl_desktop.core.setting import Origin, Setting
from nodetool_xl_desktop.core.settings_file import Values
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.ui.parts import ElidedLabel, label, problem_label, restyle, set_tip
from nodetool_xl_desktop.ui.settings.setting_control import Reading, control_of
from nodetool_xl_desktop.ui.theme import SPACE_L, SPACE_M, SPACE_S, SPACE_XS, Theme, scaled

ORIGIN_HEIGHT = 18
#: The words have room beside the control in a row that is so wide, in letters of the usual size.
LEAST_BESIDE = 400


class SettingRow(QFrame):
    """Shows one setting.

    Args:
        theme: the theme in force.
        setting: that.
        began: what held when the program began, for what takes a restart.
        read: makes the value of a text that was typed.
    """

    #: The person chose this for that (`Setting`, value).
    chosen = Signal(object, object)
    #: The person wants the default again (`Setting`).
    reset_requested = Signal(object)

    def __init__(self, theme: Theme, setting: Setting[Any], began: Values, read: Reading | None = None) -> None:
        super().__init__()
        self.setting = setting
        self._began = began[setting]
        self._is_narrow: bool | None = None
        self.control = control_of(theme, setting, read)
        self._origin = label("", "note")
        self.reset = QPushButton(tr("Reset"))
        self.reset.setProperty("kind", "quiet")
        self.reset.setAccessibleName(tr("Reset {title}", title=tr(setting.title)))
        self._restart = label(tr("Holds when the program is started again."), wrap=True)
        self._restart.setProperty("tone", "warning")
        self._told = ElidedLabel("note")
        self._told.hide()
        self._problem = problem_label()
        self._lay_out()
        self.control.chosen.connect(lambda value: self.chosen.emit(setting, value))
        self.control.refused.connect(self._refuse)
        self.reset.clicked.connect(self._reset)

    def _lay_out(self) -> None:
        title = label(tr(self.setting.title), "strong", wrap=True)
        about = label(tr(self.setting.about), "note", wrap=True)
        self._grid = grid = QGridLayout(self)
        grid.setContentsMargins(SPACE_L, SPACE_M, SPACE_L, SPACE_M)
        grid.setHorizontalSpacing(SPACE_L)
        grid.setVerticalSpacing(SPACE_XS)
        grid.setColumnStretch(0, 1)
        self._below = below = QWidget()
        line = QHBoxLayout(below)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(SPACE_S)
        below.setFixedHeight(scaled(ORIGIN_HEIGHT))  # with the button and without it
        line.addWidget(self._origin, 0, Qt.AlignmentFlag.AlignVCenter)
        line.addWidget(self.reset, 0, Qt.AlignmentFlag.AlignVCenter)
        self._title, self._about = title, about
        self._arrange()
        grid.addWidget(self._told, 4, 0, 1, 2)
        grid.addWidget(self._restart, 5, 0, 1, 2)
        grid.addWidget(self._problem, 6, 0, 1, 2)

    def _arrange(self) -> None:
        """The control stands at the right of the words, or below them where it would leave them too little room."""
        is_narrow = self.width() < scaled(LEAST_BESIDE)
        if is_narrow is self._is_narrow:
            return
        self._is_narrow = is_narrow
        right, top = Qt.AlignmentFlag.AlignRight, Qt.AlignmentFlag.AlignTop
        middle = Qt.AlignmentFlag.AlignVCenter
        for part in (self._title, self._about, self.control.widget, self._below):
            self._grid.removeWidget(part)
        self._grid.addWidget(self._title, 0, 0, middle)
        self._grid.addWidget(self._about, 1, 0, top)
        if is_narrow:
            self._grid.addWidget(self.control.widget, 2, 0, Qt.AlignmentFlag.AlignLeft)
            self._grid.addWidget(self._below, 3, 0, Qt.AlignmentFlag.AlignLeft)
        else:
            self._grid.addWidget(self.control.widget, 0, 1, right | middle)
            self._grid.addWidget(self._below, 1, 1, right | top)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def show_values(self, values: Values) -> None:
        """Show what holds of it."""
        origin = values.origin(self.setting)
        self.control.show_value(values[self.setting])
        self.control.keys.setEnabled(origin is not Origin.ENVIRONMENT)
        told = values.told(self.setting)
        self._origin.setText(tr("Set by {variable}", variable=told) if origin is Origin.ENVIRONMENT else told)
        can_reset = origin in (Origin.FILE, Origin.UNKEPT)
        if not can_reset and self.reset.hasFocus():
            self.control.keys.setFocus(Qt.FocusReason.OtherFocusReason)
        self.reset.setVisible(can_reset)
        self._restart.setVisible(self.setting.needs_restart and values[self.setting] != self._began)
        self._refuse("")

    def tell(self, text: str, more: str = "") -> None:
        """Say something below it, such as what it was used for.

        Args:
            text: one line.
            more: its tip; where there is one, the line stands out.
        """
        if text != self._told.text() or self._told.isHidden():
            self._told.setText(text)
            self._told.show()
            restyle(self._told, "tone", "accent" if more else "muted")
        set_tip(self._told, more)

    @property
    def told(self) -> str:
        """What was said below it."""
        return self._told.text()

    @property
    def origin(self) -> str:
        """Where its value comes from, as it is said."""
        return self._origin.text()

    @property
    def problem(self) -> str:
        """Why what was typed cannot be used; empty where it can."""
        return "" if self._problem.isHidden() else self._problem.text()

    def _refuse(self, why: str) -> None:
        self._problem.setText(why)
        self._problem.setVisible(bool(why))

    def _reset(self) -> None:
        self.reset_requested.emit(self.setting)
