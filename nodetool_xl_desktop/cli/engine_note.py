"""What a command says on standard error when the engine that was chosen does not start, and its own takes its place."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.engine.in_use import Fallen, InUse


@contextlib.contextmanager
def told() -> Iterator[None]:
    """While something is loaded or planned: it is told there."""
    InUse.listen(_tell)
    try:
        yield
    finally:
        InUse.unlisten(_tell)


def _tell(fallen: Fallen) -> None:
    note = tr("{problem}: {why}. The built-in engine is used.", problem=fallen.error.what, why=fallen.error.why)
    print(note, file=sys.stderr, flush=True)
