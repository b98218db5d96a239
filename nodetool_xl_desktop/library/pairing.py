"""Which projector belongs to which model: they lie in one folder, and their names agree, or nothing else can be meant.

A projector beside the wrong model makes its load fail, so a doubt is a no.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from nodetool_xl_desktop.gguf.names import read_name
from nodetool_xl_desktop.library.breath import breathing
from nodetool_xl_desktop.library.model_file import Capability, ModelFile

#: What names of projectors hold beside the name of their model.
_NOISE = frozenset({"mmproj", "model", "ggml", "gguf", "projector", "clip", "vision", "vit", "audio", "encoder"})
_PRECISION = re.compile(r"^(?:b?f16|fp16|f32|q\d\w*|\d)$")


def is_projector(model: ModelFile) -> bool:
    """Whether a file is one, by its header, or while that is not known by its name."""
    if model.facts is not None:
        return model.facts.kind == "projector"
    return "mmproj" in model.path.name.lower()


class Pairing:
    """The pairs among models and projectors.

    Args:
        found: all files.
        told: the projectors that other programs name for their models.

    Attributes:
        taken: projectors that belong to a model.
    """

    def __init__(self, found: Sequence[ModelFile], told: Mapping[Path, tuple[Path, ...]]) -> None:
        self._told = told
        self._by_path = {model.path: model for model in found}
        self._projectors: dict[Path, list[ModelFile]] = defaultdict(list)
        self._stems: dict[Path, set[str]] = defaultdict(set)
        for model in breathing(found):
            if is_projector(model):
                self._projectors[model.path.parent].append(model)
        near = set(self._projectors)
        for model in found:
            if near and _may_see(model):
                folder = model.path.parent
                for each in (folder, folder.parent):
                    if each in near:
                        self._stems[each].add(_stem(model))
        self._pairs = {model.path: self._for(model) for model in breathing(found) if _may_see(model)}
        self.taken = frozenset(path for paths in self._pairs.values() for path in paths)

    def of(self, model: ModelFile) -> tuple[tuple[Path, ...], frozenset[Capability]]:
        """The projectors of a model, the likeliest first, and what they add to it."""
        paths = self._pairs.get(model.path, ())
        senses: set[Capability] = set()
        for path in paths:
            projector = self._by_path.get(path)
            if projector is not None and projector.facts is not None:
                senses |= projector.facts.capabilities
        return paths, frozenset(senses)

    def _for(self, model: ModelFile) -> tuple[Path, ...]:
        if (told := self._told.get(model.path)) is not None:
            return told
        folder = model.path.parent
        # Large builds lie in folders of their own, the projector of all above them.
        candidates = [*self._projectors.get(folder, ()), *self._projectors.get(folder.parent, ())]
        ranked = sorted(
            (-rank, _size_rank(projector), projector.path.name, projector.path)
            for projector in candidates
            if (rank := self._rank(projector, model)) > 0
        )
        best = ranked[0][0] if ranked else 0
        return tuple(path for rank, _, _, path in ranked if rank == best)

    def _rank(self, projector: ModelFile, model: ModelFile) -> int:
        """How likely they belong together; 0 for no."""
        own, other = _words(projector), set(re.findall(r"[a-z]+|\d+", _stem(model)))
        if own and own <= other:
            return 2 + len(own)
        # Nothing else can be meant: all models of the folder are builds of one, and their widths do not differ.
        if len(self._stems[projector.path.parent]) == 1 and not (own and _differ(projector, model)):
            return 1
        return 0


def _may_see(model: ModelFile) -> bool:
    if is_projector(model) or (model.trouble is not None):
        return False
    return model.facts is None or (model.facts.kind == "model" and Capability.EMBEDDING not in model.facts.capabilities)


def _stem(model: ModelFile) -> str:
    return read_name(model.path.name).stem.lower()


def _words(projector: ModelFile) -> set[str]:
    """What the name of a projector says of its model; nothing for "mmproj-model-f16.gguf"."""
    parts = re.split(r"[^a-z0-9]+", _stem(projector))
    kept = [part for part in parts if part not in _NOISE and not _PRECISION.match(part)]
    digits = [part for part in parts if part.isdigit()] if kept else []
    return {word for part in (*kept, *digits) for word in re.findall(r"[a-z]+|\d+", part)}


def _differ(projector: ModelFile, model: ModelFile) -> bool:
    widths = [each.facts.width for each in (projector, model) if each.facts is not None and each.facts.width]
    return len(widths) == 2 and widths[0] != widths[1]


def _size_rank(projector: ModelFile) -> int:
    """Of several precisions F16 comes first: F32 costs twice as much for nothing that one could notice."""
    name = projector.path.name.lower()
    if re.search(r"(?<!b)f16", name):
        return 0
    return 1 if "bf16" in name else 2
