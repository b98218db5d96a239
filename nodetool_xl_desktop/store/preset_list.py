"""The presets, as a store offers them."""

from __future__ import annotations

from nodetool_xl_desktop.store import presets
from nodetool_xl_desktop.store.chat_list import Disk
from nodetool_xl_desktop.store.presets import Preset, Setting


class PresetList:
    """`Store.presets`. Its errors are `StoreError`."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk

    async def every(self) -> list[Preset]:
        """All of them, by name."""
        return await self._disk.read(presets.every)

    async def named(self) -> list[Preset]:
        """Those that can be chosen, by name."""
        return await self._disk.read(presets.named)

    async def around(self, chat: str, model: str) -> list[Preset]:
        """What is set for all chats, for a model and for a chat, as far as something is."""
        return await self._disk.read(lambda connection: presets.for_chat(connection, chat, model))

    async def settle(self, preset: Preset) -> None:
        """Keep what is set for all chats, a model or a chat; where that is nothing any more, forget it."""
        await self._disk.write(lambda connection: presets.settle(connection, preset))

    async def keep(self, preset: Preset) -> Preset:
        """Keep one in place of the one with its id, or of its scope, subject and name; returns it with its id."""
        return await self._disk.write(lambda connection: presets.keep(connection, preset))

    async def remove(self, preset_id: str) -> None:
        """Forget one."""
        await self._disk.write(lambda connection: presets.remove(connection, preset_id))

    async def settings(self, chat: str, model: str) -> dict[str, Setting]:
        """What a chat is asked with a model, by name, each with the preset that it comes from."""
        return presets.resolve(await self.around(chat, model))
