"""What in the settings of a server is nobody's business, and how it is kept out of logs, errors and the window."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import parse_qsl, unquote, urlsplit, urlunsplit

HIDDEN = "••••••"

_SECRET_NAME = re.compile(r"key|token|secret|pass|pwd|auth|cred|cookie|session|signature|bearer|private|dsn|pat$", re.I)
#: A value with no space and of no word's length that is no path and no address: a key, whatever it is called.
_SECRET_VALUE = re.compile(r"(?=[^/\\\s]*\d)[\w+=.~-]{20,}")
#: Shorter values stand in so many words that hiding them would hide the log.
_SHORTEST = 4
_PLAIN_HEADERS = ("accept", "accept-language", "content-type", "user-agent")


def is_secret(name: str, value: str) -> bool:
    """Whether what a name stands for must not be shown."""
    return bool(_SECRET_NAME.search(name)) or bool(_SECRET_VALUE.fullmatch(value))


def is_secret_header(name: str) -> bool:
    """Whether the value of a header must not be shown: of nearly all."""
    return name.lower() not in _PLAIN_HEADERS


def shown_pairs(pairs: Mapping[str, str], *, headers: bool = False) -> dict[str, str]:
    """Variables or headers as they may be shown."""
    return {
        name: HIDDEN if (is_secret_header(name) if headers else is_secret(name, value)) else value
        for name, value in pairs.items()
    }


def shown_arguments(args: Sequence[str]) -> list[str]:
    """The arguments of a command as they may be shown: `--api-key X` and `--token=X` without X."""
    shown: list[str] = []
    after_secret = False
    for arg in args:
        name, equals, value = arg.partition("=")
        if after_secret and not arg.startswith("-"):
            shown.append(HIDDEN)
        elif equals and is_secret(name, value):
            shown.append(f"{name}={HIDDEN}")
        else:
            shown.append(HIDDEN if _SECRET_VALUE.fullmatch(arg) and "-" not in arg[:1] else shown_address(arg))
        after_secret = arg.startswith("-") and not equals and bool(_SECRET_NAME.search(arg))
    return shown


def shown_address(url: str) -> str:
    """An address without its password and the values of its query; any other text as it is."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    if not parts.scheme or not parts.netloc:
        return url
    user, at, host = parts.netloc.rpartition("@")
    query = "&".join(f"{name}={HIDDEN}" for name, _ in parse_qsl(parts.query, keep_blank_values=True))
    return urlunsplit(parts._replace(netloc=f"{HIDDEN}{at}{host}" if user else host, query=query))


def secrets_of_pairs(pairs: Mapping[str, str], *, headers: bool = False) -> set[str]:
    """The values among these that must not be shown; of "Bearer X" also X alone."""
    found = set()
    for name, value in pairs.items():
        if is_secret_header(name) if headers else is_secret(name, value):
            found |= {value, *value.split()[1:]}
    return found


def secrets_of_arguments(args: Sequence[str]) -> set[str]:
    """The same of a command's arguments."""
    found = set()
    for arg, shown in zip(args, shown_arguments(args), strict=True):
        if shown == HIDDEN:
            found.add(arg)
        elif shown != arg:
            found |= secrets_of_address(arg) or {arg.partition("=")[2]}
    return found


def secrets_of_address(url: str) -> set[str]:
    """The same of an address: its password, and the values of its query."""
    try:
        parts = urlsplit(url)
        password = parts.password or ""
    except ValueError:
        return set()
    if not parts.scheme or not parts.netloc:
        return set()
    values = {value for _, value in parse_qsl(parts.query)}
    return {password, unquote(password), *values} - {""}


class Redactor:
    """Takes known secrets out of texts.

    Args:
        secrets: those that are hidden wherever they stand; very short ones are not, as they stand in every word.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = sorted({secret for secret in secrets if len(secret) >= _SHORTEST}, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, known))) if known else None

    def clean(self, text: str) -> str:
        """`text` without them."""
        return self._pattern.sub(HIDDEN, text) if self._pattern else text
