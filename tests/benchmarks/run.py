"""`make bench`: what this program costs on the machine it runs on. Prints a table and writes build/bench.json.

Nothing here passes or fails: the aims stand beside the figures, and the machine beside them all. What is compared is
measured in turns in one run, as the speed of a machine drifts.

`NTXL_BENCH_CHATS` names a folder in which the generated chats are kept for the next run (2 GB); else they are made
anew, which takes about a minute.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ["NTXL_LANGUAGE"] = "en"

import chats
import downloads
import estimates
import library
import model_list
import provider
import psutil
import tools
import transcript
from PySide6.QtCore import QObject, Qt, QTimer
from table import Row, row, timed

from nodetool_xl_desktop import __version__, app
from nodetool_xl_desktop.chat.turns import CONTEXT, as_left_out
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.engine.client import Sampling
from nodetool_xl_desktop.engine.events import Event, TextDelta
from nodetool_xl_desktop.engine.hardware import host_memory, physical_cores
from nodetool_xl_desktop.engine.pool import Pool
from nodetool_xl_desktop.engine.states import Ready
from nodetool_xl_desktop.fit.options import LoadSettings
from nodetool_xl_desktop.gguf import read_model
from nodetool_xl_desktop.library import starter
from nodetool_xl_desktop.preview.report import Preview
from nodetool_xl_desktop.store.parts import Text
from nodetool_xl_desktop.store.records import About, State
from nodetool_xl_desktop.store.store import Store

HERE = Path(__file__).parent
TICK_MS = 10
PAIRS = 8
TOKENS = 160
PROMPT = "Tell a long story about a lighthouse keeper who finds a message in a bottle."
#: Of about 600 tokens.
LONG_ANSWER = "\n\n".join(
    f"{number}. The **keeper** read `line {number}` of the letter, and the sea went on as it had for years, grey and "
    "patient, while the lamp turned above him and the gulls slept on the rail."
    for number in range(1, 14)
)


# Start


def first_paint(full: Path) -> list[Row]:
    """From starting the process to the first painted window, with the model already in the list: without chats, and in
    turns with it those of a home with very many.
    """
    painted: tuple[list[float], list[float]] = ([], [])
    listed: tuple[list[float], list[float]] = ([], [])
    for _ in range(8):
        for which, home in enumerate(([], [str(full)])):
            command = [sys.executable, str(HERE / "first_paint.py"), str(time.time()), *home]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            painted_s, listed_s = map(float, done.stdout.split())
            painted[which].append(painted_s)
            listed[which].append(listed_s)
    bare, many = (times[1:] for times in painted)  # the first ones fill the disk cache
    return [
        row("start to first paint", "s", bare, "below 1.2"),
        row("start to first paint, 10,000 chats", "s", many),
        row("10,000 chats against none, in pairs", "ratio", [b / a for a, b in zip(bare, many, strict=True)], "1.2"),
        row("start to an open store, none", "s", listed[0][1:]),
        row("start to the list of chats, 10,000", "s", listed[1][1:]),
    ]


def with_chats() -> list[Row]:
    """The store at full size: it is generated, or was by an earlier run where the environment names a folder."""
    with contextlib.ExitStack() as stack:
        given = os.environ.get("NTXL_BENCH_CHATS")
        home = chats.home(Path(given or stack.enter_context(tempfile.TemporaryDirectory())))
        return first_paint(home) + asyncio.run(chats.measure(Paths.below(home).chats))


# Smoothness


class Ticker(QObject):
    """A timer of 10 ms in the window's thread; how late each tick is, in ms."""

    def __init__(self) -> None:
        super().__init__()
        self.late: list[float] = []
        self._last = 0.0
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)

    def start(self) -> None:
        self._last = time.perf_counter()
        self._timer.start(TICK_MS)

    def stop(self) -> None:
        self._tick()  # what happened since the last tick counts too
        self._timer.stop()

    def rows(self, name: str, aim: str = "") -> list[Row]:
        """The 99th percentile and the most of what was ticked since the last call."""
        late, self.late = sorted(self.late), []
        p99 = late[int(len(late) * 0.99)]
        return [row(f"{name}: 10 ms timer late by, p99", "ms", [p99]), row(f"{name}: at most", "ms", [late[-1]], aim)]

    def _tick(self) -> None:
        now = time.perf_counter()
        self.late.append(max(0.0, (now - self._last) * 1000 - TICK_MS))
        self._last = now


async def smoothness(parts: app.Parts, model: Path) -> list[Row]:
    ticker = Ticker()
    ticker.start()
    await asyncio.sleep(2)
    ticker.stop()
    rows = ticker.rows("nothing to do")
    await parts.window.models.open_soon([model])
    for turn in range(5):
        ticker.start()
        await parts.window.models.load()
        await asyncio.sleep(0.1)  # the window shows that it is ready
        ticker.stop()
        if turn < 4:
            await parts.loader.eject()
    rows += ticker.rows("5 loads", "below 100")
    parts.window.chats.asker.sampling = Sampling(temperature=0, max_tokens=600)
    ticker.start()
    parts.window.chats.send(PROMPT)
    await parts.window.chats.answered()
    ticker.stop()
    return rows + ticker.rows("an answer of 600 tokens", "below 100")


# Speed


async def speed(parts: app.Parts, chat: str = "") -> list[Row]:
    """Tokens a second as they arrive: in the window, and asked bare over HTTP by a process of its own, in turns.

    Args:
        parts: the program.
        chat: the chat that is asked in; empty for a new one each time.
    """
    assert isinstance(parts.loader.state, Ready)
    endpoint = parts.loader.state.server.endpoint
    messages = [{"role": "user", "content": PROMPT}]
    window: list[float] = []
    bare: list[float] = []
    ratios: list[float] = []
    for pair in range(PAIRS):
        for way in (0, 1) if pair % 2 else (1, 0):
            if way:
                window.append(await in_window(parts, chat))
            else:
                bare.append((await provider.over_http(endpoint, messages, TOKENS))["tokens_per_s"])
        ratios.append(window[-1] / bare[-1])
    where = "50,000 tokens above" if chat else "empty chat"
    return [
        row(f"decode in the window, {where}", "tokens/s", window),
        row("decode, bare HTTP, in turns with it", "tokens/s", bare),
        row(f"window against bare HTTP, in pairs, {where}", "ratio", ratios, "at least 0.97"),
    ]


async def long_chat(store: Store) -> str:
    """A chat of 50,000 tokens, of which the model is sent nothing but the last turn: its id."""
    chat = await store.list.new()
    parent, turns = None, 84
    for turn in range(turns + 1):
        text = "Hello." if turn == turns else LONG_ANSWER
        more = {CONTEXT: as_left_out(2 * turns)} if turn == turns else {}
        _, answer = await store.begin_turn(chat.id, parent, (Text("Tell me more."),), About(more=more))
        answer.add(TextDelta(text))
        parent = (await answer.close(State.COMPLETE)).id
    return chat.id


async def in_window(parts: app.Parts, chat: str) -> float:
    arrivals: list[float] = []

    def note(event: Event) -> None:
        if isinstance(event, TextDelta):
            arrivals.append(time.perf_counter())

    chats = parts.window.chats
    if chat:
        chats.open(chat)
    else:
        chats.new_chat()
    # What is waited for is on the screen.
    while (chats.session.chat.id if chats.session is not None else "") != chat:  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    parts.window.chats.asker.on_event = note
    parts.window.chats.asker.sampling = Sampling(temperature=0, max_tokens=TOKENS)
    chats.send(PROMPT)
    await chats.answered()
    if chat and chats.session is not None:  # the next one is asked with as little before it
        await chats.session.delete(chats.shown[-2].id)
    return (len(arrivals) - 1) / (arrivals[-1] - arrivals[0])


# The preview, and what the window holds


def preview(model: Path) -> list[Row]:
    inspected, host = Preview.inspect(model), host_memory()
    options = LoadSettings().options(inspected.header.context_length_max, physical_cores())
    return [
        row("header of the starter model read", "ms", timed(lambda: read_model(model), 30)),
        row("a whole report, as at each step of the slider", "ms", timed(lambda: inspected.report(options, host), 200)),
    ]


async def window_alone(parts: app.Parts) -> list[Row]:
    process = psutil.Process()
    before = process.cpu_times()
    await asyncio.sleep(10)
    after = process.cpu_times()
    used = (after.user + after.system - before.user - before.system) / 10 * 100
    return [
        row("window without a model: memory", "MiB", [process.memory_info().rss / 2**20]),
        row("window without a model: processor over 10 s", "%", [used]),
    ]


async def in_one_window(model: Path) -> list[Row]:
    with tempfile.TemporaryDirectory() as home:
        parts = app.build(Paths.below(Path(home)), Pool(), user_home=Path(home))
        parts.window.show()
        rows = await window_alone(parts)
        rows += await smoothness(parts, model)
        rows += await speed(parts)
        assert parts.window.chats.store is not None
        rows += await speed(parts, await long_chat(parts.window.chats.store))
        parts.window.hide()
        await parts.shut_down()
    return rows


async def with_models() -> list[Row]:
    """2,000 models in 40 folders: the library alone, and the whole window while it scans them for the first time, and
    again.
    """
    with tempfile.TemporaryDirectory() as home:
        paths = Paths.below(Path(home))
        rows = await library.measure(Path(home))
        shutil.rmtree(paths.cache)
        parts = app.build(paths, Pool(), user_home=Path(home))
        parts.window.show()
        parts.window.centre.show_table()
        await asyncio.sleep(3)  # what follows the first paint is not a scan's
        ticker = Ticker()
        for name in ("first", "second"):
            ticker.start()
            started = time.perf_counter()
            await parts.window.models.list_models()
            took = time.perf_counter() - started
            ticker.stop()
            rows.append(row(f"2,000 models in the window: {name} scan", "s", [took], "" if name == "first" else "1"))
            rows += ticker.rows(f"2,000 models in the window: {name} scan", "below 50")
        parts.window.hide()
        await parts.shut_down()
    return rows


async def in_model_list() -> list[Row]:
    """My Models by itself; it plays Qt's events, which needs the loop."""
    return model_list.measure()


async def in_transcript() -> list[Row]:
    """The transcript by itself; it plays Qt's events, which needs the loop."""
    return transcript.measure()


def main() -> None:
    model = Path(os.environ.get("NTXL_TEST_MODEL") or starter.starter_path(Paths.default()))
    rows = with_chats() + preview(model) + tools.measure()
    loop = app.event_loop(app.application())
    with contextlib.closing(loop):
        rows += loop.run_until_complete(in_one_window(model))
        rows += loop.run_until_complete(in_transcript())
        rows += loop.run_until_complete(in_model_list())
        rows += loop.run_until_complete(with_models())
    rows += downloads.rows()
    with tempfile.TemporaryDirectory() as home:
        rows += asyncio.run(provider.measure(model, Path(home)))
    with tempfile.TemporaryDirectory() as folder:
        rows += estimates.headers(Path(folder)) + estimates.speed(Path(folder)) + estimates.projectors(Path(folder))
        errors = estimates.errors(Path(folder))
    machine = f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}"
    print(f"NodeTool XL Desktop {__version__} on {machine}\n")
    print(f"{'':<62}{'median':>9}{'least':>9}{'most':>9}  unit      aim")
    for each in rows:
        figures = "".join(f"{value:>9.3g}" for value in (each.median, each.least, each.most))
        print(f"{each.name:<62}{figures}  {each.unit:<9} {each.aim}")
    estimates.show(errors)
    Path("build").mkdir(exist_ok=True)
    measured = {"machine": machine, "rows": list(map(asdict, rows)), "estimates": list(map(asdict, errors))}
    Path("build/bench.json").write_text(json.dumps(measured, indent=1))


if __name__ == "__main__":
    main()
