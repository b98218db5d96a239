"""`doctor`: what `diagnosis.examine` finds, on a terminal."""

from __future__ import annotations

import json
from dataclasses import asdict

from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.diagnosis.examine import as_text, examine


def run(paths: Paths, *, as_json: bool) -> None:
    """Look at this machine and print what was found."""
    diagnosis = examine(paths)
    print(json.dumps(asdict(diagnosis), indent=2) if as_json else as_text(diagnosis))
