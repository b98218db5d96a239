"""What the colours of the bars mean, and how much each is over all memories together."""

from __future__ import annotations

from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QWidget

from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.fit.placement import used
from nodetool_xl_desktop.preview.report import FitReport
from nodetool_xl_desktop.ui.fit.memory_bar import TOKENS
from nodetool_xl_desktop.ui.parts import GivingLabel, figure
from nodetool_xl_desktop.ui.theme import SPACE_S, Theme, scaled

ROWS = (
    ("model", tr("Model")),
    ("context", tr("Context (KV cache)")),
    ("compute", tr("Compute")),
    ("projector", tr("Projector")),
    ("planned", tr("Planned")),
    ("others", tr("Other programs")),
)


class Legend(QWidget):
    """A row a part, and what was planned beside what was taken."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._swatches: dict[str, QFrame] = {}
        self._names: dict[str, QLabel] = {}
        self._sizes: dict[str, QLabel] = {}
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(SPACE_S - 2)
        grid.setHorizontalSpacing(SPACE_S)
        for row, (key, name) in enumerate(ROWS):
            self._names[key] = GivingLabel("", name)
            # Where it says two, it must neither widen the column nor the card, whose texts would wrap without room.
            self._sizes[key] = figure("", "note" if key == "others" else "", gives=key == "planned")
            if key == "planned":
                line = QHBoxLayout()
                line.addWidget(self._names[key])
                line.addWidget(self._sizes[key], 1)
                grid.addLayout(line, row, 1, 1, 2)
                continue
            self._swatches[key] = QFrame()
            grid.addWidget(self._swatches[key], row, 0)
            grid.addWidget(self._names[key], row, 1)
            grid.addWidget(self._sizes[key], row, 2)
        grid.setColumnStretch(1, 1)
        self._show_projector(0)
        theme.changed.connect(self._colour)
        self._colour()

    def show_report(self, report: FitReport, taken: int | None) -> None:
        """Say how much each is.

        Args:
            report: of the load.
            taken: bytes that such a load really took; None where it was never loaded so.
        """
        use = report.need.all
        devices = report.need.only_devices
        cards = [device for place, device in enumerate(devices) if place in used(devices)]
        # What integrated graphics hold is the machine's own memory, and counted there.
        held = (
            (device.total - device.free)
            for device in cards
            if device.total is not None and device.free is not None and not device.shares_host_memory
        )
        sizes = {
            "model": use.model,
            "context": use.context,
            "compute": use.compute,
            "projector": use.projector,
            "others": report.host.others + sum(held),
        }
        for key, size in sizes.items():
            self._sizes[key].setText(units.memory(size))
        planned = units.memory(use.total)
        self._sizes["planned"].setText(
            planned if taken is None else tr("{planned}, took {taken}", planned=planned, taken=units.memory(taken))
        )
        self._show_projector(use.projector)

    def _show_projector(self, size: int) -> None:
        for part in (self._swatches, self._names, self._sizes):
            part["projector"].setVisible(size > 0)

    def _colour(self) -> None:
        for key, swatch in self._swatches.items():
            color = getattr(self._theme.tokens, TOKENS.get(key, key))
            swatch.setFixedSize(scaled(10), scaled(10))
            swatch.setStyleSheet(f"background: {color}; border-radius: 3px;")
