"""What happens between a repository's page, the hub, the verdicts and the downloads."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import shutil
from collections.abc import Callable, Coroutine
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QGuiApplication

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.hub.address import RepositoryAddress
from nodetool_xl_desktop.hub.choice import Candidate, pick
from nodetool_xl_desktop.hub.downloads import Download, State
from nodetool_xl_desktop.hub.errors import BadToken, Gated, NotFound
from nodetool_xl_desktop.hub.repository import Repository
from nodetool_xl_desktop.hub.search import Found
from nodetool_xl_desktop.ui.discover.card_text import readable
from nodetool_xl_desktop.ui.discover.door import DiscoverSources, Door
from nodetool_xl_desktop.ui.discover.offers import Offer, Offered, download_of, lacking, offered
from nodetool_xl_desktop.ui.discover.remedies import GIVE_TOKEN, GO_ON_LINE, TRY_AGAIN
from nodetool_xl_desktop.ui.discover.repository_page import RepositoryPage
from nodetool_xl_desktop.ui.tasks import Tasks, in_thread

if TYPE_CHECKING:
    from nodetool_xl_desktop.hub.search import Hub

#: What the downloads tell is looked at no more often, in milliseconds.
LOOK_MS = 250
#: Verdicts are asked for so many models of one repository at most, the smallest.
MOST_JUDGED = 300
GATED = tr("This model is gated")


class RepositoryFlow(QObject):
    """Opens a repository and keeps its page true.

    Args:
        page: shows it.
        tasks: where the asking is done.
        door: the way to the hub.
        sources: what else is asked.
        tell: hears what could not be done.
    """

    #: The page has something to show.
    opened = Signal()
    #: A download was asked for (its id).
    added = Signal(str)
    #: A change of the downloads, from whatever thread.
    _moved = Signal()

    def __init__(
        self,
        page: RepositoryPage,
        tasks: Tasks,
        door: Door,
        sources: DiscoverSources,
        tell: Callable[[UserFacingError], object],
    ) -> None:
        super().__init__(page)
        self._page, self._tasks, self._door, self._sources, self._tell = page, tasks, door, sources, tell
        self.repo_id = ""
        self._revision = "main"
        self._found: Found | None = None
        self._wanted: RepositoryAddress | None = None
        self._repository: Repository | None = None
        self._offered: Offered | None = None
        self._explained: dict[str, str] = {}
        self._free: int | None = None
        self._running: list[asyncio.Task[None]] = []
        self._verdicts: asyncio.Task[None] | None = None
        self._look = QTimer(self)
        self._look.setSingleShot(True)
        self._look.setInterval(LOOK_MS)
        self._look.timeout.connect(self._show_downloads)
        self._moved.connect(self._downloads_moved)
        self._unlisten = sources.downloads.listen(self._moved.emit)
        page.download_requested.connect(self._download)
        page.exact_requested.connect(self._judge_exactly)
        page.along.changed.connect(self._projector_changed)
        page.copy_requested.connect(lambda address: QGuiApplication.clipboard().setText(address))

    # Opening one

    def open(
        self,
        repo_id: str,
        revision: str = "main",
        found: Found | None = None,
        wanted: RepositoryAddress | None = None,
    ) -> None:
        """Show this repository; what was asked for another one is of no use any more.

        Args:
            repo_id: `organisation/name`.
            revision: a branch, a tag or a commit.
            found: what a search said of it.
            wanted: the address that a person gave, which may name one of its files.
        """
        self.close()
        self.repo_id, self._revision, self._found, self._wanted = repo_id, revision, found, wanted
        self._page.show_waiting(repo_id, self._door.host, self._door.address(repo_id), found)
        self.opened.emit()
        self._start(self._ask())

    def again(self) -> None:
        """Ask anew for the one that is open."""
        if self.repo_id:
            self.open(self.repo_id, self._revision, self._found, self._wanted)

    def close(self) -> None:
        """Nothing is shown any more: ask nothing."""
        for task in self._running:
            task.cancel()
        self._running, self._verdicts = [], None
        self._repository = self._offered = None
        self.repo_id = ""

    def end(self) -> None:
        """The program ends."""
        self.close()
        self._unlisten()

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        self._running = [task for task in self._running if not task.done()]
        self._running.append(self._tasks.start(work, self._tell))
        return self._running[-1]

    async def _ask(self) -> None:
        try:
            hub = await self._door.hub()
            repository = await hub.repository(self.repo_id, self._revision)
        except UserFacingError as error:
            self._page.show_error(error, self._remedy(error))
            return
        found = await in_thread(lambda: offered(repository, self._sources.models()))
        self._free = await in_thread(lambda: room_of(self._sources.folder()))
        self._explained = await in_thread(lambda: explanations(found))
        self._repository, self._offered = repository, found
        self._page.show_repository(repository, len(found.candidates), self._door.address(repository.repo_id))
        self._page.along.show_projectors(found.projectors)
        if repository.gated and not await self._has_token():
            self._show_gate(repository)
        self._show_downloads(waits=bool(found.candidates))
        self._show_wanted(found)
        self._start(self._read_card(hub, repository))
        if found.candidates:
            self._verdicts = self._start(self._judge(repository))

    def _show_wanted(self, found: Offered) -> None:
        """The address that a person gave may name one of the files."""
        if self._wanted is None or not (self._wanted.file or self._wanted.quantization):
            return
        try:
            wanted = pick(found.candidates, quantization=self._wanted.quantization, file=self._wanted.file or "")
        except UserFacingError as error:
            self._tell(error)
        else:
            self._page.reveal(wanted)

    def _remedy(self, error: UserFacingError) -> str:
        if self._sources.off_line.is_on:
            return GO_ON_LINE
        return GIVE_TOKEN if isinstance(error, BadToken | Gated | NotFound) else TRY_AGAIN

    async def _has_token(self) -> bool:
        try:
            return bool(await self._door.token())
        except UserFacingError:  # no keyring: whoever opens the token's dialog hears of it
            return False

    def _show_gate(self, repository: Repository) -> None:
        text = tr(
            "Accept its owner's terms on its page, then give an access token of your account at {host}. "
            "Files and verdicts need that; the card may not.",
            host=repository.host,
        )
        self._page.show_gate(GATED, text, GIVE_TOKEN)

    # What is found out about it

    async def _judge(self, repository: Repository) -> None:
        from nodetool_xl_desktop.preview.verdicts import judged  # noqa: PLC0415 - only who opens a repository needs it

        try:
            machine, token = await self._sources.machine(), await self._door.token()
            verdicts = judged(
                self._sources.remote,
                self._in_short(repository),
                machine,
                physical_cores=self._sources.physical_cores,
                projector=self._page.along.chosen,
                token=token,
            )
            async for verdict in verdicts:
                self._page.show_verdict(verdict)
                await asyncio.sleep(0)  # they come all at once, and each takes a moment to be shown
        except UserFacingError as error:
            self._page.show_no_verdict(str(error))
            if isinstance(error, Gated):
                self._page.show_gate(GATED, error.explanation, GIVE_TOKEN)
            return
        self._page.show_no_verdict("")

    def _in_short(self, repository: Repository) -> Repository:
        """The repository with as many models as are judged: to look through thousands of names takes long."""
        found = self._offered.candidates[:MOST_JUDGED] if self._offered is not None else ()
        return replace(repository, files=tuple(file for each in found for file in each.files))

    def _projector_changed(self) -> None:
        """It takes room on the disk and in memory."""
        self._show_room()
        if self._repository is not None:
            if self._verdicts is not None:
                self._verdicts.cancel()
            self._verdicts = self._start(self._judge(self._repository))

    def _judge_exactly(self, candidate: Candidate) -> None:
        verdict = self._page.offers.verdict_of(candidate)
        if self._repository is not None and verdict is not None and not verdict.is_exact:
            self._start(self._ask_exactly(self._repository, candidate, is_best=verdict.is_best))

    async def _ask_exactly(self, repository: Repository, candidate: Candidate, *, is_best: bool) -> None:
        from nodetool_xl_desktop.preview.verdicts import judge_exactly  # noqa: PLC0415 - as above

        machine, token = await self._sources.machine(), await self._door.token()
        verdict = await judge_exactly(
            self._sources.remote,
            repository,
            candidate,
            machine,
            physical_cores=self._sources.physical_cores,
            projector=self._page.along.chosen,
            token=token,
        )
        self._page.show_verdict(replace(verdict, is_best=is_best))

    async def _read_card(self, hub: Hub, repository: Repository) -> None:
        try:
            text = await hub.card(repository)
        except NotFound:
            self._page.show_card("")
        except Gated:
            self._page.show_no_card(tr("It is handed out with an access token only."))
        except UserFacingError as error:
            self._page.show_no_card(str(error))
        else:
            # What reads Markdown is imported when it is needed first: 60 ms that nobody shall wait for.
            await in_thread(partial(importlib.import_module, "nodetool_xl_desktop.markdown.leaf_reader"))
            self._page.show_card(await in_thread(partial(readable, text)))

    # Bringing it here

    def _downloads_moved(self) -> None:
        if self._repository is not None and self._page.isVisible() and not self._look.isActive():
            self._look.start()

    def look_again(self) -> None:
        """The models on this disk are others, or the page is seen again: show what is here and what is coming."""
        if self._repository is not None:
            self._start(self._look_at_disk(self._repository))

    async def _look_at_disk(self, repository: Repository) -> None:
        self._offered = await in_thread(lambda: offered(repository, self._sources.models()))
        self._free = await in_thread(lambda: room_of(self._sources.folder()))
        self._show_downloads()

    def _show_downloads(self, *, waits: bool = False) -> None:
        repository, found = self._repository, self._offered
        if repository is None or found is None:
            return
        downloads = self._sources.downloads.all
        mine = [each for each in downloads if each.repo_id == repository.repo_id]
        offers = [
            Offer(
                each,
                self._explained.get(each.quantization, ""),
                found.here.get(each.path),
                download_of(mine, repository, each) if mine else None,
            )
            for each in found.candidates
        ]
        self._page.show_offers(offers, waits=waits)
        self._show_room()

    def _show_room(self) -> None:
        downloads: tuple[Download, ...] = self._sources.downloads.all
        coming = [each for each in downloads if each.state is not State.DONE]
        chosen = self._page.along.chosen
        along = chosen.size if chosen is not None else 0
        free = self._free
        self._page.show_room(lambda candidate: lacking(free, coming, candidate.size + along))

    def _download(self, candidate: Candidate) -> None:
        if self._repository is not None:
            chosen = self._page.along.chosen
            files = (*candidate.files, chosen) if chosen is not None else candidate.files
            self._tasks.start(self._add(self._repository, files), self._tell)

    async def _add(self, repository: Repository, files: tuple[Any, ...]) -> None:
        # Room is looked at now: it was some minutes ago that the page did.
        self._free = await in_thread(lambda: room_of(self._sources.folder()))
        self._show_room()
        self.added.emit(await self._sources.downloads.add(repository, files))
        self._show_downloads()


def room_of(folder: Path) -> int | None:
    """Bytes that are free where a folder is, or will be; None where the system does not say. Touches the disk."""
    for place in (folder, *folder.parents):
        with contextlib.suppress(OSError):
            return shutil.disk_usage(place).free
    return None


def explanations(found: Offered) -> dict[str, str]:
    """Each quantization of a repository in one line."""
    from nodetool_xl_desktop.hub.quantizations import explained  # noqa: PLC0415 - only who opens a repository needs it

    return {each.quantization: explained(each.quantization) for each in found.candidates}
