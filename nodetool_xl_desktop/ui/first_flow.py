"""The way of a new person to their first answer: which step is shown, and the starter model fetched and loaded.

Get it, wait until it is loaded, ask: the load is part of the wish, as this model fits any machine.
"""

from __future__ import annotations

import asyncio
import time
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.core.units import memory
from nodetool_xl_desktop.engine.states import Empty
from nodetool_xl_desktop.fit.verdict import Verdict
from nodetool_xl_desktop.hub.picks import Pick, picks
from nodetool_xl_desktop.library.starter_download import Progress, StarterDownload
from nodetool_xl_desktop.ui.chat_flow import ChatFlow
from nodetool_xl_desktop.ui.fit.fit_panel import FitPanel
from nodetool_xl_desktop.ui.model_flow import ModelFlow
from nodetool_xl_desktop.ui.models.models_page import ModelsPage
from nodetool_xl_desktop.ui.tasks import Tasks, in_thread

#: So often a second it is shown how far the download is.
_LOOKS = 10
#: For which a pick is named.
_TASKS = ("Small and quick", "General", "Coding")
_TONES = {Verdict.FITS: "good", Verdict.TIGHT: "warning", Verdict.PARTLY: "warning", Verdict.WONT_FIT: "bad"}


class FirstFlow(QObject):
    """Answers the wishes of the page that welcomes.

    Args:
        download: brings the starter model.
        chats: whose pane has that page.
        models: lists and loads.
        page: My Models.
        fit: says whether the selected one fits.
        tasks: runs everything.
    """

    def __init__(
        self,
        *,
        download: StarterDownload,
        chats: ChatFlow,
        models: ModelFlow,
        page: ModelsPage,
        fit: FitPanel,
        tasks: Tasks,
    ) -> None:
        super().__init__(chats.pane)
        self._download = download
        self._chats, self._models, self._page, self._fit, self._tasks = chats, models, page, fit, tasks
        self._welcome = welcome = chats.pane.welcome
        self._first = welcome.first
        self._fetching: asyncio.Task[None] | None = None
        self._is_asked = False
        self._shown = 0.0
        self._first.get_requested.connect(self.get)
        self._first.cancel_requested.connect(self.cancel)
        welcome.ask_requested.connect(chats.send)
        welcome.load_other_requested.connect(models.load_soon)
        models.shelf.listed.connect(self._listed)
        page.model_selected.connect(lambda _path: self._listed())
        chats.shown_changed.connect(lambda _id: self._look_at_chats())
        for changed in (fit.moved, fit.offer_changed):
            changed.connect(self._show_verdict)

    def get(self) -> None:
        """Fetch the starter model, and load it."""
        if self._fetching is None or self._fetching.done():
            self._fetching = self._tasks.start(self._get())

    def cancel(self) -> None:
        """Fetch it no longer; what is here stays."""
        if self._fetching is not None:
            self._fetching.cancel()

    async def close(self) -> None:
        """End what is fetched."""
        await self._download.close()

    async def _get(self) -> None:
        loop = asyncio.get_running_loop()
        self._first.show_progress(Progress(0, 0))

        def tell(progress: Progress) -> None:  # in the download's thread
            now = time.monotonic()
            if progress.is_unpacking or now - self._shown >= 1 / _LOOKS:
                self._shown = now
                loop.call_soon_threadsafe(self._show_progress, progress)

        try:
            model = await self._download.bring(tell)
        except UserFacingError as error:
            self._first.show_problem(error)
        except asyncio.CancelledError:
            self._tasks.start(self._show_begun())
            raise
        else:
            await self._use(model)

    def _show_progress(self, progress: Progress) -> None:
        if self._fetching is not None and not self._fetching.done():
            self._first.show_progress(progress)

    async def _use(self, model: Path) -> None:
        """It is here: load it, unless the person has gone on to another one meanwhile."""
        if self._page.selected is None and isinstance(self._chats.pane.state, Empty):
            await self._models.open([model])
            await self._models.load(model)
        else:
            await self._models.list_models()
        await self._show_begun()

    async def _show_begun(self) -> None:
        self._first.show_begun(await in_thread(self._download.begun))

    # What is known

    def _listed(self) -> None:
        """Another list of models is known, or another one is selected."""
        usable = [file for file in self._page.files if file.trouble is None]
        self._welcome.show_first(not usable)
        self._welcome.show_others([file for file in usable if file.path != self._page.selected])
        self._look_at_chats()
        if not usable and not self._is_asked:
            self._is_asked = True
            self._tasks.start(self._begin())

    async def _begin(self) -> None:
        """Nobody has a model here: say what there is, and have Enter get the first one."""
        suiting = await in_thread(partial(_suiting, self._fit.machine.host.total))
        self._first.show_picks(suiting)
        await self._show_begun()
        if (
            self._first.isVisible()
            and self._chats.pane.composer.field.hasFocus()
            and not self._chats.pane.composer.text
        ):
            self._first.get.setFocus()

    def store_opened(self) -> None:
        """The chats are there."""
        self._look_at_chats()

    def _look_at_chats(self) -> None:
        if self._chats.store is not None:
            self._tasks.start(self._count_chats())

    async def _count_chats(self) -> None:
        if (store := self._chats.store) is not None:
            self._welcome.show_new(not (await store.list.page(limit=1)).chats)

    def _show_verdict(self) -> None:
        report = self._fit.report
        if report is None:
            self._welcome.show_verdict("", "quiet")
            return
        text = tr(
            "{verdict} · takes {need} of memory", verdict=tr(report.verdict.value), need=memory(report.need.total)
        )
        self._welcome.show_verdict(text, _TONES[report.verdict])


def _suiting(total: int) -> list[Pick]:
    """For each task the largest of Discover's picks for which this machine has the memory (bytes). Touches the disk."""
    found = []
    for task in _TASKS:
        fitting = [pick for pick in picks() if pick.task == task and pick.least_memory <= total]
        if fitting:
            found.append(max(fitting, key=lambda pick: pick.least_memory))
    return found
