"""From a model's name to a file and every option of its load: what a request decides before anything is loaded."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nodetool_xl_desktop import hub
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.core.settings_file import SettingsFile
from nodetool_xl_desktop.engine import environment, hardware
from nodetool_xl_desktop.engine.dry_run import DryRuns
from nodetool_xl_desktop.engine.engines import Installed
from nodetool_xl_desktop.engine.errors import EngineError
from nodetool_xl_desktop.engine.in_use import InUse
from nodetool_xl_desktop.engine.offload import Offload, decide
from nodetool_xl_desktop.engine.pool import Pool
from nodetool_xl_desktop.fit.options import LoadOptions, LoadSettings
from nodetool_xl_desktop.fit.projector import pick, seeing, sees
from nodetool_xl_desktop.gguf import Header
from nodetool_xl_desktop.library.settings import Kept, ModelSettings
from nodetool_xl_desktop.provider.catalogue import Catalogue, Located

#: What a script gets where nobody says otherwise; `fit.options` has the rest. The window says 0, as its preview counts
#: what a load takes, and this is taken later.
DEFAULTS = LoadSettings(cache_ram_mib=2048)

_log = logging.getLogger(__name__)


def no_progress(_done: int, _total: int) -> None:
    """Nobody watches."""


@dataclass(frozen=True, slots=True)
class PreparedLoad:
    """A model that was found, and how it is loaded.

    Attributes:
        path: its file; of a split set the first.
        header: what that says.
        options: every setting decided.
        offload: how many layers go onto a graphics card, and why; None where somebody named a number.
        projector: of the projector that the options load beside it, None for nothing.
    """

    path: Path
    header: Header
    options: LoadOptions
    offload: Offload | None = None
    projector: Header | None = None

    @property
    def load(self) -> tuple[Path, LoadOptions, Header, Header | None]:
        """What `Pool.lease` and `Pool.load` take."""
        return self.path, self.options, self.header, self.projector


class Preparation:
    """Finds models and decides how they are loaded: call, kept settings, environment, settings.toml, defaults, in this
    order.

    Args:
        pool: what is loaded already keeps the layers that it has.
        paths: the program's folders.
        catalogue: finds models.
    """

    def __init__(self, pool: Pool, paths: Paths, catalogue: Catalogue) -> None:
        self._pool = pool
        self._catalogue = catalogue
        self._settings = ModelSettings(paths)
        self._file = SettingsFile(paths.settings_file)
        self._dry_runs = DryRuns()
        self._devices: Sequence[Mapping[str, Any]] | None = None
        self._devices_of: Installed | None = None  # the engine that named them

    async def prepare(
        self, model: str | Path, load: LoadSettings, on_download: Callable[[int, int], None]
    ) -> PreparedLoad:
        """Find a model, fetching it where it is on no disk here, and decide how it is loaded; loads nothing.

        Raises:
            UserFacingError: it could not be found or fetched, or a variable of the environment cannot be used.
        """
        said, of_program = environment.load_settings(), await asyncio.to_thread(self._file.read)

        def rest(header: Header) -> LoadSettings:
            return environment.kept_settings(of_program, header).over(DEFAULTS)

        def need(header: Header) -> Callable[[hub.Candidate], int]:
            return hub.needs(header, _options(load.over(said).over(rest(header)), header))

        located = await self._catalogue.locate(model, need, on_download)
        kept = await asyncio.to_thread(self._settings.for_model, located.path)
        settings = load.over(kept).over(said).over(rest(located.header))
        projector = await asyncio.to_thread(self._projector, located, load, settings)
        options = seeing(_options(settings, located.header), projector)
        if settings.gpu_layers is not None:
            return PreparedLoad(located.path, located.header, options, projector=projector)
        offload = await self._offload(located, options)
        options = replace(options, gpu_layers=offload.gpu_layers)
        return PreparedLoad(located.path, located.header, options, offload, projector)

    def settings_for(self, path: Path) -> LoadSettings:
        """What is kept for a model file, over what the environment and the settings say. Touches the disk.

        Raises:
            UserFacingError: a variable of the environment cannot be used; it is named.
        """
        return self._settings.for_model(path).over(self._said())

    def kept_for(self, path: Path) -> Kept:
        """The same, what a person chose apart from all else. Touches the disk.

        Raises:
            UserFacingError: as `settings_for`.
        """
        kept = self._settings.kept(path)
        return replace(kept, found=kept.found.over(self._said()))

    def _said(self) -> LoadSettings:
        """What the environment says of all loads, and then the settings of the program."""
        return environment.load_settings().over(environment.kept_settings(self._file.read()))

    def choose(self, path: Path, chosen: LoadSettings) -> None:
        """Keep what a person chose for this model file; what was found by measuring stays. Touches the disk.

        Raises:
            UserFacingError: the settings could not be written.
        """
        self._settings.choose(path, chosen)

    def keep(self, path: Path, settings: LoadSettings) -> None:
        """Load this model file so from now on, on this machine. Touches the disk.

        Raises:
            UserFacingError: the settings could not be written.
        """
        self._settings.keep(path, settings, {})

    def projectors_for(self, path: Path) -> tuple[Path, ...]:
        """What lies beside a model file so that it sees, the likeliest first; never fails. Touches the disk."""
        return self._catalogue.projectors(path)

    def _projector(self, located: Located, load: LoadSettings, settings: LoadSettings) -> Header | None:
        """What is loaded beside the model: what the call names, wherever it lies; else of those that lie beside it."""
        if settings.projector == "" or not located.header.is_model:
            return None
        beside = self.projectors_for(located.path.absolute())
        if load.projector:
            named = (path for path in beside if load.projector in (str(path), path.name))
            return self._catalogue.header(next(named, Path(load.projector).absolute()))
        headers = []
        for path in beside:
            try:
                headers.append(self._catalogue.header(path))
            except EngineError as error:
                _log.warning("%s loads without %s: %s", located.path.name, path.name, error)
        return pick(settings.projector, [header for header in headers if sees(header)])

    async def _offload(self, located: Located, options: LoadOptions) -> Offload:
        """How many layers go onto a graphics card."""
        engine = await asyncio.to_thread(InUse.look)
        if self._devices is None or engine != self._devices_of:
            graphics = await asyncio.to_thread(lambda: hardware.look().has_graphics)
            # Asking the engine starts a child: 0.4 s that a machine without a graphics card need not wait.
            self._devices, self._devices_of = await hardware.engine_devices() if graphics else (), engine
        layers = self._pool.gpu_layers(located.path, options)
        if layers is not None:
            return Offload(layers, "It is loaded so.")
        offload = await decide(
            located.header,
            options,
            self._devices,
            lambda candidate: self._dry_runs.plan(located.path, candidate),
        )
        _log.info("%s: %s", located.path.name, offload.why)
        return offload


def _options(settings: LoadSettings, header: Header) -> LoadOptions:
    return settings.options(header.context_length_max, hardware.physical_cores())
