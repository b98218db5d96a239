"""The files that were attached to a chat, as its tools may read them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.store.parts import Attachment, Part
from nodetool_xl_desktop.store.records import Message

ReadFile = Callable[[], Awaitable[bytes]]


def attached(
    messages: Iterable[Message], said: Sequence[Part], read: Callable[[str], Awaitable[bytes | None]]
) -> dict[str, ReadFile]:
    """The files of a chat by name, for `Toolbox.offered`; a name that comes again with another content is numbered.

    Args:
        messages: of the chat.
        said: what is about to be asked.
        read: reads a file of the store by its hash (`store.files.read`).
    """
    files: dict[str, ReadFile] = {}
    seen: set[str] = set()
    for part in [*(part for message in messages for part in message.parts), *said]:
        if isinstance(part, Attachment) and part.sha256 not in seen:
            seen.add(part.sha256)
            name, number = part.name, 1
            while name in files:
                number += 1
                stem, dot, suffix = part.name.rpartition(".")
                name = f"{stem} ({number}).{suffix}" if dot else f"{part.name} ({number})"
            files[name] = _reader(part, read)
    return files


def _reader(part: Attachment, read: Callable[[str], Awaitable[bytes | None]]) -> ReadFile:
    async def reader() -> bytes:
        data = await read(part.sha256)
        if data is None:
            raise UserFacingError(tr("{name} cannot be read", name=part.name), tr("it is not in the store any more"))
        return data

    return reader
