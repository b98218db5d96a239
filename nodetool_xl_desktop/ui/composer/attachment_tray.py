"""What goes along with the message that is being written: each is read, kept and counted in the background, and shown
as a chip in the order it came, once.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from nodetool_xl_desktop.chat import attaching
from nodetool_xl_desktop.chat.quoting import quoted
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.provider.values import TokenCount
from nodetool_xl_desktop.store.parts import Attachment, clean
from nodetool_xl_desktop.store.store import Store
from nodetool_xl_desktop.ui.composer import attachment_reading as reading
from nodetool_xl_desktop.ui.composer.attachment_chips import Chip, ChipArea
from nodetool_xl_desktop.ui.composer.attachment_entry import Attached
from nodetool_xl_desktop.ui.composer.attachment_reading import Loaded
from nodetool_xl_desktop.ui.composer.attachment_viewer import SIZE, AttachmentViewer
from nodetool_xl_desktop.ui.tasks import Tasks, in_thread
from nodetool_xl_desktop.ui.theme import Theme

#: Says how many tokens a text makes.
Count = Callable[[str], Awaitable[TokenCount]]
_Load = Callable[[], Coroutine[Any, Any, Loaded]]

#: With more than these, a folder was meant.
MOST_FILES = 50
#: So many are read at the same time.
AT_ONCE = 4


class AttachmentTray(QObject):
    """The attachments of one message.

    Args:
        theme: the theme in force.
        tasks: where they are read.
        parent: the composer.
    """

    #: The person added or removed one, or one that they added is read.
    changed = Signal()
    #: One was removed by the person (an `Attached`, and where it stood).
    removed = Signal(object, int)
    #: One was not attached (a `UserFacingError`).
    refused = Signal(object)
    #: Something small that is good to know.
    told = Signal(str)
    #: Nothing is being read any more.
    settled = Signal()
    #: One was read after its draft had been left (the place of that draft, and the part).
    late = Signal(str, object)
    #: This text is to stand in the message itself.
    put_requested = Signal(str)

    def __init__(self, theme: Theme, tasks: Tasks, parent: QObject) -> None:
        super().__init__(parent)
        self._theme = theme
        self._tasks = tasks
        self._store: Store | None = None
        self._store_is_open = asyncio.Event()
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._count: Count | None = None
        #: Whether the model can see pictures; `set_vision` says so.
        self.can_see = False
        self._place = ""
        self.area = ChipArea()
        self.entries: list[Attached] = []

    def set_store(self, store: Store) -> None:
        """What is attached is kept here; until then it waits."""
        self._store = store
        self._store_is_open.set()

    def set_counter(self, count: Count | None) -> None:
        """Count tokens in this way; None estimates them."""
        self._count = count
        for entry in self.entries:
            if entry.ready and entry.part is not None and not attaching.is_picture(entry.part):
                self._tasks.start(self._count_again(entry, entry.part))

    def set_vision(self, can_see: bool) -> None:
        """Whether the model can see pictures."""
        self.can_see = can_see
        for entry in self.entries:
            self._show(entry)

    @property
    def parts(self) -> tuple[Attachment, ...]:
        """As they go into the message, once `reading` is none."""
        return tuple(entry.part for entry in self.entries if entry.part is not None)

    @property
    def draft(self) -> tuple[Attachment, ...]:
        """The same without what the search finds: it is written at each change."""
        return tuple(replace(part, text="") for part in self.parts)

    @property
    def reading(self) -> int:
        """How many are not read yet."""
        return sum(not entry.ready for entry in self.entries)

    @property
    def unseen(self) -> str:
        """The name of a picture that the model cannot see; empty where there is none."""
        pictures = (part.name for part in self.parts if attaching.is_picture(part) and not self.can_see)
        return next(pictures, "")

    def attach(self, paths: Sequence[Path]) -> None:
        """Read these files, and have them go along."""
        known = {entry.path for entry in self.entries}
        for path in dict.fromkeys(path.absolute() for path in paths):
            name = clean(path.name or str(path))
            if path in known:
                self.told.emit(tr("{name} is attached already.", name=name))
            elif len(self.entries) >= MOST_FILES:
                why = tr("at most {most_files} files can go along with one message", most_files=MOST_FILES)
                self.refused.emit(
                    UserFacingError(tr("{name} was not attached", name=name), why, tr("Send the others first."))
                )
            else:
                self._begin(name, "file-text", partial(reading.file, path, self.can_see)).path = path
        self.changed.emit()

    def attach_data(self, name: str, data: bytes) -> None:
        """Have something go along that was read elsewhere, under this name."""
        name = clean(name) or tr("Resource")
        if len(self.entries) >= MOST_FILES:
            why = tr("at most {most_files} files can go along with one message", most_files=MOST_FILES)
            self.refused.emit(
                UserFacingError(tr("{name} was not attached", name=name), why, tr("Send the others first."))
            )
            return
        self._begin(name, "file-text", partial(reading.data, data, name, self.can_see))
        self.changed.emit()

    def paste(self, text: str) -> Attached:
        """Have a long text go along."""
        taken = {entry.name for entry in self.entries}
        numbered = (f"{attaching.PASTED} {number}" for number in range(2, MOST_FILES + 2))
        name = next(name for name in (attaching.PASTED, *numbered) if name not in taken)
        entry = self._begin(name, "clipboard-text", partial(reading.text, text, name))
        self.changed.emit()
        return entry

    def paste_picture(self, image: QImage) -> None:
        """Have a picture go along, such as a screenshot."""
        name = reading.SCREENSHOT
        self._begin(name, "image", partial(reading.image, image, name, self.can_see))
        self.changed.emit()

    def show(self, parts: Sequence[Attachment], place: str) -> None:
        """Show the attachments of another draft. What is still read goes on, and is handed on by `late`, or stands
        here where the person is back by then.
        """
        for entry in list(self.entries):
            self._drop(entry)
        self._place = place
        for part in parts:
            self._restore(part)

    def move(self, place: str) -> None:
        """What is shown is the draft of this place from now on, which did not exist before."""
        self._place = place
        for entry in self.entries:
            entry.place = place

    def clear(self) -> None:
        """They were sent; what `parts` did not have yet was not, and stays."""
        for entry in [entry for entry in self.entries if entry.part is not None]:
            if entry.task is not None:
                entry.task.cancel()
            self._drop(entry)

    def remove(self, entry: Attached) -> None:
        """Take one away."""
        if entry not in self.entries:
            return
        at = self.entries.index(entry)
        if entry.task is not None:
            entry.task.cancel()
        self._drop(entry)
        self.removed.emit(entry, at)
        self.changed.emit()
        self._settle()

    def put_back(self, entry: Attached, at: int) -> None:
        """Undo `remove`."""
        if entry.part is not None:
            self._restore(entry.part, min(at, len(self.entries)))
        elif entry.path is not None:
            self.attach([entry.path])
        self.changed.emit()

    # Reading

    async def _opened(self) -> Store:
        await self._store_is_open.wait()
        assert self._store is not None
        return self._store

    def _begin(self, name: str, icon: str, load: _Load, at: int | None = None) -> Attached:
        entry = Attached(name, Chip(self._theme, icon), self._place)
        at = len(self.entries) if at is None else at
        self.entries.insert(at, entry)
        entry.chip.show_facts(name, tr("reading ..."))
        entry.chip.removed.connect(lambda: self.remove(entry))
        entry.chip.opened.connect(lambda: self._open(entry))
        self.area.insert(at, entry.chip)
        entry.task = self._tasks.start(self._read(entry, load))
        return entry

    def _restore(self, part: Attachment, at: int | None = None) -> None:
        async def load() -> Loaded:
            return await reading.kept(await self._opened(), part)

        icon = "clipboard-text" if attaching.is_pasted(part) else "file-text"
        self._begin(part.name, icon, load, at).part = part  # it can be left again while it is read

    async def _read(self, entry: Attached, load: _Load) -> None:
        try:
            async with self._slots:
                loaded = await load()
            material = loaded.material
            part = loaded.part or await (await self._opened()).files.add_data(
                material.data, material.name, material.media_type
            )
        except UserFacingError as error:
            if entry in self.entries:
                self._drop(entry)
                self.changed.emit()
            self.refused.emit(error)
        else:
            await self._take(entry, replace(part, text=(material.text or "")[: attaching.SEARCHED]), loaded)
        self._settle()

    async def _take(self, entry: Attached, part: Attachment, loaded: Loaded) -> None:
        """It is read and kept."""
        text, guessed = loaded.material.text, loaded.material.guessed
        if entry not in self.entries:
            if loaded.part is None:
                self._take_late(entry.place, replace(part, text=""))
            return
        if any(each is not entry and each.part and each.part.sha256 == part.sha256 for each in self.entries):
            self.told.emit(tr("{name} is attached already.", name=part.name))
            self._drop(entry)
            self.changed.emit()
            return
        entry.take(part, loaded)
        self._show(entry)
        if guessed:
            self.told.emit(
                tr(
                    "{name} was read as {guessed}. If its letters look wrong, save it as UTF-8.",
                    name=part.name,
                    guessed=guessed,
                )
            )
        if loaded.part is None:
            self.changed.emit()
        self._settle()
        if text is not None:
            await self._count_tokens(entry, text)

    def _take_late(self, place: str, part: Attachment) -> None:
        """It is read, and its draft was left meanwhile."""
        if place != self._place:
            self.late.emit(place, part)
        elif all(each.part is None or each.part.sha256 != part.sha256 for each in self.entries):
            self._restore(part)
            self.changed.emit()

    def _settle(self) -> None:
        if not self.reading:
            self.settled.emit()

    # Counting

    async def _count_again(self, entry: Attached, part: Attachment) -> None:
        try:
            loaded = await reading.kept(await self._opened(), part)
        except UserFacingError as error:
            self.refused.emit(error)
        else:
            await self._count_tokens(entry, loaded.material.text or "")

    async def _count_tokens(self, entry: Attached, text: str) -> None:
        block = await in_thread(partial(quoted, entry.name, text))
        tokens: TokenCount | None = None
        if self._count is not None:
            with contextlib.suppress(UserFacingError):  # the model went away meanwhile
                tokens = await self._count(block)
        entry.tokens = await in_thread(partial(reading.estimate, block)) if tokens is None else tokens
        self._show(entry)

    # Showing

    def _show(self, entry: Attached) -> None:
        if entry in self.entries:
            entry.show(self.can_see)

    def _open(self, entry: Attached) -> None:
        if entry.part is not None and entry.ready:
            self._tasks.start(self._view(entry, entry.part))

    async def _view(self, entry: Attached, part: Attachment) -> None:
        """Show what it holds."""
        try:
            text, picture = await reading.to_look_at(await self._opened(), part, 2 * SIZE[0])
        except UserFacingError as error:
            self.refused.emit(error)
            return
        facts = entry.chip.text.partition(" | ")[2]
        viewer = AttachmentViewer(part.name, facts, text, picture, self.area.window())
        viewer.remove_requested.connect(lambda: self.remove(entry))
        viewer.put_requested.connect(lambda: self._put(entry, text or ""))
        viewer.open()

    def _put(self, entry: Attached, text: str) -> None:
        if entry in self.entries:
            self._drop(entry)
            self.put_requested.emit(text)

    def _drop(self, entry: Attached) -> None:
        self.entries.remove(entry)
        self.area.remove(entry.chip)
