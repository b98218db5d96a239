"""How fast a model is with certain settings: the measuring that `tune` compares.

A sample is one prompt that no cache can know and the beginning of its answer, both bounded by time, as a large model
needs minutes for what a small one does in two seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.engine.client import Sampling
from nodetool_xl_desktop.engine.errors import EngineError, Fault
from nodetool_xl_desktop.engine.events import (
    Event,
    Failed,
    Finished,
    PromptProgress,
    ReasoningDelta,
    TextDelta,
    Usage,
)
from nodetool_xl_desktop.engine.hardware import host_memory
from nodetool_xl_desktop.engine.server import EngineServer
from nodetool_xl_desktop.fit.options import LoadOptions

#: A usual turn, in tokens.
PROMPT_TOKENS, ANSWER_TOKENS = 512, 256
#: A prompt is made shorter where the model would need longer for it, and no answer is heard longer.
PROMPT_S, DECODE_S = 6.0, 3.0
SHORTEST_PROMPT, DECODE_TOKENS = 64, 64
#: What is slower is too slow to be measured.
SAMPLE_WITHIN_S = 60.0
#: Words that are one token each in most vocabularies.
_WORDS = ("time", "year", "people", "way", "day", "man", "thing", "woman", "life", "child", "world", "school", "state")
_WARM_UP_WORDS, _WARM_UP_TOKENS = 32, 4


@dataclass(frozen=True, slots=True)
class Sample:
    """One measurement, in tokens per second."""

    prompt_tokens_per_s: float
    decode_tokens_per_s: float

    @property
    def turn_s(self) -> float:
        """A usual turn at these speeds, in seconds."""
        return PROMPT_TOKENS / self.prompt_tokens_per_s + ANSWER_TOKENS / self.decode_tokens_per_s


class Bench:
    """The loaded models, at most two, and every sample that was taken of them.

    Attributes:
        prompt_tokens: of the prompts that are measured; known after the first load.
    """

    def __init__(self, model: Path, command: Sequence[str] | None) -> None:
        self._model = model
        self._command = command
        self._servers: dict[LoadOptions, EngineServer] = {}
        self._room = 1
        self._words = 0
        self.prompt_tokens = 0
        self.samples: dict[LoadOptions, list[Sample]] = {}

    def make_room(self, holder: LoadOptions, challenger: LoadOptions) -> bool:
        """Whether both can be in memory at once. What is free is looked at each time: other programs take it, too."""
        server = self._servers.get(holder)
        on_device = holder.gpu_layers or challenger.gpu_layers
        self._room = 2 if server and not on_device and host_memory().free > 2 * server.held() else 1
        return self._room == 2

    async def sample(self, options: LoadOptions) -> Sample:
        """Measure once; loads the model first where it is not.

        Raises:
            EngineError: it could not be loaded or measured.
            OSError: no process could be started.
        """
        try:
            server = self._servers.get(options) or await self._load(options)
            _, sample = await _ask(server, self._words, DECODE_TOKENS)
        except (EngineError, OSError):
            await self.end(options)
            raise
        self.samples.setdefault(options, []).append(sample)
        return sample

    async def end(self, options: LoadOptions) -> None:
        """End the model that was loaded so, if it is."""
        if (server := self._servers.pop(options, None)) is not None:
            await server.stop()

    async def close(self) -> None:
        """End all of them, side by side; cancelled, it kills them."""
        await asyncio.gather(*(server.stop() for server in self._servers.values()))

    async def _load(self, options: LoadOptions) -> EngineServer:
        while len(self._servers) >= self._room:
            await self.end(next(iter(self._servers)))
        server = await EngineServer.start(self._model, options, command=self._command)
        self._servers[options] = server
        usage, sample = await _ask(server, _WARM_UP_WORDS, _WARM_UP_TOKENS)
        if not self._words:
            self._choose_prompt(server.context_length, usage.prompt_tokens or 2 * _WARM_UP_WORDS, sample)
        return server

    def _choose_prompt(self, context_length: int, warm_up_tokens: int, sample: Sample) -> None:
        """How long the prompts are: as in a usual turn, but shorter for a slow model or a small context."""
        wanted = min(PROMPT_TOKENS, max(SHORTEST_PROMPT, round(PROMPT_S * sample.prompt_tokens_per_s)))
        around = warm_up_tokens - _WARM_UP_WORDS  # the template, and what else is no word of ours
        fit = (context_length - DECODE_TOKENS - warm_up_tokens) * _WARM_UP_WORDS // warm_up_tokens
        self._words = max(1, min(wanted - around, fit))
        self.prompt_tokens = self._words + around


class _Watch:
    """Reads the speeds off the events of one answer: the engine's own figures, or a clock where it was cut short."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._unread = 0
        self._deltas: list[float] = []
        self.finished: Finished | None = None

    def note(self, event: Event) -> None:
        """Take in one event; raises what a failed answer tells."""
        if isinstance(event, Failed):
            raise event.error
        if isinstance(event, Finished):
            self.finished = event
            self._unread = max(self._unread, event.usage.prompt_tokens - event.usage.cached_tokens)
        elif isinstance(event, PromptProgress):
            self._unread = event.total - event.cached
        elif isinstance(event, TextDelta | ReasoningDelta):
            self._deltas.append(time.monotonic())

    @property
    def has_heard_enough(self) -> bool:
        """Whether a slow answer has been heard for long enough."""
        return len(self._deltas) > 2 and self._deltas[-1] - self._deltas[0] > DECODE_S

    def sample(self) -> Sample:
        """The speeds; a piece of text is one token, all but always."""
        prompt = decode = 0.0
        if self.finished is not None:
            prompt, decode = self.finished.speed.prompt_tokens_per_s, self.finished.speed.decode_tokens_per_s
        if self._deltas:
            prompt = prompt or self._unread / (self._deltas[0] - self._started)
            spoken_s = self._deltas[-1] - self._deltas[0]
            decode = decode or ((len(self._deltas) - 1) / spoken_s if spoken_s > 0 else 0.0)
        if not (prompt > 0 and decode > 0):
            raise EngineError(
                Fault.UNKNOWN,
                tr("Its speed could not be measured"),
                tr("it said too little within {sample_within_s:.0f} s", sample_within_s=SAMPLE_WITHIN_S),
            )
        return Sample(prompt, decode)


async def _ask(server: EngineServer, words: int, max_tokens: int) -> tuple[Usage, Sample]:
    """Ask for one answer to a prompt that no cache can know, and take its speeds."""
    chosen = " ".join(random.choices(_WORDS, k=words))
    prompt = f"{secrets.token_hex(4)}. Write a very long story with these words: {chosen}"
    messages, sampling = [{"role": "user", "content": prompt}], Sampling(temperature=0, max_tokens=max_tokens)
    watch = _Watch()
    with contextlib.suppress(TimeoutError):
        async with (
            asyncio.timeout(SAMPLE_WITHIN_S),
            contextlib.aclosing(server.stream_chat(messages, sampling)) as said,
        ):
            async for event in said:
                watch.note(event)
                if watch.has_heard_enough:
                    break
    return watch.finished.usage if watch.finished else Usage(), watch.sample()
