"""What one press of Export does: chats into a file, or each into one of its own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from nodetool_xl_desktop.core.translation import tr, trn
from nodetool_xl_desktop.exchange import transfer
from nodetool_xl_desktop.exchange.progress import Progress
from nodetool_xl_desktop.exchange.transfer import Kind
from nodetool_xl_desktop.store.store import Store
from nodetool_xl_desktop.ui.exchange import pdf
from nodetool_xl_desktop.ui.parts import caption
from nodetool_xl_desktop.ui.tasks import in_thread


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is to be exported.

    Attributes:
        ids: of the chats.
        title: of the one, where it is one.
        is_all: whether these are all there are.
    """

    ids: tuple[str, ...]
    title: str = ""
    is_all: bool = False

    @property
    def in_words(self) -> str:
        """As a heading says it."""
        if len(self.ids) == 1 and self.title:
            return tr("Export “{title}”", title=caption(self.title, 60).replace("&&", "&"))
        if self.is_all:
            return trn("Export All {count} Chat", "Export All {count:,} Chats", len(self.ids))
        return trn("Export {count} Chat", "Export {count:,} Chats", len(self.ids))


@dataclass(frozen=True, slots=True)
class ExportJob:
    """One press of the button.

    Attributes:
        store: where the chats are.
        chosen: which of them.
        kind: as what.
        target: the file, or the folder.
        is_one_file: which of the two.
        replace: whether a file that is there may go.
        progress: hears how many chats are written, and is told to stop.
    """

    store: Store
    chosen: Chosen
    kind: Kind
    target: Path
    is_one_file: bool
    replace: bool
    progress: Progress

    async def run(self) -> int:
        """Write the chats; returns how many were, where it was cancelled.

        Raises:
            StoreError: the disk refused, or (`AlreadyThere`) a file is there that may not go.
        """
        ids = self.chosen.ids
        if self.kind is Kind.JSON:
            which = None if self.chosen.is_all else ids
            return await transfer.export_json(
                self.store, self.target, which, replace=self.replace, progress=self.progress
            )
        if len(ids) > 1:
            if self.kind is Kind.PDF:
                return await self._write_pdfs()
            return len(await transfer.export_pages(self.store, self.target, self.kind, ids, progress=self.progress))
        if self.kind is Kind.PDF:
            return await self._write_pdf(ids[0])
        await transfer.export_page(self.store, self.target, self.kind, ids[0], replace=self.replace)
        return 1

    async def _write_pdf(self, chat: str) -> int:
        data = await pdf.to_pdf(await transfer.printed(self.store, chat), self.progress)
        if data:
            await transfer.keep_file(self.target, data, replace=self.replace)
        return 1 if data else 0

    async def _write_pdfs(self) -> int:
        ids = self.chosen.ids
        for number, chat in enumerate(ids):
            self.progress.tell_now(number, len(ids))
            printed = await transfer.printed(self.store, chat)
            data = await pdf.to_pdf(printed, self.progress)
            if not data:
                return number
            file = await in_thread(partial(transfer.name_in, self.target, printed.title, Kind.PDF))
            await transfer.keep_file(file, data)
        return len(ids)
