"""The card of one model: what it is, and what it would take of the memory, as a bar and in figures."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout

from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.fit.verdict import Verdict
from nodetool_xl_desktop.preview.report import FitReport, Preview
from nodetool_xl_desktop.ui.memory_bar import MemoryBar
from nodetool_xl_desktop.ui.parts import card_layout, figure, label, restyle, tooltip
from nodetool_xl_desktop.ui.theme import SPACE_S, Theme

PILLS = {Verdict.FITS: "good", Verdict.TIGHT: "warning", Verdict.WONT_FIT: "bad"}
ROWS = (("model", "Model"), ("context", "Context (KV cache)"), ("compute", "Compute"), ("others", "Other programs"))


class ModelCard(QFrame):
    """Shows a model (`show_model`) and, at every change of an option, its report (`show_report`)."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._name = label("", "strong", wrap=True)
        self._pill = label()
        self._pill.setProperty(
            "pill", "good"
        )  # a label gets the box of a style sheet at its first look at it, or never
        self._pill.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._facts = label("", "note", wrap=True)
        self._free = figure("", "note")
        self._bar = MemoryBar(theme)
        self._swatches: dict[str, QFrame] = {}
        self._sizes: dict[str, QLabel] = {}
        layout = card_layout(self)
        head = QHBoxLayout()
        head.addWidget(self._name, 1)
        head.addWidget(self._pill, 0, Qt.AlignmentFlag.AlignTop)
        memory = QHBoxLayout()
        memory.addWidget(label("Memory"))
        memory.addWidget(self._free, 1)
        layout.addLayout(head)
        layout.addWidget(self._facts)
        layout.addSpacing(SPACE_S)
        layout.addLayout(memory)
        layout.addWidget(self._bar)
        layout.addSpacing(SPACE_S)
        self._add_legend(layout)
        theme.changed.connect(self._colour)
        self._colour()

    def show_model(self, preview: Preview) -> None:
        """Say what the file is."""
        header = preview.header
        self._name.setText(preview.title)
        self._name.setToolTip(tooltip(str(header.path)))
        facts = [header.quantization, header.size_label, units.file_size(header.total_size)]
        if header.context_length_max:
            facts.append(f"up to {units.tokens(header.context_length_max)}")
        self._facts.setText(" · ".join(fact for fact in facts if fact))

    def show_report(self, report: FitReport) -> None:
        """Say what it would take."""
        need, host = report.need, report.host
        restyle(self._pill, "pill", PILLS[report.verdict])
        self._pill.setText(report.verdict.value)
        self._free.setText(f"{units.memory(host.free)} of {units.memory(host.total)} free")
        self._bar.show_use(host, need)
        sizes = {"model": need.model, "context": need.context, "compute": need.compute, "others": host.others}
        for key, size in sizes.items():
            self._sizes[key].setText(units.memory(size))

    def _add_legend(self, layout: QVBoxLayout) -> None:
        legend = QGridLayout()
        legend.setVerticalSpacing(SPACE_S - 2)
        legend.setHorizontalSpacing(SPACE_S)
        for row, (key, name) in enumerate(ROWS):
            self._swatches[key] = QFrame()
            self._swatches[key].setFixedSize(10, 10)
            self._sizes[key] = figure("", "note" if key == "others" else "")
            legend.addWidget(self._swatches[key], row, 0)
            legend.addWidget(label(name), row, 1)
            legend.addWidget(self._sizes[key], row, 2)
        legend.setColumnStretch(1, 1)
        layout.addLayout(legend)

    def _colour(self) -> None:
        for key, swatch in self._swatches.items():
            swatch.setStyleSheet(f"background: {getattr(self._theme.tokens, key)}; border-radius: 3px;")
