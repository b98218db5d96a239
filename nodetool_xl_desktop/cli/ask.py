"""`ask MODEL PROMPT`: load a model, stream its answer to standard output, leave nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from nodetool_xl_desktop.chat.session import ChatSession, Message
from nodetool_xl_desktop.engine.client import Sampling
from nodetool_xl_desktop.engine.events import Event, TextDelta
from nodetool_xl_desktop.engine.hardware import host_memory, physical_cores
from nodetool_xl_desktop.engine.server import EngineServer
from nodetool_xl_desktop.fit.options import LoadOptions, default_threads
from nodetool_xl_desktop.fit.verdict import Verdict
from nodetool_xl_desktop.gguf import Header
from nodetool_xl_desktop.preview.report import Preview


def run(
    model: Path, prompt: str, *, system: str, sampling: Sampling, context_length: int | None, as_json: bool
) -> None:
    """Answer one prompt.

    Args:
        model: a `.gguf` file.
        prompt: the question.
        system: the system prompt, empty for none.
        sampling: how to choose tokens.
        context_length: in tokens, or None for the default.
        as_json: print one object at the end instead of text as it comes.

    Raises:
        UserFacingError: the model could not be loaded, or the answer failed; what had come of it is printed.
    """
    preview = Preview.inspect(model)
    options = preview.default_options(default_threads(physical_cores()))
    if context_length is not None:
        options = replace(options, context_length=context_length)
    report = preview.report(options, host_memory())
    notes = [*report.warnings, *([report.advice] if report.verdict is Verdict.WONT_FIT else [])]
    chat = ChatSession(system)

    def loaded() -> None:
        """Not earlier: where the load fails, its reason is the one line to read."""
        for note in notes:
            print(note, file=sys.stderr)

    events = partial(chat.send, prompt, sampling=sampling)
    load_s = asyncio.run(_answer(preview.header, options, loaded, events, stream=not as_json))
    answer = chat.messages[-1]
    if as_json:
        print(json.dumps(_to_json(answer, load_s), ensure_ascii=False))
    elif answer.text:
        print()
    if answer.error is not None:
        raise answer.error


async def _answer(
    header: Header,
    options: LoadOptions,
    loaded: Callable[[], None],
    ask: Callable[[EngineServer], AsyncGenerator[Event, None]],
    *,
    stream: bool,
) -> float:
    """Load, ask, eject; returns how long the load took, in seconds."""
    shown = _Progress()
    started = time.perf_counter()
    try:
        server = await EngineServer.start(
            header.files[0], options, on_progress=shown.update, file_bytes=header.total_size
        )
    finally:
        shown.clear()
    load_s = time.perf_counter() - started
    try:
        loaded()
        async with contextlib.aclosing(ask(server)) as events:
            async for event in events:
                if stream and isinstance(event, TextDelta):
                    print(event.text, end="", flush=True)
    finally:
        await server.stop()
    return load_s


class _Progress:
    """One line on a terminal's standard error while a model loads; nothing where standard error is a file."""

    def __init__(self) -> None:
        self._visible = sys.stderr.isatty()

    def update(self, progress: float) -> None:
        """Show how far the load is, from 0 to 1."""
        if self._visible:
            print(f"\rLoading ... {progress:.0%} ", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Take the line away."""
        if self._visible:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


def _to_json(answer: Message, load_s: float) -> dict[str, Any]:
    reasons = {"complete": "stop", "cut": "length", "failed": "error"}
    return {
        "text": answer.text,
        "finish_reason": reasons.get(answer.outcome, answer.outcome.value),
        "usage": asdict(answer.usage),
        "timings": {"load_s": load_s, "ttft_s": answer.first_token_s, **asdict(answer.speed)},
    } | ({"reasoning": answer.reasoning} if answer.reasoning else {})
