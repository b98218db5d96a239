"""One model on the desk: how a person wants it, what the machine has for it, and what the engine has said of it.

A plain value holder behind the fit panel; every change makes a new report at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import NamedTuple

from nodetool_xl_desktop.core.translation import mark, tr
from nodetool_xl_desktop.fit.memory import Device, HostMemory, Machine
from nodetool_xl_desktop.fit.options import LoadOptions
from nodetool_xl_desktop.gguf import Header
from nodetool_xl_desktop.library import loads
from nodetool_xl_desktop.preview.choice import Choice
from nodetool_xl_desktop.preview.confirm import Word
from nodetool_xl_desktop.preview.device_names import in_words
from nodetool_xl_desktop.preview.report import FitReport


class Source(StrEnum):
    """Whose the figures are, as it is told."""

    ESTIMATE = mark("estimate")
    CONFIRMED = mark("confirmed by the engine")
    CORRECTED = mark("corrected by the engine")
    LOADED = mark("loaded")


class Question(NamedTuple):
    """What the engine could be asked: a model, how it would be loaded, and the projector that goes with it."""

    header: Header
    options: LoadOptions
    projector: Header | None


class Desk:
    """What the panel shows; `report` is None without a model.

    Args:
        machine: what there is; what is loaded counts as free.
    """

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._choice: Choice | None = None
        self._loaded: LoadOptions | None = None
        self._word: Word | None = None
        self._took: dict[str, int] = {}
        self.report: FitReport | None = None

    # What is on it

    @property
    def machine(self) -> Machine:
        """What there is."""
        return self._machine

    @property
    def choice(self) -> Choice | None:
        """The model and how it shall be loaded."""
        return self._choice

    def clear(self) -> None:
        """Nothing."""
        self._choice = self._loaded = self._word = self.report = None
        self._took = {}

    def put(self, choice: Choice, took: Mapping[str, int], loaded: LoadOptions | None) -> None:
        """Another model.

        Args:
            choice: of it.
            took: what loads of it took before, in bytes, by `library.loads.key` of their options.
            loaded: how it is loaded; None where it is not.
        """
        self._word = None
        self._took = dict(took)
        self._loaded = loaded
        self._choice = choice
        self._make_report()

    def choose(self, choice: Choice) -> None:
        """The person has changed something."""
        self._choice = choice
        self._make_report()

    def apply(self, number: int) -> None:
        """The person takes one of the report's remedies."""
        if self._choice is not None and self.report is not None and number < len(self.report.remedies):
            self.choose(self._choice.apply(self.report.remedies[number].options, self._machine, self._loaded))

    def see(
        self, *, host: HostMemory | None = None, devices: Sequence[Device] | None = None, loaded: LoadOptions | None
    ) -> None:
        """The machine was looked at again.

        Args:
            host: its memory; None where that was not looked at.
            devices: likewise.
            loaded: how the model on the desk is loaded; None where it is not.
        """
        self._loaded = loaded
        self._machine = replace(
            self._machine,
            host=host or self._machine.host,
            devices=self._machine.devices if devices is None else tuple(devices),
        )
        self._make_report()

    def keep_free(self, margin: int) -> None:
        """So many bytes of each memory are to stay free."""
        self._machine = replace(self._machine, margin=margin)
        self._make_report()

    def hear(self, word: Word) -> None:
        """The engine has said something of a load; kept for as long as that is what is shown."""
        self._word = word
        self._make_report()

    def keep_taken(self, options: LoadOptions, size: int) -> None:
        """A load of the model with these options took so many bytes."""
        self._took[loads.key(options)] = size

    # What follows

    @property
    def is_as_loaded(self) -> bool:
        """Whether the model is loaded just as it is shown."""
        return self.report is not None and self._loaded == self.report.options

    @property
    def source(self) -> Source:
        """Whose the figures are."""
        if self.is_as_loaded:
            return Source.LOADED
        word = self._said()
        if word is None or word.plan is None:
            return Source.ESTIMATE
        return Source.CONFIRMED if word.confirms(self._machine.devices) else Source.CORRECTED

    @property
    def taken(self) -> int | None:
        """What such a load took, in bytes; None where there was none yet."""
        return self._took.get(loads.key(self.report.options)) if self.report is not None else None

    @property
    def question(self) -> Question | None:
        """What the engine could be asked; None where it has said it, or where the model is loaded so."""
        if self.report is None or self.is_as_loaded or self._said() is not None:
            return None
        return Question(self.report.header, self.report.options, self.report.projector)

    @property
    def advice(self) -> str:
        """The report's, with people's names for devices."""
        return self._in_words(self.report.advice) if self.report is not None else ""

    @property
    def remedies(self) -> list[str]:
        """What each of the report's would do."""
        return [self._in_words(remedy.says) for remedy in self.report.remedies] if self.report is not None else []

    @property
    def notes(self) -> list[str]:
        """What a person should know besides."""
        if self.report is None or self._choice is None:
            return []
        notes = [self._choice.note] if self._choice.note else []
        notes += map(self._in_words, self.report.warnings)
        word = self._said()
        if word is not None and word.why_not:
            notes.append(tr("The engine cannot plan this load: {why_not}.", why_not=word.why_not))
        return notes

    def _said(self) -> Word | None:
        """The engine's word on just this load."""
        word, report = self._word, self.report
        return word if word is not None and report is not None and word.is_on(report.header, report.options) else None

    def _make_report(self) -> None:
        if self._choice is None:
            return
        machine, preview = self._machine, self._choice.preview
        options = self._choice.options(machine, self._loaded)
        word = self._word if self._word is not None and self._word.is_on(preview.header, options) else None
        planned = word.needs(machine.devices) if word is not None else None
        self.report = preview.report(options, machine.host, machine.devices, margin=machine.margin, planned=planned)

    def _in_words(self, text: str) -> str:
        return in_words(text, self.report.need.only_devices) if self.report is not None else text
