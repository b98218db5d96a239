"""Which of a repository's files to take: pure functions over names, sizes and what a load will need."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.fit.estimate import estimate
from nodetool_xl_desktop.fit.memory import HostMemory, MemoryUse, Needs
from nodetool_xl_desktop.fit.options import LoadOptions
from nodetool_xl_desktop.fit.verdict import Verdict, judge
from nodetool_xl_desktop.gguf import Header
from nodetool_xl_desktop.gguf.names import read_name
from nodetool_xl_desktop.hub.errors import BadName, NotFound
from nodetool_xl_desktop.hub.repository import HubFile

_MARK = re.compile(r"^(?:UD-|i1-)", re.IGNORECASE)
_IMATRIX = re.compile(r"(?:^|[-_. ])imatrix(?:$|[-_. ])", re.IGNORECASE)
_DIGITS = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Candidate:
    """One model that can be taken: a file, or all files of a split set in their order.

    Attributes:
        files: at least one.
        quantization: as the name says it, in upper case; empty where it says none.
    """

    files: tuple[HubFile, ...]
    quantization: str

    @property
    def size(self) -> int:
        """Of all files, in bytes."""
        return sum(file.size for file in self.files)

    @property
    def path(self) -> str:
        """The first file's, which names the candidate and is what the engine is given."""
        return self.files[0].path

    @property
    def bits(self) -> int | None:
        """Bits of a weight, roughly: 4 for Q4_K_M, 16 for BF16; None where the name says none."""
        digits = _DIGITS.search(self.quantization.replace("MXFP", ""))
        return int(digits[0]) if digits else None


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen, and how it fits.

    Attributes:
        need: what a load of it will take of the machine's memory, in bytes.
        verdict: Fits, Tight (it leaves less free than it should) or Won't fit (it is the smallest all the same).
    """

    candidate: Candidate
    need: int
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Reference:
    """A model as people write it: `org/repo`, `org/repo:Q4_K_M` or `org/repo/file.gguf`."""

    repo_id: str
    quantization: str = ""
    file: str = ""


def parse_reference(text: str) -> Reference:
    """Read a reference to a model on a hub.

    Raises:
        BadName: it is none of the three forms.
    """
    organisation, _, rest = text.strip().partition("/")
    name, _, file = rest.partition("/")
    name, colon, quantization = name.partition(":")
    wrong = (file and (colon or not file.lower().endswith(".gguf"))) or (colon and not quantization)
    if not organisation or not name or wrong:
        why = tr("a model on a hub is named as in org/repo, org/repo:Q4_K_M or org/repo/file.gguf")
        raise BadName(
            tr('"{text}" is no name of a model on a hub', text=text), why, tr("Copy the name from the model's page")
        )
    return Reference(f"{organisation}/{name}", quantization, file)


def candidates(files: Sequence[HubFile]) -> tuple[Candidate, ...]:
    """The models among a repository's files, the smallest first.

    Projectors, importance matrices and split sets of which a part is missing are left out.
    """
    sets: dict[tuple[str, int], dict[int, HubFile]] = {}
    for file in files:
        if not _is_model(file):
            continue
        name = read_name(file.name)
        # A set is what has one name but for the number of the part, in one folder.
        key = (
            re.sub(r"-\d{5}(-of-\d{5}\.gguf)$", r"\1", file.path, flags=re.IGNORECASE) if name.parts > 1 else file.path
        )
        sets.setdefault((key, name.parts), {})[name.part] = file
    found = [
        Candidate(tuple(parts[number] for number in sorted(parts)), _quantization(parts[min(parts)]))
        for (_, count), parts in sets.items()
        if count == 1 or sorted(parts) == list(range(1, count + 1))
    ]
    return tuple(sorted(found, key=lambda candidate: (candidate.size, candidate.path)))


def projectors(files: Sequence[HubFile]) -> tuple[HubFile, ...]:
    """The vision and audio projectors among a repository's files, the one to take first.

    That is one of 8 bits, then of 16 bits, as half a gigabyte is worth more elsewhere; of several of a kind the
    smallest.
    """
    found = [file for file in files if file.name.lower().endswith(".gguf") and "mmproj" in file.name.lower()]
    return tuple(sorted(found, key=lambda file: (_projector_rank(file), file.size, file.path)))


def _projector_rank(file: HubFile) -> int:
    kinds = ("Q8_0", "F16", "BF16", "FP16")
    kind = _quantization(file) or next(
        (kind for kind in kinds[1:] if re.search(rf"(?:^|[-_.]){kind}(?:[-_.]|$)", file.name, re.IGNORECASE)), ""
    )
    return kinds.index(kind) if kind in kinds else len(kinds)


def needs(header: Header, options: LoadOptions) -> Callable[[Candidate], int]:
    """What each build of one model will take, in bytes, from the header of any of them.

    Context and compute do not depend on the quantization; the weights take what the files are long.

    Raises:
        Malformed: the header says what no model says.
    """
    use = estimate(header, options).all

    def need(candidate: Candidate) -> int:
        return replace(use, model=candidate.size).total

    return need


def choose(found: Sequence[Candidate], need: Callable[[Candidate], int], free: int) -> Choice:
    """The best quantization that fits.

    That is the largest whose need leaves the margin free; where there is one of 8 bits, none above it (F16 costs twice
    as much for nothing that one could notice). Where none leaves the margin it is the smallest, and the verdict says
    whether that one fits.

    Args:
        found: what there is to choose from.
        need: what a candidate will take, in bytes; see `needs`.
        free: what there is, in bytes.

    Raises:
        NotFound: there is nothing to choose from.
    """
    if not found:
        raise _nothing()
    ranked = sorted(found, key=lambda candidate: (candidate.size, candidate.path))
    if any(candidate.bits == 8 for candidate in ranked):
        ranked = [candidate for candidate in ranked if candidate.bits is None or candidate.bits <= 8]
    choices = [_judged(candidate, need(candidate), free) for candidate in ranked]
    fitting = [choice for choice in choices if choice.verdict is Verdict.FITS]
    return fitting[-1] if fitting else choices[0]


def pick(found: Sequence[Candidate], *, quantization: str = "", file: str = "") -> Candidate:
    """The candidate that somebody asked for by its quantization or by the name of one of its files, in any case.

    Raises:
        NotFound: there is none; the error names what there is.
    """
    if not found:
        raise _nothing()
    if file:
        return _pick_file(found, file)
    wanted = _MARK.sub("", quantization).lower()
    matching = [candidate for candidate in found if candidate.quantization.lower() == wanted]
    # Of two builds of one quantization (Q4_K_XL and UD-Q4_K_XL) the one that is called as it was asked for.
    marked = [candidate for candidate in matching if _has_mark(candidate) == bool(_MARK.match(quantization))]
    if not matching:
        there = ", ".join(dict.fromkeys(candidate.quantization or candidate.path for candidate in found))
        raise NotFound(
            tr("There is no {quantization} of this model", quantization=quantization),
            tr("there are {there}", there=there),
            tr("Choose one of these"),
        )
    return (marked or matching)[0]


def _pick_file(found: Sequence[Candidate], file: str) -> Candidate:
    wanted = file.lower()
    for candidate in found:  # by its whole path first: two folders may hold a file of one name
        if any(each.path.lower() == wanted for each in candidate.files):
            return candidate
    for candidate in found:
        if any(each.name.lower() == wanted for each in candidate.files):
            return candidate
    there = ", ".join(candidate.path for candidate in found)
    raise NotFound(
        tr("There is no model {file} in this repository", file=file),
        tr("there are {there}", there=there),
        tr("Choose one of these"),
    )


def _nothing() -> NotFound:
    why = tr("there is no .gguf model in it, or not all parts of one")
    return NotFound(
        tr("This repository holds nothing to load"), why, tr('Look for a repository with "GGUF" in its name')
    )


def _judged(candidate: Candidate, need: int, free: int) -> Choice:
    return Choice(candidate, need, judge(Needs(MemoryUse(model=need)), HostMemory(total=free, free=free)))


def _is_model(file: HubFile) -> bool:
    name = file.name.lower()
    if not name.endswith(".gguf") or "mmproj" in name:
        return False
    # "Model-imatrix-Q4_K_M" is a model that was made with a matrix; "Model.imatrix" is the matrix.
    return not (_IMATRIX.search(name.removesuffix(".gguf")) and not read_name(name).quantization)


def _quantization(file: HubFile) -> str:
    """From the file's name, or where that says none from its folder's ("Q4_K_M/model-00001-of-00003.gguf")."""
    stem = re.sub(r"-\d{5}-of-\d{5}$", "", file.name[: -len(".gguf")])
    folder = file.path.rpartition("/")[0].rpartition("/")[2]
    # A dash before it, as a name may be a quantization and nothing else.
    return read_name(f"-{stem}").quantization or read_name(f"-{folder}").quantization


def _has_mark(candidate: Candidate) -> bool:
    return re.search(rf"(?:UD|i1)-{re.escape(candidate.quantization)}", candidate.path, re.IGNORECASE) is not None
