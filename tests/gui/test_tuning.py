"""From the fit panel to the measuring and back: what was found is what the next load gets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from conftest import button, until
from PySide6.QtCore import Qt

from nodetool_xl_desktop import app
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.engine.states import Empty, Ready
from nodetool_xl_desktop.fit.options import LoadSettings
from nodetool_xl_desktop.library.settings import ModelSettings
from nodetool_xl_desktop.ui.fit.tune_dialog import TuneDialog


async def test_what_is_chosen_is_kept_and_loaded(
    parts: app.Parts, paths: Paths, starter_model: Path, qtbot: Any
) -> None:
    window = parts.window
    await window.models.open_soon([starter_model])
    await window.models.load()
    tune = button(window.fit_panel, "Tune ...")
    qtbot.mouseClick(tune, Qt.MouseButton.LeftButton)
    await until(lambda: window.findChildren(TuneDialog), "the dialog")
    (dialog,) = window.findChildren(TuneDialog)
    assert isinstance(parts.loader.state, Empty), "the loaded model would spoil the figures"
    dialog.chosen.emit(LoadSettings(threads=2, batch=64))
    qtbot.mouseClick(button(dialog, "Cancel"), Qt.MouseButton.LeftButton)
    await until(lambda: window.fit_panel.options.threads == 2, "the panel shows what was chosen")
    assert ModelSettings(paths).for_model(starter_model) == LoadSettings(threads=2, batch=64)
    await window.models.load()
    state = parts.loader.state
    assert isinstance(state, Ready)
    assert (state.server.options.threads, state.server.options.batch) == (2, 64)
