"""What the programmer's interface costs against the bare HTTP port, and what requests at once gain."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from table import Row, row

from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.engine.pool import Pool
from nodetool_xl_desktop.engine.server import Endpoint
from nodetool_xl_desktop.library import starter
from nodetool_xl_desktop.provider import LoadSettings, XLlamaCppProvider

HERE = Path(__file__).parent
PAIRS = 12
TOKENS = 160
AT_ONCE = (1, 2, 4, 8)
ROUNDS = 3
Figures = dict[str, float]


def model() -> Path:
    """The one that the tests use."""
    return Path(os.environ.get("NTXL_TEST_MODEL") or starter.starter_path(Paths.default()))


def question(number: int) -> list[dict[str, str]]:
    """Another one each time, so that the engine remembers none."""
    text = (
        f"Story number {number}: a lighthouse keeper finds a message in a bottle. Tell it at length, with many words."
    )
    return [{"role": "user", "content": text}]


async def over_http(endpoint: Endpoint, messages: list[dict[str, str]], tokens: int) -> Figures:
    """One answer, asked by a process that knows nothing of this program."""
    body = {"messages": messages, "stream": True, "temperature": 0, "repeat_penalty": 1.1, "max_tokens": tokens}
    body["stream_options"] = {"include_usage": False}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(HERE / "bare_http.py"), endpoint.base_url, json.dumps(body)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    output, _ = await process.communicate(endpoint.api_key.encode())
    figures: Figures = json.loads(output)
    return figures


async def through_provider(provider: XLlamaCppProvider, model: Path, messages: Any, tokens: int) -> Figures:
    arrivals = []
    started, used = time.perf_counter(), time.process_time()
    async for chunk in provider.generate_messages(messages, model, max_tokens=tokens, temperature=0):
        if getattr(chunk, "content", ""):
            arrivals.append(time.perf_counter())
    return {
        "first_token_s": arrivals[0] - started,
        "tokens_per_s": (len(arrivals) - 1) / (arrivals[-1] - arrivals[0]),
        "processor_us": (time.process_time() - used) / len(arrivals) * 1e6,
    }


async def against_http(provider: XLlamaCppProvider, model: Path) -> list[Row]:
    endpoint = await provider.endpoint(model)
    ours: list[Figures] = []
    bare: list[Figures] = []
    for pair in range(PAIRS):
        for way in (0, 1) if pair % 2 else (1, 0):
            messages = question(2 * pair + way)
            if way:
                ours.append(await through_provider(provider, model, messages, TOKENS))
            else:
                bare.append(await over_http(endpoint, messages, TOKENS))

    def against(name: str, scale: float = 1.0) -> tuple[list[float], tuple[str, list[float]]]:
        theirs = [each[name] * scale for each in bare]
        return [each[name] * scale for each in ours], ("the bare engine over HTTP", theirs)

    decode, bare_decode = against("tokens_per_s")
    first, bare_first = against("first_token_s", 1000)
    used, bare_used = against("processor_us")
    return [
        row("provider: decode", "tokens/s", decode, "at least 0.97 of it", bare_decode),
        row("provider: first token", "ms", first, "", bare_first),
        row("provider: processor time a token", "us", used, "", bare_used),
    ]


async def at_once(provider: XLlamaCppProvider, model: Path, number: int) -> list[Row]:
    """So many requests side by side in slots, and in a row, in turns on one loaded model."""
    load = LoadSettings(parallel=number)
    await provider.load(model, load=load)

    async def ask(which: int) -> int:
        answer = await provider.generate_message(question(which), model, (), 64, load=load, temperature=0)
        return answer.usage.completion_tokens

    together: list[float] = []
    apart: list[float] = []
    for turn in range(ROUNDS):
        for kind in (0, 1) if turn % 2 else (1, 0):
            first = 1000 * number + 100 * turn + 10 * kind
            started = time.perf_counter()
            if kind:
                tokens = sum(await asyncio.gather(*(ask(first + each) for each in range(number))))
            else:
                tokens = sum([await ask(first + each) for each in range(number)])
            (together if kind else apart).append(tokens / (time.perf_counter() - started))
    await provider.eject(model)
    aim = "at least 1 of it" if number == 4 else ""
    return [row(f"{number} at once", "tokens/s", together, aim, (f"{number} in a row", apart))]


async def measure(model: Path, home: Path) -> list[Row]:
    pool = Pool()
    provider = XLlamaCppProvider(pool, Paths.below(home))
    try:
        rows = await against_http(provider, model)
        await provider.eject(model)
        for number in AT_ONCE:
            rows += await at_once(provider, model, number)
    finally:
        await pool.close()
    return rows


def rows() -> list[Row]:
    with tempfile.TemporaryDirectory() as home:
        return asyncio.run(measure(model(), Path(home)))
