"""The models of a repository as rows, made a few at a time: a repository may hold thousands of files."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QFrame, QPushButton, QVBoxLayout

from nodetool_xl_desktop.core.translation import trn
from nodetool_xl_desktop.hub.choice import Candidate
from nodetool_xl_desktop.ui.discover.offer_row import OfferRow
from nodetool_xl_desktop.ui.discover.offers import Offer, Standing, standing
from nodetool_xl_desktop.ui.inputs import LateStops, stops
from nodetool_xl_desktop.ui.theme import SPACE_L, SPACE_S

if TYPE_CHECKING:
    from nodetool_xl_desktop.preview.verdicts import FileVerdict

#: So many rows are there at first, and come with each press of the button below them.
AT_ONCE = 32
#: The window's thread is not held longer by making rows, in seconds.
SLICE_S = 0.006


class OfferList(QFrame):
    """All models of one repository."""

    #: As those of `OfferRow`.
    acted = Signal(object)
    exact_requested = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("card")
        self._offers: list[Offer] = []
        self._verdicts: dict[str, FileVerdict] = {}
        self._waits = False
        self._lacking: Callable[[Candidate], str] = lambda _candidate: ""
        self._along = 0
        self._wanted = 0
        self.rows: list[OfferRow] = []
        self._late = LateStops(self)
        self._by_path: dict[str, OfferRow] = {}
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._make_some)
        self.more = QPushButton()
        self.more.setProperty("kind", "link")
        self.more.clicked.connect(self._show_more)
        self._rows = QVBoxLayout()
        self._rows.setSpacing(0)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 1, 0, 1)
        layout.setSpacing(0)
        layout.addLayout(self._rows)
        foot = QVBoxLayout()
        foot.setContentsMargins(SPACE_S, 0, SPACE_L, 0)
        foot.addWidget(self.more)
        layout.addLayout(foot)
        self.more.hide()

    @property
    def offers(self) -> Sequence[Offer]:
        """All of them, also those without a row yet."""
        return self._offers

    def clear(self) -> None:
        """Another repository: nothing of this one is left."""
        self._soon.stop()
        for row in self.rows:
            self._rows.removeWidget(row)
            row.deleteLater()
        self.rows, self._by_path = [], {}
        self._offers, self._verdicts, self._wanted, self._waits = [], {}, 0, False
        self.more.hide()

    def show_offers(self, offers: Sequence[Offer], *, waits: bool) -> None:
        """Show these; where they are the same models as before, their rows stay.

        Args:
            offers: the models, in their order.
            waits: whether verdicts are on their way.
        """
        same = [each.candidate for each in offers] == [each.candidate for each in self._offers]
        if not same:
            self.clear()
            self._wanted = min(AT_ONCE, len(offers))
        self._offers, self._waits = list(offers), waits
        for row, offer in zip(self.rows, offers, strict=False):
            if row.offer != offer:
                row.show_offer(offer)
        self._make_some()

    def show_verdict(self, verdict: FileVerdict) -> None:
        """What was found of one of them; where it is the best one, no other is any more."""
        if verdict.is_best:
            for path, other in self._verdicts.items():
                if other.is_best and path != verdict.candidate.path:
                    self._show_no_longer_best(path)
        self._verdicts[verdict.candidate.path] = verdict
        if (row := self._row_of(verdict.candidate.path)) is not None:
            row.show_verdict(verdict)

    def end_waiting(self) -> None:
        """No more verdicts come."""
        self._waits = False
        for row in self.rows:
            if row.verdict is None:
                row.show_verdict(None)

    def show_room(self, lacking: Callable[[Candidate], str], along: int) -> None:
        """Say of each whether the disk has room for it.

        Args:
            lacking: why it has none; empty where it has.
            along: bytes of what comes along with each.
        """
        self._lacking, self._along = lacking, along
        for row in self.rows:
            row.show_room(lacking(row.candidate), along)

    @property
    def best(self) -> tuple[Offer, FileVerdict] | None:
        """The one to take on this machine; None while nobody knows, and where none fits."""
        for offer in self._offers:
            verdict = self._verdicts.get(offer.candidate.path)
            if verdict is not None and verdict.is_best:
                return offer, verdict
        return None

    def standing_of(self, offer: Offer) -> Standing:
        """What can be done with one of them now."""
        return standing(offer, self._lacking(offer.candidate), self._along)

    def verdict_of(self, candidate: Candidate) -> FileVerdict | None:
        """What was found of it."""
        return self._verdicts.get(candidate.path)

    def reveal(self, candidate: Candidate) -> OfferRow:
        """The row of one of them, made where it was not yet."""
        at = next(at for at, offer in enumerate(self._offers) if offer.candidate.path == candidate.path)
        self._wanted = max(self._wanted, at + 1)
        while len(self.rows) <= at:
            self._make_row()
        return self.rows[at]

    def _show_no_longer_best(self, path: str) -> None:
        self._verdicts[path] = replace(self._verdicts[path], is_best=False)
        if (row := self._row_of(path)) is not None:
            row.show_verdict(self._verdicts[path])

    def _row_of(self, path: str) -> OfferRow | None:
        return self._by_path.get(path)

    def _make_some(self) -> None:
        began = time.monotonic()
        while len(self.rows) < self._wanted:
            self._make_row()
            if time.monotonic() - began > SLICE_S:
                self._soon.start(0)
                break
        left = len(self._offers) - self._wanted
        self.more.setVisible(left > 0)
        self.more.setText(
            trn("Show {now} More of {count}", "Show {now} More of {count:,}", left, now=AT_ONCE)
            if left > AT_ONCE
            else trn("Show {count} More", "Show {count} More", left)
        )

    def _make_row(self) -> None:
        offer = self._offers[len(self.rows)]
        row = OfferRow(offer, is_first=not self.rows)
        row.show_verdict(self._verdicts.get(offer.candidate.path), waits=self._waits)
        row.show_room(self._lacking(offer.candidate), self._along)
        row.acted.connect(self.acted)
        row.exact_requested.connect(self.exact_requested)
        self._rows.addWidget(row)
        self.rows.append(row)
        self._late.put(*(stop for each in self.rows for stop in stops(each)))
        self._by_path[offer.candidate.path] = row

    def _show_more(self) -> None:
        self._wanted = min(self._wanted + AT_ONCE, len(self._offers))
        self._make_some()
