"""Reading what is attached: the file or the paste, and a picture in small. All of it in threads."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QSize, Qt
from PySide6.QtGui import QImage, QImageReader, QImageWriter

from nodetool_xl_desktop.chat import attaching
from nodetool_xl_desktop.chat.attaching import Material
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.provider import tokens
from nodetool_xl_desktop.provider.values import Message, TokenCount
from nodetool_xl_desktop.store.parts import Attachment
from nodetool_xl_desktop.store.store import Store
from nodetool_xl_desktop.ui.composer.attachment_chips import PICTURE
from nodetool_xl_desktop.ui.tasks import in_thread

SCREENSHOT = tr("Pasted picture.png")
#: The longer side of a thumbnail, in pixels of a dense screen.
_SMALL = 2 * PICTURE


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was read.

    Attributes:
        material: as it is kept.
        picture: in small; None of a text.
        size: how large the picture is.
        part: what the store has it as, where it does.
    """

    material: Material
    picture: QImage | None = None
    size: QSize | None = None
    part: Attachment | None = None


async def file(path: Path, can_see: bool) -> Loaded:
    """A file.

    Raises:
        UserFacingError: it cannot be attached.
    """
    return await _looked_at(await in_thread(partial(attaching.read, path)), can_see)


async def data(read: bytes, name: str, can_see: bool) -> Loaded:
    """What was read elsewhere, such as from a server.

    Raises:
        UserFacingError: it cannot be attached.
    """
    return await _looked_at(await in_thread(partial(attaching.of_bytes, read, name)), can_see)


async def text(said: str, name: str) -> Loaded:
    """A long paste.

    Raises:
        UserFacingError: it is too large.
    """
    return Loaded(await in_thread(partial(attaching.of_text, said, name)))


async def image(given: QImage, name: str, can_see: bool) -> Loaded:
    """A picture that was pasted.

    Raises:
        UserFacingError: it cannot be attached.
    """
    data = await in_thread(partial(_as_png, given, name))
    return await _looked_at(Material(name, data, "image/png"), can_see)


async def kept(store: Store, part: Attachment) -> Loaded:
    """What the store has, such as of a draft.

    Raises:
        UserFacingError: it is not there any more.
    """
    data = await store.files.read(part.sha256)
    if attaching.is_picture(part):
        small, size = await in_thread(partial(shrunk, data, part.name, _SMALL))
        return Loaded(Material(part.name, data, part.media_type), small, size, part)
    return Loaded(Material(part.name, data, part.media_type, data.decode("utf-8", "replace")), part=part)


async def to_look_at(store: Store, part: Attachment, longest: int) -> tuple[str | None, QImage | None]:
    """What an attachment holds, as a text or as a picture no longer than that on either side, in pixels.

    Raises:
        UserFacingError: it is not there any more, or is a picture that cannot be decoded.
    """
    data = await store.files.read(part.sha256)
    if not attaching.is_picture(part):
        return data.decode("utf-8", "replace"), None
    picture, _ = await in_thread(partial(shrunk, data, part.name, longest))
    return None, picture


def shrunk(data: bytes, name: str, longest: int) -> tuple[QImage, QSize]:
    """A picture no longer than that on either side, in pixels, and how large it is; for a thread.

    Raises:
        UserFacingError: it cannot be decoded.
    """
    held = QBuffer()
    held.setData(data)
    reader = QImageReader(held)
    reader.setAutoTransform(True)
    size = reader.size()
    if size.isValid() and max(size.width(), size.height()) > longest:
        reader.setScaledSize(size.scaled(longest, longest, Qt.AspectRatioMode.KeepAspectRatio))
    made = reader.read()
    if made.isNull():
        why = tr("the picture is damaged or not complete: {reader}", reader=reader.errorString())
        raise UserFacingError(
            tr("{name} was not attached", name=name), why, tr("Open it in a picture viewer and save it again.")
        )
    return made, size if size.isValid() else made.size()


def estimate(block: str) -> TokenCount:
    """About how many tokens a text makes, without what a template puts around it; for a thread."""
    around = tokens.TOKENS_PER_MESSAGE + tokens.TOKENS_BEFORE_ANSWER
    return TokenCount(max(0, tokens.estimate([Message("user", block)]) - around), exact=False)


async def _looked_at(material: Material, can_see: bool) -> Loaded:
    if material.text is not None:
        return Loaded(material)
    if not can_see:
        raise attaching.cannot_see(material.name)
    small, size = await in_thread(partial(shrunk, material.data, material.name, _SMALL))
    return Loaded(material, small, size)


def _as_png(given: QImage, name: str) -> bytes:
    held = QByteArray()
    buffer = QBuffer(held)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    if not QImageWriter(buffer, QByteArray(b"PNG")).write(given):
        raise UserFacingError(
            tr("{name} was not attached", name=name), tr("what the clipboard holds cannot be read as a picture")
        )
    return bytes(held.data())
