"""What a repository's page offers: one value for each model in it, so that a row shows values and asks nobody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.text import one_line
from nodetool_xl_desktop.core.translation import tr, trn
from nodetool_xl_desktop.hub.choice import Candidate, candidates, projectors
from nodetool_xl_desktop.hub.downloads import Download, State
from nodetool_xl_desktop.hub.repository import HubFile, Repository
from nodetool_xl_desktop.library.model_file import ModelFile

LOAD = tr("Load")


@dataclass(frozen=True, slots=True)
class Offer:
    """One model of a repository.

    Attributes:
        candidate: its files.
        explained: its quantization in one line; empty where nothing is known of it.
        here: its file on this disk; None where it is not here.
        download: it on its way here; None where it is not.
    """

    candidate: Candidate
    explained: str = ""
    here: Path | None = None
    download: Download | None = None

    @property
    def path(self) -> Path | None:
        """What can be loaded; None while it is not here."""
        if self.here is None and self.download is not None and self.download.state is State.DONE:
            return self.download.path
        return self.here


@dataclass(frozen=True, slots=True)
class Offered:
    """All of a repository.

    Attributes:
        candidates: the models, the smallest first.
        projectors: what lets them see or hear, the likeliest first.
        here: those that are on this disk already, by the path in the repository.
    """

    candidates: tuple[Candidate, ...]
    projectors: tuple[HubFile, ...]
    here: dict[str, Path]


def offered(repository: Repository, files: Sequence[ModelFile]) -> Offered:
    """Look through a repository, and through the models on this disk for the same ones; in a thread, as either may be
    thousands.

    The same is what has the same name and size: no header of a file that is not here is known.
    """
    found = candidates(repository.files)
    known = {(file.path.name, file.size): file.path for file in files if file.trouble is None}
    here = {each.path: known[each.files[0].name, each.size] for each in found if _key(each) in known}
    return Offered(found, projectors(repository.files), here)


def _key(candidate: Candidate) -> tuple[str, int]:
    return candidate.files[0].name, candidate.size


def download_of(downloads: Sequence[Download], repository: Repository, candidate: Candidate) -> Download | None:
    """The one that brings this model here, of those that are on their way; None where there is none."""
    mine = [
        each
        for each in downloads
        if each.repo_id == repository.repo_id and each.files and each.files[0].path == candidate.path
    ]
    under_way = [each for each in mine if each.state is not State.DONE]
    found = under_way or mine
    return found[-1] if found else None


def lacking(free: int | None, downloads: Sequence[Download], size: int) -> str:
    """Why the disk has no room for so much more; empty where it has, or where nobody knows.

    Args:
        free: bytes of the disk that the models folder is on.
        downloads: what is still to come of these takes its room, too.
        size: of what would be downloaded, in bytes.
    """
    if free is None:
        return ""
    coming = sum(max(0, each.size - each.done) for each in downloads if each.state is not State.DONE)
    if size + coming <= free:
        return ""
    others = tr(", {coming} of it for other downloads", coming=units.file_size(coming)) if coming else ""
    return tr("No room in the models folder: {units} free{others}", units=units.file_size(max(0, free)), others=others)


@dataclass(frozen=True, slots=True)
class Standing:
    """What can be done with an offer now.

    Attributes:
        action: what its button says.
        note: what is said of it: its files, how far it has come, why it cannot be had.
        can: whether the button can be pressed.
        is_problem: whether the note says what is wrong.
    """

    action: str
    note: str
    can: bool = True
    is_problem: bool = False


def standing(offer: Offer, lacks: str = "", along: int = 0) -> Standing:
    """How an offer stands.

    Args:
        offer: the offer.
        lacks: why the disk has no room for it; empty where it has.
        along: bytes of the projector that comes along.
    """
    files, download = offer.candidate.files, offer.download
    name = one_line(files[0].path)
    if offer.path is not None:
        return Standing(LOAD, tr("In My Models · {name}", name=name))
    if download is not None and download.state is State.FAILED:
        error = download.error
        why = (
            f"{error.what}: {error.why}" if error and error.why else error.what if error else tr("The download failed")
        )
        return Standing(tr("Show"), one_line(why), is_problem=True)
    if download is not None:
        share = tr("{percent} %", percent=100 * download.done // download.size) if download.size else tr("Show")
        done = tr("{done} of {size}", done=units.file_size(download.done), size=units.file_size(download.size))
        return Standing(share, f"{tr(download.state.value)} · {done}")
    if lacks:
        return Standing(tr("Download"), lacks, can=False, is_problem=True)
    parts = trn("{count} file", "{count} files", len(files)) if len(files) > 1 else ""
    both = tr("with the projector {size}", size=units.file_size(offer.candidate.size + along)) if along else ""
    return Standing(tr("Download"), " · ".join(part for part in (parts, name, both) if part))
