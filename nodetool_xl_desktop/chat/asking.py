"""From what the presets say to what the engine is asked with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nodetool_xl_desktop.chat import sampling_values
from nodetool_xl_desktop.chat.answer_format import Kind
from nodetool_xl_desktop.chat.sampling_values import (
    NONE_AT_ALL,
    NUMBERS,
    RESPONSE_FORMAT,
    SEND_REASONING,
    STOP,
    SYSTEM_PROMPT,
    TITLES,
)
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.engine.client import Sampling
from nodetool_xl_desktop.store.presets import PLACES, Setting

#: What a model's file may say of its own sampling (`general.sampling.*`), and the engine then takes for its default
#: (`common_init_sampler_from_model` of llama.cpp). A repeat penalty is not among them: this program sends its own.
_FILE_KEYS = {
    "temperature": "general.sampling.temp",
    "top_k": "general.sampling.top_k",
    "top_p": "general.sampling.top_p",
    "min_p": "general.sampling.min_p",
}


class PresetError(UserFacingError):
    """A preset says something that cannot be asked."""


@dataclass(frozen=True, slots=True)
class Asking:
    """How a model is asked.

    Attributes:
        system: the system prompt; empty for none.
        sampling: how to choose tokens, the grammar among it.
        response_format: for `provider.stream`; None for any text, or where a grammar says it.
        send_reasoning: whether the model is told what it thought before earlier answers.
    """

    system: str = ""
    sampling: Sampling = field(default_factory=Sampling)
    response_format: Mapping[str, Any] | None = None
    send_reasoning: bool = False

    @property
    def takes_tools(self) -> bool:
        """Whether tools can be offered: what has to keep to a form leaves no room for a call."""
        return self.response_format is None and self.sampling.grammar is None

    def to_json(self) -> dict[str, Any]:
        """All of it by name, to be kept with the answer (`About.sampling`)."""
        said = self.sampling.to_json()
        if "stop" in said:
            said["stop"] = list(said["stop"])
        said |= {SYSTEM_PROMPT: self.system} if self.system else {}
        said |= {SEND_REASONING: True} if self.send_reasoning else {}
        return said if self.response_format is None else said | {RESPONSE_FORMAT: dict(self.response_format)}


@dataclass(frozen=True, slots=True)
class Default:
    """What holds for a number where no preset says something.

    Attributes:
        value: None for what the number's `unset` says.
        whose: whose default it is, such as "engine's default".
    """

    value: float | None
    whose: str


def asking(settings: Mapping[str, Setting]) -> Asking:
    """What to ask with, from what `Store.presets.settings` gives; names that are not known are left out.

    Raises:
        PresetError: a value cannot be used; it says which, of which preset, and why.
    """
    said = {name: _checked(name, setting) for name, setting in settings.items() if name in TITLES}
    wanted = dict(said.get(RESPONSE_FORMAT, {}))
    grammar = wanted.get("grammar")
    # Where an answer has no limit, or a seed is drawn, nothing is sent: that is the engine's own way.
    numbers = {
        number.name: said[number.name]
        for number in NUMBERS
        if number.name in said and not (number.unset and said[number.name] == NONE_AT_ALL)
    }
    sampling = Sampling(**numbers, stop=tuple(said.get(STOP, ())) or None, grammar=grammar)
    asks_for_text = wanted.get("type", Kind.TEXT) in (Kind.TEXT, Kind.GRAMMAR)
    thoughts = said.get(SEND_REASONING, False)
    return Asking(said.get(SYSTEM_PROMPT, ""), sampling, None if asks_for_text else wanted, thoughts)


def defaults(metadata: Mapping[str, Any] | None = None) -> dict[str, Default]:
    """What holds for each number where no preset says something.

    Args:
        metadata: of the model's file (`gguf.Header.metadata`), where that is known.
    """
    found = {
        number.name: Default(number.default, tr("this program's default") if number.own else tr("engine's default"))
        for number in NUMBERS
    }
    for name, key in _FILE_KEYS.items():
        value = (metadata or {}).get(key)
        if isinstance(value, int | float) and not isinstance(value, bool):
            found[name] = Default(value, tr("from the model's file"))
    return found


def _checked(name: str, setting: Setting) -> Any:
    try:
        return sampling_values.checked(name, setting.value)
    except ValueError as error:
        raise PresetError(
            tr("The preset cannot be used"),
            tr("{error} (set for {places})", error=error, places=PLACES[setting.source.scope])
            if setting.source.scope in PLACES
            else str(error),
            tr("Open the preset, and reset the value or give it another one."),
        ) from error
