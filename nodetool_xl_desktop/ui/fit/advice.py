"""What the verdict means, and what to do about it: the first remedy as a button, the others in a menu."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QMenu, QToolButton, QWidget

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.fit.verdict import Verdict
from nodetool_xl_desktop.ui.notice import Notice, Tone
from nodetool_xl_desktop.ui.parts import caption
from nodetool_xl_desktop.ui.theme import Theme

LONGEST_REMEDY = 80
TONES: dict[Verdict, Tone] = {
    Verdict.FITS: "good",
    Verdict.TIGHT: "warning",
    Verdict.PARTLY: "warning",
    Verdict.WONT_FIT: "bad",
}


class Advice(Notice):
    """One sentence and its remedies. It grows and never shrinks while one model is shown, so that nothing below it
    jumps to and fro under the hand.
    """

    #: The number of the remedy that the person wants.
    apply_requested = Signal(int)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._others = QMenu(self)
        self._more = QToolButton()
        self._more.setText(tr("More"))
        self._more.setProperty("kind", "link")
        self._more.setToolTip(tr("Other ways"))
        self._more.setAccessibleName(tr("Other ways"))
        self._more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._more.setMenu(self._others)
        self._more.hide()
        self.buttons.addWidget(self._more, 0, Qt.AlignmentFlag.AlignRight)
        self.buttons.addStretch()
        self.remedy_requested.connect(lambda: self.apply_requested.emit(0))

    @property
    def inputs(self) -> tuple[QWidget, ...]:
        """What the tab key goes through."""
        return (self.remedy, self._more)

    def show_advice(self, verdict: Verdict, text: str, remedies: Sequence[str]) -> None:
        """Say it.

        Args:
            verdict: decides the tone.
            text: one sentence.
            remedies: what each would do; the first is the one that the sentence names.
        """
        self._more.setVisible(len(remedies) > 1)
        self.tell("", text, tone=TONES[verdict], remedy=tr("Apply") if remedies else "")
        self._others.clear()
        for number, remedy in enumerate(remedies[1:], start=1):
            words = caption(remedy[:1].upper() + remedy[1:], LONGEST_REMEDY)
            self._others.addAction(words).triggered.connect(
                lambda _checked=False, number=number: self.apply_requested.emit(number)
            )
        self._grow()

    def shrink(self) -> None:
        """Another model is shown: be as small as can be."""
        self.setMinimumHeight(0)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.shrink()
            self._grow()

    def _grow(self) -> None:
        layout = self.layout()
        if layout is not None and self.isVisible():
            self.setMinimumHeight(max(self.minimumHeight(), layout.totalHeightForWidth(self.width())))
