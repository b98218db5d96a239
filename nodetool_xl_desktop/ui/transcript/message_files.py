"""The files that go with a message, as chips: what they are called, how large they are, and what pictures look like."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QObject, QSize, Qt, Signal
from PySide6.QtGui import QImage, QImageReader, QKeyEvent, QMouseEvent, QPixmap
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.store.parts import Attachment
from nodetool_xl_desktop.ui.parts import label, set_tip
from nodetool_xl_desktop.ui.tasks import Tasks, in_thread
from nodetool_xl_desktop.ui.theme import SPACE_S, SPACE_XS, Theme

#: Reads a file of the store by its hash.
ReadFile = Callable[[str], Awaitable[bytes]]

THUMBNAIL = 40
#: So many pictures are kept in small.
MOST_KEPT = 200
LONGEST_NAME = 40


class Thumbnails(QObject):
    """Pictures in small, made in the background when they are first asked for."""

    #: The hash of a picture that is there now.
    loaded = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._read: ReadFile | None = None
        self._tasks: Tasks | None = None
        self._made: OrderedDict[str, QImage | None] = OrderedDict()  # None: it is being made, or cannot be

    def use(self, read_file: ReadFile, tasks: Tasks) -> None:
        """Read files so from now on."""
        self._read, self._tasks = read_file, tasks

    def get(self, sha256: str) -> QImage | None:
        """A picture, twice as large as it is drawn; None where there is none, or none yet."""
        if sha256 not in self._made and self._read is not None and self._tasks is not None:
            self._made[sha256] = None
            while len(self._made) > MOST_KEPT:
                self._made.popitem(last=False)
            self._tasks.start(self._make(sha256, self._read))
        return self._made.get(sha256)

    async def _make(self, sha256: str, read_file: ReadFile) -> None:
        try:
            data = await read_file(sha256)
        except UserFacingError:  # the file is gone: the chip says what it was, with an icon
            return
        image = await in_thread(lambda: _small(data))
        if not image.isNull():
            self._made[sha256] = image
            self.loaded.emit(sha256)


def _small(data: bytes) -> QImage:
    """A picture in small; null where Qt cannot read it."""
    buffer = QBuffer()
    buffer.setData(QByteArray(data))
    buffer.open(QIODevice.OpenModeFlag.ReadOnly)
    reader = QImageReader(buffer)
    reader.setAutoTransform(True)
    size = reader.size()
    if size.isValid():  # read in small at once, where the format can
        reader.setScaledSize(size.scaled(QSize(2 * THUMBNAIL, 2 * THUMBNAIL), Qt.AspectRatioMode.KeepAspectRatio))
    return reader.read()


class FileChip(QFrame):
    """One file."""

    opened = Signal(object)

    def __init__(self, file: Attachment, theme: Theme, thumbnails: Thumbnails) -> None:
        super().__init__()
        self.setObjectName("chip")
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._file = file
        self._theme = theme
        self._thumbnails = thumbnails
        short = file.name if len(file.name) <= LONGEST_NAME else f"{file.name[: LONGEST_NAME - 1]}…"
        size = units.file_size(file.size) if file.size else file.media_type  # of what a tool answered it is not known
        set_tip(self, f"{file.name}\n{file.media_type}, {size}" if file.size else f"{file.name}\n{size}")
        self.setAccessibleName(tr("File {name}, {size}", name=file.name, size=size))
        self._picture = QLabel()
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addWidget(label(short))
        words.addWidget(label(size, "note"))
        row = QHBoxLayout(self)
        row.setContentsMargins(SPACE_S, SPACE_XS + 1, SPACE_S + 2, SPACE_XS + 1)
        row.setSpacing(SPACE_S)
        row.addWidget(self._picture)
        row.addLayout(words)
        theme.changed.connect(self._draw)
        thumbnails.loaded.connect(self._loaded)
        self._draw()

    @property
    def picture(self) -> QImage:
        """What it looks like: the picture in small, or an icon."""
        return self._picture.pixmap().toImage()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self.opened.emit(self._file)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and not event.modifiers():
            self.opened.emit(self._file)
        else:
            super().keyPressEvent(event)

    def _loaded(self, sha256: str) -> None:
        if sha256 == self._file.sha256:
            self._draw()

    def _draw(self) -> None:
        is_image = self._file.media_type.startswith("image/")
        image = self._thumbnails.get(self._file.sha256) if is_image and self._file.sha256 else None
        if image is None:
            self._picture.setPixmap(self._theme.icon("image" if is_image else "file-text").pixmap(20, 20))
        else:
            small = QPixmap.fromImage(image)
            small.setDevicePixelRatio(2.0)
            self._picture.setPixmap(small)
        if is_image:  # the chip does not grow when its picture comes
            self._picture.setFixedSize(THUMBNAIL, THUMBNAIL)
            self._picture.setAlignment(Qt.AlignmentFlag.AlignCenter)


class FileChips(QWidget):
    """The chips of a message, one below the other on its right, or on its left."""

    opened = Signal(object)

    def __init__(
        self, files: Sequence[Attachment], theme: Theme, thumbnails: Thumbnails, *, on_the_right: bool = True
    ) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE_XS)
        self.chips = [FileChip(file, theme, thumbnails) for file in files]
        for chip in self.chips:
            chip.opened.connect(self.opened)
            row = QHBoxLayout()
            if on_the_right:
                row.addStretch(1)
            row.addWidget(chip)
            if not on_the_right:
                row.addStretch(1)
            column.addLayout(row)
