"""`ask MODEL PROMPT`: load a model, stream its answer to standard output, leave nothing behind.

What is not the answer (calls of tools, their results, notes) goes to standard error.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from nodetool_xl_desktop.cli import engine_note
from nodetool_xl_desktop.cli.shown import Shown
from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.engine.client import Sampling
from nodetool_xl_desktop.engine.entry import Key
from nodetool_xl_desktop.engine.hardware import host_memory
from nodetool_xl_desktop.engine.pool import Pool
from nodetool_xl_desktop.engine.states import Starting, State
from nodetool_xl_desktop.fit.options import LoadSettings
from nodetool_xl_desktop.fit.verdict import Verdict
from nodetool_xl_desktop.preview.report import Preview
from nodetool_xl_desktop.provider import XLlamaCppProvider
from nodetool_xl_desktop.provider.preparation import PreparedLoad
from nodetool_xl_desktop.provider.values import Message

if TYPE_CHECKING:
    from nodetool_xl_desktop.tools import Tool


def run(  # noqa: PLR0913 - each is a thing that a person may want to say
    model: str,
    prompt: str,
    *,
    system: str,
    sampling: Sampling,
    load: LoadSettings,
    tools: Sequence[Tool],
    tool_choice: str,
    allow_calls: bool,
    as_json: bool,
) -> None:
    """Answer one prompt.

    Args:
        model: a `.gguf` file, or what else the provider takes.
        prompt: the question.
        system: the system prompt, empty for none.
        sampling: how to choose tokens.
        load: how to load the model, where that was said.
        tools: what the model may call.
        tool_choice: "auto", "required", or the name of the tool that it has to call first.
        allow_calls: run every call; else the person is asked, and without a terminal none is run.
        as_json: print one object at the end instead of text as it comes.

    Raises:
        UserFacingError: the model could not be loaded, or the answer failed; what had come of it is printed.
    """
    # One question: nothing to remember for the next one.
    load = replace(load, cache_ram_mib=0)
    offered = {"tools": tools, "tool_choice": tool_choice, "run_tools": True}
    shown = Shown(allow_all=allow_calls, streams=not as_json)
    turns = [Message("system", system), Message("user", prompt)] if system else [Message("user", prompt)]
    with engine_note.told():
        load_s = asyncio.run(_answer(model, load, turns, offered, sampling, shown))
    if as_json:
        print(json.dumps(_to_json(shown, load_s), ensure_ascii=False))
    shown.end_line()
    if shown.error is not None:
        raise shown.error


async def _answer(
    model: str,
    load: LoadSettings,
    turns: Sequence[Message],
    offered: Mapping[str, Any],
    sampling: Sampling,
    shown: Shown,
) -> float:
    """Load, ask, eject; returns how long the load took, in seconds."""
    pool = Pool()
    provider = XLlamaCppProvider(pool, Paths.default())
    try:
        prepared, load_s = await _load(provider, model, load)
        events = provider.stream(
            turns,
            prepared.path,
            load=LoadSettings.of(prepared.options),
            sampling=sampling,
            approve=shown.approve,
            **offered,
        )
        shown.asked()
        async with contextlib.aclosing(events):
            async for event in events:
                shown.take(event)
    finally:
        await pool.close()
    return load_s


async def _load(provider: XLlamaCppProvider, model: str, load: LoadSettings) -> tuple[PreparedLoad, float]:
    """Load a model; returns what was loaded, and how long that took, in seconds."""
    shown = _Progress()

    def show(_key: Key, state: State) -> None:
        if isinstance(state, Starting):
            shown.loading(state.progress)

    provider.pool.listen(show)
    try:
        prepared = await provider.prepare(model, load, shown.fetching)
        beside = (prepared.projector,) if prepared.projector else ()
        report = Preview(prepared.header, beside).report(prepared.options, host_memory())
        started = time.perf_counter()
        await provider.pool.load(*prepared.load)
        load_s = time.perf_counter() - started
    finally:
        provider.pool.unlisten(show)
        shown.clear()
    # Not earlier: where the load fails, its reason is the one line to read.
    if prepared.offload is not None and prepared.offload.plan is not None:
        print(prepared.offload.why, file=sys.stderr)
    for note in [*report.warnings, *([report.advice] if report.verdict is Verdict.WONT_FIT else [])]:
        print(note, file=sys.stderr)
    return prepared, load_s


class _Progress:
    """One line on a terminal's standard error while a model is fetched and loads; nothing where that is a file."""

    def __init__(self) -> None:
        self._visible = sys.stderr.isatty()

    def fetching(self, done: int, total: int) -> None:
        """Show how much of a model has come, in bytes."""
        self._show(tr("Fetching ... {done} of {total}", done=units.file_size(done), total=units.file_size(total)))

    def loading(self, progress: float) -> None:
        """Show how far the load is, from 0 to 1."""
        self._show(tr("Loading ... {progress:.0%} ", progress=progress))

    def _show(self, text: str) -> None:
        if self._visible:
            print(f"\r{text}\033[K", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Take the line away."""
        if self._visible:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


def _to_json(shown: Shown, load_s: float) -> dict[str, Any]:
    end = shown.end
    return {
        "text": shown.text,
        "finish_reason": "error" if shown.error else end.reason,
        "usage": asdict(end.usage),
        "timings": {"load_s": load_s, "ttft_s": shown.first_token_s, **asdict(end.speed)},
    } | {key: value for key, value in (("calls", shown.to_json()), ("reasoning", shown.reasoning)) if value}
