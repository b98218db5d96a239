"""Small pieces that several panels are made of."""

from __future__ import annotations

import html
from typing import Literal

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QFont, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QLabel, QSizePolicy, QVBoxLayout, QWidget

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.ui.theme import SPACE_L, SPACE_S, SPACE_XS

LabelKind = Literal["title", "headline", "strong", "author", "note", "body", ""]


def label(text: str = "", kind: LabelKind = "", *, wrap: bool = False) -> QLabel:
    """A text in one of the program's few styles; never markup, whatever a file or a model wrote."""
    made = QLabel(text)
    made.setTextFormat(Qt.TextFormat.PlainText)
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


def tooltip(text: str) -> str:
    """A tooltip that says just this: Qt would take a path with a `<` in it for markup."""
    return tr("<span style='white-space:pre'>{text}</span>", text=html.escape(text))


def set_tip(widget: QWidget, text: str) -> None:
    """Give a widget a tooltip that says just this; empty for none. A screen reader hears the words, and no markup."""
    widget.setToolTip(tooltip(text) if text else "")
    widget.setAccessibleDescription(text)


def caption(text: str, longest: int = 48) -> str:
    """A text for a button or a menu: not longer than that, and without a key where Qt would take `&` for its mark."""
    short = text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"
    return short.replace("&", "&&")


def figure(text: str = "", kind: LabelKind = "") -> QLabel:
    """A number on the right of its row, in figures of one width so that it does not jump while it changes."""
    made = label(text, kind)
    made.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    font = made.font()
    font.setFeature(QFont.Tag("tnum"), 1)
    made.setFont(font)
    return made


def card_layout(frame: QFrame) -> QVBoxLayout:
    """Make a frame a bordered surface; returns the layout inside it."""
    frame.setObjectName("card")
    layout = QVBoxLayout(frame)
    layout.setContentsMargins(SPACE_L - 2, SPACE_L - 2, SPACE_L - 2, SPACE_L - 2)
    layout.setSpacing(SPACE_S)
    return layout


class _Field(QFrame):
    """The border around a control, which shows where the keys go."""

    def __init__(self, control: QWidget) -> None:
        super().__init__()
        self.setObjectName("field")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE_S, SPACE_XS - 1, SPACE_S, SPACE_XS - 1)
        layout.addWidget(control)
        control.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.FocusIn, QEvent.Type.FocusOut):
            restyle(self, "focused", "true" if event.type() is QEvent.Type.FocusIn else "false")
        return super().eventFilter(watched, event)


def field(control: QWidget) -> QFrame:
    """A border around a control whose own cannot be styled.

    WORKAROUND: Qt draws no text in a QSpinBox without buttons that has a border by style sheet (6.11).
    """
    return _Field(control)


def restyle(widget: QWidget, name: str, value: object) -> None:
    """Set a property that the style sheet looks at, and have it looked at again."""
    if widget.property(name) != value:
        widget.setProperty(name, value)
        widget.style().unpolish(widget)
        widget.style().polish(widget)
