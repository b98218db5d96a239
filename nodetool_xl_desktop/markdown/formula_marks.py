r"""Where formulas are: `$...$`, `$$...$$`, `\(...\)`, `\[...\]`; and where a dollar is money."""

from __future__ import annotations

import re

#: How a formula on lines of its own begins, and how it ends.
FORMULA_MARKS = {"$$": "$$", "\\[": "\\]"}

_DOLLARS = re.compile(r"\$(?:[^$\\\n]|\\.|\n(?!\n))++\$", re.DOTALL)
_DOUBLE = re.compile(r"\$\$(?:[^$\\]|\\.|\$(?!\$))++\$\$", re.DOTALL)
_PRICE = re.compile(r"[^\\^_={}+*/<>]*\s[^\W\d_]{2,}[^\\^_={}]*")


def dollars_end(source: str, at: int) -> tuple[int, int]:
    """Where a formula that begins at this dollar ends, and how wide its marks are; -1 for none."""
    before = source[at - 1] if at else " "
    if before.isalnum() or before in "$\\":
        return -1, 0
    if source.startswith("$$", at):
        match = _DOUBLE.match(source, at) if source.find("$$", at + 2) >= 0 else None
        return (match.end(), 2) if match and match[0].strip("$ \n") else (-1, 0)
    match = _DOLLARS.match(source, at)
    return (match.end(), 1) if match and _is_formula(match[0][1:-1], source[match.end() : match.end() + 1]) else (-1, 0)


def _is_formula(inside: str, after: str) -> bool:
    """Whether what stands between two dollars is more than two prices with words between."""
    if inside[0].isspace() or inside[-1].isspace() or after.isalnum() or after == "$":
        return False
    return not (inside[0].isdigit() and _PRICE.fullmatch(inside))
