"""While a file hovers over the window, the whole window says what a drop will do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QMimeData, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QVBoxLayout, QWidget

from nodetool_xl_desktop.library.model_file import title
from nodetool_xl_desktop.ui.parts import caption, label
from nodetool_xl_desktop.ui.tasks import Tasks, in_thread
from nodetool_xl_desktop.ui.theme import SPACE_S, SPACE_XL, Theme


def dropped_files(data: QMimeData) -> list[Path]:
    """The local files of a drag; a link to the network is none."""
    return [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]


def split_drop(data: QMimeData) -> tuple[list[Path], list[Path]]:
    """The local files of a drag: the models, which are opened, and all others, which go with the message.

    By their names alone, as the disk is not touched here; a folder is among the others.
    """
    files = dropped_files(data)
    models = [file for file in files if file.suffix.lower() == ".gguf"]
    return models, [file for file in files if file not in models]


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

    def show_for(self, models: Sequence[Path], files: Sequence[Path] = ()) -> None:
        """Say what a drop will do.

        Args:
            models: these are opened.
            files: these are attached to the message.
        """
        self._shown = list(models), list(files)
        self._tell(*_words(*self._shown, []))
        if files and self._tasks is not None:
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
        models, files = shown
        folders = await in_thread(lambda: [file for file in files if file.is_dir()])
        if folders and self._shown is shown:
            self._tell(*_words(models, [file for file in files if file not in folders], folders))

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


def _words(models: Sequence[Path], files: Sequence[Path], folders: Sequence[Path]) -> tuple[str, str]:
    """A headline, and a line below it."""
    model = "" if not models else _short(title(models[0])) if len(models) == 1 else f"{len(models)} models"
    file = "" if not files else _short(files[0].name) if len(files) == 1 else f"{len(files)} files"
    left_out = f"Open {_short(folders[0].name)} and drop the files in it." if folders else ""
    if model and file:
        headline = f"Drop to add {model} to My Models, and attach {file}"
        text = "The models stay where they are. What is attached is sent with your message."
    elif model:
        headline = f"Drop to add {model} to My Models"
        text = "You will see whether it fits before it is loaded. The file stays where it is."
        if len(models) > 1:
            text = "You will see whether they fit before they are loaded. The files stay where they are."
    elif file:
        headline = f"Drop to attach {file} to your message"
        text = "Text and code of any kind; pictures, where the model can see."
    else:
        return "A folder cannot be attached", left_out
    return headline, f"{text}\nA folder is left out: {left_out[:1].lower()}{left_out[1:]}" if folders else text


def _short(name: str) -> str:
    return caption(name, 28).replace("&&", "&")
