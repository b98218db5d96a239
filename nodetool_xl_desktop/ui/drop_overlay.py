"""While a file hovers over the window, the whole window says what a drop will do."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlsplit

from PySide6.QtCore import QMimeData, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QVBoxLayout, QWidget

from nodetool_xl_desktop.core.text import one_line
from nodetool_xl_desktop.core.translation import in_a_row, tr, trn
from nodetool_xl_desktop.library.model_file import title
from nodetool_xl_desktop.ui.parts import label
from nodetool_xl_desktop.ui.tasks import Tasks, in_thread
from nodetool_xl_desktop.ui.theme import SPACE_S, SPACE_XL, Theme

#: What is longer is no address.
LONGEST_TEXT = 2048


def dropped_files(data: QMimeData) -> list[Path]:
    """The local files of a drag; a link to the network is none."""
    if sys.platform in ("win32", "darwin"):
        return [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]
    # As bytes: QUrl loses those of a name that are no UTF-8.
    urls = [urlsplit(line.strip()) for line in bytes(data.data("text/uri-list").data()).split(b"\n")]
    local = [url for url in urls if url.scheme.lower() == b"file" and url.netloc.lower() in (b"", b"localhost")]
    return [Path(os.fsdecode(path)) for url in local if (path := unquote_to_bytes(url.path)) and b"\0" not in path]


def dropped_text(data: QMimeData) -> str:
    """The address, or the text of one line, of a drag or of the clipboard that holds no file; else empty."""
    web = next((url for url in data.urls() if url.scheme() in ("http", "https")), None)
    if web is not None:
        return bytes(web.toEncoded().data()).decode("ascii")
    text = data.text().strip() if data.hasText() and not data.hasUrls() else ""
    return text if text.isprintable() and len(text) <= LONGEST_TEXT else ""


def split_drop(data: QMimeData) -> tuple[list[Path], list[Path]]:
    """The local files of a drag: the models, which are opened, and all others, which go with the message.

    By their names alone, as the disk is not touched here; a folder is among the others.
    """
    models: list[Path] = []
    files: list[Path] = []
    for file in dropped_files(data):
        (models if file.suffix.lower() == ".gguf" else files).append(file)
    return models, files


class DropOverlay(QWidget):
    """Covers its parent while it is shown, and lets all events through.

    Args:
        theme: the theme in force.
        parent: what it covers.
        tasks: where it is looked whether a folder is among the files; None where that is not to be said.
    """

    def __init__(self, theme: Theme, parent: QWidget, tasks: Tasks | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._tasks = tasks
        self._shown: tuple[list[Path], list[Path]] = ([], [])
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._headline = label("", "headline")
        self._text = label("", "body")
        self._text.setAlignment(Qt.AlignmentFlag.AlignCenter)
        layout = QVBoxLayout(self)
        layout.setSpacing(SPACE_S)
        layout.addStretch()
        for text in (self._headline, self._text):
            layout.addWidget(text, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch()
        self.hide()

    def show_for(self, models: Sequence[Path], files: Sequence[Path] = (), address: str = "") -> None:
        """Say what a drop will do.

        Args:
            models: these are opened.
            files: these are attached to the message; folders among them are added to My Models.
            address: what is opened where there is no file: how it is called for people.
        """
        self._shown = list(models), list(files)
        self._tell(*(_words(*self._shown, []) if models or files else _words_of_address(address)))
        if (models or files) and self._tasks is not None:
            self._tasks.start(self._look_for_folders(self._shown))
        parent = self.parentWidget()
        if parent is not None:
            self.setGeometry(parent.rect())
        self.raise_()
        self.show()

    @property
    def text(self) -> str:
        """What it says, for tests; empty while it is hidden."""
        return "" if self.isHidden() else f"{self._headline.text()} | {self._text.text()}"

    async def _look_for_folders(self, shown: tuple[list[Path], list[Path]]) -> None:
        folders = await in_thread(lambda: [file for some in shown for file in some if file.is_dir()])
        if folders and self._shown is shown:
            others = set(folders)
            models, files = ([file for file in some if file not in others] for some in shown)
            self._tell(*_words(models, files, folders))

    def _tell(self, headline: str, text: str) -> None:
        self._headline.setText(headline)
        self._text.setText(text)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ground = QColor(self._theme.tokens.background)
        ground.setAlpha(236)
        painter.fillRect(self.rect(), ground)
        painter.setPen(QPen(QColor(self._theme.tokens.accent), 2, Qt.PenStyle.DashLine))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(SPACE_XL, SPACE_XL, -SPACE_XL, -SPACE_XL), 14, 14)
        painter.end()


#: Names stand in one headline, two of them perhaps.
_short = partial(one_line, longest=28)


def _words(models: Sequence[Path], files: Sequence[Path], folders: Sequence[Path]) -> tuple[str, str]:
    """A headline, and a line below it."""
    model = folder = file = ""
    if models:
        model = _short(title(models[0])) if len(models) == 1 else trn("{count} model", "{count:,} models", len(models))
    if folders:
        folder = (
            _short(folders[0].name) if len(folders) == 1 else trn("{count} folder", "{count:,} folders", len(folders))
        )
    if files:
        file = _short(files[0].name) if len(files) == 1 else trn("{count} file", "{count:,} files", len(files))
    added = in_a_row(each for each in (model, folder) if each)
    if added and file:
        headline = tr("Drop to add {added} to My Models, and attach {file}", added=added, file=file)
        return headline, tr("The models stay where they are. What is attached is sent with your message.")
    if folder:
        return tr("Drop to add {added} to My Models", added=added), trn(
            "Models in it, and in folders of its own, are listed. They stay where they are.",
            "Models in them, and in folders of theirs, are listed. They stay where they are.",
            len(folders),
        )
    if len(models) > 1:
        text = tr("You will see whether they fit before they are loaded. The files stay where they are.")
        return tr("Drop to add {added} to My Models", added=model), text
    if model:
        text = tr("You will see whether it fits before it is loaded. The file stays where it is.")
        return tr("Drop to add {added} to My Models", added=model), text
    text = tr("Text and code of any kind; pictures, where the model can see.")
    return tr("Drop to attach {file} to your message", file=file), text


def _words_of_address(address: str) -> tuple[str, str]:
    text = tr("You will see what is there and whether it fits before anything is downloaded.")
    return tr("Drop to open {address}", address=_short(address)), text
