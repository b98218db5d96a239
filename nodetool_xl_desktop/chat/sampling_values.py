"""The values that a preset may say something of: what each is called, what it may be, and what holds where nobody says.

Names are those of the engine's requests. A value that is out of its range is told, never moved into it: the engine
itself moves some of them in silence, and refuses others only when it is asked.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nodetool_xl_desktop.chat import answer_format
from nodetool_xl_desktop.core.translation import number, tr
from nodetool_xl_desktop.engine.client import DEFAULT_REPEAT_PENALTY

SYSTEM_PROMPT = "system_prompt"
STOP = "stop"
RESPONSE_FORMAT = "response_format"
SEND_REASONING = "send_reasoning"
#: Of a value that is left to chance, or to the context, whatever a preset farther away says.
NONE_AT_ALL = -1
#: What the engine takes for a seed, but for the last one, with which it draws one itself.
LARGEST_SEED = 2**32 - 2
LARGEST_COUNT = 2**31 - 1
MOST_STOPS = 64


@dataclass(frozen=True, slots=True)
class Slider:
    """What a slider offers of a value; the rest can be typed."""

    least: float
    most: float
    step: float


@dataclass(frozen=True, slots=True)
class Number:
    """A value that is a number.

    Attributes:
        name: in the engine's request.
        title: as people know it.
        about: what it does, in one sentence.
        least: the least that it may be.
        most: the most.
        default: what holds where nobody says; None for what `unset` says.
        whole: whether it has no fraction.
        slider: None for a value that is only typed.
        unset: in words, what `NONE_AT_ALL` means; empty for a value that has no such thing.
        own: whether the default is this program's, and not the engine's.
    """

    name: str
    title: str
    about: str
    least: float
    most: float
    default: float | None = None
    whole: bool = False
    slider: Slider | None = None
    unset: str = ""
    own: bool = False

    def checked(self, value: Any) -> float:
        """The value as it is sent.

        Raises:
            ValueError: it is no number, or out of range; its text says so.
        """
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise ValueError(
                tr("{title} is {value}; it has to be {range}", title=self.title, value=_shown(value), range=self.range)
            )
        if self.unset and value == NONE_AT_ALL:
            return NONE_AT_ALL
        if not self.least <= value <= self.most or (self.whole and value != int(value)):
            raise ValueError(
                tr(
                    "{title} is {value}; it has to be {range}",
                    title=self.title,
                    value=self.text(value),
                    range=self.range,
                )
            )
        return int(value) if self.whole else value

    def of_text(self, text: str) -> float:
        """What was typed.

        Raises:
            ValueError: as `checked`.
        """
        typed = text.strip()
        if self.unset and typed.casefold() == self.unset:
            return NONE_AT_ALL
        try:
            # A comma is what half of the world writes before a fraction.
            value = int(typed) if self.whole else float(typed.replace(",", "."))
        except ValueError:
            raise ValueError(
                tr("{title} is {typed}; it has to be {range}", title=self.title, typed=_shown(typed), range=self.range)
            ) from None
        return self.checked(value)

    def text(self, value: float) -> str:
        """The value as it is shown, and as it can be typed."""
        if self.unset and value == NONE_AT_ALL:
            return self.unset
        return str(int(value)) if value == int(value) and abs(value) < 1e15 else number(f"{value:.6g}")

    @property
    def range(self) -> str:
        """What it may be, in words."""
        least, most = self.text(self.least), self.text(self.most)
        if self.most == LARGEST_COUNT:
            says = (
                tr("a whole number, {least} or more", least=least)
                if self.whole
                else tr("a number, {least} or more", least=least)
            )
        elif self.whole:
            says = tr("a whole number from {least} to {most}", least=least, most=most)
        else:
            says = tr("a number from {least} to {most}", least=least, most=most)
        if not self.unset:
            return says
        return tr("{numbers}, or {none} for {unset}", numbers=says, none=NONE_AT_ALL, unset=self.unset)


#: In the order in which they are shown. Defaults: `common_params_sampling` of llama.cpp's common/common.h.
NUMBERS: tuple[Number, ...] = (
    Number(
        *(
            "temperature",
            tr("Temperature"),
            tr("Higher is more varied, lower more predictable; 0 always takes the likeliest."),
        ),
        *(0.0, 5.0, 0.8),
        slider=Slider(0.0, 2.0, 0.05),
    ),
    Number(
        *("top_k", tr("Top K"), tr("Only so many of the likeliest tokens are candidates; 0 for all of them.")),
        *(0, LARGEST_COUNT, 40),
        whole=True,
        slider=Slider(0, 100, 1),
    ),
    Number(
        *(
            "top_p",
            tr("Top P"),
            tr("Only the likeliest tokens that together have this probability are candidates; 1 for all."),
        ),
        *(0.0, 1.0, 0.95),
        slider=Slider(0.0, 1.0, 0.01),
    ),
    Number(
        *(
            "min_p",
            tr("Min P"),
            tr("Only tokens with this part of the likeliest one's probability are candidates; 0 for all."),
        ),
        *(0.0, 1.0, 0.05),
        slider=Slider(0.0, 1.0, 0.01),
    ),
    Number(
        *(
            "repeat_penalty",
            tr("Repeat Penalty"),
            tr("Above 1, what came shortly before is less likely to come again."),
        ),
        *(0.1, 5.0, DEFAULT_REPEAT_PENALTY),
        slider=Slider(1.0, 2.0, 0.05),
        own=True,
    ),
    Number(
        *(
            "presence_penalty",
            tr("Presence Penalty"),
            tr("Above 0, what came before at all is less likely to come again."),
        ),
        *(-2.0, 2.0, 0.0),
        slider=Slider(-2.0, 2.0, 0.1),
    ),
    Number(
        *(
            "frequency_penalty",
            tr("Frequency Penalty"),
            tr("Above 0, a token is less likely the more often it came before."),
        ),
        *(-2.0, 2.0, 0.0),
        slider=Slider(-2.0, 2.0, 0.1),
    ),
    Number(
        *("max_tokens", tr("Max Tokens"), tr("The longest answer, in tokens. Without it, only the context ends one.")),
        *(1, LARGEST_COUNT),
        whole=True,
        unset=tr("no limit"),
    ),
    Number(
        *("seed", tr("Seed"), tr("With the same seed, the same question gets the same answer from the same model.")),
        *(0, LARGEST_SEED),
        whole=True,
        unset=tr("random"),
    ),
)
_NUMBERS = {number.name: number for number in NUMBERS}
#: All that a preset can say something of.
TITLES: Mapping[str, str] = {
    SYSTEM_PROMPT: tr("System Prompt"),
    **{number.name: number.title for number in NUMBERS},
    STOP: tr("Stop Strings"),
    RESPONSE_FORMAT: tr("Answer Format"),
    SEND_REASONING: tr("Send Reasoning"),
}


def checked(name: str, value: Any) -> Any:
    """A value as it is kept and asked with; what is of no known name comes back as it is.

    Raises:
        ValueError: it is of a wrong type, out of its range, or cannot be understood; its text begins with the title.
    """
    if name in _NUMBERS:
        return _NUMBERS[name].checked(value)
    if name == SYSTEM_PROMPT and not isinstance(value, str):
        raise ValueError(tr("System Prompt is {value}; it has to be a text", value=_shown(value)))
    if name == SEND_REASONING and not isinstance(value, bool):
        raise ValueError(tr("Send Reasoning is {value}; it has to be true or false", value=_shown(value)))
    if name == STOP:
        return _stops(value)
    if name == RESPONSE_FORMAT:
        try:
            return answer_format.checked(value)
        except ValueError as error:
            raise ValueError(tr("Answer Format cannot be used: {error}", error=error)) from None
    return value


def _stops(value: Any) -> list[str]:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list | tuple) or not all(isinstance(text, str) for text in texts):
        raise ValueError(tr("Stop Strings is {value}; it has to be a list of texts", value=_shown(value)))
    if "" in texts:  # with which the engine ends each answer before its first word
        raise ValueError(tr("Stop Strings holds an empty text, at which every answer would end before it begins"))
    if len(texts) > MOST_STOPS:
        raise ValueError(
            tr("Stop Strings has {count:,} texts; there may be {most_stops}", count=len(texts), most_stops=MOST_STOPS)
        )
    return list(dict.fromkeys(texts))


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}..."
