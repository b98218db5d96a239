"""What a hub says, as it is shown: on one line, without letters that cannot be seen, and with short numbers.

All of it comes from the network: a name may be a megabyte long, turn the direction of what follows, or hold halves of
letters that no font has.
"""

from __future__ import annotations

from datetime import UTC, datetime

#: Of a text that comes from a hub no line shows more, in letters.
LONGEST = 300
_DAY, _WEEK, _MONTH, _YEAR = 1, 7, 30, 365


def one_line(text: str, longest: int = LONGEST) -> str:
    """A text on one line, without control letters, marks of direction and halves of letters."""
    cut = text[: 4 * longest]  # before anything looks at each letter
    seen = "".join(letter if letter.isprintable() else " " for letter in cut)
    line = " ".join(seen.split())
    return line if len(line) <= longest and len(cut) == len(text) else f"{line[: longest - 1].rstrip()}…"


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
            return f"{number} {name}{'' if number == 1 else 's'} ago"
    return ""
