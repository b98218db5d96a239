"""The presets, as a store offers them."""

from __future__ import annotations

from nodetool_xl_desktop.chat import presets
from nodetool_xl_desktop.chat.chat_list import Disk
from nodetool_xl_desktop.chat.presets import Preset, Setting


class PresetList:
    """`Store.presets`. Its errors are `StoreError`."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk

    async def every(self) -> list[Preset]:
        """All of them, by name."""
        return await self._disk.read(presets.every)

    async def keep(self, preset: Preset) -> Preset:
        """Keep one in place of the one with its id, or of its scope, subject and name; returns it with its id."""
        return await self._disk.write(lambda connection: presets.keep(connection, preset))

    async def remove(self, preset_id: str) -> None:
        """Forget one."""
        await self._disk.write(lambda connection: presets.remove(connection, preset_id))

    async def settings(self, chat: str, model: str) -> dict[str, Setting]:
        """What a chat is asked with a model, by name, each with the preset that it comes from."""
        found = await self._disk.read(lambda connection: presets.for_chat(connection, chat, model))
        return presets.resolve(found)
