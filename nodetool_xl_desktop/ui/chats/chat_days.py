"""The sections of the list of chats: today, yesterday, the week before, and then months."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.store.records import Chat

MONTHS = (
    *(tr("January"), tr("February"), tr("March"), tr("April"), tr("May"), tr("June")),
    *(tr("July"), tr("August"), tr("September"), tr("October"), tr("November"), tr("December")),
)
PINNED = tr("Pinned")
#: What a file or a clock gone wrong says beyond these is taken for them: systems differ in how far they reckon.
_EARLIEST_MS, _LATEST_MS = 366 * 86_400_000, 32_000_000_000_000


def sections(chats: Sequence[Chat], today: date) -> Iterator[tuple[str, int]]:
    """The heading of each section, and the number of its first chat; it costs what there are of sections, not of chats.

    Args:
        chats: what was touched last first.
        today: in this machine's time, as the sections are.
    """
    at = 0
    while at < len(chats):
        heading, begin = _section(day_of(chats[at].touched_ms), today)
        yield heading, at
        at = bisect_right(chats, -_begin_ms(begin), at + 1, key=lambda chat: -_known(chat.touched_ms))


def day_of(time_ms: int) -> date:
    """The day of a time, in milliseconds since 1970 in UTC, on this machine."""
    return _local(time_ms).date()


def said_day(day: date, today: date) -> str:
    """A day as a list says it: "Today", "Yesterday", "3 June", "3 June 2025"."""
    if day == today:
        return tr("Today")
    if day == today - timedelta(days=1):
        return tr("Yesterday")
    if day.year == today.year:
        return tr("{day} {month}", day=day.day, month=MONTHS[day.month - 1])
    return tr("{day} {month} {year}", day=day.day, month=MONTHS[day.month - 1], year=day.year)


def said_time(time_ms: int, today: date) -> str:
    """A time as a tooltip says it: "Today, 14:03"."""
    return f"{said_day(day_of(time_ms), today)}, {_local(time_ms):%H:%M}"


def _section(day: date, today: date) -> tuple[str, date]:
    """The heading of the section that a day is in, and the section's first day."""
    if day >= today:  # or from another clock
        return tr("Today"), today
    if day == today - timedelta(days=1):
        return tr("Yesterday"), day
    week = today - timedelta(days=7)
    if day >= week:
        return tr("Last Week"), week
    month = day.replace(day=1)
    name = MONTHS[day.month - 1]
    return name if day.year == today.year else tr("{month} {year}", month=name, year=day.year), month


def _begin_ms(day: date) -> int:
    return int(datetime(day.year, day.month, day.day).timestamp() * 1000)


def _known(time_ms: int) -> int:
    return min(max(time_ms, _EARLIEST_MS), _LATEST_MS)


def _local(time_ms: int) -> datetime:
    return datetime.fromtimestamp(_known(time_ms) / 1000)
