"""A new answer for people who hear the program: sentence by sentence, what the model does meanwhile, and its end.

Nothing is worked out while nobody listens.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Signal

from nodetool_xl_desktop.core.text import one_line
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.markdown.spoken import Spoken
from nodetool_xl_desktop.store.records import Message, State
from nodetool_xl_desktop.ui.transcript.answer_parts import CallPiece, Piece, TextPiece, ThoughtPiece, pieces_of
from nodetool_xl_desktop.ui.transcript.call_desk import CallDesk
from nodetool_xl_desktop.ui.transcript.call_words import Stand, stand_of, words_of

#: Between two announcements, at least; what comes meanwhile is said together.
PAUSE_MS = 800
#: At most so much at once: a screen reader cannot go back in an announcement.
MOST_LETTERS = 600
#: Of an answer that is met for the first time with more text than this, only what comes now is said: it is continued.
OLD_LETTERS = 300


class Announcer(QObject):
    """Of one transcript.

    Args:
        parent: the transcript.
        desk: how it stands with calls.
        is_unfolded: whether the person opened the reasoning of a message (its id, the number of the piece).
        is_heard: whether anybody listens.
    """

    #: These words are to be heard now (str); whether before whatever is being read (bool).
    said = Signal(str, bool)

    def __init__(
        self,
        parent: QObject,
        desk: CallDesk,
        is_unfolded: Callable[[str, int], bool],
        is_heard: Callable[[], bool],
    ) -> None:
        super().__init__(parent)
        self._desk, self._is_unfolded, self._is_heard = desk, is_unfolded, is_heard
        self._of = ""  # the message that is told
        self._is_over = False  # and its end is among what is said, or waits to be
        self._spoken: dict[int, Spoken] = {}
        self._told: set[tuple[int, object]] = set()
        self._waiting: list[str] = []
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(PAUSE_MS)
        self._pause.timeout.connect(self._say_next)

    @property
    def message(self) -> str:
        """The answer that is told, or that was last; empty for none."""
        return self._of

    def hear(self, message: Message) -> None:
        """An answer is this now: it grows, or it has come to its end."""
        if not self._is_heard():
            if self._of:
                self.be_quiet()
            return
        if message.id != self._of or self._is_over:
            if not message.is_open:
                return
            self._begin(message)
        pieces = pieces_of(message.parts)
        for at, piece in enumerate(pieces):
            self._tell(at, piece, message, more=message.is_open and at == len(pieces) - 1)
        if not message.is_open:
            self._waiting.append(_end(message))
            self._is_over = True
        if self._waiting and not self._pause.isActive():
            self._say_next()

    def be_quiet(self) -> None:
        """The answer is not shown any longer."""
        self._of, self._is_over = "", False
        self._waiting.clear()
        self._pause.stop()

    def _begin(self, message: Message) -> None:
        """Another answer, or the same is continued; what waits to be said of the one before comes first."""
        is_continued = message.id == self._of
        self._of, self._is_over = message.id, False
        self._spoken, self._told = {}, set()
        pieces = pieces_of(message.parts)
        letters = sum(len(piece.text) for piece in pieces if isinstance(piece, TextPiece))
        if letters <= OLD_LETTERS and not is_continued:
            return
        for at, piece in enumerate(pieces):
            if isinstance(piece, CallPiece):
                stand = self._stand(piece, message)
                self._told.update({(at, stand)} if stand is not Stand.WAITING else ())
            else:
                self._told.add((at, "thinking"))
                self._speaker(at, piece).skip(piece.text)

    def _speaker(self, at: int, piece: TextPiece | ThoughtPiece) -> Spoken:
        if at not in self._spoken:
            self._spoken[at] = Spoken(plain=isinstance(piece, ThoughtPiece))
        return self._spoken[at]

    def _tell(self, at: int, piece: Piece, message: Message, *, more: bool) -> None:
        if isinstance(piece, CallPiece):
            self._tell_call(at, piece, message)
        elif isinstance(piece, TextPiece) or self._is_unfolded(message.id, at):
            self._waiting += self._speaker(at, piece).take(piece.text, more=more)
        elif (at, "thinking") not in self._told:
            self._told.add((at, "thinking"))
            self._waiting.append(tr("Thinking"))

    def _stand(self, piece: CallPiece, message: Message) -> Stand:
        return stand_of(piece, message, self._desk.live(piece.id))

    def _tell_call(self, at: int, piece: CallPiece, message: Message) -> None:
        stand = self._stand(piece, message)
        if (at, stand) in self._told or stand is Stand.COMING:
            return
        self._told.add((at, stand))
        title = one_line(self._desk.title(piece.name) or tr("Tool"), 80)
        words = tr("Tool call {title}, {words}", title=title, words=words_of(stand, piece, message))
        if stand is Stand.WAITING:
            self.said.emit(words, True)
        else:
            self._waiting.append(words)

    def _say_next(self) -> None:
        words, letters = 0, 0
        while words < len(self._waiting) and (not words or letters + len(self._waiting[words]) <= MOST_LETTERS):
            letters += len(self._waiting[words]) + 1
            words += 1
        if words:
            said = " ".join(self._waiting[:words])
            del self._waiting[:words]
            self._pause.start()  # before anybody hears it: they may do something
            self.said.emit(said, False)


def _end(message: Message) -> str:
    if message.about.error is not None:
        return tr("The answer failed: {what}", what=one_line(message.about.error.what, 300))
    if message.state is State.COMPLETE:
        return tr("Answer complete.")
    if message.state is State.CUT:
        return tr("The answer was cut: the limit of tokens is reached.")
    return tr("Answer stopped.") if message.state is State.STOPPED else tr("The answer is not complete.")
