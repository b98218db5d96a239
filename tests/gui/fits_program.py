"""Goes through the pages and dialogs of a real window and prints, a line each, what is cut off in them.

A program of its own: the language is chosen once for a process, and so is the scale of Qt.

    python fits_program.py FOLDER MODEL [--points N ...] [--pictures FOLDER]
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Iterator
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QEvent, QRect, Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractScrollArea,
    QApplication,
    QCheckBox,
    QDialog,
    QLabel,
    QMainWindow,
    QPushButton,
    QRadioButton,
    QStyle,
    QStyleOptionButton,
    QToolButton,
    QWidget,
)

from nodetool_xl_desktop import app
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.engine.pool import Pool
from nodetool_xl_desktop.ui.parts import ElidedLabel

#: The smallest window that has to do.
SMALL = (1024, 640)
#: What is shown one after the other, by its action.
PAGES = (
    "view.chats", "view.models", "view.table", "view.table", "view.discover", "view.downloads", "settings.show",
    "engine.show", "chat.preset", "tools.show", "tools.manage", "file.address", "model.folders", "model.tune",
    "chat.export_all", "help.keys", "help.palette", "model.choose",
)  # fmt: skip
SLACK = 2


def shown(widget: QWidget) -> Iterator[QWidget]:
    """All that is seen in a window, but for windows of its own."""
    for child in widget.findChildren(QWidget, options=Qt.FindChildOption.FindDirectChildrenOnly):
        if child.isVisible() and not child.isWindow():
            yield child
            yield from shown(child)


def _name(widget: QWidget) -> str:
    parents, each = [], widget
    while each is not None and len(parents) < 3:
        parents.append(each.objectName() or type(each).__name__)
        each = each.parentWidget()
    return " < ".join(parents)


def _text_of(button: QAbstractButton) -> str:
    return button.text().replace("&&", "\0").replace("&", "").replace("\0", "&")


def _room_of(button: QAbstractButton) -> int:
    """For its text, in pixels."""
    icon = 0 if button.icon().isNull() else button.iconSize().width() + 4
    if isinstance(button, QPushButton):
        option = QStyleOptionButton()
        button.initStyleOption(option)
        inside: QRect = button.style().subElementRect(QStyle.SubElement.SE_PushButtonContents, option, button)
        return inside.width() - icon
    if isinstance(button, QCheckBox | QRadioButton):
        option = QStyleOptionButton()
        button.initStyleOption(option)
        kind = QStyle.SubElement.SE_CheckBoxContents
        if isinstance(button, QRadioButton):
            kind = QStyle.SubElement.SE_RadioButtonContents
        return int(button.style().subElementRect(kind, option, button).width())
    return button.width() - icon - 4


def cut_off(widget: QWidget) -> str:
    """What of the text of a widget is not seen; empty for nothing."""
    metrics = widget.fontMetrics()
    if isinstance(widget, QLabel) and not isinstance(widget, ElidedLabel) and widget.text():
        room = widget.contentsRect()
        if widget.wordWrap():
            needs = widget.heightForWidth(widget.width())
            return f"needs {needs} of height, has {widget.height()}" if needs > widget.height() + SLACK else ""
        needs = max(metrics.horizontalAdvance(line) for line in widget.text().split("\n"))
        return f"needs {needs}, has {room.width()}" if needs > room.width() + SLACK else ""
    if isinstance(widget, QPushButton | QToolButton | QCheckBox | QRadioButton) and widget.text():
        if isinstance(widget, QToolButton) and widget.toolButtonStyle() is Qt.ToolButtonStyle.ToolButtonIconOnly:
            return ""
        needs, has = metrics.horizontalAdvance(_text_of(widget)), _room_of(widget)
        return f"needs {needs}, has {has}" if needs > has + SLACK and not widget.toolTip() else ""
    return ""


def _scrolls(widget: QWidget) -> bool:
    """Whether it lies in something that scrolls, or is moved by hand."""
    return widget.objectName() in ("qt_scrollarea_viewport", "fitBody") or isinstance(widget, QAbstractScrollArea)


def outside(widget: QWidget) -> str:
    """How far a widget stands outside of what holds it; empty for not at all."""
    parent = widget.parentWidget()
    if parent is None or widget.width() <= 0 or widget.height() <= 0:
        return ""
    beyond = widget.geometry().right() - parent.rect().right()
    if _scrolls(parent):
        area = parent.parentWidget()
        off = Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        fixed = isinstance(area, QAbstractScrollArea) and area.horizontalScrollBarPolicy() == off
        return f"{beyond} too wide for what scrolls" if fixed and beyond > SLACK else ""
    below = widget.geometry().bottom() - parent.rect().bottom()
    if beyond > SLACK or widget.x() < -SLACK:
        return f"x {widget.x()}..{widget.geometry().right()} in {parent.width()}"
    return f"bottom {widget.geometry().bottom()} in {parent.height()}" if below > SLACK and widget.y() >= 0 else ""


def overlaps(widget: QWidget) -> Iterator[str]:
    """Which of the widgets in the layout of a widget stand on each other."""
    layout = widget.layout()
    if layout is None:
        return
    held = [layout.itemAt(at).widget() for at in range(layout.count())]
    seen = [each for each in held if each is not None and each.isVisible() and not each.geometry().isEmpty()]
    for at, one in enumerate(seen):
        for other in seen[at + 1 :]:
            common = one.geometry().intersected(other.geometry())
            if common.width() > SLACK and common.height() > SLACK:
                yield f"{type(one).__name__} and {type(other).__name__} overlap by {common.width()} x {common.height()}"


def troubles(window: QWidget) -> list[str]:
    """All that is cut off in a window."""
    found = []
    for widget in shown(window):
        said = widget.text() if isinstance(widget, QLabel | QAbstractButton) else ""
        for trouble in (cut_off(widget), outside(widget), *overlaps(widget)):
            if trouble:
                found.append(f"{_name(widget)} {said[:60]!r}: {trouble}")
    return found


async def settle() -> None:
    for _ in range(12):
        await asyncio.sleep(0.01)


def _windows(main: QMainWindow) -> list[QWidget]:
    others = [each for each in QApplication.topLevelWidgets() if each.isVisible() and each is not main]
    return [main, *(each for each in others if isinstance(each, QDialog) or each.windowType() is Qt.WindowType.Popup)]


async def look_at_sections(parts: app.Parts, pictures: Path | None) -> set[str]:
    """What is cut off in the sections of the settings that are not shown at first."""
    page, found = parts.window.settings.page, set()
    for item in page.sections.items:
        page.sections.chosen.emit(item.key)  # as by the arrow keys
        await settle()
        found.update(f"settings, {item.key}: {trouble}" for trouble in troubles(page))
        if pictures is not None:
            page.grab().save(str(pictures / f"section-{item.key}.png"))
    return found


async def go_through(parts: app.Parts, model: Path, pictures: Path | None) -> set[str]:
    """What is cut off anywhere."""
    window, found = parts.window, set()
    window.resize(*SMALL)
    window.show()
    await settle()
    window.models.open_soon([model])
    await asyncio.sleep(0.6)
    for number, name in enumerate(PAGES):
        action = window.commands[name]
        if not action.isEnabled():
            print(f"# {name} is not enabled")
            continue
        action.trigger()
        await settle()
        for each in _windows(window):
            found.update(f"{name}: {trouble}" for trouble in troubles(each))
            if pictures is not None:
                each.grab().save(str(pictures / f"{number:02}-{name}-{type(each).__name__}.png"))
        if name == "settings.show":
            found |= await look_at_sections(parts, pictures)
        for each in _windows(window)[1:]:
            each.close()
        for panel in (window.presets.panel, window.tools.popup):
            if panel is not None:
                panel.hide()
        await settle()
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("--points", type=float, nargs="*", default=[0], help="one after the other; 0: as they are")
    parser.add_argument("--pictures", type=Path, default=None)
    args = parser.parse_args()
    qt = app.application()
    usual = QFont(qt.font())

    async def run(points: float) -> None:
        font = QFont(usual)
        if points:
            font.setPointSizeF(points)
        qt.setFont(font)
        folder = args.folder / f"{points:g}"
        parts = app.build(Paths.below(folder), Pool(), None, user_home=folder / "user")
        try:
            for line in sorted(await go_through(parts, args.model, args.pictures)):
                print(f"at {points:g} points: {line}" if points else line)
            print(f"# looked at {len(PAGES)} places")
        finally:
            await parts.shut_down()
            parts.window.close()
            parts.window.deleteLater()
            QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)

    with app.event_loop(qt) as loop:
        for points in args.points:
            loop.run_until_complete(run(points))


if __name__ == "__main__":
    main()
