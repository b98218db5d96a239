"""The page of the engine: which one runs and on what, which would suit this machine, and the ones that are installed.

It takes values and asks; `EngineFlow` does what is asked. It lies in the settings.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.text import one_line
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.engine.engines import Installed
from nodetool_xl_desktop.fit.memory import Device
from nodetool_xl_desktop.ui.engine import engine_words as words
from nodetool_xl_desktop.ui.engine.engine_row import EngineRow
from nodetool_xl_desktop.ui.engine.engine_state import EngineState
from nodetool_xl_desktop.ui.notice import Notice
from nodetool_xl_desktop.ui.parts import ElidedLabel, GivingLabel, card_layout, figure, fold, label, set_tip
from nodetool_xl_desktop.ui.theme import SPACE_L, SPACE_M, SPACE_S, SPACE_XS


class EnginePage(QWidget):
    """Shows the engines."""

    #: It is seen: it wants values.
    seen = Signal()
    #: Have this one run (an `Installed`); None for the program's own.
    use_requested = Signal(object)
    #: Delete this one.
    remove_requested = Signal(object)
    file_requested = Signal()
    #: From this address; empty where the person shall name one.
    address_requested = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.state = EngineState()
        self.notice = Notice()
        self.install = QPushButton(tr("Install ..."))
        self.from_file = QPushButton(tr("Install from File ..."))
        self.from_address = QPushButton(tr("Install from Address ..."))
        self._title, self._build, self._origin = GivingLabel("title"), label(), ElidedLabel("note")
        self._build.setProperty("pill", "quiet")
        self._devices = QVBoxLayout()
        self._devices_say = label("", "note", wrap=True)
        self._suits, self._why = label("", "strong", wrap=True), label("", "note", wrap=True)
        self._command = label("", wrap=True, selects=True)
        self._rows = QVBoxLayout()
        self.rows: list[EngineRow] = []
        self._lay_out()
        self._connect()
        self.setFocusProxy(self.from_file)

    def _connect(self) -> None:
        self.from_file.clicked.connect(self.file_requested)
        self.from_address.clicked.connect(lambda: self.address_requested.emit(""))
        self.install.clicked.connect(self._install)
        self.notice.remedy_requested.connect(lambda: self.use_requested.emit(None))

    def _install(self) -> None:
        if self.state.wheel is not None:
            self.address_requested.emit(self.state.wheel.index)

    # What it looks like

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_M)
        layout.addWidget(self.notice)
        layout.addWidget(self._make_running())
        layout.addWidget(self._make_suiting())
        layout.addWidget(self._make_list())
        layout.addStretch()

    def _make_running(self) -> QWidget:
        card = QFrame()
        inside = card_layout(card)
        self._head = head = QHBoxLayout()
        head.setSpacing(SPACE_S)
        head.addWidget(self._title, 0, Qt.AlignmentFlag.AlignLeft)
        head.addWidget(self._build, 0, Qt.AlignmentFlag.AlignLeft)
        head.addStretch()
        inside.addWidget(label(tr("In Use"), "author"))
        inside.addLayout(head)
        inside.addWidget(self._origin)
        inside.addSpacing(SPACE_XS)
        self._devices.setSpacing(SPACE_XS)
        inside.addLayout(self._devices)
        inside.addWidget(self._devices_say)
        return card

    def _make_suiting(self) -> QWidget:
        card = QFrame()
        inside = card_layout(card)
        inside.addWidget(label(tr("For This Machine"), "author"))
        row = QHBoxLayout()
        row.setSpacing(SPACE_M)
        said = QVBoxLayout()
        said.setSpacing(SPACE_XS)
        said.addWidget(self._suits)
        said.addWidget(self._why)
        row.addLayout(said, 1)
        row.addWidget(self.install, 0, Qt.AlignmentFlag.AlignVCenter)
        inside.addLayout(row)
        self._command.setObjectName("command")
        self._command.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        inside.addWidget(self._command)
        self.install.setProperty("kind", "primary")
        return card

    def _make_list(self) -> QWidget:
        card = QFrame()
        inside = card_layout(card)
        inside.addWidget(label(tr("Engines"), "author"))
        self._rows.setSpacing(0)
        inside.addLayout(self._rows)
        note = tr(
            "Another engine is used from the next load on. A model that is loaded keeps the one that it was loaded "
            "with until it is ejected."
        )
        inside.addWidget(label(note, "note", wrap=True))
        self._buttons = buttons = QHBoxLayout()
        buttons.setContentsMargins(0, SPACE_S, 0, 0)
        buttons.setSpacing(SPACE_S)
        buttons.addWidget(self.from_file, 0, Qt.AlignmentFlag.AlignLeft)
        buttons.addWidget(self.from_address, 0, Qt.AlignmentFlag.AlignLeft)
        buttons.addStretch()
        inside.addLayout(buttons)
        return card

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Put below each other what has no room beside each other."""
        room = self.width() - 2 * (SPACE_L + SPACE_S)
        fold(self._buttons, [self.from_file, self.from_address], room)
        fold(self._head, [self._title, self._build], room)

    # What it shows

    def show_state(self, state: EngineState) -> None:
        """Show these engines."""
        self.state = state
        self._title.setText(words.title(state.runs, state.built_in))
        pill = words.build(state.runs) if state.runs is not None or state.built_in else ""
        self._build.setText(pill)
        self._build.setVisible(bool(pill))
        self._fit()
        origin = words.origin(state.runs) if pill or state.runs is not None else tr("Models cannot be loaded.")
        self._origin.setText(origin)
        set_tip(self._origin, origin if state.runs is not None else "")
        self._show_suiting(state)
        self._show_rows(state)
        if state.why_not is not None:
            self.notice.tell_error(state.why_not, remedy=tr("Use the Built-in Engine") if state.built_in else "")
        else:
            self.notice.hide()

    def show_devices(self, devices: Sequence[Device] | None, problem: UserFacingError | None = None) -> None:
        """Show what the engine computes on; None while it is asked, with a problem where it does not say."""
        while (item := self._devices.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        for device in devices or ():
            self._devices.addWidget(_device_row(device))
        if problem is not None:
            said = str(problem)
        elif devices is None:
            said = tr("Asking it what it computes on ...")
        elif all(device.kind == "cpu" for device in devices):
            said = tr("It computes on the processor, and sees no graphics card.")
        else:
            said = ""
        self._devices_say.setText(said)
        self._devices_say.setVisible(bool(said))

    def _show_suiting(self, state: EngineState) -> None:
        wheel = state.wheel
        self._suits.setText(wheel.title if wheel is not None else " ")
        why = "" if wheel is None else wheel.why
        self._why.setText(
            tr("The engine in use is the one that suits it: {why}.", why=why)
            if state.suits
            else tr("This build would suit it: {why}.", why=why)
        )
        offers = wheel is not None and bool(wheel.index) and not state.suits
        self.install.setVisible(offers)
        if wheel is not None and offers:
            self.install.setAccessibleDescription(tr("From {host}", host=words.host(wheel.index)))
        # Without any engine, and with none to fetch by the program itself, the line to type is what helps.
        needs_line = wheel is not None and not wheel.index and not state.built_in and state.runs is None
        self._command.setText(wheel.command if wheel is not None and needs_line else "")
        self._command.setVisible(needs_line)

    def _show_rows(self, state: EngineState) -> None:
        focused = next((row.key for row in self.rows if row.isAncestorOf(self.focusWidget() or self)), None)
        for row in self.rows:
            row.hide()
            row.deleteLater()
        engines: list[Installed | None] = [*([None] if state.built_in else []), *state.installed]
        self.rows = [EngineRow(engine, state.built_in, is_used=engine == state.runs) for engine in engines]
        for number, row in enumerate(self.rows):
            row.setProperty("first", "true" if number == 0 else "false")
            row.use.clicked.connect(lambda _checked=False, engine=row.engine: self.use_requested.emit(engine))
            row.remove.clicked.connect(lambda _checked=False, engine=row.engine: self.remove_requested.emit(engine))
            self._rows.addWidget(row)
            before = self.rows[number - 1].remove if number else self.install
            QWidget.setTabOrder(before, row.use)
            QWidget.setTabOrder(row.use, row.remove)
        if self.rows:
            QWidget.setTabOrder(self.rows[-1].remove, self.from_file)
        QWidget.setTabOrder(self.from_file, self.from_address)
        if focused is not None:
            self._focus_again(focused)

    def _focus_again(self, key: str) -> None:
        """The keys stay where they were, as near as that can be."""
        row = next((row for row in self.rows if row.key == key), None)
        target = self.from_file if row is None else row.focus_target
        (target or self.from_file).setFocus(Qt.FocusReason.OtherFocusReason)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.seen.emit()


def _device_row(device: Device) -> QWidget:
    row = QWidget()
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(SPACE_L)
    name = label(one_line(device.name, 24), "strong")
    name.setMinimumWidth(72)
    description = ElidedLabel()
    description.setText(one_line(device.description, 200))
    memory = figure(words.memory(device), "note", gives=True)
    layout.addWidget(name)
    layout.addWidget(description, 1)
    layout.addWidget(memory)
    return row
