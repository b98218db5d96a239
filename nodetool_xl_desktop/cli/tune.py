"""`tune MODEL`: measure which settings make a model fast on this machine, show the table, keep the winner."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shlex
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from nodetool_xl_desktop.cli import engine_note
from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.core.translation import number, tr, trn
from nodetool_xl_desktop.engine.hardware import physical_cores
from nodetool_xl_desktop.engine.tune import Measurement, Tuned, tune
from nodetool_xl_desktop.fit.options import LoadOptions, LoadSettings
from nodetool_xl_desktop.gguf import Header
from nodetool_xl_desktop.library.model_file import title
from nodetool_xl_desktop.library.settings import ModelSettings
from nodetool_xl_desktop.preview.report import Preview

COLUMNS = (
    tr("Threads"),
    tr("Batch"),
    tr("Flash attention"),
    tr("Prompt tokens/s"),
    tr("Answer tokens/s"),
    tr("Usual turn"),
    "",
)
FLASH_ATTENTION = {None: tr("auto"), True: tr("on"), False: tr("off")}


def run(model: Path, paths: Paths, *, context_length: int | None, as_json: bool) -> None:
    """Measure, print the table, and keep the winner for this model on this machine.

    Args:
        model: a `.gguf` file.
        paths: the program's folders.
        context_length: in tokens, or None for the default.
        as_json: print one object instead of the table.

    Raises:
        UserFacingError: the model could not be loaded or measured; or the winner could not be saved, and the table is
            printed all the same.
    """
    preview = Preview.inspect(model)
    asked = LoadSettings(context_length=context_length)
    base = asked.options(preview.header.context_length_max, physical_cores())
    with engine_note.told():
        tuned = asyncio.run(_measure(preview.header, base))
    print(json.dumps(_to_json(tuned), indent=2) if as_json else _text(preview, tuned))
    speeds = {
        "prompt_tokens_per_s": round(tuned.best.prompt_tokens_per_s or 0.0, 1),
        "decode_tokens_per_s": round(tuned.best.decode_tokens_per_s or 0.0, 1),
    }
    ModelSettings(paths).keep(preview.header.files[0], tuned.winner, speeds)
    if not as_json:
        print(
            tr(
                "\nKept for this model on this machine: {settings}; `nodetool-xl-desktop tune --forget {model}` "
                "forgets it.",
                settings=_settings(tuned),
                model=shlex.quote(str(preview.header.files[0])),
            )
        )


def forget(model: Path, paths: Paths) -> None:
    """Forget what is kept for a model on this machine; its file may be gone.

    Raises:
        UserFacingError: the settings could not be read or written.
    """
    forgotten = ModelSettings(paths).forget(model)
    print(
        tr("The settings of {model} are forgotten.", model=title(model))
        if forgotten
        else tr("Nothing is kept for {model}.", model=title(model))
    )


async def _measure(header: Header, base: LoadOptions) -> Tuned:
    shown = _Progress()
    try:
        async with contextlib.aclosing(tune(header.files[0], base)) as steps:
            async for step in steps:
                if step.result is not None:
                    return step.result
                shown.update(tr("Measuring {what} ({done} of {of}) ...", what=step.what, done=step.done, of=step.of))
    finally:
        shown.clear()
    raise AssertionError("the last step has the result")


class _Progress:
    """One line on a terminal's standard error; nothing where standard error is a file."""

    def __init__(self) -> None:
        self._visible = sys.stderr.isatty()

    def update(self, text: str) -> None:
        """Show this in place of what was shown."""
        if self._visible:
            print(f"\r\033[K{text} ", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Take the line away."""
        if self._visible:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


def _text(preview: Preview, tuned: Tuned) -> str:
    """The table: words on the left of their column, figures on the right."""
    columns = COLUMNS if tuned.winner.gpu_layers is None else (tr("GPU layers"), *COLUMNS)
    cells = [_cells(row, tuned)[-len(columns) :] for row in tuned.rows]
    widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in (columns, *cells)]
    failures = [
        tr("\n{row} could not be measured: {error}", row=_name(row), error=row.error) for row in tuned.rows if row.error
    ]
    head = tr(
        "{title}, measured in {seconds}. A usual turn: 512 tokens in, 256 out.\n",
        title=preview.title,
        seconds=units.seconds(tuned.seconds),
    )
    return "\n".join([head, *(line.rstrip() for line in lines), *failures])


def _cells(row: Measurement, tuned: Tuned) -> tuple[str, ...]:
    options = row.options
    figures = [
        "-" if value is None else number(f"{value:,.1f}{unit}")
        for value, unit in ((row.prompt_tokens_per_s, ""), (row.decode_tokens_per_s, ""), (row.turn_s, " s"))
    ]
    mark = tr("best") if row is tuned.best else tr("failed") if row.error else ""
    words = (
        str(options.gpu_layers),
        str(options.threads),
        str(options.batch),
        FLASH_ATTENTION[options.flash_attention],
    )
    return (*words, *figures, mark)


def _name(row: Measurement) -> str:
    options = row.options
    threads = trn("{count} thread", "{count} threads", options.threads)
    return tr(
        "{threads}, batch {batch}, flash attention {flash_attention}",
        threads=threads,
        batch=options.batch,
        flash_attention=FLASH_ATTENTION[options.flash_attention],
    )


def _settings(tuned: Tuned) -> str:
    name = _name(tuned.best)
    return (
        name
        if tuned.winner.gpu_layers is None
        else trn("{name}, {count} GPU layer", "{name}, {count} GPU layers", tuned.winner.gpu_layers, name=name)
    )


def _to_json(tuned: Tuned) -> dict[str, Any]:
    tried = ("threads", "batch", "flash_attention", "gpu_layers")

    def row_to_json(row: Measurement) -> dict[str, Any]:
        figures = {name: value for name, value in asdict(row).items() if name != "options"}
        return {**{name: getattr(row.options, name) for name in tried}, **figures, "winner": row is tuned.best}

    return {
        "winner": {name: getattr(tuned.winner, name) for name in tried},
        "rows": [row_to_json(row) for row in tuned.rows],
        "seconds": tuned.seconds,
    }
