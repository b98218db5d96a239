"""Ollama's store: `manifests/<host>/<namespace>/<model>/<tag>` says which `blobs/sha256-<hash>` make a model."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nodetool_xl_desktop.core.text import one_line
from nodetool_xl_desktop.library.strangers import LONGEST_NAME, PlacedModel, is_file, json_of

#: Nobody has more; a folder with more is something else.
MOST_MANIFESTS = 10_000
_DEPTH = 4
_HOST = "registry.ollama.ai"
_NAMESPACE = "library"
_MEDIA = "application/vnd.ollama.image."
_DIGEST = re.compile(r"sha256[:-]([0-9a-f]{64})", re.A)


def is_store(folder: Path) -> bool:
    """Whether a folder is such a store."""
    return os.path.isdir(folder / "manifests")  # noqa: PTH112 - never raises


def models(folder: Path) -> Iterator[PlacedModel]:
    """The models of a store whose files are there, each once: under a name of the model itself, not of one with an
    adapter over it, and under the name that says the most.
    """
    seen: set[Path] = set()
    found = [(name, model) for name, manifest in _manifests(folder) if (model := _model(folder, name, manifest))]
    for _, model in sorted(found, key=lambda one: (bool(one[1].adapters), one[0].endswith(":latest"), one[0])):
        if model.path not in seen:
            seen.add(model.path)
            yield model


def sha256_of(path: Path) -> str:
    """The hash that a blob is named after; empty for any other file."""
    digest = _DIGEST.fullmatch(path.name)
    return digest[1] if digest and path.parent.name == "blobs" else ""


def _model(folder: Path, name: str, manifest: dict[str, Any]) -> PlacedModel | None:
    """None where it has no file in GGUF: models of tensors in pieces, models that run in the cloud, broken ones."""
    layers = manifest.get("layers")
    blobs: dict[str, list[Path]] = {"model": [], "projector": [], "adapter": []}
    for layer in layers if isinstance(layers, list) else ():
        kind = str(layer.get("mediaType")).removeprefix(_MEDIA) if isinstance(layer, dict) else ""
        if kind in blobs and (blob := _blob(folder, layer.get("digest"))):
            blobs[kind].append(blob)
    if not blobs["model"]:
        return None
    return PlacedModel(blobs["model"][0], name, tuple(blobs["projector"]), tuple(blobs["adapter"]))


def _blob(folder: Path, digest: object) -> Path | None:
    """The file of a digest. Only 64 hexadecimal digits are one, so that none leads out of the folder."""
    said = _DIGEST.fullmatch(digest) if isinstance(digest, str) else None
    if said is None:
        return None
    names = (f"sha256-{said[1]}", f"sha256:{said[1]}")  # the second before version 0.1.30
    return next((path for name in names if is_file(path := folder / "blobs" / name)), None)


def _manifests(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, parts in enumerate(_files(folder / "manifests", ())):
        if number >= MOST_MANIFESTS:
            return
        yield _name(*parts), json_of((folder / "manifests").joinpath(*parts))


def _files(folder: Path, above: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The parts of the paths that are just deep enough. Links to folders are not followed, so that none goes round."""
    try:
        with os.scandir(folder) as listing:
            inside = sorted(listing, key=lambda entry: entry.name)
    except OSError:
        return
    for entry in inside:
        parts = (*above, entry.name)
        if entry.name.startswith("."):
            continue
        if len(parts) == _DEPTH:
            yield parts
        elif entry.is_dir(follow_symlinks=False):
            yield from _files(folder / entry.name, parts)


def _name(host: str, namespace: str, model: str, tag: str) -> str:
    """As Ollama's own list has it."""
    before = f"{host}/{namespace}/" if host.lower() != _HOST else "" if namespace == _NAMESPACE else f"{namespace}/"
    return one_line(f"{before}{model}:{tag}", LONGEST_NAME)
