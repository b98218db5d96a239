"""The numbers and times that a hub says, as they are shown: short."""

from __future__ import annotations

from datetime import UTC, datetime

from nodetool_xl_desktop.core.translation import tr

_DAY, _WEEK, _MONTH, _YEAR = 1, 7, 30, 365


def count(number: int) -> str:
    """A number of people or of downloads: "740", "1.2k", "34k", "1.2M"."""
    for step, mark in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if number >= step * 0.9995:
            share = number / step
            return f"{share:.1f}{mark}" if share < 9.95 else f"{share:.0f}{mark}"
    return str(max(0, number))


def parameters(number: int) -> str:
    """A number of parameters: "0.6B", "8B", "135M"."""
    if number >= 999.5e9:
        return f"{number / 1e12:.3g}T"
    if number >= 999.5e6:
        return f"{number / 1e9:.2g}B" if number < 9.95e9 else f"{number / 1e9:.0f}B"
    return f"{number / 1e6:.0f}M"


def ago(then: datetime, now: datetime | None = None) -> str:
    """How long ago something was: "today", "3 days ago", "2 years ago"; a clock that goes wrong makes nothing of it."""
    then = then if then.tzinfo else then.replace(tzinfo=UTC)
    days = ((now or datetime.now(UTC)) - then).days
    if days < _DAY:
        return "today"
    if days < 2 * _DAY:
        return "yesterday"
    for step, name in ((_YEAR, "year"), (_MONTH, "month"), (_WEEK, "week"), (_DAY, "day")):
        if days >= step:
            number = days // step
            return tr("{number} {name}{part} ago", number=number, name=name, part="" if number == 1 else "s")
    return ""
