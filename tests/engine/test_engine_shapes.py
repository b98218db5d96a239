"""The estimate against the engine's own plan, for the shapes of real models from 33M to 1026B."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from shapes import SHAPES, Shape, by_name, write
from shapes.grid import (
    BATCHES,
    CONTEXTS,
    KV_TYPES,
    TOTAL_SHARE,
    Comparison,
    compare,
    other_settings,
    point,
    points,
    quick,
    sample,
)
from shapes.projectors import PROJECTORS, Projector, told_by_the_engine, write_projector

from nodetool_xl_desktop.engine.dry_run import plan
from nodetool_xl_desktop.engine.errors import EngineError
from nodetool_xl_desktop.fit.estimate import estimate
from nodetool_xl_desktop.fit.options import LoadOptions
from nodetool_xl_desktop.gguf import read_model

pytestmark = pytest.mark.usefixtures("no_process_left")

#: Where the estimate is further away than it may be: the shape and the part ("total", "model", "context", "compute"),
#: options with which it is, the error there, and why. What has become good is taken off.
OUTLIERS: dict[tuple[str, str], tuple[LoadOptions, float, str]] = {}
#: Children at once: each takes a processor for a fraction of a second.
AT_ONCE = 2


def test_there_is_a_shape_of_every_kind() -> None:
    assert len(SHAPES) >= 75
    assert len({shape.name for shape in SHAPES}) == len(SHAPES)
    assert len({shape.architecture for shape in SHAPES}) >= 40
    assert len({shape.file_type for shape in SHAPES}) >= 9


def test_the_sample_has_every_combination() -> None:
    chosen = {options for number, shape in enumerate(SHAPES) for options in sample(shape, number)}
    assert chosen >= {point(*values) for values in product(CONTEXTS, KV_TYPES, BATCHES)}
    assert len({options.context_length for options in chosen} - set(CONTEXTS)) >= 10  # of models made for more


@pytest.mark.parametrize("shape", SHAPES, ids=repr)
def test_a_shape_has_the_size_of_its_model(tmp_path: Path, shape: Shape) -> None:
    assert read_model(write(tmp_path, shape)).n_params == pytest.approx(shape.billions * 1e9, rel=0.006)


@pytest.mark.parametrize("shape", SHAPES, ids=repr)
async def test_the_estimate_meets_the_plan(tmp_path: Path, shape: Shape) -> None:
    """Two contexts, one of the other settings, and what is on the list."""
    number, settings = SHAPES.index(shape), other_settings(shape)
    listed = {part: row for (name, part), row in OUTLIERS.items() if name == shape.name}
    asked = {*sample(shape, number), settings[number % len(settings)], *(options for options, _, _ in listed.values())}
    compared = {each.options: each for each in await compare_all(tmp_path, shape, asked)}
    assert_listed(compared.values())
    for part, (options, error, why) in listed.items():
        assert part in compared[options].outside, f"take it off the list ({why}): {compared[options]}"
        assert compared[options].error(part) == pytest.approx(error, abs=0.01)


@pytest.mark.soak
@pytest.mark.parametrize("shape", SHAPES, ids=repr)
async def test_the_estimate_meets_the_plan_everywhere(tmp_path: Path, shape: Shape) -> None:
    assert_listed(await compare_all(tmp_path, shape, [*points(shape), *other_settings(shape)]))


async def test_the_engine_refuses_what_the_grid_leaves_out(tmp_path: Path) -> None:
    """Heads of 80 numbers have no quantised cache. (A refusal costs the engine the reading of the file: one layer.)"""
    known = by_name("phi-2")
    shape = replace(known, keys={**known.keys, "block_count": 1})
    assert {options.kv_type_k for options in points(shape)} == {"f16"}
    with pytest.raises(EngineError):
        await plan(write(tmp_path, shape), point(2048, "q8_0", 512))


async def compare_all(folder: Path, shape: Shape, asked: Iterable[LoadOptions]) -> list[Comparison]:
    file = write(folder, quick(shape))
    header, free = read_model(file), asyncio.Semaphore(AT_ONCE)

    async def one(options: LoadOptions) -> Comparison:
        async with free:
            return await compare(shape, file, header, options)

    return await asyncio.gather(*map(one, asked))


def assert_listed(compared: Iterable[Comparison]) -> None:
    """None is outside in a part that is not on the list."""
    found = [each for each in compared if {(each.shape.name, part) for part in each.outside} - set(OUTLIERS)]
    assert not found, "\n".join(map(str, found))


# Projectors


@pytest.mark.parametrize("projector", PROJECTORS, ids=repr)
def test_the_estimate_of_a_projector(tmp_path: Path, projector: Projector) -> None:
    """The engine tells it in a line of its own, with what the largest image is computed in."""
    model, file = write(tmp_path, quick(by_name(projector.beside))), write_projector(tmp_path, projector)
    taken = told_by_the_engine(model, file)
    reckoned = estimate(read_model(model), LoadOptions(2048), projector=read_model(file)).all.projector
    assert reckoned == pytest.approx(taken, rel=TOTAL_SHARE)
