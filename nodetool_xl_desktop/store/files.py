"""Files that go with messages, as a store offers them."""

from __future__ import annotations

import functools
import mimetypes
from collections.abc import Callable
from pathlib import Path

from nodetool_xl_desktop.store.attachments import Attachments
from nodetool_xl_desktop.store.chat_list import Disk
from nodetool_xl_desktop.store.database import in_thread, told
from nodetool_xl_desktop.store.parts import Attachment


class Files:
    """`Store.files`. Its errors are `StoreError`."""

    def __init__(self, disk: Disk, attachments: Attachments) -> None:
        self._disk = disk
        self._attachments = attachments

    async def add(self, file: Path, name: str = "", media_type: str = "", text: str = "") -> Attachment:
        """Keep a copy of a file; it is on the disk when this returns, and the part goes into a message.

        Args:
            file: the file.
            name: as the person knows it; the file's own where it is empty.
            media_type: guessed of the name where it is empty.
            text: what of it the search should find.

        Raises:
            StoreError: it cannot be read, or the disk refused.
        """
        name = name or file.name
        guessed = media_type or mimetypes.guess_type(name)[0] or "application/octet-stream"
        sha256, size = await self._keep(lambda: self._attachments.put_file(file))
        return Attachment(sha256, name, guessed, size, text)

    async def add_data(self, data: bytes, name: str, media_type: str, text: str = "") -> Attachment:
        """The same for bytes, such as a long paste."""
        sha256, size = await self._keep(lambda: self._attachments.put(data))
        return Attachment(sha256, name, media_type, size, text)

    async def read(self, sha256: str) -> bytes:
        """The bytes of a file.

        Raises:
            StoreError: it is not there any more.
        """
        return await in_thread(lambda: self._read(sha256))

    def _read(self, sha256: str) -> bytes:
        with told(self._attachments.folder):
            return self._attachments.read(sha256)

    async def _keep(self, put: Callable[[], tuple[str, int]]) -> tuple[str, int]:
        while True:  # in a thread of its own, as a large file takes its time; it may be removed before it is noted
            with told(self._attachments.folder):
                sha256, size = await in_thread(put)
            if await self._disk.write(functools.partial(self._attachments.note, sha256=sha256, size=size)):
                return sha256, size
