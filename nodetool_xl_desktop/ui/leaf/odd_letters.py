"""Letters that are not seen, or that make others be seen elsewhere: shown so that nobody is deceived by them.

A terminal's escapes, and the marks that turn the direction of a line, can make text look like another one than it is
(CVE-2021-42574, "Trojan Source"). Each of them is shown as one visible mark, so that offsets stay what they are.
"""

from __future__ import annotations

import re
import unicodedata

from nodetool_xl_desktop.core.translation import tr

#: Stands for a letter without a picture of its own.
MARK = "\N{WHITE SQUARE}"

# C0 and C1 but tab and line feed, separators of lines and paragraphs, overrides and embeddings of direction,
# surrogates without their half, Qt's place of an object, language tags, noncharacters.
_ALWAYS = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\ud800-\udfff\ufffc\ufdd0-\ufdef\ufffe\uffff"
    "\U000e0000-\U000e0fff"
)
# In code also what is used in prose: direction marks and isolates, joiners, spaces without width, a soft hyphen.
_IN_CODE = _ALWAYS + "\u00ad\u034f\u061c\u115f\u1160\u180e\u200b-\u200f\u2060-\u206f\u3164\ufeff\uffa0"
_PROSE = re.compile(f"[{_ALWAYS}]")
_CODE = re.compile(f"[{_IN_CODE}]")
_TAGGED_FLAG = "\N{WAVING BLACK FLAG}"


def visible(text: str, *, code: bool = False) -> tuple[str, list[int]]:
    """A text as it is shown, as long as it was, and where a mark stands for a letter.

    Args:
        text: as a model wrote it.
        code: show also what prose needs (joiners, isolates) and code does not.
    """
    if text.isascii() and text.isprintable():
        return text, []
    pattern = _CODE if code else _PROSE
    if pattern.search(text) is None:
        return text, []
    places: list[int] = []

    def mark(match: re.Match[str]) -> str:
        letter, at = match[0], match.start()
        if _belongs(text, at, letter):
            return letter
        places.append(at)
        number = ord(letter)
        if number < 0x20:
            return chr(0x2400 + number)  # the pictures that Unicode has for them
        return "\N{SYMBOL FOR DELETE}" if number == 0x7F else MARK

    return pattern.sub(mark, text), places


def name_of(letter: str) -> str:
    """What to say of a letter that a mark stands for: `U+202E RIGHT-TO-LEFT OVERRIDE`."""
    name = unicodedata.name(letter, "")
    if not name and ord(letter) in (*range(0x20), *range(0x7F, 0xA0)):
        name = tr("Escape") if letter == "\x1b" else tr("control character")
    return f"U+{ord(letter):04X} {name}".rstrip()


def _belongs(text: str, at: int, letter: str) -> bool:
    """Whether it makes up an emoji: a joiner between two pictures, or the tags of a flag."""
    if letter == "\N{ZERO WIDTH JOINER}":
        return 0 < at < len(text) - 1 and ord(text[at - 1]) > 0x2190 and ord(text[at + 1]) > 0x2190
    if 0xE0020 <= ord(letter) <= 0xE007F:
        return _TAGGED_FLAG in text[max(0, at - 7) : at]
    return False
