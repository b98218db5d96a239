"""The messages of a chat as a screen reader asks for them: items of a list, with who said it, when, and what."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import ref

from PySide6.QtCore import QDateTime, QLocale
from PySide6.QtGui import QAccessible

from nodetool_xl_desktop.core.text import one_line
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.ui.accessible import Accessible

if TYPE_CHECKING:
    from nodetool_xl_desktop.ui.transcript.message_frame import MessageView

#: Of how a message begins, in letters; all of it stands in its texts.
BEGINNING = 300


class TurnAccessible(Accessible):
    """One message."""

    def __init__(self, view: MessageView) -> None:
        super().__init__(view, QAccessible.Role.ListItem)
        self._of = ref(view)  # what PySide made for Qt it keeps longer than the view lives

    def text(self, kind: QAccessible.Text) -> str:
        """Who said it and when; and how it begins."""
        view = self._of()
        if view is not None and kind is QAccessible.Text.Name:
            who, ms = view.accessibleName(), view.message.created_ms
            if ms <= 0:
                return who
            when = QLocale().toString(QDateTime.fromMSecsSinceEpoch(ms).time(), QLocale.FormatType.ShortFormat)
            return tr("{who}, {time}", who=who, time=when)
        if view is not None and kind is QAccessible.Text.Description and view.texts and not view.message.is_open:
            return one_line(view.texts[0].told.refresh().text, BEGINNING)
        return str(super().text(kind))
