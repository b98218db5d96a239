"""What goes along with a message, each as a chip: reached by Tab and the arrows, opened by Enter, removed by Delete."""

from __future__ import annotations

from itertools import pairwise

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, Signal
from PySide6.QtGui import QImage, QKeyEvent, QMouseEvent, QPixmap, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QScrollArea, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.ui.parts import ElidedLabel, restyle, set_tip, size_icon
from nodetool_xl_desktop.ui.theme import SPACE_S, SPACE_XS, Theme, scaled

CHIP_HEIGHT, NARROWEST, WIDEST = 44, 168, 320
#: So many rows of chips are seen at once; more are scrolled.
MOST_ROWS = 3
#: Of a thumbnail, in device-independent pixels.
PICTURE = 32
_ICON = 18


class Chip(QFrame):
    """One attachment.

    Args:
        theme: the theme in force.
        icon: Phosphor's name of what stands on it.
    """

    opened = Signal()
    removed = Signal()
    #: The focus is to go so many chips further.
    moved = Signal(int)
    resized = Signal()

    def __init__(self, theme: Theme, icon: str) -> None:
        super().__init__()
        self.setObjectName("chip")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._theme = theme
        self._icon_name = icon
        self._image: QImage | None = None
        self._icon = QLabel()
        self._icon.setFixedWidth(PICTURE)
        self._icon.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._name, self._facts = ElidedLabel("strong"), ElidedLabel("note")
        self._remove = QToolButton()
        self._remove.setProperty("kind", "icon")
        size_icon(self._remove, 12)
        self._remove.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # Delete does it by keys
        self._remove.clicked.connect(self.removed)
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addStretch()
        words.addWidget(self._name)
        words.addWidget(self._facts)
        words.addStretch()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(SPACE_XS + 1, SPACE_XS, SPACE_XS, SPACE_XS)
        layout.setSpacing(SPACE_XS + 2)
        layout.addWidget(self._icon)
        layout.addLayout(words, 1)
        layout.addWidget(self._remove, 0, Qt.AlignmentFlag.AlignVCenter)
        theme.changed.connect(self._draw)
        self._draw()

    def show_facts(self, name: str, facts: str, tip: str = "", *, problem: bool = False) -> None:
        """Say what it is; `problem` where it cannot be sent as things are."""
        self._name.setText(name)
        self._facts.setText(facts)
        self._remove.setToolTip(tr("Remove {name} (Delete)", name=name) if len(name) < 60 else tr("Remove (Delete)"))
        self._remove.setAccessibleName(tr("Remove {name}", name=name))
        set_tip(self, tip or f"{name}\n{facts}")
        self.setAccessibleName(tr("Attached: {name}, {facts}", name=name, facts=facts))
        restyle(self, "problem", "true" if problem else "false")
        self._facts.style().polish(self._facts)
        self.resized.emit()

    def show_picture(self, image: QImage) -> None:
        """Show this in small instead of the icon."""
        self._image = image
        self._draw()

    @property
    def text(self) -> str:
        """Its two lines."""
        return f"{self._name.text()} | {self._facts.text()}"

    @property
    def wanted_width(self) -> int:
        """As wide as its words, within bounds."""
        words = max(label.fontMetrics().horizontalAdvance(label.text()) for label in (self._name, self._facts))
        return min(WIDEST, max(NARROWEST, words + PICTURE + self._remove.sizeHint().width() + 4 * SPACE_S))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        match event.key():
            case Qt.Key.Key_Return | Qt.Key.Key_Enter | Qt.Key.Key_Space:
                self.opened.emit()
            case Qt.Key.Key_Delete | Qt.Key.Key_Backspace if not event.isAutoRepeat():
                self.removed.emit()
            case Qt.Key.Key_Left | Qt.Key.Key_Up:
                self.moved.emit(-1)
            case Qt.Key.Key_Right | Qt.Key.Key_Down:
                self.moved.emit(1)
            case _:
                super().keyPressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self.opened.emit()

    def _draw(self) -> None:
        self._remove.setIcon(self._theme.icon("x"))
        if self._image is None:
            self._icon.setPixmap(self._theme.icon(self._icon_name).pixmap(*2 * (min(scaled(_ICON), PICTURE),)))
            return
        ratio = self.devicePixelRatioF()
        pixmap = QPixmap.fromImage(self._image)
        side = round(PICTURE * ratio)
        pixmap = pixmap.scaled(
            side, side, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
        )
        pixmap.setDevicePixelRatio(ratio)
        self._icon.setPixmap(pixmap)


class ChipArea(QScrollArea):
    """The chips in rows, in their order; hidden while there are none."""

    #: The focus left them at one end.
    left = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("chips")
        self.setAccessibleName(tr("Attachments"))
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._body = QWidget()
        self._body.setObjectName("chipsBody")
        self.setWidget(self._body)
        self.chips: list[Chip] = []
        self._to_end = False
        self.verticalScrollBar().rangeChanged.connect(self._range_changed)
        self.verticalScrollBar().actionTriggered.connect(self._stay)  # the mouse's, the wheel's and the keys'
        self.hide()

    def insert(self, at: int, chip: Chip) -> None:
        """Put one more in."""
        chip.setParent(self._body)
        chip.moved.connect(lambda by: self._move(chip, by))
        chip.resized.connect(self._arrange)
        chip.installEventFilter(self)
        self.chips.insert(at, chip)
        chip.show()
        self._arrange()
        self._to_end = True

    def remove(self, chip: Chip) -> None:
        """Take one away; the focus goes to the next one."""
        at = self.chips.index(chip)
        had_focus = chip.hasFocus()
        self.chips.remove(chip)
        if had_focus and self.chips:
            self.chips[min(at, len(self.chips) - 1)].setFocus()
        elif had_focus:
            self.left.emit()
        chip.hide()
        chip.deleteLater()
        self._arrange()

    def follow(self, before: QWidget) -> None:
        """Have Tab come here after this widget."""
        for first, second in pairwise([before, *self.chips]):
            QWidget.setTabOrder(first, second)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.FocusIn and isinstance(watched, Chip):
            self._stay()
            self.ensureWidgetVisible(watched, 0, 0)
        return super().eventFilter(watched, event)

    def _range_changed(self, _least: int, most: int) -> None:
        if self._to_end:  # one was added there, and each grows wider when it is read
            self.verticalScrollBar().setValue(most)

    def _stay(self) -> None:
        """The person looks at others."""
        self._to_end = False

    def _move(self, chip: Chip, by: int) -> None:
        at = self.chips.index(chip) + by
        if at >= len(self.chips):
            self.left.emit()
        elif at >= 0:
            self.chips[at].setFocus(Qt.FocusReason.TabFocusReason)

    def _arrange(self) -> None:
        """Place them from left to right, row below row."""
        width, place, rows = self.viewport().width(), QPoint(0, 0), 1
        for chip in self.chips:
            wide = min(chip.wanted_width, width)
            if place.x() and place.x() + wide > width:
                place, rows = QPoint(0, place.y() + CHIP_HEIGHT + SPACE_S), rows + 1
            chip.setGeometry(place.x(), place.y(), wide, CHIP_HEIGHT)
            place.setX(place.x() + wide + SPACE_S)
        self._body.resize(width, place.y() + CHIP_HEIGHT)
        seen = min(rows, MOST_ROWS)
        height = seen * CHIP_HEIGHT + (seen - 1) * SPACE_S + (CHIP_HEIGHT // 3 if rows > MOST_ROWS else 0)
        if height != self.height():
            self.setFixedHeight(height)
        self.setVisible(bool(self.chips))
