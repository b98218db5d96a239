"""What the corpus is asked: every shape at every point of one grid, and how far the estimate is from the engine."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, fields, replace
from itertools import product
from pathlib import Path

from nodetool_xl_desktop.core.units import MIB
from nodetool_xl_desktop.engine.dry_run import Plan, plan
from nodetool_xl_desktop.engine.errors import EngineError
from nodetool_xl_desktop.fit.estimate import estimate
from nodetool_xl_desktop.fit.memory import MemoryUse
from nodetool_xl_desktop.fit.options import LoadOptions
from nodetool_xl_desktop.gguf import Header
from shapes.shape import Keys, Shape

CONTEXTS = (2048, 8192, 32_768)
KV_TYPES = ("f16", "q8_0", "q4_0")
BATCHES = (512, 2048)
PARTS = ("model", "context", "compute")
#: How far the estimate may be away: in total, and in each part by whichever is more.
TOTAL_SHARE = 0.03
PART_SHARE = 0.10
PART_BYTES = 64 * MIB


def point(context_length: int, kv_type: str, batch: int) -> LoadOptions:
    """One point of the grid; the batch is computed at once."""
    return LoadOptions(context_length, batch=batch, ubatch=batch, kv_type_k=kv_type, kv_type_v=kv_type)


def points(shape: Shape) -> list[LoadOptions]:
    """The whole grid: the contexts, and what the model was made for."""
    return [point(*values) for values in product(_contexts(shape), _kv_types(shape), BATCHES)]


def sample(shape: Shape, number: int) -> list[LoadOptions]:
    """Two contexts; over the numbers of some shapes, each with every cache and every batch."""
    contexts, kv_types = _contexts(shape), _kv_types(shape)
    return [
        point(
            contexts[(number + 2 * place) % len(contexts)],
            kv_types[(number // 4 + place) % len(kv_types)],
            BATCHES[(number // 12 + place) % 2],
        )
        for place in (0, 1)
    ]


def other_settings(shape: Shape) -> list[LoadOptions]:
    """What changes memory beside the grid, one setting at a time."""
    settings = [
        LoadOptions(8192),
        LoadOptions(300),
        LoadOptions(8192, batch=512, flash_attention=False),
        LoadOptions(8192, batch=512, parallel=3),
        LoadOptions(8192, batch=512, parallel=4, kv_unified=True),
        LoadOptions(8192, batch=512, swa_full=True),
        LoadOptions(8192, batch=2048, ubatch=256),
        LoadOptions(8192, batch=512, mmap=False),
    ]
    # The engine wants both alike where attention is latent.
    if "attention.key_length_mla" not in shape.keys and len(_kv_types(shape)) > 1:
        settings.append(LoadOptions(8192, batch=512, kv_type_k="q8_0", kv_type_v="f16"))
    return settings


def quick(shape: Shape) -> Shape:
    """The shape without its words if it has very many: the engine takes half a second for them, but no memory."""
    return replace(shape, words="none") if shape.vocabulary > 100_000 else shape


def said(options: LoadOptions) -> str:
    """What of these options is not the default."""
    default = LoadOptions()
    told = {field.name: getattr(options, field.name) for field in fields(options)}
    return ", ".join(f"{name}={value}" for name, value in told.items() if value != getattr(default, name))


def _contexts(shape: Shape) -> list[int]:
    return sorted({*CONTEXTS, shape.context_length})


def _kv_types(shape: Shape) -> tuple[str, ...]:
    """The engine keeps 32 numbers of a key or value together in its quantised caches, and refuses other lengths."""
    keys = Keys(shape.keys)
    return KV_TYPES if keys.key_size() % 32 == keys.value_size() % 32 == 0 else KV_TYPES[:1]


@dataclass(frozen=True)
class Comparison:
    """An estimate beside the engine's plan, which tells whole MiB, rounded down."""

    shape: Shape
    options: LoadOptions
    estimated: MemoryUse
    planned: MemoryUse

    def error(self, part: str) -> float:
        """Of "total" or one of `PARTS`: the share of the plan by which the estimate is too large, below 0 too small."""
        estimated, planned = getattr(self.estimated, part), getattr(self.planned, part)
        return float((estimated - planned) / planned) if planned else 0.0

    @property
    def outside(self) -> frozenset[str]:
        """What of it is further away than it may be."""
        parts = [part for part in PARTS if self._distance(part) > max(PART_SHARE * self._planned(part), PART_BYTES)]
        total = ["total"] if abs(self.error("total")) > TOTAL_SHARE else []
        return frozenset(total + parts)

    def __str__(self) -> str:
        figures = ", ".join(
            f"{part} {getattr(self.estimated, part) / MIB:.1f} for {self._planned(part) / MIB:.0f} MiB"
            f" ({self.error(part):+.1%})"
            for part in ("total", *PARTS)
        )
        return f"{self.shape} with {said(self.options) or 'nothing set'}: {figures}"

    def _planned(self, part: str) -> int:
        return int(getattr(self.planned, part))

    def _distance(self, part: str) -> int:
        return abs(int(getattr(self.estimated, part)) - self._planned(part))


async def compare(shape: Shape, file: Path, header: Header, options: LoadOptions) -> Comparison:
    """Ask both.

    Raises:
        EngineError: the engine has no plan for it.
    """
    planned = (await _planned(file, options)).host
    return Comparison(shape, options, estimate(header, options).all, planned)


async def _planned(file: Path, options: LoadOptions) -> Plan:
    """The engine's plan.

    WORKAROUND: on a busy machine one plan in a thousand is lost, as the engine dies before its log, which is written
    by a thread of its own, has the table.
    """
    for _ in range(2):
        with contextlib.suppress(EngineError):
            return await plan(file, options)
    return await plan(file, options)
