"""Controls for a value that can be turned by keys and by the mouse, but never by a wheel that was meant to scroll."""

from __future__ import annotations

from itertools import pairwise

from PySide6.QtCore import QEvent, QLine, QRect, QSize, Qt
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent, QPen, QValidator, QWheelEvent
from PySide6.QtWidgets import QCheckBox, QComboBox, QLineEdit, QSlider, QSpinBox, QStyle, QStyleOptionButton, QWidget

from nodetool_xl_desktop.ui.theme import SPACE_XS, Theme, even, scaled

#: Of what stands in a frame of its own (`parts.field`), in letters of the usual size.
HEIGHT = 20


def _as_high_as_letters(hint: QSize) -> QSize:
    """The same width, and the height of one line in the system's letters, whatever they are now."""
    return QSize(hint.width(), scaled(HEIGHT))


class LineField(QLineEdit):
    """One line to type in; it needs a `parts.field` around it."""

    def sizeHint(self) -> QSize:
        return _as_high_as_letters(super().sizeHint())

    def minimumSizeHint(self) -> QSize:
        return _as_high_as_letters(super().minimumSizeHint())


class MarkedSlider(QSlider):
    """A horizontal slider with one mark on its groove."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self._theme = theme
        self._mark: int | None = None

    def set_mark(self, value: int | None) -> None:
        """Mark this value of the slider's range, or none."""
        self._mark = value
        self.update()

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._mark is None:
            return
        is_mirrored = self.layoutDirection() is Qt.LayoutDirection.RightToLeft
        handle = even(12) + 4  # with its border
        x = handle // 2 + QStyle.sliderPositionFromValue(
            self.minimum(), self.maximum(), self._mark, self.width() - handle, is_mirrored
        )
        painter = QPainter(self)
        painter.setPen(QPen(QColor(self._theme.tokens.warning), 2))
        middle = self.height() // 2
        painter.drawLine(QLine(x, middle - 6, x, middle + 6))
        painter.end()


class NumberField(QSpinBox):
    """A number without buttons; one that is typed too large becomes the largest when it is confirmed.

    Args:
        name: what a screen reader calls it.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setGroupSeparatorShown(True)
        self.setFrame(False)
        self.setButtonSymbols(QSpinBox.ButtonSymbols.NoButtons)
        self.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.setKeyboardTracking(False)

    def sizeHint(self) -> QSize:
        return _as_high_as_letters(super().sizeHint())

    def minimumSizeHint(self) -> QSize:
        return _as_high_as_letters(super().minimumSizeHint())

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        digits = self.locale().toInt(text)[0] if text else 0
        if digits > self.maximum():
            return QValidator.State.Intermediate, text, position
        return super().validate(text, position)

    def fixup(self, text: str) -> str:
        number, is_number = self.locale().toInt(text)
        return str(min(max(number, self.minimum()), self.maximum())) if is_number else text

    def show_value(self, value: int) -> None:
        """Show a value, and tell nobody."""
        if value == self.value():  # or what is typed and not yet confirmed would be gone
            return
        self.blockSignals(True)
        self.setValue(value)
        self.blockSignals(False)

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()


class Combo(QComboBox):
    """One of a few values; each has a short form, which is drawn, and may have a longer one in the list.

    Args:
        theme: the theme in force.
        name: what a screen reader calls it.
    """

    def __init__(self, theme: Theme, name: str) -> None:
        super().__init__()
        self._theme = theme
        self.setAccessibleName(name)
        self.setFrame(False)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        theme.changed.connect(self.update)

    def show_values(self, values: dict[str, str], value: str) -> None:
        """Offer these (short form to long form) and show one of them, and tell nobody."""
        self.blockSignals(True)
        if [self.itemData(row) for row in range(self.count())] != list(values):
            self.clear()
            for short, long in values.items():
                self.addItem(long, short)
        self.setCurrentIndex(list(values).index(value))
        self.blockSignals(False)
        self.update()

    @property
    def value(self) -> str:
        """The short form of what is chosen."""
        return str(self.currentData())

    def sizeHint(self) -> QSize:
        return _as_high_as_letters(super().sizeHint())

    def minimumSizeHint(self) -> QSize:
        return _as_high_as_letters(super().minimumSizeHint())

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()

    def showPopup(self) -> None:
        widest = max(
            (self.fontMetrics().horizontalAdvance(self.itemText(row)) for row in range(self.count())), default=0
        )
        self.view().setMinimumWidth(widest + 40)
        super().showPopup()

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = self._theme.tokens
        painter = QPainter(self)
        painter.setPen(QColor(tokens.text if self.isEnabled() else tokens.muted))
        caret = scaled(12)
        way = self.layoutDirection()
        place = QStyle.visualRect(way, self.rect(), self.rect().adjusted(0, 0, -(caret + SPACE_XS), 0))
        text = self.fontMetrics().elidedText(self.value, Qt.TextElideMode.ElideRight, place.width())
        edge = QStyle.visualAlignment(way, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        painter.drawText(place, edge, text)
        right = QRect(self.width() - caret, (self.height() - caret) // 2 + 1, caret, caret)
        icon = QStyle.visualRect(way, self.rect(), right)
        self._theme.icon("caret-down").paint(painter, icon)
        painter.end()


class Check(QCheckBox):
    """Yes or no.

    Args:
        theme: the theme in force.
        text: what is asked.
    """

    def __init__(self, theme: Theme, text: str) -> None:
        super().__init__(text)
        self._theme = theme
        theme.changed.connect(self.update)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self.isChecked():
            return
        option = QStyleOptionButton()
        self.initStyleOption(option)
        box = self.style().subElementRect(QStyle.SubElement.SE_CheckBoxIndicator, option, self)
        painter = QPainter(self)
        self._theme.icon("check", "on_accent").paint(painter, box.adjusted(1, 1, -1, -1))
        painter.end()

    def show_value(self, value: bool) -> None:
        """Show a value, and tell nobody."""
        self.blockSignals(True)
        self.setChecked(value)
        self.blockSignals(False)


def is_escape(event: QEvent) -> bool:
    """Whether Qt asks if a widget wants Esc for itself, before it looks at the window's keys."""
    return (
        event.type() is QEvent.Type.ShortcutOverride
        and isinstance(event, QKeyEvent)
        and event.key() == Qt.Key.Key_Escape
    )


def stops(panel: QWidget) -> list[QWidget]:
    """What the tab key goes through in a panel, in the order in which it was made, shown or not.

    Not by `nextInFocusChain`: PySide (6.11) takes what that returns for a child of the one that was asked; when
    this goes, the Python side of the other goes with it.
    """
    inside = panel.findChildren(QWidget)
    return [each for each in inside if each.focusPolicy() & Qt.FocusPolicy.TabFocus and not _is_part(each)]


def _is_part(widget: QWidget) -> bool:
    """Whether it is the inside of one of Qt's own controls, such as the field of a spin box."""
    return widget.objectName().startswith("qt_")


class LateStops(QWidget):
    """Never seen: keeps a place in the order of the tab key for what is made later in a panel.

    Args:
        panel: in which it comes; this is made before what follows the panel.
    """

    def __init__(self, panel: QWidget) -> None:
        super().__init__(panel)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.hide()

    def put(self, *widgets: QWidget) -> None:
        """Have the tab key go through these here, in this order."""
        in_order(self, *widgets)


def in_order(*widgets: QWidget) -> None:
    """Have the tab key go through these one after the other."""
    for before, after in pairwise(widgets):
        QWidget.setTabOrder(before, after)
