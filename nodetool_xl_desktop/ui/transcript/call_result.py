"""What a tool answered, in its card: folded where it is long, copied whole, pictures in small."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from nodetool_xl_desktop.core.translation import tr, trn
from nodetool_xl_desktop.store.parts import Attachment, ToolAnswer
from nodetool_xl_desktop.ui.parts import restyle, set_tip, size_icon
from nodetool_xl_desktop.ui.theme import SPACE_M, SPACE_S, Theme
from nodetool_xl_desktop.ui.transcript.code_text import MOST_LETTERS, CodeText
from nodetool_xl_desktop.ui.transcript.fold import TurnButton, TurnToolButton
from nodetool_xl_desktop.ui.transcript.message_files import FileChip, FileChips, Thumbnails

#: So much of a long result is seen until one asks for the rest: in lines, and in letters.
FOLDED_LINES, FOLDED_LETTERS = 8, 800


class ResultView(QFrame):
    """One result, or why there is none."""

    file_opened = Signal(object)

    def __init__(self, theme: Theme, thumbnails: Thumbnails) -> None:
        super().__init__()
        self.setObjectName("callResult")
        self._theme = theme
        self._thumbnails = thumbnails
        self._answer: ToolAnswer | None = None
        self._whole = ""
        self._is_open = False
        self._chips: FileChips | None = None
        self._text = CodeText(theme, tr("Result"))
        self._copy = TurnToolButton()
        size_icon(self._copy, 14)
        self._copy.setAccessibleName(tr("Copy the Result"))
        set_tip(self._copy, tr("Copy the result, all of it"))
        self._copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self._whole))
        self._more: TurnButton | None = None
        top = QHBoxLayout()
        top.setSpacing(SPACE_S)
        top.addWidget(self._text, 1)
        top.addWidget(self._copy, 0, Qt.AlignmentFlag.AlignTop)
        self._rows = QVBoxLayout(self)
        self._rows.setContentsMargins(SPACE_M, SPACE_S, SPACE_S, SPACE_S)
        self._rows.setSpacing(SPACE_S)
        self._rows.addLayout(top)
        theme.changed.connect(self._draw)
        self._draw()

    @property
    def stops(self) -> tuple[QWidget, ...]:
        """Where Tab goes, in order."""
        return (self._text, self._copy, *((self._more,) if self._more is not None else ()))

    @property
    def files(self) -> tuple[FileChip, ...]:
        """The picture, where the result is one."""
        return tuple(self._chips.chips) if self._chips is not None else ()

    def show_answer(self, answer: ToolAnswer) -> None:
        """Show it; nothing changes where it is shown already."""
        if answer == self._answer:
            return
        self._answer = answer
        self._whole = answer.error or answer.text
        restyle(self._text, "tone", "bad" if answer.error and not answer.denied else "muted" if answer.denied else "")
        self._text.setAccessibleName(tr("Why There Is No Result") if answer.error else tr("Result"))
        self._show_text()
        if answer.sha256 and self._chips is None:
            picture = Attachment(answer.sha256, tr("Picture from {name}", name=answer.name), answer.media_type, 0)
            self._chips = FileChips([picture], self._theme, self._thumbnails, on_the_right=False)
            self._chips.opened.connect(self.file_opened)
            self._rows.insertWidget(0, self._chips)

    def settle(self) -> None:
        """Have its layout done."""
        self._rows.activate()

    def _show_text(self) -> None:
        shown = self._whole[:MOST_LETTERS] if self._is_open else _beginning(self._whole)
        is_long = _beginning(self._whole) != self._whole
        self._text.set_text(f"{shown.rstrip()} …" if shown != self._whole else shown or tr("(nothing)"))
        has_text = bool(self._whole) or self._answer is None or not self._answer.sha256
        self._text.setVisible(has_text)
        self._copy.setVisible(bool(self._whole))
        if self._more is None and is_long:
            self._more = TurnButton("", "quiet")
            self._more.clicked.connect(self._toggle)
            self._rows.addWidget(self._more, 0, Qt.AlignmentFlag.AlignLeft)
        if self._more is not None:
            self._more.setVisible(is_long)
            self._more.setText(self._words_of_more())

    def _words_of_more(self) -> str:
        """What the button says, and how much there is."""
        if self._is_open:
            if len(self._whole) <= MOST_LETTERS:
                return tr("Show Less")
            return trn(
                "Show Less (the first {count} letter is shown; Copy takes all)",
                "Show Less (the first {count:,} letters are shown; Copy takes all)",
                MOST_LETTERS,
            )
        lines = self._whole.count("\n") + 1
        if lines > FOLDED_LINES:
            return trn("Show All of {count} Line", "Show All {count:,} Lines", lines)
        return trn("Show All of {count} Letter", "Show All {count:,} Letters", len(self._whole))

    def _toggle(self) -> None:
        self._is_open = not self._is_open
        self._show_text()

    def _draw(self) -> None:
        self._copy.setIcon(self._theme.icon("copy"))


def _beginning(text: str) -> str:
    """So much of it that one sees what it is."""
    lines = text[: FOLDED_LETTERS + 1].split("\n", FOLDED_LINES)[:FOLDED_LINES]
    return "\n".join(lines)[:FOLDED_LETTERS] if len(text) > FOLDED_LETTERS or text.count("\n") >= FOLDED_LINES else text
