"""What a person says of a model: title, tags, notes, favourite; and when it was last used.

Kept by path and fingerprint, as a file knows nothing of it: a model that was moved or renamed on the disk is found
again by its fingerprint, and another file under the name of an old one does not inherit what was said of that.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.json_file import JsonFile
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.core.text import one_line
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.library.following import followed
from nodetool_xl_desktop.library.model_file import About, ModelFile

FILE_NAME = "abouts.json"
#: Letters, or how many.
LONGEST_TITLE = 200
LONGEST_TAG = 40
MOST_TAGS = 32
LONGEST_NOTES = 20_000
#: What was said longest ago goes first: files come and go, and nobody tidies up behind them.
MOST_MODELS = 10_000
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Entry:
    """What is kept for one path.

    Attributes:
        about: what was said.
        fingerprint: of the file that it was said of; empty where that was not known.
        changed: when it was said, in seconds since 1970.
    """

    about: About
    fingerprint: str = ""
    changed: float = 0.0


_Entries = dict[str, _Entry]
_Keys = dict[str, list[str]]


class Abouts:
    """What was said of all models, in one small JSON file. Its methods touch the disk, and may block.

    Args:
        paths: the program's folders.
    """

    def __init__(self, paths: Paths) -> None:
        self._file = JsonFile(paths.data / FILE_NAME, tr("The record of your notes on models"))
        self._lock = threading.Lock()
        self._entries: _Entries = {}
        self._by_fingerprint: _Keys = {}
        self._lies_at: dict[str, str] = {}  # the fingerprint of what lies at a path, as it was listed last
        self._stamp: tuple[int, ...] | None = None

    def of(self, model: ModelFile | Path, fingerprint: str = "") -> About:
        """What was said of a model; nothing where the disk does not tell.

        Args:
            model: it, or its (first) file.
            fingerprint: of a file, where it is known (`Facts.fingerprint`); a ModelFile brings its own.
        """
        path, fingerprint = _named(model, fingerprint)
        with self._lock:
            self._refresh()
            return self._entry_of(self._entries, self._by_fingerprint, str(path), fingerprint).about

    def told(self, models: Iterable[ModelFile]) -> list[ModelFile]:
        """The same models, each with what was said of it: one look at the file for all."""
        models = list(models)
        with self._lock:
            self._refresh()
            self._lies_at = {str(path): mark for path, mark in (_named(model, "") for model in models) if mark}
            return [self._with_about(model) for model in models]

    def change(self, model: ModelFile | Path, fingerprint: str = "", **said: Any) -> About:
        """Say something of a model, and keep the rest; returns what is kept.

        Args:
            model: it, or its (first) file.
            fingerprint: as of `of`.
            **said: fields of `About`. Titles and tags become one line of bounded length, the same tag once.

        Raises:
            UserFacingError: it could not be saved.
        """
        path, fingerprint = _named(model, fingerprint)
        key = str(path)
        cleaned = {name: _CLEANED[name](value) for name, value in said.items()}

        def changed(held: _Entries | None) -> _Entries:
            entries = dict(held or {})
            entry = self._entry_of(entries, _keys_by_fingerprint(entries), key, fingerprint)
            about = replace(entry.about, **cleaned)
            here = entries.get(key)
            if here and fingerprint and here.fingerprint not in ("", fingerprint):
                # Said of the file that lay here before, which may lie elsewhere or come back: found by what it is.
                entries[f"{here.fingerprint}:{key}"] = here
            if about != entry.about or here is not entry:
                entries[key] = _Entry(about, fingerprint or entry.fingerprint, round(time.time(), 3))
            return _bounded(entries)

        with self._lock:
            self._stamp = None
            self._entries = self._file.change(_entries_in, changed, _to_json)
            self._by_fingerprint = _keys_by_fingerprint(self._entries)
            return self._entries[key].about

    def follow(self, source: Path, target: Path) -> None:
        """As of `following.Follower`."""
        with self._lock:
            self._stamp = None
            self._file.change(_entries_in, lambda held: followed(held or {}, source, target), _to_json)

    def _with_about(self, model: ModelFile) -> ModelFile:
        path, fingerprint = _named(model, "")
        about = self._entry_of(self._entries, self._by_fingerprint, str(path), fingerprint).about
        return model if about == model.about else replace(model, about=about)

    def _entry_of(self, entries: _Entries, by_fingerprint: _Keys, key: str, fingerprint: str) -> _Entry:
        """By the path, unless another file lies there now; or else what was last said of a file that is gone, and was
        the same. A copy beside the original is a model of its own.

        Args:
            entries: all.
            by_fingerprint: the paths of those with a fingerprint.
            key: the path.
            fingerprint: empty where it is not known (yet).
        """
        here = entries.get(key)
        if here and (not fingerprint or not here.fingerprint or here.fingerprint == fingerprint):
            return here
        same = by_fingerprint.get(fingerprint, ())
        gone = [entries[path] for path in same if path != key and self._is_gone(path, fingerprint)]
        return max(gone, key=lambda entry: entry.changed, default=_Entry(About()))

    def _is_gone(self, path: str, fingerprint: str) -> bool:
        """Whether the file that this was said of lies there no more: nothing does, or another one."""
        return self._lies_at.get(path, fingerprint) != fingerprint or not os.path.lexists(path)

    def _refresh(self) -> None:
        """Read the file anew where it is another one than it was; another window may have written it."""
        try:
            status = self._file.path.stat()
            stamp: tuple[int, ...] = (status.st_mtime_ns, status.st_size, status.st_ino)
        except (OSError, ValueError):
            stamp = (0,)
        if stamp == self._stamp:
            return
        try:
            self._entries = self._file.read(_entries_in) or {}
        except UserFacingError as error:  # what was known goes on to count
            _log.warning("%s", error)
            return
        self._by_fingerprint = _keys_by_fingerprint(self._entries)
        self._stamp = stamp


def _named(model: ModelFile | Path, fingerprint: str) -> tuple[Path, str]:
    if isinstance(model, ModelFile):
        return model.path.absolute(), fingerprint or (model.facts.fingerprint if model.facts else "")
    return model.absolute(), fingerprint


def _keys_by_fingerprint(entries: _Entries) -> _Keys:
    found: _Keys = {}
    for key, entry in entries.items():
        if entry.fingerprint:
            found.setdefault(entry.fingerprint, []).append(key)
    return found


def _bounded(entries: _Entries) -> _Entries:
    if len(entries) <= MOST_MODELS:
        return entries
    newest = sorted(entries.items(), key=lambda item: item[1].changed)[-MOST_MODELS:]
    return dict(newest)


def _title(said: Any) -> str:
    return one_line(said, LONGEST_TITLE) if isinstance(said, str) else ""


def _tags(said: Any) -> tuple[str, ...]:
    lines = (
        [one_line(tag, LONGEST_TAG) for tag in said if isinstance(tag, str)] if isinstance(said, list | tuple) else []
    )
    once = {tag.casefold(): tag for tag in reversed(lines) if tag}  # as it was written first
    return tuple(tag for tag in dict.fromkeys(lines) if once.get(tag.casefold()) == tag)[:MOST_TAGS]


def _notes(said: Any) -> str:
    if not isinstance(said, str):
        return ""
    lines = said[:LONGEST_NOTES].replace("\r\n", "\n").replace("\r", "\n")
    return "".join(letter for letter in lines if letter in "\n\t" or not _is_unwritable(letter))


def _is_unwritable(letter: str) -> bool:
    """Control codes, and halves of letters, which no file in UTF-8 holds."""
    return letter < " " or "\x7f" <= letter <= "\x9f" or "\ud800" <= letter <= "\udfff"


def _time(said: Any) -> float:
    is_time = isinstance(said, int | float) and not isinstance(said, bool) and 0 <= said < 1e11  # not NaN either
    return float(said) if is_time else 0.0


#: What is kept of each field, whatever came.
_CLEANED: dict[str, Callable[[Any], Any]] = {
    "title": _title,
    "tags": _tags,
    "notes": _notes,
    "favourite": lambda said: said is True,
    "last_used": _time,
}


def _entries_in(content: Any) -> _Entries:
    """What a hand has spoiled is left out, entry by entry."""
    models = content["models"]
    if not isinstance(models, dict):
        raise TypeError("it does not hold models")
    entries = {}
    for key, said in models.items():
        if isinstance(said, dict):
            about = About(**{name: _CLEANED[name](said.get(name)) for name in _FIELDS})
            fingerprint = said.get("fingerprint")
            entries[key] = _Entry(
                about, fingerprint if isinstance(fingerprint, str) else "", _time(said.get("changed"))
            )
    return entries


_FIELDS = [field.name for field in fields(About)]


def _to_json(entries: _Entries) -> object:
    """Only what was said: most of it is nothing."""
    nothing = asdict(About())
    models = {}
    for key, entry in entries.items():
        said = {name: value for name, value in asdict(entry.about).items() if value != nothing[name]}
        models[key] = {"fingerprint": entry.fingerprint, "changed": entry.changed, **said}
    return {"models": models}
