"""What is done with the files of models: shown in their folder, verified, moved to the trash and back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.text import one_line
from nodetool_xl_desktop.core.translation import tr, trn
from nodetool_xl_desktop.engine.loader import Loader
from nodetool_xl_desktop.engine.states import Ready, Starting
from nodetool_xl_desktop.library.model_file import ModelFile
from nodetool_xl_desktop.library.origins import Origins
from nodetool_xl_desktop.ui.models.model_actions import KEPT_BY_OTHERS
from nodetool_xl_desktop.ui.models.models_page import ModelsPage
from nodetool_xl_desktop.ui.models.show_in_folder import show_in_folder
from nodetool_xl_desktop.ui.models.trash import Trashed, bring_back, move_to_trash
from nodetool_xl_desktop.ui.tasks import Tasks, in_thread
from nodetool_xl_desktop.ui.undo_bar import UndoBar

if TYPE_CHECKING:
    from nodetool_xl_desktop.ui.models.verify_dialog import AskHub, VerifyDialog


class ModelFiles(QObject):
    """Does it.

    Args:
        tasks: runs everything.
        loader: what holds the loaded model; it is ejected before its file goes to the trash.
        page: the page of the side bar, which asks for it.
        undo: the bar that can be seen, which offers to take something back.
        scan: looks at the disk anew, and selects a model.
        tell: shows an error.
    """

    def __init__(
        self,
        tasks: Tasks,
        loader: Loader,
        page: ModelsPage,
        undo: Callable[[], UndoBar],
        scan: Callable[[Path | None], Awaitable[None]],
        tell: Callable[[UserFacingError], object],
    ) -> None:
        super().__init__(page)
        self._tasks, self._loader, self._page, self._undo = tasks, loader, page, undo
        self._scan, self._tell = scan, tell
        self._origins: Origins | None = None
        self._ask_hub: AskHub | None = None
        offers = page.offers
        offers.show_requested.connect(lambda path: self._start(show_in_folder(path)))
        offers.verify_requested.connect(self.verify)
        offers.trash_requested.connect(lambda files: self._start(self.trash(files)))

    def verify_with(self, origins: Origins, ask_hub: AskHub | None) -> None:
        """Offer to verify models from now on."""
        self._origins, self._ask_hub = origins, ask_hub
        self._page.offers.can_verify = True

    def verify(self, file: ModelFile) -> VerifyDialog | None:
        """Open the dialog that reads and hashes a model."""
        if self._origins is None:
            return None
        from nodetool_xl_desktop.ui.models.verify_dialog import VerifyDialog  # noqa: PLC0415 - hardly ever asked for

        dialog = VerifyDialog(self._tasks, file, self._origins, self._ask_hub, self._page.window())
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()
        return dialog

    async def trash(self, files: Sequence[ModelFile]) -> None:
        """Move models to the trash with all their files, and offer to take it back. The loaded one is ejected first.

        Raises:
            UserFacingError: one belongs to another program's store, or could not be moved.
        """
        for file in files:
            if (why := KEPT_BY_OTHERS.get(file.place)) is not None:
                raise UserFacingError(tr("{title} was not moved to the trash", title=one_line(file.title)), why)
        state = self._loader.state
        if isinstance(state, Ready | Starting) and state.model in {file.path for file in files}:
            await self._loader.eject()
        moved: list[Trashed] = []
        try:
            for file in files:
                moved += await in_thread(partial(move_to_trash, file.files or (file.path,)))
        finally:
            if moved:
                what = (
                    one_line(files[0].title)
                    if len(files) == 1
                    else trn("{count} model", "{count:,} models", len(files))
                )
                self._undo().offer(
                    tr("{what} moved to the trash", what=what), lambda: self._start(self._bring_back(moved))
                )
            await self._scan(None)

    async def _bring_back(self, moved: Sequence[Trashed]) -> None:
        try:
            await in_thread(partial(bring_back, moved))
        finally:
            await self._scan(moved[0].was)

    def _start(self, work: Any) -> None:
        self._tasks.start(work, self._tell)
