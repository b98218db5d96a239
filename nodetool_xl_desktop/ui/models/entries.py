"""What a list of models shows of each one, worked out once: the text that is searched, and what is sorted by.

A search over 2,000 models has to be done before the next frame, so nothing is folded, split or read from a name while a
person types.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from nodetool_xl_desktop.core.text import one_line, visible
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.library.model_file import ModelFile

_DIGITS = re.compile(r"(\d+)")
#: Of a long note, so much is searched, in letters.
_NOTE_LETTERS = 2000


def folded(text: str) -> str:
    """A text without case and accents: "Façade" and "FACADE" are the same to a search."""
    if text.isascii():
        return text.lower()
    parts = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in parts if not unicodedata.combining(letter)).casefold()


def path_text(path: Path) -> str:
    """A path as people read it; what is no text in it is a question mark in a diamond."""
    return visible(os.fsencode(path).decode("utf-8", "replace"))


def natural(text: str) -> tuple[tuple[int, int | str], ...]:
    """What a text is sorted by, with numbers by their size: "Qwen 4B" before "Qwen 14B"."""
    parts = _DIGITS.split(folded(text))
    # Beyond 18 digits no size is meant, and Python reads no number of more than 4,300.
    return tuple((0, int(part)) if part.isdecimal() and len(part) < 19 else (1, part) for part in parts if part)


@dataclass(frozen=True, slots=True)
class Entry:
    """One model of a list.

    Attributes:
        file: the model.
        number: its place in the library's own order, from 0.
        title: on one line.
        folder: where it lies, as people read it.
        text: what a search looks through, folded.
        by_title: what its title is sorted by.
    """

    file: ModelFile
    number: int
    title: str
    folder: str
    text: str
    by_title: tuple[tuple[int, int | str], ...]

    @property
    def path(self) -> Path:
        """Of its (first) file, which is what tells it from others."""
        return self.file.path

    @property
    def architecture(self) -> str:
        """Such as "llama"; empty while that is not known."""
        return self.file.facts.architecture if self.file.facts else ""


def entries(files: Iterable[ModelFile], before: Mapping[Path, Entry]) -> list[Entry]:
    """An entry for each model; one that has not changed is taken over from `before`. Any thread may ask.

    Args:
        files: the models, in the library's order.
        before: the entries that there were, by path.
    """
    made = []
    for number, file in enumerate(files):
        known = before.get(file.path)
        if known is None or (known.file is not file and known.file != file):
            known = _entry(file, number)
        elif known.number != number:
            known = Entry(known.file, number, known.title, known.folder, known.text, known.by_title)
        made.append(known)
    return made


def _entry(file: ModelFile, number: int) -> Entry:
    title, folder, facts, about = one_line(file.title), path_text(file.path.parent), file.facts, file.about
    said = [
        title,
        path_text(file.path),
        file.quantization,
        tr(file.place.value),
        *about.tags,
        about.notes[:_NOTE_LETTERS],
    ]
    if facts is not None:
        said += [facts.architecture, facts.licence, facts.name, facts.size_label]
        said += [tr(capability.value) for capability in facts.capabilities]
    return Entry(file, number, title, folder, folded("\n".join(said)), natural(title))
