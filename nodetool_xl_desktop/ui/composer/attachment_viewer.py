"""What an attachment holds, to be looked at."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal, SignalInstance
from PySide6.QtGui import QGuiApplication, QImage, QPixmap
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from nodetool_xl_desktop.core.translation import tr, trn
from nodetool_xl_desktop.ui.parts import caption, label
from nodetool_xl_desktop.ui.theme import SPACE_L, SPACE_M, SPACE_S

SIZE = (680, 520)
#: So much of a long text is shown, in characters.
SHOWN = 200_000


class AttachmentViewer(QDialog):
    """A text or a picture, read-only.

    Args:
        name: what it is called.
        facts: its size and its cost.
        text: what it says; None of a picture.
        picture: the picture; None of a text.
        parent: the window it belongs to.
        is_sent: whether it can only be looked at.
    """

    #: The text is to stand in the message itself.
    put_requested = Signal()
    remove_requested = Signal()

    def __init__(
        self,
        name: str,
        facts: str,
        text: str | None,
        picture: QImage | None,
        parent: QWidget,
        *,
        is_sent: bool = False,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(caption(name, 80).replace("&&", "&"))
        self.resize(*SIZE)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE_L, SPACE_L, SPACE_L, SPACE_L)
        layout.setSpacing(SPACE_S)
        layout.addWidget(label(name, "title", wrap=True))
        layout.addWidget(label(facts, "note", wrap=True))
        layout.addWidget(_of_picture(picture) if picture is not None else _of_text(text or ""), 1)
        if text is not None and len(text) > SHOWN:
            layout.addWidget(
                label(
                    trn(
                        "The first {shown:,} of {count} character is shown; all of it goes along.",
                        "The first {shown:,} of {count:,} characters are shown; all of it goes along.",
                        len(text),
                        shown=SHOWN,
                    ),
                    "note",
                )
            )
        row = QHBoxLayout()
        row.setSpacing(SPACE_S)
        row.setContentsMargins(0, SPACE_M - SPACE_S, 0, 0)
        if not is_sent:
            row.addWidget(self._button(tr("Remove"), self.remove_requested))
        row.addStretch()
        if text is not None and not is_sent:
            row.addWidget(self._button(tr("Put into the message"), self.put_requested))
        close = QPushButton(tr("Close"))
        close.setProperty("kind", "primary")
        close.setDefault(True)
        close.clicked.connect(self.accept)
        row.addWidget(close)
        layout.addLayout(row)
        self.finished.connect(self.deleteLater)

    def _button(self, text: str, does: SignalInstance) -> QPushButton:
        made = QPushButton(text)
        made.setAutoDefault(False)
        made.clicked.connect(self.accept)
        made.clicked.connect(does)
        return made


def _of_text(text: str) -> QWidget:
    view = QPlainTextEdit()
    view.setObjectName("attachmentText")
    view.setReadOnly(True)
    view.setAccessibleName(tr("What the attachment says"))
    view.setTextInteractionFlags(
        Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
    )
    view.setTabChangesFocus(True)
    view.setPlainText(text[:SHOWN])
    return view


def _of_picture(picture: QImage) -> QWidget:
    view = QLabel()
    view.setAccessibleName(tr("The attached picture"))
    view.setAlignment(Qt.AlignmentFlag.AlignCenter)
    ratio = QGuiApplication.primaryScreen().devicePixelRatio()
    room = (round((SIZE[0] - 2 * SPACE_L) * ratio), round((SIZE[1] - 140) * ratio))
    if picture.width() > room[0] or picture.height() > room[1]:
        picture = picture.scaled(*room, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation)
    pixmap = QPixmap.fromImage(picture)
    pixmap.setDevicePixelRatio(ratio)
    view.setPixmap(pixmap)
    return view
