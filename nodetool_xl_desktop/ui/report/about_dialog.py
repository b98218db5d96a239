"""What this program is: its version, its engine, where its data lies, and whose work is in it."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Iterator
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QGridLayout, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from nodetool_xl_desktop import __version__
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.paths import Paths, resource
from nodetool_xl_desktop.core.text import one_line
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.ui.parts import field, label, problem_label
from nodetool_xl_desktop.ui.report.report_dialog import not_opened, open_folder, text_view
from nodetool_xl_desktop.ui.tasks import Tasks, in_thread
from nodetool_xl_desktop.ui.theme import SPACE_M, SPACE_S, SPACE_XL, Theme

WIDTH, HEIGHT = 560, 520
ICON = 56
_DISTRIBUTION = "nodetool-xl-desktop"


class AboutDialog(QDialog):
    """Names everything that one is asked for.

    Args:
        theme: the theme in force.
        tasks: where the licences are looked up.
        paths: the program's folders.
        engine: which one runs.
        parent: the window.
    """

    def __init__(self, theme: Theme, tasks: Tasks, paths: Paths, engine: str, parent: QWidget | None) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("About NodeTool XL Desktop"))
        self.resize(WIDTH, HEIGHT)
        self.setMinimumSize(440, 360)
        self.problem = problem_label()
        self._folder = paths.data
        self.licences = text_view(tr("Libraries and their licences"))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE_XL, SPACE_XL, SPACE_XL, SPACE_XL)
        layout.setSpacing(SPACE_M)
        layout.addLayout(self._make_head(theme))
        layout.addLayout(
            _rows(((tr("Engine"), engine), (tr("Data Folder"), str(paths.data)), (tr("Log Folder"), str(paths.logs))))
        )
        layout.addWidget(self.problem)
        layout.addWidget(label(tr("Made of, with thanks:"), "strong"))
        layout.addWidget(field(self.licences), 1)
        foot = QHBoxLayout()
        foot.setSpacing(SPACE_S)
        self.folder_button = QPushButton(tr("Open Data Folder"))
        self.folder_button.clicked.connect(self._open)
        self.close_button = QPushButton(tr("Close"))
        self.close_button.setDefault(True)
        self.close_button.clicked.connect(self.reject)
        foot.addWidget(self.folder_button)
        foot.addStretch()
        foot.addWidget(self.close_button)
        layout.addLayout(foot)
        self._looking = tasks.start(self._look())
        self.finished.connect(self._end)
        self.close_button.setFocus()

    def _make_head(self, theme: Theme) -> QHBoxLayout:
        from PySide6.QtGui import QIcon  # noqa: PLC0415 - the icon's reader, when somebody looks

        icon = QLabel()
        icon.setPixmap(QIcon(str(resource("icon.svg"))).pixmap(ICON, ICON))
        icon.setAccessibleName("")
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(label(tr("NodeTool XL Desktop"), "headline"))
        words.addWidget(label(tr("Version {version} · Apache License 2.0", version=__version__), "note"))
        words.addWidget(label(tr("Language models on your own machine."), wrap=True))
        row = QHBoxLayout()
        row.setSpacing(SPACE_M)
        row.addWidget(icon)
        row.addLayout(words, 1)
        return row

    async def _look(self) -> None:
        self.licences.setPlainText(await in_thread(lambda: "\n".join(licences())))

    def _end(self) -> None:
        self._looking.cancel()
        self.deleteLater()

    def _open(self) -> None:
        if not open_folder(self._folder):
            error: UserFacingError = not_opened(self._folder)
            self.problem.setText(str(error))
            self.problem.show()


def _rows(rows: tuple[tuple[str, str], ...]) -> QGridLayout:
    grid = QGridLayout()
    grid.setHorizontalSpacing(SPACE_M)
    grid.setVerticalSpacing(SPACE_S)
    for at, (name, value) in enumerate(rows):
        grid.addWidget(label(name, "note"), at, 0, Qt.AlignmentFlag.AlignTop)
        told = label(one_line(value), wrap=True, selects=True)
        told.setAccessibleName(f"{name}: {value}")
        told.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        grid.addWidget(told, at, 1)
    grid.setColumnStretch(1, 1)
    return grid


def licences() -> Iterator[str]:
    """The libraries that are inside, each with its version and licence, in lines; touches the disk."""
    listed = resource("libraries.tsv")
    if listed.is_file():
        yield from packaged(listed)
        return
    found: dict[str, importlib.metadata.Distribution] = {}
    waiting = [_DISTRIBUTION, "xllamacpp"]
    while waiting:
        try:
            library = importlib.metadata.distribution(waiting.pop())
        except importlib.metadata.PackageNotFoundError:  # for another system, or without what names it
            continue
        if library.name not in found:
            found[library.name] = library
            waiting += [re.split(r"[^\w.-]", line)[0] for line in library.requires or () if "extra ==" not in line]
    found.pop(_DISTRIBUTION, None)
    for name in sorted(found, key=str.lower):
        yield f"{name} {found[name].version}  {_licence(found[name])}"


def packaged(listed: Path) -> Iterator[str]:
    """The same, as packaging/licences.py lists what it put into a package, where few libraries can still be asked."""
    _, *lines = listed.read_text("utf-8").splitlines()
    for line in lines:
        name, version, licence, _entries = line.split("\t")
        yield f"{name} {version}  {one_line(licence, 80)}"


def _licence(library: importlib.metadata.Distribution) -> str:
    about = library.metadata
    said = _said(about, "License-Expression")
    if not said:
        classifiers = [
            each.rpartition("::")[2].strip() for each in about.get_all("Classifier") or () if "License ::" in each
        ]
        said = ", ".join(classifiers) or _said(about, "License").split("\n")[0]
    return one_line(said, 80)


def _said(about: importlib.metadata.PackageMetadata, name: str) -> str:
    return (about[name] or "") if name in about else ""
