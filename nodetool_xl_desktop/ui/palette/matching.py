"""How well a name answers to what was typed: pure, and quick enough for ten thousand names at each key."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum


class Fit(IntEnum):
    """How a name answers, the best first."""

    BEGINS = 0  # "new c" of "New Chat"
    WORDS = 1  # "ch n" of "New Chat"
    INITIALS = 2  # "nc" of "New Chat"
    HOLDS = 3  # "hat" of "New Chat"
    LETTERS = 4  # "rgnt" of "Regenerate"


def fit(words: Sequence[str], name: str, *, by_letters: bool = True) -> Fit | None:
    """How a name answers to these words; None where it does not.

    Args:
        words: what was typed, folded (`str.casefold`), at least one.
        name: folded too.
        by_letters: whether letters in their order are enough, from the beginning of a word on; they answer to much.
    """
    if name.startswith(" ".join(words)):
        return Fit.BEGINS
    holds = all(word in name for word in words)
    if not holds and not by_letters:
        return None
    of_name = name.split()
    if holds and all(any(each.startswith(word) for each in of_name) for word in words):
        return Fit.WORDS
    if "".join(each[0] for each in of_name).startswith("".join(words)):
        return Fit.INITIALS
    if holds:
        return Fit.HOLDS
    return Fit.LETTERS if all(_has_letters(word, of_name) for word in words) else None


def _has_letters(word: str, of_name: Sequence[str]) -> bool:
    """Whether the letters of a word follow each other in the name, from the beginning of one of its words on."""
    for start, each in enumerate(of_name):
        if each[0] == word[0]:
            left = iter(" ".join(of_name[start:]))
            if all(letter in left for letter in word):
                return True
    return False
