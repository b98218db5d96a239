"""A verdict for every model of a list: what each would be if it was chosen now."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.fit.memory import Machine
from nodetool_xl_desktop.fit.verdict import Verdict, judge
from nodetool_xl_desktop.gguf import Header
from nodetool_xl_desktop.library.settings import Kept
from nodetool_xl_desktop.preview.choice import Choice
from nodetool_xl_desktop.preview.report import Preview, in_short


@dataclass(frozen=True, slots=True)
class Badge:
    """What is shown of one model.

    Attributes:
        verdict: with the settings that it is loaded with unless somebody says otherwise.
        says: the same in a few words with numbers.
    """

    verdict: Verdict
    says: str


class Badges:
    """Judges models, each from its header; touches the disk, and may be asked from several threads.

    Args:
        kept_for: what is kept for a model file, as `XLlamaCppProvider.kept_for`.
        physical_cores: of this machine.
        read: reads headers, as `gguf.HeaderCache.read`.
        beside: finds the projectors of a model file, as `XLlamaCppProvider.projectors_for`; None for none.
    """

    def __init__(
        self,
        kept_for: Callable[[Path], Kept],
        physical_cores: int | None,
        read: Callable[[Path], Header],
        beside: Callable[[Path], Sequence[Path]] | None = None,
    ) -> None:
        self._kept_for = kept_for
        self._cores = physical_cores
        self._read = read
        self._beside = beside or (lambda _path: ())

    def judge(self, path: Path, machine: Machine) -> Badge | None:
        """The badge of one model file; None for one that cannot be loaded at all, which choosing it explains."""
        try:
            preview = Preview.inspect(path, self._read, self._beside)
            if not preview.header.is_model:
                return None
            options = Choice.of(preview, self._kept_for(path), self._cores).options(machine)
            need = preview.needs(options, machine.devices)
        except (UserFacingError, OSError, ValueError):
            return None
        verdict = judge(need, machine.host, machine.margin)
        says = in_short(verdict, need, options.context_length)
        return Badge(verdict, says)
