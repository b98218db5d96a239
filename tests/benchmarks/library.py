"""My Models at full size: 2,000 model files in 40 folders, each as long as a real one but a hole behind its header.

    python tests/benchmarks/library.py [--files 2000] [--folders 40] [--folder DIR]

A header here has the tensors of a 7B and 2,000 tokens of vocabulary (70 KB). The larger ones of real models take the
reading process longer, and the window no time at all. Measured are the scans themselves, and how late a 10 ms timer of
a window comes meanwhile, on the program's own loop.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(Path(__file__).parent.parent))

from gguf_writer import file_size, gguf_header
from PySide6.QtWidgets import QLabel, QMainWindow
from table import Row, row, show
from ticker import Ticker, p99

from nodetool_xl_desktop import app
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.library.models import ModelLibrary
from nodetool_xl_desktop.library.scan import OnFound
from nodetool_xl_desktop.ui.collector import Collector
from nodetool_xl_desktop.ui.tasks import in_thread

PLAIN = "os.walk with os.stat"
LAYERS = 32
WEIGHTS = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down", "attn_norm", "ffn_norm")
TENSORS = [
    ("token_embd.weight", (4096, 32_000), "Q4_K"),
    *((f"blk.{layer}.{name}.weight", (4096, 4096), "Q4_K") for layer in range(LAYERS) for name in WEIGHTS),
]
METADATA = {
    "general.architecture": "llama",
    "llama.block_count": LAYERS,
    "llama.context_length": 32_768,
    "llama.embedding_length": 4096,
    "tokenizer.chat_template": "{% if tools %}{{ tools }}{% endif %}{{ messages }}<think>" * 20,
    "tokenizer.ggml.tokens": [f"token{number}" for number in range(2000)],
}


def make(models: Path, files: int, folders: int) -> None:
    """Write them: each is another model, as its name stands in its header."""
    for number in range(files):
        folder = models / f"organisation-{number % folders}"
        folder.mkdir(parents=True, exist_ok=True)
        header = gguf_header({**METADATA, "general.name": f"Model {number}"}, TENSORS)
        path = folder / f"Model-{number}-7B-Q4_K_M.gguf"
        path.write_bytes(header)
        os.truncate(path, file_size(header, TENSORS))


def walk(folder: Path) -> float:
    """Seconds that it takes to look at every file, and no more than that."""
    began = time.perf_counter()
    for where, _, files in os.walk(folder):
        for name in files:
            os.stat(os.path.join(where, name))  # noqa: PTH116, PTH118 - as plain as it gets
    return time.perf_counter() - began


async def while_ticking(work: Callable[[], object]) -> tuple[float, list[float]]:
    """Do something in a thread; returns the seconds that took, and how late the window's timer came meanwhile."""
    await asyncio.sleep(0.2)
    ticker = Ticker()
    ticker.start()
    started = time.perf_counter()
    await in_thread(work)
    took = time.perf_counter() - started
    return took, ticker.stop()


async def scans(paths: Paths, files: int, rounds: int) -> list[Row]:
    """First and later scans, with a window open."""
    window = QMainWindow()
    shown = QLabel("0", window)
    window.setCentralWidget(shown)
    window.resize(900, 600)
    window.show()
    collector = Collector(lambda: True)  # as the program has it
    loop = asyncio.get_running_loop()
    reports: list[float] = []

    def tell(models: list[object], done: int, total: int) -> None:
        reports.append(time.perf_counter())
        loop.call_soon_threadsafe(shown.setText, f"{done:,} of {total:,}")

    walked = [walk(paths.models) for _ in range(5)]
    first, first_late = await _rounds(paths, min(rounds, 3), tell, afresh=True)
    second, second_late = await _rounds(paths, rounds, None, afresh=False)
    known = []
    for _ in range(rounds):
        started = time.perf_counter()
        ModelLibrary(paths, paths.data).known()
        known.append(time.perf_counter() - started)
    collector.close()
    window.hide()
    window.deleteLater()
    of = f"{files:,} models"
    return [
        row(f"{of}: first scan", "s", first, "", (PLAIN, walked)),
        row(f"{of}: second scan", "s", second, "at most 1", (PLAIN, walked)),
        row(f"{of}: the list without opening any", "s", known, "", (PLAIN, walked)),
        row(f"{of}: first scan, 10 ms timer late by, p99", "ms", [p99(first_late)]),
        row(f"{of}: first scan, at most", "ms", [first_late[-1]], "below 50"),
        row(f"{of}: second scan, 10 ms timer late by, at most", "ms", [second_late[-1]], "below 50"),
        row(f"{of}: reports of a first scan", "reports", [len(reports) / min(rounds, 3)]),
    ]


async def _rounds(paths: Paths, rounds: int, tell: OnFound | None, *, afresh: bool) -> tuple[list[float], list[float]]:
    times, late = [], []
    for _ in range(rounds):
        if afresh:
            shutil.rmtree(paths.cache, ignore_errors=True)
        library = ModelLibrary(paths, paths.data)
        took, late_by = await while_ticking(lambda library=library: library.scan(tell))
        times.append(took)
        late += late_by
    return times, sorted(late)


async def measure(folder: Path, files: int = 2000, folders: int = 40, rounds: int = 10) -> list[Row]:
    """All figures; needs the program's loop."""
    paths = Paths.below(folder)
    if not paths.models.exists():
        make(paths.models, files, folders)
    return await scans(paths, files, rounds)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--folders", type=int, default=40)
    parser.add_argument("--folder", type=Path, help="made once, and used again")
    options = parser.parse_args()
    loop = app.event_loop(app.application())
    with contextlib.closing(loop), tempfile.TemporaryDirectory() as made:
        show(loop.run_until_complete(measure(options.folder or Path(made), options.files, options.folders)))


if __name__ == "__main__":
    main()
