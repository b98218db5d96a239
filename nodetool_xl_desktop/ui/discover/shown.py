"""The numbers and times that a hub says, as they are shown: short."""

from __future__ import annotations

from datetime import UTC, datetime

from nodetool_xl_desktop.core.translation import number, tr, trn

_DAY, _WEEK, _MONTH, _YEAR = 1, 7, 30, 365


def count(many: int) -> str:
    """A number of people or of downloads: "740", "1.2k", "34k", "1.2M"."""
    for step, mark in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if many >= step * 0.9995:
            share = many / step
            return number(f"{share:.1f}{mark}" if share < 9.95 else f"{share:.0f}{mark}")
    return str(max(0, many))


def parameters(count: int) -> str:
    """A number of parameters: "0.6B", "8B", "135M"."""
    if count >= 999.5e9:
        return number(f"{count / 1e12:.3g}T")
    if count >= 999.5e6:
        return number(f"{count / 1e9:.2g}B" if count < 9.95e9 else f"{count / 1e9:.0f}B")
    return number(f"{count / 1e6:.0f}M")


def ago(then: datetime, now: datetime | None = None) -> str:
    """How long ago something was: "today", "3 days ago", "2 years ago"; a clock that goes wrong makes nothing of it."""
    then = then if then.tzinfo else then.replace(tzinfo=UTC)
    days = ((now or datetime.now(UTC)) - then).days
    if days < _DAY:
        return tr("today")
    if days < 2 * _DAY:
        return tr("yesterday")
    if days >= _YEAR:
        return trn("{count} year ago", "{count} years ago", days // _YEAR)
    if days >= _MONTH:
        return trn("{count} month ago", "{count} months ago", days // _MONTH)
    if days >= _WEEK:
        return trn("{count} week ago", "{count} weeks ago", days // _WEEK)
    return trn("{count} day ago", "{count} days ago", days // _DAY)
