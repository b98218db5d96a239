"""The report behind the fit panel, behind `fit MODEL`, and behind `fit MODEL --json`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.fit.estimate import caveats, estimate
from nodetool_xl_desktop.fit.memory import HostMemory, MemoryUse
from nodetool_xl_desktop.fit.options import LoadOptions, LoadSettings, largest_context_length
from nodetool_xl_desktop.fit.verdict import Verdict, advise, judge, largest_context
from nodetool_xl_desktop.gguf import Header, read_model
from nodetool_xl_desktop.library.models import title


@dataclass(frozen=True, slots=True)
class FitReport:
    """What one load would take of this machine, and what to think of it. Sizes are bytes."""

    header: Header
    options: LoadOptions
    host: HostMemory
    need: MemoryUse
    verdict: Verdict
    advice: str
    largest_context: int
    warnings: tuple[str, ...]

    def to_json(self, seconds: float) -> dict[str, Any]:
        """The documented object of `fit --json`.

        Args:
            seconds: how long the caller took to make this report, the reading of the header included.
        """
        return {
            "model": {
                "path": str(self.header.path),
                "name": title(self.header.path),
                "architecture": self.header.architecture,
                "quantization": self.header.quantization,
                "parameters": self.header.n_params,
                "file_bytes": self.header.total_size,
                "context_length_max": self.header.context_length_max,
            },
            "options": self.options.to_json(),
            "devices": [],
            "host": {
                "name": "Memory",
                "kind": "cpu",
                "total": self.host.total,
                "free": self.host.free,
                "model": self.need.model,
                "context": self.need.context,
                "compute": self.need.compute,
                "projector": self.need.projector,
                "self": self.need.total,
            },
            "total_bytes": self.need.total,
            "verdict": self.verdict.value,
            "advice": self.advice,
            "warnings": list(self.warnings),
            "source": "estimate",
            "seconds": seconds,
        }


@dataclass(frozen=True, slots=True)
class Preview:
    """A model that could be loaded: its header, read once. `report` is cheap enough for every step of a slider."""

    header: Header

    @classmethod
    def inspect(cls, path: Path) -> Preview:
        """Read the header of a model file, or of a whole split set by any of its parts.

        Raises:
            GgufError: the file is no model, is cut short, or cannot be read; or its header says what cannot be, so
                that no `report` could be made of it.
        """
        header = read_model(path)
        estimate(header, LoadOptions())
        return cls(header)

    @property
    def title(self) -> str:
        """The model's name as people say it."""
        return title(self.header.path)

    @property
    def largest_context(self) -> int:
        """Where the context control ends, in tokens."""
        return largest_context_length(self.header.context_length_max)

    def options(self, settings: LoadSettings, physical_cores: int | None) -> LoadOptions:
        """How this model is loaded, as these settings say.

        No layers go onto a graphics card: the report counts the machine's own memory only, and what is previewed is
        what is loaded.
        """
        return replace(settings.options(self.header.context_length_max, physical_cores), gpu_layers=0)

    def report(self, options: LoadOptions, host: HostMemory) -> FitReport:
        """What a load with these options takes of this memory."""
        need = estimate(self.header, options)
        return FitReport(
            header=self.header,
            options=options,
            host=host,
            need=need,
            verdict=judge(need, host),
            advice=advise(self.header, options, host),
            largest_context=largest_context(self.header, options, host),
            warnings=tuple(self.warnings(options)),
        )

    def warnings(self, options: LoadOptions) -> list[str]:
        """What a person should know before loading, beyond whether it fits."""
        warnings = caveats(self.header)
        largest = self.header.context_length_max
        if largest and options.context_length > largest:
            warnings.append(
                f"The model was made for {units.tokens(largest)}; beyond that its answers may turn to nonsense."
            )
        if not self.header.is_model:
            warnings.append(
                f"This file is no model that can chat, but a part of one or a companion ({self.header.kind})."
            )
        elif self.header.chat_template is None:
            warnings.append("The model has no chat template: the engine will use ChatML, which it may not know.")
        return warnings
