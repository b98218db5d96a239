"""One tool in the list: its name, what it does, what happens before it runs, and a switch."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetrics, QHelpEvent, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QCheckBox, QSizePolicy, QToolTip

from nodetool_xl_desktop.ui.parts import tooltip
from nodetool_xl_desktop.ui.rows import mirrored, paint_line, row_font
from nodetool_xl_desktop.ui.theme import SPACE_M, SPACE_S, SPACE_XS, Theme, Tokens, scaled
from nodetool_xl_desktop.ui.tools.tool_values import ToolRow

SWITCH = QSize(30, 18)
TITLE, NOTE = 13, 12
HEIGHT = 46
LEFT_PAD, RIGHT_PAD = SPACE_M + 2, SPACE_S
_WRAPPED = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWordWrap)
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class ToolSwitch(QCheckBox):
    """Switched by a click anywhere on it, and by Space; the arrows go to its neighbours.

    Args:
        theme: the theme in force.
        row: what it stands for.
    """

    #: The person wants the tool on, or off.
    switched = Signal(str, bool)
    #: The keys are to go so many rows further.
    moved = Signal(int)

    def __init__(self, theme: Theme, row: ToolRow) -> None:
        super().__init__()
        self._theme = theme
        self.row = row
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        policy = QSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.clicked.connect(lambda is_on: self.switched.emit(self.row.name, is_on))
        theme.changed.connect(self.update)
        self.show_row(row)

    def show_row(self, row: ToolRow) -> None:
        """Show it as it is now, and tell nobody."""
        self.row = row
        self.blockSignals(True)
        self.setChecked(row.is_on)
        self.blockSignals(False)
        self.setAccessibleName(row.title)
        said = ". ".join(filter(None, [row.standing, row.description, row.warning if row.is_on else ""]))
        self.setAccessibleDescription(said)
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(200, scaled(HEIGHT))

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return scaled(HEIGHT) + self._warning_height(width)

    def hitButton(self, place: QPoint) -> bool:
        return self.rect().contains(place)

    def event(self, event: QEvent) -> bool:
        if event.type() is QEvent.Type.ToolTip and isinstance(event, QHelpEvent) and self.row.description:
            QToolTip.showText(event.globalPos(), tooltip(folded(self.row.description)), self)
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        match event.key():
            case Qt.Key.Key_Up | Qt.Key.Key_Left:
                self.moved.emit(-1)
            case Qt.Key.Key_Down | Qt.Key.Key_Right:
                self.moved.emit(1)
            case Qt.Key.Key_Home:
                self.moved.emit(-(10**6))
            case Qt.Key.Key_End:
                self.moved.emit(10**6)
            case Qt.Key.Key_Return | Qt.Key.Key_Enter:
                self.click()
            case _:
                super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens, row = self._theme.tokens, self.row
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_ground(painter, tokens)
        inside = self.rect().adjusted(LEFT_PAD, 0, -RIGHT_PAD, 0)
        wide, high = scaled(SWITCH.width()), scaled(SWITCH.height())
        place = QRect(inside.right() - wide + 1, (scaled(HEIGHT) - high) // 2, wide, high)
        paint_switch(painter, tokens, mirrored(place, inside), is_on=self.isChecked(), enabled=not row.problem)
        words = inside.adjusted(0, 0, -(wide + SPACE_M), 0)
        upper = QRect(words.left(), 5, words.width(), scaled(18))
        note = row_font(painter, NOTE)
        tone = tokens.warning if row.problem else tokens.accent if row.allowed else tokens.muted
        width = min(QFontMetrics(note).horizontalAdvance(row.standing), upper.width() // 2)
        aside = QRect(upper.right() - width, upper.top(), width + 1, upper.height())
        paint_line(painter, aside, row.standing, tone, note, _RIGHT, row=inside)
        title = row_font(painter, TITLE, QFont.Weight.DemiBold)
        paint_line(painter, upper.adjusted(0, 0, -(width + SPACE_M), 0), row.title, tokens.text, title, row=inside)
        lower = QRect(words.left(), scaled(23), words.width(), scaled(17))
        paint_line(painter, lower, _first_line(row.description), tokens.muted, note, row=inside)
        if warning := self._warning:
            painter.setFont(note)
            painter.setPen(QColor(tokens.warning))
            room = QRect(words.left(), scaled(HEIGHT) - SPACE_XS, inside.width(), self.height() - scaled(HEIGHT))
            painter.drawText(room, _WRAPPED, warning)
        painter.end()

    def _paint_ground(self, painter: QPainter, tokens: Tokens) -> None:
        if not (self.hasFocus() or self.underMouse()):
            return
        painter.setPen(QColor(tokens.accent) if self.hasFocus() else Qt.PenStyle.NoPen)
        painter.setBrush(QColor(tokens.sunken) if self.underMouse() else Qt.BrushStyle.NoBrush)
        inner = QRectF(self.rect()).adjusted(SPACE_XS + 2.5, 0.5, -0.5, -0.5)
        painter.drawRoundedRect(inner, 8, 8)

    @property
    def _warning(self) -> str:
        return self.row.warning if self.row.is_on else ""

    def _warning_height(self, width: int) -> int:
        if not self._warning:
            return 0
        font = QFont(self.font())
        font.setPixelSize(scaled(NOTE))
        room = QRect(0, 0, width - LEFT_PAD - RIGHT_PAD, 1000)
        return QFontMetrics(font).boundingRect(room, _WRAPPED, self._warning).height() + SPACE_S


def paint_switch(painter: QPainter, tokens: Tokens, place: QRect, *, is_on: bool, enabled: bool = True) -> None:
    """Draw a switch; its knob says by its place, not by colour alone, whether it is on."""
    radius = place.height() / 2
    track = QRectF(place).adjusted(0.5, 0.5, -0.5, -0.5)
    colour = (tokens.accent if enabled else tokens.others) if is_on else tokens.surface
    painter.setBrush(QColor(colour))
    painter.setPen(QColor(colour if is_on else tokens.muted))
    painter.drawRoundedRect(track, radius, radius)
    edge = scaled(4)
    knob = place.height() - 2 * edge
    left = place.right() - knob - edge + 1 if is_on else place.left() + edge
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(tokens.on_accent if is_on else tokens.muted))
    painter.drawEllipse(QRectF(left, place.top() + edge, knob, knob))


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0]


def folded(text: str, width: int = 72, most: int = 12) -> str:
    """A description as a tooltip: lines of a readable length, and not too many."""
    lines, line = list[str](), ""
    for word in text[:2000].split():
        if line and len(line) + len(word) >= width:
            lines.append(line)
            line = ""
        line = f"{line} {word}".strip()[:200]
    lines.append(line)
    return "\n".join([*lines[:most], "…"] if len(lines) > most else lines)
