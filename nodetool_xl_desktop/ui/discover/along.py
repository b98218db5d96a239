"""What comes along with a model that can see or hear: the choice of a projector."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout

from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.text import one_line
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.hub.repository import HubFile
from nodetool_xl_desktop.ui.inputs import Check, Combo
from nodetool_xl_desktop.ui.parts import field, set_tip
from nodetool_xl_desktop.ui.theme import SPACE_M, Theme

COMBO_WIDTH = 260
_WHY = tr("With its projector the model can be shown images, or be given sound. It takes memory of its own.")


class Along(QFrame):
    """Whether a projector comes along, and which; hidden where a repository has none.

    Args:
        theme: the theme in force.
    """

    #: Another choice.
    changed = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._files: dict[str, HubFile] = {}
        self.check = Check(theme, tr("With its projector, for images or sound"))
        self.check.setChecked(True)
        set_tip(self.check, _WHY)
        self.combo = Combo(theme, tr("Projector"))
        self._field = field(self.combo)
        self._field.setFixedWidth(COMBO_WIDTH)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_M)
        layout.addWidget(self.check)
        layout.addStretch()
        layout.addWidget(self._field)
        self.check.toggled.connect(self._chosen)
        self.combo.currentIndexChanged.connect(lambda _index: self._chosen())
        self.hide()

    def show_projectors(self, files: Sequence[HubFile]) -> None:
        """Offer these; the first is chosen."""
        self._files = {f"{one_line(each.path, 60)} · {units.file_size(each.size)}": each for each in files}
        self.setVisible(bool(files))
        self.check.show_value(bool(files))
        if files:
            self.combo.show_values({name: name for name in self._files}, next(iter(self._files)))
        self._field.setEnabled(bool(files))

    @property
    def chosen(self) -> HubFile | None:
        """What comes along; None for nothing."""
        return self._files.get(self.combo.value) if self._files and self.check.isChecked() else None

    def _chosen(self) -> None:
        self._field.setEnabled(self.check.isChecked())
        self.changed.emit()
