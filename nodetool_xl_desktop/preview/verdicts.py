"""The verdict on each file of a repository before any is downloaded: which of them fit this machine, and which is best.

One header is read, that of the smallest build. The others differ from it in their weights, which take what their files
are long; context and compute are the same. For the one that a person selects its own header is read.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace

from nodetool_xl_desktop.core.threads import in_own_thread
from nodetool_xl_desktop.fit.estimate import estimate
from nodetool_xl_desktop.fit.memory import Machine, MemoryUse, Needs
from nodetool_xl_desktop.fit.options import LoadOptions
from nodetool_xl_desktop.fit.placement import used
from nodetool_xl_desktop.fit.verdict import Verdict, judge
from nodetool_xl_desktop.hub.choice import Candidate, candidates
from nodetool_xl_desktop.hub.repository import HubFile, Repository
from nodetool_xl_desktop.library.settings import Kept
from nodetool_xl_desktop.preview.choice import Choice
from nodetool_xl_desktop.preview.remote import RemoteModels
from nodetool_xl_desktop.preview.report import Preview, in_short

#: Of more builds than this only the first are judged, the smallest of them.
MOST = 300
#: What is smaller than this share of the largest build is none of it, but a draft model or the like: two bits are an
#: eighth of sixteen.
_LEAST_SHARE = 20
#: With fewer bits a model is worth so much less that one with more is taken, although the processor works on it, too.
_SOUND_BITS = 4
#: Above so many bits nobody notices a difference.
_MOST_BITS = 8


@dataclass(frozen=True, slots=True)
class FileVerdict:
    """What is to be thought of one build.

    Attributes:
        candidate: its files.
        verdict: with the settings that it is loaded with unless somebody says otherwise.
        badge_says: the same in a few words with numbers.
        is_exact: whether its own header was read, and not that of another build.
        is_best: whether it is the one to take on this machine.
        need: what a load takes of all memories together, in bytes.
    """

    candidate: Candidate
    verdict: Verdict
    badge_says: str
    is_exact: bool
    is_best: bool
    need: int = 0


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What the builds are judged for.

    Attributes:
        machine: its memory now.
        physical_cores: of it; None where the system does not say.
        projector: what is loaded beside the model; None for nothing.
    """

    machine: Machine
    physical_cores: int | None = None
    projector: HubFile | None = None


async def judged(
    remote: RemoteModels,
    repository: Repository,
    machine: Machine,
    *,
    physical_cores: int | None = None,
    projector: HubFile | None = None,
    token: str | None = None,
) -> AsyncIterator[FileVerdict]:
    """A verdict for each build of a repository, the smallest first; none where it holds no models.

    Args:
        remote: reads headers, and keeps them for the session.
        repository: as the hub told it.
        machine: its memory now.
        physical_cores: of it.
        projector: what would be taken along (`hub.choice.projectors`); its size is counted.
        token: for this hub, in place of the one that `remote` has.

    Raises:
        HubError: the hub does not hand the header out, or cannot be reached.
        GgufError: it is no model that this program reads.
    """
    # Some milliseconds for each hundred names: too many for the loop.
    found = (await in_own_thread(lambda: candidates(repository.files), "verdicts"))[:MOST]
    if not found:
        return
    source = min(
        (each for each in found if each.size * _LEAST_SHARE >= found[-1].size), key=lambda each: (each.size, each.path)
    )
    preview = await remote.inspect_file(repository, source.files[0], token=token)
    given = Circumstances(machine, physical_cores, projector)
    # Some milliseconds each: far too many for the loop together.
    for verdict in await in_own_thread(lambda: _all(preview, source, found, given), "verdicts"):
        yield verdict


async def judge_exactly(
    remote: RemoteModels,
    repository: Repository,
    candidate: Candidate,
    machine: Machine,
    *,
    physical_cores: int | None = None,
    projector: HubFile | None = None,
    token: str | None = None,
) -> FileVerdict:
    """The verdict on one build from its own header; arguments and errors as `judged`.

    Whether it is the best depends on all builds: `is_best` is False here.
    """
    preview = await remote.inspect_file(repository, candidate.files[0], token=token)
    given = Circumstances(machine, physical_cores, projector)
    return await in_own_thread(lambda: _one(preview, candidate, given, is_exact=True), "verdicts")


def best(verdicts: Sequence[FileVerdict]) -> FileVerdict | None:
    """The build to take: the largest that fits, of up to 8 bits where there are such; None where none fits.

    One of 4 bits that fits with some layers on the processor goes before one of less that is on the card as a whole,
    and before larger ones, which leave the processor still more of the work.
    """
    ranked = sorted(verdicts, key=lambda each: (each.candidate.size, each.candidate.path), reverse=True)
    if any((each.candidate.bits or _MOST_BITS + 1) <= _MOST_BITS for each in ranked):
        ranked = [each for each in ranked if (each.candidate.bits or 0) <= _MOST_BITS]
    fits = [each for each in ranked if each.verdict is Verdict.FITS]
    partly = [each for each in ranked if each.verdict is Verdict.PARTLY]
    partly.sort(key=lambda each: each.candidate.bits or _SOUND_BITS)
    tight = [each for each in ranked if each.verdict is Verdict.TIGHT]
    in_order = [*filter(_is_sound, fits), *filter(_is_sound, partly), *fits, *partly, *tight]
    return next(iter(in_order), None)


def _is_sound(verdict: FileVerdict) -> bool:
    return (verdict.candidate.bits or _SOUND_BITS) >= _SOUND_BITS


def _all(
    preview: Preview, source: Candidate, found: Sequence[Candidate], given: Circumstances
) -> tuple[FileVerdict, ...]:
    verdicts = tuple(_one(_scaled(preview, source, each), each, given, is_exact=each is source) for each in found)
    chosen = best([each for each in verdicts if each.candidate.size >= source.size])
    return tuple(replace(each, is_best=each is chosen) for each in verdicts)


def _scaled(preview: Preview, source: Candidate, candidate: Candidate) -> Preview:
    """Another build of the model: the same in everything but the size of its weights."""
    if candidate is source:
        return preview
    header = preview.header
    tensors = tuple(
        replace(tensor, size=tensor.size * candidate.size // max(source.size, 1)) for tensor in header.tensors
    )
    # `once` keeps what was worked out with a header; this is another one.
    return Preview(replace(header, tensors=tensors, total_size=candidate.size))


def _one(preview: Preview, candidate: Candidate, given: Circumstances, *, is_exact: bool) -> FileVerdict:
    machine = given.machine
    options = Choice.of(preview, Kept(), given.physical_cores).options(_beside(machine, given.projector))
    need = _with_projector(estimate(preview.header, options, machine.devices), options, given.projector)
    verdict = judge(need, machine.host, machine.margin)
    says = in_short(verdict, need, options.context_length)
    return FileVerdict(candidate, verdict, says, is_exact, is_best=False, need=need.total)


def _beside(machine: Machine, projector: HubFile | None) -> Machine:
    """The machine as the layers find it, once the projector is on the first card."""
    places = used(machine.devices)
    if projector is None or not places or machine.devices[places[0]].free is None:
        return machine
    devices = list(machine.devices)
    first = devices[places[0]]
    devices[places[0]] = replace(first, free=max(0, (first.free or 0) - projector.size))
    return replace(machine, devices=tuple(devices))


def _with_projector(need: Needs, options: LoadOptions, projector: HubFile | None) -> Needs:
    """Its weights, where the engine puts them; what an image is computed in its own header would have to tell."""
    if projector is None:
        return need
    more = MemoryUse(projector=projector.size)
    places = used(need.only_devices)
    if not places or not options.projector_on_device:
        return replace(need, host=need.host + more)
    devices = [(device, use + more if place == places[0] else use) for place, (device, use) in enumerate(need.devices)]
    return replace(need, devices=tuple(devices))
