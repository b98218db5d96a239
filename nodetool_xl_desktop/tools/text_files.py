"""Files of a person as text for a model: in which encoding they are, which are no text, and how their names show.

Files come from anywhere, so all is read in blocks: a log of many gigabytes costs no more memory than a note.
"""

from __future__ import annotations

import codecs
import unicodedata
from collections.abc import Iterable, Iterator

_LOOKED_AT = 8192  # bytes by which a file is judged
_MOST_CONTROLS = 0.05  # of those bytes; text has few
_TEXT_CONTROLS = frozenset(b"\t\n\r\f\b\x1b")
#: Kinds of letters that are no visible sign.
_UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
#: Bytes in which files are read.
BLOCK = 256 * 1024
_LONGEST_LINE = 200_000  # characters; what is longer is handed on in parts

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
#: Where some bytes stand, which, and what that makes the file.
_KINDS = (
    (0, b"%PDF", "a PDF document"),
    (0, b"\x89PNG", "a picture (PNG)"),
    (0, b"\xff\xd8\xff", "a picture (JPEG)"),
    (0, b"GIF8", "a picture (GIF)"),
    (8, b"WEBP", "a picture (WebP)"),
    (8, b"WAVE", "a sound (WAV)"),
    (0, b"ID3", "a sound (MP3)"),
    (0, b"OggS", "a sound (Ogg)"),
    (4, b"ftyp", "a film or a picture (MP4, HEIC)"),
    (0, b"PK\x03\x04", "an archive or an Office document (ZIP)"),
    (0, b"\xd0\xcf\x11\xe0", "an Office document"),
    (0, b"\x1f\x8b", "an archive (gzip)"),
    (0, b"7z\xbc\xaf", "an archive (7z)"),
    (0, b"BZh", "an archive (bzip2)"),
    (0, b"\xfd7zXZ", "an archive (xz)"),
    (0, b"\x28\xb5\x2f\xfd", "an archive (zstd)"),
    (257, b"ustar", "an archive (tar)"),
    (0, b"SQLite format 3", "a database (SQLite)"),
    (0, b"GGUF", "a language model (GGUF)"),
    (0, b"\x7fELF", "a program"),
    (0, b"MZ", "a program"),
)


class NotText(Exception):
    """A file is no text; its message is what it is, as "a picture (PNG)"."""


def encoding_of(start: bytes) -> str:
    """The encoding of a text that begins with these bytes: at least a block of it, or all.

    Without a mark at its start it is UTF-8, UTF-16 where every second byte is 0, or, where it cannot be UTF-8,
    Windows-1252.

    Raises:
        NotText: it is none.
    """
    whole, start = start, start[:_LOOKED_AT]
    for mark, encoding in _MARKS:
        if start.startswith(mark):
            return encoding
    for place, wanted, kind in _KINDS:
        if start[place:].startswith(wanted) and not (wanted in (b"MZ", b"BZh", b"ID3") and _is_plain(start)):
            raise NotText(kind)
    if b"\0" in start:
        return _wide(start)
    if not _is_plain(start):
        raise NotText("a file of bytes that are no text")
    try:
        # Of a long text the last letter may be cut.
        codecs.getincrementaldecoder("utf-8")().decode(whole, final=len(whole) < BLOCK)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _is_plain(start: bytes) -> bool:
    controls = sum(byte < 32 and byte not in _TEXT_CONTROLS for byte in start)
    return controls <= len(start) * _MOST_CONTROLS


def _wide(start: bytes) -> str:
    """UTF-16 without a mark, by where the zeros stand; Latin letters have one each."""
    even, odd = start[0::2].count(0), start[1::2].count(0)
    half = len(start) // 2
    if half and odd > half * 0.7 and even < half * 0.1:
        return "utf-16-le"
    if half and even > half * 0.7 and odd < half * 0.1:
        return "utf-16-be"
    raise NotText("a file of bytes that are no text")


def pieces(blocks: Iterable[bytes]) -> Iterator[str]:
    """The text of a file, from its blocks, in pieces of whole lines; a line beyond 200,000 characters comes in parts.

    Raises:
        NotText: it is no text.
    """
    decoder: codecs.IncrementalDecoder | None = None
    rest = ""
    for block in blocks:
        if decoder is None:
            decoder = codecs.getincrementaldecoder(encoding_of(block))(errors="replace")
        rest += decoder.decode(block)
        end = len(rest) if len(rest) > _LONGEST_LINE and "\n" not in rest else rest.rfind("\n") + 1
        if end:
            yield rest[:end]
            rest = rest[end:]
    if decoder is not None:
        rest += decoder.decode(b"", final=True)
    if rest:
        yield rest


def lines(blocks: Iterable[bytes]) -> Iterator[str]:
    """The lines of a file, without their ends, as `pieces` has them."""
    for piece in pieces(blocks):
        yield from split(piece)


def split(piece: str) -> list[str]:
    """The lines of a piece, without their ends."""
    return [line.removesuffix("\r") for line in piece.removesuffix("\n").split("\n")]


def shown(name: str) -> str:
    r"""A name from a disk or a server as one harmless piece of text: what is no visible sign becomes `\n`, `\xff`."""
    return "".join(map(_shown_sign, name))


def one_line(text: str) -> str:
    """What somebody else calls a thing, as one line: without signs that nobody sees, which could turn it round."""
    visible = "".join(sign for sign in text if sign.isspace() or unicodedata.category(sign) not in _UNSEEN)
    return " ".join(visible.split())


def _shown_sign(sign: str) -> str:
    number = ord(sign)
    if 0xDC80 <= number <= 0xDCFF:  # a byte of a name that is no UTF-8
        return f"\\x{number - 0xDC00:02x}"
    if unicodedata.category(sign) in _UNSEEN:
        return sign.encode("unicode_escape").decode("ascii")
    return sign
