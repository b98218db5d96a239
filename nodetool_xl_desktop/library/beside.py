"""The projectors that lie beside one model file, for who has a file and no list: a load needs them at once."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from pathlib import Path

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.gguf import Header
from nodetool_xl_desktop.library.facts import facts
from nodetool_xl_desktop.library.model_file import Facts, ModelFile, Place
from nodetool_xl_desktop.library.pairing import Pairing

#: What the name of a projector holds; no other file is opened here.
_LIKELY = re.compile(r"mmproj|clip|projector|encoder|(?<![a-z])vit(?![a-z])")
_log = logging.getLogger(__name__)


def projectors_beside(model: Path, read: Callable[[Path], Header]) -> tuple[Path, ...]:
    """The projectors of a model by the rules of My Models, the likeliest first. Touches the disk; never fails.

    Args:
        model: its file, by an absolute path; of a split set the first.
        read: reads headers.
    """
    near = [path for folder in (model.parent, model.parent.parent) for path in _files_in(folder)]
    likely = [path for path in near if path != model and _LIKELY.search(path.name.lower())]
    if not likely or model not in near:
        return ()
    said = {path: _facts(path, read) for path in [model, *likely]}
    files = [ModelFile(path, 0, Place.OPENED, facts=said.get(path)) for path in dict.fromkeys(near)]
    pairing = Pairing(files, {})
    return next(pairing.of(file)[0] for file in files if file.path == model)


def _files_in(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.name.lower().endswith(".gguf"))
    except OSError:  # it may be passed through and not listed
        return []


def _facts(path: Path, read: Callable[[Path], Header]) -> Facts | None:
    try:
        return facts(read(path))
    except (UserFacingError, OSError, ValueError) as error:
        _log.info("%s is taken by its name, as its header cannot be read: %s", path.name, error)
        return None
