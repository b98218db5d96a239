"""The report behind the fit panel, behind `fit MODEL`, and behind `fit MODEL --json`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.translation import tr, trn
from nodetool_xl_desktop.fit.advice import advise
from nodetool_xl_desktop.fit.estimate import caveats, estimate
from nodetool_xl_desktop.fit.memory import MARGIN, Device, HostMemory, Machine, MemoryUse, Needs
from nodetool_xl_desktop.fit.options import LoadOptions, largest_context_length
from nodetool_xl_desktop.fit.projector import pick, sees
from nodetool_xl_desktop.fit.solver import Build, Remedy, can_be_kept_as, largest_context, needs, remedies
from nodetool_xl_desktop.fit.verdict import Verdict, judge
from nodetool_xl_desktop.gguf import GgufError, Header, read_model
from nodetool_xl_desktop.library.model_file import title


def _none(_model: Path) -> Sequence[Path]:
    return ()


@dataclass(frozen=True, slots=True)
class FitReport:
    """What one load would take of a machine, and what to think of it. Sizes are bytes.

    Attributes:
        remedies: single changes for the better, the one that `advice` names first.
        largest_context: with which the load fits, in tokens; 0 where it fits with none.
        source: "estimate", or "engine" where the engine itself has planned the load.
        projector: what the options load beside the model, None for nothing.
    """

    header: Header
    options: LoadOptions
    host: HostMemory
    need: Needs
    verdict: Verdict
    advice: str
    largest_context: int
    warnings: tuple[str, ...]
    remedies: tuple[Remedy, ...] = ()
    source: str = "estimate"
    projector: Header | None = None

    def to_json(self, seconds: float, address: str | None = None) -> dict[str, Any]:
        """The documented object of `fit --json`.

        Args:
            seconds: how long the caller took to make this report, the reading of the header included.
            address: where a model lies that is not here, in place of its path.
        """
        return {
            "model": {
                "path": str(self.header.path) if address is None else address,
                "name": title(self.header.path),
                "architecture": self.header.architecture,
                "quantization": self.header.quantization,
                "parameters": self.header.n_params,
                "file_bytes": self.header.total_size,
                "context_length_max": self.header.context_length_max,
            },
            "options": self.options.to_json(),
            "devices": [
                _told(device.name, device.kind, device.total, device.free, use) for device, use in self.need.devices
            ],
            "host": _told("Memory", "cpu", self.host.total, self.host.free, self.need.host),
            "total_bytes": self.need.total,
            "verdict": self.verdict.value,
            "advice": self.advice,
            "warnings": list(self.warnings),
            "source": self.source,
            "seconds": seconds,
        }


@dataclass(frozen=True, slots=True)
class Preview:
    """A model that could be loaded: its header, read once. `report` is cheap enough for every step of a slider.

    Attributes:
        header: the model's.
        projectors: the headers of those that lie beside it and let it see, the likeliest first.
        unread: why others of them cannot be used, in words.
    """

    header: Header
    projectors: tuple[Header, ...] = ()
    unread: tuple[str, ...] = ()

    @classmethod
    def inspect(
        cls, path: Path, read: Callable[[Path], Header] = read_model, beside: Callable[[Path], Sequence[Path]] = _none
    ) -> Preview:
        """Read the header of a model file, or of a whole split set by any of its parts.

        Args:
            path: of the file.
            read: reads headers; `gguf.HeaderCache.read` for one who asks again and again.
            beside: finds the projectors of a model file, as `XLlamaCppProvider.projectors_for`.

        Raises:
            GgufError: the file is no model, is cut short, or cannot be read; or its header says what cannot be, so
                that no `report` could be made of it.
        """
        header = read(path)
        estimate(header, LoadOptions())
        projectors: list[Header] = []
        unread: list[str] = []
        for each in beside(header.files[0].absolute()) if header.is_model else ():
            try:
                projector = read(each)
                estimate(header, LoadOptions(), projector=projector)
            except GgufError as error:
                unread.append(
                    tr("The model cannot see with {name}: {why}.", name=each.name, why=error.why or error.what)
                )
            else:
                projectors += [projector] if sees(projector) else []
        return cls(header, tuple(projectors), tuple(unread))

    def projector(self, options: LoadOptions) -> Header | None:
        """The projector that these options load beside the model."""
        return pick(options.projector, self.projectors)

    def needs(self, options: LoadOptions, devices: Sequence[Device] = ()) -> Needs:
        """What a load with these options takes, with its projector."""
        return needs(self.header, options, devices, self.projector(options))

    @property
    def title(self) -> str:
        """The model's name as people say it."""
        return title(self.header.path)

    @property
    def largest_context(self) -> int:
        """Where the context control ends, in tokens."""
        return largest_context_length(self.header.context_length_max)

    def report(
        self,
        options: LoadOptions,
        host: HostMemory,
        devices: Sequence[Device] = (),
        *,
        margin: int = MARGIN,
        builds: Sequence[Build] = (),
        planned: Needs | None = None,
    ) -> FitReport:
        """What a load with these options takes of this memory.

        Args:
            options: how it would be loaded.
            host: the machine's own memory.
            devices: what there is beside the processor, in the engine's order.
            margin: what should stay free of each memory, in bytes.
            builds: other quantizations of the model that could be fetched.
            planned: the engine's own word on this load, which goes before the estimate, also on the devices.
        """
        machine = Machine(host, planned.only_devices if planned else tuple(devices), margin)
        projector = self.projector(options)
        need = needs(self.header, options, machine.devices, projector)
        if planned is not None:
            need = replace(need, host=planned.host, devices=planned.devices)
        found = remedies(self.header, options, machine, need, builds, projector)
        return FitReport(
            header=self.header,
            options=options,
            host=host,
            need=need,
            verdict=judge(need, host, margin),
            advice=advise(need, machine, found),
            largest_context=largest_context(self.header, options, machine, projector=projector),
            warnings=tuple(self.warnings(options, machine.devices)),
            remedies=found,
            projector=projector,
            source="estimate" if planned is None else "engine",
        )

    def warnings(self, options: LoadOptions, devices: Sequence[Device] = ()) -> list[str]:
        """What a person should know before loading, beyond whether it fits."""
        warnings = [*self.unread, *caveats(self.header)] + [
            tr(
                "{name} does not report its memory, so nothing is planned onto it unless layers are asked for.",
                name=device.name,
            )
            for device in devices
            if device.free is None
        ]
        refused = dict.fromkeys(
            kind for kind in (options.kv_type_k, options.kv_type_v) if not can_be_kept_as(self.header, kind)
        )
        warnings += [
            tr(
                "The engine refuses a KV cache in {kind} for this model: its heads do not divide into blocks of 32.",
                kind=kind,
            )
            for kind in refused
        ]
        largest = self.header.context_length_max
        if largest and options.context_length > largest:
            warnings.append(
                tr(
                    "The model was made for {largest}; beyond that its answers may turn to nonsense.",
                    largest=units.tokens(largest),
                )
            )
        if not self.header.is_model:
            warnings.append(
                tr(
                    "This file is no model that can chat, but a part of one or a companion ({kind}).",
                    kind=self.header.kind,
                )
            )
        elif self.header.chat_template is None:
            warnings.append(tr("The model has no chat template: the engine will use ChatML, which it may not know."))
        return warnings


def in_short(verdict: Verdict, need: Needs, context_length: int) -> str:
    """A verdict in one line, with what the load takes."""
    said = {"verdict": tr(verdict.value), "memory": units.memory(need.total), "tokens": units.tokens(context_length)}
    if not need.layers:
        return tr("{verdict}: {memory} with {tokens}", **said)
    return trn(
        "{verdict}: {memory} with {tokens}, {on} of {count} layer on the GPU",
        "{verdict}: {memory} with {tokens}, {on} of {count} layers on the GPU",
        need.layers,
        on=sum(need.layers_on),
        **said,
    )


def _told(name: str, kind: str, total: int | None, free: int | None, use: MemoryUse) -> dict[str, Any]:
    """One memory in the object of `fit --json`; null where a driver does not report."""
    return {
        "name": name,
        "kind": kind,
        "total": total,
        "free": free,
        "model": use.model,
        "context": use.context,
        "compute": use.compute,
        "projector": use.projector,
        "self": use.total,
    }
