"""What versions before `settings.toml` kept in `preferences.json`, read once more to be taken over."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

from nodetool_xl_desktop.core import settings
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.setting import Setting
from nodetool_xl_desktop.core.translation import tr

_NAMES: dict[str, Setting[Any]] = {
    "title_chats": settings.TITLES,
    "zoom": settings.ZOOM,
    "off_line": settings.OFF_LINE,
    "endpoint": settings.ENDPOINT,
    "model_columns": settings.MODEL_COLUMNS,
}
_log = logging.getLogger(__name__)


def take_over(path: Path) -> dict[Setting[Any], Any]:
    """The choices that are not the default. What cannot be understood is as nobody chose it.

    Raises:
        UserFacingError: the disk refused.
    """
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserFacingError(
            tr("The preferences of an earlier version cannot be read"),
            tr("{reason} ({path})", reason=error.strerror or error, path=path),
            tr("Look at the disk."),
        ) from error
    except (ValueError, RecursionError) as error:
        _log.warning("%s is not taken over: %s", path, error)
        return {}
    taken = {}
    for name, setting in _NAMES.items() if isinstance(said, dict) else ():
        try:
            value = setting.checked(said[name])
        except (LookupError, ValueError):
            continue
        if value != setting.default:
            taken[setting] = value
    return taken
