"""Values as a hub tells them, which may be anything: what makes no sense becomes None or nothing here."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from nodetool_xl_desktop.core.text import one_line

#: Of a text, in letters; of a list, in entries; of a number.
_LONGEST = 200
_MOST_TAGS = 200
_LARGEST = 2**53


def text(told: Any) -> str:
    """One line without what cannot be seen (which may turn the direction of what follows), not too long."""
    return one_line(told, _LONGEST) if isinstance(told, str) else ""


def texts(told: Any) -> tuple[str, ...]:
    """A list of such texts, or a single one."""
    entries = [told] if isinstance(told, str) else told if isinstance(told, list | tuple) else []
    return tuple(word for word in map(text, entries[:_MOST_TAGS]) if word)


def tags(told: Any) -> tuple[str, ...]:
    """What a hub attaches to a repository."""
    return texts(told) if isinstance(told, list) else ()


def count(told: Any) -> int | None:
    """How many; None where it is no number of things."""
    return told if isinstance(told, int) and not isinstance(told, bool) and 0 <= told < _LARGEST else None


def is_gated(told: Any) -> bool:
    """False, or how people are let in: "auto" or "manual"."""
    return told is True or (isinstance(told, str) and bool(told))


def moment(told: Any) -> datetime | None:
    """A time in UTC, from a datetime or as the hub writes it ("2026-08-19T07:19:38.123Z")."""
    try:
        when = datetime.fromisoformat(told) if isinstance(told, str) else told
        return when.astimezone(UTC) if isinstance(when, datetime) and when.tzinfo else None
    except (ValueError, OverflowError):
        return None
