"""What My Models costs with 2,000 models in it: a key of the search, an order, a filter, a scroll, a new scan.

    python tests/benchmarks/model_list.py [--models 2000]

A key is measured from its event to the end of the painting that it leads to, in the cards of the side bar and in the
table, both of them in sight.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(Path(__file__).parent.parent / "gui"))

from model_files import badges, model_files
from PySide6.QtCore import QCoreApplication, QEvent, QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QHBoxLayout, QLineEdit, QWidget
from table import Row, row, show, timed

from nodetool_xl_desktop import app
from nodetool_xl_desktop.ui.collector import Collector
from nodetool_xl_desktop.ui.models.entries import entries
from nodetool_xl_desktop.ui.models.filters import Column, Filter, Order
from nodetool_xl_desktop.ui.models.models_page import ModelsPage
from nodetool_xl_desktop.ui.models.models_table import ModelsTable
from nodetool_xl_desktop.ui.theme import Theme

WORDS = ("qwen q4 work", "llama 3.1 tools", "zzz", "slow exact", "folder17", "v1999")
FRAME = "at most 16"


class Window:
    """The cards and the table side by side, as large as in the program."""

    def __init__(self, count: int) -> None:
        self.collector = Collector(lambda: False)
        self.theme = Theme(app.application())
        self.window = QWidget()
        self.page = ModelsPage(self.theme)
        self.table = ModelsTable(self.theme, self.page)
        line = QHBoxLayout(self.window)
        self.page.setFixedWidth(264)
        line.addWidget(self.page)
        line.addWidget(self.table, 1)
        self.window.resize(1360, 860)
        self.window.show()
        self.files = model_files(count)
        self.page.show_models(self.files)
        self.page.list.set_badges(badges(self.files))
        self.page.select(self.files[0].path)
        self.settle()

    def settle(self) -> None:
        for _ in range(4):
            QApplication.processEvents()

    def painted(self, work: Callable[[], object]) -> float:
        """Milliseconds that this takes, with all the painting that follows from it."""
        began = time.perf_counter()
        work()
        QApplication.processEvents()
        took = (time.perf_counter() - began) * 1000
        self.settle()
        return took

    def type_(self, field: QLineEdit) -> list[float]:
        times = []
        for words in WORDS:
            for letter in words:
                times.append(self.painted(lambda letter=letter: QTest.keyClicks(field, letter)))
            for _ in words:
                times.append(self.painted(lambda: QTest.keyClick(field, Qt.Key.Key_Backspace)))
        return times

    def close(self) -> None:
        self.window.close()
        self.window.deleteLater()
        self.theme.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        self.settle()
        self.collector.close()


def measure(count: int = 2000) -> list[Row]:
    """All of it."""
    window = Window(count)
    page, rows = window.page, window.page.list
    typed = window.type_(page.search)
    typed_in_table = window.type_(window.table.search)
    sorted_ = [
        window.painted(lambda column=column, way=way: rows.set_order(Order(column, way)))
        for column in Column
        for way in (False, True)
    ]
    rows.set_order(Order())
    filtered = [
        window.painted(lambda chosen=chosen: rows.set_filter(chosen)) for chosen in (Filter(favourites=True), Filter())
    ]
    header = window.table.view.horizontalHeader()
    place = QPoint(header.sectionViewportPosition(Column.SIZE) + 20, 10)
    clicked = [
        window.painted(lambda: QTest.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=place))
        for _ in range(6)
    ]
    scrolled = []
    for view in (page.view, window.table.view):
        bar = view.verticalScrollBar()
        step = max(1, bar.maximum() // 200)
        scrolled += [window.painted(lambda bar=bar, to=at * step: bar.setValue(to)) for at in range(200)]
    changed = [replace(file, size=file.size + 1) for file in window.files]
    half = window.files[::2]
    scans = []
    for files in (changed, window.files, half, window.files):
        made = entries(files, rows.known)  # in the program, in a thread
        scans.append(window.painted(lambda made=made: rows.set_entries(made)))
    folding = timed(lambda: entries(window.files, {}), 5)
    window.close()
    named = f"{count:,} models"
    return [
        row(f"My Models, {named}: a key of the search until it is painted", "ms", typed, FRAME),
        row(f"My Models, {named}: the same, the slowest of {len(typed)}", "ms", [max(typed)], FRAME),
        row(f"My Models, {named}: a key of the table's search", "ms", typed_in_table, FRAME),
        row(f"My Models, {named}: sorted by a column", "ms", sorted_),
        row(f"My Models, {named}: a click on a header", "ms", clicked),
        row(f"My Models, {named}: a filter on or off", "ms", filtered, FRAME),
        row(f"My Models, {named}: a frame while scrolling", "ms", scrolled, FRAME),
        row(f"My Models, {named}: a new scan shown", "ms", scans),
        row(f"My Models, {named}: made ready for the search (in a thread)", "ms", folding),
    ]


async def rows() -> list[Row]:
    """It plays Qt's events, which needs the loop."""
    return measure()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--models", type=int, default=2000)
    given = parser.parse_args()
    loop = app.event_loop(app.application())

    async def run() -> list[Row]:
        return measure(given.models)

    show(loop.run_until_complete(run()))


if __name__ == "__main__":
    main()
