"""How a person wants a model to be loaded, over what is settled for it otherwise, and what follows from that."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.fit.memory import Machine
from nodetool_xl_desktop.fit.options import (
    DEFAULT_KV_TYPE,
    KV_TYPES,
    QUANTIZED_KV_TYPES,
    LoadOptions,
    LoadSettings,
    largest_context_length,
)
from nodetool_xl_desktop.fit.placement import used
from nodetool_xl_desktop.fit.projector import pick, seeing
from nodetool_xl_desktop.fit.solver import can_be_kept_as, offload
from nodetool_xl_desktop.gguf import Header
from nodetool_xl_desktop.library.settings import Kept
from nodetool_xl_desktop.preview.report import Preview

#: What the cache is offered as where keys and values are chosen together.
BASIC_KV_TYPES = ("f16", "q8_0", "q4_0")
_NAMES = tuple(field.name for field in fields(LoadSettings))


@dataclass(frozen=True)
class Choice:
    """One model and how it shall be loaded.

    Attributes:
        preview: of the model.
        kept: `found` is what holds unless the person says otherwise; `chosen` is what the person says.
        physical_cores: of this machine, None where the system does not say.
        note: what else the last change has changed, in words; mostly empty.
    """

    preview: Preview
    kept: Kept
    physical_cores: int | None = None
    note: str = ""

    @classmethod
    def of(cls, preview: Preview, kept: Kept, physical_cores: int | None) -> Choice:
        """The choice that is kept for a model.

        Raises:
            UserFacingError: what is settled for it is no load, whatever a person chooses.
        """
        most = largest_context_length(preview.header.context_length_max)
        if (kept.found.context_length or 0) > most:  # it was said of all models
            kept = replace(kept, found=replace(kept.found, context_length=most))
        made = cls(preview, kept, physical_cores)
        made.defaults  # noqa: B018 - it raises
        return made._with(kept.wanted)

    # What can be chosen

    @cached_property
    def kv_types(self) -> tuple[str, ...]:
        """What the cache of this model can be kept as."""
        can_share_scales = can_be_kept_as(self.preview.header, "q8_0")
        return tuple(kind for kind in KV_TYPES if can_share_scales or kind not in QUANTIZED_KV_TYPES)

    @property
    def basic_kv_types(self) -> tuple[str, ...]:
        """The few of them that are enough for most people."""
        return tuple(kind for kind in BASIC_KV_TYPES if kind in self.kv_types)

    @property
    def can_flash_be_auto(self) -> bool:
        """Whether flash attention can be left to the engine: not where it is settled otherwise."""
        return self.kept.found.flash_attention is None

    @property
    def can_layers_be_auto(self) -> bool:
        """Whether the GPU layers can be left to be as many as fit: not where their number is settled otherwise."""
        return self.kept.found.gpu_layers is None

    @property
    def projectors(self) -> tuple[Header, ...]:
        """What can be loaded beside the model, so that it sees; the first one is, unless somebody says otherwise."""
        return self.preview.projectors

    @property
    def layers_with_experts(self) -> int:
        """Of so many layers the experts can stay on the processor; 0 for a model without any."""
        header = self.preview.header
        return header.block_count if header.get_int("expert_count", 0) > 0 else 0

    # What is chosen

    @property
    def settings(self) -> LoadSettings:
        """Everything that is said, the person's word first."""
        return self.kept.chosen.over(self.kept.found)

    @cached_property
    def defaults(self) -> LoadOptions:
        """What holds where the person says nothing, GPU layers that nobody names left out."""
        return self._options(self.kept.found)

    @property
    def is_changed(self) -> bool:
        """Whether the person says anything."""
        return self.kept.chosen != LoadSettings()

    @property
    def has_auto_layers(self) -> bool:
        """Whether the GPU layers are as many as leave the margin free."""
        return self.settings.gpu_layers is None

    def options(self, machine: Machine, loaded: LoadOptions | None = None) -> LoadOptions:
        """How the model would be loaded.

        Args:
            machine: what there is; GPU layers that nobody names are as many as leave the margin free of it.
            loaded: how it is loaded now. Where only those layers differ they stay as they are: a model is not loaded
                anew because a bit more has become free.
        """
        asked = self._options(self.settings)
        if not used(machine.devices):
            return replace(asked, gpu_layers=0, tensor_split="")
        if not self.has_auto_layers:
            return asked
        if loaded is not None and loaded == replace(
            asked, gpu_layers=loaded.gpu_layers, tensor_split=loaded.tensor_split
        ):
            return loaded
        return offload(self.preview.header, asked, machine, projector=self.preview.projector(asked))

    # Changing it

    def change(self, **said: int | str | bool | None) -> Choice:
        """The choice with other settings; None takes one back. Where two cannot be together, the last one wins."""
        changed = replace(self.kept.chosen, **said)  # type: ignore[arg-type] # checked by LoadSettings
        note = ""
        settings = changed.over(self.kept.found)
        if _conflict(settings) and "flash_attention" in said:
            changed = replace(changed, kv_type_v=DEFAULT_KV_TYPE)
            note = tr(
                "Values are kept as {default_kv_type} again, as {kv_type_v} needs flash attention.",
                default_kv_type=DEFAULT_KV_TYPE,
                kv_type_v=settings.kv_type_v,
            )
        elif _conflict(settings):
            changed = replace(changed, flash_attention=None if self.can_flash_be_auto else True)
            kind = settings.kv_type_v
            note = (
                tr("Flash attention is on auto, as {kind} needs it.", kind=kind)
                if self.can_flash_be_auto
                else tr("Flash attention is on, as {kind} needs it.", kind=kind)
            )
        return replace(self._with(changed), note=note)

    def apply(self, options: LoadOptions, machine: Machine, loaded: LoadOptions | None = None) -> Choice:
        """The choice that makes these options of the present ones: whatever differs is said by the person."""
        now = self.options(machine, loaded)
        differs = {name: getattr(options, name) for name in _NAMES if getattr(options, name) != getattr(now, name)}
        return self.change(**differs)

    def reset(self) -> Choice:
        """Without the person's word."""
        return replace(self, kept=replace(self.kept, chosen=LoadSettings()), note="")

    def _options(self, settings: LoadSettings) -> LoadOptions:
        """What these settings make, with the projector that they mean."""
        options = settings.options(self.preview.header.context_length_max, self.physical_cores)
        return seeing(options, pick(settings.projector, self.preview.projectors))

    def _with(self, chosen: LoadSettings) -> Choice:
        """The same with another word of the person; what is so anyway need not be said."""
        same = {name: None for name in _NAMES if getattr(chosen, name) == getattr(self.defaults, name)}
        if self.kept.found.gpu_layers is None:  # the defaults say 0 there, which is not "as many as fit"
            same.pop("gpu_layers", None)
        return replace(self, kept=replace(self.kept, chosen=replace(chosen, **same)), note="")


def _conflict(settings: LoadSettings) -> str:
    """Why these cannot be together; empty where they can."""
    kind = settings.kv_type_v or DEFAULT_KV_TYPE
    return LoadOptions(kv_type_v=kind, flash_attention=settings.flash_attention).conflict
