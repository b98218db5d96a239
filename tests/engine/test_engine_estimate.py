"""The estimate against what the engine says that it took, for each option that changes it."""

from __future__ import annotations

from pathlib import Path

import pytest
from engine_runs import GREEDY, gather, loaded, user

from nodetool_xl_desktop.core.units import MIB
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
        taken, expected = server.taken, estimate(read_model(starter_model), options)
    assert taken.context == expected.context
    assert taken.model == pytest.approx(expected.model, abs=MIB)
    assert taken.compute == pytest.approx(expected.compute, abs=MIB)
