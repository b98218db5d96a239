"""What a person names to be opened, on the command line or anywhere else: something on this machine, or an address."""

from __future__ import annotations

import os
from pathlib import Path

from nodetool_xl_desktop.hub.address import LocalPath, parse_place
from nodetool_xl_desktop.hub.errors import BadName

#: A path of this machine, or the text of an address or of a repository's name.
Named = Path | str


def from_here(text: str) -> Named:
    """What a text means where this process works: what lies there goes before a repository of the same name. Looks at
    the disk.

    Args:
        text: as it was typed; bytes that are no UTF-8 as surrogate escapes.

    Returns:
        An absolute path, also where nothing is there and the text names nothing else: who opens it says so. Else the
        text, which `parse_place` reads.
    """
    if os.path.lexists(text):
        return Path(text).absolute()
    try:
        place = parse_place(text)
    except BadName:
        return Path(text).absolute()
    return place.path.absolute() if isinstance(place, LocalPath) else text
