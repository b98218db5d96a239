"""What comes between the pages of a hub and the rest: where files of this disk are from."""

from __future__ import annotations

import asyncio
import json

import pytest
from conftest import until
from discover_desk import OwnKeyring
from hub_server import HubServer, forget_environment
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QApplication

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.network import OffLine
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.core.units import GIB
from nodetool_xl_desktop.fit.memory import HostMemory, Machine
from nodetool_xl_desktop.hub.downloads import Downloads, State
from nodetool_xl_desktop.hub.repository import look_up
from nodetool_xl_desktop.hub.search import Hub
from nodetool_xl_desktop.hub.tokens import Tokens
from nodetool_xl_desktop.library.origins import FILE_NAME, Origin, Origins
from nodetool_xl_desktop.preview.remote import RemoteModels
from nodetool_xl_desktop.ui.discover.door import DiscoverSources
from nodetool_xl_desktop.ui.hub_flow import HubFlow
from nodetool_xl_desktop.ui.tasks import Tasks
from nodetool_xl_desktop.ui.theme import Theme

CONTENT = b"x" * 5000
NAME = "a-Q4_K_M.gguf"


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    forget_environment(monkeypatch)


async def _machine() -> Machine:
    return Machine(HostMemory(16 * GIB, 12 * GIB))


async def test_where_a_model_is_from_is_known_also_where_the_program_ended_in_that_moment(paths: Paths) -> None:
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    theme, tasks, told = Theme(application), Tasks(), list[UserFacingError]()
    origins, models = Origins(paths), paths.data / "models"
    with HubServer({"org/repo": {NAME: CONTENT, "b-Q8_0.gguf": CONTENT + b"b"}}) as hub:
        repository = await look_up("org/repo", endpoint=hub.url)
        first = Downloads(paths.data / "downloads.json", lambda: models)
        await first.add(repository, repository.files[:1])
        await until(lambda: first.all and first.all[0].state is State.DONE, "the first one is here", 10)
        await first.close()
        assert not (paths.data / FILE_NAME).exists()
        downloads = Downloads(paths.data / "downloads.json", lambda: models)
        remote, tokens = RemoteModels(paths.headers, endpoint=hub.url), Tokens(OwnKeyring())
        sources = DiscoverSources(Hub, remote, tokens, downloads, _machine, lambda: (), lambda: models, OffLine())
        flow = HubFlow(theme, tasks, sources, origins, told.append)
        changed: list[None] = []
        flow.models_changed.connect(lambda: changed.append(None))
        flow.start()
        downloads.start()
        first_file, second_file = repository.files
        path = models / "org" / "repo" / NAME
        await until(lambda: origins.of(path), "where the first one is from", 10)
        assert not changed  # it is no news
        await downloads.add(repository, [second_file])
        await until(lambda: changed, "the second one is here", 10)
        for file in (first_file, second_file):
            expected = Origin("org/repo", repository.commit, file.sha256 or "", file.size, file.path, hub.url)
            assert origins.of(path.with_name(file.name)) == expected
        flow.close()
        await tasks.cancel_all()
        await downloads.close()
    assert told == []
    assert len(json.loads((paths.data / FILE_NAME).read_text())["files"]) == 2
    flow.downloads.page.deleteLater()
    flow.downloads.foot.deleteLater()
    flow.deleteLater()
    theme.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    await asyncio.sleep(0)
