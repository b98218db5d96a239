"""What a setting is: its key, its kind and its words, which the file, the page and the command line all go by."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Generic, TypeVar

from nodetool_xl_desktop.core.translation import mark, tr

T = TypeVar("T", bool, int, float, str)
#: Of the environment, as people write it there.
_YES, _NO = ("1", "true", "yes", "on"), ("0", "false", "no", "off")
#: Longer texts are told no further than this.
_LONGEST = 60


class Section(Enum):
    """Where the page shows a setting; the names of the sections, in their order."""

    GENERAL = mark("General")
    APPEARANCE = mark("Appearance")
    CHATS = mark("Chats")
    MODELS = mark("Models & Memory")
    ENGINE = mark("Engine")
    PRIVACY = mark("Privacy")


class Origin(Enum):
    """Where a value comes from."""

    DEFAULT = "default"
    FILE = "file"
    ENVIRONMENT = "environment"
    UNKEPT = "unkept"  # chosen in this window, and the file could not take it


@dataclass(frozen=True, slots=True, eq=False)
class Setting(Generic[T]):
    """One setting, declared once.

    Attributes:
        key: where it stands in the file: a table and a name ("chats.titles"), or a name alone.
        default: what holds while nobody says anything; its kind is the setting's.
        title: its name on the page.
        about: one line about it.
        section: where the page shows it.
        least: of a number, the smallest there may be.
        most: of a number, the largest there may be.
        unit: of a number, what stands behind it.
        special: of a number, what its smallest value is called.
        choices: those that the page offers, each with its words.
        allows: whether a text may be the value; None takes those of `choices`, or any where it has none.
        placeholder: stands in the field while the text is empty.
        variable: of the environment, which goes before the file; empty for none.
        needs_restart: whether another value holds from the next start only.
        is_shown: whether the page shows it; else it is chosen elsewhere in the window.
    """

    key: str
    default: T
    title: str
    about: str
    section: Section
    least: float = 0
    most: float = 0
    unit: str = ""
    special: str = ""
    choices: Mapping[str, str] = field(default_factory=dict)
    allows: Callable[[str], object] | None = None
    placeholder: str = ""
    variable: str = ""
    needs_restart: bool = False
    is_shown: bool = True

    @property
    def table(self) -> str:
        """The table that it stands in; empty for none."""
        return self.key.rpartition(".")[0]

    @property
    def name(self) -> str:
        """Its name in that table."""
        return self.key.rpartition(".")[2]

    def checked(self, value: Any) -> T:
        """The value as it is used.

        Raises:
            ValueError: it is none for this setting; says why, for a person.
        """
        wanted = type(self.default)
        if wanted is float and isinstance(value, int) and not isinstance(value, bool):
            with contextlib.suppress(OverflowError):  # of hundreds of digits: it is none
                value = float(value)
        if not isinstance(value, wanted) or isinstance(value, bool) is not (wanted is bool):
            raise ValueError(_wants(wanted, value))
        if isinstance(value, int | float) and not isinstance(value, bool) and not self.least <= value <= self.most:
            raise ValueError(
                tr(
                    "it is {value}; it takes a number from {least:,} to {most:,}",
                    value=value,
                    least=self.least,
                    most=self.most,
                )
            )
        if isinstance(value, str):
            self._check_text(value)
        return value

    def read(self, text: str) -> T:
        """What a variable of the environment says.

        Raises:
            ValueError: as `checked`.
        """
        text, wanted = text.strip(), type(self.default)
        if wanted is bool:
            if text.lower() not in _YES + _NO:
                raise ValueError(_wants(wanted, text))
            return self.checked(text.lower() in _YES)
        if wanted is str:
            return self.checked(text)
        if len(text) > _LONGEST or not re.fullmatch(r"[+-]?\d+" if wanted is int else r"[+-]?\d+(\.\d+)?", text):
            raise ValueError(_wants(wanted, text))
        return self.checked(wanted(text))

    def _check_text(self, value: str) -> None:
        if self.allows(value) if self.allows is not None else not self.choices or value in self.choices:
            return
        if not self.choices:
            raise ValueError(tr('it is "{value}", which cannot be used', value=_short(value)))
        known = ", ".join(f'"{choice}"' for choice in self.choices)
        raise ValueError(tr('it is "{value}"; it takes one of {known}', value=_short(value), known=known))


def _wants(wanted: type, value: object) -> str:
    said = _short(str(value))
    if wanted is bool:
        return tr("it is {said}; it takes true or false", said=said)
    if wanted is int:
        return tr("it is {said}; it takes a whole number", said=said)
    if wanted is float:
        return tr("it is {said}; it takes a number", said=said)
    return tr("it is {said}; it takes a text in quotes", said=said)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
