"""Which models of a list are shown, and in which order: pure functions, quick enough for every key that is pressed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum
from pathlib import Path

from nodetool_xl_desktop.core.translation import mark, tr
from nodetool_xl_desktop.fit.verdict import Verdict
from nodetool_xl_desktop.library.model_file import Capability, Place
from nodetool_xl_desktop.preview.badges import Badge
from nodetool_xl_desktop.ui.models.entries import Entry, folded

#: From the best to the worst.
VERDICTS = (Verdict.FITS, Verdict.TIGHT, Verdict.PARTLY, Verdict.WONT_FIT)
GB = 10**9


class Column(IntEnum):
    """The columns of the table, in their order; each can be sorted by. What is kept of them is kept by name."""

    NAME = 0
    FIT = 1
    PARAMETERS = 2
    QUANTIZATION = 3
    SIZE = 4
    CONTEXT = 5
    CAPABILITIES = 6
    LAST_USED = 7
    PLACE = 8
    ARCHITECTURE = 9
    LICENCE = 10
    TAGS = 11
    MODIFIED = 12
    FOLDER = 13


class Size(StrEnum):
    """How large a model is on the disk."""

    SMALL = mark("Up to 2 GB")
    MEDIUM = mark("2 to 8 GB")
    LARGE = mark("8 to 20 GB")
    HUGE = mark("Over 20 GB")


def size_of(size: int) -> Size:
    """The range that a number of bytes is in."""
    bounds = ((2 * GB, Size.SMALL), (8 * GB, Size.MEDIUM), (20 * GB, Size.LARGE))
    return next((name for bound, name in bounds if size <= bound), Size.HUGE)


@dataclass(frozen=True, slots=True)
class Filter:
    """What is shown. Of one kind any of the values will do, but a model has to have all of the capabilities.

    Attributes:
        words: each of them stands somewhere in what is known of the model.
    """

    words: str = ""
    favourites: bool = False
    troubled: bool = False
    duplicates: bool = False
    tags: frozenset[str] = frozenset()
    places: frozenset[Place] = frozenset()
    architectures: frozenset[str] = frozenset()
    capabilities: frozenset[Capability] = frozenset()
    verdicts: frozenset[Verdict] = frozenset()
    sizes: frozenset[Size] = frozenset()

    @property
    def is_set(self) -> bool:
        """Whether it leaves anything out."""
        return bool(self.words.strip()) or self.has_choices

    @property
    def has_choices(self) -> bool:
        """Whether it leaves anything out beside what is searched for."""
        return replace(self, words="") != Filter()

    @property
    def says(self) -> str:
        """What is chosen, in a few words; empty for nothing."""
        flags = {tr("Favourites"): self.favourites, tr("Problems"): self.troubled, tr("Duplicates"): self.duplicates}
        said = [name for name, is_on in flags.items() if is_on]
        said += sorted(tr(capability.value) for capability in self.capabilities)
        said += [tr(verdict.value) for verdict in VERDICTS if verdict in self.verdicts]
        said += [tr(size.value) for size in Size if size in self.sizes]
        said += sorted(self.tags) + sorted(tr(place.value) for place in self.places) + sorted(self.architectures)
        return ", ".join(said)

    def matches(self, badges: Mapping[Path, Badge]) -> Callable[[Entry], bool]:
        """Whether an entry is shown."""
        words, has_choices = folded(self.words).split(), self.has_choices

        def shown(entry: Entry) -> bool:
            text = entry.text
            return all(word in text for word in words) and (not has_choices or self._is_chosen(entry, badges))

        return shown

    def _is_chosen(self, entry: Entry, badges: Mapping[Path, Badge]) -> bool:
        file, badge = entry.file, badges.get(entry.path)
        return (
            (not self.favourites or file.about.favourite)
            and (not self.troubled or file.trouble is not None)
            and (not self.duplicates or bool(file.same_as))
            and (not self.tags or not self.tags.isdisjoint(file.about.tags))
            and (not self.places or file.place in self.places)
            and (not self.architectures or entry.architecture in self.architectures)
            and self.capabilities <= file.capabilities
            and (not self.verdicts or (badge is not None and badge.verdict in self.verdicts))
            and (not self.sizes or size_of(file.size) in self.sizes)
        )


@dataclass(frozen=True, slots=True)
class Order:
    """What a list is sorted by; `column` None for the library's own order."""

    column: Column | None = None
    descending: bool = False


def arranged(found: Iterable[Entry], order: Order, badges: Mapping[Path, Badge]) -> list[Entry]:
    """These, which come in the library's order, in that one.

    What has no value stands last in either direction, and what is equal stands as it came.
    """
    ranked = list(found)
    if order.column is None:
        return ranked
    of = _keys(badges)[order.column]
    with_keys = [(of(entry), entry) for entry in ranked]
    there = [pair for pair in with_keys if pair[0] not in (None, "")]
    there.sort(key=lambda pair: pair[0], reverse=order.descending)  # type: ignore[arg-type, return-value]
    return [entry for _, entry in there] + [entry for key, entry in with_keys if key in (None, "")]


def _keys(badges: Mapping[Path, Badge]) -> dict[Column, Callable[[Entry], object]]:
    def rank(entry: Entry) -> int | None:
        badge = badges.get(entry.path)
        return VERDICTS.index(badge.verdict) if badge is not None else None

    return {
        Column.NAME: lambda entry: entry.by_title,
        Column.PARAMETERS: lambda entry: (entry.file.facts.n_params or None) if entry.file.facts else None,
        Column.QUANTIZATION: lambda entry: entry.file.quantization.lower(),
        Column.SIZE: lambda entry: entry.file.size,
        Column.CONTEXT: lambda entry: entry.file.facts.context_length if entry.file.facts else None,
        Column.CAPABILITIES: lambda entry: ", ".join(sorted(tr(each.value) for each in entry.file.capabilities)),
        Column.FIT: rank,
        Column.LAST_USED: lambda entry: entry.file.about.last_used or None,
        Column.PLACE: lambda entry: tr(entry.file.place.value).lower(),
        Column.ARCHITECTURE: lambda entry: entry.architecture.lower(),
        Column.LICENCE: lambda entry: entry.file.facts.licence.lower() if entry.file.facts else None,
        Column.TAGS: lambda entry: ", ".join(entry.file.about.tags).lower(),
        Column.MODIFIED: lambda entry: entry.file.modified_ns or None,
        Column.FOLDER: lambda entry: folded(entry.folder),
    }
