"""The Help menu: the doctor, the log, a report of a problem, what this program is; and how it ended the last time."""

from __future__ import annotations

import asyncio
import importlib.metadata
from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject, qVersion
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QPushButton, QWidget

from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.last_end import LastEnd
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.core.settings_file import Values
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.diagnosis.report import Facts, report
from nodetool_xl_desktop.engine.in_use import InUse
from nodetool_xl_desktop.engine.states import Ready, State
from nodetool_xl_desktop.ui.fit.fit_panel import FitPanel
from nodetool_xl_desktop.ui.notice import Notice
from nodetool_xl_desktop.ui.report.bugs import Bugs
from nodetool_xl_desktop.ui.report.report_dialog import ReportDialog, Told, not_opened, open_folder
from nodetool_xl_desktop.ui.tasks import Tasks, in_thread
from nodetool_xl_desktop.ui.theme import Theme


class HelpFlow(QObject):
    """Opens the dialogs of the Help menu.

    Args:
        theme: the theme in force.
        tasks: runs what takes time.
        paths: the program's folders.
        fit: knows the devices, and what the shown model takes.
        state: whether a model is loaded.
        values: the settings as they hold now.
        tell: hears what could not be done.
        window: over which the dialogs stand.

    Attributes:
        notice: says how the program ended the last time.
        bugs: hears of errors that nobody expected.
    """

    def __init__(  # noqa: PLR0913 - what the dialogs name
        self,
        *,
        theme: Theme,
        tasks: Tasks,
        paths: Paths,
        fit: FitPanel,
        state: Callable[[], State],
        values: Callable[[], Values],
        tell: Callable[[UserFacingError], object],
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._theme, self._tasks, self._paths = theme, tasks, paths
        self._fit, self._state, self._values, self._tell, self._window = fit, state, values, tell, window
        self._crash: LastEnd | None = None
        self.notice = Notice()
        self._dismiss = QPushButton(tr("Dismiss"))
        self._dismiss.setProperty("kind", "link")
        self._dismiss.clicked.connect(self.notice.hide)
        self.notice.buttons.addWidget(self._dismiss)
        self.notice.remedy_requested.connect(self._report_crash)
        self.bugs = Bugs(self._open, window)
        self._about: asyncio.Task[None] | None = None

    def show_doctor(self) -> None:
        """Look at this installation."""
        from nodetool_xl_desktop.ui.report.doctor_dialog import DoctorDialog  # noqa: PLC0415 - when it is wanted

        DoctorDialog(self._tasks, self._paths, self._window).open()

    def show_log_folder(self) -> None:
        """Show where the log lies."""
        if not open_folder(self._paths.logs):
            self._tell(not_opened(self._paths.logs))

    def report(self) -> None:
        """Write a report without an error."""
        self._open(
            Told(
                tr("Report a Problem"),
                tr("Copy this report to where you tell of the problem."),
                tr("Say with it what you did, what you expected, and what happened instead."),
            ),
            "",
        )

    def show_about(self) -> None:
        """Say what this program is."""
        if self._about is None or self._about.done():  # asked for twice, it comes once
            self._about = self._tasks.start(self._show_about())

    def tell_last_end(self, ended: LastEnd) -> None:
        """Say how the program ended the last time, where that was a crash."""
        if ended.was_crash:
            self._crash = ended
            self.notice.tell(
                tr("The program ended unexpectedly the last time."),
                tr("Your chats are here. A report can help to mend it; nothing is sent by itself."),
                tone="plain",
                remedy=tr("Show Report"),
            )

    async def _show_about(self) -> None:
        from nodetool_xl_desktop.ui.report.about_dialog import AboutDialog  # noqa: PLC0415 - when it is wanted

        engine = await in_thread(_engine)
        AboutDialog(self._theme, self._tasks, self._paths, engine, self._window).open()

    def _report_crash(self) -> None:
        crash = self._crash
        self.notice.hide()
        if crash is None:
            return
        told = Told(
            tr("The Last End"),
            tr("The program ended unexpectedly the last time."),
            tr(
                "Something in its compiled parts failed. Your chats are there; an answer that was coming "
                "may lack its end."
            ),
        )
        self._open(told, "", crash.told)

    def _open(self, told: Told, happened: str, crash: Callable[[], str] = str) -> ReportDialog:
        facts = partial(self._facts, self._model(), self._devices(), self._values(), _qt(self._window))
        write = lambda: report(self._paths, facts(), happened, crash())  # noqa: E731 - in a thread
        dialog = ReportDialog(told, self._tasks, write, self._paths.logs, self._window)
        dialog.open()
        return dialog

    @staticmethod
    def _facts(model: str, devices: list[str], values: Values, qt: str) -> Facts:
        """In a thread."""
        return Facts(qt, _engine(), devices, model, values)

    def _devices(self) -> list[str]:
        return [
            f"{device.name} ({units.memory(device.total)})" if device.total is not None else device.name
            for device in self._fit.machine.devices
        ]

    def _model(self) -> str:
        report_now, state = self._fit.report, self._state()
        if not isinstance(state, Ready) or report_now is None or state.model not in report_now.header.files:
            return "one is loaded" if isinstance(state, Ready) else ""
        header = report_now.header
        return f"{header.architecture}, {header.quantization}, {units.memory(report_now.need.total)}"


def _engine() -> str:
    """Which engine runs; touches the disk."""
    if (chosen := InUse.look()) is not None:
        return chosen.title
    try:
        return f"xllamacpp {importlib.metadata.version('xllamacpp')}"
    except importlib.metadata.PackageNotFoundError:
        return tr("none is installed")


def _qt(window: QWidget) -> str:
    ratio = window.devicePixelRatioF()
    return f"{qVersion()}, {QGuiApplication.platformName()}, {window.width()}x{window.height()} at {ratio:g}"
