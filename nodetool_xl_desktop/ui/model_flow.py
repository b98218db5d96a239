"""What happens to a model between My Models, the fit panel and the loader.

It is listed, selected, previewed, loaded, ejected, removed.

Every touch of a disk happens in a thread of its own: a file may lie on a mount that is gone, and neither the window nor
its end may wait for that.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from nodetool_xl_desktop.chat.fitting import Judge
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.translation import tr, trn
from nodetool_xl_desktop.engine import hardware
from nodetool_xl_desktop.engine.loader import Loader
from nodetool_xl_desktop.engine.server import EngineServer
from nodetool_xl_desktop.engine.states import Ready
from nodetool_xl_desktop.engine.tune import tune
from nodetool_xl_desktop.fit.options import LoadSettings
from nodetool_xl_desktop.fit.verdict import Verdict
from nodetool_xl_desktop.library.model_file import title
from nodetool_xl_desktop.library.models import ModelLibrary
from nodetool_xl_desktop.preview.choice import Choice
from nodetool_xl_desktop.preview.report import Preview
from nodetool_xl_desktop.provider import XLlamaCppProvider
from nodetool_xl_desktop.ui.actions import action_of
from nodetool_xl_desktop.ui.chat_flow import ChatFlow
from nodetool_xl_desktop.ui.fit.fit_flow import FitFlow
from nodetool_xl_desktop.ui.fit.tune_dialog import TuneDialog
from nodetool_xl_desktop.ui.models.library_flow import FileSources, LibraryFlow
from nodetool_xl_desktop.ui.side_bar import SideBar, Tab
from nodetool_xl_desktop.ui.tasks import Tasks, in_thread

if TYPE_CHECKING:
    from nodetool_xl_desktop.ui.models.models_table import ModelsTable

_log = logging.getLogger(__name__)


class ModelFlow:
    """Answers the wishes of the side bar and the fit panel.

    Args:
        side_bar: lists the models.
        library: those.
        loader: holds the loaded one.
        provider: keeps how they are loaded.
        tasks: runs everything.
        chats: where a model answers.
        fit: the fit panel.
        tell: hears what could not be done while the fit panel is away.

    Attributes:
        problem: why the last file that was opened or selected is no model to load; None where it is one.
    """

    def __init__(  # noqa: PLR0913 - what it stands between
        self,
        *,
        side_bar: SideBar,
        library: ModelLibrary,
        loader: Loader,
        provider: XLlamaCppProvider,
        tasks: Tasks,
        chats: ChatFlow,
        fit: FitFlow,
        tell: Callable[[UserFacingError], object],
    ) -> None:
        self._tell_elsewhere = tell
        self._library = library
        self._loader = loader
        self._provider = provider
        self._tasks = tasks
        self._side_bar = side_bar
        self._fit_panel = fit_panel = fit.panel
        self._chat = chat = chats.pane
        self._chats = chats
        self._fit = fit
        self._records = fit.sources.records
        self._headers = fit.sources.headers
        self._page = page = side_bar.models
        self.shelf = LibraryFlow(
            library=library,
            loader=loader,
            tasks=tasks,
            page=page,
            tell=self._tell,
            sources=FileSources(fit.sources.headers.read, provider.kept_for, self._forget_settings),
        )
        self.shelf.table_made.connect(fit.judge_for)
        self.shelf.listed.connect(self._listed)
        self.shelf.settings_forgotten.connect(self._select_again)
        self._preview_task: asyncio.Task[None] | None = None
        self.problem: UserFacingError | None = None
        page.model_selected.connect(self._selected)
        page.load_requested.connect(self.load_soon)
        page.remove_requested.connect(lambda path: tasks.start(self._remove(path)))
        fit_panel.load_requested.connect(lambda: self.load_soon(None))
        fit_panel.eject_requested.connect(self.eject_soon)
        fit_panel.tune_requested.connect(lambda: tasks.start(self._tune()))
        chat.load_requested.connect(self.load_soon)
        chats.model_needed.connect(lambda: tasks.start(self._load_and_send()))

    @property
    def table(self) -> ModelsTable:
        """All of My Models, in the centre."""
        return self.shelf.table

    async def list_models(self, select: Path | None = None) -> None:
        """Show the library as it is on the disk now, and select one of it; returns as `LibraryFlow.scan`."""
        self._fit.look_if_old()
        if select is not None:
            self._side_bar.show_tab(Tab.MODELS)
        await self.shelf.scan(select)

    def _listed(self) -> None:
        if self._page.selected is None and self._fit_panel.report is not None:
            self._fit_panel.show_nothing()
            self._chat.show_selected("")

    async def open(self, paths: list[Path]) -> None:
        """Look at each file: what is a model is listed, and the last of them selected; what is none is told."""
        opened: Path | None = None
        problems: list[UserFacingError] = []
        for path in paths:
            try:
                preview = await in_thread(partial(Preview.inspect, path, self._headers.read))
                opened = preview.header.files[0].absolute()
                await in_thread(partial(self._library.add, opened))
            except UserFacingError as error:
                problems.append(error)
        await self.list_models(opened)
        await self.previewed()
        self.problem = _together(problems)
        self._tell(self.problem)

    def open_soon(self, paths: list[Path]) -> asyncio.Task[None]:
        """As `open`, beside everything else."""
        return self._tasks.start(self.open(paths))

    async def previewed(self) -> None:
        """Wait for the preview of what is selected."""
        while self._preview_task is not None and not self._preview_task.done():
            await asyncio.wait([self._preview_task])

    async def load(self, model: Path | None = None) -> None:
        """Load a model as the fit panel says; returns when it is ready, failed or was cancelled.

        Args:
            model: select this one first; None loads the one that is selected.
        """
        if model is not None:
            self._page.select(model)
        wanted = self._page.selected
        self._chat.composer.setFocus()  # Load is about to hide: the next thing to do is to write
        await self.previewed()
        await self._fit.looked()
        report, choice = self._fit_panel.report, self._fit_panel.choice
        if wanted is None or report is None or choice is None or wanted not in report.header.files:
            return
        if not self._fit_panel.can_be_loaded:
            return
        if not self._loader.holds(wanted, report.options):
            self._chats.stop_all()
            self._fit.loading(report)
        await self._loader.load(wanted, report.options, report.header, report.projector)
        state = self._loader.state
        if isinstance(state, Ready) and state.model == wanted and state.server.options == report.options:
            self.shelf.sayings.used(wanted)
            await self._remember(choice, state.server)

    async def _remember(self, choice: Choice, server: EngineServer) -> None:
        """Keep how the model was loaded, as that went well, and what it took."""

        def keep() -> None:
            if choice.kept.chosen != self._provider.kept_for(server.model).chosen:
                self._provider.choose_settings(server.model, choice.kept.chosen)
            self._records.keep(server.model, server.options, server.taken)

        try:
            await in_thread(keep)
        except UserFacingError as error:
            _log.warning("%s", error)  # it is loaded all the same; next time it is asked for again

    def load_soon(self, model: Path | None) -> None:
        """As `load`, beside everything else."""
        self._tasks.start(self.load(model))

    def look(self, model: Path) -> tuple[int | None, Judge] | None:
        """What the machine says to other contexts of a model, where that is the one in the fit panel.

        Returns:
            The context that it was made for, in tokens, and the verdict on any; None for another model.
        """
        choice, machine = self._fit_panel.choice, self._fit_panel.machine
        if choice is None or model not in choice.preview.header.files:
            return None

        def judge(context: int) -> tuple[str, bool]:
            options = choice.change(context_length=context).options(machine)
            report = choice.preview.report(options, machine.host, machine.devices, margin=machine.margin)
            return tr(report.verdict.value), report.verdict is not Verdict.WONT_FIT

        return choice.preview.header.context_length_max, judge

    def reload(self, model: Path, context: int, then: Callable[[], None]) -> None:
        """Load a model with another context, and then do something; nothing where it could not be loaded."""

        async def load() -> None:
            self._page.select(model)
            await self.previewed()
            self._fit_panel.choose_context(context)
            await self.load()
            if isinstance(self._loader.state, Ready):
                then()

        self._tasks.start(load())

    def eject_soon(self) -> None:
        """End the loaded model, or the load that is on its way."""
        self._chats.stop_all()
        self._tasks.start(self._loader.eject())

    def fill(self, add: Callable[[str, Callable[[], object]], object], then: Callable[[], None] | None = None) -> None:
        """Offer every listed model.

        Args:
            add: takes a name, and what choosing it does.
            then: follows when the chosen one is loaded.
        """
        for file in self._page.files:
            add(file.full_title, partial(self._load_soon_then, file.path, then))

    def _load_soon_then(self, model: Path, then: Callable[[], None] | None) -> None:
        self._tasks.start(self._load_then(model, then))

    async def _load_then(self, model: Path, then: Callable[[], None] | None) -> None:
        await self.load(model)
        if then is not None and isinstance(state := self._loader.state, Ready) and state.model == model:
            then()

    def _tell(self, error: UserFacingError | None) -> None:
        """Say what could not be done, in the fit panel where that is seen; None takes it back."""
        if error is None or self._fit_panel.isVisible():
            self._fit_panel.show_open_problem(error)
        else:
            self._tell_elsewhere(error)

    def _selected(self, path: Path) -> None:
        self._fit_panel.show_open_problem(None)
        if self._preview_task is not None:
            self._preview_task.cancel()
        self._preview_task = self._tasks.start(self._preview(path))

    async def _preview(self, path: Path) -> None:
        try:
            choice, took = await in_thread(partial(self._inspect, path))
        except UserFacingError as error:
            self.problem = error
            self._fit_panel.show_error(error)
            self._chat.show_selected("")
        else:
            self.problem = None
            self._fit_panel.show_choice(choice, took)
            self._fit.look_if_old()
            self._chat.show_selected(choice.preview.title)

    def _inspect(self, path: Path) -> tuple[Choice, dict[str, int]]:
        """Read the header, how the model is to be loaded, and what that took before; touches the disk."""
        preview = Preview.inspect(path, self._headers.read, self._provider.projectors_for)
        model = preview.header.files[0].absolute()
        choice = Choice.of(preview, self._provider.kept_for(model), hardware.physical_cores())
        return choice, self._records.taken(model)

    async def _remove(self, path: Path) -> None:
        try:
            await in_thread(partial(self._library.remove, path))
        except UserFacingError as error:
            self._tell(error)
        await self.list_models()

    async def _tune(self) -> None:
        """Open the dialog that measures the selected model."""
        report = self._fit_panel.report
        if report is None or not self._fit_panel.can_be_loaded:
            return
        self._chats.stop_all()
        await self._loader.eject()  # it takes memory, and would spoil the figures
        model = report.header.files[0].absolute()
        dialog = TuneDialog(
            self._fit_panel.theme,
            self._tasks,
            title(model),
            partial(tune, model, report.options),
            self._fit_panel.window(),
        )
        choice = self._fit_panel.choice
        chosen = choice.kept.chosen if choice is not None else LoadSettings()
        dialog.chosen.connect(lambda settings: self._tasks.start(self._keep(model, settings, chosen)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    async def _keep(self, model: Path, settings: LoadSettings, chosen: LoadSettings) -> None:
        """Keep what was measured beside what the person had chosen, and show how the model is loaded from now on."""
        measured = {field.name for field in fields(settings) if getattr(settings, field.name) is not None}
        chosen = replace(chosen, **dict.fromkeys(measured))
        try:
            await in_thread(partial(self._provider.keep_settings, model, settings))
            await in_thread(partial(self._provider.choose_settings, model, chosen))
        except UserFacingError as error:
            self._tell(error)
            return
        self._select_again(model)

    def _select_again(self, model: Path) -> None:
        """Other settings are kept for a model: show it anew where it is the selected one."""
        if self._page.selected == model:
            self._selected(model)

    def look_at_settings(self) -> None:
        """The program's settings of loads are others: show anew how the selected model would be loaded."""
        if self._page.selected is not None:
            self._selected(self._page.selected)
        self._fit.machine_changed()

    def _forget_settings(self, model: Path) -> None:
        """Forget what a person chose, and what was measured; touches the disk."""
        self._provider.choose_settings(model, LoadSettings())
        self._provider.keep_settings(model, LoadSettings())

    async def _load_and_send(self) -> None:
        """A message was written before a model was loaded: load the selected one, then send it."""
        if self._page.selected is None:
            keys = action_of("model.choose").keys_text
            self._chat.composer.set_hint(tr("Choose a model first ({keys}), or drop one on the window.", keys=keys))
            return
        shown, parts = self._chats.session, self._chat.composer.parts
        await self.load()
        if (self._chats.session, self._chat.composer.parts) == (shown, parts):  # else they went on to something else
            self._chats.send_written()


def _together(problems: list[UserFacingError]) -> UserFacingError | None:
    """One error that names every file; None where there is none."""
    if len(problems) < 2:
        return problems[0] if problems else None
    why = " ".join(f"{problem.what}: {problem.why}." for problem in problems)
    return UserFacingError(
        trn("{count} file could not be opened", "{count:,} files could not be opened", len(problems)), why
    )
