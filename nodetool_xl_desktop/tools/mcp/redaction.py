"""What in the settings of a server is nobody's business, and how it is kept out of logs, errors and the window."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import parse_qsl, unquote, urlsplit, urlunsplit

HIDDEN = "••••••"

_SECRET_NAME = re.compile(r"key|token|secret|pass|pwd|auth|cred|cookie|session|signature|bearer|private|dsn|pat$", re.I)
#: A value with no space and of no word's length that is no path and no address: a key, whatever it is called.
_SECRET_VALUE = re.compile(r"(?=[^/\\\s]*\d)[\w+=.~-]{20,}")
#: `Name: value`, as an argument; no address.
_HEADER = re.compile(r"([A-Za-z][\w-]*):(?!//)\s*(.+)", re.S)
_HEADER_FOLLOWS = ("-H", "--header", "--headers")
#: Shorter values stand in so many words that hiding them would hide the log.
_SHORTEST = 4
#: The same of results, which a model may write back into a file: what is hidden there is lost.
_SHORTEST_FOR_MODELS = 8
_PLAIN_HEADERS = ("accept", "accept-language", "content-type", "user-agent")


def is_secret(name: str, value: str) -> bool:
    """Whether what a name stands for must not be shown."""
    return bool(_SECRET_NAME.search(name)) or bool(_SECRET_VALUE.fullmatch(value))


def is_secret_header(name: str) -> bool:
    """Whether the value of a header must not be shown: of nearly all."""
    return name.lower() not in _PLAIN_HEADERS


def shown_arguments(args: Sequence[str]) -> list[str]:
    """The arguments of a command as they may be shown: `--api-key X`, `--token=X`, `--header "Name: X"` without X."""
    return [shown for shown, _ in _judged(args)]


def _judged(args: Sequence[str]) -> list[tuple[str, set[str]]]:
    """Each argument as it may be shown, and what of it may not."""
    judged: list[tuple[str, set[str]]] = []
    before = ""
    for arg in args:
        name, equals, value = arg.partition("=")
        after_secret = before.startswith("-") and "=" not in before and bool(_SECRET_NAME.search(before))
        header = _HEADER.fullmatch(arg)
        if after_secret and not arg.startswith("-"):
            judged.append((HIDDEN, {arg}))
        elif header and ((before in _HEADER_FOLLOWS and is_secret_header(header[1])) or is_secret(*header.groups())):
            judged.append((f"{header[1]}: {HIDDEN}", secrets_of_pairs({header[1]: header[2]}, headers=True)))
        elif equals and is_secret(name, value):
            judged.append((f"{name}={HIDDEN}", {value}))
        elif _SECRET_VALUE.fullmatch(arg) and "-" not in arg[:1]:
            judged.append((HIDDEN, {arg}))
        elif equals and "://" in value and "://" not in name:
            judged.append((f"{name}={shown_address(value)}", secrets_of_address(value)))
        else:
            judged.append((shown_address(arg), secrets_of_address(arg)))
        before = arg
    return judged


def shown_address(url: str) -> str:
    """An address without its password, the keys in its path and the values of its query; any other text as it is."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    if not parts.scheme or not parts.netloc:
        return url
    user, at, host = parts.netloc.rpartition("@")
    query = "&".join(f"{name}={HIDDEN}" for name, _ in parse_qsl(parts.query, keep_blank_values=True))
    path = "/".join(HIDDEN if _SECRET_VALUE.fullmatch(step) else step for step in parts.path.split("/"))
    return urlunsplit(parts._replace(netloc=f"{HIDDEN}{at}{host}" if user else host, path=path, query=query))


def secrets_of_pairs(pairs: Mapping[str, str], *, headers: bool = False) -> set[str]:
    """The values among these that must not be shown; of "Bearer X" also X alone."""
    found = set()
    for name, value in pairs.items():
        if is_secret_header(name) if headers else is_secret(name, value):
            found |= {value, *value.split()[1:]}
    return found


def secrets_of_arguments(args: Sequence[str]) -> set[str]:
    """The same of a command's arguments."""
    return set[str]().union(*(hidden for _, hidden in _judged(args)))


def secrets_of_address(url: str) -> set[str]:
    """The same of an address: its password, the keys in its path, and the values of its query."""
    try:
        parts = urlsplit(url)
        password = parts.password or parts.username or ""  # a token may stand where the name does
    except ValueError:
        return set()
    if not parts.scheme or not parts.netloc:
        return set()
    values = {value for _, value in parse_qsl(parts.query)}
    steps = {step for step in parts.path.split("/") if _SECRET_VALUE.fullmatch(step)}
    return {password, unquote(password), *values, *steps} - {""}


class Redactor:
    """Takes known secrets out of texts.

    Args:
        secrets: those that are hidden wherever they stand; very short ones are not, as they stand in every word.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = sorted(set(secrets), key=len, reverse=True)
        self._pattern, self._longer = (
            re.compile("|".join(re.escape(secret) for secret in known if len(secret) >= shortest) or r"(?!)")
            for shortest in (_SHORTEST, _SHORTEST_FOR_MODELS)
        )

    def clean(self, text: str) -> str:
        """`text` without them."""
        return self._pattern.sub(HIDDEN, text)

    def clean_for_model(self, text: str) -> str:
        """A server's result without those that are no words."""
        return self._longer.sub(HIDDEN, text)
