"""Models from a hub that are on this disk already: in the Hugging Face cache, and in the program's own folder.

They are used where they lie. The cache's layout is walked here: `models--org--name/snapshots/<commit>/<file>`, and the
newest commit of a branch in `refs/<branch>`. Nothing asks the network, and every function touches the disk.
"""

from __future__ import annotations

from pathlib import Path

from nodetool_xl_desktop.library.places import Surroundings, hugging_face
from nodetool_xl_desktop.library.strangers import text_of

_PREFIX = "models--"


def cache_folder() -> Path:
    """Where the cache is, as the environment says at this moment."""
    return next(hugging_face(Surroundings.real()))


def cached(repo_id: str, cache: Path | None = None) -> tuple[Path, ...]:
    """The .gguf files of a repository's newest snapshot, sorted; empty where it holds none.

    Args:
        repo_id: `organisation/name`.
        cache: the cache's folder; unless given, `cache_folder()`.
    """
    return _newest_files((cache or cache_folder()) / f"{_PREFIX}{repo_id.replace('/', '--')}")


def all_cached(cache: Path | None = None) -> dict[str, tuple[Path, ...]]:
    """The same for every repository that has any, by its id."""
    found = {}
    for folder in _folders(cache or cache_folder()):
        # No id has two dashes in a row, so this cannot be misread.
        if folder.name.startswith(_PREFIX) and (files := _newest_files(folder)):
            found[repo_id_of(folder)] = files
    return dict(sorted(found.items()))


def downloaded(models: Path, repo_id: str) -> tuple[Path, ...]:
    """The .gguf files of a repository that `download` has brought whole, sorted.

    Args:
        models: the models folder.
        repo_id: `organisation/name`.
    """
    return _models_below(models.joinpath(*repo_id.split("/")))


def repo_id_of(repository: Path) -> str:
    """The id of a repository by its folder in the cache; empty for another folder."""
    return repository.name.removeprefix(_PREFIX).replace("--", "/") if repository.name.startswith(_PREFIX) else ""


def is_repository(folder: Path) -> bool:
    """Whether a folder of the cache is a repository of a model: there are data sets and spaces as well."""
    return folder.name.startswith(_PREFIX)


def unfinished(repository: Path) -> list[Path]:
    """Files of a repository that are still coming, or never came whole; their names say nothing of what they are."""
    try:
        return sorted(path for path in (repository / "blobs").iterdir() if path.suffix == ".incomplete")
    except OSError:
        return []


def snapshots(repository: Path) -> list[Path]:
    """The folders of a repository's commits: what `main` points to comes first, then what was made last."""
    folders = sorted(_folders(repository / "snapshots"), key=_changed, reverse=True)
    main = text_of(repository / "refs" / "main").strip()
    return sorted(folders, key=lambda folder: folder.name != main)


def _newest_files(repository: Path) -> tuple[Path, ...]:
    """Of what `main` points to, or else of the snapshot that was made last; one without models does not count."""
    return next((files for folder in snapshots(repository) if (files := _models_below(folder))), ())


def _models_below(folder: Path) -> tuple[Path, ...]:
    """A link to a blob that is gone is no file."""
    try:
        return tuple(sorted(path for path in folder.rglob("*") if path.suffix.lower() == ".gguf" and path.is_file()))
    except OSError:
        return ()


def _folders(parent: Path) -> list[Path]:
    try:
        return [path for path in parent.iterdir() if path.is_dir()]
    except OSError:  # not there, or closed to this user
        return []


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
