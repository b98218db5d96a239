"""Errors that a person can act on.

An error is either for the user (a `UserFacingError`: what happened, why, what to do) or a bug (anything else).
The window and the command line show the first as it stands; the second goes to the log with its traceback.
"""

from __future__ import annotations

import re

#: Of the first word: it is a name, such as of a file, a setting or a place, and no word of a language.
_NAME = re.compile(r"\w[._/\\:]+\w")


class UserFacingError(Exception):
    """Something that could not be done, told to a person.

    Attributes:
        what: what happened, one short sentence without a full stop at its end.
        why: the cause as far as it is known; may be empty.
        hint: what the person can do about it; may be empty.
    """

    def __init__(self, what: str, why: str = "", hint: str = "") -> None:
        super().__init__(what, why, hint)
        self.what = what
        self.why = why
        self.hint = hint

    @property
    def explanation(self) -> str:
        """Why, and what to do, as sentences; may be empty."""
        return " ".join(_sentence(_begun(part)) for part in (self.why, self.hint) if part)

    def __str__(self) -> str:
        """The whole error on one line, as the command line prints it."""
        head = f"{self.what}: {self.why}" if self.why else self.what
        return " ".join(" ".join((_sentence(head), _sentence(self.hint) if self.hint else "")).split())


def _begun(text: str) -> str:
    """As a sentence begins, but for a name that is written as it is, such as of a file: `settings.toml, line 3`."""
    first = text.split(maxsplit=1)[0] if text.strip() else ""
    return text if _NAME.search(first) else f"{text[:1].upper()}{text[1:]}"


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?", "`")) else f"{text}."
