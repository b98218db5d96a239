"""The colours of code, found a few lines at a time so that the window is never held.

Pygments' lexers read a text as a whole, which takes 160 ms for 1,000 lines. Nearly all of them are tables of regular
expressions: those are walked here step by step, from where the last look ended, within a bounded window.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pygments.lexer import Lexer

#: What one regular expression may see at once, in letters, and what once one was slow: some take the square of it.
WINDOW, SMALL_WINDOW = 2000, 400
SLOW_S = 0.02
#: What is coloured of a block, in letters and in seconds of work.
MOST, LONGEST_S = 400_000, 5.0
#: The tokens of Pygments that have a colour (`Tokens` in theme.py); what begins so, the first that fits.
ROLES = (
    ("Token.Comment", "code_comment"),
    ("Token.Literal.String.Doc", "code_comment"),
    ("Token.Keyword.Type", "code_type"),
    ("Token.Keyword", "code_keyword"),
    ("Token.Operator.Word", "code_keyword"),
    ("Token.Literal.String", "code_string"),
    ("Token.Literal.Number", "code_number"),
    ("Token.Literal", "code_number"),
    ("Token.Name.Function", "code_name"),
    ("Token.Name.Decorator", "code_name"),
    ("Token.Name.Attribute", "code_name"),
    ("Token.Name.Class", "code_type"),
    ("Token.Name.Builtin", "code_type"),
    ("Token.Name.Exception", "code_type"),
    ("Token.Name.Tag", "code_keyword"),
    ("Token.Generic.Inserted", "code_string"),
    ("Token.Generic.Deleted", "bad"),
    ("Token.Generic.Heading", "code_keyword"),
    ("Token.Generic.Subheading", "code_name"),
    ("Token.Generic.Prompt", "code_comment"),
)
_LEXERS: dict[str, Lexer | None] = {}
_LOCK = threading.Lock()


def known_lexer(language: str) -> Lexer | None:
    """The lexer of a language that was loaded before."""
    return _LEXERS.get(language.lower())


def is_loaded(language: str) -> bool:
    """Whether `load_lexer` was asked for a language."""
    return not language or language.lower() in _LEXERS


def load_lexer(language: str) -> Lexer | None:
    """The lexer of a language; None where there is none. Takes some 10 ms for the first of its family: in a thread."""
    from pygments.lexers import get_lexer_by_name  # noqa: PLC0415 - only where there is code
    from pygments.util import ClassNotFound  # noqa: PLC0415

    name = language.lower()
    with _LOCK:
        if name not in _LEXERS:
            found: Lexer | None = None
            try:
                if 0 < len(name) <= 40:
                    found = get_lexer_by_name(name)
            except ClassNotFound:
                found = None
            finally:  # whatever happened: blocks wait until it is known
                _LEXERS[name] = found
                if len(_LEXERS) > 500:  # a model may name a language of its own each time; the latest are awaited
                    del _LEXERS[next(iter(_LEXERS))]
        return _LEXERS[name]


def extension_of(language: str) -> str:
    """What the name of a file of this language ends with, without the dot; `txt` where it is not known."""
    lexer = known_lexer(language)
    for pattern in lexer.filenames if lexer is not None else ():
        if pattern.startswith("*.") and pattern[2:].isalnum():
            return str(pattern[2:])
    return "txt"


@lru_cache(maxsize=2000)
def role_of(token: str) -> str:
    """The token of the theme that colours a token of Pygments; empty for the text's own."""
    return next((role for begins, role in ROLES if token.startswith(begins)), "")


class Highlighter:
    """The colours of a text that grows at its end."""

    def __init__(self, lexer: Lexer, text: str) -> None:
        self.lexer = lexer
        self._text = text
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._roles: list[str] = []
        self._spent_s = 0.0
        self._at = 0  # what is before this is coloured
        self._stack: tuple[str, ...] = ("root",)
        self._line: tuple[int, tuple[str, ...]] = (0, self._stack)  # the latest beginning of a line
        self._resume: tuple[int, tuple[str, ...]] = self._line  # that of the line in which the last token began
        self._window = WINDOW
        self._steps = is_table(lexer)

    @property
    def resume(self) -> int:
        """From where on the next colours may be others."""
        return self._resume[0]

    def grow(self, text: str) -> None:
        """Go on with a text that is the present one with more at its end."""
        self._text = text
        at, self._stack = self._resume
        self._line = self._resume
        self._at = at
        keep = bisect_left(self._starts, at)
        del self._starts[keep:], self._ends[keep:], self._roles[keep:]

    def work(self, until: int, seconds: float) -> bool:
        """Colour up to an offset, for so long at most; whether there is nothing more to do."""
        until = min(until, MOST, len(self._text))
        begun = time.perf_counter()
        end = begun + seconds
        while self._at < until and self._spent_s < LONGEST_S:
            if not self._step():
                return True
            if time.perf_counter() >= end:
                break
        self._spent_s += time.perf_counter() - begun
        return self._at >= until or self._spent_s >= LONGEST_S

    def spans(self, start: int, end: int) -> Iterator[tuple[int, int, str]]:
        """What is coloured between two offsets: start, end, and the token of the theme."""
        number = max(0, bisect_right(self._starts, start) - 1)
        while number < len(self._starts) and self._starts[number] < end:
            first, last = max(start, self._starts[number]), min(end, self._ends[number])
            if first < last:
                yield first, last, self._roles[number]
            number += 1

    def _add(self, at: int, token: object, text: str) -> None:
        role = role_of(str(token))
        if role and text and (not self._ends or at >= self._ends[-1]):
            self._starts.append(at)
            self._ends.append(at + len(text))
            self._roles.append(role)

    def _step(self) -> bool:
        """Read one token, or some lines; False at the end."""
        begun = time.perf_counter()
        is_more = self._step_table() if self._steps else self._step_lines()
        if time.perf_counter() - begun > SLOW_S:
            self._window = SMALL_WINDOW
        return is_more

    def _step_lines(self) -> bool:
        """The next lines by themselves: of JSON, of sessions, of templates, which Pygments reads in other ways."""
        start, text = self._at, self._text
        end = text.rfind("\n", start, start + self._window // 2) + 1
        if end <= start:  # a long line
            end = text.find("\n", start) + 1 or len(text)
        self._resume = (start, self._stack)
        if end - start <= self._window // 2:
            for index, token, piece in self.lexer.get_tokens_unprocessed(text[start:end]):
                self._add(start + index, token, piece)
        self._at = end
        return end < len(text)

    def _step_table(self) -> bool:
        """One step of `pygments.lexer.RegexLexer.get_tokens_unprocessed`, which keeps its place within itself."""
        table: dict[str, Any] = self.lexer._tokens
        text, at = self._text, self._at
        if at > self._line[0] and text[at - 1] == "\n":  # when it is first reached: states change without a letter
            self._line = (at, self._stack)
        self._resume = self._line
        limit = min(len(text), at + self._window)
        for match_at, action, new_state in table[self._stack[-1]]:
            if match := match_at(text, at, limit):
                self._take(match, action)
                self._at = match.end()
                if new_state is not None:
                    self._stack = _follow(self._stack, new_state)
                return self._at < len(text)
        if at < len(text):
            if text[at] == "\n":
                self._stack = ("root",)
            self._at += 1
        return self._at < len(text)

    def _take(self, match: Any, action: Any) -> None:
        if action is None:
            return
        if isinstance(action, tuple):  # a type of token; else a function that makes some
            self._add(match.start(), action, match.group())
        else:
            for index, token, text in action(self.lexer, match):
                self._add(index, token, text)


def is_table(lexer: Lexer) -> bool:
    """Whether a lexer is a table of expressions that can be walked from outside."""
    from pygments.lexer import DelegatingLexer, ExtendedRegexLexer, RegexLexer  # noqa: PLC0415

    return isinstance(lexer, RegexLexer) and not isinstance(lexer, (ExtendedRegexLexer, DelegatingLexer))


def _follow(stack: tuple[str, ...], new_state: Any) -> tuple[str, ...]:
    """The states after a match, as Pygments has it."""
    if isinstance(new_state, tuple):
        for state in new_state:
            if state == "#pop":
                stack = stack[:-1] if len(stack) > 1 else stack
            else:
                stack = (*stack, stack[-1] if state == "#push" else state)
    elif isinstance(new_state, int):
        stack = stack[:1] if abs(new_state) >= len(stack) else stack[:new_state]
    elif new_state == "#push":
        stack = (*stack, stack[-1])
    return stack[:1] if len(stack) > 1000 else stack
