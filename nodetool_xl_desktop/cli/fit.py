"""`fit MODEL|URL`: what a load would take, from the header alone; the engine is started for `--exact` only."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from nodetool_xl_desktop.cli.fit_text import text
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.core.settings_file import SettingsFile
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.engine import environment
from nodetool_xl_desktop.engine.errors import EngineError
from nodetool_xl_desktop.engine.hardware import host_memory, physical_cores
from nodetool_xl_desktop.fit.memory import MARGIN, Device, Machine
from nodetool_xl_desktop.fit.options import LoadOptions, LoadSettings
from nodetool_xl_desktop.fit.projector import pick, seeing
from nodetool_xl_desktop.fit.solver import Build, offload
from nodetool_xl_desktop.fit.verdict import Verdict
from nodetool_xl_desktop.gguf import read_model
from nodetool_xl_desktop.library.settings import ModelSettings
from nodetool_xl_desktop.preview.report import FitReport, Preview

if TYPE_CHECKING:
    from nodetool_xl_desktop.cli.fit_exact import Planner

_NO_DEVICE = tr(
    "All layers are counted as the processor's, as no device is known here: plan one with --device, or ask the engine "
    "with --exact."
)


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked on the command line.

    Attributes:
        model: a file, a name of My Models, or an address.
        said: the settings that were named. GPU layers that nobody names are as many as fit.
        auto_layers: whether they shall be as many as fit, whatever is kept for the model.
        devices: planned ones, instead of those that this machine has.
        margin: what should stay free of each memory, in bytes.
        exact: whether the engine itself plans the load.
    """

    model: str
    said: LoadSettings = LoadSettings()  # noqa: RUF009 - it cannot change
    auto_layers: bool = False
    devices: tuple[Device, ...] = ()
    margin: int = MARGIN
    exact: bool = False

    @property
    def is_remote(self) -> bool:
        """Whether the model lies behind an address."""
        return self.model.lower().startswith(("http://", "https://"))


class Asked(NamedTuple):
    """How the model would be loaded, and whether the GPU layers are still to be found."""

    options: LoadOptions
    is_open: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """What is printed, and why it is not what was asked for."""

    report: FitReport
    why_not_exact: UserFacingError | None = None


def run(question: Question, *, as_json: bool) -> None:
    """Print the report, for a person or as one JSON object.

    Raises:
        UserFacingError: the model was not found, is none that can be read, or the engine refuses to plan it; then the
            estimate is printed all the same.
    """
    started = time.perf_counter()
    answer = asyncio.run(_remote(question)) if question.is_remote else _local(question)
    seconds = time.perf_counter() - started
    name = question.model if question.is_remote else None
    told = answer.report.to_json(seconds, name)
    print(json.dumps(told, indent=2) if as_json else text(answer.report))
    if answer.why_not_exact is not None:
        raise answer.why_not_exact


def _local(question: Question) -> Answer:
    preview = Preview.inspect(_find(question.model), beside=_projectors)
    path = preview.header.files[0].absolute()
    kept = ModelSettings(Paths.default()).for_model(path)
    if question.devices:  # what was settled for the devices of this machine says nothing of others
        kept = replace(kept, gpu_layers=None, tensor_split=None)
    settings = question.said.over(kept)
    if not question.exact:
        return Answer(_estimated(question, preview, settings))
    from nodetool_xl_desktop.cli.fit_exact import plan_of_file  # noqa: PLC0415 - an estimate does not wait for it

    return asyncio.run(_exact(question, preview, settings, plan_of_file(path)))


async def _remote(question: Question) -> Answer:
    from nodetool_xl_desktop.core.network import OffLine  # noqa: PLC0415 - as below
    from nodetool_xl_desktop.core.settings_file import SettingsFile  # noqa: PLC0415 - as below
    from nodetool_xl_desktop.preview.remote import RemoteModels  # noqa: PLC0415 - a file needs no HTTP client

    off_line = OffLine()  # the person's switches hold here as in the window
    off_line.hold_to(SettingsFile(Paths.default().settings_file).read())
    models = RemoteModels(Paths.default().headers)
    preview = await models.inspect(question.model)
    if not question.exact:
        report = _estimated(question, preview, question.said)
        if report.verdict in (Verdict.TIGHT, Verdict.WONT_FIT):
            report = _estimated(question, preview, question.said, await _builds(question.model))
        return Answer(report)
    return await _exact(question, preview, question.said, lambda options: models.plan(question.model, options))


async def _builds(address: str) -> Sequence[Build]:
    """The other quantizations that a hub has of a model; none elsewhere, or where the hub does not say."""
    from nodetool_xl_desktop import hub  # noqa: PLC0415 - a file needs no HTTP client

    repository = hub.parse_address(address).repository
    try:
        return hub.candidates((await hub.look_up(repository)).files) if repository else ()
    except hub.HubError:
        return ()


async def _exact(question: Question, preview: Preview, settings: LoadSettings, plan: Planner) -> Answer:
    """The engine's own word; where it refuses, the estimate and why."""
    from nodetool_xl_desktop.cli import engine_note  # noqa: PLC0415 - an estimate does not wait for it
    from nodetool_xl_desktop.cli.fit_exact import planned  # noqa: PLC0415

    try:
        with engine_note.told():
            return Answer(await planned(preview, *_options(question, preview, settings), question.margin, plan))
    except EngineError as error:
        return Answer(_estimated(question, preview, settings), error)


def _find(model: str) -> Path:
    """The file that is meant: a path, else a name of My Models or of a repository that was fetched."""
    path = Path(model)
    try:
        if path.is_file() or path.is_absolute() or model.lower().endswith(".gguf"):
            return path
    except (OSError, ValueError):  # too long a name, or one that can be none
        return path
    from nodetool_xl_desktop.provider.catalogue import Catalogue  # noqa: PLC0415 - half a second, for a name only

    return Catalogue(Paths.default()).find(model) or path


def _projectors(path: Path) -> Sequence[Path]:
    """What lies beside a model so that it sees."""
    from nodetool_xl_desktop.library.beside import projectors_beside  # noqa: PLC0415 - for a file only

    return projectors_beside(path, read_model)


def _estimated(question: Question, preview: Preview, settings: LoadSettings, builds: Sequence[Build] = ()) -> FitReport:
    asked = _options(question, preview, settings)
    options, host = asked.options, host_memory()
    if question.devices and asked.is_open:
        machine = Machine(host, question.devices, question.margin)
        options = offload(preview.header, options, machine, projector=preview.projector(options))
    elif not question.devices and question.said.gpu_layers is None:
        options = replace(options, gpu_layers=0)  # of a setting for devices that are not known here
    report = preview.report(options, host, question.devices, margin=question.margin, builds=builds)
    if not question.devices and options.gpu_layers:
        report = replace(report, warnings=(*report.warnings, _NO_DEVICE))
    return report


def _options(question: Question, preview: Preview, settings: LoadSettings) -> Asked:
    values = SettingsFile(Paths.default().settings_file).read()
    every = settings.over(environment.load_settings()).over(environment.kept_settings(values, preview.header))
    is_open = question.auto_layers or every.gpu_layers is None
    options = every.options(preview.header.context_length_max, physical_cores())
    return Asked(seeing(options, pick(every.projector, preview.projectors)), is_open)
