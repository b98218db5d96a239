"""The columns of the table: what they are called, and what they say of a model."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from functools import lru_cache

from PySide6.QtCore import Qt

from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.text import one_line
from nodetool_xl_desktop.core.translation import mark, number, tr
from nodetool_xl_desktop.fit.verdict import Verdict
from nodetool_xl_desktop.library.model_file import Capability, Facts, ModelFile
from nodetool_xl_desktop.ui.models.entries import Entry
from nodetool_xl_desktop.ui.models.filters import Column

TITLES = {
    Column.NAME: tr("Name"),
    Column.PARAMETERS: tr("Parameters"),
    Column.QUANTIZATION: tr("Quantization"),
    Column.SIZE: tr("Size"),
    Column.CONTEXT: tr("Context"),
    Column.CAPABILITIES: tr("Capabilities"),
    Column.FIT: tr("Fit"),
    Column.LAST_USED: tr("Last Used"),
    Column.PLACE: tr("Place"),
    Column.ARCHITECTURE: tr("Architecture"),
    Column.LICENCE: tr("Licence"),
    Column.TAGS: tr("Tags"),
    Column.MODIFIED: tr("Modified"),
    Column.FOLDER: tr("Folder"),
}
#: Columns of numbers, which stand at the right of their place.
NUMBERS = frozenset({Column.PARAMETERS, Column.SIZE, Column.CONTEXT})
#: What the rooms below say of a file, and the same beside its name.
_BESIDE = {
    mark("{path} is not complete"): mark("Not complete"),
    mark("{path} cannot be read"): mark("Cannot be read"),
    mark("{path} cannot be read by this program"): mark("Cannot be read by this program"),
    mark("{path} is damaged"): mark("Damaged"),
    mark("{path} is not a GGUF model"): mark("Not a GGUF model"),
    mark("{path} is no model to load"): mark("No model to load"),
    mark("{path} is one of {count:,} parts, and not all of them are here"): mark(
        "One of {count} parts, and not all of them are here"
    ),
    mark("{path} is part {number:,} of {count:,}, and the others cannot be found"): mark(
        "Part {number} of {count}, and the others cannot be found"
    ),
}
#: The colour of each badge: what fits is nothing to look at.
BADGES = {Verdict.FITS: "muted", Verdict.PARTLY: "warning", Verdict.TIGHT: "warning", Verdict.WONT_FIT: "bad"}


def facts_of(file: ModelFile) -> str:
    """What stands under a model's name: "7.2B · Q4_K_M · 4.9 GB"."""
    parts = (file.facts.size_label if file.facts else "", one_line(file.quantization), units.file_size(file.size))
    return " · ".join(part for part in parts if part)


def trouble_of(file: ModelFile) -> str:
    """What is wrong with a model beside its name, which is not said again: "Not complete"; empty for nothing."""
    if file.trouble is None:
        return ""
    what = one_line(file.trouble.what)
    for path in (*file.files, file.path, file.path.with_suffix("")):  # the last: without ".part"
        for whole, beside in _BESIDE.items():
            if found := re.fullmatch(_pattern(tr(whole), one_line(path.name)), what):
                return tr(beside, **found.groupdict())
    return what


@lru_cache(maxsize=1_000)
def _pattern(text: str, name: str) -> str:
    """Of what `text` says of a file of this name."""
    return re.sub(
        r"\\{(\w+).*?\\}",
        lambda found: re.escape(name) if found[1] == "path" else f"(?P<{found[1]}>.+)",
        re.escape(text),
    )


def day(time_s: float, today: date | None = None) -> str:
    """A moment as people say it in a list: the time for today, else the day; empty for none."""
    if time_s <= 0:
        return ""
    try:
        moment = datetime.fromtimestamp(time_s)
    except (OverflowError, OSError, ValueError):  # a file system may claim any time
        return ""
    today = today or date.today()
    if moment.date() == today:
        return f"{moment:%H:%M}"
    return f"{moment:%Y-%m-%d}"


def edge(column: Column) -> Qt.AlignmentFlag:
    """At which side of its column a text stands."""
    side = Qt.AlignmentFlag.AlignRight if column in NUMBERS else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter


def capabilities_of(file: ModelFile) -> str:
    """What a model can do, in the order of their marks."""
    return ", ".join(tr(capability.value) for capability in Capability if capability in file.capabilities)


def context_of(facts: Facts) -> str:
    """The context that a model was made for."""
    return number(f"{facts.context_length:,}") if facts.context_length else ""


def _fact(say: Callable[[Facts], str]) -> Callable[[Entry], str]:
    """Of the header; nothing while that was not read."""
    return lambda entry: one_line(say(entry.file.facts)) if entry.file.facts is not None else ""


#: All but the fit, which is the machine's matter.
TEXTS: dict[Column, Callable[[Entry], str]] = {
    Column.NAME: lambda entry: entry.title,
    Column.PARAMETERS: _fact(lambda facts: facts.size_label),
    Column.QUANTIZATION: lambda entry: one_line(entry.file.quantization),
    Column.SIZE: lambda entry: units.file_size(entry.file.size),
    Column.CONTEXT: _fact(context_of),
    Column.CAPABILITIES: lambda entry: capabilities_of(entry.file),
    Column.LAST_USED: lambda entry: day(entry.file.about.last_used),
    Column.PLACE: lambda entry: tr(entry.file.place.value),
    Column.ARCHITECTURE: _fact(lambda facts: facts.architecture),
    Column.LICENCE: _fact(lambda facts: facts.licence),
    Column.TAGS: lambda entry: one_line(", ".join(entry.file.about.tags)),
    Column.MODIFIED: lambda entry: day(entry.file.modified_ns / 1e9),
    Column.FOLDER: lambda entry: entry.folder,
}
