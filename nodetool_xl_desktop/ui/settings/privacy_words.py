"""What the Privacy page says of whom the program has asked."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QDateTime, QLocale

from nodetool_xl_desktop.core.connections import Contact
from nodetool_xl_desktop.core.text import one_line
from nodetool_xl_desktop.core.translation import tr, trn

#: Hosts that are named in the row itself; the others are in its tip.
NAMED = 2
_LONGEST = 80


def asked(contacts: Sequence[Contact]) -> str:
    """Who was asked for one purpose, the last one first, on one line."""
    if not contacts:
        return tr("None since the program began")
    told = " · ".join(map(_told, contacts[:NAMED]))
    more = len(contacts) - NAMED
    return told if more <= 0 else trn("{told} · {count} more", "{told} · {count} more", more, told=told)


def all_asked(contacts: Sequence[Contact]) -> str:
    """All of them, a line each."""
    return "\n".join(map(_told, contacts))


def _told(contact: Contact) -> str:
    name, when = one_line(contact.name, _LONGEST), _when(contact.last)
    if contact.times == 1:
        return tr("{name}: once, at {when}", name=name, when=when)
    return trn("{name}: {count} time, last at {when}", "{name}: {count:,} times, last at {when}", contact.times,
               name=name, when=when)  # fmt: skip


def _when(time: float) -> str:
    """The time of day, with the day where that is not today."""
    at, short = QDateTime.fromSecsSinceEpoch(round(time)), QLocale.FormatType.ShortFormat
    if at.date() == QDateTime.currentDateTime().date():
        return QLocale().toString(at.time(), short)
    return QLocale().toString(at, short)
