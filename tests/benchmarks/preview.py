"""What is said of a model before it is loaded, against `xllamacpp.estimate_gpu_layers`, the engine's own way."""

from __future__ import annotations

import tempfile
from pathlib import Path

import estimates
from provider import model
from table import Row, row, timed

from nodetool_xl_desktop.engine.hardware import host_memory, physical_cores
from nodetool_xl_desktop.fit.options import LoadSettings
from nodetool_xl_desktop.gguf import read_model
from nodetool_xl_desktop.preview.report import Preview


def rows() -> list[Row]:
    file = model()
    inspected, host = Preview.inspect(file), host_memory()
    options = LoadSettings().options(inspected.header.context_length_max, physical_cores())
    header = timed(lambda: read_model(file), 30)
    whole = timed(lambda: Preview.inspect(file).report(options, host), 30)
    theirs = timed(lambda: estimates.engine_estimate(file), 3)
    against = (estimates.ENGINE, theirs)
    found = [
        row("starter model: a whole preview, read anew", "ms", whole, "at most 0.01 of it", against),
        row("starter model: header read", "ms", header, "at most 0.01 of it", against),
        row("a report again, as at each step of the slider", "ms", timed(lambda: inspected.report(options, host), 200)),
    ]
    with tempfile.TemporaryDirectory() as folder:
        return found + estimates.headers(Path(folder)) + estimates.speed(Path(folder))
