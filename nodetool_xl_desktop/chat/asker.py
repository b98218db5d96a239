"""From the model that is loaded and what a person set to a question that can be asked, and what is kept of it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from nodetool_xl_desktop.chat.asking import Asking, asking
from nodetool_xl_desktop.chat.session import Asked
from nodetool_xl_desktop.engine.client import Sampling
from nodetool_xl_desktop.engine.events import Event, EventStream
from nodetool_xl_desktop.engine.server import EngineServer
from nodetool_xl_desktop.fit.options import LoadSettings
from nodetool_xl_desktop.gguf.names import read_name
from nodetool_xl_desktop.library.models import title
from nodetool_xl_desktop.provider import XLlamaCppProvider, values
from nodetool_xl_desktop.store.presets import Preset, resolve
from nodetool_xl_desktop.store.records import About, ModelIdentity
from nodetool_xl_desktop.store.store import Store


def identity(model: Path) -> ModelIdentity:
    """A model file as it is kept with what it answered, and as presets and the search tell models apart."""
    return ModelIdentity(read_name(model.name).stem, title(model), str(model))


class Asker:
    """Asks the model that is loaded.

    Args:
        provider: what answers.

    Attributes:
        sampling: asked with instead of what the presets say, where it is not None.
        on_event: hears every event of every answer, as it comes.
    """

    def __init__(self, provider: XLlamaCppProvider) -> None:
        self._provider = provider
        self.sampling: Sampling | None = None
        self.on_event: Callable[[Event], None] | None = None

    async def how(self, store: Store, server: EngineServer, chat_id: str, new: Preset | None = None) -> Asking:
        """How the model that is loaded is asked in a chat.

        Args:
            store: keeps the presets.
            server: the model that is loaded.
            chat_id: empty for a chat that does not exist yet.
            new: what was set for that one.

        Raises:
            UserFacingError: the presets cannot be read, or one of them cannot be used.
        """
        if self.sampling is not None:
            return Asking(sampling=self.sampling)
        settings = await store.presets.settings(chat_id, identity(server.model).id)
        return asking(settings | resolve([new] if new is not None else []))

    def asked(self, server: EngineServer, how: Asking, more: Mapping[str, Any]) -> Asked:
        """Who is asked, and what is kept of that.

        Args:
            server: the model that is loaded.
            how: it is asked.
            more: what else is kept with the answer.
        """
        about = About(identity(server.model), asdict(server.options), how.to_json(), more=more)
        ask = partial(self.stream, server, how.sampling, response_format=how.response_format)
        return Asked(ask, about, how.system, server.model, server.options.parallel)

    def counter(self, server: EngineServer) -> Callable[[str], Awaitable[values.TokenCount]]:
        """Counts the tokens of a text by itself, as a model counts them."""

        async def count(text: str) -> values.TokenCount:
            whole, empty = [
                await self._provider.count_tokens([values.Message("user", each)], server.model) for each in (text, "")
            ]
            return values.TokenCount(whole - empty, exact=whole.exact)

        return count

    def stream(
        self,
        server: EngineServer,
        sampling: Sampling,
        messages: Sequence[values.Message],
        response_format: Mapping[str, Any] | None = None,
    ) -> EventStream:
        """Ask the model that is loaded, as it is loaded, and no other."""
        events = self._provider.stream(
            messages,
            server.model,
            load=LoadSettings.of(server.options),
            sampling=sampling,
            response_format=response_format,
        )
        return events if self.on_event is None else _heard(events, self.on_event)


async def _heard(events: EventStream, hear: Callable[[Event], None]) -> AsyncGenerator[Event, None]:
    """The same events, told to somebody as well."""
    async with contextlib.aclosing(events):
        async for event in events:
            hear(event)
            yield event
