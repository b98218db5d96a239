"""What the page of the engine says, made of values."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlsplit

from PySide6.QtCore import QDateTime, QLocale

from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.text import one_line
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.engine.engines import Installed
from nodetool_xl_desktop.fit.memory import Device

LONGEST_TITLE = 80


def title(engine: Installed | None, built_in_version: str) -> str:
    """What an engine is called: its version, and what it computes on where that is known."""
    if engine is None:
        return tr("xllamacpp {version}", version=built_in_version) if built_in_version else tr("No engine")
    return tr("xllamacpp {version}", version=engine.short_version)


def build(engine: Installed | None) -> str:
    """What it was built for, for a pill; empty where nothing tells."""
    if engine is None:
        return tr("Built In")
    return one_line(engine.build, 24)


def origin(engine: Installed | None) -> str:
    """Where it came from, and when."""
    if engine is None:
        return tr("Came with this program.")
    when = datetime.fromisoformat(engine.installed) if _is_time(engine.installed) else None
    source = one_line(engine.source, 400)
    if when is None:
        return tr("From {source}, {size}", source=source, size=units.file_size(engine.size))
    day = QLocale().toString(
        QDateTime.fromSecsSinceEpoch(round(when.timestamp())).date(), QLocale.FormatType.ShortFormat
    )
    return tr("From {source}, {day}, {size}", source=source, day=day, size=units.file_size(engine.size))


def memory(device: Device) -> str:
    """What a device has; empty where its driver does not say."""
    if device.total is None:
        return ""
    total = units.memory(device.total)
    if device.free is None:
        return total
    return tr("{free} of {total} free", free=units.memory(device.free), total=total)


def host(address: str) -> str:
    """The server of an address, for a button or a sentence."""
    return one_line(urlsplit(address).netloc or address, LONGEST_TITLE)


def _is_time(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
