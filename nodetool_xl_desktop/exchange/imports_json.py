"""JSON read value by value, so that an export of many gigabytes is never whole in memory."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from typing import Any, BinaryIO

from nodetool_xl_desktop.core.translation import tr

#: The longest single value (a chat, or a file) in letters: it is in memory as a whole, several times.
LARGEST = 512 * 2**20
_PIECE = 2**20
_SPACE = " \t\n\r"
#: How near to the end of what was read more text could change what stands there, such as half an escape or a number.
_NEAR = 16


def _refuse(word: str) -> Any:
    raise ValueError(tr("{word} is no number", word=word))


class JsonReader:
    """Reads what is asked for, in order.

    Its methods raise ValueError where the text is no JSON, or not what was asked for, RecursionError where it is nested
    deeper than anybody nests, and OSError where it cannot be read.

    Args:
        stream: the text, as UTF-8 or UTF-16.
        largest: see `LARGEST`.
    """

    def __init__(self, stream: BinaryIO, largest: int = LARGEST) -> None:
        self._stream = stream
        self._largest = largest
        self._decode = json.JSONDecoder(parse_constant=_refuse).raw_decode
        first = stream.read(_PIECE)
        is_utf_16 = first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        self._letters = codecs.getincrementaldecoder("utf-16" if is_utf_16 else "utf-8-sig")()
        self.read_bytes = len(first)  # of the stream, so far
        self._text = self._letters.decode(first, final=not first)
        self._at = 0
        self._is_whole = not first

    def peek(self) -> str:
        """The next letter that is no space; empty at the end."""
        while True:
            while self._at < len(self._text):
                if self._text[self._at] not in _SPACE:
                    return self._text[self._at]
                self._at += 1
            if not self._more(_PIECE):
                return ""

    def take(self, letter: str) -> None:
        """Pass over this letter."""
        if (found := self.peek()) != letter:
            raise ValueError(tr("{letter!r} was expected, and not {found!r}", letter=letter, found=found))
        self._at += 1

    def value(self) -> Any:
        """The next value, whole."""
        self.peek()
        while True:
            try:
                value, end = self._decode(self._text, self._at)
            except json.JSONDecodeError as error:
                is_cut = error.msg.startswith("Unterminated") or error.pos >= len(self._text) - _NEAR
                if not is_cut or not self._more(len(self._text) - self._at):
                    raise
            else:
                if end < len(self._text) - _NEAR or not self._more(_PIECE):  # or a number might go on there
                    self._at = end
                    return value

    def items(self) -> Iterator[None]:
        """The items of a list: for each, have it read before the next is asked for."""
        self.take("[")
        yield from self._each("]")

    def members(self) -> Iterator[str]:
        """The members of an object, by their names; the same."""
        self.take("{")
        for _ in self._each("}"):
            name = self.value()
            if not isinstance(name, str):
                raise ValueError(tr("a member without a name"))
            self.take(":")
            yield name

    def _each(self, last: str) -> Iterator[None]:
        is_first = True
        while self.peek() != last:
            if not is_first:
                self.take(",")
            is_first = False
            yield
        self.take(last)

    def _more(self, least: int) -> bool:
        """Read on; False at the end."""
        if self._is_whole:
            return False
        if len(self._text) - self._at > self._largest:
            raise ValueError(tr("one value of it is too large"))
        data = self._stream.read(max(least, _PIECE))
        self.read_bytes += len(data)
        self._is_whole = not data
        self._text = self._text[self._at :] + self._letters.decode(data, final=self._is_whole)
        self._at = 0
        return True
