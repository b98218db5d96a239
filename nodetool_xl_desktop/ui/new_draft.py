"""What is typed into a chat in which nothing was said yet, while what was typed there before is still being read."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from nodetool_xl_desktop.store.parts import Part, same
from nodetool_xl_desktop.ui.composer.composer import Composer
from nodetool_xl_desktop.ui.drafts import NEW, Drafts


class NewDraft:
    """The draft of the place `NEW`: neither what was typed earlier nor what is typed meanwhile is written over.

    Args:
        drafts: keeps it.
        composer: shows it.
        is_shown: whether such a chat is shown now.
        do: runs what reads it, and tells what goes wrong.
    """

    def __init__(
        self,
        drafts: Drafts,
        composer: Composer,
        is_shown: Callable[[], bool],
        do: Callable[[Coroutine[Any, Any, object]], None],
    ) -> None:
        self._drafts = drafts
        self._composer = composer
        self._is_shown = is_shown
        self._do = do
        self._typed: tuple[Part, ...] | None = None  # while it is being read; None while that is not so

    def keep(self, said: Sequence[Part]) -> None:
        """What stands in the composer now."""
        if self._typed is None:
            self._drafts.keep(NEW, said)
        else:
            self._typed = tuple(said)

    def show(self) -> None:
        """Show what was typed before, as soon as it is read; nothing where it is being read already."""
        if self._drafts.store is not None and self._typed is None:
            self._typed = ()
            self._do(self._read())

    async def _read(self) -> None:
        """What was typed before stands in front of what has been typed meanwhile."""
        try:
            held = await self._drafts.of(NEW)
        finally:
            typed, self._typed = self._typed or (), None
        if self._is_shown():
            typed = self._composer.parts
        if typed and not same(held, typed):
            self._drafts.keep(NEW, (*held, *typed))
        if self._is_shown() and held and not same(held, typed):
            self._composer.set_draft((*held, *typed))
