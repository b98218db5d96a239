"""The one place where objects are made and wired: the event loop, the window, and the order of shutdown."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication
from qasync import QEventLoop

from nodetool_xl_desktop import __version__
from nodetool_xl_desktop.chat.late_source import LateSource
from nodetool_xl_desktop.chat.toolbox import Toolbox
from nodetool_xl_desktop.core import logging as program_log
from nodetool_xl_desktop.core import settings
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.instance import Instance
from nodetool_xl_desktop.core.last_end import LastEnd
from nodetool_xl_desktop.core.network import OffLine
from nodetool_xl_desktop.core.paths import APP_NAME, Paths, resource
from nodetool_xl_desktop.core.settings_file import SettingsFile
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.engine import hardware, wheels
from nodetool_xl_desktop.engine.client import Sampling
from nodetool_xl_desktop.engine.dry_run import DryRuns
from nodetool_xl_desktop.engine.events import Event, TextDelta
from nodetool_xl_desktop.engine.loader import Loader
from nodetool_xl_desktop.engine.pool import Pool
from nodetool_xl_desktop.engine.states import Broken, Ready
from nodetool_xl_desktop.gguf import HeaderCache
from nodetool_xl_desktop.hub.downloads import Downloads
from nodetool_xl_desktop.hub.named import Named
from nodetool_xl_desktop.hub.tokens import Tokens
from nodetool_xl_desktop.library.loads import LoadRecords
from nodetool_xl_desktop.library.models import ModelLibrary
from nodetool_xl_desktop.library.origins import Origins
from nodetool_xl_desktop.preview.confirm import Planner
from nodetool_xl_desktop.preview.remote import RemoteModels
from nodetool_xl_desktop.provider import XLlamaCppProvider
from nodetool_xl_desktop.store.records import State
from nodetool_xl_desktop.ui import accessible, qt_language
from nodetool_xl_desktop.ui.collector import Collector
from nodetool_xl_desktop.ui.fit.fit_flow import LookUp, Sources
from nodetool_xl_desktop.ui.leaf import formula
from nodetool_xl_desktop.ui.main_window import MainWindow
from nodetool_xl_desktop.ui.one_program import FrontDoor, Handed, come_forward
from nodetool_xl_desktop.ui.opening import Application, sort
from nodetool_xl_desktop.ui.resting_caret import RestingCaret
from nodetool_xl_desktop.ui.rooms import Elsewhere, Rooms
from nodetool_xl_desktop.ui.tasks import in_thread
from nodetool_xl_desktop.ui.theme import Theme
from nodetool_xl_desktop.ui.tools.tools_flow import Tooling

if TYPE_CHECKING:
    from nodetool_xl_desktop.hub.search import Hub
    from nodetool_xl_desktop.tools.mcp import McpServers

#: An answer that nobody can stop with a key must end by itself.
FIRST_ANSWER_TOKENS = 512
#: What has just come is laid out and painted within this time. Not by QApplication.processEvents: that would run steps
#: of other tasks inside of this one, which asyncio refuses, and they are lost.
PAINTED_S = 0.1

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Parts:
    """The program, wired."""

    window: MainWindow
    pool: Pool
    loader: Loader
    theme: Theme
    servers: LateSource[McpServers]
    library: ModelLibrary
    downloads: Downloads
    collector: Collector
    caret: RestingCaret
    off_line: OffLine

    async def shut_down(self) -> None:
        """Stop answers first, so that they are kept as stopped; then end the engine."""
        self.window.fit.close()
        self.window.hub.close()
        self.window.first.cancel()
        self.window.chats.stop_all()
        await self.window.chats.answered()
        await self.window.models.shelf.close()
        await self.window.engine.close()
        await self.window.chosen.saved()
        await self.window.presets.saved()
        await self.window.tasks.cancel_all()  # first what could still load or write something
        await self.window.first.close()
        await in_thread(self.library.close)
        await self.window.store_flow.close()
        await self.downloads.close()
        if (servers := self.servers.made) is not None:
            await servers.close()
        await self.pool.close()
        formula.close_all()
        self.collector.close()
        self.caret.close()
        self.off_line.let_go()


def application() -> QApplication:
    """The one QApplication."""
    existing = QApplication.instance()
    made = existing if isinstance(existing, QApplication) else Application([APP_NAME])
    made.setApplicationName(APP_NAME)
    made.setApplicationDisplayName(tr("NodeTool XL Desktop"))
    made.setApplicationVersion(__version__)
    made.setDesktopFileName(APP_NAME)
    made.setWindowIcon(QIcon(str(resource("icon.svg"))))
    made.setQuitOnLastWindowClosed(False)  # the end is ours: the engine has to end first
    qt_language.speak(made)
    accessible.install()
    return made


def event_loop(qt: QApplication) -> asyncio.AbstractEventLoop:
    """The loop that Qt and asyncio share.

    WORKAROUND: qasync's loop leaves asynchronous generators that were not read to their end to the garbage collector,
    which cannot close them (https://docs.python.org/3/library/sys.html#sys.set_asyncgen_hooks); asyncio's own loops do
    what is done here. A stopped answer is such a generator.
    """
    loop: asyncio.AbstractEventLoop = QEventLoop(qt)
    asyncio.set_event_loop(loop)
    sys.set_asyncgen_hooks(finalizer=lambda generator: _close_soon(loop, generator))
    return loop


def _close_soon(loop: asyncio.AbstractEventLoop, generator: AsyncGenerator[Any, Any]) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(lambda: loop.create_task(generator.aclose()))


def build(
    paths: Paths,
    pool: Pool,
    missing_engine: wheels.Wheel | None = None,
    *,
    devices: LookUp = hardware.devices,
    plan: Planner | None = None,
    user_home: Path | None = None,
) -> Parts:
    """Make and wire everything; needs a QApplication.

    Args:
        paths: the program's folders.
        pool: what loads and holds models.
        missing_engine: the engine to install, None where one is there.
        devices: looks up what there is beside the processor.
        plan: has the engine plan a load; None for the installed one.
        user_home: below which other programs' models are looked for; None for this user's, as the environment says.
    """
    kept = SettingsFile(paths.settings_file)
    values = kept.read()
    theme = Theme(application(), values[settings.THEME])  # before anything is painted: it would flash
    loader = Loader(pool)
    off_line = OffLine()
    off_line.hold_to(values)  # before anything could connect
    # Neither is imported before the window is painted.
    servers: LateSource[McpServers] = LateSource(
        "nodetool_xl_desktop.tools.mcp", lambda mcp: mcp.McpServers(paths, off_line)
    )
    built_in = LateSource("nodetool_xl_desktop.tools.built_in", lambda tools: tools.BuiltIn(off_line))
    library, tokens = ModelLibrary(paths, user_home), Tokens()
    downloads = Downloads(paths.downloads_file, library.folders.own_for_writing, tokens.get)
    rooms = Rooms(
        library=library,
        loader=loader,
        provider=XLlamaCppProvider(pool, paths),
        tooling=Tooling(Toolbox([built_in, servers], paths.permissions_file), servers, off_line),
        sources=Sources(hardware.host_memory, devices, plan or DryRuns().plan, LoadRecords(paths), HeaderCache()),
        elsewhere=Elsewhere(_hub, RemoteModels(paths.headers), tokens, downloads, Origins(paths)),
        paths=paths,
    )
    window = MainWindow(theme, rooms, missing_engine)
    collector = Collector(lambda: not window.chats.answering)
    caret = RestingCaret(application())
    return Parts(window, pool, loader, theme, servers, library, downloads, collector, caret, off_line)


def _hub(endpoint: str | None, token: str | None) -> Hub:
    from nodetool_xl_desktop.hub.search import Hub  # noqa: PLC0415 - after the first paint

    return Hub(endpoint, token)


def run(named: list[Named], instance: Instance, *, prompt: str | None, screenshot: Path | None) -> int:
    """Open the window and stay until it is closed, or until what was asked on the command line is done.

    Raises:
        UserFacingError: `prompt` or `screenshot` could not be done.
    """
    paths = Paths.default()
    program_log.set_up(paths.logs)
    last_end = LastEnd(paths.logs)
    if instance.has_begun:
        last_end.begin()
    loop = event_loop(application())
    with contextlib.closing(loop):
        parts = build(paths, Pool(), None if wheels.is_installed(paths.engines) else wheels.recommend(hardware.look()))
        parts.window.help.tell_last_end(last_end)
        try:
            if instance.has_begun:  # else another program goes on with them
                parts.window.chosen.read.connect(lambda _chosen: parts.downloads.start())
            living = loop.create_task(_live(parts, FrontDoor(instance), named, prompt, screenshot))
            with _ending_with_the_display(living), parts.window.help.bugs.heard(loop):
                return loop.run_until_complete(living)
        finally:
            last_end.end()
            instance.end()  # everything is written: the next one may begin


@contextlib.contextmanager
def _ending_with_the_display(living: asyncio.Task[int]) -> Iterator[None]:
    """Where the display is gone, Qt ends its loop under us, and nobody could close the window any more.

    The threads that still wait would hold the process, with its chats and its model, until the machine is switched off.
    What was written is on the disk; the children end with this process, and so does the right to the window.
    """
    try:
        yield
    except RuntimeError:
        if living.done():
            raise
        _log.critical("The display is gone: the program ends.")
        logging.shutdown()
        os._exit(1)


async def _live(parts: Parts, door: FrontDoor, named: list[Named], prompt: str | None, screenshot: Path | None) -> int:
    closed = asyncio.Event()
    parts.window.closed.connect(closed.set)
    loop = asyncio.get_running_loop()
    if sys.platform != "win32":
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, closed.set)
    parts.window.show()
    _receive(parts.window, door)
    closing = asyncio.create_task(closed.wait())
    work = asyncio.create_task(_work(parts, named, prompt, screenshot))
    try:
        await asyncio.wait([closing, work], return_when=asyncio.FIRST_COMPLETED)
        if work.done() and not await work:
            await closing
    finally:
        door.close()
        closing.cancel()
        work.cancel()
        for each in QApplication.topLevelWidgets():  # open dialogs too: nobody can answer them any more
            each.hide()
        await parts.shut_down()
    return 0


def _receive(window: MainWindow, door: FrontDoor) -> None:
    """Open what programs that are started later, and the system, ask for."""

    def open_handed(handed: Handed) -> None:
        come_forward(window, handed.token)
        window.opening.open(handed.named)

    door.asked.connect(open_handed)
    window.tasks.start(door.open())
    if isinstance(qt := QApplication.instance(), Application):
        qt.file_asked.connect(lambda named: window.opening.open([named]))


async def _work(parts: Parts, named: list[Named], prompt: str | None, screenshot: Path | None) -> bool:
    """Do what the command line asks for; returns whether that was all."""
    seen = screenshot is None and QApplication.platformName() != "offscreen"  # by a person, who can go on from there
    await _open(parts, named)
    if prompt is not None:
        try:
            await _first_answer(parts, prompt)
        except UserFacingError:
            if not seen:
                raise
    if screenshot is not None:
        await asyncio.sleep(PAINTED_S)
        _save_picture(parts, screenshot)
        if parts.window.models.problem is not None:
            raise parts.window.models.problem
    return not seen and (screenshot is not None or prompt is not None)


async def _open(parts: Parts, named: list[Named]) -> None:
    """Open what was named on the command line; where that is no model, select the first of My Models."""
    what = await in_thread(partial(sort, named))
    parts.window.opening.pass_on(replace(what, models=()))
    if what.models:
        await parts.window.models.open(list(what.models))
    else:
        await parts.window.models.list_models()
        models = parts.window.side_bar.models
        if models.files and models.selected is None:
            models.select(models.files[0].path)
    await parts.window.models.previewed()


async def _first_answer(parts: Parts, prompt: str) -> None:
    """Load the selected model and ask it, printing the answer as it streams."""
    await parts.window.models.load()
    match parts.loader.state:
        case Ready():
            pass
        case Broken(_, error):
            raise error
        case _:
            raise parts.window.models.problem or UserFacingError(
                tr("The prompt was not asked"), tr("there is no model yet"), tr("Name a .gguf file.")
            )

    def show(event: Event) -> None:
        if isinstance(event, TextDelta):
            print(event.text, end="", flush=True)

    chats = parts.window.chats
    usual = chats.asker.on_event, chats.asker.sampling
    chats.asker.on_event, chats.asker.sampling = show, Sampling(max_tokens=FIRST_ANSWER_TOKENS)
    chats.send(prompt)
    await chats.answered()
    chats.asker.on_event, chats.asker.sampling = usual
    print(flush=True)
    if chats.session is None:  # it could not be written
        raise parts.window.chat.problem or UserFacingError(tr("The prompt was not asked"))
    answer = chats.session.shown[-1]
    if answer.state is State.FAILED and answer.about.error is not None:
        raise answer.about.error


def _save_picture(parts: Parts, file: Path) -> None:
    with contextlib.suppress(OSError):  # saving then fails too, and says so
        file.parent.mkdir(parents=True, exist_ok=True)
    if not parts.window.grab().save(str(file)):
        raise UserFacingError(
            tr("The picture could not be saved"), tr("{file} cannot be written, or is no .png", file=file)
        )
