"""The dialog of the hub that is asked: Hugging Face, or a mirror of it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.text import one_line
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.hub.endpoint import hub_of, parse_endpoint
from nodetool_xl_desktop.ui.discover.fitting import FittingDialog
from nodetool_xl_desktop.ui.inputs import in_order
from nodetool_xl_desktop.ui.notice import Notice
from nodetool_xl_desktop.ui.parts import field, label
from nodetool_xl_desktop.ui.theme import SPACE_M, SPACE_S, SPACE_XL

WIDTH = 480


class HubDialog(FittingDialog):
    """Takes an address.

    Args:
        endpoint: the one that is chosen; empty for the default.
        parent: the window.
    """

    #: Ask this hub from now on; empty for the default.
    endpoint_given = Signal(str)

    def __init__(self, endpoint: str, parent: QWidget | None = None) -> None:
        super().__init__(tr("Hub"), WIDTH, parent)
        self._usual = hub_of(None)
        self.edit = QLineEdit(endpoint)
        self.edit.setFrame(False)
        self.edit.setMaxLength(2000)
        self.edit.setPlaceholderText(self._usual)
        self.edit.setAccessibleName(tr("Address of the hub"))
        self.notice = Notice()
        self.usual = QPushButton(tr("Use the Default"))
        self.cancel = QPushButton(tr("Cancel"))
        self.use = QPushButton(tr("Use This Hub"))
        self.use.setProperty("kind", "primary")
        self.use.setDefault(True)
        self.usual.setAutoDefault(False)
        self.cancel.setAutoDefault(False)
        self._lay_out()
        self.edit.textChanged.connect(self._edited)
        self.use.clicked.connect(self._give)
        self.usual.clicked.connect(self._give_usual)
        self.cancel.clicked.connect(self.reject)

    def _lay_out(self) -> None:
        foot = QHBoxLayout()
        foot.setSpacing(SPACE_S)
        foot.addWidget(self.usual)
        foot.addStretch()
        foot.addWidget(self.cancel)
        foot.addWidget(self.use)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(SPACE_XL, SPACE_XL, SPACE_XL, SPACE_XL)
        layout.setSpacing(SPACE_M)
        layout.addWidget(label(tr("The hub that is asked for models"), "title"))
        layout.addWidget(
            label(tr("The address of a mirror, or of a hub of your own that speaks the same protocol."), wrap=True)
        )
        layout.addWidget(field(self.edit))
        usual = tr(
            "The default is {usual}. A token that was given for one hub is sent to no other.",
            usual=one_line(self._usual, 80),
        )
        layout.addWidget(label(usual, "note", wrap=True))
        layout.addWidget(self.notice)
        layout.addStretch()
        layout.addLayout(foot)
        in_order(self.edit, self.usual, self.cancel, self.use)

    def _edited(self) -> None:
        if not self.notice.isHidden():
            self.notice.hide()
            self.fit_height()

    def _give(self) -> None:
        text = self.edit.text().strip()
        if not text:
            self._give_usual()
            return
        try:
            endpoint = parse_endpoint(text)
        except UserFacingError as error:
            self.notice.tell_error(error)
            self.fit_height()
            self.edit.setFocus()
            return
        self.accept()
        self.endpoint_given.emit("" if endpoint == self._usual else endpoint)

    def _give_usual(self) -> None:
        self.accept()
        self.endpoint_given.emit("")
