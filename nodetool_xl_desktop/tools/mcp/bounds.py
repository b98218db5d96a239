"""How much a server may send, so that none can hold up or fill up the program.

A message is bounded before it is parsed: parsing holds Python's one lock, and with it the window, in proportion to the
values in a message (measured: one text of 16 MB takes 43 ms, 2 MB of 67,000 small texts 0.1 s, and to check those
against the protocol's types another 0.3 s), hence two bounds.
"""

from __future__ import annotations

import time

from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.core.units import MIB
from nodetool_xl_desktop.tools.mcp.errors import CutOff

#: Bytes of one message. A picture of 12 MB fits.
LONGEST_MESSAGE = 16 * MIB
#: Texts, commas and brackets of one message.
MOST_VALUES = 100_000
#: Bytes at once, and what is allowed to come after them in each second.
MOST_BYTES = 48 * MIB
BYTES_A_SECOND = 8 * MIB
#: Messages at once, and what is allowed to come after them in each second.
MOST_MESSAGES = 2_000
MESSAGES_A_SECOND = 200
#: Messages in a row that cannot be understood.
MOST_GARBAGE = 20

_STRUCTURE = (b",", b"{", b"[")


def count_values(data: bytes) -> int:
    """How many texts, commas and brackets a JSON text has, up to some that are within its texts.

    Each step is one of C, of some milliseconds for the longest message.
    """
    rough = sum(map(data.count, _STRUCTURE)) + data.count(b'"') // 2
    if rough <= MOST_VALUES:
        return rough
    quotes = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    texts = quotes.count(b'"') // 2
    if texts > MOST_VALUES:
        return texts
    return texts + sum(outside.count(one) for outside in quotes.split(b'"')[::2] for one in _STRUCTURE)


class _Allowance:
    """A bucket of so much that fills up again over time."""

    def __init__(self, most: float, a_second: float) -> None:
        self._most = most
        self._a_second = a_second
        self._left = most
        self._at = time.monotonic()

    def take(self, count: float) -> bool:
        """Whether this much was left."""
        now = time.monotonic()
        self._left = min(self._most, self._left + (now - self._at) * self._a_second)
        self._at = now
        self._left -= count
        return self._left >= 0


class Meter:
    """Counts what one connection brings; what is too much raises, and stays too much."""

    def __init__(self) -> None:
        self._bytes = _Allowance(MOST_BYTES, BYTES_A_SECOND)
        self._messages = _Allowance(MOST_MESSAGES, MESSAGES_A_SECOND)
        self._garbage = 0
        #: Why the server has to be cut off; None as long as it does not.
        self.fault: CutOff | None = None

    def count_bytes(self, count: int) -> None:
        """So many bytes have come.

        Raises:
            CutOff: they come too fast.
        """
        if not self._bytes.take(count):
            self.cut(
                tr("it sent more than {most_bytes} at once, and did not stop", most_bytes=units.file_size(MOST_BYTES))
            )

    def check_size(self, count: int) -> None:
        """A message is at least this long.

        Raises:
            CutOff: too long.
        """
        if count > LONGEST_MESSAGE:
            self.cut(
                tr("it sent a message of more than {longest_message}", longest_message=units.file_size(LONGEST_MESSAGE))
            )

    def check_message(self, data: bytes) -> None:
        """Before it is parsed.

        Raises:
            CutOff: it is too long, has too many values, or comes too soon.
        """
        self.check_size(len(data))
        if len(data) > MOST_VALUES and count_values(data) > MOST_VALUES:
            self.cut(tr("it sent a message of more than {most_values:,} values", most_values=MOST_VALUES))

    def count_message(self) -> None:
        """A message was understood.

        Raises:
            CutOff: too many come at once.
        """
        self._garbage = 0
        if not self._messages.take(1):
            self.cut(
                tr(
                    "it sent more than {most_messages:,} messages at once, and did not stop",
                    most_messages=MOST_MESSAGES,
                )
            )

    def count_garbage(self) -> None:
        """A message was none.

        Raises:
            CutOff: that was one too many.
        """
        self._garbage += 1
        if self._garbage > MOST_GARBAGE:
            self.cut(tr("it sends what is no message of the protocol"))

    def cut(self, why: str) -> None:
        """Remember why, and raise it."""
        self.fault = self.fault or CutOff(
            tr("The MCP server was cut off"), why, tr("Look at its log; restart it when it is in order again.")
        )
        raise self.fault
