"""One engine in the list: what it is, where it came from, and what can be done with it."""

from __future__ import annotations

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.engine.engines import Installed
from nodetool_xl_desktop.ui.engine import engine_words as words
from nodetool_xl_desktop.ui.parts import ElidedLabel, GivingLabel, fold, label, set_tip
from nodetool_xl_desktop.ui.theme import SPACE_S


class EngineRow(QFrame):
    """A row.

    Args:
        engine: which one; None for the program's own.
        built_in: the version of that.
        is_used: whether it runs.
    """

    def __init__(self, engine: Installed | None, built_in: str, *, is_used: bool) -> None:
        super().__init__()
        self.engine = engine
        self.setObjectName("offerRow")
        name = words.title(engine, built_in)
        build = words.build(engine)
        self.use = QPushButton(tr("Use"))
        self.use.setAccessibleName(tr("Use {name}, {build}", name=name, build=build))
        _hide_where(is_used, self.use)
        self.remove = QPushButton(tr("Remove"))
        self.remove.setAccessibleName(tr("Remove {name}, {build}", name=name, build=build))
        _hide_where(engine is None, self.remove)
        pill = label(build)
        pill.setProperty("pill", "quiet")
        _hide_where(not build, pill)
        used = label(tr("In Use"))
        used.setProperty("tone", "accent")
        _hide_where(not is_used, used)
        origin = ElidedLabel("note")
        origin.setText(words.origin(engine))
        if engine is not None:
            set_tip(origin, tr("{source}\nSHA-256 {sha256}", source=words.origin(engine), sha256=engine.sha256))
        head = QHBoxLayout()
        head.setSpacing(SPACE_S)
        head.addWidget(GivingLabel("strong", name))
        head.addWidget(pill)
        head.addStretch()
        said = QVBoxLayout()
        said.setSpacing(2)
        said.addLayout(head)
        said.addWidget(origin)
        self._row = row = QHBoxLayout(self)
        row.setContentsMargins(0, SPACE_S, 0, SPACE_S)
        row.setSpacing(SPACE_S)
        row.addLayout(said, 1)
        self._ends = [used, self.use, self.remove]
        ends = QHBoxLayout()
        ends.setSpacing(SPACE_S)
        for end in self._ends:
            ends.addWidget(end)
        ends.addStretch()
        row.addLayout(ends)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        fold(self._row, self._ends, self.width() // 2)

    @property
    def key(self) -> str:
        """Names it among the others; empty for the program's own."""
        return self.engine.name if self.engine is not None else ""

    @property
    def focus_target(self) -> QPushButton | None:
        """The button that takes the keys; None where it has none."""
        return next((each for each in (self.use, self.remove) if not each.isHidden()), None)


def _hide_where(is_so: bool, widget: QWidget) -> None:
    """Not `setVisible(True)`: what has no parent yet would come up as a window, and take the keys from ours."""
    if is_so:
        widget.hide()
