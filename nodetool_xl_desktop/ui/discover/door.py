"""The way to the hub that is chosen, with the token that was given for it, made anew where either is another one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from nodetool_xl_desktop.core.network import OffLine
from nodetool_xl_desktop.fit.memory import Machine
from nodetool_xl_desktop.hub.endpoint import host_of, hub_of
from nodetool_xl_desktop.library.model_file import ModelFile
from nodetool_xl_desktop.ui.tasks import in_thread

if TYPE_CHECKING:
    from nodetool_xl_desktop.hub.downloads import Downloads
    from nodetool_xl_desktop.hub.search import Hub
    from nodetool_xl_desktop.hub.tokens import Tokens
    from nodetool_xl_desktop.preview.remote import RemoteModels


@dataclass(frozen=True, slots=True)
class DiscoverSources:
    """What Discover asks.

    Attributes:
        hub: makes the way to a hub from its address and a token, either may be None.
        remote: looks into models there.
        tokens: the access tokens; may block.
        downloads: brings models here.
        machine: looks at this machine's memory and devices.
        models: the models on this disk, as they were listed last.
        folder: the models folder.
        off_line: the person's switch.
        physical_cores: of this machine; None where the system does not say.
    """

    hub: Callable[[str | None, str | None], Hub]
    remote: RemoteModels
    tokens: Tokens
    downloads: Downloads
    machine: Callable[[], Awaitable[Machine]]
    models: Callable[[], Sequence[ModelFile]]
    folder: Callable[[], Path]
    off_line: OffLine
    physical_cores: int | None = None


class Door:
    """Hands out the hub.

    Args:
        sources: what makes them.
    """

    def __init__(self, sources: DiscoverSources) -> None:
        self._sources = sources
        self._chosen = ""
        self._hub: Hub | None = None

    @property
    def chosen(self) -> str:
        """The hub's address as a person chose it; empty for the default."""
        return self._chosen

    @property
    def endpoint(self) -> str:
        """The hub's address."""
        return hub_of(self._chosen or None)

    @property
    def host(self) -> str:
        """The hub as people call it."""
        return host_of(self.endpoint)

    def address(self, repo_id: str) -> str:
        """The page of a repository."""
        return f"{self.endpoint}/{quote(repo_id)}"

    def choose(self, endpoint: str) -> None:
        """Ask this hub from now on; empty for the default."""
        self._chosen = endpoint
        self.forget()

    def forget(self) -> None:
        """The token is another one: what was made with the old one is not used again."""
        self._hub = None

    async def token(self) -> str | None:
        """The token that was given for this hub. The keyring may ask the person, so a thread waits for it."""
        return await in_thread(partial(self._sources.tokens.get, self.endpoint))

    async def hub(self) -> Hub:
        """The hub.

        Raises:
            UserFacingError: its address is none.
        """
        if self._hub is None:
            token = await self.token()
            self._hub = self._sources.hub(self.endpoint, token)
        return self._hub

    def hub_with(self, token: str) -> Hub:
        """The hub as it is with another token, which is not kept."""
        return self._sources.hub(self.endpoint, token)
