"""The buttons of a block of code: Copy, Save, Wrap, and the one that unfolds it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QRect, Qt, QTimer
from PySide6.QtGui import QGuiApplication, QKeyEvent, QRegion
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QWidget

from nodetool_xl_desktop.core.translation import tr, trn
from nodetool_xl_desktop.ui.leaf import highlighting
from nodetool_xl_desktop.ui.leaf.code_rows import MOST_LINES
from nodetool_xl_desktop.ui.leaf.look import NOTE_PX, Look
from nodetool_xl_desktop.ui.leaf.save_as import SaveAs
from nodetool_xl_desktop.ui.parts import set_tip

if TYPE_CHECKING:
    from nodetool_xl_desktop.ui.leaf.code_block import DrawnCode

COPIED_MS = 1500
#: One key press scrolls so many letters.
STEP = 8


class CodeBar(QWidget):
    """As large as the leaf; all but its buttons lets the mouse through to the text.

    Args:
        parent: the view.
        block: whose buttons they are.
        look: at which zoom.
        left: how far the block stands from the left of its leaf, in pixels.
    """

    def __init__(self, parent: QWidget, block: DrawnCode, look: Look, left: float) -> None:
        super().__init__(parent)
        self._block = block
        self._look = look
        self._left = round(left)
        self.setAttribute(Qt.WidgetAttribute.WA_StaticContents)  # it grows with each line that streams in
        self.setAccessibleName(
            trn(
                "Code, {language}, {count} line",
                "Code, {language}, {count:,} lines",
                block.lines,
                language=block.code.language or tr("text"),
            )
        )
        self._head, self._foot = QWidget(self), QWidget(self)
        head, foot = QHBoxLayout(self._head), QHBoxLayout(self._foot)
        for layout in (head, foot):
            layout.setContentsMargins(0, 0, 0, 0)
            layout.setSpacing(0)
        self.wrap = self._button(tr("Wrap"), tr("Wrap long lines"), head)
        self.wrap.setCheckable(True)
        self.save = self._button(tr("Save"), tr("Save the code as a file"), head)
        self.copy = self._button(tr("Copy"), tr("Copy the code"), head)
        self.fold = self._button("", "", foot)
        self.wrap.toggled.connect(self._wrap)
        self.save.clicked.connect(self._ask_where)
        self.copy.clicked.connect(self._copy)
        self.fold.clicked.connect(lambda: self._block.set_unfolded(self._block.is_folded))
        self._back = QTimer(self)
        self._back.setSingleShot(True)
        self._back.timeout.connect(partial(self._say, self.copy, tr("Copy")))
        self.fit()

    def fit(self) -> None:
        """Be as large as the leaf, with the buttons where the block has room for them."""
        block = self._block
        self.wrap.blockSignals(True)
        self.wrap.setChecked(block.is_wrapped)
        self.wrap.blockSignals(False)
        self.wrap.setVisible(block.is_wrapped or block.over > 0)
        self.resize(self._left + round(block.width), round(block.height))
        wide = self._head.sizeHint().width()
        header = block.header_rect
        inset = 4
        right = self._left + round(header.right()) - inset
        head = QRect(right - wide, 1, wide, round(header.height()) - 2)
        self._head.setGeometry(head)
        footer = block.footer_rect
        self._foot.setVisible(not footer.isEmpty())
        region = QRegion(head)
        if not footer.isEmpty():
            self.fold.setText(_more(block) if block.is_folded else tr("Show Less"))
            place = QRect(self._left + inset, round(footer.top()) + 2, round(footer.width()) - 2 * inset, 0)
            place.setHeight(round(footer.height()) - 4)
            self._foot.setGeometry(place)
            region += QRegion(place)
        if region != self.mask():
            self.setMask(region)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Left and Right scroll the code while one of its buttons has the keys."""
        if isinstance(event, QKeyEvent) and event.type() is QEvent.Type.KeyPress and self._block.over > 0:
            way = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()), 0)
            if way:
                self._block.scroll_and_tell(way * STEP * self._look.code_letter)
                return True
        return super().eventFilter(watched, event)

    def _button(self, text: str, tip: str, layout: QHBoxLayout) -> QToolButton:
        made = QToolButton()
        made.setProperty("kind", "code")
        made.setText(text)
        made.setCursor(Qt.CursorShape.PointingHandCursor)
        made.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        if self._look.zoom != 1:
            made.setStyleSheet(f"font-size: {max(9, round(NOTE_PX * self._look.zoom))}px")
        if tip:
            set_tip(made, tip)
            made.setAccessibleName(tip)
        made.installEventFilter(self)
        layout.addWidget(made)
        return made

    def _wrap(self, wrapped: bool) -> None:
        self._block.set_wrapped(wrapped)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self._block.code.text)
        self._say(self.copy, tr("Copied"))
        self._back.start(COPIED_MS)

    def _say(self, button: QToolButton, text: str) -> None:
        button.setText(text)
        button.setAccessibleDescription(text if text == "Copied" else button.accessibleName())
        self.fit()

    def _ask_where(self) -> None:
        extension = highlighting.extension_of(self._block.code.language)
        SaveAs(self.window(), self._block.code.text + "\n", f"code.{extension}")


def _more(block: DrawnCode) -> str:
    if block.is_cut:
        return trn(
            "Show {shown:,} of {count} line; Save has all of it",
            "Show {shown:,} of {count:,} lines; Save has all of them",
            block.lines,
            shown=MOST_LINES,
        )
    return trn("Show all of {count} line", "Show all {count:,} lines", block.lines)
