"""A file in the system's file manager, selected where that can be done."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.ui.tasks import in_thread

#: How long a file manager has to answer, in milliseconds; it may have to be started.
_ANSWERS_MS = 3000
_SERVICE = "org.freedesktop.FileManager1"


async def show_in_folder(path: Path) -> None:
    """Show a file.

    Raises:
        UserFacingError: it is gone, or there is no file manager.
    """
    if not await in_thread(lambda: os.path.lexists(path)):
        raise UserFacingError(tr("{name} cannot be shown", name=path.name), tr("it is gone"))
    if await in_thread(lambda: _select(path)):
        return
    if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(path.parent))):
        raise UserFacingError(
            tr("The folder could not be opened"),
            tr("no file manager answered"),
            tr("It is {parent}.", parent=path.parent),
        )


def _select(path: Path) -> bool:
    """Ask the file manager to select a file; whether it did. Blocks."""
    try:
        if sys.platform == "darwin":
            return subprocess.run(["open", "-R", str(path)], check=False, timeout=10).returncode == 0
        if sys.platform == "win32":  # it returns 1 whatever happens
            subprocess.run(["explorer", f"/select,{path}"], check=False, timeout=10)
            return True
    except (OSError, subprocess.TimeoutExpired):
        return False
    return _select_over_bus(path)


def _select_over_bus(path: Path) -> bool:
    from PySide6.QtDBus import QDBus, QDBusConnection, QDBusMessage  # noqa: PLC0415 - not before it is asked for

    bus = QDBusConnection.sessionBus()
    if not bus.isConnected():
        return False
    message = QDBusMessage.createMethodCall(_SERVICE, "/org/freedesktop/FileManager1", _SERVICE, "ShowItems")
    message.setArguments([[bytes(QUrl.fromLocalFile(str(path)).toEncoded().data()).decode()], ""])
    answer = bus.call(message, QDBus.CallMode.Block, _ANSWERS_MS)
    return answer.type() is QDBusMessage.MessageType.ReplyMessage
