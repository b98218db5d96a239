"""What a person chose for the whole program: read after the start, kept when chosen, heard of when it changes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, Signal

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.setting import Origin, Setting, T
from nodetool_xl_desktop.core.settings_file import SettingsFile, Values, fixed
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.ui.tasks import Tasks, in_thread


class Chosen(QObject):
    """The settings, beside the window's thread.

    Args:
        file: where they are kept.
        tasks: where that is done.
        tell: hears what could not be kept, and what in the file cannot be used.
    """

    #: What was chosen before is known (`Values`): once, after `changed`.
    read = Signal(object)
    #: Something holds that did not, whoever said it (`Values`).
    changed = Signal(object)
    #: These settings (a tuple of `Setting`) are on the disk now, for whoever reads them there.
    kept = Signal(object)
    #: What was told of the file (a `UserFacingError`) is over: it was mended, or something else is told.
    mended = Signal(object)
    #: A person wanted another value of this (`Setting`) than the environment allows.
    refused = Signal(object)

    def __init__(self, file: SettingsFile, tasks: Tasks, tell: Callable[[UserFacingError], object]) -> None:
        super().__init__()
        self.file = file
        self._tasks = tasks
        self._tell = tell
        self._now = file.given()
        self._told: tuple[str, ...] = ()
        self._stands: UserFacingError | None = None  # what was told of them
        self._wanted: dict[Setting[Any], Any] = {}  # and on its way to the disk
        self._unkept: dict[Setting[Any], Any] = {}  # chosen, but the disk or the file does not take it
        self._lock = asyncio.Lock()

    @property
    def now(self) -> Values:
        """What holds; before the file was read, the environment and the defaults."""
        return self._now

    def start(self) -> None:
        """Read them."""
        self._tasks.start(self._read(is_first=True), self._tell)

    def look_again(self) -> None:
        """Another program, such as an editor, may have changed the file."""
        self._tasks.start(self._read(is_first=False), self._tell)

    def choose(self, setting: Setting[T], value: T) -> None:
        """Have this hold from now on."""
        self._choose(setting, value)

    def reset(self, setting: Setting[Any]) -> None:
        """Have the default hold again."""
        self._choose(setting, None)

    async def saved(self) -> None:
        """Wait until what was chosen is on the disk, or was refused, which was told."""
        with contextlib.suppress(UserFacingError):
            await self._keep()

    def _choose(self, setting: Setting[Any], value: Any) -> None:
        if self._now.origin(setting) is Origin.ENVIRONMENT:
            self._tell(fixed(setting))
            self.refused.emit(setting)  # whoever shows the other value shows this one again
            return
        self._use(self._now.with_values({setting: value}))  # at once: the disk may take its time
        self._wanted[setting] = value
        self._tasks.start(self._keep(), self._tell)

    def _use(self, values: Values) -> None:
        if values != self._now:
            self._now = values
            self.changed.emit(values)

    async def _read(self, *, is_first: bool) -> None:
        try:
            async with self._lock:
                self._show(await in_thread(self.file.read))
        finally:  # whatever becomes of it, the program begins
            if is_first:
                self.read.emit(self._now)
        self._hear(self._now, tells=True)

    async def _keep(self) -> None:
        async with self._lock:  # one after the other: the last one stays
            if not (wanted := dict(self._wanted)):
                return  # kept with one that came before
            self._wanted.clear()
            try:
                values = await in_thread(lambda: self.file.change(wanted))
            except UserFacingError:
                self._unkept |= wanted  # it holds as long as the program runs
                self._show(self._now)
                raise
            self._unkept = {setting: value for setting, value in self._unkept.items() if setting not in wanted}
            self._hear(values, tells=False)
            self._show(values)
        self.kept.emit(tuple(wanted))

    def _hear(self, values: Values, *, tells: bool) -> None:
        """What cannot be used of the file: it is told once, and no longer when it is mended.

        Args:
            values: with it.
            tells: whether it is told where nothing is yet.
        """
        if values.problems == self._told:
            return
        self._told, stood = values.problems, self._stands
        if stood is not None:
            self.mended.emit(stood)
        self._stands = _told(values) if values.problems and (tells or stood is not None) else None
        if self._stands is not None:
            self._tell(self._stands)

    def _show(self, values: Values) -> None:
        """Have these hold, but for what was chosen since."""
        self._use(values.with_values(self._unkept, Origin.UNKEPT).with_values(self._wanted))


def _told(values: Values) -> UserFacingError:
    if values.is_broken:
        return UserFacingError(values.problems[0].rstrip("."))
    what = tr("Some settings cannot be used")
    return UserFacingError(what, " ".join(values.problems), tr("Until they are corrected, the defaults hold."))
