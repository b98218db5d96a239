"""How the rows of the lists on the left are painted: one ground and one kind of line for all of them."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QGuiApplication, QPainter
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyle, QStyleOptionViewItem, QWidget

from nodetool_xl_desktop.ui.theme import SPACE_M, Tokens, scaled

Index = QModelIndex | QPersistentModelIndex
RADIUS = 8
LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


class RowView(QListView):
    """A list with headings between its rows: the keys go past them, also from Home and with whole pages."""

    def __init__(self) -> None:
        super().__init__()
        self.setMouseTracking(True)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def moveCursor(self, action: QAbstractItemView.CursorAction, modifiers: Qt.KeyboardModifier) -> QModelIndex:
        index = super().moveCursor(action, modifiers)
        if index.isValid() and not index.flags() & Qt.ItemFlag.ItemIsEnabled:
            return index.siblingAtRow(index.row() + 1)  # no heading is without a row below it
        return index


def mirrored(place: QRect, row: QRect) -> QRect:
    """Where a part of a row is painted that lies at this place from left to right, in the direction of the window."""
    mirror: QRect = QStyle.visualRect(QGuiApplication.layoutDirection(), row, place)
    return mirror


def row_place(option: QStyleOptionViewItem, view: QWidget) -> QRect:
    """Where a row is painted: the scroll bar lies beside it in the list's margin, and nothing moves when it comes."""
    place: QRect = option.rect
    return QRect(place.left(), place.top(), view.width() - SPACE_M - place.left(), place.height())


def paint_ground(
    painter: QPainter, tokens: Tokens, place: QRect, state: QStyle.StateFlag, *, shown: bool | None = None
) -> None:
    """What lies under a row: selected, under the mouse, and a frame where the keys go.

    Args:
        painter: paints; its pen and brush are others afterwards.
        tokens: the colours.
        place: of the row, with its gaps.
        state: of the view's option.
        shown: whether the row stands for what is shown elsewhere; None where that is the selected one.
    """
    selected = bool(state & QStyle.StateFlag.State_Selected)
    shown = selected if shown is None else shown
    hovered = bool(state & QStyle.StateFlag.State_MouseOver)
    focused = bool(state & QStyle.StateFlag.State_HasFocus)
    if not (selected or shown or hovered or focused):
        return
    high_contrast = tokens.accent_soft == tokens.background  # the system's own colours have no grounds to tell apart
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QColor(tokens.accent) if focused or high_contrast else Qt.PenStyle.NoPen)
    if high_contrast:
        painter.setBrush(Qt.BrushStyle.NoBrush)
    elif shown:
        painter.setBrush(QColor(tokens.accent_soft))
    else:
        painter.setBrush(QColor(tokens.line) if selected or hovered else Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(QRectF(place.adjusted(0, 1, 0, -1)).adjusted(0.5, 0.5, -0.5, -0.5), RADIUS, RADIUS)


def row_font(painter: QPainter, size: int, weight: QFont.Weight = QFont.Weight.Normal) -> QFont:
    """The painter's font at another size, in pixels where the system's letters are not larger than ours."""
    font = QFont(painter.font())
    font.setPixelSize(scaled(size))
    font.setWeight(weight)
    return font


def paint_line(
    painter: QPainter,
    place: QRect,
    text: str,
    color: str,
    font: QFont,
    edge: Qt.AlignmentFlag = LEFT,
    *,
    row: QRect | None = None,
) -> int:
    """Draw one line, its end left out where there is no room for it; returns how wide it is.

    Args:
        painter: paints.
        place: where, from left to right.
        text: it.
        color: of its letters.
        font: of its letters.
        edge: at which of the place it stands, from left to right.
        row: what the place is a part of, in which it is mirrored where the window goes from right to left; None where
            it is the whole.
    """
    painter.setFont(font)
    painter.setPen(QColor(color))
    metrics = QFontMetrics(font)
    shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, place.width())
    painter.setLayoutDirection(Qt.LayoutDirection.LayoutDirectionAuto)  # what is left out of Hebrew is on its left
    seen = QStyle.visualAlignment(QGuiApplication.layoutDirection(), edge)
    painter.drawText(mirrored(place, row or place), seen | Qt.TextFlag.TextSingleLine, shown)
    return metrics.horizontalAdvance(shown)


def paint_heading(painter: QPainter, tokens: Tokens, place: QRect, text: str) -> None:
    """The heading of a section, over the rows that follow."""
    font = row_font(painter, 11, QFont.Weight.DemiBold)
    font.setLetterSpacing(QFont.SpacingType.AbsoluteSpacing, 0.5)
    edge = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom
    paint_line(painter, place.adjusted(0, 0, 0, -6), text.upper(), tokens.muted, font, edge)
