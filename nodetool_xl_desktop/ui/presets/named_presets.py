"""Presets by name, between the panel and the store: save, rename, delete, import, export."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog

from nodetool_xl_desktop.chat import preset_files
from nodetool_xl_desktop.chat.preset_desk import PresetDesk
from nodetool_xl_desktop.chat.starting_presets import is_reserved
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.store.presets import Preset
from nodetool_xl_desktop.store.store import Store
from nodetool_xl_desktop.ui.parts import caption, file_kinds
from nodetool_xl_desktop.ui.presets.preset_panel import PresetPanel
from nodetool_xl_desktop.ui.tasks import Tasks, in_thread

FILES = file_kinds((tr("Presets"), "*.json"))


class NamedPresets(QObject):
    """Does what the panel's chooser asks for.

    Args:
        tasks: where reading and writing run.
        desk: what is set, and the presets that can be chosen.
        panel: where what happened is told.
        choose: has the scope that is shown say what a preset says.
    """

    #: The presets that can be chosen are others now.
    listed = Signal()

    def __init__(self, tasks: Tasks, desk: PresetDesk, panel: PresetPanel, *, choose: Callable[[Preset], None]) -> None:
        super().__init__(panel)
        self._tasks = tasks
        self._desk = desk
        self._panel = panel
        self._choose = choose
        self._store: Store | None = None
        chooser = panel.chooser
        chooser.save_requested.connect(lambda name: self._do(self._save_as, name))
        chooser.rename_requested.connect(lambda preset, name: self._do(self._rename, preset, name))
        chooser.delete_requested.connect(lambda preset: self._do(self._delete, preset))
        chooser.import_requested.connect(self._ask_for_file)
        chooser.export_requested.connect(self._ask_where)

    def set_store(self, store: Store) -> None:
        """The chats were opened."""
        self._store = store

    def import_file(self, file: Path) -> None:
        """Add the preset of a file, and offer to use it."""
        self._do(self._import, file)

    def export_file(self, file: Path) -> None:
        """Write what is set for the scope that is shown into a file."""
        self._do(self._export, file, preset_files.with_name(self._desk.shown, self._desk.shown_name))

    def _do(self, work: Callable[..., Awaitable[None]], *values: Any) -> None:
        """Have something done with the store, and tell what it refuses."""

        async def told(store: Store) -> None:
            try:
                await work(store, *values)
                self._desk.named = tuple(await store.presets.named())
            except UserFacingError as error:
                self._panel.tell_error(error, tr("Try Again"), lambda: self._do(work, *values))
            else:
                self.listed.emit()

        if self._store is not None:
            self._tasks.start(told(self._store))

    async def _save_as(self, store: Store, name: str) -> None:
        same = next((each for each in self._desk.named if each.name.casefold() == name.casefold()), None)
        kept = preset_files.with_name(self._desk.shown, name)
        await store.presets.keep(replace(kept, id=same.id) if same else kept)
        self._panel.tell(tr("“{name}” was saved", name=caption(name)), tone="good")

    async def _rename(self, store: Store, preset: Preset, name: str) -> None:
        await store.presets.keep(replace(preset, name=name))
        self._panel.notice.hide()

    async def _delete(self, store: Store, preset: Preset) -> None:
        await store.presets.remove(preset.id)
        what, text = (
            tr("“{name}” was deleted", name=caption(preset.name)),
            tr("What it was chosen for keeps its values."),
        )
        self._panel.tell(what, text, tr("Undo"), lambda: self._do(self._bring_back, preset))

    async def _bring_back(self, store: Store, preset: Preset) -> None:
        await store.presets.keep(preset)
        self._panel.notice.hide()

    async def _import(self, store: Store, file: Path) -> None:
        preset = await in_thread(lambda: preset_files.read(file))
        name = tr("{name} (imported)", name=preset.name) if is_reserved(preset.name) else preset.name
        free = preset_files.free_name(name, [each.name for each in self._desk.named])
        kept = await store.presets.keep(replace(preset, name=free))
        what = tr("“{name}” was imported", name=caption(kept.name))
        self._panel.tell(what, "", tr("Use It Here"), lambda: self._choose(kept), tone="good")

    async def _export(self, _store: Store, file: Path, preset: Preset) -> None:
        await in_thread(lambda: preset_files.write(file, preset))
        self._panel.tell(tr("“{name}” was exported", name=caption(preset.name)), str(file), tone="good")

    def _ask_for_file(self) -> None:
        dialog = QFileDialog(self._panel.window(), tr("Import a preset"), "", FILES)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(lambda name: self.import_file(Path(name)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _ask_where(self) -> None:
        dialog = QFileDialog(self._panel.window(), tr("Export the preset"), "", FILES)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("json")
        dialog.selectFile(f"{_file_name(self._desk.shown_name)}.json")
        dialog.fileSelected.connect(lambda name: self.export_file(Path(name)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()


def _file_name(name: str) -> str:
    """A name of a preset as the name of a file on any system."""
    kept = "".join(letter if letter.isalnum() or letter in " -_()" else "_" for letter in name).strip()
    return kept or tr("Preset")
