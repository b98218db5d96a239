"""What the composer says: a note beside its buttons, and above the field what could not be attached."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QSize, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QWidget

from nodetool_xl_desktop.chat.attaching import WHAT_WORKS
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.translation import tr, trn
from nodetool_xl_desktop.ui.notice import Notice
from nodetool_xl_desktop.ui.parts import set_tip
from nodetool_xl_desktop.ui.theme import SPACE_S

#: Two lines of a note.
HINT_HEIGHT = 34
#: So many refused files are told one by one.
TOLD = 4


class Hint(QLabel):
    """A note of two lines at most, whose height does not follow its text: what is told must not move the buttons."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(True)
        self.setProperty("kind", "note")
        self.setFixedHeight(HINT_HEIGHT)

    def hasHeightForWidth(self) -> bool:
        return False

    def sizeHint(self) -> QSize:
        return QSize(0, HINT_HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return QSize(0, HINT_HEIGHT)


class Told(QObject):
    """The hint with its link, and the notice.

    Args:
        composer: the widget they stand in.
    """

    #: The link or the notice was pressed: the next key goes into the field again.
    answered = Signal()

    def __init__(self, composer: QWidget) -> None:
        super().__init__(composer)
        self.hint = Hint(composer)
        self.link = QPushButton(composer)
        self.link.setProperty("kind", "link")
        self.link.clicked.connect(self._link_pressed)
        self.link.hide()
        self.notice = Notice()
        self.notice.remedy_requested.connect(self._notice_pressed)
        #: Where the hint stands: beside the buttons, or above them where there is no room.
        self.beside, self.above = QHBoxLayout(), QHBoxLayout()
        self.beside.setSpacing(SPACE_S)
        self.beside.addStretch()  # so that the buttons stay where they are in a narrow window
        self._narrow: bool | None = None
        self._others = self._own = ""
        self._remedy: Callable[[], object] | None = None
        self._problems: list[UserFacingError] = []

    def place(self, narrow: bool) -> None:
        """Stand beside the buttons, or above them."""
        if narrow == self._narrow:
            return
        self._narrow = narrow
        for row in (self.above, self.beside):
            row.removeWidget(self.hint)
            row.removeWidget(self.link)
        row = self.above if narrow else self.beside
        row.insertWidget(0, self.hint, 1)
        row.insertWidget(1, self.link)
        self._show()

    def set_hint(self, text: str) -> None:
        """What another part of the program has to say, while the composer itself says nothing."""
        self._others = text
        self._show()

    def say(self, text: str, link: str = "", remedy: Callable[[], object] | None = None) -> None:
        """Say something, with a link that does something about it."""
        self._own, self._remedy = text, remedy
        self.link.setText(link)
        self._show()

    def unsay(self) -> None:
        """That is over."""
        self.say("")

    @property
    def has_link(self) -> bool:
        """Whether something is offered."""
        return self._remedy is not None

    def refuse(self, error: UserFacingError) -> None:
        """Say what was not attached, with what was refused before it."""
        self._problems.append(error)
        if len(self._problems) == 1:
            self.notice.tell(error.what, error.explanation, remedy="OK")
            return
        count = len(self._problems)
        begin, end = tr("{name} was not attached", name="\0").split("\0")
        names = [each.what.removeprefix(begin).removesuffix(end) for each in self._problems[:TOLD]]
        lines = [
            tr("{name}: {why}.", name=name, why=problem.why)
            for name, problem in zip(names, self._problems, strict=False)
        ]
        if count > TOLD:
            lines.append(trn("And {count} more.", "And {count:,} more.", count - TOLD))
        self.notice.tell(
            trn("{count} file was not attached", "{count:,} files were not attached", count),
            "\n".join([*lines, WHAT_WORKS]),
            remedy="OK",
        )

    def dismiss(self) -> None:
        """What was refused is seen."""
        self._problems.clear()
        self.notice.hide()

    def _notice_pressed(self) -> None:
        self.dismiss()
        self.answered.emit()

    def _link_pressed(self) -> None:
        remedy = self._remedy
        self.unsay()
        self.answered.emit()
        if remedy is not None:
            remedy()

    def _show(self) -> None:
        text = self._own or self._others
        self.hint.setText(text)
        set_tip(self.hint, text)
        self.hint.setVisible(bool(text) or not self._narrow)
        self.link.setVisible(self._remedy is not None)
