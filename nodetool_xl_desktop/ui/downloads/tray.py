"""What is seen of downloads outside of the window: a ring in the tray, the number on the task bar, the bar in a dock,
and a word when one is done while the person is elsewhere.

Nothing of it is made before the first download runs, and the icon is gone when the last has ended.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QColor, QGuiApplication, QIcon, QPainter, QPen, QPixmap
from PySide6.QtWidgets import QMenu, QSystemTrayIcon

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.ui.downloads.download_words import Total
from nodetool_xl_desktop.ui.parts import caption
from nodetool_xl_desktop.ui.tasks import Tasks, in_thread
from nodetool_xl_desktop.ui.theme import Theme

_SIZE = 64
#: How long the icon stays for what was told last: the system shows it about so long.
_TOLD_MS = 12_000
_LAUNCHER = "com.canonical.Unity.LauncherEntry"


class Tray(QObject):
    """Outside of the window.

    Args:
        theme: the theme in force.
        tasks: where docks are told.
        has_tray: whether this system has one.
    """

    #: Show the window, and the downloads in it.
    show_requested = Signal()
    pause_requested = Signal()
    resume_requested = Signal()
    quit_requested = Signal()

    def __init__(
        self, theme: Theme, tasks: Tasks, has_tray: Callable[[], bool] = QSystemTrayIcon.isSystemTrayAvailable
    ) -> None:
        super().__init__()
        self._theme = theme
        self._tasks = tasks
        self._has_tray = has_tray
        self._total = Total()
        self._drawn: tuple[int, bool] | None = None
        self._dock_wanted: tuple[int, bool] | None = None
        self._dock_task: asyncio.Task[None] | None = None
        self._badge = 0
        self.icon: QSystemTrayIcon | None = None
        self._menu: QMenu | None = None
        self._pause = QAction(tr("Pause All"), self)
        self._pause.triggered.connect(self._pause_or_resume)
        self._gone = QTimer(self)
        self._gone.setSingleShot(True)
        self._gone.timeout.connect(self._hide_if_idle)
        theme.changed.connect(self._draw_again)

    def show_total(self, total: Total) -> None:
        """Show what all downloads come to."""
        self._total = total
        if total.active:
            if (icon := self._made()) is not None:
                icon.setToolTip(tr("{words}\nNodeTool XL Desktop", words=total.words))
                self._pause.setText(tr("Pause All"))
                self._draw()
                icon.show()
        elif self.icon is not None:
            self._pause.setText(tr("Resume All"))
            if not self._gone.isActive():
                self._hide_if_idle()
        self._pause.setEnabled(bool(total.active or total.paused))
        self._show_badge(total.active)
        self._tell_dock(total.percent if total.active else 0, bool(total.active))

    def tell(self, title: str, text: str) -> bool:
        """Tell the person, who is elsewhere; returns whether the system could."""
        if (icon := self._made()) is None or not icon.supportsMessages():
            return False
        icon.show()
        icon.showMessage(title, text, QGuiApplication.windowIcon(), _TOLD_MS)
        self._gone.start(_TOLD_MS)
        return True

    def close(self) -> None:
        """The program ends."""
        self._gone.stop()
        self._show_badge(0)
        if self.icon is not None:
            self.icon.hide()
            self.icon.deleteLater()
            self.icon = None
        if self._menu is not None:
            self._menu.deleteLater()
            self._menu = None

    # The icon

    def _made(self) -> QSystemTrayIcon | None:
        if self.icon is None and self._has_tray():
            self._menu = menu = QMenu()
            for text, signal in ((tr("Show"), self.show_requested), ("", None), (tr("Quit"), self.quit_requested)):
                if signal is None:
                    menu.addAction(self._pause)
                else:
                    menu.addAction(caption(text)).triggered.connect(signal)
            self.icon = icon = QSystemTrayIcon(self)
            icon.setContextMenu(menu)
            icon.activated.connect(self._activated)
            icon.messageClicked.connect(self.show_requested)
            self._drawn = None
            self._draw()
        return self.icon

    def _activated(self, reason: QSystemTrayIcon.ActivationReason) -> None:
        if reason is QSystemTrayIcon.ActivationReason.Trigger:
            self.show_requested.emit()

    def _pause_or_resume(self) -> None:
        (self.pause_requested if self._total.active else self.resume_requested).emit()

    def _hide_if_idle(self) -> None:
        if self.icon is not None and not self._total.active:
            self.icon.hide()

    def _draw_again(self) -> None:
        self._drawn = None
        if self.icon is not None:
            self._draw()

    def _draw(self) -> None:
        wanted = (self._total.percent, bool(self._total.active))
        if self.icon is not None and wanted != self._drawn:
            self._drawn = wanted
            self.icon.setIcon(ring(self._theme, self._total.percent))

    # Task bar and docks

    def _show_badge(self, count: int) -> None:
        application = QGuiApplication.instance()
        if count != self._badge and isinstance(application, QGuiApplication):
            self._badge = count
            application.setBadgeNumber(count)

    def _tell_dock(self, percent: int, is_visible: bool) -> None:
        """Linux: the bar on the program's icon, where the dock draws one."""
        wanted = percent, is_visible
        if wanted == self._dock_wanted or not (has_dock() and (is_visible or self._dock_wanted)):
            return
        self._dock_wanted = wanted
        if self._dock_task is None or self._dock_task.done():
            self._dock_task = self._tasks.start(self._tell_dock_all())

    async def _tell_dock_all(self) -> None:
        """One after the other, the last one last; in a thread, as the first word connects."""
        name, told = QGuiApplication.desktopFileName(), None
        while (wanted := self._dock_wanted) is not None and wanted != told:
            told = wanted
            await in_thread(partial(tell_dock, name, *wanted))


def ring(theme: Theme, percent: int) -> QIcon:
    """A ring that is closed so far, around an arrow that points down."""
    picture = QPixmap(_SIZE, _SIZE)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    place = QRectF(6, 6, _SIZE - 12, _SIZE - 12)
    pen = QPen(QColor(theme.tokens.others), 9)
    painter.setPen(pen)
    painter.drawEllipse(place)
    pen.setColor(QColor(theme.tokens.accent))
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    painter.setPen(pen)
    if percent:
        painter.drawArc(place, 90 * 16, -round(percent * 3.6 * 16))
    theme.icon("arrow-down", "accent").paint(painter, picture.rect().adjusted(17, 17, -17, -17))
    painter.end()
    return QIcon(picture)


def has_dock() -> bool:
    """Whether there may be a dock that is told over D-Bus."""
    return sys.platform == "linux" and bool(os.environ.get("DBUS_SESSION_BUS_ADDRESS"))


def tell_dock(desktop_file: str, percent: int, is_visible: bool) -> bool:
    """Send a dock how far all is, as com.canonical.Unity.LauncherEntry says it; nobody need listen.

    Returns:
        Whether it was sent.
    """
    from PySide6.QtDBus import QDBusConnection, QDBusMessage  # noqa: PLC0415 - only where there is a bus

    message = QDBusMessage.createSignal("/com/nodetool/xl_desktop", _LAUNCHER, tr("Update"))
    told = {"progress": percent / 100, "progress-visible": is_visible}
    message.setArguments([f"application://{desktop_file}.desktop", told])
    return QDBusConnection.sessionBus().send(message)
