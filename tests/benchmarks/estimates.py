"""How far the estimate is from the engine's own plan, and how fast a header is read, over the shapes of real models.

The corpus is in tests/shapes: sparse files with the headers of models from 33M to 1026B.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import xllamacpp
from shapes import SHAPES, Shape, by_name, write
from shapes.grid import PARTS, Comparison, compare, points, quick, said
from shapes.projectors import PROJECTORS, told_by_the_engine, write_projector
from table import Row, row, timed

from nodetool_xl_desktop.core.units import GIB
from nodetool_xl_desktop.fit.estimate import estimate
from nodetool_xl_desktop.fit.options import LoadOptions
from nodetool_xl_desktop.gguf import HeaderCache, read_model

#: Shapes whose files have all their words, by what their vocabulary is called here, and the longest their header may
#: take to be read, in ms.
VOCABULARIES = {"49k": ("smollm2-135m", ""), "151k": ("qwen3-8b", "at most 60"), "262k": ("gemma-3-4b", "at most 150")}
ENGINE = "xllamacpp.estimate_gpu_layers"
#: Children at once.
AT_ONCE = 2


@dataclass(frozen=True)
class Worst:
    """The errors of one shape that are furthest away, each at its own point of the grid; 0.01 is 1 % too much."""

    shape: str
    total: float
    model: float
    context: float
    compute: float
    outside: int
    points: int
    at: str


def headers(folder: Path) -> list[Row]:
    """Reading the header against `xllamacpp.estimate_gpu_layers`, which the seed decides with, on the same files."""
    rows = []
    for words, (name, aim) in VOCABULARIES.items():
        file = write(folder, by_name(name))
        ours = timed(lambda file=file: read_model(file), 30)
        cache = HeaderCache()
        cache.read(file)
        kept = timed(lambda cache=cache, file=file: cache.read(file), 30)
        theirs = timed(lambda file=file: engine_estimate(file), 1)
        rows += [
            row(f"header read ({words} vocabulary)", "ms", ours, aim, (ENGINE, theirs)),
            row(
                f"header read ({words} vocabulary), of what the engine takes",
                "ms",
                ours,
                "at most 0.01 of it",
                (ENGINE, theirs),
            ),
            row(f"header asked for again ({words})", "ms", kept, "at most 1"),
        ]
    return rows


def speed(folder: Path) -> list[Row]:
    """An estimate at another context each time, as a slider asks for it."""
    rows = []
    for name in ("llama-3.1-70b", "gemma-3n-e4b", "deepseek-v3"):
        shape = by_name(name)
        header, contexts = read_model(write(folder, shape)), iter(range(1024, 262_144, 1024))
        times = timed(lambda header=header, contexts=contexts: estimate(header, LoadOptions(next(contexts))), 200)
        rows.append(row(f"estimate at another context ({name})", "ms", times))
    return rows


def errors(folder: Path) -> list[Worst]:
    """Every shape over the whole grid, those outside first, each by its worst total (about 2 minutes)."""
    found = asyncio.run(_errors(folder))
    return sorted(found, key=lambda worst: (worst.outside > 0, abs(worst.total)), reverse=True)


def show(found: list[Worst]) -> None:
    """Print the table of errors, worst first."""
    asked = sum(worst.points for worst in found)
    outside = sum(worst.outside for worst in found)
    print(f"\nThe estimate against the engine's plan, worst first ({asked:,} plans, {outside:,} outside 3 % in total,")
    print("or 10 % and 64 MiB in a part). The worst of each is at a point of its own; the engine rounds down to MiB.\n")
    print(f"{'':<26}{'total':>9}{'model':>9}{'context':>9}{'compute':>9}{'outside':>11}  total is worst at")
    for worst in found:
        figures = "".join(f"{getattr(worst, part):>+9.1%}" for part in ("total", *PARTS))
        print(f"{worst.shape:<26}{figures}{worst.outside:>6} of {worst.points}  {worst.at}")


def rows() -> list[Row]:
    """How far off the estimate is, at its worst, of every shape; prints the table of them."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        found = errors(folder)
        show(found)
        worst = [abs(each.total) * 100 for each in found]
        outside, asked = sum(each.outside for each in found), sum(each.points for each in found)
        return [
            row("the estimate against the engine's plan, the worst of each shape", "%", worst, "most at most 3"),
            row(f"of {asked:,} plans, outside 3 % or 10 % and 64 MiB in a part", "plans", [outside], "at most 0"),
            *projectors(folder),
        ]


def projectors(folder: Path) -> list[Row]:
    """The estimate of a projector against what the engine says of it."""
    rows = []
    for projector in PROJECTORS:
        model, file = write(folder, quick(by_name(projector.beside))), write_projector(folder, projector)
        reckoned = estimate(read_model(model), LoadOptions(), projector=read_model(file)).all.projector
        share = reckoned / told_by_the_engine(model, file)
        rows.append(
            row(
                f"projector of {projector}: estimate against the engine, off by",
                "%",
                [abs(share - 1) * 100],
                "at most 3",
            )
        )
    return rows


async def _errors(folder: Path) -> list[Worst]:
    free = asyncio.Semaphore(AT_ONCE)
    return [await _worst(shape, folder, free) for shape in SHAPES]


async def _worst(shape: Shape, folder: Path, free: asyncio.Semaphore) -> Worst:
    file = write(folder, quick(shape))
    header = read_model(file)

    async def one(number: int) -> Comparison:
        async with free:
            return await compare(shape, file, header, points(shape)[number])

    compared = await asyncio.gather(*map(one, range(len(points(shape)))))
    most = {part: max((each.error(part) for each in compared), key=abs) for part in ("total", *PARTS)}
    at = next(said(each.options) for each in compared if each.error("total") == most["total"])
    return Worst(shape.name, **most, outside=sum(1 for each in compared if each.outside), points=len(compared), at=at)


def engine_estimate(file: Path) -> None:
    device = {"name": "CUDA0", "memory_free": 8 * GIB, "memory_total": 8 * GIB}
    xllamacpp.estimate_gpu_layers([device], str(file), [], 4096, 512, 1, "f16")
