"""Running an engine in a test: loaded for a while, and what it answered, gathered."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
from pathlib import Path

from nodetool_xl_desktop.chat.session import Ask
from nodetool_xl_desktop.engine.client import Sampling
from nodetool_xl_desktop.engine.events import Event, Failed, Finished, PromptProgress, ReasoningDelta, TextDelta
from nodetool_xl_desktop.engine.server import EngineServer
from nodetool_xl_desktop.fit.options import LoadOptions

OPTIONS = LoadOptions(context_length=1024)
#: The same words every time.
GREEDY = Sampling(temperature=0)
#: About twenty tokens a line.
FILLER = "The quick brown fox jumps over the lazy dog, and then it rests beside the river. "


def asks(server: EngineServer, sampling: Sampling = GREEDY) -> Ask:
    """How a chat asks this model."""
    return lambda messages: server.stream_chat(
        [{"role": each.role, "content": each.text} for each in messages], sampling
    )


def user(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


@contextlib.asynccontextmanager
async def loaded(
    model: Path, options: LoadOptions = OPTIONS, command: Sequence[str] | None = None
) -> AsyncIterator[EngineServer]:
    """A model in a child of its own, ended afterwards."""
    server = await EngineServer.start(model, options, command=command)
    try:
        yield server
    finally:
        await server.stop()


async def gather(events: AsyncGenerator[Event, None]) -> list[Event]:
    async with contextlib.aclosing(events):
        return [event async for event in events]


async def until_text(events: AsyncGenerator[Event, None], deltas: int = 3) -> str:
    """Read so many pieces of text, and leave the rest."""
    text = ""
    async for event in events:
        assert not isinstance(event, Failed), event
        if isinstance(event, TextDelta):
            text, deltas = text + event.text, deltas - 1
        if not deltas:
            return text
    raise AssertionError(f"the answer ended too early: {text!r}")


def text_of(events: Iterable[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def reasoning_of(events: Iterable[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, ReasoningDelta))


def progress_of(events: Iterable[Event]) -> list[PromptProgress]:
    return [event for event in events if isinstance(event, PromptProgress)]


def finish_of(events: Sequence[Event]) -> Finished:
    """The one `Finished`, which is the last event."""
    last = events[-1]
    assert isinstance(last, Finished), last
    assert not any(isinstance(event, Finished | Failed) for event in events[:-1])
    return last


def failure_of(events: Sequence[Event]) -> Failed:
    """The one `Failed`, which is the last event."""
    last = events[-1]
    assert isinstance(last, Failed), last
    assert not any(isinstance(event, Finished | Failed) for event in events[:-1])
    return last
