"""Whether a model is loaded with its projector, so that it sees, and with which where there are several."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.text import one_line
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.fit.options import LoadOptions
from nodetool_xl_desktop.gguf import Header
from nodetool_xl_desktop.preview.choice import Choice
from nodetool_xl_desktop.ui.inputs import Check, Combo
from nodetool_xl_desktop.ui.parts import caption, field, set_tip
from nodetool_xl_desktop.ui.theme import SPACE_XS, Theme

#: Names of projectors are as long as those of models, and differ at their end; the tip has all of it.
LONGEST_NAME = 24
_FIRST = 6
_WHY = tr("The model can be shown pictures; its projector takes memory of its own")


class VisionControl(QWidget):
    """A switch, and a choice below it where several projectors lie beside the model; hidden where there is none."""

    #: The file that is wanted, as `LoadSettings.projector`; empty for none.
    changed = Signal(str)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._paths: dict[str, str] = {}  # by what is shown
        self._last = ""
        self.check = Check(theme, tr("Vision"))
        self.combo = Combo(theme, tr("Projector"))
        self._field = field(self.combo)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_XS)
        layout.addWidget(self.check)
        layout.addWidget(self._field)
        self.check.toggled.connect(lambda is_on: self.changed.emit(self._last if is_on else ""))
        self.combo.currentIndexChanged.connect(lambda _index: self.changed.emit(self._paths[self.combo.value]))
        self.hide()

    @property
    def inputs(self) -> tuple[QWidget, ...]:
        """What the tab key goes through."""
        return (self.check, self.combo)

    def show_choice(self, choice: Choice, options: LoadOptions) -> None:
        """Show how the model would be loaded."""
        beside = {str(each.path): _told(each) for each in choice.projectors}
        self._paths = {told: path for path, told in beside.items()}
        self.setVisible(bool(beside))
        if not beside:
            return
        self._last = options.projector or (self._last if self._last in beside else next(iter(beside)))
        is_one = len(beside) == 1
        self.check.setText(caption(tr("Vision: {beside}", beside=beside[self._last])) if is_one else tr("Vision"))
        set_tip(self.check, f"{_WHY} ({self._last})")
        self.check.show_value(bool(options.projector))
        self.combo.show_values({told: told for told in self._paths}, beside[self._last])
        self._field.setVisible(not is_one)
        self._field.setEnabled(bool(options.projector))


def _told(projector: Header) -> str:
    name = one_line(projector.path.stem)
    if len(name) > LONGEST_NAME:
        name = f"{name[:_FIRST]}…{name[_FIRST + 1 - LONGEST_NAME :]}"
    return f"{name} · {units.file_size(projector.total_size)}"
