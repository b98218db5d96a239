"""The estimate against what the engine says that it took, for each option that changes it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from engine_runs import GREEDY, gather, loaded, user

from nodetool_xl_desktop.core.units import MIB
from nodetool_xl_desktop.engine.client import Sampling
from nodetool_xl_desktop.engine.dry_run import plan
from nodetool_xl_desktop.fit.estimate import estimate
from nodetool_xl_desktop.fit.options import LoadOptions
from nodetool_xl_desktop.gguf import read_model

pytestmark = pytest.mark.usefixtures("no_process_left")


@pytest.mark.parametrize(
    "options",
    [
        LoadOptions(1000, batch=64),
        LoadOptions(4096, batch=512),
        LoadOptions(256, batch=512, parallel=2),
        LoadOptions(2048, parallel=4),
        LoadOptions(2048, batch=512, flash_attention=True),
        LoadOptions(512, batch=512, flash_attention=False),
        LoadOptions(8192, batch=512, flash_attention=False),
    ],
    ids=str,
)
async def test_the_estimate_is_what_is_taken(starter_model: Path, options: LoadOptions) -> None:
    async with loaded(starter_model, options) as server:
        await gather(server.stream_chat(user("Hi"), GREEDY))
        taken, expected = server.taken, estimate(read_model(starter_model), options).host
    assert taken.context == expected.context
    assert taken.model == pytest.approx(expected.model, abs=MIB)
    assert taken.compute == pytest.approx(expected.compute, abs=MIB)


@pytest.mark.parametrize(
    "options",
    [LoadOptions(8192), LoadOptions(2048, batch=512, kv_type_k="q8_0", kv_type_v="q8_0"), LoadOptions(512, parallel=2)],
    ids=["default", "q8_0", "parallel"],
)
async def test_what_is_planned_is_taken_and_the_child_keeps_to_it(starter_model: Path, options: LoadOptions) -> None:
    """The table of a plan has whole MiB, rounded down, and leaves out where the results are handed out."""
    planned = (await plan(starter_model, options)).host
    async with loaded(starter_model, options) as server:
        await gather(server.stream_chat(user("Tell me about ships. " * 20), Sampling(0, max_tokens=16)))
        taken = server.taken
        resident = psutil.Process(server.pid).memory_info().rss
    results = (read_model(starter_model).vocab_size or 0) * 4 * options.parallel
    told = replace(taken, compute=taken.compute - results)
    for part in ("model", "context", "compute"):
        assert 0 <= getattr(told, part) - getattr(planned, part) < MIB
    assert resident < planned.total * 1.1 + 100 * MIB
