"""Where the files of a repository go: a server chooses their names, and none may lead out of the models folder."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.hub.errors import BadName, NotStored
from nodetool_xl_desktop.hub.part import LONGEST_ENDING
from nodetool_xl_desktop.hub.repository import HubFile, Repository

#: What every file system takes as one name, in bytes of UTF-8, with what is added to it while it comes.
_LONGEST_NAME = 255 - len(LONGEST_ENDING)
#: Names that are devices on Windows, whatever comes after their first dot.
_DEVICES = {
    "con",
    "prn",
    "aux",
    "nul",
    "conin$",
    "conout$",
    *(f"{name}{number}" for name in ("com", "lpt") for number in "123456789¹²³"),
}


def target_path(models: Path, repo_id: str, file: HubFile) -> Path:
    """Where a file of a repository lies below the models folder: `<models>/<org>/<repo>/<file>`.

    Raises:
        BadName: the name, which a server chose, would lead out of that folder or could not be written everywhere.
    """
    segments = [*repo_id.split("/"), *file.path.split("/")]
    if not all(_is_harmless(segment) for segment in segments):
        why = tr("it would be written outside its folder, or is no name that every system can write")
        raise BadName(
            tr("{path!a} is no name for a file", path=file.path[:_LONGEST_NAME]), why, tr("Choose another repository")
        )
    return models.joinpath(*segments)


def target_paths(models: Path, repository: Repository, files: Sequence[HubFile]) -> tuple[Path, ...]:
    """The `target_path` of each. Raises `BadName` also where two would be one file on a system that folds case, or
    that writes accents its own way (macOS does both)."""
    seen: dict[str, str] = {}
    for file in files:
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", file.path).casefold())
        if (before := seen.setdefault(folded, file.path)) != file.path:
            why = tr(
                "{before!a} and {path!a} differ in upper and lower case only, or in how a letter is written",
                before=before,
                path=file.path,
            )
            raise BadName(tr("Two files would get one name"), why, tr("Choose another repository"))
    return tuple(target_path(models, repository.repo_id, file) for file in files)


def require_inside(models: Path, target: Path) -> None:
    """See to it that no link below the models folder leads a download elsewhere. It touches the disk.

    Raises:
        BadName: one does.
    """
    if not Path(os.path.realpath(target.parent)).is_relative_to(os.path.realpath(models)):
        why = tr(
            "{parent} is a link, or lies behind one, that leads out of {models}", parent=target.parent, models=models
        )
        hint = tr("Remove the link, or choose the folder that it leads to as the models folder")
        raise BadName(tr("{name} would be written outside the models folder", name=target.name), why, hint)


def make_below(models: Path, target: Path, name: str) -> None:
    """Make the folders of a target, and not the models folder itself: with its disk gone it would be made on another.

    Raises:
        NotStored: the models folder is not there.
        OSError: a folder below it cannot be made.
    """
    if not models.is_dir():
        raise NotStored.nowhere(name, str(models))
    target.parent.mkdir(parents=True, exist_ok=True)


def _is_harmless(segment: str) -> bool:
    """Whether it names one file or folder on every system, and nothing else."""
    if not segment or len(segment.encode(errors="replace")) > _LONGEST_NAME:
        return False
    if segment != segment.strip() or segment.endswith(".") or not segment.isprintable():
        return False
    device = segment.partition(".")[0].lower() in _DEVICES
    return not device and not any(letter in '\\:*?"<>|' for letter in segment)
