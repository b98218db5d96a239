"""What of a file can go with a message: text of any kind, and pictures where the model can see.

What cannot is refused in words that say what works instead. Reading touches the disk: in a thread.
"""

from __future__ import annotations

import locale
import mimetypes
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.store.parts import Attachment, clean

#: A paste of more characters than this becomes an attachment.
LONG_PASTE = 2500
#: The largest text, in bytes: about half a million tokens, more than the models that run at home can read at once.
MOST_TEXT = 2_000_000
#: The largest picture, in bytes: what a camera makes is below it.
MOST_PICTURE = 20_000_000
#: So many characters of a text are found by the search; they are kept in the message a second time.
SEARCHED = 100_000
PASTED = "Pasted text"

#: The first bytes of the pictures that the engine decodes.
PICTURES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
    b"BM": "image/bmp",
}

_AS_TEXT = tr("Open it, copy what matters and paste it here, or save it as plain text (.txt) and attach that.")
_AS_CSV = tr("Save the sheet as .csv and attach that.")
_UNPACK = tr("Unpack it, and attach the files in it.")
_AS_PNG = tr("Save it as PNG or JPEG, and attach that.")
#: What can go along, as a sentence.
WHAT_WORKS = tr(
    "Text and code of any kind can be attached (.txt, .md, .csv, .json, .py, ...), and pictures (PNG, JPEG, GIF, BMP) "
    "to a model with vision."
)
#: Documents that are archives inside, told apart by the end of their name.
_DOCUMENTS = {
    ".docx": (tr("a Word document"), _AS_TEXT),
    ".xlsx": (tr("an Excel workbook"), _AS_CSV),
    ".pptx": (tr("a PowerPoint presentation"), _AS_TEXT),
    ".odt": (tr("a LibreOffice document"), _AS_TEXT),
    ".ods": (tr("a LibreOffice sheet"), _AS_CSV),
    ".odp": (tr("a LibreOffice presentation"), _AS_TEXT),
    ".epub": (tr("an e-book"), _AS_TEXT),
    ".doc": (tr("a Word document"), _AS_TEXT),
    ".xls": (tr("an Excel workbook"), _AS_CSV),
    ".ppt": (tr("a PowerPoint presentation"), _AS_TEXT),
}
#: Where some bytes stand, which, and what that makes the file.
_FOREIGN: tuple[tuple[int, bytes, str, str], ...] = (
    (0, b"GGUF", tr("a model"), tr("Open it with Open Model (Ctrl+O).")),
    (0, b"%PDF", tr("a PDF document, which this program cannot read yet"), _AS_TEXT),
    (0, b"PK\x03\x04", tr("an archive"), _UNPACK),
    (0, b"\xd0\xcf\x11\xe0", tr("an Office document"), _AS_TEXT),
    (0, b"\x1f\x8b", tr("an archive"), _UNPACK),
    (0, b"7z\xbc\xaf", tr("an archive"), _UNPACK),
    (0, b"Rar!", tr("an archive"), _UNPACK),
    (0, b"BZh", tr("an archive"), _UNPACK),
    (0, b"\xfd7zXZ", tr("an archive"), _UNPACK),
    (0, b"\x28\xb5\x2f\xfd", tr("an archive"), _UNPACK),
    (257, b"ustar", tr("an archive"), _UNPACK),
    (8, b"WEBP", tr("a picture in the form WebP, which the engine cannot decode"), _AS_PNG),
    (4, b"ftyphei", tr("a picture in the form HEIC, which the engine cannot decode"), _AS_PNG),
    (4, b"ftypmif1", tr("a picture in the form HEIC, which the engine cannot decode"), _AS_PNG),
    (4, b"ftypavif", tr("a picture in the form AVIF, which the engine cannot decode"), _AS_PNG),
    (0, b"II*\0", tr("a picture in the form TIFF, which the engine cannot decode"), _AS_PNG),
    (0, b"MM\0*", tr("a picture in the form TIFF, which the engine cannot decode"), _AS_PNG),
    (8, b"WAVE", tr("a recording, and sound cannot be attached"), WHAT_WORKS),
    (0, b"ID3", tr("a recording, and sound cannot be attached"), WHAT_WORKS),
    (0, b"fLaC", tr("a recording, and sound cannot be attached"), WHAT_WORKS),
    (0, b"OggS", tr("a recording, and sound cannot be attached"), WHAT_WORKS),
    (4, b"ftyp", tr("a video or a recording, which cannot be attached"), WHAT_WORKS),
    (0, b"\x1aE\xdf\xa3", tr("a video, which cannot be attached"), WHAT_WORKS),
    (0, b"\x7fELF", tr("a program"), WHAT_WORKS),
    (0, b"MZ", tr("a program"), WHAT_WORKS),
    (0, b"SQLite format 3\0", tr("a database"), tr("Export what matters as .csv, and attach that.")),
)
_HEAD = 512
_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe\0\0", "utf-32"), (b"\0\0\xfe\xff", "utf-32"),
         (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))  # fmt: skip
#: What is in no text; a terminal's escapes, a form feed and the like are in some.
_BINARY = re.compile("[\0-\x06\x0e-\x1a\x1c-\x1f]")


@dataclass(frozen=True, slots=True)
class Material:
    """What was read, ready to be kept.

    Attributes:
        name: as the person knows it.
        data: the bytes to keep; of a text in UTF-8.
        media_type: such as `text/plain` or `image/png`.
        text: what it says; None of a picture.
        guessed: how its letters were read, where the file does not say that itself; empty else.
    """

    name: str
    data: bytes
    media_type: str
    text: str | None = None
    guessed: str = ""


def read(path: Path) -> Material:
    """Read a file that is to be attached. May block.

    Raises:
        UserFacingError: it cannot be attached: why, and what works instead.
    """
    name = clean(path.name or str(path))
    try:
        status = path.stat()
        _look_at(name, status.st_mode)
        with path.open("rb") as file:
            head = file.read(_HEAD)
            most = _most(name, head)
            data = head + file.read(most + 1 - len(head))
    except OSError as error:
        raise _refused(name, (error.strerror or str(error)).lower(), tr("Look whether it is still there.")) from error
    if len(data) > most:
        raise _too_large(name, max(status.st_size, len(data)), most)
    return of_bytes(data, name)


def of_bytes(data: bytes, name: str) -> Material:
    """The same of bytes that were read already.

    Raises:
        UserFacingError: they cannot be attached.
    """
    if not data:
        raise _refused(name, tr("it is empty"))
    if len(data) > (most := _most(name, data[:_HEAD])):
        raise _too_large(name, len(data), most)
    if picture := _picture(data):
        return Material(name, data, picture)
    text, encoding = decode(data) or (None, "")
    if text is None:
        raise _refused(name, tr("it is no text, and no picture that the engine can decode"), WHAT_WORKS)
    return of_text(text, name, "" if encoding.startswith("utf") else encoding)


def of_text(text: str, name: str = PASTED, guessed: str = "") -> Material:
    """A text that is to be attached, such as a long paste.

    Raises:
        UserFacingError: it is too large.
    """
    data = text.encode("utf-8", "replace")
    if len(data) > MOST_TEXT:
        raise _too_large(name, len(data), MOST_TEXT)
    media_type = mimetypes.guess_type(name)[0] or ""
    if not media_type.startswith("text/"):  # a drawing in SVG is read as text, and .ts is no film here
        media_type = "text/plain"
    return Material(name, data, media_type, data.decode(), guessed)


def decode(data: bytes) -> tuple[str, str] | None:
    """The text that these bytes are, and the encoding they were read with; None where they are none."""
    for encoding in _encodings(data):
        try:
            text = data.decode(encoding).removeprefix("\ufeff")
        except (UnicodeDecodeError, LookupError):
            continue
        return None if _BINARY.search(text) else (text, encoding)
    return None


def is_picture(part: Attachment) -> bool:
    """Whether only a model with vision can take it."""
    return part.media_type.startswith("image/")


def is_pasted(part: Attachment) -> bool:
    """Whether it was pasted, and so never was a file."""
    return part.media_type == "text/plain" and re.fullmatch(rf"{PASTED}( \d+)?", part.name) is not None


def cannot_see(name: str) -> UserFacingError:
    """A picture, and a model that cannot see."""
    return _refused(
        name,
        tr("the model cannot see pictures: it needs a model with vision, and its mmproj"),
        tr("Load a model that has its mmproj file beside it, with Vision on, and attach the picture again."),
    )


def _encodings(data: bytes) -> Iterator[str]:
    marked = next((encoding for mark, encoding in _BOMS if data.startswith(mark)), None)
    if marked is not None:
        yield marked
    yield "utf-8"
    if b"\0" not in data:  # what Windows wrote before there was UTF-8; the system's own language first
        yield locale.getencoding().lower()
        yield "cp1252"


def _look_at(name: str, mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise _refused(
            name, tr("it is a folder"), tr("Open it, and attach the files in it; several can be chosen at once.")
        )
    if not stat.S_ISREG(mode):
        raise _refused(name, tr("it is a device or a pipe, and no file"))


def _most(name: str, head: bytes) -> int:
    """How large such a file may be, in bytes.

    Raises:
        UserFacingError: such a file cannot be attached at all.
    """
    if _picture(head):
        return MOST_PICTURE
    suffix = Path(name).suffix.lower()
    if suffix == ".gguf":
        raise _foreign(name, *_FOREIGN[0][2:])
    binary = _BINARY.search(head.decode("latin-1")) or head.startswith(b"%PDF")
    for at, mark, kind, hint in _FOREIGN:
        if binary and head[at : at + len(mark)] == mark:  # a text may begin with "MZ" as well
            if mark in (b"PK\x03\x04", b"\xd0\xcf\x11\xe0"):
                kind, hint = _DOCUMENTS.get(suffix, (kind, hint))  # noqa: PLW2901 - it says it more closely
            raise _foreign(name, kind, hint)
    return MOST_TEXT


def _picture(head: bytes) -> str:
    """The media type of a picture that the engine decodes; empty for all else."""
    kind = next((kind for mark, kind in PICTURES.items() if head.startswith(mark)), "")
    if kind == "image/bmp" and b"\0" not in head[:18]:
        return ""  # a text that begins with "BM"
    return kind


def _foreign(name: str, kind: str, hint: str) -> UserFacingError:
    return _refused(name, tr("it is {kind}", kind=kind), hint)


def _too_large(name: str, size: int, most: int) -> UserFacingError:
    hint = tr("Attach the part that matters.") if most == MOST_TEXT else tr("Make it smaller.")
    return _refused(
        name,
        tr("it has {size}, and at most {most} can go along", size=units.file_size(size), most=units.file_size(most)),
        hint,
    )


def _refused(name: str, why: str, hint: str = "") -> UserFacingError:
    return UserFacingError(tr("{name} was not attached", name=name), why, hint)
