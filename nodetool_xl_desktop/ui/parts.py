"""Small pieces that several panels are made of."""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import Literal

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtGui import QAccessibleInterface, QFont, QHelpEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QBoxLayout,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QToolTip,
    QVBoxLayout,
    QWidget,
)

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.ui.accessible import LabelAccessible
from nodetool_xl_desktop.ui.theme import SPACE_L, SPACE_S, SPACE_XS

LabelKind = Literal["title", "headline", "strong", "author", "note", "body", ""]


class _SelectableLabel(QLabel):
    """Letters of it can be selected by the mouse; a screen reader can go through them."""

    def __init__(self) -> None:
        super().__init__()  # with a text, Qt would ask what it is before it is anything
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)

    def accessible(self) -> QAccessibleInterface:
        """What a screen reader is told of it: a text."""
        return LabelAccessible(self)


def label(text: str = "", kind: LabelKind = "", *, wrap: bool = False, selects: bool = False) -> QLabel:
    """A text in one of the program's few styles; never markup, whatever a file or a model wrote.

    Args:
        text: it.
        kind: how it looks.
        wrap: whether it may take several lines.
        selects: whether letters of it can be selected, by the mouse unless more is allowed.
    """
    made = _SelectableLabel() if selects else QLabel()
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setText(text)
    made.setWordWrap(wrap)
    if kind:
        made.setProperty("kind", kind)
    if wrap:  # a long word must not widen its panel
        made.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
    return made


def problem_label() -> QLabel:
    """What is wrong with what was typed; hidden while nothing is."""
    made = label("", "note", wrap=True)
    made.setProperty("kind", "problem")
    made.hide()
    return made


#: Of a text that gives way, in pixels.
LEAST_WIDTH = 32


class ElidedLabel(QLabel):
    """One line that gives way: its end is left out where there is no room for it."""

    def __init__(self, kind: LabelKind = "") -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        if kind:
            self.setProperty("kind", kind)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setPen(self.palette().color(self.foregroundRole()))
        text = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, self.width())
        painter.drawText(self.rect(), self.alignment(), text)
        painter.end()

    def event(self, event: QEvent) -> bool:
        if event.type() is not QEvent.Type.ToolTip or self.toolTip() or not isinstance(event, QHelpEvent):
            return super().event(event)
        if self.fontMetrics().horizontalAdvance(self.text()) <= self.width():
            return super().event(event)
        QToolTip.showText(event.globalPos(), tooltip(self.text()), self)  # all of it, where an end is left out
        return True


class GivingLabel(ElidedLabel):
    """As wide as its text where there is room for it; else its end is left out."""

    def __init__(self, kind: LabelKind, text: str = "") -> None:
        super().__init__(kind)
        self.setText(text)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)

    def minimumSizeHint(self) -> QSize:
        return QSize(min(LEAST_WIDTH, self.sizeHint().width()), super().minimumSizeHint().height())


def file_kinds(*kinds: tuple[str, str]) -> str:
    """What a file dialog offers: names of kinds, each with its patterns ("*.json *.zip"), and all files."""
    return ";;".join(f"{name} ({patterns})" for name, patterns in (*kinds, (tr("All files"), "*")))


def tooltip(text: str) -> str:
    """A tooltip that says just this: Qt would take a path with a `<` in it for markup."""
    return f"<span style='white-space:pre'>{html.escape(text)}</span>"


def set_tip(widget: QWidget, text: str) -> None:
    """Give a widget a tooltip that says just this; empty for none. A screen reader hears the words, and no markup."""
    widget.setToolTip(tooltip(text) if text else "")
    widget.setAccessibleDescription(text)


def caption(text: str, longest: int = 48) -> str:
    """A text for a button or a menu: not longer than that, and without a key where Qt would take `&` for its mark."""
    short = text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"
    return short.replace("&", "&&")


def figure(text: str = "", kind: LabelKind = "", *, gives: bool = False) -> QLabel:
    """A number on the right of its row, in figures of one width so that it does not jump while it changes.

    Args:
        text: it, with its unit.
        kind: how it looks.
        gives: its end is left out where there is no room for it.
    """
    made = GivingLabel(kind, text) if gives else label(text, kind)
    made.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    font = made.font()
    font.setFeature(QFont.Tag("tnum"), 1)
    made.setFont(font)
    return made


def fold(row: QBoxLayout, parts: Iterable[QWidget], room: int) -> None:
    """Lay out a row from top to bottom where these of it, as many as are shown, have no room beside each other.

    Args:
        row: that.
        parts: what stands in it and does not give way.
        room: for them, in pixels.
    """
    widths = [part.sizeHint().width() for part in parts if not part.isHidden()]
    is_narrow = sum(widths) + row.spacing() * max(0, len(widths) - 1) > room
    way = QBoxLayout.Direction.TopToBottom if is_narrow else QBoxLayout.Direction.LeftToRight
    if way is not row.direction():
        row.setDirection(way)


def card_layout(frame: QFrame) -> QVBoxLayout:
    """Make a frame a bordered surface; returns the layout inside it."""
    frame.setObjectName("card")
    layout = QVBoxLayout(frame)
    layout.setContentsMargins(SPACE_L - 2, SPACE_L - 2, SPACE_L - 2, SPACE_L - 2)
    layout.setSpacing(SPACE_S)
    return layout


class _Field(QFrame):
    """The border around a control, which shows where the keys go."""

    def __init__(self, control: QWidget, behind: QWidget | None) -> None:
        super().__init__()
        self.setObjectName("field")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(SPACE_S, SPACE_XS - 1, SPACE_S, SPACE_XS - 1)
        layout.setSpacing(SPACE_XS)
        layout.addWidget(control, 1)
        if behind is not None:
            layout.addWidget(behind)
        control.installEventFilter(self)
        if isinstance(control, QComboBox):
            # WORKAROUND: on Linux Qt tells the value of a QComboBox for its name, and takes only a label that has the
            # same parent for its label (6.11): so this one, which is never shown.
            heard = label(control.accessibleName())
            heard.setParent(self)
            heard.setBuddy(control)
            heard.hide()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.FocusIn, QEvent.Type.FocusOut):
            restyle(self, "focused", "true" if event.type() is QEvent.Type.FocusIn else "false")
        return super().eventFilter(watched, event)


def field(control: QWidget, behind: QWidget | None = None) -> QFrame:
    """A border around a control whose own cannot be styled, and what stands behind it, such as its unit.

    WORKAROUND: Qt draws no text in a QSpinBox without buttons that has a border by style sheet (6.11).
    """
    return _Field(control, behind)


def size_icon(button: QAbstractButton, pixels: int) -> None:
    """Give a button that is new icons of another size than usual, which grow with the letters.

    Args:
        button: that.
        pixels: of `OTHER_ICONS`, in letters of the usual size.
    """
    button.setProperty("icons", pixels)


def restyle(widget: QWidget, name: str, value: object) -> None:
    """Set a property that the style sheet looks at, and have it looked at again."""
    if widget.property(name) != value:
        widget.setProperty(name, value)
        widget.style().unpolish(widget)
        widget.style().polish(widget)
