"""What is known of the selected model, beside or under the table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QStackedWidget, QTabBar, QVBoxLayout, QWidget

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.text import one_line
from nodetool_xl_desktop.core.translation import tr, trn
from nodetool_xl_desktop.gguf import Header
from nodetool_xl_desktop.library.settings import Kept
from nodetool_xl_desktop.preview.badges import Badge
from nodetool_xl_desktop.ui.models.about_pane import AboutPane
from nodetool_xl_desktop.ui.models.entries import Entry
from nodetool_xl_desktop.ui.models.header_pane import HeaderPane, Line, lines_of
from nodetool_xl_desktop.ui.models.template_pane import Span, TemplatePane, coloured
from nodetool_xl_desktop.ui.parts import label
from nodetool_xl_desktop.ui.theme import SPACE_L, SPACE_M, SPACE_S, Theme

TABS = (tr("About"), tr("Header"), tr("Template"))


@dataclass(frozen=True, slots=True)
class Read:
    """What the file itself says.

    Attributes:
        path: of the model.
        lines: of its header.
        template: its chat template, as it can be drawn.
        spans: the colours of the template's lines.
        kept: what is kept of how it is loaded.
        problem: why its header cannot be read; empty where it was.
    """

    path: Path
    lines: list[Line]
    template: str
    spans: list[list[Span]]
    kept: Kept
    problem: str = ""


def read_details(path: Path, read: Callable[[Path], Header], kept_for: Callable[[Path], Kept]) -> Read:
    """Read what is shown of a model. Touches the disk; it never fails, but says what is wrong."""
    try:
        kept = kept_for(path)
        header = read(path)
    except (UserFacingError, OSError, ValueError) as error:
        return Read(path, [], "", [], Kept(), str(error))
    template, spans = coloured(header.chat_template or "")
    return Read(path, lines_of(header), template, spans, kept)


class ModelDetails(QFrame):
    """Shows one model, or how many are selected.

    Args:
        theme: the theme in force.
    """

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("modelDetails")
        self.shown: Path | None = None
        self.about = AboutPane()
        self.header = HeaderPane(theme)
        self.template = TemplatePane(theme)
        self._tabs = QTabBar()
        self._tabs.setDrawBase(False)
        self._tabs.setExpanding(True)
        self._tabs.setAccessibleName(tr("Details"))
        for name in TABS:
            self._tabs.addTab(name)
        around = QFrame()
        around.setObjectName("tabs")
        inside = QHBoxLayout(around)
        inside.setContentsMargins(2, 2, 2, 2)
        inside.addWidget(self._tabs)
        self._pages = QStackedWidget()
        for page in (self.about, self.header, self._padded(self.template)):
            self._pages.addWidget(page)
        self._words = label("", "note", wrap=True)
        self._words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._body = QWidget()
        column = QVBoxLayout(self._body)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        top = QHBoxLayout()
        top.setContentsMargins(SPACE_L, SPACE_M, SPACE_L, SPACE_S)
        around.setMinimumWidth(270)
        top.addWidget(around)
        top.addStretch()
        column.addLayout(top)
        column.addWidget(self._pages, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._body, 1)
        layout.addWidget(self._words, 1)
        self.setMinimumSize(300, 180)
        self._tabs.currentChanged.connect(self._pages.setCurrentIndex)
        self.show_nothing(0)

    def _padded(self, content: QWidget) -> QWidget:
        made = QWidget()
        layout = QVBoxLayout(made)
        layout.setContentsMargins(SPACE_L, SPACE_S, SPACE_S, SPACE_S)
        layout.addWidget(content)
        return made

    def show_tab(self, number: int) -> None:
        """Show About, Header or Template."""
        self._tabs.setCurrentIndex(number)

    def show_nothing(self, selected: int) -> None:
        """No model, or several of them."""
        self.about.keep()
        self.shown = None
        self._body.hide()
        self._words.setText(
            trn("{count} model is selected.", "{count:,} models are selected.", selected)
            if selected
            else tr("Select a model to see its details.")
        )
        self._words.show()

    def show_entry(self, entry: Entry, badge: Badge | None) -> None:
        """Show a model as the list has it; what its file says follows with `show_read`."""
        self.shown = entry.path
        self._words.hide()
        self._body.show()
        self.about.show_entry(entry, badge)

    def show_read(self, read: Read) -> None:
        """Show what the file says."""
        if read.path != self.shown:
            return
        self.about.show_kept(read.kept)
        self.header.show_lines(read.lines, one_line(read.problem))
        self.template.show_template(read.template or one_line(read.problem), read.spans)
