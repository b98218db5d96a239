"""The window that everything is measured against: Qt's own, with nothing in it.

python tests/benchmarks/bare_window.py TIME    prints the seconds from that time of day to its first paint
python tests/benchmarks/bare_window.py import TIME    the same, to where PySide6 is imported
python tests/benchmarks/bare_window.py         stays open until it is ended
"""

from __future__ import annotations

import os
import sys
import time

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QApplication, QMainWindow

if sys.argv[1:2] == ["import"]:
    print(time.time() - float(sys.argv[2]))
    sys.exit()


class Window(QMainWindow):
    """Says when it was painted first, where it is asked for that."""

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if len(sys.argv) > 1:
            print(time.time() - float(sys.argv[1]))
            QApplication.quit()


application = QApplication([])
window = Window()
window.resize(1280, 860)
window.show()
application.exec()
