"""Whether the engine would take a grammar (GBNF), said before it is asked: it says only `failed to parse grammar`.

Follows the engine's own reader (src/llama-grammar.cpp of llama.cpp), and tells the line. What only a model's vocabulary
can tell, whether a `<token>` is one, is left to the engine.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from nodetool_xl_desktop.core.translation import tr

#: `MAX_REPETITION_THRESHOLD` of the engine.
MOST_TIMES = 2000
#: The engine's reader calls itself for each pair of brackets, and has no bound of its own.
DEEPEST = 100
_NAME = re.compile(r"[a-zA-Z0-9-]+")
_SPACE = re.compile(r"(?:[ \t]|#[^\r\n]*)*")
_SPACE_AND_LINES = re.compile(r"(?:[ \t\r\n]|#[^\r\n]*)*")
_CHARACTER = re.compile(
    r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[tnr\\\"\[\]-])|[^\\]",
    re.DOTALL,
)
_TIMES = re.compile(r"\{\s*(\d+)\s*(?:,\s*\d*\s*)?\}", re.ASCII)
_TOKEN = re.compile(r"!?<(?:\[\d+\]|[^>\[][^>]*)>")


@dataclass(slots=True)
class _Item:
    """A piece of a sequence: a text, a character or a token (neither name nor ways), a rule, or a group."""

    name: str = ""
    ways: list[list[_Item]] = field(default_factory=list)
    is_empty: bool = False  # a text without letters
    least: int = 1


def problem_of(grammar: str) -> str:
    """What the engine would not take of a grammar, with its line; empty where nothing is known against it."""
    try:
        rules = _Reader(grammar).rules()
        _check(rules)
    except _WrongError as wrong:
        return str(wrong)
    return ""


class _WrongError(Exception):
    """What is wrong, and where."""


class _Reader:
    """Reads a grammar from its beginning to its end."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0
        #: The names that are referred to, each with the line where that is done first.
        self._lines: dict[str, int] = {}

    def rules(self) -> dict[str, list[list[_Item]]]:
        """Each rule with its alternatives."""
        if "\0" in self._text:
            raise _WrongError(tr("it holds a character that is no text (NUL)"))
        found: dict[str, list[list[_Item]]] = {}
        self._skip(_SPACE_AND_LINES)
        while self._at < len(self._text):
            name = self._match(_NAME, tr("the name of a rule is expected"))
            self._skip(_SPACE)
            self._expect("::=")
            self._skip(_SPACE_AND_LINES)
            found[name] = self._ways(nested=False)
            if self._at < len(self._text) and self._text[self._at] not in "\r\n":
                raise self._wrong(tr("{text!r} is not expected here", text=self._text[self._at]))
            self._skip(_SPACE_AND_LINES)
        for name, line in self._lines.items():
            if name not in found:
                raise _WrongError(_in_line(line, tr("there is no rule `{name}`", name=name)))
        return found

    def _ways(self, *, nested: bool) -> list[list[_Item]]:
        ways = [self._sequence(nested=nested)]
        while self._next == "|":
            self._at += 1
            self._skip(_SPACE_AND_LINES)
            ways.append(self._sequence(nested=nested))
        return ways

    def _sequence(self, *, nested: bool) -> list[_Item]:
        items: list[_Item] = []
        repeatable = False
        while (letter := self._next) and letter not in "|)\r\n":
            if letter in "*+?{":
                if not repeatable:
                    raise self._wrong(tr("there is nothing before `{letter}` to repeat", letter=letter))
                self._repeat(items[-1])
            else:
                items.append(self._item())
                repeatable = not items[-1].is_empty
            self._skip(_SPACE_AND_LINES if nested else _SPACE)
        return items

    def _repeat(self, item: _Item) -> None:
        if self._next != "{":
            least = 1 if self._next == "+" else 0
            self._at += 1
        else:
            found = _TIMES.match(self._text, self._at)
            if found is None:
                raise self._wrong(tr("a number of times is expected, such as {3} or {1,5}"))
            least = int(found[1])
            if least > MOST_TIMES:
                raise self._wrong(
                    tr(
                        "{least:,} times are more than the {most_times:,} that there may be",
                        least=least,
                        most_times=MOST_TIMES,
                    )
                )
            self._at = found.end()
        item.least = min(item.least, least)

    def _item(self) -> _Item:
        match self._next:
            case '"':
                return _Item(is_empty=self._characters('"') == 0)
            case "[":
                if self._text.startswith("[^", self._at):
                    self._at += 1
                return _Item(is_empty=self._characters("]") == 0)
            case "(":
                return self._group()
            case ".":
                self._at += 1
                return _Item()
            case "<" | "!":
                self._match(_TOKEN, tr("a token is expected, such as <[1000]>"))
                return _Item()
        line = self._line
        name = self._match(_NAME, tr("{next!r} is not expected here", next=self._next))
        self._lines.setdefault(name, line)
        return _Item(name)

    def _group(self) -> _Item:
        begun = self._line
        self._at += 1
        self._depth += 1
        if self._depth > DEEPEST:
            raise self._wrong(tr("there are more than {deepest} brackets within each other", deepest=DEEPEST))
        self._skip(_SPACE_AND_LINES)
        ways = self._ways(nested=True)
        if self._next != ")":
            raise _WrongError(_in_line(begun, tr("the bracket `(` is not closed")))
        self._at += 1
        self._depth -= 1
        return _Item(ways=ways)

    def _characters(self, end: str) -> int:
        """Step over a text or a set of characters, and return how many there are in it."""
        begun = self._line
        self._at += 1
        count = 0
        while self._next != end:
            if not self._next:
                raise _WrongError(_in_line(begun, tr("`{bracket}` is not closed", bracket="[" if end == "]" else end)))
            self._match(_CHARACTER, tr("this is no escape that the engine knows"))
            count += 1
        self._at += 1
        return count

    @property
    def _next(self) -> str:
        return self._text[self._at : self._at + 1]

    @property
    def _line(self) -> int:
        return self._text.count("\n", 0, self._at) + 1

    def _skip(self, what: re.Pattern[str]) -> None:
        found = what.match(self._text, self._at)
        self._at = found.end() if found else self._at

    def _match(self, what: re.Pattern[str], otherwise: str) -> str:
        found = what.match(self._text, self._at)
        if found is None:
            raise self._wrong(otherwise)
        self._at = found.end()
        return found[0]

    def _expect(self, text: str) -> None:
        if not self._text.startswith(text, self._at):
            raise self._wrong(tr("`{text}` is expected", text=text))
        self._at += len(text)

    def _wrong(self, what: str) -> _WrongError:
        return _WrongError(_in_line(self._line, what))


def _in_line(line: int, what: str) -> str:
    return tr("line {line}: {what}", line=line, what=what)


def _check(rules: dict[str, list[list[_Item]]]) -> None:
    """There has to be a beginning, and no rule may begin with itself: the engine would never come to an end."""
    if "root" not in rules:
        raise _WrongError(tr("there is no rule `root`, with which an answer begins"))
    empty = _empty_rules(rules)
    first = {name: {ref for way in ways for ref in _first(way, empty)} for name, ways in rules.items()}
    for name in rules:
        seen: set[str] = set()
        todo = list(first[name])
        while todo:
            if (reached := todo.pop()) == name:
                raise _WrongError(tr("the rule `{name}` begins with itself (left recursion)", name=name))
            if reached not in seen:
                seen.add(reached)
                todo.extend(first[reached])


def _empty_rules(rules: dict[str, list[list[_Item]]]) -> set[str]:
    """The rules that may say nothing."""
    empty: set[str] = set()
    while True:
        more = {name for name, ways in rules.items() if any(_is_empty(way, empty) for way in ways)}
        if more == empty:
            return empty
        empty = more


def _is_empty(way: list[_Item], empty: set[str]) -> bool:
    return all(not item.least or _says_nothing(item, empty) for item in way)


def _says_nothing(item: _Item, empty: set[str]) -> bool:
    return item.is_empty or item.name in empty or any(_is_empty(way, empty) for way in item.ways)


def _first(way: list[_Item], empty: set[str]) -> set[str]:
    """The rules that a sequence may begin with."""
    found: set[str] = set()
    for item in way:
        if item.name:
            found.add(item.name)
        for inner in item.ways:
            found |= _first(inner, empty)
        if item.least and not _says_nothing(item, empty):
            break
    return found
