"""Discover's pages beside each other in a window, over a real hub, real downloads and a keyring of this test's own."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conftest import until
from hub_server import HubServer, Stored
from model_shapes import LLAMA_8B, llama
from PySide6.QtCore import QCoreApplication, QEvent, QUrl
from PySide6.QtWidgets import QApplication, QHBoxLayout, QWidget

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.network import OffLine
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.core.units import GIB
from nodetool_xl_desktop.fit.memory import HostMemory, Machine
from nodetool_xl_desktop.hub.downloads import Downloads
from nodetool_xl_desktop.hub.search import Hub
from nodetool_xl_desktop.hub.tokens import Tokens
from nodetool_xl_desktop.library.model_file import ModelFile
from nodetool_xl_desktop.preview.remote import RemoteModels
from nodetool_xl_desktop.ui.discover.discover_flow import DiscoverFlow
from nodetool_xl_desktop.ui.discover.door import DiscoverSources
from nodetool_xl_desktop.ui.discover.offer_row import OfferRow
from nodetool_xl_desktop.ui.discover.repository_page import RepositoryPage
from nodetool_xl_desktop.ui.discover.result_rows import Card
from nodetool_xl_desktop.ui.discover.search_page import SearchPage
from nodetool_xl_desktop.ui.tasks import Tasks
from nodetool_xl_desktop.ui.theme import Theme

SMALL = {
    **LLAMA_8B,
    "block_count": 2,
    "embedding_length": 256,
    "feed_forward_length": 512,
    "attention.head_count": 4,
    "attention.head_count_kv": 4,
    "vocab_size": 1024,
}
SIDE = 264


class OwnKeyring:
    """A keyring of this test alone; one that does not keep anything says nothing of it."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}
        self.keeps = True

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        if self.keeps:
            self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


@dataclass
class Desk:
    """The window, what is behind it, and what it asked of the rest of the program."""

    hub: HubServer
    paths: Paths
    theme: Theme
    keyring: OwnKeyring = field(default_factory=OwnKeyring)
    heard: list[object] = field(default_factory=list)
    browsed: list[str] = field(default_factory=list)
    models: list[ModelFile] = field(default_factory=list)
    machine: Machine = field(default_factory=lambda: Machine(HostMemory(16 * GIB, 12 * GIB)))

    def __post_init__(self) -> None:
        self.off_line = OffLine()
        self.tasks = Tasks()
        self.tokens = Tokens(self.keyring)
        self.downloads = Downloads(self.paths.data / "downloads.json", lambda: self.paths.models, self.tokens.get)
        self.search = SearchPage(self.theme)
        self.page = RepositoryPage(self.theme, self._browse)
        self.window = QWidget()
        self.window.resize(1360, 860)
        self.search.setFixedWidth(SIDE)
        row = QHBoxLayout(self.window)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.search)
        row.addWidget(self.page, 1)
        sources = DiscoverSources(
            hub=Hub,
            remote=RemoteModels(self.paths.headers, endpoint=self.hub.url),
            tokens=self.tokens,
            downloads=self.downloads,
            machine=self._machine,
            models=lambda: self.models,
            folder=lambda: self.paths.models,
            off_line=self.off_line,
        )
        self.flow = DiscoverFlow(self.theme, self.tasks, self.search, self.page, sources, self.told, self._browse)
        self.flow.use_endpoint(self.hub.url)
        for name in ("opened", "closed", "downloads_requested", "on_line_requested"):
            getattr(self.flow, name).connect(lambda name=name: self.heard.append(name))
        self.flow.load_requested.connect(lambda path: self.heard.append(("load", path)))
        self.flow.path_given.connect(lambda path: self.heard.append(("path", path)))
        self.flow.endpoint_chosen.connect(lambda endpoint: self.heard.append(("endpoint", endpoint)))
        self.flow.added.connect(lambda key: self.heard.append(("added", key)))

    def told(self, error: UserFacingError) -> None:
        self.heard.append(error)

    def _browse(self, url: QUrl) -> None:
        self.browsed.append(url.toString())

    async def _machine(self) -> Machine:
        return self.machine

    async def shut_down(self) -> None:
        """End what still runs."""
        self.flow.close()
        await self.tasks.cancel_all()
        await self.downloads.close()
        self.off_line.is_on = False

    # What is seen

    @property
    def cards(self) -> list[Card]:
        """The repositories that are listed."""
        return [row for row in self.search.view.results.rows if isinstance(row, Card)]

    @property
    def listed(self) -> list[str]:
        """Those that the hub told of."""
        return [card.repo_id for card in self.cards if card.found is not None]

    @property
    def texts(self) -> list[str]:
        """What all rows are called."""
        return [str(row.title if isinstance(row, Card) else row.text) for row in self.search.view.results.rows]

    def row(self, quantization: str) -> OfferRow:
        return next(row for row in self.page.offers.rows if row.candidate.quantization == quantization)

    async def show(self) -> None:
        self.window.show()
        await until(lambda: self.listed or self.search.notice.text, "the hub has answered")

    async def open(self, repo_id: str) -> None:
        """Open a repository, and wait until the verdicts are there."""
        self.flow.open_repository(repo_id)
        await until(
            lambda: (rows := self.page.offers.rows) and (rows[0].verdict or "cannot be said" in self.page.best.text),
            f"the verdicts on {repo_id}",
            10,
        )
        rows = self.page.offers.rows
        assert rows[0].verdict, self.page.best.text
        await asyncio.sleep(0.02)

    def picture(self, name: str, folder: Path | None) -> None:
        """For a look at it."""
        if folder is not None:
            self.window.grab().save(str(folder / f"{name}.png"))


def repositories(folder: Path) -> dict[str, dict[str, Any]]:
    """A hub with a large model in four builds and a projector, a tiny one, and one that is gated."""
    folder.mkdir(parents=True, exist_ok=True)
    llama(folder / "small.gguf", SMALL)
    header = (folder / "small.gguf").read_bytes()
    card = b"---\nlicense: apache-2.0\n---\n# Big\n\nA **big** model. [More](./docs/more.md)\n"
    big: dict[str, Any] = {
        f"Big-{name}.gguf": Stored(sparse(folder / f"{name}.gguf", size), sha256="f" * 64)
        for name, size in (("Q2_K", 6), ("Q4_K_M", 7), ("Q8_0", 8), ("F16", 16))
    }
    return {
        "org/Big-GGUF": {**big, "mmproj-Big-F16.gguf": bytes(2000), "README.md": Stored(card, large=False)},
        "org/Tiny-GGUF": {"Tiny-Q4_K_M.gguf": header, "Tiny-Q8_0.gguf": header + bytes(100_000)},
        "acme/Gated-GGUF": {"Gated-Q4_K_M.gguf": header},
    }


def sparse(path: Path, size_gb: int) -> Path:
    """A model of so many gigabytes that takes no room on the disk: a header and a hole."""
    llama(path, LLAMA_8B)
    os.truncate(path, size_gb * 10**9)
    return path


def forget(desk: Desk, loop: asyncio.AbstractEventLoop) -> None:
    """End what a desk is made of."""
    loop.run_until_complete(desk.shut_down())
    desk.window.close()
    desk.window.deleteLater()
    desk.theme.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    assert not [task for task in asyncio.all_tasks(loop) if not task.done()]
    assert not [widget for widget in QApplication.topLevelWidgets() if widget.isVisible()]
