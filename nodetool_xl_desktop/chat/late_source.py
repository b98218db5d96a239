"""Sources of tools that are made when they are first needed: their imports take 0.1 s, which no start need wait."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from nodetool_xl_desktop.tools.source import Offered, ToolSource, Workspace

Source = TypeVar("Source", bound="ToolSource")


class LateSource(Generic[Source]):
    """A `ToolSource` that another one is behind, once somebody asks for it.

    Args:
        module: what has to be imported for it, which is done in a thread.
        make: makes it of that module, on the loop.
    """

    def __init__(self, module: str, make: Callable[[ModuleType], Source]) -> None:
        self._module = module
        self._make = make
        self._made: asyncio.Future[Source] | None = None
        self._waiting = 0

    @property
    def made(self) -> Source | None:
        """It, where somebody has asked for it already."""
        made = self._made
        ended = made is not None and made.done() and not made.cancelled()
        return made.result() if made is not None and ended and made.exception() is None else None

    async def get(self) -> Source:
        """It, made now if it was not. It is made no longer once nobody waits for it: the program ends."""
        if self._made is None or self._made.cancelled():  # cancelled with the loop
            self._made = asyncio.ensure_future(self._import())
        making = self._made
        self._waiting += 1
        try:
            return await asyncio.shield(making)
        finally:
            self._waiting -= 1
            if not self._waiting and not making.done():
                making.cancel()
                self._made = None

    async def offered(self, workspace: Workspace) -> Sequence[Offered]:
        """What it offers.

        Raises:
            UserFacingError: it has nothing now.
        """
        return await (await self.get()).offered(workspace)

    async def _import(self) -> Source:
        return self._make(await asyncio.to_thread(importlib.import_module, self._module))
