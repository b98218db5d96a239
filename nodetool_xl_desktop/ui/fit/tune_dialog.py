"""The dialog that measures which settings make a model fast on this machine, and offers the best."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.engine.tune import Measurement, Step, Tuned
from nodetool_xl_desktop.fit.options import LoadOptions
from nodetool_xl_desktop.ui.notice import Notice
from nodetool_xl_desktop.ui.parts import GivingLabel, card_layout, figure, label, restyle, set_tip
from nodetool_xl_desktop.ui.tasks import Tasks
from nodetool_xl_desktop.ui.theme import SPACE_L, SPACE_S, SPACE_XL, Theme, scaled, wide

WIDTH = 620
#: The table has room for so many rows from the start, so that nothing jumps while it fills.
ROWS, ROW_HEIGHT = 5, 26
COLUMNS = (
    tr("GPU layers"),
    tr("Threads"),
    tr("Batch"),
    tr("Flash attention"),
    tr("Prompt tokens/s"),
    tr("Answer tokens/s"),
)
FLASH_ATTENTION = {None: "auto", True: "on", False: "off"}


class TuneDialog(QDialog):
    """Begins to measure when it is opened; closing it ends that.

    Args:
        theme: the theme in force.
        tasks: what the measuring runs in; it may go on for a moment after the dialog is closed, until its engine ended.
        model: the model's name as people say it.
        measure: `engine.tune.tune` for this model, not yet begun.
        parent: the window.
    """

    #: The person wants to load the model with these (`LoadSettings`).
    chosen = Signal(object)

    def __init__(
        self,
        theme: Theme,
        tasks: Tasks,
        model: str,
        measure: Callable[[], AsyncGenerator[Step, None]],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Find the best settings"))
        self.setFixedWidth(wide(WIDTH))
        self._theme = theme
        self._tasks = tasks
        self._measure = measure
        self._running: asyncio.Task[None] | None = None
        self._tuned: Tuned | None = None
        self._table = _Table()
        self._outcome = Notice()
        self._outcome.hide()
        self._lay_out(model)
        theme.changed.connect(self._show_icons)
        self._show_icons()

    def open(self) -> None:
        """Show the dialog and begin."""
        super().open()
        if self._running is None:
            self._running = self._tasks.start(self._run())

    def done(self, result: int) -> None:
        """However the dialog is closed: what still measures is ended."""
        if self._running is not None:
            self._running.cancel()
        super().done(result)

    # How it is made

    def _lay_out(self, model: str) -> None:
        self._what = label("", "note", wrap=True)
        self._count = figure("", "note")
        self._progress = QProgressBar()
        self._progress.setTextVisible(False)
        self._progress.setFixedHeight(6)
        self._progress.setAccessibleName(tr("Measuring"))
        self._close = QPushButton(tr("Cancel"))
        self._close.setAutoDefault(False)  # Enter must not throw away a minute of measuring
        self._close.clicked.connect(self.reject)
        self._use = QPushButton(tr("Use these settings"))
        self._use.setProperty("kind", "primary")
        self._use.clicked.connect(self._choose)
        self._use.hide()

        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE_XL, SPACE_XL, SPACE_XL, SPACE_XL)
        layout.setSpacing(SPACE_L)
        layout.addWidget(label(tr("How fast can {model} be here?", model=model), "title", wrap=True))
        layout.addWidget(
            label(
                tr(
                    "The model is loaded with a few different settings, and reads and answers with each of them. "
                    "This takes a minute or two. Other programs that work meanwhile spoil the figures."
                ),
                "body",
                wrap=True,
            )
        )
        layout.addLayout(self._lay_out_progress())
        layout.addWidget(self._table)
        layout.addWidget(self._outcome)
        layout.addStretch()
        buttons = QHBoxLayout()
        buttons.setSpacing(SPACE_S)
        buttons.addStretch()
        buttons.addWidget(self._close)
        buttons.addWidget(self._use)
        layout.addLayout(buttons)

    def _lay_out_progress(self) -> QVBoxLayout:
        words = QHBoxLayout()
        words.addWidget(self._what, 1)
        words.addWidget(self._count)
        layout = QVBoxLayout()
        layout.setSpacing(SPACE_S)
        layout.addLayout(words)
        layout.addWidget(self._progress)
        return layout

    def _show_icons(self) -> None:
        self._close.setIcon(self._theme.icon("x"))
        self._use.setIcon(self._theme.icon("check", "on_accent"))

    # What happens

    async def _run(self) -> None:
        try:
            async with contextlib.aclosing(self._measure()) as steps:
                async for step in steps:
                    self._show_step(step)
        except UserFacingError as error:
            self._outcome.tell_error(error)
            self._table.setVisible(self._table.is_begun)
            self._end(tr("It could not be measured."))

    def _show_step(self, step: Step) -> None:
        self._progress.setRange(0, step.of)
        self._progress.setValue(step.done)
        self._count.setText(tr("{done} of {of}", done=step.done, of=step.of))
        self._what.setText(tr("Measuring {what} ...", what=step.what))
        if step.result is not None:
            self._show_result(step.result)
        elif step.row is not None:
            self._table.show_row(step.row)

    def _show_result(self, tuned: Tuned) -> None:
        for row in tuned.rows:
            self._table.show_row(row)
        self._table.mark_best(tuned.best)
        self._tuned = tuned
        self._outcome.tell("", _in_words(tuned), tone="good")
        self._use.show()
        self._end(tr("Measured in {seconds}.", seconds=units.seconds(tuned.seconds)))
        self._use.setDefault(True)
        self._use.setFocus()

    def _end(self, words: str) -> None:
        self._what.setText(words)
        self._count.clear()
        self._progress.hide()
        self._close.setText(tr("Close"))
        self._fit_height()

    def _fit_height(self) -> None:
        """Be as high as what it says: Qt thinks of words that wrap only when the layout begins."""
        layout = self.layout()
        assert layout is not None
        layout.activate()
        self.setMinimumHeight(layout.totalHeightForWidth(self.width()))
        self.resize(self.width(), self.minimumHeight())

    def showEvent(self, event: QShowEvent) -> None:
        self._fit_height()
        super().showEvent(event)

    def _choose(self) -> None:
        if self._tuned is not None:
            self.chosen.emit(self._tuned.winner)
            self.accept()


class _Table(QFrame):
    """What was measured, a row for each of the settings."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName(tr("What was measured"))
        self._rows: dict[LoadOptions, list[QLabel]] = {}
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(SPACE_L)
        self._grid.setVerticalSpacing(0)
        self._grid.setColumnStretch(len(COLUMNS), 1)
        card_layout(self).addLayout(self._grid)
        self._heads = [GivingLabel("note", text) for text in COLUMNS]
        for head in self._heads:
            head.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        for column, head in enumerate(self._heads):
            self._grid.addWidget(head, 0, column)
        self._heads[0].hide()  # until there are layers to tell apart
        for row in range(ROWS + 1):
            self._grid.setRowMinimumHeight(row, scaled(ROW_HEIGHT))

    @property
    def is_begun(self) -> bool:
        """Whether it has a row."""
        return bool(self._rows)

    def show_row(self, row: Measurement) -> None:
        """Add a row, or bring it up to date."""
        if row.options not in self._rows:
            self._add(row.options)
        *cells, mark = self._rows[row.options]
        for cell, text in zip(cells, _cells(row), strict=True):
            cell.setText(text)
        if row.error:
            self._mark(mark, tr("Failed"), "bad")
            set_tip(mark, row.error)

    def mark_best(self, row: Measurement) -> None:
        """Say which row has won."""
        *cells, mark = self._rows[row.options]
        for cell in cells:
            restyle(cell, "kind", "strong")
        self._mark(mark, tr("Best"), "good")

    def _add(self, options: LoadOptions) -> None:
        cells = [figure() for _ in COLUMNS]
        mark = label("" if self._rows else tr("as it is now"), "note")
        number = len(self._rows) + 1
        for column, cell in enumerate(cells):
            self._grid.addWidget(cell, number, column)
        self._grid.addWidget(mark, number, len(cells), Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._grid.setRowMinimumHeight(number, scaled(ROW_HEIGHT))
        self._rows[options] = [*cells, mark]
        has_layers = any(each.gpu_layers for each in self._rows)
        for first in (self._heads[0], *(labels[0] for labels in self._rows.values())):
            first.setVisible(has_layers)

    @staticmethod
    def _mark(mark: QLabel, text: str, tone: str) -> None:
        mark.setText(text)
        restyle(mark, "kind", "")
        restyle(mark, "pill", tone)


def _cells(row: Measurement) -> tuple[str, ...]:
    options = row.options
    speeds = ("-" if speed is None else f"{speed:,.1f}" for speed in (row.prompt_tokens_per_s, row.decode_tokens_per_s))
    counts = (str(options.gpu_layers), str(options.threads), str(options.batch))
    return (*counts, FLASH_ATTENTION[options.flash_attention], *speeds)


def _in_words(tuned: Tuned) -> str:
    """What the result means for a chat."""
    before, best = tuned.rows[0], tuned.best
    if best is before or best.turn_s is None or before.turn_s is None:
        return tr("Nothing was faster than the settings as they are now.")
    return tr(
        "A usual turn (512 tokens in, 256 out) takes {best} with the best of them, and {now} as it is now.",
        best=units.seconds(best.turn_s),
        now=units.seconds(before.turn_s),
    )
