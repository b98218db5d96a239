"""What the window is made over: the rooms below it, as `app` hands them in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.engine import hardware
from nodetool_xl_desktop.engine.loader import Loader
from nodetool_xl_desktop.fit.memory import Machine
from nodetool_xl_desktop.hub.downloads import Downloads
from nodetool_xl_desktop.hub.tokens import Tokens
from nodetool_xl_desktop.library.model_file import ModelFile
from nodetool_xl_desktop.library.models import ModelLibrary
from nodetool_xl_desktop.library.origins import Origins
from nodetool_xl_desktop.preview.remote import RemoteModels
from nodetool_xl_desktop.provider import XLlamaCppProvider
from nodetool_xl_desktop.ui.discover.door import DiscoverSources
from nodetool_xl_desktop.ui.fit.fit_flow import Sources
from nodetool_xl_desktop.ui.tools.tools_flow import Tooling

if TYPE_CHECKING:
    from nodetool_xl_desktop.hub.search import Hub


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What lies on hubs, and the ways from there.

    Attributes:
        hub: makes the way to a hub from its address and a token; either may be None.
        remote: looks into models there.
        tokens: for hubs that ask for one.
        downloads: brings models here.
        origins: where the files that were brought here come from.
    """

    hub: Callable[[str | None, str | None], Hub]
    remote: RemoteModels
    tokens: Tokens
    downloads: Downloads
    origins: Origins


@dataclass(frozen=True, slots=True)
class Rooms:
    """What the window shows.

    Attributes:
        library: My Models.
        loader: what loads and holds a model.
        provider: what answers.
        tooling: what models may call.
        sources: what is known of the machine and of loads.
        elsewhere: what lies on hubs.
        paths: the program's folders.
    """

    library: ModelLibrary
    loader: Loader
    provider: XLlamaCppProvider
    tooling: Tooling
    sources: Sources
    elsewhere: Elsewhere
    paths: Paths

    def for_discover(
        self, machine: Callable[[], Awaitable[Machine]], models: Callable[[], Sequence[ModelFile]]
    ) -> DiscoverSources:
        """What Discover asks.

        Args:
            machine: looks at this machine's memory and devices.
            models: the models on this disk, as they were listed last.
        """
        return DiscoverSources(
            hub=self.elsewhere.hub,
            remote=self.elsewhere.remote,
            tokens=self.elsewhere.tokens,
            downloads=self.elsewhere.downloads,
            machine=machine,
            models=models,
            folder=lambda: self.library.folders.own,
            off_line=self.tooling.off_line,
            physical_cores=hardware.physical_cores(),
        )
