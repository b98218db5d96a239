"""What is said of downloads: one form of words and figures for the page, the foot of the side bar and the tray."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from nodetool_xl_desktop.core.text import one_line
from nodetool_xl_desktop.core.translation import tr, trn
from nodetool_xl_desktop.core.units import file_size
from nodetool_xl_desktop.hub.standing import Download, State
from nodetool_xl_desktop.library.model_file import quantization, title

Tone = Literal["muted", "accent", "warning", "bad"]
#: What still has something before it, unless it is paused.
ACTIVE = (State.RUNNING, State.CHECKING, State.WAITING)
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
#: Of a speed that says nothing any more, in seconds to the end.
_FOREVER_S = 30 * _DAY


def name_of(download: Download) -> str:
    """The model as people say it, with its quantization: "Llama 3.1 8B Instruct Q4_K_M"."""
    path = Path(PurePosixPath(download.name).name)
    said = " ".join(part for part in (title(path), quantization(path)) if part)
    return one_line(said) or one_line(download.repo_id) or tr("Model")


def source(download: Download) -> str:
    """Where it comes from, in how many files, and how large it is where nothing else says that."""
    count = len(download.files)
    said = [one_line(download.repo_id), trn("{count} file", "{count} files", count) if count > 1 else ""]
    said.append(file_size(download.size) if download.state is State.DONE else "")
    return "  ·  ".join(part for part in said if part)


def percent(done: int, size: int) -> int:
    """From 0 to 100; never 100 before the end."""
    if size <= 0:
        return 0
    return 100 if done >= size else max(0, min(99, math.floor(done * 100 / size)))


def state_words(download: Download) -> tuple[str, Tone]:
    """Where it stands, in a few words, and how that is coloured."""
    if download.retry_in_s is not None and download.state in ACTIVE:
        left = math.ceil(max(0.0, download.retry_in_s))
        return (tr("Next attempt in {left}", left=_span(left)) if left else tr("Next attempt now")), "warning"
    match download.state:
        case State.RUNNING if download.speed <= 0:
            return tr("Connecting"), "muted"
        case State.FAILED:
            return tr("Failed"), "bad"
        case State.DONE:
            return tr("Done"), "accent"
        case state:
            return tr(state.value), "muted"


def sizes(download: Download) -> str:
    """How much of it is there: "3.1 GB of 4.9 GB"."""
    return tr("{done} of {size}", done=file_size(min(download.done, download.size)), size=file_size(download.size))


def speed(download: Download) -> str:
    """Bytes a second: "42 MB/s"; nothing where none come."""
    return rate(download.speed) if download.state is State.RUNNING and download.speed > 0 else ""


def rate(bytes_per_s: float) -> str:
    """Bytes a second for people: with one digit behind the point below ten megabytes, so that slow ones are told
    apart."""
    if 999_500 <= bytes_per_s < 9_950_000:
        return tr("{speed:.1f} MB/s", speed=bytes_per_s / 1000000.0)
    return tr("{size}/s", size=file_size(round(bytes_per_s)))


def time_left(download: Download) -> str:
    """How long it takes still: "45 s left", "12 min left", "3 h 10 min left"; nothing where that cannot be said."""
    left = download.left_s
    if download.state is not State.RUNNING or left is None or not 0 <= left < _FOREVER_S:
        return ""
    return tr("{span} left", span=_span(math.ceil(left)))


def _span(seconds: int) -> str:
    if seconds < _MINUTE:
        return tr("{seconds} s", seconds=seconds)
    if seconds < _HOUR:
        return tr("{minutes} min", minutes=math.ceil(seconds / _MINUTE))
    if seconds < 2 * _DAY:
        hours, rest = divmod(math.ceil(seconds / _MINUTE), 60)
        return tr("{hours} h {minutes} min", hours=hours, minutes=rest) if rest else tr("{hours} h", hours=hours)
    return trn("{count} day", "{count} days", round(seconds / _DAY))


def spoken(download: Download) -> str:
    """What a row says beside its name, in one sentence for a screen reader."""
    is_done = download.state is State.DONE
    said = [source(download)] if is_done else [state_words(download)[0], sizes(download)]
    said += [speed(download), time_left(download)]
    if download.error is not None:
        said.append(one_line(str(download.error)))
    return ", ".join(part for part in said if part)


@dataclass(frozen=True, slots=True)
class Total:
    """What all of them together come to.

    Attributes:
        active: how many run, are checked or wait.
        paused: how many are.
        failed: how many have.
        done: bytes that are there, of those that were begun since nothing was left to do.
        size: bytes of these.
        running: whether bytes come, or could at any moment.
    """

    active: int = 0
    paused: int = 0
    failed: int = 0
    done: int = 0
    size: int = 0
    running: bool = False

    @property
    def percent(self) -> int:
        """From 0 to 100."""
        return percent(self.done, self.size)

    @property
    def is_nothing(self) -> bool:
        """Whether nothing is left to do, and nothing to be told of."""
        return not (self.active or self.paused or self.failed)

    @property
    def words(self) -> str:
        """For the foot of the side bar; empty where there is nothing."""
        failed = ""
        if self.failed:
            failed = trn("Download failed", "{count:,} downloads failed", self.failed)
        if self.active:
            going = trn("{count} download", "{count:,} downloads", self.active)
            share = tr("{percent} %", percent=self.percent)
            failures = trn("{count} failed", "{count:,} failed", self.failed) if failed else ""
            return " · ".join(part for part in (going, share, failures) if part)
        if failed:
            return failed
        return tr("Paused · {percent} %", percent=self.percent) if self.paused else ""


class Batch:
    """Which downloads a total is of: those that were begun since nothing was left to do. What is done of them stays in
    it, or the total would fall each time one of them ends."""

    def __init__(self) -> None:
        self._ids: set[str] = set()

    def total(self, downloads: Iterable[Download]) -> Total:
        """Bring all together."""
        known = list(downloads)
        going = {each.id for each in known if each.state is State.PAUSED or each.state in ACTIVE}
        self._ids = self._ids | going if going else set()
        counted = [each for each in known if each.id in self._ids and each.state is not State.FAILED]
        return Total(
            active=sum(each.state in ACTIVE for each in known),
            paused=sum(each.state is State.PAUSED for each in known),
            failed=sum(each.state is State.FAILED for each in known),
            done=sum(min(each.done, each.size) for each in counted),
            size=sum(each.size for each in counted),
            running=any(each.state in (State.RUNNING, State.CHECKING) for each in known),
        )


def room(free: int | None, downloads: Sequence[Download]) -> tuple[str, bool]:
    """What stands in the page about the disk of the models folder; what has failed does not come by itself.

    Args:
        free: bytes that are free there; None where that is not known.
        downloads: all of them.

    Returns:
        The sentence, and whether there is too little room.
    """
    if free is None:
        return "", False
    needed = sum(max(0, each.size - each.done) for each in downloads if each.state not in (State.DONE, State.FAILED))
    if not needed:
        return tr("{free} free on the disk of the models folder.", free=file_size(free)), False
    if needed > free:
        return tr(
            "Not enough room: {needed} are still to come, {free} are free on the disk of the models folder.",
            needed=file_size(needed),
            free=file_size(free),
        ), True
    return tr(
        "{free} free on the disk of the models folder, {needed} still to come.",
        free=file_size(free),
        needed=file_size(needed),
    ), False
