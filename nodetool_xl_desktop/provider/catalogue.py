"""From what a caller names as `model` to a file on this disk: a path, a model of My Models, or a repository on a hub.

A repository is looked for in the models folder and in the Hugging Face cache before any network is asked.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from nodetool_xl_desktop import hub
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.engine.errors import EngineError, Fault
from nodetool_xl_desktop.engine.hardware import host_memory
from nodetool_xl_desktop.gguf import GgufError, Header, read_model
from nodetool_xl_desktop.hub import Candidate, HubFile, NotFound, Reference
from nodetool_xl_desktop.library import hub_cache
from nodetool_xl_desktop.library.beside import projectors_beside
from nodetool_xl_desktop.library.model_file import Capability, ModelFile, Place
from nodetool_xl_desktop.library.models import ModelLibrary
from nodetool_xl_desktop.provider.values import LanguageModel

#: What a file's size and time of change say of whether it is still the one that was read.
_Stamp = tuple[int, int]
NO_MODEL = tr("The model was not found")
#: From one build's header to what each build of it will take, in bytes.
Need = Callable[[Header], Callable[[Candidate], int]]


@dataclass(frozen=True, slots=True)
class Located:
    """A model on this disk.

    Attributes:
        path: its file; of a split set the first.
        header: what that says.
    """

    path: Path
    header: Header


class Catalogue:
    """Finds models. What it has read of a file is kept until the file changes.

    Args:
        paths: the program's folders.
        endpoint: the hub's address, None for what the environment says.
        token: for private and gated repositories of that hub.
    """

    def __init__(self, paths: Paths, *, endpoint: str | None = None, token: str | None = None) -> None:
        self._library = ModelLibrary(paths)
        self._endpoint = endpoint
        self._token = token
        self._headers: dict[Path, tuple[_Stamp, Header]] = {}
        self._told: dict[Path, tuple[Path, ...]] = {}

    def models(self) -> list[LanguageModel]:
        """Every model on this disk: My Models, what was fetched, and the Hugging Face cache. Touches the disk.

        What is known to be no model to load (broken, still coming, a projector) is left out; no file is opened.
        """
        found = [file for file in self._library.known() if file.trouble is None]
        there = {path for file in found for path in (file.path, *file.links)}
        names: dict[Path, str] = {}
        for repo_id, files in hub_cache.all_cached().items():
            for candidate, path in _candidates(files, _snapshot(files)):
                names[path] = f"{repo_id}/{candidate.path}"
                if path not in there:  # the cache is switched off among the folders
                    found.append(ModelFile(path, candidate.files[0].size, Place.HUGGING_FACE))
        return [self._listed(file, names.get(file.path)) for file in found]

    def _listed(self, file: ModelFile, name: str | None) -> LanguageModel:
        # Not where the name means another: the same file was fetched, too, or the name has no organisation.
        is_found = name is not None and self.find(name) == file.path
        try:
            size = file.path.stat().st_size if len(file.files) > 1 else file.size
        except OSError:  # it vanished
            size = file.size
        sees = Capability.VISION in file.capabilities
        return LanguageModel(
            name if name and is_found else str(file.path), file.full_title, file.path, size, vision=sees
        )

    def find(self, model: str | Path) -> Path | None:
        """The file of a model that is on this disk, without asking a network; None where it is not. Touches the disk.

        A repository of which several quantizations are here is the largest of them.
        """
        found = self._find_all(model)
        return found[-1][1] if found else None

    def _find_all(self, model: str | Path) -> list[tuple[Candidate | None, Path]]:
        """What may be meant: of a repository without a quantization every one that is here, the smallest first."""
        if isinstance(model, Path) or _is_path(model):
            return [(None, Path(model).absolute())]
        if model.startswith("~/"):
            return [(None, Path.home() / model.removeprefix("~/"))]
        reference = _reference(model)
        if reference is not None:
            return self._on_disk(reference)
        named = [file.path for file in self._library.known() if model.lower() in _names(file)]
        return [(None, path) for path in named[:1]]

    def loaded_as(self, model: str | Path) -> Path | None:
        """The file that a model is known by once it is loaded: of a split set the first. Touches the disk."""
        path = self.find(model)
        try:
            return path and self.header(path).files[0]
        except EngineError:
            return path

    def header(self, path: Path) -> Header:
        """What a model file says, read once. Touches the disk.

        Raises:
            EngineError: it is no model that can be read.
        """
        try:
            status = path.stat()
            stamp = status.st_size, status.st_mtime_ns
        except (OSError, ValueError):
            stamp = 0, 0
        known = self._headers.get(path)
        if known is not None and known[0] == stamp:
            return known[1]
        try:
            header = read_model(path)
        except GgufError as error:
            raise EngineError.of_file(error.what, error) from error
        self._headers[path] = stamp, header
        return header

    def projectors(self, path: Path) -> tuple[Path, ...]:
        """What lies beside a model so that it sees, the likeliest first; never fails. Touches the disk.

        Args:
            path: its file, by an absolute path; of a split set the first.
        """
        if path.suffix.lower() == ".gguf":
            return projectors_beside(path, self.header)
        if path not in self._told:  # a blob of Ollama: its manifest says it, which takes a look at all folders
            known = next((file for file in self._library.known() if file.is_at(path)), None)
            self._told[path] = known.projectors if known else ()
        return self._told[path]

    async def locate(
        self,
        model: str | Path,
        need: Need,
        on_progress: Callable[[int, int], None],
    ) -> Located:
        """Find a model, fetching it where it is on no disk here.

        Args:
            model: a path, the name of a file of My Models, `org/repo`, `org/repo:QUANT` or `org/repo/file.gguf`.
            need: from one build's header to what each build will take, in bytes; it decides where no quantization is
                named.
            on_progress: gets the bytes that are there and the bytes of the whole while it is fetched.

        Raises:
            EngineError: it is nowhere, it is no model, or it could not be fetched.
        """
        found = await asyncio.to_thread(self._find_all, model)
        path = found[-1][1] if found else None
        if path is None:
            reference = _reference(str(model))
            if reference is None:
                raise _no_model(str(model))
            path = await self._fetch(reference, need, on_progress)
        elif len(found) > 1:
            header = await asyncio.to_thread(self.header, path)
            candidates = {candidate: file for candidate, file in found if candidate is not None}
            path = candidates[hub.choose(tuple(candidates), need(header), await _free()).candidate]
        header = await asyncio.to_thread(self.header, path)
        return Located(header.files[0], header)

    async def _fetch(
        self,
        reference: Reference,
        need: Need,
        on_progress: Callable[[int, int], None],
    ) -> Path:
        try:
            repository = await hub.look_up(reference.repo_id, endpoint=self._endpoint, token=self._token)
            found = hub.candidates(repository.files)
            if len(found) == 1 and not (reference.quantization or reference.file):
                (candidate,) = found
            elif reference.quantization or reference.file or not found:
                candidate = hub.pick(found, quantization=reference.quantization, file=reference.file)
            else:
                header = await hub.read_remote_header(repository, found[0].files[0], token=self._token)
                candidate = hub.choose(found, need(header), await _free()).candidate
            own = await asyncio.to_thread(self._library.folders.own_for_writing)
            files = await hub.fetch_all(
                repository, candidate.files, into=own, on_progress=on_progress, token=self._token
            )
        except GgufError as error:
            raise EngineError.of_file(error.what, error) from error
        except UserFacingError as error:
            fault = Fault.NO_MODEL if isinstance(error, NotFound) else Fault.DOWNLOAD
            raise EngineError(fault, error.what, error.why, error.hint) from error
        return files[0]

    def _on_disk(self, reference: Reference) -> list[tuple[Candidate | None, Path]]:
        repo_id = reference.repo_id
        own = self._library.folders.own
        folder = own.joinpath(*repo_id.split("/"))
        cached = hub_cache.cached(repo_id)
        for files, root in ((hub_cache.downloaded(own, repo_id), folder), (cached, _snapshot(cached))):
            found = dict(_candidates(files, root))
            if not found:
                continue
            if not (reference.quantization or reference.file):
                return list(found.items())
            try:
                candidate = hub.pick(tuple(found), quantization=reference.quantization, file=reference.file)
            except NotFound:
                continue  # perhaps the hub has it
            return [(candidate, found[candidate])]
        return []


async def _free() -> int:
    """The memory that a model may take now, in bytes."""
    return (await asyncio.to_thread(host_memory)).free


def _names(file: ModelFile) -> set[str]:
    """What a model of My Models may be called."""
    return {name.lower() for name in (file.path.name, file.path.stem, file.title, file.full_title)}


def _is_path(model: str) -> bool:
    """Whether there is such a file, or whether nothing but a file can be meant."""
    path = Path(model)
    try:
        return path.is_absolute() or path.is_file()
    except OSError:  # too long a name, a folder that is closed
        return False


def _reference(model: str) -> Reference | None:
    """A model on a hub; None where the text can only be meant as a file."""
    if "/" not in model or model.startswith(("/", "./", "../", "~")) or "\\" in model:
        return None
    try:
        return hub.parse_reference(model)
    except UserFacingError:
        return None


def _snapshot(files: Sequence[Path]) -> Path:
    """The folder of the Hugging Face cache that these files are in, some perhaps deeper."""
    return next((folder for file in files for folder in file.parents if folder.parent.name == "snapshots"), Path())


def _candidates(paths: Sequence[Path], folder: Path) -> list[tuple[Candidate, Path]]:
    """The models among files on this disk, as a hub would list them, each with its first file."""
    names = {path.relative_to(folder).as_posix(): path for path in paths}
    files = []
    for name, path in names.items():
        with contextlib.suppress(OSError):  # removed just now
            files.append(HubFile(name, path.stat().st_size))
    return [(candidate, names[candidate.path]) for candidate in hub.candidates(files)]


def _no_model(model: str) -> EngineError:
    return EngineError(
        Fault.NO_MODEL,
        NO_MODEL,
        tr("{model!r} is neither a file, nor in My Models, nor the name of a repository (org/repo)", model=model),
        tr("Give the path of a .gguf file, or a name such as org/repo:Q4_K_M."),
    )
