"""`fit MODEL`: what a load would take, from the header alone. The engine is never started."""

from __future__ import annotations

import json
import time
from pathlib import Path

from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.engine import environment
from nodetool_xl_desktop.engine.hardware import host_memory, physical_cores
from nodetool_xl_desktop.fit.options import LoadSettings
from nodetool_xl_desktop.library.models import title
from nodetool_xl_desktop.library.settings import ModelSettings
from nodetool_xl_desktop.preview.report import FitReport, Preview


def run(model: Path, *, context_length: int | None, as_json: bool) -> None:
    """Print the report, for a person or as one JSON object.

    Raises:
        GgufError: the file is no model that can be read.
    """
    started = time.perf_counter()
    preview = Preview.inspect(model)
    kept = ModelSettings(Paths.default()).for_model(preview.header.files[0].absolute())
    settings = LoadSettings(context_length=context_length).over(kept).over(environment.load_settings())
    options = preview.options(settings, physical_cores())
    report = preview.report(options, host_memory())
    seconds = time.perf_counter() - started
    print(json.dumps(report.to_json(seconds), indent=2) if as_json else _text(report))


def _text(report: FitReport) -> str:
    header, need, host = report.header, report.need, report.host
    facts = [header.quantization, header.size_label, units.file_size(header.total_size)]
    if header.context_length_max:
        facts.append(f"up to {units.tokens(header.context_length_max)}")
    rows = [
        ("Model", need.model),
        ("Context (KV cache)", need.context),
        ("Compute", need.compute),
        ("Together", need.total),
        ("Free memory", host.free),
    ]
    lines = [
        f"{title(header.path)}  ({', '.join(fact for fact in facts if fact)})",
        f"{report.verdict}: {report.advice}",
        "",
        f"With {units.tokens(report.options.context_length)} of context (estimate):",
        *(f"  {name:<20}{units.memory(size):>12}" for name, size in rows),
    ]
    return "\n".join(lines + [f"\nNote: {warning}" for warning in report.warnings])
