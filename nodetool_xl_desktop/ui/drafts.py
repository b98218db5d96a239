"""What is typed and not sent: of each chat, of a new one, and in the editors of messages."""

from __future__ import annotations

from collections.abc import Sequence

from nodetool_xl_desktop.store.parts import Part, Text, same
from nodetool_xl_desktop.store.store import Store

#: The place of a new chat, in the store.
NEW = ""


class Drafts:
    """Keeps what is typed; nothing is kept before `use`.

    Attributes:
        store: where they are kept.
    """

    def __init__(self) -> None:
        self.store: Store | None = None

    def keep(self, place: str, said: Sequence[Part]) -> None:
        """What stands in the composer now.

        Args:
            place: the chat's id; `NEW` for one that is not on the disk yet.
            said: it.
        """
        if self.store is not None:
            self.store.keep_draft(place, said)

    def keep_edit(self, message: str, text: str) -> None:
        """What stands in the editor of a message; nothing any more for an empty text."""
        self.keep(message, (Text(text),) if text else ())

    async def of(self, place: str) -> tuple[Part, ...]:
        """What was typed in a place.

        Raises:
            StoreError: it cannot be read.
        """
        draft = await self.store.draft(place) if self.store is not None else None
        return draft.parts if draft is not None else ()

    async def add(self, place: str, part: Part) -> None:
        """A file was read after its chat had been left: it belongs to the draft there.

        Raises:
            StoreError: as `of`.
        """
        self.keep(place, (part, *await self.of(place)))

    async def drop_new(self, said: Sequence[Part]) -> None:
        """The draft of a new chat was sent, unless another one was typed since.

        Raises:
            StoreError: as `of`.
        """
        if same(await self.of(NEW), said):
            self.keep(NEW, ())
