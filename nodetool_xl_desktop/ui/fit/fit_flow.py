"""What others have to say for the fit panel and My Models: the engine's own word, the devices, and a verdict on each
model.

The engine is asked only while nothing is loaded or answered: a plan reads the same file as a load and takes a core from
an answer, which is what the person waits for then (a second busy process slows decoding to a third), while an estimate
is on the screen already.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from PySide6.QtCore import QObject

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.units import GIB
from nodetool_xl_desktop.engine.states import Ending, Ready, Starting, State
from nodetool_xl_desktop.fit.memory import Device, HostMemory, Machine, Needs
from nodetool_xl_desktop.fit.placement import used
from nodetool_xl_desktop.gguf import HeaderCache
from nodetool_xl_desktop.library.loads import LoadRecords
from nodetool_xl_desktop.preview.badges import Badge, Badges
from nodetool_xl_desktop.preview.confirm import Planner, ask
from nodetool_xl_desktop.preview.report import FitReport
from nodetool_xl_desktop.ui.chat_flow import ChatFlow
from nodetool_xl_desktop.ui.fit.fit_panel import FitPanel
from nodetool_xl_desktop.ui.models.models_page import ModelsPage
from nodetool_xl_desktop.ui.tasks import Tasks, in_thread

#: Looks up the devices: `engine.hardware.devices`.
LookUp = Callable[[], Awaitable[Sequence[Device]]]
#: What was seen of the devices is believed for so long, unless the person asks: looking starts a child.
SEEN_FOR_S = 30.0
#: So many models are judged in one go, and so many badges of models that nobody sees are shown at once.
AT_ONCE, SHOWN_AT_ONCE = 8, 200
#: Verdicts on models that nobody sees stay while the free memory differs by less, in bytes.
NEAR = GIB // 2


class Judged(Protocol):
    """A view of models that wants their badges: of those in sight, and a signal that says that these are others."""

    in_sight_changed: Any

    @property
    def in_sight(self) -> list[Path]:
        """The models, from above to below."""


@dataclass(frozen=True, slots=True)
class Sources:
    """What is known of the machine and of loads.

    Attributes:
        memory: looks at the machine's memory.
        devices: looks up what there is beside the processor.
        plan: has the engine plan a load.
        records: what loads took.
        headers: of model files, read once.
    """

    memory: Callable[[], HostMemory]
    devices: LookUp
    plan: Planner
    records: LoadRecords
    headers: HeaderCache


class FitFlow(QObject):
    """Asks, and hands on what it hears.

    Args:
        panel: shows the engine's word and the devices.
        models: shows the badges.
        chat: its answers go before questions of the panel.
        tasks: where questions run.
        sources: what is asked.
        badges: judges the models.
    """

    def __init__(
        self,
        *,
        panel: FitPanel,
        models: ModelsPage,
        chat: ChatFlow,
        tasks: Tasks,
        sources: Sources,
        badges: Badges,
    ) -> None:
        super().__init__(panel)
        self.panel = panel
        self._models = models
        self._chat = chat
        self._tasks = tasks
        self.sources = sources
        self._badges = badges
        self._state: State | None = None
        self._planned: Needs | None = None  # of what is loaded
        self._seen_at: float | None = None
        self._is_closed = False
        self._asking: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[None] | None = None
        self._judging: asyncio.Task[None] | None = None
        self._judge_again = False
        self._judged_rest: set[Path] = set()
        panel.moved.connect(self._forget_question)
        panel.rested.connect(self._ask_soon)
        panel.look_requested.connect(self.look)
        chat.answer_ended.connect(panel.ask_again)
        self._views: list[Judged] = [models]
        self._judged_for: Machine | None = None  # the badges that are not in sight, roughly
        models.in_sight_changed.connect(self._judge_soon)
        models.list.changed.connect(self._judge_soon)

    def loading(self, report: FitReport) -> None:
        """This is being loaded: so much of the devices is ours afterwards."""
        self._planned = report.need

    def close(self) -> None:
        """The program ends: ask nothing any more."""
        self._is_closed = True

    def show_state(self, state: State) -> None:
        """A model is loading, ready, failed or ending."""
        moved = type(state) is not type(self._state)
        self._state = state
        self.panel.held_on_devices = sum(self._held().values())
        if not moved or isinstance(state, Ending):
            return
        if isinstance(state, Starting):
            self._forget_question()
            return
        self.look_if_old()
        self._judge_soon()

    def look(self) -> None:
        """Look at the devices now, however short ago that was; once it is over while a model is half in memory."""
        if isinstance(self._state, Starting | Ending):
            self._seen_at = None
        elif not self._is_closed and (self._looking is None or self._looking.done()):
            self._looking = self._tasks.start(self._look())

    async def looked(self) -> None:
        """Wait for a look at the devices that is on its way: nothing is loaded as if there were none."""
        while self._looking is not None and not self._looking.done():
            await asyncio.wait([self._looking])

    def look_if_old(self) -> None:
        """Look at the devices where that was not done lately."""
        if self._seen_at is None or (self.panel.machine.devices and time.monotonic() - self._seen_at > SEEN_FOR_S):
            self.look()

    def machine_changed(self) -> None:
        """Other programs may have taken or given back memory."""
        self.panel.look_again()
        if self._seen_at is not None:
            self.look_if_old()
        self._judge_soon()

    # The engine's word

    def _forget_question(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None

    def _ask_soon(self) -> None:
        if not self._is_busy() and not self._is_closed:
            self._forget_question()
            self._asking = self._tasks.start(self._ask())

    def _is_busy(self) -> bool:
        return isinstance(self._state, Starting | Ending) or self._chat.is_answering

    async def _ask(self) -> None:
        question = self.panel.question
        if question is None:
            return
        devices = self.panel.machine.devices
        shares_are_open = len(used(devices)) > 1 and question.options.gpu_layers and not question.options.tensor_split
        if shares_are_open and self._held():
            return  # the engine would share the layers out by what is free beside the model that is to go
        self.panel.show_word(await ask(question.header, question.options, self.sources.plan, question.projector))

    # The devices

    def _held(self) -> dict[str, int]:
        """What the loaded model holds of each device, in bytes."""
        if not isinstance(self._state, Ready) or self._planned is None:
            return {}
        return {device.name: use.total for device, use in self._planned.devices if use.total}

    async def _look(self) -> None:
        if not self.panel.has_engine:
            return
        try:
            found = await self.sources.devices()
        except UserFacingError:  # there is no engine to put layers onto a device; a load tells why
            found = ()
        held = self._held()
        self._seen_at = time.monotonic()
        self.panel.show_devices([_with_returned(device, held.get(device.name, 0)) for device in found])
        self._judge_soon()

    # My Models

    def judge_for(self, view: Judged) -> None:
        """Another view shows the models: those that are in sight there are judged too."""
        self._views.append(view)
        view.in_sight_changed.connect(self._judge_soon)

    def _judge_soon(self) -> None:
        """Judge what is in sight, and all that the list needs; what is being judged already goes on."""
        self._judge_again = True
        if (self._judging is None or self._judging.done()) and not self._is_closed:
            self._judging = self._tasks.start(self._judge())

    async def _judge(self) -> None:
        rows = self._models.list
        while self._judge_again and not self._is_closed:
            self._judge_again = False
            machine = self.panel.machine
            in_sight = [path for view in self._views for path in view.in_sight]
            selected = [self._models.selected] if self._models.selected is not None else []
            wanted = list(dict.fromkeys([*selected, *in_sight]))
            for begin in range(0, len(wanted), AT_ONCE):
                rows.set_badges(await in_thread(partial(self._judged, wanted[begin : begin + AT_ONCE], machine)))
            if rows.needs_all_badges and not self._judge_again:
                await self._judge_the_rest(machine)

    async def _judge_the_rest(self, machine: Machine) -> None:
        """Models that nobody sees, as the list is sorted by the verdict, or filtered.

        Each header is read for it, so what was judged stays until the machine has clearly other memory.
        """
        rows = self._models.list
        is_known = self._judged_for is not None and _is_much_like(machine, self._judged_for)
        left = [
            entry.path
            for entry in rows.all
            if entry.file.trouble is None and not (is_known and entry.path in self._judged_rest)
        ]
        if not is_known:
            self._judged_for, self._judged_rest = machine, set()
        found: dict[Path, Badge | None] = {}
        for begin in range(0, len(left), AT_ONCE):
            if self._judge_again:  # what is in sight goes first
                break
            part = left[begin : begin + AT_ONCE]
            found |= await in_thread(partial(self._judged, part, machine))
            self._judged_rest.update(part)
            if len(found) >= SHOWN_AT_ONCE:
                rows.set_badges(found)
                found = {}
        rows.set_badges(found)

    def _judged(self, paths: Sequence[Path], machine: Machine) -> dict[Path, Badge | None]:
        return {path: self._badges.judge(path, machine) for path in paths}


def _is_much_like(machine: Machine, other: Machine) -> bool:
    """Whether a verdict for one holds, but for the last half GiB, for the other."""

    def free(each: Machine) -> list[int]:
        return [each.host.free, *(device.free or 0 for device in each.devices)]

    now, before = free(machine), free(other)
    return len(now) == len(before) and all(abs(a - b) < NEAR for a, b in zip(now, before, strict=True))


def _with_returned(device: Device, size: int) -> Device:
    """The device once so many bytes of it are given back."""
    if device.free is None or device.total is None:
        return device
    return replace(device, free=min(device.total, device.free + size))
