"""Draws the icons that Windows and macOS want from resources/icon.svg, into a folder.

icons.py FOLDER
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QGuiApplication, QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

SIZES = {"icon.ico": 256, "icon.icns": 512}


def main() -> None:
    """Draw them."""
    application = QGuiApplication([])
    drawing = QSvgRenderer(str(Path(__file__).parents[1] / "resources" / "icon.svg"))
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, size in SIZES.items():
        image = QImage(QSize(size, size), QImage.Format.Format_ARGB32)
        image.fill(Qt.GlobalColor.transparent)
        painter = QPainter(image)
        drawing.render(painter)
        painter.end()
        if not image.save(str(folder / name)):
            sys.exit(f"{name} could not be written")
    application.quit()


if __name__ == "__main__":
    main()
