"""What stands in the middle of Discover while no repository is open: the good models that suit this machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.text import one_line
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.fit.verdict import Verdict
from nodetool_xl_desktop.ui.parts import label
from nodetool_xl_desktop.ui.theme import SPACE_L, SPACE_M, SPACE_S, SPACE_XL, SPACE_XS, scaled

if TYPE_CHECKING:
    from nodetool_xl_desktop.hub.picks import Pick

#: One good model of each of these is named.
TASKS = (tr("General"), tr("Small and quick"), tr("Coding"), tr("Reasoning"), tr("Vision"))
WIDTH, TASK_WIDTH = 640, 124


class StartPage(QScrollArea):
    """Says what Discover is for, and names for each task the largest good model that fits."""

    #: Open this repository.
    wanted = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("startPage")
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._title = label(tr("For this machine"), "title")
        self._rows = QFrame()
        self._rows.setObjectName("card")
        self._list = QVBoxLayout(self._rows)
        self._list.setContentsMargins(0, 0, 0, 0)
        self._list.setSpacing(0)
        column = QWidget()
        column.setMaximumWidth(WIDTH)
        inside = QVBoxLayout(column)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(SPACE_M)
        headline = label(tr("Find a model"), "headline", wrap=True)
        headline.setAlignment(Qt.AlignmentFlag.AlignCenter)
        says = label(
            tr(
                "Search on the left, or paste a link. Each file is shown with whether it fits this machine, "
                "before anything is downloaded."
            ),
            "body",
            wrap=True,
        )
        says.setAlignment(Qt.AlignmentFlag.AlignCenter)
        inside.addWidget(headline)
        inside.addWidget(says)
        inside.addSpacing(SPACE_XL)
        inside.addWidget(self._title)
        inside.addWidget(self._rows)
        across = QHBoxLayout()
        across.addStretch()
        across.addWidget(column, 1000)
        across.addStretch()
        body = QWidget()
        body.setObjectName("startBody")
        layout = QVBoxLayout(body)
        layout.setContentsMargins(SPACE_XL, SPACE_XL, SPACE_XL, SPACE_XL)
        layout.addStretch(2)
        layout.addLayout(across)
        layout.addStretch(3)
        self.setWidget(body)
        self.show_picks([])

    @property
    def buttons(self) -> list[QPushButton]:
        """Those that open what is named, from above."""
        return self._rows.findChildren(QPushButton)

    def show_picks(self, judged: Sequence[tuple[Pick, Verdict]]) -> None:
        """Name the best of these; of verdicts by size alone."""
        while (item := self._list.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.setParent(None)
                widget.deleteLater()
        named = suggested(judged)
        for at, pick in enumerate(named):
            self._list.addWidget(self._row(pick, is_first=at == 0))
        self._title.setVisible(bool(named))
        self._rows.setVisible(bool(named))

    def _row(self, pick: Pick, *, is_first: bool) -> QWidget:
        row = QFrame()
        row.setObjectName("offerRow")
        row.setProperty("first", is_first)
        task = label(tr(pick.task), "note", wrap=True)
        task.setFixedWidth(scaled(TASK_WIDTH))
        task.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)
        words = QVBoxLayout()
        words.setSpacing(SPACE_XS)
        words.addWidget(label(f"{pick.title}  ·  {units.file_size(pick.size)}", "strong", wrap=True))
        words.addWidget(label(one_line(tr(pick.about)), "note", wrap=True))
        button = QPushButton(tr("Show"))
        button.setAccessibleName(
            tr("Show {title}, {task}, {size}", title=pick.title, task=tr(pick.task), size=units.file_size(pick.size))
        )
        button.clicked.connect(lambda: self.wanted.emit(pick.repo_id))
        layout = QHBoxLayout(row)
        layout.setContentsMargins(SPACE_L, SPACE_S + 2, SPACE_L, SPACE_S + 2)
        layout.setSpacing(SPACE_M)
        layout.addWidget(task)
        layout.addLayout(words, 1)
        layout.addWidget(button)
        return row


def suggested(judged: Sequence[tuple[Pick, Verdict]]) -> list[Pick]:
    """For each task the largest that fits, in the order of `TASKS`."""
    best: dict[str, Pick] = {}
    for pick, verdict in judged:
        if verdict is Verdict.FITS and (pick.task not in best or pick.size > best[pick.task].size):
            best[pick.task] = pick
    return [best[task] for task in TASKS if task in best]
