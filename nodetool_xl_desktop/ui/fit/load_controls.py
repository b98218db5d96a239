"""The controls of a load: the few that matter to everybody, and the others folded away below."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QWidget

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.fit.options import LoadOptions
from nodetool_xl_desktop.fit.verdict import Verdict
from nodetool_xl_desktop.preview.choice import Choice
from nodetool_xl_desktop.preview.report import FitReport
from nodetool_xl_desktop.ui.fit.advanced_controls import AdvancedControls
from nodetool_xl_desktop.ui.fit.advice import Advice
from nodetool_xl_desktop.ui.fit.context_control import ContextControl
from nodetool_xl_desktop.ui.fit.offload_control import OffloadControl
from nodetool_xl_desktop.ui.inputs import Combo
from nodetool_xl_desktop.ui.parts import card_layout, field, label
from nodetool_xl_desktop.ui.theme import SPACE_M, Theme

#: What a type of the cache costs, against f16.
KV_TYPES = {"f16": "f16", "q8_0": tr("q8_0 · half the memory"), "q4_0": tr("q4_0 · a quarter")}
KV_WIDTH = 104


class LoadControls(QFrame):
    """Shows one choice (`show_choice`); every turn of a control is told as `changed` and redrawn by the panel."""

    #: Settings by name, with what the person wants of them; None for GPU layers is as many as fit.
    changed = Signal(dict)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.context = ContextControl(theme)
        self.offload = OffloadControl(theme)
        self.advice = Advice(theme)
        self.notes = label("", "note", wrap=True)
        self.advanced = AdvancedControls(theme)
        layout = card_layout(self)
        layout.setSpacing(SPACE_M)
        for part in (self.context, self.offload, self._make_cache(theme), self.advice, self.notes, self.advanced):
            layout.addWidget(part)
        self.context.changed.connect(lambda length: self.changed.emit({"context_length": length}))
        self.offload.changed.connect(self._offloaded)
        self.advanced.changed.connect(self.changed.emit)

    @property
    def inputs(self) -> tuple[QWidget, ...]:
        """What the tab key goes through, in the order in which they are seen."""
        return (*self.context.inputs, *self.offload.inputs, self._cache, *self.advice.inputs, *self.advanced.inputs)

    def show_model(self, choice: Choice, options: LoadOptions) -> None:
        """Another model: its range of contexts, and the advice as small as it can be."""
        self.context.set_range(choice.preview.largest_context, options.context_length)
        self.advice.shrink()

    def show_advice(self, verdict: Verdict, advice: str, remedies: Sequence[str], notes: Sequence[str]) -> None:
        """Say what to think of it."""
        self.advice.show_advice(verdict, advice, remedies)
        self.notes.setText("\n".join(notes))
        self.notes.setVisible(bool(notes))

    def show_choice(self, choice: Choice, report: FitReport) -> None:
        """Show how the model would be loaded, and what comes of it."""
        options = report.options
        has_devices = report.need.layers > 0
        self.context.show_value(options.context_length)
        self.context.set_largest_that_fits(report.largest_context)
        self.offload.setVisible(has_devices)
        if has_devices:
            self.offload.show_layers(
                options.gpu_layers,
                report.need.layers,
                is_auto=choice.has_auto_layers,
                can_be_auto=choice.can_layers_be_auto,
            )
        self._show_cache(choice, options)
        self.advanced.show_choice(choice, options, has_devices=has_devices)

    def _make_cache(self, theme: Theme) -> QWidget:
        self._cache = Combo(theme, tr("KV Cache"))
        self._cache.setToolTip(tr("What the context is kept as, keys and values alike"))
        self._cache.currentIndexChanged.connect(self._cached)
        title = label(tr("KV Cache"), "strong", wrap=True)
        title.setBuddy(self._cache)
        place = field(self._cache)
        place.setFixedWidth(KV_WIDTH)
        self._cache_row = QWidget()
        row = QHBoxLayout(self._cache_row)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(title, 1)
        row.addWidget(place)
        return self._cache_row

    def _show_cache(self, choice: Choice, options: LoadOptions) -> None:
        values = {kind: KV_TYPES[kind] for kind in choice.basic_kv_types}
        k, v = options.kv_type_k, options.kv_type_v
        value = k if k == v else f"{k} / {v}"
        if value not in values:  # it was set apart
            values[value] = tr("{type} · as under Advanced", type=value)
        self._cache_row.setVisible(len(values) > 1)
        self._cache.show_values(values, value)

    def _cached(self) -> None:
        kind = self._cache.value
        if kind in KV_TYPES:
            self.changed.emit({"kv_type_k": kind, "kv_type_v": kind})

    def _offloaded(self, layers: int | None) -> None:
        self.changed.emit({"gpu_layers": layers, "tensor_split": None})
