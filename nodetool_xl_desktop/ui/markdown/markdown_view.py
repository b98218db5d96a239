"""A text as it is read in a chat: drawn as Markdown, selected with mouse and keys, its links followed.

Many of these make one page: the selection goes from one to the next (`text_selection`), which is why it is not kept
here. A view that stands alone has a selection of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QAccessible,
    QAccessibleInterface,
    QAccessibleTextCursorEvent,
    QColor,
    QFocusEvent,
    QFontMetrics,
    QHelpEvent,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QWheelEvent,
)
from PySide6.QtWidgets import QApplication, QToolTip

from nodetool_xl_desktop.core.translation import trn
from nodetool_xl_desktop.markdown.page import Place
from nodetool_xl_desktop.ui import aloud
from nodetool_xl_desktop.ui.leaf.look import look_of
from nodetool_xl_desktop.ui.markdown import clipboard
from nodetool_xl_desktop.ui.markdown.caret_keys import move_of
from nodetool_xl_desktop.ui.markdown.copied import Source, plain_text
from nodetool_xl_desktop.ui.markdown.links import told
from nodetool_xl_desktop.ui.markdown.lone_text import LoneText
from nodetool_xl_desktop.ui.markdown.moving import Move, moved, next_link, word_at
from nodetool_xl_desktop.ui.markdown.port import port_of
from nodetool_xl_desktop.ui.markdown.sheet import Sheet
from nodetool_xl_desktop.ui.markdown.sheet_view import SheetView
from nodetool_xl_desktop.ui.markdown.text_selection import Spot, TextSelection, Unit
from nodetool_xl_desktop.ui.parts import tooltip
from nodetool_xl_desktop.ui.theme import Theme

if TYPE_CHECKING:
    from nodetool_xl_desktop.ui.markdown.accessible_text import TextMap

#: So much of a text is looked at to see how wide it is, in letters.
WIDTH_LETTERS = 20_000
_BY_KEYS = (
    Qt.FocusReason.TabFocusReason,
    Qt.FocusReason.BacktabFocusReason,
    Qt.FocusReason.ShortcutFocusReason,
)


class MarkdownView(SheetView):
    """Read-only; as high as its text.

    Args:
        theme: the theme in force.
        plain: draw the text as it is, without Markdown.
    """

    #: What is selected in it is another.
    selectionChanged = Signal()  # noqa: N815 - as Qt's own texts call it
    #: The mouse or the keys are at a link (its target), or no longer at one (an empty text).
    link_pointed = Signal(str)
    #: A link is to be followed.
    link_activated = Signal(str)

    def __init__(self, theme: Theme, *, plain: bool = False) -> None:
        self._selecting: TextSelection | None = None
        self._chosen: tuple[Place, Place] | None = None
        self._caret_shown = False
        self._pressed: QPoint | None = None
        self._clicks = 0
        self._clicked_at = 0
        self._link: tuple[Place, int, str] | None = None  # the keys are at it
        self._pointed = ""
        self._told: TextMap | None = None
        super().__init__(theme, plain=plain)
        self.setMouseTracking(True)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)  # the message has one
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.IBeamCursor)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent, on=False)

    # The text

    def toPlainText(self) -> str:
        """All of it as it is read."""
        return plain_text([self.source])

    @property
    def source(self) -> Source:
        """It as it can be copied; what is not shown is with it."""
        whole = len(self._text) <= self._limit and self._page.is_done
        return Source(self._text, self.is_plain, self._page if whole else None)

    @property
    def end(self) -> Place:
        """Behind its last letter."""
        return self._sheet.last

    @property
    def sheet(self) -> Sheet:
        """What is drawn of it."""
        return self._sheet

    def accessible(self) -> QAccessibleInterface:
        """What a screen reader is told of it: a text, with its caret."""
        from nodetool_xl_desktop.ui.markdown.accessible_text import TextAccessible  # noqa: PLC0415 - once one asks

        return TextAccessible(self)

    @property
    def told(self) -> TextMap:
        """Its letters, as a screen reader counts them."""
        if self._told is None:
            from nodetool_xl_desktop.ui.markdown.accessible_text import TextMap  # noqa: PLC0415 - once one asks

            self._told = TextMap(self)
        return self._told

    def place_at(self, point: QPoint) -> Place:
        """The place nearest to a point."""
        return self._sheet.place_at(QPointF(point))

    def unit_at(self, place: Place, unit: Unit) -> tuple[Place, Place]:
        """The word or the paragraph that a place is in."""
        if unit is Unit.LETTER:
            return place, place
        leaves = self._sheet.leaves(place.section) if place.section < len(self._sheet) else ()
        if place.leaf >= len(leaves):
            return place, place
        text = leaves[place.leaf].text
        if unit is Unit.WORD:
            start, end = word_at(text, place.offset)
        elif "\n" in text:
            start = text.rfind("\n", 0, place.offset) + 1
            end = text.find("\n", place.offset)
            end = len(text) if end < 0 else end
        else:
            start, end = 0, len(text)
        return place._replace(offset=start), place._replace(offset=end)

    def moved(self, place: Place, move: Move, goal_x: float | None) -> Place | None:
        """Where a key takes the caret from a place; None where that is beyond this text."""
        port = port_of(self)
        return moved(self._sheet, place, move, 0.9 * (port.height() if port is not None else self.height()), goal_x)

    def caret_x(self, place: Place) -> float:
        """How far to the right a place stands, in pixels."""
        return self._sheet.rect_of(place).x()

    def wish_width(self, most: int) -> int:
        """How wide its longest line is as it was typed, up to so many pixels."""
        metrics = QFontMetrics(look_of(self._theme).body)
        wish = 0
        for line in self._text[:WIDTH_LETTERS].split("\n"):
            if wish < most:
                wish = max(wish, most if len(line) > most else metrics.horizontalAdvance(line.expandtabs(8)) + 2)
        return min(wish, most)

    # The selection

    @property
    def selecting(self) -> TextSelection:
        """The selection that this text takes part in."""
        if self._selecting is None:
            self._selecting = TextSelection(LoneText(self), self)
        return self._selecting

    def select_with(self, selection: TextSelection) -> None:
        """Take part in the selection of several texts."""
        self._selecting = selection
        self.selection_changed()

    @property
    def has_selection(self) -> bool:
        """Whether some of it is selected."""
        return self._chosen is not None

    @property
    def selection(self) -> str:
        """What is selected in it, as plain text."""
        if self._chosen is None:
            return ""
        return plain_text([self.source.since(self._chosen[0]).until(self._chosen[1])])

    def selection_changed(self) -> None:
        """Draw what is selected in it now."""
        chosen = self._selecting.range_in(self) if self._selecting is not None else None
        if chosen is not None and chosen[0] >= chosen[1]:
            chosen = None
        if chosen != self._chosen:
            self._chosen = chosen
            self.selectionChanged.emit()
            self.update()
        elif self._caret_shown:
            self.update()

    def chosen_in(self, place: Place, length: int) -> tuple[int, int] | None:
        if self._chosen is None:
            return None
        first, last = self._chosen
        if place[:2] < first[:2] or place[:2] > last[:2]:
            return None
        start = first.offset if place[:2] == first[:2] else 0
        return start, (last.offset if place[:2] == last[:2] else length)

    def text_drawn(self) -> None:
        if self._selecting is not None:
            self.selection_changed()

    def take_caret(self) -> None:
        """The keys come here from another text."""
        self._caret_shown = True
        self.setFocus(Qt.FocusReason.OtherFocusReason)

    # Links

    def link_at(self, point: QPointF) -> str:
        """Where what is drawn at a point leads; empty for nowhere."""
        found = self._sheet.leaf_at(point)
        return found[0].link_at(found[1]) if found is not None else ""

    def _point_at(self, link: str) -> None:
        if link != self._pointed:
            self._pointed = link
            self.link_pointed.emit(told(link) if link else "")

    def _step_link(self, *, back: bool) -> bool:
        """Put the keys on the next link; False where there is none."""
        found = next_link(self._sheet, self._link[0] if self._link is not None else None, back=back)
        self._link = found
        self._point_at(found[2] if found is not None else "")
        self.update()
        if found is None:
            return False
        self._caret_shown = True
        self.selecting.select(self, found[0], found[0]._replace(offset=found[1]))
        self.selecting.show_caret()
        return True

    # Qt's events

    def event(self, event: QEvent) -> bool:
        if event.type() is QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and self._of_key(event):
            event.accept()
            return True
        if event.type() is QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            found = self._sheet.leaf_at(QPointF(event.pos()))
            tip = found[0].tip_at(found[1]) or told(found[0].link_at(found[1])) if found is not None else ""
            if tip:
                QToolTip.showText(event.globalPos(), tooltip(tip[:2000]), self)
            else:
                QToolTip.hideText()
            return True
        return super().event(event)

    def focusNextPrevChild(self, next: bool) -> bool:  # noqa: A002 - Qt's names
        if self.hasFocus() and self._step_link(back=not next):
            return True
        return super().focusNextPrevChild(next)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self._caret_shown = self._caret_shown or event.reason() in _BY_KEYS
        if event.reason() in (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason):
            self._link = None
            if event.reason() is Qt.FocusReason.BacktabFocusReason:
                self._step_link(back=True)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if event.reason() is not Qt.FocusReason.PopupFocusReason:
            self._caret_shown, self._link = False, None
            self._point_at("")
            self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() is not Qt.MouseButton.LeftButton:
            event.ignore()
            return
        point = event.position().toPoint()
        near = self._pressed is not None and (point - self._pressed).manhattanLength() < 6
        quick = event.timestamp() - self._clicked_at < QApplication.doubleClickInterval()
        self._clicks = self._clicks % 3 + 1 if near and quick else 1
        self._press(event, Unit(self._clicks))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton:
            self._clicks = 2
            self._press(event, Unit.WORD)

    def _press(self, event: QMouseEvent, unit: Unit) -> None:
        self._pressed, self._clicked_at = event.position().toPoint(), event.timestamp()
        self._caret_shown, self._link = False, None
        extend = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        self.selecting.press(self, self.place_at(self._pressed), unit, extend=extend)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            if self._pressed is not None and (event.position().toPoint() - self._pressed).manhattanLength() > 3:
                self.selecting.drag(event.globalPosition().toPoint())
            return
        link = self.link_at(event.position())
        self._point_at(link)
        self.setCursor(Qt.CursorShape.PointingHandCursor if link else Qt.CursorShape.IBeamCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() is not Qt.MouseButton.LeftButton:
            event.ignore()
            return
        self.selecting.release()
        stayed = self._pressed is not None and (event.position().toPoint() - self._pressed).manhattanLength() <= 3
        if stayed and self._clicks == 1 and self.selecting.is_empty and (link := self.link_at(event.position())):
            self.link_activated.emit(link)

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._point_at("")

    def wheelEvent(self, event: QWheelEvent) -> None:
        delta = event.pixelDelta() if not event.pixelDelta().isNull() else event.angleDelta() / 2
        across = delta.x() or (delta.y() if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 0)
        found = self._sheet.leaf_at(event.position())
        if abs(across) > abs(delta.y() if delta.x() else 0) and found is not None and found[0].scroll(-across):
            self.update()
            event.accept()
        else:
            event.ignore()  # the transcript scrolls, not one message in it

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not self._of_key(event):
            super().keyPressEvent(event)
            return
        if event.matches(QKeySequence.StandardKey.Copy):
            clipboard.put(self.selecting.sources())
        elif event.matches(QKeySequence.StandardKey.SelectAll):
            self.selecting.select_all(self)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._link is not None:
            self.link_activated.emit(self._link[2])
        else:
            self._caret_shown, self._link = True, None
            self._point_at("")
            move, extend = move_of(event)
            before = self.selecting.caret
            if move is None or not self.selecting.move(self, move, extend=extend):
                event.ignore()
            self._tell_caret(before, extend=extend)
            self.update()

    def _tell_caret(self, before: Spot | None, *, extend: bool) -> None:
        """Tell a screen reader where the caret is now; it reads what it finds there."""
        after = self.selecting.caret
        if not aloud.is_heard() or after is None or after == before or after.text != self.selecting.id_of(self):
            return
        told = QAccessible.queryAccessibleInterface(self).textInterface()
        QAccessible.updateAccessibility(QAccessibleTextCursorEvent(self, told.cursorPosition()))
        if extend:  # what it would ask for then, it cannot be told (see `accessible_text`)
            letters = len(self.selection)
            aloud.say(self, trn("{count} letter selected", "{count:,} letters selected", letters))

    def _of_key(self, event: QKeyEvent) -> bool:
        """Whether a key does something here."""
        if event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down) and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            return False  # from turn to turn
        if event.matches(QKeySequence.StandardKey.Copy):
            return self._selecting is not None and not self._selecting.is_empty
        if event.matches(QKeySequence.StandardKey.SelectAll):
            return True
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.modifiers():
            return self._link is not None
        return move_of(event)[0] is not None

    def paint_over(self, painter: QPainter) -> None:
        super().paint_over(painter)
        if not self.hasFocus() or not self._caret_shown:
            return
        tokens = self._theme.tokens
        caret = self.selecting.caret_in(self)
        rect = self._sheet.rect_of(caret)
        painter.fillRect(QRectF(round(rect.x()), rect.y(), 2, rect.height()), QColor(tokens.text))
