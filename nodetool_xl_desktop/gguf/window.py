"""A window that moves forward over a file of any size and keeps little of it in memory.

It reads instead of mapping, for two reasons: a mapped file that shrinks while it is read (an interrupted
copy, an unplugged disk) kills the process with SIGBUS, and the same walk is fed by HTTP ranges.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.gguf.errors import Malformed, Truncated

#: `read(offset, size)` answers exactly `size` bytes from `offset`, fewer only where the file has ended
#: meanwhile.
Read = Callable[[int, int], bytes]

#: The first read in bytes; each further one is twice as long up to the largest. A whole header of a usual
#: model (2 to 12 MB) is then 4 to 6 reads, and one without a vocabulary is one.
FIRST_CHUNK = 256 * 1024
LARGEST_CHUNK = 4 * 1024 * 1024

#: The header of a model with 262,144 tokens, 515,000 merges and its whole tokenizer.json has about 50 MB.
#: This is the bound of what is ever read (a hole of 256 MiB is read in 0.2 s), so a hostile length costs no
#: more than that.
MAX_HEADER_BYTES = 256 * 1024 * 1024

U32 = struct.Struct("<I")
U64 = struct.Struct("<Q")


class Window:
    """A cursor over `read` that only moves forward.

    Every method raises `Truncated` where the file ends first, `Malformed` where the header would be longer
    than `MAX_HEADER_BYTES`, and passes on what `read` raises.
    """

    def __init__(self, read: Read, file_size: int, path: Path, first_chunk: int = FIRST_CHUNK) -> None:
        self._read = read
        self._file_size = file_size
        self._path = path
        self._buffer = b""
        self._base = 0  # where in the file the buffer begins
        self._cursor = 0  # in the buffer; beyond its end after a skip
        self._chunk = first_chunk

    @property
    def position(self) -> int:
        """The offset in the file of the next byte."""
        return self._base + self._cursor

    def take(self, layout: struct.Struct) -> tuple[Any, ...]:
        """Unpack the next `layout.size` bytes (few: they are held in memory) and move behind them."""
        end = self._cursor + layout.size
        if end > len(self._buffer):
            self._fill(layout.size)
            end = layout.size
        values = layout.unpack_from(self._buffer, self._cursor)
        self._cursor = end
        return values

    def u32(self) -> int:
        """The next 4 bytes as a number."""
        value: int = self.take(U32)[0]
        return value

    def u64(self) -> int:
        """The next 8 bytes as a number."""
        value: int = self.take(U64)[0]
        return value

    def take_bytes(self, size: int) -> bytes:
        """The next `size` bytes; the caller has bounded `size`, as they are held in memory."""
        end = self._cursor + size
        if end > len(self._buffer):
            self._fill(size)
            end = size
        taken = self._buffer[self._cursor : end]
        self._cursor = end
        return taken

    def peek(self, size: int) -> bytes:
        """The next `size` bytes, or as many as the file has; the cursor stays."""
        size = min(size, self._file_size - self.position)
        if self._cursor + size > len(self._buffer):
            self._fill(size)
        return self._buffer[self._cursor : self._cursor + size]

    def skip(self, size: int) -> None:
        """Move `size` bytes on without reading them."""
        self._check(self.position + size)
        self._cursor += size

    def skip_strings(self, count: int) -> None:
        """Move behind `count` strings (each a 64-bit length and as many bytes) without looking at them.

        This is where the time goes: 70 ns a string, so 18 ms for 262,144 tokens. The inner loop has no test
        for the end of the buffer: unpacking beyond it raises, once a chunk.
        """
        unpack_from = U64.unpack_from
        while count:
            buffer, cursor, done = self._buffer, self._cursor, 0
            try:
                for done in range(count):  # noqa: B007 (it is used behind the loop)
                    cursor += 8 + unpack_from(buffer, cursor)[0]
                done = count
            except (struct.error, OverflowError):  # OverflowError: a cursor of 2**63 and more
                pass
            self._cursor = cursor
            count -= done
            if count:
                self._fill(8)
        self._check(self.position)

    def _check(self, end: int) -> None:
        """Refuse a header that is said to reach to `end`, an offset in the file."""
        if end > MAX_HEADER_BYTES:
            why = tr(
                "by the lengths in it, its header has {end:,} bytes or more; no model has so long a header", end=end
            )
            raise Malformed.because(self._path, why)
        if end > self._file_size:
            raise Truncated.in_header(self._path, self._file_size, end)

    def _fill(self, size: int) -> None:
        """Have the buffer begin at the cursor and hold `size` bytes or more."""
        position = self.position
        self._check(position + size)
        rest = self._buffer[self._cursor :]
        start = position + len(rest)
        wanted = min(max(self._chunk, size - len(rest)), self._file_size - start)
        fresh = self._read(start, wanted)
        if len(fresh) < wanted:  # it has become shorter since its size was asked for
            raise Truncated.in_header(self._path, start + len(fresh), start + wanted)
        self._buffer, self._base, self._cursor = rest + fresh, position, 0
        self._chunk = min(2 * self._chunk, LARGEST_CHUNK)
