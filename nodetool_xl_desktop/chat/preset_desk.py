"""What the preset panel works on: what is set for the chat, the model and all chats, and what is not on the disk yet.

A pure value with changes: it touches no disk and knows no widgets. Who shows it also saves what `unsaved` gives.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from nodetool_xl_desktop.chat import starting_presets
from nodetool_xl_desktop.chat.asking import Default, defaults
from nodetool_xl_desktop.chat.sampling_values import RESPONSE_FORMAT, SEND_REASONING, STOP, SYSTEM_PROMPT, TITLES
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.store.presets import ORDER, PLACES, Preset, Scope, Setting, resolve

_OTHER_DEFAULTS = {
    # Some templates put a prompt of their own where there is none.
    SYSTEM_PROMPT: Default(None, tr("none, or the model's own")),
    STOP: Default(None, tr("none")),
    RESPONSE_FORMAT: Default(None, tr("engine's default")),
    SEND_REASONING: Default(None, tr("this program's default")),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One value as it is shown for a scope.

    Attributes:
        own: what is set for this scope; None where it says nothing.
        inherited: what holds if it says nothing; None where nobody says.
        whence: where what is shown comes from, in words.
        instead: what a nearer scope has in its place, in words; empty where none has.
    """

    own: Any
    inherited: Any
    whence: str
    instead: str = ""

    @property
    def value(self) -> Any:
        """What holds in this scope; None for the engine's own way."""
        return self.inherited if self.own is None else self.own


class PresetDesk:
    """The presets around one chat with one model."""

    def __init__(self) -> None:
        self.scope = Scope.CHAT
        self.chat = ""
        self.model = ""
        self.named: tuple[Preset, ...] = ()
        self._set: dict[Scope, Preset] = {}
        #: What was set for a chat that does not exist yet.
        self._new_chat = Preset(Scope.CHAT)
        self._defaults: Mapping[str, Default] = defaults()
        #: What is not on the disk yet, by what it is for.
        self._unsaved: dict[tuple[Scope, str], Preset] = {}

    # What is around

    def put(self, chat: str, model: str, around: Iterable[Preset], metadata: Mapping[str, Any] | None = None) -> None:
        """Be about another chat or model.

        Args:
            chat: its id; empty for one that does not exist yet.
            model: its id; empty for none.
            around: `Store.presets.around` of the two.
            metadata: what the model's file says.
        """
        self.chat, self.model = chat, model
        self._defaults = defaults(metadata)
        self._set = {preset.scope: preset for preset in around}
        if not chat:
            self._set[Scope.CHAT] = self._new_chat
        for scope in ORDER:
            if (newer := self._unsaved.get((scope, self._subject(scope)))) is not None:
                self._set[scope] = newer
        if not model and self.scope is Scope.MODEL:
            self.scope = Scope.CHAT

    @property
    def settings(self) -> dict[str, Setting]:
        """What the next answer is asked with; what is not on the disk yet is in it."""
        return resolve(self._set.values())

    @property
    def new_chat(self) -> Preset | None:
        """What was set for a chat that does not exist yet; None where that is nothing."""
        return self._new_chat if self._new_chat.values else None

    def new_chat_is_made(self) -> None:
        """The next new chat begins without what was set for the last one."""
        self._new_chat = Preset(Scope.CHAT)
        if not self.chat:
            self._set[Scope.CHAT] = self._new_chat

    # What is shown

    @property
    def shown(self) -> Preset:
        """What is set for the scope that is shown."""
        return self._at(self.scope)

    @property
    def shown_name(self) -> str:
        """What the choice of the scope that is shown is called."""
        return starting_presets.name_of(self.shown, self.named)

    @property
    def effective_name(self) -> str:
        """What the choice of the nearest scope that says something is called."""
        nearest = next((self._at(scope) for scope in reversed(ORDER) if self._at(scope).values), Preset(Scope.CHAT))
        return starting_presets.name_of(nearest, self.named)

    @property
    def unknown(self) -> list[str]:
        """The names in the scope that is shown of which no use is made."""
        return sorted(name for name in self.shown.sampling if name not in TITLES)

    def row(self, name: str) -> Row:
        """One value, as the scope that is shown has it."""
        own = self.shown.values.get(name)
        at = ORDER.index(self.scope)
        farther = resolve(self._at(scope) for scope in ORDER[:at]).get(name)
        nearer = resolve(self._at(scope) for scope in ORDER[at + 1 :]).get(name)
        if own is not None:
            whence = tr("set for {place}", place=PLACES[self.scope])
        elif farther is not None:
            whence = tr("from {place}", place=PLACES[farther.source.scope])
        else:
            whence = self.default(name).whose
        instead = tr("{place} has its own", place=PLACES[nearer.source.scope]) if nearer is not None else ""
        inherited = farther.value if farther is not None else self.default(name).value
        return Row(own, inherited, whence, instead)

    def default(self, name: str) -> Default:
        """What holds where no preset says something."""
        return self._defaults.get(name, _OTHER_DEFAULTS.get(name, Default(None, "")))

    # What is changed

    def set(self, name: str, value: Any) -> None:
        """Set a value for the scope that is shown; None gives it back to the next one."""
        shown = self.shown
        if name == SYSTEM_PROMPT:
            self.restore(replace(shown, system_prompt=value))
        else:
            rest = {key: held for key, held in shown.sampling.items() if key != name}
            self.restore(replace(shown, sampling=rest if value is None else rest | {name: value}))

    def choose(self, preset: Preset | None, instead_of: Preset) -> None:
        """Have a scope say what a preset says, or nothing, instead of what it said."""
        if preset is None:
            self.restore(Preset(instead_of.scope, instead_of.subject))
        else:
            self.restore(starting_presets.applied(preset, instead_of, self.named))

    def restore(self, preset: Preset) -> None:
        """Set all that a scope says at once; it need not be of the chat that is shown any more."""
        subject = preset.subject
        if preset.scope is Scope.CHAT and not subject:
            self._new_chat = preset
        else:
            self._unsaved[preset.scope, subject] = preset
        if subject == self._subject(preset.scope):
            self._set[preset.scope] = preset

    # What is saved

    def unsaved(self) -> list[Preset]:
        """What has to be written (`Store.presets.settle`)."""
        return list(self._unsaved.values())

    def is_saved(self, preset: Preset) -> None:
        """This is on the disk; what was changed since then is not."""
        if self._unsaved.get((preset.scope, preset.subject)) is preset:
            del self._unsaved[preset.scope, preset.subject]

    def _at(self, scope: Scope) -> Preset:
        return self._set.get(scope) or Preset(scope, self._subject(scope))

    def _subject(self, scope: Scope) -> str:
        return {Scope.CHAT: self.chat, Scope.MODEL: self.model}.get(scope, "")
