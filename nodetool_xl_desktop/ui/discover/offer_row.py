"""One model of a repository as a row: what it is, how large, whether it fits, and the button that brings it here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout

from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.text import one_line
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.fit.verdict import Verdict
from nodetool_xl_desktop.hub.choice import Candidate
from nodetool_xl_desktop.ui.discover.offers import Offer, standing
from nodetool_xl_desktop.ui.parts import ElidedLabel, figure, label, restyle, set_tip
from nodetool_xl_desktop.ui.theme import SPACE_L, SPACE_M, SPACE_S

if TYPE_CHECKING:
    from nodetool_xl_desktop.preview.verdicts import FileVerdict

PILLS = {Verdict.FITS: "good", Verdict.PARTLY: "warning", Verdict.TIGHT: "warning", Verdict.WONT_FIT: "bad"}
#: The columns on the right are as wide in each row.
SIZE_WIDTH, VERDICT_WIDTH, ACTION_WIDTH = 72, 110, 108


class OfferRow(QFrame):
    """Shows an `Offer`; what it shows may change, its height never does."""

    #: Do what stands to be done with it (an `Offer`): download, load, or show the download.
    acted = Signal(object)
    #: Judge this exactly (a `Candidate`).
    exact_requested = Signal(object)

    def __init__(self, offer: Offer, *, is_first: bool = False) -> None:
        super().__init__()
        self.setObjectName("offerRow")
        self.setProperty("first", is_first)
        self.offer = offer
        self._lacking = ""
        self._along = 0
        self.verdict: FileVerdict | None = None
        self._name = label(one_line(offer.candidate.quantization or "GGUF", 40), "strong")
        self._best = QLabel(tr("Best for this machine"))
        self._best.setProperty("pill", "quiet")
        self._best.hide()
        self._explained = ElidedLabel("note")
        self._file = ElidedLabel("note")
        self._size = figure(units.file_size(offer.candidate.size))
        self._size.setFixedWidth(SIZE_WIDTH)
        self.pill = QPushButton()
        self.pill.setObjectName("verdictPill")
        self.pill.setFixedWidth(VERDICT_WIDTH)
        self.pill.clicked.connect(lambda: self.exact_requested.emit(self.offer.candidate))
        self._need = figure("", "note")
        self._need.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self._need.setFixedWidth(VERDICT_WIDTH)
        self._progress = QProgressBar()
        self._progress.setTextVisible(False)
        self._progress.setFixedHeight(4)
        self._progress.setRange(0, 1000)
        self.action = QPushButton()
        self.action.setFixedWidth(ACTION_WIDTH)
        self.action.clicked.connect(lambda: self.acted.emit(self.offer))
        self._lay_out()
        self.show_offer(offer)
        self.show_verdict(None)

    def _lay_out(self) -> None:
        name = QHBoxLayout()
        name.setSpacing(SPACE_S)
        name.addWidget(self._name)
        name.addWidget(self._best)
        name.addStretch()
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addLayout(name)
        words.addWidget(self._explained)
        words.addWidget(self._file)
        fits = QVBoxLayout()
        fits.setSpacing(2)
        fits.addStretch()
        fits.addWidget(self.pill)
        fits.addWidget(self._need)
        fits.addStretch()
        action = QVBoxLayout()
        action.setSpacing(4)
        action.addStretch()
        action.addSpacing(8)  # as much as there is below the button
        action.addWidget(self.action)
        action.addWidget(self._progress)
        action.addStretch()
        keeps = self._progress.sizePolicy()
        keeps.setRetainSizeWhenHidden(True)
        self._progress.setSizePolicy(keeps)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(SPACE_L, SPACE_M - 2, SPACE_L, SPACE_M - 2)
        layout.setSpacing(SPACE_M)
        layout.addLayout(words, 1)
        layout.addWidget(self._size, 0, Qt.AlignmentFlag.AlignVCenter)
        layout.addLayout(fits)
        layout.addLayout(action)

    @property
    def candidate(self) -> Candidate:
        """What it is about."""
        return self.offer.candidate

    @property
    def is_best(self) -> bool:
        """Whether it is marked as the best one for this machine."""
        return self.verdict is not None and self.verdict.is_best

    @property
    def note(self) -> str:
        """Its last line."""
        return self._file.text()

    def show_offer(self, offer: Offer) -> None:
        """Show the same model as it stands now."""
        self.offer = offer
        self._explained.setText(offer.explained or tr("A quantization that is not known here"))
        set_tip(self._explained, self._explained.text())
        self._show()

    def show_room(self, lacking: str, along: int) -> None:
        """Say why the disk has no room for it; empty where it has.

        Args:
            lacking: the reason.
            along: bytes of what comes along with it: a projector.
        """
        self._lacking, self._along = lacking, along
        self._show()

    def show_verdict(self, verdict: FileVerdict | None, *, waits: bool = False) -> None:
        """Say whether it fits; None while that is not known.

        Args:
            verdict: what was found.
            waits: whether it is being looked at.
        """
        self.verdict = verdict
        self._best.setVisible(verdict is not None and verdict.is_best)
        word = "" if verdict is None else tr(verdict.verdict.value)
        self.pill.setVisible(bool(word) or waits)
        self.pill.setEnabled(bool(word))
        self.pill.setText(word or tr("Looking ..."))
        restyle(self.pill, "tone", "plain" if verdict is None else PILLS[verdict.verdict])
        self._need.setText(f"{units.memory(verdict.need)}" if verdict is not None and verdict.need else " ")
        if verdict is not None:
            more = "" if verdict.is_exact else tr("\nPress to read its own header and say it exactly.")
            set_tip(self.pill, f"{one_line(verdict.badge_says)}{more}")
            self.pill.setAccessibleName(f"{self._name.text()}: {one_line(verdict.badge_says)}")
        keeps = self.pill.sizePolicy()
        keeps.setRetainSizeWhenHidden(True)
        self.pill.setSizePolicy(keeps)
        self._show()

    def _show(self) -> None:
        offer, stands = self.offer, standing(self.offer, self._lacking, self._along)
        download = offer.download
        comes = download is not None and offer.path is None and not stands.is_problem
        self._progress.setVisible(comes)
        if download is not None and download.size:
            self._progress.setValue(round(1000 * download.done / download.size))
        self.action.setText(stands.action)
        self.action.setEnabled(stands.can)
        self.action.setAccessibleName(f"{stands.action} {self._name.text()}, {units.file_size(offer.candidate.size)}")
        self._file.setText(stands.note)
        restyle(self._file, "kind", "problem" if stands.is_problem else "note")
        set_tip(self._file, stands.note)
