"""What happens to presets between their panel and the store.

What is changed holds at once (`settings`), and is on the disk a moment later (`saved` waits for it).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from nodetool_xl_desktop.chat.preset_desk import PresetDesk
from nodetool_xl_desktop.chat.sampling_values import SYSTEM_PROMPT
from nodetool_xl_desktop.chat.starting_presets import CUSTOM, DEFAULT
from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.provider import tokens
from nodetool_xl_desktop.provider.values import Message, TokenCount
from nodetool_xl_desktop.store.presets import Preset, Scope, Setting
from nodetool_xl_desktop.store.store import Store
from nodetool_xl_desktop.ui.parts import caption
from nodetool_xl_desktop.ui.presets.named_presets import NamedPresets
from nodetool_xl_desktop.ui.presets.preset_button import PresetButton
from nodetool_xl_desktop.ui.presets.preset_panel import PresetPanel
from nodetool_xl_desktop.ui.tasks import Tasks, in_thread
from nodetool_xl_desktop.ui.theme import Theme

#: How long what is typed is left alone before it is written, or its tokens are counted.
REST_MS = 250
#: Counts the tokens of a system prompt.
Count = Callable[[str], Awaitable[TokenCount]]


async def estimated(text: str) -> TokenCount:
    """About how many tokens a system prompt has, whatever the model."""

    def count() -> int:
        whole, empty = (tokens.estimate([Message("system", each)]) for each in (text, ""))
        return whole - empty

    return TokenCount(await in_thread(count), exact=False)


class PresetFlow(QObject):
    """Keeps what the panel changes.

    Args:
        theme: the theme in force.
        tasks: where reading and writing run.
        button: opens the panel, and says which preset holds.
        count: counts the tokens of a system prompt; may be exact where a model is loaded.
    """

    #: Something is asked otherwise from the next answer on.
    changed = Signal()

    def __init__(self, theme: Theme, tasks: Tasks, button: PresetButton, count: Count = estimated) -> None:
        super().__init__(button)
        self._tasks = tasks
        self._button = button
        self._count = count
        self._store: Store | None = None
        self._desk = PresetDesk()
        self._chat, self._model, self._model_title = "", "", ""
        self._metadata: Mapping[str, Any] | None = None
        self._reading: asyncio.Task[None] | None = None
        self._later: set[asyncio.Task[None]] = set()
        self._written = 0
        self._counting: asyncio.Task[None] | None = None
        self._counted = ""
        #: What the last choices among presets replaced: all of them are taken back at once.
        self._before: Preset | None = None
        self.panel = PresetPanel(theme, button)
        self.named = NamedPresets(tasks, self._desk, self.panel, choose=self._choose)
        self._write_rest = self._timer(lambda: self._start(self._write()))
        self._count_rest = self._timer(self._count_soon)
        self.panel.scope_requested.connect(self._show_scope)
        self.panel.set_requested.connect(lambda name, value: self._when_read(partial(self._set, name, value)))
        self.panel.toggled.connect(self._toggled)
        self.panel.chooser.chosen.connect(lambda preset: self._when_read(partial(self._choose, preset)))
        self.named.listed.connect(lambda: self._show(anew=False))
        self._show(anew=True)

    # What the window calls

    def set_store(self, store: Store) -> None:
        """The chats were opened."""
        self._store = store
        self.named.set_store(store)
        self._read_soon()

    def show_for(
        self, chat_id: str | None, model_id: str, model_title: str, metadata: Mapping[str, Any] | None = None
    ) -> None:
        """Be about another chat or another model.

        Args:
            chat_id: None for a chat that does not exist yet: what is set for it waits until it does.
            model_id: as the store knows models (`ModelIdentity.id`); empty for none.
            model_title: as people know it.
            metadata: of the model's file, where that is known: it may have defaults of its own.
        """
        self._chat, self._model, self._model_title, self._metadata = chat_id or "", model_id, model_title, metadata
        self._read_soon()

    @property
    def settings(self) -> dict[str, Setting]:
        """What the chat that is shown is asked with, as `Store.presets.settings` gives it: for `asking`."""
        return self._desk.settings

    def values_for_new_chat(self) -> Preset | None:
        """What was set for a chat that does not exist yet; None where that is nothing."""
        return self._desk.new_chat

    async def keep_for_new_chat(self, chat_id: str) -> None:
        """The chat exists now: write what was set for it, and begin the next one without.

        Raises:
            StoreError: it could not be written; it is still there to be kept.
        """
        preset = self._desk.new_chat
        if preset is not None and self._store is not None:
            await self._store.presets.settle(replace(preset, subject=chat_id))
        self._desk.new_chat_is_made()

    async def saved(self) -> None:
        """Wait until what was changed is on the disk, or the panel says why it is not."""
        await self._read_through()
        while self._later:  # what was set while the desk was being read
            await asyncio.wait(self._later)
        self._write_rest.stop()
        await self._write()

    # Reading and writing

    def _read_soon(self) -> None:
        if self._store is not None:
            if self._reading is not None:
                self._reading.cancel()
            self._reading = self._tasks.start(self._read(self._store))

    async def _read_through(self) -> None:
        while self._reading is not None and not self._reading.done():
            await asyncio.wait([self._reading])

    async def _read(self, store: Store) -> None:
        chat, model, metadata = self._chat, self._model, self._metadata
        try:
            around, written = list[Preset](), -1
            while written != self._written:  # what was written meanwhile is newer than what was read
                written = self._written
                around = await store.presets.around(chat, model)
            named = await store.presets.named()
        except UserFacingError as error:
            self.panel.tell_error(error, tr("Try Again"), self._read_soon)
            return
        self._desk.put(chat, model, around, metadata)
        self._desk.named = tuple(named)
        self._before = None
        self.panel.notice.hide()
        self._show(anew=True)
        self.changed.emit()

    async def _write(self) -> None:
        while self._store is not None and (unsaved := self._desk.unsaved()):
            try:
                await self._store.presets.settle(unsaved[0])
            except UserFacingError as error:
                self.panel.tell_error(error, tr("Try Again"), lambda: self._start(self._write()))
                return
            self._written += 1
            self._desk.is_saved(unsaved[0])

    # What the panel asks for

    def _toggled(self, is_open: bool) -> None:
        if is_open:
            self._show(anew=True)
        else:
            self._write_rest.stop()
            self._start(self._write())

    def _show_scope(self, scope: str) -> None:
        self._desk.scope = Scope(scope)
        self._before = None
        self.panel.notice.hide()
        self._show(anew=True)

    def _when_read(self, work: Callable[[], None]) -> None:
        """Do this once the desk is about the chat that is shown: a moment before, it would be done to the last one."""

        async def later() -> None:
            await self._read_through()
            work()

        if self._reading is None or self._reading.done():
            work()
        else:
            task = self._tasks.start(later())
            self._later.add(task)
            task.add_done_callback(self._later.discard)

    def _set(self, name: str, value: Any) -> None:
        self._before = None
        self._desk.set(name, value)
        self._has_changed(anew=False)

    def _choose(self, preset: Preset | None) -> None:
        was_custom = self._desk.shown_name == CUSTOM
        # Keys step from one choice to the next: each is made in place of what was there before the first.
        first = self._before or self._desk.shown
        self._desk.choose(preset, first)
        self._has_changed(anew=True)
        if was_custom or self._before is not None:  # something is gone that no other choice brings back
            self._before = first
            chosen = caption(preset.name if preset is not None else DEFAULT)
            self.panel.tell(
                tr("“{chosen}” replaced what was set", chosen=chosen), "", tr("Undo"), lambda: self._take_back(first)
            )
        else:
            self.panel.notice.hide()

    def _take_back(self, preset: Preset) -> None:
        self._before = None
        self.panel.notice.hide()
        self._desk.restore(preset)
        self._has_changed(anew=True)

    def _has_changed(self, *, anew: bool) -> None:
        self._show(anew=anew)
        self._write_rest.start()
        self.changed.emit()

    def _show(self, *, anew: bool) -> None:
        self._button.show_name(self._desk.effective_name)
        self.panel.show_desk(self._desk, self._model_title, ready=self._store is not None, anew=anew)
        self._count_rest.start()

    # Tokens

    def _count_soon(self) -> None:
        prompt = str(self._desk.row(SYSTEM_PROMPT).value or "")
        if not self.panel.isVisible() or prompt == self._counted:
            return
        self._counted = prompt
        if self._counting is not None:
            self._counting.cancel()
        if prompt:
            self._counting = self._tasks.start(self._count_tokens(prompt))
        else:
            self.panel.show_tokens("")

    async def _count_tokens(self, prompt: str) -> None:
        try:
            count = await self._count(prompt)
        except UserFacingError:  # the model's template refuses it, which its answer will say
            self.panel.show_tokens("")
            return
        self.panel.show_tokens(units.tokens(count) if count.exact else tr("about {tokens}", tokens=units.tokens(count)))

    def _timer(self, work: Callable[[], object]) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(REST_MS)
        timer.timeout.connect(work)
        return timer

    def _start(self, work: Any) -> None:
        self._tasks.start(work)
