"""From files to models: what belongs together is one, and what is none says why. No disk is touched here."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from operator import itemgetter
from pathlib import Path

from nodetool_xl_desktop.core.text import one_line
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.gguf.errors import MissingSplit, file_name
from nodetool_xl_desktop.gguf.header import Kind
from nodetool_xl_desktop.gguf.names import read_name
from nodetool_xl_desktop.library.breath import breathing
from nodetool_xl_desktop.library.model_file import Facts, ModelFile, Trouble, title
from nodetool_xl_desktop.library.pairing import Pairing, is_projector
from nodetool_xl_desktop.library.strangers import LONGEST_NAME, PlacedModel
from nodetool_xl_desktop.library.walk import FileId, Found, Seen

#: Of a file that changed so many seconds ago it is said that it is still coming.
STILL_COMING_S = 120.0
#: What is in the header of a file.
Said = Facts | Trouble
_NOTHING_TO_LOAD = tr("A model itself is another file.")
_NO_MODELS: dict[Kind, tuple[str, str]] = {
    "projector": (
        tr("it lets a model see or hear, and lies beside none that it belongs to"),
        tr("Put it into the folder of its model."),
    ),
    "adapter": (tr("it changes a model, and cannot be loaded by itself"), _NOTHING_TO_LOAD),
    "imatrix": (tr("it is an importance matrix, which serves to make models smaller"), _NOTHING_TO_LOAD),
    "vocabulary": (tr("it holds a vocabulary without a model"), _NOTHING_TO_LOAD),
    "part": (
        tr("it is a later part of a model in several files"),
        tr("Put it beside the others, under their own names."),
    ),
    "other": (tr("it holds something else"), _NOTHING_TO_LOAD),
}


@dataclass(frozen=True, slots=True)
class Group:
    """The files of one model.

    Attributes:
        parts: in their order.
        name: what its program calls it.
        links: other paths to its files.
        projectors: those that its program names; None where none says it.
        adapters: what its program lays over it.
        trouble: what is known to be wrong without opening it.
    """

    parts: tuple[Seen, ...]
    name: str = ""
    links: tuple[Path, ...] = ()
    projectors: tuple[Path, ...] | None = None
    adapters: tuple[Path, ...] = ()
    trouble: Trouble | None = None

    @property
    def path(self) -> Path:
        """Of the first file."""
        return self.parts[0].path

    @property
    def stamp(self) -> str:
        """What tells whether any of its files is another one than it was."""
        return " ".join(f"{part.size}:{part.modified_ns}:{part.file_id[1]}" for part in self.parts)

    @property
    def is_to_read(self) -> bool:
        """Whether its header is worth a look."""
        return self.trouble is None


def groups(found: Found, told: Mapping[FileId, PlacedModel], now: float | None = None) -> list[Group]:
    """The models among the files.

    Args:
        found: by a walk.
        told: what other programs say of a file.
        now: in seconds since 1970.
    """
    at = time.time() if now is None else now
    sets: dict[tuple[Path, str, str, int], dict[int, Seen]] = defaultdict(dict)
    out: list[Group] = []
    for seen in breathing(found.files.values()):
        name = read_name(seen.path.name)
        if seen.why_not or seen.whole_name or name.parts < 2:
            out.append(_alone(seen, found, at))
        else:
            sets[seen.path.parent, name.stem.lower(), name.quantization, name.parts][name.part] = seen
    out += [_together(parts, count, found) for (_, _, _, count), parts in sets.items()]
    return [_named(group, told.get(group.parts[0].file_id)) for group in breathing(out)]


def _alone(seen: Seen, found: Found, now: float) -> Group:
    links = tuple(found.links.get(seen.file_id, ()))
    if seen.why_not:
        what, hint = tr("{path} cannot be read", path=file_name(seen.path)), tr("Connect its disk, or remove the link.")
        return Group((seen,), links=links, trouble=Trouble(what, seen.why_not, hint))
    if seen.whole_name:
        is_file = seen.whole_name.lower().endswith(".gguf")
        name = title(Path(seen.whole_name)) if is_file else one_line(seen.whole_name, LONGEST_NAME)
        return Group((seen,), name, links, trouble=_unfinished(seen, now))
    return Group((seen,), links=links)


def _named(group: Group, told: PlacedModel | None) -> Group:
    """With what its program says of it; not its name where the file is listed under a path of another's."""
    if told is None:
        return group
    name = told.name if told.path == group.path else group.name
    return replace(group, name=name, projectors=told.projectors or None, adapters=told.adapters)


def _together(parts: dict[int, Seen], count: int, found: Found) -> Group:
    there = tuple(parts[number] for number in sorted(parts))
    links = tuple(link for part in there for link in found.links.get(part.file_id, ()))
    first = there[0].path
    missing = [number for number in range(1, count + 1) if number not in parts][:10_000]
    if not missing and len(there) == count:
        return Group(there, links=links)
    suffix = f"-{read_name(first.name).part:05d}-of-{count:05d}"
    at = first.name.lower().rindex(suffix)
    names = (f"{first.name[:at]}-{number:05d}-of-{count:05d}{first.name[at + len(suffix) :]}" for number in missing)
    error = MissingSplit.of(first, tuple(first.with_name(name) for name in names), count)
    return Group(there, links=links, trouble=Trouble(error.what, error.why, error.hint))


def _unfinished(seen: Seen, now: float) -> Trouble:
    what = tr("{path} is not complete", path=file_name(Path(seen.whole_name)))
    if now - seen.modified_ns / 1e9 < STILL_COMING_S:
        return Trouble(what, tr("it is still coming"), tr("It can be loaded once it is whole."))
    why = tr("it was never finished: the program that fetched it stopped, or was stopped")
    return Trouble(what, why, tr("Go on with it where it was begun, or delete it."))


def models(gathered: Sequence[Group], said: Mapping[Path, Said], beside: Set[Path] = frozenset()) -> list[ModelFile]:
    """What is listed, in no order yet.

    A projector is listed by itself only where no model lies beside it that it belongs to. What is no model at all is
    listed with its reason: it takes room on the disk, and a person who looks for it shall find it.

    Args:
        gathered: the models.
        said: what their headers say, as far as that is known.
        beside: files that nobody asked for: they lie beside one that was opened, and count as its projectors only.
    """
    told = [_model(group, said.get(group.path)) for group in breathing(gathered)]
    pairing = Pairing(told, {group.path: group.projectors for group in gathered if group.projectors is not None})
    same = _same(told)
    out = []
    for model in breathing(told):
        if model.path in pairing.taken or model.path in beside:
            continue
        projectors, senses = pairing.of(model)
        twins = tuple(path for path in same.get(_mark(model), ()) if path != model.path)
        if projectors or twins:
            model = replace(model, projectors=projectors, senses=senses, same_as=twins)  # noqa: PLW2901
        out.append(_with_reason(model))
    return out


def ordered(found: Iterable[ModelFile], opened: Sequence[Path]) -> list[ModelFile]:
    """Favourites first, then what was opened last, then by title.

    Args:
        found: with what a person says of them.
        opened: the files that a person opened, newest first.
    """
    place = {path: number for number, path in enumerate(opened)}
    ranked = [(_rank(model, place), model) for model in breathing(found)]
    ranked.sort(key=itemgetter(0))
    return [model for _, model in ranked]


def _model(group: Group, said: Said | None) -> ModelFile:
    first = group.parts[0]
    facts = said if isinstance(said, Facts) and group.trouble is None else None
    return ModelFile(
        path=first.path,
        size=sum(part.size for part in group.parts),
        place=first.place,
        files=tuple(part.path for part in group.parts),
        modified_ns=first.modified_ns,
        name=group.name,
        facts=facts,
        trouble=group.trouble or (said if isinstance(said, Trouble) else None),
        adapters=group.adapters,
        links=group.links,
    )


def _with_reason(model: ModelFile) -> ModelFile:
    kind: Kind = model.facts.kind if model.facts else "projector" if is_projector(model) else "model"
    if kind == "model" or model.trouble is not None:
        return model
    why, hint = _NO_MODELS[kind]
    return replace(model, trouble=Trouble(tr("{path} is no model to load", path=file_name(model.path)), why, hint))


def _mark(model: ModelFile) -> str:
    return model.facts.fingerprint if model.facts else ""


def _same(found: Sequence[ModelFile]) -> dict[str, list[Path]]:
    """The paths of the same model, where there are several."""
    paths: dict[str, list[Path]] = defaultdict(list)
    for model in found:
        if mark := _mark(model):
            paths[mark].append(model.path)
    return {mark: each for mark, each in paths.items() if len(each) > 1}


def _rank(model: ModelFile, opened: Mapping[Path, int]) -> tuple[bool, int, str, str]:
    newest = min((opened[path] for path in (model.path, *model.links) if path in opened), default=len(opened))
    return not model.about.favourite, newest, model.full_title.casefold(), str(model.path)
