"""Loading and ejecting again and again leaves nothing behind: memory, handles, threads, processes."""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path

import psutil
import pytest

from nodetool_xl_desktop.engine.client import Sampling
from nodetool_xl_desktop.engine.loader import Loader
from nodetool_xl_desktop.engine.pool import Pool
from nodetool_xl_desktop.engine.states import Empty, Ready
from nodetool_xl_desktop.fit.options import LoadOptions

OPTIONS = LoadOptions(context_length=512)
#: What the allocator and the interpreter keep for themselves; a leak of one log a round would be more after 50.
NOISE_BYTES = 6 * 2**20


@pytest.mark.parametrize("rounds", [pytest.param(6, id="6"), pytest.param(50, id="50", marks=pytest.mark.soak)])
async def test_nothing_grows(starter_model: Path, rounds: int) -> None:
    loader, parent = Loader(Pool()), psutil.Process()

    async def one_round() -> None:
        await loader.load(starter_model, OPTIONS)
        state = loader.state
        assert isinstance(state, Ready)
        child = psutil.Process(state.server.pid)
        async for _ in state.server.stream_chat([{"role": "user", "content": "Hi"}], Sampling(max_tokens=3)):
            pass
        await loader.eject()
        assert isinstance(loader.state, Empty)
        assert not child.is_running(), "with the process goes its memory"

    def holdings() -> tuple[int, int, int, int]:
        gc.collect()
        return parent.memory_info().rss, parent.num_fds(), parent.num_threads(), len(parent.children())

    for _ in range(3):  # what is made once, and kept
        await one_round()
    memory, handles, threads, children = holdings()
    for _ in range(rounds):
        await one_round()
    await asyncio.sleep(0.1)
    later = holdings()
    assert later[0] - memory < NOISE_BYTES
    assert later[1] <= handles
    assert later[2] <= threads
    assert later[3] == children == 0
