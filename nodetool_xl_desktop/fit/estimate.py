"""What a load will take, reckoned from the header alone.

A pure function of header, options and devices, made for sliders: some hundred microseconds for the largest models, a
few where only layers move between devices. Its parts: `layers` (weights and caches), `compute` (what a batch is
computed in), `placement` and `split` (what of it lies where).
"""

from __future__ import annotations

from collections.abc import Sequence

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.fit.architectures import ARCHITECTURES, UNTRIED
from nodetool_xl_desktop.fit.layers import CONTEXT_STEP, lay_out, padded_context
from nodetool_xl_desktop.fit.memory import Device, Needs
from nodetool_xl_desktop.fit.options import LoadOptions
from nodetool_xl_desktop.fit.placement import Beside, spread
from nodetool_xl_desktop.fit.projector import projector_bytes
from nodetool_xl_desktop.fit.split import split_compute
from nodetool_xl_desktop.gguf import Header
from nodetool_xl_desktop.gguf.errors import shown

__all__ = ["CONTEXT_STEP", "caveats", "estimate", "padded_context"]

#: Keys (behind the architecture's name) of what cannot be reckoned without knowing the architecture, and what to say.
_UNKNOWN = {
    "attention.sliding_window": tr(
        "The estimate does not know this architecture ({name}): its sliding window is counted as full attention, so it"
        " may take less."
    ),
    "ssm.state_size": tr(
        "The estimate does not know this architecture ({name}): which of its layers are recurrent is not known, so the"
        " context is an approximation."
    ),
    "wkv.head_size": tr(
        "The estimate does not know this architecture ({name}): its recurrent state is not counted, so the context is"
        " an approximation."
    ),
}


def estimate(
    header: Header,
    options: LoadOptions,
    devices: Sequence[Device] = (),
    *,
    projector: Header | None = None,
    loras: Sequence[Header] = (),
) -> Needs:
    """What the engine will take for this model with these options.

    Args:
        header: the model's.
        options: of the load; its `gpu_layers` go onto the devices.
        devices: what there is beside the processor. Without any, everything is counted as the host's.
        projector: of a vision or audio projector that is loaded beside the model.
        loras: of adapters that are loaded beside it.

    Raises:
        Malformed: a header says what no model says, whatever the options are.
    """
    layout = lay_out(header, options)
    beside = Beside(sum(lora.tensor_bytes for lora in loras), projector_bytes(projector, options) if projector else 0)

    def compute(counts: Sequence[int], everything: bool) -> tuple[int, tuple[int, ...]]:
        return split_compute(header, options, layout, counts, everything)

    return spread(layout, options, devices, compute, beside)


def caveats(header: Header) -> list[str]:
    """What the estimate does not know about this architecture; empty where it knows it."""
    name = header.architecture
    if not header.is_model:
        return []
    if name in UNTRIED:
        return [
            tr(
                "The estimate for this architecture ({name}) was not held against the engine's own plan yet.",
                name=shown(name),
            )
        ]
    if name in ARCHITECTURES:
        return []
    unknown = [text.format(name=shown(name)) for key, text in _UNKNOWN.items() if header.get_int(key, 0) > 0]
    as_llama = tr(
        "The estimate does not know this architecture ({name}), and counts it as a Llama of the same size.",
        name=shown(name),
    )
    return unknown or [as_llama]
