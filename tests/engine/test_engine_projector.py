"""A model with its projector, in the real engine: it sees, and what does not belong to it is told."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from engine_runs import GREEDY, finish_of, gather, loaded, user
from shapes.tiny_projectors import picture, write_tiny

from nodetool_xl_desktop.core.units import MIB
from nodetool_xl_desktop.engine.child import Child
from nodetool_xl_desktop.engine.dry_run import DryRuns, plan
from nodetool_xl_desktop.engine.errors import EngineError, Fault
from nodetool_xl_desktop.engine.server import EngineServer
from nodetool_xl_desktop.fit.estimate import estimate
from nodetool_xl_desktop.fit.options import LoadOptions
from nodetool_xl_desktop.fit.projector import seeing
from nodetool_xl_desktop.gguf import read_model

pytestmark = pytest.mark.usefixtures("no_process_left")

OPTIONS = LoadOptions(1024)
#: What the engine tells of weights and of a buffer is rounded to hundredths of a MiB.
ROUNDED = 0.02 * MIB


def beside(file: Path, options: LoadOptions = OPTIONS) -> LoadOptions:
    return seeing(options, read_model(file))


async def prompt_tokens(server: EngineServer, *, with_picture: bool) -> int:
    turns: list[dict[str, Any]] = list(user("Hello"))
    if with_picture:
        url = f"data:image/png;base64,{base64.b64encode(picture()).decode()}"
        turns[0]["content"] = [{"type": "text", "text": "Hello"}, {"type": "image_url", "image_url": {"url": url}}]
    usage = finish_of(await gather(server.stream_chat(turns, GREEDY))).usage
    assert usage is not None
    return usage.prompt_tokens


async def refused(model: Path, options: LoadOptions) -> EngineError:
    with pytest.raises(EngineError) as error:
        async with loaded(model, options):
            pass
    return error.value


async def test_a_picture_is_seen_and_the_projector_takes_what_the_estimate_says(
    starter_model: Path, tmp_path: Path
) -> None:
    file = write_tiny(tmp_path / "mmproj.gguf")
    options = beside(file)
    reckoned = estimate(read_model(starter_model), options, projector=read_model(file)).all
    async with loaded(starter_model, options) as server:
        assert server.properties.vision
        assert server.taken.projector == pytest.approx(reckoned.projector, abs=ROUNDED)
        assert server.taken.compute == pytest.approx(reckoned.compute, rel=0.01), "its buffer is not counted twice"
        assert await prompt_tokens(server, with_picture=True) == await prompt_tokens(server, with_picture=False) + 4
    async with loaded(starter_model, OPTIONS) as server:
        assert not server.properties.vision
        assert server.taken.projector == 0


async def test_an_image_that_is_looked_at_all_at_once_goes_in_one_batch(starter_model: Path, tmp_path: Path) -> None:
    options = beside(write_tiny(tmp_path / "mmproj.gguf", kind="gemma3"))
    assert options.physical_batch >= 256
    seen: list[str] = []
    async with loaded(starter_model, options) as server:
        assert await prompt_tokens(server, with_picture=True) > 256
        assert isinstance(server._child, Child)
        seen = [line for line in server._child.log.tail if "decoding image batch" in line]
    assert [line.partition("batch ")[2] for line in seen] == ["1/1, n_tokens_batch = 256"]


async def test_the_projector_of_another_model_is_told(starter_model: Path, tmp_path: Path) -> None:
    error = await refused(starter_model, beside(write_tiny(tmp_path / "mmproj.gguf", width=64)))
    assert error.fault is Fault.PROJECTOR
    assert "does not belong to this model" in error.why
    assert "64 numbers" in error.why
    assert "576" in error.why
    assert "without Vision" in error.hint


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"GGUF", "could not be loaded: "), (None, "Does this file exist"), ("unheard_of", "of the kind unheard_of")],
)
async def test_a_projector_that_the_engine_cannot_load_is_told(
    starter_model: Path, tmp_path: Path, content: bytes | str | None, words: str
) -> None:
    """By the load, and by the plan before it."""
    file = tmp_path / "mmproj.gguf"
    if isinstance(content, str):
        write_tiny(file, more={"clip.projector_type": content})
    elif content is not None:
        file.write_bytes(content)
    options = LoadOptions(1024, projector=str(file))
    with pytest.raises(EngineError) as planned:
        await plan(starter_model, options)
    assert planned.value.why == "the engine cannot read the projector"
    error = await refused(starter_model, options)
    assert words in error.why
    for each in (planned.value, error):
        assert each.fault is Fault.PROJECTOR
        assert "without Vision" in each.hint


async def test_the_engines_own_plan_counts_it(starter_model: Path, tmp_path: Path) -> None:
    file = write_tiny(tmp_path / "mmproj.gguf")
    options = beside(file)
    reckoned = estimate(read_model(starter_model), options, projector=read_model(file)).all
    runs = DryRuns()
    needs = (await runs.plan(starter_model, options)).needs().all
    assert needs.projector == pytest.approx(reckoned.projector, abs=ROUNDED)
    assert (await runs.plan(starter_model, OPTIONS)).needs().all.projector == 0
    write_tiny(file, kind="gemma3")
    assert (await runs.plan(starter_model, options)).needs().all.projector != needs.projector, "it is another file"
