"""Texts of unknown origin (names in files, on disks and on hubs), as they can be shown.

Such a text may be a megabyte long, turn the direction of what follows it, or hold halves of letters that no font has
and no file of ours can be written with.
"""

from __future__ import annotations

#: No line for people has more letters.
LONGEST = 1000
#: These make one emoji of several.
_JOINERS = "\u200c\u200d"


def visible(text: str) -> str:
    """The text with a space for each letter that cannot be seen: line feeds, marks of direction, control letters.

    Half a letter becomes a question mark in a diamond. As long as the text was.
    """
    return text if text.isprintable() else "".join(map(_seen, text))


def one_line(text: str, longest: int = LONGEST) -> str:
    """The visible text on one line of at most so many letters; where some had to go, the last is an ellipsis."""
    cut = text[: 4 * longest]  # before anything looks at each letter
    line = " ".join(visible(cut).split())
    return line if len(line) <= longest and len(cut) == len(text) else f"{line[: longest - 1].rstrip()}…"


def _seen(letter: str) -> str:
    if letter.isprintable() or letter in _JOINERS:
        return letter
    return "\N{REPLACEMENT CHARACTER}" if "\ud800" <= letter <= "\udfff" else " "
