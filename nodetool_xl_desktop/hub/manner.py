"""How the queue of downloads puts up with faults, and what it makes of those of the disk and of the network."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass

from nodetool_xl_desktop.core.connections import Purpose
from nodetool_xl_desktop.core.network import NotAllowed, OffLine
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.hub.entry import Entry
from nodetool_xl_desktop.hub.errors import NotStored
from nodetool_xl_desktop.hub.transfer import PATIENCE, Patience

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Manner:
    """How faults are put up with.

    Attributes:
        patience: of one attempt with a broken connection.
        retries_s: seconds before each further attempt after that patience has ended; as many as there are attempts
            that may bring nothing.
    """

    patience: Patience = PATIENCE
    retries_s: tuple[float, ...] = (15.0, 30.0, 60.0, 120.0, *(300.0,) * 20)


def found(entry: Entry) -> int:
    """Bytes of it that are there; its turn tells what is wrong with a folder that cannot be looked at."""
    try:
        return entry.on_disk()
    except OSError as error:
        _log.warning("%s cannot be looked at: %s", entry.folder, error)
        return 0


@contextlib.contextmanager
def disk_sorted(entry: Entry) -> Iterator[None]:
    """What the operating system refuses becomes an error for a person."""
    try:
        yield
    except OSError as error:
        raise NotStored.because(entry.files[0].name, error) from error


def off_line() -> NotAllowed | None:
    """The error for whoever shall wait for the network, while the person does not allow downloads."""
    try:
        OffLine.check_all(tr("The download waits"), Purpose.DOWNLOADS)
    except NotAllowed as error:
        return error
    return None
