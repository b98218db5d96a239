"""The presets to begin with: they can be chosen, and neither changed nor deleted, as they lie in no store.

Each says everything that its purpose needs, so that none of it is left over from another one; none has a system prompt,
so that choosing one never costs what somebody wrote.
"""

from __future__ import annotations

from collections.abc import Iterable

from nodetool_xl_desktop.chat.sampling_values import RESPONSE_FORMAT
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.store.presets import Preset, Scope

PRECISE = Preset(
    Scope.NAMED, name=tr("Precise"), sampling={"temperature": 0.2, "top_k": 40, "top_p": 0.9, "min_p": 0.05}
)
BALANCED = Preset(
    Scope.NAMED, name=tr("Balanced"), sampling={"temperature": 0.7, "top_k": 40, "top_p": 0.95, "min_p": 0.05}
)
CREATIVE = Preset(
    Scope.NAMED, name=tr("Creative"), sampling={"temperature": 1.1, "top_k": 0, "top_p": 1.0, "min_p": 0.05}
)
JSON_ONLY = Preset(
    Scope.NAMED, name=tr("JSON only"), sampling={"temperature": 0.2, RESPONSE_FORMAT: {"type": "json_object"}}
)
BUILT_IN: tuple[Preset, ...] = (PRECISE, BALANCED, CREATIVE, JSON_ONLY)

#: What a choice is called where nothing is set, and where it is set by hand.
DEFAULT, CUSTOM = tr("Default"), tr("Custom")


def is_reserved(name: str) -> bool:
    """Whether a name is taken by what lies in no store."""
    return name.casefold() in {each.casefold() for each in (DEFAULT, CUSTOM, *(preset.name for preset in BUILT_IN))}


def name_of(preset: Preset, named: Iterable[Preset]) -> str:
    """What a choice is called: the preset that says the same, `DEFAULT` where it says nothing, `CUSTOM` else."""
    if not preset.values:
        return DEFAULT
    same = like(preset, named)
    return same.name if same is not None else CUSTOM


def like(preset: Preset, named: Iterable[Preset]) -> Preset | None:
    """The preset that can be chosen and says the same; None where there is none.

    A preset without a system prompt says nothing of it: it is still that one when a prompt was written beside it.
    """
    alike = [
        each
        for each in (*named, *BUILT_IN)
        if each.values
        and dict(each.sampling) == dict(preset.sampling)
        and each.system_prompt in (None, preset.system_prompt)
        and (each.sampling or each.system_prompt)
    ]
    alike.sort(key=lambda each: each.system_prompt is None)  # one with the same prompt says more
    return alike[0] if alike else None


def applied(chosen: Preset, to: Preset, named: Iterable[Preset] = ()) -> Preset:
    """What is set once a preset was chosen: its sampling in place of all that was, and its system prompt if it has one.

    A prompt that somebody wrote is never lost by a preset that has none; one that came with another preset goes with
    it.
    """
    before = like(to, named)
    came_with_it = before is not None and before.system_prompt is not None
    own = None if came_with_it else to.system_prompt
    prompt = own if chosen.system_prompt is None else chosen.system_prompt
    return Preset(to.scope, to.subject, system_prompt=prompt, sampling=dict(chosen.sampling))
