"""Puts texts onto the clipboard; a large one is read in a thread, so that the window goes on."""

from __future__ import annotations

import asyncio
import atexit
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from PySide6.QtCore import QMimeData
from PySide6.QtGui import QGuiApplication

from nodetool_xl_desktop.ui.markdown.copied import Copied, Source, markdown, plain_text
from nodetool_xl_desktop.ui.tasks import in_thread

Made = TypeVar("Made")

#: More letters are read in a thread.
AT_ONCE = 60_000
_running: set[asyncio.Task[None]] = set()


def let_go() -> None:
    """Leave on the clipboard only what Qt made itself.

    WORKAROUND: Qt's clipboard ends after Python does, and a `QMimeData` that was made here then asks Python for its
    methods: the process crashes (PySide 6.11). The text stays; at the end of a program most systems keep no more.
    """
    if QGuiApplication.instance() is None:
        return
    board = QGuiApplication.clipboard()
    # Off screen nobody owns a clipboard. Elsewhere what another program has copied since stays there.
    if board.ownsClipboard() or QGuiApplication.platformName() == "offscreen":
        board.setText(board.text())


atexit.register(let_go)


def put(sources: Sequence[Source]) -> None:
    """Copy these as plain text, rich text and Markdown at once."""
    _put(sources, Copied.of, lambda made: made.mime())


def put_plain(sources: Sequence[Source]) -> None:
    """Copy these as plain text alone."""
    _put(sources, plain_text, _as_text)


def put_markdown(sources: Sequence[Source]) -> None:
    """Copy these as Markdown, which is the clipboard's plain text then."""
    _put(sources, markdown, _as_text)


def is_busy() -> bool:
    """Whether something is still being read that was copied."""
    return bool(_running)


def _as_text(text: str) -> QMimeData:
    data = QMimeData()
    data.setText(text)
    return data


def _put(
    sources: Sequence[Source], make: Callable[[Sequence[Source]], Made], mime: Callable[[Made], QMimeData]
) -> None:
    if sum(source.letters for source in sources) <= AT_ONCE:
        QGuiApplication.clipboard().setMimeData(mime(make(sources)))
        return
    for earlier in _running:
        earlier.cancel()
    alone = [replace(source, page=None) for source in sources]

    async def read() -> None:
        try:
            made = await in_thread(lambda: make(alone))
        finally:
            board.dataChanged.disconnect(stop)
        board.setMimeData(mime(made))

    def stop() -> None:  # what is copied meanwhile, here or elsewhere, is newer
        task.cancel()

    board = QGuiApplication.clipboard()
    task = asyncio.get_event_loop().create_task(read())
    board.dataChanged.connect(stop)
    _running.add(task)
    task.add_done_callback(_running.discard)
