"""The one answer that most people come for: which file of a repository to take on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout

from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.text import one_line
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.fit.verdict import Verdict
from nodetool_xl_desktop.ui.discover.offers import Offer, Standing
from nodetool_xl_desktop.ui.parts import ElidedLabel, label, restyle
from nodetool_xl_desktop.ui.theme import SPACE_L, SPACE_M, SPACE_XS

if TYPE_CHECKING:
    from nodetool_xl_desktop.preview.verdicts import FileVerdict

ACTION_WIDTH = 132


class BestBox(QFrame):
    """Two lines and a button; as high whatever it says, so that nothing below it jumps when the verdicts are there."""

    #: Do what stands to be done with the best one (an `Offer`).
    wanted = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("bestBox")
        self._offer: Offer | None = None
        self._what = label("", "strong")
        self._text = ElidedLabel()
        self.action = QPushButton(tr("Download"))
        self.action.setProperty("kind", "primary")
        self.action.setFixedWidth(ACTION_WIDTH)
        keeps = self.action.sizePolicy()
        keeps.setRetainSizeWhenHidden(True)
        self.action.setSizePolicy(keeps)
        self.action.clicked.connect(lambda: self.wanted.emit(self._offer))
        words = QVBoxLayout()
        words.setSpacing(SPACE_XS)
        words.addWidget(self._what)
        words.addWidget(self._text)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(SPACE_L, SPACE_M, SPACE_L, SPACE_M)
        layout.setSpacing(SPACE_M)
        layout.addLayout(words, 1)
        layout.addWidget(self.action)

    @property
    def text(self) -> str:
        """Everything it says."""
        return f"{self._what.text()}\n{self._text.text()}"

    def show_waiting(self) -> None:
        """It is being looked at."""
        self._say(
            tr("Which of these suits this machine?"),
            tr("Reading what the smallest file says of the model ..."),
            "plain",
        )
        self.action.hide()

    def show_unknown(self, why: str) -> None:
        """Nobody can say."""
        self._say(tr("Which of these suits this machine cannot be said"), one_line(why), "plain")
        self.action.hide()

    def show_empty(self) -> None:
        """There is nothing to take."""
        self._say(tr("Nothing here for this program"), tr("It holds no GGUF model, or not all parts of one."), "plain")
        self.action.hide()

    def show_best(self, offer: Offer, verdict: FileVerdict, stands: Standing) -> None:
        """This is the one, and so it stands."""
        self._offer = offer
        what = one_line(offer.candidate.quantization or offer.candidate.files[0].name, 60)
        tone = "good" if verdict.verdict is Verdict.FITS else "warning"
        head = tr("Best for this machine: {what}, {size}", what=what, size=units.file_size(offer.candidate.size))
        self._say(head, stands.note if stands.is_problem else one_line(verdict.badge_says), tone)
        self.action.setText(stands.action)
        self.action.setAccessibleName(tr("{action} {what}, the best for this machine", action=stands.action, what=what))
        self.action.setEnabled(stands.can)
        self.action.show()

    def show_none(self, smallest: FileVerdict) -> None:
        """None of them fits."""
        self._say(
            tr("None of these fits this machine"),
            tr("The smallest: {badge_says}", badge_says=one_line(smallest.badge_says)),
            "bad",
        )
        self.action.hide()

    def _say(self, what: str, text: str, tone: str) -> None:
        self._what.setText(what)
        self._text.setText(text)
        self._text.setToolTip("")
        if self.property("tone") != tone:
            restyle(self, "tone", tone)
            for part in (self._what, self._text):
                part.style().polish(part)
        self.setAccessibleName(f"{what}. {text}")
