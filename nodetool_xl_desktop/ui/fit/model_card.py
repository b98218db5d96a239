"""The card of one model: what it is, and what it would take of each memory, as bars and in figures."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSizePolicy

from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.fit.verdict import Verdict
from nodetool_xl_desktop.preview.report import FitReport, Preview
from nodetool_xl_desktop.ui.fit.device_bars import DeviceBars
from nodetool_xl_desktop.ui.fit.legend import Legend
from nodetool_xl_desktop.ui.parts import card_layout, label, restyle, set_tip
from nodetool_xl_desktop.ui.theme import SPACE_XS, Theme

PILLS = {Verdict.FITS: "good", Verdict.TIGHT: "warning", Verdict.PARTLY: "warning", Verdict.WONT_FIT: "bad"}


class ModelCard(QFrame):
    """Shows a model (`show_model`) and, at every change of an option, its report (`show_report`)."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._name = label("", "strong", wrap=True)
        self._pill = label()
        self._pill.setProperty(
            "pill", "good"
        )  # a label gets the box of a style sheet at its first look at it, or never
        self._pill.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._facts = label("", "note", wrap=True)
        self._bars = DeviceBars(theme)
        self._legend = Legend(theme)
        self._returned = label("", "note", wrap=True)
        layout = card_layout(self)
        head = QHBoxLayout()
        head.addWidget(self._name, 1)
        head.addWidget(self._pill, 0, Qt.AlignmentFlag.AlignTop)
        layout.addLayout(head)
        layout.addWidget(self._facts)
        layout.addSpacing(SPACE_XS)
        layout.addWidget(self._bars)
        layout.addSpacing(SPACE_XS)
        layout.addWidget(self._legend)
        layout.addWidget(self._returned)

    def show_model(self, preview: Preview) -> None:
        """Say what the file is."""
        header = preview.header
        self._name.setText(preview.title)
        set_tip(self._name, str(header.path))
        facts = [header.quantization, header.size_label, units.file_size(header.total_size)]
        if header.context_length_max:
            facts.append(
                tr("{context_length_max} tokens", context_length_max=units.short_tokens(header.context_length_max))
            )
        self._facts.setText(" · ".join(fact for fact in facts if fact))

    def show_report(self, report: FitReport, taken: int | None, returned: str) -> None:
        """Say what it would take.

        Args:
            report: of the load.
            taken: bytes that such a load really took; None where that is not known.
            returned: what ejecting gives back, in words; empty where nothing is loaded.
        """
        restyle(self._pill, "pill", PILLS[report.verdict])
        self._pill.setText(tr(report.verdict.value))
        self._bars.show_report(report)
        self._legend.show_report(report, taken)
        self._returned.setText(returned)
        self._returned.setVisible(bool(returned))
