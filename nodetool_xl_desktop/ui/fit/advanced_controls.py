"""What few people turn: folded away until somebody unfolds it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAccessibleInterface
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.fit.options import LoadOptions
from nodetool_xl_desktop.preview.choice import Choice
from nodetool_xl_desktop.ui.accessible import Disclosure, tell_opened
from nodetool_xl_desktop.ui.fit.vision_control import VisionControl
from nodetool_xl_desktop.ui.inputs import Check, Combo, NumberField
from nodetool_xl_desktop.ui.parts import field, label
from nodetool_xl_desktop.ui.theme import SPACE_M, SPACE_S, Theme

FIELD_WIDTH = 104
FLASH = {tr("auto"): None, tr("on"): True, tr("off"): False}
#: Settings that are numbers: name, title, least and most, and what it is about.
NUMBERS = (
    (
        "batch",
        tr("Batch Size"),
        1,
        65_536,
        tr("Tokens of a prompt that are worked through at once; Stop is felt after each"),
    ),
    ("parallel", tr("Parallel"), 1, 256, tr("Chats that are answered side by side, each with the whole context")),
    ("threads", tr("Threads"), 1, 4096, tr("Processor threads; one core less than there are leaves room for all else")),
    ("cpu_moe", tr("Experts on CPU"), 0, 1024, tr("Of so many layers, the experts stay with the processor")),
)
CHECKS = (
    (
        "mmap",
        tr("Map the file (mmap)"),
        tr("Weights of the processor stay in the file, and are read as they are needed"),
    ),
    ("mlock", tr("Keep in Memory (mlock)"), tr("Weights are never swapped out")),
)


class AdvancedControls(QWidget):
    """The rest of the settings, with the buttons that go back to the defaults and that measure."""

    #: Settings by name, with what the person wants of them.
    changed = Signal(dict)
    reset_requested = Signal()
    tune_requested = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._fold = _dressed(_Fold(tr("Advanced")), tr("Show or hide the other settings"))
        self._reset = _dressed(QPushButton(tr("Reset")), tr("Go back to the defaults of this model"))
        tip = tr("Measure which settings make this model fast on this machine")
        self.tune = _dressed(QPushButton(tr("Tune ...")), tip)
        self._form = QWidget()
        self._fill_form()
        head = QHBoxLayout()
        head.setSpacing(SPACE_M)
        head.addWidget(self._fold)
        head.addStretch()
        head.addWidget(self._reset)
        head.addWidget(self.tune)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE_S)
        layout.addLayout(head)
        layout.addWidget(self._form)
        self._form.hide()
        self._fold.toggled.connect(self._folded)
        self._reset.clicked.connect(self.reset_requested)
        self.tune.clicked.connect(self.tune_requested)
        theme.changed.connect(self._show_icons)
        self._show_icons()

    def show_choice(self, choice: Choice, options: LoadOptions, *, has_devices: bool) -> None:
        """Show how the model would be loaded."""
        kinds = {kind: kind for kind in choice.kv_types}
        self._types["kv_type_k"].show_values(kinds | {options.kv_type_k: options.kv_type_k}, options.kv_type_k)
        self._types["kv_type_v"].show_values(kinds | {options.kv_type_v: options.kv_type_v}, options.kv_type_v)
        flash = next(name for name, value in FLASH.items() if value is options.flash_attention)
        self._flash.show_values(
            {name: name for name in FLASH if FLASH[name] is not None or choice.can_flash_be_auto}, flash
        )
        for name, number in self._numbers.items():
            number.show_value(getattr(options, name))
        layers = choice.layers_with_experts
        self._numbers["cpu_moe"].setMaximum(max(layers, options.cpu_moe))
        for part in self._experts_row:
            part.setVisible(bool(layers) and has_devices)
        for name, check in self._checks.items():
            check.show_value(getattr(options, name))
        self.vision.show_choice(choice, options)
        self._reset.setVisible(choice.is_changed)

    @property
    def inputs(self) -> tuple[QWidget, ...]:
        """What the tab key goes through, in the order in which they are seen."""
        controls = (*self._types.values(), self._flash, *self._numbers.values(), *self._checks.values())
        return (self._fold, self._reset, self.tune, *controls, *self.vision.inputs)

    # How it is made

    def _fill_form(self) -> None:
        self._grid = QGridLayout(self._form)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setVerticalSpacing(SPACE_S - 2)
        self._grid.setColumnStretch(0, 1)
        self._types = {
            name: Combo(self._theme, tr("KV Cache {title}", title=title))
            for name, title in (("kv_type_k", tr("K Type")), ("kv_type_v", tr("V Type")))
        }
        self._flash = Combo(self._theme, tr("Flash Attention"))
        for name, combo in self._types.items():
            self._row(combo.accessibleName(), combo, tr("What the context is kept as"))
            combo.currentIndexChanged.connect(
                lambda _index, name=name, combo=combo: self.changed.emit({name: combo.value})
            )
        self._row(tr("Flash Attention"), self._flash, tr("Less memory and more speed, where the device can"))
        self._flash.currentIndexChanged.connect(
            lambda _index: self.changed.emit({"flash_attention": FLASH[self._flash.value]})
        )
        self._numbers: dict[str, NumberField] = {}
        for name, title, least, most, tip in NUMBERS:
            number = self._numbers[name] = NumberField(title)
            number.setRange(least, most)
            row = self._row(title, number, tip)
            if name == "cpu_moe":
                self._experts_row = row
            number.valueChanged.connect(lambda value, name=name: self.changed.emit({name: value}))
        self._checks: dict[str, Check] = {}
        for name, title, tip in CHECKS:
            check = self._checks[name] = Check(self._theme, title)
            check.setToolTip(tip)
            self._grid.addWidget(check, self._grid.rowCount(), 0, 1, 2)
            check.toggled.connect(lambda value, name=name: self.changed.emit({name: value}))
        self.vision = VisionControl(self._theme)
        self._grid.addWidget(self.vision, self._grid.rowCount(), 0, 1, 2)
        self.vision.changed.connect(lambda projector: self.changed.emit({"projector": projector}))

    def _row(self, title: str, control: QWidget, tip: str) -> tuple[QWidget, ...]:
        words = label(title)
        words.setBuddy(control)
        words.setToolTip(tip)
        control.setToolTip(tip)
        place = field(control)
        place.setFixedWidth(FIELD_WIDTH)
        row = self._grid.rowCount()
        self._grid.addWidget(words, row, 0)
        self._grid.addWidget(place, row, 1, Qt.AlignmentFlag.AlignRight)
        return words, place

    def _folded(self, is_open: bool) -> None:
        self._form.setVisible(is_open)
        self._show_icons()
        tell_opened(self._fold)

    def _show_icons(self) -> None:
        self._fold.setIcon(self._theme.icon("caret-down" if self._fold.isChecked() else "caret-right"))
        self._reset.setIcon(self._theme.icon("arrow-counter-clockwise"))
        self.tune.setIcon(self._theme.icon("gauge"))


class _Fold(QPushButton):
    """Opens and closes the settings below it."""

    def __init__(self, text: str) -> None:
        super().__init__()  # with a text, Qt would ask what it is before it is anything
        self.setText(text)
        self.setCheckable(True)

    def accessible(self) -> QAccessibleInterface:
        """What a screen reader is told of it: whether it is open."""
        return Disclosure(self)


def _dressed(button: QPushButton, tip: str) -> QPushButton:
    button.setProperty("kind", "quiet")
    button.setToolTip(tip)
    return button
